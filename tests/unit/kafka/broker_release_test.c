/* broker_release_test.c: Tests of the question for a broker's release: the answer of real brokers, broken answers, and
 * servers that do not answer. The server is a thread: pthread_create(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "kafka/broker_release.h"
#include "kafka/kafka_wire.h"

#define BYTES_MAX 4096
#define LEVEL_4_2 29
#define LEVEL_4_3 30
#define LEVEL_4_4 33

/* An answer to ApiVersions 3, as the protocol defines it: two requests, then the features `kraft.version` and
 * `metadata.version`, behind a tag that nobody knows. */
static void response_make(struct buffer *out, int32_t correlation, int16_t error, int16_t level)
{
	struct buffer features;
	buffer_open(&features, BYTES_MAX);
	kafka_put_number(&features, 3, 1);
	kafka_put_compact_string(&features, TEXT("kraft.version"));
	kafka_put_int16(&features, 0);
	kafka_put_int16(&features, 1);
	kafka_put_number(&features, 0, 1);
	kafka_put_compact_string(&features, TEXT("metadata.version"));
	kafka_put_int16(&features, 7);
	kafka_put_int16(&features, level);
	kafka_put_number(&features, 0, 1);

	size_t frame = kafka_frame_begin(out);
	kafka_put_int32(out, correlation);
	kafka_put_int16(out, error);
	kafka_put_number(out, 3, 1);
	for (int16_t request = 0; request < 2; request++) {
		kafka_put_int16(out, request);
		kafka_put_int16(out, 0);
		kafka_put_int16(out, 9);
		kafka_put_number(out, 0, 1);
	}
	kafka_put_int32(out, 0);
	kafka_put_number(out, 2, 1); /* tags */
	kafka_put_number(out, 0x8501, 2); /* 133, which is two bytes */
	kafka_put_number(out, 1, 1);
	kafka_put_number(out, 0xff, 1);
	kafka_put_number(out, 0, 1);
	kafka_put_number(out, (uint32_t)features.length, 1);
	buffer_text(out, buffer_view(&features));
	kafka_frame_end(out, frame);
	buffer_close(&features);
}

static struct text response_body(const struct buffer *response)
{
	return (struct text){response->bytes + 4, response->length - 4};
}

static void the_highest_metadata_version_is_read(void **state)
{
	(void)state;
	struct buffer response;
	buffer_open(&response, BYTES_MAX);
	response_make(&response, 1, 0, LEVEL_4_2);
	assert_int_equal(broker_release_read(response_body(&response)), LEVEL_4_2);
	buffer_clear(&response);
	response_make(&response, 2, 0, LEVEL_4_2); /* to another question */
	assert_int_equal(broker_release_read(response_body(&response)), 0);
	buffer_clear(&response);
	response_make(&response, 1, 35, LEVEL_4_2); /* a broker that does not know this version */
	assert_int_equal(broker_release_read(response_body(&response)), 0);
	buffer_close(&response);
}

static void an_answer_that_is_cut_tells_nothing(void **state)
{
	(void)state;
	struct buffer response;
	buffer_open(&response, BYTES_MAX);
	response_make(&response, 1, 0, LEVEL_4_3);
	struct text whole = response_body(&response);
	for (size_t length = 0; length < whole.length; length++)
		assert_int_equal(broker_release_read((struct text){whole.bytes, length}), 0);
	buffer_close(&response);
}

static void the_releases_that_lose_the_end_of_a_transaction_are_named(void **state)
{
	(void)state;
	assert_null(broker_release_fault(0));
	assert_null(broker_release_fault(LEVEL_4_2));
	assert_non_null(strstr(broker_release_fault(LEVEL_4_3), "4.3.0 and 4.3.1"));
	assert_non_null(strstr(broker_release_fault(LEVEL_4_4), "4.4.0"));
	assert_null(broker_release_fault(LEVEL_4_4 + 1));
}

/* ---- over a connection ---- */

struct release_server {
	int listener, port;
	size_t asked; /* bytes of the request */
	struct buffer answer;
	pthread_t thread;
};

static void *server_run(void *context)
{
	struct release_server *server = context;
	char room[BYTES_MAX];
	int peer = accept(server->listener, NULL, NULL);
	ssize_t count = recv(peer, room, sizeof room, 0);
	server->asked = count > 0 ? (size_t)count : 0;
	/* In two parts, as networks do. */
	size_t half = server->answer.length / 2;
	(void)!write(peer, server->answer.bytes, half);
	usleep(20000);
	(void)!write(peer, server->answer.bytes + half, server->answer.length - half);
	close(peer);
	return NULL;
}

static void server_open(struct release_server *server)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t length = sizeof address;
	*server = (struct release_server){.listener = socket(AF_INET, SOCK_STREAM, 0)};
	assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(server->listener, 4), 0);
	assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
	server->port = ntohs(address.sin_port);
	buffer_open(&server->answer, BYTES_MAX);
}

static void server_close(struct release_server *server)
{
	close(server->listener);
	buffer_close(&server->answer);
}

static void the_first_broker_that_answers_is_believed(void **state)
{
	(void)state;
	struct release_server server, nobody;
	char brokers[128];
	server_open(&server);
	server_open(&nobody);
	server_close(&nobody); /* its port refuses */
	response_make(&server.answer, 1, 0, LEVEL_4_3);
	assert_int_equal(pthread_create(&server.thread, NULL, server_run, &server), 0);
	(void)snprintf(brokers, sizeof brokers, "127.0.0.1:%d,nonsense, PLAINTEXT://127.0.0.1:%d", nobody.port, server.port);
	assert_int_equal(broker_release_ask(brokers, (struct properties){0}), LEVEL_4_3);
	pthread_join(server.thread, NULL);
	assert_true(server.asked > 20);
	server_close(&server);
}

static void a_broker_that_says_nothing_is_not_waited_for_for_ever(void **state)
{
	(void)state;
	struct release_server silent;
	char brokers[64];
	server_open(&silent); /* the system takes the connection, and nobody reads it */
	(void)snprintf(brokers, sizeof brokers, "127.0.0.1:%d", silent.port);
	int64_t begun_ms = clock_ms();
	assert_int_equal(broker_release_ask(brokers, (struct properties){0}), 0);
	assert_in_range(clock_ms() - begun_ms, BROKER_RELEASE_WAIT_MS - 100, BROKER_RELEASE_WAIT_MS + 1000);
	server_close(&silent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_highest_metadata_version_is_read),
		cmocka_unit_test(an_answer_that_is_cut_tells_nothing),
		cmocka_unit_test(the_releases_that_lose_the_end_of_a_transaction_are_named),
		cmocka_unit_test(the_first_broker_that_answers_is_believed),
		cmocka_unit_test(a_broker_that_says_nothing_is_not_waited_for_for_ever),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
