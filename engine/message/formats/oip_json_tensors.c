/* oip_json_tensors.c: see oip_json_tensors.h. */
#include "message/formats/oip_json_tensors.h"

#include <math.h>

#include "base/base64.h"
#include "base/suggest.h"
#include "message/json/json_repeats.h"
#include "message/formats/name_table.h"
#include "message/formats/oip_json.h"
#include "message/formats/oip_wanted.h"
#include "message/formats/raw.h"
#include "message/json/tensor_json.h"

/* A tensor whose elements raw_input_contents must bring. */
struct oip_waiting {
	struct tensor *tensor;
	struct oip_waiting *next;
};

/* One object of the list, as far as it was read, beside its name. A text without
 * bytes was not there. */
struct oip_json_parts {
	struct text datatype;
	struct text data; /* where it stands, when it could not be read yet */
	size_t rank;
	bool has_shape;
	bool has_data;
	struct parameters parameters;
	struct oip_extension extension;
	struct tensor *tensor;		/* made as soon as name, datatype and shape are known */
	int64_t shape[TENSOR_RANK_MAX]; /* `rank` of them; the others are anything */
};

#define NO_SIZE UINT64_MAX /* of binary_data_size, which is no number of bytes */
#define INPUT_ERROR(reader, ...) error_set((reader)->error, ERROR_INPUT, PLACE_NONE, __VA_ARGS__)
#define TENSOR_ERROR(reader, ...) error_set_tensor((reader)->error, PLACE_NONE, __VA_ARGS__)

static bool out_of_memory(struct oip_reader *reader)
{
	return error_memory(reader->error, ERROR_LIMIT, "reading tensors");
}

bool oip_reader_begin(struct oip_reader *reader, struct text body, size_t header_length, const char *what, struct error *error)
{
	if (header_length > body.length)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "%s is cut: its header " OIP_LENGTH_HEADER " says %zu bytes of JSON, and %zu came", what,
				 header_length, body.length);
	struct text json = body;
	reader->error = error;
	reader->has_binary = false;
	reader->binary = (struct text){0};
	reader->waiting = NULL;
	reader->in_tensor = false;
	reader->name = (struct text){0};
	if (header_length) {
		json.length = header_length;
		reader->has_binary = true;
		reader->binary = text_from(body, header_length);
	}
	json_begin(&reader->scan, json, what, reader->arena, error);
	reader->scan.bare = reader->is_reply;
	tensors_begin(&reader->tensors, reader->arena, 0);
	return true;
}

/* Whose part is being read, as errors say it. */
static const char *label_of(struct oip_reader *reader)
{
	if (!reader->in_tensor)
		return reader->scan.what;
	const char *label = reader->name.bytes ? arena_print(reader->arena, "tensor " TEXT_FORMAT, TEXT_ARGUMENTS(reader->name))
					       : arena_print(reader->arena, "%s[%zu]", reader->list, reader->tensors.count);
	return label ? label : "a tensor";
}

bool oip_read_other(struct oip_reader *reader, const char *key, enum json_type type)
{
	if (type == JSON_NULL)
		return json_word(&reader->scan);
	return INPUT_ERROR(reader, "%s: %s is not a string; write it in quotes", label_of(reader), key);
}

/* --- parameters ----------------------------------------------------------- */

static bool read_number(struct oip_reader *reader, struct parameter *parameter)
{
	struct decimal decimal;
	if (!json_number(&reader->scan, &decimal))
		return false;
	if (decimal.whole && decimal_to_int64(&decimal, &parameter->value.integer)) {
		parameter->type = PARAMETER_INTEGER;
		return true;
	}
	if (decimal.whole && decimal_to_uint64(&decimal, &parameter->value.natural)) {
		parameter->type = PARAMETER_UNSIGNED;
		return true;
	}
	parameter->type = PARAMETER_NUMBER;
	parameter->value.number = decimal_to_double(&decimal);
	return !isinf(parameter->value.number) ||
	       INPUT_ERROR(reader, "%s: the parameter " TEXT_FORMAT " is beyond the range of a double", label_of(reader),
			   TEXT_ARGUMENTS(parameter->name));
}

/* `*kept` is false for a value that is passed over. */
static bool read_parameter(struct oip_reader *reader, struct parameter *parameter, bool *kept)
{
	struct json_scan *scan = &reader->scan;
	enum json_type type = json_peek(scan);
	*kept = true;
	switch (type) {
	case JSON_STRING:
		parameter->type = PARAMETER_TEXT;
		return json_text(scan, &parameter->value.text);
	case JSON_NUMBER:
		return read_number(reader, parameter);
	case JSON_TRUE:
	case JSON_FALSE:
		parameter->type = PARAMETER_FLAG;
		parameter->value.flag = type == JSON_TRUE;
		return json_word(scan);
	default:
		break;
	}
	*kept = false;
	if (type == JSON_NULL || reader->is_reply)
		return json_skip(scan);
	return INPUT_ERROR(reader, "%s: the parameter " TEXT_FORMAT " is neither a string, a number nor a boolean",
			   label_of(reader), TEXT_ARGUMENTS(parameter->name));
}

/* Whether the parameter is one of the extension's, and so is not passed on. */
static bool take_extension(const struct parameter *parameter, struct oip_extension *extension)
{
	bool flag = parameter->type == PARAMETER_FLAG && parameter->value.flag;
	if (text_is(parameter->name, "binary_data_size")) {
		bool natural = parameter->type == PARAMETER_INTEGER && parameter->value.integer >= 0;
		extension->has_binary_data_size = true;
		extension->binary_data_size = natural ? (uint64_t)parameter->value.integer : NO_SIZE;
		return true;
	}
	if (text_is(parameter->name, "binary_data")) {
		extension->has_binary_data = true;
		extension->binary_data = flag;
		return true;
	}
	if (text_is(parameter->name, "binary_data_output")) {
		extension->binary_data_output = flag;
		return true;
	}
	return false;
}

/* A text "true" says neither: it would be read as false. A reply's own are not looked at. */
static bool extension_is_good(struct oip_reader *reader, const struct parameter *parameter)
{
	if (parameter->type == PARAMETER_FLAG || reader->is_reply ||
	    !(text_is(parameter->name, "binary_data") || text_is(parameter->name, "binary_data_output")))
		return true;
	return INPUT_ERROR(reader, "%s: the parameter " TEXT_FORMAT " is not a boolean; write true or false", label_of(reader),
			   TEXT_ARGUMENTS(parameter->name));
}

static bool make_room(struct oip_reader *reader, struct parameter **items, size_t count, size_t *capacity)
{
	if (count < *capacity)
		return true;
	struct parameter *more = arena_take_raw(reader->arena, (count + 1) * 2 * sizeof *more);
	if (!more)
		return out_of_memory(reader);
	if (count)
		memcpy(more, *items, count * sizeof *more);
	*items = more;
	*capacity = (count + 1) * 2;
	return true;
}

/* Of the object that stands at `begin`, and is read. */
static __attribute__((noinline)) bool parameters_occur_once(struct oip_reader *reader, const char *begin)
{
	struct json_scan object = reader->scan;
	struct text twice;
	object.at = begin;
	return !json_keys_repeat(object, &twice) ||
	       INPUT_ERROR(reader, "%s: the parameter " TEXT_FORMAT " occurs twice; send it once", label_of(reader),
			   TEXT_ARGUMENTS(twice));
}

/* Of equal names in a reply the last one counts. */
static __attribute__((noinline)) bool parameters_keep_last(struct oip_reader *reader, struct parameters *parameters,
							   struct parameter *items)
{
	size_t first = parameters->count;
	struct name_set names;
	if (!name_set_open(&names, first, reader->arena))
		return out_of_memory(reader);
	for (size_t i = first; i-- > 0;) {
		items[first - 1] = items[i];
		first -= name_set_add(&names, &items[first - 1].name) == NULL;
	}
	*parameters = (struct parameters){parameters->count - first, items + first};
	return true;
}

bool oip_read_parameters(struct oip_reader *reader, struct parameters *parameters, struct oip_extension *extension)
{
	struct json_scan *scan = &reader->scan;
	enum json_type type = json_peek(scan);
	extension->is_read = true;
	if (type == JSON_NULL)
		return json_word(scan);
	if (type != JSON_OBJECT)
		return INPUT_ERROR(reader, "%s: parameters is not an object; write {\"name\": value}", label_of(reader));
	struct parameter *items = NULL;
	struct parameter parameter = {0};
	const char *begin = scan->at;
	size_t count = 0, capacity = 0, members = 0;
	json_enter(scan);
	for (; json_key(scan, &parameter.name); members++) {
		bool kept;
		if (!read_parameter(reader, &parameter, &kept))
			return false;
		if (kept && !extension_is_good(reader, &parameter))
			return false;
		if (!kept || take_extension(&parameter, extension))
			continue;
		if (!make_room(reader, &items, count, &capacity))
			return false;
		items[count++] = parameter;
	}
	*parameters = (struct parameters){count, items};
	if (scan->failed || members <= 1)
		return !scan->failed;
	return reader->is_reply ? count <= 1 || parameters_keep_last(reader, parameters, items)
				: parameters_occur_once(reader, begin);
}

/* --- one tensor ------------------------------------------------------------ */

static bool read_shape(struct oip_reader *reader, struct oip_json_parts *parts)
{
	struct json_scan *scan = &reader->scan;
	struct decimal decimal;
	if (json_peek(scan) != JSON_ARRAY)
		return TENSOR_ERROR(reader, "%s: shape is not a list of whole numbers", label_of(reader));
	json_enter(scan);
	parts->has_shape = true;
	for (parts->rank = 0; json_item(scan); parts->rank++) {
		int64_t dimension;
		if (json_peek(scan) != JSON_NUMBER || !json_number(scan, &decimal) || !decimal_to_int64(&decimal, &dimension))
			return TENSOR_ERROR(reader, "%s: shape is not a list of whole numbers", label_of(reader));
		if (parts->rank < TENSOR_RANK_MAX)
			parts->shape[parts->rank] = dimension;
	}
	return !scan->failed;
}

/* The words that other systems use for our datatypes; letters alike. */
static const char *const foreign_words[][2] = {
	{"FLOAT", "FP32"}, {"FLOAT32", "FP32"},	 {"FLOAT64", "FP64"}, {"DOUBLE", "FP64"}, {"FLOAT16", "FP16"}, {"HALF", "FP16"},
	{"INT", "INT64"},  {"BFLOAT16", "BF16"}, {"STRING", "BYTES"}, {"STR", "BYTES"},	  {"OBJECT", "BYTES"}, {"LONG", "INT64"},
};

static struct text datatype_meant(struct text word)
{
	for (size_t i = 0; i < sizeof foreign_words / sizeof *foreign_words; i++)
		if (text_equal_caseless(word, text_of(foreign_words[i][0])))
			return text_of(foreign_words[i][1]);
	struct suggestion suggestion = suggest_begin(word);
	for (size_t i = 0; i < DATATYPE_COUNT; i++)
		suggest_offer(&suggestion, text_of(datatype_rows[i].name));
	return suggestion.nearest;
}

static bool unknown_datatype(struct oip_reader *reader, struct text word)
{
	struct text meant = datatype_meant(word);
	if (meant.bytes)
		return TENSOR_ERROR(reader, "%s: `" TEXT_FORMAT "` is not a datatype; did you mean `" TEXT_FORMAT "`?",
				   label_of(reader), TEXT_ARGUMENTS(word), TEXT_ARGUMENTS(meant));
	return TENSOR_ERROR(reader,
			   "%s: `" TEXT_FORMAT
			   "` is not a datatype; write BOOL, INT8 to INT64, UINT8 to UINT64, FP16, BF16, FP32, FP64 or BYTES",
			   label_of(reader), TEXT_ARGUMENTS(word));
}

/* Once name, datatype and shape are known. */
static bool make_tensor(struct oip_reader *reader, struct oip_json_parts *parts)
{
	enum datatype datatype;
	size_t count;
	if (!datatype_find(parts->datatype, &datatype))
		return unknown_datatype(reader, parts->datatype);
	if (!shape_count(reader->name, parts->shape, parts->rank, &count, reader->error))
		return false;
	struct tensor *tensor = arena_take_raw(reader->arena, sizeof *tensor + parts->rank * sizeof(int64_t));
	if (!tensor)
		return out_of_memory(reader);
	int64_t *shape = (int64_t *)(tensor + 1);
	memcpy(shape, parts->shape, parts->rank * sizeof *shape);
	*tensor = (struct tensor){.name = reader->name,
				  .shape = shape,
				  .data = shape, /* something, until its own is read */
				  .count = count,
				  .datatype = datatype,
				  .rank = (uint32_t)parts->rank};
	parts->tensor = tensor;
	return true;
}

/* Reads the data at once when what it is made of is known, as nearly always; else
 * it is passed over and read at the object's end. */
static bool read_data(struct oip_reader *reader, struct oip_json_parts *parts)
{
	bool known = reader->name.bytes && parts->datatype.bytes && parts->has_shape;
	parts->has_data = true;
	if (!known)
		return json_span(&reader->scan, &parts->data);
	return make_tensor(reader, parts) && tensor_json_read(&reader->scan, parts->tensor);
}

/* A key that stands twice would leave a tensor whose data was read by another shape. */
static inline bool read_once(struct oip_reader *reader, const char *key, bool there)
{
	return !there || INPUT_ERROR(reader, "%s: %s occurs twice", label_of(reader), key);
}

enum oip_json_part { PART_NAME, PART_DATATYPE, PART_SHAPE, PART_DATA, PART_PARAMETERS, PART_OTHER, PART_NONE };

/* Which member of the object stands next. */
static enum oip_json_part next_part(struct json_scan *scan)
{
	static const char *const names[] = {[PART_NAME] = "name",
					    [PART_DATATYPE] = "datatype",
					    [PART_SHAPE] = "shape",
					    [PART_DATA] = "data",
					    [PART_PARAMETERS] = "parameters"};
	struct text key;
	const char *begin = json_key_begin(scan);
	if (begin && json_key_passed(scan, begin, TEXT("\"name\":")))
		return PART_NAME;
	if (begin && json_key_passed(scan, begin, TEXT("\"shape\":")))
		return PART_SHAPE;
	if (begin && json_key_passed(scan, begin, TEXT("\"datatype\":")))
		return PART_DATATYPE;
	if (begin && json_key_passed(scan, begin, TEXT("\"data\":")))
		return PART_DATA;
	if (!json_key(scan, &key))
		return PART_NONE;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (text_is(key, names[i]))
			return (enum oip_json_part)i;
	return PART_OTHER;
}

#define USUAL_AHEAD 32	   /* bytes that a usual member but shape takes at most */
#define DIMENSION_AHEAD 12 /* and a dimension of it, with what follows */
#define DIMENSION_DIGITS 8

/* Behind the plain string of less than sixteen bytes that stands at `at`; NULL: something else does. */
static inline const char *pass_short(const char *at, struct text *text)
{
	size_t length = json_plain_of_16(at + 1);
	if (*at != '"' || length == 16 || at[length + 1] != '"')
		return NULL;
	*text = (struct text){at + 1, length};
	return at + length + 2;
}

/* Behind the list of dimensions that stands at `at`; NULL: it is for read_shape(). */
static inline const char *pass_shape(const char *at, const char *end, struct oip_json_parts *parts)
{
	if (*at++ != '[')
		return NULL;
	for (size_t rank = 0; rank < TENSOR_RANK_MAX && end - at > DIMENSION_AHEAD; rank++) {
		const char *first = at;
		unsigned digit = (unsigned char)*at - (unsigned)'0';
		int64_t sum = digit;
		if (digit == 0 || digit > 9)
			return NULL;
		while ((digit = (unsigned char)*++at - (unsigned)'0') < 10 && at - first < DIMENSION_DIGITS)
			sum = sum * 10 + digit;
		parts->shape[rank] = sum;
		if (*at == ']') {
			parts->has_shape = true;
			parts->rank = rank + 1;
			return at + 1;
		}
		if (*at++ != ',')
			return NULL;
		at += *at == ' ';
	}
	return NULL;
}

/* A member at `at`, unless it is data; where it ends. NULL: it is not as usual, or stands there twice. */
static inline const char *pass_usual(const char *at, struct oip_reader *reader, struct oip_json_parts *parts)
{
	if (memcmp(at, "\"name\":", 7) == 0)
		return reader->name.bytes ? NULL : pass_short(at + 7 + (at[7] == ' '), &reader->name);
	if (memcmp(at, "\"shape\":", 8) == 0)
		return parts->has_shape ? NULL : pass_shape(at + 8 + (at[8] == ' '), reader->scan.end, parts);
	if (memcmp(at, "\"datatype\":", 11) == 0)
		return parts->datatype.bytes ? NULL : pass_short(at + 11 + (at[11] == ' '), &parts->datatype);
	return NULL;
}

/* Takes members as long as they are written as nearly all clients write them, with at most one blank behind a comma or a colon,
 * and returns the next: what is otherwise read_part() reads, and refuses. */
static enum oip_json_part take_usual(struct oip_reader *reader, struct oip_json_parts *parts)
{
	struct json_scan *scan = &reader->scan;
	const char *at = scan->at;
	if (parts->has_data && at < scan->end && *at == '}') { /* last, as a rule, is the data */
		json_leave(scan);
		return PART_NONE;
	}
	for (; scan->end - at > USUAL_AHEAD; at = scan->at) {
		if (!scan->fresh && *at++ != ',')
			break;
		at += *at == ' ';
		const char *behind = pass_usual(at, reader, parts);
		if (!behind && memcmp(at, "\"data\":", 7) != 0)
			break;
		scan->fresh = false;
		scan->at = behind ? behind : at + 7;
		if (!behind)
			return PART_DATA;
	}
	return next_part(scan);
}

static bool read_part(struct oip_reader *reader, struct oip_json_parts *parts, enum oip_json_part part)
{
	switch (part) {
	case PART_NAME:
		return read_once(reader, "name", reader->name.bytes) && oip_read_string(reader, "name", &reader->name);
	case PART_DATATYPE:
		return read_once(reader, "datatype", parts->datatype.bytes) &&
		       oip_read_string(reader, "datatype", &parts->datatype);
	case PART_SHAPE:
		return read_once(reader, "shape", parts->has_shape) && read_shape(reader, parts);
	case PART_DATA:
		return read_once(reader, "data", parts->has_data) && read_data(reader, parts);
	case PART_PARAMETERS:
		return read_once(reader, "parameters", parts->extension.is_read && !reader->is_reply) &&
		       oip_read_parameters(reader, &parts->parameters, &parts->extension);
	default:
		return json_skip(&reader->scan);
	}
}

static bool take_binary(struct oip_reader *reader, const struct oip_json_parts *parts)
{
	uint64_t size = parts->extension.binary_data_size;
	if (parts->has_data)
		return INPUT_ERROR(reader, "%s: it has data and binary_data_size; send one of them", label_of(reader));
	if (!reader->has_binary)
		return INPUT_ERROR(
			reader, "%s: it has binary_data_size, but the header " OIP_LENGTH_HEADER " is missing; send it",
			label_of(reader));
	if (size == NO_SIZE)
		return INPUT_ERROR(reader, "%s: binary_data_size is not a number of bytes; send a whole number", label_of(reader));
	if (size > reader->binary.length)
		return INPUT_ERROR(reader, "%s: the binary data ends after %zu bytes of its binary_data_size", label_of(reader),
				   reader->binary.length);
	struct text blob = {reader->binary.bytes, (size_t)size};
	reader->binary.bytes += size;
	reader->binary.length -= size;
	return raw_read(parts->tensor, blob, reader->arena, reader->error);
}

static bool wait_for_contents(struct oip_reader *reader, struct tensor *tensor)
{
	struct oip_waiting *waiting = arena_take_raw(reader->arena, sizeof *waiting);
	if (!waiting)
		return out_of_memory(reader);
	*waiting = (struct oip_waiting){tensor, reader->waiting};
	reader->waiting = waiting;
	return true;
}

/* What is required, in the order in which a reader of the error would mend it. */
static bool finish_tensor(struct oip_reader *reader, struct oip_json_parts *parts)
{
	const char *missing = !reader->name.bytes      ? "name"
			      : !parts->datatype.bytes ? "datatype"
			      : !parts->has_shape      ? "shape"
						       : NULL;
	if (missing)
		return INPUT_ERROR(reader, "%s has no %s; each tensor needs name, shape, datatype and data", label_of(reader),
				   missing);
	if (!parts->tensor && !make_tensor(reader, parts))
		return false;
	parts->tensor->parameters = parts->parameters;
	tensors_add(&reader->tensors, parts->tensor);
	if (parts->extension.has_binary_data_size)
		return take_binary(reader, parts);
	if (!parts->has_data)
		return wait_for_contents(reader, parts->tensor);
	if (!parts->data.bytes)
		return true;
	struct json_scan again = json_again(&reader->scan, parts->data);
	return tensor_json_read(&again, parts->tensor);
}

/* One by one: compilers clear so many bytes by an instruction that takes longer to start. */
static inline void parts_begin(struct oip_json_parts *parts)
{
	parts->datatype = (struct text){0};
	parts->data = (struct text){0};
	parts->rank = 0;
	parts->has_shape = false;
	parts->has_data = false;
	parts->parameters = (struct parameters){0};
	parts->extension = (struct oip_extension){0};
	parts->tensor = NULL;
}

bool oip_read_tensors(struct oip_reader *reader)
{
	struct json_scan *scan = &reader->scan;
	if (json_peek(scan) != JSON_ARRAY)
		return INPUT_ERROR(reader, "%s is not a list of tensors", reader->list);
	json_enter(scan);
	while (json_item(scan)) {
		struct oip_json_parts parts;
		enum oip_json_part part;
		parts_begin(&parts);
		if (json_peek(scan) != JSON_OBJECT)
			return INPUT_ERROR(reader, "%s[%zu] is not an object; a tensor is an object with name, shape, datatype "
			                           "and data",
					   reader->list, reader->tensors.count);
		json_enter(scan);
		reader->in_tensor = true;
		reader->name = (struct text){0};
		while ((part = take_usual(reader, &parts)) != PART_NONE)
			if (!read_part(reader, &parts, part))
				return false;
		if (scan->failed || !finish_tensor(reader, &parts))
			return false;
		reader->in_tensor = false;
	}
	return !scan->failed && (!arena_failed(reader->arena) || out_of_memory(reader));
}

/* --- the end ---------------------------------------------------------------- */

static bool read_contents(struct oip_reader *reader, struct json_scan *scan, struct tensor *tensor)
{
	struct text text;
	struct text raw;
	if (json_peek(scan) != JSON_STRING || !json_text(scan, &text))
		return INPUT_ERROR(reader, "tensor " TEXT_FORMAT ": its raw_input_contents is not a string of base64",
				   TEXT_ARGUMENTS(tensor->name));
	if (!base64_read_into(reader->arena, text, &raw))
		return arena_failed(reader->arena)
			       ? out_of_memory(reader)
			       : INPUT_ERROR(reader, "tensor " TEXT_FORMAT ": its raw_input_contents are not base64",
					     TEXT_ARGUMENTS(tensor->name));
	return raw_read(tensor, raw, reader->arena, reader->error);
}

/* In the order of the tensors: the waiting ones stand the last first. */
static struct oip_waiting *in_order(struct oip_waiting *waiting)
{
	struct oip_waiting *ordered = NULL;
	while (waiting) {
		struct oip_waiting *next = waiting->next;
		waiting->next = ordered;
		ordered = waiting;
		waiting = next;
	}
	return ordered;
}

static bool read_all_contents(struct oip_reader *reader, struct text raw_contents)
{
	struct json_scan scan = json_again(&reader->scan, raw_contents);
	struct oip_waiting *waiting = in_order(reader->waiting);
	size_t count = 0;
	if (json_peek(&scan) != JSON_ARRAY)
		return INPUT_ERROR(reader, "raw_input_contents is not a list of strings of base64");
	json_enter(&scan);
	for (; json_item(&scan); count++) {
		bool surplus = count >= reader->tensors.count;
		if (!surplus && (!waiting || waiting->tensor != reader->tensors.items[count]))
			return INPUT_ERROR(reader,
					   "tensor " TEXT_FORMAT ": it has data beside raw_input_contents; send one of them",
					   TEXT_ARGUMENTS(reader->tensors.items[count]->name));
		if (!surplus && !read_contents(reader, &scan, waiting->tensor))
			return false;
		if (surplus && !json_skip(&scan))
			return false;
		waiting = waiting ? waiting->next : NULL;
	}
	return count == reader->tensors.count ||
	       INPUT_ERROR(reader, "raw_input_contents holds %zu entries, and there are %zu tensors in %s; send one for each",
			   count, reader->tensors.count, reader->list);
}

bool oip_reader_end(struct oip_reader *reader, struct text raw_contents, struct tensors *tensors)
{
	if (raw_contents.bytes) {
		if (!read_all_contents(reader, raw_contents))
			return false;
	} else if (reader->waiting) {
		const struct tensor *tensor = in_order(reader->waiting)->tensor;
		return oip_given_check(tensor, reader->error) &&
		       INPUT_ERROR(reader, "tensor " TEXT_FORMAT " has no data; each tensor needs name, shape, datatype and data",
				   TEXT_ARGUMENTS(tensor->name));
	}
	if (reader->binary.length)
		return INPUT_ERROR(
			reader,
			"%zu bytes of binary data are left when all tensors have theirs; binary_data_size must sum up to all of it",
			reader->binary.length);
	*tensors = tensors_end(&reader->tensors);
	return true;
}
