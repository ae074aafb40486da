/* test_writer.c -- bundles of every shape go out and come back; failures have words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gapferry/file.h"
#include "support/kit.h"

static void files_of_every_size_come_back(void **state) {
    /* Around the borders of tar blocks, age chunks, groups of chunks and frames. */
    static const size_t sizes[] = {0,       1,       511,     512,     65536 - 1024,
                                   65536,   524288,  1047552, 1048064, 1048576,
                                   1048577, 1500000, 2097152, 3000001, KIT_DATA_SIZE};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int threads = 1; threads <= 4; threads += 3) {
            struct gf_pack p = kit_request();
            struct gf_contents c = {0};
            struct gf_err e = {0};
            p.threads = threads;
            int fd = kit_pack(&p, kit_data, sizes[i], NULL);
            int dir = kit_new_dir();
            if (kit_read(fd, &kit_relay, 5 - threads, dir, &c, &e) == -1)
                fail_msg("size %zu: %s", sizes[i], e.text);
            assert_int_equal(c.nmembers, 1);
            assert_string_equal(c.members[0].member, "files/big-file.bin");
            assert_string_equal(c.members[0].name, "Big File.bin");
            kit_check_file(dir, "files/big-file.bin", kit_data, sizes[i]);
            gf_contents_free(&c);
            (void)close(dir);
            (void)close(fd);
        }
    }
}

static void a_response_with_every_member_comes_back(void **state) {
    static const char receipt[] =
        "{\"record\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"digest\":"
        "\"0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8\",\"state\":"
        "\"relayed\","
        "\"reason\":null,\"guarantee\":null,\"at\":\"2026-01-02T03:04:05Z\"}\n";
    static const char notice[] =
        "{\"type\":\"time\",\"at\":\"2026-01-02T03:04:05Z\",\"data\":\"now\"}\n";
    struct gf_pack p = kit_request();
    struct gf_writer *w = NULL;
    struct gf_contents c = {0};
    struct gf_err e = {0};
    int fd = memfd_create("bundle", 0);
    int dir = kit_new_dir();

    (void)state;
    p.identity = &kit_relay;
    p.kind = GF_KIND_RESPONSE;
    p.to = &kit_site.card;
    p.nreaders = 0;
    assert_int_equal(gf_writer_open(fd, &p, &w, &e), 0);
    assert_int_equal(gf_writer_member(w, GF_MEMBER_RECEIPTS, NULL, sizeof receipt - 1, NULL, &e),
                     0);
    assert_int_equal(gf_writer_data(w, receipt, sizeof receipt - 1, &e), 0);
    assert_int_equal(gf_writer_member(w, GF_MEMBER_ANSWERS, NULL, 0, NULL, &e), 0);
    assert_int_equal(gf_writer_member(w, GF_MEMBER_NOTICES, NULL, sizeof notice - 1, NULL, &e), 0);
    assert_int_equal(gf_writer_data(w, notice, sizeof notice - 1, &e), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(gf_writer_member(w, GF_MEMBER_FILE, "a.txt", 0, NULL, &e), 0);
    assert_int_equal(gf_writer_finish(w, NULL, NULL, &e), 0);
    gf_writer_free(w);
    if (kit_read(fd, &kit_site, 0, dir, &c, &e) == -1)
        fail_msg("%s", e.text);
    assert_int_equal(c.nmembers, 5);
    kit_check_file(dir, "receipts.jsonl", receipt, sizeof receipt - 1);
    kit_check_file(dir, "notices.jsonl", notice, sizeof notice - 1);
    assert_string_equal(c.members[2].member, "files/a.txt");
    assert_string_equal(c.members[3].name, "a.txt");
    assert_string_not_equal(c.members[3].member, c.members[4].member);
    gf_contents_free(&c);
    (void)close(dir);
    (void)close(fd);
}

static void misuse_is_refused_with_words(void **state) {
    struct gf_pack p = kit_request();
    struct gf_writer *w = NULL;
    struct gf_err e = {0};
    int fd = memfd_create("bundle", 0);
    const struct gf_card *twice[] = {&kit_other.card, &kit_other.card};
    const struct gf_card *addressee[] = {&kit_relay.card};

    (void)state;
    p.readers = twice;
    p.nreaders = 2;
    assert_int_equal(gf_writer_open(fd, &p, &w, &e), -1);
    assert_int_equal(e.code, GF_E_USAGE);
    p.readers = addressee;
    p.nreaders = 1;
    assert_int_equal(gf_writer_open(fd, &p, &w, &e), -1);
    assert_int_equal(e.code, GF_E_USAGE);
    p.nreaders = GF_READERS_MAX + 1;
    assert_int_equal(gf_writer_open(fd, &p, &w, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);

    p.nreaders = 0;
    assert_int_equal(gf_writer_open(fd, &p, &w, &e), 0);
    assert_int_equal(gf_writer_member(w, GF_MEMBER_RECEIPTS, NULL, 5, NULL, &e), -1);
    assert_int_equal(e.code, GF_E_USAGE);
    assert_int_equal(gf_writer_member(w, GF_MEMBER_FILE, "", 5, NULL, &e), -1);
    assert_int_equal(gf_writer_member(w, GF_MEMBER_FILE, "\xff", 5, NULL, &e), -1);
    assert_int_equal(gf_writer_member(w, GF_MEMBER_FILE, "f", GF_ARCHIVE_MAX, NULL, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_int_equal(gf_writer_member(w, GF_MEMBER_FILE, "f", 5, NULL, &e), 0);
    assert_int_equal(gf_writer_data(w, "123456", 6, &e), -1);
    assert_int_equal(gf_writer_data(w, "123", 3, &e), 0);
    assert_int_equal(gf_writer_member(w, GF_MEMBER_FILE, "g", 5, NULL, &e), -1);
    assert_int_equal(gf_writer_finish(w, NULL, NULL, &e), -1);
    assert_int_equal(e.code, GF_E_USAGE);
    assert_int_equal(gf_writer_data(w, "45", 2, &e), 0);
    assert_int_equal(gf_writer_member(w, GF_MEMBER_RECORDS, NULL, 5, NULL, &e), -1);
    gf_writer_free(w);
    gf_writer_free(NULL);
    (void)close(fd);
}

static void a_file_that_shrinks_while_it_is_read_is_noticed(void **state) {
    struct gf_pack p = kit_request();
    struct gf_writer *w = NULL;
    struct gf_err e = {0};
    int fd = memfd_create("bundle", 0);
    int in = memfd_create("in", 0);

    (void)state;
    assert_int_equal(gf_file_write(in, kit_data, 1000), 0);
    assert_int_equal(lseek(in, 0, SEEK_SET), 0);
    assert_int_equal(gf_writer_open(fd, &p, &w, &e), 0);
    assert_int_equal(gf_writer_member(w, GF_MEMBER_FILE, "f", 1001, NULL, &e), 0);
    assert_int_equal(gf_writer_copy(w, in, NULL, NULL, &e), -1);
    assert_int_equal(e.code, GF_E_SYSTEM);
    assert_non_null(strstr(e.text, "shorter"));
    gf_writer_free(w);
    (void)close(in);
    (void)close(fd);
}

static void a_part_comes_back_as_one_and_impossible_ones_are_refused(void **state) {
    const struct gf_part good = {.index = 1, .count = 2, .offset = 10, .whole = 15};
    const struct gf_part bad[] = {
        {.index = 2, .count = 2, .offset = 10, .whole = 15},
        {.index = 0, .count = 2, .offset = 10, .whole = 15},
        {.index = 1, .count = 2, .offset = 10, .whole = 16},
        {.index = 0, .count = 1, .offset = 0, .whole = 5},
    };
    struct gf_pack p = kit_request();
    struct gf_contents c;
    struct gf_writer *w = NULL;
    struct gf_err e;

    (void)state;
    int fd = open(kit_root, O_TMPFILE | O_RDWR, 0600);
    assert_int_equal(gf_writer_open(fd, &p, &w, &e), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(gf_writer_part(w, "f", 5, &bad[i], NULL, &e), -1);
        assert_int_equal(e.code, GF_E_USAGE);
    }
    assert_int_equal(gf_writer_part(w, "f", 5, &good, NULL, &e), 0);
    assert_int_equal(gf_writer_data(w, "12345", 5, &e), 0);
    assert_int_equal(gf_writer_finish(w, NULL, NULL, &e), 0);
    gf_writer_free(w);
    int dir = kit_new_dir();
    assert_int_equal(kit_read(fd, &kit_relay, 1, dir, &c, &e), 0);
    assert_true(c.nmembers == 1 && c.members[0].is_part && c.members[0].part.index == 1);
    assert_true(c.members[0].part.offset == 10 && c.members[0].part.whole == 15);
    gf_contents_free(&c);
    (void)close(dir);
    (void)close(fd);
}

/* The writer's errors under a limit on the file's size. */
static void a_full_disk_is_an_error_wherever_it_strikes(void **state) {
    struct rlimit before;
    char path[64];

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    (void)snprintf(path, sizeof path, "%s/full", kit_root);
    for (size_t limit = 0; limit <= 3 << 20; limit = limit == 0 ? 100 : limit * 3) {
        const struct rlimit now = {limit, before.rlim_max};
        struct gf_pack p = kit_request();
        struct gf_writer *w = NULL;
        struct gf_err e = {0};
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
        int rc = gf_writer_open(fd, &p, &w, &e);
        if (rc == 0)
            rc = gf_writer_member(w, GF_MEMBER_FILE, "f", KIT_DATA_SIZE, NULL, &e);
        if (rc == 0)
            rc = gf_writer_data(w, kit_data, KIT_DATA_SIZE, &e);
        if (rc == 0)
            rc = gf_writer_finish(w, NULL, NULL, &e);
        gf_writer_free(w);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(rc, -1);
        assert_int_equal(e.code, GF_E_CREATE);
        (void)close(fd);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_every_size_come_back),
        cmocka_unit_test(a_response_with_every_member_comes_back),
        cmocka_unit_test(misuse_is_refused_with_words),
        cmocka_unit_test(a_file_that_shrinks_while_it_is_read_is_noticed),
        cmocka_unit_test(a_part_comes_back_as_one_and_impossible_ones_are_refused),
        cmocka_unit_test(a_full_disk_is_an_error_wherever_it_strikes),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
