/* payloads.c: see payloads.h. */
#include "payloads.h"

uint64_t seed_next(uint64_t *seed)
{
	uint64_t mixed = *seed += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64 */
	mixed = (mixed ^ mixed >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94D049BB133111EB);
	return mixed ^ mixed >> 31;
}

struct text text_drawn(struct arena *arena, uint64_t *seed)
{
	const struct text some[] = {TEXT(""), TEXT("x"), TEXT("predict"), TEXT("a name of some length, to be more than a word"),
					   TEXT("pr\xC3\xA9vision"), TEXT("\xF0\x9F\x90\x98"), {"a\0b", 3}};
	struct text text = some[seed_next(seed) % (sizeof some / sizeof *some)];
	return (struct text){arena_copy(arena, text.bytes, text.length), text.length};
}

static struct parameters parameters_drawn(struct arena *arena, uint64_t *seed)
{
	size_t count = seed_next(seed) % 8;
	if (count > 5)
		return (struct parameters){0};
	struct parameter *items = ARENA_ARRAY(arena, struct parameter, count);
	for (size_t i = 0; i < count; i++) {
		do
			items[i].name = text_drawn(arena, seed);
		while (parameters_find((struct parameters){i, items}, items[i].name));
		items[i].type = (enum parameter_type)(seed_next(seed) % 5);
		switch (items[i].type) {
		case PARAMETER_FLAG:
			items[i].value.flag = seed_next(seed) % 2;
			break;
		case PARAMETER_INTEGER:
			items[i].value.integer = (int64_t)(seed_next(seed) >> seed_next(seed) % 64);
			if (seed_next(seed) % 2)
				items[i].value.integer = -items[i].value.integer;
			break;
		case PARAMETER_UNSIGNED:
			items[i].value.natural = seed_next(seed) | UINT64_C(1) << 63;
			break;
		case PARAMETER_NUMBER:
			items[i].value.number = (double)(int64_t)seed_next(seed) / 3.0;
			break;
		case PARAMETER_TEXT:
			items[i].value.text = text_drawn(arena, seed);
			break;
		}
	}
	return (struct parameters){count, items};
}

static const struct tensor *tensor_drawn(struct arena *arena, uint64_t *seed)
{
	struct error error = {0};
	int64_t shape[4];
	size_t rank = seed_next(seed) % 5;
	for (size_t i = 0; i < rank; i++)
		shape[i] = (int64_t)(seed_next(seed) % 5);
	void *elements;
	enum datatype datatype = (enum datatype)(seed_next(seed) % DATATYPE_COUNT);
	struct tensor *tensor = tensor_make(arena, text_drawn(arena, seed), datatype, shape, rank, &elements, &error);
	for (size_t i = 0; i < tensor->count; i++) {
		uint64_t bits = seed_next(seed);
		size_t size = datatype_rows[datatype].size;
		if (datatype == DATATYPE_BYTES)
			((struct text *)elements)[i] = text_drawn(arena, seed);
		else if (datatype == DATATYPE_BOOL)
			((uint8_t *)elements)[i] = bits % 2;
		else
			memcpy((char *)elements + i * size, &bits, size);
	}
	tensor->parameters = parameters_drawn(arena, seed);
	return tensor;
}

static struct tensors tensors_drawn(struct arena *arena, uint64_t *seed)
{
	struct tensors_builder builder;
	size_t count = seed_next(seed) % 4;
	tensors_begin(&builder, arena, count);
	while (count--)
		tensors_add(&builder, tensor_drawn(arena, seed));
	return tensors_end(&builder);
}

struct payload payload_drawn(struct arena *arena, uint64_t *seed)
{
	struct payload payload = {0};
	payload.tensors = tensors_drawn(arena, seed);
	payload.marks = tensors_drawn(arena, seed);
	payload.parameters = parameters_drawn(arena, seed);
	payload.model_name = text_drawn(arena, seed);
	payload_set_version(&payload, arena, text_drawn(arena, seed));
	return payload;
}

static bool parameter_equal(const struct parameter *a, const struct parameter *b)
{
	if (!text_equal(a->name, b->name) || a->type != b->type)
		return false;
	switch (a->type) {
	case PARAMETER_FLAG:
		return a->value.flag == b->value.flag;
	case PARAMETER_TEXT:
		return text_equal(a->value.text, b->value.text);
	case PARAMETER_INTEGER:
	case PARAMETER_UNSIGNED:
	case PARAMETER_NUMBER:
		break;
	}
	return a->value.natural == b->value.natural;
}

bool parameters_equal(struct parameters a, struct parameters b)
{
	if (a.count != b.count)
		return false;
	for (size_t i = 0; i < a.count; i++)
		if (!parameter_equal(&a.items[i], &b.items[i]))
			return false;
	return true;
}

struct payload *payload_of_number(struct arena *arena, const char *name, float number)
{
	struct error error = {0};
	void *elements;
	const int64_t shape[] = {1};
	struct payload *payload = ARENA_NEW(arena, struct payload);
	struct tensors_builder tensors;
	tensors_begin(&tensors, arena, 1);
	tensors_add(&tensors, tensor_make(arena, text_of(name), DATATYPE_FP32, shape, 1, &elements, &error));
	*(float *)elements = number;
	payload->tensors = tensors_end(&tensors);
	return payload;
}

static bool elements_equal(const struct tensor *a, const struct tensor *b)
{
	if (a->datatype != DATATYPE_BYTES)
		return a->count == 0 || memcmp(a->data, b->data, tensor_size_bytes(a)) == 0;
	for (size_t i = 0; i < a->count; i++)
		if (!text_equal(((const struct text *)a->data)[i], ((const struct text *)b->data)[i]))
			return false;
	return true;
}

static bool tensor_equal(const struct tensor *a, const struct tensor *b)
{
	return text_equal(a->name, b->name) && a->datatype == b->datatype && a->rank == b->rank && a->count == b->count &&
	       (a->rank == 0 || memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) == 0) && elements_equal(a, b) &&
	       parameters_equal(a->parameters, b->parameters);
}

bool tensors_equal(struct tensors a, struct tensors b)
{
	if (a.count != b.count)
		return false;
	for (size_t i = 0; i < a.count; i++)
		if (!tensor_equal(a.items[i], b.items[i]))
			return false;
	return true;
}
