/*
 * series_name.h -- names of Prometheus' data model out of foreign ones. Text is UTF-8.
 */
#ifndef RELAY_SERIES_NAME_H
#define RELAY_SERIES_NAME_H

#include <stddef.h>

#include "gapferry/buf.h"

/* Append the name of a metric: [a-zA-Z_:][a-zA-Z0-9_:]*, with no two _ in a row. */
void series_name_metric(const char *text, size_t len, struct gf_buf *out);

/* Append the name of a label: [a-zA-Z_][a-zA-Z0-9_]*; what would begin with a digit gets key_
 * before it, what would begin with __, which is Prometheus' own, gets key. */
void series_name_label(const char *text, size_t len, struct gf_buf *out);

/* Add to the name of a metric, which begins at `from` in out, what the specification wants behind
 * it; unit is the metric's, in UCUM. */
void series_name_unit(const char *unit, size_t len, int is_gauge, int is_counter, size_t from,
                      struct gf_buf *out);

#endif
