/*
 * wire.h -- what listener and worker say to each other, over a unix socket that keeps messages
 * apart (SOCK_SEQPACKET). Every message is one struct of fixed form, of one program, and perhaps
 * bytes behind it; a descriptor may travel along with an answer.
 *
 * Unasked, with tag 0, the worker says first, and whenever that changes, which identities are the
 * relay's: struct gf_hash[].
 *
 * The listener has neither keys nor ledger and opens no file. It asks; the worker answers each
 * question once, in any order, with the question's tag. The worker believes nothing of what it is
 * told: a question can name any sender or bundle, and what was uploaded is verified all over.
 */
#ifndef RELAY_LISTENER_WIRE_H
#define RELAY_LISTENER_WIRE_H

#include "gapferry/limits.h"
#include "gapferry/text.h"

/* Bytes behind an answer: a card, a hello, or WIRE_RESPONSES_MAX entries. */
#define WIRE_DATA_MAX      32768
#define WIRE_RESPONSES_MAX 1024
/* Bytes behind a question: a card. */
#define WIRE_ASK_MAX GF_CARD_FILE_MAX

enum wire_kind {
    WIRE_HELLO = 1, /* nonce: sign a hello for it */
    WIRE_CARD,      /* identity: is it enrolled? */
    WIRE_ADMIT,     /* digest, identity, size: a verified head. WIRE_NEW and a file to write to, or
                       what WIRE_DONE answers if the bundle is here already */
    WIRE_DONE,      /* the tag of its WIRE_ADMIT: all is written, and the file closed */
    WIRE_DROP,      /* the same tag: it will never be complete; no answer */
    WIRE_FETCH,     /* id: a response */
    WIRE_READY,     /* can bundles be taken? */
    WIRE_METRICS,   /* numbers, for those who watch */
    WIRE_ENROL,     /* with bytes: an agent's card; is it let in? WIRE_YES or WIRE_REFUSED */

    /* The courier's page. nonce is a session but for the first; where it is none, or has ended, the
     * answer is WIRE_NO with GF_E_USER. */
    WIRE_LOGIN,   /* nonce: the hash of a token. YES: a session; NO: of nobody */
    WIRE_SESSION, /* is it one? YES: its courier's name */
    WIRE_LOGOUT,
    WIRE_FACTS,    /* row; 0: all of the courier. YES: a descriptor with JSON, and its size */
    WIRE_BRING,    /* what, identity, digest, size: NEW and a file to write to, or SEEN and a row */
    WIRE_BROUGHT,  /* the tag of its BRING: all is written, and the file closed. YES: a row, or, for
                      a card, one of enum wire_card */
    WIRE_CONFIRM,  /* row: it is handed in. YES */
    WIRE_DISCARD,  /* row: it is not. YES */
    WIRE_TAKE,     /* id: a response. As FETCH */
    WIRE_OWN_CARD, /* YES: the bytes of the relay's card */
};

/* What a courier brings. */
enum wire_what {
    WIRE_OF_AGENT = 1, /* a bundle whose head was verified */
    WIRE_OF_STRANGER,  /* one whose sender is not enrolled: no digest */
    WIRE_OF_CARD,      /* the card of an agent */
    /* and of FACTS: */
    WIRE_BY_ITSELF, /* the page asks, and perhaps nobody is there: a session lives no longer for it
                     */
};

struct wire_ask {
    uint32_t kind;
    uint32_t what;       /* enum wire_what; 0: of no account */
    uint64_t tag;        /* chosen by the listener, never twice */
    int64_t size;        /* bytes of the whole bundle, 0..GF_BUNDLE_MAX */
    int64_t row;         /* of what a courier has brought */
    uint32_t len;        /* bytes behind; ENROL only */
    uint32_t no_records; /* POST; 1: its header says so */
    struct gf_hash nonce;
    struct gf_hash identity; /* of the sender */
    struct gf_hash digest;   /* of bundle.json */
    struct gf_id id;
};

/* What became of a card. */
enum wire_card {
    WIRE_CARD_NOTED,
    WIRE_CARD_ENROLLED, /* its sender is enrolled now */
    WIRE_CARD_UNNEEDED, /* it is not that of an agent */
};

enum wire_answer {
    WIRE_YES = 1, /* HELLO, CARD: bytes; FETCH, METRICS: a descriptor and its size; READY: yes */
    WIRE_NO,      /* unknown; for READY with a text why not */
    WIRE_NEW,     /* a descriptor */
    WIRE_TAKEN,   /* struct wire_response[] */
    WIRE_SEEN,    /* the same; it was here before */
    WIRE_REFUSED, /* code and text */
    WIRE_LATER,   /* code and text; `size` seconds */
    WIRE_MANY,    /* the same: this sender has enough under way */
};

struct wire_say {
    uint32_t answer;
    uint32_t code; /* enum gf_code */
    uint64_t tag;
    int64_t size;
    uint32_t len; /* bytes behind */
    uint32_t zero;
};

struct wire_response {
    struct gf_id id;
    int64_t size; /* bytes */
};

/* All or nothing; 0, or -1 with *e: the other side is gone, or does not listen. fd -1: none goes
 * along. */
GF_MUST_CHECK int wire_ask_send(int sock, const struct wire_ask *a, struct gf_err *e);
/* With a->len bytes behind. */
GF_MUST_CHECK int wire_ask_send_with(int sock, const struct wire_ask *a, const void *data,
                                     struct gf_err *e);
GF_MUST_CHECK int wire_say_send(int sock, const struct wire_say *s, const void *data, int fd,
                                struct gf_err *e);

/* 1 a message, 0 none now, -1 the other side is gone or speaks another language. */
GF_MUST_CHECK int wire_ask_next(int sock, struct wire_ask *a, char data[WIRE_ASK_MAX],
                                struct gf_err *e);
/* data has WIRE_DATA_MAX + 1 bytes; a NUL follows what came. *fd is -1 or the caller's. */
GF_MUST_CHECK int wire_say_next(int sock, struct wire_say *s, char *data, int *fd,
                                struct gf_err *e);

#endif
