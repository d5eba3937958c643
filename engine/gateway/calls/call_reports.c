/* call_reports.c: see call_reports.h. */
#include "gateway/calls/call_reports.h"

#include <stdio.h>

#include "gateway/calls/call_outcome.h"

void call_placed(struct open_call *call)
{
	call->taken = true;
	if (call->submits || call->placed)
		open_call_answers_find(call);
	if (call->placed)
		call->placed(call->context, &call->submission);
}

/* Kafka has the request, and its caller does not wait for its answer. */
static void call_accept(struct open_call *call)
{
	struct calls *calls = call->calls;
	struct call_outcome outcome;
	char submission[SUBMISSION_ID_BYTES_MAX];
	struct text id = {call->id, call->id_length};
	if (call->submits)
		id = (struct text){submission, submission_write(&call->submission, submission)};
	arena_reset(calls->arena);
	call_outcome_accepted(&outcome, id, &calls->body);
	if (call->submits)
		outcome.submission = id;
	open_call_end(call, &outcome);
}

/* The topic of a refused request, if it is gone; NULL: it is there. The producer names it, or a look has missed it. */
static const char *gone_topic(const struct open_call *call, const struct request_report *report)
{
	const struct calls *calls = call->calls;
	const char *requests = call->target ? calls->targets.topics[call->target->topic] : NULL;
	if (report->gone)
		return report->gone;
	return topic_presence_lacks(calls->presence, requests) ? requests : NULL;
}

/* The limit of its topic was lowered, or could not be read. Of other topics no limit is read. */
static void call_refuse_large(struct open_call *call)
{
	const struct calls_config *config = &call->calls->config;
	call->is_too_large = true;
	if (!call->target || call->target->topic != call->topic || !config->limits_ask || !config->limits_ask(config->context))
		open_call_refused_large(call);
}

void call_reports_take(void *context, const struct request_report *report)
{
	struct calls *calls = context;
	struct open_call *call = open_call_find(calls, report->number);
	char words[ERROR_TEXT_MAX];
	if (!call)
		return;
	if (report->is_too_large) {
		call_refuse_large(call);
		return;
	}
	if (report->refused) {
		const char *gone = gone_topic(call, report);
		if (gone)
			(void)snprintf(words, sizeof words, "Kafka did not take the request: topic %s is gone; " TOPIC_GONE_STEP,
				       gone);
		else if (report->is_uncertain && call->is_unhurried)
			call_late_write(&(struct call_late){.allowed_ms = call->allowed_ms,
							    .pipeline = call->target ? call->target->name : NULL,
							    .is_unhurried = true},
					words);
		else
			(void)snprintf(words, sizeof words, "Kafka did not take the request: %s; try again later", report->refused);
		open_call_fail(call, 503, ERROR_REMOTE, words);
		return;
	}
	call->submission.partition = report->partition;
	call->submission.offset = report->offset;
	call_placed(call);
	if (!call->answers)
		call_accept(call);
}

void call_reports_narrow(void *context)
{
	const struct calls *calls = context;
	if (calls->config.limits_ask)
		(void)calls->config.limits_ask(calls->config.context);
}
