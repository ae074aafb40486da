/*
 * line.h -- what the lines of all .jsonl members have in common: one JSON object each, read without
 * building it, into one allocation, and written with one limit.
 *
 *   gf_line_open()   one object, at most GF_LINE_MAX bytes with its LF
 *   ... a gf_line_*() for each member that it may have
 *   gf_line_close()  refuse what is left over; hand over or release the allocation
 *
 * As with json.h, errors are kept in the reader (the first one counts): ask for everything, check
 * once. A member that is absent, or of another type, is an error unless the form says `_opt`: there
 * null (but not absence) reads as absent.
 */
#ifndef FORMAT_LINE_H
#define FORMAT_LINE_H

#include "base/json_members.h"
#include "gapferry/buf.h"
#include "gapferry/limits.h"
#include "gapferry/text.h"

/* Not to be cleared: it is large, and gf_line_open() sets what must be set. */
struct gf_line {
    const char *what;  /* for messages */
    struct gf_err err; /* the first error; code GF_OK: none */
    char *owned;       /* everything the parsed struct points to */
    char *at;          /* its unused rest */
    size_t room, len;  /* bytes of that; of the line */
    size_t near;       /* the member behind the last one that was found */
    uint64_t asked[4]; /* members that were asked for, a bit for each */
    struct gf_json_members all;
};

/* Check line[0 .. len-1], without or with its LF, which must stay as it is until gf_line_close().
 * `what` names the kind of line in messages. On failure nothing needs to be released. Errors:
 * GF_E_RECORD, GF_E_JSON, GF_E_LIMIT, GF_E_SYSTEM. */
GF_MUST_CHECK int gf_line_open(const char *line, size_t len, const char *what, struct gf_line *l,
                               struct gf_err *e);

/* Members, each asked for once. All return 1 when a value was set, else 0. Texts have min to max
 * bytes, are NUL-ended without NUL inside, and owned by the parsed struct. Errors are GF_E_RECORD.
 */
int gf_line_str(struct gf_line *l, const char *name, size_t min, size_t max, const char **out);
int gf_line_str_opt(struct gf_line *l, const char *name, size_t min, size_t max, const char **out);
int gf_line_int(struct gf_line *l, const char *name, int64_t min, int64_t max, int64_t *out);
int gf_line_bool(struct gf_line *l, const char *name, int *out);
int gf_line_hex(struct gf_line *l, const char *name, uint8_t *out, size_t len);
int gf_line_uuid(struct gf_line *l, const char *name, struct gf_id *out);
int gf_line_time(struct gf_line *l, const char *name, int64_t *out);
int gf_line_time_opt(struct gf_line *l, const char *name, int64_t *out);
/* One of a NULL-ended list of words; *out is its index. */
int gf_line_enum(struct gf_line *l, const char *name, const char *const *words, int *out);
/* An object: its exact text, borrowed from the line, or, with NULL, only that it is one. */
int gf_line_obj(struct gf_line *l, const char *name, const char **text, size_t *len);
/* 1 if the line has the member at all (null counts); this is not asking for it. */
int gf_line_has(const struct gf_line *l, const char *name);

/* A copy that the parsed struct owns, NUL-ended, of text of a member that was not asked for as
 * text. There is room, because no text is longer than the JSON it was read from. */
const char *gf_line_keep(struct gf_line *l, const char *text, size_t len);

/* Room for n pointers in the same allocation, to be asked for before the first text is read; NULL
 * on failure, which is noted. */
const char **gf_line_pointers(struct gf_line *l, size_t n);

/* Refuse with a rule of the caller's own; keeps the first error. */
void gf_line_fail(struct gf_line *l, enum gf_code code, const char *fmt, ...) GF_PRINTF(3, 4);

/* 0 if all was well, and no member is left unasked: *owned is then the caller's. Else everything is
 * released, *owned is NULL. */
GF_MUST_CHECK int gf_line_close(struct gf_line *l, char **owned, struct gf_err *e);

/* After a line was appended to out, which held `start` bytes before: 0 if it fits the limits, else
 * it is taken off again and GF_E_LIMIT or GF_E_SYSTEM is set. */
GF_MUST_CHECK int gf_line_check(struct gf_buf *out, size_t start, const char *what,
                                struct gf_err *e);

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
