/*
 * sent.c -- what gapferry-link says that a relay has, from STATE/link.sent: lines `ID TIME`. Mere
 * words: they settle nothing but a bundle that carries only `have`.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/history.h"
#include "agent/turn.h"
#include "common/log.h"
#include "gapferry/file.h"

#define SENT     "link.sent"
#define SENT_MAX (4 << 20) /* bytes; link keeps it far shorter */

/* It left, by HTTPS; once for each bundle. */
static int note(struct agent *a, const struct gf_id *id, int64_t at, int64_t *sent,
                struct gf_err *e) {
    struct history_line h;
    struct store_bundle b;

    int known = store_bundle(a->store, id, &b, e);
    if (known != 1)
        return known;
    int fresh = store_sent(a->store, id, at, e);
    if (fresh != 1)
        return fresh;
    history_begin(&h, a, "left");
    history_id(&h, "bundle", id);
    history_hash(&h, "digest", &b.digest);
    history_hash(&h, "to", &b.relay);
    history_number(&h, "records", b.records);
    history_text(&h, "courier", "https");
    ++*sent;
    return history_end(&h, a, e);
}

static int each_line(struct agent *a, const char *text, size_t len, int64_t *sent,
                     struct gf_err *e) {
    const char *end;

    for (const char *line = text; len > 0; line = end + 1) {
        struct gf_id id;
        int64_t at = 0;

        end = memchr(line, '\n', len);
        if (!end)
            break; /* torn: link writes it again */
        size_t n = (size_t)(end - line);
        len -= n + 1;
        if (n != GF_ID_TEXT + GF_TIME_TEXT - 1 || line[GF_ID_TEXT - 1] != ' ' ||
            gf_text_unhex(line, GF_ID_TEXT - 1, id.b, sizeof id.b) == -1 ||
            gf_text_untime(line + GF_ID_TEXT, GF_TIME_TEXT - 1, &at) == -1)
            continue;
        if (note(a, &id, at, sent, e) == -1)
            return -1;
    }
    return 0;
}

int agent_sent(struct agent *a, int64_t *sent, struct gf_err *e) {
    char path[sizeof a->state + 16];
    struct gf_buf text;
    struct gf_err why;
    int64_t n = 0;

    (void)snprintf(path, sizeof path, "%s/" SENT, a->state);
    if (gf_file_load(AT_FDCWD, path, SENT_MAX, &text, &why) == -1) {
        gf_buf_free(&text);
        return 0; /* no link, or nothing sent; what is odd here is link's to mend */
    }
    int rc = 0;
    if (text.len > 0) {
        rc = store_begin(a->store, e);
        if (rc == 0)
            rc = store_end(a->store, each_line(a, text.data, text.len, &n, e), e);
    }
    gf_buf_free(&text);
    if (rc == 0)
        *sent = n;
    return rc;
}
