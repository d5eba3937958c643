/* line_wrap.c: see line_wrap.h. */
#include "base/line_wrap.h"

#define ESCAPE '\033'
#define GAP 2 /* blanks between columns, at least */

/* The end of the character, or of the escape sequence, at `at`; `*width` is its width. */
static size_t character_end(struct text line, size_t at, size_t *width)
{
	*width = line.bytes[at] != ESCAPE;
	if (line.bytes[at] == ESCAPE) {
		while (at < line.length && line.bytes[at] != 'm')
			at++;
		return at < line.length ? at + 1 : at;
	}
	for (at++; at < line.length && ((unsigned char)line.bytes[at] & 0xC0) == 0x80;)
		at++;
	return at;
}

static size_t blanks_end(struct text line, size_t at)
{
	while (at < line.length && line.bytes[at] == ' ')
		at++;
	return at;
}

static size_t line_width(struct text line)
{
	size_t total = 0, width;
	for (size_t at = 0; at < line.length; total += width)
		at = character_end(line, at, &width);
	return total;
}

/* The indent of continued lines. */
static size_t wrap_indent(struct text line, size_t columns)
{
	const size_t leading = blanks_end(line, 0);
	const char *begin = line.bytes + leading;
	const bool is_item = leading + 1 < line.length && (*begin == '!' || *begin == '-') && begin[1] == ' ';
	size_t indent = leading, column = 0, width;
	if (leading < LINE_WRAP_INDENT || is_item)
		indent += LINE_WRAP_INDENT;
	for (size_t at = 0; at < line.length && column <= columns / 2;) {
		const size_t behind = blanks_end(line, at);
		if (at > 0 && at >= leading && behind - at >= GAP && column + (behind - at) <= columns / 2)
			indent = column + (behind - at);
		column += behind - at;
		at = behind;
		if (at == line.length)
			break;
		at = character_end(line, at, &width);
		column += width;
	}
	return indent <= columns / 2 ? indent : LINE_WRAP_INDENT;
}

static void line_part(struct text line, size_t begin, size_t end, struct buffer *out)
{
	while (end > begin && line.bytes[end - 1] == ' ')
		end--;
	buffer_text(out, (struct text){line.bytes + begin, end - begin});
}

static void line_wrap(struct text line, size_t columns, struct buffer *out)
{
	const size_t indent = wrap_indent(line, columns);
	size_t begin = 0, at = blanks_end(line, 0), column = at, width;
	size_t gap = 0, behind = 0, behind_column = 0; /* where the line can be broken; gap 0: nowhere */
	while (at < line.length) {
		if (line.bytes[at] == ' ') {
			gap = at;
			behind = at = blanks_end(line, at);
			column += behind - gap;
			behind_column = column;
			continue;
		}
		at = character_end(line, at, &width);
		column += width;
		if (column <= columns || gap <= begin)
			continue;
		line_part(line, begin, gap, out);
		buffer_byte(out, '\n');
		for (size_t i = 0; i < indent; i++)
			buffer_byte(out, ' ');
		column = indent + column - behind_column;
		begin = behind;
		gap = 0;
	}
	line_part(line, begin, line.length, out);
}

void lines_wrap(struct text page, size_t columns, struct buffer *out)
{
	if (columns == 0) {
		buffer_text(out, page);
		return;
	}
	if (columns < LINE_WRAP_LEAST)
		columns = LINE_WRAP_LEAST;
	for (size_t at = 0; at < page.length;) {
		const char *end = memchr(page.bytes + at, '\n', page.length - at);
		const struct text line = {page.bytes + at, end ? (size_t)(end - page.bytes) - at : page.length - at};
		if (line_width(line) <= columns)
			buffer_text(out, line);
		else
			line_wrap(line, columns, out);
		at += line.length;
		if (end) {
			buffer_byte(out, '\n');
			at++;
		}
	}
}
