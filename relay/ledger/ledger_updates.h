/*
 * ledger_updates.h -- the part of the ledger (ledger.h) that remembers updates: the newest verified
 * manifest of every place at a vendor, the artifacts that manifests name, and what of them each
 * agent still has to get.
 *
 *   source     one manifest at one endpoint: product, channel, platform
 *   artifact   a file, by endpoint and BLAKE2b-256; here or not
 *   assigned   an artifact goes to an agent, cut into parts once and for all
 *   part       due until a response tells it, and due again when that response is lost, or when its
 *              agent has applied it and still says under `want` that it misses the part
 *
 * Nothing becomes known here that its vendor has not signed: callers verify first.
 */
#ifndef RELAY_LEDGER_UPDATES_H
#define RELAY_LEDGER_UPDATES_H

#include "common/update.h"
#include "relay/ledger/ledger.h"

/* Parts of one artifact: no agent collects more. */
#define LEDGER_PARTS_MAX 1024

/* Bytes of a validator (ETag, Last-Modified) that is kept; a longer one is as good as none. */
#define LEDGER_VALIDATOR_MAX 255

/* ---- sources ---- */

struct ledger_source {
    int64_t row;        /* 0: never asked */
    int64_t serial;     /* of the newest verified manifest; 0: none yet */
    int64_t expires;    /* of it */
    int64_t asked;      /* when the vendor last said what is there */
    int absent;         /* 1: that there is none */
    struct gf_buf text; /* the manifest with its signatures */
    char etag[LEDGER_VALIDATOR_MAX + 1], modified[LEDGER_VALIDATOR_MAX + 1]; /* "": none */
};
struct ledger_place {
    const char *endpoint;
    const char *product, *channel, *platform;
};
/* What is known of a place. *out is set in any case; free with ledger_source_free(). */
GF_MUST_CHECK int ledger_source(struct ledger *l, const struct ledger_place *p,
                                struct ledger_source *out, struct gf_err *e);
void ledger_source_free(struct ledger_source *s);

/* The vendor has said that there is no manifest, or that what is known is still right (absent 0).
 */
GF_MUST_CHECK int ledger_source_asked(struct ledger *l, const struct ledger_place *p, int absent,
                                      int64_t now, struct gf_err *e);
/* A manifest was verified, and is not older than the known one: its text and validators ("": none)
 * take that one's place, and its artifacts are known. GF_E_UPDATE if it names an artifact that is
 * known with another size or SHA-256. */
GF_MUST_CHECK int ledger_source_put(struct ledger *l, const struct ledger_place *p,
                                    const struct update *u, const struct ledger_source *s,
                                    int64_t now, struct gf_err *e);

/* 1 if any manifest of this endpoint was ever verified: its address is right. */
GF_MUST_CHECK int ledger_source_proven(struct ledger *l, const char *endpoint, struct gf_err *e);

/* ---- what goes to whom ---- */

/* A manifest of this source goes to this agent; or to it by way of another one, a grid's manager,
 * which is given it (ledger_give()). */
GF_MUST_CHECK int ledger_given(struct ledger *l, const struct gf_id *agent, int64_t source,
                               int64_t now, struct gf_err *e);
/* 1 if this agent was given a manifest of this source before. */
GF_MUST_CHECK int ledger_was_given(struct ledger *l, const struct gf_id *agent, int64_t source,
                                   struct gf_err *e);
/* How much goes: parts have part_max bytes (from 1). */
struct ledger_sizes {
    int64_t part_max, artifact_max;
};
/* Pure: 1 if an artifact is larger than artifact_max, or would become more than LEDGER_PARTS_MAX
 * parts. */
int ledger_is_too_large(const struct ledger_sizes *sizes, int64_t size);
/* It is given this source's manifest, and every artifact of it that it was not assigned before, and
 * that is not too large, is now, cut into parts. Once or twice is the same. */
GF_MUST_CHECK int ledger_give(struct ledger *l, const struct gf_id *agent, int64_t source,
                              const struct ledger_sizes *sizes, int64_t now, struct gf_err *e);

/* What a request says under `want`, after its `have` was taken: parts of artifacts that were
 * assigned to this agent and told by a response that it has are due again. *again: how many;
 * *unknown: files that were never assigned to it, which are left alone. */
GF_MUST_CHECK int ledger_want(struct ledger *l, const struct gf_id *agent,
                              const struct gf_want *want, size_t n, int64_t *again,
                              int64_t *unknown, struct gf_err *e);

/* Parts that are due for this agent and can be read here, artifact by artifact. fn returns 0 to go
 * on, 1 to stop, -1, and changes nothing in the ledger. */
struct ledger_part {
    int64_t artifact;
    const char *name;
    struct gf_hash digest; /* of the whole artifact */
    int64_t whole;         /* bytes of it */
    int64_t index, count;
    int64_t offset, size;
};
typedef int ledger_each_part(void *arg, const struct ledger_part *p, struct gf_err *e);
GF_MUST_CHECK int ledger_parts(struct ledger *l, const struct gf_id *agent, ledger_each_part *fn,
                               void *arg, struct gf_err *e);

/* ---- artifacts ---- */

struct ledger_artifact {
    int64_t row;
    char endpoint[GF_WORD_MAX + 1];
    char place[2 * (GF_WORD_MAX + 1) + 1]; /* "PRODUCT/CHANNEL" */
    struct update_artifact is;
    int64_t attempts;                    /* in vain */
    int64_t since;                       /* it is waited for */
    int64_t due;                         /* when it may be tried next; 0: now */
    char etag[LEDGER_VALIDATOR_MAX + 1]; /* of what was fetched in part; "": none */
    char reason[GF_REASON_MAX + 1];      /* of the last failure; "": none */
};
/* Whatever it waits for is due at once, as an operator says: artifacts of this endpoint (NULL: any)
 * that some agent waits for. *n: how many. */
GF_MUST_CHECK int ledger_artifacts_release(struct ledger *l, const char *endpoint, int64_t now,
                                           int64_t *n, struct gf_err *e);
/* The artifact that was under way when a turn was over (0: none): the next turn begins behind it,
 * so that one that never ends holds up no other. */
GF_MUST_CHECK int ledger_artifact_cut(struct ledger *l, int64_t *row, struct gf_err *e);
GF_MUST_CHECK int ledger_artifact_set_cut(struct ledger *l, int64_t row, struct gf_err *e);
/* The next artifact that some agent waits for, is not here and is due; behind this row (0 first).
 * 1 found, 0 none. */
GF_MUST_CHECK int ledger_artifact_due(struct ledger *l, int64_t now, int64_t after,
                                      struct ledger_artifact *out, struct gf_err *e);
/* 1 if the endpoint's artifact of this digest is here, 0 if not. */
GF_MUST_CHECK int ledger_artifact_is_here(struct ledger *l, const char *endpoint,
                                          const struct gf_hash *digest, struct gf_err *e);
/* It is here now, verified. */
GF_MUST_CHECK int ledger_artifact_here(struct ledger *l, int64_t row, int64_t now,
                                       struct gf_err *e);
/* It is not here any more, and wanted still: fetched again. */
GF_MUST_CHECK int ledger_artifact_gone(struct ledger *l, int64_t row, struct gf_err *e);
/* A part of it was fetched; etag: of the rest, "" for none. */
GF_MUST_CHECK int ledger_artifact_begun(struct ledger *l, int64_t row, const char *etag,
                                        struct gf_err *e);
/* It was tried in vain. due, asked: as of ledger_later(). */
GF_MUST_CHECK int ledger_artifact_later(struct ledger *l, int64_t row, const char *reason,
                                        int64_t due, int64_t asked, struct gf_err *e);
/* Its vendor has it no more. 1: no manifest names it either, so that nobody waits for it from now
 * on; 0: one does. */
GF_MUST_CHECK int ledger_artifact_drop(struct ledger *l, int64_t row, struct gf_err *e);
/* How many are waited for and are not here, whether due or not. */
GF_MUST_CHECK int ledger_artifacts_awaited(struct ledger *l, int64_t *n, struct gf_err *e);

/* 1 if a record has come that nobody has tried to deliver yet, 0 if none has. */
GF_MUST_CHECK int ledger_has_untried(struct ledger *l, struct gf_err *e);

/* 1 if the file of this digest is needed: it is to be fetched or sent, or travels and may be asked
 * for again, or a manifest that has not ended names it. */
GF_MUST_CHECK int ledger_artifact_is_needed(struct ledger *l, const struct gf_hash *digest,
                                            int64_t now, struct gf_err *e);
/* Forget what is over: artifacts that no manifest names any more and of which every part has
 * arrived, and what was to go to agents that are revoked; those that are not needed are not here
 * any more. */
GF_MUST_CHECK int ledger_artifacts_forget(struct ledger *l, int64_t now, struct gf_err *e);

#endif
