/* unit_join_arms.c: Arms of a join: their numbers, and which of them were candidates of a policy's choices; see unit_join_parts.h.
 */
#include "base/number/number.h"
#include "experiments/bandits/policy_candidates.h"
#include "experiments/analysis/unit_join_parts.h"
#include "message/rows.h"

#define VERSION_BASE 16 /* in which an exposure writes the version of its policy */

bool join_arm_find(struct unit_join *join, struct text name, uint32_t *arm, struct error *error)
{
	for (*arm = 0; *arm < join->arm_count; ++*arm)
		if (text_equal(join->arms[*arm], name))
			return true;
	if (join->arm_count == ANALYSIS_ARMS_MAX)
		return error_set(error, ERROR_LIMIT, PLACE_NONE, "experiment `%s` has more than %d variants",
				 join->options.experiment, ANALYSIS_ARMS_MAX);
	join->arms[join->arm_count++] = text_copied(join->arena, name);
	return true;
}

bool unit_join_variant(struct unit_join *join, struct text name, struct error *error)
{
	uint32_t arm;
	if (!join_arm_find(join, name, &arm, error))
		return false;
	join->declared |= UINT64_C(1) << arm;
	return true;
}

void unit_join_policy(struct unit_join *join, const struct policy_versions *versions)
{
	join->versions = versions ? *versions : (struct policy_versions){0};
}

bool join_recorded_find(struct unit_join *join, const struct exposure *exposure, uint64_t *recorded, struct error *error)
{
	uint64_t version;
	*recorded = 0;
	if (exposure->reason != ASSIGNED_POLICY || !digits_read(exposure->table, VERSION_BASE, &version) ||
	    version > (uint64_t)join->versions.newest)
		return true;
	const struct policy_candidates *list =
		policy_candidates_of(join->versions.candidates, join->versions.count, (int64_t)version);
	bool is_own = false;
	for (size_t i = 0; list && i < list->count; i++)
		is_own = is_own || text_equal(list->names[i], exposure->variant);
	for (size_t i = 0; is_own && i < list->count; i++) {
		uint32_t arm;
		if (!join_arm_find(join, list->names[i], &arm, error))
			return false;
		*recorded |= UINT64_C(1) << arm;
	}
	return true;
}

/* ---- candidates of all choices ---- */

static bool choices_find(struct unit_join *join, struct error *error)
{
	struct met_exposure *items = join->exposures.items;
	struct candidate_choice *choices = ARENA_ARRAY(join->arena, struct candidate_choice, join->exposures.count + 1);
	size_t count = 0;
	for (size_t i = 0; choices && i < join->exposures.count; i++)
		if (assigned_reason_is_chance(items[i].reason))
			choices[count++] =
				(struct candidate_choice){.arm = items[i].arm,
							  .table = items[i].key,
							  .probability = items[i].probability,
							  .recorded = items[i].recorded,
							  .contextual = items[i].reason == ASSIGNED_POLICY &&
									items[i].feature_count + items[i].text_count > 0};
	if (!choices || !policy_candidates_find(choices, count, join->arm_count, join->key_count, join->declared, join->arena))
		return error_memory(error, ERROR_SYSTEM, "joining exposures and feedback");
	for (size_t i = join->exposures.count; i-- > 0;)
		if (assigned_reason_is_chance(items[i].reason))
			items[i].candidates = choices[--count].candidates;
	return true;
}

/* From when on, and until when, each arm was a candidate, where that is not all the time. Of one that had no probability for a
 * while only, as under a policy without `explore`, nothing is said. */
static void candidates_span(struct unit_join *join)
{
	struct joined *joined = join->joined;
	const struct met_exposure *items = join->exposures.items;
	bool met[ANALYSIS_ARMS_MAX] = {0};
	size_t lasts[ANALYSIS_ARMS_MAX] = {0}, last = SIZE_MAX;
	for (size_t i = 0; i < join->exposures.count; i++) {
		if (!assigned_reason_is_chance(items[i].reason))
			continue;
		for (size_t arm = 0; arm < join->arm_count; arm++) {
			if (!(items[i].candidates >> arm & 1))
				continue;
			joined->came_ms[arm] = met[arm] || last == SIZE_MAX ? joined->came_ms[arm] : items[i].time_ms;
			met[arm] = true;
			lasts[arm] = i;
		}
		last = i;
	}
	for (size_t arm = 0; arm < join->arm_count; arm++) {
		const uint64_t bit = UINT64_C(1) << arm;
		if (!met[arm])
			continue;
		if (join->declared == 0 ? lasts[arm] == last : (join->declared & bit) != 0)
			joined->candidates |= bit;
		else
			joined->left_ms[arm] = items[lasts[arm]].time_ms;
	}
}

bool join_candidates_find(struct unit_join *join, struct error *error)
{
	if (!choices_find(join, error))
		return false;
	candidates_span(join);
	return true;
}
