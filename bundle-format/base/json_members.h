/*
 * json_members.h -- the members of an object, noted by the strict check as it passes them: nothing
 * is built, and nothing is looked at twice. For what is parsed by the hundred thousand, the lines
 * of .jsonl members; all else is read by json.h.
 *
 *   struct gf_json_members all;
 *   gf_json_check_members(text, len, "record", &all, e)
 *   for (size_t i = 0; i < all.n; i++) ... all.member[i] ...
 */
#ifndef BASE_JSON_MEMBERS_H
#define BASE_JSON_MEMBERS_H

#include "base/json_value.h"
#include "gapferry/err.h"
#include "gapferry/limits.h"

/* A member as it is written; all of it is borrowed from the text. A string, and a name, has more
 * bytes than it means where it has escapes, and only there. */
struct gf_json_member {
    const char *name; /* between its quotes */
    const char *text; /* a string: between its quotes; else the value from end to end */
    size_t len;       /* bytes of text */
    size_t means;     /* bytes of a string with its escapes resolved; else len */
    uint16_t name_len, name_means;
    enum gf_json_type type;
};

/* Not to be cleared: only the first n are set. */
struct gf_json_members {
    size_t n;
    struct gf_json_member member[GF_JSON_MEMBERS_MAX];
};

/* gf_json_check() of text[0 .. len-1], and the members of the object that it is, in their order;
 * none if it is another value. *out is changed on failure, too. GF_E_JSON. */
GF_MUST_CHECK int gf_json_check_members(const char *text, size_t len, const char *what,
                                        struct gf_json_members *out, struct gf_err *e);

/* Resolve the escapes of text[0 .. len-1], the inside of a string that the check has passed, into
 * out, which has room for the bytes that it means (len is always enough). How many they are; no NUL
 * is added. */
size_t gf_json_unescape(const char *text, size_t len, char *out);

#endif
