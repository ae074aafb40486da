/* fuzz_head.c -- a file that claims to be a bundle: its head, with and without trust. */
#include <stdlib.h>
#include <unistd.h>

#include "support/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct forge_world world;
    static int made;
    struct gf_head h = {0};
    struct gf_err e;

    if (!made) {
        forge_world_make(&world);
        made = 1;
    }
    const struct gf_check c = {.trusted = world.trusted,
                               .ntrusted = sizeof world.trusted / sizeof world.trusted[0],
                               .us = &world.relay.card.identity,
                               .nus = 1,
                               .has_now = 1,
                               .now = FORGE_NOW};
    int fd = read_memory(data, size);
    if (gf_bundle_peek(fd, &h, &e) == 0) {
        if (h.sender != NULL || h.bundle_size != (int64_t)size)
            abort();
        if (gf_bundle_copy(fd, &h, -1, NULL, NULL, &e) == -1 && e.code != GF_E_DIGEST &&
            e.code != GF_E_SHELL)
            abort();
        gf_head_free(&h);
    }
    if (gf_bundle_head(fd, &c, &h, &e) == 0) {
        if (h.sender == NULL || h.bundle_size != (int64_t)size)
            abort();
        gf_head_free(&h);
    }
    (void)close(fd);
    return 0;
}
