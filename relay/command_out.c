/*
 * command_out.c -- facts with labels for people, and members with names for programs.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "relay/command.h"

#define LABEL 13 /* columns */

void command_str(struct out *t, const char *label, const char *name, const char *value) {
    out_str(t, name, value);
    if (label != NULL && value != NULL) {
        out_text(t, "%-*s", LABEL, label);
        out_safe(t, value);
        out_text(t, "\n");
    }
}

void command_int(struct out *t, const char *label, const char *name, int64_t value) {
    out_int(t, name, value);
    if (label != NULL)
        out_text(t, "%-*s%" PRId64 "\n", LABEL, label, value);
}

void command_time(struct out *t, const char *label, const char *name, int64_t at) {
    char text[GF_TIME_TEXT];

    gf_text_time(at, text);
    command_str(t, label, name, text);
}

void command_card(struct out *t, const char *label, const char *name, const struct gf_card *c) {
    char fingerprint[GF_FINGERPRINT_TEXT];
    char identity[GF_HASH_TEXT];
    char agent[GF_ID_TEXT];

    gf_card_fingerprint(c, fingerprint);
    out_text(t, "%-*s%s%s", LABEL, label, fingerprint, c->name[0] ? "  " : "");
    out_safe(t, c->name);
    out_text(t, "\n");
    gf_text_hex(c->identity.b, sizeof c->identity.b, identity);
    gf_text_hex(c->agent.b, sizeof c->agent.b, agent);
    out_open(t, name, '{');
    command_str(t, NULL, "fingerprint", fingerprint);
    command_str(t, NULL, "name", c->name[0] ? c->name : NULL);
    command_str(t, NULL, "identity", identity);
    if (c->has_agent)
        command_str(t, NULL, "agent", agent);
    out_close(t, '}');
}

int command_end(struct out *t, struct gf_err *e) {
    return out_end(t, e) == -1 || command_print(e) == -1 ? -1 : 0;
}
