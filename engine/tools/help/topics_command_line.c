/* topics_command_line.c: Topics of `sluice help` for the command line and settings: commands, their options, settings
 * of Kafka's clients, the environment. */
#include <stdio.h>

#include "tools/help/help_topic.h"
#include "tools/help/manual.h"
#include "compiler/resources/kafka_setting.h"

/* ---- settings of Kafka's clients ---- */

static void setting_item(struct help_page *page, const struct kafka_setting *row)
{
	if (row->clients == KAFKA_BOTH)
		help_page_item(page, 0, row->help, "%s", row->name);
	else
		help_page_item(page, 0, row->help, "%s (%s)", row->name, kafka_client_name(row->clients));
}

static void settings_of_kind(struct help_page *page, enum kafka_setting_kind kind, const char *title, const char *text)
{
	help_page_heading(page, 2, "%s", title);
	help_page_text(page, text);
	for (const struct kafka_setting *row = kafka_settings; row->name; row++)
		if (row->kind == kind)
			setting_item(page, row);
}

static void kafka_settings_print(struct help_page *page)
{
	help_page_heading(page, 1, "Kafka settings");
	help_page_text(page,
		       "What a SeldonRuntime may set under `kafkaConfig.consumer` and `kafkaConfig.producer`, by librdkafka's "
		       "names. Any other name causes a warning and is not passed on. The option `--kafka-setting NAME=VALUE` "
		       "of a command accepts every setting of librdkafka, because the operator controls the command line.");
	settings_of_kind(page, KAFKA_SETTING_PASSED, "Passed on", "They are passed to librdkafka unchanged.");
	settings_of_kind(page, KAFKA_SETTING_FILE, "Files", "They name files, and are accepted only in a SeldonRuntime.");
	settings_of_kind(page, KAFKA_SETTING_PRINCIPAL, "Kerberos",
			 "librdkafka inserts them into the command that gets a ticket, and a shell runs it: any character "
			 "other than the listed ones is an error.");
	settings_of_kind(page, KAFKA_SETTING_ENGINE, "Set by the engine",
			 "The guarantees of the engine depend on them. In a file they cause a warning and are not passed on.");
	settings_of_kind(page, KAFKA_SETTING_CODE, "Refused", "They load code or run commands: in a file they are errors.");
}

static void kafka_settings_visit(struct help_visit *visit)
{
	for (const struct kafka_setting *row = kafka_settings; row->name; row++)
		help_see(visit, row->name, "", row->help, row);
}

static void kafka_settings_print_entry(struct help_page *page, const struct help_entry *entry)
{
	setting_item(page, entry->item);
}

const struct help_topic topic_kafka_settings = {
	.name = "kafka-settings",
	.one = "setting of librdkafka",
	.summary = "The settings of librdkafka that a file may set.",
	.print = kafka_settings_print,
	.visit = kafka_settings_visit,
	.print_entry = kafka_settings_print_entry,
};

/* ---- options from elsewhere ---- */

#define SHARED_TEXT_BYTES 96

static const char settings_file_help[] = "The settings file; empty: none is read.";

/* Whether a command before this one has an option of that name. */
static bool is_listed(const struct command *const *commands, const struct command *const *before, const char *name)
{
	for (const struct command *const *command = commands; command < before; command++)
		for (const struct option *row = (*command)->options; row && row->type != OPTION_END; row++)
			if (row->variable && strcmp(row->name, name) == 0)
				return true;
	return false;
}

/* Calls `take` once for each option that may be set outside the command line, in the order of the commands. */
static void shared_each(const struct command *const *commands, void (*take)(void *context, const struct option *row), void *context)
{
	for (const struct command *const *command = commands; *command; command++)
		for (const struct option *row = (*command)->options; row && row->type != OPTION_END; row++)
			if (row->variable && !is_listed(commands, command, row->name))
				take(context, row);
}

static void shared_item(struct help_page *page, const char *name, const char *option)
{
	char as[SHARED_TEXT_BYTES];
	snprintf(as, sizeof as, "As --%s.", option);
	help_page_item(page, 0, as, "%s", name);
}

static void variable_item(void *page, const struct option *row)
{
	if (row->variable[0])
		shared_item(page, row->variable, row->name);
}

static void file_item(void *page, const struct option *row)
{
	shared_item(page, row->name, row->name);
}

static void shared_see(void *visit, const struct option *row)
{
	if (row->variable[0])
		help_see(visit, row->variable, "the environment", row->help, row);
	help_see(visit, row->name, "the settings file", row->help, row);
}

static void settings_print(struct help_page *page)
{
	help_page_heading(page, 1, "Settings");
	help_page_text(page, "Options that many commands have may be set outside the command line. The command line has "
		       "the highest precedence. Next are the files of the command (kafkaConfig of a SeldonRuntime, the "
		       "namespace of a resource), then the environment, then the settings file.");
	help_page_heading(page, 2, "Environment");
	shared_each(page->workspace->commands, variable_item, page);
	help_page_item(page, 0, settings_file_help, "SLUICE_SETTINGS");
	help_page_heading(page, 2, "File");
	help_page_text(page,
		       "$XDG_CONFIG_HOME/sluice/settings, or ~/.config/sluice/settings if that variable is not set. A line is "
		       "NAME = VALUE, a comment after #, both, or empty; a # in a value has no space before it. kafka-setting "
		       "may be on several lines; a setting of the same name in the SeldonRuntime overrides it. The file is "
		       "refused if other users can write to it, because it determines where requests and logins are sent.");
	help_page_text(page,
		       "  brokers = localhost:9092\n  namespace = trading\n  kafka-setting = security.protocol=SASL_SSL\n");
	shared_each(page->workspace->commands, file_item, page);
	help_page_heading(page, 2, "Secrets of YAML");
	help_page_text(page,
		       "Passwords and keys of kafkaConfig, of a schema registry, of a cache and of webhooks are references. The "
		       "process that uses them reads them: `env:SLUICE_SECRET_NAME` is an environment variable, and `file:NAME` "
		       "the contents, without the line's end, of a file in the folder that --secrets names. YAML can name no "
		       "other variable and no other file, since whoever writes it also writes the address to which the secret "
		       "goes. A link in the folder may not lead out of it. What the command line and the settings file refer to "
		       "is the operator's: any variable and any file.");
}

static void settings_visit(struct help_visit *visit)
{
	shared_each(visit->workspace->commands, shared_see, visit);
	help_see(visit, "SLUICE_SETTINGS", "the environment", settings_file_help, settings_file_help);
	help_see(visit, "SLUICE_SECRET_NAME", "the environment", "A secret that YAML may name, as `env:SLUICE_SECRET_NAME`.",
		 "A secret that YAML may name, as `env:SLUICE_SECRET_NAME`.");
	for (const struct manual_variable *row = manual_variables; row->name; row++)
		help_see(visit, row->name, "the environment", row->help, row);
}

static void settings_print_entry(struct help_page *page, const struct help_entry *entry)
{
	help_page_item(page, 0, entry->text, "%s, in %s", entry->name, entry->where);
}

const struct help_topic topic_settings = {
	.name = "settings",
	.one = "setting",
	.summary = "Options from the environment and from a settings file.",
	.print = settings_print,
	.visit = settings_visit,
	.print_entry = settings_print_entry,
};

/* ---- commands and their options ---- */

static void commands_print(struct help_page *page)
{
	manual_all(page, page->workspace->commands);
}

static void commands_visit(struct help_visit *visit)
{
	for (const struct command *const *command = visit->workspace->commands; *command; command++)
		help_see(visit, (*command)->name, "", (*command)->summary, *command);
}

static void commands_print_entry(struct help_page *page, const struct help_entry *entry)
{
	manual_command(page, entry->item);
}

const struct help_topic topic_commands = {
	.name = "commands",
	.summary = "All commands and their options.",
	.print = commands_print,
	.visit = commands_visit,
	.print_entry = commands_print_entry,
};

static void options_visit(struct help_visit *visit)
{
	for (const struct command *const *command = visit->workspace->commands; *command; command++)
		for (const struct option *row = (*command)->options; row && row->type != OPTION_END; row++)
			help_see(visit, row->name, (*command)->name, row->help, row);
}

static void options_print_entry(struct help_page *page, const struct help_entry *entry)
{
	help_page_text(page, entry->where);
	manual_option(page, entry->item);
}

const struct help_topic topic_options = {
	.name = "options",
	.one = "option of a command",
	.summary = "The options of all commands.",
	.visit = options_visit,
	.print_entry = options_print_entry,
};
