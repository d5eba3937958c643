/* outlier_observer.c: see outlier_observer.h. */
#include "steps/outlier/outlier_observer.h"

#include <math.h>

#include "flow/state/keyed_log.h"
#include "message/records/slice.h"
#include "observe/verdict_board.h"
#include "steps/outlier/outlier_past.h"

#define LIST_KEY "list"
#define LIST_VERSION 1
#define NUMBER_MAX 1e150 /* the square of a larger one is beyond the range of a double */

/* What is stored under LIST_KEY, without the blocks that are not there. */
struct outlier_list {
	uint32_t version, columns; /* no columns: no row has come */
	uint64_t identity;
	uint64_t misfits; /* rows of other columns, one behind the other, that came last */
	struct covariance_past past;
};

/* Of an opened step. */
struct outlier_observer {
	const char *watched;
	struct text tensor;
	struct verdict_entry *entry; /* NULL: there is no board here */
	uint64_t identity;
	int64_t past_ms;
	bool is_shown; /* the board has what was learnt */
};

/* A visit. */
struct outlier_visit {
	struct outlier_observer *self;
	const struct step *step;
	struct visit *visit;
	struct outlier_list list;
	struct covariance_block *block; /* into which the last row went; NULL: none did */
	double *numbers;		/* of its covariance, in the state */
	bool begun;			/* a block has begun */
	struct error *error;
};

static void observer_describe(const struct step *step, struct step_facts *facts)
{
	(void)step;
	facts->share = 1;
	facts->slices = true;
}

static bool observer_reads(const struct step *step, const struct tensor *tensor)
{
	return text_is(tensor->name, ((const struct outlier *)step->options)->tensor.text);
}

static bool observer_open(struct step *step, struct error *error)
{
	const struct outlier *options = step->options;
	struct outlier_observer *self = ARENA_NEW(step->arena, struct outlier_observer);
	const char *watched = arena_copy(step->arena, step->name, strlen(step->name) - strlen(OBSERVER_SUFFIX));
	if (!self || !watched)
		return error_memory(error, ERROR_SYSTEM, "opening a step");
	*self = (struct outlier_observer){.watched = watched,
					  .tensor = text_of(options->tensor.text),
					  .entry = verdict_board_entry(step->board, step->pipeline, watched),
					  .identity = outlier_past_identity(options),
					  .past_ms = outlier_past_ms(options)};
	step->state = self;
	return self->entry || !step->board || error_memory(error, ERROR_SYSTEM, "opening a step");
}

/* ---- state ---- */

static const struct keyed_log blocks = {.name = "block"};

static size_t block_bytes(const struct outlier_visit *at)
{
	return covariance_numbers(at->list.columns) * sizeof(double);
}

static size_t list_bytes(uint64_t count)
{
	return offsetof(struct outlier_list, past.blocks) + count * sizeof(struct covariance_block);
}

static bool list_is_whole(struct text stored)
{
	struct outlier_list list;
	if (stored.length < list_bytes(0))
		return false;
	memcpy(&list, stored.bytes, list_bytes(0));
	return list.version == LIST_VERSION && list.past.count <= COVARIANCE_BLOCKS_MAX &&
	       stored.length == list_bytes(list.past.count);
}

static bool blocks_forget(struct outlier_visit *at)
{
	for (size_t i = 0; i < at->list.past.count; i++)
		if (!keyed_log_remove(&blocks, at->visit, at->list.past.blocks[i].number, at->error))
			return false;
	at->list = (struct outlier_list){.version = LIST_VERSION, .identity = at->self->identity, .past.next = at->list.past.next};
	return true;
}

/* The stored list; of another step, or of none, it begins anew. */
static bool list_read(struct outlier_visit *at)
{
	struct text stored;
	const bool found = visit_recall(at->visit, TEXT(LIST_KEY), &stored) && list_is_whole(stored);
	at->list = (struct outlier_list){0};
	if (found)
		memcpy(&at->list, stored.bytes, stored.length);
	return at->list.identity == at->self->identity || blocks_forget(at);
}

static bool list_write(struct outlier_visit *at)
{
	return keyed_value_write(at->visit, TEXT(LIST_KEY), &at->list, list_bytes(at->list.past.count), at->error);
}

/* ---- rows ---- */

static bool row_is_whole(const double *row, size_t columns)
{
	for (size_t i = 0; i < columns; i++)
		if (!(fabs(row[i]) < NUMBER_MAX))
			return false;
	return true;
}

/* The block of that time, which begins if there is none. */
static struct covariance_block *block_bring(struct outlier_visit *at, int64_t begin_ms)
{
	struct covariance_past *past = &at->list.past;
	struct covariance_block *block = covariance_past_find(past, begin_ms);
	uint64_t number;
	if (block)
		return block;
	const struct past_span span = past_clock_move(&past->clock, begin_ms, at->self->past_ms);
	while (covariance_past_expire(past, span, at->self->past_ms, &number))
		if (!keyed_log_remove(&blocks, at->visit, number, at->error))
			return NULL;
	at->block = NULL; /* blocks have moved in the list */
	at->begun = true;
	return covariance_past_begin(past, begin_ms);
}

static bool row_take(struct outlier_visit *at, const double *row, int64_t time_ms)
{
	const int64_t begin_ms = covariance_block_begin(time_ms, at->self->past_ms);
	if (!at->block || at->block->begin_ms != begin_ms) {
		struct covariance_block *block = block_bring(at, begin_ms);
		if (!block)
			return false;
		at->numbers = keyed_log_write(&blocks, at->visit, block->number, block_bytes(at), at->error);
		if (!at->numbers)
			return false;
		at->block = block;
	}
	struct covariance covariance = covariance_over(at->numbers, at->list.columns, at->block->rows);
	covariance_add(&covariance, row);
	at->block->rows = covariance.rows;
	return true;
}

/* The rows have the columns of those before, or enough others have come to begin anew with them. */
static bool columns_fit(struct outlier_visit *at, const struct row_shape *shape, bool *fit)
{
	struct outlier_list *list = &at->list;
	*fit = list->columns == 0 || list->columns == shape->columns;
	list->misfits = *fit ? 0 : list->misfits + shape->rows;
	if (!*fit && list->misfits >= COVARIANCE_ROWS_MIN) {
		if (!blocks_forget(at))
			return false;
		*fit = true;
	}
	if (*fit)
		list->columns = (uint32_t)shape->columns;
	return true;
}

/* ---- what was learnt ---- */

/* All blocks together. `whole`: the state has the numbers of each. */
static bool blocks_merge(const struct outlier_visit *at, struct covariance *merged, bool *whole)
{
	const struct covariance_past *past = &at->list.past;
	double *numbers = arena_take_raw(visit_arena(at->visit), block_bytes(at));
	if (!numbers || !covariance_open(merged, at->list.columns, visit_arena(at->visit)))
		return error_memory(at->error, ERROR_LIMIT, "learning what is usual");
	*whole = true;
	for (size_t i = 0; i < past->count && *whole; i++) {
		struct text stored;
		*whole = keyed_log_read(&blocks, at->visit, past->blocks[i].number, &stored) &&
			 stored.length == block_bytes(at);
		if (!*whole)
			break;
		memcpy(numbers, stored.bytes, stored.length);
		const struct covariance one = covariance_over(numbers, at->list.columns, past->blocks[i].rows);
		covariance_merge(merged, &one);
	}
	return true;
}

/* Puts what was learnt on the board, and lists it with the message, if it is due. */
static bool learnt_give(struct outlier_visit *at)
{
	struct outlier_observer *self = at->self;
	struct covariance_past *past = &at->list.past;
	bool whole;
	const bool due = covariance_past_is_due(past, at->list.columns, at->begun);
	if (!due && (self->is_shown || past->given == 0))
		return true;
	struct outlier_learnt *learnt = ARENA_NEW(visit_arena(at->visit), struct outlier_learnt);
	if (!learnt)
		return error_memory(at->error, ERROR_LIMIT, "learning what is usual");
	*learnt = (struct outlier_learnt){.listed.kind = LISTED_LEARNT,
					  .pipeline = at->step->pipeline,
					  .step = self->watched,
					  .identity = self->identity};
	if (!blocks_merge(at, &learnt->covariance, &whole))
		return false;
	if (!whole)
		return blocks_forget(at);
	self->is_shown = !self->entry || verdict_entry_set_outliers(self->entry, self->identity, &learnt->covariance);
	if (!due)
		return true;
	past->given = learnt->covariance.rows;
	visit_list(at->visit, &learnt->listed);
	return true;
}

/* ---- visits ---- */

static bool rows_take(struct outlier_visit *at, const struct tensor *tensor, const struct row_shape *shape, const int64_t *times_ms)
{
	const double *rows = tensor_doubles(tensor, visit_arena(at->visit));
	bool fit;
	if (!rows)
		return error_memory(at->error, ERROR_LIMIT, "learning what is usual");
	if (!list_read(at) || !columns_fit(at, shape, &fit))
		return false;
	for (size_t i = 0; fit && i < shape->rows; i++) {
		const double *row = rows + i * shape->columns;
		if (row_is_whole(row, shape->columns) &&
		    !row_take(at, row, times_ms ? times_ms[i] : visit_message(at->visit)->time_ms))
			return false;
	}
	return (!fit || learnt_give(at)) && list_write(at);
}

static enum step_verdict observer_run(struct step *step, struct visit *visit, struct error *error)
{
	struct outlier_visit at = {.self = step->state, .step = step, .visit = visit, .error = error};
	const struct tensor *tensor = tensors_find(visit_input(visit)->tensors, at.self->tensor);
	struct row_shape shape;
	size_t times = 0;
	const int64_t *times_ms = slice_times(visit_message(visit), step->name, &times);
	visit_pass(visit);
	if (!tensor || !outlier_past_fits(tensor, &shape) || shape.rows == 0 || (times_ms && times != shape.rows))
		return STEP_DONE;
	return rows_take(&at, tensor, &shape, times_ms) ? STEP_DONE : STEP_FAIL;
}

const struct step_kind step_outlier_observer = {
	.name = "outlier observer",
	.summary = "Learns what is usual for a step `outlier` from the past of its stream.",
	.options = outlier_options,
	.options_size = sizeof(struct outlier),
	.shape = SHAPE_PASSES,
	.state = &(const struct state_rules){0},
	.observes = &(const struct observer_rules){.reads = observer_reads},
	.describe = observer_describe,
	.open = observer_open,
	.run = observer_run,
};
