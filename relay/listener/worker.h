/*
 * worker.h -- what the listener's questions are answered with: the keys' one signature, the ledger,
 * and files that are handed over open.
 *
 * Nothing here takes long. A bundle that came in, or asks for its responses, waits until the turn
 * that serves it has ended in another process; run.c starts turns and tells when they end.
 */
#ifndef RELAY_LISTENER_WORKER_H
#define RELAY_LISTENER_WORKER_H

#include "relay/files.h"
#include "relay/listener/wire.h"

/* Uploads and answers under way, at most; of uploads from one sender. */
#define WORKER_UPLOADS_MAX 64
#define WORKER_WAITS_MAX   256
#define WORKER_SENDER_MAX  2

/* A turn has two parts that run beside each other: what came in, and what goes out. */
enum worker_turn { WORKER_VERIFY, WORKER_FORWARD };

struct worker_upload {
    uint64_t tag;
    char path[64]; /* uploads/... */
    struct gf_hash identity, digest;
    int64_t size; /* bytes */
};

/* A question that is answered when a turn has ended. */
struct worker_wait {
    uint64_t tag;
    struct gf_hash identity, digest;
    char name[FILES_NAME]; /* in incoming/ */
    int seen;              /* 1: it was here before */
    enum worker_turn turn;
    uint64_t number; /* of the turn */
    int64_t since;   /* ms: it came in; ms: it waits for WORKER_FORWARD */
};

struct worker {
    struct relay *r;
    int sock;                      /* -1: there is no listener */
    int want[2];                   /* 1: a turn is to be started */
    uint64_t started[2], ended[2]; /* turns, counted */
    uint64_t uploaded;             /* files made, counted */
    struct worker_upload uploads[WORKER_UPLOADS_MAX];
    struct worker_wait waits[WORKER_WAITS_MAX];
    size_t nuploads, nwaits;
};

/* Remove what an earlier process has left; no listener yet. */
GF_MUST_CHECK int worker_begin(struct worker *w, struct relay *r, struct gf_err *e);
/* A listener is at the other end of sock, which stays the caller's. */
GF_MUST_CHECK int worker_meet(struct worker *w, int sock, struct gf_err *e);
/* It is gone, and so is all that it had begun. */
void worker_part(struct worker *w);

/* Answer what was asked; -1: the listener is gone, or talks nonsense. */
GF_MUST_CHECK int worker_hear(struct worker *w, struct gf_err *e);
/* A turn was started; has ended. */
void worker_started(struct worker *w, enum worker_turn t);
void worker_ended(struct worker *w, enum worker_turn t);
/* Answer those who have waited long enough; milliseconds until the next one has, -1: none waits. */
int worker_patience(struct worker *w);

#endif
