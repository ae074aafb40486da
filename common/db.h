/*
 * db.h -- SQLite as we use it: one file on a local disk, TRUNCATE + EXTRA, strict tables, bound
 * statements only.
 *
 * A database has an application id and a version. A newer version than the program knows is
 * refused; an older one is migrated, one step at a time, in one transaction each. After an unclean
 * end the database is checked when it is opened.
 *
 * Settings: journal TRUNCATE with synchronous EXTRA, so that what was committed survives a power
 * cut; a busy timeout of 10 s; foreign keys on; deleted content is overwritten; no views, no
 * extensions, no ATTACH (so no VACUUM), values of at most 16 MiB.
 *
 * Beside the database lies PATH-open, which counts the writers that have it open. Each process adds
 * itself, durably, before its first change and takes itself away in db_close(). Who finds a count
 * above zero, or no such file, with nobody else there follows an unclean end: it runs quick_check.
 * A struct db is used by one thread at a time, and not across fork().
 */
#ifndef COMMON_DB_H
#define COMMON_DB_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/err.h"

struct sqlite3;
struct sqlite3_stmt;
struct db_cache; /* prepared statements */

/* Open until db_close(); must not be moved while queries run. Only db.c looks inside. */
struct db {
    struct sqlite3 *handle;
    char path[512]; /* for messages */
    int depth;      /* of nested db_begin() */
    int doomed;  /* 1: disk or memory failed within the transaction; it can only be rolled back */
    int damaged; /* 1: damage was met; the next open checks */
    int marker;  /* PATH-open */
    int wrote;   /* 1: counted there */
    const char *remedy; /* where it is damaged; of its schema */
    struct db_cache *cache;
};

struct db_schema {
    int32_t application_id;
    const char *const *steps; /* SQL that leads from version i to i + 1; NULL at the end */
    const char *damaged;      /* what to do where it is damaged, for people; NULL: in general */
};

/* Open or make (0600, whatever the umask is). The directory must be ours alone (0700, or 0710); a
 * link at the end of the path is refused. Errors: GF_E_NOINPUT (no such directory), GF_E_CREATE
 * (also a file system that cannot hold it: FAT, network, FUSE), GF_E_SYSTEM, GF_E_BUSY,
 * GF_E_VERSION (newer), GF_E_CONFIG (the directory is open to others, or the file belongs to
 * another program), GF_E_DAMAGED (the text says what to do). On failure *out is closed. */
GF_MUST_CHECK int db_open(const char *path, const struct db_schema *schema, struct db *out,
                          struct gf_err *e);
/*
 * The same, and what to do where there is none. A database that vanished must not be taken for one
 * that is new: whoever has it already says DB_THERE.
 *   DB_MAKE   make it: what db_open() does
 *   DB_THERE  GF_E_NOINPUT if it is missing, empty or without any table; nothing is made
 *   DB_READ   likewise, and nothing is ever written: also on a disk that is full or read-only. It
 *             is not checked after an unclean end, and GF_E_VERSION if it must be migrated first.
 */
enum db_how { DB_MAKE, DB_THERE, DB_READ };
GF_MUST_CHECK int db_open_as(const char *path, const struct db_schema *schema, enum db_how how,
                             struct db *out, struct gf_err *e);
/* Roll back what is not committed, and close. A zeroed struct is fine. */
void db_close(struct db *d);

/*
 * BEGIN IMMEDIATE; calls nest, and what an inner pair rolls back leaves the outer one whole.
 * db_end() commits when rc is not negative and returns rc, or -1 if the commit failed; for a
 * negative rc it rolls back and keeps e. Pattern:
 *     if (db_begin(d, e) == -1) return -1;
 *     int rc = work(...);
 *     return db_end(d, rc, e);
 * A full disk, an I/O error or want of memory within dooms the whole transaction: further
 * statements are refused, and the outermost db_end() returns -1.
 */
GF_MUST_CHECK int db_begin(struct db *d, struct gf_err *e);
/* The same for the outermost one, without waiting: GF_E_BUSY where another process writes now. */
GF_MUST_CHECK int db_begin_now(struct db *d, struct gf_err *e);
GF_MUST_CHECK int db_end(struct db *d, int rc, struct gf_err *e);
/* The same for a step that is often one of many in an outer transaction: there it has no level of
 * its own, and after a failure the outer one can only be rolled back. */
GF_MUST_CHECK int db_begin_step(struct db *d, struct gf_err *e);
GF_MUST_CHECK int db_end_step(struct db *d, int rc, struct gf_err *e);

/*
 * Statements. `types` says what follows for each ?: i int64_t, t const char * (NULL allowed),
 * b const void * and size_t (as two arguments), n NULL (no argument).
 *     db_run(d, e, "UPDATE record SET state = ? WHERE id = ?", "ib", state, id, sizeof id)
 * Mind that variadic arguments are not converted: an int needs a cast to int64_t.
 * A statement is prepared once and found again by the address of its text, so pass literals.
 *
 * Errors: GF_E_CREATE (disk full, read-only), GF_E_SYSTEM (I/O, memory), GF_E_BUSY (another process
 * writes for more than 10 s), GF_E_DAMAGED, GF_E_LIMIT (value beyond 16 MiB), GF_E_REPLAY (a
 * UNIQUE or PRIMARY KEY rule: it is there already), GF_E_BUG (anything else).
 */
GF_MUST_CHECK int db_run(struct db *d, struct gf_err *e, const char *sql, const char *types, ...);

/* The same with values in a list, for statements of many rows: they stay the caller's. A text that
 * is NULL is NULL. */
struct db_value {
    char type; /* 'i', 't' or 'b' */
    int64_t number;
    const void *bytes;
    size_t len; /* of a blob */
};
static inline struct db_value db_value_int(int64_t number) {
    return (struct db_value){.type = 'i', .number = number};
}
static inline struct db_value db_value_text(const char *text) {
    return (struct db_value){.type = 't', .bytes = text};
}
static inline struct db_value db_value_blob(const void *bytes, size_t len) {
    return (struct db_value){.type = 'b', .bytes = bytes, .len = len};
}
GF_MUST_CHECK int db_run_values(struct db *d, struct gf_err *e, const char *sql,
                                const struct db_value *values, size_t n);

/* Rows changed by the last db_run() that was an INSERT, UPDATE or DELETE. */
int64_t db_changes(const struct db *d);

/* A query; arguments are copied. Step with db_next(): 1 a row, 0 the end, -1 failed. Always
 * db_done(), also after a db_query() that failed; q needs no initialising. */
struct db_query {
    struct db *d;
    struct sqlite3_stmt *stmt;
    int slot; /* in the cache; -1: of its own */
};
GF_MUST_CHECK int db_query(struct db *d, struct db_query *q, struct gf_err *e, const char *sql,
                           const char *types, ...);
GF_MUST_CHECK int db_next(struct db_query *q, struct gf_err *e);
void db_done(struct db_query *q);

/* Columns of the current row. Text and blobs are borrowed until the next db_next() or db_done();
 * NULL for NULL (and *len 0). db_fixed(): a blob that must have this length: 0 if it has it (then
 * copied), else -1. */
int64_t db_int(const struct db_query *q, int column);
const char *db_text(const struct db_query *q, int column);
const void *db_blob(const struct db_query *q, int column, size_t *len);
int db_fixed(const struct db_query *q, int column, void *out, size_t len);
int db_is_null(const struct db_query *q, int column);

/*
 * All rows of a query as a list, one allocation, free() (db_list.c): `row` fills one element, which
 * comes zeroed, from the current row, or fails. `opened` is what db_query() has returned, and
 * db_done() is called here. `out` is the address of the caller's pointer; nothing is set on
 * failure.
 */
typedef int db_list_row(const struct db_query *q, void *element, struct gf_err *e);
GF_MUST_CHECK int db_list(struct db_query *q, int opened, size_t size, db_list_row *row, void *out,
                          size_t *n, struct gf_err *e);
/* Room for one more element behind the n that a list has; `list` is the address of its pointer,
 * NULL at first. The room doubles whenever n is a power of two, so that none has to be kept. */
GF_MUST_CHECK int db_list_grow(void *list, size_t n, size_t size, struct gf_err *e);

/* One number, or fallback if there is no row or a NULL in it:
 *     db_number(d, &n, 0, e, "SELECT count(*) FROM record", "") */
GF_MUST_CHECK int db_number(struct db *d, int64_t *out, int64_t fallback, struct gf_err *e,
                            const char *sql, const char *types, ...);

#endif
