/* arguments.c: see arguments.h. */
#include "tools/cli/arguments.h"

#include <ctype.h>
#include <stdarg.h>

#include "base/number/duration.h"
#include "base/number/number.h"
#include "base/suggest.h"
#include "compiler/yaml/options.h"

struct argument_parser {
	const struct command *command;
	const char *const *words;
	size_t count;
	size_t next;
	unsigned char *options;
	bool *given; /* by row */
	struct arena *arena;
	const char **items;
	size_t items_count;
	struct error *error;
};

static bool misuse(struct argument_parser *parser, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool misuse(struct argument_parser *parser, const char *format, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list arguments;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	return error_set(parser->error, ERROR_CONFIG, PLACE_NONE, "%s", text);
}

/* ---- values ---- */

static bool out_of_bounds(const struct option *row, double number)
{
	return row->least < row->most && (number < row->least || number > row->most);
}

static bool set_integer(struct argument_parser *parser, const struct option *row, const char *value, int64_t *at)
{
	if (!number_read_int64(text_of(value), at))
		return misuse(parser, "--%s takes a whole number, not `%s`", row->name, value);
	if (out_of_bounds(row, (double)*at))
		return misuse(parser, "--%s takes a number from %.0f to %.0f, not `%s`", row->name, row->least, row->most, value);
	return true;
}

static bool set_number(struct argument_parser *parser, const struct option *row, const char *value, double *at)
{
	struct text number = text_of(value);
	bool percent = number.length > 0 && value[number.length - 1] == '%';
	number.length -= percent;
	if (!number_read_double(number, at))
		return misuse(parser, "--%s takes a number, not `%s`", row->name, value);
	if (percent)
		*at /= 100;
	if (out_of_bounds(row, *at))
		return misuse(parser, "--%s takes a number from %g to %g, not `%s`", row->name, row->least, row->most, value);
	return true;
}

static bool set_duration(struct argument_parser *parser, const struct option *row, const char *value, int64_t *at)
{
	const char *wrong = duration_read(text_of(value), at);
	return !wrong || misuse(parser, "--%s: `%s` %s", row->name, value, wrong);
}

static bool set_choice(struct argument_parser *parser, const struct option *row, const char *value, void *at)
{
	struct suggestion suggestion = suggest_begin(text_of(value));
	const int index = choice_find(row->choices, text_of(value), &suggestion);
	if (index >= 0) {
		*(int *)at = index;
		return true;
	}
	if (suggestion.nearest.bytes)
		return misuse(parser, "--%s cannot be `%s`; did you mean `" TEXT_FORMAT "`? It is one of: %s", row->name, value,
			      TEXT_ARGUMENTS(suggestion.nearest), row->choices);
	return misuse(parser, "--%s cannot be `%s`; it is one of: %s", row->name, value, row->choices);
}

/* A word gives one argument at the most, so there is room. */
static bool add_argument(struct argument_parser *parser, const char *value)
{
	parser->items[parser->items_count++] = value;
	return true;
}

/* No list can become longer than the command line, so that is its size from the start. */
static bool add_name(struct argument_parser *parser, const char *value, struct name_list *list)
{
	if (!list->items)
		list->items = ARENA_ARRAY(parser->arena, struct name, parser->count + 1);
	if (!list->items)
		return error_memory(parser->error, ERROR_SYSTEM, "reading the command line");
	struct name *items = (struct name *)list->items;
	items[list->count++] = (struct name){.text = value};
	return true;
}

static bool set_quantity(struct argument_parser *parser, const struct option *row, const char *value, double *quantity)
{
	return quantity_read(text_of(value), quantity) ||
	       misuse(parser, "--%s is `%s`; write a quantity, as in 256Mi or 1Gi", row->name, value);
}

static bool set_value(struct argument_parser *parser, const struct option *row, const char *value)
{
	if (row->argument)
		return add_argument(parser, value);
	void *at = parser->options + row->offset;
	switch (row->type) {
	case OPTION_TEXT:
		*(const char **)at = value;
		return true;
	case OPTION_NAME:
		*(struct name *)at = (struct name){.text = value};
		return true;
	case OPTION_NAMES:
		return add_name(parser, value, at);
	case OPTION_INTEGER:
		return set_integer(parser, row, value, at);
	case OPTION_NUMBER:
		return set_number(parser, row, value, at);
	case OPTION_QUANTITY:
		return set_quantity(parser, row, value, at);
	case OPTION_DURATION:
		return set_duration(parser, row, value, at);
	case OPTION_CHOICE:
		return set_choice(parser, row, value, at);
	default:
		return misuse(parser, "--%s cannot be read from a command line", row->name);
	}
}

/* ---- options ---- */

static bool set_fallbacks(struct argument_parser *parser)
{
	for (const struct option *row = parser->command->options; row && row->type != OPTION_END; row++)
		if (row->fallback && !set_value(parser, row, row->fallback))
			return false;
	return true;
}

static const struct option *find_long(const struct argument_parser *parser, struct text name)
{
	for (const struct option *row = parser->command->options; row && row->type != OPTION_END; row++)
		if (text_is(name, row->name))
			return row;
	return NULL;
}

static const struct option *find_letter(const struct argument_parser *parser, char letter)
{
	for (const struct option *row = parser->command->options; row && row->type != OPTION_END; row++)
		if (row->letter == letter)
			return row;
	return NULL;
}

static bool unknown_long(struct argument_parser *parser, struct text name)
{
	for (const struct absent_option *absent = parser->command->absent; absent && absent->name; absent++)
		if (text_is(name, absent->name))
			return misuse(parser, "there is no option --%s: %s", absent->name, absent->why);
	struct suggestion suggestion = suggest_begin(name);
	for (const struct option *row = parser->command->options; row && row->type != OPTION_END; row++)
		suggest_offer(&suggestion, text_of(row->name));
	suggest_offer(&suggestion, TEXT("help"));
	if (suggestion.nearest.bytes)
		return misuse(parser, "there is no option --" TEXT_FORMAT "; did you mean --" TEXT_FORMAT "?", TEXT_ARGUMENTS(name),
			      TEXT_ARGUMENTS(suggestion.nearest));
	return misuse(parser, "there is no option --" TEXT_FORMAT, TEXT_ARGUMENTS(name));
}

/* `value` is what stood behind = or the letter; NULL: the next word is it. */
static bool take_option(struct argument_parser *parser, const struct option *row, const char *value)
{
	size_t index = (size_t)(row - parser->command->options);
	if (parser->given[index] && row->type != OPTION_NAMES)
		return misuse(parser, "--%s was given twice; give it once", row->name);
	parser->given[index] = true;
	if (row->type == OPTION_FLAG) {
		if (value)
			return misuse(parser, "--%s takes no value; write it alone", row->name);
		*(bool *)(parser->options + row->offset) = true;
		return true;
	}
	if (!value) {
		const char *word = parser->next < parser->count ? parser->words[parser->next] : NULL;
		bool option = word && word[0] == '-' && word[1] && !strchr("0123456789.", word[1]);
		if (!word || option)
			return misuse(parser, "--%s needs a value after it%s", row->name,
				      option ? "; write one that begins with a dash after =" : "");
		value = word;
		parser->next++;
	}
	return set_value(parser, row, value);
}

static bool take_long(struct argument_parser *parser, const char *word)
{
	const char *equals = strchr(word, '=');
	struct text name = {word, equals ? (size_t)(equals - word) : strlen(word)};
	const struct option *row = find_long(parser, name);
	return row ? take_option(parser, row, equals ? equals + 1 : NULL) : unknown_long(parser, name);
}

/* `-2^2` and `-mean(x)` are arguments that begin with a dash: no option has more than letters and digits before its =. */
static bool unknown_letter(struct argument_parser *parser, const char *word, char letter)
{
	const char *other = word + 1;
	while (isalnum((unsigned char)*other))
		other++;
	bool option = isalpha((unsigned char)letter) && (!*other || *other == '=');
	if (option || !parser->command->arguments)
		return misuse(parser, "there is no option -%c", letter);
	return misuse(parser,
		      "there is no option -%c; write an argument that begins with a dash after --, as in `sluice %s -- '%s'`",
		      letter, parser->command->name, word);
}

static bool take_letters(struct argument_parser *parser, const char *word)
{
	for (const char *letters = word + 1; *letters; letters++) {
		const struct option *row = find_letter(parser, *letters);
		if (!row)
			return unknown_letter(parser, word, *letters);
		const char *rest = letters + 1;
		if (row->type != OPTION_FLAG)
			return take_option(parser, row, *rest ? rest + (*rest == '=') : NULL);
		if (!take_option(parser, row, NULL))
			return false;
	}
	return true;
}

static bool check_required(struct argument_parser *parser)
{
	for (const struct option *row = parser->command->options; row && row->type != OPTION_END; row++)
		if (row->required && !parser->given[row - parser->command->options])
			return misuse(parser, "--%s is needed", row->name);
	return true;
}

/* ---- arguments ---- */

/* How many the usage line allows. */
static void count_allowed(const char *usage, size_t *least, size_t *most)
{
	*least = *most = 0;
	for (const char *word = usage; word && *word;) {
		size_t length = strcspn(word, " ");
		*least += *word != '[';
		bool many = length > 3 && strncmp(word + length - 3, "...", 3) == 0;
		*most = many ? SIZE_MAX : *most + (*most < SIZE_MAX);
		word += length;
		word += *word == ' ';
	}
}

static bool check_count(struct argument_parser *parser)
{
	size_t least, most;
	count_allowed(parser->command->arguments, &least, &most);
	if (parser->items_count < least)
		return misuse(parser, "an argument is missing: the usage is `sluice %s %s`", parser->command->name,
			      parser->command->arguments);
	if (parser->items_count > most)
		return misuse(parser, "the argument `%s` is one too many: the usage is `sluice %s%s%s`", parser->items[most],
			      parser->command->name, most ? " " : "", most ? parser->command->arguments : "");
	return true;
}

static bool take_all(struct argument_parser *parser, bool *help)
{
	bool options = true;
	while (parser->next < parser->count) {
		const char *word = parser->words[parser->next++];
		if (!options || word[0] != '-' || !word[1]) {
			parser->items[parser->items_count++] = word;
		} else if (strcmp(word, "--") == 0) {
			options = false;
		} else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
			*help = true;
			return true;
		} else if (!(word[1] == '-' ? take_long(parser, word + 2) : take_letters(parser, word))) {
			return false;
		}
	}
	return check_required(parser) && check_count(parser);
}

bool arguments_parse(const struct command *command, const char *const *words, size_t count, struct arena *arena, void *options,
		     struct arguments *arguments, struct error *error)
{
	size_t rows = 0;
	while (command->options && command->options[rows].type != OPTION_END)
		rows++;
	struct argument_parser parser = {
		.command = command,
		.words = words,
		.count = count,
		.options = options,
		.given = ARENA_ARRAY(arena, bool, rows),
		.arena = arena,
		.items = ARENA_ARRAY(arena, const char *, count),
		.error = error,
	};
	*arguments = (struct arguments){0};
	if (!parser.given || !parser.items)
		return error_memory(error, ERROR_SYSTEM, "reading the command line");
	if (!set_fallbacks(&parser) || !take_all(&parser, &arguments->help))
		return false;
	arguments->given = parser.given;
	arguments->items = parser.items;
	arguments->count = parser.items_count;
	return true;
}
