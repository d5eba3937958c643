/* caused_reset_test.c: Tests of callers of HTTP/2 that make the server reset their requests ("MadeYouReset"): they are closed as
 * those that reset them themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "net/grpc/frame_budget.h"
#include "tests/unit/puppet.h"
#include "tests/unit/server_stand.h"

#define REQUESTS (2 * FRAME_BUDGET_BURST)
#define TURNS_HEARD 4 /* after which a caller has heard that it is closed */
#define HEADERS ":method", "POST", ":scheme", "http", ":path", "/x", ":authority", "us"

static struct puppet puppet;

static int caused_open(void **state)
{
	server_stand_shares = true;
	int code = server_stand_open(state);
	puppet = (struct puppet){.loop = ((struct server_stand *)*state)->loop};
	return code;
}

static int caused_close(void **state)
{
	puppet_hang_up_all(&puppet);
	return server_stand_close(state);
}

static void turns(const struct server_stand *stand, int count)
{
	for (int i = 0; i < count; i++)
		assert_true(loop_turn(stand->loop, 0, &(struct error){0}));
}

static void others_are_served(const struct server_stand *stand)
{
	struct guest other = server_stand_call(stand);
	assert_non_null(guest_ask(&other, GET("/short"), "/short"));
	guest_close(&other);
}

/* Returns the requests after which the connection is closed; REQUESTS: it is not. */
static int requests_until_closed(const struct server_stand *stand, void (*cause)(struct puppet_line *line, int32_t id))
{
	struct puppet_line *line = puppet_dial(&puppet, server_stand_port(stand));
	int count = 0;
	for (; count < REQUESTS && line->watch.descriptor >= 0; count++) {
		puppet.heard[0] = '\0';
		cause(line, 2 * count + 1);
		turns(stand, TURNS_HEARD);
	}
	return count;
}

static void widen_too_far(struct puppet_line *line, int32_t id)
{
	puppet_headers(line, id, 0, HEADERS, "content-length", "5", NULL);
	puppet_number(line, FRAME_WINDOW, id, INT32_MAX);
}

static void end_before_the_length(struct puppet_line *line, int32_t id)
{
	puppet_headers(line, id, FLAG_END_STREAM, HEADERS, "content-length", "5", NULL);
}

static void name_no_path(struct puppet_line *line, int32_t id)
{
	puppet_headers(line, id, FLAG_END_STREAM, ":method", "POST", ":scheme", "http", ":authority", "us", NULL);
}

static void requests_that_make_the_server_reset_them_are_a_flood(void **state)
{
	static void (*const causes[])(struct puppet_line *, int32_t) = {widen_too_far, end_before_the_length, name_no_path};
	struct server_stand *stand = *state;
	for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
		assert_in_range(requests_until_closed(stand, causes[i]), 1, REQUESTS - 1);
		assert_int_equal(grpc_server_counts(stand->front).flooded, i + 1);
		others_are_served(stand);
		puppet_hang_up_all(&puppet);
		puppet = (struct puppet){.loop = stand->loop};
	}
	assert_int_equal(stand->calls, 3); /* those of the others */
}

static void answer_without_a_reset(struct puppet_line *line, int32_t id)
{
	puppet_headers(line, id, FLAG_END_STREAM, HEADERS, NULL);
}

static void requests_that_are_answered_are_none(void **state)
{
	struct server_stand *stand = *state;
	assert_int_equal(requests_until_closed(stand, answer_without_a_reset), REQUESTS);
	assert_int_equal(grpc_server_counts(stand->front).flooded, 0);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, caused_open, caused_close)
	const struct CMUnitTest tests[] = {
		STORY(requests_that_make_the_server_reset_them_are_a_flood),
		STORY(requests_that_are_answered_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
