/*
 * listener_config.c -- what [listen] in relay.conf says.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/config.h"
#include "gapferry/file.h"
#include "gapferry/limits.h"
#include "relay/listener/listener.h"
#include "relay/page/page.h"

#define PATIENCE_MAX 3600

static int read_numbers(const struct config *c, struct listener_config *out, struct gf_err *e) {
    int64_t mib = 0;

    if (config_int(c, "listen", NULL, "port", 1, 65535, &out->port, e) == -1 ||
        config_int(c, "listen", NULL, "max_mib", 1, 2047, &mib, e) == -1 ||
        config_int(c, "listen", NULL, "connections", 4, 1024, &out->connections, e) == -1 ||
        config_int(c, "listen", NULL, "per_address", 0, 1024, &out->per_address, e) == -1 ||
        config_span(c, "listen", NULL, "patience", &out->patience, e) == -1)
        return -1;
    if (out->patience < 1 || out->patience > PATIENCE_MAX)
        return gf_err_set(e, GF_E_CONFIG, "%s: patience must be from 1s to 1h",
                          config_origin(c, "listen", NULL, "patience"));
    out->body_max = mib << 20;
    return 0;
}

static int check_file(const struct config *c, const char *section, const char *key,
                      const char *path, struct gf_err *e) {
    if (path == NULL || access(path, R_OK) == 0)
        return 0;
    (void)gf_err_errno(e, "%s: %s: cannot read %s", config_origin(c, section, NULL, key), key,
                       path);
    if (e != NULL)
        e->code = GF_E_CONFIG;
    return -1;
}

static int check_tls(const struct config *c, const char *section, const struct listener_config *o,
                     struct gf_err *e) {
    struct gf_err why;

    if (httpd_listen_check(o->address, &why) == -1)
        return gf_err_set(e, GF_E_CONFIG, "%s: [%s] address = %s",
                          config_origin(c, section, NULL, "address"), section, why.text);
    if ((o->cert_file != NULL) != (o->key_file != NULL))
        return gf_err_set(
            e, GF_E_CONFIG, "%s: cert_file and key_file belong together",
            config_origin(c, section, NULL, o->cert_file != NULL ? "cert_file" : "key_file"));
    if (o->cert_file == NULL && !httpd_listen_is_local(o->address))
        return gf_err_set(e, GF_E_CONFIG,
                          "%s: address %s is not of this machine alone, so cert_file and key_file "
                          "are needed; without them use 127.0.0.1, ::1 or unix:/PATH",
                          config_origin(c, section, NULL, "address"), o->address);
    if (check_file(c, section, "cert_file", o->cert_file, e) == -1)
        return -1;
    return check_file(c, section, "key_file", o->key_file, e);
}

/* The first line of a file. */
static int read_token(const struct config *c, char out[LISTENER_TOKEN_MAX], struct gf_err *e) {
    const char *path = config_get(c, "listen", NULL, "metrics_token_file");
    struct gf_buf b;

    if (path == NULL)
        return 0;
    int rc = gf_file_load(AT_FDCWD, path, 4096, &b, e);
    size_t n = rc == 0 && b.data != NULL ? strcspn(b.data, "\r\n") : 0;
    if (rc == 0 && (n < 16 || n >= LISTENER_TOKEN_MAX))
        rc = gf_err_set(e, GF_E_CONFIG, "%s: a token has 16 to %d bytes", path,
                        LISTENER_TOKEN_MAX - 1);
    if (rc == 0) {
        memcpy(out, b.data, n);
        out[n] = '\0';
    } else if (e != NULL) {
        e->code = GF_E_CONFIG;
    }
    gf_buf_free(&b);
    return rc;
}

int listener_configure(const struct config *c, struct listener_config *out, struct gf_err *e) {
    struct listener_config o = {.address = config_get(c, "listen", NULL, "address"),
                                .cert_file = config_get(c, "listen", NULL, "cert_file"),
                                .key_file = config_get(c, "listen", NULL, "key_file")};

    if (read_numbers(c, &o, e) == -1 || read_token(c, o.metrics_token, e) == -1 ||
        (o.address != NULL && check_tls(c, "listen", &o, e) == -1))
        return -1;
    *out = o;
    return 0;
}

int listener_configure_page(const struct config *c, struct listener_config *out, struct gf_err *e) {
    struct listener_config o = {.address = config_get(c, "page", NULL, "address"),
                                .cert_file = config_get(c, "page", NULL, "cert_file"),
                                .key_file = config_get(c, "page", NULL, "key_file"),
                                .names = config_get(c, "page", NULL, "names"),
                                .relay = config_get(c, "relay", NULL, "name"),
                                .connections = PAGE_CONNECTIONS,
                                .per_address = PAGE_PER_ADDRESS};
    int enabled = 0;

    if (config_bool(c, "page", NULL, "enabled", &enabled, e) == -1 ||
        config_int(c, "page", NULL, "port", 1, 65535, &o.port, e) == -1 ||
        config_span(c, "listen", NULL, "patience", &o.patience, e) == -1)
        return -1;
    if (!enabled)
        o = (struct listener_config){.names = o.names};
    else if (check_tls(c, "page", &o, e) == -1)
        return -1;
    *out = o;
    return 0;
}
