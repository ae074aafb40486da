/*
 * options.h -- command lines, driven by a table: parsing, --help and usage errors from one source.
 *
 * Long options (`--name VALUE`, `--name=VALUE`), short ones (`-o VALUE`, `-oVALUE`, flags in a row
 * `-fv`), `--` as the end of options, `-` as an argument, arguments anywhere between options. No
 * abbreviations: a script must not change its meaning when an option is added.
 */
#ifndef COMMON_OPTIONS_H
#define COMMON_OPTIONS_H

#include <stddef.h>
#include <stdio.h>

#include "gapferry/err.h"

/* One option; a table ends with a NULL name. */
struct option_spec {
    const char *name; /* without dashes */
    char letter;      /* or 0 */
    const char *arg;  /* what --help calls its value; NULL: a flag. "CARD..." may be repeated */
    const char *help; /* for --help; wrapped there */
};

/* What --help says of a command. */
struct option_page {
    const char *program; /* "gapferry-bundle pack" */
    const char *args;    /* "[OPTION]... FILE...": what follows the program's name */
    const char *about;   /* a sentence or two */
    const struct option_spec *specs;
    const char *more; /* text after the options, printed as it is, or NULL */
};

struct options_item {
    const struct option_spec *spec; /* NULL: an argument */
    const char *value;              /* borrowed from argv; NULL for a flag */
};

struct options {
    const struct option_spec *specs; /* borrowed */
    struct options_item *items;      /* in the order of the command line */
    size_t nitems;
    size_t nargs;
};

/* Parse argv[0 .. argc-1] (without the program's and command's names). Errors: GF_E_USAGE, with the
 * nearest known name. On failure *out is empty. */
GF_MUST_CHECK int options_parse(int argc, char **argv, const struct option_spec *specs,
                                struct options *out, struct gf_err *e);
void options_free(struct options *o);

/* How often an option was given; its nth value, from 0 (NULL beyond the last); its only value, or
 * NULL. Asking for a name that is not in the table is a defect of the program and aborts it. */
size_t options_count(const struct options *o, const char *name);
const char *options_nth(const struct options *o, const char *name, size_t nth);
const char *options_value(const struct options *o, const char *name);

/* The nth argument (from 0) that is no option; NULL beyond the last. */
const char *options_arg(const struct options *o, size_t nth);

/* Print the help page. */
void options_help(const struct option_page *page, FILE *out);

#endif
