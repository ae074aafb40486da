/*
 * collect_scrape_settings.h -- [scrape "NAME"] of agent.conf: which endpoints are asked for
 * metrics; for gapferry-collect, and for `config check`.
 *
 *   url = http://ADDRESS[:PORT][/PATH]     an address of this host or of a private network
 *   url = http+unix:///SOCKET[:/PATH]      a unix socket
 *
 * Without a path /metrics is asked for, where Prometheus looks, too (its metrics_path).
 *
 * ADDRESS is literal: no name is ever looked up. With [agent] mode = airgap it is one of this host.
 */
#ifndef COLLECT_COLLECT_SCRAPE_SETTINGS_H
#define COLLECT_COLLECT_SCRAPE_SETTINGS_H

#include "common/config.h"
#include "gapferry/limits.h"

#define COLLECT_SCRAPES_MAX     64  /* endpoints */
#define COLLECT_SCRAPE_URL_MAX  512 /* bytes */
#define COLLECT_SCRAPE_URL_TEXT (COLLECT_SCRAPE_URL_MAX + sizeof ":/metrics")
#define COLLECT_SCRAPE_ROOM     (64 << 20) /* bytes of all their answers at one time */

enum collect_scrape_path {
    COLLECT_SCRAPE_PATH,    /* is named */
    COLLECT_SCRAPE_ROOT,    /* it is / alone */
    COLLECT_SCRAPE_PATHLESS /* is not */
};

struct collect_scrape_settings {
    char name[GF_WORD_MAX + 1]; /* [A-Za-z0-9_.-], as is job */
    char job[GF_WORD_MAX + 1];
    char channel[GF_WORD_MAX + 1];
    char url[COLLECT_SCRAPE_URL_TEXT];     /* as it is configured, and the path */
    enum collect_scrape_path path;         /* how it was configured */
    char request[COLLECT_SCRAPE_URL_TEXT]; /* what is asked for; at a socket of 127.0.0.1 */
    char socket[108];                      /* "": none */
    int here;                              /* 1: it is on this host */
    int64_t every, timeout;                /* seconds */
    int64_t body_max;                      /* bytes of an answer */
};

struct collect_scrapes {
    size_t n;
    struct collect_scrape_settings *list; /* in the order of the configuration */
};

/* channel: of those that name none. GF_E_CONFIG with file, line and what is allowed; GF_E_SYSTEM.
 * What is no address of the right form at all is left to who connects (https_check_site_url()): the
 * agent may not contain the parser of addresses. Release with _free. */
GF_MUST_CHECK int collect_scrape_settings_read(const struct config *c, const char *channel,
                                               struct collect_scrapes *out, struct gf_err *e);
void collect_scrape_settings_free(struct collect_scrapes *s);

#endif
