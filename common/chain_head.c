/*
 * chain_head.c -- a number and a hash in a file.
 */
#include "common/chain_head.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/when.h"
#include "gapferry/file.h"

#define HEAD_MAX   128
#define DIGITS_MAX 18 /* so that every number fits */

int chain_head_parse(const char *text, size_t len, int64_t *n, struct gf_hash *hash) {
    char number[DIGITS_MAX + 1] = "";
    size_t digits = 0;
    struct gf_hash h;

    while (digits < len && digits < DIGITS_MAX && text[digits] >= '0' && text[digits] <= '9')
        digits++;
    if (digits == 0 || text[0] == '0' || len != digits + 1 + GF_HASH_TEXT || text[digits] != ' ' ||
        text[len - 1] != '\n' ||
        gf_text_unhex(text + digits + 1, GF_HASH_TEXT - 1, h.b, sizeof h.b) == -1)
        return -1;
    memcpy(number, text, digits);
    *n = strtoll(number, NULL, 10);
    *hash = h;
    return 0;
}

int chain_head_load(int dir, const char *path, int64_t *n, struct gf_hash *hash, struct gf_err *e) {
    struct gf_buf text;

    int rc = gf_file_load_if_there(dir, path, HEAD_MAX, &text, e);
    if (rc == 1 && chain_head_parse(text.data ? text.data : "", text.len, n, hash) == -1)
        rc = gf_err_set(e, GF_E_DAMAGED, "%s: is not a number and a hash", path);
    gf_buf_free(&text);
    return rc;
}

int chain_head_save(int dir, const char *path, int64_t n, const struct gf_hash *hash,
                    struct gf_err *e) {
    char text[HEAD_MAX], hex[GF_HASH_TEXT];

    gf_text_hex(hash->b, sizeof hash->b, hex);
    int len = snprintf(text, sizeof text, "%" PRId64 " %s\n", n, hex);
    return gf_file_save(dir, path, text, (size_t)len, 0600, e);
}

int chain_head_set_aside(int dir, const char *path, const char *why, int64_t now,
                         struct gf_err *e) {
    char to[PATH_MAX], at[WHEN_STAMP];

    when_stamp(now, at);
    (void)snprintf(to, sizeof to, "%s.before-%s-%s", path, why, at);
    if (renameat(dir, path, dir, to) == -1 && errno != ENOENT)
        return gf_err_errno(e, "%s: cannot keep it as evidence", path);
    return 0;
}
