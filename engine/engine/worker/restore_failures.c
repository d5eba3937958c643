/* restore_failures.c: see restore_failures.h. */
#include "engine/worker/restore_failures.h"

#include <assert.h>

static void failure_say(const struct error *failure, const struct log_sink *log)
{
	log_say(log, LOG_LEVEL_ERROR, &(struct log_fields){.kind = error_kind_name(failure->kind), .place = failure->place}, "%s",
		failure->text);
}

void restore_failures_take(struct restore_failures *failures, const struct error *failure, const struct log_sink *log,
			   int64_t now_ms)
{
	failures->count++;
	if (failures->count == 1) {
		failures->first = *failure;
		failures->since_ms = now_ms;
		return;
	}
	if (failures->count == 2)
		failure_say(&failures->first, log);
	if (failures->count <= RESTORE_FAILURES_NAMED)
		failure_say(failure, log);
}

int64_t restore_failures_due_ms(const struct restore_failures *failures, bool is_restoring)
{
	if (failures->count == 0)
		return INT64_MAX;
	return failures->since_ms + (is_restoring ? RESTORE_FAILURES_MOST_MS : RESTORE_FAILURES_LEAST_MS);
}

static void others_say(const struct restore_failures *failures, const struct log_sink *log)
{
	if (failures->count > RESTORE_FAILURES_NAMED)
		log_say(log, LOG_LEVEL_ERROR, NULL, "and %zu more partition%s whose state cannot be restored",
			failures->count - RESTORE_FAILURES_NAMED, failures->count - RESTORE_FAILURES_NAMED == 1 ? "" : "s");
}

void restore_failures_end(struct restore_failures *failures, const struct log_sink *log, struct error *error)
{
	assert(failures->count > 0);
	failures->is_ended = true;
	others_say(failures, log);
	if (failures->count == 1)
		*error = failures->first;
	else
		error_set(
			error, failures->first.kind, failures->first.place,
			"the state of %zu partitions cannot be restored; the log names %s of them, with what to do. The first: %s",
			failures->count, failures->count > RESTORE_FAILURES_NAMED ? "the first" : "each", failures->first.text);
}

void restore_failures_close(struct restore_failures *failures, const struct log_sink *log)
{
	if (failures->is_ended)
		return;
	if (failures->count == 1)
		failure_say(&failures->first, log);
	others_say(failures, log);
}
