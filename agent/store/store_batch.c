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

/* Room for one more entry and for `len` bytes of its line; NULL without. */
static struct store_batch_entry *new_entry(struct store_batch *b, size_t len, struct gf_err *e) {
    if (b->n == b->room) {
        size_t room = b->room ? 2 * b->room : 1;
        void *more = reallocarray(b->entries, room, sizeof *b->entries);
        if (!more) {
            (void)gf_err_errno(e, "no memory for a batch of %zu records", room);
            return NULL;
        }
        b->entries = more;
        b->room = room;
    }
    if (b->lines.max == 0)
        gf_buf_init(&b->lines, BATCH_MAX);
    if (len > 0 && !gf_buf_grow(&b->lines, len)) {
        (void)!gf_buf_check(&b->lines, "a batch of records", e);
        return NULL;
    }
    return &b->entries[b->n];
}

int store_batch_add(struct store_batch *b, const struct gf_record *r, struct gf_err *e) {
    size_t at = b->lines.len;

    if (r->body.form != GF_BODY_TEXT)
        return gf_err_set(e, GF_E_USAGE,
                          "record on %s: a body that is a file cannot be queued; give its bytes",
                          r->channel);
    struct store_batch_entry *x = new_entry(b, 0, e);
    if (!x || gf_record_write(r, &b->lines, e) == -1)
        return -1;
    b->n++;
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

/* ---- many of one kind ---- */

#define ID_AT     7 /* behind {"id":" */
#define NO_BODY   "\"body\":\"\""
#define BODY_TEXT 8 /* of these, what stands in front of the text */

int store_batch_like(struct store_batch *b, const struct gf_record *like, struct gf_err *e) {
    struct gf_record r = *like;

    b->first = b->first ? b->first : malloc(sizeof *b->first);
    if (!b->first)
        return gf_err_errno(e, "no memory for a batch");
    r.body = (struct gf_body){GF_BODY_TEXT, "", 0};
    if (b->like.max == 0)
        gf_buf_init(&b->like, GF_LINE_MAX);
    gf_buf_clear(&b->like);
    if (gf_record_write(&r, &b->like, e) == -1)
        return -1;
    *b->first = (struct store_batch_entry){
        .created = r.created, .wants_answer = r.answer != 0, .has_product = r.product != NULL};
    if (r.product)
        (void)snprintf(b->first->product, sizeof b->first->product, "%s", r.product);
    return 0;
}

/* Append a JSON text as a JSON string's content, as gf_json_put_str() would: the end, or NULL at a
 * byte that no JSON text holds. */
static char *put_json(char *out, const char *text, size_t len) {
    static const char escapes[256] = {
        ['"'] = '"', ['\\'] = '\\', ['\t'] = 't', ['\r'] = 'r', ['\n'] = 'n'};

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (escapes[c]) {
            *out++ = '\\';
            *out++ = escapes[c];
        } else if (c < 0x20) {
            return NULL;
        } else {
            *out++ = (char)c;
        }
    }
    return out;
}

int store_batch_json(struct store_batch *b, const struct gf_id *id, const char *body, size_t len,
                     struct gf_err *e) {
    const char *gap = strstr(b->like.data, NO_BODY);
    size_t head = (size_t)(gap - b->like.data) + BODY_TEXT;
    size_t tail = b->like.len - head;
    char uuid[GF_UUID_TEXT];

    if (len > GF_LINE_MAX)
        return gf_err_set(e, GF_E_LIMIT, "longer than %d bytes, the most that one record can hold",
                          GF_LINE_MAX);
    struct store_batch_entry *x = new_entry(b, b->like.len + 2 * len, e);
    if (!x)
        return -1;
    char *line = b->lines.data + b->lines.len;
    memcpy(line, b->like.data, head);
    gf_text_uuid(id, uuid);
    memcpy(line + ID_AT, uuid, GF_UUID_TEXT - 1);
    char *end = put_json(line + head, body, len);
    if (!end)
        return gf_err_set(e, GF_E_JSON, "a control character in a text");
    memcpy(end, b->like.data + head, tail);
    size_t size = (size_t)(end - line) + tail;
    if (size > GF_LINE_MAX)
        return gf_err_set(e, GF_E_LIMIT, "longer than %d bytes, the most that one record can hold",
                          GF_LINE_MAX);
    *x = *b->first;
    x->id = *id;
    x->at = b->lines.len;
    x->len = size;
    gf_digest_256(body, len, &x->digest);
    b->lines.len += size;
    b->lines.data[b->lines.len] = '\0';
    b->n++;
    return 0;
}

void store_batch_empty(struct store_batch *b) {
    b->n = 0;
    gf_buf_clear(&b->lines);
}

void store_batch_free(struct store_batch *b) {
    free(b->entries);
    free(b->first);
    gf_buf_free(&b->lines);
    gf_buf_free(&b->like);
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

int store_batch_insert(struct store *s, const char *channel, int64_t row, int64_t accepted,
                       struct gf_err *e) {
    if (db_run(&s->db, e,
               "INSERT INTO record (n, id, size, channel, product, created, accepted, digest,"
               " wants_answer) SELECT ?1 + i, id, size, ?2, product, created, ?3, digest, answer"
               " FROM batch",
               "iti", row, channel, accepted) == -1)
        return -1;
    return db_run(&s->db, e, "INSERT INTO line (n, text) SELECT ? + i, text FROM batch", "i", row);
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
