/* settings.c: see settings.h. */
#include "tools/cli/settings.h"

#include <ctype.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/suggest.h"

struct command_setting {
	struct text name;
	const char *value;
	struct place place;
};

struct settings {
	struct command_setting items[SETTINGS_LINES_MAX];
	size_t count;
};

/* ---- the rows that may stand there ---- */

static bool is_end(const struct option *row)
{
	return !row || row->type == OPTION_END;
}

static const struct option *find_row(const struct command *command, struct text name)
{
	for (const struct option *row = command->options; !is_end(row); row++)
		if (row->variable && text_is(name, row->name))
			return row;
	return NULL;
}

/* Of any command, for a file is read by all of them. */
static const struct option *find_any_row(struct text name, struct suggestion *suggestion)
{
	for (const struct command *const *command = command_table; *command; command++) {
		const struct option *row = find_row(*command, name);
		if (row)
			return row;
		for (row = (*command)->options; !is_end(row); row++)
			if (row->variable)
				suggest_offer(suggestion, text_of(row->name));
	}
	return NULL;
}

static bool has_any_row(const struct command *command)
{
	for (const struct option *row = command->options; !is_end(row); row++)
		if (row->variable)
			return true;
	return false;
}

/* ---- the file ---- */

/* NULL: there is none. `named`: the user named it, so it must be there. */
static const char *file_of(struct arena *arena, bool *named, struct error *error)
{
	const char *file = getenv("SLUICE_SETTINGS"), *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	*named = file != NULL;
	if (file)
		return file[0] ? file : NULL;
	if (folder && folder[0] == '/')
		file = arena_print(arena, "%s/sluice/settings", folder);
	else if (home && home[0] == '/')
		file = arena_print(arena, "%s/.config/sluice/settings", home);
	if (arena_failed(arena))
		error_memory(error, ERROR_SYSTEM, "looking for the settings file");
	return file;
}

/* Who could have written it. False where it is not there, without an error unless it was named. */
static bool may_be_read(const char *file, bool named, struct error *error)
{
	struct stat found;
	const struct place place = {.file = file};
	if (stat(file, &found) != 0)
		return named && error_set(error, ERROR_CONFIG, place,
					  "SLUICE_SETTINGS names this file, which is not there or cannot be reached; correct the "
					  "variable, or unset it");
	if (!S_ISREG(found.st_mode))
		return error_set(error, ERROR_CONFIG, place,
				 "the settings file is not a regular file; write one, or name another by SLUICE_SETTINGS");
	if ((found.st_uid != geteuid() && found.st_uid != 0) || (found.st_mode & (S_IWGRP | S_IWOTH)))
		return error_set(error, ERROR_CONFIG, place,
				 "other users can write to this settings file, which determines where requests and logins are "
				 "sent; make it your own: chown it, and chmod go-w");
	return true;
}

static struct text line_trimmed(struct text line)
{
	return text_trimmed(line, " \t\r\n\v\f");
}

/* A comment begins at a # after a space. */
static struct text uncommented(struct text line)
{
	for (size_t i = 1; i < line.length; i++)
		if (line.bytes[i] == '#' && isspace((unsigned char)line.bytes[i - 1]))
			return line_trimmed((struct text){line.bytes, i});
	return line;
}

static bool unknown_name(struct text name, struct place place, const struct suggestion *suggestion, struct error *error)
{
	if (suggestion->nearest.bytes)
		return error_set(error, ERROR_CONFIG, place,
				 "there is no setting `" TEXT_FORMAT "`; did you mean `" TEXT_FORMAT "`?", TEXT_ARGUMENTS(name),
				 TEXT_ARGUMENTS(suggestion->nearest));
	return error_set(error, ERROR_CONFIG, place, "there is no setting `" TEXT_FORMAT "`; `sluice help settings` lists them",
			 TEXT_ARGUMENTS(name));
}

static bool line_take(struct settings *settings, struct text line, struct place place, struct arena *arena, struct error *error)
{
	struct text value = line, name = line_trimmed(text_take_until(&value, '='));
	value = line_trimmed(value);
	struct suggestion suggestion = suggest_begin(name);
	const struct option *row = find_any_row(name, &suggestion);
	if (memchr(line.bytes, 0, line.length))
		return error_set(error, ERROR_CONFIG, place, "the line has a NUL byte; write NAME = VALUE");
	if (name.length == 0 || value.length == 0)
		return error_set(error, ERROR_CONFIG, place,
				 "the line is `" TEXT_FORMAT "`; write NAME = VALUE, or # before a comment", TEXT_ARGUMENTS(line));
	if (!row)
		return unknown_name(name, place, &suggestion, error);
	for (size_t i = 0; i < settings->count && row->type != OPTION_NAMES; i++)
		if (text_equal(settings->items[i].name, name))
			return error_set(error, ERROR_CONFIG, place, "`%s` is on line %d already; write it once", row->name,
					 (int)settings->items[i].place.line);
	if (settings->count == SETTINGS_LINES_MAX)
		return error_set(error, ERROR_LIMIT, place, "a settings file has at most %d settings", SETTINGS_LINES_MAX);
	const char *kept = arena_copy(arena, value.bytes, value.length);
	settings->items[settings->count++] = (struct command_setting){name, kept, place};
	return kept || error_memory(error, ERROR_SYSTEM, "reading the settings file");
}

static bool file_take(struct settings *settings, const char *file, struct arena *arena, struct error *error)
{
	struct text text;
	struct place place = {.file = file, .line = 0, .column = 1};
	if (!file_read(file, SETTINGS_BYTES_MAX + 1, arena, &text, error))
		return false;
	if (text.length > SETTINGS_BYTES_MAX)
		return error_set(error, ERROR_LIMIT, (struct place){.file = file},
				 "the settings file is larger than %zu KiB; is it the right one?", SETTINGS_BYTES_MAX >> 10);
	while (text.length > 0) {
		struct text line = line_trimmed(text_take_until(&text, '\n'));
		place.line++;
		if (line.length > 0 && line.bytes[0] != '#' && !line_take(settings, uncommented(line), place, arena, error))
			return false;
	}
	return true;
}

/* ---- what a command takes of it ---- */

static bool give_names(const struct settings *settings, const struct option *row, struct name_list *list, struct arena *arena,
		       struct error *error)
{
	struct name *items = ARENA_ARRAY(arena, struct name, settings->count + 1);
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "reading the settings file");
	*list = (struct name_list){.items = items};
	for (size_t i = 0; i < settings->count; i++)
		if (text_is(settings->items[i].name, row->name))
			items[list->count++] = (struct name){settings->items[i].value, settings->items[i].place};
	return true;
}

static const char *value_of(const struct settings *settings, const struct option *row)
{
	const char *value = row->variable[0] ? getenv(row->variable) : NULL;
	if (value && value[0])
		return value;
	for (size_t i = 0; i < settings->count; i++)
		if (text_is(settings->items[i].name, row->name))
			return settings->items[i].value;
	return NULL;
}

static bool settings_give(const struct settings *settings, const struct command *command, const bool *given, struct arena *arena,
			  unsigned char *options, struct error *error)
{
	for (size_t i = 0; !is_end(&command->options[i]); i++) {
		const struct option *row = &command->options[i];
		if (!row->variable || (given[i] && !row->ambient_offset))
			continue;
		void *at = options + (row->ambient_offset ? row->ambient_offset : row->offset);
		if (row->type == OPTION_NAMES && !give_names(settings, row, at, arena, error))
			return false;
		const char *value = row->type == OPTION_TEXT ? value_of(settings, row) : NULL;
		if (value)
			*(const char **)at = value;
	}
	return true;
}

bool settings_apply(const struct command *command, const bool *given, struct arena *arena, void *options, struct error *error)
{
	bool named;
	if (!has_any_row(command))
		return true;
	struct settings *settings = ARENA_NEW(arena, struct settings);
	const char *file = settings ? file_of(arena, &named, error) : NULL;
	if (!settings)
		return error_memory(error, ERROR_SYSTEM, "reading the settings");
	if (file && may_be_read(file, named, error) && !file_take(settings, file, arena, error))
		return false;
	return error->kind == ERROR_NONE && settings_give(settings, command, given, arena, options, error);
}
