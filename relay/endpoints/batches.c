/*
 * batches.c -- which data points of a record go to a sink in which requests.
 */
#include "relay/endpoints/batches.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/record.h"
#include "gapferry/text.h"

#define NS    1000000000ULL
#define DAY_S 86400ULL
/* Of a point. */
#define OVER  1
#define TAKEN 2
/* Halves that wait: one for each halving of the batch that is at hand. */
#define HALVES 64

struct reason {
    char words[BATCHES_WORDS];
    uint64_t points;
    int rule; /* 1: the rule of ours that was broken, 0: the sink's words */
};

struct batches {
    struct batches_limits limits;
    const struct batches_point *points;
    uint64_t n;
    int64_t now;
    unsigned char *was; /* for each point: OVER, TAKEN */
    size_t *order;      /* the sendable ones, oldest first; those of the batch at hand ascending */
    size_t left;        /* how many; */
    size_t cut;         /* of them stood in a batch so far */
    struct {
        size_t from, to; /* in order */
    } waiting[HALVES];   /* the last one is at hand */
    size_t nwaiting;
    size_t requests; /* judged so far */
    uint64_t span;   /* between the times of a batch, at most; nanoseconds */
    uint64_t there;
    struct reason reason[BATCHES_REASONS];
    size_t nreasons;
    uint64_t others; /* points refused for further reasons; */
    uint64_t ruled;  /* of them those that never leave */
    uint64_t formless;
    const char *form; /* why, of the first of these */
};

/* ---- counting ---- */

static void refuse(struct batches *b, uint64_t points, const char *words, int rule) {
    char cut[BATCHES_WORDS];
    size_t i = 0;

    if (points == 0)
        return;
    (void)snprintf(cut, sizeof cut, "%.*s", (int)gf_text_fit(words, strlen(words), sizeof cut - 1),
                   words);
    while (i < b->nreasons && (b->reason[i].rule != rule || strcmp(b->reason[i].words, cut) != 0))
        i++;
    if (i == BATCHES_REASONS) {
        b->others += points;
        return;
    }
    if (i == b->nreasons) {
        memcpy(b->reason[i].words, cut, sizeof cut);
        b->reason[i].rule = rule;
        b->reason[i].points = 0;
        b->nreasons++;
    }
    b->reason[i].points += points;
}

/* ---- which may go ---- */

/* A span of the configuration, in the largest unit that has it whole. */
static void write_span(int64_t s, char out[32]) {
    static const struct {
        int64_t s;
        char unit;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    size_t i = 0;

    while (s % units[i].s != 0)
        i++;
    (void)snprintf(out, 32, "%lld%c", (long long)(s / units[i].s), units[i].unit);
}

/* The times between which a point may lie; 0, UINT64_MAX: no bound. */
static uint64_t at(int64_t s, uint64_t none) {
    return s <= 0 || (uint64_t)s > UINT64_MAX / NS ? none : (uint64_t)s * NS;
}

static int compare_times(const void *x, const void *y, void *arg) {
    const struct batches_point *points = arg;
    const size_t a = *(const size_t *)x, b = *(const size_t *)y;

    if (points[a].time != points[b].time)
        return points[a].time < points[b].time ? -1 : 1;
    return (a > b) - (a < b);
}

static void choose(struct batches *b) {
    const int64_t now = b->now;
    const struct batches_limits *l = &b->limits;
    uint64_t first = l->max_age_s > 0 ? at(now - l->max_age_s, 0) : 0;
    uint64_t last = l->max_future_s > 0 && now <= INT64_MAX - l->max_future_s
                        ? at(now + l->max_future_s, UINT64_MAX)
                        : UINT64_MAX;
    const uint64_t before = b->others;
    char span[32], old[64], ahead[64];
    int sorted = 1;

    write_span(l->max_age_s, span);
    (void)snprintf(old, sizeof old, "older than %s", span);
    write_span(l->max_future_s, span);
    (void)snprintf(ahead, sizeof ahead, "more than %s ahead", span);
    for (size_t i = 0; i < b->n; i++) {
        const struct batches_point *p = &b->points[i];
        if (b->was[i] & OVER)
            continue;
        if (p->formless) {
            if (b->formless++ == 0)
                b->form = p->unfit;
        } else if (p->unfit != NULL) {
            refuse(b, 1, p->unfit, 1);
        } else if (p->time != 0 && p->time < first) {
            refuse(b, 1, old, 1);
        } else if (p->time > last) {
            refuse(b, 1, ahead, 1);
        } else {
            sorted = sorted && (b->left == 0 || b->points[b->order[b->left - 1]].time <= p->time);
            b->order[b->left++] = i;
        }
    }
    b->ruled = b->others - before;
    if (!sorted)
        qsort_r(b->order, b->left, sizeof *b->order, compare_times, (void *)(uintptr_t)b->points);
}

int batches_new(const struct batches_limits *limits, const struct batches_point *points, size_t n,
                int64_t now, struct batches **out, struct gf_err *e) {
    struct batches *b = calloc(1, sizeof *b);
    size_t *order = reallocarray(NULL, n > 0 ? n : 1, sizeof *order);
    unsigned char *was = calloc(n > 0 ? n : 1, 1);

    if (b == NULL || order == NULL || was == NULL) {
        free(b);
        free(order);
        free(was);
        return gf_err_set(e, GF_E_SYSTEM, "no memory for the points of a record");
    }
    b->limits = *limits;
    b->points = points;
    b->n = n;
    b->order = order;
    b->was = was;
    b->now = now;
    b->span = DAY_S * NS;
    choose(b);
    *out = b;
    return 0;
}

void batches_free(struct batches *b) {
    if (b != NULL) {
        free(b->order);
        free(b->was);
    }
    free(b);
}

/* ---- batches ---- */

static int compare_indices(const void *x, const void *y) {
    const size_t a = *(const size_t *)x, b = *(const size_t *)y;

    return (a > b) - (a < b);
}

/* As many of the points that come next as one request takes. */
static void cut_next(struct batches *b) {
    size_t from = b->cut, to = from + 1;
    const struct batches_point *first = &b->points[b->order[from]];
    size_t bytes = first->size;

    while (to < b->left && to - from < b->limits.points) {
        const struct batches_point *p = &b->points[b->order[to]];
        if (p->size > b->limits.bytes - (bytes < b->limits.bytes ? bytes : b->limits.bytes) ||
            p->time - first->time > b->span)
            break;
        bytes += p->size;
        to++;
    }
    qsort(b->order + from, to - from, sizeof *b->order, compare_indices);
    b->waiting[0].from = from;
    b->waiting[0].to = b->cut = to;
    b->nwaiting = 1;
}

int batches_next(struct batches *b, struct batches_range *out) {
    if (b->nwaiting == 0 && b->cut < b->left && b->requests >= 2 * b->limits.requests)
        batches_end(b, "beyond the requests that one record may cost");
    if (b->nwaiting == 0 && b->cut == b->left)
        return 0;
    if (b->nwaiting == 0)
        cut_next(b);
    size_t from = b->waiting[b->nwaiting - 1].from;
    out->point = b->order + from;
    out->n = b->waiting[b->nwaiting - 1].to - from;
    return 1;
}

/* The batch at hand is judged; how many points it had. */
static size_t finish(struct batches *b) {
    b->nwaiting--;
    b->requests++;
    return b->waiting[b->nwaiting].to - b->waiting[b->nwaiting].from;
}

/* And its points are over. */
static void close_batch(struct batches *b, unsigned char was) {
    for (size_t i = b->waiting[b->nwaiting].from; i < b->waiting[b->nwaiting].to; i++)
        b->was[b->order[i]] = was;
}

void batches_taken(struct batches *b) {
    if (b->span <= UINT64_MAX / 2)
        b->span *= 2;
    b->there += finish(b);
    close_batch(b, OVER | TAKEN);
}

void batches_partial(struct batches *b, uint64_t refused, const char *words) {
    uint64_t n = finish(b);

    b->span = DAY_S * NS;
    close_batch(b, refused == 0 ? OVER | TAKEN : OVER);
    if (refused > n)
        refused = n;
    b->there += n - refused;
    refuse(b, refused, words, 0);
}

void batches_refused(struct batches *b, const char *words) {
    size_t n = finish(b);
    b->span = DAY_S * NS;
    size_t from = b->waiting[b->nwaiting].from, to = b->waiting[b->nwaiting].to;

    if (n == 1 || b->requests >= b->limits.requests || b->nwaiting + 2 > HALVES) {
        refuse(b, n, words, 0);
        close_batch(b, OVER);
        return;
    }
    b->waiting[b->nwaiting].from = from + n / 2; /* the earlier half goes first */
    b->waiting[b->nwaiting++].to = to;
    b->waiting[b->nwaiting].from = from;
    b->waiting[b->nwaiting++].to = from + n / 2;
}

void batches_missing(struct batches *b, uint64_t points, const char *words) {
    if (points > b->there)
        points = b->there;
    b->there -= points;
    refuse(b, points, words, 0);
}

void batches_end(struct batches *b, const char *rule) {
    uint64_t n = b->left - b->cut;

    while (b->nwaiting > 0) {
        b->nwaiting--;
        n += b->waiting[b->nwaiting].to - b->waiting[b->nwaiting].from;
    }
    refuse(b, n, rule, 1);
    b->cut = b->left;
}

/* ---- from one try to the next ----
 *
 * "1 POINTS REQUESTS THERE OTHERS\n", for each reason "POINTS WORDS\n", "\n", and two bits for each
 * point. What never leaves is not in it: that is found again.
 */

void batches_progress(const struct batches *b, struct gf_buf *out) {
    if (b->requests == 0)
        return;
    gf_buf_printf(out, "1 %llu %zu %llu %llu\n", (unsigned long long)b->n, b->requests,
                  (unsigned long long)b->there, (unsigned long long)(b->others - b->ruled));
    for (size_t i = 0; i < b->nreasons; i++) {
        if (!b->reason[i].rule)
            gf_buf_printf(out, "%llu %s\n", (unsigned long long)b->reason[i].points,
                          b->reason[i].words);
    }
    gf_buf_byte(out, '\n');
    for (size_t i = 0; i < b->n; i += 4) {
        unsigned bits = 0;
        for (size_t k = 0; k < 4 && i + k < b->n; k++)
            bits |= (unsigned)b->was[i + k] << 2 * k;
        gf_buf_byte(out, (char)bits);
    }
}

/* A number and what stands behind it; NULL: there is none, or a larger one. */
static const char *read_number(const char *at, const char *end, uint64_t max, char behind,
                               uint64_t *out) {
    uint64_t n = 0;
    const char *from = at;

    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        if (n > (UINT64_MAX - 9) / 10)
            return NULL;
        n = 10 * n + (uint64_t)(*at - '0');
    }
    if (at == from || n > max || at == end || *at != behind)
        return NULL;
    *out = n;
    return at + 1;
}

/* The head and the reasons, into b; where the bits begin, or NULL. */
static const char *read_head(struct batches *b, const char *at, const char *end) {
    const uint64_t any = UINT32_MAX;
    char words[BATCHES_WORDS];
    uint64_t version, points, requests, n;

    if ((at = read_number(at, end, 1, ' ', &version)) == NULL || version != 1 ||
        (at = read_number(at, end, b->n, ' ', &points)) == NULL || points != b->n ||
        (at = read_number(at, end, any, ' ', &requests)) == NULL ||
        (at = read_number(at, end, b->n, ' ', &b->there)) == NULL ||
        (at = read_number(at, end, b->n - b->there, '\n', &b->others)) == NULL)
        return NULL;
    b->requests = (size_t)requests;
    uint64_t left = b->n - b->there - b->others;
    while (at < end && *at != '\n') {
        const char *lf;
        if ((at = read_number(at, end, left, ' ', &n)) == NULL ||
            (lf = memchr(at, '\n', (size_t)(end - at))) == NULL ||
            (size_t)(lf - at) >= sizeof words || memchr(at, '\0', (size_t)(lf - at)) != NULL)
            return NULL;
        (void)snprintf(words, sizeof words, "%.*s", (int)(lf - at), at);
        refuse(b, n, words, 0);
        left -= n;
        at = lf + 1;
    }
    return at < end ? at + 1 : NULL;
}

int batches_resume(struct batches *b, const void *data, size_t len, struct gf_err *e) {
    const char *at = data, *end = at + len;
    struct batches was = *b;

    b->nreasons = 0;
    b->others = 0;
    b->formless = 0;
    at = read_head(b, at, end);
    if (at == NULL || (size_t)(end - at) != (b->n + 3) / 4) {
        *b = was;
        return gf_err_set(e, GF_E_DAMAGED,
                          "what is known of an earlier try does not fit its points");
    }
    for (size_t i = 0; i < b->n; i++) {
        unsigned bits = (unsigned char)at[i / 4] >> 2 * (i % 4);
        b->was[i] = bits & OVER ? bits & (OVER | TAKEN) : 0;
    }
    b->left = 0;
    choose(b);
    return 0;
}

int batches_has(const struct batches *b, size_t point) {
    return (b->was[point] & TAKEN) != 0;
}

/* ---- the end ---- */

uint64_t batches_there(const struct batches *b) {
    return b->there;
}

int batches_verdict(const struct batches *b, char reason[GF_REASON_MAX + 1]) {
    char text[(BATCHES_REASONS + 1) * (BATCHES_WORDS + 32) + 128];
    uint64_t refused = b->others;

    for (size_t i = 0; i < b->nreasons; i++)
        refused += b->reason[i].points;
    if (refused == 0 && (b->formless == 0 || b->there > 0)) {
        reason[0] = '\0';
        if (b->formless > 0)
            (void)snprintf(reason, GF_REASON_MAX + 1, GF_REASON_LEFT_OUT "%llu of %llu points: %s",
                           (unsigned long long)b->formless, (unsigned long long)b->n, b->form);
        return 1;
    }
    refused += b->formless;
    size_t n = (size_t)snprintf(text, sizeof text,
                                "%llu of %llu point%s refused:", (unsigned long long)refused,
                                (unsigned long long)b->n, b->n == 1 ? "" : "s");
    if (b->formless > 0)
        n += (size_t)snprintf(text + n, sizeof text - n, " %llu %.*s%s",
                              (unsigned long long)b->formless, BATCHES_WORDS, b->form,
                              b->nreasons > 0 ? ";" : "");
    for (size_t i = 0; i < b->nreasons; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s %llu%s %s", i > 0 ? ";" : "",
                              (unsigned long long)b->reason[i].points, b->reason[i].rule ? "" : ":",
                              b->reason[i].words);
    if (b->others > 0)
        (void)snprintf(text + n, sizeof text - n, "; %llu for other reasons",
                       (unsigned long long)b->others);
    n = gf_text_fit(text, strlen(text), GF_REASON_MAX);
    memcpy(reason, text, n);
    reason[n] = '\0';
    return b->there > 0;
}
