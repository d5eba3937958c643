/* day.c: the workers of a simulated day, what befalls them, and the clock; see day.h. */
#include "cli/day.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/day_judge.h"
#include "cli/day_pipeline.h"

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
#define VALUE_BYTES 160
#define TELL_BYTES 2048 /* a whole pipeline */
#define CALL_BYTES_MAX ((size_t)1 << 20)
#define ANSWERS_TOPIC "answers"
#define REQUESTS_TOPIC "requests"
#define LETTERS_TOPIC "letters"

const char *const day_fault_names[DAY_FAULTS] = {"crashes", "stops", "freezes", "cuts", "joins", "leaves", "outages of models"};

static const char *const read_topics[] = {REQUESTS_TOPIC};
static const uint32_t read_topic = 0;
static const char *const written_topics[] = {ANSWERS_TOPIC, LETTERS_TOPIC};

const struct day_ground day_ground_twin = {.consumer_open = twin_consumer_open, .output_open = twin_output_open};

struct day_worker {
	struct day *day;
	char name[16];
	char id[32];
	struct worker_config config;
	struct stage_config stage;
	struct caller_config caller;
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
	struct day_pipeline pipeline;
	struct model_twins models;
	struct day_judge judge;
	bool by_key; /* a result waits for those of its key alone */
	int64_t now_us;
	int32_t partitions, answer_partitions;
	size_t worker_count;
	struct day_worker workers[WORKERS_MAX];
	struct day_request requests[REQUESTS];
	size_t sent;
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

static void worker_configure(struct day *day, size_t number)
{
	struct day_worker *worker = &day->workers[number];
	worker->day = day;
	worker->start_us = INT64_MAX;
	(void)snprintf(worker->name, sizeof worker->name, "worker %zu", number);
	(void)snprintf(worker->id, sizeof worker->id, "day.%zu", number);
	worker->ground = (struct worker_ground){.loop_open = ground_loop,
						.consumer_open = ground_consumer,
						.output_open = ground_output,
						.context = worker};
	worker->caller = (struct caller_config){.model_count = day->pipeline.model_count,
						.models = day->pipeline.model_configs,
						.request_bytes = CALL_BYTES_MAX,
						.reply_bytes = CALL_BYTES_MAX,
						.seed = random_next(&day->random),
						.wire = &wire_twin,
						.wire_context = &day->models};
	worker->stage = (struct stage_config){.name = "day",
					      .graph = day->pipeline.graph,
					      .caller = &worker->caller,
					      .topic_count = 1,
					      .topics = &read_topic,
					      .answers = 0,
					      .dead_letters = 1,
					      .by_key = day->by_key};
	worker->config = (struct worker_config){
		.consumer = {.group = "day", .instance = worker->name},
		.transaction = {.id = day->config->exactly_once ? worker->id : NULL},
		.setup = {.reads = {1, read_topics}, .writes = {2, written_topics}, .stage_count = 1, .stages = &worker->stage},
		.limits = worker_limits_usual,
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

/* ---- requests ---- */

static void requests_draw(struct day *day)
{
	int64_t span_us = random_between(&day->random, 2 * SECOND, 12 * SECOND);
	for (size_t i = 0; i < REQUESTS; i++) {
		int key = (int)random_between(&day->random, -3, DAY_KEYS - 1);
		day->requests[i] =
			(struct day_request){.due_us = span_us * (int64_t)i / REQUESTS, .key = key < 0 ? -1 : key, .offset = -1};
	}
}

static bool request_send(struct day *day, struct error *error)
{
	struct day_request *request = &day->requests[day->sent];
	char value[VALUE_BYTES], key[8], id[8];
	int length = snprintf(value, sizeof value,
			      "{\"id\":\"m%zu\",\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"FP64\",\"data\":[%zu]}]}",
			      day->sent, day->sent);
	int id_length = snprintf(id, sizeof id, "m%zu", day->sent);
	int key_length = snprintf(key, sizeof key, "k%d", request->key);
	/* A key's partition follows from it, so that all of its requests stand in one. */
	request->partition = request->key >= 0 ? request->key % day->partitions
					       : (int32_t)random_below(&day->random, (uint64_t)day->partitions);
	struct header header = {TEXT("x-request-id"), {id, (size_t)id_length}};
	const struct outgoing record = {
		.origin = {.partition = request->partition},
		.headers = {1, &header},
		.key = {request->key >= 0 ? key : NULL, request->key >= 0 ? (size_t)key_length : 0},
		.value = {value, (size_t)length},
	};
	request->offset = twin_append(day->twin, REQUESTS_TOPIC, &record);
	day->sent++;
	return request->offset >= 0 || error_memory(error, ERROR_SYSTEM, "simulating a request");
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
	int64_t last_us = day->requests[REQUESTS - 1].due_us + SECOND;
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

static void fault_away(struct day *day, const struct scheduled *scheduled)
{
	struct model_twin *model = &day->pipeline.models[scheduled->worker % day->pipeline.model_count];
	model->away_until_ms = (day->now_us + scheduled->lasts_us) / MS;
	tell(day, model->name, "is away for %" PRId64 " ms", scheduled->lasts_us / MS);
}

/* What cannot happen as the day is makes room for what can. */
static enum day_fault fault_possible(const struct day *day, enum day_fault fault)
{
	if (fault == DAY_JOIN && day->worker_count == WORKERS_MAX)
		return DAY_CUT;
	return fault == DAY_AWAY && day->pipeline.model_count == 0 ? DAY_CRASH : fault;
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

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t day_due_us(const struct day *day)
{
	int64_t due_us = twin_due_us(day->twin);
	for (size_t i = 0; i < day->worker_count; i++)
		due_us = least(due_us, worker_due_us(&day->workers[i]));
	if (day->sent < REQUESTS)
		due_us = least(due_us, day->requests[day->sent].due_us);
	if (day->faults_done < day->fault_count)
		due_us = least(due_us, day->faults[day->faults_done].due_us);
	return due_us;
}

static bool day_step(struct day *day, struct error *error)
{
	twin_advance(day->twin, day->now_us);
	while (day->sent < REQUESTS && day->requests[day->sent].due_us <= day->now_us)
		if (!request_send(day, error))
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
	while (!day->judge.why[0] && day_due_us(day) <= end_us) {
		int64_t due_us = day_due_us(day);
		day->now_us = due_us > day->now_us ? due_us : day->now_us;
		if (!day_step(day, error))
			return false;
		day_judge_read(&day->judge, day->twin, ANSWERS_TOPIC, day->answer_partitions, day->now_us);
		if (settled_is_enough && day_judge_settled(&day->judge))
			return true;
	}
	return true;
}

/* ---- the day ---- */

/* Mishaps of each kind in a thousand requests, at most: from a good day to a terrible one. */
static const unsigned worst_rates[] = {5, 20, 60, 150};

static bool day_prepare(struct day *day, struct error *error)
{
	struct twin_config config = {.seed = random_next(&day->random), .tell = day->config->tell, .context = day->config->context};
	config.deaf = day->config->deaf;
	const unsigned most = worst_rates[random_below(&day->random, sizeof worst_rates / sizeof *worst_rates)];
	config.linger_us = random_between(&day->random, 0, 5 * MS);
	for (enum twin_mishap mishap = 0; mishap < TWIN_MISHAPS; mishap++)
		config.mishaps[mishap] = (unsigned)random_between(&day->random, 0, most);
	day->models = (struct model_twins){.random = {random_next(&day->random)}, .items = day->pipeline.models};
	for (enum model_mishap mishap = 0; mishap < MODEL_AWAY; mishap++)
		day->models.mishaps[mishap] = (unsigned)random_between(&day->random, 0, most);
	day->twin = twin_open(&config);
	day->by_key = !day->config->exactly_once && random_below(&day->random, 2);
	day->partitions = (int32_t)random_between(&day->random, 2, DAY_PARTITIONS_MAX);
	day->answer_partitions = day->partitions;
	day->worker_count = (size_t)random_between(&day->random, WORKERS_MIN, WORKERS_MAX - 1);
	if (!day->twin || !twin_topic(day->twin, REQUESTS_TOPIC, day->partitions) ||
	    !twin_topic(day->twin, ANSWERS_TOPIC, day->answer_partitions) || !twin_topic(day->twin, LETTERS_TOPIC, day->partitions))
		return error_memory(error, ERROR_SYSTEM, "simulating");
	if (!day_pipeline_open(&day->pipeline, &day->random, day->config->kinds, day->arena, error))
		return false;
	day->models.count = day->pipeline.model_count;
	requests_draw(day);
	faults_draw(day);
	if (!day_judge_open(&day->judge, &day->pipeline, day->requests, REQUESTS, day->result->why))
		return error_memory(error, ERROR_SYSTEM, "simulating");
	day->judge.tell = day->config->tell;
	day->judge.context = day->config->context;
	day->judge.exactly_once = day->config->exactly_once;
	for (size_t i = 0; i < day->worker_count; i++) {
		worker_configure(day, i);
		day->workers[i].start_us = random_between(&day->random, 0, 500 * MS);
	}
	return true;
}

static void day_tell_plan(struct day *day)
{
	tell(day, "the day", "%s, %zu workers, %d partitions, %d requests, %zu faults; the pipeline:\n%s",
	     day->config->exactly_once ? "exactly once" : "at least once", day->worker_count, day->partitions, REQUESTS,
	     day->fault_count, day->pipeline.yaml);
}

static bool day_live(struct day *day, struct error *error)
{
	day_tell_plan(day);
	if (!day_until(day, day->calm_us, false, error))
		return false;
	twin_calm(day->twin);
	day->models.calm = true;
	tell(day, "the day", "is calm: no more faults");
	if (!day_until(day, day->calm_us + SETTLE_US, true, error) || !day_until(day, day->now_us + AFTER_US, false, error))
		return false;
	day_judge_end(&day->judge);
	return true;
}

static void day_count(struct day *day)
{
	struct day_counts *counts = &day->result->counts;
	counts->days = 1;
	counts->messages = counts->fewest_messages = day->sent;
	counts->answers = day->judge.answered;
	counts->errors = day->judge.errors;
	counts->dropped = REQUESTS - day->judge.wanted;
	counts->repeated = day->judge.repeated;
	counts->rebalances = twin_rebalances(day->twin);
	counts->fences = twin_fences(day->twin);
	counts->timeouts = twin_timeouts(day->twin);
	counts->fewest_workers = day->worker_count;
	for (enum twin_mishap mishap = 0; mishap < TWIN_MISHAPS; mishap++)
		counts->fewest_faults += counts->mishaps[mishap] = twin_mishaps(day->twin, mishap);
	for (enum model_mishap mishap = 0; mishap < MODEL_MISHAPS; mishap++)
		counts->fewest_faults += counts->models[mishap] = day->models.counts[mishap];
	for (enum day_fault fault = 0; fault < DAY_FAULTS; fault++)
		counts->fewest_faults += counts->faults[fault];
}

static void day_close(struct day *day)
{
	for (size_t i = 0; i < day->worker_count; i++)
		worker_end(&day->workers[i], true, INT64_MAX);
	day_judge_close(&day->judge);
	day_pipeline_close(&day->pipeline);
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
		day_count(day);
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
