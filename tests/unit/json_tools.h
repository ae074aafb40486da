/*
 * json_tools.h -- texts that the scanner must take, and cJSON too, or refuse by a named rule.
 */
#ifndef UNIT_JSON_TOOLS_H
#define UNIT_JSON_TOOLS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "gapferry/json.h"

/* The scanner's verdict on bytes in memory of exactly their size. */
static inline int checked(const char *text, size_t len, struct gf_err *e) {
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    e->text[0] = '\0';
    int rc = gf_json_check(copy, len, "it", e);
    free(copy);
    return rc;
}

/* What we take, cJSON takes: nothing that was checked fails later. */
static inline void assert_good(const char *text, size_t len) {
    struct gf_err e;
    if (checked(text, len, &e) == -1)
        fail_msg("%.60s: %s", text, e.text);
    cJSON *root = cJSON_ParseWithLengthOpts(text, len, NULL, 0);
    assert_non_null(root);
    cJSON_Delete(root);
}

static inline void assert_bad(const char *text, size_t len, const char *rule) {
    struct gf_err e;
    if (checked(text, len, &e) == 0)
        fail_msg("accepted: %.60s", text);
    assert_int_equal(e.code, GF_E_JSON);
    if (strstr(e.text, rule) == NULL)
        fail_msg("%.60s: %s, but the rule is: %s", text, e.text, rule);
}

struct bad {
    const char *text;
    const char *rule;
};

static inline void all_bad(const struct bad *cases, size_t n) {
    for (size_t i = 0; i < n; i++)
        assert_bad(cases[i].text, strlen(cases[i].text), cases[i].rule);
}

#define ALL_BAD(cases) all_bad(cases, sizeof(cases) / sizeof *(cases))

#endif
