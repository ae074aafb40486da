/*
 * reply.h -- what a relay says to a bundle that was posted: JSON from somebody who has proved to be
 * our relay, and is not believed for that to write no nonsense.
 *
 *   {"bundle":"ID","state":"taken"|"seen","responses":[{"id":"ID","size":N},...]}
 *   {"error":{"code":"NAME","text":"WORDS"}}
 *
 * Members that we do not know are ignored: programs of two ages must understand each other.
 */
#ifndef LINK_REPLY_H
#define LINK_REPLY_H

#include "gapferry/text.h"

#define REPLY_MAX           (1 << 20) /* bytes */
#define REPLY_RESPONSES_MAX 4096      /* beyond that a drive would not take more, either */

struct reply_response {
    struct gf_id id;
    int64_t size; /* 1 to GF_BUNDLE_MAX */
};

struct reply {
    int taken; /* 1: new to the relay; 0: it had it before */
    struct reply_response *responses;
    size_t n;
};

/* The answer 200 to this bundle. Errors: GF_E_JSON, GF_E_HEADER (a rule, or another bundle's). */
GF_MUST_CHECK int reply_parse(const char *text, size_t len, const struct gf_id *bundle,
                              struct reply *out, struct gf_err *e);
void reply_free(struct reply *r);

/* The words of an error for people, with its code: "CODE: WORDS"; "" where there are none. They are
 * foreign text. */
void reply_error(const char *text, size_t len, char out[256]);

#endif
