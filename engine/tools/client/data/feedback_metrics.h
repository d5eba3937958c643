/* feedback_metrics.h: Metrics of truth and reward that pipelines declare, computed for the feedback that a command reads.
 *
 * A value is added to the feedback as a metric of its name, unless the feedback has one of that name: what a caller has computed
 * counts. So it is joined as any other, and a metric `accuracy` replaces the judgement by the answer's text. Of several elements it
 * is the mean. Feedback that engines have computed gets no more. The answer's and the request's records are read only for metrics
 * that name `answer.` or `request.`; they are found by the request's id, or its origin.
 */
#pragma once

#include "experiments/outcomes/heap_list.h"
#include "message/records/exposure.h"
#include "message/records/feedback.h"
#include "compiler/plan/plan.h"
#include "tools/source/fit_topic.h"

struct answer_index; /* records of a topic by the names of their messages */

/* What an exposure says of a request, by its id or its origin. */
struct named_exposure {
	struct text name, variant;
	double latency_ms; /* NaN: not known */
};

/* Of one pipeline. Starts as {.arena = ...}; it must be closed. */
struct feedback_metrics {
	struct arena *arena;
	size_t count;
	struct pipeline_metric *items;
	struct answer_index *answers, *requests; /* NULL: not needed, or not there */
	struct heap_list exposures;		 /* struct named_exposure: if a metric names `variant` or `latency_ms` */
	bool of_exposure, exposures_sorted;
	uint64_t missed;			 /* feedback that a metric could not judge */
	uint64_t unanswered;			 /* of those: no answer, or no request, joined it */
	uint64_t unnamed;			 /* of the others: the names of the answer's tensors are not known */
};

/* Lists the metrics of the pipeline, and reads the topics that they need. Topics NULL: only truth and reward are known. False: a
 * SYSTEM, LIMIT or CONFIG error. */
bool feedback_metrics_open(struct feedback_metrics *self, const struct graph *graph, struct faults *faults,
			   const struct kafka *kafka, const char *answers, const char *requests, struct error *error);
void feedback_metrics_close(struct feedback_metrics *self);

/* Takes an exposure of the experiment, for metrics that name `variant` or `latency_ms`. All of them come before feedback. False:
 * SYSTEM. */
bool feedback_metrics_expose(struct feedback_metrics *self, const struct exposure *exposure, struct error *error);

/* Adds the values to the feedback, in that arena. False: the arena is full. */
bool feedback_metrics_add(struct feedback_metrics *self, struct feedback *feedback, struct arena *arena);
