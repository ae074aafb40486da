/*
 * outbox.h -- the files of STATE/outbox and STATE/history that a visit looks at.
 */
#ifndef LINK_OUTBOX_H
#define LINK_OUTBOX_H

#include "gapferry/limits.h"
#include "gapferry/text.h"

#define OUTBOX_MAX  GF_DRIVE_BUNDLES_MAX /* files of one listing; the newest ones */
#define OUTBOX_NAME (GF_ID_TEXT + 4)     /* ID.gfb and NUL */

struct outbox_file {
    int dir; /* borrowed: the folder it lies in */
    char name[OUTBOX_NAME];
    struct gf_id id;
    int64_t size;
    int64_t mtime; /* nanoseconds */
};

struct outbox_list {
    struct outbox_file *list; /* oldest first; OUTBOX_MAX have room */
    size_t n;
};

/* Add the files of an open folder that have a bundle's name and are regular, in the order of their
 * times; beyond OUTBOX_MAX the oldest are dropped. Zeroed at first. */
GF_MUST_CHECK int outbox_add(struct outbox_list *l, int dir, struct gf_err *e);
void outbox_free(struct outbox_list *l);

/* Open a file for reading if the fixed fields of its shell (gf_bundle_route()) say that it is
 * addressed to one of `to`, bears its name, and comes from `from` (NULL: from anybody); -1
 * otherwise: it is not for us to judge. */
GF_MUST_CHECK int outbox_open(const struct outbox_file *f, const struct gf_hash *from,
                              const struct gf_hash *to, size_t nto);

#endif
