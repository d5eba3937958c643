/* rollout_rehearsal.c: see rollout_rehearsal.h. */
#include "experiments/rollouts/rollout_rehearsal.h"

#include <stdlib.h>

#include "base/hash.h"
#include "experiments/outcomes/exposure_join.h"
#include "experiments/rollouts/truth_tally.h"
#include "experiments/rollouts/unit_cells.h"

#define ROOM_AT_FIRST 1024
#define TABLE_TEXT "0000000000000001" /* of all exposures: they count whatever table chose them */
#define TABLE 1
#define QUIET_MS 5000 /* as in an engine: what records of so long ago say is known */

struct past_pipeline {
	struct rehearsed_pipeline how;
	struct exposure_join *join;
	struct truth_tally *tally; /* of the epoch */
};

struct past_request {
	uint64_t hash; /* of the id */
	size_t pipeline;
	struct exposure exposure;
	size_t choice;
	int64_t ended_ms; /* -1: it has no answer */
	bool failed;
};

struct past_answer {
	uint64_t hash;
	int64_t time_ms;
	bool failed;
};

struct past_feedback {
	struct feedback feedback; /* but for its metrics and truth: */
	size_t pipeline;
	struct feedback_metric metrics[1 + EXPERIMENT_METRICS_MAX]; /* the accuracy, where it is given, and those of the plan */
	struct text prediction;					    /* what the truth says; empty: it does not judge */
};

struct records {
	size_t count, room, size;
	char *items;
};

/* What happens at a time. */
struct happening {
	int64_t time_ms;
	enum { HAPPENS_EXPOSURE, HAPPENS_ANSWER, HAPPENS_FEEDBACK } kind; /* in this order at one time */
	const void *record;
};

struct rehearsal {
	struct rehearsal_config config;
	struct arena *arena;
	struct records pipelines, requests, answers, feedback;
	bool has_open; /* records that were added since the last pipeline's end */
	struct happening *happenings;
	size_t happening_count;
	const char *metrics[EXPERIMENT_METRICS_MAX]; /* of the plan */
	struct rollout_counts counts[REHEARSAL_CHOICES_MAX];
	int64_t cells[REHEARSAL_CHOICES_MAX][UNIT_CELLS * (CELL_SLOWER + ROLLOUT_RULES_MAX)]; /* by the rules of the stage */
	struct rollout_state state;
	struct rollout_move *moves;
	size_t move_count;
	uint64_t approvals, commands;
};

size_t rehearsal_leave_out_latency(struct rollout_plan *plan)
{
	size_t count = 0;
	for (size_t i = 0; i < plan->stage_count; i++)
		for (size_t j = 0; j < plan->stages[i].rule_count; j++) {
			struct rollout_rule *rule = &plan->stages[i].rules[j];
			if (rule->kind != RULE_LATENCY)
				continue;
			rule->limit = INFINITY;
			rule->only_rolls_back = true;
			count++;
		}
	return count;
}

struct rehearsal *rehearsal_open(const struct rehearsal_config *config, struct arena *arena, struct error *error)
{
	assert(config->plan && config->control < config->count);
	struct rehearsal *rehearsal = ARENA_NEW(arena, struct rehearsal);
	if (!rehearsal) {
		error_memory(error, ERROR_SYSTEM, "rehearsing a rollout");
		return NULL;
	}
	rehearsal->config = *config;
	rehearsal->arena = arena;
	rehearsal->pipelines.size = sizeof(struct past_pipeline);
	rehearsal->requests.size = sizeof(struct past_request);
	rehearsal->answers.size = sizeof(struct past_answer);
	rehearsal->feedback.size = sizeof(struct past_feedback);
	return rehearsal;
}

/* ---- records ---- */

static void *record_add(struct rehearsal *rehearsal, struct records *records, struct error *error)
{
	if (records->count == records->room) {
		const size_t room = records->room > 0 ? 2 * records->room : ROOM_AT_FIRST;
		char *items = arena_take_raw(rehearsal->arena, room * records->size);
		if (!items) {
			error_memory(error, ERROR_SYSTEM, "rehearsing a rollout");
			return NULL;
		}
		if (records->count > 0)
			memcpy(items, records->items, records->count * records->size);
		records->items = items;
		records->room = room;
	}
	void *added = records->items + records->count++ * records->size;
	memset(added, 0, records->size);
	return added;
}

static struct text rollout_rehearsal_kept(struct rehearsal *rehearsal, struct text text)
{
	return (struct text){arena_copy(rehearsal->arena, text.bytes, text.length), text.length};
}

static struct origin origin_kept(struct rehearsal *rehearsal, const struct origin *origin)
{
	return (struct origin){rollout_rehearsal_kept(rehearsal, origin->topic), origin->partition, origin->offset};
}

/* Callers of two pipelines may use one id. */
static uint64_t id_hash(const struct rehearsal *rehearsal, struct text id)
{
	return hash_bytes(id.bytes, id.length, rehearsal->pipelines.count);
}

bool rehearsal_expose(struct rehearsal *rehearsal, const struct exposure *exposure, struct error *error)
{
	const struct rehearsal_config *config = &rehearsal->config;
	size_t choice = 0;
	while (choice < config->count && !text_is(exposure->variant, config->names[choice]))
		choice++;
	if (choice == config->count || !text_is(exposure->experiment, config->experiment) ||
	    !assigned_reason_is_chance(exposure->reason))
		return true;
	struct past_request *request = record_add(rehearsal, &rehearsal->requests, error);
	if (!request)
		return false;
	rehearsal->has_open = true;
	*request = (struct past_request){
		.hash = id_hash(rehearsal, exposure->id), .pipeline = rehearsal->pipelines.count, .choice = choice, .ended_ms = -1};
	request->exposure = (struct exposure){.id = rollout_rehearsal_kept(rehearsal, exposure->id),
					      .origin = origin_kept(rehearsal, &exposure->origin),
					      .time_ms = exposure->time_ms,
					      .experiment = text_of(config->experiment),
					      .variant = text_of(config->names[choice]),
					      .unit = rollout_rehearsal_kept(rehearsal, exposure->unit),
					      .prediction = rollout_rehearsal_kept(rehearsal, exposure->prediction),
					      .reason = ASSIGNED_STAGE,
					      .table = TEXT(TABLE_TEXT)};
	return true;
}

bool rehearsal_answer(struct rehearsal *rehearsal, struct text id, int64_t time_ms, bool failed, struct error *error)
{
	struct past_answer *answer = record_add(rehearsal, &rehearsal->answers, error);
	if (answer)
		*answer = (struct past_answer){id_hash(rehearsal, id), time_ms, failed};
	return answer;
}

/* What is judged of a feedback; names are those of the plan. */
static void values_keep(const struct rollout_plan *plan, const struct feedback *feedback, struct past_feedback *past)
{
	const char *names[1 + EXPERIMENT_METRICS_MAX] = {ROLLOUT_ACCURACY};
	rollout_plan_metrics(plan, names + 1);
	for (size_t i = 0; i < 1 + plan->metric_count; i++) {
		const struct feedback_metric *metric = feedback_metric_find(feedback, text_of(names[i]));
		if (feedback->has_reward && strcmp(names[i], FEEDBACK_REWARD) == 0)
			past->feedback.has_reward = true;
		else if (metric)
			past->metrics[past->feedback.metric_count++] = (struct feedback_metric){text_of(names[i]), metric->value};
	}
}

bool rehearsal_feedback(struct rehearsal *rehearsal, const struct feedback *feedback, int64_t time_ms, struct error *error)
{
	struct past_feedback heard = {
		.feedback = {.time_ms = feedback->time_ms > 0 ? feedback->time_ms : time_ms, .reward = feedback->reward}};
	char room[LABEL_ROOM];
	struct error refused = {0};
	values_keep(rehearsal->config.plan, feedback, &heard);
	const struct text truth = truth_label(&feedback->truth, room);
	const bool says = heard.feedback.has_reward || heard.feedback.metric_count > 0 || truth.length > 0;
	heard.feedback.metrics = heard.metrics;
	if (!says || !truth_values_check(&heard.feedback, &refused))
		return true;
	struct past_feedback *past = record_add(rehearsal, &rehearsal->feedback, error);
	if (!past)
		return false;
	*past = heard;
	rehearsal->has_open = true;
	past->pipeline = rehearsal->pipelines.count;
	past->prediction = rollout_rehearsal_kept(rehearsal, truth);
	past->feedback.id = rollout_rehearsal_kept(rehearsal, feedback->id);
	past->feedback.unit = rollout_rehearsal_kept(rehearsal, feedback->unit);
	past->feedback.experiment = rollout_rehearsal_kept(rehearsal, feedback->experiment);
	past->feedback.feedback_id = rollout_rehearsal_kept(rehearsal, feedback->feedback_id);
	past->feedback.origin = origin_kept(rehearsal, &feedback->origin);
	return true;
}

bool rehearsal_pipeline_end(struct rehearsal *rehearsal, const struct rehearsed_pipeline *pipeline, struct error *error)
{
	struct past_pipeline *past = record_add(rehearsal, &rehearsal->pipelines, error);
	if (past)
		past->how = *pipeline;
	rehearsal->has_open = false;
	return past;
}

/* ---- what became of requests ---- */

static int hashes_compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int requests_compare(const void *a, const void *b)
{
	const struct past_request *one = a, *two = b;
	const int by_hash = hashes_compare(one->hash, two->hash);
	return by_hash ? by_hash
		       : (one->exposure.time_ms > two->exposure.time_ms) - (one->exposure.time_ms < two->exposure.time_ms);
}

static bool origins_equal(const struct origin *a, const struct origin *b)
{
	return text_equal(a->topic, b->topic) && a->partition == b->partition && a->offset == b->offset;
}

/* Exposures that came again are the same request. */
static void requests_sort(struct records *records)
{
	struct past_request *requests = (void *)records->items;
	size_t count = 0;
	if (records->count > 0)
		qsort(requests, records->count, sizeof *requests, requests_compare);
	for (size_t i = 0; i < records->count; i++)
		if (count == 0 || requests[i].hash != requests[count - 1].hash ||
		    !origins_equal(&requests[i].exposure.origin, &requests[count - 1].exposure.origin))
			requests[count++] = requests[i];
	records->count = count;
}

/* The last request of that id which was exposed before; NULL: there is none. */
static struct past_request *request_find(const struct records *records, uint64_t hash, int64_t before_ms)
{
	struct past_request *requests = (void *)records->items;
	size_t low = 0, high = records->count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const bool is_after = requests[middle].hash > hash ||
				      (requests[middle].hash == hash && requests[middle].exposure.time_ms > before_ms);
		low = is_after ? low : middle + 1;
		high = is_after ? middle : high;
	}
	return low > 0 && requests[low - 1].hash == hash ? &requests[low - 1] : NULL;
}

/* A failed request may have an answer and a dead letter: the first counts. */
static void answers_match(struct rehearsal *rehearsal)
{
	const struct past_answer *answers = (void *)rehearsal->answers.items;
	for (size_t i = 0; i < rehearsal->answers.count; i++) {
		struct past_request *request = request_find(&rehearsal->requests, answers[i].hash, answers[i].time_ms);
		if (!request)
			continue;
		if (request->ended_ms < 0 || answers[i].time_ms < request->ended_ms)
			request->ended_ms = answers[i].time_ms;
		request->failed |= answers[i].failed;
	}
}

/* ---- in the order of time ---- */

static int happenings_compare(const void *a, const void *b)
{
	const struct happening *one = a, *two = b;
	if (one->time_ms != two->time_ms)
		return one->time_ms > two->time_ms ? 1 : -1;
	return (int)one->kind - (int)two->kind;
}

static bool happenings_make(struct rehearsal *rehearsal)
{
	const struct past_request *requests = (void *)rehearsal->requests.items;
	const struct past_feedback *feedback = (void *)rehearsal->feedback.items;
	const size_t most = 2 * rehearsal->requests.count + rehearsal->feedback.count;
	struct happening *made = ARENA_ARRAY(rehearsal->arena, struct happening, most + 1), *to = made;
	if (!made)
		return false;
	for (size_t i = 0; i < rehearsal->requests.count; i++) {
		*to++ = (struct happening){requests[i].exposure.time_ms, HAPPENS_EXPOSURE, &requests[i]};
		if (requests[i].ended_ms >= 0)
			*to++ = (struct happening){requests[i].ended_ms, HAPPENS_ANSWER, &requests[i]};
	}
	for (size_t i = 0; i < rehearsal->feedback.count; i++)
		*to++ = (struct happening){feedback[i].feedback.time_ms, HAPPENS_FEEDBACK, &feedback[i]};
	rehearsal->happenings = made;
	rehearsal->happening_count = (size_t)(to - made);
	qsort(made, rehearsal->happening_count, sizeof *made, happenings_compare);
	return true;
}

/* ---- epochs ---- */

static struct past_pipeline *pipeline_at(const struct rehearsal *rehearsal, size_t number)
{
	return &((struct past_pipeline *)(void *)rehearsal->pipelines.items)[number];
}

static void pipelines_close(struct rehearsal *rehearsal)
{
	for (size_t i = 0; i < rehearsal->pipelines.count; i++) {
		exposure_join_close(pipeline_at(rehearsal, i)->join);
		truth_tally_close(pipeline_at(rehearsal, i)->tally);
	}
}

static void outcome_take(void *context, size_t window, const struct outcome *outcome)
{
	const struct past_pipeline *pipeline = context;
	(void)window;
	truth_tally_outcome(pipeline->tally, outcome);
}

static bool join_open(const struct rehearsal *rehearsal, struct past_pipeline *pipeline, struct error *error)
{
	struct join_window window = {.experiment = text_of(rehearsal->config.experiment),
				     .window_ms = rehearsal->config.window_ms,
				     .units = JOIN_UNITS_ALL,
				     .samples = true};
	if (!pipeline->how.computed)
		window.judged = TEXT(ROLLOUT_ACCURACY);
	const char *metrics[EXPERIMENT_METRICS_MAX];
	struct text names[1 + EXPERIMENT_METRICS_MAX] = {TEXT(ROLLOUT_ACCURACY)};
	rollout_plan_metrics(rehearsal->config.plan, metrics);
	for (size_t i = 0; i < rehearsal->config.plan->metric_count; i++)
		names[1 + i] = text_of(metrics[i]);
	const struct exposure_join_config config = {.memory_bytes = SIZE_MAX,
						    .window_count = 1,
						    .windows = &window,
						    .name_count = 1 + rehearsal->config.plan->metric_count,
						    .names = names,
						    .context = pipeline,
						    .outcome = outcome_take};
	pipeline->join = exposure_join_open(&config, error);
	return pipeline->join;
}

static bool joins_open(const struct rehearsal *rehearsal, struct error *error)
{
	bool good = true;
	for (size_t i = 0; good && i < rehearsal->pipelines.count; i++)
		good = join_open(rehearsal, pipeline_at(rehearsal, i), error);
	return good;
}

static bool tally_begin(struct rehearsal *rehearsal, struct past_pipeline *pipeline, int64_t now_ms, struct error *error)
{
	struct truth_tally_config config = {.experiment = rehearsal->config.experiment,
					    .table = TABLE,
					    .since_ms = now_ms,
					    .began_ms = rehearsal->happenings[0].time_ms,
					    .arms = rehearsal->config.count,
					    .names = rehearsal->config.names,
					    .paired = rehearsal->config.count,
					    .window_ms = rehearsal->config.window_ms,
					    .metric_count = rehearsal->config.plan->metric_count,
					    .metrics = rollout_plan_metrics(rehearsal->config.plan, rehearsal->metrics),
					    .waiting_max = TRUTH_WAITING_MAX,
					    .units_max = TRUTH_UNITS_MAX};
	memcpy(config.caps, pipeline->how.caps, sizeof config.caps);
	memcpy(config.ratios, pipeline->how.ratios, sizeof config.ratios);
	truth_tally_close(pipeline->tally);
	pipeline->tally = truth_tally_open(&config, error);
	return pipeline->tally;
}

static bool epoch_begin(struct rehearsal *rehearsal, int64_t now_ms, struct error *error)
{
	bool good = true;
	memset(rehearsal->counts, 0, sizeof rehearsal->counts);
	memset(rehearsal->cells, 0, sizeof rehearsal->cells);
	for (size_t i = 0; good && i < rehearsal->pipelines.count; i++)
		good = tally_begin(rehearsal, pipeline_at(rehearsal, i), now_ms, error);
	return good;
}

static const struct planned_stage *stage_of(const struct rehearsal *rehearsal)
{
	return &rehearsal->config.plan->stages[rehearsal->state.stage];
}

static void answer_count(struct rehearsal *rehearsal, const struct past_request *request)
{
	const struct planned_stage *stage = stage_of(rehearsal);
	struct rollout_counts *counts = &rehearsal->counts[request->choice];
	int64_t *cell = rehearsal->cells[request->choice] + unit_cells_at(unit_cell(0, request->exposure.unit), ROLLOUT_RULES_MAX);
	const double took_ms = (double)(request->ended_ms - request->exposure.time_ms);
	counts->requests++;
	counts->errors += request->failed;
	cell[CELL_CALLS]++;
	cell[CELL_ERRORS] += request->failed;
	for (size_t i = 0; i < stage->rule_count; i++) {
		const bool is_above = stage->rules[i].kind == RULE_LATENCY && took_ms > stage->rules[i].limit;
		counts->above[i] += is_above;
		cell[CELL_SLOWER + i] += is_above;
	}
}

static void time_pass(const struct past_pipeline *pipeline, int64_t time_ms)
{
	exposure_join_pass(pipeline->join, time_ms);
	truth_tally_pass(pipeline->tally, time_ms);
}

static void exposure_take(const struct rehearsal *rehearsal, const struct past_request *request)
{
	const struct past_pipeline *pipeline = pipeline_at(rehearsal, request->pipeline);
	time_pass(pipeline, request->exposure.time_ms);
	(void)exposure_join_expose(pipeline->join, &request->exposure, (struct join_place){0});
}

static void feedback_take(const struct rehearsal *rehearsal, const struct past_feedback *past)
{
	struct feedback feedback = past->feedback;
	const struct tensor truth = {.name = TEXT("truth"), .datatype = DATATYPE_BYTES, .count = 1, .data = &past->prediction};
	const struct tensor *const items[] = {&truth};
	feedback.metrics = past->metrics; /* which moved with the list */
	feedback.truth = (struct tensors){past->prediction.length > 0, items};
	exposure_join_feedback(pipeline_at(rehearsal, past->pipeline)->join, &feedback, &(struct origin){0}, feedback.time_ms);
}

static void happening_take(struct rehearsal *rehearsal, const struct happening *happening)
{
	switch (happening->kind) {
	case HAPPENS_EXPOSURE:
		exposure_take(rehearsal, happening->record);
		break;
	case HAPPENS_ANSWER:
		answer_count(rehearsal, happening->record);
		break;
	case HAPPENS_FEEDBACK:
		feedback_take(rehearsal, happening->record);
		break;
	}
}

/* ---- looks ---- */

static struct rollout_counts counts_of(const struct rehearsal *rehearsal, size_t choice)
{
	struct rollout_counts counts = rehearsal->counts[choice];
	const int64_t *cells = rehearsal->cells[choice];
	counts.errors_spread = unit_cells_spread(cells, ROLLOUT_RULES_MAX, CELL_ERRORS);
	counts.alone = unit_cells_alone(cells, ROLLOUT_RULES_MAX);
	for (size_t i = 0; i < stage_of(rehearsal)->rule_count; i++)
		counts.above_spread[i] = unit_cells_spread(cells, ROLLOUT_RULES_MAX, CELL_SLOWER + i);
	return counts;
}

static struct rollout_look look_of(const struct rehearsal *rehearsal, int64_t now_ms)
{
	struct rollout_look look = {.time_ms = now_ms, .epoch = rehearsal->state.epoch};
	size_t candidate = 0;
	for (size_t i = 0; i < rehearsal->config.count; i++) {
		struct rollout_counts counts = counts_of(rehearsal, i);
		struct truth_counts truths = {0};
		for (size_t j = 0; j < rehearsal->pipelines.count; j++)
			truth_counts_add(&truths, &truth_tally_counts(pipeline_at(rehearsal, j)->tally)[i]);
		rollout_counts_truths(&counts, &truths);
		if (i != rehearsal->config.control)
			look.candidates[candidate++] = counts;
		else if (!planned_stage_is_whole(stage_of(rehearsal)))
			look.control = counts;
	}
	return look;
}

static bool has_ended(const struct rehearsal *rehearsal)
{
	return rehearsal->state.phase == ROLLOUT_PROMOTED || rehearsal->state.phase == ROLLOUT_ROLLED_BACK ||
	       rehearsal->move_count == REHEARSAL_MOVES_MAX;
}

/* Notes a move, and begins the epoch that it begins. */
static bool move_take(struct rehearsal *rehearsal, uint64_t epoch, const struct rollout_move *move, struct error *error)
{
	if (move->number > 0)
		rehearsal->moves[rehearsal->move_count++] = *move;
	return rehearsal->state.epoch == epoch || epoch_begin(rehearsal, move->time_ms, error);
}

/* Somebody approves at once. */
static bool approval_give(struct rehearsal *rehearsal, int64_t now_ms, struct error *error)
{
	const struct rollout_command approve = {.number = ++rehearsal->commands, .kind = COMMAND_APPROVE, .time_ms = now_ms};
	const uint64_t epoch = rehearsal->state.epoch;
	struct rollout_move move = {0};
	if (!rehearsal->state.waiting || has_ended(rehearsal))
		return true;
	rehearsal->approvals++;
	return rollout_command(rehearsal->config.plan, &rehearsal->state, &approve, &move, error) &&
	       move_take(rehearsal, epoch, &move, error);
}

static bool look_take(struct rehearsal *rehearsal, int64_t now_ms, struct error *error)
{
	for (size_t i = 0; i < rehearsal->pipelines.count; i++)
		time_pass(pipeline_at(rehearsal, i), now_ms - QUIET_MS);
	const struct rollout_look look = look_of(rehearsal, now_ms);
	const uint64_t epoch = rehearsal->state.epoch;
	struct rollout_move move = {0};
	return rollout_look(rehearsal->config.plan, &rehearsal->state, &look, &move, error) &&
	       move_take(rehearsal, epoch, &move, error) && approval_give(rehearsal, now_ms, error);
}

static bool looks_take(struct rehearsal *rehearsal, int64_t first_ms, struct error *error)
{
	const int64_t every_ms = rehearsal->config.plan->check_every_ms;
	int64_t next_ms = first_ms;
	bool good = true;
	for (size_t i = 0; good && i < rehearsal->happening_count && !has_ended(rehearsal); i++) {
		const struct happening *happening = &rehearsal->happenings[i];
		for (; good && happening->time_ms >= next_ms && !has_ended(rehearsal); next_ms += every_ms)
			good = look_take(rehearsal, next_ms, error);
		if (good && !has_ended(rehearsal))
			happening_take(rehearsal, happening);
	}
	return good && (has_ended(rehearsal) || look_take(rehearsal, next_ms, error));
}

/* ---- all of it ---- */

static void requests_tell(const struct rehearsal *rehearsal, struct rehearsal_result *result)
{
	const struct past_request *requests = (void *)rehearsal->requests.items;
	for (size_t i = 0; i < rehearsal->requests.count; i++) {
		result->requests[requests[i].choice]++;
		result->unanswered += requests[i].ended_ms < 0;
	}
}

bool rehearsal_run(struct rehearsal *rehearsal, struct rehearsal_result *result, struct error *error)
{
	*result = (struct rehearsal_result){0};
	if (rehearsal->requests.count == 0)
		return error_set(
			error, ERROR_INPUT, PLACE_NONE,
			"there is no exposure of experiment `%s`; set `exposures: full` in it, and check its name and the time",
			rehearsal->config.experiment);
	if (rehearsal->has_open && !rehearsal_pipeline_end(rehearsal, &(struct rehearsed_pipeline){0}, error))
		return false;
	requests_sort(&rehearsal->requests);
	answers_match(rehearsal);
	rehearsal->moves = ARENA_ARRAY(rehearsal->arena, struct rollout_move, REHEARSAL_MOVES_MAX + 1);
	if (!rehearsal->moves || !happenings_make(rehearsal))
		return error_memory(error, ERROR_SYSTEM, "rehearsing a rollout");
	result->first_ms = rehearsal->happenings[0].time_ms;
	result->last_ms = rehearsal->happenings[rehearsal->happening_count - 1].time_ms;
	requests_tell(rehearsal, result);
	rehearsal->state = rollout_begin(rehearsal->config.plan);
	const bool good = joins_open(rehearsal, error) && epoch_begin(rehearsal, result->first_ms, error) &&
			  looks_take(rehearsal, result->first_ms, error);
	pipelines_close(rehearsal);
	result->move_count = rehearsal->move_count;
	result->moves = rehearsal->moves;
	result->state = rehearsal->state;
	result->approvals = rehearsal->approvals;
	result->ended = has_ended(rehearsal);
	return good;
}
