/*
 * fuzz_spool.c -- reading a spool file of any bytes: it ends, each line that comes out is one whole
 * line with its check sum before it, and nothing is handed out twice or passed over unseen.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/spool.h"
#include "gapferry/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct spool_reader r = {.fd = memfd_create("spool", 0), .size = (int64_t)size};
    struct gf_err e = {.text = ""};
    const char *bytes;
    size_t len;
    int found;

    require(r.fd != -1 && gf_file_write(r.fd, data, size) == 0);
    gf_buf_init(&r.buf, 4 << 20);
    for (;;) {
        int64_t at = r.at;
        found = spool_next(&r, &bytes, &len, &e);
        if (found != SPOOL_LINE && found != SPOOL_DAMAGE)
            break;
        require(len > 0);
        if (found == SPOOL_LINE) {
            struct gf_buf again;

            gf_buf_init(&again, 4 << 20);
            spool_entry(&again, bytes, len);
            require(again.len == (size_t)(r.at - at));
            require(memcmp(again.data, data + at, again.len) == 0);
            gf_buf_free(&again);
        } else {
            require(len == (size_t)(r.at - at) && memcmp(bytes, data + at, len) == 0);
        }
    }
    require(found == SPOOL_END);
    /* What is left is a torn tail. */
    require(r.at == (int64_t)size || !memchr(data + r.at, '\n', size - (size_t)r.at));
    spool_reader_close(&r);
    return 0;
}
