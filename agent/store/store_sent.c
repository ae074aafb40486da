/*
 * store_sent.c -- bundles that gapferry-link has brought to a relay; drives that were synced here.
 */
#include "agent/store/store_internal.h"

int store_sent(struct store *s, const struct gf_id *bundle, int64_t now, struct gf_err *e) {
    if (db_run(&s->db, e, "UPDATE bundle SET sent = ? WHERE id = ? AND sent = 0", "ib",
               now > 0 ? now : 1, STORE_BYTES(bundle)) == -1)
        return -1;
    if (db_changes(&s->db) == 0)
        return 0;
    return store_written(s, bundle, now, e) == -1 ? -1 : 1;
}

int store_drive_synced(struct store *s, const char *drive, const char *user, int64_t now,
                       struct gf_err *e) {
    return db_run(&s->db, e,
                  "INSERT INTO drive (name, first, last, user) VALUES (?, ?, ?, ?)"
                  " ON CONFLICT (name) DO UPDATE SET last = excluded.last, user = excluded.user",
                  "tiit", drive, now, now, user);
}

int store_drive_known(struct store *s, const char *drive, struct gf_err *e) {
    int64_t n = 0;

    if (db_number(&s->db, &n, 0, e, "SELECT count(*) FROM drive WHERE name = ?", "t", drive) == -1)
        return -1;
    return n > 0;
}

int store_oldest_queued(struct store *s, int64_t *accepted, int *wants_answer, struct gf_err *e) {
    int64_t waits = 0;

    if (db_number(&s->db, accepted, INT64_MAX, e,
                  "SELECT accepted FROM record WHERE n ="
                  " (SELECT first FROM stretch WHERE state = 0 AND most >= 0 ORDER BY first"
                  " LIMIT 1)",
                  "") == -1 ||
        db_number(&s->db, &waits, 0, e,
                  "SELECT 1 FROM stretch WHERE state = 0 AND most >= 0 AND channel IN"
                  " ('license', 'updates') LIMIT 1",
                  "") == -1)
        return -1;
    *wants_answer = waits == 1;
    return 0;
}
