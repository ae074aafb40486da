/*
 * restore.c -- an agent whose database was damaged, lost, or put back from a backup: what is still
 * known is put together again, and nothing takes effect twice.
 */
#include "agent/restore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "agent/command.h"
#include "agent/history.h"
#include "agent/store/store_relays.h"
#include "common/chain_head.h"
#include "common/log.h"
#include "common/when.h"
#include "gapferry/digest.h"
#include "gapferry/drive.h"
#include "gapferry/file.h"
#include "gapferry/lines.h"

#define SEALED "history.head"

/* ---- setting aside ---- */

/* The lock of the state directory without its database: no command may be at work. */
static int lock_alone(int dir, struct gf_err *e) {
    int fd = openat(dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd == -1)
        return gf_err_errno(e, "lock: cannot open it");
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    (void)close(fd);
    return gf_err_set(e, GF_E_BUSY, "another command is at work; run this again when it has ended");
}

int restore_set_aside(const struct agent *a, struct gf_err *e) {
    static const char *const parts[] = {"", "-journal", "-open"};
    char self[COMMAND_SELF], at[32], from[64], to[96];
    struct gf_err why = *e;
    struct gf_err failed;

    /* What the database suggests is said better here. */
    why.text[strcspn(why.text, ";")] = '\0';
    int dir = open(a->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int lock = dir == -1 ? -1 : lock_alone(dir, &failed);
    if (lock == -1) {
        if (dir != -1)
            (void)close(dir);
        return gf_err_set(e, GF_E_BUSY, "%.250s; it stays where it is: %.150s", why.text,
                          dir == -1 ? strerror(errno) : failed.text);
    }
    when_stamp(a->now, at);
    int rc = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && rc == 0; i++) {
        (void)snprintf(from, sizeof from, "agent.db%s", parts[i]);
        (void)snprintf(to, sizeof to, "agent.db.damaged-%s%s", at, parts[i]);
        if (renameat(dir, from, dir, to) == -1 && errno != ENOENT)
            rc = gf_err_errno(e, "%.250s; it cannot be moved to %s", why.text, to);
    }
    if (rc == 0) {
        (void)!fsync(dir);
        log_write(LOG_LEVEL_ERROR, "database-damaged", {"why", why.text, 0});
        rc = gf_err_set(e, GF_E_DAMAGED,
                        "%.250s%s; it was moved to agent.db.damaged-%s, keep it. Put agent.db back "
                        "from a backup if there is one, and then in either case: %s restore",
                        why.text, strstr(why.text, "is damaged") ? "" : ", so it is damaged", at,
                        command_self(a, self));
    }
    (void)close(lock);
    (void)close(dir);
    return rc;
}

/* ---- bundles of the outbox that the database does not know ---- */

/* Verify a bundle of our own making: by our signature, for with self_reader = no we are not among
 * its readers. out->sender is borrowed from *a. */
static int read_head(struct agent *a, int fd, struct gf_head *out, struct gf_err *e) {
    struct own_keys_all own;

    own_keys_all(&a->id, &a->former, &own);
    const struct gf_check check = {.trusted = own.cards, .ntrusted = own.n};
    return gf_bundle_head(fd, &check, out, e);
}

static int is_former(const struct agent *a, const struct gf_head *h) {
    return memcmp(&h->header.from, &a->id.card.identity, sizeof h->header.from) != 0;
}

int restore_check_stray(struct agent *a, int outbox, const char *name, struct gf_err *e) {
    char self[COMMAND_SELF];
    struct gf_head head;
    int64_t seq = 0;

    int fd = openat(outbox, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd == -1)
        return 0;
    int rc = read_head(a, fd, &head, NULL);
    (void)close(fd);
    if (rc == -1)
        return 0;
    rc = store_taken(a->store, &head.header.to, &head.header.stream, &seq, e);
    int is_newer = rc == 0 && head.header.seq > seq;
    gf_head_free(&head);
    if (!is_newer)
        return rc;
    return gf_err_set(e, GF_E_DAMAGED,
                      "%s/outbox/%s: is newer than agent.db, which was put back from a backup or a "
                      "snapshot; nothing was changed. To go on without losing it: %s restore",
                      a->state, name, command_self(a, self));
}

/* What a bundle holds, into the store: as exported, in this bundle. dir -1: nobody here can tell.
 */
static int adopt_lines(struct agent *a, const struct gf_head *head, int dir, int64_t *records,
                       struct gf_err *e) {
    struct store_adopting x;
    struct gf_lines lines;
    const char *line;
    size_t len;
    int ended;

    if (store_adopt_begin(a->store, &head->header, &head->digest, a->now, &x, e) == -1)
        return -1;
    if (dir == -1)
        return store_adopt_end(a->store, &x, e);
    int fd = openat(dir, gf_contents_names[GF_MEMBER_RECORDS], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int rc = fd == -1 ? 0 : 1;
    gf_lines_init(&lines, fd, GF_LINE_MAX);
    while (rc == 1 && (rc = gf_lines_next(&lines, &line, &len, &ended, e)) == 1) {
        struct gf_record r;
        if (gf_record_parse(line, len, &r, e) == -1) {
            rc = -1;
            break;
        }
        rc = store_adopt(a->store, &x, &r, e) == -1 ? -1 : 1;
        gf_record_free(&r);
    }
    gf_lines_free(&lines);
    if (fd != -1)
        (void)close(fd);
    if (rc != -1)
        rc = store_adopt_end(a->store, &x, e);
    *records += rc == 0 ? x.added : 0;
    return rc;
}

/* One that keys of before a rotation have signed the relay takes no more, as soon as it has the new
 * card: its records are bundled anew. */
static int adopt_items(struct agent *a, const struct gf_head *head, int dir,
                       struct restore_result *r, struct gf_err *e) {
    int64_t added = 0, again = 0;

    if (store_begin(a->store, e) == -1)
        return -1;
    int rc = adopt_lines(a, head, dir, &added, e);
    if (rc == 0 && is_former(a, head))
        rc = store_withdraw(a->store, &head->header.id, a->now, &again, e);
    rc = store_end(a->store, rc, e);
    if (rc == 0) {
        r->bundles++;
        r->former += is_former(a, head);
        r->sealed += dir == -1;
        r->records += added;
        r->again += again;
    }
    return rc;
}

/* What was sealed for others only is carried on as well: we signed it, and the relay reads it. Not
 * so what it would refuse: nobody here can bundle it anew. */
static int adopt_bundle(struct agent *a, int fd, const struct gf_head *head,
                        struct restore_result *r, struct gf_err *e) {
    const struct gf_items_options o = {.check_lines = 1};
    struct gf_contents contents = {0};
    struct own_keys_all own;
    struct gf_err why;

    if (gf_bundle_copy(fd, head, -1, NULL, NULL, e) == -1)
        return -1;
    int dir = agent_folder(a, "restoring", e);
    if (dir == -1)
        return -1;
    own_keys_all(&a->id, &a->former, &own);
    gf_bundle_items_remove(dir);
    int rc = gf_bundle_open(fd, head, own.seal, own.n, &o, dir, &contents, &why);
    if (rc == 0)
        rc = adopt_items(a, head, dir, r, e);
    else if (why.code == GF_E_UNWRAP && !is_former(a, head))
        rc = adopt_items(a, head, -1, r, e);
    else if (why.code == GF_E_UNWRAP)
        rc = gf_err_set(e, why.code,
                        "is signed by keys of before a rotation, which the relay takes no more, "
                        "and sealed for others only (self_reader = no): whoever is its reader can "
                        "say what it holds, to be recorded anew");
    else
        *e = why;
    gf_bundle_items_remove(dir);
    (void)close(dir);
    gf_contents_free(&contents);
    return rc;
}

/* A bundle that nobody here can open is not thrown away, and not carried either: nothing is known
 * of what it holds. */
static int keep_unopened(struct agent *a, int outbox, const char *name, const struct gf_err *why,
                         struct gf_err *e) {
    char note[NAME_MAX + 8];

    int to = agent_folder(a, "quarantine", e);
    if (to == -1)
        return -1;
    (void)snprintf(note, sizeof note, "%s.why", name);
    int rc = renameat(outbox, name, to, name) == -1
                 ? gf_err_errno(e, "%s/outbox/%s: cannot keep it in quarantine", a->state, name)
                 : 0;
    if (rc == 0)
        rc = gf_file_save_new(to, note, why->text, strlen(why->text), 0600, e);
    (void)close(to);
    return rc;
}

/* 1 if that is no reason to put a bundle away. */
static int is_ours_to_mend(const struct gf_err *why) {
    return why->code == GF_E_SYSTEM || why->code == GF_E_CREATE || why->code == GF_E_BUSY;
}

/* Whatever has the name of a bundle that the store does not know; former: only one that keys of
 * before a rotation have signed. */
static int adopt_file(struct agent *a, int outbox, const char *name, int former,
                      struct restore_result *r, struct gf_err *e) {
    struct gf_head head = {0};
    struct store_bundle known;
    struct gf_err why;
    struct gf_id id;

    if (strlen(name) != GF_ID_TEXT - 1 + 4 || strcmp(name + GF_ID_TEXT - 1, ".gfb") != 0 ||
        gf_text_unhex(name, GF_ID_TEXT - 1, id.b, sizeof id.b) == -1)
        return 0;
    int is_known = store_bundle(a->store, &id, &known, e);
    if (is_known != 0)
        return is_known == 1 ? 0 : -1;
    int fd = openat(outbox, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd == -1)
        return gf_err_errno(e, "%s/outbox/%s", a->state, name);
    int rc = read_head(a, fd, &head, &why);
    if (former && (rc == -1 || !is_former(a, &head)))
        rc = 0;
    else if (rc == 0)
        rc = adopt_bundle(a, fd, &head, r, &why);
    gf_head_free(&head);
    (void)close(fd);
    if (rc == 0)
        return 0;
    if (is_ours_to_mend(&why)) {
        *e = why;
        return -1;
    }
    r->unopened++;
    return keep_unopened(a, outbox, name, &why, e);
}

static int adopt_files(struct agent *a, int outbox, int former, struct restore_result *r,
                       struct gf_err *e) {
    int fd = openat(outbox, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd == -1 ? NULL : fdopendir(fd);
    const struct dirent *x;
    int rc = 0;

    if (!d) {
        (void)gf_err_errno(e, "%s/outbox: cannot list it", a->state);
        if (fd != -1)
            (void)close(fd);
        return -1;
    }
    while (rc == 0 && (x = readdir(d)) != NULL)
        rc = adopt_file(a, outbox, x->d_name, former, r, e);
    (void)closedir(d);
    return rc;
}

/* What keys of before a rotation have signed comes first: its records are queued again, and those
 * that were bundled anew since are found in the others. */
static int adopt_outbox(struct agent *a, int outbox, struct restore_result *r, struct gf_err *e) {
    return adopt_files(a, outbox, 1, r, e) == -1 ? -1 : adopt_files(a, outbox, 0, r, e);
}

/* ---- the whole ---- */

/* The history goes on behind what the database has; the seal of the lost part is kept as evidence,
 * and what it said stands in the new line. */
static int note_history(struct agent *a, struct restore_result *r, struct gf_err *e) {
    char from[sizeof a->state + 32];
    struct history_line h;
    struct gf_hash hash;
    struct gf_buf sealed;

    if (store_history_head(a->store, &r->line, &hash, e) == -1)
        return -1;
    (void)snprintf(from, sizeof from, "%s/" SEALED, a->state);
    int is_there = gf_file_load(AT_FDCWD, from, 256, &sealed, NULL) == 0;
    r->head = is_there ? strtoll(sealed.data ? sealed.data : "", NULL, 10) : 0;
    history_begin(&h, a, "restored");
    history_number(&h, "line", r->line);
    int is_line = is_there && sealed.data && sealed.len > 1;
    if (is_line && sealed.data[sealed.len - 1] == '\n')
        sealed.data[sealed.len - 1] = '\0';
    history_text(&h, "sealed", is_line ? sealed.data : "nothing");
    history_number(&h, "bundles", r->bundles);
    history_number(&h, "records", r->records);
    int rc = history_end(&h, a, e);
    gf_buf_free(&sealed);
    /* Whatever it is: what stays there would not be sealed over. */
    if (rc == 0)
        rc = chain_head_set_aside(AT_FDCWD, from, "restore", a->now, e);
    return rc == 0 ? history_seal_first(a, e) : rc;
}

/* Who has seen the stream before hears of the new one, though nothing be queued. */
static int greet_relays(struct agent *a, int64_t *relays, struct gf_err *e) {
    struct gf_card *cards = NULL;
    size_t n = 0;
    int rc = store_cards(a->store, GF_ROLE_RELAY, &cards, &n, e);

    for (size_t i = 0; i < n && rc == 0; i++)
        rc = store_greet(a->store, &cards[i].identity, e);
    free(cards);
    *relays = (int64_t)n;
    return rc;
}

static int restore_all(struct agent *a, struct restore_result *r, struct gf_err *e) {
    int outbox = agent_folder(a, "outbox", e);
    char folder[sizeof a->state + 16];

    if (outbox == -1)
        return -1;
    int rc = store_put_fact(a->store, "agent-id", a->id.card.agent.b, sizeof a->id.card.agent.b, e);
    if (rc == 0)
        rc = store_new_stream(a->store, e);
    if (rc == 0)
        rc = greet_relays(a, &r->relays, e);
    if (rc == 0)
        rc = adopt_outbox(a, outbox, r, e);
    int64_t lost = 0;
    if (rc == 0)
        rc = agent_outbox_mend(a, outbox, &lost, e);
    r->again += lost;
    (void)close(outbox);
    (void)snprintf(folder, sizeof folder, "%s/restoring", a->state);
    (void)rmdir(folder);
    return rc == 0 ? note_history(a, r, e) : rc;
}

/* A database of before the last rotation is this agent's, too: what its old keys had under way is
 * bundled anew, as `rotate` had done it. */
static int take_identity(struct agent *a, struct restore_result *r, struct gf_err *e) {
    const struct store_resend all = {.record = NULL};
    struct store_resent again = {0};
    int belongs = agent_belongs(a, e);

    if (belongs != 0)
        return belongs == 1 ? 0 : -1;
    if (store_begin(a->store, e) == -1)
        return -1;
    int rc = store_resend(a->store, &all, a->now, &again, e);
    if (rc == 0)
        rc = store_put_fact(a->store, "identity", a->id.card.identity.b,
                            sizeof a->id.card.identity.b, e);
    r->again += again.records;
    return store_end(a->store, rc, e);
}

int restore_run(struct agent *a, struct restore_result *out, struct gf_err *e) {
    struct restore_result r = {0};

    if (store_open(a->state, &a->store, e) == -1) {
        if (e->code != GF_E_NOINPUT)
            return e->code == GF_E_DAMAGED ? restore_set_aside(a, e) : -1;
        if (store_make(a->state, &a->store, e) == -1)
            return -1;
        r.is_new = 1;
    }
    if (store_lock(a->store, "gapferry-agent restore", e) == -1)
        return -1;
    int rc = take_identity(a, &r, e);
    if (rc == 0)
        rc = agent_load_former(a, e);
    if (rc == 0)
        rc = restore_all(a, &r, e);
    store_unlock(a->store);
    if (rc == 0)
        *out = r;
    return rc;
}
