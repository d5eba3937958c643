/* frame_budget.c: Token bucket of one HTTP/2 connection; see frame_budget.h. */
#include "net/grpc/frame_budget.h"

#include <assert.h>
#include <nghttp2/nghttp2.h>
#include <string.h>

#include "net/grpc/http2_frame.h"

#define PREFACE_BYTES 24
#define UNITS 1000 /* of a token: one a millisecond is one token a second */
#define UNITS_MAX ((int64_t)FRAME_BUDGET_BURST * UNITS)

void frame_budget_open(struct frame_budget *budget, int64_t tokens, int64_t now_ms)
{
	assert(tokens <= FRAME_BUDGET_BURST);
	*budget = (struct frame_budget){
		.units = tokens * UNITS, .begun_units = tokens * UNITS, .filled_ms = now_ms, .marked_ms = now_ms,
		.skipped = PREFACE_BYTES};
}

int64_t frame_budget_used(const struct frame_budget *budget)
{
	const int64_t left = budget->units > 0 ? budget->units : 0;
	return left < budget->begun_units ? (budget->begun_units - left) / UNITS : 0;
}

static void tokens_add(struct frame_budget *budget, int64_t units)
{
	budget->units = units < UNITS_MAX - budget->units ? budget->units + units : UNITS_MAX;
}

/* Which requests were waited for by now, `passed_ms` after the bytes before. */
static void ids_mark(struct frame_budget *budget, int64_t passed_ms, int64_t now_ms)
{
	if (passed_ms < FRAME_BUDGET_RESET_MS && now_ms - budget->marked_ms < FRAME_BUDGET_RESET_MS)
		return;
	budget->waited_id = passed_ms < FRAME_BUDGET_RESET_MS ? budget->marked_id : budget->last_id;
	budget->marked_id = budget->last_id;
	budget->marked_ms = now_ms;
}

static void time_add(struct frame_budget *budget, int64_t now_ms)
{
	const int64_t full_ms = UNITS_MAX / FRAME_BUDGET_A_SECOND, passed_ms = now_ms - budget->filled_ms;
	if (passed_ms <= 0)
		return;
	ids_mark(budget, passed_ms, now_ms);
	budget->filled_ms = now_ms;
	tokens_add(budget, (passed_ms < full_ms ? passed_ms : full_ms) * FRAME_BUDGET_A_SECOND);
}

static bool is_padded_data(const struct http2_frame_head *head)
{
	return head->type == NGHTTP2_DATA && (head->flags & NGHTTP2_FLAG_PADDED) && head->length > 0;
}

/* Most heads come whole, and are copied at once: a loop over bytes costs as much as the rest. */
static size_t head_copy(struct frame_budget *budget, const uint8_t *bytes, size_t count)
{
	if (budget->have > 0 || count < HTTP2_HEAD_BYTES)
		return 0;
	memcpy(budget->head, bytes, HTTP2_HEAD_BYTES);
	budget->have = HTTP2_HEAD_BYTES;
	return HTTP2_HEAD_BYTES;
}

static bool head_is_whole(const struct frame_budget *budget)
{
	if (budget->have != HTTP2_HEAD_BYTES)
		return budget->have > HTTP2_HEAD_BYTES;
	const struct http2_frame_head head = http2_frame_head_read(budget->head);
	return !is_padded_data(&head);
}

/* What a reset takes: much, if the request has just come. */
static int64_t reset_units(const struct frame_budget *budget, int32_t id)
{
	return id > budget->waited_id && id <= budget->last_id ? FRAME_BUDGET_RESET * UNITS : UNITS;
}

static bool frame_take(struct frame_budget *budget, const struct http2_frame_head *head)
{
	/* Padding, which comes with its length, is no progress. */
	const size_t padding = is_padded_data(head) ? 1u + budget->head[HTTP2_HEAD_BYTES] : 0u;
	if (head->type == NGHTTP2_HEADERS && head->id > budget->last_id) {
		budget->last_id = head->id;
		tokens_add(budget, FRAME_BUDGET_REQUEST * UNITS);
		return true;
	}
	if (head->type == NGHTTP2_DATA && head->length > padding) {
		tokens_add(budget, FRAME_BUDGET_DATA * UNITS);
		return true;
	}
	const int64_t taken = head->type == NGHTTP2_RST_STREAM ? reset_units(budget, head->id) : UNITS;
	if (budget->units < taken)
		return false;
	budget->units -= taken;
	return true;
}

bool frame_budget_take(struct frame_budget *budget, const uint8_t *bytes, size_t count, int64_t now_ms)
{
	time_add(budget, now_ms);
	if (budget->units < 0)
		return false;
	while (count > 0) {
		const size_t passed = budget->skipped < count ? budget->skipped : count;
		const size_t copied = head_copy(budget, bytes + passed, count - passed);
		bytes += passed + copied;
		count -= passed + copied;
		budget->skipped -= passed;
		for (; count > 0 && !head_is_whole(budget); count--)
			budget->head[budget->have++] = *bytes++;
		if (!head_is_whole(budget))
			return true;
		const struct http2_frame_head head = http2_frame_head_read(budget->head);
		if (!frame_take(budget, &head))
			return false;
		budget->skipped = head.length - (budget->have - HTTP2_HEAD_BYTES);
		budget->have = 0;
	}
	return true;
}

bool frame_budget_head(struct frame_budget *budget, size_t bytes)
{
	const int64_t taken = (int64_t)(bytes * UNITS / FRAME_BUDGET_DECODED_BYTES);
	if (budget->units < taken)
		return false;
	budget->units -= taken;
	return true;
}

void frame_budget_caused_reset(struct frame_budget *budget, int32_t id)
{
	budget->units -= reset_units(budget, id);
}

void frame_budget_sent(struct frame_budget *budget, size_t count)
{
	tokens_add(budget, (int64_t)(FRAME_BUDGET_SENT + count / FRAME_BUDGET_SENT_BYTES) * UNITS);
}
