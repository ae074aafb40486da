/*
 * updates.h -- updates of products at this agent (design section 7): asking for them, taking in
 * manifests and artifacts, knowing what is here.
 *
 *   STATE/updates/PRODUCT/CHANNEL/PLATFORM/SERIAL/NAME   artifacts, verified
 *   STATE/updates/parts/DIGEST.INDEX                     files of responses that are none yet
 *   STATE/refused/RECORD.update, SERIAL.NAME             what was refused, to be looked at
 *
 * The rules are those of The Update Framework, with one manifest in the place of its four files:
 * what a pinned vendor key (duty update) has not signed is not parsed; serials only rise (a smaller
 * one is a rollback, an equal one with other content a conflict); a manifest ends (freeze: that is
 * reported, since the clock of a site without network is weak, and nothing is taken from it without
 * being asked twice); an artifact is of one manifest, of its size and both digests.
 */
#ifndef AGENT_UPDATES_H
#define AGENT_UPDATES_H

#include "agent/agent.h"
#include "agent/store/store_updates.h"
#include "common/update.h"

#define UPDATES_CHANNEL     "updates"
#define UPDATES_CHECK_TYPE  "application/vnd.gapferry.update-check+json"
#define UPDATES_REPORT_TYPE "application/vnd.gapferry.update-report+json"

/* Bytes of files in parts/ that no manifest names (yet): a manifest may come later than they do,
 * but a relay shall not fill the disk. */
#define UPDATES_UNCLAIMED_MAX (4LL << 30)

/* Seconds after which such a file goes. */
#define UPDATES_UNCLAIMED_AGE (60LL * 86400)

/* Parts of one artifact: as many as the largest needs at 1 GiB each. */
#define UPDATES_PARTS_MAX 1024

/* ---- asking and telling (updates_check.c) ---- */

struct updates_wish {
    const char *product;
    const char *version;  /* what runs here; NULL: the one last reported as installed, if any */
    const char *platform; /* NULL: operating system and architecture, e.g. "linux-x86-64" */
    const char *channel;  /* NULL: any */
    const char *const *features; /* NULL: those of the installed licence */
    size_t nfeatures;
};

/*
 * The body of an update check, for preview and for the queue:
 *
 *   {"format": "gapferry-update-check/1", "product": "demo", "version": "1.2.0" | null,
 *    "platform": "linux-x86-64", "channel": "stable" | null, "features": ["a", ...],
 *    "license": "L-1" | null, "ext": {}}
 *
 * `license` is the id of the installed licence, never a key.
 */
GF_MUST_CHECK int updates_check_body(struct agent *a, const struct updates_wish *w,
                                     struct gf_buf *out, struct gf_err *e);

/* Queue a check; its record's id. The rule of the channel (allow) is applied, and names that it
 * took out are appended to `dropped` (initialised by the caller). Consent is the caller's: a person
 * who asks has given it, a source needs it by configuration. GF_E_USAGE where a field breaks a
 * rule; errors of agent_accept(). */
GF_MUST_CHECK int agent_updates_check(struct agent *a, const struct updates_wish *w,
                                      struct gf_id *record, struct gf_buf *dropped,
                                      struct gf_err *e);

struct updates_outcome {
    const char *product;
    const char *version;
    int installed;    /* 1; 0: it failed */
    const char *note; /* for the vendor; NULL: none */
};
/*
 * Queue the result of an installation; its record's id. No answer is wanted.
 *
 *   {"format": "gapferry-update-report/1", "product": "demo", "version": "1.3.0",
 *    "serial": 7 | null, "platform": "linux-x86-64", "result": "installed" | "failed",
 *    "note": TEXT | null, "license": "L-1" | null, "ext": {}}
 */
GF_MUST_CHECK int updates_report(struct agent *a, const struct updates_outcome *o,
                                 struct gf_id *record, struct gf_buf *dropped, struct gf_err *e);

/* ---- manifests (updates_accept.c) ---- */

/* Read a manifest by whichever vendor with duty update has signed it. GF_E_SENDER if there is none;
 * those of update_parse(). */
GF_MUST_CHECK int updates_read(struct agent *a, const char *text, size_t len, struct update *out,
                               struct gf_err *e);

/* May it become known? GF_E_ROLLBACK, GF_E_CONFLICT; GF_E_NOT_FOR_US if `check` asked for something
 * else (NULL: nobody asked). *known is the row of the same manifest, 0 if it is new. That it has
 * ended is no error here: updates_ended(). */
GF_MUST_CHECK int updates_judge(struct agent *a, const struct update *u, const char *text,
                                size_t len, const struct store_update_check *check, int64_t *known,
                                struct gf_err *e);

/* Remember a manifest that was read and judged, and raise the time floor. One transaction. *n: its
 * row, 0 if it is new; then it is set. */
GF_MUST_CHECK int updates_remember(struct agent *a, const struct update *u, const char *text,
                                   size_t len, int64_t *n, const struct gf_hash *relay,
                                   struct gf_err *e);

/* 1 if it has ended, by the clock or, where that is behind, by the time floor. */
GF_MUST_CHECK int updates_ended(struct agent *a, const struct update *u, struct gf_err *e);

/* Load a manifest from a file; without a signature in it also from PATH.minisig. Initialises *text.
 */
GF_MUST_CHECK int updates_load_file(int dir, const char *path, struct gf_buf *text,
                                    struct gf_err *e);

/*
 * The answer to a check of ours has come: a manifest, or the status 204 (nothing to tell). 0 with
 * refused "": it was taken; 0 with words: it cannot be used, and this is why. -1 only where nothing
 * could be decided. Within the transaction that applies the response.
 */
#define UPDATES_WORDS (2 * GF_ERR_TEXT)
GF_MUST_CHECK int agent_update_answer(struct agent *a, const struct gf_hash *relay,
                                      const struct gf_answer *answer, const char *text, size_t len,
                                      char refused[UPDATES_WORDS], struct gf_err *e);

/* The manifest that answers a check of a node of the grid: remembered, so that its artifacts are
 * collected here. *n is its row; 0: it may not become known here (no vendor with duty update has
 * signed it, it is older than what is known), which is logged, and the node judges for itself.
 * Within the transaction that applies the response. */
GF_MUST_CHECK int updates_of_node(struct agent *a, const struct gf_hash *relay, const char *text,
                                  size_t len, int64_t *n, struct gf_err *e);

/* ---- artifacts (updates_files.c, updates_collect.c) ---- */

/* Files of a response, to be taken in three steps:
 *   updates_files_open()     before the transaction: flushes them, finds their digests
 *   updates_files_take()     within it, after the answers: moves them to parts/ and notes them
 *   updates_complete()       after it: makes artifacts of what is complete */
struct updates_files;
GF_MUST_CHECK int updates_files_open(struct agent *a, const struct gf_contents *c, int dir,
                                     struct updates_files **out, struct gf_err *e);
/* How many files it holds, those that are refused among them: what came is acknowledged. */
int64_t updates_files_count(const struct updates_files *f);
/* A member is the body of an answer, and no artifact. */
void updates_files_used(struct updates_files *f, const char *member);
/* What fits no manifest, or has no room, is refused file by file: remembered, logged, kept in
 * refused/ where its name is known. *taken is how many were taken. */
GF_MUST_CHECK int updates_files_take(struct agent *a, struct updates_files *f, int64_t *taken,
                                     struct gf_err *e);
void updates_files_free(struct updates_files *f);

/* Make artifacts of complete files in parts/, and of those that an older manifest has already;
 * remove what no manifest has named for too long, and artifacts of manifests older than the two
 * newest once the newest is complete. What turns out wrong is remembered as a problem, and its
 * parts are kept in refused/. Can be repeated at any time; the caller holds store_lock(). *made is
 * how many artifacts are here newly. */
GF_MUST_CHECK int updates_collect(struct agent *a, int64_t *made, struct gf_err *e);

/* The same once a response was applied, which is durable: that an artifact could not be completed
 * (a full disk) is logged, and updates_resume() tries again. */
void updates_complete(struct agent *a);

/* The same where all parts of a file wait in parts/: what a crash or a full disk has left. With
 * each turn and visit, before it is decided what is wanted. Errors: those of updates_collect(). */
GF_MUST_CHECK int updates_resume(struct agent *a, struct gf_err *e);

/* ---- what is known (updates_known.c) ---- */

struct updates_known {
    int64_t n;
    char product[GF_WORD_MAX + 1], channel[GF_WORD_MAX + 1], platform[GF_WORD_MAX + 1];
    int64_t serial;
    int has_relay;
    struct gf_hash relay;
    int64_t since, confirmed;
    char *text;
    size_t len;
    int newest; /* 1: of its product, channel and platform */
    int age;    /* 0: the newest, 1: the one before, ... */
    int valid;  /* 0: its vendor is not trusted any more; `why` */
    char why[GF_ERR_TEXT];
    struct update update;
    int *here; /* by artifact */
    int ended;
    int stale; /* it has been the newest for longer than [channel "updates"] stale_after */
};
GF_MUST_CHECK int updates_known(struct agent *a, struct updates_known **out, size_t *n,
                                struct gf_err *e);
void updates_known_free(struct updates_known *k, size_t n);

/* Put an artifact that lies open in fd (a file of any folder, it is copied) in its place:
 * verified, flushed, noted. Errors: those of update_check(). */
GF_MUST_CHECK int updates_place(struct agent *a, const struct updates_known *k,
                                const struct update_artifact *artifact, int fd, const char *what,
                                struct gf_err *e);

/* How many artifacts of it are missing. */
size_t updates_missing(const struct updates_known *k);

/* Open the folder of a manifest's artifacts; make: it is made. -1 and GF_E_NOINPUT if it is not
 * there. */
GF_MUST_CHECK int updates_folder(struct agent *a, const struct updates_known *k, int make,
                                 struct gf_err *e);

/* What the next request to this relay says under `want`: artifacts of newest manifests that came
 * from there and are not here. Free with updates_want_free(). */
GF_MUST_CHECK int updates_want(struct agent *a, const struct gf_hash *relay, struct gf_want **out,
                               size_t *n, struct gf_err *e);
void updates_want_free(struct gf_want *want, size_t n);

#endif
