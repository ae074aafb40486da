/*
 * store_license.c -- licences: what was asked for, and what is installed.
 */
#include "agent/store/store_internal.h"

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
    return db_run(&s->db, e,
                  "INSERT INTO license (product, text, installed) VALUES (?, ?, ?)"
                  " ON CONFLICT (product) DO UPDATE SET text = excluded.text,"
                  " installed = excluded.installed",
                  "tbi", product, (const void *)text, len, now);
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
