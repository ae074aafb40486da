/*
 * listener.c -- the process that strangers speak to: its loop, and all requests but POST.
 */
#include "relay/listener/listener.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "common/config.h"
#include "common/log.h"
#include "common/mono.h"
#include "common/sandbox.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "gapferry/json.h"
#include "relay/page/page.h"
#include "relay/relay.h"

/* Bytes of memory for all of it. */
#define MEMORY ((size_t)512 << 20)

/* A caller's slowest way to us that is still of use. */
#define RATE_MIN 1024

/* How often refusals are told; how long requests may go on after SIGTERM. */
#define TELL_MS  60000
#define GRACE_MS 8000

/* How long the worker may take for an answer that it has at hand. */
#define SHORT_MS 5000

/* ---- replies ---- */

/* Anybody can make us refuse things: a line for each would be a way to fill the disk. */
static void tell_refused(struct listener *l, int now) {
    if (!now && mono_ms() - l->told < TELL_MS)
        return;
    l->told = mono_ms();
    for (int i = 0; i < (int)GF_CODE_COUNT; i++) {
        struct listener_count *c = &l->refused[i];
        if (c->n > c->told)
            log_write(LOG_LEVEL_WARNING, "listener-refused",
                      {"code", gf_err_name((enum gf_code)i), 0},
                      {"requests", NULL, (int64_t)(c->n - c->told)});
        c->told = c->n;
    }
}

static int is_untold(const struct listener *l) {
    for (int i = 0; i < (int)GF_CODE_COUNT; i++)
        if (l->refused[i].n > l->refused[i].told)
            return 1;
    return 0;
}

static void fail(struct listener_call *c, const struct httpd_reply *a, enum gf_code code,
                 const char *text) {
    struct gf_buf b;

    c->l->refused[code].n++;
    gf_buf_init(&b, 8192);
    gf_buf_text(&b, "{\"error\":{\"code\":");
    gf_json_put_str(&b, gf_err_name(code), strlen(gf_err_name(code)));
    gf_buf_text(&b, ",\"text\":");
    gf_json_put_str(&b, text, gf_text_is_utf8(text, strlen(text)) ? strlen(text) : 0);
    gf_buf_text(&b, "}}\n");
    if (b.failed == 0)
        httpd_reply(c->r, a, b.data, b.len);
    gf_buf_free(&b);
}

void listener_fail(struct listener_call *c, unsigned status, enum gf_code code, const char *text,
                   unsigned retry_after_s) {
    const struct httpd_reply a = {
        .status = status, .type = "application/json", .retry_after_s = retry_after_s};

    fail(c, &a, code, text);
}

/* Another method than those. */
static void fail_method(struct listener_call *c, const char *allow, const char *text) {
    const struct httpd_reply a = {.status = 405, .type = "application/json", .allow = allow};

    fail(c, &a, GF_E_USAGE, text);
}

/* ---- questions to the worker ---- */

void listener_ask_with(struct listener_call *c, struct wire_ask *a, const void *data,
                       void (*answer)(struct listener_call *, const struct wire_say *, const char *,
                                      int)) {
    struct gf_err why;

    if (a->tag == 0)
        a->tag = ++c->l->tag;
    c->tag = a->tag;
    c->answer = answer;
    c->asked = mono_ms();
    c->short_answer = a->kind == WIRE_READY || a->kind == WIRE_METRICS;
    httpd_hold(c->r);
    if (wire_ask_send_with(LISTENER_FD_WORKER, a, data, &why) == -1)
        _exit(GF_EXIT_IO); /* it is gone: nothing can be answered any more */
}

void listener_ask(struct listener_call *c, struct wire_ask *a,
                  void (*answer)(struct listener_call *, const struct wire_say *, const char *,
                                 int)) {
    listener_ask_with(c, a, NULL, answer);
}

/* Which relay we are. */
static int take_us(struct listener *l, const struct wire_say *s, const char *data) {
    if (s->len == 0 || s->len > sizeof l->us.list || s->len % sizeof l->us.list[0] != 0)
        return -1;
    memcpy(l->us.list, data, s->len);
    l->us.n = s->len / sizeof l->us.list[0];
    return 0;
}

/* All answers that are there; -1: the worker is gone. */
static int hear_answers(struct listener *l, char *data) {
    struct wire_say s;
    struct gf_err why;
    int fd = -1;
    int rc;

    while ((rc = wire_say_next(LISTENER_FD_WORKER, &s, data, &fd, &why)) == 1) {
        struct listener_call *c = l->calls;
        if (s.tag == 0)
            (void)take_us(l, &s, data);
        while (c != NULL && (s.tag == 0 || c->tag != s.tag))
            c = c->next;
        if (c == NULL) {
            /* Whoever asked is gone. */
            if (fd != -1)
                (void)close(fd);
            continue;
        }
        c->tag = 0;
        c->answer(c, &s, data, fd);
        if (c->tag == 0)
            httpd_resume(c->r);
    }
    return rc;
}

/* Questions that the worker answers at once, unless it is stuck: nobody who watches is left
 * waiting. An answer that comes later finds nobody. */
static void give_up(struct listener *l) {
    int64_t now = mono_ms();

    for (struct listener_call *c = l->calls; c != NULL; c = c->next) {
        if (c->tag == 0 || !c->short_answer || now - c->asked < SHORT_MS)
            continue;
        c->tag = 0;
        listener_fail(c, 503, GF_E_BUSY, "the relay's worker does not answer", 30);
        httpd_resume(c->r);
    }
}

static int has_short(const struct listener *l) {
    for (const struct listener_call *c = l->calls; c != NULL; c = c->next)
        if (c->tag != 0 && c->short_answer)
            return 1;
    return 0;
}

/* ---- requests ---- */

static void on_hello(struct listener_call *c, const struct wire_say *s, const char *data, int fd) {
    const struct httpd_reply ok = {.status = 200, .type = "application/vnd.gapferry.hello+json"};

    (void)fd;
    if (s->answer == WIRE_YES)
        httpd_reply(c->r, &ok, data, s->len);
    else
        listener_fail(c, 503, GF_E_SYSTEM, data, 30);
}

static void ask_hello(struct listener_call *c) {
    struct wire_ask a = {.kind = WIRE_HELLO};
    const char *nonce = httpd_query(c->r, "nonce");

    if (nonce == NULL || gf_text_unhex(nonce, strlen(nonce), a.nonce.b, sizeof a.nonce.b) == -1)
        listener_fail(c, 400, GF_E_USAGE, "nonce must be 64 lower-case hex digits", 0);
    else
        listener_ask(c, &a, on_hello);
}

static void on_response(struct listener_call *c, const struct wire_say *s, const char *data,
                        int fd) {
    const struct httpd_reply ok = {.status = 200, .type = "application/vnd.gapferry.bundle"};

    if (s->answer == WIRE_YES && fd != -1)
        httpd_reply_file(c->r, &ok, fd, s->size);
    else if (s->answer == WIRE_NO)
        listener_fail(c, 404, GF_E_NOINPUT, "there is no such response, or it is acknowledged", 0);
    else
        listener_fail(c, 503, GF_E_SYSTEM, data, 30);
}

static void ask_response(struct listener_call *c, const char *id) {
    struct wire_ask a = {.kind = WIRE_FETCH};

    if (gf_text_unhex(id, strlen(id), a.id.b, sizeof a.id.b) == -1)
        listener_fail(c, 404, GF_E_NOINPUT, "a response is named by 32 lower-case hex digits", 0);
    else
        listener_ask(c, &a, on_response);
}

static void answer_get(struct listener_call *c, const char *path) {
    static const char responses[] = "/v1/responses/";

    if (strcmp(path, "/healthz") == 0)
        listener_watch_text(c, 200, "ok\n");
    else if (strcmp(path, "/readyz") == 0)
        listener_watch_ready(c);
    else if (strcmp(path, "/metrics") == 0)
        listener_watch_metrics(c);
    else if (strcmp(path, "/v1/hello") == 0)
        ask_hello(c);
    else if (strncmp(path, responses, sizeof responses - 1) == 0)
        ask_response(c, path + sizeof responses - 1);
    else
        listener_fail(c, 404, GF_E_NOINPUT, "there is nothing at this path", 0);
}

/* Where something may be sent to. */
static const struct sink {
    const char *path;
    const char *wants; /* for who comes with another method */
    void (*begin)(struct listener_call *c);
    size_t (*body)(struct listener_call *c, const void *data, size_t len);
    void (*end)(struct listener_call *c);
} sinks[] = {
    {"/v1/bundles", "bundles are sent with POST", listener_post_begin, listener_post_body,
     listener_post_end},
    {"/v1/cards", "cards are sent with POST", listener_card_begin, listener_card_body,
     listener_card_end},
};

static const struct sink *find_sink(const struct httpd_request *r) {
    for (size_t i = 0; i < sizeof sinks / sizeof *sinks; i++) {
        if (strcmp(httpd_path(r), sinks[i].path) == 0)
            return &sinks[i];
    }
    return NULL;
}

static int is_post(const struct httpd_request *r) {
    return strcmp(httpd_method(r), "POST") == 0;
}

/* The sink, if something is sent to it. */
static const struct sink *posted_to(const struct httpd_request *r) {
    return is_post(r) ? find_sink(r) : NULL;
}

/* What anybody may ask at either socket. */
static int is_watch(const char *path) {
    return strcmp(path, "/healthz") == 0 || strcmp(path, "/readyz") == 0 ||
           strcmp(path, "/metrics") == 0;
}

static void on_begin(void *arg, struct httpd_request *r) {
    const struct httpd_reply no = {.status = 503, .type = "text/plain"};
    struct listener_call *c = calloc(1, sizeof *c);
    const struct listener_door *door = arg;
    struct listener *l = door->l;

    if (c == NULL) {
        httpd_reply(r, &no, "no memory\n", 10);
        return;
    }
    *c = (struct listener_call){.next = l->calls, .at = &l->calls, .l = l, .r = r, .fd = -1};
    if (c->next != NULL)
        c->next->at = &c->next;
    l->calls = c;
    httpd_set(r, c);
    c->is_page = door->is_page && !is_watch(httpd_path(r));
    if (c->is_page)
        page_begin(c);
    else if (posted_to(r) != NULL)
        posted_to(r)->begin(c);
    else if (find_sink(r) != NULL)
        fail_method(c, "POST", find_sink(r)->wants);
    else if (is_post(r))
        fail_method(c, "GET, HEAD", "this is read with GET");
}

static size_t on_body(void *arg, struct httpd_request *r, const void *data, size_t len) {
    struct listener_call *c = httpd_get(r);

    (void)arg;
    if (c != NULL && c->is_page)
        return page_body(c, data, len);
    return c != NULL && posted_to(r) != NULL ? posted_to(r)->body(c, data, len) : len;
}

static void on_end(void *arg, struct httpd_request *r) {
    struct listener_call *c = httpd_get(r);

    (void)arg;
    if (c == NULL)
        return;
    if (c->is_page)
        page_end(c);
    else if (posted_to(r) != NULL)
        posted_to(r)->end(c);
    else
        answer_get(c, httpd_path(r));
}

static void on_gone(void *arg, struct httpd_request *r) {
    struct listener_call *c = httpd_get(r);

    (void)arg;
    if (c == NULL)
        return;
    page_gone(c);
    listener_post_gone(c);
    *c->at = c->next;
    if (c->next != NULL)
        c->next->at = c->at;
    free(c);
}

/* ---- the process ---- */

static int load(const char *path, struct gf_buf *out, struct gf_err *e) {
    gf_buf_init(out, 1 << 20);
    /* Certificates are reached through links where a tool renews them. */
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return gf_err_errno(e, "%s", path);
    char *room = gf_buf_grow(out, (size_t)1 << 19);
    if (room != NULL)
        out->len += fread(room, 1, ((size_t)1 << 19) - 1, f);
    if (room != NULL)
        out->data[out->len] = '\0';
    (void)fclose(f);
    return gf_buf_check(out, path, e);
}

static int start_server(struct listener_door *door, const struct listener_config *config, int fd,
                        struct gf_err *e) {
    struct gf_buf cert = {.data = NULL}, key = {.data = NULL};
    struct httpd_options o = {
        .listen_fd = fd,
        .connections = (unsigned)config->connections,
        .per_address = (unsigned)config->per_address,
        .head_s = (unsigned)config->patience,
        .idle_s = (unsigned)config->patience,
        .rate_min = RATE_MIN,
        /* Who takes a body at the other door has its limit, and a better reply. */
        .body_max = door->is_page ? page_body_max(&door->l->config) : INT64_MAX,
        .pages = door->is_page,
        .calls = {on_begin, on_body, on_end, on_gone},
        .arg = door};
    int rc = -1;

    if (config->address == NULL)
        return 0;
    if (config->cert_file == NULL ||
        (load(config->cert_file, &cert, e) == 0 && load(config->key_file, &key, e) == 0)) {
        o.cert = cert.data;
        o.key = key.data;
        rc = httpd_new(&o, &door->httpd, e);
    }
    gf_buf_free(&cert);
    if (key.data != NULL)
        gf_digest_wipe(key.data, key.len);
    gf_buf_free(&key);
    return rc;
}

static int start_servers(struct listener *l, struct gf_err *e) {
    l->api = (struct listener_door){.l = l};
    l->page = (struct listener_door){.l = l, .is_page = 1};
    if (start_server(&l->api, &l->config, LISTENER_FD_LISTEN, e) == -1)
        return -1;
    return start_server(&l->page, &l->page_config, LISTENER_FD_PAGE, e);
}

/* The worker's first word. */
static int hear_identity(struct listener *l, char *data, struct gf_err *e) {
    struct pollfd p = {.fd = LISTENER_FD_WORKER, .events = POLLIN};
    struct wire_say s;
    int fd = -1;

    (void)poll(&p, 1, 10000);
    int rc = wire_say_next(LISTENER_FD_WORKER, &s, data, &fd, e);
    if (rc != 1 || take_us(l, &s, data) == -1)
        return rc == -1 ? -1 : gf_err_set(e, GF_E_SYSTEM, "the worker does not say who it is");
    return 0;
}

static void sooner(int *wait, int ms) {
    if (ms != -1 && (*wait == -1 || *wait > ms))
        *wait = ms;
}

static int next_wait(const struct listener *l, int64_t stopping) {
    int wait = -1;

    if (l->api.httpd != NULL)
        sooner(&wait, httpd_wait_ms(l->api.httpd));
    if (l->page.httpd != NULL)
        sooner(&wait, httpd_wait_ms(l->page.httpd));
    sooner(&wait, has_short(l) ? 500 : -1);
    sooner(&wait, is_untold(l) ? TELL_MS : -1);
    sooner(&wait, stopping > 0 ? 100 : -1);
    return wait;
}

static int door_fd(const struct listener_door *d) {
    return d->httpd != NULL ? httpd_fd(d->httpd) : -1;
}

/* What there is to do at a socket; how many requests are under way. */
static size_t serve(const struct listener_door *d, int quiesce) {
    if (d->httpd == NULL)
        return 0;
    if (quiesce)
        httpd_quiesce(d->httpd);
    httpd_step(d->httpd);
    return httpd_requests(d->httpd);
}

static int loop(struct listener *l, int signals, char *data) {
    int64_t stopping = 0; /* ms: since when */

    for (;;) {
        struct pollfd p[] = {{door_fd(&l->api), POLLIN, 0},
                             {door_fd(&l->page), POLLIN, 0},
                             {LISTENER_FD_WORKER, POLLIN, 0},
                             {signals, stopping > 0 ? 0 : POLLIN, 0}};
        (void)poll(p, 4, next_wait(l, stopping));
        if (p[2].revents != 0 && hear_answers(l, data) == -1)
            return GF_EXIT_DONE;
        int ending = p[3].revents != 0;
        if (ending)
            stopping = mono_ms();
        size_t under_way = serve(&l->api, ending) + serve(&l->page, ending);
        give_up(l);
        tell_refused(l, 0);
        if (stopping > 0 && (under_way == 0 || mono_ms() - stopping > GRACE_MS))
            return GF_EXIT_DONE;
    }
}

static int prepare(struct listener *l, struct relay *r, const char *root, char *data, int *signals,
                   struct gf_err *e) {
    sigset_t end;

    (void)sigemptyset(&end);
    (void)sigaddset(&end, SIGTERM);
    (void)sigprocmask(SIG_SETMASK, &end, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    tzset(); /* reads a file, which cannot be done later */
    *signals = signalfd(-1, &end, SFD_CLOEXEC | SFD_NONBLOCK);
    if (*signals == -1)
        return gf_err_errno(e, "signalfd");
    if (relay_configure(r, root, e) == -1 || listener_configure(r->config, &l->config, e) == -1 ||
        listener_configure_page(r->config, &l->page_config, e) == -1 || gf_digest_start(e) == -1 ||
        hear_identity(l, data, e) == -1 || start_servers(l, e) == -1)
        return -1;
    l->config.names = l->page_config.names;
    return sandbox_server(MEMORY, (unsigned)(l->config.connections + PAGE_CONNECTIONS) * 3 + 32,
                          l->config.body_max, e);
}

int listener_main(const char *root) {
    char *data = malloc(WIRE_DATA_MAX + 1);
    struct listener l = {.told = mono_ms() - TELL_MS};
    struct relay r = {.state_fd = -1};
    struct gf_err e = {.text = "no memory"};
    int signals = -1;

    if (data == NULL || prepare(&l, &r, root, data, &signals, &e) == -1) {
        log_write(LOG_LEVEL_ERROR, "listener-failed", {"why", e.text, 0});
        _exit(GF_EXIT_CONFIG);
    }
    int status = loop(&l, signals, data);
    tell_refused(&l, 1);
    _exit(status);
}
