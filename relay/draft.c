/*
 * draft.c -- what one response will say. Lines go to unnamed files, so that memory stays flat and
 * every member's length is known before it is written.
 */
#include "relay/draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gapferry/file.h"
#include "relay/discreet.h"
#include "relay/ledger/ledger_rotate.h"
#include "relay/updates/artifacts.h"

/* What each part takes beside its bytes: its header and padding, its entry in contents.json. */
#define PART_MORE 2048

enum { RECEIPTS, ANSWERS, REFUSALS, NOTICES };
static const enum gf_member members[DRAFT_LINES] = {GF_MEMBER_RECEIPTS, GF_MEMBER_ANSWERS,
                                                    GF_MEMBER_REFUSALS, GF_MEMBER_NOTICES};

static int append(struct draft *d, int which, const struct gf_buf *line, struct gf_err *e) {
    if (gf_buf_check(line, "a line of a response", e) == -1)
        return -1;
    if (d->lines[which] == -1 && (d->lines[which] = gf_file_unnamed(d->dir, e)) == -1)
        return -1;
    if (gf_file_write(d->lines[which], line->data, line->len) == -1)
        return gf_err_errno(e, "cannot write a response");
    d->size += (int64_t)line->len;
    return 0;
}

static int remember(struct draft *d, const struct ledger_told *told, struct gf_err *e) {
    if (d->told == NULL || (d->ntold & (d->ntold - 1)) == 0) {
        struct ledger_told *more =
            realloc(d->told, (d->ntold == 0 ? 1 : 2 * d->ntold) * sizeof *more);
        if (more == NULL)
            return gf_err_set(e, GF_E_SYSTEM, "no memory for a response");
        d->told = more;
    }
    d->told[d->ntold++] = *told;
    return 0;
}

/* Neighbours that are told the same are remembered as one, so that memory stays flat. */
static int remember_receipt(struct draft *d, int64_t row, const struct gf_receipt *r,
                            struct gf_err *e) {
    const struct ledger_told told = {
        .id = r->record, .digest = r->digest, .state = r->state, .row = row, .rows = row > 0};
    struct ledger_told *last = d->ntold > 0 ? &d->told[d->ntold - 1] : NULL;

    if (row == 0 || last == NULL || last->what != LEDGER_RECEIPT || last->rows == 0 ||
        last->state != r->state || last->row + last->rows != row)
        return remember(d, &told, e);
    last->rows++;
    return 0;
}

/* An answer that is too long for a line: its body becomes a file of the bundle. */
static int add_long_answer(struct draft *d, const struct gf_answer *a, struct gf_buf *line,
                           struct gf_err *e) {
    char member[sizeof "files/" + GF_MEMBER_NAME_MAX];
    char hex[GF_ID_TEXT];
    struct gf_answer as_file = *a;

    int fd = gf_file_unnamed(d->dir, e);
    if (fd == -1)
        return -1;
    gf_text_hex(a->record.b, sizeof a->record.b, hex);
    (void)snprintf(d->names[d->nfiles], sizeof d->names[0], "answer-%s", hex);
    (void)snprintf(member, sizeof member, "files/%s", d->names[d->nfiles]);
    d->files[d->nfiles++] = fd;
    if (gf_file_write(fd, a->body.data, a->body.len) == -1)
        return gf_err_errno(e, "cannot write a response");
    d->size += (int64_t)a->body.len;
    as_file.body = (struct gf_body){.form = GF_BODY_FILE, .data = member, .len = strlen(member)};
    gf_buf_clear(line);
    if (gf_answer_write(&as_file, line, e) == -1)
        return -1;
    return append(d, ANSWERS, line, e);
}

static int add_answer(struct draft *d, const struct gf_answer *a, struct gf_err *e) {
    struct gf_buf line;

    gf_buf_init(&line, (size_t)2 * GF_LINE_MAX);
    int rc = gf_answer_write(a, &line, e);
    if (rc == 0)
        rc = append(d, ANSWERS, &line, e);
    else if (e->code == GF_E_LIMIT)
        rc = add_long_answer(d, a, &line, e);
    gf_buf_free(&line);
    return rc;
}

/* 1 if another receipt, with its answer, goes into the next response. */
static int is_full(struct draft *d, const struct gf_answer *a) {
    int64_t more = a != NULL ? (int64_t)a->body.len * 4 / 3 + GF_LINE_MAX : GF_LINE_MAX;

    d->full = d->ntold > 0 && (d->nfiles == DRAFT_FILES_MAX || d->size + more > d->size_max);
    return d->full;
}

static int add_receipt(void *arg, int64_t row, const struct gf_receipt *r,
                       const struct gf_answer *a, struct gf_err *e) {
    struct draft *d = arg;
    char words[GF_REASON_MAX + 1];
    struct gf_buf line;

    if (is_full(d, a))
        return 1;
    struct gf_receipt told = *r;
    if (r->reason != NULL) {
        discreet_words(r->reason, words);
        told.reason = words;
    }
    gf_buf_init(&line, GF_LINE_MAX);
    int rc = gf_receipt_write(&told, &line, e);
    if (rc == 0)
        rc = append(d, RECEIPTS, &line, e);
    gf_buf_free(&line);
    if (rc == 0 && a != NULL)
        rc = add_answer(d, a, e);
    if (rc == 0)
        rc = remember_receipt(d, row, r, e);
    d->receipts += rc == 0;
    return rc;
}

/* The refusal of a fork names a bundle that only one of two twins knows; the stream, which both
 * have, is told to whichever of them gets this. */
static int add_forked(struct draft *d, const struct gf_refusal *r, const struct gf_id *stream,
                      struct gf_err *e) {
    char hex[GF_ID_TEXT];
    const struct gf_notice notice = {.type = "fork", .at = r->at, .data = hex};
    struct gf_buf line;

    gf_text_hex(stream->b, sizeof stream->b, hex);
    gf_buf_init(&line, GF_LINE_MAX);
    int rc = gf_notice_write(&notice, &line, e);
    if (rc == 0)
        rc = append(d, NOTICES, &line, e);
    gf_buf_free(&line);
    return rc;
}

static int add_refusal(void *arg, const struct gf_refusal *r, const struct gf_id *forked,
                       struct gf_err *e) {
    struct draft *d = arg;
    struct ledger_told told = {.what = LEDGER_REFUSAL, .id = r->bundle};
    struct gf_buf line;

    if (is_full(d, NULL))
        return 1;
    gf_buf_init(&line, GF_LINE_MAX);
    int rc = gf_refusal_write(r, &line, e);
    if (rc == 0)
        rc = append(d, REFUSALS, &line, e);
    gf_buf_free(&line);
    if (rc == 0 && forked != NULL)
        rc = add_forked(d, r, forked, e);
    return rc == 0 ? remember(d, &told, e) : -1;
}

static int add_notice(void *arg, int64_t n, const struct gf_notice *notice, struct gf_err *e) {
    struct draft *d = arg;
    struct ledger_told told = {.what = LEDGER_NOTICE, .notice = n};
    struct gf_buf line;

    if (is_full(d, NULL))
        return 1;
    gf_buf_init(&line, GF_LINE_MAX);
    int rc = gf_notice_write(notice, &line, e);
    if (rc == 0)
        rc = append(d, NOTICES, &line, e);
    gf_buf_free(&line);
    return rc == 0 ? remember(d, &told, e) : -1;
}

int64_t draft_room(int64_t size_max) {
    return size_max - size_max / 1024 - 65536;
}

void draft_begin(struct draft *d, const struct relay *r, int dir, int64_t size_max) {
    *d = (struct draft){
        .r = r, .dir = dir, .size_max = draft_room(size_max), .lines = {-1, -1, -1, -1}};
}

int draft_collect(struct draft *d, const struct gf_id *agent, struct gf_err *e) {
    if (ledger_new_cards(d->r->ledger, agent, add_notice, d, e) == -1 ||
        (!d->full && ledger_notices(d->r->ledger, agent, add_notice, d, e) == -1) ||
        (!d->full && ledger_refusals(d->r->ledger, agent, add_refusal, d, e) == -1))
        return -1;
    return d->full ? 0 : ledger_news(d->r->ledger, agent, add_receipt, d, e);
}

/* ---- parts of artifacts ---- */

static int add_part(void *arg, const struct ledger_part *p, struct gf_err *e) {
    const struct ledger_told told = {
        .what = LEDGER_PART, .artifact = p->artifact, .index = p->index};
    struct draft *d = arg;

    d->full = d->nparts == DRAFT_PARTS_MAX ||
              (d->nparts > 0 && d->size + p->size + PART_MORE > d->size_max);
    if (d->full)
        return 1;
    struct draft_part *more = reallocarray(d->parts, d->nparts + 1, sizeof *more);
    if (more == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for a response");
    d->parts = more;
    struct draft_part *part = &d->parts[d->nparts++];
    part->part = *p;
    (void)snprintf(part->name, sizeof part->name, "%s", p->name);
    part->part.name = NULL;
    d->size += p->size + PART_MORE;
    return remember(d, &told, e);
}

int draft_collect_parts(struct draft *d, const struct gf_id *agent, struct gf_err *e) {
    return ledger_parts(d->r->ledger, agent, add_part, d, e);
}

static int write_part(struct draft *d, const struct draft_part *x, struct gf_writer *w,
                      struct gf_err *e) {
    const struct ledger_part *p = &x->part;
    const struct gf_part part = {.index = p->index,
                                 .count = p->count,
                                 .offset = p->offset,
                                 .whole = p->whole,
                                 .digest = p->digest};

    int fd = artifacts_open(d->r, &p->digest, p->whole, e);
    if (fd == -1) {
        d->gone = e->code == GF_E_NOINPUT ? p->artifact : 0;
        return -1;
    }
    int rc = lseek(fd, p->offset, SEEK_SET) == -1 ? gf_err_errno(e, "%s: cannot read it", x->name)
             : p->count > 1 ? gf_writer_part(w, x->name, p->size, &part, NULL, e)
                            : gf_writer_member(w, GF_MEMBER_FILE, x->name, p->size, NULL, e);
    if (rc == 0)
        rc = gf_writer_copy(w, fd, NULL, NULL, e);
    (void)close(fd);
    return rc;
}

/* ---- writing ---- */

static int write_member(struct gf_writer *w, enum gf_member m, const char *name, int fd,
                        struct gf_err *e) {
    char member[sizeof "files/" + GF_MEMBER_NAME_MAX] = "";
    off_t size = lseek(fd, 0, SEEK_END);

    if (size == -1 || lseek(fd, 0, SEEK_SET) == -1)
        return gf_err_errno(e, "cannot read a response's draft");
    if (gf_writer_member(w, m, name, (int64_t)size, name != NULL ? member : NULL, e) == -1)
        return -1;
    /* The answer's line names the member already. */
    if (name != NULL && strcmp(member + sizeof "files/" - 1, name) != 0)
        return gf_err_set(e, GF_E_BUG, "an answer's file got another name in the bundle: %s",
                          member);
    return gf_writer_copy(w, fd, NULL, NULL, e);
}

int draft_write(struct draft *d, struct gf_writer *w, struct gf_err *e) {
    for (size_t i = 0; i < DRAFT_LINES; i++) {
        if (d->lines[i] != -1 && write_member(w, members[i], NULL, d->lines[i], e) == -1)
            return -1;
    }
    for (size_t i = 0; i < d->nfiles; i++) {
        if (write_member(w, GF_MEMBER_FILE, d->names[i], d->files[i], e) == -1)
            return -1;
    }
    for (size_t i = 0; i < d->nparts; i++) {
        if (write_part(d, &d->parts[i], w, e) == -1)
            return -1;
    }
    return 0;
}

void draft_free(struct draft *d) {
    for (size_t i = 0; i < DRAFT_LINES; i++) {
        if (d->lines[i] != -1)
            (void)close(d->lines[i]);
    }
    for (size_t i = 0; i < d->nfiles; i++)
        (void)close(d->files[i]);
    free(d->told);
    free(d->parts);
    *d = (struct draft){.lines = {-1, -1, -1, -1}};
}
