/*
 * setup.c -- opening what an agent has before a command begins.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/command.h"
#include "common/log.h"

/* Keys without a database are an agent that has lost what it knew. A new, empty one in its place
 * would take its outbox for strays. */
static int open_store(struct agent *a, struct gf_err *e) {
    char self[COMMAND_SELF], what[sizeof e->text];

    if (store_open(a->state, &a->store, e) == 0)
        return 0;
    if (e->code != GF_E_NOINPUT)
        return -1;
    (void)snprintf(what, sizeof what, "%.300s", e->text);
    return gf_err_set(
        e, GF_E_DAMAGED,
        "%s, though this agent has keys; nothing was changed. Put agent.db back from a "
        "backup if there is one, and then in either case: %s restore",
        what, command_self(a, self));
}

int agent_open(struct agent *a, const char *root, struct gf_err *e) {
    char keys[sizeof a->state + 8], self[COMMAND_SELF];
    struct stat st;

    if (agent_paths(a, root, e) == -1)
        return -1;
    (void)snprintf(keys, sizeof keys, "%s/keys", a->state);
    if (stat(keys, &st) == -1 && (errno == ENOENT || errno == ENOTDIR))
        return gf_err_set(e, GF_E_CONFIG, "%s: there is no agent yet; make one: %s init", a->state,
                          command_self(a, self));
    if (config_load(a->config_path, agent_keys, &a->config, e) == 0 &&
        gf_identity_load(AT_FDCWD, keys, &a->id, e) == 0 && open_store(a, e) == 0) {
        /* Only gapferry-link needs them, and the next command tries again. */
        if (agent_publish_cards(a, e) == -1)
            log_write(LOG_LEVEL_WARNING, "cards-not-published", {"why", e->text, 0});
        return 0;
    }
    agent_close(a);
    return -1;
}

void agent_close(struct agent *a) {
    store_close(a->store);
    gf_identity_free(&a->id);
    config_free(a->config);
    a->store = NULL;
    a->config = NULL;
}
