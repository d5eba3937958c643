/* replies.c: see replies.h. */
#include "engine/outputs/replies.h"

#include "base/number/duration.h"
#include "base/memory.h"
#include "message/records/assigned.h"
#include "observe/log_sink.h"
#include "engine/worker/parts.h"

#define LATE_US 2000 /* into a turn: further messages of it may take as long, so the gateway does not wait for them */
#define REFUSED_HEADERS_BYTES_MAX ((size_t)64 << 10) /* to read the headers of a refused copy: about a hundred */
#define REFUSED_ERROR_BYTES_MAX ((size_t)64 << 10)   /* of the error in its place, with its id */

struct held_reply {
	struct held_reply *next;
	struct direct_hub *hub; /* NULL: it goes to Kafka */
	struct outgoing record; /* its texts are in `bytes` */
	size_t size_bytes;
	struct header headers[]; /* then the bytes */
};

void replies_open(struct replies *replies, struct worker_counts *counts)
{
	*replies = (struct replies){.counts = counts};
	replies->end = &replies->first;
}

void replies_void(struct replies *replies)
{
	while (replies->first) {
		struct held_reply *reply = replies->first;
		replies->first = reply->next;
		memory_give(reply);
	}
	replies->end = &replies->first;
	replies->held_bytes = 0;
}

void replies_close(struct replies *replies)
{
	replies_void(replies);
	best_effort_close(replies->side);
	replies->side = NULL;
}

bool replies_wanted(struct replies *replies, const struct message *message, const char *pipeline, struct reply_address *address)
{
	const struct header *header = message_header(message, HEADER_REPLY);
	if (!header)
		return false;
	if (!reply_address_read(header->value, address)) {
		count_add(&replies->counts->replies_malformed, 1);
		return false;
	}
	return address->pipeline.length == 0 || text_is(address->pipeline, pipeline);
}

/* ---- sending ---- */

static bool reply_replace(void *context, const struct record *refused);

static void replies_absent(void *context, bool is_absent)
{
	const struct worker *worker = context;
	const struct log_fields fields = {.help = is_absent ? "Gateways with `--topics create` create it again. Otherwise create it"
							    : NULL};
	if (is_absent)
		log_say(worker->config->partition_state.log, LOG_LEVEL_WARN, &fields,
			"topic %s is gone: gateways in other processes get no answers", worker->setup->replies);
	else
		log_say(worker->config->partition_state.log, LOG_LEVEL_INFO, &fields, "topic %s exists again: gateways get answers",
			worker->setup->replies);
}

static bool side_ready(struct worker *worker)
{
	struct replies *replies = &worker->outbox.replies;
	const struct worker_config *config = worker->config;
	const struct worker_platform *platform = config->platform ? config->platform : &worker_platform_usual;
	const struct best_effort_config side = {.brokers = config->transaction.brokers,
						.queue_bytes = REPLIES_HELD_BYTES_MAX,
						.at_once = true,
						.batches = config->transaction.batches,
						.properties = config->transaction.properties,
						.lost = &replies->counts->replies_lost,
						.loop = worker->loop,
						.replace = reply_replace,
						.absent = replies_absent,
						.context = worker};
	struct error error = {0};
	if (replies->side)
		return true;
	replies->side = platform->best_effort_open(platform->context, &side, &error);
	if (replies->side && !best_effort_topics(replies->side, &worker->setup->replies, 1, &error)) {
		best_effort_close(replies->side);
		replies->side = NULL;
	}
	return replies->side != NULL;
}

/* Writes the error that replaces a refused copy. Kafka compares batches, so the copy alone might have been accepted. */
static void refused_error_write(const struct worker *worker, const struct record *refused, struct headers headers,
				struct buffer *out)
{
	struct error error = {0};
	const struct header *id = headers_find(headers, TEXT(REPLY_ID_HEADER));
	const struct header *origin = headers_find(headers, TEXT(REPLY_ORIGIN_HEADER));
	error_set_limit(
		&error, LIMIT_OF_ANSWER,
		"Kafka refused the answer for the caller, of %zu bytes, by max.message.bytes of topic %s. Raise that setting, or "
		"submit such requests and poll; this answer is in the outputs, with the origin of its request",
		refused->value.length, worker->setup->replies);
	reply_error_write(out, &(struct reply_failure){.error = &error,
						       .id = id ? id->value : (struct text){0},
						       .where = origin ? origin->value : (struct text){0}});
}

static bool refused_error_send(const struct worker *worker, const struct record *refused, struct headers headers)
{
	static const char *const kept[] = {REPLY_HEADER, REPLY_ID_HEADER, REPLY_ORIGIN_HEADER, ROUTE_HEADER};
	struct buffer body;
	struct header items[3 + sizeof kept / sizeof kept[0]] = {
		{TEXT(REPLY_ERROR_HEADER), text_of(error_kind_name(ERROR_LIMIT))},
		{TEXT(REPLY_LIMIT_HEADER), TEXT(REPLY_LIMIT_ANSWER)},
		{TEXT("content-type"), TEXT("application/json")},
	};
	struct outgoing record = {
		.origin.partition = refused->partition, .beside_origin = true, .headers = {.count = 3, .items = items}};
	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
		const struct header *header = headers_find(headers, text_of(kept[i]));
		if (header)
			items[record.headers.count++] = *header;
	}
	buffer_open(&body, REFUSED_ERROR_BYTES_MAX);
	refused_error_write(worker, refused, headers, &body);
	record.value = buffer_view(&body);
	const bool sent = !body.failed && best_effort_produce(worker->outbox.replies.side, &record);
	buffer_close(&body);
	return sent;
}

/* The caller waits for a copy, so an error replaces the one that Kafka refused. An error that is refused is lost. */
static bool reply_replace(void *context, const struct record *refused)
{
	struct headers headers;
	struct error error = {0};
	struct arena *arena = arena_open(REFUSED_HEADERS_BYTES_MAX);
	const bool replaced = arena && record_headers(refused, arena, &headers, &error) &&
			      !headers_find(headers, TEXT(REPLY_ERROR_HEADER)) && refused_error_send(context, refused, headers);
	arena_close(arena);
	return replaced;
}

void replies_wake(struct replies *replies)
{
	if (replies->unaware)
		direct_hub_wake_gateway(replies->unaware);
	replies->unaware = NULL;
}

static bool hub_send(struct worker *worker, struct direct_hub *hub, const struct outgoing *record)
{
	struct replies *replies = &worker->outbox.replies;
	if (!direct_hub_reply(hub, worker->direct.port, record))
		return false;
	replies->unaware = hub;
	if (loop_clock_us(worker->loop) - loop_now_ms(worker->loop) * US_PER_MS >= LATE_US)
		replies_wake(replies);
	return true;
}

/* To the gateway of that hub, or to Kafka. */
static void reply_send(struct worker *worker, struct direct_hub *hub, const struct outgoing *record)
{
	const struct replies *replies = &worker->outbox.replies;
	bool sent = hub ? hub_send(worker, hub, record) : replies->side && best_effort_produce(replies->side, record);
	count_add(sent ? &replies->counts->replies : &replies->counts->replies_lost, 1);
}

/* ---- holding ---- */

static struct text text_keep(char **to, struct text text)
{
	char *at = *to;
	if (text.length > 0)
		memcpy(at, text.bytes, text.length);
	*to += text.length;
	return (struct text){at, text.length};
}

static bool reply_hold(struct replies *replies, struct direct_hub *hub, const struct outgoing *record)
{
	const size_t count = record->headers.count;
	size_t size = sizeof(struct held_reply) + count * sizeof(struct header) + record->value.length;
	for (size_t i = 0; i < count; i++)
		size += record->headers.items[i].name.length + 1 + record->headers.items[i].value.length;
	if (size > REPLIES_HELD_BYTES_MAX - replies->held_bytes)
		return false;
	struct held_reply *reply = memory_take(1, size);
	if (!reply)
		return false;
	char *to = (char *)&reply->headers[count];
	reply->hub = hub;
	reply->record = *record;
	reply->record.value = text_keep(&to, record->value);
	reply->record.headers.items = reply->headers;
	for (size_t i = 0; i < count; i++) {
		reply->headers[i].name = text_keep(&to, record->headers.items[i].name);
		*to++ = '\0';
		reply->headers[i].value = text_keep(&to, record->headers.items[i].value);
	}
	reply->size_bytes = size;
	replies->held_bytes += size;
	*replies->end = reply;
	replies->end = &reply->next;
	return true;
}

struct direct_hub *replies_hub(const struct worker *worker, const struct reply_address *address)
{
	struct direct_hub *hub = worker->config->gateway;
	if (!address)
		return worker->config->direct;
	return direct_hub_expects(hub, address->epoch) ? hub : NULL;
}

bool replies_take(struct worker *worker, const struct direct_hub *hub, const struct outgoing *record)
{
	return hub || !worker->setup->replies || !side_ready(worker) || best_effort_takes(worker->outbox.replies.side, record);
}

void replies_put(struct worker *worker, const struct reply_address *address, struct direct_hub *hub, bool is_early,
		 const struct outgoing *record)
{
	struct replies *replies = &worker->outbox.replies;
	struct outgoing copy = *record;
	if (!address) {
		reply_send(worker, hub, record);
		return;
	}
	copy.topic = 0;
	copy.beside_origin = true;
	copy.origin.partition = address->partition;
	copy.key = (struct text){0};
	if (!hub && (!worker->setup->replies || !side_ready(worker)))
		count_add(&replies->counts->replies_lost, 1);
	else if (!worker->config->transaction.id || is_early)
		reply_send(worker, hub, &copy);
	else if (!reply_hold(replies, hub, &copy))
		count_add(&replies->counts->replies_lost, 1);
}

void replies_committed(struct worker *worker)
{
	struct replies *replies = &worker->outbox.replies;
	for (const struct held_reply *reply = replies->first; reply; reply = reply->next)
		reply_send(worker, reply->hub, &reply->record);
	replies_void(replies);
}
