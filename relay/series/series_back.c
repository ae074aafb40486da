/*
 * series_back.c -- whether a sink has what it was sent.
 */
#include "relay/series/series_back.h"

#include <stdlib.h>
#include <string.h>

#include "common/otlp_scan.h"
#include "gapferry/text.h"

#define MS_OF_WINDOW 3600000
#define KEY_MAX      (4 << 20) /* bytes of a series' name and labels */

struct sent {
    const char *key;
    size_t len;
    int64_t ms;
    size_t point;
    int there;
};

struct series_back {
    struct sent *list; /* by window, then key, then time */
    size_t n;
    size_t from, to; /* of the question at hand */
    size_t series;   /* of a question, at most */
    size_t answered; /* questions */
};

static int compare_keys(const struct sent *a, const struct sent *b) {
    int rc = memcmp(a->key, b->key, a->len < b->len ? a->len : b->len);

    return rc != 0 ? rc : (a->len > b->len) - (a->len < b->len);
}

static int compare(const void *x, const void *y) {
    const struct sent *a = x, *b = y;
    int64_t u = a->ms / MS_OF_WINDOW, v = b->ms / MS_OF_WINDOW;

    if (u != v)
        return u < v ? -1 : 1;
    int rc = compare_keys(a, b);
    return rc != 0 ? rc : (a->ms > b->ms) - (a->ms < b->ms);
}

/* ---- what was sent ---- */

/* A line is KEY VALUE MS; blanks stand in values of labels, too. */
static void read_line(const char *line, const char *end, size_t point, struct sent *out) {
    const char *stamp = memrchr(line, ' ', (size_t)(end - line));
    const char *value = stamp != NULL ? memrchr(line, ' ', (size_t)(stamp - line)) : NULL;

    *out = (struct sent){.key = line,
                         .len = value != NULL ? (size_t)(value - line) : 0,
                         .ms = stamp != NULL ? strtoll(stamp, NULL, 10) : 0,
                         .point = point};
}

static size_t count_lines(const struct pieces *p, const unsigned char *sent) {
    size_t n = 0;

    for (size_t i = 0; i < p->n; i++) {
        const char *at = p->bytes.data + p->at[i];
        for (size_t k = 0; sent[i] && k < p->point[i].size; k++)
            n += at[k] == '\n';
    }
    return n;
}

int series_back_new(const struct pieces *p, const unsigned char *sent, struct series_back **out,
                    struct gf_err *e) {
    struct series_back *b = calloc(1, sizeof *b);
    size_t n = p->n > 0 ? count_lines(p, sent) : 0;

    if (b != NULL)
        b->list = reallocarray(NULL, n + 1, sizeof *b->list);
    if (b == NULL || b->list == NULL) {
        free(b);
        return gf_err_set(e, GF_E_SYSTEM, "no memory to ask for what was sent");
    }
    for (size_t i = 0; i < p->n; i++) {
        const char *at = p->bytes.data + p->at[i], *end = at + p->point[i].size, *lf;
        for (; sent[i] && at < end && (lf = memchr(at, '\n', (size_t)(end - at))) != NULL;
             at = lf + 1)
            read_line(at, lf, i, &b->list[b->n++]);
    }
    qsort(b->list, b->n, sizeof *b->list, compare);
    b->series = SERIES_BACK_SERIES;
    *out = b;
    return 0;
}

void series_back_free(struct series_back *b) {
    if (b != NULL)
        free(b->list);
    free(b);
}

/* ---- questions ---- */

static void put_encoded(const char *text, size_t len, struct gf_buf *out) {
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            c == '_') {
            gf_buf_byte(out, (char)c);
        } else {
            gf_buf_byte(out, '%');
            gf_buf_byte(out, digits[c >> 4]);
            gf_buf_byte(out, digits[c & 15]);
        }
    }
}

static int is_same_series(const struct sent *a, const struct sent *b) {
    return compare_keys(a, b) == 0;
}

int series_back_next(struct series_back *b, struct gf_buf *out, struct gf_err *e) {
    size_t series = 0, at = b->from;

    if (at == b->n)
        return 0;
    const struct sent *first = &b->list[at];
    int64_t since = first->ms, until = first->ms;
    gf_buf_clear(out);
    for (; at < b->n && b->list[at].ms / MS_OF_WINDOW == first->ms / MS_OF_WINDOW; at++) {
        const struct sent *s = &b->list[at];
        if (at == b->from || !is_same_series(s, s - 1)) {
            if (series == b->series || (series > 0 && out->len > SERIES_BACK_BYTES))
                break;
            gf_buf_text(out, "match%5B%5D=");
            put_encoded(s->key, s->len, out);
            gf_buf_byte(out, '&');
            series++;
        }
        since = s->ms < since ? s->ms : since;
        until = s->ms > until ? s->ms : until;
    }
    b->to = at;
    gf_buf_printf(out, "start=%lld.%03d&end=%lld.%03d", (long long)(since / 1000),
                  (int)(since % 1000), (long long)(until / 1000), (int)(until % 1000));
    return gf_buf_check(out, "a question", e) == -1 ? -1 : 1;
}

static void answered(struct series_back *b) {
    b->from = b->to;
    b->series = SERIES_BACK_SERIES;
    if (++b->answered < SERIES_BACK_QUESTIONS)
        return;
    for (; b->from < b->n; b->from++)
        b->list[b->from].there = 1;
}

void series_back_too_long(struct series_back *b) {
    size_t series = 1;

    for (size_t i = b->from + 1; i < b->to; i++)
        series += !is_same_series(&b->list[i], &b->list[i - 1]);
    if (series > 1 && ++b->answered < SERIES_BACK_QUESTIONS) {
        b->series = series / 2;
        return;
    }
    for (size_t i = b->from; i < b->to; i++)
        b->list[i].there = 1;
    answered(b);
}

/* ---- answers ---- */

/* One of them: {"metric": {...}, "values": [...], "timestamps": [...]}. */
struct line {
    struct {
        size_t name, name_len, value, value_len; /* in text */
    } at[SERIES_LABELS_MAX + 1];
    struct series_label label[SERIES_LABELS_MAX + 1];
    size_t n;
    struct gf_buf text; /* what the labels mean */
    struct gf_buf key;
};

static const char metric[] = "__name__";

static int compare_labels(const void *x, const void *y) {
    const struct series_label *a = x, *b = y;
    int rc = memcmp(a->name, b->name, a->name_len < b->name_len ? a->name_len : b->name_len);

    return rc != 0 ? rc : (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

/* What a string means goes into text; where, and how long it is. */
static int put_meaning(struct line *l, const struct otlp_token *t, size_t *at, size_t *len) {
    char *to = gf_buf_grow(&l->text, t->len + 1);

    if (to == NULL)
        return -1;
    *at = l->text.len;
    *len = otlp_scan_meaning(t, to);
    to[*len] = '\0';
    l->text.len += *len + 1;
    return 0;
}

/* {"name":"value",...}; the metric's name is one of them: *name is its place. */
static int read_labels(struct otlp_scan *s, struct line *l, size_t *name) {
    struct otlp_token key, value;

    if (!otlp_scan_take(s, '{'))
        return -1;
    for (size_t i = 0; !otlp_scan_take(s, '}'); i++) {
        if ((i > 0 && !otlp_scan_take(s, ',')) || otlp_scan_string(s, &key) == -1 ||
            !otlp_scan_take(s, ':') || otlp_scan_string(s, &value) == -1 ||
            l->n == SERIES_LABELS_MAX + 1 ||
            put_meaning(l, &key, &l->at[l->n].name, &l->at[l->n].name_len) == -1 ||
            put_meaning(l, &value, &l->at[l->n].value, &l->at[l->n].value_len) == -1)
            return -1;
        if (otlp_scan_means(&key, metric))
            *name = l->at[l->n].value;
        else
            l->n++;
    }
    return 0;
}

/* The series of a line, as series_text_key() has it. */
static int read_metric(struct otlp_scan *s, struct line *l) {
    size_t name = 0;

    l->n = 0;
    gf_buf_clear(&l->text);
    gf_buf_clear(&l->key);
    gf_buf_byte(&l->text, '\0'); /* no name */
    if (l->text.failed || read_labels(s, l, &name) == -1)
        return -1;
    for (size_t i = 0; i < l->n; i++)
        l->label[i] = (struct series_label){.name = l->text.data + l->at[i].name,
                                            .name_len = l->at[i].name_len,
                                            .value = l->text.data + l->at[i].value,
                                            .value_len = l->at[i].value_len};
    qsort(l->label, l->n, sizeof *l->label, compare_labels);
    const struct series_sample sample = {
        .name = l->text.data + name, .suffix = "", .label = l->label, .nlabels = l->n};
    series_text_key(&sample, &l->key);
    return l->key.failed ? -1 : 0;
}

/* Values are passed as they are: infinity is no JSON. */
static int skip_values(struct otlp_scan *s) {
    if (!otlp_scan_take(s, '['))
        return -1;
    const char *end = memchr(s->at, ']', (size_t)(s->end - s->at));
    if (end == NULL)
        return -1;
    s->at = end + 1;
    return 0;
}

static void mark(struct series_back *b, const struct line *l, int64_t ms) {
    if (l->key.len == 0 || ms < 0)
        return;
    const struct sent wanted = {.key = l->key.data, .len = l->key.len, .ms = ms};
    size_t from = b->from, to = b->to;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (compare(&b->list[middle], &wanted) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    for (; from < b->to && compare(&b->list[from], &wanted) == 0; from++)
        b->list[from].there = 1;
}

/* Of a time, or something that is none: -1. */
static int64_t integer_of(const struct otlp_token *t) {
    int64_t v = 0;

    for (size_t i = 0; i < t->len; i++) {
        if (t->at[i] < '0' || t->at[i] > '9' || v > INT64_MAX / 100)
            return -1;
        v = 10 * v + (t->at[i] - '0');
    }
    return v;
}

static int read_times(struct series_back *b, struct otlp_scan *s, const struct line *l) {
    struct otlp_token number;

    if (!otlp_scan_take(s, '['))
        return -1;
    for (size_t i = 0; !otlp_scan_take(s, ']'); i++) {
        if ((i > 0 && !otlp_scan_take(s, ',')) || otlp_scan_number(s, &number) == -1)
            return -1;
        mark(b, l, integer_of(&number));
    }
    return 0;
}

static int read_series(struct series_back *b, struct otlp_scan *s, struct line *l) {
    struct otlp_token name;

    gf_buf_clear(&l->key);
    if (!otlp_scan_take(s, '{'))
        return -1;
    for (size_t i = 0; !otlp_scan_take(s, '}'); i++) {
        if ((i > 0 && !otlp_scan_take(s, ',')) || otlp_scan_string(s, &name) == -1 ||
            !otlp_scan_take(s, ':'))
            return -1;
        int rc = otlp_scan_means(&name, "metric")       ? read_metric(s, l)
                 : otlp_scan_means(&name, "values")     ? skip_values(s)
                 : otlp_scan_means(&name, "timestamps") ? read_times(b, s, l)
                                                        : otlp_scan_skip(s);
        if (rc == -1)
            return -1;
    }
    return 0;
}

int series_back_answer(struct series_back *b, const char *data, size_t len, struct gf_err *e) {
    const char *at = len > 0 ? data : ""; /* nothing has no place */
    struct otlp_scan s = {.at = at, .end = at + len};
    struct line *l = calloc(1, sizeof *l);
    int rc = 0;

    if (l == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for an answer");
    gf_buf_init(&l->text, KEY_MAX);
    gf_buf_init(&l->key, KEY_MAX);
    if (len > 0 && !gf_text_is_utf8(data, len))
        rc = -1;
    while (rc == 0 && otlp_scan_peek(&s) != '\0')
        rc = read_series(b, &s, l);
    gf_buf_free(&l->text);
    gf_buf_free(&l->key);
    free(l);
    if (rc == -1)
        return gf_err_set(e, GF_E_RECORD, "not lines as /api/v1/export gives them");
    answered(b);
    return 0;
}

static int compare_points(const void *x, const void *y) {
    const struct sent *a = x, *b = y;

    return (a->point > b->point) - (a->point < b->point);
}

uint64_t series_back_missing(struct series_back *b) {
    uint64_t n = 0;
    int there = 1;

    qsort(b->list, b->n, sizeof *b->list, compare_points);
    for (size_t i = 0; i < b->n; i++) {
        there &= b->list[i].there;
        if (i + 1 == b->n || b->list[i + 1].point != b->list[i].point) {
            n += !there;
            there = 1;
        }
    }
    return n;
}
