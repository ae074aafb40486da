/*
 * fuzz_document.c -- format/document: every byte of what is taken is JSON or signature, and no
 * signature is by a key that has signed nothing.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/digest.h"
#include "gapferry/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char begins[] = "untrusted comment: ";
    const char *text = (const char *)data;
    struct gf_sign_public stranger;
    struct gf_document d;
    struct gf_err e = {.text = ""};

    require(gf_digest_start(&e) == 0);
    if (gf_document_split(text, size, 4096, "fuzz", &d, &e) == -1) {
        require(e.code == GF_E_DOCUMENT || e.code == GF_E_MINISIG || e.code == GF_E_LIMIT);
        require(strlen(e.text) > 0);
        return 0;
    }
    require(d.json == text && d.json_len >= 1 && d.json_len <= 4096 && d.json_len < size);
    require(text[d.json_len - 1] == '\n' && text[size - 1] == '\n');
    require(memcmp(text + d.json_len, begins, sizeof begins - 1) == 0);
    require(d.nsigs >= 1 && d.nsigs <= GF_DOCUMENT_SIGS_MAX);
    for (size_t i = 0; i < d.nsigs; i++)
        require(d.sigs[i].trusted > text &&
                d.sigs[i].trusted + d.sigs[i].trusted_len < text + size);

    /* The key id is taken from the signature, so that the signature itself must decide. */
    memset(&stranger, 0x42, sizeof stranger);
    memcpy(stranger.keynum, d.sigs[0].keynum, sizeof stranger.keynum);
    require(gf_document_verify(&d, &stranger, NULL, &e) == -1 && e.code == GF_E_SIGNATURE);
    return 0;
}
