/*
 * returns_files.c -- what is too large for a line of the returns: updates, whose artifacts are
 * assigned to nodes and awaited from the manager's agent, and long answers.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/file.h"
#include "relay/endpoints/endpoint_repository.h"
#include "relay/returns.h"

/* Seconds after which a file goes that nobody waits for. */
#define UNCLAIMED_AGE (60LL * 86400)

/* ---- updates ---- */

/* The row of the place, where this manifest is not older than what is known there; else 0. */
static int put(struct relay *r, const struct ledger_place *place, const struct update *u,
               int64_t *row, struct gf_err *e) {
    struct ledger_source known, fresh = {.row = 0};

    *row = 0;
    gf_buf_init(&fresh.text, 1);
    int rc = ledger_source(r->ledger, place, &known, e);
    if (rc != -1 && known.serial <= u->serial) {
        rc = ledger_source_put(r->ledger, place, u, &fresh, r->now, e);
        ledger_source_free(&known);
        if (rc == 0)
            rc = ledger_source(r->ledger, place, &known, e);
        *row = known.row;
    }
    ledger_source_free(&known);
    return rc == -1 ? -1 : 0;
}

int returns_files_update(struct relay *r, const struct returns_place *p, const struct gf_id *node,
                         const struct update *u, struct gf_err *e) {
    const struct ledger_place place = {.endpoint = p->section,
                                       .product = u->product,
                                       .channel = u->channel,
                                       .platform = u->platform};
    struct ledger_sizes sizes;
    int64_t row = 0;

    int enrolled = ledger_has_agent(r->ledger, node, e);
    if (enrolled != 1)
        return enrolled;
    if (endpoint_repository_sizes(r, p->section, &sizes, e) == -1 ||
        put(r, &place, u, &row, e) == -1)
        return -1;
    return row > 0 ? ledger_give(r->ledger, node, row, &sizes, r->now, e) : 0;
}

/* ---- answers ---- */

int returns_files_body(const struct returns_place *p, const struct gf_id *node,
                       const struct gf_answer *a, struct gf_buf *out, char name[GRID_FILE],
                       struct gf_err *e) {
    const char *file = a->body.data + strlen("files/");
    char want[GRID_FILE];
    struct gf_id record;

    if (!grid_file_name(file, NULL))
        return gf_err_set(e, GF_E_DAMAGED, "an answer that names no file of the returns");
    if (gf_file_load(p->dir, file, GRID_ANSWER_MAX, out, e) == -1)
        return -1;
    gf_record_derive(node, &a->record, &record);
    grid_answer_name(&record, out->data != NULL ? out->data : "", out->len, want);
    if (strcmp(want, file) != 0)
        return gf_err_set(e, GF_E_DAMAGED, "%s: is not what its name says", file);
    memcpy(name, want, sizeof want);
    return 0;
}

/* ---- what is over ---- */

static int is_over(struct relay *r, const struct returns_place *p, const char *name) {
    struct gf_hash digest;
    struct gf_err ignored;
    struct stat st;

    if (!grid_file_name(name, &digest) || fstatat(p->dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
        return 0;
    return st.st_ctime < r->now - UNCLAIMED_AGE ||
           ledger_artifact_is_here(r->ledger, p->section, &digest, &ignored) == 1;
}

void returns_files_sweep(struct relay *r, const struct returns_place *p) {
    struct dirent *entry;
    int fd = openat(p->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd == -1 ? NULL : fdopendir(fd);

    while (d != NULL && (entry = readdir(d)) != NULL) {
        if (is_over(r, p, entry->d_name))
            (void)unlinkat(p->dir, entry->d_name, 0);
    }
    if (d != NULL)
        (void)closedir(d);
    else if (fd != -1)
        (void)close(fd);
}
