/* tensor_fill.c: Expansion of `fill: {start, step}` in tensors: start, start+step, ... over the product of the shape. */
#include "tools/source/tensor_fill.h"

#include "message/json/json_scan.h"
#include "message/json/json_write.h"

#define FILLED_ELEMENTS_MAX ((int64_t)1 << 24) /* of one tensor: more is no test, and takes minutes to read */
#define FILLED_BYTES_MAX ((size_t)512 << 20)

struct fill {
	struct text place; /* `"fill": {...}` in the JSON; bytes NULL: none */
	struct decimal start, step;
	int64_t count;
};

static void read_shape(struct json_scan *scan, int64_t *count)
{
	*count = 1;
	json_enter(scan);
	while (json_item(scan)) {
		struct decimal dimension;
		int64_t size = 0;
		if (json_peek(scan) != JSON_NUMBER)
			json_skip(scan);
		else if (json_number(scan, &dimension) && decimal_to_int64(&dimension, &size) &&
			 __builtin_mul_overflow(*count, size, count))
			*count = INT64_MAX;
	}
}

static void read_fill(struct json_scan *scan, struct fill *fill)
{
	struct text key;
	json_enter(scan);
	while (json_key(scan, &key)) {
		if (json_peek(scan) == JSON_NUMBER && (text_is(key, "start") || text_is(key, "step")))
			json_number(scan, text_is(key, "start") ? &fill->start : &fill->step);
		else
			json_skip(scan);
	}
}

static struct fill read_tensor(struct json_scan *scan)
{
	struct fill fill = {.start = {.whole = true}, .step = {.whole = true}}; /* zeros */
	struct text key;
	json_enter(scan);
	while (json_key(scan, &key)) {
		enum json_type type = json_peek(scan);
		if (text_is(key, "shape") && type == JSON_ARRAY) {
			read_shape(scan, &fill.count);
		} else if (text_is(key, "fill") && type == JSON_OBJECT) {
			read_fill(scan, &fill);
			const char *begin = key.bytes - 1; /* its quote */
			fill.place = (struct text){begin, (size_t)(scan->at - begin)};
		} else {
			json_skip(scan);
		}
	}
	return fill;
}

static void write_data(struct buffer *out, const struct fill *fill)
{
	int64_t start, step;
	bool whole = decimal_to_int64(&fill->start, &start) && decimal_to_int64(&fill->step, &step) && fill->start.whole &&
		     fill->step.whole;
	buffer_string(out, "\"data\": [");
	for (int64_t i = 0; i < fill->count && !buffer_failed(out); i++) {
		if (i)
			buffer_byte(out, ',');
		if (whole)
			json_write_int64(out, (int64_t)((uint64_t)start + (uint64_t)i * (uint64_t)step));
		else
			json_write_double(out, decimal_to_double(&fill->start) + (double)i * decimal_to_double(&fill->step));
	}
	buffer_byte(out, ']');
}

/* Copies up to each fill, and its data in its place; returns how far it came. */
static const char *fill_tensors(struct json_scan *scan, struct buffer *out, const char *copied)
{
	json_enter(scan);
	while (json_item(scan)) {
		if (json_peek(scan) != JSON_OBJECT) {
			json_skip(scan);
			continue;
		}
		struct fill fill = read_tensor(scan);
		if (!fill.place.bytes)
			continue;
		if (fill.count > FILLED_ELEMENTS_MAX) {
			error_set(scan->error, ERROR_LIMIT, PLACE_NONE,
				  "`fill` makes at most %lld elements; make the shape smaller", (long long)FILLED_ELEMENTS_MAX);
			scan->failed = true;
			break;
		}
		buffer_append(out, copied, (size_t)(fill.place.bytes - copied));
		write_data(out, &fill);
		copied = fill.place.bytes + fill.place.length;
	}
	return copied;
}

bool tensor_fill(struct arena *arena, struct text *json, struct error *error)
{
	struct json_scan scan;
	struct text key;
	struct buffer out;
	const char *copied = json->bytes;
	if (!json->bytes || !memmem(json->bytes, json->length, "\"fill\"", 6))
		return true;
	json_begin(&scan, *json, "the request", arena, error);
	if (json_peek(&scan) != JSON_OBJECT)
		return true; /* for the reader of requests to refuse */
	buffer_open(&out, FILLED_BYTES_MAX);
	json_enter(&scan);
	while (json_key(&scan, &key)) {
		if ((text_is(key, "inputs") || text_is(key, "outputs")) && json_peek(&scan) == JSON_ARRAY)
			copied = fill_tensors(&scan, &out, copied);
		else
			json_skip(&scan);
	}
	buffer_append(&out, copied, (size_t)(json->bytes + json->length - copied));
	bool good = json_end(&scan);
	const char *filled = good && !buffer_failed(&out) ? arena_copy(arena, out.bytes, out.length) : NULL;
	*json = (struct text){filled, out.length};
	buffer_close(&out);
	return filled || (good && error_memory(error, ERROR_LIMIT, "filling a tensor"));
}
