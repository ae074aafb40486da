/*
 * crowd.c -- many agents that a relay knows, and a bundle of each on a drive, made without
 * programs: for tests/bench/relay, which measures the relay and not what makes its input.
 *
 *   bench-crowd ROOT DRIVE KEYS AGENTS RECORDS     RECORDS in each bundle, with bodies of 500
 * bytes; KEYS: a directory, in memory where that can be
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gapferry/bundle.h"
#include "gapferry/digest.h"
#include "gapferry/drive.h"
#include "gapferry/file.h"
#include "relay/ledger/ledger_enrol.h"
#include "relay/relay.h"

#define BODY 500

/* One JSON object of BODY bytes, as an application would log it. */
static void make_body(int64_t n, char out[BODY + 1]) {
    int len =
        snprintf(out, BODY,
                 "{\"n\":%lld,\"host\":\"node-%05d\",\"metric\":\"requests\",\"value\":%d.%03d,"
                 "\"labels\":{\"region\":\"north\",\"shift\":\"day\",\"line\":%d},\"note\":\"",
                 (long long)n, rand() % 100000, rand() % 1000000, (int)(n % 1000), (int)(n % 7));
    memset(out + len, 'a', (size_t)(BODY - len - 2));
    memcpy(out + BODY - 2, "\"}", 3);
}

static int make_line(const struct gf_id *agent, int64_t n, int64_t now, struct gf_buf *out,
                     struct gf_err *e) {
    char body[BODY + 1];
    uint8_t random[10];
    struct gf_record r = {
        .channel = "metrics", .origin = *agent, .created = now, .type = "application/json"};

    gf_digest_random(random, sizeof random);
    gf_text_uuid7(now * 1000 + n / 1000, random, &r.id);
    make_body(n, body);
    r.body = (struct gf_body){.data = body, .len = BODY};
    gf_buf_clear(out);
    return gf_record_write(&r, out, e);
}

/* The lines go to an unnamed file first, since a member's length comes before its bytes. */
static int write_records(struct gf_writer *w, int dir, const struct gf_id *agent, int64_t n,
                         int64_t now, struct gf_err *e) {
    static char piece[1 << 16];
    struct gf_buf line;
    int64_t size = 0;
    int rc = -1;

    gf_buf_init(&line, GF_LINE_MAX);
    int fd = gf_file_unnamed(dir, e);
    FILE *f = fd == -1 ? NULL : fdopen(fd, "w+");
    if (f == NULL)
        goto out;
    for (int64_t i = 0; i < n; i++) {
        if (make_line(agent, i, now, &line, e) == -1)
            goto out;
        size += (int64_t)fwrite(line.data, 1, line.len, f);
    }
    rewind(f);
    rc = gf_writer_member(w, GF_MEMBER_RECORDS, NULL, size, NULL, e);
    for (size_t got; rc == 0 && (got = fread(piece, 1, sizeof piece, f)) > 0;)
        rc = gf_writer_data(w, piece, got, e);
out:
    if (f != NULL)
        (void)fclose(f);
    gf_buf_free(&line);
    return rc;
}

static int write_bundle(const struct relay *r, const struct gf_identity *id, int drive, int64_t n,
                        struct gf_err *e) {
    struct gf_pack p = {.identity = id,
                        .kind = GF_KIND_REQUEST,
                        .to = &r->id.card,
                        .seq = 1,
                        .has_created = 1,
                        .created = r->now};
    struct gf_writer *w = NULL;
    char name[GF_DRIVE_NAME];
    struct gf_header h;

    gf_digest_random(&p.id, sizeof p.id);
    gf_digest_random(&p.stream, sizeof p.stream);
    gf_drive_bundle_name(&p.id, name);
    int fd = openat(drive, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd == -1)
        return gf_err_errno(e, "%s", name);
    int rc = gf_writer_open(fd, &p, &w, e);
    if (rc == 0)
        rc = write_records(w, drive, &id->card.agent, n, r->now, e);
    if (rc == 0)
        rc = gf_writer_finish(w, &h, NULL, e);
    gf_writer_free(w);
    (void)close(fd);
    return rc;
}

static int make_agent(struct relay *r, int keys, int drive, int i, int64_t records,
                      struct gf_err *e) {
    char path[16], fingerprint[GF_FINGERPRINT_TEXT];
    struct gf_card c = {.role = GF_ROLE_AGENT, .has_agent = 1, .created = r->now};
    struct gf_identity id;

    (void)snprintf(path, sizeof path, "a%d", i);
    gf_digest_random(&c.agent, sizeof c.agent);
    if (gf_identity_make(keys, path, &c, e) == -1 || gf_identity_load(keys, path, &id, e) == -1)
        return -1;
    gf_card_fingerprint(&id.card, fingerprint);
    int rc = ledger_approve(r->ledger, fingerprint, "bench", r->now, e);
    if (rc != -1) {
        const struct ledger_shown shown = {
            .card = &id.card, .text = id.card_text, .len = id.card_len};
        struct gf_err why;
        rc = ledger_show_card(r->ledger, &shown, r->now, &why, e);
    }
    if (rc != -1)
        rc = write_bundle(r, &id, drive, records, e);
    gf_identity_free(&id);
    return rc == -1 ? -1 : 0;
}

int main(int argc, char **argv) {
    struct gf_err e = {.text = ""};
    struct gf_drive *d = NULL;
    char path[4096];
    struct relay r;

    if (argc != 6)
        return 64;
    (void)signal(SIGPIPE, SIG_IGN);
    if (gf_digest_start(&e) == -1 || relay_open(&r, argv[1], &e) == -1 ||
        gf_drive_open(argv[2], 1, &d, &e) == -1)
        goto fail;
    r.now = (int64_t)time(NULL);
    (void)snprintf(path, sizeof path, "%s/GAPFERRY/to-relay", argv[2]);
    int drive = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int keys = open(argv[3], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = drive == -1 || keys == -1 ? gf_err_errno(&e, "%s, %s", path, argv[3])
                                       : ledger_begin(r.ledger, &e);
    for (int i = 0; rc == 0 && i < strtol(argv[4], NULL, 10); i++)
        rc = make_agent(&r, keys, drive, i, strtoll(argv[5], NULL, 10), &e);
    if (rc == -1 || ledger_end(r.ledger, rc, &e) == -1)
        goto fail;
    gf_drive_close(d);
    relay_close(&r);
    return 0;
fail:
    (void)fprintf(stderr, "bench-crowd: %s\n", e.text);
    return 74;
}
