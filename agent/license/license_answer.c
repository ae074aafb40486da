/*
 * license_answer.c -- the answer to a licence request has come in a response.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/license/asked.h"
#include "agent/license/installed.h"
#include "gapferry/file.h"

/* Nothing that came is lost: what is refused for want of a vendor's key can be installed once that
 * is there. Where it cannot be kept it is refused all the same. */
static void keep_refused(struct agent *a, const struct gf_id *record, const char *text, size_t len,
                         const char *why, char words[AGENT_REFUSED]) {
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
        (void)snprintf(words, AGENT_REFUSED, "%.400s; it is kept as %s/refused/%s", why, a->state,
                       name);
    else
        (void)snprintf(words, AGENT_REFUSED, "%s", why);
}

/* Could anything be decided at all? */
static int is_ours(enum gf_code code) {
    return code == GF_E_SYSTEM || code == GF_E_CREATE || code == GF_E_DAMAGED ||
           code == GF_E_BUSY || code == GF_E_BUG;
}

int agent_license_answer(struct agent *a, const struct gf_id *record, const char *text, size_t len,
                         char refused[AGENT_REFUSED], struct gf_err *e) {
    struct asked asked;
    struct installed_secret secret = {.key = ""};
    struct gf_err why = {.code = GF_OK};
    struct installed_document d;
    int elsewhere;

    refused[0] = '\0';
    if (asked_of(a, record, &asked, e) == -1)
        return -1;
    /* A Keygen file opens with the key that was asked with. */
    memcpy(secret.key, asked.key, sizeof secret.key);
    if (installed_read(a, text, len, asked.product[0] ? asked.product : NULL, &secret, &d,
                       &elsewhere, &why) == -1) {
        if (is_ours(why.code)) {
            *e = why;
            return -1;
        }
        keep_refused(a, record, text, len, why.text, refused);
        return 0;
    }
    /* Answers may come in any order, and an earlier one must not take a later one's place. */
    int newer = installed_is_newer(a, d.license.product, d.license.issued, e);
    if (newer != 0)
        return newer == 1 ? 0 : -1;
    return installed_put(a, &d, text, len, e);
}
