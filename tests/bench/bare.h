/*
 * bare.h -- what the bare SQLite loops share.
 */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static inline void must(int fact, sqlite3 *db) {
    if (fact)
        return;
    (void)fprintf(stderr, "bare loop: %s\n", sqlite3_errmsg(db));
    exit(74);
}

static inline void run(sqlite3 *db, const char *sql) {
    must(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, db);
}

/* Milliseconds and a counter in front, random bytes behind, as in a UUID v7. */
static inline void make_id(uint8_t id[16], uint64_t number) {
    for (int i = 0; i < 8; i++)
        id[i] = (uint8_t)(number >> (56 - 8 * i));
    for (int i = 8; i < 16; i++)
        id[i] = (uint8_t)rand();
}

#endif
