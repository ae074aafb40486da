/*
 * json.h -- strict JSON (RFC 8259, narrowed), read as typed fields.
 *
 * Refused: duplicate names, bytes that are not UTF-8, a byte order mark, control characters and
 * \u0000 in strings, lone surrogates, numbers that are not integers within +-(2^53 - 1) in one
 * spelling (no sign of plus, no leading zero, no -0, no fraction, no exponent), nesting deeper
 * than GF_JSON_DEPTH_MAX, more members or elements than limits.h allows, anything after the value
 * but white space of RFC 8259.
 *
 * A document is read by asking for each field it may have; gf_json_end() then refuses what is
 * left over. Errors are kept in the reader: ask for everything, check once.
 *
 *   struct gf_json *j;
 *   struct gf_json_obj o;
 *   gf_json_parse(text, len, "card", GF_E_CARD, &j, e)
 *   gf_json_root(j, &o);
 *   gf_json_str(&o, "name", 0, GF_WORD_MAX, &name);
 *   gf_json_hex(&o, "agent", agent.b, sizeof agent.b);
 *   if (gf_json_end(&o, e) == -1) ...
 */
#ifndef GAPFERRY_JSON_H
#define GAPFERRY_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/buf.h"
#include "gapferry/text.h"

struct gf_json;     /* a parsed document; owns all its strings */
struct gf_json_val; /* a value in it */

/* An object being read; on the caller's stack. */
struct gf_json_obj {
    const struct gf_json_val *val; /* NULL: absent or null object, every field then reads absent */
    const char *what;              /* for messages: "bundle.json", or its name in `within` */
    const char *within;            /* what it is a member of; NULL for a root */
    size_t item;                   /* its index where it stands in an array, else SIZE_MAX */
    enum gf_code code;             /* for broken rules */
    struct gf_err err;             /* the first error; code GF_OK: none */
    /* json.c's: members consumed, a bit for each position; where the last lookups ended. */
    uint64_t asked[4];
    size_t near_at, item_at;
    const struct gf_json_val *near_val, *item_val, *item_of;
};

/* Check text[0 .. len-1] against the rules above without building anything; GF_E_JSON. */
GF_MUST_CHECK int gf_json_check(const char *text, size_t len, const char *what, struct gf_err *e);

/* The same for documents that are not ours: numbers may be any of RFC 8259. */
GF_MUST_CHECK int gf_json_check_foreign(const char *text, size_t len, const char *what,
                                        struct gf_err *e);

/* Parse a document whose root must be an object. `what` (borrowed, must outlive *out) names it in
 * messages, `code` is the error for rules about its fields; syntax is GF_E_JSON. Free with
 * gf_json_free(), which accepts NULL. */
GF_MUST_CHECK int gf_json_parse(const char *text, size_t len, const char *what, enum gf_code code,
                                struct gf_json **out, struct gf_err *e);
/* The same for documents that are not ours. What is read as an integer must still be one within
 * +-(2^53 - 1). */
GF_MUST_CHECK int gf_json_parse_foreign(const char *text, size_t len, const char *what,
                                        enum gf_code code, struct gf_json **out, struct gf_err *e);
void gf_json_free(struct gf_json *j);
void gf_json_root(const struct gf_json *j, struct gf_json_obj *o);

/*
 * Fields. A name that is absent, or of another type, is an error unless the form says `_opt`:
 * there null (but not absence) reads as absent and returns 0. All return 1 when a value was set,
 * else 0. Reading an object that is itself absent (val NULL) gives 0 and is no error.
 * Strings are borrowed from the document, NUL-ended, without NUL inside, of min to max bytes.
 */
int gf_json_str(struct gf_json_obj *o, const char *name, size_t min, size_t max, const char **out);
int gf_json_str_opt(struct gf_json_obj *o, const char *name, size_t min, size_t max,
                    const char **out);
int gf_json_int(struct gf_json_obj *o, const char *name, int64_t min, int64_t max, int64_t *out);
int gf_json_int_opt(struct gf_json_obj *o, const char *name, int64_t min, int64_t max,
                    int64_t *out);
int gf_json_bool(struct gf_json_obj *o, const char *name, int *out);
int gf_json_hex(struct gf_json_obj *o, const char *name, uint8_t *out, size_t len);
int gf_json_hex_opt(struct gf_json_obj *o, const char *name, uint8_t *out, size_t len);
int gf_json_time(struct gf_json_obj *o, const char *name, int64_t *out);
int gf_json_time_opt(struct gf_json_obj *o, const char *name, int64_t *out);
/* One of a NULL-ended list of words; *out is its index. */
int gf_json_enum(struct gf_json_obj *o, const char *name, const char *const *words, int *out);
/* A member object to be read in turn, then gf_json_end() it as well: its errors are its own. *out
 * is always made fit for reading, so that the result need not be looked at; it borrows `name`. */
int gf_json_obj(struct gf_json_obj *o, const char *name, struct gf_json_obj *out);
int gf_json_obj_opt(struct gf_json_obj *o, const char *name, struct gf_json_obj *out);
/* An object whose members we do not look at (`ext`); its exact text is not kept. */
int gf_json_any_obj(struct gf_json_obj *o, const char *name);
/* 1 if the object has the member at all (null counts); does not consume it. */
int gf_json_has(const struct gf_json_obj *o, const char *name);

/* An array of 0 to max elements: *n is set (to 0 on failure), then elements are read by index,
 * quickest in order. */
int gf_json_array(struct gf_json_obj *o, const char *name, size_t max, size_t *n);
int gf_json_array_opt(struct gf_json_obj *o, const char *name, size_t max, size_t *n);
int gf_json_item_str(struct gf_json_obj *o, const char *name, size_t i, size_t min, size_t max,
                     const char **out);
int gf_json_item_int(struct gf_json_obj *o, const char *name, size_t i, int64_t min, int64_t max,
                     int64_t *out);
int gf_json_item_hex(struct gf_json_obj *o, const char *name, size_t i, uint8_t *out, size_t len);
int gf_json_item_obj(struct gf_json_obj *o, const char *name, size_t i, struct gf_json_obj *out);

/* The members of an object of strings, by position (an answer's headers); 0 at the end, and for a
 * member that is not a string, which is an error. */
int gf_json_each_str(struct gf_json_obj *o, size_t i, const char **name, const char **value);
/* The same for an object of numbers (a licence's counts). */
int gf_json_each_int(struct gf_json_obj *o, size_t i, int64_t min, int64_t max, const char **name,
                     int64_t *value);

/* The same for an object of anything, each value as words: text as it is, numbers in digits, true,
 * false, null; "..." for objects and arrays. A number's digits are put into `words`. */
#define GF_JSON_WORDS 32
int gf_json_each_any(struct gf_json_obj *o, size_t i, const char **name, const char **value,
                     char words[GF_JSON_WORDS]);

/* Refuse with a rule of the caller's own; keeps the first error. */
void gf_json_fail(struct gf_json_obj *o, enum gf_code code, const char *fmt, ...) GF_PRINTF(3, 4);

/* 0 if all went well and no member is left unasked; else -1 with the first error in *e. */
GF_MUST_CHECK int gf_json_end(struct gf_json_obj *o, struct gf_err *e);

/* How many bytes at the beginning of text[0 .. n-1] stand for themselves in a JSON string: none is
 * a quote, a backslash or a control character. Whether they are UTF-8 is not looked at. */
size_t gf_json_plain(const char *text, size_t n);

/* Writing: append a JSON string, with quotes, of text[0 .. n-1], which must be UTF-8 without NUL.
 * Escaped: quote, backslash, control characters (short forms, else \u00xx). Nothing else. */
void gf_json_put_str(struct gf_buf *b, const char *text, size_t n);

/* `, "NAME": ` and a string, which must be UTF-8; null where text is NULL. */
void gf_json_put_text(struct gf_buf *b, const char *name, const char *text);

/* The same as gf_json_put_str() for JSON that may be looked at: whatever gf_text_safe() does not
 * pass is \uxxxx, too, and the text may be any bytes: those that are not UTF-8 become the four
 * characters \xNN. */
void gf_json_put_shown(struct gf_buf *b, const char *text, size_t n);

/* A whole JSON text, which was checked, the same way: it means what it did. */
void gf_json_put_safe(struct gf_buf *b, const char *json, size_t n);

#endif
