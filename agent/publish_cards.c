/*
 * publish_cards.c -- STATE/cards/: the trusted relays' cards as files, who was replaced by them,
 * and our own, for gapferry-link, which may open neither store nor keys.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/store/store_relays.h"
#include "common/own_keys.h"
#include "gapferry/file.h"

#define FORMER_MAX GF_DRIVE_CARDS_MAX /* of relays, that were replaced */
#define CARDS_MAX  (GF_DRIVE_CARDS_MAX + FORMER_MAX + OWN_KEYS_MAX)
#define CARD_NAME  (2 * GF_FINGERPRINT_TEXT + 7) /* FINGERPRINT.card, FINGERPRINT.HEIR.former */
#define FOLDER_MAX 4096                          /* entries looked at */

struct folder {
    int dir;
    size_t n;
    char names[CARDS_MAX][CARD_NAME];
};

/* What lies there has its bytes: it got its name only when it was complete. Another command of this
 * agent may have been quicker. */
static int put(struct folder *f, const char *name, const char *text, size_t len, struct gf_err *e) {
    if (faccessat(f->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    if (gf_file_save_new(f->dir, name, text, len, 0600, e) == -1 &&
        faccessat(f->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == -1)
        return -1;
    return 0;
}

static int publish(void *arg, const struct gf_card *c, const char *text, size_t len,
                   struct gf_err *e) {
    struct folder *f = arg;
    char fingerprint[GF_FINGERPRINT_TEXT];

    if (f->n == GF_DRIVE_CARDS_MAX)
        return gf_err_set(e, GF_E_LIMIT, "cards: more than %d relays are trusted",
                          GF_DRIVE_CARDS_MAX);
    char *name = f->names[f->n++];
    gf_card_fingerprint(c, fingerprint);
    (void)snprintf(name, CARD_NAME, "%s.card", fingerprint);
    return put(f, name, text, len, e);
}

/* One that was replaced: what is addressed to it goes to whoever has its place, and the
 * configuration may name it still. */
static int publish_former(struct folder *f, const struct store_relay *r,
                          const struct store_relay *all, size_t n, struct gf_err *e) {
    char fingerprint[GF_FINGERPRINT_TEXT], heir[GF_FINGERPRINT_TEXT], text[GF_HASH_TEXT + 1];
    size_t i = 0;

    while (i < n && memcmp(&all[i].card.identity, &r->heir, sizeof r->heir) != 0)
        i++;
    if (i == n || all[i].standing != STORE_TRUSTED || f->n == GF_DRIVE_CARDS_MAX + FORMER_MAX)
        return 0;
    gf_card_fingerprint(&r->card, fingerprint);
    gf_card_fingerprint(&all[i].card, heir);
    gf_text_hex(r->card.identity.b, sizeof r->card.identity.b, text);
    text[GF_HASH_TEXT - 1] = '\n';
    char *name = f->names[f->n++];
    (void)snprintf(name, CARD_NAME, "%s.%s.former", fingerprint, heir);
    return put(f, name, text, GF_HASH_TEXT, e);
}

static int publish_all_former(struct agent *a, struct folder *f, struct gf_err *e) {
    struct store_relay *list = NULL;
    size_t n = 0;

    if (store_relays(a->store, &list, &n, e) == -1)
        return -1;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (list[i].standing == STORE_REPLACED)
            rc = publish_former(f, &list[i], list, n, e);
    free(list);
    return rc;
}

/* Who is not trusted any more must not prove anything to link. */
static int remove_others(struct folder *f, struct gf_err *e) {
    int fd = openat(f->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd == -1 ? NULL : fdopendir(fd);
    const struct dirent *x;

    if (d == NULL) {
        (void)gf_err_errno(e, "cards: cannot list it");
        if (fd != -1)
            (void)close(fd);
        return -1;
    }
    for (int i = 0; i < FOLDER_MAX && (x = readdir(d)) != NULL; i++) {
        size_t len = strlen(x->d_name), k = 0;
        if ((len < 5 || strcmp(x->d_name + len - 5, ".card") != 0) &&
            (len < 7 || strcmp(x->d_name + len - 7, ".former") != 0))
            continue;
        while (k < f->n && strcmp(x->d_name, f->names[k]) != 0)
            k++;
        if (k == f->n)
            (void)unlinkat(f->dir, x->d_name, 0);
    }
    (void)closedir(d);
    return 0;
}

/* Ours as it goes to drives: its bytes change when it gets a token's MAC or a vendor's signature.
 */
static int publish_own(const struct gf_identity *id, struct folder *f, struct gf_err *e) {
    struct gf_buf text;
    char fingerprint[GF_FINGERPRINT_TEXT];
    char *name = f->names[f->n++];

    gf_card_fingerprint(&id->card, fingerprint);
    (void)snprintf(name, CARD_NAME, "%s.card", fingerprint);
    gf_buf_init(&text, GF_CARD_FILE_MAX);
    int rc = own_keys_card(id, 0, &text, e);
    if (rc == 0 && (rc = gf_file_save_changed(f->dir, name, text.data, text.len, 0600, e)) == -1)
        (void)gf_err_prefix(e, "cards");
    gf_buf_free(&text);
    return rc;
}

int agent_publish_cards(struct agent *a, struct gf_err *e) {
    struct folder f = {.dir = agent_folder(a, "cards", e)};

    if (f.dir == -1)
        return -1;
    int rc = store_card_texts(a->store, GF_ROLE_RELAY, publish, &f, e);
    if (rc == 0)
        rc = publish_all_former(a, &f, e);
    if (rc == 0)
        rc = publish_own(&a->id, &f, e);
    for (size_t i = 0; i < a->former.n && rc == 0; i++)
        rc = publish_own(&a->former.list[i], &f, e);
    if (rc == 0)
        rc = remove_others(&f, e);
    (void)close(f.dir);
    return rc;
}
