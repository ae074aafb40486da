/*
 * otlp_edit.c -- changes of a request, noted while it is walked and made in one go afterwards.
 */
#include "common/otlp_edit.h"

#include <stdlib.h>
#include <string.h>

#include "common/otlp_put.h"

int otlp_edit_add(struct otlp_edits *l, const void *at, const void *end, uint32_t len) {
    if (l->edit == NULL || l->n == l->room) {
        size_t room = l->room > 0 ? l->room * 2 : 256;
        struct otlp_edit *more = reallocarray(l->edit, room, sizeof *more);
        if (more == NULL)
            return -1;
        l->edit = more;
        l->room = room;
    }
    l->edit[l->n++] = (struct otlp_edit){
        .at = (uint32_t)((const char *)at - (const char *)l->begin),
        .cut = (uint32_t)((const char *)end - (const char *)at),
        .len = len,
    };
    return 0;
}

int otlp_edit_cut(struct otlp_edits *l, const void *at, const void *end) {
    struct otlp_edit *last = l->n > 0 ? &l->edit[l->n - 1] : NULL;

    if (last != NULL && last->len == OTLP_EDIT_CUT &&
        (const char *)l->begin + last->at + last->cut == at) {
        last->cut += (uint32_t)((const char *)end - (const char *)at);
        return 0;
    }
    return otlp_edit_add(l, at, end, OTLP_EDIT_CUT);
}

/* As otlp_edit_end() appends. */
static int write_edited(const struct otlp_edits *l, size_t len, struct gf_buf *out,
                        struct gf_err *e) {
    const uint8_t *begin = l->begin, *from = begin;

    if (l->n == 0)
        return 0;
    /* All at once: the edits say to the byte how long it becomes. */
    uint8_t *to = (uint8_t *)gf_buf_grow(out, len - l->shorter);
    if (gf_buf_check(out, "redaction", e) == -1 || to == NULL)
        return -1;
    for (size_t i = 0; i < l->n; i++) {
        const struct otlp_edit *edit = &l->edit[i];
        size_t n = (size_t)(begin + edit->at - from);
        memcpy(to, from, n);
        to += n;
        from += n + edit->cut;
        if (edit->len != OTLP_EDIT_CUT)
            to += otlp_put_encode(edit->len, to);
    }
    memcpy(to, from, (size_t)(begin + len - from));
    out->len += len - l->shorter;
    return 1;
}

int otlp_edit_end(struct otlp_found *found, int walked, size_t len, struct gf_buf *out,
                  struct otlp_redacted *redacted, struct otlp_facts *facts, struct gf_err *e) {
    int rc = walked == 0 ? write_edited(&found->edits, len, out, e) : -1;

    if (rc != -1) {
        *redacted = found->redacted;
        if (facts != NULL)
            *facts = found->facts;
    }
    free(found->edits.edit);
    found->edits.edit = NULL;
    return rc;
}
