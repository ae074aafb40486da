/*
 * check.h -- what an update check asks for (docs/vendor-guide.md, "What sites send"), and where its
 * vendor keeps the answer.
 *
 *   URL PRODUCT/CHANNEL/PLATFORM.json           the manifest; PLATFORM is "any" where there is none
 *                                               for the platform that was asked for
 *   URL PRODUCT/CHANNEL/PLATFORM.json.minisig   its signature
 *   URL PRODUCT/CHANNEL/NAME                    an artifact
 *
 * URL is configured and ends with "/"; all else comes from words of [a-z0-9.-] that begin with a
 * letter or digit, and from names that a vendor has signed.
 */
#ifndef RELAY_CHECK_H
#define RELAY_CHECK_H

#include "common/update.h"
#include "gapferry/record.h"

#define CHECK_TYPE "application/vnd.gapferry.update-check+json"

/* Bytes of a URL, configured part and all. */
#define CHECK_URL_MAX 2048

struct check {
    char product[GF_WORD_MAX + 1];
    char channel[GF_WORD_MAX + 1];        /* "": any */
    char platform[GF_WORD_MAX + 1];       /* UPDATE_ANY where none is named */
    char version[UPDATE_VERSION_MAX + 1]; /* what runs there; "": not told */
};

/* Pure: 1 if `type` is the media type `want`, whatever its parameters. */
int check_is_type(const char *type, const char *want);

/* Read a record; its rule may have taken any field out, and its product then stands for that of the
 * body. GF_E_NOT_FOR_US if it is no check, GF_E_UPDATE and GF_E_JSON where it cannot be answered.
 */
GF_MUST_CHECK int check_read(const struct gf_record *r, struct check *out, struct gf_err *e);

/* The URLs. GF_E_CONFIG if the result is longer than CHECK_URL_MAX. */
GF_MUST_CHECK int check_url(const char *base, const char *product, const char *channel,
                            const char *platform, int signature, char out[CHECK_URL_MAX + 1],
                            struct gf_err *e);
GF_MUST_CHECK int check_artifact_url(const char *base, const char *place, const char *name,
                                     char out[CHECK_URL_MAX + 1], struct gf_err *e);

#endif
