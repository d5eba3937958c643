/* avro_read.c: Reader of the engine's own request and answer records: the fast path. It makes one pass without
 * look-ups, and copies only misaligned elements. */
#include "message/avro/avro.h"
#include "message/avro/avro_parts.h"
#include "message/avro/avro_wire.h"
#include "message/formats/raw.h"

/* A function on the fast path keeps a cursor of its own, which stays in registers,
 * and gives it back before it calls one that reads on. */
struct avro_reader {
	struct avro_cursor cursor;
	struct arena *arena;
	struct error *error;
};

static __attribute__((noinline, cold)) bool broken(struct avro_reader *reader, const char *where)
{
	error_set(reader->error, ERROR_INPUT, PLACE_NONE,
		  "the Avro record is cut off or broken in %s; write it with the schema that its first bytes name", where);
	avro_fail(&reader->cursor);
	return false;
}

static __attribute__((noinline, cold)) bool full(struct avro_reader *reader)
{
	error_memory(reader->error, ERROR_LIMIT, "reading an Avro record");
	avro_fail(&reader->cursor);
	return false;
}

static inline bool is_ascii(struct text text)
{
	uint64_t all = 0;
	size_t i = 0;
	for (; i + sizeof all <= text.length; i += sizeof all) {
		uint64_t eight;
		memcpy(&eight, text.bytes + i, sizeof eight);
		all |= eight;
	}
	for (; i < text.length; i++)
		all |= (unsigned char)text.bytes[i];
	return (all & UINT64_C(0x8080808080808080)) == 0;
}

/* Always inline: else the cursor leaves its registers. */
static inline __attribute__((always_inline)) struct text read_string_at(struct avro_reader *reader, struct avro_cursor *cursor)
{
	struct text text = avro_read_bytes(cursor);
	if (AVRO_UNLIKELY(!is_ascii(text)) && !text_is_utf8(text)) {
		broken(reader, "a string that is not UTF-8");
		avro_fail(cursor);
	}
	return text;
}

static __attribute__((noinline)) struct text read_string(struct avro_reader *reader)
{
	return read_string_at(reader, &reader->cursor);
}

static bool read_parameter(struct avro_reader *reader, struct parameter *parameter)
{
	parameter->name = read_string(reader);
	switch (avro_read_long(&reader->cursor)) {
	case 0: {
		const unsigned char *flag = avro_read_raw(&reader->cursor, 1);
		parameter->type = PARAMETER_FLAG;
		parameter->value.flag = flag && *flag == 1;
		return (flag && *flag <= 1) || broken(reader, "a boolean parameter");
	}
	case 1:
		parameter->type = PARAMETER_INTEGER;
		parameter->value.integer = avro_read_long(&reader->cursor);
		break;
	case 2:
		parameter->type = PARAMETER_NUMBER;
		parameter->value.number = avro_read_double(&reader->cursor);
		break;
	case 3:
		parameter->type = PARAMETER_TEXT;
		parameter->value.text = read_string(reader);
		break;
	case 4:
		parameter->type = PARAMETER_UNSIGNED;
		parameter->value.natural = (uint64_t)avro_read_long(&reader->cursor);
		break;
	default:
		return broken(reader, "the kind of a parameter");
	}
	return !avro_failed(&reader->cursor) || broken(reader, "a parameter");
}

/* The first items of a list move to a larger place. */
static __attribute__((noinline)) void *list_moved(struct avro_reader *reader, const void *items, size_t count, size_t capacity,
						  size_t size)
{
	void *moved = arena_take_raw(reader->arena, capacity * size);
	if (AVRO_UNLIKELY(!moved))
		full(reader);
	else
		memcpy(moved, items, count * size);
	return moved;
}

/* The next `more` items behind `count` others: the same list, or a larger copy. */
static inline void *list_grown(struct avro_reader *reader, void *items, size_t count, size_t *capacity, size_t more, size_t size)
{
	size_t need = count + more;
	if (count == 0) { /* most lists are one block */
		*capacity = need;
		items = arena_take_raw(reader->arena, need * size);
		if (AVRO_UNLIKELY(!items))
			full(reader);
		return items;
	}
	if (need <= *capacity)
		return items;
	*capacity = *capacity * 2 > need ? *capacity * 2 : need;
	return list_moved(reader, items, count, *capacity, size);
}

static __attribute__((noinline)) struct parameters read_parameters_from(struct avro_reader *reader, size_t more)
{
	struct parameter *items = NULL;
	size_t count = 0;
	for (size_t capacity = 0; more; more = avro_read_block(&reader->cursor)) {
		items = list_grown(reader, items, count, &capacity, more, sizeof *items);
		if (!items)
			return (struct parameters){0};
		while (more--)
			if (!read_parameter(reader, &items[count++]))
				return (struct parameters){0};
	}
	return (struct parameters){count, items};
}

static inline struct parameters read_parameters(struct avro_reader *reader)
{
	size_t more = avro_read_block(&reader->cursor);
	return more ? read_parameters_from(reader, more) : (struct parameters){0};
}

/* A tensor and its shape are one piece of the arena, taken when the rank is known. */
static inline struct tensor *take_tensor(struct avro_reader *reader, struct text name, uint64_t datatype, size_t rank)
{
	struct tensor *tensor = arena_take_raw(reader->arena, sizeof *tensor + rank * sizeof(int64_t));
	if (AVRO_UNLIKELY(!tensor)) {
		full(reader);
		return NULL;
	}
	tensor->name = name;
	tensor->shape = (int64_t *)(tensor + 1);
	tensor->datatype = (enum datatype)datatype;
	tensor->rank = (uint32_t)rank;
	tensor->model = NULL;
	return tensor;
}

/* A datatype and a shape of any form: negative dimensions, many, in several blocks. */
static __attribute__((noinline)) struct tensor *read_any_type(struct avro_reader *reader, struct text name)
{
	int64_t shape[TENSOR_RANK_MAX];
	size_t rank = 0;
	uint64_t datatype = (uint64_t)avro_read_small(&reader->cursor);
	for (size_t more; (more = avro_read_block(&reader->cursor)) > 0;) {
		while (more--) {
			int64_t dimension = avro_read_long(&reader->cursor);
			if (rank < TENSOR_RANK_MAX)
				shape[rank] = dimension;
			rank++;
		}
	}
	if (avro_failed(&reader->cursor) || datatype >= DATATYPE_COUNT) {
		broken(reader, "the datatype or shape of a tensor");
		return NULL;
	}
	size_t count;
	if (!shape_count(name, shape, rank, &count, reader->error))
		return NULL;
	struct tensor *tensor = take_tensor(reader, name, datatype, rank);
	if (!tensor)
		return NULL;
	memcpy((int64_t *)(tensor + 1), shape, rank * sizeof *shape);
	tensor->count = count;
	return tensor;
}

#define SHORT_RANK_MAX 5
#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Datatype, rank, dimensions and the end of the list are most often a byte each, none
 * of them above 63, and together no more than a word: then they are looked at as one.
 * The mask has the bits that each number must not have set, for its rank. */
static inline struct tensor *read_type(struct avro_reader *reader, struct avro_cursor *cursor, struct text name)
{
	uint64_t word = 0;
	if (avro_left(cursor) >= sizeof word)
		memcpy(&word, cursor->at, sizeof word);
	size_t rank = word >> 9 & 0x7F;
	size_t end = 8 * (rank + 2); /* where in the word the end of the list stands */
	uint64_t mask = rank - 1 < SHORT_RANK_MAX ? (EACH_BYTE(0x81) & ((UINT64_C(1) << end) - 1)) | UINT64_C(0xFF) << end : 0;
	if (AVRO_UNLIKELY(mask == 0 || (word & mask) != 0 || (word & 0xFF) >= 2 * DATATYPE_COUNT)) {
		reader->cursor = *cursor;
		struct tensor *tensor = read_any_type(reader, name);
		*cursor = reader->cursor;
		return tensor;
	}
	struct tensor *tensor = take_tensor(reader, name, (word & 0xFF) >> 1, rank);
	if (AVRO_UNLIKELY(!tensor))
		return NULL;
	int64_t *shape = (int64_t *)(tensor + 1);
	cursor->at += rank + 3;
	tensor->count = 1;
	word >>= 16;
	for (size_t i = 0; i < rank; i++, word >>= 8) {
		shape[i] = (int64_t)((word & 0xFF) >> 1);
		tensor->count *= (size_t)shape[i];
	}
	return tensor;
}

static inline const struct tensor *read_tensor(struct avro_reader *reader, struct avro_cursor *cursor)
{
	struct text name = read_string_at(reader, cursor);
	struct tensor *tensor = read_type(reader, cursor, name);
	if (AVRO_UNLIKELY(!tensor))
		return NULL;
	struct text data = avro_read_contents(cursor);
	size_t more = avro_read_block(cursor);
	tensor->parameters = (struct parameters){0};
	if (AVRO_UNLIKELY(more)) {
		reader->cursor = *cursor;
		tensor->parameters = read_parameters_from(reader, more);
		*cursor = reader->cursor;
	}
	if (AVRO_UNLIKELY(avro_failed(cursor))) {
		broken(reader, "a tensor");
		return NULL;
	}
	return raw_read(tensor, data, reader->arena, reader->error) ? tensor : NULL;
}

static __attribute__((noinline)) bool read_tensors_from(struct avro_reader *reader, size_t more, struct tensors *tensors)
{
	struct avro_cursor cursor = reader->cursor;
	const struct tensor **items = NULL;
	size_t count = 0;
	for (size_t capacity = 0; more; more = avro_read_block(&cursor)) {
		items = list_grown(reader, items, count, &capacity, more, sizeof *items);
		if (AVRO_UNLIKELY(!items))
			return false;
		while (more--) {
			const struct tensor *tensor = read_tensor(reader, &cursor);
			if (AVRO_UNLIKELY(!tensor))
				return false;
			items[count++] = tensor;
		}
	}
	reader->cursor = cursor;
	*tensors = (struct tensors){count, items};
	return true;
}

static inline bool read_tensors(struct avro_reader *reader, struct tensors *tensors)
{
	size_t more = avro_read_block(&reader->cursor);
	return more == 0 || read_tensors_from(reader, more, tensors);
}

static __attribute__((noinline)) bool read_names_from(struct avro_reader *reader, size_t more, struct tensors_wanted *wanted)
{
	struct text *names = NULL;
	size_t count = 0;
	for (size_t capacity = 0; more; more = avro_read_block(&reader->cursor)) {
		names = list_grown(reader, names, count, &capacity, more, sizeof *names);
		if (!names)
			return false;
		while (more--)
			names[count++] = read_string(reader);
	}
	*wanted = (struct tensors_wanted){count, names};
	return true;
}

static void skip_assignments(struct avro_reader *reader)
{
	for (size_t more; (more = avro_read_block(&reader->cursor)) > 0;) {
		while (more--) {
			(void)avro_read_bytes(&reader->cursor);
			(void)avro_read_bytes(&reader->cursor);
			(void)avro_read_double(&reader->cursor);
		}
	}
}

static void skip_versions(struct avro_reader *reader)
{
	for (size_t more; (more = avro_read_block(&reader->cursor)) > 0;) {
		while (more--) {
			(void)avro_read_bytes(&reader->cursor);
			(void)avro_read_bytes(&reader->cursor);
		}
	}
}

/* Which of two branches a union of null and a record has. */
static bool read_presence(struct avro_reader *reader, const char *where)
{
	int64_t branch = avro_read_long(&reader->cursor);
	if (AVRO_UNLIKELY(branch < 0 || branch > 1))
		broken(reader, where);
	return branch == 1;
}

static void read_origin(struct avro_reader *reader, struct origin *origin)
{
	if (!read_presence(reader, "the origin"))
		return;
	*origin = (struct origin){.topic = read_string(reader)};
	origin->partition = avro_read_int(&reader->cursor);
	origin->offset = avro_read_long(&reader->cursor);
}

static bool read_end(struct avro_reader *reader)
{
	skip_assignments(reader);
	skip_versions(reader);
	if (AVRO_UNLIKELY(avro_failed(&reader->cursor)))
		return broken(reader, "its last fields");
	size_t behind = avro_left(&reader->cursor);
	if (AVRO_UNLIKELY(behind))
		return error_set(reader->error, ERROR_INPUT, PLACE_NONE,
				 "%zu bytes follow the Avro record; send one record in each message", behind);
	return true;
}

void avro_request_envelope(struct message *message, struct text id, int64_t deadline_ms)
{
	if (id.length)
		message->payload_id = id;
	if (message->deadline_ms == 0)
		message->deadline_ms = deadline_ms;
}

void avro_request_origin(struct message *message, const struct origin *origin)
{
	if (message->origin.topic.length == 0)
		message->origin = *origin;
}

void avro_request_marks(struct tensors *marks)
{
	const struct tensor **items = (const struct tensor **)(uintptr_t)marks->items; /* just read, and nobody else's */
	size_t kept = 0;
	for (size_t i = 0; i < marks->count; i++)
		if (!text_starts_with(items[i]->name, TEXT(MARK_OF_HEADER)))
			items[kept++] = items[i];
	marks->count = kept;
}

/* What stands behind the inputs: wanted outputs, marks, origin, assignments, versions. */
static __attribute__((noinline)) bool read_behind_inputs(struct avro_reader *reader, struct message *message)
{
	struct origin origin = {0};
	size_t more = avro_read_block(&reader->cursor);
	if (more && !read_names_from(reader, more, &message->wanted))
		return false;
	if (!read_tensors(reader, &message->payload.marks))
		return false;
	avro_request_marks(&message->payload.marks);
	read_origin(reader, &origin);
	if (!read_end(reader))
		return false;
	avro_request_origin(message, &origin);
	return true;
}

/* Most requests have neither a deadline nor parameters, and none of what stands at the
 * end. */
static inline bool nothing_before_inputs(struct avro_reader *reader)
{
	struct avro_cursor *cursor = &reader->cursor;
	if (avro_left(cursor) < 2 || cursor->at[0] != 0 || cursor->at[1] != 0)
		return false;
	cursor->at += 2;
	return true;
}

static inline bool nothing_behind_inputs(const struct avro_reader *reader)
{
	static const char none[5];
	return avro_left(&reader->cursor) == sizeof none && memcmp(reader->cursor.at, none, sizeof none) == 0;
}

bool avro_request_read(struct message *message, struct text body, struct error *error)
{
	struct avro_reader reader = {.arena = message->arena, .error = error};
	struct avro_cursor cursor = avro_cursor_of(body);
	struct text id = read_string_at(&reader, &cursor);
	int64_t deadline_ms = 0;
	reader.cursor = cursor;
	if (!nothing_before_inputs(&reader)) {
		deadline_ms = avro_read_long(&reader.cursor);
		message->payload.parameters = read_parameters(&reader);
	}
	if (!read_tensors(&reader, &message->payload.tensors))
		return false;
	if (!nothing_behind_inputs(&reader) && !read_behind_inputs(&reader, message))
		return false;
	avro_request_envelope(message, id, deadline_ms);
	return true;
}

static bool read_failure(struct avro_reader *reader, struct error *failure)
{
	int64_t kind = avro_read_long(&reader->cursor);
	if (kind < 0 || kind > ERROR_SYSTEM - ERROR_CONFIG)
		return broken(reader, "the kind of its error");
	struct text text = read_string(reader);
	struct text file = read_string(reader);
	int64_t line = avro_read_long(&reader->cursor);
	int64_t column = avro_read_long(&reader->cursor);
	struct place place = {.line = (uint32_t)line, .column = (uint32_t)column};
	if (line < 0 || line > UINT32_MAX || column < 0 || column > UINT32_MAX)
		return broken(reader, "the place of its error");
	if (file.length && !(place.file = arena_copy(reader->arena, file.bytes, file.length)))
		return full(reader);
	*failure = (struct error){0};
	error_set(failure, (enum error_kind)(kind + ERROR_CONFIG), place, TEXT_FORMAT,
		  (int)(text.length < INT32_MAX ? text.length : INT32_MAX),
		  text.bytes);
	return true;
}

bool avro_answer_read(struct text body, struct arena *arena, struct avro_answer *answer, struct error *error)
{
	struct avro_reader reader = {.cursor = avro_cursor_of(body), .arena = arena, .error = error};
	*answer = (struct avro_answer){.id = read_string(&reader)};
	answer->failed = read_presence(&reader, "its error");
	if (answer->failed && !read_failure(&reader, &answer->error))
		return false;
	struct payload *payload = &answer->payload;
	payload->model_name = read_string(&reader);
	payload_set_version(payload, arena, read_string(&reader));
	payload->parameters = read_parameters(&reader);
	if (!read_tensors(&reader, &payload->tensors) || !read_tensors(&reader, &payload->marks))
		return false;
	read_origin(&reader, &answer->origin);
	answer->lists = (struct text){(const char *)reader.cursor.at, avro_left(&reader.cursor)};
	return read_end(&reader);
}

bool avro_read_tensors(struct avro_cursor *cursor, struct arena *arena, struct tensors *tensors, struct error *error)
{
	struct avro_reader reader = {.cursor = *cursor, .arena = arena, .error = error};
	*tensors = (struct tensors){0};
	bool good = read_tensors(&reader, tensors);
	*cursor = reader.cursor;
	return good;
}

struct parameters avro_read_parameters(struct avro_cursor *cursor, struct arena *arena, struct error *error)
{
	struct avro_reader reader = {.cursor = *cursor, .arena = arena, .error = error};
	struct parameters parameters = read_parameters(&reader);
	*cursor = reader.cursor;
	return parameters;
}

bool avro_read_failure(struct avro_cursor *cursor, struct arena *arena, struct error *failure, struct error *error)
{
	struct avro_reader reader = {.cursor = *cursor, .arena = arena, .error = error};
	bool good = read_failure(&reader, failure);
	*cursor = reader.cursor;
	return good;
}
