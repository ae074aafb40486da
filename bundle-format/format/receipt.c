/*
 * receipt.c -- the lines of receipts.jsonl: what became of a record.
 */
#include "gapferry/record.h"

#include <stdlib.h>
#include <string.h>

#include "format/line.h"
#include "format/put.h"

const char *const gf_record_states[] = {"relayed", "delivered", "rejected", "expired", NULL};

/* Indexed by enum gf_guarantee; none is JSON's null. */
static const char *const guarantees[] = {NULL, "effectively-once", "at-least-once"};

/* The rules of the fields, whether they were parsed or are to be written. */
static int check(const struct gf_receipt *r, struct gf_err *e) {
    int failed = r->state == GF_STATE_REJECTED || r->state == GF_STATE_EXPIRED;
    int delivered = r->state == GF_STATE_DELIVERED;

    if (gf_line_is_uuid(&r->record, "receipt: record", e) == -1)
        return -1;
    if (!failed && !delivered && r->state != GF_STATE_RELAYED)
        return gf_err_set(e, GF_E_RECORD, "receipt: state is none of those known");
    if (r->guarantee != GF_GUARANTEE_NONE && r->guarantee != GF_GUARANTEE_ONCE &&
        r->guarantee != GF_GUARANTEE_LEAST)
        return gf_err_set(e, GF_E_RECORD, "receipt: guarantee is none of those known");
    if (failed && r->reason == NULL)
        return gf_err_set(e, GF_E_RECORD, "receipt: '%s' needs a reason",
                          gf_record_states[r->state]);
    if (delivered != (r->guarantee != GF_GUARANTEE_NONE))
        return gf_err_set(e, GF_E_RECORD, "receipt: '%s' %s a guarantee",
                          gf_record_states[r->state], delivered ? "needs" : "cannot have");
    if (r->reason != NULL &&
        gf_line_is_text(r->reason, 1, GF_REASON_MAX, "receipt: reason", e) == -1)
        return -1;
    return gf_line_is_time(r->at, "receipt: at", e);
}

static void read_guarantee(struct gf_line *l, enum gf_guarantee *out) {
    const char *text = NULL;

    if (gf_line_str_opt(l, "guarantee", 1, GF_WORD_MAX, &text) != 1)
        return;
    if (strcmp(text, guarantees[GF_GUARANTEE_ONCE]) == 0)
        *out = GF_GUARANTEE_ONCE;
    else if (strcmp(text, guarantees[GF_GUARANTEE_LEAST]) == 0)
        *out = GF_GUARANTEE_LEAST;
    else
        gf_line_fail(l, GF_E_RECORD, "guarantee must be null, effectively-once or at-least-once");
}

int gf_receipt_parse(const char *line, size_t len, struct gf_receipt *out, struct gf_err *e) {
    struct gf_receipt r;
    struct gf_line l;
    int state = 0;

    memset(&r, 0, sizeof r);
    memset(out, 0, sizeof *out);
    if (gf_line_open(line, len, "receipt", &l, e) == -1)
        return -1;

    gf_line_uuid(&l, "record", &r.record);
    gf_line_hex(&l, "digest", r.digest.b, sizeof r.digest.b);
    gf_line_enum(&l, "state", gf_record_states, &state);
    gf_line_str_opt(&l, "reason", 1, GF_REASON_MAX, &r.reason);
    read_guarantee(&l, &r.guarantee);
    gf_line_time(&l, "at", &r.at);
    r.state = (enum gf_state)state;

    if (gf_line_close(&l, &r.owned, e) == -1)
        return -1;
    if (check(&r, e) == -1) {
        gf_receipt_free(&r);
        return -1;
    }
    *out = r;
    return 0;
}

int gf_receipt_write(const struct gf_receipt *r, struct gf_buf *out, struct gf_err *e) {
    size_t start = out->len;

    if (check(r, e) == -1)
        return -1;
    gf_buf_byte(out, '{');
    gf_put_uuid(out, "record", &r->record);
    gf_put_hex(out, "digest", r->digest.b, sizeof r->digest.b);
    gf_put_str(out, "state", gf_record_states[r->state]);
    gf_put_str(out, "reason", r->reason);
    gf_put_str(out, "guarantee", guarantees[r->guarantee]);
    gf_put_time(out, "at", 1, r->at);
    gf_buf_text(out, "}\n");
    return gf_line_check(out, start, "receipt", e);
}

void gf_receipt_free(struct gf_receipt *r) {
    if (r == NULL)
        return;
    free(r->owned);
    memset(r, 0, sizeof *r);
}
