/*
 * test_endpoint_otlp_reply.c -- relay/endpoints/endpoint_otlp_reply.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gapferry/text.h"
#include "relay/endpoints/endpoint_otlp_reply.h"

#define PROTOBUF   "application/x-protobuf"
#define JSON       "application/json"
#define BODY(text) text, sizeof(text) - 1

static int success(const char *type, const char *body, size_t len,
                   struct endpoint_otlp_reply *out) {
    struct gf_err e;

    return endpoint_otlp_reply_success(type, type != NULL ? strlen(type) : 0, body, len, out, &e);
}

static void a_success_says_how_many_points_were_refused_and_why(void **state) {
    static const struct {
        const char *type, *body;
        size_t len;
        uint64_t rejected;
        const char *words;
    } cases[] = {
        {PROTOBUF, BODY(""), 0, ""},
        {NULL, BODY(""), 0, ""},
        {JSON, BODY("{}"), 0, ""},
        {JSON, BODY(" {\"partialSuccess\": null}\n"), 0, ""},
        {JSON "; charset=utf-8",
         "{\"x\":[1],\"partialSuccess\":{\"rejectedDataPoints\":\"3\",\"errorMessage\":"
         "\"o\\u006cd\"}}",
         79, 3, "old"},
        {JSON,
         BODY("{\"partialSuccess\":{\"errorMessage\":\"slow down\",\"rejectedDataPoints\":0}}"), 0,
         "slow down"},
        {JSON, BODY("{\"partialSuccess\":{\"rejectedDataPoints\":-2}}"), 0, ""},
        {PROTOBUF, BODY("\x0a\x07\x08\x03\x12\x03old"), 3, "old"},
        {"Application/X-Protobuf; v=1", BODY("\x0a\x02\x08\x05"), 5, ""},
        {NULL, BODY("\x0a\x02\x08\x05"), 5, ""},
        {NULL, BODY("{}"), 0, ""},
        {"text/plain", BODY("{}"), 0, ""},
        {PROTOBUF, BODY("\x12\x01x"), 0, ""}, /* a field that we do not know */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct endpoint_otlp_reply reply;
        if (success(cases[i].type, cases[i].body, cases[i].len, &reply) == -1)
            fail_msg("case %zu is refused", i);
        assert_int_equal(reply.rejected, cases[i].rejected);
        assert_string_equal(reply.words, cases[i].words);
        assert_int_equal(reply.len, strlen(cases[i].words));
    }
}

static void what_is_no_such_answer_is_refused(void **state) {
    static const struct {
        const char *type, *body;
        size_t len;
    } cases[] = {
        {"text/html", BODY("<html>Please log in</html>")},
        {NULL, BODY("<html>Please log in</html>")},
        {PROTOBUF, BODY("<html>Please log in</html>")},
        {JSON, BODY("ok")},
        {JSON, BODY("\"ok\"")},
        {JSON, BODY("[]")},
        {JSON, BODY("{\"a\":1")},
        {JSON, BODY("{} {}")},
        {JSON, BODY("{\"a\":\"\xff\"}")},
        {JSON, BODY("{\"partialSuccess\":{\"rejectedDataPoints\":\"many\"}}")},
        {PROTOBUF, BODY("{}")},
        {PROTOBUF, BODY("\x0a\x07\x08")},
        {PROTOBUF, BODY("\x0a\x02\x0a\x00")}, /* words where a number belongs */
        {PROTOBUF, BODY("\x08\x01")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct endpoint_otlp_reply reply;
        if (success(cases[i].type, cases[i].body, cases[i].len, &reply) == 0)
            fail_msg("case %zu is taken", i);
    }
}

static void a_failure_is_told_in_the_words_of_its_status(void **state) {
    static const struct {
        const char *type, *body;
        size_t len;
        const char *words;
    } cases[] = {
        {JSON, BODY("{\"code\":3,\"message\":\"no \\\"such\\\" metric\"}"), "no \"such\" metric"},
        {PROTOBUF, BODY("\x08\x03\x12\x03old"), "old"},
        {"text/plain", BODY("out of bounds"), "out of bounds"},
        {JSON, BODY("{\"error\":\"bad\"}"), "{\"error\":\"bad\"}"},
        {PROTOBUF, BODY("{\"message\":1"), "{\"message\":1"},
        {NULL, BODY(""), ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct endpoint_otlp_reply reply;
        endpoint_otlp_reply_failure(cases[i].type,
                                    cases[i].type != NULL ? strlen(cases[i].type) : 0,
                                    cases[i].body, cases[i].len, &reply);
        assert_string_equal(reply.words, cases[i].words);
    }
}

static void words_that_are_too_long_are_cut_between_characters(void **state) {
    struct endpoint_otlp_reply reply;
    char body[3000] = "{\"partialSuccess\":{\"errorMessage\":\"";
    size_t n = strlen(body);

    (void)state;
    body[n++] = '.';
    for (int i = 0; i < 1000; i++) {
        memcpy(body + n, "\xc3\xa9", 2);
        n += 2;
    }
    memcpy(body + n, "\"}}", 3);
    assert_int_equal(success(JSON, body, n + 3, &reply), 0);
    assert_int_equal(reply.len, GF_REASON_MAX - 1);
    assert_true(gf_text_is_utf8(reply.words, reply.len));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_success_says_how_many_points_were_refused_and_why),
        cmocka_unit_test(what_is_no_such_answer_is_refused),
        cmocka_unit_test(a_failure_is_told_in_the_words_of_its_status),
        cmocka_unit_test(words_that_are_too_long_are_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
