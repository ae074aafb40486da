/*
 * deny.c -- the list of a channel as text.
 */
#include "agent/deny.h"

#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"

static int read_default(struct otlp_deny **out, struct gf_err *e) {
    size_t n = 0;

    while (otlp_deny_default[n] != NULL)
        n++;
    return otlp_deny_new(otlp_deny_default, n, out, e);
}

int deny_read(const char *list, struct otlp_deny **out, struct gf_err *e) {
    const char **entries = NULL;
    size_t n = 0, len;
    const char *item;
    int rc = -1;

    if (list == NULL)
        return read_default(out, e);
    /* Each entry but the last has a comma behind it, which gives way to a NUL. */
    char *text = strdup(list);
    size_t room = 2;
    for (const char *at = list; *at != '\0'; at++)
        room += *at == ',';
    if (text == NULL || (entries = calloc(room, sizeof *entries)) == NULL) {
        (void)gf_err_set(e, GF_E_SYSTEM, "no memory for a list of attributes");
        goto out;
    }
    for (const char *at = list; (item = redact_next(&at, &len)) != NULL;) {
        /* Names that were separated by blanks would be one that nothing has. */
        if (memchr(item, ' ', len) != NULL || memchr(item, '\t', len) != NULL) {
            (void)gf_err_set(e, GF_E_CONFIG, "'%.*s': names are separated by commas",
                             len < 64 ? (int)len : 64, item);
            goto out;
        }
        entries[n] = text + (item - list);
        text[item - list + (ptrdiff_t)len] = '\0';
        n++;
    }
    rc = otlp_deny_new(entries, n, out, e);
out:
    free(entries);
    free(text);
    return rc;
}

int deny_of(const struct config *c, const char *channel, struct otlp_deny **out, struct gf_err *e) {
    return deny_read(config_get(c, "channel", channel, "deny"), out, e);
}
