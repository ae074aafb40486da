/*
 * json.c -- strict JSON read as typed fields. The only file that knows cJSON, which sees nothing
 * that gf_json_check() has not passed.
 */
#include "gapferry/json.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_value.h"
#include "gapferry/limits.h"

struct gf_json {
    cJSON *root;
    const char *what;
    enum gf_code code;
};

/* A value is a cJSON node under a name that does not show it. */
static const cJSON *node_of(const struct gf_json_val *v) {
    return (const cJSON *)(const void *)v;
}

static const struct gf_json_val *val_of(const cJSON *node) {
    return (const struct gf_json_val *)(const void *)node;
}

/* Build what the scanner has passed. */
static int build(const char *text, size_t len, const char *what, enum gf_code code,
                 struct gf_json **out, struct gf_err *e) {
    cJSON *root = cJSON_ParseWithLengthOpts(text, len, NULL, 0);
    struct gf_json *j = root != NULL ? malloc(sizeof *j) : NULL;
    if (j == NULL) {
        /* What the scanner passes the parser takes, or it has no memory. */
        cJSON_Delete(root);
        return gf_err_set(e, GF_E_SYSTEM, "%s: out of memory", what);
    }
    if (!cJSON_IsObject(root)) {
        cJSON_Delete(root);
        free(j);
        return gf_err_set(e, code, "%s: not a JSON object", what);
    }
    *j = (struct gf_json){.root = root, .what = what, .code = code};
    *out = j;
    return 0;
}

int gf_json_parse(const char *text, size_t len, const char *what, enum gf_code code,
                  struct gf_json **out, struct gf_err *e) {
    return gf_json_check(text, len, what, e) == -1 ? -1 : build(text, len, what, code, out, e);
}

int gf_json_parse_foreign(const char *text, size_t len, const char *what, enum gf_code code,
                          struct gf_json **out, struct gf_err *e) {
    return gf_json_check_foreign(text, len, what, e) == -1 ? -1
                                                           : build(text, len, what, code, out, e);
}

void gf_json_free(struct gf_json *j) {
    if (j == NULL)
        return;
    cJSON_Delete(j->root);
    free(j);
}

/* Not an initializer: it would clear the text of err, which is long, for every object. */
static void begin(struct gf_json_obj *o, const cJSON *node, const char *what, enum gf_code code) {
    o->val = val_of(node);
    o->what = what;
    o->within = NULL;
    o->item = SIZE_MAX;
    o->code = code;
    o->err.code = GF_OK;
    o->err.text[0] = '\0';
    memset(o->asked, 0, sizeof o->asked);
    o->near_at = o->item_at = 0;
    o->near_val = node != NULL ? val_of(node->child) : NULL;
    o->item_val = o->item_of = NULL;
}

void gf_json_root(const struct gf_json *j, struct gf_json_obj *o) {
    begin(o, j->root, j->what, j->code);
}

/*
 * Errors.
 */
void gf_json_fail(struct gf_json_obj *o, enum gf_code code, const char *fmt, ...) {
    char text[GF_ERR_TEXT], index[32] = "";
    va_list ap;

    if (o->err.code != GF_OK)
        return;
    va_start(ap, fmt);
    if (vsnprintf(text, sizeof text, fmt, ap) < 0)
        text[0] = '\0';
    va_end(ap);
    if (o->item != SIZE_MAX)
        (void)snprintf(index, sizeof index, "[%zu]", o->item);
    (void)gf_err_set(&o->err, code, "%s%s%s%s: %s", o->within != NULL ? o->within : "",
                     o->within != NULL ? ": " : "", o->what, index, text);
}

/* A member, or an element of it, is not what it must be. */
static int refuse(struct gf_json_obj *o, const char *name, size_t i, const char *must_be) {
    if (i == SIZE_MAX)
        gf_json_fail(o, o->code, "\"%s\" must be %s", name, must_be);
    else
        gf_json_fail(o, o->code, "\"%s\"[%zu] must be %s", name, i, must_be);
    return 0;
}

/*
 * Finding members and elements. Both remember where they were: fields are mostly asked for in the
 * order in which they are written, and elements always are.
 */
static const cJSON *find(struct gf_json_obj *o, const char *name, size_t *at) {
    const cJSON *object = node_of(o->val);
    const cJSON *first = object != NULL ? object->child : NULL;
    const cJSON *start = o->near_val != NULL ? node_of(o->near_val) : first;
    const cJSON *node = start;
    size_t i = o->near_val != NULL ? o->near_at : 0;

    if (first == NULL)
        return NULL;
    do {
        if (strcmp(node->string, name) == 0) {
            o->near_val = val_of(node->next);
            o->near_at = i + 1;
            *at = i;
            return node;
        }
        node = node->next;
        i++;
        if (node == NULL) {
            node = first;
            i = 0;
        }
    } while (node != start);
    return NULL;
}

_Static_assert(sizeof((struct gf_json_obj *)0)->asked * 8 >= GF_JSON_MEMBERS_MAX,
               "a bit for each member");

/* A member is looked at: gf_json_end() misses the others. */
static void consume(struct gf_json_obj *o, size_t at) {
    o->asked[at / 64] |= (uint64_t)1 << at % 64;
}

static int consumed(const struct gf_json_obj *o, size_t at) {
    return (o->asked[at / 64] >> at % 64 & 1) != 0;
}

/* Find and consume a member; NULL if there is none (an error), or it is null and may be. */
static const cJSON *take(struct gf_json_obj *o, const char *name, int may_be_null) {
    size_t at;

    if (o->val == NULL)
        return NULL;
    const cJSON *node = find(o, name, &at);
    if (node == NULL) {
        gf_json_fail(o, o->code, "\"%s\" is missing", name);
        return NULL;
    }
    consume(o, at);
    return may_be_null && cJSON_IsNull(node) ? NULL : node;
}

/* The i-th element of an array that was consumed before; NULL beyond its end. */
static const cJSON *element(struct gf_json_obj *o, const char *name, size_t i) {
    size_t at;
    const cJSON *array = node_of(o->item_of);

    if (o->val == NULL)
        return NULL;
    if (array == NULL || strcmp(array->string, name) != 0) {
        array = find(o, name, &at);
        if (!cJSON_IsArray(array)) {
            refuse(o, name, SIZE_MAX, "an array");
            return NULL;
        }
        o->item_of = val_of(array);
        o->item_val = NULL;
    }
    const cJSON *node = node_of(o->item_val);
    if (node == NULL || o->item_at > i) {
        node = array->child;
        o->item_at = 0;
    }
    for (; node != NULL && o->item_at < i; o->item_at++)
        node = node->next;
    o->item_val = val_of(node);
    if (node == NULL)
        gf_json_fail(o, o->code, "\"%s\" has no element %zu", name, i);
    return node;
}

/*
 * Values of each type. node is NULL where its finder has found nothing and has said so.
 */
static struct gf_json_value value_of(const cJSON *node) {
    struct gf_json_value v = {.type = GF_JSON_NULL};

    if (cJSON_IsString(node)) {
        v.type = GF_JSON_TEXT;
        v.text = node->valuestring;
        v.len = strlen(v.text);
    } else if (cJSON_IsNumber(node)) {
        v.type = GF_JSON_NUMBER;
        v.number = node->valuedouble;
    } else if (cJSON_IsBool(node)) {
        v.type = cJSON_IsTrue(node) ? GF_JSON_TRUE : GF_JSON_FALSE;
    } else if (!cJSON_IsNull(node)) {
        v.type = cJSON_IsArray(node) ? GF_JSON_ARRAY : GF_JSON_OBJECT;
    }
    return v;
}

static int get_str(struct gf_json_obj *o, const cJSON *node, const char *name, size_t i, size_t min,
                   size_t max, const char **out) {
    char rule[GF_JSON_RULE];
    if (node == NULL)
        return 0;
    struct gf_json_value v = value_of(node);
    if (!gf_json_value_str(&v, min, max, rule))
        return refuse(o, name, i, rule);
    *out = v.text;
    return 1;
}

static int get_int(struct gf_json_obj *o, const cJSON *node, const char *name, size_t i,
                   int64_t min, int64_t max, int64_t *out) {
    char rule[GF_JSON_RULE];
    if (node == NULL)
        return 0;
    struct gf_json_value v = value_of(node);
    return gf_json_value_int(&v, min, max, out, rule) ? 1 : refuse(o, name, i, rule);
}

static int get_hex(struct gf_json_obj *o, const cJSON *node, const char *name, size_t i,
                   uint8_t *out, size_t len) {
    char rule[GF_JSON_RULE];
    if (node == NULL)
        return 0;
    struct gf_json_value v = value_of(node);
    return gf_json_value_hex(&v, out, len, rule) ? 1 : refuse(o, name, i, rule);
}

static int get_time(struct gf_json_obj *o, const cJSON *node, const char *name, int64_t *out) {
    char rule[GF_JSON_RULE];
    if (node == NULL)
        return 0;
    struct gf_json_value v = value_of(node);
    return gf_json_value_time(&v, out, rule) ? 1 : refuse(o, name, SIZE_MAX, rule);
}

static int get_obj(struct gf_json_obj *o, const cJSON *node, const char *name, size_t i,
                   struct gf_json_obj *out) {
    int found = cJSON_IsObject(node);
    if (node != NULL && !found)
        refuse(o, name, i, "an object");
    /* The caller's name outlives the reading; the parent's `what` does too. */
    begin(out, found ? node : NULL, name, o->code);
    out->within = o->what;
    out->item = i;
    return found;
}

/*
 * Fields.
 */
int gf_json_str(struct gf_json_obj *o, const char *name, size_t min, size_t max, const char **out) {
    return get_str(o, take(o, name, 0), name, SIZE_MAX, min, max, out);
}

int gf_json_str_opt(struct gf_json_obj *o, const char *name, size_t min, size_t max,
                    const char **out) {
    return get_str(o, take(o, name, 1), name, SIZE_MAX, min, max, out);
}

int gf_json_int(struct gf_json_obj *o, const char *name, int64_t min, int64_t max, int64_t *out) {
    return get_int(o, take(o, name, 0), name, SIZE_MAX, min, max, out);
}

int gf_json_int_opt(struct gf_json_obj *o, const char *name, int64_t min, int64_t max,
                    int64_t *out) {
    return get_int(o, take(o, name, 1), name, SIZE_MAX, min, max, out);
}

int gf_json_bool(struct gf_json_obj *o, const char *name, int *out) {
    char rule[GF_JSON_RULE];
    const cJSON *node = take(o, name, 0);
    if (node == NULL)
        return 0;
    struct gf_json_value v = value_of(node);
    return gf_json_value_bool(&v, out, rule) ? 1 : refuse(o, name, SIZE_MAX, rule);
}

int gf_json_hex(struct gf_json_obj *o, const char *name, uint8_t *out, size_t len) {
    return get_hex(o, take(o, name, 0), name, SIZE_MAX, out, len);
}

int gf_json_hex_opt(struct gf_json_obj *o, const char *name, uint8_t *out, size_t len) {
    return get_hex(o, take(o, name, 1), name, SIZE_MAX, out, len);
}

int gf_json_time(struct gf_json_obj *o, const char *name, int64_t *out) {
    return get_time(o, take(o, name, 0), name, out);
}

int gf_json_time_opt(struct gf_json_obj *o, const char *name, int64_t *out) {
    return get_time(o, take(o, name, 1), name, out);
}

int gf_json_enum(struct gf_json_obj *o, const char *name, const char *const *words, int *out) {
    char rule[GF_JSON_RULE];
    const cJSON *node = take(o, name, 0);
    if (node == NULL)
        return 0;
    struct gf_json_value v = value_of(node);
    return gf_json_value_enum(&v, words, out, rule) ? 1 : refuse(o, name, SIZE_MAX, rule);
}

int gf_json_obj(struct gf_json_obj *o, const char *name, struct gf_json_obj *out) {
    return get_obj(o, take(o, name, 0), name, SIZE_MAX, out);
}

int gf_json_obj_opt(struct gf_json_obj *o, const char *name, struct gf_json_obj *out) {
    return get_obj(o, take(o, name, 1), name, SIZE_MAX, out);
}

int gf_json_any_obj(struct gf_json_obj *o, const char *name) {
    const cJSON *node = take(o, name, 0);
    if (node == NULL)
        return 0;
    return cJSON_IsObject(node) ? 1 : refuse(o, name, SIZE_MAX, "an object");
}

int gf_json_has(const struct gf_json_obj *o, const char *name) {
    const cJSON *object = node_of(o->val);
    const cJSON *node = object != NULL ? object->child : NULL;
    while (node != NULL && strcmp(node->string, name) != 0)
        node = node->next;
    return node != NULL;
}

static int get_array(struct gf_json_obj *o, const cJSON *node, const char *name, size_t max,
                     size_t *n) {
    *n = 0;
    if (node == NULL)
        return 0;
    size_t count = cJSON_IsArray(node) ? (size_t)cJSON_GetArraySize(node) : 0;
    if (!cJSON_IsArray(node) || count > max) {
        char rule[96];
        (void)snprintf(rule, sizeof rule, "an array of at most %zu elements", max);
        return refuse(o, name, SIZE_MAX, rule);
    }
    o->item_of = val_of(node);
    o->item_val = NULL;
    *n = count;
    return 1;
}

int gf_json_array(struct gf_json_obj *o, const char *name, size_t max, size_t *n) {
    return get_array(o, take(o, name, 0), name, max, n);
}

int gf_json_array_opt(struct gf_json_obj *o, const char *name, size_t max, size_t *n) {
    return get_array(o, take(o, name, 1), name, max, n);
}

int gf_json_item_str(struct gf_json_obj *o, const char *name, size_t i, size_t min, size_t max,
                     const char **out) {
    return get_str(o, element(o, name, i), name, i, min, max, out);
}

int gf_json_item_int(struct gf_json_obj *o, const char *name, size_t i, int64_t min, int64_t max,
                     int64_t *out) {
    return get_int(o, element(o, name, i), name, i, min, max, out);
}

int gf_json_item_hex(struct gf_json_obj *o, const char *name, size_t i, uint8_t *out, size_t len) {
    return get_hex(o, element(o, name, i), name, i, out, len);
}

int gf_json_item_obj(struct gf_json_obj *o, const char *name, size_t i, struct gf_json_obj *out) {
    return get_obj(o, element(o, name, i), name, i, out);
}

/* The i-th member of the object itself, consumed; NULL beyond its end. */
static const cJSON *each(struct gf_json_obj *o, size_t i) {
    const cJSON *object = node_of(o->val);
    const cJSON *node = node_of(o->near_val);
    size_t at = o->near_at;

    if (object == NULL)
        return NULL;
    if (node == NULL || at > i) {
        node = object->child;
        at = 0;
    }
    for (; node != NULL && at < i; at++)
        node = node->next;
    if (node == NULL)
        return NULL;
    o->near_val = val_of(node->next);
    o->near_at = at + 1;
    consume(o, at);
    return node;
}

int gf_json_each_str(struct gf_json_obj *o, size_t i, const char **name, const char **value) {
    const cJSON *node = each(o, i);
    if (node == NULL)
        return 0;
    if (!cJSON_IsString(node))
        return refuse(o, node->string, SIZE_MAX, "text");
    *name = node->string;
    *value = node->valuestring;
    return 1;
}

int gf_json_each_int(struct gf_json_obj *o, size_t i, int64_t min, int64_t max, const char **name,
                     int64_t *value) {
    const cJSON *node = each(o, i);
    if (node == NULL || !get_int(o, node, node->string, SIZE_MAX, min, max, value))
        return 0;
    *name = node->string;
    return 1;
}

/* A number in digits: as an integer where it is one. */
static const char *number_words(double value, char words[GF_JSON_WORDS]) {
    if (value >= -(double)GF_JSON_INT_MAX && value <= (double)GF_JSON_INT_MAX &&
        (double)(int64_t)value == value)
        (void)snprintf(words, GF_JSON_WORDS, "%lld", (long long)value);
    else
        (void)snprintf(words, GF_JSON_WORDS, "%.15g", value);
    return words;
}

int gf_json_each_any(struct gf_json_obj *o, size_t i, const char **name, const char **value,
                     char words[GF_JSON_WORDS]) {
    const cJSON *node = each(o, i);
    if (node == NULL)
        return 0;
    *name = node->string;
    if (cJSON_IsString(node))
        *value = node->valuestring;
    else if (cJSON_IsNumber(node))
        *value = number_words(node->valuedouble, words);
    else if (cJSON_IsBool(node))
        *value = cJSON_IsTrue(node) ? "true" : "false";
    else
        *value = cJSON_IsNull(node) ? "null" : "...";
    return 1;
}

int gf_json_end(struct gf_json_obj *o, struct gf_err *e) {
    const cJSON *object = node_of(o->val);
    size_t at = 0;

    for (const cJSON *node = object != NULL ? object->child : NULL; node != NULL;
         node = node->next, at++) {
        if (o->err.code == GF_OK && !consumed(o, at))
            gf_json_fail(o, o->code, "\"%s\" is no member that this version knows", node->string);
    }
    if (o->err.code == GF_OK)
        return 0;
    if (e != NULL)
        *e = o->err;
    return -1;
}
