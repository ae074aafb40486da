/*
 * endpoint_ga4_read.h -- a record of events for Google Analytics 4: is it one, and what of it may
 * be sent.
 *
 * A record is the body of a request of the Measurement Protocol
 * (https://developers.google.com/analytics/devguides/collection/protocol/ga4/sending-events): a
 * JSON object with `client_id` or `app_instance_id`, and `events`, of any number. Google answers
 * 2xx to events that it then throws away, so its limits are applied here.
 */
#ifndef RELAY_ENDPOINT_GA4_READ_H
#define RELAY_ENDPOINT_GA4_READ_H

#include "gapferry/buf.h"
#include "relay/endpoints/batches.h"

/* The limits of a request and of what is in it. Lengths of text are in characters. */
#define ENDPOINT_GA4_EVENTS         25
#define ENDPOINT_GA4_BYTES          129999 /* of a body: it stays below 130 kB */
#define ENDPOINT_GA4_PARAMS         25     /* of an event */
#define ENDPOINT_GA4_NAME           40     /* of an event or a parameter */
#define ENDPOINT_GA4_VALUE          100    /* of a parameter that is text */
#define ENDPOINT_GA4_PROPERTIES     25     /* of the user */
#define ENDPOINT_GA4_PROPERTY_NAME  24
#define ENDPOINT_GA4_PROPERTY_VALUE 36
/* How far back an event may lie: Google would give an older one another date. */
#define ENDPOINT_GA4_AGE_S (72 * 3600)

struct endpoint_ga4 {
    struct gf_buf head;           /* what stands in each request before its events */
    struct batches_point *points; /* one for each event; its size is that of its text */
    struct endpoint_ga4_event {
        const char *at; /* of its object, in the body */
        size_t len;
        int64_t micros; /* since 1970, to be added; 0: it has a time of its own, or its request
                           has one */
    } * events;
    size_t n;
};

/* Read a record that was made at `created` (seconds), which is the time of events that have none;
 * the body is borrowed. All members stay as they are, but for `validation_behavior`, which becomes
 * ENFORCE_RECOMMENDATIONS: else Google would rewrite times. JSON is held to the limits of json.h
 * (8,192 events). An event that breaks a limit is unfit;
 * what is wrong with the record as a whole is GF_E_JSON, GF_E_RECORD or GF_E_LIMIT. Free with
 * endpoint_ga4_free() also on failure. */
GF_MUST_CHECK int endpoint_ga4_read(const char *body, size_t len, int64_t created,
                                    struct endpoint_ga4 *out, struct gf_err *e);
void endpoint_ga4_free(struct endpoint_ga4 *g);

/* Append the request of these events. */
void endpoint_ga4_put(const struct endpoint_ga4 *g, const struct batches_range *events,
                      struct gf_buf *out);

#endif
