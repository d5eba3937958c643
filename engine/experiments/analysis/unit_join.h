/* unit_join.h: Join of an experiment's exposures and feedback, per unit: which variant a unit had, and what became of it.
 *
 * Exposures and feedback are added in any order, and joined at the end. Feedback belongs to the request of its id, else of
 * its origin, else to its unit, which had its variant for all requests; where a policy chose, for each request, to the last one of
 * its unit before it. What comes twice counts once: an exposure by its origin, else by its id and time; feedback by its
 * feedback_id, else a metric of a request once.
 *
 * An epoch is what was recorded under one table of units and one set of versions: probabilities are constant in it. A unit
 * is one of an epoch. Units that met two variants in one epoch are left out and counted, also if a header or an override chose one
 * of them; and so are exposures that neither weights nor a stage nor a policy chose. If a policy chose, an epoch ends where its
 * candidates change (experiments/bandits/policy_candidates.h).
 *
 * Pure; all of it is in the arena.
 */
#pragma once

#include "methods/bandits/bandit.h"
#include "experiments/analysis/analysis.h"
#include "message/records/exposure.h"
#include "message/records/feedback.h"
#include "message/records/policy_record.h"

#define JOIN_METRICS_MAX 256   /* as many as one feedback has; beside those that are kept */
#define JOIN_KEPT_MAX 64       /* metrics that are named, declared or have a meaning */
#define JOIN_EPOCHS_MAX 4096   /* each has sums for each arm: far more than there are changes of weights */
#define JOIN_REWARD FEEDBACK_REWARD /* the metric of rewards */
#define JOIN_VALUE_MOST BANDIT_REWARD_MOST /* of values, either sign: one beyond would be all that means and variances say */
#define JOIN_LATENCY "latency_ms" /* that exposures have, unless feedback has a metric of that name */

/* Of a policy's record. */
struct policy_versions {
	int64_t newest;
	size_t count;
	const struct policy_candidates *candidates; /* by version */
};

struct join_options {
	const char *experiment;
	const char *covariate; /* a feature of exposures, known before the assignment; NULL: none */
	int64_t window_ms;     /* in which feedback counts; 0: whenever it comes */
	bool named;	       /* metrics are asked for by their names: values of others are not missed */
	int64_t since_ms, until_ms; /* earlier exposures, and later records, do not count; 0: all do */
};

struct join_counts {
	uint64_t exposures, repeated;		/* of the experiment; those that came again */
	uint64_t elsewhere;			/* exposures and feedback of other experiments */
	uint64_t left_out[ASSIGNED_REASONS];	/* exposures that something else than chance chose */
	uint64_t mixed_units;			/* of two variants in one epoch */
	uint64_t open;				/* exposures whose window has not passed: they wait */
	/* What was sent, without what engines have computed; early: before its exposure. */
	uint64_t feedback, doubled, unknown, late, early;
	uint64_t by_unit;				  /* of the feedback: it names a unit alone */
	uint64_t feedback_left_out;		/* of such exposures and units */
	uint64_t excess;			/* values beyond JOIN_VALUE_MOST */
	uint64_t crowded;			/* values of metrics beyond JOIN_METRICS_MAX: they are left out */
	uint64_t unjudged;			/* truths with nothing to compare, of the feedback or of its answer */
};

/* A value beyond JOIN_VALUE_MOST, which is left out. */
struct joined_excess {
	struct text metric, request; /* of a request its id, else empty */
	struct text unit;
	double value;
};

struct joined_epoch {
	int64_t begin_ms, end_ms;
	const double *shares; /* of each arm; NaN: not met, so not known */
	const double *firsts; /* of each arm: units whose first exposure was there */
};

/* A choice with what it was made by. */
struct joined_exposure {
	uint32_t arm;
	double probability; /* 0: not known */
	struct text unit;   /* empty: none */
	size_t feature_count;
	const struct exposure_feature *features;
	size_t text_count;
	const struct exposure_text *texts; /* features that are texts */
	int64_t time_ms;
	double latency_ms;    /* NaN: not known */
	enum assigned_reason reason;
	bool failed;	      /* its request ended with an error */
	uint32_t joined_unit; /* of the analysis; UINT32_MAX: it is left out, or its window has not passed */
};

struct joined_metric {
	struct text name;
	size_t count, room;
	struct analysis_value *values; /* by epoch and time */
	bool measured; /* by engines, not sent as feedback: the latency */
	uint64_t excess; /* values beyond JOIN_VALUE_MOST: they are left out */
	uint64_t computed;   /* values that were computed when feedback was read */
	uint64_t of_engines; /* of these requests: those whose value an engine has computed too */
};

struct joined {
	size_t arms;
	struct text arm_names[ANALYSIS_ARMS_MAX];
	uint64_t fallbacks[ANALYSIS_ARMS_MAX]; /* exposures of each */
	size_t epoch_count;
	const struct joined_epoch *epochs; /* in the order in which they began */
	size_t unit_count;
	const struct analysis_unit *units;     /* in the order in which they began */
	const int64_t *begins_ms;	       /* of each: its first exposure in its epoch */
	size_t cluster_count;		       /* of units, where a policy chose */
	const uint32_t *earlier;	       /* of each unit: the same one in an earlier epoch; UINT32_MAX: there is none */
	/* Of each arm in all epochs, without mixed units. Where a policy chose, a cluster is a unit here. */
	uint64_t arm_units[ANALYSIS_ARMS_MAX];
	/* Only where a policy chose. */
	uint64_t arm_requests[ANALYSIS_ARMS_MAX];
	uint64_t candidates;		    /* at the end, of those that were chosen at all: a bit for each arm */
	int64_t came_ms[ANALYSIS_ARMS_MAX]; /* first choice with that candidate; 0: the first of all, or there is none */
	int64_t left_ms[ANALYSIS_ARMS_MAX]; /* the last one; 0: it is a candidate at the end */
	size_t metric_count;
	struct joined_metric metrics[JOIN_METRICS_MAX + JOIN_KEPT_MAX];
	size_t exposure_count;
	const struct joined_exposure *exposures; /* by time */
	bool adaptive; /* a policy chose */
	/* Of an adaptive one: weights chose these after its last choice, from the first of them on; 0: a policy chose last. */
	uint64_t weighed;
	int64_t weighed_from_ms;
	int64_t first_ms, last_ms; /* of exposures; 0: there are none */
	struct join_counts counts;
	struct joined_excess excess; /* the first of them by time */
	struct text crowded;	     /* the metric of the first that is left out as there are too many */
};

struct unit_join;

/* NULL: memory ran out. */
struct unit_join *unit_join_open(struct arena *arena, const struct join_options *options);
void unit_join_close(struct unit_join *join); /* NULL is fine; what was joined stays */

/* Declares a variant before anything is added, so that arms have the order of the experiment's candidates. False: LIMIT, too many.
 */
bool unit_join_variant(struct unit_join *join, struct text name, struct error *error);

/* Names the metric by which the experiment learns, before feedback is added: feedback without it counts for it by its reward, as it
 * does for the learner (message/records/feedback.h). The text is borrowed until the end. */
void unit_join_reward(struct unit_join *join, struct text metric, bool computed);

/* Keeps the values of the metric, however many others come: of these the first JOIN_METRICS_MAX count. Before the end, of which the
 * name is borrowed until then; of more than JOIN_KEPT_MAX the last ones are as others. */
void unit_join_keep(struct unit_join *join, struct text metric);

/* Names the candidates of a policy's versions, by its record, for the exposures that are added from now on: each names its version.
 * NULL: no record is known. Texts are borrowed until the next call. */
void unit_join_policy(struct unit_join *join, const struct policy_versions *versions);

/* Texts are copied. False: SYSTEM, or LIMIT: too many variants. `time_ms` is that of feedback's record. */
bool unit_join_exposure(struct unit_join *join, const struct exposure *exposure, struct error *error);
bool unit_join_feedback(struct unit_join *join, const struct feedback *feedback, int64_t time_ms, struct error *error);

/* Joins all that was added. Once. */
bool unit_join_end(struct unit_join *join, struct joined *joined, struct error *error);
