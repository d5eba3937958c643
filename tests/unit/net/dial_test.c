/* dial_test.c: names of several addresses, of which some drop packets or refuse: what a dial does of them, and a gRPC call. */
#include "net/dial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net/listen.h"
#include "tests/unit/grpc_stand.h"

#define CONNECT_MS 1000
#define PATIENT_MS 10000 /* where nothing is waited for: however busy the machine is, half of it is far away */
#define ADDRESSES 2

/* The port of each address of each name, in place of what the system's resolver says; 0: the one that is asked for. */
static struct {
	int ports[ADDRESSES];
	atomic_int look_ups;
} names;

__attribute__((used)) static int find_addresses(const char *restrict host, const char *restrict port,
						const struct addrinfo *restrict hints, struct addrinfo **restrict found)
{
	struct answer {
		struct addrinfo info[ADDRESSES];
		struct sockaddr_in at[ADDRESSES];
	} * answer;
	if (hints->ai_flags & AI_NUMERICHOST)
		return EAI_NONAME;
	if (host && strcmp(host, "two") == 0)
		names.look_ups++;
	answer = calloc(1, sizeof *answer);
	for (size_t i = 0; i < ADDRESSES; i++) {
		answer->at[i].sin_family = AF_INET;
		answer->at[i].sin_port = htons((uint16_t)(names.ports[i] ? names.ports[i] : (int)strtol(port, NULL, 10)));
		answer->at[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		answer->info[i] = (struct addrinfo){.ai_family = AF_INET,
						    .ai_socktype = SOCK_STREAM,
						    .ai_addr = (struct sockaddr *)&answer->at[i],
						    .ai_addrlen = sizeof answer->at[i],
						    .ai_next = i + 1 < ADDRESSES ? &answer->info[i + 1] : NULL};
	}
	*found = answer->info;
	return 0;
}

__attribute__((used)) static void give_addresses(struct addrinfo *found)
{
	free(found);
}

extern __typeof__(getaddrinfo) getaddrinfo __attribute__((alias("find_addresses")));
extern __typeof__(freeaddrinfo) freeaddrinfo __attribute__((alias("give_addresses")));

/* ---- the stand ---- */

struct dialled {
	struct dial dial;
	struct link link;
	struct error error;
	int done;
	int64_t begun_ms, took_ms;
};

static struct {
	struct loop *loop;
	struct dial_host host;
	struct dialled dials[2];
	int answering, answering_port;			/* a listener */
	int dropping, dropping_port, queued[ADDRESSES]; /* one whose queue is full: the kernel drops who knocks */
	int refusing_port;
} stand;

static int connect_to(int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int made = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	(void)connect(made, (struct sockaddr *)&address, sizeof address);
	return made;
}

static int open_stand(void **state)
{
	(void)state;
	struct error error = {0};
	memset(&stand, 0, sizeof stand);
	memset(&names, 0, sizeof names);
	stand.loop = loop_open(&error);
	stand.answering = listen_open(NULL, &stand.answering_port, &error);
	close(listen_open(NULL, &stand.refusing_port, &error));
	stand.dropping = listen_open(NULL, &stand.dropping_port, &error);
	if (listen(stand.dropping, 0) != 0)
		return -1;
	for (size_t i = 0; i < ADDRESSES; i++)
		stand.queued[i] = connect_to(stand.dropping_port);
	stand.host = (struct dial_host){.loop = stand.loop, .host = "two", .port = "1"};
	return 0;
}

static int close_stand(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		if (stand.dials[i].dial.host)
			dial_stop(&stand.dials[i].dial);
		if (stand.dials[i].done)
			link_close(&stand.dials[i].link);
	}
	dial_host_close(&stand.host);
	for (size_t i = 0; i < ADDRESSES; i++)
		close(stand.queued[i]);
	close(stand.dropping);
	close(stand.answering);
	loop_close(stand.loop);
	return 0;
}

static void on_done(void *context, const struct error *error)
{
	struct dialled *dialled = context;
	dialled->done++;
	dialled->took_ms = loop_now_ms(stand.loop) - dialled->begun_ms;
	if (error)
		dialled->error = *error;
}

static struct dialled *begin_dial(size_t number)
{
	struct dialled *dialled = &stand.dials[number];
	if (dialled->done)
		link_close(&dialled->link);
	*dialled = (struct dialled){.link = LINK_NONE, .begun_ms = loop_now_ms(stand.loop)};
	dialled->dial = (struct dial){.host = &stand.host,
				      .link = &dialled->link,
				      .connect_ms = CONNECT_MS,
				      .deadline_ms = INT64_MAX,
				      .done = on_done,
				      .context = dialled};
	return dialled;
}

static struct dialled *begin_patient_dial(size_t number)
{
	struct dialled *dialled = begin_dial(number);
	dialled->dial.connect_ms = PATIENT_MS;
	return dialled;
}

static void turn_for(int64_t ms)
{
	for (int64_t until_ms = loop_now_ms(stand.loop) + ms; loop_now_ms(stand.loop) < until_ms;)
		assert_true(loop_turn(stand.loop, 5, &(struct error){0}));
}

static void await(struct dialled *dialled)
{
	for (int64_t until_ms = loop_now_ms(stand.loop) + 10000; !dialled->done && loop_now_ms(stand.loop) < until_ms;)
		assert_true(loop_turn(stand.loop, 5, &(struct error){0}));
	assert_int_equal(dialled->done, 1);
}

static void await_established(struct dialled *dialled)
{
	await(dialled);
	assert_string_equal(dialled->error.text, "");
	assert_true(dialled->link.established);
}

/* ---- stories ---- */

static void an_address_that_drops_packets_has_its_share_of_the_time(void **state)
{
	(void)state;
	names.ports[0] = stand.dropping_port;
	names.ports[1] = stand.answering_port;
	struct dialled *dialled = begin_dial(0);
	dial_start(&dialled->dial);
	await_established(dialled);
	assert_in_range(dialled->took_ms, CONNECT_MS / 2, CONNECT_MS - 1);
	assert_int_equal(dialled->dial.share_until_ms, dialled->begun_ms + CONNECT_MS); /* the last address has what is left */
}

static void the_next_dial_begins_with_the_address_that_answered(void **state)
{
	(void)state;
	an_address_that_drops_packets_has_its_share_of_the_time(state);
	struct dialled *dialled = begin_patient_dial(1);
	dial_start(&dialled->dial);
	await_established(dialled);
	assert_in_range(dialled->took_ms, 0, PATIENT_MS / 2 - 1);
	assert_int_equal(names.look_ups, 1);
	dial_host_forget(&stand.host); /* and with newer addresses too */
	dialled = begin_patient_dial(1);
	dial_start(&dialled->dial);
	await_established(dialled);
	assert_in_range(dialled->took_ms, 0, PATIENT_MS / 2 - 1);
	assert_int_equal(names.look_ups, 2);
}

static void who_gives_up_sooner_has_the_others_tried_sooner(void **state)
{
	(void)state;
	names.ports[0] = stand.dropping_port;
	names.ports[1] = stand.answering_port;
	struct dialled *dialled = begin_patient_dial(0);
	dialled->dial.deadline_ms = dialled->begun_ms + 100;
	dial_start(&dialled->dial);
	await_established(dialled);
	assert_in_range(dialled->took_ms, 50, PATIENT_MS / 2 - 1);
}

static void addresses_that_all_drop_packets_take_the_whole_time(void **state)
{
	(void)state;
	names.ports[0] = names.ports[1] = stand.dropping_port;
	struct dialled *dialled = begin_dial(0);
	dial_start(&dialled->dial);
	await(dialled);
	assert_string_equal(dialled->error.text, "connecting took longer than 1000 ms");
	assert_true(dialled->took_ms >= CONNECT_MS);
	assert_int_equal(dialled->link.socket, -1);
}

static void addresses_of_which_none_answers_are_looked_up_again(void **state)
{
	(void)state;
	names.ports[0] = names.ports[1] = stand.refusing_port;
	struct dialled *dialled = begin_dial(0);
	dial_start(&dialled->dial);
	await(dialled);
	assert_string_equal(dialled->error.text, "Connection refused");
	names.ports[0] = stand.answering_port;
	dialled = begin_dial(0);
	dial_start(&dialled->dial);
	await_established(dialled);
	assert_int_equal(names.look_ups, 2);
}

/* So that a changed entry of the DNS is followed within a minute. */
static void addresses_are_looked_up_again_after_a_minute(void **state)
{
	(void)state;
	names.ports[0] = names.ports[1] = stand.answering_port;
	dial_start(&begin_dial(0)->dial);
	await_established(&stand.dials[0]);
	assert_in_range(stand.host.addresses_until_ms - loop_now_ms(stand.loop), 40 * 1000, 60 * 1000);
	names.ports[0] = names.ports[1] = stand.refusing_port; /* the entry changes */
	struct dialled *dialled = begin_dial(0);
	dial_start(&dialled->dial);
	await_established(dialled);
	assert_int_equal(names.look_ups, 1);
	stand.host.addresses_until_ms = loop_now_ms(stand.loop); /* the minute is over */
	dialled = begin_dial(0);
	dial_start(&dialled->dial);
	await(dialled);
	assert_string_equal(dialled->error.text, "Connection refused");
	assert_int_equal(names.look_ups, 2);
}

static void dials_of_one_host_share_a_look_up(void **state)
{
	(void)state;
	names.ports[0] = names.ports[1] = stand.answering_port;
	for (size_t i = 0; i < 2; i++)
		dial_start(&begin_dial(i)->dial);
	await_established(&stand.dials[0]);
	await_established(&stand.dials[1]);
	assert_int_equal(names.look_ups, 1);
}

static void a_dial_that_is_stopped_is_not_told(void **state)
{
	(void)state;
	names.ports[0] = names.ports[1] = stand.answering_port;
	for (size_t i = 0; i < 2; i++)
		dial_start(&begin_dial(i)->dial);
	dial_stop(&stand.dials[0].dial);
	await_established(&stand.dials[1]);
	names.ports[0] = stand.dropping_port;
	dial_host_forget(&stand.host);
	dial_start(&begin_dial(0)->dial);
	turn_for(CONNECT_MS / 4);
	dial_stop(&stand.dials[0].dial);
	turn_for(CONNECT_MS);
	assert_int_equal(stand.dials[0].done, 0);
	assert_int_equal(stand.dials[0].link.socket, -1);
}

/* ---- a model behind such a name ---- */

static void a_model_by_grpc_is_reached_at_its_second_address(void **state)
{
	(void)state;
	struct stand *grpc;
	stand_set_up((void **)&grpc);
	names.ports[0] = stand.dropping_port; /* the other is the one that the call names */
	grpc->puppet.asked = say_yes;
	grpc->limits.connect_ms = 2 * CONNECT_MS;
	int port = (int)strtol(strchr(grpc->address, ':') + 1, NULL, 10);
	snprintf(grpc->address, sizeof grpc->address, "two:%d", port);
	assert_string_equal(ask_once(grpc)->text, "yes");
	for (size_t i = 0; i < grpc->puppet.line_count; i++) /* later too, and at once */
		puppet_hang_up(&grpc->puppet.lines[i]);
	turn(grpc);
	int64_t begun_ms = loop_now_ms(grpc->loop);
	begin(grpc, 1);
	turn_until_told(grpc, 2);
	assert_string_equal(grpc->calls[1].text, "yes");
	assert_in_range(loop_now_ms(grpc->loop) - begun_ms, 0, CONNECT_MS - 1);
	stand_tear_down((void **)&grpc);
}

/* Its first address is that one, the second a model's. */
static struct stand *model_behind(int port)
{
	struct stand *grpc;
	stand_set_up((void **)&grpc);
	names.ports[0] = port;
	grpc->puppet.asked = say_yes;
	grpc->limits.connect_ms = CONNECT_MS;
	int own = (int)strtol(strchr(grpc->address, ':') + 1, NULL, 10);
	snprintf(grpc->address, sizeof grpc->address, "two:%d", own);
	return grpc;
}

static void an_address_that_never_greets_has_its_share_of_the_time(void **state)
{
	(void)state;
	struct stand *grpc = model_behind(stand.answering_port); /* the kernel accepts, and nobody speaks */
	grpc->limits.connect_ms = 2 * CONNECT_MS;
	int64_t begun_ms = loop_now_ms(grpc->loop);
	assert_string_equal(ask_once(grpc)->text, "yes");
	assert_in_range(loop_now_ms(grpc->loop) - begun_ms, CONNECT_MS, 2 * CONNECT_MS - 1);
	for (size_t i = 0; i < grpc->puppet.line_count; i++)
		puppet_hang_up(&grpc->puppet.lines[i]);
	turn(grpc);
	begun_ms = loop_now_ms(grpc->loop); /* the next connection begins with the other */
	begin(grpc, 1);
	turn_until_told(grpc, 2);
	assert_string_equal(grpc->calls[1].text, "yes");
	assert_in_range(loop_now_ms(grpc->loop) - begun_ms, 0, CONNECT_MS - 1);
	stand_tear_down((void **)&grpc);
}

static void addresses_that_never_greet_take_the_whole_time_and_are_told(void **state)
{
	(void)state;
	struct stand *grpc = model_behind(stand.answering_port);
	names.ports[1] = stand.answering_port;
	int64_t begun_ms = loop_now_ms(grpc->loop);
	assert_fails(ask_once(grpc), ERROR_REMOTE, "no HTTP/2 connection stood in time");
	assert_in_range(loop_now_ms(grpc->loop) - begun_ms, CONNECT_MS, CONNECT_MS * 2);
	stand_tear_down((void **)&grpc);
}

/* Says so to who comes, as a proxy or an HTTP/1 server does, or nothing, and hangs up. */
struct rude {
	struct watch watch;
	int socket;
	const char *words;
};

static void on_visitor(void *context, uint32_t events)
{
	const struct rude *rude = context;
	(void)events;
	int model_request = accept(rude->socket, NULL, NULL);
	if (model_request < 0)
		return;
	(void)!write(model_request, rude->words, strlen(rude->words));
	close(model_request);
}

static void an_address_that_speaks_otherwise_or_hangs_up_is_passed_over_at_once(void **state)
{
	(void)state;
	static const char *const words[] = {"", "HTTP/1.1 400 Bad Request\r\n\r\n", "220 mail.example ESMTP ready to take it\r\n"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct stand *grpc = model_behind(stand.answering_port);
		struct rude rude = {.watch = {.ready = on_visitor, .context = &rude}, .socket = stand.answering, .words = words[i]};
		struct error error = {0};
		assert_true(loop_watch(grpc->loop, &rude.watch, stand.answering, EPOLLIN, &error));
		grpc->limits.connect_ms = PATIENT_MS;
		int64_t begun_ms = loop_now_ms(grpc->loop);
		assert_string_equal(ask_once(grpc)->text, "yes");
		assert_in_range(loop_now_ms(grpc->loop) - begun_ms, 0, PATIENT_MS / 2 - 1);
		loop_unwatch(grpc->loop, &rude.watch);
		stand_tear_down((void **)&grpc);
	}
}

#define DIAL_STORY(name) cmocka_unit_test_setup_teardown(name, open_stand, close_stand)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIAL_STORY(an_address_that_drops_packets_has_its_share_of_the_time),
		DIAL_STORY(the_next_dial_begins_with_the_address_that_answered),
		DIAL_STORY(who_gives_up_sooner_has_the_others_tried_sooner),
		DIAL_STORY(addresses_that_all_drop_packets_take_the_whole_time),
		DIAL_STORY(addresses_of_which_none_answers_are_looked_up_again),
		DIAL_STORY(addresses_are_looked_up_again_after_a_minute),
		DIAL_STORY(dials_of_one_host_share_a_look_up),
		DIAL_STORY(a_dial_that_is_stopped_is_not_told),
		DIAL_STORY(a_model_by_grpc_is_reached_at_its_second_address),
		DIAL_STORY(an_address_that_never_greets_has_its_share_of_the_time),
		DIAL_STORY(addresses_that_never_greet_take_the_whole_time_and_are_told),
		DIAL_STORY(an_address_that_speaks_otherwise_or_hangs_up_is_passed_over_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
