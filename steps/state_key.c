/* state_key.c: see state_key.h. */
#include "steps/state_key.h"

#include "message/key.h"

static bool elements_are_equal(const struct tensor *tensor, size_t one, size_t other)
{
	if (tensor->datatype == DATATYPE_BYTES) {
		const struct text *texts = tensor->data;
		return text_equal(texts[one], texts[other]);
	}
	const size_t size = datatype_stride(tensor->datatype);
	const char *bytes = tensor->data;
	return memcmp(bytes + one * size, bytes + other * size, size) == 0;
}

/* The first element that is not as the one at the place 0; the number of elements: there is none. */
static size_t differing_element(const struct tensor *tensor)
{
	size_t i = 1;
	while (i < tensor->count && elements_are_equal(tensor, 0, i))
		i++;
	return i;
}

bool state_key_of(const struct expression *expression, const struct scope *scope, const char *kept, struct arena *arena,
		  struct text *key, struct error *error)
{
	*key = scope->message->key.bytes ? scope->message->key : TEXT("");
	if (!expression)
		return true;
	const struct tensor *tensor = expression_evaluate(expression, scope, arena, error);
	if (!tensor)
		return false;
	if (tensor->count > 1 && differing_element(tensor) < tensor->count)
		return error_set_tensor(error, expression_place(expression),
					"the key has %zu values that differ, and %s have one key; send a request for each key",
					tensor->count, kept);
	*key = key_of_tensor(tensor, arena);
	return key->bytes || error_set_tensor(error, expression_place(expression),
					      "the key has no element; send one, because %s are kept by key", kept);
}
