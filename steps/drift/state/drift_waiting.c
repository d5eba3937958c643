/* drift_waiting.c: see drift_waiting.h. */
#include "steps/drift/state/drift_waiting.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define WAITING_VERSION 1
#define CHUNK_BYTES_MAX 65536 /* so that a chunk fits a record, but for a row that does not */
#define KEY_BYTES 40
#define TAKEN_TOGETHER_MOST ((size_t)256) /* a message that lets few rows go does not make room for all that wait */

/* Stored under `watermarks`; each follows under `watermark/INDEX`. */
struct waiting_head {
	uint64_t version, identity;
	uint64_t visits; /* by which the memory of an engine that wrote it is known */
	int64_t window_ms, clock_ms, passed_ms;
	uint64_t resets, watermarks;
	uint64_t first, next;		   /* numbers of chunks that may be there, from and to */
	uint64_t came;			   /* rows in all, which gives each its number */
	int64_t taken_ms, taken_partition; /* the last row that was taken, in the order */
	uint64_t taken_row;
};

/* Before a chunk's rows: rows of one segment that came together, each with its moment, its numbers, what is estimated from, and
 * its request, if that is kept. */
struct chunk_head {
	uint64_t first; /* the number of its first row */
	uint32_t count, numbers, classes, errors, segment;
	uint32_t truths; /* KEPT_*: what truths are compared with */
};

#define KEPT_REQUESTS 1U
#define KEPT_PREDICTIONS 2U

struct chunk {
	struct chunk *next, *before;
	uint64_t number; /* in the state; UINT64_MAX: it is not there */
	size_t waits;	 /* rows */
	size_t bytes;
	char stored[]; /* as in the state */
};

/* A row in the order. In the heap it stands for all up to `end`, which follow it in its chunk and in the order: what a partition
 * brings comes in the order of its times, so most rows have few others to be compared with. */
struct entry {
	int64_t time_ms, partition;
	uint64_t row, end;
	struct chunk *chunk;
};

struct drift_waiting {
	struct waiting_head head;
	struct watermarks watermarks;
	bool known; /* memory has what the state has */
	struct chunk *oldest, *newest;
	size_t bytes;
	size_t count; /* rows */
	struct entry *heap;
	size_t runs, room; /* its entries */
	uint64_t *gone;	   /* numbers of chunks to be deleted */
	size_t gone_count, gone_room;
};

struct drift_waiting *drift_waiting_open(void)
{
	return memory_take(1, sizeof(struct drift_waiting));
}

static void chunk_drop(struct drift_waiting *self, struct chunk *chunk)
{
	*(chunk->before ? &chunk->before->next : &self->oldest) = chunk->next;
	*(chunk->next ? &chunk->next->before : &self->newest) = chunk->before;
	self->bytes -= chunk->bytes;
	memory_give(chunk);
}

static void waiting_clear(struct drift_waiting *self)
{
	while (self->oldest)
		chunk_drop(self, self->oldest);
	self->count = self->runs = self->gone_count = 0;
}

void drift_waiting_close(struct drift_waiting *waiting)
{
	if (!waiting)
		return;
	waiting_clear(waiting);
	memory_give(waiting->heap);
	memory_give(waiting->gone);
	memory_give(waiting);
}

struct watermarks *drift_waiting_watermarks(struct drift_waiting *waiting)
{
	return &waiting->watermarks;
}

bool drift_waiting_is_empty(const struct drift_waiting *waiting)
{
	return waiting->count == 0;
}

void drift_waiting_doubt(struct drift_waiting *waiting)
{
	waiting->known = false;
}

size_t drift_waiting_excess(const struct drift_waiting *waiting)
{
	const bool many = waiting->count > WAITING_ROWS_MAX || waiting->bytes > WAITING_BYTES_MAX;
	return many ? waiting->count < WAITING_RELEASED_MOST ? waiting->count : WAITING_RELEASED_MOST : 0;
}

/* ---- the order ---- */

static bool entry_is_before(const struct entry *a, const struct entry *b)
{
	if (a->time_ms != b->time_ms)
		return a->time_ms < b->time_ms;
	return a->partition != b->partition ? a->partition < b->partition : a->row < b->row;
}

static bool heap_put(struct drift_waiting *self, struct entry entry, struct error *error)
{
	struct entry *heap = memory_grow(self->heap, self->runs, &self->room, 1024, sizeof *heap);
	if (!heap)
		return error_memory(error, ERROR_LIMIT, "keeping rows that wait");
	self->heap = heap;
	size_t at = self->runs++;
	for (; at > 0 && entry_is_before(&entry, &heap[(at - 1) / 2]); at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = entry;
	return true;
}

/* Puts it in the place of the first. */
static void heap_replace(struct drift_waiting *self, struct entry entry)
{
	struct entry *heap = self->heap;
	size_t at = 0;
	for (size_t child = 1; child < self->runs; child = 2 * at + 1) {
		child += child + 1 < self->runs && entry_is_before(&heap[child + 1], &heap[child]);
		if (!entry_is_before(&heap[child], &entry))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = entry;
}

/* ---- chunks ---- */

static struct chunk_head head_of(const struct chunk *chunk)
{
	struct chunk_head head;
	memcpy(&head, chunk->stored, sizeof head);
	return head;
}

static size_t row_bytes(const struct chunk_head *head)
{
	const size_t predictions = head->truths & KEPT_PREDICTIONS ? 1 : 0;
	return sizeof(struct monitor_moment) + (head->truths & KEPT_REQUESTS ? sizeof(struct drift_request) : 0) +
	       ((size_t)head->numbers + head->classes + head->errors + predictions) * sizeof(double);
}

static size_t segment_room(const struct chunk_head *head)
{
	return (head->segment + sizeof(double) - 1) / sizeof(double) * sizeof(double);
}

static size_t chunk_bytes(const struct chunk_head *head)
{
	return sizeof *head + segment_room(head) + head->count * row_bytes(head);
}

static const char *chunk_row(const struct chunk *chunk, const struct chunk_head *head, uint64_t row)
{
	return chunk->stored + sizeof *head + segment_room(head) + (row - head->first) * row_bytes(head);
}

static struct chunk *chunk_make(struct drift_waiting *self, size_t bytes, struct error *error)
{
	struct chunk *chunk = memory_take_raw(sizeof *chunk + bytes);
	if (!chunk) {
		error_memory(error, ERROR_LIMIT, "keeping rows that wait");
		return NULL;
	}
	*chunk = (struct chunk){.before = self->newest, .number = UINT64_MAX, .bytes = bytes};
	*(self->newest ? &self->newest->next : &self->oldest) = chunk;
	self->newest = chunk;
	self->bytes += bytes;
	return chunk;
}

static struct entry entry_of(struct chunk *chunk, const struct chunk_head *head, uint64_t row, uint64_t end)
{
	struct monitor_moment moment;
	memcpy(&moment, chunk_row(chunk, head, row), sizeof moment);
	return (struct entry){moment.time_ms, moment.partition, row, end, chunk};
}

/* Takes the first row out of the order; its chunk has that head. */
static void first_drop(struct drift_waiting *self, const struct chunk_head *head)
{
	const struct entry first = self->heap[0];
	self->count--;
	if (first.row + 1 < first.end)
		heap_replace(self, entry_of(first.chunk, head, first.row + 1, first.end));
	else if (--self->runs > 0)
		heap_replace(self, self->heap[self->runs]);
}

static struct entry last_taken(const struct drift_waiting *self)
{
	return (struct entry){.time_ms = self->head.taken_ms, .partition = self->head.taken_partition, .row = self->head.taken_row};
}

static bool run_put(struct drift_waiting *self, const struct entry *run, struct error *error)
{
	const uint64_t rows = run->end - run->row;
	if (rows == 0)
		return true;
	if (!heap_put(self, *run, error))
		return false;
	self->count += rows;
	run->chunk->waits += rows;
	return true;
}

/* Adds the rows of a chunk to the order, but those that were taken. */
static bool chunk_list(struct drift_waiting *self, struct chunk *chunk, bool fresh, struct error *error)
{
	const struct chunk_head head = head_of(chunk);
	const struct entry taken = last_taken(self);
	struct entry run = {0}, before = {0};
	for (uint64_t row = head.first; row < head.first + head.count; row++) {
		const struct entry entry = entry_of(chunk, &head, row, row + 1);
		if (!fresh && !entry_is_before(&taken, &entry))
			continue;
		if (run.chunk && run.end == row && entry_is_before(&before, &entry)) {
			run.end++;
		} else {
			if (!run_put(self, &run, error))
				return false;
			run = entry;
		}
		before = entry;
	}
	return run_put(self, &run, error);
}

static char *double_put(char *to, double value)
{
	memcpy(to, &value, sizeof value);
	return to + sizeof value;
}

static void row_put(const struct drift_rows *rows, size_t at, char *to)
{
	const struct drift_chances *chances = &rows->chances;
	memcpy(to, &rows->moments[at], sizeof *rows->moments);
	memcpy(to + sizeof *rows->moments, rows->values + at * rows->numbers, rows->numbers * sizeof(double));
	to += sizeof *rows->moments + rows->numbers * sizeof(double);
	for (size_t i = 0; chances->tensor && i < chances->classes; i++)
		to = double_put(to, tensor_number(chances->tensor, (rows->chance + at) * chances->classes + i));
	if (chances->errors)
		to = double_put(to, tensor_number(chances->errors, rows->chance + at));
	if (rows->requests && chances->predictions)
		to = double_put(to, tensor_number(chances->predictions, rows->chance + at));
	if (rows->requests)
		memcpy(to, &rows->requests[at], sizeof *rows->requests);
}

static uint32_t truths_kept(const struct drift_rows *rows)
{
	if (!rows->requests)
		return 0;
	return rows->chances.predictions ? KEPT_REQUESTS | KEPT_PREDICTIONS : KEPT_REQUESTS;
}

bool drift_waiting_add(struct drift_waiting *waiting, const struct drift_rows *rows, struct error *error)
{
	struct chunk_head head = {.numbers = (uint32_t)rows->numbers,
				  .classes = rows->chances.tensor ? (uint32_t)rows->chances.classes : 0,
				  .errors = rows->chances.errors != NULL,
				  .segment = (uint32_t)rows->segment.length,
				  .truths = truths_kept(rows)};
	const size_t most = CHUNK_BYTES_MAX / row_bytes(&head) > 0 ? CHUNK_BYTES_MAX / row_bytes(&head) : 1;
	for (size_t done = 0; done < rows->count; done += head.count) {
		head.first = waiting->head.came;
		head.count = (uint32_t)(rows->count - done < most ? rows->count - done : most);
		struct chunk *chunk = chunk_make(waiting, chunk_bytes(&head), error);
		if (!chunk)
			return false;
		memset(chunk->stored + sizeof head, 0, segment_room(&head));
		memcpy(chunk->stored, &head, sizeof head);
		if (rows->segment.length > 0)
			memcpy(chunk->stored + sizeof head, rows->segment.bytes, rows->segment.length);
		for (uint32_t i = 0; i < head.count; i++)
			row_put(rows, done + i, chunk->stored + (chunk_row(chunk, &head, head.first + i) - chunk->stored));
		waiting->head.came += head.count;
		if (!chunk_list(waiting, chunk, true, error))
			return false;
	}
	return true;
}

/* ---- taking ---- */

static bool chunk_is_gone(struct drift_waiting *self, struct chunk *chunk, struct error *error)
{
	if (chunk->number != UINT64_MAX) {
		uint64_t *gone = memory_grow(self->gone, self->gone_count, &self->gone_room, 64, sizeof *gone);
		if (!gone)
			return error_memory(error, ERROR_LIMIT, "keeping rows that wait");
		self->gone = gone;
		gone[self->gone_count++] = chunk->number;
	}
	chunk_drop(self, chunk);
	return true;
}

/* Whether the next row in the order can be taken with others of that head. */
static bool next_fits(const struct drift_waiting *self, int64_t horizon_ms, const struct chunk_head *alike, const char *segment)
{
	const struct entry taken = last_taken(self);
	if (self->count == 0 ||
	    (self->heap[0].time_ms >= horizon_ms && horizon_ms != INT64_MAX && !entry_is_before(&self->heap[0], &taken)))
		return false;
	if (!alike)
		return true;
	const struct chunk_head head = head_of(self->heap[0].chunk);
	return head.numbers == alike->numbers && head.classes == alike->classes && head.errors == alike->errors &&
	       head.truths == alike->truths && head.segment == alike->segment &&
	       memcmp(self->heap[0].chunk->stored + sizeof head, segment, head.segment) == 0;
}

/* Rows that are being taken, in an arena. */
struct taking {
	struct monitor_moment *moments;
	double *values, *chances, *errors, *predictions;
	struct drift_request *requests;
};

static void taking_put(const struct taking *taking, const struct chunk_head *head, const char *row, size_t at)
{
	memcpy(&taking->moments[at], row, sizeof *taking->moments);
	row += sizeof *taking->moments;
	memcpy(taking->values + at * head->numbers, row, head->numbers * sizeof(double));
	row += head->numbers * sizeof(double);
	memcpy(taking->chances + at * head->classes, row, head->classes * sizeof(double));
	row += head->classes * sizeof(double);
	memcpy(taking->errors + at, row, head->errors * sizeof(double));
	row += head->errors * sizeof(double);
	if (head->truths & KEPT_PREDICTIONS) {
		memcpy(taking->predictions + at, row, sizeof(double));
		row += sizeof(double);
	}
	if (head->truths & KEPT_REQUESTS)
		memcpy(taking->requests + at, row, sizeof *taking->requests);
}

static const struct tensor *taken_tensor(struct arena *arena, const double *numbers, size_t rows, size_t columns)
{
	struct tensor *tensor = ARENA_NEW(arena, struct tensor);
	int64_t *shape = ARENA_ARRAY(arena, int64_t, 2);
	if (!tensor || !shape)
		return NULL;
	shape[0] = (int64_t)rows;
	shape[1] = (int64_t)columns;
	*tensor = (struct tensor){.name = TEXT("taken"),
				  .datatype = DATATYPE_FP64,
				  .rank = 2,
				  .shape = shape,
				  .count = rows * columns,
				  .data = numbers};
	return tensor;
}

static void taken_note(struct drift_waiting *self, const struct entry *entry)
{
	const struct entry taken = last_taken(self);
	if (!entry_is_before(&taken, entry))
		return;
	self->head.taken_ms = entry->time_ms;
	self->head.taken_partition = entry->partition;
	self->head.taken_row = entry->row;
}

static void taken_forget(struct waiting_head *head)
{
	head->taken_ms = head->taken_partition = INT64_MIN;
	head->taken_row = 0;
}

bool drift_waiting_take(struct drift_waiting *waiting, int64_t horizon_ms, size_t most, struct arena *arena,
			const struct drift_estimate_options *estimate, struct drift_rows *rows, struct error *error)
{
	if (most == 0 || !next_fits(waiting, horizon_ms, NULL, NULL))
		return false;
	most = most < waiting->count ? most : waiting->count;
	most = most < TAKEN_TOGETHER_MOST ? most : TAKEN_TOGETHER_MOST;
	const struct chunk_head head = head_of(waiting->heap[0].chunk);
	const struct taking taking = {ARENA_ARRAY_RAW(arena, struct monitor_moment, most),
				      ARENA_ARRAY_RAW(arena, double, most *head.numbers + 1),
				      ARENA_ARRAY_RAW(arena, double, most *head.classes + 1),
				      ARENA_ARRAY_RAW(arena, double, most),
				      ARENA_ARRAY_RAW(arena, double, most),
				      ARENA_ARRAY_RAW(arena, struct drift_request, most)};
	char *segment = arena_copy(arena, waiting->heap[0].chunk->stored + sizeof head, head.segment);
	*rows = (struct drift_rows){.segment = {segment, head.segment},
				    .numbers = head.numbers,
				    .values = taking.values,
				    .moments = taking.moments,
				    .chances = {.options = estimate, .classes = head.classes}};
	if (arena_failed(arena))
		return error_memory(error, ERROR_LIMIT, "taking rows that waited");
	while (rows->count < most && next_fits(waiting, horizon_ms, &head, segment)) {
		const struct entry entry = waiting->heap[0];
		const struct chunk_head own = head_of(entry.chunk);
		first_drop(waiting, &own);
		taking_put(&taking, &head, chunk_row(entry.chunk, &own, entry.row), rows->count++);
		taken_note(waiting, &entry);
		if (--entry.chunk->waits == 0 && !chunk_is_gone(waiting, entry.chunk, error))
			return false;
	}
	rows->chances.tensor = head.classes ? taken_tensor(arena, taking.chances, rows->count, head.classes) : NULL;
	rows->chances.errors = head.errors ? taken_tensor(arena, taking.errors, rows->count, 1) : NULL;
	rows->chances.predictions = head.truths & KEPT_PREDICTIONS ? taken_tensor(arena, taking.predictions, rows->count, 1) : NULL;
	rows->requests = head.truths & KEPT_REQUESTS ? taking.requests : NULL;
	if (waiting->count == 0)
		taken_forget(&waiting->head);
	return !arena_failed(arena) || error_memory(error, ERROR_LIMIT, "taking rows that waited");
}

/* ---- the state ---- */

static struct text numbered_key(const char *name, uint64_t number, char bytes[KEY_BYTES])
{
	const int length = snprintf(bytes, KEY_BYTES, "%s/%llu", name, (unsigned long long)number);
	return (struct text){bytes, (size_t)length};
}

static bool chunk_is_whole(struct text stored)
{
	struct chunk_head head;
	if (stored.length < sizeof head)
		return false;
	memcpy(&head, stored.bytes, sizeof head);
	return stored.length == chunk_bytes(&head);
}

static bool chunks_read(struct drift_waiting *self, struct visit *visit, struct error *error)
{
	char bytes[KEY_BYTES];
	struct text stored;
	for (uint64_t number = self->head.first; number < self->head.next; number++) {
		if (!visit_recall(visit, numbered_key("waiting", number, bytes), &stored) || !chunk_is_whole(stored))
			continue;
		struct chunk *chunk = chunk_make(self, stored.length, error);
		if (!chunk)
			return false;
		chunk->number = number;
		memcpy(chunk->stored, stored.bytes, stored.length);
		if (!chunk_list(self, chunk, false, error) || (chunk->waits == 0 && !chunk_is_gone(self, chunk, error)))
			return false;
	}
	return true;
}

static void watermarks_read(struct drift_waiting *self, struct visit *visit)
{
	struct watermarks *watermarks = &self->watermarks;
	char bytes[KEY_BYTES];
	struct text stored;
	watermarks_begin(watermarks, self->head.window_ms);
	watermarks->clock_ms = self->head.clock_ms;
	watermarks->passed_ms = self->head.passed_ms;
	watermarks->resets = self->head.resets;
	for (uint64_t i = 0; i < self->head.watermarks && i < WATERMARKS_MAX; i++)
		if (visit_recall(visit, numbered_key("watermark", i, bytes), &stored) && stored.length == sizeof(struct watermark))
			memcpy(&watermarks->items[watermarks->count++], stored.bytes, sizeof(struct watermark));
}

bool drift_waiting_bring(struct drift_waiting *waiting, struct visit *visit, uint64_t identity, int64_t window_ms,
			 struct error *error)
{
	struct waiting_head head = {0};
	struct text stored;
	if (visit_recall(visit, TEXT("watermarks"), &stored) && stored.length == sizeof head)
		memcpy(&head, stored.bytes, sizeof head);
	const bool ours = head.version == WAITING_VERSION && head.identity == identity && head.window_ms == window_ms;
	if (waiting->known && ours && head.visits == waiting->head.visits)
		return true;
	waiting_clear(waiting);
	if (!ours) {
		const struct waiting_head begun = {.version = WAITING_VERSION,
						   .identity = identity,
						   .visits = head.visits,
						   .window_ms = window_ms,
						   .first = head.next,
						   .next = head.next};
		const uint64_t from = head.version == WAITING_VERSION ? head.first : head.next;
		char bytes[KEY_BYTES];
		for (uint64_t i = from; i < head.next; i++)
			if (visit_recall(visit, numbered_key("waiting", i, bytes), &stored) &&
			    !visit_forget(visit, numbered_key("waiting", i, bytes), error))
				return false;
		head = begun;
		taken_forget(&head);
	}
	waiting->head = head;
	watermarks_read(waiting, visit);
	waiting->known = chunks_read(waiting, visit, error);
	return waiting->known;
}

static bool watermarks_keep(struct drift_waiting *self, struct visit *visit, struct error *error)
{
	char bytes[KEY_BYTES];
	for (size_t i = 0; i < self->watermarks.count; i++) {
		struct watermark *watermark = &self->watermarks.items[i];
		if (!watermark->changed)
			continue;
		watermark->changed = false;
		void *stored = visit_remember(visit, numbered_key("watermark", i, bytes), sizeof *watermark, error);
		if (!stored)
			return false;
		memcpy(stored, watermark, sizeof *watermark);
	}
	return true;
}

static bool chunks_keep(struct drift_waiting *self, struct visit *visit, struct error *error)
{
	char bytes[KEY_BYTES];
	for (size_t i = 0; i < self->gone_count; i++)
		if (!visit_forget(visit, numbered_key("waiting", self->gone[i], bytes), error))
			return false;
	self->gone_count = 0;
	struct chunk *chunk = self->newest;
	while (chunk && chunk->number == UINT64_MAX && chunk->before && chunk->before->number == UINT64_MAX)
		chunk = chunk->before;
	for (; chunk && chunk->number == UINT64_MAX; chunk = chunk->next) {
		void *stored = visit_remember(visit, numbered_key("waiting", self->head.next, bytes), chunk->bytes, error);
		if (!stored)
			return false;
		memcpy(stored, chunk->stored, chunk->bytes);
		chunk->number = self->head.next++;
	}
	return true;
}

bool drift_waiting_keep(struct drift_waiting *waiting, struct visit *visit, struct error *error)
{
	const struct watermarks *watermarks = &waiting->watermarks;
	waiting->known = false;
	if (!chunks_keep(waiting, visit, error) || !watermarks_keep(waiting, visit, error))
		return false;
	struct waiting_head *head = &waiting->head;
	head->first = waiting->oldest ? waiting->oldest->number : head->next;
	head->visits++;
	head->clock_ms = watermarks->clock_ms;
	head->passed_ms = watermarks->passed_ms;
	head->resets = watermarks->resets;
	head->watermarks = watermarks->count;
	struct waiting_head *stored = visit_remember(visit, TEXT("watermarks"), sizeof *stored, error);
	if (!stored)
		return false;
	*stored = *head;
	waiting->known = true;
	return true;
}
