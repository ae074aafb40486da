/*
 * ledger_parts.c -- what goes to whom: artifacts are assigned to agents part by part, and a part is
 * due until its agent has it.
 */
#include <stdlib.h>
#include <string.h>

#include "relay/ledger/ledger_internal.h"
#include "relay/ledger/ledger_updates.h"

/* ---- assigning ---- */

int ledger_given(struct ledger *l, const struct gf_id *agent, int64_t source, int64_t now,
                 struct gf_err *e) {
    return db_run(&l->db, e,
                  "INSERT INTO update_given (agent, source, at) VALUES (?, ?, ?) ON CONFLICT DO "
                  "NOTHING",
                  "bii", agent, sizeof *agent, source, now);
}

int ledger_was_given(struct ledger *l, const struct gf_id *agent, int64_t source,
                     struct gf_err *e) {
    int64_t n = 0;

    if (db_number(&l->db, &n, 0, e,
                  "SELECT EXISTS (SELECT 1 FROM update_given WHERE agent = ? AND source = ?)", "bi",
                  agent, sizeof *agent, source) == -1)
        return -1;
    return n != 0;
}

/* An artifact that an agent was not assigned yet. */
struct fresh {
    int64_t artifact, size;
};

static int read_fresh(const struct db_query *q, void *element, struct gf_err *e) {
    struct fresh *f = element;
    (void)e;

    *f = (struct fresh){db_int(q, 0), db_int(q, 1)};
    return 0;
}

static int find_fresh(struct ledger *l, const struct gf_id *agent, int64_t source,
                      struct fresh **out, size_t *n, struct gf_err *e) {
    struct db_query q;

    return db_list(
        &q,
        db_query(&l->db, &q, e,
                 "SELECT a.row, a.size FROM update_named AS n JOIN update_artifact AS a ON "
                 "a.row = n.artifact WHERE n.source = ? AND NOT EXISTS (SELECT 1 FROM "
                 "update_assigned WHERE agent = ? AND artifact = a.row)",
                 "ib", source, agent, sizeof *agent),
        sizeof **out, read_fresh, out, n, e);
}

static int assign(struct ledger *l, const struct gf_id *agent, const struct fresh *f,
                  int64_t part_max, int64_t now, struct gf_err *e) {
    int64_t parts = f->size > 0 ? (f->size - 1) / part_max + 1 : 1;

    if (db_run(&l->db, e,
               "INSERT INTO update_assigned (agent, artifact, part, parts, at) VALUES (?, ?, ?, ?, "
               "?)",
               "biiii", agent, sizeof *agent, f->artifact, part_max, parts, now) == -1)
        return -1;
    for (int64_t i = 0; i < parts; i++) {
        if (db_run(&l->db, e, "INSERT INTO update_part (agent, artifact, idx) VALUES (?, ?, ?)",
                   "bii", agent, sizeof *agent, f->artifact, i) == -1)
            return -1;
    }
    return 0;
}

int ledger_is_too_large(const struct ledger_sizes *sizes, int64_t size) {
    return size > sizes->artifact_max || (size - 1) / sizes->part_max >= LEDGER_PARTS_MAX;
}

static int give(struct ledger *l, const struct gf_id *agent, int64_t source,
                const struct ledger_sizes *sizes, int64_t now, struct gf_err *e) {
    struct fresh *list = NULL;
    size_t n = 0;

    if (ledger_given(l, agent, source, now, e) == -1 ||
        find_fresh(l, agent, source, &list, &n, e) == -1)
        return -1;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (!ledger_is_too_large(sizes, list[i].size))
            rc = assign(l, agent, &list[i], sizes->part_max, now, e);
    }
    free(list);
    return rc;
}

int ledger_give(struct ledger *l, const struct gf_id *agent, int64_t source,
                const struct ledger_sizes *sizes, int64_t now, struct gf_err *e) {
    if (db_begin(&l->db, e) == -1)
        return -1;
    return db_end(&l->db, give(l, agent, source, sizes, now, e), e);
}

/* ---- what is missed ---- */

static int want_parts(struct ledger *l, const struct gf_id *agent, const struct gf_want *w,
                      int64_t *again, struct gf_err *e) {
    size_t n = w->nparts > 0 ? w->nparts : 1;

    /* What travels in a response that is not acknowledged yet is carried again anyway. */
    for (size_t i = 0; i < n; i++) {
        if (db_run(&l->db, e,
                   "UPDATE update_part SET told_by = NULL WHERE agent = ?1 AND artifact IN (SELECT "
                   "row FROM update_artifact WHERE digest = ?2) AND idx = ifnull(?3, idx) AND "
                   "told_by IN " LEDGER_HAS_IT,
                   w->nparts > 0 ? "bbi" : "bbn", agent, sizeof *agent, &w->digest,
                   sizeof w->digest, w->nparts > 0 ? w->parts[i] : 0) == -1)
            return -1;
        *again += db_changes(&l->db);
    }
    return 0;
}

int ledger_want(struct ledger *l, const struct gf_id *agent, const struct gf_want *want, size_t n,
                int64_t *again, int64_t *unknown, struct gf_err *e) {
    int rc = 0;

    *again = *unknown = 0;
    if (db_begin(&l->db, e) == -1)
        return -1;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        int64_t assigned = 0;
        rc = db_number(&l->db, &assigned, 0, e,
                       "SELECT EXISTS (SELECT 1 FROM update_assigned AS s JOIN update_artifact AS "
                       "a ON a.row = s.artifact WHERE s.agent = ? AND a.digest = ?)",
                       "bb", agent, sizeof *agent, &want[i].digest, sizeof want[i].digest);
        if (rc == 0 && assigned == 0)
            ++*unknown;
        else if (rc == 0)
            rc = want_parts(l, agent, &want[i], again, e);
    }
    return db_end(&l->db, rc, e);
}

/* ---- what is due ---- */

static int read_part(const struct db_query *q, struct ledger_part *p) {
    int64_t part = db_int(q, 4);

    *p = (struct ledger_part){.artifact = db_int(q, 0),
                              .name = db_text(q, 1),
                              .whole = db_int(q, 3),
                              .count = db_int(q, 5),
                              .index = db_int(q, 6)};
    p->offset = p->index * part;
    p->size = p->whole - p->offset < part ? p->whole - p->offset : part;
    return db_fixed(q, 2, &p->digest, sizeof p->digest);
}

int ledger_parts(struct ledger *l, const struct gf_id *agent, ledger_each_part *fn, void *arg,
                 struct gf_err *e) {
    struct ledger_part p;
    struct db_query q;
    int rc = db_query(&l->db, &q, e,
                      "SELECT a.row, a.name, a.digest, a.size, s.part, s.parts, p.idx FROM "
                      "update_part AS p JOIN update_artifact AS a ON a.row = p.artifact JOIN "
                      "update_assigned AS s ON s.agent = p.agent AND s.artifact = p.artifact WHERE "
                      "p.agent = ? AND p.told_by IS NULL AND a.here IS NOT NULL ORDER BY "
                      "p.artifact, p.idx",
                      "b", agent, sizeof *agent);

    while (rc == 0 && (rc = db_next(&q, e)) == 1)
        rc = read_part(&q, &p) == -1
                 ? gf_err_set(e, GF_E_DAMAGED, "%s: an artifact without digest", l->db.path)
                 : fn(arg, &p, e);
    db_done(&q);
    return rc == -1 ? -1 : 0;
}
