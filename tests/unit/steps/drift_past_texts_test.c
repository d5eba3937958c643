/* drift_past_texts_test.c: Tests of texts and of vectors in the past of a stream that is the reference of a step `drift`: the
 * commonest texts are known by their names, changes of values, of lengths and of dependence are found, and clean streams raise no
 * more alarms than declared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "methods/drift/past_texts.h"
#include "tests/unit/observed.h"

#define ROWS 100 /* of a message, and of a window */
#define WATCH(more) "drift: {tensors: [note], reference: {past: 1d}, window: 100, falseAlarms: 0.1 per 1000" more "}"

/* ---- the sketch ---- */

/* So many rows, which are a window. */
static void came_in(struct past_texts *texts, const char *text, double fingerprint, size_t rows, bool alarmed)
{
	static double fingerprints[PAST_TEXTS_AGED];
	for (size_t i = 0; i < rows; i++) {
		past_texts_note(texts, fingerprint, text_of(text));
		fingerprints[i] = fingerprint;
	}
	past_texts_close(texts, fingerprints, rows, alarmed);
}

static void came(struct past_texts *texts, const char *text, double fingerprint, size_t rows)
{
	came_in(texts, text, fingerprint, rows, false);
}

static void expect_text(const struct past_text *stored, const char *text, uint32_t count)
{
	assert_int_equal(stored->length, strlen(text));
	assert_memory_equal(stored->bytes, text, strlen(text));
	assert_int_equal(stored->count, count);
}

static void the_commonest_texts_come_first(void **state)
{
	static struct past_texts texts;
	struct past_text commonest[DRIFT_COMMON_MAX];
	(void)state;
	memset(&texts, 0, sizeof texts);
	came(&texts, "rare", 1, 1);
	came(&texts, "often", 2, 7);
	came(&texts, "sometimes", 3, 3);
	assert_int_equal(past_texts_store(&texts, commonest), 3);
	expect_text(&commonest[0], "often", 7);
	expect_text(&commonest[1], "sometimes", 3);
	expect_text(&commonest[2], "rare", 1);
}

/* A text of one value in 100 is found among unique ones. */
static void a_common_text_is_kept_among_unique_ones(void **state)
{
	static struct past_texts texts;
	struct past_text commonest[DRIFT_COMMON_MAX];
	char unique[16];
	(void)state;
	memset(&texts, 0, sizeof texts);
	for (int i = 0; i < 30000; i++) {
		snprintf(unique, sizeof unique, "no %d", i);
		came(&texts, i % 100 == 0 ? "common" : unique, i % 100 == 0 ? 0.5 : i, 1);
		assert_true(texts.count <= PAST_TEXTS_COUNTED);
	}
	assert_int_equal(past_texts_store(&texts, commonest), DRIFT_COMMON_MAX);
	assert_int_equal(commonest[0].length, 6);
	assert_memory_equal(commonest[0].bytes, "common", 6);
}

/* All counters are taken by texts that came before. */
static void a_text_that_becomes_common_takes_the_place_of_a_rare_one(void **state)
{
	static struct past_texts texts;
	struct past_text commonest[DRIFT_COMMON_MAX];
	char unique[16];
	(void)state;
	memset(&texts, 0, sizeof texts);
	for (int i = 0; i < 2 * PAST_TEXTS_COUNTED; i++) {
		const int pair = i / 2;
		snprintf(unique, sizeof unique, "no %d", pair);
		came(&texts, unique, pair, 1);
	}
	for (int i = 0; i < 2000; i++) {
		snprintf(unique, sizeof unique, "new %d", i);
		came(&texts, i % 20 == 0 ? "late" : unique, i % 20 == 0 ? 0.5 : 10000 + i, 1);
	}
	past_texts_store(&texts, commonest);
	assert_int_equal(commonest[0].length, 4);
	assert_memory_equal(commonest[0].bytes, "late", 4);
}

/* An alarm that lasts brings more texts than there are counters, and more rows than after which counts are halved. */
static void texts_of_windows_in_alarm_count_apart(void **state)
{
	(void)state;
	static struct past_texts texts, after;
	struct past_text commonest[DRIFT_COMMON_MAX], aside[DRIFT_COMMON_MAX];
	char unique[16];
	memset(&texts, 0, sizeof texts);
	memset(&after, 0, sizeof after);
	came(&texts, "usual", 0.5, 7);
	assert_int_equal(past_texts_store(&texts, commonest), 1);
	came_in(&texts, "fault", 0.25, 3000, true);
	for (int i = 1; i < 2 * PAST_TEXTS_COUNTED; i++) {
		snprintf(unique, sizeof unique, "%d", i);
		came_in(&texts, unique, i, 30, true);
	}
	came_in(&texts, "fault", 0.25, 3000, true);
	assert_int_equal(past_texts_store(&texts, commonest), 1);
	expect_text(&commonest[0], "usual", 7);
	past_texts_store_aside(&texts, aside);
	assert_memory_equal(aside[0].bytes, "fault", 5);
	past_texts_put_back(&after, 0.5, &commonest[0]);
	past_texts_put_back_aside(&after, 0.25, &aside[0]);
	assert_int_equal(past_texts_store(&after, commonest), 1);
	past_texts_accept(&after);
	assert_int_equal(past_texts_store_aside(&after, aside), 0);
	assert_int_equal(past_texts_store(&after, commonest), 2);
	assert_memory_equal(commonest[0].bytes, "fault", 5);
}

static void texts_that_no_longer_come_leave(void **state)
{
	static struct past_texts texts;
	struct past_text commonest[DRIFT_COMMON_MAX];
	(void)state;
	memset(&texts, 0, sizeof texts);
	came(&texts, "before", 1, PAST_TEXTS_AGED);
	came(&texts, "now", 2, PAST_TEXTS_AGED);
	past_texts_store(&texts, commonest);
	expect_text(&commonest[0], "now", PAST_TEXTS_AGED - PAST_TEXTS_AGED / 2);
}

static void long_texts_and_those_with_a_zero_byte_have_no_name(void **state)
{
	static struct past_texts texts;
	char text[PAST_TEXT_BYTES + 2];
	(void)state;
	memset(&texts, 0, sizeof texts);
	memset(text, 'a', sizeof text);
	past_texts_note(&texts, 1, (struct text){text, PAST_TEXT_BYTES + 1});
	past_texts_note(&texts, 2, (struct text){"a\0b", 3});
	assert_int_equal(texts.count, 0);
	past_texts_note(&texts, 3, (struct text){text, PAST_TEXT_BYTES});
	assert_int_equal(texts.count, 1);
}

static void what_is_stored_goes_on(void **state)
{
	static struct past_texts before, after;
	struct past_text commonest[DRIFT_COMMON_MAX];
	(void)state;
	memset(&before, 0, sizeof before);
	memset(&after, 0, sizeof after);
	came(&before, "ok", 1, 5);
	assert_int_equal(past_texts_store(&before, commonest), 1);
	past_texts_put_back(&after, 1, &commonest[0]);
	came(&after, "ok", 1, 1);
	past_texts_store(&after, commonest);
	expect_text(&commonest[0], "ok", 6);
}

/* Each is rarer than all that were read, as after a takeover by an engine that has read much. */
static void what_is_stored_does_not_displace_what_is_stored(void **state)
{
	static struct past_texts texts;
	struct past_text commonest[DRIFT_COMMON_MAX];
	char name[16];
	(void)state;
	memset(&texts, 0, sizeof texts);
	for (size_t i = 0; i < PAST_TEXTS_COUNTED; i++) {
		(void)snprintf(name, sizeof name, "read %zu", i);
		came(&texts, name, (double)i, 9);
	}
	past_texts_forget(&texts);
	for (uint32_t i = 0; i < DRIFT_COMMON_MAX; i++) {
		struct past_text stored = {.count = 1};
		stored.length = (uint32_t)snprintf(stored.bytes, sizeof stored.bytes, "stored %u", i);
		past_texts_put_back(&texts, PAST_TEXTS_COUNTED + i, &stored);
	}
	assert_int_equal(texts.count, PAST_TEXTS_COUNTED);
	assert_int_equal(past_texts_store(&texts, commonest), DRIFT_COMMON_MAX);
}

/* ---- streams ---- */

/* How texts are drawn: so many of 100 are each of three, and the others come once; `letters` to twice as many long. */
struct texts_drawn {
	int common[3];
	const char *names[3];
	int letters;
};
static const struct texts_drawn usual = {{45, 20, 10}, {"ok", "retry later", "down"}, 10};
static const struct texts_drawn renamed = {{45, 20, 10}, {"failed", "retry later", "down"}, 10};
static const struct texts_drawn longer = {{45, 20, 10}, {"ok", "retry later", "down"}, 18};
static const struct texts_drawn few = {{60, 30, 10}, {"buy", "sell", "hold"}, 1};

static struct text text_draw(struct random *chance, const struct texts_drawn *from, char *bytes)
{
	int kind = (int)random_below(chance, 100);
	for (int i = 0; i < 3; i++) {
		if (kind < from->common[i])
			return text_of(from->names[i]);
		kind -= from->common[i];
	}
	const size_t length = (size_t)from->letters + random_below(chance, (uint64_t)from->letters + 1);
	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)('a' + random_below(chance, 26));
	return (struct text){bytes, length};
}

/* The verdict on a window of such texts. */
static const struct seen *window_of(struct observed *observed, const struct texts_drawn *from)
{
	static char bytes[ROWS][64];
	struct text texts[ROWS];
	const int64_t shape[] = {ROWS, 1};
	for (int i = 0; i < ROWS; i++)
		texts[i] = text_draw(&observed->chance, from, bytes[i]);
	observed->count = 0;
	observed_send(
		observed,
		&(struct tensor){
			.name = TEXT("note"), .datatype = DATATYPE_BYTES, .shape = shape, .rank = 2, .data = texts, .count = ROWS});
	assert_int_equal(observed->count, 1);
	return &observed->seen[0];
}

/* The last of so many. */
static const struct seen *windows_of(struct observed *observed, const struct texts_drawn *from, int count)
{
	const struct seen *seen = NULL;
	for (int i = 0; i < count; i++)
		seen = window_of(observed, from);
	return seen;
}

#define WINDOWS_LEARNT 10 /* 1000 rows */

static void a_text_that_is_replaced_is_found(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_watch(&observed, WATCH(""));
	assert_int_equal(windows_of(&observed, &usual, WINDOWS_LEARNT)->verdict, DRIFT_LEARNING);
	const struct seen *seen = window_of(&observed, &usual);
	assert_int_equal(seen->verdict, DRIFT_STEADY);
	assert_int_equal(seen->statistics, 1 + 3); /* chi-square of the texts, ks, psi and wasserstein of their lengths */
	assert_int_equal(seen->reference_rows, WINDOWS_LEARNT * ROWS);
	assert_string_equal(seen->shown, "ok");
	assert_int_equal(seen->unseen, 0); /* a new text is one of the others */
	seen = window_of(&observed, &renamed);
	assert_int_equal(seen->verdict, DRIFT_FOUND);
	observed_close(&observed);
}

static void texts_that_become_longer_are_found(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_watch(&observed, WATCH(", methods: [ks]")); /* of the lengths alone */
	windows_of(&observed, &usual, WINDOWS_LEARNT);
	const struct seen *seen = window_of(&observed, &usual);
	assert_int_equal(seen->statistics, 1);
	assert_int_equal(seen->verdict, DRIFT_STEADY);
	assert_int_equal(window_of(&observed, &longer)->verdict, DRIFT_FOUND);
	observed_close(&observed);
}

/* Where all texts of the past are among its categories, another one is a category never seen. */
static void a_new_category_is_one_never_seen(void **state)
{
	static const struct texts_drawn other = {{60, 30, 10}, {"buy", "sell", "short"}, 1};
	(void)state;
	struct observed observed;
	observed_open_watch(&observed, WATCH(""));
	windows_of(&observed, &few, WINDOWS_LEARNT);
	const struct seen *seen = window_of(&observed, &few);
	assert_int_equal(seen->verdict, DRIFT_STEADY);
	assert_int_equal(seen->unseen, 0);
	assert_string_equal(seen->shown, "buy");
	seen = window_of(&observed, &other);
	assert_int_equal(seen->verdict, DRIFT_FOUND);
	assert_in_range(seen->unseen, 1, 30);
	observed_close(&observed);
}

/* An empty text is a missing value, in both features. */
static void empty_texts_are_missing(void **state)
{
	static const struct texts_drawn half = {{50, 30, 20}, {"", "buy", "sell"}, 1};
	(void)state;
	struct observed observed;
	observed_open_watch(&observed, WATCH(""));
	windows_of(&observed, &few, WINDOWS_LEARNT);
	const struct seen *seen = window_of(&observed, &half);
	assert_in_range(seen->missing, 2 * 30, 2 * 70);
	assert_int_equal(seen->missing % 2, 0);
	observed_close(&observed);
}

/* ---- what is stored ---- */

static bool stored_find(const struct observed *observed, const char *key, struct text *stored)
{
	uint32_t scope;
	assert_true(store_scope_find(observed->store, TEXT("watch.observer"), &scope));
	return store_read(observed->store, scope, text_of(key), stored);
}

/* Another engine has the same reference, and knows its categories by the same names. */
static void another_engine_has_the_same_reference(void **state)
{
	(void)state;
	struct observed one, two;
	observed_open_watch(&one, WATCH(""));
	observed_open_watch(&two, WATCH(""));
	for (int i = 0; i < 3 * WINDOWS_LEARNT; i++) {
		const struct seen *wanted = window_of(&one, &usual), *seen = window_of(&two, &usual);
		assert_int_equal(seen->verdict, wanted->verdict);
		assert_int_equal(seen->reference_rows, wanted->reference_rows);
		assert_true(seen->sum == wanted->sum);
		assert_string_equal(seen->shown, wanted->shown);
		if (i % 4 != 1)
			continue;
		observed_engine_close(&two);
		observed_engine_open(&two);
	}
	observed_close(&one);
	observed_close(&two);
}

static const struct texts_drawn short_instead = {{60, 30, 10}, {"short", "sell", "hold"}, 1};

static void expect_equal(const struct seen *seen, const struct seen *wanted)
{
	assert_int_equal(seen->verdict, wanted->verdict);
	assert_int_equal(seen->statistics, wanted->statistics);
	assert_int_equal(seen->reference_rows, wanted->reference_rows);
	assert_int_equal(seen->unseen, wanted->unseen);
	assert_true(seen->sum == wanted->sum);
}

/* Ten of 100 texts are another one in some windows, which differ by less than this effect. */
#define HARDLY ", effect: 0.5"
static const struct texts_drawn hardly = {{45, 25, 10}, {"buy", "sell", "hold"}, 10};
static const struct texts_drawn hardly_other = {{45, 25, 10}, {"buy", "sell", "short"}, 10};

static bool stored_has(const struct observed *observed, const char *key, const char *name)
{
	struct text stored;
	const struct past_text *items;
	bool has = false;
	if (!stored_find(observed, key, &stored))
		return false;
	items = (const void *)stored.bytes;
	for (size_t i = 0; i < stored.length / sizeof *items; i++)
		has = has || text_is((struct text){items[i].bytes, items[i].length}, name);
	return has;
}

/* The reference of the first windows is renewed after three more. */
static void a_text_of_windows_between_two_references_has_a_name(void **state)
{
	(void)state;
	struct observed stays, moves;
	observed_open_watch(&stays, WATCH(HARDLY));
	observed_open_watch(&moves, WATCH(HARDLY));
	for (int i = 0; i < WINDOWS_LEARNT + 3; i++) {
		const struct texts_drawn *drawn = i == WINDOWS_LEARNT || i == WINDOWS_LEARNT + 1 ? &hardly_other : &hardly;
		const struct seen *wanted = window_of(&stays, drawn);
		expect_equal(window_of(&moves, drawn), wanted);
		assert_true(wanted->verdict != DRIFT_FOUND);
		if (i != WINDOWS_LEARNT + 1)
			continue;
		assert_true(stored_has(&moves, "past/counted/0", "short"));
		observed_engine_close(&moves);
		observed_engine_open(&moves);
	}
	expect_equal(window_of(&moves, &hardly_other), window_of(&stays, &hardly_other));
	assert_int_equal(stays.seen[0].reference_rows, (WINDOWS_LEARNT + 3) * ROWS);
	assert_true(stored_has(&moves, "past/texts/0", "short") && stored_has(&stays, "past/texts/0", "short"));
	observed_close(&stays);
	observed_close(&moves);
}

static void a_text_of_windows_in_alarm_has_no_name(void **state)
{
	(void)state;
	struct observed stays, moves;
	observed_open_watch(&stays, WATCH(""));
	observed_open_watch(&moves, WATCH(""));
	for (int i = 0; i < WINDOWS_LEARNT + 12; i++) {
		const struct texts_drawn *drawn = i >= WINDOWS_LEARNT && i < WINDOWS_LEARNT + 6 ? &short_instead : &few;
		const struct seen *wanted = window_of(&stays, drawn);
		expect_equal(window_of(&moves, drawn), wanted);
		assert_int_equal(wanted->unseen > 0, drawn == &short_instead);
		if (i != WINDOWS_LEARNT + 3)
			continue;
		observed_engine_close(&moves);
		observed_engine_open(&moves);
	}
	expect_equal(window_of(&moves, &short_instead), window_of(&stays, &short_instead));
	assert_true(stays.seen[0].unseen > 0);
	assert_true(stored_has(&moves, "past/aside/0", "short") && !stored_has(&moves, "past/texts/0", "short"));
	observed_close(&stays);
	observed_close(&moves);
}

/* The partition goes to another engine for so many windows and comes back. */
static void windows_elsewhere(struct observed *observed, const struct texts_drawn *drawn, int windows)
{
	struct flow *flow = observed->flow;
	struct line *line = observed->line;
	observed_engine_open(observed);
	windows_of(observed, drawn, windows);
	observed_engine_close(observed);
	observed->flow = flow;
	observed->line = line;
}

static void a_text_that_came_to_another_engine_has_a_name(void **state)
{
	(void)state;
	for (int elsewhere = 2; elsewhere <= 4; elsewhere++) { /* without a new reference, and with one */
		struct observed stays, moves;
		observed_open_watch(&stays, WATCH(HARDLY));
		observed_open_watch(&moves, WATCH(HARDLY));
		windows_of(&stays, &hardly, WINDOWS_LEARNT);
		windows_of(&moves, &hardly, WINDOWS_LEARNT);
		windows_of(&stays, &hardly_other, elsewhere);
		windows_elsewhere(&moves, &hardly_other, elsewhere);
		for (int i = 0; i < 8; i++) {
			const struct seen *wanted = window_of(&stays, &hardly);
			expect_equal(window_of(&moves, &hardly), wanted);
		}
		expect_equal(window_of(&moves, &hardly_other), window_of(&stays, &hardly_other));
		assert_true(stored_has(&moves, "past/texts/0", "short"));
		observed_close(&stays);
		observed_close(&moves);
	}
}

/* The names come from before the engine began, and only fingerprints of them are in the last window. */
static void names_are_known_to_an_engine_that_takes_over(void **state)
{
	static const struct texts_drawn mostly = {{70, 20, 8}, {"ok", "retry later", "down"}, 10};
	static const struct texts_drawn unique = {{0, 0, 0}, {"", "", ""}, 10};
	(void)state;
	struct observed observed;
	observed_open_watch(&observed, WATCH(""));
	windows_of(&observed, &mostly, WINDOWS_LEARNT - 1);
	observed_engine_close(&observed);
	observed_engine_open(&observed);
	window_of(&observed, &unique);
	const struct seen *seen = window_of(&observed, &mostly);
	assert_int_equal(seen->reference_rows, WINDOWS_LEARNT * ROWS);
	assert_int_equal(seen->statistics, 1 + 3);
	assert_string_equal(seen->shown, "ok");
	observed_close(&observed);
}

/* Unique texts of any length: 4 KiB are the most. */
static void the_stored_sketch_is_small(void **state)
{
	static const struct texts_drawn unique = {{0, 0, 0}, {"", "", ""}, 32};
	(void)state;
	struct observed observed;
	struct text stored;
	observed_open_watch(&observed, WATCH(""));
	windows_of(&observed, &unique, WINDOWS_LEARNT);
	window_of(&observed, &usual);
	assert_true(stored_find(&observed, "past/texts/0", &stored));
	assert_in_range(stored.length, 1, 4096);
	assert_true(stored_find(&observed, "past/aside/0", &stored)); /* the last window was in alarm */
	assert_in_range(stored.length, 1, 4096);
	assert_false(stored_find(&observed, "past/texts/1", &stored)); /* of lengths */
	observed_close(&observed);
}

static void a_past_that_is_over_leaves_no_texts(void **state)
{
	(void)state;
	struct observed observed;
	struct text stored;
	const double number = 1;
	const int64_t shape[] = {1};
	observed_open_watch(&observed, WATCH(""));
	windows_of(&observed, &usual, WINDOWS_LEARNT);
	window_of(&observed, &usual);
	window_of(&observed, &renamed);
	assert_true(stored_find(&observed, "past/texts/0", &stored));
	assert_true(stored_find(&observed, "past/aside/0", &stored));
	for (int i = 0; i < ROWS; i++) /* none of these fits */
		observed_send(&observed, &(struct tensor){.name = TEXT("other"),
							  .datatype = DATATYPE_FP64,
							  .shape = shape,
							  .rank = 1,
							  .data = &number,
							  .count = 1});
	assert_false(stored_find(&observed, "past/texts/0", &stored));
	assert_false(stored_find(&observed, "past/counted/0", &stored));
	assert_false(stored_find(&observed, "past/aside/0", &stored));
	observed_close(&observed);
}

/* ---- vectors ---- */

/* The columns go together, or not; each alone is as before. */
static const struct seen *vectors_send(struct observed *observed, bool together)
{
	double numbers[2 * ROWS];
	const int64_t shape[] = {ROWS, 2};
	for (int i = 0; i < ROWS; i++) {
		numbers[2 * i] = (double)random_below(&observed->chance, 1000);
		numbers[2 * i + 1] = together ? numbers[2 * i] : (double)random_below(&observed->chance, 1000);
	}
	observed->count = 0;
	observed_send(observed, &(struct tensor){.name = TEXT("note"),
						 .datatype = DATATYPE_FP64,
						 .shape = shape,
						 .rank = 2,
						 .data = numbers,
						 .count = 2 * ROWS});
	assert_int_equal(observed->count, 1);
	return &observed->seen[0];
}

static void a_vector_is_compared_as_a_whole_with_its_past(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_watch(&observed, WATCH(", joint: [{name: all, features: [note]}]"));
	for (int i = 0; i < WINDOWS_LEARNT; i++)
		vectors_send(&observed, true);
	const struct seen *seen = vectors_send(&observed, true);
	assert_int_equal(seen->statistics, 2 * 3 + 1);
	assert_int_equal(seen->verdict, DRIFT_STEADY);
	assert_int_equal(vectors_send(&observed, false)->verdict, DRIFT_FOUND);
	observed_close(&observed);
}

/* The columns are known when the first message comes. */
static void a_set_that_does_not_fit_the_past_is_left_out(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_watch(&observed, WATCH(", joint: [{name: wrong, features: [note.9]}, {name: all, features: [note]}]"));
	for (int i = 0; i < WINDOWS_LEARNT; i++)
		vectors_send(&observed, true);
	const struct seen *seen = vectors_send(&observed, true);
	assert_int_equal(seen->statistics, 2 * 3 + 1);
	assert_int_equal(seen->verdict, DRIFT_STEADY);
	assert_non_null(strstr(seen->uncompared, "no feature `note.9` of set `wrong`"));
	assert_int_equal(vectors_send(&observed, false)->verdict, DRIFT_FOUND);
	observed_close(&observed);
}

/* ---- false alarms ---- */

#define STREAM_WINDOWS 80

static int streams_wanted(void)
{
	const char *wanted = getenv("DRIFT_STREAMS");
	return wanted ? (int)strtol(wanted, NULL, 10) : 3;
}

static void clean_texts_raise_no_more_alarms_than_declared(void **state)
{
	static const struct texts_drawn *const drawn[] = {&usual, &few};
	(void)state;
	for (size_t i = 0; i < sizeof drawn / sizeof *drawn; i++) {
		int alarms = 0, judged = 0;
		for (int stream = 0; stream < streams_wanted(); stream++) {
			struct observed observed;
			observed_open_watch(&observed, "drift: {tensors: [note], reference: {past: 10m}, window: 100, "
						       "falseAlarms: 1 per 1000}");
			observed.chance = (struct random){(uint64_t)stream * 1000 + 5};
			for (int window = 0; window < STREAM_WINDOWS; window++) {
				observed.time_ms += 9000;
				const struct seen *seen = window_of(&observed, drawn[i]);
				judged += seen->verdict != DRIFT_LEARNING;
				alarms += seen->verdict == DRIFT_FOUND;
			}
			observed_close(&observed);
		}
		const double declared = judged * 0.1;
		assert_int_equal(judged, streams_wanted() * (STREAM_WINDOWS - WINDOWS_LEARNT));
		assert_true(alarms <= declared + 3 * sqrt(declared));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_commonest_texts_come_first),
		cmocka_unit_test(a_common_text_is_kept_among_unique_ones),
		cmocka_unit_test(a_text_that_becomes_common_takes_the_place_of_a_rare_one),
		cmocka_unit_test(texts_of_windows_in_alarm_count_apart),
		cmocka_unit_test(texts_that_no_longer_come_leave),
		cmocka_unit_test(long_texts_and_those_with_a_zero_byte_have_no_name),
		cmocka_unit_test(what_is_stored_goes_on),
		cmocka_unit_test(what_is_stored_does_not_displace_what_is_stored),
		cmocka_unit_test(a_text_that_is_replaced_is_found),
		cmocka_unit_test(texts_that_become_longer_are_found),
		cmocka_unit_test(a_new_category_is_one_never_seen),
		cmocka_unit_test(empty_texts_are_missing),
		cmocka_unit_test(another_engine_has_the_same_reference),
		cmocka_unit_test(a_text_of_windows_between_two_references_has_a_name),
		cmocka_unit_test(a_text_of_windows_in_alarm_has_no_name),
		cmocka_unit_test(a_text_that_came_to_another_engine_has_a_name),
		cmocka_unit_test(names_are_known_to_an_engine_that_takes_over),
		cmocka_unit_test(the_stored_sketch_is_small),
		cmocka_unit_test(a_past_that_is_over_leaves_no_texts),
		cmocka_unit_test(a_vector_is_compared_as_a_whole_with_its_past),
		cmocka_unit_test(a_set_that_does_not_fit_the_past_is_left_out),
		cmocka_unit_test(clean_texts_raise_no_more_alarms_than_declared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
