/*
 * setup.c -- opening what an agent has before a command begins.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/command.h"
#include "agent/config_check.h"
#include "agent/restore.h"
#include "common/log.h"

#define TRIES 8 /* to find keys and database that belong together while others rotate */

/* A rule without a field: one hand meant that nothing passes, another that everything does. */
static int check_rule(const struct config *c, const char *channel, struct gf_err *e) {
    const char *allow = config_get(c, "channel", channel, "allow");
    const char *at = config_emptied(c, "channel", channel, "allow");

    if (!at && allow && !redact_names_some(allow))
        at = config_origin(c, "channel", channel, "allow");
    if (!at)
        return 0;
    return gf_err_set(
        e, GF_E_CONFIG,
        "%s: [channel \"%s\"] allow names no field; write allow = * if everything may "
        "leave, consent = denied if nothing may, or name the fields",
        at, channel);
}

int agent_configure(const char *path, struct config **out, struct gf_err *e) {
    struct config *c = NULL;
    const char *name;

    if (config_load(path, agent_keys, &c, e) == -1)
        return -1;
    if (config_check_values(c, e) == -1) {
        config_free(c);
        return -1;
    }
    for (size_t i = 0; (name = config_name(c, "channel", i)); i++) {
        if (check_rule(c, name, e) == -1) {
            config_free(c);
            return -1;
        }
    }
    *out = c;
    return 0;
}

/* Keys without a database are an agent that has lost what it knew. A new, empty one in its place
 * would take its outbox for strays. */
static int open_store(struct agent *a, struct gf_err *e) {
    char self[COMMAND_SELF], what[sizeof e->text];

    if (store_open(a->state, &a->store, e) == 0)
        return 0;
    /* A disk that is full or read-only stops nobody from reading: a product that has its licence
     * must start. What would change something fails then. */
    if (e->code == GF_E_CREATE) {
        struct gf_err why;
        if (store_read(a->state, &a->store, &why) == -1)
            return -1;
        log_write(LOG_LEVEL_WARNING, "read-only", {"why", e->text, 0});
        return 0;
    }
    if (e->code == GF_E_DAMAGED)
        return restore_set_aside(a, e);
    if (e->code != GF_E_NOINPUT)
        return -1;
    (void)snprintf(what, sizeof what, "%.300s", e->text);
    return gf_err_set(
        e, GF_E_DAMAGED,
        "%s, though this agent has keys; nothing was changed. Put agent.db back from a "
        "backup if there is one, and then in either case: %s restore",
        what, command_self(a, self));
}

/* A rotation that was cut off between database and keys: the database has decided. 1 it is done
 * now, 0 it is none. */
static int finish_rotation(struct agent *a, const struct gf_hash *to, struct gf_err *e) {
    struct gf_err why;

    if (own_keys_switch(a->state, to, &why) == -1) {
        if (why.code == GF_E_NOINPUT)
            return 0;
        *e = why;
        return -1;
    }
    gf_identity_free(&a->id);
    if (command_keys(a->state, &a->id, e) == -1)
        return -1;
    log_write(LOG_LEVEL_NOTICE, "rotation-finished", {"state", a->state, 0});
    return memcmp(a->id.card.identity.b, to->b, sizeof to->b) == 0;
}

/* They are for reading only, and what cannot be moved now the next command tries again. */
int agent_load_former(struct agent *a, struct gf_err *e) {
    struct gf_err why;

    if (own_keys_tidy(a->state, &why) == -1)
        log_write(LOG_LEVEL_WARNING, "rotation-not-finished", {"why", why.text, 0});
    return own_keys_former_load(a->state, &a->former, e);
}

static int is_former(struct agent *a, const struct gf_hash *identity) {
    struct gf_err ignored;

    if (own_keys_former_load(a->state, &a->former, &ignored) == -1)
        return 0;
    for (size_t i = 0; i < a->former.n; i++)
        if (memcmp(&a->former.list[i].card.identity, identity, sizeof *identity) == 0)
            return 1;
    return 0;
}

/* A database and keys that were made apart do not belong together: whatever this agent is owed is
 * addressed to other keys. */
static int tell_foreign(const struct agent *a, const struct gf_hash *theirs, struct gf_err *e) {
    char text[GF_HASH_TEXT] = "unknown", fingerprint[GF_FINGERPRINT_TEXT];

    if (theirs)
        gf_text_hex(theirs->b, sizeof theirs->b, text);
    gf_card_fingerprint(&a->id.card, fingerprint);
    return gf_err_set(
        e, GF_E_DAMAGED,
        "%s/keys: these keys (%s) are not those that agent.db belongs to (identity "
        "%.16s...); put back the keys and the database of one agent, from one backup. "
        "Nothing was changed",
        a->state, fingerprint, text);
}

/* 1 if the keys on the disk are others than those that are loaded, which they replace then. */
static int reload(struct agent *a, struct gf_err *e) {
    struct gf_identity now;

    if (command_keys(a->state, &now, e) == -1)
        return -1;
    int is_new = memcmp(&now.card.identity, &a->id.card.identity, sizeof now.card.identity) != 0;
    gf_identity_free(&a->id);
    a->id = now;
    return is_new;
}

/* As agent_belongs(); 2: to keys that are not there. */
static int belongs(struct agent *a, struct gf_hash *theirs, struct gf_err *e) {
    const struct gf_hash *us = &a->id.card.identity;
    struct gf_err ignored;
    struct gf_buf b;

    int found = store_get_fact(a->store, "identity", &b, e);
    int is_whole = found == 1 && b.len == sizeof theirs->b;
    if (is_whole)
        memcpy(theirs->b, b.data, sizeof theirs->b);
    gf_buf_free(&b);
    if (found == -1)
        return -1;
    /* The first time: where nothing can be written it is noted another time. */
    if (found == 0) {
        (void)!store_put_fact(a->store, "identity", us->b, sizeof us->b, &ignored);
        return 1;
    }
    if (!is_whole)
        return tell_foreign(a, NULL, e);
    if (memcmp(theirs->b, us->b, sizeof us->b) == 0)
        return 1;
    if (is_former(a, theirs))
        return 0;
    int done = finish_rotation(a, theirs, e);
    return done != 0 ? done : 2;
}

int agent_belongs(struct agent *a, struct gf_err *e) {
    struct gf_hash theirs;

    for (int i = 0;; i++) {
        int rc = belongs(a, &theirs, e);
        if (rc == 1 || rc == -1)
            return rc;
        /* Between keys and database another command may have rotated, and once more since. */
        int is_new = i < TRIES ? reload(a, e) : 0;
        if (is_new == -1)
            return -1;
        if (!is_new)
            return rc == 0 ? 0 : tell_foreign(a, &theirs, e);
    }
}

static int check_identity(struct agent *a, struct gf_err *e) {
    char self[COMMAND_SELF];

    int belongs = agent_belongs(a, e);
    if (belongs != 0)
        return belongs == 1 ? 0 : -1;
    return gf_err_set(
        e, GF_E_DAMAGED,
        "%s/agent.db: is of before this agent was given its keys (rotate); was it put "
        "back from a backup? Nothing was changed. To go on with it: %s restore",
        a->state, command_self(a, self));
}

int agent_lock(struct agent *a, const char *command, struct gf_err *e) {
    const struct gf_hash *us = &a->id.card.identity;
    struct gf_buf b;

    if (store_lock(a->store, command, e) == -1)
        return -1;
    int found = store_get_fact(a->store, "identity", &b, e);
    if (found == 1 && (b.len != sizeof us->b || memcmp(b.data, us->b, b.len) != 0))
        found = gf_err_set(e, GF_E_BUSY,
                           "%s/keys: another command has just given this agent new keys; run this "
                           "again",
                           a->state);
    gf_buf_free(&b);
    if (found == -1)
        store_unlock(a->store);
    return found == -1 ? -1 : 0;
}

int agent_open(struct agent *a, const char *root, struct gf_err *e) {
    char keys[sizeof a->state + 8], self[COMMAND_SELF];
    struct stat st;

    if (agent_paths(a, root, e) == -1 || command_check_user(COMMAND_PROGRAM, a->state, e) == -1)
        return -1;
    (void)snprintf(keys, sizeof keys, "%s/keys", a->state);
    if (stat(keys, &st) == -1 && (errno == ENOENT || errno == ENOTDIR))
        return gf_err_set(e, GF_E_CONFIG, "%s: there is no agent yet; make one: %s init", a->state,
                          command_self(a, self));
    if (agent_configure(a->config_path, &a->config, e) == 0 &&
        command_keys(a->state, &a->id, e) == 0 && open_store(a, e) == 0 &&
        check_identity(a, e) == 0 && agent_load_former(a, e) == 0) {
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
    own_keys_former_free(&a->former);
    config_free(a->config);
    a->store = NULL;
    a->config = NULL;
}
