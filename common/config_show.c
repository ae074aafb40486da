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
        gf_buf_text(out, value);
        return;
    }
    gf_buf_add(out, value, from);
    gf_buf_text(out, "***");
    gf_buf_text(out, value + to);
}

static void one(const struct config *c, const struct config_key *k, const char *name,
                config_each_setting *fn, void *arg) {
    const char *value = config_get(c, k->section, name, k->key);
    struct config_setting s = {.section = k->section,
                               .name = name,
                               .key = k->key,
                               .origin = config_origin(c, k->section, name, k->key),
                               .emptied = config_emptied(c, k->section, name, k->key)};
    struct gf_buf shown;

    if (!value && !s.emptied)
        return;
    if (c->applies && !config_item(c, k, name) && !c->applies(c, k->section, name, k->key))
        return;
    gf_buf_init(&shown, CONFIG_LINE_MAX + 8);
    if (value) {
        put_shown(k, value, &shown);
        gf_buf_byte(&shown, '\0');
        s.value = shown.failed ? "" : shown.data;
    }
    fn(arg, &s);
    gf_buf_free(&shown);
}

void config_show_only(struct config *c, config_applies *fn) {
    c->applies = fn;
}

/* The keys of one section stand together in the table. */
void config_each(const struct config *c, config_each_setting *fn, void *arg) {
    const struct config_key *k = c->keys;

    while (k->section) {
        const struct config_key *first = k;
        while (k->section && strcmp(k->section, first->section) == 0 && k->named == first->named)
            k++;
        const char *name = first->named ? config_name(c, first->section, 0) : NULL;
        for (size_t i = 0; name || (!first->named && i == 0); i++) {
            for (const struct config_key *at = first; at < k; at++)
                one(c, at, name, fn, arg);
            name = first->named ? config_name(c, first->section, i + 1) : NULL;
        }
    }
}

/* ---- as a file would say them ---- */

static void put_line(void *arg, const struct config_setting *s) {
    struct gf_buf *out = arg;
    size_t begin = out->len;

    if (s->name)
        gf_buf_printf(out, "[%s \"%s\"] %s = ", s->section, s->name, s->key);
    else
        gf_buf_printf(out, "[%s] %s = ", s->section, s->key);
    if (s->value)
        put_value(out, s->value);
    do
        gf_buf_byte(out, ' ');
    while (!out->failed && out->len - begin < ORIGIN_COLUMN);
    gf_buf_printf(out, "# %s", s->origin);
    if (s->emptied)
        gf_buf_printf(out, "%s%s, taken back", s->value ? "; " : "", s->emptied);
    gf_buf_byte(out, '\n');
}

void config_show(const struct config *c, struct gf_buf *out) {
    config_each(c, put_line, out);
}
