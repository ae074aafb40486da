/*
 * page.h -- the courier's page: for machines that have a browser and nothing of ours. It runs in
 * the listener (relay/listener/listener.h), which knows no facts and believes no browser; who is
 * logged in, and what may be seen and done, is the worker's to say.
 *
 *   GET  /                     what the courier brought, and what he may take back
 *   GET, POST /login           by a token; POST /logout
 *   POST /upload               multipart/form-data: csrf, and any number of bundles and cards
 *   GET  /bundle/ROW           what it contains; then where its records are
 *   POST /bundle/ROW/confirm, /bundle/ROW/discard
 *   GET  /response/ID.gfb, /relay.card
 *
 * No script, nothing from elsewhere, no style but /style.css; every reply says so to the browser
 * (Content-Security-Policy). Each form carries a token that is made from the session (CSRF), the
 * session's cookie is HttpOnly and SameSite=Strict, Host must be an address or a name of ours, and
 * Origin, where there is one, must be ours. A bundle is judged by its first bytes as it is for
 * POST /v1/bundles, before there is a file for it; a card is judged whole.
 */
#ifndef RELAY_PAGE_H
#define RELAY_PAGE_H

#include "common/config.h"
#include "relay/listener/listener.h"

/* The keys of [page], for relay_keys. clang-format off keeps one line each. */
/* clang-format off */
#define PAGE_KEYS                                                                                  \
    {"page", 0, "enabled", "no", "whether `run` shows couriers a page, for machines that have "    \
                                 "only a browser"},                                                \
    {"page", 0, "address", "127.0.0.1", "where: an IP address of this machine, or unix:/PATH"},    \
    {"page", 0, "port", "8444", "its port"},                                                       \
    {"page", 0, "cert_file", NULL, "its certificate with the chain (PEM); without one only "       \
                                   "127.0.0.1, ::1 and unix:/PATH are allowed"},                   \
    {"page", 0, "key_file", NULL, "the key of the certificate (PEM)"},                             \
    {"page", 0, "names", NULL, "names by which browsers call this machine, beside localhost and "  \
                               "its addresses"}
/* clang-format on */

/* Connections at the same time, and of these from one address. */
#define PAGE_CONNECTIONS 32
#define PAGE_PER_ADDRESS 16

/* Bytes of the largest form: as many files as there may be, of the size that [listen] takes. */
int64_t page_body_max(const struct listener_config *config);

/* One request. */
void page_begin(struct listener_call *c);
size_t page_body(struct listener_call *c, const void *data, size_t len);
void page_end(struct listener_call *c);
void page_gone(struct listener_call *c);

/* ---- within ---- */

#define PAGE_FORM_MAX  4096 /* bytes of a form without files */
#define PAGE_FILES_MAX 64   /* files in one form */
#define PAGE_CSRF      65

struct page_upload; /* page_upload.c */

struct page {
    struct gf_hash session; /* as the cookie says; all zero: none */
    char csrf[PAGE_CSRF];   /* what a form of this session carries */
    char form[PAGE_FORM_MAX];
    size_t form_len;
    int64_t row;            /* of the bundle that it is about */
    enum wire_kind decided; /* what was asked for it */
    struct page_upload *upload;
};

/* A whole page; b is freed. */
void page_reply(struct listener_call *c, unsigned status, struct gf_buf *b);
/* A page that says what went wrong; text is ours or safe. */
void page_fail(struct listener_call *c, unsigned status, enum gf_code code, const char *text);
/* Go there with GET. */
void page_see(struct listener_call *c, const char *path);
/* 1 if the worker said no: it is answered. */
int page_refused(struct listener_call *c, const struct wire_say *s, const char *data);

/* Any reply of the page's; extra: two more fields at most, ending with one without a name. */
void page_send(struct listener_call *c, unsigned status, const char *type,
               const struct httpd_field *extra, const void *body, size_t len);

/* page_login.c */
void page_read_session(struct listener_call *c);
int page_has_session(const struct page *p);
/* 1 if the form was made for this session. */
int page_is_form_ours(const struct listener_call *c);
/* The form, with a session of nobody, so that the form itself can carry its proof. */
void page_login_form(struct listener_call *c, unsigned status, const char *error);
void page_login(struct listener_call *c);

/* page_upload.c */
void page_upload_begin(struct listener_call *c);
size_t page_upload_body(struct listener_call *c, const char *data, size_t len);
void page_upload_end(struct listener_call *c);
void page_upload_gone(struct listener_call *c);

#endif
