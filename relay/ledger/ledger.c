/*
 * ledger.c -- the ledger's database, its lock, and what its files share.
 */
#include "relay/ledger/ledger_internal.h"
#include "relay/ledger/ledger_rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/file.h"

/* How long a command waits for another one to end before it gives up, and how long where the other
 * one is `run`. */
#define LOCK_WAIT_MS     2000
#define LOCK_WAIT_RUN_MS 300000
#define LOCK_STEP_MS     100
#define LOCK_RUN         "gapferry-relay run"

const char *const ledger_purposes[] = {"forward.lock", "run.lock"};

/*
 * site and vendor are the tenant: empty while a relay serves one. `receipt` is what the record's
 * state means to its agent (enum gf_state), `told` what the last response said, and `told_by` the
 * response that said it; where receipt and told differ there is news. Response rows are made when
 * their number is taken and `noted` when their file is complete: one that never is becomes void.
 * `due` is NULL where nothing is to be forwarded, so that the index of what is due is not touched
 * by what a record becomes in between; and its line, which is never looked at then, stands
 * elsewhere. `attempts`, `endpoint` and `sent` tell the last attempt, which is the only one of most
 * records; those before it stand in their own table.
 */
static const char schema_1[] =
    "CREATE TABLE approval ("
    " fingerprint TEXT PRIMARY KEY, user TEXT NOT NULL, at INTEGER NOT NULL) STRICT;"

    "CREATE TABLE agent ("
    " row INTEGER PRIMARY KEY, identity BLOB NOT NULL UNIQUE, agent BLOB NOT NULL,"
    " fingerprint TEXT NOT NULL, card BLOB NOT NULL, seen INTEGER NOT NULL,"
    " enrolled INTEGER) STRICT;"
    "CREATE INDEX agent_lineage ON agent (agent);"

    "CREATE TABLE response ("
    " row INTEGER PRIMARY KEY, recipient BLOB NOT NULL, stream BLOB NOT NULL,"
    " seq INTEGER NOT NULL, agent BLOB, id BLOB, digest BLOB, created INTEGER, noted INTEGER,"
    " acknowledged INTEGER, lost INTEGER, void_told_by INTEGER,"
    " UNIQUE (stream, seq)) STRICT;"
    "CREATE UNIQUE INDEX response_id ON response (id);"
    "CREATE INDEX response_recipient ON response (recipient);"
    "CREATE INDEX response_open ON response (recipient, seq)"
    " WHERE noted IS NOT NULL AND acknowledged IS NULL AND lost IS NULL;"

    "CREATE TABLE bundle ("
    " row INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, id BLOB NOT NULL,"
    " sender BLOB NOT NULL, agent BLOB NOT NULL, stream BLOB NOT NULL, seq INTEGER NOT NULL,"
    " created INTEGER, taken INTEGER NOT NULL, refused TEXT, reason TEXT,"
    " told_by INTEGER REFERENCES response (row), first INTEGER, last INTEGER,"
    " UNIQUE (sender, stream, seq)) STRICT;"
    "CREATE INDEX bundle_id ON bundle (id);"
    "CREATE INDEX bundle_untold ON bundle (agent) WHERE refused IS NOT NULL AND told_by IS NULL;"

    "CREATE TABLE void ("
    " sender BLOB NOT NULL, stream BLOB NOT NULL, seq INTEGER NOT NULL,"
    " PRIMARY KEY (sender, stream, seq)) STRICT;"

    "CREATE TABLE record ("
    " row INTEGER PRIMARY KEY, agent BLOB NOT NULL, id BLOB NOT NULL,"
    " bundle INTEGER NOT NULL, digest BLOB NOT NULL,"
    " channel TEXT NOT NULL, product TEXT, wants_answer INTEGER NOT NULL,"
    " file TEXT, received INTEGER NOT NULL,"
    " state INTEGER NOT NULL, since INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,"
    " due INTEGER DEFAULT 0, doubt INTEGER NOT NULL DEFAULT 0,"
    " released INTEGER NOT NULL DEFAULT 0, reason TEXT, endpoint TEXT,"
    " sent INTEGER NOT NULL DEFAULT 0,"
    " guarantee INTEGER NOT NULL DEFAULT 0, receipt INTEGER NOT NULL, told INTEGER,"
    " told_by INTEGER, UNIQUE (agent, id)) STRICT;"
    "CREATE INDEX record_waits ON record (state) WHERE state > 1 AND state < 5;"
    "CREATE INDEX record_due ON record (channel, due) WHERE due IS NOT NULL;"
    "CREATE INDEX record_told_by ON record (told_by) WHERE told_by IS NOT NULL;"
    "CREATE INDEX record_news ON record (agent, row) WHERE told IS NOT receipt;"

    "CREATE TABLE line (record INTEGER PRIMARY KEY, text BLOB NOT NULL) STRICT;"

    "CREATE TABLE attempt ("
    " record INTEGER NOT NULL, n INTEGER NOT NULL,"
    " endpoint TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (record, n)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE conflict ("
    " row INTEGER PRIMARY KEY, agent BLOB NOT NULL, id BLOB NOT NULL, digest BLOB NOT NULL,"
    " bundle INTEGER NOT NULL REFERENCES bundle (row), at INTEGER NOT NULL,"
    " told_by INTEGER REFERENCES response (row), UNIQUE (agent, id, digest)) STRICT;"

    "CREATE TABLE answer ("
    " record INTEGER PRIMARY KEY REFERENCES record (row), status INTEGER NOT NULL,"
    " headers BLOB NOT NULL, body BLOB, file TEXT) STRICT;";

/* Until when the endpoint itself asked to be left alone; 0: it did not. */
static const char schema_2[] = "ALTER TABLE record ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;";

/* The chain of what was done; and bundles that are forks, which the table of bundles cannot hold.
 */
static const char schema_4[] =
    "CREATE TABLE audit (n INTEGER PRIMARY KEY, line TEXT NOT NULL, hash BLOB NOT NULL) STRICT;"

    "CREATE TABLE fork ("
    " row INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, id BLOB NOT NULL, agent BLOB NOT NULL,"
    " reason TEXT NOT NULL, at INTEGER NOT NULL,"
    " told_by INTEGER REFERENCES response (row)) STRICT;"
    "CREATE INDEX fork_untold ON fork (agent) WHERE told_by IS NULL;";

/* Small facts: `identity`, whose ledger this is. */
static const char schema_fact[] =
    "CREATE TABLE fact (name TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT;";

/* A record that came again while the response that told of it was on its way: in which stream. */
static const char schema_again[] =
    "ALTER TABLE record ADD COLUMN again BLOB;"
    "CREATE INDEX record_again ON record (told_by) WHERE again IS NOT NULL;";

static const char *const steps[] = {schema_1,
                                    schema_2,
                                    ledger_loss_schema,
                                    schema_4,
                                    schema_fact,
                                    ledger_declined_schema,
                                    schema_again,
                                    ledger_enrol_schema,
                                    ledger_tally_schema,
                                    ledger_updates_schema,
                                    ledger_page_schema,
                                    ledger_grid_schema,
                                    ledger_usage_schema,
                                    ledger_prune_schema,
                                    ledger_rotate_schema,
                                    ledger_over_schema,
                                    ledger_metrics_schema,
                                    NULL};
static const struct db_schema schema = {
    .application_id = 0x47464c52,
    .steps = steps,
    .damaged = "stop the relay, move it aside with its -journal and -open (keep them), put it back "
               "from a backup if there is one, and then in either case: gapferry-relay reconcile",
};

static int open_as(const char *dir, enum db_how how, struct ledger **out, struct gf_err *e) {
    char path[512];

    if (snprintf(path, sizeof path, "%s/relay.db", dir) >= (int)sizeof path)
        return gf_err_set(e, GF_E_USAGE, "%s: this path is too long", dir);
    struct ledger *l = calloc(1, sizeof *l);
    if (l == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for the ledger");
    l->lock_fd = l->held[LEDGER_FORWARDING] = l->held[LEDGER_RUNNING] = -1;
    l->made = how == DB_MAKE;
    (void)snprintf(l->dir, sizeof l->dir, "%s", dir);
    l->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l->dir_fd == -1) {
        (void)gf_err_errno(e, "%s", dir);
        goto fail;
    }
    if (db_open_as(path, &schema, how, &l->db, e) == -1)
        goto fail;
    *out = l;
    return 0;
fail:
    if (l->dir_fd != -1)
        (void)close(l->dir_fd);
    free(l);
    return -1;
}

int ledger_open(const char *dir, struct ledger **out, struct gf_err *e) {
    return open_as(dir, DB_THERE, out, e);
}

int ledger_make(const char *dir, struct ledger **out, struct gf_err *e) {
    return open_as(dir, DB_MAKE, out, e);
}

int ledger_hash(struct db_query *q, int opened, const char *damage, struct gf_hash *out,
                struct gf_err *e) {
    struct gf_hash hash;
    int rc = opened;

    if (rc == 0 && (rc = db_next(q, e)) == 1) {
        if (db_fixed(q, 0, &hash, sizeof hash) == -1)
            rc = gf_err_set(e, GF_E_DAMAGED, "%s: %s", q->d->path, damage);
        else
            *out = hash;
    }
    db_done(q);
    return rc;
}

int ledger_belongs(struct ledger *l, const struct gf_card *us, struct gf_err *e) {
    char fingerprint[GF_FINGERPRINT_TEXT], theirs[GF_HASH_TEXT];
    struct gf_hash is;

    int known = ledger_identity(l, &is, e);
    if (known == -1 || (known == 1 && memcmp(&is, &us->identity, sizeof is) == 0))
        return known == -1 ? -1 : 0;
    if (known == 0)
        return ledger_set_fact(l, "identity", us->identity.b, sizeof us->identity.b, e);
    gf_card_fingerprint(us, fingerprint);
    gf_text_hex(is.b, sizeof is.b, theirs);
    return gf_err_set(e, GF_E_DAMAGED,
                      "%s/keys: these keys (%s) are not those that relay.db belongs to (identity "
                      "%.16s...); put back the keys and the ledger of one relay, from one backup. "
                      "Nothing was changed",
                      l->dir, fingerprint, theirs);
}

void ledger_close(struct ledger *l) {
    struct gf_err ignored;

    if (l == NULL)
        return;
    /* Best effort: a head that is older than the chain still fits it. */
    (void)!ledger_seal(l, &ignored);
    ledger_unlock(l);
    ledger_leave(l, LEDGER_FORWARDING);
    ledger_leave(l, LEDGER_RUNNING);
    db_close(&l->db);
    (void)close(l->dir_fd);
    free(l);
}

/* ---- the lock ---- */

/* Who holds it, from the file's text, which is shown and not believed. */
static void read_holder(int fd, char text[128]) {
    ssize_t n = gf_file_read_at(fd, text, 127, 0);

    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

static int fail_locked(const struct ledger *l, int fd, struct gf_err *e) {
    char text[128];
    char since[GF_TIME_TEXT];
    struct stat st = {0};

    read_holder(fd, text);
    (void)fstat(fd, &st);
    gf_text_time(st.st_mtime, since);
    return gf_err_set(e, GF_E_BUSY, "%s: in use by %s since %s; wait until it has ended", l->dir,
                      text[0] ? text : "another command", since);
}

/* 1 once it is ours, 0 after wait_ms, -1. */
static int try_lock(int fd, int64_t wait_ms, int64_t wait_run_ms) {
    char holder[128];

    for (int64_t waited = 0; flock(fd, LOCK_EX | LOCK_NB) == -1; waited += LOCK_STEP_MS) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -1;
        read_holder(fd, holder);
        int is_run = strncmp(holder, LOCK_RUN, sizeof LOCK_RUN - 1) == 0;
        if (waited >= (is_run ? wait_run_ms : wait_ms))
            return 0;
        (void)usleep(LOCK_STEP_MS * 1000);
    }
    return 1;
}

/* 1 and *out, 0 and *e set: somebody else has it, -1. */
static int take_lock(struct ledger *l, const char *name, const char *command, int64_t wait_ms,
                     int64_t wait_run_ms, int *out, struct gf_err *e) {
    char text[128];

    int fd = openat(l->dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd == -1)
        return gf_err_errno(e, "%s/%s", l->dir, name);
    int rc = try_lock(fd, wait_ms, wait_run_ms);
    if (rc == 0)
        (void)fail_locked(l, fd, e);
    int n =
        snprintf(text, sizeof text, "gapferry-relay %s (process %ld)\n", command, (long)getpid());
    if (n >= (int)sizeof text)
        n = sizeof text - 1;
    if (rc == -1 ||
        (rc == 1 && (ftruncate(fd, 0) == -1 || gf_file_write_at(fd, text, (size_t)n, 0) == -1)))
        rc = gf_err_errno(e, "%s/%s", l->dir, name);
    if (rc == 1)
        *out = fd;
    else
        (void)close(fd);
    return rc;
}

int ledger_lock(struct ledger *l, const char *command, struct gf_err *e) {
    int rc = take_lock(l, "lock", command, LOCK_WAIT_MS, LOCK_WAIT_RUN_MS, &l->lock_fd, e);
    return rc == 1 ? 0 : -1;
}

int ledger_hold(struct ledger *l, enum ledger_purpose p, const char *command, int64_t wait_ms,
                struct gf_err *e) {
    return take_lock(l, ledger_purposes[p], command, wait_ms, wait_ms, &l->held[p], e);
}

void ledger_leave(struct ledger *l, enum ledger_purpose p) {
    if (l->held[p] != -1)
        (void)close(l->held[p]);
    l->held[p] = -1;
}

void ledger_unlock(struct ledger *l) {
    if (l == NULL || l->lock_fd == -1)
        return;
    (void)close(l->lock_fd);
    l->lock_fd = -1;
}

/* ---- what the other files share ---- */

int ledger_begin(struct ledger *l, struct gf_err *e) {
    return db_begin(&l->db, e);
}

int ledger_begin_now(struct ledger *l, struct gf_err *e) {
    return db_begin_now(&l->db, e);
}

int ledger_end(struct ledger *l, int rc, struct gf_err *e) {
    return db_end(&l->db, rc, e);
}

void ledger_reason(const char *reason, char out[GF_REASON_MAX + 1]) {
    struct gf_buf safe;
    size_t n = reason != NULL ? strlen(reason) : 0;

    /* What came from an endpoint may be anything; a receipt that cannot be written would hold back
     * all others. */
    gf_buf_init(&safe, (size_t)16 * GF_REASON_MAX);
    if (n > (size_t)2 * GF_REASON_MAX)
        n = (size_t)2 * GF_REASON_MAX;
    gf_text_safe(&safe, n > 0 ? reason : "no reason was given", n > 0 ? n : 19);
    n = gf_text_fit(safe.data, safe.len, GF_REASON_MAX);
    if (safe.data != NULL)
        memcpy(out, safe.data, n);
    out[n] = '\0';
    gf_buf_free(&safe);
}
