/* topics_messages.c: Topics of `sluice help` for messages: failures, expressions and their functions, formats,
 * datatypes, stub models. */
#include <string.h>

#include "cli/help_topic.h"
#include "message/failure.h"
#include "message/format.h"
#include "serving/stub.h"

/* ---- failures ---- */

static void failure_item(struct page *page, const struct failure_row *row)
{
	char help[1024];
	(void)snprintf(help, sizeof help, "%s. %s, %s in the errors topic. %s.", row->when,
		       row->answered ? "Answered with an error" : "Not answered", row->kept ? "kept" : "not kept", row->then);
	page_item(page, 0, help, "%s", row->name);
}

static void failures_print(struct session *session, struct page *page)
{
	(void)session;
	page_heading(page, 1, "Failures");
	page_text(page, "How a request can fail, and what becomes of it then. A request that is kept stands in the pipeline's "
			"errors topic, whole and with the reason: `sluice errors list` shows it, `sluice errors replay` sends it "
			"again. An error answer is left out where the pipeline says `output.errors: off`.");
	for (const struct failure_row *row = failure_rows; row->name; row++)
		failure_item(page, row);
}

static void failures_visit(struct help_visit *visit)
{
	for (const struct failure_row *row = failure_rows; row->name; row++)
		help_see(visit, error_kind_name(row->kind), "", row->when, row);
}

static void failures_print_entry(struct session *session, struct page *page, const struct help_entry *entry, const char *where)
{
	(void)session, (void)where;
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
	"An expression is one line: names, numbers, texts, operators and functions. It has no statements and no loops, and "
	"gives the same result everywhere.\n\n"
	"  (price - mean(price)) / std(price)\n"
	"  where(predict > 0.5, \"buy\", \"hold\")\n"
	"  header(\"x-tier\") == \"fast\" or (vol ?? 0) > 3%\n\n"
	"Names are the tensors of the message, what was set above in the same step, `step.tensor` of an earlier step, "
	"`request.tensor` and `params.name` of what the caller sent, and `key id ts pipeline step variant model version` of "
	"the message. `has(x)` and `x ?? y` may name what is missing; else using it is an error that names it.\n\n"
	"Operators, tightest first: `x[i] f(x) a.b`, `^`, `-x not x`, `* /`, `+ -`, `< <= > >= == != in`, `and`, `or`, `??`. "
	"Shapes broadcast as in numpy. Integers stay exact and overflow is an error; `/` always gives a floating point number. "
	"Blanks stand around a minus between names: `a-b` is one name.\n\n"
	"`not` binds tighter than a comparison, so it stands before brackets: `not (a > b)`. A comparison has two sides: "
	"`a < b and b < c`. Durations are whole milliseconds, as `ts` is. A condition of one element (left of `and` or `or`, or in "
	"`where`) forgives what goes wrong on the side that it makes unneeded; that side is left out of the shape then.\n\n"
	"Results are BOOL, INT64, UINT64 when all integers are unsigned, FP32 when all float tensors in the expression are FP32 or "
	"smaller, else FP64; `cast` gives just what it is told, and a bare name its tensor as it came.\n\n"
	"One evaluation may take 16,777,216 units of work, and more is a LIMIT error: an element made, or given to a function or a "
	"comparison, is one, each byte of a text that is looked at is one, and each time that `sort`, `median` or `quantile` go "
	"through an element. So a million numbers may pass sixteen operators, a `sort` takes some 400,000 of them, and a `median` "
	"or `quantile` some 2,000,000.";

static void function_item(struct page *page, const struct expression_function_row *row)
{
	page_item(page, 0, row->help, "%s", row->form);
}

static void functions_list(struct page *page)
{
	const char *group = "";
	for (const struct expression_function_row *row = expression_functions; row->name; row++) {
		if (strcmp(row->group, group) != 0)
			page_heading(page, 2, "Functions: %s", row->group);
		group = row->group;
		function_item(page, row);
	}
}

static void expressions_print(struct session *session, struct page *page)
{
	(void)session;
	page_heading(page, 1, "Expressions");
	page_text(page, expressions_text);
	functions_list(page);
}

const struct help_topic topic_expressions = {
	.name = "expressions",
	.summary = "The expression language and its functions.",
	.print = expressions_print,
};

static void functions_print(struct session *session, struct page *page)
{
	(void)session;
	page_heading(page, 1, "Functions");
	page_text(page, "What an expression can call; `sluice help expressions` has the language.");
	functions_list(page);
}

static void functions_visit(struct help_visit *visit)
{
	for (const struct expression_function_row *row = expression_functions; row->name; row++)
		help_see(visit, row->name, "", row->help, row);
}

static void functions_print_entry(struct session *session, struct page *page, const struct help_entry *entry, const char *where)
{
	(void)session, (void)where;
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

static void format_body(struct page *page, const struct format *format)
{
	page_text(page, format->help);
	page_item(page, 0, format->content_types, "content-type");
}

static void formats_print(struct session *session, struct page *page)
{
	(void)session;
	page_heading(page, 1, "Formats");
	page_text(page, "A message's format is told by its header `content-type`, or seen from its bytes, in this order. An "
			"answer leaves in the format of its request, unless `output.format` names another.");
	for (const struct format *const *format = format_table; (*format)->name; format++) {
		page_heading(page, 2, "%s", (*format)->name);
		format_body(page, *format);
	}
}

static void formats_visit(struct help_visit *visit)
{
	for (const struct format *const *format = format_table; (*format)->name; format++)
		help_see(visit, (*format)->name, "", (*format)->help, *format);
}

static void formats_print_entry(struct session *session, struct page *page, const struct help_entry *entry, const char *where)
{
	(void)session, (void)where;
	format_body(page, entry->item);
}

const struct help_topic topic_formats = {
	.name = "formats",
	.one = "format",
	.summary = "What messages arrive and leave in.",
	.print = formats_print,
	.visit = formats_visit,
	.print_entry = formats_print_entry,
};

/* ---- stubs ---- */

static void stub_item(struct page *page, const struct stub_row *row)
{
	char help[512];
	(void)snprintf(help, sizeof help, "takes %s; gives %s.", row->takes, row->gives);
	page_item(page, 0, help, "%s", row->name);
}

static void stubs_print(struct session *session, struct page *page)
{
	(void)session;
	page_heading(page, 1, "Stub models");
	page_text(page, "Models that are not there, for tests: a Model's `storageUri: stub://NAME?key=value`, or its own name "
			"when it has no other place. They need no server and always answer the same.");
	for (const struct stub_row *row = stub_rows; row->name; row++)
		stub_item(page, row);
}

static void stubs_visit(struct help_visit *visit)
{
	for (const struct stub_row *row = stub_rows; row->name; row++)
		help_see(visit, row->name, "", row->gives, row);
}

static void stubs_print_entry(struct session *session, struct page *page, const struct help_entry *entry, const char *where)
{
	(void)session, (void)where;
	stub_item(page, entry->item);
}

const struct help_topic topic_stubs = {
	.name = "stubs",
	.one = "stub model",
	.summary = "Models that stand in for real ones in tests.",
	.print = stubs_print,
	.visit = stubs_visit,
	.print_entry = stubs_print_entry,
};

/* ---- datatypes ---- */

static const char *const datatype_classes[] = {
	[CLASS_BOOL] = "true or false",
	[CLASS_UNSIGNED] = "whole number from 0 on",
	[CLASS_SIGNED] = "whole number",
	[CLASS_FLOAT] = "floating point number",
	[CLASS_BYTES] = "any bytes, of any length",
};

static void datatype_item(struct page *page, const struct datatype_row *row)
{
	char help[128];
	if (row->size > 0)
		(void)snprintf(help, sizeof help, "%s, %zu byte%s an element.", datatype_classes[row->class], row->size,
			       row->size > 1 ? "s" : "");
	else
		(void)snprintf(help, sizeof help, "%s.", datatype_classes[row->class]);
	page_item(page, 0, help, "%s", row->name);
}

static void datatypes_print(struct session *session, struct page *page)
{
	(void)session;
	page_heading(page, 1, "Datatypes");
	page_text(page, "Tensors have the datatypes of the Open Inference Protocol, and BF16. Names are in capitals.");
	for (size_t i = 0; i < DATATYPE_COUNT; i++)
		datatype_item(page, &datatype_rows[i]);
}

static void datatypes_visit(struct help_visit *visit)
{
	for (size_t i = 0; i < DATATYPE_COUNT; i++)
		help_see(visit, datatype_rows[i].name, "", datatype_classes[datatype_rows[i].class], &datatype_rows[i]);
}

static void datatypes_print_entry(struct session *session, struct page *page, const struct help_entry *entry, const char *where)
{
	(void)session, (void)where;
	datatype_item(page, entry->item);
}

const struct help_topic topic_datatypes = {
	.name = "datatypes",
	.one = "datatype",
	.summary = "What elements of a tensor can be.",
	.print = datatypes_print,
	.visit = datatypes_visit,
	.print_entry = datatypes_print_entry,
};
