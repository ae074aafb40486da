/*
 * command_reach.c -- root becomes the owner of the state, and can still reach what it was pointed
 * at: a drive that was mounted by root, or for the person who sits there, and for nobody else.
 */
#include "common/command.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REACH (1U << CAP_DAC_OVERRIDE)

struct rights {
    struct __user_cap_data_struct of[_LINUX_CAPABILITY_U32S_3];
};

static int get_rights(struct rights *out) {
    struct __user_cap_header_struct who = {.version = _LINUX_CAPABILITY_VERSION_3};

    *out = (struct rights){0};
    return (int)syscall(SYS_capget, &who, out->of);
}

static int set_rights(const struct rights *r) {
    struct __user_cap_header_struct who = {.version = _LINUX_CAPABILITY_VERSION_3};

    return (int)syscall(SYS_capset, &who, r->of);
}

int command_reach_become(uid_t uid, gid_t gid) {
    struct rights all, kept = {0};

    if (prctl(PR_SET_KEEPCAPS, 1) == -1 || setresgid(gid, gid, gid) == -1 ||
        setresuid(uid, uid, uid) == -1 || prctl(PR_SET_KEEPCAPS, 0) == -1 || get_rights(&all) == -1)
        return -1;
    kept.of[0].permitted = all.of[0].permitted & REACH;
    return set_rights(&kept);
}

/* Those that are root still may do all the time what is switched here. */
static void reach(unsigned effective) {
    int err = errno;
    struct rights now;

    if (geteuid() != 0 && get_rights(&now) == 0 && (now.of[0].permitted & REACH) != 0) {
        now.of[0].effective = (now.of[0].effective & ~REACH) | effective;
        (void)set_rights(&now);
    }
    errno = err;
}

void command_reach(void) {
    reach(REACH);
}

int command_reached(int rc) {
    reach(0);
    return rc;
}

int command_reach_drop(void) {
    const struct rights none = {0};
    struct rights now;

    /* A service has none, and its unit may forbid to ask; what cannot be looked up cannot be
     * switched on either. */
    if (geteuid() == 0 || get_rights(&now) == -1 || (now.of[0].permitted & REACH) == 0)
        return 0;
    return set_rights(&none);
}
