/*
 * store_license.c -- licences: what was asked for, and what is installed.
 */
#include "agent/store/store_internal.h"

#define SECRET_MAX 4096 /* bytes */

int store_license_request(struct store *s, const struct gf_id *record, const char *product,
                          const struct gf_id *nonce, int64_t now, struct gf_err *e) {
    return db_run(&s->db, e,
                  "INSERT INTO license_request (record, product, nonce, at) VALUES (?, ?, ?, ?)",
                  "btbi", STORE_BYTES(record), product, STORE_BYTES(nonce), now);
}

int store_has_nonce(struct store *s, const char *product, const struct gf_id *nonce,
                    struct gf_err *e) {
    int64_t found;

    if (db_number(&s->db, &found, 0, e,
                  "SELECT 1 FROM license_request WHERE product = ? AND nonce = ? LIMIT 1", "tb",
                  product, STORE_BYTES(nonce)) == -1)
        return -1;
    return found == 1;
}

int store_put_license(struct store *s, const char *product, const char *text, size_t len,
                      int64_t now, struct gf_err *e) {
    if (db_run(&s->db, e,
               "INSERT INTO license (product, text, installed) VALUES (?, ?, ?)"
               " ON CONFLICT (product) DO UPDATE SET text = excluded.text,"
               " installed = excluded.installed, secret = NULL",
               "tbi", product, (const void *)text, len, now) == -1)
        return -1;
    /* Nobody waits any more for an answer in place of one that was refused. */
    return db_run(&s->db, e,
                  "UPDATE record SET answered = 1, answered_at = ?, reason = NULL"
                  " WHERE channel = 'license' AND product = ? AND wants_answer AND NOT answered"
                  " AND reason IS NOT NULL AND " STORE_STATE " BETWEEN 1 AND 3",
                  "it", now, product);
}

int store_licenses(struct store *s, store_each_license *fn, void *arg, struct gf_err *e) {
    struct db_query q;
    int rc;

    if (db_query(&s->db, &q, e, "SELECT product, text, installed FROM license ORDER BY product",
                 "") == -1)
        return -1;
    while ((rc = db_next(&q, e)) == 1) {
        size_t len = 0;
        const char *text = db_blob(&q, 1, &len);

        rc = fn(arg, db_text(&q, 0), text, len, db_int(&q, 2), e);
        if (rc != 0)
            break;
    }
    db_done(&q);
    return rc == -1 ? -1 : 0;
}

int store_put_license_secret(struct store *s, const char *product, const void *secret, size_t len,
                             struct gf_err *e) {
    return db_run(&s->db, e, "UPDATE license SET secret = ? WHERE product = ?", "bt", secret, len,
                  product);
}

int store_get_license_secret(struct store *s, const char *product, struct gf_buf *out,
                             struct gf_err *e) {
    struct db_query q;

    gf_buf_init(out, SECRET_MAX);
    if (db_query(&s->db, &q, e,
                 "SELECT secret FROM license WHERE product = ? AND secret IS NOT NULL", "t",
                 product) == -1)
        return -1;
    int rc = db_next(&q, e);
    if (rc == 1) {
        size_t len = 0;
        const void *secret = db_blob(&q, 0, &len);
        gf_buf_add(out, secret, len);
        if (gf_buf_check(out, "what opens a licence", e) == -1)
            rc = -1;
    }
    db_done(&q);
    return rc;
}

/* ---- licences that were given up ---- */

int store_end_license(struct store *s, const struct store_gone *g, struct gf_err *e) {
    if (db_run(&s->db, e,
               "INSERT INTO license_gone (id, product, record, user, at) VALUES (?, ?, ?, ?, ?)"
               " ON CONFLICT (id, product) DO NOTHING",
               "ttbti", g->id, g->product, STORE_BYTES(&g->record), g->user, g->at) == -1)
        return -1;
    return db_run(&s->db, e, "DELETE FROM license WHERE product = ?", "t", g->installed_as);
}

int store_is_gone(struct store *s, const char *id, const char *product, int64_t *at,
                  struct gf_err *e) {
    struct db_query q;

    if (db_query(&s->db, &q, e, "SELECT at FROM license_gone WHERE id = ? AND product = ?", "tt",
                 id, product) == -1)
        return -1;
    int rc = db_next(&q, e);
    if (rc == 1)
        *at = db_int(&q, 0);
    db_done(&q);
    return rc;
}

int store_each_gone(struct store *s, store_gone_fn *fn, void *arg, struct gf_err *e) {
    struct db_query q;
    int rc;

    if (db_query(&s->db, &q, e,
                 "SELECT id, product, record, user, at FROM license_gone ORDER BY at, id",
                 "") == -1)
        return -1;
    while ((rc = db_next(&q, e)) == 1) {
        struct store_gone g = {.id = db_text(&q, 0),
                               .product = db_text(&q, 1),
                               .user = db_text(&q, 3),
                               .at = db_int(&q, 4)};
        rc = STORE_FIXED(&q, 2, &g.record, "license_gone", e);
        if (rc == 0)
            rc = fn(arg, &g, e);
        if (rc != 0)
            break;
    }
    db_done(&q);
    return rc == -1 ? -1 : 0;
}
