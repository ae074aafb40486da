/*
 * otlp_walk.c -- the one pass over a request in protobuf: is it one, what does it hold, and which
 * bytes of it may not leave.
 *
 * The recursion is bound by the schema, and by OTLP_DEPTH_MAX where the schema is not.
 */
#include "common/otlp_walk.h"

#include <stdio.h>

#include "gapferry/text.h"

static int walk_message(struct otlp_walk *w, enum otlp_type type, struct otlp_span in,
                        unsigned depth, size_t *cut);

static int bad(struct otlp_walk *w, const char *why) {
    w->why = why;
    return -1;
}

/* Put the field that begins at `field` before the path; its index are those of its number that
 * stand before it. */
static int bad_within(struct otlp_walk *w, const struct otlp_message *m, struct otlp_span in,
                      const uint8_t *field) {
    struct otlp_item item;
    const uint8_t *at = field, *tag_at = field;
    uint64_t tag = 0;
    size_t index = 0;

    /* Where not even a number can be read, the message itself is where it is wrong. */
    if (otlp_wire_varint(&tag_at, in.end, &tag) != NULL || tag >> 3 == 0 || tag >> 32 != 0)
        return -1;
    uint32_t number = (uint32_t)(tag >> 3);
    for (at = in.at; at < field && otlp_wire_next(&at, in.end, &item) == NULL;)
        index += item.number == number;
    otlp_path_put(&w->path, otlp_wire_field(m, number), number, index);
    return -1;
}

static size_t varint_size(size_t v) {
    size_t n = 1;
    while (v >= 0x80) {
        v >>= 7;
        n++;
    }
    return n;
}

/* Text is UTF-8; protobuf allows NUL in it. */
static int is_text(struct otlp_span s) {
    while (s.at < s.end) {
        const uint8_t *nul = memchr(s.at, 0, (size_t)(s.end - s.at));
        const uint8_t *end = nul != NULL ? nul : s.end;
        if (!gf_text_is_utf8((const char *)s.at, (size_t)(end - s.at)))
            return 0;
        s.at = nul != NULL ? nul + 1 : s.end;
    }
    return 1;
}

/* Nearly all text is ASCII: seen without a call. */
static inline int is_ascii(struct otlp_span s) {
    uint64_t all = 0;
    size_t n = (size_t)(s.end - s.at);

    if (n < 8) {
        while (s.at < s.end)
            all |= *s.at++;
        return (all & 0x80) == 0;
    }
    for (; s.end - s.at > 8; s.at += 8)
        all |= otlp_wire_eight(s.at);
    all |= otlp_wire_eight(s.end - 8); /* may look at some bytes twice */
    return (all & 0x8080808080808080U) == 0;
}

/* The scalars of a repeated field in one length-delimited value. */
static int check_packed(struct otlp_walk *w, const struct otlp_field *field,
                        const struct otlp_item *item) {
    if (otlp_schema_wire[field->kind] == OTLP_EIGHT)
        return (item->span.end - item->span.at) % 8 == 0
                   ? 0
                   : bad(w, "packed values that are not eight bytes each");
    for (const uint8_t *at = item->span.at; at < item->span.end;) {
        uint64_t v;
        const char *why = otlp_wire_varint(&at, item->span.end, &v);
        if (why != NULL)
            return bad(w, why);
    }
    return 0;
}

/* The key of a key-value that nobody has checked yet: empty if there is none, anything if it has a
 * wrong type. */
static struct otlp_span key_of(struct otlp_span in) {
    struct otlp_item item;
    while (in.at < in.end && otlp_wire_next(&in.at, in.end, &item) == NULL)
        if (item.number == OTLP_KEY)
            return item.span;
    return (struct otlp_span){in.end, in.end};
}

/*
 * What nearly all attributes are: a key and then a short string, with no more around them than
 * there must be, all of it ASCII, so that each length is one byte. Nothing in it is left to check.
 * 1, and the key; 0: it has to be walked.
 */
static inline int is_plain(struct otlp_span in, struct otlp_span *key) {
    const uint8_t *p = in.at;
    size_t n = (size_t)(in.end - p), k;

    if (n < 6 || p[0] != (OTLP_KEY << 3 | OTLP_LENGTH) || (k = p[1]) > n - 6)
        return 0;
    *key = (struct otlp_span){p + 2, p + 2 + k};
    p += 2 + k;
    return p[0] == (OTLP_VALUE << 3 | OTLP_LENGTH) && p[1] == n - k - 4 &&
           p[2] == (1 << 3 | OTLP_LENGTH) && p[3] == n - k - 6 && is_ascii(in);
}

/* A key-value of a list of them, whose tag is at `from`. 0: there is nothing left to do for it; 1:
 * it stays, and has to be walked. */
static int walk_attribute(struct otlp_walk *w, const uint8_t *from, const struct otlp_item *item,
                          unsigned depth, size_t *cut) {
    struct otlp_span key;
    const struct otlp_deny *deny = w->deny;
    size_t none = 0;
    int rc = 0, plain = depth < OTLP_DEPTH_MAX && is_plain(item->span, &key);

    if (deny == NULL)
        return !plain;
    if (!plain)
        key = key_of(item->span);
    if (!otlp_deny_has(deny, key.at, (size_t)(key.end - key.at)))
        return !plain;
    /* It has to be well-formed all the same: redacted or not, the same requests are taken. */
    w->deny = NULL;
    if (!plain)
        rc = walk_message(w, OTLP_KEY_VALUE, item->span, depth, &none);
    w->deny = deny;
    if (rc == -1)
        return -1;
    if (otlp_edit_cut(&w->found.edits, from, item->span.end) == -1)
        return bad(w, NULL);
    otlp_redacted_note(&w->found.redacted, key.at, (size_t)(key.end - key.at));
    *cut += (size_t)(item->span.end - from);
    return 0;
}

static int walk_submessage(struct otlp_walk *w, const struct otlp_field *field, const uint8_t *from,
                           const struct otlp_item *item, unsigned depth, size_t *cut) {
    size_t slot = w->found.edits.n, inner = 0;

    if (field->type == OTLP_ANY_VALUE && ++depth > OTLP_DEPTH_MAX)
        return bad(w, "values nested too deeply");
    if (field->type == OTLP_KEY_VALUE) {
        int rc = walk_attribute(w, from, item, depth, cut);
        if (rc != 1)
            return rc;
    }
    if (w->deny == NULL)
        return walk_message(w, (enum otlp_type)field->type, item->span, depth, &inner);

    /* The new length stands before what changes within, and is known after. */
    if (otlp_edit_add(&w->found.edits, item->length, item->span.at, 0) == -1)
        return bad(w, NULL);
    if (walk_message(w, (enum otlp_type)field->type, item->span, depth, &inner) == -1)
        return -1;
    if (inner == 0) {
        w->found.edits.n = slot;
        return 0;
    }
    size_t len = (size_t)(item->span.end - item->span.at) - inner;
    w->found.edits.edit[slot].len = (uint32_t)len;
    *cut += inner + w->found.edits.edit[slot].cut - varint_size(len);
    return 0;
}

/* A value of a field that the schema knows. */
static int walk_value(struct otlp_walk *w, const struct otlp_message *m,
                      const struct otlp_field *field, const struct otlp_item *item) {
    if (item->wire != otlp_schema_wire[field->kind]) {
        if (field->repeated && item->wire == OTLP_LENGTH)
            return check_packed(w, field, item);
        return bad(w, "a wire type that the field does not have");
    }
    if (field->kind == OTLP_STRING && !is_ascii(item->span) && !is_text(item->span))
        return bad(w, "text that is not UTF-8");
    if (m->is_point && item->number == OTLP_POINT_TIME)
        otlp_edit_time(&w->found.facts, item->bits);
    if (m->has_temporality && item->number == OTLP_TEMPORALITY && item->bits == OTLP_DELTA)
        w->found.facts.delta = 1;
    return 0;
}

/* A field that the schema does not know, whose tag is at `from`, stays only where everything may
 * leave. */
static int walk_unknown(struct otlp_walk *w, const uint8_t *from, const uint8_t *end,
                        uint32_t number, size_t *cut) {
    char name[16];

    if (w->deny == NULL)
        return 0;
    if (otlp_edit_cut(&w->found.edits, from, end) == -1)
        return bad(w, NULL);
    int n = snprintf(name, sizeof name, "%u", (unsigned)number);
    otlp_redacted_unknown(&w->found.redacted, name, (size_t)n);
    *cut += (size_t)(end - from);
    return 0;
}

static int walk_message(struct otlp_walk *w, enum otlp_type type, struct otlp_span in,
                        unsigned depth, size_t *cut) {
    const struct otlp_message *m = &otlp_schema[type];
    uint32_t seen = 0;
    int chosen = 0; /* a member of the oneof was there */

    w->found.facts.points += m->is_point;
    for (const uint8_t *at = in.at, *from = at; at < in.end; from = at) {
        struct otlp_item item;
        const char *why = otlp_wire_next(&at, in.end, &item);
        if (why != NULL) {
            (void)bad(w, why);
            return bad_within(w, m, in, from);
        }
        const struct otlp_field *field = otlp_wire_field(m, item.number);
        if (field == NULL) {
            if (walk_unknown(w, from, at, item.number, cut) == -1)
                return -1;
            continue;
        }
        int rc;
        if (!field->repeated && (seen & 1U << item.number) != 0)
            rc = bad(w, "it stands twice, and may stand once");
        else if (field->one_of && chosen)
            rc = bad(w, "a second one where there may be one of several");
        else if (field->kind == OTLP_MESSAGE && item.wire == OTLP_LENGTH)
            rc = walk_submessage(w, field, from, &item, depth, cut);
        else
            rc = walk_value(w, m, field, &item);
        if (rc == -1)
            return bad_within(w, m, in, from);
        seen |= 1U << item.number;
        chosen |= field->one_of;
    }
    return 0;
}

int otlp_walk(struct otlp_walk *w, const void *data, size_t len, struct gf_err *e) {
    struct otlp_span in = otlp_wire_span(data, len);

    if (len > OTLP_MAX)
        return gf_err_set(e, GF_E_LIMIT, "a request of more than %d bytes", OTLP_MAX);
    w->found.edits.begin = in.at;
    if (walk_message(w, OTLP_REQUEST, in, 0, &w->found.edits.shorter) == -1) {
        if (w->why == NULL)
            return gf_err_set(e, GF_E_SYSTEM, "redaction: out of memory");
        return gf_err_set(e, GF_E_RECORD, "%s: %s", otlp_path_text(&w->path), w->why);
    }
    return 0;
}
