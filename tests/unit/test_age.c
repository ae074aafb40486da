/*
 * test_age.c -- age files, ours and those of age.
 */
#include "crypto/age_header.h"
#include "crypto_tools.h"

#define CHUNK GF_AGE_CHUNK
#define WHOLE (GF_AGE_CHUNK + GF_AGE_TAG)

static const size_t sizes[] = {0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, (1 << 20) + 1};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static uint8_t plain[(1 << 20) + 1];

static struct gf_seal_key *new_key(void) {
    struct gf_seal_key *k = NULL;
    struct gf_err e;
    assert_int_equal(gf_key_seal_new(&k, &e), 0);
    return k;
}

static enum gf_code open_code(const uint8_t *data, size_t len, const struct gf_seal_key *k,
                              struct gf_buf *out) {
    struct gf_err e;
    return tools_age_open(data, len, &k, 1, out, &e) == 0 ? GF_OK : e.code;
}

static void hkdf_gives_the_first_value_of_rfc_5869(void **state) {
    uint8_t ikm[22], salt[13], info[11] = {0}, okm[32];
    char text[65];
    (void)state;
    memset(ikm, 0x0b, sizeof(ikm));
    for (uint8_t i = 0; i < 13; i++)
        salt[i] = i;
    for (uint8_t i = 0; i < 10; i++)
        info[i] = (uint8_t)(0xf0 + i);
    gf_age_header_hkdf(ikm, sizeof(ikm), salt, sizeof(salt), (const char *)info, okm);
    gf_text_hex(okm, 32, text);
    assert_string_equal(text, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
}

static void sizes_are_as_stated(void **state) {
    struct gf_seal_key *k = new_key();
    struct gf_buf file;
    (void)state;
    assert_int_equal(gf_age_head_size(1), 22 + 98 + 48 + 16);
    for (size_t i = 0; i < SIZES; i++) {
        tools_age_seal(gf_key_seal_public(k), 1, plain, sizes[i], &file);
        assert_int_equal(file.len,
                         gf_age_head_size(1) + (size_t)gf_age_body_size((int64_t)sizes[i]));
        gf_buf_free(&file);
    }
    gf_key_seal_free(k);
}

static void age_opens_our_files_of_every_size(void **state) {
    struct gf_seal_key *k = new_key();
    struct gf_buf file, got;
    (void)state;
    tools_need("age");
    gf_buf_init(&file, 4096);
    gf_key_seal_text(k, 0, &file);
    tools_save("our.key", file.data, file.len);
    gf_buf_free(&file);
    for (size_t i = 0; i < SIZES; i++) {
        tools_age_seal(gf_key_seal_public(k), 1, plain, sizes[i], &file);
        tools_save("f.age", file.data, file.len);
        /* age makes no file for -o when it has nothing to write. */
        assert_true(tools_run("age -d -i our.key f.age >f"));
        tools_load("f", &got);
        assert_int_equal(got.len, sizes[i]);
        if (got.len > 0)
            assert_memory_equal(got.data, plain, got.len);
        gf_buf_free(&got);
        gf_buf_free(&file);
    }
    gf_key_seal_free(k);
}

static void we_open_files_of_age_of_every_size(void **state) {
    struct gf_seal_key *k = new_key();
    struct gf_buf file, got;
    (void)state;
    tools_need("age");
    gf_buf_init(&file, 4096);
    gf_key_seal_public_text(gf_key_seal_public(k), &file);
    tools_save("our.age.pub", file.data, file.len);
    gf_buf_free(&file);
    for (size_t i = 0; i < SIZES; i++) {
        tools_save("g", plain, sizes[i]);
        assert_true(tools_run("age -R our.age.pub -o g.age g"));
        tools_load("g.age", &file);
        assert_int_equal(open_code((uint8_t *)file.data, file.len, k, &got), GF_OK);
        assert_int_equal(got.len, sizes[i]);
        if (got.len > 0)
            assert_memory_equal(got.data, plain, got.len);
        gf_buf_free(&got);
        gf_buf_free(&file);
    }
    gf_key_seal_free(k);
}

static void every_recipient_opens_it_and_nobody_else_does(void **state) {
    enum { N = GF_READERS_MAX + 1 };
    struct gf_seal_key *k[N], *stranger = new_key();
    struct gf_seal_public to[N];
    struct gf_buf file, got;
    struct gf_age_info info = {0};
    struct gf_age_stream *s = NULL;
    struct gf_err e;
    (void)state;
    for (size_t i = 0; i < N; i++) {
        k[i] = new_key();
        to[i] = *gf_key_seal_public(k[i]);
    }
    tools_age_seal(to, N, plain, 100, &file);
    for (size_t i = 0; i < N; i++) {
        const struct gf_seal_key *pair[2] = {stranger, k[i]};
        assert_int_equal(open_code((uint8_t *)file.data, file.len, k[i], &got), GF_OK);
        assert_memory_equal(got.data, plain, 100);
        gf_buf_free(&got);
        assert_int_equal(tools_age_open((uint8_t *)file.data, file.len, pair, 2, &got, &e), 0);
        gf_buf_free(&got);
    }
    assert_int_equal(gf_age_decrypt((uint8_t *)file.data, file.len,
                                    &(const struct gf_seal_key *){stranger}, 1, &info, &s, &e),
                     -1);
    assert_int_equal(e.code, GF_E_UNWRAP);
    assert_null(s);
    assert_int_equal(info.x25519, N);
    assert_int_equal(info.others, 0);
    assert_int_equal(info.head_size, gf_age_head_size(N));
    memset(&info, 0, sizeof(info));
    assert_int_equal(gf_age_scan((uint8_t *)file.data, file.len, &info, &e), 0);
    assert_int_equal(info.x25519, N);
    assert_int_equal(info.head_size, gf_age_head_size(N));
    gf_buf_free(&file);
    for (size_t i = 0; i < N; i++)
        gf_key_seal_free(k[i]);
    gf_key_seal_free(stranger);
}

static void stanzas_of_another_type_are_counted_and_passed_over(void **state) {
    struct gf_seal_key *k = new_key();
    struct gf_sign_key *ssh = NULL;
    struct gf_buf t, got;
    struct gf_age_info info;
    struct gf_err e;
    (void)state;
    tools_need("age");
    assert_int_equal(gf_key_sign_new(&ssh, &e), 0);
    /* An ssh-ed25519 recipient: two strings, each with its length before it. */
    uint8_t blob[51] = "\0\0\0\x0bssh-ed25519\0\0\0\x20";
    memcpy(blob + 19, gf_key_sign_public(ssh)->pk, 32);
    gf_buf_init(&t, 4096);
    gf_buf_text(&t, "ssh-ed25519 ");
    gf_text_base64(&t, blob, sizeof(blob), 1);
    gf_buf_byte(&t, '\n');
    gf_key_seal_public_text(gf_key_seal_public(k), &t);
    tools_save("two.pub", t.data, t.len);
    gf_buf_free(&t);
    tools_save("h", plain, 70000);
    assert_true(tools_run("age -R two.pub -o h.age h"));
    tools_load("h.age", &t);
    assert_int_equal(gf_age_scan((uint8_t *)t.data, t.len, &info, &e), 0);
    assert_int_equal(info.x25519, 1);
    assert_int_equal(info.others, 1);
    assert_int_equal(open_code((uint8_t *)t.data, t.len, k, &got), GF_OK);
    assert_int_equal(got.len, 70000);
    gf_buf_free(&got);
    gf_buf_free(&t);
    gf_key_sign_free(ssh);
    gf_key_seal_free(k);
}

static void any_bit_changed_in_the_head_is_refused_before_a_chunk_is_touched(void **state) {
    struct gf_seal_key *k = new_key();
    struct gf_buf file, got;
    size_t seen[GF_CODE_COUNT] = {0}, head = gf_age_head_size(1);
    (void)state;
    tools_age_seal(gf_key_seal_public(k), 1, plain, 100, &file);
    for (size_t i = 0; i < file.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            enum gf_code code;
            file.data[i] ^= (char)(1 << bit);
            code = open_code((uint8_t *)file.data, file.len, k, &got);
            seen[code]++;
            /* A changed nonce or body shows at the chunk, all else earlier. */
            assert_int_equal(code == GF_E_CHUNK, i >= head - GF_AGE_NONCE);
            assert_int_equal(got.len, 0);
            gf_buf_free(&got);
            file.data[i] ^= (char)(1 << bit);
        }
    }
    assert_int_equal(seen[GF_OK], 0);
    assert_true(seen[GF_E_AGE] > 0 && seen[GF_E_UNWRAP] > 0 && seen[GF_E_HMAC] > 0);
    assert_int_equal(seen[GF_E_AGE] + seen[GF_E_UNWRAP] + seen[GF_E_HMAC] + seen[GF_E_CHUNK],
                     file.len * 8);
    gf_buf_free(&file);
    gf_key_seal_free(k);
}

static void every_cut_of_a_file_is_refused(void **state) {
    struct gf_seal_key *k = new_key();
    struct gf_buf file, got;
    size_t head = gf_age_head_size(1);
    (void)state;
    tools_age_seal(gf_key_seal_public(k), 1, plain, CHUNK + 10, &file);
    for (size_t n = 0; n < file.len; n++) {
        if (n > head + 40 && n < head + WHOLE - 40)
            continue; /* the long middle is all alike */
        assert_int_equal(open_code((uint8_t *)file.data, n, k, &got),
                         n < head ? GF_E_AGE : GF_E_CHUNK);
        gf_buf_free(&got);
    }
    gf_buf_free(&file);
    gf_key_seal_free(k);
}

/* Three chunks, rearranged as `order` says ('0' to '2'; "-" ends). */
static enum gf_code rearranged(const struct gf_buf *file, const struct gf_seal_key *k,
                               const char *order) {
    size_t head = gf_age_head_size(1);
    struct gf_buf t, got;
    enum gf_code code;
    gf_buf_init(&t, FILE_MAX);
    gf_buf_add(&t, file->data, head);
    for (; *order != '\0'; order++) {
        size_t at = head + (size_t)(*order - '0') * WHOLE;
        size_t n = file->len - at < WHOLE ? file->len - at : WHOLE;
        gf_buf_add(&t, file->data + at, n);
    }
    code = open_code((uint8_t *)t.data, t.len, k, &got);
    gf_buf_free(&got);
    gf_buf_free(&t);
    return code;
}

static void chunks_dropped_swapped_doubled_or_from_another_file_are_refused(void **state) {
    struct gf_seal_key *k = new_key();
    struct gf_buf file, other, got;
    size_t head = gf_age_head_size(1);
    (void)state;
    tools_age_seal(gf_key_seal_public(k), 1, plain, 2 * CHUNK + 7, &file);
    tools_age_seal(gf_key_seal_public(k), 1, plain, 2 * CHUNK + 7, &other);
    assert_int_equal(rearranged(&file, k, "012"), GF_OK);
    assert_int_equal(rearranged(&file, k, "01"), GF_E_CHUNK);
    assert_int_equal(rearranged(&file, k, "02"), GF_E_CHUNK);
    assert_int_equal(rearranged(&file, k, "2"), GF_E_CHUNK);
    assert_int_equal(rearranged(&file, k, "102"), GF_E_CHUNK);
    assert_int_equal(rearranged(&file, k, "0012"), GF_E_CHUNK);
    assert_int_equal(rearranged(&file, k, "0122"), GF_E_CHUNK);
    assert_int_equal(rearranged(&file, k, ""), GF_E_CHUNK);
    memcpy(file.data + head, other.data + head, WHOLE);
    assert_int_equal(open_code((uint8_t *)file.data, file.len, k, &got), GF_E_CHUNK);
    gf_buf_free(&got);
    gf_buf_free(&file);
    gf_buf_free(&other);
    gf_key_seal_free(k);
}

static void chunk_rules_hold_whatever_the_key_says(void **state) {
    struct gf_seal_key *k = new_key();
    struct gf_age_stream *s = NULL;
    struct gf_buf head;
    struct gf_err e;
    static uint8_t b[WHOLE + 1];
    (void)state;
    gf_buf_init(&head, 4096);
    assert_int_equal(gf_age_encrypt(gf_key_seal_public(k), 1, &head, &s, &e), 0);

    /* An empty last chunk belongs at the front only. */
    gf_age_chunk_seal(s, 1, 1, b, 0);
    assert_int_equal(gf_age_chunk_open(s, 1, 1, b, GF_AGE_TAG, &e), -1);
    assert_int_equal(e.code, GF_E_CHUNK);
    gf_age_chunk_seal(s, 0, 1, b, 0);
    assert_int_equal(gf_age_chunk_open(s, 0, 1, b, GF_AGE_TAG, &e), 0);

    /* A chunk in the middle is full. */
    gf_age_chunk_seal(s, 0, 0, b, 100);
    assert_int_equal(gf_age_chunk_open(s, 0, 0, b, 100 + GF_AGE_TAG, &e), -1);
    assert_int_equal(gf_age_chunk_open(s, 0, 1, b, WHOLE + 1, &e), -1);
    assert_int_equal(gf_age_chunk_open(s, 0, 1, b, GF_AGE_TAG - 1, &e), -1);

    /* Counter and flag are part of it, also above 32 bits. */
    memcpy(b, plain, CHUNK);
    gf_age_chunk_seal(s, UINT64_C(0x100000002), 0, b, CHUNK);
    static uint8_t c[WHOLE];
    memcpy(c, b, WHOLE);
    assert_int_equal(gf_age_chunk_open(s, 2, 0, c, WHOLE, &e), -1);
    memcpy(c, b, WHOLE);
    assert_int_equal(gf_age_chunk_open(s, UINT64_C(0x100000002), 1, c, WHOLE, &e), -1);
    memcpy(c, b, WHOLE);
    assert_int_equal(gf_age_chunk_open(s, UINT64_C(0x100000002), 0, c, WHOLE, &e), 0);
    assert_memory_equal(c, plain, CHUNK);
    gf_age_stream_free(s);
    gf_age_stream_free(NULL);
    gf_buf_free(&head);
    gf_key_seal_free(k);
}

static void recipients_of_low_order_none_and_too_many_are_refused(void **state) {
    struct gf_seal_key *k = new_key();
    struct gf_seal_public to[GF_READERS_MAX + 2];
    struct gf_age_stream *s = NULL;
    struct gf_buf head;
    struct gf_err e;
    (void)state;
    gf_buf_init(&head, 4096);
    gf_buf_text(&head, "before");
    for (size_t i = 0; i < GF_READERS_MAX + 2; i++)
        to[i] = *gf_key_seal_public(k);
    assert_int_equal(gf_age_encrypt(to, 0, &head, &s, &e), -1);
    assert_int_equal(e.code, GF_E_USAGE);
    assert_int_equal(gf_age_encrypt(to, GF_READERS_MAX + 2, &head, &s, &e), -1);
    assert_int_equal(e.code, GF_E_USAGE);
    memset(to[1].pk, 0, 32);
    assert_int_equal(gf_age_encrypt(to, 2, &head, &s, &e), -1);
    assert_int_equal(e.code, GF_E_KEY);
    to[1] = to[0];
    to[1].pk[31] |= 0x80; /* nobody's public key: the stanza's salt would never agree */
    assert_int_equal(gf_age_encrypt(to, 2, &head, &s, &e), -1);
    assert_int_equal(e.code, GF_E_KEY);
    assert_int_equal(head.len, 6);
    assert_null(s);
    gf_buf_free(&head);
    gf_buf_init(&head, 100);
    assert_int_equal(gf_age_encrypt(to, 1, &head, &s, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    assert_int_equal(head.len, 0);
    gf_buf_free(&head);
    gf_key_seal_free(k);
}

/* A header of our making, for the two files below. */
static void write_header(const struct gf_seal_key *k, const uint8_t file_key[16],
                         struct gf_buf *out) {
    struct gf_err e;
    gf_buf_init(out, FILE_MAX);
    assert_int_equal(gf_age_header_write(gf_key_seal_public(k), 1, file_key, out, &e), 0);
}

static void a_stanza_that_gives_another_reader_another_file_key_stops_at_the_mac(void **state) {
    struct gf_seal_key *a = new_key(), *b = new_key();
    struct gf_buf ha, hb, mixed, got;
    uint8_t ka[16] = {1}, kb[16] = {2};
    size_t version = 22, stanza = 98;
    (void)state;
    write_header(a, ka, &ha);
    write_header(b, kb, &hb);
    /* b's stanza, whole, in front of a's: a's MAC covers a's header only, so neither gets in. */
    gf_buf_init(&mixed, FILE_MAX);
    gf_buf_add(&mixed, ha.data, version);
    gf_buf_add(&mixed, hb.data + version, stanza);
    gf_buf_add(&mixed, ha.data + version, ha.len - version);
    gf_buf_add(&mixed, plain, 16 + 100);
    assert_int_equal(open_code((uint8_t *)mixed.data, mixed.len, a, &got), GF_E_HMAC);
    gf_buf_free(&got);
    assert_int_equal(open_code((uint8_t *)mixed.data, mixed.len, b, &got), GF_E_HMAC);
    gf_buf_free(&got);
    gf_buf_free(&mixed);
    gf_buf_free(&ha);
    gf_buf_free(&hb);
    gf_key_seal_free(a);
    gf_key_seal_free(b);
}

static void a_passphrase_beside_other_stanzas_and_long_headers_are_refused(void **state) {
    struct gf_age_info info;
    struct gf_buf t;
    struct gf_err e;
    static const char mac[] = "--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
    (void)state;
    gf_buf_init(&t, FILE_MAX);
    gf_buf_printf(&t, "age-encryption.org/v1\n-> scrypt a 1\n\n%s", mac);
    assert_int_equal(gf_age_scan((uint8_t *)t.data, t.len, &info, &e), 0);
    assert_int_equal(info.others, 1);
    gf_buf_clear(&t);
    gf_buf_printf(&t, "age-encryption.org/v1\n-> scrypt a 1\n\n-> x\n\n%s", mac);
    assert_int_equal(gf_age_scan((uint8_t *)t.data, t.len, &info, &e), -1);
    assert_int_equal(e.code, GF_E_AGE);
    gf_buf_clear(&t);
    gf_buf_printf(&t, "age-encryption.org/v1\n%s", mac);
    assert_int_equal(gf_age_scan((uint8_t *)t.data, t.len, &info, &e), -1);
    assert_int_equal(e.code, GF_E_AGE);

    /* As many stanzas as the limit, one more, and one endless stanza. */
    for (size_t n = GF_AGE_STANZAS_MAX; n <= GF_AGE_STANZAS_MAX + 1; n++) {
        gf_buf_clear(&t);
        gf_buf_text(&t, "age-encryption.org/v1\n");
        for (size_t i = 0; i < n; i++)
            gf_buf_text(&t, "-> x\n\n");
        gf_buf_text(&t, mac);
        e.code = GF_OK;
        assert_int_equal(gf_age_scan((uint8_t *)t.data, t.len, &info, &e),
                         n == GF_AGE_STANZAS_MAX ? 0 : -1);
        assert_int_equal(e.code, n == GF_AGE_STANZAS_MAX ? GF_OK : GF_E_LIMIT);
    }
    gf_buf_clear(&t);
    gf_buf_text(&t, "age-encryption.org/v1\n-> x\n");
    while (t.len <= GF_AGE_HEADER_MAX)
        gf_buf_text(&t, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    assert_int_equal(gf_age_scan((uint8_t *)t.data, t.len, &info, &e), -1);
    assert_int_equal(e.code, GF_E_LIMIT);
    gf_buf_free(&t);
}

/* A header with one X25519 stanza of these arguments and this body. */
static enum gf_code scan_code(const char *arguments, const char *body) {
    struct gf_age_info info;
    struct gf_err e = {.code = GF_OK};
    char text[1024];
    (void)snprintf(text, sizeof(text),
                   "age-encryption.org/v1\n-> X25519%s\n%s\n"
                   "--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
                   arguments, body);
    return gf_age_scan((const uint8_t *)text, strlen(text), &info, &e) == 0 ? GF_OK : e.code;
}

static void an_x25519_stanza_has_one_share_and_one_file_key(void **state) {
#define B32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    (void)state;
    assert_int_equal(scan_code(" " B32, B32), GF_OK);
    assert_int_equal(scan_code("", B32), GF_E_AGE);
    assert_int_equal(scan_code(" ", B32), GF_E_AGE);
    assert_int_equal(scan_code(" " B32 " ", B32), GF_E_AGE);
    assert_int_equal(scan_code("  " B32, B32), GF_E_AGE);
    assert_int_equal(scan_code(" " B32 " " B32, B32), GF_E_AGE);
    assert_int_equal(scan_code(" " B32 "=", B32), GF_E_AGE);
    assert_int_equal(scan_code(" " B32, ""), GF_E_AGE);
    assert_int_equal(scan_code(" " B32, B32 "="), GF_E_AGE);
    assert_int_equal(scan_code(" " B32, B32 "A"), GF_E_AGE);
    assert_int_equal(scan_code(" " B32, B32 "\n"), GF_E_AGE);
    assert_int_equal(scan_code(" " B32, B32 "AAAAAAAAAAAAAAAAAAAAA\n"), GF_E_AGE);
#undef B32
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hkdf_gives_the_first_value_of_rfc_5869),
        cmocka_unit_test(sizes_are_as_stated),
        cmocka_unit_test(age_opens_our_files_of_every_size),
        cmocka_unit_test(we_open_files_of_age_of_every_size),
        cmocka_unit_test(every_recipient_opens_it_and_nobody_else_does),
        cmocka_unit_test(stanzas_of_another_type_are_counted_and_passed_over),
        cmocka_unit_test(any_bit_changed_in_the_head_is_refused_before_a_chunk_is_touched),
        cmocka_unit_test(every_cut_of_a_file_is_refused),
        cmocka_unit_test(chunks_dropped_swapped_doubled_or_from_another_file_are_refused),
        cmocka_unit_test(chunk_rules_hold_whatever_the_key_says),
        cmocka_unit_test(recipients_of_low_order_none_and_too_many_are_refused),
        cmocka_unit_test(a_stanza_that_gives_another_reader_another_file_key_stops_at_the_mac),
        cmocka_unit_test(a_passphrase_beside_other_stanzas_and_long_headers_are_refused),
        cmocka_unit_test(an_x25519_stanza_has_one_share_and_one_file_key),
    };
    tools_fill(plain, sizeof(plain));
    return cmocka_run_group_tests(tests, tools_begin, tools_end);
}
