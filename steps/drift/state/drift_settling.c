/* drift_settling.c: see drift_settling.h. */
#include "steps/drift/state/drift_settling.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "message/rows.h"
#include "steps/drift/state/drift_window_state.h"

#define SETTLING_VERSION 1
#define CLOSED_VERSION 2
#define CHUNK_ROWS 1024		/* 32 KiB */
#define TRUTHS_TURN_MAX 1024 /* truths that one visit forgets */
#define NS_PER_MS 1000000

/* Before a chunk's rows. */
struct settling_chunk {
	uint64_t before; /* the chunk before it of the same window; 0: there is none */
	uint64_t count;
};

/* Before the name of its segment, under `closed/NUMBER`. */
struct closed_head {
	uint64_t version, identity, window, messages, last, unkept;
	int64_t begin_ms, end_ms, due_ms;
	uint32_t segment, is_dropped;
};

/* Under `arrived/NUMBER`. */
struct truth_arrival {
	uint64_t request;
	uint64_t needed; /* the number of the last closed window that may need it */
	uint64_t bytes;
	int64_t time_ms; /* of its arrival */
};

/* Before a truth's numbers, under `truth/REQUEST`. */
struct truth_head {
	double accuracy;
	uint64_t count;
};

/* Under `settled`: of the first closed window, as long as not all of its rows are counted. */
struct settled_part {
	uint64_t number, truths, unfit;
	char realised[DRIFT_REALISED_BYTES];
	uint64_t ranked; /* how many entries `ranked/NUMBER` there are, from 0: rows for its AUC */
};

/* ---- keys ---- */

static struct text number_key(const char *prefix, uint64_t number, char bytes[DRIFT_KEY_BYTES])
{
	const int length = snprintf(bytes, DRIFT_KEY_BYTES, "%s/%" PRIx64, prefix, number);
	return (struct text){bytes, (size_t)length};
}

static struct text open_key(struct text segment, char bytes[DRIFT_KEY_BYTES])
{
	static const struct text prefix = {"awaited/", 8};
	memcpy(bytes, prefix.bytes, prefix.length);
	if (segment.length > 0)
		memcpy(bytes + prefix.length, segment.bytes, segment.length);
	return (struct text){bytes, prefix.length + segment.length};
}

static bool struct_recall(struct visit *visit, struct text key, void *into, size_t size)
{
	struct text stored;
	if (!visit_recall(visit, key, &stored) || stored.length != size)
		return false;
	memcpy(into, stored.bytes, size);
	return true;
}

static bool struct_remember(struct visit *visit, struct text key, const void *from, size_t size, struct error *error)
{
	void *stored = visit_remember(visit, key, size, error);
	if (stored)
		memcpy(stored, from, size);
	return stored != NULL;
}

/* ---- rows of open windows ---- */

static bool open_recall(struct visit *visit, struct text key, struct settling_open *open)
{
	*open = (struct settling_open){0};
	return struct_recall(visit, key, open, sizeof *open);
}

static bool head_recall(struct visit *visit, struct settling_head *head)
{
	return struct_recall(visit, TEXT("settling"), head, sizeof *head) && head->version == SETTLING_VERSION;
}

void drift_settling_begin(struct drift_settling *settling, struct visit *visit, const struct drift_estimate_options *options,
			  bool segmented)
{
	const int64_t passed_ms = visit_message(visit)->passed_ms;
	*settling = (struct drift_settling){
		.options = options, .wait_ms = drift_outcome_ns(options) / NS_PER_MS, .segmented = segmented};
	struct settling_head *head = &settling->head;
	const bool is_stored = head_recall(visit, head);
	settling->is_removed = settling->wait_ms == 0 && is_stored;
	if (!is_stored)
		*head = (struct settling_head){.version = SETTLING_VERSION, .chunks = 1};
	if (passed_ms > head->clock_ms)
		head->clock_ms = passed_ms;
}

static bool rows_store(struct drift_settling *settling, struct visit *visit, struct error *error)
{
	char bytes[DRIFT_KEY_BYTES];
	if (settling->count == 0)
		return true;
	const struct settling_chunk head = {settling->open.last, settling->count};
	char *stored = visit_remember(visit, number_key("settle", settling->head.chunks, bytes),
				      sizeof head + settling->count * sizeof *settling->rows, error);
	if (!stored)
		return false;
	memcpy(stored, &head, sizeof head);
	memcpy(stored + sizeof head, settling->rows, settling->count * sizeof *settling->rows);
	settling->open.last = settling->head.chunks++;
	settling->head.rows += settling->count;
	settling->count = 0;
	settling->changed = settling->open_changed = true;
	return true;
}

bool drift_settling_add(struct drift_settling *settling, struct visit *visit, const struct drift_chances *chances, size_t row,
			const struct drift_request *request, struct error *error)
{
	const struct drift_prediction prediction = drift_prediction_of(chances, row);
	settling->added++;
	if (settling->wait_ms == 0 || !drift_prediction_counts(&prediction))
		return true;
	if (prediction.classes > SETTLING_CLASSES_MAX || settling->head.rows + settling->count >= SETTLING_ROWS_MOST) {
		settling->open.unkept++;
		settling->open_changed = true;
		return true;
	}
	if (settling->count == CHUNK_ROWS && !rows_store(settling, visit, error))
		return false;
	if (!settling->rows)
		settling->rows = ARENA_ARRAY(visit_arena(visit), struct settling_row, CHUNK_ROWS);
	if (!settling->rows)
		return error_memory(error, ERROR_LIMIT, "keeping rows that wait for truths");
	settling->rows[settling->count++] =
		(struct settling_row){.request = request->request,
				      .row = (uint32_t)request->row,
				      .class = (uint16_t)prediction.class,
				      .classes = (uint16_t)prediction.classes,
				      .first = prediction.classes > 0 ? prediction.chance : prediction.expected,
				      .second = prediction.predicted};
	return true;
}

/* ---- windows ---- */

static bool closed_put(struct drift_settling *settling, struct visit *visit, struct closed_head head, struct text segment,
		       struct error *error)
{
	char bytes[DRIFT_KEY_BYTES];
	head.version = CLOSED_VERSION;
	head.last = settling->open.last;
	head.unkept = settling->open.unkept;
	head.due_ms = settling->head.clock_ms + settling->wait_ms;
	head.segment = (uint32_t)segment.length;
	char *stored =
		visit_remember(visit, number_key("closed", settling->head.closed, bytes), sizeof head + segment.length, error);
	if (!stored)
		return false;
	memcpy(stored, &head, sizeof head);
	if (segment.length > 0)
		memcpy(stored + sizeof head, segment.bytes, segment.length);
	settling->head.closed++;
	settling->open.last = settling->open.unkept = 0;
	settling->changed = settling->open_changed = true;
	return true;
}

/* Its chunks are deleted as those of a window that settles, but it has no record. */
static bool open_drop(struct drift_settling *settling, struct visit *visit, struct text segment, struct error *error)
{
	settling->count = 0;
	settling->open_changed = settling->open_changed || settling->open.unkept > 0;
	settling->open.unkept = 0;
	return settling->open.last == 0 || closed_put(settling, visit, (struct closed_head){.is_dropped = true}, segment, error);
}

bool drift_settling_enter(struct drift_settling *settling, struct visit *visit, struct text segment, uint64_t identity,
			  uint64_t window, struct error *error)
{
	char bytes[DRIFT_KEY_BYTES];
	if (settling->wait_ms == 0)
		return !settling->is_removed || drift_settling_forget(settling, visit, segment, error);
	settling->open_changed = false;
	(void)open_recall(visit, open_key(segment, bytes), &settling->open);
	const bool is_other = settling->open.identity != identity || settling->open.window != window;
	if (is_other && !open_drop(settling, visit, segment, error))
		return false;
	settling->open.identity = identity;
	settling->open.window = window;
	return true;
}

bool drift_settling_drop(struct drift_settling *settling, struct visit *visit, struct text segment, struct error *error)
{
	return settling->wait_ms == 0 || open_drop(settling, visit, segment, error);
}

bool drift_settling_forget(struct drift_settling *settling, struct visit *visit, struct text segment, struct error *error)
{
	char bytes[DRIFT_KEY_BYTES];
	const struct text key = open_key(segment, bytes);
	if (!open_recall(visit, key, &settling->open))
		return true;
	return open_drop(settling, visit, segment, error) && visit_forget(visit, key, error);
}

bool drift_settling_close(struct drift_settling *settling, struct visit *visit, const struct drift_score *score,
			  struct error *error)
{
	if (settling->wait_ms == 0)
		return true;
	const struct closed_head head = {.identity = score->identity,
					 .window = score->window,
					 .messages = score->messages,
					 .begin_ms = score->begin_ms,
					 .end_ms = score->end_ms};
	if (!rows_store(settling, visit, error) || !closed_put(settling, visit, head, score->segment, error))
		return false;
	settling->open.window = score->window + 1;
	return true;
}

bool drift_settling_leave(struct drift_settling *settling, struct visit *visit, struct text segment, struct error *error)
{
	char bytes[DRIFT_KEY_BYTES];
	if (settling->wait_ms == 0)
		return true;
	return rows_store(settling, visit, error) &&
	       (!settling->open_changed ||
		struct_remember(visit, open_key(segment, bytes), &settling->open, sizeof settling->open, error));
}

/* ---- truths ---- */

static bool truth_forget(struct visit *visit, uint64_t request, struct error *error)
{
	char bytes[DRIFT_KEY_BYTES];
	struct text stored;
	const struct text key = number_key("truth", request, bytes);
	return !visit_recall(visit, key, &stored) || visit_forget(visit, key, error);
}

static bool arrival_is_over(const struct drift_settling *settling, const struct truth_arrival *arrival)
{
	const struct settling_head *head = &settling->head;
	if (settling->is_removed)
		return true;
	return settling->segmented ? head->clock_ms - arrival->time_ms > settling->wait_ms + SETTLING_OPEN_MS
				   : head->first_closed > arrival->needed;
}

/* Forgets the oldest truth, and counts it if something may wait for it. */
static bool arrival_forget(struct drift_settling *settling, struct visit *visit, struct error *error)
{
	struct settling_head *head = &settling->head;
	char bytes[DRIFT_KEY_BYTES];
	struct truth_arrival arrival;
	const struct text key = number_key("arrived", head->first_arrival++, bytes);
	settling->changed = true;
	if (!struct_recall(visit, key, &arrival, sizeof arrival))
		return true;
	settling->forgotten += !arrival_is_over(settling, &arrival);
	head->truth_bytes -= arrival.bytes < head->truth_bytes ? arrival.bytes : head->truth_bytes;
	return truth_forget(visit, arrival.request, error) && visit_forget(visit, key, error);
}

/* Forgets truths that nothing waits for, and the oldest of too many. */
static bool arrivals_forget_over(struct drift_settling *settling, struct visit *visit, struct error *error)
{
	const struct settling_head *head = &settling->head;
	for (size_t i = 0; i < TRUTHS_TURN_MAX && head->first_arrival < head->arrivals; i++) {
		char bytes[DRIFT_KEY_BYTES];
		struct truth_arrival arrival;
		const bool waits =
			struct_recall(visit, number_key("arrived", head->first_arrival, bytes), &arrival, sizeof arrival) &&
			!arrival_is_over(settling, &arrival);
		if (waits && head->arrivals - head->first_arrival <= SETTLING_TRUTHS_MAX)
			return true;
		if (!arrival_forget(settling, visit, error))
			return false;
	}
	return true;
}

/* Forgets the oldest truths until the others have at most so many bytes. */
static bool arrivals_shrink(struct drift_settling *settling, struct visit *visit, uint64_t bytes, struct error *error)
{
	const struct settling_head *head = &settling->head;
	while (head->truth_bytes > bytes && head->first_arrival < head->arrivals)
		if (!arrival_forget(settling, visit, error))
			return false;
	return true;
}

/* False: the state has no space for it, and is as it was. */
static bool truth_store(struct drift_settling *settling, struct visit *visit, const struct truth_link *truth, uint64_t cost)
{
	char bytes[DRIFT_KEY_BYTES], truth_bytes[DRIFT_KEY_BYTES];
	struct error error = {0};
	const struct truth_head head = {truth->accuracy, truth->count};
	const struct truth_arrival arrival = {truth->request, settling->head.closed + 1, cost, settling->head.clock_ms};
	const struct text key = number_key("arrived", settling->head.arrivals, bytes);
	if (!struct_remember(visit, key, &arrival, sizeof arrival, &error))
		return false;
	char *to = visit_remember(visit, number_key("truth", truth->request, truth_bytes),
				  sizeof head + truth->count * sizeof(double), &error);
	if (!to) {
		(void)visit_forget(visit, key, &error);
		return false;
	}
	memcpy(to, &head, sizeof head);
	if (truth->count > 0)
		memcpy(to + sizeof head, truth->numbers, truth->count * sizeof(double));
	settling->head.arrivals++;
	settling->head.truth_bytes += cost;
	settling->changed = true;
	return true;
}

bool drift_settling_truth_add(struct drift_settling *settling, struct visit *visit, const struct truth_link *truth,
			      struct error *error)
{
	char bytes[DRIFT_KEY_BYTES];
	struct text stored;
	const uint64_t cost = SETTLING_TRUTH_BYTES + truth->count * sizeof(double);
	if (settling->wait_ms == 0 || truth_link_is_of_time(truth) || truth->count > TRUTH_NUMBERS_MAX ||
	    visit_recall(visit, number_key("truth", truth->request, bytes), &stored))
		return true;
	if (!arrivals_shrink(settling, visit, SETTLING_TRUTH_BYTES_MAX - cost, error))
		return false;
	if (truth_store(settling, visit, truth, cost))
		return true;
	settling->forgotten++;
	return arrivals_shrink(settling, visit, settling->head.truth_bytes / 2, error);
}

/* False: it is not known, or has no number for that row. */
static bool truth_find(struct visit *visit, uint64_t request, uint32_t row, double *accuracy, double *number)
{
	char bytes[DRIFT_KEY_BYTES];
	struct truth_head head;
	struct text stored;
	if (!visit_recall(visit, number_key("truth", request, bytes), &stored) || stored.length < sizeof head)
		return false;
	memcpy(&head, stored.bytes, sizeof head);
	*accuracy = head.accuracy;
	*number = (double)NAN;
	if (row < head.count && head.count <= (stored.length - sizeof head) / sizeof(double))
		memcpy(number, stored.bytes + sizeof head + row * sizeof(double), sizeof(double));
	return true;
}

/* ---- settling ---- */

static void row_count(const struct drift_settling *settling, struct visit *visit, const struct settling_row *row,
		      struct settled_window *settled)
{
	const bool of_classes = row->classes > 0;
	const struct drift_prediction prediction = {.classes = row->classes,
						    .class = row->class,
						    .chance = of_classes ? row->first : (double)NAN,
						    .expected = of_classes ? (double)NAN : row->first,
						    .predicted = row->second};
	double accuracy, number;
	if (!truth_find(visit, row->request, row->row, &accuracy, &number))
		return;
	const bool fits =
		drift_realised_add_prediction(&settled->realised, &prediction, settling->options->threshold, accuracy, number);
	settled->truths += fits;
	settled->unfit += !fits;
}

/* Counts the rows of a chunk, and deletes it. `before` is set to the chunk before it; 0: there is none. */
static bool chunk_count(struct drift_settling *settling, struct visit *visit, const struct closed_head *closed, uint64_t number,
			struct settled_window *settled, size_t *budget, uint64_t *before, struct error *error)
{
	char bytes[DRIFT_KEY_BYTES];
	struct settling_chunk head;
	struct text stored;
	const struct text key = number_key("settle", number, bytes);
	*before = 0;
	if (!visit_recall(visit, key, &stored) || stored.length < sizeof head)
		return true;
	memcpy(&head, stored.bytes, sizeof head);
	for (uint64_t i = 0; !closed->is_dropped && i < head.count; i++) {
		struct settling_row row;
		if (stored.length - sizeof head < (i + 1) * sizeof row)
			break;
		memcpy(&row, stored.bytes + sizeof head + i * sizeof row, sizeof row);
		row_count(settling, visit, &row, settled);
	}
	*before = head.before < number ? head.before : 0;
	*budget -= head.count < *budget ? head.count : *budget;
	settling->head.rows -= head.count < settling->head.rows ? head.count : settling->head.rows;
	return visit_forget(visit, key, error);
}

static bool closed_read(struct visit *visit, uint64_t number, struct closed_head *head, struct text *segment)
{
	char bytes[DRIFT_KEY_BYTES];
	struct text stored;
	if (!visit_recall(visit, number_key("closed", number, bytes), &stored) || stored.length < sizeof *head)
		return false;
	memcpy(head, stored.bytes, sizeof *head);
	*segment = text_from(stored, sizeof *head);
	return head->version == CLOSED_VERSION && segment->length == head->segment;
}

static bool part_recall(struct visit *visit, struct settled_part *part)
{
	*part = (struct settled_part){0};
	return struct_recall(visit, TEXT("settled"), part, sizeof *part);
}

/* What was counted of the window in visits before. False: it begins to settle. */
static bool part_read(struct visit *visit, uint64_t number, struct settled_window *settled)
{
	struct settled_part part;
	if (!part_recall(visit, &part) || part.number != number)
		return false;
	settled->truths = part.truths;
	settled->unfit = part.unfit;
	memcpy(&settled->realised, part.realised, sizeof part.realised);
	return true;
}

/* Stores the rows of this visit behind those of others, and sets how many such entries there are. */
static bool ranked_keep(struct visit *visit, const struct auc_rows *ranked, uint64_t *entries, struct error *error)
{
	char bytes[DRIFT_KEY_BYTES];
	const struct text rows = auc_rows_bytes(ranked);
	if (ranked->failed)
		return error_memory(error, ERROR_LIMIT, "keeping rows for the realised AUC");
	if (rows.length == 0)
		return true;
	char *stored = visit_remember(visit, number_key("ranked", *entries, bytes), rows.length, error);
	if (!stored)
		return false;
	memcpy(stored, rows.bytes, rows.length);
	++*entries;
	return true;
}

static bool part_keep(struct visit *visit, uint64_t number, const struct closed_head *head, const struct settled_window *settled,
		      struct error *error)
{
	char bytes[DRIFT_KEY_BYTES];
	const struct text key = number_key("closed", number, bytes);
	struct settled_part former;
	uint64_t entries = part_recall(visit, &former) && former.number == number ? former.ranked : 0;
	if (!ranked_keep(visit, settled->realised.ranked, &entries, error))
		return false;
	struct settled_part *part = visit_remember(visit, TEXT("settled"), sizeof *part, error);
	if (!part)
		return false;
	part->number = number;
	part->truths = settled->truths;
	part->unfit = settled->unfit;
	memcpy(part->realised, &settled->realised, sizeof part->realised);
	part->ranked = entries;
	char *stored = visit_remember(visit, key, sizeof *head + settled->segment.length, error); /* the name stays behind it */
	if (stored)
		memcpy(stored, head, sizeof *head);
	return stored != NULL;
}

/* Takes the rows that were stored in visits before, and deletes them there. */
static bool ranked_take(struct visit *visit, struct auc_rows *ranked, struct error *error)
{
	char bytes[DRIFT_KEY_BYTES];
	struct settled_part part;
	struct text stored;
	if (!part_recall(visit, &part))
		return true;
	for (uint64_t i = 0; i < part.ranked; i++) {
		const struct text key = number_key("ranked", i, bytes);
		if (!visit_recall(visit, key, &stored))
			continue;
		auc_rows_add_bytes(ranked, stored);
		if (!visit_forget(visit, key, error))
			return false;
	}
	return !ranked->failed || error_memory(error, ERROR_LIMIT, "keeping rows for the realised AUC");
}

static bool window_forget(struct drift_settling *settling, struct visit *visit, struct error *error)
{
	char bytes[DRIFT_KEY_BYTES];
	struct text stored;
	const struct text key = number_key("closed", settling->head.first_closed++, bytes);
	return (!visit_recall(visit, key, &stored) || visit_forget(visit, key, error)) &&
	       (!visit_recall(visit, TEXT("settled"), &stored) || visit_forget(visit, TEXT("settled"), error));
}

static struct settled_window *window_make(struct visit *visit, const struct closed_head *head, struct text segment)
{
	struct settled_window *settled = ARENA_NEW(visit_arena(visit), struct settled_window);
	if (settled)
		*settled = (struct settled_window){.segment = text_copied(visit_arena(visit), segment),
						   .identity = head->identity,
						   .window = head->window,
						   .messages = head->messages,
						   .unkept = head->unkept,
						   .begin_ms = head->begin_ms,
						   .end_ms = head->end_ms};
	return settled;
}

size_t drift_settling_budget(const struct drift_settling *settling)
{
	return settling->added > SETTLING_TURN_ROWS / 2 ? 2 * settling->added : SETTLING_TURN_ROWS;
}

bool drift_settling_awaits(struct visit *visit, const struct drift_estimate_options *options, struct awaited_time *awaited)
{
	struct settling_head head;
	struct closed_head first;
	struct text segment;
	if (drift_outcome_ns(options) == 0 || !head_recall(visit, &head) || head.first_closed >= head.closed)
		return false;
	const bool waits = closed_read(visit, head.first_closed, &first, &segment) && !first.is_dropped;
	*awaited = (struct awaited_time){waits ? first.due_ms : head.clock_ms, head.clock_ms};
	return true;
}

/* Whether a closed window waits, or is to be dropped. */
static bool window_waits(const struct drift_settling *settling)
{
	return (settling->wait_ms > 0 || settling->is_removed) && settling->head.first_closed < settling->head.closed;
}

/* As drift_settling_next(), with memory for the rows of a window. */
static const struct settled_window *window_next(struct drift_settling *settling, struct visit *visit, struct auc_rows *ranked,
						size_t *budget, struct error *error)
{
	struct settling_head *all = &settling->head;
	struct closed_head head;
	struct text segment;
	while (*budget > 0 && window_waits(settling)) {
		const uint64_t number = all->first_closed;
		const bool is_read = closed_read(visit, number, &head, &segment);
		head.is_dropped = is_read && (head.is_dropped || settling->is_removed);
		if (is_read && !head.is_dropped && all->clock_ms < head.due_ms && all->rows <= SETTLING_ROWS_MAX)
			return NULL;
		settling->changed = true;
		struct settled_window *settled = is_read ? window_make(visit, &head, segment) : NULL;
		if (is_read && (!settled || arena_failed(visit_arena(visit)))) {
			error_memory(error, ERROR_LIMIT, "settling a window");
			return NULL;
		}
		if (settled && !part_read(visit, number, settled))
			settling->cut_short += !head.is_dropped && all->clock_ms < head.due_ms;
		if (settled)
			settled->realised.ranked = ranked;
		ranked->count = 0;
		--*budget;
		for (uint64_t before; settled && head.last > 0 && *budget > 0; head.last = before)
			if (!chunk_count(settling, visit, &head, head.last, settled, budget, &before, error))
				return NULL;
		if (settled && head.last > 0) {
			(void)part_keep(visit, number, &head, settled, error);
			return NULL;
		}
		if (!ranked_take(visit, ranked, error) || !window_forget(settling, visit, error))
			return NULL;
		if (settled)
			drift_realised_end(&settled->realised);
		if (settled && !head.is_dropped)
			return settled;
	}
	return NULL;
}

const struct settled_window *drift_settling_next(struct drift_settling *settling, struct visit *visit, size_t *budget,
						 struct error *error)
{
	struct auc_rows ranked = {0};
	const struct settled_window *settled = window_next(settling, visit, &ranked, budget, error);
	auc_rows_close(&ranked);
	return settled;
}

/* ---- the end of a visit ---- */

bool drift_settling_end(struct drift_settling *settling, struct visit *visit, struct error *error)
{
	const struct settling_head *head = &settling->head;
	if (settling->wait_ms == 0 && !settling->is_removed)
		return true;
	if (!arrivals_forget_over(settling, visit, error))
		return false;
	if (settling->is_removed && head->rows == 0 && head->first_closed == head->closed && head->first_arrival == head->arrivals)
		return visit_forget(visit, TEXT("settling"), error);
	return !settling->changed || struct_remember(visit, TEXT("settling"), head, sizeof *head, error);
}
