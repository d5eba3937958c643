/* answer_audit_test.c: Tests of the audit of answers: what it finds, and what it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/client/data/answer_audit.h"

#define SHOWN 20

static const struct audit_rules exactly = {.exactly_once = true, .order = ANSWER_ORDER_PARTITION};
static const struct audit_rules at_least = {.same_again = true, .order = ANSWER_ORDER_KEY};

struct scene {
	struct answer_audit *audit;
	int64_t answers; /* the next offset of their partition */
};

static void scene_open(struct scene *scene, const struct audit_rules *rules)
{
	struct error error = {0};
	*scene = (struct scene){.audit = audit_open(rules, SHOWN, &error)};
	assert_non_null(scene->audit);
}

static void request_add(struct scene *scene, struct audited_request request)
{
	struct error error = {0};
	assert_true(audit_add_request(scene->audit, &request, &error));
}

/* A request that needs an answer; its id is 100 more than its offset. */
static void request(struct scene *scene, int64_t offset)
{
	request_add(scene, (struct audited_request){.place = {0, offset}, .id = (uint64_t)offset + 100, .key = 7, .needs = 1});
}

static void requests(struct scene *scene, int64_t count)
{
	for (int64_t i = 0; i < count; i++)
		request(scene, i);
}

static void answer_add(struct scene *scene, uint64_t id, uint64_t content, uint32_t flags)
{
	struct error error = {0};
	const struct audited_answer answer = {
		.place = {0, scene->answers++}, .id = id, .content = content, .flags = flags};
	assert_true(audit_add_answer(scene->audit, &answer, &error));
}

/* The answer to the request at that offset. */
static void answer(struct scene *scene, int64_t offset)
{
	answer_add(scene, (uint64_t)offset + 100, (uint64_t)offset + 1000, 0);
}

static void failure(struct scene *scene, int64_t offset)
{
	answer_add(scene, (uint64_t)offset + 100, AUDIT_CONTENT_ERROR, AUDIT_FAILED);
}

static void letter(struct scene *scene, int64_t offset)
{
	struct error error = {0};
	assert_true(audit_add_flag(scene->audit, (struct audit_place){0, offset}, AUDIT_LETTERED, &error));
}

static const uint64_t *judged(struct scene *scene)
{
	struct error error = {0};
	assert_true(audit_judge(scene->audit, &error));
	return audit_counts(scene->audit);
}

/* The only finding is that one, of the request at that offset. */
static void expect_one(struct scene *scene, enum audit_count kind, int64_t offset)
{
	size_t count;
	const uint64_t *counts = judged(scene);
	const struct audit_finding *findings = audit_findings(scene->audit, &count);
	assert_int_equal(audit_found(scene->audit), 1);
	assert_int_equal(count, 1);
	assert_int_equal(counts[kind], 1);
	assert_int_equal(findings[0].kind, kind);
	assert_int_equal(findings[0].request.offset, offset);
	audit_close(scene->audit);
}

static void expect_none(struct scene *scene)
{
	judged(scene);
	assert_int_equal(audit_found(scene->audit), 0);
	audit_close(scene->audit);
}

static void requests_with_one_answer_each_are_right(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene, &exactly);
	requests(&scene, 100);
	for (int64_t i = 0; i < 100; i++)
		answer(&scene, i);
	const uint64_t *counts = judged(&scene);
	assert_int_equal(counts[AUDIT_REQUESTS], 100);
	assert_int_equal(counts[AUDIT_ANSWERED], 100);
	assert_int_equal(counts[AUDIT_ERRORS] + counts[AUDIT_OTHERS] + counts[AUDIT_UNKNOWN] + counts[AUDIT_DROPPED], 0);
	assert_int_equal(audit_found(scene.audit), 0);
	audit_close(scene.audit);
}

static void a_request_without_an_answer_is_lost(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene, &exactly);
	requests(&scene, 3);
	answer(&scene, 0);
	answer(&scene, 2);
	expect_one(&scene, AUDIT_LOST, 1);
}

static void nothing_is_said_of_a_request_that_is_on_its_way(void **state)
{
	(void)state;
	struct scene scene;
	struct error error = {0};
	scene_open(&scene, &exactly);
	requests(&scene, 2);
	answer(&scene, 0);
	request_add(&scene, (struct audited_request){.place = {0, 2}, .id = 9, .needs = 1, .flags = AUDIT_OPEN});
	assert_true(audit_add_flag(scene.audit, (struct audit_place){0, 1}, AUDIT_OPEN, &error));
	assert_int_equal(judged(&scene)[AUDIT_UNJUDGED], 2);
	assert_int_equal(audit_found(scene.audit), 0);
	audit_close(scene.audit);
}

static void a_request_that_may_have_been_dropped_is_unknown(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene, &exactly);
	request_add(&scene, (struct audited_request){.place = {0, 0}, .id = 1, .needs = 1, .flags = AUDIT_MAY_END});
	request_add(&scene, (struct audited_request){.place = {0, 1}, .id = 2, .needs = 0});
	request_add(&scene, (struct audited_request){.place = {0, 2}, .id = 3, .needs = 1, .flags = AUDIT_DIRECT});
	request_add(&scene, (struct audited_request){.place = {0, 3}, .id = 4, .needs = 1});
	answer_add(&scene, 4, 0, AUDIT_ENDED); /* it was submitted, and dropped */
	const uint64_t *counts = judged(&scene);
	assert_int_equal(counts[AUDIT_UNKNOWN], 2);
	assert_int_equal(counts[AUDIT_DROPPED], 2);
	assert_int_equal(audit_found(scene.audit), 0);
	audit_close(scene.audit);
}

static void an_answer_that_comes_again_is_found_exactly_once(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene, &exactly);
	requests(&scene, 3);
	answer(&scene, 0);
	answer(&scene, 1);
	answer(&scene, 1);
	answer(&scene, 2);
	expect_one(&scene, AUDIT_DOUBLED, 1);
}

/* After a crash the engine begins at its last commit. */
static void an_answer_that_comes_again_is_counted_at_least_once(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene, &at_least);
	requests(&scene, 4);
	for (int64_t i = 0; i < 3; i++)
		answer(&scene, i);
	for (int64_t i = 1; i < 4; i++)
		answer(&scene, i);
	assert_int_equal(judged(&scene)[AUDIT_REPEATED], 2);
	assert_int_equal(audit_found(scene.audit), 0);
	audit_close(scene.audit);
}

static void two_answers_that_differ_are_found_with_either_delivery(void **state)
{
	(void)state;
	const struct audit_rules *const rules[] = {&exactly, &at_least};
	for (size_t i = 0; i < 2; i++) {
		struct scene scene;
		scene_open(&scene, rules[i]);
		requests(&scene, 2);
		answer(&scene, 0);
		answer(&scene, 1);
		answer_add(&scene, 100, 5, 0);
		expect_one(&scene, AUDIT_DIFFERENT, 0);
	}
}

static void answers_that_calls_may_change_differ_at_least_once(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene, &(struct audit_rules){0});
	requests(&scene, 1);
	answer(&scene, 0);
	failure(&scene, 0);
	expect_none(&scene);
}

static void an_answer_that_overtakes_an_earlier_one_is_out_of_order(void **state)
{
	(void)state;
	const struct audit_rules *const rules[] = {&exactly, &at_least};
	for (size_t i = 0; i < 2; i++) {
		struct scene scene;
		scene_open(&scene, rules[i]);
		requests(&scene, 4);
		answer(&scene, 0);
		answer(&scene, 2);
		answer(&scene, 1);
		answer(&scene, 3);
		expect_one(&scene, AUDIT_DISORDERED, 2);
	}
}

static void only_requests_of_one_key_keep_their_order_at_least_once(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene, &at_least);
	for (int64_t i = 0; i < 3; i++)
		request_add(&scene, (struct audited_request){
					    .place = {0, i}, .id = (uint64_t)i + 100, .needs = 1, .key = (uint32_t)i});
	answer(&scene, 2);
	answer(&scene, 1);
	answer(&scene, 0);
	expect_none(&scene);
}

static void an_error_may_overtake(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene, &exactly);
	requests(&scene, 2);
	failure(&scene, 1);
	answer(&scene, 0);
	assert_int_equal(judged(&scene)[AUDIT_ERRORS], 1);
	assert_int_equal(audit_found(scene.audit), 0);
	audit_close(scene.audit);
}

static void an_answer_after_a_dead_letter_is_found(void **state)
{
	(void)state;
	struct scene scene;
	for (int with_error = 0; with_error < 2; with_error++) {
		scene_open(&scene, &exactly);
		requests(&scene, 2);
		letter(&scene, 0);
		if (with_error)
			failure(&scene, 0);
		answer(&scene, 0);
		answer(&scene, 1);
		expect_one(&scene, AUDIT_AFTER_ERROR, 0);
	}
}

/* `sluice errors replay` sends the request again, with its id. */
static void a_replayed_request_is_another_one(void **state)
{
	(void)state;
	struct scene scene;
	for (int errors_off = 0; errors_off < 2; errors_off++) {
		struct audit_rules rules = exactly;
		rules.errors_off = errors_off;
		scene_open(&scene, &rules);
		request(&scene, 0);
		request_add(&scene, (struct audited_request){.place = {0, 5}, .id = 100, .needs = 1});
		letter(&scene, 0);
		if (!errors_off)
			failure(&scene, 0);
		answer(&scene, 0);
		expect_none(&scene);
	}
}

static void an_id_that_comes_twice_is_answered_twice(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene, &exactly);
	request(&scene, 0);
	request_add(&scene, (struct audited_request){.place = {0, 1}, .id = 100, .needs = 1});
	request_add(&scene, (struct audited_request){.place = {0, 2}, .id = 100, .needs = 1});
	answer(&scene, 0);
	answer_add(&scene, 100, 77, 0);
	expect_one(&scene, AUDIT_LOST, 2);
}

/* As where a client gives none of its own. */
static void an_id_may_be_that_of_all_requests(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene, &exactly);
	for (int64_t i = 0; i < 300000; i++)
		request_add(&scene, (struct audited_request){.place = {0, i}, .id = 100, .needs = 1});
	for (int64_t i = 0; i < 299999; i++)
		answer(&scene, 0);
	expect_one(&scene, AUDIT_LOST, 299999);
}

static void an_answer_names_its_request_by_its_place(void **state)
{
	(void)state;
	struct scene scene;
	struct error error = {0};
	scene_open(&scene, &exactly);
	request(&scene, 0);
	request_add(&scene, (struct audited_request){.place = {3, 0}, .id = 100, .needs = 1});
	const struct audited_answer second = {.place = {0, 0}, .id = 0, .origin = 3, .content = 5, .flags = AUDIT_BY_ORIGIN};
	const struct audited_answer foreign = {.place = {0, 1}, .id = 8, .origin = 3, .content = 5, .flags = AUDIT_BY_ORIGIN};
	assert_true(audit_add_answer(scene.audit, &second, &error) && audit_add_answer(scene.audit, &foreign, &error));
	expect_one(&scene, AUDIT_LOST, 0);
}

static void an_answer_is_compared_with_what_was_computed_again(void **state)
{
	(void)state;
	struct scene scene;
	size_t count;
	scene_open(&scene, &exactly);
	for (int64_t i = 0; i < 3; i++)
		request_add(&scene, (struct audited_request){
					    .place = {0, i}, .id = (uint64_t)i + 100, .needs = 1, .expected = (uint64_t)i + 1000});
	answer(&scene, 0);
	answer_add(&scene, 101, 1002, 0); /* that of the next one */
	failure(&scene, 2);		  /* a model was away, or it was late */
	assert_int_equal(judged(&scene)[AUDIT_COMPARED], 2);
	const struct audit_finding *findings = audit_findings(scene.audit, &count);
	assert_int_equal(count, 1);
	assert_int_equal(findings[0].kind, AUDIT_WRONG);
	assert_int_equal(findings[0].request.offset, 1);
	audit_close(scene.audit);
}

static void a_request_that_was_dropped_has_no_answer(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene, &exactly);
	request_add(&scene, (struct audited_request){.place = {0, 0}, .id = 100, .needs = 0});
	answer(&scene, 0);
	expect_one(&scene, AUDIT_WRONG, 0);
}

static void a_request_may_need_several_answers(void **state)
{
	(void)state;
	struct scene scene;
	struct audit_rules rules = exactly;
	rules.multiplies = true;
	for (int64_t answers = 2; answers <= 4; answers++) {
		scene_open(&scene, &rules);
		request_add(&scene, (struct audited_request){.place = {0, 0}, .id = 100, .needs = 3});
		request_add(&scene, (struct audited_request){.place = {0, 1}, .id = 101, .needs = AUDIT_NEEDS_ANY});
		for (int64_t i = 0; i < answers; i++)
			answer_add(&scene, 100, (uint64_t)i + 2, 0);
		answer(&scene, 1);
		answer(&scene, 1);
		if (answers == 3)
			expect_none(&scene);
		else
			expect_one(&scene, answers < 3 ? AUDIT_LOST : AUDIT_DOUBLED, 0);
	}
}

static void findings_beyond_those_shown_are_counted(void **state)
{
	(void)state;
	struct scene scene;
	size_t count;
	scene_open(&scene, &exactly);
	requests(&scene, 5000);
	for (int64_t i = 0; i < 5000; i += 2)
		answer(&scene, i);
	assert_int_equal(judged(&scene)[AUDIT_LOST], 2500);
	const struct audit_finding *findings = audit_findings(scene.audit, &count);
	assert_int_equal(count, SHOWN);
	assert_int_equal(findings[1].request.offset, 3);
	audit_close(scene.audit);
}

static void nothing_is_found_where_nothing_is(void **state)
{
	(void)state;
	struct scene scene;
	scene_open(&scene, &exactly);
	expect_none(&scene);
	scene_open(&scene, &exactly);
	answer(&scene, 0);
	assert_int_equal(judged(&scene)[AUDIT_OTHERS], 1);
	audit_close(scene.audit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_with_one_answer_each_are_right),
		cmocka_unit_test(a_request_without_an_answer_is_lost),
		cmocka_unit_test(nothing_is_said_of_a_request_that_is_on_its_way),
		cmocka_unit_test(a_request_that_may_have_been_dropped_is_unknown),
		cmocka_unit_test(an_answer_that_comes_again_is_found_exactly_once),
		cmocka_unit_test(an_answer_that_comes_again_is_counted_at_least_once),
		cmocka_unit_test(two_answers_that_differ_are_found_with_either_delivery),
		cmocka_unit_test(answers_that_calls_may_change_differ_at_least_once),
		cmocka_unit_test(an_answer_that_overtakes_an_earlier_one_is_out_of_order),
		cmocka_unit_test(only_requests_of_one_key_keep_their_order_at_least_once),
		cmocka_unit_test(an_error_may_overtake),
		cmocka_unit_test(an_answer_after_a_dead_letter_is_found),
		cmocka_unit_test(a_replayed_request_is_another_one),
		cmocka_unit_test(an_id_that_comes_twice_is_answered_twice),
		cmocka_unit_test(an_id_may_be_that_of_all_requests),
		cmocka_unit_test(an_answer_names_its_request_by_its_place),
		cmocka_unit_test(an_answer_is_compared_with_what_was_computed_again),
		cmocka_unit_test(a_request_that_was_dropped_has_no_answer),
		cmocka_unit_test(a_request_may_need_several_answers),
		cmocka_unit_test(findings_beyond_those_shown_are_counted),
		cmocka_unit_test(nothing_is_found_where_nothing_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
