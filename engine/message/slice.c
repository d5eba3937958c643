/* slice.c: see slice.h. */
#include "message/slice.h"

#include <assert.h>

#define KEPT_BYTES ((size_t)1 << 20)

bool slice_open(struct slice *slice, struct error *error)
{
	*slice = (struct slice){.kept = arena_open(KEPT_BYTES), .scratch = arena_open(KEPT_BYTES)};
	buffer_open(&slice->times, SLICE_BYTES_MAX + 1);
	for (size_t i = 0; i < SLICE_TENSORS_MAX; i++)
		buffer_open(&slice->numbers[i], SLICE_BYTES_MAX + 1);
	return (slice->kept && slice->scratch) || error_memory(error, ERROR_SYSTEM, "gathering rows");
}

void slice_close(struct slice *slice)
{
	buffer_close(&slice->times);
	for (size_t i = 0; i < SLICE_TENSORS_MAX; i++)
		buffer_close(&slice->numbers[i]);
	arena_close(slice->kept);
	arena_close(slice->scratch);
}

void slice_clear(struct slice *slice)
{
	slice->rows = 0;
	buffer_clear(&slice->times);
	for (size_t i = 0; i < SLICE_TENSORS_MAX; i++)
		buffer_clear(&slice->numbers[i]);
	arena_reset(slice->kept);
}

/* ---- what can be a row ---- */

/* A tensor of one dimension with several elements may be one row or several, as the observer's reference says. */
static bool is_row(const struct tensor *tensor)
{
	if (tensor->datatype == DATATYPE_BYTES || tensor->count == 0)
		return false;
	return tensor->rank == 2 ? tensor->shape[0] == 1 : tensor->rank < 2 && tensor->count == 1;
}

static size_t row_bytes_of(const struct tensors *tensors)
{
	size_t bytes = sizeof(int64_t);
	for (size_t i = 0; i < tensors->count; i++)
		bytes += tensor_size_bytes(tensors->items[i]);
	return bytes;
}

static bool is_held(const struct given *given)
{
	if (given->state != GIVEN_CAME || !given->inputs || given->only_to.length > 0)
		return false;
	const struct tensors tensors = given->payload->tensors;
	for (size_t i = 0; i < tensors.count; i++)
		if (!is_row(tensors.items[i]))
			return false;
	return tensors.count > 0 && tensors.count <= SLICE_TENSORS_MAX && row_bytes_of(&tensors) <= SLICE_BYTES_MAX;
}

const struct given *slice_given(const struct message *message, uint64_t next)
{
	const struct carried *carried = message->carried;
	const struct given *only = NULL;
	for (size_t i = 0; i < carried->count; i++) {
		if (!(carried->items[i].next & next))
			continue;
		if (only)
			return NULL;
		only = &carried->items[i];
	}
	return only && is_held(only) ? only : NULL;
}

/* ---- the form ---- */

static bool parameter_is(const struct parameter *kept, const struct parameter *parameter)
{
	if (kept->type != parameter->type || !text_equal(kept->name, parameter->name))
		return false;
	switch (kept->type) {
	case PARAMETER_FLAG:
		return kept->value.flag == parameter->value.flag;
	case PARAMETER_TEXT:
		return text_equal(kept->value.text, parameter->value.text);
	case PARAMETER_INTEGER:
	case PARAMETER_UNSIGNED:
	case PARAMETER_NUMBER: /* bit by bit: nan is nan */
		break;
	}
	return memcmp(&kept->value, &parameter->value, sizeof(uint64_t)) == 0;
}

static bool tensor_is(const struct tensor *kept, const struct tensor *tensor)
{
	bool same = kept->datatype == tensor->datatype && kept->count == tensor->count && text_equal(kept->name, tensor->name) &&
		    kept->parameters.count == tensor->parameters.count;
	for (size_t i = 0; same && i < kept->parameters.count; i++)
		same = parameter_is(&kept->parameters.items[i], &tensor->parameters.items[i]);
	return same;
}

static bool form_is(const struct slice *slice, const struct message *message, const struct given *row,
		    const struct stage_link *link)
{
	const struct tensors tensors = row->payload->tensors;
	bool same = slice->tensor_count == tensors.count && slice->link.deployment == link->deployment &&
		    slice->answered == message->carried->answered && text_equal(slice->link.from, link->from) &&
		    text_equal(slice->step, row->step);
	for (size_t i = 0; same && i < tensors.count; i++)
		same = tensor_is(&slice->tensors[i], tensors.items[i]);
	return same;
}

bool slice_takes(const struct slice *slice, const struct message *message, const struct given *row, const struct stage_link *link)
{
	return slice->rows == 0 ||
	       (slice->rows < SLICE_ROWS_MAX && (slice->rows + 1) * slice->row_bytes <= SLICE_BYTES_MAX &&
		form_is(slice, message, row, link));
}

/* ---- the first row ---- */

static struct text kept_text(struct slice *slice, struct text text)
{
	return (struct text){arena_copy(slice->kept, text.bytes, text.length), text.length};
}

static struct parameters kept_parameters(struct slice *slice, struct parameters parameters)
{
	struct parameter *items = ARENA_ARRAY(slice->kept, struct parameter, parameters.count + 1);
	for (size_t i = 0; items && i < parameters.count; i++) {
		items[i] = parameters.items[i];
		items[i].name = kept_text(slice, items[i].name);
		if (items[i].type == PARAMETER_TEXT)
			items[i].value.text = kept_text(slice, items[i].value.text);
	}
	return (struct parameters){items ? parameters.count : 0, items};
}

static bool slice_begin(struct slice *slice, const struct message *message, const struct given *row, const struct stage_link *link,
			const char *observer)
{
	const struct tensors tensors = row->payload->tensors;
	slice->link = (struct stage_link){.from = kept_text(slice, link->from), .deployment = link->deployment};
	slice->id = kept_text(slice, message->id);
	slice->step = kept_text(slice, row->step);
	slice->observer = kept_text(slice, text_of(observer));
	slice->origin = message->origin;
	slice->origin.topic = kept_text(slice, message->origin.topic);
	slice->format = message->format;
	slice->answered = message->carried->answered;
	slice->tensor_count = tensors.count;
	slice->row_bytes = row_bytes_of(&tensors);
	for (size_t i = 0; i < tensors.count; i++)
		slice->tensors[i] = (struct tensor){.name = kept_text(slice, tensors.items[i]->name),
						    .datatype = tensors.items[i]->datatype,
						    .count = tensors.items[i]->count,
						    .parameters = kept_parameters(slice, tensors.items[i]->parameters)};
	return !arena_failed(slice->kept);
}

bool slice_add(struct slice *slice, const struct message *message, const struct given *row, const struct stage_link *link,
	       const char *observer, struct error *error)
{
	const struct tensors tensors = row->payload->tensors;
	bool good = slice->rows > 0 || slice_begin(slice, message, row, link, observer);
	for (size_t i = 0; good && i < tensors.count; i++)
		good = buffer_room(&slice->numbers[i], tensor_size_bytes(tensors.items[i])) != NULL;
	if (!good || !buffer_room(&slice->times, sizeof message->time_ms)) {
		if (slice->rows == 0)
			slice_clear(slice);
		return error_memory(error, ERROR_LIMIT, "passing a message on to its observer");
	}
	for (size_t i = 0; i < tensors.count; i++)
		buffer_append(&slice->numbers[i], tensors.items[i]->data, tensor_size_bytes(tensors.items[i]));
	buffer_append(&slice->times, &message->time_ms, sizeof message->time_ms);
	slice->rows++;
	return true;
}

/* ---- the record ---- */

/* A tensor of so many rows, whose numbers are those from the row `first` on. */
static void tensor_cut(struct tensor *tensor, const struct buffer *numbers, size_t first, size_t rows, struct arena *arena)
{
	int64_t *shape = ARENA_ARRAY(arena, int64_t, 2);
	if (!shape)
		return;
	shape[0] = (int64_t)rows;
	shape[1] = (int64_t)tensor->count;
	tensor->data = numbers->bytes + first * tensor_size_bytes(tensor);
	tensor->count *= rows;
	tensor->rank = 2;
	tensor->shape = shape;
}

static const struct payload *payload_make(const struct slice *slice, size_t first, size_t rows)
{
	struct arena *arena = slice->scratch;
	struct payload *payload = ARENA_NEW(arena, struct payload);
	struct tensor *tensors = ARENA_ARRAY(arena, struct tensor, slice->tensor_count);
	struct tensors_builder list;
	tensors_begin(&list, arena, slice->tensor_count);
	for (size_t i = 0; payload && tensors && i < slice->tensor_count; i++) {
		tensors[i] = slice->tensors[i];
		tensor_cut(&tensors[i], &slice->numbers[i], first, rows, arena);
		tensors_add(&list, &tensors[i]);
	}
	if (payload)
		payload->tensors = tensors_end(&list);
	return payload;
}

static const struct payload *times_make(const struct slice *slice, size_t first, size_t rows)
{
	struct arena *arena = slice->scratch;
	struct payload *payload = ARENA_NEW(arena, struct payload);
	struct tensor *times = ARENA_NEW(arena, struct tensor);
	struct tensors_builder list;
	tensors_begin(&list, arena, 1);
	if (!payload || !times)
		return NULL;
	*times = (struct tensor){.name = TEXT("times"), .datatype = DATATYPE_INT64, .count = 1};
	tensor_cut(times, &slice->times, first, rows, arena);
	tensors_add(&list, times);
	payload->tensors = tensors_end(&list);
	return payload;
}

bool slice_encode(struct slice *slice, size_t first, size_t count, struct buffer *out, struct error *error)
{
	assert(first <= slice->rows && count <= slice->rows - first);
	const uint64_t next = 1;
	arena_reset(slice->scratch);
	const struct given items[] = {
		{.step = slice->step,
		 .inputs = true,
		 .state = GIVEN_CAME,
		 .payload = payload_make(slice, first, count),
		 .next = next},
		{.step = slice->observer,
		 .inputs = true,
		 .state = GIVEN_CAME,
		 .payload = times_make(slice, first, count),
		 .next = next},
	};
	if (arena_failed(slice->scratch))
		return error_memory(error, ERROR_LIMIT, "passing messages on to their observer");
	const struct carried carried = {.count = 2, .items = items, .answered = slice->answered, .next = next};
	int64_t last_ms;
	memcpy(&last_ms, slice->times.bytes + (first + count - 1) * sizeof last_ms, sizeof last_ms);
	const struct message message = {.arena = slice->scratch,
					.id = slice->id,
					.origin = slice->origin,
					.format = slice->format,
					.time_ms = last_ms,
					.written_ms = last_ms,
					.carried = &carried};
	return stage_link_encode(&message, next, &slice->link, out, error);
}

/* ---- at the observer ---- */

const int64_t *slice_times(const struct message *message, const char *observer, size_t *rows)
{
	const struct carried *carried = message->carried;
	for (size_t i = 0; carried && i < carried->count; i++) {
		const struct given *given = &carried->items[i];
		if (!given->inputs || given->state != GIVEN_CAME || given->payload->tensors.count != 1 ||
		    !text_is(given->step, observer))
			continue;
		const struct tensor *times = given->payload->tensors.items[0];
		if (times->datatype != DATATYPE_INT64)
			continue;
		*rows = times->count;
		return times->data;
	}
	return NULL;
}
