/*
 * out.h -- what a command prints: facts, as lines of text for people or as members of one JSON
 * object for programs.
 *
 * A command fills its result and prints it in one go at its end, so that a failure half way leaves
 * nothing on standard output that looks like a result.
 */
#ifndef COMMON_OUT_H
#define COMMON_OUT_H

#include <stdint.h>

#include "common/options.h"
#include "gapferry/buf.h"
#include "gapferry/card.h"

struct out {
    struct gf_buf b;
    int json; /* 1: an object; 0: text */
    int comma;
};

/* The options' table has "json". */
void out_begin(struct out *t, const struct options *o);

/* JSON only; name NULL within an array; value NULL is null. Foreign text is exact for who
 * parses it, and cannot act on the terminal of who looks. */
void out_str(struct out *t, const char *name, const char *value);
void out_int(struct out *t, const char *name, int64_t value);
void out_bool(struct out *t, const char *name, int value);
/* Seconds since 1970 as RFC 3339; null unless `has`. */
void out_time(struct out *t, const char *name, int has, int64_t at);
/* JSON of the caller's own. */
void out_raw(struct out *t, const char *name, const char *json, size_t len);
/* Begin and end an object or array. */
void out_open(struct out *t, const char *name, char bracket);
void out_close(struct out *t, char bracket);
/* Fingerprint, role, name and identity, as an object. */
void out_card(struct out *t, const char *name, const struct gf_card *c);

/* Text only; cut after 4,095 bytes. */
void out_text(struct out *t, const char *fmt, ...) GF_PRINTF(2, 3);
/* Text only: somebody else's words, escaped. */
void out_safe(struct out *t, const char *text);

/* Print what there is so far: for what may be long. Whether standard output took it is looked at
 * once, at the end of the program. */
void out_flush(struct out *t);
/* Print the rest and release. GF_E_SYSTEM if it did not fit into memory. */
GF_MUST_CHECK int out_end(struct out *t, struct gf_err *e);
void out_free(struct out *t);

#endif
