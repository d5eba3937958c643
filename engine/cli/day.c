/* day.c: the workers of a simulated day, what befalls them, and the clock; see day.h. */
#include "cli/day.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/day_line.h"

#define MS INT64_C(1000) /* times are in microseconds */
#define SECOND (1000 * MS)
#define WORKERS_MIN 3
#define WORKERS_MAX 5
#define REQUESTS 200
#define STRIKES_MIN 5
#define STRIKES_MAX 9
#define SETTLE_US (120 * SECOND) /* after the last fault all must be answered */
#define AFTER_US (12 * SECOND)   /* what may still come late: repetitions would show */
#define DAY_ARENA_BYTES ((size_t)64 << 20)
#define TELL_BYTES 2048 /* a whole pipeline */
#define CALL_BYTES_MAX ((size_t)1 << 20)
#define LINES_MAX 3
#define UNWANTED_ONE_IN 3 /* days */
#define STATE_BYTES_MAX ((size_t)1 << 20)

const char *const day_fault_names[DAY_FAULTS] = {"crashes", "stops", "freezes", "cuts", "joins", "leaves", "outages of models"};

const struct day_ground day_ground_twin = {
	.consumer_open = twin_consumer_open, .output_open = twin_output_open, .archive_open = twin_archive_open};

struct day_worker {
	struct day *day;
	char name[16];
	char id[32];
	struct worker_config config;
	struct stage_config stages[LINES_MAX];
	struct caller_config callers[LINES_MAX];
	struct worker_ground ground;
	struct twin_host *host;
	struct loop *loop;
	struct worker *worker; /* NULL: it is down */
	int64_t start_us;      /* while it is down: when it comes; INT64_MAX: it does not */
	int64_t free_us;       /* its last turn took until then */
};

struct scheduled {
	int64_t due_us;
	enum day_fault fault;
	size_t worker;
	int64_t lasts_us;
};

struct day {
	const struct day_config *config;
	struct day_result *result;
	struct random random;
	struct arena *arena;
	struct twin *twin;
	bool by_key;   /* a result waits for those of its key alone */
	bool unwanted; /* Kafka will not have some answers; they excuse errors, so most days have none */
	int64_t now_us;
	size_t line_count;
	struct day_line lines[LINES_MAX];
	const char *read_topics[LINES_MAX], *written_topics[LINES_MAX * DAY_WRITTEN];
	size_t worker_count;
	struct day_worker workers[WORKERS_MAX];
	size_t fault_count, faults_done;
	struct scheduled faults[STRIKES_MAX];
	int64_t calm_us; /* the last request and fault are over */
};

static void tell(struct day *day, const char *who, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void tell(struct day *day, const char *who, const char *format, ...)
{
	char what[TELL_BYTES];
	va_list arguments;
	if (!day->config->tell)
		return;
	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	day->config->tell(day->config->context, day->now_us, who, what);
}

/* ---- workers ---- */

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

static void stage_configure(struct day_worker *worker, const struct day_line *line, struct model_twins *models)
{
	struct day *day = worker->day;
	struct caller_config *caller = &worker->callers[line->number];
	*caller = (struct caller_config){.model_count = line->pipeline.model_count,
					 .models = line->pipeline.model_configs,
					 .request_bytes = CALL_BYTES_MAX,
					 .reply_bytes = CALL_BYTES_MAX,
					 .seed = random_next(&day->random),
					 .wire = &wire_twin,
					 .wire_context = models};
	worker->stages[line->number] = (struct stage_config){
		.name = line->name,
		.graph = line->pipeline.graph,
		.caller = caller,
		.topic_count = 1,
		.topics = &line->reads,
		.answers = (uint32_t)(line->number * DAY_WRITTEN + DAY_ANSWERS),
		.dead_letters = (uint32_t)(line->number * DAY_WRITTEN + DAY_LETTERS),
		.changelog = (uint32_t)(line->number * DAY_WRITTEN + DAY_CHANGELOG),
		.by_key = day->by_key,
		.limits = {.in_flight = (size_t)random_between(&day->random, 3, 100)},
	};
}

static void worker_configure(struct day *day, size_t number)
{
	struct day_worker *worker = &day->workers[number];
	worker->day = day;
	worker->start_us = INT64_MAX;
	(void)snprintf(worker->name, sizeof worker->name, "worker %zu", number);
	(void)snprintf(worker->id, sizeof worker->id, "day.%zu", number);
	for (size_t i = 0; i < day->line_count; i++)
		stage_configure(worker, &day->lines[i], &day->lines[i].models);
	worker->ground = (struct worker_ground){.loop_open = ground_loop,
						.consumer_open = ground_consumer,
						.output_open = ground_output,
						.archive_open = ground_archive,
						.context = worker};
	worker->config = (struct worker_config){
		.consumer = {.group = "day", .instance = worker->name},
		.transaction = {.id = day->config->exactly_once ? worker->id : NULL},
		.setup = {.reads = {day->line_count, day->read_topics},
			  .writes = {day->line_count * DAY_WRITTEN, day->written_topics},
			  .stage_count = day->line_count,
			  .stages = worker->stages},
		.limits = worker_limits_usual,
		.keeping = {.bytes_max = STATE_BYTES_MAX, .snapshot_ms = 1000, .snapshot_changes = 2},
		.ground = &worker->ground,
	};
	worker->config.limits.in_flight = (size_t)random_between(&day->random, 5, 100);
	worker->config.limits.drain_ms = 2000;
}

static bool worker_start(struct day_worker *worker, struct error *error)
{
	struct day *day = worker->day;
	tell(day, worker->name, "starts");
	worker->host = twin_host_open(day->twin, worker->name);
	worker->worker = worker->host ? worker_open(&worker->config, error) : NULL;
	worker->free_us = day->now_us;
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
static void worker_end(struct day_worker *worker, bool killed, int64_t start_us)
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

/* When it would turn by itself. */
static int64_t worker_due_us(const struct day_worker *worker)
{
	if (!worker->worker)
		return worker->start_us;
	int64_t wake_ms = loop_wake_ms(worker->loop);
	int64_t due_us = wake_ms == INT64_MAX ? INT64_MAX : wake_ms * MS;
	int64_t frozen_us = twin_host_frozen_us(worker->host);
	due_us = due_us > worker->free_us ? due_us : worker->free_us;
	return due_us > frozen_us ? due_us : frozen_us;
}

static bool worker_live(struct day_worker *worker, struct error *error)
{
	struct day *day = worker->day;
	bool over = false;
	struct error failure = {0};
	if (!worker->worker)
		return worker_start(worker, error);
	day->result->counts.turns++;
	loop_wake(worker->loop, day->now_us / MS);
	bool good = worker_turn(worker->worker, &over, &failure);
	worker->free_us = day->now_us + random_between(&day->random, 5, 50);
	if (good && !over)
		return true;
	tell(day, worker->name, "ends: %s", good ? "it has stopped" : failure.text);
	worker_end(worker, false, day->now_us + random_between(&day->random, 100 * MS, 2 * SECOND));
	return true;
}

/* ---- requests and answers ---- */

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t requests_due_us(const struct day *day)
{
	int64_t due_us = INT64_MAX;
	for (size_t i = 0; i < day->line_count; i++)
		due_us = least(due_us, day_line_due_us(&day->lines[i]));
	return due_us;
}

static bool requests_send(struct day *day, struct error *error)
{
	for (size_t i = 0; i < day->line_count; i++)
		while (day_line_due_us(&day->lines[i]) <= day->now_us)
			if (!day_line_send(&day->lines[i], day->twin, error))
				return false;
	return true;
}

static void answers_read(struct day *day)
{
	for (size_t i = 0; i < day->line_count; i++)
		day_judge_read(&day->lines[i].judge, day->twin, day->now_us);
}

static bool is_settled(const struct day *day)
{
	for (size_t i = 0; i < day->line_count; i++)
		if (!day_judge_settled(&day->lines[i].judge))
			return false;
	return true;
}

static bool has_failed(const struct day *day)
{
	return day->result->why[0];
}

/* ---- faults ---- */

static int64_t fault_lasts_us(struct day *day, enum day_fault fault)
{
	switch (fault) {
	case DAY_LEAVE:
		return random_between(&day->random, 7 * SECOND, 20 * SECOND);
	case DAY_FREEZE:
		return random_between(&day->random, 100 * MS, 15 * SECOND);
	default:
		return random_between(&day->random, 50 * MS, 9 * SECOND);
	}
}

static void faults_draw(struct day *day)
{
	int64_t last_us = 0;
	for (size_t i = 0; i < day->line_count; i++) {
		const struct day_line *line = &day->lines[i];
		int64_t line_us = line->requests[line->count - 1].due_us + SECOND;
		last_us = line_us > last_us ? line_us : last_us;
	}
	day->fault_count = (size_t)random_between(&day->random, STRIKES_MIN, STRIKES_MAX);
	for (size_t i = 0; i < day->fault_count; i++) {
		enum day_fault fault = (enum day_fault)random_below(&day->random, DAY_FAULTS);
		day->faults[i] = (struct scheduled){
			.due_us = last_us * (int64_t)(i + 1) / (int64_t)(day->fault_count + 1),
			.fault = fault,
			.worker = (size_t)random_below(&day->random, day->worker_count),
			.lasts_us = fault_lasts_us(day, fault),
		};
		int64_t over_us = day->faults[i].due_us + day->faults[i].lasts_us;
		day->calm_us = over_us > day->calm_us ? over_us : day->calm_us;
	}
	day->calm_us = last_us > day->calm_us ? last_us : day->calm_us;
}

static bool fault_join(struct day *day, struct error *error)
{
	worker_configure(day, day->worker_count);
	return worker_start(&day->workers[day->worker_count++], error);
}

/* A line with models, from the one meant on; NULL: there is none. */
static struct day_line *line_with_models(struct day *day, size_t meant)
{
	for (size_t i = 0; i < day->line_count; i++)
		if (day->lines[(meant + i) % day->line_count].pipeline.model_count > 0)
			return &day->lines[(meant + i) % day->line_count];
	return NULL;
}

static void fault_away(struct day *day, const struct scheduled *scheduled)
{
	struct day_line *line = line_with_models(day, scheduled->worker);
	struct model_twin *model = &line->pipeline.models[scheduled->worker % line->pipeline.model_count];
	model->away_until_ms = (day->now_us + scheduled->lasts_us) / MS;
	tell(day, line->name, "its model %s is away for %" PRId64 " ms", model->name, scheduled->lasts_us / MS);
}

/* What cannot happen as the day is makes room for what can. */
static enum day_fault fault_possible(struct day *day, enum day_fault fault)
{
	if (fault == DAY_JOIN && day->worker_count == WORKERS_MAX)
		return DAY_CUT;
	return fault == DAY_AWAY && !line_with_models(day, 0) ? DAY_CRASH : fault;
}

/* The one meant, or the next that is up; NULL: none is. */
static struct day_worker *worker_up(struct day *day, size_t meant)
{
	for (size_t i = 0; i < day->worker_count; i++)
		if (day->workers[(meant + i) % day->worker_count].worker)
			return &day->workers[(meant + i) % day->worker_count];
	return NULL;
}

static void worker_strike(struct day *day, struct day_worker *worker, enum day_fault fault, int64_t until_us)
{
	tell(day, worker->name, "is struck: %s, until %.3f", day_fault_names[fault], (double)until_us / 1e6);
	switch (fault) {
	case DAY_CRASH:
	case DAY_LEAVE:
		worker_end(worker, true, until_us);
		break;
	case DAY_STOP:
		worker_stop(worker->worker);
		break;
	case DAY_FREEZE:
		twin_host_freeze(worker->host, until_us);
		break;
	default:
		twin_host_cut(worker->host, until_us);
		break;
	}
}

static bool fault_strike(struct day *day, struct error *error)
{
	const struct scheduled *scheduled = &day->faults[day->faults_done++];
	enum day_fault fault = fault_possible(day, scheduled->fault);
	struct day_worker *worker = worker_up(day, scheduled->worker);
	bool strikes = fault == DAY_JOIN || fault == DAY_AWAY || worker;
	day->result->counts.faults[fault] += strikes;
	if (fault == DAY_JOIN)
		return fault_join(day, error);
	if (fault == DAY_AWAY)
		fault_away(day, scheduled);
	else if (worker)
		worker_strike(day, worker, fault, day->now_us + scheduled->lasts_us);
	return true;
}

/* ---- the clock ---- */

static int64_t day_due_us(const struct day *day)
{
	int64_t due_us = twin_due_us(day->twin);
	for (size_t i = 0; i < day->worker_count; i++)
		due_us = least(due_us, worker_due_us(&day->workers[i]));
	due_us = least(due_us, requests_due_us(day));
	if (day->faults_done < day->fault_count)
		due_us = least(due_us, day->faults[day->faults_done].due_us);
	return due_us;
}

static bool day_step(struct day *day, struct error *error)
{
	twin_advance(day->twin, day->now_us);
	if (!requests_send(day, error))
		return false;
	while (day->faults_done < day->fault_count && day->faults[day->faults_done].due_us <= day->now_us)
		if (!fault_strike(day, error))
			return false;
	for (size_t i = 0; i < day->worker_count; i++)
		if (worker_due_us(&day->workers[i]) <= day->now_us && !worker_live(&day->workers[i], error))
			return false;
	return !twin_failed(day->twin) || error_memory(error, ERROR_SYSTEM, "simulating");
}

static bool day_until(struct day *day, int64_t end_us, bool settled_is_enough, struct error *error)
{
	while (!has_failed(day) && day_due_us(day) <= end_us) {
		int64_t due_us = day_due_us(day);
		day->now_us = due_us > day->now_us ? due_us : day->now_us;
		if (!day_step(day, error))
			return false;
		answers_read(day);
		if (settled_is_enough && is_settled(day))
			return true;
	}
	return true;
}

/* ---- the day ---- */

/* Mishaps of each kind in a thousand requests, at most: from a good day to a terrible one. */
static const unsigned worst_rates[] = {5, 20, 60, 150};

static struct twin *twin_make(struct day *day, unsigned most)
{
	struct twin_config config = {.seed = random_next(&day->random), .tell = day->config->tell, .context = day->config->context};
	config.deaf = day->config->deaf;
	config.linger_us = random_between(&day->random, 0, 5 * MS);
	for (enum twin_mishap mishap = 0; mishap < TWIN_MISHAPS; mishap++)
		config.mishaps[mishap] = (unsigned)random_between(&day->random, 0, most);
	if (!day->unwanted)
		config.mishaps[TWIN_UNWANTED] = 0;
	return twin_open(&config);
}

static bool lines_open(struct day *day, unsigned most, struct error *error)
{
	size_t count = (size_t)random_between(&day->random, 1, LINES_MAX);
	for (size_t i = 0; i < count; i++) {
		struct day_line *line = &day->lines[i];
		const struct day_line_config config = {
			.number = i,
			.requests = REQUESTS / count + (i < REQUESTS % count),
			.mishaps = most,
			.exactly_once = day->config->exactly_once,
			/* A request whose answer is unwanted is not counted. */
			.may_count = day->config->exactly_once && !day->unwanted,
			.kinds = day->config->kinds,
			.why = day->result->why,
			.tell = day->config->tell,
			.context = day->config->context,
		};
		day->line_count++;
		if (!day_line_open(line, &config, &day->random, day->twin, day->arena, error))
			return false;
		day->read_topics[i] = line->requests_topic;
		day->written_topics[i * DAY_WRITTEN + DAY_ANSWERS] = line->answers_topic;
		day->written_topics[i * DAY_WRITTEN + DAY_LETTERS] = line->letters_topic;
		day->written_topics[i * DAY_WRITTEN + DAY_CHANGELOG] = line->changelog_topic;
	}
	return true;
}

static bool day_prepare(struct day *day, struct error *error)
{
	unsigned most = worst_rates[random_below(&day->random, sizeof worst_rates / sizeof *worst_rates)];
	day->unwanted = random_below(&day->random, UNWANTED_ONE_IN) == 0;
	day->twin = twin_make(day, most);
	if (!day->twin)
		return error_memory(error, ERROR_SYSTEM, "simulating");
	day->by_key = !day->config->exactly_once && random_below(&day->random, 2);
	day->worker_count = (size_t)random_between(&day->random, WORKERS_MIN, WORKERS_MAX - 1);
	if (!lines_open(day, most, error))
		return false;
	faults_draw(day);
	for (size_t i = 0; i < day->worker_count; i++) {
		worker_configure(day, i);
		day->workers[i].start_us = random_between(&day->random, 0, 500 * MS);
	}
	return true;
}

static void day_tell_plan(struct day *day)
{
	tell(day, "the day", "%s, %zu workers, %d requests, %zu faults",
	     day->config->exactly_once ? "exactly once" : "at least once", day->worker_count, REQUESTS, day->fault_count);
	for (size_t i = 0; i < day->line_count; i++)
		tell(day, day->lines[i].name, "%zu requests in %d partitions, for the pipeline:\n%s", day->lines[i].count,
		     day->lines[i].partitions, day->lines[i].pipeline.yaml);
}

static bool day_live(struct day *day, struct error *error)
{
	day_tell_plan(day);
	if (!day_until(day, day->calm_us, false, error))
		return false;
	twin_calm(day->twin);
	for (size_t i = 0; i < day->line_count; i++)
		day->lines[i].models.calm = true;
	tell(day, "the day", "is calm: no more faults");
	if (!day_until(day, day->calm_us + SETTLE_US, true, error) || !day_until(day, day->now_us + AFTER_US, false, error))
		return false;
	for (size_t i = 0; i < day->line_count; i++)
		day_judge_end(&day->lines[i].judge);
	return true;
}

static void line_count_up(const struct day_line *line, struct day_counts *counts)
{
	counts->messages += line->sent;
	counts->answers += line->judge.answered;
	counts->errors += line->judge.errors;
	counts->dropped += line->count - line->judge.wanted;
	counts->repeated += line->judge.repeated;
	for (enum model_mishap mishap = 0; mishap < MODEL_MISHAPS; mishap++)
		counts->models[mishap] += line->models.counts[mishap];
}

static void day_count_up(struct day *day)
{
	struct day_counts *counts = &day->result->counts;
	counts->days = 1;
	for (size_t i = 0; i < day->line_count; i++)
		line_count_up(&day->lines[i], counts);
	counts->rebalances = twin_rebalances(day->twin);
	counts->fences = twin_fences(day->twin);
	counts->timeouts = twin_timeouts(day->twin);
	counts->fewest_messages = counts->messages;
	counts->fewest_workers = day->worker_count;
	for (enum twin_mishap mishap = 0; mishap < TWIN_MISHAPS; mishap++)
		counts->fewest_faults += counts->mishaps[mishap] = twin_mishaps(day->twin, mishap);
	for (enum model_mishap mishap = 0; mishap < MODEL_MISHAPS; mishap++)
		counts->fewest_faults += counts->models[mishap];
	for (enum day_fault fault = 0; fault < DAY_FAULTS; fault++)
		counts->fewest_faults += counts->faults[fault];
}

static void day_close(struct day *day)
{
	for (size_t i = 0; i < day->worker_count; i++)
		worker_end(&day->workers[i], true, INT64_MAX);
	for (size_t i = 0; i < day->line_count; i++)
		day_line_close(&day->lines[i]);
	twin_close(day->twin);
	arena_close(day->arena);
}

bool day_run(const struct day_config *config, struct day_result *result, struct error *error)
{
	*result = (struct day_result){0};
	struct arena *arena = arena_open(DAY_ARENA_BYTES);
	struct day *day = arena ? ARENA_NEW(arena, struct day) : NULL;
	if (!day) {
		arena_close(arena);
		return error_memory(error, ERROR_SYSTEM, "simulating");
	}
	day->config = config;
	day->result = result;
	day->random.state = config->seed;
	day->arena = arena;
	bool good = day_prepare(day, error) && day_live(day, error);
	if (good)
		day_count_up(day);
	result->held = !result->why[0];
	day_close(day);
	return good;
}

void day_counts_add(struct day_counts *counts, const struct day_counts *day)
{
	uint64_t fewest_faults = counts->fewest_faults, fewest_workers = counts->fewest_workers;
	uint64_t fewest_messages = counts->fewest_messages, days = counts->days;
	uint64_t *sum = (uint64_t *)counts;
	const uint64_t *more = (const uint64_t *)day;
	for (size_t i = 0; i < sizeof *counts / sizeof *sum; i++)
		sum[i] += more[i];
	counts->fewest_faults = days && fewest_faults < day->fewest_faults ? fewest_faults : day->fewest_faults;
	counts->fewest_workers = days && fewest_workers < day->fewest_workers ? fewest_workers : day->fewest_workers;
	counts->fewest_messages = days && fewest_messages < day->fewest_messages ? fewest_messages : day->fewest_messages;
}
