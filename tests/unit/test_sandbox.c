/*
 * test_sandbox.c -- common/sandbox: what a process cannot do any more. Each claim is proved in a
 * child, which ends with 0 or with the line that failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "unit/file_tools.h"

#include "common/sandbox.h"

#define NEED(claim)                                                                                \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            (void)!write(2, #claim "\n", sizeof #claim);                                           \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)
#define DENIED(call) NEED((errno = 0, (call) == -1) && errno == EPERM)

/* The child's wait status. */
static int in_child(void (*work)(void)) {
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        work();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void no_network(void) {
    struct gf_err e = {GF_OK, ""};
    if (sandbox_no_network(&e) == -1) {
        (void)!write(2, e.text, strlen(e.text));
        _exit(2);
    }
}

static void parser(size_t memory, unsigned seconds) {
    struct gf_err e = {GF_OK, ""};
    if (sandbox_parser(memory, seconds, &e) == -1) {
        (void)!write(2, e.text, strlen(e.text));
        _exit(2);
    }
}

static int can(int family) {
    int fd = socket(family, SOCK_STREAM, 0);
    if (fd != -1)
        close(fd);
    return fd != -1;
}

/* ---- no network ---- */

static void try_sockets(void) {
    static const int families[] = {AF_INET,  AF_INET6,     AF_NETLINK, AF_PACKET,
                                   AF_VSOCK, AF_BLUETOOTH, AF_ALG,     AF_UNSPEC};
    int pair[2];
    char c = 0;
    NEED(can(AF_INET)); /* else the rest would prove nothing */
    no_network();
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        DENIED(socket(families[i], SOCK_STREAM, 0));
        DENIED(socket(families[i], SOCK_DGRAM, 0));
        DENIED(socket(families[i], SOCK_RAW, 0));
        DENIED(socketpair(families[i], SOCK_STREAM, 0, pair));
    }
    /* The kernel takes the lower half of the argument, and so does the filter. */
    DENIED((int)syscall(SYS_socket, 0x100000002L, (long)SOCK_STREAM, 0L));
    NEED(can(AF_UNIX));
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    NEED(write(pair[0], "x", 1) == 1 && read(pair[1], &c, 1) == 1 && c == 'x');
}

static void only_unix_sockets_are_left(void **state) {
    (void)state;
    assert_int_equal(in_child(try_sockets), 0);
}

static void try_io_uring(void) {
    struct io_uring_params params;
    memset(&params, 0, sizeof params);
    no_network();
    DENIED((int)syscall(SYS_io_uring_setup, 1L, &params));
    DENIED((int)syscall(SYS_io_uring_enter, -1L, 1L, 0L, 0L, 0L, 0L));
    DENIED((int)syscall(SYS_io_uring_register, -1L, 0L, 0L, 0L));
    DENIED((int)syscall(SYS_pidfd_getfd, -1L, 0L, 0L));
}

static void rings_and_foreign_descriptors_are_denied(void **state) {
    (void)state;
    assert_int_equal(in_child(try_io_uring), 0);
}

/* What a shell says that connects to a port where nobody listens. */
static void say(const char *shell, int bounded, char *out, size_t room) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (bounded)
            no_network();
        (void)dup2(ends[1], 2);
        (void)setenv("LC_ALL", "C", 1);
        (void)execl(shell, shell, "-c", "exec 3<>/dev/tcp/127.0.0.1/9", (char *)NULL);
        _exit(99);
    }
    close(ends[1]);
    ssize_t n = gf_file_read(ends[0], out, room - 1);
    close(ends[0]);
    assert_true(n >= 0);
    out[n] = '\0';
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_not_equal(WEXITSTATUS(status), 0);
}

static void what_it_starts_is_bound_as_well(void **state) {
    char text[1000];
    (void)state;
    if (access("/bin/bash", X_OK) == -1)
        skip();
    say("/bin/bash", 0, text, sizeof text);
    assert_null(strstr(text, "not permitted"));
    say("/bin/bash", 1, text, sizeof text);
    assert_non_null(strstr(text, "not permitted"));
}

static int go[2];

static void *try_later(void *arg) {
    char c;
    (void)arg;
    if (read(go[0], &c, 1) != 1)
        return NULL;
    return can(AF_INET) ? NULL : go;
}

static void try_threads(void) {
    pthread_t thread;
    void *bound = NULL;
    NEED(pipe(go) == 0);
    NEED(pthread_create(&thread, NULL, try_later, NULL) == 0);
    no_network();
    NEED(write(go[1], "x", 1) == 1);
    NEED(pthread_join(thread, &bound) == 0);
    NEED(bound != NULL);
}

static void threads_that_run_already_are_bound_as_well(void **state) {
    (void)state;
    assert_int_equal(in_child(try_threads), 0);
}

static void assert_killed(int status) {
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

#if defined(__x86_64__)
static long old_call(long number) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number) : "memory", "cc");
    return result;
}

static void ask_pid_of_32_bit(void) {
    NEED(old_call(20) == getpid());
}

static void ask_pid_of_32_bit_bound(void) {
    no_network();
    (void)old_call(20);
}

static void ask_pid_of_x32_bound(void) {
    no_network();
    (void)syscall(0x40000000L + SYS_getpid);
}

static void foreign_abis_kill(void **state) {
    (void)state;
    assert_killed(in_child(ask_pid_of_x32_bound));
    if (in_child(ask_pid_of_32_bit) != 0)
        skip(); /* a kernel without the 32-bit table */
    assert_killed(in_child(ask_pid_of_32_bit_bound));
}
#else
static void foreign_abis_kill(void **state) {
    (void)state;
    skip();
}
#endif

static void look_for_cores(void) {
    struct rlimit l;
    no_network();
    NEED(getrlimit(RLIMIT_CORE, &l) == 0 && l.rlim_cur == 0 && l.rlim_max == 0);
    NEED(prctl(PR_GET_DUMPABLE) == 0);
    NEED(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

static void no_core_and_no_new_privileges(void **state) {
    (void)state;
    assert_int_equal(in_child(look_for_cores), 0);
}

static void run_a_program(void) {
    no_network();
    no_network(); /* twice is fine */
    (void)execl("/bin/sh", "sh", "-c", "true | true && exit 0", (char *)NULL);
    _exit(1);
}

static void programs_still_run_without_network(void **state) {
    (void)state;
    assert_int_equal(in_child(run_a_program), 0);
}

/* ---- the parser ---- */

static void *add_one(void *arg) {
    ++*(int *)arg;
    return NULL;
}

static void unpack_something(void) {
    pthread_t threads[3];
    int n = 0;
    char c;
    int out = openat(dir, "open-before", O_RDWR | O_CREAT, 0600);
    no_network();
    parser(1UL << 30, 10);
    NEED(write(out, "abc", 3) == 3 && fsync(out) == 0);
    NEED(mkdirat(dir, "new", 0700) == 0);
    int fd = openat(dir, "new/file", O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    NEED(fd != -1 && write(fd, "x", 1) == 1 && fchmod(fd, 0644) == 0 && ftruncate(fd, 5) == 0);
    NEED(pread(fd, &c, 1, 0) == 1 && c == 'x');
    NEED(renameat(dir, "new/file", dir, "new/other") == 0);
    NEED(unlinkat(dir, "new/other", 0) == 0 && unlinkat(dir, "new", AT_REMOVEDIR) == 0);
    NEED(fsync(dir) == 0 && unlinkat(dir, "open-before", 0) == 0);
    for (int i = 0; i < 3; i++) {
        NEED(pthread_create(&threads[i], NULL, add_one, &n) == 0);
        NEED(pthread_join(threads[i], NULL) == 0);
    }
    NEED(n == 3);
    char *large = malloc(8 << 20);
    NEED(large != NULL);
    memset(large, 1, 8 << 20);
    free(large);
}

static void a_parser_can_unpack_into_its_directory(void **state) {
    (void)state;
    assert_int_equal(in_child(unpack_something), 0);
    assert_int_equal(entries(), 0);
}

static void try_to_speak(void) {
    int pair[2], open_before[2];
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "x"};
    struct msghdr message = {0};
    char c = 0;
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, open_before) == 0);
    parser(0, 0);
    DENIED(socket(AF_INET, SOCK_STREAM, 0));
    DENIED(socket(AF_UNIX, SOCK_STREAM, 0));
    DENIED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    DENIED(connect(open_before[0], (struct sockaddr *)&address, sizeof address));
    DENIED(bind(open_before[0], (struct sockaddr *)&address, sizeof address));
    DENIED((int)sendmsg(open_before[0], &message, 0));
    DENIED((int)recvmsg(open_before[0], &message, 0));
    DENIED((int)sendto(open_before[0], "x", 1, 0, (struct sockaddr *)&address, sizeof address));
    DENIED((int)syscall(SYS_io_uring_setup, 1L, NULL));
    /* What its parent gave it for its results is a file like others. */
    NEED(write(open_before[0], "x", 1) == 1 && read(open_before[1], &c, 1) == 1);
}

static void a_parser_has_no_sockets_at_all(void **state) {
    (void)state;
    assert_int_equal(in_child(try_to_speak), 0);
}

static void try_to_start(void) {
    parser(0, 0);
    DENIED(execl("/bin/true", "true", (char *)NULL));
    DENIED((int)syscall(SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0));
    DENIED(fork());
    DENIED((int)syscall(SYS_clone, (long)SIGCHLD, 0L, 0L, 0L, 0L));
    NEED(syscall(SYS_clone3, NULL, 0L) == -1 && errno == ENOSYS);
}

static void try_to_reach_others(void) {
    struct rlimit l = {RLIM_INFINITY, RLIM_INFINITY};
    parser(0, 0);
    DENIED((int)ptrace(PTRACE_TRACEME, 0, NULL, NULL));
    DENIED((int)syscall(SYS_process_vm_readv, (long)getppid(), NULL, 0L, NULL, 0L, 0L));
    DENIED(kill(getppid(), 0));
    DENIED((int)syscall(SYS_tgkill, (long)getppid(), (long)getppid(), 0L));
    NEED(syscall(SYS_tgkill, (long)getpid(), (long)getpid(), 0L) == 0);
    DENIED((int)syscall(SYS_mount, "a", "b", "c", 0L, NULL));
    DENIED((int)syscall(SYS_bpf, 0L, NULL, 0L));
    DENIED((int)syscall(SYS_unshare, 0L));
    DENIED(setrlimit(RLIMIT_AS, &l));
    NEED(syscall(451L) == -1 && errno == ENOSYS); /* newer than the filter */
}

static void a_parser_starts_nothing_and_reaches_nobody(void **state) {
    (void)state;
    assert_int_equal(in_child(try_to_start), 0);
    assert_int_equal(in_child(try_to_reach_others), 0);
}

static void push_into_terminal(void) {
    char c = 'x';
    parser(0, 0);
    int pipe_ends[2];
    NEED(pipe(pipe_ends) == 0);
    DENIED(ioctl(pipe_ends[0], TIOCSTI, &c)); /* a pipe itself would say ENOTTY */
    int n = -1;
    NEED(ioctl(pipe_ends[0], FIONREAD, &n) == 0 && n == 0);
}

static void a_parser_cannot_type_into_the_terminal(void **state) {
    (void)state;
    assert_int_equal(in_child(push_into_terminal), 0);
}

#if !defined(__SANITIZE_ADDRESS__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NO_MEMORY_LIMIT 1
#endif
#endif
#else
#define NO_MEMORY_LIMIT 1
#endif

static void eat_memory(void) {
    parser(256UL << 20, 0);
    NEED(mmap(NULL, 128UL << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    NEED(mmap(NULL, 256UL << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    NEED(errno == ENOMEM);
}

static void a_parser_has_bounded_memory(void **state) {
    (void)state;
#ifdef NO_MEMORY_LIMIT
    skip();
#endif
    assert_int_equal(in_child(eat_memory), 0);
}

static void eat_time(void) {
    parser(0, 1);
    for (volatile unsigned n = 0;; n++)
        ;
}

static void a_parser_has_bounded_time(void **state) {
    (void)state;
    int status = in_child(eat_time);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGXCPU);
}

static void parse_as_x32(void) {
    parser(0, 0);
    (void)syscall(0x40000000L + SYS_getpid);
}

static void abort_itself(void) {
    parser(0, 0);
    (void)signal(SIGABRT, SIG_DFL);
    abort();
}

static void a_parser_dies_as_others_do(void **state) {
    (void)state;
    int status = in_child(abort_itself);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
#if defined(__x86_64__)
    assert_killed(in_child(parse_as_x32));
#else
    (void)parse_as_x32;
#endif
}

/* ---- the server ---- */

static void server(void) {
    struct gf_err e = {GF_OK, ""};
    if (sandbox_server(0, 20, 1 << 20, &e) == -1) {
        (void)!write(2, e.text, strlen(e.text));
        _exit(2);
    }
}

static void try_files(void) {
    DENIED(open("/etc/passwd", O_RDONLY));
    DENIED(openat(AT_FDCWD, "/tmp", O_RDONLY));
    DENIED(unlink("/tmp/nothing"));
    DENIED(rename("/tmp/nothing", "/tmp/other"));
    DENIED(mkdir("/tmp/nothing", 0700));
}

static void serve_and_try(void) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int pair[2], listening = socket(AF_UNIX, SOCK_STREAM, 0), caller;
    char c = 'x';

    /* What it has before: a socket that listens, one who calls, and a file. */
    (void)snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "gapferry-test-%ld", (long)getpid());
    NEED(bind(listening, (struct sockaddr *)&a, sizeof a) == 0 && listen(listening, 1) == 0);
    caller = socket(AF_UNIX, SOCK_STREAM, 0);
    NEED(connect(caller, (struct sockaddr *)&a, sizeof a) == 0);
    int file = memfd_create("file", 0);
    server();

    int served = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
    NEED(served != -1 && send(served, &c, 1, 0) == 1 && recv(caller, &c, 1, 0) == 1);
    NEED(write(file, &c, 1) == 1 && lseek(file, 0, SEEK_SET) == 0 && read(file, &c, 1) == 1);

    try_files();
    DENIED(socket(AF_INET, SOCK_STREAM, 0));
    DENIED(socket(AF_UNIX, SOCK_STREAM, 0));
    DENIED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    DENIED(connect(caller, (struct sockaddr *)&a, sizeof a));
    DENIED(fork());
    char *words[] = {NULL};
    DENIED(execve("/bin/true", words, words));
    DENIED(kill(getppid(), 0));
    int highest = 0;
    for (int fd = 0; (fd = dup(file)) != -1;)
        highest = fd;
    NEED(errno == EMFILE && highest == 19);
}

static void a_server_reaches_nothing_but_its_callers(void **state) {
    (void)state;
    assert_int_equal(in_child(serve_and_try), 0);
}

static void write_too_much(void) {
    int file = memfd_create("file", 0);
    char c = 'x';

    (void)signal(SIGXFSZ, SIG_IGN);
    server();
    NEED(pwrite(file, &c, 1, (1 << 20) - 1) == 1);
    NEED(pwrite(file, &c, 1, 1 << 20) == -1 && errno == EFBIG);
}

static void a_server_writes_no_longer_files_than_it_may(void **state) {
    (void)state;
    assert_int_equal(in_child(write_too_much), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_unix_sockets_are_left),
        cmocka_unit_test(rings_and_foreign_descriptors_are_denied),
        cmocka_unit_test(what_it_starts_is_bound_as_well),
        cmocka_unit_test(threads_that_run_already_are_bound_as_well),
        cmocka_unit_test(foreign_abis_kill),
        cmocka_unit_test(no_core_and_no_new_privileges),
        cmocka_unit_test(programs_still_run_without_network),
        FILE_TEST(a_parser_can_unpack_into_its_directory),
        cmocka_unit_test(a_parser_has_no_sockets_at_all),
        cmocka_unit_test(a_parser_starts_nothing_and_reaches_nobody),
        cmocka_unit_test(a_parser_cannot_type_into_the_terminal),
        cmocka_unit_test(a_parser_has_bounded_memory),
        cmocka_unit_test(a_parser_has_bounded_time),
        cmocka_unit_test(a_parser_dies_as_others_do),
        cmocka_unit_test(a_server_reaches_nothing_but_its_callers),
        cmocka_unit_test(a_server_writes_no_longer_files_than_it_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
