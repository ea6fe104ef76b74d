/* The table at the end of `weir up --once` (summary.h).
 *
 * in: the supervisor's summary; the warehouse, for rows per layer. out: stdout. Called
 * by cmd_up.c when the supervisor has ended. */
#include "cmd/summary.h"

#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"
#include "base/text.h"
#include "base/vec.h"
#include "supervise/report.h"
#include "warehouse/warehouse.h"

struct relations {
    VEC(char *) names;
};

static void on_relation(void *arg, const char *schema, const char *name,
                        enum wh_relation_type type)
{
    struct relations *r = arg;
    (void)schema;
    (void)type;
    if (name[0] != '_')
        vec_push(&r->names, mem_strdup(name));
}

/* {schema: {relation: rows}} of what is there. */
static json_t *layer_rows(struct wh *w, const char *schema)
{
    struct relations r = {0};
    struct err e = {0};
    json_t *o = json_object();
    (void)wh_relations(w, schema, on_relation, &r, &e);
    for (size_t i = 0; i < r.names.n; i++) {
        int64_t n = wh_row_count(w, schema, r.names.v[i], &e);
        if (n >= 0)
            json_put_i64(o, r.names.v[i], n);
        mem_free(r.names.v[i]);
    }
    vec_release(&r.names);
    return o;
}

static json_t *layers(const struct platform *p)
{
    struct wh *w = NULL;
    struct err e = {0};
    json_t *o = json_object();
    struct wh_options options = wh_options_of(p);
    options.schemas = p->schemas;
    options.is_readonly = true;
    bool has_files = streq(p->warehouse_kind, "sqlite");
    if ((has_files && access(p->warehouse_dir, F_OK) < 0) ||
        wh_open(&w, &options, &e) < 0)
        return o;
    for (const char *const *s = p->schemas; s && *s; s++)
        json_put(o, *s, layer_rows(w, *s));
    wh_close(w);
    return o;
}

/* 80 columns hold a line, however long a name is. */
#define NAME_MAX_SHOWN 60

static void print_count(const char *name, int64_t n)
{
    char number[32];
    printf("  %-32.*s %14s\n", NAME_MAX_SHOWN, name, report_number(n, number));
}

static void print_counts(const json_t *counts)
{
    static const struct {
        const char *key, *title;
        bool is_always;
    } rows[] = {
        {"late", "late", true},
        {"duplicates", "duplicates dropped", true},
        {"corrections", "corrections", true},
        {"stale", "stale versions dropped", false},
        {"anomalies", "anomalies", true},
        {"alerts", "alerts", true},
        {"not_loaded", "not loaded (_weir_load_rejects)", false},
        {"masked", "card numbers, codes masked", true},
        {"unknown_store", "of an unknown store", false},
        {"unknown_product", "with an unknown product", false},
    };
    json_t *rejected = json_obj(counts, "rejected"), *n;
    const char *reason;
    int64_t total = 0;
    print_count("records in", json_i64(counts, "records_in", 0));
    json_object_foreach (rejected, reason, n)
        total += json_integer_value(n);
    print_count("rejected", total);
    json_object_foreach (rejected, reason, n) {
        char name[80];
        snprintf(name, sizeof name, "  %s", reason);
        print_count(name, json_integer_value(n));
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t v = json_i64(counts, rows[i].key, 0);
        if (v > 0 || rows[i].is_always)
            print_count(rows[i].title, v);
    }
}

static void print_layers(const json_t *all)
{
    const char *schema, *relation;
    json_t *layer, *n;
    json_object_foreach ((json_t *)(uintptr_t)all, schema, layer)
        json_object_foreach (layer, relation, n) {
            char name[256];
            snprintf(name, sizeof name, "%s.%s", schema, relation);
            print_count(name, json_integer_value(n));
        }
}

static void print_gates(json_t *gates)
{
    json_t *g;
    size_t i;
    json_array_foreach (gates, i, g) {
        char name[80];
        snprintf(name, sizeof name, "gate %s", json_str(g, "name", "?"));
        printf("  %-32.32s %14s  %lld of %lld checks failed\n", name,
               json_str(g, "verdict", "?"), (long long)json_i64(g, "failed", 0),
               (long long)json_i64(g, "total", 0));
        printf("    on %.*s\n", NAME_MAX_SHOWN, json_str(g, "on", "?"));
    }
}

static void print_run(const json_t *run)
{
    if (!run)
        return;
    printf("  %-32s %14s  %lld tasks, %lld failed, %lld skipped\n", "build",
           json_str(run, "state", "?"), (long long)json_i64(run, "total", 0),
           (long long)json_i64(run, "failed", 0),
           (long long)json_i64(run, "skipped", 0));
}

int summary_print(const struct cmd_args *a, json_t *summary, struct err *e)
{
    json_put(summary, "layers", layers(a->platform));
    if (a->is_json)
        return cmd_print_json(summary, e);
    if (a->is_quiet)
        return 0;
    printf("\n%s\n", json_str(summary, "platform", "platform"));
    print_counts(json_obj(summary, "counts"));
    print_layers(json_obj(summary, "layers"));
    print_run(json_obj(summary, "run"));
    print_gates(json_arr(summary, "gates"));
    printf("  %-32s %14.1f\n", "seconds", json_num(summary, "seconds", 0));
    fflush(stdout);
    return 0;
}
