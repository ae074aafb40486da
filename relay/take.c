/*
 * take.c -- a bundle that was unpacked, into the ledger: one transaction, all or nothing.
 */
#include "relay/take.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "relay/files.h"
#include "relay/keys.h"
#include "relay/ledger/ledger_rotate.h"
#include "relay/ledger/ledger_updates.h"
#include "relay/unpack.h"

/* Records that are taken at once, and their texts, one after another. */
struct batch {
    struct handover_record records[LEDGER_TAKE_MOST];
    size_t texts[LEDGER_TAKE_MOST]; /* where the texts of each begin */
    size_t n;
    struct gf_buf text;
};
/* Bytes of texts from which on a batch is full. */
#define BATCH_FULL GF_LINE_MAX

/* Bytes of records after which it is seen again whether the disk has room, and for how much: the
 * ledger takes twice what comes until the next look, and SQLite has 2 MiB in memory. */
#define ROOM_EVERY ((size_t)1 << 20)
#define ROOM_AHEAD ((int64_t)4 << 20)

struct take {
    struct relay *r;
    const struct gf_head *h;
    int work;
    struct batch batch;
    struct gf_contents contents;
    struct gf_lost *lost; /* what its sender has dropped */
    size_t nlost;
    int64_t records;
    size_t unlooked; /* bytes of records since room was looked for */
    int behind;      /* 1: the sender has responses that the ledger does not know */
    int moved;       /* 1: a file has its place */
    int begun;       /* 1: within the transaction */
    int ours;        /* 1: what failed is not the bundle's fault */
};

/* Where a member files/NAME is kept: named by the header's digest, for senders choose ids. */
static void stored_path(const struct take *k, const char *member, char out[160]) {
    char hex[33];

    gf_text_hex(k->h->digest.b, 16, hex);
    (void)snprintf(out, 160, "files/%s-%s", hex, member + sizeof "files/" - 1);
}

/* contents.json, which the child has checked; here it is read by us. */
static int read_contents(struct take *k, struct gf_err *why) {
    struct gf_err unknown;
    struct gf_buf b;
    int rc = gf_file_load(k->work, "contents.json", GF_CONTENTS_MAX, &b, why);

    if (rc == 0)
        rc = gf_contents_parse(b.data, b.len, &k->contents, why);
    if (rc == 0)
        rc = gf_contents_bind(&k->contents, &k->h->header, why);
    if (rc == 0 && gf_lost_parse(b.data, b.len, &k->lost, &k->nlost, &unknown) == -1)
        log_write(LOG_LEVEL_WARNING, "loss-unreadable", {"why", unknown.text, 0});
    gf_buf_free(&b);
    return rc;
}

/* What stored_path() puts before NAME. */
#define STORED (sizeof "files/" - 1 + 32 + 1)

static int move_file(void *arg, const char *path, struct gf_err *e) {
    struct take *k = arg;
    char member[160];

    (void)snprintf(member, sizeof member, "files/%s", path + STORED);
    if (renameat(k->work, member, k->r->state_fd, path) == -1)
        return gf_err_errno(e, "%s/%s: cannot put a body there", k->r->state, path);
    k->moved = 1;
    return 0;
}

/* The files get their place before the ledger's word for them is durable; those of a transaction
 * that fails are put there again, over themselves, by the next attempt. A body of a record that was
 * known is nobody's, and goes with the work directory. */
static int move_files(struct take *k, struct gf_err *e) {
    if (ledger_files(k->r->ledger, &k->h->digest, move_file, k, e) == -1)
        return -1;
    if (k->moved && syncfs(k->r->state_fd) == -1)
        return gf_err_errno(e, "%s: cannot flush", k->r->state);
    return 0;
}

/* ---- records ---- */

/* BLAKE2b-256 of a body in the work directory, which is mapped, so that memory stays flat however
 * long it is. */
static int digest_file(const struct take *k, const char *member, struct gf_hash *out,
                       struct gf_err *e) {
    struct stat st;
    void *map = NULL;
    int rc = -1;

    int fd = openat(k->work, member, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    /* Only what is not there, or is no file, is the bundle's fault. */
    if (fd == -1)
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
                   ? gf_err_set(e, GF_E_RECORD, "a record's body is not in the bundle")
                   : gf_err_errno(e, "%s: cannot open it", member);
    if (fstat(fd, &st) == -1) {
        (void)gf_err_errno(e, "%s", member);
        goto out;
    }
    if (st.st_size > 0) {
        map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED) {
            (void)gf_err_errno(e, "%s: cannot map it", member);
            goto out;
        }
    }
    gf_digest_256(map != NULL ? map : "", (size_t)st.st_size, out);
    if (map != NULL)
        (void)munmap(map, (size_t)st.st_size);
    rc = 0;
out:
    (void)close(fd);
    return rc;
}

/* The transaction begins with the first records, so that nobody waits for it any longer. */
static int begin(struct take *k, struct gf_err *e) {
    if (k->begun)
        return 0;
    if (ledger_begin(k->r->ledger, e) == -1)
        return -1;
    k->begun = 1;
    return ledger_take_bundle(k->r->ledger, &k->h->header, &k->h->digest, k->r->now, e);
}

/* What is in the batch, into the ledger. A body's file has its own place by then, or will have it
 * before the transaction ends. */
static int flush(struct take *k, struct gf_err *e) {
    struct ledger_arrival arrivals[LEDGER_TAKE_MOST];
    char paths[LEDGER_TAKE_MOST][160];
    struct batch *b = &k->batch;

    for (size_t i = 0; i < b->n; i++) {
        const struct handover_record *r = &b->records[i];
        const char *at = b->text.data + b->texts[i];
        struct ledger_arrival *a = &arrivals[i];
        *a = (struct ledger_arrival){
            .id = r->id, .digest = r->digest, .answer = r->answer, .len = r->len};
        a->channel = at;
        at += strlen(at) + 1;
        if (r->product != NULL) {
            a->product = at;
            at += strlen(at) + 1;
        }
        a->line = at;
        if (r->file != NULL) {
            stored_path(k, at + r->len, paths[i]);
            a->file = paths[i];
        }
    }
    if (begin(k, e) == -1)
        return -1;
    int added = ledger_take_records(k->r->ledger, arrivals, b->n, k->r->now, e);
    if (added == -1)
        return -1;
    k->records += added;
    k->unlooked += b->text.len;
    b->n = 0;
    gf_buf_clear(&b->text);
    return 0;
}

/* A record takes more in the ledger than in its bundle, whose plaintext was all that room was
 * looked for at first. */
static int look_for_room(struct take *k, struct gf_err *e) {
    if (k->unlooked < ROOM_EVERY)
        return 0;
    k->unlooked = 0;
    return files_need(k->r, ROOM_AHEAD, e);
}

/* One more; what it points to is lent only until the next. */
static int add(void *arg, const struct handover_record *r, struct gf_err *e) {
    struct take *k = arg;
    struct batch *b = &k->batch;
    struct handover_record *to = &b->records[b->n];

    if (k->h->header.no_records)
        return gf_err_set(e, GF_E_CONTENTS, "it says that it carries no records, and has some");
    *to = *r;
    if (r->file != NULL && digest_file(k, r->file, &to->digest, e) == -1)
        return -1;
    b->texts[b->n++] = b->text.len;
    gf_buf_add(&b->text, r->channel, strlen(r->channel) + 1);
    if (r->product != NULL)
        gf_buf_add(&b->text, r->product, strlen(r->product) + 1);
    gf_buf_add(&b->text, r->line, r->len);
    if (r->file != NULL)
        gf_buf_add(&b->text, r->file, strlen(r->file) + 1);
    k->ours = 1;
    if (gf_buf_check(&b->text, "records", e) == -1)
        return -1;
    if ((b->n == LEDGER_TAKE_MOST || b->text.len >= BATCH_FULL) && flush(k, e) == -1)
        return -1;
    k->ours = 0;
    return look_for_room(k, e);
}

/* ---- the rest of it ---- */

/* What the sender's policy has dropped is told by whoever asks for a gap; told again, it counts
 * once. */
static int take_losses(struct take *k, struct gf_err *e) {
    for (size_t i = 0; i < k->nlost; i++) {
        const struct gf_lost *x = &k->lost[i];
        int rc = ledger_take_loss(k->r->ledger, &k->h->sender->agent, x, k->r->now, e);

        if (rc == -1)
            return -1;
        int thinned = strncmp(x->policy, "thin-", 5) == 0;
        if (rc == 1)
            log_write(thinned ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING,
                      thinned ? "records-thinned" : "records-lost", {"channel", x->channel, 0},
                      {"policy", x->policy, 0}, {"records", NULL, x->records});
    }
    return 0;
}

/* Parts of artifacts that the sender has lost go out again. What it was never assigned is none of
 * its business, or its manifest is over: its next check says what there is now. */
static int take_wants(struct take *k, struct gf_err *e) {
    int64_t again = 0, unknown = 0;

    if (k->contents.nwant == 0)
        return 0;
    if (ledger_want(k->r->ledger, &k->h->sender->agent, k->contents.want, k->contents.nwant, &again,
                    &unknown, e) == -1)
        return -1;
    if (again + unknown > 0)
        log_write(LOG_LEVEL_INFO, "update-parts-wanted", {"parts_again", NULL, again},
                  {"files_not_assigned", NULL, unknown});
    return 0;
}

/* What the bundle does beside its records, within the transaction. */
static int take_rest(struct take *k, struct gf_err *e) {
    struct ledger *l = k->r->ledger;

    if (ledger_take_voids(l, &k->h->header, &k->contents, e) == -1 || take_losses(k, e) == -1)
        return -1;
    int rc = ledger_acknowledge(l, &k->h->header.from, &k->h->header.stream, k->contents.have,
                                k->contents.nhave, k->r->now, e);
    k->behind = rc == 1;
    if (rc == -1 || ledger_addressed(l, &k->h->header, &k->h->sender->agent, k->r->now, e) == -1)
        return -1;
    return take_wants(k, e);
}

/* 0; 1 with *why: the bundle is at fault; -1 with *e. */
static int take_all(struct take *k, int copy, int64_t room, struct gf_err *why, struct gf_err *e) {
    if (unpack_bundle(k->r, copy, k->h, room, k->work, add, k, why) == -1 ||
        read_contents(k, why) == -1) {
        if (k->ours)
            *e = *why;
        return k->ours ? -1 : 1;
    }
    return flush(k, e) == -1 || move_files(k, e) == -1 ? -1 : take_rest(k, e);
}

int take_bundle(struct relay *r, const struct gf_head *h, const struct take_from *from,
                struct take_result *out, struct gf_err *why, struct gf_err *e) {
    struct take k = {.r = r, .h = h, .work = from->work};

    gf_buf_init(&k.batch.text, BATCH_FULL + GF_LINE_MAX + 4096);
    int rc = take_all(&k, from->copy, from->room, why, e);
    int malformed = rc == 1;
    if (k.begun)
        rc = ledger_end(r->ledger, malformed ? -1 : rc, e);
    if (malformed)
        rc = 1;
    else if (rc == 0)
        *out = (struct take_result){k.records, k.behind};
    gf_buf_free(&k.batch.text);
    free(k.lost);
    gf_contents_free(&k.contents);
    return rc;
}

int take_is_known(struct relay *r, int fd, struct enrol_cards *who, struct gf_err *e) {
    struct gf_check check = {0};
    struct own_keys_all own;
    enum ledger_seen seen = LEDGER_NEW;
    struct gf_route route;
    struct gf_head head;
    struct gf_err why;

    if (gf_bundle_route(fd, &route, &why) == -1)
        return 0;
    keys_check(r, &own, &check);
    int known = enrol_cards_trust(who, &route.from, &check, e);
    if (known != 1)
        return known;
    if (gf_bundle_head(fd, &check, &head, &why) == -1)
        return 0;
    int rc = ledger_seen(r->ledger, &head.header, &head.digest, &seen, e);
    gf_head_free(&head);
    return rc == -1 ? -1 : seen == LEDGER_REPLAY;
}
