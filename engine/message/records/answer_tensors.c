/* answer_tensors.c: see answer_tensors.h. */
#include "message/records/answer_tensors.h"

#include "message/json/json_scan.h"
#include "message/json/json_write.h"
#include "message/rows.h"
#include "message/json/tensor_json.h"
#include "message/formats/v1_json.h"

#define SELDON_OF_SEVERAL "jsonData" /* the tensor in which a SeldonMessage has several, as an object */

/* A tensor as the header names it. */
struct named_tensor {
	struct text name;
	int64_t shape[TENSOR_RANK_MAX];
	uint32_t rank;
};

static bool format_keeps_names(const struct format *format)
{
	return format != &format_v1 && format != &format_seldon && format != &format_seldon_protobuf;
}

/* ---- writing ---- */

struct text answer_tensors_write(struct tensors tensors, const struct format *format, struct arena *arena)
{
	struct buffer out;
	struct text value = {0};
	if (format_keeps_names(format) || tensors.count == 0)
		return value;
	buffer_open(&out, ANSWER_TENSORS_BYTES_MAX);
	for (size_t i = 0; i < tensors.count; i++) {
		json_write_string_after(&out, i > 0 ? TEXT(",{\"name\":") : TEXT("[{\"name\":"), tensors.items[i]->name);
		buffer_string(&out, ",\"shape\":");
		tensor_json_write_shape(&out, tensors.items[i]);
		buffer_byte(&out, '}');
	}
	buffer_byte(&out, ']');
	if (!buffer_failed(&out))
		value = text_copied(arena, buffer_view(&out));
	buffer_close(&out);
	return value.bytes ? value : (struct text){0};
}

/* ---- reading ---- */

static bool shape_read(struct json_scan *scan, struct named_tensor *named)
{
	if (json_peek(scan) != JSON_ARRAY || !json_enter(scan))
		return false;
	while (json_item(scan)) {
		struct text size;
		if (named->rank == TENSOR_RANK_MAX || !json_span(scan, &size) ||
		    !number_read_int64(size, &named->shape[named->rank]))
			return false;
		named->rank++;
	}
	return true;
}

static bool named_read(struct json_scan *scan, struct named_tensor *named)
{
	struct text key;
	*named = (struct named_tensor){0};
	if (json_peek(scan) != JSON_OBJECT || !json_enter(scan))
		return false;
	while (json_key(scan, &key)) {
		const bool good = text_is(key, "name")	  ? json_peek(scan) == JSON_STRING && json_text(scan, &named->name)
				  : text_is(key, "shape") ? shape_read(scan, named)
							  : json_skip(scan);
		if (!good)
			return false;
	}
	return named->name.bytes;
}

/* A tensor of that name; its shape too, if the elements fill it. NULL: the arena is full. */
static const struct tensor *tensor_named(const struct tensor *decoded, const struct named_tensor *named, struct arena *arena)
{
	struct tensor *made = ARENA_NEW(arena, struct tensor);
	int64_t *shape = ARENA_ARRAY(arena, int64_t, TENSOR_RANK_MAX);
	struct error ignored = {0};
	size_t count;
	if (!made || !shape)
		return NULL;
	*made = *decoded;
	made->name = named->name;
	memcpy(shape, named->shape, sizeof named->shape);
	if (shape_count(named->name, shape, named->rank, &count, &ignored) && count == decoded->count) {
		made->shape = shape;
		made->rank = named->rank;
	}
	return made;
}

/* The tensors of a SeldonMessage that has several; where there is only one, those that were decoded. */
static struct tensors tensors_split(struct tensors decoded, struct arena *arena)
{
	const struct tensor *all = decoded.count == 1 ? decoded.items[0] : NULL;
	struct error ignored = {0};
	struct payload split;
	if (!all || !text_is(all->name, SELDON_OF_SEVERAL) || all->datatype != DATATYPE_BYTES || all->count != 1)
		return decoded;
	const char *columns = arena_print(arena, "{\"outputs\":" TEXT_FORMAT "}", TEXT_ARGUMENTS(*(const struct text *)all->data));
	return columns && v1_decode_reply(arena, text_of(columns), &split, &ignored) ? split.tensors : decoded;
}

/* How many tensors the header names: more than one, at the second. */
static bool names_several(struct text value, struct arena *arena)
{
	struct error ignored = {0};
	struct json_scan scan;
	size_t count = 0;
	json_begin(&scan, value, "", arena, &ignored);
	if (json_peek(&scan) != JSON_ARRAY || !json_enter(&scan))
		return false;
	while (count < 2 && json_item(&scan)) {
		count++;
		(void)json_skip(&scan);
	}
	return count > 1;
}

static bool tensors_name(struct text value, struct tensors decoded, struct arena *arena, struct tensors *made)
{
	const bool several = names_several(value, arena);
	const struct tensors from = several ? tensors_split(decoded, arena) : decoded;
	struct error ignored = {0};
	struct tensors_builder builder;
	struct json_scan scan;
	json_begin(&scan, value, "", arena, &ignored);
	if (json_peek(&scan) != JSON_ARRAY || !json_enter(&scan))
		return false;
	tensors_begin(&builder, arena, from.count);
	while (json_item(&scan)) {
		struct named_tensor named;
		if (!named_read(&scan, &named))
			return false;
		const struct tensor *alone = from.count > 0 ? from.items[0] : NULL;
		const struct tensor *decoded_one = several ? tensors_find(from, named.name) : alone;
		const struct tensor *tensor = decoded_one ? tensor_named(decoded_one, &named, arena) : NULL;
		if (!tensor)
			return false;
		tensors_add(&builder, tensor);
	}
	*made = tensors_end(&builder);
	return json_end(&scan) && made->count == from.count;
}

bool answer_tensors_restore(struct headers headers, const struct format *format, struct arena *arena, struct payload *payload)
{
	const struct header *header = headers_find(headers, TEXT(ANSWER_TENSORS_HEADER));
	struct tensors made;
	if (format_keeps_names(format))
		return true;
	if (!header)
		return format == &format_v1 && payload->tensors.count > 1; /* those have names */
	if (!tensors_name(header->value, payload->tensors, arena, &made))
		return false;
	payload->tensors = made;
	return true;
}
