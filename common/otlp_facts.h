/*
 * otlp_facts.h -- what is known of the metrics in a record, as it stands in the record's `ext`
 * (docs/bundle-format.md, section 10.2).
 */
#ifndef COMMON_OTLP_FACTS_H
#define COMMON_OTLP_FACTS_H

#include "common/otlp.h"

/* Append the member "metrics":{"points":N,"from":TIME,"to":TIME,"delta":false}, without from and to
 * where no point names a time; less than 160 bytes. Failure is the buffer's. */
void otlp_facts_put(const struct otlp_facts *f, struct gf_buf *out);

#endif
