/* Inside the model engine: the project's structs and what its files give each other.
 * Each file answers one question:
 *   project.c      the project's life           packages.c  packages and target
 *   files.c        folders and text             load.c      what is in the folders
 *   item.c         a node, made and freed       macros.c    which macro a name means;
 *   builtin.c      the built-in macros' text    properties.c  what .yml files declare
 *   patch.c        what they say of a node      config.c    which config applies
 *   names.c        dbt's names: unique ids, test names, fqn
 *   parse.c        what a node's text says      link.c      how nodes hang together
 *   context.c      what a template sees; relation.c, adapter.c, table.c its objects
 *   render.c       one rendering of a node, a hook, a YAML value
 *   compile.c      node → SQL, ephemerals as CTEs, errors at their source
 *   materialize.c  build aside → tests → gate → publish; incremental.c, seed.c,
 * testing.c artifacts.c    manifest.json, run_results.json */
#ifndef MODEL_INTERNAL_H
#define MODEL_INTERNAL_H

#include "base/buf.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "jinja/jinja.h"
#include "model/model.h"

/* The dbt-core whose contract this engine keeps: what templates and artifacts say. */
#define DBT_VERSION "1.11.0"

#define TMP_SUFFIX       "__weir_tmp"
#define MAX_RENDER_BYTES (512u << 20)

struct package {
    const char *name, *dir; /* dir absolute */
    const char *prefix;     /* of paths shown: "" for the root, "packages/x/" */
    json_t *conf;           /* dbt_project.yml */
    bool is_root;
};

struct item;
typedef VEC(struct item *) item_list;

/* A node with all the engine knows of it. struct node is its public part. */
struct item {
    struct node pub;
    struct package *package;
    const char *file; /* absolute path of the source file; of a test: its .yml */
    const char *raw;  /* template text */
    size_t raw_len;
    const char *rel; /* path inside its folder: staging/x.sql (dbt's "path") */
    const char *description, *checksum, *patch_path;
    /* shared between items while empty: item_own before writing */
    json_t *inline_config;  /* of config() in the file, in call order */
    json_t *refs, *sources; /* manifest's refs: [{name, package, version}], [[s, t]] */
    json_t *columns;        /* name → {name, description, data_type, …} */
    json_t *meta_patch;     /* properties entry, NULL */
    VEC(const char *) deps;
    VEC(const char *) macro_deps;
    VEC(const char *) tags;
    VEC(const char *) fqn;
    item_list tests;    /* that are judged with this node: its own */
    const char *broken; /* why it cannot run; NULL: fine */
    /* sources */
    const char *identifier, *loaded_at, *loaded_at_query, *loader, *source_description;
    json_t *freshness;
    /* generic tests */
    const char *test_name, *test_namespace, *column_name;
    json_t *test_kwargs;
    const char *file_key;     /* where it is declared: "models.orders" */
    json_t *column_tags;      /* of its column or source: tags, but not config */
    item_list declared_tests; /* generic tests declared on this node */
    json_t *exposure;         /* its entry in the .yml file */
    json_t *unit_def;         /* unit tests: the entry in the .yml file */
    struct unit_test *unit;
    const char
        *declared_on;     /* unique id of the node it is declared at; sources: NULL */
    const char *compiled; /* of the last compile, mem_free */
    int64_t compiled_us;  /* when that was (results_now_us) */
    bool is_resolving;    /* ephemeral recursion guard */
    uint8_t visit;        /* link.c */
    const char *packed;   /* refs and sources in the parse cache: item_unpack */
    size_t n_packed;
    bool is_same;         /* as the parse cache has it: its text showed the same */
    uint64_t config_hash; /* of pub.config's content; 0: not known */
};

struct macro {
    const char *name, *unique_id;
    struct package *package; /* NULL: built in */
    struct jinja_template *template;
    size_t def; /* index in the template */
    const char *path;
    struct jv *fn;
};

/* A model's .yml entry that has versions: {file, body} of the patches. */
struct versioned {
    struct package *pk;
    json_t *patch;
};

/* An entry of semantic_models (0), metrics (1) or saved_queries (2). */
struct semantic {
    struct package *pk;
    const char *shown, *rel;
    int kind;
    json_t *body;
};

struct project {
    struct arena mem;
    struct project_options o; /* strings copied */
    const char *dir, *target_dir;
    const char *target_name, *schema;
    const char *database; /* NULL: relations have none */
    json_t *target;       /* what templates see */
    struct package *root;
    bool has_profile;               /* profiles.yml names the target */
    VEC(struct package *) packages; /* root last */
    item_list items;
    item_list disabled;
    struct map by_id; /* unique_id → item */
    struct map
        by_name; /* "name" → first refable item, chained by `same_name` lookups */
    struct map patches; /* "kind package name" → json_t * */
    json_t *cli_vars;
    json_t *docs;                   /* unique id → block, as the manifest has it */
    VEC(struct semantic) semantics; /* as declared */
    json_t *semantic;               /* section → unique id → the manifest's entry */
    json_t *groups;                 /* unique id → the manifest's entry */
    struct map latest;              /* "package.model" → its latest version */
    VEC(struct versioned) versioned; /* models with versions, as declared */
    VEC(struct item *) unit_tests;   /* declared; items once their models are known */
    VEC(struct macro *) macros;
    struct map natives;     /* functions of the context that a macro has replaced */
    struct map macro_by_id; /* "package.name"; package "dbt" for built-in ones */
    VEC(struct jinja_template *) templates;
    VEC(char *) texts; /* file contents the templates point into */
    struct jinja_env *env;
    VEC(const char *) warnings;
    VEC(size_t) faults;  /* those warnings that are errors */
    const char *refused; /* what ends the load, found while a template was rendered */
    int64_t now_ms;
    char invocation_id[40];
    json_t *config_defaults[NODE_MACRO + 1]; /* of manifest_node.c, by node type */
    struct defer *defer;                     /* defer.c; NULL: none */
    json_t *flags;         /* of the invocation, by dbt's names; NULL: none given */
    struct render *render; /* in progress */
    /* parsing */
    json_t *no_config, *no_list; /* what items share while they have none */
    json_t *no_column_config;
    struct map configs;   /* config.c: what a config was made of → json_t * */
    struct buf key;       /* config.c */
    bool has_plain_names; /* no macro replaces the built-in generate_*_name */
    struct arena scratch; /* of the outermost rendering */
    struct cache *cache;  /* cache.h; NULL: none is used */
    bool is_scratch_used;
};

/* From start to before end, in ms; what is not there is open. */
struct event_window {
    bool has_start, has_end;
    int64_t start, end;
};

/* A batch of a microbatch model: id 20240917, name 2024-09-17. */
struct event_batch {
    struct event_window window;
    char id[24], name[24];
};

/* One rendering: what the context's functions look at (jinja_userdata of the env). */
struct render {
    struct project *p;
    struct wh *w;      /* NULL at parse time */
    struct item *item; /* NULL: project hooks */
    bool is_execute, full_refresh, is_yaml;
    int var_depth;     /* vars that are being rendered */
    bool has_existing; /* existing: what stood there when the node's build began */
    enum wh_relation_type existing;
    /* ref(built) gives this relation instead: what is judged before it is live */
    const struct item *built;
    const char *built_schema, *built_name;
    item_list ctes; /* ephemerals that were referred to, each once */
    struct unit_test
        *unit;          /* its inputs stand in for relations; NULL: not a unit test */
    struct jv *results; /* dict: statement name → {data, table, response} */
    struct jv *run_results, *schemas, *database_schemas; /* on-run-end */
    struct render *outer;
    struct build *build; /* being made by macros: custom.c; NULL otherwise */
    const struct event_batch *batch; /* of a microbatch model; NULL otherwise */
};

static inline struct item *item_of(const struct node *n)
{
    return (struct item *)(uintptr_t)n;
}

/* ── item.c ── */
void project_warn(struct project *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same of what is an error: parse ends with it, other commands go on without. */
void project_fault(struct project *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
struct item *item_new(struct project *p, struct package *pk, enum node_type type);
/* Gives the item its unique id and files it; ERR_CONFIG for a name used twice. */
int item_add(struct project *p, struct item *it, const char *unique_id, struct err *e);
void item_free(struct item *it);
/* Before refs or sources are looked at: what the parse cache has of them is taken. */
void item_unpack(struct item *it);
/* inline_config, refs or sources of an item as its own, to write to. */
json_t *item_own(struct project *p, json_t **shared);
/* Whether ref() may name it. */
bool item_is_refable(enum node_type t);
/* sha256 of the text without the white space around it, hex. */
const char *item_checksum(struct project *p, const char *text, size_t n);
void item_break(struct project *p, struct item *it, const char *why);
const char *node_type_name(enum node_type t);

/* ── load.c ── */
int load_files(struct project *p, struct err *e);

/* ── patch.c ── */
/* Puts the node's properties entry to it, once. */
void patch_apply(struct project *p, struct item *it);
/* An entry's properties onto an item. shown: its file. */
void patch_use(struct project *p, struct item *it, json_t *body, const char *shown);
/* description: the one property that may call doc(). */
const char *described(struct project *p, const char *text);
/* The "columns" of a properties entry by name, as the manifest has them. */
json_t *columns_by_name(struct project *p, const json_t *owner);

/* ── parse.c ── */
/* Renders the item's template to see what it refers to, or knows from the cache. */
void parse_item(struct project *p, struct item *it, struct buf *out);
/* Config and relation name of every node, as far as no template needs be rendered. */
void parse_configs(struct project *p);
/* Renders the templates: refs, sources and config() calls. */
void parse_links(struct project *p);

/* ── relation_name.c ── */
/* Looks which macros name relations; after macros_load. */
void item_names_begin(struct project *p);
/* alias and schema by the generate_*_name macros. */
void item_name_relation(struct project *p, struct item *it);

/* ── link.c ── */
/* Takes disabled nodes out; ERR_CONFIG for two nodes that make one relation. */
int link_check(struct project *p, struct err *e);
/* The lists of struct node, and each test to the node it is judged with. */
void link_finish(struct project *p);

/* ── packages.c ── */
/* Lists of folders in dbt_project.yml ("model-paths"), or the default. */
json_t *package_paths(const struct package *pk, const char *key, const char *fallback);
int packages_load(struct project *p, struct err *e);

/* ── profile.c ── */
struct profile_choice {
    const char *project_dir;
    const char *profiles_dir, *profile, *target;    /* NULL: as dbt finds them */
    const char *platform_profile, *platform_target; /* of weir.yml, before dbt's */
    json_t *vars;                                   /* of --vars; may be NULL */
    bool is_strict;     /* a profile that is not there is an error */
    bool is_home_taken; /* ~/.dbt is looked at */
};
/* *out: {path, profile, target, output}, output rendered and with its secrets; NULL
 * when there is none. */
int profile_read(const struct profile_choice *c, json_t **out, struct err *e);

/* ── target.c ── */
int target_load(struct project *p, struct err *e);

/* ── files.c ── */
typedef int file_fn(void *arg, const char *path, const char *rel, struct err *e);
/* Every file under dir, sorted by path, symlinked folders not entered twice. Missing
 * dir: nothing. */
int files_walk(const char *dir, file_fn *fn, void *arg, struct err *e);
/* Text of a file in the project's memory, checked to be UTF-8. */
int files_read(struct project *p, const char *path, const char **text, size_t *n,
               struct err *e);
/* The same with dbt's checksum of it. */
int files_read_sum(struct project *p, const char *path, const char **text, size_t *n,
                   const char **sum, struct err *e);
/* yaml_read_path of a file of the project. */
int files_yaml(struct project *p, const char *path, const char *shown, json_t **out,
               struct err *e);
/* dbt hashes the content of small seeds only; of others, the path stands for it: NULL.
 */
const char *files_sum(struct project *p, const char *path);

/* ── docs.c ── */
/* The page that docs viewers begin with; a project may have its own. */
void docs_begin(struct project *p);
/* A {% docs name %} block of the file shown. */
void docs_add(struct project *p, const char *package, const char *name,
              const char *shown, const char *text, size_t n);
/* The block that doc(package, name) means as seen from a package (NULL: the root);
 * package NULL: that one, the root, any. Borrowed; NULL: there is none. */
const json_t *docs_find(const struct project *p, const struct package *from,
                        const char *package, const char *name);
/* Unique ids of the blocks that a description calls. A new reference. */
json_t *docs_called(const struct project *p, const struct package *from,
                    const char *description);

/* ── defer.c ── */
/* The relation that a ref to it means instead, borrowed; false: its own. */
bool defer_relation(const struct render *r, const struct item *it, const char **schema,
                    const char **name);
/* The relation that the state's manifest has for it, borrowed; false: none. */
bool defer_other(const struct project *p, const struct item *it, const char **schema,
                 const char **name);
void defer_free(struct project *p);

/* ── clone.c ── */
/* Whether the invocation's command is clone. */
bool clone_is_asked(const struct project *p);
struct build;
int clone_run(struct build *b, struct err *e);

/* ── flags.c ── */
/* flags and invocation_args_dict of the context. */
void flags_context(struct project *p);

/* ── config.c ── */
void config_merge(json_t *into, const char *key, json_t *v);
void config_update(json_t *into, json_t *from);
/* Sets it->pub.config from dbt_project.yml, properties and inline config. Nodes whose
 * configs are made of the same share one value: it is never changed in place. */
void config_apply(struct project *p, struct item *it);
void config_free(struct project *p);
/* The same as written, unrendered and without defaults (dbt's unrendered_config). A new
 * reference to what items may share: not to be changed. */
json_t *config_unrendered(struct project *p, const struct item *it);
/* What make gives, made once for all items whose config is the same one: it may look at
 * pub.config and pub.type alone. Not to be changed, either. */
typedef json_t *config_fn(struct project *p, const struct item *it);
json_t *config_complete(struct project *p, const struct item *it, config_fn *make);
/* bool of a config; strings "true"/"false" understood. */
bool config_flag(const json_t *config, const char *key, bool fallback);

/* ── names.c ── */
void names_fqn(struct project *p, struct item *it, const char *rel, const char *last);
void names_test(struct project *p, struct item *test, const char *prefix,
                const char *target, json_t *args, const char **short_name,
                const char **full_name);
const char *names_test_hash(struct project *p, const char *name,
                            const struct item *test);

/* ── properties.c ── */
int properties_read(struct project *p, struct package *pk, const char *path,
                    const char *shown, const char *rel, struct err *e);
int properties_tests(struct project *p, struct err *e);
/* Arguments of a test that are config, in dbt's order; NULL-terminated. */
extern const char *const test_config_keys[];
void properties_free(struct project *p);

/* ── snapshot_files.c ── */
/* The {% snapshot %} blocks of a file. */
int snapshots_read(struct project *p, struct package *pk, const char *path,
                   const char *shown, const char *rel, struct err *e);
/* An entry of "snapshots:"; one without a relation only describes a block. */
int snapshots_declare(struct project *p, struct package *pk, const char *shown,
                      const char *rel, json_t *body, struct err *e);

/* ── semantic.c ── */
int semantic_declare(struct project *p, struct package *pk, const char *key,
                     const char *shown, const char *rel, json_t *body, struct err *e);
/* After the links are checked: exposures may then depend on metrics. */
int semantic_link(struct project *p, struct err *e);
/* parents: list of unique ids, borrowed. */
typedef void semantic_fn(void *arg, const char *id, json_t *parents);
void semantic_each(const struct project *p, semantic_fn *fn, void *arg);
/* [["revenue"]] of an exposure that depends on metric('revenue'); a new reference. */
json_t *semantic_metrics(const struct item *exposure);
void semantic_free(struct project *p);

/* ── groups.c ── */
int group_add(struct project *p, struct package *pk, const char *shown, const char *rel,
              json_t *body, struct err *e);
/* Groups that are named exist, references are allowed; warns of deprecated models. */
int groups_check(struct project *p, struct err *e);
/* A declared test is of its node's group; NULL: none. */
const char *group_of(const struct project *p, const struct item *it);
json_t *group_map(const struct project *p); /* group → unique ids; a new reference */

/* ── contract.c, contract_check.c ── */
bool contract_is_enforced(const struct item *it);
/* Checks a model's contract and constraints; foreign keys become dependencies. */
int contract_link(struct project *p, struct item *it, struct err *e);
struct build;
/* ERR_FAIL with dbt's table when what sql gives is not what the contract promises. */
int contract_check(struct build *b, const char *sql, struct err *e);
/* The table schema.name with the promised types and constraints, filled with the rows
 * of the temp table of that name. */
int contract_fill(struct build *b, const char *name, struct err *e);
/* The type that STRING and dbt's other labels mean, unless alias_types is false. */
const char *contract_type(const struct item *it, const char *type);
/* A model's constraints and the types that aliases mean, into its node for templates.
 */
void contract_node(const struct item *it, json_t *node);
/* exceptions.raise_contract_error(promised, given): lists of {name, data_type}. */
struct jv *contract_raise(struct jinja_call *c, struct jv *promised, struct jv *given);

/* ── versions.c ── */
/* "2" of 2 and of "2". */
const char *version_text(struct project *p, json_t *v);
/* The entry of a model as it stands for one of its versions; a new reference. */
json_t *version_body(struct project *p, const json_t *body, const json_t *version);
/* Models become the versions their entries say. */
int versions_link(struct project *p, struct err *e);

/* ── unit_tests.c, unit_run.c ── */
/* An entry of "unit_tests:"; it becomes an item in unit_tests_link. */
int unit_tests_declare(struct project *p, struct package *pk, const char *shown,
                       const char *rel, json_t *body, struct err *e);
int unit_tests_link(struct project *p, struct err *e);
json_t *unit_test_manifest(const struct project *p, const struct item *it);
int unit_run(struct project *p, struct wh *w, struct item *test,
             struct model_result *result, struct err *e);

/* ── artifacts.c, results.c ── */
json_t *results_metadata(const struct project *p);
/* "metadata" of an artifact with that dbt_schema_version; a new reference. */
json_t *artifact_metadata(const struct project *p, const char *schema);
/* v as TARGET/name. */
int artifact_save(const struct project *p, const char *name, const json_t *v,
                  struct err *e);

/* ── manifest*.c: what dbt's manifest says of things; new references ── */
json_t *manifest_node(struct project *p, struct item *it);
json_t *manifest_source(struct project *p, struct item *it);
json_t *manifest_macro(struct project *p, const struct macro *m);
/* Of every hook of on-run-start and on-run-end: calls fn with its node (taken). */
typedef void manifest_fn(void *arg, const char *id, json_t *node);
void manifest_operations(struct project *p, manifest_fn *fn, void *arg);
/* Sets "checksum" of a unit test's entry, and what its overrides leave out. */
void manifest_unit_checksum(struct project *p, json_t *n);
/* Columns that identify a row, by constraints and tests. */
json_t *manifest_primary_key(struct project *p, struct item *it);

/* ── exposure.c ── */
int exposure_add(struct project *p, struct package *pk, const char *shown,
                 const char *rel, json_t *body, struct err *e);
json_t *exposure_manifest(struct project *p, struct item *it);

/* ── macros.c ── */
int macros_load(struct project *p, struct err *e);
int macros_add(struct project *p, struct package *pk, const char *name,
               const char *text, size_t n, struct err *e);
/* As seen from a package (NULL: built-in): it, then root, then built-in. */
struct macro *macros_find(struct project *p, const struct package *from,
                          const char *name);
struct macro *macros_in(struct project *p, const char *package, const char *name);
/* Whether a node of pk gets another macro than the built-in one of that name. */
bool macros_overridden(struct project *p, const struct package *pk, const char *name);
struct jv *macros_dispatch(struct jinja_call *c, struct project *p, const char *name,
                           const char *ns);
struct jv *macros_namespace(struct project *p, const char *package);
extern const struct builtin_text {
    const char *text, *path; /* path: shown in errors */
} builtin_macros[];          /* to a NULL text */

/* ── context.c ── */
void context_globals(struct project *p);
void context_run(struct project *p);    /* flags and ids of the next run */
void context_target(struct project *p); /* again, once the target is known */
/* The dict a template of r->item is rendered in. model and this come when they are
 * asked for: few templates do. */
struct jv *context_new(struct render *r, struct arena *mem);
struct jv *context_model(struct render *r, struct arena *mem);
/* "model", "this" → their value, kept in the context; NULL: another name. */
struct jv *context_late(struct jinja_call *c, struct render *r, const char *name);
/* Memory for one rendering, and its end. */
struct arena *render_memory(struct project *p, struct arena *own);
void render_forget(struct project *p, struct arena *mem);
void render_begin(struct render *r, struct project *p, struct wh *w, struct item *it);
void render_end(struct render *r);
int render_text(struct render *r, const char *name, const char *text, size_t n,
                struct buf *out, struct err *e);
int render_item(struct render *r, struct buf *out, struct err *e);
/* Scalars of YAML with {{ }} → values, keeping types. */
json_t *render_yaml(struct project *p, json_t *v, const char *where);
/* version NULL: the latest of a model that has versions. */
struct item *context_ref(struct project *p, const struct package *from, const char *pkg,
                         const char *name, const char *version);
struct item *context_source(struct project *p, const struct package *from,
                            const char *source, const char *table);
json_t *context_var(struct project *p, const struct package *pk, const char *name);
void item_depend(struct item *it, const char *unique_id);

/* ── relation.c, adapter.c, table.c ── */
struct jv *relation_new(struct project *p, struct arena *mem, const char *schema,
                        const char *name, enum wh_relation_type type);
struct jv *relation_of(struct render *r, struct arena *mem, struct item *it);
struct jv *relation_subquery(struct arena *mem, const char *text, const char *schema,
                             const char *name);
/* The same relation, printed as this text. */
struct jv *relation_narrowed(struct arena *mem, const struct jv *of, const char *text);
bool relation_parts(const struct jv *v, const char **schema, const char **name);
struct jv *relation_api(struct project *p);
struct jv *column_new(struct arena *mem, const char *name, const char *type);
struct jv *column_api(struct arena *mem); /* api.Column */
/* A datetime in UTC, as of modules.datetime. */
struct jv *moment_utc(struct arena *mem, int64_t ms);
struct jv *columns_of(struct render *r, struct arena *mem, const char *schema,
                      const char *name);
struct jv *adapter_new(struct project *p);
/* adapter_config.c: what the adapter knows without asking the warehouse; NULL: nothing
 * of that name. */
struct jv *adapter_more(struct jinja_call *c, const char *name);
/* Parts of a Column, in memory of the call's. */
bool column_parts(const struct jv *v, const char **name, const char **type);
/* Rows of a query as an agate-like table; NULL after jinja_fail. */
struct jv *table_query(struct jinja_call *c, struct render *r, const char *sql,
                       struct jv **rows);
/* A cell of one. */
struct jv *table_cell(struct arena *mem, struct wh_value v);
/* Such a table of a list of names and of a list of lists. */
struct jv *table_new(struct arena *mem, struct jv *names, struct jv *rows);
/* The rows of such a table as a list of lists; empty for NULL. */
struct jv *table_data(struct jv *table, struct arena *mem);

/* ── execution.c ── */
void execution_globals(struct project *p);
void execution_literal(struct buf *out, const struct jv *v); /* as SQL writes it */
/* Rows that a statement's response tells of; -1: unknown. */
int64_t execution_rows(const struct jv *response);
jinja_fn execution_execute, execution_add_query, execution_commit;

/* ── microbatch.c ── */
bool microbatch_is(const struct build *b);
int microbatch_run(struct build *b, struct err *e);

/* ── custom.c ── */
/* The macro that materializes the item: one of the project's own, or the built-in one
 * when the project overrides a macro that it is made of. NULL: the engine's own way. */
struct macro *custom_find(const struct build *b);
/* ERR_CONFIG: an incremental strategy that nobody has. */
int custom_check(const struct build *b, struct err *e);
int custom_run(struct build *b, struct macro *m, struct err *e);
/* wh_exec; on engines whose views cannot look into other schemas, a CREATE VIEW is made
 * as wh_create_view makes it. */
int view_exec(struct wh *w, const char *sql, struct err *e);

/* ── compile.c ── */
int compile_item(struct render *r, struct buf *sql, struct err *e);
/* A query by its name, for "with". */
struct cte {
    const char *name;
    char *sql; /* mem_free */
};
typedef VEC(struct cte) cte_list;
/* sql with the CTEs in front of its own; into out. */
int compile_with(struct buf *out, const struct buf *sql, const cte_list *l,
                 struct err *e);
/* Engine error in SQL of an item → file:line:column of its source, line and caret. */
void compile_explain(struct item *it, struct wh *w, const char *sql, struct err *e);

/* ── artifacts.c, manifest.c ── entries share what they can with their items: read only
 */
json_t *manifest_entry(struct project *p, struct item *it);
/* The section of manifest.json it stands in; all such, NULL-terminated; the rest. */
const char *manifest_section(const struct item *it);
extern const char *const manifest_sections[];
json_t *manifest_rest(struct project *p);
/* TARGET/name with its folders made; mem_free. */
char *target_path(const struct project *p, const char *name);

/* ── materialize.c and friends ── */
#define BUILD_SOURCES 16
struct build {
    struct project *p;
    struct wh *w;
    struct item *it;
    const struct model_run_options *o;
    struct model_result *result;
    struct render r;
    const char *schema, *alias;
    char *tmp; /* alias + TMP_SUFFIX */
    enum wh_relation_type existing;
    bool full_refresh;
    bool is_cloned; /* a view on another relation, whatever the config says */
    struct buf sql;
    bool is_judged;                     /* by a macro: execution.c */
    bool is_first_batch, is_last_batch; /* of a microbatch model: for its hooks */
    /* changes.c: parents that note what changed, and up to where this build knows */
    struct change_source {
        struct item *parent;
        int64_t seq;
    } sources[BUILD_SOURCES];
    size_t n_sources;
};
/* The compiled text of a batch, in a file of its own. */
void materialize_write_batch(const struct build *b, const char *batch);
/* Text under target/KIND/: compiled, run. */
void materialize_write(const struct build *b, const char *kind, const char *text);
const char *materialize_hook_sql(const json_t *hook, bool *is_inside);
int materialize_hooks(struct build *b, const char *key, struct err *e);
/* A view of b->sql with the node's hooks around it. */
int materialize_as_view(struct build *b, struct err *e);
/* Own tests and gate on schema.name; 0 when it may be published. */
int materialize_judge(struct build *b, const char *schema, const char *name,
                      struct err *e);
/* Indexes on the declared keys (unique_key, unique tests) of schema.name. */
int materialize_keys(struct build *b, const char *name, struct err *e);
int incremental_run(struct build *b, struct err *e);
/* Strategies that incremental_run has; others are macros. */
bool incremental_knows(const char *strategy);
/* Days that changed late (meta.changes_by). Before the new rows are selected: */
void changes_begin(struct build *b);
/* the days that the new rows lack, computed and added to them; */
int changes_compute(struct build *b, struct err *e);
/* in the publishing transaction, before the table changes: this build's days, for its
 * children (keys: "a, b", of unique_key; "": none), and the old rows of changed days;
 */
int changes_note(struct build *b, const char *keys, struct err *e);
int changes_clear(struct build *b, struct err *e);
/* at its end: this build has seen its parents' changes. */
int changes_seen(struct build *b, struct err *e);
int snapshot_run(struct build *b, struct err *e);
/* Strategies of the engine's own; others are macros snapshot_NAME_strategy. */
bool snapshot_knows(const char *strategy);
/* What such a strategy needs in the config. */
int snapshot_check(struct build *b, struct err *e);
int seed_build(struct build *b, struct err *e);
/* The seed's rows as an agate-like table. */
int seed_table(struct build *b, struct arena *mem, struct jv **out, struct err *e);
/* known: the number of failures if it was counted already, else -1. */
int testing_run(struct project *p, struct wh *w, struct item *test,
                const struct item *built, const char *schema, const char *name,
                bool store_failures, int64_t known, json_t **out, struct err *e);
/* Failures of the built-in tests that one scan of schema.name can count; -1 for others.
 */
void testing_count(struct project *p, struct wh *w, const item_list *tests,
                   const char *schema, const char *name, int64_t *failures);

#endif
