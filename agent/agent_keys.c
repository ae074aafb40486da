/*
 * agent_keys.c -- what agent.conf may say: the table that agent, link and collect read it
 * with. A key stands here only once something obeys it; the rule of its values is in
 * config_check.c.
 */
#include "agent/agent.h"
#include "common/vendor_keys.h"

const struct config_key agent_keys[] = {
    {"agent", 0, "name", NULL, "what people call this agent; shown by status, never sent"},
    {"agent", 0, "mode", "auto",
     "auto, online: gapferry-link visits relays that have a url, with online never more than five "
     "minutes apart while one is offline; airgap: only those within the site"},
    {"agent", 0, "self_reader", "yes",
     "whether this agent can open the bundles that it has written"},
    {"agent", 0, "export_interval", "1h",
     "how long `run` lets records wait for others to go with them in one bundle"},
    {"agent", 0, "auto_drives", NULL,
     "drives that `run` visits as soon as they are mounted, separated by commas: UUID=..., or the "
     "path; only those that a person has synced here before"},
    {"agent", 0, "history_max", "1073741824",
     "bytes of bundles that left and are kept to be looked at; none is kept longer than 400 days"},

    {"agent", 0, "resend_after", "14d",
     "what left and was not answered for so long is bundled anew under its old ids; 0: never"},

    {"relay", 1, "fingerprint", NULL,
     "which of the trusted relays it is; needed where there are several"},
    {"relay", 1, "url", NULL, "where gapferry-link finds it; without one only drives go there"},
    {"relay", 1, "reach", "outside",
     "outside; site: it is reached within the site, also in mode airgap"},
    {"relay", 1, "ca_file", NULL, "certificates that vouch for it, in place of the system's"},
    {"relay", 1, "proxy", NULL, "the HTTP proxy on the way to it"},
    {"relay", 1, "poll", "1h",
     "how often gapferry-link visits it while it is online; with reach = site every 15 minutes at "
     "least"},
    {"relay", 1, "failures", "3", "failed tries in a row after which it counts as offline"},
    {"relay", 1, "successes", "2", "proofs in a row after which it counts as online"},
    {"relay", 1, "retry", "15s", "the distance of tries while its state is in doubt"},
    {"relay", 1, "retry_max", "1h",
     "the longest distance of tries while it is offline; in mode online at most five minutes"},

    {"channel", 1, "product", NULL, "product of records that name none"},
    {"channel", 1, "airgap", "carry",
     "while its relay is out of reach. carry: records go by drive; hold: they wait; discard: they "
     "are dropped, counted, and told"},
    {"channel", 1, "relay", NULL,
     "the [relay] its records go to; without it the relay trusted last"},
    {"channel", 1, "type", "application/json", "media type of records that name none"},
    {"channel", 1, "allow", NULL,
     "top-level JSON fields that may leave, separated by commas; * or without it everything "
     "passes"},
    {"channel", 1, "deny", NULL,
     "attributes that are taken out of OpenTelemetry metrics, separated by commas, host.* for all "
     "that begin so; without it those that name hosts, users and addresses; \"\": none"},
    {"channel", 1, "consent", NULL,
     "granted or denied: forced from here; ask: `gapferry-agent consent` decides"},
    {"channel", 1, "nodes", "no",
     "yes: records of this channel are also taken from nodes of the grid whose manager this is, "
     "through the relay on this host (profile agent)"},
    {"channel", 1, "max_records", NULL,
     "records without receipt that the queue holds at most; without it any number"},
    {"channel", 1, "max_bytes", NULL, "the same, in bytes of their lines"},
    {"channel", 1, "full", "refuse",
     "refuse: no more is accepted then; drop-oldest: the oldest that never left go, are counted, "
     "and the relay is told"},
    {"channel", 1, "thin", NULL,
     "before that, the oldest metrics that never left are thinned to one point of each series in "
     "this time, such as 15m; several, such as 5m 1h: to the next one when that is not enough"},

    {"channel", 1, "stale_after", "180d",
     "channel updates: how long a manifest may be the newest before that is told; 0: for ever"},
    {"channel", 1, "only_if", NULL,
     "a program, run before a source of the channel: exit status 0 means that this host reports"},

    {"collect", 0, "listen", "127.0.0.1:4318",
     "where gapferry-collect takes records from programs of this host: 127.0.0.1:PORT or "
     "[::1]:PORT; \"\": nowhere"},
    {"collect", 0, "socket", "/run/gapferry/collect.sock",
     "its unix socket, for programs of its group; \"\": none"},
    {"collect", 0, "body_max", "16M", "bytes of a request's body, as it comes and decoded"},
    {"collect", 0, "clients", "64", "connections at once, at each of the two"},
    {"collect", 0, "channel", "metrics", "the channel of what comes to /v1/metrics"},

    {"scrape", 1, "url", NULL,
     "the Prometheus endpoint that gapferry-collect asks: http://ADDRESS:PORT/PATH of this host or "
     "a private network, http+unix:///SOCKET:/PATH; required"},
    {"scrape", 1, "every", "60s", "how often it is asked: 10s to 1d"},
    {"scrape", 1, "timeout", "10s", "how long it may take to answer"},
    {"scrape", 1, "channel", NULL, "the channel of its metrics; default: that of [collect]"},
    {"scrape", 1, "job", NULL,
     "what its points name as their service; default: the section's name"},
    {"scrape", 1, "body_max", "2M", "bytes of an answer; of all endpoints together at most 64M"},

    {"source", 1, "channel", NULL, "the channel that its records are for; required"},
    {"source", 1, "kind", NULL,
     "document: the built-in report; command: what a program prints (the default where there is a "
     "command)"},
    {"source", 1, "interval", "1d", "how often it runs"},
    {"source", 1, "command", NULL, "an absolute path and its arguments; prints JSON; no shell"},
    {"source", 1, "timeout", "30s", "how long a command may take"},
    {"source", 1, "max_bytes", "262144", "how much it may print"},
    {"source", 1, "product", NULL, "the product of its records; default: that of the channel"},
    {"source", 1, "version", NULL, "the product's version, in the built-in report"},
    {"source", 1, "counts", NULL, "NAME:FILE ...: whole numbers in files, for the built-in report"},

    VENDOR_KEYS_LICENSE,
    VENDOR_KEYS_UPDATE,
    VENDOR_KEYS_CARD,

    {NULL, 0, NULL, NULL, NULL},
};
