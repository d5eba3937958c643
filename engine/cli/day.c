/* day.c: Clock of a simulation run, the run from start to end, and its result; see day.h and day_parts.h. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/day_parts.h"

#define MS DAY_MS
#define SECOND DAY_SECOND
#define REQUESTS 200
#define SETTLE_US (120 * SECOND) /* after the last fault all must be answered */
#define AFTER_US (12 * SECOND)   /* what may still come late: repetitions would show */
#define DAY_ARENA_BYTES ((size_t)64 << 20)
#define TELL_BYTES 8192 /* whole pipelines */
#define DAY_YAML_BYTES ((size_t)64 << 10)
#define UNWANTED_ONE_IN 3     /* days */
#define AS_BEFORE_ONE_IN 4    /* days have nothing of what came to be simulated later */
#define TRAIT_IN_THOUSAND 350 /* of the others have each trait */
#define WIDE_SEED UINT64_C(0x51ce0fda9b3d1e77)
#define WIDE_STEP UINT64_C(0x2545f4914f6cdd1d)
#define BATCH_BYTES_LEAST 1500
#define BATCH_BYTES_MOST 12000
#define BATCHES_SHRINK_US (10 * SECOND)
#define LINGERS_US (9900 * MS) /* stages that were replaced; less than they do */

const char *const day_fault_names[DAY_FAULTS] = {"crashes", "stops", "freezes", "cuts", "joins", "leaves", "outages of models"};

const char *const day_trait_names[DAY_TRAITS] = {
	"days with reloads", "days with deadlines", "days with batches",
	"days with stages",  "days with a pipeline that reads others", "days with taps",
	"days with stages that are joined", "days with topics of small batches",
	"days on which state is lost",
};

const struct day_ground day_ground_twin = {
	.consumer_open = twin_consumer_open, .output_open = twin_output_open, .archive_open = twin_archive_open,
	.side_open = twin_side_open};

void day_tell(struct day *day, const char *who, const char *format, ...)
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

/* ---- requests and answers ---- */

static int64_t requests_due_us(const struct day *day)
{
	int64_t due_us = INT64_MAX;
	for (size_t i = 0; i < day->line_count; i++)
		due_us = day_earlier(due_us, day_line_due_us(&day->lines[i]));
	return due_us;
}

/* The oldest deployment by which some worker may still take a request. */
static size_t oldest_deployment(const struct day *day)
{
	size_t oldest = day->deployment;
	for (size_t i = 0; i < day->worker_count; i++) {
		size_t followed = day_worker_follows(&day->workers[i]);
		oldest = followed < oldest ? followed : oldest;
	}
	return oldest;
}

static unsigned variants_between(const struct day_line *line, size_t first, size_t last)
{
	unsigned variants = 0;
	for (size_t i = first; i <= last; i++)
		if (line->deployed[i] != DAY_ABSENT)
			variants |= 1U << line->deployed[i];
	return variants;
}

static bool requests_send(struct day *day, struct error *error)
{
	for (size_t i = 0; i < day->line_count; i++) {
		struct day_line *line = &day->lines[i];
		while (day_line_due_us(line) <= day->now_us) {
			struct day_request *request = &line->requests[line->sent];
			request->may_run = variants_between(line, oldest_deployment(day), day->scheme.count - 1);
			if (!day_line_send(line, day->twin, day->now_us, error))
				return false;
		}
	}
	return true;
}

/* A stage that was replaced takes what earlier ones of its version still send, unless its
 * worker was begun anew meanwhile, or that was long ago. */
static bool is_mixed(const struct day *day, const struct day_line *line)
{
	size_t changed = 0;
	while (changed < day->scheme.count && line->deployed[changed] == 0)
		changed++;
	if (changed > day->deployment)
		return false;
	return day->started_us >= day->deploy_us[changed] || day->now_us >= day->deploy_us[changed] + LINGERS_US;
}

static void answers_read(struct day *day)
{
	if (day->changes == twin_changes(day->twin))
		return;
	day->changes = twin_changes(day->twin);
	for (size_t i = 0; i < day->line_count; i++) {
		struct day_line *line = &day->lines[i];
		line->judge.in_force = variants_between(line, 0, day->deployment);
		line->judge.mixed = line->judge.mixed || is_mixed(day, line);
		day_judge_read(&line->judge, day->twin, day->now_us);
	}
	if (day->ear_count > 0)
		day_feed_read(&day->feed, day->twin, day->now_us);
	day_taps_read(&day->taps, day->twin);
}

static bool workers_are_down(const struct day *day)
{
	for (size_t i = 0; i < day->worker_count; i++)
		if (day->workers[i].worker || day->workers[i].start_us != INT64_MAX)
			return false;
	return true;
}

/* Where state was lost, no answer is waited for once no worker runs; transactions that they left open end in time. */
static bool is_settled(const struct day *day)
{
	if (day->loss.told)
		return workers_are_down(day);
	for (size_t i = 0; i < day->line_count; i++)
		if (!day_judge_settled(&day->lines[i].judge))
			return false;
	return day_feed_settled(&day->feed);
}

static bool has_failed(const struct day *day)
{
	return day->result->why[0];
}

/* ---- the clock ---- */

/* When the next deployment, request or fault comes. */
static int64_t planned_due_us(const struct day *day)
{
	int64_t due_us = day_earlier(requests_due_us(day), day_faults_due_us(day));
	due_us = day_earlier(due_us, day_loss_due_us(&day->loss));
	if (day->deployment + 1 < day->scheme.count)
		due_us = day_earlier(due_us, day->deploy_us[day->deployment + 1]);
	return due_us;
}

static int64_t day_due_us(const struct day *day)
{
	return day_earlier(day_earlier(twin_due_us(day->twin), day->turn_us), day->planned_us);
}

static void deploy_when_due(struct day *day)
{
	while (day->deployment + 1 < day->scheme.count && day->deploy_us[day->deployment + 1] <= day->now_us) {
		day->deployment++;
		day->result->counts.deployments++;
		day_tell(day, "the day", "deployment %zu", day->deployment);
	}
}

static bool planned_happens(struct day *day, struct error *error)
{
	deploy_when_due(day);
	if (!requests_send(day, error) || !day_faults_strike(day, error))
		return false;
	day_loss_strike(day);
	day->planned_us = planned_due_us(day);
	return true;
}

static bool day_step(struct day *day, struct error *error)
{
	twin_advance(day->twin, day->now_us);
	if ((day->planned_us <= day->now_us && !planned_happens(day, error)) || !day_workers_live(day, error))
		return false;
	return !twin_failed(day->twin) || error_memory(error, ERROR_SYSTEM, "simulating");
}

static bool day_until(struct day *day, int64_t end_us, bool settled_is_enough, struct error *error)
{
	for (int64_t due_us; !has_failed(day) && (due_us = day_due_us(day)) <= end_us;) {
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

static bool has(const struct day *day, enum day_trait trait)
{
	return (day->traits >> trait & 1) != 0;
}

/* Mishaps of each kind in a thousand requests, at most: from a good day to a terrible one. */
static const unsigned worst_rates[] = {5, 20, 60, 150};

/* Any single record of a day fits. */
static void batches_draw(struct random *random, struct twin_batches *batches)
{
	batches->bytes = (size_t)random_between(random, BATCH_BYTES_LEAST, BATCH_BYTES_MOST);
	batches->later_bytes = (size_t)random_between(random, BATCH_BYTES_LEAST, (int64_t)batches->bytes);
	batches->later_us = random_between(random, 0, BATCHES_SHRINK_US);
	batches->readable = random_below(random, 2);
}

static struct twin *twin_make(struct day *day, unsigned most)
{
	struct twin_config config = {.seed = random_next(&day->random), .tell = day->config->tell, .context = day->config->context};
	config.deaf = day->config->deaf;
	config.blames = day->config->broken == DAY_BLAMES_RECORDS;
	if (has(day, DAY_BOUNDED))
		batches_draw(&day->wide[DAY_BOUNDED], &config.batches);
	config.linger_us = random_between(&day->random, 0, 5 * MS);
	for (enum twin_mishap mishap = 0; mishap < TWIN_MISHAPS; mishap++)
		config.mishaps[mishap] = (unsigned)random_between(&day->random, 0, most);
	if (!day->unwanted)
		config.mishaps[TWIN_UNWANTED] = 0;
	return twin_open(&config);
}

static bool lines_open(struct day *day, unsigned most, struct error *error)
{
	size_t count = (size_t)random_between(&day->random, 1, DAY_LINES_MAX);
	for (size_t i = 0; i < count; i++) {
		const struct day_line_config config = {
			.number = i,
			.requests = REQUESTS / count + (i < REQUESTS % count),
			.mishaps = most,
			.exactly_once = day->config->exactly_once,
			/* A request whose answer is unwanted is not counted. */
			.may_count = day->config->exactly_once && !day->unwanted,
			.why = day->result->why,
			.tell = day->config->tell,
			.context = day->config->context,
		};
		day->line_count++;
		if (!day_line_open(&day->lines[i], &config, &day->random, day->arena, error))
			return false;
	}
	return true;
}

/* ---- traits ---- */

/* Each has a stream of its own, so that one that comes to be simulated later moves none. */
static void traits_draw(struct day *day)
{
	uint64_t seed = (day->config->seed * 2 + day->config->exactly_once) ^ WIDE_SEED;
	struct random first = {seed};
	bool as_before = random_below(&first, AS_BEFORE_ONE_IN) == 0;
	for (unsigned trait = 0; trait < DAY_TRAITS; trait++) {
		struct random *own = &day->wide[trait];
		*own = (struct random){seed + (trait + 1) * WIDE_STEP};
		day->traits |= (unsigned)(random_in_thousand(own, TRAIT_IN_THOUSAND) && !as_before) << trait;
	}
	if (day->config->traits_given)
		day->traits = day->config->traits;
}

/* A request that is refused before it is counted would move the counts of those behind it. */
static void line_hurry(struct day *day, struct day_line *line)
{
	if (!line->variants[0].counts)
		day_line_hurry(line, &day->wide[DAY_HURRIED]);
}

static void line_batch(struct day *day, struct day_pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->count; i++) {
		struct day_block *block = &pipeline->blocks[i];
		if ((block->kind != DAY_SCALE && block->kind != DAY_CALL) || random_below(&day->wide[DAY_BATCHED], 2))
			continue;
		block->batch = (int)random_between(&day->wide[DAY_BATCHED], 2, 9);
		block->batch_wait_ms = (int)random_between(&day->wide[DAY_BATCHED], 1, 400);
	}
}

static void line_cut(struct day *day, struct day_pipeline *pipeline)
{
	if (pipeline->count > 1)
		pipeline->blocks[random_between(&day->wide[DAY_STAGED], 1, (int64_t)pipeline->count - 1)].isolated = true;
}

/* What counts does so for each partition: that is the one of the request where order is a partition's, and partitions are
 * as many. Answers that are to have a partition's order stand in one. */
static void line_join(struct day *day, struct day_line *line)
{
	struct random *random = &day->wide[DAY_JOINED];
	struct day_pipeline *pipeline = &line->variants[0];
	size_t first = (size_t)random_below(random, pipeline->count);
	pipeline->by_partition = random_below(random, 2) || pipeline->counts;
	line->stage_partitions = (int32_t)random_between(random, 1, DAY_PARTITIONS_MAX);
	if (pipeline->counts) {
		first = 0;
		line->stage_partitions = line->partitions;
	}
	for (size_t i = 0; i < pipeline->count; i++) {
		struct day_block *block = &pipeline->blocks[(first + i) % pipeline->count];
		block->apart = block->kind == DAY_SCALE || block->kind == DAY_FORK || block->kind == DAY_COUNT;
		if (block->kind == DAY_SCALE)
			block->kind = DAY_FORK;
		if (block->apart)
			break;
	}
	line->judge.by_partition = pipeline->by_partition;
	if (pipeline->by_partition)
		line->judge.answers.partitions = 1;
}

static void line_tap(struct day *day, struct day_pipeline *pipeline)
{
	pipeline->tapped = true;
	pipeline->logged = random_below(&day->wide[DAY_TAPPED], 2) ? 100 : 30;
}

/* A pipeline is changed, or comes only now, or goes and comes back. */
static bool line_reload(struct day *day, struct day_line *line, struct error *error)
{
	bool varies = random_below(&day->wide[DAY_RELOADED], 3) > 0;
	/* Something is always deployed, and so is what another reads. */
	bool is_away = random_below(&day->wide[DAY_RELOADED], 3) == 0 && line->number > 0 && !day_feed_reads(&day->feed, line);
	size_t away = (size_t)random_below(&day->wide[DAY_RELOADED], day->scheme.count - 1);
	size_t changes = (size_t)random_between(&day->wide[DAY_RELOADED], 1, (int64_t)day->scheme.count - 1);
	if (varies && !day_line_vary(line, &day->wide[DAY_RELOADED], day->arena, error))
		return false;
	for (size_t i = 0; i < day->scheme.count; i++)
		line->deployed[i] = is_away && i == away ? DAY_ABSENT : varies && i >= changes ? 1 : 0;
	return true;
}

static bool feed_open(struct day *day, struct error *error)
{
	day->ear_count = DAY_EARS;
	return day_feed_open(&day->feed, day->lines, day->line_count, day->result->why, &day->wide[DAY_FED], day->arena) ||
	       error_memory(error, ERROR_SYSTEM, "simulating");
}

static bool traits_apply(struct day *day, struct error *error)
{
	for (size_t i = 0; has(day, DAY_JOINED) && !has(day, DAY_RELOADED) && i < day->line_count; i++)
		line_join(day, &day->lines[i]);
	if (has(day, DAY_FED) && !feed_open(day, error))
		return false;
	if (!day_taps_open(&day->taps, day->result->why))
		return error_memory(error, ERROR_SYSTEM, "simulating");
	for (size_t i = 0; i < day->line_count; i++) {
		struct day_line *line = &day->lines[i];
		if (has(day, DAY_HURRIED))
			line_hurry(day, line);
		if (has(day, DAY_BATCHED))
			line_batch(day, &line->variants[0]);
		if (has(day, DAY_STAGED))
			line_cut(day, &line->variants[0]);
		if (has(day, DAY_TAPPED))
			line_tap(day, &line->variants[0]);
		if (has(day, DAY_RELOADED) && !line_reload(day, line, error))
			return false;
		if (has(day, DAY_TAPPED) && !day_taps_add(&day->taps, line, day->arena))
			return error_memory(error, ERROR_SYSTEM, "simulating");
		day_line_ready(line, day->config->broken == DAY_MIXES_BATCHES);
	}
	for (unsigned trait = 0; trait < DAY_TRAITS; trait++)
		day->result->counts.traits[trait] = has(day, trait);
	return true;
}

/* ---- deployments ---- */

static void deployments_draw(struct day *day)
{
	int64_t last_us = 0;
	for (size_t i = 0; i < day->line_count; i++) {
		const struct day_line *line = &day->lines[i];
		int64_t line_us = line->requests[line->count - 1].due_us;
		last_us = line_us > last_us ? line_us : last_us;
	}
	day->scheme.count = has(day, DAY_RELOADED) ? (size_t)random_between(&day->wide[DAY_RELOADED], 2, DAY_DEPLOYMENTS_MAX) : 1;
	for (size_t i = 1; i < day->scheme.count; i++)
		day->deploy_us[i] = day->deploy_us[i - 1] + random_between(&day->wide[DAY_RELOADED], 100 * MS, last_us / 2);
}

static bool deployment_make(struct day *day, size_t number, struct error *error)
{
	struct buffer yaml;
	buffer_open(&yaml, DAY_YAML_BYTES);
	for (size_t i = 0; i < day->line_count; i++) {
		const struct day_line *line = &day->lines[i];
		if (line->deployed[number] != DAY_ABSENT)
			day_pipeline_write(&line->variants[line->deployed[number]], &yaml);
	}
	if (day->ear_count > 0)
		day_feed_write(&day->feed, &yaml);
	char *kept = buffer_failed(&yaml) ? NULL : arena_copy(day->arena, yaml.bytes ? yaml.bytes : "", yaml.length);
	struct text text = {kept, yaml.length};
	buffer_close(&yaml);
	if (!kept)
		return error_memory(error, ERROR_SYSTEM, "writing pipelines");
	day_tell(day, "the day", "deployment %zu, at %.3f:\n%s", number, (double)day->deploy_us[number] / 1e6, kept);
	return day_scheme_add(&day->scheme, text, error);
}

/* What its topics are is the same in all deployments. */
static bool topics_make(struct day *day, const char *name, int32_t partitions, int32_t stages, int32_t answers)
{
	for (size_t i = 0; i < day->scheme.count; i++) {
		const struct pipeline_plan *pipeline = day_scheme_pipeline(&day->scheme, i, name);
		for (size_t j = 0; pipeline && j < pipeline->topic_count; j++) {
			const struct topic *topic = &pipeline->topics[j];
			bool behind = topic->role == TOPIC_STAGE || (topic->role == TOPIC_STATE && topic->of > 0);
			int32_t its = behind ? stages : topic->role == TOPIC_OUTPUTS ? answers : partitions;
			if (!twin_topic(day->twin, topic->name, its))
				return false;
		}
	}
	return true;
}

static bool deployments_make(struct day *day, size_t count, struct error *error)
{
	for (size_t i = 0; i < count; i++)
		if (!deployment_make(day, i, error))
			return false;
	bool made = true;
	for (size_t i = 0; i < day->line_count; i++) {
		const struct day_line *line = &day->lines[i];
		int32_t answers = line->judge.answers.partitions;
		made = made && topics_make(day, line->name, line->partitions, line->stage_partitions, answers);
	}
	int32_t ears = day->feed.answers.partitions;
	made = made && (day->ear_count == 0 || topics_make(day, day->feed.name, ears, ears, ears));
	return made || error_memory(error, ERROR_SYSTEM, "simulating topics");
}

/* ---- the whole ---- */

static bool day_prepare(struct day *day, struct error *error)
{
	unsigned most = worst_rates[random_below(&day->random, sizeof worst_rates / sizeof *worst_rates)];
	traits_draw(day);
	day->unwanted = random_below(&day->random, UNWANTED_ONE_IN) == 0;
	/* Where two stages' records of a request are refused, each of them answers it. */
	day->unwanted = day->unwanted && !(has(day, DAY_JOINED) && !has(day, DAY_RELOADED));
	day->twin = twin_make(day, most);
	if (!day->twin)
		return error_memory(error, ERROR_SYSTEM, "simulating");
	day->by_key = !day->config->exactly_once && random_below(&day->random, 2);
	day->worker_count = (size_t)random_between(&day->random, DAY_WORKERS_MIN, DAY_WORKERS_MAX - 1);
	if (!lines_open(day, most, error))
		return false;
	deployments_draw(day);
	size_t deployments = day->scheme.count;
	if (!traits_apply(day, error))
		return false;
	day_scheme_open(&day->scheme, day->config->kinds, day->arena);
	if (!deployments_make(day, deployments, error))
		return false;
	day_faults_draw(day);
	if (has(day, DAY_BEREFT))
		day_loss_draw(day);
	for (size_t i = 0; i < day->worker_count; i++) {
		if (!day_worker_configure(day, i, error))
			return false;
		day->workers[i].start_us = random_between(&day->random, 0, 500 * MS);
	}
	for (size_t i = 0; i < day->ear_count; i++) {
		if (!day_ear_configure(day, i, error))
			return false;
		day->ears[i].start_us = random_between(&day->wide[DAY_FED], 0, 500 * MS);
	}
	return true;
}

static void day_tell_plan(struct day *day)
{
	day_tell(day, "the day", "%s, %zu workers, %d requests, %zu faults",
	     day->config->exactly_once ? "exactly once" : "at least once", day->worker_count, REQUESTS, day->fault_count);
	for (size_t i = 0; i < day->line_count; i++)
		day_tell(day, day->lines[i].name, "%zu requests in %d partitions", day->lines[i].count, day->lines[i].partitions);
}

static bool day_live(struct day *day, struct error *error)
{
	day_tell_plan(day);
	if (!day_until(day, day->calm_us, false, error))
		return false;
	twin_calm(day->twin);
	for (size_t i = 0; i < day->line_count; i++)
		for (size_t j = 0; j < day->lines[i].variant_count; j++)
			day->lines[i].models[j].calm = true;
	day_tell(day, "the day", "is calm: no more faults");
	if (!day_until(day, day->calm_us + SETTLE_US, true, error) || !day_until(day, day->now_us + AFTER_US, false, error))
		return false;
	for (size_t i = 0; i < day->line_count; i++) {
		day->lines[i].judge.bereft = day->loss.told;
		day_judge_end(&day->lines[i].judge, day_line_overdue(&day->lines[i]));
	}
	day->feed.bereft = day->loss.told;
	day_feed_end(&day->feed);
	/* At least once, what Kafka will not have of a step is not told again. */
	bool refused = !day->config->exactly_once && (twin_mishaps(day->twin, TWIN_UNWANTED) > 0 || day->loss.told);
	day_taps_end(&day->taps, refused || twin_taps_lost(day->twin) > 0);
	return true;
}

static void line_count_up(const struct day_line *line, struct day_counts *counts)
{
	counts->messages += line->sent;
	counts->answers += line->judge.answered;
	counts->errors += line->judge.errors;
	counts->dropped += line->count - line->judge.wanted;
	counts->repeated += line->judge.repeated;
	counts->refused += line->judge.refused;
	for (size_t i = 0; i < line->count; i++)
		counts->hurried += line->requests[i].deadline_us != DAY_NO_DEADLINE;
	for (size_t i = 0; i < line->variant_count; i++)
		for (enum model_mishap mishap = 0; mishap < MODEL_MISHAPS; mishap++)
			counts->models[mishap] += line->models[i].counts[mishap];
}

static void day_count_up(struct day *day)
{
	struct day_counts *counts = &day->result->counts;
	counts->days = 1;
	for (size_t i = 0; i < day->line_count; i++)
		line_count_up(&day->lines[i], counts);
	counts->tapped = day_taps_records(&day->taps);
	counts->fed = day->feed.answered;
	counts->rebalances = twin_rebalances(day->twin);
	counts->fences = twin_fences(day->twin);
	counts->timeouts = twin_timeouts(day->twin);
	counts->losses = day->loss.told;
	counts->batches = twin_batches_refused(day->twin);
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
	for (size_t i = 0; i < day_worker_total(day); i++)
		day_worker_end(day_worker_at(day, i), true, INT64_MAX);
	day_feed_close(&day->feed);
	day_taps_close(&day->taps);
	for (size_t i = 0; i < day->line_count; i++)
		day_line_close(&day->lines[i]);
	day_scheme_close(&day->scheme);
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
