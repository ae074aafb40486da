/* forge_tar.c -- raw ustar archives, header by header. */
#include <stdio.h>
#include <string.h>

#include "support/forge.h"

void forge_tar_sum(uint8_t block[512]) {
    unsigned sum = 0;
    char text[8];

    memset(block + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += block[i];
    (void)snprintf(text, sizeof text, "%06o", sum & 0777777);
    memcpy(block + 148, text, 7);
}

void forge_tar_header(struct gf_buf *out, const char *name, char type, int64_t size) {
    uint8_t b[512] = {0};
    char text[24];

    memcpy(b, name, strnlen(name, 100));
    memcpy(b + 100, "000600 ", 7);
    memcpy(b + 108, "000000 ", 7);
    memcpy(b + 116, "000000 ", 7);
    (void)snprintf(text, sizeof text, "%011llo", (unsigned long long)size & 077777777777ULL);
    memcpy(b + 124, text, 11);
    b[135] = ' ';
    memcpy(b + 136, "00000000000 ", 12);
    b[156] = (uint8_t)type;
    memcpy(b + 257, "ustar\00000", 8);
    memcpy(b + 329, "000000 ", 7);
    memcpy(b + 337, "000000 ", 7);
    forge_tar_sum(b);
    forge_add(out, b, sizeof b);
}

void forge_tar_data(struct gf_buf *out, const void *data, size_t len) {
    forge_add(out, data, len);
    forge_fill(out, 0, (512 - len % 512) % 512);
}

void forge_tar_end(struct gf_buf *out) {
    forge_fill(out, 0, 1024);
}

void forge_tar_put(struct gf_buf *b, size_t block, size_t at, const void *data, size_t len) {
    memcpy(b->data + block + at, data, len);
    forge_tar_sum((uint8_t *)b->data + block);
}

void forge_tar_pax(struct gf_buf *out, char type, const char *key, const char *value) {
    char text[512];
    size_t len = strlen(key) + strlen(value) + 3; /* space, =, LF */
    size_t digits = len + 2 > 99 ? 3 : 2;

    /* The number at the front counts itself. */
    (void)snprintf(text, sizeof text, "%zu %s=%s\n", len + digits, key, value);
    forge_tar_header(out, "PaxHeader", type, (int64_t)strlen(text));
    forge_tar_data(out, text, strlen(text));
}
