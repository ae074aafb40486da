/* archive.c -- the inner archive: members of another kind, name, order or size. */
#include <string.h>

#include "vectors/build/vector.h"

#define FORM          "is not in its one form"
#define PLAIN         "is not a plain file of mode 0600, owner 0 and time 0"
#define FOREIGN(name) "a member named '" name "' does not belong in a bundle"
#define LENGTH        "bytes than its members make"
#define MALFORMED     "the inner archive is malformed"

/* Change the first member's header block; its checksum fits. */
static void put(struct forge *f, size_t at, const void *data, size_t len) {
    forge_to(f, FORGE_ARCHIVE);
    forge_tar_put(&f->archive, 0, at, data, len);
}
#define BLOCK(function, at, data)                                                                  \
    static void function(struct forge *f) {                                                        \
        put(f, at, data, sizeof(data) - 1);                                                        \
    }
BLOCK(hard_link, 156, "1contents.json")
BLOCK(symlink, 156, "2/etc/passwd")
BLOCK(character_device, 156, "3")
BLOCK(block_device, 156, "4")
BLOCK(directory, 156, "5")
BLOCK(fifo, 156, "6")
BLOCK(mode_0644, 100, "000644 ")
BLOCK(mode_setuid, 100, "004600 ")
BLOCK(uid_1000, 108, "001750 ")
BLOCK(gid_1000, 116, "001750 ")
BLOCK(mtime, 136, "15125427400")
BLOCK(uname, 265, "root")
BLOCK(gname, 297, "root")
BLOCK(type_nul, 156, "\0")
BLOCK(type_contiguous, 156, "7")
BLOCK(link_name, 157, "contents.json")
BLOCK(magic_gnu, 257, "ustar  ")
BLOCK(device_number, 329, "000001 ")
BLOCK(name_tail, 60, "tail")
BLOCK(mode_spelling, 100, "0000600")
BLOCK(size_blank, 124, "       ")
BLOCK(size_huge, 124, "77777777777")
BLOCK(size_2_62, 124, "\x80\0\0\0\x40\0\0\0\0\0\0\0")
BLOCK(size_2_63, 124, "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xfe")
BLOCK(size_negative, 124, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0")
#undef BLOCK

/* contents.json's, so that no line is wrong. */
static void size_more(struct forge *f) {
    forge_to(f, FORGE_ARCHIVE);
    forge_tar_put(&f->archive, 1024, 124, "00000100000", 11);
}

/* The last byte before contents.json's header. */
static void padding(struct forge *f) {
    forge_to(f, FORGE_ARCHIVE);
    f->archive.data[1023] = 1;
}

static void checksum(struct forge *f) {
    forge_to(f, FORGE_ARCHIVE);
    f->archive.data[150] ^= 1;
}

/* A file of this name, which contents.json lists as well. */
static void named(struct forge *f, const char *path) {
    (void)forge_member(f, path, "data", "data", 4);
}
#define NAMED(function, path)                                                                      \
    static void function(struct forge *f) {                                                        \
        named(f, path);                                                                            \
    }
NAMED(dotdot, "../evil")
NAMED(dotdot_in_files, "files/../evil")
NAMED(dotdot_only, "files/..")
NAMED(absolute, "/etc/cron.d/evil")
NAMED(dot_slash, "./records2.jsonl")
NAMED(unknown, "notes.txt")
NAMED(upper_case, "files/Data")
NAMED(hidden, "files/.data")
NAMED(dash_first, "files/-rf")
NAMED(subdirectory, "files/a/b")
NAMED(files_itself, "files/")
NAMED(backslash, "files/a\\b")
NAMED(space, "files/a b")
NAMED(utf8, "files/\xc3\xa9")
NAMED(not_utf8, "files/\xff")
NAMED(escape, "files/\x1b[2J")
NAMED(name_65, "files/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
NAMED(records_twice, "records.jsonl")
#undef NAMED

static void receipts_in_request(struct forge *f) {
    (void)forge_member(f, "receipts.jsonl", NULL, forge_receipt, strlen(forge_receipt));
}

static void no_name(struct forge *f) {
    forge_to(f, FORGE_ARCHIVE);
    forge_tar_put(&f->archive, 0, 0, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 14);
}

/* A header before the first member. */
static void before(struct forge *f, char type, const char *key, const char *value) {
    struct gf_buf b;
    forge_to(f, FORGE_ARCHIVE);
    gf_buf_init(&b, 4096);
    forge_tar_pax(&b, type, key, value);
    forge_insert(&f->archive, 0, b.data, b.len);
    gf_buf_free(&b);
}
#define PAX(function, type, key, value)                                                            \
    static void function(struct forge *f) {                                                        \
        before(f, type, key, value);                                                               \
    }
PAX(pax_comment, 'x', "comment", "hello")
PAX(pax_global, 'g', "comment", "hello")
PAX(pax_path, 'x', "path", "../evil")
PAX(pax_size, 'x', "size", "1099511627776")
PAX(pax_size_2_63, 'x', "size", "9223372036854775806")
PAX(pax_xattr, 'x', "SCHILY.xattr.user.x", "y")
PAX(pax_acl, 'x', "SCHILY.acl.access", "user::rw-,user:root:rwx:0,group::---,mask::rwx,other::---")
PAX(pax_mtime, 'x', "mtime", "0.5")
PAX(pax_linkpath, 'x', "linkpath", "/etc/passwd")
PAX(sparse_pax, 'x', "GNU.sparse.realsize", "1099511627776")
#undef PAX

/* Old GNU sparse: a real size of 1 TiB, and a map of one piece at its end. */
static void sparse_gnu(struct forge *f) {
    forge_to(f, FORGE_ARCHIVE);
    uint8_t *b = (uint8_t *)f->archive.data;
    b[156] = 'S';
    memcpy(b + 257, "ustar  \0", 8);
    memset(b + 329, 0, 512 - 329);
    memcpy(b + 386, "17777777000\00000000001000\0", 24);
    memcpy(b + 483, "\x80\0\0\0\0\0\1\0\0\0\0\0", 12);
    forge_tar_sum(b);
}

static void long_name(struct forge *f) {
    struct gf_buf b;
    forge_to(f, FORGE_ARCHIVE);
    gf_buf_init(&b, 4096);
    forge_tar_header(&b, "././@LongLink", 'L', 8);
    forge_tar_data(&b, "../evil", 8);
    forge_insert(&f->archive, 0, b.data, b.len);
    gf_buf_free(&b);
}

static void volume_label(struct forge *f) {
    struct gf_buf b;
    forge_to(f, FORGE_ARCHIVE);
    gf_buf_init(&b, 4096);
    forge_tar_header(&b, "label", 'V', 0);
    forge_insert(&f->archive, 0, b.data, b.len);
    gf_buf_free(&b);
}

/* ---- order and number ---- */

static void files_first(struct forge *f) {
    struct forge_member swap;
    (void)forge_member(f, "files/data", "data", "data", 4);
    swap = f->members[0];
    f->members[0] = f->members[1];
    f->members[1] = swap;
}

static void file_twice(struct forge *f) {
    (void)forge_member(f, "files/data", "data", "data", 4);
    (void)forge_member(f, "files/data", "data", "data", 4);
}

static void no_contents(struct forge *f) {
    forge_to(f, FORGE_CONTENTS);
    forge_tar_header(&f->archive, "records.jsonl", '0', (int64_t)f->members[0].data.len);
    forge_tar_data(&f->archive, f->members[0].data.data, f->members[0].data.len);
    forge_tar_end(&f->archive);
    f->done = FORGE_ARCHIVE;
}

static void add_contents(struct forge *f) {
    forge_tar_header(&f->archive, "contents.json", '0', (int64_t)f->contents.len);
    forge_tar_data(&f->archive, f->contents.data, f->contents.len);
}

static void contents_twice(struct forge *f) {
    forge_to(f, FORGE_ARCHIVE);
    f->archive.len -= 1024;
    add_contents(f);
    forge_tar_end(&f->archive);
}

static void contents_first(struct forge *f) {
    forge_to(f, FORGE_CONTENTS);
    add_contents(f);
    forge_tar_header(&f->archive, "records.jsonl", '0', (int64_t)f->members[0].data.len);
    forge_tar_data(&f->archive, f->members[0].data.data, f->members[0].data.len);
    forge_tar_end(&f->archive);
    f->done = FORGE_ARCHIVE;
}

static void contents_too_large(struct forge *f) {
    forge_to(f, FORGE_CONTENTS);
    forge_tar_header(&f->archive, "contents.json", '0', (2 << 20) + 1);
    forge_fill(&f->archive, ' ', (2 << 20) + 512);
    forge_tar_end(&f->archive);
    f->done = FORGE_ARCHIVE;
}

static void larger_than_room(struct forge *f) {
    forge_to(f, FORGE_CONTENTS);
    forge_tar_header(&f->archive, "files/zeros", '0', FORGE_ROOM + 1);
    forge_fill(&f->archive, 0, 4096);
    f->done = FORGE_ARCHIVE;
}

/* ---- the end ---- */

static void only_end(struct forge *f) {
    forge_to(f, FORGE_CONTENTS);
    forge_tar_end(&f->archive);
    f->done = FORGE_ARCHIVE;
}

static void no_end(struct forge *f) {
    forge_to(f, FORGE_ARCHIVE);
    f->archive.len -= 1024;
}

static void one_end_block(struct forge *f) {
    forge_to(f, FORGE_ARCHIVE);
    f->archive.len -= 512;
}

static void three_end_blocks(struct forge *f) {
    forge_to(f, FORGE_ARCHIVE);
    forge_fill(&f->archive, 0, 512);
}

static void end_not_zero(struct forge *f) {
    forge_to(f, FORGE_ARCHIVE);
    f->archive.data[f->archive.len - 1] = 1;
}

static void cut_in_member(struct forge *f) {
    forge_to(f, FORGE_ARCHIVE);
    f->archive.len = 512 + 100;
}

static void cut_in_header(struct forge *f) {
    forge_to(f, FORGE_ARCHIVE);
    f->archive.len = 1024 + 100;
}

static void second_archive(struct forge *f) {
    struct gf_buf b;
    forge_to(f, FORGE_ARCHIVE);
    gf_buf_init(&b, f->archive.len);
    forge_add(&b, f->archive.data, f->archive.len);
    forge_add(&f->archive, b.data, b.len);
    gf_buf_free(&b);
}

static void cpio(struct forge *f) {
    forge_to(f, FORGE_ARCHIVE);
    forge_set(&f->archive, "070701", 6);
    forge_fill(&f->archive, '0', 2048);
}

static void random_bytes(struct forge *f) {
    forge_to(f, FORGE_ARCHIVE);
    forge_random(f, f->archive.data, f->archive.len);
}

#define A(title, text, sentence, function)                                                         \
    { "archive-" title, GF_E_ARCHIVE, text, sentence, .make = function }
static const struct vector rows[] = {
    A("hard-link", PLAIN, "A member is a hard link.", hard_link),
    A("symlink", PLAIN, "A member is a symbolic link.", symlink),
    A("character-device", PLAIN, "A member is a character device.", character_device),
    A("block-device", PLAIN, "A member is a block device.", block_device),
    A("directory", PLAIN, "A member is a directory.", directory),
    A("fifo", PLAIN, "A member is a pipe.", fifo),
    A("mode", PLAIN, "A member's mode is 0644.", mode_0644),
    A("mode-setuid", PLAIN, "A member would run as its owner.", mode_setuid),
    A("uid", PLAIN, "A member's owner is not 0.", uid_1000),
    A("gid", PLAIN, "A member's group is not 0.", gid_1000),
    A("mtime", PLAIN, "A member's time is not 0.", mtime),
    A("user-name", PLAIN, "A member's owner has a name.", uname),
    A("group-name", PLAIN, "A member's group has a name.", gname),
    A("sparse-1-tib", PLAIN, "A member is sparse and has 1 TiB.", sparse_gnu),
    A("type-nul", FORM, "A member's type is NUL, as before POSIX.", type_nul),
    A("type-contiguous", FORM, "A member is a contiguous file.", type_contiguous),
    A("link-name", FORM, "A plain file has a link's target.", link_name),
    A("magic-gnu", FORM, "A header has GNU's magic.", magic_gnu),
    A("device-number", FORM, "A plain file has a device number.", device_number),
    A("name-tail", FORM, "Bytes follow a name's end.", name_tail),
    A("mode-spelling", FORM, "A mode is spelled with other zeros.", mode_spelling),
    A("size-blank", FORM, "A size begins with blanks.", size_blank),
    A("padding", "padding is not zeros", "A member's padding is not zeros.", padding),
    A("checksum", MALFORMED, "A header's checksum is wrong.", checksum),
    {"archive-size-8-gib", GF_E_LIMIT, "is 8589934591 bytes long", "A member states 8 GiB.",
     .make = size_huge},
    {"archive-size-2-62", GF_E_ARCHIVE, FORM, "A member states 2^62 bytes.", .make = size_2_62},
    {"archive-size-2-63", GF_E_ARCHIVE, FORM, "A member states 2^63 - 2 bytes.", .make = size_2_63},
    A("size-negative", MALFORMED, "A member states less than no bytes.", size_negative),
    A("size-more", MALFORMED, "A member states more bytes than follow.", size_more),
    A("name-dot-dot", FOREIGN("../evil"), "A member's name leads out.", dotdot),
    A("name-dot-dot-in-files", FOREIGN("files/../evil"), "A file's name leads out of files/.",
      dotdot_in_files),
    A("name-dot-dot-only", FOREIGN("files/.."), "A file is called '..'.", dotdot_only),
    A("name-absolute", FOREIGN("/etc/cron.d/evil"), "A member's name is absolute.", absolute),
    A("name-dot-slash", FOREIGN("./records2.jsonl"), "A member's name begins with ./.", dot_slash),
    A("name-unknown", FOREIGN("notes.txt"), "A member's name is none of those expected.", unknown),
    A("name-capital", FOREIGN("files/Data"), "A file's name has a capital.", upper_case),
    A("name-hidden", FOREIGN("files/.data"), "A file's name begins with a dot.", hidden),
    A("name-dash", FOREIGN("files/-rf"), "A file's name begins with a dash.", dash_first),
    A("name-subdirectory", FOREIGN("files/a/b"), "A file lies in a directory below files/.",
      subdirectory),
    A("name-files", PLAIN, "A member is called files/.", files_itself),
    A("name-backslash", FOREIGN("files/a\\b"), "A file's name has a backslash.", backslash),
    A("name-space", FOREIGN("files/a b"), "A file's name has a space.", space),
    A("name-not-ascii", "a member", "A file's name is not ASCII.", utf8),
    A("name-not-utf8", "a member", "A file's name is not UTF-8.", not_utf8),
    A("name-escape", FOREIGN("files/?[2J"), "A file's name would clear a terminal.", escape),
    A("name-65-bytes", "does not belong in a bundle", "A file's name has 65 bytes.", name_65),
    A("name-empty", "has no name", "A member has no name.", no_name),
    A("pax-path", FORM, "A pax header gives a name that leads out.", pax_path),
    {"archive-pax-size-1-tib", GF_E_ARCHIVE, FORM, "A pax header states a size of 1 TiB.",
     .make = pax_size},
    {"archive-pax-size-2-63", GF_E_ARCHIVE, FORM, "A pax header states a size of 2^63 - 2.",
     .make = pax_size_2_63},
    A("pax-comment", FORM, "A pax header says nothing of importance.", pax_comment),
    A("pax-global", FORM, "A global pax header says nothing of importance.", pax_global),
    A("pax-xattr", PLAIN, "A pax header gives an extended attribute.", pax_xattr),
    A("pax-acl", PLAIN, "A pax header gives an access control list.", pax_acl),
    A("pax-mtime", FORM, "A pax header gives a time of half a second.", pax_mtime),
    A("pax-linkpath", "", "A pax header gives a plain file a link's target.", pax_linkpath),
    {"archive-pax-sparse-1-tib", GF_E_ARCHIVE, FORM,
     "A pax header makes a member sparse, of 1 TiB.", .make = sparse_pax},
    A("gnu-long-name", FORM, "A GNU long name leads out.", long_name),
    A("gnu-volume-label", FORM, "There is a GNU volume label.", volume_label),
    A("records-twice", "member 'records.jsonl' is doubled or out of order",
      "records.jsonl stands there twice.", records_twice),
    A("file-twice", "member 'files/data' is doubled", "A file stands there twice.", file_twice),
    A("files-first", "member 'records.jsonl' is doubled or out of order",
      "A file comes before the records.", files_first),
    {"archive-receipts-in-request", GF_E_CONTENTS, "a request has no receipts.jsonl",
     "A request holds receipts.", .make = receipts_in_request},
    A("no-contents", "contents.json is missing", "contents.json is missing.", no_contents),
    A("contents-twice", "contents.json is not the last member: 'contents.json' follows it",
      "contents.json stands there twice.", contents_twice),
    A("contents-first", "contents.json is not the last member: 'records.jsonl' follows it",
      "contents.json comes first.", contents_first),
    {"archive-contents-too-large", GF_E_LIMIT, "contents.json is 2097153 bytes long",
     "contents.json is larger than 2 MiB.", .make = contents_too_large},
    {"archive-larger-than-room", GF_E_CREATE, "is 16777217 bytes long; there is room for 16777216",
     "A member is larger than the room that the reader gives.", .make = larger_than_room},
    A("only-end", "contents.json is missing", "The archive has no member.", only_end),
    A("no-end", LENGTH, "The end blocks are missing.", no_end),
    A("one-end-block", LENGTH, "There is one end block.", one_end_block),
    A("three-end-blocks", LENGTH, "There are three end blocks.", three_end_blocks),
    A("end-not-zero", "does not end in zeros", "The last byte is not zero.", end_not_zero),
    A("cut-in-member", MALFORMED, "The archive ends within a member.", cut_in_member),
    A("cut-in-header", MALFORMED, "The archive ends within a header.", cut_in_header),
    A("second-archive", LENGTH, "A second archive follows.", second_archive),
    A("cpio", MALFORMED, "It is a cpio archive.", cpio),
    A("random", MALFORMED, "It is random bytes.", random_bytes),
};

const struct vector_set vector_archive = VECTOR_SET(rows);
