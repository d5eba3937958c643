/* mutate_lines.c: see mutate.h: blocks of lines (one, and those behind it that are further in) are swapped, repeated,
 * moved to another depth and left out, and words of lines change; what was indented well stays so. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mutate.h"

#define LINES_MAX 4096
#define CHANGES_MAX 4

struct lines {
	const char *at[LINES_MAX + 1]; /* the last one is the end */
	size_t count;
};

/* What is put together, at most `max` bytes. */
struct pieces {
	char *bytes;
	size_t length, max;
	bool failed;
};

static void pieces_add(struct pieces *out, const char *bytes, size_t length)
{
	out->failed = out->failed || length > out->max - out->length;
	if (out->failed || length == 0)
		return;
	memcpy(out->bytes + out->length, bytes, length);
	out->length += length;
}

static void lines_find(struct lines *lines, const char *text, size_t length)
{
	const char *at = text, *end = text + length;
	lines->count = 0;
	while (at < end && lines->count < LINES_MAX) {
		const char *next = memchr(at, '\n', (size_t)(end - at));
		lines->at[lines->count++] = at;
		at = next ? next + 1 : end;
	}
	lines->at[lines->count] = end;
}

static size_t indent_of(const struct lines *lines, size_t line)
{
	size_t indent = 0;
	while (lines->at[line] + indent < lines->at[line + 1] && lines->at[line][indent] == ' ')
		indent++;
	return indent;
}

/* The line behind the block that begins there. */
static size_t block_end(const struct lines *lines, size_t line)
{
	const size_t indent = indent_of(lines, line);
	size_t end = line + 1;
	while (end < lines->count && indent_of(lines, end) > indent)
		end++;
	return end;
}

static void lines_add(struct pieces *out, const struct lines *lines, size_t from, size_t to)
{
	pieces_add(out, lines->at[from], (size_t)(lines->at[to] - lines->at[from]));
}

/* The block at another depth. */
static void block_add(struct pieces *out, const struct lines *lines, size_t from, size_t to, size_t indent)
{
	static const char blanks[64] = "                                                               ";
	const size_t before = indent_of(lines, from);
	for (size_t i = from; i < to; i++) {
		size_t own = indent_of(lines, i), depth = indent + (own > before ? own - before : 0);
		pieces_add(out, blanks, depth < sizeof blanks ? depth : sizeof blanks - 1);
		pieces_add(out, lines->at[i] + own, (size_t)(lines->at[i + 1] - lines->at[i]) - own);
		const char *end = lines->at[i + 1];
		if (*(end - 1) != '\n')
			pieces_add(out, "\n", 1);
	}
}

static bool is_edge(char c)
{
	return c && strchr(" ,:[]{}=\n\"\t;.", c);
}

/* A word of the line, not empty where it has one. */
static const char *word_find(struct dice *dice, const struct lines *lines, size_t line, size_t *length)
{
	const char *from = lines->at[line], *end = lines->at[line + 1];
	const char *at = from + dice_roll(dice, (size_t)(end - from));
	while (at > from && is_edge(*at))
		at--;
	while (at > from && !is_edge(at[-1]))
		at--;
	*length = 0;
	while (at + *length < end && !is_edge(at[*length]))
		++*length;
	return at;
}

/* One word becomes another of the text, or one that is drawn. */
static void word_change(struct pieces *out, struct dice *dice, const struct lines *lines, size_t line, size_t other)
{
	size_t length, other_length;
	const char *word = word_find(dice, lines, line, &length), *by = word_find(dice, lines, other, &other_length);
	if (dice_roll(dice, 2)) {
		by = dice_text(dice);
		other_length = strlen(by);
	}
	pieces_add(out, lines->at[0], (size_t)(word - lines->at[0]));
	pieces_add(out, by, other_length);
	pieces_add(out, word + length, (size_t)(lines->at[lines->count] - word) - length);
}

static void blocks_swap(struct pieces *out, const struct lines *lines, size_t first, size_t second)
{
	const size_t first_end = block_end(lines, first), second_end = block_end(lines, second);
	const bool apart = first_end <= second;
	lines_add(out, lines, 0, first);
	block_add(out, lines, second, second_end, indent_of(lines, first));
	lines_add(out, lines, first_end, apart ? second : first_end);
	if (apart)
		block_add(out, lines, first, first_end, indent_of(lines, second));
	lines_add(out, lines, apart ? second_end : first_end, lines->count);
}

static void text_change(struct pieces *out, struct dice *dice, const struct lines *lines)
{
	const size_t line = dice_roll(dice, lines->count), other = dice_roll(dice, lines->count), end = block_end(lines, line);
	switch (dice_roll(dice, 8)) {
	case 0:
		lines_add(out, lines, 0, line);
		lines_add(out, lines, end, lines->count);
		break;
	case 1:
		lines_add(out, lines, 0, end);
		lines_add(out, lines, line, lines->count);
		break;
	case 2: /* before another, as deep as that */
		lines_add(out, lines, 0, other);
		block_add(out, lines, line, end, indent_of(lines, other));
		lines_add(out, lines, other, lines->count);
		break;
	case 3:
		blocks_swap(out, lines, line < other ? line : other, line < other ? other : line);
		break;
	default:
		word_change(out, dice, lines, line, other);
		break;
	}
}

size_t mutate_lines(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static struct lines lines;
	struct dice dice = dice_of(seed);
	char *text = malloc(max + 1);
	struct pieces out = {.bytes = malloc(max + 1), .max = max};
	size_t length = size;
	if (!text || !out.bytes)
		abort();
	memcpy(text, data, size);
	bool good = size > 0 && size <= max && dice_roll(&dice, 8);
	for (size_t i = 1 + dice_roll(&dice, CHANGES_MAX); good && length > 0 && i > 0; i--) {
		lines_find(&lines, text, length);
		out.length = 0;
		text_change(&out, &dice, &lines);
		good = !out.failed;
		length = out.length;
		memcpy(text, out.bytes, length);
	}
	if (good)
		memcpy(data, text, length);
	free(text);
	free(out.bytes);
	return good && length > 0 ? length : LLVMFuzzerMutate(data, size, max);
}
