/*
 * main.c -- gapferry-agent: the table of its commands. Before anything else the process gives up
 * the network for good (promise P6).
 */
#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "agent/command.h"
#include "common/sandbox.h"

static const struct command_entry commands[] = {
    {"init", cmd_init, "make this machine an agent: keys, configuration, queue"},
    {"trust", cmd_trust, "trust a relay's card or a vendor's key"},
    {"card", cmd_card, "show this agent's card and its fingerprint"},
    {"consent", cmd_consent, "show, give or withdraw consent for a channel"},
    {"record", cmd_record, "queue something that is to leave"},
    {"preview", cmd_preview, "show exactly what will leave"},
    {"source", cmd_source, "show what makes records at an interval, or run it now"},
    {"id", cmd_id, "show or reset the number that stands for this installation in reports"},
    {"license", cmd_license, "ask for licences, install and check them"},
    {"updates", cmd_updates, "ask for updates, keep and check what came, report how it went"},
    {"sync", cmd_sync, "visit a drive: take in what came, write what is due"},
    {"import", cmd_import, "apply responses that came by other means than a drive"},
    {"export", cmd_export, "bundle what is queued now, and name the files"},
    {"run", cmd_run, "work as a service"},
    {"doctor", cmd_doctor, "say what is in order, what is not, and what to do about it"},
    {"history", cmd_history, "show what left and came, and prove that the account is whole"},
    {"resend", cmd_resend, "queue again what has left without an answer"},
    {"rotate", cmd_rotate, "make new keys for this agent, which its relay takes for the old ones'"},
    {"restore", cmd_restore, "go on after the database was lost or put back from a backup"},
    {"status", cmd_status, "show what waits, what left, what came back"},
    {"config", cmd_config, "check or show the configuration"},
};

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
                  COMMAND_PROGRAM);
    return 0;
}

int main(int argc, char **argv) {
    static const struct command_program program = {
        .name = COMMAND_PROGRAM,
        .version = GAPFERRY_VERSION,
        .about = "The agent of a site without network: it queues what is to leave, writes it as\n"
                 "signed, encrypted bundles to a drive, and takes in what comes back. It opens no\n"
                 "network connection.\n",
        .commands = commands,
        .ncommands = sizeof commands / sizeof *commands,
        .begin = give_up_network,
    };
    return command_main(&program, argc, argv);
}
