/*
 * gone.c -- a list of hashes beside the database.
 */
#include "agent/license/gone.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "agent/store/store_license.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"

#define NAME "license.gone"

/* A line with its LF, as text. */
#define LINE_TEXT (GF_HASH_TEXT + 1)

static void write_line(const char *id, const char *product, char out[LINE_TEXT]) {
    struct gf_digest d;
    struct gf_hash hash;
    char head[64];

    int n = snprintf(head, sizeof head, "gapferry-gone/1\n%zu\n", strlen(product));
    gf_digest_begin_256(&d);
    gf_digest_add(&d, head, (size_t)n);
    gf_digest_add(&d, product, strlen(product));
    gf_digest_add(&d, id, strlen(id));
    gf_digest_end_256(&d, &hash);
    gf_text_hex(hash.b, sizeof hash.b, out);
    memcpy(out + GF_HASH_TEXT - 1, "\n", 2);
}

/* A hash is found wherever it stands: whatever else was written there hides none. */
static int has(const struct gf_buf *text, const char line[LINE_TEXT]) {
    return text->len > 0 && memmem(text->data, text->len, line, LINE_TEXT - 1) != NULL;
}

/* The whole file; empty where there is none. */
static int load(const struct agent *a, char path[600], struct gf_buf *out, struct gf_err *e) {
    (void)snprintf(path, 600, "%s/" NAME, a->state);
    if (gf_file_load(AT_FDCWD, path, GONE_MAX, out, e) == 0 || e->code == GF_E_NOINPUT)
        return 0;
    gf_buf_free(out);
    return -1;
}

static int add(void *arg, const struct store_gone *g, struct gf_err *e) {
    struct gf_buf *text = arg;
    char line[LINE_TEXT];

    write_line(g->id, g->product, line);
    if (!has(text, line))
        gf_buf_text(text, line);
    return gf_buf_check(text, NAME, e);
}

int gone_save(struct agent *a, struct gf_err *e) {
    struct gf_out out = {.fd = -1, .dir = -1};
    struct gf_buf text;
    char path[600];

    if (load(a, path, &text, e) == -1)
        return -1;
    int rc = store_each_gone(a->store, add, &text, e);
    if (rc == 0)
        rc = gf_out_open(&out, AT_FDCWD, path, e);
    if (rc == 0 && gf_file_write(out.fd, text.data, text.len) == -1)
        rc = gf_err_errno(e, "%s", path);
    if (rc == 0)
        rc = gf_out_commit(&out, 0600, 1, e);
    gf_out_close(&out);
    gf_buf_free(&text);
    return rc;
}

int gone_has(const struct agent *a, const char *id, const char *product, struct gf_err *e) {
    char line[LINE_TEXT], path[600];
    struct gf_buf text;

    if (load(a, path, &text, e) == -1)
        return -1;
    write_line(id, product, line);
    int found = has(&text, line);
    gf_buf_free(&text);
    return found;
}
