/* avro_read.c: reads the body of our own request and answer records: the fast path,
 * so one pass, no look-ups, nothing copied but elements that stand misaligned. */
#include "message/avro.h"
#include "message/avro_wire.h"
#include "message/raw.h"

/* A function on the fast path keeps a cursor of its own, which stays in registers,
 * and gives it back before it calls one that reads on. */
struct reader {
	struct avro_cursor cursor;
	struct arena *arena;
	struct error *error;
};

static __attribute__((noinline, cold)) bool broken(struct reader *reader, const char *where)
{
	error_set(reader->error, ERROR_INPUT, PLACE_NONE,
		  "the Avro record is cut off or broken in %s; write it with the schema that its first bytes name", where);
	avro_fail(&reader->cursor);
	return false;
}

static __attribute__((noinline, cold)) bool full(struct reader *reader)
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
static inline __attribute__((always_inline)) struct text read_string_at(struct reader *reader, struct avro_cursor *cursor)
{
	struct text text = avro_read_bytes(cursor);
	if (AVRO_UNLIKELY(!is_ascii(text)) && !text_is_utf8(text)) {
		broken(reader, "a string that is not UTF-8");
		avro_fail(cursor);
	}
	return text;
}

static __attribute__((noinline)) struct text read_string(struct reader *reader)
{
	return read_string_at(reader, &reader->cursor);
}

static bool read_parameter(struct reader *reader, struct parameter *parameter)
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

/* The first items of a list move to a larger place; with none, the list begins. */
static void *list_moved(struct reader *reader, const void *items, size_t count, size_t capacity, size_t size)
{
	void *moved = arena_take_raw(reader->arena, capacity * size);
	if (AVRO_UNLIKELY(!moved))
		full(reader);
	else if (count)
		memcpy(moved, items, count * size);
	return moved;
}

/* The next `more` items behind `count` others: the same list, or a larger copy. */
static inline void *list_grown(struct reader *reader, void *items, size_t count, size_t *capacity, size_t more, size_t size)
{
	size_t need = count + more;
	if (AVRO_UNLIKELY(need <= *capacity))
		return items;
	*capacity = *capacity * 2 > need ? *capacity * 2 : need;
	return list_moved(reader, items, count, *capacity, size);
}

static __attribute__((noinline)) struct parameters read_parameters_from(struct reader *reader, size_t more)
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

static inline struct parameters read_parameters(struct reader *reader)
{
	size_t more = avro_read_block(&reader->cursor);
	return more ? read_parameters_from(reader, more) : (struct parameters){0};
}

/* The product of a shape that is small and has no empty dimension: most have. 0: ask
 * shape_count(). */
static inline size_t small_count(const int64_t *shape, size_t rank)
{
	const uint64_t small = UINT64_C(1) << 16; /* two of them multiply without overflow */
	uint64_t product = 1;
	for (size_t i = 0; i < rank; i++) {
		if ((uint64_t)shape[i] > small || product > small)
			return 0;
		product *= (uint64_t)shape[i];
	}
	return product;
}

/* A shape in several blocks: `more` dimensions follow those that stand in `tensor`. */
static __attribute__((noinline, cold)) bool read_more_shape(struct reader *reader, struct tensor *tensor, size_t more)
{
	int64_t *shape = arena_take_raw(reader->arena, TENSOR_RANK_MAX * sizeof *shape);
	if (!shape)
		return full(reader);
	if (tensor->rank)
		memcpy(shape, tensor->shape, tensor->rank * sizeof *shape);
	for (; more; more = avro_read_block(&reader->cursor)) {
		if (more > TENSOR_RANK_MAX - tensor->rank)
			return shape_count(tensor->name, shape, tensor->rank + more, &tensor->count, reader->error);
		while (more--)
			shape[tensor->rank++] = avro_read_long(&reader->cursor);
	}
	tensor->shape = shape;
	return true;
}

/* The tensor and its shape are one piece of the arena, taken when the rank is known. */
static inline struct tensor *read_type(struct reader *reader, struct avro_cursor *cursor)
{
	struct text name = read_string_at(reader, cursor);
	uint64_t datatype = (uint64_t)avro_read_small(cursor);
	size_t rank = avro_read_block(cursor);
	size_t taken = rank <= TENSOR_RANK_MAX ? rank : 0;
	struct tensor *tensor = arena_take_raw(reader->arena, sizeof *tensor + taken * sizeof(int64_t));
	if (AVRO_UNLIKELY(!tensor)) {
		full(reader);
		return NULL;
	}
	int64_t *shape = (int64_t *)(tensor + 1);
	tensor->name = name;
	tensor->shape = shape;
	tensor->datatype = (enum datatype)datatype;
	tensor->rank = (uint32_t)taken;
	for (size_t i = 0; i < taken; i++)
		shape[i] = avro_read_small(cursor);
	size_t more = rank > taken ? rank : rank ? avro_read_block(cursor) : 0;
	if (AVRO_UNLIKELY(more)) {
		reader->cursor = *cursor;
		if (!read_more_shape(reader, tensor, more))
			return NULL;
		*cursor = reader->cursor;
	}
	if (AVRO_UNLIKELY(datatype >= DATATYPE_COUNT)) {
		broken(reader, "the datatype of a tensor");
		return NULL;
	}
	return tensor;
}

static inline const struct tensor *read_tensor(struct reader *reader, struct avro_cursor *cursor)
{
	struct tensor *tensor = read_type(reader, cursor);
	if (AVRO_UNLIKELY(!tensor))
		return NULL;
	struct text data = avro_read_bytes(cursor);
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
	tensor->count = small_count(tensor->shape, tensor->rank);
	if (tensor->count == 0 && !shape_count(tensor->name, tensor->shape, tensor->rank, &tensor->count, reader->error))
		return NULL;
	return raw_read(tensor, data, reader->arena, reader->error) ? tensor : NULL;
}

static __attribute__((noinline)) bool read_tensors_from(struct reader *reader, size_t more, struct tensors *tensors)
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

static inline bool read_tensors(struct reader *reader, struct tensors *tensors)
{
	size_t more = avro_read_block(&reader->cursor);
	return more == 0 || read_tensors_from(reader, more, tensors);
}

static __attribute__((noinline)) bool read_names_from(struct reader *reader, size_t more, struct tensors_wanted *wanted)
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

static void skip_assignments(struct reader *reader)
{
	for (size_t more; (more = avro_read_block(&reader->cursor)) > 0;) {
		while (more--) {
			(void)avro_read_bytes(&reader->cursor);
			(void)avro_read_bytes(&reader->cursor);
			(void)avro_read_double(&reader->cursor);
		}
	}
}

static void skip_versions(struct reader *reader)
{
	for (size_t more; (more = avro_read_block(&reader->cursor)) > 0;) {
		while (more--) {
			(void)avro_read_bytes(&reader->cursor);
			(void)avro_read_bytes(&reader->cursor);
		}
	}
}

/* Which of two branches a union of null and a record has. */
static bool read_presence(struct reader *reader, const char *where)
{
	int64_t branch = avro_read_long(&reader->cursor);
	if (AVRO_UNLIKELY(branch < 0 || branch > 1))
		broken(reader, where);
	return branch == 1;
}

static void read_origin(struct reader *reader, struct origin *origin)
{
	if (!read_presence(reader, "the origin"))
		return;
	*origin = (struct origin){.topic = read_string(reader)};
	origin->partition = avro_read_int(&reader->cursor);
	origin->offset = avro_read_long(&reader->cursor);
}

static bool read_end(struct reader *reader)
{
	skip_assignments(reader);
	skip_versions(reader);
	if (AVRO_UNLIKELY(avro_failed(&reader->cursor)))
		return broken(reader, "its last fields");
	size_t behind = avro_left(&reader->cursor);
	if (AVRO_UNLIKELY(behind))
		return error_set(reader->error, ERROR_INPUT, PLACE_NONE,
				 "%zu bytes stand behind the Avro record; send one record in each message", behind);
	return true;
}

void avro_request_envelope(struct message *message, struct text id, int64_t deadline_ms, const struct origin *origin)
{
	if (id.length)
		message->payload_id = id;
	if (message->deadline_ms == 0)
		message->deadline_ms = deadline_ms;
	if (message->origin.topic.length == 0)
		message->origin = *origin;
}

/* What stands behind the inputs: wanted outputs, marks, origin, assignments, versions. */
static __attribute__((noinline)) bool read_behind_inputs(struct reader *reader, struct message *message, struct origin *origin)
{
	size_t more = avro_read_block(&reader->cursor);
	if (more && !read_names_from(reader, more, &message->wanted))
		return false;
	if (!read_tensors(reader, &message->payload.marks))
		return false;
	read_origin(reader, origin);
	return read_end(reader);
}

/* Most requests have none of it. */
static inline bool nothing_behind_inputs(const struct reader *reader)
{
	static const char none[5];
	return avro_left(&reader->cursor) == sizeof none && memcmp(reader->cursor.at, none, sizeof none) == 0;
}

bool avro_request_read(struct message *message, struct text body, struct error *error)
{
	struct reader reader = {.arena = message->arena, .error = error};
	struct avro_cursor cursor = avro_cursor_of(body);
	struct text id = read_string_at(&reader, &cursor);
	int64_t deadline_ms = avro_read_long(&cursor);
	struct origin origin = {0};
	reader.cursor = cursor;
	message->payload.parameters = read_parameters(&reader);
	if (!read_tensors(&reader, &message->payload.tensors))
		return false;
	if (!nothing_behind_inputs(&reader) && !read_behind_inputs(&reader, message, &origin))
		return false;
	avro_request_envelope(message, id, deadline_ms, &origin);
	return true;
}

static bool read_failure(struct reader *reader, struct error *failure)
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
	struct reader reader = {.cursor = avro_cursor_of(body), .arena = arena, .error = error};
	*answer = (struct avro_answer){.id = read_string(&reader)};
	answer->failed = read_presence(&reader, "its error");
	if (answer->failed && !read_failure(&reader, &answer->error))
		return false;
	struct payload *payload = &answer->payload;
	payload->model_name = read_string(&reader);
	payload->model_version = read_string(&reader);
	payload->parameters = read_parameters(&reader);
	if (!read_tensors(&reader, &payload->tensors) || !read_tensors(&reader, &payload->marks))
		return false;
	read_origin(&reader, &answer->origin);
	return read_end(&reader);
}
