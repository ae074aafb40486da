/*
 * serve.c -- the vendor's HTTP: requests in, effects at most once for each key, and faults where
 * the script wants them. A thread for each connection, so that a fault may take its time.
 */
#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "gapferry/digest.h"
#include "vendor.h"

#define CONNECTIONS  64
#define IDLE_SECONDS 60

/* One request on its way through. */
struct call {
    struct vendor *v;
    struct MHD_Connection *connection;
    const char *path;
    struct gf_buf body;
    enum fault fault;
    int number;
    int status; /* the answer */
    const char *type;
    struct gf_buf answer;
};

static void say(struct call *c, int status, const char *text) {
    c->status = status;
    gf_buf_clear(&c->answer);
    gf_buf_text(&c->answer, text);
}

/* ---- effects ---- */

/* A header that names something: 0 if it is absent, 1, or -1 if it is none that we keep. */
static int name_of(const struct call *c, const char *header, char out[VENDOR_TEXT_MAX + 1]) {
    const char *value = MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, header);

    out[0] = '\0';
    if (value == NULL || value[0] == '\0')
        return 0;
    size_t len = strlen(value);
    for (size_t i = 0; i < len; i++) {
        if (value[i] <= ' ' || value[i] > '~' || len > VENDOR_TEXT_MAX)
            return -1;
    }
    memcpy(out, value, len + 1);
    return 1;
}

/* 1 if a proof came that this licence is given up. */
static int is_gone(const void *arg, const char *id) {
    const struct tally *t = arg;
    char answer[256];

    int n = snprintf(answer, sizeof answer, LICENSE_GONE, id);
    for (size_t i = 0; i < t->n; i++) {
        const struct effect *f = &t->effects[i];
        if (f->answer_len == (size_t)n && memcmp(f->answer, answer, f->answer_len) == 0)
            return 1;
    }
    return 0;
}

/* The one collector of events, which Google has. */
static int is_events(const char *path) {
    return strcmp(path, "/mp/collect") == 0;
}

static int has_argument(const struct call *c, const char *name) {
    const char *value = MHD_lookup_connection_value(c->connection, MHD_GET_ARGUMENT_KIND, name);
    return value != NULL && value[0] != '\0';
}

/* What the request asks for; the answer is set, and 1 returned if it is one to keep. */
static int try_effect(struct call *c) {
    if (strcmp(c->path, "/license") == 0) {
        struct license_terms terms = c->v->terms;
        terms.now = (int64_t)time(NULL);
        terms.is_gone = is_gone;
        terms.arg = &c->v->tally;
        c->status = license_answer(&terms, c->body.data != NULL ? c->body.data : "", c->body.len,
                                   &c->answer);
        return c->status == 200;
    }
    if (is_events(c->path)) {
        c->status = 204; /* whatever it thinks of them */
        return has_argument(c, "measurement_id") && has_argument(c, "api_secret");
    }
    if (c->body.len == 0) {
        say(c, 400, "An empty report says nothing.\n");
        return 0;
    }
    c->status = 200;
    c->type = "application/json";
    gf_buf_printf(&c->answer, "{\"accepted\": %zu}\n", c->body.len);
    return 1;
}

/* Another request with a key that is known: the kept answer, or a refusal. */
static void repeat(struct call *c, struct effect *known, const struct gf_hash *digest) {
    known->requests++;
    if (strcmp(known->path, c->path) != 0 ||
        memcmp(known->digest.b, digest->b, sizeof digest->b) != 0) {
        say(c, 422, "This Idempotency-Key was used before, with another request.\n");
        return;
    }
    c->status = known->status;
    if (strcmp(c->path, "/usage") == 0)
        c->type = "application/json";
    gf_buf_add(&c->answer, known->answer, known->answer_len);
}

static void keep(struct call *c, struct effect *f, struct effect *same) {
    struct gf_err e;

    f->at = (int64_t)time(NULL);
    f->status = c->status;
    f->count = 1;
    f->requests = 1;
    f->answer = strdup(c->answer.data != NULL ? c->answer.data : "");
    f->answer_len = c->answer.len;
    if (f->answer == NULL || tally_add(&c->v->tally, f, c->body.data != NULL ? c->body.data : "",
                                       c->body.len, same, &e) == -1)
        say(c, 500, "The vendor cannot write its tally.\n");
}

/* The whole of a request that may have an effect. The lock is held: requests with the same key wait
 * for one another. */
static void take_effect(struct call *c) {
    struct effect f = {.count = 1};

    if (name_of(c, "Idempotency-Key", f.key) == -1 || name_of(c, "Gapferry-Agent", f.agent) == -1 ||
        name_of(c, "Gapferry-Record", f.record) == -1) {
        say(c, 400, "A header is too long, or not of printable ASCII.\n");
        return;
    }
    gf_digest_256(c->body.data != NULL ? c->body.data : "", c->body.len, &f.digest);
    (void)strncpy(f.path, c->path, sizeof f.path - 1);

    struct effect *known = tally_find(&c->v->tally, f.key);
    if (known != NULL && !c->v->forget) {
        repeat(c, known, &f.digest);
        return;
    }
    if (known != NULL)
        known->requests++;
    if (try_effect(c))
        keep(c, &f, known);
    else
        c->v->refused++;
}

/* ---- routes ---- */

static void show_tally(struct call *c) {
    c->type = "application/json";
    gf_buf_printf(&c->answer, "{\"requests\": %lld, \"refused\": %lld, ", (long long)c->v->requests,
                  (long long)c->v->refused);
    tally_show(&c->v->tally, &c->answer);
    gf_buf_text(&c->answer, "}\n");
}

static void set_script(struct call *c) {
    struct gf_err e;

    if (script_set(&c->v->script, c->body.data != NULL ? c->body.data : "", c->body.len, &e) ==
        -1) {
        c->status = 400;
        gf_buf_printf(&c->answer, "%s\n", e.text);
    } else {
        gf_buf_text(&c->answer, "ok\n");
    }
}

static int is_metrics(const char *path) {
    return strcmp(path, "/v1/metrics") == 0;
}

static void take_metrics(struct call *c) {
    c->status = points_take(
        &c->v->points, MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, "Content-Type"),
        c->body.data, c->body.len, c->fault == FAULT_PARTIAL ? c->number : 0, &c->type, &c->answer);
}

static void show_points(struct call *c) {
    c->type = "application/json";
    points_show(&c->v->points, &c->answer);
}

static int has_effect(const char *path) {
    return strcmp(path, "/license") == 0 || strcmp(path, "/usage") == 0 || is_metrics(path) ||
           is_events(path);
}

static int is_file(const struct vendor *v, const char *path) {
    return v->files != -1 && strncmp(path, "/files/", 7) == 0;
}

static int is_post(const char *method) {
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
}

static void route(struct call *c, const char *method) {
    if (c->body.failed)
        say(c, 413, "The body is larger than 8 MiB.\n");
    else if (has_effect(c->path) && !is_post(method))
        say(c, 405, "POST, please.\n");
    else if (is_metrics(c->path))
        take_metrics(c);
    else if (has_effect(c->path))
        take_effect(c);
    else if (strcmp(c->path, "/points") == 0 && strcmp(method, "GET") == 0)
        show_points(c);
    else if (strcmp(c->path, "/tally") == 0 && strcmp(method, "GET") == 0)
        show_tally(c);
    else if (strcmp(c->path, "/script") == 0 && is_post(method))
        set_script(c);
    else if (strcmp(c->path, "/healthz") == 0)
        say(c, 200, "ok\n");
    else
        say(c, 404,
            "Here are /license, /usage, /v1/metrics, /mp/collect, /tally, /points and /script.\n");
}

/* ---- faults ---- */

/* Wait, unless the client goes away or the server ends. */
static void sleep_for(const struct call *c, int seconds) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct pollfd p[2] = {{c->v->stop, POLLIN, 0}, {info->connect_fd, POLLRDHUP, 0}};
    (void)poll(p, 2, seconds * 1000);
}

/* The connection ends with a reset: what waits on it is thrown away. */
static enum MHD_Result reset(const struct call *c) {
    const struct linger now = {1, 0};
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    (void)setsockopt(info->connect_fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    return MHD_NO;
}

/* Faults that leave no effect; 1 if there is one. */
static int fails_before(struct call *c) {
    switch (c->fault) {
    case FAULT_STATUS:
        say(c, c->number, "The script wants this.\n");
        return 1;
    case FAULT_RETRY_AFTER:
        say(c, 429, "Not so fast.\n");
        return 1;
    case FAULT_REDIRECT:
        say(c, 302, "It is elsewhere.\n");
        return 1;
    case FAULT_NONE:
    case FAULT_CLOSE:
    case FAULT_RESET_BEFORE:
    case FAULT_RESET_AFTER:
    case FAULT_TIMEOUT_AFTER:
    case FAULT_HALF:
    case FAULT_WRONG:
    case FAULT_SLOW:
    case FAULT_ENDLESS:
    case FAULT_LONGER:
    case FAULT_NO_RANGE:
    case FAULT_PARTIAL:
        break;
    }
    return 0;
}

/* Half of an answer, and then nothing. */
static ssize_t give_half(void *arg, uint64_t at, char *out, size_t max) {
    const struct gf_buf *b = arg;
    size_t half = b->len / 2;

    if (at >= half)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (max > half - at)
        max = half - at;
    memcpy(out, b->data + at, max);
    return (ssize_t)max;
}

static void free_half(void *arg) {
    struct gf_buf *b = arg;
    gf_buf_free(b);
    free(b);
}

static struct MHD_Response *half_of(const struct call *c) {
    struct gf_buf *b = malloc(sizeof *b);

    if (b == NULL)
        return NULL;
    gf_buf_init(b, c->answer.len);
    gf_buf_add(b, c->answer.data, c->answer.len);
    return MHD_create_response_from_callback(b->len, 4096, give_half, b, free_half);
}

static enum MHD_Result send_answer(struct call *c) {
    char number[16];
    struct MHD_Response *r =
        c->fault == FAULT_HALF
            ? half_of(c)
            : MHD_create_response_from_buffer(c->answer.len, c->answer.data, MHD_RESPMEM_MUST_COPY);
    if (r == NULL)
        return MHD_NO;
    (void)MHD_add_response_header(r, "Content-Type", c->type);
    (void)MHD_add_response_header(r, "Cache-Control", "no-store");
    if (c->fault == FAULT_REDIRECT)
        (void)MHD_add_response_header(r, "Location", "/elsewhere");
    if (c->fault == FAULT_RETRY_AFTER) {
        (void)snprintf(number, sizeof number, "%d", c->number);
        (void)MHD_add_response_header(r, "Retry-After", number);
    }
    enum MHD_Result rc = MHD_queue_response(c->connection, (unsigned)c->status, r);
    MHD_destroy_response(r);
    return rc;
}

/* A file: its faults lie in its bytes. */
static enum MHD_Result finish_file(struct call *c) {
    if (c->fault == FAULT_TIMEOUT_AFTER || c->fault == FAULT_SLOW)
        sleep_for(c, c->number);
    if (c->fault == FAULT_TIMEOUT_AFTER)
        return MHD_NO;
    return files_answer(c->v, c->connection, c->path, c->fault, c->number) ? MHD_YES : MHD_NO;
}

static enum MHD_Result finish(struct call *c, const char *method) {
    if (c->fault == FAULT_RESET_BEFORE)
        return reset(c);
    int failed = fails_before(c);
    if (!failed && is_file(c->v, c->path) && strcmp(method, "GET") == 0 && c->fault != FAULT_WRONG)
        return finish_file(c);
    if (!failed) {
        (void)pthread_mutex_lock(&c->v->lock);
        route(c, method);
        (void)pthread_mutex_unlock(&c->v->lock);
    }
    if (c->fault == FAULT_RESET_AFTER)
        return reset(c);
    if (c->fault == FAULT_TIMEOUT_AFTER || c->fault == FAULT_SLOW)
        sleep_for(c, c->number);
    if (c->fault == FAULT_TIMEOUT_AFTER)
        return MHD_NO;
    if (c->fault == FAULT_WRONG) {
        say(c, 200, "<html><title>Welcome</title>Please log in.</html>\n");
        c->type = "text/html";
    }
    if (c->answer.failed)
        say(c, 500, "The answer does not fit.\n");
    return send_answer(c);
}

/* ---- libmicrohttpd ---- */

static struct call *begin(struct vendor *v, struct MHD_Connection *connection, const char *path) {
    struct call *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    *c = (struct call){.v = v, .connection = connection, .path = path, .status = 200};
    c->type = "text/plain; charset=utf-8";
    gf_buf_init(&c->body, VENDOR_BODY_MAX);
    gf_buf_init(&c->answer, (size_t)64 << 20);
    (void)pthread_mutex_lock(&v->lock);
    v->requests += has_effect(path);
    if (has_effect(path) || is_file(v, path))
        c->fault = script_next(&v->script, path, &c->number);
    (void)pthread_mutex_unlock(&v->lock);
    return c;
}

/* Called for the headers, then for each piece of the body, then once more. */
static enum MHD_Result take(void *arg, struct MHD_Connection *connection, const char *path,
                            const char *method, const char *version, const char *data, size_t *len,
                            void **request) {
    struct call *c = *request;

    (void)version;
    if (c == NULL) {
        c = begin(arg, connection, path);
        *request = c;
        return c == NULL || c->fault == FAULT_CLOSE ? MHD_NO : MHD_YES;
    }
    c->path = path;
    if (*len > 0) {
        gf_buf_add(&c->body, data, *len);
        *len = 0;
        return MHD_YES;
    }
    return finish(c, method);
}

static void done(void *arg, struct MHD_Connection *connection, void **request,
                 enum MHD_RequestTerminationCode why) {
    struct call *c = *request;

    (void)arg;
    (void)connection;
    (void)why;
    if (c == NULL)
        return;
    gf_buf_free(&c->body);
    gf_buf_free(&c->answer);
    free(c);
    *request = NULL;
}

struct MHD_Daemon *serve_start(struct vendor *v, int listen_fd) {
    return MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD, 0,
                            NULL, NULL, take, v, MHD_OPTION_LISTEN_SOCKET, listen_fd,
                            MHD_OPTION_NOTIFY_COMPLETED, done, NULL, MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
                            (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)32768, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}

void serve_stop(struct MHD_Daemon *d) {
    MHD_stop_daemon(d);
}
