/*
 * intake.c -- the relay's intake alone: what lies on DRIVE, verified and in the ledger of ROOT,
 * without forwarding and responses.
 *
 *   bench-intake ROOT DRIVE     prints bundles, records, seconds, seconds of processor time (with
 *                               those of children), and MiB
 */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "gapferry/digest.h"
#include "gapferry/drive.h"
#include "relay/files.h"
#include "relay/relay.h"

static double seconds(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu(int who, long *kib) {
    struct rusage u;
    (void)getrusage(who, &u);
    *kib += u.ru_maxrss;
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv) {
    struct gf_err e = {.text = ""};
    struct gf_drive *d = NULL;
    struct relay r;
    struct turn t;
    long kib = 0;

    if (argc != 3)
        return 64;
    (void)signal(SIGPIPE, SIG_IGN);
    turn_begin(&t);
    if (gf_digest_start(&e) == -1 || relay_open(&r, argv[1], &e) == -1 ||
        gf_drive_open(argv[2], 1, &d, &e) == -1)
        goto fail;
    r.now = (int64_t)time(NULL);
    double from = seconds();
    if (files_tidy(&r, &e) == -1 || relay_intake(&r, d, &t, &e) == -1 ||
        relay_verify(&r, &t, &e) == -1)
        goto fail;
    double took = seconds() - from;
    if (t.people.data != NULL && t.people.len > 0)
        (void)fprintf(stderr, "bench-intake: %s", t.people.data);
    double used = cpu(RUSAGE_SELF, &kib) + cpu(RUSAGE_CHILDREN, &kib);
    (void)printf("%lld %lld %.3f %.3f %ld\n", (long long)t.taken, (long long)t.records, took, used,
                 kib / 1024);
    gf_drive_close(d);
    relay_close(&r);
    turn_free(&t);
    return 0;
fail:
    (void)fprintf(stderr, "bench-intake: %s\n", e.text);
    return 74;
}
