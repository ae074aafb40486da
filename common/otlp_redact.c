/*
 * otlp_redact.c -- take attributes out of a request in protobuf; nothing else changes by a byte.
 */
#include "common/otlp_redact.h"

#include <stdlib.h>
#include <string.h>

#include "common/otlp_put.h"
#include "common/otlp_walk.h"

/* Write the request with the walk's edits made: just so many bytes as it gets shorter by cut. */
static void write_edited(const struct otlp_walk *w, size_t len, uint8_t *to) {
    const uint8_t *from = w->begin;

    for (size_t i = 0; i < w->nedits; i++) {
        const struct otlp_edit *edit = &w->edits[i];
        size_t n = (size_t)(w->begin + edit->at - from);
        memcpy(to, from, n);
        to += n;
        from += n + edit->cut;
        if (edit->len != OTLP_EDIT_CUT)
            to += otlp_put_encode(edit->len, to);
    }
    memcpy(to, from, (size_t)(w->begin + len - from));
}

int otlp_redact(const void *data, size_t len, const struct otlp_deny *deny, struct gf_buf *out,
                struct otlp_redacted *redacted, struct otlp_facts *facts, struct gf_err *e) {
    struct otlp_redacted found = *redacted;
    struct otlp_walk w = {.deny = deny, .redacted = &found};
    size_t cut;
    int rc = -1;

    if (otlp_walk(&w, data, len, &cut, e) == -1)
        goto out;
    if (cut > 0) {
        char *to = gf_buf_grow(out, len - cut);
        if (gf_buf_check(out, "redaction", e) == -1 || to == NULL)
            goto out;
        write_edited(&w, len, (uint8_t *)to);
        out->len += len - cut;
    }
    *redacted = found;
    if (facts != NULL)
        *facts = w.facts;
    rc = cut > 0;

out:
    free(w.edits);
    return rc;
}
