/* outbox.c: see outbox.h. */
#include "worker/outbox.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "message/assigned.h"
#include "message/dead_letter.h"
#include "message/explained_seldon.h"
#include "message/failure.h"
#include "message/feed_record.h"
#include "message/oip_json.h"
#include "worker/answer_encoding.h"
#include "worker/direct_log.h"
#include "worker/exposures.h"
#include "worker/parts.h"
#include "worker/stage_links.h"
#include "worker/submitted.h"
#include "worker/window_verdicts.h"

void outbox_open(struct outbox *outbox, struct worker_counts *counts, size_t answer_bytes)
{
	assert(counts && answer_bytes > 0);
	*outbox = (struct outbox){.counts = counts};
	buffer_open(&outbox->encoded, answer_bytes);
	buffer_open(&outbox->feed_key, FEED_KEY_BYTES_MAX);
	replies_open(&outbox->replies, counts);
}

void outbox_close(struct outbox *outbox)
{
	output_close(outbox->output);
	best_effort_close(outbox->side);
	replies_close(&outbox->replies);
	buffer_close(&outbox->encoded);
	buffer_close(&outbox->feed_key);
	slices_close(&outbox->slices);
}

struct position origin_of(const struct inflight *inflight)
{
	return inflight->direct ? direct_origin(inflight)
				: (struct position){inflight->record.topic, inflight->record.partition, inflight->record.offset};
}

/* ---- answers ---- */

#define OWN_HEADERS_MAX 11  /* that sluice writes */
#define STEP_HEADERS_MAX 64 /* that steps set: more are of no use to a reader, and expensive in Kafka */

/* Memory for an answer's headers. It is not the arena, because an answer that reports a full arena must leave too. */
struct answer_headers {
	struct header items[OWN_HEADERS_MAX + STEP_HEADERS_MAX];
	size_t count;
	size_t json_length; /* of a body with binary data behind its JSON; else 0 */
	char json_length_text[24];
	char origin[REPLY_ORIGIN_BYTES_MAX];
};

/* Begins with the headers that steps set, which are marks of the message. */
static bool step_headers(const struct payload *payload, struct answer_headers *headers, struct error *error)
{
	headers->count = 0;
	for (size_t i = 0; payload && i < payload->marks.count; i++) {
		const struct tensor *mark = payload->marks.items[i];
		const size_t length = sizeof MARK_OF_HEADER - 1;
		if (!text_starts_with(mark->name, TEXT(MARK_OF_HEADER)) || mark->datatype != DATATYPE_BYTES || mark->count != 1)
			continue;
		if (headers->count == STEP_HEADERS_MAX)
			return error_set(error, ERROR_LIMIT, PLACE_NONE, "an answer has at most %d headers of steps; set fewer",
					 STEP_HEADERS_MAX);
		headers->items[headers->count++] =
			(struct header){{mark->name.bytes + length, mark->name.length - length}, *(const struct text *)mark->data};
	}
	return true;
}

/* Writes the assignments as headers: all of them, unless the format has a field for them; and, if the request had one, the
 * route by which it gets the same again. */
static void assigned_headers(const struct message *message, const struct format *format, struct answer_headers *headers)
{
	struct text all = {0}, route = {0};
	if (format != &format_avro)
		all = assigned_header(message, message->arena);
	bool asked = headers_find(message->headers, TEXT(ROUTE_HEADER)) || headers_find(message->headers, TEXT(REPLY_HEADER));
	if (asked)
		route = assigned_route(message, message->arena);
	if (all.length > 0)
		headers->items[headers->count++] = (struct header){TEXT(ASSIGNED_HEADER), all};
	if (route.length > 0)
		headers->items[headers->count++] = (struct header){TEXT(ROUTE_HEADER), route};
}

/* Writes the headers of an answer. Headers are expensive, so one is written only if the request had it too, if the
 * format cannot contain its value, or if a step set it. */
static bool answer_headers(const struct message *message, const struct answer *answer, const struct format *format,
			   struct answer_headers *headers, struct headers *all, struct error *error)
{
	const struct header *id = headers_find(message->headers, TEXT("x-request-id"));
	const char *types = format->content_types;
	if (!step_headers(answer->payload, headers, error))
		return false;
	if (id)
		headers->items[headers->count++] = *id;
	const size_t submitted = submitted_headers(message, answer, headers->items + headers->count, headers->origin);
	headers->count += submitted;
	if (submitted == 0 && answer_needs_origin(message))
		headers->items[headers->count++] = origin_header(message, headers->origin);
	if (submitted > 0 || headers_find(message->headers, TEXT("content-type")))
		headers->items[headers->count++] = (struct header){TEXT("content-type"), {types, strcspn(types, " ")}};
	if (answer->error)
		headers->items[headers->count++] =
			(struct header){TEXT("sluice-error"), text_of(error_kind_name(answer->error->kind))};
	if (message->assigned)
		assigned_headers(message, format, headers);
	if (headers->json_length > 0) {
		snprintf(headers->json_length_text, sizeof headers->json_length_text, "%zu", headers->json_length);
		headers->items[headers->count++] = (struct header){TEXT(OIP_LENGTH_HEADER), text_of(headers->json_length_text)};
	}
	*all = (struct headers){headers->count, headers->items};
	return true;
}

/* The key of an answer: that of the request's record, unless the message was given one of its own. */
static struct text key_of(const struct inflight *inflight, const struct message *message)
{
	const struct offspring *offspring = message->parent ? (const struct offspring *)message : NULL; /* its first member */
	return offspring && offspring->keyed ? message->key : inflight->kept_key;
}

/* Writes the answer of the message, or of one of its children. */
static bool answer_write(struct outbox *outbox, struct inflight *inflight, const struct message *message,
			 const struct format *format, const struct answer *given, struct answer_headers *headers,
			 struct outgoing *outgoing, struct error *error)
{
	struct answer answer = *given;
	struct text value;
	answer.header_length = &headers->json_length;
	if (!answer_encode_once(&outbox->encoded, inflight, message, format, &answer, &value, error))
		return false;
	*outgoing = (struct outgoing){
		.origin = origin_of(inflight),
		.key = key_of(inflight, message),
		.value = value,
	};
	return answer_headers(message, &answer, format, headers, &outgoing->headers, error);
}

static enum produce_verdict answer_produce(struct outbox *outbox, struct inflight *inflight, const struct message *message,
					   const struct answer *answer, struct error *error)
{
	const struct stage_config *config = inflight->stage->config;
	struct answer_headers headers;
	struct outgoing outgoing;
	if (config->answers == TOPIC_NOWHERE || (answer->error && config->errors_off))
		return PRODUCED;
	const struct format *format = config->format ? config->format : inflight->message.format;
	if (!answer_write(outbox, inflight, message, format, answer, &headers, &outgoing, error))
		return PRODUCE_REFUSED;
	outgoing.topic = config->answers;
	enum produce_verdict verdict = output_produce(outbox->output, &outgoing, error);
	if (verdict == PRODUCED) {
		count_add(&outbox->counts->answered, 1);
		count_add(&outbox->counts->failed, answer->error != NULL);
	}
	return verdict;
}

/* Ends a submitted request that is not answered. A record that is too large, by the key or id of its request, does not
 * leave: the caller then learns of no end. */
static enum produce_verdict end_produce(struct outbox *outbox, const struct inflight *inflight, const struct answer *answer,
					struct error *error)
{
	const struct stage_config *config = inflight->stage->config;
	struct header headers[SUBMITTED_END_HEADERS_MAX];
	char origin[REPLY_ORIGIN_BYTES_MAX];
	if (config->answers == TOPIC_NOWHERE)
		return PRODUCED;
	const size_t count = submitted_end_headers(&inflight->message, answer, headers, origin);
	const struct outgoing outgoing = {
		.topic = config->answers, .origin = origin_of(inflight), .key = inflight->kept_key, .headers = {count, headers}};
	enum produce_verdict verdict = count > 0 ? output_produce(outbox->output, &outgoing, error) : PRODUCED;
	return verdict == PRODUCE_FULL ? verdict : PRODUCED;
}

/* Writes the answer of a child. If it cannot be produced, an error answer replaces it; the others are not affected. */
static enum produce_verdict offspring_answer(struct outbox *outbox, struct inflight *inflight, const struct offspring *offspring,
					     struct error *error)
{
	struct error refused;
	const struct answer instead = {.error = &refused};
	refused.kind = ERROR_NONE;
	if (offspring->outcome != FLOW_ANSWER)
		return PRODUCED;
	enum produce_verdict verdict = answer_produce(outbox, inflight, &offspring->message, &offspring->answer, &refused);
	return verdict == PRODUCE_REFUSED ? answer_produce(outbox, inflight, &offspring->message, &instead, error) : verdict;
}

static enum produce_verdict offspring_answers(struct outbox *outbox, struct inflight *inflight, struct error *error)
{
	const struct offspring *offspring = inflight->produced ? inflight->produced->next : inflight->message.offspring;
	for (; offspring; offspring = offspring->next) {
		enum produce_verdict verdict = offspring_answer(outbox, inflight, offspring, error);
		if (verdict != PRODUCED)
			return verdict;
		inflight->produced = offspring;
	}
	return PRODUCED;
}

/* ---- the copy for a gateway ---- */

/* An error is written in the form in which the gateway answers it, whatever the request's format. */
static void reply_error(struct outbox *outbox, const struct inflight *inflight, const struct answer *answer,
			struct answer_headers *headers)
{
	const struct message *message = &inflight->message;
	const struct header cause = reply_cause(answer->error);
	struct reply_failure failure = {.error = answer->error,
					.step = answer->step,
					.attempts = answer->attempts,
					.id = message->id,
					.origin = message->origin};
	if (inflight->direct) {
		failure.origin = (struct origin){0};
		failure.where = inflight->direct->place;
	}
	buffer_clear(&outbox->encoded);
	reply_error_write(&outbox->encoded, &failure);
	headers->items[0] = (struct header){TEXT(REPLY_ERROR_HEADER), text_of(error_kind_name(answer->error->kind))};
	headers->items[1] = (struct header){TEXT("content-type"), TEXT("application/json")};
	headers->count = 2;
	if (cause.name.bytes)
		headers->items[headers->count++] = cause;
	if (message->assigned)
		assigned_headers(message, message->format, headers);
}

/* Writes the copy in the request's format, whatever the format of the outputs topic; its value, which others may overwrite. */
static struct text reply_write(struct outbox *outbox, struct inflight *inflight, struct answer_headers *headers)
{
	struct error error;
	struct outgoing written;
	error.kind = ERROR_NONE;
	const struct answer failed = {.error = &error, .step = NULL};
	const struct format *format = inflight->message.format;
	headers->count = 0;
	if (inflight->outcome == FLOW_DROPPED) {
		buffer_clear(&outbox->encoded);
		headers->items[headers->count++] = (struct header){TEXT(REPLY_OUTCOME_HEADER), TEXT(REPLY_FILTERED)};
	} else if (inflight->answer.error) {
		reply_error(outbox, inflight, &inflight->answer, headers);
	} else if (!answer_write(outbox, inflight, &inflight->message, format, &inflight->answer, headers, &written, &error)) {
		reply_error(outbox, inflight, &failed, headers);
	} else {
		const char *types = format->content_types;
		if (!headers_find((struct headers){headers->count, headers->items}, TEXT("content-type")))
			headers->items[headers->count++] = (struct header){TEXT("content-type"), {types, strcspn(types, " ")}};
		return written.value;
	}
	return buffer_view(&outbox->encoded);
}

/* Whether a step of the pipeline explains in another stage, which then replies. */
static bool explains_elsewhere(const struct stage_config *config)
{
	for (size_t i = 0; i < config->graph->count && !config->explains; i++)
		if (config->graph->steps[i].explained)
			return true;
	return false;
}

static struct text reply_explanation(struct outbox *outbox, const struct inflight *inflight, struct answer_headers *headers)
{
	struct error error = {0};
	const struct answer failed = {.error = &error};
	const struct explained *first = inflight->message.explained;
	const char *pipeline = inflight->stage->config->graph->name;
	headers->count = 0;
	if (!inflight->stage->config->explains)
		error_set(&error, ERROR_INPUT, PLACE_NONE,
			  "pipeline `%s` has no step of kind `explain`; add one that reads the step whose answers are to be "
			  "explained",
			  pipeline);
	else if (!first)
		error_set(&error, ERROR_INPUT, PLACE_NONE,
			  "no step explained this request: the condition `when` of the explaining step of pipeline `%s` does not "
			  "hold, "
			  "or the step was not reached",
			  pipeline);
	else if (!explained_any(first))
		error = *first->failure;
	buffer_clear(&outbox->encoded);
	if (error.kind != ERROR_NONE || !explained_write_reply(first, &inflight->message, pipeline, &outbox->encoded, &error))
		reply_error(outbox, inflight, &failed, headers);
	else
		headers->items[headers->count++] = (struct header){TEXT("content-type"), TEXT("application/json")};
	return buffer_view(&outbox->encoded);
}

/* Which reply a stage gives. An error of the path is replied by the stage that answers. */
enum reply_form { REPLY_NOTHING, REPLY_ANSWER, REPLY_EXPLANATION };

static enum reply_form reply_form(const struct inflight *inflight)
{
	const struct stage_config *config = inflight->stage->config;
	const bool answers = inflight->outcome == FLOW_ANSWER || inflight->outcome == FLOW_DROPPED;
	const bool failed = inflight->outcome == FLOW_ANSWER && inflight->answer.error;
	if (!explained_is_awaited(&inflight->message) || (answers && failed))
		return answers ? REPLY_ANSWER : REPLY_NOTHING;
	if (config->explains)
		return REPLY_EXPLANATION;
	return answers && !explains_elsewhere(config) ? REPLY_EXPLANATION : REPLY_NOTHING;
}

/* Produces the reply to a waiting gateway, when all results of the request have left. */
void outbox_reply(struct outbox *outbox, struct inflight *inflight)
{
	struct answer_headers headers = {.json_length = 0};
	struct reply_address address;
	const struct message *message = &inflight->message;
	const enum reply_form form = reply_form(inflight);
	if (form == REPLY_NOTHING ||
	    !replies_wanted(&outbox->replies, message->headers, inflight->stage->config->graph->name, &address))
		return;
	const struct text value =
		form == REPLY_EXPLANATION ? reply_explanation(outbox, inflight, &headers) : reply_write(outbox, inflight, &headers);
	if (!headers_find((struct headers){headers.count, headers.items}, TEXT(REPLY_ID_HEADER)))
		headers.items[headers.count++] = (struct header){TEXT(REPLY_ID_HEADER), message->id};
	headers.items[headers.count++] = *headers_find(message->headers, TEXT(REPLY_HEADER));
	const struct outgoing record = {.value = value, .headers = {headers.count, headers.items}};
	replies_put(inflight->stage->worker, inflight->direct ? NULL : &address, &record);
}

/* ---- inputs and outputs of steps ---- */

/* Written like an answer, with all tensors: the outputs that the request asked for do not matter. */
static bool step_write(struct outbox *outbox, const struct worker_stage *stage, const struct message *of,
		       const struct payload *payload, struct answer_headers *headers, struct outgoing *outgoing,
		       struct error *error)
{
	struct message whole;
	const struct message *message = of;
	struct answer answer = {.payload = payload, .header_length = &headers->json_length};
	if (of->wanted.count > 0) {
		whole = *of;
		whole.wanted.count = 0;
		whole.wanted_each = NULL;
		message = &whole;
	}
	buffer_clear(&outbox->encoded);
	if (!answer_encode(message, &answer, message->format, stage->schemas, &outbox->encoded, error))
		return false;
	*outgoing = (struct outgoing){
		.key = of->key,
		.value = buffer_view(&outbox->encoded),
	};
	return answer_headers(message, &answer, message->format, headers, &outgoing->headers, error);
}

void outbox_tap(struct outbox *outbox, const struct worker_stage *stage, const struct inflight *inflight,
		const struct message *message, uint32_t topic, const struct payload *payload)
{
	struct answer_headers headers;
	struct outgoing outgoing = {0};
	struct error error;
	error.kind = ERROR_NONE;
	bool written = step_write(outbox, stage, message, payload, &headers, &outgoing, &error);
	outgoing.topic = topic;
	outgoing.origin = inflight ? origin_of(inflight) : (struct position){.offset = OFFSET_NONE};
	outgoing.origin.partition = message->origin.partition;
	if (!written || !best_effort_produce(outbox->side, &outgoing))
		count_add(&outbox->counts->taps_lost, 1);
}

static enum produce_verdict emissions_leave(struct outbox *outbox, struct inflight *inflight, const struct answer *answer,
					    struct error *error)
{
	const struct emission *emission = inflight->left ? inflight->left->next : inflight->emissions;
	if (arena_failed(inflight->message.arena) && !answer->error) {
		error_memory(error, ERROR_LIMIT, "keeping what the steps of a message gave");
		return PRODUCE_REFUSED;
	}
	for (; emission && !inflight->unfit; emission = emission->next) {
		struct answer_headers headers;
		struct outgoing outgoing;
		if (!step_write(outbox, inflight->stage, emission->message, emission->payload, &headers, &outgoing, error))
			return PRODUCE_REFUSED;
		outgoing.origin = origin_of(inflight);
		outgoing.key = key_of(inflight, emission->message);
		outgoing.topic = emission->topic;
		enum produce_verdict verdict = output_produce(outbox->output, &outgoing, error);
		if (verdict != PRODUCED)
			return verdict;
		inflight->left = emission;
	}
	return PRODUCED;
}

/* ---- explanations ---- */

static enum produce_verdict explanation_produce(struct outbox *outbox, const struct inflight *inflight,
						const struct explained *explained, size_t output, struct error *error)
{
	const struct stage_config *config = inflight->stage->config;
	buffer_clear(&outbox->encoded);
	if (!explained_encode(explained, output, &inflight->message, config->graph->name, &outbox->encoded, error))
		return PRODUCE_REFUSED;
	const struct header *caller = headers_find(inflight->message.headers, TEXT(EXPLAIN_CALLER_HEADER));
	const struct outgoing outgoing = {
		.topic = config->explanations,
		.origin = origin_of(inflight),
		.key = inflight->kept_key,
		.value = buffer_view(&outbox->encoded),
		.headers = {caller != NULL, caller},
	};
	return output_produce(outbox->output, &outgoing, error);
}

/* A record for each output of each row that was explained. */
static enum produce_verdict explanations_leave(struct outbox *outbox, struct inflight *inflight, struct error *error)
{
	size_t number = 0;
	if (inflight->unfit || inflight->stage->config->explanations == TOPIC_NOWHERE)
		return PRODUCED;
	for (const struct explained *one = inflight->message.explained; one; one = one->next)
		for (size_t output = 0; !one->failure && output < one->data.outputs; output++, number++) {
			if (number < inflight->explained)
				continue;
			const enum produce_verdict verdict = explanation_produce(outbox, inflight, one, output, error);
			if (verdict != PRODUCED)
				return verdict;
			inflight->explained++;
		}
	return PRODUCED;
}

/* ---- verdicts on windows ---- */

static enum produce_verdict scores_leave(struct outbox *outbox, struct inflight *inflight, struct error *error)
{
	const struct verdict_outlet outlet = {outbox->output, origin_of(inflight), &outbox->feed_key, &outbox->encoded};
	const enum produce_verdict verdict =
		inflight->message.importances ? window_importances_leave(&outlet, inflight, error) : PRODUCED;
	return verdict == PRODUCED && inflight->message.scores ? window_verdicts_leave(&outlet, inflight, error) : verdict;
}

/* ---- dead letters ---- */

static enum produce_verdict letter_produce(struct outbox *outbox, const struct inflight *inflight, const struct answer *answer,
					   struct text payload, struct error *error)
{
	const struct message *message = &inflight->message;
	const struct dead_letter letter = {
		.id = inflight->message.id,
		.error = answer->error,
		.pipeline = inflight->stage->config->graph->name,
		.step = answer->step,
		.attempts = answer->attempts,
		.origin = inflight->direct ? (struct origin){.partition = -1, .offset = -1} : message->origin,
		.time_ms = message->written_ms,
		.failed_ms = loop_time_of_day_ms(inflight->stage->worker->loop),
		.key = inflight->kept_key,
		.headers = message->headers,
		.payload = payload,
	};
	buffer_clear(&outbox->encoded);
	if (!dead_letter_encode(&letter, &outbox->encoded, error))
		return PRODUCE_REFUSED;
	const struct outgoing outgoing = {
		.topic = inflight->stage->config->dead_letters,
		.origin = origin_of(inflight),
		.key = inflight->kept_key,
		.value = buffer_view(&outbox->encoded),
	};
	return output_produce(outbox->output, &outgoing, error);
}

/* Whether an error is only answered. The caller of a synchronous request gets its error. It is dead-lettered only if
 * the pipeline sets that, or if the caller may have received nothing because its answer could not leave. */
static bool is_answered_only(const struct inflight *inflight)
{
	struct reply_address address;
	const struct stage_config *config = inflight->stage->config;
	return !config->errors_kept && !inflight->unfit &&
	       replies_wanted(&inflight->stage->worker->outbox.replies, inflight->message.headers, config->graph->name, &address);
}

static bool is_dead(const struct inflight *inflight, const struct answer *answer)
{
	return answer->error && (failure_of(answer->error)->kept || inflight->unfit) && !is_answered_only(inflight);
}

/* Writes a dead letter. A request that is too large to be kept with its reason is kept without its bytes, which can
 * be found by the origin. */
static enum produce_verdict inflight_bury(struct outbox *outbox, struct inflight *inflight, const struct answer *answer)
{
	if (!is_dead(inflight, answer) || inflight->lettered || inflight->stage->config->dead_letters == TOPIC_NOWHERE)
		return PRODUCED;
	struct error error;
	error.kind = ERROR_NONE;
	bool whole = !(inflight->blame & BLAME_LETTER);
	enum produce_verdict verdict =
		whole ? letter_produce(outbox, inflight, answer, inflight->request, &error) : PRODUCE_REFUSED;
	if (verdict == PRODUCE_REFUSED) {
		error.kind = ERROR_NONE;
		verdict = letter_produce(outbox, inflight, answer, (struct text){0}, &error);
	}
	if (verdict == PRODUCE_REFUSED)
		outbox->failure = error;
	inflight->lettered = verdict == PRODUCED;
	if (inflight->lettered) {
		count_add(&outbox->counts->dead_letters, 1);
		count_add(&inflight->stage->counts->sums.dead_letters, 1);
	}
	return verdict;
}

/* A request with several failed parts is kept once, complete: with the bytes of all parts, and with the error of the
 * first. */
static enum produce_verdict parts_bury(struct outbox *outbox, struct inflight *inflight)
{
	const struct offspring *first = NULL;
	size_t dead = 0, count = 0;
	for (const struct offspring *one = inflight->message.offspring; one; one = one->next, count++) {
		bool its = is_dead(inflight, &one->answer);
		dead += its;
		first = its && !first ? one : first;
	}
	if (!first)
		return PRODUCED;
	struct error error = {0};
	error_set(&error, first->answer.error->kind, first->answer.error->place,
		  "%zu of its %zu parts failed; the first, `" TEXT_FORMAT "`: %s", dead, count, TEXT_ARGUMENTS(first->message.id),
		  first->answer.error->text);
	const struct answer answer = {.error = &error, .step = first->answer.step, .attempts = first->answer.attempts};
	return inflight_bury(outbox, inflight, &answer);
}

/* ---- release of an in-flight message ---- */

/* Produces the dead letter if it is an error, then the results of its steps, its exposures, the records to other stages,
 * and the answer. */
static enum produce_verdict answer_leave(struct outbox *outbox, struct inflight *inflight, const struct answer *answer,
					 struct error *error)
{
	const struct stage_config *config = inflight->stage->config;
	bool parted = inflight->outcome == FLOW_PARTED;
	enum produce_verdict verdict = parted ? parts_bury(outbox, inflight) : inflight_bury(outbox, inflight, answer);
	if (verdict == PRODUCED && (inflight->emissions || config->steps))
		verdict = emissions_leave(outbox, inflight, answer, error);
	if (verdict == PRODUCED && inflight->message.explained)
		verdict = explanations_leave(outbox, inflight, error);
	if (verdict == PRODUCED && (inflight->message.scores || inflight->message.importances))
		verdict = scores_leave(outbox, inflight, error);
	if (verdict == PRODUCED && config->exposes && !inflight->unfit)
		verdict = exposures_leave(
			&(struct exposure_outlet){outbox->output, origin_of(inflight), &outbox->encoded,
						  inflight->stage->worker->loop},
			inflight, answer, error);
	if (verdict == PRODUCED && config->next)
		verdict = stage_links_leave(outbox, inflight, error);
	if (verdict == PRODUCED && parted)
		return offspring_answers(outbox, inflight, error);
	const bool answers = inflight->outcome == FLOW_ANSWER;
	if (verdict != PRODUCED || !(answers || inflight->outcome == FLOW_DROPPED))
		return verdict;
	if (answers && !(answer->error && config->errors_off))
		return answer_produce(outbox, inflight, &inflight->message, answer, error);
	return end_produce(outbox, inflight, answer, error);
}

/* Releases an in-flight message. If an answer cannot be produced, an error answer replaces it. */
static enum produce_verdict inflight_leave(struct outbox *outbox, struct inflight *inflight)
{
	struct error error;
	error.kind = ERROR_NONE;
	enum produce_verdict verdict = answer_leave(outbox, inflight, &inflight->answer, &error);
	if (verdict != PRODUCE_REFUSED || outbox->failure.kind != ERROR_NONE)
		return verdict;
	struct error again;
	again.kind = ERROR_NONE;
	inflight->unfit = true;
	inflight->error = error;
	inflight->answer = (struct answer){.error = &inflight->error};
	if (inflight->outcome == FLOW_PASSED || inflight->outcome == FLOW_PARTED)
		inflight->outcome = FLOW_ANSWER;
	verdict = answer_leave(outbox, inflight, &inflight->answer, &again);
	if (verdict == PRODUCE_REFUSED && outbox->failure.kind == ERROR_NONE)
		outbox->failure = again;
	return verdict;
}

/* A direct in-flight message has no offset that must be committed together with all of it. */
static bool is_half_left(const struct inflight *inflight)
{
	return !inflight->direct &&
	       (inflight->lettered || inflight->left || inflight->exposed || inflight->crossed || inflight->produced ||
		inflight->explained > 0 || inflight->scored > 0 || inflight->weighed > 0);
}

enum produce_verdict outbox_put(struct outbox *outbox, struct inflight *inflight)
{
	if (inflight->skipped)
		return PRODUCED;
	const bool half_before = is_half_left(inflight);
	const enum produce_verdict logged = direct_log(outbox, inflight);
	const enum produce_verdict verdict = logged == PRODUCED ? inflight_leave(outbox, inflight) : logged;
	if (half_before && verdict == PRODUCED)
		outbox->half_left--;
	if (!half_before && is_half_left(inflight) && verdict != PRODUCED)
		outbox->half_left++;
	if (verdict == PRODUCED && !inflight->direct && inflight->message.headers.count > 0)
		outbox_reply(outbox, inflight);
	return verdict;
}
