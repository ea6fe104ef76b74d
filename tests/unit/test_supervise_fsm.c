/* supervise/fsm.c: every pair of state and event is decided; the rules behind the
 * pairs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "supervise/backoff.h"
#include "supervise/fsm.h"

static void every_pair_is_decided(void **state)
{
    (void)state;
    for (int s = 0; s < FSM_N_STATES; s++)
        for (int ev = 0; ev < FSM_N_EVENTS; ev++) {
            struct fsm_step step = fsm_step((enum fsm_state)s, (enum fsm_event)ev);
            if (!step.is_set)
                fail_msg("no row for \"%s\" while %s",
                         fsm_event_text((enum fsm_event)ev),
                         fsm_state_name((enum fsm_state)s));
            assert_in_range(step.next, 0, FSM_N_STATES - 1);
            assert_in_range(step.action, 0, FSM_N_ACTIONS - 1);
            if (step.action == FSM_DO_BUG)
                assert_int_equal((int)step.next, s);
            /* A child is made only on the way to STARTING, and always there. */
            int starts = step.next == FSM_STARTING && s != FSM_STARTING;
            assert_int_equal(step.action == FSM_DO_SPAWN, starts);
        }
}

static void from_every_state_stop_leads_to_rest(void **state)
{
    (void)state;
    for (int s = 0; s < FSM_N_STATES; s++) {
        enum fsm_state at = fsm_step((enum fsm_state)s, FSM_ON_STOP).next;
        if (at == FSM_STOPPING)
            at = fsm_step(at, FSM_ON_GONE_BAD).next;
        assert_true(at == FSM_DOWN || at == FSM_DONE);
    }
}

static void a_failed_process_starts_only_when_asked(void **state)
{
    (void)state;
    for (int ev = 0; ev < FSM_N_EVENTS; ev++)
        if (ev != FSM_ON_START && ev != FSM_ON_STOP)
            assert_int_equal(fsm_step(FSM_FAILED, (enum fsm_event)ev).next, FSM_FAILED);
}

static void delays_double_up_to_the_cap_with_jitter(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 200; seed++) {
        struct backoff b;
        backoff_init(&b, seed);
        int64_t want = BACKOFF_FIRST_MS;
        for (int i = 0; i < 10; i++) {
            b.deaths = i + 1;
            int64_t got = backoff_delay(&b);
            assert_in_range(got, want * 3 / 4, want * 5 / 4 + 1);
            want = want * 2 > BACKOFF_CAP_MS ? BACKOFF_CAP_MS : want * 2;
        }
    }
}

static void too_many_deaths_give_up_and_health_forgives(void **state)
{
    (void)state;
    struct backoff b;
    backoff_init(&b, 7);
    int64_t now = 1000;
    for (int i = 1; i < BACKOFF_MAX_ORDERLY; i++)
        assert_true(backoff_death(&b, now++, 0, false));
    assert_false(backoff_death(&b, now++, 0, false));
    assert_true(backoff_death(&b, now++, BACKOFF_HEALTHY_MS, false));
    backoff_init(&b, 7);
    for (int i = 1; i < BACKOFF_MAX_DEATHS; i++)
        assert_true(backoff_death(&b, now++, 0, true));
    assert_false(backoff_death(&b, now++, 0, true));
    backoff_init(&b, 7);
    for (int i = 0; i < 100; i++) /* one death an hour is no loop */
        assert_true(backoff_death(&b, now += 3600000, 0, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_is_decided),
        cmocka_unit_test(from_every_state_stop_leads_to_rest),
        cmocka_unit_test(a_failed_process_starts_only_when_asked),
        cmocka_unit_test(delays_double_up_to_the_cap_with_jitter),
        cmocka_unit_test(too_many_deaths_give_up_and_health_forgives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
