/*
 * fuzz_config.c -- configuration: what one file leaves in force, written as `config show` does, is
 * a configuration with the same values.
 */
#include <stdlib.h>
#include <string.h>

#include "common/config_parts.h"

static const struct config_key keys[] = {
    {"agent", 0, "name", NULL, ""},    {"agent", 0, "mode", "auto", ""},
    {"agent", 0, "every", "14d", ""},  {"relay", 1, "url", NULL, ""},
    {"relay", 1, "reach", "site", ""}, {"both", 0, "one", NULL, ""},
    {"both", 1, "two", NULL, ""},      {NULL, 0, NULL, NULL, NULL},
};
static const char *const words[] = {"auto", "airgap", NULL};

static void ask_all(const struct config *c, const struct config_key *k, const char *name) {
    struct gf_err e;
    int64_t n;
    int i;

    (void)!config_int(c, k->section, name, k->key, -1000, INT64_MAX, &n, &e);
    (void)!config_span(c, k->section, name, k->key, &n, &e);
    (void)!config_bool(c, k->section, name, k->key, &i, &e);
    (void)!config_enum(c, k->section, name, k->key, words, &i, &e);
    if (strlen(config_origin(c, k->section, name, k->key)) == 0)
        abort();
}

/* Each line of config_show() as a section and a setting of its own, read again. */
static void read_again(const struct config *c) {
    struct config again = {.keys = keys};
    struct gf_buf shown, text;
    struct gf_err e;

    gf_buf_init(&shown, 1 << 26);
    gf_buf_init(&text, 1 << 26);
    config_show(c, &shown);
    for (const char *at = shown.data; at && *at;) {
        const char *end = strchr(at, '\n');
        const char *close = strstr(at, "] ");
        const char *origin = end;
        while (origin[-1] != '#')
            origin--;
        origin--;
        while (origin[-1] == ' ')
            origin--;
        gf_buf_add(&text, at, (size_t)(close + 1 - at));
        gf_buf_byte(&text, '\n');
        gf_buf_add(&text, close + 2, (size_t)(origin - close - 2));
        gf_buf_byte(&text, '\n');
        at = end + 1;
    }
    /* A value in quotes grows, and a name may hold what ends a header here; such are left out. */
    if (!shown.failed && !text.failed && text.len > 0 &&
        config_parse(&again, "again", text.data, text.len, &e) == 0) {
        for (size_t i = 0; i < c->nitems; i++) {
            const struct config_item *item = &c->items[i];
            const struct config_key *k = item->key;
            const char *was = config_get(c, k->section, item->name, k->key);
            const char *is = config_get(&again, k->section, item->name, k->key);
            if ((was == NULL) != (is == NULL) || (was && strcmp(was, is) != 0))
                abort();
        }
    }
    for (size_t i = 0; i < again.nitems; i++) {
        free(again.items[i].value);
        free(again.items[i].origin);
    }
    for (size_t i = 0; i < again.nsections; i++) {
        free(again.sections[i].name);
        free(again.sections[i].origin);
    }
    free(again.items);
    free(again.sections);
    gf_buf_free(&shown);
    gf_buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct config *c = calloc(1, sizeof *c);
    struct gf_err e = {GF_OK, ""};

    if (!c)
        return 0;
    c->keys = keys;
    if (config_parse(c, "fuzz", (const char *)data, size, &e) == 0) {
        for (const struct config_key *k = keys; k->section; k++) {
            if (!k->named)
                ask_all(c, k, NULL);
            for (size_t i = 0; k->named && config_name(c, k->section, i); i++)
                ask_all(c, k, config_name(c, k->section, i));
        }
        read_again(c);
    } else if (e.code != GF_E_CONFIG || strncmp(e.text, "fuzz:", 5) != 0) {
        abort();
    }
    config_free(c);
    return 0;
}
