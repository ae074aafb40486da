/*
 * put.h -- write the fields of our JSON objects, compactly and in the order of the calls.
 *
 * Each call appends one member, with a comma where it is not the object's first. Failure is the
 * buffer's: gf_buf_check() at the end.
 */
#ifndef FORMAT_PUT_H
#define FORMAT_PUT_H

#include "gapferry/buf.h"
#include "gapferry/text.h"

/* A comma, unless an object or array has just begun. */
void gf_put_comma(struct gf_buf *b);

/* "name": and nothing yet for its value. */
void gf_put_name(struct gf_buf *b, const char *name);

/* "name": and a value; text NULL and has 0 mean null. */
void gf_put_str(struct gf_buf *b, const char *name, const char *text);
void gf_put_int(struct gf_buf *b, const char *name, int64_t value);
void gf_put_hex(struct gf_buf *b, const char *name, const uint8_t *bytes, size_t len);
void gf_put_uuid(struct gf_buf *b, const char *name, const struct gf_id *id);
void gf_put_time(struct gf_buf *b, const char *name, int has, int64_t t);

/* "name": and an array of numbers. */
void gf_put_ints(struct gf_buf *b, const char *name, const int64_t *values, size_t n);

#endif
