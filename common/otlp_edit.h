/*
 * otlp_edit.h -- changes of a request, noted while it is walked and made in one go afterwards.
 */
#ifndef COMMON_OTLP_EDIT_H
#define COMMON_OTLP_EDIT_H

#include <stddef.h>
#include <stdint.h>

#include "common/otlp.h"
#include "common/otlp_deny.h"

#define OTLP_EDIT_CUT UINT32_MAX /* of len: nothing takes the place of what is cut */

/* In the order of `at`. */
struct otlp_edit {
    uint32_t at;  /* offset in the request */
    uint32_t cut; /* bytes that are left out from there */
    uint32_t len; /* the new length of the submessage that begins behind, or OTLP_EDIT_CUT */
};

/* Zeroed at first, but for begin. */
struct otlp_edits {
    const void *begin; /* of the request */
    struct otlp_edit *edit;
    size_t n, room;
    size_t shorter; /* bytes by which they make the request shorter; counted by who adds */
};

/* Add one for the bytes from at to end; -1: no memory. A cut that continues the one before becomes
 * one with it, so that there are never more than there are bytes that stay. */
GF_MUST_CHECK int otlp_edit_add(struct otlp_edits *l, const void *at, const void *end,
                                uint32_t len);
GF_MUST_CHECK int otlp_edit_cut(struct otlp_edits *l, const void *at, const void *end);

/* What a walk has found; zeroed at first, but for what `redacted` is added to. */
struct otlp_found {
    struct otlp_edits edits;
    struct otlp_redacted redacted;
    struct otlp_facts facts;
};

/* How redaction ends after a walk that returned `walked`: append the request of len bytes, edited,
 * to out, and hand over what was found (facts may be NULL); the edits are freed in any case. 1; 0
 * if there is nothing to change, and then nothing is appended; -1: so did the walk, or there is no
 * room in out, and nothing is set. */
GF_MUST_CHECK int otlp_edit_end(struct otlp_found *found, int walked, size_t len,
                                struct gf_buf *out, struct otlp_redacted *redacted,
                                struct otlp_facts *facts, struct gf_err *e);

/* A point's time; 0: it has none. */
static inline void otlp_edit_time(struct otlp_facts *f, uint64_t time) {
    if (time == 0)
        return;
    if (f->earliest == 0 || time < f->earliest)
        f->earliest = time;
    if (time > f->latest)
        f->latest = time;
}

#endif
