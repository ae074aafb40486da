/*
 * inbox.c -- responses that gapferry-link has fetched, and those that a person hands over: applied,
 * or put aside with the reason (promise P9).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/succession.h"
#include "agent/turn.h"
#include "gapferry/drive.h"
#include "gapferry/file.h"

#define INBOX      "inbox"
#define QUARANTINE "quarantine"

/* Put a file of the inbox aside, and why beside it. The reason comes first, so that no file lies
 * there unexplained. */
static int put_aside(struct agent *a, int dir, const char *name, const struct gf_err *why,
                     struct gf_err *e) {
    char note[64], text[sizeof why->text + 64];

    int to = agent_folder(a, QUARANTINE, e);
    if (to == -1)
        return -1;
    (void)snprintf(note, sizeof note, "%.48s.why", name);
    int len = snprintf(text, sizeof text, "%s (%s)\n", why->text, gf_err_name(why->code));
    int rc = 0;
    if (unlinkat(to, note, 0) == -1 && errno != ENOENT)
        rc = gf_err_errno(e, "%s/" QUARANTINE "/%s", a->state, note);
    if (rc == 0)
        rc = gf_file_save_new(to, note, text, (size_t)len, 0600, e);
    if (rc == 0 && renameat(dir, name, to, name) == -1)
        rc = gf_err_errno(e, "%s/" INBOX "/%s: cannot move it to " QUARANTINE, a->state, name);
    if (rc == 0 && fsync(to) == -1)
        rc = gf_err_errno(e, "%s/" QUARANTINE, a->state);
    (void)close(to);
    return rc;
}

/* Is it the file that cannot be used, or are we just not able to? */
static int is_its_fault(enum gf_code code) {
    return code != GF_E_SYSTEM && code != GF_E_CREATE && code != GF_E_BUSY && code != GF_E_BUG &&
           code != GF_E_DAMAGED && code != GF_E_NOINPUT;
}

/* Apply one file. 0, also where it was put aside: *why says then why, else its code is GF_OK. -1
 * where nothing could be decided. */
static int take(struct agent *a, int dir, const char *name, struct apply_result *in,
                struct gf_err *why, struct gf_err *e) {
    struct stat st;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
        return gf_err_errno(e, "%s", name);
    if (!S_ISREG(st.st_mode))
        return gf_err_set(
            e, GF_E_NOINPUT,
            "is no regular file, and nothing that gapferry-link has put there: remove "
            "it");

    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd == -1)
        return gf_err_errno(e, "%s", name);
    *why = (struct gf_err){.code = GF_OK};
    int rc = agent_apply(a, fd, in, why);
    (void)close(fd);
    if (rc == 0) {
        why->code = GF_OK;
        if (unlinkat(dir, name, 0) == -1)
            return gf_err_errno(e, "%s: was applied, but cannot be removed", name);
        return 0;
    }
    if (is_its_fault(why->code))
        return put_aside(a, dir, name, why, e);
    *e = *why;
    return -1;
}

static int one(struct agent *a, int dir, const char *name, struct turn *t, inbox_tell *tell,
               void *arg, struct gf_err *e) {
    struct apply_result in = {0};
    struct gf_err why;

    if (take(a, dir, name, &in, &why, e) == -1)
        return -1;
    const int applied = why.code == GF_OK;
    if (applied)
        agent_apply_sum(&t->in, &in);
    t->responses += applied && !in.seen_before;
    t->seen += applied && in.seen_before;
    t->quarantined += !applied;
    tell(arg, &(struct inbox_file){name, applied && in.seen_before, applied ? NULL : &why});
    return 0;
}

static int is_bundle(const char *name) {
    size_t len = strlen(name);

    return len > 4 && len < GF_DRIVE_NAME && name[0] != '.' && strcmp(name + len - 4, ".gfb") == 0;
}

static int by_name(const void *x, const void *y) {
    return strcmp(x, y);
}

/* The names of bundles in a folder, sorted; at most GF_DRIVE_BUNDLES_MAX, the rest comes next time.
 * free(). */
static int list(DIR *d, char (**out)[GF_DRIVE_NAME], size_t *n, struct gf_err *e) {
    char(*names)[GF_DRIVE_NAME] = calloc(GF_DRIVE_BUNDLES_MAX, sizeof *names);
    const struct dirent *x;
    size_t len = 0;

    if (!names)
        return gf_err_errno(e, INBOX ": no memory for its names");
    while (len < GF_DRIVE_BUNDLES_MAX && (x = readdir(d)) != NULL)
        if (is_bundle(x->d_name))
            memcpy(names[len++], x->d_name, strlen(x->d_name) + 1);
    qsort(names, len, sizeof *names, by_name);
    *out = names;
    *n = len;
    return 0;
}

int agent_inbox(struct agent *a, struct turn *t, inbox_tell *tell, void *arg, struct gf_err *e) {
    char(*names)[GF_DRIVE_NAME] = NULL;
    size_t n = 0;

    int dir = agent_folder(a, INBOX, e);
    if (dir == -1)
        return -1;
    DIR *d = fdopendir(dir);
    if (!d) {
        (void)gf_err_errno(e, "%s/" INBOX ": cannot list it", a->state);
        (void)close(dir);
        return -1;
    }
    int rc = list(d, &names, &n, e);
    /* One that fails does not hold back the others; the first failure is told. */
    for (size_t i = 0; i < n; i++) {
        struct gf_err why;
        if (one(a, dirfd(d), names[i], t, tell, arg, &why) == 0)
            continue;
        (void)gf_err_prefix(&why, "%s", names[i]);
        if (rc == 0)
            *e = why;
        rc = -1;
    }
    free(names);
    (void)closedir(d);
    /* What came with the news of a relay's new keys was signed by the old ones. */
    size_t taken = 0;
    if (rc == 0)
        rc = succession_offers(a, &taken, e);
    return rc == 0 ? 0 : gf_err_prefix(e, "%s/" INBOX, a->state);
}
