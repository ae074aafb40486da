/*
 * cmd_license_pick.c -- which of the installed licences a command is about.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/cmd_license.h"

static int tell_none(struct agent *a, const struct options *o, const char *verb,
                     const char *product, int *status) {
    char self[COMMAND_SELF];
    struct gf_err none;

    (void)gf_err_set(&none, GF_E_LICENSE,
                     "license %s: no licence%s%s is installed; ask for one: %s license request "
                     "--product %s --key KEY",
                     verb, product ? " of product " : "", product ? product : "",
                     command_self(a, self), product ? product : "PRODUCT");
    (void)command_fail(&none, options_count(o, "json") > 0);
    *status = GF_EXIT_LICENSE_NONE;
    return 0;
}

int cmd_license_pick(struct agent *a, const struct options *o, const char *verb,
                     struct installed *out, int *status, struct gf_err *e) {
    const char *product = options_value(o, "product");
    struct installed *list = NULL;
    const struct installed *one = NULL;
    size_t n = 0;
    int rc = 1;

    if (installed_all(a, &list, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (!product || strcmp(list[i].product, product) == 0)
            one = &list[i];
    }
    if (!product && n > 1)
        rc = gf_err_set(e, GF_E_USAGE,
                        "license %s: %zu licences are installed; say which one: --product PRODUCT",
                        verb, n);
    else if (!one)
        rc = tell_none(a, o, verb, product, status);
    else if (!one->valid && !(one->gone && strcmp(verb, "deactivate") == 0))
        rc = gf_err_set(e, GF_E_LICENSE, "license %s: the licence of %s cannot be used: %s", verb,
                        one->product, one->why);
    else
        *out = *one;
    free(list);
    return rc;
}
