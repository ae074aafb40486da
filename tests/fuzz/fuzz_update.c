/*
 * fuzz_update.c -- updates/update: any bytes as a manifest, and as JSON that the vendor has signed,
 * since nothing else is ever parsed.
 */
#include <string.h>

#include "common/update.h"
#include "fuzz_signed.h"

static void check(const char *text, size_t len) {
    struct update u;
    struct gf_err e = {.text = ""};

    if (update_parse(text, len, gf_key_sign_public(vendor), &u, &e) == -1) {
        require_refused(&e, GF_E_UPDATE);
        return;
    }
    /* What becomes a path is none: no slash, no dot in front, and no two of one name. */
    require(gf_text_is_word(u.product, strlen(u.product), GF_WORD_MAX));
    require(gf_text_is_word(u.channel, strlen(u.channel), GF_WORD_MAX));
    require(gf_text_is_word(u.platform, strlen(u.platform), GF_WORD_MAX));
    require(update_is_version(u.version) && u.serial > 0 && u.expires > u.issued);
    require(u.nartifacts <= UPDATE_ARTIFACTS_MAX);
    for (size_t i = 0; i < u.nartifacts; i++) {
        const struct update_artifact *a = &u.artifacts[i];
        require(a->name[0] != '\0' && a->name[0] != '.' && a->name[0] != '-');
        require(!strpbrk(a->name, "/\\:\n\t %"));
        require(a->size >= 0 && a->size <= UPDATE_SIZE_MAX);
        require(update_find(&u, a->name) == a);
    }
    require(update_same(text, len, text, len));
    update_free(&u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_both(data, size, check);
    return 0;
}
