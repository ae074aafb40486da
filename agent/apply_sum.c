/*
 * apply_sum.c -- what several responses did, added up, and what a person must hear of it.
 */
#include "agent/command.h"

void agent_apply_sum(struct apply_result *sum, const struct apply_result *one) {
    sum->delivered += one->delivered;
    sum->rejected += one->rejected;
    sum->expired += one->expired;
    sum->relayed += one->relayed;
    sum->odd += one->odd;
    sum->denied += one->denied;
    if (one->denied > 0) {
        sum->denied_id = one->denied_id;
        sum->denied_state = one->denied_state;
    }
    sum->answers += one->answers;
    sum->unusable += one->unusable;
    sum->refusals += one->refusals;
    sum->notices += one->notices;
}

int agent_apply_denied(const struct apply_result *r, struct gf_buf *out) {
    static const char *const became[] = {[GF_STATE_RELAYED] = "taken by the relay",
                                         [GF_STATE_DELIVERED] = "delivered",
                                         [GF_STATE_REJECTED] = "rejected",
                                         [GF_STATE_EXPIRED] = "found expired"};
    char id[GF_UUID_TEXT];

    if (r->denied == 0)
        return 0;
    gf_text_uuid(&r->denied_id, id);
    gf_buf_printf(out, "a record deleted by `deny` had been carried already and was %s: %s",
                  became[r->denied_state], id);
    if (r->denied > 1)
        gf_buf_printf(out, ", and %lld more", (long long)r->denied - 1);
    if (r->denied_state == GF_STATE_RELAYED)
        gf_buf_printf(out, "; ask its operator: gapferry-relay records reject %s", id);
    gf_buf_text(out, "\n");
    return r->denied_state == GF_STATE_RELAYED;
}

void agent_apply_rejected(const struct agent *a, const struct apply_result *r, struct gf_buf *out) {
    char self[COMMAND_SELF];

    if (r->rejected > 0)
        gf_buf_printf(out, "why %s rejected, and what to do: %s status\n",
                      r->rejected == 1 ? "the record was" : "records were", command_self(a, self));
}
