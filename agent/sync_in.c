/*
 * sync_in.c -- responses on a drive that are for this agent, applied in the order of their numbers;
 * whatever is not for it is left alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/succession.h"
#include "agent/sync.h"
#include "common/command.h"
#include "common/log.h"
#include "common/progress.h"

struct incoming {
    char name[GF_DRIVE_NAME];
    struct gf_hash from;
    struct gf_id stream;
    int64_t seq;
    int64_t size;
};

static int compare(const void *x, const void *y) {
    const struct incoming *a = x;
    const struct incoming *b = y;
    int rc = memcmp(a->from.b, b->from.b, sizeof a->from.b);

    if (rc == 0)
        rc = memcmp(a->stream.b, b->stream.b, sizeof a->stream.b);
    if (rc == 0)
        rc = (a->seq > b->seq) - (a->seq < b->seq);
    return rc != 0 ? rc : strcmp(a->name, b->name);
}

#define PLACE_TEXT 640

static void where(const struct sync *x, const char *name, char out[PLACE_TEXT]) {
    (void)snprintf(out, PLACE_TEXT, "%.500s/GAPFERRY/to-site/%s", x->o->dir, name);
}

/* A response that cannot be used; the relay writes one anew that is damaged. */
static void tell_bad(struct sync *x, const char *place, const struct gf_err *e) {
    enum gf_exit status = gf_err_exit(e->code);
    struct gf_err said = *e;

    if (status == GF_EXIT_DAMAGED || status == GF_EXIT_SIGNATURE)
        (void)gf_err_set(&said, e->code,
                         "%.600s; take the drive to the relay once more, whose sync writes it anew",
                         e->text);
    sync_trouble(x, place, &said);
}

/* Look at one head. 1: for us and from a relay we trust; *out is set. 2: from one whom nobody knows
 * yet, unless final. */
static int look(struct sync *x, const struct gf_check *check, const struct gf_drive_entry *entry,
                int final, struct incoming *out, int *untrusted) {
    struct gf_head head;
    char place[PLACE_TEXT];
    struct gf_err e;
    int fd = -1;

    where(x, entry->name, place);
    if (COMMAND_REACH(gf_drive_read(x->drive, GF_FOLDER_TO_SITE, entry->name, &fd, &e)) == -1) {
        sync_drive_trouble(x, place, &e);
        return 0;
    }
    int rc = gf_bundle_head(fd, check, &head, &e);
    if (rc == -1 && e.code == GF_E_SENDER && final)
        succession_explain(x->a, fd, &e);
    (void)close(fd);
    if (rc == -1) {
        if (e.code == GF_E_SENDER && !final)
            return 2;
        if (e.code == GF_E_SENDER && check->ntrusted == 0)
            ++*untrusted;
        else if (e.code != GF_E_NOT_FOR_US)
            tell_bad(x, place, &e);
        return 0;
    }
    *out = (struct incoming){.from = head.header.from,
                             .stream = head.header.stream,
                             .seq = head.header.seq,
                             .size = entry->size};
    memcpy(out->name, entry->name, sizeof out->name);
    gf_head_free(&head);
    return 1;
}

/* Apply one, and take it from the drive: it is in the store now. */
static void take(struct sync *x, const struct incoming *in) {
    struct apply_result result;
    char place[PLACE_TEXT];
    struct gf_err e;
    int fd = -1;

    where(x, in->name, place);
    if (COMMAND_REACH(gf_drive_read(x->drive, GF_FOLDER_TO_SITE, in->name, &fd, &e)) == -1) {
        sync_drive_trouble(x, place, &e);
        return;
    }
    int rc = agent_apply(x->a, fd, &result, &e);
    (void)close(fd);
    if (rc == -1) {
        tell_bad(x, place, &e);
        return;
    }
    x->r.responses += !result.seen_before;
    x->r.seen += result.seen_before;
    agent_apply_sum(&x->r.in, &result);
    if (agent_apply_denied(&result, &x->r.people))
        x->r.status = command_graver(x->r.status, GF_EXIT_AWAITED);
    log_write(LOG_LEVEL_INFO, result.seen_before ? "response-seen-before" : "response-applied",
              {"file", in->name, 0}, {"seq", NULL, in->seq});
    if (!x->r.read_only &&
        COMMAND_REACH(gf_drive_remove(x->drive, GF_FOLDER_TO_SITE, in->name, &e)) == -1)
        sync_drive_trouble(x, NULL, &e);
}

static void take_all(struct sync *x, struct incoming *list, size_t n) {
    int64_t total = 0;
    int64_t done = 0;

    qsort(list, n, sizeof *list, compare);
    for (size_t i = 0; i < n; i++)
        total += list[i].size;
    struct progress *bar = progress_new("taking in", total);
    for (size_t i = 0; i < n; i++) {
        take(x, &list[i]);
        done += list[i].size;
        progress_at(bar, done);
    }
    progress_free(bar);
}

/* What cannot be decided before a relay is trusted stays where it lies. */
static void tell_untrusted(struct sync *x, int untrusted) {
    gf_buf_printf(&x->r.people,
                  "%d response%s for this agent %s on the drive until a relay is trusted\n",
                  untrusted, untrusted == 1 ? "" : "s", untrusted == 1 ? "waits" : "wait");
    x->r.status = command_graver(x->r.status, GF_EXIT_NOPERM);
}

static void tell_left_out(struct sync *x, const struct gf_drive_list *list) {
    struct gf_err e;

    if (list->oversize > 0) {
        (void)gf_err_set(&e, GF_E_LIMIT, "%zu files are larger than a bundle can be; left there",
                         list->oversize);
        sync_trouble(x, "to-site", &e);
    }
    if (list->cut) {
        (void)gf_err_set(&e, GF_E_LIMIT,
                         "more files than are looked at in one go; run this again for the rest");
        sync_trouble(x, "to-site", &e);
    }
}

/* One round: those of `entries` that are for us are taken. Where it is not the last one, what an
 * unknown key has signed stays in `entries`: *n of them. */
static int round_of(struct sync *x, struct gf_drive_entry *entries, size_t *n, int final,
                    int *untrusted, struct gf_err *e) {
    struct agent_check check = {0};
    size_t nfound = 0, nleft = 0;

    struct incoming *found = calloc(*n ? *n : 1, sizeof *found);
    if (found == NULL)
        return gf_err_errno(e, "to-site: no memory for %zu files", *n);
    if (agent_check(x->a, &check, e) == -1) {
        free(found);
        return -1;
    }
    for (size_t i = 0; i < *n; i++) {
        int is = look(x, &check.check, &entries[i], final, &found[nfound], untrusted);
        if (is == 2)
            entries[nleft++] = entries[i];
        nfound += is == 1;
    }
    take_all(x, found, nfound);
    agent_check_free(&check);
    free(found);
    *n = nleft;
    return 0;
}

void sync_in(struct sync *x) {
    struct gf_drive_list list = {0};
    int untrusted = 0;
    struct gf_err e;

    if (COMMAND_REACH(gf_drive_scan(x->drive, GF_FOLDER_TO_SITE, 0, &list, &e)) == -1) {
        sync_drive_trouble(x, NULL, &e);
        return;
    }
    tell_left_out(x, &list);
    size_t n = list.n;
    int rc = round_of(x, list.entries, &n, 0, &untrusted, &e);
    if (rc == 0)
        sync_successors(x);
    if (rc == 0 && n > 0)
        rc = round_of(x, list.entries, &n, 1, &untrusted, &e);
    if (rc == -1)
        sync_trouble(x, NULL, &e);
    if (untrusted > 0)
        tell_untrusted(x, untrusted);
    gf_drive_list_free(&list);
}
