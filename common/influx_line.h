/*
 * influx_line.h -- the Influx line protocol: one line after the other, each with some fields of one
 * measurement at one time.
 *
 *   struct influx_lines it;
 *   struct influx_line line;
 *   influx_line_open(&it, data, len, INFLUX_LINE_NS);
 *   while ((rc = influx_line_next(&it, &line, e)) != 0)
 *       if (rc == -1) ...  line it.number is not well-formed: *e says why
 *
 * Nothing is allocated; all spans are borrowed from the text.
 *
 * Read as InfluxDB 1.x reads it (docs.influxdata.com, "Line protocol reference"; measured against
 * 1.6.7: an LF within a string does not end a line, quotes mean nothing outside of strings, a point
 * of data is a field's value), with the unsigned integers and the CR LF of 2.x. Narrowed where two
 * readers could see two things, so that a rule about names cannot be passed: text is UTF-8 without
 * NUL; outside of strings there are no control characters; an even number of backslashes before a
 * comma, an equals sign or a blank (they may be pairs, or the last one may be an escape) and a
 * quote in the name of a field are refused; so are a string with something behind it, and times
 * before 1970. A tag occurs once; of a field that occurs twice readers take the last.
 */
#ifndef COMMON_INFLUX_LINE_H
#define COMMON_INFLUX_LINE_H

#include "common/otlp.h"

/* Bytes of a line: of one that is all escapes in JSON a record still holds the whole. */
#define INFLUX_LINE_MAX   131072
#define INFLUX_TAGS_MAX   128
#define INFLUX_FIELDS_MAX 4096
#define INFLUX_NUMBER_MAX 400 /* bytes: every double fits without an exponent */

/* Media type of a record of lines, each of which has a time in nanoseconds. */
#define INFLUX_LINE_TYPE "text/x-influx-line"

#define INFLUX_LINE_NS 1 /* a unit of times: nanoseconds */

enum influx_kind {
    INFLUX_FLOAT,
    INFLUX_INTEGER,
    INFLUX_UNSIGNED,
    INFLUX_STRING,
    INFLUX_BOOLEAN,
};

struct influx_line {
    uint64_t number;      /* from 1: which line of the text it begins in */
    struct otlp_span all; /* from its first byte that is no blank, with its LF where it has one */
    struct otlp_span series; /* measurement and tags, as one */
    struct otlp_span measurement;
    struct otlp_span tags;   /* KEY=VALUE,...; empty: none. For influx_line_tag() */
    struct otlp_span fields; /* KEY=VALUE,... For influx_line_field() */
    struct otlp_span stamp;  /* digits; empty: none */
    uint64_t time;           /* nanoseconds since 1970; 0 without a stamp */
    unsigned ntags, nfields; /* nfields >= 1 */
    unsigned nstrings;       /* of the fields */
};

/* On the caller's stack. */
struct influx_lines {
    const uint8_t *at, *end;
    uint64_t number; /* of the line that was read last */
    uint64_t next;   /* of the one at `at` */
    uint64_t unit;
};

/* Begin; unit: how many nanoseconds times in it count, at least 1. */
void influx_line_open(struct influx_lines *it, const void *data, size_t len, uint64_t unit);

/* 1 and the next line; 0 at the end; -1: a line is not well-formed, GF_E_RECORD or GF_E_LIMIT with
 * words that do not name its number, and the next call goes on behind it. Comments and blank lines
 * are passed. What follows a string that does not end is not read as lines. */
GF_MUST_CHECK int influx_line_next(struct influx_lines *it, struct influx_line *out,
                                   struct gf_err *e);

/* The nanoseconds that a precision of /write counts: n, ns, u, us, ms, s, m, h; 0 for others. */
uint64_t influx_line_unit(const char *precision);

/* ---- the parts of a line ---- */

struct influx_tag {
    struct otlp_span all, key, value; /* key and value as they stand: for INFLUX_NAME */
};

struct influx_field {
    struct otlp_span all, key; /* key: INFLUX_NAME */
    enum influx_kind kind;
    struct otlp_span value; /* of a string without its quotes: INFLUX_QUOTED; of an integer without
                             * its i or u */
};

/* Take the first from *left, which begins as a line's `tags` or `fields`: 1, or 0 at the end. */
int influx_line_tag(struct otlp_span *left, struct influx_tag *out);
int influx_line_field(struct otlp_span *left, struct influx_field *out);

/* Of a field that is no string: a boolean is 0 or 1. */
double influx_line_double(const struct influx_field *f);

/* A name is that of a measurement, too. */
enum influx_text { INFLUX_NAME, INFLUX_QUOTED };

/* Append what a span means, without its escapes. A failure is out's. */
void influx_line_text(struct otlp_span span, enum influx_text what, struct gf_buf *out);

/* ---- a whole text ---- */

/* Add a line to what a text holds: points are values of fields, delta stays as it is. */
void influx_line_count(const struct influx_line *line, struct otlp_facts *facts);

/* Check that every line is well-formed, and count all; *out may be NULL. Errors: those of
 * influx_line_next(), with the line's number. */
GF_MUST_CHECK int influx_line_check(const void *data, size_t len, uint64_t unit,
                                    struct otlp_facts *out, struct gf_err *e);

/* How many bytes of a text that was checked go into one record: of whole lines as many as take at
 * most `room` bytes of a string in JSON, but at least the first. 0: the text is empty. */
size_t influx_line_cut(const void *data, size_t len, size_t room);

#endif
