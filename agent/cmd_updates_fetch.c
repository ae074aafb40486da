/*
 * cmd_updates_fetch.c -- `updates fetch`: artifacts out of the agent's keeping, verified again
 * while they are copied.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/cmd_updates.h"
#include "gapferry/file.h"

int cmd_updates_open(int dir, const char *path, const char *what, struct gf_err *e) {
    struct stat st;

    int fd =
        COMMAND_REACH(openat(dir, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (fd == -1 && errno == ELOOP)
        return gf_err_set(e, GF_E_NOINPUT, "%s: is a link, which is not followed", what);
    if (fd == -1)
        return gf_err_errno(e, "%s", what);
    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        return gf_err_set(e, GF_E_NOINPUT, "%s: is no regular file", what);
    }
    return fd;
}

struct fetching {
    struct agent *a;
    const struct updates_known *k;
    const char *to; /* a directory */
    int dir;        /* the same, open */
    struct out t;
};

static int copy(struct fetching *f, int from, const struct update_artifact *a, struct gf_err *e) {
    struct gf_out o;
    int rc = COMMAND_REACH(gf_out_open(&o, f->dir, a->name, e));

    if (rc == 0)
        rc = update_check(a, from, o.fd, a->name, e);
    if (rc == 0)
        rc = COMMAND_REACH(gf_out_commit(&o, 0644, 0, e));
    command_reach();
    gf_out_close(&o);
    rc = command_reached(rc);
    return rc == 0 ? 0 : gf_err_prefix(e, "%s", f->to);
}

static int fetch_artifact(struct fetching *f, const struct update_artifact *a, struct gf_err *e) {
    char self[COMMAND_SELF];

    if (!f->k->here[a - f->k->update.artifacts])
        return gf_err_set(e, GF_E_NOINPUT,
                          "%s: is not here yet; it comes with the trip: %s sync DRIVE", a->name,
                          command_self(f->a, self));
    int dir = updates_folder(f->a, f->k, 0, e);
    if (dir == -1)
        return -1;
    int from = cmd_updates_open(dir, a->name, a->name, e);
    (void)close(dir);
    if (from == -1)
        return -1;
    int rc = copy(f, from, a, e);
    (void)close(from);
    if (rc == -1)
        return -1;
    out_open(&f->t, NULL, '{');
    out_str(&f->t, "name", a->name);
    out_int(&f->t, "size", a->size);
    out_close(&f->t, '}');
    out_text(&f->t, "%s: verified and copied to %s, %lld bytes\n", a->name, f->to,
             (long long)a->size);
    return 0;
}

/* All artifacts, and last the manifest that vouches for them: PRODUCT-VERSION.update. */
static int fetch_all(struct fetching *f, struct gf_err *e) {
    char name[GF_WORD_MAX + UPDATE_VERSION_MAX + 16];

    for (size_t i = 0; i < f->k->update.nartifacts; i++) {
        if (fetch_artifact(f, &f->k->update.artifacts[i], e) == -1)
            return -1;
    }
    (void)snprintf(name, sizeof name, "%s-%s.update", f->k->product, f->k->update.version);
    if (COMMAND_REACH(gf_file_save_new(f->dir, name, f->k->text, f->k->len, 0644, e)) == -1)
        return gf_err_prefix(e, "%s", f->to);
    out_text(&f->t, "%s: the signed manifest\n", name);
    return 0;
}

/* ---- which one ---- */

struct choice {
    const char *product, *name; /* NULL: any */
    int64_t serial;             /* 0: the newest */
};

static int is_meant(const struct updates_known *k, const struct choice *c) {
    return k->valid && (!c->product || strcmp(k->product, c->product) == 0) &&
           (c->serial ? k->serial == c->serial : k->newest) &&
           (!c->name || update_find(&k->update, c->name));
}

static int choose(const struct updates_known *known, size_t n, const struct choice *c,
                  const struct updates_known **out, struct gf_err *e) {
    *out = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!is_meant(&known[i], c))
            continue;
        if (*out)
            return gf_err_set(e, GF_E_USAGE,
                              "updates fetch: both %s %s (%s, %s) and %s %s (%s, %s) are meant; "
                              "say which: --product PRODUCT, --serial NUMBER",
                              (*out)->product, (*out)->update.version, (*out)->channel,
                              (*out)->platform, known[i].product, known[i].update.version,
                              known[i].channel, known[i].platform);
        *out = &known[i];
    }
    if (*out)
        return 0;
    return gf_err_set(e, GF_E_NOINPUT,
                      "%s: no %smanifest that is known here names it; see updates list",
                      c->name      ? c->name
                      : c->product ? c->product
                                   : "updates fetch",
                      c->serial ? "such " : "newest ");
}

static int read_choice(const struct options *o, struct choice *c, struct gf_err *e) {
    const char *serial = options_value(o, "serial");
    char *end;

    *c = (struct choice){.product = options_value(o, "product"),
                         .name = options_count(o, "all") ? NULL : options_arg(o, 1)};
    if (!serial)
        return 0;
    errno = 0;
    c->serial = strtoll(serial, &end, 10);
    if (errno != 0 || *end || c->serial < 1)
        return gf_err_set(e, GF_E_USAGE, "--serial %s: must be a number from 1", serial);
    return 0;
}

static int fetch(struct fetching *f, const struct options *o, const struct choice *c,
                 struct gf_err *e) {
    char ended[GF_TIME_TEXT];

    if (f->k->ended && !options_count(o, "expired")) {
        gf_text_time(f->k->update.expires, ended);
        return gf_err_set(e, GF_E_EXPIRED,
                          "%s %s: its manifest ended on %s, and there may be a newer one: ask "
                          "again (updates check), or take it all the same: --expired",
                          f->k->product, f->k->update.version, ended);
    }
    f->to = options_arg(o, c->name ? 2 : 1);
    if (command_there(f->to, e, "make the directory first: mkdir -p %s", f->to) == -1)
        return -1;
    f->dir = COMMAND_REACH(open(f->to, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (f->dir == -1)
        return gf_err_errno(e, "%s", f->to);
    out_begin(&f->t, o);
    out_str(&f->t, "product", f->k->product);
    out_str(&f->t, "version", f->k->update.version);
    out_int(&f->t, "serial", f->k->serial);
    out_str(&f->t, "directory", f->to);
    out_open(&f->t, "files", '[');
    int rc = c->name ? fetch_artifact(f, update_find(&f->k->update, c->name), e) : fetch_all(f, e);
    out_close(&f->t, ']');
    (void)close(f->dir);
    if (rc == 0)
        rc = out_end(&f->t, e);
    out_free(&f->t);
    if (rc == 0)
        command_next(f->a, "updates report %s %s installed", f->k->product, f->k->update.version);
    return rc;
}

int cmd_updates_fetch(struct agent *a, const struct options *o, struct gf_err *e) {
    struct fetching f = {.a = a};
    struct updates_known *known = NULL;
    struct choice c;
    size_t n = 0;

    if (read_choice(o, &c, e) == -1 || updates_known(a, &known, &n, e) == -1)
        return -1;
    int rc = choose(known, n, &c, &f.k, e);
    if (rc == 0)
        rc = fetch(&f, o, &c, e);
    updates_known_free(known, n);
    return rc;
}
