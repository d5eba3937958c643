/* kept_answers.c: see kept_answers.h. The bytes of an answer are a stage link (message/records/stage_link.h) with one result: the
 * answer. Its `from` is the variant, and its deadline the latency. */
#include "experiments/outcomes/kept_answers.h"

#include <assert.h>
#include <math.h>

#include "base/hash.h"
#include "base/memory.h"
#include "experiments/outcomes/feedback_value.h"
#include "message/records/stage_link.h"

static_assert(KEPT_METRICS_MAX <= OUTCOME_METRICS_MAX, "each metric has a bit of the join");

#define ANSWER_STEP "answer"
#define LATENCY_UNKNOWN (-1)
#define ARENA_BYTES ((size_t)16 << 20) /* of one evaluation */

struct kept_bytes {
	char *bytes; /* NULL: dropped */
	size_t length;
};

struct kept_answers {
	const char *pipeline;
	size_t index_bytes, record_bytes;
	struct outcome_join *join;
	struct kept_bytes *slots; /* of each entry of the join */
	size_t slot_count;
	size_t oldest; /* slot that is dropped next, where memory is short */
	size_t held;   /* bytes of all */
	size_t count;
	uint64_t lost; /* feedback for those that were dropped */
	const struct kept_metric *metrics;
	size_t metric_count;
	uint64_t names;
	struct arena *arena;
	struct kept_listener listener;
	const struct feedback *feedback; /* that is being joined */
	struct feedback_metric computed[KEPT_METRICS_MAX]; /* by it */
	size_t computed_count;
	int64_t now_ms;
};

/* ---- answers as bytes ---- */

bool kept_answer_encode(const struct judged_answer *judged, bool with_request, struct arena *arena, struct buffer *out,
			struct error *error)
{
	const struct given answer = {
		.step = TEXT(ANSWER_STEP), .state = GIVEN_CAME, .payload = judged->answer, .next = 1};
	const struct carried carried = {.count = 1, .items = &answer, .answered = true, .next = 1};
	struct message message = *judged->message;
	message.arena = arena;
	message.carried = &carried;
	const int64_t latency_ms = isfinite(judged->latency_ms) ? llround(judged->latency_ms) : LATENCY_UNKNOWN;
	const struct stage_link link = {.from = judged->variant, .deadline_ms = latency_ms, .request = with_request};
	return stage_link_encode(&message, 1, &link, out, error);
}

static bool answer_decode(struct text bytes, struct arena *arena, struct message *message, struct judged_answer *judged)
{
	struct stage_link link;
	struct error error = {0};
	*message = (struct message){.arena = arena};
	if (!stage_link_decode(message, bytes, &link, &error) || !message->carried || message->carried->count != 1)
		return false;
	const double latency_ms = link.deadline_ms == LATENCY_UNKNOWN ? (double)NAN : (double)link.deadline_ms;
	*judged = (struct judged_answer){.message = message,
					 .answer = message->carried->items[0].payload,
					 .variant = link.from,
					 .latency_ms = latency_ms};
	return judged->answer;
}

/* ---- slots ---- */

static void slot_drop(struct kept_answers *kept, size_t slot)
{
	struct kept_bytes *bytes = &kept->slots[slot];
	if (!bytes->bytes)
		return;
	memory_give(bytes->bytes);
	kept->held -= bytes->length;
	kept->count--;
	*bytes = (struct kept_bytes){0};
}

static void answer_closed(void *context, size_t slot, uint32_t arm, bool has_outcome)
{
	(void)arm;
	(void)has_outcome;
	slot_drop(context, slot);
}

/* Slots are taken in their order, so those behind the newest are the oldest. */
static void slots_make_room(struct kept_answers *kept, size_t newest, size_t length)
{
	while (kept->held + length > kept->record_bytes && kept->count > 0) {
		if (kept->oldest != newest)
			slot_drop(kept, kept->oldest);
		kept->oldest = kept->oldest + 1 == kept->slot_count ? 0 : kept->oldest + 1;
	}
}

void kept_answers_add(struct kept_answers *kept, struct text answer)
{
	struct message message;
	struct judged_answer judged;
	arena_reset(kept->arena);
	if (!kept->join || !answer_decode(answer, kept->arena, &message, &judged))
		return;
	const struct outcome_exposure one = {.id = message.id, .origin = message.origin, .time_ms = message.time_ms};
	if (outcome_join_expose(kept->join, &one) != EXPOSURE_OPENED)
		return;
	const size_t slot = outcome_join_newest(kept->join);
	slots_make_room(kept, slot, answer.length);
	char *bytes = answer.length <= kept->record_bytes ? memory_take(answer.length, 1) : NULL;
	if (!bytes)
		return;
	memcpy(bytes, answer.bytes, answer.length);
	kept->slots[slot] = (struct kept_bytes){bytes, answer.length};
	kept->held += answer.length;
	kept->count++;
}

void kept_answers_listen(struct kept_answers *kept, struct kept_listener listener)
{
	kept->listener = listener;
}

uint64_t kept_answers_lost(struct kept_answers *kept)
{
	const uint64_t lost = kept->lost;
	kept->lost = 0;
	return lost;
}

size_t kept_answers_waiting(const struct kept_answers *kept)
{
	size_t waiting = 0;
	for (size_t i = 0; i < kept->slot_count; i++)
		waiting += kept->slots[i].bytes && outcome_join_metrics(kept->join, i) == 0;
	return waiting;
}

size_t kept_answers_count(const struct kept_answers *kept)
{
	return kept->count;
}

/* ---- feedback ---- */

/* Several answers of one id have one value: the first. */
static void value_tell(struct kept_answers *kept, const struct kept_metric *counted, double value)
{
	const struct text name = text_of(counted->metric->spec.name.text);
	for (size_t i = 0; i < kept->computed_count; i++)
		if (text_equal(kept->computed[i].name, name))
			return;
	if (isfinite(value) && kept->computed_count < KEPT_METRICS_MAX)
		kept->computed[kept->computed_count++] = (struct feedback_metric){name, value};
}

static void answer_joined(void *context, const struct joined_outcome *outcome)
{
	struct kept_answers *kept = context;
	const struct kept_metric *counted = &kept->metrics[outcome->metric];
	const struct kept_bytes *bytes = &kept->slots[outcome->slot];
	struct message message;
	struct judged_answer judged;
	struct judged_value value;
	if (!bytes->bytes) {
		kept->lost++;
		series_lose(counted->table);
		return;
	}
	arena_reset(kept->arena);
	bool good = answer_decode((struct text){bytes->bytes, bytes->length}, kept->arena, &message, &judged);
	if (good) {
		judged.pipeline = kept->pipeline;
		good = feedback_value_evaluate(counted->metric, &judged, kept->feedback, kept->arena, &value);
	}
	metric_value_count(counted->table, good ? &value : NULL, (uint64_t)kept->now_ms);
	if (good && counted->published && !judged.given)
		value_tell(kept, counted, feedback_value_mean(&value));
}

/* Names of the metrics in the join: their numbers. */
static struct text bit_name(size_t metric)
{
	static const char digits[] = "0123456";
	static_assert(sizeof digits - 1 == KEPT_METRICS_MAX, "each metric has a name");
	return (struct text){digits + metric, 1};
}

bool kept_answers_feedback(struct kept_answers *kept, const struct feedback *feedback, int64_t time_ms)
{
	struct feedback_metric wanted[KEPT_METRICS_MAX];
	struct error refused = {0};
	struct feedback reduced = *feedback;
	reduced.has_reward = false;
	reduced.metrics = wanted;
	reduced.metric_count = 0;
	reduced.experiment = (struct text){0}; /* an answer is one, whatever experiments chose */
	if (reduced.time_ms == 0)
		reduced.time_ms = time_ms;
	for (size_t i = 0; i < kept->metric_count; i++)
		if (feedback_value_is_due(feedback, kept->metrics[i].metric))
			wanted[reduced.metric_count++] = (struct feedback_metric){bit_name(i), 0};
	if (!kept->join || reduced.metric_count == 0 || !feedback_check(feedback, time_ms, &refused))
		return true;
	const uint64_t unknown = outcome_join_counts(kept->join).unknown;
	kept->feedback = feedback;
	kept->now_ms = time_ms;
	kept->computed_count = 0;
	outcome_join_feedback(kept->join, &reduced, answer_joined, kept);
	kept->feedback = NULL;
	if (kept->computed_count > 0 && kept->listener.computed)
		kept->listener.computed(kept->listener.context, feedback, kept->computed, kept->computed_count);
	return outcome_join_counts(kept->join).unknown == unknown;
}

/* ---- opening ---- */

static void answers_drop(struct kept_answers *kept)
{
	for (size_t i = 0; kept->slots && i < kept->slot_count; i++)
		slot_drop(kept, i);
	outcome_join_close(kept->join);
	memory_give_table(kept->slots, kept->slot_count, sizeof *kept->slots);
	kept->join = NULL;
	kept->slots = NULL;
	kept->slot_count = kept->oldest = 0;
}

static bool join_make(struct kept_answers *kept, struct error *error)
{
	struct text names[KEPT_METRICS_MAX];
	for (size_t i = 0; i < KEPT_METRICS_MAX; i++)
		names[i] = bit_name(i);
	const struct outcome_join_config config = {.memory_bytes = kept->index_bytes,
						   .window_ms = KEPT_WINDOW_MS,
						   .seed = hash_key(text_of(kept->pipeline)),
						   .metric_count = KEPT_METRICS_MAX,
						   .metrics = names,
						   .closed = answer_closed,
						   .context = kept};
	answers_drop(kept);
	kept->join = outcome_join_open(&config, error);
	if (!kept->join)
		return false;
	kept->slot_count = outcome_join_capacity(kept->join);
	kept->slots = memory_take_table(kept->slot_count, sizeof *kept->slots);
	return kept->slots || error_memory(error, ERROR_SYSTEM, "keeping answers for feedback");
}

bool kept_answers_use(struct kept_answers *kept, const struct kept_metric *metrics, size_t count, struct error *error)
{
	uint64_t names = count;
	for (size_t i = 0; i < count; i++)
		names = hash_bytes(metrics[i].metric->spec.name.text, strlen(metrics[i].metric->spec.name.text), names);
	kept->metrics = metrics;
	kept->metric_count = count;
	if (kept->join && kept->names == names)
		return true;
	kept->names = names;
	if (join_make(kept, error))
		return true;
	answers_drop(kept);
	return false;
}

struct kept_answers *kept_answers_open(const char *pipeline, size_t index_bytes, size_t record_bytes, struct error *error)
{
	struct kept_answers *kept = memory_take(1, sizeof *kept);
	if (kept) {
		*kept = (struct kept_answers){.pipeline = pipeline,
					      .index_bytes = index_bytes,
					      .record_bytes = record_bytes,
					      .arena = arena_open(ARENA_BYTES)};
		if (kept->arena)
			return kept;
	}
	kept_answers_close(kept);
	error_memory(error, ERROR_SYSTEM, "keeping answers for feedback");
	return NULL;
}

void kept_answers_close(struct kept_answers *kept)
{
	if (!kept)
		return;
	answers_drop(kept);
	arena_close(kept->arena);
	memory_give(kept);
}
