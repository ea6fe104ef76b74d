/* Cells as JSON. In: a value of a cursor. Out: a JSON value of its own. Called by the
 * commands and by quality. */
#include "warehouse/wh_json.h"

#include <math.h>

json_t *wh_value_json(struct wh_value v)
{
    json_t *text;
    switch (v.type) {
    case WH_INT:
        return json_integer(v.i);
    case WH_REAL:
        return isfinite(v.d) ? json_real(v.d) : json_null();
    case WH_TEXT:
    case WH_BLOB:
        text = json_stringn(v.text.p ? v.text.p : "", v.text.n);
        return text ? text : json_string("(not text)");
    case WH_NULL:
        break;
    }
    return json_null();
}
