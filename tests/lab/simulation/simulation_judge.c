/* simulation_judge.c: see simulation_judge.h. */
#include "simulation/simulation_judge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/number/number.h"
#include "message/formats/oip_json.h"
#include "simulation/simulated_faults.h"

#define ANSWER_BYTES_MAX ((size_t)1 << 20)
#define TELL_BYTES 160
#define LINE_US INT64_C(30000000) /* the longest line before a model, twice */
#define CLOCK_US INT64_C(1000)	  /* clocks tell milliseconds */

bool simulation_judge_open(struct simulation_judge *judge, const struct simulation_pipeline *variants,
			   struct simulation_request *requests, size_t count, char *why)
{
	*judge = (struct simulation_judge){.pipeline = variants, .count = count, .requests = requests, .why = why};
	for (size_t i = 0; i < SIMULATION_KEYS; i++)
		judge->last_of_key[i] = -1;
	for (size_t i = 0; i < SIMULATION_PARTITIONS_MAX; i++)
		judge->last_of_partition[i] = -1;
	judge->arena = arena_open(ANSWER_BYTES_MAX);
	return judge->arena;
}

/* ---- what any judge needs ---- */

void simulation_fails(char why[SIMULATION_WHY_MAX], const char *format, ...)
{
	va_list arguments;
	if (why[0])
		return;
	va_start(arguments, format);
	vsnprintf(why, SIMULATION_WHY_MAX, format, arguments);
	va_end(arguments);
}

bool simulation_request_number(const struct record *record, size_t count, int64_t *number)
{
	const struct header *id = headers_find(record->headers, TEXT("x-request-id"));
	return id && id->value.length > 1 && number_read_int64(text_from(id->value, 1), number) &&
	       *number >= 0 && (size_t)*number < count;
}

/* ---- what is to be answered ---- */

/* The leg of a block, behind one of leg `before`: 0, 1 and 2 are before, in and behind the isolated one. */
static size_t leg_of(const struct simulation_block *block, size_t before)
{
	return block->isolated ? 1 : before == 1 ? 2 : before;
}

/* Whether the stage of a leg calls a model. The isolated step of a block that gathers is behind its calls. */
static bool leg_calls(const struct simulation_pipeline *pipeline, size_t leg)
{
	bool calls = false;
	for (size_t i = 0, at = 0; i < pipeline->count; i++) {
		const struct simulation_block *block = &pipeline->blocks[i];
		at = leg_of(block, at);
		calls = calls || (at == leg && (block->kind == SIMULATION_CALL ||
						(block->kind == SIMULATION_GATHER && !block->isolated)));
	}
	return calls;
}

/* What a request comes to that changes over from one variant to another before a block
 * and behind it, at most: bit 0, 1 and 2 of `way` are the variants of the legs. False: it is dropped. */
static bool answer_by(const struct simulation_judge *judge, int64_t number, unsigned way, int64_t *answer)
{
	const struct simulation_request *request = &judge->requests[number];
	size_t leg = 0;
	*answer = number;
	for (size_t i = 0; i < judge->pipeline->count; i++) {
		leg = leg_of(&judge->pipeline->blocks[i], leg);
		const struct simulation_pipeline *variant = &judge->pipeline[way >> leg & 1];
		if (!simulation_block_answer(&variant->blocks[i], request->counted, answer))
			return false;
	}
	return true;
}

#define WAYS 8U
#define WHOLLY_FIRST 0U
#define WHOLLY_SECOND (WAYS - 1)
#define SECOND_FROM(leg) (WHOLLY_SECOND & ~((1U << (leg)) - 1))

/* Whether a request may begin as one of the first and end as one of the second. One that waits for a model in a later stage
 * begins again there, with what the stages before have given. */
static bool may_change_over(const struct simulation_judge *judge, unsigned way)
{
	for (size_t leg = 1; leg <= 2; leg++)
		if (way == SECOND_FROM(leg) && leg_calls(judge->pipeline, leg))
			return true;
	return judge->mixed;
}

static bool may_go(const struct simulation_judge *judge, const struct simulation_request *request, unsigned way)
{
	unsigned variants = request->may_run & judge->in_force;
	if (way == WHOLLY_FIRST)
		return (variants & 1) != 0;
	if (way == WHOLLY_SECOND)
		return (variants & 2) != 0;
	/* A worker that has not heard of the second yet can only take it for the first; also where the first
	 * was taken away before the request came, and still reads what is on its way. */
	bool ahead = (way & 1) != 0;
	if (simulation_pipeline_is_one_stage(judge->pipeline))
		return false;
	return ahead ? (variants & 2) != 0 && judge->in_force == 3 : variants == 3 && may_change_over(judge, way);
}

static bool is_possible(const struct simulation_judge *judge, int64_t number, int64_t answer)
{
	int64_t possible;
	for (unsigned way = 0; way < WAYS; way++)
		if (may_go(judge, &judge->requests[number], way) && answer_by(judge, number, way, &possible) && possible == answer)
			return true;
	return false;
}

void simulation_judge_ready(struct simulation_judge *judge, size_t variant_count)
{
	int64_t seen[SIMULATION_PARTITIONS_MAX][SIMULATION_CLASSES] = {0};
	unsigned ways = variant_count > 1 ? WAYS : 1;
	judge->variant_count = variant_count;
	for (size_t i = 0; i < judge->count; i++) {
		struct simulation_request *request = &judge->requests[i];
		int64_t answer;
		request->counted = ++seen[request->partition][i % SIMULATION_CLASSES];
		request->wanted = true;
		for (unsigned way = 0; way < ways; way++)
			request->wanted = request->wanted && answer_by(judge, (int64_t)i, way, &answer);
		judge->wanted += request->wanted;
	}
}

void simulation_judge_close(struct simulation_judge *judge)
{
	arena_close(judge->arena);
}

/* ---- one answer ---- */

/* Whose answer it is. */
struct simulation_answered {
	int64_t number; /* of the request; -1: none of ours */
	int64_t part;	/* -1: it is of all of them */
};

#define ID_MARK "\"id\":\""

/* From its header, or from its body. */
static struct text id_of(const struct record *record)
{
	const struct header *header = headers_find(record->headers, TEXT("x-request-id"));
	const struct text mark = TEXT(ID_MARK);
	const char *end = record->value.bytes + record->value.length;
	if (header)
		return header->value;
	if (record->value.length == 0)
		return (struct text){0};
	const char *id = memmem(record->value.bytes, record->value.length, mark.bytes, mark.length);
	id = id ? id + mark.length : end;
	const char *quote = id < end ? memchr(id, '"', (size_t)(end - id)) : NULL;
	return quote ? (struct text){id, (size_t)(quote - id)} : (struct text){0};
}

static struct simulation_answered answered_of(const struct simulation_judge *judge, const struct record *record)
{
	const struct text id = id_of(record);
	struct simulation_answered answered = {-1, -1};
	if (id.length < 2)
		return answered;
	struct text number = text_from(id, 1);
	const char *slash = memchr(number.bytes, '/', number.length);
	struct text part = slash ? (struct text){slash + 1, number.length - (size_t)(slash + 1 - number.bytes)} : (struct text){0};
	number.length -= slash ? part.length + 1 : 0;
	bool known = number_read_int64(number, &answered.number) && (!slash || number_read_int64(part, &answered.part));
	bool ours = answered.number >= 0 && (size_t)answered.number < judge->count && answered.part >= -1 &&
		    answered.part < (int64_t)judge->pipeline->parts && (!slash || judge->pipeline->parts > 1);
	return known && ours ? answered : (struct simulation_answered){-1, -1};
}

static unsigned all_parts(const struct simulation_judge *judge)
{
	return (1U << judge->pipeline->parts) - 1;
}

static void judge_value(struct simulation_judge *judge, struct simulation_answered answered, const struct payload *payload)
{
	int64_t number = answered.number;
	const struct simulation_request *request = &judge->requests[number];
	bool one = payload->tensors.count == 1 && payload->tensors.items[0]->count == 1;
	int64_t answer = one ? (int64_t)tensor_number(payload->tensors.items[0], 0) : 0;
	int64_t first = answer - (answered.part > 0 ? answered.part : 0), wanted = 0;
	bool given = answer_by(judge, number, request->may_run & 1 ? WHOLLY_FIRST : WHOLLY_SECOND, &wanted);
	if (answered.part < 0 && judge->pipeline->parts > 1)
		simulation_fails(judge->why, "request %" PRId64 " is answered as a whole, though it was split", number);
	if (request->deadline_us <= request->sent_us)
		simulation_fails(judge->why, "request %" PRId64 " is answered, though its deadline had passed when it came",
				 number);
	if (one && is_possible(judge, number, first))
		return;
	if (!given && judge->variant_count == 1)
		simulation_fails(judge->why, "request %" PRId64 " is answered, though the pipeline drops it", number);
	else
		simulation_fails(judge->why, "the answer to request %" PRId64 " is %" PRId64 ", and ought to be %" PRId64, number,
				 first, wanted);
}

/* A repetition at least once says nothing about order: what matters is when each came first. */
static void judge_order(struct simulation_judge *judge, int64_t number)
{
	const struct simulation_request *request = &judge->requests[number];
	int64_t *last = request->key >= 0 ? &judge->last_of_key[request->key] : NULL;
	if (last && *last > number)
		simulation_fails(judge->why, "request %" PRId64 " of key %d is answered behind request %" PRId64, number,
				 request->key, *last);
	if (last)
		*last = number;
	if (!judge->by_partition && (!judge->exactly_once || request->key >= 0))
		return;
	last = &judge->last_of_partition[request->partition];
	if (*last > number)
		simulation_fails(judge->why, "request %" PRId64 " of partition %d is answered behind request %" PRId64, number,
				 request->partition, *last);
	*last = number;
}

/* A deadline is near enough to refuse a request: admission keeps a quarter of its whole time,
 * and a call is not begun whose deadline leaves no time for the line before the model. */
static bool is_pressed(const struct simulation_judge *judge, const struct simulation_request *request, int64_t now_us)
{
	if (request->deadline_us == SIMULATION_NO_DEADLINE)
		return false;
	int64_t margin_us = (request->deadline_us - request->sent_us) / 4 + (judge->pipeline->model_count > 0 ? LINE_US : 0);
	return now_us >= request->deadline_us - (margin_us > 0 ? margin_us : 0) - CLOCK_US;
}

/* Models may fail, deadlines pass, and a record may be one that Kafka will not have; else nothing does. */
static bool is_excused(struct simulation_judge *judge, const struct simulation_request *request, struct text kind, int64_t now_us)
{
	if (text_is(kind, "REMOTE"))
		return judge->pipeline->model_count > 0;
	bool pressed = text_is(kind, "LIMIT") && (is_pressed(judge, request, now_us) || request->skipped);
	judge->refused += pressed;
	return pressed || (text_is(kind, "LIMIT") && judge->unwanted);
}

/* At least once, an answer that Kafka would not have is made up for when the others have left.
 * Where a pipeline is cut into stages an error is answered by the stage where it happened,
 * while those before it may be on their way to the next; and at least once that answer may be
 * lost with its worker when what was behind it has gone on. A request that was skipped may be on its way
 * to the next stage, from the worker that took it before. */
static bool is_ordered(const struct simulation_judge *judge, const struct simulation_request *request, bool failed)
{
	if (!judge->exactly_once && (judge->unwanted || request->skipped))
		return false;
	if (simulation_pipeline_is_one_stage(judge->pipeline))
		return true;
	return judge->exactly_once ? !failed : judge->pipeline->model_count == 0 && !judge->hurried && request->wanted;
}

static void judge_content(struct simulation_judge *judge, const struct record *record, struct simulation_answered answered,
			  int64_t now_us)
{
	int64_t number = answered.number;
	const struct header *kind = headers_find(record->headers, TEXT("sluice-error"));
	struct oip_reply reply;
	struct error error;
	error.kind = ERROR_NONE;
	arena_reset(judge->arena);
	if (kind && !is_excused(judge, &judge->requests[number], kind->value, now_us))
		simulation_fails(judge->why, "request %" PRId64 " is answered by an error: " TEXT_FORMAT, number,
				 TEXT_ARGUMENTS(record->value));
	else if (!kind && oip_json_decode_reply(judge->arena, record->value, 0, &reply, &error))
		judge_value(judge, answered, &reply.payload);
	else if (!kind)
		simulation_fails(judge->why, "the answer to request %" PRId64 " cannot be read: %s", number, error.text);
	judge->errors += kind != NULL;
	judge->requests[number].good |= !kind;
	judge->requests[number].failed |= kind != NULL;
}

static void tell_answer(const struct simulation_judge *judge, const struct record *record, int64_t number, int64_t now_us)
{
	const struct simulation_request *request = &judge->requests[number];
	char what[TELL_BYTES];
	if (!judge->tell)
		return;
	(void)snprintf(what, sizeof what,
		       "request %" PRId64 " (partition %d, offset %" PRId64 ", key %d)%s at offset %" PRId64 " of %d%s", number,
		       request->partition, request->offset, request->key,
		       headers_find(record->headers, TEXT("sluice-error")) ? ": an error," : "", record->offset, record->partition,
		       request->answers > 0 ? ", again" : "");
	judge->tell(judge->context, now_us, judge->answers.topic, what);
}

/* Parts stand one behind the other, when they are told first; an error is of the whole request. */
static unsigned judge_parts(struct simulation_judge *judge, struct simulation_answered answered,
			    const struct simulation_request *request)
{
	if (answered.part < 0)
		return all_parts(judge);
	unsigned bit = 1U << answered.part;
	if (judge->exactly_once && (request->parts & bit) == 0 && request->parts != bit - 1)
		simulation_fails(judge->why, "part %" PRId64 " of request %" PRId64 " is answered ahead of one it stands behind",
				 answered.part, answered.number);
	return bit;
}

static void judge_answer(struct simulation_judge *judge, const struct record *record, int64_t now_us)
{
	struct simulation_answered answered = answered_of(judge, record);
	int64_t number = answered.number;
	if (number < 0) {
		simulation_fails(judge->why, "an answer is nobody's: " TEXT_FORMAT, TEXT_ARGUMENTS(record->value));
		return;
	}
	struct simulation_request *request = &judge->requests[number];
	bool failed = headers_find(record->headers, TEXT("sluice-error")) != NULL;
	tell_answer(judge, record, number, now_us);
	judge_content(judge, record, answered, now_us);
	unsigned parts = judge_parts(judge, answered, request);
	request->answers++;
	if (request->parts & parts) {
		judge->repeated++;
		if (judge->exactly_once)
			simulation_fails(judge->why, "request %" PRId64 " is answered twice", number);
	}
	bool before = request->parts == all_parts(judge);
	request->parts |= parts;
	if (before || request->parts != all_parts(judge))
		return;
	request->answered_us = now_us;
	if (!request->wanted)
		return; /* a model failed before it could be dropped; taken again it may be dropped after all */
	if (is_ordered(judge, request, failed))
		judge_order(judge, number);
	judge->answered++;
}

void simulation_judge_read(struct simulation_judge *judge, const struct simulated_kafka *kafka, int64_t now_us)
{
	struct record record;
	judge->unwanted = simulated_mishaps(kafka, SIMULATED_UNWANTED) > 0;
	while (simulation_reading_next(&judge->answers, kafka, &record))
		judge_answer(judge, &record, now_us);
}

bool simulation_request_is_answered(const struct simulation_judge *judge, const struct simulation_request *request)
{
	return request->parts == all_parts(judge);
}

bool simulation_judge_settled(const struct simulation_judge *judge)
{
	return judge->answered + judge->skipped == judge->wanted;
}

void simulation_judge_end(struct simulation_judge *judge, uint64_t overdue_calls)
{
	if (overdue_calls > 0)
		simulation_fails(judge->why, "models are called %" PRIu64 " times for requests whose deadlines had passed",
				 overdue_calls);
	for (size_t i = 0; i < judge->count; i++) {
		const struct simulation_request *request = &judge->requests[i];
		if (request->wanted && !simulation_request_is_answered(judge, request) && !judge->bereft && !request->skipped)
			simulation_fails(judge->why,
					 "request %zu (partition %d, offset %" PRId64 ") is not answered in time; %zu of %zu are",
					 i, request->partition, request->offset, judge->answered, judge->wanted);
	}
}
