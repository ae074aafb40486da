/*
 * command_out.c -- facts for people and for programs, collected and printed in one go.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gapferry/json.h"
#include "relay/command.h"

#define OUT_MAX ((size_t)64 << 20)
#define LABEL   13 /* columns */

void command_out(struct out *t, const struct options *o) {
    *t = (struct out){.json = options_count(o, "json") > 0};
    gf_buf_init(&t->b, OUT_MAX);
    if (t->json)
        gf_buf_byte(&t->b, '{');
}

static void name_it(struct out *t, const char *name) {
    if (t->comma)
        gf_buf_text(&t->b, ", ");
    t->comma = 1;
    if (name != NULL)
        gf_buf_printf(&t->b, "\"%s\": ", name);
}

void command_str(struct out *t, const char *label, const char *name, const char *value) {
    if (t->json && value == NULL) {
        name_it(t, name);
        gf_buf_text(&t->b, "null");
    } else if (t->json) {
        name_it(t, name);
        gf_json_put_str(&t->b, value, strlen(value));
    } else if (label != NULL && value != NULL) {
        gf_buf_printf(&t->b, "%-*s", LABEL, label);
        gf_text_safe(&t->b, value, strlen(value));
        gf_buf_byte(&t->b, '\n');
    }
}

void command_int(struct out *t, const char *label, const char *name, int64_t value) {
    if (t->json) {
        name_it(t, name);
        gf_buf_printf(&t->b, "%" PRId64, value);
    } else if (label != NULL) {
        gf_buf_printf(&t->b, "%-*s%" PRId64 "\n", LABEL, label, value);
    }
}

void command_time(struct out *t, const char *label, const char *name, int64_t at) {
    char text[GF_TIME_TEXT];

    gf_text_time(at, text);
    command_str(t, label, name, text);
}

void command_open(struct out *t, const char *name, char bracket) {
    if (!t->json)
        return;
    name_it(t, name);
    gf_buf_byte(&t->b, bracket);
    t->comma = 0;
}

void command_close(struct out *t, char bracket) {
    if (!t->json)
        return;
    gf_buf_byte(&t->b, bracket);
    t->comma = 1;
}

void command_text(struct out *t, const char *fmt, ...) {
    char line[4096];
    va_list ap;

    if (t->json)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    gf_buf_text(&t->b, line);
}

void command_card(struct out *t, const char *label, const char *name, const struct gf_card *c) {
    char fingerprint[GF_FINGERPRINT_TEXT];
    char identity[GF_HASH_TEXT];
    char agent[GF_ID_TEXT];

    gf_card_fingerprint(c, fingerprint);
    if (!t->json) {
        gf_buf_printf(&t->b, "%-*s%s%s", LABEL, label, fingerprint, c->name[0] ? "  " : "");
        gf_text_safe(&t->b, c->name, strlen(c->name));
        gf_buf_byte(&t->b, '\n');
        return;
    }
    gf_text_hex(c->identity.b, sizeof c->identity.b, identity);
    gf_text_hex(c->agent.b, sizeof c->agent.b, agent);
    command_open(t, name, '{');
    command_str(t, NULL, "fingerprint", fingerprint);
    command_str(t, NULL, "name", c->name[0] ? c->name : NULL);
    command_str(t, NULL, "identity", identity);
    if (c->has_agent)
        command_str(t, NULL, "agent", agent);
    command_close(t, '}');
}

int command_end(struct out *t, struct gf_err *e) {
    if (t->json)
        gf_buf_text(&t->b, "}\n");
    int rc = gf_buf_check(&t->b, "the result", e);
    if (rc == 0 && (fwrite(t->b.data, 1, t->b.len, stdout) != t->b.len || fflush(stdout) != 0))
        rc = gf_err_errno(e, "standard output: cannot write the result");
    gf_buf_free(&t->b);
    return rc;
}
