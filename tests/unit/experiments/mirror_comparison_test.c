/* mirror_comparison_test.c: Tests of how the replies of a mirror are compared with the answers, and of the header of such a reply.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "experiments/analysis/mirror_comparison.h"
#include "tests/unit/arena_fixture.h"

#include <cmocka.h>

#define SECOND_MS INT64_C(1000)

static struct mirror_comparison comparison;
static const int64_t two[] = {2};

/* A tensor of two numbers. */
static struct tensor numbers_of(const char *name, double *numbers)
{
	return (struct tensor){
		.name = text_of(name), .shape = two, .rank = 1, .count = 2, .datatype = DATATYPE_FP64, .data = numbers};
}

static void copy_add(const char *id, const struct mirror_reply *reply, const struct tensor *tensor)
{
	struct error error = {0};
	const struct message message = {.id = text_of(id)};
	const struct payload payload = {.tensors = {.count = 1, .items = &tensor}};
	assert_true(mirror_comparison_copy(&comparison, text_of(id), reply, &message, tensor ? &payload : NULL, &error));
}

static void reply_add(const char *id, double first, double second)
{
	double numbers[] = {first, second};
	struct tensor tensor = numbers_of("score", numbers);
	const struct mirror_reply reply = {.mirror = TEXT("m2"), .latency_ms = 30, .request_ms = SECOND_MS};
	copy_add(id, &reply, &tensor);
}

static void answer_add(const char *id, int64_t took_ms, double first, double second)
{
	double numbers[] = {first, second};
	const struct tensor tensor = numbers_of("score", numbers), *items = &tensor;
	const struct payload payload = {.tensors = {.count = 1, .items = &items}};
	mirror_comparison_answer(&comparison, text_of(id), SECOND_MS + took_ms, &payload);
}

static int setup(void **state)
{
	(void)state;
	arena = arena_open((size_t)16 << 20);
	comparison = (struct mirror_comparison){.arena = arena, .tolerance = 0.01};
	return arena ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	mirror_comparison_close(&comparison);
	arena_close(arena);
	return 0;
}

static void numbers_agree_within_the_tolerance(void **state)
{
	(void)state;
	reply_add("a", 0.5, 200);
	reply_add("b", 0.5, 200);
	reply_add("c", 0.5, 200);
	answer_add("a", 10, 0.509, 201.9); /* .01 of numbers below 1, 1% of those beyond */
	answer_add("b", 20, 0.511, 200);
	answer_add("c", 40, 0.5, 203);
	const struct mirror_result *result = mirror_comparison_end(&comparison);
	assert_non_null(result);
	assert_true(text_is(result->mirror, "m2"));
	assert_int_equal(result->copies, 3);
	assert_int_equal(result->compared, 3);
	assert_int_equal(result->agreed, 1);
	assert_int_equal(result->tensor_count, 1);
	assert_int_equal(result->tensors[0].compared, 3);
	assert_int_equal(result->tensors[0].agreed, 1);
	assert_true(result->tensors[0].largest == 3);
	assert_int_equal(result->disagreement_count, 2);
	assert_true(text_is(result->disagreements[1].id, "c"));
	assert_true(text_is(result->disagreements[1].tensor, "score"));
	assert_true(result->disagreements[1].answered == 203 && result->disagreements[1].replied == 200);
	assert_true(result->replied.median == 30 && result->answered.median == 20);
}

static void what_is_not_compared_is_counted(void **state)
{
	const struct mirror_reply left_out = {.mirror = TEXT("m2"), .left_out = true, .request_ms = SECOND_MS};
	(void)state;
	reply_add("a", 1, 2);
	reply_add("a", 1, 2); /* the record was taken twice */
	reply_add("late", 1, 2);
	copy_add("left", &left_out, NULL);
	answer_add("a", 1, 1, 2);
	answer_add("a", 1, 9, 9); /* the first answer of an id counts */
	answer_add("left", 1, 1, 2);
	answer_add("never copied", 1, 1, 2);
	const struct mirror_result *result = mirror_comparison_end(&comparison);
	assert_int_equal(result->copies, 3);
	assert_int_equal(result->repeated, 1);
	assert_int_equal(result->left_out, 1);
	assert_int_equal(result->unanswered, 1);
	assert_int_equal(result->compared, 1);
	assert_int_equal(result->agreed, 1);
	assert_true(mirror_share(result) < MIRROR_SHARE_ENOUGH);
}

/* Their engine was killed before the mirror replied. */
static void copies_that_were_drawn_and_have_no_result_are_in_the_total(void **state)
{
	struct error error = {0};
	(void)state;
	reply_add("kept", 1, 2);
	answer_add("kept", 1, 1, 2);
	assert_true(mirror_comparison_drawn(&comparison, TEXT("kept"), &error));
	assert_true(mirror_comparison_drawn(&comparison, TEXT("lost"), &error));
	assert_true(mirror_comparison_drawn(&comparison, TEXT("lost too"), &error));
	assert_true(mirror_comparison_drawn(&comparison, TEXT("lost"), &error)); /* answered twice, at least once */
	const struct mirror_result *result = mirror_comparison_end(&comparison);
	assert_int_equal(result->copies, 3);
	assert_int_equal(result->lost, 2);
	assert_int_equal(result->compared, 1);
	assert_true(fabs(mirror_share(result) - 1.0 / 3) < 1e-12);
}

static void a_mirror_none_of_whose_copies_has_a_result_is_reported(void **state)
{
	struct error error = {0};
	(void)state;
	comparison.mirror = TEXT("m2");
	assert_true(mirror_comparison_drawn(&comparison, TEXT("lost"), &error));
	const struct mirror_result *result = mirror_comparison_end(&comparison);
	assert_non_null(result);
	assert_true(text_is(result->mirror, "m2") && result->copies == 1 && result->lost == 1 && mirror_share(result) == 0);
}

static void failures_are_compared_too(void **state)
{
	const struct mirror_reply failed = {.mirror = TEXT("m2"), .latency_ms = 5, .request_ms = SECOND_MS};
	(void)state;
	copy_add("mirror", &failed, NULL);
	copy_add("both", &failed, NULL);
	reply_add("answer", 1, 2);
	answer_add("mirror", 1, 1, 2);
	mirror_comparison_answer(&comparison, TEXT("both"), SECOND_MS, NULL);
	mirror_comparison_answer(&comparison, TEXT("answer"), SECOND_MS, NULL);
	const struct mirror_result *result = mirror_comparison_end(&comparison);
	assert_int_equal(result->compared, 3);
	assert_int_equal(result->agreed, 1);
	assert_int_equal(result->failed, 2);
	assert_int_equal(result->answers_failed, 2);
	assert_int_equal(result->disagreements[0].difference, MIRROR_ANSWER_FAILED);
	assert_int_equal(result->disagreements[1].difference, MIRROR_FAILED);
}

static void shapes_names_and_texts_must_be_equal(void **state)
{
	const int64_t one[] = {1};
	double numbers[] = {1, 2};
	const struct text yes = TEXT("yes"), no = TEXT("no");
	struct tensor shorter = numbers_of("score", numbers), other = numbers_of("other", numbers);
	struct tensor text = {.name = TEXT("score"), .shape = one, .rank = 1, .count = 1, .datatype = DATATYPE_BYTES, .data = &yes};
	struct tensor answered = text;
	const struct tensor *items = &answered;
	const struct mirror_reply reply = {.mirror = TEXT("m2"), .request_ms = SECOND_MS};
	(void)state;
	shorter.shape = one;
	shorter.count = 1;
	copy_add("1 shape", &reply, &shorter);
	copy_add("2 name", &reply, &other);
	copy_add("3 text", &reply, &text);
	copy_add("4 kind", &reply, &text);
	answer_add("1 shape", 1, 1, 2);
	answer_add("2 name", 1, 1, 2);
	answered.data = &no;
	const struct payload payload = {.tensors = {.count = 1, .items = &items}};
	mirror_comparison_answer(&comparison, TEXT("3 text"), SECOND_MS, &payload);
	answer_add("4 kind", 1, 1, 2);
	const struct mirror_result *result = mirror_comparison_end(&comparison);
	static const enum mirror_difference expected[] = {MIRROR_SHAPES, MIRROR_MISSING, MIRROR_NUMBERS, MIRROR_SHAPES};
	assert_int_equal(result->agreed, 0);
	assert_int_equal(result->disagreement_count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(result->disagreements[i].difference, expected[i]);
	assert_true(text_is(result->disagreements[1].tensor, "score"));
}

static void infinities_and_nan_agree_with_themselves_alone(void **state)
{
	(void)state;
	reply_add("a", INFINITY, NAN);
	reply_add("b", INFINITY, 1);
	answer_add("a", 1, INFINITY, NAN);
	answer_add("b", 1, -INFINITY, 1);
	assert_int_equal(mirror_comparison_end(&comparison)->agreed, 1);
}

static void without_a_copy_there_is_no_result(void **state)
{
	(void)state;
	answer_add("a", 1, 1, 2);
	assert_null(mirror_comparison_end(&comparison));
	assert_false(arena_failed(arena));
}

static void a_header_says_which_mirror_and_how_long(void **state)
{
	const struct mirror_reply sent = {.experiment = TEXT("shop/choose"),
					  .mirror = TEXT("m2"),
					  .latency_ms = 12,
					  .request_ms = 1769938200000},
				  left = {.experiment = TEXT("e"), .mirror = TEXT("m"), .left_out = true, .request_ms = -1};
	struct mirror_reply read;
	char room[MIRROR_HEADER_BYTES_MAX];
	(void)state;
	struct text header = mirror_header_write(&sent, room);
	assert_true(text_is(header, "shop/choose=m2; latency_ms=12; request_ms=1769938200000"));
	assert_true(mirror_header_read(header, &read));
	assert_true(text_is(read.experiment, "shop/choose") && text_is(read.mirror, "m2") && !read.left_out);
	assert_int_equal(read.latency_ms, 12);
	assert_int_equal(read.request_ms, 1769938200000);
	assert_true(mirror_header_read(mirror_header_write(&left, room), &read));
	assert_true(read.left_out && read.request_ms == -1);
	assert_int_equal(read.verdict, MIRROR_UNJUDGED);
	assert_false(read.of_answer);
	assert_false(mirror_header_read(TEXT("e=m"), &read));
	assert_false(mirror_header_read(TEXT("e=m; latency_ms=x; request_ms=1"), &read));
}

static void the_header_says_that_engines_compare_with_the_answer(void **state)
{
	struct mirror_reply reply = {.experiment = TEXT("d"), .mirror = TEXT("d-next"), .of_answer = true, .request_ms = 7}, read;
	char room[MIRROR_HEADER_BYTES_MAX];
	(void)state;
	for (int i = 0; i < 2; i++) {
		reply.left_out = i == 1;
		assert_true(mirror_header_read(mirror_header_write(&reply, room), &read));
		assert_true(read.of_answer && read.left_out == reply.left_out && read.request_ms == 7);
		assert_true(text_is(read.mirror, "d-next"));
	}
	assert_false(mirror_header_read(TEXT("e=m; latency_ms=0; request_ms=1; of-answer "), &read));
}

static void a_header_of_its_own_has_the_verdict_of_the_engine(void **state)
{
	static const char *const differences[] = {"numbers of y: answer 7, mirror 9", "shape of agrees", ""};
	struct mirror_reply reply = {.experiment = TEXT("e"), .mirror = TEXT("m"), .request_ms = 5}, read = {0};
	char room[MIRROR_HEADER_BYTES_MAX], verdict[MIRROR_VERDICT_BYTES_MAX];
	(void)state;
	assert_int_equal(mirror_verdict_write(&reply, verdict).length, 0);
	reply.verdict = MIRROR_AGREES;
	assert_true(text_is(mirror_verdict_write(&reply, verdict), "agrees"));
	mirror_verdict_read(TEXT("agrees"), &read);
	assert_int_equal(read.verdict, MIRROR_AGREES);
	reply.verdict = MIRROR_DIFFERS;
	for (size_t i = 0; i < sizeof differences / sizeof *differences; i++) {
		reply.difference = text_of(differences[i]);
		mirror_verdict_read(mirror_verdict_write(&reply, verdict), &read);
		assert_true(read.verdict == MIRROR_DIFFERS && text_is(read.difference, differences[i]));
	}
	mirror_verdict_read(TEXT("agrees, perhaps"), &read);
	assert_true(read.verdict == MIRROR_UNJUDGED && read.difference.length == 0);
	/* Readers who do not know the verdict read the other header as before. */
	assert_true(text_is(mirror_header_write(&reply, room), "e=m; latency_ms=0; request_ms=5"));
}

static void a_name_that_is_too_long_ends_at_a_whole_character(void **state)
{
	char room[MIRROR_WORDS_BYTES_MAX], name[1 + 3 * 100] = "n";
	struct mirror_disagreement found = {
		.difference = MIRROR_SHAPES, .tensor = {name, sizeof name}, .answered = NAN, .replied = NAN};
	(void)state;
	for (size_t i = 1; i < sizeof name; i += 3)
		memcpy(name + i, "\xE2\x82\xAC", 3);
	assert_true(text_is_utf8(found.tensor));
	struct text words = mirror_disagreement_words(&found, room);
	assert_true(text_is_utf8(words) && text_ends_with(words, TEXT("\xE2\x82\xAC")));
	assert_int_equal(words.length, strlen("shape of ") + 1 + 3 * 66); /* 199 bytes; the next character would end at 202 */
	found.tensor.length = 4;
	assert_true(text_is(mirror_disagreement_words(&found, room), "shape of n\xE2\x82\xAC"));
}

static void a_disagreement_has_its_words(void **state)
{
	char room[MIRROR_WORDS_BYTES_MAX], name[1000];
	struct mirror_disagreement found = {.difference = MIRROR_FAILED, .answered = NAN, .replied = NAN};
	(void)state;
	assert_true(text_is(mirror_disagreement_words(&found, room), "mirror failed"));
	memset(name, 'n', sizeof name);
	found = (struct mirror_disagreement){
		.difference = MIRROR_NUMBERS, .tensor = {name, sizeof name}, .answered = -1.234567e300, .replied = -1.234567e-300};
	const struct text words = mirror_disagreement_words(&found, room);
	assert_true(words.length < sizeof room && text_ends_with(words, TEXT(": answer -1.23457e+300, mirror -1.23457e-300")));
}

static void what_engines_have_compared_is_counted(void **state)
{
	struct mirror_reply reply = {.mirror = TEXT("m2"), .request_ms = SECOND_MS, .verdict = MIRROR_AGREES};
	(void)state;
	copy_add("a", &reply, NULL);
	copy_add("b", &reply, NULL);
	reply.verdict = MIRROR_DIFFERS;
	reply.difference = TEXT("shape of y");
	copy_add("c", &reply, NULL);
	reply.verdict = MIRROR_UNJUDGED;
	copy_add("d", &reply, NULL);
	const struct mirror_result *result = mirror_comparison_end(&comparison);
	assert_int_equal(result->judged.agreed, 2);
	assert_int_equal(result->judged.differed, 1);
	assert_int_equal(result->judged.listed, 1);
	assert_true(text_is(result->judged.copies[0].id, "c") && text_is(result->judged.copies[0].words, "shape of y"));
}

static void as_many_are_listed_as_of_the_answers(void **state)
{
	struct mirror_reply reply = {
		.mirror = TEXT("m"), .request_ms = SECOND_MS, .verdict = MIRROR_DIFFERS, .difference = TEXT("shape of y")};
	char id[] = "a";
	(void)state;
	for (size_t i = 0; i <= MIRROR_DISAGREEMENTS_MAX; i++, id[0]++)
		copy_add(id, &reply, NULL);
	const struct mirror_result *result = mirror_comparison_end(&comparison);
	assert_int_equal(result->judged.differed, MIRROR_DISAGREEMENTS_MAX + 1);
	assert_int_equal(result->judged.listed, MIRROR_DISAGREEMENTS_MAX);
	assert_true(text_is(result->judged.copies[0].id, "a") &&
		    text_is(result->judged.copies[MIRROR_DISAGREEMENTS_MAX - 1].id, "t"));
}

int main(void)
{
#define SHOWS(story) cmocka_unit_test_setup_teardown(story, setup, teardown)
	const struct CMUnitTest tests[] = {
		SHOWS(numbers_agree_within_the_tolerance),
		SHOWS(what_is_not_compared_is_counted),
		SHOWS(copies_that_were_drawn_and_have_no_result_are_in_the_total),
		SHOWS(a_mirror_none_of_whose_copies_has_a_result_is_reported),
		SHOWS(failures_are_compared_too),
		SHOWS(shapes_names_and_texts_must_be_equal),
		SHOWS(infinities_and_nan_agree_with_themselves_alone),
		SHOWS(without_a_copy_there_is_no_result),
		SHOWS(a_header_says_which_mirror_and_how_long),
		SHOWS(a_header_of_its_own_has_the_verdict_of_the_engine),
		SHOWS(the_header_says_that_engines_compare_with_the_answer),
		SHOWS(a_name_that_is_too_long_ends_at_a_whole_character),
		SHOWS(a_disagreement_has_its_words),
		SHOWS(what_engines_have_compared_is_counted),
		SHOWS(as_many_are_listed_as_of_the_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
