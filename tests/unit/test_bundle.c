/* test_bundle.c -- the writer and the three steps of reading, on bundles of every shape. The many
 * ways to be wrong are in tests/vectors. */
#include "gapferry/bundle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/digest.h"
#include "gapferry/file.h"

static char root[] = "/tmp/gapferry-test-XXXXXX";
static int root_fd = -1;
static struct gf_identity site;
static struct gf_identity relay;
static struct gf_identity other;
static uint8_t *data; /* random and repeating stretches */
#define DATA_SIZE (5 << 20)

/* ---- what the tests share ---- */

static int setup(void **state) {
    const struct {
        const char *dir;
        enum gf_role role;
        struct gf_identity *id;
    } who[] = {{"site", GF_ROLE_AGENT, &site},
               {"relay", GF_ROLE_RELAY, &relay},
               {"other", GF_ROLE_AGENT, &other}};
    struct gf_err e;

    (void)state;
    assert_int_equal(gf_digest_start(&e), 0);
    assert_non_null(mkdtemp(root));
    root_fd = open(root, O_RDONLY | O_DIRECTORY);
    for (size_t i = 0; i < 3; i++) {
        struct gf_card c = {.role = who[i].role, .has_agent = who[i].role == GF_ROLE_AGENT};
        gf_digest_random(&c.agent, sizeof c.agent);
        assert_int_equal(gf_identity_make(root_fd, who[i].dir, &c, &e), 0);
        assert_int_equal(gf_identity_load(root_fd, who[i].dir, who[i].id, &e), 0);
    }
    data = malloc(DATA_SIZE);
    gf_digest_random(data, DATA_SIZE);
    memset(data + DATA_SIZE / 4, 'a', DATA_SIZE / 4);
    return 0;
}

static int teardown(void **state) {
    char command[64];

    (void)state;
    gf_identity_free(&site);
    gf_identity_free(&relay);
    gf_identity_free(&other);
    free(data);
    (void)close(root_fd);
    (void)snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

static struct gf_pack request(void) {
    static const struct gf_card *readers[1];
    readers[0] = &site.card;
    struct gf_pack p = {.identity = &site,
                        .kind = GF_KIND_REQUEST,
                        .to = &relay.card,
                        .readers = readers,
                        .nreaders = 1,
                        .seq = 1,
                        .has_created = 1,
                        .created = 1700000000};
    gf_digest_random(&p.id, sizeof p.id);
    gf_digest_random(&p.stream, sizeof p.stream);
    return p;
}

/* One file of these bytes in a bundle; the bundle's descriptor. */
static int pack(const struct gf_pack *p, const void *bytes, size_t len, struct gf_header *h) {
    struct gf_writer *w = NULL;
    struct gf_err e = {0};
    int fd = memfd_create("bundle", 0);

    assert_int_not_equal(fd, -1);
    assert_int_equal(gf_writer_open(fd, p, &w, &e), 0);
    assert_int_equal(gf_writer_member(w, GF_MEMBER_FILE, "Big File.bin", (int64_t)len, NULL, &e),
                     0);
    /* In odd pieces, so that no border of ours is one of the caller's. */
    for (size_t at = 0; at < len;) {
        size_t n = len - at < 77777 ? len - at : 77777;
        assert_int_equal(gf_writer_data(w, (const char *)bytes + at, n, &e), 0);
        at += n;
    }
    assert_int_equal(gf_writer_finish(w, h, NULL, &e), 0);
    gf_writer_free(w);
    return fd;
}

static int new_dir(void) {
    char name[40] = "out-XXXXXX";
    uint8_t r[8];

    gf_digest_random(r, sizeof r);
    gf_text_hex(r, sizeof r, name + 4);
    assert_int_equal(mkdirat(root_fd, name, 0700), 0);
    int fd = openat(root_fd, name, O_RDONLY | O_DIRECTORY);
    assert_int_not_equal(fd, -1);
    return fd;
}

static size_t entries(int dir) {
    size_t n = 0;
    DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY));

    assert_non_null(d);
    for (struct dirent *x = NULL; (x = readdir(d)) != NULL;)
        n += x->d_name[0] != '.';
    (void)closedir(d);
    return n;
}

/* All three steps for one of us. */
static int read_bundle(int fd, const struct gf_identity *us, int threads, int dir,
                       struct gf_contents *c, struct gf_err *e) {
    const struct gf_card *trusted[] = {&site.card, &relay.card};
    const struct gf_check check = {
        .trusted = trusted, .ntrusted = 2, .us = &us->card.identity, .nus = 1, .readers_too = 1};
    const struct gf_seal_key *keys[] = {us->seal};
    const struct gf_items_options o = {.check_lines = 1, .threads = threads};
    struct gf_head h = {0};
    int copy = memfd_create("copy", 0);
    int rc = gf_bundle_head(fd, &check, &h, e);

    if (rc == 0)
        rc = gf_bundle_copy(fd, &h, copy, NULL, NULL, e);
    if (rc == 0)
        rc = gf_bundle_open(copy, &h, keys, 1, &o, dir, c, e);
    gf_head_free(&h);
    (void)close(copy);
    return rc;
}

static void check_file(int dir, const char *path, const void *bytes, size_t len) {
    struct gf_buf b;
    struct gf_err e;

    assert_int_equal(gf_file_load(dir, path, DATA_SIZE, &b, &e), 0);
    assert_int_equal(b.len, len);
    assert_memory_equal(b.data, bytes, len);
    gf_buf_free(&b);
}

/* ---- claims ---- */

static void files_of_every_size_come_back(void **state) {
    /* Around the borders of tar blocks, age chunks, groups of chunks and frames. */
    static const size_t sizes[] = {0,       1,       511,     512,     65536 - 1024,
                                   65536,   524288,  1047552, 1048064, 1048576,
                                   1048577, 1500000, 2097152, 3000001, DATA_SIZE};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int threads = 1; threads <= 4; threads += 3) {
            struct gf_pack p = request();
            struct gf_contents c = {0};
            struct gf_err e = {0};
            p.threads = threads;
            int fd = pack(&p, data, sizes[i], NULL);
            int dir = new_dir();
            if (read_bundle(fd, &relay, 5 - threads, dir, &c, &e) == -1)
                fail_msg("size %zu: %s", sizes[i], e.text);
            assert_int_equal(c.nmembers, 1);
            assert_string_equal(c.members[0].member, "files/big-file.bin");
            assert_string_equal(c.members[0].name, "Big File.bin");
            check_file(dir, "files/big-file.bin", data, sizes[i]);
            gf_contents_free(&c);
            (void)close(dir);
            (void)close(fd);
        }
    }
}

static void a_reader_opens_but_is_not_the_addressee(void **state) {
    struct gf_pack p = request();
    struct gf_contents c = {0};
    struct gf_err e = {0};
    struct gf_head h = {0};
    int fd = pack(&p, data, 100, NULL);
    int dir = new_dir();
    const struct gf_card *trusted[] = {&site.card};
    struct gf_check check = {
        .trusted = trusted, .ntrusted = 1, .us = &site.card.identity, .nus = 1, .readers_too = 1};

    (void)state;
    assert_int_equal(read_bundle(fd, &site, 0, dir, &c, &e), 0);
    gf_contents_free(&c);
    assert_int_equal(gf_bundle_head(fd, &check, &h, &e), 0);
    assert_int_equal(h.is_reader, 1);
    gf_head_free(&h);
    check.readers_too = 0;
    assert_int_equal(gf_bundle_head(fd, &check, &h, &e), -1);
    assert_int_equal(e.code, GF_E_NOT_FOR_US);
    check.us = &other.card.identity;
    check.readers_too = 1;
    assert_int_equal(gf_bundle_head(fd, &check, &h, &e), -1);
    assert_int_equal(e.code, GF_E_NOT_FOR_US);
    (void)close(dir);
    (void)close(fd);
}

static void a_response_with_every_member_comes_back(void **state) {
    static const char receipt[] =
        "{\"record\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"digest\":"
        "\"0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8\",\"state\":"
        "\"relayed\","
        "\"reason\":null,\"guarantee\":null,\"at\":\"2026-01-02T03:04:05Z\"}\n";
    static const char notice[] =
        "{\"type\":\"time\",\"at\":\"2026-01-02T03:04:05Z\",\"data\":\"now\"}\n";
    struct gf_pack p = request();
    struct gf_writer *w = NULL;
    struct gf_contents c = {0};
    struct gf_err e = {0};
    int fd = memfd_create("bundle", 0);
    int dir = new_dir();

    (void)state;
    p.identity = &relay;
    p.kind = GF_KIND_RESPONSE;
    p.to = &site.card;
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
    if (read_bundle(fd, &site, 0, dir, &c, &e) == -1)
        fail_msg("%s", e.text);
    assert_int_equal(c.nmembers, 5);
    check_file(dir, "receipts.jsonl", receipt, sizeof receipt - 1);
    check_file(dir, "notices.jsonl", notice, sizeof notice - 1);
    assert_string_equal(c.members[2].member, "files/a.txt");
    assert_string_equal(c.members[3].name, "a.txt");
    assert_string_not_equal(c.members[3].member, c.members[4].member);
    gf_contents_free(&c);
    (void)close(dir);
    (void)close(fd);
}

static void misuse_is_refused_with_words(void **state) {
    struct gf_pack p = request();
    struct gf_writer *w = NULL;
    struct gf_err e = {0};
    int fd = memfd_create("bundle", 0);
    const struct gf_card *twice[] = {&other.card, &other.card};
    const struct gf_card *addressee[] = {&relay.card};

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
    struct gf_pack p = request();
    struct gf_writer *w = NULL;
    struct gf_err e = {0};
    int fd = memfd_create("bundle", 0);
    int in = memfd_create("in", 0);

    (void)state;
    assert_int_equal(gf_file_write(in, data, 1000), 0);
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

/* The writer's errors under a limit on the file's size, wherever it strikes. */
static void a_full_disk_is_an_error_wherever_it_strikes(void **state) {
    struct rlimit before;
    char path[64];

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    (void)snprintf(path, sizeof path, "%s/full", root);
    for (size_t limit = 0; limit <= 3 << 20; limit = limit == 0 ? 100 : limit * 3) {
        const struct rlimit now = {limit, before.rlim_max};
        struct gf_pack p = request();
        struct gf_writer *w = NULL;
        struct gf_err e = {0};
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
        int rc = gf_writer_open(fd, &p, &w, &e);
        if (rc == 0)
            rc = gf_writer_member(w, GF_MEMBER_FILE, "f", DATA_SIZE, NULL, &e);
        if (rc == 0)
            rc = gf_writer_data(w, data, DATA_SIZE, &e);
        if (rc == 0)
            rc = gf_writer_finish(w, NULL, NULL, &e);
        gf_writer_free(w);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(rc, -1);
        assert_int_equal(e.code, GF_E_CREATE);
        (void)close(fd);
    }
}

static void a_payload_changed_after_the_head_was_read_is_noticed(void **state) {
    const struct gf_card *trusted[] = {&site.card};
    const struct gf_check check = {.trusted = trusted, .ntrusted = 1};
    struct gf_pack p = request();
    struct gf_head h = {0};
    struct gf_err e = {0};
    int fd = pack(&p, data, 2000000, NULL);
    int copy = memfd_create("copy", 0);

    (void)state;
    assert_int_equal(gf_bundle_head(fd, &check, &h, &e), 0);
    assert_int_equal(gf_bundle_copy(fd, &h, -1, NULL, NULL, &e), 0);
    assert_int_equal(pwrite(fd, "X", 1, h.payload_offset + 1000000), 1);
    assert_int_equal(gf_bundle_copy(fd, &h, copy, NULL, NULL, &e), -1);
    assert_int_equal(e.code, GF_E_DIGEST);
    assert_int_equal(ftruncate(fd, h.bundle_size - 1), 0);
    assert_int_equal(gf_bundle_copy(fd, &h, -1, NULL, NULL, &e), -1);
    gf_head_free(&h);
    (void)close(copy);
    (void)close(fd);
}

/* Bytes of the head that changed on the drive after verification do not reach the copy. */
static void the_copy_has_the_head_that_was_verified(void **state) {
    const struct gf_card *trusted[] = {&site.card};
    const struct gf_check check = {.trusted = trusted, .ntrusted = 1};
    struct gf_pack p = request();
    struct gf_head h = {0};
    struct gf_head again = {0};
    struct gf_err e = {0};
    int fd = pack(&p, data, 3000, NULL);
    int copy = memfd_create("copy", 0);

    (void)state;
    assert_int_equal(gf_bundle_head(fd, &check, &h, &e), 0);
    assert_int_equal(pwrite(fd, "X", 1, 600), 1);
    assert_int_equal(gf_bundle_copy(fd, &h, copy, NULL, NULL, &e), 0);
    assert_int_equal(gf_bundle_head(copy, &check, &again, &e), 0);
    gf_head_free(&again);
    gf_head_free(&h);
    (void)close(copy);
    (void)close(fd);
}

static void a_quota_is_checked_before_anything_else_is_read(void **state) {
    const struct gf_card *trusted[] = {&site.card};
    struct gf_check check = {.trusted = trusted, .ntrusted = 1, .size_max = 4096};
    struct gf_pack p = request();
    struct gf_head h = {0};
    struct gf_err e = {0};
    int fd = pack(&p, data, 10000, NULL);

    (void)state;
    assert_int_equal(gf_bundle_head(fd, &check, &h, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    (void)close(fd);
}

static void no_room_for_the_members_leaves_nothing_behind(void **state) {
    const struct gf_card *trusted[] = {&site.card};
    const struct gf_check check = {.trusted = trusted, .ntrusted = 1};
    const struct gf_items_options o = {.room = 2000};
    const struct gf_seal_key *keys[] = {relay.seal};
    struct gf_pack p = request();
    struct gf_contents c = {0};
    struct gf_head h = {0};
    struct gf_err e = {0};
    int fd = pack(&p, data, 3000000, NULL);
    int dir = new_dir();

    (void)state;
    assert_int_equal(gf_bundle_head(fd, &check, &h, &e), 0);
    assert_int_equal(gf_bundle_open(fd, &h, keys, 1, &o, dir, &c, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_int_equal(entries(dir), 0);
    gf_head_free(&h);
    (void)close(dir);
    (void)close(fd);
}

static void the_wrong_key_opens_nothing(void **state) {
    const struct gf_card *trusted[] = {&site.card};
    const struct gf_check check = {.trusted = trusted, .ntrusted = 1};
    const struct gf_items_options o = {0};
    const struct gf_seal_key *keys[] = {other.seal};
    struct gf_pack p = request();
    struct gf_contents c = {0};
    struct gf_head h = {0};
    struct gf_err e = {0};
    int fd = pack(&p, data, 3000, NULL);
    int dir = new_dir();

    (void)state;
    assert_int_equal(gf_bundle_head(fd, &check, &h, &e), 0);
    assert_int_equal(gf_bundle_open(fd, &h, keys, 1, &o, dir, &c, &e), -1);
    assert_int_equal(e.code, GF_E_UNWRAP);
    assert_int_equal(entries(dir), 0);
    gf_head_free(&h);
    (void)close(dir);
    (void)close(fd);
}

static void peeking_shows_the_header_without_any_key(void **state) {
    struct gf_pack p = request();
    struct gf_header header;
    struct gf_head h = {0};
    struct gf_err e = {0};
    int fd = pack(&p, data, 3000, &header);

    (void)state;
    assert_int_equal(gf_bundle_peek(fd, &h, &e), 0);
    assert_null(h.sender);
    assert_memory_equal(&h.header.id, &p.id, sizeof p.id);
    assert_int_equal(h.header.payload_size, header.payload_size);
    gf_head_free(&h);
    (void)close(fd);
}

static void a_directory_is_not_a_bundle(void **state) {
    struct gf_head h = {0};
    struct gf_err e = {0};

    (void)state;
    assert_int_equal(gf_bundle_peek(root_fd, &h, &e), -1);
    assert_int_equal(e.code, GF_E_NOINPUT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_every_size_come_back),
        cmocka_unit_test(a_reader_opens_but_is_not_the_addressee),
        cmocka_unit_test(a_response_with_every_member_comes_back),
        cmocka_unit_test(misuse_is_refused_with_words),
        cmocka_unit_test(a_file_that_shrinks_while_it_is_read_is_noticed),
        cmocka_unit_test(a_full_disk_is_an_error_wherever_it_strikes),
        cmocka_unit_test(a_payload_changed_after_the_head_was_read_is_noticed),
        cmocka_unit_test(the_copy_has_the_head_that_was_verified),
        cmocka_unit_test(a_quota_is_checked_before_anything_else_is_read),
        cmocka_unit_test(no_room_for_the_members_leaves_nothing_behind),
        cmocka_unit_test(the_wrong_key_opens_nothing),
        cmocka_unit_test(peeking_shows_the_header_without_any_key),
        cmocka_unit_test(a_directory_is_not_a_bundle),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
