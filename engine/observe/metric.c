/* metric.c: see metric.h. */
#include "observe/metric.h"

#include <math.h>

#define US_PER_S 1e6

#define COUNTER(scope, type, field, name, help) {name, METRIC_COUNTER, NULL, help, scope, VALUE_COUNT, offsetof(type, field)}
#define GAUGE(scope, type, field, name, help) {name, METRIC_GAUGE, NULL, help, scope, VALUE_COUNT, offsetof(type, field)}
#define ERRORS(scope, type, field, name, help) {name, METRIC_COUNTER, NULL, help, scope, VALUE_ERRORS, offsetof(type, field)}
#define NUMBER(scope, type, field, unit, name, help) {name, METRIC_GAUGE, unit, help, scope, VALUE_NUMBER, offsetof(type, field)}
#define DURATION(scope, type, field, name, help)                                                                                 \
	{name, METRIC_HISTOGRAM, "seconds", help, scope, VALUE_DURATIONS, offsetof(type, field)}

#define PROCESS(field, unit, name, help) NUMBER(SCOPE_PROCESS, struct process_state, field, unit, name, help)
#define NAMESPACE(field, name, help) NUMBER(SCOPE_NAMESPACE, struct namespace_state, field, NULL, name, help)
#define PIPELINE(field, name, help) COUNTER(SCOPE_PIPELINE, struct pipeline_counts, field, name, help)
#define PIPELINE_NOW(field, unit, name, help) NUMBER(SCOPE_PIPELINE_NOW, struct pipeline_state, field, unit, name, help)
#define POLICY(field, name, help) NUMBER(SCOPE_POLICY, struct policy_figures, field, NULL, name, help)
#define POLICY_LOSS(field, name, help) COUNTER(SCOPE_POLICY, struct policy_figures, field, name, help)
#define OUTLIER(field, name, help) NUMBER(SCOPE_OUTLIER, struct outlier_figures, field, NULL, name, help)
#define DRIFT(field, name, help) NUMBER(SCOPE_DRIFT, struct drift_state, field, NULL, name, help)
#define ALERT(field, name, help) COUNTER(SCOPE_ALERT, struct alert_state, field, name, help)
#define MODEL(field, name, help) COUNTER(SCOPE_MODEL, struct model_counts, field, name, help)
#define MODEL_NOW(field, name, help) GAUGE(SCOPE_MODEL, struct model_counts, field, name, help)
#define CONTROL(field, name, help) NUMBER(SCOPE_CONTROL, struct control_state, field, NULL, name, help)
#define GATEWAY(field, name, help) COUNTER(SCOPE_GATEWAY, struct gateway_calls, field, name, help)
#define SELDON_HISTOGRAM(scope, name, help) {name, METRIC_HISTOGRAM, "seconds", help, scope, VALUE_SELDON, 0}
#define SELDON_COUNT(scope, name, help) {name, METRIC_COUNTER, NULL, help, scope, VALUE_DURATED, 0}
#define SELDON_SECONDS(scope, name, help) {name, METRIC_COUNTER, "seconds", help, scope, VALUE_SECONDS, 0}
#define STEP(field, name, help) COUNTER(SCOPE_STEP, struct step_counts, field, name, help)
#define MIRROR(field, name, help) COUNTER(SCOPE_MIRROR, struct mirror_counts, field, name, help)
#define WORKER(field, name, help) COUNTER(SCOPE_WORKER, struct worker_counts, field, name, help)

/* Of clients of Kafka: `whose` says which, and how often. */
#define CLIENT_COUNT(scope, field, name, help) COUNTER(scope, struct client_counts, field, name, help)
#define CLIENT_LEVEL(scope, field, name, help) GAUGE(scope, struct client_counts, field, name, help)
#define CLIENT_BYTES(scope, field, name, help)                                                                                   \
	{name, METRIC_COUNTER, "bytes", help, scope, VALUE_COUNT, offsetof(struct client_counts, field)}
#define CLIENT_ROWS(scope, prefix, whose)                                                                                        \
	CLIENT_LEVEL(scope, brokers, prefix "brokers", "Brokers that the client knows. " whose),                                 \
	CLIENT_LEVEL(scope, brokers_up, prefix "brokers_up", "Brokers with a connection that is ready."),                        \
	CLIENT_COUNT(scope, requests, prefix "requests_total", "Requests that were sent to brokers."),                           \
	CLIENT_LEVEL(scope, requests_waiting, prefix "requests_waiting", "Requests that wait to be sent."),                      \
	CLIENT_LEVEL(scope, requests_in_flight, prefix "requests_in_flight", "Requests that were sent and are not answered."),   \
	CLIENT_LEVEL(scope, records_waiting, prefix "records_waiting", "Records that were produced and are not acknowledged."),  \
	CLIENT_COUNT(scope, records_sent, prefix "records_sent_total", "Records that were sent to brokers."),                    \
	CLIENT_COUNT(scope, records_received, prefix "records_received_total", "Records that were fetched from brokers."),       \
	CLIENT_BYTES(scope, sent_bytes, prefix "sent_bytes_total", "Bytes that were sent to brokers."),                          \
	CLIENT_BYTES(scope, received_bytes, prefix "received_bytes_total", "Bytes that were received from brokers."),            \
	CLIENT_COUNT(scope, errors, prefix "errors_total", "Errors of sending and receiving."),                                  \
	CLIENT_COUNT(scope, timeouts, prefix "timeouts_total", "Requests that brokers did not answer in time."),                 \
	CLIENT_COUNT(scope, disconnects, prefix "disconnects_total", "Connections to brokers that ended.")
#define CLIENT_ROUND_TRIP(scope, prefix)                                                                                         \
	NUMBER(scope, struct client_state, round_trip_seconds, "seconds", prefix "round_trip_seconds",                           \
	       "Mean time between a request and its answer since the values before, of the slowest broker. Fetches that wait "   \
	       "for records are among them. Not reported if there was none.")

const struct metric metric_rows[] = {
	{"process_cpu_seconds_total", METRIC_COUNTER, "seconds", "Processor time of the process, user and system.", SCOPE_PROCESS,
	 VALUE_NUMBER, offsetof(struct process_state, cpu_seconds)},
	PROCESS(resident_bytes, "bytes", "process_resident_memory_bytes", "Resident memory of the process."),
	PROCESS(virtual_bytes, "bytes", "process_virtual_memory_bytes", "Virtual memory of the process."),
	PROCESS(open_fds, NULL, "process_open_fds", "Open file descriptors of the process."),
	PROCESS(max_fds, NULL, "process_max_fds", "Limit of open file descriptors."),
	PROCESS(start_seconds, "seconds", "process_start_time_seconds", "Start of the process, in seconds since 1970."),
	NUMBER(SCOPE_BUILD, struct build_state, one, NULL, "sluice_build_info", "1, with the version of the program."),

	NAMESPACE(replicas_wanted, "sluice_replicas_wanted",
		  "Engines that the namespace needs: (records that come per second + lag / 30) / (0.8 * capacity of an engine), "
		  "rounded up; at least 1, and at most the partitions with work, so 0 when there is none. Each engine reports its "
		  "own estimate: take the largest. Where engines are scaled by it, keep at least 1."),
	NAMESPACE(capacity, "sluice_engine_capacity",
		  "Records per second that this engine can end: what it has ended in the last seconds while more than a second's "
		  "records waited; else that over the share of its workers' processor time that it has used, at least 5%."),
	NAMESPACE(lag_records, "sluice_namespace_lag_records",
		  "Records of all pipelines of the namespace that are not committed, as in `sluice_pipeline_lag_records`."),
	NAMESPACE(busy_partitions, "sluice_namespace_busy_partitions",
		  "Partitions with work: those with records that are not committed, or that have come in the last seconds."),

	PIPELINE(taken, "sluice_pipeline_requests_total", "Requests that the pipeline has taken, and calls of it."),
	PIPELINE(ended, "sluice_pipeline_requests_ended_total",
		 "Requests that were answered, dropped on purpose, or finished in a pipeline without output."),
	PIPELINE(answered, "sluice_pipeline_answers_total",
		 "Answers, errors among them. A request that was split may have several."),
	ERRORS(SCOPE_PIPELINE, struct pipeline_counts, errors, "sluice_pipeline_errors_total",
	       "Errors by kind: those of the answers, and of requests without an answer."),
	PIPELINE(dropped, "sluice_pipeline_dropped_total",
		 "Requests that were dropped on purpose: by a filter, or into a window that stays open."),
	PIPELINE(dead_letters, "sluice_pipeline_dead_letters_total", "Requests that were written to the errors topic."),
	PIPELINE(pauses, "sluice_pipeline_pauses_total", "How often a stage was full and its partitions were paused."),
	PIPELINE(skipped, "sluice_pipeline_skipped_records_total", "Records that were deleted from Kafka before they were read."),
	PIPELINE(resets, "sluice_pipeline_resets_total", "Aborted transactions of the workers that serve the pipeline."),
	GAUGE(SCOPE_PIPELINE, struct pipeline_counts, in_flight, "sluice_pipeline_in_flight",
	      "Messages that the pipeline's stages have taken and not finished."),
	DURATION(SCOPE_PIPELINE, struct pipeline_counts, duration, "sluice_pipeline_request_duration_seconds",
		 "Time from a request's record to the end of the request."),
	PIPELINE_NOW(lag_records, NULL, "sluice_pipeline_lag_records",
		     "Records of the pipeline's input topics that its group had not committed when Kafka was last asked, every "
		     "5 s: those that wait, are in flight, or are answered and not committed yet. The ends of transactions, "
		     "which take an offset each, are not counted where they come before the first record. Not reported while "
		     "Kafka does not answer."),
	PIPELINE_NOW(lag_seconds, "seconds", "sluice_pipeline_lag_seconds",
		     "Age that the oldest of these records had then; 0: there was none. Of a pipeline that keeps up it is at "
		     "most the time until a request is answered and committed."),
	PIPELINE_NOW(observers_lag_records, NULL, "sluice_pipeline_observers_lag_records",
		     "Records for the pipeline's observers (`drift`, and `explain` beside the answer) that their groups have not "
		     "committed. No answer waits for them."),
	PIPELINE_NOW(explainers_lag_records, NULL, "sluice_pipeline_explainers_lag_records",
		     "Of these, the records for `explain` beside the answer, which a group of its own reads."),
	PIPELINE_NOW(waiting, NULL, "sluice_pipeline_waiting",
		     "1 while the pipeline waits for partitions, for a topic, for state, or, with requests in flight, for a model "
		     "that is unreachable; else 0."),
	PIPELINE_NOW(
		unobserved, NULL, "sluice_pipeline_unobserved",
		"1 while observers of the pipeline wait: for a topic, or until their state can be restored; else 0. Its answers "
		"go on. The state `unobserved` in `sluice top` has the reason beside it. It is also the state of a pipeline with "
		"a step that can watch nothing: sluice_drift_learning or sluice_outlier_unfit is 1 then, or, where messages lack "
		"what it watches, sluice_drift_quality_alarm."),
	PIPELINE_NOW(models_away, NULL, "sluice_pipeline_models_away",
		     "Models that the pipeline calls and that are unreachable, over all workers."),

	{"sluice_step_messages_total", METRIC_COUNTER, NULL,
	 "Messages that have come to the step and been finished there; those that were given up are not counted.", SCOPE_STEP,
	 VALUE_DURATED, offsetof(struct step_counts, duration)},
	ERRORS(SCOPE_STEP, struct step_counts, errors, "sluice_step_errors_total",
	       "Messages that failed at the step, by the kind of their error."),
	DURATION(SCOPE_STEP, struct step_counts, duration, "sluice_step_duration_seconds",
		 "Time of a message at the step, with its calls. The clock has milliseconds and is read once a turn: a "
		 "step that calls nothing takes 0."),
	STEP(units_missing, "sluice_step_units_missing_total",
	     "Messages without a unit at a step with an experiment: they have no key, or the expression has not one value. "
	     "Their origin chose, or they failed."),
	STEP(fallbacks, "sluice_step_fallbacks_total",
	     "Calls of the default of an experiment with `fallback: default`, after the chosen candidate had failed."),

	MIRROR(agreed, "sluice_mirror_agreed_total",
	       "Copies to the mirror of an experiment whose reply agreed with what the candidate had replied, within the mirror's "
	       "`tolerance`; or both failed. Of copies to a predictor with `shadow`: with the answer of the deployment."),
	MIRROR(disagreed, "sluice_mirror_disagreed_total",
	       "Copies whose reply differed, or one of the two failed. The shadow topic has each with the id of its request."),
	MIRROR(failed, "sluice_mirror_errors_total", "Copies that were compared, and for which the mirror had failed."),
	MIRROR(left_out, "sluice_mirror_left_out_total",
	       "Copies that were not compared: they were not sent, or had no reply when their stage ended; or the candidate's "
	       "reply was not awaited, or the request had no answer in their stage; or too many waited for theirs."),
	DURATION(SCOPE_MIRROR, struct mirror_counts, mirror, "sluice_mirror_duration_seconds",
		 "Time from the copy to the mirror's reply, of copies that were compared."),
	DURATION(SCOPE_MIRROR, struct mirror_counts, answer, "sluice_mirror_answer_duration_seconds",
		 "Time from the copy to what it is compared with, of the same copies."),

	DRIFT(score, "sluice_drift_score",
	      "drift_score of the last window of a step `drift` that this engine knows; no value before the first."),
	DRIFT(found, "sluice_drift_found", "1: that window has drifted; no value before the first."),
	DRIFT(learning, "sluice_drift_learning", "1: this engine knows no verdict on a window of the step yet."),
	DRIFT(segments, "sluice_drift_segments",
	      "Segments of the step's `groupBy` that this engine has seen; 1 without it, 0 before the first message."),
	DRIFT(beyond, "sluice_drift_beyond_segments",
	      "Rows that were not compared since their segment came after the first 1,000, in all."),
	DRIFT(quality_alarm, "sluice_drift_quality_alarm",
	      "1: values of the last window are out of the bounds of quality; no value before the first."),
	DRIFT(missing, "sluice_drift_missing_share", "Share of missing values of the last window, the largest of the features."),
	DRIFT(mistyped, "sluice_drift_mistyped_share",
	      "Share of values of another type than the reference's, the largest of the features."),
	DRIFT(outside, "sluice_drift_outside_share",
	      "Share of numbers outside of the reference's range, the largest of the features."),
	DRIFT(unseen, "sluice_drift_unseen_share",
	      "Share of categories that the reference does not have, the largest of the features."),
	DRIFT(accuracy, "sluice_estimated_accuracy",
	      "Accuracy in the last window, as the classifier's own probabilities have it; no value without `estimate`."),
	DRIFT(accuracy_low, "sluice_estimated_accuracy_low", "Lower end of its band of 95 of 100 windows."),
	DRIFT(accuracy_high, "sluice_estimated_accuracy_high", "Upper end of that band."),
	DRIFT(precision, "sluice_estimated_precision", "Precision, likewise; of two classes only."),
	DRIFT(recall, "sluice_estimated_recall", "Recall, likewise; of two classes only."),
	DRIFT(auc, "sluice_estimated_auc", "Area under the ROC curve, likewise; of two classes only."),
	DRIFT(error, "sluice_estimated_error",
	      "Mean absolute error in the last window, as a second model expects it; no value without `estimateError`."),
	DRIFT(realised_accuracy, "sluice_realised_accuracy",
	      "Accuracy in the last window that settled in this engine, of the rows that had feedback within `outcomeWindow`; no "
	      "value before the first."),
	DRIFT(realised_accuracy_low, "sluice_realised_accuracy_low",
	      "Lower end of the band in which the accuracy of the same rows was estimated."),
	DRIFT(realised_accuracy_high, "sluice_realised_accuracy_high", "Upper end of that band."),
	DRIFT(realised_precision, "sluice_realised_precision", "Precision, as `sluice_realised_accuracy`; of two classes only."),
	DRIFT(realised_recall, "sluice_realised_recall", "Recall, likewise; of two classes only."),
	DRIFT(realised_auc, "sluice_realised_auc", "Area under the ROC curve, likewise; of two classes only."),
	DRIFT(realised_error, "sluice_realised_error", "Mean absolute error of a regressor, as `sluice_realised_accuracy`."),
	DRIFT(realised_error_low, "sluice_realised_error_low",
	      "Lower end of the band in which it was estimated for the same rows."),
	DRIFT(realised_error_high, "sluice_realised_error_high", "Upper end of that band."),
	COUNTER(SCOPE_DRIFT, struct drift_state, bands_held, "sluice_realised_bands_held_total",
		"Windows that settled in this engine with the realised number (of a classifier the accuracy, of a regressor the "
		"error) within the band of its estimate."),
	COUNTER(SCOPE_DRIFT, struct drift_state, bands_left, "sluice_realised_bands_left_total",
		"Windows that settled in this engine with that number outside of its band: more than one in twenty shows that "
		"probabilities are not calibrated, or that the same inputs need other answers than before."),
	COUNTER(SCOPE_DRIFT, struct drift_state, rows_unkept, "sluice_realised_rows_unkept_total",
		"Rows of windows that settled in this engine which did not wait for feedback, since 73728 rows waited, or they "
		"have more than 65535 classes: choose a shorter `window` or `outcomeWindow`, or a smaller `share`."),
	COUNTER(SCOPE_DRIFT, struct drift_state, rows_unfit, "sluice_realised_rows_unfit_total",
		"Rows of windows that settled in this engine whose feedback cannot be compared: of a classifier it needs the "
		"metric `accuracy` from 0 to 1, or the number of each row's class as truth, from 0; of a regressor a number for "
		"each row."),
	COUNTER(SCOPE_DRIFT, struct drift_state, truths_forgotten, "sluice_realised_truths_forgotten_total",
		"Feedback that the observer in this engine has forgotten before its time, since more than 65536 truths or 8 MiB of "
		"them waited, or its state is full: also that of requests outside of `share`. Choose a shorter `outcomeWindow`, or "
		"send feedback of fewer requests."),
	COUNTER(SCOPE_DRIFT, struct drift_state, windows_cut_short, "sluice_realised_windows_cut_short_total",
		"Windows that began to settle in this engine before their `outcomeWindow` had passed, since more than 65536 rows "
		"waited: their realised numbers may lack later feedback. Choose a shorter `window` or `outcomeWindow`, or a "
		"smaller `share`."),
	DRIFT(messages_per_minute, "sluice_drift_messages_per_minute",
	      "Messages a minute of event time in the last window, of those within `share`; a row of a batch is one. With "
	      "`groupBy` the sum of the segments' last windows. No value before the second window."),
	NUMBER(SCOPE_DRIFT, struct drift_state, newest_age_seconds, "seconds", "sluice_drift_newest_age_seconds",
	       "The longest time without a newer event in the last window, by event times; with `groupBy` of its segments the "
	       "greatest. No value before the second window."),

	NUMBER(SCOPE_DRIFT_FEATURE, struct drift_feature_state, effect, NULL, "sluice_drift_worst_effect",
	       "Effect of the test of a step `drift` that is furthest above its limit in the last window that this engine knows. "
	       "`feature` and `test` say which: one series a step at a time. `*` is all features together. No value where no "
	       "test is established."),
	NUMBER(SCOPE_DRIFT_FEATURE, struct drift_feature_state, p, NULL, "sluice_drift_worst_p",
	       "p of that test; no value where the test has none."),

	OUTLIER(learning, "sluice_outlier_learning",
		"1: the last message of a step `outlier` with `past` was not judged, since too little of the past is known yet; no "
		"value before the first."),
	OUTLIER(unfit, "sluice_outlier_unfit",
		"1: that message was not judged, since columns of the past follow from others, so there is no distance; leave them "
		"out of the tensor."),

	NUMBER(SCOPE_IMPORTANCE, struct importance_state, mean, NULL, "sluice_feature_importance",
	       "Mean absolute contribution of a feature to the answers, over all outputs, in the last window that this engine "
	       "closed of a step `explain` with `importance`. The 20 features with the most; the others together are `other`."),

	NUMBER(SCOPE_ALERT, struct alert_state, firing, NULL, "sluice_alert_firing",
	       "1: the alert is firing. With `groupBy`: the number of its groups that are."),
	NUMBER(SCOPE_ALERT, struct alert_state, pending, NULL, "sluice_alert_pending",
	       "1: the condition holds, and not yet for the time `for`. With `groupBy`: the number of such groups."),
	NUMBER(SCOPE_ALERT, struct alert_state, silenced, NULL, "sluice_alert_silenced",
	       "1: a Silence of the alert, or its field `silence`, is in force, so it sends no notice of a firing."),
	ALERT(missing, "sluice_alert_missing_total",
	      "Judgements that were not possible, because a value is missing: by figures, one a second; by values of messages, one "
	      "for each that went without an error, if no result of a step had them. Of a pipeline with several stages those "
	      "stages count that have judged others."),
	ALERT(beyond, "sluice_alert_beyond_groups_total",
	      "Judgements that held of groups beyond the 1000 that an alert with `groupBy` has at a time, or "
	      "whose value is missing or longer than 256 bytes."),
	ALERT(sent, "sluice_alert_notices_sent_total", "Notices that a receiver has accepted."),
	ALERT(failed, "sluice_alert_notices_failed_total",
	      "Notices that were given up: refused, to an address that is not allowed, or a day old."),
	ALERT(dropped, "sluice_alert_notices_dropped_total",
	      "Attempts to queue a notice that failed, as too many waited, or its secret could not be read. It is not lost: each "
	      "such notice is tried again every second, and counted again."),
	ALERT(rejected, "sluice_alert_records_rejected_total",
	      "Records of the alert for the topic `feed` that Kafka refuses each time, because they are too large or invalid: the "
	      "next engine does not know of that firing or notice."),

	NUMBER(SCOPE_RECEIVER, struct receiver_state, waiting, NULL, "sluice_alert_receiver_notices_waiting",
	       "Notices that wait for the receiver: the host of a webhook, a mailbox, a topic. `action`: the first action in the "
	       "files that has it, as PIPELINE/ALERT/1; empty for one of no alert there, and then the receivers of one host have "
	       "one series. The first 99 have a series each, the others are `other receivers`."),
	NUMBER(SCOPE_RECEIVER, struct receiver_state, oldest_seconds, "seconds", "sluice_alert_receiver_oldest_notice_seconds",
	       "Age of the oldest of these; 0: none waits. At a day it is given up."),
	NUMBER(SCOPE_RECEIVER, struct receiver_state, failing_seconds, "seconds", "sluice_alert_receiver_failing_seconds",
	       "While notices wait for a receiver that cannot be reached: time since the first attempt that failed after the last "
	       "delivery; otherwise 0. The log and `sluice alerts list` have the cause. A notice that is refused does not wait: "
	       "sluice_alert_notices_failed_total counts it."),
	COUNTER(SCOPE_RECEIVER, struct receiver_state, failures, "sluice_alert_receiver_failures_total",
		"Attempts at the receiver that failed: no connection, no answer in time, or a refusal."),

	COUNTER(SCOPE_METRIC, struct metric_state, missing, "sluice_metric_missing_total",
		"Answers that a declared metric could not count: a value is missing, not a number, or not valid for its type."),
	COUNTER(SCOPE_METRIC, struct metric_state, lost, "sluice_metric_lost_total",
		"Answers for which a metric of truth or reward counts no feedback, because the memory for them was full."),
	COUNTER(SCOPE_METRIC, struct metric_state, others, "sluice_metric_other_total",
		"Values of a declared metric that were counted as `other`, because the metric had all its series."),

	POLICY(version, "sluice_policy_version",
	       "Version of the policy by which bandits choose in this engine; no value before the first."),
	POLICY(rewards, "sluice_policy_rewards", "Rewards from which that policy was learned, with the plays of a warmStart."),
	POLICY(age_seconds, "sluice_policy_age_seconds",
	       "Time since this engine read the last record of the policy, or began to choose by a warmStart (version 0); it "
	       "should stay below a few updateIntervals."),
	POLICY_LOSS(
		refused, "sluice_policy_feedback_refused_total",
		"Feedback that is not learnt from, since it cannot be read, is refused, or its reward is none that the algorithm "
		"takes. This and the following are counted by the engine that learns: take the sum over engines."),
	POLICY_LOSS(late, "sluice_policy_feedback_late_total", "Feedback that came after the outcomeWindow of its request."),
	POLICY_LOSS(unknown, "sluice_policy_feedback_unknown_total",
		    "Feedback of a request or a unit to which the experiment gave no candidate in the outcomeWindow."),
	POLICY_LOSS(by_unit, "sluice_policy_feedback_by_unit_total",
		    "Feedback with a reward that names a unit alone, which is for the last request of the unit before it."),
	POLICY_LOSS(feedback_dropped, "sluice_policy_feedback_dropped_total",
		    "Feedback that names a unit alone and was not learnt from: more than 1048576 with a feedback_id came within an "
		    "outcomeWindow, or the unit has more than 16384 later requests."),
	POLICY_LOSS(repeated, "sluice_policy_feedback_repeated_total",
		    "Rewards of requests that had one, and choices of candidates that came again: each counts once."),
	POLICY_LOSS(dropped, "sluice_policy_exposures_dropped_total",
		    "Requests that the learner forgot before their outcomeWindow was over: more were open than it has memory for."),
	POLICY_LOSS(missing, "sluice_policy_features_missing_total",
		    "Features of contextFeatures that a request did not have, or a text of no class: each counts as 0."),
	POLICY_LOSS(uncomputed, "sluice_policy_feedback_uncomputed_total",
		    "Requests whose rewardMetric could not be computed, though feedback had come: the answer or the feedback lacks "
		    "what the metric names."),

	MODEL(calls, "sluice_model_calls_total", "Calls of the model by steps."),
	MODEL(attempts, "sluice_model_attempts_total", "Attempts that were sent; a batch of calls is one."),
	MODEL(retries, "sluice_model_retries_total", "Attempts that were sent again after another failed or was recalled."),
	ERRORS(SCOPE_MODEL, struct model_counts, errors, "sluice_model_errors_total",
	       "Calls that ended with an error, by its kind."),
	DURATION(SCOPE_MODEL, struct model_counts, duration, "sluice_model_attempt_duration_seconds",
		 "Time of an attempt from its sending to its outcome."),
	MODEL_NOW(in_flight, "sluice_model_in_flight", "Attempts that were sent and have no outcome."),
	MODEL_NOW(waiting, "sluice_model_waiting", "Calls that are queued, or pause before they are sent again."),
	MODEL_NOW(limit, "sluice_model_concurrency_limit", "Present limit of attempts in flight, over all workers."),
	{"sluice_model_breakers", METRIC_GAUGE, NULL, "Workers whose circuit breaker of the model is in the state.", SCOPE_MODEL,
	 VALUE_BREAKERS, offsetof(struct model_counts, breakers)},
	MODEL(cache_hits, "sluice_model_cache_hits_total",
	      "Calls that were answered from the cache, or by the reply to an equal call."),
	MODEL(cache_misses, "sluice_model_cache_misses_total", "Calls that were looked up in the cache and sent to the model."),
	{"sluice_model_batch_rows", METRIC_HISTOGRAM, NULL,
	 "Rows of each attempt, where calls are merged: a call that was sent alone has its own.",
	 SCOPE_MODEL, VALUE_SIZES, offsetof(struct model_counts, batch_rows)},

	WORKER(taken, "sluice_worker_records_total", "Records that the worker has taken from Kafka."),
	WORKER(released, "sluice_worker_released_total", "Records that have left the worker in their order."),
	WORKER(commits, "sluice_worker_commits_total", "Commits of offsets: transactions exactly once, else batches."),
	WORKER(resets, "sluice_worker_resets_total", "Aborted transactions."),
	WORKER(dropped_in_flight, "sluice_worker_dropped_in_flight_total",
	       "Messages that were in flight when a transaction was aborted, and are taken again."),
	WORKER(refused, "sluice_worker_refused_total", "Results that Kafka accepted and then refused."),
	WORKER(cancelled, "sluice_worker_cancelled_total",
	       "Requests that were not processed to their end because their callers cancelled them or disconnected."),
	WORKER(copies, "sluice_worker_copies_total", "Shadow requests that were sent."),
	WORKER(copies_lost, "sluice_worker_copies_lost_total",
	       "Shadow requests that were not sent, since too many were outstanding, or that had no reply when their stage ended."),
	WORKER(taps_lost, "sluice_worker_taps_lost_total",
	       "Records for taps and shadow topics that were lost: too many waited for Kafka, or it did not take them."),
	WORKER(truths_lost, "sluice_worker_truths_lost_total",
	       "Feedback that observers of drift did not get: Kafka refused it, it was too large, or memory ran out. See the log."),
	WORKER(replies, "sluice_worker_replies_total", "Copies of answers for gateways that were sent."),
	WORKER(replies_lost, "sluice_worker_replies_lost_total",
	       "Copies of answers for gateways that were lost: too many waited for Kafka, or it did not take them after they were "
	       "sent."),
	WORKER(replies_malformed, "sluice_worker_replies_malformed_total", "Requests whose reply address could not be read."),
	WORKER(snapshots, "sluice_worker_snapshots_total", "Snapshots of state that were written to the folder of `--state`."),
	WORKER(snapshots_lost, "sluice_worker_snapshots_lost_total",
	       "Snapshots of state that could not be written; the log has the reason. Nothing is lost, but restarts take longer."),
	NUMBER(SCOPE_WORKER_NOW, struct worker_state, turn_age_seconds, "seconds", "sluice_worker_turn_age_seconds",
	       "Time since the worker's last turn began; large: it is stuck in a step, or dead."),

	CLIENT_ROWS(SCOPE_CLIENT, "sluice_kafka_",
		    "The client is the worker's `consumer` or `producer`; librdkafka tells this and the following every 10 s, and "
		    "its counts begin again when the worker replaces a client."),
	CLIENT_COUNT(SCOPE_CLIENT, rebalances, "sluice_kafka_rebalances_total",
		     "Rebalances of the consumer's group that it took part in."),
	CLIENT_ROUND_TRIP(SCOPE_CLIENT_NOW, "sluice_kafka_"),

	CONTROL(is_stale, "sluice_control_stale",
		"1: the engine has had no report of the keeper for 5 s. Changes wait; the engine continues with what it runs."),
	CONTROL(is_behind, "sluice_control_behind", "1: the engine does not run the documents that are in force."),
	CONTROL(resources, "sluice_control_resources", "Resources that the engine runs."),
	CONTROL(unready, "sluice_control_unready", "Conditions of the engine and its resources that are not ready."),
	COUNTER(SCOPE_CONTROL, struct control_state, refused, "sluice_control_refused_records_total",
		"Records of the control topic that the engine could not read."),
	CONTROL(feed_delay_seconds, "sluice_control_feed_delay_seconds",
		"Time from a record of the feed to its being in force here, for the last record that came; no value before."),
	COUNTER(SCOPE_CONTROL, struct control_state, feed_refused, "sluice_control_feed_refused_records_total",
		"Records of the feed that the engine could not use."),

	GATEWAY(begun, "sluice_gateway_calls_total", "Calls that the gateway has begun."),
	GATEWAY(answered, "sluice_gateway_answers_total", "Calls that were answered by a pipeline without an error."),
	GATEWAY(failed, "sluice_gateway_failures_total", "Calls that ended with an error."),
	GATEWAY(filtered, "sluice_gateway_filtered_total", "Calls whose request a step has dropped."),
	GATEWAY(accepted, "sluice_gateway_accepted_total",
		"Calls that end when Kafka has the request: submitted ones, and those of pipelines without output."),
	GATEWAY(timed_out, "sluice_gateway_timeouts_total", "Calls that ended by their deadline; they are failures too."),
	GATEWAY(left, "sluice_gateway_abandoned_total", "Calls whose caller disconnected; they are failures too."),
	GAUGE(SCOPE_GATEWAY, struct gateway_calls, open, "sluice_gateway_open_calls", "Calls that have begun and not ended."),
	GATEWAY(strayed, "sluice_gateway_stray_replies_total", "Replies to calls that are over, or that are another gateway's."),
	GATEWAY(dropped_traces, "sluice_gateway_dropped_traces_total",
		"Requests that had several different `traceparent` headers, so that they belong to no one trace: neither these nor "
		"`tracestate` reached the record."),
	GATEWAY(connections, "sluice_gateway_connections_total",
		"Connections that the gateway has accepted. Far more than calls: callers connect for each call, or for none."),
	GATEWAY(refused, "sluice_gateway_refused_connections_total",
		"Connections that were closed at once because the gateway had as many as it allows, or no memory."),
	GATEWAY(peer_refused, "sluice_gateway_refused_peer_connections_total",
		"Connections that were closed at once because their address had as many as one may have."),
	GATEWAY(rejected, "sluice_gateway_rejected_requests_total",
		"Requests over HTTP/1.1 that were refused before they were whole, and whose connections were closed: heads and "
		"chunks that are not well formed, as those of request smuggling, and heads and bodies that are too long or come "
		"too slowly. Also counts requests in clear text, over HTTP/1.1 or HTTP/2, at a port with TLS."),
	GATEWAY(flooded, "sluice_gateway_flooding_connections_total",
		"Connections of HTTP/2 that were closed because they sent too many frames that do not advance a request, or "
		"headers that come to far more than their limit when they are decoded."),

	NUMBER(SCOPE_GATEWAY_KEYS, struct gateway_keys, age_seconds, "seconds", "sluice_gateway_key_set_age_seconds",
	       "Time since the key set of tokens was fetched last, which is every 5 minutes. Beyond an hour tokens are refused. "
	       "Not reported before the first, and without `--jwks`."),
	COUNTER(SCOPE_GATEWAY_KEYS, struct gateway_keys, failed, "sluice_gateway_key_fetches_failed_total",
		"Fetches of the key set of tokens that failed; the log has the cause."),
	COUNTER(SCOPE_GATEWAY_RELOAD, struct gateway_reloads, failed, "sluice_gateway_reloads_failed_total",
		"Files that have changed, or were to be read again, and have errors: the `certificate`, the `policies`, or the "
		"`api-keys`. The version that was read before stays in use."),

	{"sluice_gateway_refusals_total", METRIC_COUNTER, NULL,
	 "Requests that the gateway refused itself, for their credentials, their rate, their path, their headers or their body, "
	 "or because the body did not come in time or before their deadline. `code` is as in "
	 "`sluice_gateway_pipeline_calls_total`, which has those that were allowed to call a pipeline, too.",
	 SCOPE_GATEWAY_REFUSAL, VALUE_DURATED, 0},
	{"sluice_gateway_pipeline_calls_total", METRIC_COUNTER, NULL,
	 "Calls of a pipeline that have ended, those that the gateway refused among them. `code` is the HTTP status, or the "
	 "name of the gRPC status; a caller that disconnected has 499. Beyond 12 codes of a pipeline it is `other`, "
	 "for each protocol and verb.",
	 SCOPE_GATEWAY_CODE, VALUE_DURATED, 0},
	DURATION(SCOPE_GATEWAY_PIPELINE, struct gateway_pipeline, duration, "sluice_gateway_pipeline_call_duration_seconds",
		 "Time of these calls, from the whole request to the answer, by a clock of milliseconds. Feedback and calls that "
		 "the gateway refused are left out."),
	CLIENT_ROWS(SCOPE_GATEWAY_CLIENT, "sluice_gateway_kafka_",
		    "The client is the `producer` of requests or the `consumer` of replies; librdkafka tells this and the "
		    "following every 10 s, of the consumer every second."),
	CLIENT_ROUND_TRIP(SCOPE_GATEWAY_CLIENT_NOW, "sluice_gateway_kafka_"),

	COUNTER(SCOPE_SERVED, struct served_counts, calls, "sluice_served_model_calls_total",
		"Calls of the model that this server has answered, errors among them, also those that it refused before the model "
		"was asked."),
	ERRORS(SCOPE_SERVED, struct served_counts, errors, "sluice_served_model_errors_total",
	       "Errors among these answers, by kind: INPUT is the caller's, LIMIT a limit, SYSTEM the model's."),
	DURATION(SCOPE_SERVED, struct served_counts, duration, "sluice_served_model_call_duration_seconds",
		 "Time that the model took for these answers, without the reading of requests and the writing of answers."),

	SELDON_COUNT(SCOPE_SELDON_PIPELINE, "seldon_pipeline_infer_total",
		     "Calls of a pipeline through a gateway. `code` is the HTTP status, or the name of the gRPC status."),
	SELDON_SECONDS(SCOPE_SELDON_PIPELINE, "seldon_pipeline_infer_seconds_total",
		       "Time of these calls, by a clock of milliseconds."),
	SELDON_HISTOGRAM(SCOPE_SELDON_PIPELINE_API, "seldon_pipeline_infer_api_seconds", "Time of these calls."),
	SELDON_COUNT(SCOPE_SELDON_PIPELINES, "seldon_pipeline_aggregate_infer_total", "Calls of all pipelines."),
	SELDON_SECONDS(SCOPE_SELDON_PIPELINES, "seldon_pipeline_aggregate_infer_seconds_total", "Time of calls of all pipelines."),

	SELDON_COUNT(SCOPE_SELDON_MODEL, "seldon_model_infer_total",
		     "Attempts of an engine at a model; a batch of calls is one. Attempts without an answer have the code of 503, "
		     "or of 504 if the time was over. `server` is sluice, and `server_replica` the engine."),
	SELDON_SECONDS(SCOPE_SELDON_MODEL, "seldon_model_infer_seconds_total", "Time of these attempts."),
	SELDON_HISTOGRAM(SCOPE_SELDON_MODEL_API, "seldon_model_infer_api_seconds", "Time of the attempts at all models."),
	SELDON_COUNT(SCOPE_SELDON_MODELS, "seldon_model_aggregate_infer_total", "Attempts at all models."),
	SELDON_SECONDS(SCOPE_SELDON_MODELS, "seldon_model_aggregate_infer_seconds_total", "Time of the attempts at all models."),

	SELDON_HISTOGRAM(SCOPE_SELDON_SERVER, "seldon_api_executor_server_requests_seconds",
			 "Time of calls of a SeldonDeployment through a gateway. `predictor_name` is empty if predictors share the "
			 "calls."),
	SELDON_HISTOGRAM(SCOPE_SELDON_CLIENT, "seldon_api_executor_client_requests_seconds",
			 "Time of the attempts of an engine at a model of a SeldonDeployment."),
	{"seldon_deployment_prediction_count", METRIC_UNTYPED, NULL,
	 "Predictions of a SeldonDeployment that a gateway has answered without an error.", SCOPE_SELDON_DEPLOYMENT, VALUE_DURATED,
	 0},
	{0},
};

const char *const metric_scope_labels[METRIC_SCOPES] = {
	[SCOPE_PROCESS] = "",
	[SCOPE_BUILD] = "version",
	[SCOPE_NAMESPACE] = "namespace",
	[SCOPE_PIPELINE] = "namespace pipeline",
	[SCOPE_PIPELINE_NOW] = "namespace pipeline",
	[SCOPE_STEP] = "namespace pipeline step",
	[SCOPE_MIRROR] = "namespace pipeline step",
	[SCOPE_DRIFT] = "namespace pipeline step",
	[SCOPE_DRIFT_FEATURE] = "namespace pipeline step feature test",
	[SCOPE_OUTLIER] = "namespace pipeline step",
	[SCOPE_IMPORTANCE] = "namespace pipeline step feature",
	[SCOPE_POLICY] = "namespace pipeline experiment",
	[SCOPE_ALERT] = "namespace pipeline alert",
	[SCOPE_RECEIVER] = "receiver action",
	[SCOPE_METRIC] = "namespace pipeline metric",
	[SCOPE_MODEL] = "namespace model",
	[SCOPE_WORKER] = "group worker",
	[SCOPE_WORKER_NOW] = "group worker",
	[SCOPE_CLIENT] = "group worker client",
	[SCOPE_CLIENT_NOW] = "group worker client",
	[SCOPE_CONTROL] = "namespace",
	[SCOPE_GATEWAY] = "",
	[SCOPE_GATEWAY_KEYS] = "",
	[SCOPE_GATEWAY_RELOAD] = "what",
	[SCOPE_GATEWAY_REFUSAL] = "protocol code",
	[SCOPE_GATEWAY_CODE] = "namespace pipeline protocol verb code",
	[SCOPE_GATEWAY_PIPELINE] = "namespace pipeline",
	[SCOPE_GATEWAY_CLIENT] = "client",
	[SCOPE_GATEWAY_CLIENT_NOW] = "client",
	[SCOPE_SERVED] = "model",
	[SCOPE_SELDON_PIPELINE] = "server pipeline method_type code",
	[SCOPE_SELDON_PIPELINE_API] = "server pipeline method code",
	[SCOPE_SELDON_PIPELINES] = "server method_type",
	[SCOPE_SELDON_MODEL] = "server server_replica model model_internal method_type code",
	[SCOPE_SELDON_MODEL_API] = "server server_replica method code",
	[SCOPE_SELDON_MODELS] = "server server_replica method_type",
	[SCOPE_SELDON_SERVER] = "deployment_name predictor_name predictor_version service method code",
	[SCOPE_SELDON_CLIENT] = ("deployment_name predictor_name predictor_version service model_name model_image model_version "
				 "method code"),
	[SCOPE_SELDON_DEPLOYMENT] = "deployment_name",
};

static size_t value_series(enum metric_value value)
{
	switch (value) {
	case VALUE_ERRORS:
		return COUNTED_ERROR_KINDS;
	case VALUE_BREAKERS:
		return BREAKER_STATES;
	case VALUE_DURATIONS:
	case VALUE_SELDON:
		return DURATION_LIMITS + 3; /* the last bucket, the sum and the count */
	case VALUE_SIZES:
		return SIZE_LIMITS + 3;
	default:
		return 1;
	}
}

size_t metric_series_count(enum metric_scope scope)
{
	size_t series = 0;
	for (const struct metric *row = metric_rows; row->name; row++)
		series += row->scope == scope ? value_series(row->value) : 0;
	return series;
}

static size_t labels_counted(const char *labels)
{
	size_t count = labels[0] ? 1 : 0;
	for (; *labels; labels++)
		count += *labels == ' ';
	return count;
}

size_t metric_subjects_fold(struct metric_subject *subjects, size_t count, size_t most, enum metric_scope scope, size_t words,
			    struct arena *arena)
{
	if (count <= most)
		return count;
	size_t last = labels_counted(metric_scope_labels[scope]) - 1, kept = 0;
	uint64_t *sum = ARENA_ARRAY(arena, uint64_t, words);
	struct metric_subject rest = subjects[0];
	rest.labels[last] = TEXT(SUBJECT_OTHER);
	rest.values = sum;
	for (size_t i = 0; sum && i < count; i++) {
		if (kept + 1 < most && !text_is(subjects[i].labels[last], SUBJECT_OTHER))
			subjects[kept++] = subjects[i];
		else
			counts_add(sum, subjects[i].values, words);
	}
	if (!sum)
		return 0;
	subjects[kept] = rest;
	return kept + 1;
}

struct client_state client_state_of(const struct client_counts *counts)
{
	const uint64_t us = counts->round_trip_us;
	return (struct client_state){.round_trip_seconds = us > 0 ? (double)us / US_PER_S : (double)NAN};
}
