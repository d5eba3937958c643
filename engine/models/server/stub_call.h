/* stub_call.h: One call of a stub: reads its options and inputs, and writes its outputs. Private to the stubs. */
#pragma once

#include "models/server/stub.h"

struct stub {
	const struct stub_row *row;
	size_t count;
	const struct stub_option *options;
	const struct stub_row *then; /* as which `slow` and `flaky` answer; NULL: the option `then` names no stub */
};

struct stub_call {
	const struct stub *stub;
	const struct payload *request;
	struct arena *arena;
	uint64_t earlier;
};

#define STUB_THEN_USUAL "identity" /* the option `then`, if it is absent */

/* Options; `fallback` if the option is absent or not a number. */
struct text stub_text(const struct stub_call *call, const char *key, const char *fallback);
double stub_number(const struct stub_call *call, const char *key, double fallback);

/* Sets status 400 with that text, as a server would. */
void stub_refuse(const struct stub_call *call, struct stub_reply *reply, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The input of that name; NULL: it is missing, and the call is refused. */
const struct tensor *stub_input(const struct stub_call *call, struct stub_reply *reply, const char *name);
const struct tensor *stub_first(const struct stub_call *call, struct stub_reply *reply);
/* False: its datatype is none of those listed, and the call is refused. */
bool stub_expect(const struct stub_call *call, struct stub_reply *reply, const struct tensor *tensor, const char *datatypes);
#define STUB_NUMERIC "UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64 BF16 BOOL"

/* Adds an output to the reply, with memory for its elements in `elements`. NULL: the arena is full. */
struct tensor *stub_output(const struct stub_call *call, struct stub_reply *reply, struct text name, enum datatype datatype,
			   const int64_t *shape, size_t rank, void **elements);
struct tensor *stub_output_like(const struct stub_call *call, struct stub_reply *reply, const char *name, enum datatype datatype,
				const struct tensor *like, void **elements);
/* Adds an output of shape [1]. */
void stub_output_number(const struct stub_call *call, struct stub_reply *reply, const char *name, enum datatype datatype,
			double number);
void stub_output_text(const struct stub_call *call, struct stub_reply *reply, const char *name, struct text text);
/* Adds an input as an output of another name. */
void stub_output_tensor(const struct stub_call *call, struct stub_reply *reply, const struct tensor *tensor, struct text name);

double stub_sum(const struct tensor *tensor);

/* Answers of the rows of the table. */
void stub_identity(const struct stub_call *call, struct stub_reply *reply);
void stub_add10(const struct stub_call *call, struct stub_reply *reply);
void stub_add20(const struct stub_call *call, struct stub_reply *reply);
void stub_mul10(const struct stub_call *call, struct stub_reply *reply);
void stub_tfsimple(const struct stub_call *call, struct stub_reply *reply);
void stub_total(const struct stub_call *call, struct stub_reply *reply);
void stub_linear(const struct stub_call *call, struct stub_reply *reply);
void stub_stats(const struct stub_call *call, struct stub_reply *reply);
void stub_half(const struct stub_call *call, struct stub_reply *reply);
void stub_rowcount(const struct stub_call *call, struct stub_reply *reply);
void stub_drift(const struct stub_call *call, struct stub_reply *reply);
void stub_explain(const struct stub_call *call, struct stub_reply *reply);
void stub_conditional(const struct stub_call *call, struct stub_reply *reply);
void stub_choice(const struct stub_call *call, struct stub_reply *reply);
void stub_gate(const struct stub_call *call, struct stub_reply *reply);
void stub_route(const struct stub_call *call, struct stub_reply *reply);
void stub_counter(const struct stub_call *call, struct stub_reply *reply);
void stub_names(const struct stub_call *call, struct stub_reply *reply);
void stub_upper(const struct stub_call *call, struct stub_reply *reply);
void stub_const(const struct stub_call *call, struct stub_reply *reply);
void stub_expression(const struct stub_call *call, struct stub_reply *reply);
void stub_slow(const struct stub_call *call, struct stub_reply *reply);
void stub_fail(const struct stub_call *call, struct stub_reply *reply);
void stub_flaky(const struct stub_call *call, struct stub_reply *reply);
void stub_hang(const struct stub_call *call, struct stub_reply *reply);
void stub_badreply(const struct stub_call *call, struct stub_reply *reply);
