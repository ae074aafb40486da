/* names.c -- what a file is called inside a bundle. */
#include "writer/names.h"

#include <stdio.h>
#include <string.h>

/* An ending (".iso", ".tar.gz" keeps ".gz") is kept when a name has to be cut, up to this length.
 */
#define ENDING_MAX 16

static char legal(char c) {
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-')
        return c;
    return '-';
}

void gf_names_member(const char *name, unsigned n, char out[sizeof "files/" + GF_MEMBER_NAME_MAX]) {
    char stem[GF_NAME_MAX + 1];
    char number[12] = "";
    const char *ending = "";
    size_t len = 0;

    /* Spell it in our alphabet; the first character is a letter or digit. */
    for (; *name != '\0' && len < GF_NAME_MAX; name++) {
        char c = legal(*name);
        if (len == 0 && (c == '.' || c == '-'))
            continue;
        stem[len++] = c;
    }
    stem[len] = '\0';
    if (len == 0)
        len = (size_t)snprintf(stem, sizeof stem, "file");

    const char *dot = strrchr(stem, '.');
    if (dot != NULL && dot != stem && strlen(dot) <= ENDING_MAX) {
        ending = dot;
        len = (size_t)(dot - stem);
    }
    if (n > 1)
        (void)snprintf(number, sizeof number, "-%u", n);
    size_t room = GF_MEMBER_NAME_MAX - strlen(ending) - strlen(number);
    if (len > room)
        len = room;
    memcpy(out, "files/", 6);
    memcpy(out + 6, stem, len);
    memcpy(out + 6 + len, number, strlen(number));
    memcpy(out + 6 + len + strlen(number), ending, strlen(ending) + 1);
}
