/* monitor.h: Drift monitor: compares windows of rows with a reference, with a declared rate of false alarms.
 *
 * A window closes after so many rows, or by event time. Each feature is tested by each method that applies to it:
 *
 *   ks               the Kolmogorov-Smirnov distance; effect: D
 *   psi              the population stability index over the reference's deciles; effect: the Jensen-Shannon distance
 *                    (base 2) over them. It is established by the chi-square of their counts
 *   wasserstein      W1; effect: W1 divided by the reference's standard deviation. It is established only if it is so
 *                    without both tails of the reference too, of which a reference says too little
 *   jensen-shannon   the same bins, or categories; effect: the distance
 *   chi-square       of categories; effect: the Jensen-Shannon distance. Chi-square decides, as for psi, by a law that is
 *                    drawn from the reference: so these three are one test, with the statistic of each. Categories that a
 *                    window is expected to have less than once count as one there, with those never seen
 *   page-hinkley     of numbers, and cusum: the latest change of the mean, from window to window (detectors.h); effect: by
 *                    how many deviations, of the numbers' normal scores in the reference
 *   adwin            the same; effect: by how much of the reference's rows the mean rank of the latest rows has moved
 *
 *   mmd              of all numeric features that vary together, as one vector (joint.h); effect: MMD. One test, not in windows of
 *                    less than JOINT_ROWS_MIN rows; and one of each set of features that the settings name, and of the directions
 *                    of each projected tensor (projection.h), whatever the methods are, if the window and the reference are large
 *                    enough and the settings name no such set
 *   change           the first row of a window from which on all numeric features together, one, or two of them are no longer as
 *                    in the reference (change/change.h). It counts as a joint test with the name of these features; windows and
 *                    rate are by rows. Effect: by how many deviations the mean score of the rows of the alarm is off; without
 *                    an alarm 0, as is the level
 *
 * A test is established if its effect is larger than the level that chance exceeds so rarely that the declared rate holds for
 * all features, methods and windows together: a window takes the share of the declared alarms that its rows, or its duration,
 * have of the declared rows or period; 9 of 10 parts of that go to the tests, and one to the bounds of quality. Each feature,
 * online method of a feature, and joint test has an equal part of it. The tests of a feature that look at a window alone share
 * theirs: their level is the one that the least of their p has so rarely, by the same draws from the reference. Where values
 * follow from the values before, samples count as the smaller ones that they are worth (drift_dependence()): so do those of a
 * season, unless a window has whole ones. The levels suppose that the reference is like the live data, so they hold
 * on the average over references. The score is the largest effect above its level, and 0 if no test is established.
 *
 * Quality: shares of missing values, of values of another type (mistyped.h), of numbers outside the reference's range, of
 * categories never seen, features that no longer vary, rows a minute, and the age of the newest row (arrivals.h). Each of the
 * seven has a bound from the reference, and an equal part of its own of what quality takes of the declared rate; where a figure is
 * of several features, each has its share of that part. Rows a minute and the age are judged from the second window on, if the
 * reference has times. A feature whose values are missing in runs has an alarm, too, if nearly all are missing or of another type;
 * no part of the rate is for that (monitor_lost_chance()).
 *
 * The online methods look at the rows of a window when it closes, by their times, then by their partition, then as they came. Their
 * state goes on with the next window (monitor_detectors_write()). Before it closes, they look at each MONITOR_LOOK_ROWS rows that
 * came, in the same order: monitor_early() has what they find, once a window. That adds no test: the looks have the level of the
 * window, whose verdict does not depend on them. There are none while a window by time has too many rows to keep all, and before it
 * is known how many rows a window takes of the declared rate. In windows of segments, whose rows are not in memory, there are fewer
 * (monitor_look_back()).
 *
 * Rows count in the order in which they come; rows of several partitions are put into their order before
  * (methods/drift/watermarks.h). A row whose time is before its window is counted as late, and taken. After MONITOR_LATE_ROWS such
   * rows in a row, the clock was set back, and windows begin anew; or its caller says when (monitor_set_back()). Rows a minute and
    * the age are not judged of a window that ends so, nor of the first one after it, nor of one of whose rows more than one in
     * MONITOR_LATE_PART is late.
 *
 * A window by count lasts as long as the greatest time goes on in it, without its largest step: one wrong time makes such a
 * step, too. It counts in the next window, if the rows of that are behind it, too. A window in which the clock does not go on
 * lasts as long as the last in which it did.
 *
 * Memory is taken from the arena when it opens: 8 bytes for each feature and row of a window, and 140 KB a feature; with online
 * methods 40 bytes for each row, and 28 KB a feature, more. Of a
 * window by time, MONITOR_ROWS_KEPT rows at most are kept, spread evenly. The same rows give the same verdicts. A monitor
 * belongs to one thread.
 */
#pragma once

#include "base/option.h"
#include "methods/drift/reference.h"

enum monitor_method {
	MONITOR_KS,
	MONITOR_PSI,
	MONITOR_WASSERSTEIN,
	MONITOR_JENSEN_SHANNON,
	MONITOR_CHI_SQUARE,
	MONITOR_PAGE_HINKLEY,
	MONITOR_CUSUM,
	MONITOR_ADWIN,
	MONITOR_MMD,
	MONITOR_CHANGE,
	MONITOR_METHODS
};
extern const char *const monitor_method_names[MONITOR_METHODS]; /* "ks" */

#define MONITOR_ONLINE (1U << MONITOR_PAGE_HINKLEY | 1U << MONITOR_CUSUM | 1U << MONITOR_ADWIN) /* those that depend on order */

#define MONITOR_ONLINE_BYTES 2500 /* of their state of a feature, after a thousand million rows */
#define MONITOR_LOOK_ROWS 8	  /* between two looks of theirs in an open window */

#define MONITOR_ROWS_MIN 20	/* of a window: fewer rows establish next to nothing */
#define MONITOR_ROWS_MAX 100000 /* of a window by count */
#define MONITOR_ROWS_KEPT 8192	/* of a window by time */
#define MONITOR_LATE_ROWS 100
#define MONITOR_LATE_PART 10

/* So many false alarms in so many rows, or in so long; one of both is 0. */
struct monitor_rate {
	double alarms;
	int64_t rows;
	int64_t duration_ms;
};

/* Features that are compared together, as one vector. */
struct monitor_set {
	struct name name;
	struct name_list features; /* each is a feature, or a tensor, which is all its columns `TENSOR.COLUMN` */
};

#define MONITOR_SETS_MAX 16

struct monitor_settings {
	unsigned methods;     /* a bit for each; 0: ks, psi and wasserstein of numbers, chi-square of categories */
	int64_t window_rows;  /* 0: by time */
	int64_t window_ms;
	struct monitor_rate rate;
	double effect; /* the smallest that raises an alarm */
	double share;  /* of the messages, that is watched; 0: all */
	bool segmented; /* windows are of segments, which are resumed in turn */
	bool clock_is_told; /* the caller knows the clocks of all partitions, and says when windows begin anew */
	size_t set_count;
	const struct monitor_set *sets; /* borrowed; by `mmd`, beside `methods` */
};

struct monitor_test {
	enum monitor_method method;
	double statistic; /* D, PSI, W1, the distance, or chi-square */
	double p;	  /* of bins and categories that of chi-square, by the law that was drawn */
	double effect, level;
	bool established;
};

struct monitor_quality {
	uint64_t missing, mistyped, outside, unseen; /* values of the window; outside: of numbers, unseen: of categories */
	bool still;			   /* all values are equal, which the reference's were not */
	bool missing_alarm, mistyped_alarm, outside_alarm, unseen_alarm, still_alarm;
	bool lost; /* missing_alarm, or mistyped_alarm, is by the rule that nearly all values are missing (missing_runs.h), which no
		      part of the rate has */
};

static inline bool monitor_quality_alarm(const struct monitor_quality *quality)
{
	return quality->missing_alarm || quality->mistyped_alarm || quality->outside_alarm || quality->unseen_alarm ||
	       quality->still_alarm;
}

/* Counts of the reference's values and of a window's, by the same bins. */
struct monitor_picture {
	size_t bins;		       /* 0: of numbers, of which the reference has none */
	const double *edges;	       /* of numbers: bins - 1 of them, rising; a value equal to one is below it */
	const struct text *categories; /* of categories, else NULL: bins - 1 of them; the last bin is of those never seen */
	const double *reference, *current;
};

struct monitor_feature {
	struct text name;
	size_t count;	   /* values that are neither missing nor of another type */
	size_t test_count; /* 0: too few values */
	struct monitor_test tests[MONITOR_METHODS];
	struct monitor_quality quality;
	struct monitor_picture picture; /* of a window that has ended; the counts are valid until the next one ends */
};

/* When the rows of a window came. NaN: not known. */
struct monitor_times {
	const char *unjudged; /* why there are no bounds, in the words of a record; NULL: there are */
	double rate, rate_low, rate_high; /* rows a minute */
	double age_ms, age_most_ms; /* the longest time without a newer row */
	bool rate_alarm, age_alarm;
};

/* A joint test. */
struct monitor_joint {
	struct text name; /* MONITOR_JOINT_NAME: of all features; of a set with "/" and its name behind it */
	struct monitor_test test;
};

struct monitor_verdict {
	uint64_t window; /* from 0 */
	int64_t begin_ms, end_ms; /* by time: the window; by count: its least and greatest time */
	int64_t least_ms, most_ms; /* of its rows */
	uint64_t rows, late;
	double false_alarms; /* that it takes of the declared ones; 0: nothing was compared */
	bool judged; /* false: it had too few rows, and says nothing */
	double score;
	bool drifted; /* a test is established with at least the smallest effect */
	size_t feature, test; /* of the score; from feature_count on: of none, or of the joint test with the number `test` */
	size_t joint_count;
	const struct monitor_joint *joints;
	bool quality_alarm;
	bool quality_declared; /* some of it has a part of the declared rate: it is not only that features are lost */
	struct monitor_times times;
	uint64_t alarm_row;	    /* the first at which an online method raised an alarm before the end, from 1; 0: none did */
	int64_t alarm_ms;	    /* its time */
	size_t feature_count; /* 0: the reference has no rows */
	const struct monitor_feature *features;
};

#define MONITOR_JOINT_NAME "*" /* instead of a feature's */

struct monitor;

/* CONFIG: a setting that cannot be used. */
bool monitor_settings_check(const struct monitor_settings *settings, struct error *error);

/* CONFIG: the reference lacks a feature of the set, or has texts for one. */
bool monitor_set_check(const struct drift_reference *reference, const struct monitor_set *set, struct error *error);

/* CONFIG: a reference with which nothing can be compared, because of its rows or its features. It costs little. */
bool monitor_reference_check(const struct drift_reference *reference, const struct monitor_settings *settings,
			     struct error *error);

/* NULL: CONFIG, a setting or a reference that cannot be used; or SYSTEM. The reference is borrowed. With a reference without rows
 * windows close, and none is judged. */
struct monitor *monitor_open(struct arena *arena, const struct drift_reference *reference, const struct monitor_settings *settings,
			     struct error *error);

/* The same without memory for rows, of which none can be added: for what a monitor can find. */
struct monitor *monitor_learn(struct arena *arena, const struct drift_reference *reference, const struct monitor_settings *settings,
			      struct error *error);

/* Whether some window can have drift in a feature by a test of its own, whatever its values are; and if not, why. */
enum monitor_sight {
	MONITOR_SEES,		     /* some can, or the feature has no test */
	MONITOR_BLIND_BY_TREND,	     /* its values rise or fall over the reference; without that, some could */
	MONITOR_BLIND_BY_DEPENDENCE, /* they follow from those before; without that, some could */
	MONITOR_BLIND_BY_SIZE	     /* too few rows in a window or the reference, for so many tests at that rate */
};

/* A change is large that is of more than so much: of numbers, all of which move by so many deviations of the reference; of
 * categories, of which so large a share comes as the one that is rarest there. */
#define MONITOR_LARGE_SHIFT 1.0
#define MONITOR_LARGE_SHARE 0.5

struct monitor_reach {
	enum monitor_sight sight;
	bool categories;
	/* The smallest change that a test of one window establishes, of a feature in which some can have drift; INFINITY: none of
	 * MONITOR_FARTHEST deviations or less; NaN: no such test. */
	double changes[MONITOR_METHODS];
	size_t season; /* rows after which its values repeat; 0: they do not, or the window has whole seasons */
	size_t values;	   /* of the reference, which are not missing */
	double independent_values; /* of which the reference's say as much */
	size_t rows;		   /* of the window: by time as many as came in so long when the reference was recorded */
	bool falls;	    /* of a trend */
	bool spans_an_hour; /* it is of windows by count of an hour at most: how long they take is not known, and the rate is by
			       time */
};

#define MONITOR_FARTHEST 4

/* The largest change there is has all values of a window beyond one end of the reference, or in the category that is rarest there.
 * If no test establishes that, none establishes anything. It is of the reference from which the monitor has learnt. Of a window by
 * time whose rows are not known, since the reference has no times or windows are of segments, it is not known either: it sees. */
struct monitor_reach monitor_reach_of(const struct monitor *monitor, const struct drift_reference *reference, size_t feature);

/* The chance that a window of that feature, without a loss, has an alarm by the rule that nearly all values are missing: 0 if its
 * values are not missing in runs. Of windows by time, as of the smallest that can have it. NaN: memory runs out. */
double monitor_lost_chance(const struct drift_reference *reference, size_t feature, const struct monitor_settings *settings);

/* The index of a category: if the reference does not know it, that of all other texts, or where it has none, one past the last. */
double monitor_category(const struct monitor *monitor, size_t feature, struct text name);

/* Adds a row of as many values as the reference has features. The verdict of the window that it closed, which is valid until
 * the next call; NULL: it closed none. A window by count contains the row that closes it, one by time does not. */
const struct monitor_verdict *monitor_add(struct monitor *monitor, const double *row, int64_t time_ms);

/* The same of a row that came from that partition of a topic. */
const struct monitor_verdict *monitor_add_from(struct monitor *monitor, const double *row, int64_t time_ms, int64_t partition);

/* The clock was set back: the open window by time ends with the next row that is before it, and windows begin anew there. */
void monitor_set_back(struct monitor *monitor);

/* What an online method found in the open window at the row that was added last, valid until the next: the features that moved, by
 * these methods alone, and no quality. NULL: nothing, or the window has had one. */
const struct monitor_verdict *monitor_early(struct monitor *monitor);

/* Of a window of a segment: looks are at 8, 16, 32, 64 and so on of its rows, so that all of them read a row twice at most, if the
 * declared rate is by rows. Whether one is due, now that the window has so many rows; `before`: when that was asked last. */
bool monitor_look_is_due(const struct monitor *monitor, uint64_t before, uint64_t rows);

/* What is found at that look and at none before, as of monitor_early(). The monitor has the rows of the open window. */
const struct monitor_verdict *monitor_look_back(struct monitor *monitor, uint64_t before);

/* The rows that were kept of the window that closed last, valid until the next row is added: how many, and a value of one. */
size_t monitor_closed_rows(const struct monitor *monitor);
double monitor_closed_value(const struct monitor *monitor, size_t feature, size_t row);

/* Where a monitor is in its stream: with the rows that the open window keeps, all that its next verdict depends on. Plain
 * numbers, which may be stored. */
struct monitor_position {
	uint64_t window, rows, late;
	uint64_t stride; /* of the open window, each of so many rows is kept: those whose number it divides */
	int64_t begin_ms, least_ms, most_ms, before_ms, span_ms;
	uint64_t late_run;
	int64_t step_ms;    /* of a window by count: the largest by which its greatest time went on */
	int64_t waiting_ms; /* that of the window before, until it is known whether it counts */
};

/* Where a monitor is before its first row. */
struct monitor_position monitor_start(void);
struct monitor_position monitor_position_of(const struct monitor *monitor);

/* Goes to a position. The rows that the window kept follow, each once, in their order. */
void monitor_resume(struct monitor *monitor, const struct monitor_position *position);

/* Where a row is in the order of the online methods. */
struct monitor_moment {
	int64_t time_ms, partition;
};

/* Puts back a row of the window by its number, from 0; one that the window no longer keeps is left out. */
void monitor_put_back(struct monitor *monitor, uint64_t number, const double *row, struct monitor_moment moment);

/* ---- the online methods, whose state is that at the end of the last window ---- */

/* Whether there are any. */
bool monitor_is_online(const struct monitor *monitor);

/* Their state as bytes, of the end of the last window: how many there are, and the bytes. */
size_t monitor_detectors_bytes(const struct monitor *monitor);
void monitor_detectors_write(const struct monitor *monitor, char *bytes);

/* Goes to a state; without bytes, they begin anew. False: these are none of this monitor, and they begin anew. */
bool monitor_detectors_read(struct monitor *monitor, struct text bytes);

/* ---- several windows in one monitor, such as of segments, which are resumed in turn ---- */

/* So many windows are open beside each other, and share the declared rate: one in a duration is divided by their number. One
 * in so many rows needs no share, since each window takes that of its rows. */
void monitor_share(struct monitor *monitor, uint64_t windows);

/* Whether adding that many rows of one time closes a window. */
bool monitor_closes(const struct monitor *monitor, size_t rows, int64_t time_ms);

/* Goes to a position without its rows. Rows may be added until one would close the window. */
void monitor_resume_blank(struct monitor *monitor, const struct monitor_position *position);

/* Closes the window that is open, such as at the end of a file. NULL: it has no rows. */
const struct monitor_verdict *monitor_end(struct monitor *monitor);

/* Closes the open window by time, whose end has come, though no row shows it: the verdict is that which the first row after its end
 * would bring. Rows that come with times before its end are late in the next one. NULL: it has no rows. */
const struct monitor_verdict *monitor_close_over(struct monitor *monitor);
