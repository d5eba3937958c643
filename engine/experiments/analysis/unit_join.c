/* unit_join.c: see unit_join.h. */
#include "experiments/analysis/unit_join.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "experiments/analysis/joined_metrics.h"
#include "experiments/bandits/policy_candidates.h"
#include "experiments/analysis/unit_join_parts.h"
#include "message/records/answer_label.h"
#include "message/rows.h"

/* Engines take new files one after the other: candidates that come and go within this time are one change. */
#define CHANGE_TOGETHER_MS 60000

/* ---- adding ---- */

/* Empty: the record has no origin. */
static struct text origin_key(struct unit_join *join, const struct origin *origin)
{
	if (origin->topic.length == 0)
		return (struct text){0};
	return text_of(arena_print(join->arena, "o" TEXT_FORMAT "-%d-%" PRId64, TEXT_ARGUMENTS(origin->topic),
				   (int)origin->partition, origin->offset));
}

struct unit_join *unit_join_open(struct arena *arena, const struct join_options *options)
{
	struct unit_join *join = ARENA_NEW(arena, struct unit_join);
	if (!join)
		return NULL;
	*join = (struct unit_join){.arena = arena,
				   .options = *options,
				   .numbers = table_open(),
				   .kept = {TEXT(JOIN_REWARD), TEXT(JOIN_LATENCY), TEXT(ACCURACY_METRIC)},
				   .kept_count = 3};
	if (join->numbers)
		return join;
	unit_join_close(join);
	return NULL;
}

void unit_join_close(struct unit_join *join)
{
	if (!join)
		return;
	memory_give(join->exposures.items);
	memory_give(join->feedback.items);
	table_close(join->numbers);
	*join = (struct unit_join){0};
}

/* Whether it was met before: then it is counted and left out. */
static bool exposure_repeated(struct unit_join *join, const struct exposure *exposure, struct text origin, struct error *error)
{
	const struct text key =
		origin.length > 0 ? origin : join_key_print(join, 'x', (uint64_t)exposure->time_ms, exposure->id);
	uint32_t number;
	if (join_number_find(join, key, &number)) {
		join->counts.repeated++;
		return true;
	}
	return origin.length == 0 && !join_number_put(join, key, 0, error);
}

/* The number of the epoch's key: its table and versions. A policy has versions of its own. */
static bool epoch_key(struct unit_join *join, const struct exposure *exposure, uint32_t *key, struct error *error)
{
	const struct text text =
		text_of(arena_print(join->arena, "%c" TEXT_FORMAT " " TEXT_FORMAT, exposure->reason == ASSIGNED_POLICY ? 'p' : 'k',
				    TEXT_ARGUMENTS(exposure->table), TEXT_ARGUMENTS(exposure->versions)));
	if (join_number_find(join, text, key))
		return true;
	*key = join->key_count++;
	return join_number_put(join, text, *key, error);
}

static double covariate_of(const struct unit_join *join, const struct exposure *exposure)
{
	for (size_t i = 0; join->options.covariate && i < exposure->feature_count; i++)
		if (text_is(exposure->features[i].name, join->options.covariate))
			return exposure->features[i].value;
	return NAN;
}

/* The first exposure of a request is the one that its feedback is for. An empty key: it has none. */
static bool request_put(struct unit_join *join, struct text key, uint32_t number, struct error *error)
{
	uint32_t known;
	return key.length == 0 || join_number_find(join, key, &known) || join_number_put(join, key, number, error);
}

bool unit_join_exposure(struct unit_join *join, const struct exposure *exposure, struct error *error)
{
	struct met_exposure *met;
	uint32_t arm, key;
	uint64_t recorded;
	if (!text_is(exposure->experiment, join->options.experiment)) {
		join->counts.elsewhere++;
		return true;
	}
	if (exposure->time_ms < join->options.since_ms ||
	    (join->options.until_ms > 0 && exposure->time_ms > join->options.until_ms))
		return true;
	join->counts.exposures++;
	const struct text origin = origin_key(join, &exposure->origin);
	if (exposure_repeated(join, exposure, origin, error))
		return error->kind == ERROR_NONE;
	if (!join_arm_find(join, exposure->variant, &arm, error) || !join_recorded_find(join, exposure, &recorded, error) ||
	    !epoch_key(join, exposure, &key, error) || !(met = heap_list_add(&join->exposures, sizeof *met, error)))
		return false;
	*met = (struct met_exposure){.time_ms = exposure->time_ms,
				     .number = (uint32_t)(join->exposures.count - 1),
				     .arm = arm,
				     .key = key,
				     .unit = NONE,
				     .later = NONE,
				     .reason = exposure->reason,
				     .failed = exposure->error.length > 0,
				     .probability = exposure->probability,
				     .recorded = recorded,
				     .covariate = covariate_of(join, exposure),
				     .latency_ms = exposure->latency_ms,
				     .id = text_copied(join->arena, exposure->id),
				     .unit_text = text_copied(join->arena, exposure->unit),
				     .prediction = text_copied(join->arena, exposure->prediction),
				     .feature_count = exposure->feature_count,
				     .features = joined_features(exposure, join->arena),
				     .text_count = exposure->text_count,
				     .texts = joined_texts(exposure, join->arena)};
	const struct text id = exposure->id.length > 0 ? join_key_print(join, 'i', 0, exposure->id) : (struct text){0};
	const bool put = request_put(join, id, met->number, error) && request_put(join, origin, met->number, error);
	return put && (!arena_failed(join->arena) || error_memory(error, ERROR_SYSTEM, "joining exposures and feedback"));
}

void unit_join_reward(struct unit_join *join, struct text metric, bool computed)
{
	join->reward_metric = metric;
	join->reward_computed = computed;
}

void unit_join_keep(struct unit_join *join, struct text metric)
{
	if (join->kept_count < JOIN_KEPT_MAX)
		join->kept[join->kept_count++] = metric;
}

/* Whether it earns what it earns by another name than that of the metric. */
static bool earns_by_reward(const struct unit_join *join, const struct feedback *feedback, double *earned)
{
	const struct text metric = join->reward_metric;
	return metric.length > 0 && !text_is(metric, JOIN_REWARD) && !feedback_metric_find(feedback, metric) &&
	       feedback_earns(feedback, metric, join->reward_computed, earned);
}

/* Rewards are a metric among others. */
static const struct feedback_metric *metrics_copied(struct unit_join *join, const struct feedback *feedback, size_t *count)
{
	struct feedback_metric *made = ARENA_ARRAY(join->arena, struct feedback_metric, feedback->metric_count + 2);
	double earned;
	*count = 0;
	if (made && feedback->has_reward)
		made[(*count)++] = (struct feedback_metric){TEXT(JOIN_REWARD), feedback->reward};
	for (size_t i = 0; made && i < feedback->metric_count; i++)
		made[(*count)++] = (struct feedback_metric){text_copied(join->arena, feedback->metrics[i].name),
							   feedback->metrics[i].value};
	if (made && earns_by_reward(join, feedback, &earned))
		made[(*count)++] = (struct feedback_metric){join->reward_metric, earned};
	return made;
}

/* What the truth says, unless the accuracy was sent. */
static struct text truth_copied(struct unit_join *join, const struct feedback *feedback)
{
	char room[LABEL_ROOM];
	if (feedback_metric_find(feedback, TEXT(ACCURACY_METRIC)))
		return (struct text){0};
	const struct text truth = truth_label(&feedback->truth, room);
	join->counts.unjudged += feedback->truth.count > 0 && truth.length == 0;
	return text_copied(join->arena, truth);
}

bool unit_join_feedback(struct unit_join *join, const struct feedback *feedback, int64_t time_ms, struct error *error)
{
	const int64_t happened_ms = feedback->time_ms > 0 ? feedback->time_ms : time_ms;
	if (feedback->experiment.length > 0 && !text_is(feedback->experiment, join->options.experiment)) {
		join->counts.elsewhere++;
		return true;
	}
	if (join->options.until_ms > 0 && happened_ms > join->options.until_ms)
		return true;
	struct met_feedback *met = heap_list_add(&join->feedback, sizeof *met, error);
	if (!met)
		return false;
	const bool of_engine = feedback_is_computed(feedback);
	join->counts.feedback += !of_engine;
	join->counts.by_unit += feedback->id.length == 0 && feedback->origin.topic.length == 0;
	*met = (struct met_feedback){.time_ms = happened_ms, .number = join->feedback.count - 1};
	met->unit = text_copied(join->arena, feedback->unit);
	met->of_engine = of_engine;
	met->computed_to = feedback->has_reward + feedback->metric_count; /* metrics_copied() puts the reward before them */
	met->computed_from = met->computed_to - feedback->computed_count;
	if (!of_engine)
		met->feedback_id = text_copied(join->arena, feedback->feedback_id);
	if (feedback->id.length > 0)
		met->request = join_key_print(join, 'i', 0, feedback->id);
	else
		met->request = origin_key(join, &feedback->origin);
	met->metrics = metrics_copied(join, feedback, &met->count);
	met->truth = truth_copied(join, feedback);
	return !arena_failed(join->arena) || error_memory(error, ERROR_SYSTEM, "joining exposures and feedback");
}

/* ---- exposures to units ---- */

static int exposures_compare(const void *left, const void *right)
{
	const struct met_exposure *a = left, *b = right;
	if (a->time_ms != b->time_ms)
		return a->time_ms < b->time_ms ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

static bool epoch_new(struct unit_join *join, int64_t time_ms, uint32_t *epoch, struct error *error)
{
	if (join->joined->epoch_count == JOIN_EPOCHS_MAX)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "the weights of experiment `%s` changed more than %d times; look at a shorter time by --since",
				 join->options.experiment, JOIN_EPOCHS_MAX);
	struct epoch_made *made = &join->epochs[*epoch = (uint32_t)join->joined->epoch_count++];
	*made = (struct epoch_made){.begin_ms = time_ms,
				    .end_ms = time_ms,
				    .shares = ARENA_ARRAY(join->arena, double, ANALYSIS_ARMS_MAX),
				    .firsts = ARENA_ARRAY(join->arena, double, ANALYSIS_ARMS_MAX)};
	for (size_t arm = 0; made->shares && arm < ANALYSIS_ARMS_MAX; arm++)
		made->shares[arm] = NAN;
	return !arena_failed(join->arena) || error_memory(error, ERROR_SYSTEM, "joining exposures and feedback");
}

/* The epoch of the key in which the arm has that probability; a record without a table may be of several. */
static bool epoch_find(struct unit_join *join, const struct met_exposure *met, uint32_t *epoch, struct error *error)
{
	const double share = met->probability > 0 ? met->probability : NAN;
	for (uint64_t nth = 0;; nth++) {
		const struct text key = text_of(arena_print(join->arena, "n%u %" PRIu64, (unsigned)met->key, nth));
		const bool known = key.bytes && join_number_find(join, key, epoch);
		if (!known && (!epoch_new(join, met->time_ms, epoch, error) || !join_number_put(join, key, *epoch, error)))
			return false;
		double *shares = join->epochs[*epoch].shares;
		if (isnan(share) || isnan(shares[met->arm]) || fabs(shares[met->arm] - share) < CHANCE_EQUAL) {
			shares[met->arm] = isnan(share) ? shares[met->arm] : share;
			return true;
		}
	}
}

/* The unit's text; without one each request is a unit. */
static struct text unit_name(struct unit_join *join, const struct met_exposure *met)
{
	const bool has_unit = met->unit_text.length > 0 && !join->joined->adaptive; /* a policy chooses for each request */
	return has_unit ? join_key_print(join, 'u', 0, met->unit_text) : join_key_print(join, 'v', met->number,
		(struct text){0});
}

/* Where a policy chose: the requests of one unit, one version and the same candidates. */
static bool cluster_find(struct unit_join *join, const struct met_exposure *met, uint32_t *cluster, struct error *error)
{
	const struct text name = text_of(arena_print(join->arena, "c%u %" PRIx64 " " TEXT_FORMAT, (unsigned)met->key,
						     met->candidates, TEXT_ARGUMENTS(met->unit_text)));
	if (!name.bytes)
		return error_memory(error, ERROR_SYSTEM, "joining exposures and feedback");
	if (met->unit_text.length > 0 && join_number_find(join, name, cluster))
		return true;
	*cluster = (uint32_t)join->joined->cluster_count++;
	return met->unit_text.length == 0 || join_number_put(join, name, *cluster, error);
}

static bool unit_find(struct unit_join *join, struct met_exposure *met, uint32_t epoch, struct error *error)
{
	const struct text name = unit_name(join, met), key = join_key_print(join, 'e', epoch, name);
	uint32_t previous = NONE;
	if (!name.bytes || !key.bytes)
		return error_memory(error, ERROR_SYSTEM, "joining exposures and feedback");
	if (join_number_find(join, key, &met->unit)) {
		struct unit_made *made = &join->units[met->unit];
		made->mixed = made->mixed || made->unit.arm != met->arm;
		made->last_ms = met->time_ms;
		return true;
	}
	if (!join_number_find(join, name, &previous))
		join->epochs[epoch].firsts[met->arm]++;
	/* Later in the experiment, the variant may have had an effect on the covariate. */
	const double covariate = previous == NONE ? met->covariate : join->units[previous].unit.covariate;
	uint32_t cluster = 0;
	if (join->joined->adaptive && !cluster_find(join, met, &cluster, error))
		return false;
	met->unit = (uint32_t)join->unit_count++;
	join->units[met->unit] = (struct unit_made){.unit = {epoch, met->arm, covariate, cluster, met->candidates},
						    .first_ms = met->time_ms,
						    .last_ms = met->time_ms,
						    .previous = previous};
	return join_number_put(join, key, met->unit, error) && join_number_put(join, name, met->unit, error);
}

/* What a client or an operator chose, whatever became of the unit's own variant. A default that answered for a variant that failed
 * is no such choice: without its units the variant would lose its failures. */
static bool reason_is_choice(enum assigned_reason reason)
{
	return reason == ASSIGNED_MATCH || reason == ASSIGNED_ROUTE || reason == ASSIGNED_OVERRIDE;
}

/* The epoch of the key at the time of the exposure; NONE: chance chose in none of that key. */
static uint32_t epoch_at(const struct unit_join *join, const struct met_exposure *met)
{
	uint32_t found = NONE, epoch;
	for (uint64_t nth = 0;; nth++) {
		const struct text key = text_of(arena_print(join->arena, "n%u %" PRIu64, (unsigned)met->key, nth));
		if (!key.bytes || !join_number_find(join, key, &epoch))
			return found;
		if (found == NONE || join->epochs[epoch].begin_ms <= met->time_ms)
			found = epoch;
	}
}

/* Units that met their own variant by chance, and another one in the same epoch by a choice, before or after. */
static void choices_mix(struct unit_join *join)
{
	const struct met_exposure *items = join->exposures.items;
	for (size_t i = 0; i < join->exposures.count; i++) {
		const struct met_exposure *met = &items[i];
		uint32_t unit;
		if (!reason_is_choice(met->reason) || met->unit_text.length == 0)
			continue;
		const uint32_t epoch = epoch_at(join, met);
		if (epoch != NONE &&
		    join_number_find(join, join_key_print(join, 'e', epoch, unit_name(join, met)), &unit))
			join->units[unit].mixed = join->units[unit].mixed || join->units[unit].unit.arm != met->arm;
	}
}

/* Where a policy chose, requests are units, and feedback of a unit's text belongs to one of its requests: its first one is known by
 * the text. From the last exposure back. */
static bool exposures_link(struct unit_join *join, struct error *error)
{
	struct met_exposure *items = join->exposures.items;
	for (size_t place = join->exposures.count; place-- > 0;) {
		struct met_exposure *met = &items[place];
		const struct text key = join_key_print(join, 'u', 0, met->unit_text);
		if (met->unit == NONE || met->unit_text.length == 0)
			continue;
		if (!join_number_find(join, key, &met->later))
			met->later = NONE;
		if (!join_number_put(join, key, (uint32_t)place, error))
			return false;
	}
	return true;
}

/* ---- epochs of a policy ---- */

static int times_compare(const void *left, const void *right)
{
	const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
	return (a > b) - (a < b);
}

/* Epochs of a policy end where its candidates change. */
static bool policy_epochs_make(struct unit_join *join, struct error *error)
{
	const struct joined *joined = join->joined;
	int64_t times_ms[2 * ANALYSIS_ARMS_MAX] = {0};
	size_t count = 0;
	uint32_t epoch;
	for (size_t arm = 0; arm < join->arm_count; arm++) {
		if (joined->came_ms[arm] > 0)
			times_ms[count++] = joined->came_ms[arm];
		if (joined->left_ms[arm] > 0)
			times_ms[count++] = joined->left_ms[arm] + 1;
	}
	qsort(times_ms, count, sizeof *times_ms, times_compare);
	const struct met_exposure *items = join->exposures.items;
	if (!epoch_new(join, items->time_ms, &epoch, error))
		return false;
	for (size_t i = 0; i < count; i++)
		if ((i == 0 || times_ms[i] - times_ms[i - 1] > CHANGE_TOGETHER_MS) && !epoch_new(join, times_ms[i], &epoch, error))
			return false;
	return true;
}

/* Its last epoch that has begun. */
static uint32_t policy_epoch_at(const struct unit_join *join, int64_t time_ms)
{
	uint32_t epoch = (uint32_t)join->joined->epoch_count - 1;
	while (epoch > 0 && join->epochs[epoch].begin_ms > time_ms)
		epoch--;
	return epoch;
}

/* ---- exposures to units ---- */

/* Looks whether a policy chose, and what weights chose later, as where `bandits` were taken out of the experiment. What they
 * chose in the last millisecond of the policy is not later. */
static void policy_look(const struct unit_join *join)
{
	const struct met_exposure *items = join->exposures.items;
	struct joined *joined = join->joined;
	int64_t policy_last_ms = 0;
	for (size_t i = 0; i < join->exposures.count; i++)
		if (items[i].reason == ASSIGNED_POLICY) {
			joined->adaptive = true;
			policy_last_ms = items[i].time_ms;
		}
	for (size_t i = join->exposures.count; joined->adaptive && i > 0 && items[i - 1].time_ms > policy_last_ms; i--)
		if (assigned_reason_is_chance(items[i - 1].reason)) {
			joined->weighed++;
			joined->weighed_from_ms = items[i - 1].time_ms;
		}
}

static bool exposures_join(struct unit_join *join, struct error *error)
{
	struct met_exposure *items = join->exposures.items;
	struct joined *joined = join->joined;
	if (join->exposures.count > 0)
		qsort(items, join->exposures.count, sizeof *items, exposures_compare);
	policy_look(join);
	if (joined->adaptive) {
		if (!join_candidates_find(join, error))
			return false;
		if (!policy_epochs_make(join, error))
			return false;
	}
	for (size_t i = 0; i < join->exposures.count; i++) {
		uint32_t epoch = 0;
		if (!assigned_reason_is_chance(items[i].reason)) {
			join->counts.left_out[items[i].reason]++;
			joined->fallbacks[items[i].arm] += items[i].reason == ASSIGNED_FALLBACK;
			continue;
		}
		if (joined->adaptive)
			epoch = policy_epoch_at(join, items[i].time_ms);
		else if (!epoch_find(join, &items[i], &epoch, error))
			return false;
		join->epochs[epoch].end_ms = items[i].time_ms;
		if (!unit_find(join, &items[i], epoch, error))
			return false;
	}
	if (joined->adaptive && !exposures_link(join, error))
		return false;
	if (!joined->adaptive)
		choices_mix(join);
	if (join->exposures.count > 0) {
		joined->first_ms = items[0].time_ms;
		joined->last_ms = items[join->exposures.count - 1].time_ms;
	}
	return true;
}

/* ---- all of it ---- */

/* Values of an epoch follow one another; within it they are in their order already. A stable count by epochs. */
static bool metric_order(struct unit_join *join, struct joined_metric *metric)
{
	const size_t epochs = join->joined->epoch_count;
	size_t *begins = ARENA_ARRAY(join->arena, size_t, epochs + 1);
	struct analysis_value *ordered = ARENA_ARRAY(join->arena, struct analysis_value, metric->count + 1);
	if (!begins || !ordered)
		return false;
	for (size_t i = 0; i < metric->count; i++)
		begins[join->units[metric->values[i].unit].unit.epoch + 1]++;
	for (size_t epoch = 1; epoch <= epochs; epoch++)
		begins[epoch] += begins[epoch - 1];
	for (size_t i = 0; i < metric->count; i++)
		ordered[begins[join->units[metric->values[i].unit].unit.epoch]++] = metric->values[i];
	metric->values = ordered;
	metric->room = metric->count;
	return true;
}

/* Its unit in the analysis. */
static uint32_t exposure_unit(const struct unit_join *join, const struct met_exposure *met)
{
	const bool waits = join->options.window_ms > 0 && met->time_ms + join->options.window_ms > join->now_ms;
	return met->unit == NONE || waits || join->units[met->unit].mixed ? NONE : met->unit;
}

static bool joined_take_exposures(struct unit_join *join)
{
	const struct met_exposure *met = join->exposures.items;
	struct joined_exposure *made = ARENA_ARRAY(join->arena, struct joined_exposure, join->exposures.count + 1);
	for (size_t i = 0; made && i < join->exposures.count; i++)
		made[i] = (struct joined_exposure){.arm = met[i].arm,
						   .probability = met[i].probability,
						   .unit = met[i].unit_text,
						   .feature_count = met[i].feature_count,
						   .features = met[i].features,
						   .text_count = met[i].text_count,
						   .texts = met[i].texts,
						   .time_ms = met[i].time_ms,
						   .latency_ms = met[i].latency_ms,
						   .reason = met[i].reason,
						   .failed = met[i].failed,
						   .joined_unit = exposure_unit(join, &met[i])};
	join->joined->exposures = made;
	join->joined->exposure_count = join->exposures.count;
	return made != NULL;
}

/* Clusters are numbered in the order of their first units. */
static void arms_count(const struct unit_join *join, struct joined *joined)
{
	size_t clusters = 0;
	for (size_t i = 0; i < join->unit_count; i++) {
		const struct analysis_unit *unit = &join->units[i].unit;
		if (!joined->adaptive) {
			joined->arm_units[unit->arm] += !join->units[i].mixed;
			continue;
		}
		const bool is_first = unit->cluster == clusters;
		joined->arm_units[unit->arm] += is_first;
		joined->arm_requests[unit->arm]++;
		clusters += is_first;
	}
}

static bool joined_take(struct unit_join *join, struct error *error)
{
	struct joined *joined = join->joined;
	struct analysis_unit *units = ARENA_ARRAY(join->arena, struct analysis_unit, join->unit_count + 1);
	struct joined_epoch *epochs = ARENA_ARRAY(join->arena, struct joined_epoch, joined->epoch_count + 1);
	uint32_t *earlier = ARENA_ARRAY(join->arena, uint32_t, join->unit_count + 1);
	int64_t *begins_ms = ARENA_ARRAY(join->arena, int64_t, join->unit_count + 1);
	bool good = units && epochs && earlier && begins_ms;
	joined->arms = join->arm_count;
	memcpy(joined->arm_names, join->arms, sizeof join->arms);
	for (size_t i = 0; good && i < join->unit_count; i++) {
		units[i] = join->units[i].unit;
		earlier[i] = join->units[i].previous;
		begins_ms[i] = join->units[i].first_ms;
		join->counts.mixed_units += join->units[i].mixed;
	}
	arms_count(join, joined);
	for (size_t i = 0; good && i < joined->epoch_count; i++)
		epochs[i] = (struct joined_epoch){join->epochs[i].begin_ms, join->epochs[i].end_ms, join->epochs[i].shares,
						  join->epochs[i].firsts};
	good = good && joined_take_exposures(join);
	if (good && !joined_measure(join, error))
		return false;
	for (size_t i = 0; good && i < joined->metric_count; i++)
		good = metric_order(join, &joined->metrics[i]);
	joined->units = units;
	joined->earlier = earlier;
	joined->begins_ms = begins_ms;
	joined->unit_count = join->unit_count;
	joined->epochs = epochs;
	joined->counts = join->counts;
	return good || error_memory(error, ERROR_SYSTEM, "joining exposures and feedback");
}

bool unit_join_end(struct unit_join *join, struct joined *joined, struct error *error)
{
	*joined = (struct joined){0};
	join->joined = joined;
	join->units = ARENA_ARRAY(join->arena, struct unit_made, join->exposures.count + 1);
	join->epochs = ARENA_ARRAY(join->arena, struct epoch_made, JOIN_EPOCHS_MAX);
	if (!join->units || !join->epochs)
		return error_memory(error, ERROR_SYSTEM, "joining exposures and feedback");
	return exposures_join(join, error) && unit_join_place_feedback(join, error) && joined_take(join, error);
}
