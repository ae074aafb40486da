/* contents.c -- contents.json: its fields, and whether it lists what is there. */
#include <string.h>

#include "vectors/build/vector.h"

#define H16 "0123456789abcdef"
#define H32 H16 H16
#define H64 H32 H32

#define EDIT(title, ecode, text, sentence, field, value)                                           \
    {                                                                                              \
        "contents-" title, ecode, text, sentence, .stage = FORGE_CONTENTS, .member = field,        \
                                                  .put = value                                     \
    }
#define THREE(field, sample, other, must)                                                          \
    EDIT(field "-missing", GF_E_CONTENTS, "\"" field "\" is missing",                              \
         "contents.json has no " field ".", field, ""),                                            \
        EDIT(field "-doubled", GF_E_JSON, "a name that its object has already",                    \
             "contents.json has " field " twice.", field,                                          \
             "\"" field "\":" sample ",\"" field "\":" sample),                                    \
        EDIT(field "-type", GF_E_CONTENTS, must, "In contents.json " field " is of another type.", \
             field, "\"" field "\":" other)
#define FIELD(title, text, sentence, field, value)                                                 \
    EDIT(title, GF_E_CONTENTS, text, sentence, field, "\"" field "\":" value)

#define LISTED(value) "[{\"member\":\"records.jsonl\",\"name\":null,\"size\":" value "}]"
#define PART(index, count, offset, whole)                                                          \
    "\"size\":4,\"part\":{\"index\":" index ",\"count\":" count ",\"offset\":" offset              \
    ",\"whole\":" whole ",\"digest\":\"" H64 "\"}"

/* A bundle with one file of four bytes, and an edit of what contents.json says of it. */
static void file(struct forge *f, const char *find, const char *put) {
    forge_no_members(f);
    (void)forge_member(f, "files/data", "data", "data", 4);
    forge_to(f, FORGE_CONTENTS);
    forge_edit(&f->contents, find, put);
}
#define FILE_EDIT(function, find, put)                                                             \
    static void function(struct forge *f) {                                                        \
        file(f, find, put);                                                                        \
    }
FILE_EDIT(no_name, "\"name\":\"data\"", "\"name\":null")
FILE_EDIT(empty_name, "\"name\":\"data\"", "\"name\":\"\"")
FILE_EDIT(other_path, "files/data", "files/date")
FILE_EDIT(bad_path, "files/data", "files/../data")
FILE_EDIT(itself, "\"files/data\",\"name\":\"data\"", "\"contents.json\",\"name\":null")
FILE_EDIT(size_more, "\"size\":4", "\"size\":5")
FILE_EDIT(size_negative, "\"size\":4", "\"size\":-4")
FILE_EDIT(size_2_gib, "\"size\":4", "\"size\":2147483648")
FILE_EDIT(unknown, "\"size\":4", "\"size\":4,\"mode\":420")
FILE_EDIT(part_count, "\"size\":4", PART("0", "1", "0", "4"))
FILE_EDIT(part_index, "\"size\":4", PART("2", "2", "4", "8"))
FILE_EDIT(part_first, "\"size\":4", PART("0", "2", "1", "8"))
FILE_EDIT(part_last, "\"size\":4", PART("1", "2", "3", "8"))
FILE_EDIT(part_beyond, "\"size\":4", PART("1", "3", "6", "8"))
FILE_EDIT(part_null, "\"size\":4", "\"size\":4,\"part\":null")
FILE_EDIT(part_short, "\"size\":4", "\"size\":4,\"part\":{\"index\":0,\"count\":2}")
#undef FILE_EDIT

static void name_256(struct forge *f) {
    char name[270] = "\"name\":\"";
    memset(name + 8, 'n', 256);
    name[8 + 256] = '"';
    file(f, "\"name\":\"data\"", name);
}

static void listed_twice(struct forge *f) {
    file(f, "\"members\":[",
         "\"members\":[{\"member\":\"files/data\",\"name\":\"data\",\"size\":4},");
}

static void not_there(struct forge *f) {
    file(f, "\"members\":[", "\"members\":[{\"member\":\"files/0\",\"name\":\"zero\",\"size\":4},");
}

static void records_behind_files(struct forge *f) {
    file(f, "\"size\":4}", "\"size\":4},{\"member\":\"records.jsonl\",\"name\":null,\"size\":4}");
}

static void other_order(struct forge *f) {
    forge_no_members(f);
    (void)forge_member(f, "files/b", "b", "data", 4);
    (void)forge_member(f, "files/a", "a", "data", 4);
    forge_to(f, FORGE_CONTENTS);
    forge_edit(&f->contents, "\"files/b\",\"name\":\"b\"", "\"files/c\",\"name\":\"b\"");
    forge_edit(&f->contents, "\"files/a\"", "\"files/b\"");
    forge_edit(&f->contents, "\"files/c\"", "\"files/a\"");
}

static void list(struct forge *f, const char *name, int from, int n) {
    struct gf_buf b;
    gf_buf_init(&b, 1 << 20);
    gf_buf_printf(&b, "\"%s\":[", name);
    for (int i = 0; i < n; i++)
        gf_buf_printf(&b, "%s%d", i == 0 ? "" : ",", from + i);
    gf_buf_text(&b, "]");
    forge_to(f, FORGE_CONTENTS);
    vector_member(&f->contents, name, b.data);
    gf_buf_free(&b);
}

static void voids_1025(struct forge *f) {
    list(f, "void", 1, 1025);
}

static void elements_8193(struct forge *f) {
    list(f, "void", 1, 8193);
}

static void have_257(struct forge *f) {
    struct gf_buf b;
    gf_buf_init(&b, 1 << 20);
    gf_buf_text(&b, "\"have\":[");
    for (int i = 0; i < 257; i++)
        gf_buf_printf(&b, "%s{\"stream\":\"%032x\",\"upto\":1,\"also\":[]}", i == 0 ? "" : ",",
                      (unsigned)i);
    gf_buf_text(&b, "]");
    forge_to(f, FORGE_CONTENTS);
    vector_member(&f->contents, "have", b.data);
    gf_buf_free(&b);
}

static void set(struct forge *f, const char *text) {
    forge_to(f, FORGE_CONTENTS);
    forge_set(&f->contents, text, strlen(text));
}

static void empty(struct forge *f) {
    set(f, "");
}

static void array(struct forge *f) {
    set(f, "[{}]\n");
}

static void not_json(struct forge *f) {
    set(f, "{contents}\n");
}

static void no_lf(struct forge *f) {
    forge_to(f, FORGE_CONTENTS);
    f->contents.len--;
}

static void padded(struct forge *f) {
    forge_to(f, FORGE_CONTENTS);
    forge_insert(&f->contents, f->contents.len - 1, " ", 1);
}

#define HAVE(upto, also) "[{\"stream\":\"" H32 "\",\"upto\":" upto ",\"also\":" also "}]"
static const struct vector rows[] = {
    THREE("id", "\"" H32 "\"", "7", "\"id\" must be 32 lower-case hex digits"),
    THREE("kind", "\"request\"", "1", "\"kind\" must be one of"),
    THREE("from", "\"" H64 "\"", "null", "\"from\" must be 64"),
    THREE("to", "\"" H64 "\"", "[]", "\"to\" must be 64"),
    THREE("stream", "\"" H32 "\"", "{}", "\"stream\" must be 32"),
    THREE("seq", "7", "\"7\"", "\"seq\" must be a number"),
    THREE("members", "[]", "{}", "\"members\" must be an array"),
    THREE("void", "[]", "null", "\"void\" must be an array"),
    THREE("have", "[]", "{}", "\"have\" must be an array"),
    THREE("want", "[]", "0", "\"want\" must be an array"),
    THREE("ext", "{}", "[]", "\"ext\" must be an object"),
    FIELD("unknown-member", "\"more\" is no member that this version knows",
          "contents.json has a member that is not known.", "seq", "7,\"more\":1"),
    FIELD("members-none", "lists 0 members; there are 1", "A member is not listed.", "members",
          "[]"),
    FIELD("members-size", "gives 'records.jsonl' 5 bytes; it has", "A member has another size.",
          "members", LISTED("5")),
    FIELD("members-size-zero", "\"size\" must be a number from 1",
          "Lines are listed although there are none.", "members", LISTED("0")),
    FIELD("members-receipts", "a request has no receipts.jsonl", "A request lists receipts.",
          "members", "[{\"member\":\"receipts.jsonl\",\"name\":null,\"size\":5}]"),
    FIELD("members-lines-named", "files have a name and other members have null",
          "Lines have a real name.", "members",
          "[{\"member\":\"records.jsonl\",\"name\":\"r\",\"size\":5}]"),
    FIELD("members-number", "\"members\"[0] must be an object", "A member is a number.", "members",
          "[1]"),
    {"contents-members-not-there", GF_E_CONTENTS, "lists 2 members; there are 1",
     "A file is listed that is not there.", .make = not_there},
    {"contents-members-twice", GF_E_CONTENTS, "listed twice", "A file is listed twice.",
     .make = listed_twice},
    {"contents-members-order", GF_E_CONTENTS, "out of order", "Lines are listed behind files.",
     .make = records_behind_files},
    {"contents-files-other-order", GF_E_CONTENTS, "lists 'files/a' where 'files/b' is",
     "Files are listed in another order than they have.", .make = other_order},
    {"contents-file-no-name", GF_E_CONTENTS, "files have a name", "A file has no real name.",
     .make = no_name},
    {"contents-file-empty-name", GF_E_CONTENTS, "\"name\" must be text of 1 to 255",
     "A file's real name is empty.", .make = empty_name},
    {"contents-file-name-256", GF_E_CONTENTS, "\"name\" must be text of 1 to 255",
     "A file's real name has 256 bytes.", .make = name_256},
    {"contents-file-other", GF_E_CONTENTS, "lists 'files/date' where 'files/data' is",
     "A file is listed under another name.", .make = other_path},
    {"contents-file-path", GF_E_CONTENTS, "'files/../data' cannot be a member",
     "A file is listed with a path that leads out.", .make = bad_path},
    {"contents-lists-itself", GF_E_CONTENTS, "'contents.json' cannot be a member",
     "contents.json lists itself.", .make = itself},
    {"contents-file-size", GF_E_CONTENTS, "gives 'files/data' 5 bytes; it has 4",
     "A file has another size.", .make = size_more},
    {"contents-file-size-negative", GF_E_CONTENTS, "\"size\" must be a number from 0",
     "A file's size is negative.", .make = size_negative},
    {"contents-file-size-2-31", GF_E_CONTENTS, "\"size\" must be a number from 0",
     "A file is said to have 2 GiB.", .make = size_2_gib},
    {"contents-file-unknown-member", GF_E_CONTENTS, "\"mode\" is no member",
     "A file has a member that is not known.", .make = unknown},
    {"contents-part-one", GF_E_CONTENTS, "\"count\" must be a number from 2",
     "A part is the only one.", .make = part_count},
    {"contents-part-index", GF_E_CONTENTS, "contradict each other", "The third part of two.",
     .make = part_index},
    {"contents-part-first", GF_E_CONTENTS, "contradict each other",
     "The first part is not at the beginning.", .make = part_first},
    {"contents-part-last", GF_E_CONTENTS, "contradict each other",
     "The last part is not at the end.", .make = part_last},
    {"contents-part-beyond", GF_E_CONTENTS, "contradict each other", "A part ends beyond its file.",
     .make = part_beyond},
    {"contents-part-null", GF_E_CONTENTS, "\"part\" must be an object", "A part is null.",
     .make = part_null},
    {"contents-part-incomplete", GF_E_CONTENTS, "\"offset\" is missing",
     "A part does not say where it begins.", .make = part_short},
    FIELD("void-zero", "\"void\"[0] must be a number from 1", "Number 0 is void.", "void", "[0]"),
    FIELD("void-falls", "\"void\"[1] must be a number from 6", "Void numbers fall.", "void",
          "[5,4]"),
    FIELD("void-twice", "\"void\"[1] must be a number from 6", "A number is void twice.", "void",
          "[5,5]"),
    {"contents-void-1025", GF_E_CONTENTS, "an array of at most 1024", "1025 numbers are void.",
     .make = voids_1025},
    {"contents-elements-8193", GF_E_JSON, "too many elements in an array",
     "An array has 8193 elements.", .make = elements_8193},
    FIELD("have-also-below", "\"also\"[0] must be a number from 6",
          "A number is applied twice over.", "have", HAVE("5", "[5]")),
    FIELD("have-negative", "\"upto\" must be a number from 0", "upto is negative.", "have",
          HAVE("-1", "[]")),
    FIELD("have-unknown-member", "\"more\" is no member", "An entry has a member not known.",
          "have", HAVE("5", "[],\"more\":1")),
    FIELD("have-stream-twice", "have[1] repeats have[0]", "A stream stands there twice.", "have",
          "[{\"stream\":\"" H32 "\",\"upto\":1,\"also\":[]},{\"stream\":\"" H32
          "\",\"upto\":2,\"also\":[]}]"),
    {"contents-have-257", GF_E_CONTENTS, "an array of at most 256", "257 streams are listed.",
     .make = have_257},
    FIELD("want-twice", "want[1] repeats want[0]", "A file is wanted twice.", "want",
          "[{\"digest\":\"" H64 "\",\"parts\":[]},{\"digest\":\"" H64 "\",\"parts\":[]}]"),
    FIELD("want-falls", "\"parts\"[1] must be a number from 2", "Wanted parts fall.", "want",
          "[{\"digest\":\"" H64 "\",\"parts\":[1,0]}]"),
    {"contents-have-in-response", GF_E_CONTENTS, "\"have\" is no member",
     "A response says what it has.", .stage = FORGE_CONTENTS, .member = "void",
     .put = "\"void\":[],\"have\":[]", .kind = GF_KIND_RESPONSE},
    {"contents-records-in-response", GF_E_CONTENTS, "a response has no records.jsonl",
     "A response lists records.", .stage = FORGE_CONTENTS, .find = "receipts.jsonl",
     .put = "records.jsonl", .kind = GF_KIND_RESPONSE},
    {"contents-empty", GF_E_CONTENTS, "must be one JSON object and LF", "contents.json is empty.",
     .make = empty},
    {"contents-array", GF_E_CONTENTS, "must be one JSON object and LF",
     "contents.json is an array.", .make = array},
    {"contents-no-lf", GF_E_CONTENTS, "must be one JSON object and LF",
     "contents.json has no line feed.", .make = no_lf},
    {"contents-padded", GF_E_CONTENTS, "must be one JSON object and LF", "contents.json is padded.",
     .make = padded},
    {"contents-not-json", GF_E_JSON, "contents.json: not strict JSON", "contents.json is no JSON.",
     .make = not_json},
};

const struct vector_set vector_contents = VECTOR_SET(rows);
