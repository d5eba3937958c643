/* rollout_board_stand.h: For tests of the board of rollouts: a pipeline whose step is an experiment of `old` and `new`, in a scene
 * of the flow, and the tables that the board has. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "experiments/rollouts/rollout_board.h"
#include "flow_scene.h"
#include "letters.h"
#include "message/records/assigned.h"
#include "message/rows.h"
#include "planning.h"

#include <cmocka.h>

#define PIPELINE                                                                                                                   \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"                                         \
	"spec:\n  output: {steps: [s]}\n  steps: [{name: s, experiment: {name: e}}]\n"
#define EXPERIMENT EXPERIMENT_OF("")
#define EXPERIMENT_OF(more)                                                                                                        \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\n"                                            \
	"spec:\n  default: old\n  candidates: [{name: old, weight: 50}, {name: new, weight: 50}]\n"                                \
	"  progressiveDeployment: {enabled: true, schedule: [10, 50]" more "}\n"

static struct planning planning;
static const int64_t limits[] = {5000, 20000};

static inline void board_open_of(const char *yaml)
{
	planning_open(&planning, yaml);
	assert_int_equal(planning_errors(&planning), 0);
	scene_rollouts = rollout_board_open();
	assert_non_null(scene_rollouts);
	scene_open(&scene, planning.graph, scene_arena, false);
}

static inline void board_open(void)
{
	board_open_of(EXPERIMENT PIPELINE);
}

static inline void board_close(void)
{
	scene_close(&scene);
	scene = (struct scene){0};
	rollout_board_close(scene_rollouts);
	scene_rollouts = NULL;
	planning_close(&planning);
}

/* The table of that version, which gives `new` so many percent. */
static inline bool table_set_of(double percent, int64_t version, const char *second, size_t limit_count, struct error *error)
{
	const struct share shares[] = {{"old", 100 - percent}, {second, percent}};
	const struct assignment *made = assignment_make(scene_arena, "e", shares, 2);
	struct buffer packed;
	buffer_open(&packed, ASSIGNMENT_BUCKETS);
	assignment_pack(made, &packed);
	const struct share recorded[] = {{"old", ASSIGNMENT_BUCKETS * (100 - percent) / 100},
					 {second, ASSIGNMENT_BUCKETS * percent / 100}};
	const struct assignment_table table = {
		.choice = "e", .version = version, .count = 2, .shares = recorded, .packed = buffer_view(&packed)};
	const bool good = rollout_board_set(scene_rollouts, &table, 1, limits, limit_count, error);
	buffer_close(&packed);
	return good;
}

static inline void table_set(double percent, int64_t version)
{
	struct error error = {0};
	assert_true(table_set_of(percent, version, "new", 2, &error));
}

/* Enters a message whose call waits for a reply; returns who has it. */
static inline const struct assigned *enter(const char *key, int64_t deadline_ms)
{
	struct message *message = scene_message(&scene, arena_print(scene_arena, "m%zu", scene.message_count), "x=1");
	message->key = text_of(key);
	message->deadline_ms = deadline_ms;
	scene_enter(&scene, message);
	return message->assigned;
}

static inline const struct rollout_variant *counted(const char *name)
{
	const struct rollout_reading *readings;
	size_t count;
	assert_true(rollout_board_read(scene_rollouts, scene_arena, &readings, &count));
	assert_int_equal(count, 1);
	for (size_t i = 0; i < readings->count; i++)
		if (strcmp(readings->variants[i].name, name) == 0)
			return &readings->variants[i];
	return NULL;
}
