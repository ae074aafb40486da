/*
 * cmd_license.h -- the parts of `gapferry-agent license`.
 */
#ifndef AGENT_CMD_LICENSE_H
#define AGENT_CMD_LICENSE_H

#include "agent/command.h"
#include "agent/license/installed.h"

/* Bytes of a licence file of either form. */
#define CMD_LICENSE_FILE_MAX (GF_DOCUMENT_MAX + 65536)

/* ---- cmd_license_facts.c: what holds ---- */

/* `license status`: every licence, and what became of every request. */
GF_MUST_CHECK int cmd_license_status(struct agent *a, const struct options *o, struct gf_err *e);

/* `license check`: one product; *status is 0 if it may run, else the status of the fact. */
GF_MUST_CHECK int cmd_license_check(struct agent *a, const struct options *o, int *status,
                                    struct gf_err *e);

/* `license list`: a line for each licence, and for each that was given up. */
GF_MUST_CHECK int cmd_license_list(struct agent *a, const struct options *o, struct gf_err *e);

/* ---- cmd_license_show.c: one licence, as JSON and for people ---- */

void cmd_license_put(struct out *t, const struct installed *i);
void cmd_license_show(struct out *t, const struct installed *i);

/* ---- cmd_license_request.c: asking ---- */

GF_MUST_CHECK int cmd_license_request(struct agent *a, const struct options *o, struct gf_err *e);
/* `license renew`: the same again, for the licence that is installed, which stays in force. */
GF_MUST_CHECK int cmd_license_renew(struct agent *a, const struct options *o, int *status,
                                    struct gf_err *e);
/* `license repair`: the same for a machine that has changed; says what has changed. */
GF_MUST_CHECK int cmd_license_repair(struct agent *a, const struct options *o, int *status,
                                     struct gf_err *e);

/* ---- cmd_license_install.c ---- */

GF_MUST_CHECK int cmd_license_install(struct agent *a, const struct options *o, int *status,
                                      struct gf_err *e);

/* ---- cmd_license_deactivate.c: giving one up ---- */

GF_MUST_CHECK int cmd_license_deactivate(struct agent *a, const struct options *o, int *status,
                                         struct gf_err *e);

/* ---- cmd_license_pick.c: which licence is meant ---- */

/* The installed licence of --product, or the only one: 1 found; 0 there is none, which is told, and
 * *status says so. GF_E_USAGE where it is not clear which. verb: for messages. */
GF_MUST_CHECK int cmd_license_pick(struct agent *a, const struct options *o, const char *verb,
                                   struct installed *out, int *status, struct gf_err *e);

/* ---- cmd_license_trust.c: `trust --keygen`, `license install --vendor-key` ---- */

/* Pin an Ed25519 key (64 hex digits) for licences in Keygen's form; name NULL: one is made of the
 * key. */
GF_MUST_CHECK int cmd_license_trust(struct agent *a, const char *hex, const char *name,
                                    struct store_vendor *out, struct gf_err *e);
/* `trust --keygen KEY`. */
GF_MUST_CHECK int cmd_license_trust_keygen(struct agent *a, const struct options *o,
                                           struct gf_err *e);

#endif
