/* operation_shapes.c: Operations that join, split and reshape tensors. */
#include "steps/prepare/operations.h"

#include "message/provenance.h"

#define AXIS_ABSENT "`%s` is along axis %lld, and `" TEXT_FORMAT "` has %u dimensions; count them from 0, or backwards from -1"

static bool axis_refuse(const struct operation_instruction *instruction, const struct tensor *tensor, int64_t axis,
			struct error *error)
{
	return error_set_tensor(error, instruction->place, AXIS_ABSENT, instruction->kind->name, (long long)axis,
				TEXT_ARGUMENTS(tensor->name), tensor->rank);
}

static bool axis_of(int64_t axis, uint32_t rank, uint32_t *found)
{
	*found = (uint32_t)(axis < 0 ? axis + rank : axis);
	return axis >= -(int64_t)rank && axis < (int64_t)rank;
}

static size_t product(const int64_t *shape, uint32_t from, uint32_t to)
{
	size_t count = 1;
	for (uint32_t i = from; i < to; i++)
		count *= (size_t)shape[i];
	return count;
}

/* ---- reshape ---- */

static bool reshape_check(const void *options, struct place place, struct error *error)
{
	const struct operation_reshape *self = options;
	size_t open = 0;
	for (size_t i = 0; i < self->shape.count; i++)
		open += self->shape.items[i] < 0;
	if (self->shape.count > TENSOR_RANK_MAX)
		return error_set(error, ERROR_CONFIG, place, "a shape has at most %d dimensions", TENSOR_RANK_MAX);
	return open < 2 || error_set(error, ERROR_CONFIG, place, "`shape` has more than one -1; at most one is possible");
}

/* The shape for `count` elements; false: they do not fill it. */
static bool shape_for(const struct operation_reshape *self, size_t count, int64_t *shape)
{
	size_t filled = 1, open = self->shape.count;
	for (size_t i = 0; i < self->shape.count; i++) {
		shape[i] = (int64_t)self->shape.items[i];
		if (shape[i] < 0)
			open = i;
		else if (__builtin_mul_overflow(filled, (size_t)shape[i], &filled))
			return false;
	}
	if (open == self->shape.count)
		return filled == count;
	shape[open] = filled ? (int64_t)(count / filled) : 0;
	return filled && count % filled == 0;
}

static size_t reshape_adds(const void *options)
{
	return ((const struct operation_reshape *)options)->as.text != NULL;
}

static struct text reshape_name(const struct operation_reshape *self)
{
	return text_of(self->as.text ? self->as.text : self->tensor.text);
}

static bool reshape_run(const struct operation_instruction *instruction, struct work *work, struct error *error)
{
	const struct operation_reshape *self = instruction->options;
	const struct tensor *tensor = work_find(work, instruction, text_of(self->tensor.text), error);
	if (!tensor)
		return false;
	int64_t *shape = arena_take_raw(work->arena, self->shape.count * sizeof *shape);
	struct tensor *made = arena_take_raw(work->arena, sizeof *made);
	if (!shape || !made)
		return error_memory(error, ERROR_LIMIT, "reshaping a tensor");
	if (!shape_for(self, tensor->count, shape)) {
		const struct tensor wanted = {.shape = shape, .rank = (uint32_t)self->shape.count, .datatype = tensor->datatype};
		return error_set_tensor(error, instruction->place,
				 "`reshape` cannot make %s of `" TEXT_FORMAT "`, which is %s; it has %zu elements",
				 tensor_type_text(work->arena, &wanted), TEXT_ARGUMENTS(tensor->name),
				 tensor_type_text(work->arena, tensor), tensor->count);
	}
	*made = *tensor;
	made->name = reshape_name(self);
	made->shape = shape;
	made->rank = (uint32_t)self->shape.count;
	work_put(work, made);
	return true;
}

static bool reshape_infer(const struct operation_instruction *instruction, struct typing *typing, struct error *error)
{
	const struct operation_reshape *self = instruction->options;
	const struct value_type *type = typing_expect(typing, instruction, text_of(self->tensor.text), error);
	if (!type)
		return false;
	struct value_type result = *type;
	size_t count = 1;
	bool known = type->shape_known;
	for (uint32_t i = 0; known && i < type->rank; i++) {
		known = type->shape[i] >= 0;
		count *= known ? (size_t)type->shape[i] : 1;
	}
	result.shape_known = true;
	result.rank = (uint32_t)self->shape.count;
	if (known && !shape_for(self, count, result.shape))
		return error_set(error, ERROR_CONFIG, instruction->place, "`%s` has %zu elements, which do not fill that shape",
				 self->tensor.text, count);
	for (uint32_t i = 0; !known && i < result.rank; i++)
		result.shape[i] = (int64_t)self->shape.items[i];
	return typing_put(typing, reshape_name(self), &result);
}

/* ---- concat ---- */

static bool concat_check(const void *options, struct place place, struct error *error)
{
	const struct operation_concat *self = options;
	(void)place;
	for (size_t i = 0; i < self->tensors.count; i++)
		if (!*self->tensors.items[i].text)
			return error_set(error, ERROR_CONFIG, self->tensors.items[i].place, "a name in `tensors` is empty");
	return true;
}

/* The datatype that elements of both fit: equal ones stay, integers are INT64, with a float
 * FP32 if all floats are FP32 or smaller, else FP64. COUNT: there is none. */
static enum datatype datatype_joined(enum datatype a, enum datatype b)
{
	const enum datatype_class class_a = datatype_rows[a].class, class_b = datatype_rows[b].class;
	if (a == b)
		return a;
	if (class_a == CLASS_BYTES || class_b == CLASS_BYTES || class_a == CLASS_BOOL || class_b == CLASS_BOOL)
		return DATATYPE_COUNT;
	if (class_a != CLASS_FLOAT && class_b != CLASS_FLOAT)
		return a == DATATYPE_UINT64 || b == DATATYPE_UINT64 ? DATATYPE_FP64 : DATATYPE_INT64;
	return a == DATATYPE_FP64 || b == DATATYPE_FP64 ? DATATYPE_FP64 : DATATYPE_FP32;
}

static size_t concat_adds(const void *options)
{
	(void)options;
	return 1;
}

/* Whether both have the same dimensions but along that axis. */
static bool operation_shapes_are_equal(const struct tensor *a, const struct tensor *b, uint32_t axis)
{
	bool same = a->rank == b->rank;
	for (uint32_t i = 0; same && i < a->rank; i++)
		same = i == axis || a->shape[i] == b->shape[i];
	return same;
}

static bool concat_agree(const struct operation_instruction *instruction, const struct work *work,
			 const struct tensor *const *parts, uint32_t axis, enum datatype *datatype, struct error *error)
{
	const struct operation_concat *self = instruction->options;
	*datatype = parts[0]->datatype;
	for (size_t i = 1; i < self->tensors.count; i++) {
		*datatype = datatype_joined(*datatype, parts[i]->datatype);
		if (*datatype == DATATYPE_COUNT || !operation_shapes_are_equal(parts[0], parts[i], axis)) {
			error_set_tensor(error, instruction->place,
				  "`concat` cannot join `%s`, %s, and `%s`, %s, along axis %lld; reshape or cast one of them",
				  self->tensors.items[0].text, tensor_type_text(work->arena, parts[0]), self->tensors.items[i].text,
				  tensor_type_text(work->arena, parts[i]), (long long)self->axis);
			return reply_blamed(error, *datatype != DATATYPE_COUNT			  ? NULL
						   : parts[0]->datatype == DATATYPE_BYTES ? parts[0]
											  : parts[i]);
		}
	}
	return true;
}

/* A part's elements to where they stand in the whole: blocks of `block`, every `stride`. */
static void part_copy(char *out, const struct tensor *part, enum datatype datatype, size_t block, size_t stride)
{
	const size_t size = datatype_stride(datatype), blocks = block ? part->count / block : 0;
	for (size_t i = 0; i < blocks; i++) {
		char *to = out + i * stride * size;
		if (part->datatype == datatype)
			memcpy(to, (const char *)part->data + i * block * size, block * size);
		else
			for (size_t j = 0; j < block; j++)
				(void)tensor_store(to, datatype, j, tensor_number(part, i * block + j)); /* wide enough */
	}
}

static bool concat_run(const struct operation_instruction *instruction, struct work *work, struct error *error)
{
	const struct operation_concat *self = instruction->options;
	const struct tensor **parts = arena_take_raw(work->arena, self->tensors.count * sizeof *parts);
	if (!parts)
		return error_memory(error, ERROR_LIMIT, "joining tensors");
	for (size_t i = 0; i < self->tensors.count; i++)
		if (!(parts[i] = work_find(work, instruction, text_of(self->tensors.items[i].text), error)))
			return false;
	uint32_t axis, rank = parts[0]->rank;
	enum datatype datatype;
	if (!axis_of(self->axis, rank, &axis))
		return axis_refuse(instruction, parts[0], self->axis, error);
	if (!concat_agree(instruction, work, parts, axis, &datatype, error))
		return false;
	int64_t shape[TENSOR_RANK_MAX];
	memcpy(shape, parts[0]->shape, rank * sizeof *shape);
	for (size_t i = 1; i < self->tensors.count; i++)
		shape[axis] += parts[i]->shape[axis];
	void *elements;
	struct tensor *made = tensor_make(work->arena, text_of(self->as.text), datatype, shape, rank, &elements, error);
	if (!made)
		return false;
	const size_t inner = product(shape, axis + 1, rank), stride = (size_t)shape[axis] * inner;
	size_t at = 0;
	for (size_t i = 0; i < self->tensors.count; i++) {
		const size_t block = (size_t)parts[i]->shape[axis] * inner;
		part_copy((char *)elements + at * datatype_stride(datatype), parts[i], datatype, block, stride);
		at += block;
	}
	work_put(work, made);
	return true;
}

static bool concat_infer(const struct operation_instruction *instruction, struct typing *typing, struct error *error)
{
	const struct operation_concat *self = instruction->options;
	struct value_type result = {0};
	for (size_t i = 0; i < self->tensors.count; i++) {
		const struct value_type *type = typing_expect(typing, instruction, text_of(self->tensors.items[i].text), error);
		uint32_t axis;
		if (!type)
			return false;
		if (type->shape_known && !axis_of(self->axis, type->rank, &axis))
			return error_set(error, ERROR_CONFIG, instruction->place, AXIS_ABSENT, instruction->kind->name,
					 (long long)self->axis, TEXT_ARGUMENTS(text_of(self->tensors.items[i].text)), type->rank);
		if (i == 0) {
			result = *type;
			continue;
		}
		const enum datatype joined = result.datatype_known && type->datatype_known
						     ? datatype_joined(result.datatype, type->datatype)
						     : DATATYPE_COUNT;
		bool shapes = result.shape_known && type->shape_known;
		if ((result.datatype_known && type->datatype_known && joined == DATATYPE_COUNT) ||
		    (shapes && result.rank != type->rank))
			return error_set(error, ERROR_CONFIG, instruction->place,
					 "`concat` cannot join `%s` and `%s`: their datatypes or dimensions do not agree",
					 self->tensors.items[0].text, self->tensors.items[i].text);
		if (joined != DATATYPE_COUNT) {
			result.class = type_of_datatype(joined).class;
			result.datatype = joined;
		}
		result.datatype_known = joined != DATATYPE_COUNT;
		result.shape_known = shapes;
		if (shapes && axis_of(self->axis, result.rank, &axis))
			result.shape[axis] =
				result.shape[axis] < 0 || type->shape[axis] < 0 ? -1 : result.shape[axis] + type->shape[axis];
	}
	return typing_put(typing, text_of(self->as.text), &result);
}

/* ---- split ---- */

/* Of two parts of one name the second would take the place of the first. */
static bool split_check(const void *options, struct place place, struct error *error)
{
	const struct name_list *as = &((const struct operation_split *)options)->as;
	(void)place;
	for (size_t i = 0; i < as->count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(as->items[i].text, as->items[j].text) == 0)
				return error_set(error, ERROR_CONFIG, as->items[i].place,
						 "`%s` is already another part; give each a different name", as->items[i].text);
	return true;
}

static size_t split_adds(const void *options)
{
	return ((const struct operation_split *)options)->as.count;
}

static bool split_run(const struct operation_instruction *instruction, struct work *work, struct error *error)
{
	const struct operation_split *self = instruction->options;
	const struct tensor *tensor = work_find(work, instruction, text_of(self->tensor.text), error);
	uint32_t axis;
	if (!tensor)
		return false;
	if (!axis_of(self->axis, tensor->rank, &axis))
		return axis_refuse(instruction, tensor, self->axis, error);
	const size_t parts = self->as.count;
	if ((size_t)tensor->shape[axis] % parts != 0)
		return error_set_tensor(error, instruction->place,
				 "`split` cannot cut `" TEXT_FORMAT "`, %s, into %zu equal parts along axis %lld",
				 TEXT_ARGUMENTS(tensor->name), tensor_type_text(work->arena, tensor), parts, (long long)self->axis);
	int64_t shape[TENSOR_RANK_MAX];
	memcpy(shape, tensor->shape, tensor->rank * sizeof *shape);
	shape[axis] /= (int64_t)parts;
	const size_t size = datatype_stride(tensor->datatype), block = product(shape, axis, tensor->rank);
	const size_t blocks = product(shape, 0, axis);
	for (size_t i = 0; i < parts; i++) {
		void *elements;
		struct tensor *made = tensor_make(work->arena, text_of(self->as.items[i].text), tensor->datatype, shape,
						  tensor->rank, &elements, error);
		if (!made)
			return false;
		made->model = tensor->model;
		for (size_t j = 0; j < blocks; j++)
			memcpy((char *)elements + j * block * size, (const char *)tensor->data + (j * parts + i) * block * size,
			       block * size);
		work_put(work, made);
	}
	return true;
}

static bool split_infer(const struct operation_instruction *instruction, struct typing *typing, struct error *error)
{
	const struct operation_split *self = instruction->options;
	const struct value_type *type = typing_expect(typing, instruction, text_of(self->tensor.text), error);
	if (!type)
		return false;
	struct value_type result = *type;
	const int64_t parts = (int64_t)self->as.count;
	uint32_t axis;
	if (result.shape_known && !axis_of(self->axis, result.rank, &axis))
		return error_set(error, ERROR_CONFIG, instruction->place, AXIS_ABSENT, instruction->kind->name,
				 (long long)self->axis, TEXT_ARGUMENTS(text_of(self->tensor.text)), result.rank);
	if (result.shape_known && result.shape[axis] >= 0) {
		if (result.shape[axis] % parts != 0)
			return error_set(error, ERROR_CONFIG, instruction->place,
					 "`%s` has %lld along axis %lld, which cannot be cut into %lld equal parts",
					 self->tensor.text, (long long)result.shape[axis], (long long)self->axis, (long long)parts);
		result.shape[axis] /= parts;
	}
	for (size_t i = 0; i < self->as.count; i++)
		if (!typing_put(typing, text_of(self->as.items[i].text), &result))
			return false;
	return true;
}

const struct operation_kind operations_on_shapes[] = {
	{.name = "reshape", .check = reshape_check, .adds = reshape_adds, .run = reshape_run, .infer = reshape_infer},
	{.name = "concat", .check = concat_check, .adds = concat_adds, .run = concat_run, .infer = concat_infer},
	{.name = "split", .check = split_check, .adds = split_adds, .run = split_run, .infer = split_infer},
	{0},
};
