/*
 * refused.c -- answers to licence requests that were refused, tried again.
 */
#include "agent/license/refused.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/vendors.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "gapferry/limits.h"

#define ENDING   ".license"
#define FILE_MAX (GF_DOCUMENT_MAX + 65536) /* a document and its signatures */

/* One file: 1 installed, 0 refused again. */
static int take(struct agent *a, const struct gf_id *record, const struct gf_buf *text,
                struct gf_err *e) {
    char refused[AGENT_REFUSED];

    if (agent_license_answer(a, record, text->data ? text->data : "", text->len, refused, e) == -1)
        return -1;
    /* The reason may be another one by now. */
    if (store_answered(a->store, record, refused[0] != '\0' ? refused : NULL, a->now, e) == -1)
        return -1;
    return refused[0] == '\0';
}

static int retry_one(struct agent *a, int dir, const char *name, int64_t *installed,
                     struct gf_err *e) {
    size_t n = strlen(name);
    struct gf_id record;
    struct gf_buf text;

    if (n != GF_UUID_TEXT - 1 + strlen(ENDING) || strcmp(name + GF_UUID_TEXT - 1, ENDING) != 0 ||
        gf_text_unuuid(name, GF_UUID_TEXT - 1, &record) == -1)
        return 0;
    int rc = gf_file_load(dir, name, FILE_MAX, &text, e);
    if (rc == 0)
        rc = store_begin(a->store, e);
    if (rc == 0) {
        int taken = take(a, &record, &text, e);
        rc = store_end(a->store, taken == -1 ? -1 : 0, e);
        if (rc == 0 && taken == 1) {
            ++*installed;
            (void)unlinkat(dir, name, 0); /* it is in the store now; another try does no harm */
        }
    }
    gf_buf_free(&text);
    return rc;
}

int refused_retry(struct agent *a, int64_t *installed, struct gf_err *e) {
    struct dirent *x;
    int rc = 0;

    *installed = 0;
    int dir = agent_folder(a, "refused", e);
    if (dir == -1)
        return -1;
    int copy = dup(dir);
    DIR *d = copy == -1 ? NULL : fdopendir(copy);
    if (!d) {
        rc = gf_err_errno(e, "%s/refused", a->state);
        if (copy != -1)
            (void)close(copy);
    }
    while (rc == 0 && (x = readdir(d)) != NULL)
        rc = retry_one(a, dir, x->d_name, installed, e);
    if (d)
        (void)closedir(d);
    (void)close(dir);
    return rc;
}

/* One digest of the keys that agent.conf pins for licences, in its order. */
static int digest_configured(struct agent *a, struct gf_hash *out, struct gf_err *e) {
    struct vendor *list = NULL;
    struct gf_buf keys;
    size_t n = 0;

    if (vendors_all(a, &list, &n, e) == -1)
        return -1;
    gf_buf_init(&keys, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        if (list[i].path && !list[i].why[0] && (list[i].duties & STORE_DUTY_LICENSE))
            gf_buf_add(&keys, list[i].key.pk, sizeof list[i].key.pk);
    }
    free(list);
    int rc = gf_buf_check(&keys, "the vendors' keys", e);
    if (rc == 0)
        gf_digest_256(keys.data ? keys.data : "", keys.len, out);
    gf_buf_free(&keys);
    return rc;
}

int refused_retry_configured(struct agent *a, int64_t *installed, struct gf_err *e) {
    struct gf_hash now, before;
    struct gf_buf b;

    *installed = 0;
    /* Until something was noted there was none. */
    gf_digest_256("", 0, &before);
    if (digest_configured(a, &now, e) == -1)
        return -1;
    int found = store_get_fact(a->store, "vendor-keys", &b, e);
    if (found == 1 && b.len == sizeof before.b)
        memcpy(before.b, b.data, sizeof before.b);
    gf_buf_free(&b);
    if (found == -1 || memcmp(now.b, before.b, sizeof now.b) == 0)
        return found == -1 ? -1 : 0;
    if (refused_retry(a, installed, e) == -1)
        return -1;
    return store_put_fact(a->store, "vendor-keys", now.b, sizeof now.b, e);
}
