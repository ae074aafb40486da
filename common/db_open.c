/*
 * db_open.c -- open a database: the settings, the check after an unclean end, the migrations.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "common/db_parts.h"

#define VALUE_MAX                                                                                  \
    (16 << 20) /* bytes of one value: a record's line and an answer are far smaller                \
                */
#define SQL_MAX 100000
/* Bytes of heap for all databases of the process: sorting happens in memory. */
#define HEAP_MAX (512LL << 20)

/* What a program must not be able to do by a slip, or by a file that was tampered with. */
static int harden(struct db *d, struct gf_err *e) {
    static const struct {
        int option, value;
    } options[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
    };

    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        int now = -1;
        int rc = sqlite3_db_config(d->handle, options[i].option, options[i].value, &now);
        if (rc != SQLITE_OK || now != options[i].value)
            return gf_err_set(e, GF_E_BUG, "%s: this SQLite lacks a protection (option %d)",
                              d->path, options[i].option);
    }
    (void)sqlite3_limit(d->handle, SQLITE_LIMIT_LENGTH, VALUE_MAX);
    (void)sqlite3_limit(d->handle, SQLITE_LIMIT_SQL_LENGTH, SQL_MAX);
    (void)sqlite3_limit(d->handle, SQLITE_LIMIT_ATTACHED, 0);
    (void)sqlite3_limit(d->handle, SQLITE_LIMIT_WORKER_THREADS, 0);
    (void)sqlite3_limit(d->handle, SQLITE_LIMIT_TRIGGER_DEPTH, 8);
    (void)sqlite3_hard_heap_limit64(HEAP_MAX);
    (void)sqlite3_busy_timeout(d->handle, DB_BUSY_MS);
    return 0;
}

/* The first column of the only row of a query, as text. Setting is no change that counts as
 * writing, so this does without db_query(). */
static int ask(struct db *d, const char *sql, char *out, size_t room, struct gf_err *e) {
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(d->handle, sql, -1, &stmt, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
        const char *text = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
        (void)snprintf(out, room, "%s", text ? text : "");
        rc = 0;
    } else {
        rc = db_fail(d, rc, sql, e);
    }
    (void)sqlite3_finalize(stmt);
    return rc;
}

/* Settings are asked for again where durability or privacy hangs on them. */
static int set_up(struct db *d, enum db_how how, struct gf_err *e) {
    static const struct {
        const char *set, *get, *want;
        int writing; /* 1: says how to write */
    } settings[] = {
        {"PRAGMA cell_size_check = ON", "PRAGMA cell_size_check", "1", 0},
        {"PRAGMA mmap_size = 0", NULL, NULL, 0},
        {"PRAGMA temp_store = MEMORY", "PRAGMA temp_store", "2", 0},
        {"PRAGMA foreign_keys = ON", "PRAGMA foreign_keys", "1", 0},
        {"PRAGMA secure_delete = ON", "PRAGMA secure_delete", "1", 1},
        {"PRAGMA journal_mode = TRUNCATE", "PRAGMA journal_mode", "truncate", 1},
        {"PRAGMA synchronous = EXTRA", "PRAGMA synchronous", "3", 1},
    };

    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        char is[32];
        if (how == DB_READ && settings[i].writing)
            continue;
        if (ask(d, settings[i].set, is, sizeof is, e) == -1)
            return -1;
        if (!settings[i].get)
            continue;
        if (ask(d, settings[i].get, is, sizeof is, e) == -1)
            return -1;
        if (strcmp(is, settings[i].want) != 0)
            return gf_err_set(e, GF_E_BUG, "%s: %s has no effect (is: %s)", d->path,
                              settings[i].set, is);
    }
    return 0;
}

static int check(struct db *d, struct gf_err *e) {
    char found[200];

    if (ask(d, "PRAGMA quick_check(1)", found, sizeof found, e) == -1)
        return -1;
    if (strcmp(found, "ok") == 0)
        return 0;
    d->damaged = 1;
    return gf_err_set(e, GF_E_DAMAGED, "%s: is damaged (%s); %s", d->path, found, db_remedy(d));
}

/* One step, from version `at`: within the transaction, so that two programs that start at once do
 * not both take it. */
static int step(struct db *d, const struct db_schema *schema, int64_t at, struct gf_err *e) {
    char sql[80];
    int64_t version;

    if (db_number(d, &version, 0, e, "PRAGMA user_version", "") == -1)
        return -1;
    if (version != at)
        return 0;
    (void)snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                   (int)schema->application_id, (int)at + 1);
    int rc = sqlite3_exec(d->handle, schema->steps[at], NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(d->handle, sql, NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        char doing[64];
        (void)snprintf(doing, sizeof doing, "cannot lead it to version %d", (int)at + 1);
        return db_fail(d, rc, doing, e);
    }
    return 0;
}

static int migrate(struct db *d, const struct db_schema *schema, enum db_how how,
                   struct gf_err *e) {
    int64_t version, id, objects, known = 0;

    while (schema->steps[known])
        known++;
    if (db_number(d, &version, 0, e, "PRAGMA user_version", "") == -1 ||
        db_number(d, &id, 0, e, "PRAGMA application_id", "") == -1 ||
        db_number(d, &objects, 0, e, "SELECT count(*) FROM sqlite_schema", "") == -1)
        return -1;
    int blank = version == 0 && id == 0 && objects == 0;
    if (blank && how != DB_MAKE)
        return db_place_missing(d->path, "without any content", e);
    if (!blank && id != schema->application_id)
        return gf_err_set(e, GF_E_CONFIG,
                          "%s: is a database of another program (application id %08x, not %08x); "
                          "check the state directory",
                          d->path, (unsigned)id, (unsigned)schema->application_id);
    if (version > known)
        return gf_err_set(e, GF_E_VERSION,
                          "%s: was made by a newer version of this program (it is at %lld, we know "
                          "%lld); install that version, or restore the backup made before",
                          d->path, (long long)version, (long long)known);
    if (version < 0)
        return gf_err_set(e, GF_E_DAMAGED, "%s: has no sensible version; restore a backup",
                          d->path);
    if (version < known && how == DB_READ)
        return gf_err_set(e, GF_E_VERSION,
                          "%s: was made by an older version of this program (it is at %lld, we "
                          "know %lld), and nothing may be written now; run this where the disk "
                          "can be written",
                          d->path, (long long)version, (long long)known);
    for (; version < known; version++) {
        if (!d->wrote && db_marker_write(d->marker, d->path, e) == -1)
            return -1;
        d->wrote = 1;
        if (db_begin(d, e) == -1 || db_end(d, step(d, schema, version, e), e) == -1)
            return -1;
    }
    return 0;
}

/* SQLite's only way to load code, dlopen(), is led here by the linker (common/CMakeLists.txt): no
 * program of ours imports that function, and an extension is never found. */
void *db_no_dlopen(const char *path, int flags);
void *db_no_dlopen(const char *path, int flags) {
    (void)path;
    (void)flags;
    return NULL;
}

int db_open(const char *path, const struct db_schema *schema, struct db *out, struct gf_err *e) {
    return db_open_as(path, schema, DB_MAKE, out, e);
}

int db_open_as(const char *path, const struct db_schema *schema, enum db_how how, struct db *out,
               struct gf_err *e) {
    /* Nobody asks how much memory it takes; too late once it has begun, and then no harm. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    int access = how == DB_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    struct db_place p;
    int unclean = 0;
    int rc = -1;

    *out = (struct db){.marker = -1, .remedy = schema->damaged};
    if (db_place_open(path, how, &p, e) == -1)
        return -1;
    (void)snprintf(out->path, sizeof out->path, "%s", path);
    if (db_cache_new(out, e) == -1 ||
        (how != DB_READ && db_marker_enter(&p, &out->marker, &unclean, e) == -1))
        goto out;
    int opened = sqlite3_open_v2(
        p.full, &out->handle,
        access | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX, NULL);
    if (opened != SQLITE_OK) {
        (void)db_fail(out, opened, "cannot open it", e);
        goto out;
    }
    /* The check comes before anything trusts what the file says; it also rolls back what a crash
     * has left. */
    if (harden(out, e) == -1 || (unclean && check(out, e) == -1) || set_up(out, how, e) == -1 ||
        (how != DB_READ && db_marker_ready(out->marker, unclean, path, e) == -1) ||
        migrate(out, schema, how, e) == -1)
        goto out;
    rc = 0;
out:
    db_place_close(&p);
    if (rc == -1)
        db_close(out);
    return rc;
}

void db_close(struct db *d) {
    struct gf_err ignored;

    if (!d->cache)
        return;
    while (d->handle && d->depth > 0)
        (void)!db_end(d, -1, &ignored);
    db_cache_free(d);
    if (sqlite3_close(d->handle) != SQLITE_OK)
        d->damaged = 1;
    db_marker_leave(d->marker, d->wrote, !d->damaged);
    *d = (struct db){.marker = -1};
}
