/* drift_windows.h: Windows of a report of drift, read from its JSON lines, for the page of HTML.
 *
 * Of each feature in each window it has the test that counts: the established one that is farthest above its level, else the one
 * that comes nearest. Of each feature it has the pictures of the reference and of the window where it moved most.
 */
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

#define DRIFT_BINS_MAX 18 /* of a picture, as the report has them */

/* A feature in a window. */
struct page_cell {
	bool judged, established, alarm; /* alarm: of quality */
	double effect, level, p;	 /* NaN: the test has none */
	double importance;		 /* shift of its importance, a share; NaN: not known */
	struct text method;
};

/* How good a model is in a window: a classifier's accuracy and AUC, or a regressor's absolute error. */
enum estimate_figure { ESTIMATE_ACCURACY, ESTIMATE_AUC, ESTIMATE_ERROR, ESTIMATE_FIGURES };

/* One of these. NaN: not known. */
struct window_estimate {
	double estimated, low, high;			       /* with its band */
	double realised, realised_rows;			       /* of the rows with feedback */
	enum { BAND_NOT_JUDGED, BAND_KEPT, BAND_MISSED } band; /* of the same rows; NOT_JUDGED: they are too few, or none */
};

struct drift_window {
	size_t segment;
	int64_t number, rows;
	int64_t begin_ms, end_ms; /* both 0: messages have no times */
	double score;		  /* NaN: not judged */
	bool timed, judged, drifted, quality;
	struct window_estimate estimates[ESTIMATE_FIGURES];
	struct page_cell *cells; /* one for each feature */
};

struct drift_feature_view {
	struct text name;
	size_t established;    /* windows */
	size_t most;	       /* the window where it moved most; window_count: none */
	double excess, importance; /* above the level there; the shift of the largest amount, NaN: not known */
	size_t bins;	       /* 0: there are no pictures */
	const struct text *categories; /* names of the first bins, of categories; NULL: numbers */
	double low, high;	       /* of numbers */
	double reference[DRIFT_BINS_MAX], current[DRIFT_BINS_MAX]; /* counts */
};

struct drift_segment_view {
	struct text name;
	size_t windows, drifted;
	double score; /* the largest */
};

struct drift_windows {
	size_t window_count, feature_count, segment_count;
	struct drift_window *windows; /* in the order in which they closed */
	struct drift_feature_view *features;
	struct drift_segment_view *segments;
	bool timed, segmented;
	json_t *sums; /* the last line; owned */
};

/* Reads the lines into the arena. SYSTEM: memory ran out. INPUT: one is no JSON. */
bool drift_windows_read(struct drift_windows *self, struct text lines, struct arena *arena, struct error *error);
void drift_windows_close(struct drift_windows *self);

struct text drift_text(const json_t *object, const char *name);
