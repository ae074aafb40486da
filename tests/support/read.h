/*
 * read.h -- read a bundle that lies in memory, through all three steps, as a fixed reader would.
 */
#ifndef SUPPORT_READ_H
#define SUPPORT_READ_H

#include "support/forge.h"

/* Who reads: `relay` gets requests, `site` gets responses. */
enum read_as { READ_AS_RELAY, READ_AS_SITE };

struct read_result {
    struct gf_err err;           /* code GF_OK: it was read */
    int left;                    /* entries left behind in the private directory after a failure */
    struct gf_header header;     /* on success */
    struct gf_contents contents; /* on success; gf_contents_free() */
};

/* The private directory all reading goes into: made new, empty before and after. */
struct read_room {
    char path[128];
    int fd;
};
void read_room_make(struct read_room *r);
void read_room_free(struct read_room *r);

/* What lies in it. */
int read_room_entries(const struct read_room *r);

/* Read; `together` runs the last two steps as gf_bundle_open() does. What was written is removed.
 * 0 or -1. */
int read_bundle(const struct forge_world *w, enum read_as as, const void *data, size_t len,
                struct read_room *room, int together, struct read_result *out);

/* A file in memory with these bytes, at its beginning. */
int read_memory(const void *data, size_t len);

#endif
