/* open.c -- reading, steps 2 and 3 at the same time in one process. */
#include <fcntl.h>
#include <unistd.h>

#include "gapferry/bundle.h"

int gf_bundle_open(int copy, const struct gf_head *h, const struct gf_seal_key *const *keys,
                   size_t nkeys, const struct gf_items_options *o, int dir, struct gf_contents *out,
                   struct gf_err *e) {
    struct gf_bundle_decrypting *d = NULL;
    struct gf_contents c = {0};
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) == -1)
        return gf_err_errno(e, "cannot make a pipe");
    if (gf_bundle_decrypt_begin(copy, h, keys, nkeys, fds[1], &d, e) == -1) {
        (void)close(fds[0]);
        return -1;
    }
    int read = gf_bundle_items(fds[0], &h->header, o, dir, &c, e);
    (void)close(fds[0]);
    if (gf_bundle_decrypt_end(d, read, e) == 0) {
        *out = c;
        return 0;
    }
    if (read == 0) {
        gf_contents_free(&c);
        gf_bundle_items_remove(dir);
    }
    return -1;
}
