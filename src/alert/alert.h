/* Alert sinks: deliver one alert, say ok, retry or permanent. First member: file (one JSON
 * line per alert, appended, fsynced). The alert worker also turns the anomalies topic into
 * alerts (severity high) and into the console's feed. */
#ifndef ALERT_ALERT_H
#define ALERT_ALERT_H

#include <jansson.h>
#include "base/err.h"
#include "conf/conf.h"
#include "wire/channel.h"

enum alert_outcome { ALERT_OK, ALERT_RETRY, ALERT_PERMANENT };

struct alert_sink {
    const char *kind; /* "file" */
    enum alert_outcome (*deliver)(const struct conf_sink *s, const json_t *alert,
                                  struct err *e);
};
const struct alert_sink *alert_sink_find(const char *kind);

int alert_run(const struct platform *p, struct channel *ch, struct err *e);

#endif
