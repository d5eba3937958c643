/* monitor_joint.c: Joint tests of a drift monitor: all numeric features as one vector, the sets that its settings name, and the
 * directions of each projected tensor. */
#include "methods/drift/monitor_parts.h"
#include "methods/drift/projection.h"

static bool joints_wanted(const struct monitor_settings *settings)
{
	return settings->set_count > 0 || settings->methods >> MONITOR_MMD & 1;
}

/* ---- checks ---- */

bool monitor_joints_check_window(const struct monitor_settings *settings, struct error *error)
{
	return !joints_wanted(settings) || settings->window_ms > 0 || settings->window_rows >= JOINT_ROWS_MIN ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "a window of %lld rows is too small for `mmd`; give %d or more, or leave `mmd` out",
			 (long long)settings->window_rows, JOINT_ROWS_MIN);
}

/* A name is that of a tensor, or of one feature. */
static bool feature_is_named(const struct drift_reference *reference, size_t feature, struct text name)
{
	return text_equal(reference->features[feature].name, name) || projection_feature_is_of(reference, feature, name);
}

/* CONFIG: no feature has the name, or one has texts. */
static bool name_check(const struct drift_reference *reference, const struct monitor_set *set, const struct name *name,
		       struct error *error)
{
	size_t found = 0;
	for (size_t i = 0; i < reference->feature_count; i++) {
		if (!feature_is_named(reference, i, text_of(name->text)))
			continue;
		if (reference->features[i].categories)
			return error_set(error, ERROR_CONFIG, name->place,
					 "`%s` has texts, and `mmd` compares numbers; leave it out of set `%s`", name->text,
					 set->name.text);
		found++;
	}
	return found > 0 || error_set(error, ERROR_CONFIG, name->place,
				      "the reference has no feature `%s` of set `%s`; name a tensor, or TENSOR.COLUMN, that it has",
				      name->text, set->name.text);
}

bool monitor_set_check(const struct drift_reference *reference, const struct monitor_set *set, struct error *error)
{
	for (size_t i = 0; i < set->features.count; i++)
		if (!name_check(reference, set, &set->features.items[i], error))
			return false;
	return true;
}

bool monitor_joints_check(const struct drift_reference *reference, const struct monitor_settings *settings, struct error *error)
{
	if (!joints_wanted(settings) || reference->rows == 0)
		return true;
	if (reference->rows < JOINT_REFERENCE_ROWS_MIN)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the reference has %zu rows, and `mmd` needs %d or more to know how columns go together; give "
				 "more rows, or leave `mmd` out",
				 reference->rows, JOINT_REFERENCE_ROWS_MIN);
	for (size_t i = 0; i < settings->set_count; i++)
		if (!monitor_set_check(reference, &settings->sets[i], error))
			return false;
	return true;
}

/* ---- learning ---- */

_Static_assert(DRIFT_FEATURES_MAX <= JOINT_COLUMNS_MAX, "a joint test may have all features");

/* Features of a reference that are compared as one vector: so many, from the first on. */
struct compared {
	const char *name;	       /* NULL: all features, of which the test has no name of its own */
	const struct name_list *names; /* of those in question; NULL: all are */
	size_t first, count;
};

static bool compared_has(const struct compared *compared, const struct drift_reference *reference, size_t feature)
{
	const struct name_list *names = compared->names;
	for (size_t i = 0; names && i < names->count; i++)
		if (feature_is_named(reference, feature, text_of(names->items[i].text)))
			return true;
	return !names;
}

/* Adds their test, unless none of the features can be compared: numbers that vary, of which the reference has enough. */
static bool joint_learn(struct monitor_joints *joints, const struct drift_reference *reference,
			const struct watched_feature *features, const struct compared *compared, struct arena *arena)
{
	struct joint_part *part = &joints->parts[joints->count];
	struct monitor_joint *finding = &joints->findings[joints->count];
	const double **columns = ARENA_ARRAY(arena, const double *, compared->count);
	const char *name = compared->name;
	double dependence = 1;
	size_t count = 0;
	part->columns = ARENA_ARRAY(arena, const double *, compared->count);
	finding->name = name ? text_of(arena_print(arena, MONITOR_JOINT_NAME "/%s", name)) : TEXT(MONITOR_JOINT_NAME);
	if (!columns || !part->columns || !finding->name.bytes)
		return false;
	for (size_t i = compared->first; i < compared->first + compared->count; i++) {
		const struct watched_feature *watched = &features[i];
		if (watched->categories || watched->count < DRIFT_REFERENCE_ROWS_MIN / 2 || !(watched->deviation > 0) ||
		    !compared_has(compared, reference, i))
			continue;
		dependence = watched->dependence > dependence ? watched->dependence : dependence;
		columns[count] = reference->features[i].values;
		part->columns[count++] = watched->values;
	}
	if (count == 0)
		return true;
	joints->count++;
	part->joint = joints->fits ? joint_open(arena, columns, count, reference->rows, dependence) : NULL;
	return part->joint || !joints->fits;
}

/* Of all features, or of the set. */
static bool set_learn(struct monitor_joints *joints, const struct drift_reference *reference,
		      const struct watched_feature *features, const struct monitor_set *set, struct arena *arena)
{
	const struct compared compared = {
		.name = set ? set->name.text : NULL, .names = set ? &set->features : NULL, .count = reference->feature_count};
	return joint_learn(joints, reference, features, &compared, arena);
}

/* Whether the feature is the first direction of a tensor. */
static bool is_first_direction(const struct drift_reference *reference, size_t feature)
{
	return projection_run(&reference->features[feature], 1) == 1;
}

/* Whether the directions of a tensor are compared together already: as a set, or because there are no other features. */
static bool is_compared(const struct monitor_settings *settings, const struct drift_reference *reference, struct text tensor)
{
	bool alone = settings->methods >> MONITOR_MMD & 1;
	for (size_t i = 0; i < reference->feature_count; i++)
		alone = alone && reference->features[i].width > 0 &&
			text_equal(projection_tensor(reference->features[i].name), tensor);
	for (size_t i = 0; i < settings->set_count; i++) {
		const struct monitor_set *set = &settings->sets[i];
		if (text_is(tensor, set->name.text))
			return true;
		for (size_t j = 0; j < set->features.count; j++)
			if (text_is(tensor, set->features.items[j].text))
				return true;
	}
	return alone;
}

/* Adds the test of a projected tensor, of which the feature is the first direction. */
static bool projected_learn(struct monitor_joints *joints, const struct drift_reference *reference,
			    const struct watched_feature *features, size_t first, struct arena *arena)
{
	const struct text tensor = projection_tensor(reference->features[first].name);
	const struct compared compared = {.name = arena_copy(arena, tensor.bytes, tensor.length),
					  .first = first,
					  .count = projection_run(reference->features + first, reference->feature_count - first)};
	return compared.name && joint_learn(joints, reference, features, &compared, arena);
}

/* Those of all that are not compared together by the settings. Windows and references may be too small for them. */
static bool projected_all_learn(struct monitor_joints *joints, const struct drift_reference *reference,
				const struct watched_feature *features, const struct monitor_settings *settings,
				struct arena *arena)
{
	const bool small = settings->window_ms == 0 && settings->window_rows < JOINT_ROWS_MIN;
	bool good = true;
	for (size_t i = 0; good && !small && reference->rows >= JOINT_REFERENCE_ROWS_MIN && i < reference->feature_count; i++)
		if (is_first_direction(reference, i) &&
		    !is_compared(settings, reference, projection_tensor(reference->features[i].name)))
			good = projected_learn(joints, reference, features, i, arena);
	return good;
}

bool monitor_joints_learn(struct monitor_joints *joints, const struct drift_reference *reference,
			  const struct watched_feature *features, const struct monitor_settings *settings, bool fits,
			  struct arena *arena)
{
	size_t most = settings->set_count + 2;
	*joints = (struct monitor_joints){.fits = fits};
	for (size_t i = 0; i < reference->feature_count; i++)
		most += is_first_direction(reference, i);
	if (reference->rows == 0)
		return true;
	joints->parts = ARENA_ARRAY(arena, struct joint_part, most);
	joints->findings = ARENA_ARRAY(arena, struct monitor_joint, most);
	bool good = joints->parts && joints->findings;
	if (settings->methods >> MONITOR_MMD & 1)
		good = good && set_learn(joints, reference, features, NULL, arena);
	for (size_t i = 0; i < settings->set_count; i++)
		good = good && set_learn(joints, reference, features, &settings->sets[i], arena);
	if (settings->methods >> MONITOR_CHANGE & 1)
		good = good && monitor_change_add(joints, reference, features, arena);
	return good && projected_all_learn(joints, reference, features, settings, arena);
}

/* ---- tests ---- */

size_t monitor_joints_test(const struct monitor_joints *joints, size_t rows, double alpha)
{
	if (rows < JOINT_ROWS_MIN)
		return 0;
	for (size_t i = 0; i < joints->count; i++) {
		if (joints->parts[i].change) {
			monitor_change_test(&joints->parts[i], rows, &joints->findings[i]);
			continue;
		}
		const struct joint_finding found = joint_compare(joints->parts[i].joint, joints->parts[i].columns, rows, alpha);
		joints->findings[i].test = (struct monitor_test){.method = MONITOR_MMD,
								 .statistic = found.unbiased,
								 .p = found.p,
								 .effect = found.distance,
								 .level = found.level,
								 .established = found.distance > found.level};
	}
	return joints->count;
}
