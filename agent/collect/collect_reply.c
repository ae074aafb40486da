/*
 * collect_reply.c -- replies in the form that who asked understands.
 */
#include "agent/collect/collect_scrape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "common/mono.h"
#include "common/otlp_put.h"
#include "gapferry/json.h"

/* ms between two refusals in the log: programs that are refused come again and again. */
#define TELL_MS 10000

#define REPLY_MAX 131072

/* The code of a google.rpc.Status (google/rpc/code.proto). */
static unsigned rpc_code(unsigned status) {
    static const struct {
        unsigned status, code;
    } codes[] = {{400, 3}, {403, 7}, {413, 8}, {415, 3}, {429, 8}, {503, 14}};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i].status == status)
            return codes[i].code;
    }
    return 2;
}

static const char *title(unsigned status) {
    static const struct {
        unsigned status;
        const char *title;
    } titles[] = {
        {400, "not well-formed"}, {403, "not permitted"},      {413, "too large"},
        {415, "unknown form"},    {429, "no room, try later"}, {503, "not now, try later"},
    };

    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) {
        if (titles[i].status == status)
            return titles[i].title;
    }
    return "failed";
}

/* A message of a number in field 1 and a text in field 2: a google.rpc.Status with its code, and
 * the partial success of a request with the number of points that did not come in. */
static void put_message(struct gf_buf *b, uint64_t number, const char *text) {
    otlp_put_uint(b, 1, number);
    otlp_put_bytes(b, 2, text, strlen(text));
}

static const char *put_no(const struct collect_call *call, unsigned status, const char *text,
                          struct gf_buf *b) {
    if (call->protobuf) {
        put_message(b, rpc_code(status), text);
        return "application/x-protobuf";
    }
    if (call->path == BODY_METRICS) {
        gf_buf_printf(b, "{\"code\":%u,\"message\":", rpc_code(status));
        gf_json_put_shown(b, text, strlen(text));
        gf_buf_text(b, "}");
        return "application/json";
    }
    if (call->path == BODY_LINES) {
        collect_influx_refusal(call, status, text, b);
        return "application/json";
    }
    gf_buf_printf(b, "{\"status\":%u,\"title\":\"%s\",\"detail\":", status, title(status));
    gf_json_put_shown(b, text, strlen(text));
    gf_buf_text(b, "}\n");
    return "application/problem+json";
}

/* For `status`: the log may be silent about it for a while. */
static void note(const struct collect_call *call, unsigned status, const char *why) {
    struct collect_refusal *x = &call->c->refusal;
    struct gf_buf text;

    gf_buf_init(&text, 8192);
    gf_text_safe(&text, why, strlen(why));
    *x = (struct collect_refusal){.at = (int64_t)time(NULL), .status = status};
    (void)snprintf(x->channel, sizeof x->channel, "%s", call->channel);
    if (text.data != NULL)
        (void)snprintf(x->why, sizeof x->why, "%.*s",
                       (int)gf_text_fit(text.data, text.len, sizeof x->why - 1), text.data);
    gf_buf_free(&text);
}

static void tell(const struct collect_call *call, unsigned status, const char *why) {
    struct collect *c = call->c;
    int64_t now = mono_ms();

    note(call, status, why);
    c->untold++;
    if (c->told != 0 && now - c->told < TELL_MS)
        return;
    log_write(status == 503 || status == 429 ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, "refused",
              {"status", NULL, (int64_t)status}, {"channel", call->channel, 0},
              {"requests", NULL, c->untold}, {"why", why, 0});
    c->told = now;
    c->untold = 0;
}

/* Send what is in b, and release it. */
static void send_reply(struct collect_call *call, const struct httpd_reply *a, struct gf_buf *b) {
    httpd_reply(call->r, a, b->data != NULL ? b->data : "", b->len);
    gf_buf_free(b);
}

static void reply_words(struct collect_call *call, unsigned status, unsigned retry_after_s,
                        const char *why) {
    struct httpd_reply a = {.status = status, .retry_after_s = retry_after_s};
    struct gf_buf text, b;

    gf_buf_init(&text, 8192);
    gf_buf_init(&b, REPLY_MAX);
    gf_text_safe(&text, why, strlen(why));
    a.type = put_no(call, status, text.data != NULL ? text.data : "", &b);
    send_reply(call, &a, &b);
    tell(call, status, why);
    gf_buf_free(&text);
}

void collect_reply_no(struct collect_call *call, unsigned status, unsigned retry_after_s,
                      const char *why) {
    if (call->scrape != NULL) {
        collect_scrape_refused(call, why);
        return;
    }
    call->c->counts.refused++;
    call->c->counts.full += status == 429;
    reply_words(call, status, retry_after_s, why);
}

/* Lines: as InfluxDB has it, what did not come in is told as a refusal of the whole. */
static void reply_lines(struct collect_call *call) {
    const struct httpd_reply a = {.status = 204, .type = "application/json"};

    if (call->partial != NULL)
        reply_words(call, 400, 0, call->partial);
    else
        httpd_reply(call->r, &a, "", 0);
}

/* How many data points of it did not come in, and why. */
static void put_partial(struct collect_call *call, struct gf_buf *b) {
    struct gf_buf text;

    gf_buf_init(&text, 8192);
    gf_text_safe(&text, call->partial, strlen(call->partial));
    const char *why = text.data != NULL ? text.data : "";
    if (call->protobuf) {
        size_t mark = otlp_put_open(b, 1);
        put_message(b, call->rejected, why);
        otlp_put_close(b, mark);
    } else {
        gf_buf_printf(
            b, "{\"partialSuccess\":{\"rejectedDataPoints\":\"%" PRIu64 "\",\"errorMessage\":",
            call->rejected);
        gf_json_put_shown(b, why, strlen(why));
        gf_buf_text(b, "}}");
    }
    gf_buf_free(&text);
    tell(call, 200, call->partial);
}

/* An empty message: all of it was taken. */
static void reply_metrics(struct collect_call *call) {
    const struct httpd_reply a = {
        .status = 200, .type = call->protobuf ? "application/x-protobuf" : "application/json"};
    struct gf_buf b;

    gf_buf_init(&b, REPLY_MAX);
    if (call->rejected > 0 && call->partial != NULL)
        put_partial(call, &b);
    else if (!call->protobuf)
        gf_buf_text(&b, "{}");
    send_reply(call, &a, &b);
}

static void reply_record(struct collect_call *call) {
    const struct httpd_reply a = {.status = 200, .type = "application/json"};
    struct gf_buf b;

    gf_buf_init(&b, REPLY_MAX);
    gf_buf_text(&b, "{\"record\":\"");
    gf_buf_text(&b, call->record);
    gf_buf_byte(&b, '"');
    if (call->dropped != NULL) {
        gf_buf_text(&b, ",\"dropped\":");
        gf_json_put_shown(&b, call->dropped, strlen(call->dropped));
    }
    gf_buf_text(&b, "}\n");
    send_reply(call, &a, &b);
}

void collect_reply_done(struct collect_call *call) {
    if (call->scrape != NULL)
        collect_scrape_kept(call);
    else if (call->path == BODY_LINES)
        reply_lines(call);
    else if (call->path == BODY_METRICS)
        reply_metrics(call);
    else
        reply_record(call);
}
