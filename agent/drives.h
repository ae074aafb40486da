/*
 * drives.h -- which drives are mounted, and which of them are visited without being asked: those
 * that `auto_drives` lists and that a person has synced here before.
 *
 * A drive is named by its file system, "UUID=1234-ABCD" (as udev knows it: /run/udev/data), or by
 * the path it is mounted at. Both names are remembered when a person syncs it.
 */
#ifndef AGENT_DRIVES_H
#define AGENT_DRIVES_H

#include "agent/agent.h"

#define DRIVES_NAME 512

struct drives_mount {
    char path[DRIVES_NAME]; /* where it is mounted */
    char uuid[DRIVES_NAME]; /* "UUID=..."; "" where nobody knows */
    int64_t id;             /* of this mount; another one has another */
};

/* Parse the text of /proc/self/mountinfo (proc(5)): fn for each mount whose path fits. udev: the
 * directory of udev's data, "/run/udev/data". Lines that are malformed are skipped. fn returns 0,
 * or -1 to stop with *e. */
typedef int drives_each(void *arg, const struct drives_mount *m, struct gf_err *e);
GF_MUST_CHECK int drives_parse(const char *text, size_t len, const char *udev, drives_each *fn,
                               void *arg, struct gf_err *e);

/* The mounts of this moment. */
GF_MUST_CHECK int drives_walk(drives_each *fn, void *arg, struct gf_err *e);

/* A person has synced the drive at `dir`: remember its names. */
GF_MUST_CHECK int drives_note(struct agent *a, const char *dir, struct gf_err *e);

/* 1 if `auto_drives` lists this mount and a person has synced it before; 0 if not. Listed, but
 * never synced: 0 and *unknown is set. */
GF_MUST_CHECK int drives_is_auto(struct agent *a, const struct drives_mount *m, int *unknown,
                                 struct gf_err *e);

#endif
