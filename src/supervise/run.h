/* Inside supervise/: a run and its items, shared by run.c (a run's life), run_item.c
 * (what happens to its items) and replay.c (items that are streaming nodes). */
#ifndef SUPERVISE_RUN_H
#define SUPERVISE_RUN_H

#include "supervise/sup.h"

enum item_state { ITEM_WAITING, ITEM_QUEUED, ITEM_ENDED };

struct item {
    struct run *run;
    const char *node, *kind; /* of json */
    json_t *json, *result;   /* the plan's item; what finish gets */
    size_t *down, n_down, waits;
    enum item_state state;
    int errors, deaths, attempt;
    bool is_passed_over; /* config on_error: continue: what is below runs */
    uv_timer_t *retry;
    struct replay *replay; /* under way, NULL */
};

struct run {
    struct sup *sup;
    int64_t id, started_mono;
    char command[32], who[64];
    json_t *request, *plan;
    struct item *items;
    size_t n, left;
    size_t n_failed, n_blocked, n_skipped;
    bool is_cancelled, is_finishing, is_resumed;
    char note[ERR_TEXT_MAX + 64];
};

/* ── run.c */
/* Something of the run ended: tell it, and finish the run when nothing is left. */
void run_progressed(struct run *r);
void run_copy_member(json_t *to, const json_t *from, const char *key);
json_t *run_job_data(struct run *r, const json_t *item);
void run_take_gates(struct sup *s, const json_t *msg);
void run_take_freshness(struct sup *s, const json_t *msg);

/* ── run_item.c */
/* Give it to the pool: nothing it waits for is left. */
void item_queue(struct item *it);
/* It came to its end; result: a result message, or NULL. */
void item_ended(struct item *it, const char *state, const json_t *result);
/* Nothing more is begun; what runs ends by itself. */
void run_cancel_waiting(struct run *r, const char *state, const char *why);
/* Its answer, a result message: written down, judged, and what lies behind it begun. */
void item_answered(struct item *it, const json_t *msg);
/* One of wire.h's result states; what is not one is an error. */
const char *item_status(const json_t *msg);

/* ── replay.c */
void replay_begin(struct item *it);
void replay_cancel(struct item *it); /* its processes go on; no answer comes */

#endif
