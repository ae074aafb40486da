/*
 * endpoint_otlp_reply.c -- what an OpenTelemetry receiver answers to metrics.
 */
#include "relay/endpoints/endpoint_otlp_reply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/otlp_value.h"
#include "common/otlp_wire.h"
#include "gapferry/text.h"

/* What the two messages have: numbers and names of their fields. */
enum { PARTIAL = 1, REJECTED = 1, WORDS = 2 };

static int is_protobuf(const char *type, size_t type_len, const char *body) {
    static const char name[] = "application/x-protobuf";
    size_t n = sizeof name - 1;

    if (type == NULL)
        return *body != '{';
    return type_len >= n && strncasecmp(type, name, n) == 0 &&
           (type_len == n || type[n] == ';' || type[n] == ' ');
}

static void set_words(struct endpoint_otlp_reply *out, const void *text, size_t len) {
    out->len = len > GF_REASON_MAX ? gf_text_fit(text, len, GF_REASON_MAX) : len;
    if (out->len > 0)
        memcpy(out->words, text, out->len);
    out->words[out->len] = '\0';
}

static void set_rejected(struct endpoint_otlp_reply *out, uint64_t bits) {
    out->rejected = (int64_t)bits > 0 ? bits : 0;
}

/* ---- protobuf ---- */

/* A partial success, or with is_status a Status; 0, or -1: it is none. */
static int read_message(struct otlp_span in, int is_status, struct endpoint_otlp_reply *out) {
    struct otlp_item item;

    while (in.at < in.end) {
        if (otlp_wire_next(&in.at, in.end, &item) != NULL)
            return -1;
        if (item.number == REJECTED && item.wire == OTLP_VARINT && !is_status)
            set_rejected(out, item.bits);
        else if (item.number == WORDS && item.wire == OTLP_LENGTH)
            set_words(out, item.span.at, (size_t)(item.span.end - item.span.at));
        else if (item.number == WORDS || (item.number == REJECTED && item.wire != OTLP_VARINT))
            return -1;
    }
    return 0;
}

static int read_response(struct otlp_span in, struct endpoint_otlp_reply *out) {
    struct otlp_item item;

    while (in.at < in.end) {
        if (otlp_wire_next(&in.at, in.end, &item) != NULL)
            return -1;
        if (item.number == PARTIAL &&
            (item.wire != OTLP_LENGTH || read_message(item.span, 0, out) == -1))
            return -1;
    }
    return 0;
}

/* ---- JSON ---- */

static int scan_words(struct otlp_scan *s, struct endpoint_otlp_reply *out) {
    struct otlp_token token;

    if (otlp_scan_string(s, &token) == -1)
        return -1;
    char *text = malloc(token.len + 1);
    if (text == NULL)
        return -1;
    set_words(out, text, otlp_scan_meaning(&token, text));
    free(text);
    return 0;
}

static int scan_rejected(struct otlp_scan *s, struct endpoint_otlp_reply *out) {
    uint64_t bits;

    if (otlp_value_number(s, OTLP_INT64, &bits) == -1)
        return -1;
    set_rejected(out, bits);
    return 0;
}

/* What one object of a reply is. */
enum object { RESPONSE, PARTIAL_SUCCESS, STATUS };

static int scan_object(struct otlp_scan *s, enum object which, struct endpoint_otlp_reply *out);

static int scan_member(struct otlp_scan *s, enum object which, const struct otlp_token *name,
                       struct endpoint_otlp_reply *out) {
    if (otlp_scan_peek(s) == 'n') /* null is as if it were not there */
        return otlp_scan_skip(s);
    if (which == RESPONSE && otlp_scan_means(name, "partialSuccess") && otlp_scan_peek(s) == '{')
        return scan_object(s, PARTIAL_SUCCESS, out);
    if (which == PARTIAL_SUCCESS && otlp_scan_means(name, "rejectedDataPoints"))
        return scan_rejected(s, out);
    if ((which == PARTIAL_SUCCESS && otlp_scan_means(name, "errorMessage")) ||
        (which == STATUS && otlp_scan_means(name, "message")))
        return scan_words(s, out);
    return otlp_scan_skip(s);
}

static int scan_object(struct otlp_scan *s, enum object which, struct endpoint_otlp_reply *out) {
    struct otlp_token name;

    if (!otlp_scan_take(s, '{'))
        return -1;
    if (otlp_scan_take(s, '}'))
        return 0;
    do {
        if (otlp_scan_string(s, &name) == -1 || !otlp_scan_take(s, ':') ||
            scan_member(s, which, &name, out) == -1)
            return -1;
    } while (otlp_scan_take(s, ','));
    return otlp_scan_take(s, '}') ? 0 : -1;
}

static int scan(const char *text, size_t len, enum object which, struct endpoint_otlp_reply *out) {
    struct otlp_scan s = {.at = text, .end = text + len};

    if (!gf_text_is_utf8(text, len) || scan_object(&s, which, out) == -1)
        return -1;
    return otlp_scan_peek(&s) == '\0' && s.at == s.end ? 0 : -1;
}

/* ---- both ---- */

int endpoint_otlp_reply_success(const char *type, size_t type_len, const void *body, size_t len,
                                struct endpoint_otlp_reply *out, struct gf_err *e) {
    struct endpoint_otlp_reply reply = {.rejected = 0};

    if (len > 0 &&
        (is_protobuf(type, type_len, body) ? read_response(otlp_wire_span(body, len), &reply)
                                           : scan(body, len, RESPONSE, &reply)) == -1)
        return gf_err_set(e, GF_E_DAMAGED, "not the answer of an OpenTelemetry receiver");
    *out = reply;
    return 0;
}

void endpoint_otlp_reply_failure(const char *type, size_t type_len, const void *body, size_t len,
                                 struct endpoint_otlp_reply *out) {
    *out = (struct endpoint_otlp_reply){.rejected = 0};
    if (len == 0)
        return;
    int rc = is_protobuf(type, type_len, body) ? read_message(otlp_wire_span(body, len), 1, out)
                                               : scan(body, len, STATUS, out);
    if (rc == -1 || out->len == 0)
        set_words(out, body, len);
}
