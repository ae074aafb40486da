/*
 * apply_items.c -- what a verified response says, into the store: each item on its own merits, all
 * of them in one transaction.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/apply_parts.h"
#include "agent/forked.h"
#include "agent/history.h"
#include "agent/notice.h"
#include "agent/returns.h"
#include "agent/store/store_grid.h"
#include "agent/updates/updates.h"
#include "common/log.h"
#include "gapferry/file.h"
#include "gapferry/lines.h"

/* Rejected records of one response that are warned of, which a terminal shows; others are for the
 * journal alone, for a sink that takes nothing rejects all that there is. */
#define WARN_MAX 5

#define ANSWER_FILE_MAX (GF_DOCUMENT_MAX + 65536) /* a document and its signatures */

struct applying {
    const struct response *r;
    struct apply_result result;
    int64_t items;
    struct updates_files *files; /* members files/..., NULL until they are opened */
    int came;                    /* 1: files or a manifest: artifacts may be complete now */
    union {
        char licence[AGENT_REFUSED];
        char manifest[UPDATES_WORDS];
    } words; /* why an answer cannot be used */
};

static void log_item(enum log_level level, const char *event, const struct gf_id *record,
                     const char *why) {
    char uuid[GF_UUID_TEXT];

    gf_text_uuid(record, uuid);
    log_write(level, event, {"record", uuid, 0}, {"why", why ? why : "", 0});
}

/* ---- receipts ---- */

static int take_receipt(struct applying *x, const char *line, size_t len, struct gf_err *e) {
    const struct gf_hash *relay = &x->r->head->header.from;
    struct gf_receipt receipt;
    const char *odd = NULL;

    if (gf_receipt_parse(line, len, &receipt, e) == -1)
        return -1;
    int moved = store_receipt(x->r->a->store, relay, &receipt, x->r->a->now, &odd, e);
    if (moved == 1) {
        int64_t *const counters[] = {
            [GF_STATE_RELAYED] = &x->result.relayed,
            [GF_STATE_DELIVERED] = &x->result.delivered,
            [GF_STATE_REJECTED] = &x->result.rejected,
            [GF_STATE_EXPIRED] = &x->result.expired,
        };
        ++*counters[receipt.state];
        if (receipt.state == GF_STATE_REJECTED)
            log_item(x->result.rejected <= WARN_MAX ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
                     "record-rejected", &receipt.record, receipt.reason);
    }
    if (moved == 0 && odd && strcmp(odd, STORE_ODD_DENIED) == 0) {
        x->result.denied++;
        x->result.denied_id = receipt.record;
        x->result.denied_state = receipt.state;
        log_item(LOG_LEVEL_INFO, "receipt-of-denied", &receipt.record, odd);
    } else if (moved == 0 && odd) {
        x->result.odd++;
        log_item(LOG_LEVEL_WARNING, "receipt-odd", &receipt.record, odd);
    }
    gf_receipt_free(&receipt);
    return moved == -1 ? -1 : 0;
}

/* ---- answers ---- */

/* A licence document, or the word that it is none. *refused stays NULL if it was installed. */
static int take_license(struct applying *x, const struct gf_answer *answer, const char **refused,
                        struct gf_err *e) {
    struct agent *a = x->r->a;
    struct gf_buf file;
    struct gf_err why;
    int rc;

    if (answer->status != 0 && (answer->status < 200 || answer->status > 299)) {
        *refused = "the vendor's answer is no licence: its status says that the request failed";
        return 0;
    }
    if (answer->body.form == GF_BODY_TEXT) {
        rc = agent_license_answer(a, &answer->record, answer->body.data, answer->body.len,
                                  x->words.licence, e);
    } else if (gf_file_load(x->r->dir, answer->body.data, ANSWER_FILE_MAX, &file, &why) == 0) {
        rc = agent_license_answer(a, &answer->record, file.data ? file.data : "", file.len,
                                  x->words.licence, e);
        gf_buf_free(&file);
    } else {
        gf_buf_free(&file);
        if (why.code == GF_E_SYSTEM) {
            *e = why;
            return -1;
        }
        *refused = "its file is not in the bundle, or larger than any licence";
        return 0;
    }
    if (rc == 0 && x->words.licence[0] != '\0')
        *refused = x->words.licence;
    return rc;
}

/* An update's manifest; its artifacts come as further files, of this response or of others. */
static int take_update(struct applying *x, const struct gf_answer *answer, const char **refused,
                       struct gf_err *e) {
    const struct gf_hash *relay = &x->r->head->header.from;
    struct gf_buf file;
    struct gf_err why;
    int rc;

    if (answer->body.form == GF_BODY_TEXT) {
        rc = agent_update_answer(x->r->a, relay, answer, answer->body.data, answer->body.len,
                                 x->words.manifest, e);
    } else if (gf_file_load(x->r->dir, answer->body.data, UPDATE_FILE_MAX, &file, &why) == 0) {
        rc = agent_update_answer(x->r->a, relay, answer, file.data ? file.data : "", file.len,
                                 x->words.manifest, e);
        gf_buf_free(&file);
    } else {
        gf_buf_free(&file);
        if (why.code == GF_E_SYSTEM) {
            *e = why;
            return -1;
        }
        *refused = "its file is not in the bundle, or larger than any manifest";
        return 0;
    }
    if (rc == 0 && x->words.manifest[0])
        *refused = x->words.manifest;
    x->came = 1;
    return rc;
}

/* What the answer is good for here: as a licence, or a manifest, or for a node of the grid. */
static int use_answer(struct applying *x, const struct gf_answer *answer, const char *channel,
                      const char **refused, struct gf_err *e) {
    struct agent *a = x->r->a;
    struct store_node node;

    int from_node = store_node(a->store, &answer->record, &node, e);
    if (from_node == -1)
        return -1;
    if (from_node) {
        x->came |= strcmp(channel, UPDATES_CHANNEL) == 0;
        return returns_answer(a, &node, channel, &x->r->head->header.from, answer, x->r->dir, e);
    }
    if (strcmp(channel, "license") == 0)
        return take_license(x, answer, refused, e);
    return strcmp(channel, UPDATES_CHANNEL) == 0 ? take_update(x, answer, refused, e) : 0;
}

static int apply_answer(struct applying *x, const struct gf_answer *answer, struct gf_err *e) {
    struct agent *a = x->r->a;
    char channel[GF_WORD_MAX + 1];
    const char *refused = NULL;

    /* An answer that came before in another bundle, or to what never went to this relay, is not
     * ours to apply. */
    int expected = store_expects(a->store, &x->r->head->header.from, &answer->record, channel, e);
    if (expected != 1) {
        if (expected == 0)
            log_item(LOG_LEVEL_INFO, "answer-unexpected", &answer->record,
                     "no record of ours waits for it");
        return expected;
    }
    if (answer->body.form == GF_BODY_FILE)
        updates_files_used(x->files, answer->body.data);
    if (use_answer(x, answer, channel, &refused, e) == -1 ||
        store_answered(a->store, &answer->record, refused, a->now, e) == -1)
        return -1;
    if (refused) {
        x->result.unusable++;
        log_item(LOG_LEVEL_WARNING, "answer-unusable", &answer->record, refused);
    } else {
        x->result.answers++;
    }
    return 0;
}

static int take_answer(struct applying *x, const char *line, size_t len, struct gf_err *e) {
    struct gf_answer answer;

    if (gf_answer_parse(line, len, &answer, e) == -1)
        return -1;
    int rc = apply_answer(x, &answer, e);
    gf_answer_free(&answer);
    return rc;
}

/* ---- refusals and notices ---- */

/* The records of a fork are not at fault: whatever carries them next may be taken. */
static int give_back(struct agent *a, const struct gf_refusal *refusal,
                     const struct store_bundle *b, int64_t *again, int64_t *stuck,
                     struct gf_err *e) {
    if (strcmp(refusal->code, FORKED_CODE) != 0)
        return store_refused(a->store, &refusal->bundle, a->now, again, stuck, e);
    if (store_withdraw(a->store, &refusal->bundle, a->now, again, e) == -1)
        return -1;
    return forked_note(a, &b->stream, e);
}

static int apply_refusal(struct applying *x, const struct gf_refusal *refusal, struct gf_err *e) {
    struct agent *a = x->r->a;
    char id[GF_ID_TEXT];
    struct store_bundle b;
    int64_t again = 0, stuck = 0;

    int known = store_bundle(a->store, &refusal->bundle, &b, e);
    if (known == -1)
        return -1;
    if (!known || b.settled || memcmp(b.relay.b, x->r->head->header.from.b, sizeof b.relay.b) != 0)
        return 0;
    if (give_back(a, refusal, &b, &again, &stuck, e) == -1)
        return -1;
    x->result.refusals++;
    gf_text_hex(refusal->bundle.b, sizeof refusal->bundle.b, id);
    log_write(LOG_LEVEL_WARNING, "bundle-refused", {"bundle", id, 0}, {"code", refusal->code, 0},
              {"why", refusal->reason, 0}, {"queued_again", NULL, again},
              {"need_a_person", NULL, stuck});
    return 0;
}

static int take_refusal(struct applying *x, const char *line, size_t len, struct gf_err *e) {
    struct gf_refusal refusal;

    if (gf_refusal_parse(line, len, &refusal, e) == -1)
        return -1;
    int rc = apply_refusal(x, &refusal, e);
    gf_refusal_free(&refusal);
    return rc;
}

static int take_notice(struct applying *x, const char *line, size_t len, struct gf_err *e) {
    struct gf_notice notice;

    if (gf_notice_parse(line, len, &notice, e) == -1)
        return -1;
    x->result.notices++;
    int rc = agent_notice(x->r->a, &x->r->head->header.from, &notice, e);
    gf_notice_free(&notice);
    return rc;
}

/* ---- all of them ---- */

typedef int take_line(struct applying *x, const char *line, size_t len, struct gf_err *e);

/* Every line of a member; one that is not in the bundle has none. */
static int each_line(struct applying *x, enum gf_member m, take_line *take, struct gf_err *e) {
    const char *name = gf_contents_names[m];
    struct gf_lines lines;
    const char *line;
    size_t len = 0;
    size_t i = 0;
    int ended;
    int rc;

    while (i < x->r->contents->nmembers && strcmp(x->r->contents->members[i].member, name) != 0)
        i++;
    if (i == x->r->contents->nmembers)
        return 0;
    int fd = openat(x->r->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1)
        return gf_err_errno(e, "%s: cannot read what was just unpacked", name);
    gf_lines_init(&lines, fd, GF_LINE_MAX);
    while ((rc = gf_lines_next(&lines, &line, &len, &ended, e)) == 1) {
        x->items++;
        if (take(x, line, len, e) == -1) {
            rc = -1;
            break;
        }
    }
    gf_lines_free(&lines);
    (void)close(fd);
    return rc;
}

static int note_came(struct applying *x, struct gf_err *e) {
    const struct gf_head *head = x->r->head;
    struct history_line h;

    history_begin(&h, x->r->a, "came");
    history_id(&h, "bundle", &head->header.id);
    history_hash(&h, "digest", &head->digest);
    history_hash(&h, "from", &head->header.from);
    history_number(&h, "items", x->items);
    return history_end(&h, x->r->a, e);
}

static int apply_all(struct applying *x, struct gf_err *e) {
    const struct gf_header *h = &x->r->head->header;
    const struct gf_contents *c = x->r->contents;
    struct store *s = x->r->a->store;
    int64_t files;

    /* Receipts come first: an answer finds its record delivered then. */
    if (each_line(x, GF_MEMBER_RECEIPTS, take_receipt, e) == -1 ||
        each_line(x, GF_MEMBER_ANSWERS, take_answer, e) == -1 ||
        each_line(x, GF_MEMBER_REFUSALS, take_refusal, e) == -1 ||
        each_line(x, GF_MEMBER_NOTICES, take_notice, e) == -1)
        return -1;
    /* Files last: a manifest that came with them names them now. */
    if (updates_files_take(x->r->a, x->files, &files, e) == -1 || note_came(x, e) == -1)
        return -1;
    x->came |= files > 0;
    x->items += updates_files_count(x->files);
    if (store_void_in(s, h, c->voids, c->nvoids, x->r->a->now, e) == -1)
        return -1;
    return store_applied(s, h, &x->r->head->digest, x->items, x->r->a->now, e);
}

int agent_apply_items(const struct response *r, struct apply_result *out, struct gf_err *e) {
    struct applying x = {.r = r, .result = *out};
    int rc = -1;

    if (updates_files_open(r->a, r->contents, r->dir, &x.files, e) == 0 &&
        store_begin(r->a->store, e) == 0)
        rc = store_end(r->a->store, apply_all(&x, e), e);
    if (rc == 0 && x.came)
        updates_complete(r->a);
    updates_files_free(x.files);
    if (rc == 0)
        *out = x.result;
    return rc;
}
