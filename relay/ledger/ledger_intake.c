/*
 * ledger_intake.c -- bundles and records in: each takes effect once.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/digest.h"
#include "gapferry/json.h"
#include "relay/ledger/ledger_internal.h"

int ledger_seen(struct ledger *l, const struct gf_header *h, const struct gf_hash *digest,
                enum ledger_seen *out, struct gf_err *e) {
    int64_t same = 0;
    int64_t other = 0;
    int64_t past = 0;

    if (db_number(&l->db, &same, 0, e, "SELECT count(*) FROM bundle WHERE digest = ?", "b", digest,
                  sizeof *digest) == -1 ||
        db_number(&l->db, &other, 0, e,
                  "SELECT count(*) FROM bundle WHERE sender = ? AND stream = ? AND seq = ?", "bbi",
                  &h->from, sizeof h->from, &h->stream, sizeof h->stream, h->seq) == -1 ||
        db_number(&l->db, &past, 0, e,
                  "SELECT max(last) >= ?3 FROM past WHERE sender = ?1 AND stream = ?2 AND first = "
                  "(SELECT max(first) FROM past WHERE sender = ?1 AND stream = ?2 AND first <= ?3)",
                  "bbi", &h->from, sizeof h->from, &h->stream, sizeof h->stream, h->seq) == -1)
        return -1;
    *out = same > 0 || past > 0 ? LEDGER_REPLAY : other > 0 ? LEDGER_FORK : LEDGER_NEW;
    return 0;
}

/* The agent id of an enrolled identity. */
static int find_agent(struct ledger *l, const struct gf_hash *identity, struct gf_id *out,
                      struct gf_err *e) {
    struct db_query q;
    int rc = db_query(&l->db, &q, e,
                      "SELECT agent FROM agent WHERE identity = ? AND enrolled IS NOT NULL", "b",
                      identity, sizeof *identity);

    if (rc == 0)
        rc = db_next(&q, e);
    if (rc == 1)
        rc = db_fixed(&q, 0, out, sizeof *out) == 0
                 ? 0
                 : gf_err_set(e, GF_E_DAMAGED, "%s: an agent without id", l->db.path);
    else if (rc == 0)
        rc = gf_err_set(e, GF_E_SENDER, "the bundle's sender is not enrolled");
    db_done(&q);
    return rc;
}

/* The bundle's row; why NULL: it was taken. */
static int add_bundle(struct ledger *l, const struct gf_header *h, const struct gf_hash *digest,
                      const struct gf_err *why, int64_t now, struct gf_err *e) {
    char reason[GF_REASON_MAX + 1];
    struct gf_id agent;

    ledger_reason(why != NULL ? why->text : "", reason);
    if (find_agent(l, &h->from, &agent, e) == -1)
        return -1;
    l->taking.row = 0;
    return db_run(&l->db, e,
                  "INSERT INTO bundle (digest, id, sender, agent, stream, seq, created, taken, "
                  "refused, reason, size) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "bbbbbiiitti", digest, sizeof *digest, &h->id, sizeof h->id, &h->from,
                  sizeof h->from, &agent, sizeof agent, &h->stream, sizeof h->stream, h->seq,
                  h->has_created ? h->created : (int64_t)0, now,
                  why != NULL ? gf_err_name(why->code) : NULL, why != NULL ? reason : NULL,
                  h->payload_size);
}

int ledger_fork(struct ledger *l, const struct gf_header *h, const struct gf_hash *digest,
                const char *why, int64_t now, struct gf_err *e) {
    char reason[GF_REASON_MAX + 1];
    struct gf_id agent;

    ledger_reason(why, reason);
    if (find_agent(l, &h->from, &agent, e) == -1)
        return -1;
    return db_run(
        &l->db, e,
        "INSERT INTO fork (digest, id, agent, reason, at, stream, sender) VALUES (?, ?, ?, "
        "?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING",
        "bbbtibb", digest, sizeof *digest, &h->id, sizeof h->id, &agent, sizeof agent, reason, now,
        &h->stream, sizeof h->stream, &h->from, sizeof h->from);
}

/* What the audit log says of a bundle. */
static int audit_bundle(struct ledger *l, const struct gf_header *h, const struct gf_err *why,
                        int64_t now, struct gf_err *e) {
    char who[GF_HASH_TEXT], id[GF_ID_TEXT], members[300];

    gf_text_hex(h->from.b, sizeof h->from.b, who);
    gf_text_hex(h->id.b, sizeof h->id.b, id);
    (void)snprintf(members, sizeof members,
                   "\"agent\":\"%s\",\"bundle\":\"%s\",\"seq\":%" PRId64 "%s%s%s", who, id, h->seq,
                   why != NULL ? ",\"refused\":\"" : "", why != NULL ? gf_err_name(why->code) : "",
                   why != NULL ? "\"" : "");
    return ledger_audit(l, now, "bundle", members, e);
}

int ledger_take_bundle(struct ledger *l, const struct gf_header *h, const struct gf_hash *digest,
                       const struct gf_contents *c, int64_t now, struct gf_err *e) {
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = add_bundle(l, h, digest, NULL, now, e);
    if (rc == 0)
        rc = audit_bundle(l, h, NULL, now, e);
    for (size_t i = 0; rc == 0 && i < c->nvoids; i++)
        rc = db_run(&l->db, e,
                    "INSERT INTO void (sender, stream, seq) VALUES (?, ?, ?) "
                    "ON CONFLICT DO NOTHING",
                    "bbi", &h->from, sizeof h->from, &h->stream, sizeof h->stream, c->voids[i]);
    return db_end(&l->db, rc, e);
}

int ledger_refuse(struct ledger *l, const struct gf_header *h, const struct gf_hash *digest,
                  const struct gf_err *why, int64_t now, struct gf_err *e) {
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = add_bundle(l, h, digest, why, now, e);
    if (rc == 0)
        rc = audit_bundle(l, h, why, now, e);
    return db_end(&l->db, rc, e);
}

int ledger_forgive(struct ledger *l, const struct gf_header *h, const struct gf_hash *digest,
                   const char *user, int64_t now, struct gf_err *e) {
    char id[GF_ID_TEXT];
    int was = 0;

    gf_text_hex(h->id.b, sizeof h->id.b, id);
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = db_run(&l->db, e, "DELETE FROM bundle WHERE digest = ? AND refused IS NOT NULL", "b",
                    digest, sizeof *digest);
    was = rc == 0 && db_changes(&l->db) > 0;
    if (was) {
        struct gf_buf b;
        gf_buf_init(&b, 1024);
        gf_buf_printf(&b, "\"bundle\":\"%s\",\"user\":", id);
        gf_json_put_str(&b, user, strlen(user));
        rc = gf_buf_check(&b, "the audit log", e);
        if (rc == 0)
            rc = ledger_audit(l, now, "forgive", b.data, e);
        gf_buf_free(&b);
    }
    rc = db_end(&l->db, rc, e);
    return rc == -1 ? -1 : was;
}

/* ---- records ---- */

/* BLAKE2b-256 of a file, which is mapped, so that memory stays flat however long it is. */
static int digest_file(struct ledger *l, const char *path, struct gf_hash *out, struct gf_err *e) {
    struct stat st;
    int rc = -1;

    int fd = openat(l->dir_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1)
        return gf_err_errno(e, "%s/%s", l->dir, path);
    if (fstat(fd, &st) == -1) {
        (void)gf_err_errno(e, "%s/%s", l->dir, path);
        goto out;
    }
    if (st.st_size == 0) {
        gf_digest_256("", 0, out);
        rc = 0;
        goto out;
    }
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) {
        (void)gf_err_errno(e, "%s/%s: cannot map it", l->dir, path);
        goto out;
    }
    gf_digest_256(map, (size_t)st.st_size, out);
    (void)munmap(map, (size_t)st.st_size);
    rc = 0;
out:
    (void)close(fd);
    return rc;
}

struct known {
    int64_t row; /* 0: the record is new */
    int same;    /* 1: with this digest */
};

static int find_record(struct ledger *l, const struct gf_id *agent, const struct gf_id *id,
                       const struct gf_hash *digest, struct known *out, struct gf_err *e) {
    struct gf_hash had;
    struct db_query q;
    int rc = db_query(&l->db, &q, e, "SELECT row, digest FROM record WHERE agent = ? AND id = ?",
                      "bb", agent, sizeof *agent, id, sizeof *id);

    *out = (struct known){0};
    if (rc == 0 && (rc = db_next(&q, e)) == 1) {
        out->row = db_int(&q, 0);
        out->same = db_fixed(&q, 1, &had, sizeof had) == 0 && memcmp(&had, digest, sizeof had) == 0;
        rc = 0;
    }
    db_done(&q);
    return rc;
}

/* The same record in another bundle: its sender asks again, so what was told and acknowledged is
 * told again. What is told and not acknowledged is carried still; whether that will do is seen from
 * the acknowledgement. */
static int ask_again(struct ledger *l, int64_t row, int64_t bundle, struct gf_err *e) {
    if (db_run(&l->db, e,
               "UPDATE record SET told = NULL, told_by = NULL WHERE row = ? AND told_by IN "
               "(SELECT row FROM response WHERE acknowledged IS NOT NULL)",
               "i", row) == -1)
        return -1;
    return db_run(&l->db, e,
                  "UPDATE record SET again = (SELECT stream FROM bundle WHERE row = ?) WHERE row = "
                  "? AND told_by IS NOT NULL",
                  "ii", bundle, row);
}

static int note_conflict(struct ledger *l, const struct gf_id *agent, const struct gf_id *id,
                         const struct gf_hash *digest, int64_t bundle, int64_t now,
                         struct gf_err *e) {
    return db_run(&l->db, e,
                  "INSERT INTO conflict (agent, id, digest, bundle, at) VALUES (?, ?, ?, ?, ?) "
                  "ON CONFLICT (agent, id, digest) DO UPDATE SET told_by = NULL WHERE told_by IN "
                  "(SELECT row FROM response WHERE acknowledged IS NOT NULL)",
                  "bbbii", agent, sizeof *agent, id, sizeof *id, digest, sizeof *digest, bundle,
                  now);
}

/* 1 it is new, 0 its id was taken before. */
static int add_record(struct ledger *l, const struct ledger_arrival *a,
                      const struct gf_hash *digest, int64_t bundle, int64_t now, struct gf_err *e) {
    const struct gf_record *r = a->record;

    if (db_run(&l->db, e,
               "INSERT INTO record (agent, id, bundle, digest, channel, product, wants_answer, "
               "file, received, state, since, receipt) "
               "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (agent, id) DO NOTHING",
               "bbibttitiiii", a->agent, sizeof *a->agent, &r->id, sizeof r->id, bundle, digest,
               sizeof *digest, r->channel, r->product, (int64_t)(r->answer != 0), a->file, now,
               (int64_t)LEDGER_RECEIVED, now, (int64_t)GF_STATE_RELAYED) == -1)
        return -1;
    if (db_changes(&l->db) == 0)
        return 0;
    return db_run(&l->db, e, "INSERT INTO line (record, text) VALUES (last_insert_rowid(), ?)", "b",
                  a->line, a->len) == -1
               ? -1
               : 1;
}

/* The row of the bundle that is being taken: of those with an id, which senders choose, the last.
 */
static int find_bundle(struct ledger *l, const struct ledger_arrival *a, int64_t *out,
                       struct gf_err *e) {
    struct ledger_taking *t = &l->taking;

    if (t->row == 0 || memcmp(&t->bundle, a->bundle, sizeof t->bundle) != 0 ||
        memcmp(&t->agent, a->agent, sizeof t->agent) != 0) {
        if (db_number(&l->db, &t->row, 0, e,
                      "SELECT max(row) FROM bundle WHERE id = ? AND agent = ?", "bb", a->bundle,
                      sizeof *a->bundle, a->agent, sizeof *a->agent) == -1)
            return -1;
        t->bundle = *a->bundle;
        t->agent = *a->agent;
    }
    *out = t->row;
    return 0;
}

int ledger_take_record(struct ledger *l, const struct ledger_arrival *a, int64_t now,
                       struct gf_err *e) {
    const struct gf_record *r = a->record;
    struct known known;
    struct gf_hash digest;
    int64_t bundle = 0;

    if (a->file == NULL)
        gf_digest_256(r->body.data, r->body.len, &digest);
    else if (digest_file(l, a->file, &digest, e) == -1)
        return -1;
    if (find_bundle(l, a, &bundle, e) == -1)
        return -1;
    int rc = add_record(l, a, &digest, bundle, now, e);
    if (rc != 0)
        return rc;
    if (find_record(l, a->agent, &r->id, &digest, &known, e) == -1)
        return -1;
    return known.same ? ask_again(l, known.row, bundle, e)
                      : note_conflict(l, a->agent, &r->id, &digest, bundle, now, e);
}

int ledger_retell(struct ledger *l, const struct gf_hash *digest, struct gf_err *e) {
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = db_run(&l->db, e,
                    "UPDATE record SET told = NULL, told_by = NULL WHERE bundle = "
                    "(SELECT row FROM bundle WHERE digest = ?) AND told_by IN "
                    "(SELECT row FROM response WHERE acknowledged IS NOT NULL)",
                    "b", digest, sizeof *digest);
    if (rc == 0)
        rc = db_run(&l->db, e,
                    "UPDATE conflict SET told_by = NULL WHERE bundle = "
                    "(SELECT row FROM bundle WHERE digest = ?) AND told_by IN "
                    "(SELECT row FROM response WHERE acknowledged IS NOT NULL)",
                    "b", digest, sizeof *digest);
    if (rc == 0)
        rc = db_run(&l->db, e,
                    "UPDATE bundle SET told_by = NULL WHERE digest = ? AND told_by IN "
                    "(SELECT row FROM response WHERE acknowledged IS NOT NULL)",
                    "b", digest, sizeof *digest);
    return db_end(&l->db, rc, e);
}

static int read_conflict(const struct db_query *q, void *element, struct gf_err *e) {
    struct ledger_conflict *c = element;

    c->at = db_int(q, 3);
    if (db_fixed(q, 0, &c->agent, sizeof c->agent) == -1 ||
        db_fixed(q, 1, &c->id, sizeof c->id) == -1 ||
        db_fixed(q, 2, &c->digest, sizeof c->digest) == -1)
        return gf_err_set(e, GF_E_DAMAGED, "%s: a conflict without ids", q->d->path);
    return 0;
}

int ledger_conflicts(struct ledger *l, struct ledger_conflict **out, size_t *n, struct gf_err *e) {
    struct db_query q;

    return db_list(
        &q, db_query(&l->db, &q, e, "SELECT agent, id, digest, at FROM conflict ORDER BY row", ""),
        sizeof **out, read_conflict, out, n, e);
}
