/*
 * forward.h -- what the files of the forwarding engine share.
 *
 * A walk has a lane for each endpoint. Records are read from the ledger for a lane a few at a time,
 * become `sending` in one transaction (with the results of others), and stand in the lane until a
 * connection is free. So each is durable before its request leaves, a flush to the disk serves
 * many, no lane waits for another, and memory does not grow with the queue. While a transaction is
 * written down what an earlier one has marked goes on.
 *
 *   ledger ─due─► job ─marked─► ready ─begin─► under way ─judged─► done ─settle─► ledger
 */
#ifndef RELAY_FORWARD_H
#define RELAY_FORWARD_H

#include "common/https_pool.h"
#include "relay/endpoints/endpoint_breaker.h"

/* Jobs of a lane that are `sending` and not under way, at most; and bytes of their lines. */
#define FORWARD_AHEAD       2048
#define FORWARD_AHEAD_BYTES (8 << 20)
/* Requests under way, of all lanes. */
#define FORWARD_FLIGHTS 512
/* Results that are kept until they are noted, and for how long. */
#define FORWARD_RESULTS    4096
#define FORWARD_RESULTS_MS 200
/* Of those that need no more than a new state, so many are noted at once. */
#define FORWARD_PLAIN FORWARD_RESULTS

/* One record between the ledger and its endpoint. */
struct forward_job {
    struct forward_job *next; /* in the one list that it stands in */
    struct forward_lane *lane;
    struct ledger_record row; /* numbers and ids; its texts are gone */
    struct gf_record record;
    void *map; /* a body that is a file, mapped; NULL: none */
    size_t map_len;
    char *file;             /* that file, below the state directory; NULL: none */
    size_t weight;          /* bytes of its line */
    int64_t doubt;          /* as in the ledger, a crash counted */
    struct gf_buf progress; /* of the tries before this one */
    struct endpoint_job job;
    struct endpoint_request request;
    struct forward_program *program; /* the one that runs; NULL: none does */
    struct endpoint_result result;
    int64_t due;         /* judged: when it is tried again */
    int64_t asked_until; /* until when the endpoint asked to be left alone; 0: it did not */
    int asked;           /* 1: the profile knows of it: end() is due */
    int many;            /* 1: it takes many requests, and its lane's breaker knows */
    int failed;          /* 1: something on our side is wrong: result.reason, and it is held */
    int unsent;          /* 1: it was not begun, since its sender's records rest */
};

struct forward_list {
    struct forward_job *first, *last;
    size_t n, weight;
};
void forward_put(struct forward_list *l, struct forward_job *j);
struct forward_job *forward_take(struct forward_list *l); /* the first; NULL: it is empty */
void forward_take_out(struct forward_list *l, struct forward_job *j);
void forward_move(struct forward_list *to,
                  struct forward_list *from); /* all, behind what is there */
void forward_list_free(struct forward_list *l);

/* One endpoint, or what no endpoint takes of a channel. */
struct forward_lane {
    struct endpoint endpoint;
    int opened;             /* 1: endpoint_open() has been tried */
    struct gf_err unusable; /* its code is not GF_OK: why all its records are held */
    const char *name;       /* its section; NULL: what nobody takes of a channel */
    char channel[GF_WORD_MAX + 1];
    int takes_all; /* 1: no other endpoint takes anything of the channel */
    struct endpoint_breaker breaker;
    int64_t later, held; /* records of this turn */
    int64_t since, due; /* of those that wait: when the oldest came, and the first is tried again */
    /* The last failure's or held record's, in the endpoint's words: for the operator only, since it
     * may tell what another sender has sent. */
    char reason[GF_REASON_MAX + 1];
    struct ledger_cursor at;
    int over;      /* 1: nothing more is due */
    size_t credit; /* jobs marked and under way: grows with each success, so that a dead endpoint is
                      asked once */
    size_t credit_max;
    struct forward_list marked; /* by the transaction that is under way */
    struct forward_list ready;
    size_t under_way;
};

/* Records that were delivered and keep no answer, until they are noted all at once. */
struct forward_plain {
    int64_t rows[FORWARD_PLAIN];
    size_t n;
};

struct forward_walk {
    struct relay *r;
    struct turn *t;
    struct https_pool *pool;
    struct forward_lane *lanes;
    size_t nlanes;
    struct forward_list flying;                         /* under way */
    struct forward_list done;                           /* judged, not noted yet */
    struct forward_plain plain[GF_GUARANTEE_LEAST + 1]; /* of them; by guarantee; empty but within a
                                                           transaction */
    int64_t done_since;                                 /* ms; when the first of them came */
    struct forward_commit *commit;
    int64_t began_ms;
    int64_t wait_ms;
    int64_t stopping;  /* ms; when SIGTERM was seen: nothing new begins; 0: it was not */
    int busy;          /* how often in a row the ledger was, when it was waited for */
    int64_t commit_at; /* ms; before, it is not asked again; 0: at any time */
};

/* The turn's time, moved on by what forwarding has taken. */
int64_t forward_now(const struct forward_walk *w);
int64_t forward_left_ms(const struct forward_walk *w);
/* 1 if nothing begins any more: its time is over, or SIGTERM came. */
int forward_is_ending(const struct forward_walk *w);
/* 1 if there is something to do without the ledger. */
int forward_goes_on(const struct forward_walk *w);

/* ---- forward_commit.c ---- */

GF_MUST_CHECK int forward_commit_new(struct forward_walk *w, struct gf_err *e);
void forward_commit_free(struct forward_walk *w); /* once it has ended; accepts a new walk */
/* Begin one: results are settled, and lanes filled. It is pending then, or over already; or it did
 * not begin, since the ledger is busy: what is known is kept, else it would be in doubt, or sent
 * again, and w->commit_at says when to come again. None may be pending. */
GF_MUST_CHECK int forward_commit(struct forward_walk *w, struct gf_err *e);
/* 1 from then on until it was reaped. */
int forward_commit_pending(const struct forward_walk *w);
/* If it has ended, or with wait: what it has marked is ready. -1: it came to nothing. */
GF_MUST_CHECK int forward_commit_reap(struct forward_walk *w, int wait, struct gf_err *e);
/* Until the ledger is this thread's again. */
void forward_commit_wait(struct forward_walk *w);
/* Can be read once it has ended; -1: there is nothing to wait for. */
int forward_commit_fd(const struct forward_walk *w);

/* ---- forward_job.c ---- */

/* A record as a job of this lane; GF_E_SYSTEM. One that cannot be sent at all is `failed`. */
GF_MUST_CHECK int forward_job_new(struct forward_walk *w, struct forward_lane *lane,
                                  const struct ledger_record *row, struct forward_job **out,
                                  struct gf_err *e);
void forward_job_free(struct forward_job *j);
/* Begin its next request. It is under way, or, if there was nothing to send or its sender's records
 * rest meanwhile, among those that are done. */
void forward_job_begin(struct forward_walk *w, struct forward_job *j);
/* Take one request that is over: 1, or 0: none is. */
int forward_job_collect(struct forward_walk *w);
/* What its endpoint called onward since the last flush is not there: it is tried again later. */
void forward_job_lost(struct forward_walk *w, struct forward_lane *lane, const struct gf_err *why);
/* Give up what is under way, and stays `sending`; all, or only where a second request does no
 * harm. */
void forward_job_cut(struct forward_walk *w, int all);

/* ---- forward_program.c ---- */

/* Start the program of its request, which gets its time-out or what is left, in milliseconds. */
GF_MUST_CHECK int forward_program_begin(struct forward_job *j, int64_t left_ms, struct gf_err *e);
/* Look after it: 1 it has ended; *ending is valid until forward_program_free(). */
int forward_program_ended(struct forward_job *j, struct endpoint_ending *ending,
                          struct https_answer *answer);
void forward_program_free(struct forward_program *p);
/* End it. */
void forward_program_cut(struct forward_job *j);
/* What there is to wait for. */
size_t forward_program_fds(const struct forward_walk *w, int *fds, size_t max);

/* ---- forward_lane.c ---- */

GF_MUST_CHECK int forward_lanes(struct forward_walk *w, struct gf_err *e);
void forward_lanes_free(struct forward_walk *w);
/* Something went well there: with each time it may have twice as much ahead. */
void forward_lane_trust(struct forward_lane *lane);
/* 1 if this lane has nothing left to begin though it might. */
int forward_lane_hungry(const struct forward_lane *lane);
/* 1 if it has nothing to do any more. */
int forward_lane_idle(const struct forward_lane *lane);
/* Within a transaction: take what is due, as much as the lane may have ahead, to be marked. What
 * must not be sent is settled at once. */
GF_MUST_CHECK int forward_lane_fill(struct forward_walk *w, struct forward_lane *lane,
                                    struct gf_err *e);
/* One more of its records waits for another try. */
void forward_lane_waits(struct forward_lane *lane, const struct ledger_record *row, int64_t due);
/* Lines for the person who reads the turn's report. */
void forward_lanes_tell(struct forward_walk *w);

/* ---- forward_settle.c: within a transaction ---- */

/* What became of a job, into the ledger and the turn's counts; forward_settle_plain() comes behind
 * the last one. */
GF_MUST_CHECK int forward_settle(struct forward_walk *w, struct forward_job *j, struct gf_err *e);
GF_MUST_CHECK int forward_settle_plain(struct forward_walk *w, int64_t now, struct gf_err *e);
/* It was marked and did not go: the lane is left alone, its sender's records rest, or the turn is
 * over. */
GF_MUST_CHECK int forward_settle_unsent(struct forward_walk *w, struct forward_job *j,
                                        struct gf_err *e);
/* What must not be sent, for what it is: 1 it was settled, 0 it can be sent, -1. */
GF_MUST_CHECK int forward_settle_early(struct forward_walk *w, struct forward_job *j,
                                       struct gf_err *e);

#endif
