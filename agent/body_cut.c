/*
 * body_cut.c -- metrics that no line can hold, as several requests that lines can hold.
 */
#include "agent/body_cut.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/otlp_json.h"
#include "common/otlp_split.h"
#include "gapferry/limits.h"
#include "gapferry/text.h"

static int add_end(struct body_kept *k, size_t end, struct gf_err *e) {
    size_t *more = reallocarray(k->ends, k->nends + 1, sizeof *more);

    if (more == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for the parts of a request");
    k->ends = more;
    k->ends[k->nends++] = end;
    return 0;
}

/* All parts, one behind the other. */
static int split(struct body_kept *k, struct otlp_split *s, struct gf_buf *parts,
                 struct gf_err *e) {
    uint64_t points;
    int rc;

    while ((rc = otlp_split_next(s, parts, &points, e)) == 1)
        if (add_end(k, parts->len, e) == -1)
            return -1;
    return rc;
}

/* The metric's name is somebody else's words. */
static void tell_refused(struct body_kept *k, const struct otlp_split *s) {
    struct otlp_span name;

    uint64_t refused = otlp_split_too_large(s, &name);
    if (refused == 0)
        return;
    k->refused += refused;
    gf_buf_clear(&k->partial);
    gf_buf_printf(&k->partial,
                  "%" PRIu64 " data points are larger than a record, each with what stands around "
                  "it; one is of metric ",
                  k->refused);
    gf_buf_add(&k->partial, name.at,
               gf_text_fit((const char *)name.at, (size_t)(name.end - name.at), 200));
}

int body_cut(struct body_kept *k, const char *type, size_t most, struct gf_err *e) {
    struct otlp_split *s = NULL;
    struct gf_buf protobuf, parts;
    const char *data = k->data;
    size_t len = k->len;
    int rc = -1;

    gf_buf_init(&protobuf, k->len + 16);
    gf_buf_init(&parts, BODY_CUT_MAX);
    k->nends = 0;
    if (k->type == NULL && body_is(type, "application/json")) {
        if (otlp_json_to_protobuf(k->data, k->len, &protobuf, e) == -1)
            goto out;
        data = protobuf.data;
        len = protobuf.len;
    }
    if (otlp_split_new(data, len, most, UINT64_MAX, &s, e) == -1 || split(k, s, &parts, e) == -1)
        goto out;
    tell_refused(k, s);
    gf_buf_free(&k->room);
    k->room = parts;
    k->data = parts.len > 0 ? parts.data : "";
    k->len = parts.len;
    k->empty = parts.len == 0;
    k->type = "application/x-protobuf";
    gf_buf_init(&parts, 0);
    rc = 0;
out:
    k->nends = rc == 0 ? k->nends : 0;
    otlp_split_free(s);
    gf_buf_free(&protobuf);
    gf_buf_free(&parts);
    return rc;
}
