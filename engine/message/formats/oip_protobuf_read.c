/* oip_protobuf_read.c: Reader of ModelInferRequest and ModelInferResponse. A message is walked twice: first for its
 * scalars, and to count what it repeats, then to read that. */
#include "message/formats/oip_contents.h"
#include "message/formats/oip_protobuf.h"
#include "message/formats/oip_wanted.h"
#include "message/formats/raw.h"

/* A request and a response differ in nothing but two numbers. */
struct layout {
	uint32_t tensors;
	uint32_t wanted; /* 0: none */
	uint32_t raw;
};

static const struct layout request_layout = {.tensors = 5, .wanted = 6, .raw = 7};
static const struct layout response_layout = {.tensors = 5, .raw = 6};

enum { MODEL_NAME = 1, MODEL_VERSION, ID, PARAMETERS };

/* How often a message has its repeated fields. */
struct repeated_counts {
	size_t parameters, tensors, wanted, raw;
};

struct oip_protobuf_reading {
	struct arena *arena;
	struct error *error;
	const struct text *raw; /* an entry for each tensor; NULL: typed contents */
	size_t raw_count;
};

static bool oip_protobuf_read_broken(struct oip_protobuf_reading *reading, const char *where)
{
	return error_set(reading->error, ERROR_INPUT, PLACE_NONE,
			 "the protobuf message is cut off or broken in %s; send a whole inference.ModelInferRequest or Response",
			 where);
}

static bool oip_protobuf_read_full(struct oip_protobuf_reading *reading)
{
	return error_memory(reading->error, ERROR_LIMIT, "reading a protobuf message");
}

static bool read_string(struct oip_protobuf_reading *reading, struct text bytes, struct text *text)
{
	if (!text_is_utf8(bytes))
		return oip_protobuf_read_broken(reading, "a string that is not UTF-8");
	*text = bytes;
	return true;
}

static double number_of(uint64_t bits)
{
	double number;
	memcpy(&number, &bits, sizeof number);
	return number;
}

/* InferParameter: one of five; of several the last counts. */
static bool read_value(struct oip_protobuf_reading *reading, struct text message, struct parameter *parameter, bool *given)
{
	struct protobuf_cursor cursor = protobuf_cursor_of(message);
	struct protobuf_field field;
	while (protobuf_next(&cursor, &field)) {
		bool known = true;
		if (protobuf_is(&field, 1, WIRE_VARINT)) {
			parameter->type = PARAMETER_FLAG;
			parameter->value.flag = field.value != 0;
		} else if (protobuf_is(&field, 2, WIRE_VARINT)) {
			parameter->type = PARAMETER_INTEGER;
			parameter->value.integer = (int64_t)field.value;
		} else if (protobuf_is(&field, 3, WIRE_BYTES)) {
			parameter->type = PARAMETER_TEXT;
			if (!read_string(reading, field.bytes, &parameter->value.text))
				return false;
		} else if (protobuf_is(&field, 4, WIRE_FIXED64)) {
			parameter->type = PARAMETER_NUMBER;
			parameter->value.number = number_of(field.value);
		} else if (protobuf_is(&field, 5, WIRE_VARINT)) {
			parameter->type = field.value > INT64_MAX ? PARAMETER_UNSIGNED : PARAMETER_INTEGER;
			parameter->value.natural = field.value;
		} else {
			known = false;
		}
		*given = *given || known;
	}
	return !cursor.failed || oip_protobuf_read_broken(reading, "a parameter");
}

/* An entry of the map: its key, its value. */
static bool read_parameter(struct oip_protobuf_reading *reading, struct text entry, struct parameter *parameter)
{
	struct protobuf_cursor cursor = protobuf_cursor_of(entry);
	struct protobuf_field field;
	bool given = false;
	*parameter = (struct parameter){.name = TEXT("")};
	while (protobuf_next(&cursor, &field)) {
		bool good = true;
		if (protobuf_is(&field, 1, WIRE_BYTES))
			good = read_string(reading, field.bytes, &parameter->name);
		else if (protobuf_is(&field, 2, WIRE_BYTES))
			good = read_value(reading, field.bytes, parameter, &given);
		if (!good)
			return false;
	}
	if (cursor.failed)
		return oip_protobuf_read_broken(reading, "a parameter");
	return given ||
	       error_set(reading->error, ERROR_INPUT, PLACE_NONE,
			 "the parameter " TEXT_FORMAT " has no value; give it one of its five", TEXT_ARGUMENTS(parameter->name));
}

/* `count`: of the entries in the message. */
static bool read_parameters(struct oip_protobuf_reading *reading, struct text message, size_t count, struct parameters *parameters)
{
	if (count == 0)
		return true;
	if (count > OIP_PARAMETERS_MAX)
		return error_set(reading->error, ERROR_INPUT, PLACE_NONE, "%zu parameters are in one place; at most %d are allowed",
				 count, OIP_PARAMETERS_MAX);
	struct parameter *items = arena_take_raw(reading->arena, count * sizeof *items);
	struct protobuf_cursor cursor = protobuf_cursor_of(message);
	struct protobuf_field field;
	struct parameter next;
	if (!items)
		return oip_protobuf_read_full(reading);
	count = 0;
	while (protobuf_next(&cursor, &field)) {
		if (!protobuf_is(&field, PARAMETERS, WIRE_BYTES))
			continue;
		if (!read_parameter(reading, field.bytes, &next))
			return false;
		size_t at = 0;
		while (at < count && !text_equal(items[at].name, next.name))
			at++;
		items[at] = next;
		count += at == count;
	}
	*parameters = (struct parameters){count, items};
	return true;
}

/* The type of a tensor as it is gathered from its fields. */
struct oip_protobuf_tensors {
	struct text datatype;
	int64_t shape[TENSOR_RANK_MAX];
	size_t rank; /* counts on beyond what `shape` holds */
	struct oip_contents contents;
	size_t parameters; /* how many it has */
};

static void gather_dimension(struct oip_protobuf_tensors *gathered, uint64_t value)
{
	if (gathered->rank < TENSOR_RANK_MAX)
		gathered->shape[gathered->rank] = (int64_t)value;
	gathered->rank++;
}

static bool oip_protobuf_read_gather(struct oip_protobuf_reading *reading, struct text message, struct tensor *tensor,
				     struct oip_protobuf_tensors *gathered)
{
	enum { NAME = 1, DATATYPE, SHAPE };
	struct protobuf_cursor cursor = protobuf_cursor_of(message);
	struct protobuf_field field;
	while (protobuf_next(&cursor, &field)) {
		if (protobuf_is(&field, NAME, WIRE_BYTES)) {
			if (!read_string(reading, field.bytes, &tensor->name))
				return false;
		} else if (protobuf_is(&field, DATATYPE, WIRE_BYTES)) {
			if (!read_string(reading, field.bytes, &gathered->datatype))
				return false;
		} else if (protobuf_is(&field, SHAPE, WIRE_VARINT)) {
			gather_dimension(gathered, field.value);
		} else if (protobuf_is(&field, SHAPE, WIRE_BYTES)) {
			struct protobuf_cursor packed = protobuf_cursor_of(field.bytes);
			while (protobuf_left(&packed))
				gather_dimension(gathered, protobuf_varint(&packed));
			if (packed.failed)
				return oip_protobuf_read_broken(reading, "a shape");
		} else if (protobuf_is(&field, OIP_TENSOR_CONTENTS, WIRE_BYTES)) {
			if (!oip_contents_count(&gathered->contents, field.bytes))
				return oip_protobuf_read_broken(reading, "the contents of a tensor");
		} else if (protobuf_is(&field, PARAMETERS, WIRE_BYTES)) {
			gathered->parameters++;
		}
	}
	return !cursor.failed || oip_protobuf_read_broken(reading, "a tensor");
}

static bool read_data(struct oip_protobuf_reading *reading, struct text message, struct tensor *tensor,
		      const struct oip_protobuf_tensors *gathered, size_t index)
{
	if (!reading->raw)
		return oip_contents_read(&gathered->contents, message, tensor, reading->arena, reading->error);
	if (gathered->contents.total)
		return error_set(reading->error, ERROR_INPUT, PLACE_NONE,
				 "tensor " TEXT_FORMAT " has typed contents beside raw ones; send all tensors raw, or all typed",
				 TEXT_ARGUMENTS(tensor->name));
	return raw_read(tensor, reading->raw[index], reading->arena, reading->error);
}

static const struct tensor *read_tensor(struct oip_protobuf_reading *reading, struct text message, size_t index)
{
	struct oip_protobuf_tensors gathered = {.datatype = TEXT("")};
	struct tensor *tensor = ARENA_NEW(reading->arena, struct tensor);
	if (!tensor)
		return error_null(oip_protobuf_read_full(reading));
	tensor->name = TEXT("");
	if (!oip_protobuf_read_gather(reading, message, tensor, &gathered))
		return NULL;
	if (!datatype_find(gathered.datatype, &tensor->datatype))
		return error_null(error_set_tensor(reading->error, PLACE_NONE,
						   "tensor " TEXT_FORMAT " has the datatype \"" TEXT_FORMAT "\", which is none; "
						   "write FP32 or another of OIP's names",
						   TEXT_ARGUMENTS(tensor->name), TEXT_ARGUMENTS(gathered.datatype)));
	if (!shape_count(tensor->name, gathered.shape, gathered.rank, &tensor->count, reading->error))
		return NULL;
	int64_t *shape = arena_take_raw(reading->arena, gathered.rank * sizeof *shape);
	if (!shape)
		return error_null(oip_protobuf_read_full(reading));
	memcpy(shape, gathered.shape, gathered.rank * sizeof *shape);
	tensor->shape = shape;
	tensor->rank = (uint32_t)gathered.rank;
	if (!read_parameters(reading, message, gathered.parameters, &tensor->parameters) ||
	    !read_data(reading, message, tensor, &gathered, index))
		return NULL;
	return tensor;
}

/* The name of an InferRequestedOutputTensor, whose parameters are a map. */
static struct text name_in(struct oip_protobuf_reading *reading, struct text message)
{
	enum { NAME = 1, WANTED_PARAMETERS, KEY = 1 };
	struct protobuf_cursor cursor = protobuf_cursor_of(message);
	struct protobuf_field field;
	struct text name = TEXT("");
	while (protobuf_next(&cursor, &field)) {
		bool good = true;
		if (protobuf_is(&field, NAME, WIRE_BYTES))
			good = read_string(reading, field.bytes, &name);
		else if (protobuf_is(&field, WANTED_PARAMETERS, WIRE_BYTES))
			good = oip_wanted_check(protobuf_read_text(field.bytes, KEY), reading->error);
		if (!good)
			return name;
	}
	if (cursor.failed)
		oip_protobuf_read_broken(reading, "a requested output");
	return name;
}

/* The entries of a repeated field of strings, bytes or messages. */
static struct text *texts_of(struct oip_protobuf_reading *reading, struct text message, uint32_t number, size_t count)
{
	struct text *texts = arena_take_raw(reading->arena, count * sizeof *texts);
	struct protobuf_cursor cursor = protobuf_cursor_of(message);
	struct protobuf_field field;
	size_t at = 0;
	if (!texts)
		return error_null(oip_protobuf_read_full(reading));
	while (protobuf_next(&cursor, &field))
		if (protobuf_is(&field, number, WIRE_BYTES))
			texts[at++] = field.bytes;
	return texts;
}

static bool read_wanted(struct oip_protobuf_reading *reading, struct text message, uint32_t number, size_t count,
			struct tensors_wanted *wanted)
{
	if (count == 0)
		return true;
	struct text *names = texts_of(reading, message, number, count);
	if (!names)
		return false;
	for (size_t i = 0; i < count; i++)
		names[i] = name_in(reading, names[i]);
	*wanted = (struct tensors_wanted){count, names};
	return reading->error->kind == ERROR_NONE;
}

static bool read_tensors(struct oip_protobuf_reading *reading, struct text message, const struct layout *layout,
			 const struct repeated_counts *counts, struct tensors *tensors)
{
	size_t count = counts->tensors;
	reading->raw_count = counts->raw;
	if (reading->raw_count && reading->raw_count != count)
		return error_set(reading->error, ERROR_INPUT, PLACE_NONE,
				 "there are %zu tensors and %zu raw contents; send a raw entry for each tensor, or none", count,
				 reading->raw_count);
	if (reading->raw_count && !(reading->raw = texts_of(reading, message, layout->raw, count)))
		return false;
	if (count == 0)
		return true;
	const struct tensor **items = arena_take_raw(reading->arena, count * sizeof *items);
	struct protobuf_cursor cursor = protobuf_cursor_of(message);
	struct protobuf_field field;
	if (!items)
		return oip_protobuf_read_full(reading);
	for (size_t at = 0; at < count && protobuf_next(&cursor, &field);) {
		if (!protobuf_is(&field, layout->tensors, WIRE_BYTES))
			continue;
		items[at] = read_tensor(reading, field.bytes, at);
		if (!items[at++])
			return false;
	}
	*tensors = (struct tensors){count, items};
	return true;
}

/* The scalars at the top, and the counts of what is repeated. */
static bool read_texts(struct oip_protobuf_reading *reading, struct text message, const struct layout *layout,
		       struct payload *payload, struct text *id, struct repeated_counts *counts)
{
	*counts = (struct repeated_counts){0};
	struct protobuf_cursor cursor = protobuf_cursor_of(message);
	struct protobuf_field field;
	struct text version = {NULL, 0};
	while (protobuf_next(&cursor, &field)) {
		if (field.wire != WIRE_BYTES)
			continue;
		struct text *text = field.number == MODEL_NAME	    ? &payload->model_name
				    : field.number == MODEL_VERSION ? &version
				    : field.number == ID	    ? id
								    : NULL;
		if (text && !read_string(reading, field.bytes, text))
			return false;
		counts->parameters += field.number == PARAMETERS;
		counts->tensors += field.number == layout->tensors;
		counts->raw += field.number == layout->raw;
		counts->wanted += field.number == layout->wanted;
	}
	payload_set_version(payload, reading->arena, version);
	return !cursor.failed || oip_protobuf_read_broken(reading, "its fields");
}

static bool read_message(struct oip_protobuf_reading *reading, struct text message, const struct layout *layout,
			 struct payload *payload, struct text *id, struct repeated_counts *counts)
{
	return read_texts(reading, message, layout, payload, id, counts) &&
	       read_parameters(reading, message, counts->parameters, &payload->parameters) &&
	       read_tensors(reading, message, layout, counts, &payload->tensors);
}

bool oip_protobuf_decode(struct message *message, struct text bytes, const struct schema_source *schemas, struct error *error)
{
	struct oip_protobuf_reading reading = {.arena = message->arena, .error = error};
	struct text id = {NULL, 0};
	struct repeated_counts counts;
	(void)schemas;
	const bool good = read_message(&reading, bytes, &request_layout, &message->payload, &id, &counts) &&
			  read_wanted(&reading, bytes, request_layout.wanted, counts.wanted, &message->wanted);
	if (id.length) /* an error has it, too */
		message->payload_id = id;
	if (!good)
		return false;
	/* Who is asked for; only an answer says who answered. */
	message->payload.model_name = (struct text){NULL, 0};
	message->payload.model_version = NULL;
	return true;
}

bool oip_response_decode(struct text bytes, struct arena *arena, struct payload *payload, struct text *id, struct error *error)
{
	struct error fault;
	struct oip_protobuf_reading reading = {.arena = arena, .error = &fault};
	struct text own_id = {NULL, 0};
	struct repeated_counts counts;
	fault.kind = ERROR_NONE;
	*payload = (struct payload){0};
	if (read_message(&reading, bytes, &response_layout, payload, id ? id : &own_id, &counts))
		return true;
	return error_set(error, fault.kind == ERROR_INPUT ? ERROR_REMOTE : fault.kind, PLACE_NONE, "%s", fault.text);
}
