/*
 * grid_share.c -- intake/ and returns/ between two users.
 */
#include "agent/grid_share.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/grid.h"

int grid_share_is_manager(const struct agent *a) {
    const char *name;

    for (size_t i = 0; (name = config_name(a->config, "channel", i)); i++) {
        struct gf_err ignored;
        int nodes = 0;
        if (config_bool(a->config, "channel", name, "nodes", &nodes, &ignored) == 1 && nodes)
            return 1;
    }
    return 0;
}

/* Why the group of a spool is of no use to the relay; NULL: it is. */
static const char *why_not(const char *path) {
    struct stat st;

    if (stat(path, &st) == -1)
        return "is not there";
    if ((st.st_mode & S_IRWXG) != S_IRWXG)
        return "may not be read and written by its group";
    return (st.st_mode & S_ISGID) != 0 ? NULL
                                       : "does not hand its group on to the files in it (setgid)";
}

int grid_share_doubt(const struct agent *a, char text[GRID_SHARE_WORDS],
                     char remedy[GRID_SHARE_WORDS]) {
    static const char *const spools[] = {GRID_INTAKE, GRID_RETURNS};
    const char *slash = strrchr(a->state, '/');
    char path[sizeof a->state + 16];
    struct stat own, relay;

    (void)snprintf(path, sizeof path, "%.*s/relay", slash ? (int)(slash - a->state) : 0, a->state);
    if (!grid_share_is_manager(a) || stat(path, &relay) == -1 || stat(a->state, &own) == -1 ||
        relay.st_uid == own.st_uid)
        return 0;
    (void)snprintf(remedy, GRID_SHARE_WORDS,
                   "as root: install -d -o %u -g %u -m 2770 %s/" GRID_INTAKE " %s/" GRID_RETURNS
                   " && chmod 710 %s; the relay's user has to be in that "
                   "group: see gapferry-relay(8), GRID",
                   (unsigned)own.st_uid, (unsigned)own.st_gid, a->state, a->state, a->state);
    for (size_t i = 0; i < sizeof spools / sizeof *spools; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", a->state, spools[i]);
        const char *why = why_not(path);
        if (why) {
            (void)snprintf(text, GRID_SHARE_WORDS,
                           "%s: %s, and the relay of this grid's manager is another user (#%u)",
                           path, why, (unsigned)relay.st_uid);
            return 1;
        }
    }
    if ((own.st_mode & S_IXGRP) != 0)
        return 0;
    (void)snprintf(text, GRID_SHARE_WORDS,
                   "%s: may not be passed by its group, and the relay of this grid's manager is "
                   "another user (#%u)",
                   a->state, (unsigned)relay.st_uid);
    return 1;
}
