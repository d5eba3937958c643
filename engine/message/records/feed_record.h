/* feed_record.h: Records of a namespace's feed: what observers decided, for the paths of all engines.
 *
 * The feed is compacted, so it keeps the last record of each key. A key begins with the kind of its record:
 *
 *   drift/PIPELINE/STEP          the last verdict of a step `drift`
 *   drift/PIPELINE/STEP/SEGMENT  the same of a segment, if the step has `groupBy`
 *   figures/PIPELINE/STEP...     the figures of the same window, likewise
 *   outlier/PIPELINE/STEP        what a step `outlier` with `past` has learnt of its stream
 *   alert/..., began/..., notice/...  which alerts fire, and which notices wait (compiler/conditions/alert_feed.h)
 *   watch                        somebody watches the pipelines now: engines report on all of them each second (observe/status.h)
 *
 * A verdict is a DriftVerdict (schemas/drift_verdict.avsc), a schema of its own, so that a new field of the drift topic does not
 * make the feed unreadable. Figures (schemas/drift_figures.avsc) have a key and a schema of their own for the same reason. All
 * have the identity of what the observer compares with what: readers with another one leave them out. Only a window that was
 * judged is written. A record without bytes says that there is no verdict any more: the segment's state began
 * anew. A key of another kind is of a later version of sluice, and is left out. Pure.
 */
#pragma once

#include "message/records/drift_score.h"
#include "message/records/listed_record.h"
#include "methods/outliers/covariance.h"

/* Reference that the observer of a step `outlier` has learnt from its stream: a record of the namespace's feed
 * (schemas/outlier_reference.avsc), by which the paths of all engines judge messages.
 *
 * It is listed with the message whose row made it due, in its arena, and leaves in its transaction.
 */
#define OUTLIER_LEARNT_COLUMNS_MAX 128 /* so that a record has 67 KB */

struct outlier_learnt {
	struct listed_record listed; /* with a message */
	const char *pipeline, *step;
	uint64_t identity; /* of what is learnt from what (message/records/feed_record.h) */
	struct covariance covariance;
};

#define FEED_NAME_BYTES_MAX 255 /* of a pipeline, and of a step */
#define FEED_KEY_BYTES_MAX 1024
#define FEED_WATCH_KEY "watch"

struct feed_score {
	char pipeline[FEED_NAME_BYTES_MAX + 1], step[FEED_NAME_BYTES_MAX + 1];
	struct text segment; /* borrowed from the key; empty: of all messages */
	uint64_t identity; /* 0 without a verdict */
	enum drift_verdict verdict; /* DRIFT_LEARNING: there is none any more */
	double score;
};

/* Whether the feed gets a record of it: it judges a window, or a segment's state begins anew. */
bool feed_score_is_due(const struct drift_score *score);

/* Appends the key of a verdict that is due, and its record, which stays empty if a state begins anew. LIMIT: it does not fit, or
 * a name is too long. */
bool feed_score_encode(const struct drift_score *score, struct buffer *key, struct buffer *value, struct error *error);

/* Whether the key is of a verdict. */
bool feed_key_is_score(struct text key);

/* The figures of a window, in the order of the schema. */
enum feed_figure {
	FEED_QUALITY_ALARM,
	FEED_MISSING_SHARE,
	FEED_OUTSIDE_SHARE,
	FEED_UNSEEN_SHARE,
	FEED_ACCURACY,
	FEED_ACCURACY_LOW,
	FEED_ACCURACY_HIGH,
	FEED_PRECISION,
	FEED_RECALL,
	FEED_MESSAGES_PER_MINUTE,
	FEED_NEWEST_AGE_MS,
	FEED_AUC,
	FEED_ERROR,
	FEED_EFFECT,
	FEED_P,
	FEED_FIGURES
};

struct feed_figures {
	struct feed_score of; /* without a verdict */
	bool gone;	      /* there are none any more */
	double numbers[FEED_FIGURES]; /* NaN: not known */
	struct drift_cause cause;
};

/* As feed_score_encode(), feed_key_is_score() and feed_score_decode(). Records of former schemas, which end before the
 * messages a minute, the AUC, or the effect, are read. */
bool feed_figures_encode(const struct drift_score *score, struct buffer *key, struct buffer *value, struct error *error);
bool feed_key_is_figures(struct text key);
bool feed_figures_decode(struct text key, struct text value, struct feed_figures *made, struct error *error);

/* Reads such a record. INPUT: its key has no two names, its bytes are no DriftVerdict, or it is of other names than its key. */
bool feed_score_decode(struct text key, struct text value, struct feed_score *made, struct error *error);

struct feed_outliers {
	struct feed_score of;	      /* without a verdict */
	struct covariance covariance; /* in the arena */
};

/* As feed_score_encode(), feed_key_is_score() and feed_score_decode(), with an OutlierReference
 * (schemas/outlier_reference.avsc). */
bool feed_outliers_encode(const struct outlier_learnt *learnt, struct buffer *key, struct buffer *value, struct error *error);
bool feed_key_is_outliers(struct text key);
bool feed_outliers_decode(struct text key, struct text value, struct arena *arena, struct feed_outliers *made, struct error *error);
