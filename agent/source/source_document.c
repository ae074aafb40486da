/*
 * source_document.c -- the built-in document: what a vendor's daily report holds, and nothing that
 * names the site.
 */
#include "agent/source/source.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "agent/license/installed.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "gapferry/json.h"

#define FACT        "installation-id"
#define COUNT_MAX   64 /* bytes of a file with a count */
#define OS_FILE_MAX 16384

/* ---- parts ---- */

int source_installation(struct agent *a, int reset, struct gf_id *out, struct gf_err *e) {
    struct gf_buf b;
    struct gf_id id;

    int found = store_get_fact(a->store, FACT, &b, e);
    int whole = found == 1 && b.len == sizeof id.b;
    if (whole)
        memcpy(id.b, b.data, sizeof id.b);
    gf_buf_free(&b);
    if (found == -1)
        return -1;
    if (!whole || reset) {
        gf_digest_random(id.b, sizeof id.b);
        if (store_put_fact(a->store, FACT, id.b, sizeof id.b, e) == -1)
            return -1;
    }
    *out = id;
    return 0;
}

/* ---- the document ---- */

static void put(struct gf_buf *b, const char *name, const char *text) {
    gf_json_put_text(b, name, text && *text ? text : NULL);
}

static void put_system(struct gf_buf *b) {
    static const char *const files[] = {"/etc/os-release", "/usr/lib/os-release"};
    struct source_os os = {.name = ""};
    struct gf_err ignored;
    struct utsname machine;

    /* The first is usually a link to the second, which gf_file_load() does not follow. */
    for (size_t i = 0; i < 2 && !os.name[0]; i++) {
        struct gf_buf text;
        if (gf_file_load(AT_FDCWD, files[i], OS_FILE_MAX, &text, &ignored) == 0)
            source_os_release(text.data ? text.data : "", text.len, &os);
        gf_buf_free(&text);
    }
    put(b, "os", os.name[0] ? os.name : "Linux");
    put(b, "os_version", os.version);
    put(b, "architecture", uname(&machine) == 0 ? machine.machine : NULL);
}

/* Lines of names, or of "name=number", as JSON. */
static void put_lines(struct gf_buf *b, const char *lines, int numbers) {
    const char *comma = "";

    while (*lines) {
        size_t n = strcspn(lines, "\n"), name = numbers ? strcspn(lines, "=\n") : n;
        gf_buf_text(b, comma);
        gf_json_put_str(b, lines, name);
        if (numbers && name < n)
            gf_buf_printf(b, ": %.*s", (int)(n - name - 1), lines + name + 1);
        comma = ", ";
        lines += n + (lines[n] == '\n');
    }
}

static int put_licenses(struct agent *a, const char *product, struct gf_buf *b, struct gf_err *e) {
    struct installed *all = NULL;
    const char *comma = "";
    size_t n = 0;

    if (installed_all(a, &all, &n, e) == -1)
        return -1;
    gf_buf_text(b, ", \"licenses\": [");
    for (size_t i = 0; i < n; i++) {
        const struct installed *l = &all[i];

        if (!l->valid || (product && strcmp(l->product, product) != 0))
            continue;
        gf_buf_printf(b, "%s{\"product\": ", comma);
        gf_json_put_str(b, l->product, strlen(l->product));
        put(b, "state", license_facts[l->verdict.fact]);
        gf_buf_text(b, ", \"features\": [");
        put_lines(b, l->document.license.features, 0);
        gf_buf_text(b, "], \"counts\": {");
        put_lines(b, l->document.license.counts, 1);
        gf_buf_text(b, "}}");
        comma = ", ";
    }
    gf_buf_text(b, "]");
    free(all);
    return 0;
}

static int put_counts(const char *counts, struct gf_buf *b, struct gf_err *e) {
    char name[GF_WORD_MAX + 1], file[512];
    const char *comma = "";
    int rc = 0;

    gf_buf_text(b, ", \"counts\": {");
    while (counts && (rc = source_next_count(&counts, name, file, e)) == 1) {
        struct gf_buf text;
        int64_t n = 0;

        rc = gf_file_load(AT_FDCWD, file, COUNT_MAX, &text, e);
        if (rc == 0 && source_number(text.data ? text.data : "", text.len, &n) == -1)
            rc = gf_err_set(e, GF_E_NOINPUT, "%s: must hold one whole number, nothing else", file);
        gf_buf_free(&text);
        if (rc == -1)
            return gf_err_prefix(e, "count %s", name);
        gf_buf_text(b, comma);
        gf_json_put_str(b, name, strlen(name));
        gf_buf_printf(b, ": %lld", (long long)n);
        comma = ", ";
    }
    gf_buf_text(b, "}");
    return rc;
}

int source_document(struct agent *a, const struct source *s, struct gf_buf *out, struct gf_err *e) {
    char id_text[GF_ID_TEXT], at[GF_TIME_TEXT];
    struct gf_id id;

    if (source_installation(a, 0, &id, e) == -1)
        return -1;
    gf_text_hex(id.b, sizeof id.b, id_text);
    gf_text_time(a->now, at);
    gf_buf_text(out, "{\"format\": \"gapferry-report/1\"");
    put(out, "installation", id_text);
    put(out, "at", at);
    put(out, "product", s->product);
    put(out, "version", s->version);
    put_system(out);
    if (put_licenses(a, s->product, out, e) == -1 || put_counts(s->counts, out, e) == -1)
        return -1;
    gf_buf_text(out, "}");
    return gf_buf_check(out, "the document", e);
}
