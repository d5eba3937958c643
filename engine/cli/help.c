/* help.c: `sluice help`: commands and topics, for a terminal, as Markdown, as a man
 * page. */
#include <string.h>

#include "base/suggest.h"
#include "cli/command.h"
#include "cli/manual.h"
#include "cli/topics.h"

#define HELP_BYTES_MAX ((size_t)8 << 20)

struct help_options {
	int form; /* enum page_form */
};

static const struct option options[] = {
	{.name = "format", .letter = 'o', .type = OPTION_CHOICE, .offset = offsetof(struct help_options, form),
	 .choices = "text json markdown man", .fallback = "text", .help = "For a terminal, a program, a web page, or `man`."},
	{0},
};

extern const struct command command_help;

static int unknown(struct session *session, const char *word)
{
	struct suggestion suggestion = suggest_begin(text_of(word));
	for (const struct command *const *command = command_table; *command; command++)
		suggest_offer(&suggestion, text_of((*command)->name));
	topics_offer(session, &suggestion);
	if (suggestion.nearest.bytes)
		return command_misuse(session, &command_help, "there is nothing about `%s`; did you mean `" TEXT_FORMAT "`?", word,
				      TEXT_ARGUMENTS(suggestion.nearest));
	return command_misuse(session, &command_help, "there is nothing about `%s`; `sluice help topics` lists what there is",
			      word);
}

static bool print_noun(struct page *page, const char *word)
{
	for (const struct command *const *command = command_table; *command; command++) {
		if (manual_is_noun(*command, word)) {
			manual_noun(page, word);
			return true;
		}
	}
	return false;
}

static bool print_about(struct session *session, struct page *page, const char *const *words, size_t count)
{
	size_t used;
	const struct command *command = command_find(words, count, &used);
	if (command && used == count) {
		manual_command(page, command);
		return true;
	}
	if (count == 1 && (strcmp(words[0], "commands") == 0)) {
		manual_all(page);
		return true;
	}
	return (count == 1 && print_noun(page, words[0])) || topics_print(session, page, words, count);
}

static int help_run(struct session *session, const void *filled_in, const char *const *words, size_t count)
{
	const struct help_options *self = filled_in;
	struct buffer out;
	buffer_open(&out, HELP_BYTES_MAX);
	struct page page = {.out = &out, .form = (enum page_form)self->form, .colour = session->colour};
	manual_begin(&page);
	if (count == 0 && page.form == PAGE_MAN) {
		manual_all(&page);
	} else if (count == 0) {
		manual_overview(&page);
	} else if (!print_about(session, &page, words, count)) {
		buffer_close(&out);
		return unknown(session, words[count - 1]);
	}
	page_end(&page);
	return command_write(session, &out);
}

const struct command command_help = {
	.name = "help",
	.arguments = "[COMMAND|TOPIC|CODE]...",
	.summary = "Explains a command, a step kind, a function, a fault code, or a topic.",
	.help = "`sluice help topics` lists the topics. A name that is both a command and something else is the command; "
		"say `sluice help steps filter` for the other.\n\n"
		"  sluice help lint\n"
		"  sluice help steps\n"
		"  sluice help -o man > sluice.1",
	.options = options,
	.options_size = sizeof(struct help_options),
	.group = "look",
	.run = help_run,
};
