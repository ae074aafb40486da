/*
 * record_lines.h -- many records at once: one JSON body per line (`record --jsonl`).
 */
#ifndef AGENT_RECORD_LINES_H
#define AGENT_RECORD_LINES_H

#include "agent/agent.h"

/* Records that become durable together. */
#define RECORD_LINES_BATCH 1000

struct record_lines {
    int64_t records;       /* accepted, durably */
    int64_t redacted;      /* of them, lines that the rules took something out of */
    int64_t denied;        /* attributes that the deny-list took out of them */
    int spoilt;            /* 1: the next line itself is what cannot be taken */
    struct gf_buf dropped; /* the names that it took out of the first of those */
};

/*
 * Accept each line of the file open on fd as the body of a record like `like` (channel, product,
 * type, times, answer; id and body are made here), under the channel's rule and cap; consent is the
 * caller's. `path` names the file, "-" is standard input; lines before `from` (1: the first) are
 * passed over. Lines are taken in order: when one cannot be, all before it are
 * accepted and none after it; the error names the line and says how to go on. out->records is set
 * in either case; record_lines_free(). Errors: GF_E_JSON (a line is no JSON), GF_E_LIMIT (too long,
 * queue full), GF_E_NOINPUT (no line at all, or the rule leaves nothing of one), the store's.
 */
GF_MUST_CHECK int record_lines(struct agent *a, const struct gf_record *like, int fd,
                               const char *path, int64_t from, struct record_lines *out,
                               struct gf_err *e);
void record_lines_free(struct record_lines *r);

#endif
