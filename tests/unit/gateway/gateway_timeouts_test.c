/* gateway_timeouts_test.c: Polls, cancellations and watches of a gateway whose Kafka says nothing end with the time of their
 * callers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/gateway_stand.h"
#include "tests/unit/guest.h"

#define REQUEST "/v2/pipelines/p/requests/0-0-1700000000000-0-00112233445566778899aabbccddeeff"
#define ALLOWED_MS 400

static const char *const asks[] = {"GET " REQUEST, "DELETE " REQUEST, "GET " REQUEST "/watch"};

/* What one request with a header gets. */
static void assert_answer(const struct gateway_stand *stand, const char *ask, const char *header, const char *status,
			  const char *words)
{
	struct guest caller = guest_open(stand->loop, gateway_http_port(stand->gateway));
	char request[512];
	(void)snprintf(request, sizeof request, "%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n", ask, header);
	const char *heard = guest_ask(&caller, request, "\"}");
	if (!heard || strncmp(heard, "HTTP/1.1 ", 9) != 0 || strncmp(heard + 9, status, 3) != 0 || !strstr(heard, words))
		fail_msg("%s, %s: %s", ask, header, heard);
	guest_close(&caller);
}

static void what_waits_for_kafka_ends_with_the_time_of_its_caller(void **state)
{
	const struct gateway_stand *stand = *state;
	rd_kafka_mock_broker_set_down(stand->mock.cluster, 1);
	for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
		const int64_t began_ms = loop_now_ms(stand->loop);
		char absolute[64];
		assert_answer(stand, asks[i], "x-timeout-ms: 400", "504",
			      "allow more by x-timeout-ms, or ask again later\",\"kind\":\"LIMIT\"");
		assert_in_range(loop_now_ms(stand->loop) - began_ms, ALLOWED_MS - 50, 10 * ALLOWED_MS);
		(void)snprintf(absolute, sizeof absolute, "x-deadline-ms: %" PRId64, loop_time_of_day_ms(stand->loop) + ALLOWED_MS);
		assert_answer(stand, asks[i], absolute, "504", "the time of this call is over");
		assert_in_range(loop_now_ms(stand->loop) - began_ms, 2 * ALLOWED_MS - 100, 20 * ALLOWED_MS);
	}
	rd_kafka_mock_broker_set_up(stand->mock.cluster, 1);
}

static void a_time_that_is_none_is_refused(void **state)
{
	for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
		assert_answer(*state, asks[i], "x-timeout-ms: soon", "400",
			      "the header x-timeout-ms is \\\"soon\\\"; it must be milliseconds, above 0");
		assert_answer(*state, asks[i], "x-deadline-ms: 1", "504", "the request's deadline has passed already");
		assert_answer(*state, asks[i], "x-timeout-ms: 9223372036854775807", "404", "");
	}
}

#define TIMEOUT_STORY(name) cmocka_unit_test_setup_teardown(name, gateway_stand_open, gateway_stand_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TIMEOUT_STORY(what_waits_for_kafka_ends_with_the_time_of_its_caller),
		TIMEOUT_STORY(a_time_that_is_none_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
