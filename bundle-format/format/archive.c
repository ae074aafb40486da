/* archive.c -- the inner archive: the only user of libarchive. */
#include "format/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/limits.h"

#define BLOCK       GF_ARCHIVE_BLOCK
#define MEMBER_MODE 0600

int64_t gf_archive_member_size(int64_t size) {
    return BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
}

/* A number as libarchive writes it: octal digits with leading zeros, then a space. */
static void put_octal(uint8_t *at, int digits, uint64_t value) {
    at[digits] = ' ';
    for (int k = digits - 1; k >= 0; k--, value >>= 3)
        at[k] = (uint8_t)('0' + (value & 7));
}

void gf_archive_block(const char *name, int64_t size, uint8_t out[BLOCK]) {
    uint64_t sum = 0;

    memset(out, 0, BLOCK);
    memcpy(out, name, strnlen(name, 100));
    put_octal(out + 100, 6, MEMBER_MODE);
    put_octal(out + 108, 6, 0); /* uid */
    put_octal(out + 116, 6, 0); /* gid */
    put_octal(out + 124, 11, (uint64_t)size);
    put_octal(out + 136, 11, 0); /* time */
    out[156] = '0';
    memcpy(out + 257, "ustar\00000", 8);
    put_octal(out + 329, 6, 0); /* device */
    put_octal(out + 337, 6, 0);
    memset(out + 148, ' ', 8); /* the checksum counts itself as spaces, and ends in NUL and space */
    for (size_t k = 0; k < BLOCK; k++)
        sum += out[k];
    put_octal(out + 148, 6, sum);
    out[154] = 0;
    out[155] = ' ';
}

/* ---- writing ---- */

struct gf_archive_out {
    struct archive *a;
    struct archive_entry *entry;
    gf_archive_put *put;
    void *arg;
    int failed; /* put() failed, and its error is: */
    struct gf_err err;
    int given_up; /* what libarchive still writes goes nowhere */
};

/* Report what went wrong: the callback's own error if it was that, else libarchive's. */
static int out_error(const struct gf_archive_out *o, struct gf_err *e) {
    if (o->failed) {
        if (e != NULL)
            *e = o->err;
        return -1;
    }
    const char *text = archive_error_string(o->a);
    return gf_err_set(e, GF_E_SYSTEM, "libarchive: %s", text == NULL ? "no reason given" : text);
}

static la_ssize_t out_write(struct archive *a, void *arg, const void *data, size_t len) {
    struct gf_archive_out *o = arg;
    (void)a;
    if (o->given_up)
        return (la_ssize_t)len;
    if (o->put(o->arg, data, len, &o->err) == -1) {
        o->failed = 1;
        return -1;
    }
    return (la_ssize_t)len;
}

int gf_archive_out_new(gf_archive_put *put, void *arg, struct gf_archive_out **out,
                       struct gf_err *e) {
    struct gf_archive_out *o = calloc(1, sizeof *o);
    if (o == NULL)
        return gf_err_errno(e, "no memory for an archive");
    o->put = put;
    o->arg = arg;
    o->a = archive_write_new();
    o->entry = archive_entry_new();
    if (o->a == NULL || o->entry == NULL) {
        gf_archive_out_free(o);
        return gf_err_set(e, GF_E_SYSTEM, "no memory for an archive");
    }

    /* No blocking: bytes pass through as they come, and nothing pads the end. */
    if (archive_write_set_format_pax_restricted(o->a) != ARCHIVE_OK ||
        archive_write_add_filter_none(o->a) != ARCHIVE_OK ||
        archive_write_set_bytes_per_block(o->a, 0) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(o->a, 1) != ARCHIVE_OK ||
        archive_write_open(o->a, o, NULL, out_write, NULL) != ARCHIVE_OK) {
        (void)out_error(o, e);
        gf_archive_out_free(o);
        return -1;
    }
    *out = o;
    return 0;
}

int gf_archive_out_member(struct gf_archive_out *o, const char *name, int64_t size,
                          struct gf_err *e) {
    (void)archive_entry_clear(o->entry);
    archive_entry_set_pathname(o->entry, name);
    archive_entry_set_filetype(o->entry, AE_IFREG);
    archive_entry_set_perm(o->entry, MEMBER_MODE);
    archive_entry_set_size(o->entry, size);
    archive_entry_set_mtime(o->entry, 0, 0);
    if (archive_write_header(o->a, o->entry) != ARCHIVE_OK)
        return out_error(o, e);
    return 0;
}

int gf_archive_out_data(struct gf_archive_out *o, const void *data, size_t len, struct gf_err *e) {
    if (archive_write_data(o->a, data, len) != (la_ssize_t)len)
        return out_error(o, e);
    return 0;
}

int gf_archive_out_end(struct gf_archive_out *o, struct gf_err *e) {
    if (archive_write_close(o->a) != ARCHIVE_OK)
        return out_error(o, e);
    return 0;
}

void gf_archive_out_free(struct gf_archive_out *o) {
    if (o == NULL)
        return;
    archive_entry_free(o->entry);
    /* libarchive completes an unfinished archive when it is freed; archive_write_fail() would stop
     * that, but then its own buffer is never released. */
    o->given_up = 1;
    (void)archive_write_free(o->a);
    free(o);
}

/* ---- reading ---- */

/* Bytes kept of what passed before the frame at hand: a header and the padding before it, however
 * small the frames are. */
#define TAIL (4 * BLOCK)

struct gf_archive_in {
    struct archive *a;
    struct archive_entry *entry; /* libarchive's */
    gf_archive_get *get;
    void *arg;
    int64_t members;      /* bytes that the members seen account for */
    int64_t padding;      /* of them, behind the last member's own */
    int64_t stream;       /* bytes the callback has lent */
    const uint8_t *frame; /* the last of them, as lent */
    size_t frame_len;
    uint8_t tail[TAIL]; /* what came before */
    int failed;
    struct gf_err err;
};

static int in_error(const struct gf_archive_in *i, struct gf_err *e) {
    if (i->failed) {
        if (e != NULL)
            *e = i->err;
        return -1;
    }
    const char *text = archive_error_string(i->a);
    return gf_err_set(e, GF_E_ARCHIVE, "the inner archive is malformed: %s",
                      text == NULL ? "no reason given" : text);
}

/* Keep the end of the frame at hand before the next one takes its place. */
static void keep_tail(struct gf_archive_in *i) {
    if (i->frame_len >= TAIL) {
        memcpy(i->tail, i->frame + i->frame_len - TAIL, TAIL);
    } else if (i->frame_len > 0) {
        memmove(i->tail, i->tail + i->frame_len, TAIL - i->frame_len);
        memcpy(i->tail + TAIL - i->frame_len, i->frame, i->frame_len);
    }
}

static la_ssize_t in_read(struct archive *a, void *arg, const void **data) {
    struct gf_archive_in *i = arg;
    size_t len = 0;

    (void)a;
    keep_tail(i);
    i->frame_len = 0;
    if (i->failed || i->get(i->arg, data, &len, &i->err) == -1) {
        i->failed = 1;
        return -1;
    }
    i->frame = *data;
    i->frame_len = len;
    i->stream += (int64_t)len;
    return (la_ssize_t)len;
}

/* Bytes of the stream as they came: at most TAIL before the frame at hand. 0 if they have not come,
 * or are gone. */
static int raw(const struct gf_archive_in *i, int64_t at, size_t len, uint8_t *out) {
    int64_t start = i->stream - (int64_t)i->frame_len;

    if (at < 0 || at < start - TAIL || at + (int64_t)len > i->stream)
        return 0;
    for (size_t k = 0; k < len; k++, at++)
        out[k] = at < start ? i->tail[TAIL - (start - at)] : i->frame[at - start];
    return 1;
}

int gf_archive_in_new(gf_archive_get *get, void *arg, struct gf_archive_in **out,
                      struct gf_err *e) {
    struct gf_archive_in *i = calloc(1, sizeof *i);
    if (i == NULL)
        return gf_err_errno(e, "no memory for an archive");
    i->get = get;
    i->arg = arg;
    i->a = archive_read_new();
    if (i->a == NULL) {
        free(i);
        return gf_err_set(e, GF_E_SYSTEM, "no memory for an archive");
    }
    /* One format, no filter: a compressed or foreign archive is refused at the door. */
    if (archive_read_support_format_tar(i->a) != ARCHIVE_OK ||
        archive_read_support_filter_none(i->a) != ARCHIVE_OK ||
        archive_read_open(i->a, i, NULL, in_read, NULL) != ARCHIVE_OK) {
        (void)in_error(i, e);
        gf_archive_in_free(i);
        return -1;
    }
    *out = i;
    return 0;
}

/* 1 if the entry is a plain regular file in the one form that we write. */
static int is_plain(struct archive_entry *en) {
    const char *owner = archive_entry_uname(en);
    const char *group = archive_entry_gname(en);

    return archive_entry_filetype(en) == AE_IFREG && archive_entry_hardlink(en) == NULL &&
           archive_entry_symlink(en) == NULL && archive_entry_sparse_count(en) == 0 &&
           archive_entry_size_is_set(en) && archive_entry_size(en) >= 0 &&
           archive_entry_xattr_count(en) == 0 && archive_entry_acl_types(en) == 0 &&
           archive_entry_perm(en) == MEMBER_MODE && archive_entry_uid(en) == 0 &&
           archive_entry_gid(en) == 0 && archive_entry_mtime(en) == 0 &&
           (owner == NULL || *owner == '\0') && (group == NULL || *group == '\0');
}

/* libarchive takes many spellings for one; a bundle has one. */
static int check_header(const struct gf_archive_in *i, const char *name, int64_t size,
                        struct gf_err *e) {
    uint8_t found[BLOCK];
    uint8_t expected[BLOCK];

    gf_archive_block(name, size, expected);
    if (!raw(i, i->members, sizeof found, found) || memcmp(found, expected, sizeof found) != 0)
        return gf_err_set(e, GF_E_ARCHIVE, "the header of member '%.80s' is not in its one form",
                          name);
    return 0;
}

/* The last member's padding is zeros. */
static int check_padding(const struct gf_archive_in *i, struct gf_err *e) {
    uint8_t found[BLOCK];

    if (!raw(i, i->members - i->padding, (size_t)i->padding, found))
        return gf_err_set(e, GF_E_ARCHIVE, "the inner archive is cut within a member's padding");
    for (int64_t k = 0; k < i->padding; k++) {
        if (found[k] != 0)
            return gf_err_set(e, GF_E_ARCHIVE, "a member's padding is not zeros");
    }
    return 0;
}

int gf_archive_in_next(struct gf_archive_in *i, const char **name, int64_t *size,
                       struct gf_err *e) {
    int rc = archive_read_next_header(i->a, &i->entry);
    if (rc != ARCHIVE_OK && rc != ARCHIVE_EOF) /* a warning is as good as an error */
        return in_error(i, e);
    if (check_padding(i, e) == -1)
        return -1;
    if (rc == ARCHIVE_EOF)
        return 0;

    const char *path = archive_entry_pathname(i->entry);
    if (path == NULL || *path == '\0')
        return gf_err_set(e, GF_E_ARCHIVE, "a member of the inner archive has no name");
    if (!is_plain(i->entry))
        return gf_err_set(e, GF_E_ARCHIVE,
                          "member '%.80s' is not a plain file of mode 0600, owner 0 and time 0",
                          path);
    int64_t n = archive_entry_size(i->entry);
    if (check_header(i, path, n, e) == -1)
        return -1;
    *name = path;
    *size = n;
    /* A size beyond every archive is the caller's to refuse; it must not overflow the sum. */
    if (n > GF_ARCHIVE_MAX)
        n = GF_ARCHIVE_MAX;
    i->members += gf_archive_member_size(n);
    i->padding = gf_archive_member_size(n) - BLOCK - n;
    return 1;
}

int gf_archive_in_data(struct gf_archive_in *i, const void **data, size_t *len, struct gf_err *e) {
    la_int64_t offset = 0;
    int rc = archive_read_data_block(i->a, data, len, &offset);

    if (rc == ARCHIVE_EOF) {
        *len = 0;
        return 0;
    }
    if (rc != ARCHIVE_OK)
        return in_error(i, e);
    return 0;
}

int gf_archive_in_end(struct gf_archive_in *i, struct gf_err *e) {
    const void *data = NULL;

    /* libarchive stops at the first zero block; the rest is ours to look at, as far as the first
     * byte too many. */
    for (la_ssize_t n = 1; n > 0 && i->stream <= i->members + GF_ARCHIVE_END;) {
        n = in_read(i->a, i, &data);
        if (n < 0)
            return in_error(i, e);
    }
    if (i->stream != i->members + GF_ARCHIVE_END)
        return gf_err_set(e, GF_E_ARCHIVE, "the inner archive has %s its members make",
                          i->stream < i->members + GF_ARCHIVE_END ? "fewer bytes than"
                                                                  : "more bytes than");
    uint8_t end[GF_ARCHIVE_END] = {1};
    uint8_t any = raw(i, i->members, sizeof end, end) ? 0 : 1;
    for (size_t k = 0; k < sizeof end; k++)
        any |= end[k];
    if (any != 0)
        return gf_err_set(e, GF_E_ARCHIVE, "the inner archive does not end in zeros");
    return 0;
}

void gf_archive_in_free(struct gf_archive_in *i) {
    if (i == NULL)
        return;
    (void)archive_read_free(i->a);
    free(i);
}
