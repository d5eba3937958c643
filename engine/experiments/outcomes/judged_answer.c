/* judged_answer.c: see judged_answer.h. */
#include "experiments/outcomes/judged_answer.h"

#include <math.h>

#include "message/records/stage_link.h"

#define ANSWER_STEP "answer"
#define LATENCY_UNKNOWN (-1)

struct judged_parts judged_parts_of(const struct pipeline_metric *metrics, size_t count)
{
	struct judged_parts parts = {0};
	for (size_t i = 0; i < count; i++) {
		parts.is_needed |= metrics[i].of_feedback;
		parts.answer |= metrics[i].of_feedback && metrics[i].of_answer;
		parts.request |= metrics[i].of_feedback && metrics[i].of_request;
	}
	return parts;
}

bool judged_answer_write(const struct judged_answer *judged, struct judged_parts parts, struct arena *arena, struct buffer *out,
			 struct error *error)
{
	struct payload payload = *judged->answer;
	const struct given answer = {.step = TEXT(ANSWER_STEP), .state = GIVEN_CAME, .payload = &payload, .next = 1};
	const struct carried carried = {.count = 1, .items = &answer, .answered = true, .next = 1};
	struct message message = *judged->message;
	if (!parts.answer)
		payload.tensors = (struct tensors){0};
	message.arena = arena;
	message.carried = &carried;
	const int64_t latency_ms = isfinite(judged->latency_ms) ? llround(judged->latency_ms) : LATENCY_UNKNOWN;
	const struct stage_link link = {.from = judged->variant, .deadline_ms = latency_ms, .request = parts.request};
	return stage_link_encode(&message, 1, &link, out, error);
}

bool judged_answer_read(struct text bytes, struct arena *arena, struct message *message, struct judged_answer *judged)
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
