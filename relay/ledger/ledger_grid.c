/*
 * ledger_grid.c -- records that were given onward to the manager's own agent.
 */
#include "relay/ledger/ledger_grid.h"

#include "relay/ledger/ledger_internal.h"

/*
 * returned     how far each file of the returns was read
 * policy       what is asked of nodes; whose: enum ledger_whose
 * notice       what holds of all that for a channel, and is told: a new row for each change
 * notice_told  which node was told, by which response
 */
const char ledger_grid_schema[] =
    "CREATE TABLE returned (name TEXT PRIMARY KEY NOT NULL, at INTEGER NOT NULL) STRICT;"

    "CREATE TABLE policy (channel TEXT NOT NULL, whose INTEGER NOT NULL, denied INTEGER NOT NULL,"
    " airgap INTEGER NOT NULL, PRIMARY KEY (channel, whose)) STRICT;"
    "CREATE TABLE notice (n INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL UNIQUE,"
    " denied INTEGER NOT NULL, airgap INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE notice_told (notice INTEGER NOT NULL, agent BLOB NOT NULL,"
    " told_by INTEGER NOT NULL REFERENCES response (row), PRIMARY KEY (notice, agent)) STRICT;"
    "CREATE INDEX notice_told_by ON notice_told (told_by);";

int ledger_onward(struct ledger *l, int64_t row, int64_t now, struct gf_err *e) {
    return db_run(&l->db, e,
                  "UPDATE record SET state = ?, reason = NULL, since = ?, due = NULL, asked = 0 "
                  "WHERE row = ? AND state = ?",
                  "iiii", (int64_t)LEDGER_ONWARD, now, row, (int64_t)LEDGER_SENDING);
}

/* ---- what comes back ---- */

/* The row of a record that is not at an end: 1, 0 there is none. */
static int find_open(struct ledger *l, const struct gf_id *node, const struct gf_id *record,
                     int64_t *row, struct gf_err *e) {
    if (db_number(&l->db, row, 0, e,
                  "SELECT row FROM record WHERE agent = ? AND id = ? AND state < ?", "bbi", node,
                  sizeof *node, record, sizeof *record, (int64_t)LEDGER_DELIVERED) == -1)
        return -1;
    return *row > 0;
}

int ledger_returned(struct ledger *l, const struct gf_id *node, const struct gf_receipt *receipt,
                    int64_t now, struct gf_err *e) {
    static const enum ledger_state states[] = {[GF_STATE_RELAYED] = LEDGER_ONWARD,
                                               [GF_STATE_DELIVERED] = LEDGER_DELIVERED,
                                               [GF_STATE_REJECTED] = LEDGER_REJECTED,
                                               [GF_STATE_EXPIRED] = LEDGER_EXPIRED};
    char reason[GF_REASON_MAX + 1];
    int64_t row = 0;

    if (receipt->state == GF_STATE_RELAYED)
        return 0;
    int found = find_open(l, node, &receipt->record, &row, e);
    if (found != 1)
        return found;
    if (receipt->reason != NULL)
        ledger_reason(receipt->reason, reason);
    if (db_run(&l->db, e,
               "UPDATE record SET state = ?, receipt = ?, guarantee = ?, reason = ?, since = ?, "
               "due = NULL WHERE row = ?",
               "iiitii", (int64_t)states[receipt->state], (int64_t)receipt->state,
               (int64_t)receipt->guarantee, receipt->reason != NULL ? reason : NULL, now,
               row) == -1)
        return -1;
    return 1;
}

int ledger_returned_hold(struct ledger *l, const struct gf_id *node, const struct gf_id *record,
                         const char *reason, int64_t now, struct gf_err *e) {
    int64_t row = 0;
    int found = find_open(l, node, record, &row, e);

    if (found != 1)
        return found;
    return ledger_held(l, row, reason, now, e) == -1 ? -1 : 1;
}

int ledger_returned_answer(struct ledger *l, const struct gf_id *node, const struct gf_answer *a,
                           struct gf_err *e) {
    const struct ledger_answer answer = {.status = a->status,
                                         .headers = a->headers,
                                         .nheaders = a->nheaders,
                                         .body = a->body.data,
                                         .len = a->body.len};
    int64_t row = 0;

    if (a->body.form != GF_BODY_TEXT)
        return 0;
    int found = find_open(l, node, &a->record, &row, e);
    if (found != 1)
        return found;
    return ledger_answer_keep(l, row, &answer, e);
}

/* ---- how far the returns were read ---- */

int ledger_return_cursor(struct ledger *l, const char *file, int64_t *at, struct gf_err *e) {
    return db_number(&l->db, at, 0, e, "SELECT at FROM returned WHERE name = ?", "t", file);
}

int ledger_return_read(struct ledger *l, const char *file, int64_t at, struct gf_err *e) {
    return db_run(&l->db, e,
                  "INSERT INTO returned (name, at) VALUES (?, ?) "
                  "ON CONFLICT (name) DO UPDATE SET at = excluded.at",
                  "ti", file, at);
}

int ledger_return_forget(struct ledger *l, const char *file, struct gf_err *e) {
    return db_run(&l->db, e, "DELETE FROM returned WHERE name = ?", "t", file);
}
