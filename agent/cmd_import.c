/*
 * cmd_import.c -- `import`: responses that came some other way than on a drive.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agent/command.h"
#include "agent/forked.h"
#include "agent/history.h"
#include "agent/returns.h"
#include "agent/succession.h"
#include "agent/turn.h"
#include "agent/updates/updates.h"

static const struct option_spec specs[] = {
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " import",
    "[OPTION]... [FILE]...",
    "Apply response bundles that came by other means than a drive: by mail, through a transfer "
    "host. Each is verified as one from a drive is, and stays where it lies. Without a FILE: those "
    "that gapferry-link has put into the inbox, as `run` does it; what was applied is removed from "
    "there, and what cannot be used goes to the quarantine. (`sync DRIVE` takes in what lies on a "
    "drive.)",
    specs,
    "Exit status: that of the first file that could not be applied; 82 if each FILE had been "
    "applied before.\nExamples:\n  gapferry-agent import\n"
    "  gapferry-agent import 16082a83fef42b7e70209d9460d33fb8.gfb\n",
};

struct importing {
    struct out t;
    struct apply_result sum;
    int64_t applied, seen, failed;
    enum gf_code first; /* of the failures */
};

/* What became of one file, for people and programs. why NULL: it was applied, now or before. */
static void tell(struct importing *x, const char *file, int seen_before, const struct gf_err *why,
                 const char *then) {
    out_open(&x->t, NULL, '{');
    out_str(&x->t, "file", file);
    out_safe(&x->t, file);
    if (why) {
        x->first = x->failed++ == 0 ? why->code : x->first;
        out_str(&x->t, "result", "refused");
        out_str(&x->t, "code", gf_err_name(why->code));
        out_str(&x->t, "why", why->text);
        out_text(&x->t, ": refused: ");
        out_safe(&x->t, why->text);
        out_text(&x->t, "%s\n", then);
    } else {
        x->seen += seen_before;
        x->applied += !seen_before;
        out_str(&x->t, "result", seen_before ? "seen" : "applied");
        out_text(&x->t, ": %s\n", seen_before ? "was applied before; nothing changed" : "applied");
    }
    out_close(&x->t, '}');
}

static void import_one(struct agent *a, struct importing *x, const char *path) {
    struct apply_result in = {0};
    char self[COMMAND_SELF];
    struct gf_err e;

    int fd = -1;
    int rc = command_there(path, &e, "what lies on a drive is taken in by: %s sync DRIVE",
                           command_self(a, self));
    if (rc == 0 && (fd = COMMAND_REACH(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC))) == -1)
        rc = gf_err_errno(&e, "%s", path);
    else if (rc == 0 && (rc = agent_apply(a, fd, &in, &e)) == -1)
        (void)gf_err_prefix(&e, "%s", path);
    if (fd != -1)
        (void)close(fd);
    if (rc == 0)
        agent_apply_sum(&x->sum, &in);
    tell(x, path, rc == 0 && in.seen_before, rc == 0 ? NULL : &e, "");
}

static void tell_inbox(void *arg, const struct inbox_file *f) {
    tell(arg, f->name, f->seen_before, f->why, "; it is in quarantine now");
}

static void import_inbox(struct agent *a, struct importing *x) {
    struct turn t = {0};
    struct gf_err e;

    int rc = agent_inbox(a, &t, tell_inbox, x, &e);
    agent_apply_sum(&x->sum, &t.in);
    if (rc == -1)
        tell(x, "inbox", 0, &e, "; it stays there");
    else if (t.responses + t.seen + t.quarantined == 0)
        out_text(&x->t, "%s/inbox: nothing waits there\n", a->state);
}

/* What all of them did. 1 if a person has to see to something. */
static int tell_sum(const struct agent *a, struct importing *x) {
    const struct apply_result *r = &x->sum;
    struct gf_buf lines;

    out_int(&x->t, "delivered", r->delivered);
    out_int(&x->t, "rejected", r->rejected);
    out_int(&x->t, "answers", r->answers);
    out_int(&x->t, "denied_receipts", r->denied);
    out_text(&x->t,
             "came in: %lld delivered, %lld rejected, %lld expired, %lld at the relay, "
             "%lld answers\n",
             (long long)r->delivered, (long long)r->rejected, (long long)r->expired,
             (long long)r->relayed, (long long)r->answers);
    gf_buf_init(&lines, 4096);
    agent_apply_rejected(a, r, &lines);
    int awaited = agent_apply_denied(r, &lines);
    if (lines.len > 0)
        out_text(&x->t, "%s", lines.data);
    gf_buf_free(&lines);
    return awaited;
}

static int run(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    struct importing x = {.first = GF_OK};
    struct gf_err ignored;

    if (command_args(o, 0, 1000, "FILE...", e) == -1 ||
        agent_lock(a, "gapferry-agent import", e) == -1)
        return -1;
    out_begin(&x.t, o);
    out_open(&x.t, "files", '[');
    for (size_t i = 0; i < o->nargs; i++)
        import_one(a, &x, options_arg(o, i));
    if (o->nargs == 0)
        import_inbox(a, &x);
    out_close(&x.t, ']');
    int64_t told;
    size_t taken;
    /* The inbox takes them by itself, as soon as nothing waits in it. */
    int rc = o->nargs > 0 ? succession_offers(a, &taken, e) : 0;
    if (rc == 0)
        rc = updates_resume(a, e);
    /* What was applied holds, whatever became of that. */
    if (agent_returns(a, &told, rc == 0 ? e : &ignored) == -1 ||
        history_seal(a, rc == 0 ? e : &ignored) == -1 ||
        agent_policy_publish(a, rc == 0 ? e : &ignored) == -1)
        rc = -1;
    store_unlock(a->store);
    int awaited = tell_sum(a, &x);
    int forked = rc == 0 ? forked_show(a, &x.t, "needs you: ", e) : 0;
    if (forked == -1)
        rc = -1;
    if (rc == 0)
        rc = out_end(&x.t, e);
    out_free(&x.t);
    if (x.failed > 0)
        *status = (int)gf_err_exit(x.first);
    else if (awaited || forked)
        *status = GF_EXIT_AWAITED;
    else if (o->nargs > 0 && x.applied == 0 && x.seen > 0)
        *status = GF_EXIT_REPLAY;
    return rc;
}

int cmd_import(const char *root, int argc, char **argv) {
    return command_run_agent(&page, root, argc, argv, run);
}
