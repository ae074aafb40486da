/*
 * license_answer.c -- the answer to a licence request has come in a response.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/license/installed.h"
#include "gapferry/file.h"

/* What is wrong with the last answer that was refused; see the contract in agent.h. */
static char words[2 * GF_ERR_TEXT];

static int copy_product(void *arg, const struct store_record *r, struct gf_err *e) {
    char *out = arg;

    (void)e;
    (void)snprintf(out, GF_WORD_MAX + 1, "%s", r->product ? r->product : "");
    return 1;
}

/* 1 if a licence of this product that was issued later is installed: answers may come in any
 * order, and an earlier one must not take its place. */
static int is_outdated(struct agent *a, const struct license *l, struct gf_err *e) {
    struct installed *list = NULL;
    size_t n = 0;
    int outdated = 0;

    if (installed_all(a, &list, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (list[i].valid && strcmp(list[i].product, l->product) == 0 &&
            list[i].license.issued > l->issued)
            outdated = 1;
    }
    free(list);
    return outdated;
}

/* Nothing that came is lost: what is refused for want of a vendor's key can be installed once that
 * is there. Where it cannot be kept it is refused all the same. */
static void keep_refused(struct agent *a, const struct gf_id *record, const char *text, size_t len,
                         const char *why) {
    char id[GF_UUID_TEXT], name[GF_UUID_TEXT + 16];
    struct gf_err e;

    gf_text_uuid(record, id);
    (void)snprintf(name, sizeof name, "%s.license", id);
    int dir = agent_folder(a, "refused", &e);
    int kept = dir != -1 && (gf_file_save_new(dir, name, text, len, 0600, &e) == 0 ||
                             faccessat(dir, name, F_OK, 0) == 0);
    if (dir != -1)
        (void)close(dir);
    if (kept)
        (void)snprintf(words, sizeof words, "%.400s; it is kept as %s/refused/%s", why, a->state,
                       name);
    else
        (void)snprintf(words, sizeof words, "%s", why);
}

int agent_license_answer(struct agent *a, const struct gf_id *record, const char *text, size_t len,
                         const char **refused, struct gf_err *e) {
    char product[GF_WORD_MAX + 1] = "";
    struct gf_err why = {.code = GF_OK};
    struct license l;
    int elsewhere;

    *refused = NULL;
    if (store_find(a->store, record, copy_product, product, e) == -1)
        return -1;
    if (installed_read(a, text, len, product[0] ? product : NULL, &l, &elsewhere, &why) == -1) {
        if (why.code == GF_E_SYSTEM || why.code == GF_E_CREATE || why.code == GF_E_DAMAGED ||
            why.code == GF_E_BUSY || why.code == GF_E_BUG) {
            *e = why;
            return -1;
        }
        keep_refused(a, record, text, len, why.text);
        *refused = words;
        return 0;
    }
    int outdated = is_outdated(a, &l, e);
    if (outdated != 0)
        return outdated == 1 ? 0 : -1;
    return installed_put(a, &l, text, len, e);
}
