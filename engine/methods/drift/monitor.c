/* monitor.c: Windows and verdicts of the drift monitor; see monitor.h. */
#include "methods/drift/monitor.h"

#include "methods/drift/monitor_parts.h"

#define TIME_MOST ((int64_t)1 << 60) /* so that differences of times do not overflow */
#define USUAL_ROWS 500 /* of a window by time, whose rows are not known before */

const char *const monitor_method_names[MONITOR_METHODS] = {
	"ks", "psi", "wasserstein", "jensen-shannon", "chi-square", "page-hinkley", "cusum", "adwin", "mmd", "change",
};

/* ---- opening ---- */

bool monitor_settings_check(const struct monitor_settings *settings, struct error *error)
{
	const struct monitor_rate *rate = &settings->rate;
	if ((settings->window_rows > 0) == (settings->window_ms > 0))
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "a window has a number of rows or a duration; give one of both");
	if (settings->window_ms == 0 && (settings->window_rows < MONITOR_ROWS_MIN || settings->window_rows > MONITOR_ROWS_MAX))
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "a window of %lld rows cannot be judged; give %d to %d rows, or a duration",
				 (long long)settings->window_rows, MONITOR_ROWS_MIN, MONITOR_ROWS_MAX);
	if (!monitor_joints_check_window(settings, error) || !monitor_change_check(settings, error))
		return false;
	if (!(rate->alarms > 0) || (rate->rows > 0) == (rate->duration_ms > 0))
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the rate of false alarms is a number above 0 in so many rows, or in a duration");
	return true;
}

bool monitor_reference_check(const struct drift_reference *reference, const struct monitor_settings *settings,
			     struct error *error)
{
	if (reference->feature_count < 1 || reference->feature_count > DRIFT_FEATURES_MAX)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "the reference has %zu features, and 1 to %d can be watched",
				 reference->feature_count, DRIFT_FEATURES_MAX);
	if (reference->rows > 0 && reference->rows < DRIFT_REFERENCE_ROWS_MIN)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the reference has %zu rows, and %d or more are needed to know what is usual; give more rows",
				 reference->rows, DRIFT_REFERENCE_ROWS_MIN);
	return monitor_joints_check(reference, settings, error);
}

/* For which laws are drawn. */
static size_t usual_rows(const struct monitor *self)
{
	return self->settings.window_rows ? (size_t)self->settings.window_rows : USUAL_ROWS;
}

static bool feature_learn(struct monitor *self, const struct drift_reference *reference, size_t feature, struct arena *arena)
{
	struct watched_feature *watched = &self->features[feature];
	watched->methods = self->settings.methods;
	watched->name = reference->features[feature].name;
	if (self->blank)
		return true;
	if (!watched_learn(watched, reference, feature, (size_t)monitor_window_rows(&self->settings, &reference->arrivals), arena))
		return false;
	watched->current = ARENA_ARRAY(arena, double, watched->bin_count + 1);
	self->number_count += !watched->categories;
	self->test_count += (watched->methods & ~MONITOR_ONLINE) != 0;
	for (unsigned methods = watched->methods & MONITOR_ONLINE; methods; methods &= methods - 1)
		self->test_count++;
	return watched->current;
}

/* The memory for the rows of a window. */
static bool window_open(struct monitor *self, struct arena *arena)
{
	self->room = self->settings.window_rows ? (size_t)self->settings.window_rows : MONITOR_ROWS_KEPT;
	for (size_t i = 0; i < self->feature_count; i++)
		self->features[i].values = ARENA_ARRAY(arena, double, self->room);
	self->scratch.present = ARENA_ARRAY(arena, double, self->room);
	self->scratch.sorted = ARENA_ARRAY(arena, double, self->room);
	self->scratch.parts = ARENA_ARRAY(arena, uint32_t, self->room);
	return !arena_failed(arena);
}

static bool features_learn(struct monitor *self, const struct drift_reference *reference, bool keeps_rows, struct arena *arena)
{
	bool online = false;
	if (keeps_rows && !window_open(self, arena))
		return false;
	for (size_t i = 0; i < self->feature_count; i++) {
		if (!feature_learn(self, reference, i, arena))
			return false;
		online = online || self->features[i].detectors;
	}
	if (!self->blank && !monitor_laws_learn(self, reference, usual_rows(self), arena))
		return false;
	if ((keeps_rows && online && !monitor_online_open(self, arena)) || !monitor_times_learn(self, reference, arena) ||
	    !monitor_joints_learn(&self->joints, reference, self->features, &self->settings, keeps_rows, arena))
		return false;
	self->test_count += self->joints.count;
	return !keeps_rows || monitor_change_open(self, reference, arena);
}

struct monitor_position monitor_start(void)
{
	return (struct monitor_position){.stride = 1,
					 .begin_ms = INT64_MIN, /* no window by time is open */
					 .least_ms = INT64_MAX,
					 .most_ms = INT64_MIN,
					 .before_ms = INT64_MIN /* no window by count has ended */};
}

static void window_begin(struct monitor *self)
{
	self->at.rows = self->at.late = 0;
	self->kept = 0;
	self->at.stride = 1;
	self->at.least_ms = INT64_MAX;
	self->at.most_ms = INT64_MIN;
	self->at.step_ms = 0;
	self->set_back = false;
	monitor_looks_begin(self);
}

static struct monitor *monitor_make(struct arena *arena, const struct drift_reference *reference,
				    const struct monitor_settings *settings, bool keeps_rows, struct error *error)
{
	if (!monitor_settings_check(settings, error) || !monitor_reference_check(reference, settings, error))
		return NULL;
	struct monitor *self = ARENA_NEW(arena, struct monitor);
	if (self)
		*self = (struct monitor){.settings = *settings,
					 .feature_count = reference->feature_count,
					 .features = ARENA_ARRAY(arena, struct watched_feature, reference->feature_count),
					 .verdicts = ARENA_ARRAY(arena, struct monitor_feature, reference->feature_count),
					 .at = monitor_start(),
					 .sharers = 1,
					 .blank = reference->rows == 0};
	if (!self || !self->features || !self->verdicts || !features_learn(self, reference, keeps_rows, arena))
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a drift monitor"));
	if (self->test_count == 0 && !self->blank && drift_reference_compares(reference))
		return error_null(error_set(error, ERROR_CONFIG, PLACE_NONE,
					    "none of the methods applies to a feature of the reference; leave `methods` out, or "
					    "watch other features"));
	return self;
}

struct monitor *monitor_open(struct arena *arena, const struct drift_reference *reference, const struct monitor_settings *settings,
			     struct error *error)
{
	struct monitor *self = monitor_make(arena, reference, settings, true, error);
	if (self)
		window_begin(self);
	return self;
}

struct monitor *monitor_learn(struct arena *arena, const struct drift_reference *reference, const struct monitor_settings *settings,
			      struct error *error)
{
	return monitor_make(arena, reference, settings, false, error);
}

double monitor_category(const struct monitor *monitor, size_t feature, struct text name)
{
	const struct watched_feature *watched = &monitor->features[feature];
	const size_t named = watched->category_count - watched->open;
	size_t at = 0;
	while (at < named && !text_equal(watched->category_names[at], name))
		at++;
	return (double)at;
}

/* ---- verdicts ---- */

/* How long a window by count takes, by its rows' times. */
static int64_t span_of(struct monitor *self)
{
	struct monitor_position *at = &self->at;
	const bool first = at->before_ms == INT64_MIN;
	const int64_t before = first ? at->least_ms : at->before_ms;
	if (at->least_ms < before - at->waiting_ms / 2)
		at->waiting_ms = 0; /* the step was to a wrong time */
	if (at->most_ms > before) {
		const int64_t span = at->most_ms - before - at->step_ms + at->waiting_ms;
		at->span_ms = span > 0 ? span : at->span_ms;
		at->waiting_ms = first ? 0 : at->step_ms; /* the first may be from a wrong time */
	}
	return at->span_ms > 0 ? at->span_ms : 1;
}

/* The share of the declared alarms that a window takes. */
static double alpha_of(struct monitor *self)
{
	const struct monitor_rate *rate = &self->settings.rate;
	double alpha;
	if (rate->rows > 0) {
		alpha = rate->alarms * (double)self->at.rows / (double)rate->rows;
	} else if (self->settings.window_ms > 0) {
		alpha = rate->alarms * (double)self->settings.window_ms / (double)rate->duration_ms / (double)self->sharers;
	} else {
		alpha = rate->alarms * (double)span_of(self) / (double)rate->duration_ms / (double)self->sharers;
	}
	return monitor_alpha_bounded(alpha);
}

/* Adds a test to the verdict. Whether the score is that of it. */
static bool test_sum(struct monitor *self, const struct monitor_test *test)
{
	struct monitor_verdict *verdict = &self->verdict;
	verdict->judged = true;
	if (!test->established)
		return false;
	verdict->drifted = verdict->drifted || test->effect >= self->settings.effect;
	if (test->effect - test->level <= verdict->score)
		return false;
	verdict->score = test->effect - test->level;
	return true;
}

static void verdict_sum(struct monitor *self, const struct monitor_feature *feature, size_t index)
{
	struct monitor_verdict *verdict = &self->verdict;
	const struct monitor_quality *quality = &feature->quality;
	for (size_t i = 0; i < feature->test_count; i++)
		if (test_sum(self, &feature->tests[i])) {
			verdict->feature = index;
			verdict->test = i;
		}
	const bool declared = ((quality->missing_alarm || quality->mistyped_alarm) && !quality->lost) || quality->outside_alarm ||
			      quality->unseen_alarm || quality->still_alarm;
	verdict->quality_declared = verdict->quality_declared || declared;
	verdict->quality_alarm = verdict->quality_alarm || monitor_quality_alarm(quality);
}

static void joints_judge(struct monitor *self, double alpha)
{
	self->verdict.joint_count = monitor_joints_test(&self->joints, self->kept, alpha);
	self->verdict.joints = self->joints.findings;
	for (size_t i = 0; i < self->verdict.joint_count; i++)
		if (test_sum(self, &self->joints.findings[i].test)) {
			self->verdict.feature = self->feature_count;
			self->verdict.test = i;
		}
}

static const struct monitor_verdict *window_close(struct monitor *self, bool ended)
{
	const double alpha = alpha_of(self);
	const struct monitor_levels levels = monitor_levels_of(self, alpha);
	const bool timed = self->settings.window_ms > 0;
	const size_t features = self->blank ? 0 : self->feature_count;
	self->verdict = (struct monitor_verdict){.window = self->at.window++,
						 .begin_ms = timed ? self->at.begin_ms : self->at.least_ms,
						 .end_ms = timed ? self->at.begin_ms + self->settings.window_ms : self->at.most_ms,
						 .least_ms = self->at.least_ms,
						 .most_ms = self->at.most_ms,
						 .rows = self->at.rows,
						 .late = self->at.late,
						 .alarm_row = self->looks.alarm_row,
						 .alarm_ms = self->looks.alarm_ms,
						 .times = monitor_times_judge(self, levels.times, ended),
						 .false_alarms = features ? alpha : 0,
						 .feature = features,
						 .feature_count = features,
						 .features = self->verdicts};
	self->verdict.quality_alarm = self->verdict.times.rate_alarm || self->verdict.times.age_alarm;
	self->verdict.quality_declared = self->verdict.quality_alarm;
	monitor_looks_end(self, levels.test);
	for (size_t i = 0; i < self->feature_count; i++) {
		self->features[i].first = self->features[i].values[0];
		self->verdicts[i] = (struct monitor_feature){.name = self->features[i].name};
		if (self->blank)
			continue;
		watched_test(&self->features[i], self->kept, self->looks.looked, &levels, &self->scratch, &self->verdicts[i]);
		verdict_sum(self, &self->verdicts[i], i);
	}
	joints_judge(self, levels.test);
	self->looks.looked = 0; /* the methods have taken the window */
	self->at.before_ms = self->set_back ? INT64_MIN : self->at.most_ms; /* of another clock, it is before no window */
	self->closed = self->kept;
	window_begin(self);
	return &self->verdict;
}

/* ---- rows ---- */

/* Keeps every second of the rows, as the window has more than there is memory for. */
static void rows_thin(struct monitor *self)
{
	for (size_t i = 0; i < self->feature_count; i++)
		for (size_t row = 0; row < self->kept / 2; row++)
			self->features[i].values[row] = self->features[i].values[2 * row];
	for (size_t row = 0; self->moments && row < self->kept / 2; row++)
		self->moments[row] = self->moments[2 * row];
	self->kept /= 2;
	self->at.stride *= 2;
}

/* Notes the largest step by which the greatest time goes on; in the first window, also one back to a least time. */
static void step_note(struct monitor_position *at, int64_t time_ms)
{
	const bool first = at->before_ms == INT64_MIN;
	const int64_t most = at->most_ms > at->before_ms ? at->most_ms : at->before_ms;
	if (most == INT64_MIN)
		return;
	const int64_t on = time_ms - most, back = first ? at->least_ms - time_ms : 0;
	at->step_ms = on > at->step_ms ? on : back > at->step_ms ? back : at->step_ms;
}

static void row_keep(struct monitor *self, const double *row, struct monitor_moment moment)
{
	for (size_t i = 0; i < self->feature_count; i++)
		self->features[i].values[self->kept] = row[i];
	if (self->moments)
		self->moments[self->kept] = moment;
	self->kept++;
}

static void row_take(struct monitor *self, const double *row, struct monitor_moment moment)
{
	const int64_t time_ms = moment.time_ms;
	step_note(&self->at, time_ms);
	self->at.least_ms = time_ms < self->at.least_ms ? time_ms : self->at.least_ms;
	self->at.most_ms = time_ms > self->at.most_ms ? time_ms : self->at.most_ms;
	if (self->at.rows++ % self->at.stride != 0)
		return;
	if (self->kept == self->room)
		rows_thin(self);
	row_keep(self, row, moment);
	monitor_looks_take(self, true);
}

/* Division that rounds down, also before 1970. */
static int64_t window_at(int64_t time_ms, int64_t size_ms)
{
	const int64_t rest = time_ms % size_ms;
	return time_ms - (rest < 0 ? rest + size_ms : rest);
}

/* Whether the row is of another window than the one that is open. */
static bool is_beyond(struct monitor *self, int64_t time_ms)
{
	if (time_ms >= self->at.begin_ms) {
		self->at.late_run = 0;
		self->set_back = false;
		return time_ms - self->at.begin_ms >= self->settings.window_ms;
	}
	self->at.late++;
	if (!self->settings.clock_is_told)
		self->set_back = ++self->at.late_run >= MONITOR_LATE_ROWS;
	return self->set_back;
}

static int64_t time_bounded(int64_t time_ms)
{
	return time_ms > TIME_MOST ? TIME_MOST : time_ms < -TIME_MOST ? -TIME_MOST : time_ms;
}

const struct monitor_verdict *monitor_add(struct monitor *monitor, const double *row, int64_t time_ms)
{
	return monitor_add_from(monitor, row, time_ms, 0);
}

const struct monitor_verdict *monitor_add_from(struct monitor *monitor, const double *row, int64_t time_ms, int64_t partition)
{
	const struct monitor_verdict *closed = NULL;
	monitor->looks.due = false;
	time_ms = time_bounded(time_ms);
	const struct monitor_moment moment = {time_ms, partition};
	if (monitor->settings.window_ms > 0) {
		const bool first = monitor->at.begin_ms == INT64_MIN;
		const bool begins = first || is_beyond(monitor, time_ms);
		if (begins && monitor->at.rows > 0)
			closed = window_close(monitor, false);
		if (begins) {
			monitor->at.begin_ms = window_at(time_ms, monitor->settings.window_ms);
			monitor->at.late_run = 0;
		}
		row_take(monitor, row, moment);
		return closed;
	}
	row_take(monitor, row, moment);
	return monitor->at.rows == (uint64_t)monitor->settings.window_rows ? window_close(monitor, false) : NULL;
}

size_t monitor_closed_rows(const struct monitor *monitor)
{
	return monitor->closed;
}

/* Of a window by time, the row that closed it may stand where its first one was. */
double monitor_closed_value(const struct monitor *monitor, size_t feature, size_t row)
{
	const struct watched_feature *watched = &monitor->features[feature];
	return row == 0 ? watched->first : watched->values[row];
}

struct monitor_position monitor_position_of(const struct monitor *monitor)
{
	return monitor->at;
}

void monitor_resume(struct monitor *monitor, const struct monitor_position *position)
{
	monitor->at = *position;
	monitor->kept = 0;
	monitor->set_back = false;
	monitor_looks_begin(monitor);
}

void monitor_put_back(struct monitor *monitor, uint64_t number, const double *row, struct monitor_moment moment)
{
	if (number % monitor->at.stride != 0 || monitor->kept == monitor->room)
		return;
	row_keep(monitor, row, (struct monitor_moment){time_bounded(moment.time_ms), moment.partition});
	monitor_looks_take(monitor, false);
}

void monitor_share(struct monitor *monitor, uint64_t windows)
{
	monitor->sharers = windows > 0 ? windows : 1;
}

bool monitor_closes(const struct monitor *monitor, size_t rows, int64_t time_ms)
{
	const struct monitor_position *at = &monitor->at;
	time_ms = time_bounded(time_ms);
	if (monitor->settings.window_ms == 0)
		return at->rows + rows >= (uint64_t)monitor->settings.window_rows;
	if (at->begin_ms == INT64_MIN)
		return false;
	if (time_ms >= at->begin_ms)
		return time_ms - at->begin_ms >= monitor->settings.window_ms;
	return monitor->set_back || (!monitor->settings.clock_is_told && at->late_run + rows >= MONITOR_LATE_ROWS);
}

void monitor_set_back(struct monitor *monitor)
{
	monitor->set_back = monitor->settings.window_ms > 0;
}

void monitor_resume_blank(struct monitor *monitor, const struct monitor_position *position)
{
	monitor->at = *position;
	monitor->kept = (size_t)((position->rows + position->stride - 1) / position->stride);
	monitor->looks.possible = false;
}

const struct monitor_verdict *monitor_end(struct monitor *monitor)
{
	return monitor->at.rows > 0 ? window_close(monitor, true) : NULL;
}

const struct monitor_verdict *monitor_close_over(struct monitor *monitor)
{
	const struct monitor_verdict *closed = monitor->at.rows > 0 ? window_close(monitor, false) : NULL;
	if (closed)
		monitor->at.begin_ms += monitor->settings.window_ms;
	return closed;
}
