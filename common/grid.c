/*
 * grid.c -- the lines that a manager's relay and its agent exchange.
 */
#include "common/grid.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "gapferry/digest.h"
#include "gapferry/json.h"

#define NODE "node "

static const char *const words[] = {
    [GRID_ANSWER] = "answer ", [GRID_RECEIPT] = "receipt ", [GRID_HOLD] = "hold ",
    [GRID_NOTICE] = "notice ", [GRID_UPDATE] = "update ",
};

/* The entry that begins at `start` must fit one line of a spool; else it is taken back. */
static int check_length(struct gf_buf *out, size_t start, struct gf_err *e) {
    if (gf_buf_check(out, "an entry", e) == 0 && out->len - start <= GF_LINE_MAX)
        return 0;
    if (out->len - start > GF_LINE_MAX)
        (void)gf_err_set(e, GF_E_LIMIT,
                         "it is %zu bytes long as an entry; at most %d can be passed on",
                         out->len - start, GF_LINE_MAX);
    out->len = start;
    return -1;
}

int grid_node_write(const struct gf_id *there, const struct gf_record *r, struct gf_buf *out,
                    struct gf_err *e) {
    size_t start = out->len;
    char uuid[GF_UUID_TEXT];

    gf_text_uuid(there, uuid);
    gf_buf_printf(out, NODE "%s ", uuid);
    if (gf_record_write(r, out, e) == -1) {
        out->len = start;
        return -1;
    }
    return check_length(out, start, e);
}

int grid_node(const char *line, size_t len, struct gf_id *there, size_t *skip) {
    const size_t head = sizeof NODE - 1 + GF_UUID_TEXT; /* its NUL is our space */

    if (len <= head || memcmp(line, NODE, sizeof NODE - 1) != 0 || line[head - 1] != ' ' ||
        gf_text_unuuid(line + sizeof NODE - 1, GF_UUID_TEXT - 1, there) == -1)
        return 0;
    *skip = head;
    return 1;
}

int grid_return_write(const struct grid_return *r, struct gf_buf *out, struct gf_err *e) {
    size_t start = out->len;
    char node[GF_ID_TEXT];
    int rc;

    gf_buf_text(out, words[r->word]);
    if (r->word != GRID_NOTICE) {
        gf_text_hex(r->node.b, sizeof r->node.b, node);
        gf_buf_printf(out, "%s ", node);
    }
    if (r->word == GRID_NOTICE)
        rc = gf_notice_write(&r->notice, out, e);
    else if (r->word == GRID_ANSWER)
        rc = gf_answer_write(&r->answer, out, e);
    else if (r->word == GRID_UPDATE)
        rc = update_write(&r->update, out, e);
    else
        rc = gf_receipt_write(&r->receipt, out, e);
    if (rc == -1) {
        out->len = start;
        return -1;
    }
    return check_length(out, start, e);
}

static int parse_line(const char *line, size_t len, struct grid_return *r, struct gf_err *e) {
    if (r->word == GRID_NOTICE)
        return gf_notice_parse(line, len, &r->notice, e);
    if (r->word == GRID_ANSWER)
        return gf_answer_parse(line, len, &r->answer, e);
    if (r->word == GRID_UPDATE)
        return update_read(line, len, &r->update, e);
    return gf_receipt_parse(line, len, &r->receipt, e);
}

int grid_return_parse(const char *line, size_t len, struct grid_return *out, struct gf_err *e) {
    const size_t count = sizeof words / sizeof *words;
    struct grid_return r = {.word = GRID_ANSWER};
    size_t i = 0, at;

    *out = r;
    while (i < count && (len < strlen(words[i]) || memcmp(line, words[i], strlen(words[i])) != 0))
        i++;
    if (i == count)
        return gf_err_set(e, GF_E_RECORD, "not an entry of the returns");
    r.word = (enum grid_word)i;
    at = strlen(words[i]);
    if (r.word != GRID_NOTICE) {
        const size_t id = GF_ID_TEXT - 1;
        if (len - at <= id || line[at + id] != ' ' ||
            gf_text_unhex(line + at, id, r.node.b, sizeof r.node.b) == -1)
            return gf_err_set(e, GF_E_RECORD, "an entry of the returns that names no node");
        at += id + 1;
    }
    if (parse_line(line + at, len - at, &r, e) == -1)
        return -1;
    *out = r;
    return 0;
}

void grid_return_free(struct grid_return *r) {
    gf_answer_free(&r->answer);
    gf_receipt_free(&r->receipt);
    gf_notice_free(&r->notice);
    update_free(&r->update);
}

/* ---- files ---- */

void grid_answer_name(const struct gf_id *record, const char *body, size_t len,
                      char out[GRID_FILE]) {
    struct gf_digest d;
    struct gf_hash hash;

    gf_digest_begin_256(&d);
    gf_digest_add(&d, record->b, sizeof record->b);
    gf_digest_add(&d, body, len);
    gf_digest_end_256(&d, &hash);
    gf_text_hex(hash.b, sizeof hash.b, out);
}

int grid_file_name(const char *name, struct gf_hash *out) {
    struct gf_hash hash;

    return strlen(name) == GRID_FILE - 1 &&
           gf_text_unhex(name, GRID_FILE - 1, (out ? out : &hash)->b, sizeof hash.b) == 0;
}

int grid_file_mode(int dir, mode_t *out, struct gf_err *e) {
    struct stat st;

    if (fstat(dir, &st) == -1)
        return gf_err_errno(e, GRID_RETURNS);
    *out = (st.st_mode & S_IWGRP) != 0 ? 0640 : 0600;
    return 0;
}

/* ---- policy ---- */

const char *const grid_airgaps[] = {"carry", "hold", "discard", NULL};

int grid_policy_parse(const char *data, struct grid_policy *out) {
    const char *name = NULL, *consent = NULL;
    struct grid_policy p = {.denied = 0};
    struct gf_json_obj o;
    struct gf_json *j;
    struct gf_err e;
    int rc = -1;

    if (gf_json_parse(data, strlen(data), "policy", GF_E_RECORD, &j, &e) == -1)
        return -1;
    gf_json_root(j, &o);
    gf_json_str(&o, "channel", 1, GF_WORD_MAX, &name);
    gf_json_str_opt(&o, "consent", 1, 16, &consent);
    gf_json_enum(&o, "airgap", grid_airgaps, &p.airgap);
    if (gf_json_end(&o, &e) == 0 && gf_text_is_word(name, strlen(name), GF_WORD_MAX) &&
        (consent == NULL || strcmp(consent, "denied") == 0)) {
        p.denied = consent != NULL;
        (void)snprintf(p.channel, sizeof p.channel, "%s", name);
        *out = p;
        rc = 0;
    }
    gf_json_free(j);
    return rc;
}

void grid_policy_write(const struct grid_policy *p, struct gf_buf *out) {
    gf_buf_printf(out, "{\"channel\":\"%s\",\"consent\":%s,\"airgap\":\"%s\"}", p->channel,
                  p->denied ? "\"denied\"" : "null", grid_airgaps[p->airgap]);
}
