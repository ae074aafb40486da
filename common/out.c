/*
 * out.c -- what the commands print: facts, as lines for people or as one JSON object.
 */
#include "common/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gapferry/json.h"
#include "gapferry/text.h"

/* Bytes of a command's whole output: 4,096 members with their names fit many times over. */
#define OUT_MAX   (64 << 20)
#define FLUSH_MIN 65536

void out_begin(struct out *t, const struct options *o) {
    *t = (struct out){.json = options_count(o, "json") > 0};
    gf_buf_init(&t->b, OUT_MAX);
    if (t->json)
        gf_buf_byte(&t->b, '{');
}

static void put_name(struct out *t, const char *name) {
    if (t->comma)
        gf_buf_text(&t->b, ", ");
    t->comma = 1;
    if (name) {
        gf_json_put_str(&t->b, name, strlen(name));
        gf_buf_text(&t->b, ": ");
    }
}

void out_str(struct out *t, const char *name, const char *value) {
    if (!t->json)
        return;
    put_name(t, name);
    if (!value) {
        gf_buf_text(&t->b, "null");
        return;
    }
    gf_json_put_shown(&t->b, value, strlen(value));
}

void out_int(struct out *t, const char *name, int64_t value) {
    if (!t->json)
        return;
    put_name(t, name);
    gf_buf_printf(&t->b, "%lld", (long long)value);
}

void out_bool(struct out *t, const char *name, int value) {
    if (t->json)
        out_raw(t, name, value ? "true" : "false", value ? 4 : 5);
}

void out_time(struct out *t, const char *name, int has, int64_t at) {
    char text[GF_TIME_TEXT];

    gf_text_time(at, text);
    out_str(t, name, has ? text : NULL);
}

void out_raw(struct out *t, const char *name, const char *json, size_t len) {
    if (!t->json)
        return;
    put_name(t, name);
    gf_buf_add(&t->b, json, len);
}

void out_open(struct out *t, const char *name, char bracket) {
    if (!t->json)
        return;
    put_name(t, name);
    gf_buf_byte(&t->b, bracket);
    t->comma = 0;
}

void out_close(struct out *t, char bracket) {
    if (!t->json)
        return;
    gf_buf_byte(&t->b, bracket);
    t->comma = 1;
}

void out_text(struct out *t, const char *fmt, ...) {
    char text[4096];
    va_list ap;

    if (t->json)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    gf_buf_text(&t->b, text);
}

void out_safe(struct out *t, const char *text) {
    if (!t->json)
        gf_text_safe(&t->b, text, strlen(text));
}

void out_flush(struct out *t) {
    if (t->b.len < FLUSH_MIN || t->b.failed)
        return;
    (void)fwrite(t->b.data, 1, t->b.len, stdout);
    gf_buf_clear(&t->b);
}

int out_end(struct out *t, struct gf_err *e) {
    if (t->json)
        gf_buf_text(&t->b, "}\n");
    int rc = gf_buf_check(&t->b, "the result", e);
    if (rc == 0 && t->b.len > 0)
        (void)fwrite(t->b.data, 1, t->b.len, stdout);
    out_free(t);
    return rc;
}

void out_free(struct out *t) {
    gf_buf_free(&t->b);
}

void out_card(struct out *t, const char *name, const struct gf_card *c) {
    char fingerprint[GF_FINGERPRINT_TEXT];
    char identity[GF_HASH_TEXT];

    gf_card_fingerprint(c, fingerprint);
    gf_text_hex(c->identity.b, sizeof c->identity.b, identity);
    out_open(t, name, '{');
    out_str(t, "fingerprint", fingerprint);
    out_str(t, "role", gf_card_roles[c->role]);
    out_str(t, "name", c->name[0] ? c->name : NULL);
    out_str(t, "identity", identity);
    out_close(t, '}');
}
