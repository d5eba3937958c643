/* learner_records.c: Records of a learner: how it writes them, and how it goes on from one, or begins warm; see learner.h. */
#include "experiments/bandits/learner_records.h"

#include "message/rows.h"

static size_t name_find(const struct text *names, size_t count, struct text name)
{
	size_t i = 0;
	while (i < count && !text_equal(names[i], name))
		i++;
	return i;
}

static bool list_has_all(const struct policy_candidates *list, const struct text *names, size_t count)
{
	bool has = list->count == count;
	for (size_t i = 0; has && i < count; i++)
		has = name_find(list->names, list->count, names[i]) < list->count;
	return has;
}

/* From that version on the policy chooses among these, whose names are borrowed. The oldest list makes space for it. */
static void candidate_history_add(struct candidate_history *history, int64_t version, const struct text *names, size_t count)
{
	if (history->count > 0 && list_has_all(&history->lists[history->count - 1], names, count))
		return;
	if (history->count == POLICY_CANDIDATES_MAX) {
		history->count--;
		memmove(history->lists, history->lists + 1, history->count * sizeof *history->lists);
	}
	history->lists[history->count++] = (struct policy_candidates){version, count, names};
}

static const struct text *names_copied(const struct text *names, size_t count, struct arena *arena)
{
	struct text *copies = ARENA_ARRAY(arena, struct text, count);
	for (size_t i = 0; copies && i < count; i++)
		copies[i] = text_copied(arena, names[i]);
	return copies;
}

/* Takes the history of a record; of one that has none, what its own version chose among. False: the arena is full. */
static bool candidate_history_take(struct candidate_history *history, const struct policy_record *record, struct arena *arena)
{
	const struct policy_candidates own = {record->version, record->arm_count, record->arms};
	const struct policy_candidates *lists = record->candidates_count > 0 ? record->candidates : &own;
	const size_t count = record->candidates_count > 0 ? record->candidates_count : 1;
	history->count = 0;
	for (size_t i = 0; i < count; i++) {
		const struct text *names = names_copied(lists[i].names, lists[i].count, arena);
		if (names)
			candidate_history_add(history, lists[i].since, names, lists[i].count);
	}
	if (!arena_failed(arena))
		return true;
	history->count = 0;
	return false;
}

/* Which one of `arms` each of the record's arms is; SIZE_MAX: none. `*changed`: they are others, or in another order. False: the
 * record lacks one of `arms`, so nothing is known of it. */
static bool candidate_places_find(const struct policy_record *record, const struct text *arms, size_t count, size_t *places,
				  bool *changed)
{
	size_t found = 0;
	*changed = record->arm_count != count;
	for (size_t i = 0; i < record->arm_count; i++) {
		const size_t place = name_find(arms, count, record->arms[i]);
		places[i] = place < count ? place : SIZE_MAX;
		found += place < count;
		*changed = *changed || place != i;
	}
	return found == count;
}

/* ---- writing ---- */

static void record_features(struct learner *learner)
{
	for (size_t i = 0; i < learner->config.context.count; i++)
		learner->features[i] = (struct policy_feature){.name = learner->config.context.names[i],
							       .center = learner->scales[i].center,
							       .width = learner->scales[i].width,
							       .count = (int64_t)learner->moments[i].count,
							       .mean = learner->moments[i].mean,
							       .squares = learner->moments[i].squares,
							       .class_count = learner->features[i].class_count,
							       .classes = learner->features[i].classes};
}

/* Whether the features have been seen often enough for a scale. */
static bool scale_is_due(const struct learner *learner)
{
	return !learner->scaled && (learner->early_rewards > 0 || learner->is_warm) && learner->counts.exposures >= LEARNER_SAMPLES;
}

bool learner_record(struct learner *learner, int64_t now_ms, struct policy_record *record, struct error *error)
{
	if (scale_is_due(learner))
		learner_scale_set(learner);
	if (!learner->scaled || learner->rewards == 0)
		return false;
	if (learner->rewards != learner->recorded_rewards) {
		learner->version++;
		learner->recorded_rewards = learner->rewards;
		policy_learn(learner->policy, learner->bandit, (uint64_t)learner->version);
		candidate_history_add(&learner->history, learner->version, learner->config.arms, learner->config.options.arms);
	}
	buffer_clear(&learner->policy_bytes);
	buffer_clear(&learner->learner_bytes);
	policy_write(learner->policy, &learner->policy_bytes);
	bandit_write(learner->bandit, &learner->learner_bytes);
	if (buffer_failed(&learner->policy_bytes) || buffer_failed(&learner->learner_bytes))
		return error_memory(error, ERROR_SYSTEM, "writing a policy");
	record_features(learner);
	*record = (struct policy_record){.experiment = text_of(learner->config.experiment),
					 .version = learner->version,
					 .time_ms = now_ms,
					 .rewards = learner->rewards,
					 .arm_count = learner->config.options.arms,
					 .arms = learner->config.arms,
					 .feature_count = learner->config.context.count,
					 .features = learner->features,
					 .policy = buffer_view(&learner->policy_bytes),
					 .learner = buffer_view(&learner->learner_bytes),
					 .through_ms = learner->through_ms,
					 .candidates_count = learner->history.count,
					 .candidates = learner->history.lists};
	return true;
}

/* ---- going on ---- */

static bool features_fit(const struct learner *learner, const struct policy_record *record)
{
	const struct context_form *context = &learner->config.context;
	bool fit = record->feature_count == context->count;
	for (size_t i = 0; fit && i < record->feature_count; i++)
		fit = text_equal(record->features[i].name, context->names[i]);
	return fit;
}

static bool scales_restore(struct learner *learner, const struct policy_record *record, struct error *error)
{
	for (size_t i = 0; i < record->feature_count; i++) {
		const struct policy_feature *feature = &record->features[i];
		learner->scales[i] = (struct context_scale){.center = feature->center, .width = feature->width};
		if (!learner_classes_set(learner, i, feature->classes, feature->class_count))
			return error_memory(error, ERROR_SYSTEM, "reading a policy");
	}
	return context_length(&learner->config.context, learner->scales) <= CONTEXT_LENGTH_MAX ||
	       error_set(error, ERROR_INPUT, PLACE_NONE,
			 "the policy of experiment `%s` has more than %d numbers of a context; it is learned again",
			 learner->config.experiment, CONTEXT_LENGTH_MAX);
}

/* It begins anew. */
static void scales_forget(struct learner *learner)
{
	struct error ignored = {0};
	memset(learner->scales, 0, sizeof learner->scales);
	memset(learner->features, 0, sizeof learner->features);
	(void)learner_bandit_fit(learner, &ignored); /* there was space for it before */
}

static void moments_restore(struct learner *learner, const struct policy_record *record)
{
	for (size_t i = 0; i < record->feature_count; i++) {
		const struct policy_feature *feature = &record->features[i];
		learner->moments[i] = (struct moments){(uint64_t)feature->count, feature->mean, feature->squares};
	}
	learner->scaled = true;
}

/* The state of the record's learner; NULL: it is of other arms than the record names, or broken. */
static const struct bandit *state_read(struct learner *learner, const struct policy_record *record, struct error *error)
{
	const struct bandit *before = bandit_read(learner->arena, record->learner, error);
	if (!before || bandit_options(before)->arms == record->arm_count)
		return before;
	error_set(error, ERROR_INPUT, PLACE_NONE, "the policy of experiment `%s` does not fit its names; it is learned again",
		  learner->config.experiment);
	return NULL;
}

/* Rewards of the candidates that are left. */
static int64_t rewards_kept(const struct policy_record *record, const struct bandit *before, const size_t *places)
{
	int64_t rewards = record->rewards;
	for (size_t i = 0; i < record->arm_count; i++)
		rewards -= places[i] == SIZE_MAX ? (int64_t)bandit_arm(before, i)->moments.count : 0;
	return rewards > 0 ? rewards : 0;
}

bool learner_restore(struct learner *learner, const struct policy_record *record, struct error *error)
{
	size_t places[BANDIT_ARMS_MOST] = {0};
	bool changed;
	learner->version = record->version;
	if (!candidate_history_take(&learner->history, record, learner->arena))
		return error_memory(error, ERROR_SYSTEM, "reading a policy");
	if (record->arm_count > BANDIT_ARMS_MOST || !features_fit(learner, record) ||
	    !candidate_places_find(record, learner->config.arms, learner->config.options.arms, places, &changed))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the policy of experiment `%s` is of other candidates or features; it is learned again",
				 learner->config.experiment);
	const struct bandit *before = state_read(learner, record, error);
	if (!before || !scales_restore(learner, record, error) || !learner_bandit_fit(learner, error) ||
	    !bandit_merge_arms(learner->bandit, before, places, error)) {
		scales_forget(learner);
		return false;
	}
	moments_restore(learner, record);
	learner->rewards = rewards_kept(record, before, places);
	learner->recorded_rewards = changed ? -1 : record->rewards;
	learner->through_ms = record->through_ms;
	learner->before_ms = record->through_ms;
	policy_learn(learner->policy, learner->bandit, (uint64_t)learner->version);
	return true;
}

bool learner_warm(struct learner *learner, struct error *error)
{
	assert(!learner->is_warm && learner->rewards == 0);
	if (!learner->config.priors)
		return true;
	if (!learner_priors_learn(learner, error))
		return false;
	learner->is_warm = true;
	for (size_t i = 0; i < learner->config.options.arms; i++)
		learner->rewards += (int64_t)learner->config.priors[i].plays;
	learner->recorded_rewards = -1;
	return true;
}

bool learner_is_due(const struct learner *learner)
{
	return learner->recorded_rewards < 0;
}
