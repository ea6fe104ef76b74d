/* conf_show: every setting in force, its value and where it came from. In: a platform.
 * Out: text or JSON. Called by `weir conf show` and the console. Always holds: a
 * secret's value is never written. */
#include "conf/conf.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "base/text.h"

static const char *shown(const struct conf_origin *o)
{
    return o->is_secret ? "***" : o->value;
}

static void show_text(const struct platform *p, struct buf *out)
{
    int path_width = 7, value_width = 5;
    for (size_t i = 0; i < p->n_origins; i++) {
        int n = (int)strlen(p->origins[i].path);
        int v = text_width(shown(&p->origins[i]), strlen(shown(&p->origins[i])));
        path_width = n > path_width ? n : path_width;
        value_width = v > value_width && v <= 40 ? v : value_width;
    }
    buf_addf(out, "%-*s  %-*s  %s\n", path_width, "SETTING", value_width, "VALUE",
             "FROM");
    for (size_t i = 0; i < p->n_origins; i++) {
        const struct conf_origin *o = &p->origins[i];
        const char *v = shown(o);
        int w = text_width(v, strlen(v));
        buf_addf(out, "%-*s  ", path_width, o->path);
        text_sanitise(out, v, strlen(v));
        buf_addf(out, "%*s  ", w < value_width ? value_width - w : 0, "");
        text_sanitise(out, o->from, strlen(o->from));
        buf_addc(out, '\n');
    }
}

static json_t *show_json(const struct platform *p)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < p->n_origins; i++) {
        json_t *row = json_object();
        json_put_str(row, "setting", p->origins[i].path);
        json_put_str(row, "value", shown(&p->origins[i]));
        json_put_str(row, "from", p->origins[i].from);
        json_array_append_new(rows, row);
    }
    json_t *all = json_object();
    json_put_str(all, "project_dir", p->project_dir);
    json_put_str(all, "state_dir", p->state_dir);
    json_put_str(all, "file", p->file);
    json_put(all, "settings", rows);
    return all;
}

int conf_show(const struct platform *p, bool as_json, struct buf *out, struct err *e)
{
    if (!as_json) {
        show_text(p, out);
        return buf_check(out, "settings", e);
    }
    json_t *v = show_json(p);
    int rc = json_dump_buf(v, JSON_INDENT(2), out, e);
    json_decref(v);
    buf_addc(out, '\n');
    return rc;
}
