/*
 * listener.h -- the process that strangers speak to by HTTP. It has neither keys nor ledger, opens
 * no file and connects nowhere (common/sandbox.h); what needs more it asks of the worker
 * (relay/listener/wire.h).
 *
 *   GET  /v1/hello?nonce=64HEX   a hello for this nonce
 *   POST /v1/bundles             a bundle; the reply lists the responses that wait for its sender
 *   POST /v1/cards               an agent's card that proves itself by a token or a vendor
 *   GET  /v1/responses/ID        a response
 *   GET  /healthz  /readyz       is it alive; can it take bundles
 *   GET  /metrics                numbers, for those who may read them
 *
 * Of a bundle the first GF_HEAD_MAX bytes are kept in memory until shell, addressee, sender and
 * signature are checked; only then is there a file to write to, which the worker has made.
 */
#ifndef RELAY_LISTENER_H
#define RELAY_LISTENER_H

#include "common/httpd.h"
#include "common/own_keys.h"
#include "gapferry/bundle.h"
#include "relay/listener/wire.h"

/* The keys of [listen], for relay_keys. clang-format off keeps one line each. */
/* clang-format off */
#define LISTENER_KEYS                                                                              \
    {"listen", 0, "address", NULL, "where `run` listens: an IP address of this machine, or "       \
                                   "unix:/PATH; without it nowhere"},                              \
    {"listen", 0, "port", "8443", "its port"},                                                     \
    {"listen", 0, "cert_file", NULL, "its certificate with the chain (PEM); without one only "     \
                                     "127.0.0.1, ::1 and unix:/PATH are allowed"},                 \
    {"listen", 0, "key_file", NULL, "the key of the certificate (PEM)"},                           \
    {"listen", 0, "max_mib", "2047", "the largest bundle that is taken, in MiB"},                  \
    {"listen", 0, "connections", "64", "connections at the same time"},                            \
    {"listen", 0, "per_address", "8", "of these from one address; 0: as many as there are"},       \
    {"listen", 0, "patience", "15s", "how long a caller may take for a request's head, or say "    \
                                     "nothing"},                                                   \
    {"listen", 0, "metrics_token_file", NULL, "who has the token in this file may read /metrics; " \
                                              "without one only callers on this machine"}
/* clang-format on */

#define LISTENER_TOKEN_MAX 256 /* bytes, with the NUL */

/* What [listen] says; texts are borrowed from the configuration. */
struct listener_config {
    const char *address; /* NULL: listen nowhere */
    int64_t port;
    const char *cert_file, *key_file;
    int64_t body_max; /* bytes */
    int64_t connections, per_address, patience;
    char metrics_token[LISTENER_TOKEN_MAX]; /* "": none */
    const char *names; /* by which browsers call this machine; NULL: by its address */
    const char *relay; /* of the page: what people call this relay; NULL: nothing */
};
struct config;
/* GF_E_CONFIG: a value is wrong, or plain HTTP would leave this machine, or a file is missing. */
GF_MUST_CHECK int listener_configure(const struct config *c, struct listener_config *out,
                                     struct gf_err *e);

/* What [page] says; address NULL: there is no page (relay/page/page.h). */
GF_MUST_CHECK int listener_configure_page(const struct config *c, struct listener_config *out,
                                          struct gf_err *e);

/* Descriptors that the process inherits; /dev/null where it does not listen. */
#define LISTENER_FD_WORKER 3
#define LISTENER_FD_LISTEN 4
#define LISTENER_FD_PAGE   5

/* The process: until the worker is gone or SIGTERM came. The exit status. */
int listener_main(const char *root);

/* ---- within ---- */

struct listener_count {
    uint64_t n, told;
};

/* A socket that strangers come to. */
struct listener_door {
    struct listener *l;
    struct httpd *httpd; /* NULL: there is none */
    int is_page;
};

/* Wrong tokens from one address (relay/page/page.c). */
#define LISTENER_ADDRESS 64
#define LISTENER_WRONG   64
struct listener_wrong {
    char address[LISTENER_ADDRESS];
    int64_t since; /* ms */
    int n;
};

/* The relay's identities: what a bundle may be addressed to. */
struct listener_us {
    struct gf_hash list[OWN_KEYS_MAX];
    size_t n;
};

struct listener {
    struct listener_door api, page;
    struct listener_config config, page_config;
    struct listener_wrong wrong[LISTENER_WRONG];
    struct listener_us us;
    uint64_t tag; /* the last one given out */
    struct listener_call *calls;
    struct listener_count refused[GF_CODE_COUNT]; /* by code: a line now and then tells them */
    int64_t told;                                 /* ms: when */
};

/* One request under way. */
struct listener_call {
    struct listener_call *next, **at;
    struct listener *l;
    struct httpd_request *r;
    struct page *page; /* of the page's; NULL: of no page */
    int is_page;
    uint64_t tag;     /* of the question that is open; 0: none */
    int64_t asked;    /* ms */
    int short_answer; /* 1: the worker has it at hand */
    void (*answer)(struct listener_call *c, const struct wire_say *s, const char *data, int fd);
    /* of a bundle: */
    char *head;
    size_t head_len, head_want;
    struct gf_hash from, digest;
    struct gf_id id;
    uint64_t upload; /* tag of its WIRE_ADMIT; 0: there is no file */
    int fd;          /* the file; -1: none */
};

/* Ask, and hold the request until the answer is there. */
void listener_ask(struct listener_call *c, struct wire_ask *a,
                  void (*answer)(struct listener_call *, const struct wire_say *, const char *,
                                 int));
/* The same with a->len bytes. */
void listener_ask_with(struct listener_call *c, struct wire_ask *a, const void *data,
                       void (*answer)(struct listener_call *, const struct wire_say *, const char *,
                                      int));
/* The reply for an error, and its place in the counts. */
void listener_fail(struct listener_call *c, unsigned status, enum gf_code code, const char *text,
                   unsigned retry_after_s);

/* The first bytes of a bundle, at most GF_HEAD_MAX of them, and how long all of it is to be. */
struct listener_head {
    const char *bytes;
    size_t len;
    int64_t size;
};
/* Where it goes and from whom, by the fields of fixed form; nothing is parsed. GF_E_NOT_FOR_US, and
 * what gf_bundle_route() says. */
GF_MUST_CHECK int listener_head_route(const struct listener_head *p, const struct listener_us *us,
                                      struct gf_route *out, struct gf_err *why);
/* Shell, signature and header, with the one card that can have signed it. */
GF_MUST_CHECK int listener_head_verify(const struct listener_head *p, const struct listener_us *us,
                                       const struct gf_card *card, struct gf_head *out,
                                       struct gf_err *why);

/* For those who watch (listener_watch.c). */
void listener_watch_text(struct listener_call *c, unsigned status, const char *text);
void listener_watch_ready(struct listener_call *c);
void listener_watch_metrics(struct listener_call *c);
/* Append the bytes of a descriptor, which is closed in any case; -1: that does not work. */
GF_MUST_CHECK int listener_watch_read(int fd, int64_t size, struct gf_buf *out);

/* POST /v1/bundles (listener_post.c). */
void listener_post_begin(struct listener_call *c);
size_t listener_post_body(struct listener_call *c, const void *data, size_t len);
void listener_post_end(struct listener_call *c);
void listener_post_gone(struct listener_call *c);
/* What the worker says instead of a result, as a reply; 1 if it was that. */
int listener_post_refused(struct listener_call *c, const struct wire_say *s, const char *text);
/* The reply for something that is wrong with what was sent. */
void listener_post_refuse(struct listener_call *c, const struct gf_err *why);

/* POST /v1/cards (listener_card.c); the card is in `head`. */
void listener_card_begin(struct listener_call *c);
size_t listener_card_body(struct listener_call *c, const void *data, size_t len);
void listener_card_end(struct listener_call *c);

#endif
