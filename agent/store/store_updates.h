/*
 * store_updates.h -- the part of the agent's store (store.h) that remembers updates: what was asked
 * for, manifests, which artifacts are here, parts that are collected, what was refused and what was
 * installed.
 */
#ifndef AGENT_STORE_UPDATES_H
#define AGENT_STORE_UPDATES_H

#include "agent/store/store.h"

/* ---- checks: what an answer must fit ---- */

struct store_update_check {
    char product[GF_WORD_MAX + 1];
    char channel[GF_WORD_MAX + 1]; /* "": any */
    char platform[GF_WORD_MAX + 1];
    int64_t at;
};
GF_MUST_CHECK int store_update_checked(struct store *s, const struct gf_id *record,
                                       const struct store_update_check *c, struct gf_err *e);
/* 1 found, 0 not. */
GF_MUST_CHECK int store_update_check(struct store *s, const struct gf_id *record,
                                     struct store_update_check *out, struct gf_err *e);

/* ---- manifests ---- */

struct store_update {
    int64_t n; /* names it within this database */
    const char *product, *channel, *platform;
    int64_t serial;
    const struct gf_hash *relay; /* it came from there; NULL: a person brought it */
    const char *text;            /* with its signatures */
    size_t len;
    int64_t since;     /* when it first came */
    int64_t confirmed; /* when a vendor's answer last brought it */
};
/* Remember a manifest; *n is set. GF_E_REPLAY if this serial is there. */
GF_MUST_CHECK int store_update_put(struct store *s, const struct store_update *u, int64_t *n,
                                   struct gf_err *e);
GF_MUST_CHECK int store_update_confirm(struct store *s, int64_t n, int64_t now, struct gf_err *e);
/* fn for each, sorted by product, channel and platform, the newest serial first; texts are borrowed
 * until the next step. */
typedef int store_each_update(void *arg, const struct store_update *u, struct gf_err *e);
GF_MUST_CHECK int store_update_walk(struct store *s, store_each_update *fn, void *arg,
                                    struct gf_err *e);
/* An artifact of manifest n is here, verified; or is not any more. */
GF_MUST_CHECK int store_update_set_here(struct store *s, int64_t n, const char *name, int here,
                                        int64_t now, struct gf_err *e);
/* 1 if it is here, 0 if not. */
GF_MUST_CHECK int store_update_is_here(struct store *s, int64_t n, const char *name,
                                       struct gf_err *e);

/* ---- parts: files of responses that are not an artifact yet ---- */

struct store_part {
    struct gf_hash digest; /* BLAKE2b-256 of the whole file */
    int64_t index, count;  /* a whole file is part 0 of 1 */
    int64_t offset, size, whole;
    int64_t at;
};
/* 1 noted, 0 it is there already. */
GF_MUST_CHECK int store_part_put(struct store *s, const struct store_part *p, struct gf_err *e);
/* Those of one file by index, digest NULL: all; one allocation, free(). */
GF_MUST_CHECK int store_parts(struct store *s, const struct gf_hash *digest,
                              struct store_part **out, size_t *n, struct gf_err *e);
/* Forget all parts of a file. */
GF_MUST_CHECK int store_parts_drop(struct store *s, const struct gf_hash *digest, struct gf_err *e);

/* ---- what went wrong, until it is right ---- */

struct store_problem {
    const char *product;
    const char *subject; /* "manifest", or an artifact's name */
    const char *code;    /* gf_err_name() */
    const char *why;
    int64_t first, last, times;
};
GF_MUST_CHECK int store_update_problem(struct store *s, const char *product, const char *subject,
                                       const struct gf_err *why, int64_t now, struct gf_err *e);
GF_MUST_CHECK int store_update_solved(struct store *s, const char *product, const char *subject,
                                      struct gf_err *e);
typedef int store_each_problem(void *arg, const struct store_problem *p, struct gf_err *e);
GF_MUST_CHECK int store_update_problems(struct store *s, store_each_problem *fn, void *arg,
                                        struct gf_err *e);

/* ---- what was installed ---- */

struct store_installation {
    const char *product, *version;
    int installed; /* 1; 0: it failed */
    int64_t at;
};
GF_MUST_CHECK int store_update_report(struct store *s, const struct store_installation *i,
                                      struct gf_err *e);
/* The newest report of each version, the newest first. */
typedef int store_each_installation(void *arg, const struct store_installation *i,
                                    struct gf_err *e);
GF_MUST_CHECK int store_update_reports(struct store *s, const char *product,
                                       store_each_installation *fn, void *arg, struct gf_err *e);

#endif
