/* drift_row_order.c: see drift_row_order.h. */
#include "steps/drift/state/drift_row_order.h"

#include <string.h>

#include "base/memory.h"
#include "flow/state/keyed_log.h"

#define ORDER_VERSION 1
#define CHUNK_BYTES_MAX 65536 /* so that a chunk fits a record, but for a row that does not */
#define TAKEN_TOGETHER_MOST ((size_t)256) /* a message that lets few rows go does not make room for all that wait */
#define NOT_STORED UINT64_MAX

/* Stored under `watermarks`. */
struct order_head {
	uint64_t version, identity;
	uint64_t visits; /* by which the memory of an engine that wrote it is known */
	int64_t window_ms, clock_ms, passed_ms;
	uint64_t resets, watermarks;
	uint64_t first, next;		   /* numbers of chunks that may be there, from and to */
	uint64_t came;			   /* rows in all, which gives each its number */
	int64_t taken_ms, taken_partition; /* the last row that was taken, in the order */
	uint64_t taken_row;
};

static const struct keyed_log watermark_log = {.name = "watermark"}, chunk_log = {.name = "waiting"};

/* Before a chunk's rows: rows of one segment that came together. */
struct chunk_head {
	uint64_t first; /* the number of its first row */
	uint32_t count, numbers, classes, errors, segment;
	uint32_t truths; /* WITH_*: what truths are compared with */
};

#define WITH_REQUESTS 1U
#define WITH_PREDICTIONS 2U

/* A row of a chunk, field by field. */
enum row_field { ROW_MOMENT, ROW_VALUES, ROW_CHANCES, ROW_ERROR, ROW_PREDICTION, ROW_REQUEST, ROW_FIELDS };

struct chunk {
	struct chunk *next, *before;
	uint64_t number; /* in the state, or NOT_STORED */
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

struct drift_row_order {
	struct order_head head;
	struct watermarks watermarks;
	bool known; /* memory has what the state has */
	struct chunk *oldest, *newest;
	struct chunk *gone; /* of which no row waits, until that is stored */
	size_t bytes;
	size_t count; /* rows */
	struct entry *heap;
	size_t runs, room; /* its entries */
};

struct drift_row_order *row_order_open(void)
{
	return memory_take(1, sizeof(struct drift_row_order));
}

/* No row of the chunk waits any more. */
static void chunk_leave(struct drift_row_order *self, struct chunk *chunk)
{
	*(chunk->before ? &chunk->before->next : &self->oldest) = chunk->next;
	*(chunk->next ? &chunk->next->before : &self->newest) = chunk->before;
	self->bytes -= chunk->bytes;
	chunk->next = self->gone;
	self->gone = chunk;
}

static void gone_drop(struct drift_row_order *self)
{
	struct chunk *chunk = self->gone;
	self->gone = chunk->next;
	memory_give(chunk);
}

static void order_clear(struct drift_row_order *self)
{
	while (self->oldest)
		chunk_leave(self, self->oldest);
	while (self->gone)
		gone_drop(self);
	self->count = self->runs = 0;
}

void row_order_close(struct drift_row_order *order)
{
	if (!order)
		return;
	order_clear(order);
	memory_give(order->heap);
	memory_give(order);
}

struct watermarks *row_order_watermarks(struct drift_row_order *order)
{
	return &order->watermarks;
}

bool row_order_is_empty(const struct drift_row_order *order)
{
	return order->count == 0;
}

void row_order_doubt(struct drift_row_order *order)
{
	order->known = false;
}

size_t row_order_excess(const struct drift_row_order *order)
{
	const bool many = order->count > ROW_ORDER_MAX || order->bytes > ROW_ORDER_BYTES_MAX;
	return many ? order->count < ROW_ORDER_RELEASED_MOST ? order->count : ROW_ORDER_RELEASED_MOST : 0;
}

/* ---- the order ---- */

static bool entry_is_before(const struct entry *a, const struct entry *b)
{
	if (a->time_ms != b->time_ms)
		return a->time_ms < b->time_ms;
	return a->partition != b->partition ? a->partition < b->partition : a->row < b->row;
}

static bool heap_put(struct drift_row_order *self, const struct entry *entry, struct error *error)
{
	struct entry *heap = memory_grow(self->heap, self->runs, &self->room, 1024, sizeof *heap);
	if (!heap)
		return error_memory(error, ERROR_LIMIT, "keeping rows that wait");
	self->heap = heap;
	size_t at = self->runs++;
	for (; at > 0 && entry_is_before(entry, &heap[(at - 1) / 2]); at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = *entry;
	return true;
}

/* Puts it in the place of the first. */
static void heap_replace(struct drift_row_order *self, struct entry entry)
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

static struct entry last_taken(const struct drift_row_order *self)
{
	return (struct entry){.time_ms = self->head.taken_ms, .partition = self->head.taken_partition, .row = self->head.taken_row};
}

static void taken_forget(struct order_head *head)
{
	head->taken_ms = head->taken_partition = INT64_MIN;
	head->taken_row = 0;
}

/* ---- chunks ---- */

static struct chunk_head head_of(const struct chunk *chunk)
{
	struct chunk_head head;
	memcpy(&head, chunk->stored, sizeof head);
	return head;
}

static size_t field_bytes(const struct chunk_head *head, enum row_field field)
{
	switch (field) {
	case ROW_MOMENT:
		return sizeof(struct monitor_moment);
	case ROW_VALUES:
		return head->numbers * sizeof(double);
	case ROW_CHANCES:
		return head->classes * sizeof(double);
	case ROW_ERROR:
		return head->errors * sizeof(double);
	case ROW_PREDICTION:
		return head->truths & WITH_PREDICTIONS ? sizeof(double) : 0;
	default:
		return head->truths & WITH_REQUESTS ? sizeof(struct drift_request) : 0;
	}
}

static size_t row_bytes(const struct chunk_head *head)
{
	size_t bytes = 0;
	for (enum row_field field = 0; field < ROW_FIELDS; field++)
		bytes += field_bytes(head, field);
	return bytes;
}

/* Before the rows. */
static size_t chunk_begin(const struct chunk_head *head)
{
	return sizeof *head + (head->segment + sizeof(double) - 1) / sizeof(double) * sizeof(double);
}

static size_t chunk_bytes(const struct chunk_head *head)
{
	return chunk_begin(head) + head->count * row_bytes(head);
}

static size_t chunk_row(const struct chunk_head *head, uint64_t row)
{
	return chunk_begin(head) + (row - head->first) * row_bytes(head);
}

static struct chunk *chunk_make(struct drift_row_order *self, size_t bytes, struct error *error)
{
	struct chunk *chunk = memory_take_raw(sizeof *chunk + bytes);
	if (!chunk) {
		error_memory(error, ERROR_LIMIT, "keeping rows that wait");
		return NULL;
	}
	*chunk = (struct chunk){.before = self->newest, .number = NOT_STORED, .bytes = bytes};
	*(self->newest ? &self->newest->next : &self->oldest) = chunk;
	self->newest = chunk;
	self->bytes += bytes;
	return chunk;
}

static struct entry entry_of(struct chunk *chunk, const struct chunk_head *head, uint64_t row, uint64_t end)
{
	struct monitor_moment moment;
	memcpy(&moment, chunk->stored + chunk_row(head, row), sizeof moment);
	return (struct entry){moment.time_ms, moment.partition, row, end, chunk};
}

static bool run_put(struct drift_row_order *self, const struct entry *run, struct error *error)
{
	const uint64_t rows = run->end - run->row;
	if (rows == 0)
		return true;
	if (!heap_put(self, run, error))
		return false;
	self->count += rows;
	run->chunk->waits += rows;
	return true;
}

/* Adds the rows of a chunk to the order, but those that were taken. */
static bool chunk_list(struct drift_row_order *self, struct chunk *chunk, bool fresh, struct error *error)
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

static char *number_put(char *to, const struct tensor *tensor, size_t element)
{
	const double value = tensor_number(tensor, element);
	memcpy(to, &value, sizeof value);
	return to + sizeof value;
}

static void row_put(const struct drift_rows *rows, const struct chunk_head *head, size_t at, char *to)
{
	const struct drift_chances *chances = &rows->chances;
	const size_t chance = rows->chance + at;
	memcpy(to, &rows->moments[at], sizeof *rows->moments);
	to += sizeof *rows->moments;
	memcpy(to, rows->values + at * rows->numbers, rows->numbers * sizeof(double));
	to += rows->numbers * sizeof(double);
	for (size_t i = 0; i < head->classes; i++)
		to = number_put(to, chances->tensor, chance * head->classes + i);
	if (head->errors)
		to = number_put(to, chances->errors, chance);
	if (head->truths & WITH_PREDICTIONS)
		to = number_put(to, chances->predictions, chance);
	if (head->truths & WITH_REQUESTS)
		memcpy(to, &rows->requests[at], sizeof *rows->requests);
}

bool row_order_add(struct drift_row_order *order, const struct drift_rows *rows, struct error *error)
{
	struct chunk_head head = {.numbers = (uint32_t)rows->numbers,
				  .classes = rows->chances.tensor ? (uint32_t)rows->chances.classes : 0,
				  .errors = rows->chances.errors != NULL,
				  .segment = (uint32_t)rows->segment.length};
	if (rows->requests)
		head.truths = rows->chances.predictions ? WITH_REQUESTS | WITH_PREDICTIONS : WITH_REQUESTS;
	const size_t most = CHUNK_BYTES_MAX / row_bytes(&head) > 0 ? CHUNK_BYTES_MAX / row_bytes(&head) : 1;
	for (size_t done = 0; done < rows->count; done += head.count) {
		head.first = order->head.came;
		head.count = (uint32_t)(rows->count - done < most ? rows->count - done : most);
		struct chunk *chunk = chunk_make(order, chunk_bytes(&head), error);
		if (!chunk)
			return false;
		memset(chunk->stored, 0, chunk_begin(&head));
		memcpy(chunk->stored, &head, sizeof head);
		if (rows->segment.length > 0)
			memcpy(chunk->stored + sizeof head, rows->segment.bytes, rows->segment.length);
		for (uint32_t i = 0; i < head.count; i++)
			row_put(rows, &head, done + i, chunk->stored + chunk_row(&head, head.first + i));
		order->head.came += head.count;
		if (!chunk_list(order, chunk, true, error))
			return false;
	}
	return true;
}

/* ---- taking ---- */

/* Whether the next row in the order can be taken. */
static bool next_is_due(const struct drift_row_order *self, int64_t horizon_ms)
{
	const struct entry taken = last_taken(self);
	return self->count > 0 && (self->heap[0].time_ms < horizon_ms || horizon_ms == INT64_MAX ||
				   entry_is_before(&self->heap[0], &taken));
}

/* Whether it is of that segment, and has the same fields. */
static bool next_is_alike(const struct drift_row_order *self, const struct chunk_head *alike, struct text segment)
{
	const struct chunk *chunk = self->heap[0].chunk;
	const struct chunk_head head = head_of(chunk);
	return head.numbers == alike->numbers && head.classes == alike->classes && head.errors == alike->errors &&
	       head.truths == alike->truths && text_equal((struct text){chunk->stored + sizeof head, head.segment}, segment);
}

/* Takes the first row out of the order, to the place of that number among those that are taken. */
static void first_take(struct drift_row_order *self, char *const fields[ROW_FIELDS], size_t at)
{
	const struct entry first = self->heap[0], taken = last_taken(self);
	const struct chunk_head head = head_of(first.chunk);
	const char *from = first.chunk->stored + chunk_row(&head, first.row);
	for (enum row_field field = 0; field < ROW_FIELDS; field++) {
		const size_t bytes = field_bytes(&head, field);
		memcpy(fields[field] + at * bytes, from, bytes);
		from += bytes;
	}
	if (entry_is_before(&taken, &first)) {
		self->head.taken_ms = first.time_ms;
		self->head.taken_partition = first.partition;
		self->head.taken_row = first.row;
	}
	self->count--;
	if (first.row + 1 < first.end)
		heap_replace(self, entry_of(first.chunk, &head, first.row + 1, first.end));
	else if (--self->runs > 0)
		heap_replace(self, self->heap[self->runs]);
	if (--first.chunk->waits == 0)
		chunk_leave(self, first.chunk);
}

/* NULL: rows have none, or the arena is full. */
static const struct tensor *taken_tensor(struct arena *arena, const char *numbers, size_t rows, size_t columns)
{
	struct tensor *tensor = columns > 0 ? ARENA_NEW(arena, struct tensor) : NULL;
	int64_t *shape = tensor ? ARENA_ARRAY(arena, int64_t, 2) : NULL;
	if (!shape)
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

bool row_order_take(struct drift_row_order *order, int64_t horizon_ms, size_t most, struct arena *arena,
		    const struct drift_estimate_options *estimate, struct drift_rows *rows, struct error *error)
{
	if (most == 0 || !next_is_due(order, horizon_ms))
		return false;
	most = most < order->count ? most : order->count;
	most = most < TAKEN_TOGETHER_MOST ? most : TAKEN_TOGETHER_MOST;
	const struct chunk *first = order->heap[0].chunk;
	const struct chunk_head head = head_of(first);
	const struct text segment = {arena_copy(arena, first->stored + sizeof head, head.segment), head.segment};
	const bool predicted = head.truths & WITH_PREDICTIONS;
	char *fields[ROW_FIELDS];
	size_t count = 0;
	for (enum row_field field = 0; field < ROW_FIELDS; field++)
		fields[field] = arena_take_raw(arena, most * field_bytes(&head, field) + 1);
	if (arena_failed(arena))
		return error_memory(error, ERROR_LIMIT, "taking rows that waited");
	while (count < most && next_is_due(order, horizon_ms) && next_is_alike(order, &head, segment))
		first_take(order, fields, count++);
	*rows = (struct drift_rows){
		.segment = segment,
		.count = count,
		.numbers = head.numbers,
		.values = (const double *)(const void *)fields[ROW_VALUES],
		.moments = (const struct monitor_moment *)(const void *)fields[ROW_MOMENT],
		.chances = {.options = estimate,
			    .classes = head.classes,
			    .tensor = taken_tensor(arena, fields[ROW_CHANCES], count, head.classes),
			    .errors = taken_tensor(arena, fields[ROW_ERROR], count, head.errors),
			    .predictions = taken_tensor(arena, fields[ROW_PREDICTION], count, predicted)},
		.requests = head.truths & WITH_REQUESTS ? (const struct drift_request *)(const void *)fields[ROW_REQUEST] : NULL};
	if (order->count == 0)
		taken_forget(&order->head);
	return !arena_failed(arena) || error_memory(error, ERROR_LIMIT, "taking rows that waited");
}

/* ---- the state ---- */

static bool chunk_is_whole(struct text stored)
{
	struct chunk_head head;
	if (stored.length < sizeof head)
		return false;
	memcpy(&head, stored.bytes, sizeof head);
	return stored.length == chunk_bytes(&head);
}

static bool chunks_read(struct drift_row_order *self, struct visit *visit, struct error *error)
{
	struct text stored;
	for (uint64_t number = self->head.first; number < self->head.next; number++) {
		if (!keyed_log_read(&chunk_log, visit, number, &stored) || !chunk_is_whole(stored))
			continue;
		struct chunk *chunk = chunk_make(self, stored.length, error);
		if (!chunk)
			return false;
		chunk->number = number;
		memcpy(chunk->stored, stored.bytes, stored.length);
		if (!chunk_list(self, chunk, false, error))
			return false;
		if (chunk->waits == 0)
			chunk_leave(self, chunk);
	}
	return true;
}

static void watermarks_read(struct drift_row_order *self, struct visit *visit)
{
	struct watermarks *watermarks = &self->watermarks;
	watermarks_begin(watermarks, self->head.window_ms);
	watermarks->clock_ms = self->head.clock_ms;
	watermarks->passed_ms = self->head.passed_ms;
	watermarks->resets = self->head.resets;
	for (uint64_t i = 0; i < self->head.watermarks && i < WATERMARKS_MAX; i++) {
		struct text stored;
		if (keyed_log_read(&watermark_log, visit, i, &stored) && stored.length == sizeof(struct watermark))
			memcpy(&watermarks->items[watermarks->count++], stored.bytes, sizeof(struct watermark));
	}
}

/* An order that begins: what another step has left is removed. */
static bool head_begin(struct order_head *head, struct visit *visit, uint64_t identity, int64_t window_ms, struct error *error)
{
	const uint64_t from = head->version == ORDER_VERSION ? head->first : head->next;
	for (uint64_t i = from; i < head->next; i++)
		if (!keyed_log_remove(&chunk_log, visit, i, error))
			return false;
	*head = (struct order_head){.version = ORDER_VERSION,
				    .identity = identity,
				    .visits = head->visits,
				    .window_ms = window_ms,
				    .first = head->next,
				    .next = head->next};
	taken_forget(head);
	return true;
}

bool row_order_bring(struct drift_row_order *order, struct visit *visit, uint64_t identity, int64_t window_ms, struct error *error)
{
	struct order_head head = {0};
	(void)keyed_value_read(visit, TEXT("watermarks"), &head, sizeof head);
	const bool ours = head.version == ORDER_VERSION && head.identity == identity && head.window_ms == window_ms;
	if (order->known && ours && head.visits == order->head.visits)
		return true;
	order_clear(order);
	if (!ours && !head_begin(&head, visit, identity, window_ms, error))
		return false;
	order->head = head;
	watermarks_read(order, visit);
	order->known = chunks_read(order, visit, error);
	return order->known;
}

static bool watermarks_store(struct drift_row_order *self, struct visit *visit, struct error *error)
{
	for (size_t i = 0; i < self->watermarks.count; i++) {
		struct watermark *watermark = &self->watermarks.items[i];
		if (!watermark->changed)
			continue;
		watermark->changed = false;
		void *stored = keyed_log_write(&watermark_log, visit, i, sizeof *watermark, error);
		if (!stored)
			return false;
		memcpy(stored, watermark, sizeof *watermark);
	}
	return true;
}

static bool chunks_store(struct drift_row_order *self, struct visit *visit, struct error *error)
{
	for (; self->gone; gone_drop(self))
		if (self->gone->number != NOT_STORED && !keyed_log_remove(&chunk_log, visit, self->gone->number, error))
			return false;
	struct chunk *chunk = self->newest;
	while (chunk && chunk->number == NOT_STORED && chunk->before && chunk->before->number == NOT_STORED)
		chunk = chunk->before;
	for (; chunk && chunk->number == NOT_STORED; chunk = chunk->next) {
		void *stored = keyed_log_write(&chunk_log, visit, self->head.next, chunk->bytes, error);
		if (!stored)
			return false;
		memcpy(stored, chunk->stored, chunk->bytes);
		chunk->number = self->head.next++;
	}
	return true;
}

bool row_order_store(struct drift_row_order *order, struct visit *visit, struct error *error)
{
	const struct watermarks *watermarks = &order->watermarks;
	struct order_head *head = &order->head;
	order->known = false;
	if (!chunks_store(order, visit, error) || !watermarks_store(order, visit, error))
		return false;
	head->first = order->oldest ? order->oldest->number : head->next;
	head->visits++;
	head->clock_ms = watermarks->clock_ms;
	head->passed_ms = watermarks->passed_ms;
	head->resets = watermarks->resets;
	head->watermarks = watermarks->count;
	order->known = keyed_value_write(visit, TEXT("watermarks"), head, sizeof *head, error);
	return order->known;
}
