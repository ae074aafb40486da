/*
 * look.c -- looking into bundles that wait to be confirmed. What is found out here decides
 * nothing: a bundle that is confirmed is verified all over.
 */
#include "relay/page/look.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/bundle.h"
#include "gapferry/file.h"
#include "gapferry/json.h"
#include "relay/enrol.h"
#include "relay/files.h"
#include "relay/keys.h"
#include "relay/unpack.h"

/* What is found out about one bundle. */
struct look {
    struct relay *r;
    struct enrol_cards *agents;
    const char *state;
    int told, seen;
    char why[512];
    const struct gf_header *header; /* NULL: not known */
    const struct gf_hash *digest;   /* NULL: not known */
    char file[FILES_NAME];
    int64_t records, files;
    struct {
        char channel[GF_WORD_MAX + 1];
        int64_t records;
    } channels[LOOK_CHANNELS_MAX];
    size_t nchannels;
};

void look_path(int64_t row, char out[LOOK_PATH]) {
    (void)snprintf(out, LOOK_PATH, LOOK_FOLDER "/%" PRId64 ".gfb", row);
}

/* ---- the facts ---- */

void look_put_text(struct gf_buf *b, const char *name, const char *text) {
    gf_buf_printf(b, ",\"%s\":", name);
    if (text != NULL && text[0] != '\0')
        gf_json_put_shown(b, text, strlen(text));
    else
        gf_buf_text(b, "null");
}

void look_put_time(struct gf_buf *b, const char *name, int64_t t) {
    char at[GF_TIME_TEXT];

    gf_text_time(t, at);
    look_put_text(b, name, t != 0 ? at : NULL);
}

static void put_facts(const struct look *k, struct gf_buf *b) {
    char id[GF_ID_TEXT] = "";

    if (k->header != NULL)
        gf_text_hex(k->header->id.b, sizeof k->header->id.b, id);
    gf_buf_printf(b, "{\"state\":\"%s\",\"told\":%s,\"seen\":%s", k->state,
                  k->told ? "true" : "false", k->seen ? "true" : "false");
    look_put_text(b, "why", k->why);
    look_put_text(b, "id", id);
    look_put_time(b, "created",
                  k->header != NULL && k->header->has_created ? k->header->created : 0);
    look_put_time(b, "expires",
                  k->header != NULL && k->header->has_expires ? k->header->expires : 0);
    gf_buf_printf(b, ",\"records\":%" PRId64 ",\"files\":%" PRId64 ",\"channels\":[", k->records,
                  k->files);
    for (size_t i = 0; i < k->nchannels; i++)
        gf_buf_printf(b, "%s{\"channel\":\"%s\",\"records\":%" PRId64 "}", i > 0 ? "," : "",
                      k->channels[i].channel, k->channels[i].records);
    gf_buf_text(b, "]}");
}

/* -1 with *e where it is our own fault, and nothing is wrong with the bundle. */
static int refuse(struct look *k, const struct gf_err *why, int told, struct gf_err *e) {
    if (relay_verify_is_ours(why)) {
        *e = *why;
        return -1;
    }
    k->state = "refused";
    k->told = told;
    (void)snprintf(k->why, sizeof k->why, "%s", why->text);
    return 0;
}

/* ---- contents ---- */

/* The last place counts all channels that have none of their own. */
static int count_record(void *arg, const struct handover_record *r, struct gf_err *why) {
    const char *channel = r->channel;
    struct look *k = arg;
    (void)why;

    size_t i = 0;

    k->records++;
    while (i < k->nchannels && strcmp(k->channels[i].channel, channel) != 0)
        i++;
    if (i == LOOK_CHANNELS_MAX) {
        i--;
        k->channels[i].channel[0] = '\0';
    } else if (i == k->nchannels) {
        (void)snprintf(k->channels[i].channel, sizeof k->channels->channel, "%s", channel);
        k->nchannels++;
    }
    k->channels[i].records++;
    return 0;
}

static int count_files(struct look *k, int work, const struct gf_header *h, struct gf_err *why) {
    struct gf_contents c = {0};
    struct gf_buf b;

    int rc = gf_file_load(work, "contents.json", GF_CONTENTS_MAX, &b, why);
    if (rc == 0)
        rc = gf_contents_parse(b.data, b.len, &c, why);
    if (rc == 0)
        rc = gf_contents_bind(&c, h, why);
    for (size_t i = 0; rc == 0 && i < c.nmembers; i++)
        k->files += gf_contents_member_of(c.members[i].member) == GF_MEMBER_FILE;
    gf_contents_free(&c);
    gf_buf_free(&b);
    return rc;
}

/* Unpacked beside it, for another process tidies work/. */
static int open_it(struct look *k, int fd, const struct gf_head *h, struct gf_err *why) {
    static const char path[] = LOOK_FOLDER "/work";
    int rc = -1;

    if (mkdirat(k->r->state_fd, path, 0700) == -1 && errno != EEXIST)
        return gf_err_errno(why, "%s/%s", k->r->state, path);
    int work = openat(k->r->state_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (work == -1)
        return gf_err_errno(why, "%s/%s", k->r->state, path);
    gf_bundle_items_remove(work); /* of an attempt that was cut off */
    if (unpack_bundle(k->r, fd, h, files_room(k->r), work, count_record, k, why) == 0 &&
        count_files(k, work, &h->header, why) == 0)
        rc = 0;
    gf_bundle_items_remove(work);
    (void)close(work);
    (void)unlinkat(k->r->state_fd, path, AT_REMOVEDIR);
    return rc;
}

/* ---- one bundle ---- */

/* As verify.c would. 0 looked, -1 with *e: cannot look now. */
static int look_verified(struct look *k, int fd, const struct gf_head *h, struct gf_err *e) {
    enum ledger_seen seen = LEDGER_NEW;
    struct gf_err why;

    k->header = &h->header;
    k->digest = &h->digest;
    files_name(&h->digest, k->file);
    if (ledger_seen(k->r->ledger, &h->header, &h->digest, &seen, e) == -1)
        return -1;
    k->seen = seen == LEDGER_REPLAY;
    if (k->seen)
        return 0;
    if (seen == LEDGER_FORK) {
        (void)gf_err_set(&why, GF_E_REPLAY,
                         "another bundle with its number came before: was the site's agent copied, "
                         "or put back from a backup?");
        return refuse(k, &why, 1, e);
    }
    if (gf_bundle_copy(fd, h, -1, NULL, NULL, &why) == -1)
        return refuse(k, &why, 0, e);
    if (relay_verify_times(k->r, h, &why) == -1 || open_it(k, fd, h, &why) == -1)
        return refuse(k, &why, 1, e);
    return 0;
}

/* Its sender is not enrolled: what its own fields say. */
static int look_stranger(struct look *k, int fd, struct gf_head *h, struct gf_err *e) {
    struct gf_err why;

    k->state = "stranger";
    if (files_name_of(fd, k->file, &why) == -1 || gf_bundle_peek(fd, h, &why) == -1)
        return refuse(k, &why, 0, e);
    k->header = &h->header;
    k->digest = &h->digest;
    return 0;
}

static int look_into(struct look *k, int fd, struct gf_head *h, struct gf_err *e) {
    struct gf_check check = {0};
    struct own_keys_all own;
    struct gf_route route;
    struct gf_err why;

    if (gf_bundle_route(fd, &route, &why) == -1)
        return refuse(k, &why, 0, e);
    keys_check(k->r, &own, &check);
    int known = enrol_cards_trust(k->agents, &route.from, &check, e);
    if (known == -1)
        return -1;
    if (known == 0) {
        int rc = ledger_is_ended(k->r->ledger, &route.from, &why, e);
        if (rc == LEDGER_ENDED || rc == LEDGER_SUCCEEDED)
            return refuse(k, &why, 0, e);
        return rc == LEDGER_GOES_ON ? look_stranger(k, fd, h, e) : -1;
    }
    if (gf_bundle_head(fd, &check, h, &why) == -1)
        return refuse(k, &why, 0, e);
    return look_verified(k, fd, h, e);
}

static int look_one(const struct look *common, const struct ledger_brought *b, struct gf_err *e) {
    const struct gf_card *card;
    struct look k = *common;
    struct gf_head head = {0};
    char path[LOOK_PATH];
    struct gf_buf facts;

    int enrolled = enrol_cards_find(common->agents, &b->sender, &card, e);
    if (enrolled == -1)
        return -1;
    look_path(b->row, path);
    int fd = openat(k.r->state_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1)
        return errno == ENOENT ? ledger_brought_remove(k.r->ledger, b->row, e)
                               : gf_err_errno(e, "%s/%s", k.r->state, path);
    gf_buf_init(&facts, LOOK_FACTS_MAX);
    int rc = look_into(&k, fd, &head, e);
    if (rc == 0) {
        put_facts(&k, &facts);
        rc = gf_buf_check(&facts, "the facts of a bundle", e);
    }
    /* Once it is confirmed nobody need bring it again, wherever the power goes. */
    if (rc == 0 && fdatasync(fd) == -1)
        rc = gf_err_errno(e, "%s/%s", k.r->state, path);
    if (rc == 0) {
        struct ledger_brought seen = {.row = b->row, .facts = facts.data};
        seen.has_digest = k.digest != NULL;
        if (k.digest != NULL)
            seen.digest = *k.digest;
        memcpy(seen.file, k.file, sizeof k.file);
        rc = ledger_brought_looked(k.r->ledger, &seen, enrolled, e);
    }
    gf_buf_free(&facts);
    gf_head_free(&head);
    (void)close(fd);
    return rc;
}

int look_turn(struct relay *r, struct gf_err *e) {
    struct ledger_brought *list = NULL;
    struct enrol_cards agents = {.r = r};
    struct gf_err ignored;
    size_t n = 0;

    int rc = ledger_brought_unseen(r->ledger, &list, &n, e);
    const struct look k = {.r = r, .state = "ready", .agents = &agents};
    /* One that cannot be looked into now, for want of room say, keeps no other waiting. */
    for (size_t i = 0, good = rc == 0; good && i < n; i++)
        if (look_one(&k, &list[i], rc == 0 ? e : &ignored) == -1)
            rc = -1;
    enrol_cards_free(&agents);
    ledger_brought_free(list, n);
    return rc;
}
