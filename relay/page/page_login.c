/*
 * page_login.c -- who is logged in to the courier's page: cookie, form, token.
 */
#include <stdio.h>
#include <string.h>

#include "common/mono.h"
#include "gapferry/digest.h"
#include "relay/page/form.h"
#include "relay/page/html.h"
#include "relay/page/page.h"

#define HTML_MAX ((size_t)65536)
#define TYPE     "text/html; charset=utf-8"

/* Wrong tokens from one address within a minute. */
#define WRONG_MAX 5
#define WRONG_MS  60000

/* ---- the session ---- */

static const char *cookie_name(const struct listener_call *c) {
    return c->l->page_config.cert_file != NULL ? "__Host-gapferry" : "gapferry-page";
}

/* What a form of this session has to carry: whoever does not know the cookie cannot make it. */
static void make_csrf(const struct gf_hash *session, char out[PAGE_CSRF]) {
    static const char what[] = "gapferry page form";
    struct gf_hash mac;

    gf_digest_keyed_256(session->b, sizeof session->b, what, sizeof what - 1, &mac);
    gf_text_hex(mac.b, sizeof mac.b, out);
}

void page_read_session(struct listener_call *c) {
    struct gf_hash is;

    if (form_cookie(httpd_header(c->r, "Cookie"), cookie_name(c), is.b) == 0)
        c->page->session = is;
    make_csrf(&c->page->session, c->page->csrf);
}

int page_has_session(const struct page *p) {
    static const struct gf_hash none;

    return memcmp(&p->session, &none, sizeof none) != 0;
}

static void cookie_text(const struct listener_call *c, const struct gf_hash *session,
                        char out[256]) {
    char hex[GF_HASH_TEXT];

    gf_text_hex(session->b, sizeof session->b, hex);
    (void)snprintf(out, 256, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s", cookie_name(c), hex,
                   c->l->page_config.cert_file != NULL ? "; Secure" : "");
}

/* 1 if the form was made for this session. */
int page_is_form_ours(const struct listener_call *c) {
    char csrf[PAGE_CSRF];

    return page_has_session(c->page) &&
           form_field(c->page->form, c->page->form_len, "csrf", csrf, sizeof csrf) == 0 &&
           strlen(csrf) == PAGE_CSRF - 1 && gf_digest_equal(csrf, c->page->csrf, PAGE_CSRF - 1);
}

/* ---- logging in ---- */

/* The form, with a session of nobody, so that the form itself can carry its proof. */
void page_login_form(struct listener_call *c, unsigned status, const char *error) {
    static const struct html_page page = {.title = "Log in"};
    char cookie[256];
    const struct httpd_field extra[] = {{"Set-Cookie", cookie}, {NULL, NULL}};
    struct gf_buf b;

    gf_digest_random(&c->page->session, sizeof c->page->session);
    make_csrf(&c->page->session, c->page->csrf);
    cookie_text(c, &c->page->session, cookie);
    gf_buf_init(&b, HTML_MAX);
    html_begin(&b, &page);
    if (error != NULL) {
        gf_buf_text(&b, "<div class=\"note bad\" role=\"alert\" id=\"error\"><p>");
        html_text(&b, error);
        gf_buf_text(&b, "</p></div>\n");
    }
    gf_buf_text(&b, "<section>\n");
    html_form(&b, "/login", c->page->csrf);
    gf_buf_printf(&b,
                  "<label for=\"token\">Your token</label>\n"
                  "<p class=\"hint\" id=\"which\">32 digits and letters from a to f; dashes and "
                  "spaces do not matter. The operator of this relay makes it: <code>gapferry-relay "
                  "couriers add NAME</code></p>\n"
                  "<input type=\"password\" id=\"token\" name=\"token\" required autofocus "
                  "autocomplete=\"current-password\" aria-describedby=\"which%s\">"
                  "<button>Log in</button></form></section>\n",
                  error != NULL ? " error" : "");
    html_end(&b);
    if (b.failed == 0)
        page_send(c, status, TYPE, extra, b.data, b.len);
    gf_buf_free(&b);
}

/* The place of this address, or the oldest one's, which it gets. */
static struct listener_wrong *find_wrong(struct listener_call *c) {
    struct listener *l = c->l;
    char address[LISTENER_ADDRESS];
    size_t oldest = 0;

    httpd_address(c->r, address, sizeof address);
    for (size_t i = 0; i < LISTENER_WRONG; i++) {
        if (strcmp(l->wrong[i].address, address) == 0)
            return &l->wrong[i];
        if (l->wrong[i].since < l->wrong[oldest].since)
            oldest = i;
    }
    l->wrong[oldest] = (struct listener_wrong){.since = mono_ms()};
    memcpy(l->wrong[oldest].address, address, sizeof address);
    return &l->wrong[oldest];
}

/* 1 if this address has tried too often. */
static int is_guessing(struct listener_call *c) {
    struct listener_wrong *w = find_wrong(c);

    if (mono_ms() - w->since > WRONG_MS) {
        w->since = mono_ms();
        w->n = 0;
    }
    return w->n >= WRONG_MAX;
}

static void on_login(struct listener_call *c, const struct wire_say *s, const char *data, int fd) {
    char cookie[256];
    const struct httpd_field extra[] = {{"Location", "/"}, {"Set-Cookie", cookie}, {NULL, NULL}};
    struct gf_hash session;
    (void)fd;

    if (s->answer == WIRE_YES && s->len == sizeof session) {
        memcpy(&session, data, sizeof session);
        find_wrong(c)->n = 0;
        cookie_text(c, &session, cookie);
        page_send(c, 303, TYPE, extra, "", 0);
        return;
    }
    if (s->answer != WIRE_NO) {
        (void)page_refused(c, s, data);
        return;
    }
    find_wrong(c)->n++;
    c->l->refused[GF_E_USER].n++;
    page_login_form(c, 403,
                    s->size == 0
                        ? "No courier has a token yet. On the relay: gapferry-relay couriers "
                          "add NAME"
                        : "This token is not known here. Was it copied whole?");
}

/* The token as it was made: 32 hex digits; whatever stands between them does not matter. */
static int read_token(const struct listener_call *c, struct gf_hash *hash) {
    char typed[256], token[33];
    size_t n = 0;

    if (form_field(c->page->form, c->page->form_len, "token", typed, sizeof typed) == -1)
        return -1;
    for (const char *p = typed; *p != '\0'; p++) {
        char d = *p >= 'A' && *p <= 'F' ? (char)(*p - 'A' + 'a') : *p;
        if (d == '-' || d == ' ')
            continue;
        if (n == 32 || !((d >= '0' && d <= '9') || (d >= 'a' && d <= 'f')))
            return -1;
        token[n++] = d;
    }
    gf_digest_256(token, n, hash);
    gf_digest_wipe(typed, sizeof typed);
    gf_digest_wipe(token, sizeof token);
    return n == 32 ? 0 : -1;
}

void page_login(struct listener_call *c) {
    struct wire_ask a = {.kind = WIRE_LOGIN};

    if (!page_is_form_ours(c)) {
        page_login_form(c, 403,
                        "This form was too old, or your browser keeps no cookies of this page. Try "
                        "again.");
    } else if (is_guessing(c)) {
        page_login_form(c, 429, "Too many wrong tokens from where you are. Wait for a minute.");
    } else if (read_token(c, &a.nonce) == -1) {
        find_wrong(c)->n++;
        c->l->refused[GF_E_USER].n++;
        page_login_form(c, 403, "That is no token: it has 32 digits and letters from a to f.");
    } else {
        listener_ask(c, &a, on_login);
    }
    gf_digest_wipe(c->page->form, sizeof c->page->form);
}
