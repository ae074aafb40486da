/*
 * sandbox.c -- seccomp filters and limits.
 */
#include "common/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__) && !defined(__ILP32__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#endif

#ifdef OUR_ARCH

static int limit(unsigned which, rlim_t soft, rlim_t hard) {
    struct rlimit old;
    struct rlimit now = {soft, hard};

    /* What was lower before stays so: raising it may not be ours to do. */
    if (getrlimit(which, &old) == -1)
        return -1;
    now.rlim_max = old.rlim_max < hard ? old.rlim_max : hard;
    now.rlim_cur = old.rlim_cur < soft ? old.rlim_cur : soft;
    if (now.rlim_cur > now.rlim_max)
        now.rlim_cur = now.rlim_max;
    return setrlimit(which, &now);
}

#define X32_BIT 0x40000000U

/* set_mempolicy_home_node (Linux 5.17), the same everywhere: what came later was not weighed here.
 */
#define NEWEST_CALL 450

/* Room for each filter; a system call takes two to six instructions. */
#define CODE_MAX 320

struct filter {
    struct sock_filter code[CODE_MAX];
    unsigned short n;
};

static void put(struct filter *f, struct sock_filter one) {
    if (f->n < CODE_MAX)
        f->code[f->n] = one;
    f->n++; /* beyond CODE_MAX: install() fails */
}

/* The accumulator gets a field of struct seccomp_data; of arguments the low half: those looked at
 * here are ints, of which the kernel uses no more. */
static void load(struct filter *f, size_t offset) {
    put(f, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void load_argument(struct filter *f, size_t n) {
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the low half of an argument lies elsewhere"
#endif
    load(f, offsetof(struct seccomp_data, args) + 8 * n);
}

/* If the accumulator passes the test (BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET) go on with the next
 * `then` instructions, else jump over them. */
static void when(struct filter *f, unsigned short test, uint32_t value, uint8_t then) {
    put(f, (struct sock_filter)BPF_JUMP(BPF_JMP | test | BPF_K, value, 0, then));
}

static void give(struct filter *f, uint32_t verdict) {
    put(f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdict));
}

#define FAIL(error) (SECCOMP_RET_ERRNO | (uint32_t)(error))

static void deny(struct filter *f, const unsigned *calls, size_t n) {
    for (size_t i = 0; i < n; i++) {
        when(f, BPF_JEQ, calls[i], 1);
        give(f, FAIL(EPERM));
    }
}
#define DENY(f, calls) deny(f, calls, sizeof(calls) / sizeof *(calls))

/* A call that is allowed with one value of an argument only. */
static void only_with(struct filter *f, unsigned call, size_t argument, uint32_t value) {
    when(f, BPF_JEQ, call, 4);
    load_argument(f, argument);
    when(f, BPF_JEQ, value, 1);
    give(f, SECCOMP_RET_ALLOW);
    give(f, FAIL(EPERM));
}

/* Numbers of system calls mean nothing before the ABI is known: int 0x80 reaches the 32-bit table
 * from 64-bit code. The accumulator holds the number afterwards. */
static void begin(struct filter *f) {
    load(f, offsetof(struct seccomp_data, arch));
    put(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0));
    give(f, SECCOMP_RET_KILL_PROCESS);
    load(f, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
    when(f, BPF_JGE, X32_BIT, 1);
    give(f, SECCOMP_RET_KILL_PROCESS);
#endif
}

/* For all threads, or for none. */
static int install(struct filter *f, struct gf_err *e) {
    struct sock_fprog program = {.len = f->n, .filter = f->code};

    if (f->n > CODE_MAX)
        return gf_err_set(e, GF_E_BUG, "sandbox: the filter is too long");
    long rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    if (rc > 0)
        return gf_err_set(e, GF_E_SYSTEM, "sandbox: thread %ld cannot be held to it", rc);
    if (rc == -1)
        return gf_err_errno(e, "sandbox: the kernel does not take the seccomp filter");
    return 0;
}

/* What lets a process reach a network without a socket() of its own: rings that run system calls
 * unseen by filters, and descriptors taken out of other processes. */
static const unsigned ways_around[] = {SYS_io_uring_setup, SYS_io_uring_enter,
                                       SYS_io_uring_register, SYS_pidfd_getfd};

static const unsigned sockets[] = {
    SYS_socket,  SYS_socketpair, SYS_connect, SYS_bind,     SYS_listen,  SYS_accept,
    SYS_accept4, SYS_sendto,     SYS_sendmsg, SYS_sendmmsg, SYS_recvmsg, SYS_recvmmsg,
};

/* Sockets that lead elsewhere than to those who called. */
static const unsigned new_sockets[] = {SYS_socket, SYS_socketpair, SYS_connect, SYS_bind,
                                       SYS_listen};

static const unsigned paths[] = {
#ifdef SYS_open
    SYS_open,     SYS_creat,    SYS_unlink,    SYS_rename,    SYS_link,   SYS_symlink,
    SYS_mkdir,    SYS_rmdir,    SYS_mknod,     SYS_chmod,     SYS_chown,  SYS_lchown,
#endif
    SYS_openat,   SYS_openat2,  SYS_unlinkat,  SYS_renameat2, SYS_linkat, SYS_symlinkat,
    SYS_mkdirat,  SYS_mknodat,  SYS_fchmod,    SYS_fchmodat,  SYS_fchown, SYS_fchownat,
    SYS_truncate, SYS_setxattr, SYS_lsetxattr, SYS_chdir,     SYS_fchdir,
#ifdef SYS_renameat
    SYS_renameat,
#endif
};

static const unsigned processes[] = {
#ifdef SYS_fork
    SYS_fork,
    SYS_vfork,
#endif
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_process_madvise,
    SYS_kcmp,
    SYS_pidfd_open,
    SYS_pidfd_send_signal,
    SYS_kill,
    SYS_tkill,
    SYS_rt_sigqueueinfo,
    SYS_setns,
    SYS_unshare,
    SYS_prlimit64,
};

static const unsigned administration[] = {
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_move_mount,
    SYS_open_tree,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    SYS_mount_setattr,
    SYS_swapon,
    SYS_swapoff,
    SYS_reboot,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_open_by_handle_at,
    SYS_name_to_handle_at,
    SYS_acct,
    SYS_quotactl,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_syslog,
    SYS_vhangup,
    SYS_fanotify_init,
    SYS_personality,
#ifdef SYS_iopl
    SYS_iopl,
    SYS_ioperm,
    SYS_modify_ldt,
#endif
};

static void no_network(struct filter *f) {
    begin(f);
    DENY(f, ways_around);
    only_with(f, SYS_socket, 0, AF_UNIX);
    only_with(f, SYS_socketpair, 0, AF_UNIX);
    give(f, SECCOMP_RET_ALLOW);
}

/* What holds for every process that meets strangers; all that is left is allowed. */
static void harmless(struct filter *f) {
    DENY(f, processes);
    DENY(f, administration);
    /* The flags of clone3() lie in memory, where a filter cannot look; the C library falls back to
     * clone(). */
    when(f, BPF_JEQ, SYS_clone3, 1);
    give(f, FAIL(ENOSYS));
    when(f, BPF_JEQ, SYS_clone, 4);
    load_argument(f, 0);
    when(f, BPF_JSET, CLONE_THREAD, 1);
    give(f, SECCOMP_RET_ALLOW);
    give(f, FAIL(EPERM));
    /* abort() sends a signal to the process itself. */
    only_with(f, SYS_tgkill, 0, (uint32_t)getpid());
    /* Two requests of ioctl() type into the terminal that the program was started from. */
    when(f, BPF_JEQ, SYS_ioctl, 6);
    load_argument(f, 1);
    when(f, BPF_JEQ, TIOCSTI, 1);
    give(f, FAIL(EPERM));
    when(f, BPF_JEQ, TIOCLINUX, 1);
    give(f, FAIL(EPERM));
    give(f, SECCOMP_RET_ALLOW);
    give(f, SECCOMP_RET_ALLOW);
}

static void parser(struct filter *f) {
    begin(f);
    when(f, BPF_JGT, NEWEST_CALL, 1);
    give(f, FAIL(ENOSYS));
    DENY(f, ways_around);
    DENY(f, sockets);
    harmless(f);
}

static void server(struct filter *f) {
    begin(f);
    when(f, BPF_JGT, NEWEST_CALL, 1);
    give(f, FAIL(ENOSYS));
    DENY(f, ways_around);
    DENY(f, new_sockets);
    DENY(f, paths);
    harmless(f);
}

/* What every filter rests upon. */
static int begin_sandbox(struct gf_err *e) {
    if (limit(RLIMIT_CORE, 0, 0) == -1 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
        return gf_err_errno(e, "sandbox: cannot turn core dumps off");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
        return gf_err_errno(e, "sandbox: cannot set no_new_privs");
    return 0;
}

int sandbox_no_network(struct gf_err *e) {
    struct filter f = {.n = 0};

    no_network(&f);
    return begin_sandbox(e) == -1 ? -1 : install(&f, e);
}

int sandbox_parser(size_t memory, unsigned seconds, struct gf_err *e) {
    struct filter f = {.n = 0};

    parser(&f);
    if (begin_sandbox(e) == -1)
        return -1;
#ifdef UNDER_ASAN
    memory = 0;
#endif
    /* A second between the two limits of CPU time, so that the signal tells what happened. */
    if ((memory != 0 && limit(RLIMIT_AS, memory, memory) == -1) ||
        (seconds != 0 && limit(RLIMIT_CPU, seconds, (rlim_t)seconds + 1) == -1))
        return gf_err_errno(e, "sandbox: cannot set limits");
    return install(&f, e);
}

int sandbox_server(size_t memory, unsigned files, int64_t file_size, struct gf_err *e) {
    struct filter f = {.n = 0};

    server(&f);
    if (begin_sandbox(e) == -1)
        return -1;
#ifdef UNDER_ASAN
    memory = 0;
#endif
    if ((memory != 0 && limit(RLIMIT_AS, memory, memory) == -1) ||
        limit(RLIMIT_NOFILE, files, files) == -1 ||
        limit(RLIMIT_FSIZE, (rlim_t)file_size, (rlim_t)file_size) == -1)
        return gf_err_errno(e, "sandbox: cannot set limits");
    return install(&f, e);
}

#else /* no table of system calls for this machine */

int sandbox_no_network(struct gf_err *e) {
    return gf_err_set(e, GF_E_SYSTEM,
                      "sandbox: not supported on this machine; x86-64 and 64-bit "
                      "ARM (little-endian) are");
}

int sandbox_parser(size_t memory, unsigned seconds, struct gf_err *e) {
    (void)memory;
    (void)seconds;
    return sandbox_no_network(e);
}

int sandbox_server(size_t memory, unsigned files, int64_t file_size, struct gf_err *e) {
    (void)memory;
    (void)files;
    (void)file_size;
    return sandbox_no_network(e);
}

#endif
