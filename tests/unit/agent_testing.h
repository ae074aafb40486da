/*
 * agent_testing.h -- what the tests of the agent share: each gets an agent of its own that trusts
 * kit_relay, and whose licences are taken as they come.
 */
#ifndef AGENT_TESTING_H
#define AGENT_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/kit.h"
#include "support/site.h"

/* A test that looks at licences has its own. */
#ifndef AGENT_TESTING_LICENSES
int agent_license_answer(struct agent *a, const struct gf_id *record, const char *text, size_t len,
                         char refused[AGENT_REFUSED], struct gf_err *e) {
    (void)a, (void)record, (void)text, (void)len, (void)e;
    refused[0] = '\0';
    return 0;
}
#endif

static struct gf_err e;

#define assert_fails(call, want, words)                                                            \
    do {                                                                                           \
        assert_int_equal(call, -1);                                                                \
        assert_string_equal(gf_err_name(e.code), gf_err_name(want));                               \
        if (!strstr(e.text, words))                                                                \
            fail_msg("\"%s\" does not say \"%s\"", e.text, words);                                 \
    } while (0)

#endif
