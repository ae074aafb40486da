/*
 * line_read.c -- the members of a line, read from where they stand.
 */
#include "format/line.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int gf_line_open(const char *line, size_t len, const char *what, struct gf_line *l,
                 struct gf_err *e) {
    if (len > 0 && line[len - 1] == '\n')
        len--;
    if (len + 1 > GF_LINE_MAX)
        return gf_err_set(e, GF_E_LIMIT,
                          "%s: line longer than %d bytes; a long body is sent as a file", what,
                          GF_LINE_MAX);
    if (len < 2 || line[0] != '{' || line[len - 1] != '}' || memchr(line, '\n', len) != NULL)
        return gf_err_set(e, GF_E_RECORD, "%s: a line must be one JSON object and LF", what);

    if (gf_json_check_members(line, len, what, &l->all, e) == -1)
        return -1;
    /* A text in JSON has two quotes, in memory one NUL, and an escape is longer than what it stands
     * for: the line's own length is room for all of its texts. */
    l->owned = l->at = malloc(len);
    if (l->owned == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "%s: out of memory", what);
    l->what = what;
    l->err.code = GF_OK;
    l->err.text[0] = '\0';
    l->len = l->room = len;
    l->near = 0;
    memset(l->asked, 0, sizeof l->asked);
    return 0;
}

const char **gf_line_pointers(struct gf_line *l, size_t n) {
    size_t size = n * sizeof(char *);
    char *larger = realloc(l->owned, size + l->len);

    if (larger == NULL) {
        gf_line_fail(l, GF_E_SYSTEM, "out of memory");
        return NULL;
    }
    l->owned = larger;
    l->at = larger + size;
    return (const char **)(void *)larger;
}

void gf_line_fail(struct gf_line *l, enum gf_code code, const char *fmt, ...) {
    char text[GF_ERR_TEXT];
    va_list ap;

    if (l->err.code != GF_OK)
        return;
    va_start(ap, fmt);
    if (vsnprintf(text, sizeof text, fmt, ap) < 0)
        text[0] = '\0';
    va_end(ap);
    (void)gf_err_set(&l->err, code, "%s: %s", l->what, text);
}

static int refuse(struct gf_line *l, const char *name, const char *must_be) {
    gf_line_fail(l, GF_E_RECORD, "\"%s\" must be %s", name, must_be);
    return 0;
}

/* ---- finding members ---- */

static int is_named(const struct gf_json_member *m, const char *name, size_t len) {
    char meant[GF_JSON_NAME_MAX];

    if (m->name_means != len)
        return 0;
    if (m->name_len == len)
        return memcmp(m->name, name, len) == 0;
    (void)gf_json_unescape(m->name, m->name_len, meant);
    return memcmp(meant, name, len) == 0;
}

/* The place of a member; l->all.n: there is none. Members are mostly asked for in the order in
 * which they are written, so that the search goes on from where the last one ended. */
static size_t find(const struct gf_line *l, const char *name) {
    size_t n = l->all.n, len = strlen(name), at = l->near;

    for (size_t tried = 0; tried < n; tried++, at++) {
        at = at < n ? at : 0;
        if (is_named(&l->all.member[at], name, len))
            return at;
    }
    return n;
}

_Static_assert(sizeof((struct gf_line *)0)->asked * 8 >= GF_JSON_MEMBERS_MAX,
               "a bit for each member");

/* The member that is asked for; NULL if there is none (an error), or it is null and may be. */
static const struct gf_json_member *take(struct gf_line *l, const char *name, int may_be_null) {
    size_t at = find(l, name);

    if (at == l->all.n) {
        gf_line_fail(l, GF_E_RECORD, "\"%s\" is missing", name);
        return NULL;
    }
    l->near = at + 1;
    l->asked[at / 64] |= (uint64_t)1 << at % 64;
    const struct gf_json_member *m = &l->all.member[at];
    return may_be_null && m->type == GF_JSON_NULL ? NULL : m;
}

int gf_line_has(const struct gf_line *l, const char *name) {
    return find(l, name) < l->all.n;
}

/* ---- values ---- */

/* The next n bytes of the allocation. There are enough while each member is read once. */
static char *take_room(struct gf_line *l, size_t n) {
    char *at = l->at;

    if (n > l->room) {
        gf_line_fail(l, GF_E_BUG, "a member is read twice");
        return NULL;
    }
    l->at += n;
    l->room -= n;
    return at;
}

const char *gf_line_keep(struct gf_line *l, const char *text, size_t len) {
    char *copy = take_room(l, len + 1);

    if (copy == NULL)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

/* What a string means, NUL-ended, in the allocation. */
static const char *keep_text(struct gf_line *l, const struct gf_json_member *m) {
    if (m->means == m->len)
        return gf_line_keep(l, m->text, m->len);
    char *text = take_room(l, m->means + 1);
    if (text == NULL)
        return NULL;
    (void)gf_json_unescape(m->text, m->len, text);
    text[m->means] = '\0';
    return text;
}

/* What the check has passed has at most 16 digits. */
static double number_of(const struct gf_json_member *m) {
    size_t minus = m->text[0] == '-';
    int64_t value = 0;

    for (size_t i = minus; i < m->len; i++)
        value = value * 10 + (m->text[i] - '0');
    return (double)(minus ? -value : value);
}

/* A text stays where it is, unless it has escapes. */
static struct gf_json_value value_of(struct gf_line *l, const struct gf_json_member *m) {
    struct gf_json_value v = {.type = m->type};

    if (m->type == GF_JSON_NUMBER)
        v.number = number_of(m);
    if (m->type == GF_JSON_TEXT) {
        v.text = m->means == m->len ? m->text : keep_text(l, m);
        v.len = v.text != NULL ? m->means : 0;
    }
    return v;
}

/* ---- members of each type ---- */

static int get_str(struct gf_line *l, const char *name, int may_be_null, size_t min, size_t max,
                   const char **out) {
    const struct gf_json_member *m = take(l, name, may_be_null);
    char rule[GF_JSON_RULE];

    if (m == NULL)
        return 0;
    struct gf_json_value v = {.type = m->type, .len = m->means};
    if (!gf_json_value_str(&v, min, max, rule))
        return refuse(l, name, rule);
    const char *text = keep_text(l, m);
    if (text == NULL)
        return 0;
    *out = text;
    return 1;
}

int gf_line_str(struct gf_line *l, const char *name, size_t min, size_t max, const char **out) {
    return get_str(l, name, 0, min, max, out);
}

int gf_line_str_opt(struct gf_line *l, const char *name, size_t min, size_t max, const char **out) {
    return get_str(l, name, 1, min, max, out);
}

int gf_line_int(struct gf_line *l, const char *name, int64_t min, int64_t max, int64_t *out) {
    const struct gf_json_member *m = take(l, name, 0);
    char rule[GF_JSON_RULE];

    if (m == NULL)
        return 0;
    struct gf_json_value v = value_of(l, m);
    return gf_json_value_int(&v, min, max, out, rule) ? 1 : refuse(l, name, rule);
}

int gf_line_bool(struct gf_line *l, const char *name, int *out) {
    const struct gf_json_member *m = take(l, name, 0);
    char rule[GF_JSON_RULE];

    if (m == NULL)
        return 0;
    struct gf_json_value v = value_of(l, m);
    return gf_json_value_bool(&v, out, rule) ? 1 : refuse(l, name, rule);
}

int gf_line_hex(struct gf_line *l, const char *name, uint8_t *out, size_t len) {
    const struct gf_json_member *m = take(l, name, 0);
    char rule[GF_JSON_RULE];

    if (m == NULL)
        return 0;
    struct gf_json_value v = value_of(l, m);
    return gf_json_value_hex(&v, out, len, rule) ? 1 : refuse(l, name, rule);
}

int gf_line_uuid(struct gf_line *l, const char *name, struct gf_id *out) {
    const struct gf_json_member *m = take(l, name, 0);
    char rule[GF_JSON_RULE];

    if (m == NULL)
        return 0;
    struct gf_json_value v = value_of(l, m);
    if (!gf_json_value_str(&v, GF_UUID_TEXT - 1, GF_UUID_TEXT - 1, rule))
        return refuse(l, name, rule);
    if (gf_text_unuuid(v.text, v.len, out) == 0)
        return 1;
    gf_line_fail(l, GF_E_RECORD, "%s must be a UUID in lower case", name);
    return 0;
}

static int get_time(struct gf_line *l, const char *name, int may_be_null, int64_t *out) {
    const struct gf_json_member *m = take(l, name, may_be_null);
    char rule[GF_JSON_RULE];

    if (m == NULL)
        return 0;
    struct gf_json_value v = value_of(l, m);
    return gf_json_value_time(&v, out, rule) ? 1 : refuse(l, name, rule);
}

int gf_line_time(struct gf_line *l, const char *name, int64_t *out) {
    return get_time(l, name, 0, out);
}

int gf_line_time_opt(struct gf_line *l, const char *name, int64_t *out) {
    return get_time(l, name, 1, out);
}

int gf_line_enum(struct gf_line *l, const char *name, const char *const *words, int *out) {
    const struct gf_json_member *m = take(l, name, 0);
    char rule[GF_JSON_RULE];

    if (m == NULL)
        return 0;
    struct gf_json_value v = value_of(l, m);
    return gf_json_value_enum(&v, words, out, rule) ? 1 : refuse(l, name, rule);
}

int gf_line_obj(struct gf_line *l, const char *name, const char **text, size_t *len) {
    const struct gf_json_member *m = take(l, name, 0);

    if (m == NULL)
        return 0;
    if (m->type != GF_JSON_OBJECT)
        return refuse(l, name, "an object");
    if (text != NULL) {
        *text = m->text;
        *len = m->len;
    }
    return 1;
}

/* ---- the end ---- */

static void refuse_unasked(struct gf_line *l) {
    char name[GF_JSON_NAME_MAX];

    for (size_t i = 0; i < l->all.n && l->err.code == GF_OK; i++) {
        const struct gf_json_member *m = &l->all.member[i];
        if ((l->asked[i / 64] >> i % 64 & 1) == 0)
            gf_line_fail(l, GF_E_RECORD, "\"%.*s\" is no member that this version knows",
                         (int)gf_json_unescape(m->name, m->name_len, name), name);
    }
}

int gf_line_close(struct gf_line *l, char **owned, struct gf_err *e) {
    refuse_unasked(l);
    *owned = l->owned;
    if (l->err.code == GF_OK)
        return 0;
    free(l->owned);
    *owned = NULL;
    if (e != NULL)
        *e = l->err;
    return -1;
}
