/* read.c -- read a bundle that lies in memory, through all three steps. */
#include "support/read.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gapferry/file.h"

int read_memory(const void *data, size_t len) {
    int fd = memfd_create("bundle", MFD_CLOEXEC);

    if (fd == -1 || gf_file_write_at(fd, data, len, 0) == -1)
        forge_fail("memory", "no file in memory");
    return fd;
}

void read_room_make(struct read_room *r) {
    const char *tmp = getenv("TMPDIR");

    (void)snprintf(r->path, sizeof r->path, "%s/gapferry-read-XXXXXX",
                   tmp != NULL && strlen(tmp) < 96 ? tmp : "/tmp");
    if (mkdtemp(r->path) == NULL ||
        (r->fd = open(r->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
        forge_fail(r->path, "cannot make it");
}

void read_room_free(struct read_room *r) {
    gf_bundle_items_remove(r->fd);
    (void)close(r->fd);
    (void)rmdir(r->path);
}

int read_room_entries(const struct read_room *r) {
    int n = 0;
    int fd = openat(r->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd == -1 ? NULL : fdopendir(fd);

    if (d == NULL)
        forge_fail("room", "cannot list it");
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    (void)closedir(d);
    return n;
}

/* Steps 2 and 3 of a verified copy. */
static int open_copy(int copy, const struct gf_head *h, const struct gf_seal_key *key, int room,
                     int together, struct gf_contents *contents, struct gf_err *e) {
    const struct gf_items_options o = {.check_lines = 1, .room = FORGE_ROOM};
    int rc = -1;

    if (together)
        return gf_bundle_open(copy, h, &key, 1, &o, room, contents, e);
    int plain = read_memory("", 0);
    if (gf_bundle_decrypt(copy, h, &key, 1, plain, e) == 0 && lseek(plain, 0, SEEK_SET) == 0)
        rc = gf_bundle_items(plain, &h->header, &o, room, contents, e);
    (void)close(plain);
    return rc;
}

int read_bundle(const struct forge_world *w, enum read_as as, const void *data, size_t len,
                struct read_room *room, int together, struct read_result *out) {
    const struct gf_identity *us = as == READ_AS_RELAY ? &w->relay : &w->site;
    const struct gf_check c = {.trusted = w->trusted,
                               .ntrusted = sizeof w->trusted / sizeof w->trusted[0],
                               .us = &us->card.identity,
                               .nus = 1,
                               .has_now = 1,
                               .now = FORGE_NOW};
    struct gf_head h = {0};
    int rc = -1;

    memset(out, 0, sizeof *out);
    int fd = read_memory(data, len);
    int copy = read_memory("", 0);
    if (gf_bundle_head(fd, &c, &h, &out->err) == 0 &&
        gf_bundle_copy(fd, &h, copy, NULL, NULL, &out->err) == 0)
        rc = open_copy(copy, &h, us->seal, room->fd, together, &out->contents, &out->err);
    if (rc == 0) {
        out->header = h.header;
        out->err.code = GF_OK;
        out->err.text[0] = '\0';
    } else {
        out->left = read_room_entries(room);
    }
    gf_bundle_items_remove(room->fd);
    gf_head_free(&h);
    (void)close(fd);
    (void)close(copy);
    return rc;
}
