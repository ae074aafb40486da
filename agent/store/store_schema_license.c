/*
 * store_schema_license.c -- what licences have needed since the first tables.
 *
 * license.secret  what opens a Keygen file (installed.h), NULL for our own licences
 * license_gone    licences that were given up here: never accepted again
 */
#include "agent/store/store_internal.h"

const char store_schema_license[] =
    "ALTER TABLE license ADD COLUMN secret BLOB;"
    "CREATE TABLE license_gone (id TEXT NOT NULL, product TEXT NOT NULL, record BLOB NOT NULL,"
    " user TEXT, at INTEGER NOT NULL, PRIMARY KEY (id, product)) STRICT, WITHOUT ROWID;";
