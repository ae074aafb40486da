/*
 * known_answer.c -- the known answer of docs/bundle-format.md: a bundle of fixed keys, and every
 * value on the way to it. Prints the block of the document; a test compares the two.
 *
 *   known-answer                 the block, in Markdown
 *   known-answer --bundle FILE   besides, write the bundle
 *   known-answer --frame         instead, the frame that this machine's zstd makes, in base64
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gapferry/file.h"
#include "vectors/known_answer.h"

static int new_file(void) {
    int fd = memfd_create("known-answer", MFD_CLOEXEC);

    if (fd == -1)
        fixed_fail("cannot make a file", NULL);
    return fd;
}

/* ---- checks ---- */

/* Read the bundle on fd all the way as `us`. */
static void check_reading(const struct answer *a, int fd, const struct gf_identity *us) {
    const struct gf_card *trusted = &a->site.card;
    const struct gf_check check = {.trusted = &trusted,
                                   .ntrusted = 1,
                                   .us = &us->card.identity,
                                   .nus = 1,
                                   .readers_too = 1,
                                   .has_now = 1,
                                   .now = a->header.expires};
    const struct gf_seal_key *key = us->seal;
    const struct gf_items_options options = {.check_lines = 1, .threads = 1};
    char dir[] = "/tmp/known-answer-XXXXXX";
    struct gf_contents contents;
    struct gf_head head;
    struct gf_err e;

    if (gf_bundle_head(fd, &check, &head, &e) == -1)
        fixed_fail("the bundle's head", &e);
    if (gf_bundle_copy(fd, &head, -1, NULL, NULL, &e) == -1)
        fixed_fail("the bundle's digest", &e);
    if (mkdtemp(dir) == NULL)
        fixed_fail("cannot make a directory", NULL);
    int out = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = gf_bundle_open(fd, &head, &key, 1, &options, out, &contents, &e);
    if (rc == 0) {
        gf_contents_free(&contents);
        gf_bundle_items_remove(out);
    }
    (void)close(out);
    (void)rmdir(dir);
    gf_head_free(&head);
    if (rc == -1)
        fixed_fail("the bundle's payload", &e);
}

/* Make the bundle with the writer, in one stream. */
static void write_again(const struct answer *a, int fd) {
    struct gf_writer *w = NULL;
    struct gf_err e;

    answer_announce();
    if (gf_writer_open(fd, &a->pack, &w, &e) == -1 ||
        gf_writer_member(w, GF_MEMBER_RECORDS, NULL, (int64_t)a->lines.len, NULL, &e) == -1 ||
        gf_writer_data(w, a->lines.data, a->lines.len, &e) == -1 ||
        gf_writer_member(w, GF_MEMBER_FILE, "Note 1.txt", (int64_t)strlen(a->file), NULL, &e) ==
            -1 ||
        gf_writer_data(w, a->file, strlen(a->file), &e) == -1 ||
        gf_writer_finish(w, NULL, NULL, &e) == -1)
        fixed_fail("the writer", &e);
    fixed_done();
    gf_writer_free(w);
}

static void check_same(const struct gf_buf *want, int fd) {
    struct gf_buf got;

    gf_buf_init(&got, want->len + 1);
    char *room = gf_buf_grow(&got, want->len + 1);
    if (room == NULL)
        fixed_fail("out of memory", NULL);
    if (gf_file_read_at(fd, room, want->len + 1, 0) != (ssize_t)want->len ||
        memcmp(room, want->data, want->len) != 0)
        fixed_fail("the writer makes another bundle", NULL);
    gf_buf_free(&got);
}

static void check_writing(const struct answer *a) {
    struct gf_buf frame;

    answer_compress(a, &frame);
    if (frame.len == a->frame.len && memcmp(frame.data, a->frame.data, frame.len) == 0) {
        int fd = new_file();
        write_again(a, fd);
        check_same(&a->bundle, fd);
        (void)close(fd);
    } else {
        (void)fprintf(stderr,
                      "note: this zstd makes another frame, so the writer is not compared\n");
    }
    gf_buf_free(&frame);
}

void answer_check(struct answer *a) {
    int fd = new_file();

    if (gf_file_write(fd, a->bundle.data, a->bundle.len) == -1)
        fixed_fail("cannot write the bundle", NULL);
    check_reading(a, fd, &a->relay);
    check_reading(a, fd, &a->site);
    check_writing(a);
    (void)close(fd);
}

/* ---- */

static void print_frame(const struct answer *a) {
    struct gf_buf frame;
    struct gf_buf text;

    answer_compress(a, &frame);
    gf_buf_init(&text, 2 * frame.len + 8);
    gf_text_base64(&text, (const uint8_t *)frame.data, frame.len, 1);
    (void)puts(text.data);
    gf_buf_free(&text);
    gf_buf_free(&frame);
}

int main(int argc, char **argv) {
    struct answer a;
    struct gf_err e;

    fixed_start();
    answer_make(&a);
    if (argc == 2 && strcmp(argv[1], "--frame") == 0) {
        print_frame(&a);
        answer_free(&a);
        return 0;
    }
    answer_check(&a);
    answer_print(&a);
    if (argc == 3 && strcmp(argv[1], "--bundle") == 0 &&
        gf_file_save_new(AT_FDCWD, argv[2], a.bundle.data, a.bundle.len, 0644, &e) == -1)
        fixed_fail("the bundle", &e);
    answer_free(&a);
    return fflush(stdout) == 0 ? 0 : 1;
}
