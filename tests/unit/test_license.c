/*
 * test_license.c -- licences: what is believed of a document, and what is the case with it.
 */
#include "crypto_tools.h"

#include "agent/license/license.h"
#include "gapferry/minisig.h"

static struct gf_sign_key *vendor, *stranger;

static int begin(void **state) {
    struct gf_err e;

    return tools_begin(state) != 0 || gf_key_sign_new(&vendor, &e) != 0 ||
                   gf_key_sign_new(&stranger, &e) != 0
               ? -1
               : 0;
}

static int end(void **state) {
    gf_key_sign_free(vendor);
    gf_key_sign_free(stranger);
    return tools_end(state);
}

/* Parse JSON that the vendor has signed. */
static int parse(const char *json, struct license *l, struct gf_err *e) {
    struct gf_buf b;

    gf_buf_init(&b, 1 << 20);
    gf_buf_printf(&b, "%s\n", json);
    size_t n = b.len;
    assert_int_equal(gf_minisig_sign(vendor, b.data, n, "u", "t", &b, e), 0);
    int rc = license_parse(b.data, b.len, gf_key_sign_public(vendor), l, e);
    gf_buf_free(&b);
    return rc;
}

static void assert_refused(const char *json, enum gf_code code, const char *text) {
    struct license l;
    struct gf_err e = {.code = GF_OK};

    assert_int_equal(parse(json, &l, &e), -1);
    if (e.code != code || !strstr(e.text, text))
        fail_msg("%s: %s: %s", json, gf_err_name(e.code), e.text);
}

#define HEAD                                                                                       \
    "{\"format\":\"gapferry-license/1\",\"id\":\"L-1\",\"product\":\"demo\","                      \
    "\"issued\":\"2026-01-02T03:04:05Z\""
#define HEX32 "00112233445566778899aabbccddeeff"
#define HEX64 HEX32 HEX32

static void everything_a_licence_says_is_read(void **state) {
    struct license l;
    struct gf_err e;

    (void)state;
    assert_int_equal(
        parse(HEAD
              ",\"licensee\":\"ACME \\\"x\\\"\",\"expires\":\"2027-01-02T03:04:05Z\",\"nonce\":"
              "\"" HEX32 "\",\"fingerprint\":{\"k\":1,\"factors\":{\"machine-id\":\"" HEX64
              "\",\"nic\":\"" HEX64 "\"}},\"features\":[\"a\",\"b c\"],\"counts\":{\"seats\":5,"
              "\"nodes\":0},\"policy\":{\"warn_days\":7,\"grace_days\":14,\"then\":\"block\"},"
              "\"ext\":{\"x\":1}}",
              &l, &e),
        0);
    assert_string_equal(l.id, "L-1");
    assert_string_equal(l.product, "demo");
    assert_string_equal(l.licensee, "ACME \"x\"");
    assert_int_equal(l.issued, 1767323045);
    assert_int_equal(l.has_expires, 1);
    assert_int_equal(l.expires, 1767323045 + 365 * 86400);
    assert_int_equal(l.has_nonce, 1);
    assert_int_equal(l.nonce.b[1], 0x11);
    assert_int_equal(l.k, 1);
    assert_int_equal(l.nfactors, 2);
    assert_string_equal(l.factors[1].name, "nic");
    assert_int_equal(l.factors[1].digest.b[31], 0xff);
    assert_string_equal(l.features, "a\nb c\n");
    assert_string_equal(l.counts, "seats=5\nnodes=0\n");
    assert_int_equal(l.warn_days, 7);
    assert_int_equal(l.grace_days, 14);
    assert_int_equal(l.then, LICENSE_BLOCK);
}

static void what_is_absent_is_as_if_it_were_null(void **state) {
    struct license l, m;
    struct gf_err e;

    (void)state;
    assert_int_equal(parse(HEAD "}", &l, &e), 0);
    assert_int_equal(l.has_expires + l.has_nonce, 0);
    assert_int_equal(l.k, 0);
    assert_int_equal(l.warn_days, 30);
    assert_int_equal(l.grace_days, 0);
    assert_int_equal(l.then, LICENSE_WARN);
    assert_int_equal(parse(HEAD
                           ",\"licensee\":null,\"expires\":null,\"nonce\":null,\"fingerprint\":"
                           "null,\"features\":[],\"counts\":null,\"policy\":null,\"ext\":{}}",
                           &m, &e),
                     0);
    assert_memory_equal(&l, &m, sizeof l);
}

static void only_the_vendor_that_was_asked_for_is_believed(void **state) {
    static const char json[] = HEAD "}\n";
    struct gf_buf b;
    struct license l;
    struct gf_err e;

    (void)state;
    gf_buf_init(&b, 4096);
    gf_buf_text(&b, json);
    assert_int_equal(license_parse(b.data, b.len, gf_key_sign_public(vendor), &l, &e), -1);
    assert_int_equal(e.code, GF_E_DOCUMENT);
    assert_int_equal(gf_minisig_sign(vendor, json, strlen(json), "u", "t", &b, &e), 0);
    assert_int_equal(license_parse(b.data, b.len, gf_key_sign_public(stranger), &l, &e), -1);
    assert_int_equal(e.code, GF_E_SIGNATURE);
    assert_int_equal(license_parse(b.data, b.len, gf_key_sign_public(vendor), &l, &e), 0);
    *strchr(b.data, 'L') = 'M';
    assert_int_equal(license_parse(b.data, b.len, gf_key_sign_public(vendor), &l, &e), -1);
    assert_int_equal(e.code, GF_E_SIGNATURE);
    gf_buf_free(&b);
}

static void a_licence_that_breaks_a_rule_is_refused(void **state) {
    (void)state;
    assert_refused("{\"format\":\"gapferry-license/2\",\"new\":1}", GF_E_VERSION, "newer version");
    assert_refused("{\"format\":\"gapferry-card/1\"}", GF_E_LICENSE, "format must be");
    assert_refused("{}", GF_E_LICENSE, "\"format\" is missing");
    assert_refused("[]", GF_E_LICENSE, "not a JSON object");
    assert_refused(HEAD ",\"id\":\"twice\"}", GF_E_JSON, "");
    assert_refused(HEAD ",\"expiry\":null}", GF_E_LICENSE, "\"expiry\" is no member");
    assert_refused(HEAD ",\"expires\":\"2026-01-02\"}", GF_E_LICENSE, "\"expires\" must be a time");
    assert_refused(HEAD ",\"expires\":\"2025-01-02T03:04:05Z\"}", GF_E_LICENSE,
                   "expires is before issued");
    assert_refused(HEAD ",\"nonce\":\"abc\"}", GF_E_LICENSE, "\"nonce\" must be 32");
    assert_refused(HEAD ",\"fingerprint\":{\"k\":2,\"factors\":{\"a\":\"" HEX64 "\"}}}",
                   GF_E_LICENSE, "no machine could have them");
    assert_refused(HEAD ",\"fingerprint\":{\"k\":0,\"factors\":{}}}", GF_E_LICENSE,
                   "\"k\" must be");
    assert_refused(HEAD ",\"fingerprint\":{\"k\":1,\"factors\":{\"A\":\"" HEX64 "\"}}}",
                   GF_E_LICENSE, "a factor is a name");
    assert_refused(HEAD ",\"fingerprint\":{\"k\":1,\"factors\":{\"a\":\"" HEX32 "\"}}}",
                   GF_E_LICENSE, "a factor is a name");
    assert_refused(HEAD ",\"fingerprint\":{\"k\":1,\"factors\":{\"a\":1}}}", GF_E_LICENSE,
                   "\"a\" must be text");
    assert_refused(HEAD ",\"features\":[\"a\\nb\"]}", GF_E_LICENSE, "control character");
    assert_refused(HEAD ",\"counts\":{\"a=b\":1}}", GF_E_LICENSE, "no '='");
    assert_refused(HEAD ",\"counts\":{\"a\":-1}}", GF_E_LICENSE, "\"a\" must be a number");
    assert_refused(HEAD ",\"policy\":{\"warn_days\":1,\"grace_days\":1,\"then\":\"stop\"}}",
                   GF_E_LICENSE, "one of warn, block");
    assert_refused(HEAD ",\"policy\":{\"warn_days\":1,\"grace_days\":9999,\"then\":\"warn\"}}",
                   GF_E_LICENSE, "\"grace_days\" must be");
    assert_refused("{\"format\":\"gapferry-license/1\",\"id\":\"L\",\"product\":\"Demo\","
                   "\"issued\":\"2026-01-02T03:04:05Z\"}",
                   GF_E_LICENSE, "\"product\" must be");
}

static void lists_that_do_not_fit_are_refused(void **state) {
    struct gf_buf b;

    (void)state;
    gf_buf_init(&b, 65536);
    gf_buf_text(&b, HEAD ",\"features\":[");
    for (int i = 0; i < 65; i++)
        gf_buf_printf(&b, "%s\"%064d\"", i ? "," : "", i);
    gf_buf_text(&b, "]}");
    assert_refused(b.data, GF_E_LICENSE, "\"features\" is longer");
    gf_buf_clear(&b);
    gf_buf_text(&b, HEAD ",\"fingerprint\":{\"k\":1,\"factors\":{");
    for (int i = 0; i < 17; i++)
        gf_buf_printf(&b, "%s\"f%d\":\"" HEX64 "\"", i ? "," : "", i);
    gf_buf_text(&b, "}}}");
    assert_refused(b.data, GF_E_LICENSE, "more than 16 factors");
    gf_buf_free(&b);
}

#define DAY ((int64_t)86400)

static void time_decides_as_the_vendor_said(void **state) {
    static const struct {
        int64_t now;
        enum license_then then;
        enum license_fact fact;
        int may_run;
        int64_t days;
    } rows[] = {
        /* Issued at day 100, expires at day 200, warned 30 days before, 14 days of grace. */
        {0, LICENSE_BLOCK, LICENSE_CLOCK, 1, 100},
        {99 * DAY - 1, LICENSE_BLOCK, LICENSE_CLOCK, 1, 1},
        {99 * DAY, LICENSE_BLOCK, LICENSE_VALID, 1, 100},
        {100 * DAY, LICENSE_BLOCK, LICENSE_VALID, 1, 100},
        {170 * DAY - 1, LICENSE_BLOCK, LICENSE_VALID, 1, 30},
        {170 * DAY, LICENSE_BLOCK, LICENSE_EXPIRING, 1, 30},
        {200 * DAY - 1, LICENSE_BLOCK, LICENSE_EXPIRING, 1, 0},
        {200 * DAY, LICENSE_BLOCK, LICENSE_GRACE, 1, 0},
        {214 * DAY - 1, LICENSE_BLOCK, LICENSE_GRACE, 1, 13},
        {214 * DAY, LICENSE_BLOCK, LICENSE_ENDED, 0, 14},
        {214 * DAY, LICENSE_WARN, LICENSE_ENDED, 1, 14},
        {9999 * DAY, LICENSE_WARN, LICENSE_ENDED, 1, 9799},
    };
    struct license_verdict v;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct license l = {.issued = 100 * DAY,
                                  .has_expires = 1,
                                  .expires = 200 * DAY,
                                  .warn_days = 30,
                                  .grace_days = 14,
                                  .then = rows[i].then};
        license_judge(&l, NULL, 0, rows[i].now, 0, &v);
        if (v.fact != rows[i].fact || v.may_run != rows[i].may_run || v.days != rows[i].days)
            fail_msg("row %zu: %s, may run %d, %lld days", i, license_facts[v.fact], v.may_run,
                     (long long)v.days);
    }
}

static void without_an_end_a_licence_stays_valid(void **state) {
    const struct license l = {.issued = 100 * DAY, .warn_days = 30, .then = LICENSE_BLOCK};
    struct license_verdict v;

    (void)state;
    license_judge(&l, NULL, 0, 99999 * DAY, 0, &v);
    assert_int_equal(v.fact, LICENSE_VALID);
    assert_int_equal(v.may_run, 1);
}

static void the_floor_reports_a_clock_and_revives_nothing(void **state) {
    static const struct {
        int64_t now, floor;
        enum license_fact fact;
        int may_run;
        int64_t days;
    } rows[] = {
        /* As above: issued at day 100, expires at day 200, 14 days of grace, then blocked. */
        {150 * DAY, 150 * DAY, LICENSE_VALID, 1, 50},
        {150 * DAY - 3600, 150 * DAY, LICENSE_VALID, 1, 50},
        {149 * DAY, 150 * DAY, LICENSE_VALID, 1, 50},
        {149 * DAY - 1, 150 * DAY, LICENSE_CLOCK, 1, 1},
        {0, 150 * DAY, LICENSE_CLOCK, 1, 150},
        {0, 180 * DAY, LICENSE_CLOCK, 1, 180},
        {0, 200 * DAY, LICENSE_GRACE, 1, 0},
        {150 * DAY, 214 * DAY, LICENSE_ENDED, 0, 14},
        {49710 * DAY, 150 * DAY, LICENSE_ENDED, 0, 49510},
    };
    struct license_verdict v;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct license l = {.issued = 100 * DAY,
                                  .has_expires = 1,
                                  .expires = 200 * DAY,
                                  .warn_days = 30,
                                  .grace_days = 14,
                                  .then = LICENSE_BLOCK};
        license_judge(&l, NULL, 0, rows[i].now, rows[i].floor, &v);
        if (v.fact != rows[i].fact || v.may_run != rows[i].may_run || v.days != rows[i].days)
            fail_msg("row %zu: %s, may run %d, %lld days", i, license_facts[v.fact], v.may_run,
                     (long long)v.days);
    }
}

static void k_of_the_factors_must_match(void **state) {
    struct license_factor machine[3] = {{.name = "a"}, {.name = "b"}, {.name = "c"}};
    struct license l = {.issued = 0, .k = 2, .nfactors = 3, .then = LICENSE_BLOCK};
    struct license_verdict v;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        memset(&machine[i].digest, (int)i + 1, sizeof machine[i].digest);
    for (size_t i = 0; i < 3; i++)
        l.factors[i] = machine[2 - i];
    license_judge(&l, machine, 3, DAY, 0, &v);
    assert_int_equal(v.matching, 3);
    assert_int_equal(v.fact, LICENSE_VALID);
    machine[0].digest.b[0] ^= 1;
    license_judge(&l, machine, 3, DAY, 0, &v);
    assert_int_equal(v.matching, 2);
    assert_int_equal(v.fact, LICENSE_VALID);
    memcpy(machine[1].name, "x", 2);
    license_judge(&l, machine, 3, DAY, 0, &v);
    assert_int_equal(v.matching, 1);
    assert_int_equal(v.fact, LICENSE_ELSEWHERE);
    assert_int_equal(v.may_run, 0);
    l.then = LICENSE_WARN;
    license_judge(&l, machine, 3, DAY, 0, &v);
    assert_int_equal(v.fact, LICENSE_ELSEWHERE);
    assert_int_equal(v.may_run, 1);
    license_judge(&l, NULL, 0, DAY, 0, &v);
    assert_int_equal(v.fact, LICENSE_ELSEWHERE);
}

static void the_same_factor_twice_counts_once(void **state) {
    const struct license_factor machine[1] = {{.name = "a"}};
    const struct license_factor twice[2] = {{.name = "a"}, {.name = "a"}};
    struct license l = {.k = 1, .nfactors = 1};

    (void)state;
    l.factors[0] = machine[0];
    assert_int_equal(license_matching(&l, twice, 2), 1);
}

static void no_licence_is_a_fact_and_each_fact_has_its_status(void **state) {
    static const int wanted[] = {90, 0, 0, 91, 92, 93, 94};
    struct license_verdict v;

    (void)state;
    license_judge(NULL, NULL, 0, DAY, 0, &v);
    assert_int_equal(v.fact, LICENSE_NONE);
    assert_int_equal(v.may_run, 0);
    for (int f = 0; f < LICENSE_FACTS; f++)
        assert_int_equal(license_exit((enum license_fact)f), wanted[f]);
    assert_null(license_facts[LICENSE_FACTS]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_a_licence_says_is_read),
        cmocka_unit_test(what_is_absent_is_as_if_it_were_null),
        cmocka_unit_test(only_the_vendor_that_was_asked_for_is_believed),
        cmocka_unit_test(a_licence_that_breaks_a_rule_is_refused),
        cmocka_unit_test(lists_that_do_not_fit_are_refused),
        cmocka_unit_test(time_decides_as_the_vendor_said),
        cmocka_unit_test(without_an_end_a_licence_stays_valid),
        cmocka_unit_test(the_floor_reports_a_clock_and_revives_nothing),
        cmocka_unit_test(k_of_the_factors_must_match),
        cmocka_unit_test(the_same_factor_twice_counts_once),
        cmocka_unit_test(no_licence_is_a_fact_and_each_fact_has_its_status),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
