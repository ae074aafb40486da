/*
 * collect_settings.h -- [collect] of agent.conf: for gapferry-collect, and for `config check`.
 */
#ifndef COLLECT_COLLECT_SETTINGS_H
#define COLLECT_COLLECT_SETTINGS_H

#include "common/config.h"
#include "gapferry/limits.h"

struct collect_settings {
    char address[16]; /* "127.0.0.1" or "::1"; "": no port is listened at */
    uint16_t port;
    char socket[108];              /* the path of a unix socket; "": none */
    int64_t body_max;              /* bytes of a request's body, as it came and decoded */
    int64_t clients;               /* connections at once at each of the two */
    char channel[GF_WORD_MAX + 1]; /* of /v1/metrics */
};

/* The default path of the socket is below root where there is one (NULL: none). GF_E_CONFIG with
 * file, line and what is allowed; also if there is neither an address nor a socket. */
GF_MUST_CHECK int collect_settings_read(const struct config *c, const char *root,
                                        struct collect_settings *out, struct gf_err *e);

#endif
