/* attempts_test.c: Tests of how often a model is asked, and what its answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/calls/attempts.h"
#include "tests/unit/arena_fixture.h"

static struct message message;
static struct call call;
static struct attempts attempts;

static int begin(void **state)
{
	(void)state;
	arena = arena_open((size_t)1 << 20);
	message = (struct message){.arena = arena};
	call = (struct call){.name = "sick", .message = &message};
	attempts_begin(&attempts, &call, 0);
	return arena ? 0 : -1;
}

static const struct attempt broken = {.end = ATTEMPT_REPLIED, .status = 503, .words = {"overloaded", 10}};

static void expect_failure(enum error_kind kind, const char *contains)
{
	assert_int_equal(call.error.kind, kind);
	if (!strstr(call.error.text, contains))
		fail_msg("`%s` does not contain `%s`", call.error.text, contains);
}

static void a_failure_of_the_outside_is_tried_twice_more_and_later_each_time(void **state)
{
	(void)state;
	int64_t first, second, third;
	assert_false(attempts_take(&attempts, &broken, 1000, &first));
	assert_true(first > 1000);
	assert_false(attempts_take(&attempts, &broken, first, &second));
	assert_true(second - first > first - 1000);
	assert_true(attempts_take(&attempts, &broken, second, &third));
	expect_failure(ERROR_REMOTE, "sick : overloaded; it was tried 3 times");
}

/* Neither a failure nor a server that is not there is waited for. */
static void a_copy_is_asked_for_once(void **state)
{
	(void)state;
	int64_t again;
	const struct attempt away = {.end = ATTEMPT_REFUSED, .words = TEXT("refused")};
	call.once = true;
	assert_true(attempts_take(&attempts, &broken, 1000, &again));
	expect_failure(ERROR_REMOTE, "sick : overloaded");
	call.error.kind = ERROR_NONE;
	attempts_begin(&attempts, &call, 0);
	assert_true(attempts_take(&attempts, &away, 1000, &again));
	expect_failure(ERROR_REMOTE, "sick : refused");
}

static void what_the_server_calls_the_callers_fault_is_not_tried_again(void **state)
{
	(void)state;
	int64_t again;
	const struct attempt refused = {.end = ATTEMPT_REPLIED, .status = 400, .words = TEXT("row 3 is odd")};
	assert_true(attempts_take(&attempts, &refused, 0, &again));
	assert_int_equal(call.error.kind, ERROR_INPUT);
	assert_string_equal(call.error.text, "sick : row 3 is odd");
}

/* The request has `x` and `INPUT0`, and is asked for `predict_proba` and `OUTPUT1`. */
static void expect_refusal(int status, const char *words, enum error_kind kind)
{
	static const struct text names[] = {{"predict_proba", 13}, {"OUTPUT1", 7}};
	static const struct tensor sent[] = {{.name = {"x", 1}}, {.name = {"INPUT0", 6}}};
	const struct tensor *items[] = {&sent[0], &sent[1]};
	const struct payload request = {.tensors = {2, items}};
	const struct attempt refused = {.end = ATTEMPT_REPLIED, .status = status, .words = text_of(words)};
	int64_t again;
	call = (struct call){.name = "sick", .message = &message, .request = &request, .outputs = {2, names}};
	attempts_begin(&attempts, &call, 0);
	assert_true(attempts_take(&attempts, &refused, 0, &again));
	if (call.error.kind != kind)
		fail_msg("`%s` is %s", words, error_kind_name(call.error.kind));
	assert_int_equal(strstr(call.error.text, "model: {outputs: [...]}") != NULL, kind == ERROR_REMOTE);
	assert_int_equal(call.attempts, 1);
}

static void a_refusal_of_the_outputs_that_are_asked_for_is_not_the_callers_fault(void **state)
{
	(void)state;
	expect_refusal(400, "unexpected inference output 'OUTPUT1' for model 'sick'", ERROR_REMOTE);
	expect_refusal(422, "SKLearnModel supports 'predict' as outputs (predict_proba was received)", ERROR_REMOTE);
	expect_refusal(404, "no tensor OUTPUT1", ERROR_REMOTE);
	expect_refusal(400, "OUTPUT1", ERROR_REMOTE);
	expect_refusal(400, "unexpected shape for input 'INPUT0'", ERROR_INPUT);
	expect_refusal(400, "OUTPUT1 needs x of 4 elements", ERROR_INPUT);
	expect_refusal(400, "predict_proba got an input of 3 features, and 4 are expected", ERROR_INPUT);
	expect_refusal(400, "SVC.predict_proba expects 4 features", ERROR_INPUT);
	expect_refusal(400, "predict_proba() expects 4 features", ERROR_INPUT);
	expect_refusal(400, "unexpected inference output 'OUTPUT10'", ERROR_INPUT);
	expect_refusal(400, "unexpected inference output 'THE_OUTPUT1'", ERROR_INPUT);
	expect_refusal(400, "row 3 is odd", ERROR_INPUT);
	expect_refusal(400, "", ERROR_INPUT);
}

static void a_reply_that_is_none_is_never_passed_on(void **state)
{
	(void)state;
	int64_t again;
	const struct attempt bad = {.end = ATTEMPT_REPLIED, .status = 200, .body = TEXT("{\"outputs\": 3}")};
	assert_true(attempts_take(&attempts, &bad, 0, &again));
	expect_failure(ERROR_REMOTE, "sick : ");
	assert_null(call.reply);
}

static void a_reply_is_read(void **state)
{
	(void)state;
	int64_t again;
	const struct attempt good = {
		.end = ATTEMPT_REPLIED,
		.status = 200,
		.body = TEXT(
			"{\"model_name\":\"m\",\"outputs\":[{\"name\":\"y\",\"datatype\":\"INT64\",\"shape\":[1],\"data\":[7]}]}"),
	};
	assert_false(attempts_take(&attempts, &broken, 0, &again));
	assert_true(attempts_take(&attempts, &good, 10, &again));
	assert_int_equal(call.error.kind, ERROR_NONE);
	assert_int_equal(*(const int64_t *)call.reply->tensors.items[0]->data, 7);
}

static void no_attempt_is_made_that_would_end_behind_the_deadline(void **state)
{
	(void)state;
	int64_t again;
	message.deadline_ms = 1010;
	assert_true(attempts_take(&attempts, &broken, 1000, &again));
	expect_failure(ERROR_REMOTE, "sick : overloaded");
}

static void a_timeout_names_the_model_and_the_time(void **state)
{
	(void)state;
	int64_t again;
	const struct attempt silent = {.end = ATTEMPT_TIMED_OUT};
	for (int i = 0; i < 2; i++)
		assert_false(attempts_take(&attempts, &silent, 0, &again));
	assert_true(attempts_take(&attempts, &silent, 0, &again));
	expect_failure(ERROR_REMOTE, "sick : no answer within 30000 ms");
}

static const struct attempt refused = {.end = ATTEMPT_REFUSED, .words = {"no connection", 13}};

static void a_server_that_is_not_there_counts_no_try(void **state)
{
	(void)state;
	int64_t now = 0, again = 0;
	for (int i = 0; i < 1000; i++, now = again) {
		assert_false(attempts_take(&attempts, &refused, now, &again));
		assert_in_range(again - now, 1, 3200);
	}
	assert_int_equal(call.attempts, 0);
	for (int i = 0; i < 2; i++)
		assert_false(attempts_take(&attempts, &broken, now, &again));
	assert_true(attempts_take(&attempts, &broken, now, &again)); /* of these three count as ever */
	assert_int_equal(call.attempts, 3);
}

static void what_the_deadline_cuts_short_is_no_fault_of_the_model(void **state)
{
	(void)state;
	int64_t again;
	const struct attempt silent = {.end = ATTEMPT_TIMED_OUT}, late = {.end = ATTEMPT_REPLIED, .status = 504};
	message.deadline_ms = 1000;
	assert_true(attempts_take(&attempts, &silent, 1000, &again));
	expect_failure(ERROR_LIMIT, "sick : the deadline passed before the model answered");
	call.error.kind = ERROR_NONE;
	assert_true(attempts_take(&attempts, &late, 999, &again));
	expect_failure(ERROR_LIMIT, "sick : the deadline passed before the model answered");
}

static void a_request_that_the_deadline_keeps_from_being_sent_is_no_fault_of_the_model(void **state)
{
	(void)state;
	int64_t again;
	message.deadline_ms = 1000;
	assert_true(attempts_take(&attempts, &refused, 996, &again));
	expect_failure(ERROR_LIMIT, "sick : the deadline passed before the request was sent to the model: no connection");
}

static void what_ends_well_before_the_deadline_is_the_models_own(void **state)
{
	(void)state;
	int64_t again;
	const struct attempt late = {.end = ATTEMPT_REPLIED, .status = 504, .words = {"too slow", 8}};
	message.deadline_ms = 1010;
	assert_true(attempts_take(&attempts, &late, 980, &again));
	expect_failure(ERROR_REMOTE, "sick : too slow");
}

static void a_server_that_is_not_there_is_tried_until_the_deadline(void **state)
{
	(void)state;
	int64_t now = 0, again = 0;
	message.deadline_ms = 10000;
	while (!attempts_take(&attempts, &refused, now, &again))
		now = again;
	assert_in_range(now, 5000, 10000);
	expect_failure(ERROR_REMOTE, "sick : no connection");
}

static void an_outage_may_count(void **state)
{
	(void)state;
	int64_t again;
	attempts.outage_fails = true;
	for (int i = 0; i < 2; i++)
		assert_false(attempts_take(&attempts, &refused, 0, &again));
	assert_true(attempts_take(&attempts, &refused, 0, &again));
	expect_failure(ERROR_REMOTE, "sick : no connection; it was tried 3 times");
}

static void statuses_mean_what_a_repetition_can_help(void **state)
{
	(void)state;
	static const struct {
		int status;
		bool again;
		enum error_kind kind;
	} rows[] = {{400, false, ERROR_INPUT},	{422, false, ERROR_INPUT},  {404, false, ERROR_INPUT},
		    {401, false, ERROR_REMOTE}, {501, false, ERROR_REMOTE}, {429, true, ERROR_NONE},
		    {405, false, ERROR_REMOTE},
		    {408, true, ERROR_NONE},	{500, true, ERROR_NONE},    {504, true, ERROR_NONE}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct attempt attempt = {.status = rows[i].status, .words = TEXT("words")};
		int64_t again;
		call.error = (struct error){0};
		attempts_begin(&attempts, &call, 0);
		assert_int_equal(!attempts_take(&attempts, &attempt, 0, &again), rows[i].again);
		assert_int_equal(call.error.kind, rows[i].kind);
	}
	const struct attempt loading = {.status = 404, .words = TEXT("no such model"), .loading = true};
	int64_t again;
	attempts_begin(&attempts, &call, 0);
	assert_false(attempts_take(&attempts, &loading, 0, &again));
}

static void a_failure_names_status_and_address(void **state)
{
	(void)state;
	int64_t again;
	const struct attempt odd = {.status = 400, .words = TEXT("row 3 is odd"), .where = "http://h:1/v2/models/sick/infer"};
	assert_true(attempts_take(&attempts, &odd, 0, &again));
	assert_string_equal(call.error.text, "sick : row 3 is odd (status 400, http://h:1/v2/models/sick/infer)");
}

static void the_steps_own_timeout_goes_before_the_models_and_that_before_the_pipelines(void **state)
{
	(void)state;
	assert_int_equal(attempts.timeout_ms, ATTEMPT_TIMEOUT_MS_DEFAULT);
	call.timeout_ms = 500;
	attempts_begin(&attempts, &call, 0);
	assert_int_equal(attempts.timeout_ms, 500);
	attempts_begin(&attempts, &call, 300);
	assert_int_equal(attempts.timeout_ms, 300);
	call.timeout_own = true;
	attempts_begin(&attempts, &call, 300);
	assert_int_equal(attempts.timeout_ms, 500);
}

#define SHOWS(name) cmocka_unit_test_setup_teardown(name, begin, arena_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOWS(a_failure_of_the_outside_is_tried_twice_more_and_later_each_time),
		SHOWS(a_copy_is_asked_for_once),
		SHOWS(what_the_server_calls_the_callers_fault_is_not_tried_again),
		SHOWS(a_server_that_is_not_there_counts_no_try),
		SHOWS(a_server_that_is_not_there_is_tried_until_the_deadline),
		SHOWS(an_outage_may_count),
		SHOWS(statuses_mean_what_a_repetition_can_help),
		SHOWS(a_failure_names_status_and_address),
		SHOWS(a_refusal_of_the_outputs_that_are_asked_for_is_not_the_callers_fault),
		SHOWS(a_reply_that_is_none_is_never_passed_on),
		SHOWS(a_reply_is_read),
		SHOWS(no_attempt_is_made_that_would_end_behind_the_deadline),
		SHOWS(what_the_deadline_cuts_short_is_no_fault_of_the_model),
		SHOWS(a_request_that_the_deadline_keeps_from_being_sent_is_no_fault_of_the_model),
		SHOWS(what_ends_well_before_the_deadline_is_the_models_own),
		SHOWS(a_timeout_names_the_model_and_the_time),
		SHOWS(the_steps_own_timeout_goes_before_the_models_and_that_before_the_pipelines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
