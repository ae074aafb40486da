/*
 * lines.h -- records of metrics as lines of the Influx protocol, with the tags that the relay adds.
 *
 * Lines stay as they are, byte for byte, but for the tags gapferry_site, gapferry_bundle and
 * gapferry_delay_s, which are the relay's own and stand behind the others. Data points of
 * OpenTelemetry become one line each, of nanoseconds:
 *   measurement  the metric's name
 *   tags         attributes of point, scope and resource, with their keys; of one key the first of
 *                these; otel.scope.name, otel.scope.version; otel.temporality=delta where it counts
 *                from report to report
 *   fields       gauge, counter (of a monotonic sum); count, sum, and for each bucket its bound, of
 *                all up to there (0.5=3i, +Inf=6i); of a summary for each quantile its value.
 *                Integers have an i
 */
#ifndef RELAY_LINES_H
#define RELAY_LINES_H

#include "common/otlp.h"
#include "relay/endpoints/metrics.h"
#include "relay/endpoints/pieces.h"

/* The points of a record, each a piece; of lines each line is one. Errors as series_otlp(). */
GF_MUST_CHECK int lines_otlp(const void *data, size_t len, const struct metrics_labels *added,
                             struct pieces *out, struct gf_err *e);
GF_MUST_CHECK int lines_influx(const void *data, size_t len, const struct metrics_labels *added,
                               struct pieces *out, struct gf_err *e);

/* ---- lines_put.c: parts of a line; failures are out's ---- */

/* 1 if a key is one of the relay's own, with _ or . behind gapferry. */
int lines_put_is_own(const char *key, size_t len);

/* Append a name with its escapes: of a measurement (which may hold =) or another. 0; -1: lines
 * cannot hold it (a control character, a backslash before a separator or at the end), and then
 * nothing is appended. */
GF_MUST_CHECK int lines_put_name(const char *text, size_t len, int measurement, struct gf_buf *out);

/* ,gapferry_NAME=VALUE for each; what cannot be held has _ in its place. */
void lines_put_added(const struct metrics_labels *added, struct gf_buf *out);

#endif
