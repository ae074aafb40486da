/*
 * fuzz_signed.h -- what the fuzz targets of vendors' documents share: any bytes as a document, and
 * as JSON that the vendor has signed, since nothing else is ever parsed.
 */
#ifndef FUZZ_SIGNED_H
#define FUZZ_SIGNED_H

#include <stdint.h>
#include <stdlib.h>

#include "gapferry/digest.h"
#include "gapferry/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gf_sign_key *vendor;

static inline void require(int fact) {
    if (!fact)
        abort();
}

/* A document was refused: with words, and with one of the codes that it may have. */
static inline void require_refused(const struct gf_err *e, enum gf_code own) {
    require(e->code == own || e->code == GF_E_SIGNATURE || e->code == GF_E_JSON ||
            e->code == GF_E_DOCUMENT || e->code == GF_E_VERSION || e->code == GF_E_LIMIT ||
            e->code == GF_E_MINISIG);
    require(e->text[0] != '\0');
}

/* Give both texts to the parser. */
static inline void check_both(const uint8_t *data, size_t size,
                              void check(const char *text, size_t len)) {
    struct gf_buf b;
    struct gf_err e;

    if (!vendor)
        require(gf_digest_start(&e) == 0 && gf_key_sign_new(&vendor, &e) == 0);
    check((const char *)data, size);
    gf_buf_init(&b, 1 << 22);
    gf_buf_add(&b, data, size);
    gf_buf_byte(&b, '\n');
    size_t n = b.len;
    if (gf_minisig_sign(vendor, b.data, n, "u", "t", &b, &e) == 0)
        check(b.data, b.len);
    gf_buf_free(&b);
}

#endif
