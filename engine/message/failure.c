/* failure.c: see failure.h. */
#include "message/failure.h"

#include <stddef.h>

const struct failure_row failure_rows[] = {
	{"CONFIG", ERROR_CONFIG, LIMIT_OF_ENGINE, true, true,
	 "The pipeline's files are wrong in a way that only a request shows; what is found before stops the command",
	 "Correct the files, then replay"},
	{"INPUT", ERROR_INPUT, LIMIT_OF_ENGINE, true, true, "The request itself is wrong",
	 "Correct it with `sluice errors replay PIPELINE P:O --edit`, or have the client send it anew"},
	{"REMOTE", ERROR_REMOTE, LIMIT_OF_ENGINE, true, true,
	 "A model or another service failed, also when it was asked again; or it is unreachable and `onOutage` is `deadletter`",
	 "Mend the service, then replay"},
	{"LIMIT", ERROR_LIMIT, LIMIT_OF_ENGINE, true, true,
	 "A stated limit was met: a join window, a size, memory, revisits of a step, a record that Kafka refuses",
	 "Raise the limit that the reason names, then replay"},
	{"LIMIT, deadline", ERROR_LIMIT, LIMIT_OF_DEADLINE, true, false,
	 "The request's own deadline passed before its answer was there",
	 "Nobody waits for the answer any more: allow more time, and send it anew"},
	{"LIMIT, admission", ERROR_LIMIT, LIMIT_OF_ADMISSION, true, false,
	 "The request was refused ahead of its deadline, because it could not have been answered in time",
	 "Ask for less at a time, allow more time, or run more engines or model servers, and send it anew"},
	{"SYSTEM", ERROR_SYSTEM, LIMIT_OF_ENGINE, true, true,
	 "The engine itself failed at the request; one that cannot go on at all stops instead, and takes the request again when it "
	 "is started",
	 "See what the engine says, then replay"},
	{NULL, ERROR_NONE, LIMIT_OF_ENGINE, false, false, NULL, NULL},
};

const struct failure_row *failure_of(const struct error *error)
{
	const struct failure_row *row = failure_rows;
	while (row->name && (row->kind != error->kind || (row->kind == ERROR_LIMIT && row->limit != error->limit)))
		row++;
	return row;
}
