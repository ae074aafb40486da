/*
 * test_link_state.c -- what gapferry-link leaves for others: agent/link_state.c reads what
 * agent/link/state.c writes, and whatever else lies there.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/link/marks.h"
#include "agent/link/state.h"
#include "agent/services.h"
#include "gapferry/file.h"

#define NOW 1767225600 /* 2026-01-01T00:00:00Z */

static char home[64];
static struct peers peers;

static int begin(void **state) {
    (void)state;
    (void)snprintf(home, sizeof home, "/tmp/gapferry-link-XXXXXX");
    peers = (struct peers){.state = home, .n = 2, .list = calloc(2, sizeof *peers.list)};
    for (int i = 0; i < 2 && peers.list != NULL; i++) {
        struct link_relay *s = &peers.list[i].shown;
        (void)snprintf(s->relay, sizeof s->relay, i == 0 ? "r" : "other one");
        s->is = i == 0 ? LINK_OFFLINE : LINK_ONLINE;
        s->since = NOW + i;
        s->tried = NOW + 10 + i;
        (void)snprintf(s->stage, sizeof s->stage, i == 0 ? "no route" : "");
        (void)snprintf(s->evidence, sizeof s->evidence, "GET x: \t\x1b[31m words=%d", i);
    }
    return peers.list == NULL || mkdtemp(home) == NULL;
}

static int end(void **state) {
    char command[128];
    (void)state;
    free(peers.list);
    (void)snprintf(command, sizeof command, "rm -rf %s", home);
    return system(command) != 0;
}

static void put(const char *name, const void *bytes, size_t len) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", home, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static struct link_relay *loaded(size_t *n) {
    struct link_relay *list = NULL;
    struct gf_err e;
    assert_int_equal(link_state_load(home, &list, n, &e), 0);
    return list;
}

static struct link_change *changes(const char *relay, size_t max, size_t *n) {
    struct link_change *list = NULL;
    struct gf_err e;
    assert_int_equal(link_history_load(home, relay, max, &list, n, &e), 0);
    return list;
}

static void what_was_written_is_read(void **state) {
    struct gf_err e;
    size_t n;
    (void)state;
    peers.list[1].shown.next = NOW + 3600;
    (void)snprintf(peers.list[1].shown.person, 32, "approve it");
    assert_int_equal(state_save(&peers, &e), 0);
    struct link_relay *list = loaded(&n);
    assert_int_equal(n, 2);
    assert_string_equal(list[0].relay, "r");
    assert_int_equal(list[0].is, LINK_OFFLINE);
    assert_string_equal(list[0].stage, "no route");
    assert_int_equal(list[0].since, NOW);
    assert_int_equal(list[0].tried, NOW + 10);
    assert_int_equal(list[0].next, 0);
    assert_string_equal(list[0].evidence, "GET x: \\x09\\x1b[31m words=0");
    assert_string_equal(list[1].relay, "other one");
    assert_int_equal(list[1].is, LINK_ONLINE);
    assert_string_equal(list[1].stage, "");
    assert_int_equal(list[1].next, NOW + 3600);
    assert_string_equal(list[1].person, "approve it");
    free(list);
}

static void no_file_is_no_relay_and_no_change(void **state) {
    size_t n = 7;
    (void)state;
    free(loaded(&n));
    assert_int_equal(n, 0);
    n = 7;
    free(changes(NULL, 10, &n));
    assert_int_equal(n, 0);
}

static void what_is_odd_in_the_state_is_skipped(void **state) {
    static const char text[] = "relay=a\nstate=sleeping\n\n\n\nrelay=b\nstate=online\nsince=never\n"
                               "new=thing\nno equals sign\n\nstate=offline";
    size_t n;
    (void)state;
    put(LINK_STATE_FILE, text, sizeof text - 1);
    struct link_relay *list = loaded(&n);
    assert_int_equal(n, 2);
    assert_string_equal(list[0].relay, "b");
    assert_int_equal(list[0].since, 0);
    assert_string_equal(list[1].relay, "");
    assert_int_equal(list[1].is, LINK_OFFLINE);
    free(list);
}

static void values_longer_than_their_place_are_cut(void **state) {
    char text[4096];
    size_t n;
    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text, "state=online\nevidence=", 22);
    put(LINK_STATE_FILE, text, sizeof text);
    struct link_relay *list = loaded(&n);
    assert_int_equal(n, 1);
    assert_int_equal(strlen(list[0].evidence), LINK_WORDS - 1);
    free(list);
}

static void each_change_is_a_line_and_the_newest_come_last(void **state) {
    struct gf_err e;
    size_t n;
    (void)state;
    for (int i = 0; i < 10; i++) {
        peers.list[0].shown.since = NOW + i;
        peers.list[0].shown.is = i % 2 ? LINK_ONLINE : LINK_OFFLINE;
        assert_int_equal(state_changed(&peers, &peers.list[0], &e), 0);
        assert_int_equal(state_changed(&peers, &peers.list[1], &e), 0);
    }
    struct link_change *list = changes(NULL, 100, &n);
    assert_int_equal(n, 20);
    assert_int_equal(list[0].at, NOW);
    free(list);
    list = changes("r", 3, &n);
    assert_int_equal(n, 3);
    assert_int_equal(list[0].at, NOW + 7);
    assert_int_equal(list[2].at, NOW + 9);
    assert_int_equal(list[2].is, LINK_ONLINE);
    assert_string_equal(list[2].stage, "no route");
    assert_string_equal(list[2].relay, "r");
    free(list);
}

static void a_line_torn_by_a_crash_does_not_count_and_spoils_no_other(void **state) {
    static const char text[] = "2026-01-01T00:00:00Z\tr\tonline\t\tok\n2026-01-01T00:0";
    struct gf_err e;
    size_t n;
    (void)state;
    put(LINK_HISTORY_FILE, text, sizeof text - 1);
    free(changes(NULL, 10, &n));
    assert_int_equal(n, 1);
    assert_int_equal(state_changed(&peers, &peers.list[0], &e), 0);
    free(changes(NULL, 10, &n));
    assert_int_equal(n, 2);
}

static void the_history_stays_below_its_cap_and_keeps_the_newest(void **state) {
    char path[128];
    struct stat st;
    struct gf_err e;
    size_t n;
    (void)state;
    memset(peers.list[0].shown.evidence, 'e', LINK_WORDS - 1);
    (void)snprintf(path, sizeof path, "%s/%s", home, LINK_HISTORY_FILE);
    for (int i = 0; i < 1500; i++) {
        peers.list[0].shown.since = NOW + i;
        assert_int_equal(state_changed(&peers, &peers.list[0], &e), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_true(st.st_size <= LINK_HISTORY_MAX + 1000);
    }
    struct link_change *list = changes(NULL, 2000, &n);
    assert_true(n > 200);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(list[i].at, NOW + 1500 - (int64_t)n + (int64_t)i);
    free(list);
}

static void only_one_holds_the_lock(void **state) {
    int a = -1, b = -1;
    struct gf_err e;
    (void)state;
    assert_int_equal(services_claim(home, SERVICES_LINK, &a, &e), 0);
    assert_int_equal(services_claim(home, SERVICES_LINK, &b, &e), -1);
    assert_int_equal(e.code, GF_E_BUSY);
    assert_int_equal(services_claim(home, SERVICES_AGENT, &b, &e), 0);
    (void)close(b);
    (void)close(a);
    assert_int_equal(services_claim(home, SERVICES_LINK, &b, &e), 0);
    (void)close(b);
}

/* ---- marks ---- */

static struct gf_id id_of(int i) {
    struct gf_id id = {{0}};
    memcpy(id.b, &i, sizeof i);
    return id;
}

static struct marks marked(void) {
    struct marks m;
    struct gf_err e;
    assert_int_equal(marks_load(&m, home, MARKS_SENT, &e), 0);
    return m;
}

static void what_is_marked_is_known_after_a_restart(void **state) {
    struct gf_id one = id_of(1), two = id_of(2);
    struct gf_err e;
    (void)state;
    struct marks m = marked();
    assert_null(marks_find(&m, &one));
    assert_int_equal(marks_add(&m, &one, "first", &e), 0);
    assert_int_equal(marks_add(&m, &one, "second\nline", &e), 0);
    marks_free(&m);
    m = marked();
    assert_string_equal(marks_find(&m, &one), "second");
    assert_null(marks_find(&m, &two));
    marks_free(&m);
}

static void a_torn_mark_does_not_count_and_spoils_no_other(void **state) {
    struct gf_id one = id_of(1);
    struct gf_err e;
    (void)state;
    put(MARKS_SENT, "0100000000000000000000000000", 28);
    struct marks m = marked();
    assert_null(marks_find(&m, &one));
    assert_int_equal(marks_add(&m, &one, "whole", &e), 0);
    marks_free(&m);
    m = marked();
    assert_int_equal(m.n, 1);
    assert_string_equal(marks_find(&m, &one), "whole");
    marks_free(&m);
}

static void beyond_their_number_the_older_half_is_forgotten(void **state) {
    char *text = malloc(MARKS_MAX * 40);
    struct gf_err e;
    size_t at = 0;
    (void)state;
    assert_non_null(text);
    for (int i = 0; i < MARKS_MAX; i++) {
        char hex[GF_ID_TEXT];
        gf_text_hex(id_of(i).b, 16, hex);
        at += (size_t)snprintf(text + at, 40, "%s x\n", hex);
    }
    put(MARKS_SENT, text, at);
    free(text);
    struct marks m = marked();
    assert_int_equal(m.n, MARKS_MAX);
    struct gf_id first = id_of(0), last = id_of(MARKS_MAX - 1), more = id_of(MARKS_MAX);
    assert_int_equal(marks_add(&m, &more, "y", &e), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(m.n, MARKS_MAX / 2 + 1);
        assert_null(marks_find(&m, &first));
        assert_non_null(marks_find(&m, &last));
        assert_non_null(marks_find(&m, &more));
        marks_free(&m);
        m = marked();
    }
    marks_free(&m);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(what_was_written_is_read),
        TEST(no_file_is_no_relay_and_no_change),
        TEST(what_is_odd_in_the_state_is_skipped),
        TEST(values_longer_than_their_place_are_cut),
        TEST(each_change_is_a_line_and_the_newest_come_last),
        TEST(a_line_torn_by_a_crash_does_not_count_and_spoils_no_other),
        TEST(the_history_stays_below_its_cap_and_keeps_the_newest),
        TEST(only_one_holds_the_lock),
        TEST(what_is_marked_is_known_after_a_restart),
        TEST(a_torn_mark_does_not_count_and_spoils_no_other),
        TEST(beyond_their_number_the_older_half_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
