/*
 * collect_sockets.h -- where gapferry-collect listens: what agent.conf says, or what systemd hands
 * over (socket activation, sd_listen_fds(3)).
 */
#ifndef COLLECT_COLLECT_SOCKETS_H
#define COLLECT_COLLECT_SOCKETS_H

#include "agent/collect/collect_settings.h"

struct collect_sockets {
    int tcp, local;  /* listening; -1: none */
    char listen[64]; /* ADDRESS:PORT, as it is in fact; "": none */
    char socket[108];
    int ours; /* 1: the path of the unix socket is removed at the end */
};

/* passed: descriptors from 3 on that were handed over, 0: none, and the settings count. Of each
 * kind one is taken; one that others than this host can reach is refused. Errors: GF_E_CONFIG. On
 * failure *out is closed. */
GF_MUST_CHECK int collect_sockets_open(const struct collect_settings *s, int passed,
                                       struct collect_sockets *out, struct gf_err *e);
void collect_sockets_close(struct collect_sockets *s);

#endif
