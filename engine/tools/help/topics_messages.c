/* topics_messages.c: Topics of `sluice help` for messages: failures, expressions and their functions, formats,
 * datatypes, stub models, files of local models. */
#include <stdio.h>

#include "tools/help/help_topic.h"
#include "message/records/failure.h"
#include "message/formats/format.h"
#include "methods/predictors/predictor.h"
#include "models/server/stub.h"

/* ---- failures ---- */

static void failure_item(struct help_page *page, const struct failure_row *row)
{
	char help[1024];
	(void)snprintf(help, sizeof help, "%s. %s, %s in the errors topic. %s.", row->when,
		       row->answered ? "Answered with an error" : "Not answered", row->kept ? "kept" : "not kept", row->then);
	help_page_item(page, 0, help, "%s", row->name);
}

static void failures_print(struct help_page *page)
{
	help_page_heading(page, 1, "Failures");
	help_page_text(page,
		       "How a request can fail, and what happens to it. A request that is kept is in the pipeline's errors "
		       "topic, complete and with the reason: `sluice errors list` shows it, `sluice errors replay` sends it "
		       "again. If its caller waits at a gateway, the request is kept only with `output.errors: keep`. There is "
		       "no error answer if the pipeline has `output.errors: off`.");
	for (const struct failure_row *row = failure_rows; row->name; row++)
		failure_item(page, row);
}

static void failures_visit(struct help_visit *visit)
{
	for (const struct failure_row *row = failure_rows; row->name; row++)
		help_see(visit, error_kind_name(row->kind), "", row->when, row);
}

static void failures_print_entry(struct help_page *page, const struct help_entry *entry)
{
	failure_item(page, entry->item);
}

const struct help_topic topic_failures = {
	.name = "failures",
	.one = "kind of error",
	.summary = "How requests fail, and which are kept.",
	.print = failures_print,
	.visit = failures_visit,
	.print_entry = failures_print_entry,
};

/* ---- expressions ---- */

static const char expressions_text[] =
	"An expression is one line: names, numbers, texts, operators and functions. It has no statements and no loops, and gives "
	"the same result everywhere.\n\n"
	"  (price - mean(price)) / std(price)\n"
	"  where(predict > 0.5, \"buy\", \"hold\")\n  header(\"x-tier\") == \"fast\" or (vol ?? 0) > 3%\n\nNames are the tensors "
	"of the message, names that were set above in the same step, `step.tensor` of an earlier step, `request.tensor` and "
	"`params.name` of the caller's request, and `key id ts pipeline step variant model version` of the message. `has(x)` and "
	"`x ?? y` may use a missing name; any other use of a missing name is an error that contains it.\n\n"
	"Operators, tightest first: `x[i] f(x) a.b`, `^`, `-x not x`, `* /`, `+ -`, `< <= > >= == != in`, `and`, `or`, `??`. "
	"Shapes broadcast as in numpy. Integers stay exact and overflow is an error; `/` always gives a floating point number. "
	"Write spaces around a minus between names: `a-b` is one name.\n\n"
	"`not` binds tighter than a comparison, so use brackets: `not (a > b)`. A comparison has two sides: `a < b and b < c`. "
	"Durations are whole milliseconds, as `ts` is. If a condition of one element (left of `and` or `or`, or in `where`) makes "
	"one side unnecessary, errors of that side are ignored, and that side does not count for the shape.\n\n"
	"Results are BOOL, INT64, UINT64 when all integers are unsigned, FP32 when all float tensors in the expression are FP32 or "
	"smaller, else FP64; `cast` gives exactly the datatype that it names, and a name alone gives its tensor unchanged.\n\n"
	"One evaluation may use 16,777,216 units of work; more is a LIMIT error. These count as one unit: an element that is made, "
	"or passed to a function or a comparison; a byte of a text that is read; and each time that `sort`, `median` or `quantile` "
	"processes an element. So a million numbers may pass sixteen operators, a `sort` may process some 400,000 numbers, and a "
	"`median` or `quantile` some 2,000,000.";

static void function_item(struct help_page *page, const struct expression_function_row *row)
{
	help_page_item(page, 0, row->help, "%s", row->form);
}

static void functions_list(struct help_page *page)
{
	const char *group = "";
	for (const struct expression_function_row *row = expression_functions; row->name; row++) {
		if (strcmp(row->group, group) != 0)
			help_page_heading(page, 2, "Functions: %s", row->group);
		group = row->group;
		function_item(page, row);
	}
}

static void expressions_print(struct help_page *page)
{
	help_page_heading(page, 1, "Expressions");
	help_page_text(page, expressions_text);
	functions_list(page);
}

static const struct {
	const char *name, *text;
} operator_rows[] = {
	{"and", "True if both sides are true: `a < b and b < c`."},
	{"or", "True if one side is true."},
	{"not", "True if the condition is false. Use brackets: `not (a > b)`."},
	{"in", "True if the left side is one of the values on the right: `symbol in [\"A\", \"B\"]`."},
	{"??", "The left side, or the right side if the left is missing: `volume ?? 0`."},
	{"^", "The power: `x ^ 2`. A minus before it is applied afterwards: `-2^2` is -4."},
	{"==", "True if both sides are equal; `!=` if they are not."},
};

static void expressions_visit(struct help_visit *visit)
{
	for (size_t i = 0; i < sizeof operator_rows / sizeof *operator_rows; i++)
		help_see(visit, operator_rows[i].name, "expressions", operator_rows[i].text, &operator_rows[i]);
}

static void expressions_print_entry(struct help_page *page, const struct help_entry *entry)
{
	help_page_item(page, 0, entry->text, "%s", entry->name);
}

const struct help_topic topic_expressions = {
	.name = "expressions",
	.one = "operator",
	.summary = "The expression language and its functions.",
	.print = expressions_print,
	.visit = expressions_visit,
	.print_entry = expressions_print_entry,
};

static void functions_print(struct help_page *page)
{
	help_page_heading(page, 1, "Functions");
	help_page_text(page, "Functions that an expression can call; `sluice help expressions` describes the language.");
	functions_list(page);
}

static void functions_visit(struct help_visit *visit)
{
	for (const struct expression_function_row *row = expression_functions; row->name; row++)
		help_see(visit, row->name, "", row->help, row);
}

static void functions_print_entry(struct help_page *page, const struct help_entry *entry)
{
	function_item(page, entry->item);
}

const struct help_topic topic_functions = {
	.name = "functions",
	.one = "function",
	.summary = "The functions of expressions.",
	.print = functions_print,
	.visit = functions_visit,
	.print_entry = functions_print_entry,
};

/* ---- formats ---- */

/* Keys of a message that become a tensor each. */
static const struct message_key {
	const char *format;
	const char *name;
	const char *help;
} message_keys[] = {
	{"seldon", "data.tftensor",
	 "TensorFlow's TensorProto, in JSON or protobuf. It is the tensor `data`, with the datatype of its dtype; the "
	 "answer is a data.tensor."},
	{"seldon", "tensorShape", "The shape of `data.tftensor`: `{dim: [{size: 1}, ...]}`."},
	{"seldon", "stringVal", "Values of `data.tftensor` of DT_STRING, in base64; those of other types are in lists likewise."},
	{"seldon", "tensorContent", "All values of `data.tftensor`, little-endian, in base64."},
	{"seldon", "strData", "A text. It is the tensor `strData`: one element of BYTES."},
	{"seldon", "binData", "Bytes in base64. They are the tensor `binData`: one element of BYTES."},
	{"seldon", "jsonData", "Any JSON. Its text is the tensor `jsonData`: one element of BYTES."},
	{0},
};

#define CONTENT_TYPES_BYTES_MAX 256

static void format_body(struct help_page *page, const struct format *format)
{
	char types[CONTENT_TYPES_BYTES_MAX] = "";
	size_t length = 0;
	for (const struct text *type = format->content_types; type->bytes; type++)
		length += (size_t)snprintf(types + length, sizeof types - length, "%s%s", length > 0 ? " " : "", type->bytes);
	help_page_text(page, format->help);
	help_page_item(page, 0, types, "content-type");
	for (const struct message_key *row = message_keys; row->name; row++)
		if (strcmp(row->format, format->name) == 0)
			help_page_item(page, 0, row->help, "%s", row->name);
}

static void formats_print(struct help_page *page)
{
	help_page_heading(page, 1, "Formats");
	help_page_text(page,
		       "The format of a message is taken from its header `content-type`, or detected from its bytes, in this "
		       "order. An answer has the format of its request, unless `output.format` names another.");
	for (const struct format *const *format = format_table; (*format)->name; format++) {
		help_page_heading(page, 2, "%s", (*format)->name);
		format_body(page, *format);
	}
}

static void formats_visit(struct help_visit *visit)
{
	for (const struct format *const *format = format_table; (*format)->name; format++)
		help_see(visit, (*format)->name, "", (*format)->help, *format);
	for (const struct message_key *row = message_keys; row->name; row++)
		help_see(visit, row->name, row->format, row->help, row);
}

static void formats_print_entry(struct help_page *page, const struct help_entry *entry)
{
	if (entry->where[0])
		help_page_item(page, 0, entry->text, "%s, in a message of the format %s", entry->name, entry->where);
	else
		format_body(page, entry->item);
}

const struct help_topic topic_formats = {
	.name = "formats",
	.one = "format",
	.summary = "The formats of requests and answers.",
	.print = formats_print,
	.visit = formats_visit,
	.print_entry = formats_print_entry,
};

/* ---- stubs ---- */

static void stub_item(struct help_page *page, const struct stub_row *row)
{
	char help[512];
	(void)snprintf(help, sizeof help, "takes %s; gives %s.", row->takes, row->gives);
	help_page_item(page, 0, help, "%s", row->name);
}

static void stubs_print(struct help_page *page)
{
	help_page_heading(page, 1, "Stub models");
	help_page_text(page,
		       "Simulated models for tests: use `storageUri: stub://NAME?key=value` in a Model, or the stub's name as "
		       "the name of a Model without an address. They need no server, and always give the same answer.");
	for (const struct stub_row *row = stub_rows; row->name; row++)
		stub_item(page, row);
}

static void stubs_visit(struct help_visit *visit)
{
	for (const struct stub_row *row = stub_rows; row->name; row++)
		help_see(visit, row->name, "", row->gives, row);
}

static void stubs_print_entry(struct help_page *page, const struct help_entry *entry)
{
	stub_item(page, entry->item);
}

const struct help_topic topic_stubs = {
	.name = "stubs",
	.one = "stub model",
	.summary = "Simulated models for tests.",
	.print = stubs_print,
	.visit = stubs_visit,
	.print_entry = stubs_print_entry,
};

/* ---- files of local models ---- */

static void model_files_print(struct help_page *page)
{
	help_page_heading(page, 1, "Files of local models");
	help_page_text(page,
		       "A step with `model: {local: FILE}` runs its model in the engine. The format is recognised from the bytes; "
		       "a file of a format of sluice names it in `format`. engine/methods/predictors/FORMATS.md describes these, "
		       "with examples.");
	for (const struct predictor_format *row = predictor_formats; row->name; row++) {
		char help[256];
		(void)snprintf(help, sizeof help, "%s.", row->help);
		help_page_item(page, 0, help, "%s", row->name);
	}
}

static void model_files_visit(struct help_visit *visit)
{
	for (const struct predictor_format *row = predictor_formats; row->name; row++)
		help_see(visit, row->name, "", row->help, row);
}

static void model_files_print_entry(struct help_page *page, const struct help_entry *entry)
{
	char help[256];
	(void)snprintf(help, sizeof help, "%s. For `model: {local: FILE}`.", entry->text);
	help_page_text(page, help);
}

const struct help_topic topic_model_files = {
	.name = "model-files",
	.one = "model file",
	.summary = "The formats of the files of models that run in the engine.",
	.print = model_files_print,
	.visit = model_files_visit,
	.print_entry = model_files_print_entry,
};

/* ---- datatypes ---- */

static const char *const datatype_classes[] = {
	[CLASS_BOOL] = "true or false",		 [CLASS_UNSIGNED] = "whole number from 0 on", [CLASS_SIGNED] = "whole number",
	[CLASS_FLOAT] = "floating point number", [CLASS_BYTES] = "any bytes, of any length",
};

static void datatype_item(struct help_page *page, const struct datatype_row *row)
{
	char help[128];
	if (row->size > 0)
		(void)snprintf(help, sizeof help, "%s, %zu byte%s an element.", datatype_classes[row->class], row->size,
			       row->size > 1 ? "s" : "");
	else
		(void)snprintf(help, sizeof help, "%s.", datatype_classes[row->class]);
	help_page_item(page, 0, help, "%s", row->name);
}

static void datatypes_print(struct help_page *page)
{
	help_page_heading(page, 1, "Datatypes");
	help_page_text(page,
		       "Tensors have the datatypes of the Open Inference Protocol, and BF16. Their names are in capital letters.");
	help_page_text(
		page,
		"JSON has no NaN and no infinity. In requests and answers they are the strings \"NaN\", \"Infinity\" and "
		"\"-Infinity\". The bare words, which Python's json.dumps writes, are not JSON: such a request is refused (INPUT; "
		"400 at a gateway), and so is null as a number. A client that has such numbers puts them into quotes, or "
		"sends its tensors as binary data or by gRPC. In a model's reply the bare words are read, and null is NaN: "
		"Triton writes the former, MLServer the latter.");
	help_page_text(page, "A number in JSON is rounded to the nearest one of its datatype (halfway: to even), as IEEE 754 has "
			     "it. So one that is too close to 0, as 1e-400 for FP64 or 1e-50 for FP32, is 0, and no error; one "
			     "that is too large, as 1e400, is refused. The same holds for numbers of feedback, of expressions and "
			     "of YAML, which are FP64.");
	help_page_text(
		page,
		"BYTES that are not UTF-8 leave in JSON as base64, the whole tensor, with the parameter content_type: base64. "
		"What a model answers so over REST is decoded if its bytes are not UTF-8, or if the engine encoded an input of the "
		"call; such an output that is not base64 is a failure of the model (REMOTE). Base64 that a caller sends with that "
		"parameter passes to the model, as MLServer reads it, and so do the model's outputs.");
	for (size_t i = 0; i < DATATYPE_COUNT; i++)
		datatype_item(page, &datatype_rows[i]);
}

static void datatypes_visit(struct help_visit *visit)
{
	for (size_t i = 0; i < DATATYPE_COUNT; i++)
		help_see(visit, datatype_rows[i].name, "", datatype_classes[datatype_rows[i].class], &datatype_rows[i]);
}

static void datatypes_print_entry(struct help_page *page, const struct help_entry *entry)
{
	datatype_item(page, entry->item);
}

const struct help_topic topic_datatypes = {
	.name = "datatypes",
	.one = "datatype",
	.summary = "The datatypes of a tensor's elements.",
	.print = datatypes_print,
	.visit = datatypes_visit,
	.print_entry = datatypes_print_entry,
};
