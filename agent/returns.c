/*
 * returns.c -- what nodes are told of their records: from the store into the spool of returns.
 */
#include "agent/returns.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/grid_share.h"
#include "agent/updates/updates.h"
#include "common/grid.h"
#include "gapferry/file.h"

/* What one flush to the disk takes at most, of records and of bytes. */
#define GROUP_RECORDS 1000
#define GROUP_BYTES   (4 << 20)

/* ---- what is to be told, into the store ---- */

static int say(struct agent *a, const struct grid_return *r, struct gf_err *e) {
    struct gf_buf line;

    gf_buf_init(&line, (size_t)2 * GF_LINE_MAX);
    int rc = grid_return_write(r, &line, e);
    if (rc == 0)
        rc = store_say(a->store, line.data, line.len, e);
    gf_buf_free(&line);
    return rc;
}

int returns_refuse(struct agent *a, const struct gf_record *r, const struct gf_id *there,
                   const char *why, int may_come, struct gf_err *e) {
    char reason[GF_REASON_MAX + 1];
    struct grid_return ret = {.word = may_come ? GRID_HOLD : GRID_RECEIPT, .node = r->origin};

    (void)snprintf(reason, sizeof reason, "the agent of the grid's manager refused it: %.400s",
                   why);
    ret.receipt = (struct gf_receipt){.record = *there,
                                      .state = may_come ? GF_STATE_RELAYED : GF_STATE_REJECTED,
                                      .reason = reason,
                                      .at = a->now};
    return say(a, &ret, e);
}

/* The line of an answer for a node; 1 if it is too long for one. */
static int write_answer(const struct store_node *n, const struct gf_answer *answer,
                        struct gf_buf *line, struct gf_err *e) {
    struct grid_return ret = {.word = GRID_ANSWER, .node = n->node, .answer = *answer};

    ret.answer.record = n->there;
    if (grid_return_write(&ret, line, e) == 0)
        return 0;
    return e->code == GF_E_LIMIT ? 1 : -1;
}

static int save_body(struct agent *a, const char *name, const struct gf_body *body,
                     struct gf_err *e) {
    mode_t mode = 0;
    int dir = agent_folder(a, GRID_RETURNS, e);

    int rc = dir == -1 ? -1 : grid_file_mode(dir, &mode, e);
    if (rc == 0 && (rc = gf_file_save(dir, name, body->data, body->len, mode, e)) == -1)
        (void)gf_err_prefix(e, "%s/" GRID_RETURNS, a->state);
    if (dir != -1)
        (void)close(dir);
    return rc;
}

/* The same line with its body, which is in memory, in a file of its own. */
static int write_long_answer(struct agent *a, const struct store_node *n, struct gf_answer *answer,
                             struct gf_buf *line, struct gf_err *e) {
    char name[GRID_FILE], member[GRID_FILE + 8];

    grid_answer_name(&n->record, answer->body.data, answer->body.len, name);
    (void)snprintf(member, sizeof member, "files/%s", name);
    if (save_body(a, name, &answer->body, e) == -1)
        return -1;
    answer->body = (struct gf_body){GF_BODY_FILE, member, strlen(member)};
    return write_answer(n, answer, line, e);
}

/* The body of an answer, in memory: 1 if it is larger than what is passed on. */
static int load_body(struct gf_answer *answer, int dir, struct gf_buf *file, struct gf_err *e) {
    if (answer->body.form != GF_BODY_FILE)
        return 0;
    if (gf_file_load(dir, answer->body.data, GRID_ANSWER_MAX, file, e) == -1)
        return e->code == GF_E_SYSTEM ? -1 : 1;
    answer->body = (struct gf_body){GF_BODY_TEXT, file->data ? file->data : "", file->len};
    return 0;
}

static int is_manifest(const char *channel, const struct gf_answer *answer) {
    return strcmp(channel, UPDATES_CHANNEL) == 0 && answer->status != 204 &&
           (answer->status == 0 || (answer->status >= 200 && answer->status <= 299));
}

int returns_answer(struct agent *a, const struct store_node *node, const char *channel,
                   const struct gf_hash *relay, const struct gf_answer *answer, int dir,
                   struct gf_err *e) {
    static const char too_long[] =
        "the vendor has it, but its answer is too long to be passed on to a node of a grid; ask "
        "the grid's manager for it";
    struct gf_answer whole = *answer;
    struct gf_buf file, line;

    gf_buf_init(&file, 0);
    gf_buf_init(&line, (size_t)2 * GF_LINE_MAX);
    int rc = load_body(&whole, dir, &file, e);
    if (rc == 0 && is_manifest(channel, &whole))
        rc = returns_update_came(a, &node->node, relay, whole.body.data, whole.body.len, e);
    if (rc == 0 && (rc = write_answer(node, &whole, &line, e)) == 1)
        rc = write_long_answer(a, node, &whole, &line, e);
    if (rc == 0)
        rc = store_node_answer(a->store, &node->record, line.data, line.len, NULL, e);
    else if (rc == 1)
        rc = store_node_answer(a->store, &node->record, NULL, 0, too_long, e);
    gf_buf_free(&file);
    gf_buf_free(&line);
    return rc;
}

int returns_notice(struct agent *a, const struct gf_notice *n, struct gf_err *e) {
    return grid_share_is_manager(a)
               ? say(a, &(struct grid_return){.word = GRID_NOTICE, .notice = *n}, e)
               : 0;
}

/* ---- from the store into the spool ---- */

/* One group of entries. */
struct group {
    struct agent *a;
    struct spool *spool;
    struct gf_buf line;
    size_t bytes;
    struct gf_id records[GROUP_RECORDS]; /* that it tells of */
    size_t nrecords;
    int64_t last; /* of the sayings in it */
    int64_t nsayings;
};

static int put(struct group *g, const char *line, size_t len, struct gf_err *e) {
    g->bytes += len;
    return spool_put(g->spool, line, len, e);
}

static int add_saying(void *arg, int64_t n, const char *line, size_t len, struct gf_err *e) {
    struct group *g = arg;

    if (g->bytes >= GROUP_BYTES)
        return 1;
    g->last = n;
    g->nsayings++;
    return put(g, line, len, e);
}

static enum gf_guarantee guarantee_of(const char *word) {
    if (!word)
        return GF_GUARANTEE_NONE;
    return strcmp(word, "effectively-once") == 0 ? GF_GUARANTEE_ONCE : GF_GUARANTEE_LEAST;
}

static struct gf_receipt receipt_of(const struct store_return *r, int64_t now) {
    struct gf_receipt receipt = {.record = r->node.there, .digest = r->digest, .at = now};

    if (r->gone || r->unusable) {
        receipt.state = GF_STATE_REJECTED;
        receipt.reason = r->unusable
                             ? r->unusable
                             : "dropped by the agent of the grid's manager, before it was "
                               "delivered: consent was withdrawn there, or its queue was full";
        return receipt;
    }
    receipt.state = r->state == STORE_DELIVERED  ? GF_STATE_DELIVERED
                    : r->state == STORE_REJECTED ? GF_STATE_REJECTED
                                                 : GF_STATE_EXPIRED;
    receipt.reason = r->reason;
    receipt.guarantee = guarantee_of(r->guarantee);
    receipt.at = r->at;
    return receipt;
}

static int add_return(void *arg, const struct store_return *r, struct gf_err *e) {
    struct group *g = arg;
    const struct grid_return ret = {
        .word = GRID_RECEIPT, .node = r->node.node, .receipt = receipt_of(r, g->a->now)};

    if (g->bytes >= GROUP_BYTES || g->nrecords == GROUP_RECORDS)
        return 1;
    gf_buf_clear(&g->line);
    if (grid_return_write(&ret, &g->line, e) == -1)
        return -1;
    g->records[g->nrecords++] = r->node.record;
    if (r->answer && !r->unusable && !r->gone && put(g, r->answer, r->answer_len, e) == -1)
        return -1;
    return put(g, g->line.data, g->line.len, e);
}

/* 1 something was told, 0 there was nothing left. */
static int tell_group(struct group *g, struct gf_err *e) {
    g->bytes = g->nrecords = 0;
    g->nsayings = 0;
    if (store_sayings(g->a->store, add_saying, g, e) == -1 ||
        store_returns(g->a->store, add_return, g, e) == -1 || spool_sync(g->spool, e) == -1 ||
        (g->nsayings > 0 && store_said(g->a->store, g->last, e) == -1) ||
        store_returns_told(g->a->store, g->records, g->nrecords, e) == -1)
        return -1;
    return g->nrecords + (size_t)g->nsayings > 0;
}

int agent_returns(struct agent *a, int64_t *told, struct gf_err *e) {
    char path[sizeof a->state + 16];
    struct group g = {.a = a};
    int rc;

    *told = 0;
    int dir = agent_folder(a, GRID_RETURNS, e);
    if (dir == -1)
        return -1;
    (void)snprintf(path, sizeof path, "%s/" GRID_RETURNS, a->state);
    if (spool_open(path, SPOOL_FILE_MAX, &g.spool, e) == -1) {
        (void)close(dir);
        return -1;
    }
    gf_buf_init(&g.line, (size_t)2 * GF_LINE_MAX);
    while ((rc = tell_group(&g, e)) == 1)
        *told += (int64_t)g.nrecords + g.nsayings;
    if (rc == 0)
        rc = returns_update_tell(a, g.spool, dir, told, e);
    gf_buf_free(&g.line);
    spool_close(g.spool);
    (void)close(dir);
    return rc;
}
