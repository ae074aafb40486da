/*
 * cmd_status_files.c -- `status`: what was refused and kept, and what couriers have uploaded.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/file.h"
#include "relay/cmd_status.h"
#include "relay/files.h"

static int is_bundle(const char *name) {
    size_t len = strlen(name);

    return len > 4 && strcmp(name + len - 4, ".gfb") == 0;
}

/* What reconcile has kept was never refused: its .why says which it is. */
static int is_kept_response(const struct relay *r, const char *name) {
    char path[300];
    struct gf_buf why;
    struct gf_err ignored;

    (void)snprintf(path, sizeof path, "quarantine/%s.why", name);
    int is = gf_file_load(r->state_fd, path, 4096, &why, &ignored) == 0 && why.data != NULL &&
             strstr(why.data, FILES_UNKNOWN_RESPONSE) != NULL;
    gf_buf_free(&why);
    return is;
}

/* 1 if a bundle says that it comes from an agent that was revoked or replaced. */
static int is_of_ended(const struct relay *r, const struct agents_list *roll, const char *name) {
    struct gf_hash from;

    if (!files_sender(r, "quarantine", name, &from))
        return 0;
    for (size_t i = 0; i < roll->n; i++) {
        if (memcmp(&roll->list[i].a.card.identity, &from, sizeof from) == 0)
            return roll->list[i].state == AGENTS_REVOKED || roll->list[i].state == AGENTS_REPLACED;
    }
    return 0;
}

static void put_refused(const struct relay *r, struct out *t, int64_t refused, int64_t ended) {
    if (refused - ended > 0)
        out_text(t,
                 "%-13s%" PRId64 " bundle%s refused; NAME.why beside each says why: %s/quarantine. "
                 "Let the site send it anew; what is looked at may be removed\n",
                 "quarantine", refused - ended, refused - ended == 1 ? "" : "s", r->state);
    if (ended > 0)
        out_text(t,
                 "%-13s%" PRId64 " bundle%s of agents that were revoked or replaced here: %s/"
                 "quarantine. Nothing of that is taken, however often it is sent; a site that was "
                 "revoked and is to come again needs a new agent (gapferry-agent init)\n",
                 "quarantine", ended, ended == 1 ? "" : "s", r->state);
}

static int put_quarantine(struct relay *r, struct out *t, struct cmd_status_next *next,
                          struct gf_err *e) {
    struct files_list list = {0};
    int64_t ended = 0, kept = 0;

    if (files_list(r, "quarantine", &list, e) == -1)
        return -1;
    for (size_t i = 0; i < list.n; i++) {
        const char *name = list.entries[i].name;
        if (!is_bundle(name))
            continue;
        if (is_kept_response(r, name)) {
            kept++;
            continue;
        }
        next->refused++;
        ended += is_of_ended(r, &next->roll, name);
    }
    free(list.entries);
    out_int(t, "quarantine", next->refused);
    out_int(t, "quarantine_ended", ended);
    out_int(t, "kept_responses", kept);
    put_refused(r, t, next->refused, ended);
    if (kept > 0)
        out_text(t,
                 "%-13s%" PRId64 " response%s of this relay that the ledger did not know, kept by "
                 "reconcile\n",
                 "quarantine", kept, kept == 1 ? "" : "s");
    return 0;
}

static int put_brought(struct relay *r, struct out *t, struct gf_err *e) {
    struct files_list list = {0};
    int64_t n = 0;

    if (files_list(r, "brought", &list, e) == -1)
        return -1;
    for (size_t i = 0; i < list.n; i++)
        n += is_bundle(list.entries[i].name);
    free(list.entries);
    out_int(t, "brought", n);
    if (n > 0)
        out_text(t,
                 "%-13s%" PRId64 " bundle%s uploaded by couriers and not confirmed; gone after a "
                 "day\n",
                 "brought", n, n == 1 ? "" : "s");
    return 0;
}

int cmd_status_files(struct relay *r, struct out *t, struct cmd_status_next *next,
                     struct gf_err *e) {
    return put_quarantine(r, t, next, e) == -1 ? -1 : put_brought(r, t, e);
}
