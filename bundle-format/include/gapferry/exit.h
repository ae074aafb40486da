/*
 * exit.h -- the exit codes of every Gapferry program: the one table.
 *
 * The man pages repeat it; a test compares them. Values 64 to 78 are those of sysexits(3).
 */
#ifndef GAPFERRY_EXIT_H
#define GAPFERRY_EXIT_H

enum gf_exit {
    GF_EXIT_DONE = 0,         /* done; also: nothing was due, seen before */
    GF_EXIT_USAGE = 64,       /* the command line is wrong */
    GF_EXIT_DAMAGED = 65,     /* input damaged or malformed */
    GF_EXIT_NOINPUT = 66,     /* an input file is missing or cannot be read */
    GF_EXIT_UNREACHABLE = 69, /* a peer cannot be reached */
    GF_EXIT_BUG = 70,         /* a defect of ours */
    GF_EXIT_CANTWRITE = 73,   /* an output cannot be made: exists, full, read-only */
    GF_EXIT_IO = 74,          /* reading or writing failed underway */
    GF_EXIT_AWAITED = 75,     /* done, but a person or a vendor is awaited */
    GF_EXIT_NOPERM = 77,      /* not permitted, or not enrolled */
    GF_EXIT_CONFIG = 78,      /* configuration is wrong */
    GF_EXIT_SIGNATURE = 80,   /* bad signature */
    GF_EXIT_NOT_FOR_US = 81,  /* addressed to somebody else */
    GF_EXIT_REPLAY = 82,      /* seen before (single-file commands only) */
    GF_EXIT_EXPIRED = 83,     /* its time has passed */
    GF_EXIT_LIMIT = 84,       /* larger than we accept */
    GF_EXIT_CONSENT = 85,     /* consent is missing */
    GF_EXIT_NOTHING = 86,     /* nothing to do (single-file commands only) */
    /* Licence facts. */
    GF_EXIT_LICENSE_NONE = 90,
    GF_EXIT_LICENSE_GRACE = 91,
    GF_EXIT_LICENSE_EXPIRED = 92,
    GF_EXIT_LICENSE_ELSEWHERE = 93, /* issued for another machine */
    GF_EXIT_LICENSE_CLOCK = 94,     /* the clock is in doubt */
    GF_EXIT_LICENSE_INVALID = 95,
};

#endif
