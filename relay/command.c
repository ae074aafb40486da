/*
 * command.c -- what the commands of gapferry-relay share: beginning and end, users.
 */
#include "relay/command.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gapferry/json.h"

int command_fail(const struct gf_err *e, int json) {
    struct gf_buf b;

    if (json) {
        gf_buf_init(&b, 65536);
        gf_buf_printf(&b, "{\"error\": {\"name\": \"%s\", \"exit\": %d, \"text\": ",
                      gf_err_name(e->code), (int)gf_err_exit(e->code));
        gf_json_put_str(&b, e->text, strlen(e->text));
        gf_buf_text(&b, "}}\n");
        (void)fputs(b.data != NULL ? b.data : "", stdout);
        (void)fflush(stdout);
        gf_buf_free(&b);
    }
    (void)fprintf(stderr, "%s: %s\n", COMMAND_PROGRAM, e->text);
    return (int)gf_err_exit(e->code);
}

/* 1 if --json is among the words, wherever: for errors before they are parsed. */
static int wants_json(int argc, char **argv) {
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0)
            return 1;
    }
    return 0;
}

static int open_and_work(const struct command *c, const char *root, const struct options *o,
                         int *status, struct gf_err *e) {
    struct relay r;
    int rc = -1;

    switch (c->need) {
    case COMMAND_PATHS:
        rc = relay_paths(&r, root, e);
        break;
    case COMMAND_CONFIG:
        rc = relay_configure(&r, root, e);
        break;
    case COMMAND_OPEN:
        rc = relay_open(&r, root, e);
        break;
    }
    if (rc == -1)
        return -1;
    rc = c->work(&r, o, status, e);
    relay_close(&r);
    return rc;
}

int command_run(const struct command *c, const char *root, int argc, char **argv) {
    struct gf_err e = {.code = GF_OK};
    int status = GF_EXIT_DONE;
    struct options o;

    if (options_parse(argc, argv, c->page.specs, &o, &e) == -1)
        return command_fail(&e, wants_json(argc, argv));
    if (options_count(&o, "help"))
        options_help(&c->page, stdout);
    else if (open_and_work(c, root, &o, &status, &e) == -1)
        status = command_fail(&e, wants_json(argc, argv));
    options_free(&o);
    return status;
}

int command_args(const struct options *o, size_t min, size_t max, const char *what,
                 struct gf_err *e) {
    if (o->nargs < min)
        return gf_err_set(e, GF_E_USAGE, "%s is missing; see --help", what);
    if (o->nargs > max)
        return gf_err_set(e, GF_E_USAGE, "what is \"%s\"? see --help", options_arg(o, max));
    return 0;
}

void command_user(char out[65]) {
    uid_t uid = getuid();
    const char *name = uid == 0 ? getenv("SUDO_USER") : NULL;

    if (name == NULL || *name == '\0') {
        const struct passwd *pw = getpwuid(uid);
        name = pw != NULL ? pw->pw_name : NULL;
    }
    if (name != NULL && strlen(name) <= 64 && gf_text_is_utf8(name, strlen(name)))
        (void)snprintf(out, 65, "%s", name);
    else
        (void)snprintf(out, 65, "uid %lu", (unsigned long)uid);
}

void command_next(const struct relay *r, const char *fmt, ...) {
    static const char tail[] = "/var/lib/gapferry/relay";
    size_t root = strlen(r->state) - (sizeof tail - 1);
    va_list ap;

    if (!isatty(STDERR_FILENO))
        return;
    (void)fflush(stdout);
    (void)fputs("next: " COMMAND_PROGRAM " ", stderr);
    if (root > 0)
        (void)fprintf(stderr, "--root %.*s ", (int)root, r->state);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
}
