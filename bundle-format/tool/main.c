/*
 * main.c -- gapferry-bundle: keys, cards, pack, inspect, verify, unpack.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/command.h"
#include "common/nearest.h"
#include "gapferry/digest.h"
#include "tool/tool.h"

#define PROGRAM "gapferry-bundle"

static const struct tool_command *const commands[] = {
    &cmd_keygen, &cmd_card, &cmd_pack, &cmd_inspect, &cmd_verify, &cmd_unpack,
};
#define NCOMMANDS (sizeof commands / sizeof *commands)

static void print_overview(void) {
    (void)printf(
        "usage: %s COMMAND [OPTION]... [FILE]...\n\n"
        "Make, check and open Gapferry bundles: signed, encrypted files that carry records\n"
        "out of a site without network, and the responses back.\n\n",
        PROGRAM);
    for (size_t i = 0; i < NCOMMANDS; i++)
        (void)printf("  %-10s %s\n", commands[i]->name, commands[i]->short_help);
    (void)printf("\n  --help     show this help; after a command, that command's\n"
                 "  --version  show the version\n\n"
                 "The manual: man %s; the format: man 5 gfb.\n",
                 PROGRAM);
}

static void print_help(const struct tool_command *c) {
    char program[64];
    const struct option_page page = {program, c->args, c->about, c->specs, c->more};

    (void)snprintf(program, sizeof program, "%s %s", PROGRAM, c->name);
    options_help(&page, stdout);
}

static const struct tool_command *find(const char *name, struct gf_err *e) {
    const char *near = NULL;
    size_t best = (size_t)-1;

    for (size_t i = 0; i < NCOMMANDS; i++) {
        if (strcmp(name, commands[i]->name) == 0)
            return commands[i];
        if (nearest_is(name, commands[i]->name, &best))
            near = commands[i]->name;
    }
    if (near)
        (void)gf_err_set(e, GF_E_USAGE, "unknown command %s; did you mean %s?", name, near);
    else
        (void)gf_err_set(e, GF_E_USAGE, "unknown command %s; see %s --help", name, PROGRAM);
    return NULL;
}

static int run(int argc, char **argv, struct gf_err *e) {
    struct options o;

    if (argc < 1)
        return gf_err_set(e, GF_E_USAGE, "no command given; see %s --help", PROGRAM);
    if (strcmp(argv[0], "--version") == 0) {
        (void)printf("%s %s\n", PROGRAM, GAPFERRY_VERSION);
        return 0;
    }
    if (strcmp(argv[0], "help") == 0 && argc > 1) {
        const struct tool_command *about = find(argv[1], e);
        if (!about)
            return -1;
        print_help(about);
        return 0;
    }
    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 ||
        strcmp(argv[0], "help") == 0) {
        print_overview();
        return 0;
    }

    const struct tool_command *c = find(argv[0], e);
    if (!c || options_parse(argc - 1, argv + 1, c->specs, &o, e) == -1)
        return -1;
    int rc = 0;
    if (options_count(&o, "help"))
        print_help(c);
    else
        rc = gf_digest_start(e) == 0 ? c->run(&o, e) : -1;
    options_free(&o);
    return rc;
}

/* Whoever closed the pipe that we print to has read enough; end as other tools do then. */
static void end_if_closed(void) {
    struct pollfd out = {.fd = STDOUT_FILENO};

    if (ferror(stdout) && poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0) {
        (void)signal(SIGPIPE, SIG_DFL);
        (void)raise(SIGPIPE);
    }
}

int main(int argc, char **argv) {
    struct gf_err e = {.code = GF_OK};

    /* A file that may not grow is an error like others, so that nothing is left behind because of
     * it. */
    command_begin();
    (void)signal(SIGXFSZ, SIG_IGN);
    if (run(argc - 1, argv + 1, &e) == -1) {
        end_if_closed();
        return command_failed(PROGRAM, &e, command_json(argc - 1, argv + 1));
    }
    if (fflush(stdout) == 0 && !ferror(stdout))
        return GF_EXIT_DONE;
    int number = errno;
    end_if_closed();
    errno = number;
    (void)gf_err_errno(&e, "standard output: cannot write the result");
    return command_failed(PROGRAM, &e, 0);
}
