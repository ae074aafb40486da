/*
 * config.c -- configuration: the files in their order, and what they say.
 */
#include "common/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/config_parts.h"
#include "gapferry/file.h"

/* ---- files ---- */

static int fail_open(const char *path, struct gf_err *e) {
    return gf_err_set(e, GF_E_CONFIG, "%s: cannot be read: %s", path, strerror(errno));
}

static int fail_missing(const char *path, struct gf_err *e) {
    return gf_err_set(e, GF_E_CONFIG,
                      "%s: is missing, and what it forbids with it; put it back, or make an empty "
                      "file if that is meant (`config show` then says what is in force)",
                      path);
}

/* Who may write here decides what leaves the site. */
static int check_mode(const char *path, const struct stat *st, struct gf_err *e) {
    if ((st->st_mode & S_IWOTH) != 0)
        return gf_err_set(e, GF_E_CONFIG,
                          "%s: everybody may write it; chmod o-w it, and look at what it says",
                          path);
    return 0;
}

static int load_file(struct config *c, int dir, const char *name, const char *path,
                     struct gf_err *e) {
    struct stat st;
    char *text = NULL;
    int rc = -1;
    /* Not to hang on a FIFO. */
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd == -1)
        return errno == ENOENT ? fail_missing(path, e) : fail_open(path, e);
    if (fstat(fd, &st) == -1) {
        (void)fail_open(path, e);
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        (void)gf_err_set(e, GF_E_CONFIG, "%s: is not a regular file", path);
        goto out;
    }
    if (check_mode(path, &st, e) == -1)
        goto out;
    text = malloc(CONFIG_FILE_MAX + 1);
    if (!text) {
        (void)gf_err_set(e, GF_E_SYSTEM, "%s: no memory", path);
        goto out;
    }
    ssize_t n = gf_file_read(fd, text, CONFIG_FILE_MAX + 1);
    if (n == -1)
        (void)gf_err_errno(e, "%s: cannot be read", path);
    else if (n > CONFIG_FILE_MAX)
        (void)gf_err_set(e, GF_E_CONFIG, "%s: is larger than %d bytes", path, CONFIG_FILE_MAX);
    else
        rc = config_parse(c, path, text, (size_t)n, e);
out:
    free(text);
    (void)close(fd);
    return rc;
}

static int is_dropin(const struct dirent *entry) {
    size_t len = strlen(entry->d_name);

    return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".conf") == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_dropins(struct config *c, const char *path, struct gf_err *e) {
    struct dirent **names = NULL;
    struct stat st;
    size_t room = strlen(path) + 300;
    char *text = malloc(room);
    int rc = -1;
    int dir = -1;
    int n = 0;

    if (!text)
        return gf_err_set(e, GF_E_SYSTEM, "%s: no memory", path);
    (void)snprintf(text, room, "%s.d", path);
    dir = open(text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir == -1) {
        rc = errno == ENOENT ? 0 : fail_open(text, e);
        goto out;
    }
    n = scandirat(dir, ".", &names, is_dropin, by_bytes);
    if (n == -1 || fstat(dir, &st) == -1) {
        (void)fail_open(text, e);
        goto out;
    }
    if (n > CONFIG_DROPINS_MAX) {
        (void)gf_err_set(e, GF_E_CONFIG, "%s: holds more than %d files", text, CONFIG_DROPINS_MAX);
        goto out;
    }
    rc = check_mode(text, &st, e);
    for (int i = 0; i < n && rc == 0; i++) {
        (void)snprintf(text, room, "%s.d/%s", path, names[i]->d_name);
        rc = load_file(c, dir, names[i]->d_name, text, e);
    }
out:
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
    if (dir != -1)
        (void)close(dir);
    free(text);
    return rc;
}

int config_load(const char *path, const struct config_key *keys, struct config **out,
                struct gf_err *e) {
    struct config *c = calloc(1, sizeof *c);

    if (!c)
        return gf_err_set(e, GF_E_SYSTEM, "%s: no memory", path);
    c->keys = keys;
    if (load_file(c, AT_FDCWD, path, path, e) == -1 || load_dropins(c, path, e) == -1) {
        config_free(c);
        return -1;
    }
    *out = c;
    return 0;
}

void config_free(struct config *c) {
    if (!c)
        return;
    for (size_t i = 0; i < c->nitems; i++) {
        free(c->items[i].value);
        free(c->items[i].origin);
    }
    for (size_t i = 0; i < c->nsections; i++) {
        free(c->sections[i].name);
        free(c->sections[i].origin);
    }
    free(c->items);
    free(c->sections);
    free(c);
}

/* ---- what they say ---- */

struct config_item *config_item(const struct config *c, const struct config_key *key,
                                const char *name) {
    for (size_t i = 0; i < c->nitems; i++) {
        struct config_item *item = &c->items[i];
        if (item->key == key && (!name || strcmp(item->name, name) == 0))
            return item;
    }
    return NULL;
}

static const struct config_key *key_of(const struct config *c, const char *section,
                                       const char *name, const char *key) {
    for (const struct config_key *k = c->keys; k->section; k++) {
        if (strcmp(k->section, section) == 0 && k->named == (name != NULL) &&
            strcmp(k->key, key) == 0)
            return k;
    }
    abort();
}

const char *config_get(const struct config *c, const char *section, const char *name,
                       const char *key) {
    const struct config_key *k = key_of(c, section, name, key);
    const struct config_item *item = config_item(c, k, name);

    return item && item->value ? item->value : k->fallback;
}

const char *config_origin(const struct config *c, const char *section, const char *name,
                          const char *key) {
    const struct config_item *item = config_item(c, key_of(c, section, name, key), name);

    return item && item->value ? item->origin : "default";
}

const char *config_emptied(const struct config *c, const char *section, const char *name,
                           const char *key) {
    const struct config_item *item = config_item(c, key_of(c, section, name, key), name);

    return item && !item->value ? item->origin : NULL;
}

const char *config_name(const struct config *c, const char *section, size_t i) {
    for (size_t at = 0; at < c->nsections; at++) {
        if (strcmp(c->sections[at].section, section) == 0 && i-- == 0)
            return c->sections[at].name;
    }
    return NULL;
}

const char *config_where(const struct config *c, const char *section, const char *name) {
    for (size_t i = 0; i < c->nsections; i++) {
        if (strcmp(c->sections[i].section, section) == 0 && strcmp(c->sections[i].name, name) == 0)
            return c->sections[i].origin;
    }
    return "default";
}

/* ---- typed values ---- */

/* A value that is not what it should be. */
static int fail_value(const struct config *c, const char *section, const char *name,
                      const char *key, const char *rule, struct gf_err *e) {
    return gf_err_set(e, GF_E_CONFIG, "%s: [%s%s%s%s] %s = %s: must be %s",
                      config_origin(c, section, name, key), section, name ? " \"" : "",
                      name ? name : "", name ? "\"" : "", key, config_get(c, section, name, key),
                      rule);
}

/* Digits only, at most max; the rest of the text in *rest. 0 or -1. */
static int digits(const char *s, int64_t max, int64_t *out, const char **rest) {
    int64_t n = 0;

    if (*s < '0' || *s > '9')
        return -1;
    for (; *s >= '0' && *s <= '9'; s++) {
        if (n > (max - (*s - '0')) / 10)
            return -1;
        n = 10 * n + (*s - '0');
    }
    *out = n;
    *rest = s;
    return 0;
}

int config_int(const struct config *c, const char *section, const char *name, const char *key,
               int64_t min, int64_t max, int64_t *out, struct gf_err *e) {
    const char *s = config_get(c, section, name, key);
    const char *rest;
    int64_t n;
    char rule[80];

    if (!s)
        return 0;
    int minus = s[0] == '-';
    if (digits(s + minus, INT64_MAX, &n, &rest) == 0 && *rest == '\0') {
        n = minus ? -n : n;
        if (n >= min && n <= max) {
            *out = n;
            return 1;
        }
    }
    (void)snprintf(rule, sizeof rule, "a whole number from %lld to %lld", (long long)min,
                   (long long)max);
    return fail_value(c, section, name, key, rule, e);
}

int config_bool(const struct config *c, const char *section, const char *name, const char *key,
                int *out, struct gf_err *e) {
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    const char *s = config_get(c, section, name, key);

    if (!s)
        return 0;
    for (int i = 0; i < 8; i++) {
        if (strcmp(s, words[i]) == 0) {
            *out = i % 2;
            return 1;
        }
    }
    return fail_value(c, section, name, key, "yes or no", e);
}

int config_span_text(const char *text, int64_t *out) {
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
    const char *rest;
    int64_t n;

    /* A century of weeks, so that sums of spans and times never overflow. */
    if (digits(text, 5200L * 7 * 86400, &n, &rest) == -1)
        return -1;
    if (n == 0 && *rest == '\0') {
        *out = 0;
        return 0;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (*rest == units[i].unit && rest[1] == '\0' &&
            n <= 5200L * 7 * 86400 / units[i].seconds) {
            *out = n * units[i].seconds;
            return 0;
        }
    }
    return -1;
}

int config_span(const struct config *c, const char *section, const char *name, const char *key,
                int64_t *out, struct gf_err *e) {
    const char *s = config_get(c, section, name, key);

    if (!s)
        return 0;
    if (config_span_text(s, out) == 0)
        return 1;
    return fail_value(c, section, name, key,
                      "a time span such as 90s, 15m, 12h, 14d or 2w, of at most 5200w", e);
}

int config_size(const struct config *c, const char *section, const char *name, const char *key,
                int64_t *out, struct gf_err *e) {
    static const char units[] = "KMGT";
    const char *s = config_get(c, section, name, key);
    const char *rest;
    int64_t n;

    if (!s)
        return 0;
    if (digits(s, INT64_MAX, &n, &rest) == 0) {
        const char *unit = *rest ? strchr(units, *rest) : NULL;
        int shift = unit ? 10 * (int)(unit - units + 1) : 0;
        if ((*rest == '\0' || (unit && rest[1] == '\0')) && n <= INT64_MAX >> shift) {
            *out = n << shift;
            return 1;
        }
    }
    return fail_value(c, section, name, key,
                      "a size in bytes such as 65536, 512K, 64M, 4G or 1T (of 1024 each)", e);
}

int config_enum(const struct config *c, const char *section, const char *name, const char *key,
                const char *const *words, int *out, struct gf_err *e) {
    const char *s = config_get(c, section, name, key);
    char rule[256] = "";

    if (!s)
        return 0;
    for (int i = 0; words[i]; i++) {
        if (strcmp(s, words[i]) == 0) {
            *out = i;
            return 1;
        }
        size_t len = strlen(rule);
        (void)snprintf(rule + len, sizeof rule - len, "%s%s",
                       i == 0 ? "" : (words[i + 1] ? ", " : " or "), words[i]);
    }
    return fail_value(c, section, name, key, rule, e);
}
