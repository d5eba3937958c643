/* slices.c: see slices.h. */
#include "engine/outputs/slices.h"

#include "base/memory.h"

/* Of no partition that is read: nothing is taken again for a slice (kafka/client.c: a tag has 19 bits of the partition). */
#define SLICES_PARTITION ((1 << 19) - 1)

struct slices_topic {
	struct slices_topic *next;
	uint32_t topic;
	size_t at_once; /* rows of a record: fewer after one was too large */
	size_t left;	/* rows of the slice that have left */
	const void *stage; /* of its last row */
	struct buffer key;
	struct slice slice;
};

#define KEY_BYTES 4096

static void topic_close(struct slices_topic *at)
{
	slice_close(&at->slice);
	buffer_close(&at->key);
	memory_give(at);
}

static struct slices_topic *topic_find(const struct slices *slices, uint32_t topic)
{
	struct slices_topic *at = slices->first;
	while (at && at->topic != topic)
		at = at->next;
	return at;
}

static struct slices_topic *topic_open(struct slices *slices, uint32_t topic, struct error *error)
{
	struct slices_topic *at = topic_find(slices, topic);
	if (at)
		return at;
	at = memory_take(1, sizeof *at);
	if (!at)
		return error_null(error_memory(error, ERROR_LIMIT, "passing a message on to its observer"));
	at->topic = topic;
	at->at_once = SLICE_ROWS_MAX;
	buffer_open(&at->key, KEY_BYTES);
	if (!slice_open(&at->slice, error)) {
		error->kind = ERROR_LIMIT;
		topic_close(at);
		return NULL;
	}
	at->next = slices->first;
	slices->first = at;
	return at;
}

void slices_close(struct slices *slices)
{
	while (slices->first) {
		struct slices_topic *at = slices->first;
		slices->first = at->next;
		topic_close(at);
	}
}

static void topic_clear(struct slices_topic *at)
{
	slice_clear(&at->slice);
	at->left = 0;
}

void slices_drop(struct slices *slices)
{
	for (struct slices_topic *at = slices->first; at; at = at->next)
		topic_clear(at);
}

/* ---- leaving ---- */

static enum produce_verdict part_leave(const struct slices_topic *at, struct slice *slice, size_t count, struct output *output,
				       struct buffer *encoded, struct error *error)
{
	buffer_clear(encoded);
	if (!slice_encode(slice, at->left, count, encoded, error))
		return PRODUCE_REFUSED;
	const struct outgoing outgoing = {
		.topic = at->topic,
		.origin = {UINT32_MAX, SLICES_PARTITION, 0},
		.key = buffer_view(&at->key),
		.value = buffer_view(encoded),
	};
	return output_produce(output, &outgoing, error);
}

static enum produce_verdict topic_leave(const struct slices *slices, struct slices_topic *at, struct output *output,
					struct buffer *encoded, struct error *error)
{
	if (slices->reads && at->left < at->slice.rows)
		at->slice.link.reads = slices->reads(slices->context, at->stage);
	while (at->left < at->slice.rows) {
		const size_t waiting = at->slice.rows - at->left, count = waiting < at->at_once ? waiting : at->at_once;
		const enum produce_verdict verdict = part_leave(at, &at->slice, count, output, encoded, error);
		if (verdict == PRODUCE_REFUSED && count > 1) {
			at->at_once = count / 2;
			*error = (struct error){0};
			continue;
		}
		if (verdict == PRODUCE_REFUSED)
			error->kind = ERROR_SYSTEM;
		if (verdict != PRODUCED)
			return verdict;
		at->left += count;
	}
	topic_clear(at);
	return PRODUCED;
}

enum produce_verdict slices_leave(struct slices *slices, uint32_t topic, struct output *output, struct buffer *encoded,
				  struct error *error)
{
	struct slices_topic *at = topic_find(slices, topic);
	return at ? topic_leave(slices, at, output, encoded, error) : PRODUCED;
}

enum produce_verdict slices_leave_all(struct slices *slices, struct output *output, struct buffer *encoded, struct error *error)
{
	for (struct slices_topic *at = slices->first; at; at = at->next) {
		const enum produce_verdict verdict = topic_leave(slices, at, output, encoded, error);
		if (verdict != PRODUCED)
			return verdict;
	}
	return PRODUCED;
}

/* ---- adding ---- */

enum produce_verdict slices_add(struct slices *slices, const struct slices_row *row, struct output *output, struct buffer *encoded,
				bool *failed, struct error *error)
{
	struct slices_topic *at = topic_open(slices, row->topic, error);
	*failed = false;
	if (!at)
		return PRODUCE_REFUSED;
	const bool fits = slice_takes(&at->slice, row->message, row->row, &row->link) && at->left == 0 &&
			  (at->slice.rows == 0 || text_equal(buffer_view(&at->key), row->key));
	const enum produce_verdict verdict = fits ? PRODUCED : topic_leave(slices, at, output, encoded, error);
	if (verdict != PRODUCED) {
		*failed = verdict == PRODUCE_REFUSED;
		return verdict;
	}
	if (at->slice.rows == 0) {
		buffer_clear(&at->key);
		buffer_text(&at->key, row->key);
	}
	at->stage = row->stage;
	const bool added =
		!buffer_failed(&at->key) && slice_add(&at->slice, row->message, row->row, &row->link, row->observers, error);
	return added ? PRODUCED : PRODUCE_REFUSED;
}

bool slices_wrote(const struct slices *slices, const struct refusal *refusal)
{
	return refusal->origin.partition == SLICES_PARTITION && topic_find(slices, refusal->topic);
}
