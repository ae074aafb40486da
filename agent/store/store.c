/*
 * store.c -- the database itself: its tables, opening it, several changes as one, small facts.
 */
#include "agent/store/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gapferry/digest.h"

#define FACT_MAX (1 << 20) /* bytes of one fact */

static int open_as(const char *dir, enum db_how how, struct store **out, struct gf_err *e) {
    struct store *s = calloc(1, sizeof *s);
    char path[sizeof s->path + 16];

    if (!s)
        return gf_err_errno(e, "%s: no memory", dir);
    s->lock = -1;
    s->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir == -1) {
        (void)gf_err_errno(e, "%s: cannot open the state directory", dir);
        goto fail;
    }
    if (snprintf(s->path, sizeof s->path, "%s", dir) >= (int)sizeof s->path) {
        (void)gf_err_set(e, GF_E_USAGE, "%s: this path is too long", dir);
        goto fail;
    }
    (void)snprintf(path, sizeof path, "%s/agent.db", s->path);
    if (db_open_as(path, &store_schema, how, &s->db, e) == -1 || store_batch_table(s, e) == -1)
        goto fail;
    *out = s;
    return 0;

fail:
    db_close(&s->db);
    if (s->dir != -1)
        (void)close(s->dir);
    free(s);
    return -1;
}

int store_open(const char *dir, struct store **out, struct gf_err *e) {
    return open_as(dir, DB_THERE, out, e);
}

int store_make(const char *dir, struct store **out, struct gf_err *e) {
    return open_as(dir, DB_MAKE, out, e);
}

int store_read(const char *dir, struct store **out, struct gf_err *e) {
    return open_as(dir, DB_READ, out, e);
}

void store_close(struct store *s) {
    if (!s)
        return;
    store_unlock(s);
    db_close(&s->db);
    (void)close(s->dir);
    free(s);
}

int store_begin(struct store *s, struct gf_err *e) {
    return db_begin(&s->db, e);
}

int store_end(struct store *s, int rc, struct gf_err *e) {
    return db_end(&s->db, rc, e);
}

int store_fixed(const struct db_query *q, int column, void *out, size_t len, const char *table,
                struct gf_err *e) {
    if (db_fixed(q, column, out, len) == 0)
        return 0;
    return gf_err_set(e, GF_E_DAMAGED,
                      "%s: a row of its table %s has a value of a wrong size; restore the state "
                      "directory from a backup",
                      q->d->path, table);
}

int store_put_fact(struct store *s, const char *name, const void *data, size_t len,
                   struct gf_err *e) {
    if (len > FACT_MAX)
        return gf_err_set(e, GF_E_LIMIT, "%s: %zu bytes; at most %d are kept", name, len, FACT_MAX);
    return db_run(&s->db, e,
                  "INSERT INTO fact (name, data) VALUES (?, ?)"
                  " ON CONFLICT (name) DO UPDATE SET data = excluded.data",
                  "tb", name, data ? data : (const void *)"", len);
}

int store_get_fact(struct store *s, const char *name, struct gf_buf *out, struct gf_err *e) {
    struct db_query q;

    gf_buf_init(out, FACT_MAX);
    if (db_query(&s->db, &q, e, "SELECT data FROM fact WHERE name = ?", "t", name) == -1)
        return -1;
    int rc = db_next(&q, e);
    if (rc == 1) {
        size_t len = 0;
        const void *data = db_blob(&q, 0, &len);
        gf_buf_add(out, data, len);
        if (gf_buf_check(out, name, e) == -1)
            rc = -1;
    }
    db_done(&q);
    return rc;
}

int store_stream(struct store *s, struct gf_id *out, struct gf_err *e) {
    struct gf_buf b;
    struct gf_id id;

    int rc = store_get_fact(s, "stream", &b, e);
    if (rc == 1 && b.len == sizeof id.b) {
        memcpy(id.b, b.data, sizeof id.b);
        rc = 0;
    } else if (rc != -1) {
        gf_digest_random(id.b, sizeof id.b);
        rc = store_put_fact(s, "stream", id.b, sizeof id.b, e);
    }
    gf_buf_free(&b);
    if (rc == 0)
        *out = id;
    return rc;
}
