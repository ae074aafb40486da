/*
 * store_history.c -- the history: lines that only ever grow, each bound to the one before.
 */
#include "agent/store/store_internal.h"

#include "gapferry/digest.h"

void store_history_hash(const struct gf_hash *prev, const char *line, size_t len,
                        struct gf_hash *out) {
    char before[GF_HASH_TEXT];
    struct gf_buf b;

    gf_text_hex(prev->b, sizeof prev->b, before);
    gf_buf_init(&b, STORE_EVENT_MAX + 128);
    gf_buf_printf(&b, "gapferry-history/1\n%s\n", before);
    gf_buf_add(&b, line, len);
    *out = (struct gf_hash){0};
    if (!b.failed)
        gf_digest_256(b.data, b.len, out);
    gf_buf_free(&b);
}

int store_history_head(struct store *s, int64_t *n, struct gf_hash *hash, struct gf_err *e) {
    struct gf_hash head = {0};
    int64_t number = 0;
    struct db_query q;

    if (db_query(&s->db, &q, e, "SELECT n, hash FROM history ORDER BY n DESC LIMIT 1", "") == -1)
        return -1;
    int rc = db_next(&q, e);
    if (rc == 1) {
        number = db_int(&q, 0);
        rc = STORE_FIXED(&q, 1, &head, "history", e);
    }
    db_done(&q);
    if (rc == -1)
        return -1;
    *n = number;
    *hash = head;
    return 0;
}

static int add(struct store *s, const char *line, size_t len, struct gf_err *e) {
    struct gf_hash prev, hash;
    int64_t n = 0;

    if (store_history_head(s, &n, &prev, e) == -1)
        return -1;
    store_history_hash(&prev, line, len, &hash);
    return db_run(&s->db, e, "INSERT INTO history (n, line, hash) VALUES (?, ?, ?)", "ibb", n + 1,
                  (const void *)line, len, STORE_BYTES(&hash));
}

int store_history_add(struct store *s, const char *line, size_t len, struct gf_err *e) {
    if (len > STORE_EVENT_MAX)
        return gf_err_set(e, GF_E_LIMIT, "a line of the history: %zu bytes; at most %d are kept",
                          len, STORE_EVENT_MAX);
    if (db_begin(&s->db, e) == -1)
        return -1;
    return db_end(&s->db, add(s, line, len, e), e);
}

int store_history_walk(struct store *s, int64_t from, store_each_event *fn, void *arg,
                       struct gf_err *e) {
    struct db_query q;
    int rc = -1;

    if (db_query(&s->db, &q, e, "SELECT n, line, hash FROM history WHERE n >= ? ORDER BY n", "i",
                 from) == -1)
        return -1;
    while ((rc = db_next(&q, e)) == 1) {
        struct store_event v = {.n = db_int(&q, 0)};
        v.line = db_blob(&q, 1, &v.len);
        if (STORE_FIXED(&q, 2, &v.hash, "history", e) == -1) {
            rc = -1;
            break;
        }
        rc = fn(arg, &v, e);
        if (rc != 0)
            break;
    }
    db_done(&q);
    return rc == -1 ? -1 : 0;
}
