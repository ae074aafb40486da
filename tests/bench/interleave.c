/*
 * interleave.c -- time several commands in turn and compare them with the first.
 *
 *   interleave ROUNDS NAME PREPARE COMMAND [NAME PREPARE COMMAND ...]
 *
 * Every round runs each command once, in order, after its PREPARE (untimed); one round beforehand
 * is not counted. A row for each command: name, wall seconds, CPU seconds (user and system,
 * children included), peak memory of its largest process in KiB, all medians, and the median over
 * the rounds of the first command's wall time divided by this one's: how many times faster than the
 * first. What the machine does besides hits neighbours in a round alike, so ratios hold where
 * seconds do not.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX   1000
#define COMMANDS_MAX 16

struct run {
    double wall;
    double cpu;
    double memory;
};

static struct run runs[COMMANDS_MAX][ROUNDS_MAX];

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n) {
    qsort(v, (size_t)n, sizeof *v, by_value);
    return n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static double seconds(struct timeval t) {
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* One run of a shell command with its output thrown away. */
static int run(const char *command, struct run *out) {
    struct timespec a;
    struct timespec b;
    struct rusage ru;
    int status = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &a);
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_RDWR);
        (void)dup2(null, 0);
        (void)dup2(null, 1);
        (void)dup2(null, 2);
        (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    if (child == -1 || wait4(child, &status, 0, &ru) == -1)
        return -1;
    (void)clock_gettime(CLOCK_MONOTONIC, &b);
    out->wall = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
    out->cpu = seconds(ru.ru_utime) + seconds(ru.ru_stime);
    out->memory = (double)ru.ru_maxrss;
    return status == 0 ? 0 : -1;
}

int main(int argc, char **argv) {
    static double v[ROUNDS_MAX];
    int rounds = argc > 1 ? atoi(argv[1]) : 0;
    int n = (argc - 2) / 3;

    if (rounds < 1 || rounds > ROUNDS_MAX || n < 1 || n > COMMANDS_MAX || (argc - 2) % 3 != 0) {
        (void)fprintf(stderr, "usage: interleave ROUNDS NAME PREPARE COMMAND [...]\n");
        return 64;
    }
    for (int r = -1; r < rounds; r++) {
        for (int i = 0; i < n; i++) {
            char **c = argv + 2 + 3 * i;
            struct run one = {0};
            if (system(c[1]) != 0 || run(c[2], &one) == -1) {
                (void)fprintf(stderr, "interleave: %s failed: %s\n", c[0], c[2]);
                return 1;
            }
            if (r >= 0)
                runs[i][r] = one;
        }
    }
    for (int i = 0; i < n; i++) {
        (void)printf("%s", argv[2 + 3 * i]);
        for (int k = 0; k < 4; k++) {
            for (int r = 0; r < rounds; r++)
                v[r] = k == 0   ? runs[i][r].wall
                       : k == 1 ? runs[i][r].cpu
                       : k == 2 ? runs[i][r].memory
                                : runs[0][r].wall / runs[i][r].wall;
            (void)printf("\t%.6f", median(v, rounds));
        }
        (void)printf("\n");
    }
    return 0;
}
