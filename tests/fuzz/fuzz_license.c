/*
 * fuzz_license.c -- license/license: any bytes as a document, and as JSON that the vendor has
 * signed, since nothing else is ever parsed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/license/license.h"
#include "gapferry/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gf_sign_key *vendor;

static void require(int fact) {
    if (!fact)
        abort();
}

static void check(const char *text, size_t len) {
    struct license_verdict v;
    struct license l;
    struct gf_err e = {.text = ""};

    if (license_parse(text, len, gf_key_sign_public(vendor), &l, &e) == -1) {
        require(e.code == GF_E_LICENSE || e.code == GF_E_SIGNATURE || e.code == GF_E_JSON ||
                e.code == GF_E_DOCUMENT || e.code == GF_E_VERSION || e.code == GF_E_LIMIT ||
                e.code == GF_E_MINISIG);
        require(e.text[0] != '\0');
        return;
    }
    require(gf_text_is_word(l.product, strlen(l.product), GF_WORD_MAX));
    require(l.k >= 0 && l.k <= (int64_t)l.nfactors && l.nfactors <= LICENSE_FACTORS_MAX);
    require(strlen(l.features) < sizeof l.features && strlen(l.counts) < sizeof l.counts);
    require(license_matching(&l, l.factors, l.nfactors) == (int64_t)l.nfactors);
    for (int64_t day = 0; day < 30000; day += 1000) {
        license_judge(&l, l.factors, l.nfactors, day * 86400, (29000 - day) * 43200, &v);
        require(v.fact != LICENSE_NONE && v.fact < LICENSE_FACTS && v.days >= 0);
        require(v.may_run || l.then == LICENSE_BLOCK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
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
    return 0;
}
