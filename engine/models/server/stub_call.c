/* stub_call.c: see stub_call.h. */
#include "models/server/stub_call.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/number/number.h"

#define WORDS_MAX 256

struct text stub_text(const struct stub_call *call, const char *key, const char *fallback)
{
	for (size_t i = 0; i < call->stub->count; i++)
		if (text_is(call->stub->options[i].key, key))
			return call->stub->options[i].value;
	return text_of(fallback);
}

double stub_number(const struct stub_call *call, const char *key, double fallback)
{
	double number;
	return number_read_double(stub_text(call, key, ""), &number) ? number : fallback;
}

void stub_refuse(const struct stub_call *call, struct stub_reply *reply, const char *format, ...)
{
	char words[WORDS_MAX];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	reply->status = 400;
	reply->words = text_of(arena_copy(call->arena, words, strlen(words)));
}

const struct tensor *stub_input(const struct stub_call *call, struct stub_reply *reply, const char *name)
{
	const struct tensor *tensor = tensors_find(call->request->tensors, text_of(name));
	if (!tensor)
		stub_refuse(call, reply, "expected input %s", name);
	return tensor;
}

const struct tensor *stub_first(const struct stub_call *call, struct stub_reply *reply)
{
	if (call->request->tensors.count)
		return call->request->tensors.items[0];
	stub_refuse(call, reply, "expected input, got none");
	return NULL;
}

bool stub_expect(const struct stub_call *call, struct stub_reply *reply, const struct tensor *tensor, const char *datatypes)
{
	struct text words = text_of(datatypes);
	while (words.length)
		if (text_is(text_take_until(&words, ' '), datatype_rows[tensor->datatype].name))
			return true;
	stub_refuse(call, reply, "input " TEXT_FORMAT " has datatype %s, expected %s", TEXT_ARGUMENTS(tensor->name),
		    datatype_rows[tensor->datatype].name, strcmp(datatypes, STUB_NUMERIC) == 0 ? "a numeric one" : datatypes);
	return false;
}

static void output_add(const struct stub_call *call, struct stub_reply *reply, const struct tensor *tensor)
{
	struct payload *payload = ARENA_NEW(call->arena, struct payload);
	if (!payload)
		return;
	*payload = *reply->payload;
	struct tensors_builder tensors;
	tensors_begin(&tensors, call->arena, payload->tensors.count + 1);
	for (size_t i = 0; i < payload->tensors.count; i++)
		tensors_add(&tensors, payload->tensors.items[i]);
	tensors_add(&tensors, tensor);
	payload->tensors = tensors_end(&tensors);
	reply->payload = payload;
}

struct tensor *stub_output(const struct stub_call *call, struct stub_reply *reply, struct text name, enum datatype datatype,
			   const int64_t *shape, size_t rank, void **elements)
{
	struct error error = {0};
	struct tensor *tensor = tensor_make(call->arena, name, datatype, shape, rank, elements, &error);
	if (tensor)
		output_add(call, reply, tensor);
	return tensor;
}

struct tensor *stub_output_like(const struct stub_call *call, struct stub_reply *reply, const char *name, enum datatype datatype,
				const struct tensor *like, void **elements)
{
	return stub_output(call, reply, text_of(name), datatype, like->shape, like->rank, elements);
}

void stub_output_number(const struct stub_call *call, struct stub_reply *reply, const char *name, enum datatype datatype,
			double number)
{
	static const int64_t one[] = {1};
	void *elements;
	if (stub_output(call, reply, text_of(name), datatype, one, 1, &elements))
		(void)tensor_store(elements, datatype, 0, number);
}

void stub_output_text(const struct stub_call *call, struct stub_reply *reply, const char *name, struct text text)
{
	static const int64_t one[] = {1};
	void *elements;
	if (stub_output(call, reply, text_of(name), DATATYPE_BYTES, one, 1, &elements))
		*(struct text *)elements = text;
}

void stub_output_tensor(const struct stub_call *call, struct stub_reply *reply, const struct tensor *tensor, struct text name)
{
	const struct tensor *renamed = tensor_renamed(call->arena, tensor, name);
	if (renamed)
		output_add(call, reply, renamed);
}

double stub_sum(const struct tensor *tensor)
{
	double sum = 0;
	for (size_t i = 0; i < tensor->count; i++)
		sum += tensor_number(tensor, i);
	return sum;
}
