/*
 * store_grid.h -- the store of a grid manager's agent: which of its records come from a node, and
 * what is to be told back. As store.h in everything.
 */
#ifndef AGENT_STORE_GRID_H
#define AGENT_STORE_GRID_H

#include "agent/store/store.h"
#include "common/update.h"

/* A record of ours that comes from a node. */
struct store_node {
    struct gf_id record; /* here */
    struct gf_id node;   /* the node's agent id */
    struct gf_id there;  /* the record's id at the node */
};
/* Note where it comes from, in the transaction that accepts it. Noted again, what became of it is
 * told again. */
GF_MUST_CHECK int store_node_add(struct store *s, const struct store_node *n, struct gf_err *e);
/* 1 it comes from a node, 0 it does not. */
GF_MUST_CHECK int store_node(struct store *s, const struct gf_id *record, struct store_node *out,
                             struct gf_err *e);
/* Its answer came: a line to be told in front of its receipt; or, line NULL, why there is none that
 * can be passed on: its record is rejected at the node for this reason. */
GF_MUST_CHECK int store_node_answer(struct store *s, const struct gf_id *record, const char *line,
                                    size_t len, const char *why, struct gf_err *e);

/* What became of a node's record; texts borrowed until the next step of the walk. */
struct store_return {
    struct store_node node;
    int gone;               /* 1: the record was dropped here (consent withdrawn, a full queue) */
    enum store_state state; /* delivered, rejected or expired */
    struct gf_hash digest;
    const char *reason;    /* NULL where none */
    const char *guarantee; /* NULL where none */
    int64_t at;
    const char *answer; /* the line that store_node_answer() was given; NULL where none */
    size_t answer_len;
    const char *unusable; /* its why; NULL where none */
};
typedef int store_each_return(void *arg, const struct store_return *r, struct gf_err *e);
/* All that is at an end and was not told; as store_walk(). */
GF_MUST_CHECK int store_returns(struct store *s, store_each_return *fn, void *arg,
                                struct gf_err *e);
GF_MUST_CHECK int store_returns_told(struct store *s, const struct gf_id *records, size_t n,
                                     struct gf_err *e);

/* ---- updates of nodes: manifests that this agent knows, too (store_updates.h) ---- */

/* A node's check was answered with this manifest: it is told what that consists of, and the
 * artifacts are handed over (again). In the transaction that applies the answer. */
GF_MUST_CHECK int store_node_update(struct store *s, const struct gf_id *node, int64_t manifest,
                                    struct gf_err *e);
/* Nodes that are to be told of a manifest; as store_walk(). text: with its signatures. */
struct store_node_manifest {
    struct gf_id node;
    int64_t manifest;
    const char *text;
    size_t len;
};
typedef int store_each_node_manifest(void *arg, const struct store_node_manifest *m,
                                     struct gf_err *e);
GF_MUST_CHECK int store_node_manifests(struct store *s, store_each_node_manifest *fn, void *arg,
                                       struct gf_err *e);
GF_MUST_CHECK int store_node_manifest_told(struct store *s, const struct gf_id *node,
                                           int64_t manifest, struct gf_err *e);
/* Artifacts that are here, that a node gets, and that were not handed over yet. free(). */
struct store_node_file {
    int64_t manifest;
    char name[UPDATE_NAME_MAX + 1];
};
GF_MUST_CHECK int store_node_files(struct store *s, struct store_node_file **out, size_t *n,
                                   struct gf_err *e);
GF_MUST_CHECK int store_node_file_handed(struct store *s, const struct store_node_file *f,
                                         struct gf_err *e);

/* Other lines that are to be told, in the transaction of what they tell. */
GF_MUST_CHECK int store_say(struct store *s, const char *line, size_t len, struct gf_err *e);
/* All of them, in order; as store_walk(). store_said() forgets those up to row n. */
typedef int store_each_saying(void *arg, int64_t n, const char *line, size_t len, struct gf_err *e);
GF_MUST_CHECK int store_sayings(struct store *s, store_each_saying *fn, void *arg,
                                struct gf_err *e);
GF_MUST_CHECK int store_said(struct store *s, int64_t n, struct gf_err *e);

#endif
