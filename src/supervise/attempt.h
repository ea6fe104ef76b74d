/* Inside supervise/: one incarnation of a process: its handles in the loop, its pipes
 * and its channel. attempt.c reads and writes them; proc.c decides. */
#ifndef SUPERVISE_ATTEMPT_H
#define SUPERVISE_ATTEMPT_H

#include "supervise/proc.h"
#include "supervise/spawn.h"

struct proc_attempt {
    struct proc *p;
    char name[160]; /* WEIR_ATTEMPT */
    pid_t pgid;     /* 0 once seen empty */
    int pidfd, fds[2];
    uv_poll_t pid_poll, pipes[2];
    uv_pipe_t channel;
    struct wire_decoder decoder;
    bool is_leader_gone, is_killed, is_leader_killed, has_pid_poll;
    int64_t kill_mono, first_line;
    int n_handles;
};

/* Put what spawn_child made into the loop; the pidfd's end is told to on_pidfd. */
void attempt_listen(struct proc_attempt *a, const struct spawn *s, uv_poll_cb on_pidfd);
/* Take its handles out of the loop and free it, when the loop has turned. */
void attempt_close(struct proc_attempt *a);
/* Messages that were sent but not read yet, now. */
void attempt_drain_channel(struct proc_attempt *a);
/* Both pipes, as far as they go; lines without an end are lines. */
void attempt_drain_pipes(struct proc_attempt *a);

/* ── proc.c, for attempt.c */
void proc_message(struct proc *p, const json_t *msg);
/* A line about the process: its detail, its log, the owner's events. */
void proc_note(struct proc *p, const char *level, const char *text);

#endif
