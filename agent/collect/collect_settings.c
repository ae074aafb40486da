/*
 * collect_settings.c -- [collect] of agent.conf. It is read by gapferry-agent too, which may not
 * contain the parser of addresses: so the two addresses that are allowed are compared as text.
 */
#include "agent/collect/collect_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/grid.h"
#include "gapferry/text.h"

#define SECTION "collect"

static int wrong(const struct config *c, const char *key, const char *why, struct gf_err *e) {
    return gf_err_set(e, GF_E_CONFIG, "%s: [" SECTION "] %s = %s: %s",
                      config_origin(c, SECTION, NULL, key), key, config_get(c, SECTION, NULL, key),
                      why);
}

/* "127.0.0.1:PORT" or "[::1]:PORT": no other address is this machine's alone on every host. */
static int read_listen(const struct config *c, struct collect_settings *s, struct gf_err *e) {
    static const char *const forms[][2] = {{"127.0.0.1:", "127.0.0.1"}, {"[::1]:", "::1"}};
    const char *text = config_get(c, SECTION, NULL, "listen");

    if (text[0] == '\0')
        return 0;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        size_t n = strlen(forms[i][0]);
        const char *port = text + n;
        if (strncmp(text, forms[i][0], n) != 0 || port[0] == '\0' || strlen(port) > 5 ||
            port[strspn(port, "0123456789")] != '\0' || strtol(port, NULL, 10) > UINT16_MAX)
            continue;
        s->port = (uint16_t)strtol(port, NULL, 10);
        (void)snprintf(s->address, sizeof s->address, "%s", forms[i][1]);
        return 0;
    }
    return wrong(c, "listen",
                 "must be 127.0.0.1:PORT or [::1]:PORT: only this machine may send here; \"\" for "
                 "none",
                 e);
}

static int read_socket(const struct config *c, const char *root, struct collect_settings *s,
                       struct gf_err *e) {
    const char *path = config_get(c, SECTION, NULL, "socket");
    int ours = strcmp(config_origin(c, SECTION, NULL, "socket"), "default") == 0;

    if (path[0] == '\0')
        return 0;
    int n = snprintf(s->socket, sizeof s->socket, "%s%s", ours && root != NULL ? root : "", path);
    if (path[0] != '/' || n < 0 || n >= (int)sizeof s->socket)
        return wrong(c, "socket", "must be an absolute path of at most 107 bytes; \"\" for none",
                     e);
    return 0;
}

static int read_channel(const struct config *c, struct collect_settings *s, struct gf_err *e) {
    const char *channel = config_get(c, SECTION, NULL, "channel");

    if (!gf_text_is_word(channel, strlen(channel), GF_WORD_MAX) || grid_is_own_consent(channel))
        return wrong(c, "channel",
                     "must be 1 to 64 characters of [a-z0-9.-], and neither license nor updates",
                     e);
    (void)snprintf(s->channel, sizeof s->channel, "%s", channel);
    return 0;
}

int collect_settings_read(const struct config *c, const char *root, struct collect_settings *out,
                          struct gf_err *e) {
    struct collect_settings s = {.port = 0};

    if (read_listen(c, &s, e) == -1 || read_socket(c, root, &s, e) == -1 ||
        read_channel(c, &s, e) == -1 ||
        config_size(c, SECTION, NULL, "body_max", &s.body_max, e) == -1 ||
        config_int(c, SECTION, NULL, "clients", 1, 1024, &s.clients, e) == -1)
        return -1;
    if (s.body_max < 1024 || s.body_max > 64LL << 20)
        return wrong(c, "body_max", "must be between 1K and 64M", e);
    if (s.address[0] == '\0' && s.socket[0] == '\0')
        return wrong(c, "listen", "without it and without a socket nobody can send anything", e);
    *out = s;
    return 0;
}
