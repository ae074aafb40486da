/*
 * fuzz_update_check.c -- check_read: whatever an agent asks for, the address that is made of it
 * lies below the one that is configured.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "relay/updates/check.h"

#define BASE "https://vendor.example/updates/"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int fact) {
    if (!fact)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct gf_record r = {.type = CHECK_TYPE};
    char url[CHECK_URL_MAX + 1];
    struct gf_err e = {.text = ""};
    struct check c;

    char *text = malloc(size + 1);
    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    r.body = (struct gf_body){.form = GF_BODY_TEXT, .data = text, .len = size};
    if (check_read(&r, &c, &e) == -1) {
        require(e.text[0] != '\0');
    } else {
        require(c.product[0] != '\0' && c.platform[0] != '\0');
        require(check_url(BASE, c.product, c.channel[0] ? c.channel : "stable", c.platform, 1, url,
                          &e) == 0);
        require(strncmp(url, BASE, sizeof BASE - 1) == 0);
        const char *rest = url + sizeof BASE - 1;
        require(strspn(rest, "abcdefghijklmnopqrstuvwxyz0123456789.-/") == strlen(rest));
        require(strstr(url + 8, "//") == NULL && strstr(rest, "/.") == NULL && rest[0] != '.');
        require(strchr(strchr(strchr(rest, '/') + 1, '/') + 1, '/') == NULL);
    }
    free(text);
    return 0;
}
