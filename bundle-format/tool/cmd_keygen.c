/*
 * cmd_keygen.c -- `keygen`: a new identity in a new directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "gapferry/text.h"
#include "tool/places.h"
#include "tool/tool.h"

static const struct option_spec specs[] = {
    {"role", 'r', "ROLE", "what it will be: agent, relay, vendor or reader"},
    {"name", 'n', "NAME", "a name for people, kept in the card; it proves nothing"},
    {"agent", 0, "ID", "role agent: an agent id to go on with (32 hex digits); else a new one"},
    {"expires", 0, "TIME",
     "when the card ends: 2030-01-31, 2030-01-31T12:00:00Z, or 365d from now"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static int read_role(const struct options *o, struct gf_card *c, struct gf_err *e) {
    const char *role = options_value(o, "role");

    if (tool_need(o, "role", "one of agent, relay, vendor, reader", e) == -1)
        return -1;
    for (int i = 0; gf_card_roles[i]; i++) {
        if (strcmp(role, gf_card_roles[i]) == 0) {
            c->role = (enum gf_role)i;
            return 0;
        }
    }
    return gf_err_set(e, GF_E_USAGE, "--role %s: must be agent, relay, vendor or reader", role);
}

static int read_card(const struct options *o, struct gf_card *c, struct gf_err *e) {
    const char *name = options_value(o, "name");
    const char *agent = options_value(o, "agent");
    const char *expires = options_value(o, "expires");

    if (read_role(o, c, e) == -1)
        return -1;
    if (name) {
        int bad = !gf_text_is_utf8(name, strlen(name)) || strlen(name) > GF_WORD_MAX;
        for (const char *s = name; *s; s++)
            bad |= (unsigned char)*s < 0x20 || *s == 0x7f;
        if (bad || !*name)
            return gf_err_set(e, GF_E_USAGE,
                              "--name: must be 1 to %d bytes of UTF-8 without control characters",
                              GF_WORD_MAX);
        (void)snprintf(c->name, sizeof c->name, "%s", name);
    }
    if (agent && c->role != GF_ROLE_AGENT)
        return gf_err_set(e, GF_E_USAGE, "--agent: only an agent has an agent id; leave it out");
    if (agent && gf_text_unhex(agent, strlen(agent), c->agent.b, sizeof c->agent.b) == -1)
        return gf_err_set(e, GF_E_USAGE, "--agent %s: must be 32 lower-case hex digits", agent);
    c->has_agent = c->role == GF_ROLE_AGENT;
    if (c->has_agent && !agent)
        gf_digest_random(c->agent.b, sizeof c->agent.b);
    c->created = tool_now();
    c->has_expires = expires != NULL;
    if (expires && tool_time(expires, "expires", c->created, &c->expires, e) == -1)
        return -1;
    if (expires && c->expires <= c->created)
        return gf_err_set(e, GF_E_USAGE, "--expires %s: has passed already", expires);
    return 0;
}

/*
 * The identity is made in a private directory beside its final place, and moved when it is whole.
 * So whatever ends us, nobody finds half of it, and what is there to be removed has one name.
 */
struct keygen {
    char path[PATH_MAX]; /* DIR, without slashes at its end */
    size_t made;         /* length of the first directory above DIR that we made; 0: none */
    int parent;
    char name[256]; /* DIR in it */
    int dir;        /* the private directory */
    char temp[32];  /* its name; "": there is none */
    struct guard *guard;
};

/* Remove the directories above DIR that we made, the deepest first. */
static void remove_parents(struct keygen *k) {
    char path[PATH_MAX];

    memcpy(path, k->path, sizeof path);
    for (char *slash; k->made > 0 && (slash = strrchr(path, '/')) != NULL;) {
        while (slash > path && slash[-1] == '/')
            slash--;
        *slash = '\0';
        if (strlen(path) < k->made || rmdir(path) == -1)
            break;
    }
    k->made = 0;
}

/* Another thread may still be writing there when a signal ends us, so try again until it is gone.
 */
static void undo(void *arg) {
    struct keygen *k = arg;

    for (int tries = 0; tries < 200 && k->temp[0]; tries++) {
        places_empty(k->parent, k->temp, 1);
        if (unlinkat(k->parent, k->temp, AT_REMOVEDIR) == 0 || errno == ENOENT)
            k->temp[0] = '\0';
        else
            (void)usleep(5000);
    }
    remove_parents(k);
}

/* Make the directories above DIR. Those that exist are left as they are. */
static int make_parents(struct keygen *k, struct gf_err *e) {
    char path[PATH_MAX];
    int rc = 0;

    memcpy(path, k->path, sizeof path);
    for (char *s = path + strspn(path, "/"); rc == 0 && (s = strchr(s, '/')) != NULL;) {
        *s = '\0';
        if (mkdir(path, 0777) == 0)
            k->made = k->made ? k->made : strlen(path);
        else if (errno != EEXIST)
            rc = gf_err_errno(e, "%s: cannot make this directory", path);
        *s = '/';
        s += strspn(s, "/");
    }
    return rc;
}

/* The place: its parents, and the private directory in the last of them. */
static int make_place(struct keygen *k, struct gf_err *e) {
    uint8_t random[8];
    char digits[2 * sizeof random + 1];
    struct stat st;

    if (make_parents(k, e) == -1 || gf_file_split(AT_FDCWD, k->path, &k->parent, k->name, e) == -1)
        return places_output(e);
    if (fstatat(k->parent, k->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return gf_err_set(e, GF_E_CREATE, "%s: exists already; choose another name or remove it",
                          k->path);
    places_tidy(k->parent, tool_now());
    gf_digest_random(random, sizeof random);
    gf_text_hex(random, sizeof random, digits);
    (void)snprintf(k->temp, sizeof k->temp, ".gapferry-%s", digits);
    if (mkdirat(k->parent, k->temp, 0700) == 0) {
        k->dir = openat(k->parent, k->temp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (k->dir != -1)
            return 0;
    }
    (void)gf_err_errno(e, "%s: cannot make a private directory beside it", k->path);
    return places_output(e);
}

/* Give the whole identity its name. After this nothing of it is ours to remove. */
static int give_name(struct keygen *k, struct gf_err *e) {
    int rc = renameat2(k->dir, k->name, k->parent, k->name, RENAME_NOREPLACE);

    /* Elsewhere renameat() replaces nothing but an empty directory. */
    if (rc == -1 && (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP))
        rc = renameat(k->dir, k->name, k->parent, k->name);
    if (rc == -1)
        return gf_err_errno(e, "%s: cannot give the directory its name", k->path);
    if (fsync(k->parent) == 0 || errno == EINVAL || errno == EOPNOTSUPP) {
        k->made = 0;
        return 0;
    }
    (void)gf_err_errno(e, "%s: cannot flush the directory's name", k->path);
    (void)renameat(k->parent, k->name, k->dir, k->name); /* where it is removed */
    return -1;
}

static int make(struct keygen *k, struct gf_card *c, struct gf_err *e) {
    if (guard_new(undo, k, &k->guard, e) == -1)
        return -1;
    guard_hold(k->guard);
    int rc = make_place(k, e);
    guard_release(k->guard);

    if (rc == 0 && (rc = gf_identity_make(k->dir, k->name, c, e)) == -1) {
        const struct gf_err was = *e;
        size_t len = strlen(k->name);
        /* The library knows the last part of the path only. */
        if (strncmp(was.text, k->name, len) == 0)
            (void)gf_err_set(e, was.code, "%s%s", k->path, was.text + len);
    }

    /* A signal waits for this: either the identity has its name, or nothing is left. */
    guard_hold(k->guard);
    if (rc == 0)
        rc = give_name(k, e);
    undo(k);
    guard_release(k->guard);
    guard_free(k->guard);
    if (k->dir != -1)
        (void)close(k->dir);
    if (k->parent != -1)
        (void)close(k->parent);
    return rc;
}

static int run(const struct options *o, struct gf_err *e) {
    struct gf_card c = {.role = GF_ROLE_AGENT};
    struct keygen k = {.parent = -1, .dir = -1};
    struct tool_out t;
    const char *dir;

    if (tool_one_arg(o, "DIR", &dir, e) == -1 || read_card(o, &c, e) == -1)
        return -1;
    size_t len = strlen(dir);
    while (len > 1 && dir[len - 1] == '/')
        len--;
    if (len >= sizeof k.path)
        return gf_err_set(e, GF_E_USAGE, "%s: this path is too long", dir);
    memcpy(k.path, dir, len);
    if (make(&k, &c, e) == -1)
        return -1;

    tool_out_begin(&t, o, "");
    tool_out_foreign(&t, "directory", "directory", k.path);
    tool_out_card_facts(&t, &c);
    tool_out_line(&t, "secret      sign.key seal.key: they never leave this machine");
    tool_out_line(&t, "public      card (also sign.pub, seal.pub for standard tools)");
    if (tool_out_end(&t, e) == -1)
        return places_done(k.path, e);
    tool_next("give the file card in that directory to your partners; they compare the fingerprint "
              "with you by telephone");
    return 0;
}

const struct tool_command cmd_keygen = {
    "keygen",
    "--role ROLE [OPTION]... DIR",
    "make keys and a card",
    "Make an identity in the new directory DIR: sign.key and sign.pub as minisign has them, "
    "seal.key and seal.pub as age has them, and card, the public file for partners.",
    specs,
    "Example:\n  gapferry-bundle keygen --role agent --name site-a keys/site-a\n",
    run,
};
