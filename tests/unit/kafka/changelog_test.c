/* changelog_test.c: Tests of what is told to a changelog is all that changed, each key once, as it stands
 * then. The output is the test's own, so that many keys can be looked at, one by one. */
#include "kafka/state/changelog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define KEYS 15010 /* three times 5,003: what befalls one key in so many befalls one of these */
#define BYTES_MAX ((size_t)1 << 24)
#define FULL_EVERY 1000 /* records that the output takes at once */
#define TOPIC 3

static const char *const names[] = {"n"};
static const struct position input = {.topic = 1, .partition = 2, .offset = OFFSET_NONE};

/* What was told of each key. */
struct told {
	unsigned times;
	long value; /* -1: removed */
};

struct fake {
	struct output output; /* first: the table of operations */
	struct told told[KEYS];
	size_t count;
	bool full;
};

static const char *number_text(struct text text, char digits[24])
{
	snprintf(digits, 24, TEXT_FORMAT, TEXT_ARGUMENTS(text));
	return digits;
}

static enum produce_verdict fake_produce(struct output *self, const struct outgoing *record, struct error *error)
{
	struct fake *fake = (struct fake *)self;
	struct text scope, key, value;
	char digits[24];
	if (fake->count > 0 && fake->count % FULL_EVERY == 0 && !fake->full) {
		fake->full = true;
		return PRODUCE_FULL;
	}
	fake->full = false;
	assert_int_equal(record->topic, TOPIC);
	assert_int_equal(record->origin.partition, input.partition);
	assert_true(record->beside_origin);
	assert_true(change_read(record->key, record->value, &scope, &key, &value, "fraud", error));
	assert_true(text_is(scope, names[0]));
	long number = strtol(number_text(key, digits), NULL, 10);
	assert_in_range(number, 0, KEYS - 1);
	fake->told[number].times++;
	fake->told[number].value = value.bytes ? strtol(number_text(value, digits), NULL, 10) : -1;
	fake->count++;
	return PRODUCED;
}

static const struct output_operations operations = {.produce = fake_produce};

struct stand {
	struct fake fake;
	struct store *store;
	struct changelog_words words;
};

static int set_up(void **state)
{
	static struct stand stand;
	stand = (struct stand){.fake.output.operations = &operations,
			       .store = store_open((struct store_scopes){1, names}, BYTES_MAX)};
	changelog_words_open(&stand.words);
	*state = &stand;
	return stand.store ? 0 : -1;
}

static int tear_down(void **state)
{
	struct stand *stand = *state;
	changelog_words_close(&stand->words);
	store_close(stand->store);
	return 0;
}

/* Value -1 removes. */
static void release(struct stand *stand, long number, long value)
{
	char key[24], bytes[24];
	struct error error = {0};
	snprintf(key, sizeof key, "%ld", number);
	snprintf(bytes, sizeof bytes, "%ld", value);
	struct write write = {.key = text_of(key)};
	if (value >= 0)
		write.value = text_of(bytes);
	assert_true(store_journal(stand->store, &write, &error));
	assert_true(store_release(stand->store, &write, &error));
}

/* Until all is told. */
static void tell(struct stand *stand)
{
	struct error error = {0};
	enum produce_verdict verdict;
	stand->fake.count = 0;
	while ((verdict = changelog_tell(stand->store, &stand->words, TOPIC, input, &stand->fake.output, &error)) == PRODUCE_FULL)
		;
	assert_int_equal(verdict, PRODUCED);
	assert_int_equal(store_changes(stand->store), 0);
}

static void every_key_that_changed_is_told_once_with_its_last_value(void **state)
{
	struct stand *stand = *state;
	for (long i = 0; i < KEYS; i++)
		release(stand, i, 1);
	for (long i = 0; i < KEYS; i++)
		release(stand, i, i % 7 == 0 ? -1 : 2 * i);
	tell(stand);
	for (long i = 0; i < KEYS; i++) {
		assert_int_equal(stand->fake.told[i].times, 1);
		assert_int_equal(stand->fake.told[i].value, i % 7 == 0 ? -1 : 2 * i);
	}
}

static void a_key_that_changes_again_is_told_again(void **state)
{
	struct stand *stand = *state;
	for (long round = 1; round <= 3; round++) {
		for (long i = 0; i < KEYS; i++)
			release(stand, i, round);
		tell(stand);
		assert_int_equal(stand->fake.count, KEYS);
	}
	for (long i = 0; i < KEYS; i++) {
		assert_int_equal(stand->fake.told[i].times, 3);
		assert_int_equal(stand->fake.told[i].value, 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_key_that_changed_is_told_once_with_its_last_value, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_key_that_changes_again_is_told_again, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
