/*
 * bare-intake.c -- what SQLite itself can do with what the relay's ledger takes of a bundle: agent,
 * id, digest and line (of 773 bytes, as those of bodies of 500 are), one unique index, all of it in
 * one transaction, durable at its end.
 *
 *   bare-intake FILE RECORDS     prints the seconds it took, and seconds of processor time
 */
#include "bare.h"

#include <string.h>
#include <time.h>

static double seconds(clockid_t clock) {
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    static char line[773];
    uint8_t agent[16] = {1}, id[16], digest[32] = {2};
    sqlite3_stmt *insert;
    sqlite3 *db;

    long n = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    if (n <= 0)
        return 64;
    memset(line, 'a', sizeof line);
    must(sqlite3_open(argv[1], &db) == SQLITE_OK, db);
    run(db, "PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = EXTRA;"
            "CREATE TABLE record (row INTEGER PRIMARY KEY, agent BLOB NOT NULL, id BLOB NOT NULL,"
            " digest BLOB NOT NULL, line BLOB NOT NULL, UNIQUE (agent, id)) STRICT");
    must(sqlite3_prepare_v2(db, "INSERT INTO record (agent, id, digest, line) VALUES (?, ?, ?, ?)",
                            -1, &insert, NULL) == SQLITE_OK,
         db);
    double from = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    uint64_t base = (uint64_t)seconds(CLOCK_REALTIME) * 1000000;
    run(db, "BEGIN IMMEDIATE");
    for (long i = 0; i < n; i++) {
        make_id(id, base + (uint64_t)i);
        (void)sqlite3_bind_blob(insert, 1, agent, sizeof agent, SQLITE_STATIC);
        (void)sqlite3_bind_blob(insert, 2, id, sizeof id, SQLITE_STATIC);
        (void)sqlite3_bind_blob(insert, 3, digest, sizeof digest, SQLITE_STATIC);
        (void)sqlite3_bind_blob(insert, 4, line, sizeof line, SQLITE_STATIC);
        must(sqlite3_step(insert) == SQLITE_DONE, db);
        (void)sqlite3_reset(insert);
    }
    run(db, "COMMIT");
    (void)printf("%.3f %.3f\n", seconds(CLOCK_MONOTONIC) - from,
                 seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    (void)sqlite3_finalize(insert);
    (void)sqlite3_close(db);
    return 0;
}
