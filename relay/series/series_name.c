/*
 * series_name.c -- names of Prometheus' data model out of foreign ones.
 */
#include "relay/series/series_name.h"

#include <string.h>

static int is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* What stands for it in a name. */
static char plain(char c) {
    return is_letter(c) || is_digit(c) ? c : '_';
}

/* Bytes behind the first one of a character of UTF-8. */
static int continues(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

void series_name_metric(const char *text, size_t len, struct gf_buf *out) {
    size_t from = out->len;

    if (len == 0 || is_digit(text[0]))
        gf_buf_byte(out, '_');
    for (size_t i = 0; i < len; i++) {
        char c = text[i] == ':' ? ':' : plain(text[i]);
        if (c != '_' || out->len == from || out->data == NULL || out->data[out->len - 1] != '_')
            gf_buf_byte(out, c);
    }
}

void series_name_label(const char *text, size_t len, struct gf_buf *out) {
    size_t second = 1, n = 0;

    while (second < len && continues(text[second]))
        second++;
    if (len == 0 || is_digit(text[0]))
        gf_buf_text(out, "key_");
    else if (plain(text[0]) == '_' && second < len && plain(text[second]) == '_')
        gf_buf_text(out, "key");
    char *to = gf_buf_grow(out, len);
    for (size_t i = 0; to != NULL && i < len; i++) {
        if (!continues(text[i]))
            to[n++] = plain(text[i]);
    }
    if (to != NULL) {
        to[n] = '\0';
        out->len += n;
    }
}

/* ---- units ---- */

struct word {
    const char *unit, *word;
};

static const struct word words[] = {
    {"d", "days"},          {"h", "hours"},         {"min", "minutes"},    {"s", "seconds"},
    {"ms", "milliseconds"}, {"us", "microseconds"}, {"ns", "nanoseconds"}, {"By", "bytes"},
    {"KiBy", "kibibytes"},  {"MiBy", "mebibytes"},  {"GiBy", "gibibytes"}, {"TiBy", "tibibytes"},
    {"kBy", "kilobytes"},   {"KBy", "kilobytes"},   {"MBy", "megabytes"},  {"GBy", "gigabytes"},
    {"TBy", "terabytes"},   {"m", "meters"},        {"V", "volts"},        {"A", "amperes"},
    {"J", "joules"},        {"W", "watts"},         {"g", "grams"},        {"Cel", "celsius"},
    {"Hz", "hertz"},        {"%", "percent"},       {NULL, NULL}};

/* Of what stands behind a slash. */
static const struct word pers[] = {{"s", "second"}, {"m", "minute"}, {"h", "hour"}, {"d", "day"},
                                   {"w", "week"},   {"mo", "month"}, {"y", "year"}, {NULL, NULL}};

/* Append a part of a unit, without what stands in braces, which is a remark; nothing if nothing is
 * left. */
static void put_part(const char *at, size_t len, const struct word *table, struct gf_buf *out) {
    char part[64], before = '_';
    size_t n = 0;
    int braces = 0;

    for (size_t i = 0; i < len && n < sizeof part - 1; i++) {
        if (at[i] == '{')
            braces = 1;
        else if (at[i] == '}')
            braces = 0;
        else if (!braces && at[i] != ' ')
            part[n++] = at[i];
    }
    part[n] = '\0';
    if (n == 0 || strcmp(part, "1") == 0)
        return;
    for (; table->unit != NULL; table++) {
        if (strcmp(table->unit, part) == 0) {
            gf_buf_text(out, table->word);
            return;
        }
    }
    for (size_t i = 0; i < n; i++) {
        char c = plain(part[i]);
        if (c != '_' || before != '_')
            gf_buf_byte(out, c);
        before = c;
    }
}

static void put_unit(const char *unit, size_t len, int is_gauge, struct gf_buf *out) {
    const char *slash = memchr(unit, '/', len);
    size_t before = slash != NULL ? (size_t)(slash - unit) : len;

    if (is_gauge && len == 1 && unit[0] == '1') {
        gf_buf_text(out, "ratio");
        return;
    }
    put_part(unit, before, words, out);
    if (slash == NULL)
        return;
    size_t from = out->len;
    gf_buf_text(out, from > 0 ? "_per_" : "per_");
    size_t start = out->len;
    put_part(slash + 1, len - before - 1, pers, out);
    if (out->len == start)
        out->len = from;
}

static int ends_in(const struct gf_buf *b, size_t from, const char *end, size_t n) {
    return b->len - from >= n && memcmp(b->data + b->len - n, end, n) == 0;
}

void series_name_unit(const char *unit, size_t len, int is_gauge, int is_counter, size_t from,
                      struct gf_buf *out) {
    static const char total[] = "_total";
    struct gf_buf word;

    if (out->failed)
        return;
    gf_buf_init(&word, 256);
    put_unit(unit, len, is_gauge, &word);
    if (is_counter && ends_in(out, from, total, sizeof total - 1))
        out->len -= sizeof total - 1;
    if (word.len > 0 && !word.failed && !ends_in(out, from, word.data, word.len)) {
        if (out->len == from || out->data[out->len - 1] != '_')
            gf_buf_byte(out, '_');
        gf_buf_add(out, word.data, word.len);
    }
    if (is_counter)
        gf_buf_text(out, ends_in(out, from, "_", 1) ? total + 1 : total);
    gf_buf_free(&word);
}
