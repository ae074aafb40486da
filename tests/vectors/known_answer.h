/*
 * known_answer.h -- one small bundle with fixed keys, and every value on the way to it.
 */
#ifndef VECTORS_KNOWN_ANSWER_H
#define VECTORS_KNOWN_ANSWER_H

#include "gapferry/bundle.h"
#include "gapferry/record.h"
#include "vectors/fixed.h"

#define ANSWER_RECORDS    2
#define ANSWER_RECIPIENTS 2

/* What age's own steps give for one recipient. */
struct answer_stanza {
    uint8_t secret[32]; /* ephemeral */
    uint8_t share[32];
    uint8_t shared[32];
    uint8_t wrap_key[32];
};

struct answer {
    struct gf_identity site;
    struct gf_identity relay;
    uint8_t token[16];
    struct gf_record records[ANSWER_RECORDS];
    const char *file; /* content of the one file, a text */
    struct gf_pack pack;
    const struct gf_card *readers[1];
    struct gf_buf lines;    /* records.jsonl */
    struct gf_buf contents; /* contents.json */
    struct gf_buf archive;
    struct gf_buf frame; /* as stated in the program, not as this machine's zstd makes it */
    uint8_t file_key[16];
    uint8_t nonce[16];
    struct answer_stanza stanzas[ANSWER_RECIPIENTS];
    uint8_t mac_key[32];
    uint8_t payload_key[32];
    size_t age_header; /* bytes of the payload before the nonce */
    struct gf_buf payload;
    struct gf_header header;
    struct gf_buf json;           /* bundle.json */
    struct gf_hash64 signed_hash; /* of bundle.json, what Ed25519 signs */
    struct gf_buf sig;            /* bundle.json.minisig */
    struct gf_buf bundle;
    uint8_t hello_nonce[32];
    struct gf_buf hello; /* of the relay */
};

/* Make everything. Ends the program on failure. */
void answer_make(struct answer *a);

/* Read the bundle with both keys, and make it once more with the writer: same bytes, if this
 * machine's zstd makes the stated frame. Ends the program if not. */
void answer_check(struct answer *a);

/* The frame that this machine's zstd makes of the archive. */
void answer_compress(const struct answer *a, struct gf_buf *out);

/* Announce the draws that sealing a bundle makes. */
void answer_announce(void);

/* Print the document's block. */
void answer_print(const struct answer *a);

void answer_free(struct answer *a);

#endif
