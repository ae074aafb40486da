/* writer.c -- one bundle out: members in, a signed and sealed file when all is said. */
#include "gapferry/bundle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/archive.h"
#include "format/shell.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "gapferry/json.h"
#include "writer/names.h"
#include "writer/seal.h"

/* Bytes read in one go when a member is copied from a descriptor. */
#define COPY_SIZE (256 * 1024)

struct gf_writer {
    int fd;
    struct gf_pack pack;
    struct gf_header header;
    size_t header_size; /* bytes of bundle.json, padding included */
    struct gf_age_stream *stream;
    struct gf_seal *seal;
    struct gf_archive_out *archive;
    int64_t archive_size;     /* bytes so far, the current member whole */
    int64_t left;             /* bytes the current member still wants */
    enum gf_member last_kind; /* of the members so far */
    struct gf_contents contents;
    size_t members_room;
};

/* ---- opening ---- */

static int is_reader(const struct gf_header *h, const struct gf_hash *identity) {
    for (size_t i = 0; i < h->nreaders; i++) {
        if (memcmp(h->readers[i].b, identity->b, sizeof identity->b) == 0)
            return 1;
    }
    return 0;
}

/* The header as far as it is known before the payload is. */
static int begin_header(struct gf_writer *w, struct gf_err *e) {
    const struct gf_pack *p = &w->pack;
    struct gf_header *h = &w->header;

    if (p->nreaders > GF_READERS_MAX)
        return gf_err_set(e, GF_E_LIMIT, "%zu readers; a bundle has at most %d", p->nreaders,
                          GF_READERS_MAX);
    h->id = p->id;
    h->kind = p->kind;
    h->from = p->identity->card.identity;
    h->to = p->to->identity;
    for (size_t i = 0; i < p->nreaders; i++) {
        const struct gf_hash *r = &p->readers[i]->identity;
        if (memcmp(r->b, h->to.b, sizeof r->b) == 0 || is_reader(h, r))
            return gf_err_set(
                e, GF_E_USAGE,
                "reader '%s' is the addressee, or is named twice; name each card once",
                p->readers[i]->name);
        h->readers[h->nreaders++] = *r;
    }
    h->stream = p->stream;
    h->seq = p->seq;
    h->has_prev = p->has_prev;
    h->prev = p->prev;
    h->has_created = p->has_created;
    h->created = p->created;
    h->has_expires = p->has_expires;
    h->expires = p->expires;
    h->no_records = p->no_records;
    w->header_size = gf_header_room(h);
    return 0;
}

/* Encrypt to the addressee first, then to the readers in the header's order. */
static int begin_payload(struct gf_writer *w, struct gf_err *e) {
    struct gf_seal_public to[GF_READERS_MAX + 1];
    struct gf_buf head;
    int rc = -1;

    to[0] = w->pack.to->seal;
    for (size_t i = 0; i < w->pack.nreaders; i++)
        to[i + 1] = w->pack.readers[i]->seal;
    gf_buf_init(&head, GF_AGE_HEADER_MAX);
    if (gf_age_encrypt(to, w->pack.nreaders + 1, &head, &w->stream, e) == 0) {
        const struct gf_seal_options o = {.fd = w->fd,
                                          .offset =
                                              gf_shell_payload_offset((int64_t)w->header_size),
                                          .stream = w->stream,
                                          .head = &head,
                                          .level = w->pack.level,
                                          .threads = w->pack.threads};
        rc = gf_seal_new(&o, &w->seal, e);
    }
    gf_buf_free(&head);
    return rc;
}

static int put_archive(void *arg, const void *data, size_t len, struct gf_err *e) {
    struct gf_writer *w = arg;
    return gf_seal_add(w->seal, data, len, e);
}

int gf_writer_open(int fd, const struct gf_pack *p, struct gf_writer **out, struct gf_err *e) {
    if (p->ext != NULL &&
        (p->ext[0] != '{' || gf_json_check(p->ext, strlen(p->ext), "ext", NULL) == -1))
        return gf_err_set(e, GF_E_USAGE, "the `ext` of a bundle must be a JSON object");
    struct gf_writer *w = calloc(1, sizeof *w);
    if (w == NULL)
        return gf_err_errno(e, "no memory for a bundle");
    w->fd = fd;
    w->pack = *p;
    if (begin_header(w, e) == -1 || begin_payload(w, e) == -1 ||
        gf_archive_out_new(put_archive, w, &w->archive, e) == -1) {
        gf_writer_free(w);
        return -1;
    }
    w->archive_size = GF_ARCHIVE_END;
    *out = w;
    return 0;
}

/* ---- members ---- */

/* Which kind of bundle may hold a member: records leave, receipts and the like come back. */
static int belongs(enum gf_member m, enum gf_kind kind) {
    if (m == GF_MEMBER_RECORDS)
        return kind == GF_KIND_REQUEST;
    return m == GF_MEMBER_FILE || kind == GF_KIND_RESPONSE;
}

static int is_taken(const struct gf_contents *c, const char *member) {
    for (size_t i = 0; i < c->nmembers; i++) {
        if (strcmp(c->members[i].member, member) == 0)
            return 1;
    }
    return 0;
}

/* Make room for one more entry of the member list. */
static struct gf_contents_member *new_entry(struct gf_writer *w, struct gf_err *e) {
    struct gf_contents *c = &w->contents;

    if (c->nmembers == GF_MEMBERS_MAX) {
        (void)gf_err_set(e, GF_E_LIMIT, "a bundle has at most %d members; make several bundles",
                         GF_MEMBERS_MAX);
        return NULL;
    }
    if (c->nmembers == w->members_room) {
        size_t room = w->members_room == 0 ? 8 : 2 * w->members_room;
        struct gf_contents_member *more = realloc(c->members, room * sizeof *more);
        if (more == NULL) {
            (void)gf_err_errno(e, "no memory for a bundle");
            return NULL;
        }
        c->members = more;
        w->members_room = room;
    }
    memset(&c->members[c->nmembers], 0, sizeof c->members[0]);
    return &c->members[c->nmembers];
}

/* Name an entry; a file's member name is made of its real one. */
static int name_entry(struct gf_writer *w, struct gf_contents_member *entry, enum gf_member m,
                      const char *name, struct gf_err *e) {
    if (m != GF_MEMBER_FILE) {
        memcpy(entry->member, gf_contents_names[m], strlen(gf_contents_names[m]) + 1);
        return 0;
    }
    if (name == NULL || *name == '\0' || strlen(name) > GF_NAME_MAX ||
        !gf_text_is_utf8(name, strlen(name)))
        return gf_err_set(e, GF_E_USAGE, "a file's name must be 1 to %d bytes of UTF-8: '%s'",
                          GF_NAME_MAX, name == NULL ? "" : name);
    /* A taken name gets the member's number, which makes it unique at the first try or soon after,
     * however many files of one name there are. */
    gf_names_member(name, 1, entry->member);
    for (unsigned n = (unsigned)w->contents.nmembers + 1; is_taken(&w->contents, entry->member);
         n++)
        gf_names_member(name, n, entry->member);
    entry->name = strdup(name);
    return entry->name == NULL ? gf_err_errno(e, "no memory for a bundle") : 0;
}

int gf_writer_member(struct gf_writer *w, enum gf_member m, const char *name, int64_t size,
                     char *member, struct gf_err *e) {
    if (w->left > 0)
        return gf_err_set(e, GF_E_USAGE, "the last member still wants %lld bytes",
                          (long long)w->left);
    if (!belongs(m, w->pack.kind) || m > GF_MEMBER_FILE)
        return gf_err_set(e, GF_E_USAGE, "a %s holds no %s", gf_header_kinds[w->pack.kind],
                          gf_contents_names[m]);
    if (w->contents.nmembers > 0 &&
        (m < w->last_kind || (m == w->last_kind && m != GF_MEMBER_FILE)))
        return gf_err_set(e, GF_E_USAGE, "member %s comes too late", gf_contents_names[m]);
    if (size == 0 && m != GF_MEMBER_FILE)
        return 0;
    int64_t all = w->archive_size;
    if (size < 0 || size > GF_ARCHIVE_MAX ||
        (all += gf_archive_member_size(size)) > GF_ARCHIVE_MAX - 2 * GF_CONTENTS_MAX)
        return gf_err_set(e, GF_E_LIMIT,
                          "%s would make the bundle larger than %lld bytes; make several bundles",
                          name == NULL ? gf_contents_names[m] : name, (long long)GF_ARCHIVE_MAX);

    struct gf_contents_member *entry = new_entry(w, e);
    if (entry == NULL || name_entry(w, entry, m, name, e) == -1)
        return -1;
    entry->size = size;
    if (gf_archive_out_member(w->archive, entry->member, size, e) == -1) {
        free(entry->name);
        return -1;
    }
    w->contents.nmembers++;
    w->archive_size = all;
    w->left = size;
    w->last_kind = m;
    if (member != NULL)
        memcpy(member, entry->member, sizeof entry->member);
    return 0;
}

int gf_writer_part(struct gf_writer *w, const char *name, int64_t size, const struct gf_part *part,
                   char *member, struct gf_err *e) {
    const struct gf_part *p = part;
    const int first = p->index == 0, last = p->index == p->count - 1;

    if (p->count < 2 || p->count > p->whole || p->index < 0 || p->index >= p->count || size < 1 ||
        p->offset < 0 || p->offset > p->whole || size > p->whole - p->offset ||
        first != (p->offset == 0) || last != (p->offset + size == p->whole))
        return gf_err_set(e, GF_E_USAGE, "part %lld of '%s' does not lie where such a part can",
                          (long long)p->index, name);
    if (gf_writer_member(w, GF_MEMBER_FILE, name, size, member, e) == -1)
        return -1;
    struct gf_contents_member *entry = &w->contents.members[w->contents.nmembers - 1];
    entry->is_part = 1;
    entry->part = *part;
    return 0;
}

int gf_writer_data(struct gf_writer *w, const void *data, size_t len, struct gf_err *e) {
    if ((int64_t)len > w->left)
        return gf_err_set(e, GF_E_USAGE, "more bytes than the member was said to have");
    w->left -= (int64_t)len;
    return gf_archive_out_data(w->archive, data, len, e);
}

int gf_writer_copy(struct gf_writer *w, int fd, gf_progress *progress, void *arg,
                   struct gf_err *e) {
    int64_t done = 0;
    int rc = -1;
    char *buf = malloc(COPY_SIZE);

    if (buf == NULL)
        return gf_err_errno(e, "no memory for a bundle");
    while (w->left > 0) {
        size_t want = w->left < COPY_SIZE ? (size_t)w->left : COPY_SIZE;
        ssize_t n = gf_file_read(fd, buf, want);
        if (n == -1) {
            (void)gf_err_errno(e, "cannot read");
            goto out;
        }
        if ((size_t)n < want) {
            (void)gf_err_set(e, GF_E_SYSTEM, "it became shorter while it was read; pack it again");
            goto out;
        }
        if (gf_writer_data(w, buf, (size_t)n, e) == -1)
            goto out;
        done += n;
        if (progress != NULL)
            progress(arg, done);
    }
    rc = 0;
out:
    free(buf);
    return rc;
}

/* ---- finishing ---- */

/* Write contents.json, which repeats the header and so binds the ciphertext to the signer. */
static int put_contents(struct gf_writer *w, struct gf_err *e) {
    struct gf_contents c = w->contents;
    struct gf_buf text;
    int rc = -1;

    c.id = w->header.id;
    c.kind = w->header.kind;
    c.from = w->header.from;
    c.to = w->header.to;
    c.stream = w->header.stream;
    c.seq = w->header.seq;
    c.nvoids = w->pack.nvoids;
    c.voids = (int64_t *)(uintptr_t)w->pack.voids;
    c.nhave = w->pack.nhave;
    c.have = (struct gf_have *)(uintptr_t)w->pack.have;
    c.nwant = w->pack.nwant;
    c.ext = w->pack.ext;
    c.want = (struct gf_want *)(uintptr_t)w->pack.want;
    gf_buf_init(&text, GF_CONTENTS_MAX);
    gf_contents_write(&c, &text);
    if (gf_buf_check(&text, "contents.json", e) == 0 &&
        gf_archive_out_member(w->archive, gf_contents_names[GF_MEMBER_CONTENTS], (int64_t)text.len,
                              e) == 0 &&
        gf_archive_out_data(w->archive, text.data, text.len, e) == 0)
        rc = gf_archive_out_end(w->archive, e);
    gf_buf_free(&text);
    return rc;
}

/* Sign the header and write all of the file that stands before and behind the payload. */
static int put_shell(struct gf_writer *w, const struct gf_buf *json, struct gf_err *e) {
    const struct gf_shell_route route = {w->header.id, w->header.from, w->header.to};
    char comment[GF_SHELL_TRUSTED_LENGTH + 1];
    uint8_t block[GF_SHELL_BLOCK];
    uint8_t end[GF_SHELL_BLOCK + GF_SHELL_END] = {0};
    struct gf_buf sig;
    struct gf_buf head;
    int64_t behind = w->header.payload_size;
    int64_t before = gf_shell_payload_offset((int64_t)json->len);
    int rc = -1;

    gf_buf_init(&sig, GF_SHELL_MINISIG);
    gf_buf_init(&head, GF_HEAD_MAX);
    gf_shell_comment(&route, comment);
    if (gf_minisig_sign(w->pack.identity->sign, json->data, json->len, GF_SHELL_UNTRUSTED, comment,
                        &sig, e) == -1 ||
        gf_buf_check(&sig, "the signature", e) == -1)
        goto out;

    gf_shell_block(GF_SHELL_HEADER, (int64_t)json->len, block);
    gf_buf_add(&head, block, sizeof block);
    gf_buf_add(&head, json->data, json->len);
    gf_buf_add(&head, end, (size_t)(gf_shell_pad((int64_t)json->len) - (int64_t)json->len));
    gf_shell_block(GF_SHELL_SIGNATURE, (int64_t)sig.len, block);
    gf_buf_add(&head, block, sizeof block);
    gf_buf_add(&head, sig.data, sig.len);
    gf_buf_add(&head, end, (size_t)(gf_shell_pad((int64_t)sig.len) - (int64_t)sig.len));
    gf_shell_block(GF_SHELL_PAYLOAD, behind, block);
    gf_buf_add(&head, block, sizeof block);
    if (gf_buf_check(&head, "the bundle's head", e) == -1)
        goto out;
    if (gf_file_write_at(w->fd, head.data, head.len, 0) == -1 ||
        gf_file_write_at(w->fd, end, (size_t)(gf_shell_pad(behind) - behind) + GF_SHELL_END,
                         before + behind) == -1) {
        (void)gf_err_errno(e, "cannot write the bundle");
        goto out;
    }
    rc = 0;
out:
    gf_buf_free(&sig);
    gf_buf_free(&head);
    return rc;
}

int gf_writer_finish(struct gf_writer *w, struct gf_header *header, struct gf_hash *digest,
                     struct gf_err *e) {
    struct gf_buf json;
    int rc = -1;

    gf_buf_init(&json, GF_HEADER_MAX);
    if (w->left > 0) {
        (void)gf_err_set(e, GF_E_USAGE, "the last member still wants %lld bytes",
                         (long long)w->left);
        goto out;
    }
    if (put_contents(w, e) == -1 ||
        gf_seal_finish(w->seal, &w->header.payload_size, &w->header.payload_digest, e) == -1)
        goto out;
    if (gf_shell_file_size((int64_t)w->header_size, w->header.payload_size) > GF_BUNDLE_MAX) {
        (void)gf_err_set(e, GF_E_LIMIT, "the bundle is larger than %lld bytes; make several",
                         (long long)GF_BUNDLE_MAX);
        goto out;
    }
    if (gf_header_write(&w->header, w->header_size, &json, e) == -1 || put_shell(w, &json, e) == -1)
        goto out;
    if (digest != NULL)
        gf_header_digest(json.data, json.len, digest);
    if (header != NULL)
        *header = w->header;
    rc = 0;
out:
    gf_buf_free(&json);
    return rc;
}

void gf_writer_free(struct gf_writer *w) {
    if (w == NULL)
        return;
    gf_archive_out_free(w->archive);
    gf_seal_free(w->seal);
    gf_age_stream_free(w->stream);
    gf_contents_free(&w->contents);
    free(w);
}
