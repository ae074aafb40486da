/*
 * store_source.c -- when each source is due, and what became of its last run; which channels
 * somebody has decided about.
 */
#include "agent/store/store_internal.h"
#include "agent/store/store_local.h"

#include <stdio.h>
#include <stdlib.h>

int store_get_source(struct store *s, const char *name, struct store_source *out,
                     struct gf_err *e) {
    struct store_source found = {.due = 0};
    struct db_query q;

    if (db_query(&s->db, &q, e,
                 "SELECT due, ran, good, runs, failures, reason FROM source WHERE name = ?", "t",
                 name) == -1)
        return -1;
    int rc = db_next(&q, e);
    if (rc == 1) {
        found = (struct store_source){.due = db_int(&q, 0),
                                      .ran = db_int(&q, 1),
                                      .good = db_int(&q, 2),
                                      .runs = db_int(&q, 3),
                                      .failures = db_int(&q, 4)};
        (void)snprintf(found.reason, sizeof found.reason, "%s", db_text(&q, 5));
    }
    db_done(&q);
    if (rc == -1)
        return -1;
    (void)snprintf(found.name, sizeof found.name, "%s", name);
    *out = found;
    return rc;
}

int store_put_source(struct store *s, const struct store_source *source, struct gf_err *e) {
    if (db_run(&s->db, e,
               "INSERT INTO source (name, due, ran, good, runs, failures, reason)"
               " VALUES (?, ?, ?, ?, ? + 1, ?, ?)"
               " ON CONFLICT (name) DO UPDATE SET due = excluded.due, ran = excluded.ran,"
               " good = excluded.good, runs = excluded.runs, failures = excluded.failures,"
               " reason = excluded.reason WHERE runs + 1 = excluded.runs",
               "tiiiiit", source->name, source->due, source->ran, source->good, source->runs,
               source->failures, source->reason) == -1)
        return -1;
    return db_changes(&s->db) > 0;
}

int store_decided(struct store *s, char (**names)[GF_WORD_MAX + 1], size_t *n, struct gf_err *e) {
    struct db_query q;

    return db_list(
        &q, db_query(&s->db, &q, e, "SELECT DISTINCT channel FROM consent ORDER BY channel", ""),
        sizeof **names, store_read_channel, names, n, e);
}
