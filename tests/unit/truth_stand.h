/* truth_stand.h: For tests of truth tallies: a tally of the arms `old` and `new` under a table, and the outcomes that it gets. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "experiments/rollouts/truth_tally.h"

#define NOW_MS INT64_C(1800000000000)
#define WINDOW_MS 60000
#define PAST_MS (WINDOW_MS + 2000)
#define TABLE 0xa1b2c3d4e5f60718
#define TABLE_TEXT TEXT("a1b2c3d4e5f60718")
#define OTHER_TABLE TEXT("a1b2c3d4e5f60719")

enum { OLD, NEW };

static const char *const names[] = {"old", "new"}, *const metrics[] = {"profit", "reward"};
static struct truth_tally *tally;

static inline struct truth_tally_config config_of(void)
{
	return (struct truth_tally_config){.experiment = "e",
					   .table = TABLE,
					   .since_ms = NOW_MS,
					   .arms = 2,
					   .names = names,
					   .paired = 2, /* none */
					   .window_ms = WINDOW_MS,
					   .metric_count = 2,
					   .metrics = metrics,
					   .waiting_max = 50000,
					   .units_max = 20000};
}

/* In place of the one before. */
static inline void tally_open(const struct truth_tally_config *config)
{
	struct error error = {0};
	truth_tally_close(tally);
	tally = truth_tally_open(config, &error);
	if (!tally)
		fail_msg("%s", error.text);
}

static inline int tally_begin(void **state)
{
	const struct truth_tally_config config = config_of();
	(void)state;
	tally_open(&config);
	return 0;
}

static inline int tally_end(void **state)
{
	(void)state;
	truth_tally_close(tally);
	tally = NULL;
	return 0;
}

/* In time, for a request of that time. */
static inline struct outcome outcome_of(const char *unit, size_t arm, int64_t exposed_ms)
{
	return (struct outcome){.kind = OUTCOME_JOINED,
				.exposure = {.time_ms = exposed_ms,
					     .experiment = TEXT("e"),
					     .variant = text_of(names[arm]),
					     .unit = text_of(unit),
					     .reason = ASSIGNED_STAGE,
					     .table = TABLE_TEXT},
				.happened_ms = exposed_ms + 10,
				.written_ms = exposed_ms + 10,
				.weight = 1};
}

static inline void give(struct outcome outcome, const char *name, double value)
{
	const struct outcome_metric metric = {.name = text_of(name), .value = value};
	outcome.metric_count = 1;
	outcome.metrics = &metric;
	truth_tally_outcome(tally, &outcome);
}

static inline void judge(const char *unit, size_t arm, double accuracy, int64_t exposed_ms)
{
	give(outcome_of(unit, arm, exposed_ms), "accuracy", accuracy);
}

#define WITH_TALLY(test) cmocka_unit_test_setup_teardown(test, tally_begin, tally_end)
