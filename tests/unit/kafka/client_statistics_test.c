/* client_statistics_test.c: Tests of what is read of the statistics that librdkafka writes about a client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kafka/client_statistics.h"

/* Shortened, in the form that STATISTICS.md of librdkafka has. */
static const char whole[] =
	"{ \"name\": \"rdkafka#consumer-1\", \"ts\":5016483227792, \"time\":1527060869, \"replyq\":0, \"msg_cnt\":22710, "
	"\"tx\":631, \"tx_bytes\":168584479, \"rx\":631, \"rx_bytes\":31084, \"txmsgs\":4300753, \"rxmsgs\":17, \"brokers\":{ "
	"\"localhost:9092/2\": { \"name\":\"localhost:9092/2\", \"nodeid\":2, \"state\":\"UP\", \"outbuf_cnt\":1, "
	"\"waitresp_cnt\":3, \"txerrs\":1, \"rxerrs\":2, \"req_timeouts\":4, \"disconnects\":1, "
	"\"rtt\": { \"min\":1580, \"max\":3389, \"avg\":2349, \"cnt\":34 }, "
	"\"toppars\":{ \"test-1\": { \"topic\":\"test\", \"partition\":1 } } }, "
	"\"localhost:9093/3\": { \"nodeid\": 3, \"state\": \"DOWN\", \"outbuf_cnt\":2, \"waitresp_cnt\":0, \"txerrs\":0, "
	"\"rxerrs\":1, \"req_timeouts\":0, \"disconnects\":2, \"rtt\": { \"avg\":900 } }, "
	"\"GroupCoordinator\": { \"nodeid\":-1, \"state\":\"UP\", \"outbuf_cnt\":0, \"waitresp_cnt\":1, "
	"\"rtt\": { \"avg\":0 } } }, "
	"\"topics\":{ \"test\": { \"partitions\":{ \"0\": { \"msgq_cnt\":9, \"txmsgs\":8 } } } }, "
	"\"cgrp\": { \"state\": \"up\", \"rebalance_age\": 10225, \"rebalance_cnt\": 3 } }";

static void the_values_of_all_brokers_are_put_together(void **state)
{
	struct client_counts counts = {0};
	struct error error = {0};
	(void)state;
	counts.errors = 99; /* of the statistics before */
	assert_true(client_statistics_read(text_of(whole), &counts, &error));
	assert_int_equal(counts.brokers, 2); /* the coordinator is one of them */
	assert_int_equal(counts.brokers_up, 1);
	assert_int_equal(counts.round_trip_us, 2349);
	assert_int_equal(counts.requests, 631);
	assert_int_equal(counts.requests_waiting, 3);
	assert_int_equal(counts.requests_in_flight, 4);
	assert_int_equal(counts.records_waiting, 22710);
	assert_int_equal(counts.records_sent, 4300753); /* not those of partitions again */
	assert_int_equal(counts.records_received, 17);
	assert_int_equal(counts.sent_bytes, 168584479);
	assert_int_equal(counts.received_bytes, 31084);
	assert_int_equal(counts.errors, 4);
	assert_int_equal(counts.timeouts, 4);
	assert_int_equal(counts.disconnects, 3);
	assert_int_equal(counts.rebalances, 3);
}

static void what_is_not_whole_changes_nothing(void **state)
{
	(void)state;
	for (size_t length = 0; length + 1 < sizeof whole; length++) {
		struct client_counts counts = {.requests = 7};
		struct error error = {0};
		assert_false(client_statistics_read((struct text){whole, length}, &counts, &error));
		assert_int_equal(counts.requests, 7);
		assert_int_equal(counts.brokers, 0);
	}
}

static void values_of_other_types_are_not_read(void **state)
{
	static const char *const odd[] = {"{\"tx\":-1,\"rx_bytes\":1.5,\"brokers\":[1],\"cgrp\":null}", "[]",
					  "{\"brokers\":{\"a\":[],\"b\":{\"state\":7,\"nodeid\":\"x\"}},\"tx\":\"5\"}"};
	(void)state;
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		struct client_counts counts = {.requests = 7};
		struct error error = {0};
		assert_true(client_statistics_read(text_of(odd[i]), &counts, &error));
		assert_int_equal(counts.requests, 0);
		assert_int_equal(counts.brokers, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_values_of_all_brokers_are_put_together),
		cmocka_unit_test(what_is_not_whole_changes_nothing),
		cmocka_unit_test(values_of_other_types_are_not_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
