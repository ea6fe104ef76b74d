/* libpq, loaded when the first PostgreSQL warehouse is opened: it brings a score of
 * libraries with it, which every other start of weir would wait for. Included by
 * wh_postgres*.c alone; the functions keep their names. */
#ifndef WAREHOUSE_LIBPQ_H
#define WAREHOUSE_LIBPQ_H

#include <libpq-fe.h>
#include "base/err.h"

struct libpq {
#define X(name) __typeof__(name) *call_##name;
#include "warehouse/libpq.list"
#undef X
};
extern struct libpq libpq;

/* Loads the library unless it is there. ERR_UNAVAILABLE says what to install. */
int libpq_load(struct err *e);

#define PQcancel               libpq.call_PQcancel
#define PQclear                libpq.call_PQclear
#define PQcmdStatus            libpq.call_PQcmdStatus
#define PQcmdTuples            libpq.call_PQcmdTuples
#define PQconnectdbParams      libpq.call_PQconnectdbParams
#define PQconsumeInput         libpq.call_PQconsumeInput
#define PQdb                   libpq.call_PQdb
#define PQerrorMessage         libpq.call_PQerrorMessage
#define PQfinish               libpq.call_PQfinish
#define PQfname                libpq.call_PQfname
#define PQfreeCancel           libpq.call_PQfreeCancel
#define PQfreemem              libpq.call_PQfreemem
#define PQftype                libpq.call_PQftype
#define PQgetCancel            libpq.call_PQgetCancel
#define PQgetResult            libpq.call_PQgetResult
#define PQgetisnull            libpq.call_PQgetisnull
#define PQgetlength            libpq.call_PQgetlength
#define PQgetvalue             libpq.call_PQgetvalue
#define PQhost                 libpq.call_PQhost
#define PQisBusy               libpq.call_PQisBusy
#define PQnfields              libpq.call_PQnfields
#define PQnparams              libpq.call_PQnparams
#define PQntuples              libpq.call_PQntuples
#define PQport                 libpq.call_PQport
#define PQputCopyData          libpq.call_PQputCopyData
#define PQputCopyEnd           libpq.call_PQputCopyEnd
#define PQresultErrorField     libpq.call_PQresultErrorField
#define PQresultStatus         libpq.call_PQresultStatus
#define PQsendDescribePrepared libpq.call_PQsendDescribePrepared
#define PQsendPrepare          libpq.call_PQsendPrepare
#define PQsendQuery            libpq.call_PQsendQuery
#define PQsendQueryParams      libpq.call_PQsendQueryParams
#define PQsendQueryPrepared    libpq.call_PQsendQueryPrepared
#define PQsetSingleRowMode     libpq.call_PQsetSingleRowMode
#define PQsocket               libpq.call_PQsocket
#define PQstatus               libpq.call_PQstatus
#define PQtransactionStatus    libpq.call_PQtransactionStatus
#define PQunescapeBytea        libpq.call_PQunescapeBytea
#define PQuser                 libpq.call_PQuser

#endif
