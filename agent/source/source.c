/*
 * source.c -- [source "NAME"] as configured.
 */
#include "agent/source/source.h"

#include "common/child.h"
#include "common/grid.h"

#include <stdlib.h>
#include <string.h>

static int bad(const struct config *c, const char *name, const char *key, struct gf_err *e,
               const char *rule) {
    return gf_err_set(e, GF_E_CONFIG, "%s: [source \"%s\"] %s: %s",
                      config_origin(c, "source", name, key), name, key, rule);
}

/* The channel must be one that a source may write. */
static int load_channel(const struct config *c, struct source *s, struct gf_err *e) {
    s->channel = config_get(c, "source", s->name, "channel");
    if (!s->channel)
        return gf_err_set(e, GF_E_CONFIG,
                          "%s: [source \"%s\"]: needs a channel, as in channel = metrics",
                          config_where(c, "source", s->name), s->name);
    if (!gf_text_is_word(s->channel, strlen(s->channel), GF_WORD_MAX))
        return bad(c, s->name, "channel", e, "must be 1 to 64 characters of [a-z0-9.-]");
    if (grid_is_own_consent(s->channel))
        return bad(c, s->name, "channel", e,
                   "license and updates are not for sources; a person asks there");
    return 0;
}

static int check_command(const char *command, struct gf_err *e) {
    char *words[CHILD_WORDS_MAX + 1];
    char *copy = strdup(command);

    if (!copy)
        return gf_err_errno(e, "%s", command);
    int rc = child_words(copy, words, e);
    free(copy);
    return rc;
}

static int check_counts(const char *counts, struct gf_err *e) {
    char name[GF_WORD_MAX + 1], file[512];
    int rc, n = 0;

    while ((rc = source_next_count(&counts, name, file, e)) == 1) {
        if (++n > SOURCE_COUNTS_MAX)
            return gf_err_set(e, GF_E_CONFIG, "at most %d counts", SOURCE_COUNTS_MAX);
    }
    return rc;
}

/* What a program prints, or what we write ourselves. */
static int load_kind(const struct config *c, struct source *s, struct gf_err *e) {
    static const char *const kinds[] = {"document", "command", NULL};
    int kind = 0;

    s->command = config_get(c, "source", s->name, "command");
    s->counts = config_get(c, "source", s->name, "counts");
    s->version = config_get(c, "source", s->name, "version");
    int given = config_enum(c, "source", s->name, "kind", kinds, &kind, e);
    if (given == -1)
        return -1;
    if (given == 0)
        kind = s->command != NULL;
    if (kind == 1 && !s->command)
        return gf_err_set(e, GF_E_CONFIG,
                          "[source \"%s\"]: kind = command needs a command, an absolute path",
                          s->name);
    if (kind == 0 && s->command)
        return bad(c, s->name, "command", e, "goes with kind = command only");
    if (kind == 1 && (s->counts || s->version))
        return bad(c, s->name, s->counts ? "counts" : "version", e,
                   "belongs to the built-in document (kind = document)");
    if (s->version && (strlen(s->version) > 64 || !gf_text_is_utf8(s->version, strlen(s->version))))
        return bad(c, s->name, "version", e, "must be at most 64 bytes of UTF-8");
    if (s->command && check_command(s->command, e) == -1)
        return bad(c, s->name, "command", e,
                   "must be an absolute path and at most 31 words more; no shell reads it");
    if (s->counts && check_counts(s->counts, e) == -1)
        return bad(c, s->name, "counts", e, "must be NAME:/ABSOLUTE/FILE ..., at most 32 of them");
    return 0;
}

static int load_limits(const struct config *c, struct source *s, struct gf_err *e) {
    s->max_bytes = 256 << 10;
    if (config_span(c, "source", s->name, "interval", &s->interval, e) == -1 ||
        config_span(c, "source", s->name, "timeout", &s->timeout, e) == -1 ||
        config_size(c, "source", s->name, "max_bytes", &s->max_bytes, e) == -1)
        return -1;
    if (s->max_bytes < 2 || s->max_bytes > SOURCE_BYTES_MAX)
        return bad(c, s->name, "max_bytes", e, "must be 2 to 524288 (512K)");
    if (s->interval < SOURCE_INTERVAL_MIN || s->interval > SOURCE_INTERVAL_MAX)
        return bad(c, s->name, "interval", e, "must be 1m to 366d");
    if (s->timeout < 1 || s->timeout > SOURCE_TIMEOUT_MAX)
        return bad(c, s->name, "timeout", e, "must be 1s to 1h");
    return 0;
}

int source_load(const struct config *c, const char *name, struct source *out, struct gf_err *e) {
    struct source s = {.name = name};

    if (!gf_text_is_word(name, strlen(name), GF_WORD_MAX))
        return gf_err_set(e, GF_E_CONFIG,
                          "[source \"%s\"]: its name must be 1 to 64 characters of [a-z0-9.-]",
                          name);
    if (load_channel(c, &s, e) == -1 || load_kind(c, &s, e) == -1 || load_limits(c, &s, e) == -1)
        return -1;
    s.product = config_get(c, "source", name, "product");
    if (!s.product)
        s.product = config_get(c, "channel", s.channel, "product");
    if (s.product && !gf_text_is_word(s.product, strlen(s.product), GF_WORD_MAX))
        return bad(c, name, "product", e, "must be 1 to 64 characters of [a-z0-9.-]");
    s.only_if = config_get(c, "channel", s.channel, "only_if");
    *out = s;
    return 0;
}

int source_check(const struct config *c, struct gf_err *e) {
    struct source s;
    const char *name;

    for (size_t i = 0; (name = config_name(c, "source", i)); i++) {
        if (source_load(c, name, &s, e) == -1)
            return -1;
    }
    for (size_t i = 0; (name = config_name(c, "channel", i)); i++) {
        const char *only_if = config_get(c, "channel", name, "only_if");
        if (only_if && check_command(only_if, e) == -1)
            return gf_err_prefix(e, "%s: only_if", config_origin(c, "channel", name, "only_if"));
    }
    return 0;
}
