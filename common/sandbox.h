/*
 * sandbox.h -- give up what a process will not need, for good.
 *
 * Filters are seccomp-bpf, made by hand (no library): foreign ABIs are killed, io_uring is denied.
 */
#ifndef COMMON_SANDBOX_H
#define COMMON_SANDBOX_H

#include <stddef.h>

#include "gapferry/err.h"

/*
 * No network for this process and all it starts: socket(2) and socketpair(2) for AF_UNIX only
 * (EPERM for any other family), io_uring_* EPERM, foreign ABIs (32 bit, x32) killed. Also
 * no_new_privs, no core dumps (RLIMIT_CORE, PR_SET_DUMPABLE). GF_E_SYSTEM if the kernel refuses.
 */
GF_MUST_CHECK int sandbox_no_network(struct gf_err *e);

/*
 * For the child that parses what strangers wrote: as above, and no exec, no ptrace, no new sockets
 * at all; memory at most `memory` bytes, CPU at most `seconds` (0: no limit).
 */
GF_MUST_CHECK int sandbox_parser(size_t memory, unsigned seconds, struct gf_err *e);

#endif
