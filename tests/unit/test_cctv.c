/*
 * test_cctv.c -- the age test vectors of C2SP/CCTV, each with the exact layer that it must fail in.
 *
 * They are not in the tree. tests/cctv/extract.mjs writes them to a directory, whose name comes in
 * GAPFERRY_CCTV. Left out are those that need what we do not speak: passphrases, post-quantum
 * recipients, ASCII armor.
 *
 * What a vector says of the plaintext before a failure is true of a reader that does not know where
 * the file ends. Ours always knows; so each vector is opened both ways, and ours must come to the
 * same layer and may only have handed out less.
 */
#include <dirent.h>
#include <sodium.h>

#include "crypto_tools.h"

#define KEYS_MAX    8
#define VECTORS_MIN 60 /* fewer mean that something ate them */

enum left_out { RUN, PASSPHRASE, POST_QUANTUM, ARMOR, KINDS };

struct vector {
    enum left_out kind;
    enum gf_code expect;
    char payload[65]; /* SHA-256 of what is opened, also before a failure; "" if not stated */
    struct gf_seal_key *keys[KEYS_MAX];
    size_t nkeys;
};

static size_t ran, by_code[GF_CODE_COUNT], by_kind[KINDS];

static enum gf_code code_of(const char *expect) {
    static const struct {
        const char *text;
        enum gf_code code;
    } words[] = {{"success", GF_OK},          {"no match", GF_E_UNWRAP},
                 {"HMAC failure", GF_E_HMAC}, {"header failure", GF_E_AGE},
                 {"armor failure", GF_E_AGE}, {"payload failure", GF_E_CHUNK}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].text, expect) == 0)
            return words[i].code;
    }
    fail_msg("unknown expectation: %s", expect);
    return GF_E_BUG;
}

static void add_identity(struct vector *v, const char *text) {
    char line[128];
    struct gf_err e;
    if (strncmp(text, "AGE-SECRET-KEY-1", 16) != 0) {
        v->kind = POST_QUANTUM;
        return;
    }
    assert_in_range(v->nkeys, 0, KEYS_MAX - 1);
    (void)snprintf(line, sizeof(line), "%s\n", text);
    if (gf_key_seal_parse(line, strlen(line), "identity", &v->keys[v->nkeys], &e) != 0)
        fail_msg("%s", e.text);
    v->nkeys++;
}

/* The header lines "key: value"; keys that only explain are passed over. */
static void read_vector(char *text, struct vector *v) {
    char *save = NULL;
    memset(v, 0, sizeof(*v));
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        char *value = strstr(line, ": ");
        assert_non_null(value);
        *value = '\0';
        value += 2;
        if (strcmp(line, "expect") == 0)
            v->expect = code_of(value);
        else if (strcmp(line, "payload") == 0)
            (void)snprintf(v->payload, sizeof(v->payload), "%s", value);
        else if (strcmp(line, "identity") == 0)
            add_identity(v, value);
        else if (strcmp(line, "passphrase") == 0)
            v->kind = PASSPHRASE;
        else if (strcmp(line, "armored") == 0)
            v->kind = ARMOR;
    }
}

/* One chunk of a reader that does not know the length: a full one may be in the middle or the last.
 * 0 or -1; *last is set. */
static int open_either(const struct gf_age_stream *s, uint64_t counter, uint8_t *at,
                       const uint8_t *chunk, size_t len, int *last, struct gf_err *e) {
    memcpy(at, chunk, len);
    *last = len < GF_AGE_CHUNK + GF_AGE_TAG;
    if (gf_age_chunk_open(s, counter, *last, at, len, e) == 0)
        return 0;
    if (*last)
        return -1;
    memcpy(at, chunk, len);
    *last = 1;
    return gf_age_chunk_open(s, counter, 1, at, len, e);
}

static void open_unsized(const uint8_t *data, size_t len, const struct gf_seal_key *const *keys,
                         size_t nkeys, struct gf_buf *out, struct gf_err *e) {
    struct gf_age_stream *s = NULL;
    struct gf_age_info info;
    int last = 0;

    gf_buf_init(out, FILE_MAX);
    if (gf_age_decrypt(data, len, keys, nkeys, &info, &s, e) != 0)
        return;
    data += info.head_size;
    len -= info.head_size;
    for (uint64_t counter = 0; !last; counter++) {
        size_t part = len < GF_AGE_CHUNK + GF_AGE_TAG ? len : GF_AGE_CHUNK + GF_AGE_TAG;
        uint8_t *at = (uint8_t *)gf_buf_grow(out, part + 1);
        assert_non_null(at);
        if (open_either(s, counter, at, data, part, &last, e) != 0)
            break;
        e->code = GF_OK; /* it may have been tried twice */
        out->len += part - GF_AGE_TAG;
        data += part;
        len -= part;
        if (last && len > 0)
            (void)gf_err_set(e, GF_E_CHUNK, "something behind the last chunk");
    }
    gf_age_stream_free(s);
}

static void expect_code(const char *name, const struct vector *v, const struct gf_err *e) {
    if (e->code != v->expect) {
        fail_msg("%s: expected %s, came to %s (%s)", name, gf_err_name(v->expect),
                 gf_err_name(e->code), e->text);
    }
}

static void check_vector(const char *name, const struct vector *v, const struct gf_buf *file) {
    const struct gf_seal_key *keys[KEYS_MAX] = {NULL};
    struct gf_err e = {.code = GF_OK};
    struct gf_buf ours, got;
    uint8_t hash[32];
    char hex[65];

    for (size_t i = 0; i < v->nkeys; i++)
        keys[i] = v->keys[i];
    (void)tools_age_open((const uint8_t *)file->data, file->len, keys, v->nkeys, &ours, &e);
    expect_code(name, v, &e);
    e.code = GF_OK;
    open_unsized((const uint8_t *)file->data, file->len, keys, v->nkeys, &got, &e);
    expect_code(name, v, &e);
    if (v->payload[0] != '\0') {
        (void)crypto_hash_sha256(hash, (const uint8_t *)got.data, got.len);
        gf_text_hex(hash, sizeof(hash), hex);
        if (strcmp(hex, v->payload) != 0)
            fail_msg("%s: what was opened has another hash (%zu bytes)", name, got.len);
    }
    assert_true(v->expect == GF_OK ? ours.len == got.len : ours.len <= got.len);
    if (ours.len > 0)
        assert_memory_equal(ours.data, got.data, ours.len);
    gf_buf_free(&ours);
    gf_buf_free(&got);
    by_code[v->expect]++;
    ran++;
}

static void each_vector_ends_in_exactly_the_layer_that_it_states(void **state) {
    const char *directory = getenv("GAPFERRY_CCTV");
    struct dirent **names = NULL;
    int n;
    (void)state;

    n = directory == NULL ? -1 : scandir(directory, &names, NULL, alphasort);
    assert_true(n > 0);
    for (int i = 0; i < n; i++) {
        char path[4096], *dot = strrchr(names[i]->d_name, '.');
        struct gf_buf text, file;
        struct vector v;
        if (dot != NULL && strcmp(dot, ".txt") == 0) {
            *dot = '\0';
            (void)snprintf(path, sizeof(path), "%s/%.200s.txt", directory, names[i]->d_name);
            tools_load(path, &text);
            (void)snprintf(path, sizeof(path), "%s/%.200s.age", directory, names[i]->d_name);
            tools_load(path, &file);
            read_vector(text.data, &v);
            by_kind[v.kind]++;
            if (v.kind == RUN)
                check_vector(names[i]->d_name, &v, &file);
            for (size_t k = 0; k < v.nkeys; k++)
                gf_key_seal_free(v.keys[k]);
            gf_buf_free(&text);
            gf_buf_free(&file);
        }
        free(names[i]);
    }
    free(names);
    print_message(
        "CCTV: %zu ran: %zu opened, %zu header, %zu no match, %zu HMAC, %zu payload; left "
        "out: %zu passphrase, %zu post-quantum, %zu armor\n",
        ran, by_code[GF_OK], by_code[GF_E_AGE], by_code[GF_E_UNWRAP], by_code[GF_E_HMAC],
        by_code[GF_E_CHUNK], by_kind[PASSPHRASE], by_kind[POST_QUANTUM], by_kind[ARMOR]);
    assert_true(ran >= VECTORS_MIN);
}

static int start(void **state) {
    struct gf_err e;
    (void)state;
    return gf_digest_start(&e);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_vector_ends_in_exactly_the_layer_that_it_states),
    };
    const char *directory = getenv("GAPFERRY_CCTV");
    if (directory == NULL || access(directory, R_OK) != 0) {
        (void)fprintf(stderr,
                      "SKIPPED: no age vector ran: GAPFERRY_CCTV %s; in tests/cctv: npm ci && node "
                      "extract.mjs DIRECTORY, then GAPFERRY_CCTV=DIRECTORY\n",
                      directory == NULL ? "is not set" : "names no directory");
        return 77;
    }
    return cmocka_run_group_tests(tests, start, NULL);
}
