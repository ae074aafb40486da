/*
 * collect_influx.c -- what clients of InfluxDB expect beside /write: its paths, its refusals, an
 * answer to /ping, and to the one query that some begin with.
 */
#include "agent/collect/collect.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/influx_line.h"
#include "gapferry/json.h"

/* Clients ask which of two interfaces they speak to: this is the one of 1.x. */
#define VERSION "1.8-gapferry"

int collect_influx_find(struct collect_call *call, const char *path) {
    call->path = BODY_LINES;
    call->api2 = strcmp(path, "/api/v2/write") == 0;
    call->query = strcmp(path, "/query") == 0;
    return call->api2 || call->query || strcmp(path, "/write") == 0 ? 0 : -1;
}

int collect_influx_begin(struct collect_call *call) {
    const char *precision = httpd_query(call->r, "precision");
    char why[160];

    /* Whatever type a client says it is: curl says that of a form. */
    call->type = INFLUX_LINE_TYPE;
    if (precision == NULL || precision[0] == '\0')
        precision = "ns";
    call->unit = influx_line_unit(precision);
    if (call->unit > 0)
        return 0;
    (void)snprintf(why, sizeof why, "unknown precision '%.32s': it is one of ns, us, ms, s, m, h",
                   precision);
    collect_reply_no(call, 400, 0, why);
    return -1;
}

void collect_influx_ping(struct httpd_request *r) {
    static const struct httpd_field fields[] = {
        {"X-Influxdb-Version", VERSION}, {"X-Influxdb-Build", "OSS"}, {NULL, NULL}};
    const struct httpd_reply a = {.status = 204, .type = "application/json", .fields = fields};

    httpd_reply(r, &a, "", 0);
}

/* 1 if a statement, as it is or as forms have it, begins with these words in lower case. */
static int begins(const char *at, const char *words) {
    for (; *words != '\0'; words++, at++) {
        int blank = *at == '+' || strncmp(at, "%20", 3) == 0;
        if (*words == ' ' ? *at != ' ' && !blank : strncasecmp(at, words, 1) != 0)
            return 0;
        at += *at == '%' ? 2 : 0;
    }
    return 1;
}

void collect_influx_query(struct collect_call *call) {
    static const char done[] = "{\"results\":[{\"statement_id\":0}]}\n";
    const struct httpd_reply a = {.status = 200, .type = "application/json"};
    const char *q = httpd_query(call->r, "q");

    if (q == NULL && call->body.len > 2 && !call->gzip) {
        const char *form = strncmp(call->body.data, "q=", 2) == 0 ? call->body.data
                                                                  : strstr(call->body.data, "&q=");
        q = form == NULL ? NULL : strchr(form, '=') + 1;
    }
    if (q != NULL && begins(q, "create database "))
        httpd_reply(call->r, &a, done, sizeof done - 1);
    else
        collect_reply_no(call, 400, 0,
                         "this is gapferry-collect: points are taken here, and none can be asked "
                         "for");
}

/* The codes of InfluxDB 2.x. */
static const char *code(unsigned status) {
    switch (status) {
    case 400:
        return "invalid";
    case 403:
        return "forbidden";
    case 413:
        return "request too large";
    case 415:
        return "unsupported media type";
    case 429:
        return "too many requests";
    default:
        return "unavailable";
    }
}

void collect_influx_refusal(const struct collect_call *call, unsigned status, const char *text,
                            struct gf_buf *out) {
    if (call->api2)
        gf_buf_printf(out, "{\"code\":\"%s\",\"message\":", code(status));
    else
        gf_buf_text(out, "{\"error\":");
    gf_json_put_shown(out, text, strlen(text));
    gf_buf_text(out, "}\n");
}
