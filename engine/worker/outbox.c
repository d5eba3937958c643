/* outbox.c: see outbox.h. */
#include "worker/outbox.h"

#include <stdio.h>

#include "message/dead_letter.h"
#include "net/loop.h"

#define TOPIC_DEAD_LETTERS 1 /* of the output's */

void outbox_open(struct outbox *outbox, const struct worker_config *config)
{
	*outbox = (struct outbox){.config = config};
	buffer_open(&outbox->encoded, config->limits.answer_bytes);
}

void outbox_close(struct outbox *outbox)
{
	output_close(outbox->output);
	buffer_close(&outbox->encoded);
}

/* ---- answers ---- */

#define ANSWER_HEADERS_MAX 4

/* What an answer's headers are written into: not the arena, for an answer that says
 * that the arena is full must leave too. */
struct answer_headers {
	struct header items[ANSWER_HEADERS_MAX];
	size_t count;
	size_t json_length; /* of a body with binary data behind its JSON; else 0 */
	char json_length_text[24];
};

/* Headers are dear: one stands only where the request had it too, or where the format
 * has no room for what it says. */
static struct headers answer_headers(const struct message *message, const struct answer *answer, const struct format *format,
				     struct answer_headers *headers)
{
	const struct header *id = headers_find(message->headers, TEXT("x-request-id"));
	const char *types = format->content_types;
	if (id)
		headers->items[headers->count++] = *id;
	if (headers_find(message->headers, TEXT("content-type")))
		headers->items[headers->count++] = (struct header){TEXT("content-type"), {types, strcspn(types, " ")}};
	if (answer->error)
		headers->items[headers->count++] =
			(struct header){TEXT("sluice-error"), text_of(error_kind_name(answer->error->kind))};
	if (headers->json_length > 0) {
		snprintf(headers->json_length_text, sizeof headers->json_length_text, "%zu", headers->json_length);
		headers->items[headers->count++] =
			(struct header){TEXT("Inference-Header-Content-Length"), text_of(headers->json_length_text)};
	}
	return (struct headers){headers->count, headers->items};
}

static enum produce_verdict answer_produce(struct outbox *outbox, const struct flight *flight, const struct answer *given,
					   struct error *error)
{
	struct answer_headers headers = {0};
	struct answer answer = *given;
	answer.header_length = &headers.json_length;
	buffer_clear(&outbox->encoded);
	const struct format *format = outbox->config->format ? outbox->config->format : flight->message.format;
	if (!answer_encode(&flight->message, &answer, format, outbox->config->schemas, &outbox->encoded, error))
		return PRODUCE_REFUSED;
	const struct outgoing outgoing = {
		.partition = flight->record.key.bytes ? PARTITION_BY_KEY : flight->record.partition,
		.key = flight->record.key,
		.value = buffer_view(&outbox->encoded),
		.headers = answer_headers(&flight->message, &answer, format, &headers),
	};
	return output_produce(outbox->output, &outgoing, error);
}

/* ---- dead letters ---- */

static enum produce_verdict letter_produce(struct outbox *outbox, const struct flight *flight, const struct answer *answer,
					   struct text payload, struct error *error)
{
	const struct record *record = &flight->record;
	const struct dead_letter letter = {
		.id = flight->message.id,
		.error = answer->error,
		.pipeline = outbox->config->graph->name,
		.step = answer->step,
		.attempts = answer->attempts,
		.origin = {text_of(outbox->config->consumer.topics[record->topic]), record->partition, record->offset},
		.time_ms = record->time_ms,
		.failed_ms = time_of_day_ms(),
		.key = record->key,
		.headers = flight->message.headers,
		.payload = payload,
	};
	buffer_clear(&outbox->encoded);
	if (!dead_letter_encode(&letter, &outbox->encoded, error))
		return PRODUCE_REFUSED;
	const struct outgoing outgoing = {
		.topic = TOPIC_DEAD_LETTERS,
		.partition = record->key.bytes ? PARTITION_BY_KEY : record->partition,
		.key = record->key,
		.value = buffer_view(&outbox->encoded),
	};
	return output_produce(outbox->output, &outgoing, error);
}

/* A request that is too large to be kept with its reason is kept without its bytes: they
 * are found by the origin. */
static enum produce_verdict flight_bury(struct outbox *outbox, struct flight *flight, const struct answer *answer)
{
	bool dead = answer->error && (answer->error->kind == ERROR_INPUT || answer->error->kind == ERROR_REMOTE);
	if (!dead || flight->lettered || outbox->config->transaction.topic_count <= TOPIC_DEAD_LETTERS)
		return PRODUCED;
	struct error error = {0};
	enum produce_verdict verdict = letter_produce(outbox, flight, answer, flight->record.value, &error);
	if (verdict == PRODUCE_REFUSED) {
		error = (struct error){0};
		verdict = letter_produce(outbox, flight, answer, (struct text){0}, &error);
	}
	if (verdict == PRODUCE_REFUSED)
		outbox->failure = error;
	flight->lettered = verdict == PRODUCED;
	outbox->dead_letters += flight->lettered;
	return verdict;
}

/* One answer, and first its dead letter where it is an error. */
static enum produce_verdict answer_leave(struct outbox *outbox, struct flight *flight, const struct answer *answer,
					 struct error *error)
{
	enum produce_verdict verdict = flight_bury(outbox, flight, answer);
	if (verdict != PRODUCED || flight->outcome != FLOW_ANSWER || (answer->error && outbox->config->errors_off))
		return verdict;
	verdict = answer_produce(outbox, flight, answer, error);
	if (verdict == PRODUCED) {
		outbox->answered++;
		outbox->failed += answer->error != NULL;
	}
	return verdict;
}

/* An answer that cannot leave makes room for one that says why. */
static enum produce_verdict flight_leave(struct outbox *outbox, struct flight *flight)
{
	struct error error = {0};
	const struct answer instead = {.error = &error};
	enum produce_verdict verdict = answer_leave(outbox, flight, &flight->answer, &error);
	if (verdict != PRODUCE_REFUSED || outbox->failure.kind != ERROR_NONE)
		return verdict;
	struct error again = {0};
	verdict = answer_leave(outbox, flight, &instead, &again);
	if (verdict == PRODUCE_REFUSED && outbox->failure.kind == ERROR_NONE)
		outbox->failure = again;
	return verdict;
}

enum produce_verdict outbox_put(struct outbox *outbox, struct flight *flight)
{
	bool lettered_before = flight->lettered;
	enum produce_verdict verdict = flight_leave(outbox, flight);
	if (lettered_before && verdict == PRODUCED)
		outbox->half_left--;
	if (!lettered_before && flight->lettered && verdict != PRODUCED)
		outbox->half_left++;
	return verdict;
}
