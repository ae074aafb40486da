/*
 * config_parts.h -- what the files of config.c say to each other.
 */
#ifndef COMMON_CONFIG_PARTS_H
#define COMMON_CONFIG_PARTS_H

#include "common/config.h"

#define CONFIG_LINE_MAX     4096
#define CONFIG_FILE_MAX     (1 << 20)
#define CONFIG_NAME_MAX     64
#define CONFIG_SECTIONS_MAX 1000 /* named ones; all lists are searched from one end */
#define CONFIG_DROPINS_MAX  1000

struct config_item {
    const struct config_key *key;
    char *name;   /* NULL in unnamed sections */
    char *value;  /* NULL: taken back */
    char *origin; /* FILE:LINE */
};

struct config_section {
    const char *section; /* of the table */
    char *name;
    char *origin; /* FILE:LINE of its first header */
};

struct config {
    const struct config_key *keys;
    struct config_item *items;
    size_t nitems, items_room;
    struct config_section *sections; /* named ones, in order of appearance */
    size_t nsections;
    config_applies *applies; /* NULL: all are shown */
};

/* Add what a file says; `path` is for messages. Errors: GF_E_CONFIG, GF_E_SYSTEM. */
GF_MUST_CHECK int config_parse(struct config *c, const char *path, const char *text, size_t len,
                               struct gf_err *e);

/* The item of a key of the table; NULL if it was never set. */
struct config_item *config_item(const struct config *c, const struct config_key *key,
                                const char *name);

#endif
