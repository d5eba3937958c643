/* profile_test.c: profiles of features: merged ones say what one of all rows says, and stored ones what was written. */
#include "drift/profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>

#include "base/random.h"
#include "session.h"

#define ROWS 100000
#define PARTS 24

static struct random chance;
static struct error error;
static struct buffer out;
static double numbers[ROWS];

static int set_up(void **state)
{
	(void)state;
	chance = (struct random){9};
	error = (struct error){0};
	buffer_open(&out, 1 << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	buffer_close(&out);
	return 0;
}

static double even(void)
{
	return ((double)(random_next(&chance) >> 11) + 0.5) * 0x1p-53;
}

static double drawn_normal(void)
{
	return sqrt(-2 * log(even())) * cos(6.283185307179586 * even());
}

static double drawn_offset(void)
{
	return 1e6 + drawn_normal() / 1000;
}

static double drawn_heavy(void)
{
	return tan(3.141592653589793 * (even() - 0.5));
}

static double drawn_whole(void)
{
	return (double)random_below(&chance, 5);
}

static double drawn_skewed(void)
{
	return exp(3 * drawn_normal());
}

static int compare(const void *left, const void *right)
{
	const double a = *(const double *)left, b = *(const double *)right;
	return (a > b) - (a < b);
}

/* How far from the rank asked for the answer stands, as a share; of equal numbers the nearest one counts. */
static double rank_error(double answer, double q)
{
	size_t below = 0, most;
	while (below < ROWS && numbers[below] < answer)
		below++;
	for (most = below; most < ROWS && numbers[most] == answer;)
		most++;
	const double rank = q * (ROWS - 1);
	return (rank < (double)below ? (double)below - rank : rank > (double)most ? rank - (double)most : 0) / ROWS;
}

/* Stores and reads again. */
static void profile_again(struct profile *profile)
{
	buffer_clear(&out);
	assert_true(profile_write(profile, &out));
	assert_true(out.length <= PROFILE_BYTES_MAX);
	profile_close(profile);
	if (!profile_read(profile, buffer_view(&out), &error))
		fail_msg("%s", error.text);
	const size_t length = out.length;
	assert_true(profile_write(profile, &out));
	assert_int_equal(out.length, 2 * length);
	assert_memory_equal(out.bytes, out.bytes + length, length);
}

/* Of parts of a window that were stored, each with numbers of its own place in it. */
static void merged_profiles_answer_within_the_declared_error(void **state)
{
	(void)state;
	static double (*const kinds[])(void) = {drawn_normal, drawn_offset, drawn_heavy, drawn_whole, drawn_skewed};
	for (size_t kind = 0; kind < 2 * (sizeof kinds / sizeof *kinds); kind++) {
		struct profile parts[PARTS], whole;
		for (size_t i = 0; i < ROWS; i++)
			numbers[i] = kinds[kind / 2]();
		if (kind % 2) /* parts that have nothing in common */
			qsort(numbers, ROWS, sizeof *numbers, compare);
		profile_open(&whole, PROFILE_NUMBERS);
		struct moments moments = {0};
		for (size_t i = 0; i < PARTS; i++) {
			profile_open(&parts[i], PROFILE_NUMBERS);
			for (size_t row = i * ROWS / PARTS; row < (i + 1) * ROWS / PARTS; row++) {
				assert_true(profile_add_number(&parts[i], numbers[row]));
				moments_add(&moments, numbers[row]);
			}
			profile_again(&parts[i]);
			assert_true(profile_merge(&whole, &parts[i]));
			profile_close(&parts[i]);
		}
		profile_again(&whole);
		qsort(numbers, ROWS, sizeof *numbers, compare);
		for (int percent = 0; percent <= 100; percent++) {
			const double q = percent / 100.0, wrong = rank_error(profile_quantile(&whole, q), q);
			if (!(wrong <= PROFILE_RANK_ERROR))
				fail_msg("kind %zu: the quantile %g is %g of all ranks away", kind, q, wrong);
		}
		assert_true(profile_quantile(&whole, 0) == numbers[0] && profile_quantile(&whole, 1) == numbers[ROWS - 1]);
		assert_true(whole.rows == ROWS && whole.moments.count == ROWS);
		assert_true(fabs(whole.moments.mean - moments.mean) <= 1e-9 * fabs(moments.mean) + 1e-12 * sqrt(moments.squares));
		double squares = 0;
		for (size_t i = 0; i < ROWS; i++)
			squares += (numbers[i] - moments.mean) * (numbers[i] - moments.mean);
		assert_true(fabs(whole.moments.squares - squares) <= 1e-6 * squares);
		profile_close(&whole);
	}
}

static struct text text_drawn(char *room, size_t *kind)
{
	/* The i-th of 20 comes in about 1 of 2^(i + 1) rows; a fifth of all are texts that come once. */
	*kind = 0;
	while (*kind < 19 && random_below(&chance, 2))
		++*kind;
	if (random_below(&chance, 5) == 0)
		*kind = 20 + random_below(&chance, 1000000000);
	return (struct text){room, (size_t)snprintf(room, 64, "a text of the kind with the number %zu", *kind)};
}

static void the_commonest_texts_are_counted_within_what_is_uncounted(void **state)
{
	(void)state;
	struct profile whole;
	uint64_t counts[20] = {0};
	char room[64];
	profile_open(&whole, PROFILE_TEXTS);
	for (size_t part = 0; part < PARTS; part++) {
		struct profile profile;
		profile_open(&profile, PROFILE_TEXTS);
		for (size_t i = 0; i < 2000; i++) {
			size_t kind;
			const struct text text = text_drawn(room, &kind);
			assert_true(profile_add_text(&profile, text));
			if (kind < 20)
				counts[kind]++;
		}
		assert_true(profile_add_text(&profile, (struct text){NULL, 0}));
		profile_again(&profile);
		assert_true(profile_merge(&whole, &profile));
		profile_close(&profile);
	}
	profile_again(&whole);
	assert_int_equal(whole.missing, PARTS);
	assert_int_equal(whole.rows, PARTS * 2001);
	assert_true(whole.uncounted <= whole.rows / (PROFILE_TEXTS_MAX + 1));
	for (size_t i = 0; i < 20; i++) {
		const struct text text = {room, (size_t)snprintf(room, sizeof room, "a text of the kind with the number %zu", i)};
		const uint64_t count = profile_count(&whole, text);
		assert_true(count <= counts[i] && counts[i] <= count + whole.uncounted);
		assert_true(count > 0 || counts[i] <= whole.rows / (PROFILE_TEXTS_MAX + 1));
	}
	assert_true(profile_count(&whole, TEXT("a text of the kind with the number 0")) > 0);
	assert_int_equal(profile_count(&whole, TEXT("another")), 0);
	assert_true(profile_quantile(&whole, 0.1) == 36); /* of the lengths */
	profile_close(&whole);
}

/* Two windows without a text in common, more than are kept in all. */
static void texts_that_give_way_are_uncounted(void **state)
{
	(void)state;
	struct profile profiles[2];
	char room[64];
	for (size_t i = 0; i < 2; i++) {
		profile_open(&profiles[i], PROFILE_TEXTS);
		for (size_t j = 0; j < PROFILE_TEXTS_MAX * (i ? 7 : 10); j++) {
			const size_t number = i * 1000 + j % PROFILE_TEXTS_MAX;
			const struct text text = {room, (size_t)snprintf(room, sizeof room, "%zu", number)};
			assert_true(profile_add_text(&profiles[i], text));
		}
	}
	assert_int_equal(profiles[1].uncounted, 0);
	assert_true(profile_merge(&profiles[0], &profiles[1]));
	assert_int_equal(profiles[0].uncounted, 7);
	assert_int_equal(profile_count(&profiles[0], TEXT("0")), 3);
	assert_int_equal(profile_count(&profiles[0], TEXT("1000")), 0);
	profile_close(&profiles[0]);
	profile_close(&profiles[1]);
}

static void what_is_no_number_is_counted_apart(void **state)
{
	(void)state;
	struct profile profile;
	profile_open(&profile, PROFILE_NUMBERS);
	assert_true(isnan(profile_quantile(&profile, 0.5)));
	profile_again(&profile); /* one of nothing is stored too */
	static const double given[] = {1, (double)NAN, (double)INFINITY, -1e141, 3, (double)NAN, (double)NAN};
	for (size_t i = 0; i < sizeof given / sizeof *given; i++)
		assert_true(profile_add_number(&profile, given[i]));
	profile_again(&profile);
	assert_int_equal(profile.rows, 7);
	assert_int_equal(profile.missing, 3);
	assert_int_equal(profile.infinite, 2);
	assert_int_equal(profile.moments.count, 2);
	assert_true(profile.moments.mean == 2 && profile_quantile(&profile, 0.5) == 2);
	assert_true(profile_add_number(&profile, -1e140) && profile_add_number(&profile, 1e140));
	profile_again(&profile);
	assert_int_equal(profile.infinite, 2);
	struct profile twice;
	profile_open(&twice, PROFILE_NUMBERS);
	assert_true(profile_merge(&twice, &profile) && profile_merge(&twice, &profile));
	assert_int_equal(twice.infinite, 4);
	profile_close(&twice);
	profile_close(&profile);
}

/* The fullest profile that there is: lengths and texts as varied as can be. */
static void a_profile_never_takes_more_than_its_bytes(void **state)
{
	(void)state;
	static char room[70000];
	for (int kind = PROFILE_NUMBERS; kind <= PROFILE_TEXTS; kind++) {
		struct profile profile;
		profile_open(&profile, (enum profile_kind)kind);
		for (size_t i = 0; i < ROWS; i++) {
			const size_t length = 40 + random_below(&chance, sizeof room - 40);
			assert_true(kind == PROFILE_TEXTS ? profile_add_text(&profile, (struct text){room, length})
							  : profile_add_number(&profile, drawn_heavy()));
		}
		profile_again(&profile);
		assert_true(out.length > PROFILE_BYTES_MAX / 2);
		profile_close(&profile);
	}
}

static void bytes_that_are_no_profile_are_refused(void **state)
{
	(void)state;
	struct profile profile;
	profile_open(&profile, PROFILE_TEXTS);
	for (size_t i = 0; i < 200; i++)
		assert_true(profile_add_text(&profile, i % 3 ? TEXT("one") : TEXT("other")));
	assert_true(profile_write(&profile, &out));
	profile_close(&profile);
	for (size_t length = 0; length < out.length; length++) {
		error = (struct error){0};
		assert_false(profile_read(&profile, (struct text){out.bytes, length}, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
	}
	error = (struct error){0};
	out.bytes[14] = 2;
	assert_false(profile_read(&profile, buffer_view(&out), &error));
	expect_words(error.text, "version 2, and this engine reads version 1");
	out.bytes[14] = 1;
	/* Behind a head of 96 bytes stand two clusters of 16, and the texts: hash, count, length and name. */
	static const struct {
		size_t at;
		char byte;
	} damages[] = {{0, 'S'}, {15, 2}, {15, 0}, {16, 100}, {24, 1}, {32, 1}, {55, (char)0x80},
		       {63, (char)0x7f}, {72, 0}, {73, 1}, {80, 3}, {80, 1}, {89, 1}, {136, 0}, {137, 1}, {144, 33}};
	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
		const char before = out.bytes[damages[i].at];
		out.bytes[damages[i].at] = damages[i].byte;
		error = (struct error){0};
		if (profile_read(&profile, buffer_view(&out), &error))
			fail_msg("damage %zu was not seen", i);
		out.bytes[damages[i].at] = before;
	}
	assert_true(profile_read(&profile, buffer_view(&out), &error));
	assert_int_equal(profile_count(&profile, TEXT("other")), 67);
	profile_close(&profile);
	buffer_byte(&out, 0);
	assert_false(profile_read(&profile, buffer_view(&out), &error));
	out.length--;
	memcpy(out.bytes + 128 + 17 + 5, out.bytes + 128, 8); /* one text twice */
	assert_false(profile_read(&profile, buffer_view(&out), &error));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(merged_profiles_answer_within_the_declared_error, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_commonest_texts_are_counted_within_what_is_uncounted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(texts_that_give_way_are_uncounted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_number_is_counted_apart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_profile_never_takes_more_than_its_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bytes_that_are_no_profile_are_refused, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
