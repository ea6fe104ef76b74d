/* What the files of the template engine share: value layout, syntax tree, call state.
 * Only src/jinja includes this.
 *
 * Errors travel as NULL (values) or FLOW_STOP (statements): the reason is in the call,
 * or, when there is none, memory ran out. Nothing is freed on the way: it lives in
 * arenas. */
#ifndef JINJA_INTERNAL_H
#define JINJA_INTERNAL_H

#include "base/str.h"
#include "jinja/jinja.h"

#define JV_TYPES (JV_OBJECT + 1)

enum fn_kind { FN_NATIVE, FN_MACRO, FN_METHOD };
#define TUPLE_GROUP                                                                    \
    1 /* kind of a tuple that is a group of groupby: .grouper, .list                   \
       */
#define LIST_GENERATOR                                                                 \
    1 /* kind of a list that is a generator in Jinja2: always true                     \
       */

struct builtin;
struct macro;

struct jv {
    uint8_t type;  /* enum jv_type */
    uint8_t kind;  /* of JV_FUNC: enum fn_kind; of JV_LIST: LIST_GENERATOR or 0 */
    uint32_t hash; /* of a string; 0: not computed yet */
    union {
        bool b;
        int64_t i;
        double d;
        struct {
            const char *p;
            size_t n;
        } s;
        struct {
            struct jv **v;
            uint32_t n, cap;
            struct arena *a;
        } seq;
        struct jdict *map; /* dict and set */
        struct {
            const char *name;
            jinja_fn *fn;
            void *userdata;
        } fn;
        struct {
            struct jv *self;
            const struct builtin *row;
        } method;
        struct macro *macro;
        struct {
            const struct jinja_class *cls;
            void *self;
        } obj;
        struct {
            const char *name;
            const char *text; /* what to say when it is used */
        } undef;
    } u;
};

struct jdict_entry {
    struct jv *k, *v; /* k NULL: deleted */
    uint32_t hash;
};
struct jdict {
    struct arena *a;
    struct jdict_entry *e;
    uint32_t n, cap, live;
    uint32_t *slots; /* index + 1, NULL while small */
    uint32_t n_slots;
};

/* Arguments of one call as written. */
struct cargs {
    struct jv **v;
    size_t n;
    const char *const *kw_names;
    struct jv **kw_values;
    size_t n_kw;
};

/* A filter, test or method: s[] are the arguments bound to params, NULL when absent. */
typedef struct jv *builtin_fn(struct jinja_call *c, struct jv *self, struct jv **s,
                              const struct cargs *raw);
struct builtin {
    const char *name;
    builtin_fn *fn;
    const char *params; /* "sep maxsplit"; "*": takes raw itself */
    uint8_t required;
};
#define BUILTIN_MAX_PARAMS 8

/* An interned name: pointer equality is name equality within an env. */
struct sym {
    struct jv str; /* first member: a sym is a string value */
    const struct builtin *filter, *test;
    const struct builtin *method[JV_TYPES];
    bool has_looked;
    bool is_pure; /* as a global: jinja_env_pure */
};

/* ── syntax tree ── */
enum node_kind {
    N_TEXT,
    N_PRINT,
    N_IF,
    N_FOR,
    N_SET,
    N_SETBLOCK,
    N_MACRO,
    N_CALLBLOCK,
    N_DO,
    N_BREAK,
    N_CONTINUE,
    N_FILTERBLOCK,
    N_WITH,
    N_SKIP,
    E_CONST,
    E_NAME,
    E_LIST,
    E_TUPLE,
    E_DICT,
    E_NEG,
    E_POS,
    E_NOT,
    E_AND,
    E_OR,
    E_COND,
    E_BIN,
    E_CONCAT,
    E_COMPARE,
    E_ATTR,
    E_ITEM,
    E_SLICE,
    E_CALL,
    E_FILTER,
    E_TEST,
    E_NSREF
};
enum op {
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_FLOORDIV,
    OP_MOD,
    OP_POW,
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_IN,
    OP_NOTIN
};

/* Statements, list items and arguments are chained by next. */
struct node {
    uint8_t kind, op;
    bool flag;  /* N_FOR: recursive; N_IF: c is an elif; E_TEST: is not */
    bool flag2; /* N_FOR: its body uses loop */
    uint32_t line, col;
    uint32_t n; /* items chained at a (lists), bytes of text */
    struct node *next;
    struct node *a, *b, *c, *d;
    struct sym *sym;
    union {
        struct jv *value;      /* E_CONST, E_NSREF */
        const char *text;      /* N_TEXT */
        struct callargs *args; /* calls, filters, tests; N_FOR: its "if" at pos */
        struct macro_def *def; /* N_MACRO, N_CALLBLOCK */
    };
};

struct callargs {
    struct node *pos;
    size_t n;
    const char **kw_names;
    struct node *kw; /* chained like kw_names */
    size_t n_kw;
    struct node *star, *dstar;
};

struct param {
    struct sym *sym;
    struct node *fallback;
    struct param *next;
};
struct macro_def {
    struct sym *sym; /* name, "caller" for call blocks */
    struct param *params;
    size_t n_params;
    struct node *body;
    bool uses_caller, uses_varargs, uses_kwargs, has_caller_param, is_caller;
    uint32_t line;
    struct jinja_template *tmpl;
};

/* ── running ── */
struct var {
    struct sym *sym;
    struct jv *v;
};
#define SCOPE_INLINE 4
struct scope {
    struct scope *parent;
    struct var *vars;
    uint32_t n, cap;
    bool is_captured; /* a macro made here may outlive the loop round */
    struct var first[SCOPE_INLINE];
};
struct macro {
    const struct macro_def *def;
    struct scope *closure;
    struct jv *context; /* NULL: the caller's */
};

struct frame {
    struct frame *up;
    const char *macro, *tmpl;
    uint32_t line; /* of the call */
    struct jinja_template *caller;
};

enum flow { FLOW_OK, FLOW_BREAK, FLOW_CONTINUE, FLOW_STOP };

struct jinja_call {
    struct jinja_env *env;
    struct jinja_template *tmpl;
    struct arena *mem;
    size_t mem_start;
    struct buf *out;
    size_t out_start;
    struct scope *scope;
    struct jv *context;
    const struct node *at;
    struct frame *frames;
    struct jinja_call *up; /* the render this one runs inside */
    size_t steps, depth;
    const char *stack_base;
    struct jv *returned; /* dbt's return(): being unwound */
    bool is_native;      /* jinja_eval: as_bool and friends convert */
    int code;            /* error; text in message */
    char *message;
};

#define UNDEF_DEFAULT   JINJA_UNDEFINED_DEFAULT
#define UNDEF_CHAINABLE JINJA_UNDEFINED_CHAINABLE
#define UNDEF_STRICT    JINJA_UNDEFINED_STRICT

struct jinja_env {
    struct arena mem; /* globals and interned names */
    struct jinja_limits limits;
    enum jinja_undefined undef;
    struct jv *globals;
    jinja_resolve_fn *resolve;
    void *resolve_data, *userdata;
    struct sym **syms;
    size_t n_syms, cap_syms;
    struct jinja_call *active;
    struct jv *filters; /* registered ones: dict of functions */
    bool is_touched;    /* jinja_env_watch */
};

struct jinja_template {
    struct jinja_env *env;
    struct arena *mem; /* own, or whose expression this is */
    struct arena own;
    const char *name;
    const char *src;
    size_t n_src;
    struct node *body;
    struct jinja_def *defs;
    struct macro_def **def_macros;
    size_t n_defs, cap_defs;
    void *data;
};

/* lex.c */
enum tok {
    T_EOF,
    T_DATA,
    T_BLOCK_BEGIN,
    T_BLOCK_END,
    T_VAR_BEGIN,
    T_VAR_END,
    T_NAME,
    T_STRING,
    T_INT,
    T_FLOAT,
    T_ADD,
    T_SUB,
    T_DIV,
    T_FLOORDIV,
    T_MUL,
    T_MOD,
    T_POW,
    T_TILDE,
    T_LBRACKET,
    T_RBRACKET,
    T_LPAREN,
    T_RPAREN,
    T_LBRACE,
    T_RBRACE,
    T_EQ,
    T_NE,
    T_GT,
    T_GE,
    T_LT,
    T_LE,
    T_ASSIGN,
    T_DOT,
    T_COLON,
    T_PIPE,
    T_COMMA,
    T_SEMICOLON,
    T_ERROR
};
struct token {
    enum tok type;
    const char *p; /* NAME, DATA, raw text of others */
    size_t n;
    uint32_t line, col;
    struct sym *sym;  /* NAME */
    struct jv *value; /* STRING, INT, FLOAT */
};
struct lexer {
    struct jinja_template *t;
    const char *p, *end;
    const char *line_start;
    uint32_t line;
    enum { LEX_DATA, LEX_BLOCK, LEX_VAR } state;
    int depth;       /* open brackets */
    char stack[128]; /* which */
    enum tok prev;
    const char *fault; /* T_ERROR: why */
    char fault_text[160];
};
void lex_init(struct lexer *l, struct jinja_template *t);
void lex_next(struct lexer *l, struct token *out);
/* Raw text up to {% end_name %}: for docs and snapshot. After the begin tag's "%}". */
bool lex_raw_until(struct lexer *l, const char *end_name, struct token *out);
const char *tok_name(enum tok t);
struct sym *sym_of(struct jinja_env *env, const char *p, size_t n);

/* parse.c */
int parse_template(struct jinja_template *t, struct err *e);
int parse_expression(struct jinja_template *t, struct node **out, struct err *e);

/* exec.c */
enum flow exec_body(struct jinja_call *c, const struct node *n);
struct jv *macro_call(struct jinja_call *c, struct macro *m, const struct cargs *a);
struct scope *scope_new(struct jinja_call *c, struct scope *parent);
int scope_set(struct jinja_call *c, struct scope *s, struct sym *sym, struct jv *v);
struct jv *macro_value(struct jinja_call *c, const struct macro_def *d);
struct jv *loop_render(struct jinja_call *c, const struct node *n, struct jv *v,
                       size_t depth0, struct scope *parent);

/* eval.c */
struct jv *eval(struct jinja_call *c, const struct node *n);
struct jv *eval_call(struct jinja_call *c, const struct node *n, struct jv *caller);
struct jv *call_value(struct jinja_call *c, struct jv *fn, const struct cargs *a);
struct jv *name_lookup(struct jinja_call *c, struct sym *sym);
void look_up_builtins(struct sym *s); /* fills filter, test and methods of a name */
/* access.c */
struct jv *attr_of(struct jinja_call *c, struct jv *v, struct sym *name);
struct jv *of_undefined(struct jinja_call *c,
                        struct jv *v); /* using an undefined value */
struct jv *get_attr(struct jinja_call *c, struct jv *v, struct jv *name);
struct jv *get_item(struct jinja_call *c, struct jv *v, struct jv *key);
struct jv *get_slice(struct jinja_call *c, struct jv *v, struct jv **bounds);
struct jv *apply_filter(struct jinja_call *c, const struct node *n, struct jv *value);
struct jv *call_filter(struct jinja_call *c, struct sym *name, struct jv *v,
                       const struct cargs *a);
int call_test(struct jinja_call *c, struct sym *name, struct jv *v,
              const struct cargs *a);
struct jv *builtin_call(struct jinja_call *c, const struct builtin *b, struct jv *self,
                        const struct cargs *a);
int truth(struct jinja_call *c, const struct jv *v); /* 1, 0, -1 failed */
struct jv *bool_of(int r);                           /* NULL for -1 */
bool step(struct jinja_call *c);                     /* false: limit, failed */

/* ops.c */
struct jv *op_binary(struct jinja_call *c, enum op op, struct jv *a, struct jv *b);
int op_compare(struct jinja_call *c, enum op op, struct jv *a, struct jv *b);
int jv_equal(struct jinja_call *c, const struct jv *a, const struct jv *b, int depth);
int jv_order(struct jinja_call *c, const struct jv *a, const struct jv *b, int depth,
             int *out);
int op_contains(struct jinja_call *c, struct jv *box, struct jv *item);

/* value.c */
struct jv *jv_new(struct arena *a, enum jv_type t);
bool jv_hash(const struct jv *v, uint32_t *out); /* false: unhashable */
struct jdict_entry *dict_find(const struct jdict *d, const struct jv *key);
struct jv *dict_get(const struct jv *dict, const struct jv *key);
int dict_put(struct jdict *d, struct jv *key, struct jv *v);
struct jv *dict_del(struct jdict *d, const struct jv *key);
void dict_clear(struct jdict *d);
int list_reserve(struct jv *list, size_t n);
bool jv_same(const struct jv *a, const struct jv *b); /* key equality */
const char *type_name(const struct jv *v);            /* Python's */
bool jv_is_num(const struct jv *v);                   /* bool, int, float */
bool jv_is_intlike(const struct jv *v, int64_t *out);
/* A list of what iterating v gives; lists and tuples are returned as they are. */
struct jv *to_list(struct jinja_call *c, struct jv *v);
struct jv *list_copy(struct jinja_call *c, struct jv *v);
bool jv_is_iterable(const struct jv *v);

/* text.c */
void float_text(double d, struct buf *out);
void str_repr(const char *p, size_t n, struct buf *out);
size_t u8_len(const char *p, size_t n);           /* code points */
size_t u8_at(const char *p, size_t n, size_t cp); /* byte index of code point */
bool u8_is_ascii(const char *p, size_t n);
uint32_t u8_next(const char **p, const char *end); /* decodes, advances */
bool cp_is_space(uint32_t cp);
const char *skip_space(const char *p, const char *end);
const char *rskip_space(const char *start, const char *end);
uint32_t cp_lower(uint32_t cp);
uint32_t cp_upper(uint32_t cp);
bool cp_is_alpha(uint32_t cp);
bool cp_is_upper(uint32_t cp);
bool cp_is_lower(uint32_t cp);
struct jv *text_of(struct jinja_call *c, struct jv *v); /* str(v) as JV_STR */
struct jv *json_text(struct jinja_call *c, struct jv *v, int indent, bool sort_keys,
                     bool html_safe);

/* scratch: a heap buffer whose ceiling is the call's; scratch_take copies to the arena
 */
void scratch_init(struct jinja_call *c, struct buf *b);
struct jv *scratch_take(struct jinja_call *c, struct buf *b);

/* format.c */
struct jv *format_percent(struct jinja_call *c, struct str f, struct jv *args);
struct jv *format_braces(struct jinja_call *c, struct str f, const struct cargs *a);
int format_spec(struct jinja_call *c, struct jv *v, struct str spec, struct buf *out);

/* seq.c: shared by filters and methods */
/* In place and stable; key is called on each item when given. false: failed. */
bool sort_list(struct jinja_call *c, struct jv *list, struct jv *key, bool is_reverse);
bool dict_update(struct jinja_call *c, struct jv *dict, const struct cargs *a);

/* tables of builtins */
const struct builtin *filter_find(const char *name);
const struct builtin *test_find(const char *name);
const struct builtin *method_find(enum jv_type t, const char *name);
extern const struct builtin text_filters[], seq_filters[], num_filters[];
extern const struct builtin str_ask_methods[];
extern const struct builtin str_methods[], list_methods[], dict_methods[],
    set_methods[], tuple_methods[], int_methods[], float_methods[];
extern const struct builtin test_rows[];
void globals_init(struct jinja_env *env);
extern const struct jinja_class namespace_class, loop_class;
struct jv *loop_new(struct jinja_call *c, struct jv *items, size_t depth0,
                    void **state);
void loop_at(void *state, size_t i);
void loop_bind(void *state, const struct node *n, struct scope *scope,
               struct jinja_template *t);
int namespace_set(struct jv *ns, struct jv *name, struct jv *v);

struct jv *fail_undefined(struct jinja_call *c, const struct jv *v);
struct jv *fail_limit(struct jinja_call *c, const char *what);
struct jv *undefined_attr(struct jinja_call *c, const struct jv *owner,
                          const struct jv *key);
static inline bool is_undef(const struct jv *v)
{
    return v->type == JV_UNDEFINED;
}
static inline struct jv *arg_of(const struct cargs *a, size_t pos, const char *name)
{
    return jinja_arg(a->v, a->n, a->kw_names, a->kw_values, a->n_kw, pos, name);
}
#define CARGS(values, count) ((struct cargs){.v = (values), .n = (count)})

#endif
