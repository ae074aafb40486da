/*
 * cmd_id.c -- `id`: the number that stands for this installation in reports.
 */
#include "agent/command.h"
#include "agent/source/source.h"

static const struct option_spec specs[] = {
    {"reset", 0, NULL, "make a new one; what was reported before has the old one still"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " id",
    "[OPTION]...",
    "Show the installation id: the random number that tells the reports of this installation from "
    "those of others. It is derived from nothing, and is not the id of the agent.",
    specs,
    "Examples:\n  gapferry-agent id\n  gapferry-agent id --reset\n",
};

static int run(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    int reset = options_count(o, "reset") > 0;
    char text[GF_ID_TEXT];
    struct gf_id id;
    struct out t;

    (void)status;
    if (command_args(o, 0, 0, "", e) == -1 || source_installation(a, reset, &id, e) == -1)
        return -1;
    gf_text_hex(id.b, sizeof id.b, text);
    out_begin(&t, o);
    out_str(&t, "installation", text);
    out_bool(&t, "reset", reset);
    out_text(&t, "%s\n", text);
    return out_end(&t, e);
}

int cmd_id(const char *root, int argc, char **argv) {
    return command_run_agent(&page, root, argc, argv, run);
}
