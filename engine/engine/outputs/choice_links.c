/* choice_links.c: see choice_links.h. A choice is a line with tabs between its fields, and an exposure a line with the length of
 * its record, which follows. */
#include "engine/outputs/choice_links.h"

#include <math.h>
#include <stdio.h>

#include "base/number/number.h"
#include "experiments/rollouts/rollout_board.h"
#include "flow/rollout_choices.h"
#include "message/records/carried.h"
#include "message/records/exposure.h"
#include "message/rows.h"
#include "engine/worker/parts.h"

#define LINE_CHOICE "choice"
#define LINE_EXPOSURE "exposure"
#define WORD_SLOW "slow" /* of a choice that was counted as slow: its failure alone is not */
#define LENGTH_DIGITS 10 /* of any length that a record may have */

bool choice_links_go_on(const struct inflight *inflight)
{
	const struct graph_part *part = inflight->stage->config->graph->part;
	const struct carried *carried = inflight->message.carried;
	return inflight->outcome == FLOW_PASSED && part && part->onward != STEP_NONE && carried &&
	       (carried->next >> part->onward & 1) != 0;
}

/* ---- writing ---- */

static void choice_write(const struct rollout_choice *choice, int64_t now_ms, struct buffer *out)
{
	buffer_print(out, LINE_CHOICE "\t%s\t%lld\t%zu\t%zu\t%lld\t%d%s\n", rollout_entry_name(choice->entry),
		     (long long)choice->table, choice->index, choice->cell, (long long)rollout_choice_took_us(choice, now_ms),
		     choice->failed, choice->is_slow ? "\t" WORD_SLOW : "");
}

/* The length is known when the record is written. */
static bool exposure_pass(const struct message *message, const struct assigned *assigned, struct buffer *out, struct error *error)
{
	const struct exposure_outcome none = {.latency_ms = (double)NAN};
	char digits[LENGTH_DIGITS + 1];
	buffer_print(out, LINE_EXPOSURE "\t%0*d\n", LENGTH_DIGITS, 0);
	const size_t begin = out->length;
	if (!exposure_encode(message, assigned, &none, out, error))
		return false;
	(void)snprintf(digits, sizeof digits, "%0*u", LENGTH_DIGITS, (unsigned)(out->length - begin));
	memcpy(out->bytes + begin - 1 - LENGTH_DIGITS, digits, LENGTH_DIGITS);
	return true;
}

bool choice_links_write(struct inflight *inflight, struct buffer *room, struct text *choices, struct error *error)
{
	const struct message *message = &inflight->message;
	const int64_t now_ms = loop_now_ms(inflight->stage->worker->loop);
	*choices = (struct text){0};
	if (!choice_links_go_on(inflight))
		return true;
	buffer_clear(room);
	for (const struct rollout_choice *choice = message->rollouts; choice; choice = choice->next)
		if (choice->entry)
			choice_write(choice, now_ms, room);
	for (const struct assigned *one = message->assigned; one; one = one->next)
		if ((one->exposed || one->carried) && !exposure_pass(message, one, room, error))
			return false;
	*choices = text_copied(message->arena, buffer_view(room));
	return (!room->failed && !arena_failed(message->arena)) ||
	       error_memory(error, ERROR_LIMIT, "passing on what experiments chose");
}

/* ---- reading ---- */

static bool choice_read(struct inflight *inflight, struct text line)
{
	struct rollout_board *board = inflight->stage->config->rollouts;
	struct rollout_choice choice = {.of = &inflight->message};
	const struct text experiment = text_take_until(&line, '\t');
	const char *name = arena_copy(inflight->message.arena, experiment.bytes, experiment.length);
	uint64_t index, cell, failed;
	if (!name)
		return false;
	if (!board || !number_read_int64(text_take_until(&line, '\t'), &choice.table) ||
	    !number_read_uint64(text_take_until(&line, '\t'), &index) || !number_read_uint64(text_take_until(&line, '\t'), &cell) ||
	    !number_read_int64(text_take_until(&line, '\t'), &choice.took_us) ||
	    !number_read_uint64(text_take_until(&line, '\t'), &failed) || cell >= UNIT_CELLS)
		return true;
	choice.entry = rollout_board_entry(board, name);
	choice.index = index;
	choice.cell = cell;
	choice.failed = failed != 0;
	choice.is_slow = text_is(line, WORD_SLOW);
	return !choice.entry || rollout_choice_add(&choice);
}

/* An entry as it came has no unit, and no context. */
static void exposure_enter(struct message *message, const struct exposure *exposure)
{
	struct assigned *entry = message->assigned;
	while (entry && !(text_equal(entry->experiment, exposure->experiment) && text_equal(entry->variant, exposure->variant)))
		entry = entry->next;
	if (!entry)
		return;
	entry->unit = exposure->unit;
	entry->feature_count = exposure->feature_count;
	entry->features = exposure->features;
	entry->text_count = exposure->text_count;
	entry->texts = exposure->texts;
	entry->layer = exposure->layer;
	entry->stage = (uint32_t)exposure->stage;
	entry->exposed = true;
}

static bool exposure_read(struct inflight *inflight, struct text length, struct text *rest)
{
	struct exposure exposure = {0};
	struct error wrong = {0};
	uint64_t bytes;
	while (length.length > 1 && *length.bytes == '0')
		length = text_from(length, 1);
	if (!number_read_uint64(length, &bytes) || bytes > rest->length)
		return true;
	if (exposure_decode((struct text){rest->bytes, bytes}, inflight->message.arena, &exposure, &wrong))
		exposure_enter(&inflight->message, &exposure);
	*rest = text_from(*rest, bytes);
	return !arena_failed(inflight->message.arena);
}

bool choice_links_read(struct inflight *inflight, struct text choices)
{
	bool good = true;
	while (good && choices.length > 0) {
		struct text line = text_take_until(&choices, '\n');
		const struct text sort = text_take_until(&line, '\t');
		good = text_is(sort, LINE_CHOICE) ? choice_read(inflight, line) : exposure_read(inflight, line, &choices);
	}
	return good;
}

/* ---- counting ---- */

void choice_links_count(struct inflight *inflight, int64_t now_ms)
{
	if (inflight->outcome == FLOW_PASSED && !choice_links_go_on(inflight))
		rollout_choices_end_calls(&inflight->message, now_ms);
	else
		rollout_choices_end(&inflight->message, inflight->outcome, &inflight->answer, now_ms);
}
