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
#include "gapferry/lines.h"
#include "relay/keys.h"
#include "relay/ledger/ledger_rotate.h"
#include "relay/ledger/ledger_updates.h"

struct take {
    struct relay *r;
    const struct gf_head *h;
    int work;
    struct gf_contents contents;
    struct gf_lost *lost; /* what its sender has dropped */
    size_t nlost;
    int64_t records;
    int behind; /* 1: the sender has responses that the ledger does not know */
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

/* The files get their place before the ledger names them; those of a transaction that fails are
 * put there again, over themselves, by the next attempt. */
static int move_files(const struct take *k, struct gf_err *e) {
    int moved = 0;

    for (size_t i = 0; i < k->contents.nmembers; i++) {
        const char *member = k->contents.members[i].member;
        char path[160];
        if (gf_contents_member_of(member) != GF_MEMBER_FILE)
            continue;
        stored_path(k, member, path);
        if (renameat(k->work, member, k->r->state_fd, path) == -1)
            return gf_err_errno(e, "%s/%s: cannot put a body there", k->r->state, path);
        moved = 1;
    }
    if (moved && syncfs(k->r->state_fd) == -1)
        return gf_err_errno(e, "%s: cannot flush", k->r->state);
    return 0;
}

static int is_member(const struct take *k, const char *path) {
    for (size_t i = 0; i < k->contents.nmembers; i++) {
        if (strcmp(k->contents.members[i].member, path) == 0)
            return 1;
    }
    return 0;
}

/* ---- records ---- */

/* BLAKE2b-256 of a file, which is mapped, so that memory stays flat however long it is. */
static int digest_file(const struct take *k, const char *path, struct gf_hash *out,
                       struct gf_err *e) {
    struct stat st;
    int rc = -1;

    int fd = openat(k->r->state_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1)
        return gf_err_errno(e, "%s/%s", k->r->state, path);
    if (fstat(fd, &st) == -1) {
        (void)gf_err_errno(e, "%s/%s", k->r->state, path);
        goto out;
    }
    if (st.st_size == 0) {
        gf_digest_256("", 0, out);
        rc = 0;
        goto out;
    }
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) {
        (void)gf_err_errno(e, "%s/%s: cannot map it", k->r->state, path);
        goto out;
    }
    gf_digest_256(map, (size_t)st.st_size, out);
    (void)munmap(map, (size_t)st.st_size);
    rc = 0;
out:
    (void)close(fd);
    return rc;
}

/* Records that are taken at once. Their lines stand one after another, each where the offset says.
 */
struct batch {
    struct gf_record records[LEDGER_TAKE_MOST];
    char paths[LEDGER_TAKE_MOST][160];
    size_t lines[LEDGER_TAKE_MOST], lens[LEDGER_TAKE_MOST];
    struct gf_buf text;
    size_t n;
};
/* Bytes of lines from which on a batch is full. */
#define BATCH_FULL GF_LINE_MAX

static void empty(struct batch *b) {
    for (size_t i = 0; i < b->n; i++)
        gf_record_free(&b->records[i]);
    b->n = 0;
    gf_buf_clear(&b->text);
}

static int flush(struct take *k, struct batch *b, struct gf_err *e) {
    struct ledger_arrival arrivals[LEDGER_TAKE_MOST];

    if (gf_buf_check(&b->text, "records", e) == -1)
        return -1;
    for (size_t i = 0; i < b->n; i++) {
        const struct gf_record *r = &b->records[i];
        struct ledger_arrival *a = &arrivals[i];
        int is_file = r->body.form == GF_BODY_FILE;
        *a = (struct ledger_arrival){.id = r->id,
                                     .channel = r->channel,
                                     .product = r->product,
                                     .answer = r->answer,
                                     .line = b->text.data + b->lines[i],
                                     .len = b->lens[i],
                                     .file = is_file ? b->paths[i] : NULL};
        if (!is_file)
            gf_digest_256(r->body.data, r->body.len, &a->digest);
        else if (digest_file(k, a->file, &a->digest, e) == -1)
            return -1;
    }
    int added = ledger_take_records(k->r->ledger, arrivals, b->n, k->r->now, e);
    if (added == -1)
        return -1;
    k->records += added;
    empty(b);
    return 0;
}

static int take_line(struct take *k, struct batch *b, const char *line, size_t len,
                     struct gf_err *why, struct gf_err *e) {
    struct gf_record *r = &b->records[b->n];

    if (gf_record_parse(line, len, r, why) == -1)
        return 1;
    if (r->body.form == GF_BODY_FILE && !is_member(k, r->body.data)) {
        (void)gf_err_set(why, GF_E_RECORD, "a record's body is not in the bundle");
        gf_record_free(r);
        return 1;
    }
    if (r->body.form == GF_BODY_FILE)
        stored_path(k, r->body.data, b->paths[b->n]);
    b->lines[b->n] = b->text.len;
    b->lens[b->n++] = len;
    gf_buf_add(&b->text, line, len);
    return b->n == LEDGER_TAKE_MOST || b->text.len >= BATCH_FULL ? flush(k, b, e) : 0;
}

/* Every line of records.jsonl; 1 with *why if one is malformed. */
static int take_lines(struct take *k, struct gf_err *why, struct gf_err *e) {
    struct batch b = {.n = 0};
    struct gf_lines lines;
    const char *line = NULL;
    size_t len = 0;
    int ended = 0;
    int rc = 0;

    int fd = openat(k->work, "records.jsonl", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1)
        return errno == ENOENT ? 0 : gf_err_errno(e, "records.jsonl");
    gf_buf_init(&b.text, BATCH_FULL + GF_LINE_MAX);
    gf_lines_init(&lines, fd, GF_LINE_MAX);
    while ((rc = gf_lines_next(&lines, &line, &len, &ended, e)) == 1) {
        rc = take_line(k, &b, line, len, why, e);
        if (rc != 0)
            break;
    }
    if (rc == 0)
        rc = flush(k, &b, e);
    empty(&b);
    gf_buf_free(&b.text);
    gf_lines_free(&lines);
    (void)close(fd);
    return rc;
}

/* What the sender's policy has dropped is told by whoever asks for a gap; told again, it counts
 * once. */
static int take_losses(struct take *k, struct gf_err *e) {
    for (size_t i = 0; i < k->nlost; i++) {
        const struct gf_lost *x = &k->lost[i];
        int rc = ledger_take_loss(k->r->ledger, &k->h->sender->agent, x, k->r->now, e);

        if (rc == -1)
            return -1;
        if (rc == 1)
            log_write(LOG_LEVEL_WARNING, "records-lost", {"channel", x->channel, 0},
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

/* Everything that the bundle does, within the transaction. */
static int take_all(struct take *k, struct gf_err *why, struct gf_err *e) {
    struct ledger *l = k->r->ledger;

    if (ledger_take_bundle(l, &k->h->header, &k->h->digest, &k->contents, k->r->now, e) == -1)
        return -1;
    int rc = take_lines(k, why, e);
    if (rc != 0)
        return rc;
    if (take_losses(k, e) == -1)
        return -1;
    rc = ledger_acknowledge(l, &k->h->header.from, &k->h->header.stream, k->contents.have,
                            k->contents.nhave, k->r->now, e);
    k->behind = rc == 1;
    if (rc == -1 || ledger_addressed(l, &k->h->header, &k->h->sender->agent, k->r->now, e) == -1)
        return -1;
    return take_wants(k, e);
}

int take_bundle(struct relay *r, const struct gf_head *h, int work, struct take_result *out,
                struct gf_err *why, struct gf_err *e) {
    struct take k = {.r = r, .h = h, .work = work};
    int malformed = 0;
    int rc = -1;

    if (read_contents(&k, why) == -1) {
        gf_contents_free(&k.contents);
        return 1;
    }
    if (move_files(&k, e) == -1 || ledger_begin(r->ledger, e) == -1)
        goto out;
    rc = take_all(&k, why, e);
    malformed = rc == 1;
    rc = ledger_end(r->ledger, malformed ? -1 : rc, e);
    if (malformed)
        rc = 1;
    else if (rc == 0)
        *out = (struct take_result){k.records, k.behind};
out:
    free(k.lost);
    gf_contents_free(&k.contents);
    return rc;
}

int take_is_known(struct relay *r, int fd, const struct enrol_cards *who, struct gf_err *e) {
    struct gf_check check = {.trusted = who->refs, .ntrusted = who->n};
    struct own_keys_all own;
    enum ledger_seen seen = LEDGER_NEW;
    struct gf_head head;
    struct gf_err why;

    keys_check(r, &own, &check);
    if (gf_bundle_head(fd, &check, &head, &why) == -1)
        return 0;
    int rc = ledger_seen(r->ledger, &head.header, &head.digest, &seen, e);
    gf_head_free(&head);
    return rc == -1 ? -1 : seen == LEDGER_REPLAY;
}
