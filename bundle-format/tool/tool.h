/*
 * tool.h -- what the commands of gapferry-bundle share.
 *
 * A command fills its result and prints it in one go at its end: facts to standard output, as text
 * or with --json as one object, and a suggestion of the next command to a terminal.
 */
#ifndef TOOL_TOOL_H
#define TOOL_TOOL_H

#include <sys/stat.h>

#include "common/command.h"
#include "common/out.h"
#include "gapferry/bundle.h"

struct tool_command {
    const char *name;
    const char *args;       /* for the usage line */
    const char *short_help; /* for the list of commands */
    const char *about;      /* for its own help */
    const struct option_spec *specs;
    const char *more; /* examples */
    int (*run)(const struct options *o, struct gf_err *e);
};

extern const struct tool_command cmd_keygen, cmd_card, cmd_pack, cmd_inspect, cmd_verify,
    cmd_unpack;

/* ---- the command line ---- */

/* GF_E_USAGE unless the option is there, naming it with its value and why it is needed. */
GF_MUST_CHECK int tool_need(const struct options *o, const char *name, const char *why,
                            struct gf_err *e);

/* GF_E_USAGE unless there is exactly one argument, which is called `what` in messages. */
GF_MUST_CHECK int tool_one_arg(const struct options *o, const char *what, const char **out,
                               struct gf_err *e);

/* A number from 1 to max; an absent option leaves *out as it is. */
GF_MUST_CHECK int tool_number(const struct options *o, const char *name, long max, int *out,
                              struct gf_err *e);

/* Seconds since 1970. */
int64_t tool_now(void);

/* A point in time: RFC 3339 (YYYY-MM-DDThh:mm:ssZ), a date (its beginning, UTC), or where `now` is
 * not negative also from then on: 90s 15m 12h 30d 4w 1y. `option` names it in GF_E_USAGE. */
GF_MUST_CHECK int tool_time(const char *text, const char *option, int64_t now, int64_t *out,
                            struct gf_err *e);

/* ---- files ---- */

/* Open an input; it is "FILE" in messages. Errors: GF_E_NOINPUT. regular: 1 refuses all else; 0
 * refuses directories. */
GF_MUST_CHECK int tool_open(const char *path, int regular, struct stat *st, struct gf_err *e);

/* Load a card from its file, or from the directory of an identity. */
GF_MUST_CHECK int tool_card(const char *path, struct gf_card *out, struct gf_err *e);

/* GF_E_EXPIRED if the card has ended at this time; `what` names it. */
GF_MUST_CHECK int tool_card_at(const struct gf_card *c, const char *what, int64_t at,
                               struct gf_err *e);

/* All cards of a repeatable option. */
struct tool_cards {
    size_t n;
    struct gf_card *cards;
    const struct gf_card **refs;
};
GF_MUST_CHECK int tool_cards(const struct options *o, const char *name, struct tool_cards *out,
                             struct gf_err *e);
void tool_cards_free(struct tool_cards *c);

/* ---- output ---- */

/* Facts, printed as `prefix` and padded labels, or as members of a JSON object. In text a name that
 * is NULL, and in JSON a label that is NULL, leave the fact out there. */
struct tool_out {
    struct out o;
    const char *prefix;
};
void tool_out_begin(struct tool_out *t, const struct options *o, const char *prefix);
void tool_out_text(struct tool_out *t, const char *label, const char *name, const char *value);
void tool_out_int(struct tool_out *t, const char *label, const char *name, int64_t value);
void tool_out_bool(struct tool_out *t, const char *name, int value);
void tool_out_size(struct tool_out *t, const char *label, const char *name, int64_t bytes);
void tool_out_time(struct tool_out *t, const char *label, const char *name, int has, int64_t at);
void tool_out_hex(struct tool_out *t, const char *label, const char *name, const uint8_t *b,
                  size_t len);
/* Foreign text: escaped for a terminal, exact in JSON. */
void tool_out_foreign(struct tool_out *t, const char *label, const char *name, const char *value);
/* JSON only: begin and end an object or array, named or (in an array) not. */
void tool_out_open(struct tool_out *t, const char *name, char bracket);
void tool_out_close(struct tool_out *t, char bracket);
/* A line of text only, with the prefix. */
void tool_out_line(struct tool_out *t, const char *fmt, ...) GF_PRINTF(2, 3);
/* Print it all and release. */
GF_MUST_CHECK int tool_out_end(struct tool_out *t, struct gf_err *e);
void tool_out_free(struct tool_out *t);

/* What a header says, in both forms: id, kind, to, readers, stream ... but not the sender. */
void tool_out_header(struct tool_out *t, const struct gf_header *h);
/* A card in one line: `label`, fingerprint and name. In JSON an object with its identity too. */
void tool_out_card(struct tool_out *t, const char *label, const char *name,
                   const struct gf_card *c);
/* A card in full. */
void tool_out_card_facts(struct tool_out *t, const struct gf_card *c);
/* The members of contents.json. */
void tool_out_members(struct tool_out *t, const struct gf_contents_member *m, size_t n);

/* "next: ..." to standard error, if that is a terminal. */
void tool_next(const char *fmt, ...) GF_PRINTF(1, 2);

/* Append a word as a shell would need it. */
void tool_shell_word(struct gf_buf *out, const char *word);

/* ---- interruption ---- */

/*
 * While a guard stands, SIGINT, SIGTERM and SIGHUP run `undo` in a thread of its own, and then end
 * the process by the same signal. Between hold and release they wait; what undo looks at is changed
 * only then. Signals that the caller of the program ignores stay ignored.
 */
struct guard;
GF_MUST_CHECK int guard_new(void (*undo)(void *arg), void *arg, struct guard **out,
                            struct gf_err *e);
void guard_hold(struct guard *g);
void guard_release(struct guard *g);
/* Ends the guard; does not undo. Accepts NULL. */
void guard_free(struct guard *g);

/* ---- unpack_move.c ---- */

/* Members, contents.json among them as the last, on their way from a private directory to their
 * place. */

/* GF_E_CREATE if one of them exists in the directory `dir`, called `path` in messages. */
GF_MUST_CHECK int unpack_check(const struct gf_contents *c, int dir, const char *path,
                               struct gf_err *e);
/* Give them the modes that `umask` leaves and flush them. */
GF_MUST_CHECK int unpack_flush(const struct gf_contents *c, int items, mode_t mask,
                               struct gf_err *e);
/* GF_E_CREATE: somebody else has just put something where ours goes. */
int unpack_beaten(const char *path, struct gf_err *e);
/* Move them; never over something. On failure those moved are removed. */
GF_MUST_CHECK int unpack_move(const struct gf_contents *c, int items, int dir, const char *path,
                              mode_t mask, struct gf_err *e);

#endif
