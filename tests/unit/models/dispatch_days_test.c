/* dispatch_days_test.c: days of a model, drawn from a seed: whatever befalls its servers and whoever forgets a call,
 * each call has one end, its own, and nothing turns without end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/dispatch_servers.h"

#define DAYS 300
#define EVENTS 400
#define RECENT 64

static struct call *recent[RECENT];
static size_t asked, forgotten;

static int64_t draw(int64_t least, int64_t most)
{
	return random_between(&servers.random, least, most);
}

static void begin_day(uint64_t seed)
{
	servers.random.state = seed;
	servers.config.seed = seed;
	servers.config.outage_fails = draw(0, 4) == 0;
	servers.has_readiness = draw(0, 1);
	servers.model.concurrency_most = (size_t)draw(0, 20);
	servers.model.timeout_ms = 500;
	if (draw(0, 1))
		servers.model.batching = (struct model_batching){.rows_most = (size_t)draw(2, 20), .latency_ms = draw(0, 50)};
	memset(recent, 0, sizeof recent);
	asked = forgotten = 0;
	servers_begin((size_t)draw(1, REPLICAS_MAX));
}

static void ask_some(void)
{
	for (int64_t left = draw(1, 4); left > 0; left--) {
		int64_t deadline_ms = draw(0, 1) ? servers.now_us / 1000 + draw(1, 3000) : 0;
		recent[asked % RECENT] = servers_ask((float)asked, draw(1, 3), deadline_ms);
		asked++;
	}
}

static void forget_one(void)
{
	struct call *call = recent[draw(0, RECENT - 1)];
	if (!call || !call->under_way)
		return;
	dispatch_forget(servers.dispatch, call);
	forgotten++;
}

static void change_a_server(void)
{
	static const enum mood moods[] = {ANSWERS, ANSWERS, REFUSES, FAILS, SAYS_400, SAYS_500, HANGS, LOSES};
	size_t server = (size_t)draw(0, REPLICAS_MAX - 1);
	servers.moods[server] = moods[draw(0, sizeof moods / sizeof *moods - 1)];
	servers.fail_in_thousand[server] = (unsigned)draw(0, 900);
	servers.latency_us[server] = draw(0, 9) == 0 ? draw(200000, 2000000) : draw(100, 20000);
	servers.unready = draw(0, 3) == 0;
}

static void stand_still(void)
{
	int64_t pause_us = draw(100000, 1000000);
	servers.now_us += pause_us;
	dispatch_paused(servers.dispatch, pause_us, servers.now_us);
}

static void befall(void)
{
	switch (draw(0, 20)) {
	case 0:
		change_a_server();
		break;
	case 1:
		forget_one();
		break;
	case 2:
		if (draw(0, 9) == 0)
			stand_still();
		break;
	default:
		ask_some();
	}
	size_t steps = 0;
	for (int64_t until_us = servers.now_us + draw(0, 60000); servers_step(until_us);)
		assert_in_range(++steps, 0, 100000);
}

/* All is well, and whoever can be answered is. */
static void end_day(void)
{
	servers.unready = false;
	memset(servers.moods, 0, sizeof servers.moods);
	memset(servers.fail_in_thousand, 0, sizeof servers.fail_in_thousand);
	servers_run_for(3600 * (int64_t)SECOND);
	struct dispatch_counts counts = dispatch_counts(servers.dispatch);
	assert_int_equal(counts.waiting + counts.under_way, 0);
	assert_int_equal(servers.flight_count, 0);
	assert_int_equal(servers.answered + servers.failed + forgotten, asked);
}

static void each_call_has_one_end(void **state)
{
	for (uint64_t day = 1; day <= DAYS; day++) {
		servers_set_up(state);
		begin_day(day);
		for (size_t i = 0; i < EVENTS; i++)
			befall();
		end_day();
		servers_tear_down(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_call_has_one_end)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
