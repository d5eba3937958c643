/* line_diff.c: see line_diff.h. The longest common subsequence of lines, between the first and the last difference. */
#include "tools/view/line_diff.h"

#include "base/memory.h"
#include "base/quote.h"

struct diff_lines {
	size_t count;
	struct text *items;
};

/* One line of the result: `-`, `+`, or ` ` for both. */
struct diff_edit {
	char sign;
	struct text line;
};

struct diff_edits {
	size_t count;
	struct diff_edit *items;
};

static bool lines_split(struct text text, struct diff_lines *lines)
{
	size_t count = 0;
	for (size_t i = 0; i < text.length; i++)
		count += text.bytes[i] == '\n';
	lines->count = 0;
	lines->items = memory_take(count + 1, sizeof *lines->items);
	while (lines->items && text.length > 0)
		lines->items[lines->count++] = text_take_until(&text, '\n');
	return lines->items != NULL;
}

static void edit_add(struct diff_edits *edits, char sign, struct text line)
{
	edits->items[edits->count++] = (struct diff_edit){sign, line};
}

/* Edits of the lines from `begin` on that differ. `lengths[i][j]`: length of the longest common subsequence of the
 * lines from i and from j on. */
static bool middle_edit(const struct diff_lines *before, const struct diff_lines *after, struct diff_edits *edits)
{
	size_t rows = before->count + 1, columns = after->count + 1;
	bool is_small = columns <= LINE_DIFF_PAIRS_MAX / rows;
	uint32_t *lengths = is_small ? memory_take(rows * columns, sizeof *lengths) : NULL;
	if (is_small && !lengths)
		return false;
	for (size_t i = before->count; is_small && i-- > 0;)
		for (size_t j = after->count; j-- > 0;) {
			uint32_t down = lengths[(i + 1) * columns + j], right = lengths[i * columns + j + 1];
			lengths[i * columns + j] = text_equal(before->items[i], after->items[j])
							   ? lengths[(i + 1) * columns + j + 1] + 1
						   : down > right ? down
								  : right;
		}
	size_t i = 0, j = 0;
	while (i < before->count || j < after->count) {
		bool is_same = is_small && i < before->count && j < after->count && text_equal(before->items[i], after->items[j]);
		bool removes = i < before->count && (j == after->count || !is_small ||
						     lengths[(i + 1) * columns + j] >= lengths[i * columns + j + 1]);
		edit_add(edits, is_same ? ' ' : removes ? '-' : '+', is_same || removes ? before->items[i] : after->items[j]);
		i += is_same || removes;
		j += is_same || !removes;
	}
	memory_give(lengths);
	return true;
}

static bool edits_make(const struct diff_lines *before, const struct diff_lines *after, struct diff_edits *edits)
{
	size_t begin = 0, end = 0, least = before->count < after->count ? before->count : after->count;
	while (begin < least && text_equal(before->items[begin], after->items[begin]))
		begin++;
	while (end < least - begin && text_equal(before->items[before->count - 1 - end], after->items[after->count - 1 - end]))
		end++;
	const struct diff_lines old = {before->count - begin - end, before->items + begin};
	const struct diff_lines new = {after->count - begin - end, after->items + begin};
	for (size_t i = 0; i < begin; i++)
		edit_add(edits, ' ', before->items[i]);
	if (!middle_edit(&old, &new, edits))
		return false;
	for (size_t i = before->count - end; i < before->count; i++)
		edit_add(edits, ' ', before->items[i]);
	return true;
}

/* Whether an edit is near one that changes something. */
static bool edit_is_shown(const struct diff_edits *edits, size_t index)
{
	size_t from = index > LINE_DIFF_CONTEXT ? index - LINE_DIFF_CONTEXT : 0;
	for (size_t i = from; i < edits->count && i <= index + LINE_DIFF_CONTEXT; i++)
		if (edits->items[i].sign != ' ')
			return true;
	return false;
}

static void hunk_print(const struct diff_edits *edits, size_t begin, size_t end, size_t before, size_t after, struct buffer *out)
{
	size_t removed = 0, added = 0;
	for (size_t i = begin; i < end; i++) {
		removed += edits->items[i].sign != '+';
		added += edits->items[i].sign != '-';
	}
	/* Of no lines, the number is that of the line before them. */
	buffer_print(out, "@@ -%zu,%zu +%zu,%zu @@\n", removed > 0 ? before + 1 : before, removed, added > 0 ? after + 1 : after,
		     added);
	for (size_t i = begin; i < end; i++) {
		buffer_byte(out, edits->items[i].sign);
		buffer_shown_around(out, "", edits->items[i].line, "\n");
	}
}

static void edits_print(const struct diff_edits *edits, struct buffer *out)
{
	size_t before = 0, after = 0; /* lines of each text so far */
	for (size_t i = 0; i < edits->count;) {
		size_t end = i;
		while (end < edits->count && edit_is_shown(edits, end))
			end++;
		if (end > i)
			hunk_print(edits, i, end, before, after, out);
		end = end > i ? end : i + 1;
		for (; i < end; i++) {
			before += edits->items[i].sign != '+';
			after += edits->items[i].sign != '-';
		}
	}
}

bool line_diff(struct text before, struct text after, const char *before_name, const char *after_name, struct buffer *out)
{
	struct diff_lines old = {0}, new = {0};
	struct diff_edits edits = {0};
	bool good = lines_split(before, &old) && lines_split(after, &new);
	edits.items = good ? memory_take(old.count + new.count + 1, sizeof *edits.items) : NULL;
	good = edits.items && edits_make(&old, &new, &edits);
	bool differs = false;
	for (size_t i = 0; good && i < edits.count; i++)
		differs = differs || edits.items[i].sign != ' ';
	if (good && differs) {
		buffer_print(out, "--- %s\n+++ %s\n", before_name, after_name);
		edits_print(&edits, out);
	}
	memory_give(edits.items);
	memory_give(old.items);
	memory_give(new.items);
	return good;
}
