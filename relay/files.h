/*
 * files.h -- the folders of the state directory: incoming, uploads, pending, quarantine, work,
 * files, artifacts, outbox, brought.
 */
#ifndef RELAY_FILES_H
#define RELAY_FILES_H

#include "relay/relay.h"

/* Why `reconcile` moved a response of our own to quarantine/. */
#define FILES_UNKNOWN_RESPONSE "a response that the ledger does not know, found by reconcile"

/* Bytes of one copy that is made for somebody who has not proved who he is, and of all in one
 * folder. */
#define FILES_COPY_MAX  (64LL << 20)
#define FILES_QUOTA_MAX (256LL << 20)

/* Files in one folder of what was not verified, with their .why; and of all that quarantine/ keeps,
 * and their bytes, beyond which the oldest go: room for two bundles of any size. */
#define FILES_KEEP_MAX        512
#define FILES_QUARANTINE_MAX  4096
#define FILES_QUARANTINE_SIZE (4LL << 30)

/* Bytes of disk that are never filled, unless [relay] keep_free says another number: the database
 * and the records' receipts need them. */
#define FILES_RESERVE (64LL << 20)

#define FILES_NAME 40 /* 32 hex digits, ".gfb", NUL, and room */

struct files_entry {
    char name[256];
    int64_t size; /* bytes */
};
struct files_list {
    struct files_entry *entries; /* sorted by name; free() */
    size_t n;
    int64_t total; /* bytes */
};

/* "incoming" "pending" ... NULL; files_make() makes those that are missing. */
extern const char *const files_folders[];
GF_MUST_CHECK int files_make(int state, struct gf_err *e);

/* Regular files of a folder below the state directory; hidden ones are not listed. */
GF_MUST_CHECK int files_list(const struct relay *r, const char *folder, struct files_list *out,
                             struct gf_err *e);

/* Whom a bundle in a folder claims to come from, which is not verified: 1 and *out, or 0 where that
 * cannot be read. */
int files_sender(const struct relay *r, const char *folder, const char *name, struct gf_hash *out);

/* Remove what a crash left: temporary files everywhere, and all in work/. */
GF_MUST_CHECK int files_tidy(const struct relay *r, struct gf_err *e);

/* The name of a bundle in our folders: by its header's digest where it was verified, since senders
 * choose ids as they like; otherwise by its first bytes. */
void files_name(const struct gf_hash *digest, char out[FILES_NAME]);
GF_MUST_CHECK int files_name_of(int fd, char out[FILES_NAME], struct gf_err *e);

/* 1 if folder/name is there. */
int files_has(const struct relay *r, const char *folder, const char *name);

/* Bytes that may be written here; INT64_MAX where the file system does not say. */
int64_t files_room(const struct relay *r);

/* GF_E_CREATE unless `size` bytes fit. */
GF_MUST_CHECK int files_need(const struct relay *r, int64_t size, struct gf_err *e);

/* What lies in a folder, counted once for many files_keep(). Zeroed: not counted yet. */
struct files_quota {
    int known;
    size_t n;
    int64_t total; /* bytes */
};
/* A copy to be made for somebody who has not proved who he is. */
struct files_copy {
    int fd;
    int64_t size;
    const char *folder, *name;
};
/* Copy it, durably, within the limits above. 1 copied (or there already), 0 too much, -1. */
GF_MUST_CHECK int files_keep(const struct relay *r, struct files_quota *q,
                             const struct files_copy *c, struct gf_err *e);

/* Flush a folder: what was renamed within it, or into it, is there after a crash. */
GF_MUST_CHECK int files_sync(const struct relay *r, const char *folder, struct gf_err *e);

/* Remove the oldest of quarantine/ beyond both limits, and log how many. */
GF_MUST_CHECK int files_trim(const struct relay *r, struct gf_err *e);

/* Move folder/name to quarantine/, with NAME.why beside it; durable. */
GF_MUST_CHECK int files_quarantine(const struct relay *r, const char *folder, const char *name,
                                   const char *why, struct gf_err *e);
/* Write quarantine/NAME.why. */
GF_MUST_CHECK int files_why(const struct relay *r, const char *name, const char *why,
                            struct gf_err *e);

#endif
