/* kit.c -- what tests of whole bundles share. */
#include "support/kit.h"

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
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/digest.h"
#include "gapferry/file.h"

char kit_root[] = "/tmp/gapferry-test-XXXXXX";
int kit_root_fd = -1;
struct gf_identity kit_site;
struct gf_identity kit_relay;
struct gf_identity kit_other;
uint8_t *kit_data;

int kit_setup(void **state) {
    const struct {
        const char *dir;
        enum gf_role role;
        struct gf_identity *id;
    } who[] = {{"site", GF_ROLE_AGENT, &kit_site},
               {"relay", GF_ROLE_RELAY, &kit_relay},
               {"other", GF_ROLE_AGENT, &kit_other}};
    struct gf_err e;

    (void)state;
    assert_int_equal(gf_digest_start(&e), 0);
    assert_non_null(mkdtemp(kit_root));
    kit_root_fd = open(kit_root, O_RDONLY | O_DIRECTORY);
    for (size_t i = 0; i < 3; i++) {
        struct gf_card c = {.role = who[i].role, .has_agent = who[i].role == GF_ROLE_AGENT};
        gf_digest_random(&c.agent, sizeof c.agent);
        assert_int_equal(gf_identity_make(kit_root_fd, who[i].dir, &c, &e), 0);
        assert_int_equal(gf_identity_load(kit_root_fd, who[i].dir, who[i].id, &e), 0);
    }
    kit_data = malloc(KIT_DATA_SIZE);
    gf_digest_random(kit_data, KIT_DATA_SIZE);
    memset(kit_data + KIT_DATA_SIZE / 4, 'a', KIT_DATA_SIZE / 4);
    return 0;
}

int kit_teardown(void **state) {
    char command[64];

    (void)state;
    gf_identity_free(&kit_site);
    gf_identity_free(&kit_relay);
    gf_identity_free(&kit_other);
    free(kit_data);
    (void)close(kit_root_fd);
    (void)snprintf(command, sizeof command, "rm -rf %s", kit_root);
    return system(command);
}

struct gf_pack kit_request(void) {
    static const struct gf_card *readers[1];
    readers[0] = &kit_site.card;
    struct gf_pack p = {.identity = &kit_site,
                        .kind = GF_KIND_REQUEST,
                        .to = &kit_relay.card,
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
int kit_pack(const struct gf_pack *p, const void *bytes, size_t len, struct gf_header *h) {
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

int kit_new_dir(void) {
    char name[40] = "out-XXXXXX";
    uint8_t r[8];

    gf_digest_random(r, sizeof r);
    gf_text_hex(r, sizeof r, name + 4);
    assert_int_equal(mkdirat(kit_root_fd, name, 0700), 0);
    int fd = openat(kit_root_fd, name, O_RDONLY | O_DIRECTORY);
    assert_int_not_equal(fd, -1);
    return fd;
}

size_t kit_entries(int dir) {
    size_t n = 0;
    DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY));

    assert_non_null(d);
    for (struct dirent *x = NULL; (x = readdir(d)) != NULL;)
        n += x->d_name[0] != '.';
    (void)closedir(d);
    return n;
}

/* All three steps for one of us. */
int kit_read(int fd, const struct gf_identity *us, int threads, int dir, struct gf_contents *c,
             struct gf_err *e) {
    const struct gf_card *trusted[] = {&kit_site.card, &kit_relay.card};
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

void kit_check_file(int dir, const char *path, const void *bytes, size_t len) {
    struct gf_buf b;
    struct gf_err e;

    assert_int_equal(gf_file_load(dir, path, KIT_DATA_SIZE, &b, &e), 0);
    assert_int_equal(b.len, len);
    assert_memory_equal(b.data, bytes, len);
    gf_buf_free(&b);
}
