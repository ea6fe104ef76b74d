/* The life of one child process as data: states × events → next state and what to do.
 * Pure; proc.c feeds it and does what it says. Every pair is a row of the table. */
#ifndef SUPERVISE_FSM_H
#define SUPERVISE_FSM_H

/* name, what clients see */
#define FSM_STATE_MAP(X)                                                               \
    X(DOWN, "down")                                                                    \
    X(STARTING, "starting") /* forked, not yet ready */                                \
    X(READY, "ready")                                                                  \
    X(CLEANING, "stopping") /* the leader died or is being killed: the rest must go */ \
    X(BACKOFF, "backoff")   /* waits for its next start */                             \
    X(STOPPING, "stopping") /* asked to go */                                          \
    X(FAILED, "failed")     /* given up, until somebody starts it */                   \
    X(DONE, "done")         /* bounded work came to its end */

/* name, what happened */
#define FSM_EVENT_MAP(X)                                                               \
    X(START, "start")                                                                  \
    X(IS_READY, "said ready")                                                          \
    X(READY_LATE, "not ready in time")                                                 \
    X(BEAT_LATE, "no heartbeat")                                                       \
    X(LEADER_EXIT, "leader exited")                                                    \
    X(GONE_OK, "group gone, work done")                                                \
    X(GONE_BAD, "group gone, to be restarted")                                         \
    X(GONE_CONFIG, "group gone, a restart cannot help")                                \
    X(GONE_OFTEN, "group gone, died too often")                                        \
    X(BACKOFF_DUE, "backoff over")                                                     \
    X(STOP, "stop")                                                                    \
    X(KILL_DUE, "grace over")                                                          \
    X(SURVIVED, "survived SIGKILL")

#define FSM_ACTION_MAP(X)                                                              \
    X(NONE)                                                                            \
    X(SPAWN)                                                                           \
    X(TERM)    /* stop message, SIGTERM and SIGCONT to the group, arm the grace */     \
    X(KILL)    /* SIGKILL to the group and its adoptees */                             \
    X(BACKOFF) /* arm the restart */                                                   \
    X(AGAIN)   /* start once it is gone */                                             \
    X(CHECK)   /* look whether the group is empty */                                   \
    X(BUG)     /* cannot happen: logged, nothing changes */

enum fsm_state {
#define X(name, text) FSM_##name,
    FSM_STATE_MAP(X)
#undef X
        FSM_N_STATES
};
enum fsm_event {
#define X(name, text) FSM_ON_##name,
    FSM_EVENT_MAP(X)
#undef X
        FSM_N_EVENTS
};
enum fsm_action {
#define X(name) FSM_DO_##name,
    FSM_ACTION_MAP(X)
#undef X
        FSM_N_ACTIONS
};

struct fsm_step {
    enum fsm_state next;
    enum fsm_action action;
    int is_set; /* 1: a row of the table wrote it (tests look) */
};
struct fsm_step fsm_step(enum fsm_state s, enum fsm_event ev);
const char *fsm_state_name(enum fsm_state s);
const char *fsm_event_text(enum fsm_event ev);

#endif
