/*
 * page_upload.c -- POST /upload: files out of a form, each judged by its first bytes before there
 * is a file for it. One that is refused does not keep back the others.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "relay/page/form.h"
#include "relay/page/html.h"
#include "relay/page/page.h"

#define HTML_MAX ((size_t)8 << 20)

/* Bytes that are kept of a file before it is judged: a head, and what comes in one piece with it.
 */
#define HEAD_ROOM (GF_HEAD_MAX + 65536)

/* What became of one file. */
struct result {
    char name[FORM_FILE];
    char why[400]; /* "": it is here */
    int64_t row;   /* of a bundle; 0: a card, or refused */
    int unneeded;  /* 1: a card of somebody who sends nothing here */
};

enum field { FIELD_NONE, FIELD_CSRF, FIELD_FILE };
enum step { STEP_HEAD, STEP_WRITE, STEP_SKIP };

struct page_upload {
    struct form form;
    enum field field;
    char csrf[PAGE_CSRF];
    size_t csrf_len;
    int is_ours; /* 1: the form carries its proof */
    int allowed; /* 1: somebody is logged in */
    char courier[GF_WORD_MAX + 1];
    int done; /* 1: the form is complete */
    char bad[520];
    /* the file at hand */
    enum step step;
    int ended; /* 1: all of it is here */
    char *head;
    size_t head_len;
    int64_t size, written;
    struct gf_hash from;
    int fd;
    uint64_t tag; /* of its BRING; 0: there is no file */
    struct result results[PAGE_FILES_MAX];
    size_t nresults;
};

/* ---- one file ---- */

static struct result *at_hand(struct page_upload *u) {
    return &u->results[u->nresults - 1];
}

static void drop(struct page_upload *u) {
    const struct wire_ask a = {.kind = WIRE_DROP, .tag = u->tag};

    if (u->fd != -1)
        (void)close(u->fd);
    u->fd = -1;
    if (u->tag != 0 && wire_ask_send(LISTENER_FD_WORKER, &a, NULL) == -1)
        u->tag = 0; /* the loop finds out */
    u->tag = 0;
}

/* The rest of it is read and thrown away. */
static void refuse(struct listener_call *c, enum gf_code code, const char *why) {
    struct page_upload *u = c->page->upload;

    c->l->refused[code].n++;
    (void)snprintf(at_hand(u)->why, sizeof at_hand(u)->why, "%s", why);
    drop(u);
    u->step = STEP_SKIP;
}

static enum gf_code code_of(const struct wire_say *s) {
    return s->code < GF_CODE_COUNT ? (enum gf_code)s->code : GF_E_BUG;
}

static void on_brought(struct listener_call *c, const struct wire_say *s, const char *data,
                       int fd) {
    struct page_upload *u = c->page->upload;
    int card = u->size == 0;
    (void)fd;

    u->tag = 0;
    u->step = STEP_SKIP;
    if (s->answer != WIRE_YES)
        refuse(c, code_of(s), data);
    else if (card)
        at_hand(u)->unneeded = s->size == WIRE_CARD_UNNEEDED;
    else
        at_hand(u)->row = s->size;
}

/* All of it is here. */
static void finish(struct listener_call *c) {
    struct page_upload *u = c->page->upload;
    struct wire_ask a = {.kind = WIRE_BROUGHT, .nonce = c->page->session, .tag = u->tag};

    if (u->size > 0 && u->written != u->size) {
        refuse(c, GF_E_SHELL, "it is cut off; copy it from the drive again");
        return;
    }
    /* The worker takes no file that somebody could still write to. */
    (void)close(u->fd);
    u->fd = -1;
    listener_ask(c, &a, on_brought);
}

static void write_some(struct listener_call *c, const char *data, size_t len) {
    struct page_upload *u = c->page->upload;

    u->written += (int64_t)len;
    if (u->size > 0 && u->written > u->size)
        refuse(c, GF_E_SHELL, "something follows its end; copy it from the drive again");
    else if (gf_file_write(u->fd, data, len) == -1)
        refuse(c, GF_E_CREATE, "the relay's disk is full");
}

static void on_bring(struct listener_call *c, const struct wire_say *s, const char *data, int fd) {
    struct page_upload *u = c->page->upload;

    if (s->answer == WIRE_SEEN) {
        at_hand(u)->row = s->size;
        u->tag = 0;
        u->step = STEP_SKIP;
    } else if (s->answer != WIRE_NEW || fd == -1) {
        u->tag = 0;
        refuse(c, code_of(s), data);
    } else {
        u->fd = fd;
        u->step = STEP_WRITE;
        write_some(c, u->head, u->head_len);
        if (u->step == STEP_WRITE && u->ended)
            finish(c);
    }
}

static void ask_bring(struct listener_call *c, struct wire_ask *a) {
    a->kind = WIRE_BRING;
    a->nonce = c->page->session;
    listener_ask(c, a, on_bring);
    c->page->upload->tag = c->tag;
}

static void on_card(struct listener_call *c, const struct wire_say *s, const char *data, int fd) {
    struct page_upload *u = c->page->upload;
    const struct listener_head part = {
        u->head, u->head_len < GF_HEAD_MAX ? u->head_len : GF_HEAD_MAX, u->size};
    struct wire_ask a = {.what = WIRE_OF_STRANGER, .identity = u->from, .size = u->size};
    struct gf_card card;
    struct gf_head head;
    struct gf_err why;
    (void)fd;

    if (s->answer != WIRE_YES && s->answer != WIRE_NO) {
        refuse(c, code_of(s), data);
        return;
    }
    if (s->answer == WIRE_YES) {
        if (gf_card_parse(data, s->len, "the sender's card", &card, &why) == -1 ||
            listener_head_verify(&part, &c->l->us, &card, &head, &why) == -1) {
            refuse(c, why.code, why.text);
            return;
        }
        a.what = WIRE_OF_AGENT;
        a.digest = head.digest;
        gf_head_free(&head);
    }
    ask_bring(c, &a);
}

/* What is wrong with its shell, for a courier, who knows nothing of what a bundle is made of. */
static const char *shell_words(const struct page_upload *u, size_t len) {
    static const char first[] = "bundle.json"; /* with its NUL */
    int64_t whole = gf_bundle_length(u->head, len);

    if (memcmp(u->head, first, len < sizeof first ? len : sizeof first) != 0)
        return "this is no bundle; choose the .gfb files in GAPFERRY/to-relay of the drive";
    if (u->ended && whole > (int64_t)u->head_len)
        return "it is cut off; copy it from the drive again";
    if (u->ended && whole > 0 && whole < (int64_t)u->head_len)
        return "something follows its end; copy it from the drive again";
    return "it is cut off, or was damaged on the way; copy it from the drive again";
}

/* Enough of it is here: whose is it? */
static void judge(struct listener_call *c) {
    struct page_upload *u = c->page->upload;
    size_t len = u->head_len < GF_HEAD_MAX ? u->head_len : GF_HEAD_MAX;
    struct wire_ask card = {.kind = WIRE_CARD};
    struct wire_ask own = {.what = WIRE_OF_CARD, .size = (int64_t)u->head_len};
    struct gf_route route;
    struct gf_err why;

    /* A card is small, and begins like JSON; a bundle begins with its header's name. */
    if (u->ended && u->head_len <= GF_CARD_FILE_MAX && u->head[0] == '{') {
        u->size = 0;
        ask_bring(c, &own);
        return;
    }
    u->size = u->ended ? (int64_t)u->head_len : gf_bundle_length(u->head, len);
    if (u->size > c->l->config.body_max) {
        refuse(c, GF_E_LIMIT, "it is larger than this relay takes");
        return;
    }
    const struct listener_head part = {u->head, len, u->size > 0 ? u->size : (int64_t)len};
    if (listener_head_route(&part, &c->l->us, &route, &why) == -1) {
        int shell = why.code == GF_E_SHELL || why.code == GF_E_LIMIT || why.code == GF_E_MINISIG;
        refuse(c, why.code, shell ? shell_words(u, len) : why.text);
        return;
    }
    u->from = route.from;
    card.identity = route.from;
    listener_ask(c, &card, on_card);
}

/* ---- the form ---- */

static void begin_part(struct listener_call *c) {
    struct page_upload *u = c->page->upload;

    u->field = FIELD_NONE;
    if (strcmp(u->form.name, "csrf") == 0 && !u->form.is_file) {
        u->field = FIELD_CSRF;
        u->csrf_len = 0;
        return;
    }
    if (strcmp(u->form.name, "file") != 0 || !u->form.is_file || u->form.file[0] == '\0')
        return;
    if (!u->is_ours || !u->allowed)
        return;
    if (u->nresults == PAGE_FILES_MAX) {
        (void)snprintf(u->bad, sizeof u->bad, "Only the first %d files were taken.",
                       PAGE_FILES_MAX);
        return;
    }
    u->field = FIELD_FILE;
    u->step = STEP_HEAD;
    u->ended = 0;
    u->head_len = 0;
    u->size = u->written = 0;
    u->results[u->nresults++] = (struct result){.row = 0};
    memcpy(at_hand(u)->name, u->form.file, sizeof u->form.file);
}

static void add_data(struct listener_call *c, const char *bytes, size_t n) {
    struct page_upload *u = c->page->upload;

    if (u->field == FIELD_CSRF) {
        if (n <= sizeof u->csrf - u->csrf_len)
            memcpy(u->csrf + u->csrf_len, bytes, n);
        u->csrf_len = n <= sizeof u->csrf - u->csrf_len ? u->csrf_len + n : sizeof u->csrf;
    } else if (u->field == FIELD_FILE && u->step == STEP_WRITE) {
        write_some(c, bytes, n);
    } else if (u->field == FIELD_FILE && u->step == STEP_HEAD) {
        if (n > HEAD_ROOM - u->head_len) {
            refuse(c, GF_E_BUG, "it came in pieces that are too large");
            return;
        }
        memcpy(u->head + u->head_len, bytes, n);
        u->head_len += n;
        if (u->head_len >= GF_HEAD_MAX)
            judge(c);
    }
}

static void end_part(struct listener_call *c) {
    struct page_upload *u = c->page->upload;

    if (u->field == FIELD_CSRF) {
        u->is_ours =
            u->csrf_len == PAGE_CSRF - 1 && gf_digest_equal(u->csrf, c->page->csrf, PAGE_CSRF - 1);
    } else if (u->field == FIELD_FILE) {
        u->ended = 1;
        if (u->step == STEP_HEAD && u->head_len == 0)
            refuse(c, GF_E_SHELL, "it is empty");
        else if (u->step == STEP_HEAD)
            judge(c);
        else if (u->step == STEP_WRITE)
            finish(c);
    }
    u->field = FIELD_NONE;
}

size_t page_upload_body(struct listener_call *c, const char *data, size_t len) {
    struct page_upload *u = c->page->upload;
    size_t at = 0;

    /* While the worker is asked, the rest waits. */
    while (u != NULL && at < len && c->tag == 0 && !u->done) {
        struct gf_err why;
        const char *bytes = NULL;
        size_t used = 0, n = 0;
        enum form_event event = form_next(&u->form, data + at, len - at, &used, &bytes, &n, &why);
        at += used;
        if (event == FORM_PART)
            begin_part(c);
        else if (event == FORM_DATA)
            add_data(c, bytes, n);
        else if (event == FORM_PART_END)
            end_part(c);
        else if (event == FORM_DONE)
            u->done = 1;
        else if (event == FORM_BAD) {
            (void)snprintf(u->bad, sizeof u->bad, "%s", why.text);
            drop(u);
            u->done = -1;
        }
    }
    return c->tag != 0 ? at : len;
}

/* ---- begin and end ---- */

static void on_session(struct listener_call *c, const struct wire_say *s, const char *data,
                       int fd) {
    struct page_upload *u = c->page->upload;
    (void)fd;

    u->allowed = s->answer == WIRE_YES;
    if (u->allowed)
        (void)snprintf(u->courier, sizeof u->courier, "%.*s", (int)s->len, data);
}

void page_upload_begin(struct listener_call *c) {
    struct wire_ask a = {.kind = WIRE_SESSION, .nonce = c->page->session};
    struct page_upload *u = calloc(1, sizeof *u);
    struct gf_err why;

    if (u != NULL)
        u->head = malloc(HEAD_ROOM);
    if (u == NULL || u->head == NULL) {
        free(u);
        page_fail(c, 503, GF_E_SYSTEM, "The relay has no memory for this.");
        return;
    }
    u->fd = -1;
    c->page->upload = u;
    if (form_begin(&u->form, httpd_header(c->r, "Content-Type"), &why) == -1)
        page_fail(c, 415, why.code, why.text);
    else
        listener_ask(c, &a, on_session);
}

/* One line for each file; where the only one is a bundle, its own page. */
static void show_results(struct listener_call *c, const char *title) {
    const struct page_upload *u = c->page->upload;
    const struct html_page page = {.title = title,
                                   .relay = c->l->page_config.relay,
                                   .courier = u->courier,
                                   .csrf = c->page->csrf};
    struct gf_buf b;

    gf_buf_init(&b, HTML_MAX);
    html_begin(&b, &page);
    gf_buf_text(&b, "<section><ul>\n");
    for (size_t i = 0; i < u->nresults; i++) {
        const struct result *x = &u->results[i];
        gf_buf_text(&b, "<li><code>");
        html_text(&b, x->name);
        gf_buf_text(&b, "</code>: ");
        if (x->why[0] != '\0') {
            gf_buf_text(&b, "<span class=\"is bad\">refused</span>: ");
            html_text(&b, x->why);
        } else if (x->row > 0) {
            gf_buf_printf(&b,
                          "<span class=\"is good\">uploaded</span>: <a href=\"/bundle/%" PRId64
                          "\">review and confirm</a>",
                          x->row);
        } else if (x->unneeded) {
            gf_buf_text(&b, "<span class=\"is off\">not needed</span>: only cards of sites are");
        } else {
            gf_buf_text(&b, "<span class=\"is good\">site&#39;s card noted</span>");
        }
        gf_buf_text(&b, "</li>\n");
    }
    gf_buf_text(&b, "</ul></section>\n");
    if (u->bad[0] != '\0') {
        gf_buf_text(&b, "<div class=\"note bad\" role=\"alert\"><p>");
        html_text(&b, u->bad);
        gf_buf_text(&b, "</p></div>\n");
    }
    gf_buf_text(&b, "<p><a href=\"/\">Go on</a></p>\n");
    html_end(&b);
    page_reply(c, 200, &b);
}

void page_upload_end(struct listener_call *c) {
    const struct page_upload *u = c->page->upload;
    size_t refused = 0, bundles = 0, unneeded = 0;
    char path[64] = "/";

    if (u == NULL || c->tag != 0)
        return;
    for (size_t i = 0; i < u->nresults; i++) {
        refused += u->results[i].why[0] != '\0';
        bundles += u->results[i].row > 0;
        unneeded += u->results[i].unneeded != 0;
        if (u->results[i].row > 0)
            (void)snprintf(path, sizeof path, "/bundle/%" PRId64, u->results[i].row);
    }
    if (!u->allowed)
        page_see(c, "/login");
    else if (u->done != 1)
        page_fail(c, 400, GF_E_USAGE,
                  u->done == -1 ? u->bad : "The form did not come whole. Upload again.");
    else if (!u->is_ours)
        page_fail(c, 403, GF_E_USER,
                  "This form was not made for this session. Go back to the start, and try again.");
    else if (refused > 0 || u->bad[0] != '\0')
        show_results(c, "Not all was taken");
    else if (u->nresults == 0)
        page_fail(c, 400, GF_E_USAGE, "No file was chosen.");
    else if (unneeded > 0 && bundles == 0)
        show_results(c, "Uploaded");
    else
        page_see(c, bundles == 1 ? path : "/");
}

void page_upload_gone(struct listener_call *c) {
    struct page_upload *u = c->page->upload;

    if (u == NULL)
        return;
    drop(u);
    free(u->head);
    free(u);
    c->page->upload = NULL;
}
