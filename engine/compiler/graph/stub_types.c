/* stub_types.c: Fixed signatures of the built-in stubs. A row has the form `NAME DATATYPE[SHAPE]`; `?` is any
 * datatype, and without a shape it is any shape; see signature.h. */
#include "compiler/graph/signature.h"

struct stub_type_row {
	const char *name;
	const char *inputs; /* "": whatever comes */
	const char *outputs;
};

static const struct stub_type_row stub_rows[] = {
	{"add10", "INPUT FP32", "OUTPUT FP32"},
	{"add20", "INPUT FP32", "OUTPUT FP32"},
	{"mul10", "INPUT FP32", "OUTPUT FP32"},
	{"tfsimple", "INPUT0 INT32[-1,16] INPUT1 INT32[-1,16]", "OUTPUT0 INT32[-1,16] OUTPUT1 INT32[-1,16]"},
	{"conditional", "CHOICE INT32[1] INPUT0 ? INPUT1 ?", "OUTPUT0 ? OUTPUT1 ?"},
	{"choice", "choice ?", "choice ? status BYTES[1]"},
	{"gate", "INPUT ?", "OUTPUT INT32[1]"},
	{"sum", "", "OUTPUT FP64[1]"},
	{"linear", "", "predict FP64[-1]"},
	{"stats", "", "min FP64[1] max FP64[1] mean FP64[1]"},
	{"names", "", "names BYTES[-1]"},
	{"rowcount", "", "OUTPUT INT64[-1,1]"},
	{"counter", "", "output INT64[1] continue BYTES[1] stop BYTES[1]"},
	{"drift", "", "drift_score FP64[1] is_drift INT64[1]"},
	{"explain", "", "explanation FP64"},
};

static const char *word_end(const char *at)
{
	while (*at && *at != ' ' && *at != '[')
		at++;
	return at;
}

/* "[-1,16]" */
static const char *read_shape(const char *at, struct value_type *type)
{
	type->shape_known = true;
	while (*at != ']') {
		int64_t number = 0, sign = 1;
		at++; /* the bracket or comma */
		if (*at == '-') {
			sign = -1;
			at++;
		}
		for (; *at >= '0' && *at <= '9'; at++)
			number = number * 10 + (*at - '0');
		type->shape[type->rank++] = sign * number;
	}
	return at + 1;
}

static const char *read_tensor(const char *at, struct tensor_type *tensor)
{
	enum datatype datatype;
	const char *end = word_end(at);
	tensor->name = (struct text){at, (size_t)(end - at)};
	at = end + 1;
	end = word_end(at);
	if (datatype_find((struct text){at, (size_t)(end - at)}, &datatype))
		tensor->type = type_of_datatype(datatype);
	return *end == '[' ? read_shape(end, &tensor->type) : end;
}

static struct tensor_types read_tensors(struct arena *arena, const char *row)
{
	size_t blanks = 0, count = 0;
	for (const char *c = row; *c; c++)
		blanks += *c == ' ';
	struct tensor_type *items = ARENA_ARRAY(arena, struct tensor_type, blanks + 1);
	while (items && *row) {
		row = read_tensor(row, &items[count++]);
		row += *row == ' ';
	}
	return (struct tensor_types){.complete = true, .count = count, .items = items};
}

const struct model_signature *stub_signature(struct arena *arena, struct text uri)
{
	struct text scheme = TEXT("stub://");
	if (!text_starts_with(uri, scheme))
		return NULL;
	struct text name = text_from(uri, scheme.length);
	const char *options = memchr(name.bytes, '?', name.length);
	if (options)
		name.length = (size_t)(options - name.bytes);
	for (size_t i = 0; i < sizeof stub_rows / sizeof *stub_rows; i++) {
		if (!text_is(name, stub_rows[i].name))
			continue;
		struct model_signature *signature = ARENA_NEW(arena, struct model_signature);
		if (signature)
			*signature = (struct model_signature){name, read_tensors(arena, stub_rows[i].inputs),
							      read_tensors(arena, stub_rows[i].outputs)};
		return signature;
	}
	return NULL;
}
