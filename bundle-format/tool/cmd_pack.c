/*
 * cmd_pack.c -- `pack`: records and files into one bundle, of either kind.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/progress.h"
#include "tool/pack.h"
#include "tool/places.h"

static const struct option_spec specs[] = {
    {"identity", 'i', "DIR", "who we are: a directory made by keygen; its key signs"},
    {"to", 't', "CARD", "the addressee: its card, or the directory of its identity"},
    {"kind", 'k', "KIND", "request (out of the site, the default) or response (back to it)"},
    {"records", 'r', "FILE",
     "request: finished records, one a line, each of which is checked; - is standard input"},
    {"wrap", 'w', "CHANNEL:PRODUCT",
     "the lines of --records are bodies, not records: make each one a record of this channel and "
     "product"},
    {"type", 0, "MEDIA", "with --wrap: media type of the bodies; application/json if not given"},
    {"answer", 0, NULL, "with --wrap: an answer to each record is wanted"},
    {"receipts", 0, "FILE", "response: receipts, one a line; - is standard input"},
    {"answers", 0, "FILE", "response: answers, one a line"},
    {"refusals", 0, "FILE", "response: refusals, one a line"},
    {"notices", 0, "FILE", "response: notices, one a line"},
    {"reader", 0, "CARD...",
     "one who may open it too, but not act on it; may be repeated: up to 15 with ourselves"},
    {"no-self", 0, NULL, "do not list ourselves among the readers: then only others can open it"},
    {"expires", 0, "TIME",
     "when it loses its force: 2030-01-31, 2030-01-31T12:00:00Z, or 30d from now"},
    {"level", 0, "N",
     "zstd level, 1 (the default) to 19; above 3 it takes more memory than the default's 24 MiB, "
     "up "
     "to 112 MiB"},
    {"threads", 0, "N", "cores to use, 1 to 64; all, but at most 4, if not given"},
    {"output", 'o', "FILE", "write the bundle here; appears only when it is complete"},
    {"force", 0, NULL, "overwrite the output"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

/* Called by the guard when a signal ends us. */
static void undo(void *arg) {
    struct pack *k = arg;

    /* Only its name goes: the descriptor is still in use by other threads. */
    if (k->out.dir != -1 && k->out.temp[0] != '\0')
        (void)unlinkat(k->out.dir, k->out.temp, 0);
}

/* A file's own name, without the directories above it. */
static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Look at each file before anything is written, so that a mistyped name costs no time. */
static int look_at_files(struct pack *k, struct gf_err *e) {
    struct stat st;

    for (size_t i = 0; i < k->o->nargs; i++) {
        const char *path = options_arg(k->o, i);
        const char *name = base_name(path);
        if (strcmp(path, "-") == 0)
            return gf_err_set(e, GF_E_USAGE,
                              "-: standard input has no file name; for lines say "
                              "--records -, else save it to a file first");
        int fd = tool_open(path, 1, &st, e);
        if (fd == -1)
            return -1;
        (void)close(fd);
        if (!gf_text_is_utf8(name, strlen(name)))
            return gf_err_set(e, GF_E_USAGE, "%s: its name is not UTF-8; rename it", path);
        k->total += (int64_t)st.st_size;
        if (k->total > GF_ARCHIVE_MAX)
            return gf_err_set(e, GF_E_LIMIT,
                              "%s: too much for one bundle, which holds %lld bytes; pack less",
                              path, (long long)GF_ARCHIVE_MAX);
    }
    return 0;
}

static int is_same(const char *path, const struct stat *file) {
    struct stat st;

    return stat(path, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

/* The same of a card, or of the files of an identity. */
static int is_in_identity(const char *path, const struct stat *file) {
    static const char *const names[] = {"card", "sign.key", "sign.pub", "seal.key", "seal.pub"};
    char inside[PATH_MAX];

    if (is_same(path, file))
        return 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (snprintf(inside, sizeof inside, "%s/%s", path, names[i]) < (int)sizeof inside &&
            is_same(inside, file))
            return 1;
    }
    return 0;
}

/* --force replaces an older bundle, never what this one is made of. */
static int refuse_inputs(const struct pack *k, const char *path, const struct stat *file,
                         struct gf_err *e) {
    static const char *const who[] = {"identity", "to", "reader"};
    struct stat st;
    int same = 0;

    for (size_t i = 0; i < k->o->nargs; i++)
        same |= is_same(options_arg(k->o, i), file);
    for (size_t i = 0; i < k->nlines; i++) {
        if (strcmp(k->lines[i].path, "-") != 0)
            same |= is_same(k->lines[i].path, file);
        else if (fstat(STDIN_FILENO, &st) == 0)
            same |= st.st_dev == file->st_dev && st.st_ino == file->st_ino;
    }
    for (size_t i = 0; i < sizeof who / sizeof *who; i++) {
        for (size_t n = 0; n < options_count(k->o, who[i]); n++)
            same |= is_in_identity(options_nth(k->o, who[i], n), file);
    }
    if (!same)
        return 0;
    return gf_err_set(e, GF_E_CREATE,
                      "%s: is an input too, and is never overwritten; choose another name", path);
}

/* Begin the output, refuse to overwrite before the work rather than after it. */
static int open_output(struct pack *k, struct gf_err *e) {
    const char *path = options_value(k->o, "output");
    struct stat st;
    int force = options_count(k->o, "force") > 0;

    if (guard_new(undo, k, &k->guard, e) == -1)
        return -1;
    guard_hold(k->guard);
    int rc = gf_out_open(&k->out, AT_FDCWD, path, e);
    guard_release(k->guard);
    if (rc == -1)
        return places_output(e);
    if (fstatat(k->out.dir, k->out.name, &st, AT_SYMLINK_NOFOLLOW) == -1)
        return 0;
    if (S_ISDIR(st.st_mode))
        return gf_err_set(e, GF_E_CREATE, "%s: is a directory; name a file in it", path);
    if (!S_ISREG(st.st_mode))
        return gf_err_set(e, GF_E_CREATE,
                          "%s: is %s, which is never overwritten; choose another name", path,
                          S_ISLNK(st.st_mode) ? "a link" : "a pipe or device");
    if (!force)
        return gf_err_set(e, GF_E_CREATE, "%s: exists; --force overwrites it", path);
    return refuse_inputs(k, path, &st, e);
}

/* What went wrong with the output must not be said of the input that is being read. */
static int blame_output(const struct pack *k, struct gf_err *e) {
    if (e->code == GF_E_CREATE)
        (void)gf_err_prefix(e, "%s", options_value(k->o, "output"));
    return -1;
}

static void note_member(struct pack *k, const char *member, const char *name, int64_t size) {
    struct gf_contents_member *m = &k->members[k->nmembers++];

    (void)snprintf(m->member, sizeof m->member, "%s", member);
    m->name = (char *)(uintptr_t)name; /* borrowed: freed with argv, so to say */
    m->size = size;
}

static int write_file(struct pack *k, const char *path, int64_t *done, struct gf_err *e) {
    char member[sizeof k->members->member];
    struct stat st;
    int rc = -1;

    int fd = tool_open(path, 1, &st, e);
    if (fd == -1)
        return -1;
    if (gf_writer_member(k->writer, GF_MEMBER_FILE, base_name(path), (int64_t)st.st_size, member,
                         e) == -1 ||
        gf_writer_copy(k->writer, fd, progress_at, k->bar, e) == -1) {
        /* That the output has no room is not this file's fault. */
        if (e->code != GF_E_CREATE)
            (void)gf_err_prefix(e, "%s", path);
        goto out;
    }
    *done += (int64_t)st.st_size;
    note_member(k, member, base_name(path), (int64_t)st.st_size);
    rc = 0;
out:
    (void)close(fd);
    return rc;
}

static int write_all(struct pack *k, struct gf_err *e) {
    int64_t done = 0;

    k->members = calloc(PACK_INPUTS + k->o->nargs, sizeof *k->members);
    if (!k->members)
        return gf_err_set(e, GF_E_SYSTEM, "no memory");
    k->bar = progress_new("packing", k->total);
    if (gf_writer_open(k->out.fd, &k->p, &k->writer, e) == -1)
        return -1;
    for (size_t i = 0; i < k->nlines; i++) {
        struct pack_lines *l = &k->lines[i];
        if (pack_lines_write(l, k->writer, progress_at, k->bar, e) == -1)
            return -1;
        done += l->size;
        progress_base(k->bar, done);
        if (l->size > 0)
            note_member(k, gf_contents_names[l->member], NULL, l->size);
    }
    for (size_t i = 0; i < k->o->nargs; i++) {
        if (write_file(k, options_arg(k->o, i), &done, e) == -1)
            return -1;
        progress_base(k->bar, done);
    }
    if (pack_refs_check(&k->refs, k->members, k->nmembers, e) == -1)
        return -1;
    return gf_writer_finish(k->writer, &k->header, NULL, e);
}

static int write_bundle(struct pack *k, struct gf_err *e) {
    int64_t lines = 0;

    if (open_output(k, e) == -1)
        return -1;
    for (size_t i = 0; i < k->nlines; i++) {
        int wrap = k->wrap.channel && k->lines[i].member == GF_MEMBER_RECORDS;
        if (pack_lines_open(&k->lines[i], wrap ? &k->wrap : NULL, k->out.dir, e) == -1)
            return blame_output(k, e);
        lines += k->lines[i].size;
    }
    if (lines == 0 && k->o->nargs == 0)
        return gf_err_set(e, GF_E_NOINPUT, "%s: is empty: nothing to pack",
                          strcmp(k->lines[0].path, "-") == 0 ? "standard input" : k->lines[0].path);
    k->total += lines;
    if (write_all(k, e) == -1)
        return blame_output(k, e);

    /* A signal waits for this: either the file has its name, or nothing is left. */
    guard_hold(k->guard);
    int rc = gf_out_commit(&k->out, 0644, options_count(k->o, "force") > 0, e);
    guard_release(k->guard);
    return rc;
}

static int print(struct pack *k, int64_t size, struct gf_err *e) {
    const char *path = options_value(k->o, "output");
    struct gf_buf words;
    struct tool_out t;

    tool_out_begin(&t, k->o, "");
    tool_out_foreign(&t, "file", "file", path);
    tool_out_size(&t, "size", "size", size);
    tool_out_card(&t, "sender", "sender", &k->identity.card);
    tool_out_card(&t, "addressee", "addressee", &k->to);
    tool_out_open(&t, "reader_cards", '[');
    for (size_t i = 0; i < k->p.nreaders; i++)
        tool_out_card(&t, "reader", NULL, k->reader_refs[i]);
    tool_out_close(&t, ']');
    tool_out_members(&t, k->members, k->nmembers);
    if (t.o.json)
        tool_out_header(&t, &k->header);
    else
        tool_out_hex(&t, "id", NULL, k->header.id.b, sizeof k->header.id.b);
    if (tool_out_end(&t, e) == -1)
        return places_done(path, e);

    gf_buf_init(&words, 65536);
    gf_buf_text(&words, "gapferry-bundle verify --from ");
    tool_shell_word(&words, options_value(k->o, "identity"));
    gf_buf_byte(&words, ' ');
    tool_shell_word(&words, path);
    tool_next("%s", words.data ? words.data : "");
    gf_buf_free(&words);
    return 0;
}

static int run(const struct options *o, struct gf_err *e) {
    struct pack k = {.o = o, .out = {.fd = -1, .dir = -1}};
    struct stat st = {0};

    int rc = pack_options(&k, e);
    if (rc == 0)
        rc = pack_cards(&k, e);
    if (rc == 0)
        rc = look_at_files(&k, e);
    if (rc == 0)
        rc = write_bundle(&k, e);
    progress_free(k.bar);
    if (rc == 0 && fstat(k.out.fd, &st) == 0)
        rc = print(&k, (int64_t)st.st_size, e);

    gf_writer_free(k.writer);
    for (size_t i = 0; i < k.nlines; i++)
        pack_lines_close(&k.lines[i]);
    if (k.guard)
        guard_hold(k.guard);
    gf_out_close(&k.out);
    if (k.guard)
        guard_release(k.guard);
    guard_free(k.guard);
    pack_refs_free(&k.refs);
    tool_cards_free(&k.readers);
    gf_identity_free(&k.identity);
    free(k.members);
    return rc;
}

const struct tool_command cmd_pack = {
    "pack",
    "--identity DIR --to CARD [OPTION]... -o BUNDLE [FILE]...",
    "write a bundle",
    "Write records and files into one signed bundle that only the addressee and the readers can "
    "open. Files travel under their own names. The bundle is a stream of its own (seq 1).",
    specs,
    "Examples:\n"
    "  gapferry-bundle pack -i keys/site-a -t relay.card -r records.jsonl -o a.gfb image.iso\n"
    "  gapferry-bundle pack -i keys/site-a -t relay.card -w metrics:demo -r - -o a.gfb <bodies\n"
    "  gapferry-bundle pack -i keys/relay-1 -t site-a.card --kind response \\\n"
    "      --receipts receipts.jsonl --answers answers.jsonl -o b.gfb\n",
    run,
};
