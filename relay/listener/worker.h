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

/* A turn has two parts that run beside each other: what came in, and what goes out. A third one
 * looks into what couriers have brought by the page (relay/page/page.h). */
enum worker_turn { WORKER_VERIFY, WORKER_FORWARD, WORKER_LOOK, WORKER_TURNS };

struct worker_upload {
    uint64_t tag;
    uint32_t what;                /* enum wire_what: by the page; 0: by POST */
    char courier[LEDGER_COURIER]; /* by the page */
    char path[64];                /* uploads/... */
    struct gf_hash identity, digest;
    int64_t size; /* bytes */
};

/* A question that is answered when a turn has ended. */
struct worker_wait {
    uint64_t tag;
    struct gf_hash identity, digest;
    char name[FILES_NAME]; /* in incoming/ */
    int seen;              /* 1: it was here before */
    int others;            /* 1: what lies there came by somebody else, and may be damaged */
    enum worker_turn turn;
    uint64_t number; /* of the turn */
    int64_t since;   /* ms: it came in; ms: it waits for WORKER_FORWARD */
};

/* Couriers who are logged in to the page, at most; seconds until one who does nothing is not, and
 * anybody at all. */
#define WORKER_SESSIONS_MAX 64
#define WORKER_SESSION_IDLE 3600
#define WORKER_SESSION_MAX  43200
/* Responses that a session remembers to have downloaded, at most. */
#define WORKER_TAKEN_MAX 64

struct worker_session {
    struct gf_hash id; /* random; all zero: there is none */
    char courier[LEDGER_COURIER];
    struct gf_hash token;                 /* the hash of the token that opened it */
    int64_t began, used;                  /* ms */
    struct gf_id taken[WORKER_TAKEN_MAX]; /* responses that it downloaded, a ring */
    size_t ntaken;                        /* counted */
};

struct worker {
    struct relay *r;
    int sock;               /* -1: there is no listener */
    int64_t began;          /* seconds: when this process did */
    int want[WORKER_TURNS]; /* 1: a turn is to be started */
    uint64_t started[WORKER_TURNS], ended[WORKER_TURNS], failed[WORKER_TURNS]; /* counted */
    int64_t ended_at[WORKER_TURNS];                                            /* seconds */
    int sick[WORKER_TURNS]; /* 1: the last one failed */
    int metrics;            /* the last text of /metrics; -1: none yet */
    int64_t metrics_size;   /* bytes */
    int64_t metrics_until;  /* ms: it is new enough */
    uint64_t replayed;      /* bundles that came again by HTTP, so that no turn has seen them */
    uint64_t uploaded;      /* files made, counted */
    /* Cards, and bundles, that were turned away since the log last named one. */
    struct worker_strangers {
        int64_t n;
        int64_t at; /* ms: it did; 0: never */
    } strangers, unknown;
    struct worker_upload uploads[WORKER_UPLOADS_MAX];
    struct worker_wait waits[WORKER_WAITS_MAX];
    size_t nuploads, nwaits;
    struct worker_session sessions[WORKER_SESSIONS_MAX];
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
void worker_ended(struct worker *w, enum worker_turn t, int failed);
/* Answer those who have waited long enough; milliseconds until the next one has, -1: none waits. */
int worker_patience(struct worker *w);

/* ---- within ---- */

/* An answer, with s->len bytes of data and perhaps a descriptor, which stays the caller's. A
 * listener that does not take it is given up. */
void worker_say(struct worker *w, const struct wire_say *s, const void *data, int fd);
void worker_say_plain(struct worker *w, uint64_t tag, enum wire_answer answer);
void worker_say_error(struct worker *w, uint64_t tag, enum wire_answer answer,
                      const struct gf_err *why, int64_t seconds);
/* A defect or a full disk of ours is told to the operator; the caller need not know our paths. */
void worker_say_trouble(struct worker *w, uint64_t tag, const struct gf_err *why);

/* A file for an upload: its descriptor, or -1: GF_E_LIMIT (this sender has enough under way),
 * GF_E_BUSY, GF_E_CREATE (no room), GF_E_SYSTEM. */
GF_MUST_CHECK int worker_upload_new(struct worker *w, const struct wire_ask *a, const char *courier,
                                    struct gf_err *why);
/* Tell that there is none for now. */
void worker_upload_refuse(struct worker *w, uint64_t tag, const struct gf_err *why);
/* The one of this tag whose file is complete, and that nobody can write to any more; NULL with
 * *why, and then it is dropped. */
struct worker_upload *worker_upload_done(struct worker *w, uint64_t tag, int by_page,
                                         struct gf_err *why);
void worker_upload_drop(struct worker *w, struct worker_upload *u);
/* What became of a bundle by name in incoming/ that the ledger does not know: 0 and the reason why
 * it lies in quarantine/; -1: it does not. */
GF_MUST_CHECK int worker_read_why(struct worker *w, const char *name, struct gf_err *why);

/* 1 if a descriptor was handed out. */
int worker_fetch(struct worker *w, const struct wire_ask *a);

/* ---- worker_page.c, worker_facts.c: the courier's page ---- */

void worker_page(struct worker *w, const struct wire_ask *a);
/* Remove what couriers have left lying, and see whether something is to be looked into. */
void worker_page_tidy(struct worker *w);
void worker_facts(struct worker *w, const struct wire_ask *a, const struct worker_session *session);

/* ---- worker_metrics.c ---- */

void worker_ready(struct worker *w, const struct wire_ask *a);
void worker_metrics(struct worker *w, const struct wire_ask *a);

/* The text of /metrics as a descriptor of this size; -1 with *e. */
GF_MUST_CHECK int worker_metrics_open(const struct worker *w, int64_t *size, struct gf_err *e);
GF_MUST_CHECK int worker_metrics_text(const struct worker *w, int64_t now, struct gf_buf *b,
                                      struct gf_err *e);
/* The value of a label, in quotes; foreign text is made safe. */
void worker_metrics_label(struct gf_buf *b, const char *text);

/* ---- within (worker_card.c) ---- */

/* The card of an enrolled identity; why it is refused, if it has ended. */
void worker_card(struct worker *w, const struct wire_ask *a);
/* A card's file of a->len bytes: enrolled if it proves itself, and nothing is stored if not. */
void worker_enrol(struct worker *w, const struct wire_ask *a, const char *text);

#endif
