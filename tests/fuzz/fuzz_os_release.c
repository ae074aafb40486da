/*
 * fuzz_os_release.c -- what the built-in report reads of others: os-release, files of counts, the
 * list of them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/source/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    char name[GF_WORD_MAX + 1], file[512];
    struct source_os os;
    struct gf_err e;
    int64_t n = -1;
    int rc;

    source_os_release(text, size, &os);
    require(gf_text_is_utf8(os.name, strlen(os.name)));
    require(gf_text_is_utf8(os.version, strlen(os.version)));
    if (source_number(text, size, &n) == 0)
        require(n >= 0 && n <= GF_JSON_INT_MAX);

    char *counts = malloc(size + 1);
    require(counts != NULL);
    memcpy(counts, data, size);
    counts[size] = '\0';
    const char *at = counts;
    while ((rc = source_next_count(&at, name, file, &e)) == 1) {
        require(gf_text_is_word(name, strlen(name), GF_WORD_MAX) && file[0] == '/');
        require(at <= counts + size);
    }
    require(rc == 0 || e.code == GF_E_CONFIG);
    free(counts);
    return 0;
}
