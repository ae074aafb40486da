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

static void path_of(const struct agent *a, char out[600]) {
    (void)snprintf(out, 600, "%s/" NAME, a->state);
}

int gone_load(const struct agent *a, struct gf_buf *out, struct gf_err *e) {
    char path[600];

    path_of(a, path);
    return gf_file_load_if_there(AT_FDCWD, path, GONE_MAX, out, e) == -1 ? -1 : 0;
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
    struct gf_buf text;
    char path[600];

    if (gone_load(a, &text, e) == -1)
        return -1;
    path_of(a, path);
    int rc = store_each_gone(a->store, add, &text, e);
    if (rc == 0)
        rc = gf_file_save(AT_FDCWD, path, text.data, text.len, 0600, e);
    gf_buf_free(&text);
    return rc;
}

int gone_has(const struct gf_buf *gone, const char *id, const char *product) {
    char line[LINE_TEXT];

    write_line(id, product, line);
    return has(gone, line);
}
