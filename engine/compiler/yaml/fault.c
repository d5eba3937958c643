/* fault.c: see fault.h. Faults are kept sorted on insertion: by file, in the order of registration, then by place. */
#include "compiler/yaml/fault.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/secret.h"
#include "base/url_mask.h"
#include "compiler/yaml/fault_codes.h"

struct known_file {
	const char *name;
	struct text text;
	size_t line_count;     /* 0: the lines were not looked for yet */
	const uint32_t *lines; /* where each begins */
};

struct faults {
	struct arena *arena;
	size_t file_count, file_room;
	struct known_file *files;
	size_t count, room;
	struct kept_fault *items;
	size_t by_severity[SEVERITY_NOTE + 1];
};

struct kept_fault {
	size_t file; /* index; file_count when it is not known */
	struct fault *fault;
};

#define FIRST_ROOM 16

struct faults *faults_open(struct arena *arena)
{
	struct faults *faults = ARENA_NEW(arena, struct faults);
	if (faults)
		faults->arena = arena;
	return faults;
}

void faults_know(struct faults *faults, const char *file, struct text text)
{
	struct known_file *files =
		arena_grow(faults->arena, faults->files, faults->file_count, &faults->file_room, FIRST_ROOM, sizeof *files);
	if (!files)
		return;
	faults->files = files;
	files[faults->file_count++] = (struct known_file){.name = file, .text = text};
}

/* The newest first: that is the one being read. */
static size_t file_index(const struct faults *faults, const char *file)
{
	for (size_t i = faults->file_count; i-- > 0;)
		if (faults->files[i].name == file)
			return i;
	return faults->file_count;
}

static void find_lines(struct arena *arena, struct known_file *file)
{
	size_t count = 1;
	for (size_t i = 0; i < file->text.length; i++)
		count += file->text.bytes[i] == '\n';
	uint32_t *lines = arena_take(arena, count, sizeof *lines);
	if (!lines)
		return;
	size_t line = 0;
	lines[line++] = 0;
	for (size_t i = 0; i < file->text.length; i++)
		if (file->text.bytes[i] == '\n')
			lines[line++] = (uint32_t)(i + 1);
	file->lines = lines;
	file->line_count = count;
}

struct text faults_line(struct faults *faults, struct place place)
{
	size_t index = file_index(faults, place.file);
	if (index == faults->file_count || place.line == 0)
		return (struct text){0};
	struct known_file *file = &faults->files[index];
	if (file->line_count == 0)
		find_lines(faults->arena, file);
	if (place.line > file->line_count)
		return (struct text){0};
	size_t begin = file->lines[place.line - 1], end = begin;
	while (end < file->text.length && file->text.bytes[end] != '\n')
		end++;
	if (end > begin && file->text.bytes[end - 1] == '\r')
		end--;
	return (struct text){file->text.bytes + begin, end - begin};
}

static bool begins_character(char byte)
{
	return ((unsigned char)byte & 0xC0) != 0x80;
}

/* The value or key that begins at `column` ends before this byte: at its closing quote,
 * or where a plain one would end. */
static size_t end_of_token(struct text line, size_t begin)
{
	char quote = line.bytes[begin];
	if (quote == '[' || quote == '{' || quote == '|' || quote == '>')
		return begin + 1;
	size_t at = begin + 1;
	if (quote == '"' || quote == '\'') {
		while (at < line.length && line.bytes[at] != quote)
			at += line.bytes[at] == '\\' && quote == '"' ? 2 : 1;
		return at < line.length ? at + 1 : line.length;
	}
	for (; at < line.length; at++) {
		char byte = line.bytes[at], next = at + 1 < line.length ? line.bytes[at + 1] : ' ';
		if (byte == ']' || byte == '}' || ((byte == ':' || byte == ',') && next == ' ') || (byte == ' ' && next == '#'))
			break;
	}
	while (at > begin + 1 && line.bytes[at - 1] == ' ')
		at--;
	return at;
}

static size_t width_at(struct text line, uint32_t column)
{
	size_t begin = text_byte_of_character(line, column);
	if (begin >= line.length)
		return 1;
	size_t end = end_of_token(line, begin);
	return text_characters((struct text){line.bytes + begin, end - begin});
}

const struct fault_code *fault_code_find(const char *code)
{
	for (const struct fault_code *row = fault_codes; row->code; row++)
		if (text_equal_caseless(text_of(row->code), text_of(code)))
			return row;
	return NULL;
}

static bool comes_before(const struct kept_fault *a, size_t file, struct place place)
{
	if (a->file != file)
		return a->file < file;
	if (a->fault->place.line != place.line)
		return a->fault->place.line < place.line;
	return a->fault->place.column <= place.column;
}

/* Where a fault at that place goes: behind all that stand before it or at it. */
static size_t slot_for(const struct faults *faults, size_t file, struct place place)
{
	size_t low = 0, high = faults->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (comes_before(&faults->items[middle], file, place))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool fault_is_repeated(const struct faults *faults, size_t slot, const struct fault *fault)
{
	for (; slot > 0; slot--) {
		const struct fault *other = faults->items[slot - 1].fault;
		if (other->place.file != fault->place.file || other->place.line != fault->place.line ||
		    other->place.column != fault->place.column)
			return false;
		if (other->code == fault->code && strcmp(other->message, fault->message) == 0)
			return true;
	}
	return false;
}

static void fault_add_kept(struct faults *faults, struct fault *fault)
{
	size_t file = file_index(faults, fault->place.file);
	size_t slot = slot_for(faults, file, fault->place);
	if (fault_is_repeated(faults, slot, fault))
		return;
	struct kept_fault *items =
		arena_grow(faults->arena, faults->items, faults->count, &faults->room, FIRST_ROOM, sizeof *items);
	if (!items)
		return;
	faults->items = items;
	memmove(items + slot + 1, items + slot, (faults->count - slot) * sizeof *items);
	items[slot] = (struct kept_fault){file, fault};
	faults->count++;
	faults->by_severity[fault->code->severity]++;
}

/* The line as it is, or a copy without the secrets of its URLs; nothing of a line with another secret. */
static struct text line_shown(struct faults *faults, struct text line)
{
	if (secret_is_written(line))
		return (struct text){0};
	if (!line.length || !memmem(line.bytes, line.length, "://", 3))
		return line;
	char *copy = arena_copy(faults->arena, line.bytes, line.length);
	return copy ? (struct text){copy, mask_urls(copy, line.length)} : (struct text){0};
}

void fault_add(struct faults *faults, const char *code, struct place place, const char *suggest, const char *format, ...)
{
	const struct fault_code *row = fault_code_find(code);
	assert(row);
	if (faults->count >= FAULTS_MAX)
		return;
	char text[1024];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (length >= (int)sizeof text) {
		size_t end = sizeof text - 1;
		while (end > 0 && !begins_character(text[end]))
			end--;
		text[end] = '\0';
	}
	struct fault *fault = ARENA_NEW(faults->arena, struct fault);
	if (!fault)
		return;
	mask_string(text);
	struct text line = faults_line(faults, place);
	*fault = (struct fault){
		.code = row,
		.place = place,
		.width = width_at(line, place.column),
		.message = arena_copy(faults->arena, text, strlen(text)),
		.suggest = suggest ? arena_copy(faults->arena, suggest, strlen(suggest)) : NULL,
		.line = line_shown(faults, line),
	};
	if (arena_failed(faults->arena))
		return;
	fault_add_kept(faults, fault);
	if (faults->count == FAULTS_MAX - 1)
		fault_add(faults, CODE_TOO_MANY_FAULTS, place, NULL, "more than %d faults; the rest of them is not shown",
			  FAULTS_MAX);
}

void faults_drop(struct faults *faults, const char *code, bool (*drops)(void *context, const struct fault *fault), void *context)
{
	size_t kept = 0;
	for (size_t i = 0; i < faults->count; i++) {
		const struct fault *fault = faults->items[i].fault;
		const struct fault_code *row = fault->code;
		if (strcmp(row->code, code) == 0 && (!drops || drops(context, fault)))
			faults->by_severity[row->severity]--;
		else
			faults->items[kept++] = faults->items[i];
	}
	faults->count = kept;
}

size_t faults_count(const struct faults *faults, enum severity severity)
{
	return faults->by_severity[severity];
}

bool faults_are_full(const struct faults *faults)
{
	return faults->count >= FAULTS_MAX;
}

size_t faults_total(const struct faults *faults)
{
	return faults->count;
}

bool faults_refused(const struct faults *faults, struct place place)
{
	for (size_t i = 0; i < faults_total(faults); i++) {
		const struct fault *fault = faults_at(faults, i);
		if (fault->code->severity == SEVERITY_ERROR && fault->place.file == place.file && fault->place.line == place.line &&
		    fault->place.column == place.column)
			return true;
	}
	return false;
}

const struct fault *faults_at(const struct faults *faults, size_t index)
{
	return faults->items[index].fault;
}

const char *fault_kind_name(enum fault_kind kind)
{
	static const char *const names[] = {
		[FAULT_SYNTAX] = "syntax",
		[FAULT_ENCODING] = "encoding",
		[FAULT_EMPTY] = "empty",
		[FAULT_LIMIT] = "limit",
		[FAULT_DUPLICATE_KEY] = "duplicate-key",
		[FAULT_UNKNOWN_FIELD] = "unknown-field",
		[FAULT_WRONG_TYPE] = "wrong-type",
		[FAULT_MISSING_FIELD] = "missing-field",
		[FAULT_BAD_VALUE] = "bad-value",
		[FAULT_BAD_REFERENCE] = "bad-reference",
		[FAULT_CYCLE] = "cycle",
		[FAULT_REPEATED_NAME] = "repeated-name",
		[FAULT_UNSUPPORTED] = "unsupported",
	};
	return names[kind];
}

const char *severity_name(enum severity severity)
{
	static const char *const names[] = {[SEVERITY_ERROR] = "error", [SEVERITY_WARNING] = "warning", [SEVERITY_NOTE] = "note"};
	return names[severity];
}
