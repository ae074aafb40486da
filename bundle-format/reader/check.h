/*
 * check.h -- the lines of a .jsonl member, checked as they pass.
 */
#ifndef READER_CHECK_H
#define READER_CHECK_H

#include "gapferry/bundle.h"

/* Members files/... that lines refer to; they come later in the archive. */
struct gf_refs {
    char (*paths)[sizeof "files/" + GF_MEMBER_NAME_MAX];
    size_t n;
    size_t room;
};

struct gf_check_lines {
    enum gf_member kind;
    int64_t number;      /* lines so far */
    struct gf_buf carry; /* the beginning of a line whose end has not come yet */
    struct gf_refs *refs;
    const struct gf_items_options *o; /* who gets the records */
};

/* Begin a member; refs and o are borrowed. */
void gf_check_begin(struct gf_check_lines *c, enum gf_member kind, struct gf_refs *refs,
                    const struct gf_items_options *o);

/* The member's next bytes. Errors name the member and the line: GF_E_RECORD, GF_E_JSON,
 * GF_E_LIMIT. */
GF_MUST_CHECK int gf_check_data(struct gf_check_lines *c, const char *data, size_t len,
                                struct gf_err *e);

/* The member's end: its last line must be complete. */
GF_MUST_CHECK int gf_check_end(struct gf_check_lines *c, struct gf_err *e);

void gf_check_free(struct gf_check_lines *c);

#endif
