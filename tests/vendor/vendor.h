/*
 * vendor.h -- a scriptable vendor for tests and the quickstart: licences, usage intake, faults on
 * command, and a record of what took effect. README.md says how to use it.
 *
 * Everything is bounded; one lock guards what the threads share, and is held while an effect is
 * made durable, so that "same key, same answer" holds for requests that come at once.
 */
#ifndef VENDOR_H
#define VENDOR_H

#include <pthread.h>

#include "gapferry/buf.h"
#include "gapferry/key.h"
#include "gapferry/limits.h"
#include "gapferry/text.h"

#define VENDOR_BODY_MAX   ((size_t)8 << 20) /* bytes of a request */
#define VENDOR_ANSWER_MAX ((size_t)1 << 17) /* bytes of an answer that is kept */
#define VENDOR_TEXT_MAX   128               /* bytes of a header that is kept */
#define VENDOR_PATH_MAX   160               /* bytes of a path in a script, with its NUL */

/* ---- script.c: faults on command ---- */

enum fault {
    FAULT_NONE,
    FAULT_CLOSE,         /* the connection is closed before the request was read */
    FAULT_RESET_BEFORE,  /* no effect, the connection is reset */
    FAULT_RESET_AFTER,   /* effect, then the connection is reset */
    FAULT_TIMEOUT_AFTER, /* effect, then silence for a while, then closed */
    FAULT_STATUS,        /* no effect, this status */
    FAULT_RETRY_AFTER,   /* no effect, 429 with Retry-After */
    FAULT_HALF,          /* effect, half of the answer */
    FAULT_WRONG,         /* effect, and a page that has nothing to do with it */
    FAULT_SLOW,          /* effect and answer, after a while */
    FAULT_REDIRECT,      /* no effect, 302 to somewhere else */
    FAULT_ENDLESS,       /* of a file: zeros without end */
    FAULT_LONGER,        /* of a file: so many bytes more than it has */
    FAULT_NO_RANGE,      /* of a file: all of it, whatever range was asked for */
    FAULT_PARTIAL,       /* of metrics: the last so many points are refused, the others taken */
};

struct script_entry {
    int64_t left; /* requests */
    enum fault fault;
    int number;
    char path[VENDOR_PATH_MAX]; /* "": any */
};

#define SCRIPT_MAX 1000

struct script {
    struct script_entry entries[SCRIPT_MAX];
    size_t n;
};

/* Replace the script by these lines; GF_E_USAGE names the line. No lines: no faults. */
GF_MUST_CHECK int script_set(struct script *s, const char *text, size_t len, struct gf_err *e);
/* What is to happen to the next request to this path. */
enum fault script_next(struct script *s, const char *path, int *number);

/* ---- tally.c: what took effect ---- */

struct effect {
    char key[VENDOR_TEXT_MAX + 1];    /* Idempotency-Key, "" if there was none */
    char agent[VENDOR_TEXT_MAX + 1];  /* Gapferry-Agent */
    char record[VENDOR_TEXT_MAX + 1]; /* Gapferry-Record */
    char path[32];
    struct gf_hash digest; /* of the body */
    int64_t at;
    int status; /* of the answer */
    char *answer;
    size_t answer_len;
    int64_t count;    /* times it took effect */
    int64_t requests; /* times it was asked for, since the server started */
};

#define TALLY_MAX 100000

struct tally {
    int fd;
    struct effect *effects;
    size_t n, room;
};

/* Open or make DIR/tally.jsonl and read what took effect before; a torn last line is cut off: its
 * request was never answered. GF_E_BUSY if another server has it. */
GF_MUST_CHECK int tally_open(struct tally *t, int dir, struct gf_err *e);
void tally_close(struct tally *t);
struct effect *tally_find(const struct tally *t, const char *key);
/* Make it durable, then known. e->answer is taken over (also on failure). body: kept in the file
 * where it is text of moderate length. same: the entry whose effect this repeats, or NULL. */
GF_MUST_CHECK int tally_add(struct tally *t, const struct effect *f, const char *body, size_t len,
                            struct effect *same, struct gf_err *e);
/* All as JSON. */
void tally_show(const struct tally *t, struct gf_buf *out);

/* ---- license.c, and deactivate.c: proofs that a licence is given up ---- */

struct license_terms {
    const struct gf_sign_key *key;
    const char *const *known; /* licence keys beside AAAA-BBBB and KEY-...; NULL at the end */
    int64_t now;
    int days;                                        /* until it ends; 0: never */
    const char *then;                                /* "warn" "block" */
    int (*is_gone)(const void *arg, const char *id); /* 1: that licence was deactivated */
    const void *arg;
};

/* Answer a gapferry-license-request/1 (the status, and out gets the document or the reason), or a
 * gapferry-deactivation/1 (out gets LICENSE_GONE with its licence). */
#define LICENSE_GONE "{\"deactivated\": \"%s\"}\n"
int license_answer(const struct license_terms *t, const char *body, size_t len, struct gf_buf *out);

/* 1 if the text is a deactivation proof, whatever is in it. */
int deactivate_is(const char *text, size_t len);
/* Verify a proof by the key that it names; the licence that was given up. GF_E_LICENSE,
 * GF_E_SIGNATURE and others with words. */
GF_MUST_CHECK int deactivate_read(const char *text, size_t len, char license[GF_WORD_MAX * 2 + 1],
                                  struct gf_err *e);

/* ---- points.c: an OpenTelemetry receiver ---- */

#define POINTS_MAX 100000

/* What came since the server started. */
struct points {
    struct points_point {
        char *series; /* NAME{resource}{point}, without what a relay adds (gapferry.*) */
        char *added;  /* that; of the first time */
        uint64_t time;
        double value;
        int64_t count; /* times it came */
    } * point;
    size_t n, room;
};

/* Take a request of this Content-Type, all or (partial > 0) but so many of its last points. The
 * status, and its body goes to out in the form of the request. A request with a metric "poison" is
 * refused as a whole: 400. */
int points_take(struct points *t, const char *type, const char *body, size_t len, int partial,
                const char **answer_type, struct gf_buf *out);
/* All as JSON. */
void points_show(const struct points *t, struct gf_buf *out);
void points_free(struct points *t);

/* ---- serve.c ---- */

struct vendor {
    int dir;
    int files; /* what lies below /files/; -1: nothing */
    int stop;  /* readable when the server is to end: sleepers wake up */
    pthread_mutex_t lock;
    struct license_terms terms;
    struct script script;
    struct tally tally;
    struct points points;
    int forget; /* 1: idempotency keys are not honoured */
    int64_t requests;
    int64_t refused;
};

/* ---- files.c: a repository ---- */

struct MHD_Connection;
/* Answer a GET of a file below /files/: with validators (ETag, Last-Modified), which are compared,
 * and with ranges to the end ("bytes=N-"); a line "PATH STATUS FROM" goes to DIR/files.log. 1 if
 * the answer is queued, 0 if the connection is to be closed. */
int files_answer(struct vendor *v, struct MHD_Connection *connection, const char *path,
                 enum fault fault, int number);

struct MHD_Daemon;
struct MHD_Daemon *serve_start(struct vendor *v, int listen_fd);
void serve_stop(struct MHD_Daemon *d);

#endif
