/*
 * ledger_revoked.c -- lineages that were revoked, also where the database was put back from a
 * backup and knows nothing of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/file.h"
#include "relay/ledger/ledger_internal.h"

#define NAME "revoked"

/* Bytes of the file at most: identities of 100,000 lineages. */
#define FILE_MAX (16 << 20)

/* The whole file; empty where there is none. */
static int load(const struct ledger *l, struct gf_buf *out, struct gf_err *e) {
    if (gf_file_load_if_there(l->dir_fd, NAME, FILE_MAX, out, e) == -1)
        return gf_err_prefix(e, "%s", l->dir);
    return 0;
}

/* What is looked for is found wherever it stands: whatever else was written there hides nothing.
 * When it was revoked: the time at the end of its line, or 1, for long ago, where there is none. */
static int64_t find(const struct gf_buf *text, const char *what) {
    const char *at = text->len > 0 ? memmem(text->data, text->len, what, strlen(what)) : NULL;
    int64_t when = 0;

    if (at == NULL)
        return 0;
    size_t rest = text->len - (size_t)(at - text->data);
    const char *end = memchr(at, '\n', rest);
    size_t len = end != NULL ? (size_t)(end - at) : rest;
    if (len < GF_TIME_TEXT ||
        gf_text_untime(at + len - (GF_TIME_TEXT - 1), GF_TIME_TEXT - 1, &when) == -1 || when < 1)
        return 1;
    return when;
}

int ledger_revoked_find(const struct ledger *l, const char *what, int64_t *at, struct gf_err *e) {
    struct gf_buf text;

    if (load(l, &text, e) == -1)
        return -1;
    int64_t when = find(&text, what);
    gf_buf_free(&text);
    if (when > 0)
        *at = when;
    return when > 0;
}

void ledger_revoked_say(int64_t since, const char *reason, struct gf_err *why) {
    char at[GF_TIME_TEXT];

    gf_text_time(since, at);
    (void)gf_err_set(why, GF_E_SENDER,
                     "this agent was revoked here on %s%s%.300s, for good; the site needs a new "
                     "agent: gapferry-agent init, and its approval",
                     at, reason[0] ? ": " : "", reason);
}

/* ---- what the ledger says, into the file ---- */

static int add_rows(struct ledger *l, struct gf_buf *text, struct gf_err *e) {
    char identity[GF_HASH_TEXT], agent[GF_ID_TEXT], at[GF_TIME_TEXT];
    struct gf_hash hash;
    struct db_query q;
    struct gf_id id;

    int rc = db_query(&l->db, &q, e,
                      "SELECT identity, agent, fingerprint, ended FROM agent WHERE ending IS "
                      "'revoked' ORDER BY ended, row",
                      "");
    while (rc == 0 && (rc = db_next(&q, e)) == 1) {
        rc = 0;
        if (db_fixed(&q, 0, &hash, sizeof hash) == -1 || db_fixed(&q, 1, &id, sizeof id) == -1) {
            rc = gf_err_set(e, GF_E_DAMAGED, "%s: an agent without identity", l->db.path);
            break;
        }
        gf_text_hex(hash.b, sizeof hash.b, identity);
        gf_text_hex(id.b, sizeof id.b, agent);
        gf_text_time(db_int(&q, 3), at);
        if (find(text, identity) == 0)
            gf_buf_printf(text, "%s %s %s %s\n", identity, agent, db_text(&q, 2), at);
    }
    db_done(&q);
    return rc == -1 ? -1 : gf_buf_check(text, NAME, e);
}

int ledger_revoked_save(struct ledger *l, struct gf_err *e) {
    struct gf_buf text;

    if (load(l, &text, e) == -1)
        return -1;
    size_t had = text.len;
    int rc = add_rows(l, &text, e);
    if (rc == 0 && text.len > had &&
        (rc = gf_file_save(l->dir_fd, NAME, text.data, text.len, 0600, e)) == -1)
        (void)gf_err_prefix(e, "%s", l->dir);
    gf_buf_free(&text);
    return rc;
}

/* ---- what the file says, into the ledger ---- */

struct lineage {
    struct gf_id agent;
    char fingerprint[GF_FINGERPRINT_TEXT]; /* of an approval ahead; then there is no agent */
};

static int read_agent(const struct db_query *q, void *element, struct gf_err *e) {
    struct lineage *x = element;

    if (db_fixed(q, 0, &x->agent, sizeof x->agent) == -1)
        return gf_err_set(e, GF_E_DAMAGED, "%s: an agent without id", q->d->path);
    return 0;
}

static int read_approval(const struct db_query *q, void *element, struct gf_err *e) {
    struct lineage *x = element;

    (void)e;
    (void)snprintf(x->fingerprint, sizeof x->fingerprint, "%s", db_text(q, 0));
    return 0;
}

static int put_back(struct ledger *l, const struct gf_buf *text, int64_t *n, struct gf_err *e) {
    struct lineage *list = NULL;
    char hex[GF_ID_TEXT];
    struct db_query q;
    size_t found = 0;

    int rc = db_list(&q,
                     db_query(&l->db, &q, e,
                              "SELECT DISTINCT agent FROM agent WHERE ending IS NOT 'revoked'", ""),
                     sizeof *list, read_agent, &list, &found, e);
    for (size_t i = 0; rc == 0 && i < found; i++) {
        gf_text_hex(list[i].agent.b, sizeof list[i].agent.b, hex);
        int64_t at = find(text, hex);
        if (at > 0)
            rc = ledger_end_lineage(l, &list[i].agent, NULL, at, e);
        *n += at > 0;
    }
    free(list);
    return rc;
}

static int forget_approvals(struct ledger *l, const struct gf_buf *text, struct gf_err *e) {
    struct lineage *list = NULL;
    struct db_query q;
    size_t found = 0;

    int rc = db_list(&q, db_query(&l->db, &q, e, "SELECT fingerprint FROM approval", ""),
                     sizeof *list, read_approval, &list, &found, e);
    for (size_t i = 0; rc == 0 && i < found; i++) {
        if (find(text, list[i].fingerprint) > 0)
            rc = db_run(&l->db, e, "DELETE FROM approval WHERE fingerprint = ?", "t",
                        list[i].fingerprint);
    }
    free(list);
    return rc;
}

int ledger_revoked_put_back(struct ledger *l, int64_t *n, struct gf_err *e) {
    struct gf_buf text;

    *n = 0;
    if (load(l, &text, e) == -1)
        return -1;
    int rc = put_back(l, &text, n, e);
    if (rc == 0)
        rc = forget_approvals(l, &text, e);
    gf_buf_free(&text);
    return rc;
}
