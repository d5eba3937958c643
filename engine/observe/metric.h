/* metric.h: Table of metrics: one row for each metric in `/metrics` of an engine, a gateway or a model server.
 *
 * A row has the metric's name, its meaning, and the place of its value in the struct of its scope. The same rows are
 * written to Prometheus (observe/exposition.h), printed by `sluice help metrics`, and checked by tests.
 */
#pragma once

#include "base/arena.h"
#include "base/text.h"
#include "observe/counts.h"

/* METRIC_UNTYPED: a name of Seldon that Prometheus reserves for samples of other types. */
enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_UNTYPED };

/* Kind of subject of a metric: it determines the labels and the struct that contains the value. */
enum metric_scope {
	SCOPE_PROCESS,		  /* struct process_state */
	SCOPE_BUILD,		  /* struct build_state */
	SCOPE_NAMESPACE,	  /* struct namespace_state */
	SCOPE_PIPELINE,		  /* struct pipeline_counts */
	SCOPE_PIPELINE_NOW,	  /* struct pipeline_state */
	SCOPE_STEP,		  /* struct step_counts */
	SCOPE_MIRROR,		  /* struct mirror_counts */
	SCOPE_DRIFT,		  /* struct drift_state */
	SCOPE_DRIFT_FEATURE,	  /* struct drift_feature_state */
	SCOPE_OUTLIER,		  /* struct outlier_figures */
	SCOPE_IMPORTANCE,	  /* struct importance_state */
	SCOPE_POLICY,		  /* struct policy_figures */
	SCOPE_ALERT,		  /* struct alert_state */
	SCOPE_RECEIVER,		  /* struct receiver_state */
	SCOPE_METRIC,		  /* struct metric_state */
	SCOPE_MODEL,		  /* struct model_counts */
	SCOPE_WORKER,		  /* struct worker_counts */
	SCOPE_WORKER_NOW,	  /* struct worker_state */
	SCOPE_CLIENT,		  /* struct client_counts */
	SCOPE_CLIENT_NOW,	  /* struct client_state */
	SCOPE_CONTROL,		  /* struct control_state */
	SCOPE_GATEWAY,		  /* struct gateway_calls */
	SCOPE_GATEWAY_KEYS,	  /* struct gateway_keys */
	SCOPE_GATEWAY_RELOAD,	  /* struct gateway_reloads */
	SCOPE_GATEWAY_REFUSAL,	  /* struct duration_counts: requests that the gateway refused */
	SCOPE_GATEWAY_CODE,	  /* struct duration_counts: calls of a pipeline through a gateway */
	SCOPE_GATEWAY_PIPELINE,	  /* struct gateway_pipeline */
	SCOPE_GATEWAY_CLIENT,	  /* struct client_counts */
	SCOPE_GATEWAY_CLIENT_NOW, /* struct client_state */
	SCOPE_SERVED,		  /* struct served_counts */
	/* Under Seldon's names, where metricsConfig is enabled: struct duration_counts, with seldon_limits_us */
	SCOPE_SELDON_PIPELINE,	   /* Core 2: calls of a pipeline */
	SCOPE_SELDON_PIPELINE_API, /* the same as a histogram, with a label of another name */
	SCOPE_SELDON_PIPELINES,	   /* calls of all pipelines */
	SCOPE_SELDON_MODEL,	   /* Core 2: attempts of a model */
	SCOPE_SELDON_MODEL_API,	   /* attempts of all models */
	SCOPE_SELDON_MODELS,
	SCOPE_SELDON_SERVER,	 /* Core 1: calls of a deployment */
	SCOPE_SELDON_CLIENT,	 /* Core 1: attempts of a deployment's model */
	SCOPE_SELDON_DEPLOYMENT, /* predictions of a deployment that were answered */
	METRIC_SCOPES
};

/* Type of the value at a row's offset. */
enum metric_value {
	VALUE_COUNT,	 /* uint64_t */
	VALUE_NUMBER,	 /* double; NaN: not known, so it is not reported */
	VALUE_ERRORS,	 /* uint64_t[COUNTED_ERROR_KINDS], with a label `kind` */
	VALUE_BREAKERS,	 /* uint64_t[BREAKER_STATES], with a label `state` */
	VALUE_DURATIONS, /* struct duration_counts */
	VALUE_SELDON,	 /* struct duration_counts with seldon_limits_us */
	VALUE_SECONDS,	 /* struct duration_counts; only the sum is reported, in seconds */
	VALUE_DURATED,	 /* struct duration_counts; only the number of durations is reported */
	VALUE_SIZES,	 /* struct size_counts */
};

struct metric {
	const char *name; /* as in Prometheus: a counter's ends in `_total` */
	enum metric_kind kind;
	const char *unit; /* the unit in the name, before `_total`; NULL: none */
	const char *help; /* one or a few sentences */
	enum metric_scope scope;
	enum metric_value value;
	size_t offset;
};

extern const struct metric metric_rows[]; /* ends with a row without a name; rows of one scope are adjacent */

#define METRIC_LABELS_MAX 9

/* Labels of a scope, separated by a space; "": none. */
extern const char *const metric_scope_labels[METRIC_SCOPES];

struct process_state {
	double cpu_seconds, resident_bytes, virtual_bytes, open_fds, max_fds, start_seconds;
};

struct build_state {
	double one;
};

struct namespace_state {
	double replicas_wanted, lag_records, busy_partitions, capacity;
};

struct pipeline_state {
	double lag_records, lag_seconds, observers_lag_records, explainers_lag_records, waiting, unobserved, models_away;
};

/* What an engine knows of a step `drift`. */
struct drift_state {
	double score, found, learning, segments, beyond;
	double quality_alarm, missing, mistyped, outside, unseen;
	double accuracy, accuracy_low, accuracy_high, precision, recall, auc, error;
	double realised_accuracy, realised_accuracy_low, realised_accuracy_high;
	double realised_precision, realised_recall, realised_auc, realised_error, realised_error_low, realised_error_high;
	uint64_t bands_held, bands_left, rows_unkept, rows_unfit, truths_forgotten, windows_cut_short;
	double messages_per_minute, newest_age_seconds;
};

/* The feature of a step `drift` that has moved most in its last window. */
struct drift_feature_state {
	double effect, p;
};

/* How a step `outlier` with `past` marked its last message. */
struct outlier_figures {
	double learning, unfit;
};

/* A feature of a step `explain` with `importance`. */
struct importance_state {
	double mean;
};

/* An alert of a pipeline, and its notices. */
struct alert_state {
	double firing, pending, silenced;
	uint64_t missing, beyond, sent, failed, dropped, rejected;
};

/* A receiver of notices of an engine's alerts, by its name without secrets and the first action that has it. */
struct receiver_state {
	double waiting, oldest_seconds, failing_seconds;
	uint64_t failures;
};

/* A metric that a pipeline declares: answers that could not be judged, and values of series beyond the limit. */
struct metric_state {
	uint64_t missing, lost, others;
};

/* What an engine knows of the policy of an experiment with bandits; NaN: there is none yet. */
struct policy_figures {
	double version, rewards, age_seconds;
	/* Left out by the learner, where this engine leads. */
	uint64_t refused, late, unknown, by_unit, feedback_dropped, repeated, dropped, missing, uncomputed;
};

struct worker_state {
	double turn_age_seconds;
};

/* Of a consumer or producer; NaN: not known yet. */
struct client_state {
	double round_trip_seconds;
};
struct client_state client_state_of(const struct client_counts *counts);

/* How an engine follows the control plane. */
struct control_state {
	const char *namespace;
	double is_stale, is_behind, resources, unready; /* the first two are 0 or 1 */
	double feed_delay_seconds; /* NaN: no record came since the start */
	uint64_t refused, feed_refused;
	int64_t silent_ms;  /* not a metric: since the last beat of a keeper, or since the control plane was first read */
	int64_t watched_ms; /* not a metric: when somebody said that the pipelines are watched, by clock_ms(); 0: nobody did */
};

/* Calls of a gateway. */
struct gateway_calls {
	uint64_t begun, answered, failed, filtered, accepted, timed_out, left, strayed, dropped_traces;
	uint64_t open;
	uint64_t connections, refused, peer_refused, rejected, flooded; /* connections */
};

/* The key set by which a gateway verifies tokens; NaN: there was none yet. */
struct gateway_keys {
	double age_seconds;
	uint64_t failed; /* fetches */
};

/* Files of credentials and policies that a gateway read again. */
struct gateway_reloads {
	uint64_t failed;
};

/* Calls of a pipeline through a gateway. */
struct gateway_pipeline {
	struct duration_counts duration;
};

/* Calls of a model at a model server. */
struct served_counts {
	uint64_t calls;
	uint64_t errors[COUNTED_ERROR_KINDS];
	struct duration_counts duration;
};

#define SERVED_SERIES_MAX ((size_t)2000) /* of a model server; models beyond it are SUBJECT_OTHER */

/* One subject of a scope. */
struct metric_subject {
	struct text labels[METRIC_LABELS_MAX]; /* values of the labels, in the order of the scope's labels */
	const void *values;		       /* the struct of its scope */
};

/* Number of series that one subject of the scope has. */
size_t metric_series_count(enum metric_scope scope);

#define SUBJECT_OTHER "other"

/* Reduces the subjects to `most`, at least 1. The first ones stay. The others become one subject, whose last label is
 * SUBJECT_OTHER and whose counts are their sum. A subject that already has that label is always one of the others, if
 * there are any. `words`: number of words in the scope's struct. Returns the new number of subjects. The sum is in
 * the arena, which fails if there is no memory for it. */
size_t metric_subjects_fold(struct metric_subject *subjects, size_t count, size_t most, enum metric_scope scope, size_t words,
			    struct arena *arena);
