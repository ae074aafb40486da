/*
 * vendors.h -- whose signatures this agent believes, and for what: the keys that `trust` has pinned
 * for good, and those of [vendor "NAME"] in agent.conf, pinned for as long as they stand there
 * (common/vendor_keys.h).
 */
#ifndef AGENT_VENDORS_H
#define AGENT_VENDORS_H

#include "agent/agent.h"

/* A vendor's key. One key may stand here several times, with duties from several places. */
struct vendor {
    char name[GF_WORD_MAX + 1];
    struct gf_sign_public key;
    int duties;            /* of enum store_duty, or-ed */
    int64_t since;         /* pinned by `trust`; 0: by the configuration */
    const char *path;      /* its file, from the configuration; borrowed, NULL: pinned by `trust` */
    const char *where;     /* "FILE:LINE"; likewise */
    char why[GF_ERR_TEXT]; /* its file is no key, so that it counts for nothing; "": it is one */
};

/* All of them: those that `trust` has pinned first. One allocation, free(). */
GF_MUST_CHECK int vendors_all(struct agent *a, struct vendor **out, size_t *n, struct gf_err *e);

/* 1 if somebody may sign for one of these duties: without that no answer could be believed. */
GF_MUST_CHECK int vendors_any(struct agent *a, int duties, struct gf_err *e);

/* One key is tried: GF_E_SIGNATURE if it has not signed; any other error is final, for it is of
 * what this vendor has signed. */
typedef int vendors_try(void *arg, const struct gf_sign_public *key, struct gf_err *e);

/* Try the keys of a list that have this duty, until one has signed. *tried is their number; with
 * none the code is GF_E_SIGNATURE and there is no text. */
GF_MUST_CHECK int vendors_each(const struct vendor *list, size_t n, enum store_duty duty,
                               vendors_try *fn, void *arg, size_t *tried, struct gf_err *e);

/* The same with all keys of this agent, for STORE_DUTY_LICENSE and STORE_DUTY_UPDATE. GF_E_SENDER
 * with the remedy if there is none; GF_E_SIGNATURE if none of several has signed; GF_E_CONFIG if
 * one that could have cannot be read. */
GF_MUST_CHECK int vendors_find(struct agent *a, enum store_duty duty, vendors_try *fn, void *arg,
                               struct gf_err *e);

/* To standard error: nobody is trusted with this duty, and what to do before the answer comes. */
void vendors_warn(const struct agent *a, enum store_duty duty);

/* The duties' bits as vendor_keys_duties[] names them. */
extern const enum store_duty vendors_bits[];
/* The duties in words: "license, update". */
#define VENDORS_WORDS 64
void vendors_words(int duties, char out[VENDORS_WORDS]);

#endif
