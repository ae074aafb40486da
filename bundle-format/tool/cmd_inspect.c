/*
 * cmd_inspect.c -- `inspect`: what a bundle claims to be. No key is used, so nothing is believed:
 * every line says so.
 */
#include <stdio.h>
#include <unistd.h>

#include "tool/tool.h"

static const struct option_spec specs[] = {
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static int run(const struct options *o, struct gf_err *e) {
    struct gf_head head;
    struct tool_out t;
    struct gf_buf word;
    struct stat st;
    const char *path;

    if (tool_one_arg(o, "FILE", &path, e) == -1)
        return -1;
    int fd = tool_open(path, 1, &st, e);
    if (fd == -1)
        return -1;
    int rc = gf_bundle_peek(fd, &head, e);
    (void)close(fd);
    /* Less than one block: most likely it never was a bundle. */
    if (rc == -1 && e->code == GF_E_SHELL && st.st_size < 512)
        return gf_err_set(e, GF_E_SHELL, "%s: is not a bundle, or cut off; copy it again", path);
    if (rc == -1)
        return gf_err_prefix(e, "%s", path);

    gf_buf_init(&word, 65536);
    tool_shell_word(&word, path);
    tool_out_begin(&t, o, "unverified: ");
    tool_out_bool(&t, "verified", 0);
    tool_out_foreign(&t, "file", "file", path);
    tool_out_size(&t, "size", "size", head.bundle_size);
    tool_out_header(&t, &head.header);
    tool_out_line(&t, "to verify   gapferry-bundle verify --from CARD %s",
                  word.data ? word.data : "FILE");
    gf_buf_free(&word);
    gf_head_free(&head);
    return tool_out_end(&t, e);
}

const struct tool_command cmd_inspect = {
    "inspect",
    "[OPTION]... FILE",
    "show what a bundle claims, without any key",
    "Show what a bundle claims about itself. Only its form is checked, no signature, so anybody "
    "may "
    "have written it: every line is marked \"unverified\" (with --json: \"verified\": false).",
    specs,
    "Example:\n  gapferry-bundle inspect a.gfb\n",
    run,
};
