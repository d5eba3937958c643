/* message.c: Look-ups in a message, and builder of lists of tensors. */
#include "message/message.h"

#include <inttypes.h>

#include "message/formats/name_table.h"

struct text origin_text(const struct origin *origin, struct arena *arena)
{
	return text_of(arena_print(arena, TEXT_FORMAT "-%d-%" PRId64, TEXT_ARGUMENTS(origin->topic), (int)origin->partition,
				   origin->offset));
}

const struct header *headers_find_last(struct headers headers, struct text name)
{
	/* Most are of another length: only the rest is worth a call. */
	for (size_t i = headers.count; i-- > 0;)
		if (headers.items[i].name.length == name.length && text_equal_caseless(headers.items[i].name, name))
			return &headers.items[i];
	return NULL;
}

void message_identify(struct message *message)
{
	if (message->id.length == 0)
		message->id = message->payload_id;
	if (message->id.length == 0) {
		const struct header *given = message_header(message, HEADER_DEFAULT_ID);
		message->id = given ? given->value : message->id;
	}
	if (message->id.length == 0)
		message->id = origin_text(&message->origin, message->arena);
}

void message_classify_headers(struct message *message)
{
	const struct headers headers = message->headers;
	message->places = NULL;
	struct header_places *places =
		headers.count > 0 && headers.count <= UINT8_MAX ? ARENA_NEW(message->arena, struct header_places) : NULL;
	if (!places)
		return;
	places->items = headers.items;
	for (size_t i = 0; i < headers.count; i++)
		places->last[header_name_find(headers.items[i].name)] = (uint8_t)(i + 1);
	message->places = places;
}

bool headers_put(struct headers *headers, struct header one, struct arena *arena)
{
	struct header *items = ARENA_ARRAY(arena, struct header, headers->count + 1);
	size_t count = 0;
	if (!items)
		return false;
	for (size_t i = 0; i < headers->count; i++)
		if (!text_equal_caseless(headers->items[i].name, one.name))
			items[count++] = headers->items[i];
	items[count++] = one;
	*headers = (struct headers){count, items};
	return true;
}

static bool refuse_simulated(struct text name, struct error *error)
{
	return error_set(error, ERROR_INPUT, PLACE_NONE,
			 "two tensors are named `" TEXT_FORMAT "`; give each tensor a name of its own", TEXT_ARGUMENTS(name));
}

/* Apart, so that a list of one costs nothing more. */
static __attribute__((noinline)) bool names_differ(struct tensors tensors, struct arena *arena, struct error *error)
{
	struct name_set names;
	if (!name_set_open(&names, tensors.count, arena))
		return error_memory(error, ERROR_LIMIT, "reading a request");
	for (size_t i = 0; i < tensors.count; i++)
		if (name_set_add(&names, &tensors.items[i]->name))
			return refuse_simulated(tensors.items[i]->name, error);
	return true;
}

void payload_set_version(struct payload *payload, struct arena *arena, struct text version)
{
	struct text *kept = version.length ? arena_take_raw(arena, sizeof *kept) : NULL;
	if (kept)
		*kept = version;
	payload->model_version = kept;
}

bool tensors_check_names(struct tensors tensors, bool repeat, struct arena *arena, struct error *error)
{
	if (tensors.count == 1 && tensors.items[0]->name.length > 0) /* as nearly always */
		return true;
	for (size_t i = 0; i < tensors.count; i++)
		if (tensors.items[i]->name.length == 0)
			return error_set(error, ERROR_INPUT, PLACE_NONE,
					 "tensor %zu of %zu has no name; each tensor needs a name, shape, datatype and data", i + 1,
					 tensors.count);
	return repeat || tensors.count < 2 || names_differ(tensors, arena, error);
}

void tensors_begin(struct tensors_builder *builder, struct arena *arena, size_t expected)
{
	size_t capacity = expected ? expected : 4;
	const struct tensor **items = arena_take_raw(arena, capacity * sizeof *items);
	*builder = (struct tensors_builder){.arena = arena, .items = items, .capacity = items ? capacity : 0};
}

static bool make_room(struct tensors_builder *builder)
{
	size_t capacity = builder->capacity ? builder->capacity * 2 : 4;
	const struct tensor **items = arena_take_raw(builder->arena, capacity * sizeof *items);
	if (!items)
		return false;
	if (builder->count)
		memcpy(items, builder->items, builder->count * sizeof *items);
	builder->items = items;
	builder->capacity = capacity;
	return true;
}

void tensors_add(struct tensors_builder *builder, const struct tensor *tensor)
{
	if (tensor && (builder->count < builder->capacity || make_room(builder)))
		builder->items[builder->count++] = tensor;
}

void tensors_put(struct tensors_builder *builder, const struct tensor *tensor)
{
	if (!tensor)
		return;
	for (size_t i = 0; i < builder->count; i++) {
		if (text_equal(builder->items[i]->name, tensor->name)) {
			builder->items[i] = tensor;
			return;
		}
	}
	tensors_add(builder, tensor);
}

struct tensors tensors_end(const struct tensors_builder *builder)
{
	return (struct tensors){builder->count, builder->items};
}

static bool output_refuse(struct text name, struct error *error)
{
	return error_set(error, ERROR_INPUT, PLACE_NONE,
			 "outputs names the tensor " TEXT_FORMAT ", which the answer does not have; "
			 "ask for one it has, or leave outputs out",
			 TEXT_ARGUMENTS(name));
}

/* The names of an answer's tensors, or those that a request asks for, and a table of them if they are many. */
struct output_names {
	struct tensors tensors;
	struct tensors_wanted wanted;
	struct name_table given, asked; /* without places: they are compared */
};

static bool output_names_open(struct output_names *names, struct arena *arena)
{
	if (names->wanted.count <= NAMES_COMPARED_MAX)
		return true;
	if (!name_table_open(&names->given, names->tensors.count, arena) ||
	    !name_table_open(&names->asked, names->wanted.count, arena))
		return false;
	for (size_t i = 0; i < names->tensors.count; i++)
		*name_table_place(&names->given, names->tensors.items[i]->name) = &names->tensors.items[i]->name;
	for (size_t i = 0; i < names->wanted.count; i++)
		*name_table_place(&names->asked, names->wanted.names[i]) = &names->wanted.names[i];
	return true;
}

static bool output_is_given(const struct output_names *names, struct text name)
{
	return names->given.places ? *name_table_place(&names->given, name) != NULL : tensors_find(names->tensors, name) != NULL;
}

static bool output_is_asked(const struct output_names *names, struct text name)
{
	if (names->asked.places)
		return *name_table_place(&names->asked, name) != NULL;
	for (size_t i = 0; i < names->wanted.count; i++)
		if (text_equal(names->wanted.names[i], name))
			return true;
	return false;
}

bool answer_select_wanted(const struct message *message, const struct payload *payload, struct tensors *selected,
			  struct error *error)
{
	*selected = payload->tensors;
	if (message->wanted.count == 0)
		return true;
	struct output_names names = {.tensors = payload->tensors, .wanted = message->wanted};
	if (!output_names_open(&names, message->arena))
		return error_memory(error, ERROR_LIMIT, "selecting the outputs asked for");
	for (size_t i = 0; i < message->wanted.count; i++)
		if (!output_is_given(&names, message->wanted.names[i]))
			return output_refuse(message->wanted.names[i], error);
	struct tensors_builder builder;
	tensors_begin(&builder, message->arena, message->wanted.count);
	for (size_t i = 0; i < payload->tensors.count; i++)
		if (output_is_asked(&names, payload->tensors.items[i]->name))
			tensors_add(&builder, payload->tensors.items[i]);
	*selected = tensors_end(&builder);
	return !arena_failed(message->arena) || error_memory(error, ERROR_LIMIT, "selecting the outputs asked for");
}
