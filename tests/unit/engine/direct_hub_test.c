/* direct_hub_test.c: the hub of direct ingress: which port a request goes to, and when it is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "net/loop.h"
#include "engine/worker/direct_hub.h"

static const char *const p_and_q[] = {"p", "q"};
static struct direct_hub *hub;

static int hub_open(void **state)
{
	struct error error = {0};
	(void)state;
	hub = direct_hub_open(&error);
	return hub ? 0 : -1;
}

static int hub_close(void **state)
{
	(void)state;
	direct_hub_close(hub);
	return 0;
}

#define HUB(name) cmocka_unit_test_setup_teardown(name, hub_open, hub_close)

static struct direct_port *port_open(size_t pipelines)
{
	struct direct_port *port = direct_port_open(hub);
	assert_non_null(port);
	direct_port_serve(port, p_and_q, pipelines);
	return port;
}

static enum direct_verdict ask_with(const char *pipeline, struct text key)
{
	const struct direct_request request = {.pipeline = text_of(pipeline), .key = key, .value = TEXT("[21]")};
	return direct_hub_send(hub, &request);
}

static enum direct_verdict ask(const char *pipeline)
{
	return ask_with(pipeline, TEXT("key"));
}

/* Closes them, and counts them. */
static size_t close_all(struct direct_message *message)
{
	size_t count = 0;
	for (struct direct_message *next; message; message = next, count++) {
		next = message->next;
		direct_message_close(message);
	}
	return count;
}

static void a_worker_has_so_many_requests_and_further_ones_are_refused(void **state)
{
	(void)state;
	struct direct_port *port = port_open(1);
	for (size_t i = 0; i < DIRECT_OPEN_MAX; i++)
		assert_int_equal(ask("p"), DIRECT_SENT);
	assert_int_equal(ask("p"), DIRECT_FULL);
	struct direct_message *message = direct_port_take(port);
	assert_int_equal(ask("p"), DIRECT_FULL); /* taken, and not answered */
	struct direct_message *next = message->next;
	direct_message_close(message);
	assert_int_equal(ask("p"), DIRECT_SENT);
	(void)close_all(next);
	direct_port_close(port);
}

static void a_pipeline_with_too_many_requests_leaves_the_others_alone(void **state)
{
	(void)state;
	struct direct_port *port = port_open(2);
	while (ask("p") == DIRECT_SENT)
		;
	for (size_t i = 0; i < DIRECT_OPEN_MAX; i++)
		assert_int_equal(ask("q"), DIRECT_SENT);
	assert_int_equal(ask("q"), DIRECT_FULL);
	assert_int_equal(close_all(direct_port_take(port)), 2 * DIRECT_OPEN_MAX);
	direct_port_close(port);
}

/* Requests leave, so many in all. */
static void pass(struct direct_port *port, const char *pipeline, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(ask(pipeline), DIRECT_SENT);
		struct direct_message *message = direct_port_take(port);
		direct_message_leaves(message);
		direct_message_close(message);
	}
}

/* The request that this gives to the worker, which takes it. */
static struct direct_message *given(struct direct_port *port, const char *pipeline)
{
	assert_int_equal(ask(pipeline), DIRECT_SENT);
	return direct_port_take(port);
}

static void what_has_left_counts_until_it_is_acknowledged(void **state)
{
	(void)state;
	struct direct_port *port = port_open(2);
	pass(port, "p", 1);
	direct_port_ended(port);
	pass(port, "p", DIRECT_UNLOGGED_MAX - DIRECT_OPEN_MAX);
	struct direct_message *waiting = given(port, "p"), *other = given(port, "q");
	assert_false(direct_message_may_begin(waiting));
	assert_true(direct_message_may_begin(other));
	direct_port_logged(port); /* the first one */
	assert_true(direct_message_may_begin(waiting));
	pass(port, "p", 1);
	assert_false(direct_message_may_begin(waiting));
	assert_true(direct_port_has_left(port));
	direct_port_ended(port);
	assert_false(direct_port_has_left(port));
	assert_false(direct_message_may_begin(waiting));
	direct_port_void(port);
	assert_true(direct_message_may_begin(waiting));
	direct_message_close(waiting);
	direct_message_close(other);
	direct_port_close(port);
}

static void what_waits_for_the_log_is_refused_if_nothing_is_acknowledged_meanwhile(void **state)
{
	(void)state;
	struct direct_port *port = port_open(2);
	pass(port, "p", DIRECT_UNLOGGED_MAX - DIRECT_OPEN_MAX + 1);
	direct_port_ended(port);
	struct direct_message *waiting = given(port, "p");
	assert_int_equal(direct_message_waits(waiting, 100), 100 + DIRECT_LOG_WAIT_MS);
	assert_int_equal(direct_message_waits(waiting, 1500), 100 + DIRECT_LOG_WAIT_MS);
	pass(port, "p", DIRECT_UNLOGGED_MAX - DIRECT_OPEN_MAX + 1);
	direct_port_logged(port);
	assert_false(direct_message_may_begin(waiting)); /* but Kafka goes on */
	assert_int_equal(direct_message_waits(waiting, 2000), 2000 + DIRECT_LOG_WAIT_MS);
	direct_port_refuse(port, waiting);
	struct direct_message *refused = direct_hub_take(hub);
	assert_true(refused->is_refused && !refused->is_returned);
	direct_message_close(refused);
	assert_int_equal(ask("p"), DIRECT_STALLED);
	direct_message_close(given(port, "q"));
	direct_port_ended(port);
	assert_int_equal(ask("p"), DIRECT_STALLED);
	direct_port_logged(port);
	waiting = given(port, "p");
	assert_true(direct_message_may_begin(waiting));
	direct_message_close(waiting);
	direct_port_close(port);
}

/* Those that closed are used again. */
static void a_hub_has_so_many_ports(void **state)
{
	struct direct_port *ports[DIRECT_PORTS_MAX];
	(void)state;
	for (size_t i = 0; i < DIRECT_PORTS_MAX; i++)
		assert_non_null(ports[i] = direct_port_open(hub));
	assert_null(direct_port_open(hub));
	direct_port_close(ports[7]);
	assert_ptr_equal(direct_port_open(hub), ports[7]);
	for (size_t i = 0; i < DIRECT_PORTS_MAX; i++)
		direct_port_close(ports[i]);
}

/* One that is not served any more makes space as soon as nothing of it is open. */
static void a_port_has_so_many_pipelines(void **state)
{
	char names[DIRECT_PIPELINES_MAX + 1][8];
	const char *list[DIRECT_PIPELINES_MAX + 1];
	(void)state;
	struct direct_port *port = direct_port_open(hub);
	for (size_t i = 0; i <= DIRECT_PIPELINES_MAX; i++) {
		(void)snprintf(names[i], sizeof names[i], "%zu", i);
		list[i] = names[i];
	}
	direct_port_serve(port, list, DIRECT_PIPELINES_MAX + 1);
	for (size_t i = 0; i < DIRECT_PIPELINES_MAX; i++)
		assert_int_equal(ask(list[i]), DIRECT_SENT);
	assert_int_equal(ask(list[DIRECT_PIPELINES_MAX]), DIRECT_ABSENT);
	direct_port_serve(port, list + 1, DIRECT_PIPELINES_MAX);
	assert_int_equal(ask(list[0]), DIRECT_ABSENT);
	assert_int_equal(ask(list[DIRECT_PIPELINES_MAX]), DIRECT_ABSENT); /* the first one's request is open */
	assert_int_equal(close_all(direct_port_take(port)), DIRECT_PIPELINES_MAX);
	direct_port_serve(port, list + 1, DIRECT_PIPELINES_MAX);
	assert_int_equal(ask(list[DIRECT_PIPELINES_MAX]), DIRECT_SENT);
	direct_port_close(port);
}

static void what_has_not_entered_is_returned_when_a_port_closes(void **state)
{
	(void)state;
	struct direct_port *port = port_open(1);
	assert_int_equal(ask("p"), DIRECT_SENT);
	direct_port_close(port);
	struct direct_message *message = direct_hub_take(hub);
	assert_true(message->is_returned);
	assert_true(text_is(message->record.value, "[21]"));
	assert_true(text_is(message->record.key, "key"));
	assert_int_equal(close_all(message), 1);
}

/* Requests of a key go to one of two ports; without a key, to the one with fewer open requests. */
static void ports_are_chosen_by_key_or_by_their_load(void **state)
{
	(void)state;
	struct direct_port *ports[] = {port_open(1), port_open(1)};
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(ask("p"), DIRECT_SENT);
	struct direct_message *keyed = direct_port_take(ports[0]);
	const size_t busy = keyed ? 0 : 1;
	keyed = keyed ? keyed : direct_port_take(ports[1]);
	assert_int_equal(ask_with("p", (struct text){0}), DIRECT_SENT);
	assert_null(direct_port_take(ports[busy]));
	assert_int_equal(close_all(direct_port_take(ports[1 - busy])), 1);
	assert_int_equal(close_all(keyed), 4);
	for (size_t i = 0; i < 2; i++)
		direct_port_close(ports[i]);
}

#define KEYS 300
#define SPREAD_PORTS 4

/* Asks once with each key, and notes the number of the port that has it. */
static void keys_ask(struct direct_port *const *ports, size_t chosen[KEYS])
{
	char key[16];
	for (size_t i = 0; i < KEYS; i++) {
		(void)snprintf(key, sizeof key, "key-%zu", i);
		assert_int_equal(ask_with("p", text_of(key)), DIRECT_SENT);
		struct direct_message *message = NULL;
		for (chosen[i] = 0; chosen[i] < SPREAD_PORTS; chosen[i]++)
			if ((message = direct_port_take(ports[chosen[i]])))
				break;
		assert_int_equal(close_all(message), 1);
	}
}

static void a_key_moves_only_to_a_port_that_is_new_or_from_one_that_is_gone(void **state)
{
	struct direct_port *ports[SPREAD_PORTS];
	size_t before[KEYS], after[KEYS], of_second = 0;
	(void)state;
	for (size_t i = 0; i < SPREAD_PORTS; i++)
		ports[i] = port_open(1);
	keys_ask(ports, before);
	direct_port_serve(ports[1], p_and_q, 0);
	keys_ask(ports, after);
	for (size_t i = 0; i < KEYS; i++) {
		assert_int_not_equal(after[i], 1);
		assert_true(after[i] == before[i] || before[i] == 1);
		of_second += before[i] == 1;
	}
	assert_in_range(of_second, KEYS / SPREAD_PORTS / 2, KEYS / SPREAD_PORTS * 2); /* each has its share */
	direct_port_serve(ports[1], p_and_q, 1);
	keys_ask(ports, after);
	assert_memory_equal(after, before, sizeof after);
	for (size_t i = 0; i < SPREAD_PORTS; i++)
		direct_port_close(ports[i]);
}

#define RELOADS 300
#define RELOADED 100 /* pipelines, so that a reload takes its time */

static char many_names[RELOADED + 1][8];
static const char *many[RELOADED + 1];
static atomic_bool reloaded;

static void many_fill(void)
{
	for (size_t i = 0; i <= RELOADED; i++) {
		(void)snprintf(many_names[i], sizeof many_names[i], "%zu", i);
		many[i] = many_names[i];
	}
}

/* A worker whose setups lose the first pipeline and gain the last one, and the reverse. */
static void *worker_of_reloads(void *context)
{
	struct direct_port *port = context;
	for (int i = 0; i < RELOADS; i++) {
		direct_port_serve(port, i % 2 == 0 ? many + 1 : many, RELOADED);
		(void)close_all(direct_port_take(port));
	}
	atomic_store(&reloaded, true);
	return NULL;
}

static void a_pipeline_that_is_served_on_is_never_absent(void **state)
{
	pthread_t thread;
	(void)state;
	many_fill();
	struct direct_port *port = direct_port_open(hub);
	direct_port_serve(port, many, RELOADED);
	assert_int_equal(pthread_create(&thread, NULL, worker_of_reloads, port), 0);
	while (!atomic_load(&reloaded))
		assert_int_not_equal(ask(many[RELOADED / 2]), DIRECT_ABSENT);
	assert_int_equal(pthread_join(thread, NULL), 0);
	(void)close_all(direct_port_take(port));
	direct_port_close(port);
}

/* Whether it has rung since it was looked at last; silences it, for the test. */
static bool has_rung(int bell)
{
	struct pollfd ready = {.fd = bell, .events = POLLIN};
	return poll(&ready, 1, 0) == 1 && bell_quiet(bell);
}

static void a_worker_is_woken_once_for_the_requests_that_it_has_not_taken(void **state)
{
	(void)state;
	struct direct_port *port = port_open(1);
	assert_int_equal(ask("p"), DIRECT_SENT);
	assert_int_equal(ask("p"), DIRECT_SENT);
	assert_false(has_rung(direct_port_bell(port)));
	direct_hub_wake(hub);
	assert_true(has_rung(direct_port_bell(port)));
	direct_hub_wake(hub); /* there are no others since */
	assert_false(has_rung(direct_port_bell(port)));
	assert_int_equal(close_all(direct_port_take(port)), 2);
	assert_int_equal(ask("p"), DIRECT_SENT);
	assert_int_equal(close_all(direct_port_take(port)), 1); /* by itself, as it was awake */
	direct_hub_wake(hub);
	assert_false(has_rung(direct_port_bell(port)));
	direct_port_close(port);
}

static void a_gateway_is_woken_for_the_replies_that_it_has_not_taken(void **state)
{
	const struct outgoing reply = {.value = TEXT("42")};
	(void)state;
	assert_true(direct_hub_reply(hub, NULL, &reply));
	assert_false(has_rung(direct_hub_bell(hub)));
	direct_hub_wake_gateway(hub);
	assert_true(has_rung(direct_hub_bell(hub)));
	assert_int_equal(close_all(direct_hub_take(hub)), 1);
	direct_hub_wake_gateway(hub);
	assert_false(has_rung(direct_hub_bell(hub)));
}

/* A request, and a reply to it, whose value has so many bytes. */
static void exchange(struct direct_port *port, size_t length)
{
	static char bytes[8192];
	const struct outgoing reply = {.value = {bytes, length}};
	assert_int_equal(ask("p"), DIRECT_SENT);
	assert_int_equal(close_all(direct_port_take(port)), 1);
	assert_true(direct_hub_reply(hub, port, &reply));
	struct direct_message *message = direct_hub_take(hub);
	assert_int_equal(message->record.value.length, length);
	assert_memory_equal(message->record.value.bytes, bytes, length);
	direct_message_close(message);
}

static void memory_of_messages_is_used_again(void **state)
{
	(void)state;
#ifdef ARENA_EVERY_ALLOCATION_APART
	skip(); /* each is freed, so that its use afterwards is found */
#endif
	struct direct_port *port = port_open(1);
	exchange(port, 100);
	uint64_t taken = memory_taken();
	for (size_t i = 0; i < 1000; i++)
		exchange(port, 1 + i);
	assert_int_equal(memory_taken(), taken);
	exchange(port, 8192); /* longer than those that are kept */
	assert_int_equal(memory_taken(), taken + 1);
	direct_port_close(port);
}

static void little_of_a_burst_is_kept(void **state)
{
	(void)state;
#ifdef ARENA_EVERY_ALLOCATION_APART
	skip();
#endif
	struct direct_port *port = port_open(1);
	for (size_t i = 0; i < DIRECT_OPEN_MAX; i++)
		assert_int_equal(ask("p"), DIRECT_SENT);
	assert_int_equal(close_all(direct_port_take(port)), DIRECT_OPEN_MAX);
	const struct outgoing reply = {.value = TEXT("42")};
	uint64_t taken = memory_taken();
	for (size_t i = 0; i < DIRECT_OPEN_MAX; i++)
		assert_true(direct_hub_reply(hub, port, &reply));
	assert_int_equal(memory_taken() - taken, DIRECT_OPEN_MAX - 512);
	assert_int_equal(close_all(direct_hub_take(hub)), DIRECT_OPEN_MAX);
	direct_port_close(port);
}

static void replies_of_one_epoch_are_expected(void **state)
{
	(void)state;
	assert_false(direct_hub_expects(NULL, 7));
	assert_false(direct_hub_expects(hub, 0));
	direct_hub_expect(hub, 7);
	assert_true(direct_hub_expects(hub, 7));
	assert_false(direct_hub_expects(hub, 8));
	direct_hub_expect(hub, 0);
	assert_false(direct_hub_expects(hub, 7));
	assert_false(direct_hub_expects(hub, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HUB(a_worker_has_so_many_requests_and_further_ones_are_refused),
		HUB(a_pipeline_with_too_many_requests_leaves_the_others_alone),
		HUB(what_has_left_counts_until_it_is_acknowledged),
		HUB(what_waits_for_the_log_is_refused_if_nothing_is_acknowledged_meanwhile),
		HUB(a_hub_has_so_many_ports),
		HUB(a_port_has_so_many_pipelines),
		HUB(what_has_not_entered_is_returned_when_a_port_closes),
		HUB(ports_are_chosen_by_key_or_by_their_load),
		HUB(a_key_moves_only_to_a_port_that_is_new_or_from_one_that_is_gone),
		HUB(a_pipeline_that_is_served_on_is_never_absent),
		HUB(a_worker_is_woken_once_for_the_requests_that_it_has_not_taken),
		HUB(a_gateway_is_woken_for_the_replies_that_it_has_not_taken),
		HUB(memory_of_messages_is_used_again),
		HUB(little_of_a_burst_is_kept),
		HUB(replies_of_one_epoch_are_expected),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
