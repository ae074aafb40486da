/*
 * store_updates.c -- what the agent remembers of updates.
 */
#include "agent/store/store_updates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/store/store_internal.h"

/* ---- checks ---- */

int store_update_checked(struct store *s, const struct gf_id *record,
                         const struct store_update_check *c, struct gf_err *e) {
    return db_run(&s->db, e,
                  "INSERT INTO update_check (record, product, channel, platform, at)"
                  " VALUES (?, ?, ?, ?, ?)",
                  "bttti", STORE_BYTES(record), c->product, c->channel, c->platform, c->at);
}

static void copy_word(char out[GF_WORD_MAX + 1], const char *text) {
    (void)snprintf(out, GF_WORD_MAX + 1, "%s", text ? text : "");
}

int store_update_check(struct store *s, const struct gf_id *record, struct store_update_check *out,
                       struct gf_err *e) {
    struct store_update_check c;
    struct db_query q;
    int found = -1;

    if (db_query(&s->db, &q, e,
                 "SELECT product, channel, platform, at FROM update_check WHERE record = ?", "b",
                 STORE_BYTES(record)) == 0)
        found = db_next(&q, e);
    if (found == 1) {
        copy_word(c.product, db_text(&q, 0));
        copy_word(c.channel, db_text(&q, 1));
        copy_word(c.platform, db_text(&q, 2));
        c.at = db_int(&q, 3);
        *out = c;
    }
    db_done(&q);
    return found;
}

/* ---- manifests ---- */

int store_update_put(struct store *s, const struct store_update *u, int64_t *n, struct gf_err *e) {
    /* A blob without address is NULL: nobody's. */
    if (db_run(&s->db, e,
               "INSERT INTO update_manifest (product, channel, platform, serial, relay, text,"
               " since, confirmed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
               "tttibbii", u->product, u->channel, u->platform, u->serial,
               u->relay ? (const void *)u->relay->b : NULL, u->relay ? sizeof u->relay->b : 0,
               (const void *)u->text, u->len, u->since, u->confirmed) == -1)
        return -1;
    return db_number(&s->db, n, 0, e,
                     "SELECT n FROM update_manifest WHERE product = ? AND channel = ?"
                     " AND platform = ? AND serial = ?",
                     "ttti", u->product, u->channel, u->platform, u->serial);
}

int store_update_confirm(struct store *s, int64_t n, int64_t now, struct gf_err *e) {
    return db_run(&s->db, e, "UPDATE update_manifest SET confirmed = ? WHERE n = ?", "ii", now, n);
}

int store_update_walk(struct store *s, store_each_update *fn, void *arg, struct gf_err *e) {
    struct db_query q;
    int rc = -1;

    if (db_query(&s->db, &q, e,
                 "SELECT n, product, channel, platform, serial, relay, text, since, confirmed"
                 " FROM update_manifest ORDER BY product, channel, platform, serial DESC",
                 "") == 0) {
        while ((rc = db_next(&q, e)) == 1) {
            struct store_update u = {.n = db_int(&q, 0),
                                     .product = db_text(&q, 1),
                                     .channel = db_text(&q, 2),
                                     .platform = db_text(&q, 3),
                                     .serial = db_int(&q, 4),
                                     .since = db_int(&q, 7),
                                     .confirmed = db_int(&q, 8)};
            struct gf_hash relay;
            if (db_fixed(&q, 5, relay.b, sizeof relay.b) == 0)
                u.relay = &relay;
            u.text = db_blob(&q, 6, &u.len);
            rc = fn(arg, &u, e);
            if (rc != 0)
                break;
        }
    }
    db_done(&q);
    return rc == -1 ? -1 : 0;
}

int store_update_set_here(struct store *s, int64_t n, const char *name, int here, int64_t now,
                          struct gf_err *e) {
    /* What comes again is handed to the nodes' relay again. */
    if (!here && db_run(&s->db, e, "DELETE FROM node_file WHERE manifest = ? AND name = ?", "it", n,
                        name) == -1)
        return -1;
    if (!here)
        return db_run(&s->db, e, "DELETE FROM update_here WHERE manifest = ? AND name = ?", "it", n,
                      name);
    return db_run(&s->db, e,
                  "INSERT INTO update_here (manifest, name, at) VALUES (?, ?, ?)"
                  " ON CONFLICT DO NOTHING",
                  "iti", n, name, now);
}

int store_update_is_here(struct store *s, int64_t n, const char *name, struct gf_err *e) {
    int64_t found;

    if (db_number(&s->db, &found, 0, e, "SELECT 1 FROM update_here WHERE manifest = ? AND name = ?",
                  "it", n, name) == -1)
        return -1;
    return found == 1;
}

/* ---- parts ---- */

int store_part_put(struct store *s, const struct store_part *p, struct gf_err *e) {
    if (db_run(&s->db, e,
               "INSERT INTO update_part (digest, idx, count, at_byte, size, whole, at)"
               " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
               "biiiiii", STORE_BYTES(&p->digest), p->index, p->count, p->offset, p->size, p->whole,
               p->at) == -1)
        return -1;
    return db_changes(&s->db) > 0;
}

static int read_parts(struct db_query *q, struct store_part **list, size_t *n, struct gf_err *e) {
    int rc;

    while ((rc = db_next(q, e)) == 1) {
        struct store_part p = {.index = db_int(q, 1),
                               .count = db_int(q, 2),
                               .offset = db_int(q, 3),
                               .size = db_int(q, 4),
                               .whole = db_int(q, 5),
                               .at = db_int(q, 6)};
        if (STORE_FIXED(q, 0, &p.digest, "update_part", e) == -1 ||
            db_list_grow(list, *n, sizeof **list, e) == -1)
            return -1;
        (*list)[(*n)++] = p;
    }
    return rc;
}

int store_parts(struct store *s, const struct gf_hash *digest, struct store_part **out, size_t *n,
                struct gf_err *e) {
    struct store_part *list = NULL;
    struct db_query q;
    size_t count = 0;
    int rc = -1;

    if (db_query(&s->db, &q, e,
                 "SELECT digest, idx, count, at_byte, size, whole, at FROM update_part"
                 " WHERE ?1 IS NULL OR digest = ?1 ORDER BY digest, idx",
                 "b", digest ? (const void *)digest->b : NULL, digest ? sizeof digest->b : 0) == 0)
        rc = read_parts(&q, &list, &count, e);
    db_done(&q);
    if (rc == -1) {
        free(list);
        return -1;
    }
    *out = list;
    *n = count;
    return 0;
}

int store_parts_drop(struct store *s, const struct gf_hash *digest, struct gf_err *e) {
    return db_run(&s->db, e, "DELETE FROM update_part WHERE digest = ?", "b", STORE_BYTES(digest));
}

/* ---- problems ---- */

int store_update_problem(struct store *s, const char *product, const char *subject,
                         const struct gf_err *why, int64_t now, struct gf_err *e) {
    return db_run(&s->db, e,
                  "INSERT INTO update_problem (product, subject, code, why, first, last, times)"
                  " VALUES (?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO UPDATE SET code = excluded.code,"
                  " why = excluded.why, last = excluded.last, times = times + 1",
                  "ttttii", product, subject, gf_err_name(why->code), why->text, now, now);
}

int store_update_solved(struct store *s, const char *product, const char *subject,
                        struct gf_err *e) {
    return db_run(&s->db, e, "DELETE FROM update_problem WHERE product = ? AND subject = ?", "tt",
                  product, subject);
}

int store_update_problems(struct store *s, store_each_problem *fn, void *arg, struct gf_err *e) {
    struct db_query q;
    int rc = -1;

    if (db_query(&s->db, &q, e,
                 "SELECT product, subject, code, why, first, last, times FROM update_problem"
                 " ORDER BY product, subject",
                 "") == 0) {
        while ((rc = db_next(&q, e)) == 1) {
            rc = fn(arg,
                    &(struct store_problem){.product = db_text(&q, 0),
                                            .subject = db_text(&q, 1),
                                            .code = db_text(&q, 2),
                                            .why = db_text(&q, 3),
                                            .first = db_int(&q, 4),
                                            .last = db_int(&q, 5),
                                            .times = db_int(&q, 6)},
                    e);
            if (rc != 0)
                break;
        }
    }
    db_done(&q);
    return rc == -1 ? -1 : 0;
}

/* ---- what was installed ---- */

int store_update_report(struct store *s, const struct store_installation *i, struct gf_err *e) {
    return db_run(&s->db, e,
                  "INSERT INTO update_report (product, version, installed, at)"
                  " VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET installed = excluded.installed,"
                  " at = excluded.at",
                  "ttii", i->product, i->version, (int64_t)i->installed, i->at);
}

int store_update_reports(struct store *s, const char *product, store_each_installation *fn,
                         void *arg, struct gf_err *e) {
    struct db_query q;
    int rc = -1;

    if (db_query(&s->db, &q, e,
                 "SELECT product, version, installed, at FROM update_report WHERE product = ?"
                 " ORDER BY at DESC, rowid DESC",
                 "t", product) == 0) {
        while ((rc = db_next(&q, e)) == 1) {
            rc = fn(arg,
                    &(struct store_installation){.product = db_text(&q, 0),
                                                 .version = db_text(&q, 1),
                                                 .installed = db_int(&q, 2) == 1,
                                                 .at = db_int(&q, 3)},
                    e);
            if (rc != 0)
                break;
        }
    }
    db_done(&q);
    return rc == -1 ? -1 : 0;
}
