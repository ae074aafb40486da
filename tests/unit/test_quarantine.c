/*
 * test_quarantine.c -- what the relay keeps as evidence: relay/files.c.
 */
#include "relay_testing.h"

/* A file of quarantine/ of this age and size; it occupies nothing. */
static void quarantine(struct site *s, const char *name, int64_t at, off_t size) {
    const struct timespec times[2] = {{.tv_sec = at}, {.tv_sec = at}};
    char path[80];

    (void)snprintf(path, sizeof path, "quarantine/%s", name);
    int fd = openat(s->r.state_fd, path, O_WRONLY | O_CREAT, 0600);
    assert_int_not_equal(fd, -1);
    assert_int_equal(ftruncate(fd, size), 0);
    assert_int_equal(futimens(fd, times), 0);
    (void)close(fd);
}

static void quarantine_keeps_the_newest_within_its_number_and_its_bytes(void **state) {
    struct site *s = *state;
    char name[40];

    quarantine(s, "b-oldest.gfb", NOW - 30, FILES_QUARANTINE_SIZE / 2);
    quarantine(s, "a-next.gfb", NOW - 20, FILES_QUARANTINE_SIZE / 2 - 9);
    quarantine(s, "a-next.gfb.why", NOW - 20, 9);
    assert_ok(files_trim(&s->r, &s->e), s->e);
    assert_int_equal(in_state(s, "quarantine"), 3);
    quarantine(s, "c-newest.gfb", NOW - 10, 1);
    assert_ok(files_trim(&s->r, &s->e), s->e);
    assert_int_equal(in_state(s, "quarantine"), 3);
    assert_false(files_has(&s->r, "quarantine", "b-oldest.gfb"));
    assert_true(files_has(&s->r, "quarantine", "a-next.gfb"));

    for (int i = 0; i < FILES_QUARANTINE_MAX; i++) {
        (void)snprintf(name, sizeof name, "%04d.gfb", i);
        quarantine(s, name, NOW + i, 0);
    }
    assert_ok(files_trim(&s->r, &s->e), s->e);
    assert_int_equal(in_state(s, "quarantine"), FILES_QUARANTINE_MAX);
    assert_false(files_has(&s->r, "quarantine", "c-newest.gfb"));
    assert_true(files_has(&s->r, "quarantine", "0000.gfb"));
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, testing_setup, testing_teardown)
    const struct CMUnitTest tests[] = {
        T(quarantine_keeps_the_newest_within_its_number_and_its_bytes),
    };
    return cmocka_run_group_tests(tests, kit_setup, kit_teardown);
}
