/*
 * lost.h -- what a sender's declared policy has dropped before it could leave: `ext.lost` in the
 * contents.json of a request (bundle-format.md, "Loss").
 */
#ifndef GAPFERRY_LOST_H
#define GAPFERRY_LOST_H

#include "gapferry/buf.h"
#include "gapferry/limits.h"
#include "gapferry/text.h"

#define GF_LOST_MAX 256 /* entries in one bundle */

struct gf_lost {
    struct gf_id id; /* of this loss: told again it counts once, with the larger number */
    char channel[GF_WORD_MAX + 1];
    char policy[GF_WORD_MAX + 1]; /* a word, such as drop-oldest */
    int64_t records;              /* 1 or more */
    /* `created` of the earliest and the latest of them; where they were thinned (thin-...), the
     * earliest and the latest time of a point that was left out; seconds */
    int64_t from, to;
};

/* Append the object that becomes `ext`: {"lost":[...]}, entries in their order. */
void gf_lost_write(const struct gf_lost *list, size_t n, struct gf_buf *out);

/*
 * The entries that a contents.json states; *n 0 where it states none. Other members of `ext`, and
 * of an entry, are ignored. GF_E_CONTENTS, GF_E_JSON, GF_E_LIMIT where `lost` has not the form
 * above: the bundle is valid all the same, and what it says of loss is not known. free().
 */
GF_MUST_CHECK int gf_lost_parse(const char *contents, size_t len, struct gf_lost **out, size_t *n,
                                struct gf_err *e);

#endif
