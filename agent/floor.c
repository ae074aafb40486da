/*
 * floor.c -- the time floor.
 */
#include "agent/floor.h"

#include <stdio.h>
#include <string.h>

#define FACT "time-floor"
#define DAY  86400

static int64_t later(int64_t a, int64_t b) {
    return a > b ? a : b;
}

int floor_get(struct agent *a, int64_t *out, struct gf_err *e) {
    struct gf_buf b;
    int64_t stored = 0;

    int found = store_get_fact(a->store, FACT, &b, e);
    if (found == 1 && b.len == sizeof stored)
        memcpy(&stored, b.data, sizeof stored);
    gf_buf_free(&b);
    if (found == -1)
        return -1;
    *out = later(stored, when_built());
    return 0;
}

int floor_raise(struct agent *a, int64_t to, struct gf_err *e) {
    int64_t floor;

    if (floor_get(a, &floor, e) == -1)
        return -1;
    if (to <= floor || to - later(floor, a->now) > WHEN_LEAP)
        return 0;
    return store_put_fact(a->store, FACT, &to, sizeof to, e);
}

int floor_is_behind(int64_t now, int64_t floor) {
    return now < floor - FLOOR_SLACK;
}

int floor_words(int64_t now, int64_t floor, char out[FLOOR_WORDS]) {
    char clock[GF_TIME_TEXT], then[GF_TIME_TEXT];

    gf_text_time(now, clock);
    gf_text_time(floor, then);
    out[0] = '\0';
    if (floor_is_behind(now, floor))
        (void)snprintf(out, FLOOR_WORDS,
                       "this machine's clock says %s, and it was %s already when a vendor signed "
                       "something or this program was built: set the clock",
                       clock, then);
    else if (when_is_ahead(now, floor))
        (void)snprintf(out, FLOOR_WORDS,
                       "this machine's clock says %s, %lld years after the newest time that is "
                       "proven (%s): is it right?",
                       clock, (long long)((now - floor) / (365LL * DAY)), then);
    return out[0] != '\0';
}
