/*
 * main.c -- vendor: a scriptable vendor server for tests and the quickstart, on 127.0.0.1 only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/options.h"
#include "gapferry/digest.h"
#include "gapferry/file.h"
#include "vendor.h"

static const struct option_spec specs[] = {
    {"port", 0, "N", "port on 127.0.0.1; 0 takes a free one (default 8900)"},
    {"keys", 0, "DIR", "keys and tally; made if it is not there"},
    {"script", 0, "FILE", "faults from the start"},
    {"files", 0, "DIR", "serve what is in it below /files/"},
    {"key", 0, "KEY...", "a licence key to know beside AAAA-BBBB and KEY-..."},
    {"days", 0, "N", "days until a licence ends (default 365; 0: never)"},
    {"then", 0, "WORD", "what a licence says happens after its end: warn or block (default)"},
    {"no-idempotency", 0, NULL, "honour no Idempotency-Key"},
    {"help", 'h', NULL, "show this help"},
    {NULL, 0, NULL, NULL}};

static const struct option_page page = {
    "vendor", "--keys DIR [OPTION]...",
    "Play a vendor: POST /license issues signed licences, POST /usage takes reports, POST "
    "/v1/metrics "
    "OpenTelemetry metrics, GET /tally and GET /points "
    "say what took effect, POST /script sets faults.",
    specs,
    "\nA script has lines \"COUNT FAULT [NUMBER] [/PATH]\"; tests/vendor/README.md lists them.\n"};

/* A number of an option, from 0 to max. */
static int number(const struct options *o, const char *name, int fallback, int max, int *out,
                  struct gf_err *e) {
    const char *text = options_value(o, name);
    size_t digits = text == NULL ? 0 : strspn(text, "0123456789");

    *out = text == NULL || digits > 6 ? fallback : (int)strtol(text, NULL, 10);
    if (text != NULL && (digits == 0 || digits > 6 || text[digits] != '\0' || *out > max))
        return gf_err_set(e, GF_E_USAGE, "--%s %s: must be a number from 0 to %d", name, text, max);
    return 0;
}

/* Load DIR/vendor.key, or make the pair. */
static int load_keys(int dir, struct gf_sign_key **out, struct gf_err *e) {
    struct gf_buf text;
    int rc = -1;

    if (faccessat(dir, "vendor.key", F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        if (gf_file_load(dir, "vendor.key", 4096, &text, e) == -1)
            return -1;
        rc = gf_key_sign_parse(text.data, text.len, "vendor.key", out, e);
        gf_buf_free(&text);
        return rc;
    }
    if (gf_key_sign_new(out, e) == -1)
        return -1;
    gf_buf_init(&text, 4096);
    gf_key_sign_public_text(gf_key_sign_public(*out), &text);
    if (gf_buf_check(&text, "vendor.pub", e) == 0) {
        (void)unlinkat(dir, "vendor.pub", 0); /* of a start that did not get as far as the key */
        rc = gf_file_save_new(dir, "vendor.pub", text.data, text.len, 0644, e);
    }
    gf_buf_clear(&text);
    gf_key_sign_text(*out, &text);
    if (rc == 0)
        rc = gf_buf_check(&text, "vendor.key", e);
    if (rc == 0)
        rc = gf_file_save_new(dir, "vendor.key", text.data, text.len, 0600, e);
    gf_buf_free(&text);
    return rc;
}

static int load_script(struct script *s, const char *path, struct gf_err *e) {
    struct gf_buf text;

    if (path == NULL)
        return 0;
    if (gf_file_load(AT_FDCWD, path, 65536, &text, e) == -1)
        return -1;
    int rc = script_set(s, text.data != NULL ? text.data : "", text.len, e);
    gf_buf_free(&text);
    return rc;
}

static int listen_on(int *port, struct gf_err *e) {
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)*port),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof a;
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    /* A server that was killed leaves connections behind; the next one must not wait for them. */
    if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
        bind(fd, (struct sockaddr *)&a, sizeof a) == -1 || listen(fd, 64) == -1 ||
        getsockname(fd, (struct sockaddr *)&a, &len) == -1) {
        (void)gf_err_errno(e, "127.0.0.1 port %d", *port);
        if (fd != -1)
            (void)close(fd);
        return -1;
    }
    *port = ntohs(a.sin_port);
    return fd;
}

/* Serve until somebody says that it is enough. */
static int serve(struct vendor *v, int port, const char *dir, struct gf_err *e) {
    int stop[2], which;
    sigset_t ends;

    int fd = listen_on(&port, e);
    if (fd == -1)
        return -1;
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &ends, NULL); /* before there are threads, which inherit it */
    (void)signal(SIGPIPE, SIG_IGN);
    if (pipe2(stop, O_CLOEXEC) == -1) {
        (void)close(fd);
        return gf_err_errno(e, "pipe");
    }
    v->stop = stop[0];
    struct MHD_Daemon *d = serve_start(v, fd);
    if (d == NULL) {
        (void)close(fd);
        return gf_err_set(e, GF_E_SYSTEM, "libmicrohttpd does not start");
    }
    (void)printf("vendor: http://127.0.0.1:%d  key %s/vendor.pub  tally %s/tally.jsonl\n", port,
                 dir, dir);
    (void)fflush(stdout);
    (void)sigwait(&ends, &which);
    (void)close(stop[1]);
    serve_stop(d);
    (void)close(stop[0]);
    return 0;
}

static int run(const struct options *o, struct gf_err *e) {
    struct vendor v = {
        .dir = -1, .files = -1, .tally = {.fd = -1}, .lock = PTHREAD_MUTEX_INITIALIZER};
    const char *dir = options_value(o, "keys");
    const char *then = options_value(o, "then");
    const char *files = options_value(o, "files");
    const char *known[65] = {NULL};
    struct gf_sign_key *key = NULL;
    int port, rc = -1;

    if (dir == NULL || options_arg(o, 0) != NULL)
        return gf_err_set(e, GF_E_USAGE, "--keys DIR is needed, and no argument; see --help");
    if (then != NULL && strcmp(then, "warn") != 0 && strcmp(then, "block") != 0)
        return gf_err_set(e, GF_E_USAGE, "--then %s: must be warn or block", then);
    if (number(o, "port", 8900, 65535, &port, e) == -1 ||
        number(o, "days", 365, 36500, &v.terms.days, e) == -1 || gf_digest_start(e) == -1)
        return -1;
    for (size_t i = 0; i < 64 && options_nth(o, "key", i) != NULL; i++)
        known[i] = options_nth(o, "key", i);
    v.terms.known = known;
    v.terms.then = then != NULL ? then : "block";
    v.forget = options_count(o, "no-idempotency") > 0;

    if (mkdir(dir, 0700) == -1 && errno != EEXIST)
        return gf_err_errno(e, "%s", dir);
    v.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (v.dir == -1)
        return gf_err_errno(e, "%s", dir);
    if (files != NULL && (v.files = open(files, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
        rc = gf_err_errno(e, "%s", files);
    else if (tally_open(&v.tally, v.dir, e) == 0 && load_keys(v.dir, &key, e) == 0 &&
             load_script(&v.script, options_value(o, "script"), e) == 0) {
        v.terms.key = key;
        rc = serve(&v, port, dir, e);
    }
    gf_key_sign_free(key);
    tally_close(&v.tally);
    points_free(&v.points);
    if (v.files != -1)
        (void)close(v.files);
    (void)close(v.dir);
    return rc;
}

int main(int argc, char **argv) {
    struct options o;
    struct gf_err e;

    int rc = options_parse(argc - 1, argv + 1, specs, &o, &e);
    if (rc == 0 && options_count(&o, "help") > 0)
        options_help(&page, stdout);
    else if (rc == 0)
        rc = run(&o, &e);
    if (rc == -1)
        (void)fprintf(stderr, "vendor: %s\n", e.text);
    options_free(&o);
    return rc == 0 ? 0 : (int)gf_err_exit(e.code);
}
