/*
 * record_lines.c -- many records at once: a thread reads, checks and redacts lines into batches,
 * while the one before is made durable, each in one transaction.
 */
#include "agent/record_lines.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "agent/body.h"
#include "agent/command.h"
#include "agent/deny.h"
#include "gapferry/digest.h"
#include "gapferry/lines.h"

#define BATCH_BYTES (8 << 20) /* lines of a batch, so that long ones do not pile up */
#define IDS         512       /* random parts fetched at once */

/* Ids rise: a counter within each millisecond stands in front of the random part. */
struct ids {
    int64_t ms;
    unsigned count;
    size_t left; /* of random[] */
    uint8_t random[IDS][8];
};

/* A batch on its way from the reader to the writer. */
struct slot {
    struct store_batch batch;
    int64_t redacted, denied;
    int full; /* 1: it is the writer's */
    int last; /* nothing follows: the end of the file, or what is wrong with the next line */
    int bad;
    struct gf_err err;
};

struct taking {
    /* the reader's */
    const struct gf_record *like;
    const char *allow; /* NULL: everything passes */
    struct otlp_deny *deny;
    struct gf_lines lines;
    struct gf_buf ext;
    struct gf_buf told; /* the names dropped first */
    struct ids ids;
    /* both threads' */
    struct slot slots[2];
    int over;  /* 1: the writer has failed, and nobody takes what is read */
    int ended; /* an eventfd that says the same to who waits for input */
    pthread_mutex_t lock;
    pthread_cond_t moved;
};

/* ---- the reader ---- */

/* Before a read: wait for input, or for the end, which may come while there is none. */
static int wait_for_input(void *arg, struct gf_err *e) {
    const struct taking *t = arg;
    struct pollfd fds[] = {{.fd = t->lines.fd, .events = POLLIN},
                           {.fd = t->ended, .events = POLLIN}};

    while (poll(fds, 2, -1) == -1) {
        if (errno != EINTR)
            return gf_err_errno(e, "poll");
    }
    return fds[1].revents ? gf_err_set(e, GF_E_BUSY, "nobody takes it any more") : 0;
}

/* UUID v7 of now, above the one before it. */
static void next_id(struct ids *x, struct gf_id *out) {
    struct timespec now;
    uint8_t tail[10];

    (void)clock_gettime(CLOCK_REALTIME, &now);
    int64_t ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (ms > x->ms) {
        x->ms = ms;
        x->count = 0;
    } else if (++x->count > 0xfff) {
        x->ms++;
        x->count = 0;
    }
    if (x->left == 0) {
        gf_digest_random((uint8_t *)x->random, sizeof x->random);
        x->left = IDS;
    }
    tail[0] = (uint8_t)(x->count >> 8);
    tail[1] = (uint8_t)(x->count & 0xff);
    memcpy(tail + 2, x->random[--x->left], 8);
    gf_text_uuid7(x->ms, tail, out);
}

/* What is left of a line into the batch. */
static int add(struct taking *t, struct slot *s, const struct body_kept *kept, struct gf_err *e) {
    struct gf_id id;

    next_id(&t->ids, &id);
    if (kept->metrics) {
        struct gf_record r = *t->like;
        r.id = id;
        r.body = (struct gf_body){GF_BODY_TEXT, kept->data, kept->len};
        r.ext = body_ext(kept, &t->ext);
        if (store_batch_add(&s->batch, &r, e) == -1)
            return -1;
    } else if (store_batch_json(&s->batch, &id, kept->data, kept->len, e) == -1) {
        return -1;
    }
    s->redacted += kept->dropped.len > 0;
    s->denied += (int64_t)kept->denied;
    if (kept->dropped.len > 0 && t->told.len == 0)
        gf_buf_add(&t->told, kept->dropped.data, kept->dropped.len);
    return 0;
}

/* One line into the batch. */
static int take(struct taking *t, struct slot *s, const char *line, size_t len, struct gf_err *e) {
    struct body_kept kept;
    enum body_no no;
    size_t blank = 0;

    while (blank < len && strchr(" \t\r", line[blank]) && line[blank] != '\0')
        blank++;
    if (blank == len)
        return gf_err_set(e, GF_E_JSON, "is blank; each line is one JSON body");
    if (!t->allow && redact_check(line, len, e) == -1)
        return -1;
    const struct body b = {.path = BODY_OWN,
                           .type = t->like->type,
                           .allow = t->allow,
                           .deny = t->deny,
                           .data = line,
                           .len = len};
    int rc = body_take(&b, &kept, &no, e);
    if (rc == 0 && kept.dropped.len > 0 && kept.len == 2)
        rc = gf_err_set(e, GF_E_NOINPUT, "the rule of channel %s (allow) leaves nothing of it",
                        t->like->channel);
    if (rc == 0)
        rc = add(t, s, &kept, e);
    body_free(&kept);
    return rc;
}

static void fill(struct taking *t, struct slot *s) {
    const char *line;
    size_t len;
    int ended;

    store_batch_empty(&s->batch);
    s->redacted = s->denied = 0;
    while (s->batch.n < RECORD_LINES_BATCH && s->batch.lines.len < BATCH_BYTES) {
        int rc = gf_lines_next(&t->lines, &line, &len, &ended, &s->err);
        if (rc == 1)
            rc = take(t, s, line, len, &s->err) == -1 ? -1 : 1;
        if (rc != 1) {
            s->last = 1;
            s->bad = rc == -1;
            return;
        }
    }
}

static void hand_over(struct taking *t, struct slot *s, int full) {
    (void)pthread_mutex_lock(&t->lock);
    s->full = full;
    (void)pthread_cond_signal(&t->moved);
    (void)pthread_mutex_unlock(&t->lock);
}

/* 0 once the slot is full, or empty; -1 where that does not come any more. */
static int await(struct taking *t, const struct slot *s, int full) {
    (void)pthread_mutex_lock(&t->lock);
    while (s->full != full && !t->over)
        (void)pthread_cond_wait(&t->moved, &t->lock);
    int rc = t->over ? -1 : 0;
    (void)pthread_mutex_unlock(&t->lock);
    return rc;
}

/* The reader has nobody to read for, whatever it waits for. */
static void end_reader(struct taking *t) {
    const uint64_t one = 1;

    (void)pthread_mutex_lock(&t->lock);
    t->over = 1;
    (void)pthread_cond_signal(&t->moved);
    (void)pthread_mutex_unlock(&t->lock);
    (void)!write(t->ended, &one, sizeof one);
}

static void *read_all(void *arg) {
    struct taking *t = arg;

    for (size_t i = 0;; i++) {
        struct slot *s = &t->slots[i % 2];

        if (await(t, s, 0) == -1)
            return NULL;
        fill(t, s);
        int last = s->last;
        hand_over(t, s, 1);
        if (last)
            return NULL;
    }
}

/* ---- the writer ---- */

/* Make a batch durable. Less than all of it goes in where the queue becomes full. */
static int write_batch(struct agent *a, struct taking *t, struct slot *s,
                       const struct store_cap *cap, struct record_lines *out, struct gf_err *e) {
    size_t accepted = 0;

    if (s->batch.n > 0 &&
        store_accept(a->store, t->like->channel, &s->batch, cap, a->now, &accepted, e) == -1)
        return -1;
    out->records += (int64_t)accepted;
    out->redacted += s->redacted;
    out->denied += s->denied;
    return accepted == s->batch.n ? 0 : agent_full(a, t->like->channel, e);
}

/* Batches in their order until the last one, or until one fails. */
static int write_all(struct agent *a, struct taking *t, const struct store_cap *cap,
                     struct record_lines *out, struct gf_err *e) {
    for (size_t i = 0;; i++) {
        struct slot *s = &t->slots[i % 2];

        if (await(t, s, 1) == -1 || write_batch(a, t, s, cap, out, e) == -1)
            return -1;
        if (s->bad) {
            *e = s->err;
            out->spoilt = s->err.code == GF_E_JSON || s->err.code == GF_E_RECORD ||
                          s->err.code == GF_E_NOINPUT || s->err.code == GF_E_LIMIT;
        }
        if (s->last)
            return s->bad ? -1 : 0;
        hand_over(t, s, 0);
    }
}

/* Both sides, until one of them ends. */
static int run_both(struct agent *a, struct taking *t, const struct store_cap *cap,
                    struct record_lines *out, struct gf_err *e) {
    pthread_t reader;

    int failed = pthread_create(&reader, NULL, read_all, t);
    if (failed)
        return gf_err_set(e, GF_E_SYSTEM, "cannot start a thread: %s", strerror(failed));
    int rc = write_all(a, t, cap, out, e);
    if (rc == -1)
        end_reader(t);
    (void)pthread_join(reader, NULL);
    return rc;
}

static int run(struct agent *a, struct taking *t, const struct store_cap *cap,
               struct record_lines *out, struct gf_err *e) {
    t->ended = eventfd(0, EFD_CLOEXEC);
    if (t->ended == -1)
        return gf_err_errno(e, "eventfd");
    t->lines.before_read = wait_for_input;
    t->lines.arg = t;
    int rc = run_both(a, t, cap, out, e);
    (void)close(t->ended);
    return rc;
}

/* What a person has to know to go on after a failure. Lines are counted as the file has them. */
static int stopped(struct agent *a, const struct record_lines *out, const char *channel,
                   const char *path, int64_t from, struct gf_err *e) {
    const struct gf_err why = *e;
    int64_t line = from + out->records;
    char self[COMMAND_SELF];

    /* The reader of lines counts them, too. */
    const char *text = strncmp(why.text, "line ", 5) == 0 ? strstr(why.text, ": ") : NULL;
    text = text ? text + 2 : why.text;

    command_self(a, self);
    if (strcmp(path, "-") == 0)
        return gf_err_set(e, why.code,
                          "standard input: line %" PRId64 ": %s; of what was piped %" PRId64
                          " line%s accepted, and the rest begins at line %" PRId64
                          " of it. %sipe the same again, and go on from there: %s "
                          "record --jsonl --from %" PRId64 " %s -",
                          line, text, out->records, out->records == 1 ? " was" : "s were", line,
                          out->spoilt ? "Mend that line, p" : "P", self, line, channel);
    return gf_err_set(e, why.code,
                      "%s: line %" PRId64
                      ": %s; %s. %s go on from there: %s record --jsonl --from %" PRId64 " %s '%s'",
                      path, line, text,
                      out->records > 0
                          ? "the lines before it are in the queue, it and those after it are not"
                          : "nothing was recorded",
                      out->spoilt ? "Mend that line, then" : "Then", self, line, channel, path);
}

/* Pass over the lines before `from`. */
static int skip(struct taking *t, int64_t from, struct gf_err *e) {
    const char *line;
    size_t len;
    int ended, rc = 1;

    for (int64_t at = 1; at < from && rc == 1; at++)
        rc = gf_lines_next(&t->lines, &line, &len, &ended, e);
    return rc == -1 ? -1 : 0;
}

int record_lines(struct agent *a, const struct gf_record *like, int fd, const char *path,
                 int64_t from, struct record_lines *out, struct gf_err *e) {
    struct taking t = {
        .like = like, .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
    struct store_cap cap;

    *out = (struct record_lines){0};
    gf_buf_init(&t.told, GF_LINE_MAX);
    gf_buf_init(&t.ext, GF_EXT_MAX);
    gf_lines_init(&t.lines, fd, GF_LINE_MAX);
    t.allow = config_get(a->config, "channel", like->channel, "allow");
    if (t.allow && redact_passes_all(t.allow))
        t.allow = NULL;
    int rc = agent_cap(a, like->channel, &cap, e);
    if (rc == 0)
        rc = deny_of(a->config, like->channel, &t.deny, e);
    for (size_t i = 0; i < 2 && rc == 0; i++)
        rc = store_batch_like(&t.slots[i].batch, like, e);
    if (rc == 0)
        rc = skip(&t, from, e);
    if (rc == 0 && run(a, &t, &cap, out, e) == -1)
        rc = stopped(a, out, like->channel, path, from, e);
    if (rc == 0 && out->records == 0)
        rc = gf_err_set(e, GF_E_NOINPUT, "%s: %s; there is nothing to record",
                        strcmp(path, "-") == 0 ? "standard input" : path,
                        from > 1 ? "ends before that line (--from)" : "is empty");
    out->dropped = t.told;
    for (size_t i = 0; i < 2; i++)
        store_batch_free(&t.slots[i].batch);
    gf_lines_free(&t.lines);
    gf_buf_free(&t.ext);
    otlp_deny_free(t.deny);
    return rc;
}

void record_lines_free(struct record_lines *r) {
    gf_buf_free(&r->dropped);
}
