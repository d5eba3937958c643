/* split.c: Step that makes many messages from one, row by row. Each row carries all the tensors that are not split. A
 * row shares its elements with the original message. */
#include "base/number/number.h"
#include "message/provenance.h"
#include "steps/kinds.h"

struct split {
	int by; /* there is only `rows` */
	struct name_list tensors;
};

/* What is made for each row at once: its payload, its lists, and a tensor of each that is cut. */
struct rows {
	size_t count;
	size_t each; /* tensors of a row */
	const struct tensor *const *whole;
	bool *cut;
};

static bool is_named(const struct split *self, struct text name)
{
	for (size_t i = 0; i < self->tensors.count; i++)
		if (text_is(name, self->tensors.items[i].text))
			return true;
	return self->tensors.count == 0;
}

static bool find_absent(const struct split *self, const struct payload *payload, struct error *error)
{
	for (size_t i = 0; i < self->tensors.count; i++)
		if (!tensors_find(payload->tensors, text_of(self->tensors.items[i].text)))
			return !reply_lacks(payload, text_of(self->tensors.items[i].text), self->tensors.items[i].place, "`split`",
					    error) &&
			       error_set(error, ERROR_INPUT, self->tensors.items[i].place,
					 "tensor `%s` is to be split, but is missing; send it, or leave it out of `tensors`",
					 self->tensors.items[i].text);
	return true;
}

/* All that are split have as many rows. */
static bool rows_count(const struct step *step, struct rows *rows, struct error *error)
{
	const struct tensor *first = NULL;
	for (size_t i = 0; i < rows->each; i++) {
		const struct tensor *tensor = rows->whole[i];
		if (!rows->cut[i])
			continue;
		if (tensor->rank == 0)
			return error_set_tensor(error, step->place,
						"tensor `" TEXT_FORMAT
						"` is a single element and has no rows to split; name those that "
						"have, in `tensors`",
						TEXT_ARGUMENTS(tensor->name));
		if (first && first->shape[0] != tensor->shape[0])
			return error_set_tensor(error, step->place,
						"tensor `" TEXT_FORMAT "` has %lld rows and `" TEXT_FORMAT
						"` has %lld, so they cannot be "
						"split together; send as many of each, or name one in `tensors`",
						TEXT_ARGUMENTS(first->name), (long long)first->shape[0],
						TEXT_ARGUMENTS(tensor->name), (long long)tensor->shape[0]);
		first = first ? first : tensor;
	}
	rows->count = first ? (size_t)first->shape[0] : 0;
	return true;
}

/* One row of it, with the shape [1, ...]: nothing is copied. */
static const struct tensor *row_of(struct arena *arena, const struct tensor *whole, size_t nth, size_t count)
{
	struct tensor *row = arena_take_raw(arena, sizeof *row);
	int64_t *shape = arena_take_raw(arena, whole->rank * sizeof *shape);
	if (!row || !shape)
		return NULL;
	*row = *whole;
	row->count = whole->count / count;
	row->data = (const unsigned char *)whole->data + nth * row->count * datatype_stride(whole->datatype);
	memcpy(shape, whole->shape, whole->rank * sizeof *shape);
	shape[0] = 1;
	row->shape = shape;
	return row;
}

/* ID/NTH */
static struct text row_id(struct arena *arena, struct text id, size_t nth)
{
	char number[NUMBER_TEXT_MAX];
	size_t length = number_write_uint64(number, nth);
	char *bytes = arena_take_raw(arena, id.length + 1 + length);
	if (!bytes)
		return (struct text){0};
	if (id.length > 0)
		memcpy(bytes, id.bytes, id.length);
	bytes[id.length] = '/';
	memcpy(bytes + id.length + 1, number, length);
	return (struct text){bytes, id.length + 1 + length};
}

static bool row_leave(struct visit *visit, const struct rows *rows, size_t nth, struct error *error)
{
	struct arena *arena = visit_arena(visit);
	const struct message *message = visit_message(visit);
	struct payload *payload = arena_take_raw(arena, sizeof *payload);
	struct text id = row_id(arena, message->id, nth);
	struct tensors_builder tensors;
	tensors_begin(&tensors, arena, rows->each);
	for (size_t i = 0; i < rows->each; i++)
		tensors_add(&tensors, rows->cut[i] ? row_of(arena, rows->whole[i], nth, rows->count) : rows->whole[i]);
	if (arena_failed(arena))
		return error_memory(error, ERROR_LIMIT, "splitting a message");
	*payload = *visit_input(visit);
	payload->tensors = tensors_end(&tensors);
	return visit_offspring(visit, id, (struct text){0}, message->time_ms, payload, error);
}

static enum step_verdict split_run(struct step *step, struct visit *visit, struct error *error)
{
	const struct split *self = step->options;
	const struct tensors *tensors = &visit_input(visit)->tensors;
	struct rows rows = {
		.each = tensors->count, .whole = tensors->items, .cut = ARENA_ARRAY(visit_arena(visit), bool, tensors->count)};
	if (!rows.cut)
		return error_memory(error, ERROR_LIMIT, "splitting a message"), STEP_FAIL;
	for (size_t i = 0; i < rows.each; i++)
		rows.cut[i] = is_named(self, rows.whole[i]->name);
	if (!find_absent(self, visit_input(visit), error) || !rows_count(step, &rows, error))
		return STEP_FAIL;
	for (size_t i = 0; i < rows.count; i++)
		if (!row_leave(visit, &rows, i, error))
			return STEP_FAIL;
	return STEP_DONE;
}

static void split_describe(const struct step *step, struct step_facts *facts)
{
	(void)step;
	facts->makes_offspring = true;
}

/* Of a row's tensors dimension 0 is 1. */
static bool split_infer(const struct step *step, const struct tensor_types *in, struct arena *arena, struct tensor_types *out,
			struct error *error)
{
	const struct split *self = step->options;
	struct tensor_type *items = ARENA_ARRAY(arena, struct tensor_type, in->count);
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "finding the types of a row");
	for (size_t i = 0; i < in->count; i++) {
		items[i] = in->items[i];
		if (is_named(self, items[i].name) && items[i].type.shape_known && items[i].type.rank > 0)
			items[i].type.shape[0] = 1;
	}
	*out = (struct tensor_types){.complete = in->complete, .count = in->count, .items = items};
	return true;
}

static const struct option options[] = {
	ROW("by", CHOICE, struct split, by, .choices = "rows", .fallback = "rows", .help = "The unit of a part."),
	ROW("tensors", NAMES, struct split, tensors, .least = 1,
	    .help = "The tensors to split; the others are passed on with each part. Default: all."),
	{.type = OPTION_END},
};

const struct step_kind step_split = {
	.name = "split",
	.summary = "Makes one message from each row, with the ids ID/0, ID/1 and so on; without rows, no message.",
	.example = "- name: items\n"
		   "  inputs: [ensemble]\n"
		   "  split: {by: rows, tensors: [predict]}\n",
	.options = options,
	.options_size = sizeof(struct split),
	.shape = SHAPE_PASSES,
	.describe = split_describe,
	.infer = split_infer,
	.run = split_run,
};
