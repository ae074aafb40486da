/*
 * agent_keys.c -- what agent.conf may say: the table that agent and link read it with. A key stands
 * here only once something obeys it.
 */
#include "agent/agent.h"

const struct config_key agent_keys[] = {
    {"agent", 0, "name", NULL, "what people call this agent; shown by status, never sent"},
    {"agent", 0, "mode", "auto",
     "auto, online: gapferry-link probes relays that have a url; airgap: only those within the "
     "site"},
    {"agent", 0, "self_reader", "yes",
     "whether this agent can open the bundles that it has written"},
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

    {"channel", 1, "product", NULL, "product of records that name none"},
    {"channel", 1, "relay", NULL,
     "the [relay] its records go to; without it the relay trusted last"},
    {"channel", 1, "type", "application/json", "media type of records that name none"},
    {"channel", 1, "allow", NULL,
     "top-level JSON fields that may leave, separated by commas; * or without it everything "
     "passes"},
    {"channel", 1, "consent", NULL,
     "granted or denied: forced from here; ask: `gapferry-agent consent` decides"},
    {"channel", 1, "max_records", NULL,
     "records without receipt that the queue holds at most; without it any number"},
    {"channel", 1, "max_bytes", NULL, "the same, in bytes of their lines"},
    {"channel", 1, "full", "refuse",
     "refuse: no more is accepted then; drop-oldest: the oldest that never left go, are counted, "
     "and the relay is told"},

    {NULL, 0, NULL, NULL, NULL},
};
