/* shell.c -- the outer ustar of a bundle: three members, one legal sequence of bytes. */
#include "format/shell.h"

#include <stdio.h>
#include <string.h>

const char *const gf_shell_names[] = {"bundle.json", "bundle.json.minisig", "payload.age"};

/* Offsets and widths of the ustar fields (POSIX.1-2017, pax, "ustar Interchange Format"). */
enum {
    AT_MODE = 100,
    AT_UID = 108,
    AT_GID = 116,
    AT_SIZE = 124,
    AT_MTIME = 136,
    AT_CHKSUM = 148,
    AT_TYPEFLAG = 156,
    AT_MAGIC = 257,
    AT_DEVMAJOR = 329,
    AT_DEVMINOR = 337
};
#define SIZE_DIGITS 11

int64_t gf_shell_pad(int64_t size) {
    return (size + GF_SHELL_BLOCK - 1) / GF_SHELL_BLOCK * GF_SHELL_BLOCK;
}

int64_t gf_shell_payload_offset(int64_t header_size) {
    return 3 * GF_SHELL_BLOCK + gf_shell_pad(header_size) + gf_shell_pad(GF_SHELL_MINISIG);
}

int64_t gf_shell_file_size(int64_t header_size, int64_t payload_size) {
    return gf_shell_payload_offset(header_size) + gf_shell_pad(payload_size) + GF_SHELL_END;
}

/* Octal with leading zeros, ended by NUL. */
static void octal(uint8_t *at, int digits, uint64_t value) {
    for (int i = digits - 1; i >= 0; i--, value >>= 3)
        at[i] = (uint8_t)('0' + (value & 7));
    at[digits] = 0;
}

void gf_shell_block(enum gf_shell_member m, int64_t size, uint8_t out[GF_SHELL_BLOCK]) {
    uint64_t sum = 0;

    memset(out, 0, GF_SHELL_BLOCK);
    memcpy(out, gf_shell_names[m], strlen(gf_shell_names[m]));
    octal(out + AT_MODE, 7, 0644);
    octal(out + AT_UID, 7, 0);
    octal(out + AT_GID, 7, 0);
    octal(out + AT_SIZE, SIZE_DIGITS, (uint64_t)size);
    octal(out + AT_MTIME, 11, 0);
    out[AT_TYPEFLAG] = '0';
    memcpy(out + AT_MAGIC, "ustar\00000", 8);
    octal(out + AT_DEVMAJOR, 7, 0);
    octal(out + AT_DEVMINOR, 7, 0);

    /* The checksum counts its own field as spaces, and ends with NUL and space. */
    memset(out + AT_CHKSUM, ' ', 8);
    for (size_t i = 0; i < GF_SHELL_BLOCK; i++)
        sum += out[i];
    octal(out + AT_CHKSUM, 6, sum);
    out[AT_CHKSUM + 7] = ' ';
}

int gf_shell_unblock(const uint8_t block[GF_SHELL_BLOCK], enum gf_shell_member m, int64_t *size,
                     struct gf_err *e) {
    uint8_t expected[GF_SHELL_BLOCK];
    int64_t value = 0;

    for (int i = 0; i < SIZE_DIGITS; i++) {
        uint8_t c = block[AT_SIZE + i];
        if (c < '0' || c > '7')
            return gf_err_set(
                e, GF_E_SHELL,
                "not a bundle, or damaged in transfer: no member '%s' where it must be",
                gf_shell_names[m]);
        value = value * 8 + (c - '0');
    }
    gf_shell_block(m, value, expected);
    if (memcmp(block, expected, sizeof expected) != 0)
        return gf_err_set(e, GF_E_SHELL,
                          "not a bundle, or damaged in transfer: the header of member '%s' is not "
                          "canonical",
                          gf_shell_names[m]);
    *size = value;
    return 0;
}

void gf_shell_comment(const struct gf_shell_route *r, char out[GF_SHELL_TRUSTED_LENGTH + 1]) {
    char id[GF_ID_TEXT];
    char from[GF_HASH_TEXT];
    char to[GF_HASH_TEXT];

    gf_text_hex(r->id.b, sizeof r->id.b, id);
    gf_text_hex(r->from.b, sizeof r->from.b, from);
    gf_text_hex(r->to.b, sizeof r->to.b, to);
    (void)snprintf(out, GF_SHELL_TRUSTED_LENGTH + 1, "%s%s %s %s", GF_SHELL_TRUSTED, id, from, to);
}

int gf_shell_uncomment(const char *text, size_t len, struct gf_shell_route *out, struct gf_err *e) {
    const size_t label = sizeof(GF_SHELL_TRUSTED) - 1;
    struct gf_shell_route r;

    if (len != GF_SHELL_TRUSTED_LENGTH || memcmp(text, GF_SHELL_TRUSTED, label) != 0)
        goto wrong;
    text += label;
    if (text[32] != ' ' || text[97] != ' ')
        goto wrong;
    if (gf_text_unhex(text, 32, r.id.b, sizeof r.id.b) == -1 ||
        gf_text_unhex(text + 33, 64, r.from.b, sizeof r.from.b) == -1 ||
        gf_text_unhex(text + 98, 64, r.to.b, sizeof r.to.b) == -1)
        goto wrong;
    *out = r;
    return 0;

wrong:
    return gf_err_set(e, GF_E_MINISIG, "the signature's trusted comment is not '%sID FROM TO'",
                      GF_SHELL_TRUSTED);
}

int gf_shell_is_zero(const uint8_t *b, size_t len) {
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++)
        any |= b[i];
    return any == 0;
}
