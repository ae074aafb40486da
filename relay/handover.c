/*
 * handover.c -- records from the child that reads payloads to the process that has the ledger.
 */
#include "relay/handover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gapferry/contents.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"

/* Bytes that are worth a write, and a read. */
#define ENOUGH ((size_t)64 << 10)

/* What stands before the texts: how many bytes each has, without its NUL; 0: there is none. */
struct fixed {
    uint32_t channel, product, file, line;
    uint32_t answer;
    struct gf_id id;
    struct gf_hash digest;
};

#define FILE_MAX (sizeof "files/" - 1 + GF_MEMBER_NAME_MAX)
/* The longest record there can be. */
#define RECORD_MAX                                                                                 \
    (sizeof(struct fixed) + 2 * (size_t)(GF_WORD_MAX + 1) + FILE_MAX + 1 + GF_LINE_MAX)

/* ---- the child ---- */

void handover_out_init(struct handover_out *o, int fd) {
    o->fd = fd;
    gf_buf_init(&o->b, ENOUGH + RECORD_MAX);
}

void handover_out_free(struct handover_out *o) {
    gf_buf_free(&o->b);
}

static uint32_t length(const char *text) {
    return text != NULL ? (uint32_t)strlen(text) : 0;
}

static void put_text(struct gf_buf *b, const char *text, size_t len) {
    if (len == 0)
        return;
    gf_buf_add(b, text, len);
    gf_buf_byte(b, '\0');
}

int handover_put(struct handover_out *o, const struct gf_record *r, const char *line, size_t len,
                 struct gf_err *e) {
    int is_file = r->body.form == GF_BODY_FILE;
    struct fixed f = {.channel = length(r->channel),
                      .product = length(r->product),
                      .file = is_file ? length(r->body.data) : 0,
                      .answer = r->answer != 0,
                      .id = r->id};

    if (len > 0 && line[len - 1] == '\n')
        len--;
    f.line = (uint32_t)len;
    if (!is_file)
        gf_digest_256(r->body.data, r->body.len, &f.digest);
    gf_buf_add(&o->b, &f, sizeof f);
    put_text(&o->b, r->channel, f.channel);
    put_text(&o->b, r->product, f.product);
    put_text(&o->b, r->body.data, f.file);
    put_text(&o->b, line, f.line);
    if (gf_buf_check(&o->b, "a record that is handed over", e) == -1)
        return -1;
    return o->b.len < ENOUGH ? 0 : handover_flush(o, e);
}

int handover_flush(struct handover_out *o, struct gf_err *e) {
    if (o->b.len > 0 && gf_file_write(o->fd, o->b.data, o->b.len) == -1)
        return gf_err_errno(e, "cannot hand over records");
    gf_buf_clear(&o->b);
    return 0;
}

/* ---- the parent ---- */

void handover_in_init(struct handover_in *in, int fd) {
    *in = (struct handover_in){.fd = fd};
}

void handover_in_free(struct handover_in *in) {
    free(in->buf);
    in->buf = NULL;
}

static int fail(struct gf_err *e) {
    return gf_err_set(e, GF_E_RECORD, "what was read of its records has a wrong form");
}

/* See that the next n bytes, RECORD_MAX at most, stand together from `start` on: 1, or 0 if there
 * are fewer. */
static int fill(struct handover_in *in, size_t n, struct gf_err *e) {
    while (in->end - in->start < n) {
        if (in->start > 0) {
            memmove(in->buf, in->buf + in->start, in->end - in->start);
            in->end -= in->start;
            in->start = 0;
        }
        if (in->room < n + ENOUGH) {
            char *larger = realloc(in->buf, n + ENOUGH);
            if (larger == NULL)
                return gf_err_set(e, GF_E_SYSTEM, "no memory for records");
            in->buf = larger;
            in->room = n + ENOUGH;
        }
        ssize_t got = read(in->fd, in->buf + in->end, in->room - in->end);
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            return gf_err_errno(e, "cannot read records");
        if (got == 0)
            return 0;
        in->end += (size_t)got;
    }
    return 1;
}

/* The next text, which has len bytes and a NUL that is its only one; NULL where that is wrong. */
static const char *take_text(const char **at, size_t len) {
    const char *text = *at;

    *at += len + 1;
    return memchr(text, '\0', len + 1) == text + len ? text : NULL;
}

/* `at` has as many bytes as f says. 1 if it is a record. */
static int read_texts(const struct fixed *f, const char *at, struct handover_record *out) {
    int version = f->id.b[6] >> 4;

    *out = (struct handover_record){
        .id = f->id, .digest = f->digest, .answer = (int)f->answer, .len = f->line};
    out->channel = take_text(&at, f->channel);
    if (out->channel == NULL || !gf_text_is_word(out->channel, f->channel, GF_WORD_MAX))
        return 0;
    if (f->product > 0 && ((out->product = take_text(&at, f->product)) == NULL ||
                           !gf_text_is_utf8(out->product, f->product)))
        return 0;
    if (f->file > 0 && ((out->file = take_text(&at, f->file)) == NULL ||
                        gf_contents_member_of(out->file) != GF_MEMBER_FILE))
        return 0;
    out->line = take_text(&at, f->line);
    return out->line != NULL && out->line[0] == '{' && out->line[f->line - 1] == '}' &&
           memchr(out->line, '\n', f->line) == NULL && (version == 7 || version == 8) &&
           f->id.b[8] >> 6 == 2;
}

int handover_next(struct handover_in *in, struct handover_record *out, struct gf_err *e) {
    struct fixed f;

    int rc = fill(in, sizeof f, e);
    if (rc != 1)
        return rc == 0 && in->end > in->start ? fail(e) : rc;
    memcpy(&f, in->buf + in->start, sizeof f);
    if (f.channel == 0 || f.channel > GF_WORD_MAX || f.product > GF_WORD_MAX || f.file > FILE_MAX ||
        f.line < 2 || f.line >= GF_LINE_MAX || f.answer > 1)
        return fail(e);
    size_t len = sizeof f + f.channel + 1 + f.line + 1;
    len += f.product > 0 ? f.product + 1 : 0;
    len += f.file > 0 ? f.file + 1 : 0;
    rc = fill(in, len, e);
    if (rc != 1)
        return rc == 0 ? fail(e) : rc;
    if (!read_texts(&f, in->buf + in->start + sizeof f, out))
        return fail(e);
    in->start += len;
    return 1;
}
