/* rows.c: see rows.h. */
#include "message/rows.h"

#include "message/provenance.h"

struct text text_copied(struct arena *arena, struct text text)
{
	const char *copy = text.bytes ? arena_copy(arena, text.bytes, text.length) : NULL;
	return copy ? (struct text){copy, text.length} : (struct text){0};
}

struct text buffer_kept(struct arena *arena, struct buffer *buffer)
{
	struct text kept = {0};
	if (!buffer_failed(buffer))
		kept = text_copied(arena, buffer_view(buffer));
	buffer_close(buffer);
	return kept;
}

struct parameters parameters_copied(struct arena *arena, struct parameters parameters)
{
	struct parameter *items = ARENA_ARRAY(arena, struct parameter, parameters.count);
	for (size_t i = 0; items && i < parameters.count; i++) {
		items[i] = parameters.items[i];
		items[i].name = text_copied(arena, items[i].name);
		if (items[i].type == PARAMETER_TEXT)
			items[i].value.text = text_copied(arena, items[i].value.text);
	}
	return (struct parameters){items ? parameters.count : 0, items};
}

/* `count` elements of `tensor` from `first`, into an array of its datatype. */
static void elements_copy(struct arena *arena, unsigned char *to, const struct tensor *tensor, size_t first, size_t count)
{
	size_t stride = datatype_stride(tensor->datatype);
	if (count)
		memcpy(to, (const unsigned char *)tensor->data + first * stride, count * stride);
	struct text *texts = (struct text *)(void *)to;
	for (size_t i = 0; tensor->datatype == DATATYPE_BYTES && i < count; i++)
		texts[i] = text_copied(arena, texts[i]);
}

/* Rows of a tensor as a tensor of their own, with nothing borrowed. */
static const struct tensor *tensor_rows(struct arena *arena, const struct tensor *tensor, size_t first, size_t rows, size_t of)
{
	int64_t shape[TENSOR_RANK_MAX] = {0};
	bool cut = tensor->rank > 0 && (size_t)tensor->shape[0] == of;
	memcpy(shape, tensor->shape, tensor->rank * sizeof *shape);
	if (cut)
		shape[0] = (int64_t)rows;
	void *elements;
	struct error error;
	error.kind = ERROR_NONE;
	struct tensor *copy =
		tensor_make(arena, text_copied(arena, tensor->name), tensor->datatype, shape, tensor->rank, &elements, &error);
	if (!copy)
		return NULL;
	size_t stride = cut && of ? tensor->count / of : 0;
	elements_copy(arena, elements, tensor, cut ? first * stride : 0, copy->count);
	copy->parameters = parameters_copied(arena, tensor->parameters);
	copy->model = arena_copy_string(arena, tensor->model);
	return copy;
}

static struct tensors tensors_rows(struct arena *arena, struct tensors tensors, size_t first, size_t rows, size_t of)
{
	struct tensors_builder cut;
	tensors_begin(&cut, arena, tensors.count);
	for (size_t i = 0; i < tensors.count; i++)
		tensors_add(&cut, tensor_rows(arena, tensors.items[i], first, rows, of));
	return tensors_end(&cut);
}

const struct payload *payload_rows(struct arena *arena, const struct payload *payload, size_t first, size_t rows, size_t of)
{
	assert(first <= of && rows <= of - first);
	struct payload *copy = ARENA_NEW(arena, struct payload);
	if (!copy)
		return NULL;
	copy->tensors = tensors_rows(arena, payload->tensors, first, rows, of);
	copy->marks = tensors_rows(arena, payload->marks, first, rows, of);
	copy->parameters = parameters_copied(arena, payload->parameters);
	copy->model_name = text_copied(arena, payload->model_name);
	payload_set_version(copy, arena, text_copied(arena, payload_version(payload)));
	copy->replier = repliers_copied(arena, payload->replier);
	return copy;
}

size_t payload_row_count(const struct payload *payload)
{
	for (size_t i = 0; i < payload->tensors.count; i++) {
		const struct tensor *tensor = payload->tensors.items[i];
		if (tensor->rank == 0 || tensor->shape[0] != payload->tensors.items[0]->shape[0])
			return 0;
	}
	return payload->tensors.count ? (size_t)payload->tensors.items[0]->shape[0] : 0;
}

static bool tensors_agree(const struct tensor *a, const struct tensor *b)
{
	return a->datatype == b->datatype && a->rank == b->rank && text_equal(a->name, b->name) &&
	       memcmp(a->shape + 1, b->shape + 1, (a->rank - 1) * sizeof *a->shape) == 0;
}

bool payloads_agree(const struct payload *a, const struct payload *b)
{
	if (a->tensors.count != b->tensors.count)
		return false;
	for (size_t i = 0; i < a->tensors.count; i++)
		if (!tensors_agree(a->tensors.items[i], b->tensors.items[i]))
			return false;
	return true;
}

static const struct tensor *tensors_joined(struct arena *arena, const struct payload *const *parts, size_t count, size_t nth,
					   size_t rows)
{
	const struct tensor *model = parts[0]->tensors.items[nth];
	int64_t shape[TENSOR_RANK_MAX] = {0};
	memcpy(shape, model->shape, model->rank * sizeof *shape);
	shape[0] = (int64_t)rows;
	void *elements;
	struct error error = {0};
	struct tensor *whole =
		tensor_make(arena, text_copied(arena, model->name), model->datatype, shape, model->rank, &elements, &error);
	if (!whole)
		return NULL;
	unsigned char *to = elements;
	for (size_t i = 0; i < count; i++) {
		const struct tensor *part = parts[i]->tensors.items[nth];
		elements_copy(arena, to, part, 0, part->count);
		to += tensor_size_bytes(part);
	}
	whole->parameters = parameters_copied(arena, model->parameters);
	whole->model = arena_copy_string(arena, model->model);
	return whole;
}

struct tensors payloads_joined(struct arena *arena, const struct payload *const *parts, size_t count, size_t rows)
{
	struct tensors_builder tensors;
	tensors_begin(&tensors, arena, parts[0]->tensors.count);
	for (size_t i = 0; i < parts[0]->tensors.count; i++)
		tensors_add(&tensors, tensors_joined(arena, parts, count, i, rows));
	return tensors_end(&tensors);
}
