/*
 * command.c -- what the commands of gapferry-relay share: beginning and end.
 */
#include "relay/command.h"

#include <stdarg.h>

int command_fail(const struct gf_err *e, int json) {
    return command_failed(COMMAND_PROGRAM, e, json);
}

/* What a command is, for command_do(). */
struct job {
    const struct command *c;
    const char *root;
};

static int open_and_work(void *context, const struct options *o, int *status, struct gf_err *e) {
    const struct job *j = context;
    struct relay r;
    int rc = -1;

    switch (j->c->need) {
    case COMMAND_PATHS:
        rc = relay_paths(&r, j->root, e);
        break;
    case COMMAND_CONFIG:
        rc = relay_configure(&r, j->root, e);
        break;
    case COMMAND_OPEN:
        rc = relay_open(&r, j->root, e);
        break;
    }
    if (rc == -1)
        return -1;
    rc = j->c->work(&r, o, status, e);
    relay_close(&r);
    return rc;
}

int command_run(const struct command *c, const char *root, int argc, char **argv) {
    struct job j = {.c = c, .root = root};
    return command_do(COMMAND_PROGRAM, &c->page, argc, argv, open_and_work, &j);
}

void command_next(const struct relay *r, const char *fmt, ...) {
    char self[COMMAND_SELF];
    va_list ap;

    va_start(ap, fmt);
    command_suggest(relay_self(r, self), fmt, ap);
    va_end(ap);
}
