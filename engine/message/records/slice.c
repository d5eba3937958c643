/* slice.c: see slice.h. */
#include "message/records/slice.h"

#include "message/records/truth_link.h"

#define KEPT_BYTES ((size_t)1 << 20)
#define MOMENTS_MAX 4 /* tensors beside a result: times, partitions, requests, and which rows are the observer's */

bool slice_open(struct slice *slice, struct error *error)
{
	*slice = (struct slice){.kept = arena_open(KEPT_BYTES), .scratch = arena_open(KEPT_BYTES)};
	buffer_open(&slice->times, SLICE_BYTES_MAX + 1);
	buffer_open(&slice->partitions, SLICE_ROWS_MAX * sizeof(int32_t) + 1);
	buffer_open(&slice->requests, SLICE_ROWS_MAX * sizeof(uint64_t) + 1);
	buffer_open(&slice->left_out, SLICE_ROWS_MAX + 1);
	for (size_t i = 0; i < SLICE_TENSORS_MAX; i++)
		buffer_open(&slice->numbers[i], SLICE_BYTES_MAX + 1);
	return (slice->kept && slice->scratch) || error_memory(error, ERROR_SYSTEM, "gathering rows");
}

void slice_close(struct slice *slice)
{
	buffer_close(&slice->times);
	buffer_close(&slice->partitions);
	buffer_close(&slice->requests);
	buffer_close(&slice->left_out);
	for (size_t i = 0; i < SLICE_TENSORS_MAX; i++)
		buffer_close(&slice->numbers[i]);
	arena_close(slice->kept);
	arena_close(slice->scratch);
}

void slice_clear(struct slice *slice)
{
	slice->rows = 0;
	buffer_clear(&slice->times);
	buffer_clear(&slice->partitions);
	buffer_clear(&slice->requests);
	buffer_clear(&slice->left_out);
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

/* Puts the tensor into the row, if it is not there yet. False: it is no row, or the row has too many. */
static bool tensor_place(struct slice_row *row, const struct tensor *tensor, size_t *bytes)
{
	struct slice_form *form = &row->form;
	size_t at = 0;
	while (at < form->tensor_count && row->tensors[at] != tensor)
		at++;
	if (at == form->tensor_count) {
		if (at == SLICE_TENSORS_MAX || !is_row(tensor))
			return false;
		row->tensors[form->tensor_count++] = tensor;
		*bytes += tensor_size_bytes(tensor);
	}
	form->places[form->place_count++] = (unsigned char)at;
	return true;
}

static bool result_place(struct slice_row *row, const struct given *given, size_t *bytes)
{
	if (given->state != GIVEN_CAME || !given->inputs || given->only_to.length > 0)
		return false;
	const struct tensors tensors = given->payload->tensors;
	if (tensors.count > SLICE_TENSORS_MAX)
		return false;
	for (size_t i = 0; i < tensors.count; i++)
		if (!tensor_place(row, tensors.items[i], bytes))
			return false;
	row->form.sizes[row->form.observers] = (unsigned char)tensors.count;
	row->results[row->form.observers++] = given;
	return true;
}

bool slice_row_of(const struct message *message, uint64_t next, size_t observers, struct slice_row *row)
{
	assert(observers <= SLICE_OBSERVERS_MAX);
	const struct carried *carried = message->carried;
	size_t bytes = sizeof(int64_t); /* of its time */
	row->form.observers = row->form.tensor_count = row->form.place_count = 0;
	row->requests = false;
	for (size_t i = 0; i < carried->count; i++) {
		if (!(carried->items[i].next & next))
			continue;
		if (row->form.observers == observers || !result_place(row, &carried->items[i], &bytes))
			return false;
	}
	return row->form.observers == observers && row->form.tensor_count > 0 && bytes <= SLICE_BYTES_MAX;
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

/* Few bytes, mostly one. */
static bool bytes_are(const unsigned char *kept, const unsigned char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (kept[i] != bytes[i])
			return false;
	return true;
}

static bool places_are(const struct slice_form *kept, const struct slice_form *form)
{
	return kept->observers == form->observers && kept->tensor_count == form->tensor_count &&
	       kept->place_count == form->place_count && bytes_are(kept->sizes, form->sizes, form->observers) &&
	       bytes_are(kept->places, form->places, form->place_count);
}

static bool form_is(const struct slice *slice, const struct message *message, const struct slice_row *row,
		    const struct stage_link *link)
{
	bool same = places_are(&slice->form, &row->form) && slice->link.deployment == link->deployment &&
		    slice->has_requests == row->requests && slice->answered == message->carried->answered &&
		    text_equal(slice->link.from, link->from);
	for (size_t i = 0; same && i < row->form.observers; i++)
		same = text_equal(slice->steps[i], row->results[i]->step);
	for (size_t i = 0; same && i < row->form.tensor_count; i++)
		same = tensor_is(&slice->tensors[i], row->tensors[i]);
	return same;
}

bool slice_takes(const struct slice *slice, const struct message *message, const struct slice_row *row,
		 const struct stage_link *link)
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

static bool slice_begin(struct slice *slice, const struct message *message, const struct slice_row *row,
			const struct stage_link *link, const char *const *observers)
{
	slice->link = (struct stage_link){.from = kept_text(slice, link->from), .deployment = link->deployment};
	slice->form = row->form;
	slice->id = kept_text(slice, message->id);
	for (size_t i = 0; i < row->form.observers; i++) {
		slice->steps[i] = kept_text(slice, row->results[i]->step);
		slice->observers[i] = kept_text(slice, text_of(observers[i]));
	}
	slice->origin = message->origin;
	slice->origin.topic = kept_text(slice, message->origin.topic);
	slice->format = message->format;
	slice->answered = message->carried->answered;
	slice->has_requests = row->requests;
	slice->row_bytes = sizeof(int64_t);
	for (size_t i = 0; i < row->form.tensor_count; i++) {
		const struct tensor *tensor = row->tensors[i];
		slice->row_bytes += tensor_size_bytes(tensor);
		slice->tensors[i] = (struct tensor){.name = kept_text(slice, tensor->name),
						    .datatype = tensor->datatype,
						    .count = tensor->count,
						    .parameters = kept_parameters(slice, tensor->parameters)};
	}
	return !arena_failed(slice->kept);
}

/* Memory for one more row. */
static bool row_fits(struct slice *slice, const struct slice_row *row)
{
	bool good = buffer_room(&slice->times, sizeof(int64_t)) && buffer_room(&slice->partitions, sizeof(int32_t)) &&
		    (!row->requests || buffer_room(&slice->requests, sizeof(uint64_t))) &&
		    (row->form.observers == 1 || buffer_room(&slice->left_out, 1));
	for (size_t i = 0; good && i < row->form.tensor_count; i++)
		good = buffer_room(&slice->numbers[i], tensor_size_bytes(row->tensors[i])) != NULL;
	return good;
}

static void left_out_add(struct buffer *list, const struct slice_row *row)
{
	unsigned char left_out = 0;
	for (size_t i = 0; i < row->form.observers; i++)
		left_out |= (unsigned char)(row->results[i]->left_out << i);
	buffer_append(list, &left_out, sizeof left_out);
}

bool slice_add(struct slice *slice, const struct message *message, const struct slice_row *row, const struct stage_link *link,
	       const char *const *observers, struct error *error)
{
	if ((slice->rows == 0 && !slice_begin(slice, message, row, link, observers)) || !row_fits(slice, row)) {
		if (slice->rows == 0)
			slice_clear(slice);
		return error_memory(error, ERROR_LIMIT, "passing a message on to its observers");
	}
	for (size_t i = 0; i < row->form.tensor_count; i++)
		buffer_append(&slice->numbers[i], row->tensors[i]->data, tensor_size_bytes(row->tensors[i]));
	buffer_append(&slice->times, &message->time_ms, sizeof message->time_ms);
	buffer_append(&slice->partitions, &message->origin.partition, sizeof message->origin.partition);
	if (row->requests) {
		const uint64_t request = request_hash(message->id);
		buffer_append(&slice->requests, &request, sizeof request);
	}
	if (row->form.observers > 1)
		left_out_add(&slice->left_out, row);
	slice->rows++;
	return true;
}

/* ---- the record ---- */

/* So many rows of a slice, which are one record. */
struct slice_part {
	const struct slice *slice;
	size_t first, rows;
	struct arena *arena;
};

/* Makes the tensor of a row that of the part. */
static void tensor_cut(const struct slice_part *part, struct tensor *tensor, const struct buffer *numbers)
{
	int64_t *shape = ARENA_ARRAY(part->arena, int64_t, 2);
	if (!shape)
		return;
	shape[0] = (int64_t)part->rows;
	shape[1] = (int64_t)tensor->count;
	tensor->data = numbers->bytes + part->first * tensor_size_bytes(tensor);
	tensor->count *= part->rows;
	tensor->rank = 2;
	tensor->shape = shape;
}

/* Each once; their lists are the results'. */
static const struct tensor *tensors_make(const struct slice_part *part)
{
	const struct slice *slice = part->slice;
	struct tensor *tensors = ARENA_ARRAY(part->arena, struct tensor, slice->form.tensor_count);
	for (size_t i = 0; tensors && i < slice->form.tensor_count; i++) {
		tensors[i] = slice->tensors[i];
		tensor_cut(part, &tensors[i], &slice->numbers[i]);
	}
	return tensors;
}

static const struct tensor *times_make(const struct slice_part *part)
{
	struct tensor *times = ARENA_NEW(part->arena, struct tensor);
	if (!times)
		return NULL;
	*times = (struct tensor){.name = TEXT("times"), .datatype = DATATYPE_INT64, .count = 1};
	tensor_cut(part, times, &part->slice->times);
	return times;
}

/* The partition of each row. NULL: all are that of the slice's origin, or the arena is full. */
static const struct tensor *partitions_make(const struct slice_part *part)
{
	const int32_t *partitions = (const int32_t *)(const void *)part->slice->partitions.bytes + part->first;
	size_t first = 0;
	while (first < part->rows && partitions[first] == part->slice->origin.partition)
		first++;
	struct tensor *made = first < part->rows ? ARENA_NEW(part->arena, struct tensor) : NULL;
	if (!made)
		return NULL;
	*made = (struct tensor){.name = TEXT("partitions"), .datatype = DATATYPE_INT32, .count = 1};
	tensor_cut(part, made, &part->slice->partitions);
	return made;
}

/* The request of each row. NULL: the slice has none, or the arena is full. */
static const struct tensor *requests_make(const struct slice_part *part)
{
	struct tensor *made = part->slice->has_requests ? ARENA_NEW(part->arena, struct tensor) : NULL;
	if (!made)
		return NULL;
	*made = (struct tensor){.name = TEXT("requests"), .datatype = DATATYPE_UINT64, .count = 1};
	tensor_cut(part, made, &part->slice->requests);
	return made;
}

/* Which rows are in the share of the observer. NULL: all are, or the arena is full. */
static const struct tensor *own_make(const struct slice_part *part, size_t observer)
{
	const unsigned char *left_out = (const unsigned char *)part->slice->left_out.bytes; /* NULL: there is one observer */
	const unsigned bit = 1U << observer;
	size_t first = part->slice->form.observers > 1 ? 0 : part->rows;
	while (first < part->rows && !(left_out[part->first + first] & bit))
		first++;
	if (first == part->rows)
		return NULL;
	struct tensor *own = ARENA_NEW(part->arena, struct tensor);
	bool *flags = ARENA_ARRAY(part->arena, bool, part->rows);
	int64_t *shape = ARENA_ARRAY(part->arena, int64_t, 1);
	if (!own || !flags || !shape)
		return NULL;
	for (size_t i = 0; i < part->rows; i++)
		flags[i] = !(left_out[part->first + i] & bit);
	shape[0] = (int64_t)part->rows;
	*own = (struct tensor){
		.name = TEXT("own"), .datatype = DATATYPE_BOOL, .count = part->rows, .rank = 1, .shape = shape, .data = flags};
	return own;
}

static const struct payload *payload_of(struct tensors_builder *list, struct arena *arena)
{
	struct payload *payload = ARENA_NEW(arena, struct payload);
	if (payload)
		payload->tensors = tensors_end(list);
	return payload;
}

static const struct payload *result_make(const struct slice_part *part, const struct tensor *tensors, const unsigned char *places,
					 size_t count)
{
	struct tensors_builder list;
	tensors_begin(&list, part->arena, count);
	for (size_t i = 0; i < count; i++)
		tensors_add(&list, &tensors[places[i]]);
	return payload_of(&list, part->arena);
}

static const struct payload *moments_make(const struct slice_part *part, const struct tensor *times, size_t observer)
{
	const struct tensor *partitions = partitions_make(part), *requests = requests_make(part);
	const struct tensor *own = own_make(part, observer);
	struct tensors_builder list;
	tensors_begin(&list, part->arena, MOMENTS_MAX);
	tensors_add(&list, times);
	if (partitions)
		tensors_add(&list, partitions);
	if (requests)
		tensors_add(&list, requests);
	if (own)
		tensors_add(&list, own);
	return payload_of(&list, part->arena);
}

/* The results, and behind them the times for each observer. False: the arena is full. */
static bool part_fill(const struct slice_part *part, uint64_t next, struct given *items)
{
	const struct slice *slice = part->slice;
	const struct tensor *tensors = tensors_make(part), *times = times_make(part);
	const size_t observers = slice->form.observers;
	if (!tensors || !times)
		return false;
	for (size_t i = 0, place = 0; i < observers; place += slice->form.sizes[i], i++) {
		const struct given common = {.inputs = true, .state = GIVEN_CAME, .next = next};
		items[i] = items[observers + i] = common;
		items[i].step = slice->steps[i];
		items[i].payload = result_make(part, tensors, &slice->form.places[place], slice->form.sizes[i]);
		items[observers + i].step = slice->observers[i];
		items[observers + i].payload = moments_make(part, times, i);
	}
	return !arena_failed(part->arena);
}

bool slice_encode(struct slice *slice, size_t first, size_t count, struct buffer *out, struct error *error)
{
	assert(first <= slice->rows && count <= slice->rows - first);
	const uint64_t next = 1;
	struct given items[2 * SLICE_OBSERVERS_MAX];
	const struct slice_part part = {slice, first, count, slice->scratch};
	arena_reset(slice->scratch);
	if (!part_fill(&part, next, items))
		return error_memory(error, ERROR_LIMIT, "passing messages on to their observers");
	const struct carried carried = {
		.count = 2 * slice->form.observers, .items = items, .answered = slice->answered, .next = next};
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

/* ---- in the stage of the observers ---- */

/* What was written beside the results for the observer; NULL: nothing was. */
static const struct given *moments_find(const struct message *message, const char *observer)
{
	const struct carried *carried = message->carried;
	for (size_t i = 0; carried && i < carried->count; i++) {
		const struct given *given = &carried->items[i];
		if (given->inputs && given->state == GIVEN_CAME && given->payload->tensors.count > 0 &&
		    given->payload->tensors.items[0]->datatype == DATATYPE_INT64 && text_is(given->step, observer))
			return given;
	}
	return NULL;
}

/* The rows of an observer among those of a slice. */
struct slice_share {
	const unsigned char *own; /* not 0: the row is the observer's */
	size_t rows, kept;
};

/* The tensor without the rows of others. NULL: INPUT, or LIMIT. */
static const struct tensor *tensor_draw(const struct slice_share *share, const struct tensor *tensor, struct arena *arena,
					struct error *error)
{
	if (share->rows > SLICE_ROWS_MAX || tensor->rank != 2 || tensor->shape[0] != (int64_t)share->rows ||
	    tensor->datatype == DATATYPE_BYTES)
		return error_null(error_set(error, ERROR_INPUT, PLACE_NONE,
					    "`" TEXT_FORMAT "` has not the %zu rows of its slice; only the engine may write to a "
					    "stage's topic",
					    TEXT_ARGUMENTS(tensor->name), share->rows));
	const int64_t shape[] = {(int64_t)share->kept, tensor->shape[1]};
	void *elements;
	struct tensor *drawn = tensor_make(arena, tensor->name, tensor->datatype, shape, 2, &elements, error);
	if (!drawn)
		return NULL;
	const size_t bytes = tensor_size_bytes(tensor) / share->rows;
	for (size_t i = 0, done = 0; i < share->rows; i++)
		if (share->own[i] != 0)
			memcpy((char *)elements + bytes * done++, (const char *)tensor->data + bytes * i, bytes);
	drawn->parameters = tensor->parameters;
	return drawn;
}

static void result_fail(struct given *given, const struct error *error, struct arena *arena)
{
	struct error *kept = ARENA_NEW(arena, struct error);
	if (kept)
		*kept = *error;
	given->state = GIVEN_FAILED;
	given->error = kept;
	given->payload = NULL;
}

/* Leaves the first `count` tensors of a result the rows of the share. Without a row there is no result. */
static void result_draw(const struct slice_share *share, struct given *given, size_t count, struct arena *arena)
{
	const struct payload *all = given->payload;
	struct tensors_builder list;
	struct error error = {0};
	if (share->kept == 0) {
		given->state = GIVEN_DEAD;
		given->payload = NULL;
		return;
	}
	if (count > SLICE_TENSORS_MAX) {
		error_set(&error, ERROR_INPUT, PLACE_NONE, "a slice has %zu tensors; only the engine may write to a stage's topic",
			  count);
		result_fail(given, &error, arena);
		return;
	}
	tensors_begin(&list, arena, count);
	for (size_t i = 0; i < count; i++) {
		const struct tensor *drawn = tensor_draw(share, all->tensors.items[i], arena, &error);
		if (!drawn) {
			result_fail(given, &error, arena);
			return;
		}
		tensors_add(&list, drawn);
	}
	given->payload = payload_of(&list, arena);
}

/* What the message carries, to be changed. NULL: the arena is full. */
static struct given *carried_copy(struct message *message)
{
	const struct carried *before = message->carried;
	struct carried *carried = ARENA_NEW(message->arena, struct carried);
	struct given *items = ARENA_ARRAY(message->arena, struct given, before->count);
	if (!carried || !items)
		return NULL;
	memcpy(items, before->items, before->count * sizeof *items);
	*carried = *before;
	carried->items = items;
	message->carried = carried;
	return items;
}

void slice_draw(struct message *message, const char *watched, const char *observer)
{
	const struct given *moments = moments_find(message, observer);
	const size_t count = moments ? moments->payload->tensors.count : 0;
	const struct tensor *own = count > 1 && count <= MOMENTS_MAX ? moments->payload->tensors.items[count - 1] : NULL;
	if (!own || own->datatype != DATATYPE_BOOL)
		return;
	struct slice_share share = {.own = own->data, .rows = own->count};
	for (size_t i = 0; i < share.rows; i++)
		share.kept += share.own[i] != 0;
	const size_t at = (size_t)(moments - message->carried->items);
	struct given *items = carried_copy(message);
	if (!items)
		return;
	result_draw(&share, &items[at], count - 1, message->arena);
	for (size_t i = 0; i < message->carried->count; i++) {
		if (!items[i].inputs || items[i].state != GIVEN_CAME || !text_is(items[i].step, watched))
			continue;
		if (items[at].state == GIVEN_FAILED)
			result_fail(&items[i], items[at].error, message->arena);
		else
			result_draw(&share, &items[i], items[i].payload->tensors.count, message->arena);
	}
}

/* The tensors beside the observer's rows, if the message is a slice and these are drawn; else none. */
static struct tensors moments_of(const struct message *message, const char *observer)
{
	const struct given *moments = moments_find(message, observer);
	const struct tensors none = {0};
	if (!moments)
		return none;
	const struct tensors tensors = moments->payload->tensors;
	for (size_t i = 1; i < tensors.count; i++) {
		const struct tensor *tensor = tensors.items[i];
		const bool is_known = tensor->datatype == DATATYPE_INT32 || tensor->datatype == DATATYPE_UINT64;
		if (i >= MOMENTS_MAX - 1 || !is_known || tensor->count != tensors.items[0]->count)
			return none;
	}
	return tensors;
}

/* What stands beside the times, by its datatype; NULL: nothing of the kind. */
static const void *moment_find(const struct message *message, const char *observer, enum datatype datatype)
{
	const struct tensors moments = moments_of(message, observer);
	for (size_t i = 1; i < moments.count; i++)
		if (moments.items[i]->datatype == datatype)
			return moments.items[i]->data;
	return NULL;
}

const int64_t *slice_times(const struct message *message, const char *observer, size_t *rows)
{
	const struct tensors moments = moments_of(message, observer);
	if (moments.count == 0)
		return NULL;
	*rows = moments.items[0]->count;
	return moments.items[0]->data;
}

const int32_t *slice_partitions(const struct message *message, const char *observer)
{
	return moment_find(message, observer, DATATYPE_INT32);
}

const uint64_t *slice_requests(const struct message *message, const char *observer)
{
	return moment_find(message, observer, DATATYPE_UINT64);
}
