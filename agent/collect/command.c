/*
 * command.c -- what the commands of gapferry-collect share.
 */
#include "agent/collect/command.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/command.h"

static int open_state(struct collect_command *c, const char *root, struct gf_err *e) {
    c->state = open(c->a.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (c->state != -1)
        return 0;
    return gf_err_set(e, GF_E_CONFIG,
                      "%s: there is no agent yet, or it is not this user's; make one: "
                      "gapferry-agent%s%s init",
                      c->a.state, root != NULL ? " --root " : "", root != NULL ? root : "");
}

/* The path of a socket is absolute, so root is, too. */
static int read_config(struct collect_command *c, const char *root, struct gf_err *e) {
    struct config *config = NULL;
    char *absolute = NULL;

    int rc = config_load(c->a.config_path, agent_keys, &config, e);
    if (rc == 0 && root != NULL && (absolute = realpath(root, NULL)) == NULL)
        rc = gf_err_errno(e, "%s", root);
    if (rc == 0)
        rc = collect_settings_read(config, absolute, &c->settings, e);
    if (rc == 0)
        rc = collect_scrape_settings_read(config, c->settings.channel, &c->scrapes, e);
    if (rc == 0)
        rc = collect_scrape_check(&c->scrapes, e);
    free(absolute);
    config_free(config);
    return rc;
}

int command_collect(const char *root, struct collect_command *out, struct gf_err *e) {
    struct collect_command c = {.state = -1};

    if (agent_paths(&c.a, root, e) == -1 ||
        command_check_user(COLLECT_PROGRAM, c.a.state, e) == -1 || open_state(&c, root, e) == -1)
        return -1;
    if (read_config(&c, root, e) == -1) {
        command_end(&c);
        return -1;
    }
    *out = c;
    return 0;
}

void command_end(struct collect_command *c) {
    collect_scrape_settings_free(&c->scrapes);
    (void)close(c->state);
}
