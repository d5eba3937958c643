/* text_classes.c: see text_classes.h. */
#include "experiments/bandits/text_classes.h"

#include <stdlib.h>

#include "base/memory.h"

struct text_class {
	uint64_t count;
	size_t length;
	char bytes[CONTEXT_TEXT_BYTES_MAX];
};

struct text_classes {
	uint64_t total;
	size_t count;
	struct text_class items[TEXT_CLASSES_ROOMS];
};

struct text_classes *text_classes_open(void)
{
	return memory_take(1, sizeof(struct text_classes));
}

void text_classes_close(struct text_classes *classes)
{
	memory_give(classes);
}

uint64_t text_classes_total(const struct text_classes *classes)
{
	return classes ? classes->total : 0;
}

static struct text class_text(const struct text_class *class)
{
	return (struct text){class->bytes, class->length};
}

/* The place of a text: its own, a free one, or that of the rarest. */
static struct text_class *class_take(struct text_classes *classes, struct text text)
{
	struct text_class *rarest = &classes->items[0];
	for (size_t i = 0; i < classes->count; i++) {
		if (text_equal(class_text(&classes->items[i]), text))
			return &classes->items[i];
		if (classes->items[i].count < rarest->count)
			rarest = &classes->items[i];
	}
	if (classes->count < TEXT_CLASSES_ROOMS)
		rarest = &classes->items[classes->count++];
	rarest->length = text.length;
	memcpy(rarest->bytes, text.bytes, text.length);
	return rarest;
}

void text_classes_add(struct text_classes *classes, struct text text)
{
	classes->total++;
	if (text.length > 0 && text.length <= CONTEXT_TEXT_BYTES_MAX)
		class_take(classes, text)->count++;
}

static int classes_compare(const void *left, const void *right)
{
	const struct text_class *a = left, *b = right;
	const size_t length = a->length < b->length ? a->length : b->length;
	const int by_bytes = memcmp(a->bytes, b->bytes, length);
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return by_bytes != 0 ? by_bytes : (a->length > b->length) - (a->length < b->length);
}

size_t text_classes_commonest(struct text_classes *classes, struct text *texts, size_t most)
{
	const size_t count = classes->count < most ? classes->count : most;
	qsort(classes->items, classes->count, sizeof *classes->items, classes_compare);
	for (size_t i = 0; i < count; i++)
		texts[i] = class_text(&classes->items[i]);
	return count;
}
