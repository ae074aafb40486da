/*
 * otlp_walk.h -- the one pass over a request in protobuf that otlp_check() and otlp_redact() make.
 */
#ifndef COMMON_OTLP_WALK_H
#define COMMON_OTLP_WALK_H

#include "common/otlp_edit.h"
#include "common/otlp_path.h"
#include "common/otlp_wire.h"

struct otlp_walk {
    const struct otlp_deny *deny; /* NULL: everything may leave, and no edits are made */
    struct otlp_found found;      /* for otlp_edit_end(), where there may be edits */
    const char *why;              /* the rule that was broken */
    struct otlp_path path;
};

GF_MUST_CHECK int otlp_walk(struct otlp_walk *w, const void *data, size_t len, struct gf_err *e);

#endif
