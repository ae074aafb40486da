/*
 * body_lines.c -- lines of the Influx line protocol become the body of a record.
 */
#include "agent/body_lines.h"

#include <string.h>

#include "common/influx_redact.h"

static int refuse(enum body_no *no, enum body_no why) {
    *no = why;
    return -1;
}

/* "unable to parse" is what clients of InfluxDB look for: such a body never comes in. */
static int refuse_broken(const struct influx_redacted *r, enum body_no *no, struct gf_err *e) {
    (void)gf_err_set(e, GF_E_RECORD, "unable to parse line %llu: %.300s%s",
                     (unsigned long long)r->first, r->why.text,
                     r->broken > 1 ? ", and other lines" : "");
    return refuse(no, BODY_NO_FORM);
}

static void put_partial(const struct influx_redacted *r, struct gf_buf *out) {
    const unsigned long long dropped = r->broken + r->emptied;

    gf_buf_text(out, "partial write: ");
    if (r->broken > 0)
        gf_buf_printf(out, "unable to parse line %llu: %s%s", (unsigned long long)r->first,
                      r->why.text, r->broken > 1 ? ", and other lines" : "");
    if (r->emptied > 0)
        gf_buf_printf(out, "%sthe list (deny) of the channel leaves nothing of %llu lines",
                      r->broken > 0 ? "; " : "", (unsigned long long)r->emptied);
    gf_buf_printf(out, " dropped=%llu", dropped);
}

int body_lines_take(const struct body *b, struct body_kept *k, enum body_no *no, struct gf_err *e) {
    const int whole = b->path != BODY_LINES;
    const struct influx_rule rule = {
        .deny = b->deny, .unit = whole ? INFLUX_LINE_NS : b->unit, .arrived = b->arrived};
    struct influx_redacted r = {.lines = 0};

    gf_buf_init(&k->room, INFLUX_REDACT_ROOM(b->len));
    int changed = influx_redact(b->data, b->len, &rule, &k->room, &r, e);
    if (changed == -1)
        return refuse(no, BODY_NO_MEMORY);
    if (r.broken > 0 && (whole || r.lines == 0))
        return refuse_broken(&r, no, e);
    if (whole && r.lines + r.emptied == 0) {
        (void)gf_err_set(e, GF_E_RECORD, "there is no line in it");
        return refuse(no, BODY_NO_FORM);
    }
    if (r.emptied > 0 && r.lines == 0) {
        (void)gf_err_set(e, GF_E_CONSENT, "the list (deny) of the channel leaves nothing of it");
        return refuse(no, BODY_NO_RULE);
    }
    if (r.broken + r.emptied > 0 && !whole)
        put_partial(&r, &k->partial);
    otlp_redacted_names(&r.gone, &k->dropped);
    k->denied = r.gone.total;
    k->empty = r.lines == 0;
    k->data = changed ? k->room.data : b->data;
    k->len = changed ? k->room.len : b->len;
    if (k->data == NULL)
        k->data = "";
    k->metrics = 1;
    k->facts = r.facts;
    k->cuttable = !whole;
    return 0;
}
