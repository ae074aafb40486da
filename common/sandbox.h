/*
 * sandbox.h -- give up what a process will not need, for good.
 *
 * Filters are seccomp-bpf, made by hand (no library): foreign ABIs are killed, io_uring is denied.
 * They hold for every thread of the process and for all that it starts. sandbox_no_network() may be
 * called more than once, and before sandbox_parser(), which is the last word. Limits only ever get
 * tighter.
 *
 * Known for x86-64 and 64-bit ARM; elsewhere both fail with GF_E_SYSTEM: a promise that cannot be
 * kept is not made.
 */
#ifndef COMMON_SANDBOX_H
#define COMMON_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#include "gapferry/err.h"

/*
 * No network for this process and all it starts: socket(2) and socketpair(2) for AF_UNIX only
 * (EPERM for any other family), io_uring_* and pidfd_getfd(2) EPERM, foreign ABIs (32 bit, x32)
 * killed. Also no_new_privs, no core dumps (RLIMIT_CORE, PR_SET_DUMPABLE). Sockets that are open
 * already stay so: call it first. GF_E_SYSTEM if the kernel refuses.
 */
GF_MUST_CHECK int sandbox_no_network(struct gf_err *e);

/*
 * For the child that parses what strangers wrote: as above, and no exec, no new process (threads
 * are fine), no ptrace, no signals to others, no sockets at all, nothing that only administrators
 * or debuggers need, no system call that is newer than this code: all EPERM, or ENOSYS where the C
 * library then takes an older way. Files can be opened, made and removed as before.
 *
 * Address space at most `memory` bytes (each thread takes its stack and up to 64 MiB for malloc's
 * arena from it; 0: no limit; not under AddressSanitizer, which cannot live with it). CPU at most
 * `seconds` of the process, then SIGXCPU (0: no limit).
 */
GF_MUST_CHECK int sandbox_parser(size_t memory, unsigned seconds, struct gf_err *e);

/*
 * For the process that strangers speak to over sockets that it has already: as for the parser, but
 * it may accept, receive and send on these. It can neither open nor make, rename or remove any
 * file, nor connect anywhere: what it needs it is handed as open descriptors. `files` is the limit
 * of descriptors, `file_size` of bytes in a file that it writes.
 */
GF_MUST_CHECK int sandbox_server(size_t memory, unsigned files, int64_t file_size,
                                 struct gf_err *e);

#endif
