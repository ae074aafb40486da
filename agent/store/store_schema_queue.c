/*
 * store_schema_queue.c -- a step of the tables: what the queue needs for a million records, for
 * caps, refusals and several relays.
 */
#include "agent/store/store_internal.h"

/*
 * line    a record's frozen line, apart from what changes: moving a record does not rewrite it
 * tally   how many records of a channel are in a state, and the bytes of their lines, so that
 * nobody has to count a million rows; kept by the triggers, but for what moves a million at once:
 *         acceptance (store_accept.c) and export (store_bundles.c) count for themselves
 * record  relay: the destination it belongs to since it was first exported (a small number: naming
 *         it does not make the row longer); size: bytes of its line; refused: how many refused
 *         bundles held it; most: since then its bundles hold at most that many records, 0: no such
 *         limit, -1: alone it was refused, too, and a person is needed
 * span    the rows that a bundle carried, from first to last, within one chunk of STORE_CHUNK rows:
 *         a record's bundles are found among the few spans of its chunk
 * bundle  left: when it was first written
 * loss    what declared policy has dropped; told: the bundle that said so, NULL: none yet
 */
const char store_schema_queue[] =
    "CREATE TABLE line (n INTEGER PRIMARY KEY, text BLOB NOT NULL) STRICT;"
    "INSERT INTO line (n, text) SELECT n, line FROM record;"
    "ALTER TABLE record ADD COLUMN size INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE record ADD COLUMN relay INTEGER;"
    "ALTER TABLE record ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE record ADD COLUMN most INTEGER NOT NULL DEFAULT 0;"
    "UPDATE record SET size = length(line);"
    "ALTER TABLE record DROP COLUMN line;"
    "CREATE INDEX record_by_state ON record (state, channel);"
    "CREATE INDEX record_awaits ON record (state) WHERE wants_answer AND NOT answered;"
    "CREATE INDEX record_stuck ON record (channel) WHERE most = -1 AND state = 0;"

    "CREATE TABLE destination (n INTEGER PRIMARY KEY,"
    " relay BLOB NOT NULL UNIQUE CHECK (length(relay) = 32)) STRICT;"

    "CREATE TABLE span (chunk INTEGER NOT NULL, first INTEGER NOT NULL, bundle INTEGER NOT NULL,"
    " last INTEGER NOT NULL, PRIMARY KEY (chunk, first, bundle)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX span_by_bundle ON span (bundle);"

    "CREATE TABLE tally (channel TEXT NOT NULL, state INTEGER NOT NULL, n INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, PRIMARY KEY (channel, state)) STRICT, WITHOUT ROWID;"
    "INSERT INTO tally SELECT channel, state, count(*), sum(size) FROM record"
    " GROUP BY channel, state;"
    "CREATE TRIGGER record_moved AFTER UPDATE OF state ON record WHEN OLD.state <> NEW.state"
    " AND NOT (OLD.state = 0 AND NEW.state = 1) BEGIN"
    " UPDATE tally SET n = n - 1, bytes = bytes - OLD.size"
    " WHERE channel = OLD.channel AND state = OLD.state;"
    " INSERT INTO tally VALUES (NEW.channel, NEW.state, 1, NEW.size)"
    " ON CONFLICT DO UPDATE SET n = n + 1, bytes = bytes + excluded.bytes; END;"
    "CREATE TRIGGER record_deleted AFTER DELETE ON record BEGIN"
    " DELETE FROM line WHERE n = OLD.n;"
    " UPDATE tally SET n = n - 1, bytes = bytes - OLD.size"
    " WHERE channel = OLD.channel AND state = OLD.state; END;"

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
