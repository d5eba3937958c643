/* policy_file.c: see policy_file.h. */
#include "tools/source/policy_file.h"

#include <jansson.h>

#include "base/file.h"
#include "base/suggest.h"

#define POLICY_BYTES_MAX ((size_t)16 << 20)
#define CHANCES_ROUNDED 1e-6 /* probabilities of a file sum to 1 but for this */

static bool arm_named(const struct joined *joined, const char *name, size_t *arm, struct error *error)
{
	struct suggestion suggestion = suggest_begin(text_of(name));
	for (*arm = 0; *arm < joined->arms; ++*arm) {
		if (text_is(joined->arm_names[*arm], name))
			return true;
		suggest_offer(&suggestion, joined->arm_names[*arm]);
	}
	return error_set(error, ERROR_INPUT, PLACE_NONE,
			 "the policy has the variant `%s`, and no exposure has it%s" TEXT_FORMAT "%s", name,
			 suggestion.nearest.bytes ? "; did you mean `" : "", TEXT_ARGUMENTS(suggestion.nearest),
			 suggestion.nearest.bytes ? "`?" : "");
}

static bool policy_read_fixed(struct file_policy *policy, const json_t *chances, const struct joined *joined, struct error *error)
{
	const char *name;
	json_t *value;
	double sum = 0;
	size_t arm;
	json_object_foreach((json_t *)(uintptr_t)chances, name, value)
	{
		if (!arm_named(joined, name, &arm, error))
			return false;
		policy->fixed[arm] = json_number_value(value);
		if (!json_is_number(value) || policy->fixed[arm] < 0)
			return error_set(error, ERROR_INPUT, PLACE_NONE,
					 "the probability of `%s` in the policy is no number from 0 to 1",
					 name);
		sum += policy->fixed[arm];
	}
	return fabs(sum - 1) <= CHANCES_ROUNDED ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "the probabilities of the policy sum to %g; make them sum to 1", sum);
}

/* Whether an exposure has a number of that name. */
static bool feature_check(const struct joined *joined, const char *name, struct error *error)
{
	struct suggestion suggestion = suggest_begin(text_of(name));
	for (size_t i = 0; i < joined->exposure_count; i++) {
		const struct joined_exposure *exposure = &joined->exposures[i];
		for (size_t j = 0; j < exposure->feature_count; j++) {
			if (text_is(exposure->features[j].name, name))
				return true;
			suggest_offer(&suggestion, exposure->features[j].name);
		}
	}
	return error_set(error, ERROR_INPUT, PLACE_NONE,
			 "the policy has the feature `%s`, and no exposure has a number of that name%s" TEXT_FORMAT "%s", name,
			 suggestion.nearest.bytes ? "; did you mean `" : "", TEXT_ARGUMENTS(suggestion.nearest),
			 suggestion.nearest.bytes ? "`?" : "");
}

static bool policy_read_scores(struct file_policy *policy, const json_t *document, const struct joined *joined, struct arena *arena,
			       struct error *error)
{
	const json_t *features = json_object_get(document, "features"), *scores = json_object_get(document, "scores");
	const json_t *explore = json_object_get(document, "explore");
	const char *name;
	json_t *row;
	size_t arm;
	policy->features = json_array_size(features);
	policy->names = ARENA_ARRAY(arena, struct text, policy->features + 1);
	policy->scores = ARENA_ARRAY(arena, double, joined->arms *(policy->features + 1));
	policy->explore = explore ? json_number_value(explore) : BANDIT_EXPLORE_DEFAULT;
	if (!policy->names || !policy->scores)
		return error_memory(error, ERROR_SYSTEM, "reading a policy");
	if (!(policy->explore >= 0 && policy->explore <= 1) || (explore && !json_is_number(explore)))
		return error_set(error, ERROR_INPUT, PLACE_NONE, "`explore` of the policy is no number from 0 to 1");
	for (size_t i = 0; i < policy->features; i++) {
		const char *feature = json_string_value(json_array_get(features, i));
		if (!feature)
			return error_set(error, ERROR_INPUT, PLACE_NONE, "`features` of the policy is no list of names");
		if (!feature_check(joined, feature, error))
			return false;
		policy->names[i] = text_of(arena_copy(arena, feature, strlen(feature)));
	}
	for (size_t i = 0; i < joined->arms; i++)
		policy->scores[i * (policy->features + 1)] = NAN;
	json_object_foreach((json_t *)(uintptr_t)scores, name, row)
	{
		if (!arm_named(joined, name, &arm, error))
			return false;
		if (json_array_size(row) != policy->features + 1)
			return error_set(error, ERROR_INPUT, PLACE_NONE,
					 "`scores` of `%s` in the policy must have %zu numbers: a constant, and one for each "
					 "feature",
					 name, policy->features + 1);
		for (size_t i = 0; i <= policy->features; i++) {
			if (!json_is_number(json_array_get(row, i)))
				return error_set(error, ERROR_INPUT, PLACE_NONE,
						 "`scores` of `%s` in the policy are not all numbers", name);
			policy->scores[arm * (policy->features + 1) + i] = json_number_value(json_array_get(row, i));
		}
		policy->scored++;
	}
	return policy->scored > 0 || error_set(error, ERROR_INPUT, PLACE_NONE, "the policy has no `scores`");
}

/* Forms of a policy, and what is beside the last one. */
#define POLICY_FORMS "always probabilities scores"
#define POLICY_SCORED "features explore"

/* One form, and nothing that it does not use. */
static bool policy_members_check(const json_t *document, struct error *error)
{
	const char *name, *form = NULL;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)document, name, value)
	{
		struct suggestion suggestion = suggest_begin(text_of(name));
		if (choice_find(POLICY_FORMS, text_of(name), &suggestion) < 0) {
			if (choice_find(POLICY_SCORED, text_of(name), &suggestion) < 0)
				return error_set(error, ERROR_INPUT, PLACE_NONE, "a policy has no member `%s`%s" TEXT_FORMAT "%s",
						 name, suggestion.nearest.bytes ? "; did you mean `" : "",
						 TEXT_ARGUMENTS(suggestion.nearest), suggestion.nearest.bytes ? "`?" : "");
			if (!json_object_get(document, "scores"))
				return error_set(error, ERROR_INPUT, PLACE_NONE,
						 "the policy has `%s` without `scores`, which it belongs to; write these, or leave "
						 "it out",
						 name);
		} else if (form) {
			return error_set(error, ERROR_INPUT, PLACE_NONE, "the policy has both `%s` and `%s`; leave one of them out",
					 form, name);
		} else {
			form = name;
		}
	}
	return true;
}

static bool policy_take(struct file_policy *policy, const json_t *document, const struct joined *joined, struct arena *arena,
			struct error *error)
{
	const json_t *always = json_object_get(document, "always"), *chances = json_object_get(document, "probabilities");
	size_t arm;
	policy->arms = joined->arms;
	if (!policy_members_check(document, error))
		return false;
	if (json_is_string(always)) {
		if (!arm_named(joined, json_string_value(always), &arm, error))
			return false;
		policy->fixed[arm] = 1;
		return true;
	}
	if (json_is_object(chances))
		return policy_read_fixed(policy, chances, joined, error);
	if (json_is_object(json_object_get(document, "scores")))
		return policy_read_scores(policy, document, joined, arena, error);
	return error_set(error, ERROR_INPUT, PLACE_NONE,
			 "the policy has none of `always`, `probabilities` and `scores`; write {\"always\": \"VARIANT\"}, for "
			 "example");
}

bool file_policy_open(struct file_policy *policy, const char *path, const struct joined *joined, struct arena *arena,
		      struct error *error)
{
	json_error_t wrong;
	struct text text;
	*policy = (struct file_policy){0};
	if (!file_read(path, POLICY_BYTES_MAX, arena, &text, error))
		return false;
	json_t *document = json_loadb(text.bytes, text.length, JSON_REJECT_DUPLICATES, &wrong);
	const bool good =
		document ? policy_take(policy, document, joined, arena, error)
			 : error_set(error, ERROR_INPUT, (struct place){path, (uint32_t)wrong.line, (uint32_t)wrong.column},
				     "the policy is not JSON: %s", wrong.text);
	json_decref(document);
	if (!good && error->place.line == 0 && error->kind == ERROR_INPUT)
		error->place = (struct place){path, 1, 1};
	return good;
}

double exposure_feature(const struct joined_exposure *exposure, struct text name)
{
	for (size_t i = 0; i < exposure->feature_count; i++)
		if (text_equal(exposure->features[i].name, name) && isfinite(exposure->features[i].value))
			return exposure->features[i].value;
	return 0;
}

void file_policy_chances(const struct file_policy *policy, const struct joined_exposure *exposure, double *chances)
{
	double scores[ANALYSIS_ARMS_MAX];
	memcpy(chances, policy->fixed, policy->arms * sizeof *chances);
	if (policy->scored == 0)
		return;
	for (size_t arm = 0; arm < policy->arms; arm++) {
		const double *row = policy->scores + arm * (policy->features + 1);
		scores[arm] = row[0];
		for (size_t i = 0; i < policy->features; i++)
			scores[arm] += row[i + 1] * exposure_feature(exposure, policy->names[i]);
		chances[arm] = isnan(row[0]) ? 0 : policy->explore / (double)policy->scored;
	}
	chances[arm_of_greatest(scores, policy->arms)] += 1 - policy->explore;
}
