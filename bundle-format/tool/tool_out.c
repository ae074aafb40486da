/*
 * tool_out.c -- what the commands print: facts with labels for people, and as one JSON object.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/progress.h"
#include "tool/tool.h"

/* Bytes of one foreign text. */
#define FOREIGN_MAX (1 << 20)

void tool_out_begin(struct tool_out *t, const struct options *o, const char *prefix) {
    *t = (struct tool_out){.prefix = prefix};
    out_begin(&t->o, o);
}

/* The name of a member; within an array it is "". */
static const char *member(const char *name) {
    return *name ? name : NULL;
}

void tool_out_text(struct tool_out *t, const char *label, const char *name, const char *value) {
    if (t->o.json && name)
        out_str(&t->o, member(name), value);
    else if (!t->o.json && label && value)
        gf_buf_printf(&t->o.b, "%s%-11s %s\n", t->prefix, label, value);
}

void tool_out_int(struct tool_out *t, const char *label, const char *name, int64_t value) {
    if (t->o.json && name)
        out_int(&t->o, member(name), value);
    else if (!t->o.json && label)
        gf_buf_printf(&t->o.b, "%s%-11s %lld\n", t->prefix, label, (long long)value);
}

void tool_out_bool(struct tool_out *t, const char *name, int value) {
    out_bool(&t->o, name, value);
}

void tool_out_size(struct tool_out *t, const char *label, const char *name, int64_t bytes) {
    char size[PROGRESS_BYTES_TEXT];

    if (t->o.json) {
        tool_out_int(t, NULL, name, bytes);
        return;
    }
    progress_bytes(bytes, size);
    if (!label)
        return;
    if (bytes < 1024)
        gf_buf_printf(&t->o.b, "%s%-11s %s\n", t->prefix, label, size);
    else
        gf_buf_printf(&t->o.b, "%s%-11s %s (%lld bytes)\n", t->prefix, label, size,
                      (long long)bytes);
}

void tool_out_time(struct tool_out *t, const char *label, const char *name, int has, int64_t at) {
    char text[GF_TIME_TEXT];

    gf_text_time(at, text);
    tool_out_text(t, label, name, has ? text : t->o.json ? NULL : "never");
}

void tool_out_hex(struct tool_out *t, const char *label, const char *name, const uint8_t *b,
                  size_t len) {
    char text[GF_HASH64_TEXT];

    gf_text_hex(b, len, text);
    tool_out_text(t, label, name, text);
}

void tool_out_foreign(struct tool_out *t, const char *label, const char *name, const char *value) {
    struct gf_buf safe;

    if (t->o.json || !value) {
        tool_out_text(t, label, name, value);
        return;
    }
    gf_buf_init(&safe, FOREIGN_MAX);
    gf_text_safe(&safe, value, strlen(value));
    tool_out_text(t, label, name, safe.data ? safe.data : "");
    gf_buf_free(&safe);
}

void tool_out_open(struct tool_out *t, const char *name, char bracket) {
    out_open(&t->o, name, bracket);
}

void tool_out_close(struct tool_out *t, char bracket) {
    out_close(&t->o, bracket);
}

void tool_out_line(struct tool_out *t, const char *fmt, ...) {
    char text[1024];
    va_list ap;

    if (t->o.json)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    gf_buf_printf(&t->o.b, "%s%s\n", t->prefix, text);
}

int tool_out_end(struct tool_out *t, struct gf_err *e) {
    if (out_end(&t->o, e) == -1)
        return -1;
    /* The reason is to be had only here: later calls change errno. */
    if (fflush(stdout) != 0 || ferror(stdout))
        return gf_err_errno(e, "standard output: cannot write the result");
    return 0;
}

void tool_out_free(struct tool_out *t) {
    out_free(&t->o);
}

void tool_out_header(struct tool_out *t, const struct gf_header *h) {
    tool_out_hex(t, "id", "id", h->id.b, sizeof h->id.b);
    tool_out_text(t, "kind", "kind", gf_header_kinds[h->kind]);
    tool_out_hex(t, "from", "from", h->from.b, sizeof h->from.b);
    tool_out_hex(t, "to", "to", h->to.b, sizeof h->to.b);
    tool_out_open(t, "readers", '[');
    for (size_t i = 0; i < h->nreaders; i++)
        tool_out_hex(t, "reader", t->o.json ? "" : NULL, h->readers[i].b, sizeof h->readers[i].b);
    tool_out_close(t, ']');
    tool_out_hex(t, "stream", "stream", h->stream.b, sizeof h->stream.b);
    tool_out_int(t, "seq", "seq", h->seq);
    if (h->has_prev)
        tool_out_hex(t, "prev", "prev", h->prev.b, sizeof h->prev.b);
    else
        tool_out_text(t, "prev", "prev", t->o.json ? NULL : "none");
    tool_out_time(t, NULL, "created", h->has_created, h->created);
    tool_out_time(t, h->has_created ? "created" : NULL, NULL, 1, h->created);
    tool_out_time(t, "expires", "expires", h->has_expires, h->expires);
    tool_out_open(t, "needs", '[');
    for (size_t i = 0; i < h->nneeds; i++)
        tool_out_foreign(t, "needs", t->o.json ? "" : NULL, h->needs[i]);
    tool_out_close(t, ']');
    tool_out_size(t, "payload", "payload_size", h->payload_size);
    tool_out_hex(t, "blake2b", "payload_blake2b", h->payload_digest.b, sizeof h->payload_digest.b);
}

void tool_out_card(struct tool_out *t, const char *label, const char *name,
                   const struct gf_card *c) {
    char fingerprint[GF_FINGERPRINT_TEXT];
    struct gf_buf text;

    gf_card_fingerprint(c, fingerprint);
    out_card(&t->o, name, c);
    if (t->o.json)
        return;
    gf_buf_init(&text, 4096);
    gf_buf_printf(&text, "%s %s", fingerprint, gf_card_roles[c->role]);
    if (c->name[0]) {
        gf_buf_text(&text, " \"");
        gf_text_safe(&text, c->name, strlen(c->name));
        gf_buf_text(&text, "\"");
    }
    tool_out_text(t, label, NULL, text.data ? text.data : "");
    gf_buf_free(&text);
}

void tool_out_card_facts(struct tool_out *t, const struct gf_card *c) {
    char fingerprint[GF_FINGERPRINT_TEXT];
    char sign[GF_SIGN_PUBLIC_TEXT];
    char seal[GF_SEAL_PUBLIC_TEXT];

    gf_card_fingerprint(c, fingerprint);
    gf_key_sign_public_line(&c->sign, sign);
    gf_key_seal_public_line(&c->seal, seal);
    tool_out_text(t, "fingerprint", "fingerprint", fingerprint);
    tool_out_text(t, "role", "role", gf_card_roles[c->role]);
    tool_out_foreign(t, "name", "name", c->name[0] ? c->name : NULL);
    if (c->has_agent)
        tool_out_hex(t, "agent", "agent", c->agent.b, sizeof c->agent.b);
    else
        tool_out_text(t, NULL, "agent", NULL);
    tool_out_hex(t, "identity", "identity", c->identity.b, sizeof c->identity.b);
    tool_out_text(t, "sign", "sign", sign);
    tool_out_text(t, "seal", "seal", seal);
    tool_out_time(t, "created", "created", 1, c->created);
    tool_out_time(t, "expires", "expires", c->has_expires, c->expires);
    if (c->has_replaces)
        tool_out_hex(t, "replaces", "replaces", c->replaces.b, sizeof c->replaces.b);
    else
        tool_out_text(t, NULL, "replaces", NULL);
}

void tool_out_members(struct tool_out *t, const struct gf_contents_member *m, size_t n) {
    char size[PROGRESS_BYTES_TEXT];
    struct gf_buf line;

    tool_out_open(t, "members", '[');
    for (size_t i = 0; i < n; i++) {
        if (t->o.json) {
            tool_out_open(t, NULL, '{');
            tool_out_text(t, NULL, "member", m[i].member);
            tool_out_text(t, NULL, "name", m[i].name);
            tool_out_int(t, NULL, "size", m[i].size);
            tool_out_close(t, '}');
            continue;
        }
        gf_buf_init(&line, 8192);
        progress_bytes(m[i].size, size);
        gf_buf_printf(&line, "%s, %s", m[i].member, size);
        if (m[i].name) {
            gf_buf_text(&line, ", \"");
            gf_text_safe(&line, m[i].name, strlen(m[i].name));
            gf_buf_text(&line, "\"");
        }
        tool_out_text(t, "member", NULL, line.data ? line.data : "");
        gf_buf_free(&line);
    }
    tool_out_close(t, ']');
}

void tool_next(const char *fmt, ...) {
    va_list ap;

    if (!isatty(STDERR_FILENO))
        return;
    (void)fflush(stdout);
    (void)fputs("next: ", stderr);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
}

void tool_shell_word(struct gf_buf *out, const char *word) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789_./:@%+=,-";

    if (word[0] == '-')
        gf_buf_text(out, "./");
    if (*word && strspn(word, plain) == strlen(word)) {
        gf_buf_text(out, word);
        return;
    }
    gf_buf_byte(out, '\'');
    for (const char *s = word; *s;) {
        size_t n = strcspn(s, "'");
        gf_text_safe(out, s, n);
        if (s[n] == '\'') {
            gf_buf_text(out, "'\\''");
            n++;
        }
        s += n;
    }
    gf_buf_byte(out, '\'');
}
