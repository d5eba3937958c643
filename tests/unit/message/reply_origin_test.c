/* reply_origin_test.c: each reply to a request whose answer may be polled says where the request is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "message/records/reply.h"
#include "tests/unit/worker_stand.h"

#define ADDRESS "0/0123456789abcdef/9/p"
#define NONCE "00112233445566778899aabbccddeeff"

static void ask(const struct stand *stand, const char *value, bool is_polled)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(2);
	rd_kafka_header_add(headers, REPLY_HEADER, -1, ADDRESS, -1);
	if (is_polled)
		rd_kafka_header_add(headers, REPLY_SUBMITTED_HEADER, -1, NONCE, -1);
	assert_int_equal(rd_kafka_producev(stand->mock.writer, RD_KAFKA_V_TOPIC("in"), RD_KAFKA_V_PARTITION(0),
					   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
					   RD_KAFKA_V_VALUE((void *)(uintptr_t)value, strlen(value)), RD_KAFKA_V_HEADERS(headers),
					   RD_KAFKA_V_END),
			 0);
	assert_int_equal(rd_kafka_flush(stand->mock.writer, MOCK_WAIT_MS), 0);
}

static const rd_kafka_message_t *reply_read(struct stand *stand)
{
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	while (!record_header(record, REPLY_HEADER)) /* it is the record of the outputs */
		record = mock_read(&stand->mock);
	return record;
}

#define NUMBER(text) "{\"id\":\"r\",\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP64\",\"shape\":[1],\"data\":[" text "]}]}"

static void each_reply_says_where_its_request_is(void **state)
{
	static const struct {
		const char *value, *origin, *outcome, *error;
	} rows[] = {{NUMBER("3"), "in/0/0", NULL, NULL},
		    {NUMBER("11"), "in/0/1", REPLY_FILTERED, NULL},
		    {"{\"inputs\":", "in/0/2", NULL, "INPUT"}};
	struct stand *stand = *state;
	stand_configure(stand, "  - name: small\n    filter: {keep: \"x < 10\", otherwise: drop}\n  output: {steps: [small]}\n");
	stand->config.setup.replies = "out"; /* whose reader the stand has */
	stand->config.transaction.id = NULL;
	stand_start(stand);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ask(stand, rows[i].value, true);
		const rd_kafka_message_t *reply = reply_read(stand);
		assert_string_equal(record_header(reply, REPLY_ORIGIN_HEADER), rows[i].origin);
		assert_int_equal(record_header(reply, REPLY_OUTCOME_HEADER) != NULL, rows[i].outcome != NULL);
		assert_int_equal(record_header(reply, REPLY_ERROR_HEADER) != NULL, rows[i].error != NULL);
	}
	ask(stand, NUMBER("11"), false);
	assert_null(record_header(reply_read(stand), REPLY_ORIGIN_HEADER));
	(void)stand_stop(stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_reply_says_where_its_request_is, stand_open, stand_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
