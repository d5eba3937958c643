/* stub_test.c: the models that are not there. Inputs and outputs are written as in
 * graphs.h: "x=1,2" is FP32 of shape [2]. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/graphs.h"
#include "models/server/stub.h"
#include "tests/unit/arena_fixture.h"

static struct stub_reply ask(const char *uri, const struct payload *request, uint64_t earlier)
{
	struct error error = {0};
	struct stub_reply reply;
	const struct stub *stub = stub_parse(arena, uri, PLACE_NONE, &error);
	assert_string_equal(error.text, "");
	assert_true(stub_answer(stub, request, earlier, arena, &reply));
	return reply;
}

static void expect(const char *uri, const char *request, const char *tensors)
{
	char got[256];
	struct stub_reply reply = ask(uri, payload_made(arena, request), 0);
	assert_int_equal(reply.status, 200);
	payload_print(reply.payload, got, sizeof got);
	assert_string_equal(got, tensors);
}

static void expect_refusal(const char *uri, const struct payload *request, const char *contains)
{
	struct stub_reply reply = ask(uri, request, 0);
	assert_int_equal(reply.status, 400);
	if (!strstr(reply.words.bytes, contains))
		fail_msg("`%s` does not contain `%s`", reply.words.bytes, contains);
}

static struct payload *integers(const char *name, enum datatype datatype, int64_t number)
{
	static const int64_t one[] = {1};
	struct payload *payload = payload_made(arena, "INPUT=5,6");
	struct tensors_builder tensors;
	void *elements;
	struct error error = {0};
	tensors_begin(&tensors, arena, 2);
	tensors_add(&tensors, tensor_make(arena, text_of(name), datatype, one, 1, &elements, &error));
	(void)tensor_store(elements, datatype, 0, (double)number);
	tensors_add(&tensors, payload->tensors.items[0]);
	payload->tensors = tensors_end(&tensors);
	return payload;
}

static void arithmetic_is_done_on_the_input(void **state)
{
	(void)state;
	expect("stub://add10", "INPUT=1,2", "OUTPUT=11,12");
	expect("stub://add20", "INPUT=1", "OUTPUT=21");
	expect("stub://mul10", "INPUT=1.5", "OUTPUT=15");
	expect("stub://sum", "a=1,2 b=4", "OUTPUT=7");
	expect("stub://stats", "a=1,2,6", "min=1 max=6 mean=3");
	expect("stub://linear?w=1,10&b=0.5", "a=[2]1,2,3,4", "predict=21.5,43.5");
	expect("stub://rowcount", "a=[2]1,2,3,4", "OUTPUT=2,2");
	expect("stub://drift?ref=1", "a=2,3", "drift_score=1.5 is_drift=1");
	expect("stub://explain", "a=1,2,3", "explanation=-1,0,1");
	expect("stub://identity", "a=1 b=2", "a=1 b=2");
	expect("stub://const?name=N&datatype=FP32&value=2.5", "a=1", "N=2.5");
}

static void a_missing_or_wrong_input_is_refused(void **state)
{
	(void)state;
	expect_refusal("stub://add10", payload_made(arena, "WRONG=1"), "expected input INPUT");
	expect_refusal("stub://add10", integers("INPUT", DATATYPE_INT32, 1), "INT32");
	expect_refusal("stub://linear?w=1,2,3", payload_made(arena, "a=1,2"), "3 columns");
	expect_refusal("stub://tfsimple", integers("INPUT0", DATATYPE_INT32, 1), "[n,16]");
	expect_refusal("stub://half", payload_made(arena, "a=1"), "FP32");
	expect_refusal("stub://upper", payload_made(arena, "a=1"), "BYTES");
}

static void choices_give_one_tensor_or_none(void **state)
{
	(void)state;
	char got[64];
	payload_print(ask("stub://route?by=R&names=a,b", integers("R", DATATYPE_INT32, 1), 0).payload, got, sizeof got);
	assert_string_equal(got, "b=5,6");
	assert_int_equal(ask("stub://route?by=R&names=a,b", integers("R", DATATYPE_INT32, 2), 0).payload->tensors.count, 0);
	payload_print(ask("stub://choice?is=3", integers("choice", DATATYPE_INT64, 3), 0).payload, got, sizeof got);
	assert_string_equal(got, "choice=3");
	assert_int_equal(ask("stub://gate?min=12", payload_made(arena, "INPUT=5,6"), 0).payload->tensors.count, 0);
	expect("stub://gate?min=11", "INPUT=5,6", "OUTPUT=1");
}

static void a_counter_says_whether_it_goes_on(void **state)
{
	(void)state;
	const struct payload *going = ask("stub://counter?limit=3", integers("output", DATATYPE_INT64, 1), 0).payload;
	const struct payload *ended = ask("stub://counter?limit=3", integers("output", DATATYPE_INT64, 2), 0).payload;
	assert_int_equal(*(const int64_t *)going->tensors.items[0]->data, 2);
	assert_true(text_is(going->tensors.items[1]->name, "continue"));
	assert_true(text_is(ended->tensors.items[1]->name, "stop"));
}

static void failures_come_as_ordered(void **state)
{
	(void)state;
	const struct payload *request = payload_made(arena, "INPUT=1");
	struct stub_reply reply = ask("stub://fail?code=400&text=row+3+is+odd%21", request, 0);
	assert_int_equal(reply.status, 400);
	assert_true(text_is(reply.words, "row 3 is odd!"));
	assert_true(text_is(ask("stub://fail?code=503", request, 0).words, "stub failure 503"));
	assert_int_equal(ask("stub://flaky?fails=2&then=add10", request, 1).status, 503);
	assert_int_equal(ask("stub://flaky?fails=2&then=add10", request, 2).status, 200);
	for (uint64_t earlier = 0; earlier < 6; earlier++)
		assert_int_equal(ask("stub://flaky?every=3&then=add10", request, earlier).status, earlier % 3 == 2 ? 503 : 200);
	reply = ask("stub://slow?ms=900&then=mul10", request, 0);
	assert_int_equal(reply.delay_ms, 900);
	assert_int_equal(reply.status, 200);
	assert_true(ask("stub://hang", request, 0).silent);
	assert_true(ask("stub://badreply?mode=truncated", request, 0).cut);
	assert_null(ask("stub://badreply?mode=count", request, 0).payload);
}

static void an_expression_is_a_stub(void **state)
{
	(void)state;
	expect("stub://expression?twice=x*2&sum=x%2By", "x=1,2 y=3", "twice=2,4 sum=4,5");
	expect_refusal("stub://expression?twice=z*2", payload_made(arena, "x=1"), "z");
	expect("stub://slow?twice=x*2&ms=5&then=expression", "x=1,2", "twice=2,4");
	expect("stub://flaky?every=9&code=503&then=expression&twice=x*2", "x=1,2", "twice=2,4");
}

static void an_unknown_stub_names_the_nearest(void **state)
{
	(void)state;
	struct error error = {0};
	assert_null(stub_parse(arena, "stub://ad10", PLACE_NONE, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "did you mean `add10`"));
}

#define SHOWS(name) cmocka_unit_test_setup_teardown(name, arena_begin, arena_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOWS(arithmetic_is_done_on_the_input),	  SHOWS(a_missing_or_wrong_input_is_refused),
		SHOWS(choices_give_one_tensor_or_none),	  SHOWS(a_counter_says_whether_it_goes_on),
		SHOWS(failures_come_as_ordered),	  SHOWS(an_expression_is_a_stub),
		SHOWS(an_unknown_stub_names_the_nearest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
