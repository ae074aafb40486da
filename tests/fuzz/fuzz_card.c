/*
 * fuzz_card.c -- format/card: the one parser that meets bytes from strangers. What it takes is
 * signed by its own key, and is known by its fingerprint.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/card.h"
#include "gapferry/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

/* A typed fingerprint is as foreign as a card. */
static void type_it(const struct gf_card *c, const uint8_t *data, size_t size) {
    char typed[64];
    size_t n = size < sizeof typed - 1 ? size : sizeof typed - 1;

    if (n > 0)
        memcpy(typed, data, n);
    typed[n] = '\0';
    (void)gf_card_fingerprint_is(c, typed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char fingerprint[GF_FINGERPRINT_TEXT];
    struct gf_hash identity;
    struct gf_card c;
    struct gf_err e = {.text = ""};

    require(gf_digest_start(&e) == 0);
    memset(&c, 0, sizeof c);
    type_it(&c, data, size);
    if (gf_card_parse((const char *)data, size, "fuzz", &c, &e) == -1) {
        require(e.code == GF_E_CARD || e.code == GF_E_JSON || e.code == GF_E_VERSION ||
                e.code == GF_E_DOCUMENT || e.code == GF_E_MINISIG || e.code == GF_E_SIGNATURE ||
                e.code == GF_E_LIMIT);
        require(strlen(e.text) > 0);
        return 0;
    }
    require((c.role == GF_ROLE_AGENT) == (c.has_agent == 1));
    require(gf_text_is_utf8(c.name, strlen(c.name)) && strlen(c.name) <= GF_WORD_MAX);
    gf_key_identity(&c.sign, &c.seal, &identity);
    require(memcmp(&identity, &c.identity, sizeof identity) == 0);
    gf_card_fingerprint(&c, fingerprint);
    require(gf_card_fingerprint_is(&c, fingerprint));
    return 0;
}
