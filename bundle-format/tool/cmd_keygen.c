/*
 * cmd_keygen.c -- `keygen`: a new identity in a new directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gapferry/digest.h"
#include "gapferry/text.h"
#include "tool/tool.h"

static const struct option_spec specs[] = {
    {"role", 'r', "ROLE", "what it will be: agent, relay, vendor or reader"},
    {"name", 'n', "NAME", "a name for people, kept in the card; it proves nothing"},
    {"agent", 0, "ID", "role agent: an agent id to go on with (32 hex digits); else a new one"},
    {"expires", 0, "TIME",
     "when the card ends: 2030-01-31, 2030-01-31T12:00:00Z, or 365d from now"},
    TOOL_OPTION_JSON,
    TOOL_OPTION_HELP,
    TOOL_OPTION_END,
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

/* Make the directories above path. Those that exist are left as they are. */
static int make_parents(const char *path, struct gf_err *e) {
    char *copy = strdup(path);
    int rc = 0;

    if (!copy)
        return gf_err_set(e, GF_E_SYSTEM, "no memory");
    for (char *s = copy + strspn(copy, "/"); rc == 0 && (s = strchr(s, '/')) != NULL;) {
        size_t more = strspn(s, "/");
        if (s[more] == '\0')
            break;
        *s = '\0';
        if (mkdir(copy, 0777) == -1 && errno != EEXIST)
            rc = gf_err_errno(e, "%s: cannot make this directory", copy);
        *s = '/';
        s += more;
    }
    free(copy);
    return rc;
}

static int run(const struct options *o, struct gf_err *e) {
    struct gf_card c = {.role = GF_ROLE_AGENT};
    struct tool_out t;
    const char *dir;

    if (tool_one_arg(o, "DIR", &dir, e) == -1 || read_card(o, &c, e) == -1 ||
        make_parents(dir, e) == -1 || gf_identity_make(AT_FDCWD, dir, &c, e) == -1)
        return -1;

    tool_out_begin(&t, o, "");
    tool_out_foreign(&t, "directory", "directory", dir);
    tool_out_card_facts(&t, &c);
    tool_out_line(&t, "secret      sign.key seal.key: they never leave this machine");
    tool_out_line(&t, "public      card (also sign.pub, seal.pub for standard tools)");
    if (tool_out_end(&t, e) == -1)
        return -1;
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
