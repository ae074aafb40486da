/*
 * cmd_restore.c -- `restore`: go on after the database was damaged, lost, or put back from a
 * backup.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "agent/command.h"
#include "agent/restore.h"

static const struct option_spec specs[] = {
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " restore",
    "[OPTION]...",
    "Go on after agent.db was damaged, lost, or put back from a backup or a snapshot. Bundles are "
    "numbered anew in a new stream. Bundles of the outbox that agent.db does not know are carried "
    "on as they are, and their records are known again. Records that it believes exported, whose "
    "bundle is gone, are bundled anew under their old ids: the relay counts each once. Without an "
    "agent.db a new one is made, which says what is missing. Safe to run again.",
    specs,
    "Example, with a backup:\n  cp backup/agent.db /var/lib/gapferry/agent/agent.db\n"
    "  gapferry-agent restore\n",
};

static const char *plural(int64_t n) {
    return n == 1 ? "" : "s";
}

static int tell(struct agent *a, const struct options *o, const struct restore_result *r,
                struct gf_err *e) {
    int64_t missing = r->head > r->line ? r->head - r->line : 0;
    struct out t;

    out_begin(&t, o);
    out_bool(&t, "new", r->is_new);
    out_int(&t, "bundles_known_again", r->bundles);
    out_int(&t, "records_known_again", r->records);
    out_int(&t, "bundles_sealed_for_others", r->sealed);
    out_int(&t, "bundles_of_former_keys", r->former);
    out_int(&t, "records_bundled_anew", r->again);
    out_int(&t, "bundles_in_quarantine", r->unopened);
    out_int(&t, "history_lines_missing", missing);
    out_int(&t, "relays_to_hear_of_it", r->relays);
    out_text(&t, "stream     new; nothing is numbered twice%s\n",
             r->relays > 0 ? "; the relay hears of it with the next drive, or from gapferry-link"
                           : "");
    out_text(&t, "outbox     %" PRId64 " bundle%s known again, with %" PRId64 " record%s\n",
             r->bundles, plural(r->bundles), r->records, plural(r->records));
    if (r->sealed > 0)
        out_text(&t,
                 "           %" PRId64 " of them can be read by others only (self_reader = no): "
                 "carried on all the same, but what they hold is not known here\n",
                 r->sealed);
    if (r->former > 0)
        out_text(&t,
                 "           %" PRId64 " of them signed by keys of before a rotation, which the "
                 "relay takes no more: what they held is bundled anew\n",
                 r->former);
    out_text(&t,
             "queue      %" PRId64
             " record%s whose bundle is gone or carried no more: bundled anew\n",
             r->again, plural(r->again));
    if (r->unopened > 0)
        out_text(&t,
                 "quarantine %" PRId64 " bundle%s that this agent cannot open: %s/quarantine; "
                 "whoever is their reader can say what they hold\n",
                 r->unopened, plural(r->unopened), a->state);
    if (missing > 0)
        out_text(&t,
                 "missing    the last %" PRId64 " line%s of the history, and what they tell of\n",
                 missing, plural(missing));
    if (r->is_new)
        out_text(
            &t,
            "missing    trust in relays and vendors, consent, licences and what was asked to get "
            "them (ask again), history, and records "
            "that had not been exported\n");
    else
        out_text(
            &t, "missing    if agent.db was put back from a backup: whatever was recorded, decided "
                "or applied since, except for what the outbox held\n");
    if (out_end(&t, e) == -1)
        return -1;
    command_next(a, r->is_new ? "trust CARD" : "status");
    return 0;
}

/* As agent_open(), but for the store. */
static int open_rest(struct agent *a, const char *root, struct gf_err *e) {
    char keys[sizeof a->state + 8], self[COMMAND_SELF];
    struct stat st;

    if (agent_paths(a, root, e) == -1)
        return -1;
    (void)snprintf(keys, sizeof keys, "%s/keys", a->state);
    if (stat(keys, &st) == -1 && (errno == ENOENT || errno == ENOTDIR))
        return gf_err_set(e, GF_E_CONFIG, "%s: there is no agent yet; make one: %s init", a->state,
                          command_self(a, self));
    if (agent_configure(a->config_path, &a->config, e) == -1)
        return -1;
    return gf_identity_load(AT_FDCWD, keys, &a->id, e);
}

static int run(const char *root, const struct options *o, int *status, struct gf_err *e) {
    struct restore_result r;
    struct agent a = {0};

    if (command_args(o, 0, 0, "nothing", e) == -1)
        return -1;
    int rc = open_rest(&a, root, e);
    if (rc == 0)
        rc = restore_run(&a, &r, e);
    if (rc == 0)
        rc = tell(&a, o, &r, e);
    if (rc == 0 && (r.is_new || r.unopened > 0))
        *status = GF_EXIT_AWAITED;
    agent_close(&a);
    return rc;
}

int cmd_restore(const char *root, int argc, char **argv) {
    return command_run(&page, root, argc, argv, run);
}
