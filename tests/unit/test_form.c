/*
 * test_form.c -- forms as browsers send them, in pieces of any size, and those that are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gapferry/buf.h"
#include "relay/page/form.h"

#define TYPE "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW"
#define EDGE "------WebKitFormBoundary7MA4YWxkTrZu0gW"

/* What is read of a body in pieces of `step` bytes, as one text. */
static char *read_form(const char *body, size_t len, size_t step, struct gf_buf *log) {
    struct gf_err e = {.text = ""};
    struct form f;

    gf_buf_init(log, 65536);
    assert_int_equal(form_begin(&f, TYPE, &e), 0);
    for (size_t at = 0; at < len;) {
        const char *bytes = NULL;
        size_t used = 0, n = 0;
        enum form_event event =
            form_next(&f, body + at, len - at < step ? len - at : step, &used, &bytes, &n, &e);
        at += used;
        if (event == FORM_PART)
            gf_buf_printf(log, "[%s%s%s]", f.name, f.is_file ? ":" : "", f.file);
        else if (event == FORM_DATA)
            gf_buf_add(log, bytes, n);
        else if (event == FORM_PART_END)
            gf_buf_text(log, ";");
        else if (event == FORM_DONE)
            gf_buf_text(log, ".");
        if (event == FORM_BAD) {
            gf_buf_clear(log);
            gf_buf_text(log, e.text);
            break;
        }
    }
    return log->data != NULL ? log->data : "";
}

/* The same whatever the pieces are. */
static void reads(const char *body, const char *want) {
    for (size_t step = 1; step < 200; step += step < 8 ? 1 : 37) {
        struct gf_buf log;
        assert_string_equal(read_form(body, strlen(body), step, &log), want);
        gf_buf_free(&log);
    }
}

static void refuses(const char *body, const char *why) {
    for (size_t step = 1; step < 200; step += 60) {
        struct gf_buf log;
        const char *said = read_form(body, strlen(body), step, &log);
        if (strstr(said, why) == NULL)
            fail_msg("%s: says %s, not %s", body, said, why);
        gf_buf_free(&log);
    }
}

#define PART(head, text) EDGE "\r\nContent-Disposition: form-data; " head "\r\n\r\n" text "\r\n"

static void fields_and_files_come_in_their_order(void **state) {
    (void)state;
    reads(PART("name=\"csrf\"", "abc")
              PART("name=\"file\"; filename=\"a b.gfb\"\r\nContent-Type: x/y", "data")
                  PART("name=\"file\"; filename=\"\"", "") EDGE "--\r\n",
          "[csrf]abc;[file:a b.gfb]data;[file:];.");
}

static void what_only_looks_like_a_boundary_is_data(void **state) {
    (void)state;
    reads(PART("name=\"a\"", "x\r\n------WebKitFormBoundary7MA4YWxkTrZu0gX\r\n\r\r\n--\r") EDGE
          "--\r\n",
          "[a]x\r\n------WebKitFormBoundary7MA4YWxkTrZu0gX\r\n\r\r\n--\r;.");
}

static void names_are_cut_or_refused(void **state) {
    char name[400], body[900];
    struct gf_buf log;
    (void)state;

    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    (void)snprintf(body, sizeof body, PART("name=\"f\"; filename=\"%s\"", "") EDGE "--", name);
    assert_int_equal(strlen(read_form(body, strlen(body), 50, &log)), FORM_FILE - 1 + 6);
    gf_buf_free(&log);
    (void)snprintf(body, sizeof body, PART("name=\"%s\"", "") EDGE "--", name);
    refuses(body, "cannot be read");
}

static void what_no_browser_sends_is_refused(void **state) {
    (void)state;
    refuses("hello", "begin with its boundary");
    refuses("\r\n" PART("name=\"a\"", "x"), "begin with its boundary");
    refuses(EDGE " \r\n", "follows a boundary");
    refuses(EDGE "\nContent-Disposition: form-data; name=\"a\"\n\n", "follows a boundary");
    refuses(EDGE "\r\nContent-Disposition: form-data; name=\"a\"\n\r\n", "cannot be read");
    refuses(EDGE "\r\n\r\nx", "has no name");
    refuses(PART("filename=\"a\"", ""), "has no name");
    refuses(PART("name=\"a", ""), "cannot be read");
    refuses(PART("name=a", ""), "cannot be read");
    refuses(PART("name=\"a\"x", ""), "cannot be read");
    refuses(EDGE "\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n", "no field");
    refuses(PART("name=\"a\"\r\nContent-Disposition: form-data; name=\"b\"", ""), "two names");
    refuses(PART("name=\"a\"\r\nContent-Transfer-Encoding: base64", ""), "encoded");
}

static void a_type_names_one_boundary(void **state) {
    static const char *const good[] = {"multipart/form-data; boundary=x",
                                       "Multipart/Form-Data;boundary=x",
                                       "multipart/form-data; boundary=\"a=b?\""};
    static const char *const bad[] = {"multipart/form-data",
                                      "multipart/form-data; boundary=",
                                      "multipart/form-data; boundary=\"x",
                                      "multipart/form-data; boundary=x y",
                                      "multipart/form-data; boundary=\"x y\"", /* no browser's */
                                      "multipart/form-data; boundary=x\"",
                                      "multipart/form-data; charset=x; boundary=x",
                                      "multipart/mixed; boundary=x",
                                      "text/plain",
                                      ""};
    char longest[200] = "multipart/form-data; boundary=";
    struct gf_err e;
    struct form f;
    (void)state;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(form_begin(&f, good[i], &e), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(form_begin(&f, bad[i], &e), -1);
    assert_int_equal(form_begin(&f, NULL, &e), -1);
    memset(longest + strlen(longest), 'b', 70);
    assert_int_equal(form_begin(&f, longest, &e), 0);
    longest[strlen(longest)] = 'b';
    assert_int_equal(form_begin(&f, longest, &e), -1);
}

static int field(const char *body, const char *name, char out[16]) {
    return form_field(body, strlen(body), name, out, 16);
}

static void a_field_is_decoded_or_refused(void **state) {
    char v[16];
    (void)state;

    assert_int_equal(field("a=1&token=x%2Fy+z%e2%82%ac&b=", "token", v), 0);
    assert_string_equal(v, "x/y z\xe2\x82\xac");
    assert_int_equal(field("a=1&b=", "b", v), 0);
    assert_string_equal(v, "");
    assert_int_equal(field("a=1", "b", v), -1);
    assert_int_equal(field("", "b", v), -1);
    assert_int_equal(field("bb=1", "b", v), -1);
    assert_int_equal(field("b=1&b=1", "b", v), -1);
    assert_int_equal(field("b=%4", "b", v), -1);
    assert_int_equal(field("b=%", "b", v), -1);
    assert_int_equal(field("b=%zz", "b", v), -1);
    assert_int_equal(field("b=%00", "b", v), -1);
    assert_int_equal(field("b=123456789012345", "b", v), 0);
    assert_int_equal(field("b=1234567890123456", "b", v), -1);
}

static void a_cookie_has_one_form(void **state) {
    static const char hex[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    char cookies[400];
    uint8_t is[32];
    (void)state;

    (void)snprintf(cookies, sizeof cookies, "a=b; page=short; page=%s; page=%s", hex, hex);
    assert_int_equal(form_cookie(cookies, "page", is), 0);
    assert_int_equal(is[31], 0x1f);
    assert_int_equal(form_cookie(cookies, "pag", is), -1);
    assert_int_equal(form_cookie(cookies, "b", is), -1);
    assert_int_equal(form_cookie(NULL, "page", is), -1);
    assert_int_equal(form_cookie(hex, "page", is), -1);
    (void)snprintf(cookies, sizeof cookies, "xpage=%s; page=%s0; page=%.63sF", hex, hex, hex);
    assert_int_equal(form_cookie(cookies, "page", is), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_and_files_come_in_their_order),
        cmocka_unit_test(what_only_looks_like_a_boundary_is_data),
        cmocka_unit_test(names_are_cut_or_refused),
        cmocka_unit_test(what_no_browser_sends_is_refused),
        cmocka_unit_test(a_type_names_one_boundary),
        cmocka_unit_test(a_field_is_decoded_or_refused),
        cmocka_unit_test(a_cookie_has_one_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
