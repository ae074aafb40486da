/*
 * test_license_machine.c -- what a machine says of itself, and what a licence request says of it.
 * The machines are made of files, so that the one that runs the test does not matter.
 */
#include "crypto_tools.h"

#include <sys/stat.h>

#include "agent/license/license.h"
#include "gapferry/json.h"

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
        cmocka_unit_test(a_machine_has_the_factors_that_it_has),
        cmocka_unit_test(another_salt_or_name_makes_another_digest),
        cmocka_unit_test(values_that_nobody_filled_in_are_no_factors),
        cmocka_unit_test(the_disk_is_found_below_partitions_and_volumes),
        cmocka_unit_test(the_network_card_is_the_first_real_one),
        cmocka_unit_test(a_request_says_what_was_wished_and_no_more),
        cmocka_unit_test(a_request_that_breaks_a_rule_is_not_made),
    };
    return cmocka_run_group_tests(tests, tools_begin, tools_end);
}
