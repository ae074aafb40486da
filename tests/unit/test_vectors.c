/*
 * test_vectors.c -- every way to be wrong: the files of tests/vectors, the rows that have no file,
 * and what becomes of a good bundle when any of its bytes is changed, cut off or added.
 */
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

#include "gapferry/file.h"
#include "support/read.h"
#include "vectors/build/vector.h"

#define VECTORS_MIN   150
#define SUCCESSES_MIN 15
#define FILE_MAX      ((size_t)4 << 20)

static struct forge_world world;
static struct read_room room;

struct vector_file {
    struct gf_buf whole;
    const char *name;
    char expect[64];
    char text[GF_ERR_TEXT];
    enum read_as as;
    const char *data; /* the bundle */
    size_t len;
};

static int setup(void **state) {
    (void)state;
    forge_world_make(&world);
    read_room_make(&room);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    read_room_free(&room);
    forge_world_free(&world);
    return 0;
}

/* ---- vector files ---- */

/* Take the line `label: value` off the front. */
static void take_line(struct vector_file *v, const char *label, char *value, size_t size) {
    const char *end = memchr(v->data, '\n', v->len);
    size_t n = strlen(label);

    if (end == NULL || strncmp(v->data, label, n) != 0 || (size_t)(end - v->data) - n >= size)
        fail_msg("%s: has no line '%s'", v->name, label);
    memcpy(value, v->data + n, (size_t)(end - v->data) - n);
    value[(size_t)(end - v->data) - n] = '\0';
    v->len -= (size_t)(end + 1 - v->data);
    v->data = end + 1;
}

static void load(const char *path, struct vector_file *v) {
    char reader[64], comment[512];
    struct gf_err e;

    memset(v, 0, sizeof *v);
    v->name = path;
    if (gf_file_load(AT_FDCWD, path, FILE_MAX, &v->whole, &e) == -1)
        fail_msg("%s", e.text);
    v->data = v->whole.data;
    v->len = v->whole.len;
    take_line(v, "expect: ", v->expect, sizeof v->expect);
    take_line(v, "text: ", v->text, sizeof v->text);
    take_line(v, "reader: ", reader, sizeof reader);
    take_line(v, "comment: ", comment, sizeof comment);
    if (v->len == 0 || *v->data != '\n')
        fail_msg("%s: has no empty line", path);
    v->data++;
    v->len--;
    v->as = strcmp(reader, "site-a") == 0 ? READ_AS_SITE : READ_AS_RELAY;
}

/* Do something with each file of the folder; the number of them. */
static size_t each_file(void (*run)(const struct vector_file *v)) {
    const char *source = getenv("GAPFERRY_SOURCE");
    char folder[256], path[600];
    struct dirent **list = NULL;
    size_t n = 0;

    (void)snprintf(folder, sizeof folder, "%s/tests/vectors", source != NULL ? source : ".");
    int count = scandir(folder, &list, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        size_t len = strlen(list[i]->d_name);
        if (len > 4 && strcmp(list[i]->d_name + len - 4, ".vec") == 0) {
            struct vector_file v;
            (void)snprintf(path, sizeof path, "%s/%s", folder, list[i]->d_name);
            load(path, &v);
            run(&v);
            gf_buf_free(&v.whole);
            n++;
        }
        free(list[i]);
    }
    free(list);
    return n;
}

/* The verdict on bytes, with everything that has to hold besides. */
static int verdict(enum read_as as, const char *name, const void *data, size_t len, int together,
                   struct gf_err *e) {
    struct read_result r;
    int rc = read_bundle(&world, as, data, len, &room, together, &r);

    if (r.left != 0)
        fail_msg("%s: %d entries were left behind", name, r.left);
    if ((rc == 0) != (r.err.code == GF_OK))
        fail_msg("%s: returns %d with code %s", name, rc, gf_err_name(r.err.code));
    gf_contents_free(&r.contents);
    *e = r.err;
    return rc;
}

static size_t successes;

static void check_file(const struct vector_file *v) {
    for (int together = 0; together < 2; together++) {
        struct gf_err e;
        (void)verdict(v->as, v->name, v->data, v->len, together, &e);
        if (strcmp(gf_err_name(e.code), v->expect) != 0 || strcmp(e.text, v->text) != 0)
            fail_msg("%s: expected %s '%s', but it is %s '%s'", v->name, v->expect, v->text,
                     gf_err_name(e.code), e.text);
    }
    successes += strcmp(v->expect, "ok") == 0;
}

static void every_vector_gets_its_exact_verdict_and_leaves_nothing_behind(void **state) {
    (void)state;
    size_t n = each_file(check_file);
    assert_true(successes >= SUCCESSES_MIN);
    assert_true(n - successes >= VECTORS_MIN);
    print_message("%zu failures, %zu successes\n", n - successes, successes);
}

static void every_row_without_a_file_gets_its_verdict(void **state) {
    (void)state;
    for (size_t s = 0; s < VECTOR_SETS; s++) {
        for (size_t i = 0; i < vector_sets[s]->n; i++) {
            const struct vector *v = &vector_sets[s]->rows[i];
            enum read_as as = v->kind == GF_KIND_REQUEST ? READ_AS_RELAY : READ_AS_SITE;
            struct forge f;
            if (!vector_is_live(v->name))
                continue;
            vector_make(&f, &world, v);
            for (int together = 0; together < 2; together++) {
                struct gf_err e;
                (void)verdict(as, v->name, f.file.data, f.file.len, together, &e);
                if (e.code != v->code || strstr(e.text, v->says) == NULL)
                    fail_msg("%s: expected %s '%s', but it is %s '%s'", v->name,
                             gf_err_name(v->code), v->says, gf_err_name(e.code), e.text);
            }
            forge_free(&f);
        }
    }
}

/* Cut at the borders of the shell's blocks. Long vectors are cut at fewer: what lies between two
 * borders within a payload is all the same to the shell. */
static void check_cuts(const struct vector_file *v) {
    size_t step = v->len <= 16384 ? 512 : (v->len / 32 + 511) / 512 * 512;
    for (size_t cut = 0; cut < v->len; cut += step) {
        struct gf_err e;
        if (verdict(v->as, v->name, v->data, cut, 0, &e) == 0)
            fail_msg("%s: is read when cut to %zu bytes", v->name, cut);
    }
}

/* The one that is too long only becomes right when it is cut: its cuts are tested by shell-one-end-
 * block and others. */
static void check_cuts_but_trailing(const struct vector_file *v) {
    if (strstr(v->text, "something follows its end") == NULL)
        check_cuts(v);
}

static void no_vector_is_read_when_cut_at_a_block(void **state) {
    (void)state;
    assert_true(each_file(check_cuts_but_trailing) > VECTORS_MIN);
}

/* ---- one good bundle ---- */

static void good(struct forge *f) {
    struct gf_err e;
    forge_begin(f, &world, "a good bundle", GF_KIND_REQUEST);
    forge_to(f, FORGE_SHELL);
    assert_int_equal(verdict(READ_AS_RELAY, f->name, f->file.data, f->file.len, 0, &e), 0);
}

static void every_changed_byte_is_noticed(void **state) {
    static const uint8_t masks[] = {0x01, 0x80, 0xff};
    struct forge f;
    struct gf_err e;

    (void)state;
    good(&f);
    for (size_t i = 0; i < f.file.len; i++) {
        for (size_t m = 0; m < sizeof masks; m++) {
            f.file.data[i] = (char)(f.file.data[i] ^ masks[m]);
            if (verdict(READ_AS_RELAY, f.name, f.file.data, f.file.len, 0, &e) == 0)
                fail_msg("byte %zu may be changed by 0x%02x", i, masks[m]);
            f.file.data[i] = (char)(f.file.data[i] ^ masks[m]);
        }
    }
    assert_int_equal(verdict(READ_AS_RELAY, f.name, f.file.data, f.file.len, 0, &e), 0);
    forge_free(&f);
}

static void every_length_but_one_is_refused(void **state) {
    struct forge f;
    struct gf_err e;

    (void)state;
    good(&f);
    size_t whole = f.file.len;
    forge_fill(&f.file, 0, 1024);
    for (size_t len = 0; len <= whole + 1024; len++)
        if ((verdict(READ_AS_RELAY, f.name, f.file.data, len, 0, &e) == 0) != (len == whole))
            fail_msg("with %zu bytes of %zu: %s", len, whole, gf_err_name(e.code));
    forge_free(&f);
}

/* A changed byte above whose stage everything is made anew: the deeper checks are reached. */
static void every_changed_byte_below_a_signature_is_noticed(void **state) {
    static const enum forge_stage stages[] = {FORGE_AGE, FORGE_PAYLOAD};
    struct gf_err e;

    (void)state;
    for (size_t s = 0; s < sizeof stages / sizeof stages[0]; s++) {
        for (size_t i = 0;; i++) {
            struct forge f;
            forge_begin(&f, &world, "a good bundle", GF_KIND_REQUEST);
            forge_to(&f, stages[s]);
            struct gf_buf *b = vector_text(&f, stages[s]);
            if (i >= b->len) {
                forge_free(&f);
                break;
            }
            b->data[i] ^= 1;
            forge_to(&f, FORGE_SHELL);
            if (verdict(READ_AS_RELAY, f.name, f.file.data, f.file.len, 0, &e) == 0)
                fail_msg("byte %zu of stage %d may be changed", i, (int)stages[s]);
            forge_free(&f);
        }
    }
}

/* Whatever is read must say the same inside and outside. */
static void a_changed_byte_of_signed_plaintext_never_contradicts_the_header(void **state) {
    static const enum forge_stage stages[] = {FORGE_CONTENTS, FORGE_ARCHIVE, FORGE_FRAMES};
    size_t passed = 0;

    (void)state;
    for (size_t s = 0; s < sizeof stages / sizeof stages[0]; s++) {
        for (size_t i = 0;; i++) {
            struct forge f;
            struct read_result r;
            forge_begin(&f, &world, "a good bundle", GF_KIND_REQUEST);
            forge_to(&f, stages[s]);
            struct gf_buf *b = vector_text(&f, stages[s]);
            if (i >= b->len) {
                forge_free(&f);
                break;
            }
            b->data[i] ^= 1;
            forge_to(&f, FORGE_SHELL);
            int rc = read_bundle(&world, READ_AS_RELAY, f.file.data, f.file.len, &room, 0, &r);
            assert_int_equal(r.left, 0);
            if (rc == 0) {
                passed++;
                assert_int_equal(gf_contents_bind(&r.contents, &f.header, NULL), 0);
                assert_int_equal(r.contents.nmembers, f.nmembers);
            }
            gf_contents_free(&r.contents);
            forge_free(&f);
        }
    }
    /* Digits and letters of the record are the sender's to choose, so that some pass. */
    assert_true(passed > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_gets_its_exact_verdict_and_leaves_nothing_behind),
        cmocka_unit_test(every_row_without_a_file_gets_its_verdict),
        cmocka_unit_test(no_vector_is_read_when_cut_at_a_block),
        cmocka_unit_test(every_changed_byte_is_noticed),
        cmocka_unit_test(every_length_but_one_is_refused),
        cmocka_unit_test(every_changed_byte_below_a_signature_is_noticed),
        cmocka_unit_test(a_changed_byte_of_signed_plaintext_never_contradicts_the_header),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
