/*
 * influx_scan.c -- names and values of the line protocol.
 */
#include "common/influx_scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int influx_scan_bad(const struct influx_scan *s, const char *why) {
    return gf_err_set(s->e, GF_E_RECORD, "%s", why);
}

/* ---- names ---- */

/* What ends a name, or needs a look: up to a blank everything. */
static int is_special(uint8_t c) {
    static const uint8_t special[256] = {[','] = 1, ['='] = 1, ['"'] = 1, ['\\'] = 1};

    return c <= ' ' || special[c];
}

/* Past backslashes, and the character that the last of them escapes. */
static int scan_backslashes(struct influx_scan *s, int equals) {
    const uint8_t *from = s->at;

    while (influx_scan_next_is(s, '\\'))
        s->at++;
    if (s->at == s->end || !(*s->at == ' ' || *s->at == ',' || (equals && *s->at == '=')))
        return 0;
    if ((s->at - from) % 2 == 0)
        return influx_scan_bad(
            s, "an even number of backslashes before a comma, an equals sign or a blank, "
               "which readers understand differently");
    s->at++;
    return 0;
}

/* What means nothing in a name. */
enum { EQUALS = 1, QUOTE = 2 };

/* As far as a name reaches. */
static int scan_name(struct influx_scan *s, int plain, struct otlp_span *out) {
    const uint8_t *from = s->at;

    for (;;) {
        while (s->at < s->end && !is_special(*s->at))
            s->at++;
        const int c = s->at < s->end ? *s->at : '\n';
        if (c == '\\') {
            if (scan_backslashes(s, (plain & EQUALS) == 0) == -1)
                return -1;
        } else if ((c == '=' && (plain & EQUALS) != 0) || (c == '"' && (plain & QUOTE) != 0)) {
            s->at++;
        } else if (c < 0x20 && !influx_scan_at_end(s)) {
            return influx_scan_bad(s, "a control character outside of a string");
        } else {
            break;
        }
    }
    *out = (struct otlp_span){from, s->at};
    return 0;
}

int influx_scan_measurement(struct influx_scan *s, struct otlp_span *out) {
    return scan_name(s, EQUALS | QUOTE, out);
}

/* KEY= of a tag or field. */
static int scan_key(struct influx_scan *s, int plain, struct otlp_span *key) {
    if (scan_name(s, plain, key) == -1)
        return -1;
    if (influx_scan_next_is(s, '"'))
        return influx_scan_bad(s, "a quote in the name of a field");
    if (influx_scan_length(*key) == 0)
        return influx_scan_bad(s, s->in_fields ? "missing field key" : "missing tag key");
    if (!influx_scan_next_is(s, '='))
        return influx_scan_bad(s, s->in_fields ? "a field without a value" : "missing tag value");
    s->at++;
    return 0;
}

int influx_scan_tag(struct influx_scan *s, struct influx_tag *out) {
    out->all.at = s->at;
    if (scan_key(s, QUOTE, &out->key) == -1 || scan_name(s, QUOTE, &out->value) == -1)
        return -1;
    if (influx_scan_length(out->value) == 0)
        return influx_scan_bad(s, "missing tag value");
    if (influx_scan_next_is(s, '='))
        return influx_scan_bad(s, "an equals sign in the value of a tag, without a backslash");
    out->all.end = s->at;
    return 0;
}

/* ---- values ---- */

int influx_scan_string(struct influx_scan *s, struct otlp_span *out) {
    const uint8_t *from = ++s->at;

    while (s->at < s->end && *s->at != '"')
        s->at += *s->at == '\\' && s->end - s->at > 1 ? 2 : 1;
    if (s->at == s->end)
        return influx_scan_bad(s, "a string that does not end");
    *out = (struct otlp_span){from, s->at};
    s->at++;
    return 0;
}

size_t influx_scan_digits(const uint8_t **at, const uint8_t *end) {
    const uint8_t *from = *at;

    while (*at < end && **at >= '0' && **at <= '9')
        (*at)++;
    return (size_t)(*at - from);
}

int influx_scan_read_digits(struct otlp_span digits, uint64_t max, uint64_t *out) {
    uint64_t v = 0;

    for (const uint8_t *p = digits.at; p < digits.end; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (v > (max - digit) / 10)
            return 0;
        v = v * 10 + digit;
    }
    *out = v;
    return 1;
}

double influx_scan_read_double(struct otlp_span number) {
    char text[INFLUX_NUMBER_MAX + 1];

    memcpy(text, number.at, influx_scan_length(number));
    text[influx_scan_length(number)] = '\0';
    return strtod(text, NULL);
}

static int check_integer(const struct influx_scan *s, const struct influx_field *f) {
    struct otlp_span v = f->value;
    uint64_t max = UINT64_MAX, number;
    int negative = *v.at == '-';

    if (negative && f->kind == INFLUX_UNSIGNED)
        return influx_scan_bad(s, "an unsigned integer with a sign");
    if (f->kind == INFLUX_INTEGER)
        max = (uint64_t)INT64_MAX + (uint64_t)negative;
    v.at += negative;
    return influx_scan_read_digits(v, max, &number)
               ? 0
               : influx_scan_bad(s, "an integer beyond its range");
}

/* A span of [+-0-9.a-zA-Z] as a number: its kind, and its digits without i or u. */
static int read_number(const struct influx_scan *s, struct otlp_span word, struct influx_field *f) {
    const uint8_t *p = word.at;
    int fraction = 0, exponent = 0;

    if (influx_scan_length(word) > INFLUX_NUMBER_MAX)
        return influx_scan_bad(s, "a number of too many digits");
    p += *p == '-';
    size_t n = influx_scan_digits(&p, word.end);
    if (p < word.end && *p == '.') {
        fraction = 1;
        p++;
        n += influx_scan_digits(&p, word.end);
    }
    if (n > 0 && p < word.end && (*p == 'e' || *p == 'E')) {
        exponent = 1;
        p++;
        p += p < word.end && (*p == '-' || *p == '+');
        n = influx_scan_digits(&p, word.end);
    }
    f->kind = INFLUX_FLOAT;
    f->value = (struct otlp_span){word.at, p};
    if (n > 0 && p + 1 == word.end && !fraction && !exponent && (*p == 'i' || *p == 'u')) {
        f->kind = *p == 'i' ? INFLUX_INTEGER : INFLUX_UNSIGNED;
        return check_integer(s, f);
    }
    if (n == 0 || p != word.end)
        return influx_scan_bad(s, "a value that is neither number, boolean nor string");
    /* Without an exponent only a long one is beyond what a double holds. */
    if ((exponent || influx_scan_length(word) > 300) && isinf(influx_scan_read_double(word)))
        return influx_scan_bad(s, "a number beyond what a double holds");
    return 0;
}

static int is_boolean(struct otlp_span word) {
    static const char *const words[] = {"t", "T", "true",  "True",  "TRUE",
                                        "f", "F", "false", "False", "FALSE"};

    for (size_t i = 0; *word.at > '9' && i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i]) == influx_scan_length(word) &&
            memcmp(words[i], word.at, influx_scan_length(word)) == 0)
            return 1;
    }
    return 0;
}

static int scan_value(struct influx_scan *s, struct influx_field *f) {
    const uint8_t *from = s->at;

    if (influx_scan_next_is(s, '"')) {
        f->kind = INFLUX_STRING;
        if (influx_scan_string(s, &f->value) == -1)
            return -1;
        return influx_scan_at_end(s) || *s->at == ',' || *s->at == ' '
                   ? 0
                   : influx_scan_bad(s, "something behind the end of a string");
    }
    while (s->at < s->end && *s->at != ',' && *s->at > ' ')
        s->at++;
    if (s->at < s->end && *s->at < ' ' && !influx_scan_at_end(s))
        return influx_scan_bad(s, "a control character outside of a string");
    struct otlp_span word = {from, s->at};
    if (influx_scan_length(word) == 0)
        return influx_scan_bad(s, "a field without a value");
    if (!is_boolean(word))
        return read_number(s, word, f);
    f->kind = INFLUX_BOOLEAN;
    f->value = word;
    return 0;
}

int influx_scan_field(struct influx_scan *s, struct influx_field *out) {
    out->all.at = s->at;
    if (scan_key(s, 0, &out->key) == -1 || scan_value(s, out) == -1)
        return -1;
    out->all.end = s->at;
    return 0;
}
