/* Alert sinks: deliver one alert, say ok, retry or permanent. First member: file (one
 * JSON line per alert, appended, fsynced). The alert worker also turns the anomalies
 * topic into alerts (severity high) and into the console's feed. */
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

/* Every sink of weir.yml that takes the alert's severity, but those in *done (bit i:
 * sink i has it already), gets it; *done is updated. ALERT_OK when all have it. */
enum alert_outcome alert_deliver(const struct platform *p, const json_t *alert,
                                 unsigned long *done, struct err *e);
/* Record of the anomalies topic → the row of the anomalies feed (new reference), NULL
 * when the value is no JSON object. */
json_t *alert_anomaly_row(const char *value, size_t n);
/* The alert of such a row: key "anomaly/TXN". New reference. */
json_t *alert_of_anomaly(const json_t *row);

/* Worker main: until stop. Sends anomaly, alert, delivered, metrics, drained (wire.h);
 * the outbox is read from the state database, which only the supervisor writes. */
int alert_run(const struct platform *p, struct channel *ch, struct err *e);

#endif
