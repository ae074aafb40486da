/*
 * cmd_import.c -- `import`: responses that came some other way than on a drive.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

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
    COMMAND_PROGRAM " import",
    "[OPTION]... FILE...",
    "Apply response bundles that came by other means than a drive: by mail, through a transfer "
    "host. Each is verified as one from a drive is, and stays where it lies. (`sync DRIVE` takes "
    "in "
    "what lies on a drive.)",
    specs,
    "Exit status: that of the first file that could not be applied; 82 if each had been applied "
    "before.\nExample:\n  gapferry-agent import 16082a83fef42b7e70209d9460d33fb8.gfb\n",
};

struct importing {
    struct out t;
    struct apply_result sum;
    int64_t applied, seen, failed;
    enum gf_code first; /* of the failures */
};

static void import_one(struct agent *a, struct importing *x, const char *path) {
    struct apply_result in = {0};
    struct gf_err e;

    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    int rc = fd == -1 ? gf_err_errno(&e, "%s", path) : agent_apply(a, fd, &in, &e);
    if (fd != -1)
        (void)close(fd);
    out_open(&x->t, NULL, '{');
    out_str(&x->t, "file", path);
    out_safe(&x->t, path);
    if (rc == -1) {
        if (fd != -1)
            (void)gf_err_prefix(&e, "%s", path);
        x->first = x->failed++ == 0 ? e.code : x->first;
        out_str(&x->t, "result", "refused");
        out_str(&x->t, "code", gf_err_name(e.code));
        out_str(&x->t, "why", e.text);
        out_text(&x->t, ": refused: ");
        out_safe(&x->t, e.text);
        out_text(&x->t, "\n");
    } else {
        x->seen += in.seen_before;
        x->applied += !in.seen_before;
        agent_apply_sum(&x->sum, &in);
        out_str(&x->t, "result", in.seen_before ? "seen" : "applied");
        out_text(&x->t, ": %s\n",
                 in.seen_before ? "was applied before; nothing changed" : "applied");
    }
    out_close(&x->t, '}');
}

static int run(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    struct importing x = {.first = GF_OK};

    if (command_args(o, 1, 1000, "FILE...", e) == -1 ||
        store_lock(a->store, "gapferry-agent import", e) == -1)
        return -1;
    out_begin(&x.t, o);
    out_open(&x.t, "files", '[');
    for (size_t i = 0; i < o->nargs; i++)
        import_one(a, &x, options_arg(o, i));
    out_close(&x.t, ']');
    int rc = history_seal(a, e);
    store_unlock(a->store);
    out_int(&x.t, "delivered", x.sum.delivered);
    out_int(&x.t, "rejected", x.sum.rejected);
    out_int(&x.t, "answers", x.sum.answers);
    out_text(&x.t,
             "came in: %lld delivered, %lld rejected, %lld expired, %lld at the relay, "
             "%lld answers\n",
             (long long)x.sum.delivered, (long long)x.sum.rejected, (long long)x.sum.expired,
             (long long)x.sum.relayed, (long long)x.sum.answers);
    if (rc == 0)
        rc = out_end(&x.t, e);
    out_free(&x.t);
    if (x.failed > 0)
        *status = (int)gf_err_exit(x.first);
    else if (x.applied == 0 && x.seen > 0)
        *status = GF_EXIT_REPLAY;
    return rc;
}

int cmd_import(const char *root, int argc, char **argv) {
    return command_run_agent(&page, root, argc, argv, run);
}
