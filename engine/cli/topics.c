/* topics.c: see topics.h. */
#include "cli/topics.h"

#include <string.h>

#include "message/failure.h"
#include "message/format.h"
#include "serving/stub.h"
#include "spec/kafka_setting.h"
#include "spec/resource.h"

struct printed_topic {
	const char *name;
	const char *summary;
	void (*print)(struct session *session, struct page *page);
	/* One thing of the topic by its name; false: it has none of that name. */
	bool (*print_one)(struct session *session, struct page *page, const char *name);
	void (*offer)(struct session *session, struct suggestion *suggestion);
};

/* ---- step kinds ---- */

static void print_step(struct page *page, unsigned level, const struct step_kind *kind)
{
	page_heading(page, level, "%s", kind->name);
	page_text(page, kind->summary);
	if (kind->planned)
		page_text(page, "Its fields are known and checked, but a pipeline with it cannot run yet.");
	if (kind->example)
		page_code(page, "yaml", kind->example);
	if (kind->options)
		page_options(page, kind->options);
}

static void steps_print(struct session *session, struct page *page)
{
	page_heading(page, 1, "Step kinds");
	page_text(page, "A step has one of these keys, or none: then it calls the model of its own name. Every step also takes "
			"the fields of `spec.steps[]` of a Pipeline (`sluice help resources`).");
	for (const struct step_kind *const *kind = session->kinds; *kind; kind++)
		print_step(page, 2, *kind);
}

static bool steps_print_one(struct session *session, struct page *page, const char *name)
{
	for (const struct step_kind *const *kind = session->kinds; *kind; kind++) {
		if (strcmp((*kind)->name, name) == 0) {
			print_step(page, 1, *kind);
			return true;
		}
	}
	return false;
}

static void steps_offer(struct session *session, struct suggestion *suggestion)
{
	for (const struct step_kind *const *kind = session->kinds; *kind; kind++)
		suggest_offer(suggestion, text_of((*kind)->name));
}

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

static bool failures_print_one(struct session *session, struct page *page, const char *name)
{
	bool any = false;
	(void)session;
	for (const struct failure_row *row = failure_rows; row->name; row++) {
		if (strcmp(name, error_kind_name(row->kind)) != 0)
			continue;
		failure_item(page, row);
		any = true;
	}
	return any;
}

static void failures_offer(struct session *session, struct suggestion *suggestion)
{
	(void)session;
	for (const struct failure_row *row = failure_rows; row->name; row++)
		suggest_offer(suggestion, text_of(error_kind_name(row->kind)));
}

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

static void expressions_print(struct session *session, struct page *page)
{
	(void)session;
	page_heading(page, 1, "Expressions");
	page_text(page, expressions_text);
	const char *group = "";
	for (const struct expression_function_row *row = expression_functions; row->name; row++) {
		if (strcmp(row->group, group) != 0)
			page_heading(page, 2, "Functions: %s", row->group);
		group = row->group;
		function_item(page, row);
	}
}

static bool expressions_print_one(struct session *session, struct page *page, const char *name)
{
	(void)session;
	bool found = false;
	for (const struct expression_function_row *row = expression_functions; row->name; row++) {
		if (strcmp(row->name, name) != 0)
			continue;
		found = true;
		function_item(page, row);
	}
	return found;
}

static void expressions_offer(struct session *session, struct suggestion *suggestion)
{
	(void)session;
	for (const struct expression_function_row *row = expression_functions; row->name; row++)
		suggest_offer(suggestion, text_of(row->name));
}

/* ---- resources ---- */

static void print_resource(struct page *page, unsigned level, const struct resource_kind *kind)
{
	page_heading(page, level, "%s", kind->name);
	if (kind->help)
		page_text(page, kind->help);
	if (kind->later)
		page_text(page, "Its fields are checked; what it says is not done yet.");
	page_options(page, kind->rows);
}

static void resources_print(struct session *session, struct page *page)
{
	(void)session;
	page_heading(page, 1, "Resources");
	page_text(page, "A resource is one YAML document: `apiVersion`, `kind`, `metadata` with a name, and `spec`, whose "
			"fields these are. What sluice does not know is an error; what it knows and does not honour yet is a "
			"warning.");
	for (const struct resource_kind *kind = resource_kinds; kind->name; kind++)
		print_resource(page, 2, kind);
}

static bool resources_print_one(struct session *session, struct page *page, const char *name)
{
	(void)session;
	for (const struct resource_kind *kind = resource_kinds; kind->name; kind++) {
		if (text_equal_caseless(text_of(kind->name), text_of(name))) {
			print_resource(page, 1, kind);
			return true;
		}
	}
	return false;
}

static void resources_offer(struct session *session, struct suggestion *suggestion)
{
	(void)session;
	for (const struct resource_kind *kind = resource_kinds; kind->name; kind++)
		suggest_offer(suggestion, text_of(kind->name));
}

/* ---- formats ---- */

static void formats_print(struct session *session, struct page *page)
{
	(void)session;
	page_heading(page, 1, "Formats");
	page_text(page, "A message's format is told by its header `content-type`, or seen from its bytes, in this order. An "
			"answer leaves in the format of its request, unless `output.format` names another.");
	for (const struct format *const *format = format_table; (*format)->name; format++) {
		page_heading(page, 2, "%s", (*format)->name);
		page_text(page, (*format)->help);
		page_item(page, 0, (*format)->content_types, "content-type");
	}
}

static bool formats_print_one(struct session *session, struct page *page, const char *name)
{
	(void)session;
	const struct format *format = format_named(text_of(name));
	if (!format)
		return false;
	page_heading(page, 1, "%s", format->name);
	page_text(page, format->help);
	page_item(page, 0, format->content_types, "content-type");
	return true;
}

static void formats_offer(struct session *session, struct suggestion *suggestion)
{
	(void)session;
	for (const struct format *const *format = format_table; (*format)->name; format++)
		suggest_offer(suggestion, text_of((*format)->name));
}

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

static bool stubs_print_one(struct session *session, struct page *page, const char *name)
{
	(void)session;
	for (const struct stub_row *row = stub_rows; row->name; row++) {
		if (strcmp(row->name, name) == 0) {
			stub_item(page, row);
			return true;
		}
	}
	return false;
}

static void stubs_offer(struct session *session, struct suggestion *suggestion)
{
	(void)session;
	for (const struct stub_row *row = stub_rows; row->name; row++)
		suggest_offer(suggestion, text_of(row->name));
}

/* ---- faults ---- */

static void print_fault(struct page *page, unsigned level, const struct fault_code *code)
{
	page_heading(page, level, "%s: %s", code->code, code->title);
	page_text(page, code->help);
	page_item(page, 0, fault_kind_name(code->kind), "kind");
	page_item(page, 0, severity_name(code->severity), "severity");
	if (code->example)
		page_code(page, "yaml", code->example);
}

static void faults_print(struct session *session, struct page *page)
{
	(void)session;
	page_heading(page, 1, "Faults");
	page_text(page, "What `sluice lint` can find: the code, what it means, what to do, and an example that has it with the "
			"same mended.");
	for (const struct fault_code *code = fault_codes; code->code; code++)
		print_fault(page, 2, code);
}

static bool faults_print_one(struct session *session, struct page *page, const char *name)
{
	(void)session;
	const struct fault_code *code = fault_code_find(name);
	if (code)
		print_fault(page, 1, code);
	return code != NULL;
}

static void faults_offer(struct session *session, struct suggestion *suggestion)
{
	(void)session;
	for (const struct fault_code *code = fault_codes; code->code; code++)
		suggest_offer(suggestion, text_of(code->code));
}

/* ---- datatypes ---- */

static void datatype_item(struct page *page, const struct datatype_row *row)
{
	static const char *const classes[] = {
		[CLASS_BOOL] = "true or false",
		[CLASS_UNSIGNED] = "whole number from 0 on",
		[CLASS_SIGNED] = "whole number",
		[CLASS_FLOAT] = "floating point number",
		[CLASS_BYTES] = "any bytes, of any length",
	};
	char help[128];
	if (row->size > 0)
		(void)snprintf(help, sizeof help, "%s, %zu byte%s an element.", classes[row->class], row->size,
			       row->size > 1 ? "s" : "");
	else
		(void)snprintf(help, sizeof help, "%s.", classes[row->class]);
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

static bool datatypes_print_one(struct session *session, struct page *page, const char *name)
{
	(void)session;
	enum datatype datatype;
	if (!datatype_find(text_of(name), &datatype))
		return false;
	datatype_item(page, &datatype_rows[datatype]);
	return true;
}

static void datatypes_offer(struct session *session, struct suggestion *suggestion)
{
	(void)session;
	for (size_t i = 0; i < DATATYPE_COUNT; i++)
		suggest_offer(suggestion, text_of(datatype_rows[i].name));
}

/* ---- settings of Kafka's clients ---- */

static void setting_item(struct page *page, const struct kafka_setting *row)
{
	if (row->clients == KAFKA_BOTH)
		page_item(page, 0, row->help, "%s", row->name);
	else
		page_item(page, 0, row->help, "%s (%s)", row->name, kafka_client_name(row->clients));
}

static void settings_of_kind(struct page *page, enum kafka_setting_kind kind, const char *title, const char *text)
{
	page_heading(page, 2, "%s", title);
	page_text(page, text);
	for (const struct kafka_setting *row = kafka_settings; row->name; row++)
		if (row->kind == kind)
			setting_item(page, row);
}

static void settings_print(struct session *session, struct page *page)
{
	(void)session;
	page_heading(page, 1, "Kafka settings");
	page_text(page, "What a SeldonRuntime may set under `kafkaConfig.consumer` and `kafkaConfig.producer`, by librdkafka's "
			"names. Any other name is a warning and is not passed on. `--kafka-setting NAME=VALUE` of a command takes "
			"every setting that librdkafka has: the command line is the operator's.");
	settings_of_kind(page, KAFKA_SETTING_PASSED, "Passed on", "They go to librdkafka as they are written.");
	settings_of_kind(page, KAFKA_SETTING_FILE, "Files", "They name files, and are taken only from a SeldonRuntime.");
	settings_of_kind(page, KAFKA_SETTING_PRINCIPAL, "Kerberos",
			 "librdkafka writes them into the command that gets a ticket, which a shell runs: any other character than "
			 "those named is an error.");
	settings_of_kind(page, KAFKA_SETTING_ENGINE, "Set by the engine",
			 "What the engine promises depends on them. In a file they are a warning and are not passed on.");
	settings_of_kind(page, KAFKA_SETTING_CODE, "Refused", "They load code or run commands: in a file they are errors.");
}

static bool settings_print_one(struct session *session, struct page *page, const char *name)
{
	(void)session;
	const struct kafka_setting *row = kafka_setting_find(name);
	if (row)
		setting_item(page, row);
	return row != NULL;
}

static void settings_offer(struct session *session, struct suggestion *suggestion)
{
	(void)session;
	for (const struct kafka_setting *row = kafka_settings; row->name; row++)
		suggest_offer(suggestion, text_of(row->name));
}

/* ---- options from elsewhere ---- */

static void shared_print(struct session *session, struct page *page)
{
	(void)session;
	page_heading(page, 1, "Settings");
	page_text(page, "Options that every command needs to find Kafka may be left out of the command line. What it says goes "
			"before what the files of the command say (kafkaConfig of a SeldonRuntime, the namespace of a resource), "
			"that before the environment, and that before the settings file.");
	page_heading(page, 2, "Environment");
	page_item(page, 0, "As --brokers.", "SLUICE_BROKERS");
	page_item(page, 0, "As --namespace.", "SLUICE_NAMESPACE");
	page_item(page, 0, "The settings file; empty: none is read.", "SLUICE_SETTINGS");
	page_heading(page, 2, "File");
	page_text(page, "$XDG_CONFIG_HOME/sluice/settings, or ~/.config/sluice/settings where that variable is not set. A line is "
			"NAME = VALUE, a comment behind #, or both, or empty; a # in a value has no blank before it. kafka-setting "
			"may stand on several lines. The file is refused when "
			"others can write to it, for it says where requests and logins go.");
	page_text(page, "  brokers = localhost:9092\n  namespace = trading\n  kafka-setting = security.protocol=SASL_SSL\n");
	page_item(page, 0, "As --brokers.", "brokers");
	page_item(page, 0, "As --namespace.", "namespace");
	page_item(page, 0, "As --kafka-setting; what the runtime says of the same goes before it.", "kafka-setting");
}

static bool shared_print_one(struct session *session, struct page *page, const char *name)
{
	(void)session, (void)page, (void)name;
	return false;
}

static void shared_offer(struct session *session, struct suggestion *suggestion)
{
	(void)session, (void)suggestion;
}

/* ---- all of them ---- */

static const struct printed_topic topics[] = {
	{"steps", "The step kinds and their options.", steps_print, steps_print_one, steps_offer},
	{"failures", "How requests fail, and which are kept.", failures_print, failures_print_one, failures_offer},
	{"expressions", "The expression language and its functions.", expressions_print, expressions_print_one, expressions_offer},
	{"resources", "The kinds of YAML documents and their fields.", resources_print, resources_print_one, resources_offer},
	{"formats", "What messages arrive and leave in.", formats_print, formats_print_one, formats_offer},
	{"datatypes", "What elements of a tensor can be.", datatypes_print, datatypes_print_one, datatypes_offer},
	{"stubs", "Models that stand in for real ones in tests.", stubs_print, stubs_print_one, stubs_offer},
	{"kafka-settings", "The settings of librdkafka that a file may set.", settings_print, settings_print_one, settings_offer},
	{"settings", "Options from the environment and from a settings file.", shared_print, shared_print_one, shared_offer},
	{"faults", "What `sluice lint` can find, by code.", faults_print, faults_print_one, faults_offer},
};

static void list_topics(struct page *page)
{
	page_heading(page, 1, "Topics");
	page_item(page, 0, "All commands and their options.", "commands");
	for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
		page_item(page, 0, topics[i].summary, "%s", topics[i].name);
	page_text(page, "`sluice help TOPIC` prints one; `sluice help NAME` one thing of any of them.");
}

/* In the singular too. */
static bool is_topic(const struct printed_topic *topic, const char *word)
{
	size_t length = strlen(topic->name);
	return strcmp(topic->name, word) == 0 || (strlen(word) == length - 1 && strncmp(topic->name, word, length - 1) == 0);
}

bool topics_print(struct session *session, struct page *page, const char *const *words, size_t count)
{
	if (count == 1 && strcmp(words[0], "topics") == 0) {
		list_topics(page);
		return true;
	}
	for (size_t i = 0; i < sizeof topics / sizeof *topics && count <= 2; i++) {
		bool named = is_topic(&topics[i], words[0]);
		if (named && count == 1) {
			topics[i].print(session, page);
			return true;
		}
		if (named || count == 1) {
			if (topics[i].print_one(session, page, words[count - 1]))
				return true;
		}
	}
	return false;
}

void topics_offer(struct session *session, struct suggestion *suggestion)
{
	suggest_offer(suggestion, TEXT("topics"));
	suggest_offer(suggestion, TEXT("commands"));
	for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
		suggest_offer(suggestion, text_of(topics[i].name));
		topics[i].offer(session, suggestion);
	}
}
