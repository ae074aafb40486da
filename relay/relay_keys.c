/*
 * relay_keys.c -- what relay.conf may say.
 */
#include "common/vendor_keys.h"
#include "relay/draft.h"
#include "relay/endpoints/endpoint.h"
#include "relay/page/page.h"
#include "relay/quota.h"
#include "relay/relay.h"

const struct config_key relay_keys[] = {
    {"relay", 0, "name", NULL, "what people call this relay; shown by status, never sent"},
    {"relay", 0, "self_reader", "yes",
     "whether this relay can open the responses that it has written"},

    {"relay", 0, "response_max", DRAFT_SIZE_DEFAULT,
     "bytes of one response bundle; a larger artifact travels in parts; 1M to 1G"},

    {"relay", 0, "every", "5m", "how often `run` looks for what nobody has told it; 10s to 1d"},

    {"relay", 0, "overdue", "30d",
     "an agent that sent nothing for so long is shown as overdue; 0: none ever is"},

    QUOTA_KEYS,

    LISTENER_KEYS,

    PAGE_KEYS,

    ENDPOINT_KEYS,

    VENDOR_KEYS_UPDATE,
    VENDOR_KEYS_CARD,

    {NULL, 0, NULL, NULL, NULL},
};
