/*
 * fuzz_keygen.c -- license/keygen: any bytes as a file; as an envelope, which is read before its
 * signature is looked at; and as the JSON of a licence or machine that a vendor has signed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/license/keygen.h"
#include "gapferry/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

/* A key of which nobody has the secret: nothing here is signed. */
static const uint8_t vendor[GF_FOREIGN_KEY] = {
    0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a, 0x92, 0xb7, 0x0a, 0xa7, 0x4d, 0x1b, 0x7e, 0xbc,
    0x9c, 0x98, 0x2c, 0xcf, 0x2e, 0xc4, 0x96, 0x8c, 0xc0, 0xcd, 0x55, 0xf1, 0x2a, 0xf4, 0x66, 0x0c};

static void check_file(const char *text, size_t len) {
    struct gf_err e = {.text = ""};
    struct license l;

    require(keygen_parse(text, len, vendor, "K", "fp", &l, NULL, &e) == -1);
    require(e.code == GF_E_DOCUMENT || e.code == GF_E_SIGNATURE || e.code == GF_E_VERSION ||
            e.code == GF_E_LIMIT);
    require(e.text[0] != '\0');
}

/* Lines of a list: complete, and without anything that acts on a terminal. */
static void check_lines(const char *lines, size_t room) {
    size_t n = strlen(lines);

    require(n < room && (n == 0 || lines[n - 1] == '\n'));
    for (size_t i = 0; i < n; i++)
        require((unsigned char)lines[i] >= 0x20 || lines[i] == '\n');
}

static void check_json(const char *json, size_t len, int machine) {
    struct gf_err e = {.text = ""};
    struct license_verdict v;
    struct license l;
    struct keygen k;

    if (keygen_read(json, len, machine, NULL, NULL, &l, &k, &e) == -1) {
        require(e.code == GF_E_LICENSE || e.code == GF_E_JSON);
        require(e.text[0] != '\0');
        return;
    }
    require(gf_text_is_word(l.id, strlen(l.id), GF_WORD_MAX));
    require(gf_text_is_word(l.product, strlen(l.product), GF_WORD_MAX));
    require(l.k == 0 && l.nfactors == 0);
    require(l.has_expires == (k.file_ends || k.licence_ends));
    require(!k.file_ends || k.file_end >= l.issued);
    require(!k.file_ends || l.expires <= k.file_end);
    require(gf_text_is_utf8(l.licensee, strlen(l.licensee)));
    check_lines(l.features, sizeof l.features);
    check_lines(k.metadata, sizeof k.metadata);
    for (int64_t day = 0; day < 30000; day += 1000)
        license_judge(&l, NULL, 0, day * 86400, 0, &v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    struct gf_buf b;
    struct gf_err e;

    require(gf_digest_start(&e) == 0);
    if (keygen_is(text, size))
        check_file(text, size);
    gf_buf_init(&b, 1 << 22);
    gf_buf_text(&b, "-----BEGIN LICENSE FILE-----\n");
    gf_text_base64(&b, data, size, 1);
    gf_buf_text(&b, "\n-----END LICENSE FILE-----\n");
    if (!b.failed)
        check_file(b.data, b.len);
    gf_buf_free(&b);
    check_json(text, size, 0);
    check_json(text, size, 1);
    return 0;
}
