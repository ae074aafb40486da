/*
 * json_value.c -- what a value of JSON must be, and how it is said where it is not.
 */
#include "base/json_value.h"

#include <stdio.h>
#include <string.h>

#include "gapferry/limits.h"
#include "gapferry/text.h"

static int refuse(char rule[GF_JSON_RULE], const char *must_be) {
    (void)snprintf(rule, GF_JSON_RULE, "%s", must_be);
    return 0;
}

int gf_json_value_str(const struct gf_json_value *v, size_t min, size_t max,
                      char rule[GF_JSON_RULE]) {
    if (v->type == GF_JSON_TEXT && v->len >= min && v->len <= max)
        return 1;
    (void)snprintf(rule, GF_JSON_RULE, "text of %zu to %zu bytes", min, max);
    return 0;
}

int gf_json_value_int(const struct gf_json_value *v, int64_t min, int64_t max, int64_t *out,
                      char rule[GF_JSON_RULE]) {
    /* Of our own documents the scanner passes only what a double holds exactly. */
    int fits = v->type == GF_JSON_NUMBER && v->number >= -(double)GF_JSON_INT_MAX &&
               v->number <= (double)GF_JSON_INT_MAX;
    int64_t value = fits ? (int64_t)v->number : 0;

    if (!fits || (double)value != v->number || value < min || value > max) {
        (void)snprintf(rule, GF_JSON_RULE, "a number from %lld to %lld", (long long)min,
                       (long long)max);
        return 0;
    }
    *out = value;
    return 1;
}

int gf_json_value_bool(const struct gf_json_value *v, int *out, char rule[GF_JSON_RULE]) {
    if (v->type != GF_JSON_TRUE && v->type != GF_JSON_FALSE)
        return refuse(rule, "true or false");
    *out = v->type == GF_JSON_TRUE;
    return 1;
}

int gf_json_value_hex(const struct gf_json_value *v, uint8_t *out, size_t len,
                      char rule[GF_JSON_RULE]) {
    if (v->type == GF_JSON_TEXT && gf_text_unhex(v->text, v->len, out, len) == 0)
        return 1;
    (void)snprintf(rule, GF_JSON_RULE, "%zu lower-case hex digits", 2 * len);
    return 0;
}

int gf_json_value_time(const struct gf_json_value *v, int64_t *out, char rule[GF_JSON_RULE]) {
    if (v->type == GF_JSON_TEXT && gf_text_untime(v->text, v->len, out) == 0)
        return 1;
    return refuse(rule, "a time of the form YYYY-MM-DDThh:mm:ssZ");
}

int gf_json_value_enum(const struct gf_json_value *v, const char *const *words, int *out,
                       char rule[GF_JSON_RULE]) {
    for (int i = 0; v->type == GF_JSON_TEXT && words[i] != NULL; i++) {
        if (strlen(words[i]) == v->len && memcmp(words[i], v->text, v->len) == 0) {
            *out = i;
            return 1;
        }
    }

    (void)refuse(rule, "one of");
    for (size_t i = 0, len = strlen(rule); words[i] != NULL && len < GF_JSON_RULE; i++)
        len +=
            (size_t)snprintf(rule + len, GF_JSON_RULE - len, "%s %s", i > 0 ? "," : "", words[i]);
    return 0;
}
