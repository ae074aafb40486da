/*
 * ledger_token.c -- enrolment tokens: given out, used up, taken back.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/digest.h"
#include "gapferry/json.h"
#include "relay/ledger/ledger_enrol.h"
#include "relay/ledger/ledger_internal.h"

static int audit(struct ledger *l, int64_t now, const char *event, const struct ledger_token *t,
                 struct gf_err *e) {
    struct gf_buf b;

    gf_buf_init(&b, 4096);
    gf_buf_printf(&b, "\"number\":%" PRId64 ",\"name\":", t->number);
    gf_json_put_str(&b, t->name, strlen(t->name));
    gf_buf_text(&b, ",\"user\":");
    gf_json_put_str(&b, t->user, strlen(t->user));
    int rc = gf_buf_check(&b, "the audit log", e);
    if (rc == 0)
        rc = ledger_audit(l, now, event, b.data, e);
    gf_buf_free(&b);
    return rc;
}

static int add(struct ledger *l, const uint8_t token[GF_TOKEN_SIZE], struct ledger_token *t,
               int64_t now, struct gf_err *e) {
    int64_t n = 0;

    /* Room is made by number, not by age: a clock that is ahead, however often, erases nothing. */
    if (db_run(&l->db, e,
               "DELETE FROM token WHERE number <= (SELECT max(number) FROM token) - ? AND "
               "(withdrawn IS NOT NULL OR used >= uses OR expires <= ?)",
               "ii", (int64_t)LEDGER_TOKENS_KEPT - 1, now) == -1 ||
        db_number(&l->db, &n, 0, e,
                  "SELECT count(*) FROM token WHERE withdrawn IS NULL AND used < uses AND expires "
                  "> ?",
                  "i", now) == -1)
        return -1;
    if (n >= LEDGER_TOKENS_MAX)
        return gf_err_set(e, GF_E_LIMIT,
                          "%d tokens can be used already; withdraw some: gapferry-relay token "
                          "withdraw NUMBER",
                          LEDGER_TOKENS_MAX);
    t->created = now;
    if (db_run(&l->db, e,
               "INSERT INTO token (key, name, user, created, expires, uses) VALUES (?, ?, ?, ?, ?, "
               "?)",
               "bttiii", token, (size_t)GF_TOKEN_SIZE, t->name, t->user, now, t->expires,
               t->uses) == -1 ||
        db_number(&l->db, &t->number, 0, e, "SELECT max(number) FROM token", "") == -1)
        return -1;
    return audit(l, now, "token", t, e);
}

int ledger_token_add(struct ledger *l, const uint8_t token[GF_TOKEN_SIZE], struct ledger_token *t,
                     int64_t now, struct gf_err *e) {
    if (db_begin(&l->db, e) == -1)
        return -1;
    return db_end(&l->db, add(l, token, t, now, e), e);
}

static int read_row(const struct db_query *q, void *element, struct gf_err *e) {
    struct ledger_token *t = element;
    (void)e;

    *t = (struct ledger_token){.number = db_int(q, 0),
                               .created = db_int(q, 3),
                               .expires = db_int(q, 4),
                               .uses = db_int(q, 5),
                               .used = db_int(q, 6),
                               .withdrawn = db_int(q, 7)};
    (void)snprintf(t->name, sizeof t->name, "%s", db_text(q, 1));
    (void)snprintf(t->user, sizeof t->user, "%s", db_text(q, 2));
    return 0;
}

#define COLUMNS "number, name, user, created, expires, uses, used, ifnull(withdrawn, 0)"

int ledger_tokens(struct ledger *l, struct ledger_token **out, size_t *n, struct gf_err *e) {
    struct db_query q;

    return db_list(&q, db_query(&l->db, &q, e, "SELECT " COLUMNS " FROM token ORDER BY number", ""),
                   sizeof **out, read_row, out, n, e);
}

/* The token that this MAC was made with: 1, 0 none, -1. */
static int match(struct ledger *l, const struct gf_card *c, struct ledger_token *out,
                 struct gf_err *e) {
    uint8_t key[GF_TOKEN_SIZE];
    struct db_query q;
    struct gf_hash mac;
    int found = 0;

    int rc = db_query(&l->db, &q, e, "SELECT " COLUMNS ", key FROM token", "");
    while (rc == 0 && !found && (rc = db_next(&q, e)) == 1) {
        rc = 0;
        if (db_fixed(&q, 8, key, sizeof key) == -1)
            continue;
        gf_card_token_mac(c, key, &mac);
        found = gf_digest_equal(&mac, &c->token_mac, sizeof mac);
        if (found)
            rc = read_row(&q, out, e);
    }
    db_done(&q);
    gf_digest_wipe(key, sizeof key);
    return rc == -1 ? -1 : found;
}

int ledger_token_use(struct ledger *l, const struct gf_card *c, int64_t now,
                     char by[GF_WORD_MAX + 1], struct gf_err *why, struct gf_err *e) {
    struct ledger_token t;
    char at[GF_TIME_TEXT];

    int rc = match(l, c, &t, e);
    if (rc == -1)
        return -1;
    gf_text_time(rc == 1 && t.withdrawn > 0 ? t.withdrawn : rc == 1 ? t.expires : 0, at);
    if (rc == 0)
        (void)gf_err_set(why, GF_E_SENDER, "its token is none that this relay has given out");
    else if (t.withdrawn > 0)
        (void)gf_err_set(why, GF_E_SENDER, "its token (number %lld) was withdrawn on %s",
                         (long long)t.number, at);
    else if (t.used >= t.uses)
        (void)gf_err_set(why, GF_E_SENDER,
                         "its token (number %lld) is used up: another agent came with it; if that "
                         "was not yours, revoke it",
                         (long long)t.number);
    else if (t.expires <= now)
        (void)gf_err_set(why, GF_E_SENDER, "its token (number %lld) ended on %s",
                         (long long)t.number, at);
    else {
        if (t.name[0] != '\0')
            (void)snprintf(by, GF_WORD_MAX + 1, "%s", t.name);
        else
            (void)snprintf(by, GF_WORD_MAX + 1, "%lld", (long long)t.number);
        return db_run(&l->db, e, "UPDATE token SET used = used + 1 WHERE number = ?", "i",
                      t.number) == -1
                   ? -1
                   : 1;
    }
    return 0;
}

int ledger_token_withdraw(struct ledger *l, int64_t number, const char *user, int64_t now,
                          struct gf_err *e) {
    struct ledger_token t = {.number = number};

    (void)snprintf(t.user, sizeof t.user, "%s", user);
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = db_run(&l->db, e,
                    "UPDATE token SET withdrawn = ? WHERE number = ? AND withdrawn IS NULL AND "
                    "used < uses AND expires > ?",
                    "iii", now, number, now);
    if (rc == 0)
        rc = db_changes(&l->db) > 0;
    if (rc == 1 && audit(l, now, "token-withdraw", &t, e) == -1)
        rc = -1;
    return db_end(&l->db, rc, e);
}

int ledger_token_withdraw_all(struct ledger *l, int64_t now, int64_t *n, struct gf_err *e) {
    if (db_run(
            &l->db, e,
            "UPDATE token SET withdrawn = ?1 WHERE withdrawn IS NULL AND used < uses AND expires "
            "> ?1",
            "i", now) == -1)
        return -1;
    *n = db_changes(&l->db);
    return 0;
}
