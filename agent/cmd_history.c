/*
 * cmd_history.c -- `history`: what left, what came, what was decided; whether that account is
 * whole; and what was in a bundle that left (promise P7).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/command.h"
#include "agent/history.h"
#include "common/when.h"
#include "gapferry/json.h"
#include "gapferry/lines.h"

static const struct option_spec specs[] = {
    {"since", 0, "TIME", "list from this time on: a date, a time, or a span like 30d"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static const struct option_page page = {
    COMMAND_PROGRAM " history",
    "[OPTION]... [verify | show BUNDLE]",
    "The account of what left, what came and what was decided here, a line each, oldest first. "
    "`verify` recomputes the chain that binds the lines, and checks signature and digest of every "
    "bundle that is kept, and that none is missing. `show` opens a bundle that left, by its id or "
    "file name, and prints "
    "every "
    "record in it as it left.",
    specs,
    "Exit status of verify: 0 all is whole; 65 the account or a bundle was changed, or one is "
    "missing.\n"
    "Examples:\n  gapferry-agent history --since 30d\n  gapferry-agent history verify\n"
    "  gapferry-agent history show 5be1bb83fa6a8bd3e4cf5e21cf0d09d3\n",
};

/* ---- the list ---- */

struct listing {
    struct out t;
    char since[GF_TIME_TEXT];
    int64_t shown;
};

/* The members of a line, in words: `name value`, those that every line has first. */
static void put_line(struct out *t, const char *at, const char *event, const char *user,
                     const char *line, size_t len) {
    const char *p = memchr(line, ',', len);

    out_text(t, "%s  %-8s ", at, event);
    /* What follows "at", "event" and "user" is shown as it stands. */
    for (int i = 0; p && i < 2; i++)
        p = memchr(p + 1, ',', len - (size_t)(p + 1 - line));
    if (p) {
        struct gf_buf rest;
        gf_buf_init(&rest, STORE_EVENT_MAX);
        for (const char *c = p + 1; c < line + len - 1; c++)
            if (*c != '"')
                gf_buf_byte(&rest, *c == ',' ? ' ' : *c == ':' ? '=' : *c);
        if (!rest.failed && rest.data)
            out_safe(t, rest.data);
        gf_buf_free(&rest);
    }
    out_text(t, "  by ");
    out_safe(t, user);
    out_text(t, "\n");
}

static int show_event(void *arg, const struct store_event *v, struct gf_err *e) {
    struct listing *x = arg;
    const char *at = NULL, *event = NULL, *user = NULL;
    struct gf_json_obj o;
    struct gf_json *j;

    if (gf_json_parse(v->line, v->len, "a line of the history", GF_E_DAMAGED, &j, e) == -1)
        return -1;
    gf_json_root(j, &o);
    gf_json_str(&o, "at", 20, 20, &at);
    gf_json_str(&o, "event", 1, 64, &event);
    gf_json_str(&o, "user", 0, 64, &user);
    if (at && event && user && strcmp(at, x->since) >= 0) {
        x->shown++;
        if (x->t.json)
            out_raw(&x->t, NULL, v->line, v->len);
        else
            put_line(&x->t, at, event, user, v->line, v->len);
        out_flush(&x->t);
    }
    gf_json_free(j);
    return 0;
}

static int show_list(struct agent *a, const struct options *o, struct gf_err *e) {
    const char *since = options_value(o, "since");
    struct listing x = {.shown = 0};
    int64_t from = 0;

    if (since && when_read(since, "since", a->now, -1, &from, e) == -1)
        return -1;
    gf_text_time(from, x.since);
    out_begin(&x.t, o);
    out_open(&x.t, "events", '[');
    int rc = store_history_walk(a->store, 1, show_event, &x, e);
    out_close(&x.t, ']');
    if (x.shown == 0)
        out_text(&x.t, "Nothing has left, come or been decided%s.\n",
                 since ? " since then" : " yet");
    if (rc == 0)
        rc = out_end(&x.t, e);
    out_free(&x.t);
    return rc;
}

/* ---- verify ---- */

static int verify(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    struct history_verdict v;
    char self[COMMAND_SELF];
    struct out t;

    if (history_verify(a, &v, e) == -1)
        return -1;
    int whole = v.bad_line == 0 && v.bad_files == 0 && v.lost == 0 &&
                (v.head == 1 || (v.head == 0 && v.lines == 0));
    out_begin(&t, o);
    out_bool(&t, "whole", whole);
    out_int(&t, "lines", v.lines);
    out_int(&t, "bad_line", v.bad_line);
    out_str(&t, "head", v.head == 1 ? "fits" : v.head == 0 ? "missing" : "differs");
    out_int(&t, "kept", v.kept);
    out_int(&t, "bad_files", v.bad_files);
    out_int(&t, "lost_files", v.lost);
    out_str(&t, "first_lost", v.lost > 0 ? v.first_lost : NULL);
    out_text(&t, "%lld lines: ", (long long)v.lines);
    if (v.bad_line != 0)
        out_text(&t, "BROKEN at line %lld: it, or the one before, was changed or removed\n",
                 (long long)v.bad_line);
    else
        out_text(&t, "the chain is whole\n");
    if (v.head == -1)
        out_text(&t,
                 "%s/history.head: DIFFERS: the end of the history was cut off, or an older "
                 "database was put in its place\n",
                 a->state);
    else if (v.head == 0 && v.lines > 0)
        out_text(&t,
                 "%s/history.head: MISSING, so that nothing outside the database vouches for "
                 "its end: %s restore\n",
                 a->state, command_self(a, self));
    out_text(&t, "%lld bundles are kept: ", (long long)v.kept);
    if (v.bad_files == 0)
        out_text(&t, "each is as it left\n");
    else
        out_text(&t, "%lld CHANGED since they left, the first is %s/" HISTORY_FOLDER "/%s\n",
                 (long long)v.bad_files, a->state, v.first_bad);
    if (v.lost > 0)
        out_text(&t,
                 "%lld MISSING though they left and are to be kept, the first is %s/" HISTORY_FOLDER
                 "/%s; put it back from a backup\n",
                 (long long)v.lost, a->state, v.first_lost);
    *status = whole ? GF_EXIT_DONE : GF_EXIT_DAMAGED;
    return out_end(&t, e);
}

/* ---- show ---- */

/* The records of a bundle that lies open in dir, line by line as they left. */
static int show_records(struct out *t, int dir, struct gf_err *e) {
    struct gf_lines lines;
    const char *line;
    size_t len = 0;
    int ended, rc;

    int fd = openat(dir, gf_contents_names[GF_MEMBER_RECORDS], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1)
        return 0; /* it carried only `have` */
    gf_lines_init(&lines, fd, GF_LINE_MAX);
    while ((rc = gf_lines_next(&lines, &line, &len, &ended, e)) == 1) {
        out_raw(t, NULL, line, len);
        if (!t->json) {
            gf_text_safe(&t->b, line, len);
            out_text(t, "\n");
        }
        out_flush(t);
    }
    gf_lines_free(&lines);
    (void)close(fd);
    return rc;
}

static void show_head(struct out *t, const struct gf_head *h, const char *place) {
    char id[GF_ID_TEXT], digest[GF_HASH_TEXT], to[GF_HASH_TEXT], made[GF_TIME_TEXT];

    gf_text_hex(h->header.id.b, sizeof h->header.id.b, id);
    gf_text_hex(h->digest.b, sizeof h->digest.b, digest);
    gf_text_hex(h->header.to.b, sizeof h->header.to.b, to);
    gf_text_time(h->header.created, made);
    out_str(t, "bundle", id);
    out_str(t, "kept_in", place);
    out_str(t, "digest", digest);
    out_str(t, "to", to);
    out_int(t, "seq", h->header.seq);
    out_str(t, "created", made);
    out_int(t, "size", h->bundle_size);
    out_text(t,
             "bundle   %s (%s/)\ndigest   %s\nto       %s\nnumber   %lld\ncreated  %s\n"
             "size     %lld bytes\n\n",
             id, place, digest, to, (long long)h->header.seq, made, (long long)h->bundle_size);
}

/* Verify, decrypt and lay out in a directory of its own, print, remove. */
static int show_open(struct agent *a, struct out *t, int fd, const struct gf_head *h,
                     struct gf_err *e) {
    struct own_keys_all own;
    const struct gf_items_options o = {.check_lines = 1};
    char path[sizeof a->state + 32];
    struct gf_contents contents = {0};
    int dir = -1;

    own_keys_all(&a->id, &a->former, &own);
    (void)snprintf(path, sizeof path, "%s/show-XXXXXX", a->state);
    if (!mkdtemp(path))
        return gf_err_errno(e, "%s: cannot make a directory in it", a->state);
    int rc = gf_bundle_copy(fd, h, -1, NULL, NULL, e);
    dir = rc == 0 ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (rc == 0 && dir == -1)
        rc = gf_err_errno(e, "%s", path);
    if (rc == 0 && gf_bundle_open(fd, h, own.seal, own.n, &o, dir, &contents, e) == -1)
        rc =
            e->code == GF_E_UNWRAP
                ? gf_err_set(e, GF_E_UNWRAP,
                             "this bundle was not made readable for this agent (self_reader = no): "
                             "its readers open it with `gapferry-bundle unpack`")
                : -1;
    if (rc == 0)
        rc = show_records(t, dir, e);
    gf_contents_free(&contents);
    if (dir != -1) {
        gf_bundle_items_remove(dir);
        (void)close(dir);
    }
    (void)rmdir(path);
    return rc;
}

static int show(struct agent *a, const struct options *o, const char *name, struct gf_err *e) {
    struct own_keys_all own;
    own_keys_all(&a->id, &a->former, &own);
    const struct gf_check check = {.trusted = own.cards, .ntrusted = own.n};
    const char *place = "";
    struct gf_head head;
    struct gf_id id;
    struct out t;

    size_t len = strcspn(name, ".");
    if (gf_text_unhex(name, len, id.b, sizeof id.b) == -1)
        return gf_err_set(e, GF_E_USAGE,
                          "history show %s: must be a bundle's id (32 hex digits) or file name; "
                          "`history` lists them",
                          name);
    int fd = history_open(a, &id, &place, e);
    if (fd == -1)
        return -1;
    if (gf_bundle_head(fd, &check, &head, e) == -1) {
        (void)close(fd);
        return gf_err_prefix(e, "%s/%s/%s", a->state, place, name);
    }
    out_begin(&t, o);
    show_head(&t, &head, place);
    out_open(&t, "records", '[');
    int rc = show_open(a, &t, fd, &head, e);
    out_close(&t, ']');
    if (rc == 0)
        rc = out_end(&t, e);
    out_free(&t);
    gf_head_free(&head);
    (void)close(fd);
    return rc;
}

static int run(struct agent *a, const struct options *o, int *status, struct gf_err *e) {
    const char *word = options_arg(o, 0), *bundle = options_arg(o, 1);

    if (command_args(o, 0, 2, "verify or show BUNDLE", e) == -1)
        return -1;
    if (!word)
        return show_list(a, o, e);
    if (strcmp(word, "verify") == 0 && !bundle)
        return verify(a, o, status, e);
    if (strcmp(word, "show") == 0 && bundle)
        return show(a, o, bundle, e);
    return gf_err_set(e, GF_E_USAGE, "history %s: must be `verify` or `show BUNDLE`", word);
}

int cmd_history(const char *root, int argc, char **argv) {
    return command_run_agent(&page, root, argc, argv, run);
}
