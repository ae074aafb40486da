/*
 * hello.c -- the hello of a relay for a nonce, on standard output: for scripted relays in tests.
 *
 *   hello KEYS NONCE [AT]     KEYS: a relay's directory of keys; NONCE: 64 hex digits
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gapferry/digest.h"
#include "gapferry/hello.h"

int main(int argc, char **argv) {
    struct gf_identity id;
    struct gf_buf out;
    uint8_t nonce[32];
    struct gf_err e;

    if (argc < 3 || gf_text_unhex(argv[2], strlen(argv[2]), nonce, sizeof nonce) == -1) {
        (void)fprintf(stderr, "usage: hello KEYS NONCE [AT]\n");
        return 64;
    }
    int64_t at = argc > 3 ? strtoll(argv[3], NULL, 10) : (int64_t)time(NULL);
    gf_buf_init(&out, GF_HELLO_MAX);
    if (gf_digest_start(&e) == -1 || gf_identity_load(AT_FDCWD, argv[1], &id, &e) == -1 ||
        gf_hello_make(&(struct gf_hello_by){.id = &id}, nonce, at, "test", &out, &e) == -1) {
        (void)fprintf(stderr, "hello: %s\n", e.text);
        return 1;
    }
    (void)fwrite(out.data, 1, out.len, stdout);
    gf_buf_free(&out);
    gf_identity_free(&id);
    return 0;
}
