/*
 * nearest.h -- which known word was meant: for "did you mean".
 *
 *     const char *near = NULL;
 *     size_t best = (size_t)-1;
 *     for (each word known)
 *         if (nearest_is(typed, known, &best))
 *             near = known;
 */
#ifndef COMMON_NEAREST_H
#define COMMON_NEAREST_H

#include <stddef.h>

/* How far two words are apart: insertions, deletions, substitutions and swaps of neighbours. */
size_t nearest_distance(const char *a, const char *b);

/* 1 if `known` is near enough to `typed` to be suggested for it, and nearer than *best, which is
 * then set. */
int nearest_is(const char *typed, const char *known, size_t *best);

#endif
