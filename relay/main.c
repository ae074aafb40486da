/*
 * main.c -- gapferry-relay: the table of its commands.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/nearest.h"
#include "gapferry/digest.h"
#include "relay/command.h"

static const struct {
    const char *name;
    relay_command *run;
    const char *help;
} commands[] = {
    {"init", cmd_init, "make this machine a relay: keys, configuration, ledger"},
    {"card", cmd_card, "show this relay's card and its fingerprint"},
    {"approve", cmd_approve, "let an agent in, by its fingerprint"},
    {"sync", cmd_sync, "visit a drive: take in requests, forward, write responses"},
    {"status", cmd_status, "show what waits, who is enrolled, what needs a person"},
    {"records", cmd_records, "list records, or try held ones again"},
    {"config", cmd_config, "check or show the configuration"},
};
#define NCOMMANDS (sizeof commands / sizeof *commands)

static void print_overview(void) {
    (void)printf(
        "usage: %s [--root DIR] COMMAND [OPTION]... [ARGUMENT]...\n\n"
        "The relay on the machine with internet access: it takes in the bundles that sites\n"
        "send, forwards each record to the endpoint that the configuration names, and\n"
        "writes signed, encrypted responses.\n\n",
        COMMAND_PROGRAM);
    for (size_t i = 0; i < NCOMMANDS; i++)
        (void)printf("  %-10s %s\n", commands[i].name, commands[i].help);
    (void)printf(
        "\n  --root DIR use DIR/etc/gapferry and DIR/var/lib/gapferry instead of /etc and\n"
        "             /var/lib; may stand anywhere\n"
        "  --help     show this help; after a command, that command's\n"
        "  --version  show the version\n\n"
        "The manual: man 8 %s.\n",
        COMMAND_PROGRAM);
}

static int find(const char *name, struct gf_err *e) {
    const char *near = NULL;
    size_t best = (size_t)-1;

    for (size_t i = 0; i < NCOMMANDS; i++) {
        if (strcmp(name, commands[i].name) == 0)
            return (int)i;
        if (nearest_is(name, commands[i].name, &best))
            near = commands[i].name;
    }
    if (near != NULL)
        return gf_err_set(e, GF_E_USAGE, "unknown command %s; did you mean %s?", name, near);
    return gf_err_set(e, GF_E_USAGE, "unknown command %s; see %s --help", name, COMMAND_PROGRAM);
}

/* Take --root DIR off the words, wherever it stands before "--". */
static int take_root(int *argc, char **argv, const char **root, struct gf_err *e) {
    int n = 0;
    int all = *argc;
    int open_words = 1;

    for (int i = 0; i < all; i++) {
        const char *value = NULL;
        if (open_words && strcmp(argv[i], "--root") == 0) {
            if (i + 1 == all)
                return gf_err_set(e, GF_E_USAGE, "--root DIR: DIR is missing");
            value = argv[++i];
        } else if (open_words && strncmp(argv[i], "--root=", 7) == 0) {
            value = argv[i] + 7;
        } else {
            open_words = open_words && strcmp(argv[i], "--") != 0;
            argv[n++] = argv[i];
            continue;
        }
        if (*value == '\0' || *root != NULL)
            return gf_err_set(e, GF_E_USAGE,
                              *root != NULL ? "--root was given twice" : "--root is empty");
        *root = value;
    }
    argv[n] = NULL;
    *argc = n;
    return 0;
}

static int is_help(const char *word) {
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static int run(int argc, char **argv, int *status, struct gf_err *e) {
    char help[] = "--help";
    char *help_words[] = {help, NULL};
    const char *root = NULL;

    if (take_root(&argc, argv, &root, e) == -1)
        return -1;
    if (argc < 1)
        return gf_err_set(e, GF_E_USAGE, "no command given; see %s --help", COMMAND_PROGRAM);
    if (strcmp(argv[0], "--version") == 0) {
        (void)printf("%s %s\n", COMMAND_PROGRAM, GAPFERRY_VERSION);
        return 0;
    }
    int about = strcmp(argv[0], "help") == 0 && argc > 1;
    if (!about && is_help(argv[0])) {
        print_overview();
        return 0;
    }
    int command = find(argv[about], e);
    if (command == -1 || gf_digest_start(e) == -1)
        return -1;
    *status = about ? commands[command].run(root, 1, help_words)
                    : commands[command].run(root, argc - 1, argv + 1);
    return 0;
}

/* Descriptors 0 to 2 must be something: else a file being written could become "standard error". */
static void open_standard_streams(void) {
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF && open("/dev/null", O_RDWR) == -1)
            _exit(GF_EXIT_IO);
    }
}

/* Keys stay out of core files. */
static void keep_private(void) {
    const struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
}

int main(int argc, char **argv) {
    struct gf_err e = {.code = GF_OK};
    int status = GF_EXIT_DONE;

    /* A pipe that closes is an error like others, so that nothing is left behind because of it. */
    open_standard_streams();
    keep_private();
    (void)signal(SIGPIPE, SIG_IGN);
    if (run(argc - 1, argv + 1, &status, &e) == -1)
        return command_fail(&e, 0);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;

    /* Whoever closed the pipe has read enough; end as other tools do then. */
    if (errno == EPIPE) {
        (void)signal(SIGPIPE, SIG_DFL);
        (void)raise(SIGPIPE);
    }
    (void)gf_err_errno(&e, "standard output: cannot write the result");
    return command_fail(&e, 0);
}
