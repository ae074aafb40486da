/*
 * guard.c -- leaves nothing behind when a person presses Ctrl-C.
 *
 * The signals are blocked in every thread, and one thread waits for them. So what has to be undone
 * is undone by ordinary code under a lock, not inside a signal handler.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tool/tool.h"

struct guard {
    void (*undo)(void *arg);
    void *arg;
    sigset_t waited; /* the signals, and SIGUSR2 by which guard_free() ends the thread */
    sigset_t old;
    int stop; /* under the lock */
    pthread_mutex_t lock;
    pthread_t thread;
};

static void *watch(void *arg) {
    struct guard *g = arg;
    sigset_t only;
    int sig = SIGUSR2;

    /* The lock is not given back by a signal that ends us: nothing may be renamed or created while
     * it is undone. */
    for (;;) {
        int rc = sigwait(&g->waited, &sig);
        (void)pthread_mutex_lock(&g->lock);
        if (rc == 0 && sig != SIGUSR2)
            break;
        int stop = g->stop || rc != 0;
        (void)pthread_mutex_unlock(&g->lock);
        if (stop)
            return NULL;
    }
    g->undo(g->arg);
    (void)signal(sig, SIG_DFL);
    (void)sigemptyset(&only);
    (void)sigaddset(&only, sig);
    (void)pthread_sigmask(SIG_UNBLOCK, &only, NULL);
    (void)raise(sig);
    _exit(128 + sig);
}

int guard_new(void (*undo)(void *arg), void *arg, struct guard **out, struct gf_err *e) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct guard *g = calloc(1, sizeof *g);

    if (!g)
        return gf_err_set(e, GF_E_SYSTEM, "no memory");
    g->undo = undo;
    g->arg = arg;
    (void)pthread_mutex_init(&g->lock, NULL);
    (void)sigemptyset(&g->waited);
    (void)sigaddset(&g->waited, SIGUSR2);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction now;
        if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            (void)sigaddset(&g->waited, signals[i]);
    }

    /* Threads made from here on inherit the mask, the library's among them. */
    if (pthread_sigmask(SIG_BLOCK, &g->waited, &g->old) != 0 ||
        pthread_create(&g->thread, NULL, watch, g) != 0) {
        (void)pthread_sigmask(SIG_SETMASK, &g->old, NULL);
        (void)pthread_mutex_destroy(&g->lock);
        free(g);
        return gf_err_set(e, GF_E_SYSTEM, "cannot start a thread");
    }
    *out = g;
    return 0;
}

void guard_hold(struct guard *g) {
    (void)pthread_mutex_lock(&g->lock);
}

void guard_release(struct guard *g) {
    (void)pthread_mutex_unlock(&g->lock);
}

void guard_free(struct guard *g) {
    if (!g)
        return;
    guard_hold(g);
    g->stop = 1;
    guard_release(g);
    (void)pthread_kill(g->thread, SIGUSR2);
    (void)pthread_join(g->thread, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &g->old, NULL);
    (void)pthread_mutex_destroy(&g->lock);
    free(g);
}
