/*
 * update_check.c -- are these bytes an artifact? Size and both digests, while they are read or
 * copied.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/update.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"

#define STEP (256 << 10) /* bytes read at once */

void update_sum_begin(struct update_sum *s, const struct update_artifact *a, const char *what) {
    s->artifact = a;
    s->what = what;
    s->left = a->size;
    gf_digest_sha256_begin(&s->sha256);
    gf_digest_begin_256(&s->blake2b);
}

/* Bytes of a regular file that may follow; what is too long is not read. */
static int64_t size_of(const struct update_sum *s, int fd, struct gf_err *e) {
    struct stat st;

    if (fstat(fd, &st) == -1)
        return gf_err_errno(e, "%s", s->what);
    if (!S_ISREG(st.st_mode))
        return gf_err_set(e, GF_E_NOINPUT, "%s: is no regular file", s->what);
    if (st.st_size > s->left)
        return gf_err_set(e, GF_E_UPDATE,
                          "%s: is longer than the %lld bytes that its manifest says; it is not "
                          "used",
                          s->what, (long long)s->artifact->size);
    return st.st_size;
}

static int take(struct update_sum *s, int fd, int64_t size, char *buf, int out_fd,
                struct gf_err *e) {
    for (int64_t at = 0; at < size;) {
        size_t want = size - at < STEP ? (size_t)(size - at) : STEP;
        ssize_t n = gf_file_read_at(fd, buf, want, at);
        if (n == -1)
            return gf_err_errno(e, "%s: cannot read it", s->what);
        if (n == 0)
            return gf_err_set(e, GF_E_UPDATE, "%s: became shorter while it was read", s->what);
        gf_digest_sha256_add(&s->sha256, buf, (size_t)n);
        gf_digest_add(&s->blake2b, buf, (size_t)n);
        if (out_fd != -1 && gf_file_write(out_fd, buf, (size_t)n) == -1)
            return gf_err_errno(e, "%s: cannot copy it", s->what);
        at += n;
        s->left -= n;
    }
    return 0;
}

int update_sum_add(struct update_sum *s, int fd, int out_fd, struct gf_err *e) {
    int64_t size = size_of(s, fd, e);

    if (size == -1)
        return -1;
    char *buf = malloc(STEP);
    if (!buf)
        return gf_err_errno(e, "%s", s->what);
    int rc = take(s, fd, size, buf, out_fd, e);
    free(buf);
    return rc;
}

int update_sum_end(struct update_sum *s, struct gf_err *e) {
    const struct update_artifact *a = s->artifact;
    struct gf_hash sha256, blake2b;
    char is[GF_HASH_TEXT], wanted[GF_HASH_TEXT];

    if (s->left > 0)
        return gf_err_set(e, GF_E_UPDATE,
                          "%s: is shorter than the %lld bytes that its manifest says; it is not "
                          "used",
                          s->what, (long long)a->size);
    gf_digest_sha256_end(&s->sha256, &sha256);
    gf_digest_end_256(&s->blake2b, &blake2b);
    if (memcmp(sha256.b, a->sha256.b, sizeof sha256.b) == 0 &&
        memcmp(blake2b.b, a->blake2b.b, sizeof blake2b.b) == 0)
        return 0;
    gf_text_hex(sha256.b, sizeof sha256.b, is);
    gf_text_hex(a->sha256.b, sizeof a->sha256.b, wanted);
    return gf_err_set(e, GF_E_UPDATE,
                      "%s: is not what its manifest names: its SHA-256 is %s, not %s; it was "
                      "changed, or belongs to another manifest",
                      s->what, is, wanted);
}

int update_check(const struct update_artifact *a, int fd, int out_fd, const char *what,
                 struct gf_err *e) {
    struct update_sum s;
    struct stat st;

    update_sum_begin(&s, a, what);
    /* A shorter one is told without being read, too. */
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < a->size)
        return update_sum_end(&s, e);
    return update_sum_add(&s, fd, out_fd, e) == -1 ? -1 : update_sum_end(&s, e);
}
