/* trailing_texts_test.c: Tests of what a window of texts says is what all the messages say, looked
 * through anew each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "methods/numeric/trailing_texts.h"

#define SERIES 3
#define MESSAGES 600

struct entry {
	int64_t time_ms;
	size_t nth;
	struct text texts[SERIES];
};

/* A window, and beside it all that was ever given to it. */
struct watched {
	struct trailing form;
	void *window;
	size_t size;
	int64_t newest_ms;
	size_t count;
	struct entry entries[MESSAGES];
};

static const struct text words[] = {{"", 0}, {"buy", 3}, {"sell", 4}, {"a\0b", 3}, {"longer than the others by far", 29}};

static void give(struct watched *watched, int64_t time_ms, const struct text *texts)
{
	watched->newest_ms = time_ms > watched->newest_ms ? time_ms : watched->newest_ms;
	const struct trailing_row row = {texts, SERIES, time_ms, watched->newest_ms};
	size_t size = trailing_texts_bytes(&watched->form, watched->window, &row);
	assert_int_equal(size % 8, 0);
	void *made = malloc(size);
	assert_non_null(made);
	trailing_texts_write(&watched->form, watched->window, &row, made);
	assert_true(trailing_texts_whole(made, size));
	free(watched->window);
	watched->window = made;
	watched->size = size;
}

static void add(struct watched *watched, int64_t time_ms, struct random *random)
{
	struct entry *entry = &watched->entries[watched->count];
	*entry = (struct entry){.time_ms = time_ms, .nth = watched->count};
	for (size_t i = 0; i < SERIES; i++)
		entry->texts[i] = words[random_below(random, sizeof words / sizeof *words)];
	watched->count++;
	give(watched, time_ms, entry->texts);
}

static bool inside(const struct watched *watched, const struct entry *entry)
{
	if (watched->form.messages)
		return entry->nth + watched->form.messages >= watched->count;
	return entry->time_ms > watched->newest_ms - watched->form.duration_ms;
}

/* Whether that one stands before: by coming, or by time. */
static bool is_before(const struct watched *watched, const struct entry *one, const struct entry *other)
{
	return !watched->form.messages && one->time_ms != other->time_ms ? one->time_ms < other->time_ms : one->nth < other->nth;
}

static void assert_texts(const struct entry *entry, bool there, const struct text *texts)
{
	assert_int_equal(there, entry != NULL);
	for (size_t i = 0; entry && i < SERIES; i++)
		assert_true(text_equal(texts[i], entry->texts[i]));
}

static void compare(const struct watched *watched)
{
	const struct entry *first = NULL, *last = NULL;
	struct text texts[SERIES];
	size_t count = 0;
	for (size_t i = 0; i < watched->count; i++) {
		const struct entry *entry = &watched->entries[i];
		if (!inside(watched, entry))
			continue;
		first = !first || is_before(watched, entry, first) ? entry : first;
		last = !last || is_before(watched, last, entry) ? entry : last;
		count++;
	}
	assert_texts(first, trailing_texts_first(watched->window, SERIES, texts), texts);
	assert_texts(last, trailing_texts_last(watched->window, SERIES, texts), texts);
	assert_int_equal(trailing_texts_warm(&watched->form, watched->window),
			 !watched->form.messages || count == watched->form.messages);
}

static void test_last_texts_of_messages(void **state)
{
	(void)state;
	for (uint32_t messages = 1; messages < 20; messages += 6) {
		struct watched watched = {.form = {.messages = messages}, .newest_ms = INT64_MIN};
		struct random random = {messages};
		for (size_t i = 0; i < 100; i++) {
			add(&watched, (int64_t)random_below(&random, 1000), &random);
			compare(&watched);
		}
		free(watched.window);
	}
}

static void test_texts_of_a_duration_stand_by_time(void **state)
{
	(void)state;
	struct watched watched = {.form = {.duration_ms = 50}, .newest_ms = INT64_MIN};
	struct random random = {7};
	int64_t time_ms = -500;
	for (size_t i = 0; i < MESSAGES; i++) {
		time_ms += (int64_t)random_below(&random, 12) + (random_below(&random, 40) == 0 ? 200 : 0);
		add(&watched, time_ms - (random_below(&random, 3) == 0 ? (int64_t)random_below(&random, 80) : 0), &random);
		compare(&watched);
	}
	free(watched.window);
}

static void test_a_message_that_does_not_count_adds_nothing(void **state)
{
	(void)state;
	struct watched watched = {.form = {.duration_ms = 50}, .newest_ms = INT64_MIN};
	struct random random = {3};
	struct text texts[SERIES];
	give(&watched, 100, NULL);
	assert_false(trailing_texts_first(watched.window, SERIES, texts));
	assert_false(trailing_texts_last(watched.window, SERIES, texts));
	add(&watched, 100, &random);
	add(&watched, 120, &random);
	size_t size = watched.size;
	give(&watched, 90, NULL);
	assert_int_equal(watched.size, size);
	compare(&watched);
	give(&watched, 150, NULL); /* the first is 50 old, and leaves */
	assert_true(watched.size < size);
	compare(&watched);
	give(&watched, INT64_MAX, NULL);
	assert_false(trailing_texts_first(watched.window, SERIES, texts));
	free(watched.window);
}

static void test_a_window_holds_so_many_messages_and_no_more(void **state)
{
	(void)state;
	const struct trailing form = {.duration_ms = 1000};
	const struct text texts[SERIES] = {{"", 0}, {"", 0}, {"", 0}};
	char *full = calloc(1, 1 << 20), *next = calloc(1, 1 << 20);
	assert_non_null(full);
	assert_non_null(next);
	struct trailing_row row = {texts, SERIES, 0, 0};
	trailing_texts_write(&form, NULL, &row, full);
	for (int i = 1; i < TRAILING_VALUES_MAX; i++) {
		row.time_ms = row.newest_ms = i / 1000 + 1; /* but for the first, which is the oldest alone */
		assert_in_range(trailing_texts_bytes(&form, full, &row), 1, 1 << 20);
		trailing_texts_write(&form, full, &row, next);
		char *before = full;
		full = next;
		next = before;
	}
	assert_int_equal(trailing_texts_bytes(&form, full, &row), 0);
	row.texts = NULL; /* what does not count takes no place */
	assert_int_not_equal(trailing_texts_bytes(&form, full, &row), 0);
	row = (struct trailing_row){texts, SERIES, -1000, row.newest_ms}; /* nor does what is too old */
	assert_int_not_equal(trailing_texts_bytes(&form, full, &row), 0);
	row = (struct trailing_row){texts, SERIES, 1000, 1000}; /* the oldest leaves */
	assert_int_not_equal(trailing_texts_bytes(&form, full, &row), 0);
	free(full);
	free(next);
}

static void test_what_is_no_window_is_told(void **state)
{
	(void)state;
	struct watched watched = {.form = {.messages = 2}, .newest_ms = INT64_MIN};
	struct random random = {3};
	add(&watched, 1, &random);
	assert_false(trailing_texts_whole(watched.window, watched.size - 8));
	assert_false(trailing_texts_whole(watched.window, 4));
	((char *)watched.window)[0] = 2; /* another version */
	assert_false(trailing_texts_whole(watched.window, watched.size));
	free(watched.window);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_last_texts_of_messages),
		cmocka_unit_test(test_texts_of_a_duration_stand_by_time),
		cmocka_unit_test(test_a_message_that_does_not_count_adds_nothing),
		cmocka_unit_test(test_a_window_holds_so_many_messages_and_no_more),
		cmocka_unit_test(test_what_is_no_window_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
