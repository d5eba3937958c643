/* completion.c: see completion.h. Each shell has its own functions here; the walk over the table is common. */
#include "tools/help/completion.h"

#include <ctype.h>

#include "tools/help/completion_names.h"
#include "tools/help/topics.h"

/* ---- what all shells get ---- */

static bool is_first_of_noun(const struct command *const *commands, const struct command *const *command)
{
	struct text noun = {(*command)->name, strcspn((*command)->name, " ")};
	for (const struct command *const *earlier = commands; earlier < command; earlier++)
		if (text_equal(noun, (struct text){(*earlier)->name, strcspn((*earlier)->name, " ")}))
			return false;
	return true;
}

static const char *verb_of(const struct command *command)
{
	const char *blank = strchr(command->name, ' ');
	return blank ? blank + 1 : NULL;
}

/* Words for the first argument, with a blank behind each. */
static void argument_words(struct buffer *out, const struct command *const *commands, const struct command *command)
{
	const char *usage = command->arguments ? command->arguments : "";
	if (strstr(usage, "COMMAND")) {
		for (const struct command *const *other = commands; *other; other++)
			if (is_first_of_noun(commands, other))
				buffer_print(out, "%.*s ", (int)strcspn((*other)->name, " "), (*other)->name);
		topics_names(out);
	} else if (islower((unsigned char)usage[0])) {
		for (; *usage && *usage != ' '; usage++)
			buffer_byte(out, *usage == '|' ? ' ' : *usage);
		buffer_byte(out, ' ');
	}
}

/* The sort of names that a command's first argument takes, or an option's value; NULL: none is known. */
static const char *argument_sort(const struct command *command)
{
	return command->arguments ? completion_names_sort(command->arguments) : NULL;
}

static const char *value_sort(const struct option *row)
{
	const bool is_name = row->type == OPTION_TEXT || row->type == OPTION_NAMES;
	return is_name ? completion_names_sort(row->word ? row->word : row->name) : NULL;
}

/* A sentence between single quotes, by the shell's rule for a quote inside. */
static void completion_quoted(struct buffer *out, const char *text, const char *quote)
{
	for (; *text; text++) {
		if (*text == '\'')
			buffer_string(out, quote);
		else
			buffer_byte(out, *text);
	}
}

#define QUOTE_ZSH "'\\''"
#define QUOTE_FISH "\\'"

/* ---- bash and zsh: a case for each command, the longer names first ---- */

/* What a shell does when the word before is an option: with its choices, or with the names of a sort. */
struct value_forms {
	const char *choices, *names; /* formats with one %s */
};

static void value_cases(struct buffer *out, const struct command *command, const struct value_forms *forms)
{
	buffer_string(out, "\t\tcase $previous in\n");
	for (const struct option *row = command->options; row && row->type != OPTION_END; row++) {
		const char *sort = value_sort(row);
		if (row->type != OPTION_CHOICE && !sort)
			continue;
		buffer_print(out, "\t\t--%s", row->name);
		if (row->letter)
			buffer_print(out, "|-%c", row->letter);
		if (sort)
			buffer_print(out, forms->names, sort);
		else
			buffer_print(out, forms->choices, row->choices);
	}
	buffer_string(out, "\t\tesac\n");
}

static bool has_values(const struct command *command)
{
	for (const struct option *row = command->options; row && row->type != OPTION_END; row++)
		if (row->type == OPTION_CHOICE || value_sort(row))
			return true;
	return false;
}

static void bash_command(struct buffer *out, const struct command *const *commands, const struct command *command)
{
	buffer_print(out, "\t\"%s \"*)\n\t\twords='", command->name);
	argument_words(out, commands, command);
	buffer_string(out, "'\n");
	if (argument_sort(command))
		buffer_print(out, "\t\t[[ $current == -* ]] || words=$(_sluice_names %s)\n", argument_sort(command));
	buffer_string(out, "\t\t[[ $current == -* ]] && words='");
	for (const struct option *row = command->options; row && row->type != OPTION_END; row++)
		buffer_print(out, "--%s ", row->name);
	buffer_string(out, "--help'\n");
	static const struct value_forms forms = {") words='%s' ;;\n", ") words=$(_sluice_names %s) ;;\n"};
	if (has_values(command))
		value_cases(out, command, &forms);
	buffer_string(out, "\t\t;;\n");
}

/* Calls `print` for each command, those with a verb first. */
static void each_command(struct buffer *out, const struct command *const *commands,
			 void (*print)(struct buffer *out, const struct command *const *commands, const struct command *command))
{
	for (int verbs = 1; verbs >= 0; verbs--)
		for (const struct command *const *command = commands; *command; command++)
			if ((verb_of(*command) != NULL) == (verbs == 1))
				print(out, commands, *command);
}

static void verbs_of(struct buffer *out, const struct command *const *commands, const char *noun, size_t length)
{
	for (const struct command *const *command = commands; *command; command++)
		if (verb_of(*command) && strncmp((*command)->name, noun, length + 1) == 0)
			buffer_print(out, "%s ", verb_of(*command));
}

static void each_noun(struct buffer *out, const struct command *const *commands,
		      void (*print)(struct buffer *out, const struct command *const *commands, const char *noun, size_t length))
{
	for (const struct command *const *command = commands; *command; command++)
		if (verb_of(*command) && is_first_of_noun(commands, command))
			print(out, commands, (*command)->name, strcspn((*command)->name, " "));
}

static void bash_noun(struct buffer *out, const struct command *const *commands, const char *noun, size_t length)
{
	buffer_print(out, "\t\"%.*s \") words='", (int)length, noun);
	verbs_of(out, commands, noun, length);
	buffer_string(out, "' ;;\n");
}

static void bash(struct buffer *out, const struct command *const *commands)
{
	buffer_string(out, "# sluice for bash: eval \"$(sluice completion bash)\"\n"
		      "_sluice_names() {\n"
		      "\tlocal i files=()\n"
		      "\tfor ((i = 1; i + 1 < COMP_CWORD; i++)); do\n"
		      "\t\tcase ${COMP_WORDS[i]} in -f|--file) files+=(\"${COMP_WORDS[i + 1]}\") ;; esac\n"
		      "\tdone\n"
		      "\t\"${COMP_WORDS[0]/#\\~/$HOME}\" completion names \"$1\" \"${files[@]}\" 2>/dev/null\n"
		      "}\n"
		      "_sluice() {\n"
		      "\tlocal current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words=\n"
		      "\tcase \"${COMP_WORDS[*]:1:COMP_CWORD-1} \" in\n"
		      "\t' ') words='");
	for (const struct command *const *command = commands; *command; command++)
		if (is_first_of_noun(commands, command))
			buffer_print(out, "%.*s ", (int)strcspn((*command)->name, " "), (*command)->name);
	buffer_string(out, "--help --version' ;;\n");
	each_command(out, commands, bash_command);
	each_noun(out, commands, bash_noun);
	buffer_string(out, "\tesac\n"
		      "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
		      "}\n"
		      "complete -o default -F _sluice sluice\n");
}

static void zsh_command(struct buffer *out, const struct command *const *commands, const struct command *command)
{
	buffer_print(out, "\t\"%s \"*)\n", command->name);
	static const struct value_forms forms = {") compadd -- %s; return ;;\n", ") compadd -- $(_sluice_names %s); return ;;\n"};
	if (has_values(command))
		value_cases(out, command, &forms);
	buffer_string(out, "\t\tif [[ $words[CURRENT] == -* ]]; then\n\t\t\tfound=(");
	for (const struct option *row = command->options; row && row->type != OPTION_END; row++) {
		buffer_print(out, "'--%s:", row->name);
		completion_quoted(out, row->help ? row->help : "", QUOTE_ZSH);
		buffer_string(out, "' ");
	}
	buffer_string(out, "'--help:How it is used.')\n\t\t\t_describe -o option found\n\t\telse\n\t\t\tcompadd -- ");
	argument_words(out, commands, command);
	if (argument_sort(command))
		buffer_print(out, "$(_sluice_names %s)", argument_sort(command));
	buffer_string(out, "\n\t\t\t_files\n\t\tfi\n\t\t;;\n");
}

static void zsh_noun(struct buffer *out, const struct command *const *commands, const char *noun, size_t length)
{
	buffer_print(out, "\t\"%.*s \") compadd -- ", (int)length, noun);
	verbs_of(out, commands, noun, length);
	buffer_string(out, ";;\n");
}

static void zsh(struct buffer *out, const struct command *const *commands)
{
	buffer_string(out, "#compdef sluice\n"
		      "# sluice for zsh: source <(sluice completion zsh)\n"
		      "_sluice_names() {\n"
		      "\tlocal -a files\n"
		      "\tlocal i\n"
		      "\tfor ((i = 2; i + 1 < CURRENT; i++)); do\n"
		      "\t\t[[ $words[i] == (-f|--file) ]] && files+=(\"$words[i+1]\")\n"
		      "\tdone\n"
		      "\t${~words[1]} completion names $1 $files 2>/dev/null\n"
		      "}\n"
		      "_sluice() {\n"
		      "\tlocal previous=$words[CURRENT-1]\n"
		      "\tlocal -a found\n"
		      "\tcase \"${words[2,CURRENT-1]} \" in\n"
		      "\t' ')\n\t\tfound=(");
	for (const struct command *const *command = commands; *command; command++) {
		if (!is_first_of_noun(commands, command))
			continue;
		buffer_print(out, "'%.*s:", (int)strcspn((*command)->name, " "), (*command)->name);
		completion_quoted(out, verb_of(*command) ? "" : (*command)->summary, QUOTE_ZSH);
		buffer_string(out, "' ");
	}
	buffer_string(out, ")\n\t\t_describe command found\n\t\t;;\n");
	each_command(out, commands, zsh_command);
	each_noun(out, commands, zsh_noun);
	buffer_string(out, "\tesac\n}\n"
		      "# Loaded by name from $fpath it is being called already.\n"
		      "if [[ $funcstack[1] == _sluice ]]; then _sluice \"$@\"; else compdef _sluice sluice; fi\n");
}

/* ---- fish: a line for each word ---- */

/* The condition under which a command's own words are offered. */
static void fish_seen(struct buffer *out, const struct command *command)
{
	size_t noun = strcspn(command->name, " ");
	buffer_print(out, "complete -c sluice -n '__fish_seen_subcommand_from %.*s", (int)noun, command->name);
	if (verb_of(command))
		buffer_print(out, "; and __fish_seen_subcommand_from %s", verb_of(command));
	buffer_byte(out, '\'');
}

static void fish_command(struct buffer *out, const struct command *const *commands, const struct command *command)
{
	size_t before = out->length;
	fish_seen(out, command);
	buffer_string(out, " -f -a '");
	size_t words = out->length;
	argument_words(out, commands, command);
	if (argument_sort(command))
		buffer_print(out, "(__sluice_names %s)", argument_sort(command));
	if (out->length > words)
		buffer_string(out, "'\n");
	else
		out->length = before;
	for (const struct option *row = command->options; row && row->type != OPTION_END; row++) {
		fish_seen(out, command);
		buffer_print(out, " -l %s", row->name);
		if (row->letter)
			buffer_print(out, " -s %c", row->letter);
		if (row->type == OPTION_CHOICE)
			buffer_print(out, " -x -a '%s'", row->choices);
		else if (value_sort(row))
			buffer_print(out, " -x -a '(__sluice_names %s)'", value_sort(row));
		else if (row->type != OPTION_FLAG)
			buffer_string(out, " -r");
		buffer_string(out, " -d '");
		completion_quoted(out, row->help ? row->help : "", QUOTE_FISH);
		buffer_string(out, "'\n");
	}
}

static void fish_noun(struct buffer *out, const struct command *const *commands, const char *noun, size_t length)
{
	buffer_print(out, "complete -c sluice -n '__fish_seen_subcommand_from %.*s; and not __fish_seen_subcommand_from ",
		     (int)length, noun);
	verbs_of(out, commands, noun, length);
	buffer_string(out, "' -f -a '");
	verbs_of(out, commands, noun, length);
	buffer_string(out, "'\n");
}

static void fish(struct buffer *out, const struct command *const *commands)
{
	buffer_string(out, "# sluice for fish: sluice completion fish | source\n"
		      "function __sluice_names\n"
		      "\tset -l words (commandline -opc)\n"
		      "\tset -l files\n"
		      "\tfor i in (seq 2 (math (count $words) - 1))\n"
		      "\t\tcontains -- $words[$i] -f --file; and set -a files $words[(math $i + 1)]\n"
		      "\tend\n"
		      "\t$words[1] completion names $argv[1] $files 2>/dev/null\n"
		      "end\n");
	for (const struct command *const *command = commands; *command; command++) {
		if (!is_first_of_noun(commands, command))
			continue;
		buffer_print(out, "complete -c sluice -n __fish_use_subcommand -f -a %.*s", (int)strcspn((*command)->name, " "),
			     (*command)->name);
		if (!verb_of(*command)) {
			buffer_string(out, " -d '");
			completion_quoted(out, (*command)->summary, QUOTE_FISH);
			buffer_byte(out, '\'');
		}
		buffer_byte(out, '\n');
	}
	each_noun(out, commands, fish_noun);
	each_command(out, commands, fish_command);
}

/* ---- the shells ---- */

bool completion_print(const struct command *const *commands, const char *shell, struct buffer *out)
{
	static const struct {
		const char *name;
		void (*print)(struct buffer *out, const struct command *const *commands);
	} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
	for (size_t i = 0; i < sizeof shells / sizeof *shells; i++)
		if (strcmp(shell, shells[i].name) == 0) {
			shells[i].print(out, commands);
			return true;
		}
	return false;
}
