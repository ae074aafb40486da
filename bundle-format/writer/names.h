/*
 * names.h -- what a file is called inside a bundle. The real name travels as data; the member's
 * name only has to be legal, unique and recognisable.
 */
#ifndef WRITER_NAMES_H
#define WRITER_NAMES_H

#include "gapferry/contents.h"

/* Write "files/NAME" for the n-th name made of `name`: letters to lower case, what is not
 * [a-z0-9.-] to '-', at most GF_MEMBER_NAME_MAX bytes; n > 1 puts "-n" before the ending. */
void gf_names_member(const char *name, unsigned n, char out[sizeof "files/" + GF_MEMBER_NAME_MAX]);

#endif
