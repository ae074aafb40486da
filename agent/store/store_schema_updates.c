/*
 * store_schema_updates.c -- a step of the tables: what the agent remembers of updates.
 */
#include "agent/store/store_internal.h"

/*
 * update_check     what was asked for, by its record
 * update_manifest  every manifest that was accepted, with its signatures; relay NULL: by hand
 * update_here      artifacts that lie in STATE/updates, verified
 * update_part      files in STATE/updates/parts: they become artifacts when all parts of one are
 *                  there
 * update_problem   what was refused or is missing, until something better comes
 * update_report    the newest result of installing a version
 */
const char store_schema_updates[] =
    "CREATE TABLE update_check (record BLOB PRIMARY KEY NOT NULL, product TEXT NOT NULL,"
    " channel TEXT NOT NULL, platform TEXT NOT NULL, at INTEGER NOT NULL) STRICT;"

    "CREATE TABLE update_manifest (n INTEGER PRIMARY KEY AUTOINCREMENT, product TEXT NOT NULL,"
    " channel TEXT NOT NULL, platform TEXT NOT NULL, serial INTEGER NOT NULL, relay BLOB,"
    " text BLOB NOT NULL, since INTEGER NOT NULL, confirmed INTEGER NOT NULL,"
    " UNIQUE (product, channel, platform, serial)) STRICT;"

    "CREATE TABLE update_here (manifest INTEGER NOT NULL REFERENCES update_manifest (n),"
    " name TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (manifest, name)) STRICT,"
    " WITHOUT ROWID;"

    "CREATE TABLE update_part (digest BLOB NOT NULL CHECK (length(digest) = 32),"
    " idx INTEGER NOT NULL, count INTEGER NOT NULL, at_byte INTEGER NOT NULL,"
    " size INTEGER NOT NULL, whole INTEGER NOT NULL, at INTEGER NOT NULL,"
    " PRIMARY KEY (digest, idx)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE update_problem (product TEXT NOT NULL, subject TEXT NOT NULL,"
    " code TEXT NOT NULL, why TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
    " times INTEGER NOT NULL, PRIMARY KEY (product, subject)) STRICT;"

    "CREATE TABLE update_report (product TEXT NOT NULL, version TEXT NOT NULL,"
    " installed INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (product, version)) STRICT;";
