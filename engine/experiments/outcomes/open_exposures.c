/* open_exposures.c: see open_exposures.h. */
#include "experiments/outcomes/open_exposures.h"

#include <assert.h>
#include <math.h>

#include "base/hash.h"
#include "base/memory.h"

#define FORM_BYTES_MAX ((size_t)16 << 10)
#define OWN_BYTES_MAX ((size_t)4 << 20) /* far above what a record may have */
#define BLOCK_BYTES 16 /* what the heap takes for each block beside its bytes */
#define BUCKETS_AT_FIRST 1024

/* ---- packing ---- */

/* What differs between exposures, and what many have in common. */
struct exposure_rows {
	struct exposure exposure;
	size_t number_count, text_count;
	const struct exposure_feature *numbers;
	const struct exposure_text *texts;
};

static const struct record_field number_fields[] = {RECORD_ROW(REAL, struct exposure_feature, value), RECORD_END};
static const struct record_field number_names[] = {RECORD_ROW(TEXT, struct exposure_feature, name), RECORD_END};
static const struct record_field text_fields[] = {RECORD_ROW(TEXT, struct exposure_text, value), RECORD_END};
static const struct record_field text_names[] = {RECORD_ROW(TEXT, struct exposure_text, name), RECORD_END};

static const struct record_field own_fields[] = {
	RECORD_ROW(TEXT, struct exposure_rows, exposure.id),
	RECORD_ROW(TEXT, struct exposure_rows, exposure.unit),
	RECORD_ROW(INT, struct exposure_rows, exposure.origin.partition),
	RECORD_ROW(NUMBER, struct exposure_rows, exposure.origin.offset),
	RECORD_ROW(REAL, struct exposure_rows, exposure.probability),
	RECORD_ROW(REAL, struct exposure_rows, exposure.latency_ms),
	RECORD_ROW(TEXT, struct exposure_rows, exposure.prediction),
	RECORD_ROW(TEXT, struct exposure_rows, exposure.error),
	RECORD_LIST(struct exposure_rows, number_count, numbers, number_fields, struct exposure_feature),
	RECORD_LIST(struct exposure_rows, text_count, texts, text_fields, struct exposure_text),
	RECORD_END,
};

static const struct record_field form_fields[] = {
	RECORD_ROW(TEXT, struct exposure, experiment),
	RECORD_ROW(TEXT, struct exposure, variant),
	RECORD_CHOICE(struct exposure, reason, ASSIGNED_REASONS),
	RECORD_ROW(TEXT, struct exposure, versions),
	RECORD_ROW(TEXT, struct exposure, table),
	RECORD_ROW(INT, struct exposure, stage),
	RECORD_ROW(TEXT, struct exposure, layer),
	RECORD_ROW(TEXT, struct exposure, origin.topic),
	RECORD_LIST(struct exposure, feature_count, features, number_names, struct exposure_feature),
	RECORD_LIST(struct exposure, text_count, texts, text_names, struct exposure_text),
	RECORD_END,
};

/* A partition, with its exposures in the order of their offsets. */
struct source_lane {
	uint32_t source;
	int32_t partition;
	struct list exposures;
	struct source_lane *next;
};

struct bucket_index {
	struct held_exposure **heads; /* the newest of each */
	size_t buckets, count;	      /* a power of two; exposures */
};

struct open_exposures {
	size_t memory_bytes, bytes;
	size_t *used; /* by all that share the memory */
	struct list forms; /* the last one that was used is first */
	struct source_lane *lanes;
	struct bucket_index indexes[OPEN_KEYS];
	struct list windows[OPEN_WINDOWS_MAX]; /* by time, the oldest first */
	struct buffer own, shared; /* what was packed */
	struct exposure_form *form;
};

static void bytes_take(struct open_exposures *open, size_t bytes)
{
	open->bytes += bytes;
	*open->used += open->used != &open->bytes ? bytes : 0;
}

static void bytes_give(struct open_exposures *open, size_t bytes)
{
	open->bytes -= bytes;
	*open->used -= open->used != &open->bytes ? bytes : 0;
}

static size_t form_bytes(const struct exposure_form *form)
{
	return sizeof *form + form->length + BLOCK_BYTES;
}

static void forms_clean(struct open_exposures *open)
{
	for (struct list_node *node = open->forms.first, *next; node; node = next) {
		struct exposure_form *form = LIST_OWNER(node, struct exposure_form, node);
		next = node->next;
		if (form->users > 0)
			continue;
		bytes_give(open, form_bytes(form));
		list_remove(node);
		memory_give(form);
	}
}

/* NULL: memory ran out. */
static struct exposure_form *form_make(struct open_exposures *open, uint64_t hash, struct text bytes)
{
	forms_clean(open);
	struct exposure_form *form = memory_take_raw(sizeof *form + bytes.length);
	if (!form)
		return NULL;
	*form = (struct exposure_form){.hash = hash, .length = bytes.length};
	memcpy(form->bytes, bytes.bytes, bytes.length);
	bytes_take(open, form_bytes(form));
	return form;
}

static struct exposure_form *form_take(struct open_exposures *open, struct text bytes)
{
	const uint64_t hash = hash_text(bytes, 0);
	struct exposure_form *found = NULL;
	for (struct list_node *node = open->forms.first; node && !found; node = node->next) {
		struct exposure_form *form = LIST_OWNER(node, struct exposure_form, node);
		if (form->hash == hash && text_equal((struct text){form->bytes, form->length}, bytes))
			found = form;
	}
	if (!found)
		found = form_make(open, hash, bytes);
	if (found && open->forms.first != &found->node) {
		list_remove(&found->node);
		list_add_first(&open->forms, &found->node);
	}
	return found;
}

bool open_exposures_pack(struct open_exposures *open, const struct exposure *exposure, struct packed_exposure *packed)
{
	const struct exposure_rows rows = {.exposure = *exposure,
					   .number_count = exposure->feature_count,
					   .text_count = exposure->text_count,
					   .numbers = exposure->features,
					   .texts = exposure->texts};
	buffer_clear(&open->own);
	buffer_clear(&open->shared);
	if (!record_rows_encode(own_fields, &rows, &open->own) || !record_rows_encode(form_fields, exposure, &open->shared))
		return false;
	open->form = form_take(open, buffer_view(&open->shared));
	*packed = (struct packed_exposure){open->form, buffer_view(&open->own)};
	return open->form;
}

void packed_exposure_read(const struct packed_exposure *packed, int64_t time_ms, struct arena *arena, struct exposure *exposure)
{
	const struct text shared = {packed->form->bytes, packed->form->length};
	struct exposure_rows rows = {0};
	*exposure = (struct exposure){.time_ms = time_ms, .latency_ms = (double)NAN};
	if (!record_rows_decode(form_fields, shared, arena, &rows.exposure) ||
	    !record_rows_decode(own_fields, packed->own, arena, &rows))
		return;
	for (size_t i = 0; i < rows.number_count; i++)
		((struct exposure_feature *)rows.numbers)[i].name = rows.exposure.features[i].name;
	for (size_t i = 0; i < rows.text_count; i++)
		((struct exposure_text *)rows.texts)[i].name = rows.exposure.texts[i].name;
	*exposure = rows.exposure;
	exposure->time_ms = time_ms;
	exposure->features = rows.numbers;
	exposure->texts = rows.texts;
}

struct packed_exposure held_exposure_packed(const struct held_exposure *exposure)
{
	return (struct packed_exposure){exposure->form, {exposure->bytes, exposure->length}};
}

/* ---- places ---- */

static struct source_lane *lane_find(const struct open_exposures *open, uint32_t source, int32_t partition)
{
	struct source_lane *lane = open->lanes;
	while (lane && (lane->source != source || lane->partition != partition))
		lane = lane->next;
	return lane;
}

/* NULL: memory ran out. */
static struct source_lane *lane_take(struct open_exposures *open, uint32_t source, int32_t partition)
{
	struct source_lane *lane = lane_find(open, source, partition);
	if (lane || !(lane = memory_take(1, sizeof *lane)))
		return lane;
	*lane = (struct source_lane){.source = source, .partition = partition, .next = open->lanes};
	open->lanes = lane;
	return lane;
}

bool open_exposures_low(const struct open_exposures *open, uint32_t source, int32_t partition, int64_t *offset)
{
	const struct source_lane *lane = lane_find(open, source, partition);
	if (!lane || !lane->exposures.first)
		return false;
	*offset = LIST_OWNER(lane->exposures.first, struct held_exposure, in_lane)->offset;
	return true;
}

/* ---- indexes ---- */

static struct held_exposure **bucket_of(const struct open_exposures *open, enum open_key by, uint64_t key)
{
	const struct bucket_index *index = &open->indexes[by];
	return &index->heads[key & (index->buckets - 1)];
}

static void index_put(struct open_exposures *open, enum open_key by, struct held_exposure *exposure)
{
	struct held_exposure **head = bucket_of(open, by, exposure->keys[by]), *newer = NULL, *older = *head;
	for (; older && older->time_ms > exposure->time_ms; older = older->older[by])
		newer = older;
	exposure->newer[by] = newer;
	exposure->older[by] = older;
	*(newer ? &newer->older[by] : head) = exposure;
	if (older)
		older->newer[by] = exposure;
}

/* Each bucket becomes two, in the same order. Without memory for them, buckets have more exposures. */
static void index_grow(struct open_exposures *open, enum open_key by)
{
	struct bucket_index *index = &open->indexes[by];
	const size_t buckets = index->buckets;
	struct held_exposure **heads = memory_take_table(2 * buckets, sizeof *heads), *next;
	if (!heads)
		return;
	for (size_t i = 0; i < buckets; i++) {
		struct held_exposure *lasts[2] = {0};
		for (struct held_exposure *at = index->heads[i]; at; at = next) {
			const size_t half = (at->keys[by] & buckets) != 0;
			next = at->older[by];
			at->newer[by] = lasts[half];
			at->older[by] = NULL;
			*(lasts[half] ? &lasts[half]->older[by] : &heads[i + half * buckets]) = at;
			lasts[half] = at;
		}
	}
	memory_give_table(index->heads, buckets, sizeof *heads);
	bytes_take(open, buckets * sizeof *heads);
	index->heads = heads;
	index->buckets = 2 * buckets;
}

static void index_remove(struct open_exposures *open, enum open_key by, const struct held_exposure *exposure)
{
	struct held_exposure *newer = exposure->newer[by], *older = exposure->older[by];
	*(newer ? &newer->older[by] : bucket_of(open, by, exposure->keys[by])) = older;
	if (older)
		older->newer[by] = newer;
	open->indexes[by].count--;
}

struct held_exposure *open_exposures_first(const struct open_exposures *open, enum open_key by, uint64_t key)
{
	return *bucket_of(open, by, key);
}

/* ---- exposures ---- */

static void window_put(struct list *window, struct held_exposure *exposure)
{
	struct list_node *older = window->last;
	while (older && LIST_OWNER(older, struct held_exposure, in_window)->time_ms > exposure->time_ms)
		older = older->previous;
	list_add_behind(window, older, &exposure->in_window);
}

struct held_exposure *open_exposures_oldest(const struct open_exposures *open, size_t window)
{
	struct list_node *node = open->windows[window].first;
	return node ? LIST_OWNER(node, struct held_exposure, in_window) : NULL;
}

static size_t held_bytes(size_t length)
{
	return sizeof(struct held_exposure) + length + BLOCK_BYTES;
}

bool open_exposures_fit(const struct open_exposures *open, size_t more)
{
	const bool is_least = more <= OPEN_MEMORY_LEAST && open->bytes <= OPEN_MEMORY_LEAST - more;
	return is_least || (more <= open->memory_bytes && *open->used <= open->memory_bytes - more);
}

size_t open_exposures_need(const struct open_exposures *open)
{
	return held_bytes(open->own.length);
}

struct held_exposure *open_exposures_add(struct open_exposures *open, const struct held_exposure *head, struct join_place place)
{
	struct source_lane *lane = lane_take(open, place.source, place.partition);
	struct held_exposure *exposure = lane ? memory_take_raw(sizeof *exposure + open->own.length) : NULL;
	if (!exposure)
		return NULL;
	*exposure = *head;
	exposure->offset = place.offset;
	exposure->form = open->form;
	exposure->form->users++;
	exposure->length = (uint32_t)open->own.length;
	memcpy(exposure->bytes, open->own.bytes, open->own.length);
	bytes_take(open, held_bytes(exposure->length));
	list_add(&lane->exposures, &exposure->in_lane);
	for (enum open_key by = 0; by < OPEN_KEYS; by++) {
		if (by != OPEN_BY_REQUEST && exposure->keys[by] == 0)
			continue;
		if (open->indexes[by].count++ >= 2 * open->indexes[by].buckets)
			index_grow(open, by);
		index_put(open, by, exposure);
	}
	window_put(&open->windows[exposure->window], exposure);
	return exposure;
}

void open_exposures_remove(struct open_exposures *open, struct held_exposure *exposure)
{
	list_remove(&exposure->in_window);
	list_remove(&exposure->in_lane);
	for (enum open_key by = 0; by < OPEN_KEYS; by++)
		if (by == OPEN_BY_REQUEST || exposure->keys[by] != 0)
			index_remove(open, by, exposure);
	exposure->form->users--;
	bytes_give(open, held_bytes(exposure->length) + (exposure->kept ? exposure->kept->length : 0));
	memory_give(exposure->kept);
	memory_give(exposure);
}

struct text *text_block(struct text text)
{
	struct text *block = memory_take_raw(sizeof *block + text.length);
	if (block)
		*block = (struct text){memcpy(block + 1, text.bytes, text.length), text.length};
	return block;
}

bool open_exposures_keep(struct open_exposures *open, struct held_exposure *exposure, struct text bytes)
{
	assert(!exposure->kept);
	exposure->kept = text_block(bytes);
	bytes_take(open, exposure->kept ? bytes.length : 0);
	return exposure->kept;
}

/* ---- opening ---- */

struct open_exposures *open_exposures_open(size_t memory_bytes, size_t *used)
{
	struct open_exposures *open = memory_take(1, sizeof *open);
	bool good = open;
	if (open)
		open->used = used ? used : &open->bytes;
	for (size_t i = 0; good && i < OPEN_KEYS; i++) {
		struct held_exposure **heads = memory_take_table(BUCKETS_AT_FIRST, sizeof *heads);
		open->indexes[i] = (struct bucket_index){heads, BUCKETS_AT_FIRST, 0};
		bytes_take(open, BUCKETS_AT_FIRST * sizeof *heads);
		good = heads;
	}
	if (!good) {
		open_exposures_close(open);
		return NULL;
	}
	open->memory_bytes = memory_bytes;
	buffer_open(&open->own, OWN_BYTES_MAX);
	buffer_open(&open->shared, FORM_BYTES_MAX);
	return open;
}

void open_exposures_close(struct open_exposures *open)
{
	struct held_exposure *oldest;
	if (!open)
		return;
	for (size_t i = 0; i < OPEN_WINDOWS_MAX; i++)
		while ((oldest = open_exposures_oldest(open, i)))
			open_exposures_remove(open, oldest);
	forms_clean(open);
	for (struct source_lane *lane = open->lanes, *next; lane; lane = next) {
		next = lane->next;
		memory_give(lane);
	}
	for (size_t i = 0; i < OPEN_KEYS; i++)
		memory_give_table(open->indexes[i].heads, open->indexes[i].buckets, sizeof(struct held_exposure *));
	buffer_close(&open->own);
	buffer_close(&open->shared);
	bytes_give(open, open->bytes); /* the indexes */
	memory_give(open);
}
