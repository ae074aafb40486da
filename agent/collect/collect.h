/*
 * collect.h -- gapferry-collect: requests of programs on this host become records in intake/.
 *
 * Requests that are there at the same time are one group: their records are put, one flush to the
 * disk serves all, and then all are answered. Whoever was answered asks again at once, so a group
 * gathers for some steps of the servers, as long as each brings more of it. No request is answered
 * with 2xx before its record is durable. One thread; what waits for nothing takes no time.
 */
#ifndef COLLECT_COLLECT_H
#define COLLECT_COLLECT_H

#include "agent/body.h"
#include "agent/collect/collect_policy.h"
#include "agent/collect/collect_room.h"
#include "agent/collect/collect_settings.h"
#include "common/httpd.h"
#include "gapferry/record.h"

#define COLLECT_PROGRAM "gapferry-collect"

struct collect;
struct collect_writer; /* of one channel, to a spool file of its own */

/* One request, or what an endpoint that was asked has said. */
struct collect_call {
    struct collect *c;
    struct httpd_request *r;       /* NULL: it is of an endpoint, */
    struct collect_scrape *scrape; /* of this one (collect_scrape.h) */
    enum body_path path;
    const char *type; /* the media type that it names; NULL: none. Borrowed */
    int protobuf;     /* 1: its reply is protobuf */
    int gzip;
    uint64_t unit; /* of the times of lines, in nanoseconds */
    int api2;      /* 1: its refusals have the form of InfluxDB 2.x */
    int query;     /* 1: no lines, but a question to their database */
    char channel[GF_WORD_MAX + 1];
    struct gf_buf body;
    struct collect_call *older, *newer; /* of those whose bodies are not complete */

    /* Of the group at hand: */
    struct collect_call *next;
    struct collect_writer *writer; /* NULL: it does not wait for one */
    char record[GF_UUID_TEXT];
    char *dropped;     /* names that the rule took out; NULL: none */
    char *partial;     /* what of it did not come in, in words; NULL: nothing */
    uint64_t rejected; /* data points of OTLP that did not */
};

/* What was done since the start. */
struct collect_counts {
    int64_t records, bytes; /* durable; bytes of their lines */
    int64_t groups;         /* flushes that they took */
    int64_t refused;        /* requests for which there is no record: their status was not 2xx */
    int64_t full;           /* of these, for want of room or disk */
    int64_t scrapes;        /* times that an endpoint was asked, or would have been */
    int64_t scrapes_failed; /* of these, for which there are no samples */
};

/* What was refused last, whole or in part. */
#define COLLECT_WHY 320
struct collect_refusal {
    int64_t at;      /* seconds since 1970; 0: nothing was */
    unsigned status; /* of the reply; 200: in part */
    char channel[GF_WORD_MAX + 1];
    char why[COLLECT_WHY]; /* one safe line */
};

struct collect {
    struct collect_settings settings;
    int state, intake; /* directories */
    char intake_path[600];
    struct collect_policy_file policy;
    struct collect_room *room;
    int room_stale;    /* 1: look at the files before the next record that needs room */
    int64_t room_seen; /* ms: when they were looked at */
    int64_t now;       /* seconds since 1970, of the group at hand */
    int64_t in_memory; /* bytes of bodies that have come in */
    struct collect_call *oldest, *newest; /* whose bodies are not complete */
    struct collect_writer *writers;
    struct collect_call *first, **last; /* who waits for the group's flush */
    struct gf_buf line, ext;            /* of the record at hand; their memory is used again */
    uint8_t random[2560];               /* for ids; what is left of it */
    size_t nrandom;
    struct collect_counts counts;
    int64_t told;   /* ms: when a refusal was last told in the log */
    int64_t untold; /* refusals since */
    struct collect_refusal refusal;
};

/* ---- collect_server.c ---- */

/* For httpd_options; the argument is the struct collect. */
extern const struct httpd_calls collect_server_calls;

/* ---- collect_take.c ---- */

/* A request is complete: into the group, or answered. */
void collect_take(struct collect_call *call);

/* ---- collect_group.c ---- */

/* The writer of a channel, made where there is none yet; NULL and *e on failure. */
struct collect_writer *collect_group_writer(struct collect *c, const char *channel,
                                            struct gf_err *e);
/* What it has of the group, not flushed yet. */
struct collect_use collect_group_pending(const struct collect_writer *w);
/* See that the group has room for lines that come in together or not at all: one that has not is
 * committed. GF_E_LIMIT: no group has. */
GF_MUST_CHECK int collect_group_begin(struct collect *c, const struct collect_writer *w,
                                      struct collect_use lines, struct gf_err *e);
/* Add a line to it. Errors: those of spool_put(). */
GF_MUST_CHECK int collect_group_put(struct collect_writer *w, const char *line, size_t len,
                                    struct gf_err *e);
/* This call's lines are in it: its reply waits for the flush. */
void collect_group_hold(struct collect_call *call, struct collect_writer *w);
/* It is gone: its lines stay in the group, and nobody hears of them. Nothing for a call that does
 * not wait. */
void collect_group_leave(struct collect_call *call);
/* Flush what there is, and answer who waits. */
void collect_group_commit(struct collect *c);
void collect_group_close(struct collect *c);

/* ---- collect_reply.c ---- */

/* It did not come in: a problem (RFC 9457), a google.rpc.Status in the type of the request, or what
 * InfluxDB says. `why` is somebody else's words, too. Counted, and told in the log now and then. */
void collect_reply_no(struct collect_call *call, unsigned status, unsigned retry_after_s,
                      const char *why);
/* Its record is durable, or it needed none. */
void collect_reply_done(struct collect_call *call);

/* ---- collect_influx.c: what clients of InfluxDB expect ---- */

/* Set what call is for, where it is one of their paths: 0, or -1: none of them. */
int collect_influx_find(struct collect_call *call, const char *path);
/* What the query of /write says; -1: answered. */
int collect_influx_begin(struct collect_call *call);
void collect_influx_ping(struct httpd_request *r);
/* Answer: CREATE DATABASE, which some begin with, is done; nothing else is. */
void collect_influx_query(struct collect_call *call);
/* Append a refusal in the form of 1.x, or of 2.x where that was asked. */
void collect_influx_refusal(const struct collect_call *call, unsigned status, const char *text,
                            struct gf_buf *out);

/* ---- collect_state.c: what `status` shows ---- */

#define COLLECT_STATE_FILE "collect.state" /* lines KEY=VALUE, replaced as a whole */

/* An endpoint that is asked. */
struct collect_scrape_state {
    char name[GF_WORD_MAX + 1];
    int64_t good, samples; /* seconds since 1970: its last success, 0: none; what it had */
    int64_t bad;           /* the same of its last failure, */
    char why[COLLECT_WHY]; /* and its reason */
    int64_t failures;      /* in a row, up to now */
};

struct collect_state {
    int64_t since, written; /* seconds since 1970 */
    char listen[64];        /* ADDRESS:PORT, or "" */
    char socket[108];
    struct collect_counts counts;
    struct collect_refusal refusal;
    size_t nscrapes;
    const struct collect_scrape_state *scrapes; /* borrowed, but in what was loaded */
};
GF_MUST_CHECK int collect_state_save(int dir, const struct collect_state *s, struct gf_err *e);
/* text[len] is NUL. GF_E_DAMAGED, GF_E_SYSTEM. Release with _free. */
GF_MUST_CHECK int collect_state_parse(const char *text, size_t len, struct collect_state *out,
                                      struct gf_err *e);
/* GF_E_NOINPUT where none was written yet; GF_E_DAMAGED, GF_E_SYSTEM. */
GF_MUST_CHECK int collect_state_load(int dir, struct collect_state *out, struct gf_err *e);
void collect_state_free(struct collect_state *s);

#endif
