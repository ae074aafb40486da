/*
 * store_testing.h -- what the agent's store keeps of itself must agree with itself.
 */
#ifndef UNIT_STORE_TESTING_H
#define UNIT_STORE_TESTING_H

#include <sqlite3.h>

#include "agent_testing.h"

/* Counts as a scan of the tables finds them, against those that are kept; each record without
 * receipt in one stretch, and no two stretches that could be one. */
static inline void check_tally(struct site *s) {
    static const char *const wrong[] = {
        "SELECT count(*) FROM (SELECT record.channel, coalesce(stretch.state, record.state),"
        " count(*), sum(size) FROM record LEFT JOIN stretch ON record.n BETWEEN first AND last"
        " GROUP BY 1, 2 EXCEPT SELECT channel, state, n, bytes FROM tally)",
        "SELECT (SELECT coalesce(sum(n), 0) FROM tally) - (SELECT count(*) FROM record)",
        "SELECT (SELECT count(*) FROM line) - (SELECT count(*) FROM record)",
        "SELECT count(*) FROM record WHERE (state = 0) <> (SELECT count(*) FROM stretch"
        " WHERE record.n BETWEEN first AND last AND stretch.channel = record.channel)",
        "SELECT (SELECT coalesce(sum(last - first + 1), 0) FROM stretch) -"
        " (SELECT count(*) FROM record WHERE state = 0)",
        "SELECT count(*) FROM stretch WHERE bytes <>"
        " (SELECT sum(size) FROM record WHERE n BETWEEN first AND last)",
        "SELECT count(*) FROM stretch AS a JOIN stretch AS b ON b.first = a.last + 1"
        " AND a.channel = b.channel AND a.state = b.state AND a.since = b.since"
        " AND a.relay IS b.relay AND a.refused = b.refused AND a.most = b.most",
    };
    char path[600];
    sqlite3 *db;
    sqlite3_stmt *q;

    (void)snprintf(path, sizeof path, "%s/agent.db", s->a.state);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(sqlite3_prepare_v2(db, wrong[i], -1, &q, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(q), SQLITE_ROW);
        assert_int_equal(sqlite3_column_int(q, 0), 0);
        (void)sqlite3_finalize(q);
    }
    (void)sqlite3_close(db);
}

#endif
