/*
 * test_license.c -- licences: what is believed of a document, what is the case with it, and what
 * this machine says of itself.
 */
#include "crypto_tools.h"

#include <sys/stat.h>

#include "agent/license/license.h"
#include "gapferry/json.h"
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
    for (int i = 0; i < 20; i++)
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
        {99 * DAY, LICENSE_BLOCK, LICENSE_VALID, 1, 101},
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
        license_judge(&l, NULL, 0, rows[i].now, &v);
        if (v.fact != rows[i].fact || v.may_run != rows[i].may_run || v.days != rows[i].days)
            fail_msg("row %zu: %s, may run %d, %lld days", i, license_facts[v.fact], v.may_run,
                     (long long)v.days);
    }
}

static void without_an_end_a_licence_stays_valid(void **state) {
    const struct license l = {.issued = 100 * DAY, .warn_days = 30, .then = LICENSE_BLOCK};
    struct license_verdict v;

    (void)state;
    license_judge(&l, NULL, 0, 99999 * DAY, &v);
    assert_int_equal(v.fact, LICENSE_VALID);
    assert_int_equal(v.may_run, 1);
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
    license_judge(&l, machine, 3, DAY, &v);
    assert_int_equal(v.matching, 3);
    assert_int_equal(v.fact, LICENSE_VALID);
    machine[0].digest.b[0] ^= 1;
    license_judge(&l, machine, 3, DAY, &v);
    assert_int_equal(v.matching, 2);
    assert_int_equal(v.fact, LICENSE_VALID);
    memcpy(machine[1].name, "x", 2);
    license_judge(&l, machine, 3, DAY, &v);
    assert_int_equal(v.matching, 1);
    assert_int_equal(v.fact, LICENSE_ELSEWHERE);
    assert_int_equal(v.may_run, 0);
    l.then = LICENSE_WARN;
    license_judge(&l, machine, 3, DAY, &v);
    assert_int_equal(v.fact, LICENSE_ELSEWHERE);
    assert_int_equal(v.may_run, 1);
    license_judge(&l, NULL, 0, DAY, &v);
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
    license_judge(NULL, NULL, 0, DAY, &v);
    assert_int_equal(v.fact, LICENSE_NONE);
    assert_int_equal(v.may_run, 0);
    for (int f = 0; f < LICENSE_FACTS; f++)
        assert_int_equal(license_exit((enum license_fact)f), wanted[f]);
    assert_null(license_facts[LICENSE_FACTS]);
}

/* ---- machines made of files ---- */

static void put(const char *path, const char *text) {
    assert_true(tools_run("mkdir -p \"$(dirname %s)\"", path));
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static const uint8_t salt[16] = {1, 2, 3};

static size_t look(const char *root, const uint8_t *with, struct license_factor *out) {
    struct gf_err e;
    size_t n = 99;

    assert_int_equal(license_machine(root, with, out, &n, &e), 0);
    return n;
}

static const struct license_factor *find(const struct license_factor *f, size_t n,
                                         const char *name) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(f[i].name, name) == 0)
            return &f[i];
    }
    return NULL;
}

static void a_machine_has_the_factors_that_it_has(void **state) {
    struct license_factor f[LICENSE_FACTORS_MAX], again[LICENSE_FACTORS_MAX];

    (void)state;
    assert_int_equal(mkdir("bare", 0755), 0);
    assert_int_equal(look("bare", salt, f), 0);
    put("m/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    put("m/sys/class/dmi/id/product_uuid", "03000200-0400-0500-0006-000700080009\n");
    put("m/sys/class/dmi/id/board_serial", "  B1234 \n");
    assert_int_equal(look("m", salt, f), 3);
    assert_non_null(find(f, 3, "machine-id"));
    assert_non_null(find(f, 3, "system"));
    assert_non_null(find(f, 3, "board"));

    /* White space around a value is not part of it. */
    put("n/sys/class/dmi/id/board_serial", "B1234");
    assert_int_equal(look("n", salt, again), 1);
    assert_memory_equal(find(f, 3, "board"), &again[0], sizeof again[0]);
}

static void another_salt_or_name_makes_another_digest(void **state) {
    static const uint8_t other[16] = {1, 2, 4};
    struct license_factor a[LICENSE_FACTORS_MAX], b[LICENSE_FACTORS_MAX];

    (void)state;
    put("s/etc/machine-id", "abc1\n");
    put("s/sys/class/dmi/id/board_serial", "abc1\n");
    assert_int_equal(look("s", salt, a), 2);
    assert_memory_not_equal(&a[0].digest, &a[1].digest, sizeof a[0].digest);
    assert_int_equal(look("s", other, b), 2);
    assert_memory_not_equal(&a[0].digest, &b[0].digest, sizeof a[0].digest);
    assert_int_equal(look("s", salt, b), 2);
    assert_memory_equal(&a[0].digest, &b[0].digest, sizeof a[0].digest);
}

static void values_that_nobody_filled_in_are_no_factors(void **state) {
    static const char *const fillers[] = {"None",
                                          "To Be Filled By O.E.M.",
                                          "Default string",
                                          "00000000-0000-0000-0000-000000000000",
                                          "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
                                          "",
                                          " \n",
                                          "0"};
    struct license_factor f[LICENSE_FACTORS_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof fillers / sizeof *fillers; i++) {
        put("filler/sys/class/dmi/id/board_serial", fillers[i]);
        if (look("filler", salt, f) != 0)
            fail_msg("%s", fillers[i]);
    }
    put("filler/sys/class/dmi/id/board_serial", "0000001");
    assert_int_equal(look("filler", salt, f), 1);
}

static void the_disk_is_found_below_partitions_and_volumes(void **state) {
    struct license_factor plain[LICENSE_FACTORS_MAX], stacked[LICENSE_FACTORS_MAX];

    (void)state;
    put("d/sys/devices/sda/wwid", "naa.5000c500a1b2c3d4\n");
    put("d/sys/devices/sda/sda1/partition", "1\n");
    put("d/sys/devices/sda/sda1/dev", "8:1\n");
    put("d/proc/self/mountinfo", "21 1 0:20 / /proc rw - proc proc rw\n"
                                 "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n");
    assert_true(tools_run("mkdir -p d/sys/dev/block && ln -s ../../devices/sda/sda1 "
                          "d/sys/dev/block/8:1"));
    assert_int_equal(look("d", salt, plain), 1);
    assert_string_equal(plain[0].name, "disk");

    /* A volume (dm-1) on encryption (dm-0) on the same partition. */
    assert_true(
        tools_run("cp -a d v && mkdir -p v/sys/devices/dm-1/slaves v/sys/devices/dm-0/slaves "
                  "&& ln -s ../../dm-0 v/sys/devices/dm-1/slaves/dm-0 && ln -s "
                  "../../sda/sda1 v/sys/devices/dm-0/slaves/sda1 && ln -s "
                  "../../devices/dm-1 v/sys/dev/block/254:1"));
    put("v/proc/self/mountinfo", "22 1 254:1 / / rw - ext4 /dev/mapper/root rw\n");
    assert_int_equal(look("v", salt, stacked), 1);
    assert_memory_equal(&plain[0], &stacked[0], sizeof plain[0]);

    /* btrfs: a number of its own, but its device has a name. */
    assert_true(tools_run("cp -a d b && mkdir -p b/sys/class/block && ln -s "
                          "../../devices/sda/sda1 b/sys/class/block/sda1"));
    put("b/proc/self/mountinfo", "22 1 0:25 /@ / rw - btrfs /dev/sda1 rw\n");
    assert_int_equal(look("b", salt, stacked), 1);
    assert_memory_equal(&plain[0], &stacked[0], sizeof plain[0]);

    /* A container: nothing below it. */
    put("b/proc/self/mountinfo", "22 1 0:25 / / rw - overlay overlay rw\n");
    assert_int_equal(look("b", salt, stacked), 0);
}

static void the_network_card_is_the_first_real_one(void **state) {
    struct license_factor f[LICENSE_FACTORS_MAX], g[LICENSE_FACTORS_MAX];

    (void)state;
    put("e/sys/class/net/lo/address", "00:00:00:00:00:00\n");
    put("e/sys/class/net/br0/address", "52:54:00:12:34:56\n");
    assert_int_equal(look("e", salt, f), 0);
    put("e/sys/class/net/eth1/address", "52:54:00:aa:bb:cc\n");
    put("e/sys/class/net/eth1/addr_assign_type", "0\n");
    put("e/sys/class/net/eth1/device/vendor", "0x8086\n");
    assert_int_equal(look("e", salt, f), 1);
    assert_string_equal(f[0].name, "nic");

    /* One whose address was made up does not come before it. */
    put("e/sys/class/net/eth0/address", "12:34:56:aa:bb:cc\n");
    put("e/sys/class/net/eth0/addr_assign_type", "3\n");
    put("e/sys/class/net/eth0/device/vendor", "0x8086\n");
    assert_int_equal(look("e", salt, g), 1);
    assert_memory_equal(&f[0], &g[0], sizeof f[0]);
}

/* ---- requests ---- */

static void a_request_says_what_was_wished_and_no_more(void **state) {
    struct license_factor machine[2] = {{.name = "board"}, {.name = "nic"}};
    const struct license_wish all = {.product = "demo",
                                     .version = "1.2",
                                     .key = "AA\"BB",
                                     .contact = "ops@example.org",
                                     .counts = "seats=5\nnodes=0",
                                     .nonce = {{0xab}}};
    const struct license_wish few = {.product = "demo", .key = "K"};
    struct gf_buf b;
    struct gf_err e;

    (void)state;
    machine[0].digest.b[0] = 0xcd;
    gf_buf_init(&b, 65536);
    assert_int_equal(license_request(&all, machine, 2, &b, &e), 0);
    assert_string_equal(
        b.data,
        "{\"format\": \"gapferry-license-request/1\", \"product\": \"demo\", \"version\": \"1.2\", "
        "\"key\": \"AA\\\"BB\", \"contact\": \"ops@example.org\", \"counts\": {\"seats\": 5, "
        "\"nodes\": 0}, \"nonce\": \"ab000000000000000000000000000000\", \"fingerprint\": "
        "{\"board\": \"cd00000000000000000000000000000000000000000000000000000000000000\", "
        "\"nic\": "
        "\"0000000000000000000000000000000000000000000000000000000000000000\"}, \"ext\": {}}");
    assert_int_equal(gf_json_check(b.data, b.len, "request", &e), 0);
    gf_buf_clear(&b);
    assert_int_equal(license_request(&few, NULL, 0, &b, &e), 0);
    assert_int_equal(gf_json_check(b.data, b.len, "request", &e), 0);
    assert_non_null(strstr(b.data, "\"version\": null"));
    assert_non_null(strstr(b.data, "\"counts\": {}"));
    gf_buf_free(&b);
}

static void a_request_that_breaks_a_rule_is_not_made(void **state) {
    static const struct {
        const char *product, *key, *version, *counts, *text;
    } rows[] = {
        {"", "K", NULL, NULL, "product"},       {"Demo", "K", NULL, NULL, "product"},
        {NULL, "K", NULL, NULL, "product"},     {"demo", NULL, NULL, NULL, "key"},
        {"demo", "", NULL, NULL, "key"},        {"demo", "a\nb", NULL, NULL, "key"},
        {"demo", "\xff", NULL, NULL, "key"},    {"demo", "K", "", NULL, "version"},
        {"demo", "K", NULL, "a", "count"},      {"demo", "K", NULL, "a=", "count"},
        {"demo", "K", NULL, "a=x", "count"},    {"demo", "K", NULL, "a=01", "count"},
        {"demo", "K", NULL, "a=-1", "count"},   {"demo", "K", NULL, "=1", "count"},
        {"demo", "K", NULL, "a=1x", "count"},   {"demo", "K", NULL, "a=1\na=2", "twice"},
        {"demo", "K", NULL, "a\nb=1", "count"}, {"demo", "K", NULL, "a=1234567890123456", "count"},
    };
    struct gf_buf b;
    struct gf_err e;

    (void)state;
    gf_buf_init(&b, 65536);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct license_wish w = {.product = rows[i].product,
                                       .key = rows[i].key,
                                       .version = rows[i].version,
                                       .counts = rows[i].counts};
        if (license_request(&w, NULL, 0, &b, &e) != -1 || e.code != GF_E_USAGE ||
            !strstr(e.text, rows[i].text) || b.len != 0)
            fail_msg("row %zu: %s", i, e.text);
    }
    gf_buf_free(&b);
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
        cmocka_unit_test(k_of_the_factors_must_match),
        cmocka_unit_test(the_same_factor_twice_counts_once),
        cmocka_unit_test(no_licence_is_a_fact_and_each_fact_has_its_status),
        cmocka_unit_test(a_machine_has_the_factors_that_it_has),
        cmocka_unit_test(another_salt_or_name_makes_another_digest),
        cmocka_unit_test(values_that_nobody_filled_in_are_no_factors),
        cmocka_unit_test(the_disk_is_found_below_partitions_and_volumes),
        cmocka_unit_test(the_network_card_is_the_first_real_one),
        cmocka_unit_test(a_request_says_what_was_wished_and_no_more),
        cmocka_unit_test(a_request_that_breaks_a_rule_is_not_made),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
