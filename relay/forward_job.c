/*
 * forward_job.c -- one record between the ledger and its endpoint: its body, its requests, and what
 * its endpoint says.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mono.h"
#include "gapferry/digest.h"
#include "relay/forward.h"
#include "relay/ledger/ledger_metrics.h"

/* Bytes of what is known of a record's points. */
#define PROGRESS_MAX (4 << 20)
#define BEHIND_S     15   /* for how long a sender's records rest behind others of its own */
#define LAST_MS      1000 /* what a request is given that begins just before the time is over */

/* ---- lists ---- */

void forward_put(struct forward_list *l, struct forward_job *j) {
    j->next = NULL;
    if (l->last != NULL)
        l->last->next = j;
    else
        l->first = j;
    l->last = j;
    l->n++;
    l->weight += j->weight;
}

void forward_take_out(struct forward_list *l, struct forward_job *j) {
    struct forward_job *before = NULL;

    for (struct forward_job *at = l->first; at != j; at = at->next)
        before = at;
    if (before != NULL)
        before->next = j->next;
    else
        l->first = j->next;
    if (l->last == j)
        l->last = before;
    l->n--;
    l->weight -= j->weight;
}

struct forward_job *forward_take(struct forward_list *l) {
    struct forward_job *j = l->first;

    if (j != NULL)
        forward_take_out(l, j);
    return j;
}

void forward_move(struct forward_list *to, struct forward_list *from) {
    if (from->first == NULL)
        return;
    if (to->last != NULL)
        to->last->next = from->first;
    else
        to->first = from->first;
    to->last = from->last;
    to->n += from->n;
    to->weight += from->weight;
    *from = (struct forward_list){0};
}

void forward_list_free(struct forward_list *l) {
    struct forward_job *j;

    while ((j = forward_take(l)) != NULL)
        forward_job_free(j);
}

/* ---- the record ---- */

/* Let the body of a record be the bytes of its stored file. */
static int map_body(const struct relay *r, const char *file, struct forward_job *j,
                    struct gf_err *e) {
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
            j->map = data;
        j->map_len = (size_t)st.st_size;
    }
    (void)close(fd);
    if (rc == 0)
        j->record.body = (struct gf_body){
            .form = GF_BODY_TEXT, .data = j->map != NULL ? j->map : "", .len = j->map_len};
    return rc;
}

/* unknown: 1: it may have taken effect all the same. */
static void fail(struct forward_job *j, int unknown, const struct gf_err *why) {
    j->failed = 1;
    j->result.unknown = unknown;
    (void)snprintf(j->result.reason, sizeof j->result.reason, "%s", why->text);
}

int forward_job_new(struct forward_walk *w, struct forward_lane *lane,
                    const struct ledger_record *row, struct forward_job **out, struct gf_err *e) {
    struct forward_job *j = calloc(1, sizeof *j);
    struct gf_err why;

    if (j == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for a record");
    j->lane = lane;
    j->row = *row;
    j->row.channel = j->row.product = j->row.reason = NULL;
    j->row.endpoint = j->row.line = j->row.file = NULL;
    j->weight = row->line_len;
    j->doubt = row->doubt == 0 && row->state == LEDGER_SENDING ? row->since : row->doubt;
    j->job = (struct endpoint_job){.endpoint = &lane->endpoint, .row = &j->row};
    j->job.record = &j->record;
    j->job.progress = &j->progress;
    gf_buf_init(&j->progress, PROGRESS_MAX);
    if (row->attempts > 0 && ledger_progress_load(w->r->ledger, row->row, &j->progress, e) == -1) {
        gf_buf_free(&j->progress);
        free(j);
        return -1;
    }
    if (row->file != NULL && (j->file = strdup(row->file)) == NULL) {
        gf_buf_free(&j->progress);
        free(j);
        return gf_err_set(e, GF_E_SYSTEM, "no memory for a record");
    }
    j->job.file = j->file;
    if (gf_record_parse(row->line, row->line_len, &j->record, &why) == -1 ||
        (j->record.body.form == GF_BODY_FILE && map_body(w->r, row->file, j, &why) == -1))
        fail(j, 0, &why);
    *out = j;
    return 0;
}

void forward_job_free(struct forward_job *j) {
    if (j == NULL)
        return;
    if (j->asked)
        endpoint_end(&j->job);
    forward_program_cut(j);
    endpoint_result_free(&j->result);
    gf_record_free(&j->record);
    gf_buf_free(&j->progress);
    free(j->file);
    if (j->map != NULL)
        (void)munmap(j->map, j->map_len);
    free(j);
}

/* ---- its requests ---- */

/* When a record that has to wait is tried again. */
static int64_t due_of(const struct forward_walk *w, const struct forward_job *j) {
    uint32_t random;

    gf_digest_random(&random, sizeof random);
    int64_t wait = endpoint_backoff(j->row.attempts + 1, random);
    return forward_now(w) + (j->result.retry_after_s > wait ? j->result.retry_after_s : wait);
}

static void note_verdict(struct forward_walk *w, struct forward_job *j) {
    const struct endpoint_result *res = &j->result;

    j->due = res->verdict == ENDPOINT_LATER ? due_of(w, j) : forward_now(w);
    j->asked_until = res->retry_after_s > 0 ? forward_now(w) + res->retry_after_s : 0;
    endpoint_breaker_note(&j->lane->breaker, &j->row.agent, res, j->due, j->asked_until);
    /* What has to be mended is told rather than what passes. */
    if ((res->verdict == ENDPOINT_LATER || res->verdict == ENDPOINT_HELD) &&
        (j->lane->reason[0] == '\0' || endpoint_passes(j->lane->reason)))
        (void)snprintf(j->lane->reason, sizeof j->lane->reason, "%s", res->reason);
}

/* It is judged: the lane knows at once, the ledger a little later. */
static void put_done(struct forward_walk *w, struct forward_job *j) {
    if (w->done.n == 0)
        w->done_since = mono_ms();
    if (!j->failed && !j->unsent)
        note_verdict(w, j);
    if (j->many)
        endpoint_breaker_over(&j->lane->breaker, &j->row.agent);
    forward_put(&w->done, j);
}

void forward_job_lost(struct forward_walk *w, struct forward_lane *lane, const struct gf_err *why) {
    for (struct forward_job *j = w->done.first; j != NULL; j = j->next) {
        if (j->lane != lane || j->failed || j->unsent || j->result.verdict != ENDPOINT_ONWARD)
            continue;
        j->result.verdict = ENDPOINT_LATER;
        (void)snprintf(j->result.reason, sizeof j->result.reason, "%s", why->text);
        note_verdict(w, j);
    }
}

/* 1 if its requests before the last one have done what nobody will know any more. */
static int has_done(const struct forward_job *j) {
    return j->job.step > 0 && !endpoint_resumes(&j->job);
}

/* 1 if it has another request to make. */
static int judge(struct forward_walk *w, struct forward_job *j, struct https_answer *answer) {
    int answered = answer != NULL;
    struct gf_err why;

    if (j->lane->endpoint.profile->asks)
        forward_commit_wait(w);
    if (endpoint_judge(&j->job, answer, &j->result, &why) == -1) {
        fail(j, answered || has_done(j), &why);
        return 0;
    }
    if (j->result.verdict != ENDPOINT_MORE) {
        /* What was done by the requests before this one stays done. */
        j->result.unknown |= has_done(j);
        return 0;
    }
    endpoint_result_free(&j->result);
    j->job.step++;
    forward_lane_trust(j->lane);
    if (j->job.step == ENDPOINT_BREAKER_MANY) {
        j->many = 1;
        endpoint_breaker_many(&j->lane->breaker, &j->row.agent, forward_now(w) + BEHIND_S);
    }
    if (forward_left_ms(w) > 0 && w->stopping == 0)
        return 1;
    j->result = (struct endpoint_result){.verdict = ENDPOINT_LATER, .unknown = has_done(j)};
    (void)snprintf(j->result.reason, sizeof j->result.reason,
                   "the time was over behind request %d; the next turn %s", j->job.step,
                   endpoint_resumes(&j->job) ? "goes on there" : "begins again");
    return 0;
}

static int start(struct forward_walk *w, struct forward_job *j, struct gf_err *e) {
    int64_t left = forward_left_ms(w);

    if (j->lane->endpoint.profile->asks)
        forward_commit_wait(w);
    j->asked = 1;
    j->job.now = forward_now(w);
    if (endpoint_request(&j->job, &j->request, e) == -1)
        return -1;
    if (j->request.local)
        return 0;
    if (left < LAST_MS)
        left = LAST_MS;
    if (j->request.program != NULL)
        return forward_program_begin(j, left, e);
    if (left < j->request.http.total_ms)
        j->request.http.total_ms = left;
    return https_pool_begin(w->pool, &j->request.http, j, e);
}

void forward_job_begin(struct forward_walk *w, struct forward_job *j) {
    struct gf_err why;

    if (endpoint_breaker_rests(&j->lane->breaker, &j->row.agent, NULL) && j->job.step == 0) {
        j->unsent = 1;
        put_done(w, j);
        return;
    }
    do {
        if (start(w, j, &why) == -1) {
            fail(j, has_done(j), &why);
            put_done(w, j);
            return;
        }
        if (!j->request.local) {
            forward_put(&w->flying, j);
            j->lane->under_way++;
            return;
        }
    } while (judge(w, j, NULL));
    put_done(w, j);
}

/* It has its answer: another request, or the end. */
static void go_on(struct forward_walk *w, struct forward_job *j, struct https_answer *answer) {
    if (judge(w, j, answer))
        forward_job_begin(w, j);
    else
        put_done(w, j);
}

static void land(struct forward_walk *w, struct forward_job *j) {
    forward_take_out(&w->flying, j);
    j->lane->under_way--;
}

/* 1 if a program has ended. */
static int collect_program(struct forward_walk *w) {
    struct endpoint_ending ending;
    struct https_answer answer;

    for (struct forward_job *j = w->flying.first; j != NULL; j = j->next) {
        if (j->program == NULL || !forward_program_ended(j, &ending, &answer))
            continue;
        land(w, j);
        j->job.ending = &ending;
        struct forward_program *ended = j->program;
        j->program = NULL;
        go_on(w, j, &answer);
        j->job.ending = NULL;
        forward_program_free(ended);
        return 1;
    }
    return 0;
}

int forward_job_collect(struct forward_walk *w) {
    struct https_answer answer;
    struct gf_err why;
    void *tag;

    int rc = https_pool_next(w->pool, &tag, &answer, &why);
    if (tag == NULL)
        return collect_program(w);
    struct forward_job *j = tag;
    land(w, j);
    if (rc == 1) {
        go_on(w, j, &answer);
        return 1;
    }
    fail(j, 1, &why);
    put_done(w, j);
    return 1;
}

void forward_job_cut(struct forward_walk *w, int all) {
    struct forward_job *next;

    for (struct forward_job *j = w->flying.first; j != NULL; j = next) {
        next = j->next;
        if (!all && endpoint_retention(&j->job) == 0)
            continue;
        https_pool_drop(w->pool, j);
        land(w, j);
        forward_job_free(j);
    }
}
