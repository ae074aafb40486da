/*
 * returns.c -- what comes back from the manager's own agent: the receipts and answers of records
 * that were given onward to it, each to its node (common/grid.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/spool.h"
#include "relay/endpoints/endpoint.h"
#include "relay/ledger/ledger_grid.h"
#include "relay/returns.h"

/* One transaction takes so many entries, or so many bytes, or so many files, at most. */
#define BATCH_ENTRIES 1000
#define BATCH_BYTES   (4LL << 20)
#define BATCH_FILES   64

struct returns {
    struct relay *r;
    struct turn *t;
    struct returns_place place;
    struct spool_reader reader;
    int64_t damaged;                    /* entries of one file */
    char taken[BATCH_FILES][GRID_FILE]; /* whose content is in the ledger once the batch is */
    size_t ntaken;
};

/* ---- one entry ---- */

/* A policy of the manager above holds for our nodes, too; other notices are for this site. */
static int take_notice(struct returns *x, const struct gf_notice *n, struct gf_err *e) {
    struct grid_policy p;

    if (strcmp(n->type, "policy") != 0 || grid_policy_parse(n->data, &p) == -1)
        return 0;
    return ledger_policy(x->r->ledger, LEDGER_FROM_ABOVE, &p, NULL, x->r->now, e) == -1 ? -1 : 0;
}

/* What contradicts what is known, or is gone, is passed over as damage; our own failures are not.
 */
static int pass_over(struct returns *x, const struct gf_err *why, struct gf_err *e) {
    if (why->code != GF_E_UPDATE && why->code != GF_E_NOINPUT && why->code != GF_E_DAMAGED &&
        why->code != GF_E_LIMIT) {
        *e = *why;
        return -1;
    }
    log_write(LOG_LEVEL_WARNING, "return-passed-over", {"file", x->reader.name, 0},
              {"why", why->text, 0});
    x->damaged++;
    return 0;
}

/* An answer whose body lies in a file, which may go once it is in the ledger. */
static int take_long_answer(struct returns *x, const struct grid_return *ret, struct gf_err *e) {
    struct gf_answer whole = ret->answer;
    struct gf_buf body;
    struct gf_err why;

    gf_buf_init(&body, 0);
    int rc =
        returns_files_body(&x->place, &ret->node, &ret->answer, &body, x->taken[x->ntaken], &why);
    if (rc == -1) {
        rc = pass_over(x, &why, e);
    } else {
        x->ntaken++;
        whole.body = (struct gf_body){GF_BODY_TEXT, body.data != NULL ? body.data : "", body.len};
        rc = ledger_returned_answer(x->r->ledger, &ret->node, &whole, e);
    }
    gf_buf_free(&body);
    return rc;
}

static int take_update(struct returns *x, const struct grid_return *ret, struct gf_err *e) {
    struct gf_err why;

    if (returns_files_update(x->r, &x->place, &ret->node, &ret->update, &why) == 0)
        return 0;
    return pass_over(x, &why, e);
}

static int take(struct returns *x, const struct grid_return *ret, struct gf_err *e) {
    struct ledger *l = x->r->ledger;
    int rc = 0;

    switch (ret->word) {
    case GRID_ANSWER:
        rc = ret->answer.body.form == GF_BODY_FILE
                 ? take_long_answer(x, ret, e)
                 : ledger_returned_answer(l, &ret->node, &ret->answer, e);
        return rc == -1 ? -1 : 0;
    case GRID_RECEIPT:
        rc = ledger_returned(l, &ret->node, &ret->receipt, x->r->now, e);
        break;
    case GRID_HOLD:
        rc = ledger_returned_hold(l, &ret->node, &ret->receipt.record,
                                  ret->receipt.reason != NULL ? ret->receipt.reason : "", x->r->now,
                                  e);
        break;
    case GRID_NOTICE:
        return take_notice(x, &ret->notice, e);
    case GRID_UPDATE:
        return take_update(x, ret, e);
    }
    x->t->returned += rc == 1;
    return rc == -1 ? -1 : 0;
}

static int take_line(struct returns *x, const char *line, size_t len, struct gf_err *e) {
    struct grid_return ret;
    struct gf_err why;

    if (grid_return_parse(line, len, &ret, &why) == -1) {
        x->damaged++;
        if (why.code != GF_E_SYSTEM)
            return 0;
        *e = why;
        return -1;
    }
    int rc = take(x, &ret, e);
    grid_return_free(&ret);
    return rc;
}

/* ---- one file ---- */

/* Some entries and the cursor behind them: 1 there may be more, 0 not. */
static int take_some(struct returns *x, struct gf_err *e) {
    int64_t begin = x->reader.at;
    const char *data = NULL;
    size_t len = 0;
    int found = SPOOL_LINE;

    for (int i = 0;
         i < BATCH_ENTRIES && x->reader.at - begin < BATCH_BYTES && x->ntaken < BATCH_FILES; i++) {
        found = spool_next(&x->reader, &data, &len, e);
        if (found == -1)
            return -1;
        if (found == SPOOL_END)
            break;
        x->damaged += found == SPOOL_DAMAGE;
        if (found == SPOOL_LINE && take_line(x, data, len, e) == -1)
            return -1;
    }
    if (ledger_return_read(x->r->ledger, x->reader.name, x->reader.at, e) == -1)
        return -1;
    return found != SPOOL_END;
}

/* One transaction; what it has taken over goes after it. */
static int take_batch(struct returns *x, struct gf_err *e) {
    struct ledger *l = x->r->ledger;

    x->ntaken = 0;
    if (ledger_begin(l, e) == -1)
        return -1;
    int rc = take_some(x, e);
    if (ledger_end(l, rc == -1 ? -1 : 0, e) == -1)
        return -1;
    for (size_t i = 0; i < x->ntaken; i++)
        (void)unlinkat(x->place.dir, x->taken[i], 0);
    return rc;
}

static int take_file(struct returns *x, struct gf_err *e) {
    struct ledger *l = x->r->ledger;
    char self[COMMAND_SELF];
    int rc = 1;

    while (rc == 1) {
        rc = take_batch(x, e);
        if (rc == -1)
            return -1;
    }
    if (x->damaged > 0)
        turn_person(x->t,
                    "returns/%s: %lld damaged entries were passed over; the manager's agent says "
                    "what they said once more after: %s records release",
                    x->reader.name, (long long)x->damaged, relay_self(x->r, self));
    rc = spool_remove(&x->reader, x->place.dir, e);
    return rc == 1 ? ledger_return_forget(l, x->reader.name, e) : rc;
}

static int open_and_take(struct returns *x, const char *name, struct gf_err *e) {
    int64_t at = 0;

    if (ledger_return_cursor(x->r->ledger, name, &at, e) == -1)
        return -1;
    x->damaged = 0;
    int rc = spool_reader_open(x->place.dir, name, at, &x->reader, e);
    if (rc == 1)
        rc = take_file(x, e);
    spool_reader_close(&x->reader);
    return rc == -1 ? -1 : 0;
}

/* ---- one agent ---- */

static int take_all(struct returns *x, struct gf_err *e) {
    char(*names)[SPOOL_NAME] = NULL;
    size_t n = 0;

    int rc = spool_list(x->place.dir, &names, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = open_and_take(x, names[i], e);
    free(names);
    if (rc == 0)
        returns_files_sweep(x->r, &x->place);
    return rc;
}

static void take_from(struct returns *x, const char *state) {
    char path[600];
    struct gf_err why;

    (void)snprintf(path, sizeof path, "%s/" GRID_RETURNS, state);
    x->place.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (x->place.dir == -1 && errno == ENOENT)
        return; /* it has not said anything yet */
    int rc = 0;
    if (x->place.dir == -1)
        rc = gf_err_errno(&why, "%s", path);
    else
        rc = take_all(x, &why);
    if (x->place.dir != -1)
        (void)close(x->place.dir);
    if (rc == -1)
        turn_fault(x->t, "what the manager's agent says of its nodes' records cannot be read", &why,
                   "nothing is lost: the next turn goes on");
}

/* ---- all of them ---- */

/* The section by which artifacts of this agent are known: that of the channel `updates`, if there
 * is one. */
static void find_section(const struct relay *r, const char *state, char out[GF_WORD_MAX + 1]) {
    const char *name, *channel;
    char other[512];

    out[0] = '\0';
    for (size_t i = 0; (name = config_name(r->config, "endpoint", i)) != NULL; i++) {
        if (endpoint_profile_of(r->config, name) != &endpoint_agent)
            continue;
        endpoint_agent_state(r, name, other);
        channel = endpoint_value(r->config, name, "channel");
        if (strcmp(other, state) == 0 &&
            (out[0] == '\0' || (channel != NULL && strcmp(channel, "updates") == 0)))
            (void)snprintf(out, GF_WORD_MAX + 1, "%s", name);
    }
}

/* 1 if a section before this one has the same agent. */
static int is_again(const struct relay *r, size_t i, const char *state) {
    char other[512];

    for (size_t k = 0; k < i; k++) {
        const char *name = config_name(r->config, "endpoint", k);
        if (endpoint_profile_of(r->config, name) != &endpoint_agent)
            continue;
        endpoint_agent_state(r, name, other);
        if (strcmp(other, state) == 0)
            return 1;
    }
    return 0;
}

void relay_returns(struct relay *r, struct turn *t) {
    struct returns x = {.r = r, .t = t};
    char state[512];
    const char *name;

    for (size_t i = 0; (name = config_name(r->config, "endpoint", i)) != NULL; i++) {
        if (endpoint_profile_of(r->config, name) != &endpoint_agent)
            continue;
        endpoint_agent_state(r, name, state);
        if (is_again(r, i, state))
            continue;
        find_section(r, state, x.place.section);
        take_from(&x, state);
    }
    if (t->returned > 0)
        log_write(LOG_LEVEL_INFO, "returned", {"records", NULL, t->returned});
}
