/*
 * nearest.c -- which known word was meant.
 */
#include "common/nearest.h"

#include <string.h>

/* Longer words are not looked up: they are no slip of a key. */
#define WORD_MAX 40

size_t nearest_distance(const char *a, const char *b) {
    size_t rows[3][WORD_MAX + 1];
    size_t la = strlen(a);
    size_t lb = strlen(b);

    if (la > WORD_MAX || lb > WORD_MAX)
        return la > lb ? la : lb;

    /* Three rows of the usual table are enough: this one, the last, and for swaps the one before.
     */
    for (size_t j = 0; j <= lb; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t *row = rows[i % 3];
        const size_t *up = rows[(i + 2) % 3];
        const size_t *up2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t least = up[j - 1] + (a[i - 1] != b[j - 1]);
            if (up[j] + 1 < least)
                least = up[j] + 1;
            if (row[j - 1] + 1 < least)
                least = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                up2[j - 2] + 1 < least)
                least = up2[j - 2] + 1;
            row[j] = least;
        }
    }
    return rows[la % 3][lb];
}

int nearest_is(const char *typed, const char *known, size_t *best) {
    size_t far = nearest_distance(typed, known);

    /* A third of the letters may be wrong; what begins like the known name is near as well. */
    if (strlen(typed) >= 3 && strncmp(typed, known, strlen(typed)) == 0)
        far = 1;
    if (far >= *best || far > (strlen(known) + 2) / 3)
        return 0;
    *best = far;
    return 1;
}
