/*
 * ledger_answer.c -- delivery, and the endpoint's answer that travels back.
 */
#include <stdio.h>
#include <string.h>

#include "gapferry/file.h"
#include "relay/ledger/ledger_internal.h"

/* Bytes of an answer's headers that are kept: names and values, each with a NUL. */
#define HEADERS_MAX 65536

/* Headers as a blob. Endpoints write what they like; what an answer's line cannot carry is left
 * out, so that it does not hold back the body. */
static int pack_headers(const struct ledger_answer *a, const struct gf_id *record,
                        struct gf_buf *out, struct gf_err *e) {
    const char *kept[2 * (size_t)GF_JSON_MEMBERS_MAX];
    struct gf_answer try = {.record = *record, .headers = kept, .body = {.data = "", .len = 0}};
    struct gf_buf line;
    struct gf_err why;

    gf_buf_init(&line, GF_LINE_MAX);
    for (size_t i = 0; i < a->nheaders && try.nheaders < GF_JSON_MEMBERS_MAX; i++) {
        size_t room = out->len + strlen(a->headers[2 * i]) + strlen(a->headers[2 * i + 1]) + 2;
        kept[2 * try.nheaders] = a->headers[2 * i];
        kept[2 * try.nheaders + 1] = a->headers[2 * i + 1];
        try.nheaders++;
        gf_buf_clear(&line);
        if (room > HEADERS_MAX || gf_answer_write(&try, &line, &why) == -1) {
            try.nheaders--;
            continue;
        }
        gf_buf_add(out, a->headers[2 * i], strlen(a->headers[2 * i]) + 1);
        gf_buf_add(out, a->headers[2 * i + 1], strlen(a->headers[2 * i + 1]) + 1);
    }
    gf_buf_free(&line);
    return gf_buf_check(out, "the headers of an answer", e);
}

/* A long body stands beside the database; it is there before the transaction that names it. */
static int save_body(struct ledger *l, const char *path, const struct ledger_answer *a,
                     struct gf_err *e) {
    if (gf_file_save(l->dir_fd, path, a->body, a->len, 0600, e) == -1)
        return gf_err_prefix(e, "%s", l->dir);
    return 0;
}

static int keep_answer(struct ledger *l, int64_t row, const struct ledger_answer *a,
                       const char *file, const struct gf_buf *headers, struct gf_err *e) {
    if (file == NULL)
        return db_run(
            &l->db, e,
            "INSERT OR REPLACE INTO answer (record, status, headers, body) VALUES (?, ?, ?, ?)",
            "iibb", row, a->status, headers->data != NULL ? headers->data : "", headers->len,
            a->len > 0 ? a->body : "", a->len);
    return db_run(
        &l->db, e,
        "INSERT OR REPLACE INTO answer (record, status, headers, file) VALUES (?, ?, ?, ?)", "iibt",
        row, a->status, headers->data != NULL ? headers->data : "", headers->len, file);
}

/* Whether the record wants an answer, and its id. */
static int find(struct ledger *l, int64_t row, struct gf_id *id, int *wants, struct gf_err *e) {
    struct db_query q;
    int rc = db_query(&l->db, &q, e, "SELECT id, wants_answer FROM record WHERE row = ?", "i", row);

    *wants = 0;
    if (rc == 0 && (rc = db_next(&q, e)) == 1) {
        *wants = db_int(&q, 1) != 0;
        rc = db_fixed(&q, 0, id, sizeof *id);
    }
    db_done(&q);
    return rc;
}

int ledger_answered(struct ledger *l, int64_t row, enum gf_guarantee g,
                    const struct ledger_answer *answer, int64_t now, struct gf_err *e) {
    char path[64];
    struct gf_buf headers;
    struct gf_id id;
    int wants = 0;
    int rc = -1;

    if (answer != NULL && find(l, row, &id, &wants, e) == -1)
        return -1;
    int keep = wants && answer != NULL;
    int outside = keep && answer->len > LEDGER_ANSWER_INSIDE;
    (void)snprintf(path, sizeof path, "files/answer-%lld", (long long)row);
    gf_buf_init(&headers, HEADERS_MAX);
    if ((keep && pack_headers(answer, &id, &headers, e) == -1) ||
        (outside && save_body(l, path, answer, e) == -1) || db_begin_step(&l->db, e) == -1)
        goto out;
    rc = ledger_delivered(l, &row, 1, g, now, e);
    if (rc == 0 && keep)
        rc = keep_answer(l, row, answer, outside ? path : NULL, &headers, e);
    rc = db_end_step(&l->db, rc, e);
out:
    gf_buf_free(&headers);
    return rc;
}

int ledger_answer_keep(struct ledger *l, int64_t row, const struct ledger_answer *a,
                       struct gf_err *e) {
    int outside = a->len > LEDGER_ANSWER_INSIDE;
    char path[64];
    struct gf_buf headers;
    struct gf_id id;
    int wants = 0;

    if (find(l, row, &id, &wants, e) == -1)
        return -1;
    if (!wants)
        return 0;
    (void)snprintf(path, sizeof path, "files/answer-%lld", (long long)row);
    gf_buf_init(&headers, HEADERS_MAX);
    int rc = pack_headers(a, &id, &headers, e);
    if (rc == 0 && outside)
        rc = save_body(l, path, a, e);
    if (rc == 0)
        rc = keep_answer(l, row, a, outside ? path : NULL, &headers, e);
    gf_buf_free(&headers);
    return rc == -1 ? -1 : 1;
}
