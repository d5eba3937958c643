/* command.h: one file a command, one row each.
 *
 * The rows of a command parse its arguments and print its help, its man page and
 * the shells' completion. A command writes its result to `out` (text, or JSON with
 * `-o json`), what it has to say beside it to `err`, and returns the exit code:
 * 0 good, 1 faults found, 2 misuse. Nothing but main exits.
 */
#ifndef SLUICE_CLI_COMMAND_H
#define SLUICE_CLI_COMMAND_H

#include <stdio.h>

#include "base/arena.h"
#include "base/option.h"
#include "base/text.h"
#include "observe/log_sink.h"
#include "spec/fault.h"
#include "step/step.h"

enum exit_code { EXIT_GOOD = 0, EXIT_FAULTS = 1, EXIT_MISUSE = 2 };

/* `-o text|json`, which --format means as well; commands with more forms list theirs
 * behind these two. COMMAND_FORM is its row: `member` of `struct owner` is an int. */
enum output_form { OUTPUT_TEXT, OUTPUT_JSON };

struct log_writer;

struct session {
	FILE *out;
	FILE *err;
	bool colour;	       /* `out` is a terminal and NO_COLOR is not set */
	bool colour_beside;    /* the same of `err` */
	enum output_form form; /* JSON: what goes to `err` is JSON too, an object a line */
	const struct step_kind *const *kinds;
	struct arena *arena; /* command_main()'s; lives as long as the command */
	/* Of an engine, on `err`: notes, errors and faults are its lines. NULL: the command has no engine, or none yet. */
	struct log_writer *log;
	bool fault_pages; /* faults are shown with their lines, as lint does, whatever log there is */
};

struct command {
	const char *name; /* "lint"; "models serve" for a verb under a noun */
	/* For the usage line, and how many there may be: "NAME FILE..." is two or more,
	 * "[DIR]..." any number, "[FILE]" at most one; NULL: none. */
	const char *arguments;
	const char *summary;	      /* one sentence */
	const char *help;	      /* a paragraph or two, with an example */
	const struct option *options; /* its own (-o, -n, -f too); of the types that arguments.c reads; NULL: none */
	size_t options_size;
	const char *group; /* of the overview: "write", "run", "look" */
	/* `options` is the filled-in struct; `arguments` what was neither option nor value. */
	int (*run)(struct session *session, const void *options, const char *const *arguments, size_t count);
};

extern const struct command *const command_table[]; /* ends with NULL; cli/commands.c */

/* Finds the command (plural and singular nouns alike), parses, runs. */
int command_main(struct session *session, int count, const char *const *arguments);

/* The command that the line begins with, and how many words name it; NULL: none. */
const struct command *command_find(const char *const *words, size_t count, size_t *used);

/* Says on `err` what was misused and how to go on; returns EXIT_MISUSE. */
int command_misuse(struct session *session, const struct command *command, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* EXIT_MISUSE, and said so, when what --server was given is no NAME=URL; else EXIT_GOOD. */
int command_servers_misused(struct session *session, const struct command *command, const struct name_list *servers);

/* From now until command_log_end() what the command says, and librdkafka, are lines of a log of that level. */
void command_log_begin(struct session *session, struct log_writer *log, int level);
void command_log_end(struct session *session);

/* Says a line on `err` that is no part of the result; written without its end. */
void command_note(struct session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says an error on `err`, with its place; returns EXIT_FAULTS. */
int command_failed(struct session *session, const struct error *error);

/* The same for what a command line names: where a CONFIG error has no line, the command
 * line itself is at fault, and that is misuse. */
int command_refused(struct session *session, const struct command *command, const struct error *error);

/* Writes what was gathered to `out` and closes the buffer; returns EXIT_GOOD, or
 * EXIT_FAULTS when memory had run out. */
int command_write(struct session *session, struct buffer *page);

/* Says what is wrong with the YAML of a command that is not lint, on `err`; in JSON that is
 * lint's array on one line. Returns EXIT_FAULTS. */
int command_faults(struct session *session, const struct faults *faults);

/* The same where there is no other result: in JSON lint's array goes to `out`. */
int command_faults_only(struct session *session, const struct faults *faults);

#define FORM_LETTER 'o'
#define COMMAND_FORM(owner, member, forms)                                                                                         \
	{                                                                                                                          \
		.name = "format", .letter = FORM_LETTER, .type = OPTION_CHOICE, .offset = offsetof(struct owner, member),          \
		.choices = forms, .fallback = "text", .help = "The form in which the result is written."                           \
	}

/* `--log-level` of the commands that run an engine; `member` of `struct owner` is an int, an enum log_level. */
#define COMMAND_LOG_LEVEL(owner, member)                                                                                           \
	{                                                                                                                          \
		.name = "log-level", .type = OPTION_CHOICE, .offset = offsetof(struct owner, member), .choices = LOG_LEVELS,       \
		.fallback = "info", .help = "The least level of the lines that are logged, on standard error."                     \
	}

/* `-n NAMESPACE` of the commands that read resources; `member` of `struct owner` is a text. */
#define COMMAND_NAMESPACE(owner, member)                                                                                           \
	{                                                                                                                          \
		.name = "namespace", .letter = 'n', .type = OPTION_TEXT, .offset = offsetof(struct owner, member),                 \
		.variable = "SLUICE_NAMESPACE",                                                                                    \
		.help = "The namespace of resources that state none; else SLUICE_NAMESPACE; without it `default`."                 \
	}

/* `-f FILE`, as every command has it: for those that take files as arguments, the same. */
#define COMMAND_FILES                                                                                                              \
	{                                                                                                                          \
		.name = "file", .letter = 'f', .type = OPTION_NAMES, .offset = OPTION_UNSTORED, .argument = true,                  \
		.help = "The same as a file or folder without it."                                                                 \
	}

#endif
