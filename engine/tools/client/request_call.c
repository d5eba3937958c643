/* request_call.c: One request that is sent to a running pipeline, and the wait for its answer. */
#include "tools/client/request_call.h"

#include <inttypes.h>
#include <sys/random.h>

#include "base/clock.h"
#include "kafka/consume/reader.h"
#include "kafka/produce/sender.h"

#define REQUEST_BYTES_MAX ((size_t)256 << 20)
#define RECORD_ARENA_BYTES ((size_t)1 << 30)
#define LOOK_MS 50
#define LAST_WORD_NS 3000000000 /* for the answer that says that the time is over, on its way */

static bool id_make(struct request_call *call, struct error *error)
{
	uint64_t chance[2];
	if (call->asked_id) {
		call->id = text_of(call->asked_id);
		return true;
	}
	if (getrandom(chance, sizeof chance, 0) != (ssize_t)sizeof chance)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE,
				 "the system returns no random number; set the request's id by --id");
	call->id = text_of(arena_print(call->kept, "infer-%016" PRIx64 "%016" PRIx64, chance[0], chance[1]));
	return call->id.bytes || error_memory(error, ERROR_SYSTEM, "naming the request");
}

static void request_refused(void *context, uint64_t number, const char *reason)
{
	struct request_call *call = context;
	(void)number;
	call->refused = reason;
}

/* The deadline, as milliseconds since 1970 by this machine's clock: after it nobody waits, so no engine need work on
 * it. */
static struct text call_deadline(const struct request_call *call)
{
	int64_t deadline_ms = time_of_day_ms() + call->timeout_ns / NS_PER_MS;
	return text_of(arena_print(call->kept, "%" PRId64, deadline_ms));
}

static bool request_send(struct request_call *call, const struct pipeline_target *target, struct error *error)
{
	struct header headers[2 + REQUEST_HEADERS_MAX] = {{TEXT("x-request-id"), call->id},
							  {TEXT(DEADLINE_HEADER), call_deadline(call)}};
	struct arena *arena = call->kept;
	struct request_encoded encoded;
	if (!request_encode(call->request_form, call->request, (struct headers){0}, REQUEST_BYTES_MAX, arena, &encoded, error))
		return false;
	const struct outgoing record = {
		.key = call->key ? text_of(call->key) : pipeline_target_key(target, call->request, arena),
		.value = encoded.bytes,
		.headers = {request_headers_put(&encoded, headers, 2), headers},
	};
	const struct sender_config config = {
		.brokers = target->kafka.brokers,
		.topic = target->inputs,
		.what = "request",
		.timeout_ms = call->timeout_ns / NS_PER_MS,
		.properties = target->kafka.producer,
		.refused = request_refused,
		.context = call,
	};
	struct sender *sender = sender_open(&config, error);
	bool good = sender && sender_send(sender, &record, 1, error);
	while (good && !sender_settled(sender, LOOK_MS) && clock_ns() < call->end_ns)
		;
	if (good && sender_acknowledged(sender) == 0)
		good = error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka did not accept the request in %s: %s", config.topic,
				 call->refused ? call->refused : "it does not answer in time");
	sender_close(sender);
	return good;
}

static bool answer_await(struct request_call *call, struct reader *reader, struct error *error)
{
	while (clock_ns() < call->end_ns + LAST_WORD_NS) {
		struct record record;
		struct answer_view view;
		if (!reader_next(reader, LOOK_MS, &record, error))
			return false;
		if (!record.held)
			continue;
		bool good = answer_view_read(&record, &call->asker, call->arena, &view, error);
		bool ours = good && text_equal(view.message.id, call->id);
		if (ours)
			good = call->answered(call->context, &view, call->arena, error);
		record_release(&record);
		if (ours || !good)
			return good;
	}
	return error_set(error, ERROR_REMOTE, PLACE_NONE,
			 "no answer to " TEXT_FORMAT
			 " came in time; does `sluice run` run the pipeline, and does it answer every request?",
			 TEXT_ARGUMENTS(call->id));
}

/* The reader is at the end of the answers before the request is sent. */
bool request_call_run(struct request_call *call, const struct pipeline_target *target, struct error *error)
{
	const struct reader_config config = {
		.brokers = target->kafka.brokers, .topic = target->outputs, .properties = target->kafka.consumer};
	if (!config.topic)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "the pipeline has no output, so no answer can be waited for");
	if (!id_make(call, error) || !pipeline_target_see_inputs(target, error))
		return false;
	call->arena = arena_open(RECORD_ARENA_BYTES);
	if (!call->arena)
		return error_memory(error, ERROR_SYSTEM, "waiting for an answer");
	struct reader *reader = reader_open(&config, error);
	call->end_ns = clock_ns() + call->timeout_ns;
	bool good = reader && schema_lookup_open(&call->asker, kafka_registry(&target->kafka), error) &&
		    request_send(call, target, error) && answer_await(call, reader, error);
	schema_lookup_close(&call->asker);
	reader_close(reader);
	arena_close(call->arena);
	return good;
}
