/*
 * listener_head.c -- the first bytes of a bundle, judged while the rest is still on its way.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gapferry/file.h"
#include "relay/listener/listener.h"

/* The head as a file in memory: a hole stands for the bytes that are not here yet. */
static int as_file(const struct listener_head *p, struct gf_err *why) {
    int fd = memfd_create("head", MFD_CLOEXEC);

    if (fd != -1 && ftruncate(fd, (off_t)p->size) == 0 &&
        gf_file_write_at(fd, p->bytes, p->len, 0) == 0)
        return fd;
    (void)gf_err_errno(why, "no memory for the head of a bundle");
    if (fd != -1)
        (void)close(fd);
    return -1;
}

int listener_head_verify(const struct listener_head *p, const struct listener_us *us,
                         const struct gf_card *card, struct gf_head *out, struct gf_err *why) {
    const struct gf_card *trusted[] = {card};
    const struct gf_check check = {.trusted = trusted, .ntrusted = 1, .us = us->list, .nus = us->n};
    int fd = as_file(p, why);

    if (fd == -1)
        return -1;
    int rc = gf_bundle_head(fd, &check, out, why);
    (void)close(fd);
    return rc;
}

int listener_head_route(const struct listener_head *p, const struct listener_us *us,
                        struct gf_route *out, struct gf_err *why) {
    int fd = as_file(p, why);

    if (fd == -1)
        return -1;
    int rc = gf_bundle_route(fd, out, why);
    (void)close(fd);
    for (size_t i = 0; rc == 0 && i < us->n; i++) {
        if (memcmp(&out->to, &us->list[i], sizeof out->to) == 0)
            return 0;
    }
    if (rc == 0)
        rc = gf_err_set(why, GF_E_NOT_FOR_US, "it is addressed to another relay");
    return rc;
}
