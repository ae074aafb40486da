/*
 * listener_post.c -- POST /v1/bundles: who sends, is it whole and signed, and may it come in.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gapferry/bundle.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "gapferry/json.h"
#include "relay/listener/listener.h"

#define TYPE "application/vnd.gapferry.bundle"

/* ---- refusals ---- */

static unsigned status_of(enum gf_code code) {
    if (code == GF_E_SENDER)
        return 403;
    if (code == GF_E_NOT_FOR_US)
        return 421;
    if (code == GF_E_LIMIT)
        return 413;
    return code == GF_E_SYSTEM || code == GF_E_CREATE || code == GF_E_BUSY || code == GF_E_BUG
               ? 503
               : 400;
}

void listener_post_refuse(struct listener_call *c, const struct gf_err *why) {
    unsigned status = status_of(why->code);

    listener_fail(c, status, why->code, why->text, status == 503 ? 30 : 0);
}

int listener_post_refused(struct listener_call *c, const struct wire_say *s, const char *text) {
    enum gf_code code = s->code < GF_CODE_COUNT ? (enum gf_code)s->code : GF_E_BUG;
    unsigned seconds = s->size > 0 && s->size <= 3600 ? (unsigned)s->size : 30;

    if (s->answer == WIRE_REFUSED)
        listener_fail(c, status_of(code), code, text, 0);
    else if (s->answer == WIRE_LATER)
        listener_fail(c, 503, code, text, seconds);
    else if (s->answer == WIRE_MANY)
        listener_fail(c, 429, code, text, seconds);
    else
        return 0;
    return 1;
}

/* ---- the result ---- */

static void put_response(struct gf_buf *b, const char *data, size_t i) {
    struct wire_response w;
    char id[GF_ID_TEXT];

    memcpy(&w, data + i * sizeof w, sizeof w);
    gf_text_hex(w.id.b, sizeof w.id.b, id);
    gf_buf_printf(b, "%s{\"id\":\"%s\",\"size\":%lld}", i > 0 ? "," : "", id, (long long)w.size);
}

static void tell_result(struct listener_call *c, const struct wire_say *s, const char *data) {
    const struct httpd_reply ok = {.status = 200, .type = "application/json"};
    char id[GF_ID_TEXT];
    struct gf_buf b;

    gf_text_hex(c->id.b, sizeof c->id.b, id);
    gf_buf_init(&b, (size_t)1 << 20);
    gf_buf_printf(&b, "{\"bundle\":\"%s\",\"state\":\"%s\",\"responses\":[", id,
                  s->answer == WIRE_SEEN ? "seen" : "taken");
    for (size_t i = 0; i < s->len / sizeof(struct wire_response); i++)
        put_response(&b, data, i);
    gf_buf_text(&b, "]}\n");
    if (b.failed == 0)
        httpd_reply(c->r, &ok, b.data, b.len);
    gf_buf_free(&b);
}

static void on_done(struct listener_call *c, const struct wire_say *s, const char *data, int fd) {
    (void)fd;
    c->upload = 0;
    if (listener_post_refused(c, s, data))
        return;
    if (s->answer == WIRE_TAKEN || s->answer == WIRE_SEEN)
        tell_result(c, s, data);
}

/* ---- the head ---- */

static int write_all(struct listener_call *c, const void *data, size_t len) {
    struct gf_err why;

    if (gf_file_write(c->fd, data, len) == 0)
        return 0;
    (void)gf_err_errno(&why, "the relay cannot keep it");
    why.code = GF_E_CREATE;
    listener_post_refuse(c, &why);
    return -1;
}

static void on_admitted(struct listener_call *c, const struct wire_say *s, const char *data,
                        int fd) {
    if (s->answer != WIRE_NEW || fd == -1) {
        on_done(c, s, data, fd);
        return;
    }
    c->fd = fd;
    (void)write_all(c, c->head, c->head_len);
    free(c->head);
    c->head = NULL;
}

static void on_card(struct listener_call *c, const struct wire_say *s, const char *data, int fd) {
    struct wire_ask a = {.kind = WIRE_ADMIT, .size = httpd_body_size(c->r)};
    const struct listener_head part = {c->head, c->head_len, httpd_body_size(c->r)};
    struct gf_card card;
    struct gf_head head;
    struct gf_err why;
    (void)fd;

    if (s->answer != WIRE_YES) {
        if (!listener_post_refused(c, s, data))
            listener_fail(c, 403, GF_E_SENDER,
                          "its sender is not enrolled here; have the relay's operator compare the "
                          "fingerprint that gapferry-agent card shows, and approve it",
                          0);
        return;
    }
    if (gf_card_parse(data, s->len, "the sender's card", &card, &why) == -1 ||
        listener_head_verify(&part, &c->l->us, &card, &head, &why) == -1) {
        listener_post_refuse(c, &why);
        return;
    }
    c->digest = head.digest;
    c->id = head.header.id;
    a.identity = c->from;
    a.digest = c->digest;
    a.no_records = (uint32_t)head.header.no_records;
    gf_head_free(&head);
    listener_ask(c, &a, on_admitted);
    c->upload = c->tag;
}

/* Where it goes and from whom, by the fields of fixed form; nothing is parsed. */
static void look_at_head(struct listener_call *c) {
    const struct listener_head part = {c->head, c->head_len, httpd_body_size(c->r)};
    struct wire_ask a = {.kind = WIRE_CARD};
    struct gf_route route;
    struct gf_err why;
    if (listener_head_route(&part, &c->l->us, &route, &why) == -1) {
        listener_post_refuse(c, &why);
        return;
    }
    c->from = route.from;
    a.identity = route.from;
    listener_ask(c, &a, on_card);
}

/* ---- the request ---- */

void listener_post_begin(struct listener_call *c) {
    const char *type = httpd_header(c->r, "Content-Type");
    int64_t size = httpd_body_size(c->r);

    if (type == NULL || strcmp(type, TYPE) != 0) {
        listener_fail(c, 415, GF_E_USAGE, "a bundle is sent as Content-Type: " TYPE, 0);
        return;
    }
    if (size > c->l->config.body_max) {
        listener_fail(c, 413, GF_E_LIMIT, "it is larger than this relay takes", 0);
        return;
    }
    if (size == 0) {
        listener_fail(c, 400, GF_E_SHELL, "there is no bundle", 0);
        return;
    }
    c->head_want = size < GF_HEAD_MAX ? (size_t)size : GF_HEAD_MAX;
    c->head = malloc(c->head_want);
    if (c->head == NULL)
        listener_fail(c, 503, GF_E_SYSTEM, "no memory", 30);
}

size_t listener_post_body(struct listener_call *c, const void *data, size_t len) {
    if (c->head != NULL && c->head_len < c->head_want) {
        size_t n = c->head_want - c->head_len < len ? c->head_want - c->head_len : len;
        memcpy(c->head + c->head_len, data, n);
        c->head_len += n;
        if (c->head_len == c->head_want)
            look_at_head(c);
        return n;
    }
    if (c->fd != -1)
        (void)write_all(c, data, len);
    return len;
}

void listener_post_end(struct listener_call *c) {
    struct wire_ask a = {.kind = WIRE_DONE};

    if (c->fd == -1)
        return;
    /* The worker takes no file that somebody could still write to. */
    (void)close(c->fd);
    c->fd = -1;
    a.tag = c->upload;
    listener_ask(c, &a, on_done);
}

void listener_post_gone(struct listener_call *c) {
    free(c->head);
    c->head = NULL;
    if (c->fd != -1)
        (void)close(c->fd);
    if (c->upload != 0) {
        const struct wire_ask a = {.kind = WIRE_DROP, .tag = c->upload};
        if (wire_ask_send(LISTENER_FD_WORKER, &a, NULL) == -1)
            return; /* the loop finds out */
    }
}
