/*
 * ledger_enrol.c -- a card came: what it proves, and what that changes in its lineage.
 */
#include "relay/ledger/ledger_enrol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/ledger/ledger_internal.h"

const char *const ledger_hows[] = {"fingerprint", "vendor", "token", "predecessor", NULL};

/* `ended` with `ending` revoked, replaced (by a key that it has signed) or rival (of one that a
 * person chose): nothing is taken from it any more. `forked`: two
 * successors, and a person has to choose. Of neither kind is enrolled set. */
const char ledger_enrol_schema[] =
    "ALTER TABLE agent ADD COLUMN how TEXT;"
    "ALTER TABLE agent ADD COLUMN grantor TEXT;"
    "ALTER TABLE agent ADD COLUMN ended INTEGER;"
    "ALTER TABLE agent ADD COLUMN ending TEXT;"
    "ALTER TABLE agent ADD COLUMN reason TEXT;"
    "ALTER TABLE agent ADD COLUMN forked INTEGER;"
    "ALTER TABLE agent ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE fork ADD COLUMN stream BLOB;"
    "ALTER TABLE fork ADD COLUMN sender BLOB;"
    "CREATE TABLE token ("
    " number INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE, name TEXT NOT NULL,"
    " user TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL,"
    " uses INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0, withdrawn INTEGER) STRICT;";

/* What is known of one identity. */
struct standing {
    int known, enrolled, forked;
    int64_t ended;
    int revoked;
    int succeeded; /* 1: by a key that it has signed; and its lineage goes on */
    struct gf_id agent;
    char reason[GF_REASON_MAX + 1];
};

/* What the ledger says of it. */
static int find(struct ledger *l, const struct gf_hash *identity, struct standing *out,
                struct gf_err *e) {
    struct db_query q;

    *out = (struct standing){0};
    int rc = db_query(&l->db, &q, e,
                      "SELECT agent, enrolled IS NOT NULL, forked IS NOT NULL, ifnull(ended, 0), "
                      "ending IS 'revoked', ifnull(reason, ''), ending IS 'replaced' AND EXISTS "
                      "(SELECT 1 FROM agent AS n WHERE n.agent = agent.agent AND n.enrolled IS NOT "
                      "NULL) FROM agent WHERE identity = ?",
                      "b", identity, sizeof *identity);
    if (rc == 0 && (rc = db_next(&q, e)) == 1) {
        out->known = 1;
        out->enrolled = (int)db_int(&q, 1);
        out->forked = (int)db_int(&q, 2);
        out->ended = db_int(&q, 3);
        out->revoked = (int)db_int(&q, 4);
        (void)snprintf(out->reason, sizeof out->reason, "%s", db_text(&q, 5));
        out->succeeded = (int)db_int(&q, 6);
        rc = db_fixed(&q, 0, &out->agent, sizeof out->agent) == 0
                 ? 0
                 : gf_err_set(e, GF_E_DAMAGED, "%s: an agent without id", l->db.path);
    }
    db_done(&q);
    return rc;
}

/* Whether it was revoked, also where the ledger was put back, or is new, and knows nothing of it.
 * It reads a whole file: what an enrolled card that is shown again need not cost. */
static int find_revoked(struct ledger *l, const struct gf_hash *identity, struct standing *s,
                        struct gf_err *e) {
    char hex[GF_HASH_TEXT];

    if (s->revoked)
        return 0;
    gf_text_hex(identity->b, sizeof identity->b, hex);
    int rc = ledger_revoked_find(l, hex, &s->ended, e);
    s->revoked = rc == 1;
    return rc == -1 ? -1 : 0;
}

static void say_ended(const struct standing *s, struct gf_err *why) {
    char at[GF_TIME_TEXT];

    gf_text_time(s->ended, at);
    if (s->revoked)
        ledger_revoked_say(s->ended, s->reason, why);
    else
        (void)gf_err_set(why, GF_E_SENDER,
                         "this key was replaced by its successor on %s; nothing that it signs is "
                         "taken any more",
                         at);
}

int ledger_is_ended(struct ledger *l, const struct gf_hash *identity, struct gf_err *why,
                    struct gf_err *e) {
    struct standing s;

    if (find(l, identity, &s, e) == -1 || find_revoked(l, identity, &s, e) == -1)
        return -1;
    if (s.ended > 0)
        say_ended(&s, why);
    return s.ended == 0                ? LEDGER_GOES_ON
           : !s.revoked && s.succeeded ? LEDGER_SUCCEEDED
                                       : LEDGER_ENDED;
}

int ledger_count_refused(struct ledger *l, const struct gf_hash *identity, struct gf_err *e) {
    return db_run(&l->db, e, "UPDATE agent SET refused = refused + 1 WHERE identity = ?", "b",
                  identity, sizeof *identity);
}

/* ---- rules of a lineage ---- */

/* 1 and *why if its lineage was revoked, also where this ledger has forgotten it; 0. */
static int check_revoked(struct ledger *l, const struct gf_card *c, struct gf_err *why,
                         struct gf_err *e) {
    char hex[GF_ID_TEXT];
    int64_t when = 0;

    gf_text_hex(c->agent.b, sizeof c->agent.b, hex);
    int rc = ledger_revoked_find(l, hex, &when, e);
    if (rc == 1)
        ledger_revoked_say(when, "", why);
    return rc;
}

/* 0 if this identity may be enrolled; 1 and *why: another one of its lineage stands against it.
 * chosen: a person means this very fingerprint, so that it may end a fork. */
static int check_lineage(struct ledger *l, const struct gf_card *c, int chosen, struct gf_err *why,
                         struct gf_err *e) {
    struct db_query q;
    int rc = db_query(&l->db, &q, e,
                      "SELECT fingerprint, ending IS 'revoked', enrolled IS NULL FROM agent WHERE "
                      "agent = ?1 AND (ending IS 'revoked' OR (identity <> ?2 AND (enrolled IS NOT "
                      "NULL OR (forked IS NOT NULL AND NOT ?3)))) ORDER BY 2 DESC",
                      "bbi", &c->agent, sizeof c->agent, &c->identity, sizeof c->identity,
                      (int64_t)(chosen != 0));

    if (rc == 0 && (rc = db_next(&q, e)) == 1) {
        if (db_int(&q, 1))
            (void)gf_err_set(why, GF_E_SENDER,
                             "this card belongs to the agent of %s, which was revoked here; its "
                             "lineage has ended, and the site needs a new agent: gapferry-agent "
                             "init",
                             db_text(&q, 0));
        else if (db_int(&q, 2))
            (void)gf_err_set(why, GF_E_SENDER,
                             "two successors of one key came for this card's agent id, and nothing "
                             "but a person's word lets anybody in for it: gapferry-relay approve "
                             "FINGERPRINT");
        else
            (void)gf_err_set(why, GF_E_SENDER,
                             "this card claims the agent id of %s, which is enrolled already; a "
                             "card that lays claim to another's id is refused",
                             db_text(&q, 0));
    }
    db_done(&q);
    return rc == 0 ? check_revoked(l, c, why, e) : rc;
}

static int read_identity(const struct db_query *q, void *element, struct gf_err *e) {
    if (db_fixed(q, 0, element, sizeof(struct gf_hash)) == -1)
        return gf_err_set(e, GF_E_DAMAGED, "%s: an agent without identity", q->d->path);
    return 0;
}

/* Whoever was chosen among the successors of one key ends the others: all that was told to them,
 * acknowledged or not, is told to the one. */
static int end_rivals(struct ledger *l, const struct gf_card *c, int64_t now, struct gf_err *e) {
    struct gf_hash *rivals = NULL;
    struct db_query q;
    size_t n = 0;

    int rc = db_list(
        &q,
        db_query(&l->db, &q, e,
                 "SELECT identity FROM agent WHERE agent = ? AND identity <> ? AND forked IS NOT "
                 "NULL",
                 "bb", &c->agent, sizeof c->agent, &c->identity, sizeof c->identity),
        sizeof *rivals, read_identity, &rivals, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc =
            db_run(&l->db, e,
                   "UPDATE agent SET forked = NULL, ended = ?, ending = 'rival' WHERE identity = ?",
                   "ib", now, &rivals[i], sizeof rivals[i]);
        if (rc == 0)
            rc = ledger_tell_anew(l, &rivals[i], 0, now, e);
    }
    free(rivals);
    return rc;
}

int ledger_enrol(struct ledger *l, const struct gf_card *c, unsigned how, const char *grantor,
                 int64_t now, struct gf_err *e) {
    char fingerprint[GF_FINGERPRINT_TEXT];
    struct gf_err why;

    int rc = check_lineage(l, c, how == LEDGER_BY_FINGERPRINT, &why, e);
    if (rc == 1)
        *e = why;
    if (rc != 0 || end_rivals(l, c, now, e) == -1)
        return -1;
    if (db_run(&l->db, e, "DELETE FROM declined WHERE identity = ?", "b", &c->identity,
               sizeof c->identity) == -1 ||
        db_run(&l->db, e,
               "UPDATE agent SET enrolled = ?, forked = NULL, how = ?, grantor = ? WHERE identity "
               "= ?",
               "ittb", now, ledger_hows[how], grantor, &c->identity, sizeof c->identity) == -1)
        return -1;
    gf_card_fingerprint(c, fingerprint);
    return ledger_audit_texts(
        l, now, "enrol",
        (const char *[]){"fingerprint", fingerprint, "how", ledger_hows[how], "by", grantor, NULL},
        e);
}

/* ---- successors ---- */

/* The card that this one says to replace: 1, 0 it is none of its lineage here. */
static int find_predecessor(struct ledger *l, const struct ledger_shown *x, struct gf_card *out,
                            struct gf_err *e) {
    struct db_query q;
    size_t len = 0;

    if (!x->card->has_replaces)
        return 0;
    int rc = db_query(&l->db, &q, e, "SELECT card FROM agent WHERE agent = ? AND identity = ?",
                      "bb", &x->card->agent, sizeof x->card->agent, &x->card->replaces,
                      sizeof x->card->replaces);
    if (rc == 0 && (rc = db_next(&q, e)) == 1) {
        const char *text = db_blob(&q, 0, &len);
        if (gf_card_parse(text, len, "a card in the ledger", out, e) == -1)
            rc = -1;
        else
            rc = gf_card_signed_by(x->text, x->len, &out->sign);
    }
    db_done(&q);
    return rc;
}

static int keep_card(struct ledger *l, const struct ledger_shown *x, int64_t now,
                     struct gf_err *e) {
    char fingerprint[GF_FINGERPRINT_TEXT];

    gf_card_fingerprint(x->card, fingerprint);
    return db_run(
        &l->db, e,
        "INSERT INTO agent (identity, agent, fingerprint, card, seen) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT (identity) DO UPDATE SET card = excluded.card "
        "WHERE enrolled IS NULL AND ended IS NULL",
        "bbtbi", &x->card->identity, sizeof x->card->identity, &x->card->agent,
        sizeof x->card->agent, fingerprint, x->text, x->len, now);
}

/* What was told to the old key and not acknowledged is told to the new one. */
static int succeed(struct ledger *l, const struct ledger_shown *x, const struct gf_card *before,
                   int64_t now, struct gf_err *e) {
    char fingerprint[GF_FINGERPRINT_TEXT];

    gf_card_fingerprint(before, fingerprint);
    if (keep_card(l, x, now, e) == -1 ||
        db_run(&l->db, e,
               "UPDATE agent SET enrolled = NULL, ended = ?, ending = 'replaced' WHERE identity = "
               "?",
               "ib", now, &before->identity, sizeof before->identity) == -1 ||
        ledger_tell_anew(l, &before->identity, INT64_MAX, now, e) == -1)
        return -1;
    return ledger_enrol(l, x->card, LEDGER_BY_PREDECESSOR, fingerprint, now, e);
}

/* Two keys that the same one has signed: one of them belongs to somebody else. */
static int hold_fork(struct ledger *l, const struct ledger_shown *x, int64_t now,
                     struct gf_err *why, struct gf_err *e) {
    char fingerprint[GF_FINGERPRINT_TEXT];

    (void)gf_err_set(why, GF_E_SENDER,
                     "a second successor of one key came: somebody else has that key. Neither is "
                     "trusted until a person has asked the site which is its own, and said: "
                     "gapferry-relay approve FINGERPRINT");
    if (keep_card(l, x, now, e) == -1 ||
        db_run(&l->db, e,
               "UPDATE agent SET forked = ?, enrolled = NULL WHERE agent = ? AND (enrolled IS NOT "
               "NULL OR identity = ?)",
               "ibb", now, &x->card->agent, sizeof x->card->agent, &x->card->identity,
               sizeof x->card->identity) == -1)
        return -1;
    gf_card_fingerprint(x->card, fingerprint);
    return ledger_audit_texts(
        l, now, "forked",
        (const char *[]){"fingerprint", fingerprint, "why", "two successors", NULL}, e);
}

/* 1 it took its predecessor's place, 2 it is held, and *why says why; 0 it is no successor. */
static int try_succession(struct ledger *l, const struct ledger_shown *x, int64_t now,
                          struct gf_err *why, struct gf_err *e) {
    struct gf_card before;
    struct standing s;

    int rc = find_predecessor(l, x, &before, e);
    if (rc != 1)
        return rc;
    if (find(l, &before.identity, &s, e) == -1 || find_revoked(l, &before.identity, &s, e) == -1)
        return -1;
    if (s.revoked || (!s.enrolled && !s.forked && s.ended == 0))
        return 0;
    if (s.enrolled)
        return succeed(l, x, &before, now, e) == -1 ? -1 : 1;
    return hold_fork(l, x, now, why, e) == -1 ? -1 : 2;
}

/* ---- a card came ---- */

/* Who has approved this fingerprint: 1 and his name; 0 nobody has. */
static int find_approval(struct ledger *l, const struct gf_card *c, char user[GF_WORD_MAX + 1],
                         struct gf_err *e) {
    char fingerprint[GF_FINGERPRINT_TEXT];
    struct db_query q;

    gf_card_fingerprint(c, fingerprint);
    int rc = db_query(&l->db, &q, e, "SELECT user FROM approval WHERE fingerprint = ?", "t",
                      fingerprint);
    if (rc == 0 && (rc = db_next(&q, e)) == 1)
        (void)snprintf(user, GF_WORD_MAX + 1, "%s", db_text(&q, 0));
    db_done(&q);
    return rc;
}

/* What it proves, if it is not enrolled: 1 it is now, 0 it is not. user: who has approved it ahead;
 * NULL: nobody has. */
static int try_proofs(struct ledger *l, const struct ledger_shown *x, const char *user, int64_t now,
                      struct gf_err *why, struct gf_err *e) {
    char token[GF_WORD_MAX + 1];

    if (user != NULL)
        return keep_card(l, x, now, e) == 0 &&
                       ledger_enrol(l, x->card, LEDGER_BY_FINGERPRINT, user, now, e) == 0
                   ? 1
                   : -1;
    int rc = ledger_is_declined(l, &x->card->identity, e);
    /* Whoever was declined needs nobody any more: that is no news. */
    if (rc != 0)
        return rc == 1 ? 0 : -1;
    if (x->vendor != NULL)
        return keep_card(l, x, now, e) == 0 &&
                       ledger_enrol(l, x->card, LEDGER_BY_VENDOR, x->vendor, now, e) == 0
                   ? 1
                   : -1;
    rc = x->card->has_token_mac ? ledger_token_use(l, x->card, now, token, why, e) : 0;
    if (rc != 1)
        return rc;
    return keep_card(l, x, now, e) == 0 &&
                   ledger_enrol(l, x->card, LEDGER_BY_TOKEN, token, now, e) == 0
               ? 1
               : -1;
}

/* A stranger's card is remembered, in a table that cannot be filled up. */
static int remember(struct ledger *l, const struct ledger_shown *x, int64_t now, struct gf_err *e) {
    if (db_run(&l->db, e,
               "DELETE FROM agent WHERE enrolled IS NULL AND ended IS NULL AND forked IS NULL AND "
               "row NOT IN (SELECT row FROM agent WHERE enrolled IS NULL AND ended IS NULL AND "
               "forked IS NULL ORDER BY seen DESC, row DESC LIMIT ?)",
               "i", (int64_t)(LEDGER_STRANGERS_MAX - 1)) == -1)
        return -1;
    return keep_card(l, x, now, e);
}

static int show(struct ledger *l, const struct ledger_shown *x, int64_t now, struct gf_err *why,
                struct gf_err *e) {
    const struct gf_card *c = x->card;
    char user[GF_WORD_MAX + 1];
    struct standing s;

    if (find(l, &c->identity, &s, e) == -1)
        return -1;
    if (s.enrolled)
        return 1;
    if (find_revoked(l, &c->identity, &s, e) == -1)
        return -1;
    if (s.ended > 0) {
        say_ended(&s, why);
        return 0;
    }
    if (s.forked) {
        (void)gf_err_set(why, GF_E_SENDER,
                         "two successors of one key came, and a person has to "
                         "choose: gapferry-relay approve FINGERPRINT");
        return 0;
    }
    if (x->keep && !s.known && remember(l, x, now, e) == -1)
        return -1;
    if (c->has_expires && c->expires <= now) {
        (void)gf_err_set(why, GF_E_EXPIRED, "its card has ended; the site needs a new one");
        return 0;
    }
    int rc = try_succession(l, x, now, why, e);
    if (rc != 0)
        return rc == 2 ? 0 : rc;
    int approved = find_approval(l, c, user, e);
    if (approved == -1)
        return -1;
    rc = check_lineage(l, c, approved, why, e);
    if (rc != 0)
        return rc == 1 ? 0 : -1;
    return try_proofs(l, x, approved ? user : NULL, now, why, e);
}

int ledger_show_card(struct ledger *l, const struct ledger_shown *x, int64_t now,
                     struct gf_err *why, struct gf_err *e) {
    *why = (struct gf_err){.code = GF_OK, .text = ""};
    if (x->card->role != GF_ROLE_AGENT || !x->card->has_agent)
        return 0;
    if (db_begin(&l->db, e) == -1)
        return -1;
    return db_end(&l->db, show(l, x, now, why, e), e);
}

/* ---- the end of a lineage ---- */

int ledger_end_lineage(struct ledger *l, const struct gf_id *agent, const char *reason, int64_t now,
                       struct gf_err *e) {
    static const char *const forget[] = {
        "DELETE FROM approval WHERE fingerprint IN (SELECT fingerprint FROM agent WHERE agent = ?)",
        "UPDATE agent SET enrolled = NULL, forked = NULL WHERE agent = ?",
    };

    for (size_t i = 0; i < sizeof forget / sizeof *forget; i++) {
        if (db_run(&l->db, e, forget[i], "b", agent, sizeof *agent) == -1)
            return -1;
    }
    if (db_run(&l->db, e,
               "UPDATE agent SET ended = ?, ending = 'revoked', reason = ? WHERE agent = ?", "itb",
               now, reason, agent, sizeof *agent) == -1)
        return -1;
    return db_run(&l->db, e,
                  "UPDATE response SET lost = ? WHERE agent = ? AND noted IS NOT NULL AND "
                  "acknowledged IS NULL AND lost IS NULL",
                  "ib", now, agent, sizeof *agent);
}

/* The card of a fingerprint that was enrolled once and is not revoked. */
static int find_lineage(struct ledger *l, const char *fingerprint, struct gf_card *out,
                        struct gf_err *e) {
    struct db_query q;
    size_t len = 0;

    int rc = db_query(&l->db, &q, e,
                      "SELECT card FROM agent WHERE fingerprint = ? AND ending IS NOT 'revoked' "
                      "AND (enrolled IS NOT NULL OR forked IS NOT NULL OR ended IS NOT NULL)",
                      "t", fingerprint);
    if (rc == 0 && (rc = db_next(&q, e)) == 1) {
        const char *text = db_blob(&q, 0, &len);
        rc = gf_card_parse(text, len, "a card in the ledger", out, e);
    } else if (rc == 0) {
        rc = gf_err_set(e, GF_E_NOINPUT,
                        "%s: no agent of this fingerprint is enrolled here; one that waits for "
                        "approval is sent away with decline, an approval ahead of the first "
                        "contact is taken back with approve --withdraw",
                        fingerprint);
    }
    db_done(&q);
    return rc;
}

int ledger_revoke(struct ledger *l, const char *fingerprint, const char *reason, const char *user,
                  int64_t now, struct gf_err *e) {
    char spelled[GF_FINGERPRINT_TEXT], kept[GF_REASON_MAX + 1] = "";
    struct gf_card c;

    if (gf_card_fingerprint_spell(fingerprint, spelled) == -1)
        return gf_err_set(e, GF_E_USAGE,
                          "%.64s: not a fingerprint; it has five groups of four, such as "
                          "ABCD-EFGH-IJKL-MNOP-QRST",
                          fingerprint);
    if (reason != NULL)
        ledger_reason(reason, kept);
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = find_lineage(l, spelled, &c, e);
    if (rc == 0)
        rc = ledger_end_lineage(l, &c.agent, reason != NULL ? kept : NULL, now, e);
    if (rc == 0)
        rc = ledger_revoked_save(l, e);
    if (rc == 0)
        rc = ledger_audit_texts(l, now, "revoke",
                                (const char *[]){"fingerprint", spelled, "user", user, "reason",
                                                 reason != NULL ? kept : NULL, NULL},
                                e);
    return db_end(&l->db, rc, e);
}
