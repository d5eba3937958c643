/* projection_alarms_test.c: Tests of the drift monitor on the directions of embeddings: false alarms of clean streams, and which
 * changes are found. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "methods/drift/monitor.h"
#include "methods/drift/projection.h"

#define ARENA_BYTES ((size_t)512 << 20)
#define DIRECTIONS PROJECTION_DIRECTIONS
#define WIDTH 768
#define COMMON 24 /* directions in which all vectors vary, the first ones most */
#define CLUSTERS 12
#define LARGE 4 /* numbers of large mean and spread, as sentence embeddings have */
#define REFERENCE 600
#define WINDOW 250
#define ALARMS 0.1 /* a thousand rows */

enum change { NONE, FEW_NUMBERS, MEAN, ROTATION, CLUSTER, CHANGES };

/* The least share of references with which a change is found. */
static const struct {
	const char *name;
	double least;
} changes[CHANGES] = {{"nothing", 0},
		      {"20 numbers move", 0.9},
		      {"the mean moves by 0.2", 0.9},
		      {"half of the common directions turn", 0.5},
		      {"one row in 5 is of a new cluster", 0.9}};

static struct random chance;
static double mean[WIDTH], spread[WIDTH], common[COMMON][WIDTH], turned[COMMON][WIDTH], centres[CLUSTERS + 1][WIDTH], moved[WIDTH];
static double values[DIRECTIONS][REFERENCE];
static struct drift_feature features[DIRECTIONS];
static struct arena *arena;

/* `make change` runs more. */
static int references_wanted(void)
{
	const char *wanted = getenv("DRIFT_STREAMS");
	return wanted ? (int)strtol(wanted, NULL, 10) * 2 : UNIT_REPETITIONS(8);
}

static double normal(void)
{
	const double even = (double)(random_next(&chance) >> 11) * 0x1p-53, other = (double)(random_next(&chance) >> 11) * 0x1p-53;
	return sqrt(-2 * log(1 - even)) * cos(2 * M_PI * other);
}

static void vector_draw(double *vector, double length)
{
	for (size_t i = 0; i < WIDTH; i++)
		vector[i] = length / sqrt(WIDTH) * normal();
}

/* Another model of embeddings, with a corpus of its own. */
static void model_draw(void)
{
	vector_draw(mean, 0.6);
	vector_draw(moved, 0.2);
	for (size_t i = 0; i < COMMON; i++) {
		vector_draw(common[i], 1 / sqrt(1 + (double)i) / 2);
		vector_draw(turned[i], 1 / sqrt(1 + (double)i) / 2);
	}
	for (size_t i = 0; i <= CLUSTERS; i++)
		vector_draw(centres[i], i < CLUSTERS ? 0.5 : 1);
	for (size_t i = 0; i < WIDTH; i++)
		spread[i] = 0.5 / sqrt(WIDTH) * exp(0.5 * normal());
	for (size_t i = 0; i < LARGE; i++) {
		const size_t at = random_below(&chance, WIDTH);
		mean[at] += 0.3;
		spread[at] *= 8;
	}
}

/* A vector of the length 1. */
static void embedding_draw(enum change change, float *embedding)
{
	double vector[WIDTH], square = 0;
	const bool fresh = change == CLUSTER && random_below(&chance, 5) == 0;
	const double *centre = centres[fresh ? CLUSTERS : random_below(&chance, CLUSTERS)];
	for (size_t i = 0; i < WIDTH; i++)
		vector[i] = mean[i] + centre[i] + spread[i] * normal() + (change == MEAN ? moved[i] : 0);
	for (size_t i = 0; i < COMMON; i++) {
		const double *direction = change == ROTATION && i % 2 ? turned[i] : common[i], far = normal();
		for (size_t j = 0; j < WIDTH; j++)
			vector[j] += far * direction[j];
	}
	for (size_t i = 0; change == FEW_NUMBERS && i < 20; i++)
		vector[37 * i] += 1 / sqrt(WIDTH);
	for (size_t i = 0; i < WIDTH; i++)
		square += vector[i] * vector[i];
	for (size_t i = 0; i < WIDTH; i++)
		embedding[i] = (float)(vector[i] / sqrt(square));
}

static void row_draw(const struct projection *projection, enum change change, double *row)
{
	float embedding[WIDTH];
	embedding_draw(change, embedding);
	projection_of_floats(projection, embedding, row);
}

static struct monitor *monitor_make(const struct projection *projection, double alarms)
{
	const struct drift_reference reference = {
		.all_rows = REFERENCE, .rows = REFERENCE, .block = REFERENCE, .feature_count = DIRECTIONS, .features = features};
	const struct monitor_settings settings = {.window_rows = WINDOW, .rate = {.alarms = alarms, .rows = 1000}};
	struct error error = {0};
	for (size_t i = 0; i < REFERENCE; i++) {
		double row[DIRECTIONS];
		row_draw(projection, NONE, row);
		for (size_t j = 0; j < DIRECTIONS; j++)
			values[j][i] = row[j];
	}
	for (size_t i = 0; i < DIRECTIONS; i++) {
		features[i] = (struct drift_feature){
			.name = text_of(projection_feature("x", i, arena)), .values = values[i], .least = 1, .width = WIDTH};
		for (size_t j = 0; j < REFERENCE; j++) {
			features[i].least = fmin(features[i].least, values[i][j]);
			features[i].greatest = fmax(features[i].greatest, values[i][j]);
		}
	}
	struct monitor *monitor = monitor_open(arena, &reference, &settings, &error);
	if (!monitor)
		fail_msg("%s", error.text);
	return monitor;
}

/* Windows that raise an alarm. */
static size_t alarms_count(struct monitor *monitor, const struct projection *projection, enum change change, int windows)
{
	size_t alarms = 0;
	for (int i = 0; i < windows * WINDOW; i++) {
		double row[DIRECTIONS];
		row_draw(projection, change, row);
		const struct monitor_verdict *verdict = monitor_add(monitor, row, i);
		if (!verdict)
			continue;
		assert_int_equal(verdict->joint_count, 1);
		alarms += verdict->drifted || (change == NONE && verdict->quality_alarm);
	}
	return alarms;
}

static void clean_embeddings_raise_no_more_alarms_than_declared(void **state)
{
	(void)state;
	const int references = references_wanted(), windows = 12;
	const double rate = 0.5; /* many, so that too many are seen */
	size_t alarms = 0;
	for (int i = 0; i < references; i++, arena_reset(arena)) {
		model_draw();
		const struct projection *projection = projection_open(arena, TEXT("x"), WIDTH);
		alarms += alarms_count(monitor_make(projection, rate), projection, NONE, windows);
	}
	const double declared = references * windows * WINDOW / 1000.0 * rate;
	print_message("%d references: %zu alarms, %.1f declared\n", references, alarms, declared);
	assert_true((double)alarms <= declared + 3 * sqrt(declared));
}

static void changes_of_embeddings_are_found_in_one_window(void **state)
{
	(void)state;
	const int references = references_wanted();
	size_t found[CHANGES] = {0};
	for (int i = 0; i < references; i++, arena_reset(arena)) {
		model_draw();
		const struct projection *projection = projection_open(arena, TEXT("x"), WIDTH);
		struct monitor *monitor = monitor_make(projection, ALARMS);
		for (enum change change = NONE; change < CHANGES; change++)
			found[change] += alarms_count(monitor, projection, change, 1);
	}
	for (enum change change = NONE; change < CHANGES; change++)
		print_message("%s: found in %zu of %d\n", changes[change].name, found[change], references);
	assert_true(found[NONE] <= 1 + (size_t)references / 10);
	for (enum change change = FEW_NUMBERS; change < CHANGES; change++)
		assert_true((double)found[change] >= changes[change].least * references);
}

static int set_up(void **state)
{
	(void)state;
	chance = (struct random){23};
	arena = arena_open(ARENA_BYTES);
	return arena ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	arena_close(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(clean_embeddings_raise_no_more_alarms_than_declared, set_up, tear_down),
		cmocka_unit_test_setup_teardown(changes_of_embeddings_are_found_in_one_window, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
