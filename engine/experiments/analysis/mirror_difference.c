/* mirror_difference.c: see mirror_difference.h. */
#include "experiments/analysis/mirror_difference.h"

#include <math.h>
#include <stdio.h>

#define NAME_SHOWN_MAX 200

const char *mirror_difference_name(enum mirror_difference difference)
{
	static const char *const names[] = {"none", "numbers", "shape", "missing tensor", "mirror failed", "answer failed"};
	return names[difference];
}

/* ---- one tensor ---- */

static bool shapes_equal(const struct tensor *a, const struct tensor *b)
{
	if (a->rank != b->rank || (a->datatype == DATATYPE_BYTES) != (b->datatype == DATATYPE_BYTES))
		return false;
	for (uint32_t i = 0; i < a->rank; i++)
		if (a->shape[i] != b->shape[i])
			return false;
	return true;
}

/* Equal numbers agree, infinite ones too, and so do two that are no numbers. */
static double numbers_difference(double a, double b)
{
	return a == b || (isnan(a) && isnan(b)) ? 0 : isnan(a - b) ? INFINITY : fabs(a - b);
}

/* Whether tensors of equal shapes agree. `*worst`: the index of the elements that differ most, for how much they may. */
static bool elements_agree(const struct tensor *answered, const struct tensor *replied, double tolerance, double *largest,
			   size_t *worst)
{
	double most = 0;
	bool agree = true;
	*largest = 0;
	*worst = 0;
	for (size_t i = 0; i < answered->count; i++) {
		if (answered->datatype == DATATYPE_BYTES) {
			agree = agree &&
				text_equal(((const struct text *)answered->data)[i], ((const struct text *)replied->data)[i]);
			continue;
		}
		const double number = tensor_number(answered, i);
		const double difference = numbers_difference(number, tensor_number(replied, i));
		const double excess = difference / fmax(1, isfinite(number) ? fabs(number) : 1);
		*largest = fmax(*largest, difference);
		if (excess > most) {
			most = excess;
			*worst = i;
		}
	}
	return agree && most <= tolerance;
}

/* The first tensor that differs is the one that is named. */
static void tensor_compare(const struct tensor *answered, const struct tensor *replied, double tolerance,
			   const struct mirror_tensor_taker *taker, struct mirror_disagreement *found)
{
	double largest = 0;
	size_t worst = 0;
	const bool alike = shapes_equal(answered, replied);
	const bool agrees = alike && elements_agree(answered, replied, tolerance, &largest, &worst);
	if (taker)
		taker->take(taker->context, answered->name, agrees, largest);
	if (agrees || found->difference != MIRROR_SAME)
		return;
	found->difference = alike ? MIRROR_NUMBERS : MIRROR_SHAPES;
	found->tensor = answered->name;
	if (alike && answered->datatype != DATATYPE_BYTES) {
		found->answered = tensor_number(answered, worst);
		found->replied = tensor_number(replied, worst);
	}
}

/* ---- all of them ---- */

static void outputs_compare(const struct tensors *answered, const struct tensors *replied, double tolerance,
			    const struct mirror_tensor_taker *taker, struct mirror_disagreement *found)
{
	const struct tensor *missing = NULL;
	for (size_t i = 0; i < answered->count; i++) {
		const struct tensor *other = tensors_find(*replied, answered->items[i]->name);
		if (other)
			tensor_compare(answered->items[i], other, tolerance, taker, found);
		else if (!missing)
			missing = answered->items[i];
	}
	for (size_t i = 0; !missing && i < replied->count; i++)
		if (!tensors_find(*answered, replied->items[i]->name))
			missing = replied->items[i];
	if (missing && found->difference == MIRROR_SAME) {
		found->difference = MIRROR_MISSING;
		found->tensor = missing->name;
	}
}

struct mirror_disagreement mirror_difference_find(const struct tensors *answered, const struct tensors *replied, double tolerance,
						  const struct mirror_tensor_taker *taker)
{
	struct mirror_disagreement found = {.answered = (double)NAN, .replied = (double)NAN};
	if (answered && replied)
		outputs_compare(answered, replied, tolerance, taker, &found);
	else if (answered || replied)
		found.difference = answered ? MIRROR_FAILED : MIRROR_ANSWER_FAILED;
	return found;
}

/* Bytes of the name that are shown: whole characters. */
static size_t name_shown(struct text name)
{
	size_t length = name.length < NAME_SHOWN_MAX ? name.length : NAME_SHOWN_MAX;
	while (length > 0 && length < name.length && ((unsigned char)name.bytes[length] & 0xC0) == 0x80)
		length--;
	return length;
}

struct text mirror_disagreement_words(const struct mirror_disagreement *found, char out[MIRROR_WORDS_BYTES_MAX])
{
	const int shown = (int)name_shown(found->tensor);
	int length = snprintf(out, MIRROR_WORDS_BYTES_MAX, "%s%s%.*s", mirror_difference_name(found->difference),
			      shown > 0 ? " of " : "", shown, shown > 0 ? found->tensor.bytes : "");
	if (!isnan(found->answered) || !isnan(found->replied))
		length += snprintf(out + length, MIRROR_WORDS_BYTES_MAX - (size_t)length, ": answer %.6g, mirror %.6g",
				   found->answered, found->replied);
	return (struct text){out, (size_t)length};
}
