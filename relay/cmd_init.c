/*
 * cmd_init.c -- `init`: make this machine a relay.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/file.h"
#include "relay/command.h"
#include "relay/files.h"

static const struct option_spec specs[] = {
    {"name", 'n', "NAME", "what people call this relay; it stands in its card"},
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

/* The name goes where %s stands; the rest is for reading and uncommenting. */
static const char config_text[] =
    "# relay.conf -- gapferry-relay; man 8 gapferry-relay. Check it: gapferry-relay config check\n"
    "\n"
    "[relay]\n"
    "%s"
    "\n"
    "# Where `gapferry-relay run` takes bundles by HTTP.\n"
    "#\n"
    "# [listen]\n"
    "# address = 0.0.0.0\n"
    "# port = 8443\n"
    "# cert_file = /etc/gapferry/relay.pem\n"
    "# key_file = /etc/gapferry/relay.key\n"
    "\n"
    "# Where a channel is delivered. Each record goes to the endpoint of its channel; the "
    "narrowest\n"
    "# match of product and sender wins. Without a match it is held: see `records release`.\n"
    "#\n"
    "# [endpoint \"license\"]\n"
    "# channel = license\n"
    "# product = demo\n"
    "# url = https://license.example.com/v1/activate\n"
    "# header_file = /etc/gapferry/license.token\n"
    "#\n"
    "# [endpoint \"metrics\"]\n"
    "# channel = metrics\n"
    "# url = https://metrics.example.com/v1/usage\n"
    "# idempotency = key\n"
    "# timeout = 60s\n";

/* Make path and what is missing above it. */
static int make_dirs(const char *path, mode_t mode, struct gf_err *e) {
    char part[512];

    for (size_t i = 1; path[i - 1] != '\0'; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        (void)snprintf(part, sizeof part, "%.*s", (int)i, path);
        if (mkdir(part, path[i] == '\0' ? mode : 0755) == -1 && errno != EEXIST)
            return command_init_failed(part, e);
        if (path[i] == '\0')
            break;
    }
    return 0;
}

static int check_name(const char *name, struct gf_err *e) {
    if (name == NULL)
        return 0;
    if (*name == '\0' || strlen(name) > GF_WORD_MAX || !gf_text_is_utf8(name, strlen(name)) ||
        strpbrk(name, "\"\\\n\r\t") != NULL)
        return gf_err_set(e, GF_E_USAGE, "--name: 1 to %d bytes of plain text, without quotes",
                          GF_WORD_MAX);
    return 0;
}

static int make_config(const struct relay *r, const char *name, int *was_there, struct gf_err *e) {
    char dir[sizeof r->config_path];
    char line[GF_WORD_MAX + 16] = "";
    char text[sizeof config_text + sizeof line];

    *was_there = access(r->config_path, F_OK) == 0;
    if (*was_there)
        return 0;
    (void)snprintf(dir, sizeof dir, "%.*s",
                   (int)(strlen(r->config_path) - sizeof "/relay.conf" + 1), r->config_path);
    if (make_dirs(dir, 0755, e) == -1)
        return -1;
    if (name != NULL)
        (void)snprintf(line, sizeof line, "name = \"%s\"\n", name);
    int n = snprintf(text, sizeof text, config_text, line);
    return gf_file_save_new(AT_FDCWD, r->config_path, text, (size_t)n, 0644, e);
}

static int make_keys(const struct relay *r, const char *name, struct gf_err *e) {
    char keys[sizeof r->state + 8];
    struct gf_card c = {.role = GF_ROLE_RELAY, .created = r->now};
    char self[COMMAND_SELF];
    struct stat st;

    (void)snprintf(keys, sizeof keys, "%s/keys", r->state);
    if (lstat(keys, &st) == 0)
        return gf_err_set(e, GF_E_CREATE,
                          "%s: there is a relay already; nothing was changed. Its card: %s card",
                          r->state, relay_self(r, self));
    if (name != NULL)
        (void)snprintf(c.name, sizeof c.name, "%s", name);
    return gf_identity_make(AT_FDCWD, keys, &c, e);
}

/* State directory and ledger; the keys come last of all, since they say that a relay is there. */
static int make_state(struct relay *r, const char *name, struct gf_err *e) {
    char keys[sizeof r->state + 8];
    struct stat st;

    (void)snprintf(keys, sizeof keys, "%s/keys", r->state);
    if (lstat(keys, &st) == 0)
        return make_keys(r, name, e);
    if (make_dirs(r->state, 0700, e) == -1)
        return -1;
    r->state_fd = open(r->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->state_fd == -1)
        return gf_err_errno(e, "%s", r->state);
    if (files_make(r->state_fd, e) == -1)
        return gf_err_prefix(e, "%s", r->state);
    if (ledger_make(r->state, &r->ledger, e) == -1)
        return -1;
    return ledger_start(r->ledger, r->now, e);
}

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    char keys[sizeof r->state + 8];
    const char *name = options_value(o, "name");
    int had_config = 0;
    struct out t;

    (void)status;
    if (command_args(o, 0, 0, "nothing", e) == -1 || check_name(name, e) == -1 ||
        make_state(r, name, e) == -1 || make_config(r, name, &had_config, e) == -1 ||
        make_keys(r, name, e) == -1)
        return -1;
    (void)snprintf(keys, sizeof keys, "%s/keys", r->state);
    if (gf_identity_load(AT_FDCWD, keys, &r->id, e) == -1)
        return -1;
    out_begin(&t, o);
    command_card(&t, "relay", "card", &r->id.card);
    command_str(&t, "state", "state", r->state);
    command_str(&t, had_config ? "config kept" : "config", "config", r->config_path);
    out_text(&t,
             "Name the endpoints in %s, then visit a drive. Until a channel has an endpoint, its "
             "records are held here.\n",
             r->config_path);
    if (command_end(&t, e) == -1)
        return -1;
    command_next(r, "sync DRIVE");
    return 0;
}

int cmd_init(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " init", "[OPTION]...",
         "Make this machine a relay: keys, a commented configuration, and an empty ledger. What is "
         "there already is never overwritten.",
         specs, "Example:\n  gapferry-relay init --name relay-1\n"},
        COMMAND_PATHS,
        work};
    return command_run(&c, root, argc, argv);
}
