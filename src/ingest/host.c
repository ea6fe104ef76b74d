/* The plugin's host: what a plugin may ask for, and every call into it.
 *
 * in: a source of weir.yml. out: records of its plugin. Called by ingest.c and by
 * `weir source`. Always holds: no call into a plugin without the guard around it; no
 * setting reaches a plugin that its table does not name. */
#include "ingest/host.h"

#include <errno.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/log.h"
#include "base/str.h"
#include "base/timeutil.h"
#include "ingest/guard.h"
#include "ingest/ingest.h"
#include "ingest/mask.h"

/* ── services ────────────────────────────────────────────────────────────────────── */

static void service_log(void *ctx, enum weir_log_level level, const char *text)
{
    static const enum log_level levels[] = {LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG};
    struct host *h = ctx;
    enum log_level l = (unsigned)level < 4 ? levels[level] : LOG_INFO;
    log_write(l, "source %s: %s", h->source->name, text);
}

int64_t host_now_ms(const struct host *h)
{
    if (h->platform->as_of_ms >= 0)
        return h->platform->as_of_ms;
    if (h->platform->clock == CLOCK_DATA && h->channel && h->channel->now_ms >= 0)
        return h->channel->now_ms;
    return time_wall_ms();
}

static int64_t service_now(void *ctx)
{
    return host_now_ms(ctx);
}

/* Asking is a sign of life as well: long work inside a call asks now and then. */
static bool service_cancelled(void *ctx)
{
    struct host *h = ctx;
    guard_alive();
    if (h->channel)
        channel_beat(h->channel, NULL);
    return h->channel && h->channel->is_stopping;
}

static const struct weir_setting *setting_row(const struct host *h, const char *name)
{
    const struct weir_setting *s = h->plugin->settings;
    for (; s && s->name; s++) {
        if (streq(s->name, name))
            return s;
    }
    return NULL;
}

/* Value as weir.yml has it; NULL when it is absent. arrival has a fixed row in conf. */
static const char *configured(const struct host *h, const char *name)
{
    for (size_t i = 0; i < h->source->n_settings; i++) {
        if (streq(h->source->settings[i].name, name))
            return h->source->settings[i].value;
    }
    return streq(name, "arrival") ? h->source->arrival : NULL;
}

static const char *absolute(struct host *h, const char *path)
{
    if (!*path || path[0] == '/' || !h->platform->project_dir)
        return path;
    return arena_printf(&h->arena, "%s/%s", h->platform->project_dir, path);
}

static const char *service_setting(void *ctx, const char *name)
{
    struct host *h = ctx;
    const struct weir_setting *row = setting_row(h, name);
    const char *v = configured(h, name);
    if (!v)
        v = row ? row->fallback : NULL;
    bool is_path = row && streq(row->type, "path");
    if (streq(name, "arrival"))
        is_path = v && *v && !streq(v, "auto");
    return v && is_path ? absolute(h, v) : v;
}

static void service_count(void *ctx, const char *name, int64_t by)
{
    struct host *h = ctx;
    counts_add(&h->counts->other, name, by);
}

static uint32_t service_mask(void *ctx, char *bytes, size_t n)
{
    struct host *h = ctx;
    return mask_bytes(bytes, n, h->plugin->id_fields);
}

void host_init(struct host *h, const struct platform *p, const struct conf_source *s,
               struct channel *ch, struct counts *counts)
{
    *h = (struct host){.platform = p, .source = s, .channel = ch, .counts = counts};
    arena_init(&h->arena, 0);
    h->services = (struct weir_host){
        .size = sizeof(h->services),
        .ctx = h,
        .log = service_log,
        .now_ms = service_now,
        .cancelled = service_cancelled,
        .setting = service_setting,
        .count = service_count,
        .mask = service_mask,
    };
}

void host_release(struct host *h)
{
    host_close(h);
    if (h->library) {
        guard_enter("unload");
        dlclose(h->library);
        guard_leave();
    }
    h->library = NULL;
    arena_release(&h->arena);
}

/* ── settings ────────────────────────────────────────────────────────────────────── */

static bool is_bool(const char *v)
{
    static const char *const words[] = {"true", "false", "yes", "no",
                                        "on",   "off",   "1",   "0"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (streq(v, words[i]))
            return true;
    }
    return false;
}

static bool is_percent(const char *v)
{
    size_t n = strlen(v);
    double d;
    struct str s = {v, n > 0 && v[n - 1] == '%' ? n - 1 : n};
    return str_to_double(s, &d) && d >= 0 && d <= 100;
}

static bool fits(const char *type, const char *v)
{
    int64_t i;
    if (streq(type, "int"))
        return str_to_i64(str_of(v), &i);
    if (streq(type, "bool"))
        return is_bool(v);
    if (streq(type, "duration"))
        return time_parse_duration(str_of(v), &i);
    if (streq(type, "percent"))
        return is_percent(v);
    return !streq(type, "path") || *v;
}

static int unknown_setting(const struct host *h, const char *name, struct err *e)
{
    const char *names[64];
    size_t n = 0;
    for (const struct weir_setting *s = h->plugin->settings; s && s->name && n < 64;
         s++)
        names[n++] = s->name;
    const char *near = str_nearest(name, names, n);
    return err_set(
        e, ERR_CONFIG, "sources.%s.%s: plugin %s knows no such setting%s%s%s",
        h->source->name, name, h->plugin->name, near ? "; did you mean \"" : "",
        near ? near : "", near ? "\"?" : "");
}

static int check_settings(const struct host *h, struct err *e)
{
    for (size_t i = 0; i < h->source->n_settings; i++) {
        const struct conf_pair *c = &h->source->settings[i];
        const struct weir_setting *s = setting_row(h, c->name);
        if (!s)
            return unknown_setting(h, c->name, e);
        if (!fits(s->type, c->value))
            return err_set(e, ERR_CONFIG, "sources.%s.%s: %s expected, not \"%s\" (%s)",
                           h->source->name, c->name, s->type, c->value, s->doc);
    }
    for (const struct weir_setting *s = h->plugin->settings; s && s->name; s++) {
        if (s->is_required && !configured(h, s->name))
            return err_set(e, ERR_CONFIG, "sources.%s.%s is missing: %s",
                           h->source->name, s->name, s->doc);
    }
    return 0;
}

int host_load(struct host *h, struct err *e)
{
    int rc = plugin_load(h->source->plugin, &h->library, &h->plugin, e);
    if (rc == 0)
        rc = check_settings(h, e);
    return rc < 0 ? err_wrap(e, rc, "source %s", h->source->name) : 0;
}

/* ── calls ───────────────────────────────────────────────────────────────────────── */

int host_error(struct host *h, enum weir_status st, const char *call, struct err *e)
{
    h->error[WEIR_ERROR_MAX - 1] = 0;
    if (st == WEIR_ERROR || st == WEIR_FATAL)
        return err_set(
            e, st == WEIR_FATAL ? ERR_PLUGIN : ERR_IO, "source %s: %s", h->source->name,
            h->error[0] ? h->error : "the plugin failed and does not say why");
    return err_set(e, ERR_PLUGIN,
                   "source %s: plugin %s: %s returned %d, which means nothing",
                   h->source->name, h->plugin->name, call, (int)st);
}

static int make_folder(const char *path, struct err *e)
{
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_errno(e, ERR_IO, "%s", path);
    return 0;
}

static int make_state_dir(struct host *h, struct err *e)
{
    char base[4096];
    conf_state_path(h->platform, "sources", base, sizeof(base));
    int rc = make_folder(base, e);
    if (rc < 0)
        return rc;
    h->services.state_dir = arena_printf(&h->arena, "%s/%s", base, h->source->name);
    return make_folder(h->services.state_dir, e);
}

int host_open(struct host *h, bool bounded, const char *checkpoint, struct err *e)
{
    int rc = make_state_dir(h, e);
    if (rc < 0)
        return rc;
    h->error[0] = 0;
    guard_enter("open");
    int st = h->plugin->open(&h->services, bounded, *checkpoint ? checkpoint : NULL,
                             &h->self, h->error);
    guard_leave();
    if (st != 0) {
        h->self = NULL;
        return host_error(h, (enum weir_status)st, "open", e);
    }
    return 0;
}

void host_close(struct host *h)
{
    if (!h->self)
        return;
    guard_enter("close");
    h->plugin->close(h->self);
    guard_leave();
    h->self = NULL;
}

enum weir_status host_next(struct host *h, struct weir_record *rec)
{
    *rec = (struct weir_record){.event_ms = WEIR_TIME_UNKNOWN,
                                .arrival_ms = WEIR_TIME_UNKNOWN};
    h->error[0] = 0;
    guard_enter("next");
    enum weir_status st = h->plugin->next(h->self, rec, h->error);
    guard_leave();
    return st;
}

int host_checkpoint(struct host *h, char *out, size_t size, struct err *e)
{
    h->error[0] = 0;
    out[0] = 0;
    guard_enter("checkpoint");
    int st = h->plugin->checkpoint(h->self, out, size, h->error);
    guard_leave();
    if (st != 0)
        return host_error(h, (enum weir_status)st, "checkpoint", e);
    if (!memchr(out, 0, size))
        return err_set(e, ERR_PLUGIN, "source %s: plugin %s: checkpoint without an end",
                       h->source->name, h->plugin->name);
    return 0;
}

void host_committed(struct host *h)
{
    if (!h->plugin->committed)
        return;
    guard_enter("committed");
    h->plugin->committed(h->self);
    guard_leave();
}

void host_progress(struct host *h, int64_t *position, int64_t *total)
{
    *position = *total = 0;
    if (!h->plugin->progress || !h->self)
        return;
    guard_enter("progress");
    h->plugin->progress(h->self, position, total);
    guard_leave();
}

int host_discover(struct host *h, char *out, size_t size, struct err *e)
{
    out[0] = 0;
    h->error[0] = 0;
    if (!h->plugin->discover)
        return 0;
    guard_enter("discover");
    int st = h->plugin->discover(&h->services, out, size, h->error);
    guard_leave();
    return st == 0 ? 0 : host_error(h, (enum weir_status)st, "discover", e);
}
