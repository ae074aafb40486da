/*
 * ledger_respond.c -- responses: their numbers, what each one tells, and whether its agent has it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/digest.h"
#include "relay/ledger/ledger_internal.h"

/* ---- numbers ---- */

/* The stream to an agent; a new one where there is none yet. */
static int find_stream(struct ledger *l, const struct gf_hash *to, struct ledger_seq *out,
                       struct gf_err *e) {
    struct db_query q;
    int rc = db_query(&l->db, &q, e,
                      "SELECT stream, seq FROM response WHERE recipient = ? "
                      "ORDER BY row DESC LIMIT 1",
                      "b", to, sizeof *to);

    if (rc == 0 && (rc = db_next(&q, e)) == 1) {
        out->seq = db_int(&q, 1) + 1;
        rc = db_fixed(&q, 0, &out->stream, sizeof out->stream) == 0
                 ? 0
                 : gf_err_set(e, GF_E_DAMAGED, "%s: a response without stream", l->db.path);
    } else if (rc == 0) {
        gf_digest_random(&out->stream, sizeof out->stream);
        out->seq = 1;
    }
    db_done(&q);
    return rc;
}

/* The header before the next one: of the last number that came to be. */
static int find_prev(struct ledger *l, struct ledger_seq *s, struct gf_err *e) {
    struct db_query q;
    int rc = db_query(&l->db, &q, e,
                      "SELECT digest FROM response WHERE stream = ? AND noted IS NOT NULL "
                      "ORDER BY seq DESC LIMIT 1",
                      "b", &s->stream, sizeof s->stream);

    if (rc == 0 && (rc = db_next(&q, e)) == 1) {
        s->has_prev = 1;
        rc = db_fixed(&q, 0, &s->prev, sizeof s->prev) == 0
                 ? 0
                 : gf_err_set(e, GF_E_DAMAGED, "%s: a response without digest", l->db.path);
    }
    db_done(&q);
    return rc;
}

int ledger_take_seq(struct ledger *l, const struct gf_hash *agent_identity, struct ledger_seq *out,
                    struct gf_err *e) {
    struct ledger_seq s = {0};

    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = find_stream(l, agent_identity, &s, e);
    if (rc == 0)
        rc = find_prev(l, &s, e);
    if (rc == 0)
        rc = db_run(&l->db, e, "INSERT INTO response (recipient, stream, seq) VALUES (?, ?, ?)",
                    "bbi", agent_identity, sizeof *agent_identity, &s.stream, sizeof s.stream,
                    s.seq);
    rc = db_end(&l->db, rc, e);
    if (rc == 0)
        *out = s;
    return rc;
}

static int read_number(const struct db_query *q, void *element, struct gf_err *e) {
    int64_t *number = element;
    (void)e;

    *number = db_int(q, 0);
    return 0;
}

int ledger_voids(struct ledger *l, const struct gf_hash *agent_identity, int64_t **voids, size_t *n,
                 struct gf_err *e) {
    struct db_query q;

    return db_list(
        &q,
        db_query(&l->db, &q, e,
                 "SELECT seq FROM response WHERE stream = (SELECT stream FROM response WHERE "
                 "recipient = ?1 ORDER BY row DESC LIMIT 1) AND recipient = ?1 AND noted IS "
                 "NULL AND void_told_by IS NULL AND seq > 0 AND seq < (SELECT seq FROM "
                 "response WHERE recipient = ?1 ORDER BY row DESC LIMIT 1) ORDER BY seq LIMIT "
                 "?2",
                 "bi", agent_identity, sizeof *agent_identity, (int64_t)GF_VOID_MAX),
        sizeof **voids, read_number, voids, n, e);
}

/* ---- what a response tells ---- */

static int tell(struct ledger *l, const struct gf_id *agent, const struct ledger_told *t,
                int64_t row, struct gf_err *e) {
    if (t->what == LEDGER_PART)
        return db_run(&l->db, e,
                      "UPDATE update_part SET told_by = ? WHERE agent = ? AND artifact = ? AND idx "
                      "= ?",
                      "ibii", row, agent, sizeof *agent, t->artifact, t->index);
    if (t->what == LEDGER_NOTICE)
        return db_run(
            &l->db, e,
            "INSERT OR REPLACE INTO notice_told (notice, agent, told_by) VALUES (?, ?, ?)", "ibi",
            t->notice, agent, sizeof *agent, row);
    if (t->what == LEDGER_REFUSAL) {
        if (db_run(&l->db, e, "UPDATE fork SET told_by = ? WHERE agent = ? AND id = ?", "ibb", row,
                   agent, sizeof *agent, &t->id, sizeof t->id) == -1)
            return -1;
        return db_run(&l->db, e,
                      "UPDATE bundle SET told_by = ? WHERE agent = ? AND id = ? AND refused IS NOT "
                      "NULL AND told_by IS NULL",
                      "ibb", row, agent, sizeof *agent, &t->id, sizeof t->id);
    }
    /* A record that has moved on since is news still, for then it says something else. */
    if (t->rows > 0)
        return db_run(&l->db, e,
                      "UPDATE record SET told = ?, told_by = ?, again = NULL WHERE row BETWEEN ? "
                      "AND ? AND agent = ?",
                      "iiiib", (int64_t)t->state, row, t->row, t->row + t->rows - 1, agent,
                      sizeof *agent);
    if (db_run(
            &l->db, e,
            "UPDATE record SET told = ?, told_by = ?, again = NULL WHERE agent = ? AND id = ? AND "
            "digest = ?",
            "iibbb", (int64_t)t->state, row, agent, sizeof *agent, &t->id, sizeof t->id, &t->digest,
            sizeof t->digest) == -1)
        return -1;
    if (db_changes(&l->db) > 0)
        return 0;
    return db_run(
        &l->db, e, "UPDATE conflict SET told_by = ? WHERE agent = ? AND id = ? AND digest = ?",
        "ibbb", row, agent, sizeof *agent, &t->id, sizeof t->id, &t->digest, sizeof t->digest);
}

static int note(struct ledger *l, const struct gf_id *agent, const struct gf_header *h,
                const struct gf_hash *digest, int64_t now, int64_t *row, struct gf_err *e) {
    if (db_run(&l->db, e,
               "UPDATE response SET agent = ?, id = ?, digest = ?, created = ?, noted = ? "
               "WHERE recipient = ? AND stream = ? AND seq = ? AND noted IS NULL",
               "bbbiibbi", agent, sizeof *agent, &h->id, sizeof h->id, digest, sizeof *digest,
               h->has_created ? h->created : now, now, &h->to, sizeof h->to, &h->stream,
               sizeof h->stream, h->seq) == -1)
        return -1;
    if (db_changes(&l->db) != 1)
        return gf_err_set(e, GF_E_BUG, "a response with a number that was not taken for it");
    if (db_number(&l->db, row, 0, e, "SELECT row FROM response WHERE stream = ? AND seq = ?", "bi",
                  &h->stream, sizeof h->stream, h->seq) == -1)
        return -1;
    return db_run(&l->db, e,
                  "UPDATE response SET void_told_by = ?1 WHERE row IN (SELECT row FROM response "
                  "WHERE stream = ?2 AND noted IS NULL AND void_told_by IS NULL AND seq < ?3 "
                  "ORDER BY seq LIMIT ?4)",
                  "ibii", *row, &h->stream, sizeof h->stream, h->seq, (int64_t)GF_VOID_MAX);
}

static int audit_response(struct ledger *l, const struct gf_id *agent, const struct gf_header *h,
                          int64_t now, struct gf_err *e) {
    char who[GF_ID_TEXT], identity[GF_HASH_TEXT], id[GF_ID_TEXT], stream[GF_ID_TEXT];
    char members[400];

    gf_text_hex(agent->b, sizeof agent->b, who);
    gf_text_hex(h->to.b, sizeof h->to.b, identity);
    gf_text_hex(h->id.b, sizeof h->id.b, id);
    gf_text_hex(h->stream.b, sizeof h->stream.b, stream);
    (void)snprintf(members, sizeof members,
                   "\"agent\":\"%s\",\"identity\":\"%s\",\"bundle\":\"%s\",\"stream\":\"%s\","
                   "\"seq\":%" PRId64,
                   who, identity, id, stream, h->seq);
    return ledger_audit(l, now, "response", members, e);
}

int ledger_responded(struct ledger *l, const struct gf_id *agent, const struct gf_header *h,
                     const struct gf_hash *digest, const struct ledger_told *told, size_t n,
                     int64_t now, struct gf_err *e) {
    int64_t row = 0, enrolled = 0;

    if (db_begin(&l->db, e) == -1)
        return -1;
    /* A successor enrols without the lock: what is told to the key before it from then on would
     * never be acknowledged. */
    int rc = db_number(&l->db, &enrolled, 0, e,
                       "SELECT count(*) FROM agent WHERE identity = ? AND enrolled IS NOT NULL",
                       "b", &h->to, sizeof h->to);
    if (rc == 0 && enrolled == 0)
        return db_end(&l->db, 0, e) == -1 ? -1 : 1;
    if (rc == 0)
        rc = note(l, agent, h, digest, now, &row, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = tell(l, agent, &told[i], row, e);
    if (rc == 0)
        rc = audit_response(l, agent, h, now, e);
    return db_end(&l->db, rc, e);
}

/* ---- what became of it ---- */

/* 1 if the agent has numbers of a stream of ours that were never given: the ledger is younger than
 * they are. */
static int is_behind(struct ledger *l, const struct gf_hash *agent_identity,
                     const struct gf_have *have, struct gf_err *e) {
    int64_t last = have->upto, given = -1;

    for (size_t k = 0; k < have->nalso; k++)
        last = have->also[k] > last ? have->also[k] : last;
    if (db_number(&l->db, &given, -1, e,
                  "SELECT max(seq) FROM response WHERE recipient = ? AND stream = ?", "bb",
                  agent_identity, sizeof *agent_identity, &have->stream, sizeof have->stream) == -1)
        return -1;
    return given >= 0 && last > given;
}

/* The stream has two histories: leave it, and tell again what may have been told under a number
 * that the agent already had. Once: the next time the stream is another. */
static int leave_stream(struct ledger *l, const struct gf_hash *agent_identity,
                        const struct gf_have *have, int64_t now, struct gf_err *e) {
    char who[GF_HASH_TEXT], stream[GF_ID_TEXT], members[300];
    struct ledger_seq current = {0};

    if (find_stream(l, agent_identity, &current, e) == -1)
        return -1;
    if (memcmp(&current.stream, &have->stream, sizeof have->stream) != 0)
        return 0;
    gf_text_hex(agent_identity->b, sizeof agent_identity->b, who);
    gf_text_hex(have->stream.b, sizeof have->stream.b, stream);
    (void)snprintf(members, sizeof members,
                   "\"identity\":\"%s\",\"stream\":\"%s\",\"seq\":%" PRId64, who, stream,
                   have->upto);
    if (ledger_new_stream(l, agent_identity, e) == -1 ||
        ledger_tell_anew(l, agent_identity, INT64_MAX, now, e) == -1 ||
        ledger_audit(l, now, "behind", members, e) == -1)
        return -1;
    return 1;
}

/* What was acknowledged in one stream and asked for in another was lost between them: the agent was
 * restored, and the acknowledgement is one of its former life. In one stream it is the last word.
 */
static int retell_lost(struct ledger *l, const struct gf_hash *agent_identity,
                       const struct gf_id *stream, struct gf_err *e) {
    if (db_run(&l->db, e,
               "UPDATE record SET told = NULL, told_by = NULL, again = NULL WHERE again IS NOT "
               "NULL AND again <> ? AND told_by IN (SELECT row FROM response WHERE recipient = ? "
               "AND acknowledged IS NOT NULL)",
               "bb", stream, sizeof *stream, agent_identity, sizeof *agent_identity) == -1)
        return -1;
    return db_run(&l->db, e,
                  "UPDATE record SET again = NULL WHERE again IS NOT NULL AND told_by IN (SELECT "
                  "row FROM response WHERE recipient = ? AND acknowledged IS NOT NULL)",
                  "b", agent_identity, sizeof *agent_identity);
}

int ledger_acknowledge(struct ledger *l, const struct gf_hash *agent_identity,
                       const struct gf_id *stream, const struct gf_have *have, size_t n,
                       int64_t now, struct gf_err *e) {
    int behind = 0;
    int rc = 0;

    if (db_begin(&l->db, e) == -1)
        return -1;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = is_behind(l, agent_identity, &have[i], e);
        if (rc == 1) {
            rc = leave_stream(l, agent_identity, &have[i], now, e);
            behind |= rc == 1;
            rc = rc == -1 ? -1 : 0;
            continue;
        }
        if (rc == -1)
            break;
        rc = db_run(&l->db, e,
                    "UPDATE response SET acknowledged = ? WHERE recipient = ? AND stream = ? AND "
                    "seq <= ? AND noted IS NOT NULL AND acknowledged IS NULL",
                    "ibbi", now, agent_identity, sizeof *agent_identity, &have[i].stream,
                    sizeof have[i].stream, have[i].upto);
        for (size_t k = 0; rc == 0 && k < have[i].nalso; k++)
            rc = db_run(&l->db, e,
                        "UPDATE response SET acknowledged = ? WHERE recipient = ? AND stream = ? "
                        "AND seq = ? AND noted IS NOT NULL AND acknowledged IS NULL",
                        "ibbi", now, agent_identity, sizeof *agent_identity, &have[i].stream,
                        sizeof have[i].stream, have[i].also[k]);
    }
    if (rc == 0)
        rc = retell_lost(l, agent_identity, stream, e);
    return db_end(&l->db, rc == 0 ? behind : rc, e);
}

static int read_response(const struct db_query *q, void *element, struct gf_err *e) {
    struct ledger_response *r = element;

    r->created = db_int(q, 2);
    if (db_fixed(q, 0, &r->id, sizeof r->id) == -1 || db_fixed(q, 1, &r->to, sizeof r->to) == -1)
        return gf_err_set(e, GF_E_DAMAGED, "%s: a response without id", q->d->path);
    return 0;
}

int ledger_open_responses(struct ledger *l, const struct gf_hash *agent_identity,
                          struct ledger_response **out, size_t *n, struct gf_err *e) {
    struct db_query q;

    return db_list(
        &q,
        db_query(&l->db, &q, e,
                 "SELECT id, recipient, created FROM response WHERE noted IS NOT NULL AND "
                 "acknowledged IS NULL AND lost IS NULL AND recipient = ifnull(?, recipient) "
                 "ORDER BY row",
                 agent_identity != NULL ? "b" : "n", agent_identity, sizeof *agent_identity),
        sizeof **out, read_response, out, n, e);
}

int ledger_is_acknowledged(struct ledger *l, const struct gf_id *id, struct gf_err *e) {
    int64_t n = 0;

    if (db_number(&l->db, &n, 0, e,
                  "SELECT count(*) FROM response WHERE id = ? AND (acknowledged IS NOT NULL OR "
                  "lost IS NOT NULL)",
                  "b", id, sizeof *id) == -1)
        return -1;
    return n > 0;
}

int ledger_lost(struct ledger *l, const struct gf_id *id, int64_t now, struct gf_err *e) {
    int64_t row = 0;

    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc =
        db_number(&l->db, &row, 0, e, "SELECT row FROM response WHERE id = ?", "b", id, sizeof *id);
    if (rc == 0)
        rc = db_run(&l->db, e, "UPDATE response SET lost = ? WHERE row = ?", "ii", now, row);
    if (rc == 0)
        rc = db_run(&l->db, e, "UPDATE response SET void_told_by = NULL WHERE void_told_by = ?",
                    "i", row);
    if (rc == 0)
        rc = db_run(&l->db, e, "UPDATE record SET told = NULL, told_by = NULL WHERE told_by = ?",
                    "i", row);
    if (rc == 0)
        rc = db_run(&l->db, e, "UPDATE conflict SET told_by = NULL WHERE told_by = ?", "i", row);
    if (rc == 0)
        rc = db_run(&l->db, e, "UPDATE bundle SET told_by = NULL WHERE told_by = ?", "i", row);
    if (rc == 0)
        rc = db_run(&l->db, e, "UPDATE fork SET told_by = NULL WHERE told_by = ?", "i", row);
    if (rc == 0)
        rc = db_run(&l->db, e, "UPDATE update_part SET told_by = NULL WHERE told_by = ?", "i", row);
    if (rc == 0)
        rc = db_run(&l->db, e, "DELETE FROM notice_told WHERE told_by = ?", "i", row);
    return db_end(&l->db, rc, e);
}
