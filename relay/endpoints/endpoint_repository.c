/*
 * endpoint_repository.c -- the section of a vendor's repository of updates: where it is, whose
 * manifests are believed, and how much of it is taken.
 */
#include "relay/endpoints/endpoint_repository.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "relay/draft.h"

#define DUTY (1U << VENDOR_UPDATE)

/* 1 if this key may sign manifests for the section. */
static int is_meant(const struct config *c, const char *name, const struct vendor_key *k) {
    const char *vendor = endpoint_value(c, name, "vendor");

    return k->duty == VENDOR_UPDATE && k->usable &&
           (vendor == NULL || strcmp(vendor, k->vendor) == 0);
}

static int check_vendor(const struct config *c, const char *name, struct gf_err *e) {
    struct vendor_key *keys = NULL;
    int found = 0;
    size_t n = 0;

    if (vendor_keys_load(c, DUTY, &keys, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++)
        found |= is_meant(c, name, &keys[i]);
    free(keys);
    if (found)
        return 0;
    return gf_err_set(
        e, GF_E_CONFIG,
        "[endpoint \"%s\"]: no vendor is trusted with updates%s%s: add [vendor "
        "\"%s\"] with update = FILE, the vendor's public key",
        name, endpoint_value(c, name, "vendor") != NULL ? " by the name " : "",
        endpoint_value(c, name, "vendor") != NULL ? endpoint_value(c, name, "vendor") : "",
        endpoint_value(c, name, "vendor") != NULL ? endpoint_value(c, name, "vendor") : "NAME");
}

int endpoint_repository_check(const struct config *c, const char *name, struct gf_err *e) {
    const char *url = endpoint_value(c, name, "url");
    const char *release = endpoint_value(c, name, "release");
    int64_t refresh = 0;

    if (url[strlen(url) - 1] != '/' || strchr(url, '?') != NULL || strchr(url, '#') != NULL)
        return endpoint_wrong(c, name, "url", "the address of a repository ends with / ", e);
    if (!gf_text_is_word(release, strlen(release), GF_WORD_MAX))
        return endpoint_wrong(c, name, "release", "a channel is a word of [a-z0-9.-]", e);
    if (config_span(c, "endpoint", name, "refresh", &refresh, e) == -1)
        return -1;
    if (refresh > 86400)
        return endpoint_wrong(c, name, "refresh", "at most 1d", e);
    return endpoint_check_artifact_max(c, name, e) == -1 ? -1 : check_vendor(c, name, e);
}

int endpoint_repository_sizes(const struct relay *r, const char *section, struct ledger_sizes *out,
                              struct gf_err *e) {
    struct ledger_sizes sizes = {0};
    int64_t size_max = 0;

    if (relay_response_max(r, &size_max, e) == -1 ||
        config_size(r->config, "endpoint", section, "artifact_max", &sizes.artifact_max, e) == -1)
        return -1;
    sizes.part_max = draft_room(size_max);
    *out = sizes;
    return 0;
}

void endpoint_repository_close(struct endpoint *p) {
    struct endpoint_repository *own = p->own;

    if (own != NULL)
        free(own->keys);
    free(own);
    p->own = NULL;
}

int endpoint_repository_open(struct endpoint *p, struct gf_err *e) {
    const struct config *c = p->relay->config;
    struct endpoint_repository *own = calloc(1, sizeof *own);

    if (own == NULL)
        return gf_err_set(e, GF_E_SYSTEM, "no memory for an endpoint");
    p->own = own;
    p->http.method = "GET";
    p->connections = 1; /* what one check has fetched serves the next */
    if (config_span(c, "endpoint", p->name, "refresh", &own->refresh, e) == -1 ||
        endpoint_repository_sizes(p->relay, p->name, &own->sizes, e) == -1 ||
        vendor_keys_load(c, DUTY, &own->keys, &own->nkeys, e) == -1) {
        endpoint_repository_close(p);
        return -1;
    }
    return 0;
}

int endpoint_repository_verify(const struct endpoint *p, const struct gf_buf *text,
                               struct update *out, struct gf_err *e) {
    const struct endpoint_repository *own = p->own;
    int rc = -1;

    (void)gf_err_set(e, GF_E_SIGNATURE, "manifest: no vendor is trusted with updates any more");
    for (size_t i = 0; i < own->nkeys && rc == -1 && e->code == GF_E_SIGNATURE; i++) {
        if (is_meant(p->relay->config, p->name, &own->keys[i]))
            rc = update_parse(text->data, text->len, &own->keys[i].key, out, e);
    }
    return rc;
}

void endpoint_repository_tell(const struct endpoint *p, const struct update *u) {
    const struct endpoint_repository *own = p->own;

    for (size_t i = 0; i < u->nartifacts; i++) {
        if (ledger_is_too_large(&own->sizes, u->artifacts[i].size))
            log_write(LOG_LEVEL_WARNING, "update-artifact-too-large", {"endpoint", p->name, 0},
                      {"name", u->artifacts[i].name, 0}, {"bytes", NULL, u->artifacts[i].size},
                      {"artifact_max", NULL, own->sizes.artifact_max});
    }
}

void endpoint_repository_validator(const struct https_answer *answer, const char *name,
                                   char out[LEDGER_VALIDATOR_MAX + 1]) {
    size_t len = 0;
    const char *text = https_header(answer, name, &len);

    out[0] = '\0';
    if (text == NULL || len == 0 || len > LEDGER_VALIDATOR_MAX)
        return;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < ' ' || text[i] > '~')
            return;
    }
    memcpy(out, text, len);
    out[len] = '\0';
}
