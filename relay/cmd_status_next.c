/*
 * cmd_status_next.c -- what to do next: one sentence and the command.
 */
#include "relay/cmd_status.h"

#include <stdio.h>

#define NEXT_MAX STRANGERS_LINE

/* What only a person can do, the gravest first; "": nothing. */
static void of_people(const struct relay *r, const struct cmd_status_next *n, const char *self,
                      char out[NEXT_MAX]) {
    out[0] = '\0';
    const struct strangers_one *lost = NULL;

    for (size_t i = 0; lost == NULL && i < n->pending.n; i++) {
        const struct strangers_one *x = &n->pending.list[i];
        lost = x->kind == STRANGERS_UNSEEN || x->kind == STRANGERS_CLAIMS ? x : NULL;
    }
    if (n->strangers > 0)
        (void)snprintf(out, NEXT_MAX,
                       "compare the fingerprint with the site's, then let it in, or not: %s "
                       "approve %s (or decline)",
                       self, n->stranger);
    else if (lost != NULL)
        strangers_line(r, lost, out);
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
    else if (n->waits.held > 0)
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

/* What is waited for, and by whom. */
static void of_waiting(const struct cmd_status_next *n, const char *self, char out[NEXT_MAX]) {
    const struct awaits *w = &n->waits;

    if (w->persons > 0)
        (void)snprintf(out, NEXT_MAX,
                       "see what keeps back what waits (above); once that is mended: %s records "
                       "retry",
                       self);
    else if (w->running)
        (void)snprintf(out, NEXT_MAX, "nothing: `run` tries again what waits");
    else if (awaits_anybody(w))
        (void)snprintf(out, NEXT_MAX, "send what was not tried yet: %s sync DRIVE, or %s forward",
                       self, self);
    else
        (void)snprintf(out, NEXT_MAX,
                       "nothing: the next sync tries again what waits; at once: %s forward", self);
}

/* How the responses get to their sites. */
static void of_responses(const struct relay *r, const struct cmd_status_next *n, const char *self,
                         char out[NEXT_MAX]) {
    const int serves = config_get(r->config, "listen", NULL, "address") != NULL;

    if (serves && n->waits.running)
        (void)snprintf(out, NEXT_MAX,
                       "nothing, for sites that come by HTTPS: they fetch their responses; to the "
                       "others: %s sync DRIVE",
                       self);
    else if (serves)
        (void)snprintf(out, NEXT_MAX,
                       "start `run` (systemctl start gapferry-relay), so that sites can fetch "
                       "their responses; or carry them: %s sync DRIVE",
                       self);
    else
        (void)snprintf(out, NEXT_MAX, "carry the responses to their sites: %s sync DRIVE", self);
}

void cmd_status_next(const struct relay *r, const struct cmd_status_next *n, struct out *t) {
    char self[COMMAND_SELF], next[NEXT_MAX];

    of_people(r, n, relay_self(r, self), next);
    if (next[0] == '\0' && n->waits.later + n->waits.untried + n->waits.artifacts > 0)
        of_waiting(n, self, next);
    else if (next[0] == '\0' && n->responses > 0)
        of_responses(r, n, self, next);
    else if (next[0] == '\0')
        (void)snprintf(next, sizeof next, "nothing is due");
    out_str(t, "next", next);
    out_text(t, "%-13s", "next");
    out_safe(t, next);
    out_text(t, "\n");
}
