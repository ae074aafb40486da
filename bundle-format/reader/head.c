/* head.c -- reading, step 1: the head of a bundle, in memory, before anything else is touched. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/shell.h"
#include "gapferry/bundle.h"
#include "gapferry/file.h"

/* Where the parts of the head lie in head->bytes. */
struct layout {
    int64_t header_at;
    int64_t header_size;
    int64_t sig_at;
    int64_t sig_size;
    int64_t payload_size;
};

/* ---- the shell ---- */

/* A member's header block and its size, 1 to max bytes (0: any); the block must lie within what was
 * read. */
static int member(const struct gf_head *h, int64_t have, int64_t at, enum gf_shell_member m,
                  int64_t max, int64_t *size, struct gf_err *e) {
    if (at + GF_SHELL_BLOCK > have)
        return gf_err_set(e, GF_E_SHELL, "cut off before member '%s'; copy it again",
                          gf_shell_names[m]);
    if (gf_shell_unblock((const uint8_t *)h->bytes + at, m, size, e) == -1)
        return -1;
    if (max > 0 && (*size < 1 || *size > max))
        return gf_err_set(e, GF_E_LIMIT, "member '%s' is %lld bytes long; 1 to %lld are allowed",
                          gf_shell_names[m], (long long)*size, (long long)max);
    return 0;
}

/* Zeros between a member and the next block. */
static int padding(const struct gf_head *h, int64_t at, int64_t size, enum gf_shell_member m,
                   struct gf_err *e) {
    if (!gf_shell_is_zero((const uint8_t *)h->bytes + at + size,
                          (size_t)(gf_shell_pad(size) - size)))
        return gf_err_set(e, GF_E_SHELL, "the padding of member '%s' is not zero",
                          gf_shell_names[m]);
    return 0;
}

static int read_shell(int fd, struct gf_head *h, struct layout *l, struct gf_err *e) {
    struct stat st;

    if (fstat(fd, &st) == -1)
        return gf_err_errno(e, "cannot look at the bundle");
    if (!S_ISREG(st.st_mode))
        return gf_err_set(e, GF_E_NOINPUT, "not a regular file");
    h->bytes = malloc(GF_HEAD_MAX);
    if (h->bytes == NULL)
        return gf_err_errno(e, "no memory for a bundle's head");
    int64_t have = gf_file_read_at(fd, h->bytes, GF_HEAD_MAX, 0);
    if (have == -1)
        return gf_err_errno(e, "cannot read the bundle");

    l->header_at = GF_SHELL_BLOCK;
    if (member(h, have, 0, GF_SHELL_HEADER, GF_HEADER_MAX, &l->header_size, e) == -1)
        return -1;
    l->sig_at = l->header_at + gf_shell_pad(l->header_size) + GF_SHELL_BLOCK;
    if (member(h, have, l->sig_at - GF_SHELL_BLOCK, GF_SHELL_SIGNATURE, 0, &l->sig_size, e) == -1)
        return -1;
    if (l->sig_size != GF_SHELL_MINISIG)
        return gf_err_set(e, GF_E_MINISIG, "the signature is %lld bytes long; its one form has %zu",
                          (long long)l->sig_size, (size_t)GF_SHELL_MINISIG);
    h->payload_offset = gf_shell_payload_offset(l->header_size);
    if (member(h, have, h->payload_offset - GF_SHELL_BLOCK, GF_SHELL_PAYLOAD, GF_BUNDLE_MAX,
               &l->payload_size, e) == -1)
        return -1;
    if (padding(h, l->header_at, l->header_size, GF_SHELL_HEADER, e) == -1 ||
        padding(h, l->sig_at, l->sig_size, GF_SHELL_SIGNATURE, e) == -1)
        return -1;

    h->bundle_size = gf_shell_file_size(l->header_size, l->payload_size);
    if (h->bundle_size > GF_BUNDLE_MAX)
        return gf_err_set(e, GF_E_LIMIT, "it would be %lld bytes long; %lld are allowed",
                          (long long)h->bundle_size, (long long)GF_BUNDLE_MAX);
    if (st.st_size != h->bundle_size)
        return gf_err_set(e, GF_E_SHELL,
                          "%s: %lld bytes where its members make %lld; copy it again",
                          st.st_size < h->bundle_size ? "cut off" : "something follows its end",
                          (long long)st.st_size, (long long)h->bundle_size);
    return 0;
}

int64_t gf_bundle_length(const void *head, size_t len) {
    const uint8_t *bytes = head;
    int64_t header = 0, payload = 0;

    if (len < GF_SHELL_BLOCK || gf_shell_unblock(bytes, GF_SHELL_HEADER, &header, NULL) == -1 ||
        header > GF_HEADER_MAX)
        return -1;
    int64_t at = gf_shell_payload_offset(header);
    if (at > (int64_t)len ||
        gf_shell_unblock(bytes + at - GF_SHELL_BLOCK, GF_SHELL_PAYLOAD, &payload, NULL) == -1)
        return -1;
    return gf_shell_file_size(header, payload);
}

/* ---- the signature ---- */

/* The signature text in its one form, and what it says about the way. */
static int read_signature(const struct gf_head *h, const struct layout *l, struct gf_minisig *sig,
                          struct gf_shell_route *route, struct gf_err *e) {
    static const char first[] = "untrusted comment: " GF_SHELL_UNTRUSTED "\n";
    const char *text = h->bytes + l->sig_at;
    size_t used = 0;

    if (memcmp(text, first, sizeof first - 1) != 0)
        return gf_err_set(e, GF_E_MINISIG, "the signature's untrusted comment is not '%s'",
                          GF_SHELL_UNTRUSTED);
    if (gf_minisig_parse(text, (size_t)l->sig_size, sig, &used, e) == -1)
        return -1;
    if (used != (size_t)l->sig_size)
        return gf_err_set(e, GF_E_MINISIG, "something follows the signature's fourth line");
    return gf_shell_uncomment(sig->trusted, sig->trusted_len, route, e);
}

static int is_us(const struct gf_check *c, const struct gf_hash *identity) {
    for (size_t i = 0; i < c->nus; i++) {
        if (memcmp(c->us[i].b, identity->b, sizeof identity->b) == 0)
            return 1;
    }
    return 0;
}

static const struct gf_card *find_sender(const struct gf_check *c, const struct gf_hash *from) {
    for (size_t i = 0; i < c->ntrusted; i++) {
        if (memcmp(c->trusted[i]->identity.b, from->b, sizeof from->b) == 0)
            return c->trusted[i];
    }
    return NULL;
}

/* ---- the header ---- */

/* Parse bundle.json and hold it against the shell and the signature's comment. */
static int read_header(struct gf_head *h, const struct layout *l,
                       const struct gf_shell_route *route, struct gf_err *e) {
    const char *json = h->bytes + l->header_at;

    if (gf_header_parse(json, (size_t)l->header_size, &h->header, e) == -1)
        return -1;
    if (memcmp(&h->header.id, &route->id, sizeof route->id) != 0 ||
        memcmp(&h->header.from, &route->from, sizeof route->from) != 0 ||
        memcmp(&h->header.to, &route->to, sizeof route->to) != 0)
        return gf_err_set(e, GF_E_HEADER,
                          "bundle.json and the signature's comment name different bundles");
    if (h->header.payload_size != l->payload_size)
        return gf_err_set(e, GF_E_HEADER,
                          "bundle.json states a payload of %lld bytes, but %lld follow",
                          (long long)h->header.payload_size, (long long)l->payload_size);
    gf_header_digest(json, (size_t)l->header_size, &h->digest);
    return 0;
}

/* Whether this verified header concerns us, and now. */
static int judge(struct gf_head *h, const struct gf_check *c, struct gf_err *e) {
    enum gf_role writer = h->header.kind == GF_KIND_REQUEST ? GF_ROLE_AGENT : GF_ROLE_RELAY;
    char until[GF_TIME_TEXT];

    if (h->sender->role != writer)
        return gf_err_set(
            e, GF_E_SENDER, "a %s must come from a card of role %s, but its sender's has role %s",
            gf_header_kinds[h->header.kind], gf_card_roles[writer], gf_card_roles[h->sender->role]);
    if (c->nus > 0 && !is_us(c, &h->header.to)) {
        for (size_t i = 0; i < h->header.nreaders; i++)
            h->is_reader |= is_us(c, &h->header.readers[i]);
        if (!h->is_reader)
            return gf_err_set(e, GF_E_NOT_FOR_US, "addressed to somebody else; leave it to them");
    }
    if (c->has_now && h->header.has_expires && h->header.expires < c->now) {
        gf_text_time(h->header.expires, until);
        return gf_err_set(e, GF_E_EXPIRED, "expired on %s; ask the sender for a new one", until);
    }
    return 0;
}

int gf_bundle_head(int fd, const struct gf_check *c, struct gf_head *out, struct gf_err *e) {
    struct gf_head h = {0};
    struct layout l = {0};
    struct gf_minisig sig;
    struct gf_shell_route route;

    if (read_shell(fd, &h, &l, e) == -1)
        goto fail;
    if (c->size_max > 0 && h.bundle_size > c->size_max) {
        (void)gf_err_set(e, GF_E_LIMIT, "%lld bytes; at most %lld are accepted here",
                         (long long)h.bundle_size, (long long)c->size_max);
        goto fail;
    }
    if (read_signature(&h, &l, &sig, &route, e) == -1)
        goto fail;

    /* Whom it is for and from is read from the signature's fixed form, and counts only for finding
     * the key; the header is held against it afterwards. */
    if (c->nus > 0 && !c->readers_too && !is_us(c, &route.to)) {
        (void)gf_err_set(e, GF_E_NOT_FOR_US, "addressed to somebody else; leave it to them");
        goto fail;
    }
    h.sender = find_sender(c, &route.from);
    if (h.sender == NULL) {
        char from[GF_HASH_TEXT];
        gf_text_hex(route.from.b, sizeof route.from.b, from);
        (void)gf_err_set(
            e, GF_E_SENDER,
            "its sender is unknown (identity %.16s...); get the sender's card and compare "
            "its fingerprint before you trust it",
            from);
        goto fail;
    }
    if (gf_minisig_verify(&sig, &h.sender->sign, h.bytes + l.header_at, (size_t)l.header_size, e) ==
        -1)
        goto fail;

    /* From here on the header is the sender's own word, and still hostile input. */
    if (read_header(&h, &l, &route, e) == -1 || judge(&h, c, e) == -1)
        goto fail;
    *out = h;
    return 0;

fail:
    free(h.bytes);
    return -1;
}

int gf_bundle_route(int fd, struct gf_route *out, struct gf_err *e) {
    struct gf_head h = {0};
    struct layout l = {0};
    struct gf_minisig sig;
    struct gf_shell_route route;
    int rc = -1;

    if (read_shell(fd, &h, &l, e) == 0)
        rc = read_signature(&h, &l, &sig, &route, e);
    if (rc == 0)
        *out = (struct gf_route){
            .id = route.id, .from = route.from, .to = route.to, .bundle_size = h.bundle_size};
    free(h.bytes);
    return rc;
}

int gf_bundle_peek(int fd, struct gf_head *out, struct gf_err *e) {
    struct gf_head h = {0};
    struct layout l = {0};
    struct gf_minisig sig;
    struct gf_shell_route route;

    if (read_shell(fd, &h, &l, e) == -1 || read_signature(&h, &l, &sig, &route, e) == -1 ||
        read_header(&h, &l, &route, e) == -1) {
        free(h.bytes);
        return -1;
    }
    *out = h;
    return 0;
}

void gf_head_free(struct gf_head *h) {
    free(h->bytes);
    memset(h, 0, sizeof *h);
}
