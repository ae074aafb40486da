/*
 * export.c -- queue to outbox: what is due becomes request bundles.
 *
 * The order makes a crash harmless at any point: a number is taken durably, the file is complete
 * and flushed under its name, and only then does the store know of the bundle. A file without an
 * entry is removed the next time, and its number is void.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/command.h"
#include "gapferry/digest.h"
#include "gapferry/drive.h"
#include "gapferry/file.h"

#define CHANNELS_MAX 256

/* Channels that may leave, of those that have something queued: what configuration forces, and the
 * consent given here, decide anew each time. */
struct permitted {
    char channel[CHANNELS_MAX][GF_WORD_MAX + 1];
    size_t n;
};

/* One bundle's worth of records, in order of acceptance. */
struct batch {
    const struct permitted *permitted;
    struct export_limits limits;
    struct gf_id *ids;
    size_t n;
    int64_t bytes;
    int more; /* 1: there are records beyond the limits */
};

struct export {
    struct agent *a;
    struct gf_card relay;
    int outbox;
    const struct export_limits *limits;
    struct permitted permitted;
    struct gf_have *have;
    size_t nhave;
    struct export_result result;
};

static int find_permitted(struct agent *a, struct permitted *p, struct gf_err *e) {
    struct store_count *counts = NULL;
    struct command_consent c;
    size_t n = 0;
    int rc = store_counts(a->store, &counts, &n, e);

    for (size_t i = 0; i < n && rc == 0 && p->n < CHANNELS_MAX; i++) {
        if (counts[i].n[STORE_QUEUED] == 0)
            continue;
        rc = command_consent(a, counts[i].channel, &c, e);
        if (rc == 0 && c.is == STORE_GRANTED)
            memcpy(p->channel[p->n++], counts[i].channel, sizeof counts[i].channel);
    }
    free(counts);
    return rc;
}

static int is_permitted(const struct permitted *p, const char *channel) {
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->channel[i], channel) == 0)
            return 1;
    return 0;
}

static int take_in(void *arg, const struct store_record *r, struct gf_err *e) {
    struct batch *b = arg;

    if (!is_permitted(b->permitted, r->channel))
        return 0;
    /* One record always fits: a line is far smaller than any bundle. */
    if (b->n > 0 &&
        ((int64_t)b->n >= b->limits.records || b->bytes + (int64_t)r->line_len > b->limits.bytes)) {
        b->more = 1;
        return 1;
    }
    if ((b->n & (b->n - 1)) == 0) {
        void *more = reallocarray(b->ids, b->n ? 2 * b->n : 1, sizeof *b->ids);
        if (!more)
            return gf_err_errno(e, "no memory for a bundle of %zu records", b->n);
        b->ids = more;
    }
    b->ids[b->n++] = r->id;
    b->bytes += (int64_t)r->line_len;
    return 0;
}

/* ---- one bundle ---- */

struct copying {
    struct gf_writer *w;
    const struct batch *batch;
    size_t at;
};

/* The records come in the same order as before; one that is gone is noticed by the store. */
static int copy_line(void *arg, const struct store_record *r, struct gf_err *e) {
    struct copying *c = arg;

    if (c->at == c->batch->n)
        return 1;
    if (memcmp(r->id.b, c->batch->ids[c->at].b, sizeof r->id.b) != 0)
        return 0;
    c->at++;
    return gf_writer_data(c->w, r->line, r->line_len, e);
}

static int write_bundle(struct export *x, const struct gf_pack *p, const struct batch *b, int fd,
                        struct gf_header *h, struct gf_hash *digest, struct gf_err *e) {
    struct copying c = {.batch = b};
    int rc = gf_writer_open(fd, p, &c.w, e);

    if (rc == 0 && b->n > 0) {
        rc = gf_writer_member(c.w, GF_MEMBER_RECORDS, NULL, b->bytes, NULL, e);
        if (rc == 0)
            rc = store_walk(x->a->store, STORE_QUEUED, NULL, copy_line, &c, e);
        if (rc == 0 && c.at != b->n)
            rc = gf_err_set(e, GF_E_BUSY,
                            "the queue changed while a bundle was made of it; run this again");
    }
    if (rc == 0)
        rc = gf_writer_finish(c.w, h, digest, e);
    gf_writer_free(c.w);
    return rc;
}

static int self_reads(struct agent *a, int *out, struct gf_err *e) {
    *out = 1;
    return config_bool(a->config, "agent", NULL, "self_reader", out, e) == -1 ? -1 : 0;
}

/* Fill in what a bundle to the relay says of itself; its number is taken here. */
static int prepare(struct export *x, struct gf_pack *p, int64_t **voids, struct gf_err *e) {
    struct store_seq seq;
    size_t nvoids = 0;

    if (store_voids(x->a->store, &x->relay.identity, voids, &nvoids, e) == -1 ||
        store_take_seq(x->a->store, &x->relay.identity, &seq, e) == -1)
        return -1;
    gf_digest_random(p->id.b, sizeof p->id.b);
    p->stream = seq.stream;
    p->seq = seq.seq;
    p->has_prev = seq.has_prev;
    p->prev = seq.prev;
    p->voids = *voids;
    p->nvoids = nvoids;
    p->have = x->have;
    p->nhave = x->nhave;
    return 0;
}

static int make_bundle(struct export *x, const struct batch *b, struct gf_err *e) {
    const struct gf_card *self = &x->a->id.card;
    struct gf_pack p = {.identity = &x->a->id,
                        .kind = GF_KIND_REQUEST,
                        .to = &x->relay,
                        .readers = &self,
                        .has_created = 1,
                        .created = x->a->now};
    struct gf_out o = {.fd = -1, .dir = -1};
    char name[GF_DRIVE_NAME];
    int64_t *voids = NULL;
    struct gf_header h;
    struct gf_hash digest;
    int self_reader;
    int rc = -1;

    if (self_reads(x->a, &self_reader, e) == -1 || prepare(x, &p, &voids, e) == -1)
        goto out;
    p.nreaders = self_reader ? 1 : 0;
    gf_drive_bundle_name(&p.id, name);
    if (gf_out_open(&o, x->outbox, name, e) == -1 ||
        write_bundle(x, &p, b, o.fd, &h, &digest, e) == -1 || gf_out_commit(&o, 0600, 0, e) == -1) {
        (void)gf_err_prefix(e, "%s/outbox", x->a->state);
        goto out;
    }
    rc = store_exported(x->a->store, &h, &digest, b->ids, b->n, x->a->now, e);
    if (rc == -1)
        (void)unlinkat(x->outbox, name, 0);

out:
    gf_out_close(&o);
    free(voids);
    return rc;
}

/* ---- all of them ---- */

static int export_records(struct export *x, struct gf_err *e) {
    struct batch b;
    int rc;

    do {
        b = (struct batch){.permitted = &x->permitted, .limits = *x->limits};
        rc = store_walk(x->a->store, STORE_QUEUED, NULL, take_in, &b, e);
        if (rc == 0 && b.n > 0)
            rc = make_bundle(x, &b, e);
        if (rc == 0 && b.n > 0) {
            x->result.bundles++;
            x->result.records += (int64_t)b.n;
        }
        free(b.ids);
    } while (rc == 0 && b.more);
    return rc;
}

/* The relay that was trusted last: 1, 0 if there is none, -1. */
static int find_relay(struct agent *a, struct gf_card *out, struct gf_err *e) {
    char fingerprint[GF_FINGERPRINT_TEXT];
    char ended[GF_TIME_TEXT];
    char self[COMMAND_SELF];

    int found = command_relay(a, out, e);
    if (found != 1)
        return found;
    if (out->has_expires && out->expires <= a->now) {
        gf_card_fingerprint(out, fingerprint);
        gf_text_time(out->expires, ended);
        return gf_err_set(e, GF_E_EXPIRED,
                          "the relay's card %s: ended on %s; let the relay make a new one and "
                          "trust it: %s trust CARD",
                          fingerprint, ended, command_self(a, self));
    }
    return 1;
}

static int export_due(struct export *x, struct gf_err *e) {
    struct agent *a = x->a;

    if (find_permitted(a, &x->permitted, e) == -1)
        return -1;
    int found = find_relay(a, &x->relay, e);
    if (found == -1)
        return -1;
    if (!found) {
        x->result.no_relay = x->permitted.n > 0;
        return 0;
    }
    int due = store_have_is_due(a->store, &x->relay.identity, e);
    if (due == -1 || store_have(a->store, &x->relay.identity, &x->have, &x->nhave, e) == -1)
        return -1;
    if (x->permitted.n > 0)
        return export_records(x, e);
    if (due && make_bundle(x, &(struct batch){0}, e) == -1)
        return -1;
    x->result.have_only = due;
    x->result.bundles = due;
    return 0;
}

int agent_export_within(struct agent *a, const struct export_limits *limits,
                        struct export_result *out, struct gf_err *e) {
    struct export x = {.a = a, .limits = limits, .outbox = agent_folder(a, "outbox", e)};

    if (x.outbox == -1)
        return -1;
    int rc = agent_outbox_mend(a, x.outbox, &x.result.again, e);
    if (rc == 0)
        rc = export_due(&x, e);
    store_have_free(x.have, x.nhave);
    (void)close(x.outbox);
    if (rc == 0)
        *out = x.result;
    return rc;
}

int agent_export(struct agent *a, struct export_result *out, struct gf_err *e) {
    const struct export_limits limits = {EXPORT_BYTES_MAX, EXPORT_RECORDS_MAX};

    return agent_export_within(a, &limits, out, e);
}
