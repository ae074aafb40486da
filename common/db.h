/*
 * db.h -- SQLite as we use it: one file on a local disk, TRUNCATE + EXTRA, strict tables, bound
 * statements only.
 *
 * A database has an application id and a version. A newer version than the program knows is
 * refused; an older one is migrated, one step at a time, in one transaction each. After an unclean
 * end the database is checked when it is opened.
 */
#ifndef COMMON_DB_H
#define COMMON_DB_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/err.h"

struct sqlite3;
struct sqlite3_stmt;

struct db {
    struct sqlite3 *handle;
    char path[512]; /* for messages */
    int depth;      /* of nested db_begin() */
};

struct db_schema {
    int32_t application_id;
    const char *const *steps; /* SQL that leads from version i to i + 1; NULL at the end */
};

/* Open or make. Errors: GF_E_SYSTEM, GF_E_CREATE, GF_E_VERSION (newer), GF_E_BUG (not ours),
 * GF_E_DAMAGED ("quick_check" failed: the text says what to do); a file system that cannot hold it
 * (FAT, network, FUSE) is GF_E_CREATE. The directory must be ours alone (0700). */
GF_MUST_CHECK int db_open(const char *path, const struct db_schema *schema, struct db *out,
                          struct gf_err *e);
void db_close(struct db *d);

/* BEGIN IMMEDIATE; nested calls count. db_end() commits when ok is 1 and all went well, else rolls
 * back; it returns -1 if the commit failed. Pattern:
 *     if (db_begin(d, e) == -1) return -1;
 *     int rc = work(...);
 *     return db_end(d, rc, e);      // rc 0: commit, -1: roll back, keeps e
 */
GF_MUST_CHECK int db_begin(struct db *d, struct gf_err *e);
GF_MUST_CHECK int db_end(struct db *d, int rc, struct gf_err *e);

/*
 * Statements. `types` says what follows for each ?: i int64_t, t const char * (NULL allowed),
 * b const void * and size_t (as two arguments), n NULL (no argument).
 *     db_run(d, e, "UPDATE record SET state = ? WHERE id = ?", "ib", state, id, sizeof id)
 */
GF_MUST_CHECK int db_run(struct db *d, struct gf_err *e, const char *sql, const char *types, ...);

/* Rows changed by the last db_run(). */
int64_t db_changes(const struct db *d);

/* A query; step with db_next(): 1 a row, 0 the end, -1 failed. Always db_done(). */
struct db_query {
    struct db *d;
    struct sqlite3_stmt *stmt;
};
GF_MUST_CHECK int db_query(struct db *d, struct db_query *q, struct gf_err *e, const char *sql,
                           const char *types, ...);
GF_MUST_CHECK int db_next(struct db_query *q, struct gf_err *e);
void db_done(struct db_query *q);

/* Columns of the current row. Text and blobs are borrowed until the next call; a blob that must
 * have a length: 0 if it has it (then copied), else -1. */
int64_t db_int(const struct db_query *q, int column);
const char *db_text(const struct db_query *q, int column);
const void *db_blob(const struct db_query *q, int column, size_t *len);
int db_fixed(const struct db_query *q, int column, void *out, size_t len);
int db_is_null(const struct db_query *q, int column);

/* One number, or fallback if there is no row: db_number(d, 0, e, "SELECT count(*) ...", "", ...) */
GF_MUST_CHECK int db_number(struct db *d, int64_t *out, int64_t fallback, struct gf_err *e,
                            const char *sql, const char *types, ...);

#endif
