/*
 * endpoint_advice.c -- what helps where a request did not succeed, as a clause for the operator.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay/endpoints/endpoint.h"

const char *endpoint_advice(enum https_stage stage) {
    switch (stage) {
    case HTTPS_OK:
        break;
    case HTTPS_NO_ROUTE:
        return "let the network and its firewalls lead there (gapferry-relay endpoints firewall)";
    case HTTPS_NO_DNS:
        return "correct the name in its url, or the DNS of this host";
    case HTTPS_REFUSED:
        return "have the service there started, or correct the port in its url";
    case HTTPS_TIMED_OUT:
        return "see whether a firewall drops what goes there, or the service is slow (timeout)";
    case HTTPS_PROXY:
        return "correct its proxy, or have that started, or let it pass this on";
    case HTTPS_TLS:
        return "name the authority of its certificate (ca_file), or have the certificate renewed";
    case HTTPS_BROKEN:
        return "see whether its url names the right scheme, host and port";
    }
    return NULL;
}

static const char *of_status(long status) {
    switch (status) {
    case 401:
        return "give it the right credentials (header_file, or cert_file and key_file)";
    case 403:
        return "have its vendor permit this, or give it other credentials (header_file, or "
               "cert_file and key_file)";
    case 404:
        return "correct its url: nothing is there";
    case 405:
        return "correct its method or its url";
    case 407:
        return "correct its proxy, which wants credentials";
    case 429:
        return "the endpoint asks for time, and nothing is to be done here";
    default:
        break;
    }
    if (status >= 200 && status <= 299)
        return "see whether its url names the service that is meant, and nothing before that asks "
               "for a login";
    if (status >= 300 && status <= 399)
        return "put the place to which it redirects into its url";
    return status >= 500 && status <= 599
               ? "the trouble is the endpoint's own: where it lasts, ask whoever runs it"
               : NULL;
}

/* The number behind `begin`; 0: it begins otherwise. */
static long number_behind(const char *reason, const char *begin) {
    size_t len = strlen(begin);

    return strncmp(reason, begin, len) == 0 ? strtol(reason + len, NULL, 10) : 0;
}

const char *endpoint_advice_of(const char *reason) {
    long status = number_behind(reason, "HTTP ");
    size_t len = strcspn(reason, ":");

    if (strncmp(reason, ENDPOINT_PROFILE, sizeof ENDPOINT_PROFILE - 1) == 0 &&
        strstr(reason, ENDPOINT_FOREIGN) != NULL)
        return "let another endpoint take it (type, product or sender tell them apart), or give it "
               "up (records reject)";
    if (status == 404 && strstr(reason, "database not found") != NULL)
        return "have that database made there, or correct db in its url";
    if (status != 0)
        return of_status(status);
    for (int i = HTTPS_OK + 1; reason[len] == ':' && https_stages[i] != NULL; i++) {
        if (strlen(https_stages[i]) == len && memcmp(reason, https_stages[i], len) == 0)
            return endpoint_advice((enum https_stage)i);
    }
    return NULL;
}

const char *endpoint_option(const char *name, char out[ENDPOINT_OPTION]) {
    const char *quote = gf_text_is_word(name, strlen(name), GF_WORD_MAX) ? "" : "'";

    int n = snprintf(out, ENDPOINT_OPTION, " --endpoint %s%s%s", quote, name, quote);
    if (n >= ENDPOINT_OPTION || strchr(name, '\'') != NULL)
        out[0] = '\0';
    return out;
}

int endpoint_passes(const char *reason) {
    long status = number_behind(reason, "HTTP ");

    return status == 408 || status == 425 || status == 429 || (status >= 500 && status <= 599) ||
           number_behind(reason, "the program ended with status ") == 75 ||
           strncmp(reason, ENDPOINT_RESTS, sizeof ENDPOINT_RESTS - 1) == 0;
}
