/*
 * main.c -- gapferry-agent: the table of its commands. Before anything else the process gives up
 * the network for good (promise P6).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "agent/command.h"
#include "common/nearest.h"
#include "common/sandbox.h"
#include "gapferry/digest.h"

#define PROGRAM COMMAND_PROGRAM

static const struct {
    const char *name;
    agent_command *run;
    const char *help;
} commands[] = {
    {"init", cmd_init, "make this machine an agent: keys, configuration, queue"},
    {"trust", cmd_trust, "trust a relay's card or a vendor's key"},
    {"card", cmd_card, "show this agent's card and its fingerprint"},
    {"consent", cmd_consent, "show, give or withdraw consent for a channel"},
    {"record", cmd_record, "queue something that is to leave"},
    {"preview", cmd_preview, "show exactly what will leave"},
    {"license", cmd_license, "ask for licences, install and check them"},
    {"sync", cmd_sync, "visit a drive: take in what came, write what is due"},
    {"status", cmd_status, "show what waits, what left, what came back"},
    {"config", cmd_config, "check or show the configuration"},
};
#define NCOMMANDS (sizeof commands / sizeof *commands)

static void print_overview(void) {
    (void)printf("usage: %s [--root DIR] COMMAND [OPTION]... [ARGUMENT]...\n\n"
                 "The agent of a site without network: it queues what is to leave, writes it as\n"
                 "signed, encrypted bundles to a drive, and takes in what comes back. It opens no\n"
                 "network connection.\n\n",
                 PROGRAM);
    for (size_t i = 0; i < NCOMMANDS; i++)
        (void)printf("  %-10s %s\n", commands[i].name, commands[i].help);
    (void)printf(
        "\n  --root DIR use DIR/etc/gapferry and DIR/var/lib/gapferry instead of /etc and\n"
        "             /var/lib; may stand anywhere\n"
        "  --help     show this help; after a command, that command's\n"
        "  --version  show the version\n\n"
        "The manual: man 8 %s.\n",
        PROGRAM);
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
    if (near)
        return gf_err_set(e, GF_E_USAGE, "unknown command %s; did you mean %s?", name, near);
    return gf_err_set(e, GF_E_USAGE, "unknown command %s; see %s --help", name, PROGRAM);
}

/* Take --root DIR off the words, wherever it stands before "--": each command knows it. */
static int take_root(int *argc, char **argv, const char **root, struct gf_err *e) {
    int n = 0, all = *argc, open = 1;

    for (int i = 0; i < all; i++) {
        const char *value = NULL;
        if (open && strcmp(argv[i], "--root") == 0) {
            if (i + 1 == all)
                return gf_err_set(e, GF_E_USAGE, "--root DIR: DIR is missing");
            value = argv[++i];
        } else if (open && strncmp(argv[i], "--root=", 7) == 0) {
            value = argv[i] + 7;
        } else {
            open = open && strcmp(argv[i], "--") != 0;
            argv[n++] = argv[i];
            continue;
        }
        if (!*value || *root)
            return gf_err_set(e, GF_E_USAGE, *root ? "--root was given twice" : "--root is empty");
        *root = value;
    }
    argv[n] = NULL;
    *argc = n;
    return 0;
}

static int run(int argc, char **argv, int *status, struct gf_err *e) {
    const char *root = NULL;
    static char help[] = "--help";
    char *help_words[] = {help, NULL};

    if (take_root(&argc, argv, &root, e) == -1)
        return -1;
    if (argc < 1)
        return gf_err_set(e, GF_E_USAGE, "no command given; see %s --help", PROGRAM);
    if (strcmp(argv[0], "--version") == 0) {
        (void)printf("%s %s\n", PROGRAM, GAPFERRY_VERSION);
        return 0;
    }
    int about = strcmp(argv[0], "help") == 0 && argc > 1;
    if (!about && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 ||
                   strcmp(argv[0], "help") == 0)) {
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

/*
 * No network, for this process and all that it starts. A kernel that refuses is an error: what
 * follows may start programs of the site, and those shall not reach out. Only where the kernel has
 * no seccomp at all do we go on, and say so: the agent itself holds no function that could open a
 * connection, so that what is lost is the second lock, not the first.
 */
static int give_up_network(struct gf_err *e) {
    if (sandbox_no_network(e) == 0)
        return 0;
    if (prctl(PR_GET_SECCOMP) != -1 || errno != EINVAL)
        return -1;
    (void)fprintf(stderr,
                  "%s: this kernel has no seccomp, so that it cannot forbid the network; the agent "
                  "itself has no means to use it\n",
                  PROGRAM);
    return 0;
}

/* Descriptors 0 to 2 must be something: else a file being written could become "standard error". */
static void open_standard_streams(void) {
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF && open("/dev/null", O_RDWR) == -1)
            _exit(GF_EXIT_IO);
    }
}

int main(int argc, char **argv) {
    struct gf_err e = {.code = GF_OK};
    int status = GF_EXIT_DONE;

    /* A pipe that closes is an error like others, so that nothing is left behind because of it. */
    open_standard_streams();
    (void)signal(SIGPIPE, SIG_IGN);
    if (give_up_network(&e) == -1 || run(argc - 1, argv + 1, &status, &e) == -1)
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
