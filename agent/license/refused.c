/*
 * refused.c -- answers to licence requests that were refused, tried again.
 */
#include "agent/license/refused.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "gapferry/file.h"
#include "gapferry/limits.h"

#define ENDING   ".license"
#define FILE_MAX (GF_DOCUMENT_MAX + 65536) /* a document and its signatures */

/* One file: 1 installed, 0 refused again. */
static int take(struct agent *a, const struct gf_id *record, const struct gf_buf *text,
                struct gf_err *e) {
    const char *refused = NULL;

    if (agent_license_answer(a, record, text->data ? text->data : "", text->len, &refused, e) == -1)
        return -1;
    if (refused)
        return 0;
    return store_answered(a->store, record, NULL, a->now, e) == -1 ? -1 : 1;
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
