/*
 * config_show.c -- the settings in force, as a file would say them, with where they come from.
 */
#include <string.h>

#include "common/config_parts.h"

#define ORIGIN_COLUMN 48

/* In quotes where it could not stand without. */
static void put_value(struct gf_buf *out, const char *value) {
    size_t len = strlen(value);

    if (len > 0 && value[0] != '"' && strchr(" \t", value[0]) == NULL &&
        strchr(" \t", value[len - 1]) == NULL) {
        gf_buf_text(out, value);
        return;
    }
    gf_buf_byte(out, '"');
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            gf_buf_byte(out, '\\');
        gf_buf_byte(out, *value);
    }
    gf_buf_byte(out, '"');
}

/* What could be a secret is not shown: the value of a header, and the user and password of a URL.
 * Secrets stand in files; what is here in spite of that is in every terminal's scrollback else. */
static void put_shown(const struct config_key *k, const char *value, struct gf_buf *out) {
    struct gf_buf b;
    size_t from = 0, to = 0;

    if (strcmp(k->key, "header") == 0) {
        from = strcspn(value, ":") + 1;
        to = strlen(value);
    } else if (strstr(value, "://")) {
        from = (size_t)(strstr(value, "://") - value) + 3;
        size_t end = from + strcspn(value + from, "/?#");
        for (to = end; to > from && value[to] != '@'; to--)
            ;
    }
    if (to <= from) {
        put_value(out, value);
        return;
    }
    gf_buf_init(&b, strlen(value) + 8);
    gf_buf_add(&b, value, from);
    gf_buf_text(&b, "***");
    gf_buf_text(&b, value + to);
    gf_buf_byte(&b, '\0');
    if (b.failed)
        out->failed = b.failed;
    else
        put_value(out, b.data);
    gf_buf_free(&b);
}

static void put_setting(const struct config *c, const struct config_key *k, const char *name,
                        struct gf_buf *out) {
    const char *value = config_get(c, k->section, name, k->key);
    const char *emptied = config_emptied(c, k->section, name, k->key);
    size_t begin = out->len;

    if (!value && !emptied)
        return;
    if (name)
        gf_buf_printf(out, "[%s \"%s\"] %s = ", k->section, name, k->key);
    else
        gf_buf_printf(out, "[%s] %s = ", k->section, k->key);
    if (value)
        put_shown(k, value, out);
    do
        gf_buf_byte(out, ' ');
    while (!out->failed && out->len - begin < ORIGIN_COLUMN);
    gf_buf_printf(out, "# %s", config_origin(c, k->section, name, k->key));
    if (emptied)
        gf_buf_printf(out, "%s%s, taken back", value ? "; " : "", emptied);
    gf_buf_byte(out, '\n');
}

/* The keys of one section stand together in the table. */
void config_show(const struct config *c, struct gf_buf *out) {
    const struct config_key *k = c->keys;

    while (k->section) {
        const struct config_key *first = k;
        while (k->section && strcmp(k->section, first->section) == 0 && k->named == first->named)
            k++;
        const char *name = first->named ? config_name(c, first->section, 0) : NULL;
        for (size_t i = 0; name || (!first->named && i == 0); i++) {
            for (const struct config_key *at = first; at < k; at++)
                put_setting(c, at, name, out);
            name = first->named ? config_name(c, first->section, i + 1) : NULL;
        }
    }
}
