/*
 * forward.c -- what is due, to its endpoint: `sending` is durable before a request leaves, and the
 * answer's verdict after it. A crash between the two sends the same record with the same key again.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "gapferry/digest.h"
#include "relay/endpoints/endpoint_breaker.h"

#define LAST_MS      1000 /* what a request is given that begins just before the time is over */
#define HOMELESS_MAX 32   /* channels told by name; the last place counts all others */

/* One walk over what is due. */
struct walk {
    struct relay *r;
    struct turn *t;
    struct https *client;
    struct endpoint_breaker breaker;
    int64_t began_ms;
    int64_t wait_ms;
    int64_t row; /* the last one that was looked at */
    struct homeless {
        char channel[GF_WORD_MAX + 1];
        int64_t n;
    } homeless[HOMELESS_MAX]; /* channels that no endpoint takes */
    size_t nhomeless;
};

static int64_t clock_ms(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The turn's time, moved on by what forwarding has taken. */
static int64_t now_of(const struct walk *w) {
    return w->r->now + (clock_ms() - w->began_ms) / 1000;
}

static int64_t left_ms(const struct walk *w) {
    return w->wait_ms - (clock_ms() - w->began_ms);
}

/* ---- bodies that are files ---- */

struct mapped {
    void *data; /* NULL: nothing to release */
    size_t len;
};

/* Let the body of a record be the bytes of its stored file. */
static int map_body(const struct relay *r, const char *file, struct gf_record *rec,
                    struct mapped *m, struct gf_err *e) {
    struct stat st;

    if (file == NULL)
        return gf_err_set(e, GF_E_NOINPUT, "its body was a file, which was not stored");
    int fd = openat(r->state_fd, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1)
        return gf_err_errno(e, "%s/%s", r->state, file);
    int rc = fstat(fd, &st);
    if (rc == -1) {
        (void)gf_err_errno(e, "%s/%s", r->state, file);
    } else if (!S_ISREG(st.st_mode)) {
        rc = gf_err_set(e, GF_E_NOINPUT, "%s/%s: not a regular file", r->state, file);
    } else if (st.st_size > 0) {
        void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
            rc = gf_err_errno(e, "%s/%s", r->state, file);
        else
            *m = (struct mapped){data, (size_t)st.st_size};
    }
    (void)close(fd);
    if (rc == 0)
        rec->body = (struct gf_body){
            .form = GF_BODY_TEXT, .data = m->data != NULL ? m->data : "", .len = m->len};
    return rc;
}

static void unmap(struct mapped *m) {
    if (m->data != NULL)
        (void)munmap(m->data, m->len);
}

/* ---- verdicts become states ---- */

/* What of the answer travels back: its body, and the headers that say what it is. */
static int deliver(struct walk *w, int64_t row, const struct gf_record *rec,
                   const struct endpoint_result *res, struct gf_err *e) {
    static const char *const kept[] = {"content-type", "content-language", "etag", "last-modified",
                                       "date"};
    enum { KEPT = sizeof kept / sizeof *kept };
    const char *headers[2 * KEPT];
    size_t at[KEPT], n = 0;
    struct gf_buf values;

    if (!rec->answer)
        return ledger_delivered(w->r->ledger, row, res->guarantee, NULL, now_of(w), e);
    gf_buf_init(&values, 65536);
    for (size_t i = 0; i < KEPT; i++) {
        size_t len;
        const char *value = https_header(&res->answer, kept[i], &len);
        if (value == NULL)
            continue;
        headers[2 * n] = kept[i];
        at[n++] = values.len;
        gf_buf_add(&values, value, len);
        gf_buf_byte(&values, '\0');
    }
    int rc = gf_buf_check(&values, "the headers of an answer", e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        headers[2 * i + 1] = values.data + at[i];
    const struct ledger_answer answer = {
        .status = res->status,
        .headers = headers,
        .nheaders = n,
        .body = res->answer.body.data != NULL ? res->answer.body.data : "",
        .len = res->answer.body.len};
    if (rc == 0)
        rc = ledger_delivered(w->r->ledger, row, res->guarantee, &answer, now_of(w), e);
    gf_buf_free(&values);
    return rc;
}

/* When a record that has to wait is tried again. */
static int64_t due_of(const struct walk *w, const struct ledger_record *lr,
                      const struct endpoint_result *res) {
    uint32_t random;

    gf_digest_random(&random, sizeof random);
    int64_t wait = endpoint_backoff(lr->attempts + 1, random);
    return now_of(w) + (res->retry_after_s > wait ? res->retry_after_s : wait);
}

/* It was tried, and is not delivered. */
static void note_failure(struct turn *t, const char *reason) {
    t->failed++;
    (void)snprintf(t->failure, sizeof t->failure, "%s", reason);
}

static int settle(struct walk *w, const struct ledger_record *lr, const struct gf_record *rec,
                  const struct endpoint_result *res, struct endpoint_breaker_place *place,
                  struct gf_err *e) {
    struct ledger *l = w->r->ledger;
    int64_t due = due_of(w, lr, res);
    int64_t asked = res->retry_after_s > 0 ? now_of(w) + res->retry_after_s : 0;

    endpoint_breaker_note(place, res, due, asked);
    switch (res->verdict) {
    case ENDPOINT_DELIVERED:
        w->t->delivered++;
        return deliver(w, lr->row, rec, res, e);
    case ENDPOINT_REJECTED:
        w->t->rejected++;
        return ledger_rejected(l, lr->row, res->reason, now_of(w), e);
    case ENDPOINT_HELD:
        note_failure(w->t, res->reason);
        w->t->held++;
        place->held++;
        return ledger_held(l, lr->row, res->reason, e);
    case ENDPOINT_LATER:
    case ENDPOINT_MORE: /* which no delivery ends with */
        break;
    }
    note_failure(w->t, res->reason);
    w->t->later++;
    place->later++;
    return ledger_later(l, lr->row, res->reason, due, asked, e);
}

/* ---- one record ---- */

/* Hold a record because of a fault on our side; the fault itself is no failure of the turn. */
static int hold(struct walk *w, int64_t row, struct endpoint_breaker_place *place,
                const struct gf_err *why, struct gf_err *e) {
    w->t->held++;
    if (place != NULL) {
        place->held++;
        (void)snprintf(place->reason, sizeof place->reason, "%s", why->text);
    }
    return ledger_held(w->r->ledger, row, why->text, e);
}

/* `run` blocks SIGTERM in the process that forwards, so that it ends at a good moment: once it is
 * pending, a request that is under way is given up, and none begins. */
static int is_stopping(void *arg) {
    sigset_t pending;

    (void)arg;
    return sigpending(&pending) == 0 && sigismember(&pending, SIGTERM) == 1;
}

static int deliver_one(struct walk *w, const struct ledger_record *lr, const struct gf_record *rec,
                       struct endpoint_breaker_place *place, const struct endpoint_until *until,
                       struct endpoint_result *out, struct gf_err *e) {
    struct endpoint p;
    struct endpoint_job j = {.endpoint = &p, .row = lr, .record = rec, .now = now_of(w)};

    if (endpoint_open(&p, w->r, place->name, e) == -1)
        return -1;
    int rc = endpoint_deliver(w->client, &j, until, out, e);
    endpoint_close(&p);
    return rc;
}

static int send_one(struct walk *w, const struct ledger_record *lr, struct gf_record *rec,
                    struct endpoint_breaker_place *place, struct gf_err *e) {
    struct mapped body = {NULL, 0};
    struct endpoint_result res;
    struct gf_err why;
    int64_t left = left_ms(w);
    const struct endpoint_until until = {left > LAST_MS ? left : LAST_MS, is_stopping};
    int rc;

    if (rec->body.form == GF_BODY_FILE && map_body(w->r, lr->file, rec, &body, &why) == -1)
        return hold(w, lr->row, NULL, &why, e);
    rc = ledger_sending(w->r->ledger, lr->row, place->name, now_of(w), e);
    if (rc == 0) {
        if (deliver_one(w, lr, rec, place, &until, &res, &why) == -1) {
            rc = hold(w, lr->row, place, &why, e);
        } else if (res.verdict == ENDPOINT_LATER && is_stopping(NULL)) {
            /* Cut off: it stays `sending`, as after a crash, and goes out first with the same key
             * when the relay is back. */
            endpoint_result_free(&res);
        } else {
            rc = settle(w, lr, rec, &res, place, e);
            endpoint_result_free(&res);
        }
    }
    unmap(&body);
    return rc;
}

/* Nobody in the configuration wants it. A section may just have been forgotten, so it is held: the
 * operator adds one and releases it, or rejects it for good. */
static int hold_homeless(struct walk *w, const struct ledger_record *lr, struct gf_err *e) {
    char reason[3 * GF_WORD_MAX];
    size_t i = 0;

    (void)snprintf(reason, sizeof reason, "no endpoint for channel %s%s%s", lr->channel,
                   lr->product != NULL ? ", product " : "", lr->product != NULL ? lr->product : "");
    while (i < w->nhomeless && strcmp(w->homeless[i].channel, lr->channel) != 0)
        i++;
    if (i == HOMELESS_MAX) {
        i--;
    } else if (i == w->nhomeless) {
        (void)snprintf(w->homeless[i].channel, sizeof w->homeless[i].channel, "%s", lr->channel);
        w->nhomeless++;
    }
    w->homeless[i].n++;
    w->t->held++;
    return ledger_held(w->r->ledger, lr->row, reason, e);
}

/* Its own time is over, unless it may have been delivered already: then the same key tells. */
static int is_expired(const struct walk *w, const struct ledger_record *lr,
                      const struct gf_record *rec) {
    return rec->has_expires && rec->expires < now_of(w) && lr->state != LEDGER_SENDING;
}

/* Attempts are told: one that got no answer may have taken effect all the same. */
static int expire(struct walk *w, const struct ledger_record *lr, const struct gf_record *rec,
                  struct gf_err *e) {
    char reason[160], at[GF_TIME_TEXT];

    gf_text_time(rec->expires, at);
    if (lr->attempts == 0)
        (void)snprintf(reason, sizeof reason, "expired at %s, before it was sent", at);
    else
        (void)snprintf(reason, sizeof reason, "expired at %s, not accepted in %lld attempt%s", at,
                       (long long)lr->attempts, lr->attempts == 1 ? "" : "s");
    w->t->expired++;
    return ledger_expired(w->r->ledger, lr->row, reason, now_of(w), e);
}

static int forward_one(void *arg, const struct ledger_record *lr, struct gf_err *e) {
    struct walk *w = arg;
    struct gf_record rec;
    struct gf_err why;
    int rc;

    w->row = lr->row;
    if (gf_record_parse(lr->line, lr->line_len, &rec, &why) == -1)
        return hold(w, lr->row, NULL, &why, e);
    const char *name = endpoint_match(w->r->config, lr->channel, lr->product, &lr->agent);
    struct endpoint_breaker_place *place = NULL;
    if (name != NULL && (place = endpoint_breaker_at(&w->breaker, name)) == NULL) {
        rc = gf_err_set(e, GF_E_SYSTEM, "out of memory");
    } else if (is_expired(w, lr, &rec)) {
        rc = expire(w, lr, &rec, e);
    } else if (place == NULL) {
        rc = hold_homeless(w, lr, e);
    } else if (place->open) {
        w->t->later++;
        place->later++;
        rc = ledger_later(w->r->ledger, lr->row, place->reason, place->due, place->asked, e);
    } else {
        rc = send_one(w, lr, &rec, place, e);
    }
    gf_record_free(&rec);
    return rc;
}

/* ---- the walk ---- */

static void tell(struct walk *w) {
    char self[COMMAND_SELF];

    for (size_t i = 0; i < w->breaker.n; i++) {
        const struct endpoint_breaker_place *p = &w->breaker.places[i];
        if (p->held > 0)
            turn_person(w->t,
                        "endpoint \"%s\": %lld held: %.300s; mend its section in %s, then run: "
                        "%s records release",
                        p->name, (long long)p->held, p->reason, w->r->config_path,
                        relay_self(w->r, self));
        else if (p->later > 0)
            turn_person(w->t,
                        "endpoint \"%s\": %lld to be tried again: %.300s; the next sync tries; "
                        "if it stays so, see url in its section in %s, and whether this machine "
                        "may reach it",
                        p->name, (long long)p->later, p->reason, w->r->config_path);
    }
    for (size_t i = 0; i < w->nhomeless; i++)
        turn_person(w->t,
                    "%lld held: no endpoint takes channel %s%s; add an [endpoint \"%s\"] with "
                    "channel = %s and url = ... to %s, then run: %s records release",
                    (long long)w->homeless[i].n, w->homeless[i].channel,
                    i == HOMELESS_MAX - 1 ? " (and others)" : "", w->homeless[i].channel,
                    w->homeless[i].channel, w->r->config_path, relay_self(w->r, self));
}

static int walk_all(struct walk *w, struct gf_err *e) {
    int rc;

    if (https_new(&w->client, e) == -1)
        return -1;
    do {
        w->t->time_over = left_ms(w) <= 0;
        if (w->t->time_over || is_stopping(NULL)) {
            rc = 0;
            break;
        }
        rc = ledger_next_due(w->r->ledger, w->r->now, w->row, forward_one, w, e);
    } while (rc == 1);
    tell(w);
    endpoint_breaker_free(&w->breaker);
    https_free(w->client);
    return rc == -1 ? -1 : 0;
}

int relay_forward(struct relay *r, int64_t wait_s, struct turn *t, struct gf_err *e) {
    struct walk w = {.r = r, .t = t, .began_ms = clock_ms(), .wait_ms = wait_s * 1000};
    struct gf_err why;

    /* A wrong line must not let anything go where nobody wanted it; the rest of the turn goes on.
     */
    if (endpoint_check(r->config, &why) == -1) {
        turn_fault(t, "nothing was forwarded", &why, NULL);
        return 0;
    }
    /* What one process is sending must not be sent by another at the same time. */
    int rc = ledger_hold(r->ledger, LEDGER_FORWARDING, "forwarding", wait_s * 1000, &why);
    if (rc == 0) {
        turn_person(t, "another process is forwarding; what it delivers is told by the next turn");
        return 0;
    }
    if (rc == -1) {
        *e = why;
        return -1;
    }
    rc = walk_all(&w, e);
    ledger_leave(r->ledger, LEDGER_FORWARDING);
    return rc;
}
