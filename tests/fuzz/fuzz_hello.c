/*
 * fuzz_hello.c -- format/hello: what comes from whoever answered at the relay's address. The relay
 * and the nonce are those of the known answer in docs/bundle-format.md.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/digest.h"
#include "gapferry/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

static const char sign[] = "RWQREhMUFRYXGCVDuS/xCVURR2rcg2nbbdyTNmWhGXjdoUBO4QZsqVWd";
static const char seal[] = "age1vawa2a8dw7ynzzea9emgrumepdrxcaemz5slanek2au4sdc755hsee0f04";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_card relay = {.role = GF_ROLE_RELAY};
    struct gf_hello h = {.at = -1};
    struct gf_err e = {.text = ""};
    uint8_t nonce[32];

    require(gf_digest_start(&e) == 0);
    for (size_t i = 0; i < sizeof nonce; i++)
        nonce[i] = (uint8_t)(0x50 + i);
    require(gf_key_sign_public_unline(sign, sizeof sign - 1, &relay.sign) == 0);
    require(gf_key_seal_public_unline(seal, sizeof seal - 1, &relay.seal) == 0);
    gf_key_identity(&relay.sign, &relay.seal, &relay.identity);
    if (gf_hello_verify((const char *)data, size, &relay, nonce, &h, &e) == -1) {
        require(e.code == GF_E_LIMIT || e.code == GF_E_DOCUMENT || e.code == GF_E_MINISIG ||
                e.code == GF_E_SIGNATURE || e.code == GF_E_JSON || e.code == GF_E_VERSION ||
                e.code == GF_E_REPLAY);
        require(strlen(e.text) > 0 && h.at == -1);
        return 0;
    }
    require(gf_text_is_utf8(h.version, strlen(h.version)) && h.version[0] != '\0' && h.at >= 0);
    return 0;
}
