/*
 * influx_redact.h -- lines as a record holds them: without what a deny-list names, and each with a
 * time in nanoseconds.
 *
 * A tag goes that the list names, and a field that it names if its value is a string: a number
 * under such a name counts something. A line that has no field left goes, and so do comments and
 * blank lines, since no rule can judge what they say. A time in another unit is written in
 * nanoseconds, and a line without one gets that of its arrival. All that stays is as it was, byte
 * for byte, but for blanks around what changed and the CR of CR LF.
 */
#ifndef COMMON_INFLUX_REDACT_H
#define COMMON_INFLUX_REDACT_H

#include "common/influx_line.h"
#include "common/otlp_deny.h"

struct influx_rule {
    const struct otlp_deny *deny;
    uint64_t unit;    /* of the times that come: influx_line_unit() */
    uint64_t arrived; /* nanoseconds since 1970 */
};

/* Bytes of `out` that len bytes of lines may become: the shortest line gets the longest time. */
#define INFLUX_REDACT_ROOM(len) (5 * (len) + 64)

/* What became of the lines. Zeroed at first. */
struct influx_redacted {
    struct otlp_redacted gone; /* tags and fields */
    struct otlp_facts facts;   /* of what stays */
    uint64_t lines;            /* that stay */
    uint64_t emptied;          /* that went, since the list left no field of them */
    uint64_t broken;           /* that are not well-formed, and went */
    uint64_t first;            /* the number of the first of these, from 1 */
    struct gf_err why;         /* what is wrong with it */
};

/* Append to out what is left. 1: something changed; 0: nothing did, the text itself is the result,
 * and out is as it was; -1: GF_E_SYSTEM or GF_E_LIMIT, out has no room. What may leave is in what
 * is left, however many lines are broken. */
GF_MUST_CHECK int influx_redact(const void *data, size_t len, const struct influx_rule *rule,
                                struct gf_buf *out, struct influx_redacted *redacted,
                                struct gf_err *e);

#endif
