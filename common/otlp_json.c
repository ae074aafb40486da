/*
 * otlp_json.c -- the one pass over a request in OTLP JSON: is it one, what does it hold, which
 * bytes of it may not leave, and what is it in protobuf.
 *
 * The recursion is bound by the schema, and by OTLP_DEPTH_MAX where the schema is not.
 */
#include "common/otlp_json.h"

#include <string.h>

#include "common/otlp_edit.h"
#include "common/otlp_path.h"
#include "common/otlp_put.h"
#include "common/otlp_value.h"
#include "gapferry/text.h"

#define NAME_MAX_KNOWN 32 /* bytes: no name of the schema is as long */

struct walk {
    struct otlp_scan s;
    const struct otlp_deny *deny; /* NULL: everything may leave, and no edits are made */
    struct otlp_found found;
    struct gf_buf *put; /* NULL, or where to write it as protobuf */
    struct gf_buf key;  /* of the attribute that is looked at */
    int failed;         /* 1: for want of memory */
    struct otlp_path path;
};

static int walk_object(struct walk *w, enum otlp_type type, unsigned depth);

static int bad(struct walk *w, const char *why) {
    w->s.why = why;
    return -1;
}

static int no_memory(struct walk *w) {
    w->failed = 1;
    return -1;
}

/*
 * Names.
 */

/* The number of the field that a name of n bytes means; 0: none. */
static uint32_t number_of(const struct otlp_message *m, const char *name, size_t n) {
    for (uint32_t i = 1; i < OTLP_NUMBERS && n > 0; i++) {
        const char *known = m->field[i].name;
        if (known != NULL && known[0] == name[0] && strncmp(known, name, n) == 0 && !known[n])
            return i;
    }
    return 0;
}

static int lower(char c) {
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* 1 if a name of n bytes is `known` but for underscores and case, as lenient readers take it. */
static int is_nearly(const char *known, const char *name, size_t n) {
    size_t i = 0;

    for (;; known++, i++) {
        while (i < n && name[i] == '_')
            i++;
        if (i == n || *known == '\0')
            return i == n && *known == '\0';
        if (lower(*known) != lower(name[i]))
            return 0;
    }
}

static uint32_t number_nearly(const struct otlp_message *m, const char *name, size_t n) {
    for (uint32_t i = 1; i < OTLP_NUMBERS; i++) {
        if (m->field[i].name != NULL && is_nearly(m->field[i].name, name, n))
            return i;
    }
    return 0;
}

/* Pass a name and its colon; *number is the field it means, or 0. */
static int walk_name(struct walk *w, const struct otlp_message *m, struct otlp_token *token,
                     uint32_t *number) {
    char name[NAME_MAX_KNOWN * 6]; /* each byte may be \uXXXX */

    if (otlp_scan_string(&w->s, token) == -1)
        return -1;
    if (!otlp_scan_take(&w->s, ':'))
        return bad(w, "a colon was expected");
    *number = 0;
    if (token->len > sizeof name)
        return 0;
    if (!token->has_escape && (*number = number_of(m, token->at, token->len)) != 0)
        return 0;
    size_t n = otlp_scan_meaning(token, name);
    *number = number_of(m, name, n);
    if (*number == 0 && (*number = number_nearly(m, name, n)) != 0) {
        otlp_path_put(&w->path, &m->field[*number], *number, OTLP_PATH_ALL);
        return bad(w, "OTLP JSON has this name only as it stands here");
    }
    return 0;
}

/*
 * Values.
 */

static int walk_scalar(struct walk *w, const struct otlp_message *m, uint32_t number, int packed) {
    enum otlp_kind kind = (enum otlp_kind)m->field[number].kind;
    enum otlp_wire wire = (enum otlp_wire)otlp_schema_wire[kind];
    uint64_t bits = 0;

    if (wire == OTLP_LENGTH) {
        size_t mark = w->put != NULL ? otlp_put_open(w->put, number) : 0;
        if (otlp_value_bytes(&w->s, kind, w->put) == -1)
            return -1;
        if (w->put != NULL)
            otlp_put_close(w->put, mark);
        return 0;
    }
    if (otlp_value_number(&w->s, kind, &bits) == -1)
        return -1;
    if (m->is_point && number == OTLP_POINT_TIME)
        otlp_edit_time(&w->found.facts, bits);
    if (m->has_temporality && number == OTLP_TEMPORALITY && bits == OTLP_DELTA)
        w->found.facts.delta = 1;
    if (w->put == NULL)
        return 0;
    if (!packed)
        otlp_put_tag(w->put, number, wire);
    if (wire == OTLP_EIGHT)
        otlp_put_eight_bytes(w->put, bits);
    else
        otlp_put_varint(w->put, bits);
    return 0;
}

static int walk_value(struct walk *w, const struct otlp_message *m, uint32_t number, int packed,
                      unsigned depth) {
    const struct otlp_field *field = &m->field[number];

    if (field->kind != OTLP_MESSAGE)
        return walk_scalar(w, m, number, packed);
    if (field->type == OTLP_ANY_VALUE && ++depth > OTLP_DEPTH_MAX)
        return bad(w, "values nested too deeply");
    size_t mark = w->put != NULL ? otlp_put_open(w->put, number) : 0;
    if (walk_object(w, (enum otlp_type)field->type, depth) == -1)
        return -1;
    if (w->put != NULL)
        otlp_put_close(w->put, mark);
    return 0;
}

/* 1 if the key-value that comes next, which nobody has checked yet, has a key that is denied; the
 * key is in w->key. */
static int is_denied(struct walk *w) {
    struct otlp_scan s = w->s;
    struct otlp_token token;

    if (w->deny == NULL || !otlp_scan_take(&s, '{'))
        return 0;
    do {
        if (otlp_scan_string(&s, &token) == -1 || !otlp_scan_take(&s, ':'))
            return 0;
        if (otlp_scan_means(&token, "key")) {
            gf_buf_clear(&w->key);
            if (otlp_value_bytes(&s, OTLP_STRING, &w->key) == -1 || w->key.failed)
                return 0;
            return otlp_deny_has(w->deny, (const uint8_t *)(w->key.data ? w->key.data : ""),
                                 w->key.len);
        }
        if (otlp_scan_skip(&s) == -1)
            return 0;
    } while (otlp_scan_take(&s, ','));
    return 0;
}

/* Where the elements of an array or the members of an object end and which of them stay, for the
 * commas between them. */
struct elements {
    const char *last_end; /* of the one before */
    int kept;             /* one of those before stays */
};

/* What stands from `from` to here goes with a comma: the one before it if anything stays there,
 * else the one behind it, and the white space with it. */
static int cut_element(struct walk *w, const struct elements *l, const char *from) {
    const char *end = w->s.at;

    if (l->kept) {
        from = l->last_end;
    } else {
        struct otlp_scan ahead = w->s;
        if (otlp_scan_take(&ahead, ',')) {
            (void)otlp_scan_peek(&ahead);
            end = ahead.at;
        }
    }
    w->found.edits.shorter += (size_t)(end - from);
    if (otlp_edit_cut(&w->found.edits, from, end) == -1)
        return no_memory(w);
    return 0;
}

static int walk_element(struct walk *w, const struct otlp_message *m, uint32_t number, int packed,
                        unsigned depth, struct elements *l) {
    (void)otlp_scan_peek(&w->s);
    const char *from = w->s.at;
    int rc, denied = m->field[number].type == OTLP_KEY_VALUE && is_denied(w);

    if (w->key.failed)
        return no_memory(w);
    if (denied) {
        /* It has to be well-formed all the same: redacted or not, the same requests are taken. */
        const struct otlp_deny *deny = w->deny;
        w->deny = NULL;
        rc = walk_value(w, m, number, packed, depth);
        w->deny = deny;
        otlp_redacted_note(&w->found.redacted, (const uint8_t *)w->key.data, w->key.len);
        if (rc == 0)
            rc = cut_element(w, l, from);
    } else {
        rc = walk_value(w, m, number, packed, depth);
        l->kept = 1;
    }
    l->last_end = w->s.at;
    return rc;
}

/* *at is set to the index of an element that is wrong. */
static int walk_array(struct walk *w, const struct otlp_message *m, uint32_t number, unsigned depth,
                      size_t *at) {
    int packed = otlp_schema_wire[m->field[number].kind] != OTLP_LENGTH;
    struct elements l = {.kept = 0};
    size_t index = 0, mark = 0;

    if (!otlp_scan_take(&w->s, '['))
        return bad(w, "an array was expected");
    if (otlp_scan_take(&w->s, ']'))
        return 0;
    if (packed && w->put != NULL)
        mark = otlp_put_open(w->put, number);
    do {
        if (walk_element(w, m, number, packed, depth, &l) == -1) {
            *at = index;
            return -1;
        }
        index++;
    } while (otlp_scan_take(&w->s, ','));
    if (packed && w->put != NULL)
        otlp_put_close(w->put, mark);
    return otlp_scan_take(&w->s, ']') ? 0 : bad(w, "a comma or the end of an array was expected");
}

/* What stands behind a known name. */
static int walk_field(struct walk *w, const struct otlp_message *m, uint32_t number, uint32_t *seen,
                      unsigned depth) {
    const struct otlp_field *field = &m->field[number];
    uint32_t chosen = field->one_of; /* bit 0, which is no field's number */
    size_t index = OTLP_PATH_ALL;
    int rc, null = otlp_scan_peek(&w->s) == 'n';

    if ((*seen & 1U << number) != 0)
        rc = bad(w, "it stands twice, and may stand once");
    else if (null)
        rc = otlp_scan_word(&w->s, "null");
    else if ((*seen & chosen) != 0)
        rc = bad(w, "a second one where there may be one of several");
    else if (field->repeated)
        rc = walk_array(w, m, number, depth, &index);
    else
        rc = walk_value(w, m, number, 0, depth);
    if (rc == -1)
        otlp_path_put(&w->path, field, number, index);
    *seen |= 1U << number | (null ? 0 : chosen);
    return rc;
}

/* A member that the schema does not know stays only where everything may leave: no rule can judge
 * what stands in it. */
static int walk_member(struct walk *w, const struct otlp_message *m, uint32_t *seen, unsigned depth,
                       struct elements *l) {
    struct otlp_token name;
    uint32_t number;

    (void)otlp_scan_peek(&w->s);
    const char *from = w->s.at;
    if (walk_name(w, m, &name, &number) == -1)
        return -1;
    int rc = number == 0 ? otlp_scan_skip(&w->s) : walk_field(w, m, number, seen, depth);
    if (rc == 0 && number == 0 && w->deny != NULL) {
        otlp_redacted_unknown(&w->found.redacted, name.at, name.len);
        rc = cut_element(w, l, from);
    } else {
        l->kept = 1;
    }
    l->last_end = w->s.at;
    return rc;
}

static int walk_object(struct walk *w, enum otlp_type type, unsigned depth) {
    const struct otlp_message *m = &otlp_schema[type];
    struct elements l = {.kept = 0};
    uint32_t seen = 0;

    if (!otlp_scan_take(&w->s, '{'))
        return bad(w, "an object was expected");
    w->found.facts.points += m->is_point;
    if (otlp_scan_take(&w->s, '}'))
        return 0;
    do {
        if (walk_member(w, m, &seen, depth, &l) == -1)
            return -1;
    } while (otlp_scan_take(&w->s, ','));
    return otlp_scan_take(&w->s, '}') ? 0 : bad(w, "a comma or the end of an object was expected");
}

static int walk(struct walk *w, const char *text, size_t len, struct gf_err *e) {
    if (len > OTLP_MAX)
        return gf_err_set(e, GF_E_LIMIT, "a request of more than %d bytes", OTLP_MAX);
    text = len > 0 ? text : "";
    if (!gf_text_is_utf8(text, len))
        return gf_err_set(e, GF_E_RECORD, "the request: not UTF-8");
    w->s = (struct otlp_scan){.at = text, .end = text + len};
    w->found.edits.begin = text;
    gf_buf_init(&w->key, len);

    int rc = walk_object(w, OTLP_REQUEST, 0);
    if (rc == 0 && (otlp_scan_peek(&w->s), w->s.at != w->s.end))
        rc = bad(w, "something behind the request");
    gf_buf_free(&w->key);
    if (rc == 0)
        return 0;
    if (w->failed)
        return gf_err_set(e, GF_E_SYSTEM, "redaction: out of memory");
    return gf_err_set(e, GF_E_RECORD, "%s: %s (at byte %zu)", otlp_path_text(&w->path), w->s.why,
                      (size_t)(w->s.at - text));
}

int otlp_json_check(const char *text, size_t len, struct otlp_facts *out, struct gf_err *e) {
    struct walk w = {.deny = NULL};

    if (walk(&w, text, len, e) == -1)
        return -1;
    if (out != NULL)
        *out = w.found.facts;
    return 0;
}

int otlp_json_redact(const char *text, size_t len, const struct otlp_deny *deny, struct gf_buf *out,
                     struct otlp_redacted *redacted, struct otlp_facts *facts, struct gf_err *e) {
    struct walk w = {.deny = otlp_deny_any(deny) ? deny : NULL, .found.redacted = *redacted};
    int rc = walk(&w, text, len, e);

    return otlp_edit_end(&w.found, rc, len, out, redacted, facts, e);
}

int otlp_json_to_protobuf(const char *text, size_t len, struct gf_buf *out, struct gf_err *e) {
    struct walk w = {.put = out};
    size_t before = out->len;
    int rc = walk(&w, text, len, e);

    if (rc == 0)
        rc = gf_buf_check(out, "the request as protobuf", e);
    if (rc == -1)
        out->len = before;
    return rc;
}
