/*
 * line.h -- what the lines of all .jsonl members have in common: one JSON object each, read into
 * one allocation and written with one limit.
 *
 *   gf_line_open()   one object, at most GF_LINE_MAX bytes with its LF
 *   ... gf_json_*() on l.o, gf_line_keep() for each text that outlives it
 *   gf_line_close()  refuse what is left over; hand over or release the allocation
 */
#ifndef FORMAT_LINE_H
#define FORMAT_LINE_H

#include "gapferry/json.h"
#include "gapferry/limits.h"

struct gf_line {
    struct gf_json *json;
    struct gf_json_obj o;
    char *owned; /* everything the parsed struct points to */
    char *at;    /* its unused rest */
    size_t len;  /* of the line */
};

/* Parse line[0 .. len-1], without or with its LF. `what` names the kind of line in messages. On
 * failure nothing needs to be released. Errors: GF_E_RECORD, GF_E_JSON, GF_E_LIMIT, GF_E_SYSTEM. */
GF_MUST_CHECK int gf_line_open(const char *line, size_t len, const char *what, struct gf_line *l,
                               struct gf_err *e);

/* A copy that the parsed struct owns; NULL for NULL. There is always room, because no text is
 * longer than the JSON it was read from. */
const char *gf_line_keep(struct gf_line *l, const char *text);

/* Room for n pointers in the same allocation, to be asked for before the first text is kept; NULL
 * on failure, which is noted in l->o. */
const char **gf_line_pointers(struct gf_line *l, size_t n);

/* A required UUID member. */
void gf_line_uuid(struct gf_line *l, const char *name, struct gf_id *out);

/* 0 if all was well: *owned is then the caller's. Else everything is released, *owned is NULL. */
GF_MUST_CHECK int gf_line_close(struct gf_line *l, char **owned, struct gf_err *e);

/* After a line was appended to out, which held `start` bytes before: 0 if it fits the limits, else
 * it is taken off again and GF_E_LIMIT or GF_E_SYSTEM is set. */
GF_MUST_CHECK int gf_line_check(struct gf_buf *out, size_t start, const char *what,
                                struct gf_err *e);

/* Bytes of the HTTP token (RFC 9110, 5.6.2) that text begins with; 0: none. */
size_t gf_line_token(const char *text);

/* Rules of fields, for parsing and writing alike. Each returns 0, or GF_E_RECORD naming the field.
 */
GF_MUST_CHECK int gf_line_is_uuid(const struct gf_id *id, const char *what, struct gf_err *e);
GF_MUST_CHECK int gf_line_is_time(int64_t t, const char *what, struct gf_err *e);
GF_MUST_CHECK int gf_line_is_word(const char *text, const char *what, struct gf_err *e);
/* Text of min to max bytes: UTF-8 without NUL. */
GF_MUST_CHECK int gf_line_is_text(const char *text, size_t min, size_t max, const char *what,
                                  struct gf_err *e);
/* The same, without control characters: safe in a header, a log and a table. */
GF_MUST_CHECK int gf_line_is_plain(const char *text, size_t min, size_t max, const char *what,
                                   struct gf_err *e);

#endif
