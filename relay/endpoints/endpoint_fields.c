/*
 * endpoint_fields.c -- the top-level fields of a JSON body, byte for byte where they are no text.
 */
#include "relay/endpoints/endpoint_fields.h"

#include <stdint.h>
#include <string.h>

#include "gapferry/json.h"

/* Only what gf_json_check_foreign() has passed is scanned, so that all of it is well-formed. */
struct scan {
    const char *at, *end;
};

static void skip_space(struct scan *s) {
    while (s->at < s->end && strchr(" \t\r\n", *s->at) != NULL && *s->at != '\0')
        s->at++;
}

/* Behind the closing quote of the string that begins here. */
static void skip_string(struct scan *s) {
    for (s->at++; s->at < s->end && *s->at != '"'; s->at++)
        s->at += *s->at == '\\';
    s->at = s->at < s->end ? s->at + 1 : s->end;
}

static void skip_value(struct scan *s) {
    int depth = 0;

    do {
        if (*s->at == '"') {
            skip_string(s);
        } else if (*s->at == '{' || *s->at == '[') {
            depth++;
            s->at++;
        } else if (*s->at == '}' || *s->at == ']') {
            depth--;
            s->at++;
        } else {
            s->at++;
        }
    } while (s->at < s->end && (depth > 0 || (*s->at != ',' && *s->at != '}' && *s->at != ']')));
}

/* ---- text ---- */

static unsigned hex4(const char *at) {
    unsigned out = 0;

    for (int i = 0; i < 4; i++) {
        unsigned c = (unsigned char)at[i];
        out = out << 4 | (c <= '9' ? c - '0' : (c | 0x20U) - 'a' + 10);
    }
    return out;
}

static void put_utf8(struct gf_buf *out, unsigned c) {
    if (c < 0x80) {
        gf_buf_byte(out, (char)c);
    } else if (c < 0x800) {
        gf_buf_byte(out, (char)(0xc0 | c >> 6));
        gf_buf_byte(out, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        gf_buf_byte(out, (char)(0xe0 | c >> 12));
        gf_buf_byte(out, (char)(0x80 | (c >> 6 & 0x3f)));
        gf_buf_byte(out, (char)(0x80 | (c & 0x3f)));
    } else {
        gf_buf_byte(out, (char)(0xf0 | c >> 18));
        gf_buf_byte(out, (char)(0x80 | (c >> 12 & 0x3f)));
        gf_buf_byte(out, (char)(0x80 | (c >> 6 & 0x3f)));
        gf_buf_byte(out, (char)(0x80 | (c & 0x3f)));
    }
}

/* The text of a string that stands from its opening to behind its closing quote. */
static void put_text(struct gf_buf *out, const char *at, const char *end) {
    static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";

    for (at++, end--; at < end; at++) {
        if (*at != '\\') {
            gf_buf_byte(out, *at);
            continue;
        }
        at++;
        const char *letter = strchr(letters, *at);
        if (*at == 'u') {
            unsigned c = hex4(at + 1);
            at += 4;
            if (c >= 0xd800 && c < 0xdc00) {
                c = 0x10000 + ((c - 0xd800) << 10) + (hex4(at + 3) - 0xdc00);
                at += 6;
            }
            put_utf8(out, c);
        } else {
            gf_buf_byte(out, letter != NULL ? meant[letter - letters] : *at);
        }
    }
}

/* ---- fields ---- */

/* Where a field's texts stand in the buffer, which moves while it grows. */
struct place {
    size_t name, value;
};

static void read_field(struct scan *s, struct endpoint_field *f, struct place *p,
                       struct gf_buf *texts) {
    const char *from = s->at;

    skip_string(s);
    p->name = texts->len;
    put_text(texts, from, s->at);
    gf_buf_byte(texts, '\0');
    skip_space(s);
    s->at++; /* the colon */
    skip_space(s);
    f->raw = s->at;
    skip_value(s);
    const char *end = s->at;
    while (end > f->raw && strchr(" \t\r\n", end[-1]) != NULL)
        end--;
    f->raw_len = (size_t)(end - f->raw);
    p->value = texts->len;
    if (*f->raw == '"')
        put_text(texts, f->raw, end);
    else
        gf_buf_add(texts, f->raw, f->raw_len);
    f->len = texts->len - p->value;
    gf_buf_byte(texts, '\0');
}

int endpoint_fields_read(const char *body, size_t len, struct endpoint_fields *out,
                         struct gf_err *e) {
    struct place places[ENDPOINT_FIELDS_MAX];
    struct scan s = {body, body + len};
    struct gf_buf texts;
    size_t n = 0;

    if (gf_json_check_foreign(body, len, "the body", e) == -1)
        return -1;
    skip_space(&s);
    if (*s.at != '{')
        return gf_err_set(e, GF_E_JSON, "the body: is JSON, but no object");
    gf_buf_init(&texts, len + 2 * (size_t)ENDPOINT_FIELDS_MAX);
    for (s.at++, skip_space(&s); s.at < s.end && *s.at == '"'; skip_space(&s)) {
        if (n == ENDPOINT_FIELDS_MAX) {
            gf_buf_free(&texts);
            return gf_err_set(e, GF_E_LIMIT, "the body: has more than %d fields",
                              ENDPOINT_FIELDS_MAX);
        }
        read_field(&s, &out->field[n], &places[n], &texts);
        n++;
        skip_space(&s);
        s.at += s.at < s.end && *s.at == ',';
    }
    if (gf_buf_check(&texts, "the body", e) == -1) {
        gf_buf_free(&texts);
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        out->field[i].name = texts.data + places[i].name;
        out->field[i].value = texts.data + places[i].value;
    }
    out->n = n;
    out->texts = texts;
    return 0;
}

void endpoint_fields_free(struct endpoint_fields *f) {
    gf_buf_free(&f->texts);
    f->n = 0;
}

const struct endpoint_field *endpoint_fields_find(const struct endpoint_fields *f,
                                                  const char *name) {
    for (size_t i = 0; i < f->n; i++) {
        if (strcmp(f->field[i].name, name) == 0)
            return &f->field[i];
    }
    return NULL;
}
