/*
 * store_schema_queue.c -- a step of the tables: the queue, made for a million records, for caps,
 * refusals and several relays.
 */
#include "agent/store/store_internal.h"

/*
 * record  state: enum store_state once it has a receipt, and 0 until then: `stretch` says whether
 *         it is queued or exported; since: of that receipt; size: bytes of its line
 * line    a record's frozen line, apart from what changes: moving a record does not rewrite it
 * stretch the records without receipt: each is in exactly one. Neighbours of one channel to which
 *         the same applies are one row here, so that a million are queued, bundled, held back or
 *         put back by one change. bytes: of their lines; state: queued or exported; since: of that,
 * 0: of acceptance; relay: the destination they belong to since they were first exported, or NULL;
 * refused: how many refused bundles held them; most: since then their bundles hold at most that
 *         many records, 0: no such limit, -1: alone it was refused, too, and a person is needed
 * tally   how many records of a channel are in a state, and the bytes of their lines, so that
 *         nobody has to count a million rows
 * span    the rows that a bundle carried, from first to last, within one chunk of STORE_CHUNK rows:
 *         a record's bundles are found among the few spans of its chunk
 * bundle  left: when it was first written
 * loss    what declared policy has dropped; told: the bundle that said so, NULL: none yet
 */
const char store_schema_queue[] =
    "CREATE TABLE record (n INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id BLOB NOT NULL UNIQUE CHECK (length(id) = 16), size INTEGER NOT NULL,"
    " channel TEXT NOT NULL, product TEXT, created INTEGER NOT NULL, accepted INTEGER NOT NULL,"
    " digest BLOB NOT NULL CHECK (length(digest) = 32),"
    " state INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 2, 3, 4, 5)), since INTEGER,"
    " wants_answer INTEGER NOT NULL, answered INTEGER NOT NULL DEFAULT 0, answered_at INTEGER,"
    " reason TEXT, guarantee TEXT) STRICT;"
    "CREATE INDEX record_received ON record (state, since) WHERE state > 0;"
    "CREATE INDEX record_own ON record (channel) WHERE channel IN ('license', 'updates');"
    "CREATE INDEX record_awaits ON record (state) WHERE wants_answer AND NOT answered;"
    "CREATE INDEX record_partly ON record (since) WHERE " STORE_PARTLY ";"
    "CREATE INDEX record_left_out ON record (since) WHERE " STORE_LEFT_OUT ";"
    "CREATE TABLE line (n INTEGER PRIMARY KEY, text BLOB NOT NULL) STRICT;"

    "CREATE TABLE stretch (first INTEGER PRIMARY KEY, last INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, channel TEXT NOT NULL, state INTEGER NOT NULL CHECK (state IN (0, "
    "1)),"
    " since INTEGER NOT NULL, relay INTEGER, refused INTEGER NOT NULL, most INTEGER NOT NULL,"
    " CHECK (first <= last)) STRICT;"
    "CREATE INDEX stretch_by_channel ON stretch (channel, state);"
    "CREATE INDEX stretch_stuck ON stretch (first) WHERE most = -1;"

    "CREATE TABLE destination (n INTEGER PRIMARY KEY,"
    " relay BLOB NOT NULL UNIQUE CHECK (length(relay) = 32)) STRICT;"

    "CREATE TABLE span (chunk INTEGER NOT NULL, first INTEGER NOT NULL, bundle INTEGER NOT NULL,"
    " last INTEGER NOT NULL, PRIMARY KEY (chunk, first, bundle)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX span_by_bundle ON span (bundle);"

    "CREATE TABLE tally (channel TEXT NOT NULL, state INTEGER NOT NULL, n INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, PRIMARY KEY (channel, state)) STRICT, WITHOUT ROWID;"
    "CREATE TRIGGER record_deleted AFTER DELETE ON record BEGIN"
    " DELETE FROM line WHERE n = OLD.n;"
    " UPDATE tally SET n = n - 1, bytes = bytes - OLD.size"
    " WHERE OLD.state > 0 AND channel = OLD.channel AND state = OLD.state; END;"

    "ALTER TABLE bundle ADD COLUMN left INTEGER NOT NULL DEFAULT 0;"
    "UPDATE bundle SET left = written;"
    "CREATE TRIGGER bundle_left AFTER UPDATE OF written ON bundle"
    " WHEN OLD.left = 0 AND NEW.written > 0 BEGIN"
    " UPDATE bundle SET left = NEW.written WHERE n = NEW.n; END;"

    "CREATE TABLE loss (n INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id BLOB NOT NULL UNIQUE CHECK (length(id) = 16), channel TEXT NOT NULL,"
    " policy TEXT NOT NULL, records INTEGER NOT NULL, first INTEGER NOT NULL,"
    " last INTEGER NOT NULL, at INTEGER NOT NULL, told INTEGER) STRICT;"
    "CREATE INDEX loss_untold ON loss (channel) WHERE told IS NULL;";
