/* replay_request_test.c: Tests of the request that `errors replay` makes from a dead letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "message/formats/format.h"
#include "message/records/assigned_record.h"
#include "tools/client/data/replaying.h"

#define ARENA_BYTES ((size_t)1 << 20)
#define PAYLOAD "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP64\",\"shape\":[1],\"data\":[1]}]}"

static const struct error failure = {.kind = ERROR_INPUT};

static void expect_header(const struct replay_request *request, const char *name, const char *value)
{
	size_t found = 0;
	for (size_t i = 0; i < request->headers.count; i++) {
		if (!text_equal_caseless(request->headers.items[i].name, text_of(name)))
			continue;
		found++;
		assert_true(value && text_is(request->headers.items[i].value, value));
	}
	assert_int_equal(found, value ? 1 : 0);
}

static void make(struct arena *arena, struct text id, struct headers headers, struct replay_request *request)
{
	struct error error = {0};
	const struct dead_letter letter = {.id = id, .error = &failure, .headers = headers, .payload = TEXT(PAYLOAD)};
	assert_true(replay_request_make(&letter, 1234, arena, request, &error));
	assert_true(text_is(request->payload, PAYLOAD));
}

static void a_request_has_its_id_and_its_headers_once(void **state)
{
	(void)state;
	struct arena *arena = arena_open(ARENA_BYTES);
	const struct header headers[] = {
		{TEXT("X-Request-Id"), TEXT("old")}, {TEXT("note"), TEXT("kept")}, {TEXT("x-request-id"), TEXT("older")}};
	struct replay_request request;
	make(arena, TEXT("mine"), (struct headers){3, headers}, &request);
	assert_int_equal(request.headers.count, 2);
	expect_header(&request, "x-request-id", "mine");
	expect_header(&request, "note", "kept");
	make(arena, (struct text){0}, (struct headers){0}, &request);
	assert_int_equal(request.headers.count, 0);
	arena_close(arena);
}

static void a_new_deadline_is_for_those_that_had_one(void **state)
{
	(void)state;
	struct arena *arena = arena_open(ARENA_BYTES);
	const struct header headers[] = {{TEXT("X-Deadline-Ms"), TEXT("7")}, {TEXT("note"), TEXT("kept")}};
	struct replay_request request;
	make(arena, TEXT("mine"), (struct headers){2, headers}, &request);
	expect_header(&request, DEADLINE_HEADER, "1234");
	make(arena, TEXT("mine"), (struct headers){1, headers + 1}, &request);
	expect_header(&request, DEADLINE_HEADER, NULL);
	arena_close(arena);
}

static void what_is_put_fits_beside_all_that_the_letter_had(void **state)
{
	(void)state;
	struct arena *arena = arena_open(ARENA_BYTES);
	const struct header headers[] = {{TEXT("a"), TEXT("1")}, {TEXT("b"), TEXT("2")}};
	struct replay_request request;
	make(arena, TEXT("mine"), (struct headers){2, headers}, &request);
	replay_request_put(&request, TEXT("content-type"), TEXT("application/json"));
	replay_request_put(&request, TEXT("B"), TEXT("3"));
	assert_int_equal(request.headers.count, 4);
	expect_header(&request, "a", "1");
	expect_header(&request, "b", "3");
	arena_close(arena);
}

static void assignments_are_sent_again_unless_they_are_removed(void **state)
{
	(void)state;
	struct arena *arena = arena_open(ARENA_BYTES);
	const struct header headers[] = {{TEXT("note"), TEXT("kept")},
					 {TEXT(ASSIGNED_RECORD_HEADER), TEXT("e\tnew\t0.5\t0\t1\t2\n")}};
	struct replay_request request;
	make(arena, TEXT("mine"), (struct headers){2, headers}, &request);
	expect_header(&request, ASSIGNED_RECORD_HEADER, "e\tnew\t0.5\t0\t1\t2\n");
	replay_request_remove(&request, TEXT("Sluice-Assigned"));
	expect_header(&request, ASSIGNED_RECORD_HEADER, NULL);
	expect_header(&request, "note", "kept");
	expect_header(&request, "x-request-id", "mine");
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_has_its_id_and_its_headers_once),
		cmocka_unit_test(a_new_deadline_is_for_those_that_had_one),
		cmocka_unit_test(what_is_put_fits_beside_all_that_the_letter_had),
		cmocka_unit_test(assignments_are_sent_again_unless_they_are_removed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
