/*
 * ledger_prune.c -- what is settled for long enough is forgotten, in small steps; of a bundle its
 * number stays, so that it never takes effect again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/when.h"
#include "relay/ledger/ledger_internal.h"

#define DAY  86400
#define STEP 500 /* rows that one step looks at: some tens of milliseconds */
#define PATH 256 /* of a file below the state directory, with its NUL */
#define FACT "prune"

/*
 * past     numbers of bundles that are forgotten, as spans that neither touch nor overlap
 * indexes  for the questions below, over columns that are NULL in nearly every row
 */
const char ledger_prune_schema[] =
    "CREATE TABLE past ("
    " sender BLOB NOT NULL, stream BLOB NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,"
    " PRIMARY KEY (sender, stream, first)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX bundle_told_by ON bundle (told_by) WHERE told_by IS NOT NULL;"
    "CREATE INDEX conflict_bundle ON conflict (bundle);"
    "CREATE INDEX conflict_told_by ON conflict (told_by);"
    "CREATE INDEX response_void ON response (void_told_by) WHERE void_told_by IS NOT NULL;";

/* ---- where a pass stands ---- */

enum kind { RECORDS, CONFLICTS, BUNDLES, RESPONSES, KINDS };

/* As it is kept in the fact: a pass goes on where the step before has stopped, in whatever process.
 */
struct pass {
    int64_t next;   /* when the next pass may begin */
    int64_t kind;   /* KINDS: none is under way */
    int64_t row;    /* looked at up to this one */
    int64_t before; /* what is older than this is old */
    int64_t gone[KINDS];
};

static int load_pass(struct ledger *l, struct pass *p, struct gf_err *e) {
    *p = (struct pass){.kind = KINDS};
    return ledger_fact(l, FACT, p, sizeof *p, e) == -1 ? -1 : 0;
}

static int save_pass(struct ledger *l, const struct pass *p, struct gf_err *e) {
    return ledger_set_fact(l, FACT, p, sizeof *p, e);
}

/* ---- what may go ---- */

/*
 * Rows behind ?3, in order: row, when it came (NULL: unknown), whether it may go, and what the kind
 * needs to let it go. Old is what bears a time between ?1 and ?2. States from 5 on are the ends.
 *
 * The newest record stays, so that its row is given once: bundles know their records by their rows.
 * Of each stream the first and the newest bundle stay, by number and by date: the roll computes
 * from them who is forked. So do the newest number of a stream of responses, which the next one
 * follows, and number 0, which began it.
 */
static const char records[] =
    "SELECT row, received,"
    " state >= 5 AND told IS receipt AND again IS NULL AND told_by IN " LEDGER_HAS_IT
    "  AND received BETWEEN ?1 AND ?2 AND since BETWEEN ?1 AND ?2"
    "  AND row < (SELECT max(row) FROM record),"
    " NULL, NULL, bundle, file, (SELECT file FROM answer WHERE record = row) "
    "FROM record WHERE row > ?3 ORDER BY row LIMIT ?4";

static const char conflicts[] = "SELECT row, at, at BETWEEN ?1 AND ?2 AND told_by IN " LEDGER_HAS_IT
                                ", NULL, NULL, 0, NULL, NULL "
                                "FROM conflict WHERE row > ?3 ORDER BY row LIMIT ?4";

static const char bundles[] =
    "SELECT row, taken,"
    " taken BETWEEN ?1 AND ?2 AND (refused IS NULL OR told_by IN " LEDGER_HAS_IT ")"
    "  AND NOT EXISTS (SELECT 1 FROM record WHERE row BETWEEN b.first AND b.last)"
    "  AND NOT EXISTS (SELECT 1 FROM conflict WHERE bundle = b.row)"
    "  AND EXISTS (SELECT 1 FROM bundle AS n WHERE n.sender = b.sender AND n.stream = b.stream"
    "   AND n.seq > b.seq AND n.row > b.row AND n.created >= b.created)"
    "  AND EXISTS (SELECT 1 FROM bundle AS n WHERE n.sender = b.sender AND n.stream = b.stream"
    "   AND n.seq < b.seq AND (b.created = 0 OR n.created BETWEEN 1 AND b.created)),"
    " sender, stream, seq, NULL, NULL "
    "FROM bundle AS b WHERE row > ?3 ORDER BY row LIMIT ?4";

static const char responses[] =
    "SELECT row, noted,"
    " seq > 0 AND EXISTS (SELECT 1 FROM response AS n WHERE n.stream = r.stream AND n.seq > r.seq"
    "  AND n.noted IS NOT NULL) AND CASE WHEN noted IS NULL"
    " THEN void_told_by IN (SELECT row FROM response WHERE acknowledged IS NOT NULL"
    "  AND noted BETWEEN ?1 AND ?2)"
    " ELSE (acknowledged IS NOT NULL OR lost IS NOT NULL) AND noted BETWEEN ?1 AND ?2"
    "  AND NOT EXISTS (SELECT 1 FROM record WHERE told_by = r.row)"
    "  AND NOT EXISTS (SELECT 1 FROM conflict WHERE told_by = r.row)"
    "  AND NOT EXISTS (SELECT 1 FROM bundle WHERE told_by = r.row)"
    "  AND NOT EXISTS (SELECT 1 FROM fork WHERE told_by = r.row)"
    "  AND NOT EXISTS (SELECT 1 FROM update_part WHERE told_by = r.row)"
    "  AND NOT EXISTS (SELECT 1 FROM notice_told WHERE told_by = r.row)"
    "  AND NOT EXISTS (SELECT 1 FROM response AS v WHERE v.void_told_by = r.row) END,"
    " NULL, NULL, 0, NULL, NULL "
    "FROM response AS r WHERE row > ?3 ORDER BY row LIMIT ?4";

static const char *const look_at[KINDS] = {records, conflicts, bundles, responses};

struct seen {
    int64_t row, at; /* at 0: unknown */
    int goes;
    struct gf_hash sender; /* of a bundle, */
    struct gf_id stream;
    int64_t number;                /* its seq; of a record: its bundle's row */
    char file[PATH], answer[PATH]; /* "": none */
};

static int read_seen(const struct db_query *q, void *element, struct gf_err *e) {
    enum { ROW, AT, GOES, SENDER, STREAM, NUMBER, FILE_OF, ANSWER };
    const char *file = db_text(q, FILE_OF), *answer = db_text(q, ANSWER);
    struct seen *x = element;

    x->row = db_int(q, ROW);
    x->at = db_int(q, AT);
    x->goes = db_int(q, GOES) != 0;
    x->number = db_int(q, NUMBER);
    if (!db_is_null(q, SENDER) && (db_fixed(q, SENDER, &x->sender, sizeof x->sender) == -1 ||
                                   db_fixed(q, STREAM, &x->stream, sizeof x->stream) == -1))
        return gf_err_set(e, GF_E_DAMAGED, "%s: a bundle without sender or stream", q->d->path);
    (void)snprintf(x->file, sizeof x->file, "%s", file != NULL ? file : "");
    (void)snprintf(x->answer, sizeof x->answer, "%s", answer != NULL ? answer : "");
    return 0;
}

/* ---- letting go ---- */

static int remove_file(struct ledger *l, const char *path, struct gf_err *e) {
    if (path[0] == '\0' || unlinkat(l->dir_fd, path, 0) == 0 || errno == ENOENT)
        return 0;
    return gf_err_errno(e, "%s/%s", l->dir, path);
}

/* Files go before the rows that name them: after a crash both are looked at again. */
static int forget_record(struct ledger *l, const struct seen *x, struct gf_err *e) {
    static const char *const from[] = {
        "DELETE FROM line WHERE record = ?", "DELETE FROM attempt WHERE record = ?",
        "DELETE FROM answer WHERE record = ?", "DELETE FROM progress WHERE record = ?",
        "DELETE FROM record WHERE row = ?"};
    int64_t sharing = 0;
    int rc = 0;

    if (x->file[0] != '\0')
        rc = db_number(&l->db, &sharing, 0, e,
                       "SELECT count(*) FROM bundle AS b JOIN record AS r ON r.row BETWEEN b.first "
                       "AND b.last WHERE b.row = ? AND r.file = ?",
                       "it", x->number, x->file);
    if (rc == 0 && sharing == 1)
        rc = remove_file(l, x->file, e);
    if (rc == 0)
        rc = remove_file(l, x->answer, e);
    for (size_t i = 0; rc == 0 && i < sizeof from / sizeof *from; i++)
        rc = db_run(&l->db, e, from[i], "i", x->row);
    return rc;
}

/* Its number joins the span before it, and that one the span behind it. */
static int forget_bundle(struct ledger *l, const struct seen *x, struct gf_err *e) {
    const size_t id = sizeof x->stream, hash = sizeof x->sender;
    int64_t last = x->number;

    if (db_run(&l->db, e,
               "INSERT INTO tally (name, n) SELECT 'forgotten', 1 FROM bundle WHERE row = ? AND "
               "refused IS NULL ON CONFLICT (name) DO UPDATE SET n = n + 1",
               "i", x->row) == -1 ||
        db_run(&l->db, e, "DELETE FROM bundle WHERE row = ?", "i", x->row) == -1 ||
        db_number(&l->db, &last, x->number, e,
                  "SELECT last FROM past WHERE sender = ? AND stream = ? AND first = ?", "bbi",
                  &x->sender, hash, &x->stream, id, x->number + 1) == -1 ||
        db_run(&l->db, e, "DELETE FROM past WHERE sender = ? AND stream = ? AND first = ?", "bbi",
               &x->sender, hash, &x->stream, id, x->number + 1) == -1 ||
        db_run(&l->db, e,
               "UPDATE past SET last = ?4 WHERE sender = ?1 AND stream = ?2 AND last = ?3 - 1 AND "
               "first = (SELECT max(first) FROM past WHERE sender = ?1 AND stream = ?2 AND first < "
               "?3)",
               "bbii", &x->sender, hash, &x->stream, id, x->number, last) == -1)
        return -1;
    if (db_changes(&l->db) > 0)
        return 0;
    return db_run(&l->db, e, "INSERT INTO past (sender, stream, first, last) VALUES (?, ?, ?, ?)",
                  "bbii", &x->sender, hash, &x->stream, id, x->number, last);
}

static int forget(struct ledger *l, enum kind kind, const struct seen *x, struct gf_err *e) {
    if (kind == RECORDS)
        return forget_record(l, x, e);
    if (kind == BUNDLES)
        return forget_bundle(l, x, e);
    if (kind == CONFLICTS)
        return db_run(&l->db, e, "DELETE FROM conflict WHERE row = ?", "i", x->row);
    return db_run(&l->db, e, "DELETE FROM response WHERE row = ?", "i", x->row);
}

/* ---- steps ---- */

/* Rows stand in the order in which they came: behind the first that is young (one whose date lies
 * ahead is of a clock that was wrong) all are. */
static int look(struct ledger *l, struct pass *p, int64_t now, struct gf_err *e) {
    const enum kind kind = (enum kind)p->kind;
    struct seen *list = NULL;
    struct db_query q;
    size_t n = 0;
    int more = 0;

    int rc = db_list(&q,
                     db_query(&l->db, &q, e, look_at[kind], "iiii", (int64_t)WHEN_FIRST,
                              p->before - 1, p->row, (int64_t)STEP),
                     sizeof *list, read_seen, &list, &n, e);
    more = rc == 0 && n == STEP;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        p->row = list[i].row;
        if (list[i].at >= p->before && list[i].at <= now)
            more = 0;
        if (list[i].goes)
            rc = forget(l, kind, &list[i], e);
        if (rc == 0)
            p->gone[kind] += list[i].goes;
    }
    free(list);
    if (rc == 0 && !more) {
        p->kind++;
        p->row = 0;
    }
    return rc;
}

/* What a whole pass has removed is one line of the chain. */
static int end_pass(struct ledger *l, const struct pass *p, int64_t now, struct gf_err *e) {
    char before[GF_TIME_TEXT], members[300];

    if (p->gone[RECORDS] + p->gone[CONFLICTS] + p->gone[BUNDLES] + p->gone[RESPONSES] == 0)
        return 0;
    gf_text_time(p->before, before);
    (void)snprintf(members, sizeof members,
                   "\"records\":%" PRId64 ",\"bundles\":%" PRId64 ",\"responses\":%" PRId64
                   ",\"before\":\"%s\"",
                   p->gone[RECORDS], p->gone[BUNDLES], p->gone[RESPONSES], before);
    return ledger_audit(l, now, "prune", members, e);
}

int ledger_prune(struct ledger *l, int64_t now, struct ledger_pruned *sum, struct gf_err *e) {
    struct pass p, was;

    if (load_pass(l, &p, e) == -1)
        return -1;
    if (p.kind < 0 || p.kind >= KINDS) {
        if (p.next > now && p.next - now <= DAY)
            return 0;
        p = (struct pass){.next = now + DAY, .before = now - LEDGER_KEEP};
    }
    was = p;
    if (db_begin(&l->db, e) == -1)
        return -1;
    int rc = look(l, &p, now, e);
    if (rc == 0 && p.kind == KINDS)
        rc = end_pass(l, &p, now, e);
    if (rc == 0)
        rc = save_pass(l, &p, e);
    if (db_end(&l->db, rc, e) == -1)
        return -1;
    sum->records += p.gone[RECORDS] - was.gone[RECORDS];
    sum->bundles += p.gone[BUNDLES] - was.gone[BUNDLES];
    sum->responses += p.gone[RESPONSES] - was.gone[RESPONSES];
    return p.kind < KINDS;
}
