/* help.c: `sluice help`: pages of commands and topics, for a terminal, as Markdown, as a man page. */

#include "tools/cli/command.h"
#include "tools/help/manual.h"
#include "tools/help/topics.h"
#include "compiler/expression/expression_foreign.h"

#define HELP_BYTES_MAX ((size_t)8 << 20)

struct help_options {
	int form; /* enum help_page_form */
	const char *search;
};

static const struct option options[] = {
	ROW("format", CHOICE, struct help_options, form, .letter = 'o', .choices = "text json markdown man", .fallback = "text",
	    .help = "For a terminal, a program, a web page, or `man`."),
	ROW("keyword", TEXT, struct help_options, search, .letter = 'k', .word = "WORD",
	    .help = "Searches all names and their one-line descriptions, ignoring case."),
	{0},
};

/* What stands here for a name of another expression language, also if it is called: `avg`, `avg(x)`; NULL: it is none. */
static const char *foreign_answer(const char *word)
{
	const struct text name = {word, strcspn(word, "(")};
	const char *answer = foreign_function(name);
	answer = answer ? answer : foreign_word(name);
	return answer ? answer : foreign_constant(name);
}

static int help_unknown(struct session *session, const char *word)
{
	struct buffer nearest;
	const char *foreign = foreign_answer(word);
	if (foreign)
		return command_misuse(session,
				      "there is no help on `%s`; in an expression %s; `sluice help expressions` describes them",
				      word, foreign);
	buffer_open(&nearest, ERROR_TEXT_MAX);
	bool any = topics_nearest(command_workspace(session), word, &nearest) && !buffer_failed(&nearest);
	int code;
	if (any)
		code = command_misuse(session, "there is no help on `%s`; did you mean %s?", word, nearest.bytes);
	else
		code = command_misuse(session,
				      "there is no help on `%s`; `sluice help topics` lists the topics, and `sluice help -k "
				      "WORD` searches them", word);
	buffer_close(&nearest);
	return code;
}

static bool help_print_noun(const struct session *session, struct help_page *page, const char *word)
{
	for (const struct command *const *command = session->commands; *command; command++) {
		if (manual_is_noun(*command, word)) {
			manual_noun(page, session->commands, word);
			return true;
		}
	}
	return false;
}

/* Prints a page. A man page is that of a command, if there is one of the name, and so is a page named by two words. */
static bool help_print(struct session *session, struct help_page *page, const char *const *words, size_t count)
{
	size_t used;
	const struct command *command = command_find(session, words, count, &used);
	bool whole = command && used == count;
	if (whole && page->form == PAGE_MAN) {
		manual_page(page, session->commands, command);
		return true;
	}
	if (whole && count > 1) {
		manual_command(page, command);
		return true;
	}
	manual_begin(page);
	bool noun = count == 1 && help_print_noun(session, page, words[0]);
	return topics_print(page, words, count) || noun;
}

static int help_run(struct session *session, const void *filled_in, const char *const *words, size_t count)
{
	const struct help_options *self = filled_in;
	struct buffer out;
	if (self->search && count > 0)
		return command_misuse(session, "-k WORD searches everything; leave `%s` out", words[0]);
	buffer_open(&out, HELP_BYTES_MAX);
	struct help_page page = {.out = &out,
			    .form = (enum help_page_form)self->form,
			    .colour = session->colour,
			    .columns = session->columns,
			    .workspace = command_workspace(session)};
	bool found = true;
	if (!self->search && count > 0) {
		found = help_print(session, &page, words, count);
	} else {
		manual_begin(&page);
		if (self->search)
			found = topics_search(&page, self->search);
		else if (page.form == PAGE_MAN)
			manual_all(&page, session->commands);
		else
			manual_overview(&page, session->commands);
	}
	if (!found) {
		buffer_close(&out);
		return help_unknown(session, self->search ? self->search : words[count - 1]);
	}
	help_page_end(&page);
	return command_write(session, &out);
}

const struct command command_help = {
	.name = "help",
	.arguments = "[COMMAND|TOPIC|CODE]...",
	.summary = "Explains any name: a command, field, function, fault or topic.",
	.help = "`sluice help topics` lists the topics. If a name has several meanings, all are shown; `sluice help steps "
		"filter` shows one. A field is found by its name, or by the end of its path.\n\n"
		"  sluice help lint\n"
		"  sluice help steps\n"
		"  sluice help output.format\n"
		"  sluice help -k latency\n"
		"  sluice help -o man > sluice.1\n"
		"  sluice help -o man errors replay > sluice-errors-replay.1",
	.options = options,
	.options_size = sizeof(struct help_options),
	.group = "look",
	.run = help_run,
};
