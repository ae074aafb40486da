/*
 * pack_records.c -- lines on their way into a bundle: checked as they are, or bodies made into
 * records.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "gapferry/lines.h"
#include "gapferry/record.h"
#include "tool/pack.h"

/* Bytes gathered before they are written to the temporary file. */
#define SPOOL_CHUNK 262144

static const char *name_of(const struct pack_lines *l) {
    return strcmp(l->path, "-") == 0 ? "standard input" : l->path;
}

/* Remember that a line refers to a member. */
static int add_ref(struct pack_refs *r, const struct gf_body *body, struct gf_err *e) {
    if (body->form != GF_BODY_FILE)
        return 0;
    for (size_t i = r->n; i > 0; i--) {
        if (strcmp(r->paths[i - 1], body->data) == 0)
            return 0;
    }
    if (r->n == GF_MEMBERS_MAX || body->len >= sizeof *r->paths)
        return gf_err_set(e, GF_E_LIMIT, "lines refer to more than %d files; make several bundles",
                          GF_MEMBERS_MAX);
    if ((r->n & (r->n - 1)) == 0) {
        void *more = realloc(r->paths, (r->n ? 2 * r->n : 1) * sizeof *r->paths);
        if (!more)
            return gf_err_set(e, GF_E_SYSTEM, "no memory");
        r->paths = more;
    }
    memcpy(r->paths[r->n++], body->data, body->len + 1);
    return 0;
}

int pack_refs_check(const struct pack_refs *r, const struct gf_contents_member *m, size_t n,
                    struct gf_err *e) {
    for (size_t i = 0; i < r->n; i++) {
        size_t k = 0;
        while (k < n && strcmp(m[k].member, r->paths[i]) != 0)
            k++;
        if (k == n)
            return gf_err_set(e, GF_E_RECORD,
                              "a line refers to %s, which is not in this bundle; name that file on "
                              "the command line",
                              r->paths[i]);
    }
    return 0;
}

void pack_refs_free(struct pack_refs *r) {
    free(r->paths);
    *r = (struct pack_refs){0};
}

/* One finished line must be what its member holds. */
static int check_line(const struct pack_lines *l, const char *line, size_t len, struct gf_err *e) {
    struct gf_record record;
    struct gf_receipt receipt;
    struct gf_answer answer;
    struct gf_refusal refusal;
    struct gf_notice notice;
    int rc = -1;

    switch (l->member) {
    case GF_MEMBER_RECORDS:
        if ((rc = gf_record_parse(line, len, &record, e)) == 0) {
            rc = add_ref(l->refs, &record.body, e);
            gf_record_free(&record);
        }
        return rc;
    case GF_MEMBER_RECEIPTS:
        if ((rc = gf_receipt_parse(line, len, &receipt, e)) == 0)
            gf_receipt_free(&receipt);
        return rc;
    case GF_MEMBER_ANSWERS:
        if ((rc = gf_answer_parse(line, len, &answer, e)) == 0) {
            rc = add_ref(l->refs, &answer.body, e);
            gf_answer_free(&answer);
        }
        return rc;
    case GF_MEMBER_REFUSALS:
        if ((rc = gf_refusal_parse(line, len, &refusal, e)) == 0)
            gf_refusal_free(&refusal);
        return rc;
    case GF_MEMBER_NOTICES:
        if ((rc = gf_notice_parse(line, len, &notice, e)) == 0)
            gf_notice_free(&notice);
        return rc;
    case GF_MEMBER_FILE:
    case GF_MEMBER_CONTENTS:
        break;
    }
    return gf_err_set(e, GF_E_BUG, "a member without lines");
}

/* Check one finished line with its number in the message. */
static int check_numbered(const struct pack_lines *l, const struct gf_lines *in, const char *line,
                          size_t len, int ended, struct gf_err *e) {
    if (!ended)
        return gf_err_set(e, GF_E_RECORD,
                          "%s: line %llu: the last line must end in a line feed too: is the file "
                          "complete?",
                          name_of(l), (unsigned long long)in->number);
    if (len == 0)
        return gf_err_set(e, GF_E_RECORD, "%s: line %llu: is empty; remove it", name_of(l),
                          (unsigned long long)in->number);
    if (check_line(l, line, len, e) == -1)
        return gf_err_prefix(e, "%s: line %llu", name_of(l), (unsigned long long)in->number);
    return 0;
}

/* Append the record that carries this body. */
static int wrap_body(const struct pack_wrap *w, const char *body, size_t len, struct gf_buf *out,
                     struct gf_err *e) {
    struct gf_record r = {.channel = w->channel,
                          .product = w->product,
                          .origin = w->origin,
                          .clock = GF_CLOCK_OK,
                          .type = w->type,
                          .answer = w->answer,
                          .body = {.form = GF_BODY_TEXT, .data = body, .len = len}};
    struct timespec now;
    uint8_t random[10];

    if (len == 0)
        return gf_err_set(e, GF_E_RECORD, "is empty; remove it");
    (void)clock_gettime(CLOCK_REALTIME, &now);
    gf_digest_random(random, sizeof random);
    gf_text_uuid7((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, random, &r.id);
    r.created = (int64_t)now.tv_sec;
    return gf_record_write(&r, out, e);
}

static int flush_spool(struct pack_lines *l, int spool, struct gf_buf *b, struct gf_err *e) {
    if (gf_buf_check(b, "the records", e) == -1)
        return -1;
    l->size += (int64_t)b->len;
    if (l->size > GF_ARCHIVE_MAX)
        return gf_err_set(e, GF_E_LIMIT, "%s: more than one bundle holds (%lld bytes); split it",
                          name_of(l), (long long)GF_ARCHIVE_MAX);
    if (gf_file_write(spool, b->data, b->len) == -1)
        return gf_err_errno(e, "cannot write a temporary file beside the bundle");
    gf_buf_clear(b);
    return 0;
}

/* Read all lines, check or wrap them, and leave what is to be written in the unnamed file. */
static int fill_spool(struct pack_lines *l, const struct pack_wrap *wrap, int spool,
                      struct gf_err *e) {
    struct gf_lines in;
    struct gf_buf b;
    const char *line;
    size_t len;
    int ended;
    int more = 0;
    int rc = -1;

    gf_lines_init(&in, l->fd, GF_LINE_MAX);
    gf_buf_init(&b, SPOOL_CHUNK + 2 * GF_LINE_MAX);
    while ((more = gf_lines_next(&in, &line, &len, &ended, e)) == 1) {
        if (wrap) {
            if (wrap_body(wrap, line, len, &b, e) == -1) {
                (void)gf_err_prefix(e, "%s: line %llu", name_of(l), (unsigned long long)in.number);
                goto out;
            }
        } else {
            if (check_numbered(l, &in, line, len, ended, e) == -1)
                goto out;
            gf_buf_add(&b, line, len);
            gf_buf_byte(&b, '\n');
        }
        if (b.len >= SPOOL_CHUNK && flush_spool(l, spool, &b, e) == -1)
            goto out;
    }
    if (more == -1) {
        (void)gf_err_prefix(e, "%s: line %llu", name_of(l), (unsigned long long)in.number + 1);
        goto out;
    }
    if (b.len > 0 && flush_spool(l, spool, &b, e) == -1)
        goto out;
    if (lseek(spool, 0, SEEK_SET) == -1) {
        (void)gf_err_errno(e, "cannot read a temporary file again");
        goto out;
    }
    rc = 0;
out:
    gf_lines_free(&in);
    gf_buf_free(&b);
    return rc;
}

int pack_lines_open(struct pack_lines *l, const struct pack_wrap *wrap, int dir, struct gf_err *e) {
    struct stat st = {0};

    if (strcmp(l->path, "-") == 0)
        l->fd = dup(STDIN_FILENO);
    else if ((l->fd = tool_open(l->path, 0, &st, e)) == -1)
        return -1;
    if (l->fd == -1)
        return gf_err_set(e, GF_E_NOINPUT, "standard input: cannot read it");

    /* A regular file is read once, while it is written; its size is known. */
    if (!wrap && strcmp(l->path, "-") != 0 && S_ISREG(st.st_mode)) {
        l->size = (int64_t)st.st_size;
        return 0;
    }
    int spool = gf_file_unnamed(dir, e);
    if (spool == -1)
        return -1;
    if (fill_spool(l, wrap, spool, e) == -1) {
        (void)close(spool);
        return -1;
    }
    (void)close(l->fd);
    l->fd = spool;
    l->spooled = 1;
    return 0;
}

int pack_lines_write(struct pack_lines *l, struct gf_writer *w, gf_progress *progress, void *bar,
                     struct gf_err *e) {
    struct gf_lines in;
    const char *line;
    size_t len;
    int ended;
    int more = 0;
    int64_t done = 0;
    int rc = -1;

    if (gf_writer_member(w, l->member, NULL, l->size, NULL, e) == -1)
        return e->code == GF_E_CREATE ? -1 : gf_err_prefix(e, "%s", name_of(l));
    if (l->size == 0)
        return 0;
    if (l->spooled)
        return gf_writer_copy(w, l->fd, progress, bar, e);

    gf_lines_init(&in, l->fd, GF_LINE_MAX);
    while ((more = gf_lines_next(&in, &line, &len, &ended, e)) == 1) {
        if (check_numbered(l, &in, line, len, ended, e) == -1)
            goto out;
        done += (int64_t)len + 1;
        if (done > l->size)
            break;
        if (gf_writer_data(w, line, len, e) == -1 || gf_writer_data(w, "\n", 1, e) == -1)
            goto out;
        if (progress)
            progress(bar, done);
    }
    if (more == -1)
        (void)gf_err_prefix(e, "%s: line %llu", name_of(l), (unsigned long long)in.number + 1);
    else if (done != l->size)
        (void)gf_err_set(e, GF_E_SYSTEM, "%s: changed while it was read; pack it again",
                         name_of(l));
    else
        rc = 0;
out:
    gf_lines_free(&in);
    return rc;
}

void pack_lines_close(struct pack_lines *l) {
    if (l->fd != -1)
        (void)close(l->fd);
    l->fd = -1;
}
