/*
 * record_lines.c -- many records at once: lines are read, checked and redacted into batches, and
 * each batch is one transaction.
 */
#include "agent/record_lines.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "agent/command.h"
#include "gapferry/digest.h"
#include "gapferry/lines.h"

#define BATCH_BYTES (8 << 20) /* lines of a batch, so that long ones do not pile up */
#define IDS         512       /* random parts fetched at once */

struct taking {
    struct agent *a;
    struct gf_record record; /* what the records have in common */
    const char *allow;
    struct store_cap cap;
    struct store_batch batch;
    struct gf_buf body, dropped;
    struct record_lines *out;
    int64_t redacted; /* in the batch */
    /* Ids rise: a counter within each millisecond stands in front of the random part. */
    int64_t ms;
    unsigned count;
    size_t left; /* of random[] */
    uint8_t random[IDS][8];
};

/* UUID v7 of now, above the one before it. */
static void next_id(struct taking *t) {
    struct timespec now;
    uint8_t tail[10];

    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (ms > t->ms) {
        t->ms = ms;
        t->count = 0;
    } else if (++t->count > 0xfff) {
        t->ms++;
        t->count = 0;
    }
    if (t->left == 0) {
        gf_digest_random((uint8_t *)t->random, sizeof t->random);
        t->left = IDS;
    }
    tail[0] = (uint8_t)(t->count >> 8);
    tail[1] = (uint8_t)(t->count & 0xff);
    memcpy(tail + 2, t->random[--t->left], 8);
    gf_text_uuid7(t->ms, tail, &t->record.id);
}

/* Make the batch durable. Less than all of it goes in where the queue becomes full. */
static int flush(struct taking *t, struct gf_err *e) {
    size_t accepted = 0;
    size_t n = t->batch.n;

    if (n == 0)
        return 0;
    if (store_accept(t->a->store, t->record.channel, &t->batch, &t->cap, t->a->now, &accepted, e) ==
        -1)
        return -1;
    t->out->records += (int64_t)accepted;
    t->out->redacted += t->redacted;
    t->redacted = 0;
    store_batch_empty(&t->batch);
    return accepted == n ? 0 : agent_full(t->a, t->record.channel, e);
}

/* One line into the batch. */
static int take(struct taking *t, const char *line, size_t len, struct gf_err *e) {
    struct gf_body *body = &t->record.body;

    *body = (struct gf_body){GF_BODY_TEXT, line, len};
    if (t->allow) {
        gf_buf_clear(&t->body);
        gf_buf_clear(&t->dropped);
        if (redact_json(line, len, t->allow, &t->body, &t->dropped, e) == -1)
            return -1;
        body->data = t->body.data;
        body->len = t->body.len;
        if (t->dropped.len > 0 && body->len == 2)
            return gf_err_set(e, GF_E_NOINPUT,
                              "the rule of channel %s (allow) leaves nothing of it",
                              t->record.channel);
        t->redacted += t->dropped.len > 0;
        if (t->dropped.len > 0 && t->out->dropped.len == 0)
            gf_buf_add(&t->out->dropped, t->dropped.data, t->dropped.len);
    } else if (redact_check(line, len, e) == -1) {
        return -1;
    }
    next_id(t);
    return store_batch_add(&t->batch, &t->record, e);
}

/* What a person has to know to go on after a failure. */
static int stopped(const struct taking *t, const char *what, struct gf_err *e) {
    struct gf_err why = *e;
    int64_t line = t->out->records + 1;
    char self[COMMAND_SELF];

    return gf_err_set(e, why.code,
                      "%s: line %" PRId64 ": %s; %s. When that is put right, go on from there: "
                      "tail -n +%" PRId64 " FILE | %s record --jsonl %s -",
                      what, line, why.text,
                      line > 1 ? "the lines before it are in the queue, it and those after it are "
                                 "not"
                               : "nothing was recorded",
                      line, command_self(t->a, self), t->record.channel);
}

static int take_all(struct taking *t, int fd, struct gf_err *e) {
    struct gf_lines lines;
    struct gf_err why;
    const char *line;
    size_t len;
    int ended;
    int rc;

    gf_lines_init(&lines, fd, GF_LINE_MAX);
    while ((rc = gf_lines_next(&lines, &line, &len, &ended, e)) == 1) {
        rc = take(t, line, len, e);
        if (rc == 0 && (t->batch.n >= RECORD_LINES_BATCH || t->batch.lines.len >= BATCH_BYTES))
            rc = flush(t, e);
        if (rc == -1)
            break;
    }
    /* What was taken before a bad line is kept; if that fails, it is the reason to tell. */
    if (flush(t, &why) == -1) {
        *e = why;
        rc = -1;
    }
    gf_lines_free(&lines);
    return rc;
}

int record_lines(struct agent *a, const struct gf_record *like, int fd, const char *what,
                 struct record_lines *out, struct gf_err *e) {
    struct taking t = {.a = a, .record = *like, .out = out};

    *out = (struct record_lines){0};
    gf_buf_init(&out->dropped, GF_LINE_MAX);
    gf_buf_init(&t.body, GF_LINE_MAX + 1);
    gf_buf_init(&t.dropped, GF_LINE_MAX);
    t.allow = config_get(a->config, "channel", like->channel, "allow");
    if (t.allow && !*t.allow)
        t.allow = NULL;
    int rc = agent_cap(a, like->channel, &t.cap, e);
    if (rc == 0 && take_all(&t, fd, e) == -1)
        rc = stopped(&t, what, e);
    if (rc == 0 && out->records == 0)
        rc = gf_err_set(e, GF_E_NOINPUT, "%s: is empty; there is nothing to record", what);
    store_batch_free(&t.batch);
    gf_buf_free(&t.body);
    gf_buf_free(&t.dropped);
    return rc;
}

void record_lines_free(struct record_lines *r) {
    gf_buf_free(&r->dropped);
}
