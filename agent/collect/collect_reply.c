/*
 * collect_reply.c -- replies in the form that who asked understands.
 */
#include "agent/collect/collect_scrape.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/mono.h"
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

/* Field 1: code, field 2: message, of at most 16383 bytes. */
static void put_rpc(struct gf_buf *b, unsigned code, const char *text) {
    size_t n = strlen(text);

    gf_buf_byte(b, 0x08);
    gf_buf_byte(b, (char)code);
    gf_buf_byte(b, 0x12);
    if (n < 0x80) {
        gf_buf_byte(b, (char)n);
    } else {
        gf_buf_byte(b, (char)(0x80 | (n & 0x7f)));
        gf_buf_byte(b, (char)(n >> 7));
    }
    gf_buf_add(b, text, n);
}

static const char *put_no(const struct collect_call *call, unsigned status, const char *text,
                          struct gf_buf *b) {
    if (call->protobuf) {
        put_rpc(b, rpc_code(status), text);
        return "application/x-protobuf";
    }
    if (call->path == BODY_METRICS) {
        gf_buf_printf(b, "{\"code\":%u,\"message\":", rpc_code(status));
        gf_json_put_shown(b, text, strlen(text));
        gf_buf_text(b, "}");
        return "application/json";
    }
    if (call->path == BODY_LINES || call->path == BODY_QUERY) {
        collect_influx_refusal(call, status, text, b);
        return "application/json";
    }
    gf_buf_printf(b, "{\"status\":%u,\"title\":\"%s\",\"detail\":", status, title(status));
    gf_json_put_shown(b, text, strlen(text));
    gf_buf_text(b, "}\n");
    return "application/problem+json";
}

static void tell(const struct collect_call *call, unsigned status, const char *why) {
    struct collect *c = call->c;
    int64_t now = mono_ms();

    c->untold++;
    if (c->told != 0 && now - c->told < TELL_MS)
        return;
    log_write(status == 503 || status == 429 ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, "refused",
              {"status", NULL, (int64_t)status}, {"channel", call->channel, 0},
              {"requests", NULL, c->untold}, {"why", why, 0});
    c->told = now;
    c->untold = 0;
}

static void reply_words(struct collect_call *call, unsigned status, unsigned retry_after_s,
                        const char *why) {
    struct httpd_reply a = {.status = status, .retry_after_s = retry_after_s};
    struct gf_buf text, b;

    if (call->scrape != NULL) {
        collect_scrape_refused(call, why);
        return;
    }
    gf_buf_init(&text, 8192);
    gf_buf_init(&b, REPLY_MAX);
    gf_text_safe(&text, why, strlen(why));
    a.type = put_no(call, status, text.data != NULL ? text.data : "", &b);
    httpd_reply(call->r, &a, b.data != NULL ? b.data : "", b.len);
    tell(call, status, why);
    gf_buf_free(&text);
    gf_buf_free(&b);
}

void collect_reply_no(struct collect_call *call, unsigned status, unsigned retry_after_s,
                      const char *why) {
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

void collect_reply_done(struct collect_call *call) {
    struct httpd_reply a = {.status = 200, .type = "application/json"};
    struct gf_buf b;

    if (call->scrape != NULL) {
        collect_scrape_kept(call);
        return;
    }
    if (call->path == BODY_LINES) {
        reply_lines(call);
        return;
    }
    if (call->path == BODY_METRICS) {
        /* An empty message: all of it was taken. */
        if (call->protobuf)
            a.type = "application/x-protobuf";
        httpd_reply(call->r, &a, "{}", call->protobuf ? 0 : 2);
        return;
    }
    gf_buf_init(&b, REPLY_MAX);
    gf_buf_printf(&b, "{\"record\":\"%s\"", call->record);
    if (call->dropped != NULL) {
        gf_buf_text(&b, ",\"dropped\":");
        gf_json_put_shown(&b, call->dropped, strlen(call->dropped));
    }
    gf_buf_text(&b, "}\n");
    httpd_reply(call->r, &a, b.data != NULL ? b.data : "", b.len);
    gf_buf_free(&b);
}
