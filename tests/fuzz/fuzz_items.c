/* fuzz_items.c -- the plaintext of a payload: frames, archive, lines, contents.json. */
#include <stdlib.h>
#include <unistd.h>

#include "support/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct forge_world world;
static struct read_room room;

static void stop(void) {
    read_room_free(&room);
    forge_world_free(&world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct gf_header headers[2];
    static int made;
    const struct gf_items_options o = {.check_lines = 1, .room = FORGE_ROOM, .threads = 1};

    /* The seeds are the plaintexts of these two. */
    if (!made) {
        static const enum gf_kind kinds[] = {GF_KIND_REQUEST, GF_KIND_RESPONSE};
        forge_world_make(&world);
        read_room_make(&room);
        (void)atexit(stop);
        for (int i = 0; i < 2; i++) {
            struct forge f;
            forge_begin(&f, &world, "fuzz", kinds[i]);
            headers[i] = f.header;
            forge_free(&f);
        }
        made = 1;
    }
    for (int i = 0; i < 2; i++) {
        struct gf_contents c = {0};
        struct gf_err e;
        int fd = read_memory(data, size);
        if (lseek(fd, 0, SEEK_SET) == 0 &&
            gf_bundle_items(fd, &headers[i], &o, room.fd, &c, &e) == 0) {
            if (gf_contents_bind(&c, &headers[i], NULL) == -1)
                abort();
            gf_contents_free(&c);
            gf_bundle_items_remove(room.fd);
        }
        if (read_room_entries(&room) != 0)
            abort();
        (void)close(fd);
    }
    return 0;
}
