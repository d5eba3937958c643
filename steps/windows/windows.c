/* windows.c: Closing windows, message by message; see windows.h.
 *
 * The state has these values, each stored separately: the stream time; for each key its open windows; for each window its contents
 * (window_program.h), by a number; and a heap of the keys (flow/state/keyed_heap.h). A key is in the heap once, with a span that is
 * not after its next window to close. So a session that grows does not change the heap; its entry is moved when its turn comes.
 */
#include "steps/windows/windows.h"

#include "flow/state/keyed_heap.h"
#include "flow/state/keyed_log.h"
#include "steps/state_key.h"
#include "steps/windows/window_answer.h"
#include "steps/windows/window_contents.h"

#define STATE_VERSION 2
#define CLOSED_AT_LEAST 256		   /* windows that one message may close; the next ones close the rest */
#define CLOSED_BYTES_MAX ((size_t)4 << 20) /* of what these hold */

struct window_stream {
	uint32_t version;
	uint32_t begun;
	int64_t time;  /* the greatest that was seen */
	uint64_t next; /* number of the next window */
};

struct open_window {
	struct span span;
	uint64_t number;
};

struct key_head {
	uint32_t version;
	uint32_t count;	    /* open windows, in the order in which they close */
	uint64_t closed;    /* windows of a count: how many there were */
	struct span listed; /* with which the heap has the key */
};

/* A key, read, with room for more windows. */
struct key_state {
	struct key_head head;
	struct open_window *open;
	size_t room;
	bool changed;
};

struct windows_work {
	const struct windows *self;
	struct step *step;
	struct visit *visit;
	struct arena *arena;
	struct error *error;
	struct scope scope;
	struct window_input *input;
	struct text key;
	int64_t time;
	struct window_stream *stream;
	size_t made;	     /* windows that left */
	size_t closed_bytes; /* that they held */
};

#define STREAM_KEY TEXT("t")

static bool work_fail(const struct windows_work *work)
{
	return error_memory(work->error, ERROR_LIMIT, "keeping windows");
}

static bool refuse_version(const struct windows_work *work)
{
	return error_set(work->error, ERROR_SYSTEM, work->step->place,
			 "step `%s` has windows that another version of sluice wrote; run that version, or rename the step",
			 work->step->name);
}

/* ---- what is remembered ---- */

static const struct keyed_log contents = {.name = "w", .is_binary = true};

/* Bytes NULL: the arena is full. */
static struct text state_key(const struct windows_work *work, struct text key)
{
	char *bytes = arena_take_raw(work->arena, key.length + 1);
	if (!bytes)
		return (struct text){0};
	bytes[0] = 'k';
	if (key.length)
		memcpy(bytes + 1, key.bytes, key.length);
	return (struct text){bytes, key.length + 1};
}

static bool stream_recall(struct windows_work *work)
{
	work->stream = visit_remember(work->visit, STREAM_KEY, sizeof *work->stream, work->error);
	if (!work->stream)
		return false;
	if (work->stream->version > STATE_VERSION)
		return refuse_version(work);
	if (!work->stream->begun || work->time > work->stream->time)
		work->stream->time = work->time;
	work->stream->version = STATE_VERSION;
	work->stream->begun = 1;
	return true;
}

/* Into how many windows one message may fall. */
static size_t windows_of_one(const struct closing *form)
{
	return form->kind == CLOSING_HOPPING ? (size_t)((form->size - 1) / form->every + 1) : 1;
}

static bool key_recall(struct windows_work *work, struct text key, struct key_state *state)
{
	struct text name = state_key(work, key), value = {0};
	*state = (struct key_state){.head.version = STATE_VERSION};
	if (!name.bytes)
		return work_fail(work);
	if (visit_recall(work->visit, name, &value))
		memcpy(&state->head, value.bytes, sizeof state->head);
	if (state->head.version != STATE_VERSION)
		return refuse_version(work);
	state->room = state->head.count + windows_of_one(&work->self->form);
	state->open = arena_take_raw(work->arena, state->room * sizeof *state->open);
	if (!state->open)
		return work_fail(work);
	if (state->head.count)
		memcpy(state->open, value.bytes + sizeof state->head, state->head.count * sizeof *state->open);
	return true;
}

static bool key_remember(struct windows_work *work, struct text key, const struct key_state *state)
{
	struct text name = state_key(work, key);
	size_t size = state->head.count * sizeof *state->open;
	if (!name.bytes)
		return work_fail(work);
	if (state->head.count == 0 && work->self->form.kind != CLOSING_COUNT)
		return visit_forget(work->visit, name, work->error);
	char *kept = visit_remember(work->visit, name, sizeof state->head + size, work->error);
	if (!kept)
		return false;
	memcpy(kept, &state->head, sizeof state->head);
	if (size)
		memcpy(kept + sizeof state->head, state->open, size);
	return true;
}

/* ---- the windows of a key ---- */

static void open_remove(struct key_state *state, size_t at)
{
	state->head.count--;
	memmove(state->open + at, state->open + at + 1, (state->head.count - at) * sizeof *state->open);
	state->changed = true;
}

/* Where it belongs among the others. */
static bool open_insert(struct windows_work *work, struct key_state *state, struct open_window window)
{
	size_t at = state->head.count;
	if (state->head.count == WINDOWS_OF_KEY_MAX || state->head.count == state->room)
		return error_set(work->error, ERROR_LIMIT, work->step->place,
				 "the key `" TEXT_FORMAT
				 "` has %d open windows, which is the limit; make windows or their grace shorter",
				 TEXT_ARGUMENTS(work->key), WINDOWS_OF_KEY_MAX);
	while (at > 0 && closing_order(&state->open[at - 1].span, &window.span) > 0)
		at--;
	memmove(state->open + at + 1, state->open + at, (state->head.count - at) * sizeof *state->open);
	state->open[at] = window;
	state->head.count++;
	state->changed = true;
	return true;
}

/* What the window of that number holds; one of other settings begins anew. */
static bool recall_own(struct windows_work *work, uint64_t number, struct text *bytes)
{
	if (!keyed_log_read(&contents, work->visit, number, bytes) || window_is_of(work->self->program, bytes->bytes))
		return true;
	*bytes = (struct text){0};
	return keyed_log_remove(&contents, work->visit, number, work->error);
}

/* The message goes into the window of that number, which may be new. */
static bool windows_take(struct windows_work *work, uint64_t number)
{
	struct text before = {0};
	if (!recall_own(work, number, &before))
		return false;
	size_t size = window_size(work->self->program, before, work->input, work->error);
	void *bytes = size ? keyed_log_write(&contents, work->visit, number, size, work->error) : NULL;
	if (bytes)
		window_take(work->self->program, bytes, work->input);
	return bytes != NULL;
}

static bool into_hopping(struct windows_work *work, struct key_state *state, bool *taken)
{
	const struct closing *form = &work->self->form;
	struct span span;
	for (size_t nth = 0; closing_window(form, work->time, nth, &span); nth++) {
		size_t at = 0;
		if (closing_is_over(form, &span, work->stream->time))
			continue;
		while (at < state->head.count && state->open[at].span.start != span.start)
			at++;
		uint64_t number = at < state->head.count ? state->open[at].number : work->stream->next;
		if (at == state->head.count) {
			if (!open_insert(work, state, (struct open_window){span, number}))
				return false;
			work->stream->next++;
		}
		if (!windows_take(work, number))
			return false;
		*taken = true;
	}
	return true;
}

/* What the session `from` holds goes into another. */
static bool merge(struct windows_work *work, uint64_t into, uint64_t from)
{
	struct text one = {0}, other = {0};
	if (!recall_own(work, into, &one) || !recall_own(work, from, &other))
		return false;
	if (!other.bytes)
		return true;
	size_t size = one.bytes ? window_size_merged(work->self->program, one, other, work->input, work->error) : other.length;
	void *bytes = size ? keyed_log_write(&contents, work->visit, into, size, work->error) : NULL;
	if (!bytes)
		return false;
	if (one.bytes)
		window_merge(work->self->program, bytes, other.bytes, work->input);
	else
		memcpy(bytes, other.bytes, other.length);
	return keyed_log_remove(&contents, work->visit, from, work->error);
}

static bool into_session(struct windows_work *work, struct key_state *state, bool *taken)
{
	const struct closing *form = &work->self->form;
	struct open_window session = {{work->time, work->time}, work->stream->next};
	bool joined = false;
	for (size_t at = 0; at < state->head.count;) {
		struct open_window there = state->open[at];
		struct span span;
		if (!closing_session_join(form, &there.span, work->time, &span) ||
		    closing_is_over(form, &there.span, work->stream->time)) {
			at++;
			continue;
		}
		open_remove(state, at);
		if (joined && !merge(work, session.number, there.number))
			return false;
		session.number = joined ? session.number : there.number;
		session.span.start = span.start < session.span.start ? span.start : session.span.start;
		session.span.end = span.end > session.span.end ? span.end : session.span.end;
		joined = true;
	}
	*taken = joined || !closing_is_over(form, &session.span, work->stream->time);
	if (!*taken)
		return true;
	work->stream->next += !joined;
	return open_insert(work, state, session) && windows_take(work, session.number);
}

/* ---- what leaves ---- */

/* Its id is the key and, behind a slash, the window's start, or of a count its number. */
static bool windows_emit(struct windows_work *work, struct text key, const struct span *span, int64_t id, uint64_t number)
{
	struct text bytes = {0};
	struct message *message = ARENA_NEW(work->arena, struct message);
	char *own = arena_print(work->arena, TEXT_FORMAT "/%lld", TEXT_ARGUMENTS(key), (long long)id);
	(void)keyed_log_read(&contents, work->visit, number, &bytes);
	if (!message || !own)
		return work_fail(work);
	*message = *work->scope.message;
	message->key = key;
	message->id = text_of(own);
	message->time_ms = span->end;
	message->headers = (struct headers){0};
	struct scope scope = {.message = message, .pipeline = work->scope.pipeline, .step = work->scope.step};
	const struct payload *payload = window_answer(work->self->program, bytes.bytes, &scope, work->arena, work->error);
	work->made++;
	work->closed_bytes += bytes.length;
	return payload &&
	       visit_offspring(work->visit, message->id, key.length ? key : (struct text){0}, span->end, payload, work->error) &&
	       keyed_log_remove(&contents, work->visit, number, work->error);
}

/* Puts the key where its next window belongs. */
static bool windows_list(struct windows_work *work, struct text key, struct key_state *state)
{
	state->head.listed = state->open[0].span;
	state->changed = true;
	const struct keyed_heap_entry entry = {state->open[0].span.end, state->open[0].span.start, key};
	return keyed_heap_put(work->visit, &entry, work->error);
}

/* The first of the heap: its next window leaves, or it is put where it belongs. */
static bool close_first(struct windows_work *work, const struct keyed_heap_entry *entry)
{
	struct key_state state;
	const char *own = arena_copy(work->arena, entry->key.bytes, entry->key.length);
	struct text key = {own, entry->key.length};
	struct span listed = {entry->subrank, entry->rank};
	if (!own)
		return work_fail(work);
	if (!keyed_heap_remove(work->visit, work->error) || !key_recall(work, key, &state))
		return false;
	if (state.head.count == 0 || closing_order(&state.head.listed, &listed) != 0)
		return true; /* it stands elsewhere by now */
	struct open_window next = state.open[0];
	if (closing_order(&next.span, &listed) == 0) {
		if (!windows_emit(work, key, &next.span, next.span.start, next.number))
			return false;
		open_remove(&state, 0);
	}
	return (state.head.count == 0 || windows_list(work, key, &state)) && key_remember(work, key, &state);
}

/* Closes as many as one message may: twice as many as it can open, so that none are left in
 * the long run. */
static bool close_over(struct windows_work *work)
{
	const struct closing *form = &work->self->form;
	size_t most = 2 * windows_of_one(form);
	struct keyed_heap_entry entry;
	most = most < CLOSED_AT_LEAST ? CLOSED_AT_LEAST : most;
	for (size_t turns = 0; turns < 4 * most && work->made < most; turns++) {
		if (work->closed_bytes > CLOSED_BYTES_MAX || !keyed_heap_first(work->visit, &entry) ||
		    !closing_is_over(form, &(struct span){entry.subrank, entry.rank}, work->stream->time))
			return true;
		if (!close_first(work, &entry))
			return false;
	}
	return true;
}

/* ---- one message ---- */

static bool key_find(struct windows_work *work)
{
	if (!state_key_of(work->self->key, &work->scope, "windows", work->arena, &work->key, work->error))
		return false;
	return work->key.length <= KEYED_HEAP_KEY_BYTES_MAX ||
	       error_set(work->error, ERROR_INPUT, work->step->place,
			 "the key has %zu bytes, and windows are kept by keys of at most %d", work->key.length,
			 KEYED_HEAP_KEY_BYTES_MAX);
}

/* A window of a count has one at a time, which leaves when it is full. */
static bool count_run(struct windows_work *work)
{
	struct key_state state;
	struct text bytes = {0};
	if (!key_recall(work, work->key, &state))
		return false;
	struct open_window window = {{work->time, work->time}, work->stream->next};
	if (state.head.count > 0) {
		window = state.open[0];
		open_remove(&state, 0);
	} else {
		work->stream->next++;
	}
	window.span.start = work->time < window.span.start ? work->time : window.span.start;
	window.span.end = work->time > window.span.end ? work->time : window.span.end;
	if (!windows_take(work, window.number))
		return false;
	(void)keyed_log_read(&contents, work->visit, window.number, &bytes);
	if (window_messages(bytes.bytes) < (uint64_t)work->self->form.size)
		return open_insert(work, &state, window) && key_remember(work, work->key, &state);
	int64_t id = (int64_t)state.head.closed++;
	return windows_emit(work, work->key, &window.span, id, window.number) && key_remember(work, work->key, &state);
}

static bool refuse_late(const struct windows_work *work)
{
	return error_set(
		work->error, ERROR_INPUT, work->step->place,
		"too late: its windows closed when the stream had reached %lld, and its time is %lld; a longer `grace` waits "
		"for such messages",
		(long long)work->stream->time, (long long)work->time);
}

static bool time_run(struct windows_work *work)
{
	struct key_state state;
	bool taken = false;
	if (!key_recall(work, work->key, &state))
		return false;
	bool listed = state.head.count > 0;
	if (!(work->self->form.kind == CLOSING_SESSION ? into_session : into_hopping)(work, &state, &taken))
		return false;
	if (!taken && work->self->refuse_late)
		return refuse_late(work);
	if (taken && (!listed || closing_order(&state.open[0].span, &state.head.listed) < 0) &&
	    !windows_list(work, work->key, &state))
		return false;
	return (!state.changed || key_remember(work, work->key, &state)) && close_over(work);
}

enum step_verdict windows_run(const struct windows *self, struct step *step, struct visit *visit, struct error *error)
{
	struct windows_work work = {.self = self,
				    .step = step,
				    .visit = visit,
				    .arena = visit_arena(visit),
				    .error = error,
				    .scope = visit_scope(visit, NULL)};
	work.time = work.scope.message->time_ms;
	if (!key_find(&work) || !(work.input = window_input_make(self->program, &work.scope, work.arena, error)) ||
	    !stream_recall(&work))
		return STEP_FAIL;
	if (!(self->form.kind == CLOSING_COUNT ? count_run : time_run)(&work))
		return STEP_FAIL;
	return work.made ? STEP_DONE : STEP_DROP;
}
