/* stub_numbers.c: Stubs that compute: FP32 is computed in double and rounded once. */
#include <math.h>

#include "base/number/number.h"
#include "models/server/stub_call.h"

void stub_identity(const struct stub_call *call, struct stub_reply *reply)
{
	struct payload *payload = ARENA_NEW(call->arena, struct payload);
	if (!payload)
		return;
	payload->tensors = call->request->tensors;
	payload->parameters = call->request->parameters;
	reply->payload = payload;
}

static void straight(const struct stub_call *call, struct stub_reply *reply, double factor, double addend)
{
	const struct tensor *input = stub_input(call, reply, "INPUT");
	if (!input || !stub_expect(call, reply, input, "FP32"))
		return;
	void *elements;
	if (!stub_output_like(call, reply, "OUTPUT", DATATYPE_FP32, input, &elements))
		return;
	for (size_t i = 0; i < input->count; i++)
		((float *)elements)[i] = (float)((double)((const float *)input->data)[i] * factor + addend);
}

void stub_add10(const struct stub_call *call, struct stub_reply *reply)
{
	straight(call, reply, 1, 10);
}

void stub_add20(const struct stub_call *call, struct stub_reply *reply)
{
	straight(call, reply, 1, 20);
}

void stub_mul10(const struct stub_call *call, struct stub_reply *reply)
{
	straight(call, reply, 10, 0);
}

static const struct tensor *sixteen(const struct stub_call *call, struct stub_reply *reply, const char *name)
{
	const struct tensor *input = stub_input(call, reply, name);
	if (!input || !stub_expect(call, reply, input, "INT32"))
		return NULL;
	if (input->rank == 2 && input->shape[1] == 16)
		return input;
	stub_refuse(call, reply, "input %s is %s, expected INT32[n,16]", name, tensor_type_text(call->arena, input));
	return NULL;
}

void stub_tfsimple(const struct stub_call *call, struct stub_reply *reply)
{
	const struct tensor *one = sixteen(call, reply, "INPUT0");
	const struct tensor *other = one ? sixteen(call, reply, "INPUT1") : NULL;
	if (!other)
		return;
	if (one->count != other->count) {
		stub_refuse(call, reply, "INPUT0 and INPUT1 differ in shape");
		return;
	}
	void *sums, *differences;
	if (!stub_output_like(call, reply, "OUTPUT0", DATATYPE_INT32, one, &sums) ||
	    !stub_output_like(call, reply, "OUTPUT1", DATATYPE_INT32, one, &differences))
		return;
	const uint32_t *x = one->data, *y = other->data;
	for (size_t i = 0; i < one->count; i++) { /* unsigned, for it wraps */
		((uint32_t *)sums)[i] = x[i] + y[i];
		((uint32_t *)differences)[i] = x[i] - y[i];
	}
}

void stub_total(const struct stub_call *call, struct stub_reply *reply)
{
	double sum = 0;
	for (size_t i = 0; i < call->request->tensors.count; i++) {
		if (!stub_expect(call, reply, call->request->tensors.items[i], STUB_NUMERIC))
			return;
		sum += stub_sum(call->request->tensors.items[i]);
	}
	stub_output_number(call, reply, "OUTPUT", DATATYPE_FP64, sum);
}

static const struct tensor *first_numeric(const struct stub_call *call, struct stub_reply *reply)
{
	const struct tensor *input = stub_first(call, reply);
	return input && stub_expect(call, reply, input, STUB_NUMERIC) ? input : NULL;
}

static size_t weights_read(const struct stub_call *call, double *weights, size_t most)
{
	struct text list = stub_text(call, "w", "");
	size_t count = 0;
	while (list.length && count < most) {
		if (!number_read_double(text_take_until(&list, ','), &weights[count]))
			weights[count] = 0;
		count++;
	}
	return count;
}

#define WEIGHTS_MAX 1024 /* more do not fit into a URI */

void stub_linear(const struct stub_call *call, struct stub_reply *reply)
{
	double weights[WEIGHTS_MAX];
	size_t count = weights_read(call, weights, WEIGHTS_MAX);
	const struct tensor *input = first_numeric(call, reply);
	if (!input)
		return;
	if (input->rank < 1 || input->rank > 2 || (size_t)input->shape[input->rank - 1] != count) {
		stub_refuse(call, reply, "expected input of %zu columns, got %s", count, tensor_type_text(call->arena, input));
		return;
	}
	const int64_t rows[] = {input->rank == 2 ? input->shape[0] : 1};
	void *elements;
	if (!stub_output(call, reply, TEXT("predict"), DATATYPE_FP64, rows, 1, &elements))
		return;
	for (size_t row = 0; row < (size_t)rows[0]; row++) {
		double sum = 0;
		for (size_t i = 0; i < count; i++)
			sum += tensor_number(input, row * count + i) * weights[i];
		((double *)elements)[row] = sum + stub_number(call, "b", 0);
	}
}

void stub_stats(const struct stub_call *call, struct stub_reply *reply)
{
	const struct tensor *input = first_numeric(call, reply);
	if (!input)
		return;
	if (input->count == 0) {
		stub_refuse(call, reply, "expected input that is not empty");
		return;
	}
	double least = tensor_number(input, 0), most = least;
	for (size_t i = 1; i < input->count; i++) {
		least = fmin(least, tensor_number(input, i));
		most = fmax(most, tensor_number(input, i));
	}
	stub_output_number(call, reply, "min", DATATYPE_FP64, least);
	stub_output_number(call, reply, "max", DATATYPE_FP64, most);
	stub_output_number(call, reply, "mean", DATATYPE_FP64, stub_sum(input) / (double)input->count);
}

void stub_half(const struct stub_call *call, struct stub_reply *reply)
{
	for (size_t i = 0; i < call->request->tensors.count; i++) {
		const struct tensor *input = call->request->tensors.items[i];
		void *elements;
		if (!stub_expect(call, reply, input, "FP16 BF16") ||
		    !stub_output(call, reply, input->name, input->datatype, input->shape, input->rank, &elements))
			return;
		for (size_t e = 0; e < input->count; e++)
			(void)tensor_store(elements, input->datatype, e, tensor_number(input, e) * 0.5);
	}
}

void stub_rowcount(const struct stub_call *call, struct stub_reply *reply)
{
	const struct tensor *input = stub_first(call, reply);
	if (!input)
		return;
	if (input->rank == 0) {
		stub_refuse(call, reply, "expected input with a dimension 0");
		return;
	}
	const int64_t shape[] = {input->shape[0], 1};
	void *elements;
	if (!stub_output(call, reply, TEXT("OUTPUT"), DATATYPE_INT64, shape, 2, &elements))
		return;
	for (int64_t i = 0; i < shape[0]; i++)
		((int64_t *)elements)[i] = shape[0];
}

void stub_drift(const struct stub_call *call, struct stub_reply *reply)
{
	const struct tensor *input = first_numeric(call, reply);
	if (!input)
		return;
	double score = fabs(stub_sum(input) / (double)input->count - stub_number(call, "ref", 0));
	stub_output_number(call, reply, "drift_score", DATATYPE_FP64, score);
	stub_output_number(call, reply, "is_drift", DATATYPE_INT64, score > stub_number(call, "threshold", 0.05) ? 1 : 0);
}

void stub_explain(const struct stub_call *call, struct stub_reply *reply)
{
	const struct tensor *input = first_numeric(call, reply);
	void *elements;
	if (!input || !stub_output_like(call, reply, "explanation", DATATYPE_FP64, input, &elements))
		return;
	double mean = stub_sum(input) / (double)input->count;
	for (size_t i = 0; i < input->count; i++)
		((double *)elements)[i] = tensor_number(input, i) - mean;
}
