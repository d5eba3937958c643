/* mirror_comparison.c: see mirror_comparison.h. */
#include "experiments/analysis/mirror_comparison.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "message/rows.h"
#include "methods/numeric/quantile.h"

struct mirror_copy {
	struct text id;
	bool left_out, answered;
	enum mirror_verdict verdict; /* of the engine */
	struct text words;	     /* of it, where it differs */
	int64_t latency_ms, request_ms;
	const struct payload *replied; /* NULL: it failed, or was left out */
	/* As it was answered. */
	bool failed;
	int64_t answer_ms; /* from the request on */
	struct mirror_disagreement found;
};

void mirror_comparison_close(struct mirror_comparison *comparison)
{
	memory_give(comparison->copies.items);
	memory_give(comparison->lost.items);
	*comparison = (struct mirror_comparison){0};
}

/* ---- copies ---- */

bool mirror_comparison_copy(struct mirror_comparison *comparison, struct text id, const struct mirror_reply *reply,
			    const struct message *message, const struct payload *replied, struct error *error)
{
	struct mirror_copy *copy = heap_list_add(&comparison->copies, sizeof *copy, error);
	const struct message *kept = copy && replied ? message_copy(comparison->arena, message, replied) : NULL;
	if (!copy)
		return false;
	*copy = (struct mirror_copy){.id = text_copied(comparison->arena, id),
				     .left_out = reply->left_out,
				     .verdict = reply->verdict,
				     .words = text_copied(comparison->arena, reply->difference),
				     .latency_ms = reply->latency_ms,
				     .request_ms = reply->request_ms,
				     .replied = kept ? &kept->payload : NULL};
	comparison->mirror = text_copied(comparison->arena, reply->mirror);
	comparison->of_answer = reply->of_answer;
	return !arena_failed(comparison->arena) || error_memory(error, ERROR_SYSTEM, "comparing a mirror");
}

static int ids_compare(struct text a, struct text b)
{
	const size_t shared = a.length < b.length ? a.length : b.length;
	const int order = shared > 0 ? memcmp(a.bytes, b.bytes, shared) : 0;
	return order ? order : (a.length > b.length) - (a.length < b.length);
}

/* The first copy of an id is the one that was written first. */
static int copies_compare(const void *left, const void *right)
{
	const struct mirror_copy *a = left, *b = right;
	const int order = ids_compare(a->id, b->id);
	return order ? order : (a->request_ms > b->request_ms) - (a->request_ms < b->request_ms);
}

static void copies_sort(struct mirror_comparison *comparison)
{
	struct mirror_copy *copies = comparison->copies.items;
	size_t count = 0;
	if (comparison->sorted)
		return;
	comparison->sorted = true;
	if (comparison->copies.count > 0)
		qsort(copies, comparison->copies.count, sizeof *copies, copies_compare);
	for (size_t i = 0; i < comparison->copies.count; i++)
		if (count == 0 || ids_compare(copies[i].id, copies[count - 1].id) != 0)
			copies[count++] = copies[i];
	comparison->repeated = comparison->copies.count - count;
	comparison->copies.count = count;
	comparison->result = ARENA_NEW(comparison->arena, struct mirror_result);
}

static int copy_compare(const void *id, const void *copy)
{
	return ids_compare(*(const struct text *)id, ((const struct mirror_copy *)copy)->id);
}

/* NULL: there is no copy of that id. */
static struct mirror_copy *copy_find(struct mirror_comparison *comparison, struct text id)
{
	const struct heap_list *copies = &comparison->copies;
	copies_sort(comparison);
	return copies->count > 0 ? bsearch(&id, copies->items, copies->count, sizeof(struct mirror_copy), copy_compare) : NULL;
}

/* ---- tensors ---- */

/* The tensor's entry; NULL: there are too many. */
static struct mirror_tensor *tensor_entry(struct mirror_comparison *comparison, struct text name)
{
	struct mirror_result *result = comparison->result;
	for (size_t i = 0; i < result->tensor_count; i++)
		if (text_equal(result->tensors[i].name, name))
			return &result->tensors[i];
	if (result->tensor_count == MIRROR_TENSORS_MAX)
		return NULL;
	struct mirror_tensor *made = &result->tensors[result->tensor_count++];
	made->name = text_copied(comparison->arena, name);
	return made;
}

static void tensor_take(void *context, struct text name, bool agrees, double largest)
{
	struct mirror_tensor *entry = tensor_entry(context, name);
	if (!entry)
		return;
	entry->compared++;
	entry->agreed += agrees;
	entry->largest = fmax(entry->largest, largest);
}

/* ---- answers ---- */

void mirror_comparison_answer(struct mirror_comparison *comparison, struct text id, int64_t time_ms, const struct payload *answered)
{
	const struct mirror_tensor_taker taker = {comparison, tensor_take};
	struct mirror_copy *copy = copy_find(comparison, id);
	if (!copy || copy->answered || copy->left_out || !comparison->result)
		return;
	copy->answered = true;
	copy->failed = !answered;
	copy->answer_ms = time_ms - copy->request_ms;
	copy->found = mirror_difference_find(answered ? &answered->tensors : NULL, copy->replied ? &copy->replied->tensors : NULL,
					     comparison->tolerance, &taker);
	copy->found.id = copy->id;
	copy->found.tensor = text_copied(comparison->arena, copy->found.tensor);
}

bool mirror_comparison_drawn(struct mirror_comparison *comparison, struct text id, struct error *error)
{
	if (copy_find(comparison, id))
		return true;
	struct text *lost = heap_list_add(&comparison->lost, sizeof *lost, error);
	if (!lost)
		return false;
	*lost = text_copied(comparison->arena, id);
	return !arena_failed(comparison->arena) || error_memory(error, ERROR_SYSTEM, "comparing a mirror");
}

/* ---- conclusion ---- */

static int lost_compare(const void *left, const void *right)
{
	return ids_compare(*(const struct text *)left, *(const struct text *)right);
}

/* How many different ids are lost. */
static size_t lost_count(struct mirror_comparison *comparison)
{
	struct text *ids = comparison->lost.items;
	size_t count = 0;
	if (comparison->lost.count > 0)
		qsort(ids, comparison->lost.count, sizeof *ids, lost_compare);
	for (size_t i = 0; i < comparison->lost.count; i++)
		count += i == 0 || ids_compare(ids[i], ids[i - 1]) != 0;
	return count;
}

static struct mirror_latency latency_of(double *numbers, size_t count)
{
	if (count == 0)
		return (struct mirror_latency){NAN, NAN};
	(void)quantile_sort(numbers, count); /* none is NaN */
	return (struct mirror_latency){quantile_sorted(numbers, count, 0.5, QUANTILE_LINEAR),
				       quantile_sorted(numbers, count, 0.95, QUANTILE_LINEAR)};
}

static void judged_count(struct mirror_judged *judged, const struct mirror_copy *copy)
{
	judged->agreed += copy->verdict == MIRROR_AGREES;
	judged->differed += copy->verdict == MIRROR_DIFFERS;
	if (copy->verdict == MIRROR_DIFFERS && judged->listed < MIRROR_DISAGREEMENTS_MAX)
		judged->copies[judged->listed++] = (struct mirror_judged_copy){copy->id, copy->words};
}

static void copy_count(struct mirror_result *result, const struct mirror_copy *copy)
{
	result->left_out += copy->left_out;
	result->unanswered += !copy->left_out && !copy->answered;
	result->compared += copy->answered;
	judged_count(&result->judged, copy);
	if (!copy->answered)
		return;
	result->failed += !copy->replied;
	result->answers_failed += copy->failed;
	result->agreed += copy->found.difference == MIRROR_SAME;
	if (copy->found.difference != MIRROR_SAME && result->disagreement_count < MIRROR_DISAGREEMENTS_MAX)
		result->disagreements[result->disagreement_count++] = copy->found;
}

const struct mirror_result *mirror_comparison_end(struct mirror_comparison *comparison)
{
	copies_sort(comparison);
	const struct mirror_copy *copies = comparison->copies.items;
	const size_t count = comparison->copies.count, lost = lost_count(comparison);
	struct mirror_result *result = comparison->result;
	double *replied = ARENA_ARRAY(comparison->arena, double, count + 1);
	double *answered = ARENA_ARRAY(comparison->arena, double, count + 1);
	size_t replies = 0, answers = 0;
	if (count + lost == 0 || !result || !replied || !answered || arena_failed(comparison->arena))
		return NULL;
	result->mirror = comparison->mirror;
	result->of_answer = comparison->of_answer;
	result->tolerance = comparison->tolerance;
	result->copies = count + lost;
	result->lost = lost;
	result->repeated = comparison->repeated;
	for (size_t i = 0; i < count; i++) {
		copy_count(result, &copies[i]);
		if (copies[i].replied)
			replied[replies++] = (double)copies[i].latency_ms;
		if (copies[i].answered && !copies[i].failed)
			answered[answers++] = (double)copies[i].answer_ms;
	}
	result->replied = latency_of(replied, replies);
	result->answered = latency_of(answered, answers);
	return result;
}
