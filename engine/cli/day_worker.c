/* day_worker.c: Workers of a simulation run; see day_parts.h. */
#include "cli/day_parts.h"

#include <inttypes.h>
#include <stdio.h>

#define MS DAY_MS
#define SECOND DAY_SECOND
#define CALL_BYTES_MAX ((size_t)1 << 20)
#define HEARS_US_MOST (2 * SECOND) /* of a deployment */
#define STATE_BYTES_MAX ((size_t)1 << 20)
#define TIGHT_ONE_IN                                                                                                               \
	4 /* of the workers that join hold no more than a few requests, those whose joins wait for a commit                        \
	   * among them */
#define TIGHT_BYTES 3000

static struct loop *ground_loop(void *context, struct error *error)
{
	struct day_worker *worker = context;
	return worker->loop = loop_open_virtual(worker->day->now_us / MS, error);
}

static struct consumer *ground_consumer(void *context, struct loop *loop, const struct consumer_config *config, struct error *error)
{
	struct day_worker *worker = context;
	return worker->day->config->ground->consumer_open(worker->host, loop, config, error);
}

static struct output *ground_output(void *context, struct loop *loop, const struct transaction_config *config,
				    const struct consumer *consumer, struct error *error)
{
	struct day_worker *worker = context;
	return worker->day->config->ground->output_open(worker->host, loop, config, consumer, error);
}

static struct archive *ground_archive(void *context, struct loop *loop, const struct archive_config *config,
				      const struct consumer *consumer, struct error *error)
{
	(void)config;
	struct day_worker *worker = context;
	return worker->day->config->ground->archive_open(worker->host, loop, consumer, error);
}

static struct side *ground_side(void *context, const struct side_config *config, struct error *error)
{
	(void)config;
	const struct day_worker *worker = context;
	return worker->day->config->ground->side_open(worker->host, error);
}

/* ---- setups ---- */

static size_t line_of(const struct day *day, const struct stage_config *stage)
{
	size_t i = 0;
	while (i + 1 < day->line_count && strcmp(day->lines[i].name, stage->graph->name) != 0)
		i++;
	return i;
}

/* What the deployment does not say. */
static void stage_configure(struct day_worker *worker, struct stage_config *stage, size_t deployment)
{
	const struct day *day = worker->day;
	size_t line = worker->ear ? 0 : line_of(day, stage);
	size_t variant = worker->ear ? 0 : day->lines[line].deployed[deployment];
	stage->caller = &worker->callers[line][variant];
	stage->version = variant + 1;
	if (day->config->broken == DAY_KEEPS_STAGES)
		stage->version = 1;
	if (day->config->broken == DAY_MIXES_STAGES && stage->graph->part)
		stage->version += 10 * strlen(stage->name);
	stage->by_key = stage->by_key && day->by_key;
	stage->limits.in_flight = worker->in_flight[line];
}

static bool setups_make(struct day_worker *worker, size_t began_with)
{
	const struct day *day = worker->day;
	const char *served = worker->ear ? day->feed.name : day->lines[0].name; /* it is in all deployments */
	struct group group = {.name = day_scheme_pipeline(&day->scheme, began_with, served)->group};
	for (size_t i = began_with; i < day->scheme.count; i++) {
		struct worker_setup *setup = day_scheme_setup(&day->scheme, i, &group);
		if (!setup)
			return false;
		for (size_t j = 0; j < setup->stage_count; j++)
			stage_configure(worker, (struct stage_config *)&setup->stages[j], i);
		worker->setups[began_with][i] = setup;
	}
	return true;
}

static void caller_configure(struct day_worker *worker, struct day_line *line, size_t variant, uint64_t seed)
{
	struct day_pipeline *pipeline = &line->variants[variant];
	worker->callers[line->number][variant] = (struct caller_config){.model_count = pipeline->model_count,
									.models = pipeline->model_configs,
									.request_bytes = CALL_BYTES_MAX,
									.reply_bytes = CALL_BYTES_MAX,
									.seed = seed,
									.wire = &wire_twin,
									.wire_context = &line->models[variant]};
}

static void line_configure(struct day_worker *worker, struct day_line *line)
{
	struct day *day = worker->day;
	caller_configure(worker, line, 0, random_next(&day->random));
	for (size_t i = 1; i < line->variant_count; i++)
		caller_configure(worker, line, i, random_next(&day->wide[DAY_RELOADED]));
	worker->in_flight[line->number] = (size_t)random_between(&day->random, 3, 100);
}

static bool worker_configure(struct day_worker *worker, size_t in_flight, struct error *error)
{
	struct day *day = worker->day;
	worker->start_us = INT64_MAX;
	for (size_t i = 0; i < day->scheme.count; i++)
		if (!setups_make(worker, i))
			return error_memory(error, ERROR_SYSTEM, "simulating workers");
	worker->ground = (struct worker_ground){.loop_open = ground_loop,
						.consumer_open = ground_consumer,
						.output_open = ground_output,
						.archive_open = ground_archive,
						.side_open = ground_side,
						.context = worker};
	worker->config = (struct worker_config){
		.consumer = {.group = worker->ear ? "ears" : "day", .instance = worker->name},
		.transaction = {.id = day->config->exactly_once ? worker->id : NULL},
		.limits = worker_limits_usual,
		.partition_state = {.bytes_max = STATE_BYTES_MAX, .snapshot_ms = 1000, .snapshot_changes = 2},
		.ground = &worker->ground,
	};
	worker->config.limits.in_flight = in_flight;
	worker->config.limits.drain_ms = 2000;
	for (size_t i = 1; i < day->scheme.count; i++)
		worker->tell_us[i] = day->deploy_us[i] + random_between(&day->wide[DAY_RELOADED], 0, HEARS_US_MOST);
	return true;
}

bool day_worker_configure(struct day *day, size_t number, struct error *error)
{
	struct day_worker *worker = &day->workers[number];
	worker->day = day;
	(void)snprintf(worker->name, sizeof worker->name, "worker %zu", number);
	(void)snprintf(worker->id, sizeof worker->id, "day.%zu", number);
	for (size_t i = 0; i < day->line_count; i++)
		line_configure(worker, &day->lines[i]);
	return worker_configure(worker, (size_t)random_between(&day->random, 5, 100), error);
}

bool day_ear_configure(struct day *day, size_t number, struct error *error)
{
	struct day_worker *worker = &day->ears[number];
	worker->day = day;
	worker->ear = true;
	(void)snprintf(worker->name, sizeof worker->name, "ear %zu", number);
	(void)snprintf(worker->id, sizeof worker->id, "ear.%zu", number);
	worker->in_flight[0] = (size_t)random_between(&day->wide[DAY_FED], 3, 100);
	worker->callers[0][0] = (struct caller_config){.request_bytes = CALL_BYTES_MAX, .reply_bytes = CALL_BYTES_MAX};
	size_t in_flight = (size_t)random_between(&day->wide[DAY_FED], 5, 100);
	if (!worker_configure(worker, in_flight, error))
		return false;
	if (in_flight % TIGHT_ONE_IN == 0)
		worker->config.limits.held_bytes = TIGHT_BYTES;
	return true;
}

/* ---- coming and going ---- */

bool day_worker_start(struct day_worker *worker, struct error *error)
{
	struct day *day = worker->day;
	day_tell(day, worker->name, "starts");
	worker->began_with = worker->told = day->deployment;
	worker->config.setup = *worker->setups[day->deployment][day->deployment];
	day->started_us = day->now_us;
	worker->host = twin_host_open(day->twin, worker->name);
	worker->worker = worker->host ? worker_open(&worker->config, error) : NULL;
	worker->free_us = worker->frozen_us = day->now_us;
	worker->start_us = INT64_MAX;
	return worker->worker || error_set(error, ERROR_SYSTEM, PLACE_NONE, "a simulated worker cannot be opened");
}

static void worker_count_up(struct day_worker *worker)
{
	struct worker_counts counts = worker_counts(worker->worker);
	worker->day->result->counts.resets += counts.resets;
	worker->day->result->counts.commits += counts.commits;
}

/* It is gone, whatever it was at, and comes again. */
void day_worker_end(struct day_worker *worker, bool killed, int64_t start_us)
{
	if (!worker->worker)
		return;
	if (killed)
		twin_host_kill(worker->host);
	worker_count_up(worker);
	worker_close(worker->worker);
	worker->worker = NULL;
	worker->loop = NULL;
	worker->start_us = start_us;
}

size_t day_worker_follows(const struct day_worker *worker)
{
	if (!worker->worker)
		return SIZE_MAX;
	const struct worker_setup *followed = worker_follows(worker->worker);
	size_t deployment = worker->began_with;
	for (size_t i = worker->began_with + 1; i <= worker->told; i++)
		deployment = followed == worker->setups[worker->began_with][i] ? i : deployment;
	return deployment;
}

static void hear_of_deployments(struct day_worker *worker)
{
	struct day *day = worker->day;
	while (worker->told < day->deployment && worker->tell_us[worker->told + 1] <= day->now_us) {
		worker->told++;
		day_tell(day, worker->name, "hears of deployment %zu", worker->told);
		worker_reload(worker->worker, worker->setups[worker->began_with][worker->told]);
	}
}

/* When it would turn by itself. */
static int64_t worker_due_us(const struct day_worker *worker)
{
	if (!worker->worker)
		return worker->start_us;
	int64_t wake_ms = loop_wake_ms(worker->loop);
	int64_t due_us = wake_ms == INT64_MAX ? INT64_MAX : wake_ms * MS;
	if (worker->told < worker->day->deployment)
		due_us = day_earlier(due_us, worker->tell_us[worker->told + 1]);
	due_us = day_later(due_us, worker->free_us);
	return day_later(due_us, worker->frozen_us);
}

static bool worker_live(struct day_worker *worker, struct error *error)
{
	struct day *day = worker->day;
	bool over = false;
	struct error failure;
	failure.kind = ERROR_NONE;
	if (!worker->worker)
		return day_worker_start(worker, error);
	day->result->counts.turns++;
	hear_of_deployments(worker);
	loop_wake(worker->loop, day->now_us / MS);
	bool good = worker_turn(worker->worker, &over, &failure);
	worker->free_us = day->now_us + random_between(&day->random, 5, 50);
	if (good && !over)
		return true;
	day_tell(day, worker->name, "ends: %s", good ? "it has stopped" : failure.text);
	int64_t start_us = day->now_us + random_between(&day->random, 100 * MS, 2 * SECOND);
	bool stays = !good && day_loss_note(&day->loss, failure.text);
	day_worker_end(worker, false, stays ? INT64_MAX : start_us);
	return true;
}

/* ---- all of them ---- */

static int64_t workers_due_us(struct day *day)
{
	int64_t due_us = INT64_MAX;
	for (size_t i = 0; i < day_worker_total(day); i++)
		due_us = day_earlier(due_us, worker_due_us(day_worker_at(day, i)));
	return due_us;
}

bool day_workers_live(struct day *day, struct error *error)
{
	bool lived = false;
	day->turn_us = INT64_MAX;
	for (size_t i = 0; i < day_worker_total(day); i++) {
		struct day_worker *worker = day_worker_at(day, i);
		int64_t due_us = worker_due_us(worker);
		day->turn_us = day_earlier(day->turn_us, due_us);
		if (due_us > day->now_us)
			continue;
		lived = true;
		if (!worker_live(worker, error))
			return false;
	}
	if (lived) /* and may have woken others, those before it too */
		day->turn_us = workers_due_us(day);
	return true;
}
