/*
 * store_intake.c -- spool files on their way into the queue: how far each was read, and what of
 * them was refused.
 */
#include "agent/store/store_internal.h"
#include "agent/store/store_local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int store_cursor(struct store *s, const char *file, int64_t *at, struct gf_err *e) {
    return db_number(&s->db, at, 0, e, "SELECT at FROM spool WHERE name = ?", "t", file);
}

int store_set_cursor(struct store *s, const char *file, int64_t at, struct gf_err *e) {
    return db_run(&s->db, e,
                  "INSERT INTO spool (name, at) VALUES (?, ?)"
                  " ON CONFLICT (name) DO UPDATE SET at = excluded.at",
                  "ti", file, at);
}

static int by_text(const void *key, const void *item) {
    return strcmp(key, *(const char *const *)item);
}

/* The first cursor behind `after` whose file is not among these: 1 and *name, 0 none. */
static int gone(struct store *s, const char *const *files, size_t n, const char *after,
                char name[64], struct gf_err *e) {
    struct db_query q;
    int rc;

    if (db_query(&s->db, &q, e, "SELECT name FROM spool WHERE name > ? ORDER BY name", "t",
                 after) == -1)
        return -1;
    while ((rc = db_next(&q, e)) == 1) {
        const char *has = db_text(&q, 0);
        if (n == 0 || !bsearch(has, files, n, sizeof *files, by_text)) {
            (void)snprintf(name, 64, "%s", has);
            break;
        }
    }
    db_done(&q);
    return rc;
}

int store_keep_cursors(struct store *s, const char *const *files, size_t n, struct gf_err *e) {
    char name[64] = "";
    int rc;

    while ((rc = gone(s, files, n, name, name, e)) == 1) {
        if (db_run(&s->db, e, "DELETE FROM spool WHERE name = ?", "t", name) == -1)
            return -1;
    }
    return rc;
}

int store_add_refused(struct store *s, const char *channel, const char *reason, int64_t records,
                      int64_t now, struct gf_err *e) {
    return db_run(&s->db, e,
                  "INSERT INTO refused (channel, reason, records, last) VALUES (?, ?, ?, ?)"
                  " ON CONFLICT (channel, reason) DO UPDATE SET records = records +"
                  " excluded.records, last = excluded.last",
                  "ttii", channel, reason, records, now);
}

static int read_refused(const struct db_query *q, void *element, struct gf_err *e) {
    struct store_refused *x = element;
    (void)e;

    *x = (struct store_refused){.records = db_int(q, 2), .last = db_int(q, 3)};
    (void)snprintf(x->channel, sizeof x->channel, "%s", db_text(q, 0));
    (void)snprintf(x->reason, sizeof x->reason, "%s", db_text(q, 1));
    return 0;
}

int store_all_refused(struct store *s, struct store_refused **out, size_t *n, struct gf_err *e) {
    struct db_query q;

    return db_list(
        &q,
        db_query(&s->db, &q, e,
                 "SELECT channel, reason, records, last FROM refused ORDER BY channel, reason", ""),
        sizeof **out, read_refused, out, n, e);
}
