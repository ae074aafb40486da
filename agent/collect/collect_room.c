/*
 * collect_room.c -- counting what lies in intake/. Each byte of a file is read once: what was
 * counted of it is kept under its name.
 */
#include "agent/collect/collect_room.h"

#include <stdlib.h>
#include <string.h>

#include "common/spool.h"
#include "gapferry/limits.h"

struct count {
    char channel[GF_WORD_MAX + 1];
    struct collect_use use;
};

struct counts {
    struct count *list;
    size_t n;
};

struct file {
    char name[SPOOL_NAME];
    int64_t at; /* counted up to here */
    struct counts counts;
};

struct collect_room {
    int dir;
    struct file *files; /* sorted by name */
    size_t nfiles;
    struct counts added; /* since the last scan */
};

static int add(struct counts *c, const char *channel, size_t len, struct collect_use use) {
    size_t i = 0;

    while (i < c->n &&
           (strlen(c->list[i].channel) != len || memcmp(c->list[i].channel, channel, len) != 0))
        i++;
    if (i == c->n) {
        struct count *more = realloc(c->list, (c->n + 1) * sizeof *more);
        if (more == NULL)
            return -1;
        c->list = more;
        c->list[c->n] = (struct count){.use = {0}};
        memcpy(c->list[c->n++].channel, channel, len);
    }
    c->list[i].use.records += use.records;
    c->list[i].use.bytes += use.bytes;
    return 0;
}

struct collect_room *collect_room_new(int dir) {
    struct collect_room *r = calloc(1, sizeof *r);

    if (r != NULL)
        r->dir = dir;
    return r;
}

static void free_files(struct file *files, size_t n) {
    for (size_t i = 0; i < n; i++)
        free(files[i].counts.list);
    free(files);
}

void collect_room_free(struct collect_room *r) {
    if (r == NULL)
        return;
    free_files(r->files, r->nfiles);
    free(r->added.list);
    free(r);
}

/* The channel of a record's line as gf_record_write() spells it, behind its id; a line in which it
 * is not found belongs to no channel. Within a body the quotes would be escaped. */
static int count_line(struct counts *c, const char *line, size_t len) {
    static const char member[] = "\"channel\":\"";
    const char *at = memmem(line, len, member, sizeof member - 1);

    if (at == NULL)
        return 0;
    at += sizeof member - 1;
    const char *end = memchr(at, '"', (size_t)(line + len - at));
    if (end == NULL || end - at > GF_WORD_MAX)
        return 0;
    return add(c, at, (size_t)(end - at), (struct collect_use){1, (int64_t)len});
}

static int count_file(struct collect_room *r, struct file *f, struct gf_err *e) {
    struct spool_reader reader;
    const char *line;
    size_t len;
    int found = 0;

    /* A file that is gone meanwhile, or held, or none of a spool, is left as it is. */
    int rc = spool_reader_open(r->dir, f->name, f->at, &reader, e);
    if (rc != 1 || reader.size <= f->at) {
        spool_reader_close(&reader);
        return rc == -1 && e->code == GF_E_SYSTEM ? -1 : 0;
    }
    while ((found = spool_next(&reader, &line, &len, e)) > SPOOL_END) {
        if (found == SPOOL_LINE && count_line(&f->counts, line, len) == -1)
            found = gf_err_set(e, GF_E_SYSTEM, "no memory to count what lies in intake");
        if (found == -1)
            break;
        f->at = reader.at;
    }
    spool_reader_close(&reader);
    return found == -1 ? -1 : 0;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

/* What is known already of the files that are there now. */
static int list_files(struct collect_room *r, struct gf_err *e) {
    char(*names)[SPOOL_NAME] = NULL;
    size_t n = 0;

    if (spool_list(r->dir, &names, &n, e) == -1)
        return -1;
    struct file *files = calloc(n + 1, sizeof *files);
    if (files == NULL) {
        free(names);
        return gf_err_set(e, GF_E_SYSTEM, "no memory to count what lies in intake");
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(files[i].name, names[i], SPOOL_NAME);
        struct file *known =
            r->nfiles > 0 ? bsearch(&files[i], r->files, r->nfiles, sizeof *r->files, by_name)
                          : NULL;
        if (known == NULL)
            continue;
        files[i] = *known;
        known->counts = (struct counts){.n = 0};
    }
    free(names);
    free_files(r->files, r->nfiles);
    r->files = files;
    r->nfiles = n;
    return 0;
}

int collect_room_scan(struct collect_room *r, struct gf_err *e) {
    if (list_files(r, e) == -1)
        return -1;
    for (size_t i = 0; i < r->nfiles; i++) {
        if (count_file(r, &r->files[i], e) == -1)
            return -1;
    }
    free(r->added.list);
    r->added = (struct counts){.n = 0};
    return 0;
}

int collect_room_add(struct collect_room *r, const char *channel, struct collect_use use,
                     struct gf_err *e) {
    if (add(&r->added, channel, strlen(channel), use) == -1)
        return gf_err_set(e, GF_E_SYSTEM, "no memory to count what lies in intake");
    return 0;
}

static void sum(const struct counts *c, const char *channel, struct collect_use *use) {
    for (size_t i = 0; i < c->n; i++) {
        if (strcmp(c->list[i].channel, channel) != 0)
            continue;
        use->records += c->list[i].use.records;
        use->bytes += c->list[i].use.bytes;
    }
}

struct collect_use collect_room_used(const struct collect_room *r, const char *channel) {
    struct collect_use use = {0};

    for (size_t i = 0; i < r->nfiles; i++)
        sum(&r->files[i].counts, channel, &use);
    sum(&r->added, channel, &use);
    return use;
}
