/*
 * ledger_notice.c -- what this grid's manager asks of its nodes, and who was told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/json.h"
#include "relay/ledger/ledger_grid.h"
#include "relay/ledger/ledger_internal.h"

static int read_policy(const struct db_query *q, struct grid_policy *p, struct gf_err *e) {
    *p = (struct grid_policy){.denied = db_int(q, 1) != 0, .airgap = (int)db_int(q, 2)};
    (void)snprintf(p->channel, sizeof p->channel, "%s", db_text(q, 0));
    if (p->airgap >= 0 && p->airgap <= 2)
        return 0;
    return gf_err_set(e, GF_E_DAMAGED, "%s: a notice that says nothing", q->d->path);
}

/* What holds for a channel from now on, and who has asked for another thing than before. */
static int audit(struct ledger *l, const char *channel, const char *user, int64_t now,
                 struct gf_err *e) {
    struct grid_policy p = {.airgap = 0};
    struct db_query q;
    struct gf_buf b;

    int found =
        db_query(&l->db, &q, e, "SELECT channel, denied, airgap FROM notice WHERE channel = ?", "t",
                 channel);
    if (found == 0 && (found = db_next(&q, e)) == 1 && read_policy(&q, &p, e) == -1)
        found = -1;
    db_done(&q);
    if (found != 1)
        return found;
    gf_buf_init(&b, 4096);
    gf_buf_text(&b, "\"policy\":");
    grid_policy_write(&p, &b);
    gf_buf_text(&b, user != NULL ? ",\"user\":" : ",\"user\":null");
    if (user != NULL)
        gf_json_put_shown(&b, user, strlen(user));
    int rc = gf_buf_check(&b, "a notice", e);
    if (rc == 0)
        rc = ledger_audit(l, now, "notice", b.data, e);
    gf_buf_free(&b);
    return rc;
}

/* What holds is the stricter of all that is asked for; 1 if that has changed. */
static int renew(struct ledger *l, const char *channel, int64_t now, struct gf_err *e) {
    int64_t before = 0;

    /* Agents tell by its time which of two is the later one, whatever clocks do. */
    if (db_number(&l->db, &before, 0, e, "SELECT at FROM notice WHERE channel = ?", "t", channel) ==
        -1)
        return -1;
    if (db_run(&l->db, e,
               "DELETE FROM notice WHERE channel = ?1 AND (denied, airgap) IS NOT (SELECT "
               "max(denied), max(airgap) FROM policy WHERE channel = ?1)",
               "t", channel) == -1 ||
        db_run(&l->db, e,
               "INSERT INTO notice (channel, denied, airgap, at) SELECT ?1, max(denied), "
               "max(airgap), ?2 FROM policy WHERE channel = ?1 HAVING NOT EXISTS (SELECT 1 FROM "
               "notice WHERE channel = ?1)",
               "ti", channel, now > before ? now : before + 1) == -1)
        return -1;
    return db_changes(&l->db) > 0;
}

int ledger_policy(struct ledger *l, enum ledger_whose whose, const struct grid_policy *p,
                  const char *user, int64_t now, struct gf_err *e) {
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc =
        db_run(&l->db, e,
               "INSERT INTO policy (channel, whose, denied, airgap) VALUES (?, ?, ?, ?) ON "
               "CONFLICT DO UPDATE SET denied = excluded.denied, airgap = excluded.airgap WHERE "
               "(denied, airgap) IS NOT (excluded.denied, excluded.airgap)",
               "tiii", p->channel, (int64_t)whose, (int64_t)(p->denied != 0), (int64_t)p->airgap);
    int asked = rc == 0 && db_changes(&l->db) > 0;
    int changed = rc == 0 ? renew(l, p->channel, now, e) : -1;
    if (changed != -1 && asked && audit(l, p->channel, user, now, e) == -1)
        changed = -1;
    return db_end(&l->db, changed, e);
}

int ledger_notices(struct ledger *l, const struct gf_id *agent, ledger_each_notice *fn, void *arg,
                   struct gf_err *e) {
    struct grid_policy p;
    struct gf_buf data;
    struct db_query q;

    gf_buf_init(&data, 1024);
    int rc = db_query(&l->db, &q, e,
                      "SELECT channel, denied, airgap, at, n FROM notice WHERE NOT EXISTS (SELECT "
                      "1 FROM notice_told WHERE notice = notice.n AND agent = ?) ORDER BY n",
                      "b", agent, sizeof *agent);
    while (rc == 0 && (rc = db_next(&q, e)) == 1) {
        rc = read_policy(&q, &p, e);
        gf_buf_clear(&data);
        grid_policy_write(&p, &data);
        if (rc == 0)
            rc = fn(arg, db_int(&q, 4),
                    &(struct gf_notice){.type = "policy", .at = db_int(&q, 3), .data = data.data},
                    e);
    }
    db_done(&q);
    gf_buf_free(&data);
    return rc == -1 ? -1 : 0;
}

static int read_asked(const struct db_query *q, void *element, struct gf_err *e) {
    struct ledger_asked *a = element;

    a->at = db_int(q, 3);
    a->nodes = db_int(q, 4);
    a->have = db_int(q, 5);
    return read_policy(q, &a->policy, e);
}

int ledger_policies(struct ledger *l, struct ledger_asked **out, size_t *n, struct gf_err *e) {
    struct db_query q;

    return db_list(
        &q,
        db_query(
            &l->db, &q, e,
            "SELECT channel, denied, airgap, at, (SELECT count(DISTINCT agent) FROM agent WHERE "
            "enrolled IS NOT NULL), (SELECT count(DISTINCT t.agent) FROM notice_told AS t JOIN "
            "response AS r ON r.row = t.told_by JOIN agent AS a ON a.agent = t.agent WHERE "
            "t.notice = "
            "notice.n AND r.acknowledged IS NOT NULL AND a.enrolled IS NOT NULL) FROM notice ORDER "
            "BY "
            "channel",
            ""),
        sizeof **out, read_asked, out, n, e);
}
