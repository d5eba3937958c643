/* address_test.c: Tests of what an address of a model says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compiler/graph/address.h"
#include "tests/unit/arena_fixture.h"

static int set_up(void **state)
{
	(void)state;
	arena = arena_open((size_t)1 << 16);
	return 0;
}

static void an_address_says_protocol_host_and_model(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool at_server;
		enum model_protocol protocol;
		bool tls;
		const char *host, *model, *url;
	} rows[] = {
		{"grpc://h:8081", false, PROTOCOL_OIP_GRPC, false, "h:8081", "m", NULL},
		{"grpc://h/other", false, PROTOCOL_OIP_GRPC, false, "h:8081", "other", NULL},
		{"grpcs://[::1]:9/x", false, PROTOCOL_OIP_GRPC, true, "[::1]:9", "x", NULL},
		{"http://h:8080", false, PROTOCOL_OIP_REST, false, "h:8080", "m", "http://h:8080/v2/models/m/infer"},
		{"http://h", true, PROTOCOL_OIP_REST, false, "h:80", "m", "http://h/v2/models/m/infer"},
		{"https://h/other/", false, PROTOCOL_OIP_REST, true, "h:443", "other", "https://h/v2/models/other/infer"},
		{"https://h/base", true, PROTOCOL_OIP_REST, true, "h:443", "m", "https://h/base/v2/models/m/infer"},
		{"http://h/v2", true, PROTOCOL_OIP_REST, false, "h:80", "m", "http://h/v2/models/m/infer"},
		{"http://h/v2/models/x/versions/3", false, PROTOCOL_OIP_REST, false, "h:80", "x",
		 "http://h/v2/models/x/versions/3/infer"},
		{"http://h/v2/models/x/infer", false, PROTOCOL_OIP_REST, false, "h:80", "x", "http://h/v2/models/x/infer"},
		{"http://h/v1", true, PROTOCOL_V1, false, "h:80", "m", "http://h/v1/models/m:predict"},
		{"http://h/a/v1/models/x:predict", false, PROTOCOL_V1, false, "h:80", "x", "http://h/a/v1/models/x:predict"},
		{"http://h/v1/models/x", false, PROTOCOL_V1, false, "h:80", "x", "http://h/v1/models/x:predict"},
		{"http://h/seldon/ns/d/api/v1.0/predictions", false, PROTOCOL_SELDON, false, "h:80", "m",
		 "http://h/seldon/ns/d/api/v1.0/predictions"},
		{"http://h:5000/invocations", false, PROTOCOL_MLFLOW, false, "h:5000", "m", "http://h:5000/invocations"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct model_addresses read = addresses_read(rows[i].text, "m", rows[i].at_server, arena);
		assert_int_equal(read.count, 1);
		assert_int_equal(read.items[0].protocol, rows[i].protocol);
		assert_int_equal(read.items[0].tls, rows[i].tls);
		assert_string_equal(read.items[0].host, rows[i].host);
		assert_string_equal(read.items[0].model, rows[i].model);
		if (rows[i].url)
			assert_string_equal(read.items[0].url, rows[i].url);
		else
			assert_null(read.items[0].url);
	}
}

/* What an address says itself goes before what a step says. */
static void a_step_says_how_where_the_address_does_not(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool at_server;
		struct call_form form;
		enum model_protocol protocol;
		const char *url;
	} rows[] = {
		{"http://h:9000", false, {CALL_BY_SELDON, CALL_PREDICT}, PROTOCOL_SELDON, "http://h:9000/predict"},
		{"http://h:9000/base/", false, {CALL_BY_SELDON, CALL_ROUTE}, PROTOCOL_SELDON, "http://h:9000/base/route"},
		{"http://h", false, {CALL_BY_SELDON, CALL_TRANSFORM_INPUT}, PROTOCOL_SELDON, "http://h/transform-input"},
		{"http://h", false, {CALL_BY_SELDON, CALL_TRANSFORM_OUTPUT}, PROTOCOL_SELDON, "http://h/transform-output"},
		{"http://h", false, {CALL_BY_SELDON, CALL_AGGREGATE}, PROTOCOL_SELDON, "http://h/aggregate"},
		{"http://h/api/v1.0/predictions",
		 false,
		 {CALL_BY_SELDON, CALL_PREDICT},
		 PROTOCOL_SELDON,
		 "http://h/api/v1.0/predictions"},
		{"http://h:8501", false, {CALL_BY_TENSORFLOW, CALL_PREDICT}, PROTOCOL_V1, "http://h:8501/v1/models/m:predict"},
		{"http://h/v2/models/x", false, {CALL_BY_SELDON, CALL_PREDICT}, PROTOCOL_OIP_REST, "http://h/v2/models/x/infer"},
		{"http://h", true, {CALL_BY_SELDON, CALL_PREDICT}, PROTOCOL_OIP_REST, "http://h/v2/models/m/infer"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct model_addresses read = addresses_read_as(rows[i].text, "m", rows[i].at_server, &rows[i].form, arena);
		assert_int_equal(read.count, 1);
		assert_int_equal(read.items[0].protocol, rows[i].protocol);
		assert_string_equal(read.items[0].url, rows[i].url);
	}
}

static void what_cannot_be_called_is_left_out(void **state)
{
	(void)state;
	assert_int_equal(addresses_read("s3://bucket/m stub://add10 http:// http://h", "m", false, arena).count, 1);
	assert_int_equal(addresses_read("", "m", false, arena).count, 0);
}

static void a_host_that_offers_both_is_one_replica(void **state)
{
	(void)state;
	struct model_addresses read = addresses_read("http://a:8080 grpc://a:8081 http://b:8080 grpc://c:1", "m", true, arena);
	assert_int_equal(read.count, 3);
	assert_string_equal(read.items[0].host, "a:8081");
	assert_string_equal(read.items[1].host, "b:8080");
	assert_string_equal(read.items[2].host, "c:1");
	assert_string_equal(read.items[0].rest->url, "http://a:8080/v2/models/m/infer");
	assert_null(read.items[1].rest);
	assert_null(read.items[2].rest);
}

static void servers_of_one_host_have_each_their_own(void **state)
{
	(void)state;
	static const char list[] = "http://a:1 http://a:2 http://a:3 grpc://a:4 http://b/v1 grpc://a:5 grpc://b:6";
	struct model_addresses read = addresses_read(list, "m", true, arena);
	assert_int_equal(read.count, 4);
	assert_string_equal(read.items[0].host, "a:4");
	assert_string_equal(read.items[0].rest->host, "a:1");
	assert_string_equal(read.items[1].host, "b:80"); /* another protocol is another server */
	assert_string_equal(read.items[2].host, "a:5");
	assert_string_equal(read.items[2].rest->host, "a:2");
	assert_null(read.items[3].rest);
}

static void ports_are_filled_in_where_there_are_none(void **state)
{
	(void)state;
	assert_string_equal(addresses_with_ports("http://a grpc://a/m grpc://b:1 https://[::1]/x", "9000", "9001", arena),
			    "http://a:9000 grpc://a:9001/m grpc://b:1 https://[::1]:9000/x");
	assert_string_equal(addresses_with_ports("http://a", NULL, "9001", arena), "http://a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_address_says_protocol_host_and_model, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_step_says_how_where_the_address_does_not, set_up, arena_end),
		cmocka_unit_test_setup_teardown(what_cannot_be_called_is_left_out, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_host_that_offers_both_is_one_replica, set_up, arena_end),
		cmocka_unit_test_setup_teardown(servers_of_one_host_have_each_their_own, set_up, arena_end),
		cmocka_unit_test_setup_teardown(ports_are_filled_in_where_there_are_none, set_up, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
