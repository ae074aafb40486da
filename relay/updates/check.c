/*
 * check.c -- update checks: read, and turned into addresses.
 */
#include "relay/updates/check.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "gapferry/json.h"

#define FORMAT   "gapferry-update-check/1"
#define BODY_MAX (1 << 20) /* bytes */

static void read_word(struct gf_json_obj *o, const char *name, char out[GF_WORD_MAX + 1]) {
    const char *word = "";

    if (!gf_json_has(o, name) || !gf_json_str_opt(o, name, 1, GF_WORD_MAX, &word))
        return;
    if (gf_text_is_word(word, strlen(word), GF_WORD_MAX))
        memcpy(out, word, strlen(word) + 1);
    else
        gf_json_fail(o, GF_E_UPDATE, "\"%s\" must be of [a-z0-9.-], a letter or digit first", name);
}

static void read_version(struct gf_json_obj *o, char out[UPDATE_VERSION_MAX + 1]) {
    const char *version = "";

    if (!gf_json_has(o, "version") ||
        !gf_json_str_opt(o, "version", 1, UPDATE_VERSION_MAX, &version))
        return;
    if (update_is_version(version))
        memcpy(out, version, strlen(version) + 1);
    else
        gf_json_fail(o, GF_E_UPDATE, "\"version\" must be of [A-Za-z0-9._+~-]");
}

static int read_object(struct gf_json_obj *o, struct check *c, struct gf_err *e) {
    const char *format = FORMAT;

    if (gf_json_has(o, "format"))
        (void)gf_json_str_opt(o, "format", 1, GF_WORD_MAX, &format);
    if (strcmp(format, FORMAT) != 0)
        gf_json_fail(o, GF_E_VERSION, "its format is not " FORMAT);
    read_word(o, "product", c->product);
    read_word(o, "channel", c->channel);
    read_word(o, "platform", c->platform);
    read_version(o, c->version);
    /* Members that are not looked at are a newer agent's. */
    if (o->err.code == GF_OK)
        return 0;
    *e = o->err;
    return -1;
}

int check_is_type(const char *type, const char *want) {
    size_t n = strlen(want);

    return strncasecmp(type, want, n) == 0 && strchr("; \t", type[n]) != NULL;
}

int check_read(const struct gf_record *r, struct check *out, struct gf_err *e) {
    struct check c = {.platform = UPDATE_ANY};
    struct gf_json *j = NULL;
    struct gf_json_obj o;

    if (!check_is_type(r->type, CHECK_TYPE))
        return gf_err_set(e, GF_E_NOT_FOR_US, "it is no update check, but %.100s", r->type);
    if (r->body.len > BODY_MAX)
        return gf_err_set(e, GF_E_UPDATE, "update check: longer than %d bytes", BODY_MAX);
    if (gf_json_parse(r->body.data, r->body.len, "update check", GF_E_UPDATE, &j, e) == -1)
        return -1;
    gf_json_root(j, &o);
    int rc = read_object(&o, &c, e);
    gf_json_free(j);
    if (rc == -1)
        return -1;

    /* The record's product is what has led it here. */
    if (c.product[0] == '\0' && r->product != NULL &&
        gf_text_is_word(r->product, strlen(r->product), GF_WORD_MAX))
        memcpy(c.product, r->product, strlen(r->product) + 1);
    if (c.product[0] == '\0')
        return gf_err_set(e, GF_E_UPDATE, "update check: it names no product");
    if (r->product != NULL && strcmp(c.product, r->product) != 0)
        return gf_err_set(
            e, GF_E_UPDATE,
            "update check: its body is about %s, and its record about another product", c.product);
    *out = c;
    return 0;
}

/* ---- addresses ---- */

static int fits(int n, const char *base, struct gf_err *e) {
    return n >= 0 && n <= CHECK_URL_MAX
               ? 0
               : gf_err_set(e, GF_E_CONFIG, "%.100s...: this address is too long", base);
}

int check_url(const char *base, const char *product, const char *channel, const char *platform,
              int signature, char out[CHECK_URL_MAX + 1], struct gf_err *e) {
    return fits(snprintf(out, CHECK_URL_MAX + 1, "%s%s/%s/%s.json%s", base, product, channel,
                         platform, signature ? ".minisig" : ""),
                base, e);
}

int check_artifact_url(const char *base, const char *place, const char *name,
                       char out[CHECK_URL_MAX + 1], struct gf_err *e) {
    char escaped[3 * UPDATE_NAME_MAX + 1];
    size_t n = 0;

    /* Of the characters that a name may have, some servers read a plus as a blank. */
    for (; *name != '\0' && n + 3 < sizeof escaped; name++) {
        if (*name == '+') {
            memcpy(escaped + n, "%2B", 3);
            n += 3;
        } else {
            escaped[n++] = *name;
        }
    }
    escaped[n] = '\0';
    return fits(snprintf(out, CHECK_URL_MAX + 1, "%s%s/%s", base, place, escaped), base, e);
}
