/* What the families export to the table: one plan and one judge each, declared from
 * expectation.list (see struct expectation_row in check.h). */
#ifndef QUALITY_EXPECTATION_H
#define QUALITY_EXPECTATION_H

#include "quality/check.h"

#define X(type, plan, judge, is_map)                                                   \
    int plan(struct check *k, struct err *e);                                          \
    int judge(struct check *k, struct err *e);
#include "quality/expectation.list"
#undef X

#endif
