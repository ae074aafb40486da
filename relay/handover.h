/*
 * handover.h -- records from the child that reads payloads to the process that has the ledger.
 *
 * The child parses what a stranger wrote, so what it says counts as hostile, too: a record is a
 * fixed struct with lengths, then its texts, each with a NUL; every length is bounded and every
 * text checked for its form before it is handed on. Lies of a child that a sender has subverted
 * concern records of that sender alone, who could have said the same in his bundle: whose records
 * they are is never taken from here.
 */
#ifndef RELAY_HANDOVER_H
#define RELAY_HANDOVER_H

#include "gapferry/record.h"

struct handover_record {
    struct gf_id id;       /* a UUID of version 7 or 8 */
    struct gf_hash digest; /* of the body; all zeroes where it is a file */
    const char *channel;   /* a word */
    const char *product;   /* UTF-8, 1 to GF_WORD_MAX bytes, or NULL */
    int answer;            /* 1: an answer is wanted */
    const char *file;      /* a member's path files/..., or NULL: the body is in the line */
    const char *line;      /* one line without its LF, 2 to GF_LINE_MAX - 1 bytes */
    size_t len;
};

/* Gathered until enough for one write; init, then free. */
struct handover_out {
    int fd; /* borrowed */
    struct gf_buf b;
};
void handover_out_init(struct handover_out *o, int fd);
void handover_out_free(struct handover_out *o);
/* A parsed record, with its line, with or without LF. The last ones are written by
 * handover_flush(). */
GF_MUST_CHECK int handover_put(struct handover_out *o, const struct gf_record *r, const char *line,
                               size_t len, struct gf_err *e);
GF_MUST_CHECK int handover_flush(struct handover_out *o, struct gf_err *e);

struct handover_in {
    int fd; /* borrowed */
    char *buf;
    size_t start, end, room;
};
void handover_in_init(struct handover_in *in, int fd);
void handover_in_free(struct handover_in *in);
/* 1 and a record, borrowed until the next call; 0 at the end; -1: GF_E_RECORD where the form is
 * wrong or it ends within a record, GF_E_SYSTEM. */
GF_MUST_CHECK int handover_next(struct handover_in *in, struct handover_record *out,
                                struct gf_err *e);

#endif
