/*
 * pack.h -- what the sources of `pack` share: its state, its inputs of lines.
 */
#ifndef TOOL_PACK_H
#define TOOL_PACK_H

#include "gapferry/file.h"
#include "tool/tool.h"

/* Inputs of lines: records, receipts, answers, refusals, notices. */
#define PACK_INPUTS 5

/* ---- pack_records.c ---- */

/* Members files/... that lines refer to, each once. */
struct pack_refs {
    size_t n;
    char (*paths)[sizeof "files/" + GF_MEMBER_NAME_MAX];
};

struct pack_lines {
    const char *path; /* "-": standard input */
    enum gf_member member;
    int fd;
    int spooled;            /* fd holds what is to be written, checked; else it is read by lines */
    int64_t size;           /* bytes of the member */
    struct pack_refs *refs; /* where references are kept; they can be checked only at the end */
};

/* How bodies become records. */
struct pack_wrap {
    const char *channel;
    const char *product; /* or NULL */
    const char *type;
    int answer;
    struct gf_id origin;
};

/* Open an input of lines and learn the member's size: by fstat of a regular file, else by way of an
 * unnamed file in directory `dir`, where the lines are checked, or with `wrap` made of bodies. */
GF_MUST_CHECK int pack_lines_open(struct pack_lines *l, const struct pack_wrap *wrap, int dir,
                                  struct gf_err *e);
/* Write it as a member. */
GF_MUST_CHECK int pack_lines_write(struct pack_lines *l, struct gf_writer *w, gf_progress *progress,
                                   void *bar, struct gf_err *e);
void pack_lines_close(struct pack_lines *l);

/* GF_E_RECORD if a line refers to a file that is not among the members. */
GF_MUST_CHECK int pack_refs_check(const struct pack_refs *r, const struct gf_contents_member *m,
                                  size_t n, struct gf_err *e);
void pack_refs_free(struct pack_refs *r);

struct pack {
    const struct options *o;
    struct gf_pack p;
    struct gf_identity identity;
    struct gf_card to;
    struct tool_cards readers;
    const struct gf_card *reader_refs[GF_READERS_MAX + 1];
    char channel[2 * GF_WORD_MAX + 2]; /* CHANNEL, NUL, PRODUCT */
    struct pack_wrap wrap;
    struct pack_lines lines[PACK_INPUTS];
    size_t nlines;
    struct pack_refs refs;
    int64_t total; /* bytes of all members */
    struct gf_out out;
    struct guard *guard;
    struct gf_writer *writer;
    struct progress *bar;
    struct gf_contents_member *members; /* for the result; names are borrowed */
    size_t nmembers;
    struct gf_header header;
};

/* ---- pack_options.c ---- */

/* Everything that the command line alone can get wrong. */
GF_MUST_CHECK int pack_options(struct pack *k, struct gf_err *e);

/* Load who signs, who is addressed and who may read. */
GF_MUST_CHECK int pack_cards(struct pack *k, struct gf_err *e);

#endif
