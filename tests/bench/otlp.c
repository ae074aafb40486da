/*
 * otlp.c -- how fast requests of OpenTelemetry metrics are checked, redacted, split, selected and
 * converted, beside memcpy() of the same request in the same run.
 *
 *   bench-otlp [POINTS [ROUNDS]]
 *
 * A request of POINTS points with five attributes each, one of them denied. Rounds of all jobs are
 * interleaved; a job's time is the processor's, the median of its rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/otlp_json.h"
#include "common/otlp_redact.h"
#include "common/otlp_select.h"
#include "common/otlp_split.h"
#include "support/otlp_make.h"

#define ROUNDS_MAX 999

struct bench {
    struct gf_buf request, json, out;
    struct otlp_deny *deny;
    char *copy;
    uint8_t *half; /* a bit for each point: every other one */
};

static void build(struct gf_buf *b, unsigned points) {
    struct make_open o = make_begin(b, OTLP_METRIC_SUM);
    char text[64];

    for (unsigned i = 0; i < points; i++) {
        size_t point = otlp_put_open(b, OTLP_POINTS);
        otlp_put_eight(b, OTLP_POINT_START, 1700000000000000000U);
        otlp_put_eight(b, OTLP_POINT_TIME, 1700000000000000000U + i);
        otlp_put_eight(b, OTLP_POINT_INT, i);
        make_attribute(b, 7, "http.request.method", i % 3 ? "GET" : "POST");
        (void)snprintf(text, sizeof text, "/api/v1/items/%u", i % 40);
        make_attribute(b, 7, "http.route", text);
        (void)snprintf(text, sizeof text, "192.0.2.%u", i % 250);
        make_attribute(b, 7, "client.address", text);
        make_attribute(b, 7, "http.response.status_code", i % 50 ? "200" : "404");
        make_attribute(b, 7, "url.scheme", "https");
        otlp_put_close(b, point);
    }
    make_end(b, o);
}

static int run_check(struct bench *b) {
    struct otlp_facts facts;
    struct gf_err e;
    return otlp_check(b->request.data, b->request.len, &facts, &e);
}

static int run_redact(struct bench *b) {
    struct otlp_redacted gone = {.total = 0};
    struct gf_err e;
    b->out.len = 0;
    return otlp_redact(b->request.data, b->request.len, b->deny, &b->out, &gone, NULL, &e) == 1
               ? 0
               : -1;
}

static int run_json_check(struct bench *b) {
    struct otlp_facts facts;
    struct gf_err e;
    return otlp_json_check(b->json.data, b->json.len, &facts, &e);
}

static int run_json_redact(struct bench *b) {
    struct otlp_redacted gone = {.total = 0};
    struct gf_err e;
    b->out.len = 0;
    int rc = otlp_json_redact(b->json.data, b->json.len, b->deny, &b->out, &gone, NULL, &e);
    return rc == 1 ? 0 : -1;
}

static int run_to_json(struct bench *b) {
    struct gf_err e;
    b->out.len = 0;
    return otlp_json_from_protobuf(b->request.data, b->request.len, 0, &b->out, &e);
}

static int run_to_protobuf(struct bench *b) {
    struct gf_err e;
    b->out.len = 0;
    return otlp_json_to_protobuf(b->json.data, b->json.len, &b->out, &e);
}

static int run_split(struct bench *b) {
    struct otlp_split *s = NULL;
    struct gf_err e;
    uint64_t points;
    int rc = otlp_split_new(b->request.data, b->request.len, 1 << 18, UINT64_MAX, &s, &e);
    if (rc == -1)
        return -1;
    do
        b->out.len = 0;
    while ((rc = otlp_split_next(s, &b->out, &points, &e)) == 1);
    otlp_split_free(s);
    return rc;
}

/* Every other point, and an attribute for the resource. */
static int run_select(struct bench *b) {
    static const struct otlp_select_attribute site = {.key = "gapferry.site", .text = "Plant 7"};
    struct gf_err e;
    b->out.len = 0;
    return otlp_select(
        b->request.data, b->request.len,
        &(struct otlp_select){
            .to = UINT64_MAX, .bits = b->half, .attributes = &site, .nattributes = 1},
        &b->out, &e);
}

static int run_memcpy(struct bench *b) {
    memcpy(b->copy, b->request.data, b->request.len);
    __asm__ volatile("" : : "r"(b->copy) : "memory");
    return 0;
}

static const struct {
    const char *name;
    int (*run)(struct bench *);
    int json; /* its input, by whose bytes it is measured */
} jobs[] = {{"memcpy", run_memcpy, 0},
            {"check", run_check, 0},
            {"redact", run_redact, 0},
            {"split, 256 KiB", run_split, 0},
            {"select", run_select, 0},
            {"to JSON", run_to_json, 0},
            {"JSON check", run_json_check, 1},
            {"JSON redact", run_json_redact, 1},
            {"JSON to protobuf", run_to_protobuf, 1}};
#define JOBS (sizeof jobs / sizeof *jobs)

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
    static double times[JOBS][ROUNDS_MAX];
    unsigned points = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 10000;
    int rounds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 101, rc = 1;
    struct bench b = {.deny = NULL};
    struct gf_err e = {.text = "out of memory"};
    double memcpy_rate = 0;
    size_t entries = 0;

    gf_buf_init(&b.request, OTLP_MAX);
    gf_buf_init(&b.json, OTLP_MAX);
    gf_buf_init(&b.out, OTLP_MAX);
    build(&b.request, points);
    while (otlp_deny_default[entries] != NULL)
        entries++;
    if (points == 0 || rounds < 1 || rounds > ROUNDS_MAX || b.request.failed ||
        (b.copy = malloc(b.request.len)) == NULL || (b.half = malloc(points / 8 + 1)) == NULL ||
        otlp_json_from_protobuf(b.request.data, b.request.len, 0, &b.json, &e) == -1 ||
        otlp_deny_new(otlp_deny_default, entries, &b.deny, &e) == -1) {
        (void)fprintf(stderr, "otlp: points or rounds out of range, or %s\n", e.text);
        goto out;
    }
    memset(b.half, 0x55, points / 8 + 1);
    for (int r = -1; r < rounds; r++) { /* the first round warms up */
        for (size_t j = 0; j < JOBS; j++) {
            double from = now();
            if (jobs[j].run(&b) == -1) {
                (void)fprintf(stderr, "otlp: %s failed\n", jobs[j].name);
                goto out;
            }
            if (r >= 0)
                times[j][r] = now() - from;
        }
    }
    printf("%u points, %zu bytes of protobuf, %zu of JSON\n", points, b.request.len, b.json.len);
    for (size_t j = 0; j < JOBS; j++) {
        qsort(times[j], (size_t)rounds, sizeof times[j][0], compare);
        double rate = (double)(jobs[j].json ? b.json.len : b.request.len) / times[j][rounds / 2];
        memcpy_rate = j == 0 ? rate : memcpy_rate;
        printf("%-16s %8.0f MB/s  %6.3f of memcpy\n", jobs[j].name, rate / 1e6, rate / memcpy_rate);
    }
    rc = 0;
out:
    free(b.copy);
    free(b.half);
    otlp_deny_free(b.deny);
    gf_buf_free(&b.request);
    gf_buf_free(&b.json);
    gf_buf_free(&b.out);
    return rc;
}
