/*
 * page.c -- the courier's page: its requests, but for uploads.
 */
#include "relay/page/page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/digest.h"
#include "relay/listener/listener_guard.h"
#include "relay/page/form.h"
#include "relay/page/html.h"
#include "relay/page/view.h"

#define HTML_MAX ((size_t)8 << 20)
#define TYPE     "text/html; charset=utf-8"

#define CSP                                                                                        \
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "  \
    "frame-ancestors 'none'"

/* ---- replies ---- */

/* What every page says of itself, and perhaps a cookie or another place. */
void page_send(struct listener_call *c, unsigned status, const char *type,
               const struct httpd_field *extra, const void *body, size_t len) {
    struct httpd_field fields[] = {{"Content-Security-Policy", CSP},
                                   {"Referrer-Policy", "no-referrer"},
                                   {"X-Frame-Options", "DENY"},
                                   {"Cross-Origin-Resource-Policy", "same-origin"},
                                   {NULL, NULL},
                                   {NULL, NULL},
                                   {NULL, NULL}};
    const struct httpd_reply a = {.status = status, .type = type, .fields = fields};

    for (size_t i = 0; extra != NULL && extra[i].name != NULL && i < 2; i++)
        fields[4 + i] = extra[i];
    httpd_reply(c->r, &a, body, len);
}

void page_reply(struct listener_call *c, unsigned status, struct gf_buf *b) {
    if (b->failed == 0)
        page_send(c, status, TYPE, NULL, b->data, b->len);
    gf_buf_free(b);
}

void page_fail(struct listener_call *c, unsigned status, enum gf_code code, const char *text) {
    static const struct html_page page = {.title = "That did not work"};
    struct gf_buf b;

    c->l->refused[code].n++;
    gf_buf_init(&b, HTML_MAX);
    html_begin(&b, &page);
    gf_buf_text(&b, "<div class=\"note bad\" role=\"alert\"><p>");
    html_text(&b, text);
    gf_buf_text(&b, "</p></div>\n<p><a href=\"/\">Back to the start</a></p>\n");
    html_end(&b);
    page_reply(c, status, &b);
}

void page_see(struct listener_call *c, const char *path) {
    const struct httpd_field extra[] = {{"Location", path}, {NULL, NULL}};

    page_send(c, 303, TYPE, extra, "", 0);
}

int page_refused(struct listener_call *c, const struct wire_say *s, const char *data) {
    enum gf_code code = s->code < GF_CODE_COUNT ? (enum gf_code)s->code : GF_E_BUG;

    if (s->answer == WIRE_NO && code == GF_E_USER)
        page_see(c, "/login");
    else if (s->answer == WIRE_NO)
        page_fail(c, 404, code, data);
    else if (s->answer == WIRE_REFUSED || s->answer == WIRE_MANY)
        page_fail(c, 409, code, data);
    else if (s->answer == WIRE_LATER)
        page_fail(c, 503, code, data);
    else
        return 0;
    return 1;
}

static void on_logout(struct listener_call *c, const struct wire_say *s, const char *data, int fd) {
    (void)s;
    (void)data;
    (void)fd;
    page_see(c, "/login");
}

/* ---- facts ---- */

static void on_facts(struct listener_call *c, const struct wire_say *s, const char *data, int fd) {
    struct gf_buf text, b;
    struct gf_err why;

    if (page_refused(c, s, data))
        return;
    gf_buf_init(&text, HTML_MAX);
    gf_buf_init(&b, HTML_MAX);
    int rc = listener_watch_read(fd, s->size, &text);
    if (rc == 0)
        rc = c->page->row == 0 ? view_home(&b, text.data, text.len, c->page->csrf, &why)
                               : view_bundle(&b, text.data, text.len, c->page->csrf, &why);
    gf_buf_free(&text);
    if (rc == 0) {
        page_reply(c, 200, &b);
        return;
    }
    gf_buf_free(&b);
    page_fail(c, 503, GF_E_BUG, "The relay's facts cannot be shown; its log may say why.");
}

static void ask_facts(struct listener_call *c) {
    struct wire_ask a = {.kind = WIRE_FACTS,
                         .what = httpd_query(c->r, VIEW_AGAIN) != NULL ? WIRE_BY_ITSELF : 0,
                         .nonce = c->page->session,
                         .row = c->page->row};

    if (page_has_session(c->page))
        listener_ask(c, &a, on_facts);
    else
        page_see(c, "/login");
}

static void on_decided(struct listener_call *c, const struct wire_say *s, const char *data,
                       int fd) {
    char path[64];
    (void)fd;

    if (page_refused(c, s, data))
        return;
    (void)snprintf(path, sizeof path, "/bundle/%" PRId64, c->page->row);
    page_see(c, c->page->decided == WIRE_CONFIRM ? path : "/");
}

static void decide(struct listener_call *c, enum wire_kind kind) {
    struct wire_ask a = {.kind = kind, .nonce = c->page->session, .row = c->page->row};

    c->page->decided = kind;
    listener_ask(c, &a, on_decided);
}

/* ---- downloads ---- */

static void on_file(struct listener_call *c, const struct wire_say *s, const char *data, int fd) {
    char name[GF_ID_TEXT + 64];
    const struct httpd_field fields[] = {{"Content-Disposition", name},
                                         {"Content-Security-Policy", CSP "; sandbox"},
                                         {"Referrer-Policy", "no-referrer"},
                                         {NULL, NULL}};
    const struct httpd_reply ok = {
        .status = 200, .type = "application/vnd.gapferry.bundle", .fields = fields};

    if (s->answer == WIRE_NO && s->code == GF_OK) {
        page_fail(c, 404, GF_E_NOINPUT,
                  "There is no such response, or the site has acknowledged it already.");
        return;
    }
    if (page_refused(c, s, data))
        return;
    (void)snprintf(name, sizeof name, "attachment; filename=\"%.36s\"",
                   httpd_path(c->r) + sizeof "/response/" - 1);
    if (fd != -1)
        httpd_reply_file(c->r, &ok, fd, s->size);
}

/* ID.gfb, and nothing else, so that the name is safe wherever it is saved. */
static void ask_file(struct listener_call *c, const char *name) {
    struct wire_ask a = {.kind = WIRE_TAKE, .nonce = c->page->session};

    if (strlen(name) != 36 || strcmp(name + 32, ".gfb") != 0 ||
        gf_text_unhex(name, 32, a.id.b, sizeof a.id.b) == -1)
        page_fail(c, 404, GF_E_NOINPUT, "There is nothing at this address.");
    else if (page_has_session(c->page))
        listener_ask(c, &a, on_file);
    else
        page_see(c, "/login");
}

static void on_own_card(struct listener_call *c, const struct wire_say *s, const char *data,
                        int fd) {
    const struct httpd_field extra[] = {
        {"Content-Disposition", "attachment; filename=\"relay.card\""}, {NULL, NULL}};
    (void)fd;

    if (!page_refused(c, s, data))
        page_send(c, 200, "application/vnd.gapferry.card+json", extra, data, s->len);
}

/* ---- routes ---- */

/* /bundle/ROW and what follows it; NULL: it is none. */
static const char *read_row(const char *path, int64_t *row) {
    static const char before[] = "/bundle/";

    if (strncmp(path, before, sizeof before - 1) != 0)
        return NULL;
    const char *at = path + sizeof before - 1;
    size_t n = strspn(at, "0123456789");
    if (n == 0 || n > 15 || at[0] == '0')
        return NULL;
    *row = strtoll(at, NULL, 10);
    return at + n;
}

static void answer_post(struct listener_call *c, const char *path) {
    struct wire_ask out = {.kind = WIRE_LOGOUT, .nonce = c->page->session};

    if (strcmp(path, "/login") == 0) {
        page_login(c);
        return;
    }
    const char *rest = read_row(path, &c->page->row);
    if (!page_is_form_ours(c))
        page_fail(c, 403, GF_E_USER,
                  "This form was not made for this session. Go back to the start, and try again.");
    else if (strcmp(path, "/logout") == 0)
        listener_ask(c, &out, on_logout);
    else if (rest != NULL && strcmp(rest, "/confirm") == 0)
        decide(c, WIRE_CONFIRM);
    else if (rest != NULL && strcmp(rest, "/discard") == 0)
        decide(c, WIRE_DISCARD);
    else
        page_fail(c, 404, GF_E_NOINPUT, "There is nothing at this address.");
}

static void answer_get(struct listener_call *c, const char *path) {
    struct wire_ask card = {.kind = WIRE_OWN_CARD, .nonce = c->page->session};
    static const char response[] = "/response/";

    const char *rest = read_row(path, &c->page->row);
    if (strcmp(path, "/style.css") == 0)
        page_send(c, 200, "text/css; charset=utf-8", NULL, html_style, strlen(html_style));
    else if (strcmp(path, "/login") == 0)
        page_login_form(c, 200, NULL);
    else if (strcmp(path, "/") == 0 || (rest != NULL && *rest == '\0'))
        ask_facts(c);
    else if (strcmp(path, "/relay.card") == 0)
        listener_ask(c, &card, on_own_card);
    else if (strncmp(path, response, sizeof response - 1) == 0)
        ask_file(c, path + sizeof response - 1);
    else
        page_fail(c, 404, GF_E_NOINPUT, "There is nothing at this address.");
}

static int is_post(const struct listener_call *c) {
    return strcmp(httpd_method(c->r), "POST") == 0;
}

static int is_upload(const struct listener_call *c) {
    return is_post(c) && strcmp(httpd_path(c->r), "/upload") == 0;
}

int64_t page_body_max(const struct listener_config *config) {
    return PAGE_FILES_MAX * (config->body_max + FORM_LINE * 16) + PAGE_FORM_MAX;
}

void page_begin(struct listener_call *c) {
    const char *host = httpd_header(c->r, "Host");

    c->page = calloc(1, sizeof *c->page);
    if (c->page == NULL)
        return;
    page_read_session(c);
    if (!listener_guard_host(host, c->l->config.names))
        page_fail(c, 421, GF_E_USER,
                  "This relay does not know itself by this name: it stands under names in [page] "
                  "of relay.conf, or it is not meant.");
    else if (is_post(c) && !listener_guard_form(httpd_header(c->r, "Origin"),
                                                httpd_header(c->r, "Sec-Fetch-Site"), host,
                                                c->l->page_config.cert_file != NULL))
        page_fail(c, 403, GF_E_USER, "This form was sent by a page of another site.");
    else if (is_upload(c))
        page_upload_begin(c);
    else if (httpd_body_size(c->r) > PAGE_FORM_MAX)
        page_fail(c, 413, GF_E_LIMIT, "That form is too large.");
}

size_t page_body(struct listener_call *c, const void *data, size_t len) {
    struct page *p = c->page;

    if (p == NULL)
        return len;
    if (is_upload(c))
        return page_upload_body(c, data, len);
    if (len > sizeof p->form - p->form_len)
        return len; /* which its head did not say */
    memcpy(p->form + p->form_len, data, len);
    p->form_len += len;
    return len;
}

void page_end(struct listener_call *c) {
    if (c->page == NULL)
        return;
    if (is_upload(c))
        page_upload_end(c);
    else if (is_post(c))
        answer_post(c, httpd_path(c->r));
    else
        answer_get(c, httpd_path(c->r));
}

void page_gone(struct listener_call *c) {
    if (c->page == NULL)
        return;
    page_upload_gone(c);
    free(c->page);
    c->page = NULL;
}
