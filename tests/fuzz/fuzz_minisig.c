/*
 * fuzz_minisig.c -- signature texts, one behind the other as in a signed document. What is accepted
 * lies within the input, and no text but a seed's verifies.
 */
#include <stdlib.h>
#include <string.h>

#include "gapferry/digest.h"
#include "gapferry/minisig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int ok) {
    if (!ok)
        abort();
}

/* The key that signed the seeds. It guards nothing. */
static const char key_line[] = "RWTKsi5pqLCXjHFot0d7gw6VOeowmVjlBtxyHLPYCq1Kf9mzwssJ73El";
static const char message[] = "a message\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    struct gf_sign_public key;
    struct gf_minisig m;
    struct gf_err e;
    size_t used = 0;

    demand(gf_digest_start(&e) == 0);
    demand(gf_key_sign_public_unline(key_line, strlen(key_line), &key) == 0);
    while (gf_minisig_parse(text, size, &m, &used, &e) == 0) {
        demand(used > 0 && used <= size && text[used - 1] == '\n');
        demand(m.trusted >= text && m.trusted + m.trusted_len < text + used);
        demand(memchr(m.trusted, '\n', m.trusted_len) == NULL);
        if (gf_minisig_verify(&m, &key, message, strlen(message), &e) == 0)
            demand(gf_minisig_verify(&m, &key, message, strlen(message) - 1, &e) != 0);
        text += used;
        size -= used;
    }
    return 0;
}
