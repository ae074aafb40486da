/*
 * cmd_export.c -- `export`: bundle what is queued now, for whoever carries it by other means.
 */
#include <stdlib.h>

#include "agent/command.h"
#include "agent/history.h"
#include "agent/turn.h"

static const struct option_spec specs[] = {
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " export",
    "[OPTION]...",
    "Make bundles of all that is queued and may leave, now, and name the files of all bundles that "
    "wait for a receipt: to be carried by other means than a drive. They are sealed for the relay; "
    "copy them, and leave the files where they are. (`sync DRIVE` does this, and writes a drive.)",
    specs,
    "Example:\n  gapferry-agent export\n",
};

static int show(struct agent *a, const struct export_result *x, struct out *t, struct gf_err *e) {
    struct store_bundle *list = NULL;
    size_t n = 0;

    if (store_unsettled(a->store, &list, &n, e) == -1)
        return -1;
    out_int(t, "new_bundles", x->bundles);
    out_int(t, "records", x->records);
    out_open(t, "waiting", '[');
    for (size_t i = 0; i < n; i++) {
        char path[sizeof a->state + 80];
        (void)snprintf(path, sizeof path, "%s/outbox/%s", a->state, list[i].file);
        out_open(t, NULL, '{');
        out_str(t, "file", path);
        out_int(t, "records", list[i].records);
        out_time(t, "created", 1, list[i].created);
        out_close(t, '}');
        out_text(t, "%s\n", path);
    }
    out_close(t, ']');
    out_text(t, "%lld new bundle%s with %lld record%s; %zu in all wait%s for a receipt\n",
             (long long)x->bundles, x->bundles == 1 ? "" : "s", (long long)x->records,
             x->records == 1 ? "" : "s", n, n == 1 ? "s" : "");
    free(list);
    return 0;
}

static int run(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    struct export_result x = {0};
    char self[COMMAND_SELF];
    struct out t;

    if (command_args(o, 0, 0, "nothing", e) == -1 ||
        agent_lock(a, "gapferry-agent export", e) == -1)
        return -1;
    int rc = agent_export(a, &x, e);
    if (rc == 0)
        rc = history_seal(a, e);
    store_unlock(a->store);
    if (rc == -1)
        return -1;
    if (x.no_relay)
        return gf_err_set(e, GF_E_SENDER,
                          "records are queued, but no relay is trusted yet: %s trust CARD",
                          command_self(a, self));
    out_begin(&t, o);
    rc = show(a, &x, &t, e);
    if (rc == 0)
        rc = out_end(&t, e);
    out_free(&t);
    (void)status;
    return rc;
}

int cmd_export(const char *root, int argc, char **argv) {
    return command_run_agent(&page, root, argc, argv, run);
}
