/*
 * cmd_quarantine.c -- `quarantine list | show | release | drop`: what was refused, why, another
 * look, or none.
 */
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
#include "relay/enrol.h"
#include "relay/files.h"
#include "relay/keys.h"
#include "relay/summary.h"

#define WHY_MAX 4096 /* bytes of NAME.why */

static const struct option_spec specs[] = {
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static int is_bundle(const char *name) {
    size_t n = strlen(name);

    return n > 4 && strcmp(name + n - 4, ".gfb") == 0;
}

/* "TIME REASON" of NAME.why, without its LF; at is "" where there is none. */
static void load_why(const struct relay *r, const char *name, char at[GF_TIME_TEXT],
                     struct gf_buf *why) {
    struct gf_err ignored;
    struct gf_buf b;
    char path[300];

    at[0] = '\0';
    gf_buf_init(why, (size_t)2 * WHY_MAX);
    (void)snprintf(path, sizeof path, "quarantine/%s.why", name);
    if (gf_file_load(r->state_fd, path, WHY_MAX, &b, &ignored) == -1)
        return;
    size_t line = b.len > 0 ? strcspn(b.data, "\n") : 0;
    size_t time = line > 0 ? strcspn(b.data, " \n") : 0;
    if (time == GF_TIME_TEXT - 1 && line > time) {
        memcpy(at, b.data, time);
        at[time] = '\0';
        gf_text_safe(why, b.data + time + 1, line - time - 1);
    }
    gf_buf_free(&b);
}

static void put_one(const struct relay *r, struct out *t, const char *name, int64_t size) {
    char at[GF_TIME_TEXT];
    struct gf_buf why;

    load_why(r, name, at, &why);
    const char *reason = why.data != NULL ? why.data : "no reason was kept";
    out_str(t, "name", name);
    out_int(t, "bytes", size);
    out_str(t, "at", at[0] != '\0' ? at : NULL);
    out_str(t, "reason", reason);
    out_text(t, "%s  %s  %" PRId64 " bytes\n    %s\n", name, at, size, reason);
    gf_buf_free(&why);
}

static int list(struct relay *r, const struct options *o, struct gf_err *e) {
    struct files_list list;
    int64_t n = 0;
    struct out t;

    if (files_list(r, "quarantine", &list, e) == -1)
        return -1;
    out_begin(&t, o);
    out_open(&t, "quarantine", '[');
    for (size_t i = 0; i < list.n; i++) {
        if (!is_bundle(list.entries[i].name))
            continue;
        out_open(&t, NULL, '{');
        put_one(r, &t, list.entries[i].name, list.entries[i].size);
        out_close(&t, '}');
        n++;
    }
    out_close(&t, ']');
    free(list.entries);
    if (n == 0)
        out_text(&t, "nothing lies in quarantine\n");
    return command_end(&t, e);
}

/* ---- one of them ---- */

struct quarantined {
    char name[256];
    char path[300];
    int fd;
    int64_t size;
    int has_route;
    struct gf_err why;     /* why it has none */
    struct gf_route route; /* as it says, not verified */
};

static int open_one(struct relay *r, const struct options *o, struct quarantined *q,
                    struct gf_err *e) {
    const char *name = options_arg(o, 1);
    struct stat st;

    if (name == NULL || strlen(name) >= sizeof q->name - 4 || strchr(name, '/') != NULL)
        return gf_err_set(e, GF_E_USAGE, "quarantine %s: give a NAME of quarantine list",
                          options_arg(o, 0));
    (void)snprintf(q->name, sizeof q->name, "%s%s", name, is_bundle(name) ? "" : ".gfb");
    (void)snprintf(q->path, sizeof q->path, "quarantine/%s", q->name);
    q->fd = openat(r->state_fd, q->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (q->fd == -1 || fstat(q->fd, &st) == -1) {
        if (q->fd != -1)
            (void)close(q->fd);
        return gf_err_set(e, GF_E_NOINPUT, "%.64s: lies not in quarantine", name);
    }
    q->size = (int64_t)st.st_size;
    q->has_route = gf_bundle_route(q->fd, &q->route, &q->why) == 0;
    return 0;
}

/* The sender's fingerprint, where its card is known. */
static int find_sender(struct relay *r, const struct gf_hash *from,
                       char fingerprint[GF_FINGERPRINT_TEXT], struct gf_err *e) {
    struct gf_card card;

    fingerprint[0] = '\0';
    int rc = ledger_card(r->ledger, from, 1, &card, e);
    if (rc == 1)
        gf_card_fingerprint(&card, fingerprint);
    return rc == -1 ? -1 : 0;
}

static int show(struct relay *r, const struct options *o, struct gf_err *e) {
    char id[GF_ID_TEXT], hash[GF_HASH_TEXT], fingerprint[GF_FINGERPRINT_TEXT] = "";
    struct quarantined q;
    struct out t;

    if (open_one(r, o, &q, e) == -1)
        return -1;
    (void)close(q.fd);
    if (q.has_route && find_sender(r, &q.route.from, fingerprint, e) == -1)
        return -1;
    out_begin(&t, o);
    put_one(r, &t, q.name, q.size);
    out_bool(&t, "verified", 0);
    if (q.has_route) {
        out_text(&t, "What it says of itself, which is not verified:\n");
        gf_text_hex(q.route.id.b, sizeof q.route.id.b, id);
        command_str(&t, "bundle", "bundle", id);
        gf_text_hex(q.route.from.b, sizeof q.route.from.b, hash);
        command_str(&t, "from", "from", hash);
        command_str(&t, "", "fingerprint", fingerprint[0] != '\0' ? fingerprint : NULL);
        gf_text_hex(q.route.to.b, sizeof q.route.to.b, hash);
        command_str(&t, "to", "to", hash);
    } else {
        out_text(&t, "It has not the form of a bundle.\n");
    }
    return command_end(&t, e);
}

/* ---- over again ---- */

/* What was noted as refused would be taken for seen. Who wanted that is noted in any case. */
static int forgive(struct relay *r, const struct quarantined *q, struct gf_err *e) {
    struct enrol_cards all = {.r = r};
    struct gf_head head;
    struct gf_err ignored;
    char user[65];
    int rc = 0;

    command_user(user);
    if (ledger_look_again(r->ledger, q->name, user, r->now, e) == -1)
        return -1;
    struct gf_check check = {0};
    struct own_keys_all own;
    keys_check(r, &own, &check);
    rc = enrol_cards_trust(&all, &q->route.from, &check, e);
    if (rc == 1 && gf_bundle_head(q->fd, &check, &head, &ignored) == 0) {
        rc = ledger_forgive(r->ledger, &head.header, &head.digest, user, r->now, e);
        gf_head_free(&head);
    }
    enrol_cards_free(&all);
    return rc == -1 ? -1 : 0;
}

static int verify_again(struct relay *r, const struct quarantined *q, struct turn *t,
                        struct gf_err *e) {
    char to[300], why[320];

    (void)snprintf(to, sizeof to, "incoming/%s", q->name);
    (void)snprintf(why, sizeof why, "%s.why", q->path);
    if (files_tidy(r, e) == -1 || forgive(r, q, e) == -1)
        return -1;
    if (renameat(r->state_fd, q->path, r->state_fd, to) == -1)
        return gf_err_errno(e, "%s/%s: cannot take it out", r->state, q->path);
    (void)unlinkat(r->state_fd, why, 0);
    if (relay_verify_one(r, q->name, t, e) == -1 || turn_count(r, t, e) == -1)
        return -1;
    return ledger_seal(r->ledger, e);
}

static int release(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    char self[COMMAND_SELF];
    struct quarantined q;
    struct turn t;
    struct out out;

    if (open_one(r, o, &q, e) == -1)
        return -1;
    turn_begin(&t);
    int rc = -1;
    if (!q.has_route)
        (void)gf_err_set(e, q.why.code,
                         "quarantine/%s: %s; to verify it over again would change nothing. If its "
                         "site still has it, its next drive brings a whole copy; away with this "
                         "one: %s quarantine drop %s",
                         q.name, q.why.text, relay_self(r, self), q.name);
    else if (!keys_has(r, &q.route.to))
        (void)gf_err_set(e, GF_E_NOT_FOR_US,
                         "quarantine/%s: is no bundle for this relay, so there is nothing to take",
                         q.name);
    else
        rc = ledger_lock(r->ledger, "quarantine", e);
    if (rc == 0) {
        rc = verify_again(r, &q, &t, e);
        ledger_unlock(r->ledger);
    }
    (void)close(q.fd);
    if (rc == 0) {
        *status = (int)turn_exit(&t);
        out_begin(&out, o);
        summary_came_in(&out, &t);
        summary_numbers(&out, &t);
        summary_people(&out, &t);
        rc = command_end(&out, e);
    }
    turn_free(&t);
    return rc;
}

/* ---- away with it ---- */

/* Noted first: whatever is gone, the audit log says by whom. */
static int remove_one(struct relay *r, const struct quarantined *q, struct gf_err *e) {
    char user[65], why[320];

    command_user(user);
    (void)snprintf(why, sizeof why, "%s.why", q->path);
    if (ledger_discard(r->ledger, q->name, user, r->now, e) == -1 ||
        ledger_seal(r->ledger, e) == -1)
        return -1;
    if (unlinkat(r->state_fd, q->path, 0) == -1)
        return gf_err_errno(e, "%s/%s: cannot remove it", r->state, q->path);
    if (unlinkat(r->state_fd, why, 0) == -1 && errno != ENOENT)
        return gf_err_errno(e, "%s/%s: cannot remove it", r->state, why);
    return 0;
}

static int drop(struct relay *r, const struct options *o, struct gf_err *e) {
    struct quarantined q;
    struct out t;

    if (open_one(r, o, &q, e) == -1)
        return -1;
    (void)close(q.fd);
    if (ledger_lock(r->ledger, "quarantine", e) == -1)
        return -1;
    int rc = remove_one(r, &q, e);
    ledger_unlock(r->ledger);
    if (rc == -1)
        return -1;
    out_begin(&t, o);
    out_str(&t, "dropped", q.name);
    out_text(&t, "removed from quarantine: %s\n", q.name);
    return command_end(&t, e);
}

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    const char *verb = options_arg(o, 0);

    if (command_args(o, 1, 2, "list, show, release or drop, and a NAME", e) == -1)
        return -1;
    if (files_make(r->state_fd, e) == -1)
        return gf_err_prefix(e, "%s", r->state);
    if (strcmp(verb, "list") == 0)
        return options_arg(o, 1) != NULL
                   ? gf_err_set(e, GF_E_USAGE,
                                "quarantine list: takes no NAME; see: quarantine "
                                "show")
                   : list(r, o, e);
    if (strcmp(verb, "show") == 0)
        return show(r, o, e);
    if (strcmp(verb, "release") == 0)
        return release(r, o, status, e);
    if (strcmp(verb, "drop") == 0)
        return drop(r, o, e);
    return gf_err_set(e, GF_E_USAGE, "quarantine %.64s: must be list, show, release or drop", verb);
}

int cmd_quarantine(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " quarantine", "list|show|release|drop [OPTION]... [NAME]",
         "list: what was refused, when and why. show: also what it says of itself. release: "
         "verify it over again, with every check; what is still wrong lands there again. drop: "
         "remove it.",
         specs,
         "Examples:\n  gapferry-relay quarantine list\n"
         "  gapferry-relay quarantine release 0f3a...gfb\n"},
        COMMAND_OPEN,
        work};
    return command_run(&c, root, argc, argv);
}
