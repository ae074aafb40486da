/*
 * series_back.h -- whether a sink has what it was sent: the lines of Prometheus text that left,
 * against what VictoriaMetrics' /api/v1/export says.
 *
 * Asked is for a few series at a time, within an hour of time, so that an answer has a bound. A
 * sample is there if its series has a sample at its millisecond.
 */
#ifndef RELAY_SERIES_BACK_H
#define RELAY_SERIES_BACK_H

#include "relay/series/series.h"

/* Series of one question, and bytes of its form. */
#define SERIES_BACK_SERIES 500
#define SERIES_BACK_BYTES  (128 << 10)
/* Questions for one record: what is left then counts as there. */
#define SERIES_BACK_QUESTIONS 4000
/* Bytes of an answer. */
#define SERIES_BACK_ANSWER (16 << 20)

struct series_back;

/* Begin with those points (in the form series_text, borrowed until the end) for which sent[i] is 1.
 * GF_E_SYSTEM. Free with series_back_free(), which accepts NULL. */
GF_MUST_CHECK int series_back_new(const struct pieces *p, const unsigned char *sent,
                                  struct series_back **out, struct gf_err *e);
void series_back_free(struct series_back *b);

/* Put the next question into out, as application/x-www-form-urlencoded: 1, the same until it is
 * answered; 0: everything was asked for. */
GF_MUST_CHECK int series_back_next(struct series_back *b, struct gf_buf *out, struct gf_err *e);
/* Its answer, the lines of an export; GF_E_RECORD: that is none. */
GF_MUST_CHECK int series_back_answer(struct series_back *b, const char *data, size_t len,
                                     struct gf_err *e);
/* It was too long: fewer series are asked for. A single one whose answer is too long counts as
 * there. */
void series_back_too_long(struct series_back *b);

/* At the end: points of which a sample is not there. */
uint64_t series_back_missing(struct series_back *b);

#endif
