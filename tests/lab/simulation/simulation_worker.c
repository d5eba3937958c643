/* simulation_worker.c: Workers of a simulation run; see simulation_parts.h. */
#include "simulation/simulation_parts.h"
#include "simulation/simulated_faults.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MS SIMULATION_MS
#define SECOND SIMULATION_SECOND
#define CALL_BYTES_MAX ((size_t)1 << 20)
#define HEARS_US_MOST (2 * SECOND) /* of a deployment */
#define STATE_BYTES_MAX ((size_t)1 << 20)
#define TIGHT_ONE_IN                                                                                                               \
	4 /* of the workers that join hold no more than a few requests, those whose joins wait for a commit                        \
	   * among them */
#define TIGHT_BYTES 3000

static struct loop *platform_loop(void *context, struct error *error)
{
	struct simulation_worker *worker = context;
	return worker->loop = loop_open_virtual(worker->simulation->now_us / MS, error);
}

static struct consumer *platform_consumer(void *context, struct loop *loop, const struct consumer_config *config,
					  struct error *error)
{
	struct simulation_worker *worker = context;
	return worker->simulation->config->platform->consumer_open(worker->host, loop, config, error);
}

static struct output *platform_output(void *context, struct loop *loop, const struct transaction_config *config,
				      const struct consumer *consumer, struct error *error)
{
	struct simulation_worker *worker = context;
	return worker->simulation->config->platform->output_open(worker->host, loop, config, consumer, error);
}

static struct archive *platform_archive(void *context, struct loop *loop, const struct archive_config *config,
					const struct consumer *consumer, struct error *error)
{
	(void)config;
	struct simulation_worker *worker = context;
	return worker->simulation->config->platform->archive_open(worker->host, loop, consumer, error);
}

static struct best_effort *platform_best_effort(void *context, const struct best_effort_config *config, struct error *error)
{
	(void)config;
	const struct simulation_worker *worker = context;
	return worker->simulation->config->platform->best_effort_open(worker->host, error);
}

/* ---- setups ---- */

static size_t line_of(const struct simulation *simulation, const struct stage_config *stage)
{
	size_t i = 0;
	while (i + 1 < simulation->line_count && strcmp(simulation->lines[i].name, stage->graph->name) != 0)
		i++;
	return i;
}

/* What the deployment does not say. */
static void stage_configure(struct simulation_worker *worker, struct stage_config *stage, size_t deployment)
{
	const struct simulation *simulation = worker->simulation;
	size_t line = worker->reader ? 0 : line_of(simulation, stage);
	size_t variant = worker->reader ? 0 : simulation->lines[line].deployed[deployment];
	stage->caller = &worker->callers[line][variant];
	stage->version = variant + 1;
	if (simulation->config->broken == SIMULATION_KEEPS_STAGES)
		stage->version = 1;
	if (simulation->config->broken == SIMULATION_MIXES_STAGES && stage->graph->part)
		stage->version += 10 * strlen(stage->name);
	stage->by_key = stage->by_key && simulation->by_key;
	stage->limits.in_flight = worker->in_flight[line];
	if (simulation->observers.is_there)
		stage->files = &simulation->observers.files;
	stage->counts = worker->reader || worker->observes ? NULL : &worker->simulation->counts;
}

static bool setups_make(struct simulation_worker *worker, size_t began_with)
{
	const struct simulation *simulation = worker->simulation;
	const char *served = worker->reader ? simulation->feed.name : simulation->lines[0].name; /* it is in all deployments */
	const struct pipeline_plan *pipeline = simulation_scheme_pipeline(&simulation->scheme, began_with, served);
	struct group group = {.name = worker->observes ? pipeline->observers_group : pipeline->group,
			      .observes = worker->observes,
			      .feed = SIMULATION_FEED_TOPIC};
	for (size_t i = began_with; i < simulation->scheme.count; i++) {
		struct worker_setup *setup = simulation_scheme_setup(&simulation->scheme, i, &group);
		if (!setup)
			return false;
		for (size_t j = 0; j < setup->stage_count; j++)
			stage_configure(worker, (struct stage_config *)&setup->stages[j], i);
		worker->setups[began_with][i] = setup;
	}
	return true;
}

static void caller_configure(struct simulation_worker *worker, struct simulation_line *line, size_t variant, uint64_t seed)
{
	struct simulation_pipeline *pipeline = &line->variants[variant];
	worker->callers[line->number][variant] = (struct caller_config){.model_count = pipeline->model_count,
									.models = pipeline->model_configs,
									.request_bytes = CALL_BYTES_MAX,
									.reply_bytes = CALL_BYTES_MAX,
									.seed = seed,
									.wire = &simulated_wire,
									.wire_context = &line->models[variant]};
}

static void line_configure(struct simulation_worker *worker, struct simulation_line *line)
{
	struct simulation *simulation = worker->simulation;
	caller_configure(worker, line, 0, random_next(&simulation->random));
	for (size_t i = 1; i < line->variant_count; i++)
		caller_configure(worker, line, i, random_next(&simulation->wide[SIMULATION_RELOADED]));
	worker->in_flight[line->number] = (size_t)random_between(&simulation->random, 3, 100);
}

static bool worker_configure(struct simulation_worker *worker, size_t in_flight, struct error *error)
{
	struct simulation *simulation = worker->simulation;
	worker->start_us = INT64_MAX;
	for (size_t i = 0; i < simulation->scheme.count; i++)
		if (!setups_make(worker, i))
			return error_memory(error, ERROR_SYSTEM, "simulating workers");
	const bool exactly_once = worker->observes ? simulation->config->broken != SIMULATION_REPEATS_WINDOWS
						   : simulation->config->exactly_once;
	worker->platform = (struct worker_platform){.loop_open = platform_loop,
						    .consumer_open = platform_consumer,
						    .output_open = platform_output,
						    .archive_open = platform_archive,
						    .best_effort_open = platform_best_effort,
						    .context = worker};
	worker->config = (struct worker_config){
		.consumer = {.group = worker->reader	 ? "readers"
				      : worker->observes ? "observers"
							 : "run",
			     .instance = worker->name},
		.transaction = {.id = exactly_once ? worker->id : NULL},
		.limits = worker_limits_usual,
		.partition_state = {.bytes_max = STATE_BYTES_MAX, .snapshot_ms = 1000, .snapshot_changes = 2},
		.platform = &worker->platform,
	};
	if (worker->observes)
		worker->config.limits = worker_limits_of_observers(worker->config.limits);
	worker->config.limits.in_flight = in_flight;
	worker->config.limits.drain_ms = 2000;
	if (simulation->control.is_there && !(worker->follower = simulation_control_follow(simulation, worker->name, error)))
		return false;
	for (size_t i = 1; i < simulation->scheme.count; i++)
		worker->tell_us[i] =
			simulation->deploy_us[i] + random_between(&simulation->wide[SIMULATION_RELOADED], 0, HEARS_US_MOST);
	return true;
}

bool simulation_worker_configure(struct simulation *simulation, size_t number, struct error *error)
{
	struct simulation_worker *worker = &simulation->workers[number];
	worker->simulation = simulation;
	(void)snprintf(worker->name, sizeof worker->name, "worker %zu", number);
	(void)snprintf(worker->id, sizeof worker->id, "run.%zu", number);
	for (size_t i = 0; i < simulation->line_count; i++)
		line_configure(worker, &simulation->lines[i]);
	return worker_configure(worker, (size_t)random_between(&simulation->random, 5, 100), error);
}

bool simulation_reader_configure(struct simulation *simulation, size_t number, struct error *error)
{
	struct simulation_worker *worker = &simulation->readers[number];
	worker->simulation = simulation;
	worker->reader = true;
	(void)snprintf(worker->name, sizeof worker->name, "reader %zu", number);
	(void)snprintf(worker->id, sizeof worker->id, "reader.%zu", number);
	worker->in_flight[0] = (size_t)random_between(&simulation->wide[SIMULATION_FED], 3, 100);
	worker->callers[0][0] = (struct caller_config){.request_bytes = CALL_BYTES_MAX, .reply_bytes = CALL_BYTES_MAX};
	size_t in_flight = (size_t)random_between(&simulation->wide[SIMULATION_FED], 5, 100);
	if (!worker_configure(worker, in_flight, error))
		return false;
	if (in_flight % TIGHT_ONE_IN == 0)
		worker->config.limits.held_bytes = TIGHT_BYTES;
	return true;
}

bool simulation_observer_configure(struct simulation *simulation, size_t number, struct error *error)
{
	struct simulation_worker *worker = &simulation->watchers[number];
	struct random *random = &simulation->wide[SIMULATION_OBSERVED];
	worker->simulation = simulation;
	worker->observes = true;
	(void)snprintf(worker->name, sizeof worker->name, "observer %zu", number);
	(void)snprintf(worker->id, sizeof worker->id, "observer.%zu", number);
	worker->in_flight[0] = (size_t)random_between(random, 3, 100);
	for (size_t i = 0; i < SIMULATION_VARIANTS; i++)
		worker->callers[0][i] = (struct caller_config){.request_bytes = CALL_BYTES_MAX, .reply_bytes = CALL_BYTES_MAX};
	return worker_configure(worker, (size_t)random_between(random, 5, 100), error);
}

/* ---- coming and going ---- */

bool simulation_worker_start(struct simulation_worker *worker, struct error *error)
{
	struct simulation *simulation = worker->simulation;
	simulation_tell(simulation, worker->name, "starts");
	worker->began_with = worker->reached = simulation->deployment;
	worker->config.setup = *worker->setups[simulation->deployment][simulation->deployment];
	simulation->started_us = simulation->now_us;
	worker->host = simulated_host_open(simulation->kafka, worker->name);
	if (worker->host && worker->follower && !simulation_follower_start(worker->follower, worker->host, error))
		return false;
	worker->worker = worker->host ? worker_open(&worker->config, error) : NULL;
	worker->free_us = worker->frozen_us = simulation->now_us;
	worker->start_us = INT64_MAX;
	return worker->worker || error_set(error, ERROR_SYSTEM, PLACE_NONE, "a simulated worker cannot be opened");
}

static void worker_count_up(struct simulation_worker *worker)
{
	struct worker_counts counts = worker_counts(worker->worker);
	worker->simulation->result->counts.resets += counts.resets;
	worker->simulation->result->counts.commits += counts.commits;
}

/* It is gone, whatever it was at, and comes again. */
void simulation_worker_end(struct simulation_worker *worker, bool killed, int64_t start_us)
{
	if (!worker->worker)
		return;
	if (killed)
		simulated_host_kill(worker->host);
	worker_count_up(worker);
	if (worker->follower)
		simulation_follower_stop(worker->follower);
	worker_close(worker->worker);
	worker->worker = NULL;
	worker->loop = NULL;
	worker->start_us = start_us;
}

size_t simulation_worker_follows(const struct simulation_worker *worker)
{
	if (!worker->worker)
		return SIZE_MAX;
	const struct worker_setup *followed = worker_follows(worker->worker);
	size_t deployment = worker->began_with;
	for (size_t i = worker->began_with + 1; i <= worker->reached; i++)
		deployment = followed == worker->setups[worker->began_with][i] ? i : deployment;
	return deployment;
}

/* When it gets the deployment after the one that it has: its follower has read of that, or at a drawn time. */
static int64_t deployment_due_us(const struct simulation_worker *worker)
{
	const struct simulation_follower *follower = worker->follower;
	if (follower)
		return follower->deployment > worker->reached ? worker->simulation->now_us : INT64_MAX;
	return worker->reached < worker->simulation->deployment ? worker->tell_us[worker->reached + 1] : INT64_MAX;
}

static void simulation_worker_take_deployments(struct simulation_worker *worker)
{
	struct simulation *simulation = worker->simulation;
	while (deployment_due_us(worker) <= simulation->now_us) {
		worker->reached++;
		simulation_tell(simulation, worker->name, "takes deployment %zu", worker->reached);
		worker_reload(worker->worker, worker->setups[worker->began_with][worker->reached]);
	}
}

/* When it would turn by itself. */
static int64_t worker_due_us(const struct simulation_worker *worker)
{
	if (!worker->worker)
		return worker->start_us;
	int64_t wake_ms = loop_wake_ms(worker->loop);
	int64_t due_us = wake_ms == INT64_MAX ? INT64_MAX : wake_ms * MS;
	due_us = simulation_earlier(due_us, deployment_due_us(worker));
	due_us = simulation_later(due_us, worker->free_us);
	return simulation_later(due_us, worker->frozen_us);
}

static bool end_is_by_loss(struct simulation_loss *loss, bool observes, const char *why)
{
	const bool is_by_loss = loss->lost && strstr(why, "state of pipeline");
	*(observes ? &loss->is_observed : &loss->noticed) |= is_by_loss;
	return is_by_loss;
}

static bool end_is_by_gap(struct simulation_gap *gap, const char *why)
{
	const bool is_by_gap = gap->stops && strstr(why, "onGap: stop");
	gap->ended += is_by_gap;
	return is_by_gap;
}

static bool worker_live(struct simulation_worker *worker, struct error *error)
{
	struct simulation *simulation = worker->simulation;
	bool over = false;
	struct error failure;
	failure.kind = ERROR_NONE;
	if (!worker->worker && worker->follower && simulated_hidden_until_us(simulation->control.topic) > simulation->now_us) {
		worker->start_us = simulated_hidden_until_us(simulation->control.topic);
		return true;
	}
	if (!worker->worker)
		return simulation_worker_start(worker, error);
	simulation->result->counts.turns++;
	simulation_worker_take_deployments(worker);
	loop_wake(worker->loop, simulation->now_us / MS);
	bool good = worker_turn(worker->worker, &over, &failure);
	worker->free_us = simulation->now_us + random_between(&simulation->random, 5, 50);
	if (good && !over)
		return true;
	simulation_tell(simulation, worker->name, "ends: %s", good ? "it has stopped" : failure.text);
	int64_t start_us = simulation->now_us + random_between(&simulation->random, 100 * MS, 2 * SECOND);
	const bool is_final = !good && (end_is_by_loss(&simulation->loss, worker->observes, failure.text) ||
					end_is_by_gap(&simulation->gap, failure.text));
	simulation_worker_end(worker, false, is_final ? INT64_MAX : start_us);
	return true;
}

/* ---- all of them ---- */

static int64_t workers_due_us(struct simulation *simulation)
{
	int64_t due_us = INT64_MAX;
	for (size_t i = 0; i < simulation_worker_total(simulation); i++)
		due_us = simulation_earlier(due_us, worker_due_us(simulation_worker_at(simulation, i)));
	return due_us;
}

bool simulation_workers_live(struct simulation *simulation, struct error *error)
{
	bool lived = false;
	simulation->turn_us = INT64_MAX;
	for (size_t i = 0; i < simulation_worker_total(simulation); i++) {
		struct simulation_worker *worker = simulation_worker_at(simulation, i);
		int64_t due_us = worker_due_us(worker);
		simulation->turn_us = simulation_earlier(simulation->turn_us, due_us);
		if (due_us > simulation->now_us)
			continue;
		lived = true;
		if (!worker_live(worker, error))
			return false;
	}
	if (lived) /* and may have woken others, those before it too */
		simulation->turn_us = workers_due_us(simulation);
	return true;
}
