/*
 * thin_key.h -- what makes two points the same series: a text that is the same for both, whatever
 * the order of their attributes.
 */
#ifndef AGENT_THIN_KEY_H
#define AGENT_THIN_KEY_H

#include "common/otlp.h"
#include "gapferry/text.h"

#define THIN_KEY_PARTS 128 /* sorted at once; of more only each such group is */

/* Begin with thin_key_open(); a failure is `text`'s. */
struct thin_key {
    struct gf_buf text;
    struct thin_key_part {
        struct otlp_span name, value;
    } parts[THIN_KEY_PARTS];
    size_t n;
};

void thin_key_open(struct thin_key *k);
void thin_key_close(struct thin_key *k);

/* Forget all, for the next one. */
void thin_key_clear(struct thin_key *k);
/* Append: a number; bytes with their length, so that no two rows of bytes run together. */
void thin_key_number(struct thin_key *k, uint64_t n);
void thin_key_bytes(struct thin_key *k, struct otlp_span bytes);
/* Collect an attribute; they are appended in their order by thin_key_sorted(). */
void thin_key_part(struct thin_key *k, struct otlp_span name, struct otlp_span value);
void thin_key_sorted(struct thin_key *k);

/* What stands for the text. */
void thin_key_digest(struct thin_key *k, struct gf_id *out);

#endif
