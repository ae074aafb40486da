/*
 * forward.c -- the relay's forwarding alone: what is due in ROOT, to its endpoints.
 *
 *   bench-forward ROOT     prints records, seconds, and seconds of processor time
 */
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "gapferry/digest.h"
#include "relay/relay.h"

static double seconds(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    struct gf_err e = {.text = ""};
    struct rusage used;
    struct relay r;
    struct turn t;

    if (argc != 2)
        return 64;
    turn_begin(&t);
    if (gf_digest_start(&e) == -1 || relay_open(&r, argv[1], &e) == -1) {
        (void)fprintf(stderr, "bench-forward: %s\n", e.text);
        return 74;
    }
    r.now = (int64_t)time(NULL);
    double from = seconds();
    int rc = relay_forward(&r, 3600, &t, &e);
    double took = seconds() - from;
    (void)getrusage(RUSAGE_SELF, &used);
    double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    if (rc == -1 || t.delivered == 0) {
        (void)fprintf(stderr, "bench-forward: %s%s%s\n", e.text, t.failure,
                      t.people.data != NULL ? t.people.data : "");
        return 74;
    }
    (void)printf("%lld %.3f %.3f %ld\n", (long long)t.delivered, took, cpu, used.ru_maxrss / 1024);
    relay_close(&r);
    turn_free(&t);
    return 0;
}
