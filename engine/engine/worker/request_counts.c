/* request_counts.c: Counts of requests: taken, ended, failed, and how long they took. The worker counts when a message
 * leaves its stage, and when the call of a subpipeline ends. */
#include <assert.h>

#include "base/number/duration.h"
#include "message/records/carried.h"
#include "engine/outputs/choice_links.h"
#include "engine/worker/parts.h"

static void latency_count(struct stage_counts *counts, int64_t took_ms)
{
	uint64_t us = took_ms > 0 ? (uint64_t)(took_ms * US_PER_MS) : 0;
	count_add(&counts->latency[histogram_bucket(us)], 1);
	duration_count(&counts->sums.duration, us);
}

/* Counts the outcome of a message, or of each child that answers instead of it. `ends`: nothing of the message goes
 * on to another stage. */
static void outcome_count(struct stage_counts *counts, bool errors_off, bool ends, enum flow_outcome outcome,
			  const struct answer *answer)
{
	if (outcome == FLOW_ANSWER && !(answer->error && errors_off))
		count_add(&counts->sums.answered, 1);
	if (outcome == FLOW_DROPPED)
		count_add(&counts->sums.dropped, 1);
	if (answer->error) {
		count_add(&counts->sums.failed, 1);
		count_add(&counts->sums.errors[answer->error->kind - 1], 1);
		last_failure_note(&counts->last_failure, answer->error, answer->step);
	} else if (ends) {
		count_add(&counts->sums.succeeded, 1);
	}
}

/* Whether the message goes on to a stage that is on the path of requests: observers are beside it. */
static bool path_goes_on(const struct inflight *inflight)
{
	const struct carried *carried = inflight->message.carried;
	const struct graph_part *part = inflight->stage->config->graph->part;
	for (size_t i = 0; carried && i < part->next_count; i++)
		if (carried->next >> i & 1 && part->next[i].observer_count == 0)
			return true;
	return false;
}

/* Whether the request ends here. An answer or a drop ends it in any stage. In a pipeline without an output, it ends
 * in a stage from which nothing goes on, except to observers. */
static bool outcome_ends(const struct inflight *inflight)
{
	switch (inflight->outcome) {
	case FLOW_ANSWER:
	case FLOW_DROPPED:
	case FLOW_PARTED:
		return true;
	case FLOW_NO_ANSWER:
		return !path_goes_on(inflight);
	case FLOW_PASSED:
		break;
	}
	return false;
}

/* Inline, as each message is counted by it: a call costs nine instructions. */
static inline int64_t took_ms_of(const struct inflight *inflight)
{
	const struct worker *worker = inflight->stage->worker;
	int64_t here_ms = loop_now_ms(worker->loop) - inflight->taken_ms;
	int64_t written_ms = inflight->message.written_ms;
	if (written_ms <= 0)
		return here_ms;
	const int64_t now_ms = worker->leaving_ms > 0 ? worker->leaving_ms : loop_time_of_day_ms(worker->loop);
	return now_ms - written_ms > here_ms ? now_ms - written_ms : here_ms;
}

int64_t inflight_took_ms(const struct inflight *inflight)
{
	return took_ms_of(inflight);
}

/* Metrics of the answer, or of those of its children. Most pipelines have none: see unusual_count_out(). */
static __attribute__((noinline)) void metrics_count_of(const struct inflight *inflight, int64_t took_ms)
{
	if (inflight->outcome == FLOW_ANSWER)
		answer_metrics_count(inflight->stage, &inflight->message, &inflight->answer, took_ms);
	for (const struct offspring *child = inflight->outcome == FLOW_PARTED ? inflight->message.offspring : NULL; child;
	     child = child->next)
		if (child->outcome == FLOW_ANSWER)
			answer_metrics_count(inflight->stage, &child->message, &child->answer, took_ms);
}

/* Whether alerts were judged by a result of the message, or by none, because none had all values of the condition. */
static __attribute__((noinline)) void judged_count(const struct inflight *inflight)
{
	const struct stage_config *config = inflight->stage->config;
	for (size_t i = 0; i < config->alert_count; i++) {
		struct judged_counts *counts = &stage_alert_counts(inflight->stage, i)->judged;
		if (!config->alerts[i].condition.of_figures)
			count_add(inflight->judged >> i & 1 ? &counts->judged : &counts->missing, 1);
	}
}

/* Counts the outcome of a message that is not one answer without an error. Apart, so that the count of those, which nearly all are,
 * saves no registers for it. */
static __attribute__((noinline)) void unusual_count_out(const struct inflight *inflight, bool ends)
{
	struct stage_counts *counts = inflight->stage->counts;
	const bool errors_off = inflight->stage->config->errors_off;
	if (inflight->outcome != FLOW_PARTED || !inflight->message.offspring)
		outcome_count(counts, errors_off, ends, inflight->outcome, &inflight->answer);
	else
		for (const struct offspring *child = inflight->message.offspring; child; child = child->next)
			outcome_count(counts, errors_off, child->outcome != FLOW_PASSED, child->outcome, &child->answer);
}

void inflight_count_out(struct inflight *inflight)
{
	struct worker_stage *stage = inflight->stage;
	struct stage_counts *counts = stage->counts;
	assert(stage->load.in_flight > 0); /* it counts this one until it is released */
	count_add(&counts->sums.released, 1);
	stage_count_in_flight(stage, 1);
	const bool is_usual = inflight->outcome == FLOW_ANSWER && !inflight->answer.error;
	if (!is_usual && stage->beside_path)
		return;
	const bool ends = is_usual || outcome_ends(inflight);
	const int64_t took_ms = ends ? took_ms_of(inflight) : 0;
	if (ends) {
		count_add(&counts->sums.ended, 1);
		latency_count(counts, took_ms);
	}
	if (stage->config->metric_count > 0)
		metrics_count_of(inflight, took_ms);
	if (stage->config->alert_count > 0 && !inflight->answer.error && inflight->outcome != FLOW_DROPPED)
		judged_count(inflight);
	if (inflight->message.rollouts)
		choice_links_count(inflight, loop_now_ms(stage->worker->loop));
	if (is_usual) {
		count_add(&counts->sums.answered, 1);
		count_add(&counts->sums.succeeded, 1);
	} else {
		unusual_count_out(inflight, ends);
	}
}

void stages_count_in_flight(const struct worker *worker)
{
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		stage_count_in_flight(stage, 0);
}

/* ---- calls of pipelines ---- */

void call_count_in(struct stage_counts *counts)
{
	if (!counts)
		return;
	count_add(&counts->sums.taken, 1);
	count_add(&counts->sums.in_flight, 1);
}

void call_count_forgotten(struct stage_counts *counts)
{
	if (!counts)
		return;
	count_add(&counts->sums.in_flight, UINT64_MAX); /* one fewer */
	count_add(&counts->sums.released, 1);
}

void call_count_out(struct stage_counts *counts, enum flow_outcome outcome, const struct answer *answer, int64_t took_ms)
{
	if (!counts)
		return;
	call_count_forgotten(counts);
	count_add(&counts->sums.ended, 1);
	latency_count(counts, took_ms);
	outcome_count(counts, false, true, outcome, answer);
}
