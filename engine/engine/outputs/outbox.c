/* outbox.c: see outbox.h. */
#include "engine/outputs/outbox.h"

#include <assert.h>

#include "message/records/assigned_record.h"
#include "message/records/dead_letter.h"
#include "message/formats/explained_seldon.h"
#include "message/records/failure.h"
#include "message/records/feed_record.h"
#include "engine/outputs/answer_record.h"
#include "engine/outputs/direct_log.h"
#include "engine/outputs/exposures.h"
#include "engine/outputs/gateway_reply.h"
#include "engine/worker/parts.h"
#include "engine/outputs/stage_links.h"
#include "engine/outputs/submitted.h"
#include "engine/outputs/truth_relay.h"
#include "engine/outputs/begun_alerts.h"
#include "engine/outputs/listed_records.h"

#define CARRIED_ROOM_BYTES (2 * EXPOSURES_CARRIED_BYTES_MAX) /* an encoder asks for more than it writes */

void outbox_open(struct outbox *outbox, struct worker_counts *counts, size_t answer_bytes)
{
	assert(counts && answer_bytes > 0);
	*outbox = (struct outbox){.counts = counts};
	buffer_open(&outbox->encoded, answer_bytes);
	buffer_open(&outbox->feed_key, FEED_KEY_BYTES_MAX);
	buffer_open(&outbox->carried, CARRIED_ROOM_BYTES);
	replies_open(&outbox->replies, counts);
}

void outbox_close(struct outbox *outbox)
{
	output_close(outbox->output);
	best_effort_close(outbox->side);
	replies_close(&outbox->replies);
	buffer_close(&outbox->encoded);
	buffer_close(&outbox->feed_key);
	buffer_close(&outbox->carried);
	slices_close(&outbox->slices);
}
/* ---- answers ---- */

static inline size_t judged_header_of(const struct inflight *inflight, const struct message *message, const struct answer *answer,
				      struct header *header)
{
	const struct worker_stage *stage = inflight->stage;
	return stage->config->judged.is_needed
		       ? answer_judged_header(stage, message, answer, inflight_took_ms(inflight), header)
		       : 0;
}

/* Produces an answer; with its exposures, if it is to carry them. */
static inline enum produce_verdict answer_put(struct outbox *outbox, struct inflight *inflight, const struct message *message,
					      const struct format *format, const struct answer *answer, bool carries,
					      struct error *error)
{
	struct answer_headers headers;
	struct outgoing outgoing;
	if (!answer_record_write(&outbox->encoded, inflight, message, format, answer, &headers, &outgoing, error))
		return PRODUCE_REFUSED;
	outgoing.topic = inflight->stage->config->answers;
	if (carries)
		outgoing.headers.count +=
			exposures_carry(&outbox->carried, inflight, answer, format, headers.items + headers.count);
	outgoing.headers.count += judged_header_of(inflight, message, answer, headers.items + outgoing.headers.count);
	return output_produce(outbox->output, &outgoing, error);
}

/* Produces an answer of a message for which experiments have chosen. Without its exposures, if the record is refused, as for its
 * size, or was refused by Kafka before. */
static __attribute__((noinline)) enum produce_verdict assigned_answer_produce(struct outbox *outbox, struct inflight *inflight,
									      const struct message *message,
									      const struct format *format,
									      const struct answer *answer, struct error *error)
{
	enum produce_verdict verdict = PRODUCE_REFUSED;
	const bool carries = exposures_pending(inflight) && !(inflight->blame & BLAME_EXPOSURES);
	if (carries) {
		if (format == &format_avro)
			inflight->encoded = (struct text){0}; /* for a caller who waits, without them */
		exposures_mark(inflight, answer_key(inflight, message));
		verdict = answer_put(outbox, inflight, message, format, answer, true, error);
		exposures_unmark(inflight, format, verdict == PRODUCED);
	}
	if (verdict != PRODUCE_REFUSED)
		return verdict;
	if (format == &format_avro)
		inflight->encoded = (struct text){0};
	error->kind = ERROR_NONE;
	return answer_put(outbox, inflight, message, format, answer, false, error);
}

static enum produce_verdict answer_produce(struct outbox *outbox, struct inflight *inflight, const struct message *message,
					   const struct answer *answer, struct error *error)
{
	const struct stage_config *config = inflight->stage->config;
	if (config->answers == TOPIC_NOWHERE || (answer->error && config->errors_off))
		return PRODUCED;
	const struct format *format = config->format ? config->format : inflight->message.format;
	const enum produce_verdict verdict = inflight->message.assigned
						     ? assigned_answer_produce(outbox, inflight, message, format, answer, error)
						     : answer_put(outbox, inflight, message, format, answer, false, error);
	if (verdict == PRODUCED) {
		count_add(&outbox->counts->answered, 1);
		if (answer->error)
			count_add(&outbox->counts->failed, 1);
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
	struct submitted_texts texts;
	if (config->answers == TOPIC_NOWHERE)
		return PRODUCED;
	const size_t count = submitted_end_headers(&inflight->message, answer, headers, &texts);
	const struct outgoing outgoing = {.topic = config->answers,
					  .origin = inflight_origin(inflight),
					  .key = inflight->kept_key,
					  .headers = {count, headers}};
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
	answer_error_limit(&refused);
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
	return answer_headers_write(message, &answer, message->format, headers, &outgoing->headers, error);
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
	outgoing.origin = inflight ? inflight_origin(inflight) : (struct position){.offset = OFFSET_NONE};
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
		outgoing.origin = inflight_origin(inflight);
		outgoing.key = answer_key(inflight, emission->message);
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
	const struct header *caller = message_header(&inflight->message, HEADER_CALLER);
	const struct outgoing outgoing = {
		.topic = config->explanations,
		.origin = inflight_origin(inflight),
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

/* ---- dead letters ---- */

/* The headers with the assignments of the message and of its children. Those are left out when they do not fit into its arena:
 * a dead letter comes first. */
static struct headers letter_headers(const struct message *message)
{
	struct assigned_record record;
	struct headers headers;
	record.count = 0;
	assigned_record_add(&record, message);
	for (const struct offspring *one = message->offspring; one; one = one->next)
		assigned_record_add(&record, &one->message);
	return assigned_record_write(&record, message, &headers) ? headers : message->headers;
}

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
		.headers = letter_headers(message),
		.payload = payload,
	};
	buffer_clear(&outbox->encoded);
	if (!dead_letter_encode(&letter, &outbox->encoded, error))
		return PRODUCE_REFUSED;
	const struct outgoing outgoing = {
		.topic = inflight->stage->config->dead_letters,
		.origin = inflight_origin(inflight),
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
	       replies_wanted(&inflight->stage->worker->outbox.replies, &inflight->message, config->graph->name, &address);
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
	if (verdict == PRODUCED && inflight->message.listed)
		verdict = listed_records_leave(&(struct record_outlet){outbox->output, inflight_origin(inflight), &outbox->feed_key,
								       &outbox->encoded},
					       inflight, error);
	if (verdict == PRODUCED && inflight->begun)
		verdict = begun_alerts_leave(&(struct record_outlet){.output = outbox->output,
								      .origin = inflight_origin(inflight),
								      .value = &outbox->encoded},
					     inflight, error);
	if (verdict == PRODUCED && config->exposes && !inflight->unfit)
		verdict = exposures_leave(&(struct exposure_outlet){outbox->output, inflight_origin(inflight), &outbox->encoded},
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
	answer_error_limit(&inflight->error);
	inflight->answer = (struct answer){.error = &inflight->error};
	if (inflight->stage->config->relays)
		truth_relay_lose(inflight, error.text);
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
		inflight->explained > 0 || inflight->listed > 0);
}

enum produce_verdict outbox_put(struct outbox *outbox, struct inflight *inflight)
{
	if (inflight->skipped)
		return PRODUCED;
	const bool half_before = is_half_left(inflight);
	const enum produce_verdict logged = direct_log(outbox, inflight);
	const enum produce_verdict verdict = logged == PRODUCED ? inflight_leave(outbox, inflight) : logged;
	assert(!half_before || outbox->half_left > 0);
	if (half_before && verdict == PRODUCED)
		outbox->half_left--;
	if (!half_before && is_half_left(inflight) && verdict != PRODUCED)
		outbox->half_left++;
	if (verdict == PRODUCED && !inflight->direct && inflight->message.headers.count > 0)
		gateway_reply_put(outbox, inflight);
	return verdict;
}
