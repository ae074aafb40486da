/*
 * main.c -- gapferry-collect: records from programs of this host. It listens on this host only,
 * holds no key and never opens the queue.
 */
#include "agent/collect/command.h"
#include "common/command.h"
#include "gapferry/digest.h"

static const struct command_entry commands[] = {
    {"run", cmd_collect_run, "take records until the end (the daemon)"},
    {"check", cmd_collect_check, "say what would be taken now, and from where"},
    {"status", cmd_collect_status, "say what was taken and refused"},
};

static const struct command_program program = {
    .name = COLLECT_PROGRAM,
    .version = GAPFERRY_VERSION,
    .about = "Takes records from programs of this host: OpenTelemetry metrics by OTLP/HTTP at\n"
             "/v1/metrics, Influx lines at /write, anything at /v1/records/CHANNEL; and asks the\n"
             "Prometheus endpoints that agent.conf names. Only what the site has consented to\n"
             "comes in, and a request is answered with 2xx only once its record is on the disk.\n",
    .commands = commands,
    .ncommands = sizeof commands / sizeof *commands,
    .begin = gf_digest_start,
};

int main(int argc, char **argv) {
    return command_main(&program, argc, argv);
}
