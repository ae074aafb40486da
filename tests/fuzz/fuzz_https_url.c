/*
 * fuzz_https_url.c -- URLs: what is taken is what a second, plain reading of the text says too.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/https_header.h"
#include "common/https_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct https_url u;
    struct gf_err e;
    struct gf_buf kept;
    char *url = malloc(size + 1);

    if (url == NULL)
        return 0;
    if (size > 0)
        memcpy(url, data, size);
    url[size] = '\0';

    if (https_url_parse(url, &u, &e) == 0) {
        const char *host = strstr(url, "://") + 3;
        host += *host == '[';
        if (strncmp(host, u.host, strlen(u.host)) != 0 || strchr(url, '#') != NULL)
            abort();
        if (u.plain && strncmp(u.host, "127.", 4) != 0 && strcmp(u.host, "::1") != 0)
            abort();
        if (u.port < 1 || u.port > 65535)
            abort();
    }
    if (https_url_parse_site(url, &u, &e) == 0 && u.plain && !u.site)
        abort();
    if (https_url_proxy(url, &u, &e) == 0 && strchr(strstr(url, "://") + 3, '/') != NULL)
        abort();

    /* A kept header is one line, whatever came; what may be sent is one. */
    gf_buf_init(&kept, 100);
    https_header_keep(&kept, url, size);
    if (!kept.failed && kept.len > 0 &&
        memchr(kept.data, '\n', kept.len) != kept.data + kept.len - 1)
        abort();
    gf_buf_free(&kept);
    if (https_header_check(url, &e) == 0 && strpbrk(url, "\r\n") != NULL)
        abort();
    free(url);
    return 0;
}
