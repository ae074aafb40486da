/* shell.c -- the outer ustar: what it is made of is right, how it is put together is not. */
#include <string.h>

#include "format/shell.h"
#include "vectors/build/vector.h"

#define CANONICAL(n) "the header of member '" n "' is not canonical"
#define HEADER       "bundle.json"
#define SIGNATURE    "bundle.json.minisig"
#define PAYLOAD      "payload.age"

/* Put bytes into a member's header block, with a right checksum. */
static void put(struct forge *f, int member, size_t at, const void *data, size_t len) {
    forge_to(f, FORGE_SHELL);
    forge_tar_put(&f->file, forge_block(f, member), at, data, len);
}

/* One defect of a header block each: where, what. */
#define BLOCK(function, member, at, data)                                                          \
    static void function(struct forge *f) {                                                        \
        put(f, member, at, data, sizeof(data) - 1);                                                \
    }
BLOCK(name_upper, 0, 0, "BUNDLE.JSON")
BLOCK(name_dotslash, 0, 0, "./bundle.json")
BLOCK(mode_0600, 0, 100, "0000600\0")
BLOCK(mode_short, 0, 100, "000644 \0")
BLOCK(uid_1000, 0, 108, "0001750\0")
BLOCK(gid_1000, 0, 116, "0001750\0")
BLOCK(size_space, 0, 135, " ")
BLOCK(mtime_now, 0, 136, "15125427400\0")
BLOCK(type_old, 0, 156, "\0")
BLOCK(type_link, 0, 156, "2")
BLOCK(type_pax, 0, 156, "x")
BLOCK(type_long, 0, 156, "L")
BLOCK(linkname, 0, 157, "x")
BLOCK(magic_gnu, 0, 257, "ustar  \0")
BLOCK(uname_root, 0, 265, "root")
BLOCK(gname_root, 0, 297, "root")
BLOCK(devmajor, 0, 329, "0000001\0")
BLOCK(prefix, 0, 345, "x")
BLOCK(spare, 0, 511, "x")
BLOCK(signature_mode, 1, 100, "0000600\0")
BLOCK(signature_name, 1, 0, "bundle.json.minisiG")
BLOCK(payload_name, 2, 0, "payload.agE")
BLOCK(payload_mtime, 2, 136, "00000000001\0")
BLOCK(payload_prefix, 2, 345, "..")
BLOCK(size_2_31, 2, 124, "20000000000")
BLOCK(size_2_33, 2, 124, "77777777777")
BLOCK(size_most, 2, 124, "17777777777")
BLOCK(size_more, 2, 124, "00000004000")
BLOCK(size_zero, 2, 124, "00000000000")
BLOCK(size_blanks, 2, 124, "       1000")
BLOCK(size_base256, 2, 124, "\x80\0\0\0\0\0\0\0\0\0\x04\0")
BLOCK(size_negative, 2, 124, "-0000000001")
BLOCK(header_size_zero, 0, 124, "00000000000")
BLOCK(header_size_16385, 0, 124, "00000040001")
BLOCK(header_size_huge, 0, 124, "77777777777")
BLOCK(header_size_8, 0, 124, "00000000009")
BLOCK(signature_size_zero, 1, 124, "00000000000")
BLOCK(signature_size_more, 1, 124, "00000000623")
#undef BLOCK

static void checksum_spelling(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    memcpy(f->file.data + 148 + 6, " \0", 2);
}

static void checksum_wrong(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    f->file.data[148 + 5] ^= 1;
}

static void nothing(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    f->file.len = 0;
}

static void only_first_block(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    f->file.len = 512;
}

static void without_payload(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    f->file.len = forge_block(f, 2);
    forge_fill(&f->file, 0, GF_SHELL_END);
}

static void without_signature(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    size_t at = forge_block(f, 1);
    forge_remove(&f->file, at, forge_block(f, 2) - at);
}

static void without_header(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    forge_remove(&f->file, 0, forge_block(f, 1));
}

static void swapped(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    size_t one = forge_block(f, 1), two = forge_block(f, 2);
    struct gf_buf b;
    gf_buf_init(&b, f->file.len);
    forge_add(&b, f->file.data + one, two - one);
    forge_add(&b, f->file.data, one);
    memcpy(f->file.data, b.data, b.len);
    gf_buf_free(&b);
}

static void doubled_header(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    size_t one = forge_block(f, 1);
    struct gf_buf b;
    gf_buf_init(&b, one);
    forge_add(&b, f->file.data, one);
    forge_insert(&f->file, 0, b.data, b.len);
    gf_buf_free(&b);
}

static void fourth_member(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    f->file.len -= GF_SHELL_END;
    forge_tar_header(&f->file, "more", '0', 4);
    forge_tar_data(&f->file, "more", 4);
    forge_tar_end(&f->file);
}

static void pax_before(struct forge *f) {
    struct gf_buf b;
    forge_to(f, FORGE_SHELL);
    gf_buf_init(&b, 4096);
    forge_tar_pax(&b, 'x', "comment", "hello");
    forge_insert(&f->file, 0, b.data, b.len);
    gf_buf_free(&b);
}

static void trailing_byte(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    forge_fill(&f->file, 0, 1);
}

static void three_end_blocks(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    forge_fill(&f->file, 0, 512);
}

static void record_padding(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    forge_fill(&f->file, 0, 10240 - f->file.len % 10240);
}

static void one_end_block(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    f->file.len -= 512;
}

static void no_end(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    f->file.len -= GF_SHELL_END;
}

static void end_not_zero(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    f->file.data[f->file.len - 1] = 1;
}

static void header_padding(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    f->file.data[512 + f->json.len] = ' ';
}

static void signature_padding(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    f->file.data[forge_block(f, 2) - 1] = 1;
}

static void payload_padding(struct forge *f) {
    forge_to(f, FORGE_PAYLOAD);
    if (f->age.len % 512 == 0)
        forge_fail(f->name, "needs a payload with padding");
    forge_to(f, FORGE_SHELL);
    f->file.data[f->file.len - GF_SHELL_END - 1] = 1;
}

static void crlf(struct forge *f) {
    struct gf_buf b;
    forge_to(f, FORGE_SHELL);
    gf_buf_init(&b, 2 * f->file.len);
    for (size_t i = 0; i < f->file.len; i++) {
        if (f->file.data[i] == '\n')
            gf_buf_byte(&b, '\r');
        gf_buf_byte(&b, f->file.data[i]);
    }
    forge_set(&f->file, b.data, b.len);
    gf_buf_free(&b);
}

static void seven_bits(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    for (size_t i = 0; i < f->file.len; i++)
        f->file.data[i] &= 0x7f;
}

static void gzipped(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    forge_insert(&f->file, 0, "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
}

static void a_text(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    f->file.len = 0;
    while (f->file.len < 4096)
        forge_add(&f->file, "Dear customer, the bundle is attached.\n", 39);
}

static void json_only(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    forge_set(&f->file, f->json.data, f->json.len);
}

static void payload_only(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    forge_set(&f->file, f->age.data, f->age.len);
}

static void cut_in_payload(struct forge *f) {
    forge_to(f, FORGE_SHELL);
    f->file.len = forge_block(f, 2) + 512 + f->age.len / 2;
}

static void header_too_large(struct forge *f) {
    forge_to(f, FORGE_HEADER);
    f->json.len--;
    forge_fill(&f->json, ' ', GF_HEADER_MAX - f->json.len);
    forge_add(&f->json, "\n", 1);
}

#define R(title, member, sentence, function)                                                       \
    { title, GF_E_SHELL, CANONICAL(member), sentence, .make = function }
static const struct vector rows[] = {
    {"shell-empty", GF_E_SHELL, "cut off before member 'bundle.json'", "The file is empty.",
     .make = nothing},
    {"shell-one-block", GF_E_SHELL, "cut off before member 'bundle.json.minisig'",
     "The file ends behind its first block.", .make = only_first_block},
    {"shell-text", GF_E_SHELL, "not a bundle", "The file is a letter.", .make = a_text},
    {"shell-gzip", GF_E_SHELL, "not a bundle", "The file looks like gzip.", .make = gzipped},
    {"shell-only-bundle-json", GF_E_SHELL, "not a bundle", "Somebody copied bundle.json alone.",
     .make = json_only},
    {"shell-only-payload", GF_E_SHELL, "not a bundle", "Somebody copied payload.age alone.",
     .make = payload_only},
    {"shell-crlf", GF_E_SHELL, "damaged in transfer",
     "A gateway made every line feed two characters.", .make = crlf},
    {"shell-seven-bits", GF_E_DIGEST, "damaged in transfer",
     "A gateway cleared the eighth bit of every byte; the head has none.", .make = seven_bits},
    R("shell-name-case", HEADER, "The first name is in capitals.", name_upper),
    R("shell-name-dot-slash", HEADER, "The first name begins with ./.", name_dotslash),
    R("shell-mode", HEADER, "The mode is 0600.", mode_0600),
    R("shell-mode-spelling", HEADER, "The mode has six digits and a space.", mode_short),
    R("shell-uid", HEADER, "The owner is not 0.", uid_1000),
    R("shell-gid", HEADER, "The group is not 0.", gid_1000),
    R("shell-mtime", HEADER, "The time is not 0.", mtime_now),
    R("shell-size-ends-in-space", HEADER, "The size ends in a space.", size_space),
    R("shell-type-old", HEADER, "The type is that of archives before ustar.", type_old),
    R("shell-type-link", HEADER, "The first member is a link.", type_link),
    R("shell-type-pax", HEADER, "The first member is a pax header.", type_pax),
    R("shell-type-gnu-long-name", HEADER, "The first member is a GNU long name.", type_long),
    R("shell-link-name", HEADER, "A plain file has a link's target.", linkname),
    R("shell-magic-gnu", HEADER, "The magic is GNU tar's.", magic_gnu),
    R("shell-user-name", HEADER, "The owner has a name.", uname_root),
    R("shell-group-name", HEADER, "The group has a name.", gname_root),
    R("shell-device", HEADER, "A plain file has a device number.", devmajor),
    R("shell-prefix", HEADER, "The name has a prefix.", prefix),
    R("shell-spare-bytes", HEADER, "A byte that ustar does not use is set.", spare),
    R("shell-checksum-spelling", HEADER, "The checksum ends in space and NUL.", checksum_spelling),
    R("shell-checksum", HEADER, "The checksum is wrong.", checksum_wrong),
    R("shell-signature-mode", SIGNATURE, "The signature's mode is 0600.", signature_mode),
    R("shell-signature-name", SIGNATURE, "The signature's name is another.", signature_name),
    R("shell-payload-name", PAYLOAD, "The payload's name is another.", payload_name),
    R("shell-payload-mtime", PAYLOAD, "The payload's time is not 0.", payload_mtime),
    R("shell-payload-prefix", PAYLOAD, "The payload's name has a prefix '..'.", payload_prefix),
    {"shell-no-bundle-json", GF_E_SHELL, CANONICAL(HEADER), "bundle.json is missing.",
     .make = without_header},
    {"shell-no-signature", GF_E_SHELL, CANONICAL(SIGNATURE), "The signature is missing.",
     .make = without_signature},
    {"shell-no-payload", GF_E_SHELL, "no member 'payload.age' where it must be",
     "The payload is missing.", .make = without_payload},
    {"shell-swapped", GF_E_SHELL, CANONICAL(HEADER), "The signature comes first.", .make = swapped},
    {"shell-doubled", GF_E_SHELL, CANONICAL(SIGNATURE), "bundle.json stands there twice.",
     .make = doubled_header},
    {"shell-fourth-member", GF_E_SHELL, "something follows its end", "There is a fourth member.",
     .make = fourth_member},
    {"shell-pax-header-first", GF_E_SHELL, CANONICAL(HEADER), "A pax header comes first.",
     .make = pax_before},
    {"shell-trailing-byte", GF_E_SHELL, "something follows its end", "A zero follows the end.",
     .make = trailing_byte},
    {"shell-three-end-blocks", GF_E_SHELL, "something follows its end",
     "There are three end blocks.", .make = three_end_blocks},
    {"shell-padded-to-10240", GF_E_SHELL, "something follows its end",
     "The file is padded as tar pads it.", .make = record_padding},
    {"shell-one-end-block", GF_E_SHELL, "cut off", "There is one end block.",
     .make = one_end_block},
    {"shell-no-end", GF_E_SHELL, "cut off", "There is no end block.", .make = no_end},
    {"shell-end-not-zero", GF_E_SHELL, "what follows the payload is not zeros",
     "The last byte is not zero.", .make = end_not_zero},
    {"shell-payload-padding", GF_E_SHELL, "what follows the payload is not zeros",
     "The payload is padded with something else than zeros.", .make = payload_padding},
    {"shell-bundle-json-padding", GF_E_SHELL, "the padding of member 'bundle.json'",
     "bundle.json is padded with something else than zeros.", .make = header_padding},
    {"shell-signature-padding", GF_E_SHELL, "the padding of member 'bundle.json.minisig'",
     "The signature is padded with something else than zeros.", .make = signature_padding},
    {"shell-cut", GF_E_SHELL, "cut off", "The file ends within its payload.",
     .make = cut_in_payload},
    {"shell-bundle-json-too-large", GF_E_LIMIT, "16385 bytes long; 1 to 16384 are allowed",
     "bundle.json has 16385 bytes.", .make = header_too_large},
    {"shell-bundle-json-size-zero", GF_E_LIMIT, "member 'bundle.json' is 0 bytes long",
     "bundle.json is said to be empty.", .make = header_size_zero},
    {"shell-bundle-json-size-16385", GF_E_LIMIT, "16385 bytes long; 1 to 16384 are allowed",
     "bundle.json is said to have 16385 bytes.", .make = header_size_16385},
    {"shell-bundle-json-size-2-33", GF_E_LIMIT, "8589934591 bytes long",
     "bundle.json is said to have all that eleven digits hold.", .make = header_size_huge},
    {"shell-bundle-json-size-no-octal", GF_E_SHELL, "no member 'bundle.json' where it must be",
     "A size has a digit 9.", .make = header_size_8},
    {"shell-signature-size-zero", GF_E_MINISIG, "the signature is 0 bytes long; its one form has",
     "The signature is said to be empty.", .make = signature_size_zero},
    {"shell-signature-size-more", GF_E_MINISIG, "the signature is 403 bytes long; its one form has",
     "The signature is said to be longer.", .make = signature_size_more},
    {"shell-payload-size-zero", GF_E_LIMIT, "member 'payload.age' is 0 bytes long",
     "The payload is said to be empty.", .make = size_zero},
    {"shell-payload-size-more", GF_E_SHELL, "cut off", "The payload is said to be longer.",
     .make = size_more},
    {"shell-payload-size-2-31", GF_E_LIMIT, "2147483648 bytes long",
     "The payload is said to have 2^31 bytes.", .make = size_2_31},
    {"shell-payload-size-most", GF_E_LIMIT, "it would be",
     "The payload is said to have 2^31 - 1 bytes, and the bundle would have more.",
     .make = size_most},
    {"shell-payload-size-2-33", GF_E_LIMIT, "8589934591 bytes long",
     "The payload is said to have all that eleven digits hold.", .make = size_2_33},
    {"shell-payload-size-blanks", GF_E_SHELL, "no member 'payload.age' where it must be",
     "A size begins with blanks.", .make = size_blanks},
    {"shell-payload-size-base-256", GF_E_SHELL, "no member 'payload.age' where it must be",
     "A size is written in base 256.", .make = size_base256},
    {"shell-payload-size-negative", GF_E_SHELL, "no member 'payload.age' where it must be",
     "A size is negative.", .make = size_negative},
};

const struct vector_set vector_shell = VECTOR_SET(rows);
