/* drift_window_state.c: see drift_window_state.h. */
#include "steps/drift/state/drift_window_state.h"

#include <stddef.h>
#include <string.h>

#include "flow/state/keyed_log.h"

#define SUMS_VERSION 2
#define DETECTORS_VERSION 1
#define RECORD_BYTES_MAX 65536 /* of rows, or of a piece, so that they fit a record */
#define BINS_A_WORD 64
#define TALLY_VERSION 3
#define TALLY_KEY "segments"
#define ROW_HEAD_BYTES 16 /* of a row that comes alone: its number, and that it is one */

/* `PREFIX/SEGMENT`. */
static struct text segment_key(const char *prefix, struct text segment, char bytes[DRIFT_KEY_BYTES])
{
	const size_t before = strlen(prefix);
	memcpy(bytes, prefix, before);
	memcpy(bytes + before, segment.bytes, segment.length);
	return (struct text){bytes, before + segment.length};
}

static struct text window_key(struct text segment, char bytes[DRIFT_KEY_BYTES])
{
	return segment_key("window/", segment, bytes);
}

static struct text sums_key(struct text segment, char bytes[DRIFT_KEY_BYTES])
{
	return segment_key("estimates/", segment, bytes);
}

static struct keyed_log rows_of(struct text segment)
{
	return (struct keyed_log){.name = "rows", .group = segment};
}

static struct keyed_log detectors_of(struct text segment)
{
	return (struct keyed_log){.name = "detectors", .group = segment};
}

/* ---- the window ---- */

/* The cause of the last verdict is stored behind what follows it in memory. */
#define CAUSE_AT (offsetof(struct drift_window_state, last) + offsetof(struct last_verdict, cause))
#define CAUSE_BYTES sizeof(struct drift_cause)
#define FORMER_BYTES (sizeof(struct drift_window_state) - CAUSE_BYTES)
static_assert(offsetof(struct drift_window_state, resets) == CAUSE_AT + CAUSE_BYTES, "nothing is between them");

struct drift_window_state drift_window_begin(uint64_t identity, uint64_t window)
{
	struct drift_window_state state = {
		.version = DRIFT_WINDOW_VERSION, .identity = identity, .position = monitor_start(), .last = verdict_unknown()};
	state.position.window = window;
	return state;
}

bool drift_window_read(struct visit *visit, struct text segment, uint64_t identity, struct drift_window_state *state)
{
	char key[DRIFT_KEY_BYTES];
	struct text stored;
	*state = drift_window_begin(identity, 0);
	if (!visit_recall(visit, window_key(segment, key), &stored) ||
	    (stored.length != sizeof *state && stored.length != FORMER_BYTES))
		return false;
	memcpy(state, stored.bytes, CAUSE_AT);
	memcpy(&state->resets, stored.bytes + CAUSE_AT, FORMER_BYTES - CAUSE_AT);
	if (stored.length > FORMER_BYTES)
		memcpy(&state->last.cause, stored.bytes + FORMER_BYTES, CAUSE_BYTES);
	if (state->version == DRIFT_WINDOW_VERSION && state->identity == identity && state->position.stride > 0)
		return true;
	*state = drift_window_begin(identity, state->version == DRIFT_WINDOW_VERSION ? state->position.window : 0);
	return false;
}

bool drift_window_write(struct visit *visit, struct text segment, const struct drift_window_state *state, struct error *error)
{
	char key[DRIFT_KEY_BYTES];
	char *stored = visit_remember(visit, window_key(segment, key), sizeof *state, error);
	if (!stored)
		return false;
	memcpy(stored, state, CAUSE_AT);
	memcpy(stored + CAUSE_AT, &state->resets, FORMER_BYTES - CAUSE_AT);
	memcpy(stored + FORMER_BYTES, &state->last.cause, CAUSE_BYTES);
	return true;
}

/* Forgets the pieces from that number on. */
static bool detectors_cut(struct visit *visit, struct text segment, uint64_t from, struct error *error)
{
	const struct keyed_log pieces = detectors_of(segment);
	for (struct text piece; keyed_log_read(&pieces, visit, from, &piece); from++)
		if (!keyed_log_remove(&pieces, visit, from, error))
			return false;
	return true;
}

bool drift_window_forget_sums(struct visit *visit, struct text segment, struct error *error)
{
	char key[DRIFT_KEY_BYTES];
	return detectors_cut(visit, segment, 0, error) && keyed_value_remove(visit, sums_key(segment, key), error);
}

/* How many chunks are stored: those of the open window, and what is left of larger ones before. They have the numbers from 0. */
static uint64_t chunks_count(const struct keyed_log *rows, struct visit *visit)
{
	struct text chunk;
	uint64_t low = 0, high = 1;
	for (; keyed_log_read(rows, visit, high - 1, &chunk); high *= 2)
		low = high;
	while (low < high - 1) {
		const uint64_t middle = low + (high - low) / 2;
		if (keyed_log_read(rows, visit, middle - 1, &chunk))
			low = middle;
		else
			high = middle;
	}
	return low;
}

bool drift_window_forget(struct visit *visit, struct text segment, size_t *most, bool *gone, struct error *error)
{
	char key[DRIFT_KEY_BYTES];
	const struct keyed_log rows = rows_of(segment);
	uint64_t chunks = chunks_count(&rows, visit);
	for (; chunks > 0 && *most > 0; (*most)--)
		if (!keyed_log_remove(&rows, visit, --chunks, error))
			return false;
	*gone = chunks == 0;
	return !*gone || (keyed_value_remove(visit, window_key(segment, key), error) &&
			  drift_window_forget_sums(visit, segment, error));
}

/* ---- rows ---- */

/* Before a chunk's rows: numbers, and with online methods a struct monitor_moment behind those of each row. */
struct row_chunk_head {
	uint64_t first; /* number of the first row in the window */
	uint64_t count;
};

static size_t row_bytes(struct drift_row_form form)
{
	return form.numbers * sizeof(double) + (form.ordered ? sizeof(struct monitor_moment) : 0);
}

bool drift_window_rows_write(struct visit *visit, struct text segment, struct drift_row_form form, const double *rows,
			     const struct monitor_moment *moments, size_t count, struct drift_window_state *state,
			     struct error *error)
{
	struct keyed_log log = rows_of(segment);
	const size_t most = RECORD_BYTES_MAX / row_bytes(form) > 0 ? RECORD_BYTES_MAX / row_bytes(form) : 1;
	const uint64_t stride = state->position.stride, first = state->position.rows - count;
	log.next = state->chunks;
	for (size_t done = 0; done < count; done += most) {
		const struct row_chunk_head head = {first + done, count - done < most ? count - done : most};
		const uint64_t next = (head.first + stride - 1) / stride * stride; /* that the window keeps */
		if (next >= head.first + head.count)
			continue;
		char *to = keyed_log_append(&log, visit, sizeof head + head.count * row_bytes(form), error);
		if (!to)
			return false;
		memcpy(to, &head, sizeof head);
		to += sizeof head;
		for (uint64_t i = done; i < done + head.count; i++, to += row_bytes(form)) {
			memcpy(to, rows + i * form.numbers, form.numbers * sizeof *rows);
			if (form.ordered)
				memcpy(to + form.numbers * sizeof *rows, &moments[i], sizeof *moments);
		}
	}
	state->chunks = log.next;
	return true;
}

static bool chunk_put_back(struct text stored, struct drift_row_form form, struct monitor *monitor)
{
	struct row_chunk_head head;
	if (stored.length < sizeof head)
		return false;
	memcpy(&head, stored.bytes, sizeof head);
	if (head.count > (stored.length - sizeof head) / row_bytes(form))
		return false;
	for (uint64_t i = 0; i < head.count; i++) {
		const char *row = stored.bytes + sizeof head + i * row_bytes(form);
		struct monitor_moment moment = {0};
		if (form.ordered)
			memcpy(&moment, row + form.numbers * sizeof(double), sizeof moment);
		monitor_put_back(monitor, head.first + i, (const double *)(const void *)row, moment);
	}
	return true;
}

bool drift_window_rows_read(struct visit *visit, struct text segment, struct drift_row_form form,
			    const struct drift_window_state *state, struct monitor *monitor)
{
	const struct keyed_log log = rows_of(segment);
	struct text stored;
	for (uint64_t i = 0; i < state->chunks; i++)
		if (!keyed_log_read(&log, visit, i, &stored) || !chunk_put_back(stored, form, monitor))
			return false;
	return true;
}

/* ---- sums ---- */

/* Before the bins. */
struct sums_head {
	uint64_t version, identity, window, rows;
	struct expected_errors errors;
	uint64_t used[AUC_BINS / BINS_A_WORD]; /* bins that are stored, as bits */
};
static_assert(AUC_BINS % BINS_A_WORD == 0, "each bin has its bit");

/* A bin as it is stored. */
struct sums_bin {
	double positives, negatives;
};

static bool bin_is_used(const struct sums_head *head, size_t bin)
{
	return head->used[bin / BINS_A_WORD] >> bin % BINS_A_WORD & 1;
}

static size_t sums_bytes(const struct sums_head *head)
{
	size_t count = 0;
	for (size_t i = 0; i < AUC_BINS; i++)
		count += bin_is_used(head, i);
	return sizeof *head + count * sizeof(struct sums_bin);
}

void drift_window_sums_read(struct visit *visit, struct text segment, const struct drift_window_state *state,
			    struct drift_sums *sums)
{
	char key[DRIFT_KEY_BYTES];
	struct sums_head head;
	struct text stored;
	*sums = (struct drift_sums){0};
	if (!visit_recall(visit, sums_key(segment, key), &stored) || stored.length < sizeof head)
		return;
	memcpy(&head, stored.bytes, sizeof head);
	if (head.version != SUMS_VERSION || head.identity != state->identity || head.window != state->position.window ||
	    stored.length != sums_bytes(&head))
		return;
	sums->errors = head.errors;
	sums->auc.rows = head.rows;
	const char *from = stored.bytes + sizeof head;
	for (size_t i = 0; i < AUC_BINS; i++) {
		struct sums_bin bin;
		if (!bin_is_used(&head, i))
			continue;
		memcpy(&bin, from, sizeof bin);
		sums->auc.positives[i] = bin.positives;
		sums->auc.negatives[i] = bin.negatives;
		from += sizeof bin;
	}
}

bool drift_window_sums_write(struct visit *visit, struct text segment, const struct drift_window_state *state,
			     const struct drift_sums *sums, struct error *error)
{
	const struct auc *auc = &sums->auc;
	char key[DRIFT_KEY_BYTES];
	struct sums_head head = {SUMS_VERSION, state->identity, state->position.window, auc->rows, sums->errors, {0}};
	for (size_t i = 0; i < AUC_BINS; i++)
		if (auc->positives[i] + auc->negatives[i] > 0)
			head.used[i / BINS_A_WORD] |= (uint64_t)1 << i % BINS_A_WORD;
	char *to = visit_remember(visit, sums_key(segment, key), sums_bytes(&head), error);
	if (!to)
		return false;
	memcpy(to, &head, sizeof head);
	to += sizeof head;
	for (size_t i = 0; i < AUC_BINS; i++) {
		const struct sums_bin bin = {auc->positives[i], auc->negatives[i]};
		if (!bin_is_used(&head, i))
			continue;
		memcpy(to, &bin, sizeof bin);
		to += sizeof bin;
	}
	return true;
}

/* ---- the state of online methods ---- */

/* Before the bytes of the first piece. */
struct detectors_head {
	uint64_t version, identity, window, bytes;
};

/* All pieces, in the visit's arena. Without bytes: they are not whole. */
static struct text pieces_join(struct visit *visit, struct text segment)
{
	const struct keyed_log pieces = detectors_of(segment);
	struct detectors_head head;
	struct text piece, none = {0};
	if (!keyed_log_read(&pieces, visit, 0, &piece) || piece.length < sizeof head)
		return none;
	memcpy(&head, piece.bytes, sizeof head);
	if (head.version != DETECTORS_VERSION || head.bytes < sizeof head || head.bytes > SIZE_MAX / 2)
		return none;
	char *joined = arena_take_raw(visit_arena(visit), head.bytes);
	for (size_t i = 0, done = 0; joined && done < head.bytes; i++, done += piece.length) {
		if (!keyed_log_read(&pieces, visit, i, &piece) || piece.length == 0 || piece.length > head.bytes - done)
			return none;
		memcpy(joined + done, piece.bytes, piece.length);
	}
	return joined ? (struct text){joined, head.bytes} : none;
}

void drift_window_detectors_read(struct visit *visit, struct text segment, const struct drift_window_state *state,
				 struct monitor *monitor)
{
	struct detectors_head head = {0};
	if (!monitor_is_online(monitor))
		return;
	const struct text joined = pieces_join(visit, segment);
	if (joined.length > 0)
		memcpy(&head, joined.bytes, sizeof head);
	const bool ours = head.version == DETECTORS_VERSION && head.identity == state->identity &&
			  head.window == state->position.window;
	(void)monitor_detectors_read(monitor, ours ? text_from(joined, sizeof head) : (struct text){0});
}

bool drift_window_detectors_write(struct visit *visit, struct text segment, const struct drift_window_state *state,
				  const struct monitor *monitor, struct error *error)
{
	struct keyed_log pieces = detectors_of(segment);
	const size_t bytes = sizeof(struct detectors_head) + monitor_detectors_bytes(monitor);
	const struct detectors_head head = {DETECTORS_VERSION, state->identity, state->position.window, bytes};
	if (!monitor_is_online(monitor))
		return true;
	char *all = arena_take_raw(visit_arena(visit), bytes);
	if (!all)
		return error_memory(error, ERROR_LIMIT, "keeping the state of online methods");
	memcpy(all, &head, sizeof head);
	monitor_detectors_write(monitor, all + sizeof head);
	for (size_t done = 0; done < bytes; done += RECORD_BYTES_MAX) {
		const size_t length = bytes - done < RECORD_BYTES_MAX ? bytes - done : RECORD_BYTES_MAX;
		char *stored = keyed_log_append(&pieces, visit, length, error);
		if (!stored)
			return false;
		memcpy(stored, all + done, length);
	}
	return detectors_cut(visit, segment, pieces.next, error);
}

/* ---- segments ---- */

double drift_segments_bytes(const struct monitor_settings *settings, size_t features)
{
	const double rows = settings->window_rows > 0 ? (double)settings->window_rows : MONITOR_ROWS_KEPT;
	const bool online = settings->methods & MONITOR_ONLINE;
	const size_t head = ROW_HEAD_BYTES + (online ? sizeof(struct monitor_moment) : 0);
	const double row_bytes = (double)(features * sizeof(double) + head);
	return DRIFT_SEGMENTS_MAX * (rows * row_bytes + (online ? (double)features * MONITOR_ONLINE_BYTES : 0));
}

/* ---- the tally ---- */

void drift_tally_read(struct visit *visit, uint64_t identity, struct drift_tally *tally)
{
	*tally = (struct drift_tally){0};
	(void)keyed_value_read(visit, TEXT(TALLY_KEY), tally, sizeof *tally);
	if (tally->version != TALLY_VERSION)
		*tally = (struct drift_tally){.version = TALLY_VERSION, .identity = identity};
	if (tally->identity == identity)
		return;
	*tally = (struct drift_tally){.version = TALLY_VERSION,
				      .identity = identity,
				      .base = tally->base + tally->segments,
				      .former = tally->former};
}

bool drift_tally_keep(struct visit *visit, const struct drift_tally *tally, struct error *error)
{
	return keyed_value_write(visit, TEXT(TALLY_KEY), tally, sizeof *tally, error);
}

bool drift_tally_admit(struct drift_tally *tally, bool grouped)
{
	if (grouped && tally->segments >= DRIFT_SEGMENTS_MAX)
		return false;
	tally->segments = grouped ? tally->segments + 1 : 1;
	return true;
}

/* ---- the index ---- */

static const struct keyed_log names = {.name = "segment"};

/* The name, and behind it a zero byte: a value is not empty. */
bool drift_segment_index(struct visit *visit, uint64_t number, struct text name, struct error *error)
{
	struct text before;
	if (drift_segment_named(visit, number, &before) && text_equal(before, name))
		return true;
	char *stored = keyed_log_write(&names, visit, number, name.length + 1, error);
	if (!stored)
		return false;
	memcpy(stored, name.bytes, name.length);
	stored[name.length] = '\0';
	return true;
}

bool drift_segment_named(struct visit *visit, uint64_t number, struct text *name)
{
	struct text value;
	if (!keyed_log_read(&names, visit, number, &value) || value.length == 0)
		return false;
	*name = (struct text){arena_copy(visit_arena(visit), value.bytes, value.length - 1), value.length - 1};
	return name->bytes;
}

bool drift_segment_unindex(struct visit *visit, uint64_t number, struct error *error)
{
	return keyed_log_remove(&names, visit, number, error);
}
