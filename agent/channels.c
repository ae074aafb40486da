/*
 * channels.c -- which section a channel's rule stands in, and which one was meant.
 */
#include "agent/channels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/command.h"
#include "agent/store/store_local.h"
#include "common/nearest.h"

static int has_section(const struct agent *a, const char *channel) {
    const char *name;

    for (size_t i = 0; (name = config_name(a->config, "channel", i)); i++) {
        if (strcmp(name, channel) == 0)
            return 1;
    }
    return 0;
}

/* Of the sections, the one nearest to a word. */
static const char *near_section(const struct agent *a, const char *typed, const char *found) {
    size_t best = found ? nearest_distance(typed, found) : (size_t)-1;
    const char *name;

    for (size_t i = 0; (name = config_name(a->config, "channel", i)); i++) {
        if (strcmp(name, typed) != 0 && nearest_is(typed, name, &best))
            found = name;
    }
    return found;
}

const char *channels_near(struct agent *a, const char *typed) {
    static const char *const usual[] = {"metrics", "license", "updates"};
    const char *found = NULL;
    size_t best = (size_t)-1;

    if (has_section(a, typed))
        return NULL;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        if (strcmp(typed, usual[i]) == 0)
            return NULL;
        if (nearest_is(typed, usual[i], &best))
            found = usual[i];
    }
    return near_section(a, typed, found);
}

int channels_has_no_rule(const struct agent *a, const char *channel) {
    return config_get(a->config, "channel", channel, "allow") == NULL;
}

void channels_tell_no_rule(struct agent *a, const char *channel) {
    const char *meant = has_section(a, channel) ? NULL : near_section(a, channel, NULL);

    if (!channels_has_no_rule(a, channel))
        return;
    (void)fprintf(stderr,
                  COMMAND_PROGRAM ": channel %s: no rule (allow): every field leaves%s%s%s\n",
                  channel, meant ? "; did [channel \"" : "", meant ? meant : "",
                  meant ? "\"] in the configuration mean it?" : "");
}

static int is_counted(const struct store_count *counts, size_t n, const char *channel) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(counts[i].channel, channel) == 0)
            return 1;
    }
    return 0;
}

/* 1 if this section is of a channel that has neither records, nor a decision, nor a source. */
static int is_unused(struct agent *a, const struct store_count *counts, size_t n,
                     const char *section, struct gf_err *e) {
    struct command_consent c;
    const char *name, *of;

    if (is_counted(counts, n, section))
        return 0;
    for (size_t i = 0; (name = config_name(a->config, "source", i)); i++) {
        of = config_get(a->config, "source", name, "channel");
        if (of && strcmp(of, section) == 0)
            return 0;
    }
    if (command_consent(a, section, &c, e) == -1)
        return -1;
    return !c.own && c.is == STORE_ASK;
}

/* The first granted channel without a section; "" if there is none. */
static int bare_channel(struct agent *a, char out[GF_WORD_MAX + 1], struct gf_err *e) {
    char(*list)[GF_WORD_MAX + 1] = NULL;
    size_t n = 0;

    out[0] = '\0';
    if (store_granted(a->store, &list, &n, e) == -1)
        return -1;
    for (size_t i = 0; i < n && !out[0]; i++) {
        if (!has_section(a, list[i]))
            memcpy(out, list[i], sizeof list[i]);
    }
    free(list);
    return 0;
}

int channels_suspect(struct agent *a, char out[CHANNELS_WORDS], struct gf_err *e) {
    struct store_count *counts = NULL;
    char bare[GF_WORD_MAX + 1];
    const char *name;
    size_t n = 0;
    int unused = 0;

    if (bare_channel(a, bare, e) == -1)
        return -1;
    if (!bare[0])
        return 0;
    if (store_counts(a->store, &counts, &n, e) == -1)
        return -1;
    for (size_t i = 0; unused == 0 && (name = config_name(a->config, "channel", i)); i++) {
        size_t best = (size_t)-1;
        unused = is_unused(a, counts, n, name, e);
        if (unused != 1)
            continue;
        int near = nearest_is(name, bare, &best);
        (void)snprintf(
            out, CHANNELS_WORDS,
            "nothing uses [channel \"%s\"], while channel %s has consent and no section: "
            "every field of it leaves%s%s%s",
            name, bare, near ? "; did you mean [channel \"" : "", near ? bare : "",
            near ? "\"]?" : "");
    }
    free(counts);
    return unused;
}

static int by_name(const void *a, const void *b) {
    return strcmp(a, b);
}

/* The sources of the names one after another, then sorted, each once. */
int channels_all(struct agent *a, char (**out)[GF_WORD_MAX + 1], size_t *n, struct gf_err *e) {
    char(*decided)[GF_WORD_MAX + 1] = NULL, (*list)[GF_WORD_MAX + 1] = NULL;
    struct store_count *counts = NULL;
    size_t ndecided = 0, ncounts = 0, nsections = 0, found = 0, kept = 0;
    int rc = -1;

    if (store_counts(a->store, &counts, &ncounts, e) == -1 ||
        store_decided(a->store, &decided, &ndecided, e) == -1)
        goto out;
    while (config_name(a->config, "channel", nsections))
        nsections++;
    list = calloc(ncounts + ndecided + nsections + 1, sizeof *list);
    if (!list) {
        (void)gf_err_errno(e, "the list of channels");
        goto out;
    }
    for (size_t i = 0; i < ncounts; i++)
        (void)snprintf(list[found++], sizeof *list, "%s", counts[i].channel);
    for (size_t i = 0; i < ndecided; i++)
        memcpy(list[found++], decided[i], sizeof *list);
    for (size_t i = 0; i < nsections; i++)
        (void)snprintf(list[found++], sizeof *list, "%s", config_name(a->config, "channel", i));
    (void)snprintf(list[found++], sizeof *list, "metrics");
    qsort(list, found, sizeof *list, by_name);
    for (size_t i = 0; i < found; i++) {
        if (i == 0 || strcmp(list[i], list[kept - 1]) != 0)
            memmove(list[kept++], list[i], sizeof *list);
    }
    *out = list;
    *n = kept;
    list = NULL;
    rc = 0;

out:
    free(list);
    free(decided);
    free(counts);
    return rc;
}
