/*
 * cmd_status_next.c -- what to do next: one sentence and the command.
 */
#include "relay/cmd_status.h"

#include <stdio.h>

#define NEXT_MAX (2 * COMMAND_SELF + 512)

/* What only a person can do, the gravest first; "": nothing. */
static void of_people(const struct relay *r, const struct cmd_status_next *n, const char *self,
                      char out[NEXT_MAX]) {
    out[0] = '\0';
    if (n->strangers > 0)
        (void)snprintf(out, NEXT_MAX,
                       "compare the fingerprint with the site's, then let it in, or not: %s "
                       "approve FINGERPRINT (or decline)",
                       self);
    else if (n->agents == 0 && n->approved == 0)
        (void)snprintf(out, NEXT_MAX,
                       "let a site in, by the fingerprint that gapferry-agent card prints there: "
                       "%s approve FINGERPRINT",
                       self);
    else if (config_name(r->config, "endpoint", 0) == NULL)
        (void)snprintf(out, NEXT_MAX,
                       "say where records go: an [endpoint \"NAME\"] in %s, then: %s config check",
                       r->config_path, self);
    else if (n->forked > 0)
        (void)snprintf(out, NEXT_MAX,
                       "ask the site of what is \"forked\" above; then look again: %s status",
                       self);
    else if (n->held > 0)
        (void)snprintf(out, NEXT_MAX,
                       "see why records are held; mend that, then release them: %s records list "
                       "--state held",
                       self);
    else if (n->refused > 0)
        (void)snprintf(out, NEXT_MAX, "see what was refused, and why: %s quarantine list", self);
    else if (n->over > 0)
        (void)snprintf(out, NEXT_MAX,
                       "nothing, if that may wait; else give its sender more, in [agent \"%s\"] in "
                       "%s, then: %s config check",
                       n->sender, r->config_path, self);
}

void cmd_status_next(const struct relay *r, const struct cmd_status_next *n, struct out *t) {
    char self[COMMAND_SELF], next[NEXT_MAX];

    of_people(r, n, relay_self(r, self), next);
    if (next[0] == '\0' && n->waiting + n->artifacts > 0)
        (void)snprintf(next, sizeof next,
                       "nothing: `run` tries again what waits; where it is not at work: %s sync "
                       "DRIVE",
                       self);
    else if (next[0] == '\0' && n->responses > 0)
        (void)snprintf(next, sizeof next, "carry the responses to their sites: %s sync DRIVE",
                       self);
    else if (next[0] == '\0')
        (void)snprintf(next, sizeof next, "nothing is due");
    out_str(t, "next", next);
    out_text(t, "%-13s", "next");
    out_safe(t, next);
    out_text(t, "\n");
}
