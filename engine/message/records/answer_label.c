/* answer_label.c: see answer_label.h. */
#include "message/records/answer_label.h"

#include <math.h>

#include "base/number/number.h"

#define WHOLE_MAX 9007199254740992.0 /* 2^53: doubles below it tell all whole numbers apart */
#define PROBABLE 0.5

static struct text integer_text(int64_t number, char room[LABEL_ROOM])
{
	return (struct text){room, number_write_int64(room, number)};
}

/* Of one element; empty: a number with a fraction, or a text that is too long. */
static struct text element_text(const struct tensor *tensor, char room[LABEL_ROOM])
{
	switch (tensor->datatype) {
	case DATATYPE_BYTES: {
		const struct text text = *(const struct text *)tensor->data;
		return text.length <= LABEL_BYTES_MAX ? text : (struct text){0};
	}
	case DATATYPE_UINT64:
		return (struct text){room, number_write_uint64(room, *(const uint64_t *)tensor->data)};
	case DATATYPE_INT64:
		return integer_text(*(const int64_t *)tensor->data, room);
	default: {
		const double number = tensor_number(tensor, 0);
		return fabs(number) < WHOLE_MAX && number == floor(number) ? integer_text((int64_t)number, room) : (struct text){0};
	}
	}
}

static const struct tensor *only_element(const struct tensors *tensors)
{
	return tensors->count > 0 && tensors->items[0]->count == 1 ? tensors->items[0] : NULL;
}

struct text answer_label(const struct tensors *outputs, char room[LABEL_ROOM])
{
	const struct tensor *first = only_element(outputs);
	if (!first)
		return (struct text){0};
	if (datatype_rows[first->datatype].class != CLASS_FLOAT)
		return element_text(first, room);
	const double probability = tensor_number(first, 0);
	return probability >= 0 && probability <= 1 ? integer_text(probability >= PROBABLE, room) : element_text(first, room);
}

struct text truth_label(const struct tensors *truth, char room[LABEL_ROOM])
{
	const struct tensor *first = only_element(truth);
	return first ? element_text(first, room) : (struct text){0};
}
