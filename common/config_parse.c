/*
 * config_parse.c -- the lines of a configuration file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config_parts.h"
#include "common/nearest.h"
#include "gapferry/text.h"

/* One line on its way through. */
struct line {
    struct config *c;
    const char *path;
    size_t number;
    char text[CONFIG_LINE_MAX + 1];
    const char *section; /* of the table; NULL before the first header */
    char *name;          /* of the named section we are in; owned by the config */
};

static int no_memory(const struct line *l, struct gf_err *e) {
    return gf_err_set(e, GF_E_SYSTEM, "%s: no memory", l->path);
}

/* In place; returns the first byte that counts. */
static char *trim(char *s) {
    s += strspn(s, " \t");
    size_t n = strlen(s);
    while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        s[--n] = '\0';
    return s;
}

/* FILE:LINE; the caller's own. NULL: no memory. */
static char *origin_of(const struct line *l) {
    size_t room = strlen(l->path) + 32;
    char *origin = malloc(room);

    if (origin)
        (void)snprintf(origin, room, "%s:%zu", l->path, l->number);
    return origin;
}

/* ---- sections ---- */

static int fail_section(const struct line *l, const char *typed, struct gf_err *e) {
    const char *near = NULL;
    size_t best = (size_t)-1;

    for (const struct config_key *k = l->c->keys; k->section; k++) {
        if (nearest_is(typed, k->section, &best))
            near = k->section;
    }
    if (near)
        return gf_err_set(e, GF_E_CONFIG, "%s:%zu: unknown section [%s]; did you mean [%s]?",
                          l->path, l->number, typed, near);
    char all[200] = "";
    for (const struct config_key *k = l->c->keys; k->section; k++) {
        size_t len = strlen(all);
        if (k == l->c->keys || strcmp(k->section, k[-1].section) != 0)
            (void)snprintf(all + len, sizeof all - len, " [%s%s]", k->section,
                           k->named ? " \"NAME\"" : "");
    }
    return gf_err_set(e, GF_E_CONFIG, "%s:%zu: unknown section [%s]; there are%s", l->path,
                      l->number, typed, all);
}

/* Find or add [section "NAME"]; the name is then the config's own. */
static int enter_named(struct line *l, const char *section, const char *name, struct gf_err *e) {
    struct config *c = l->c;

    l->section = section;
    for (size_t i = 0; i < c->nsections; i++) {
        if (strcmp(c->sections[i].section, section) == 0 &&
            strcmp(c->sections[i].name, name) == 0) {
            l->name = c->sections[i].name;
            return 0;
        }
    }
    if (c->nsections == CONFIG_SECTIONS_MAX)
        return gf_err_set(e, GF_E_CONFIG, "%s:%zu: more than %d named sections", l->path, l->number,
                          CONFIG_SECTIONS_MAX);
    if (!c->sections)
        c->sections = calloc(CONFIG_SECTIONS_MAX, sizeof *c->sections);
    l->name = c->sections ? strdup(name) : NULL;
    char *origin = l->name ? origin_of(l) : NULL;
    if (!origin) {
        free(l->name);
        return no_memory(l, e);
    }
    c->sections[c->nsections++] = (struct config_section){section, l->name, origin};
    return 0;
}

/* The NAME in quotes that follows the word of a header; cut out in place. */
static int read_name(const struct line *l, char *rest, char **name, struct gf_err *e) {
    char *close = rest[0] == '"' ? strchr(rest + 1, '"') : NULL;

    if (!close || close[1] != '\0' || close == rest + 1 || strchr(rest, '\\'))
        return gf_err_set(
            e, GF_E_CONFIG,
            "%s:%zu: a section is [word] or [word \"NAME\"], and NAME has no quotes or "
            "backslashes",
            l->path, l->number);
    *close = '\0';
    *name = rest + 1;
    if (strlen(*name) > CONFIG_NAME_MAX)
        return gf_err_set(e, GF_E_CONFIG, "%s:%zu: the section's name is longer than %d bytes",
                          l->path, l->number, CONFIG_NAME_MAX);
    return 0;
}

static int read_header(struct line *l, char *s, struct gf_err *e) {
    size_t len = strlen(s);
    char *name = NULL;

    if (s[len - 1] != ']')
        return gf_err_set(e, GF_E_CONFIG, "%s:%zu: a section's header ends with ]", l->path,
                          l->number);
    s[len - 1] = '\0';
    s = trim(s + 1);
    char *end = s + strcspn(s, " \t\"");
    char *rest = end + strspn(end, " \t");
    if (*rest != '\0' && read_name(l, rest, &name, e) == -1)
        return -1;
    *end = '\0';

    const struct config_key *found = NULL;
    for (const struct config_key *k = l->c->keys; k->section; k++) {
        if (strcmp(k->section, s) != 0)
            continue;
        found = k;
        if (k->named != (name != NULL))
            continue;
        if (name)
            return enter_named(l, k->section, name, e);
        l->section = k->section;
        l->name = NULL;
        return 0;
    }
    if (!found)
        return fail_section(l, s, e);
    if (name)
        return gf_err_set(e, GF_E_CONFIG, "%s:%zu: section [%s] has no name; write [%s]", l->path,
                          l->number, s, s);
    return gf_err_set(e, GF_E_CONFIG, "%s:%zu: section [%s] needs a name; write [%s \"NAME\"]",
                      l->path, l->number, s, s);
}

/* ---- values ---- */

static int fail_key(const struct line *l, const char *typed, struct gf_err *e) {
    const char *near = NULL;
    const char *elsewhere = NULL;
    size_t best = (size_t)-1;

    for (const struct config_key *k = l->c->keys; k->section; k++) {
        int here = strcmp(k->section, l->section) == 0 && k->named == (l->name != NULL);
        if (here && nearest_is(typed, k->key, &best))
            near = k->key;
        if (!here && strcmp(typed, k->key) == 0)
            elsewhere = k->section;
    }
    if (near)
        return gf_err_set(e, GF_E_CONFIG, "%s:%zu: unknown key %s in [%s]; did you mean %s?",
                          l->path, l->number, typed, l->section, near);
    if (elsewhere)
        return gf_err_set(e, GF_E_CONFIG, "%s:%zu: unknown key %s in [%s]; it belongs to [%s]",
                          l->path, l->number, typed, l->section, elsewhere);
    return gf_err_set(e, GF_E_CONFIG,
                      "%s:%zu: unknown key %s in [%s]; keys of your own begin with x-", l->path,
                      l->number, typed, l->section);
}

/* Take the quotes off, in place. */
static int unquote(const struct line *l, char **value, struct gf_err *e) {
    char *in = *value + 1;
    char *out = *value;

    while (*in != '"') {
        if (*in == '\\' && (in[1] == '"' || in[1] == '\\'))
            in++;
        else if (*in == '\0' || *in == '\\')
            return gf_err_set(e, GF_E_CONFIG, "%s:%zu: %s", l->path, l->number,
                              *in == '\0' ? "the closing quote is missing"
                                          : "within quotes a backslash comes before \" or \\ only");
        *out++ = *in++;
    }
    *out = '\0';
    if (in[1] != '\0')
        return gf_err_set(e, GF_E_CONFIG, "%s:%zu: something follows the closing quote", l->path,
                          l->number);
    return 0;
}

/* Within one file the second of two values is a slip of whoever did not see the first; a drop-in is
 * there to replace. */
static int check_once(const struct line *l, const struct config_item *item, struct gf_err *e) {
    size_t len = strlen(l->path);

    if (strncmp(item->origin, l->path, len) != 0 ||
        strrchr(item->origin, ':') != item->origin + len)
        return 0;
    return gf_err_set(
        e, GF_E_CONFIG,
        "%s:%zu: %s in [%s%s%s%s] was set already: %s; keep one of the two (a drop-in may "
        "replace what another file says)",
        l->path, l->number, item->key->key, l->section, l->name ? " \"" : "",
        l->name ? l->name : "", l->name ? "\"" : "", item->origin);
}

/* value NULL: taken back. */
static int set(struct line *l, const struct config_key *key, const char *value, struct gf_err *e) {
    struct config *c = l->c;
    struct config_item *item = config_item(c, key, l->name);

    if (!item) {
        if (c->nitems == c->items_room) {
            size_t room = c->items_room ? 2 * c->items_room : 32;
            struct config_item *more = realloc(c->items, room * sizeof *more);
            if (!more)
                return no_memory(l, e);
            c->items = more;
            c->items_room = room;
        }
        item = &c->items[c->nitems++];
        *item = (struct config_item){.key = key, .name = l->name};
    } else if (check_once(l, item, e) == -1) {
        return -1;
    }
    char *copy = value ? strdup(value) : NULL;
    char *origin = origin_of(l);
    if (!origin || (value && !copy)) {
        free(copy);
        free(origin);
        return no_memory(l, e);
    }
    free(item->value);
    free(item->origin);
    item->value = copy;
    item->origin = origin;
    return 0;
}

static int read_key(struct line *l, char *s, struct gf_err *e) {
    char *equals = strchr(s, '=');

    if (!equals || equals == s)
        return gf_err_set(e, GF_E_CONFIG,
                          "%s:%zu: neither `key = value` nor a [section] nor a comment (# or ;)",
                          l->path, l->number);
    *equals = '\0';
    char *key = trim(s);
    char *value = trim(equals + 1);
    if (!l->section)
        return gf_err_set(e, GF_E_CONFIG, "%s:%zu: %s stands before the first [section]", l->path,
                          l->number, key);
    int quoted = value[0] == '"';
    if (quoted && unquote(l, &value, e) == -1)
        return -1;
    if (strncmp(key, "x-", 2) == 0)
        return 0;
    for (const struct config_key *k = l->c->keys; k->section; k++) {
        if (strcmp(k->section, l->section) == 0 && k->named == (l->name != NULL) &&
            strcmp(k->key, key) == 0)
            return set(l, k, quoted || value[0] != '\0' ? value : NULL, e);
    }
    return fail_key(l, key, e);
}

/* ---- lines ---- */

/* Characters that nobody sees must not make two values look alike; tabs are white space. What is
 * not shown as it is becomes longer. */
static int check_shown(const struct line *l, const char *text, size_t len, struct gf_err *e) {
    struct gf_buf shown;
    int rc = 0;

    gf_buf_init(&shown, 8L * CONFIG_LINE_MAX);
    for (size_t at = 0; at < len;) {
        const char *tab = memchr(text + at, '\t', len - at);
        size_t n = tab ? (size_t)(tab - text) - at : len - at;
        size_t before = shown.len;
        gf_text_safe(&shown, text + at, n);
        if (shown.failed)
            rc = no_memory(l, e);
        else if (shown.len - before != n)
            rc = gf_err_set(e, GF_E_CONFIG,
                            "%s:%zu: holds a character that is not shown: %s; take it out", l->path,
                            l->number, shown.data + before);
        if (rc == -1)
            break;
        at += n + 1;
    }
    gf_buf_free(&shown);
    return rc;
}

static int read_line(struct line *l, const char *text, size_t len, struct gf_err *e) {
    if (len > 0 && text[len - 1] == '\r')
        len--;
    if (len > CONFIG_LINE_MAX)
        return gf_err_set(e, GF_E_CONFIG, "%s:%zu: the line is longer than %d bytes", l->path,
                          l->number, CONFIG_LINE_MAX);
    if (!gf_text_is_utf8(text, len))
        return gf_err_set(e, GF_E_CONFIG, "%s:%zu: not UTF-8; save the file in that encoding",
                          l->path, l->number);
    memcpy(l->text, text, len);
    l->text[len] = '\0';
    char *s = trim(l->text);
    if (*s == '\0' || *s == '#' || *s == ';')
        return 0;
    if (check_shown(l, s, strlen(s), e) == -1)
        return -1;
    return *s == '[' ? read_header(l, s, e) : read_key(l, s, e);
}

int config_parse(struct config *c, const char *path, const char *text, size_t len,
                 struct gf_err *e) {
    struct line l = {.c = c, .path = path, .number = 1};

    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        return gf_err_set(e, GF_E_CONFIG,
                          "%s:1: begins with a byte order mark; save it as UTF-8 without one",
                          path);
    for (size_t at = 0; at < len; l.number++) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = end ? (size_t)(end - text) - at : len - at;
        if (read_line(&l, text + at, n, e) == -1)
            return -1;
        at += n + 1;
    }
    return 0;
}
