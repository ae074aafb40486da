/*
 * endpoint_ga4_read.c -- a record of events for Google Analytics 4: is it one, and what of it may
 * be sent.
 *
 * gf_json_check_foreign() has passed what is scanned here: all of it is well-formed.
 */
#include "relay/endpoints/endpoint_ga4_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/otlp_scan.h"
#include "gapferry/json.h"

#define TEXT(n)  TEXT_(n)
#define TEXT_(n) #n

/* Times beyond this many microseconds do not fit in nanoseconds. */
#define MICROS_MAX (INT64_MAX / 1000)

/* One member of an object: its name, and where its value stands. */
struct member {
    struct otlp_token name;
    const char *at, *end;
};

/* The next member, from behind the opening brace: 1; 0 at the end. */
static int next_member(struct otlp_scan *s, struct member *out) {
    (void)otlp_scan_take(s, ',');
    if (otlp_scan_take(s, '}') || otlp_scan_string(s, &out->name) == -1 || !otlp_scan_take(s, ':'))
        return 0;
    (void)otlp_scan_peek(s);
    out->at = s->at;
    if (otlp_scan_skip(s) == -1)
        return 0;
    out->end = s->at;
    return 1;
}

/* Begin with the members of a value: 1; 0: it is no object. */
static int open_object(const char *at, const char *end, struct otlp_scan *s) {
    *s = (struct otlp_scan){.at = at, .end = end};
    return otlp_scan_take(s, '{');
}

/* Characters of a string that was scanned. */
static size_t length(const struct otlp_token *t) {
    const char *end = t->at + t->len;
    size_t n = 0;

    for (const char *at = t->at; at < end;) {
        int escaped = *at == '\\';
        int32_t c = otlp_scan_char(&at, end);
        n += escaped || (c & 0xC0) != 0x80;
    }
    return n;
}

/* The string that a value is: 1; 0: it is none. */
static int read_string(const struct member *m, struct otlp_token *out) {
    struct otlp_scan s = {.at = m->at, .end = m->end};

    return *m->at == '"' && otlp_scan_string(&s, out) == 0;
}

/* Microseconds, as a number or as digits in a string: 1; 0: it is none. */
static int read_micros(const struct member *m, int64_t *out) {
    const char *at = m->at + (*m->at == '"'), *end = m->end - (*m->at == '"');
    char digits[20];
    size_t n = (size_t)(end - at);

    if (n == 0 || n >= sizeof digits)
        return 0;
    memcpy(digits, at, n);
    digits[n] = '\0';
    if (strspn(digits, "0123456789") != n)
        return 0;
    *out = strtoll(digits, NULL, 10);
    return *out > 0 && *out <= MICROS_MAX;
}

/* ---- an event ---- */

/* As Google has names of events and parameters: a letter, then letters, digits and "_". What is no
 * ASCII counts as a letter; what is escaped is left to Google. */
static int is_name(const struct otlp_token *t) {
    for (size_t i = 0; i < t->len && !t->has_escape; i++) {
        char c = t->at[i];
        int letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
        if (!letter && (i == 0 || (c != '_' && (c < '0' || c > '9'))))
            return 0;
    }
    return t->len > 0;
}

static const char *check_params(const struct member *m) {
    struct otlp_scan s;
    struct member p;
    struct otlp_token text;
    int n = 0;

    if (!open_object(m->at, m->end, &s))
        return "with params that are no object";
    while (next_member(&s, &p)) {
        if (++n > ENDPOINT_GA4_PARAMS)
            return "with more than " TEXT(ENDPOINT_GA4_PARAMS) " parameters";
        if (length(&p.name) > ENDPOINT_GA4_NAME)
            return "with a parameter name longer than " TEXT(ENDPOINT_GA4_NAME) " characters";
        if (!is_name(&p.name))
            return "with a parameter name that is not of letters, digits and _";
        if (read_string(&p, &text) && length(&text) > ENDPOINT_GA4_VALUE)
            return "with a parameter value longer than " TEXT(ENDPOINT_GA4_VALUE) " characters";
    }
    return NULL;
}

/* One event; why it cannot be sent, as what is said behind a number of them, or NULL; *micros is
 * its own time, 0 where it has none. */
static const char *read_event(const char *at, const char *end, int64_t *micros) {
    struct otlp_scan s;
    struct member m;
    struct otlp_token name;
    const char *why = NULL;
    int named = 0;

    *micros = 0;
    if (!open_object(at, end, &s))
        return "that is no object";
    while (why == NULL && next_member(&s, &m)) {
        if (otlp_scan_means(&m.name, "name")) {
            named = read_string(&m, &name) && name.len > 0;
            if (named && length(&name) > ENDPOINT_GA4_NAME)
                why = "with a name longer than " TEXT(ENDPOINT_GA4_NAME) " characters";
            else if (named && !is_name(&name))
                why = "with a name that is not of letters, digits and _";
        } else if (otlp_scan_means(&m.name, "params")) {
            why = check_params(&m);
        } else if (otlp_scan_means(&m.name, "timestamp_micros") && !read_micros(&m, micros)) {
            why = "with a timestamp_micros that is no time";
        }
    }
    return why != NULL || named ? why : "without a name";
}

/* ---- the record ---- */

static int check_properties(const struct member *m, struct gf_err *e) {
    struct otlp_scan s, inner;
    struct member p, v;
    struct otlp_token text;
    int n = 0;

    if (!open_object(m->at, m->end, &s))
        return gf_err_set(e, GF_E_RECORD, "user_properties is no object");
    while (next_member(&s, &p)) {
        if (++n > ENDPOINT_GA4_PROPERTIES)
            return gf_err_set(e, GF_E_LIMIT, "more than %d user properties",
                              ENDPOINT_GA4_PROPERTIES);
        if (length(&p.name) > ENDPOINT_GA4_PROPERTY_NAME)
            return gf_err_set(e, GF_E_LIMIT,
                              "a user property whose name is longer than %d characters",
                              ENDPOINT_GA4_PROPERTY_NAME);
        if (!open_object(p.at, p.end, &inner))
            return gf_err_set(e, GF_E_RECORD, "a user property that is no object");
        while (next_member(&inner, &v)) {
            if (otlp_scan_means(&v.name, "value") && read_string(&v, &text) &&
                length(&text) > ENDPOINT_GA4_PROPERTY_VALUE)
                return gf_err_set(e, GF_E_LIMIT,
                                  "a user property whose value is longer than %d characters",
                                  ENDPOINT_GA4_PROPERTY_VALUE);
        }
    }
    return 0;
}

/* What the record says of itself. */
struct top {
    struct member events;
    int has_events, has_client;
    int64_t micros; /* of the request; 0: none */
};

static int read_member(const struct member *m, struct top *top, struct endpoint_ga4 *g,
                       struct gf_err *e) {
    struct otlp_token id;

    if (otlp_scan_means(&m->name, "validation_behavior"))
        return 0;
    if (otlp_scan_means(&m->name, "events")) {
        top->events = *m;
        top->has_events = *m->at == '[';
        return 0;
    }
    if (otlp_scan_means(&m->name, "client_id") || otlp_scan_means(&m->name, "app_instance_id"))
        top->has_client |= read_string(m, &id) && id.len > 0;
    if (otlp_scan_means(&m->name, "timestamp_micros") && !read_micros(m, &top->micros))
        return gf_err_set(e, GF_E_RECORD, "its timestamp_micros is no time");
    if (otlp_scan_means(&m->name, "user_properties") && check_properties(m, e) == -1)
        return -1;
    /* With its quotes, as it stands. */
    gf_buf_add(&g->head, m->name.at - 1, (size_t)(m->end - m->name.at) + 1);
    gf_buf_byte(&g->head, ',');
    return 0;
}

/* How many elements there are. */
static size_t count(const struct member *events) {
    struct otlp_scan s = {.at = events->at + 1, .end = events->end};
    size_t n = 0;

    for (; !otlp_scan_take(&s, ']') && otlp_scan_skip(&s) == 0; n++)
        (void)otlp_scan_take(&s, ',');
    return n;
}

static int read_events(const struct top *top, int64_t created, struct endpoint_ga4 *g,
                       struct gf_err *e) {
    struct otlp_scan s = {.at = top->events.at + 1, .end = top->events.end};
    const int64_t last = MICROS_MAX / 1000000;
    const int64_t made = (created < 1 ? 1 : created > last ? last : created) * 1000000;
    const size_t n = count(&top->events);

    g->points = calloc(n + 1, sizeof *g->points);
    g->events = calloc(n + 1, sizeof *g->events);
    if (g->points == NULL || g->events == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for the events of a record");
    for (; g->n < n; g->n++) {
        struct endpoint_ga4_event *event = &g->events[g->n];
        struct batches_point *p = &g->points[g->n];
        int64_t micros;
        (void)otlp_scan_peek(&s);
        event->at = s.at;
        if (otlp_scan_skip(&s) == -1)
            break;
        event->len = (size_t)(s.at - event->at);
        (void)otlp_scan_take(&s, ',');
        p->unfit = read_event(event->at, event->at + event->len, &micros);
        if (micros == 0 && top->micros == 0)
            event->micros = made;
        if (micros == 0)
            micros = top->micros != 0 ? top->micros : event->micros;
        p->time = (uint64_t)micros * 1000;
        /* And the time that is put in, and what parts it from the next one. */
        p->size = event->len + (event->micros != 0 ? sizeof "\"timestamp_micros\":," + 20 : 0) + 1;
        if (p->unfit == NULL && g->head.len + p->size + 2 > ENDPOINT_GA4_BYTES)
            p->unfit = "too large for a request of 130 kB";
    }
    return 0;
}

int endpoint_ga4_read(const char *body, size_t len, int64_t created, struct endpoint_ga4 *out,
                      struct gf_err *e) {
    struct otlp_scan s;
    struct member m;
    struct top top = {.micros = 0};

    *out = (struct endpoint_ga4){.n = 0};
    gf_buf_init(&out->head, ENDPOINT_GA4_BYTES);
    if (gf_json_check_foreign(body, len, "the body", e) == -1)
        return -1;
    if (!open_object(body, body + len, &s))
        return gf_err_set(e, GF_E_RECORD, "no JSON object");
    gf_buf_byte(&out->head, '{');
    while (next_member(&s, &m)) {
        if (read_member(&m, &top, out, e) == -1)
            return -1;
    }
    gf_buf_text(&out->head, "\"validation_behavior\":\"ENFORCE_RECOMMENDATIONS\",\"events\":[");
    if (!top.has_client)
        return gf_err_set(e, GF_E_RECORD, "neither client_id nor app_instance_id");
    if (!top.has_events)
        return gf_err_set(e, GF_E_RECORD, "no list of events");
    if (gf_buf_check(&out->head, "what stands beside the events", e) == -1)
        return -1;
    return read_events(&top, created, out, e);
}

void endpoint_ga4_free(struct endpoint_ga4 *g) {
    gf_buf_free(&g->head);
    free(g->points);
    free(g->events);
    *g = (struct endpoint_ga4){.n = 0};
}

void endpoint_ga4_put(const struct endpoint_ga4 *g, const struct batches_range *events,
                      struct gf_buf *out) {
    gf_buf_add(out, g->head.data, g->head.len);
    for (size_t i = 0; i < events->n; i++) {
        const struct endpoint_ga4_event *event = &g->events[events->point[i]];
        gf_buf_text(out, i > 0 ? "," : "");
        if (event->micros != 0)
            gf_buf_printf(out, "{\"timestamp_micros\":%lld,", (long long)event->micros);
        size_t cut = event->micros != 0;
        gf_buf_add(out, event->at + cut, event->len - cut);
    }
    gf_buf_text(out, "]}");
}
