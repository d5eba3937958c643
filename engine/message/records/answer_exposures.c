/* answer_exposures.c: see answer_exposures.h. */
#include "message/records/answer_exposures.h"

#include <math.h>

#include "base/number/moment.h"
#include "base/number/number.h"
#include "message/records/answer_label.h"
#include "message/avro/avro_parts.h"

#define RESOURCE "experiment/"
#define RESOURCE_BYTES (sizeof RESOURCE - 1)
#define TOOK_MS_MAX ((uint64_t)1 << 52)				    /* as good as for ever, and far from where times overflow */
#define VERSION_BYTES_MAX (AVRO_TABLE_DIGITS + 1 + NUMBER_TEXT_MAX) /* reasons are shorter than tables */

/* ---- writing ---- */

static bool has_version(const struct assigned *assigned)
{
	return assigned->in_answer || assigned_reason_keeps_out(assigned->reason);
}

size_t answer_versions_room(const struct message *message)
{
	size_t room = 2 * AVRO_LONG_BYTES_MAX;
	for (const struct assigned *entry = message->assigned; entry; entry = entry->next)
		if (has_version(entry))
			room += 2 * AVRO_LONG_BYTES_MAX + RESOURCE_BYTES + entry->experiment.length + VERSION_BYTES_MAX;
	return room;
}

/* A policy has versions of its own, so its name is the reason, and not the table. */
static char *what_chose_put(char *to, const struct assigned *entry)
{
	if (assigned_reason_has_table(entry->reason))
		return avro_table_digits(to, entry->table);
	const struct text reason = text_of(assigned_reason_name(entry->reason));
	memcpy(to, reason.bytes, reason.length);
	return to + reason.length;
}

static char *version_put(char *to, const struct assigned *entry)
{
	to = avro_put_long(to, (int64_t)(RESOURCE_BYTES + entry->experiment.length));
	memcpy(to, RESOURCE, RESOURCE_BYTES);
	memcpy(to + RESOURCE_BYTES, entry->experiment.bytes, entry->experiment.length);
	to += RESOURCE_BYTES + entry->experiment.length;
	char *length = to++; /* one byte: the version is short */
	to = what_chose_put(to, entry);
	if (entry->in_answer) {
		*to++ = ' ';
		to += number_write_int64(to, entry->took_ms);
	}
	(void)avro_put_small(length, (size_t)(to - length - 1));
	return to;
}

char *answer_versions_put(char *to, const struct message *message)
{
	size_t count = 0;
	for (const struct assigned *entry = message->assigned; entry && count < ASSIGNED_MAX; entry = entry->next)
		count += has_version(entry);
	if (count > 0)
		to = avro_put_small(to, count);
	for (const struct assigned *entry = message->assigned; entry && count > 0; entry = entry->next)
		if (has_version(entry)) {
			to = version_put(to, entry);
			count--;
		}
	return avro_put_small(to, 0);
}

/* ---- reading ---- */

static size_t choices_read(struct avro_cursor *cursor, struct answered_choice *items)
{
	struct answered_choice one = {.took_ms = -1};
	size_t count = 0;
	for (size_t more; (more = avro_read_block(cursor)) > 0;)
		while (more--) {
			one.experiment = avro_read_bytes(cursor);
			one.variant = avro_read_bytes(cursor);
			one.probability = avro_read_double(cursor);
			if (count < ASSIGNED_MAX)
				items[count++] = one;
		}
	return count;
}

/* Of several choices of one experiment the first has it. */
static void version_take(struct answered_choice *items, size_t count, struct text resource, struct text version)
{
	size_t at = 0;
	if (!text_starts_with(resource, TEXT(RESOURCE)))
		return;
	while (at < count && !text_equal(items[at].experiment, text_from(resource, RESOURCE_BYTES)))
		at++;
	if (at == count)
		return;
	uint64_t took_ms;
	items[at].version = text_take_until(&version, ' ');
	items[at].took_ms = digits_read(version, 10, &took_ms) && took_ms <= TOOK_MS_MAX ? (int64_t)took_ms : -1;
}

bool answer_choices_read(const struct decoded_answer *answer, struct answered_choice *items, size_t *count, struct error *error)
{
	struct avro_cursor cursor = avro_cursor_of(answer->lists);
	*count = choices_read(&cursor, items);
	for (size_t more; (more = avro_read_block(&cursor)) > 0;)
		while (more--) {
			const struct text resource = avro_read_bytes(&cursor);
			version_take(items, *count, resource, avro_read_bytes(&cursor));
		}
	return !avro_failed(&cursor) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE, "the assignments or versions of the answer are broken; it ends early");
}

bool answered_choice_is_kept_out(const struct answered_choice *choice)
{
	enum assigned_reason reason;
	return assigned_reason_read(choice->version, &reason) && assigned_reason_keeps_out(reason);
}

bool answer_exposure_make(const struct decoded_answer *answer, const struct answered_choice *choice, struct text key,
			  int64_t time_ms, char *room, struct exposure *exposure, struct error *error)
{
	const bool has_table = choice->version.length == AVRO_TABLE_DIGITS;
	if (!moment_is_known(time_ms))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the record of the answer has no time, which its exposure needs; let Kafka's producer set it");
	*exposure = (struct exposure){
		.id = answer->id,
		.origin = answer->origin,
		.time_ms = time_ms - choice->took_ms,
		.experiment = choice->experiment,
		.variant = choice->variant,
		.probability = choice->probability,
		.unit = key,
		.table = has_table ? choice->version : (struct text){0},
		.latency_ms = answer->failed ? (double)NAN : (double)choice->took_ms,
		.error = answer->kind,
	};
	if (!answer->failed)
		exposure->prediction = answer_label(&answer->payload.tensors, room);
	return (choice->took_ms >= 0 && (has_table || assigned_reason_read(choice->version, &exposure->reason))) ||
	       error_set(error, ERROR_INPUT, PLACE_NONE,
			 "the answer has the version `" TEXT_FORMAT "` of an experiment; it is neither of a table nor a reason, or "
			 "lacks the milliseconds that the answer took",
			 TEXT_ARGUMENTS(choice->version));
}
