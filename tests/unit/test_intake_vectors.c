/*
 * test_intake_vectors.c -- every vector that a relay reads, through both doors of the relay: by
 * HTTP, as listener and worker take it, and on a drive. What the library refuses is refused here,
 * for the same reason, and nothing of it is left but the evidence; what it takes is taken.
 */
#include "relay_testing.h"

#include <sys/socket.h>

#include "relay/listener/listener.h"
#include "relay/listener/worker.h"
#include "support/forge.h"

#define VECTORS_MIN 300
#define FILE_MAX    ((size_t)4 << 20)

/* What a relay finds elsewhere than the library's reader does. */
static const struct {
    const char *name, *expect, *by; /* NULL: by both doors */
} others[] = {
    {"order-expired-before-digest.vec", "digest", NULL}, /* the copy is checked before its times */
    {"archive-larger-than-room.vec", "archive", NULL},   /* a disk has more room; it ends early */
    {"frame-bomb-in-member.vec", "archive", NULL},       /* likewise */
    {"shell-end-not-zero.vec", "digest", "HTTP"},    /* found with the payload's digest: what is */
    {"shell-payload-padding.vec", "digest", "HTTP"}, /* behind the head is one thing to a caller */
};

static struct forge_world world;
static char data[WIRE_DATA_MAX + 1];
static int wrong; /* verdicts, of this test */

struct vector {
    struct gf_buf whole;
    const char *name;
    char expect[64];
    const char *bytes;
    size_t len;
    int is_ours;
};

static void load(const char *path, struct vector *v) {
    static const char expect[] = "expect: ", reader[] = "\nreader: relay-1\n";
    struct gf_err e;

    *v = (struct vector){.name = strrchr(path, '/') + 1};
    if (gf_file_load(AT_FDCWD, path, FILE_MAX, &v->whole, &e) == -1)
        fail_msg("%s", e.text);
    const char *end = memmem(v->whole.data, v->whole.len, "\n\n", 2);
    assert_non_null(end);
    const char *about = memmem(v->whole.data, v->whole.len, reader, sizeof reader - 1);
    v->is_ours = about != NULL && about < end;
    (void)snprintf(v->expect, sizeof v->expect, "%.*s",
                   (int)strcspn(v->whole.data + sizeof expect - 1, "\n"),
                   v->whole.data + sizeof expect - 1);
    v->bytes = end + 2;
    v->len = v->whole.len - (size_t)(v->bytes - v->whole.data);
}

/* A relay that knows whom the vectors' reader knows. */
static struct site *begin(void) {
    void *state = NULL;

    assert_int_equal(testing_setup(&state), 0);
    struct site *s = state;
    s->r.id = world.relay;
    s->r.now = FORGE_NOW;
    testing_enrol(s, &world.site);
    testing_enrol(s, &world.other);
    testing_enrol(s, &world.twin);
    return s;
}

static void end(struct site *s) {
    void *state = s;

    assert_int_equal(testing_teardown(&state), 0);
}

/* Told all, and failed at the end. */
static void compare(const struct vector *v, const char *door, const char *got, const char *why) {
    const char *expect = v->expect;

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(others[i].name, v->name) == 0 &&
            (others[i].by == NULL || strcmp(others[i].by, door) == 0))
            expect = others[i].expect;
    if (strcmp(got, expect) == 0)
        return;
    print_error("%s, by %s: %s, not %s: %s\n", v->name, door, got, expect, why);
    wrong++;
}

/* ---- by HTTP ---- */

static uint32_t ask(struct site *s, struct worker *w, int sock, const struct wire_ask *a,
                    struct wire_say *answer, int *fd) {
    int rc = 0;

    assert_ok(wire_ask_send(sock, a, &s->e), s->e);
    assert_ok(worker_hear(w, &s->e), s->e);
    *fd = -1;
    assert_int_not_equal(rc = wire_say_next(sock, answer, data, fd, &s->e), -1);
    return rc == 1 ? answer->answer : 0;
}

/* What the listener does with the first bytes: 0 and the question for admittance. */
static int judge(struct site *s, struct worker *w, int sock, const struct vector *v,
                 struct wire_ask *a, struct gf_err *why) {
    const struct listener_us us = {.list = {world.relay.card.identity}, .n = 1};
    const struct listener_head part = {v->bytes, v->len < GF_HEAD_MAX ? v->len : GF_HEAD_MAX,
                                       (int64_t)v->len};
    struct wire_ask card = {.kind = WIRE_CARD, .tag = 1};
    struct wire_say answer;
    struct gf_route route;
    struct gf_card sender;
    struct gf_head head;
    int fd = -1;

    if (listener_head_route(&part, &us, &route, why) == -1)
        return -1;
    card.identity = route.from;
    if (ask(s, w, sock, &card, &answer, &fd) != WIRE_YES)
        return gf_err_set(why, GF_E_SENDER, "not enrolled");
    assert_ok(gf_card_parse(data, answer.len, "card", &sender, &s->e), s->e);
    if (listener_head_verify(&part, &us, &sender, &head, why) == -1)
        return -1;
    *a = (struct wire_ask){.kind = WIRE_ADMIT,
                           .tag = 2,
                           .size = (int64_t)v->len,
                           .identity = route.from,
                           .digest = head.digest};
    gf_head_free(&head);
    return 0;
}

/* The rest of the way; the name of the verdict. */
static const char *send_on(struct site *s, struct worker *w, int sock, const struct vector *v,
                           struct wire_ask *a) {
    struct wire_say answer = {.answer = 0};
    int fd = -1;

    assert_int_equal(ask(s, w, sock, a, &answer, &fd), WIRE_NEW);
    assert_int_equal(gf_file_write(fd, v->bytes, v->len), 0);
    (void)close(fd);
    a->kind = WIRE_DONE;
    assert_int_equal(ask(s, w, sock, a, &answer, &fd), 0);
    worker_started(w, WORKER_VERIFY);
    assert_ok(relay_verify(&s->r, &s->t, &s->e), s->e);
    worker_ended(w, WORKER_VERIFY, 0);
    if (wire_say_next(sock, &answer, data, &fd, &s->e) == 1) {
        assert_int_equal(answer.answer, WIRE_REFUSED);
        return gf_err_name((enum gf_code)answer.code);
    }
    assert_int_equal(s->t.taken, 1);
    return "ok";
}

static void post(const struct vector *v) {
    struct worker *w = calloc(1, sizeof *w);
    struct gf_err why = {.text = ""};
    struct site *s = begin();
    struct wire_say first;
    struct wire_ask a;
    int fds[2], fd = -1;

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    assert_ok(worker_begin(w, &s->r, &s->e), s->e);
    assert_ok(worker_meet(w, fds[0], &s->e), s->e);
    assert_int_equal(wire_say_next(fds[1], &first, data, &fd, &s->e), 1);
    int rc = judge(s, w, fds[1], v, &a, &why);
    data[0] = '\0';
    compare(v, "HTTP", rc == -1 ? gf_err_name(why.code) : send_on(s, w, fds[1], v, &a),
            rc == -1 ? why.text : data);
    int taken = strcmp(v->expect, "ok") == 0;
    assert_int_equal(in_state(s, "incoming") + in_state(s, "uploads") + in_state(s, "pending") +
                         in_state(s, "work"),
                     0);
    assert_int_equal(in_state(s, "quarantine"), rc == -1 || taken ? 0 : 2);
    if (!taken)
        assert_int_equal(testing_records(s, -1), 0);
    worker_part(w);
    (void)close(fds[0]);
    (void)close(fds[1]);
    free(w);
    end(s);
}

/* ---- by drive ---- */

static void carry(const struct vector *v) {
    struct site *s = begin();
    char path[256];

    (void)snprintf(path, sizeof path, "%s/GAPFERRY/to-relay/%032d.gfb", s->stick, 1);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(v->bytes, 1, v->len, f), v->len);
    assert_int_equal(fclose(f), 0);
    testing_take(s);
    const char *got = s->t.taken == 1       ? "ok"
                      : s->t.strangers == 1 ? "sender"
                      : s->t.not_ours == 1  ? "not-for-us"
                                            : gf_err_name(s->t.gravest);
    compare(v, "drive", got, s->t.people.data != NULL ? s->t.people.data : "");
    int taken = strcmp(v->expect, "ok") == 0;
    assert_int_equal(in_state(s, "incoming") + in_state(s, "work"), 0);
    if (!taken)
        assert_int_equal(testing_records(s, -1), 0);
    end(s);
}

/* ---- all ---- */

static void each(void (*door)(const struct vector *v)) {
    const char *source = getenv("GAPFERRY_SOURCE");
    char folder[256], path[600];
    struct dirent **list = NULL;
    size_t n = 0;

    wrong = 0;
    (void)snprintf(folder, sizeof folder, "%s/tests/vectors", source != NULL ? source : ".");
    int count = scandir(folder, &list, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        size_t len = strlen(list[i]->d_name);
        if (len > 4 && strcmp(list[i]->d_name + len - 4, ".vec") == 0) {
            struct vector v;
            (void)snprintf(path, sizeof path, "%s/%s", folder, list[i]->d_name);
            load(path, &v);
            if (v.is_ours) {
                door(&v);
                n++;
            }
            gf_buf_free(&v.whole);
        }
        free(list[i]);
    }
    free(list);
    assert_true(n >= VECTORS_MIN);
    assert_int_equal(wrong, 0);
}

static void each_vector_by_http_gets_its_verdict(void **state) {
    (void)state;
    each(post);
}

static void each_vector_on_a_drive_gets_its_verdict(void **state) {
    (void)state;
    each(carry);
}

static int setup(void **state) {
    (void)state;
    forge_world_make(&world);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    forge_world_free(&world);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_vector_by_http_gets_its_verdict),
        cmocka_unit_test(each_vector_on_a_drive_gets_its_verdict),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
