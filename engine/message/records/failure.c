/* failure.c: see failure.h. */
#include "message/records/failure.h"

const struct failure_row failure_rows[] = {
	{"CONFIG", ERROR_CONFIG, LIMIT_OF_ENGINE, true, true,
	 "The pipeline's files have an error that only a request shows; errors that are found before stop the command",
	 "Correct the files, then replay"},
	{"INPUT", ERROR_INPUT, LIMIT_OF_ENGINE, true, true, "The request itself is wrong",
	 "Correct it with `sluice errors replay PIPELINE P:O --edit`, or let the client send it again"},
	{"REMOTE", ERROR_REMOTE, LIMIT_OF_ENGINE, true, true,
	 "A model or another service failed, after all retries; or it is unreachable and `onOutage` is `deadletter`",
	 "Fix the service, then replay"},
	{"LIMIT", ERROR_LIMIT, LIMIT_OF_ENGINE, true, true,
	 "A limit was reached: a join window, a size, memory, revisits of a step",
	 "Raise the limit that the reason names, then replay"},
	{"LIMIT, deadline", ERROR_LIMIT, LIMIT_OF_DEADLINE, true, false,
	 "The request's own deadline passed before its answer was ready",
	 "The caller no longer waits for the answer: allow more time, and send it again"},
	{"LIMIT, expiry", ERROR_LIMIT, LIMIT_OF_EXPIRY, true, false,
	 "The request's own deadline had passed before its first step",
	 "The caller no longer waits for the answer: allow more time, and send it again"},
	{"LIMIT, admission", ERROR_LIMIT, LIMIT_OF_ADMISSION, true, false,
	 "The request was refused before its deadline, because it could not have been answered in time",
	 "Send fewer requests at a time, allow more time, or run more engines or model servers, and send it again"},
	{"LIMIT, warmup", ERROR_LIMIT, LIMIT_OF_WARMUP, true, true,
	 "The step compares with earlier requests, and has received too few of them since the engine started",
	 "Replay it later, or name a file with a background"},
	{"LIMIT, cancel", ERROR_LIMIT, LIMIT_OF_CANCEL, true, false,
	 "The caller cancelled the request, or disconnected, before its answer was ready",
	 "Nothing needs to be done; send it again if an answer is wanted"},
	{"LIMIT, answer", ERROR_LIMIT, LIMIT_OF_ANSWER, true, true,
	 "The answer, or another record that the engine wrote for the request, is larger than its topic or a message may be",
	 "Raise the limit that the reason names, or let the pipeline answer less, then replay"},
	{"SYSTEM", ERROR_SYSTEM, LIMIT_OF_ENGINE, true, true,
	 "The engine itself failed to process the request. An engine that cannot continue stops instead, and processes the "
	 "request again after its next start",
	 "Check the engine's log, then replay"},
	{NULL, ERROR_NONE, LIMIT_OF_ENGINE, false, false, NULL, NULL},
};

const struct failure_row *failure_of(const struct error *error)
{
	const struct failure_row *row = failure_rows;
	while (row->name && (row->kind != error->kind || (row->kind == ERROR_LIMIT && row->limit != error->limit)))
		row++;
	return row;
}
