/*
 * command.c -- how our programs begin and end.
 */
#include "common/command.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/nearest.h"
#include "gapferry/digest.h"
#include "gapferry/json.h"
#include "gapferry/text.h"

int command_failed(const char *program, const struct gf_err *e, int json) {
    struct gf_buf b;

    if (json) {
        gf_buf_init(&b, 65536);
        gf_buf_printf(&b, "{\"error\": {\"name\": \"%s\", \"exit\": %d, \"text\": ",
                      gf_err_name(e->code), (int)gf_err_exit(e->code));
        gf_json_put_shown(&b, e->text, strlen(e->text));
        gf_buf_text(&b, "}}\n");
        (void)fputs(b.data ? b.data : "", stdout);
        gf_buf_free(&b);
    }
    /* One failure is told once, and its status stands: command_finish() would find anew what cannot
     * be written. A reader that closed the pipe is left to it. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && errno != EPIPE) {
        __fpurge(stdout);
        clearerr(stdout);
    }
    (void)fprintf(stderr, "%s: %s\n", program, e->text);
    return (int)gf_err_exit(e->code);
}

int command_json(int argc, char **argv) {
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0)
            return 1;
    }
    return 0;
}

int command_do(const char *program, const struct option_page *page, int argc, char **argv,
               command_body *work, void *context) {
    struct gf_err e = {.code = GF_OK};
    int status = GF_EXIT_DONE;
    struct options o;

    if (options_parse(argc, argv, page->specs, &o, &e) == -1)
        return command_failed(program, &e, command_json(argc, argv));
    if (options_count(&o, "help"))
        options_help(page, stdout);
    else if (work(context, &o, &status, &e) == -1)
        status = command_failed(program, &e, command_json(argc, argv));
    options_free(&o);
    return status;
}

int command_paths(const char *word, const char *root, size_t below, char config[COMMAND_PATH],
                  char state[COMMAND_PATH], struct gf_err *e) {
    const char *top = root ? root : "";

    int c = snprintf(config, COMMAND_PATH, "%s/etc/gapferry/%s.conf", top, word);
    int s = snprintf(state, COMMAND_PATH, "%s/var/lib/gapferry/%s", top, word);
    if (c < 0 || s < 0 || (size_t)c >= COMMAND_PATH || (size_t)s + below >= COMMAND_PATH)
        return gf_err_set(e, GF_E_USAGE, "--root %.100s...: this path is too long", top);
    return 0;
}

static size_t rank(enum gf_exit status) {
    static const enum gf_exit order[] = {
        GF_EXIT_BUG,         GF_EXIT_IO,        GF_EXIT_CANTWRITE, GF_EXIT_CONFIG, GF_EXIT_LIMIT,
        GF_EXIT_DAMAGED,     GF_EXIT_SIGNATURE, GF_EXIT_EXPIRED,   GF_EXIT_NOPERM, GF_EXIT_CONSENT,
        GF_EXIT_UNREACHABLE, GF_EXIT_AWAITED,   GF_EXIT_DONE,
    };
    size_t i = 0;

    while (i < sizeof order / sizeof *order && order[i] != status)
        i++;
    return i;
}

enum gf_exit command_graver(enum gf_exit x, enum gf_exit y) {
    const enum gf_exit graver = rank(x) <= rank(y) ? x : y;

    return rank(graver) <= rank(GF_EXIT_DONE) ? graver : GF_EXIT_DONE;
}

int command_args(const struct options *o, size_t min, size_t max, const char *what,
                 struct gf_err *e) {
    if (o->nargs < min)
        return gf_err_set(e, GF_E_USAGE, "%s is missing; see --help", what);
    if (o->nargs > max)
        return gf_err_set(e, GF_E_USAGE, "what is \"%s\"? see --help", options_arg(o, max));
    return 0;
}

const char *command_called(const char *program, const char *state, char out[COMMAND_SELF]) {
    static const char middle[] = "/var/lib/gapferry/";
    const char *at = NULL;

    /* The last one: DIR may have such a part of its own. */
    for (const char *p = state; (p = strstr(p, middle)) != NULL; p++)
        at = p;
    if (at != NULL && at != state)
        (void)snprintf(out, COMMAND_SELF, "%s --root %.*s", program, (int)(at - state), state);
    else
        (void)snprintf(out, COMMAND_SELF, "%s", program);
    return out;
}

void command_suggest(const char *called, const char *fmt, va_list ap) {
    if (!isatty(STDERR_FILENO))
        return;
    (void)fflush(stdout);
    (void)fprintf(stderr, "next: %s ", called);
    (void)vfprintf(stderr, fmt, ap);
    (void)fputc('\n', stderr);
}

/* Who root was before it became somebody else; "" if it did not. */
static char user_before[65];

/* Root becomes the owner of the state, for good: what it makes there must be the service's own. */
static int become(const char *state, const struct stat *st, struct gf_err *e) {
    const struct passwd *pw = getpwuid(st->st_uid);
    int rc = pw != NULL ? initgroups(pw->pw_name, st->st_gid) : setgroups(0, NULL);

    command_user(user_before);
    if (rc == -1 || command_reach_become(st->st_uid, st->st_gid) == -1)
        return gf_err_errno(e, "%s: cannot become the user it belongs to", state);
    return 0;
}

int command_check_user(const char *program, const char *state, struct gf_err *e) {
    char called[COMMAND_SELF];
    struct stat st;

    if (geteuid() == 0 && stat(state, &st) == 0 && st.st_uid != 0 && become(state, &st, e) == -1)
        return -1;

    if (access(state, R_OK | W_OK | X_OK) == 0 || errno != EACCES)
        return 0;
    (void)command_called(program, state, called);
    if (stat(state, &st) == -1)
        return gf_err_set(e, GF_E_USER,
                          "%s: this user may not enter it; run this as the user who made it, or as "
                          "root: sudo %s ...",
                          state, called);
    const struct passwd *pw = getpwuid(st.st_uid);
    char number[24];
    (void)snprintf(number, sizeof number, "#%u", (unsigned)st.st_uid);
    const char *owner = pw != NULL ? pw->pw_name : number;
    return gf_err_set(e, GF_E_USER,
                      "%s: belongs to user %s, and this user may not use it; run this as that "
                      "user: sudo -u '%s' %s ...",
                      state, owner, owner, called);
}

/* Who may write there could put other keys or bundles in the place of ours. */
static int check_folder(const char *state, const char *folder, mode_t others, struct gf_err *e) {
    char path[1024];
    struct stat st;

    (void)snprintf(path, sizeof path, "%s/%s", state, folder);
    if (stat(path, &st) == -1 || (st.st_mode & others) == 0)
        return 0;
    return gf_err_set(e, GF_E_CONFIG,
                      "%s: others may write to it (mode %03o); see that all in it is yours, then: "
                      "chmod 700 %s",
                      path, (unsigned)st.st_mode & 0777, path);
}

int command_keys(const char *state, struct gf_identity *out, struct gf_err *e) {
    static const char *const files[] = {"sign.key", "seal.key", "card"};
    char keys[1024], path[1088];
    struct stat st;

    (void)snprintf(keys, sizeof keys, "%s/keys", state);
    if (check_folder(state, "keys", S_IWGRP | S_IWOTH, e) == -1 ||
        check_folder(state, "outbox", S_IWOTH, e) == -1)
        return -1;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", keys, files[i]);
        if (stat(path, &st) == -1 && errno == ENOENT)
            return gf_err_set(e, GF_E_DAMAGED,
                              "%s: is missing; nothing was changed. Put the whole of %s back from "
                              "one backup. Without a backup nobody can open what is addressed to "
                              "these keys: move %s away and make new ones with init",
                              path, keys, state);
    }
    return gf_identity_load(AT_FDCWD, keys, out, e);
}

int command_init_failed(const char *dir, struct gf_err *e) {
    if (errno != EACCES)
        return gf_err_errno(e, "%s: cannot make this directory", dir);
    return gf_err_set(e, GF_E_USER,
                      "%s: this user may not make this directory; run init as root (sudo), or let "
                      "it use a directory of your own: --root DIR before the command",
                      dir);
}

void command_user(char out[65]) {
    if (user_before[0] != '\0' && out != user_before) {
        memcpy(out, user_before, sizeof user_before);
        return;
    }
    uid_t uid = getuid();
    const char *sudo = uid == 0 ? getenv("SUDO_USER") : NULL;
    const struct passwd *pw = sudo && *sudo ? NULL : getpwuid(uid);
    const char *name = sudo && *sudo ? sudo : pw ? pw->pw_name : NULL;

    if (name && strlen(name) <= 64 && gf_text_is_utf8(name, strlen(name)))
        (void)snprintf(out, 65, "%s", name);
    else
        (void)snprintf(out, 65, "uid %lu", (unsigned long)uid);
}

static void print_overview(const struct command_program *p) {
    (void)printf("usage: %s [--root DIR] COMMAND [OPTION]... [ARGUMENT]...\n\n%s\n", p->name,
                 p->about);
    for (size_t i = 0; i < p->ncommands; i++)
        (void)printf("  %-10s %s\n", p->commands[i].name, p->commands[i].help);
    (void)printf(
        "\n  --root DIR use DIR/etc/gapferry and DIR/var/lib/gapferry instead of /etc and\n"
        "             /var/lib; may stand anywhere\n"
        "  --help     show this help; after a command, that command's\n"
        "  --version  show the version\n\n"
        "The manual: man 8 %s.\n",
        p->name);
}

static const struct command_entry *find(const struct command_program *p, const char *name,
                                        struct gf_err *e) {
    const char *near = NULL;
    size_t best = (size_t)-1;

    for (size_t i = 0; i < p->ncommands; i++) {
        if (strcmp(name, p->commands[i].name) == 0)
            return &p->commands[i];
        if (nearest_is(name, p->commands[i].name, &best))
            near = p->commands[i].name;
    }
    best = (size_t)-1;
    if (*name == '-')
        (void)gf_err_set(
            e, GF_E_USAGE, "unknown option %s before the command%s; see %s --help", name,
            nearest_is(name, "--root", &best) ? "; did you mean --root DIR?" : "", p->name);
    else if (near)
        (void)gf_err_set(e, GF_E_USAGE, "unknown command %s; did you mean %s?", name, near);
    else
        (void)gf_err_set(e, GF_E_USAGE, "unknown command %s; see %s --help", name, p->name);
    return NULL;
}

/* Take --root DIR off the words, wherever it stands before "--": each command knows it. */
static int take_root(int *argc, char **argv, const char **root, struct gf_err *e) {
    int n = 0, all = *argc, open = 1;

    for (int i = 0; i < all; i++) {
        const char *value = NULL;
        if (open && strcmp(argv[i], "--root") == 0) {
            if (i + 1 == all)
                return gf_err_set(e, GF_E_USAGE, "--root DIR: DIR is missing");
            value = argv[++i];
        } else if (open && strncmp(argv[i], "--root=", 7) == 0) {
            value = argv[i] + 7;
        } else {
            open = open && strcmp(argv[i], "--") != 0;
            argv[n++] = argv[i];
            continue;
        }
        if (!*value || *root)
            return gf_err_set(e, GF_E_USAGE, *root ? "--root was given twice" : "--root is empty");
        *root = value;
    }
    argv[n] = NULL;
    *argc = n;
    return 0;
}

static int run(const struct command_program *p, int argc, char **argv, int *status,
               struct gf_err *e) {
    char help[] = "--help";
    char *help_words[] = {help, NULL};
    const char *root = NULL;

    if (take_root(&argc, argv, &root, e) == -1)
        return -1;
    if (argc < 1)
        return gf_err_set(e, GF_E_USAGE, "no command given; see %s --help", p->name);
    if (strcmp(argv[0], "--version") == 0) {
        (void)printf("%s %s\n", p->name, p->version);
        return 0;
    }
    int about = strcmp(argv[0], "help") == 0 && argc > 1;
    if (!about && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 ||
                   strcmp(argv[0], "help") == 0)) {
        print_overview(p);
        return 0;
    }
    const struct command_entry *c = find(p, argv[about], e);
    if (!c || gf_digest_start(e) == -1)
        return -1;
    *status = about ? c->run(root, 1, help_words) : c->run(root, argc - 1, argv + 1);
    return 0;
}

/* Descriptors 0 to 2 must be something: else a file being written could become "standard error". */
static void open_standard_streams(void) {
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF && open("/dev/null", O_RDWR) == -1)
            _exit(GF_EXIT_IO);
    }
}

void command_begin(void) {
    open_standard_streams();
    (void)signal(SIGPIPE, SIG_IGN);
    /* A limit on the size of files is an error like others (EFBIG), and is told. */
    (void)signal(SIGXFSZ, SIG_IGN);
}

int command_print(struct gf_err *e) {
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    return gf_err_errno(e, "standard output: cannot write the result");
}

int command_finish(const char *program, int status) {
    struct gf_err e = {.code = GF_OK};

    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    if (errno == EPIPE) {
        (void)signal(SIGPIPE, SIG_DFL);
        (void)raise(SIGPIPE);
    }
    (void)gf_err_errno(&e, "standard output: cannot write the result");
    return command_failed(program, &e, 0);
}

int command_main(const struct command_program *p, int argc, char **argv) {
    struct gf_err e = {.code = GF_OK};
    int status = GF_EXIT_DONE;

    command_begin();
    if ((p->begin && p->begin(&e) == -1) || run(p, argc - 1, argv + 1, &status, &e) == -1)
        return command_failed(p->name, &e, 0);
    return command_finish(p->name, status);
}
