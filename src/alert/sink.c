/* The sinks by name, and one alert to all sinks that take its severity. */
#include "alert/alert.h"

#include "base/json.h"
#include "base/str.h"

#define X(kind) extern const struct alert_sink alert_sink_##kind;
#include "alert/sink.list"
#undef X

const struct alert_sink *alert_sink_find(const char *kind)
{
    static const struct alert_sink *const sinks[] = {
#define X(kind) &alert_sink_##kind,
#include "alert/sink.list"
#undef X
    };
    for (size_t i = 0; i < sizeof sinks / sizeof(sinks[0]); i++)
        if (streq(sinks[i]->kind, kind))
            return sinks[i];
    return NULL;
}

static bool takes(const struct conf_sink *s, const char *severity)
{
    const char *const *x = s->severities;
    if (!x || !*x)
        return true;
    for (; *x; x++)
        if (streq(*x, severity))
            return true;
    return false;
}

enum alert_outcome alert_deliver(const struct platform *p, const json_t *alert,
                                 unsigned long *done, struct err *e)
{
    enum alert_outcome worst = ALERT_OK;
    const char *severity = json_str(alert, "severity", "critical");
    for (size_t i = 0; i < p->n_sinks && i < sizeof *done * 8; i++) {
        const struct conf_sink *s = &p->sinks[i];
        const struct alert_sink *sink = alert_sink_find(s->kind);
        unsigned long bit = 1UL << i;
        struct err why = {0};
        if ((*done & bit) || !takes(s, severity))
            continue;
        enum alert_outcome o = sink ? sink->deliver(s, alert, &why) : ALERT_PERMANENT;
        if (!sink)
            err_set(&why, ERR_CONFIG, "no sink of kind \"%s\"", s->kind);
        if (o == ALERT_OK) {
            *done |= bit;
            continue;
        }
        err_set(e, why.code, "%s: %s", s->name, why.text);
        worst = worst == ALERT_RETRY ? worst : o;
    }
    return worst;
}
