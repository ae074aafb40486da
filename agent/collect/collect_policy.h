/*
 * collect_policy.h -- STATE/policy.json as gapferry-collect reads it: which channels may be taken
 * from, under which rule, and how much of them. The agent writes it (agent_policy_publish()).
 */
#ifndef COLLECT_COLLECT_POLICY_H
#define COLLECT_COLLECT_POLICY_H

#include <sys/stat.h>

#include "agent/deny.h"
#include "gapferry/limits.h"
#include "gapferry/text.h"

#define COLLECT_POLICY_FILE "policy.json"
#define COLLECT_POLICY_MAX  (4 << 20) /* bytes: as the agent writes it at most */

enum collect_consent { COLLECT_ASK, COLLECT_GRANTED, COLLECT_DENIED };
extern const char *const collect_policy_consents[]; /* "ask" "granted" "denied" */

struct collect_channel {
    char name[GF_WORD_MAX + 1];
    enum collect_consent consent;
    char *allow; /* names separated by commas, as redact_json() takes them; NULL: no rule */
    struct otlp_deny *deny; /* attributes that may not leave */
    char *product;          /* NULL: none */
    char *type;
    int64_t records, bytes; /* what the queue takes still; INT64_MAX: any number */
};

struct collect_policy {
    struct gf_id agent; /* the origin of every record */
    size_t n;
    struct collect_channel *list;
};

/* Members that are not known are ignored; license and updates are never granted, whatever the text
 * says. Errors: GF_E_JSON, GF_E_CONFIG (a rule of the form is broken), GF_E_SYSTEM. Release with
 * _free, which accepts an empty one. */
GF_MUST_CHECK int collect_policy_parse(const char *text, size_t len, struct collect_policy *out,
                                       struct gf_err *e);
void collect_policy_free(struct collect_policy *p);

/* NULL: it is not listed. */
const struct collect_channel *collect_policy_find(const struct collect_policy *p,
                                                  const char *channel);

/* The file, which is replaced as a whole. Begin with {.there = 0}. */
struct collect_policy_file {
    int there; /* 1: policy holds what the file says */
    struct collect_policy policy;
    struct gf_err why; /* why it is not there */
    struct stat read;  /* the file that was read, or tried */
};

/* Look at it again below directory dir: 1 if there is another file, or none, than before, else 0. A
 * file that is missing or broken grants nothing. */
int collect_policy_refresh(struct collect_policy_file *f, int dir);
void collect_policy_close(struct collect_policy_file *f);

#endif
