/*
 * metrics_probe.c -- is it the points that a sink refuses, or every request?
 */
#include "relay/endpoints/metrics_probe.h"

#include <stdio.h>
#include <string.h>

/* ---- words ---- */

static int is_of_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
}

/* How long the word is that begins there; 0: none does. *numbered: it has a digit. */
static size_t word_at(const char *text, int *numbered) {
    size_t n = 0;

    *numbered = 0;
    for (; is_of_word(text[n]); n++)
        *numbered |= text[n] >= '0' && text[n] <= '9';
    return n;
}

int metrics_probe_is_same(const char *a, const char *b) {
    while (*a != '\0' || *b != '\0') {
        int x, y;
        size_t n = word_at(a, &x), m = word_at(b, &y);
        if (x != y || (!x && (n != m || memcmp(a, b, n) != 0)))
            return 0;
        a += n;
        b += m;
        if (*a != *b)
            return 0;
        a += *a != '\0';
        b += *b != '\0';
    }
    return 1;
}

/* ---- verdicts ---- */

/* Give the batch at hand what was said to it. */
static void refuse(const struct metrics_probe *p, struct batches *b) {
    struct batches_range range;

    if (!p->whole)
        batches_refused(b, p->words);
    else if (batches_next(b, &range))
        batches_partial(b, range.n, p->words);
}

void metrics_probe_refused(struct metrics_probe *p, struct batches *b,
                           const struct endpoint_result *r, int whole) {
    p->whole = whole;
    p->status = r->status;
    memcpy(p->words, r->reason, sizeof p->words);
    if (p->at == METRICS_PROBE_NONE && batches_there(b) == 0)
        p->at = METRICS_PROBE_DUE;
    else
        refuse(p, b);
}

int metrics_probe_answer(struct metrics_probe *p, struct batches *b, struct endpoint_result *r) {
    r->guarantee = GF_GUARANTEE_NONE;
    if (r->answer.stage != HTTPS_OK && !r->answer.cut)
        return 0;
    p->at = METRICS_PROBE_OVER;
    if (r->status != p->status || !metrics_probe_is_same(r->reason, p->words)) {
        refuse(p, b);
        return 1;
    }
    r->verdict = ENDPOINT_HELD;
    (void)snprintf(r->reason, sizeof r->reason,
                   "%.700s (it says so to a request without a point as well: not the points are at "
                   "fault, but the url, a header or the encoding of this section)",
                   p->words);
    return 0;
}
