/*
 * sync_testing.h -- an agent and a directory that stands for a drive, for test_sync*.c.
 */
#ifndef SYNC_TESTING_H
#define SYNC_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/sync.h"
#include "gapferry/file.h"
#include "support/kit.h"
#include "support/site.h"

int agent_license_answer(struct agent *a, const struct gf_id *record, const char *text, size_t len,
                         char refused[AGENT_REFUSED], struct gf_err *e) {
    (void)a, (void)record, (void)e;
    (void)snprintf(refused, AGENT_REFUSED, "%s",
                   len == 3 && memcmp(text, "bad", 3) == 0 ? "not signed by a vendor we trust"
                                                           : "");
    return 0;
}

static struct gf_err e;
static char usb[128];        /* the drive */
static struct sync_result r; /* of the last sync() */

/* Mounts are made in a namespace of their own, and vanish with the test. */
static const char *no_mounts;

static inline int setup_all(void **state) {
    if (unshare(CLONE_NEWNS) == -1 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1)
        no_mounts = strerror(errno);
    return kit_setup(state);
}

#define NEEDS_MOUNTS                                                                               \
    do {                                                                                           \
        if (no_mounts) {                                                                           \
            print_message("SKIPPED: %s: no mount namespace: %s\n", __func__, no_mounts);           \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

static inline int setup(void **state) {
    if (site_setup(state) != 0)
        return -1;
    const struct site *s = *state;
    (void)snprintf(usb, sizeof usb, "%s/usb", s->root);
    assert_int_equal(mkdir(usb, 0755), 0);
    return 0;
}

static inline int teardown(void **state) {
    sync_free(&r);
    return site_teardown(state);
}

static inline enum gf_exit sync_with(struct site *s, const struct sync_options *o) {
    sync_free(&r);
    if (sync_drive(&s->a, o, &r, &e) == -1)
        fail_msg("%s", e.text);
    if (!r.people.data)
        gf_buf_text(&r.people, "");
    return r.status;
}

static inline enum gf_exit visit(struct site *s) {
    return sync_with(s, &(struct sync_options){.dir = usb});
}

/* The status, and words that a person is told. */
static inline void check_told(struct site *s, enum gf_exit want, const char *words) {
    enum gf_exit got = visit(s);

    if (!r.people.data || !strstr(r.people.data, words))
        fail_msg("\"%s\" does not say \"%s\"", r.people.data ? r.people.data : "", words);
    assert_int_equal(got, want);
}

static inline void check_silent(struct site *s) {
    enum gf_exit got = visit(s);

    if (got != GF_EXIT_DONE || r.people.len > 0)
        fail_msg("%d: %s", (int)got, r.people.data);
    assert_true(r.safe);
}

static inline char *on(const char *folder, const char *name) {
    static char path[300];

    (void)snprintf(path, sizeof path, "%s/GAPFERRY/%s/%s", usb, folder, name);
    return path;
}

static inline size_t count(const char *folder) {
    int dir = open(on(folder, ""), O_RDONLY | O_DIRECTORY);

    if (dir == -1)
        return 0;
    size_t n = kit_entries(dir);
    (void)close(dir);
    return n;
}

static inline void make_drive(void) {
    struct gf_drive *d;

    assert_int_equal(gf_drive_open(usb, 1, &d, &e), 0);
    gf_drive_close(d);
}

/* Lay a reply on the drive. */
static inline void bring(struct reply *reply, const char *name) {
    int fd = reply_seal(reply);

    make_drive();
    site_save(fd, on("to-site", name));
    (void)close(fd);
}

static inline void bring_card(const struct gf_identity *who) {
    char name[GF_DRIVE_NAME];

    make_drive();
    gf_drive_card_name(&who->card, name);
    assert_int_equal(
        gf_file_save_new(AT_FDCWD, on("cards", name), who->card_text, who->card_len, 0644, &e), 0);
}

#endif
