/*
 * db_parts.h -- what the files of db.c say to each other.
 */
#ifndef COMMON_DB_PARTS_H
#define COMMON_DB_PARTS_H

#include "common/db.h"

/* How long another process is waited for, that writes. */
#define DB_BUSY_MS 10000

/* Turn the result code of the last call into *e and -1; `doing` is what was attempted. Notes damage
 * and doom in *d. */
int db_fail(struct db *d, int rc, const char *doing, struct gf_err *e);

/* What is to be done where it is damaged. */
const char *db_remedy(const struct db *d);

/* The statements that are kept prepared. */
GF_MUST_CHECK int db_cache_new(struct db *d, struct gf_err *e);
void db_cache_free(struct db *d);

/* Where the database lies (db_place.c). */
struct db_place {
    int dir;        /* its directory; -1: none */
    char full[640]; /* absolute path without links in its directories */
    char name[256];
    int is_new; /* 1: the file was made just now */
};

/* Check directory and file system; the file is made private, and made at all with DB_MAKE. */
GF_MUST_CHECK int db_place_open(const char *path, enum db_how how, struct db_place *out,
                                struct gf_err *e);
/* A database that must be there holds nothing: GF_E_NOINPUT, -1. */
int db_place_missing(const char *path, const char *how, struct gf_err *e);
void db_place_close(struct db_place *p);

/*
 * The count of writers in NAME-open (db_marker.c). Between enter and ready no other process gets
 * past enter. *unclean is 1 where a writer ended without db_close(): run quick_check, then say
 * ready with checked 1.
 */
GF_MUST_CHECK int db_marker_enter(const struct db_place *p, int *fd, int *unclean,
                                  struct gf_err *e);
GF_MUST_CHECK int db_marker_ready(int fd, int checked, const char *path, struct gf_err *e);
/* Before the first change. */
GF_MUST_CHECK int db_marker_write(int fd, const char *path, struct gf_err *e);
/* At the end. wrote and clean are 0 or 1; clean 0 (damage was met): the next open shall check.
 * Closes fd. */
void db_marker_leave(int fd, int wrote, int clean);

#endif
