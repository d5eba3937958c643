/* stub.c: Table of stubs, and parser of `stub://NAME?key=value`; see stub.h. */
#include <assert.h>

#include "base/suggest.h"
#include "base/url.h"
#include "models/server/stub_call.h"

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

static const struct stub_row *stub_row_find(struct text name)
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
	for (size_t at = 0; out && at < text.length;) {
		const int byte = url_escape(text_from(text, at));
		out[length++] = byte >= 0 ? (char)byte : text.bytes[at] == '+' ? ' ' : text.bytes[at];
		at += byte >= 0 ? URL_ESCAPE_BYTES : 1;
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

/* The options of `slow` and `flaky` themselves, beside which are those of the stub that follows. */
static bool is_of_first(struct text key)
{
	static const char *const own[] = {"ms", "fails", "every", "code", "then"};
	bool is_own = false;
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		is_own = is_own || text_is(key, own[i]);
	return is_own;
}

static bool expressions_compile(struct arena *arena, const struct stub *stub, struct stub_option *options, struct place place,
				struct error *error)
{
	const bool follows = stub->row->answer == stub_slow || stub->row->answer == stub_flaky;
	const struct stub_row *answers = follows ? stub->then : stub->row;
	for (size_t i = 0; answers && answers->answer == stub_expression && i < stub->count; i++) {
		if (follows && is_of_first(options[i].key))
			continue;
		options[i].expression = expression_compile(arena, options[i].value, place, USE_MESSAGE, error);
		if (!options[i].expression)
			return false;
	}
	return true;
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
	}
	const struct stub_call unsent = {.stub = stub};
	stub->then = stub_row_find(stub_text(&unsent, "then", STUB_THEN_USUAL));
	return !options || expressions_compile(arena, stub, options, place, error);
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
		rest = text_from(rest, scheme.length);
	struct text name = text_take_until(&rest, '?');
	const struct stub_row *row = stub_row_find(name);
	if (!row)
		return error_null(stub_unknown(name, place, error));
	struct stub *stub = ARENA_NEW(arena, struct stub);
	if (!stub)
		return error_null(error_memory(error, ERROR_SYSTEM, "reading a stub"));
	stub->row = row;
	if (!options_parse(arena, stub, rest, place, error))
		return NULL;
	if (arena_failed(arena))
		return error_null(error_memory(error, ERROR_SYSTEM, "reading a stub"));
	return stub;
}

const struct stub *stub_of_expressions(struct arena *arena, const struct stub_option *options, size_t count)
{
	assert(count == 0 || options);
	struct stub *stub = ARENA_NEW(arena, struct stub);
	if (stub)
		*stub = (struct stub){.row = stub_row_find(TEXT("expression")), .count = count, .options = options};
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
