/* manual.c: see manual.h. */
#include "tools/help/manual.h"

#include <ctype.h>

#include "base/version.h"

#define EXIT_STATUS "0: success. 1: faults were found. 2: the command was misused, and nothing was done."

/* The overview's order. */
const struct manual_variable manual_variables[] = {
	{"NO_COLOR", "If it is set, output has no colours."},
	{"SLUICE_FAIL_ALLOCATION", "The number of the allocation that fails; for tests."},
	{0},
};

static const struct command_group {
	const char *name;
	const char *title;
} groups[] = {
	{"write", "Write and check"},
	{"run", "Run"},
	{"deploy", "Deploy to engines that run with --control"},
	{"look", "Look and learn"},
};

bool manual_is_noun(const struct command *command, const char *word)
{
	size_t length = strcspn(command->name, " ");
	if (!command->name[length])
		return false;
	struct text noun = {command->name, length};
	if (text_is(noun, word))
		return true;
	noun.length--;
	return command->name[length - 1] == 's' && text_is(noun, word);
}

static void usage_of(struct help_page *page, const struct command *command)
{
	struct buffer line;
	buffer_open(&line, 1024);
	buffer_print(&line, "  sluice %s%s", command->name, command->options ? " [OPTION]..." : "");
	if (command->arguments)
		buffer_print(&line, " %s", command->arguments);
	buffer_byte(&line, '\0');
	page->out->failed |= buffer_failed(&line);
	if (!buffer_failed(&line))
		help_page_text(page, line.bytes);
	buffer_close(&line);
}

/* The placeholder of the value: FILE of --file, text|json of a choice, or the row's word. */
static void value_of(struct buffer *term, const struct option *row)
{
	if (row->type == OPTION_FLAG)
		return;
	buffer_byte(term, ' ');
	if (row->word) {
		buffer_string(term, row->word);
		return;
	}
	const char *word = row->type == OPTION_CHOICE ? row->choices : row->name;
	for (; *word; word++) {
		char upper = (char)toupper((unsigned char)*word);
		buffer_byte(term, row->type != OPTION_CHOICE ? upper : *word == ' ' ? '|' : *word);
	}
}

void manual_option(struct help_page *page, const struct option *row)
{
	struct buffer term, help;
	buffer_open(&term, 1024);
	buffer_open(&help, 4096);
	if (row->letter)
		buffer_print(&term, "-%c, ", row->letter);
	buffer_print(&term, "--%s", row->name);
	value_of(&term, row);
	buffer_byte(&term, '\0');
	buffer_string(&help, row->help ? row->help : "");
	if (row->type == OPTION_NAMES)
		buffer_string(&help, " May be repeated.");
	if (row->required)
		buffer_string(&help, " Needed.");
	if (row->fallback)
		buffer_print(&help, " Default: %s.", row->fallback);
	buffer_byte(&help, '\0');
	bool failed = buffer_failed(&term) || buffer_failed(&help);
	page->out->failed |= failed;
	if (!failed)
		help_page_item(page, 0, help.bytes, "%s", term.bytes);
	buffer_close(&term);
	buffer_close(&help);
}

static void sections_of(struct help_page *page, const struct command *command, unsigned level)
{
	for (const struct command_section *section = command->sections; section && section->title; section++) {
		help_page_heading(page, level, "%s", section->title);
		help_page_text(page, section->text);
	}
}

static void body_of(struct help_page *page, const struct command *command, unsigned level)
{
	usage_of(page, command);
	help_page_text(page, command->summary);
	if (command->help)
		help_page_text(page, command->help);
	for (const struct option *row = command->options; row && row->type != OPTION_END; row++)
		manual_option(page, row);
	sections_of(page, command, level + 1);
}

void manual_command(struct help_page *page, const struct command *command)
{
	help_page_heading(page, 1, "sluice %s", command->name);
	body_of(page, command, 1);
}

static void list_command(struct help_page *page, const struct command *command)
{
	help_page_item(page, 0, command->summary, "%s", command->name);
}

void manual_noun(struct help_page *page, const struct command *const *commands, const char *noun)
{
	help_page_heading(page, 1, "sluice %s", noun);
	for (const struct command *const *command = commands; *command; command++)
		if (manual_is_noun(*command, noun))
			list_command(page, *command);
}

static void list_group(struct help_page *page, const struct command *const *commands, const struct command_group *group)
{
	bool begun = false;
	for (const struct command *const *command = commands; *command; command++) {
		if (strcmp((*command)->group, group->name) != 0)
			continue;
		if (!begun)
			help_page_heading(page, 2, "%s", group->title);
		begun = true;
		list_command(page, *command);
	}
}

void manual_overview(struct help_page *page, const struct command *const *commands)
{
	help_page_heading(page, 1, "sluice: model pipelines as streaming dataflow on Kafka");
	help_page_text(page, "  sluice COMMAND [OPTION]... [ARGUMENT]...");
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		list_group(page, commands, &groups[i]);
	help_page_text(page, "`sluice help COMMAND` explains a command. `sluice help topics` lists the other topics.");
}

void manual_begin(struct help_page *page)
{
	if (page->form == PAGE_MAN)
		buffer_print(page->out, ".TH SLUICE 1 \"\" \"sluice " SLUICE_VERSION "\"\n.nh\n");
}

/* ---- the page of one command for man ---- */

/* `name` with a hyphen for each blank: the name of its page. */
static void name_of_page(struct buffer *out, const char *name)
{
	buffer_string(out, "sluice\\-");
	for (; *name; name++)
		buffer_string(out, *name == ' ' ? "\\-" : (const char[]){*name, 0});
}

/* The parts of a command's help that are examples, with the sentence that ends in a colon before one; or the others. */
static void help_parts(struct help_page *page, const struct command *command, bool examples)
{
	struct text rest = text_of(command->help);
	while (rest.length > 0) {
		const struct text part = help_page_take_part(&rest);
		const bool announces = part.bytes[part.length - 1] == ':' && help_page_is_example(rest);
		if ((help_page_is_example(part) || announces) == examples)
			help_page_part(page, part);
	}
}

static bool has_examples(const struct command *command)
{
	struct text rest = text_of(command->help);
	while (rest.length > 0)
		if (help_page_is_example(help_page_take_part(&rest)))
			return true;
	return false;
}

/* The other commands of its noun, and sluice(1). */
static void see_also(struct help_page *page, const struct command *const *commands, const struct command *command)
{
	const size_t noun = strcspn(command->name, " ");
	help_page_heading(page, 2, "SEE ALSO");
	buffer_string(page->out, ".BR sluice (1)");
	for (const struct command *const *other = commands; command->name[noun] && *other; other++) {
		if (*other == command || strncmp((*other)->name, command->name, noun + 1) != 0)
			continue;
		buffer_string(page->out, ",\n.BR ");
		name_of_page(page->out, (*other)->name);
		buffer_string(page->out, " (1)");
	}
	buffer_byte(page->out, '\n');
}

void manual_page(struct help_page *page, const struct command *const *commands, const struct command *command)
{
	buffer_string(page->out, ".TH ");
	name_of_page(page->out, command->name);
	buffer_print(page->out, " 1 \"\" \"sluice " SLUICE_VERSION "\"\n.nh\n");
	help_page_heading(page, 2, "NAME");
	name_of_page(page->out, command->name);
	buffer_print(page->out, " \\- %.*s\n", (int)strlen(command->summary) - 1, command->summary); /* without the full stop */
	help_page_heading(page, 2, "SYNOPSIS");
	usage_of(page, command);
	help_page_heading(page, 2, "DESCRIPTION");
	help_page_text(page, command->summary);
	if (command->help)
		help_parts(page, command, false);
	if (command->options)
		help_page_heading(page, 2, "OPTIONS");
	for (const struct option *row = command->options; row && row->type != OPTION_END; row++)
		manual_option(page, row);
	sections_of(page, command, 2);
	if (command->help && has_examples(command)) {
		help_page_heading(page, 2, "EXAMPLES");
		help_parts(page, command, true);
	}
	help_page_heading(page, 2, "EXIT STATUS");
	help_page_text(page, EXIT_STATUS);
	see_also(page, commands, command);
}

/* ---- all commands ---- */

static void see_commands(struct help_page *page, const struct command *const *commands)
{
	const char *before = "";
	help_page_heading(page, 2, "SEE ALSO");
	for (const struct command *const *command = commands; *command; command++) {
		buffer_print(page->out, "%s.BR ", before);
		name_of_page(page->out, (*command)->name);
		buffer_string(page->out, " (1)");
		before = ",\n";
	}
	buffer_byte(page->out, '\n');
}

void manual_all(struct help_page *page, const struct command *const *commands)
{
	if (page->form == PAGE_MAN) {
		help_page_heading(page, 2, "NAME");
		help_page_text(page, "sluice - model pipelines as streaming dataflow on Kafka");
		help_page_heading(page, 2, "COMMANDS");
	} else {
		help_page_heading(page, 1, "The commands");
	}
	for (const struct command *const *command = commands; *command; command++) {
		const unsigned level = page->form == PAGE_MAN ? 3 : 2;
		help_page_heading(page, level, "sluice %s", (*command)->name);
		body_of(page, *command, level);
	}
	help_page_heading(page, 2, "%s", page->form == PAGE_MAN ? "EXIT STATUS" : "Exit status");
	help_page_text(page, EXIT_STATUS);
	help_page_heading(page, 2, "%s", page->form == PAGE_MAN ? "ENVIRONMENT" : "Environment");
	for (const struct manual_variable *row = manual_variables; row->name; row++)
		help_page_item(page, 0, row->help, "%s", row->name);
	if (page->form == PAGE_MAN)
		see_commands(page, commands);
}
