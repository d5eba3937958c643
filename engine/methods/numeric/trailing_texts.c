/* trailing_texts.c: Windows of texts; see trailing_texts.h.
 *
 * A head, then a row for each message, the oldest first: its time, the length of each text, and the texts,
 * contiguous, with zeros to a multiple of 8.
 */
#include "methods/numeric/trailing_texts.h"

#include "methods/numeric/trailing_parts.h"

#define TEXTS_VERSION 1

struct texts_head {
	uint32_t version;
	uint32_t count; /* messages */
	uint32_t size;	/* bytes of all of it */
	uint32_t last;	/* where the last row begins */
};

static struct texts_head head_of(const void *window)
{
	struct texts_head head = {.version = TEXTS_VERSION, .size = sizeof head};
	if (window)
		memcpy(&head, window, sizeof head);
	return head;
}

/* ---- rows ---- */

static int64_t row_time(const char *row)
{
	int64_t time_ms;
	memcpy(&time_ms, row, sizeof time_ms);
	return time_ms;
}

static uint32_t text_length(const char *row, size_t nth)
{
	uint32_t length;
	memcpy(&length, row + sizeof(int64_t) + nth * sizeof length, sizeof length);
	return length;
}

static size_t lengths_end(size_t series)
{
	return sizeof(int64_t) + series * sizeof(uint32_t);
}

static size_t padded(size_t bytes)
{
	return (bytes + 7) & ~(size_t)7;
}

static size_t row_bytes(const char *row, size_t series)
{
	size_t bytes = lengths_end(series);
	for (size_t i = 0; i < series; i++)
		bytes += text_length(row, i);
	return padded(bytes);
}

static void row_read(const char *row, size_t series, struct text *texts)
{
	const char *at = row + lengths_end(series);
	for (size_t i = 0; i < series; i++) {
		texts[i] = (struct text){at, text_length(row, i)};
		at += texts[i].length;
	}
}

static size_t bytes_of_new(const struct trailing_row *row)
{
	size_t bytes = lengths_end(row->series);
	for (size_t i = 0; i < row->series; i++)
		bytes += row->texts[i].length;
	return padded(bytes);
}

static void row_write(const struct trailing_row *row, char *to)
{
	char *at = to + lengths_end(row->series);
	memset(to, 0, bytes_of_new(row));
	memcpy(to, &row->time_ms, sizeof row->time_ms);
	for (size_t i = 0; i < row->series; i++) {
		const uint32_t length = (uint32_t)row->texts[i].length;
		memcpy(to + sizeof(int64_t) + i * sizeof length, &length, sizeof length);
		if (length)
			memcpy(at, row->texts[i].bytes, length);
		at += length;
	}
}

bool trailing_texts_whole(const void *window, size_t size)
{
	const struct texts_head head = size >= sizeof head ? head_of(window) : (struct texts_head){0};
	return head.version == TEXTS_VERSION && head.size == size;
}

/* ---- a message that comes ---- */

/* What of the window stays, and where between it the row goes. */
struct text_change {
	size_t begin;	 /* of the rows that stay */
	size_t between;	 /* the new row stands before the one that begins here */
	size_t end;	 /* of the rows */
	size_t new;	 /* bytes of the new row; 0: it is too old itself */
	uint32_t left;	 /* rows that leave */
};

static struct text_change change_of(const struct trailing *form, const void *window, const struct trailing_row *row)
{
	const struct texts_head head = head_of(window);
	const char *bytes = window;
	const bool by_time = !form->messages;
	struct text_change change = {.begin = sizeof head, .end = head.size};
	bool counts = row->texts && !(by_time && trailing_too_old(form, row->time_ms, row->newest_ms));
	while (change.left < head.count && (by_time ? trailing_too_old(form, row_time(bytes + change.begin), row->newest_ms)
						    : counts && head.count - change.left == form->messages)) {
		change.begin += row_bytes(bytes + change.begin, row->series);
		change.left++;
	}
	change.between = change.end;
	change.new = counts ? bytes_of_new(row) : 0;
	if (by_time && change.left < head.count && row_time(bytes + head.last) > row->time_ms)
		for (change.between = change.begin; row_time(bytes + change.between) <= row->time_ms;)
			change.between += row_bytes(bytes + change.between, row->series);
	return change;
}

size_t trailing_texts_bytes(const struct trailing *form, const void *window, const struct trailing_row *row)
{
	const struct text_change change = change_of(form, window, row);
	if (change.new && head_of(window).count - change.left == TRAILING_VALUES_MAX)
		return 0;
	return sizeof(struct texts_head) + (change.end - change.begin) + change.new;
}

void trailing_texts_write(const struct trailing *form, const void *window, const struct trailing_row *row, void *to)
{
	const struct text_change change = change_of(form, window, row);
	const char *from = window;
	const struct texts_head before = head_of(window);
	struct texts_head head = before;
	char *at = (char *)to + sizeof head;
	head.count -= change.left;
	head.size = (uint32_t)(sizeof head + (change.end - change.begin) + change.new);
	head.last = (uint32_t)(before.last - (change.begin - sizeof head) + change.new);
	if (change.between > change.begin)
		memcpy(at, from + change.begin, change.between - change.begin);
	at += change.between - change.begin;
	if (change.new) {
		row_write(row, at);
		head.count++;
	}
	if (change.new && change.between == change.end)
		head.last = (uint32_t)(at - (char *)to);
	at += change.new;
	if (change.end > change.between)
		memcpy(at, from + change.between, change.end - change.between);
	memcpy(to, &head, sizeof head);
}

/* ---- what is read ---- */

bool trailing_texts_spent(const struct trailing *form, const void *window, int64_t newest_ms)
{
	const struct texts_head head = head_of(window);
	return !head.count || (!form->messages && trailing_too_old(form, row_time((const char *)window + head.last), newest_ms));
}

bool trailing_texts_warm(const struct trailing *form, const void *window)
{
	return !form->messages || head_of(window).count == form->messages;
}

bool trailing_texts_first(const void *window, size_t series, struct text *texts)
{
	bool any = head_of(window).count > 0;
	if (any)
		row_read((const char *)window + sizeof(struct texts_head), series, texts);
	return any;
}

bool trailing_texts_last(const void *window, size_t series, struct text *texts)
{
	const struct texts_head head = head_of(window);
	if (head.count)
		row_read((const char *)window + head.last, series, texts);
	return head.count > 0;
}
