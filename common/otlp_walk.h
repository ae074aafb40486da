/*
 * otlp_walk.h -- the one pass over a request in protobuf that otlp_check() and otlp_redact() make.
 */
#ifndef COMMON_OTLP_WALK_H
#define COMMON_OTLP_WALK_H

#include "common/otlp.h"
#include "common/otlp_path.h"
#include "common/otlp_wire.h"

struct otlp_deny;
struct otlp_redacted;

#define OTLP_EDIT_CUT UINT32_MAX /* of len: nothing takes the place of what is cut */

/* A change of the request; in the order of `at` they are the redacted one. */
struct otlp_edit {
    uint32_t at;  /* offset in the request */
    uint32_t cut; /* bytes that are left out from there */
    uint32_t len; /* the new length of the submessage that begins behind, or OTLP_EDIT_CUT */
};

struct otlp_walk {
    const uint8_t *begin;
    const struct otlp_deny *deny;   /* NULL: everything may leave, and no edits are made */
    struct otlp_redacted *redacted; /* where deny is not NULL */
    struct otlp_edit *edits;        /* the caller's to free */
    size_t nedits, room;
    struct otlp_facts facts;
    const char *why; /* the rule that was broken */
    struct otlp_path path;
};

/* Walk data[0 .. len-1]; *cut is set to the bytes by which the edits make it shorter. */
GF_MUST_CHECK int otlp_walk(struct otlp_walk *w, const uint8_t *data, size_t len, size_t *cut,
                            struct gf_err *e);

#endif
