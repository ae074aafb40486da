/*
 * json_value.h -- what a value of JSON must be, whoever reads it: one set of rules, and of words.
 */
#ifndef BASE_JSON_VALUE_H
#define BASE_JSON_VALUE_H

#include <stddef.h>
#include <stdint.h>

enum gf_json_type {
    GF_JSON_NULL,
    GF_JSON_FALSE,
    GF_JSON_TRUE,
    GF_JSON_NUMBER,
    GF_JSON_TEXT,
    GF_JSON_ARRAY,
    GF_JSON_OBJECT
};

struct gf_json_value {
    enum gf_json_type type;
    const char *text; /* GF_JSON_TEXT: escapes resolved, not always NUL-ended, no NUL within */
    size_t len;
    double number; /* GF_JSON_NUMBER */
};

/* Bytes of a rule: what goes on behind `"NAME" must be`. */
#define GF_JSON_RULE 256

/* Each gives 1, and the value where it has one to give; or 0, and the rule that is broken. The
 * words are ended by NULL; *out is the index of the one that it is. */
int gf_json_value_str(const struct gf_json_value *v, size_t min, size_t max,
                      char rule[GF_JSON_RULE]);
int gf_json_value_int(const struct gf_json_value *v, int64_t min, int64_t max, int64_t *out,
                      char rule[GF_JSON_RULE]);
int gf_json_value_bool(const struct gf_json_value *v, int *out, char rule[GF_JSON_RULE]);
int gf_json_value_hex(const struct gf_json_value *v, uint8_t *out, size_t len,
                      char rule[GF_JSON_RULE]);
int gf_json_value_time(const struct gf_json_value *v, int64_t *out, char rule[GF_JSON_RULE]);
int gf_json_value_enum(const struct gf_json_value *v, const char *const *words, int *out,
                       char rule[GF_JSON_RULE]);

#endif
