/*
 * cmd_updates.h -- the parts of `gapferry-agent updates`.
 */
#ifndef AGENT_CMD_UPDATES_H
#define AGENT_CMD_UPDATES_H

#include "agent/command.h"
#include "agent/updates/updates.h"

/* `updates list`: every manifest, its artifacts, what was installed and what went wrong. */
GF_MUST_CHECK int cmd_updates_list(struct agent *a, const struct options *o, struct gf_err *e);

/* What `status` says of updates: a line for each newest manifest, and one for what went wrong. */
GF_MUST_CHECK int cmd_updates_status(struct agent *a, struct out *t, struct gf_err *e);

/* `updates fetch NAME DIR`, `updates fetch --all DIR`: verified copies. */
GF_MUST_CHECK int cmd_updates_fetch(struct agent *a, const struct options *o, struct gf_err *e);

/* `updates verify [--manifest M] [FILE...]`, `updates verify M [FILE...]`; *status is that of the
 * first thing that is wrong. */
GF_MUST_CHECK int cmd_updates_verify(struct agent *a, const struct options *o, int *status,
                                     struct gf_err *e);

/* `updates import DIR|MANIFEST`: what a vendor handed over, without any trip. */
GF_MUST_CHECK int cmd_updates_import(struct agent *a, const struct options *o, int *status,
                                     struct gf_err *e);

/* 1 if a file looks like a manifest: it begins as JSON and names the format. Nothing is believed
 * of it. */
int cmd_updates_is_manifest(int dir, const char *path);

/* Open a file that a person named, whoever made it: no link, nothing that blocks. */
GF_MUST_CHECK int cmd_updates_open(int dir, const char *path, const char *what, struct gf_err *e);

#endif
