/*
 * thin_body.h -- the bodies of several records of metrics as the bodies of a few new ones, from
 * which points were left out (thin_choice.h). What stays keeps its bytes: of a request in JSON,
 * those that it has in protobuf.
 */
#ifndef AGENT_THIN_BODY_H
#define AGENT_THIN_BODY_H

#include "common/otlp.h"

enum thin_form {
    THIN_OTLP, /* becomes application/x-protobuf */
    THIN_LINES /* text/x-influx-line */
};
extern const char *const thin_body_types[]; /* by enum thin_form */

/* What was added, one behind the other: requests together are a request, lines are lines. */
struct thin_body {
    enum thin_form form;
    struct gf_buf text;
};

/* Which form bodies of a media type have: 1 and *out, or 0: none of the two. */
int thin_body_form(const char *type, enum thin_form *out);

/* Begin; what is added comes to at most max bytes. Release with thin_body_close(). */
void thin_body_open(struct thin_body *b, enum thin_form form, size_t max);
void thin_body_close(struct thin_body *b);

/* Add a body: 1; 0: it is not what its type says, and b is as it was; -1: want of memory. */
GF_MUST_CHECK int thin_body_add(struct thin_body *b, const char *type, const char *data, size_t len,
                                struct gf_err *e);

struct thin_piece {
    const char *data; /* in thin_pieces.text */
    size_t len;
    struct otlp_facts facts;
};
struct thin_pieces {
    struct gf_buf text;
    struct thin_piece *list;
    size_t n;
    uint64_t left;        /* points that were left out, */
    uint64_t first, last; /* and their times: nanoseconds since 1970 */
};
#define THIN_BODY_PIECES 256 /* of more than so many nothing is made: GF_E_LIMIT */

/* Thin to one point for `every` seconds, and cut what stays into bodies that take at most `room`
 * bytes of a line, as base64 or as text: as many as there have to be, none if nothing was added.
 * GF_E_LIMIT: a point by itself is larger. Release *out with thin_body_free() in any case. */
GF_MUST_CHECK int thin_body_thin(const struct thin_body *b, int64_t every, size_t room,
                                 struct thin_pieces *out, struct gf_err *e);
void thin_body_free(struct thin_pieces *p);

#endif
