/*
 * db.c -- statements, rows and transactions on SQLite; db_open.c opens and closes.
 */
#include "common/db.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/db_parts.h"

/* Statements are kept in sets of a few neighbours, found by the address of their text. A program
 * has some dozens; when a set is full its next entry makes room. */
#define CACHE_SETS 64
#define CACHE_WAYS 4

struct db_cache {
    struct {
        const char *sql;
        sqlite3_stmt *stmt;
        int busy;
    } slot[CACHE_SETS * CACHE_WAYS];
    unsigned char next[CACHE_SETS]; /* the entry of a set to go next */
};

int db_cache_new(struct db *d, struct gf_err *e) {
    d->cache = calloc(1, sizeof *d->cache);
    return d->cache ? 0 : gf_err_set(e, GF_E_SYSTEM, "%s: no memory", d->path);
}

void db_cache_free(struct db *d) {
    for (int i = 0; d->cache && i < CACHE_SETS * CACHE_WAYS; i++)
        (void)sqlite3_finalize(d->cache->slot[i].stmt);
    free(d->cache);
    d->cache = NULL;
}

static enum gf_code code_of(int rc) {
    switch (rc & 0xff) {
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return GF_E_CREATE;
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_NOLFS:
    case SQLITE_PROTOCOL:
        return GF_E_SYSTEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return GF_E_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return GF_E_DAMAGED;
    case SQLITE_TOOBIG:
        return GF_E_LIMIT;
    case SQLITE_CONSTRAINT:
        return rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
                       rc == SQLITE_CONSTRAINT_ROWID
                   ? GF_E_REPLAY
                   : GF_E_BUG;
    default:
        return GF_E_BUG;
    }
}

#define DAMAGED                                                                                    \
    "stop all that uses it, move it aside with its -journal and -open (keep them), and put the "   \
    "last backup in its place, or begin anew"

const char *db_remedy(const struct db *d) {
    return d->remedy ? d->remedy : DAMAGED;
}

static const char *remedy_of(enum gf_code code) {
    switch ((int)code) {
    case GF_E_CREATE:
        return "; make room, or see that its directory can be written, and try again";
    case GF_E_SYSTEM:
        return "; look at the disk and the kernel's log, then try again";
    case GF_E_BUSY:
        return "; another process is writing it: wait for that, and try again";
    default:
        return "";
    }
}

int db_fail(struct db *d, int rc, const char *doing, struct gf_err *e) {
    enum gf_code code = code_of(rc);
    const char *what = d->handle ? sqlite3_errmsg(d->handle) : sqlite3_errstr(rc);
    int number = d->handle ? sqlite3_system_errno(d->handle) : 0;

    if (code == GF_E_DAMAGED)
        d->damaged = 1;
    /* SQLite may have rolled back already; what comes next must not become a transaction of its
     * own. */
    if (d->depth > 0 && (code == GF_E_CREATE || code == GF_E_SYSTEM || code == GF_E_DAMAGED))
        d->doomed = 1;
    if (code == GF_E_SYSTEM && number != 0 && (rc & 0xff) == SQLITE_IOERR)
        return gf_err_set(e, code, "%s: %s: %s (%s)%s", d->path, doing, what, strerror(number),
                          remedy_of(code));
    /* Which statement met the full disk, or the damage, helps nobody, and may fill the message. */
    if ((rc & 0xff) == SQLITE_FULL)
        return gf_err_set(e, code, "%s: %s%s", d->path, what, remedy_of(code));
    if (code == GF_E_DAMAGED)
        return gf_err_set(e, code, "%s: %s, so it is damaged; %s", d->path, what, db_remedy(d));
    return gf_err_set(e, code, "%s: %s: %s%s", d->path, doing, what, remedy_of(code));
}

/* ---- preparing ---- */

/* *slot is where the statement is kept, or -1 where it is for one use: the kept one is in use by an
 * outer query, or all its neighbours are. */
static int prepare(struct db *d, const char *sql, sqlite3_stmt **out, int *slot, struct gf_err *e) {
    struct db_cache *c = d->cache;
    size_t set = ((uintptr_t)sql >> 3 ^ (uintptr_t)sql >> 9) % CACHE_SETS;
    int first = (int)set * CACHE_WAYS;
    int found = -1;

    *slot = -1;
    for (int i = first; i < first + CACHE_WAYS; i++) {
        /* The text is compared, too: another may have come to lie at the same address. */
        if (c->slot[i].sql == sql && strcmp(sqlite3_sql(c->slot[i].stmt), sql) == 0) {
            found = i;
            break;
        }
    }
    if (found != -1 && !c->slot[found].busy) {
        c->slot[found].busy = 1;
        *slot = found;
        *out = c->slot[found].stmt;
        return 0;
    }
    const char *tail;
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v3(d->handle, sql, -1, found == -1 ? SQLITE_PREPARE_PERSISTENT : 0,
                                &stmt, &tail);
    if (rc != SQLITE_OK)
        return db_fail(d, rc, sql, e);
    if (!stmt || *tail != '\0') {
        (void)sqlite3_finalize(stmt);
        return gf_err_set(e, GF_E_BUG, "%s: not exactly one statement: %s", d->path, sql);
    }
    for (int i = 0; i < CACHE_WAYS && found == -1 && *slot == -1; i++) {
        int at = first + c->next[set];
        c->next[set] = (unsigned char)((c->next[set] + 1) % CACHE_WAYS);
        if (c->slot[at].busy)
            continue;
        (void)sqlite3_finalize(c->slot[at].stmt);
        c->slot[at].sql = sql;
        c->slot[at].stmt = stmt;
        c->slot[at].busy = 1;
        *slot = at;
    }
    *out = stmt;
    return 0;
}

static void give_back(struct db *d, sqlite3_stmt *stmt, int slot) {
    if (slot == -1) {
        (void)sqlite3_finalize(stmt);
        return;
    }
    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
    d->cache->slot[slot].busy = 0;
}

/* keep: how long the value stays where it is. */
static int bind(sqlite3_stmt *stmt, int at, const struct db_value *v,
                sqlite3_destructor_type keep) {
    if (v->type == 'i')
        return sqlite3_bind_int64(stmt, at, v->number);
    if (v->type == 'n' || (v->type == 't' && v->bytes == NULL))
        return sqlite3_bind_null(stmt, at);
    if (v->type == 't')
        return sqlite3_bind_text64(stmt, at, v->bytes, strlen(v->bytes), keep, SQLITE_UTF8);
    return v->type == 'b' ? sqlite3_bind_blob64(stmt, at, v->bytes, v->len, keep) : SQLITE_MISUSE;
}

static int bind_arguments(sqlite3_stmt *stmt, const char *types, va_list ap,
                          sqlite3_destructor_type keep) {
    int rc = SQLITE_OK;
    int n = 0;

    for (; types[n] && rc == SQLITE_OK; n++) {
        struct db_value v = {.type = types[n]};
        if (types[n] == 'i')
            v.number = va_arg(ap, int64_t);
        else if (types[n] == 't' || types[n] == 'b')
            v.bytes = va_arg(ap, const void *);
        if (types[n] == 'b')
            v.len = va_arg(ap, size_t);
        rc = bind(stmt, n + 1, &v, keep);
    }
    return rc == SQLITE_OK && n != sqlite3_bind_parameter_count(stmt) ? SQLITE_MISUSE : rc;
}

static int bind_values(sqlite3_stmt *stmt, const struct db_value *values, size_t n) {
    int rc = SQLITE_OK;

    for (size_t i = 0; i < n && rc == SQLITE_OK; i++)
        rc = bind(stmt, (int)i + 1, &values[i], SQLITE_STATIC);
    return rc == SQLITE_OK && (int)n != sqlite3_bind_parameter_count(stmt) ? SQLITE_MISUSE : rc;
}

/* A statement that waits for its arguments. */
static int begin(struct db *d, struct db_query *q, struct gf_err *e, const char *sql) {
    *q = (struct db_query){.d = d, .slot = -1};
    if (d->depth > 0 && d->doomed)
        return gf_err_set(e, GF_E_SYSTEM, "%s: the transaction has failed already", d->path);
    return prepare(d, sql, &q->stmt, &q->slot, e);
}

/* bound: what SQLite said to the arguments. Ready to be stepped. */
static int ready(struct db_query *q, int bound, const char *types, struct gf_err *e) {
    struct db *d = q->d;
    const char *sql = sqlite3_sql(q->stmt);

    if (bound == SQLITE_MISUSE)
        return gf_err_set(e, GF_E_BUG, "%s: \"%s\" does not fit: %s", d->path, types, sql);
    if (bound != SQLITE_OK)
        return db_fail(d, bound, sql, e);
    if (!d->wrote && !sqlite3_stmt_readonly(q->stmt)) {
        if (d->marker == -1)
            return gf_err_set(e, GF_E_CREATE, "%s: was opened to be read, not to be changed",
                              d->path);
        if (db_marker_write(d->marker, d->path, e) == -1)
            return -1;
        d->wrote = 1;
    }
    return 0;
}

static int open_query(struct db *d, struct db_query *q, struct gf_err *e, const char *sql,
                      const char *types, va_list ap, sqlite3_destructor_type keep) {
    if (begin(d, q, e, sql) == -1)
        return -1;
    return ready(q, bind_arguments(q->stmt, types, ap, keep), types, e);
}

/* ---- statements and rows ---- */

/* opened: whether it is ready. */
static int run(struct db_query *q, int opened, struct gf_err *e) {
    if (opened == 0) {
        int step;
        do
            step = sqlite3_step(q->stmt);
        while (step == SQLITE_ROW);
        if (step != SQLITE_DONE)
            opened = db_fail(q->d, step, sqlite3_sql(q->stmt), e);
    }
    db_done(q);
    return opened;
}

int db_run(struct db *d, struct gf_err *e, const char *sql, const char *types, ...) {
    struct db_query q;
    va_list ap;

    va_start(ap, types);
    int rc = open_query(d, &q, e, sql, types, ap, SQLITE_STATIC);
    va_end(ap);
    return run(&q, rc, e);
}

int db_run_values(struct db *d, struct gf_err *e, const char *sql, const struct db_value *values,
                  size_t n) {
    struct db_query q;

    int rc = begin(d, &q, e, sql);
    if (rc == 0)
        rc = ready(&q, bind_values(q.stmt, values, n), "a list", e);
    return run(&q, rc, e);
}

int64_t db_changes(const struct db *d) {
    return sqlite3_changes64(d->handle);
}

int db_query(struct db *d, struct db_query *q, struct gf_err *e, const char *sql, const char *types,
             ...) {
    va_list ap;

    va_start(ap, types);
    int rc = open_query(d, q, e, sql, types, ap, SQLITE_TRANSIENT);
    va_end(ap);
    if (rc == -1)
        db_done(q);
    return rc;
}

int db_next(struct db_query *q, struct gf_err *e) {
    int rc = sqlite3_step(q->stmt);

    if (rc == SQLITE_ROW)
        return 1;
    return rc == SQLITE_DONE ? 0 : db_fail(q->d, rc, sqlite3_sql(q->stmt), e);
}

void db_done(struct db_query *q) {
    if (q->stmt)
        give_back(q->d, q->stmt, q->slot);
    q->stmt = NULL;
}

int64_t db_int(const struct db_query *q, int column) {
    return sqlite3_column_int64(q->stmt, column);
}

const char *db_text(const struct db_query *q, int column) {
    return (const char *)sqlite3_column_text(q->stmt, column);
}

const void *db_blob(const struct db_query *q, int column, size_t *len) {
    const void *bytes = sqlite3_column_blob(q->stmt, column);

    *len = (size_t)sqlite3_column_bytes(q->stmt, column);
    return bytes;
}

int db_fixed(const struct db_query *q, int column, void *out, size_t len) {
    size_t n;
    const void *bytes = db_blob(q, column, &n);

    if (!bytes || n != len)
        return -1;
    memcpy(out, bytes, len);
    return 0;
}

int db_is_null(const struct db_query *q, int column) {
    return sqlite3_column_type(q->stmt, column) == SQLITE_NULL;
}

int db_number(struct db *d, int64_t *out, int64_t fallback, struct gf_err *e, const char *sql,
              const char *types, ...) {
    struct db_query q;
    va_list ap;

    va_start(ap, types);
    int rc = open_query(d, &q, e, sql, types, ap, SQLITE_STATIC);
    va_end(ap);
    if (rc == 0)
        rc = db_next(&q, e);
    if (rc != -1)
        *out = rc == 1 && !db_is_null(&q, 0) ? db_int(&q, 0) : fallback;
    db_done(&q);
    return rc == -1 ? -1 : 0;
}

/* ---- transactions ---- */

/* Inner levels are savepoints; one name serves them all, the innermost is meant. */
int db_begin(struct db *d, struct gf_err *e) {
    const char *sql = d->depth == 0 ? "BEGIN IMMEDIATE" : "SAVEPOINT inner";

    if (db_run(d, e, sql, "") == -1)
        return -1;
    d->depth++;
    return 0;
}

int db_begin_now(struct db *d, struct gf_err *e) {
    (void)sqlite3_busy_timeout(d->handle, 0);
    int rc = db_begin(d, e);
    (void)sqlite3_busy_timeout(d->handle, DB_BUSY_MS);
    return rc;
}

static int end_inner(struct db *d, int rc, struct gf_err *e) {
    struct gf_err ignored;

    d->depth--;
    if (d->doomed)
        return rc < 0 ? -1 : gf_err_set(e, GF_E_SYSTEM, "%s: the transaction has failed", d->path);
    if (rc < 0 && (db_run(d, &ignored, "ROLLBACK TO inner", "") == -1 ||
                   db_run(d, &ignored, "RELEASE inner", "") == -1)) {
        d->doomed = 1;
        return -1;
    }
    if (rc >= 0 && db_run(d, e, "RELEASE inner", "") == -1)
        return -1;
    return rc;
}

int db_end(struct db *d, int rc, struct gf_err *e) {
    struct gf_err ignored;

    if (d->depth > 1)
        return end_inner(d, rc, e);
    int doomed = d->doomed;
    d->depth = 0;
    d->doomed = 0;
    if (rc >= 0 && doomed)
        rc = gf_err_set(e, GF_E_SYSTEM, "%s: nothing was changed, for a part of it has failed",
                        d->path);
    if (rc >= 0 && db_run(d, e, "COMMIT", "") == -1)
        rc = -1;
    /* Of a transaction that SQLite has rolled back by itself nothing is left to do. */
    if (rc < 0 && !sqlite3_get_autocommit(d->handle))
        (void)!db_run(d, &ignored, "ROLLBACK", "");
    return rc;
}

int db_begin_step(struct db *d, struct gf_err *e) {
    if (d->depth == 0)
        return db_begin(d, e);
    d->depth++;
    return 0;
}

int db_end_step(struct db *d, int rc, struct gf_err *e) {
    if (d->depth < 2)
        return db_end(d, rc, e);
    d->depth--;
    if (rc < 0)
        d->doomed = 1;
    else if (d->doomed)
        rc = gf_err_set(e, GF_E_SYSTEM, "%s: the transaction has failed", d->path);
    return rc;
}
