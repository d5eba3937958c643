/* feedback_truths.c: see feedback_truths.h. */
#include "tools/source/feedback_truths.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "experiments/rollouts/truth_tally.h"
#include "kafka/consume/reader.h"
#include "message/rows.h"
#include "tools/source/record_file.h"

#define TRUTHS_FIRST 1024

struct named_truth {
	struct text name;
	size_t place; /* in which it came */
	struct fit_truth truth;
};

void feedback_truths_close(struct feedback_truths *truths)
{
	memory_give(truths->items);
	*truths = (struct feedback_truths){0};
}

/* ---- reading ---- */

static bool truth_add(struct feedback_truths *truths, const struct feedback *feedback, struct error *error)
{
	const bool of_request = feedback->id.length > 0 || feedback->origin.topic.length > 0;
	const struct fit_truth truth = {.accuracy = feedback_metric_value(feedback, TEXT(ROLLOUT_ACCURACY)),
					.truth = feedback->truth};
	if (!of_request || (isnan(truth.accuracy) && truth.truth.count == 0))
		return true;
	struct named_truth *items = memory_grow(truths->items, truths->count, &truths->room, TRUTHS_FIRST, sizeof *items);
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "reading feedback");
	truths->items = items;
	const struct text name = feedback_key(feedback, truths->arena);
	truths->items[truths->count] = (struct named_truth){name, truths->count, truth};
	truths->count++;
	return name.bytes || error_memory(error, ERROR_SYSTEM, "reading feedback");
}

/* The bytes live as long as the arena. */
static bool record_take(void *context, struct text record, struct error *error)
{
	struct feedback_truths *truths = context;
	struct feedback feedback;
	return feedback_decode(record, truths->arena, &feedback, error) && feedback_check(&feedback, INT64_MAX, error) &&
	       truth_add(truths, &feedback, error);
}

bool feedback_truths_read_file(struct feedback_truths *truths, const char *path, struct error *error)
{
	const struct record_file file = {path, "feedback", truths->arena, truths, record_take};
	return record_file_read(&file, error);
}

static bool topic_record_take(void *context, const struct record *record, struct error *error)
{
	struct feedback_truths *truths = context;
	const struct text value = text_copied(truths->arena, record->value);
	struct error wrong = {0};
	if (arena_failed(truths->arena))
		return error_memory(error, ERROR_SYSTEM, "reading feedback");
	if (value.length == 0 || record_take(truths, value, &wrong))
		return true;
	if (wrong.kind != ERROR_INPUT)
		return error_set(error, wrong.kind, wrong.place, "%s", wrong.text);
	if (truths->unreadable++ == 0)
		truths->unreadable_why = wrong;
	return true;
}

bool feedback_truths_read_topic(struct feedback_truths *truths, const struct kafka *kafka, const char *topic, struct error *error)
{
	const struct reader_config config = {
		.brokers = kafka->brokers, .topic = topic, .from_beginning = true, .properties = kafka->consumer};
	return topic_give_all(&config, topic_record_take, truths, error);
}

/* ---- finding ---- */

static int truths_compare(const void *left, const void *right)
{
	const struct named_truth *a = left, *b = right;
	const int order = text_compare(a->name, b->name);
	return order ? order : (a->place > b->place) - (a->place < b->place);
}

static int truth_compare(const void *name, const void *item)
{
	return text_compare(*(const struct text *)name, ((const struct named_truth *)item)->name);
}

void feedback_truths_sort(struct feedback_truths *truths)
{
	size_t kept = 0;
	if (truths->count > 0)
		qsort(truths->items, truths->count, sizeof *truths->items, truths_compare);
	for (size_t i = 0; i < truths->count; i++)
		if (kept == 0 || !text_equal(truths->items[kept - 1].name, truths->items[i].name))
			truths->items[kept++] = truths->items[i];
	truths->count = kept;
}

static const struct fit_truth *truth_named(const struct feedback_truths *truths, struct text name)
{
	if (name.length == 0 || truths->count == 0)
		return NULL;
	const struct named_truth *found = bsearch(&name, truths->items, truths->count, sizeof *found, truth_compare);
	return found ? &found->truth : NULL;
}

const struct fit_truth *feedback_truths_find(void *truths, const struct fit_name *name)
{
	const struct fit_truth *found = truth_named(truths, name->id);
	return found ? found : truth_named(truths, name->origin);
}
