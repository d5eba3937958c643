/* command.c: Dispatch of a command line to its command; see command.h. */
#include "tools/cli/command.h"

#include <inttypes.h>
#include <stdarg.h>

#include "base/line_wrap.h"
#include "base/quote.h"
#include "base/suggest.h"
#include "base/url_mask.h"
#include "base/version.h"
#include "tools/cli/arguments.h"
#include "tools/cli/settings.h"
#include "tools/help/manual.h"
#include "kafka/kafka_log.h"
#include "message/json/json_write.h"
#include "compiler/graph/endpoint.h"
#include "engine/run/log_writer.h"

#define REPORT_ARENA_BYTES ((size_t)32 << 30)
#define REPORT_BYTES_MAX ((size_t)256 << 20)
#define COMMAND_ARENA_BYTES ((size_t)1 << 30) /* a ceiling against a runaway, not a budget: a spec has limits of its own */
#define FAULTS_BYTES_MAX ((size_t)64 << 20)   /* FAULTS_MAX faults with their lines fit */
#define OUTPUT_BYTES_MAX ((size_t)64 << 10)   /* an error's text, each byte of it escaped */
#define HELP_BYTES 128
#define PAGE_BYTES_MAX ((size_t)4 << 20)
#define WRAPPED_TIMES 4 /* as many bytes: a continued line begins with blanks, and has a word of some length */

/* One object on a line of `err`; `place` and `help` may be NULL. */
static void say_object(struct session *session, const char *kind, const struct place *place, const char *text, const char *help)
{
	struct buffer output;
	buffer_open(&output, OUTPUT_BYTES_MAX);
	buffer_print(&output, "{\"%s\":{", kind ? "error" : "note");
	if (kind)
		buffer_print(&output, "\"kind\":\"%s\",", kind);
	if (place) {
		json_write_string_after(&output, TEXT("\"file\":"), text_of(place->file));
		buffer_print(&output, ",\"line\":%u,\"column\":%u,", place->line, place->column);
	}
	json_write_string_after(&output, TEXT("\"message\":"), text_of(text));
	if (help)
		json_write_string_after(&output, TEXT(",\"help\":"), text_of(help));
	buffer_string(&output, "}}\n");
	if (!buffer_failed(&output))
		(void)fwrite(output.bytes, 1, output.length, session->err);
	buffer_close(&output);
}

void command_note(struct session *session, const char *format, ...)
{
	char text[LOG_MESSAGE_BYTES]; /* a remark may be several sentences */
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	mask_string(text);
	if (session->log)
		log_say(&session->log->sink, LOG_LEVEL_INFO, NULL, "%s", text);
	else if (session->form == OUTPUT_JSON)
		say_object(session, NULL, NULL, text, NULL);
	else {
		print_shown(session->err, text);
		fputc('\n', session->err);
	}
}

int command_misuse(struct session *session, const char *format, ...)
{
	const struct command *command = session->command;
	char text[ERROR_TEXT_MAX], help[HELP_BYTES] = "`sluice help` lists the commands";
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	mask_string(text);
	if (command)
		(void)snprintf(help, sizeof help, "`sluice help %s` shows how it is used", command->name);
	if (session->form == OUTPUT_JSON)
		say_object(session, "MISUSE", NULL, text, help);
	else
		fprintf(session->err, "sluice%s%s: %s\n%s\n", command ? " " : "", command ? command->name : "", text, help);
	return EXIT_MISUSE;
}

int command_servers_misused(struct session *session, const struct name_list *servers)
{
	const char *bad = endpoint_given_badly(servers);
	if (!bad)
		return EXIT_GOOD;
	return command_misuse(session, "--server takes NAME=URL, as in mlserver=grpc://host:8081, not `%s`", bad);
}

int command_failed(struct session *session, const struct error *error)
{
	const struct place *place = error->place.line > 0 ? &error->place : NULL;
	if (session->log)
		log_say(&session->log->sink, LOG_LEVEL_ERROR,
			&(struct log_fields){.kind = error_kind_name(error->kind), .place = error->place}, "%s", error->text);
	else if (session->form == OUTPUT_JSON)
		say_object(session, error_kind_name(error->kind), place, error->text, NULL);
	else {
		if (place)
			fprintf(session->err, "%s:%u:%u: ", place->file, place->line, place->column);
		else
			fputs("sluice: ", session->err);
		print_shown(session->err, error->text);
		fputc('\n', session->err);
	}
	return EXIT_FAULTS;
}

int command_refused(struct session *session, const struct error *error)
{
	bool misused = error->kind == ERROR_CONFIG && error->place.line == 0;
	return misused ? command_misuse(session, "%s", error->text) : command_failed(session, error);
}

/* A line for each. */
static void log_faults(struct session *session, const struct faults *faults)
{
	static const enum log_level levels[] = {
		[SEVERITY_ERROR] = LOG_LEVEL_ERROR, [SEVERITY_WARNING] = LOG_LEVEL_WARN, [SEVERITY_NOTE] = LOG_LEVEL_INFO};
	for (size_t i = 0; i < faults_total(faults); i++) {
		const struct fault *fault = faults_at(faults, i);
		const struct log_fields fields = {.kind = fault->code->code, .help = fault->code->help, .place = fault->place};
		log_say(&session->log->sink, levels[fault->code->severity], &fields, "%s%s%s%s", fault->message,
			fault->suggest ? "; did you mean `" : "", fault->suggest ? fault->suggest : "", fault->suggest ? "`?" : "");
	}
}

int command_faults(struct session *session, const struct faults *faults)
{
	struct buffer output;
	if (session->log && !session->fault_pages) {
		log_faults(session, faults);
		return EXIT_FAULTS;
	}
	buffer_open(&output, FAULTS_BYTES_MAX);
	if (session->form == OUTPUT_JSON) {
		faults_print_json(faults, &output);
		for (size_t i = 0; i + 1 < output.length; i++)
			output.bytes[i] = output.bytes[i] == '\n' ? ' ' : output.bytes[i];
	} else {
		faults_print_text(faults, &output, (struct fault_look){session->colour_beside, session->columns_beside});
	}
	(void)fwrite(output.bytes, 1, output.length, session->err);
	buffer_close(&output);
	return EXIT_FAULTS;
}

static void command_on_faults(void *context, const struct faults *faults)
{
	(void)command_faults(context, faults);
}

static void command_on_note(void *context, const char *line)
{
	command_note(context, "%s", line);
}

static void command_on_warning(void *context, const char *line)
{
	struct session *session = context;
	if (session->log)
		log_say(&session->log->sink, LOG_LEVEL_WARN, NULL, "%s", line);
	else
		command_note(session, "%s", line);
}

static void command_on_failure(void *context, const struct error *error)
{
	(void)command_failed(context, error);
}

const struct workspace *command_workspace(struct session *session)
{
	struct workspace *workspace = &session->workspace; /* other threads may read one that was lent */
	if (workspace->report.context != session || workspace->arena != session->arena || workspace->kinds != session->kinds)
		*workspace =
			(struct workspace){session->kinds,
					   session->arena,
					   {command_on_faults, command_on_note, command_on_warning, command_on_failure, session},
					   session->commands};
	return &session->workspace;
}

int command_faults_only(struct session *session, const struct faults *faults)
{
	struct buffer output;
	if (session->form != OUTPUT_JSON)
		return command_faults(session, faults);
	buffer_open(&output, FAULTS_BYTES_MAX);
	faults_print_json(faults, &output);
	(void)command_write(session, &output);
	return EXIT_FAULTS;
}

int command_unread(struct session *session, const struct spec *spec, const struct error *error)
{
	if (error->kind != ERROR_NONE)
		return command_refused(session, error);
	if (spec->faults && faults_count(spec->faults, SEVERITY_ERROR) > 0)
		return command_faults_only(session, spec->faults);
	return EXIT_FAULTS;
}

int command_write(struct session *session, struct buffer *page)
{
	int code = EXIT_GOOD;
	if (buffer_failed(page)) {
		struct error error = {0};
		error_memory(&error, ERROR_SYSTEM, "writing a page");
		code = command_failed(session, &error);
	} else if (page->length > 0) {
		(void)fwrite(page->bytes, 1, page->length, session->out);
	}
	buffer_close(page);
	return code;
}

int command_report(struct session *session, report_make_page *make, const void *options, const char *experiment)
{
	struct error error = {0};
	struct buffer out;
	struct arena *arena = arena_open(REPORT_ARENA_BYTES);
	buffer_open(&out, REPORT_BYTES_MAX);
	const bool good = (arena || error_memory(&error, ERROR_SYSTEM, "reading an experiment")) &&
			  make(session, options, experiment, arena, &out, &error);
	arena_close(arena);
	if (good)
		return command_write(session, &out);
	buffer_close(&out);
	return command_refused(session, &error);
}

int command_write_lines(struct session *session, struct buffer *page)
{
	struct buffer wrapped;
	if (session->columns == 0 || session->form == OUTPUT_JSON || buffer_failed(page))
		return command_write(session, page);
	buffer_open(&wrapped, WRAPPED_TIMES * page->ceiling_bytes);
	lines_wrap(buffer_view(page), session->columns, &wrapped);
	buffer_close(page);
	return command_write(session, &wrapped);
}

void command_sent(struct session *session, enum output_form form, const char *topic, uint64_t acknowledged, uint64_t refused)
{
	if (form == OUTPUT_JSON)
		fprintf(session->out, "{\"topic\": \"%s\", \"acknowledged\": %" PRIu64 ", \"refused\": %" PRIu64 "}\n", topic,
			acknowledged, refused);
	else
		fprintf(session->out, "%" PRIu64 " acknowledged by %s, %" PRIu64 " refused\n", acknowledged, topic, refused);
}

/* ---- which command is meant ---- */

/* Words that name it at the beginning of the line; 0: it is another one. */
static size_t words_of(const struct command *command, const char *const *words, size_t count)
{
	const char *verb = strchr(command->name, ' ');
	if (!verb)
		return count > 0 && strcmp(command->name, words[0]) == 0 ? 1 : 0;
	return count > 1 && manual_is_noun(command, words[0]) && strcmp(verb + 1, words[1]) == 0 ? 2 : 0;
}

const struct command *command_find(const struct session *session, const char *const *words, size_t count, size_t *used)
{
	for (const struct command *const *command = session->commands; *command; command++) {
		*used = words_of(*command, words, count);
		if (*used > 0)
			return *command;
	}
	return NULL;
}

static const struct command *find_noun(const struct session *session, const char *word)
{
	for (const struct command *const *command = session->commands; *command; command++)
		if (manual_is_noun(*command, word))
			return *command;
	return NULL;
}

static int unknown_verb(struct session *session, const char *noun, const char *verb)
{
	struct suggestion suggestion = suggest_begin(text_of(verb));
	for (const struct command *const *command = session->commands; *command; command++)
		if (manual_is_noun(*command, noun))
			suggest_offer(&suggestion, text_of(strchr((*command)->name, ' ') + 1));
	if (suggestion.nearest.bytes)
		return command_misuse(session, "`%s` cannot `%s`; did you mean `%s " TEXT_FORMAT "`?", noun, verb, noun,
				      TEXT_ARGUMENTS(suggestion.nearest));
	return command_misuse(session, "`%s` cannot `%s`", noun, verb);
}

static int unknown_command(struct session *session, const char *const *words, size_t count)
{
	if (words[0][0] == '-')
		return command_misuse(session, "the command comes first: `sluice COMMAND %s`", words[0]);
	if (find_noun(session, words[0]) && count > 1)
		return unknown_verb(session, words[0], words[1]);
	struct suggestion suggestion = suggest_begin(text_of(words[0]));
	suggest_offer(&suggestion, TEXT("--version"));
	for (const struct command *const *command = session->commands; *command; command++)
		suggest_offer(&suggestion, (struct text){(*command)->name, strcspn((*command)->name, " ")});
	if (suggestion.nearest.bytes)
		return command_misuse(session, "there is no command `%s`; did you mean `" TEXT_FORMAT "`?", words[0],
				      TEXT_ARGUMENTS(suggestion.nearest));
	return command_misuse(session, "there is no command `%s`", words[0]);
}

/* ---- running it ---- */

enum command_shown { SHOWN_OVERVIEW, SHOWN_NOUN, SHOWN_COMMAND };

static int command_show(struct session *session, enum command_shown what, const char *noun, const struct command *command)
{
	struct buffer out;
	buffer_open(&out, PAGE_BYTES_MAX);
	struct help_page page = {.out = &out, .form = PAGE_TEXT, .colour = session->colour, .columns = session->columns};
	if (what == SHOWN_OVERVIEW)
		manual_overview(&page, session->commands);
	else if (what == SHOWN_NOUN)
		manual_noun(&page, session->commands, noun);
	else
		manual_command(&page, command);
	return command_write(session, &out);
}

/* The value of `-o`; text if it is not known, or was not read before a misuse. */
static enum output_form form_of(const struct command *command, const void *options)
{
	for (const struct option *row = command->options; row && row->type != OPTION_END; row++)
		if (row->letter == FORM_LETTER && *(const int *)((const unsigned char *)options + row->offset) == OUTPUT_JSON)
			return OUTPUT_JSON;
	return OUTPUT_TEXT;
}

void command_log_begin(struct session *session, struct log_writer *log, int level)
{
	log_writer_open(log, session->err, session->form == OUTPUT_JSON, (enum log_level)level);
	session->log = log;
	kafka_log_to(&log->sink);
}

void command_log_end(struct session *session)
{
	kafka_log_to(NULL);
	log_writer_close(session->log);
	session->log = NULL;
}

/* Of a command without an engine, what librdkafka has to tell is text for a reader, or objects for a program. */
static int run_beside_kafka(struct session *session, const struct command *command, const void *options,
			    const struct arguments *arguments)
{
	struct log_writer lines;
	log_writer_open(&lines, session->err, true, LOG_LEVEL_INFO);
	kafka_log_to(session->form == OUTPUT_JSON ? &lines.sink : NULL);
	int code = command->run(session, options, arguments->items, arguments->count);
	kafka_log_to(NULL);
	log_writer_close(&lines);
	return code;
}

static int command_run_parsed(struct session *session, const struct command *command, const char *const *words, size_t count)
{
	struct arguments arguments;
	struct error error = {0};
	session->command = command;
	void *options = arena_take(session->arena, 1, command->options_size);
	if (!options && command->options_size > 0) {
		error_memory(&error, ERROR_SYSTEM, "reading the command line");
		return command_failed(session, &error);
	}
	bool good = arguments_parse(command, words, count, session->arena, options, &arguments, &error);
	session->form = form_of(command, options);
	if (!good)
		return command_refused(session, &error);
	if (arguments.help)
		return command_show(session, SHOWN_COMMAND, NULL, command);
	if (!settings_apply(command, arguments.given, session->arena, options, &error))
		return command_refused(session, &error);
	return run_beside_kafka(session, command, options, &arguments);
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int dispatch(struct session *session, const char *const *words, size_t count)
{
	if (count == 0)
		return command_misuse(session, "a command is missing; `sluice init DIR` creates a pipeline");
	if (is_help(words[0]))
		return command_show(session, SHOWN_OVERVIEW, NULL, NULL);
	if (strcmp(words[0], "--version") == 0) {
		fprintf(session->out, "sluice " SLUICE_VERSION "\n");
		return EXIT_GOOD;
	}
	size_t used;
	const struct command *command = command_find(session, words, count, &used);
	if (command)
		return command_run_parsed(session, command, words + used, count - used);
	if (find_noun(session, words[0]) && (count == 1 || is_help(words[1]))) {
		int code = command_show(session, SHOWN_NOUN, words[0], NULL);
		return count == 1 ? EXIT_MISUSE : code;
	}
	return unknown_command(session, words, count);
}

/* A result that could not be written is no result: a full disk must not look good. */
static int finish(struct session *session, int code)
{
	if (fflush(session->out) == 0 && !ferror(session->out))
		return code;
	command_note(session, "sluice: the output could not be written; is its disk full?");
	return code == EXIT_GOOD ? EXIT_FAULTS : code;
}

int command_main(struct session *session, int count, const char *const *arguments)
{
	session->arena = arena_open(COMMAND_ARENA_BYTES);
	if (!session->arena) {
		struct error error = {0};
		error_memory(&error, ERROR_SYSTEM, "starting");
		return command_failed(session, &error);
	}
	size_t words = count > 0 ? (size_t)count - 1 : 0;
	int code = finish(session, dispatch(session, arguments + (words > 0), words));
	arena_close(session->arena);
	session->arena = NULL;
	return code;
}
