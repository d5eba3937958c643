/* dead_letter_view.c: Dead letters as text for a terminal or a file, and as JSON: rows of a list, counts by reason, letters in
 * full. */
#include "tools/client/data/dead_letter_view.h"

#include "base/base64.h"
#include "base/line_wrap.h"
#include "base/number/moment.h"
#include "base/quote.h"
#include "message/records/assigned_line.h"
#include "message/records/assigned_record.h"
#include "message/json/json_write.h"

#define LINE_TEXT_MAX ((size_t)1 << 30)
#define COLUMN_MAX 40	 /* of a cell that widens its column */
#define FIXED_COLUMNS 31 /* of the time and the kind, and blanks between columns */

bool dead_letter_view_open(struct dead_letter_view *view, struct error *error)
{
	view->arena = arena_open(LINE_TEXT_MAX);
	view->list.arena = arena_open(LINE_TEXT_MAX);
	buffer_open(&view->text, LINE_TEXT_MAX);
	buffer_open(&view->wrapped, LINE_TEXT_MAX);
	return (view->arena && view->list.arena) || error_memory(error, ERROR_SYSTEM, "reading dead letters");
}

void dead_letter_view_close(struct dead_letter_view *view)
{
	buffer_close(&view->text);
	buffer_close(&view->wrapped);
	arena_close(view->list.arena);
	arena_close(view->arena);
}

static bool view_flush(struct dead_letter_view *view, struct error *error)
{
	if (buffer_failed(&view->text))
		return error_memory(error, ERROR_SYSTEM, "view a dead letter");
	const bool wraps = !view->json && view->columns > 0;
	buffer_clear(&view->wrapped);
	if (wraps)
		lines_wrap(buffer_view(&view->text), view->columns, &view->wrapped);
	if (buffer_failed(&view->wrapped))
		return error_memory(error, ERROR_SYSTEM, "view a dead letter");
	const struct text shown = buffer_view(wraps ? &view->wrapped : &view->text);
	fwrite(shown.bytes, 1, shown.length, view->out);
	buffer_clear(&view->text);
	view->shown++;
	return true;
}

/* ---- as JSON; `whole`: with the request ---- */

static void member_print(struct buffer *out, const char *name, struct text value)
{
	buffer_print(out, ", \"%s\": ", name);
	json_write_string(out, value);
}

static void payload_print(struct dead_letter_view *view, const struct dead_letter *letter)
{
	bool translated;
	struct text request = letter_request(letter, view->arena, &translated);
	if (request.bytes)
		member_print(&view->text, translated ? "request" : "payload", request);
	if (!translated)
		return;
	char *bytes = arena_take_raw(view->arena, base64_write_room(letter->payload.length));
	if (bytes)
		member_print(&view->text, "payload_base64", (struct text){bytes, base64_write(letter->payload, bytes)});
	view->text.failed |= !bytes;
}

static void letter_print_json(struct dead_letter_view *view, const struct found_letter *found, bool whole)
{
	const struct dead_letter *letter = &found->letter;
	struct buffer *out = &view->text;
	buffer_print(out, "{\"at\": \"%d:%lld\"", (int)found->partition, (long long)found->offset);
	member_print(out, "id", letter->id);
	member_print(out, "kind", text_of(error_kind_name(letter->error->kind)));
	member_print(out, "error", text_of(letter->error->text));
	member_print(out, "pipeline", text_of(letter->pipeline));
	member_print(out, "step", text_of(letter->step));
	buffer_print(out, ", \"attempts\": %u, \"time_ms\": %lld, \"failed_ms\": %lld", letter->attempts,
		     (long long)letter->time_ms, (long long)letter->failed_ms);
	if (letter->error->place.line > 0)
		buffer_print(out, ", \"line\": %u, \"column\": %u", letter->error->place.line, letter->error->place.column);
	member_print(out, "topic", letter->origin.topic);
	buffer_print(out, ", \"partition\": %d, \"offset\": %lld", (int)letter->origin.partition, (long long)letter->origin.offset);
	if (letter->key.bytes)
		member_print(out, "key", letter->key);
	if (whole) {
		buffer_string(out, ", \"headers\": {");
		for (size_t i = 0; i < letter->headers.count; i++) {
			json_write_string_after(out, text_of(i > 0 ? ", " : ""), letter->headers.items[i].name);
			buffer_string(out, ": ");
			if (letter->headers.items[i].value.bytes)
				json_write_string(out, letter->headers.items[i].value);
			else
				buffer_string(out, "null");
		}
		buffer_byte(out, '}');
		payload_print(view, letter);
	}
	buffer_string(out, "}\n");
}

/* ---- list ---- */

/* Who wrote the record wrote these too. */
static const char *shown_string(const struct dead_letter_view *view, const char *string)
{
	return text_shown(text_of(string), view->arena);
}

bool dead_letter_view_add(void *context, const struct found_letter *found, struct error *error)
{
	struct dead_letter_view *view = context;
	struct text json = {0};
	arena_reset(view->arena);
	if (view->json && !view->counts) {
		letter_print_json(view, found, false);
		if (buffer_failed(&view->text))
			return error_memory(error, ERROR_SYSTEM, "view a dead letter");
		json = (struct text){view->text.bytes, view->text.length - 1};
	}
	bool good = dead_letter_list_add(&view->list, found, json, error);
	buffer_clear(&view->text);
	return good;
}

bool dead_letter_view_mark(void *context, int32_t partition, int64_t offset, int64_t time_ms, struct error *error)
{
	struct dead_letter_view *view = context;
	return dead_letter_list_mark(&view->list, partition, offset, time_ms, error);
}

#define PLACE_BYTES 32 /* "2147483647:9223372036854775807" */

static void place_print(const struct listed_letter *letter, char place[PLACE_BYTES])
{
	(void)snprintf(place, PLACE_BYTES, "%d:%lld", (int)letter->partition, (long long)letter->offset);
}

static int wider(int width, const char *cell)
{
	const size_t characters = text_characters(text_of(cell));
	return characters > (size_t)width && characters <= COLUMN_MAX ? (int)characters : width;
}

/* On a terminal columns are as wide as their longest cell, and the reason has lines of its own. Ids are the last column: that of
 * a request without one is its topic and place. */
static void columns_measure(struct dead_letter_view *view)
{
	const struct listed_letter *items = view->list.items;
	char place[PLACE_BYTES];
	size_t longest = 0;
	view->place_width = wider(0, "AT");
	view->step_width = wider(0, "STEP");
	for (size_t i = 0; i < view->list.count; i++) {
		arena_reset(view->arena);
		place_print(&items[i], place);
		const size_t id = text_characters(text_of(shown_string(view, items[i].id)));
		longest = id > longest ? id : longest;
		view->place_width = wider(view->place_width, place);
		view->step_width = wider(view->step_width, shown_string(view, items[i].step));
	}
	view->id_fits = FIXED_COLUMNS + (size_t)view->place_width + (size_t)view->step_width + longest <= view->columns;
}

/* A row, or the titles. */
static void columns_print(struct dead_letter_view *view, const char *place, const char *moment, const char *kind, const char *step,
			  const char *id)
{
	if (view->id_fits)
		buffer_print(&view->text, "%-*s %-20s %-7s %-*s %s\n", view->place_width, place, moment, kind, view->step_width,
			     step, id);
	else
		buffer_print(&view->text, "%-*s %-20s %-7s %s\n    %s\n", view->place_width, place, moment, kind, step, id);
}

static void row_print(struct dead_letter_view *view, const struct listed_letter *letter, bool is_terminal)
{
	struct buffer *out = &view->text;
	char moment[MOMENT_BYTES], place[PLACE_BYTES];
	const char *step = letter->step[0] ? shown_string(view, letter->step) : "-";
	moment_print(letter->failed_ms, moment);
	place_print(letter, place);
	if (is_terminal) {
		columns_print(view, place, moment, letter->kind, step, shown_string(view, letter->id));
		buffer_string(out, "    ");
	} else {
		buffer_print(out, "%-12s %-20s %-24s %-7s %-16s ", place, moment, shown_string(view, letter->id), letter->kind,
			     step);
	}
	buffer_string(out, shown_string(view, letter->text));
	if (letter->replayed_ms > 0) {
		moment_print(letter->replayed_ms, moment);
		buffer_print(out, "  [replayed %s]", moment);
	}
	buffer_byte(out, '\n');
}

static void row_print_json(struct dead_letter_view *view, const struct listed_letter *letter)
{
	if (letter->replayed_ms > 0)
		buffer_print(&view->text, "%.*s, \"replayed_ms\": %lld}\n", (int)strlen(letter->json) - 1, letter->json,
			     (long long)letter->replayed_ms);
	else
		buffer_print(&view->text, "%s\n", letter->json);
}

static bool rows_print(struct dead_letter_view *view, struct error *error)
{
	const bool is_terminal = view->columns > 0;
	columns_measure(view);
	if (!view->json && view->list.count > 0 && is_terminal)
		columns_print(view, "AT", "FAILED", "KIND", "STEP", "ID");
	else if (!view->json && view->list.count > 0)
		buffer_print(&view->text, "%-12s %-20s %-24s %-7s %-16s WHY\n", "AT", "FAILED", "ID", "KIND", "STEP");
	for (size_t i = 0; i < view->list.count; i++) {
		arena_reset(view->arena);
		if (view->json)
			row_print_json(view, &view->list.items[i]);
		else
			row_print(view, &view->list.items[i], is_terminal);
		if (!view_flush(view, error))
			return false;
	}
	return true;
}

static void count_print(struct dead_letter_view *view, const struct letter_count *count)
{
	struct buffer *out = &view->text;
	const struct listed_letter *last = count->last;
	char moment[MOMENT_BYTES];
	if (view->json) {
		buffer_print(out, "{\"count\": %zu, \"replayed\": %zu", count->count, count->replayed);
		member_print(out, "kind", text_of(last->kind));
		member_print(out, "step", text_of(last->step));
		member_print(out, "error", text_of(last->text));
		buffer_print(out, ", \"last_ms\": %lld}\n", (long long)last->failed_ms);
		return;
	}
	moment_print(last->failed_ms, moment);
	buffer_print(out, "%7zu %8zu %-20s %-7s ", count->count, count->replayed, moment, last->kind);
	buffer_print(out, view->columns > 0 ? "%s\n    %s\n" : "%-16s %s\n", last->step[0] ? shown_string(view, last->step) : "-",
		     shown_string(view, last->text));
}

static bool counts_print(struct dead_letter_view *view, struct error *error)
{
	size_t count;
	const struct letter_count *counts = dead_letter_list_count(&view->list, &count);
	if (!counts)
		return error_memory(error, ERROR_SYSTEM, "counting dead letters");
	if (!view->json && count > 0)
		buffer_print(&view->text, "%s%7s %8s %-20s %-7s %s\n", view->shown > 0 ? "\n" : "", "COUNT", "REPLAYED",
			     "LAST FAILED", "KIND", view->columns > 0 ? "STEP" : "STEP             WHY");
	for (size_t i = 0; i < count; i++) {
		arena_reset(view->arena);
		count_print(view, &counts[i]);
		if (!view_flush(view, error))
			return false;
	}
	return true;
}

/* When all letters are gathered. */
bool dead_letter_view_list(struct dead_letter_view *view, struct error *error)
{
	dead_letter_list_sort(&view->list);
	bool wants_counts = view->counts || !view->json;
	return (view->counts || rows_print(view, error)) && (!wants_counts || counts_print(view, error));
}

/* ---- show ---- */

static void assignments_show(struct dead_letter_view *view, struct text lines)
{
	while (lines.length > 0) {
		const struct assigned entry = assigned_line_take(&lines);
		buffer_print(&view->text, "  assigned  %s of experiment %s, probability %.4g, table %016llx\n",
			     text_shown(entry.variant, view->arena), text_shown(entry.experiment, view->arena), entry.probability,
			     (unsigned long long)entry.table);
	}
}

static void header_show(struct dead_letter_view *view, const struct header *header)
{
	if (text_equal_caseless(header->name, TEXT(ASSIGNED_RECORD_HEADER)))
		assignments_show(view, header->value);
	else
		buffer_print(&view->text, "  header    %s: %s\n", text_shown(header->name, view->arena),
			     header->value.bytes ? text_shown(header->value, view->arena) : "(no value)");
}

bool dead_letter_view_show(void *context, const struct found_letter *found, struct error *error)
{
	struct dead_letter_view *view = context;
	const struct dead_letter *letter = &found->letter;
	struct buffer *out = &view->text;
	arena_reset(view->arena);
	if (view->json) {
		letter_print_json(view, found, true);
		return view_flush(view, error);
	}
	char asked[MOMENT_BYTES], failed[MOMENT_BYTES];
	bool translated;
	struct text request = letter_request(letter, view->arena, &translated);
	moment_print(letter->time_ms, asked);
	moment_print(letter->failed_ms, failed);
	buffer_print(out, "%d:%lld  %s\n", (int)found->partition, (long long)found->offset, text_shown(letter->id, view->arena));
	buffer_print(out, "  why       %s: %s\n", error_kind_name(letter->error->kind), shown_string(view, letter->error->text));
	if (letter->error->place.line > 0)
		buffer_print(out, "  in        %s:%u:%u\n", shown_string(view, letter->error->place.file),
			     letter->error->place.line, letter->error->place.column);
	buffer_print(out, "  step      %s, tried %u time%s\n", letter->step[0] ? shown_string(view, letter->step) : "none",
		     letter->attempts, letter->attempts == 1 ? "" : "s");
	buffer_print(out, "  asked     %s, failed %s\n", asked, failed);
	if (letter->origin.topic.length > 0)
		buffer_print(out, "  stood at  %s %d:%lld\n", text_shown(letter->origin.topic, view->arena),
			     (int)letter->origin.partition, (long long)letter->origin.offset);
	else
		buffer_print(out, "  stood at  no place in Kafka: it came by ingress: direct, and is logged with its id\n");
	if (letter->key.bytes)
		buffer_print(out, "  key       %s\n", text_shown(letter->key, view->arena));
	for (size_t i = 0; i < letter->headers.count; i++)
		header_show(view, &letter->headers.items[i]);
	if (request.bytes)
		buffer_print(out, "  request   %s%s\n", text_shown(request, view->arena), translated ? "  (as JSON)" : "");
	else
		buffer_print(out, "  request   %zu bytes that are not a request in a known format\n", letter->payload.length);
	return view_flush(view, error);
}
