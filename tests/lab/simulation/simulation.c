/* simulation.c: Clock of a simulation run, the run from start to end, and its result; see simulation.h and simulation_parts.h. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "simulation/simulation_parts.h"
#include "simulation/simulated_faults.h"

#define MS SIMULATION_MS
#define SECOND SIMULATION_SECOND
#define REQUESTS 200
#define SETTLE_US (120 * SECOND) /* after the last fault all must be answered */
#define AFTER_US (12 * SECOND)	 /* what may still come late: repetitions would show */
#define SIMULATION_ARENA_BYTES ((size_t)64 << 20)
#define SIMULATION_YAML_BYTES ((size_t)64 << 10)
#define UNWANTED_ONE_IN 3 /* runs */
#define BATCH_BYTES_LEAST 1500
#define BATCH_BYTES_MOST 12000
#define BATCHES_SHRINK_US (10 * SECOND)
#define LINGERS_US (9900 * MS) /* stages that were replaced; less than they do */

const char *const simulation_fault_names[SIMULATION_FAULTS] = {"crashes", "stops",  "freezes",		"cuts",
							       "joins",	  "leaves", "outages of models"};

const char *const simulation_keeper_fault_names[SIMULATION_KEEPER_FAULTS] = {"kills of a keeper", "freezes of a keeper",
									     "cuts of a keeper", "outages of the control topic"};

const char *const simulation_trait_names[SIMULATION_TRAITS] = {
	"runs with reloads",
	"runs with deadlines",
	"runs with batches",
	"runs with stages",
	"runs with a pipeline that reads others",
	"runs with taps",
	"runs with stages that are joined",
	"runs with topics of small batches",
	"runs in which state is lost",
	"runs in which requests are deleted",
	"runs whose results leave together",
	"runs with a control plane",
	"runs with an observer",
	"runs with an address that a reload corrects",
};

const struct simulation_platform simulation_platform_kafka = {.consumer_open = simulated_consumer_open,
							      .output_open = simulated_output_open,
							      .archive_open = simulated_archive_open,
							      .best_effort_open = simulated_best_effort_open,
							      .fenced_writer_open = simulated_fenced_writer_open};

/* ---- requests and answers ---- */

static int64_t requests_due_us(const struct simulation *simulation)
{
	int64_t due_us = INT64_MAX;
	for (size_t i = 0; i < simulation->line_count; i++)
		due_us = simulation_earlier(due_us, simulation_line_due_us(&simulation->lines[i]));
	return due_us;
}

/* The oldest deployment by which some worker may still take a request. */
static size_t oldest_deployment(const struct simulation *simulation)
{
	size_t oldest = simulation->deployment;
	for (size_t i = 0; i < simulation->worker_count; i++) {
		size_t followed = simulation_worker_follows(&simulation->workers[i]);
		oldest = followed < oldest ? followed : oldest;
	}
	return oldest;
}

static unsigned variants_between(const struct simulation_line *line, size_t first, size_t last)
{
	unsigned variants = 0;
	for (size_t i = first; i <= last; i++)
		if (line->deployed[i] != SIMULATION_ABSENT)
			variants |= 1U << line->deployed[i];
	return variants;
}

static bool requests_send(struct simulation *simulation, struct error *error)
{
	for (size_t i = 0; i < simulation->line_count; i++) {
		struct simulation_line *line = &simulation->lines[i];
		while (simulation_line_due_us(line) <= simulation->now_us) {
			struct simulation_request *request = &line->requests[line->sent];
			request->may_run = variants_between(line, oldest_deployment(simulation), simulation->scheme.count - 1);
			if (!simulation_line_send(line, simulation->kafka, simulation->now_us, error))
				return false;
		}
	}
	return true;
}

/* A stage that was replaced takes what earlier ones of its version still send, unless its
 * worker was begun anew meanwhile, or that was long ago. */
static bool is_mixed(const struct simulation *simulation, const struct simulation_line *line)
{
	size_t changed = 0;
	while (changed < simulation->scheme.count && line->deployed[changed] == 0)
		changed++;
	if (changed > simulation->deployment)
		return false;
	return simulation->started_us >= simulation->deploy_us[changed] ||
	       simulation->now_us >= simulation->deploy_us[changed] + LINGERS_US;
}

static void answers_read(struct simulation *simulation)
{
	const uint64_t changes = simulated_change_count(simulation->kafka) + simulated_gaps(simulation->kafka);
	if (simulation->changes == changes)
		return;
	simulation->changes = changes;
	simulation_gap_look(simulation); /* errors of what is skipped are excused */
	for (size_t i = 0; i < simulation->line_count; i++) {
		struct simulation_line *line = &simulation->lines[i];
		line->judge.in_force = variants_between(line, 0, simulation->deployment);
		line->judge.mixed = line->judge.mixed || is_mixed(simulation, line);
		simulation_judge_read(&line->judge, simulation->kafka, simulation->now_us);
	}
	simulation_gap_look(simulation); /* what was answered by now counts as that */
	if (simulation->reader_count > 0)
		simulation_feed_read(&simulation->feed, simulation->kafka, simulation->now_us);
	simulation_lineage_read(&simulation->lineage, simulation->kafka);
	simulation_observers_read(&simulation->observers);
}

static bool workers_are_down(const struct simulation *simulation)
{
	for (size_t i = 0; i < simulation->worker_count; i++)
		if (simulation->workers[i].worker || simulation->workers[i].start_us != INT64_MAX)
			return false;
	return true;
}

/* Whether workers have stopped, because state was lost, or because of a gap. */
static bool workers_have_stopped(const struct simulation *simulation)
{
	return simulation->loss.noticed || simulation->gap.ended > 0;
}

/* Then no answer is waited for once none runs; transactions that they left open end in time. */
static bool is_settled(const struct simulation *simulation)
{
	if (workers_have_stopped(simulation))
		return workers_are_down(simulation) && simulation_control_settled(&simulation->control);
	for (size_t i = 0; i < simulation->line_count; i++)
		if (!simulation_judge_settled(&simulation->lines[i].judge))
			return false;
	return simulation_feed_settled(&simulation->feed) && simulation_control_settled(&simulation->control) &&
	       simulation_observers_settled(&simulation->observers);
}

static bool has_failed(const struct simulation *simulation)
{
	return simulation->result->why[0];
}

/* ---- the clock ---- */

/* When the next deployment, request or fault comes. */
static int64_t planned_due_us(const struct simulation *simulation)
{
	int64_t due_us = simulation_earlier(requests_due_us(simulation), simulation_faults_due_us(simulation));
	due_us = simulation_earlier(due_us, simulation_loss_due_us(&simulation->loss));
	due_us = simulation_earlier(due_us, simulation_gap_due_us(&simulation->gap));
	if (simulation->deployment + 1 < simulation->scheme.count && !simulation->control.is_there)
		due_us = simulation_earlier(due_us, simulation->deploy_us[simulation->deployment + 1]);
	return due_us;
}

static int64_t simulation_due_us(struct simulation *simulation)
{
	int64_t due_us = simulation_earlier(simulated_due_us(simulation->kafka), simulation->turn_us);
	due_us = simulation_earlier(due_us, simulation_control_due_us(&simulation->control));
	due_us = simulation_earlier(due_us, simulation_observers_due_us(&simulation->observers));
	return simulation_earlier(due_us, simulation->planned_us);
}

static void deploy_when_due(struct simulation *simulation)
{
	while (!simulation->control.is_there && simulation->deployment + 1 < simulation->scheme.count &&
	       simulation->deploy_us[simulation->deployment + 1] <= simulation->now_us) {
		simulation->deployment++;
		simulation->result->counts.deployments++;
		simulation_tell(simulation, "the run", "deployment %zu", simulation->deployment);
	}
}

static bool planned_happens(struct simulation *simulation, struct error *error)
{
	deploy_when_due(simulation);
	if (!requests_send(simulation, error) || !simulation_faults_inject(simulation, error))
		return false;
	simulation_loss_inject(simulation);
	simulation_gap_inject(simulation);
	simulation->planned_us = planned_due_us(simulation);
	return true;
}

static bool simulation_step(struct simulation *simulation, struct error *error)
{
	simulated_advance(simulation->kafka, simulation->now_us);
	if ((simulation->planned_us <= simulation->now_us && !planned_happens(simulation, error)) ||
	    !simulation_control_live(&simulation->control, error) || !simulation_workers_live(simulation, error))
		return false;
	simulation_observers_live(&simulation->observers);
	return !simulated_failed(simulation->kafka) || error_memory(error, ERROR_SYSTEM, "simulating");
}

static bool simulation_until(struct simulation *simulation, int64_t end_us, bool settled_is_enough, struct error *error)
{
	for (int64_t due_us; !has_failed(simulation) && (due_us = simulation_due_us(simulation)) <= end_us;) {
		simulation->now_us = due_us > simulation->now_us ? due_us : simulation->now_us;
		if (!simulation_step(simulation, error))
			return false;
		answers_read(simulation);
		if (settled_is_enough && is_settled(simulation))
			return true;
	}
	return true;
}

/* ---- the run ---- */

/* Mishaps of each kind in a thousand requests, at most: from a good run to a terrible one. */
static const unsigned worst_rates[] = {5, 20, 60, 150};

/* Any single record of a run fits. */
static void batches_draw(struct random *random, struct simulated_batches *batches)
{
	batches->bytes = (size_t)random_between(random, BATCH_BYTES_LEAST, BATCH_BYTES_MOST);
	batches->later_bytes = (size_t)random_between(random, BATCH_BYTES_LEAST, (int64_t)batches->bytes);
	batches->later_us = random_between(random, 0, BATCHES_SHRINK_US);
	batches->readable = random_below(random, 2);
}

static struct simulated_kafka *simulated_make(struct simulation *simulation, unsigned most)
{
	struct simulated_config config = {
		.seed = random_next(&simulation->random), .tell = simulation->config->tell, .context = simulation->config->context};
	config.misses_closes = simulation->config->misses_closes;
	config.groups_records = simulation_has(simulation, SIMULATION_PARCELLED);
	config.mixes_topics = simulation->config->broken == SIMULATION_MIXES_TOPICS;
	config.accepts_loss = simulation->config->broken == SIMULATION_ACCEPTS_LOSS;
	config.blames = simulation->config->broken == SIMULATION_BLAMES_RECORDS;
	if (simulation_has(simulation, SIMULATION_BOUNDED))
		batches_draw(&simulation->wide[SIMULATION_BOUNDED], &config.batches);
	config.linger_us = random_between(&simulation->random, 0, 5 * MS);
	for (enum simulated_mishap mishap = 0; mishap < SIMULATED_MISHAPS; mishap++)
		config.mishaps[mishap] = (unsigned)random_between(&simulation->random, 0, most);
	if (!simulation->unwanted)
		config.mishaps[SIMULATED_UNWANTED] = 0;
	return simulated_open(&config);
}

static bool lines_open(struct simulation *simulation, unsigned most, struct error *error)
{
	size_t count = (size_t)random_between(&simulation->random, 1, SIMULATION_LINES_MAX);
	for (size_t i = 0; i < count; i++) {
		const struct simulation_line_config config = {
			.number = i,
			.requests = REQUESTS / count + (i < REQUESTS % count),
			.mishaps = most,
			.exactly_once = simulation->config->exactly_once,
			/* A request whose answer is unwanted is not counted. */
			.may_count = simulation->config->exactly_once && !simulation->unwanted,
			.why = simulation->result->why,
			.tell = simulation->config->tell,
			.context = simulation->config->context,
		};
		simulation->line_count++;
		if (!simulation_line_open(&simulation->lines[i], &config, &simulation->random, simulation->arena, error))
			return false;
	}
	return true;
}

/* ---- deployments ---- */

static int64_t requests_last_us(const struct simulation *simulation)
{
	int64_t last_us = 0;
	for (size_t i = 0; i < simulation->line_count; i++) {
		const struct simulation_line *line = &simulation->lines[i];
		last_us = simulation_later(last_us, line->requests[line->count - 1].due_us);
	}
	return last_us;
}

static void deployments_draw(struct simulation *simulation)
{
	const int64_t last_us = requests_last_us(simulation);
	simulation->scheme.count =
		simulation_has(simulation, SIMULATION_RELOADED)
			? (size_t)random_between(&simulation->wide[SIMULATION_RELOADED], 2, SIMULATION_DEPLOYMENTS_MAX)
			: 1;
	for (size_t i = 1; i < simulation->scheme.count; i++)
		simulation->deploy_us[i] = simulation->deploy_us[i - 1] +
					   random_between(&simulation->wide[SIMULATION_RELOADED], 100 * MS, last_us / 2);
}

/* In half of the runs with a wrong address, it is corrected when all faults are over: then nothing else lets requests begin
 * again. */
static void correction_postpone(struct simulation *simulation)
{
	if (!simulation_has(simulation, SIMULATION_MISADDRESSED) || random_below(&simulation->wide[SIMULATION_MISADDRESSED], 2))
		return;
	const int64_t later_us = simulation_later(simulation->calm_us - simulation->deploy_us[1], 0);
	for (size_t i = 1; i < simulation->scheme.count; i++)
		simulation->deploy_us[i] += later_us;
}

static bool deployment_make(struct simulation *simulation, size_t number, struct error *error)
{
	struct buffer yaml;
	buffer_open(&yaml, SIMULATION_YAML_BYTES);
	for (size_t i = 0; i < simulation->line_count; i++) {
		const struct simulation_line *line = &simulation->lines[i];
		if (line->deployed[number] != SIMULATION_ABSENT)
			simulation_pipeline_write(&line->variants[line->deployed[number]], &yaml);
	}
	if (simulation->reader_count > 0)
		simulation_feed_write(&simulation->feed, &yaml);
	char *kept = buffer_failed(&yaml) ? NULL : arena_copy(simulation->arena, yaml.bytes ? yaml.bytes : "", yaml.length);
	struct text text = {kept, yaml.length};
	buffer_close(&yaml);
	if (!kept)
		return error_memory(error, ERROR_SYSTEM, "writing pipelines");
	simulation_tell(simulation, "the run", "deployment %zu, at %.3f:\n%s", number, (double)simulation->deploy_us[number] / 1e6,
			kept);
	return simulation_scheme_add(&simulation->scheme, text, error);
}

/* What its topics are is the same in all deployments. */
static bool topics_make(struct simulation *simulation, const char *name, int32_t partitions, int32_t stages, int32_t answers)
{
	for (size_t i = 0; i < simulation->scheme.count; i++) {
		const struct pipeline_plan *pipeline = simulation_scheme_pipeline(&simulation->scheme, i, name);
		for (size_t j = 0; pipeline && j < pipeline->topic_count; j++) {
			const struct topic *topic = &pipeline->topics[j];
			bool behind = topic->role == TOPIC_STAGE || (topic->role == TOPIC_STATE && topic->of > 0);
			int32_t its = behind ? stages : topic->role == TOPIC_OUTPUTS ? answers : partitions;
			if (!simulated_topic(simulation->kafka, topic->name, its))
				return false;
		}
	}
	return true;
}

static bool deployments_make(struct simulation *simulation, size_t count, struct error *error)
{
	for (size_t i = 0; i < count; i++)
		if (!deployment_make(simulation, i, error))
			return false;
	bool made = true;
	for (size_t i = 0; i < simulation->line_count; i++) {
		const struct simulation_line *line = &simulation->lines[i];
		int32_t answers = line->judge.answers.partitions;
		made = made && topics_make(simulation, line->name, line->partitions, line->stage_partitions, answers);
	}
	int32_t readers = simulation->feed.answers.partitions;
	made = made && (simulation->reader_count == 0 || topics_make(simulation, simulation->feed.name, readers, readers, readers));
	return made || error_memory(error, ERROR_SYSTEM, "simulating topics");
}

/* ---- the whole ---- */

static bool simulation_prepare(struct simulation *simulation, struct error *error)
{
	unsigned most = worst_rates[random_below(&simulation->random, sizeof worst_rates / sizeof *worst_rates)];
	simulation_traits_draw(simulation);
	simulation->unwanted = random_below(&simulation->random, UNWANTED_ONE_IN) == 0;
	/* Where two stages' records of a request are refused, each of them answers it. */
	simulation->unwanted = simulation->unwanted &&
			       !(simulation_has(simulation, SIMULATION_JOINED) && !simulation_has(simulation, SIMULATION_RELOADED));
	simulation->kafka = simulated_make(simulation, most);
	if (!simulation->kafka)
		return error_memory(error, ERROR_SYSTEM, "simulating");
	simulation->by_key = !simulation->config->exactly_once && random_below(&simulation->random, 2);
	simulation->worker_count = (size_t)random_between(&simulation->random, SIMULATION_WORKERS_MIN, SIMULATION_WORKERS_MAX - 1);
	if (!lines_open(simulation, most, error))
		return false;
	deployments_draw(simulation);
	size_t deployments = simulation->scheme.count;
	if (!simulation_traits_apply(simulation, error))
		return false;
	if (simulation_has(simulation, SIMULATION_GAPPED) && !simulation_has(simulation, SIMULATION_FED) &&
	    !simulation_has(simulation, SIMULATION_BEREFT))
		simulation_gap_draw(simulation);
	simulation_scheme_open(&simulation->scheme, simulation->config->kinds, simulation->arena);
	if (!deployments_make(simulation, deployments, error))
		return false;
	simulation_faults_draw(simulation);
	correction_postpone(simulation);
	if (!simulation_observers_open(simulation, error))
		return false;
	if (simulation_has(simulation, SIMULATION_BEREFT))
		simulation_loss_draw(simulation);
	/* What keepers write may be larger than the batches of such a run. */
	if (simulation_has(simulation, SIMULATION_CONTROLLED) && !simulation_has(simulation, SIMULATION_BOUNDED) &&
	    !simulation_control_open(simulation, requests_last_us(simulation), error))
		return false;
	for (size_t i = 0; i < simulation->worker_count; i++) {
		if (!simulation_worker_configure(simulation, i, error))
			return false;
		simulation->workers[i].start_us = random_between(&simulation->random, 0, 500 * MS);
	}
	for (size_t i = 0; i < simulation->reader_count; i++) {
		if (!simulation_reader_configure(simulation, i, error))
			return false;
		simulation->readers[i].start_us = random_between(&simulation->wide[SIMULATION_FED], 0, 500 * MS);
	}
	for (size_t i = 0; i < simulation->observer_count; i++) {
		if (!simulation_observer_configure(simulation, i, error))
			return false;
		simulation->watchers[i].start_us = random_between(&simulation->wide[SIMULATION_OBSERVED], 0, 500 * MS);
	}
	return true;
}

static void simulation_tell_plan(struct simulation *simulation)
{
	simulation_tell(simulation, "the run", "%s, %zu workers, %d requests, %zu faults",
			simulation->config->exactly_once ? "exactly once" : "at least once", simulation->worker_count, REQUESTS,
			simulation->fault_count);
	for (size_t i = 0; i < simulation->line_count; i++)
		simulation_tell(simulation, simulation->lines[i].name, "%zu requests in %d partitions", simulation->lines[i].count,
				simulation->lines[i].partitions);
}

static bool simulation_live(struct simulation *simulation, struct error *error)
{
	simulation_tell_plan(simulation);
	if (!simulation_until(simulation, simulation->calm_us, false, error))
		return false;
	simulated_calm(simulation->kafka);
	simulation->control.is_calm = true;
	for (size_t i = 0; i < simulation->line_count; i++)
		for (size_t j = 0; j < simulation->lines[i].variant_count; j++)
			simulation->lines[i].models[j].calm = true;
	simulation_tell(simulation, "the run", "is calm: no more faults");
	if (!simulation_until(simulation, simulation->calm_us + SETTLE_US, true, error) ||
	    !simulation_until(simulation, simulation->now_us + AFTER_US, false, error))
		return false;
	for (size_t i = 0; i < simulation->line_count; i++) {
		simulation->lines[i].judge.bereft = workers_have_stopped(simulation);
		simulation_judge_end(&simulation->lines[i].judge, simulation_line_overdue(&simulation->lines[i]));
	}
	simulation_gap_end(simulation);
	simulation_control_end(&simulation->control);
	simulation->feed.bereft = simulation->loss.noticed;
	simulation_feed_end(&simulation->feed);
	if (!workers_have_stopped(simulation))
		simulation_observers_end(&simulation->observers);
	/* At least once, what Kafka will not have of a step is not told again. */
	bool refused = !simulation->config->exactly_once &&
		       (simulated_mishaps(simulation->kafka, SIMULATED_UNWANTED) > 0 || workers_have_stopped(simulation));
	simulation_lineage_end(&simulation->lineage, refused || simulated_taps_lost(simulation->kafka) > 0);
	return true;
}

static void line_count_up(const struct simulation_line *line, struct simulation_counts *counts)
{
	counts->messages += line->sent;
	counts->answers += line->judge.answered;
	counts->errors += line->judge.errors;
	counts->dropped += line->count - line->judge.wanted;
	counts->repeated += line->judge.repeated;
	counts->refused += line->judge.refused;
	for (size_t i = 0; i < line->count; i++)
		counts->hurried += line->requests[i].deadline_us != SIMULATION_NO_DEADLINE;
	for (size_t i = 0; i < line->variant_count; i++)
		for (enum model_mishap mishap = 0; mishap < MODEL_MISHAPS; mishap++)
			counts->models[mishap] += line->models[i].counts[mishap];
}

static void simulation_count_up(struct simulation *simulation)
{
	struct simulation_counts *counts = &simulation->result->counts;
	counts->runs = 1;
	for (size_t i = 0; i < simulation->line_count; i++)
		line_count_up(&simulation->lines[i], counts);
	counts->tapped = simulation_lineage_records(&simulation->lineage);
	counts->fed = simulation->feed.answered;
	counts->rebalances = simulated_rebalances(simulation->kafka);
	counts->fences = simulated_fences(simulation->kafka);
	counts->timeouts = simulated_timeouts(simulation->kafka);
	counts->losses = simulation->loss.noticed || simulation->loss.is_observed;
	counts->gaps = simulated_gaps(simulation->kafka);
	counts->skipped = simulated_skipped(simulation->kafka);
	counts->batches = simulated_batches_refused(simulation->kafka);
	counts->fewest_messages = counts->messages;
	counts->fewest_workers = simulation->worker_count;
	for (enum simulated_mishap mishap = 0; mishap < SIMULATED_MISHAPS; mishap++)
		counts->fewest_faults += counts->mishaps[mishap] = simulated_mishaps(simulation->kafka, mishap);
	for (enum model_mishap mishap = 0; mishap < MODEL_MISHAPS; mishap++)
		counts->fewest_faults += counts->models[mishap];
	for (enum simulation_fault fault = 0; fault < SIMULATION_FAULTS; fault++)
		counts->fewest_faults += counts->faults[fault];
}

static void simulation_close(struct simulation *simulation)
{
	for (size_t i = 0; i < simulation_worker_total(simulation); i++)
		simulation_worker_end(simulation_worker_at(simulation, i), true, INT64_MAX);
	simulation_control_close(&simulation->control);
	simulation_feed_close(&simulation->feed);
	simulation_observers_close(&simulation->observers);
	simulation_lineage_close(&simulation->lineage);
	for (size_t i = 0; i < simulation->line_count; i++)
		simulation_line_close(&simulation->lines[i]);
	simulation_scheme_close(&simulation->scheme);
	simulated_close(simulation->kafka);
	arena_close(simulation->arena);
}

bool simulation_run(const struct simulation_config *config, struct simulation_result *result, struct error *error)
{
	*result = (struct simulation_result){0};
	struct arena *arena = arena_open(SIMULATION_ARENA_BYTES);
	struct simulation *simulation = arena ? ARENA_NEW(arena, struct simulation) : NULL;
	if (!simulation) {
		arena_close(arena);
		return error_memory(error, ERROR_SYSTEM, "simulating");
	}
	simulation->config = config;
	simulation->result = result;
	simulation->random.state = config->seed;
	simulation->arena = arena;
	bool good = simulation_prepare(simulation, error) && simulation_live(simulation, error);
	if (good)
		simulation_count_up(simulation);
	result->held = !result->why[0];
	simulation_close(simulation);
	return good;
}

void simulation_counts_add(struct simulation_counts *counts, const struct simulation_counts *simulation)
{
	uint64_t fewest_faults = counts->fewest_faults, fewest_workers = counts->fewest_workers;
	uint64_t fewest_messages = counts->fewest_messages, runs = counts->runs;
	uint64_t *sum = (uint64_t *)counts;
	const uint64_t *more = (const uint64_t *)simulation;
	for (size_t i = 0; i < sizeof *counts / sizeof *sum; i++)
		sum[i] += more[i];
	counts->fewest_faults = runs && fewest_faults < simulation->fewest_faults ? fewest_faults : simulation->fewest_faults;
	counts->fewest_workers = runs && fewest_workers < simulation->fewest_workers ? fewest_workers : simulation->fewest_workers;
	counts->fewest_messages =
		runs && fewest_messages < simulation->fewest_messages ? fewest_messages : simulation->fewest_messages;
}
