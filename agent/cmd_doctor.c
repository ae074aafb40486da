/*
 * cmd_doctor.c -- `doctor`: what is in order, what is not, and what to do about it.
 */
#include <time.h>

#include "agent/command.h"
#include "agent/doctor.h"

static const struct option_spec specs[] = {
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " doctor",
    "[OPTION]...",
    "Examine this agent from the ground up and say in plain words what is in order and what is "
    "not: "
    "keys, database, clock, disk, relay, consent, what waits, and how far gapferry-link came on "
    "the "
    "way to each relay. Each trouble comes with its remedy. Nothing is changed, and nothing is "
    "sent.",
    specs,
    "Exit status: 0 all is well, or only worth knowing; 75 a person should look; 78 the agent does "
    "not work.\n",
};

struct telling {
    struct out t;
    int counts[4];
};

static int put(void *arg, const struct doctor_finding *f, struct gf_err *e) {
    static const char *const marks[] = {"ok", "--", "!!", "XX"};
    struct telling *x = arg;

    (void)e;
    x->counts[f->level]++;
    out_open(&x->t, NULL, '{');
    out_str(&x->t, "level", doctor_levels[f->level]);
    out_str(&x->t, "about", f->about);
    out_str(&x->t, "text", f->text);
    out_str(&x->t, "remedy", f->remedy[0] ? f->remedy : NULL);
    out_close(&x->t, '}');
    out_text(&x->t, "%s  %-10s ", marks[f->level], f->about);
    out_safe(&x->t, f->text);
    out_text(&x->t, "\n");
    if (f->remedy[0]) {
        out_text(&x->t, "    %-10s -> ", "");
        out_safe(&x->t, f->remedy);
        out_text(&x->t, "\n");
    }
    return 0;
}

static int run(const char *root, const struct options *o, int *status, struct gf_err *e) {
    struct telling x = {.counts = {0}};

    if (command_args(o, 0, 0, "nothing", e) == -1)
        return -1;
    out_begin(&x.t, o);
    out_open(&x.t, "findings", '[');
    int rc = doctor_examine(root, (int64_t)time(NULL), put, &x, e);
    out_close(&x.t, ']');
    out_int(&x.t, "warn", x.counts[DOCTOR_WARN]);
    out_int(&x.t, "bad", x.counts[DOCTOR_BAD]);
    if (rc == 0)
        rc = out_end(&x.t, e);
    out_free(&x.t);
    *status = x.counts[DOCTOR_BAD] > 0    ? GF_EXIT_CONFIG
              : x.counts[DOCTOR_WARN] > 0 ? GF_EXIT_AWAITED
                                          : GF_EXIT_DONE;
    return rc;
}

int cmd_doctor(const char *root, int argc, char **argv) {
    return command_run(&page, root, argc, argv, run);
}
