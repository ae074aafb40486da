/*
 * export.c -- queue to outbox: what is due becomes request bundles, for each relay its own.
 *
 * The order makes a crash harmless at any point: a number is taken durably, the file is complete
 * and flushed under its name, and only then does the store know of the bundle. A file without an
 * entry is removed the next time, and its number is void.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/history.h"
#include "agent/plan.h"
#include "agent/readers.h"
#include "agent/store/store_thin.h"
#include "common/log.h"
#include "gapferry/digest.h"
#include "gapferry/drive.h"
#include "gapferry/file.h"

/* Bundles of records that were refused together, in one run: halving must not flood a drive. */
#define HALVES_MAX 64

/* One bundle's worth of records, in order of acceptance. */
struct batch {
    const struct plan *plan;
    const struct plan_target *target;
    const struct export_limits *limits;
    int halves;   /* 1: of records that were refused together; 0: of all others */
    int64_t most; /* of them: how many the bundle may hold; 0: not known yet */
    struct store_range *rows;
    size_t n;
    int64_t records, bytes;
    int64_t thinned; /* store_thin_count(), before they were looked for */
    int more;        /* 1: there are records beyond the limits */
};

struct export {
    struct agent *a;
    int outbox;
    const struct export_limits *limits;
    struct plan plan;
    const struct plan_target *target; /* the one whose turn it is */
    struct export_result result;
};

/* ---- which records ---- */

/* 1 if this bundle may take these records at all. */
static int is_of(struct batch *b, const struct store_stretch *x) {
    if (x->most < 0 || (x->most > 0) != b->halves || !plan_is_for(b->plan, b->target, x))
        return 0;
    if (b->halves && b->most == 0)
        b->most = x->most;
    return !b->halves || x->most == b->most;
}

static int take_in(void *arg, const struct store_stretch *x, struct gf_err *e) {
    struct batch *b = arg;
    int64_t most = b->limits->records, n = 0, bytes = 0;

    if (!is_of(b, x))
        return 0;
    if (b->most > 0 && b->most < most)
        most = b->most;
    if (b->records < most && store_fit(b->plan->a->store, x, most - b->records,
                                       b->limits->bytes - b->bytes, &n, &bytes, e) == -1)
        return -1;
    /* One record always fits: a line is far smaller than any bundle. */
    if (n == 0 && b->records == 0 &&
        store_fit(b->plan->a->store, x, 1, INT64_MAX, &n, &bytes, e) == -1)
        return -1;
    if (n > 0 && (b->n & (b->n - 1)) == 0) {
        void *more = reallocarray(b->rows, b->n ? 2 * b->n : 1, sizeof *b->rows);
        if (!more)
            return gf_err_errno(e, "no memory for a bundle of %" PRId64 " records", b->records + n);
        b->rows = more;
    }
    if (n > 0)
        b->rows[b->n++] = (struct store_range){x->rows.first, x->rows.first + n - 1};
    b->records += n;
    b->bytes += bytes;
    b->more = n <= x->rows.last - x->rows.first;
    return b->more;
}

/* ---- one bundle ---- */

struct copying {
    struct gf_writer *w;
    int64_t records;
};

static int copy_line(void *arg, const char *line, size_t len, struct gf_err *e) {
    struct copying *c = arg;

    c->records++;
    return gf_writer_data(c->w, line, len, e);
}

static int copy_lines(struct export *x, struct gf_writer *w, const struct batch *b,
                      struct gf_err *e) {
    struct copying c = {.w = w};
    int rc = gf_writer_member(w, GF_MEMBER_RECORDS, NULL, b->bytes, NULL, e);

    for (size_t i = 0; i < b->n && rc == 0; i++)
        rc = store_lines(x->a->store, &b->rows[i], copy_line, &c, e);
    if (rc == 0 && c.records != b->records)
        return gf_err_set(e, GF_E_BUSY,
                          "the queue changed while a bundle was made of it; run this again");
    return rc;
}

static int write_bundle(struct export *x, const struct gf_pack *p, const struct batch *b, int fd,
                        struct gf_header *h, struct gf_hash *digest, struct gf_err *e) {
    struct gf_writer *w = NULL;
    int rc = gf_writer_open(fd, p, &w, e);

    if (rc == 0 && b->n > 0)
        rc = copy_lines(x, w, b, e);
    if (rc == 0)
        rc = gf_writer_finish(w, h, digest, e);
    gf_writer_free(w);
    return rc;
}

/* Fill in what a bundle to the relay says of itself; its number is taken here. */
static int prepare(struct export *x, struct gf_pack *p, struct plan_saying *say, int64_t **voids,
                   struct gf_err *e) {
    const struct gf_hash *relay = &x->target->card.identity;
    struct store_seq seq;
    size_t nvoids = 0;

    if (plan_say(&x->plan, x->target, say, e) == -1 ||
        store_voids(x->a->store, relay, voids, &nvoids, e) == -1 ||
        store_take_seq(x->a->store, relay, &seq, e) == -1)
        return -1;
    gf_digest_random(p->id.b, sizeof p->id.b);
    p->stream = seq.stream;
    p->seq = seq.seq;
    p->has_prev = seq.has_prev;
    p->prev = seq.prev;
    p->voids = *voids;
    p->nvoids = nvoids;
    p->have = say->have;
    p->nhave = say->nhave;
    p->want = say->want;
    p->nwant = say->nwant;
    p->ext = say->nlosses ? say->ext.data : NULL;
    return 0;
}

static int make_bundle(struct export *x, const struct batch *b, struct gf_err *e) {
    struct gf_pack p = {.identity = &x->a->id,
                        .kind = GF_KIND_REQUEST,
                        .to = &x->target->card,
                        .has_created = 1,
                        .created = x->a->now};
    struct gf_out o = {.fd = -1, .dir = -1};
    struct agent_readers readers = {0};
    struct plan_saying say = {0};
    char name[GF_DRIVE_NAME];
    int64_t *voids = NULL;
    struct gf_header h;
    struct gf_hash digest;
    int rc = -1;

    if (agent_readers(x->a, &readers, e) == -1 || prepare(x, &p, &say, &voids, e) == -1)
        goto out;
    p.no_records = b->n == 0;
    p.readers = readers.list;
    p.nreaders = readers.n;
    gf_drive_bundle_name(&p.id, name);
    if (gf_out_open(&o, x->outbox, name, e) == -1 ||
        write_bundle(x, &p, b, o.fd, &h, &digest, e) == -1 || gf_out_commit(&o, 0600, 0, e) == -1) {
        (void)gf_err_prefix(e, "%s/outbox", x->a->state);
        goto out;
    }
    rc = store_exported(x->a->store, &h, &digest,
                        &(struct store_carried){.rows = b->rows,
                                                .n = b->n,
                                                .records = b->records,
                                                .thinned = b->thinned,
                                                .losses = say.losses,
                                                .nlosses = say.nlosses},
                        x->a->now, e);
    if (rc == -1)
        (void)unlinkat(x->outbox, name, 0);
    else
        x->result.bundles++;

out:
    gf_out_close(&o);
    plan_saying_free(&say);
    agent_readers_free(&readers);
    free(voids);
    return rc;
}

/* ---- all of them ---- */

/* The next bundle for the target: 1 and whether there is more, 0 nothing, -1. */
static int export_one(struct export *x, int halves, int *more, struct gf_err *e) {
    struct batch b = {.plan = &x->plan, .target = x->target, .limits = x->limits, .halves = halves};
    int rc = store_thin_count(x->a->store, &b.thinned, e);

    if (rc == 0)
        rc = store_walk_queued(x->a->store, take_in, &b, e);

    if (rc == 0 && b.n > 0)
        rc = make_bundle(x, &b, e);
    if (rc == 0 && b.n > 0)
        x->result.records += b.records;
    *more = b.more;
    free(b.rows);
    return rc == -1 ? -1 : b.n > 0;
}

/* What was never refused comes first, in bundles as large as may be; then what was refused
 * together, in ever smaller ones, so that one bad record holds back only itself. */
static int export_target(struct export *x, struct gf_err *e) {
    int64_t before = x->result.bundles;
    int more = 1;
    int rc = 0;

    while (more && rc != -1)
        rc = export_one(x, 0, &more, e);
    for (int i = 0; i < HALVES_MAX && rc != -1; i++)
        if ((rc = export_one(x, 1, &more, e)) == 0)
            break;
    if (rc == -1 || x->result.bundles > before)
        return rc == -1 ? -1 : 0;
    int due = store_have_is_due(x->a->store, &x->target->card.identity, e);
    if (due != 1)
        return due;
    x->result.have_only = 1;
    return make_bundle(x, &(struct batch){0}, e);
}

/* Each relay by itself: one whose card has ended does not hold back the others. */
static int export_due(struct export *x, struct gf_err *e) {
    struct gf_err failed;
    int rc = 0;

    if (plan_make(x->a, &x->plan, e) == -1)
        return -1;
    x->result.no_relay = x->plan.no_relay;
    for (size_t i = 0; i < x->plan.ntargets; i++) {
        x->target = &x->plan.targets[i];
        if (plan_check(&x->plan, x->target, &failed) == 0 && export_target(x, &failed) == 0)
            continue;
        if (rc == 0)
            *e = failed;
        rc = -1;
    }
    return rc;
}

/* Whoever waited for the lock while `rotate` held it has the keys of before: what they would sign
 * is refused by the relay. */
static int check_keys(struct agent *a, struct gf_err *e) {
    const struct gf_hash *us = &a->id.card.identity;
    struct gf_buf b;

    int found = store_get_fact(a->store, "identity", &b, e);
    int other = found == 1 && (b.len != sizeof us->b || memcmp(b.data, us->b, b.len) != 0);
    gf_buf_free(&b);
    if (other)
        return gf_err_set(e, GF_E_BUSY,
                          "%s: got new keys a moment ago (rotate); nothing was changed, run this "
                          "again",
                          a->state);
    return found == -1 ? -1 : 0;
}

int agent_export_within(struct agent *a, const struct export_limits *limits,
                        struct export_result *out, struct gf_err *e) {
    struct export x = {.a = a, .limits = limits, .outbox = agent_folder(a, "outbox", e)};

    if (x.outbox == -1)
        return -1;
    /* What an older database does not know of would be taken for strays, and numbers used twice. */
    int rc = history_check_head(a, e);
    if (rc == 0)
        rc = check_keys(a, e);
    if (rc == 0 && history_note_forced(a, e) == -1)
        rc = -1;
    if (rc == 0)
        rc = plan_keep_house(a, &x.result, e);
    if (rc == 0)
        rc = agent_outbox_mend(a, x.outbox, &x.result.again, e);
    if (rc == 0)
        rc = export_due(&x, e);
    plan_free(&x.plan);
    (void)close(x.outbox);
    if (rc == 0)
        *out = x.result;
    return rc;
}

int agent_export(struct agent *a, struct export_result *out, struct gf_err *e) {
    const struct export_limits limits = {EXPORT_BYTES_MAX, EXPORT_RECORDS_MAX};

    return agent_export_within(a, &limits, out, e);
}
