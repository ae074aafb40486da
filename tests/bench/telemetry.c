/*
 * telemetry.c -- deterministic test data on standard output.
 *
 *   telemetry lines|random BYTES
 *
 * lines: JSON lines as a fleet of sensors would report them, about 400 bytes each, with random ids
 * and readings, so that they compress about as well as real telemetry does. random: bytes that do
 * not compress.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 0x853c49e6748fea9bu;

/* splitmix64: http://prng.di.unimi.it/splitmix64.c is the reference for the constants. */
static uint64_t next(void) {
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static unsigned below(unsigned n) {
    return (unsigned)(next() % n);
}

static size_t line(char *out, size_t room, uint64_t number) {
    static const char *const units[] = {"boiler", "compressor", "gate", "pump", "turbine"};
    static const char *const levels[] = {"info", "info", "info", "warning", "error"};
    static const char *const events[] = {"sample taken", "threshold passed", "self test done",
                                         "door opened",  "link restored",    "configuration read"};
    unsigned unit = below(5);
    unsigned site = below(12);
    uint64_t second = 1767225600 + number / 3;

    int n =
        snprintf(out, room,
                 "{\"id\":\"%016" PRIx64 "%016" PRIx64 "\",\"time\":%" PRIu64 ",\"number\":%" PRIu64
                 ",\"site\":\"site-%02u.example.org\",\"unit\":\"%s-%u\","
                 "\"level\":\"%s\",\"event\":\"%s\",\"readings\":{\"temperature\":%u.%02u,"
                 "\"pressure\":%u.%03u,\"speed\":%u,\"current\":%u.%02u,\"uptime\":%" PRIu64
                 "},\"firmware\":\"3.%u.%u\",\"labels\":[\"line-%u\",\"shift-%u\"],"
                 "\"healthy\":%s}\n",
                 next(), next(), second, number, site, units[unit], below(40), levels[below(5)],
                 events[below(6)], 20 + below(60), below(100), 1 + below(9), below(1000),
                 900 + below(2100), below(32), below(100), second - 1760000000, site % 4, unit,
                 below(8), below(3), below(50) == 0 ? "false" : "true");
    return n < 0 ? 0 : (size_t)n;
}

int main(int argc, char **argv) {
    static char buf[65536];
    long long left = argc == 3 ? atoll(argv[2]) : -1;
    int random = argc == 3 && strcmp(argv[1], "random") == 0;

    if (left < 0 || (!random && strcmp(argv[1], "lines") != 0)) {
        (void)fprintf(stderr, "usage: telemetry lines|random BYTES\n");
        return 64;
    }
    for (uint64_t number = 1; left > 0; number++) {
        size_t n = 0;
        if (random) {
            for (; n < sizeof buf; n += 8) {
                uint64_t x = next();
                memcpy(buf + n, &x, 8);
            }
        } else {
            n = line(buf, sizeof buf, number);
        }
        if ((long long)n > left)
            n = (size_t)left;
        if (fwrite(buf, 1, n, stdout) != n)
            return 74;
        left -= (long long)n;
    }
    return 0;
}
