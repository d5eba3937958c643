/* stub.c: Table of stubs, and parser of `stub://NAME?key=value`; see stub.h. */
#include <stdarg.h>
#include <stdio.h>

#include "base/number.h"
#include "base/suggest.h"
#include "serving/stub_call.h"

#define WORDS_MAX 256

const struct stub_row stub_rows[] = {
	{"identity", "any", "every input as it came, and the request's parameters", stub_identity},
	{"add10", "INPUT FP32", "OUTPUT = INPUT + 10", stub_add10},
	{"add20", "INPUT FP32", "OUTPUT = INPUT + 20", stub_add20},
	{"mul10", "INPUT FP32", "OUTPUT = INPUT * 10", stub_mul10},
	{"tfsimple", "INPUT0, INPUT1 INT32 [n,16]", "OUTPUT0 = INPUT0 + INPUT1, OUTPUT1 = INPUT0 - INPUT1, wrapping",
	 stub_tfsimple},
	{"conditional", "CHOICE INT32, INPUT0, INPUT1", "0: INPUT0 as OUTPUT0; 1: INPUT1 as OUTPUT1; else nothing",
	 stub_conditional},
	{"choice", "?is=K; choice INT32 or INT64", "the tensor choice when it is K; else status \"no match\"", stub_choice},
	{"gate", "?min=M (0); INPUT, numeric", "OUTPUT INT32 1 when the sum of INPUT is at least M; else nothing", stub_gate},
	{"route", "?by=T&names=a,b,c; T INT32 or INT64, INPUT", "INPUT under the name that T picks; outside, nothing", stub_route},
	{"sum", "every input, numeric", "OUTPUT FP64 [1]: the sum of all elements of all inputs", stub_total},
	{"linear", "?w=w1,..,wk&b=B (0); the first, numeric, [n,k] or [k]", "predict FP64: each row . w + B", stub_linear},
	{"stats", "the first, numeric, not empty", "min, max, mean, each FP64 [1]", stub_stats},
	{"names", "any", "names BYTES: the names of the inputs in their order", stub_names},
	{"upper", "every input BYTES", "the same, a-z raised", stub_upper},
	{"half", "every input FP16 or BF16", "the same times 0.5", stub_half},
	{"const", "?name=N&datatype=D&value=V (OUTPUT, INT32, 0); any", "one tensor [1]", stub_const},
	{"rowcount", "the first, with a dimension 0", "OUTPUT INT64 [n,1], every element n", stub_rowcount},
	{"counter", "?limit=L (10); output INT64 [1], or the first", "output = x + 1, and `continue` below L, else `stop`",
	 stub_counter},
	{"drift", "?ref=R&threshold=T (0, 0.05); the first, numeric", "drift_score = abs(mean - R); is_drift = drift_score > T",
	 stub_drift},
	{"explain", "the first, numeric", "explanation FP64: x - mean", stub_explain},
	{"expression", "?OUTPUT=INPUT*2&...; what the expressions name", "a tensor for each option", stub_expression},
	{"slow", "?ms=N&then=S (identity)", "waits, then as S", stub_slow},
	{"fail", "?code=C&text=T", "HTTP status C with the error T", stub_fail},
	{"flaky", "?fails=N&every=M&code=C&then=S (0, none, 503, identity)",
	 "the first N calls of a request and each Mth fail with C, others are S",
	 stub_flaky},
	{"hang", "any", "never answers", stub_hang},
	{"badreply", "?mode=count|notjson|empty|datatype|truncated|html|nooutputs", "status 200 and a broken body", stub_badreply},
	{0},
};

const struct stub_row *stub_row_find(struct text name)
{
	for (const struct stub_row *row = stub_rows; row->name; row++)
		if (text_is(name, row->name))
			return row;
	return NULL;
}

bool stub_known(const char *name)
{
	return stub_row_find(text_of(name)) != NULL;
}

/* ---- reading ---- */

/* application/x-www-form-urlencoded; an escape that is none stays as it is. */
static struct text form_decoded(struct arena *arena, struct text text)
{
	char *out = arena_copy(arena, text.bytes, text.length);
	size_t length = 0;
	for (size_t i = 0; out && i < text.length; i++) {
		char byte = text.bytes[i];
		if (byte == '+') {
			byte = ' ';
		} else if (byte == '%' && i + 2 < text.length && digit_value(text.bytes[i + 1]) >= 0 &&
			   digit_value(text.bytes[i + 2]) >= 0) {
			byte = (char)(digit_value(text.bytes[i + 1]) * 16 + digit_value(text.bytes[i + 2]));
			i += 2;
		}
		out[length++] = byte;
	}
	return (struct text){out, out ? length : 0};
}

static size_t options_count(struct text query)
{
	size_t count = 0;
	while (query.length)
		count += text_take_until(&query, '&').length > 0;
	return count;
}

static bool options_parse(struct arena *arena, struct stub *stub, struct text query, struct place place, struct error *error)
{
	struct stub_option *options = ARENA_ARRAY(arena, struct stub_option, options_count(query));
	stub->options = options;
	while (options && query.length) {
		struct text value = text_take_until(&query, '&');
		if (value.length == 0)
			continue;
		struct stub_option *option = &options[stub->count++];
		option->key = form_decoded(arena, text_take_until(&value, '='));
		option->value = form_decoded(arena, value);
		if (stub->row->answer != stub_expression)
			continue;
		option->expression = expression_compile(arena, option->value, place, USE_MESSAGE, error);
		if (!option->expression)
			return false;
	}
	return true;
}

static bool stub_unknown(struct text name, struct place place, struct error *error)
{
	struct suggestion suggestion = suggest_begin(name);
	for (const struct stub_row *row = stub_rows; row->name; row++)
		suggest_offer(&suggestion, text_of(row->name));
	if (suggestion.nearest.bytes)
		return error_set(error, ERROR_CONFIG, place, "there is no stub `" TEXT_FORMAT "`; did you mean `" TEXT_FORMAT "`?",
				 TEXT_ARGUMENTS(name), TEXT_ARGUMENTS(suggestion.nearest));
	return error_set(error, ERROR_CONFIG, place, "there is no stub `" TEXT_FORMAT "`; `sluice help stubs` lists them",
			 TEXT_ARGUMENTS(name));
}

const struct stub *stub_parse(struct arena *arena, const char *uri, struct place place, struct error *error)
{
	struct text rest = text_of(uri);
	struct text scheme = TEXT(STUB_SCHEME);
	if (text_starts_with(rest, scheme))
		rest = (struct text){rest.bytes + scheme.length, rest.length - scheme.length};
	struct text name = text_take_until(&rest, '?');
	const struct stub_row *row = stub_row_find(name);
	if (!row) {
		stub_unknown(name, place, error);
		return NULL;
	}
	struct stub *stub = ARENA_NEW(arena, struct stub);
	if (!stub) {
		error_memory(error, ERROR_SYSTEM, "reading a stub");
		return NULL;
	}
	stub->row = row;
	if (!options_parse(arena, stub, rest, place, error))
		return NULL;
	if (arena_failed(arena)) {
		error_memory(error, ERROR_SYSTEM, "reading a stub");
		return NULL;
	}
	return stub;
}

const struct stub *stub_of_expressions(struct arena *arena, const struct stub_option *options, size_t count)
{
	struct stub *stub = ARENA_NEW(arena, struct stub);
	if (stub)
		*stub = (struct stub){stub_row_find(TEXT("expression")), count, options};
	return stub;
}

bool stub_answer(const struct stub *stub, const struct payload *request, uint64_t earlier, struct arena *arena,
		 struct stub_reply *reply)
{
	struct payload *payload = ARENA_NEW(arena, struct payload);
	*reply = (struct stub_reply){.status = 200, .payload = payload};
	if (!payload)
		return false;
	struct stub_call call = {.stub = stub, .request = request, .arena = arena, .earlier = earlier};
	stub->row->answer(&call, reply);
	return !arena_failed(arena);
}

/* ---- what stubs use ---- */

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
