/*
 * grid.h -- what the relay of a grid's manager and the manager's agent say to each other, one line
 * an entry, in two spools (common/spool.h) of the agent's state directory; what no line can hold
 * stands beside the returns as a file.
 *
 * intake/, from the relay to the agent: a record of a node. Its id is derived
 * (gf_record_derive()) from the node's agent id, which is its origin, and the id that it has there:
 *
 *   node UUID RECORD-LINE
 *
 * returns/, from the agent to the relay: what became of such a record. The id in the line is the
 * one that the record has at the node; AGENT is the node's id, 32 hex digits.
 *
 *   answer AGENT ANSWER-LINE      its answer; in front of the receipt
 *   receipt AGENT RECEIPT-LINE    it is at an end
 *   hold AGENT RECEIPT-LINE       it was not taken, and may be once somebody has seen to the reason
 *   notice NOTICE-LINE            what every node is to be told
 *   update AGENT MANIFEST         what an update consists of that was answered to its check
 *
 * All of it may be said twice. The lines are those of gapferry/record.h; the digest in a receipt
 * means nothing, for the rules of the agent may have changed the body. MANIFEST is the JSON of
 * common/update.h on one line, without signatures: the agent has verified them.
 *
 * Beside the spool files of returns/ lie files whose names are 64 hex digits. The agent makes them,
 * whole and flushed; the relay removes what it has taken over.
 *
 *   artifacts of updates, by their BLAKE2b-256: some time after the entry that names them
 *   bodies of answers, before the entry; the member that it names is files/NAME, and NAME the
 *   BLAKE2b-256 of the 16 bytes of the record's derived id and the body
 */
#ifndef COMMON_GRID_H
#define COMMON_GRID_H

#include <string.h>
#include <sys/types.h>

#include "common/update.h"
#include "gapferry/record.h"

#define GRID_INTAKE  "intake"
#define GRID_RETURNS "returns"

/* Bytes of an answer's body that is passed on. */
#define GRID_ANSWER_MAX (16 << 20)

/* The name of a file of the returns, and its NUL. */
#define GRID_FILE GF_HASH_TEXT

/* Append the entry of a node's record to out: the id that it has there, and the record as it is
 * here. As gf_record_write(); GF_E_LIMIT also where the entry is longer than GF_LINE_MAX. */
GF_MUST_CHECK int grid_node_write(const struct gf_id *there, const struct gf_record *r,
                                  struct gf_buf *out, struct gf_err *e);
/* 1 and the id if the line is such an entry: its record's line begins at line + *skip. 0 if it is
 * any other line. */
int grid_node(const char *line, size_t len, struct gf_id *there, size_t *skip);

enum grid_word { GRID_ANSWER, GRID_RECEIPT, GRID_HOLD, GRID_NOTICE, GRID_UPDATE };

/* One entry of the returns. */
struct grid_return {
    enum grid_word word;
    struct gf_id node; /* of all but notices */
    struct gf_answer answer;
    struct gf_receipt receipt; /* of a hold, too */
    struct gf_notice notice;
    struct update update;
};
/* Append the entry; of the things that *r can hold its word says which. GF_E_LIMIT where it
 * is longer than GF_LINE_MAX, and then nothing is appended. */
GF_MUST_CHECK int grid_return_write(const struct grid_return *r, struct gf_buf *out,
                                    struct gf_err *e);
/* GF_E_RECORD, GF_E_JSON, GF_E_LIMIT; on failure *out is empty. */
GF_MUST_CHECK int grid_return_parse(const char *line, size_t len, struct grid_return *out,
                                    struct gf_err *e);
void grid_return_free(struct grid_return *r);

/* ---- files beside the returns ---- */

/* The name of the file for the body of an answer; of the record its derived id. */
void grid_answer_name(const struct gf_id *record, const char *body, size_t len,
                      char out[GRID_FILE]);
/* 1 if this is the name of such a file; *out (NULL allowed) is what it says. */
int grid_file_name(const char *name, struct gf_hash *out);
/* The mode of a file there: its relay may read it where the group of the directory may write. */
GF_MUST_CHECK int grid_file_mode(int dir, mode_t *out, struct gf_err *e);

/* ---- policy: what a manager asks of its nodes, channel by channel ---- */

/* 1 for license and updates: who asks for one has decided by that, so that no policy holds it
 * back. */
static inline int grid_is_own_consent(const char *channel) {
    return strcmp(channel, "license") == 0 || strcmp(channel, "updates") == 0;
}

extern const char *const grid_airgaps[]; /* "carry" "hold" "discard" NULL, the laxest first */

struct grid_policy {
    char channel[GF_WORD_MAX + 1];
    int denied; /* 1: nothing may be recorded or sent */
    int airgap; /* index of grid_airgaps */
};
/* The data of a notice of type policy: 0 or -1 where it is none. */
GF_MUST_CHECK int grid_policy_parse(const char *data, struct grid_policy *out);
void grid_policy_write(const struct grid_policy *p, struct gf_buf *out);

#endif
