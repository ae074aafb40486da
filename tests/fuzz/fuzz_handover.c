/*
 * fuzz_handover.c -- what a subverted child says: it ends, and each record that is taken has the
 * form that the ledger relies on.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gapferry/contents.h"
#include "gapferry/file.h"
#include "relay/handover.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_err e = {.code = GF_OK};
    struct handover_record r;
    struct handover_in in;
    size_t total = 0;
    int rc = 0;

    int fd = memfd_create("records", MFD_CLOEXEC);
    require(fd != -1 && gf_file_write_at(fd, data, size, 0) == 0);
    handover_in_init(&in, fd);
    while ((rc = handover_next(&in, &r, &e)) == 1) {
        require(gf_text_is_word(r.channel, strlen(r.channel), GF_WORD_MAX));
        require(r.product == NULL || (strlen(r.product) <= GF_WORD_MAX &&
                                      gf_text_is_utf8(r.product, strlen(r.product))));
        require(r.file == NULL || gf_contents_member_of(r.file) == GF_MEMBER_FILE);
        require(r.len >= 2 && r.len < GF_LINE_MAX && strlen(r.line) == r.len);
        require(strchr(r.line, '\n') == NULL && (r.answer == 0 || r.answer == 1));
        total += r.len;
        require(total <= size);
    }
    require(rc == 0 || e.code == GF_E_RECORD);
    handover_in_free(&in);
    (void)close(fd);
    return 0;
}
