/* topics_command_line.c: Topics of `sluice help` for the command line and settings: commands, their options, settings
 * of Kafka's clients, the environment. */
#include "cli/help_topic.h"
#include "cli/manual.h"
#include "spec/kafka_setting.h"

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

static void kafka_settings_print(struct session *session, struct page *page)
{
	(void)session;
	page_heading(page, 1, "Kafka settings");
	page_text(page, "What a SeldonRuntime may set under `kafkaConfig.consumer` and `kafkaConfig.producer`, by librdkafka's "
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

static void kafka_settings_print_entry(struct session *session, struct page *page, const struct help_entry *entry,
				       const char *where)
{
	(void)session, (void)where;
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

enum shared_place { SHARED_ENVIRONMENT, SHARED_FILE, SHARED_PROCESS };

static const struct shared_row {
	const char *name;
	enum shared_place place;
	const char *help;
} shared_rows[] = {
	{"SLUICE_BROKERS", SHARED_ENVIRONMENT, "As --brokers."},
	{"SLUICE_NAMESPACE", SHARED_ENVIRONMENT, "As --namespace."},
	{"SLUICE_SETTINGS", SHARED_ENVIRONMENT, "The settings file; empty: none is read."},
	{"brokers", SHARED_FILE, "As --brokers."},
	{"namespace", SHARED_FILE, "As --namespace."},
	{"kafka-setting", SHARED_FILE, "As --kafka-setting; a setting of the same name in the SeldonRuntime overrides it."},
	{0},
};

static void shared_items(struct page *page, enum shared_place place)
{
	for (const struct shared_row *row = shared_rows; row->name; row++)
		if (row->place == place)
			page_item(page, 0, row->help, "%s", row->name);
}

static void settings_print(struct session *session, struct page *page)
{
	(void)session;
	page_heading(page, 1, "Settings");
	page_text(page, "Options that commands need to reach Kafka may be set outside the command line. The command line has "
			"the highest precedence. Next are the files of the command (kafkaConfig of a SeldonRuntime, the "
			"namespace of a resource), then the environment, then the settings file.");
	page_heading(page, 2, "Environment");
	shared_items(page, SHARED_ENVIRONMENT);
	page_heading(page, 2, "File");
	page_text(page, "$XDG_CONFIG_HOME/sluice/settings, or ~/.config/sluice/settings if that variable is not set. A line is "
			"NAME = VALUE, a comment after #, both, or empty; a # in a value has no space before it. kafka-setting "
			"may be on several lines. The file is refused if other users can write to it, because it determines "
			"where requests and logins are sent.");
	page_text(page, "  brokers = localhost:9092\n  namespace = trading\n  kafka-setting = security.protocol=SASL_SSL\n");
	shared_items(page, SHARED_FILE);
}

static void settings_visit(struct help_visit *visit)
{
	for (const struct shared_row *row = shared_rows; row->name; row++)
		help_see(visit, row->name, row->place == SHARED_FILE ? "the settings file" : "the environment", row->help, row);
	for (const struct manual_variable *row = manual_variables; row->name; row++)
		help_see(visit, row->name, "the environment", row->help, row);
}

static void settings_print_entry(struct session *session, struct page *page, const struct help_entry *entry, const char *where)
{
	(void)session;
	page_item(page, 0, entry->text, "%s, in %s", entry->name, where);
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

static void commands_print(struct session *session, struct page *page)
{
	(void)session;
	manual_all(page);
}

static void commands_visit(struct help_visit *visit)
{
	for (const struct command *const *command = command_table; *command; command++)
		help_see(visit, (*command)->name, "", (*command)->summary, *command);
}

static void commands_print_entry(struct session *session, struct page *page, const struct help_entry *entry, const char *where)
{
	(void)session, (void)where;
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
	for (const struct command *const *command = command_table; *command; command++)
		for (const struct option *row = (*command)->options; row && row->type != OPTION_END; row++)
			help_see(visit, row->name, (*command)->name, row->help, row);
}

static void options_print_entry(struct session *session, struct page *page, const struct help_entry *entry, const char *where)
{
	(void)session;
	page_text(page, where);
	manual_option(page, entry->item);
}

const struct help_topic topic_options = {
	.name = "options",
	.one = "option of a command",
	.summary = "The options of all commands.",
	.visit = options_visit,
	.print_entry = options_print_entry,
};
