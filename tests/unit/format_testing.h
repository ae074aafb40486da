/*
 * format_testing.h -- what the tests of format/ share: texts that differ from a good one in one
 * place.
 */
#ifndef TESTS_FORMAT_TESTING_H
#define TESTS_FORMAT_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gapferry/buf.h"
#include "gapferry/text.h"

#define H16 "0123456789abcdef"
#define H32 H16 H16
#define H64 H32 H32
#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* The text with its one occurrence of `from` replaced; to be freed. */
static inline char *edited(const char *text, const char *from, const char *to) {
    const char *hit = strstr(text, from);
    size_t n = strlen(text) - strlen(from) + strlen(to);
    char *out = malloc(n + 1);

    assert_non_null(out);
    if (hit == NULL || strstr(hit + 1, from) != NULL)
        fail_msg("'%s' does not stand exactly once in %s", from, text);
    (void)snprintf(out, n + 1, "%.*s%s%s", (int)(hit - text), text, to, hit + strlen(from));
    return out;
}

/* The parser under test: the code that it ends with. */
typedef enum gf_code parser(const char *text, size_t len, struct gf_err *e);

/* What a good text becomes by an edit must fail for exactly this reason, and say why. */
static inline void check_edit(parser *parse, const char *good, const char *from, const char *to,
                              enum gf_code want) {
    struct gf_err e = {GF_OK, ""};
    char *text = edited(good, from, to);
    enum gf_code got = parse(text, strlen(text), &e);

    if (got != want)
        fail_msg("%s -> %s: %s (%s), not %s", from, to, gf_err_name(got), e.text,
                 gf_err_name(want));
    if (want != GF_OK)
        assert_true(strlen(e.text) > 10);
    free(text);
}

struct edit {
    const char *from;
    const char *to;
    enum gf_code want;
};

#define CHECK_EDITS(parse, good, edits)                                                            \
    do {                                                                                           \
        for (size_t i_ = 0; i_ < sizeof(edits) / sizeof(edits)[0]; i_++)                           \
            check_edit(parse, good, (edits)[i_].from, (edits)[i_].to, (edits)[i_].want);           \
    } while (0)

/* Every prefix and every single changed byte of a good text: nothing may crash, and what is still
 * taken must not be longer than what was given. Returns how many were taken. */
static inline size_t check_damage(parser *parse, const char *good, size_t len) {
    char *copy = malloc(len + 1);
    size_t taken = 0;
    struct gf_err e;

    assert_non_null(copy);
    for (size_t n = 0; n < len; n++) {
        memcpy(copy, good, n);
        if (n + 1 < len && parse(copy, n, &e) == GF_OK)
            fail_msg("cut to %zu bytes it is taken", n);
    }
    for (size_t i = 0; i < len; i++) {
        memcpy(copy, good, len);
        copy[i] = (char)(copy[i] ^ (1 << i % 8));
        taken += parse(copy, len, &e) == GF_OK;
    }
    free(copy);
    return taken;
}

#endif
