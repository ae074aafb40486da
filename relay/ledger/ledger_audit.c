/*
 * ledger_audit.c -- the chain of what the relay has done, and its head outside the database: a
 * ledger that was put back from a backup is older than the head.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/chain_head.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "gapferry/json.h"
#include "relay/ledger/ledger_internal.h"

#define HEAD "audit.head"

/* The newest line's number, 0 if there is none, and its hash (else zero). */
static int newest(struct ledger *l, int64_t *n, struct gf_hash *hash, struct gf_err *e) {
    struct db_query q;

    *n = 0;
    *hash = (struct gf_hash){0};
    int rc = db_query(&l->db, &q, e, "SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1", "");
    if (rc == 0 && (rc = db_next(&q, e)) == 1) {
        *n = db_int(&q, 0);
        rc = db_fixed(&q, 1, hash, sizeof *hash) == 0
                 ? 0
                 : gf_err_set(e, GF_E_DAMAGED, "%s: a line of its audit log has no hash",
                              l->db.path);
    }
    db_done(&q);
    return rc == -1 ? -1 : 0;
}

int ledger_audit(struct ledger *l, int64_t now, const char *event, const char *members,
                 struct gf_err *e) {
    char at[GF_TIME_TEXT];
    char text[sizeof(struct gf_hash) + LEDGER_LINK_MAX];
    char *line = text + sizeof(struct gf_hash);
    struct gf_hash prev, hash;
    int64_t n = 0;

    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = newest(l, &n, &prev, e);
    gf_text_time(now, at);
    int len = snprintf(line, LEDGER_LINK_MAX, "{\"at\":\"%s\",\"event\":\"%s\"%s%s}", at, event,
                       members[0] != '\0' ? "," : "", members);
    if (rc == 0 && (len < 0 || len >= LEDGER_LINK_MAX))
        rc = gf_err_set(e, GF_E_BUG, "a line of the audit log is too long: %s", event);
    if (rc == 0) {
        memcpy(text, prev.b, sizeof prev.b);
        gf_digest_256(text, sizeof prev.b + (size_t)len, &hash);
        rc = db_run(&l->db, e, "INSERT INTO audit (n, line, hash) VALUES (?, ?, ?)", "itb", n + 1,
                    line, hash.b, sizeof hash.b);
    }
    return db_end(&l->db, rc, e);
}

void ledger_audit_put(struct gf_buf *b, const char *name, const char *value) {
    if (value == NULL)
        return;
    gf_buf_printf(b, "%s\"%s\":", b->len > 0 ? "," : "", name);
    gf_json_put_str(b, value, strlen(value));
}

int ledger_audit_texts(struct ledger *l, int64_t now, const char *event, const char *const *members,
                       struct gf_err *e) {
    struct gf_buf b;

    gf_buf_init(&b, LEDGER_LINK_MAX);
    for (; members[0] != NULL; members += 2)
        ledger_audit_put(&b, members[0], members[1]);
    int rc = gf_buf_check(&b, "a line of the audit log", e);
    if (rc == 0)
        rc = ledger_audit(l, now, event, b.data != NULL ? b.data : "", e);
    gf_buf_free(&b);
    return rc;
}

/* ---- the head ---- */

/* 1 and *at, the head's number, if the chain has the line that the head names; 0 there is no head;
 * -1. */
static int compare(struct ledger *l, int64_t *at, struct gf_err *e) {
    struct gf_hash written, then = {0};
    struct db_query q;

    int rc = chain_head_load(l->dir_fd, HEAD, at, &written, e);
    if (rc != 1)
        return rc == -1 ? gf_err_prefix(e, "%s", l->dir) : 0;
    rc = db_query(&l->db, &q, e, "SELECT hash FROM audit WHERE n = ?", "i", *at);
    if (rc == 0 && (rc = db_next(&q, e)) == 1)
        (void)db_fixed(&q, 0, &then, sizeof then);
    db_done(&q);
    if (rc == -1)
        return -1;
    if (rc == 1 && memcmp(&then, &written, sizeof then) == 0)
        return 1;
    return gf_err_set(
        e, GF_E_DAMAGED,
        "%s/relay.db: is older than " HEAD " beside it; was it put back from a backup?", l->dir);
}

int ledger_fits_head(struct ledger *l, struct gf_err *e) {
    struct gf_hash now;
    int64_t n = 0, at = 0;

    if (newest(l, &n, &now, e) == -1)
        return -1;
    int rc = compare(l, &at, e);
    if (rc == 0 && n > 0)
        return gf_err_set(e, GF_E_DAMAGED,
                          "%s/" HEAD ": is missing, so nobody can tell how old "
                          "relay.db is",
                          l->dir);
    return rc == -1 ? -1 : 0;
}

int ledger_seal(struct ledger *l, struct gf_err *e) {
    struct gf_hash now;
    struct gf_err why;
    int64_t n = 0, at = 0;

    if (newest(l, &n, &now, e) == -1)
        return -1;
    if (n == 0)
        return 0;
    /* A head that the chain does not fit, that is none, or that is gone is evidence: a seal in its
     * place would let an older ledger pass. Only reconcile settles that. */
    int rc = l->reconciled ? 0 : compare(l, &at, &why);
    if (!l->reconciled && (rc == -1 || (rc == 1 && at >= n) || (rc == 0 && !l->made)))
        return 0;
    return chain_head_save(l->dir_fd, HEAD, n, &now, e) == -1 ? gf_err_prefix(e, "%s", l->dir) : 0;
}

int ledger_start(struct ledger *l, int64_t now, struct gf_err *e) {
    struct gf_hash hash;
    int64_t n = 0;

    if (newest(l, &n, &hash, e) == -1)
        return -1;
    if (n == 0) {
        if (chain_head_set_aside(l->dir_fd, HEAD, "init", now, e) == -1)
            return gf_err_prefix(e, "%s", l->dir);
        if (ledger_audit(l, now, "init", "", e) == -1)
            return -1;
    }
    return ledger_seal(l, e);
}

/* ---- after a restore ---- */

int ledger_new_stream(struct ledger *l, const struct gf_hash *recipient, struct gf_err *e) {
    struct gf_id stream;

    /* Number 0 is never a response: it says which stream the next one belongs to. */
    gf_digest_random(&stream, sizeof stream);
    return db_run(&l->db, e, "INSERT INTO response (recipient, stream, seq) VALUES (?, ?, 0)", "bb",
                  recipient, sizeof *recipient, &stream, sizeof stream);
}

/* What these responses told is news again; the agent takes nothing twice. */
int ledger_tell_anew(struct ledger *l, const struct gf_hash *recipient, int64_t since, int64_t now,
                     struct gf_err *e) {
    static const char *const forget[] = {
        "UPDATE record SET told = NULL, told_by = NULL WHERE told_by IN (SELECT row FROM response "
        "WHERE recipient = ifnull(?1, recipient) AND noted IS NOT NULL AND (acknowledged IS NULL "
        "OR noted >= ?2))",
        "UPDATE conflict SET told_by = NULL WHERE told_by IN (SELECT row FROM response WHERE "
        "recipient = ifnull(?1, recipient) AND noted IS NOT NULL AND (acknowledged IS NULL OR "
        "noted >= ?2))",
        "UPDATE bundle SET told_by = NULL WHERE told_by IN (SELECT row FROM response WHERE "
        "recipient = ifnull(?1, recipient) AND noted IS NOT NULL AND (acknowledged IS NULL OR "
        "noted >= ?2))",
        "UPDATE fork SET told_by = NULL WHERE told_by IN (SELECT row FROM response WHERE "
        "recipient = ifnull(?1, recipient) AND noted IS NOT NULL AND (acknowledged IS NULL OR "
        "noted >= ?2))",
        "UPDATE update_part SET told_by = NULL WHERE told_by IN (SELECT row FROM response WHERE "
        "recipient = ifnull(?1, recipient) AND noted IS NOT NULL AND (acknowledged IS NULL OR "
        "noted >= ?2))",
        "DELETE FROM notice_told WHERE told_by IN (SELECT row FROM response WHERE "
        "recipient = ifnull(?1, recipient) AND noted IS NOT NULL AND (acknowledged IS NULL OR "
        "noted >= ?2))",
    };
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof forget / sizeof *forget; i++)
        rc = db_run(&l->db, e, forget[i], "bi", recipient, sizeof *recipient, since);
    if (rc == 0)
        rc = db_run(&l->db, e,
                    "UPDATE response SET lost = ?1 WHERE recipient = ifnull(?2, recipient) AND "
                    "noted IS NOT NULL AND acknowledged IS NULL AND lost IS NULL",
                    "ib", now, recipient, sizeof *recipient);
    return rc;
}

static int read_recipient(const struct db_query *q, void *element, struct gf_err *e) {
    if (db_fixed(q, 0, element, sizeof(struct gf_hash)) == -1)
        return gf_err_set(e, GF_E_DAMAGED, "%s: a response to nobody", q->d->path);
    return 0;
}

static int renew_streams(struct ledger *l, int64_t *n, struct gf_err *e) {
    struct gf_hash *list = NULL;
    size_t found = 0;
    struct db_query q;

    int rc = db_list(&q, db_query(&l->db, &q, e, "SELECT DISTINCT recipient FROM response", ""),
                     sizeof *list, read_recipient, &list, &found, e);
    for (size_t i = 0; rc == 0 && i < found; i++)
        rc = ledger_new_stream(l, &list[i], e);
    free(list);
    *n = (int64_t)found;
    return rc;
}

int ledger_reconcile(struct ledger *l, int64_t since, const char *user, int64_t now,
                     struct ledger_reconciled *out, struct gf_err *e) {
    struct ledger_reconciled r = {0};
    char members[300], who[65];

    /* In JSON as it is: names of users are plain. */
    (void)snprintf(who, sizeof who, "%s", user);
    for (char *c = who; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == '"' || *c == '\\')
            *c = '?';
    }
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = db_number(&l->db, &r.newest, 0, e, "SELECT max(taken) FROM bundle", "");
    if (rc == 0)
        rc = db_number(&l->db, &r.responses, 0, e,
                       "SELECT count(*) FROM response WHERE noted IS NOT NULL AND lost IS NULL AND "
                       "(acknowledged IS NULL OR noted >= ?)",
                       "i", since);
    if (rc == 0)
        rc = renew_streams(l, &r.agents, e);
    if (rc == 0)
        rc = ledger_tell_anew(l, NULL, since, now, e);
    if (rc == 0)
        rc = ledger_revoked_put_back(l, &r.revoked, e);
    if (rc == 0)
        rc = ledger_token_withdraw_all(l, now, &r.tokens, e);
    (void)snprintf(members, sizeof members,
                   "\"user\":\"%s\",\"agents\":%" PRId64 ",\"responses\":%" PRId64
                   ",\"revoked\":%" PRId64 ",\"tokens\":%" PRId64,
                   who, r.agents, r.responses, r.revoked, r.tokens);
    if (rc == 0)
        rc = ledger_audit(l, now, "reconciled", members, e);
    if (db_end(&l->db, rc, e) == -1)
        return -1;
    l->reconciled = 1;
    *out = r;
    return ledger_seal(l, e);
}
