/*
 * drive.h -- the drive: a directory that people carry (USB drive, disc image, share).
 *
 *   GAPFERRY/  README.txt (for the courier)  cards/  to-relay/  to-site/
 *
 * Drives are hostile when read and forgetful when written. Reading: openat2 beneath the drive's
 * root, no links, no crossing of file systems, regular files only, caps on count and size; foreign
 * names are counted and left alone. Writing: free space first, private temporary name, fsync,
 * rename, fsync the file again, fsync the directory, syncfs, drop the cache, read back, compare.
 */
#ifndef GAPFERRY_DRIVE_H
#define GAPFERRY_DRIVE_H

#include "gapferry/card.h"
#include "gapferry/text.h"

enum gf_folder { GF_FOLDER_TO_RELAY, GF_FOLDER_TO_SITE, GF_FOLDER_CARDS };

/* "to-relay" "to-site" "cards" */
extern const char *const gf_drive_folders[];

struct gf_drive; /* an open drive */

/* A drive's file name with its ending, [a-z0-9-]{1,48}.gfb or .card, and NUL. */
#define GF_DRIVE_NAME 54

struct gf_drive_entry {
    char name[GF_DRIVE_NAME];
    int64_t size; /* bytes */
};

struct gf_drive_list {
    struct gf_drive_entry *entries; /* sorted by name */
    size_t n;
    size_t foreign;    /* entries that are not ours: other names, links, directories, devices */
    size_t incomplete; /* .part files: left by a writer that was interrupted */
    size_t oversize;   /* ours by name, but beyond size_max */
    int cut;           /* 1: a cap was reached and there is more */
};

/*
 * Open the drive at `path`. make: create GAPFERRY/ and its folders where they are missing, and
 * README.txt; else a drive without GAPFERRY/ is GF_E_NOINPUT. A medium that cannot be written opens
 * too: see gf_drive_read_only(). Errors: GF_E_NOINPUT, GF_E_CREATE, GF_E_SYSTEM, GF_E_DRIVE.
 */
GF_MUST_CHECK int gf_drive_open(const char *path, int make, struct gf_drive **out,
                                struct gf_err *e);
void gf_drive_close(struct gf_drive *d);

int gf_drive_read_only(const struct gf_drive *d);

/* Bytes free for us; -1 if the file system does not say. */
int64_t gf_drive_room(const struct gf_drive *d);

/* List one folder; a missing folder is an empty one. Where there are more than one go takes, those
 * come first that are named as our writers do and have a size that fits, and of equals others each
 * time, so that junk keeps nothing out for ever. Entries larger than size_max (0: the folder's
 * limit from limits.h) are counted as oversize. Free with gf_drive_list_free(). */
GF_MUST_CHECK int gf_drive_scan(struct gf_drive *d, enum gf_folder folder, int64_t size_max,
                                struct gf_drive_list *out, struct gf_err *e);
void gf_drive_list_free(struct gf_drive_list *l);

/* Open an entry for reading: regular, one of ours, beneath the drive. The descriptor (in *fd, with
 * O_NONBLOCK taken off) is the caller's. What it reads may change at any time: copy, then verify.
 * Errors: GF_E_NOINPUT (missing, or a link, a device, a file with a second name), GF_E_DRIVE
 * (another drive lies there now), GF_E_SYSTEM (pulled out or failing), GF_E_USAGE (the name). */
GF_MUST_CHECK int gf_drive_read(struct gf_drive *d, enum gf_folder folder, const char *name,
                                int *fd, struct gf_err *e);

/*
 * Copy the file src (from offset 0, `size` bytes) to folder/name, by the recipe above. If an
 * identical file has the name already, nothing is written and *was_there is 1; one that differs is
 * GF_E_CREATE. Errors: GF_E_CREATE (no space: the text says how much is missing; read-only),
 * GF_E_DRIVE (what came back is not what was written: "replace the drive"), GF_E_SYSTEM. On failure
 * no file of that name is left behind by this call.
 */
GF_MUST_CHECK int gf_drive_write(struct gf_drive *d, enum gf_folder folder, const char *name,
                                 int src, int64_t size, int *was_there, struct gf_err *e);

/* Remove an entry, and flush. A missing one is fine; what is not a file of ours is GF_E_DRIVE. */
GF_MUST_CHECK int gf_drive_remove(struct gf_drive *d, enum gf_folder folder, const char *name,
                                  struct gf_err *e);

/* Put a card (its file's bytes) into cards/ under the name of its fingerprint in lower case. */
GF_MUST_CHECK int gf_drive_put_card(struct gf_drive *d, const struct gf_card *c, const char *text,
                                    size_t len, int *was_there, struct gf_err *e);

/* The file name of a bundle: 32 hex digits of its id and ".gfb"; of a card: its fingerprint. */
void gf_drive_bundle_name(const struct gf_id *id, char out[GF_DRIVE_NAME]);
void gf_drive_card_name(const struct gf_card *c, char out[GF_DRIVE_NAME]);

/* Load and parse every card on the drive that is one; the rest is counted in *unreadable. At most
 * GF_DRIVE_CARDS_MAX. *cards is one allocation, free() it. */
GF_MUST_CHECK int gf_drive_cards(struct gf_drive *d, struct gf_card **cards, size_t *n,
                                 size_t *unreadable, struct gf_err *e);

#endif
