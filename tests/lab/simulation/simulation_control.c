/* simulation_control.c: see simulation_control.h. */
#include "simulation/simulation_control.h"

#include <stdio.h>

#include "simulation/simulated_faults.h"
#include "simulation/simulation_parts.h"

#define MS SIMULATION_MS
#define SECOND SIMULATION_SECOND
#define SCRATCH_BYTES_MAX ((size_t)4 << 20)
#define AHEAD_MS_MOST 1500 /* clocks differ */
#define SPLITS_MIN 2
#define SPLITS_MAX 4
#define FAULT_US_MOST (12 * SECOND)

/* ---- opening ---- */

/* The split is checked as the product does, so that it gets its bucket tables. The pipelines of the run are several documents. */
static bool items_check(void *context, const struct record_list *items, const struct ledger *accepted, struct arena *arena,
			struct keeper_findings *findings, struct error *error)
{
	struct simulation_control *control = context;
	const struct keeper_checker checker = document_check_of(&control->checker);
	const struct proposal_item *first = items->items;
	return !text_is(first->name, SIMULATION_SPLIT) || checker.check(checker.context, items, accepted, arena, findings, error);
}

static void resources_name(struct simulation_control *control)
{
	const struct simulation *simulation = control->simulation;
	for (size_t i = 0; i < simulation->line_count; i++)
		control->resources[control->resource_count++] =
			(struct simulation_resource){"Pipeline", simulation->lines[i].name, 0};
	control->resources[control->resource_count++] = (struct simulation_resource){"Model", SIMULATION_MARKER, 0};
	control->resources[control->resource_count++] = (struct simulation_resource){"Pipeline", SIMULATION_SPLIT, 0};
}

static void keepers_draw(struct simulation_control *control)
{
	for (size_t i = 0; i < SIMULATION_KEEPERS; i++) {
		struct simulation_keeper *keeper = &control->keepers[i];
		keeper->control = control;
		keeper->ahead_ms = random_between(control->random, -AHEAD_MS_MOST, AHEAD_MS_MOST);
		keeper->start_us = random_between(control->random, 0, SECOND);
		(void)snprintf(keeper->name, sizeof keeper->name, "keeper %zu", i);
	}
}

static void faults_draw(struct simulation_control *control, int64_t last_us)
{
	struct simulation *simulation = control->simulation;
	control->fault_count = (size_t)random_between(control->random, 1, SIMULATION_KEEPER_FAULTS_MAX);
	for (size_t i = 0; i < control->fault_count; i++) {
		struct scheduled_keeper_fault *fault = &control->faults[i];
		fault->due_us = last_us * (int64_t)(i + 1) / (int64_t)(control->fault_count + 1);
		fault->kind = (enum simulation_keeper_fault)random_below(control->random, SIMULATION_KEEPER_FAULTS);
		fault->lasts_us = random_between(control->random, 100 * MS, FAULT_US_MOST);
		simulation->calm_us = simulation_later(simulation->calm_us, fault->due_us + fault->lasts_us);
	}
}

static void appliers_draw(struct simulation_control *control, int64_t last_us)
{
	const struct simulation *simulation = control->simulation;
	for (size_t i = 0; i < simulation->scheme.count; i++)
		control->deploy_due_us[i] = simulation->deploy_us[i];
	control->appliers[0] = (struct simulation_applier){.deploys = true, .count = simulation->scheme.count - 1};
	control->appliers[0].due_us = control->appliers[0].count > 0 ? control->deploy_due_us[1] : INT64_MAX;
	if (control->appliers[0].count == 0)
		control->appliers[0].work = SIMULATION_WORK_DONE;
	control->appliers[1] = (struct simulation_applier){.count = (size_t)random_between(control->random, SPLITS_MIN, SPLITS_MAX),
							   .due_us = random_between(control->random, 0, last_us)};
}

static bool memory_open(struct simulation_control *control)
{
	struct arena *arena = control->simulation->arena;
	buffer_open(&control->bytes, CONTROL_RECORD_BYTES_MAX);
	buffer_open(&control->key, CONTROL_RECORD_BYTES_MAX);
	control->scratch = arena_open(SCRATCH_BYTES_MAX);
	control->ways = ARENA_ARRAY(arena, unsigned char, ASSIGNMENT_BUCKETS);
	control->ways_before = ARENA_ARRAY(arena, unsigned char, ASSIGNMENT_BUCKETS);
	return control->scratch && control->ways && control->ways_before;
}

bool simulation_control_open(struct simulation *simulation, int64_t last_us, struct error *error)
{
	struct simulation_control *control = &simulation->control;
	control->simulation = simulation;
	control->is_there = true;
	control->random = &simulation->wide[SIMULATION_CONTROLLED];
	control->checker = (struct document_checker){.kinds = simulation->scheme.kinds, .namespace = NAMESPACE_DEFAULT};
	control->options = (struct keeper_options){.namespace = NAMESPACE_DEFAULT, .checker = {items_check, control}};
	if (!memory_open(control) || !simulation_control_topics_open(control))
		return error_memory(error, ERROR_SYSTEM, "simulating a control plane");
	resources_name(control);
	keepers_draw(control);
	faults_draw(control, last_us);
	appliers_draw(control, last_us);
	control->judge_is_open = true;
	return control_reader_open(&control->judge, NAMESPACE_DEFAULT, simulation_control_ms(0), error) &&
	       simulation_applier_seed(control, error) && simulation_control_judge(control, error);
}

void simulation_control_close(struct simulation_control *control)
{
	if (!control->is_there)
		return;
	for (size_t i = 0; i < SIMULATION_KEEPERS; i++)
		simulation_keeper_kill(&control->keepers[i], INT64_MAX);
	for (size_t i = 0; i < control->follower_count; i++)
		simulation_follower_stop(control->followers[i]);
	if (control->judge_is_open)
		control_reader_close(&control->judge);
	arena_close(control->scratch);
	buffer_close(&control->bytes);
	buffer_close(&control->key);
}

struct simulation_follower *simulation_control_follow(struct simulation *simulation, const char *name, struct error *error)
{
	struct simulation_control *control = &simulation->control;
	struct simulation_follower *follower = ARENA_NEW(simulation->arena, struct simulation_follower);
	if (!follower) {
		error_memory(error, ERROR_SYSTEM, "simulating a control plane");
		return NULL;
	}
	*follower = (struct simulation_follower){.control = control, .name = name};
	control->followers[control->follower_count++] = follower;
	return follower;
}

/* ---- faults ---- */

/* That rules now; else the first one. */
static struct simulation_keeper *keeper_ruling(struct simulation_control *control)
{
	for (size_t i = 0; i < SIMULATION_KEEPERS; i++)
		if (simulation_keeper_rules(&control->keepers[i]))
			return &control->keepers[i];
	return &control->keepers[0];
}

static void fault_inject(struct simulation_control *control)
{
	const struct scheduled_keeper_fault *fault = &control->faults[control->faults_done++];
	struct simulation *simulation = control->simulation;
	struct simulation_keeper *keeper = keeper_ruling(control);
	const int64_t until_us = simulation->now_us + fault->lasts_us;
	simulation->result->counts.keeper_faults[fault->kind]++;
	simulation_tell(simulation, fault->kind == SIMULATION_CONTROL_HIDDEN ? SIMULATION_CONTROL_TOPIC : keeper->name,
			"has a fault: %s, until %.3f", simulation_keeper_fault_names[fault->kind], (double)until_us / 1e6);
	if (fault->kind == SIMULATION_CONTROL_HIDDEN)
		simulated_hide(control->topic, until_us);
	else if (fault->kind == SIMULATION_KEEPER_KILLED)
		simulation_keeper_kill(keeper, until_us);
	else if (keeper->host && fault->kind == SIMULATION_KEEPER_FROZEN)
		simulated_host_freeze(keeper->host, until_us);
	else if (keeper->host)
		simulated_host_cut(keeper->host, until_us);
}

/* ---- living ---- */

static int64_t applier_due_us(const struct simulation_applier *applier)
{
	return applier->work == SIMULATION_WORK_DONE ? INT64_MAX : applier->due_us;
}

static int64_t all_due_us(const struct simulation_control *control)
{
	int64_t due_us = control->faults_done < control->fault_count ? control->faults[control->faults_done].due_us : INT64_MAX;
	for (size_t i = 0; i < SIMULATION_KEEPERS; i++)
		due_us = simulation_earlier(due_us, simulation_keeper_due_us(&control->keepers[i]));
	for (size_t i = 0; i < control->follower_count; i++)
		due_us = simulation_earlier(due_us, simulation_follower_due_us(control->followers[i]));
	for (size_t i = 0; i < SIMULATION_APPLIERS; i++)
		due_us = simulation_earlier(due_us, applier_due_us(&control->appliers[i]));
	return due_us;
}

int64_t simulation_control_due_us(const struct simulation_control *control)
{
	if (!control->is_there)
		return INT64_MAX;
	return control->changes != simulation_control_topic_changes(control) || control->wakes != control->woken
		       ? control->simulation->now_us
		       : control->due_us;
}

bool simulation_control_live(struct simulation_control *control, struct error *error)
{
	bool good = true;
	if (!control->is_there || simulation_control_due_us(control) > control->simulation->now_us)
		return true;
	control->changes = simulation_control_topic_changes(control);
	control->woken = control->wakes;
	while (control->faults_done < control->fault_count &&
	       control->faults[control->faults_done].due_us <= control->simulation->now_us)
		fault_inject(control);
	good = simulation_control_judge(control, error);
	for (size_t i = 0; good && i < SIMULATION_KEEPERS; i++)
		good = simulation_keeper_live(&control->keepers[i], error);
	for (size_t i = 0; good && i < control->follower_count; i++)
		good = simulation_follower_live(control->followers[i], error);
	for (size_t i = 0; good && i < SIMULATION_APPLIERS; i++)
		good = simulation_applier_live(&control->appliers[i], control, error);
	control->due_us = all_due_us(control);
	return good;
}

bool simulation_control_settled(const struct simulation_control *control)
{
	if (!control->is_there)
		return true;
	for (size_t i = 0; i < SIMULATION_APPLIERS; i++)
		if (control->appliers[i].work != SIMULATION_WORK_DONE)
			return false;
	for (size_t i = 0; i < control->follower_count; i++)
		if (control->followers[i]->host && control->followers[i]->read < control->judged)
			return false;
	return control->judge.ledger.accepted == 0;
}
