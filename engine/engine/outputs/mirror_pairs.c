/* mirror_pairs.c: see mirror_pairs.h. */
#include "engine/outputs/mirror_pairs.h"

#include "base/number/duration.h"
#include "experiments/analysis/mirror_difference.h"
#include "message/records/mirror_reply.h"
#include "engine/outputs/submitted.h"

static struct shadow_request *pair_of(struct list_node *node)
{
	return LIST_OWNER(node, struct shadow_request, node);
}

static struct worker *pair_worker(const struct shadow_request *copy)
{
	return copy->flow_owner->stage->worker;
}

/* ---- records of the shadow topic ---- */

static void mirror_record_write(struct worker_stage *stage, const struct call *call, const struct answer *answer,
				struct mirror_reply *reply)
{
	static const char *const type = "application/avro";
	struct outbox *outbox = &stage->worker->outbox;
	const struct message *message = call->message;
	char origin[REPLY_ORIGIN_BYTES_MAX], words[MIRROR_HEADER_BYTES_MAX], verdict[MIRROR_VERDICT_BYTES_MAX];
	if (!stage->config->mirrors)
		return;
	reply->mirror = text_of(call->name);
	reply->request_ms = message_request_ms(message);
	const struct header headers[] = {{TEXT("content-type"), text_of(type)},
					 {TEXT(REPLY_ID_HEADER), message->id},
					 origin_header(message, origin),
					 {TEXT(MIRROR_HEADER), mirror_header_write(reply, words)},
					 {TEXT(MIRROR_VERDICT_HEADER), mirror_verdict_write(reply, verdict)}};
	struct error error = {0};
	buffer_clear(&outbox->encoded);
	const bool written = answer_encode(message, answer, &format_avro, NULL, &outbox->encoded, &error);
	const struct outgoing record = {
		.topic = stage->config->shadow,
		.origin = {.partition = message->origin.partition, .offset = OFFSET_NONE},
		.key = message->id,
		.value = buffer_view(&outbox->encoded),
		.headers = {sizeof headers / sizeof *headers - (reply->verdict == MIRROR_UNJUDGED), headers}};
	if (!written || !best_effort_produce(outbox->side, &record))
		count_add(&outbox->counts->taps_lost, 1);
}

static void count_left_out(const struct mirrored_result *of)
{
	if (of->counts)
		count_add(&of->counts->left_out, 1);
}

void mirror_leave_out(struct worker_stage *stage, const struct call *call, const struct mirrored_result *of, const char *why)
{
	struct error error = {0};
	struct mirror_reply reply = {.experiment = text_of(of->experiment), .of_answer = of->of_answer, .left_out = true};
	count_left_out(of);
	error_set(&error, ERROR_LIMIT, PLACE_NONE, "there is no reply of `%s`: %s", call->name, why);
	mirror_record_write(stage, call, &(struct answer){.error = &error}, &reply);
}

/* Writes the reply of the mirror, and drops the pair. */
static void pair_record_write(struct shadow_request *copy, enum mirror_verdict verdict, struct text difference)
{
	const struct call *call = &copy->call;
	const bool failed = call->error.kind != ERROR_NONE;
	const struct answer answer = {.payload = failed ? NULL : call->reply, .error = failed ? &call->error : NULL};
	struct mirror_reply reply = {.experiment = text_of(copy->of.experiment),
				     .of_answer = copy->of.of_answer,
				     .latency_ms = copy->reply_ms,
				     .verdict = verdict,
				     .difference = difference};
	mirror_record_write(copy->flow_owner->stage, call, &answer, &reply);
	shadow_request_drop(copy);
}

/* ---- comparing ---- */

static void pair_count(const struct shadow_request *copy, bool agrees)
{
	struct mirror_counts *counts = copy->of.counts;
	if (!counts)
		return;
	count_add(agrees ? &counts->agreed : &counts->disagreed, 1);
	count_add(&counts->failed, copy->call.error.kind != ERROR_NONE);
	duration_count(&counts->mirror, (uint64_t)copy->reply_ms * US_PER_MS);
	duration_count(&counts->answer, (uint64_t)copy->answer_ms * US_PER_MS);
}

static void pair_compare(struct shadow_request *copy)
{
	char words[MIRROR_WORDS_BYTES_MAX];
	const bool failed = copy->call.error.kind != ERROR_NONE;
	const struct mirror_disagreement found = mirror_difference_find(
		copy->has_failed ? NULL : &copy->answered, failed ? NULL : &copy->call.reply->tensors, copy->of.tolerance, NULL);
	const bool agrees = found.difference == MIRROR_SAME;
	struct text difference = {0};
	if (!agrees)
		difference = mirror_disagreement_words(&found, words);
	pair_count(copy, agrees);
	pair_record_write(copy, agrees ? MIRROR_AGREES : MIRROR_DIFFERS, difference);
}

void mirror_pairs_compare(struct worker *worker)
{
	while (worker->pairs_complete.first)
		pair_compare(pair_of(worker->pairs_complete.first));
}

/* ---- the two halves ---- */

/* The call or the message is over, or given up: it does not refer to the copy any more. */
static void pair_detach(struct shadow_request *copy)
{
	if (copy->of.copy)
		*copy->of.copy = NULL;
	copy->of.copy = NULL;
}

static void pair_leave_out(struct shadow_request *copy)
{
	struct worker *worker = pair_worker(copy);
	worker->pair_count -= copy->node.list == &worker->pairs_waiting;
	pair_detach(copy);
	count_left_out(&copy->of);
	pair_record_write(copy, MIRROR_UNJUDGED, (struct text){0});
}

void mirror_pair_begin(struct shadow_request *copy, const struct mirrored_result *of)
{
	copy->of = *of;
	*of->copy = copy;
}

void mirror_pair_replied(struct shadow_request *copy)
{
	struct worker *worker = pair_worker(copy);
	copy->reply_ms = loop_now_ms(worker->loop) - copy->sent_ms;
	shadow_request_measure(copy);
	if (copy->is_answered) {
		list_add(&worker->pairs_complete, &copy->node);
	} else if (!copy->of.copy) {
		pair_leave_out(copy);
	} else {
		list_add(&worker->pairs_waiting, &copy->node);
		if (++worker->pair_count > MIRROR_PAIRS_MAX)
			pair_leave_out(pair_of(worker->pairs_waiting.first));
	}
}

void flow_owner_mirrored(void *context, void *mirrored, const struct payload *reply)
{
	struct shadow_request *copy = mirrored;
	struct worker *worker = pair_worker(copy);
	const bool is_waiting = copy->node.list == &worker->pairs_waiting;
	(void)context;
	pair_detach(copy);
	copy->has_failed = !reply;
	copy->answer_ms = loop_now_ms(worker->loop) - copy->sent_ms;
	if (!copy->has_failed)
		copy->answered = tensors_copied(copy->arena, reply->tensors);
	copy->is_answered = !arena_failed(copy->arena);
	shadow_request_measure(copy);
	if (!is_waiting)
		return;
	if (!copy->is_answered) {
		pair_leave_out(copy);
		return;
	}
	worker->pair_count--;
	list_remove(&copy->node);
	list_add(&worker->pairs_complete, &copy->node);
}

void flow_owner_unmirrored(void *context, void *mirrored)
{
	struct shadow_request *copy = mirrored;
	(void)context;
	pair_detach(copy);
	if (copy->node.list == &pair_worker(copy)->pairs_waiting)
		pair_leave_out(copy);
}

/* ---- bounds and end ---- */

void mirror_pairs_make_room(struct worker *worker)
{
	while (worker->copy_bytes >= COPIES_BYTES_MAX && worker->pairs_waiting.first)
		pair_leave_out(pair_of(worker->pairs_waiting.first));
}

static void pairs_end(struct list *pairs, const struct worker_stage *stage, void (*end)(struct shadow_request *copy))
{
	for (struct list_node *node = pairs->first, *next; node; node = next) {
		next = node->next;
		if (pair_of(node)->flow_owner->stage == stage)
			end(pair_of(node));
	}
}

void mirror_pairs_close(struct worker_stage *stage)
{
	pairs_end(&stage->worker->pairs_complete, stage, pair_compare);
	pairs_end(&stage->worker->pairs_waiting, stage, pair_leave_out);
}
