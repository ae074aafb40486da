/*
 * cmd_license_trust.c -- pinning a vendor's key for licences in Keygen's form.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/cmd_license.h"
#include "agent/trusted.h"

/* One key may be known in both forms; then minisign's hint stays as it is. */
static int find_hint(struct agent *a, struct store_vendor *v, struct gf_err *e) {
    struct store_vendor *list = NULL;
    size_t n = 0;

    if (store_vendors(a->store, &list, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (memcmp(list[i].key.pk, v->key.pk, sizeof v->key.pk) == 0)
            v->key = list[i].key;
    }
    free(list);
    return 0;
}

int cmd_license_trust(struct agent *a, const char *hex, const char *name, struct store_vendor *out,
                      struct gf_err *e) {
    struct store_vendor v = {.since = a->now, .duties = STORE_DUTY_KEYGEN};

    if (gf_text_unhex(hex, strlen(hex), v.key.pk, sizeof v.key.pk) == -1)
        return gf_err_set(e, GF_E_USAGE,
                          "%.80s: a vendor's key is 64 lower-case hex digits here, as Keygen shows "
                          "its Ed25519 public key",
                          hex);
    if (name && !gf_text_is_word(name, strlen(name), GF_WORD_MAX))
        return gf_err_set(e, GF_E_USAGE, "--name %s: must be 1 to %d characters of [a-z0-9.-]",
                          name, GF_WORD_MAX);
    if (name)
        memcpy(v.name, name, strlen(name) + 1);
    else
        (void)snprintf(v.name, sizeof v.name, "keygen-%.8s", hex);
    if (find_hint(a, &v, e) == -1 || trusted_vendor(a, &v, e) == -1)
        return -1;
    *out = v;
    return 0;
}

int cmd_license_trust_keygen(struct agent *a, const struct options *o, struct gf_err *e) {
    const char *hex = options_value(o, "keygen"), *duty = options_value(o, "duty");
    struct store_vendor v;
    struct out t;

    if (options_arg(o, 0))
        return gf_err_set(e, GF_E_USAGE, "--keygen KEY: takes no FILE beside it");
    if (duty && strcmp(duty, "license") != 0)
        return gf_err_set(e, GF_E_USAGE,
                          "--duty %s: a key of this form signs licences and nothing else: "
                          "--duty license",
                          duty);
    if (options_count(o, "fingerprint"))
        return gf_err_set(e, GF_E_USAGE, "--keygen KEY: only cards have a fingerprint");
    if (cmd_license_trust(a, hex, options_value(o, "name"), &v, e) == -1)
        return -1;
    out_begin(&t, o);
    out_str(&t, "vendor", v.name);
    out_str(&t, "key", hex);
    out_str(&t, "duties", "license");
    out_text(&t, "vendor %s is trusted with: license, in Keygen's form\nkey %s\n", v.name, hex);
    return out_end(&t, e);
}
