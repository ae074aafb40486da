/*
 * child.c -- start a program with nothing of ours.
 */
#include "common/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int child_words(char *command, char *words[CHILD_WORDS_MAX + 1], struct gf_err *e) {
    char *save = NULL;
    size_t n = 0;

    for (char *w = strtok_r(command, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
        if (n == CHILD_WORDS_MAX)
            return gf_err_set(e, GF_E_CONFIG, "a command of more than %d words; put it in a script",
                              CHILD_WORDS_MAX);
        words[n++] = w;
    }
    words[n] = NULL;
    if (n == 0 || words[0][0] != '/')
        return gf_err_set(e, GF_E_CONFIG,
                          "a command begins with an absolute path, as in "
                          "/usr/bin/env");
    return 0;
}

/* What exec would say, before there is a process. */
static int look_at(const char *program, struct gf_err *e) {
    struct stat st;

    if (stat(program, &st) == -1)
        return gf_err_errno(e, "%s", program);
    if (!S_ISREG(st.st_mode) || access(program, X_OK) == -1)
        return gf_err_set(e, GF_E_CONFIG, "%s: is no program that we may run", program);
    return 0;
}

/* Between fork() and exec: only what is safe there. On failure errno goes up the pipe. */
_Noreturn static void become(char *const *words, char *const *environment, int in, int out, int err,
                             int failed) {
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (int i = 1; i < NSIG; i++)
        (void)signal(i, SIG_DFL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setpgid(0, 0);

    /* The numbers 0 to 2 first, then nothing else but the pipe that tells of a failed exec. */
    if (in == -1)
        in = open("/dev/null", O_RDONLY);
    if (in == -1 || dup2(in, 0) == -1 || dup2(out, 1) == -1 || dup2(err, 2) == -1 ||
        (failed != 3 && dup3(failed, 3, O_CLOEXEC) == -1) ||
        syscall(SYS_close_range, 4U, ~0U, 0U) == -1 || chdir("/") == -1) {
        (void)!write(failed, &errno, sizeof errno);
        _exit(127);
    }
    (void)execve(words[0], words, environment);
    (void)!write(3, &errno, sizeof errno);
    _exit(127);
}

static void close_pipes(int pipes[3][2]) {
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < 2; j++) {
            if (pipes[i][j] != -1)
                (void)close(pipes[i][j]);
        }
    }
}

/* 0 if it has become the program, else its errno. */
static int exec_failed(int fd) {
    int error = 0;
    ssize_t n;

    while ((n = read(fd, &error, sizeof error)) == -1 && errno == EINTR)
        ;
    return n == (ssize_t)sizeof error ? error : 0;
}

int child_start(const struct child_options *o, struct child *out, struct gf_err *e) {
    static char path[] = "PATH=/usr/bin:/bin", lang[] = "LANG=C.UTF-8";
    char *environment[CHILD_ENVIRONMENT_MAX + 3] = {path, lang, NULL};
    int pipes[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}}; /* output, errors, failed exec */

    if (look_at(o->words[0], e) == -1)
        return -1;
    for (size_t i = 0; o->environment != NULL && o->environment[i] != NULL; i++) {
        if (i == CHILD_ENVIRONMENT_MAX)
            return gf_err_set(e, GF_E_BUG, "too many variables for a program");
        environment[2 + i] = o->environment[i];
        environment[3 + i] = NULL;
    }
    for (size_t i = 0; i < 3; i++) {
        if (pipe2(pipes[i], O_CLOEXEC) == -1) {
            (void)gf_err_errno(e, "%s: no pipe", o->words[0]);
            close_pipes(pipes);
            return -1;
        }
    }
    pid_t pid = fork();
    if (pid == 0)
        become(o->words, environment, o->in, pipes[0][1], pipes[1][1], pipes[2][1]);
    if (pid == -1) {
        (void)gf_err_errno(e, "%s: no process", o->words[0]);
        close_pipes(pipes);
        return -1;
    }
    (void)setpgid(pid, pid); /* whoever of both comes first */
    struct child c = {pid, pipes[0][0], pipes[1][0]};
    pipes[0][0] = pipes[1][0] = -1;
    (void)close(pipes[2][1]);
    pipes[2][1] = -1;
    int error = exec_failed(pipes[2][0]);
    close_pipes(pipes);
    (void)fcntl(c.out, F_SETFL, O_NONBLOCK);
    (void)fcntl(c.err, F_SETFL, O_NONBLOCK);
    if (error == 0) {
        *out = c;
        return 0;
    }
    (void)waitpid(pid, NULL, 0);
    (void)close(c.out);
    (void)close(c.err);
    errno = error;
    return gf_err_errno(e, "%s: cannot be run", o->words[0]);
}
