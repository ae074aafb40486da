/*
 * otlp_facts.c -- what is known of the metrics in a record, as text.
 */
#include "common/otlp_facts.h"

#include <inttypes.h>
#include <string.h>

#include "gapferry/text.h"

#define SECOND 1000000000U /* nanoseconds */

/* RFC 3339 with nine digits behind the seconds. */
static void put_time(struct gf_buf *out, const char *name, uint64_t ns) {
    char text[GF_TIME_TEXT];

    gf_text_time((int64_t)(ns / SECOND), text);
    text[strcspn(text, "Z")] = '\0';
    gf_buf_printf(out, ",\"%s\":\"%s.%09uZ\"", name, text, (unsigned)(ns % SECOND));
}

void otlp_facts_put(const struct otlp_facts *f, struct gf_buf *out) {
    gf_buf_printf(out, "\"metrics\":{\"points\":%" PRIu64, f->points);
    if (f->latest != 0) {
        put_time(out, "from", f->earliest);
        put_time(out, "to", f->latest);
    }
    gf_buf_printf(out, ",\"delta\":%s}", f->delta ? "true" : "false");
}
