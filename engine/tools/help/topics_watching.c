/* topics_watching.c: Topics of `sluice help` for what operators and clients read: the headers of requests and answers, the
 * states of pipelines and engines, the columns of `sluice top`. */
#include "gateway/access/access.h"
#include "gateway/calls/idempotent_calls.h"
#include "tools/help/help_topic.h"
#include "message/records/answer_tensors.h"
#include "message/records/assigned_record.h"
#include "message/records/explained.h"
#include "message/records/exposure.h"
#include "message/records/mirror_reply.h"
#include "message/formats/oip_json.h"
#include "message/records/reply.h"
#include "message/records/trace_context.h"

struct watching_row {
	const char *name, *where, *text; /* the last row has no name */
};

static void rows_visit(struct help_visit *visit, const struct watching_row *rows)
{
	for (; rows->name; rows++)
		help_see(visit, rows->name, rows->where, rows->text, rows);
}

static void row_print(struct help_page *page, const struct help_entry *entry)
{
	const struct watching_row *row = entry->item;
	help_page_item(page, 0, row->text, "%s (%s)", row->name, row->where);
}

/* ---- headers ---- */

#define OF_REQUEST "request"
#define OF_ANSWER "answer"
#define OF_BOTH "request and answer"
#define OF_CALL "call of the gateway"

static const struct watching_row header_rows[] = {
	{"content-type", OF_BOTH, "The format. `sluice help formats` lists the values. Without it, the bytes show the format."},
	{REPLY_ID_HEADER, OF_BOTH,
	 "The id. The answer has the same id. Without it, the id in the payload counts; an error has it as this header."},
	{DEADLINE_HEADER, OF_REQUEST,
	 "The deadline, in milliseconds since 1970. After it the request is answered with a LIMIT error, and not processed."},
	{"x-timeout-ms", OF_CALL, "How long the caller waits, in milliseconds. The request gets this deadline."},
	{"grpc-timeout", OF_CALL, "The same for calls by gRPC, in the form of gRPC."},
	{EXPLAIN_HEADER, OF_REQUEST, "Asks for an explanation of the answer: any value except `no`, `false` and `0`."},
	{ROUTE_HEADER, OF_BOTH,
	 "The variants that experiments chose. A request with it gets the same ones, as in Seldon Core 2. With `compat: seldon` "
	 "gateways add the models and the pipeline that Seldon names."},
	{ASSIGNED_HEADER, OF_ANSWER,
	 "The variants that experiments chose for the request, and with which probability. `fallback`: the default answered. "
	 "`replay`: the request had failed before, and got the variant that it had then."},
	{EXPOSURE_HEADER, OF_ANSWER,
	 "The exposure of the request to a variant (schemas/exposure.avsc), with `exposures: thin`; one header for each choice. "
	 "`sluice experiments analyze` reads it. Gateways drop it. An Avro answer has it in its `versions`."},
	{JUDGED_HEADER, OF_ANSWER,
	 "What metrics of `truth` and `reward` name of the request and the answer, in a pipeline that declares such a "
	 "metric; also a header of its exposures. Engines read it when feedback comes. Gateways drop it."},
	{ASSIGNED_RECORD_HEADER, OF_REQUEST,
	 "What experiments had chosen before the request failed: set by engines in dead letters, and sent by `sluice errors "
	 "replay`. Gateways drop it. Whoever may write to the topic of requests may set it, and chooses by it no more than "
	 "by " ROUTE_HEADER "."},
	{MIRRORED_HEADER, OF_ANSWER, "The experiments whose mirror was to get a copy of the request."},
	{ANSWER_TENSORS_HEADER, OF_ANSWER,
	 "The names and shapes of the tensors, of an answer in V1 or of Seldon v1, which have no room for them: metrics and "
	 "mirrors go by these names. Gateways drop it."},
	{REPLY_ERROR_HEADER, OF_ANSWER, "The kind of the error: INPUT, REMOTE, LIMIT. An answer without it is no error."},
	{REPLY_PLACE_HEADER, OF_ANSWER,
	 "Where the error is: in the metadata of gRPC, and in errors that a caller may poll. Without it, at the request."},
	{REPLY_STEP_HEADER, OF_ANSWER, "The step that failed: likewise."},
	{REPLY_ATTEMPTS_HEADER, OF_ANSWER, "How often the failed call was tried: likewise."},
	{OIP_LENGTH_HEADER, OF_BOTH, "Bytes of JSON before the binary data of the tensors, in the Open Inference Protocol."},
	{TRACE_PARENT_HEADER, OF_BOTH,
	 "The trace of the request (W3C Trace Context). Calls of models have it, and so has the answer. A request that has only "
	 "headers of B3 gets it from those. An invalid one is ignored."},
	{TRACE_STATE_HEADER, OF_BOTH, "What tracing systems add to that: likewise, up to 512 printable characters."},
	{"sluice-key", OF_CALL, "The key of the request's record in Kafka. Requests of one key are answered in order."},
	{ACCESS_API_KEY_HEADER, OF_CALL, "An API key. It is never sent to Kafka or to a model."},
	{"authorization", OF_CALL, "A JSON Web Token: `Bearer TOKEN`. It is never sent to Kafka or to a model."},
	{IDEMPOTENCY_HEADER, OF_CALL, "A call that is repeated with the same value gets the answer of the first one."},
	{IDEMPOTENCY_REPLAYED_HEADER, OF_ANSWER, "`true`: this is the answer of an earlier call with the same idempotency-key."},
	{"prefer", OF_CALL, "`respond-async`: the gateway returns the address of the answer at once, for later."},
	{REPLY_HEADER, OF_BOTH, "Where a gateway waits for the answer: set by gateways."},
	{EXPLAIN_REPLY_HEADER, OF_REQUEST, "The gateway waits for the explanation: set by gateways."},
	{REPLY_DEFAULT_ID_HEADER, OF_BOTH, "The id of a request that has none of its own: set by gateways. Its answer has it too."},
	{REPLY_ANSWERED_HEADER, OF_REQUEST,
	 "Pipeline that has answered the request already, by `ingress: direct`: its engines skip the record."},
	{REPLY_SUBMITTED_HEADER, OF_REQUEST, "The request was submitted with `prefer: respond-async`: set by gateways."},
	{REPLY_SUBMISSION_HEADER, OF_ANSWER, "The submission that is answered: set by engines."},
	{REPLY_ORIGIN_HEADER, OF_ANSWER,
	 "TOPIC/PARTITION/OFFSET of the request, if it has no id of its own, was submitted, or a gateway waits for the answer: "
	 "set by engines."},
	{MIRROR_HEADER, "reply of a mirror",
	 "EXPERIMENT=MIRROR; latency_ms=12; request_ms=TIME, on the shadow topic of a pipeline. `of-answer`: engines compare it "
	 "with the answer, as they do for a predictor with `shadow`. `left-out`: the copy was not sent."},
	{MIRROR_VERDICT_HEADER, "reply of a mirror",
	 "`agrees`, or `differs=` with the tensor and both numbers, by the mirror's `tolerance`. Set by engines that have "
	 "compared it with the reply of the candidate, or with the answer."},
	{REPLY_OUTCOME_HEADER, OF_ANSWER, "`filtered` or `failed`: the request ended without an answer. Set by engines."},
	{REPLY_LIMIT_HEADER, OF_ANSWER,
	 "The limit of a LIMIT error: deadline, admission, warmup, cancel or answer. Set by engines."},
	{REPLY_INPUT_HEADER, OF_ANSWER, "`tensor`: the INPUT error is a wrong shape or datatype. Set by engines."},
	{NULL, NULL, NULL},
};

static void headers_visit(struct help_visit *visit)
{
	rows_visit(visit, header_rows);
}

const struct help_topic topic_headers = {
	.name = "headers",
	.one = "header",
	.summary = "The headers of requests and answers, in Kafka, HTTP and gRPC.",
	.visit = headers_visit,
	.print_entry = row_print,
	.caseless = true,
};

/* ---- states ---- */

#define IN_TOP "sluice top"
#define IN_DESCRIBE "sluice describe"

static const struct watching_row state_rows[] = {
	{"running", IN_TOP, "The engine serves the pipeline."},
	{"waiting", IN_TOP,
	 "Requests wait, and the reason is beside the state: for example a model that is unreachable. No request is lost."},
	{"slow", IN_TOP,
	 "The calls of a model wait for a second or more, or take ten times as long as before and at least 100 ms. While none "
	 "ends, that is the time for which they are open. The reason has the model, the mean time of a call now and before, the "
	 "calls in flight, and those that wait; of a model that hangs, for how long none was answered: `no reply for 12 s`. A call "
	 "that is open for 3 s, and ten times as long as the others take, makes it slow, too: `one without a reply for 12 s`. "
	 "After an outage of the model, waits are not counted for as long as the outage lasted, unless a call takes a second or "
	 "more, and twice as long as before. No request is lost."},
	{"unobserved", IN_TOP,
	 "The pipeline answers, but its observers wait, so its drift, outliers, bandits or importances stand still: for example "
	 "for a topic that was deleted, or because of a changelog with a damaged record. Or a step that watches data cannot: its "
	 "reference cannot be learnt from its topic, nothing can be compared with it, or messages lack what it watches. The reason "
	 "is beside it. No request is lost."},
	{"paused", IN_TOP,
	 "The engine reads no more for now, because its maximum of requests is in flight. Models are slower than requests arrive."},
	{"failing", IN_TOP, "At least the last ten results are errors. `sluice errors list PIPELINE` shows the reasons."},
	{"not ready", IN_TOP,
	 "The engine has no partitions yet, restores the state of the pipeline, or the reason is beside the state: for example a "
	 "topic that was deleted."},
	{"silent", IN_TOP,
	 "The engine has not reported for 3 s, and was not stopped: it crashed, is frozen, or has no network. LAG has the records "
	 "that it left."},
	{"failed", IN_TOP, "The engine ended by an error, which is beside the state, and no other engine serves its pipeline."},
	{"stopped", IN_TOP, "The engine was stopped, and no other engine serves its pipeline. Start one."},
	{"Ready", IN_DESCRIBE, "The engine runs this version."},
	{"Starting", IN_DESCRIBE, "The workers change to the version, or the consumer group assigns partitions."},
	{"Waiting", IN_DESCRIBE, "Requests wait, or a change is not prepared yet. The reason is beside it."},
	{"Failed", IN_DESCRIBE, "The documents in force cannot run. The former version continues. The reason is beside it."},
	{"Stale", IN_DESCRIBE, "The engine has received no record of the keeper for 5 s. It continues to run its version."},
	{"Slow", IN_DESCRIBE,
	 "A model answers, but slowly, as under `slow`. The numbers beside it are up to 10 s old. No request is lost."},
	{"Differs", IN_DESCRIBE,
	 "The pipeline answers, but one of its topics is not as planned: partitions were added, its retention differs, it is no "
	 "longer compacted, or it is gone. The reason says what to do."},
	{"NoSecret", IN_DESCRIBE,
	 "The resource runs without a secret: its document names it by a form that YAML may no longer have. The reason says what "
	 "to write."},
	{"Stopped", IN_DESCRIBE, "The engine was stopped."},
	{"Absent", IN_DESCRIBE, "The engine does not run the resource: no version of it is in force."},
	{"Silent", IN_DESCRIBE, "The engine has not reported for 5 s."},
	{"Unknown", IN_DESCRIBE, "The engine has not reported about this resource."},
	{NULL, NULL, NULL},
};

static void states_visit(struct help_visit *visit)
{
	rows_visit(visit, state_rows);
}

const struct help_topic topic_states = {
	.name = "states",
	.one = "state",
	.summary = "The states of pipelines and engines, in `sluice top` and `sluice describe`.",
	.visit = states_visit,
	.print_entry = row_print,
};

/* ---- columns ---- */

static const struct watching_row column_rows[] = {
	{"PIPELINE", IN_TOP, "The pipeline."},
	{"ENGINE", IN_TOP, "The engine, by its --instance."},
	{"PER S", IN_TOP, "Answers in the last second."},
	{"P50 MS", IN_TOP, "Median time from the timestamp of a request's record to its answer. It includes the wait in Kafka."},
	{"P99 MS", IN_TOP, "The same time; 99 of 100 requests took less."},
	{"IN FLIGHT", IN_TOP, "Requests that the engine has read and not yet answered."},
	{"FLIGHT", IN_TOP, "The same as IN FLIGHT, on a narrow terminal."},
	{"LAG", IN_TOP,
	 "Records of the pipeline's topics that its consumer group has not committed, over all engines. 0: nothing is left to do."},
	{"ANSWERED", IN_TOP, "Answers since the start of the engine."},
	{"ERRORS", IN_TOP, "Requests that failed since the start of the engine."},
	{"LETTERS", IN_TOP, "Dead letters: failed requests that were kept in the errors topic."},
	{"STATE", IN_TOP, "The state of the pipeline in this engine. `sluice help states` lists the states."},
	{"resets", IN_TOP, "How often the producer began again at the committed offsets. It is shown when it is not 0."},
	{"skipped", IN_TOP, "Records that were deleted before the engine read them. It is shown when it is not 0."},
	{NULL, NULL, NULL},
};

static void columns_visit(struct help_visit *visit)
{
	rows_visit(visit, column_rows);
}

const struct help_topic topic_columns = {
	.name = "columns",
	.one = "column",
	.summary = "The columns of `sluice top`.",
	.visit = columns_visit,
	.print_entry = row_print,
};
