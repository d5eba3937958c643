/* drift_remarks.c: see drift_remarks.h. */
#include "steps/drift/drift_remarks.h"

#include <assert.h>
#include <math.h>

const char *drift_reference_unjudged(const struct drift_reference *reference)
{
	static_assert(DRIFT_VALUES_MIN == 50, "the number is in the text");
	return reference->rows == 0 || drift_reference_compares(reference)
		       ? NULL
		       : "every feature has fewer than 50 values there, so only missing values are judged";
}

const char *drift_reference_remark(const struct drift_reference *reference, struct arena *arena)
{
	size_t blind = 0, first = 0;
	for (size_t i = 0; i < reference->feature_count; i++)
		if (!drift_feature_is_compared(&reference->features[i], reference->rows) && blind++ == 0)
			first = i;
	if (blind == 0)
		return NULL;
	return arena_print(arena,
			   "%zu of %zu features have fewer than %d values in the reference: only their missing values are judged, "
			   "and no drift is found in them; the first is `" TEXT_FORMAT "`",
			   blind, reference->feature_count, DRIFT_VALUES_MIN, TEXT_ARGUMENTS(reference->features[first].name));
}

/* Whether its values are all equal, `value` says to which. Texts that are none of the commonest may differ. */
static bool is_constant(const struct drift_feature *feature, size_t rows, double *value)
{
	*value = (double)NAN;
	for (size_t i = 0; i < rows; i++) {
		if (isnan(feature->values[i]))
			continue;
		if (!isnan(*value) && feature->values[i] != *value)
			return false;
		*value = feature->values[i];
	}
	if (!drift_feature_is_compared(feature, rows))
		return false;
	return feature->categories ? !feature->open || *value + 1 < (double)feature->category_count
				   : feature->least == feature->greatest;
}

const char *drift_constants_remark(const struct drift_reference *reference, struct arena *arena)
{
	size_t some = 0, first = 0;
	double value, always = 0;
	for (size_t i = 0; i < reference->feature_count; i++)
		if (is_constant(&reference->features[i], reference->rows, &value) && some++ == 0) {
			first = i;
			always = value;
		}
	if (some == 0)
		return NULL;
	const struct drift_feature *feature = &reference->features[first];
	const char *number = arena_print(arena, "%.6g", always);
	const struct text shown = feature->categories ? feature->category_names[(size_t)always] : text_of(number ? number : "");
	return arena_print(arena,
			   "%zu of %zu features have a single value in the reference: a window is judged by how many of its values "
			   "are another one, however near that is; the first is `" TEXT_FORMAT "`, always " TEXT_FORMAT,
			   some, reference->feature_count, TEXT_ARGUMENTS(feature->name), TEXT_ARGUMENTS(shown));
}

/* To two digits; in print, %.2g would give those of a large number an exponent. */
static double two_digits_of(double number)
{
	const double unit = pow(10, floor(log10(number)) - 1);
	return round(number / unit) * unit;
}

#define LOST_SELDOM 1e-5 /* of windows: so few alarms more are of no account */

const char *drift_lost_remark(const struct drift_reference *reference, const struct monitor_settings *settings, struct arena *arena)
{
	size_t some = 0, most = 0;
	double chance = 0;
	for (size_t i = 0; i < reference->feature_count; i++) {
		const double own = monitor_lost_chance(reference, i, settings);
		some += own > LOST_SELDOM;
		most = own > chance ? i : most;
		chance = own > chance ? own : chance;
	}
	if (some == 0)
		return NULL;
	return arena_print(
		arena,
		"%zu of %zu features are missing in runs, too few to know how long these become. A window that lacks nine "
		"tenths of such a feature has an alarm of quality beyond `falseAlarms`: without a loss about one window in "
		"%.6g for `" TEXT_FORMAT "`, which has the most",
		some, reference->feature_count, two_digits_of(1 / chance), TEXT_ARGUMENTS(reference->features[most].name));
}

/* ---- features without any drift ---- */

#define LEARNING_BYTES ((size_t)512 << 20)
#define NAMED 3	      /* features, in a remark on one cause; on several, one each, so that a fault has all of it */
#define NAME_SHOWN 30 /* bytes of a name */

struct unwatched {
	const struct drift_reference *reference;
	bool by_time;  /* windows */
	size_t sights; /* how many causes there are */
	size_t count; /* of that sight */
	size_t rows;  /* of a window */
	bool spans_an_hour;
	const char *names; /* of the first of them, each with its words */
};

/* What is said of a feature beside its name. */
typedef const char *named_words(const char *name, const struct monitor_reach *reach, struct arena *arena);

static const char *trend_words(const char *name, const struct monitor_reach *reach, struct arena *arena)
{
	return arena_print(arena, "%s %s, and says there as much as %.0f independent values", name,
			   reach->falls ? "falls" : "rises", reach->independent_values);
}

static const char *dependence_words(const char *name, const struct monitor_reach *reach, struct arena *arena)
{
	return arena_print(arena, "%s says there as much as %.0f independent values", name, reach->independent_values);
}

static const char *name_words(const char *name, const struct monitor_reach *reach, struct arena *arena)
{
	(void)reach, (void)arena;
	return name;
}

/* The name, or the beginning of a long one. */
static const char *name_shown(const struct drift_feature *feature, struct arena *arena)
{
	const struct text name = feature->name;
	size_t length = name.length < NAME_SHOWN ? name.length : NAME_SHOWN;
	while (length < name.length && length > 0 && ((unsigned char)name.bytes[length] & 0xC0) == 0x80)
		length--;
	return arena_print(arena, "`%.*s%s`", (int)length, name.bytes, length < name.length ? "..." : "");
}

/* Finds the features of that sight, and names the first ones. */
static bool unwatched_find(struct unwatched *found, const struct monitor_reach *reaches, enum monitor_sight sight,
			   named_words *words, struct arena *arena)
{
	const size_t named = found->sights > 1 ? 1 : NAMED;
	found->count = 0;
	found->names = "";
	for (size_t i = 0; i < found->reference->feature_count; i++) {
		if (reaches[i].sight != sight)
			continue;
		found->spans_an_hour = reaches[i].spans_an_hour;
		found->rows = reaches[i].rows;
		if (found->count++ >= named)
			continue;
		const char *name = name_shown(&found->reference->features[i], arena);
		const char *own = name ? words(name, &reaches[i], arena) : NULL;
		found->names = own ? arena_print(arena, "%s%s%s", found->names, found->count > 1 ? "; " : "", own) : NULL;
		if (!found->names)
			return false;
	}
	if (found->count > named)
		found->names = arena_print(arena, "%s; and %zu more", found->names, found->count - named);
	return found->names && found->count > 0;
}

/* The window in which there is none. */
static const char *window_words(const struct unwatched *found, struct arena *arena)
{
	const char *words = arena_print(arena, "no %swindow of %zu rows%s can have drift in", found->by_time ? "usual " : "",
					found->rows, found->spans_an_hour ? ", if it takes an hour at most," : "");
	return words ? words : "";
}

#define LARGER_WINDOWS "Take larger windows, or a reference of a longer time"
#define OTHER_SETTINGS "Take larger windows, fewer features or methods, or a higher rate"

static const char *first_remark(const struct unwatched *found, enum monitor_sight sight, struct arena *arena)
{
	const size_t all = found->reference->feature_count;
	if (sight == MONITOR_BLIND_BY_TREND)
		return arena_print(
			arena,
			"%zu of %zu features rise or fall over the reference, so %s them, whatever its values are: %s. "
			"Learn the reference from fewer rows, over which they are steady, or watch their change from one "
			"message to the next, as `x - lag(x, 1)` in a step `features`",
			found->count, all, window_words(found, arena), found->names);
	if (sight == MONITOR_BLIND_BY_DEPENDENCE)
		return arena_print(arena,
				   "%zu of %zu features follow so closely from the rows before, as in a season or in states that "
				   "last, that %s them, whatever its values are: %s. " LARGER_WINDOWS,
				   found->count, all, window_words(found, arena), found->names);
	return arena_print(arena,
			   "%s %zu of %zu features, whatever its values are, at this rate of false alarms: %s. " OTHER_SETTINGS,
			   window_words(found, arena), found->count, all, found->names);
}

/* After the first one. */
static const char *further_remark(const struct unwatched *found, enum monitor_sight sight, struct arena *arena)
{
	if (sight == MONITOR_BLIND_BY_DEPENDENCE)
		return arena_print(arena,
				   "Nor can it in %zu that follow closely from the rows before, as in a season or in states that "
				   "last: %s. " LARGER_WINDOWS,
				   found->count, found->names);
	return arena_print(arena, "Nor can it in %zu at this rate of false alarms: %s. " OTHER_SETTINGS, found->count,
			   found->names);
}

/* What was said so far, and sentences on those of that sight, if there are some. NULL: nothing. */
static const char *sight_remark(const char *before, struct unwatched *found, const struct monitor_reach *reaches,
				enum monitor_sight sight, struct arena *arena)
{
	named_words *const words = sight == MONITOR_BLIND_BY_TREND		     ? trend_words
				   : sight == MONITOR_BLIND_BY_DEPENDENCE && !before ? dependence_words
										     : name_words;
	if (!unwatched_find(found, reaches, sight, words, arena))
		return before;
	if (!before)
		return first_remark(found, sight, arena);
	const char *further = further_remark(found, sight, arena);
	return further ? arena_print(arena, "%s. %s", before, further) : before;
}

/* ---- tests that find large changes alone ---- */

#define TO_DIGITS "%.2g"

static bool change_is_large(const struct monitor_reach *reach, int method)
{
	return reach->changes[method] > (reach->categories ? MONITOR_LARGE_SHARE : MONITOR_LARGE_SHIFT);
}

/* Whether the tests of the feature find large changes alone: it is not, if one finds smaller ones. */
static bool has_large(const struct monitor_reach *reach)
{
	bool large = false;
	for (int method = 0; method < MONITOR_METHODS; method++)
		if (!isnan(reach->changes[method]) && !change_is_large(reach, method))
			return false;
		else
			large = large || change_is_large(reach, method);
	return large;
}

/* "`x` (ks 1.4 standard deviations, psi none)": the tests, each with the smallest change that it finds. */
static const char *large_words(const char *name, const struct monitor_reach *reach, struct arena *arena)
{
	const char *words = "";
	for (int method = 0; words && method < MONITOR_METHODS; method++) {
		if (!change_is_large(reach, method))
			continue;
		const char *comma = *words ? ", " : "", *test = monitor_method_names[method];
		if (isinf(reach->changes[method]))
			words = arena_print(arena, "%s%s%s none", words, comma, test);
		else if (reach->categories)
			words = arena_print(arena, "%s%s%s " TO_DIGITS " of the values", words, comma, test,
					    reach->changes[method]);
		else
			words = arena_print(arena, "%s%s%s " TO_DIGITS " standard deviations", words, comma, test,
					    reach->changes[method]);
	}
	return words ? arena_print(arena, "%s (%s)", name, words) : NULL;
}

/* NULL: there are none. */
static const char *large_remark(const struct drift_reference *reference, const struct monitor_reach *reaches, size_t named,
				struct arena *arena)
{
	size_t count = 0, rows = 0;
	const char *names = "";
	for (size_t i = 0; names && i < reference->feature_count; i++) {
		if (!has_large(&reaches[i]) || count++ >= named)
			continue;
		const char *name = name_shown(&reference->features[i], arena);
		const char *own = name ? large_words(name, &reaches[i], arena) : NULL;
		names = own ? arena_print(arena, "%s%s%s", names, count > 1 ? "; " : "", own) : NULL;
		rows = reaches[i].rows;
	}
	if (count == 0 || !names)
		return NULL;
	if (count > named)
		names = arena_print(arena, "%s; and %zu more", names, count - named);
	return arena_print(arena,
			   "In windows of %zu rows, tests of %zu of %zu features find large changes alone, of more than a standard "
			   "deviation or of more than half of the values. The smallest change that each of these finds: %s",
			   rows, count, reference->feature_count, names ? names : "");
}

/* Whether a window of a whole season, or a larger one, would help the feature. */
static bool wants_season(const struct monitor_reach *reach)
{
	return reach->season > 0 && (reach->sight == MONITOR_BLIND_BY_DEPENDENCE || has_large(reach));
}

/* What to do about such features. */
static const char *season_remark(const struct drift_reference *reference, const struct monitor_reach *reaches, bool by_time,
				 struct arena *arena)
{
	size_t first = 0;
	while (first < reference->feature_count && !wants_season(&reaches[first]))
		first++;
	const char *name = first < reference->feature_count ? name_shown(&reference->features[first], arena) : NULL;
	if (!name)
		return NULL;
	if (by_time)
		return arena_print(arena,
				   "%s repeats about every %zu rows: take a window of the time of a whole season, or of several",
				   name, reaches[first].season);
	const size_t season = reaches[first].season, seasons = (reaches[first].rows + season - 1) / season; /* no smaller window */
	return arena_print(arena, "%s repeats about every %zu rows: take a window of %s, `window: %zu`, or of %s", name, season,
			   seasons > 1 ? "whole seasons" : "a whole season", seasons * season, seasons > 1 ? "more" : "several");
}

static const char *sentences_join(const char *before, const char *more, struct arena *arena)
{
	return !before ? more : !more ? before : arena_print(arena, "%s. %s", before, more);
}

static const char *large_advice(const struct monitor_reach *reaches, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (has_large(&reaches[i]) && reaches[i].independent_values * 2 < (double)reaches[i].values)
			return LARGER_WINDOWS;
	return OTHER_SETTINGS;
}

static const char *unwatched_remark(const struct monitor *monitor, const struct drift_reference *reference,
				    const struct monitor_settings *settings, struct arena *arena)
{
	struct unwatched found = {.reference = reference, .by_time = settings->window_ms > 0};
	struct monitor_reach *reaches = ARENA_ARRAY(arena, struct monitor_reach, reference->feature_count);
	unsigned sights = 0;
	const char *remark = NULL;
	if (!reaches)
		return NULL;
	for (size_t i = 0; i < reference->feature_count; i++) {
		reaches[i] = monitor_reach_of(monitor, reference, i);
		sights |= 1U << reaches[i].sight;
	}
	for (enum monitor_sight sight = MONITOR_BLIND_BY_TREND; sight <= MONITOR_BLIND_BY_SIZE; sight++)
		found.sights += sights >> sight & 1;
	for (enum monitor_sight sight = MONITOR_BLIND_BY_TREND; sight <= MONITOR_BLIND_BY_SIZE; sight++)
		remark = sight_remark(remark, &found, reaches, sight, arena);
	if (remark && sights & (1U << MONITOR_BLIND_BY_TREND | 1U << MONITOR_BLIND_BY_DEPENDENCE) &&
	    settings->methods >> MONITOR_MMD & 1)
		remark = arena_print(arena,
			   "%s. Besides, mmd counts the rows of all features like those of the one that follows most from rows "
			   "before: leave such features out of `tensors`",
			   remark);
	const char *large = large_remark(reference, reaches, remark ? 1 : NAMED, arena);
	const char *season = season_remark(reference, reaches, found.by_time, arena);
	if (large)
		season = season ? season : large_advice(reaches, reference->feature_count);
	return sentences_join(sentences_join(remark, large, arena), season, arena);
}

const char *drift_unwatchable_remark(const struct drift_reference *reference, const struct monitor_settings *settings,
				     struct arena *arena)
{
	struct error error = {0};
	struct arena *learning = arena_open(LEARNING_BYTES);
	const struct monitor *monitor = learning ? monitor_learn(learning, reference, settings, &error) : NULL;
	const char *remark = monitor ? unwatched_remark(monitor, reference, settings, arena) : NULL;
	arena_close(learning);
	return remark;
}

struct drift_remarks drift_remarks_of(const struct drift_reference *reference, const struct monitor_settings *settings,
				      const struct monitor *monitor, struct arena *arena)
{
	return (struct drift_remarks){drift_reference_remark(reference, arena), drift_constants_remark(reference, arena),
				      drift_lost_remark(reference, settings, arena),
				      monitor ? unwatched_remark(monitor, reference, settings, arena)
					      : drift_unwatchable_remark(reference, settings, arena)};
}

void drift_remarks_say(const struct drift_remarks *remarks, const struct fit_source *source)
{
	fit_source_remark(source, remarks->uncompared);
	fit_source_remark(source, remarks->constants);
	fit_source_remark(source, remarks->lost);
	fit_source_remark(source, remarks->unwatchable);
}
