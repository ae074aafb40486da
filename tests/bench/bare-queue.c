/*
 * bare-queue.c -- what SQLite itself can do: rows of 500 bytes with time-ordered ids, durable a
 * thousand at a time.
 *
 *   bare-queue FILE RECORDS     prints the seconds it took
 */
#include "bare.h"

#include <string.h>
#include <time.h>

int main(int argc, char **argv) {
    static char body[500];
    struct timespec from, to;
    sqlite3_stmt *insert;
    uint8_t id[16];
    sqlite3 *db;

    long n = argc == 3 ? atol(argv[2]) : 0;
    if (n <= 0)
        return 64;
    memset(body, 'a', sizeof body);
    must(sqlite3_open(argv[1], &db) == SQLITE_OK, db);
    run(db, "PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = EXTRA;"
            "CREATE TABLE IF NOT EXISTS queue (n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
            " line BLOB NOT NULL) STRICT");
    must(sqlite3_prepare_v2(db, "INSERT INTO queue (id, line) VALUES (?, ?)", -1, &insert, NULL) ==
             SQLITE_OK,
         db);
    (void)clock_gettime(CLOCK_REALTIME, &from);
    uint64_t base = (uint64_t)from.tv_sec * 1000000;
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    for (long i = 0; i < n; i++) {
        if (i % 1000 == 0)
            run(db, "BEGIN IMMEDIATE");
        make_id(id, base + (uint64_t)i);
        (void)sqlite3_bind_blob(insert, 1, id, sizeof id, SQLITE_STATIC);
        (void)sqlite3_bind_blob(insert, 2, body, sizeof body, SQLITE_STATIC);
        must(sqlite3_step(insert) == SQLITE_DONE, db);
        (void)sqlite3_reset(insert);
        if (i % 1000 == 999 || i == n - 1)
            run(db, "COMMIT");
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    (void)sqlite3_finalize(insert);
    (void)sqlite3_close(db);
    (void)printf("%.3f\n",
                 (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
    return 0;
}
