/*
 * store_schema.c -- the tables of agent.db, a step for each version of them.
 */
#include "agent/store/store_internal.h"

/*
 * Rows are never reused for something else, so that the order of rows is the order of acceptance
 * (`record`) and of making (`bundle`).
 *
 * bundle  open: records in it that have no receipt; withdrawn: it will not be carried any more, its
 *         records went back to the queue or are gone
 * taken   the last seq taken towards a relay
 * applied what came in; digest NULL: a number that its sender has declared void; said: the request
 *         whose `have` told it
 */
static const char version_1[] =
    "CREATE TABLE fact (name TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT;"

    "CREATE TABLE bundle (n INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),"
    " relay BLOB NOT NULL, stream BLOB NOT NULL, seq INTEGER NOT NULL, digest BLOB NOT NULL,"
    " created INTEGER NOT NULL, records INTEGER NOT NULL, open INTEGER NOT NULL CHECK (open >= 0),"
    " settled INTEGER NOT NULL DEFAULT 0, withdrawn INTEGER NOT NULL DEFAULT 0,"
    " written INTEGER NOT NULL DEFAULT 0, UNIQUE (relay, stream, seq)) STRICT;"
    "CREATE INDEX bundle_unsettled ON bundle (n) WHERE settled = 0;"

    "CREATE TABLE taken (relay BLOB NOT NULL, stream BLOB NOT NULL, seq INTEGER NOT NULL,"
    " PRIMARY KEY (relay, stream)) STRICT;"

    "CREATE TABLE applied (relay BLOB NOT NULL, stream BLOB NOT NULL, seq INTEGER NOT NULL,"
    " digest BLOB, items INTEGER NOT NULL, at INTEGER NOT NULL, said INTEGER,"
    " PRIMARY KEY (relay, stream, seq)) STRICT;"
    "CREATE INDEX applied_unsaid ON applied (relay) WHERE said IS NULL;"

    "CREATE TABLE card (n INTEGER PRIMARY KEY AUTOINCREMENT,"
    " identity BLOB NOT NULL UNIQUE CHECK (length(identity) = 32), role INTEGER NOT NULL,"
    " text BLOB NOT NULL, user TEXT, since INTEGER NOT NULL) STRICT;"

    "CREATE TABLE vendor (n INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,"
    " keynum BLOB NOT NULL, pk BLOB NOT NULL UNIQUE CHECK (length(pk) = 32),"
    " duties INTEGER NOT NULL, user TEXT, since INTEGER NOT NULL) STRICT;"

    "CREATE TABLE consent (n INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL,"
    " decision INTEGER NOT NULL CHECK (decision BETWEEN 0 AND 2), user TEXT,"
    " at INTEGER NOT NULL) STRICT;"
    "CREATE INDEX consent_by_channel ON consent (channel, n);"

    "CREATE TABLE license_request (record BLOB PRIMARY KEY NOT NULL, product TEXT NOT NULL,"
    " nonce BLOB NOT NULL, at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE license (product TEXT PRIMARY KEY NOT NULL, text BLOB NOT NULL,"
    " installed INTEGER NOT NULL) STRICT;";

/* What the queue, the history, licences, updates and sources have needed since. */
static const char version_2[] =
    "CREATE TABLE denied (id BLOB PRIMARY KEY NOT NULL, at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE policy (channel TEXT PRIMARY KEY NOT NULL, denied INTEGER NOT NULL,"
    " airgap INTEGER NOT NULL, relay BLOB NOT NULL, since INTEGER NOT NULL,"
    " said INTEGER NOT NULL) STRICT;"
    "ALTER TABLE bundle ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE drive (name TEXT PRIMARY KEY NOT NULL, first INTEGER NOT NULL,"
    " last INTEGER NOT NULL, user TEXT) STRICT;"
    "CREATE TABLE history (n INTEGER PRIMARY KEY, line BLOB NOT NULL,"
    " hash BLOB NOT NULL CHECK (length(hash) = 32)) STRICT;"
    "CREATE TABLE spool (name TEXT PRIMARY KEY NOT NULL,"
    " at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE refused (channel TEXT NOT NULL, reason TEXT NOT NULL, records INTEGER NOT NULL,"
    " last INTEGER NOT NULL, PRIMARY KEY (channel, reason)) STRICT;"
    "CREATE TABLE source (name TEXT PRIMARY KEY NOT NULL, due INTEGER NOT NULL,"
    " ran INTEGER NOT NULL, good INTEGER NOT NULL, runs INTEGER NOT NULL,"
    " failures INTEGER NOT NULL, reason TEXT NOT NULL) STRICT;";

static const char *const steps[] = {version_1,
                                    store_schema_queue,
                                    version_2,
                                    store_schema_license,
                                    store_schema_updates,
                                    store_schema_grid,
                                    store_schema_relays,
                                    store_schema_thin,
                                    NULL};

const struct db_schema store_schema = {
    .application_id = 0x47464147, /* GFAG */
    .steps = steps,
    .damaged = "run gapferry-agent doctor, which moves it aside and says how to go on",
};
