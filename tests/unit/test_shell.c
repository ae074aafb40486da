/* test_shell.c -- the outer ustar has one legal sequence of bytes, and it is stock tar's. */
#include "format/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void every_changed_byte_of_a_block_is_refused(void **state) {
    uint8_t block[GF_SHELL_BLOCK];
    int64_t size = -1;
    struct gf_err e;

    (void)state;
    gf_shell_block(GF_SHELL_PAYLOAD, 01234567, block);
    assert_int_equal(gf_shell_unblock(block, GF_SHELL_PAYLOAD, &size, &e), 0);
    assert_int_equal(size, 01234567);
    for (size_t i = 0; i < sizeof block; i++) {
        for (int bit = 0; bit < 8; bit++) {
            block[i] ^= (uint8_t)(1 << bit);
            assert_int_equal(gf_shell_unblock(block, GF_SHELL_PAYLOAD, &size, &e), -1);
            assert_int_equal(e.code, GF_E_SHELL);
            block[i] ^= (uint8_t)(1 << bit);
        }
    }
}

static void a_block_of_another_member_is_refused(void **state) {
    uint8_t block[GF_SHELL_BLOCK];
    int64_t size = 7;
    struct gf_err e;

    (void)state;
    gf_shell_block(GF_SHELL_HEADER, 1, block);
    assert_int_equal(gf_shell_unblock(block, GF_SHELL_SIGNATURE, &size, &e), -1);
    assert_int_equal(size, 7);
}

/* What stock GNU tar writes for the same members is our shell, to the byte. */
static void stock_tar_writes_the_same_block(void **state) {
    uint8_t ours[GF_SHELL_BLOCK];
    uint8_t theirs[GF_SHELL_BLOCK];

    (void)state;
    FILE *p = popen("d=$(mktemp -d) && cd \"$d\" && printf 123456789 >payload.age && "
                    "tar cf - --format=ustar --owner=0 --group=0 --numeric-owner --mode=0644 "
                    "--mtime=@0 payload.age; rm -rf \"$d\"",
                    "r");
    assert_non_null(p);
    assert_int_equal(fread(theirs, 1, sizeof theirs, p), sizeof theirs);
    while (fgetc(p) != EOF)
        continue;
    assert_int_equal(pclose(p), 0);
    gf_shell_block(GF_SHELL_PAYLOAD, 9, ours);
    assert_memory_equal(ours, theirs, sizeof ours);
}

static void lengths_follow_from_the_sizes(void **state) {
    (void)state;
    assert_int_equal(gf_shell_pad(0), 0);
    assert_int_equal(gf_shell_pad(1), 512);
    assert_int_equal(gf_shell_pad(512), 512);
    assert_int_equal(gf_shell_pad(513), 1024);
    assert_int_equal(gf_shell_payload_offset(600), 3 * 512 + 1024 + gf_shell_pad(GF_SHELL_MINISIG));
    assert_int_equal(gf_shell_file_size(600, 700), gf_shell_payload_offset(600) + 1024 + 1024);
    /* The first read holds every head that can be. */
    assert_true(gf_shell_payload_offset(GF_HEADER_MAX) <= GF_HEAD_MAX);
}

static void a_route_survives_its_comment(void **state) {
    struct gf_shell_route r;
    struct gf_shell_route back;
    char text[GF_SHELL_TRUSTED_LENGTH + 1];
    struct gf_err e;

    (void)state;
    memset(&r, 0x5a, sizeof r);
    r.from.b[0] = 1;
    gf_shell_comment(&r, text);
    assert_int_equal(strlen(text), GF_SHELL_TRUSTED_LENGTH);
    assert_int_equal(gf_shell_uncomment(text, strlen(text), &back, &e), 0);
    assert_memory_equal(&r, &back, sizeof r);
    for (size_t i = 0; i < sizeof text - 1; i++) {
        char was = text[i];
        text[i] = 'X';
        assert_int_equal(gf_shell_uncomment(text, strlen(text), &back, &e), -1);
        assert_int_equal(e.code, GF_E_MINISIG);
        text[i] = was;
    }
    assert_int_equal(gf_shell_uncomment(text, strlen(text) - 1, &back, &e), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_changed_byte_of_a_block_is_refused),
        cmocka_unit_test(a_block_of_another_member_is_refused),
        cmocka_unit_test(stock_tar_writes_the_same_block),
        cmocka_unit_test(lengths_follow_from_the_sizes),
        cmocka_unit_test(a_route_survives_its_comment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
