/*
 * when.c -- points in time.
 */
#include "common/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/text.h"

/* In seconds; the build says it, so that a build can be repeated. */
#ifndef GAPFERRY_BUILD_TIME
#error "GAPFERRY_BUILD_TIME is missing"
#endif

int64_t when_built(void) {
    return GAPFERRY_BUILD_TIME;
}

int when_is_ahead(int64_t now, int64_t proven) {
    return now > proven && now - proven > WHEN_LEAP;
}

/* `30d`: a number and a unit. 0 if text is not of this form. */
static int read_span(const char *text, int64_t *seconds) {
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1},     {'m', 60},        {'h', 3600},
                 {'d', 86400}, {'w', 7 * 86400}, {'y', 365 * 86400}};
    size_t n = strspn(text, "0123456789");

    if (n == 0 || n > 9 || text[n] == '\0' || text[n + 1] != '\0')
        return 0;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (text[n] == units[i].unit) {
            *seconds = (int64_t)strtoll(text, NULL, 10) * units[i].seconds;
            return 1;
        }
    }
    return 0;
}

int when_read(const char *text, const char *option, int64_t now, int span, int64_t *out,
              struct gf_err *e) {
    char full[GF_TIME_TEXT];
    int64_t seconds;

    if (gf_text_untime(text, strlen(text), out) == 0)
        return 0;
    (void)snprintf(full, sizeof full, "%.10sT00:00:00Z", text);
    if (strlen(text) == 10 && gf_text_untime(full, strlen(full), out) == 0)
        return 0;
    if (span && read_span(text, &seconds)) {
        *out = now + span * seconds;
        return 0;
    }
    return gf_err_set(e, GF_E_USAGE, "--%s %s: must be a time like 2030-01-31T12:00:00Z%s", option,
                      text, span ? ", a date, or a span like 30d" : " or a date");
}

void when_stamp(int64_t at, char out[WHEN_STAMP]) {
    char text[GF_TIME_TEXT];
    size_t n = 0;

    gf_text_time(at, text);
    for (const char *c = text; *c && n < WHEN_STAMP - 1; c++)
        if (*c != '-' && *c != ':')
            out[n++] = *c;
    out[n] = '\0';
}
