/*
 * otlp_deny.c -- a deny-list of the keys of attributes.
 */
#include "common/otlp_deny.h"

#include <stdlib.h>
#include <string.h>

#include "gapferry/text.h"

/* Names are those of OpenTelemetry's semantic conventions, with those that newer ones replace,
 * since old applications go on sending them; and without a dot those that Telegraf's plugins and
 * others like it give to tags of the same meaning. */
const char *const otlp_deny_default[] = {
    /* An address, or the host that was asked for one. */
    "address",
    "agent_host",
    /* Who calls: an address or a name; the port tells callers behind one address apart. */
    "client.address",
    "client.port",
    "client.socket.address",
    "client_addr",
    "client_ip",
    /* Arguments name users, machines and secrets. */
    "cmdline",
    "command_line",
    "destination.address",
    "dns_name",
    "email",
    /* A person: id, pseudonym, role, scope. */
    "enduser.*",
    "fqdn",
    /* The machine: name, id, addresses, image. */
    "host",
    "host.*",
    "host_ip",
    "host_name",
    "hostname",
    "http.client_ip",
    "ip",
    "ip_address",
    "ipaddress",
    /* Usually the machine's name; and the machine, for as long as it lives. */
    "k8s.node.name",
    "k8s.node.uid",
    "login",
    "mac",
    "mac_address",
    /* Addresses and names of both sides, before there were client.*, server.* and network.*. */
    "net.host.ip",
    "net.host.name",
    "net.peer.ip",
    "net.peer.name",
    "net.sock.host.addr",
    "net.sock.peer.addr",
    "net.sock.peer.name",
    "network.local.address",
    "network.peer.address",
    "node_host",
    "node_ip",
    "node_name",
    "nodename",
    "peer",
    "pod_ip",
    /* Paths and arguments name users, machines and secrets; the rest are users. */
    "process.command",
    "process.command_args",
    "process.command_line",
    "process.executable.path",
    "process.owner",
    "process.real_user.*",
    "process.saved_user.*",
    "process.user.*",
    "process.working_directory",
    "remote",
    "remote_addr",
    "remote_ip",
    /* Inside of a site, one of its machines. */
    "server",
    "server.address",
    "server.socket.address",
    /* Often host name and port; else it follows one installation. */
    "service.instance.id",
    /* A device that was asked over the network. */
    "source",
    "source.address",
    /* Hosts, and at times the credentials for them. */
    "url",
    /* A person: id, name, full_name, email, hash, roles. */
    "user",
    "user.*",
    "user_id",
    "user_name",
    "userid",
    "username",
    NULL,
};

struct entry {
    const char *text; /* of a prefix, with the dot and without the star */
    uint16_t len;
    uint8_t prefix;
};

struct otlp_deny {
    uint16_t first[257]; /* of the entries that begin with a byte; its end is the next one's */
    struct entry *entries;
    char *text;
};

static int compare(const void *a, const void *b) {
    const uint8_t x = (uint8_t) * ((const struct entry *)a)->text;
    const uint8_t y = (uint8_t) * ((const struct entry *)b)->text;
    return x < y ? -1 : x > y;
}

/* How much of an entry is compared; 0 if it is neither a key nor PREFIX.*. */
static size_t entry_len(const char *text, uint8_t *prefix) {
    size_t n = strlen(text);
    const char *star = strchr(text, '*');

    *prefix = star != NULL;
    if (n == 0 || n > OTLP_DENY_ENTRY_MAX || !gf_text_is_utf8(text, n))
        return 0;
    if (star == NULL)
        return n;
    return star == text + n - 1 && n > 2 && star[-1] == '.' ? n - 1 : 0;
}

int otlp_deny_new(const char *const *entries, size_t n, struct otlp_deny **out, struct gf_err *e) {
    struct otlp_deny *d = NULL;
    size_t bytes = 0;
    uint8_t prefix;

    if (n > OTLP_DENY_MAX)
        return gf_err_set(e, GF_E_CONFIG, "a deny-list of more than %d entries", OTLP_DENY_MAX);
    for (size_t i = 0; i < n; i++) {
        size_t len = entry_len(entries[i], &prefix);
        if (len == 0)
            return gf_err_set(e, GF_E_CONFIG,
                              "deny-list: '%.64s' is neither a key nor a prefix such as host.*",
                              entries[i]);
        bytes += len;
    }

    if ((d = calloc(1, sizeof *d)) == NULL ||
        (d->entries = calloc(n + 1, sizeof *d->entries)) == NULL ||
        (d->text = malloc(bytes + 1)) == NULL) {
        otlp_deny_free(d);
        return gf_err_set(e, GF_E_SYSTEM, "deny-list: out of memory");
    }
    char *text = d->text;
    for (size_t i = 0; i < n; i++) {
        size_t len = entry_len(entries[i], &prefix);
        memcpy(text, entries[i], len);
        d->entries[i] = (struct entry){.text = text, .len = (uint16_t)len, .prefix = prefix};
        text += len;
    }
    if (n > 0)
        qsort(d->entries, n, sizeof *d->entries, compare);
    size_t i = 0;
    for (unsigned c = 0; c < 256; c++) {
        d->first[c] = (uint16_t)i;
        while (i < n && (uint8_t)*d->entries[i].text == c)
            i++;
    }
    d->first[256] = (uint16_t)n;
    *out = d;
    return 0;
}

void otlp_deny_free(struct otlp_deny *d) {
    if (d == NULL)
        return;
    free(d->entries);
    free(d->text);
    free(d);
}

int otlp_deny_any(const struct otlp_deny *d) {
    return d != NULL && d->first[256] > 0;
}

int otlp_deny_has(const struct otlp_deny *d, const uint8_t *key, size_t len) {
    if (len == 0)
        return 0;
    for (unsigned i = d->first[*key]; i < d->first[*key + 1]; i++) {
        const struct entry *entry = &d->entries[i];
        if ((entry->prefix ? len >= entry->len : len == entry->len) &&
            memcmp(key, entry->text, entry->len) == 0)
            return 1;
    }
    return 0;
}

void otlp_redacted_note(struct otlp_redacted *r, const uint8_t *key, size_t len) {
    size_t shown = gf_text_fit((const char *)key, len, OTLP_REDACTED_KEY - 1);
    size_t i = 0;

    r->total++;
    while (i < r->nkeys && (memcmp(r->keys[i].key, key, shown) != 0 || r->keys[i].key[shown]))
        i++;
    if (i == r->nkeys) {
        if (i == OTLP_REDACTED_KEYS) {
            r->others++;
            return;
        }
        memcpy(r->keys[i].key, key, shown);
        r->keys[i].key[shown] = '\0';
        r->nkeys++;
    }
    r->keys[i].times++;
}

void otlp_redacted_unknown(struct otlp_redacted *r, const char *name, size_t len) {
    static const char unknown[] = "unknown field ";
    char text[OTLP_REDACTED_KEY];
    size_t n = sizeof unknown - 1, fits = gf_text_fit(name, len, sizeof text - 1 - n);

    memcpy(text, unknown, n);
    memcpy(text + n, name, fits);
    otlp_redacted_note(r, (const uint8_t *)text, n + fits);
}

void otlp_redacted_names(const struct otlp_redacted *r, struct gf_buf *out) {
    for (size_t i = 0; i < r->nkeys; i++) {
        gf_buf_text(out, out->len > 0 ? ", " : "");
        gf_buf_text(out, r->keys[i].key);
    }
    if (r->others > 0)
        gf_buf_text(out, ", others");
}
