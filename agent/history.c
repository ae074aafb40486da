/*
 * history.c -- lines of the history, and the newest one's hash outside the database.
 */
#include "agent/history.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/command.h"
#include "common/chain_head.h"
#include "gapferry/file.h"
#include "gapferry/json.h"

#define HEAD "history.head"

void history_begin(struct history_line *h, const struct agent *a, const char *event) {
    char at[GF_TIME_TEXT], user[65];

    gf_buf_init(&h->b, STORE_EVENT_MAX);
    gf_text_time(a->now, at);
    command_user(user);
    gf_buf_printf(&h->b, "{\"at\":\"%s\",\"event\":\"%s\"", at, event);
    history_text(h, "user", user);
}

void history_text(struct history_line *h, const char *name, const char *value) {
    gf_buf_printf(&h->b, ",\"%s\":", name);
    if (!value)
        gf_buf_text(&h->b, "null");
    else if (gf_text_is_utf8(value, strlen(value)))
        gf_json_put_str(&h->b, value, strlen(value));
    else
        gf_buf_text(&h->b, "\"?\"");
}

void history_number(struct history_line *h, const char *name, int64_t value) {
    gf_buf_printf(&h->b, ",\"%s\":%" PRId64, name, value);
}

void history_id(struct history_line *h, const char *name, const struct gf_id *id) {
    char text[GF_ID_TEXT];

    gf_text_hex(id->b, sizeof id->b, text);
    gf_buf_printf(&h->b, ",\"%s\":\"%s\"", name, text);
}

void history_hash(struct history_line *h, const char *name, const struct gf_hash *hash) {
    char text[GF_HASH_TEXT];

    gf_text_hex(hash->b, sizeof hash->b, text);
    gf_buf_printf(&h->b, ",\"%s\":\"%s\"", name, text);
}

int history_end(struct history_line *h, struct agent *a, struct gf_err *e) {
    gf_buf_byte(&h->b, '}');
    int rc = gf_buf_check(&h->b, "a line of the history", e);
    if (rc == 0)
        rc = store_history_add(a->store, h->b.data, h->b.len, e);
    gf_buf_free(&h->b);
    return rc;
}

/* ---- the head ---- */

/* STATE/history.head: 1 read, 0 there is none, -1. */
static int read_head(const struct agent *a, int64_t *n, struct gf_hash *hash, struct gf_err *e) {
    char path[sizeof a->state + 32], self[COMMAND_SELF];

    (void)snprintf(path, sizeof path, "%s/" HEAD, a->state);
    int rc = chain_head_load(AT_FDCWD, path, n, hash, e);
    if (rc == -1 && e->code == GF_E_DAMAGED)
        (void)gf_err_set(e, GF_E_DAMAGED,
                         "%s: is not a number and a hash, so nobody can tell how old agent.db is; "
                         "restore keeps it as evidence, and goes on: %s restore",
                         path, command_self(a, self));
    return rc;
}

struct nth {
    int64_t n;
    struct gf_hash hash;
    int found;
};

static int take_nth(void *arg, const struct store_event *v, struct gf_err *e) {
    struct nth *x = arg;

    (void)e;
    x->found = v->n == x->n;
    x->hash = v->hash;
    return 1;
}

enum head { HEAD_DIFFERS, HEAD_FITS, HEAD_MISSING };

/* Whether the chain has the line that STATE/history.head names, *at; -1. */
static int look_at_head(struct agent *a, int64_t *at, struct gf_err *e) {
    struct gf_hash written;
    struct nth x = {0};

    int rc = read_head(a, &x.n, &written, e);
    *at = rc == 1 ? x.n : 0;
    if (rc != 1)
        return rc == 0 ? HEAD_MISSING : -1;
    if (store_history_walk(a->store, x.n, take_nth, &x, e) == -1)
        return -1;
    return x.found && memcmp(x.hash.b, written.b, sizeof written.b) == 0 ? HEAD_FITS : HEAD_DIFFERS;
}

static int seal(struct agent *a, int first, struct gf_err *e) {
    char path[sizeof a->state + 32];
    struct gf_hash now;
    struct gf_err why;
    int64_t n = 0, at = 0;

    if (store_history_head(a->store, &n, &now, e) == -1)
        return -1;
    /* A head that the chain does not fit, that is none, or that is gone is evidence: a seal in its
     * place would let an older database pass the next time. */
    int head = n > 0 ? look_at_head(a, &at, &why) : HEAD_DIFFERS;
    if ((head != HEAD_FITS && (head != HEAD_MISSING || !first)) || at == n)
        return 0;
    (void)snprintf(path, sizeof path, "%s/" HEAD, a->state);
    return chain_head_save(AT_FDCWD, path, n, &now, e);
}

int history_seal(struct agent *a, struct gf_err *e) {
    return seal(a, 0, e);
}

int history_seal_first(struct agent *a, struct gf_err *e) {
    return seal(a, 1, e);
}

int history_start(struct agent *a, struct gf_err *e) {
    char head[sizeof a->state + 32];
    struct history_line h;
    struct gf_hash now;
    int64_t n = 0;

    if (store_history_head(a->store, &n, &now, e) == -1)
        return -1;
    if (n == 0) {
        (void)snprintf(head, sizeof head, "%s/" HEAD, a->state);
        if (chain_head_set_aside(AT_FDCWD, head, "init", a->now, e) == -1)
            return -1;
        history_begin(&h, a, "init");
        if (history_end(&h, a, e) == -1)
            return -1;
    }
    return history_seal_first(a, e);
}

int history_check_head(struct agent *a, struct gf_err *e) {
    char self[COMMAND_SELF];
    struct gf_hash now;
    int64_t at, n = 0;

    int head = look_at_head(a, &at, e);
    if (head == -1 || head == HEAD_FITS ||
        (head == HEAD_MISSING && store_history_head(a->store, &n, &now, e) == -1))
        return head == HEAD_FITS ? 0 : -1;
    (void)command_self(a, self);
    if (head == HEAD_DIFFERS)
        return gf_err_set(e, GF_E_DAMAGED,
                          "%s/agent.db: is older than %s/" HEAD " says; was it put back from a "
                          "backup? Nothing leaves until this is settled: %s restore",
                          a->state, a->state, self);
    if (n == 0)
        return 0;
    return gf_err_set(e, GF_E_DAMAGED,
                      "%s/" HEAD ": is missing, so nobody can tell how old agent.db is. Nothing "
                      "leaves until this is settled: %s restore",
                      a->state, self);
}

/* ---- verification ---- */

struct verifying {
    struct history_verdict v;
    struct gf_hash prev;
};

static int check_line(void *arg, const struct store_event *v, struct gf_err *e) {
    struct verifying *x = arg;
    struct gf_hash hash;

    (void)e;
    store_history_hash(&x->prev, v->line, v->len, &hash);
    x->v.lines++;
    if (x->v.bad_line == 0 && (v->n != x->v.lines || memcmp(hash.b, v->hash.b, sizeof hash.b) != 0))
        x->v.bad_line = v->n;
    x->prev = v->hash;
    return 0;
}

int history_verify(struct agent *a, struct history_verdict *out, struct gf_err *e) {
    struct verifying x = {0};
    int64_t at = 0;

    if (store_history_walk(a->store, 1, check_line, &x, e) == -1)
        return -1;
    int head = look_at_head(a, &at, e);
    if (head == -1)
        return -1;
    x.v.head = head == HEAD_FITS ? 1 : head == HEAD_MISSING ? 0 : -1;
    if (history_verify_files(a, &x.v, e) == -1 || history_verify_lost(a, &x.v, e) == -1)
        return -1;
    *out = x.v;
    return 0;
}

/* ---- consent that the configuration forces: nobody runs a command for it ---- */

#define FACT     "forced-consent" /* "CHANNEL DECISION" LF for each that was forced when last seen */
#define FACT_MAX 65536

/* What stands in the list for a channel; STORE_ASK where it is not there. */
static int listed(const char *list, const char *channel) {
    size_t len = strlen(channel);

    for (const char *at = list; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        if (strncmp(at, channel, len) != 0 || at[len] != ' ')
            continue;
        const char *word = at + len + 1;
        for (int i = STORE_GRANTED; store_consents[i]; i++) {
            size_t n = strlen(store_consents[i]);
            if (strncmp(word, store_consents[i], n) == 0 && word[n] == '\n')
                return i;
        }
    }
    return STORE_ASK;
}

static int note_decision(struct agent *a, const char *channel, int forced, struct gf_err *e) {
    struct history_line h;

    history_begin(&h, a, "consent");
    history_text(&h, "channel", channel);
    history_text(&h, "decision", forced == STORE_ASK ? "no longer forced" : store_consents[forced]);
    history_text(&h, "how",
                 forced == STORE_ASK ? "the configuration"
                                     : config_origin(a->config, "channel", channel, "consent"));
    return history_end(&h, a, e);
}

/* The channels that are forced now, into `now`; a line for each that was not, or otherwise. */
static int note_new(struct agent *a, const char *before, struct gf_buf *now, struct gf_err *e) {
    const char *channel;

    for (size_t i = 0; (channel = config_name(a->config, "channel", i)) != NULL; i++) {
        int forced = STORE_ASK;
        if (config_enum(a->config, "channel", channel, "consent", store_consents, &forced, e) == -1)
            return -1;
        if (forced == STORE_ASK || listed(now->data ? now->data : "", channel) != STORE_ASK)
            continue;
        if (listed(before, channel) != forced && note_decision(a, channel, forced, e) == -1)
            return -1;
        gf_buf_printf(now, "%s %s\n", channel, store_consents[forced]);
    }
    return gf_buf_check(now, FACT, e);
}

static int note_ended(struct agent *a, char *before, const char *now, struct gf_err *e) {
    for (char *at = before; *at; at += strlen(at) + 1) {
        at[strcspn(at, "\n")] = '\0';
        char *blank = strchr(at, ' ');
        if (!blank)
            continue;
        *blank = '\0';
        if (listed(now, at) == STORE_ASK && note_decision(a, at, STORE_ASK, e) == -1)
            return -1;
        *blank = ' ';
    }
    return 0;
}

/* 1 if something was noted. */
static int note_all(struct agent *a, struct gf_buf *before, struct gf_buf *now, struct gf_err *e) {
    /* Read within the transaction, so that two commands do not both note the same. */
    if (store_get_fact(a->store, FACT, before, e) == -1)
        return -1;
    const char *then = before->data ? before->data : "";

    if (note_new(a, then, now, e) == -1)
        return -1;
    if (strcmp(then, now->data ? now->data : "") == 0)
        return 0;
    if (store_put_fact(a->store, FACT, now->data ? now->data : "", now->len, e) == -1 ||
        (before->data && note_ended(a, before->data, now->data ? now->data : "", e) == -1))
        return -1;
    return 1;
}

int history_note_forced(struct agent *a, struct gf_err *e) {
    struct gf_buf before = {0}, now;
    int noted = -1;

    gf_buf_init(&now, FACT_MAX);
    int rc = store_begin(a->store, e);
    if (rc == 0) {
        noted = note_all(a, &before, &now, e);
        rc = store_end(a->store, noted == -1 ? -1 : 0, e);
    }
    gf_buf_free(&now);
    gf_buf_free(&before);
    return rc == -1 ? -1 : noted;
}
