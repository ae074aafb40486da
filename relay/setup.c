/*
 * setup.c -- where a relay's things are, and opening them all before a command begins.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/command.h"
#include "relay/keys.h"

int relay_paths(struct relay *r, const char *root, struct gf_err *e) {
    *r = (struct relay){.state_fd = -1, .now = (int64_t)time(NULL)};
    return command_paths("relay", root, 192, r->config_path, r->state, e);
}

int relay_configure(struct relay *r, const char *root, struct gf_err *e) {
    if (relay_paths(r, root, e) == -1)
        return -1;
    return config_load(r->config_path, relay_keys, &r->config, e);
}

/* Keys without a ledger are a relay that has lost what it knew; a new one in its place would take
 * its outbox for strays, and each bundle for new. One that is older than its head would give
 * numbers twice. */
static int open_ledger(struct relay *r, struct gf_err *e) {
    char self[COMMAND_SELF], what[sizeof e->text];

    if (ledger_open(r->state, &r->ledger, e) == -1) {
        if (e->code != GF_E_NOINPUT)
            return -1;
        (void)snprintf(what, sizeof what, "%.300s", e->text);
        return gf_err_set(e, GF_E_DAMAGED,
                          "%s, though this relay has keys; nothing was changed. Put relay.db back "
                          "from a backup if there is one, and then in either case: %s reconcile",
                          what, relay_self(r, self));
    }
    if (ledger_fits_head(r->ledger, e) == 0)
        return 0;
    (void)snprintf(what, sizeof what, "%.300s", e->text);
    size_t len = strlen(what);
    return gf_err_set(e, e->code,
                      "%s%s Nothing is taken and nothing leaves until this is settled: %s "
                      "reconcile",
                      what, len > 0 && what[len - 1] == '?' ? "" : ".", relay_self(r, self));
}

/* Configuration and directory. */
static int open_rest(struct relay *r, struct gf_err *e) {
    char keys[sizeof r->state + 8], self[COMMAND_SELF];
    struct stat st;

    if (command_check_user("gapferry-relay", r->state, e) == -1)
        return -1;
    (void)snprintf(keys, sizeof keys, "%s/keys", r->state);
    if (stat(keys, &st) == -1 && (errno == ENOENT || errno == ENOTDIR))
        return gf_err_set(e, GF_E_CONFIG, "%s: there is no relay yet; make one: %s init", r->state,
                          relay_self(r, self));
    if (config_load(r->config_path, relay_keys, &r->config, e) == -1)
        return -1;
    r->state_fd = open(r->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return r->state_fd == -1 ? gf_err_errno(e, "%s", r->state) : 0;
}

int relay_open(struct relay *r, const char *root, struct gf_err *e) {
    if (relay_paths(r, root, e) == -1)
        return -1;
    if (open_rest(r, e) == 0 && open_ledger(r, e) == 0 && keys_load(r, 0, e) == 0)
        return 0;
    relay_close(r);
    return -1;
}

int relay_open_anyhow(struct relay *r, int *made, struct gf_err *e) {
    if (made != NULL)
        *made = 0;
    if (open_rest(r, e) == 0) {
        int opened = ledger_open(r->state, &r->ledger, e);
        if (made != NULL)
            *made = opened == -1 && e->code == GF_E_NOINPUT;
        if (made != NULL && *made)
            opened = ledger_make(r->state, &r->ledger, e);
        if (opened == 0 && keys_load(r, made != NULL, e) == 0)
            return 0;
    }
    relay_close(r);
    return -1;
}

const char *relay_self(const struct relay *r, char out[COMMAND_SELF]) {
    return command_called("gapferry-relay", r->state, out);
}

void relay_close(struct relay *r) {
    ledger_close(r->ledger);
    keys_forget(r);
    config_free(r->config);
    if (r->state_fd != -1)
        (void)close(r->state_fd);
    r->ledger = NULL;
    r->config = NULL;
    r->state_fd = -1;
}
