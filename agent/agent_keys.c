/*
 * agent_keys.c -- what agent.conf may say: the table that agent and link read it with.
 */
#include "agent/agent.h"

const struct config_key agent_keys[] = {
    {"agent", 0, "name", NULL, "what people call this agent; shown by status, never sent"},
    {"agent", 0, "mode", "auto",
     "auto: probe where a relay has a url; airgap: never, whatever the url says; online: likewise "
     "always"},
    {"agent", 0, "resend_after", "14d",
     "how long a bundle may stay without receipt before its records are bundled anew"},
    {"agent", 0, "self_reader", "yes",
     "whether this agent can open the bundles that it has written"},

    {"relay", 1, "url", NULL, "where gapferry-link finds it; without one only drives go there"},
    {"relay", 1, "fingerprint", NULL, "of the relay's card, where there is more than one relay"},
    {"relay", 1, "reach", "outside", "site: reached within the site, even in mode airgap; outside"},
    {"relay", 1, "ca_file", NULL, "certificates that vouch for it, in place of the system's"},
    {"relay", 1, "proxy", NULL, "the HTTP proxy on the way to it"},
    {"relay", 1, "probe_every", "15m", "how often gapferry-link looks whether it can be reached"},

    {"channel", 1, "relay", NULL, "the [relay \"NAME\"] its records go to"},
    {"channel", 1, "product", NULL, "product of records that name none"},
    {"channel", 1, "type", "application/json", "media type of records that name none"},
    {"channel", 1, "allow", NULL,
     "top-level JSON fields that may leave, separated by commas; without it everything passes"},
    {"channel", 1, "consent", NULL,
     "granted or denied: forced from here; ask: `gapferry-agent consent` decides"},
    {"channel", 1, "airgap", "carry",
     "while offline: carry records by drive, hold them until there is a network, or discard them"},

    {NULL, 0, NULL, NULL, NULL},
};
