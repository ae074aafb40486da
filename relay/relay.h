/*
 * relay.h -- what the relay's commands and its turn share.
 *
 *   --root DIR   DIR/etc/gapferry/relay.conf, DIR/var/lib/gapferry/relay/
 *
 *   STATE/ keys/  relay.db  lock  incoming/  uploads/  pending/  quarantine/  work/  files/
 *          artifacts/  outbox/  brought/
 *
 * One turn: intake -> verify -> ledger -> forward -> respond, five files of those names.
 */
#ifndef RELAY_RELAY_H
#define RELAY_RELAY_H

#include "common/command.h"
#include "common/config.h"
#include "common/own_keys.h"
#include "common/vendor_keys.h"
#include "gapferry/card.h"
#include "gapferry/drive.h"
#include "relay/ledger/ledger.h"

struct relay {
    char config_path[512];
    char state[512];
    int state_fd;
    struct config *config;
    struct gf_identity id;         /* of now */
    struct own_keys_former former; /* earlier identities: what is on its way may be for them */
    struct ledger *ledger;
    int64_t now;      /* seconds; read once when a turn starts */
    int name_on_card; /* 1: the card that is put on drives carries our name */
};

extern const struct config_key relay_keys[]; /* the table of relay.conf */
#define RELAY_VENDOR_DUTIES                                                                        \
    ((1u << VENDOR_UPDATE) | (1u << VENDOR_CARD)) /* those of [vendor "NAME"] in it */

/* Paths only: for `init`. root NULL: the system's. */
GF_MUST_CHECK int relay_paths(struct relay *r, const char *root, struct gf_err *e);
/* Configuration only: for `config`. */
GF_MUST_CHECK int relay_configure(struct relay *r, const char *root, struct gf_err *e);
/* Paths, configuration, keys and ledger of a relay that was initialised; GF_E_CONFIG with the
 * remedy if it was not; GF_E_DAMAGED with the remedy (`reconcile`) if the ledger is gone, or older
 * than its head. On failure *r is closed. */
GF_MUST_CHECK int relay_open(struct relay *r, const char *root, struct gf_err *e);
/* Open what relay_paths() has named, also with a ledger that is older than its head, or, *made 1,
 * with a new one in the place of one that is gone: for `reconcile` alone. made NULL: none is made,
 * one that is gone is GF_E_NOINPUT: for who only looks. */
GF_MUST_CHECK int relay_open_anyhow(struct relay *r, int *made, struct gf_err *e);
void relay_close(struct relay *r);

/* How this relay is called, for remedies: "gapferry-relay" or "gapferry-relay --root DIR". */
const char *relay_self(const struct relay *r, char out[COMMAND_SELF]);

typedef int relay_command(const char *root, int argc, char **argv);
relay_command cmd_init, cmd_card, cmd_approve, cmd_decline, cmd_sync, cmd_run, cmd_status,
    cmd_records, cmd_couriers, cmd_config, cmd_reconcile, cmd_agents, cmd_revoke, cmd_token,
    cmd_notice, cmd_audit, cmd_endpoints, cmd_quarantine, cmd_import, cmd_forward, cmd_respond,
    cmd_rotate;

/* What one turn did; counts of this turn. Filled by the five files below. */
struct turn {
    int64_t taken;         /* bundles, new */
    int64_t replays;       /* bundles seen before */
    int64_t strangers;     /* bundles of unknown senders, now pending */
    int64_t refused;       /* bundles in quarantine */
    int64_t refused_again; /* of these: files of which it holds a copy already, or too many */
    int64_t
        ended; /* bundles on the drive by keys that have ended here, which an earlier turn told */
    int64_t superseded; /* bundles by keys that have an enrolled successor */
    int64_t over;       /* bundles beyond their sender's quota, which wait where they are */
    int64_t not_ours;
    int64_t records;   /* new */
    int64_t conflicts; /* records with the id of another one, rejected; counted by `sync` */
    int64_t delivered, rejected, expired, later, held;
    int64_t onward;       /* records that the next hop has now */
    int64_t returned;     /* of those: that came to an end there, or are held */
    int64_t artifacts;    /* of updates, that agents wait for and that are not here */
    int64_t responses;    /* written anew */
    int64_t receipts;     /* in them */
    int64_t cleared;      /* bundles removed from the drive: we have them durably */
    int64_t withdrawn;    /* responses removed from the drive: acknowledged */
    int64_t carried;      /* responses written to the drive, or found there */
    int64_t replaced;     /* of these: written over a file of the name that was not the response */
    enum gf_code gravest; /* of the refusals */
    int64_t failed;       /* records that were tried and not delivered; they wait or are held */
    char failure[GF_REASON_MAX + 1]; /* why, the last of them */
    int time_over;                   /* 1: forwarding ended because its time was over */
    int read_only;                   /* 1: the drive, to which nothing was written */
    int unsafe; /* 1: something could not be flushed to the drive, or removed from it */
    struct gf_drive_list looked_at; /* by intake, on the drive */
    struct gf_buf people; /* lines that need a person: sender, fingerprint, remedy; UTF-8, safe */
    struct gf_buf waits;  /* lines about what waits, and comes right by itself */
    int by_hand;          /* 1: a person reads the report: all that waits is told at its end, by
                             awaits_tell(), and not only what was tried */
    int awaits;           /* 1: somebody is awaited for what waits (awaits.h) */
};

/* turn.c: one whole turn; d may be NULL. The ledger's lock is held by the caller. */
void turn_begin(struct turn *t);
void turn_free(struct turn *t);
GF_MUST_CHECK int relay_turn(struct relay *r, struct gf_drive *d, int64_t wait_s, struct turn *t,
                             struct gf_err *e);
/* A line for people; what is foreign in it was made safe by the caller. */
void turn_person(struct turn *t, const char *fmt, ...) GF_PRINTF(2, 3);
/* A line about what waits and needs nobody. */
void turn_wait(struct turn *t, const char *fmt, ...) GF_PRINTF(2, 3);
/* The next of such lines, without its LF: 1, and *at moves on; 0 there is none. */
#define TURN_LINE 2048
int turn_line(const char **at, char line[TURN_LINE]);
/* A code, if it is graver than those before, without a line. */
void turn_grave(struct turn *t, enum gf_code code);
/* Something was refused or failed: a line that begins with `what`, and its code if it is graver
 * than those before. */
void turn_fault(struct turn *t, const char *what, const struct gf_err *why, const char *remedy);
/* The same for what failed on the drive: unless it is only full or read-only, it is not safe to
 * remove. */
void turn_drive_fault(struct turn *t, const char *what, const struct gf_err *why,
                      const char *remedy);
/* Count for those who watch; once, when all that came in was verified. */
GF_MUST_CHECK int turn_count(const struct relay *r, const struct turn *t, struct gf_err *e);
/* The exit status of the whole turn: the gravest of design section 9. */
enum gf_exit turn_exit(const struct turn *t);

/* intake.c: copy what is for us from a drive into STATE/incoming, bounded; nothing is removed.
 * Cards on the drive are shown to the ledger. */
GF_MUST_CHECK int relay_intake(struct relay *r, struct gf_drive *d, struct turn *t,
                               struct gf_err *e);

/* The same of one file that somebody names; cards beside it are not looked at. */
GF_MUST_CHECK int relay_import(struct relay *r, int fd, const char *name, struct turn *t,
                               struct gf_err *e);

/* verify.c: everything in incoming/ and pending/: head, digest, decryption, items in a child
 * without keys or network; into the ledger, or to pending/ or quarantine/ with NAME.why. */
GF_MUST_CHECK int relay_verify(struct relay *r, struct turn *t, struct gf_err *e);
/* The same of incoming/NAME alone: whatever else lies there is neither taken nor counted. */
GF_MUST_CHECK int relay_verify_one(struct relay *r, const char *name, struct turn *t,
                                   struct gf_err *e);

/* Pure: 1 if something on our side failed (disk, memory, a lock, a defect), so that nothing is
 * wrong with what was looked at. */
int relay_verify_is_ours(const struct gf_err *why);
/* GF_E_EXPIRED if a bundle came too late, or its sender's card has ended. */
GF_MUST_CHECK int relay_verify_times(const struct relay *r, const struct gf_head *h,
                                     struct gf_err *why);

/* returns.c: what the manager's own agent says of its nodes' records, wherever an endpoint has
 * profile agent. What cannot be read is told and left there. */
void relay_returns(struct relay *r, struct turn *t);

/* prune.c: what the agents have acknowledged for long enough goes (ledger_operator.h), a little at
 * a time. What fails is told, and tried again by a later turn. */
void relay_prune(struct relay *r, struct turn *t);

/* forward.c: what is due, to its endpoint, until all is tried or wait_s seconds have passed; then
 * artifacts of updates that agents wait for, for as long again. */
GF_MUST_CHECK int relay_forward(struct relay *r, int64_t wait_s, struct turn *t, struct gf_err *e);

/* respond.c: news of every agent into response bundles in STATE/outbox, then the parts of artifacts
 * that wait for them, each response of at most [relay] response_max bytes. */
GF_MUST_CHECK int relay_respond(struct relay *r, struct turn *t, struct gf_err *e);
GF_MUST_CHECK int relay_response_max(const struct relay *r, int64_t *out, struct gf_err *e);

/* carry.c: off the drive what intake has looked at and the ledger has durably; onto it our card and
 * every response that is not acknowledged, byte for byte, and off it those that are. */
GF_MUST_CHECK int relay_clear(struct relay *r, struct gf_drive *d, struct turn *t,
                              struct gf_err *e);
GF_MUST_CHECK int relay_carry(struct relay *r, struct gf_drive *d, struct turn *t,
                              struct gf_err *e);

#endif
