/*
 * store_batch.c -- records to be accepted together, and the table `batch` that shows them to SQL:
 * one INSERT ... SELECT takes a thousand, where a statement for each would cost more than the rows.
 */
#include "agent/store/store_internal.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gapferry/digest.h"

#define BATCH_MAX (256 << 20) /* bytes of lines in one batch */

int store_batch_add(struct store_batch *b, const struct gf_record *r, struct gf_err *e) {
    size_t at = b->lines.len;

    if (r->body.form != GF_BODY_TEXT)
        return gf_err_set(e, GF_E_USAGE,
                          "record on %s: a body that is a file cannot be queued; give its bytes",
                          r->channel);
    if (b->n == b->room) {
        size_t room = b->room ? 2 * b->room : 1;
        void *more = reallocarray(b->entries, room, sizeof *b->entries);
        if (!more)
            return gf_err_errno(e, "no memory for a batch of %zu records", room);
        b->entries = more;
        b->room = room;
    }
    if (b->lines.max == 0)
        gf_buf_init(&b->lines, BATCH_MAX);
    if (gf_record_write(r, &b->lines, e) == -1)
        return -1;

    struct store_batch_entry *x = &b->entries[b->n++];
    *x = (struct store_batch_entry){.id = r->id,
                                    .created = r->created,
                                    .wants_answer = r->answer != 0,
                                    .at = at,
                                    .len = b->lines.len - at,
                                    .has_product = r->product != NULL};
    if (r->product)
        (void)snprintf(x->product, sizeof x->product, "%s", r->product);
    gf_digest_256(r->body.data, r->body.len, &x->digest);
    return 0;
}

void store_batch_empty(struct store_batch *b) {
    b->n = 0;
    gf_buf_clear(&b->lines);
}

void store_batch_free(struct store_batch *b) {
    free(b->entries);
    gf_buf_free(&b->lines);
    *b = (struct store_batch){0};
}

/* ---- the table `batch`: a row for each entry that is offered (struct store, offer) ---- */

enum column {
    COLUMN_I,
    COLUMN_ID,
    COLUMN_DIGEST,
    COLUMN_PRODUCT,
    COLUMN_CREATED,
    COLUMN_ANSWER,
    COLUMN_SIZE,
    COLUMN_TEXT
};

struct table {
    sqlite3_vtab base;
    const struct store_offer *offer;
};

struct cursor {
    sqlite3_vtab_cursor base;
    size_t at;
};

static const struct store_offer *offer_of(const struct cursor *c) {
    return ((const struct table *)c->base.pVtab)->offer;
}

static int table_connect(sqlite3 *handle, void *aux, int argc, const char *const *argv,
                         sqlite3_vtab **out, char **message) {
    (void)argc;
    (void)argv;
    (void)message;
    int rc = sqlite3_declare_vtab(
        handle, "CREATE TABLE x (i, id, digest, product, created, answer, size, text)");
    if (rc != SQLITE_OK)
        return rc;
    struct table *t = sqlite3_malloc(sizeof *t);
    if (!t)
        return SQLITE_NOMEM;
    *t = (struct table){.offer = aux};
    *out = &t->base;
    return SQLITE_OK;
}

static int table_disconnect(sqlite3_vtab *t) {
    sqlite3_free(t);
    return SQLITE_OK;
}

static int table_plan(sqlite3_vtab *t, sqlite3_index_info *info) {
    (void)t;
    info->estimatedCost = 1000;
    info->estimatedRows = 1000;
    return SQLITE_OK;
}

static int cursor_open(sqlite3_vtab *t, sqlite3_vtab_cursor **out) {
    (void)t;
    struct cursor *c = sqlite3_malloc(sizeof *c);
    if (!c)
        return SQLITE_NOMEM;
    *c = (struct cursor){.at = 0};
    *out = &c->base;
    return SQLITE_OK;
}

static int cursor_close(sqlite3_vtab_cursor *c) {
    sqlite3_free(c);
    return SQLITE_OK;
}

static int cursor_begin(sqlite3_vtab_cursor *base, int plan, const char *text, int argc,
                        sqlite3_value **argv) {
    struct cursor *c = (struct cursor *)base;

    (void)plan;
    (void)text;
    (void)argc;
    (void)argv;
    c->at = offer_of(c)->from;
    return SQLITE_OK;
}

static int cursor_next(sqlite3_vtab_cursor *base) {
    ((struct cursor *)base)->at++;
    return SQLITE_OK;
}

static int cursor_eof(sqlite3_vtab_cursor *base) {
    const struct cursor *c = (const struct cursor *)base;
    return c->at >= offer_of(c)->to;
}

static int cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *out, int column) {
    const struct cursor *c = (const struct cursor *)base;
    const struct store_offer *o = offer_of(c);
    const struct store_batch_entry *x = &o->batch->entries[c->at];

    switch ((enum column)column) {
    case COLUMN_I:
        sqlite3_result_int64(out, (sqlite3_int64)(c->at - o->from));
        break;
    case COLUMN_ID:
        sqlite3_result_blob(out, x->id.b, sizeof x->id.b, SQLITE_STATIC);
        break;
    case COLUMN_DIGEST:
        sqlite3_result_blob(out, x->digest.b, sizeof x->digest.b, SQLITE_STATIC);
        break;
    case COLUMN_PRODUCT:
        if (x->has_product)
            sqlite3_result_text(out, x->product, -1, SQLITE_STATIC);
        break;
    case COLUMN_CREATED:
        sqlite3_result_int64(out, x->created);
        break;
    case COLUMN_ANSWER:
        sqlite3_result_int64(out, x->wants_answer);
        break;
    case COLUMN_SIZE:
        sqlite3_result_int64(out, (sqlite3_int64)x->len);
        break;
    case COLUMN_TEXT:
        sqlite3_result_blob64(out, o->batch->lines.data + x->at, x->len, SQLITE_STATIC);
        break;
    }
    return SQLITE_OK;
}

static int cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
    *out = (sqlite3_int64)((const struct cursor *)base)->at;
    return SQLITE_OK;
}

int store_batch_table(struct store *s, struct gf_err *e) {
    static const sqlite3_module module = {
        .xConnect = table_connect,
        .xBestIndex = table_plan,
        .xDisconnect = table_disconnect,
        .xOpen = cursor_open,
        .xClose = cursor_close,
        .xFilter = cursor_begin,
        .xNext = cursor_next,
        .xEof = cursor_eof,
        .xColumn = cursor_column,
        .xRowid = cursor_rowid,
    };

    if (sqlite3_create_module_v2(s->db.handle, "batch", &module, &s->offer, NULL) == SQLITE_OK)
        return 0;
    return gf_err_set(e, GF_E_SYSTEM, "%s: no memory", s->path);
}
