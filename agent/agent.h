/*
 * agent.h -- what the agent's commands share: where things are, configuration, keys, store.
 *
 *   --root DIR   DIR/etc/gapferry/agent.conf, DIR/var/lib/gapferry/agent/
 *   otherwise    /etc/gapferry/agent.conf,    /var/lib/gapferry/agent/
 *
 *   STATE/ keys/ (identity)  agent.db  lock  outbox/  inbox/  link.state (written by gapferry-link)
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "agent/store/store.h"
#include "common/config.h"
#include "common/own_keys.h"
#include "gapferry/bundle.h"

struct agent {
    char config_path[512];
    char state[512];
    struct config *config;
    struct gf_identity id;
    struct own_keys_former former; /* earlier identities of this agent */
    struct store *store;
    int64_t now; /* seconds; read once when the command starts */
};

extern const struct config_key agent_keys[]; /* the table of agent.conf */

/* Paths only: for `init`. root NULL: the system's. */
GF_MUST_CHECK int agent_paths(struct agent *a, const char *root, struct gf_err *e);

/* Paths, configuration, keys and store of an agent that was initialised; GF_E_CONFIG with the
 * remedy
 * ("gapferry-agent init") if it was not; GF_E_DAMAGED with the remedy (`restore`, which opens the
 * store with store_make()) if it has keys and no database. Where nothing can be written the store
 * can only be read. On failure *a is closed. */
GF_MUST_CHECK int agent_open(struct agent *a, const char *root, struct gf_err *e);
void agent_close(struct agent *a);

/* Whether agent.db belongs to the keys that are loaded: 1 it does, or says nothing yet, which is
 * noted, or a rotation was cut off, which is finished and its keys loaded; 0 it belongs to keys
 * before them; -1: GF_E_DAMAGED if to others. For agent_open() and `restore`. */
GF_MUST_CHECK int agent_belongs(struct agent *a, struct gf_err *e);

/* Load a->former, those of a rotation that was cut off behind the exchange of keys, too. For
 * agent_open() and `restore`. */
GF_MUST_CHECK int agent_load_former(struct agent *a, struct gf_err *e);

/* store_lock() for whoever signs or opens something then: GF_E_BUSY also where another command has
 * given this agent new keys since it was opened. store_unlock() ends it. */
GF_MUST_CHECK int agent_lock(struct agent *a, const char *command, struct gf_err *e);

/* Read agent.conf with its drop-ins, and refuse rules that say nothing and
 * values that the agent could not obey (config_check_values()): GF_E_CONFIG. */
GF_MUST_CHECK int agent_configure(const char *path, struct config **out, struct gf_err *e);

/* Commands: each gets its arguments after the command's name and returns an exit status. */
typedef int agent_command(const char *root, int argc, char **argv);
agent_command cmd_init, cmd_trust, cmd_card, cmd_consent, cmd_record, cmd_preview, cmd_license,
    cmd_sync, cmd_status, cmd_config, cmd_history, cmd_run, cmd_import, cmd_export, cmd_doctor,
    cmd_source, cmd_id, cmd_updates;
agent_command cmd_resend, cmd_restore, cmd_rotate;

/* ---- intake.c: spool files of STATE/intake into the queue ---- */

struct intake_result {
    int64_t taken;   /* records that are in the queue now */
    int64_t seen;    /* that were there already */
    int64_t refused; /* entries: no consent, license, another agent's, no record, nothing left of
                        it; counted in the store (store_all_refused()) and logged */
    int64_t damaged; /* stretches of bytes that are no entry: kept in STATE/quarantine */
    int64_t waiting; /* files whose next entry finds no room in its channel: they stay */
    int64_t busy;    /* files that somebody else holds just now, or that are no spool files */
    int64_t removed; /* files that were read to their end */
};
/*
 * Take in what other programs have accepted for this agent (common/spool.h). Each entry is a
 * record's line, made for this agent; consent, rule and cap of its channel hold here again. Entries
 * and the cursor behind them are one transaction, so that each counts once, whenever we are
 * stopped. A file is removed after its cursor is durable.
 */
GF_MUST_CHECK int agent_intake(struct agent *a, struct intake_result *out, struct gf_err *e);

/* ---- policy.c: what gapferry-collect may take ---- */

/*
 * Write STATE/policy.json if it is not there with this content already; whole or not at all. Strict
 * JSON:
 *
 *   {"format": "gapferry-policy/1", "agent": 32 HEX DIGITS, "channels": [
 *     {"channel": "metrics", "consent": "ask" | "granted" | "denied",
 *      "allow": ["users", ...] | null, "deny": ["host.*", ...] | null, "product": "demo" | null,
 *      "type": "application/json", "room": {"records": N | null, "bytes": N | null}}, ...]}
 *
 * Nothing may be taken for a channel that is not listed or not granted; license and updates never
 * are. allow: the top-level fields of a body that may stay, null: all. deny: the
 * attributes of OTLP that may not, null: otlp_deny_default. product, type: of records
 * that name none. room: what the queue takes still, null: any number; what lies in intake/ already
 * counts against it. "agent" is the origin of every record.
 */
GF_MUST_CHECK int agent_policy_publish(struct agent *a, struct gf_err *e);

/* ---- source/: what makes records at an interval ---- */

struct sources_result {
    int64_t ran;       /* sources that were due and whose channel has consent */
    int64_t recorded;  /* records they made */
    int64_t failed;    /* `source list` says why; they are tried again sooner */
    int64_t elsewhere; /* only_if says that another host reports */
    int64_t waiting;   /* have no consent: they do not run */
};
/*
 * Run the sources that are due; only: this one (GF_E_USAGE if there is none of that name), NULL:
 * all. now 1: whether due or not. dry 1: nothing is recorded, no schedule moves. One that fails is
 * counted, told in the log, and does not keep others from running.
 */
GF_MUST_CHECK int agent_sources_run(struct agent *a, const char *only, int now, int dry,
                                    struct sources_result *out, struct gf_err *e);
/* When the next one is due that may run; INT64_MAX: none. A clock that went far back or forth is
 * noticed here. */
int64_t agent_sources_next(struct agent *a);

/* ---- relays.c: which relay a channel's records go to ---- */

/*
 * The relay of a channel: `[channel "C"] relay = NAME`, else the one trusted last. 1 found, 0 none
 * is trusted yet (of that name). GF_E_CONFIG where the configuration names none that can be told.
 */
GF_MUST_CHECK int agent_relay_of(struct agent *a, const char *channel, struct gf_card *out,
                                 struct gf_err *e);
/* The trusted card of `[relay "NAME"]`: the one with its `fingerprint`, without that the only one
 * trusted, or the one trusted last if it is the only [relay]. */
GF_MUST_CHECK int agent_relay_named(struct agent *a, const char *name, struct gf_card *out,
                                    struct gf_err *e);

/* ---- accept.c: records into the queue, under the caps of their channel ---- */

/* What `[channel "C"]` says: max_records, max_bytes, full, thin (thin.h). */
GF_MUST_CHECK int agent_cap(struct agent *a, const char *channel, struct store_cap *out,
                            struct gf_err *e);
/* Accept one record; consent and rule are the caller's. GF_E_LIMIT: the queue of its channel is
 * full, and nothing was accepted; GF_E_REPLAY: its id is there already. May be called between
 * store_begin() and store_end(). */
GF_MUST_CHECK int agent_accept(struct agent *a, const struct gf_record *r, struct gf_err *e);
/* How much more a channel takes; INT64_MAX where nothing limits it (with full = drop-oldest, too).
 */
struct agent_room {
    int64_t records, bytes;
};
GF_MUST_CHECK int agent_room(struct agent *a, const char *channel, struct agent_room *out,
                             struct gf_err *e);
/* "the queue of channel C is full": sets GF_E_LIMIT, returns -1. */
int agent_full(struct agent *a, const char *channel, struct gf_err *e);

/* ---- export.c: queue to outbox ---- */

struct export_result {
    int64_t bundles; /* new in the outbox */
    int64_t records; /* in them */
    int have_only;   /* 1: a request that carries nothing but `have` was made */
    int no_relay;    /* 1: something is due, but no relay is trusted yet */
    int64_t again;   /* records that are queued again, for their bundle was gone from the outbox */
    int64_t overdue; /* bundles that nobody answered in time: what they held is bundled anew */
};

/* What one bundle holds at most; the rest goes into the next one. */
struct export_limits {
    int64_t bytes; /* of lines */
    int64_t records;
};
#define EXPORT_BYTES_MAX   (256LL << 20) /* so that a small drive takes one, too */
#define EXPORT_RECORDS_MAX 1000000

/* Make bundles of what is due, for each relay its own, into STATE/outbox, after making outbox and
 * store agree, and after retention and resend_after. A relay whose card has ended is an error
 * only after all others were served. Only records whose channel is its own consent (license,
 * updates) or has it. The caller holds store_lock(). Airgap policy is the caller's. */
GF_MUST_CHECK int agent_export(struct agent *a, struct export_result *out, struct gf_err *e);
GF_MUST_CHECK int agent_export_within(struct agent *a, const struct export_limits *limits,
                                      struct export_result *out, struct gf_err *e);

/* When an export is due; INT64_MAX: nothing is there to export. The earliest of: now where a
 * licence request or an update check is queued, or a relay whose card holds is owed a `have`;
 * `export_interval` after the oldest queued record was accepted; `resend_after` after the first
 * unanswered bundle left. Changes nothing. It may be now or earlier for what cannot leave: no
 * relay, no consent, no room. */
GF_MUST_CHECK int agent_export_next(struct agent *a, int64_t *at, struct gf_err *e);

/* ---- outbox.c: what lies in STATE/outbox and what the store knows of it ---- */

/* Open STATE/NAME, made (0700) where it is missing; -1 and *e on failure. */
GF_MUST_CHECK int agent_folder(const struct agent *a, const char *name, struct gf_err *e);
/* How many files of STATE/NAME end in `suffix` (NULL: all but reasons, NAME.why), hidden ones left
 * out; 0 where it is missing or cannot be read. */
int64_t agent_folder_count(const struct agent *a, const char *name, const char *suffix);

/* After a crash or a change of consent: remove files that no carried bundle owns, and put the
 * records of bundles without a file back into the queue; *again is their number. */
GF_MUST_CHECK int agent_outbox_mend(struct agent *a, int outbox, int64_t *again, struct gf_err *e);

/* ---- apply.c: one response into the store ---- */

struct apply_result {
    int seen_before;
    int64_t delivered, rejected, expired, relayed; /* receipts that moved something */
    int64_t odd;                                   /* receipts that fit nothing */
    int64_t denied;         /* receipts of records that a denial has deleted here after they left */
    struct gf_id denied_id; /* the last of these */
    enum gf_state denied_state;
    int64_t answers;  /* applied */
    int64_t unusable; /* answers that were refused: `status` says why */
    int64_t refusals; /* bundles of ours that had no effect; their records are queued again */
    int64_t notices;
    struct gf_card sender;
};

/* Whom an agent takes responses from; must not be moved. Free with agent_check_free(). */
struct agent_check {
    struct gf_check check;
    struct own_keys_all own;
    struct gf_card *cards;
    const struct gf_card **refs;
    size_t n;
};
GF_MUST_CHECK int agent_check(struct agent *a, struct agent_check *out, struct gf_err *e);
void agent_check_free(struct agent_check *c);

/* Verify and apply the response open on fd: form all or nothing, items one by one, one
 * transaction. What is odd or new is logged. Errors as in bundle.h; GF_E_SENDER if no relay we
 * trust signed it; GF_E_REPLAY if it is a fork: another response of the same number was applied.
 * The caller holds store_lock(). */
GF_MUST_CHECK int agent_apply(struct agent *a, int fd, struct apply_result *out, struct gf_err *e);

/* ---- apply_sum.c ---- */

/* Add what one response did to the sum of several; `seen_before` and `sender` are the caller's. */
void agent_apply_sum(struct apply_result *sum, const struct apply_result *one);

/* Consent was withdrawn after records had left, and the site must know what became of them: a line
 * about that, or nothing where there are none. 1 if somebody has to see to it. */
int agent_apply_denied(const struct apply_result *r, struct gf_buf *out);
/* Where records were rejected: a line about where their reasons stand; else nothing. */
void agent_apply_rejected(const struct agent *a, const struct apply_result *r, struct gf_buf *out);

/* ---- publish_cards.c: trusted relays' cards as files, for gapferry-link ---- */

/* Make STATE/cards/ hold exactly the cards of the relays that are trusted, and this agent's own
 * (former ones, too, until they are done with): FINGERPRINT.card each. A relay's key that was
 * replaced is FINGERPRINT.HEIR.former, the fingerprint of who has its place, and holds its identity
 * in hex and LF. */
GF_MUST_CHECK int agent_publish_cards(struct agent *a, struct gf_err *e);

/* ---- what the answer to a licence request is given to (agent/license/) ---- */

/* The answer to a request of ours has come: verify it and install it. 0 with refused "": it is
 * installed; 0 with words: it cannot be used, and this is why. -1 only where nothing could be
 * decided (memory, disk). Called within the transaction that applies the response. */
#define AGENT_REFUSED (2 * GF_ERR_TEXT)
GF_MUST_CHECK int agent_license_answer(struct agent *a, const struct gf_id *record,
                                       const char *text, size_t len, char refused[AGENT_REFUSED],
                                       struct gf_err *e);

/* ---- redact.c ---- */

/* Keep the allowed top-level fields of a JSON object byte for byte, in their order. Names that were
 * dropped are appended to `dropped`, separated by ", ". allow: names separated by commas; NULL or
 * "*": everything passes. GF_E_JSON if the body is not an object while there is a rule; GF_E_CONFIG
 * for a rule that names nothing: it would be taken for either. */
/* The next name of a rule, borrowed; NULL: there is none. *allow moves behind it. */
const char *redact_next(const char **allow, size_t *len);
int redact_names_some(const char *allow); /* 1 if the rule names a field, or all */
int redact_passes_all(const char *allow); /* 1 if it says that everything passes: "*" */
GF_MUST_CHECK int redact_json(const char *body, size_t len, const char *allow, struct gf_buf *out,
                              struct gf_buf *dropped, struct gf_err *e);
/* GF_E_JSON unless it is one well-formed JSON value, of any kind. */
GF_MUST_CHECK int redact_check(const char *body, size_t len, struct gf_err *e);
/* The same; *has is 1 if it is an object with one of these names (as a rule has them) at its top,
 * in whatever spelling. */
GF_MUST_CHECK int redact_look(const char *body, size_t len, const char *names, int *has,
                              struct gf_err *e);

#endif
