/* monitor_change.c: The change detector (change/change.h) as a joint test of a drift monitor. It begins anew with each closed
 * window, so nothing of it is stored between two windows.
 */
#include <stdio.h>

#include "methods/drift/change/change.h"
#include "methods/drift/monitor_parts.h"

#define WINDOW_ROWS_MIN 100 /* fewer rows leave most of the detector's own windows empty */

struct monitor_change {
	struct change_detector *detector; /* NULL: no column varies enough */
	size_t count;
	const struct watched_feature **columns; /* as are the numbers of a row */
	double *row;
	char *pair; /* room for the names of two */
	size_t pair_bytes;
};

static bool is_wanted(const struct monitor_settings *settings)
{
	return settings->methods >> MONITOR_CHANGE & 1;
}

bool monitor_change_check(const struct monitor_settings *settings, struct error *error)
{
	if (!is_wanted(settings))
		return true;
	if (settings->window_ms > 0 || settings->rate.rows == 0)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "`change` has a rate of false alarms a row; give a `window` of messages and `falseAlarms` by "
				 "messages, such as `0.5 per 1000`, or leave `change` out");
	return settings->window_rows >= WINDOW_ROWS_MIN ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "a window of %lld rows is too small for `change`; give %d or more, or leave `change` out",
			 (long long)settings->window_rows, WINDOW_ROWS_MIN);
}

bool monitor_change_add(struct monitor_joints *joints, const struct drift_reference *reference,
			const struct watched_feature *features, struct arena *arena)
{
	struct monitor_change *self = ARENA_NEW(arena, struct monitor_change);
	struct joint_part *part = &joints->parts[joints->count];
	size_t longest = 0;
	if (!self)
		return false;
	part->columns = ARENA_ARRAY(arena, const double *, reference->feature_count);
	self->columns = ARENA_ARRAY(arena, const struct watched_feature *, reference->feature_count);
	self->row = ARENA_ARRAY(arena, double, reference->feature_count);
	for (size_t i = 0; part->columns && self->columns && self->row && i < reference->feature_count; i++) {
		if (features[i].categories || features[i].count < DRIFT_VALUES_MIN || !(features[i].deviation > 0))
			continue;
		longest = features[i].name.length > longest ? features[i].name.length : longest;
		self->columns[self->count] = &features[i];
		part->columns[self->count++] = features[i].values;
	}
	self->pair_bytes = 2 * longest + sizeof ", ";
	self->pair = arena_take(arena, self->pair_bytes, 1);
	part->change = self;
	joints->findings[joints->count].name = TEXT(MONITOR_JOINT_NAME);
	joints->count += self->count > 0;
	return self->pair && part->columns;
}

static struct monitor_change *change_of(const struct monitor_joints *joints)
{
	size_t i = 0;
	while (i < joints->count && !joints->parts[i].change)
		i++;
	return i < joints->count ? joints->parts[i].change : NULL;
}

bool monitor_change_open(struct monitor *self, const struct drift_reference *reference, struct arena *arena)
{
	struct monitor_change *change = change_of(&self->joints);
	struct error error = {0};
	if (!change)
		return true;
	const double rows = (double)self->settings.window_rows;
	const double level = monitor_test_level(self, self->settings.rate.alarms * rows / (double)self->settings.rate.rows);
	const struct table table = {reference->rows, change->count, ARENA_ARRAY(arena, double, reference->rows * change->count)};
	for (size_t row = 0; table.values && row < table.rows; row++)
		for (size_t i = 0; i < table.columns; i++)
			table.values[row * table.columns + i] =
				reference->features[change->columns[i] - self->features].values[row];
	change->detector = table.values ? change_open(arena, &table, 1000 * level / rows, &error) : NULL;
	return change->detector || error.kind == ERROR_CONFIG; /* no column varies enough: nothing is found */
}

/* The names of the columns of an alarm. */
static struct text alarm_name(const struct monitor_change *self, const struct change_alarm *alarm)
{
	const struct text column = self->columns[alarm->column]->name, other = self->columns[alarm->other]->name;
	if (alarm->kind == CHANGE_JOINT)
		return TEXT(MONITOR_JOINT_NAME);
	if (alarm->column == alarm->other)
		return column;
	(void)snprintf(self->pair, self->pair_bytes, TEXT_FORMAT ", " TEXT_FORMAT, TEXT_ARGUMENTS(column), TEXT_ARGUMENTS(other));
	return text_of(self->pair);
}

/* The effect is by how much the mean score of the rows of the alarm is off, in standard deviations of a score. */
void monitor_change_test(const struct joint_part *part, size_t rows, struct monitor_joint *finding)
{
	struct monitor_change *self = part->change;
	struct change_alarm alarm = {0};
	bool found = false;
	*finding = (struct monitor_joint){TEXT(MONITOR_JOINT_NAME), {.method = MONITOR_CHANGE, .p = (double)NAN}};
	if (!self->detector)
		return;
	change_begin(self->detector);
	for (size_t row = 0; row < rows && !found; row++) {
		for (size_t i = 0; i < self->count; i++)
			self->row[i] = part->columns[i][row];
		found = change_add(self->detector, self->row, &alarm);
	}
	if (!found)
		return;
	finding->name = alarm_name(self, &alarm);
	finding->test.statistic = fabs(alarm.score);
	finding->test.effect = fabs(alarm.score) / sqrt((double)alarm.window);
	finding->test.level = alarm.level / sqrt((double)alarm.window);
	finding->test.established = true;
}
