/* stub_choices.c: Stubs that choose, count, and return names or text, and the stub whose outputs are
 * expressions. */
#include "base/number/number.h"
#include "models/server/stub_call.h"

/* The one integer of a tensor. */
static bool integer_of(const struct stub_call *call, struct stub_reply *reply, const struct tensor *tensor, const char *datatypes,
		       int64_t *integer)
{
	if (!tensor || !stub_expect(call, reply, tensor, datatypes))
		return false;
	if (tensor->count == 0) {
		stub_refuse(call, reply, "input " TEXT_FORMAT " is empty", TEXT_ARGUMENTS(tensor->name));
		return false;
	}
	*integer = tensor->datatype == DATATYPE_INT64 ? *(const int64_t *)tensor->data : *(const int32_t *)tensor->data;
	return true;
}

void stub_conditional(const struct stub_call *call, struct stub_reply *reply)
{
	int64_t choice;
	if (!integer_of(call, reply, stub_input(call, reply, "CHOICE"), "INT32", &choice) || choice < 0 || choice > 1)
		return;
	const struct tensor *input = stub_input(call, reply, choice ? "INPUT1" : "INPUT0");
	if (input)
		stub_output_tensor(call, reply, input, choice ? TEXT("OUTPUT1") : TEXT("OUTPUT0"));
}

void stub_choice(const struct stub_call *call, struct stub_reply *reply)
{
	const struct tensor *input = stub_input(call, reply, "choice");
	int64_t choice;
	if (!integer_of(call, reply, input, "INT32 INT64", &choice))
		return;
	if ((double)choice == stub_number(call, "is", 0))
		stub_output_tensor(call, reply, input, input->name);
	else
		stub_output_text(call, reply, "status", TEXT("no match"));
}

void stub_gate(const struct stub_call *call, struct stub_reply *reply)
{
	const struct tensor *input = stub_input(call, reply, "INPUT");
	if (input && stub_expect(call, reply, input, STUB_NUMERIC) && stub_sum(input) >= stub_number(call, "min", 0))
		stub_output_number(call, reply, "OUTPUT", DATATYPE_INT32, 1);
}

void stub_route(const struct stub_call *call, struct stub_reply *reply)
{
	struct text by = stub_text(call, "by", "ROUTE");
	const char *name = arena_copy(call->arena, by.bytes, by.length);
	int64_t wanted;
	if (!name || !integer_of(call, reply, stub_input(call, reply, name), "INT32 INT64", &wanted))
		return;
	const struct tensor *input = stub_input(call, reply, "INPUT");
	struct text names = stub_text(call, "names", "");
	for (int64_t index = 0; input && names.length; index++) {
		struct text chosen = text_take_until(&names, ',');
		if (index == wanted) {
			stub_output_tensor(call, reply, input, chosen);
			return;
		}
	}
}

void stub_counter(const struct stub_call *call, struct stub_reply *reply)
{
	const struct tensor *input = tensors_find(call->request->tensors, TEXT("output"));
	int64_t count;
	if (!integer_of(call, reply, input ? input : stub_first(call, reply), "INT64", &count))
		return;
	static const int64_t one[] = {1};
	void *elements;
	if (!stub_output(call, reply, TEXT("output"), DATATYPE_INT64, one, 1, &elements))
		return;
	*(int64_t *)elements = count + 1;
	bool more = (double)(count + 1) < stub_number(call, "limit", 10);
	stub_output_text(call, reply, more ? "continue" : "stop", TEXT(""));
}

void stub_names(const struct stub_call *call, struct stub_reply *reply)
{
	const struct tensors *inputs = &call->request->tensors;
	const int64_t shape[] = {(int64_t)inputs->count};
	void *elements;
	if (!stub_output(call, reply, TEXT("names"), DATATYPE_BYTES, shape, 1, &elements))
		return;
	for (size_t i = 0; i < inputs->count; i++)
		((struct text *)elements)[i] = inputs->items[i]->name;
}

static struct text stub_choices_upper(struct arena *arena, struct text text)
{
	char *bytes = arena_copy(arena, text.bytes, text.length);
	for (size_t i = 0; bytes && i < text.length; i++)
		if (bytes[i] >= 'a' && bytes[i] <= 'z')
			bytes[i] = (char)(bytes[i] - 'a' + 'A');
	return (struct text){bytes, bytes ? text.length : 0};
}

void stub_upper(const struct stub_call *call, struct stub_reply *reply)
{
	for (size_t i = 0; i < call->request->tensors.count; i++) {
		const struct tensor *input = call->request->tensors.items[i];
		void *elements;
		if (!stub_expect(call, reply, input, "BYTES"))
			return;
		struct tensor *output = stub_output(call, reply, input->name, DATATYPE_BYTES, input->shape, input->rank, &elements);
		if (!output)
			return;
		output->parameters = input->parameters;
		for (size_t e = 0; e < input->count; e++)
			((struct text *)elements)[e] = stub_choices_upper(call->arena, ((const struct text *)input->data)[e]);
	}
}

void stub_const(const struct stub_call *call, struct stub_reply *reply)
{
	struct text name = stub_text(call, "name", "OUTPUT");
	struct text value = stub_text(call, "value", "0");
	static const int64_t one[] = {1};
	enum datatype datatype;
	void *elements;
	if (!datatype_find(stub_text(call, "datatype", "INT32"), &datatype)) {
		stub_refuse(call, reply, "the stub's option `datatype` is none");
		return;
	}
	if (!stub_output(call, reply, name, datatype, one, 1, &elements))
		return;
	double number = 0;
	bool read = number_read_double(value, &number);
	if (datatype == DATATYPE_BYTES)
		*(struct text *)elements = value;
	else if (datatype == DATATYPE_INT64)
		read = number_read_int64(value, elements);
	else if (datatype == DATATYPE_UINT64)
		read = number_read_uint64(value, elements);
	else if (datatype == DATATYPE_BOOL && !read)
		*(unsigned char *)elements = text_is(value, "true");
	else
		read = tensor_store(elements, datatype, 0, number) && read;
	if (!read && datatype != DATATYPE_BYTES && datatype != DATATYPE_BOOL)
		stub_refuse(call, reply, "the stub's option `value` is no %s", datatype_rows[datatype].name);
}

void stub_expression(const struct stub_call *call, struct stub_reply *reply)
{
	struct scope scope = {.payload = call->request};
	for (size_t i = 0; i < call->stub->count; i++) {
		const struct stub_option *option = &call->stub->options[i];
		struct error error;
		error.kind = ERROR_NONE;
		if (!option->expression)
			continue; /* of the stub that it follows */
		const struct tensor *value = expression_evaluate(option->expression, &scope, call->arena, &error);
		if (!value) {
			stub_refuse(call, reply, "%s", error.text);
			return;
		}
		stub_output_tensor(call, reply, value, option->key);
	}
}
