/*
 * crypto_tools.h -- what the tests of crypto/ share: a directory of their own, other people's
 * tools in it, and a whole age file opened the way the bundle reader does it.
 */
#ifndef TESTS_CRYPTO_TOOLS_H
#define TESTS_CRYPTO_TOOLS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "crypto/age.h"
#include "gapferry/digest.h"
#include "gapferry/key.h"

#define FILE_MAX ((size_t)1 << 26)

static char tools_home[64];

static inline int tools_begin(void **state) {
    struct gf_err e;
    (void)state;
    (void)snprintf(tools_home, sizeof(tools_home), "/tmp/gapferry-crypto-XXXXXX");
    return mkdtemp(tools_home) == NULL || chdir(tools_home) != 0 || gf_digest_start(&e) != 0;
}

static inline int tools_end(void **state) {
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof(command), "rm -rf %s", tools_home);
    return chdir("/") != 0 || system(command) != 0;
}

/* 1 if the shell command succeeds; what it prints goes to the file `said`. */
static inline int tools_run(const char *fmt, ...) GF_PRINTF(1, 2);
static inline int tools_run(const char *fmt, ...) {
    char command[1024], whole[1100];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(command, sizeof(command), fmt, ap);
    va_end(ap);
    (void)snprintf(whole, sizeof(whole), "{ %s ; } >said 2>&1 </dev/null", command);
    return system(whole) == 0;
}

/* Leave the test, and say why, if a tool is not installed. */
static inline void tools_need(const char *tool) {
    if (!tools_run("command -v %s", tool)) {
        print_message("SKIPPED: %s is not installed, nothing was exchanged with it\n", tool);
        skip();
    }
}

static inline void tools_save(const char *name, const void *data, size_t len) {
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static inline void tools_load(const char *name, struct gf_buf *out) {
    FILE *f = fopen(name, "rb");
    char part[4096];
    size_t n;
    assert_non_null(f);
    gf_buf_init(out, FILE_MAX);
    while ((n = fread(part, 1, sizeof(part), f)) > 0)
        gf_buf_add(out, part, n);
    assert_int_equal(ferror(f), 0);
    (void)fclose(f);
    assert_int_equal(out->failed, 0);
}

/* Seal a whole buffer. */
static inline void tools_age_seal(const struct gf_seal_public *to, size_t n, const uint8_t *plain,
                                  size_t len, struct gf_buf *out) {
    struct gf_age_stream *s = NULL;
    struct gf_err e;
    uint64_t counter = 0;

    gf_buf_init(out, FILE_MAX);
    assert_int_equal(gf_age_encrypt(to, n, out, &s, &e), 0);
    assert_int_equal(out->len, gf_age_head_size(n));
    do {
        size_t part = len < GF_AGE_CHUNK ? len : GF_AGE_CHUNK;
        uint8_t *at = (uint8_t *)gf_buf_grow(out, part + GF_AGE_TAG);
        assert_non_null(at);
        if (part > 0)
            memcpy(at, plain, part);
        gf_age_chunk_seal(s, counter++, part == len, at, part);
        out->len += part + GF_AGE_TAG;
        plain += part;
        len -= part;
    } while (len > 0);
    gf_age_stream_free(s);
}

/* Open a whole buffer: a full chunk with more behind it is not the last, what remains is. `out`
 * receives what was opened before a failure too. */
static inline int tools_age_open(const uint8_t *data, size_t len,
                                 const struct gf_seal_key *const *keys, size_t nkeys,
                                 struct gf_buf *out, struct gf_err *e) {
    struct gf_age_stream *s = NULL;
    struct gf_age_info info;
    uint64_t counter = 0;
    int rc = 0, last = 0;

    gf_buf_init(out, FILE_MAX);
    if (gf_age_decrypt(data, len, keys, nkeys, &info, &s, e) != 0)
        return -1;
    data += info.head_size;
    len -= info.head_size;
    while (!last) {
        size_t part = len < GF_AGE_CHUNK + GF_AGE_TAG ? len : GF_AGE_CHUNK + GF_AGE_TAG;
        uint8_t *at = (uint8_t *)gf_buf_grow(out, part);
        assert_non_null(at);
        if (part > 0)
            memcpy(at, data, part);
        last = part == len;
        rc = gf_age_chunk_open(s, counter++, last, at, part, e);
        if (rc != 0)
            break;
        out->len += part - GF_AGE_TAG;
        data += part;
        len -= part;
    }
    gf_age_stream_free(s);
    return rc;
}

/* Bytes that do not compress and do not repeat from test to test. */
static inline void tools_fill(uint8_t *b, size_t len) {
    uint32_t v = 12345;
    for (size_t i = 0; i < len; i++) {
        v = v * 1664525u + 1013904223u;
        b[i] = (uint8_t)(v >> 24);
    }
}

#endif
