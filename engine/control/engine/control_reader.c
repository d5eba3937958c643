/* control_reader.c: see control_reader.h. */
#include "control/engine/control_reader.h"

#include <inttypes.h>

bool control_reader_open(struct control_reader *reader, const char *namespace, int64_t now_ms, struct error *error)
{
	*reader = (struct control_reader){.beat_ms = now_ms};
	return ledger_open(&reader->ledger, namespace, error);
}

void control_reader_close(struct control_reader *reader)
{
	ledger_close(&reader->ledger);
}

static bool reason_note(struct control_reader *reader, const struct error *reason, struct error *error)
{
	if (reason->kind == ERROR_INPUT) {
		reader->last_refused = *reason;
		return true;
	}
	*error = *reason;
	return false;
}

bool control_reader_take(struct control_reader *reader, struct text key, struct text value, int64_t now_ms, struct error *error)
{
	struct error reason = {0};
	return ledger_fold(&reader->ledger, key, value, now_ms, &reason) || reason_note(reader, &reason, error);
}

bool control_reader_beat(struct control_reader *reader, struct text value, int64_t now_ms, struct error *error)
{
	struct control_keeper beat;
	struct error reason = {0};
	arena_reset(reader->ledger.scratch);
	if (!record_decode(&keeper_form, value, reader->ledger.scratch, &beat, &reason)) {
		reader->ledger.refused[LEDGER_REFUSED_BROKEN] += reason.kind == ERROR_INPUT;
		return reason_note(reader, &reason, error);
	}
	if (!text_is(beat.namespace, reader->ledger.namespace) || beat.epoch < reader->beat_epoch ||
	    beat.epoch < reader->ledger.epoch)
		return true;
	reader->beat_epoch = beat.epoch;
	reader->beat_ms = now_ms;
	return true;
}

bool control_reader_is_stale(const struct control_reader *reader, int64_t now_ms)
{
	return now_ms - reader->beat_ms >= KEEPER_STALE_MS;
}

static const struct control_version *document_of(const struct ledger_version *version)
{
	return version && version->record.action == CONTROL_APPLY ? &version->record : NULL;
}

const struct control_version *control_reader_in_force(const struct control_reader *reader, const struct ledger_resource *resource)
{
	return document_of(ledger_in_force(&reader->ledger, resource));
}

const struct control_version *control_reader_prepared(const struct control_reader *reader, const struct ledger_resource *resource,
					      int64_t change)
{
	for (size_t i = resource->count; i > 0; i--)
		if (resource->versions[i - 1]->record.change == change)
			return document_of(resource->versions[i - 1]);
	return control_reader_in_force(reader, resource);
}

bool control_reader_is_whole(const struct control_reader *reader, struct error *error)
{
	const struct resource_version *missing = ledger_missing(&reader->ledger);
	return !missing || error_set(error, ERROR_INPUT, PLACE_NONE,
				     "version %" PRId64 " of `" TEXT_FORMAT "/" TEXT_FORMAT
				     "` is in force and cannot be read; the former version continues",
				     missing->version, TEXT_ARGUMENTS(missing->kind), TEXT_ARGUMENTS(missing->name));
}

uint64_t control_reader_refused(const struct control_reader *reader)
{
	uint64_t refused = 0;
	for (size_t i = 0; i < LEDGER_REFUSALS; i++)
		refused += reader->ledger.refused[i];
	return refused;
}
