/* The table of fsm.h. in: state and event. out: next state and action. Called by
 * proc.c. Always holds: every (state, event) has a row; "cannot happen" is one of the
 * answers. */
#include "supervise/fsm.h"

#define ROW(state, event, to, act)                                                     \
    [FSM_##state][FSM_ON_##event] = {FSM_##to, FSM_DO_##act, 1}
/* What a process that is not running answers to news about a running one. */
#define NOT_RUNNING(s)                                                                 \
    ROW(s, IS_READY, s, NONE), ROW(s, READY_LATE, s, NONE),                            \
        ROW(s, BEAT_LATE, s, NONE), ROW(s, LEADER_EXIT, s, BUG),                       \
        ROW(s, GONE_OK, s, BUG), ROW(s, GONE_BAD, s, BUG),                             \
        ROW(s, GONE_CONFIG, s, BUG), ROW(s, GONE_OFTEN, s, BUG),                       \
        ROW(s, KILL_DUE, s, NONE), ROW(s, SURVIVED, s, NONE)

static const struct fsm_step table[FSM_N_STATES][FSM_N_EVENTS] = {
    NOT_RUNNING(DOWN),
    ROW(DOWN, START, STARTING, SPAWN),
    ROW(DOWN, BACKOFF_DUE, DOWN, NONE),
    ROW(DOWN, STOP, DOWN, NONE),

    /* GONE_* while starting: exec itself failed, there never was a group. */
    ROW(STARTING, START, STARTING, NONE),
    ROW(STARTING, IS_READY, READY, NONE),
    ROW(STARTING, READY_LATE, CLEANING, KILL),
    ROW(STARTING, BEAT_LATE, CLEANING, KILL),
    ROW(STARTING, LEADER_EXIT, CLEANING, KILL),
    ROW(STARTING, GONE_OK, STARTING, BUG),
    ROW(STARTING, GONE_BAD, BACKOFF, BACKOFF),
    ROW(STARTING, GONE_CONFIG, FAILED, NONE),
    ROW(STARTING, GONE_OFTEN, FAILED, NONE),
    ROW(STARTING, BACKOFF_DUE, STARTING, NONE),
    ROW(STARTING, STOP, STOPPING, TERM),
    ROW(STARTING, KILL_DUE, STARTING, NONE),
    ROW(STARTING, SURVIVED, STARTING, NONE),

    ROW(READY, START, READY, NONE),
    ROW(READY, IS_READY, READY, NONE),
    ROW(READY, READY_LATE, READY, NONE),
    ROW(READY, BEAT_LATE, CLEANING, KILL),
    ROW(READY, LEADER_EXIT, CLEANING, KILL),
    ROW(READY, GONE_OK, READY, BUG),
    ROW(READY, GONE_BAD, READY, BUG),
    ROW(READY, GONE_CONFIG, READY, BUG),
    ROW(READY, GONE_OFTEN, READY, BUG),
    ROW(READY, BACKOFF_DUE, READY, NONE),
    ROW(READY, STOP, STOPPING, TERM),
    ROW(READY, KILL_DUE, READY, NONE),
    ROW(READY, SURVIVED, READY, NONE),

    ROW(CLEANING, START, CLEANING, AGAIN),
    ROW(CLEANING, IS_READY, CLEANING, NONE),
    ROW(CLEANING, READY_LATE, CLEANING, NONE),
    ROW(CLEANING, BEAT_LATE, CLEANING, NONE),
    ROW(CLEANING, LEADER_EXIT, CLEANING, CHECK),
    ROW(CLEANING, GONE_OK, DONE, NONE),
    ROW(CLEANING, GONE_BAD, BACKOFF, BACKOFF),
    ROW(CLEANING, GONE_CONFIG, FAILED, NONE),
    ROW(CLEANING, GONE_OFTEN, FAILED, NONE),
    ROW(CLEANING, BACKOFF_DUE, CLEANING, NONE),
    ROW(CLEANING, STOP, STOPPING, KILL),
    ROW(CLEANING, KILL_DUE, CLEANING, KILL),
    ROW(CLEANING, SURVIVED, FAILED, NONE),

    NOT_RUNNING(BACKOFF),
    ROW(BACKOFF, START, STARTING, SPAWN),
    ROW(BACKOFF, BACKOFF_DUE, STARTING, SPAWN),
    ROW(BACKOFF, STOP, DOWN, NONE),

    /* A leader that goes first leaves the others their grace. */
    ROW(STOPPING, START, STOPPING, AGAIN),
    ROW(STOPPING, IS_READY, STOPPING, NONE),
    ROW(STOPPING, READY_LATE, STOPPING, NONE),
    ROW(STOPPING, BEAT_LATE, STOPPING, NONE),
    ROW(STOPPING, LEADER_EXIT, STOPPING, CHECK),
    ROW(STOPPING, GONE_OK, DOWN, NONE),
    ROW(STOPPING, GONE_BAD, DOWN, NONE),
    ROW(STOPPING, GONE_CONFIG, DOWN, NONE),
    ROW(STOPPING, GONE_OFTEN, DOWN, NONE),
    ROW(STOPPING, BACKOFF_DUE, STOPPING, NONE),
    ROW(STOPPING, STOP, STOPPING, NONE),
    ROW(STOPPING, KILL_DUE, STOPPING, KILL),
    ROW(STOPPING, SURVIVED, FAILED, NONE),

    NOT_RUNNING(FAILED),
    ROW(FAILED, START, STARTING, SPAWN),
    ROW(FAILED, BACKOFF_DUE, FAILED, NONE),
    ROW(FAILED, STOP, DOWN, NONE),

    NOT_RUNNING(DONE),
    ROW(DONE, START, STARTING, SPAWN),
    ROW(DONE, BACKOFF_DUE, DONE, NONE),
    ROW(DONE, STOP, DONE, NONE),
};

struct fsm_step fsm_step(enum fsm_state s, enum fsm_event ev)
{
    return table[s][ev];
}

const char *fsm_state_name(enum fsm_state s)
{
    static const char *const names[] = {
#define X(name, text) text,
        FSM_STATE_MAP(X)
#undef X
    };
    return names[s];
}

const char *fsm_event_text(enum fsm_event ev)
{
    static const char *const texts[] = {
#define X(name, text) text,
        FSM_EVENT_MAP(X)
#undef X
    };
    return texts[ev];
}
