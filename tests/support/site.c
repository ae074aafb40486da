/* site.c -- an agent for tests, and a relay's answers. */
#include "support/site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/history.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "gapferry/lines.h"
#include "support/kit.h"

static void check(int rc, const struct gf_err *e) {
    if (rc == -1)
        fail_msg("%s (%s)", e->text, gf_err_name(e->code));
}

void site_make(struct site *s, int trusts) {
    uint8_t random[8];
    char name[17];
    struct gf_err e;

    *s = (struct site){.root = ""};
    gf_digest_random(random, sizeof random);
    gf_text_hex(random, sizeof random, name);
    (void)snprintf(s->root, sizeof s->root, "%s/%s", kit_root, name);
    assert_int_equal(mkdir(s->root, 0700), 0);
    check(agent_paths(&s->a, s->root, &e), &e);
    (void)snprintf(s->a.config_path, sizeof s->a.config_path, "%s/agent.conf", s->root);
    s->a.id = kit_site;
    s->a.now = SITE_NOW;
    for (char *p = s->a.state + strlen(s->root) + 1;; p++) {
        const char was = *p;
        if (was != '/' && was != '\0')
            continue;
        *p = '\0';
        assert_int_equal(mkdir(s->a.state, 0700), 0);
        *p = was;
        if (was == '\0')
            break;
    }
    check(gf_file_save_new(AT_FDCWD, s->a.config_path, "", 0, 0644, &e), &e);
    check(config_load(s->a.config_path, agent_keys, &s->a.config, &e), &e);
    check(store_make(s->a.state, &s->a.store, &e), &e);
    check(history_start(&s->a, &e), &e);
    if (trusts)
        site_trust(s, &kit_relay);
    site_consent(s, "metrics", STORE_GRANTED);
}

void site_free(struct site *s) {
    store_close(s->a.store);
    config_free(s->a.config);
    s->a.store = NULL;
}

int site_setup(void **state) {
    static struct site s;

    site_make(&s, 1);
    *state = &s;
    return 0;
}

int site_teardown(void **state) {
    site_free(*state);
    return 0;
}

void site_configure(struct site *s, const char *text) {
    struct gf_err e;

    (void)unlink(s->a.config_path);
    check(gf_file_save_new(AT_FDCWD, s->a.config_path, text, strlen(text), 0600, &e), &e);
    config_free(s->a.config);
    s->a.config = NULL;
    check(config_load(s->a.config_path, agent_keys, &s->a.config, &e), &e);
}

void site_reopen(struct site *s) {
    struct gf_err e;

    store_close(s->a.store);
    s->a.store = NULL;
    check(store_open(s->a.state, &s->a.store, &e), &e);
}

void site_trust(struct site *s, const struct gf_identity *relay) {
    struct gf_err e;

    check(store_trust_card(s->a.store, &relay->card, relay->card_text, relay->card_len, "tester",
                           s->a.now, &e),
          &e);
}

void site_consent(struct site *s, const char *channel, enum store_consent c) {
    struct store_denial denial;
    struct gf_err e;

    check(store_set_consent(s->a.store, channel, c, "tester", s->a.now, &denial, &e), &e);
    free(denial.bundles);
}

struct gf_id site_add(struct site *s, const char *channel, const char *body, int answer) {
    struct gf_record r = {.channel = channel,
                          .origin = kit_site.card.agent,
                          .created = s->a.now,
                          .type = "application/json",
                          .answer = answer,
                          .body = {GF_BODY_TEXT, body, strlen(body)}};
    uint8_t random[10];
    struct gf_err e;

    gf_digest_random(random, sizeof random);
    gf_text_uuid7(s->a.now * 1000, random, &r.id);
    check(store_add(s->a.store, &r, s->a.now, &e), &e);
    return r.id;
}

static int copy_record(void *arg, const struct store_record *r, struct gf_err *e) {
    struct site_record *out = arg;

    (void)e;
    *out = (struct site_record){
        .state = r->state, .answered = r->answered, .wants_answer = r->wants_answer};
    (void)snprintf(out->reason, sizeof out->reason, "%s", r->reason ? r->reason : "");
    (void)snprintf(out->guarantee, sizeof out->guarantee, "%s", r->guarantee ? r->guarantee : "");
    return 0;
}

struct site_record site_find(struct site *s, const struct gf_id *id) {
    struct site_record r;
    struct gf_err e;

    assert_int_equal(store_find(s->a.store, id, copy_record, &r, &e), 1);
    return r;
}

enum store_state site_state(struct site *s, const struct gf_id *id) {
    return site_find(s, id).state;
}

int site_has(struct site *s, const struct gf_id *id) {
    struct site_record r;
    struct gf_err e;

    return store_find(s->a.store, id, copy_record, &r, &e);
}

static int copy_row(void *arg, const struct store_record *r, struct gf_err *e) {
    (void)e;
    *(struct store_range *)arg = (struct store_range){r->row, r->row};
    return 0;
}

int site_exported(struct site *s, const struct gf_header *h, const struct gf_hash *digest,
                  const struct gf_id *records, size_t n, int64_t now, struct gf_err *e) {
    struct store_range *rows = calloc(n ? n : 1, sizeof *rows);
    struct store_carried c = {.rows = rows, .n = n, .records = (int64_t)n};

    assert_non_null(rows);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(store_find(s->a.store, &records[i], copy_row, &rows[i], e), 1);
    int rc = store_exported(s->a.store, h, digest, &c, now, e);
    free(rows);
    return rc;
}

size_t site_unsettled(struct site *s) {
    struct store_bundle *list;
    size_t n;
    struct gf_err e;

    check(store_unsettled(s->a.store, &list, &n, &e), &e);
    free(list);
    return n;
}

struct store_bundle site_bundle(struct site *s, size_t i) {
    struct store_bundle *list;
    size_t n;
    struct gf_err e;

    check(store_unsettled(s->a.store, &list, &n, &e), &e);
    assert_true(i < n);
    struct store_bundle b = list[i];
    free(list);
    return b;
}

struct export_result site_export(struct site *s) {
    struct export_result x;
    struct gf_err e;

    check(agent_export(&s->a, &x, &e), &e);
    return x;
}

static void read_ids(struct site_request *r) {
    struct gf_lines lines;
    const char *line;
    size_t len;
    int ended;
    struct gf_err e;

    int fd = openat(r->dir, "records.jsonl", O_RDONLY);
    if (fd == -1)
        return;
    gf_lines_init(&lines, fd, GF_LINE_MAX);
    while (gf_lines_next(&lines, &line, &len, &ended, &e) == 1) {
        struct gf_record record;
        check(gf_record_parse(line, len, &record, &e), &e);
        r->ids = reallocarray(r->ids, r->n + 1, sizeof *r->ids);
        assert_non_null(r->ids);
        r->ids[r->n++] = record.id;
        gf_record_free(&record);
    }
    gf_lines_free(&lines);
    (void)close(fd);
}

void site_read(struct site *s, const struct store_bundle *b, struct site_request *out) {
    char path[700];
    struct gf_head head;
    struct gf_err e;

    *out = (struct site_request){.dir = kit_new_dir()};
    (void)snprintf(path, sizeof path, "%s/outbox/%s", s->a.state, b->file);
    int fd = open(path, O_RDONLY);
    assert_int_not_equal(fd, -1);
    check(kit_read(fd, &kit_relay, 1, out->dir, &out->contents, &e), &e);
    check(gf_bundle_peek(fd, &head, &e), &e);
    out->header = head.header;
    out->digest = head.digest;
    gf_head_free(&head);
    (void)close(fd);
    read_ids(out);
}

void site_request_free(struct site_request *r) {
    gf_contents_free(&r->contents);
    free(r->ids);
    (void)close(r->dir);
}

/* ---- what the relay answers ---- */

void reply_begin(struct reply *r, int64_t seq) {
    *r = (struct reply){.from = &kit_relay,
                        .to = &kit_site.card,
                        .stream = {"relay's stream."},
                        .seq = seq,
                        .kind = GF_KIND_RESPONSE};
    gf_buf_init(&r->receipts, 64 << 20);
    gf_buf_init(&r->answers, 8 << 20);
    gf_buf_init(&r->refusals, 8 << 20);
    gf_buf_init(&r->notices, 8 << 20);
}

void reply_receipt(struct reply *r, const struct gf_id *record, const char *body,
                   enum gf_state state, const char *reason) {
    struct gf_receipt x = {.record = *record, .state = state, .reason = reason, .at = SITE_NOW};
    struct gf_err e;

    gf_digest_256(body, strlen(body), &x.digest);
    if (state == GF_STATE_DELIVERED)
        x.guarantee = GF_GUARANTEE_ONCE;
    check(gf_receipt_write(&x, &r->receipts, &e), &e);
}

void reply_answer(struct reply *r, const struct gf_id *record, int64_t status, const char *body) {
    struct gf_answer x = {
        .record = *record, .status = status, .body = {GF_BODY_TEXT, body, strlen(body)}};
    struct gf_err e;

    check(gf_answer_write(&x, &r->answers, &e), &e);
}

void reply_answer_file(struct reply *r, const struct gf_id *record, const char *member) {
    struct gf_answer x = {
        .record = *record, .status = 200, .body = {GF_BODY_FILE, member, strlen(member)}};
    struct gf_err e;

    check(gf_answer_write(&x, &r->answers, &e), &e);
}

void reply_file(struct reply *r, const char *name, const void *data, size_t len) {
    assert_true(r->nfiles < sizeof r->files / sizeof *r->files);
    r->files[r->nfiles++] = (struct reply_file){.name = name, .data = data, .len = len};
}

void reply_part(struct reply *r, const char *name, const void *whole, const struct gf_part *part,
                size_t len) {
    reply_file(r, name, (const char *)whole + part->offset, len);
    r->files[r->nfiles - 1].part = *part;
}

static void refusal(struct reply *r, const struct gf_id *bundle, const char *code) {
    struct gf_refusal x = {
        .bundle = *bundle, .code = code, .reason = "it is not as it should be", .at = SITE_NOW};
    struct gf_err e;

    check(gf_refusal_write(&x, &r->refusals, &e), &e);
}

void reply_refusal(struct reply *r, const struct gf_id *bundle) {
    refusal(r, bundle, "digest");
}

void reply_fork(struct reply *r, const struct gf_id *bundle) {
    refusal(r, bundle, "fork");
}

void reply_notice(struct reply *r, const char *type, const char *data) {
    reply_notice_at(r, SITE_NOW, type, data);
}

void reply_notice_at(struct reply *r, int64_t at, const char *type, const char *data) {
    struct gf_notice x = {.type = type, .at = at, .data = data};
    struct gf_err e;

    check(gf_notice_write(&x, &r->notices, &e), &e);
}

static void put_member(struct gf_writer *w, enum gf_member m, struct gf_buf *lines) {
    struct gf_err e;

    if (lines->len > 0) {
        check(gf_writer_member(w, m, NULL, (int64_t)lines->len, NULL, &e), &e);
        check(gf_writer_data(w, lines->data, lines->len, &e), &e);
    }
    gf_buf_free(lines);
}

static void put_file(struct gf_writer *w, const struct reply_file *f) {
    struct gf_err e;

    if (f->part.count > 0)
        check(gf_writer_part(w, f->name, (int64_t)f->len, &f->part, NULL, &e), &e);
    else
        check(gf_writer_member(w, GF_MEMBER_FILE, f->name, (int64_t)f->len, NULL, &e), &e);
    check(gf_writer_data(w, f->data, f->len, &e), &e);
}

int reply_seal(struct reply *r) {
    struct gf_pack p = {.identity = r->from,
                        .kind = r->kind,
                        .to = r->to,
                        .stream = r->stream,
                        .seq = r->seq,
                        .has_created = 1,
                        .created = SITE_NOW,
                        .has_expires = r->has_expires,
                        .expires = r->expires,
                        .threads = 1,
                        .voids = r->voids,
                        .nvoids = r->nvoids};
    struct gf_writer *w;
    struct gf_err e;

    gf_digest_random(p.id.b, sizeof p.id.b);
    int fd = memfd_create("reply", MFD_CLOEXEC);
    assert_int_not_equal(fd, -1);
    if (p.seq > 1) {
        p.has_prev = 1;
        memset(p.prev.b, 7, sizeof p.prev.b);
    }
    check(gf_writer_open(fd, &p, &w, &e), &e);
    put_member(w, GF_MEMBER_RECEIPTS, &r->receipts);
    put_member(w, GF_MEMBER_ANSWERS, &r->answers);
    put_member(w, GF_MEMBER_REFUSALS, &r->refusals);
    put_member(w, GF_MEMBER_NOTICES, &r->notices);
    for (size_t i = 0; i < r->nfiles; i++)
        put_file(w, &r->files[i]);
    r->nfiles = 0;
    check(gf_writer_finish(w, &r->header, &r->digest, &e), &e);
    gf_writer_free(w);
    return fd;
}

int reply_apply(struct reply *r, struct site *s, struct apply_result *out, struct gf_err *e) {
    int fd = reply_seal(r);
    int rc = agent_apply(&s->a, fd, out, e);

    (void)close(fd);
    return rc;
}

struct apply_result site_receipt(struct site *s, int64_t seq, const struct gf_id *record,
                                 const char *body, enum gf_state state, const char *reason) {
    struct apply_result r;
    struct reply reply;
    struct gf_err e;

    reply_begin(&reply, seq);
    reply_receipt(&reply, record, body, state, reason);
    check(reply_apply(&reply, s, &r, &e), &e);
    return r;
}

void site_save(int fd, const char *path) {
    char buf[65536];
    ssize_t n;
    int64_t at = 0;

    int out = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
    assert_int_not_equal(out, -1);
    while ((n = gf_file_read_at(fd, buf, sizeof buf, at)) > 0) {
        assert_int_equal(gf_file_write(out, buf, (size_t)n), 0);
        at += n;
    }
    assert_int_equal(n, 0);
    (void)close(out);
}
