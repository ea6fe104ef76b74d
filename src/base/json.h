/* Control-plane JSON on jansson: defaults for missing members, and building in one
 * line. The hot path uses base/jscan.h instead. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"

const char *json_str(const json_t *obj, const char *key, const char *fallback);
int64_t json_i64(const json_t *obj, const char *key, int64_t fallback);
double json_num(const json_t *obj, const char *key, double fallback);
bool json_flag(const json_t *obj, const char *key, bool fallback);
json_t *json_arr(const json_t *obj, const char *key); /* borrowed; NULL unless array */
json_t *json_obj(const json_t *obj, const char *key); /* borrowed; NULL unless object */
/* Sets obj[key]; text that is not UTF-8 is repaired. NULL sets null. */
void json_put_str(json_t *obj, const char *key, const char *value);
void json_put_i64(json_t *obj, const char *key, int64_t value);
void json_put_num(json_t *obj, const char *key, double value);
void json_put_flag(json_t *obj, const char *key, bool value);
void json_put(json_t *obj, const char *key, json_t *value); /* takes value */

int json_dump_buf(const json_t *v, size_t flags, struct buf *out, struct err *e);
int json_load_text(const char *p, size_t n, json_t **out, struct err *e);
int json_load_path(const char *path, json_t **out, struct err *e);
int json_save_path(const json_t *v, const char *path, struct err *e); /* atomic */

#endif
