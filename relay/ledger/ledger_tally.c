/*
 * ledger_tally.c -- numbers for those who watch a relay.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/ledger/ledger_internal.h"

/* What no other table remembers: bundles that came again, files that were refused, and bundles that
 * were taken and are forgotten. */
const char ledger_tally_schema[] =
    "CREATE TABLE tally (name TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT;";

static int count_up(struct ledger *l, const char *name, int64_t by, struct gf_err *e) {
    return db_run(&l->db, e,
                  "INSERT INTO tally (name, n) VALUES (?, ?) "
                  "ON CONFLICT (name) DO UPDATE SET n = n + excluded.n",
                  "ti", name, by);
}

int ledger_tally_add(struct ledger *l, int64_t replayed, int64_t refused, struct gf_err *e) {
    if (replayed == 0 && refused == 0)
        return 0;
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = count_up(l, "replayed", replayed, e);
    if (rc == 0)
        rc = count_up(l, "refused", refused, e);
    return db_end(&l->db, rc, e);
}

int ledger_tally(struct ledger *l, struct ledger_tally *out, struct gf_err *e) {
    struct ledger_tally t = {0};

    if (db_number(&l->db, &t.taken, 0, e,
                  "SELECT (SELECT count(*) FROM bundle WHERE refused IS NULL) + "
                  "ifnull((SELECT n FROM tally WHERE name = 'forgotten'), 0)",
                  "") == -1 ||
        db_number(&l->db, &t.replayed, 0, e, "SELECT n FROM tally WHERE name = 'replayed'", "") ==
            -1 ||
        db_number(&l->db, &t.refused, 0, e, "SELECT n FROM tally WHERE name = 'refused'", "") ==
            -1 ||
        db_number(&l->db, &t.responses, 0, e,
                  "SELECT count(*) FROM response WHERE noted IS NOT NULL AND acknowledged IS NULL "
                  "AND lost IS NULL",
                  "") == -1 ||
        db_number(&l->db, &t.agents, 0, e, "SELECT count(*) FROM agent WHERE enrolled IS NOT NULL",
                  "") == -1)
        return -1;
    *out = t;
    return 0;
}

static int read_waiting(const struct db_query *q, void *element, struct gf_err *e) {
    struct ledger_waiting *w = element;
    (void)e;

    *w = (struct ledger_waiting){
        .records = db_int(q, 1), .oldest = db_int(q, 2), .due = db_int(q, 3)};
    (void)snprintf(w->endpoint, sizeof w->endpoint, "%s", db_text(q, 0));
    return 0;
}

int ledger_waiting(struct ledger *l, struct ledger_waiting **out, size_t *n, struct gf_err *e) {
    struct db_query q;

    /* What is on its way has a time that it is due, and so is in the index of those. */
    return db_list(&q,
                   db_query(&l->db, &q, e,
                            "SELECT ifnull(endpoint, ''), count(*), min(received), "
                            "min(CASE WHEN state = ? THEN due ELSE 0 END) FROM record "
                            "WHERE state IN (?, ?, ?) AND due IS NOT NULL GROUP BY 1 ORDER BY 1",
                            "iiii", (int64_t)LEDGER_LATER, (int64_t)LEDGER_RECEIVED,
                            (int64_t)LEDGER_SENDING, (int64_t)LEDGER_LATER),
                   sizeof **out, read_waiting, out, n, e);
}

/* ---- what waits ---- */

/* A list of endpoints that grows row by row. */
struct gathering {
    struct ledger_stuck *list;
    size_t n;
};

static struct ledger_stuck *find_stuck(struct gathering *g, const char *endpoint,
                                       struct gf_err *e) {
    char name[sizeof g->list->endpoint];

    (void)snprintf(name, sizeof name, "%s", endpoint);
    for (size_t i = 0; i < g->n; i++) {
        if (strcmp(g->list[i].endpoint, name) == 0)
            return &g->list[i];
    }
    if (db_list_grow(&g->list, g->n, sizeof *g->list, e) == -1)
        return NULL;
    struct ledger_stuck *x = &g->list[g->n++];
    *x = (struct ledger_stuck){.due = INT64_MAX};
    memcpy(x->endpoint, name, sizeof x->endpoint);
    return x;
}

/* One more record; they come in the order of arrival. */
static int add_stuck(struct gathering *g, const struct db_query *q, ledger_passes *passes,
                     struct gf_err *e) {
    const char *reason = db_text(q, 4) != NULL ? db_text(q, 4) : "";
    struct ledger_stuck *x = find_stuck(g, db_text(q, 0), e);

    if (x == NULL)
        return -1;
    if (x->records == 0)
        x->since = db_int(q, 1);
    if (x->records == 0 || (passes(x->reason) && !passes(reason)))
        (void)snprintf(x->reason, sizeof x->reason, "%s", reason);
    x->records++;
    x->due = db_int(q, 2) < x->due ? db_int(q, 2) : x->due;
    x->asked = db_int(q, 3) > x->asked ? db_int(q, 3) : x->asked;
    return 0;
}

int ledger_stuck(struct ledger *l, ledger_passes *passes, struct ledger_stuck **out, size_t *n,
                 struct gf_err *e) {
    struct gathering g = {0};
    struct db_query q;
    int rc = db_query(&l->db, &q, e,
                      "SELECT ifnull(endpoint, ''), received, due, asked, reason FROM record WHERE "
                      "state = ? AND state > 1 AND state < 5 ORDER BY row",
                      "i", (int64_t)LEDGER_LATER);

    while (rc == 0 && (rc = db_next(&q, e)) == 1)
        rc = add_stuck(&g, &q, passes, e);
    db_done(&q);
    if (rc == -1) {
        free(g.list);
        return -1;
    }
    *out = g.list;
    *n = g.n;
    return 0;
}
