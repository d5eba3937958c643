/* avro_read.c: reads the body of our own request and answer records: the fast path,
 * so one pass, no look-ups, nothing copied but elements that stand misaligned. */
#include "message/avro.h"
#include "message/avro_wire.h"
#include "message/raw.h"

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

static inline struct text read_string(struct reader *reader)
{
	struct text text = avro_read_bytes(&reader->cursor);
	if (AVRO_UNLIKELY(!is_ascii(text)) && !text_is_utf8(text))
		broken(reader, "a string that is not UTF-8");
	return text;
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

/* The next `more` items behind `count` others: the same list, or a larger copy. */
static void *list_grown(struct reader *reader, void *items, size_t count, size_t *capacity, size_t more, size_t size)
{
	if (count + more <= *capacity)
		return items;
	size_t wanted = *capacity * 2 > count + more ? *capacity * 2 : count + more;
	void *grown = arena_take_raw(reader->arena, wanted * size);
	if (!grown) {
		full(reader);
		return NULL;
	}
	if (count)
		memcpy(grown, items, count * size);
	*capacity = wanted;
	return grown;
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

static inline bool read_shape(struct reader *reader, int64_t shape[TENSOR_RANK_MAX], struct tensor *tensor)
{
	for (size_t more; (more = avro_read_block(&reader->cursor)) > 0;) {
		if (AVRO_UNLIKELY(more > TENSOR_RANK_MAX - tensor->rank))
			return shape_count(tensor->name, shape, tensor->rank + more, &tensor->count, reader->error);
		while (more--)
			shape[tensor->rank++] = avro_read_long(&reader->cursor);
	}
	return true;
}

static const struct tensor *read_tensor(struct reader *reader)
{
	int64_t shape[TENSOR_RANK_MAX];
	struct tensor read = {.name = read_string(reader)};
	int64_t datatype = avro_read_long(&reader->cursor);
	if (AVRO_UNLIKELY((uint64_t)datatype >= DATATYPE_COUNT)) {
		broken(reader, "the datatype of a tensor");
		return NULL;
	}
	read.datatype = (enum datatype)datatype;
	if (!read_shape(reader, shape, &read))
		return NULL;
	struct text data = avro_read_bytes(&reader->cursor);
	read.parameters = read_parameters(reader);
	if (AVRO_UNLIKELY(avro_failed(&reader->cursor))) {
		broken(reader, "a tensor");
		return NULL;
	}
	if (!shape_count(read.name, shape, read.rank, &read.count, reader->error) ||
	    !raw_read(&read, data, reader->arena, reader->error))
		return NULL;
	struct tensor *tensor = arena_take_raw(reader->arena, sizeof *tensor + read.rank * sizeof *shape);
	if (AVRO_UNLIKELY(!tensor)) {
		full(reader);
		return NULL;
	}
	int64_t *kept = (int64_t *)(tensor + 1);
	for (size_t i = 0; i < read.rank; i++)
		kept[i] = shape[i];
	read.shape = kept;
	*tensor = read;
	return tensor;
}

static __attribute__((noinline)) bool read_tensors_from(struct reader *reader, size_t more, struct tensors *tensors)
{
	struct tensors_builder builder;
	tensors_begin(&builder, reader->arena, more);
	for (; more; more = avro_read_block(&reader->cursor)) {
		while (more--) {
			const struct tensor *tensor = read_tensor(reader);
			if (!tensor) {
				avro_fail(&reader->cursor);
				return false;
			}
			tensors_add(&builder, tensor);
		}
	}
	*tensors = tensors_end(&builder);
	return !arena_failed(reader->arena) || full(reader);
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

static struct reader reader_of(struct text body, struct arena *arena, struct error *error)
{
	return (struct reader){.cursor = avro_cursor_of(body), .arena = arena, .error = error};
}

void avro_request_envelope(struct message *message, struct text id, int64_t deadline_ms, const struct origin *origin)
{
	message->payload_id = id.length ? id : (struct text){NULL, 0};
	if (message->deadline_ms == 0)
		message->deadline_ms = deadline_ms;
	if (message->origin.topic.length == 0)
		message->origin = *origin;
}

bool avro_request_read(struct message *message, struct text body, struct error *error)
{
	struct reader reader = reader_of(body, message->arena, error);
	struct text id = read_string(&reader);
	int64_t deadline_ms = avro_read_long(&reader.cursor);
	struct payload *payload = &message->payload;
	payload->parameters = read_parameters(&reader);
	if (!read_tensors(&reader, &payload->tensors))
		return false;
	size_t more = avro_read_block(&reader.cursor);
	if (more && !read_names_from(&reader, more, &message->wanted))
		return false;
	struct origin origin = {0};
	if (!read_tensors(&reader, &payload->marks))
		return false;
	read_origin(&reader, &origin);
	if (!read_end(&reader))
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
	error_set(failure, (enum error_kind)(kind + ERROR_CONFIG), place, TEXT_FORMAT, (int)(text.length < INT32_MAX ? text.length : INT32_MAX),
		  text.bytes);
	return true;
}

bool avro_answer_read(struct text body, struct arena *arena, struct avro_answer *answer, struct error *error)
{
	struct reader reader = reader_of(body, arena, error);
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
