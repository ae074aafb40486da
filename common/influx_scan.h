/*
 * influx_scan.h -- the words of the line protocol, for influx_line.c alone.
 */
#ifndef COMMON_INFLUX_SCAN_H
#define COMMON_INFLUX_SCAN_H

#include "common/influx_line.h"

struct influx_scan {
    const uint8_t *at, *end;
    int in_fields; /* 1: a quote behind an equals sign begins a string */
    struct gf_err *e;
};

static inline size_t influx_scan_length(struct otlp_span span) {
    return (size_t)(span.end - span.at);
}

static inline int influx_scan_next_is(const struct influx_scan *s, uint8_t c) {
    return s->at < s->end && *s->at == c;
}

/* 1 before an LF or CR LF, and at the end of all. */
static inline int influx_scan_at_end(const struct influx_scan *s) {
    return s->at == s->end || *s->at == '\n' ||
           (*s->at == '\r' && s->end - s->at > 1 && s->at[1] == '\n');
}

/* They take what stands at s->at and go past it; on failure s->at is where it was found out.
 * GF_E_RECORD in s->e. */
int influx_scan_bad(const struct influx_scan *s, const char *why);
/* As far as it reaches, perhaps no byte; an equals sign does not end it. */
GF_MUST_CHECK int influx_scan_measurement(struct influx_scan *s, struct otlp_span *out);
GF_MUST_CHECK int influx_scan_tag(struct influx_scan *s, struct influx_tag *out);
GF_MUST_CHECK int influx_scan_field(struct influx_scan *s, struct influx_field *out);
GF_MUST_CHECK int influx_scan_string(struct influx_scan *s, struct otlp_span *out);

/* Past digits; how many there were. */
size_t influx_scan_digits(const uint8_t **at, const uint8_t *end);
/* Digits as a number; 0: it is beyond max. */
int influx_scan_read_digits(struct otlp_span digits, uint64_t max, uint64_t *out);
/* Of a field's value that is a number. */
double influx_scan_read_double(struct otlp_span number);

#endif
