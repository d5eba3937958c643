/* relay_test.c: the relay in front of the embedded broker, asked byte by byte as clients of other
 * libraries ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kafka/embedded/relay.h"
#include "kafka/embedded/relay_queue.h"
#include "net/listen.h"

#define TURN_MS 10
#define SECONDS_MAX 20 /* far more than anything takes */

struct stand {
	struct loop *loop;
	struct embedded_broker *cluster;
	struct relay *relay;
	pthread_t thread;
	atomic_bool over;
	int client, port;
	struct buffer request, answer;
	size_t at; /* of the answer */
};

static void *run(void *context)
{
	struct stand *stand = context;
	struct error error = {0};
	while (!atomic_load(&stand->over) && loop_turn(stand->loop, TURN_MS, &error))
		continue;
	return NULL;
}

static int stand_connect(const struct stand *stand)
{
	const struct timeval patience = {.tv_sec = SECONDS_MAX};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	address.sin_port = htons((uint16_t)stand->port);
	int client = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
	return client;
}

static int set_up(void **state)
{
	static struct stand stand;
	struct error error = {0};
	stand = (struct stand){.loop = loop_open(&error), .cluster = embedded_broker_open(&error)};
	stand.relay = relay_open(stand.loop, stand.cluster, 0, &error);
	assert_non_null(stand.relay);
	stand.port = (int)strtol(strrchr(relay_brokers(stand.relay), ':') + 1, NULL, 10);
	assert_true(embedded_broker_topic(stand.cluster, "there", 1, &error));
	assert_int_equal(pthread_create(&stand.thread, NULL, run, &stand), 0);
	stand.client = stand_connect(&stand);
	buffer_open(&stand.request, 1 << 20);
	buffer_open(&stand.answer, 1 << 20);
	*state = &stand;
	return 0;
}

static int tear_down(void **state)
{
	struct stand *stand = *state;
	atomic_store(&stand->over, true);
	pthread_join(stand->thread, NULL);
	close(stand->client);
	relay_close(stand->relay);
	loop_close(stand->loop);
	embedded_broker_close(stand->cluster);
	buffer_close(&stand->request);
	buffer_close(&stand->answer);
	return 0;
}

/* ---- requests ---- */

static void put(struct stand *stand, uint64_t number, size_t size)
{
	for (size_t i = size; i-- > 0;)
		buffer_byte(&stand->request, (char)(number >> 8 * i & 0xff));
}

static void put_name(struct stand *stand, const char *name)
{
	put(stand, (uint32_t)strlen(name), 2);
	buffer_string(&stand->request, name);
}

static void begin(struct stand *stand, int api, int version, int correlation)
{
	buffer_clear(&stand->request);
	put(stand, (uint32_t)api, 2);
	put(stand, (uint32_t)version, 2);
	put(stand, (uint32_t)correlation, 4);
	put_name(stand, "test");
}

static void ask(const struct stand *stand)
{
	uint32_t length = htonl((uint32_t)stand->request.length);
	assert_int_equal(send(stand->client, &length, sizeof length, 0), sizeof length);
	assert_int_equal(send(stand->client, stand->request.bytes, stand->request.length, 0), stand->request.length);
}

/* ---- answers ---- */

static uint32_t take(struct stand *stand, size_t size)
{
	uint32_t number = 0;
	assert_true(stand->at + size <= stand->answer.length);
	for (size_t i = 0; i < size; i++)
		number = number << 8 | (unsigned char)stand->answer.bytes[stand->at++];
	return number;
}

static struct text take_name(struct stand *stand)
{
	size_t length = take(stand, 2);
	if (length == 0xffff)
		return (struct text){0};
	assert_true(stand->at + length <= stand->answer.length);
	stand->at += length;
	return (struct text){stand->answer.bytes + stand->at - length, length};
}

static void expect_answer(struct stand *stand, int correlation)
{
	uint32_t length;
	assert_int_equal(recv(stand->client, &length, sizeof length, MSG_WAITALL), sizeof length);
	length = ntohl(length);
	buffer_clear(&stand->answer);
	assert_true(length < 1 << 16);
	char *room = buffer_room(&stand->answer, length);
	assert_int_equal(recv(stand->client, room, length, MSG_WAITALL), length);
	buffer_grown(&stand->answer, length);
	stand->at = 0;
	assert_int_equal(take(stand, 4), correlation);
}

static bool is_closed(const struct stand *stand)
{
	char byte;
	return recv(stand->client, &byte, 1, 0) <= 0;
}

/* ---- what comes of them ---- */

static void versions_are_told_in_each_version(void **state)
{
	struct stand *stand = *state;
	for (int version = 0; version <= 5; version++) {
		begin(stand, RELAY_API_VERSIONS, version, version);
		ask(stand);
		expect_answer(stand, version);
		bool known = version <= 4, flexible = known && version >= 3;
		assert_int_equal(take(stand, 2), known ? 0 : 35);
		uint32_t count = flexible ? take(stand, 1) - 1 : take(stand, 4);
		assert_in_range(count, 15, 60);
		for (uint32_t i = 0; i < count; i++) {
			(void)take(stand, 2);
			uint32_t least = take(stand, 2), most = take(stand, 2);
			assert_true(least <= most);
			if (flexible)
				assert_int_equal(take(stand, 1), 0);
		}
		if (known && version >= 1)
			assert_int_equal(take(stand, 4), 0);
		if (flexible)
			assert_int_equal(take(stand, 1), 0);
		assert_int_equal(stand->at, stand->answer.length);
	}
}

/* Java's admin client asks so, and makes nothing by it. */
static void metadata_names_the_relay_and_makes_no_topic(void **state)
{
	struct stand *stand = *state;
	for (int times = 0; times < 2; times++) {
		begin(stand, RELAY_METADATA, 4, 7);
		put(stand, 2, 4);
		put_name(stand, "missing");
		put_name(stand, "there");
		put(stand, 0, 1);
		ask(stand);
		expect_answer(stand, 7);
		assert_int_equal(take(stand, 4), 0);
		assert_int_equal(take(stand, 4), 1);
		uint32_t node = take(stand, 4);
		assert_true(text_is(take_name(stand), "127.0.0.1"));
		assert_int_equal(take(stand, 4), stand->port);
		(void)take_name(stand);
		assert_true(take_name(stand).length > 0);
		assert_int_equal(take(stand, 4), node); /* the controller */
		assert_int_equal(take(stand, 4), 2);
		assert_int_equal(take(stand, 2), 3);
		assert_true(text_is(take_name(stand), "missing"));
		assert_int_equal(take(stand, 1), 0);
		assert_int_equal(take(stand, 4), 0);
		assert_int_equal(take(stand, 2), 0);
		assert_true(text_is(take_name(stand), "there"));
	}
}

static void the_coordinator_is_behind_the_relay(void **state)
{
	struct stand *stand = *state;
	for (int version = 0; version <= 2; version++) {
		begin(stand, RELAY_FIND_COORDINATOR, version, 9);
		put_name(stand, "group");
		if (version >= 1)
			put(stand, 0, 1);
		ask(stand);
		expect_answer(stand, 9);
		if (version >= 1)
			assert_int_equal(take(stand, 4), 0);
		assert_int_equal(take(stand, 2), 0);
		if (version >= 1)
			(void)take_name(stand);
		(void)take(stand, 4);
		assert_true(text_is(take_name(stand), "127.0.0.1"));
		assert_int_equal(take(stand, 4), stand->port);
		assert_int_equal(stand->at, stand->answer.length);
	}
}

static uint32_t make_topic(struct stand *stand, const char *name, uint32_t partitions, uint32_t check_only)
{
	begin(stand, RELAY_CREATE_TOPICS, 4, 11);
	put(stand, 1, 4);
	put_name(stand, name);
	put(stand, partitions, 4);
	put(stand, 1, 2);
	put(stand, 0, 4);
	put(stand, 0, 4);
	put(stand, 1000, 4);
	put(stand, check_only, 1);
	ask(stand);
	expect_answer(stand, 11);
	assert_int_equal(take(stand, 4), 0);
	assert_int_equal(take(stand, 4), 1);
	assert_true(text_is(take_name(stand), name));
	return take(stand, 2);
}

static void topics_are_made_by_clients(void **state)
{
	struct stand *stand = *state;
	assert_int_equal(make_topic(stand, "mine", 2, 1), 0);
	assert_int_equal(make_topic(stand, "mine", 2, 0), 0);
	assert_int_equal(make_topic(stand, "mine", 2, 0), 36);
	assert_int_equal(make_topic(stand, "some", (uint32_t)-1, 0), 0);
	assert_int_equal(make_topic(stand, "none", 0, 0), 37);
	assert_int_equal(make_topic(stand, "most", RELAY_PARTITIONS_MAX, 1), 0);
	assert_int_equal(make_topic(stand, "most", RELAY_PARTITIONS_MAX + 1, 1), 37);
	assert_int_equal(make_topic(stand, "a b", 1, 0), 17);
	assert_int_equal(make_topic(stand, "..", 1, 0), 17);
}

/* What is answered here waits for what the broker was asked before. */
static void answers_come_in_the_order_of_their_requests(void **state)
{
	struct stand *stand = *state;
	for (int i = 0; i < 20; i++) {
		begin(stand, i % 2 == 0 ? RELAY_METADATA : RELAY_API_VERSIONS, 0, i);
		if (i % 2 == 0)
			put(stand, 0, 4);
		ask(stand);
	}
	for (int i = 0; i < 20; i++)
		expect_answer(stand, i);
}

static void queue_fill(struct relay_queue *queue, size_t count, size_t length)
{
	static const char bytes[1 << 20];
	relay_queue_open(queue);
	for (size_t i = 0; i < count; i++)
		assert_non_null(relay_queue_add(queue, bytes, length));
}

static void what_waits_for_answers_is_bounded_in_number_and_bytes(void **state)
{
	(void)state;
	struct relay_queue queue;
	const size_t most = RELAY_PENDING_BYTES_MAX >> 20;
	queue_fill(&queue, RELAY_PENDING_MAX - 1, 1);
	assert_false(relay_queue_is_full(&queue));
	assert_non_null(relay_queue_add(&queue, "x", 1));
	assert_true(relay_queue_is_full(&queue));
	relay_queue_drop(&queue);
	assert_false(relay_queue_is_full(&queue));
	relay_queue_close(&queue);
	queue_fill(&queue, most - 1, 1 << 20);
	assert_false(relay_queue_is_full(&queue));
	assert_non_null(relay_queue_add(&queue, "x", 1));
	assert_false(relay_queue_is_full(&queue));
	relay_queue_close(&queue);
	queue_fill(&queue, most, 1 << 20);
	assert_true(relay_queue_is_full(&queue));
	relay_queue_drop(&queue);
	assert_false(relay_queue_is_full(&queue));
	relay_queue_close(&queue);
	assert_int_equal(queue.count, 0);
	assert_int_equal(queue.bytes, 0);
}

/* A fetch that the broker answers after that time, since nothing comes. */
static void hold(struct stand *stand, int correlation, uint32_t wait_ms)
{
	begin(stand, 1, 0, correlation);
	put(stand, (uint32_t)-1, 4);
	put(stand, wait_ms, 4);
	put(stand, 1, 4);
	put(stand, 1, 4);
	put_name(stand, "there");
	put(stand, 1, 4);
	put(stand, 0, 4);
	put(stand, 0, 8);
	put(stand, 1 << 20, 4);
	ask(stand);
}

/* More than may wait, in one go, behind an answer that takes its time. */
static void requests_beyond_the_bound_are_answered_too_and_in_order(void **state)
{
	struct stand *stand = *state;
	hold(stand, 0, 300);
	for (int i = 1; i <= 3 * RELAY_PENDING_MAX; i++) {
		begin(stand, i % 7 == 0 ? RELAY_METADATA : RELAY_API_VERSIONS, 0, i);
		if (i % 7 == 0)
			put(stand, 0, 4);
		ask(stand);
	}
	for (int i = 0; i <= 3 * RELAY_PENDING_MAX; i++)
		expect_answer(stand, i);
}

/* Whether so much can be sent while no answer is read, and none comes of the broker. */
static bool can_send(struct stand *stand, size_t bytes)
{
	static char frame[1 << 16];
	const size_t length = sizeof frame - sizeof(uint32_t);
	begin(stand, RELAY_METADATA, 0, 7);
	put(stand, 0, 4);
	put(stand, 0, 4);
	frame[2] = (char)(length >> 8), frame[3] = (char)length;
	memcpy(frame + 4, stand->request.bytes, stand->request.length);
	const struct timeval patience = {.tv_usec = 300000};
	assert_int_equal(setsockopt(stand->client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
	for (size_t sent = 0; sent < bytes; sent += sizeof frame)
		if (send(stand->client, frame, sizeof frame, MSG_NOSIGNAL) != sizeof frame)
			return false;
	return true;
}

static void a_client_that_asks_without_end_is_not_read_on(void **state)
{
	struct stand *stand = *state;
	hold(stand, 0, 5000);
	assert_false(can_send(stand, 64 << 20));
}

static void what_is_no_request_ends_its_connection_alone(void **state)
{
	struct stand *stand = *state;
	static const char *const rows[] = {"\x7f\xff\xff\xff....", "GET / HTTP/1.1\r\n\r\n", "\0\0\0\x02..", "\0\0\0\0"};
	static const size_t lengths[] = {8, 18, 6, 4};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(send(stand->client, rows[i], lengths[i], 0), lengths[i]);
		assert_true(is_closed(stand));
		close(stand->client);
		stand->client = stand_connect(stand);
	}
	begin(stand, RELAY_CREATE_TOPICS, 4, 1);
	put(stand, 0x7fffffff, 4); /* more topics than there are bytes */
	ask(stand);
	assert_true(is_closed(stand));
	close(stand->client);
	stand->client = stand_connect(stand);
	begin(stand, RELAY_API_VERSIONS, 0, 3);
	ask(stand);
	expect_answer(stand, 3);
}

static void a_port_that_is_taken_is_said(void **state)
{
	struct stand *stand = *state;
	struct error error = {0};
	struct loop *loop = loop_open(&error);
	assert_null(relay_open(loop, stand->cluster, stand->port, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "give --port NUMBER, or --port 0"));
	loop_close(loop);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(versions_are_told_in_each_version),
		STORY(metadata_names_the_relay_and_makes_no_topic),
		STORY(the_coordinator_is_behind_the_relay),
		STORY(topics_are_made_by_clients),
		STORY(answers_come_in_the_order_of_their_requests),
		cmocka_unit_test(what_waits_for_answers_is_bounded_in_number_and_bytes),
		STORY(requests_beyond_the_bound_are_answered_too_and_in_order),
		STORY(a_client_that_asks_without_end_is_not_read_on),
		STORY(what_is_no_request_ends_its_connection_alone),
		STORY(a_port_that_is_taken_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
