/* windows.c: Family `windows`: results of each window of a stream of events, in the order in which the windows close. */
#include <stdlib.h>
#include <string.h>

#include "compute/values.h"
#include "methods/numeric/summary.h"
#include "methods/numeric/window_closing.h"

#define TRACKS (SUMMARY_SUM | SUMMARY_SPREAD | SUMMARY_LEAST | SUMMARY_ENDS)
#define SUMMARY_ROOM 128 /* bytes of a summary of these tracks, with some to spare */
#define WINDOWS_AT_FIRST 64

struct compute_window {
	struct span span;
	const char *key;
	uint64_t events;
	_Alignas(double) char summary[SUMMARY_ROOM];
};

_Static_assert(sizeof(uint64_t) + 10 * sizeof(double) <= SUMMARY_ROOM, "a summary has its room");

/* A stream on its way through its windows. */
struct windowing {
	struct closing form;
	struct arena *arena;
	struct error *error;
	struct compute_window **open; /* in the order in which they close */
	size_t count, room;
	int64_t stream_time;
	bool begun;
	json_t *closed;
	json_t *late;
};

struct window_event {
	int64_t time;
	const char *key;
	double value;
};

/* ---- open windows ---- */

static int compute_windows_order(const struct compute_window *left, const struct compute_window *right)
{
	int by_span = closing_order(&left->span, &right->span);
	return by_span ? by_span : strcmp(left->key, right->key);
}

static bool make_room(struct windowing *self)
{
	struct compute_window **open =
		arena_grow(self->arena, self->open, self->count, &self->room, WINDOWS_AT_FIRST, sizeof(struct compute_window *));
	if (!open)
		return error_memory(self->error, ERROR_LIMIT, "keeping windows");
	self->open = open;
	return true;
}

/* Where a window stands, or would: true when it is there. */
static bool compute_windows_find(const struct windowing *self, const struct compute_window *window, size_t *at)
{
	size_t low = 0, high = self->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compute_windows_order(self->open[middle], window) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*at = low;
	return low < self->count && compute_windows_order(self->open[low], window) == 0;
}

static bool compute_windows_insert(struct windowing *self, struct compute_window *window)
{
	size_t at;
	if (!make_room(self))
		return false;
	(void)compute_windows_find(self, window, &at);
	memmove(self->open + at + 1, self->open + at, (self->count - at) * sizeof *self->open);
	self->open[at] = window;
	self->count++;
	return true;
}

static void take_out(struct windowing *self, size_t at)
{
	self->count--;
	memmove(self->open + at, self->open + at + 1, (self->count - at) * sizeof *self->open);
}

static struct compute_window *window_make(struct windowing *self, const char *key, struct span span)
{
	struct compute_window *window = ARENA_NEW(self->arena, struct compute_window);
	if (!window) {
		error_memory(self->error, ERROR_LIMIT, "keeping windows");
		return NULL;
	}
	window->key = key;
	window->span = span;
	return window;
}

static void compute_windows_take(struct compute_window *window, const struct window_event *event)
{
	window->events++;
	summary_add(TRACKS, window->summary, event->time, event->value);
}

/* ---- closing ---- */

static void close_first(struct windowing *self)
{
	const struct compute_window *window = self->open[0];
	const void *summary = window->summary;
	json_t *made = json_object();
	struct error *error = self->error;
	compute_put(made, "key", json_string(window->key), error);
	compute_put(made, "start", json_integer(window->span.start), error);
	compute_put(made, "end", json_integer(window->span.end), error);
	compute_put(made, "count", json_integer((json_int_t)window->events), error);
	compute_put(made, "sum", compute_write(summary_sum(TRACKS, summary)), error);
	compute_put(made, "mean", compute_write(summary_mean(TRACKS, summary)), error);
	compute_put(made, "min", compute_write(summary_least(TRACKS, summary)), error);
	compute_put(made, "max", compute_write(summary_greatest(TRACKS, summary)), error);
	double variance = summary_count(summary) == 1 ? 0 : summary_variance(TRACKS, summary, 1);
	compute_put(made, "variance", compute_write(variance), error);
	compute_put(made, "first", compute_write(summary_first(TRACKS, summary)), error);
	compute_put(made, "last", compute_write(summary_last(TRACKS, summary)), error);
	if (json_array_append_new(self->closed, made) != 0)
		error_memory(error, ERROR_SYSTEM, "writing windows");
	take_out(self, 0);
}

static void close_over(struct windowing *self)
{
	while (self->count > 0 && closing_is_over(&self->form, &self->open[0]->span, self->stream_time))
		close_first(self);
}

/* ---- events ---- */

/* False: it is late. */
static bool into_hopping(struct windowing *self, const struct window_event *event)
{
	bool taken = false;
	struct span span;
	for (size_t nth = 0; closing_window(&self->form, event->time, nth, &span); nth++) {
		if (closing_is_over(&self->form, &span, self->stream_time))
			continue;
		const struct compute_window wanted = {.span = span, .key = event->key};
		size_t at;
		struct compute_window *window =
			compute_windows_find(self, &wanted, &at) ? self->open[at] : window_make(self, event->key, span);
		if (!window || (window->events == 0 && !compute_windows_insert(self, window)))
			return true; /* the error says why */
		compute_windows_take(window, event);
		taken = true;
	}
	return taken;
}

static bool into_session(struct windowing *self, const struct window_event *event)
{
	struct compute_window *session = NULL;
	for (size_t i = 0; i < self->count;) {
		struct compute_window *open = self->open[i];
		struct span joined;
		if (strcmp(open->key, event->key) != 0 || !closing_session_join(&self->form, &open->span, event->time, &joined)) {
			i++;
			continue;
		}
		take_out(self, i);
		open->span = joined;
		if (session) {
			open->span.start = session->span.start < joined.start ? session->span.start : joined.start;
			open->span.end = session->span.end > joined.end ? session->span.end : joined.end;
			open->events += session->events;
			summary_merge(TRACKS, open->summary, session->summary);
		}
		session = open;
	}
	struct span alone = {event->time, event->time};
	if (!session && closing_is_over(&self->form, &alone, self->stream_time))
		return false;
	if (!session)
		session = window_make(self, event->key, alone);
	if (session && compute_windows_insert(self, session))
		compute_windows_take(session, event);
	return true;
}

/* Its span is that of its events. */
static bool into_count(struct windowing *self, const struct window_event *event)
{
	size_t at = 0;
	while (at < self->count && strcmp(self->open[at]->key, event->key) != 0)
		at++;
	struct compute_window *window = NULL;
	if (at < self->count) {
		window = self->open[at];
		take_out(self, at);
	} else {
		window = window_make(self, event->key, (struct span){event->time, event->time});
	}
	if (!window)
		return true;
	window->span.start = event->time < window->span.start ? event->time : window->span.start;
	window->span.end = event->time > window->span.end ? event->time : window->span.end;
	compute_windows_take(window, event);
	if (!compute_windows_insert(self, window) || (int64_t)window->events < self->form.size)
		return true;
	for (at = 0; self->open[at] != window; at++)
		;
	memmove(self->open + 1, self->open, at * sizeof *self->open);
	self->open[0] = window;
	close_first(self);
	return true;
}

static void run_event(struct windowing *self, const struct window_event *event, size_t index)
{
	static bool (*const into[])(struct windowing * self, const struct window_event *event) = {
		[CLOSING_HOPPING] = into_hopping,
		[CLOSING_SESSION] = into_session,
		[CLOSING_COUNT] = into_count,
	};
	if (!self->begun || event->time > self->stream_time)
		self->stream_time = event->time;
	self->begun = true;
	if (!into[self->form.kind](self, event) && json_array_append_new(self->late, json_integer((json_int_t)index)) != 0)
		error_memory(self->error, ERROR_SYSTEM, "writing windows");
	if (self->form.kind != CLOSING_COUNT)
		close_over(self);
}

/* ---- the case ---- */

static bool event_read(const json_t *value, size_t index, struct window_event *event, struct error *error)
{
	const char *key = json_string_value(json_object_get(value, "key"));
	event->key = key ? key : "";
	if (compute_integer(value, "ts", &event->time, error) && compute_number(value, "value", &event->value, error))
		return true;
	struct error inner = *error;
	*error = (struct error){0};
	return error_set(error, inner.kind, PLACE_NONE, "event %zu: %s", index, inner.text);
}

static bool form_read(const json_t *params, struct closing *form, struct error *error)
{
	const char *kind;
	if (!compute_text(params, "kind", &kind, error))
		return false;
	bool tumbling = strcmp(kind, "tumbling") == 0, hopping = strcmp(kind, "hopping") == 0;
	bool session = strcmp(kind, "session") == 0, count = strcmp(kind, "count") == 0;
	if (!tumbling && !hopping && !session && !count)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "`kind` is `%s`; it is tumbling, hopping, session or count", kind);
	form->kind = session ? CLOSING_SESSION : count ? CLOSING_COUNT : CLOSING_HOPPING;
	if (!compute_integer(params, session ? "gap" : "size", &form->size, error))
		return false;
	form->every = form->size;
	if (hopping && !compute_integer(params, "advance", &form->every, error))
		return false;
	if (compute_has(params, "grace") && !compute_integer(params, "grace", &form->grace, error))
		return false;
	return closing_is_sound(form) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE,
			 "there are no such windows: sizes are above 0, the advance is at most the size and at least a %dth of it",
			 CLOSING_WINDOWS_MAX);
}

static json_t *compute_windows_run(const struct compute_case *one, struct error *error)
{
	struct windowing self = {.arena = one->arena, .error = error};
	const json_t *events = json_object_get(one->input, "events");
	if (!form_read(one->params, &self.form, error))
		return NULL;
	if (!json_is_array(events)) {
		error_set(error, ERROR_INPUT, PLACE_NONE, "`events` is no list of objects with `ts`, `key` and `value`");
		return NULL;
	}
	self.closed = json_array();
	self.late = json_array();
	for (size_t i = 0; i < json_array_size(events) && error->kind == ERROR_NONE; i++) {
		struct window_event event;
		if (event_read(json_array_get(events, i), i, &event, error))
			run_event(&self, &event, i);
	}
	while (self.count > 0 && error->kind == ERROR_NONE)
		close_first(&self);
	json_t *result = json_object();
	compute_put(result, "windows", self.closed, error);
	compute_put(result, "late_event_indices", self.late, error);
	return compute_made(result, error);
}

static const struct compute_method methods[] = {
	{"tumbling, hopping", "[start, start + size), starts are multiples of the advance, rounded down; over when end + grace <= "
			      "stream time, the greatest time seen"},
	{"session",
	 "events of a key at most `gap` apart; start and end are those of the first and last; over when end + gap + grace "
	 "< stream time; an event between two joins them"},
	{"count", "as many events of a key as `size` says; start and end are their least and greatest time"},
	{"windows", "once each, as they close, by end, start and key, what is left at the end too; first and last by time, then by "
		    "arrival; variance is divided by n - 1, and 0 of one value"},
	{"late_event_indices", "events whose windows are all over: in none of them"},
	{NULL, NULL},
};

const struct compute_family compute_windows = {
	.name = "windows",
	.summary = "Windows that close, in the order of their ends, by the rules of Kafka Streams.",
	.methods = methods,
	.parameters = "advance gap grace kind size",
	.run = compute_windows_run,
};
