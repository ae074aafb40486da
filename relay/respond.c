/*
 * respond.c -- news of every agent into response bundles in the outbox. A response is frozen when
 * it is written: the same bytes go to every drive until the agent says that it has them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "relay/draft.h"
#include "relay/files.h"
#include "relay/keys.h"
#include "relay/updates/artifacts.h"

/* Bytes of disk that artifacts leave free beyond what is always left: receipts need room, too. */
#define SPARE (256LL << 20)

/* One response under way. */
struct response {
    struct gf_pack pack;
    const struct gf_card *readers[1];
    int64_t *voids;
    struct gf_header header;
    struct gf_hash digest;
    char path[80]; /* below the state directory */
};

/* ---- the outbox ---- */

static int compare_responses(const void *a, const void *b) {
    const struct ledger_response *x = a, *y = b;
    return memcmp(&x->id, &y->id, sizeof x->id);
}

/* What the ledger does not know was never finished, or is acknowledged. open_ones are sorted. */
static int sweep(struct relay *r, const struct ledger_response *open_ones, size_t n,
                 struct gf_err *e) {
    struct files_list list = {0};

    if (files_list(r, "outbox", &list, e) == -1)
        return -1;
    for (size_t i = 0; i < list.n; i++) {
        const char *found = list.entries[i].name;
        struct ledger_response key = {.created = 0};
        char path[300], name[GF_DRIVE_NAME];
        int known = strlen(found) > 32 && gf_text_unhex(found, 32, key.id.b, 16) == 0;
        gf_drive_bundle_name(&key.id, name);
        known = known && strcmp(name, found) == 0 && n > 0 &&
                bsearch(&key, open_ones, n, sizeof key, compare_responses) != NULL;
        (void)snprintf(path, sizeof path, "outbox/%s", found);
        if (!known)
            (void)unlinkat(r->state_fd, path, 0);
    }
    free(list.entries);
    return 0;
}

static int check_outbox(struct relay *r, struct turn *t, struct gf_err *e) {
    struct ledger_response *open_ones = NULL;
    size_t n = 0;
    int rc = 0;

    if (ledger_open_responses(r->ledger, NULL, &open_ones, &n, e) == -1)
        return -1;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char name[GF_DRIVE_NAME];
        gf_drive_bundle_name(&open_ones[i].id, name);
        if (files_has(r, "outbox", name))
            continue;
        turn_person(t, "%s/outbox/%s is gone; what it said is written anew", r->state, name);
        rc = ledger_lost(r->ledger, &open_ones[i].id, r->now, e);
    }
    if (rc == 0 && n > 1)
        qsort(open_ones, n, sizeof *open_ones, compare_responses);
    if (rc == 0)
        rc = sweep(r, open_ones, n, e);
    free(open_ones);
    return rc;
}

/* ---- one response ---- */

static int write_bundle(struct relay *r, struct draft *d, struct response *s, struct gf_err *e) {
    struct gf_writer *w = NULL;
    struct gf_out o;
    int rc = -1;

    if (gf_out_open(&o, r->state_fd, s->path, e) == -1)
        return -1;
    if (gf_writer_open(o.fd, &s->pack, &w, e) == 0 && draft_write(d, w, e) == 0 &&
        gf_writer_finish(w, &s->header, &s->digest, e) == 0)
        rc = gf_out_commit(&o, 0600, 0, e);
    gf_writer_free(w);
    gf_out_close(&o);
    return rc;
}

/* First the number, then the complete file, then the note: a crash between leaves a number that is
 * void and a file that is swept away. 1 if it was not noted, and is gone: a successor has taken the
 * agent's place meanwhile, and is told in its own response. */
static int write_to(struct relay *r, const struct gf_card *to, struct draft *d, struct gf_err *e) {
    struct response s = {.readers = {&r->id.card}, .path = "outbox/"};
    const struct gf_identity *as = NULL;
    struct ledger_seq seq;
    int self = 1;
    int rc = -1;

    if (r->config != NULL && config_bool(r->config, "relay", NULL, "self_reader", &self, e) == -1)
        return -1;
    if (files_need(r, d->size + d->size / 16 + (d->nparts > 0 ? SPARE : 0), e) == -1 ||
        keys_signer(r, &to->agent, &as, e) == -1 ||
        ledger_take_seq(r->ledger, &to->identity, &seq, e) == -1)
        return -1;
    s.pack = (struct gf_pack){.identity = as,
                              .kind = GF_KIND_RESPONSE,
                              .to = to,
                              .readers = s.readers,
                              .nreaders = self ? 1 : 0,
                              .stream = seq.stream,
                              .seq = seq.seq,
                              .has_prev = seq.has_prev,
                              .prev = seq.prev,
                              .has_created = 1,
                              .created = r->now};
    gf_digest_random(&s.pack.id, sizeof s.pack.id);
    gf_drive_bundle_name(&s.pack.id, s.path + strlen(s.path));
    if (ledger_voids(r->ledger, &to->identity, &s.voids, &s.pack.nvoids, e) == -1)
        return -1;
    s.pack.voids = s.voids;
    if (write_bundle(r, d, &s, e) == 0)
        rc = ledger_responded(r->ledger, &to->agent, &s.header, &s.digest, d->told, d->ntold,
                              r->now, e);
    if (rc == 1)
        (void)unlinkat(r->state_fd, s.path, 0);
    free(s.voids);
    return rc;
}

/* The same; its card is read now that there is something to tell. */
static int write_response(struct relay *r, const struct ledger_sender *to, struct draft *d,
                          struct gf_err *e) {
    struct gf_card card;

    int rc = ledger_card(r->ledger, &to->identity, 0, &card, e);
    if (rc == 1)
        return write_to(r, &card, d, e);
    return rc == 0 ? 1 : -1;
}

/* How large a response may become. */
int relay_response_max(const struct relay *r, int64_t *out, struct gf_err *e) {
    *out = DRAFT_SIZE;
    if (r->config == NULL)
        return 0;
    if (config_size(r->config, "relay", NULL, "response_max", out, e) == -1)
        return -1;
    if (*out >= DRAFT_SIZE_LEAST && *out <= DRAFT_SIZE_MOST)
        return 0;
    return gf_err_set(e, GF_E_CONFIG, "%s: [relay] response_max: must be from 1M to 1G",
                      config_origin(r->config, "relay", NULL, "response_max"));
}

struct responding {
    struct relay *r;
    struct turn *t;
    int dir; /* STATE/work */
    int64_t size_max;
};

/* An artifact that was here is damaged or gone: it is fetched again. */
static int miss(struct responding *x, struct draft *d, const struct gf_err *why, struct gf_err *e) {
    turn_person(x->t, "%s; it is fetched again", why->text);
    return ledger_artifact_gone(x->r->ledger, d->gone, e);
}

/* One response's worth of news, or of parts of artifacts; *more: there is more than fits. */
static int respond_once(struct responding *x, const struct ledger_sender *to, int parts, int *more,
                        struct gf_err *e) {
    struct draft d;

    draft_begin(&d, x->r, x->dir, x->size_max);
    int rc = parts ? draft_collect_parts(&d, &to->agent, e) : draft_collect(&d, &to->agent, e);
    *more = rc == 0 && d.full;
    if (rc == 0 && d.ntold > 0) {
        struct gf_err why;
        rc = write_response(x->r, to, &d, &why);
        if (rc == 0) {
            x->t->responses++;
            x->t->receipts += d.receipts;
        } else if (rc == 1) {
            *more = 0;
            rc = 0;
        } else if (d.gone != 0) {
            rc = miss(x, &d, &why, e);
        } else {
            *e = why;
        }
    }
    draft_free(&d);
    return rc;
}

static int respond_to(struct responding *x, const struct ledger_sender *to, int parts,
                      struct gf_err *e) {
    int rc = 0;

    for (int more = 1; rc == 0 && more;)
        rc = respond_once(x, to, parts, &more, e);
    return rc;
}

static int respond_all(struct responding *x, const struct ledger_sender *agents, size_t n,
                       int parts, struct gf_err *e) {
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = respond_to(x, &agents[i], parts, e);

        /* A full disk must not keep back the responses that are there already. */
        if (rc == -1 && (e->code == GF_E_CREATE || e->code == GF_E_SYSTEM)) {
            turn_fault(x->t, "response", e, "nothing is lost: the next sync writes it");
            rc = 0;
        }
    }
    return rc;
}

int relay_respond(struct relay *r, struct turn *t, struct gf_err *e) {
    struct responding x = {.r = r, .t = t};
    struct ledger_sender *agents = NULL;
    size_t n = 0;
    int rc = -1;

    if (keys_renew(r, e) == -1 || relay_response_max(r, &x.size_max, e) == -1)
        return -1;
    x.dir = openat(r->state_fd, "work", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (x.dir == -1)
        return gf_err_errno(e, "%s/work", r->state);
    if (check_outbox(r, t, e) == -1 || ledger_senders(r->ledger, &agents, &n, e) == -1)
        goto out;
    /* Everybody's news first: artifacts may be too much for the disk. */
    rc = respond_all(&x, agents, n, 0, e);
    if (rc == 0)
        rc = respond_all(&x, agents, n, 1, e);
    if (rc == 0)
        rc = artifacts_prune(r, e);
out:
    free(agents);
    (void)close(x.dir);
    return rc;
}
