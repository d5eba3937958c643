/* stage_link_read.c: Decoder of stage links; see stage_link.h. */
#include "base/number/number.h"
#include "message/records/assigned.h"
#include "message/avro/avro.h"
#include "message/avro/avro_parts.h"
#include "message/avro/avro_writers.h"
#include "message/formats/format.h"
#include "message/provenance.h"
#include "message/records/stage_link.h"

struct stage_link_reading {
	struct avro_cursor cursor;
	struct arena *arena;
	struct error *error;
	struct tensors tensors; /* of all payloads */
};

static bool stage_link_read_broken(struct stage_link_reading *reading, const char *where)
{
	avro_fail(&reading->cursor);
	return error_set(reading->error, ERROR_INPUT, PLACE_NONE,
			 "the record between two stages is cut off or broken in %s; only the engine may write to a stage's topic",
			 where);
}

static bool stage_link_read_full(struct stage_link_reading *reading)
{
	return error_memory(reading->error, ERROR_LIMIT, "reading what came from another stage");
}

static bool read_flag(struct stage_link_reading *reading)
{
	const unsigned char *flag = avro_read_raw(&reading->cursor, 1);
	if (flag && *flag > 1)
		avro_fail(&reading->cursor);
	return flag && *flag == 1;
}

/* A number from 0 to `most`. */
static int64_t read_choice(struct stage_link_reading *reading, int64_t most)
{
	int64_t choice = avro_read_long(&reading->cursor);
	if (choice >= 0 && choice <= most)
		return choice;
	avro_fail(&reading->cursor);
	return 0;
}

static struct text read_optional(struct stage_link_reading *reading)
{
	if (!read_choice(reading, 1))
		return (struct text){0};
	return avro_read_bytes(&reading->cursor);
}

/* The one block of a list as we write it, and its items' places; the end of the list is
 * read by list_end(). NULL where it is empty, broken, or the arena is full. */
static void *list_begin(struct stage_link_reading *reading, size_t *count, size_t size)
{
	*count = avro_read_block(&reading->cursor);
	void *items = *count ? arena_take(reading->arena, *count, size) : NULL;
	if (!items)
		*count = 0;
	return items;
}

static void list_end(struct stage_link_reading *reading, size_t count)
{
	if (count && avro_read_block(&reading->cursor) != 0)
		avro_fail(&reading->cursor);
}

static bool read_head(struct stage_link_reading *reading, struct stage_link_head *head)
{
	int64_t version = avro_read_long(&reading->cursor);
	if (!avro_failed(&reading->cursor) && version != STAGE_LINK_VERSION)
		return error_set(reading->error, ERROR_INPUT, PLACE_NONE,
				 "the record between two stages is of version %lld, and this engine reads version %d; let the "
				 "engines of the version that wrote it finish what is in flight",
				 (long long)version, STAGE_LINK_VERSION);
	head->from = avro_read_bytes(&reading->cursor);
	head->deployment = (uint64_t)avro_read_long(&reading->cursor);
	head->id = avro_read_bytes(&reading->cursor);
	head->origin.topic = avro_read_bytes(&reading->cursor);
	head->origin.partition = avro_read_int(&reading->cursor);
	head->origin.offset = avro_read_long(&reading->cursor);
	return !avro_failed(&reading->cursor) || stage_link_read_broken(reading, "its first fields");
}

static void read_headers(struct stage_link_reading *reading, struct headers *headers)
{
	size_t count;
	struct header *items = list_begin(reading, &count, sizeof *items);
	for (size_t i = 0; i < count; i++) {
		items[i].name = avro_read_bytes(&reading->cursor);
		items[i].value = avro_read_bytes(&reading->cursor);
	}
	list_end(reading, count);
	*headers = (struct headers){count, items};
}

static void read_wanted(struct stage_link_reading *reading, struct message *message)
{
	size_t count;
	struct text *names = list_begin(reading, &count, sizeof *names);
	bool *each = ARENA_ARRAY(reading->arena, bool, count + 1);
	for (size_t i = 0; each && i < count; i++) {
		names[i] = avro_read_bytes(&reading->cursor);
		each[i] = read_flag(reading);
	}
	list_end(reading, count);
	message->wanted = (struct tensors_wanted){count, names};
	message->wanted_each = count ? each : NULL;
}

static bool read_form(struct stage_link_reading *reading, struct message *message)
{
	message->format = format_named(avro_read_bytes(&reading->cursor));
	message->payload_id = read_optional(reading);
	read_wanted(reading, message);
	message->wanted_binary = read_flag(reading);
	message->v1_columns = read_flag(reading);
	message->seldon_form = (enum seldon_form)read_choice(reading, SELDON_JSON);
	message->seldon_meta = avro_read_bytes(&reading->cursor);
	return !avro_failed(&reading->cursor) || stage_link_read_broken(reading, "the form of its answer");
}

static struct tensors read_places(struct stage_link_reading *reading)
{
	size_t count;
	const struct tensor **items = list_begin(reading, &count, sizeof *items);
	for (size_t i = 0; i < count; i++) {
		int64_t place = avro_read_long(&reading->cursor);
		if (place < 0 || (uint64_t)place >= reading->tensors.count) {
			avro_fail(&reading->cursor);
			return (struct tensors){0};
		}
		items[i] = reading->tensors.items[place];
	}
	list_end(reading, count);
	return (struct tensors){count, items};
}

static bool read_payload(struct stage_link_reading *reading, struct payload *payload)
{
	payload->tensors = read_places(reading);
	payload->marks = read_places(reading);
	payload->parameters = avro_read_parameters(&reading->cursor, reading->arena, reading->error);
	payload->model_name = avro_read_bytes(&reading->cursor);
	payload_set_version(payload, reading->arena, avro_read_bytes(&reading->cursor));
	repliers_read(reading->arena, payload);
	return !avro_failed(&reading->cursor) || stage_link_read_broken(reading, "a payload");
}

static bool read_given(struct stage_link_reading *reading, struct given *given)
{
	given->step = avro_read_bytes(&reading->cursor);
	given->inputs = read_flag(reading);
	given->state = (enum given_state)read_choice(reading, GIVEN_FAILED);
	bool came = read_choice(reading, 1);
	if (came) {
		struct payload *payload = ARENA_NEW(reading->arena, struct payload);
		if (!payload)
			return stage_link_read_full(reading);
		if (!read_payload(reading, payload))
			return false;
		given->payload = payload;
	}
	given->only_to = avro_read_bytes(&reading->cursor);
	unsigned silence = (unsigned)read_choice(reading, SILENCE_DROPPED);
	bool failed = read_choice(reading, 1);
	if (failed) {
		struct error *failure = ARENA_NEW(reading->arena, struct error);
		if (!failure)
			return stage_link_read_full(reading);
		if (!avro_read_failure(&reading->cursor, reading->arena, failure, reading->error))
			return false;
		failure->of_tensor = failure->kind == ERROR_INPUT && silence == SILENCE_EMPTY;
		failure->limit = failure->kind == ERROR_LIMIT ? (enum error_limit)silence : LIMIT_OF_ENGINE;
		given->error = failure;
	} else {
		given->silence = (enum silence)silence;
	}
	given->attempts = (unsigned)read_choice(reading, INT32_MAX);
	bool whole = came == (given->state == GIVEN_CAME) && failed == (given->state == GIVEN_FAILED);
	return (whole && !avro_failed(&reading->cursor)) || stage_link_read_broken(reading, "what became of a step");
}

/* Takes the first header away if it has that name. */
static bool take_first(struct headers *headers, const char *name, struct text *value)
{
	if (headers->count == 0 || !text_is(headers->items[0].name, name))
		return false;
	*value = headers->items[0].value;
	headers->items++;
	headers->count--;
	return true;
}

static void read_written(struct message *message)
{
	struct text digits;
	(void)take_first(&message->headers, STAGE_LINK_READS, &message->sender_reads);
	message->written_ms = message->time_ms;
	if (take_first(&message->headers, STAGE_LINK_WRITTEN, &digits))
		(void)number_read_int64(digits, &message->written_ms);
}

/* False: the arena is full. */
static bool read_nulls(struct message *message)
{
	struct headers *headers = &message->headers;
	struct text flags;
	if (!take_first(headers, STAGE_LINK_NULLS, &flags))
		return true;
	struct header *items = ARENA_ARRAY(message->arena, struct header, headers->count);
	for (size_t i = 0; items && i < headers->count; i++) {
		items[i] = headers->items[i];
		if (i < flags.length && flags.bytes[i] == '1')
			items[i].value = (struct text){0};
	}
	headers->items = items;
	return items != NULL;
}

static bool read_carried(struct stage_link_reading *reading, struct carried *carried)
{
	struct given *items = list_begin(reading, &carried->count, sizeof *items);
	for (size_t i = 0; i < carried->count; i++)
		if (!read_given(reading, &items[i]))
			return false;
	list_end(reading, carried->count);
	carried->items = items;
	if (avro_failed(&reading->cursor))
		return stage_link_read_broken(reading, "what became of its steps");
	return avro_left(&reading->cursor) == 0 || stage_link_read_broken(reading, "the bytes after it");
}

static bool read_body(struct stage_link_reading *reading, struct message *message, struct carried *carried,
		      struct stage_link *stage_link)
{
	carried->answered = read_flag(reading);
	message->time_ms = avro_read_long(&reading->cursor);
	stage_link->deadline_ms = avro_read_long(&reading->cursor);
	message->key = read_optional(reading);
	stage_link->key = read_optional(reading);
	read_headers(reading, &message->headers);
	(void)take_first(&message->headers, STAGE_LINK_OUTCOMES, &stage_link->outcomes);
	read_written(message);
	if (!read_nulls(message) || !assigned_read(message))
		return stage_link_read_full(reading);
	stage_link->original = avro_read_bytes(&reading->cursor);
	if (!read_form(reading, message) || !avro_read_tensors(&reading->cursor, reading->arena, &reading->tensors, reading->error))
		return false;
	models_read(reading->arena, reading->tensors);
	stage_link->request = read_choice(reading, 1);
	if (stage_link->request && !read_payload(reading, &message->payload))
		return false;
	return read_carried(reading, carried);
}

static bool body_of(struct text bytes, struct text *body, struct error *error)
{
	struct avro_name name;
	uint64_t fingerprint = avro_crossing_fingerprint();
	if (fingerprint == 0)
		return error_memory(error, ERROR_SYSTEM, "reading a schema");
	if (avro_framing(bytes, &name, body) && !name.by_id && name.value == fingerprint)
		return true;
	return error_set(error, ERROR_INPUT, PLACE_NONE,
			 "the record is none that a stage writes; only the engine may write to a stage's topic");
}

bool stage_link_decode(struct message *message, struct text bytes, struct stage_link *stage_link, struct error *error)
{
	struct text body;
	struct carried *carried = ARENA_NEW(message->arena, struct carried);
	struct stage_link_head head = {0};
	if (!body_of(bytes, &body, error))
		return false;
	struct stage_link_reading reading = {.cursor = avro_cursor_of(body), .arena = message->arena, .error = error};
	if (!carried)
		return stage_link_read_full(&reading);
	*stage_link = (struct stage_link){0};
	if (!read_head(&reading, &head))
		return false;
	stage_link->from = head.from;
	stage_link->deployment = head.deployment;
	message->id = head.id;
	message->origin = head.origin;
	if (!read_body(&reading, message, carried, stage_link))
		return false;
	message->carried = carried;
	return !arena_failed(message->arena) || stage_link_read_full(&reading);
}

bool stage_link_add(struct message *message, struct text bytes, struct stage_link *stage_link, struct error *error)
{
	struct stage_link more;
	struct message other = {.arena = message->arena};
	if (!stage_link_decode(&other, bytes, &more, error))
		return false;
	if (!stage_link->request)
		message->payload = other.payload;
	stage_link->request |= more.request;
	const struct carried *one = message->carried, *two = other.carried;
	struct carried *both = ARENA_NEW(message->arena, struct carried);
	struct given *items = ARENA_ARRAY(message->arena, struct given, one->count + two->count + 1);
	if (!both || !items)
		return error_memory(error, ERROR_LIMIT, "putting together what came from other stages");
	for (size_t i = 0; i < one->count; i++)
		items[i] = one->items[i];
	for (size_t i = 0; i < two->count; i++)
		items[one->count + i] = two->items[i];
	*both = (struct carried){.count = one->count + two->count, .items = items, .answered = one->answered || two->answered};
	message->carried = both;
	return assigned_join(message, &other) || error_memory(error, ERROR_LIMIT, "putting together what came from other stages");
}

bool stage_link_peek(struct text bytes, struct stage_link_head *head, struct error *error)
{
	struct text body;
	*head = (struct stage_link_head){0};
	if (!body_of(bytes, &body, error))
		return false;
	struct stage_link_reading reading = {.cursor = avro_cursor_of(body), .error = error};
	return read_head(&reading, head);
}
