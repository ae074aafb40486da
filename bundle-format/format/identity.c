/*
 * identity.c -- one's own keys and card: a directory of five files.
 */
#include "gapferry/card.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/digest.h"
#include "gapferry/file.h"

/* Bytes of a key file: minisign's secret key has about 300. */
#define KEY_FILE_MAX 4096

/* ---- loading ---- */

/* Read a file of directory dir; `where` is how the user calls the directory. */
static int load_file(int dir, const char *where, const char *name, size_t max, struct gf_buf *out,
                     struct gf_err *e) {
    if (gf_file_load(dir, name, max, out, e) == -1)
        return gf_err_prefix(e, "%s", where);
    if (out->len == 0)
        return gf_err_set(e, GF_E_KEY, "%s/%s: is empty; restore it from a backup", where, name);
    return 0;
}

/* The same for a secret. Whoever could change the file between the check and the reading could read
 * it anyway, so that the two need not be one step. */
static int load_secret(int dir, const char *where, const char *name, struct gf_buf *out,
                       struct gf_err *e) {
    struct stat st;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
        return gf_err_errno(e, "%s/%s", where, name);
    if (!S_ISREG(st.st_mode))
        return gf_err_set(e, GF_E_KEY,
                          "%s/%s: must be a regular file, not a link or device; put the key itself "
                          "there",
                          where, name);
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return gf_err_set(e, GF_E_KEY,
                          "%s/%s: others than its owner may use this secret key; run: chmod 600 "
                          "%s/%s",
                          where, name, where, name);
    return load_file(dir, where, name, KEY_FILE_MAX, out, e);
}

static int load_sign(int dir, const char *where, struct gf_identity *id, struct gf_err *e) {
    struct gf_buf b;
    int rc;

    gf_buf_init(&b, KEY_FILE_MAX);
    rc = load_secret(dir, where, "sign.key", &b, e);
    if (rc == 0 && (rc = gf_key_sign_parse(b.data, b.len, "sign.key", &id->sign, e)) == -1)
        gf_err_prefix(e, "%s", where);
    gf_buf_free(&b);
    return rc;
}

static int load_seal(int dir, const char *where, struct gf_identity *id, struct gf_err *e) {
    struct gf_buf b;
    int rc;

    gf_buf_init(&b, KEY_FILE_MAX);
    rc = load_secret(dir, where, "seal.key", &b, e);
    if (rc == 0 && (rc = gf_key_seal_parse(b.data, b.len, "seal.key", &id->seal, e)) == -1)
        gf_err_prefix(e, "%s", where);
    gf_buf_free(&b);
    return rc;
}

/* The card, which must show the two keys and no others. */
static int load_card(int dir, const char *where, struct gf_identity *id, struct gf_err *e) {
    const struct gf_sign_public *sign = gf_key_sign_public(id->sign);
    const struct gf_seal_public *seal = gf_key_seal_public(id->seal);
    struct gf_buf b;
    int rc = -1;

    gf_buf_init(&b, GF_CARD_FILE_MAX);
    if (load_file(dir, where, "card", GF_CARD_FILE_MAX, &b, e) == -1)
        goto out;
    if (gf_card_parse(b.data, b.len, "card", &id->card, e) == -1) {
        gf_err_prefix(e, "%s", where);
        goto out;
    }
    if (memcmp(id->card.sign.pk, sign->pk, sizeof sign->pk) != 0 ||
        memcmp(id->card.sign.keynum, sign->keynum, sizeof sign->keynum) != 0 ||
        memcmp(id->card.seal.pk, seal->pk, sizeof seal->pk) != 0) {
        gf_err_set(e, GF_E_KEY,
                   "%s/card: is not the card of sign.key and seal.key beside it; restore the "
                   "directory from one backup, or make a new one",
                   where);
        goto out;
    }

    id->card_text = malloc(b.len);
    if (id->card_text == NULL) {
        gf_err_set(e, GF_E_SYSTEM, "%s/card: out of memory", where);
        goto out;
    }
    memcpy(id->card_text, b.data, b.len);
    id->card_len = b.len;
    rc = 0;
out:
    gf_buf_free(&b);
    return rc;
}

int gf_identity_load(int dir, const char *path, struct gf_identity *id, struct gf_err *e) {
    int fd;
    int rc = -1;

    memset(id, 0, sizeof *id);
    fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd == -1)
        return gf_err_errno(e, "%s", path);
    if (load_sign(fd, path, id, e) == 0 && load_seal(fd, path, id, e) == 0 &&
        load_card(fd, path, id, e) == 0)
        rc = 0;
    if (rc == -1)
        gf_identity_free(id);
    (void)close(fd);
    return rc;
}

void gf_identity_free(struct gf_identity *id) {
    if (id == NULL)
        return;
    gf_key_sign_free(id->sign);
    gf_key_seal_free(id->seal);
    free(id->card_text);
    memset(id, 0, sizeof *id);
}

/* ---- making ---- */

/* Write one file and forget its text, which may be a secret. */
static int save(int dir, const char *name, mode_t mode, struct gf_buf *b, struct gf_err *e) {
    int rc = gf_buf_check(b, name, e);

    if (rc == 0)
        rc = gf_file_save_new(dir, name, b->data, b->len, mode, e);
    gf_buf_free(b);
    return rc;
}

/* What a new directory holds. */
struct made {
    struct gf_sign_key *sign;
    struct gf_seal_key *seal;
    struct gf_card card;
    const struct gf_sign_key *before; /* the predecessor's, which signs too; NULL: none */
};

/* The card's file, signed by its own key and, where there is one, by its predecessor's. */
static int write_card(const struct made *m, struct gf_buf *out, struct gf_err *e) {
    struct gf_buf b;

    if (m->before == NULL)
        return gf_card_write(&m->card, 1, m->sign, out, e);
    gf_buf_init(&b, GF_CARD_FILE_MAX);
    int rc = gf_card_write(&m->card, 1, m->sign, &b, e);
    if (rc == 0)
        rc = gf_card_cosign(b.data, b.len, m->before, out, e);
    gf_buf_free(&b);
    return rc;
}

/* The five files of a pair of keys and its card. */
static int save_all(int dir, const struct made *m, struct gf_err *e) {
    char line[GF_SEAL_PUBLIC_TEXT];
    struct gf_buf b;

    gf_buf_init(&b, GF_CARD_FILE_MAX);
    gf_key_sign_text(m->sign, &b);
    if (save(dir, "sign.key", 0600, &b, e) == -1)
        return -1;
    gf_key_sign_public_text(&m->card.sign, &b);
    if (save(dir, "sign.pub", 0644, &b, e) == -1)
        return -1;
    gf_key_seal_text(m->seal, m->card.created, &b);
    if (save(dir, "seal.key", 0600, &b, e) == -1)
        return -1;
    gf_key_seal_public_line(&m->card.seal, line);
    gf_buf_printf(&b, "%s\n", line);
    if (save(dir, "seal.pub", 0644, &b, e) == -1)
        return -1;
    if (write_card(m, &b, e) == -1) {
        gf_buf_free(&b);
        return -1;
    }
    return save(dir, "card", 0644, &b, e);
}

/* ---- the private directory in which they are made ---- */

/* ".identity-" and 16 hex digits. Whoever fills it holds its lock (flock()), so that one without is
 * left over from a maker that was killed. */
#define TEMP        ".identity-"
#define TEMP_DIGITS 16
#define TEMP_NAME   (sizeof TEMP + TEMP_DIGITS)
#define TEMP_TRIES  8

static int open_temp(int parent, const char *temp) {
    return openat(parent, temp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Remove the files of the directory open as fd, and it. */
static void remove_temp(int parent, const char *temp, int fd) {
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy == -1 ? NULL : fdopendir(copy);
    const struct dirent *x;

    while (d != NULL && (x = readdir(d)) != NULL)
        (void)unlinkat(fd, x->d_name, 0);
    if (d != NULL)
        (void)closedir(d);
    else if (copy != -1)
        (void)close(copy);
    (void)unlinkat(parent, temp, AT_REMOVEDIR);
}

/* Secret keys that nobody will ever use do not stay; mine: the new directory, which tells whose
 * those are that may go. */
static void sweep_temps(int parent, int mine) {
    int copy = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy == -1 ? NULL : fdopendir(copy);
    const struct dirent *x;
    struct stat us, st;

    int known = fstat(mine, &us) == 0;
    while (d != NULL && known && (x = readdir(d)) != NULL) {
        const char *digits = x->d_name + sizeof TEMP - 1;
        if (strncmp(x->d_name, TEMP, sizeof TEMP - 1) != 0 || strlen(digits) != TEMP_DIGITS ||
            strspn(digits, "0123456789abcdef") != TEMP_DIGITS)
            continue;
        int fd = open_temp(parent, x->d_name);
        if (fd == -1)
            continue;
        if (fstat(fd, &st) == 0 && st.st_uid == us.st_uid && flock(fd, LOCK_EX | LOCK_NB) == 0)
            remove_temp(parent, x->d_name, fd);
        (void)close(fd);
    }
    if (d != NULL)
        (void)closedir(d);
    else if (copy != -1)
        (void)close(copy);
}

/* A new one, locked; its descriptor, or -1. Where another maker sweeps in the moment between making
 * and locking, it is gone, and there is another. */
static int make_temp(int parent, char temp[TEMP_NAME], struct gf_err *e) {
    uint8_t random[TEMP_DIGITS / 2];
    struct stat st;

    for (int i = 0; i < TEMP_TRIES; i++) {
        gf_digest_random(random, sizeof random);
        memcpy(temp, TEMP, sizeof TEMP);
        gf_text_hex(random, sizeof random, temp + sizeof TEMP - 1);
        if (mkdirat(parent, temp, 0700) == -1)
            return gf_err_errno(e, "cannot make a directory");
        int fd = open_temp(parent, temp);
        if (fd == -1 && errno != ENOENT)
            break;
        if (fd == -1)
            continue;
        /* A file system without locks is one where nobody sweeps. */
        (void)flock(fd, LOCK_EX);
        if (fstat(fd, &st) == 0 && st.st_nlink > 0)
            return fd;
        (void)close(fd);
    }
    (void)gf_err_errno(e, "cannot open a new directory");
    (void)unlinkat(parent, temp, AT_REMOVEDIR);
    return -1;
}

/* Fill a private directory beside the final one and rename it, so that there is never a directory
 * of that name with half of the files. */
static int publish(int parent, const char *name, const struct made *m, struct gf_err *e) {
    char temp[TEMP_NAME];
    const char *now = temp; /* what the directory is called */
    int rc = -1;

    int fd = make_temp(parent, temp, e);
    if (fd == -1)
        return -1;
    sweep_temps(parent, fd);
    if (save_all(fd, m, e) == -1)
        goto out;

    /* renameat() replaces nothing but an empty directory. */
    if (fsync(fd) == -1 || renameat(parent, temp, parent, name) == -1) {
        if (errno == ENOTEMPTY || errno == ENOTDIR)
            errno = EEXIST;
        gf_err_errno(e, "cannot give the directory its name");
        goto out;
    }
    now = name;
    if (fsync(parent) == -1) {
        gf_err_errno(e, "cannot flush the directory's name");
        goto out;
    }
    rc = 0;
out:
    if (rc == -1)
        remove_temp(parent, now, fd);
    (void)close(fd);
    return rc;
}

static int make(int dir, const char *path, struct made *m, struct gf_err *e) {
    struct stat st;
    char name[256];
    int parent = -1;
    int rc = -1;

    if (gf_file_split(dir, path, &parent, name, e) == -1)
        return -1;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        gf_err_set(e, GF_E_CREATE, "%s: exists already; choose another name or remove it", path);
        goto out;
    }
    if (gf_key_sign_new(&m->sign, e) == -1 || gf_key_seal_new(&m->seal, e) == -1)
        goto out;
    m->card.sign = *gf_key_sign_public(m->sign);
    m->card.seal = *gf_key_seal_public(m->seal);
    gf_key_identity(&m->card.sign, &m->card.seal, &m->card.identity);

    rc = publish(parent, name, m, e);
    if (rc == -1)
        gf_err_prefix(e, "%s", path);
out:
    gf_key_sign_free(m->sign);
    gf_key_seal_free(m->seal);
    if (parent != -1)
        (void)close(parent);
    return rc;
}

int gf_identity_make(int dir, const char *path, struct gf_card *c, struct gf_err *e) {
    struct made m = {.card = *c};

    if (make(dir, path, &m, e) == -1)
        return -1;
    *c = m.card;
    return 0;
}

int gf_identity_succeed(int dir, const char *path, const struct gf_identity *before,
                        struct gf_card *c, struct gf_err *e) {
    struct made m = {.card = {.role = before->card.role,
                              .has_agent = before->card.has_agent,
                              .agent = before->card.agent,
                              .created = c->created,
                              .has_expires = c->has_expires,
                              .expires = c->expires,
                              .has_replaces = 1,
                              .replaces = before->card.identity},
                     .before = before->sign};

    if (make(dir, path, &m, e) == -1)
        return -1;
    m.card.cosigned = 1;
    *c = m.card;
    return 0;
}

int gf_identity_save_card(int dir, const char *path, const char *text, size_t len,
                          struct gf_err *e) {
    struct gf_identity id;
    struct gf_card c;
    int rc = -1;

    if (gf_card_parse(text, len, "card", &c, e) == -1 || gf_identity_load(dir, path, &id, e) == -1)
        return -1;
    int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (memcmp(&id.card.identity, &c.identity, sizeof c.identity) != 0 || id.card.role != c.role ||
        memcmp(&id.card.agent, &c.agent, sizeof c.agent) != 0)
        (void)gf_err_set(e, GF_E_KEY, "%s: the card is not one of these keys", path);
    else if (fd == -1)
        (void)gf_err_errno(e, "%s", path);
    else if ((rc = gf_file_save(fd, "card", text, len, 0644, e)) == -1)
        (void)gf_err_prefix(e, "%s", path);
    if (fd != -1)
        (void)close(fd);
    gf_identity_free(&id);
    return rc;
}
