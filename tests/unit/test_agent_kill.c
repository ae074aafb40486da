/*
 * test_agent_kill.c -- kill -9 at any moment of accepting, exporting and applying loses no record
 * and doubles none.
 *
 * A child is both agent and relay until it is killed: it accepts records (and tells us each one
 * that was accepted), exports, reads what lies in the outbox as a relay would, and applies the
 * receipts. After each death the store and the outbox are looked at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/kit.h"
#include "support/site.h"

#define ROUNDS 100

int agent_license_answer(struct agent *a, const struct gf_id *record, const char *text, size_t len,
                         char refused[AGENT_REFUSED], struct gf_err *e) {
    (void)record;
    refused[0] = '\0';
    return store_put_license(a->store, "demo", text, len, a->now, e);
}

static struct gf_err e;

/* ---- the child ---- */

/* Answer every unsettled bundle, in one response; a new number each time, from what was applied. */
static void answer(struct site *s) {
    struct apply_result result;
    struct gf_have *have;
    struct reply reply;
    int64_t seq = 1;
    size_t n;

    if (store_have(s->a.store, &kit_relay.card.identity, &have, &n, &e) == -1)
        _exit(1);
    if (n > 0)
        seq = have[0].upto + 1;
    store_have_free(have, n);
    reply_begin(&reply, seq);
    n = site_unsettled(s);
    for (size_t i = 0; i < n; i++) {
        struct store_bundle b = site_bundle(s, i);
        struct site_request r;

        site_read(s, &b, &r);
        if (b.records == 0 && store_written(s->a.store, &b.id, s->a.now, &e) == -1)
            _exit(1);
        for (size_t j = 0; j < r.n; j++) {
            reply_receipt(&reply, &r.ids[j], "{\"n\": 1}",
                          j % 3 ? GF_STATE_DELIVERED : GF_STATE_RELAYED, NULL);
            reply_answer(&reply, &r.ids[j], 200, "a licence");
        }
        site_request_free(&r);
    }
    if (reply_apply(&reply, s, &result, &e) == -1)
        _exit(1);
}

static void live(struct site *s, int tell) {
    for (;;) {
        for (int i = 0; i < 3; i++) {
            struct gf_id id = site_add(s, "license", "{\"n\": 1}", 1);
            if (write(tell, id.b, sizeof id.b) != (ssize_t)sizeof id.b)
                _exit(1);
        }
        (void)site_export(s);
        answer(s);
    }
}

/* ---- the look at what is left ---- */

struct seen {
    struct gf_id *ids; /* accepted, as we were told */
    size_t n;
};

/* A record that is `exported` is in exactly one bundle that is carried, and that one's file is
 * there. */
static void check_bundles(struct site *s, const struct seen *seen) {
    uint8_t *carried = calloc(seen->n ? seen->n : 1, 1);
    size_t n = site_unsettled(s);

    for (size_t i = 0; i < n; i++) {
        struct store_bundle b = site_bundle(s, i);
        struct site_request r;

        site_read(s, &b, &r); /* fails if it is not there, or not whole */
        assert_int_equal(r.n, b.records);
        for (size_t j = 0; j < r.n; j++)
            for (size_t k = 0; k < seen->n; k++)
                carried[k] = (uint8_t)(carried[k] + (memcmp(r.ids[j].b, seen->ids[k].b, 16) == 0));
        site_request_free(&r);
    }
    for (size_t k = 0; k < seen->n; k++) {
        enum store_state state = site_state(s, &seen->ids[k]);
        if (state == STORE_QUEUED)
            assert_int_equal(carried[k], 0);
        else if (state == STORE_EXPORTED)
            assert_int_equal(carried[k], 1);
        else
            assert_true(carried[k] <= 1);
    }
    free(carried);
}

static int count_one(void *arg, const struct store_record *r, struct gf_err *err) {
    (void)r, (void)err;
    ++*(size_t *)arg;
    return 0;
}

static void take_told(struct seen *seen, int fd) {
    struct gf_id id;

    while (read(fd, id.b, sizeof id.b) == (ssize_t)sizeof id.b) {
        seen->ids = reallocarray(seen->ids, seen->n + 1, sizeof *seen->ids);
        assert_non_null(seen->ids);
        seen->ids[seen->n++] = id;
    }
}

static void pause_ms(unsigned ms) {
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)nanosleep(&t, NULL);
}

static void killed_at_any_moment_no_record_is_lost_or_doubled(void **state) {
    struct site s;
    struct seen seen = {0};
    size_t in_store = 0, final = 0;
    (void)state;

    site_make(&s, 1);
    srand(7);
    for (int round = 0; round < ROUNDS; round++) {
        int tell[2];

        store_close(s.a.store); /* a connection does not survive fork() */
        s.a.store = NULL;
        assert_int_equal(pipe(tell), 0);
        pid_t child = fork();
        if (child == 0) {
            (void)close(tell[0]);
            site_reopen(&s);
            live(&s, tell[1]);
            _exit(1);
        }
        (void)close(tell[1]);
        pause_ms(5 + (unsigned)rand() % 120);
        assert_int_equal(kill(child, SIGKILL), 0);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status)); /* else it failed by itself */
        take_told(&seen, tell[0]);
        (void)close(tell[0]);

        site_reopen(&s);
        check_bundles(&s, &seen);
        in_store = 0;
        assert_int_equal(store_walk(s.a.store, -1, NULL, count_one, &in_store, &e), 0);
        /* At most the one that was accepted and not yet told, of each round. */
        assert_true(in_store >= seen.n && in_store <= seen.n + (size_t)round + 1);
    }

    /* Left alone, all of them arrive. */
    (void)site_export(&s);
    answer(&s);
    for (size_t i = 0; i < seen.n; i++)
        final += site_state(&s, &seen.ids[i]) > STORE_EXPORTED;
    assert_int_equal(final, seen.n);
    print_message("%zu records in %d lives\n", seen.n, ROUNDS);
    assert_true(seen.n > ROUNDS / 2);
    free(seen.ids);
    site_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_any_moment_no_record_is_lost_or_doubled),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
