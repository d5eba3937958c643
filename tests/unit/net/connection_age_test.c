/* connection_age_test.c: connections to a server that have become too old, by HTTP and by gRPC: they are replaced, so that a name
 * whose addresses change is followed, and a server that cannot be looked up or reached again is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/connection_age.h"
#include "net/grpc/grpc_client.h"
#include "net/http/http_client.h"
#include "tests/unit/grpc_stand.h"
#undef STORY
#include "tests/unit/http_stand.h"
#undef STORY

#define AGE_MS 60000 /* far away, unless a test makes a connection older */
#define HTTP_STORY(name) cmocka_unit_test_setup_teardown(name, http_set_up, http_stand_close)
#define GRPC_STORY(name) cmocka_unit_test_setup_teardown(name, grpc_set_up, stand_tear_down)

/* What the system's resolver says of each name that is not numeric. */
static struct {
	atomic_bool fails;
	atomic_int port; /* 0: the one that is asked for */
	atomic_int look_ups;
} names;

__attribute__((used)) static int find_address(const char *restrict host, const char *restrict port,
					      const struct addrinfo *restrict hints, struct addrinfo **restrict found)
{
	struct answer {
		struct addrinfo info;
		struct sockaddr_in at;
	} * answer;
	struct in_addr number = {.s_addr = htonl(INADDR_LOOPBACK)};
	const bool is_numeric = host && inet_pton(AF_INET, host, &number) == 1;
	if (!is_numeric && hints->ai_flags & AI_NUMERICHOST)
		return EAI_NONAME;
	if (!is_numeric) {
		names.look_ups++;
		if (names.fails)
			return EAI_AGAIN;
	}
	answer = calloc(1, sizeof *answer);
	answer->at.sin_family = AF_INET;
	answer->at.sin_port = htons((uint16_t)(names.port && !is_numeric ? names.port : (int)strtol(port, NULL, 10)));
	answer->at.sin_addr = number;
	answer->info = (struct addrinfo){.ai_family = AF_INET,
					 .ai_socktype = SOCK_STREAM,
					 .ai_addr = (struct sockaddr *)&answer->at,
					 .ai_addrlen = sizeof answer->at};
	*found = &answer->info;
	return 0;
}

__attribute__((used)) static void give_address(struct addrinfo *found)
{
	free(found);
}

extern __typeof__(getaddrinfo) getaddrinfo __attribute__((alias("find_address")));
extern __typeof__(freeaddrinfo) freeaddrinfo __attribute__((alias("give_address")));

/* ---- ages ---- */

/* Engines that have started together do not connect again together. */
static void each_connection_has_an_age_of_its_own(void **state)
{
	struct random random = {1};
	int64_t least = INT64_MAX, most = 0;
	(void)state;
	for (int i = 0; i < 1000; i++) {
		const int64_t old_ms = connection_old_from_ms(&random, AGE_MS, 7);
		least = old_ms < least ? old_ms : least;
		most = old_ms > most ? old_ms : most;
	}
	assert_in_range(least, 7 + AGE_MS * 3 / 4, 7 + AGE_MS * 4 / 5);
	assert_in_range(most, 7 + AGE_MS * 95 / 100, 7 + AGE_MS);
	assert_true(connection_old_from_ms(&random, 0, 7) == INT64_MAX);
}

/* By HTTP or gRPC. `old_ms`: from when it is too old */
static void assert_age(const struct loop *loop, int64_t old_ms)
{
	assert_in_range(old_ms - loop_now_ms(loop), AGE_MS * 3 / 4 - 5000, AGE_MS);
}

/* ---- by HTTP ---- */

static int http_set_up(void **state)
{
	memset(&names, 0, sizeof names);
	if (http_stand_open(state) != 0)
		return -1;
	struct http_stand *stand = *state;
	stand->limits.connection_age_ms = AGE_MS;
	return 0;
}

static void grow_old(struct http_stand *stand)
{
	const struct http_origin *origin = stand->http->origins;
	struct list_node *node = origin->idle.first ? origin->idle.first : origin->busy.first;
	http_connection_of(node)->old_from_ms -= AGE_MS;
}

static void serve_new(struct http_stand *stand)
{
	struct asking *asked = http_stand_ask(stand, 1);
	struct guest guest = let_in(stand);
	answer_hello(&guest);
	assert_hello(stand, asked);
	guest_close(&guest);
}

static void serve_again(struct http_stand *stand, const struct guest *guest)
{
	struct asking *asked = http_stand_ask(stand, 1);
	answer_hello(guest);
	assert_hello(stand, asked);
	assert_nobody_knocks(stand);
}

static void an_old_connection_takes_no_more_requests(void **state)
{
	struct http_stand *stand = *state;
	struct guest guest = kept_connection(stand);
	assert_age(stand->loop, http_connection_of(stand->http->origins->idle.first)->old_from_ms);
	grow_old(stand);
	serve_new(stand);
	assert_string_equal(guest_hear(&guest, ""), ""); /* it is closed */
	guest_close(&guest);
}

static void a_connection_of_any_age_is_kept_without_a_limit(void **state)
{
	struct http_stand *stand = *state;
	stand->limits.connection_age_ms = 0;
	struct guest guest = kept_connection(stand);
	grow_old(stand);
	serve_again(stand, &guest);
	guest_close(&guest);
}

static void an_answer_that_takes_longer_than_that_comes(void **state)
{
	struct http_stand *stand = *state;
	struct asking *asked = http_stand_ask(stand, 0);
	struct guest guest = let_in(stand);
	assert_asked(&guest);
	grow_old(stand);
	guest_say(&guest, HELLO);
	assert_hello(stand, asked);
	guest_close(&guest);
}

static void while_a_name_cannot_be_looked_up_old_connections_are_used(void **state)
{
	struct http_stand *stand = *state;
	snprintf(stand->url, sizeof stand->url, "http://model.example:%d/x", stand->port);
	struct guest guest = kept_connection(stand);
	assert_int_equal(names.look_ups, 1);
	grow_old(stand);
	names.fails = true;
	dial_host_forget(&stand->http->origins->dial_host);
	serve_again(stand, &guest);
	for (int turns = 0; turns < HTTP_STAND_TURNS_MAX && names.look_ups < 2; turns++)
		http_stand_turn(stand);
	serve_again(stand, &guest);
	names.fails = false;
	stand->http->origins->dial_host.refresh_from_ms = 0; /* a second later */
	serve_again(stand, &guest);
	for (int turns = 0; turns < HTTP_STAND_TURNS_MAX && !dial_host_is_fresh(&stand->http->origins->dial_host); turns++)
		http_stand_turn(stand);
	serve_new(stand);
	assert_int_equal(names.look_ups, 3);
	guest_close(&guest);
}

static void a_request_whose_new_connection_is_refused_uses_the_old_one(void **state)
{
	struct http_stand *stand = *state;
	snprintf(stand->url, sizeof stand->url, "http://model.example:%d/x", stand->port);
	struct guest guest = kept_connection(stand);
	struct dial_host *host = &stand->http->origins->dial_host;
	names.port = 1; /* where nobody listens: the name is another's now, and that is not up yet */
	dial_host_forget(host);
	for (int turns = 0; turns < HTTP_STAND_TURNS_MAX && !dial_host_is_fresh(host); turns++)
		http_stand_turn(stand);
	grow_old(stand);
	serve_again(stand, &guest);
	assert_true(stand->http->origins->renew_from_ms > 0); /* another was tried */
	serve_again(stand, &guest);
	names.port = 0;
	dial_host_forget(host);
	for (int turns = 0; turns < HTTP_STAND_TURNS_MAX && !dial_host_is_fresh(host); turns++) {
		host->refresh_from_ms = 0;
		http_stand_turn(stand);
	}
	stand->http->origins->renew_from_ms = 0; /* a second later */
	serve_new(stand);
	assert_string_equal(guest_hear(&guest, ""), ""); /* it is closed */
	guest_close(&guest);
}

static void a_host_is_fresh_as_long_as_its_addresses_are_known(void **state)
{
	struct http_stand *stand = *state;
	struct dial_host host = {.loop = stand->loop, .host = "model.example", .port = "1"};
	names.fails = true;
	assert_false(dial_host_is_fresh(&host));
	for (int turns = 0; turns < 20; turns++) {
		http_stand_turn(stand);
		assert_false(dial_host_is_fresh(&host));
	}
	assert_int_equal(names.look_ups, 1); /* a second has not passed */
	names.fails = false;
	host.refresh_from_ms = 0; /* it has */
	assert_false(dial_host_is_fresh(&host));
	for (int turns = 0; turns < HTTP_STAND_TURNS_MAX && !dial_host_is_fresh(&host); turns++)
		http_stand_turn(stand);
	assert_true(dial_host_is_fresh(&host));
	assert_int_equal(names.look_ups, 2);
	dial_host_forget(&host);
	host.refresh_from_ms = 0;
	assert_false(dial_host_is_fresh(&host));
	dial_host_close(&host);
	struct dial_host numeric = {.loop = stand->loop, .host = "127.0.0.1", .port = "1"};
	assert_true(dial_host_is_fresh(&numeric));
	dial_host_close(&numeric);
}

/* ---- by gRPC ---- */

static int grpc_set_up(void **state)
{
	memset(&names, 0, sizeof names);
	if (stand_set_up(state) != 0)
		return -1;
	struct stand *stand = *state;
	stand->limits.connection_age_ms = AGE_MS;
	stand->puppet.asked = say_yes;
	return 0;
}

/* The first connection, which is the last of the list. */
static void first_grow_old(struct stand *stand)
{
	grpc_connection_of(stand->grpc->peers->connections.last)->old_from_ms -= AGE_MS;
}

static void call_again(struct stand *stand)
{
	begin(stand, 1);
	turn_until_told(stand, stand->told + 1);
	assert_string_equal(stand->calls[1].reply.error.text, "");
	assert_string_equal(stand->calls[1].text, "yes");
}

static void turn_until_closed(struct stand *stand, const struct puppet_line *line)
{
	for (int turns = 0; turns < 200 && line->watch.descriptor != -1; turns++)
		turn(stand);
	assert_int_equal(line->watch.descriptor, -1);
}

static void an_old_connection_takes_calls_until_its_successor_does(void **state)
{
	struct stand *stand = *state;
	ask_once(stand);
	assert_int_equal(stand->puppet.line_count, 1);
	assert_age(stand->loop, grpc_connection_of(stand->grpc->peers->connections.last)->old_from_ms);
	first_grow_old(stand);
	stand->puppet.mute = 1; /* the new one is not established */
	for (int calls = 0; calls < 5; calls++) {
		call_again(stand);
		turn(stand);
	}
	assert_int_equal(stand->puppet.line_count, 2);
	puppet_settings(&stand->puppet.lines[1], 100);
	for (int turns = 0; turns < 3; turns++)
		turn(stand);
	call_again(stand);
	turn_until_closed(stand, &stand->puppet.lines[0]);
	assert_int_equal(stand->puppet.line_count, 2);
}

static void a_call_on_an_old_connection_gets_its_answer_there(void **state)
{
	struct stand *stand = *state;
	stand->puppet.asked = NULL;
	begin(stand, 0);
	turn_until_asked(stand, 1);
	first_grow_old(stand);
	stand->puppet.asked = say_yes;
	begin(stand, 1);
	turn_until_told(stand, 1);
	for (int turns = 0; turns < 10; turns++)
		turn(stand);
	begin(stand, 2);
	turn_until_told(stand, 2);
	assert_int_equal(stand->puppet.line_count, 2);
	assert_int_not_equal(stand->puppet.lines[0].watch.descriptor, -1);
	say_yes(&stand->puppet.lines[0], stand->puppet.ids[0]);
	turn_until_told(stand, 3);
	assert_string_equal(stand->calls[0].text, "yes");
	turn_until_closed(stand, &stand->puppet.lines[0]);
}

static void a_successor_that_is_refused_ends_nothing(void **state)
{
	struct stand *stand = *state;
	const int port = (int)strtol(strrchr(stand->address, ':') + 1, NULL, 10);
	snprintf(stand->address, sizeof stand->address, "model.example:%d", port);
	ask_once(stand);
	names.port = 1; /* where nobody listens: the name is another's now, and that is not up yet */
	dial_host_forget(&stand->grpc->peers->dial_host);
	first_grow_old(stand);
	for (int calls = 0; calls < 10; calls++) {
		call_again(stand);
		turn(stand);
	}
	assert_int_equal(stand->puppet.line_count, 1);
	assert_int_not_equal(stand->puppet.lines[0].watch.descriptor, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_connection_has_an_age_of_its_own),
		HTTP_STORY(an_old_connection_takes_no_more_requests),
		HTTP_STORY(a_connection_of_any_age_is_kept_without_a_limit),
		HTTP_STORY(an_answer_that_takes_longer_than_that_comes),
		HTTP_STORY(while_a_name_cannot_be_looked_up_old_connections_are_used),
		HTTP_STORY(a_request_whose_new_connection_is_refused_uses_the_old_one),
		HTTP_STORY(a_host_is_fresh_as_long_as_its_addresses_are_known),
		GRPC_STORY(an_old_connection_takes_calls_until_its_successor_does),
		GRPC_STORY(a_call_on_an_old_connection_gets_its_answer_there),
		GRPC_STORY(a_successor_that_is_refused_ends_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
