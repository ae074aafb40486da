/*
 * fuzz_license.c -- license/license: any bytes as a document, and as JSON that the vendor has
 * signed, since nothing else is ever parsed.
 */
#include <string.h>

#include "agent/license/license.h"
#include "fuzz_signed.h"

static void check(const char *text, size_t len) {
    struct license_verdict v;
    struct license l;
    struct gf_err e = {.text = ""};

    if (license_parse(text, len, gf_key_sign_public(vendor), &l, &e) == -1) {
        require_refused(&e, GF_E_LICENSE);
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
    check_both(data, size, check);
    return 0;
}
