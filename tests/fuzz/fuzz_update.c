/*
 * fuzz_update.c -- updates/update: any bytes as a manifest, and as JSON that the vendor has signed,
 * since nothing else is ever parsed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/update.h"
#include "gapferry/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gf_sign_key *vendor;

static void require(int fact) {
    if (!fact)
        abort();
}

static void check(const char *text, size_t len) {
    struct update u;
    struct gf_err e = {.text = ""};

    if (update_parse(text, len, gf_key_sign_public(vendor), &u, &e) == -1) {
        require(e.code == GF_E_UPDATE || e.code == GF_E_SIGNATURE || e.code == GF_E_JSON ||
                e.code == GF_E_DOCUMENT || e.code == GF_E_VERSION || e.code == GF_E_LIMIT ||
                e.code == GF_E_MINISIG);
        require(e.text[0] != '\0');
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
