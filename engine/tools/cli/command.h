/* command.h: Interface of a command: one file and one table row for each command.
 *
 * The rows of a command parse its arguments and print its help, its man page and the shells' completion. A command
 * writes its result to `out` (text, or JSON with `-o json`) and other output to `err`. It returns the exit code: 0
 * good, 1 faults found, 2 misuse. Only main exits.
 */
#pragma once

#include <stdio.h>

#include "tools/help/command_row.h"
#include "observe/log_sink.h"
#include "compiler/yaml/workspace.h"

enum exit_code { EXIT_GOOD = 0, EXIT_FAULTS = 1, EXIT_MISUSE = 2 };

/* Output forms of `-o text|json` or --format. Commands with more forms list theirs after these two. COMMAND_FORM is
 * the option row: `member` of `struct owner` is an int. */
enum output_form { OUTPUT_TEXT, OUTPUT_JSON };

#define TERMINAL_COLUMNS 80 /* of a terminal that does not say */

struct log_writer;
struct spec;

struct session {
	FILE *out;
	FILE *err;
	bool colour;	       /* `out` is a terminal and NO_COLOR is not set */
	bool colour_beside;    /* the same for `err` */
	size_t columns;	       /* of the terminal that `out` is, into which text is wrapped; 0: it is none */
	size_t columns_beside; /* the same for `err` */
	enum output_form form; /* JSON: output on `err` is JSON too, one object on each line */
	const struct step_kind *const *kinds;
	const struct command *const *commands; /* all there are; ends with NULL */
	const struct command *command;	       /* which runs; NULL: none yet */
	struct arena *arena; /* arena of command_main(); lives as long as the command */
	/* Log of an engine, on `err`: notes, errors and faults are its lines. NULL: the command has no engine, or none yet. */
	struct log_writer *log;
	struct workspace workspace; /* of command_workspace() */
	bool fault_pages; /* faults are printed with their lines, as by lint, even if there is a log */
};

/* The commands of `sluice`; ends with NULL (commands.c). */
extern const struct command *const command_table[];

/* Finds the command (nouns in singular or plural), parses its arguments, and runs it. */
int command_main(struct session *session, int count, const char *const *arguments);

/* The command at the beginning of the line, and the number of words in its name; NULL: none. */
const struct command *command_find(const struct session *session, const char *const *words, size_t count, size_t *used);

/* Prints on `err` the misuse and the correct usage; returns EXIT_MISUSE. */
int command_misuse(struct session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What the session lends to modules that work for the command: their findings are printed as by command_faults(),
 * command_note() and command_failed(). It lives as long as the session. */
const struct workspace *command_workspace(struct session *session);

/* Checks the values of --server: EXIT_MISUSE with a message if one is not NAME=URL; else EXIT_GOOD. */
int command_servers_misused(struct session *session, const struct name_list *servers);

/* Redirects the messages of the command and of librdkafka to a log of that level, until command_log_end(). */
void command_log_begin(struct session *session, struct log_writer *log, int level);
void command_log_end(struct session *session);

/* Prints a line on `err` that is not part of the result. `format` has no line end. */
void command_note(struct session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints an error on `err`, with its place; returns EXIT_FAULTS. */
int command_failed(struct session *session, const struct error *error);

/* The same for an error about a name on the command line: a CONFIG error without a line is a misuse of the command
 * line itself. */
int command_refused(struct session *session, const struct error *error);

/* The same after the reading of files has failed: without an error the faults of `spec` are printed, if it has any, by
 * command_faults_only(). */
int command_unread(struct session *session, const struct spec *spec, const struct error *error);

/* Writes the buffer to `out` and closes it; returns EXIT_GOOD, or EXIT_FAULTS if memory had run out. */
int command_write(struct session *session, struct buffer *page);

/* The same for what `make` writes about an experiment whose records it reads into the arena; its CONFIG errors are misuses. */
typedef bool report_make_page(struct session *session, const void *options, const char *experiment, struct arena *arena,
			      struct buffer *out, struct error *error);
int command_report(struct session *session, report_make_page *make, const void *options, const char *experiment);

/* Prints how many records a topic has acknowledged and refused: the result of a command that sends them. */
void command_sent(struct session *session, enum output_form form, const char *topic, uint64_t acknowledged, uint64_t refused);

/* The same as command_write() for lines of words: on a terminal they are wrapped at its width. */
int command_write_lines(struct session *session, struct buffer *page);

/* Prints the YAML faults of a command other than lint on `err`; in JSON as lint's array on one line. Returns EXIT_FAULTS. */
int command_faults(struct session *session, const struct faults *faults);

/* The same for a command without another result: in JSON lint's array goes to `out`. */
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
		.fallback = "info", .help = "The lowest level of lines that are logged, on standard error."                        \
	}

/* `-n NAMESPACE` of the commands that read resources; `member` of `struct owner` is a text. */
#define COMMAND_NAMESPACE(owner, member)                                                                                           \
	{                                                                                                                          \
		.name = "namespace", .letter = 'n', .type = OPTION_TEXT, .offset = offsetof(struct owner, member),                 \
		.variable = "SLUICE_NAMESPACE",                                                                                    \
		.help = "The namespace of resources that name none. Default: SLUICE_NAMESPACE, else `default`."                    \
	}

/* `-f FILE`, as in every command: for commands with file arguments it means the same. */
#define COMMAND_FILES                                                                                                              \
	{                                                                                                                          \
		.name = "file", .letter = 'f', .type = OPTION_NAMES, .offset = OPTION_UNSTORED, .argument = true,                  \
		.help = "A file or folder of YAML; the same as FILE."                                                              \
	}
