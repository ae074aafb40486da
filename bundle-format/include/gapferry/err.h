/*
 * err.h -- why something failed.
 *
 * Functions that can fail return 0 or -1 and, on -1, have filled the caller's struct gf_err.
 * The code is for programs (exit status, vectors, ledger columns), the text for people: one
 * line that names the file, the rule and, where there is one, the remedy.
 */
#ifndef GAPFERRY_ERR_H
#define GAPFERRY_ERR_H

#include "gapferry/exit.h"

#define GF_MUST_CHECK   __attribute__((warn_unused_result))
#define GF_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* X(constant, name, exit status): the name is what vectors expect and --json prints. */
#define GF_CODES(X)                                                                                \
    X(GF_OK, "ok", GF_EXIT_DONE)                 /* nothing has failed */                          \
    X(GF_E_USAGE, "usage", GF_EXIT_USAGE)        /* the caller asked for something impossible */   \
    X(GF_E_BUG, "bug", GF_EXIT_BUG)              /* a defect of ours */                            \
    X(GF_E_SYSTEM, "system", GF_EXIT_IO)         /* memory, disk or kernel said no */              \
    X(GF_E_NOINPUT, "no-input", GF_EXIT_NOINPUT) /* an input is missing or not a regular file */   \
    X(GF_E_CREATE, "create", GF_EXIT_CANTWRITE)  /* an output exists, is full or read-only */      \
    X(GF_E_KEY, "key", GF_EXIT_DAMAGED)          /* a key file is malformed */                     \
    X(GF_E_SHELL, "shell", GF_EXIT_DAMAGED)      /* the outer ustar is not canonical */            \
    X(GF_E_MINISIG, "minisig", GF_EXIT_DAMAGED)  /* the signature text has a wrong form */         \
    X(GF_E_SENDER, "sender", GF_EXIT_NOPERM)     /* signed by nobody we trust */                   \
    X(GF_E_SIGNATURE, "signature", GF_EXIT_SIGNATURE)    /* the signature does not match */        \
    X(GF_E_JSON, "json", GF_EXIT_DAMAGED)                /* not strict JSON */                     \
    X(GF_E_HEADER, "header", GF_EXIT_DAMAGED)            /* bundle.json breaks a rule */           \
    X(GF_E_VERSION, "version", GF_EXIT_DAMAGED)          /* made by a newer version */             \
    X(GF_E_NOT_FOR_US, "not-for-us", GF_EXIT_NOT_FOR_US) /* addressed to somebody else */          \
    X(GF_E_EXPIRED, "expired", GF_EXIT_EXPIRED)          /* its time has passed */                 \
    X(GF_E_REPLAY, "replay", GF_EXIT_REPLAY)             /* seen before */                         \
    X(GF_E_LIMIT, "limit", GF_EXIT_LIMIT)                /* larger than limits.h allows */         \
    X(GF_E_DIGEST, "digest", GF_EXIT_DAMAGED)     /* the payload is not the one that was signed */ \
    X(GF_E_AGE, "age", GF_EXIT_DAMAGED)           /* the age header is malformed */                \
    X(GF_E_UNWRAP, "unwrap", GF_EXIT_DAMAGED)     /* no stanza opens with our key */               \
    X(GF_E_HMAC, "hmac", GF_EXIT_DAMAGED)         /* the age header's MAC does not match */        \
    X(GF_E_CHUNK, "chunk", GF_EXIT_DAMAGED)       /* an age chunk is damaged, cut or moved */      \
    X(GF_E_FRAME, "frame", GF_EXIT_DAMAGED)       /* a zstd frame breaks a rule */                 \
    X(GF_E_ARCHIVE, "archive", GF_EXIT_DAMAGED)   /* the inner archive breaks a rule */            \
    X(GF_E_CONTENTS, "contents", GF_EXIT_DAMAGED) /* contents.json breaks a rule */                \
    X(GF_E_BINDING, "binding", GF_EXIT_DAMAGED)   /* contents.json contradicts bundle.json */      \
    X(GF_E_RECORD, "record", GF_EXIT_DAMAGED)     /* a line of a .jsonl member breaks a rule */    \
    X(GF_E_DOCUMENT, "document", GF_EXIT_DAMAGED) /* a signed document has a wrong form */         \
    X(GF_E_CARD, "card", GF_EXIT_DAMAGED)         /* a card breaks a rule */                       \
    X(GF_E_DRIVE, "drive", GF_EXIT_IO)            /* the drive broke its word: read-back differs */

/* The same for what only the programs know, beyond a bundle's format. */
#define GF_PROGRAM_CODES(Y)                                                                        \
    Y(GF_E_CONFIG, "config", GF_EXIT_CONFIG)            /* configuration is wrong, or missing */   \
    Y(GF_E_BUSY, "busy", GF_EXIT_CANTWRITE)             /* another process holds the lock */       \
    Y(GF_E_USER, "user", GF_EXIT_NOPERM)                /* another user has to run this */         \
    Y(GF_E_DAMAGED, "damaged", GF_EXIT_DAMAGED)         /* a database of ours is damaged */        \
    Y(GF_E_CONSENT, "consent", GF_EXIT_CONSENT)         /* consent was not given */                \
    Y(GF_E_LICENSE, "license", GF_EXIT_LICENSE_INVALID) /* a licence breaks a rule */              \
    Y(GF_E_UNABLE, "unable", GF_EXIT_LICENSE_INVALID)   /* this machine cannot decrypt one */      \
    Y(GF_E_UPDATE, "update", GF_EXIT_DAMAGED)           /* a manifest or artifact breaks a rule */ \
    Y(GF_E_ROLLBACK, "rollback", GF_EXIT_REPLAY)        /* an older manifest than one seen */      \
    Y(GF_E_CONFLICT, "conflict", GF_EXIT_REPLAY)        /* two manifests of one serial */

enum gf_code {
#define GF_CODE_ENUM(constant, name, status) constant,
    GF_CODES(GF_CODE_ENUM) GF_PROGRAM_CODES(GF_CODE_ENUM)
#undef GF_CODE_ENUM
        GF_CODE_COUNT
};

#define GF_ERR_TEXT 512 /* bytes, with the final NUL; longer texts are cut */

struct gf_err {
    enum gf_code code;
    char text[GF_ERR_TEXT]; /* one line, no newline, no control character, no secret */
};

/*
 * Fill *e and return -1, so that callers write `return gf_err_set(...)`. Control characters and
 * bytes that are not UTF-8 in the formatted text (names from hostile input) become '?'.
 * e may be NULL where the caller does not care.
 */
int gf_err_set(struct gf_err *e, enum gf_code code, const char *fmt, ...) GF_PRINTF(3, 4);

/* The same, with ": " and the text of errno appended. ENOSPC, EDQUOT, EROFS, EEXIST, EACCES and
 * EFBIG turn GF_E_SYSTEM into GF_E_CREATE, ENOENT turns it into GF_E_NOINPUT. errno is kept. */
int gf_err_errno(struct gf_err *e, const char *fmt, ...) GF_PRINTF(2, 3);

/* Put "PREFIX: " before the text, keep the code, return -1. */
int gf_err_prefix(struct gf_err *e, const char *fmt, ...) GF_PRINTF(2, 3);

/* The name and the exit status of a code; never NULL. */
const char *gf_err_name(enum gf_code code);
enum gf_exit gf_err_exit(enum gf_code code);

#endif
