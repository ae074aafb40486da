/*
 * endpoint_breaker.c -- which endpoints need not be asked again in this turn.
 */
#include "relay/endpoints/endpoint_breaker.h"

#include <string.h>

void endpoint_breaker_note(struct endpoint_breaker *b, const struct endpoint_result *r, int64_t due,
                           int64_t asked) {
    if (r->verdict == ENDPOINT_DELIVERED || r->verdict == ENDPOINT_REJECTED ||
        r->verdict == ENDPOINT_ONWARD) {
        b->row = 0;
        return;
    }
    b->row++;
    b->due = due;
    b->asked = asked;
    memcpy(b->reason, r->reason, sizeof b->reason);
    int unreached = r->answer.stage != HTTPS_OK && !r->answer.sent;
    int wants_time = r->verdict == ENDPOINT_LATER && r->retry_after_s >= 0 &&
                     (r->status == 429 || r->status == 503);
    if (unreached || wants_time || b->row >= ENDPOINT_BREAKER_ROW)
        b->open = 1;
}
