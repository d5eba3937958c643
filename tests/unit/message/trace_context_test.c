/* trace_context_test.c: Tests of reading trace contexts: W3C Trace Context and B3. */
#include "message/records/trace_context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"
#define PARENT "00-" TRACE "-" SPAN "-01"
#define ARENA_BYTES ((size_t)1 << 16)

static bool is_taken(const char *parent)
{
	return trace_context_read(text_of(parent), (struct text){0}).parent.bytes != NULL;
}

/* W3C Trace Context, 3.2.2 and 4.3. */
static void a_traceparent_that_is_not_valid_does_not_count(void **state)
{
	static const char *const valid[] = {
		PARENT,
		"00-" TRACE "-" SPAN "-00",
		"00-" TRACE "-" SPAN "-ff",
		"cc-" TRACE "-" SPAN "-01",
		"cc-" TRACE "-" SPAN "-01-what-the-future-has",
	};
	static const char *const invalid[] = {
		"",
		"00",
		"00-" TRACE "-" SPAN,
		"00-" TRACE "-" SPAN "-1",
		"00-" TRACE "-" SPAN "-01-more",
		"00-" TRACE "-" SPAN "-01-",
		"00-" TRACE "-" SPAN "-0x",
		"ff-" TRACE "-" SPAN "-01",
		"0g-" TRACE "-" SPAN "-01",
		"cc-" TRACE "-" SPAN "-01.more",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
		"00-" TRACE "-00F067AA0BA902B7-01",
		"00-00000000000000000000000000000000-" SPAN "-01",
		"00-" TRACE "-0000000000000000-01",
		"00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7a-01",
		"00-" TRACE "." SPAN "-01",
		"00." TRACE "-" SPAN "-01",
		"00-" TRACE "-" SPAN ".01",
		"00-" TRACE "-" SPAN "-01\r\n",
	};
	(void)state;
	for (size_t i = 0; i < sizeof valid / sizeof *valid; i++)
		assert_true(is_taken(valid[i]));
	for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
		assert_false(is_taken(invalid[i]));
	assert_null(trace_context_read((struct text){0}, TEXT("a=1")).parent.bytes);
}

static void of_a_later_version_the_known_fields_are_passed_on(void **state)
{
	(void)state;
	const struct trace_context trace = trace_context_read(TEXT("cc-" TRACE "-" SPAN "-01-\x01\r\n"), (struct text){0});
	assert_true(text_is(trace.parent, "cc-" TRACE "-" SPAN "-01"));
}

static void a_tracestate_counts_with_a_valid_traceparent_if_it_is_printable(void **state)
{
	char longest[TRACE_STATE_BYTES_MAX + 1];
	(void)state;
	memset(longest, 'a', sizeof longest);
	assert_true(text_is(trace_context_read(TEXT(PARENT), TEXT("vendor=a:1, other=~")).state, "vendor=a:1, other=~"));
	assert_non_null(trace_context_read(TEXT(PARENT), (struct text){longest, sizeof longest - 1}).state.bytes);
	assert_null(trace_context_read(TEXT(PARENT), (struct text){longest, sizeof longest}).state.bytes);
	assert_null(trace_context_read(TEXT("00-1"), TEXT("a=1")).state.bytes);
	assert_null(trace_context_read(TEXT(PARENT), TEXT("")).state.bytes);
	assert_null(trace_context_read(TEXT(PARENT), TEXT("a=1\r\nx: y")).state.bytes);
	assert_null(trace_context_read(TEXT(PARENT), TEXT("a=\xc3\xa4")).state.bytes);
	assert_null(trace_context_read(TEXT(PARENT), TEXT("a=1\x7f")).state.bytes);
}

/* ---- B3 ---- */

static struct message message;

static void message_begin(const struct header *items, size_t count)
{
	message = (struct message){.arena = arena_open(ARENA_BYTES), .headers = {count, items}};
	message_classify_headers(&message);
	message_adopt_b3(&message);
}

/* NULL: there is no trace. */
static void assert_adopted(const struct header *items, size_t count, const char *parent)
{
	message_begin(items, count);
	const struct trace_context trace = message_trace(&message);
	if (parent)
		assert_true(text_is(trace.parent, parent));
	else
		assert_null(trace.parent.bytes);
	for (size_t i = 0; i < count; i++) /* the others are as before */
		assert_non_null(headers_find(message.headers, items[i].name));
	arena_close(message.arena);
}

static void a_request_of_b3_alone_gets_a_traceparent(void **state)
{
	static const struct {
		const char *single, *parent;
	} rows[] = {
		{TRACE "-" SPAN "-1", PARENT},
		{TRACE "-" SPAN "-d", PARENT},
		{TRACE "-" SPAN "-0", "00-" TRACE "-" SPAN "-00"},
		{TRACE "-" SPAN, "00-" TRACE "-" SPAN "-00"},
		{TRACE "-" SPAN "-1-05e3ac9a4f6e3b90", PARENT},
		{"a3ce929d0e0e4736-" SPAN "-1", "00-0000000000000000a3ce929d0e0e4736-" SPAN "-01"},
		{"0", NULL},
		{"", NULL},
		{"-", NULL},
		{TRACE, NULL},
		{TRACE "-1", NULL},
		{TRACE "-0000000000000000-1", NULL},
		{"4bf92f3577b34da6a3ce929d-" SPAN "-1", NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct header one[] = {{TEXT("B3"), text_of(rows[i].single)}, {TEXT("x-mine"), TEXT("1")}};
		assert_adopted(one, 2, rows[i].parent);
	}
}

static void the_headers_of_b3_are_read_each_by_itself_too(void **state)
{
	const struct header several[] = {{TEXT("X-B3-TraceId"), TEXT(TRACE)},
						{TEXT("X-B3-SpanId"), TEXT(SPAN)},
						{TEXT("x-b3-sampled"), TEXT("true")}},
				   debugged[] = {{TEXT("x-b3-flags"), TEXT("1")},
						 {TEXT("x-b3-spanid"), TEXT(SPAN)},
						 {TEXT("x-b3-traceid"), TEXT(TRACE)}},
				   without[] = {{TEXT("x-b3-traceid"), TEXT(TRACE)}};
	(void)state;
	assert_adopted(several, 3, PARENT);
	assert_adopted(several, 2, "00-" TRACE "-" SPAN "-00");
	assert_adopted(debugged, 3, PARENT);
	assert_adopted(without, 1, NULL);
}

static void a_traceparent_counts_before_b3(void **state)
{
	const struct header both[] = {{TEXT("b3"), TEXT("a3ce929d0e0e4736-" SPAN "-1")}, {TEXT("traceparent"), TEXT(PARENT)}};
	const struct header invalid[] = {{TEXT("b3"), TEXT(TRACE "-" SPAN "-1")}, {TEXT("traceparent"), TEXT("00-1")}};
	(void)state;
	assert_adopted(both, 2, PARENT);
	assert_adopted(invalid, 2, NULL);
}

static void a_message_without_headers_has_no_trace_and_takes_no_memory(void **state)
{
	(void)state;
	message_begin(NULL, 0);
	assert_null(message_trace(&message).parent.bytes);
	assert_null(message.headers.items);
	arena_close(message.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_traceparent_that_is_not_valid_does_not_count),
		cmocka_unit_test(of_a_later_version_the_known_fields_are_passed_on),
		cmocka_unit_test(a_tracestate_counts_with_a_valid_traceparent_if_it_is_printable),
		cmocka_unit_test(a_request_of_b3_alone_gets_a_traceparent),
		cmocka_unit_test(the_headers_of_b3_are_read_each_by_itself_too),
		cmocka_unit_test(a_traceparent_counts_before_b3),
		cmocka_unit_test(a_message_without_headers_has_no_trace_and_takes_no_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
