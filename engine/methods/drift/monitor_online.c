/* monitor_online.c: Online methods of a drift monitor: the order of rows, looks into the open window, and their state as bytes. */
#include <math.h>
#include <stdlib.h>

#include "methods/drift/monitor_parts.h"

#define ELAPSED_LEAST 0.1     /* of a window by time, before its rows to come are known well enough */
#define STATE_BYTES_MOST 4400 /* of a feature, with all levels that ADWIN can have */

bool monitor_online_open(struct monitor *self, struct arena *arena)
{
	self->moments = ARENA_ARRAY(arena, struct monitor_moment, self->room);
	self->scratch.order = ARENA_ARRAY(arena, struct monitor_place, self->room);
	self->looks.begun = arena_take_raw(arena, self->feature_count * STATE_BYTES_MOST);
	self->looks.features = ARENA_ARRAY(arena, struct monitor_feature, self->feature_count);
	return self->moments && self->scratch.order && self->looks.begun && self->looks.features;
}

bool monitor_is_online(const struct monitor *monitor)
{
	return monitor->moments;
}

/* ---- order ---- */

static int place_compare(const void *left, const void *right)
{
	const struct monitor_place *a = left, *b = right;
	if (a->moment.time_ms != b->moment.time_ms)
		return a->moment.time_ms < b->moment.time_ms ? -1 : 1;
	if (a->moment.partition != b->moment.partition)
		return a->moment.partition < b->moment.partition ? -1 : 1;
	return a->row < b->row ? -1 : 1;
}

/* By time, then by partition, then as they came; most windows have that order already. */
static void rows_order(struct monitor *self, size_t from)
{
	struct monitor_place *order = self->scratch.order;
	bool ordered = true;
	for (size_t i = from; order && i < self->kept; i++) {
		order[i] = (struct monitor_place){self->moments[i], i};
		ordered = ordered && (i == from || place_compare(&order[i - 1], &order[i]) < 0);
	}
	if (order && !ordered)
		qsort(order + from, self->kept - from, sizeof *order, place_compare);
}

/* ---- the state ---- */

static void state_write(const struct monitor *self, char *bytes)
{
	for (size_t i = 0; i < self->feature_count; i++)
		if (self->features[i].detectors) {
			detectors_write(self->features[i].detectors, bytes);
			bytes += detectors_bytes(self->features[i].detectors);
		}
}

static size_t state_bytes(const struct monitor *self)
{
	size_t bytes = 0;
	for (size_t i = 0; i < self->feature_count; i++)
		bytes += self->features[i].detectors ? detectors_bytes(self->features[i].detectors) : 0;
	return bytes;
}

static void state_begin(struct monitor *self)
{
	for (size_t i = 0; i < self->feature_count; i++)
		if (self->features[i].detectors)
			detectors_begin(self->features[i].detectors);
}

static bool state_read(struct monitor *self, struct text bytes)
{
	bool good = bytes.length > 0;
	for (size_t i = 0; i < self->feature_count && good; i++)
		good = !self->features[i].detectors || detectors_read(self->features[i].detectors, &bytes);
	if (good && bytes.length == 0)
		return true;
	state_begin(self);
	return false;
}

/* The methods have their state of the beginning of a window. */
static void state_note(struct monitor *self)
{
	self->looks.begun_bytes = state_bytes(self);
	state_write(self, self->looks.begun);
}

size_t monitor_detectors_bytes(const struct monitor *monitor)
{
	return monitor->looks.begun_bytes;
}

void monitor_detectors_write(const struct monitor *monitor, char *bytes)
{
	memcpy(bytes, monitor->looks.begun, monitor->looks.begun_bytes);
}

bool monitor_detectors_read(struct monitor *monitor, struct text bytes)
{
	const bool good = state_read(monitor, bytes);
	monitor->looks.looked = 0;
	if (monitor_is_online(monitor))
		state_note(monitor);
	return good;
}

/* ---- looks ---- */

static void looks_rewind(struct monitor *self)
{
	if (self->looks.looked > 0)
		(void)state_read(self, (struct text){self->looks.begun, self->looks.begun_bytes});
	self->looks.looked = 0;
}

void monitor_looks_begin(struct monitor *self)
{
	struct monitor_looks *looks = &self->looks;
	looks_rewind(self);
	looks->possible = monitor_is_online(self) && !self->settings.segmented;
	looks->in_order = true;
	looks->most_ms = INT64_MIN;
	looks->alarm_row = 0;
	looks->alarm_ms = 0;
	if (monitor_is_online(self))
		state_note(self);
}

/* The chance of a false alarm at one row, of each test; 0: it is not known yet. It depends on nothing but the rows so far and the
 * position at the window's beginning, so a monitor that is filled again looks at the same level. */
static double look_rate(const struct monitor *self)
{
	const struct monitor_settings *settings = &self->settings;
	const struct monitor_rate *rate = &settings->rate;
	const double share = (1 - MONITOR_QUALITY_SHARE) / (double)self->test_count;
	double rows = (double)settings->window_rows, alpha;
	if (rate->rows > 0) {
		rows = rows > 0 ? rows : (double)self->kept;
		alpha = rate->alarms * rows / (double)rate->rows;
	} else if (rows > 0) {
		if (self->at.span_ms <= 0)
			return 0;
		alpha = rate->alarms * (double)self->at.span_ms / (double)rate->duration_ms;
	} else {
		const double elapsed = (double)(self->looks.most_ms + 1 - self->at.begin_ms) / (double)settings->window_ms;
		if (elapsed < ELAPSED_LEAST)
			return 0;
		rows = (double)self->kept / fmin(elapsed, 1);
		alpha = rate->alarms * (double)settings->window_ms / (double)rate->duration_ms;
	}
	return monitor_alpha_bounded(alpha) / rows * share;
}

/* Adds the alarms of a feature to the early verdict. `rows`: where each was raised, in the order. */
static void look_note(struct monitor *self, const struct watched_feature *watched,
		      const struct detector_finding findings[DETECTORS], const size_t rows[DETECTORS], struct monitor_place *first)
{
	struct monitor_verdict *early = &self->looks.early;
	struct monitor_feature *made = &self->looks.features[early->feature_count];
	*made = (struct monitor_feature){.name = watched->name, .count = self->kept};
	for (int i = 0; i < DETECTORS; i++) {
		const struct detector_finding *found = &findings[i];
		if (!found->alarm || found->effect < self->settings.effect)
			continue;
		const struct monitor_place *place = &self->scratch.order[rows[i]];
		if (early->feature_count + made->test_count == 0 || place->row < first->row)
			*first = *place;
		if (found->effect - found->level > early->score) {
			early->score = found->effect - found->level;
			early->feature = early->feature_count;
			early->test = made->test_count;
		}
		made->tests[made->test_count++] = (struct monitor_test){.method = (enum monitor_method)(MONITOR_PAGE_HINKLEY + i),
									.statistic = found->statistic,
									.p = found->p,
									.effect = found->effect,
									.level = found->level,
									.established = true};
	}
	early->feature_count += made->test_count > 0;
}

/* Whether all rows of the looks are before those that came since the last one, which are in order. */
static bool looks_precede(const struct monitor *self)
{
	const struct monitor_looks *looks = &self->looks;
	return looks->in_order && (looks->looked == 0 || looks->looked == self->kept ||
				   place_compare(&looks->latest, &self->scratch.order[looks->looked]) < 0);
}

/* Lets all methods see the rows that came since the last look. */
static void monitor_online_update(struct monitor *self, struct monitor_place *first)
{
	struct monitor_looks *looks = &self->looks;
	const size_t from = looks->looked, count = self->kept - from;
	rows_order(self, from);
	looks->in_order = looks_precede(self);
	looks->latest = self->scratch.order[self->kept - 1];
	const int64_t last_ms = looks->latest.moment.time_ms;
	looks->most_ms = last_ms > looks->most_ms ? last_ms : looks->most_ms;
	looks->looked = self->kept;
	const double rate = look_rate(self);
	for (size_t i = 0; i < self->feature_count; i++) {
		struct watched_feature *watched = &self->features[i];
		struct detector_finding findings[DETECTORS];
		size_t rows[DETECTORS];
		if (!watched->detectors)
			continue;
		for (size_t row = 0; row < count; row++)
			self->scratch.present[row] = watched->values[self->scratch.order[from + row].row];
		detectors_look(watched->detectors, self->scratch.present, count, rate, findings, rows);
		for (int j = 0; j < DETECTORS; j++)
			rows[j] += from;
		if (looks->alarm_row == 0)
			look_note(self, watched, findings, rows, first);
	}
}

static bool may_follow(const struct monitor *self, double alpha)
{
	for (size_t i = 0; i < self->feature_count; i++)
		if (self->features[i].detectors && !detectors_may_follow(self->features[i].detectors, self->kept, alpha))
			return false;
	return true;
}

void monitor_looks_end(struct monitor *self, double alpha)
{
	if (!monitor_is_online(self))
		return;
	if (!self->blank && self->looks.looked > 0 && self->at.stride == 1 && may_follow(self, alpha)) {
		rows_order(self, self->looks.looked);
		if (looks_precede(self))
			return;
	}
	looks_rewind(self);
	rows_order(self, 0);
}

/* The early verdict of the open window, whose first alarm is at that row. */
static void early_fill(struct monitor *self, const struct monitor_place *first)
{
	struct monitor_verdict *early = &self->looks.early;
	early->begin_ms = early->least_ms = self->at.least_ms;
	early->end_ms = early->most_ms = self->at.most_ms;
	early->rows = self->at.rows;
	early->late = self->at.late;
	early->judged = early->drifted = true;
	early->alarm_row = first->row + 1;
	early->alarm_ms = first->moment.time_ms;
	early->times.unjudged = "the window has not ended";
}

void monitor_looks_take(struct monitor *self, bool fresh)
{
	struct monitor_looks *looks = &self->looks;
	struct monitor_place first = {0};
	if (!looks->possible || self->at.stride > 1 || self->kept - looks->looked < MONITOR_LOOK_ROWS)
		return;
	looks->early = (struct monitor_verdict){.window = self->at.window, .features = looks->features};
	monitor_online_update(self, &first);
	if (looks->early.feature_count == 0)
		return;
	looks->alarm_row = first.row + 1;
	looks->alarm_ms = first.moment.time_ms;
	looks->due = fresh;
	early_fill(self, &first);
}

const struct monitor_verdict *monitor_early(struct monitor *monitor)
{
	return monitor->looks.due ? &monitor->looks.early : NULL;
}

/* ---- looks into windows of segments ---- */

/* The last look at or before so many rows; 0: there is none. */
static uint64_t look_before(uint64_t rows)
{
	uint64_t look = MONITOR_LOOK_ROWS;
	if (rows < look)
		return 0;
	while (look <= rows / 2)
		look *= 2;
	return look;
}

/* A rate in time is divided by segments whose number changes, so another look would have another level. */
bool monitor_look_is_due(const struct monitor *monitor, uint64_t before, uint64_t rows)
{
	return monitor_is_online(monitor) && monitor->settings.segmented && monitor->settings.rate.rows > 0 &&
	       look_before(rows) != look_before(before);
}

/* Each look sees the rows that came between it and the one before, so what it finds does not depend on those that come later. */
const struct monitor_verdict *monitor_look_back(struct monitor *monitor, uint64_t before)
{
	struct monitor_looks *looks = &monitor->looks;
	const size_t kept = monitor->kept, last = (size_t)look_before(monitor->at.rows);
	struct monitor_place first = {0};
	size_t found = 0;
	if (!monitor_look_is_due(monitor, before, monitor->at.rows) || monitor->at.stride > 1 || kept < last)
		return NULL;
	looks_rewind(monitor);
	looks->in_order = true;
	looks->early = (struct monitor_verdict){.window = monitor->at.window, .features = looks->features};
	for (size_t rows = MONITOR_LOOK_ROWS; rows <= last && found == 0; rows += MONITOR_LOOK_ROWS) {
		monitor->kept = rows;
		monitor_online_update(monitor, &first);
		found = looks->early.feature_count > 0 ? rows : 0;
	}
	monitor->kept = kept;
	if (found <= look_before(before)) /* nothing, or what an earlier look has found */
		return NULL;
	early_fill(monitor, &first);
	return &looks->early;
}
