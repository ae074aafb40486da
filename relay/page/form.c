/*
 * form.c -- forms of browsers, as a stream.
 */
#include "relay/page/form.h"

#include <string.h>
#include <strings.h>

#include "gapferry/text.h"

/* Lines of one part's head. */
#define LINES_MAX 16

/* bchars of RFC 2046, without the space. */
#define BOUNDARY_CHARS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'()+_,-./:=?"

static int fail(struct gf_err *e, const char *text) {
    return gf_err_set(e, GF_E_USAGE, "the form is malformed: %s", text);
}

/* ---- the type ---- */

int form_begin(struct form *f, const char *content_type, struct gf_err *e) {
    static const char type[] = "multipart/form-data";
    static const char key[] = "boundary=";

    memset(f, 0, sizeof *f);
    if (content_type == NULL || strncasecmp(content_type, type, sizeof type - 1) != 0)
        return fail(e, "files are sent as multipart/form-data");
    const char *at = content_type + sizeof type - 1;
    at += strspn(at, " ");
    if (*at++ != ';')
        return fail(e, "it names no boundary");
    at += strspn(at, " ");
    if (strncasecmp(at, key, sizeof key - 1) != 0)
        return fail(e, "it names no boundary");
    at += sizeof key - 1;
    int quoted = *at == '"';
    at += quoted;
    size_t n = strspn(at, BOUNDARY_CHARS);
    if (n == 0 || n > FORM_BOUNDARY || strcmp(at + n, quoted ? "\"" : "") != 0)
        return fail(e, "its boundary has a wrong form");
    memcpy(f->delimiter, "\r\n--", 4);
    memcpy(f->delimiter + 4, at, n);
    f->delimiter_len = n + 4;
    /* The first boundary stands at the very beginning, as if a line had ended before it. */
    f->matched = 2;
    return 0;
}

/* ---- a part's head ---- */

/* NAME="VALUE" at *at; the value is copied to out, cut where it is longer and may be. */
static int read_quoted(const char **at, char *out, size_t room, int may_cut) {
    const char *from = *at;

    if (*from++ != '"')
        return -1;
    const char *end = strchr(from, '"');
    if (end == NULL)
        return -1;
    size_t n = (size_t)(end - from);
    if (n >= room && !may_cut)
        return -1;
    n = n < room ? n : room - 1;
    memcpy(out, from, n);
    out[n] = '\0';
    *at = end + 1;
    return 0;
}

static int read_disposition(struct form *f, const char *at, struct gf_err *e) {
    static const char kind[] = "form-data";
    char ignored[FORM_LINE];

    if (strncasecmp(at, kind, sizeof kind - 1) != 0)
        return fail(e, "a part is no field");
    at += sizeof kind - 1;
    while (*at == ';') {
        at += 1 + strspn(at + 1, " ");
        size_t n = strcspn(at, "=\"; ");
        const char *key = at;
        at += n;
        if (*at++ != '=')
            return fail(e, "a part's head cannot be read");
        int rc;
        if (n == 4 && strncasecmp(key, "name", 4) == 0 && f->name[0] == '\0') {
            rc = read_quoted(&at, f->name, sizeof f->name, 0);
        } else if (n == 8 && strncasecmp(key, "filename", 8) == 0 && !f->is_file) {
            rc = read_quoted(&at, f->file, sizeof f->file, 1);
            f->is_file = 1;
        } else {
            rc = read_quoted(&at, ignored, sizeof ignored, 1);
        }
        if (rc == -1)
            return fail(e, "a part's head cannot be read");
    }
    return *at == '\0' ? 0 : fail(e, "a part's head cannot be read");
}

/* One line of the head, NUL-ended, without its end. */
static int read_line(struct form *f, struct gf_err *e) {
    static const char disposition[] = "Content-Disposition:";
    static const char encoding[] = "Content-Transfer-Encoding:";
    const char *line = f->line;

    if (strlen(line) != f->line_len)
        return fail(e, "a part's head holds a NUL");
    if (strncasecmp(line, encoding, sizeof encoding - 1) == 0)
        return fail(e, "a part is encoded");
    if (strncasecmp(line, disposition, sizeof disposition - 1) != 0)
        return 0;
    if (f->name[0] != '\0')
        return fail(e, "a part has two names");
    line += sizeof disposition - 1;
    return read_disposition(f, line + strspn(line, " "), e);
}

/* Bytes of a head until the part begins. */
static enum form_event next_in_head(struct form *f, const char *data, size_t len, size_t *used,
                                    struct gf_err *e) {
    for (size_t i = 0; i < len; i++) {
        *used = i + 1;
        if (data[i] != '\n') {
            if (f->line_len == sizeof f->line - 1) {
                (void)fail(e, "a line of a part's head is too long");
                return FORM_BAD;
            }
            f->line[f->line_len++] = data[i];
            continue;
        }
        if (f->line_len == 0 || f->line[f->line_len - 1] != '\r' || f->lines++ == LINES_MAX) {
            (void)fail(e, "a part's head cannot be read");
            return FORM_BAD;
        }
        f->line[--f->line_len] = '\0';
        if (f->line_len == 0) {
            f->state = FORM_IN_DATA;
            f->matched = 0;
            if (f->name[0] != '\0')
                return FORM_PART;
            (void)fail(e, "a part has no name");
            return FORM_BAD;
        }
        if (read_line(f, e) == -1)
            return FORM_BAD;
        f->line_len = 0;
    }
    return FORM_MORE;
}

/* ---- between parts ---- */

/* Two bytes behind a boundary: a new part, or the end. */
static enum form_event next_at_delimiter(struct form *f, const char *data, size_t len, size_t *used,
                                         struct gf_err *e) {
    while (*used < len && f->line_len < 2)
        f->line[f->line_len++] = data[(*used)++];
    if (f->line_len < 2)
        return FORM_MORE;
    f->line_len = 0;
    if (memcmp(f->line, "--", 2) == 0) {
        f->state = FORM_AT_END;
        return FORM_DONE;
    }
    if (memcmp(f->line, "\r\n", 2) != 0) {
        (void)fail(e, "something follows a boundary");
        return FORM_BAD;
    }
    f->state = FORM_IN_HEAD;
    f->lines = 0;
    f->name[0] = f->file[0] = '\0';
    f->is_file = 0;
    return FORM_MORE;
}

/* ---- data ---- */

/*
 * CR is the delimiter's first byte and occurs in it nowhere else: so where a match breaks off,
 * what was matched is data, and a new match can begin at the next byte at the earliest.
 */
static enum form_event next_in_data(struct form *f, const char *data, size_t len, size_t *used,
                                    const char **bytes, size_t *n) {
    size_t i = 0;

    if (f->matched == 0) {
        const char *cr = memchr(data, '\r', len);
        i = cr != NULL ? (size_t)(cr - data) : len;
        if (i > 0) {
            *used = *n = i;
            *bytes = data;
            return FORM_DATA;
        }
    }
    while (i < len && f->matched < f->delimiter_len && data[i] == f->delimiter[f->matched]) {
        f->matched++;
        i++;
    }
    *used = i;
    if (f->matched == f->delimiter_len) {
        f->state = FORM_AT_DELIMITER;
        f->line_len = 0;
        return FORM_PART_END;
    }
    if (i == len)
        return FORM_MORE;
    *bytes = f->delimiter;
    *n = f->matched;
    f->matched = 0;
    return FORM_DATA;
}

static enum form_event next_at_start(struct form *f, const char *data, size_t len, size_t *used,
                                     struct gf_err *e) {
    while (*used < len && f->matched < f->delimiter_len) {
        if (data[*used] != f->delimiter[f->matched]) {
            (void)fail(e, "it does not begin with its boundary");
            return FORM_BAD;
        }
        f->matched++;
        ++*used;
    }
    if (f->matched == f->delimiter_len)
        f->state = FORM_AT_DELIMITER;
    return FORM_MORE;
}

enum form_event form_next(struct form *f, const char *data, size_t len, size_t *used,
                          const char **bytes, size_t *n, struct gf_err *e) {
    size_t total = 0;

    for (;;) {
        enum form_event event = FORM_MORE;
        size_t took = 0;
        if (total < len) {
            const char *at = data + total;
            size_t left = len - total;
            switch (f->state) {
            case FORM_AT_START:
                event = next_at_start(f, at, left, &took, e);
                break;
            case FORM_AT_DELIMITER:
                event = next_at_delimiter(f, at, left, &took, e);
                break;
            case FORM_IN_HEAD:
                event = next_in_head(f, at, left, &took, e);
                break;
            case FORM_IN_DATA:
                event = next_in_data(f, at, left, &took, bytes, n);
                break;
            case FORM_AT_END:
                took = left;
                break;
            }
        }
        total += took;
        *used = total;
        if (event != FORM_MORE || total == len)
            return event;
    }
}

/* ---- urlencoded ---- */

static int hex(char c) {
    static const char digits[] = "0123456789abcdef";
    const char *at = c != '\0' ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;

    return at != NULL ? (int)(at - digits) : -1;
}

/* text[0 .. n-1] decoded into out; its length, or -1. */
static int decode(const char *text, size_t n, char *out, size_t room) {
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        int c = text[i] == '+' ? ' ' : (unsigned char)text[i];
        if (c == '%') {
            int high = i + 2 < n ? hex(text[i + 1]) : -1;
            int low = i + 2 < n ? hex(text[i + 2]) : -1;
            if (high == -1 || low == -1)
                return -1;
            c = high * 16 + low;
            i += 2;
        }
        if (c == 0 || len + 1 >= room)
            return -1;
        out[len++] = (char)c;
    }
    out[len] = '\0';
    return (int)len;
}

int form_field(const char *body, size_t len, const char *name, char *out, size_t room) {
    size_t want = strlen(name);
    int found = 0;

    for (size_t at = 0; at < len;) {
        const char *end = memchr(body + at, '&', len - at);
        size_t n = end != NULL ? (size_t)(end - body) - at : len - at;
        if (n > want && memcmp(body + at, name, want) == 0 && body[at + want] == '=') {
            if (found || decode(body + at + want + 1, n - want - 1, out, room) == -1)
                return -1;
            found = 1;
        }
        at += n + 1;
    }
    return found ? 0 : -1;
}

/* ---- cookies ---- */

int form_cookie(const char *cookies, const char *name, uint8_t out[32]) {
    const char *at = cookies != NULL ? cookies : "";
    size_t len = strlen(name);

    while (*at != '\0') {
        size_t n = strcspn(at, ";");
        if (n == len + 1 + 64 && memcmp(at, name, len) == 0 && at[len] == '=' &&
            gf_text_unhex(at + len + 1, 64, out, 32) == 0)
            return 0;
        at += n;
        at += strspn(at, "; ");
    }
    return -1;
}
