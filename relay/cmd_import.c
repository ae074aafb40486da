/*
 * cmd_import.c -- `import FILE...`: bundles by hand, as from a drive.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gapferry/file.h"
#include "relay/files.h"
#include "relay/summary.h"

static const struct option_spec specs[] = {
    COMMAND_OPTION_JSON,
    COMMAND_OPTION_ROOT,
    COMMAND_OPTION_HELP,
    COMMAND_OPTION_END,
};

static int open_file(const char *path, int *out, struct gf_err *e) {
    struct stat st;

    int fd = COMMAND_REACH(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (fd == -1)
        return gf_err_errno(e, "%s", path);
    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
        (void)close(fd);
        return gf_err_set(e, GF_E_NOINPUT, "%s: is no regular file", path);
    }
    *out = fd;
    return 0;
}

/* All files are opened before the first one is taken, so that a slip takes none. */
static int import_all(struct relay *r, const struct options *o, struct turn *t, struct gf_err *e) {
    for (int take = 0; take < 2; take++) {
        const char *path;
        for (size_t i = 0; (path = options_arg(o, i)) != NULL; i++) {
            const char *slash = strrchr(path, '/');
            int fd = -1;
            if (open_file(path, &fd, e) == -1)
                return -1;
            int rc = take ? relay_import(r, fd, slash != NULL ? slash + 1 : path, t, e) : 0;
            (void)close(fd);
            if (rc == -1)
                return -1;
        }
    }
    return 0;
}

static int import(struct relay *r, const struct options *o, struct turn *t, struct gf_err *e) {
    if (ledger_lock(r->ledger, "import", e) == -1)
        return -1;
    int rc = files_tidy(r, e) == -1 || files_trim(r, e) == -1 ? -1 : import_all(r, o, t, e);
    if (rc == 0)
        rc = relay_verify(r, t, e);
    if (rc == 0)
        rc = turn_count(r, t, e);
    if (rc == 0)
        rc = ledger_seal(r->ledger, e);
    ledger_unlock(r->ledger);
    return rc;
}

static int work(struct relay *r, const struct options *o, int *status, struct gf_err *e) {
    struct turn t;
    struct out out;

    if (command_args(o, 1, 4096, "FILE...", e) == -1)
        return -1;
    turn_begin(&t);
    int rc = import(r, o, &t, e);
    if (rc == 0) {
        *status = (int)turn_exit(&t);
        out_begin(&out, o);
        summary_came_in(&out, &t);
        summary_numbers(&out, &t);
        summary_people(&out, &t);
        if (t.not_ours > 0)
            out_text(&out, "%-13s%lld bundle%s\n", "not for us", (long long)t.not_ours,
                     t.not_ours == 1 ? "" : "s");
        rc = command_end(&out, e);
    }
    if (rc == 0 && t.records > 0)
        command_next(r, "forward");
    turn_free(&t);
    return rc;
}

int cmd_import(const char *root, int argc, char **argv) {
    static const struct command c = {
        {COMMAND_PROGRAM " import", "[OPTION]... FILE...",
         "Take in bundles by hand, as sync does from a drive: verify them and note their records. "
         "Nothing is forwarded, and the files stay where they are.",
         specs, "Example:\n  gapferry-relay import /tmp/mail/*.gfb\n"},
        COMMAND_OPEN,
        work};
    return command_run(&c, root, argc, argv);
}
