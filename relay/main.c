/*
 * main.c -- gapferry-relay: the table of its commands.
 */
#include <sys/prctl.h>
#include <sys/resource.h>

#include "relay/command.h"
#include "relay/run.h"

static const struct command_entry commands[] = {
    {"init", cmd_init, "make this machine a relay: keys, configuration, ledger"},
    {"card", cmd_card, "show this relay's card and its fingerprint"},
    {"approve", cmd_approve, "let an agent in, by its fingerprint"},
    {"agents", cmd_agents, "list who ever came, and what to do about them"},
    {"token", cmd_token, "give a site a one-time token that lets its agent in"},
    {"rotate", cmd_rotate, "give this relay new keys; it stays the relay it is"},
    {"revoke", cmd_revoke, "end an agent's lineage: nothing more is taken from it"},
    {"sync", cmd_sync, "visit a drive: take in requests, forward, write responses"},
    {"import", cmd_import, "take in bundles by hand, as from a drive"},
    {"forward", cmd_forward, "the part of sync that sends records to their endpoints"},
    {"respond", cmd_respond, "the part of sync that writes responses"},
    {"notice", cmd_notice, "ask every agent to be stricter with a channel, as a grid's manager"},
    {"decline", cmd_decline, "do not let an unknown sender in; what it sent goes"},
    {"run", cmd_run, "stay: take bundles in by HTTP, forward, keep responses"},
    {"status", cmd_status, "show what waits, who is enrolled, what needs a person"},
    {"records", cmd_records, "list and show records; try again, give up"},
    {"quarantine", cmd_quarantine, "what was refused and why; verify it over again, or drop it"},
    {"endpoints", cmd_endpoints, "where records go, and whether that can be reached"},
    {"couriers", cmd_couriers, "who may use the page, for machines that have only a browser"},
    {"reconcile", cmd_reconcile, "go on after the ledger was restored from a backup, or lost"},
    {"audit", cmd_audit, "verify or export the log of what this relay has done"},
    {"config", cmd_config, "check or show the configuration"},
};

/* Keys stay out of core files. */
static int keep_private(struct gf_err *e) {
    (void)e;
    const struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
    return 0;
}

int main(int argc, char **argv) {
    static const struct command_program program = {
        .name = COMMAND_PROGRAM,
        .version = GAPFERRY_VERSION,
        .about =
            "The relay on the machine with internet access: it takes in the bundles that sites\n"
            "send, forwards each record to the endpoint that the configuration names, and\n"
            "writes signed, encrypted responses.\n",
        .commands = commands,
        .ncommands = sizeof commands / sizeof *commands,
        .begin = keep_private,
    };
    int status = 0;
    (void)keep_private(NULL);
    if (run_is_child(argc, argv, &status))
        return status;
    return command_main(&program, argc, argv);
}
