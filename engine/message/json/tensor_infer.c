/* tensor_infer.c: see tensor_infer.h. */
#include "message/json/tensor_infer.h"

#include <math.h>

#include "base/base64.h"
#include "message/json/json_list.h"

/* What elements were seen. */
enum {
	SEEN_INTEGER = 1,
	SEEN_FRACTION = 2,
	SEEN_SPECIAL = 4, /* a string that may be a float */
	SEEN_STRING = 8,
	SEEN_BASE64 = 16,
	SEEN_FLAG = 32,
};

struct tensor_inference {
	struct infer_rules rules;
	const char *where;
	unsigned seen;
	enum datatype datatype;
	void *elements;
	size_t index; /* of the next element to be written */
};

bool json_is_base64(const struct json_scan *scan, struct text *bytes)
{
	struct error unheard = {0};
	struct json_scan inside = *scan;
	struct text key;
	struct text text;
	inside.error = &unheard;
	if (json_peek(&inside) != JSON_OBJECT || !json_enter(&inside) || !json_key(&inside, &key) || !text_is(key, "b64") ||
	    json_peek(&inside) != JSON_STRING || !json_text(&inside, &text) || json_key(&inside, &key) || inside.failed)
		return false;
	if (!base64_read_into(scan->arena, text, bytes))
		bytes->bytes = NULL;
	return true;
}

static bool tensor_infer_refuse(const struct tensor_inference *inference, struct json_scan *scan, const char *at, const char *what)
{
	return error_set_tensor(scan->error, PLACE_NONE, "%s: %s, at byte %zu", inference->where, what,
				(size_t)(at - scan->begin));
}

/* The first walk: what kinds of elements there are. */
static bool see_element(void *context, struct json_scan *scan, size_t *more)
{
	*more = 0;
	struct tensor_inference *inference = context;
	struct decimal decimal;
	struct text text;
	double number;
	switch (json_peek(scan)) {
	case JSON_NUMBER:
		if (!json_number(scan, &decimal))
			return false;
		inference->seen |= decimal.whole ? SEEN_INTEGER : SEEN_FRACTION;
		return true;
	case JSON_STRING:
		if (!json_text(scan, &text))
			return false;
		inference->seen |= json_number_named(text, &number) ? SEEN_SPECIAL : SEEN_STRING;
		return true;
	case JSON_TRUE:
	case JSON_FALSE:
		inference->seen |= SEEN_FLAG;
		return json_word(scan);
	case JSON_OBJECT:
		if (!inference->rules.base64 || !json_is_base64(scan, &text))
			return tensor_infer_refuse(inference, scan, scan->at,
						   "an element is an object; send numbers, strings or booleans");
		if (arena_failed(scan->arena))
			return error_memory(scan->error, ERROR_LIMIT, "reading base64");
		if (!text.bytes)
			return tensor_infer_refuse(inference, scan, scan->at, "b64 holds no base64");
		inference->seen |= SEEN_BASE64;
		return json_skip(scan);
	case JSON_WRONG:
		return false;
	default:
		return tensor_infer_refuse(inference, scan, scan->at, "an element is null; send numbers, strings or booleans");
	}
}

static bool choose_datatype(struct tensor_inference *inference, struct json_scan *scan, const char *begin)
{
	const unsigned numbers = SEEN_INTEGER | SEEN_FRACTION;
	const unsigned strings = SEEN_SPECIAL | SEEN_STRING | SEEN_BASE64;
	unsigned seen = inference->seen;
	if (seen == SEEN_FLAG)
		inference->datatype = DATATYPE_BOOL;
	else if (seen == SEEN_INTEGER && inference->rules.integers)
		inference->datatype = DATATYPE_INT64;
	else if (!(seen & ~(numbers | SEEN_SPECIAL)) && seen != SEEN_SPECIAL)
		inference->datatype = DATATYPE_FP64;
	else if (!(seen & ~strings))
		inference->datatype = DATATYPE_BYTES;
	else if (inference->rules.mixed && !(seen & SEEN_FLAG))
		inference->datatype = DATATYPE_BYTES;
	else
		return tensor_infer_refuse(inference, scan, begin,
					   inference->rules.mixed ? "booleans are beside other elements; send them alone, or the "
								    "list as jsonData"
								  : "elements of different types are in one tensor; send one type");
	return true;
}

/* --- the second walk ------------------------------------------------------- */

static bool take_number(struct tensor_inference *inference, struct json_scan *scan)
{
	struct decimal decimal;
	struct text text;
	double number;
	if (json_peek(scan) == JSON_STRING) {
		if (!json_text(scan, &text) || !json_number_named(text, &number))
			return false;
		((double *)inference->elements)[inference->index++] = number;
		return true;
	}
	if (!json_number(scan, &decimal))
		return false;
	if (inference->datatype == DATATYPE_INT64)
		return decimal_to_int64(&decimal, &((int64_t *)inference->elements)[inference->index++]) ||
		       tensor_infer_refuse(inference, scan, decimal.source.bytes,
					   "an integer is beyond INT64; send it as a string, or with a point");
	number = decimal_to_double(&decimal);
	((double *)inference->elements)[inference->index++] = number;
	return !isinf(number) || tensor_infer_refuse(inference, scan, decimal.source.bytes, "a number is beyond FP64");
}

static bool take_element(void *context, struct json_scan *scan, size_t *more)
{
	*more = 0;
	struct tensor_inference *inference = context;
	struct text *text;
	struct decimal decimal;
	enum json_type type;
	switch (inference->datatype) {
	case DATATYPE_BOOL:
		type = json_peek(scan);
		((uint8_t *)inference->elements)[inference->index++] = type == JSON_TRUE;
		return json_word(scan);
	case DATATYPE_BYTES:
		text = &((struct text *)inference->elements)[inference->index++];
		type = json_peek(scan);
		if (type == JSON_STRING)
			return json_text(scan, text);
		if (type == JSON_NUMBER) {
			if (!json_number(scan, &decimal))
				return false;
			*text = decimal.source;
			return true;
		}
		return json_is_base64(scan, text) && json_skip(scan);
	default:
		return take_number(inference, scan);
	}
}

static bool same_shape(const struct json_list *a, const struct json_list *b)
{
	return a->rank == b->rank && memcmp(a->lengths, b->lengths, a->rank * sizeof *a->lengths) == 0;
}

static bool tensor_infer_walk(struct json_scan *scan, struct json_list *list, json_element *element,
			      struct tensor_inference *inference)
{
	if (json_list_walk(scan, list, element, inference))
		return true;
	if (list->ragged)
		return tensor_infer_refuse(inference, scan, list->ragged, "lists of one depth differ in length; make them alike");
	return false;
}

static struct tensor *make_tensor(struct tensor_inference *inference, struct json_scan *scan, struct text name,
				  const struct json_list *list, const size_t *rows)
{
	int64_t shape[JSON_DEPTH_MAX + 1];
	size_t rank = 0;
	if (rows)
		shape[rank++] = (int64_t)*rows;
	for (size_t i = 0; i < list->rank; i++)
		shape[rank++] = (int64_t)list->lengths[i];
	return tensor_make(scan->arena, name, inference->datatype, shape, rank, &inference->elements, scan->error);
}

const struct tensor *tensor_infer(const struct json_scan *scan, const char *where, struct text name, const struct text *values,
				  size_t count, bool rows, struct infer_rules rules)
{
	struct tensor_inference inference = {.rules = rules, .where = where};
	struct json_list first = {0};
	struct json_list list = {0};
	struct json_scan again = *scan;
	for (size_t i = 0; i < count; i++) {
		again = json_again(scan, values[i]);
		if (!tensor_infer_walk(&again, i ? &list : &first, see_element, &inference))
			return NULL;
		if (i && !same_shape(&first, &list)) {
			(void)tensor_infer_refuse(&inference, &again, values[i].bytes, "rows differ in shape; make them alike");
			return NULL;
		}
	}
	if (!choose_datatype(&inference, &again, values->bytes))
		return NULL;
	struct tensor *tensor = make_tensor(&inference, &again, name, &first, rows ? &count : NULL);
	for (size_t i = 0; tensor && i < count; i++) {
		again = json_again(scan, values[i]);
		if (!tensor_infer_walk(&again, &list, take_element, &inference))
			return NULL;
	}
	return tensor;
}
