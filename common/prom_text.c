/*
 * prom_text.c -- the samples of a Prometheus endpoint's text.
 */
#include "common/prom_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gapferry/text.h"

#define NUMBER_MAX 128 /* bytes of a value or time */

static int bad(const struct prom_text *it, const char *why, struct gf_err *e) {
    return gf_err_set(e, GF_E_RECORD, "line %lld: %s", (long long)it->line, why);
}

/* ---- characters and words ---- */

static int is_blank(char c) {
    return c == ' ' || c == '\t';
}

static int is_digit(char c) {
    return c >= '0' && c <= '9';
}

static int is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static void skip_blanks(struct prom_span *s) {
    while (s->at < s->end && is_blank(*s->at))
        s->at++;
}

static size_t length(struct prom_span s) {
    return (size_t)(s.end - s.at);
}

static int is_text(struct prom_span s, const char *text) {
    return length(s) == strlen(text) && memcmp(s.at, text, length(s)) == 0;
}

static int is_same(struct prom_span a, struct prom_span b) {
    return length(a) == length(b) && memcmp(a.at, b.at, length(a)) == 0;
}

/* A name of a metric, in which a colon may stand, or of a label; empty: none. */
static struct prom_span take_name(struct prom_span *s, int colon) {
    struct prom_span name = {s->at, s->at};

    while (s->at < s->end && (is_name_start(*s->at) || (colon && *s->at == ':') ||
                              (s->at > name.at && is_digit(*s->at))))
        s->at++;
    name.end = s->at;
    return name;
}

/* What stands up to the next blank. */
static struct prom_span take_word(struct prom_span *s) {
    struct prom_span word = {s->at, s->at};

    while (s->at < s->end && !is_blank(*s->at))
        s->at++;
    word.end = s->at;
    return word;
}

/* ---- numbers ---- */

static const char *skip_digits(const char *p) {
    while (is_digit(*p))
        p++;
    return p;
}

/* 1 if it is [digits][.digits][e[+-]digits], with a digit in the first two: strtod() alone would
 * take hexadecimals, and payloads of NaN. */
static int is_decimal(const char *p) {
    const char *from = p;

    p = skip_digits(p);
    size_t digits = (size_t)(p - from);
    if (*p == '.') {
        from = ++p;
        p = skip_digits(p);
        digits += (size_t)(p - from);
    }
    if (digits == 0)
        return 0;
    if (*p == 'e' || *p == 'E') {
        p += p[1] == '+' || p[1] == '-' ? 2 : 1;
        if (!is_digit(*p))
            return 0;
        p = skip_digits(p);
    }
    return *p == '\0';
}

/* 1 if the word is a number as Go's ParseFloat() reads it, in decimal. */
static int read_double(struct prom_span word, double *out) {
    char text[NUMBER_MAX + 1];

    if (length(word) == 0 || length(word) > NUMBER_MAX)
        return 0;
    memcpy(text, word.at, length(word));
    text[length(word)] = '\0';
    const char *p = text[0] == '+' || text[0] == '-' ? text + 1 : text;
    if (strcasecmp(p, "inf") == 0 || strcasecmp(p, "infinity") == 0) {
        *out = text[0] == '-' ? -INFINITY : INFINITY;
    } else if (strcasecmp(p, "nan") == 0) {
        *out = NAN;
    } else {
        if (!is_decimal(p))
            return 0;
        *out = strtod(text, NULL);
        return !isinf(*out);
    }
    return 1;
}

/* Milliseconds; in OpenMetrics seconds, with a fraction. 1 if they fit. */
static int read_time(const struct prom_text *it, struct prom_span word, int64_t *ms) {
    double d;

    for (const char *p = word.at; !it->openmetrics && p < word.end; p++) {
        if (!is_digit(*p))
            return 0;
    }
    if (!read_double(word, &d))
        return 0;
    if (it->openmetrics)
        d *= 1000;
    if (!(d >= 0 && d <= (double)PROM_TIME_MAX))
        return 0;
    *ms = llround(d);
    return 1;
}

/* ---- comments that say something ---- */

static const struct {
    const char *word;
    enum prom_type type;
} types[] = {
    {"counter", PROM_COUNTER},
    {"gauge", PROM_GAUGE},
    {"histogram", PROM_HISTOGRAM},
    {"summary", PROM_SUMMARY},
    {"untyped", PROM_UNTYPED},
    {"unknown", PROM_UNTYPED},
    {"gaugehistogram", PROM_GAUGE_HISTOGRAM},
    {"info", PROM_INFO},
    {"stateset", PROM_STATE_SET},
};

static int read_type(struct prom_text *it, struct prom_span s, struct gf_err *e) {
    struct prom_span name = take_name(&s, 1);
    size_t i = 0;

    if (length(name) == 0 || length(name) > PROM_NAME_MAX || s.at == s.end || !is_blank(*s.at))
        return bad(it, "TYPE is followed by the name of a metric and its type", e);
    if (is_same(name, it->name))
        return bad(it, "a second TYPE for the same metric", e);
    if (is_same(name, it->sample))
        return bad(it, "TYPE stands behind a sample of its metric", e);
    skip_blanks(&s);
    struct prom_span word = take_word(&s);
    while (i < sizeof types / sizeof *types && !is_text(word, types[i].word))
        i++;
    skip_blanks(&s);
    if (i == sizeof types / sizeof *types || s.at < s.end)
        return bad(it, "no type of a metric (counter, gauge, histogram, summary, untyped)", e);
    it->name = name;
    it->type = types[i].type;
    it->metric++;
    return 0;
}

/* Behind #. Only TYPE changes anything; HELP has a name at least. */
static int read_comment(struct prom_text *it, struct prom_span s, struct gf_err *e) {
    skip_blanks(&s);
    struct prom_span word = take_word(&s);
    skip_blanks(&s);
    if (is_text(word, "TYPE"))
        return read_type(it, s, e);
    if (is_text(word, "HELP") && length(take_name(&s, 1)) == 0)
        return bad(it, "HELP is followed by the name of a metric", e);
    it->ended = it->openmetrics && is_text(word, "EOF");
    return 0;
}

/* ---- labels ---- */

/* A label from its name to the closing quote, not looking at what the value holds. */
static int take_label(struct prom_span *s, struct prom_span *name, struct prom_span *value) {
    *name = take_name(s, 0);
    skip_blanks(s);
    if (length(*name) == 0 || s->at == s->end || *s->at != '=')
        return -1;
    s->at++;
    skip_blanks(s);
    if (s->at == s->end || *s->at != '"')
        return -1;
    value->at = ++s->at;
    while (s->at < s->end && *s->at != '"')
        s->at += *s->at == '\\' && s->end - s->at > 1 ? 2 : 1;
    if (s->at == s->end)
        return -1;
    value->end = s->at++;
    skip_blanks(s);
    return 0;
}

int prom_text_label(struct prom_span *labels, struct prom_span *name, struct prom_span *value) {
    skip_blanks(labels);
    if (labels->at == labels->end || take_label(labels, name, value) == -1)
        return 0;
    if (labels->at < labels->end)
        labels->at++; /* the comma */
    return 1;
}

void prom_text_plain(struct gf_buf *out, struct prom_span value) {
    while (value.at < value.end) {
        const char *escape = memchr(value.at, '\\', length(value));
        const char *upto = escape != NULL ? escape : value.end;
        gf_buf_add(out, value.at, (size_t)(upto - value.at));
        if (escape == NULL)
            return;
        gf_buf_byte(out, (char)(escape[1] == 'n' ? '\n' : escape[1]));
        value.at = escape + 2;
    }
}

static const char *check_label(struct prom_span name, struct prom_span value) {
    if (length(name) > PROM_NAME_MAX)
        return "a label's name that is too long";
    if (is_text(name, "__name__"))
        return "a label __name__ would be a second name";
    for (const char *p = value.at; p < value.end; p++) {
        if (*p == '\\' && strchr("\\\"n", *++p) == NULL)
            return "in a label only \\\\, \\\" and \\n are escapes";
    }
    return NULL;
}

/* From behind { to behind }. */
static int read_labels(const struct prom_text *it, struct prom_span *s, struct prom_span *out,
                       struct gf_err *e) {
    struct prom_span names[PROM_LABELS_MAX], value;
    size_t n = 0;

    out->at = s->at;
    for (;;) {
        skip_blanks(s);
        if (s->at < s->end && *s->at == '}')
            break;
        if (n == PROM_LABELS_MAX)
            return bad(it, "more labels than are taken", e);
        if (take_label(s, &names[n], &value) == -1)
            return bad(it, "labels stand as NAME=\"VALUE\" between { and }", e);
        const char *why = check_label(names[n], value);
        if (why != NULL)
            return bad(it, why, e);
        for (size_t i = 0; i < n; i++) {
            if (is_same(names[i], names[n]))
                return bad(it, "a label that stands twice", e);
        }
        n++;
        if (s->at < s->end && *s->at == ',')
            s->at++;
        else if (s->at == s->end || *s->at != '}')
            return bad(it, "labels are separated by commas and end in }", e);
    }
    out->end = s->at++;
    return 0;
}

/* ---- samples ---- */

static const struct {
    const char *ending;
    enum prom_type type;
    enum prom_part part;
} endings[] = {
    {"_total", PROM_COUNTER, PROM_VALUE},      {"_created", PROM_COUNTER, PROM_CREATED},
    {"_bucket", PROM_HISTOGRAM, PROM_BUCKET},  {"_sum", PROM_HISTOGRAM, PROM_SUM},
    {"_count", PROM_HISTOGRAM, PROM_COUNT},    {"_created", PROM_HISTOGRAM, PROM_CREATED},
    {"_sum", PROM_SUMMARY, PROM_SUM},          {"_count", PROM_SUMMARY, PROM_COUNT},
    {"_created", PROM_SUMMARY, PROM_CREATED},  {"_bucket", PROM_GAUGE_HISTOGRAM, PROM_BUCKET},
    {"_gsum", PROM_GAUGE_HISTOGRAM, PROM_SUM}, {"_gcount", PROM_GAUGE_HISTOGRAM, PROM_COUNT},
    {"_info", PROM_INFO, PROM_VALUE},
};

/* 1 if the name is one of the metric that the last TYPE was for. */
static int belongs(const struct prom_text *it, struct prom_span name, enum prom_part *part) {
    size_t n = length(it->name);

    if (n == 0 || length(name) < n || memcmp(name.at, it->name.at, n) != 0)
        return 0;
    struct prom_span ending = {name.at + n, name.end};
    *part = PROM_VALUE;
    if (length(ending) == 0)
        return 1;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (endings[i].type == it->type && is_text(ending, endings[i].ending)) {
            *part = endings[i].part;
            return 1;
        }
    }
    return 0;
}

/* Which metric it is of; a name without a TYPE is a metric of its own. */
static void place(struct prom_text *it, struct prom_sample *out) {
    if (belongs(it, out->name, &out->part)) {
        out->type = it->type;
    } else {
        it->metric += it->name.at != it->name.end || !is_same(it->sample, out->name);
        it->name.end = it->name.at;
        out->type = PROM_UNTYPED;
        out->part = PROM_VALUE;
    }
    it->sample = out->name;
    out->metric = it->metric;
}

static int read_sample(struct prom_text *it, struct prom_span s, struct prom_sample *out,
                       struct gf_err *e) {
    struct prom_sample p = {.name = take_name(&s, 1)};

    if (length(p.name) == 0)
        return bad(it, "a sample begins with the name of a metric", e);
    if (length(p.name) > PROM_NAME_MAX)
        return bad(it, "a metric's name that is too long", e);
    int apart = s.at < s.end && is_blank(*s.at);
    skip_blanks(&s);
    if (s.at < s.end && *s.at == '{') {
        s.at++;
        apart = 1;
        if (read_labels(it, &s, &p.labels, e) == -1)
            return -1;
        skip_blanks(&s);
    }
    if (!apart || !read_double(take_word(&s), &p.value))
        return bad(it, "a sample has a number as its value", e);
    skip_blanks(&s);
    if (s.at < s.end && !(it->openmetrics && *s.at == '#')) {
        if (!read_time(it, take_word(&s), &p.time_ms))
            return bad(it, "behind the value stands a time between 1970 and 2262, or nothing", e);
        p.has_time = 1;
        skip_blanks(&s);
    }
    /* What else there may be is an exemplar. */
    if (s.at < s.end && !(it->openmetrics && *s.at == '#'))
        return bad(it, "behind the time stands nothing", e);
    place(it, &p);
    *out = p;
    return 1;
}

/* ---- lines ---- */

void prom_text_open(struct prom_text *it, const char *text, size_t len, int openmetrics) {
    *it = (struct prom_text){.at = len > 0 ? text : "", .openmetrics = openmetrics};
    it->end = it->at + len;
}

/* 1 and the next line without blanks around it; 0: there is none. */
static int next_line(struct prom_text *it, struct prom_span *out, struct gf_err *e) {
    if (it->at == it->end)
        return it->openmetrics && !it->ended ? bad(it, "the text is cut off: no # EOF", e) : 0;
    it->line++;
    const char *lf = memchr(it->at, '\n', (size_t)(it->end - it->at));
    if ((lf != NULL ? lf : it->end) - it->at >= PROM_LINE_MAX)
        return gf_err_set(e, GF_E_LIMIT, "line %lld: longer than %d bytes", (long long)it->line,
                          PROM_LINE_MAX);
    if (lf == NULL)
        return bad(it, "the text is cut off: no LF at its end", e);
    *out = (struct prom_span){it->at, lf};
    if (!gf_text_is_utf8(out->at, length(*out)))
        return bad(it, "not UTF-8", e);
    if (it->ended)
        return bad(it, "something stands behind # EOF", e);
    it->at = lf + 1;
    skip_blanks(out);
    while (out->end > out->at && is_blank(out->end[-1]))
        out->end--;
    return 1;
}

int prom_text_next(struct prom_text *it, struct prom_sample *out, struct gf_err *e) {
    struct prom_span line;
    int rc;

    while ((rc = next_line(it, &line, e)) == 1) {
        if (line.at == line.end)
            continue;
        if (*line.at != '#')
            return read_sample(it, line, out, e);
        line.at++;
        if (read_comment(it, line, e) == -1)
            return -1;
    }
    return rc;
}
