/*
 * vendor_keys.h -- [vendor "NAME"] of a configuration: the public keys of a vendor whom this host
 * believes, a file for each duty.
 *
 *   [vendor "acme"]
 *   license = /etc/gapferry/acme.pub
 *   update = /etc/gapferry/acme-release.pub
 *
 * Each file is a minisign public key (two lines), at an absolute path, and one that not everybody
 * may write. A key counts for as long as its line stands there, and what is read is always the file
 * as it is now. NAME is 1 to 64 characters of [a-z0-9.-].
 */
#ifndef COMMON_VENDOR_KEYS_H
#define COMMON_VENDOR_KEYS_H

#include "common/config.h"
#include "gapferry/key.h"

enum vendor_duty { VENDOR_LICENSE, VENDOR_UPDATE, VENDOR_CARD };
#define VENDOR_DUTIES 3

/* The duties of a program's table, `1u << duty`, or-ed. */
#define VENDOR_KEYS_ALL ((1u << VENDOR_LICENSE) | (1u << VENDOR_UPDATE) | (1u << VENDOR_CARD))

/* What each is called, in this order: "license", "update", "card". */
extern const char *const vendor_keys_duties[VENDOR_DUTIES];

/* Rows for the table of a program's configuration; a program leaves out the duties that nothing in
 * it obeys, and then no key has them. */
#define VENDOR_KEYS_LICENSE                                                                        \
    {                                                                                              \
        "vendor", 1, "license", NULL,                                                              \
            "file with the public key that this vendor signs licences with"                        \
    }
#define VENDOR_KEYS_UPDATE                                                                         \
    { "vendor", 1, "update", NULL, "the same, for update manifests" }
#define VENDOR_KEYS_CARD                                                                           \
    { "vendor", 1, "card", NULL, "the same, for cards that it vouches for" }

/* One line of such a section. The texts are borrowed from the configuration. */
struct vendor_key {
    const char *vendor; /* NAME */
    enum vendor_duty duty;
    const char *path;
    const char *origin; /* "FILE:LINE" */
    int usable;         /* 1: key; 0: why it is not, GF_E_CONFIG */
    struct gf_sign_public key;
    struct gf_err why;
};

/* All of them, in the order of the configuration; one allocation, free(). A key that cannot be used
 * is no failure: the others count. offered: the duties that the program's table has, such as
 * VENDOR_KEYS_ALL. */
GF_MUST_CHECK int vendor_keys_load(const struct config *c, unsigned offered,
                                   struct vendor_key **out, size_t *n, struct gf_err *e);

/* For `config check`: the first that cannot be used, or a section that names no key. */
GF_MUST_CHECK int vendor_keys_check(const struct config *c, unsigned offered, struct gf_err *e);

#endif
