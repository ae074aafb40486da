/*
 * vendor_keys.c -- the keys of [vendor "NAME"], read from their files.
 */
#include "common/vendor_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gapferry/file.h"
#include "gapferry/limits.h"

const char *const vendor_keys_duties[VENDOR_DUTIES] = {"license", "update", "card"};

static int fail(const struct vendor_key *k, const char *why, struct gf_err *e) {
    return gf_err_set(e, GF_E_CONFIG, "%s: [vendor \"%s\"] %s = %s: %s", k->origin, k->vendor,
                      vendor_keys_duties[k->duty], k->path, why);
}

/* A key file that everybody may write is everybody's key. */
static int read_file(struct vendor_key *k, struct gf_err *e) {
    struct gf_buf text;
    struct gf_err why;
    struct stat st;

    if (stat(k->path, &st) == -1)
        return fail(k, strerror(errno), e);
    if ((st.st_mode & S_IWOTH) != 0)
        return fail(k, "everybody may write it; chmod o-w it, and compare the key", e);
    int rc = gf_file_load(AT_FDCWD, k->path, GF_CARD_FILE_MAX, &text, &why);
    if (rc == 0)
        rc = gf_key_sign_public_parse(text.data ? text.data : "", text.len, "it", &k->key, &why);
    gf_buf_free(&text);
    return rc == 0 ? 0 : fail(k, why.text, e);
}

static void read_key(struct vendor_key *k) {
    if (!gf_text_is_word(k->vendor, strlen(k->vendor), GF_WORD_MAX))
        (void)fail(k, "a vendor's name must be 1 to 64 characters of [a-z0-9.-]", &k->why);
    else if (k->path[0] != '/')
        (void)fail(k, "must be an absolute path", &k->why);
    else
        k->usable = read_file(k, &k->why) == 0;
}

int vendor_keys_load(const struct config *c, unsigned offered, struct vendor_key **out, size_t *n,
                     struct gf_err *e) {
    const char *vendor;
    size_t sections = 0, len = 0;

    while (config_name(c, "vendor", sections))
        sections++;
    struct vendor_key *list = calloc(sections * VENDOR_DUTIES + 1, sizeof *list);
    if (!list)
        return gf_err_errno(e, "no memory for %zu vendors", sections);
    for (size_t i = 0; (vendor = config_name(c, "vendor", i)); i++) {
        for (unsigned duty = 0; duty < VENDOR_DUTIES; duty++) {
            const char *key = vendor_keys_duties[duty];
            const char *path = offered & 1u << duty ? config_get(c, "vendor", vendor, key) : NULL;
            if (!path)
                continue;
            list[len] = (struct vendor_key){.vendor = vendor,
                                            .duty = (enum vendor_duty)duty,
                                            .path = path,
                                            .origin = config_origin(c, "vendor", vendor, key)};
            read_key(&list[len++]);
        }
    }
    *out = list;
    *n = len;
    return 0;
}

/* A section without a key is a slip: whoever wrote it believes that it does something. */
static int check_used(const struct config *c, const struct vendor_key *list, size_t n,
                      struct gf_err *e) {
    const char *vendor;

    for (size_t i = 0; (vendor = config_name(c, "vendor", i)); i++) {
        size_t at = 0;
        while (at < n && strcmp(list[at].vendor, vendor) != 0)
            at++;
        if (at == n)
            return gf_err_set(
                e, GF_E_CONFIG,
                "[vendor \"%s\"]: names no key file; add one, or take the section out", vendor);
    }
    return 0;
}

int vendor_keys_check(const struct config *c, unsigned offered, struct gf_err *e) {
    struct vendor_key *list = NULL;
    size_t n = 0;

    if (vendor_keys_load(c, offered, &list, &n, e) == -1)
        return -1;
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (!list[i].usable) {
            *e = list[i].why;
            rc = -1;
        }
    }
    if (rc == 0)
        rc = check_used(c, list, n, e);
    free(list);
    return rc;
}
