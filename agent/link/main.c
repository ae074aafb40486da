/*
 * main.c -- gapferry-link: the only program of a site with outward sockets. It holds no secret key
 * and never opens the queue.
 */
#include "agent/link/command.h"
#include "common/command.h"

static const struct command_entry commands[] = {
    {"probe", cmd_probe, "try each relay once, and say which stage failed"},
    {"carry", cmd_carry, "one visit by HTTPS now: what is due goes, what waits comes"},
    {"run", cmd_link_run, "do both whenever they are due (the daemon)"},
};

static const struct command_program program = {
    .name = LINK_PROGRAM,
    .version = GAPFERRY_VERSION,
    .about = "Finds out whether the relays of agent.conf can be reached, and carries bundles by\n"
             "HTTPS where they can. It alone of all that runs on a site reaches out; it opens no\n"
             "key and never the queue.\n",
    .commands = commands,
    .ncommands = sizeof commands / sizeof *commands,
};

int main(int argc, char **argv) {
    return command_main(&program, argc, argv);
}
