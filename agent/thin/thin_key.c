/*
 * thin_key.c -- what makes two points the same series.
 */
#include "agent/thin/thin_key.h"

#include <stdlib.h>
#include <string.h>

#include "gapferry/digest.h"

void thin_key_open(struct thin_key *k) {
    gf_buf_init(&k->text, OTLP_MAX);
    k->n = 0;
}

void thin_key_close(struct thin_key *k) {
    gf_buf_free(&k->text);
}

void thin_key_clear(struct thin_key *k) {
    gf_buf_clear(&k->text);
    k->n = 0;
}

void thin_key_number(struct thin_key *k, uint64_t n) {
    gf_buf_add(&k->text, &n, sizeof n);
}

void thin_key_bytes(struct thin_key *k, struct otlp_span bytes) {
    const size_t len = (size_t)(bytes.end - bytes.at);

    thin_key_number(k, len);
    gf_buf_add(&k->text, bytes.at, len);
}

static int compare_spans(struct otlp_span a, struct otlp_span b) {
    const size_t la = (size_t)(a.end - a.at), lb = (size_t)(b.end - b.at);
    const size_t least = la < lb ? la : lb;
    int c = least > 0 ? memcmp(a.at, b.at, least) : 0;

    return c != 0 ? c : (la > lb) - (la < lb);
}

static int compare_parts(const void *a, const void *b) {
    const struct thin_key_part *x = a, *y = b;
    int c = compare_spans(x->name, y->name);

    return c != 0 ? c : compare_spans(x->value, y->value);
}

void thin_key_sorted(struct thin_key *k) {
    qsort(k->parts, k->n, sizeof *k->parts, compare_parts);
    for (size_t i = 0; i < k->n; i++) {
        thin_key_bytes(k, k->parts[i].name);
        thin_key_bytes(k, k->parts[i].value);
    }
    k->n = 0;
}

void thin_key_part(struct thin_key *k, struct otlp_span name, struct otlp_span value) {
    if (k->n == THIN_KEY_PARTS)
        thin_key_sorted(k);
    k->parts[k->n++] = (struct thin_key_part){name, value};
}

void thin_key_digest(struct thin_key *k, struct gf_id *out) {
    gf_digest_128(k->text.data ? k->text.data : "", k->text.len, out);
}
