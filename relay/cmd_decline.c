/*
 * cmd_decline.c -- `decline FINGERPRINT`: an unknown sender is not let in, and what it sent goes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relay/command.h"
#include "relay/files.h"

#define PREFIX 16 /* hex digits of an identity, as `sync` prints them */

static const struct option_spec specs[] = {
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

/* Before the first contact with its card a sender has no fingerprint, only an identity. */
static int find_pending(const struct relay *r, const struct files_list *list, const char *hex,
                        struct gf_hash *out) {
    char text[GF_HASH_TEXT];
    struct gf_hash from;

    for (size_t i = 0; i < list->n; i++) {
        if (!files_sender(r, "pending", list->entries[i].name, &from))
            continue;
        gf_text_hex(from.b, sizeof from.b, text);
        if (strncmp(text, hex, PREFIX) == 0) {
            *out = from;
            return 1;
        }
    }
    return 0;
}

static int find(struct relay *r, const struct files_list *list, const char *who,
                struct gf_hash *out, struct gf_err *e) {
    char self[COMMAND_SELF];
    int found = strlen(who) == PREFIX && strspn(who, "0123456789abcdef") == PREFIX
                    ? find_pending(r, list, who, out)
                    : ledger_stranger(r->ledger, who, out, e);

    if (found == 0)
        (void)gf_err_set(e, GF_E_NOINPUT,
                         "%.64s: no unknown sender of this fingerprint; who waits: %s status", who,
                         relay_self(r, self));
    return found == 1 ? 0 : -1;
}

/* First the decision, then the files: what a crash leaves goes with the next turn. */
static int decline(struct relay *r, const char *who, int64_t *removed, struct gf_err *e) {
    struct files_list list = {0};
    struct gf_hash identity, from;
    char path[300], user[65];

    if (files_make(r->state_fd, e) == -1)
        return gf_err_prefix(e, "%s", r->state);
    if (files_list(r, "pending", &list, e) == -1)
        return -1;
    command_user(user);
    int rc = find(r, &list, who, &identity, e);
    if (rc == 0)
        rc = ledger_decline(r->ledger, &identity, user, r->now, e);
    for (size_t i = 0; rc == 0 && i < list.n; i++) {
        if (!files_sender(r, "pending", list.entries[i].name, &from) ||
            memcmp(&from, &identity, sizeof from) != 0)
            continue;
        (void)snprintf(path, sizeof path, "pending/%s", list.entries[i].name);
        rc = unlinkat(r->state_fd, path, 0) == 0 ? 0 : gf_err_errno(e, "%s/%s", r->state, path);
        *removed += rc == 0;
    }
    free(list.entries);
    return rc;
}

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    int64_t removed = 0;
    struct out t;

    (void)status;
    if (command_args(o, 1, 1, "FINGERPRINT", e) == -1 || ledger_lock(r->ledger, "decline", e) == -1)
        return -1;
    int rc = decline(r, options_arg(o, 0), &removed, e);
    ledger_unlock(r->ledger);
    if (rc == -1)
        return -1;
    out_begin(&t, o);
    command_str(&t, "declined", "declined", options_arg(o, 0));
    command_int(&t, NULL, "bundles_removed", removed);
    out_text(&t,
             "%-13s%" PRId64 " bundle%s removed from pending; what else it sends is dropped until "
             "it is approved\n",
             "", removed, removed == 1 ? "" : "s");
    return command_end(&t, e);
}

int cmd_decline(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " decline", "[OPTION]... FINGERPRINT",
         "Do not let an unknown sender in: its bundles that wait are removed, and those that come "
         "later are dropped without a word. In place of the fingerprint of a sender whose card was "
         "never seen, give the 16 digits by which sync names it. To approve it later takes this "
         "back.",
         specs, "Example:\n  gapferry-relay decline ABCD-EFGH-IJKL-MNOP-QRST\n"},
        COMMAND_OPEN,
        work};
    return command_run(&c, root, argc, argv);
}
