/* flow.h: Flow: runs messages through the steps of one graph. Pure: it uses a socket, file, clock or random source
 * only through its arguments. So the same code runs in `sluice test`, in the simulator and in a worker.
 *
 * The caller enters a message. Steps run as their sources arrive. Calls go out through `environment` and return by
 * flow_answered(). The flow decides joins, triggers, branches, batches and deadlines. At the end it calls `finished`
 * exactly once for each entered message, with its one answer (or none, if the pipeline has no output). Taps get the
 * inputs and outputs of every step.
 *
 * The graph may be one stage of a pipeline (graph->part). Then a message enters with the results of earlier stages
 * (message->carried; NULL in the first stage), and those sources are settled at once. When it has finished, whatever
 * its outcome, message->carried has the stages that it goes on to, and the results that go with it. An error or a
 * drop that settles the answer is answered in the first stage that can know it, and only there.
 *
 * The window of a join stays open while a source that it needs waits for a model whose servers are unreachable. When
 * the model is back, the window begins again. A join that can go on without that source (`outer`, `any`, `need`
 * members that have come) keeps its window. A deadline is never extended.
 *
 * If a step makes many messages of one, the offspring are processed inside, in the arena of the entered message. That
 * message finishes when all of them have. The message of their calls and taps is then an offspring; message_root()
 * returns the entered message.
 *
 * A flow belongs to one thread and is not reentrant: functions of the environment must not call flow functions; they note and
 * return.
 */
#pragma once

#include "observe/counts.h"
#include "compiler/graph/graph.h"
#include "flow/state/store.h"
#include "compiler/step/step.h"

struct flow;

enum flow_outcome {
	FLOW_ANSWER,	/* `answer` has a payload or an error */
	FLOW_NO_ANSWER, /* the pipeline has no output; all its steps have ended. answer->error: the first that failed, or NULL */
	FLOW_DROPPED,	/* a step dropped it on purpose (filter, route): no answer, counted */
	FLOW_PASSED,	/* another stage of the pipeline answers it, or an earlier one has */
	FLOW_PARTED,	/* its offspring answer instead of it: message->offspring */
};

/* One of a message's offspring, and its outcome: FLOW_ANSWER, FLOW_NO_ANSWER, FLOW_DROPPED or FLOW_PASSED. It is in
 * the message's arena. */
struct offspring {
	struct message message;
	const struct offspring *next;
	enum flow_outcome outcome;
	bool keyed; /* it has a key of its own, which its answer gets */
	struct answer answer;
};

enum tap_point { TAP_PIPELINE_INPUTS, TAP_PIPELINE_OUTPUTS, TAP_STEP_INPUTS, TAP_STEP_OUTPUTS };

/* Fills in a call of a pipeline with that pipeline's answer: its output, borrowed, or its error. If there is neither,
 * the call gets an INPUT error with the reason. */
void call_take_answer(struct call *call, enum flow_outcome outcome, const struct answer *answer);

/* Adds the assignments of a called pipeline's message to the calling message. If that message's arena is full, the call
 * gets a LIMIT error. */
void call_take_assigned(struct call *call, const struct message *message);

/* The result with which the reply to a copy is compared that the mirror of an experiment gets: that of a call; or, where the
 * experiment's choices are ways of a step, the answer of the message, since no one call has the result of a way. */
struct mirrored_result {
	void **copy; /* whose result it is has the copy there: `copy` sets it; it lives until `mirrored` or `unmirrored` has it */
	bool of_answer; /* of the message */
	const char *experiment;
	double tolerance;	      /* as in experiments/analysis/mirror_difference.h */
	struct mirror_counts *counts; /* of its step; NULL: not counted */
};

struct flow_environment {
	void *context;
	/* Begins a call; its answer is returned by flow_answered(). */
	void (*call)(void *context, struct call *call);
	/* Begins a shadow call; no answer is returned. Everything is borrowed until this returns, but names and counts. `of`: the
	 * result with which a mirror's reply is compared; NULL: it is for no mirror. NULL: there are no shadow calls. */
	void (*copy)(void *context, const struct call *call, const struct mirrored_result *of);
	/* Gets the result of a copy when it is known: that of the default if that answers instead; `reply` NULL: it is an error,
	 * also if the deadline has passed. Borrowed until this returns. NULL: nothing is compared. */
	void (*mirrored)(void *context, void *copy, const struct payload *reply);
	/* Gives up a copy whose result will not be known: its call is given up; its message is dropped, or is answered by another
	 * stage. NULL: as `mirrored`. */
	void (*unmirrored)(void *context, void *copy);
	/* When the call last waited for an unreachable model, by the flow's clock. Only models for which it may wait
	 * count. Now, if it still waits; 0: never. NULL: not known. */
	int64_t (*outage_ms)(void *context, const struct call *call);
	/* How long a call that is under way has waited in queues of this engine, before models that could be reached. NULL: not
	 * known. */
	int64_t (*waited_ms)(void *context, const struct call *call);
	/* What a call that is under way waits for. NULL: it is on its way. */
	enum standing (*standing)(void *context, const struct call *call);
	/* Gives up a call, because its message was answered, or its candidate's time is over. The call may be dropped, or begun
	 * again for another name; flow_answered() must not follow. */
	void (*forget)(void *context, struct call *call);
	/* The answer is known and may leave, though steps beside the answer may still run. Called once for each
	 * entered message, before `finished`; the answer lives until then. NULL: no early answers. */
	void (*answer)(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer);
	/* The message has its answer and its last step has ended. The flow does not refer to it afterwards; its arena
	 * may be reset. */
	void (*finished)(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer);
	/* Gets the inputs and outputs of steps. `step` is STEP_NONE for the pipeline's own inputs and outputs. NULL:
	 * no taps; then the flow does not wait for steps that could only change an answer already given, and gives up
	 * their calls. */
	void (*tap)(void *context, const struct message *message, enum tap_point point, size_t step, const struct payload *payload);
	/* Counts of each step; the flow writes the entry `counted_as` of each. NULL: not counted. */
	struct step_counts *const *step_counts;
	size_t counted_as;
	struct verdict_board *board; /* of the process: observe/verdict_board.h. NULL: nothing is known of verdicts */
	struct rollout_board *rollouts; /* of the process: experiments/rollouts/rollout_board.h. NULL: the plan's tables choose */
	struct policy_board *policies; /* of the process: observe/policy_board.h. NULL: bandits choose by their weights */
	const char *learns_as;	       /* the pipeline that calls this one and learns those policies; NULL: this one */
	const struct file_source *files; /* for steps whose options name files; outlives the flow. NULL: no files */
};

/* Opens the graph's steps. CONFIG: a step cannot run. The graph must outlive the flow. */
struct flow *flow_open(const struct graph *graph, const struct flow_environment *environment, struct error *error);

/* Ends every message inside: gives up its calls, and calls neither `answer` nor `finished` for it. Closes the steps.
 * NULL is fine. */
void flow_close(struct flow *flow);

/* Enters a message at `now_ms` (any clock that does not go back, the same here and below). On an error (memory)
 * the message is not inside, and the caller must answer it. */
bool flow_enter(struct flow *flow, struct message *message, int64_t now_ms, struct error *error);

/* Removes a message that nothing waits for: gives up its calls, and calls neither `answer` nor `finished` for it.
 * Does nothing if the message is not inside. */
void flow_abandon(struct flow *flow, const struct message *message);

/* Removes each message that is void, as flow_abandon() does. `abandoned` gets it back, with the environment's context. A message
 * of a line stays: others may wait for what it remembers. */
void flow_abandon_void(struct flow *flow, bool (*is_void)(const struct message *message),
		       void (*abandoned)(void *context, struct message *message));

/* Ends a message because its caller cancelled it: gives up its calls, and answers with a LIMIT, as a deadline that passes does.
 * False: it is not inside, or its answer is known already, and nothing changes. */
bool flow_cancel(struct flow *flow, const struct message *message, int64_t now_ms);

/* Returns a call with `call->reply` or `call->error` filled in. The reply must live until the message is finished;
 * the arena of call->message is the place for it. */
void flow_answered(struct flow *flow, struct call *call, int64_t now_ms);

/* When the message last waited for a model whose servers were unreachable; 0: never, or it is not inside. */
int64_t flow_outage_ms(const struct flow *flow, const struct message *message);

/* How long calls of a message that is inside have waited in queues of this engine, before models that could be reached. */
int64_t flow_waited_ms(const struct flow *flow, const struct message *message);

/* What a message waits for by its calls; STANDING_NONE also if it is not inside. */
enum standing flow_standing(const struct flow *flow, const struct message *message);

/* When flow_advance() is needed next, for a join window, a batch or a deadline. INT64_MAX: no timer is set. */
int64_t flow_due_ms(const struct flow *flow);
void flow_advance(struct flow *flow, int64_t now_ms);

/* ---- state of stateful steps ---- */

/* Names of the stateful steps, with which a store for the flow is opened; owned by the flow. If the stage joins parts
 * of requests, a scope for parked parts follows, which the flow's owner fills. */
struct store_scopes flow_scopes(const struct flow *flow);

/* Lends the last verdicts of observers whose state is in the store (observe/verdict_board.h): their partition is revoked. */
void flow_verdicts_lend(const struct flow *flow, const struct store *store);

/* Shows the last verdicts that the state of the line has: its partition is here now, and its next message may come late. */
void flow_verdicts_show(struct flow *flow, struct line *line);

/* Whether something in the state of the line waits for a time, and for which: of several observers, the one that has least to
 * wait. */
bool flow_awaits_time(struct flow *flow, struct line *line, struct awaited_time *awaited);

/* Whether the stage joins parts of requests that come from several sources, and the scope for them. */
bool flow_joins_parts(const struct flow *flow, uint32_t *scope);

/* Opens a line: the messages of one partition, in the order in which they are entered with it as their `line`. They
 * pass stateful steps in that order. Writes of the steps go to the store's journal at once. They are also in the
 * message's `writes`, until its owner releases them (store_release(), in the order of the line) or closes the store.
 * Borrows the store. NULL: memory ran out (SYSTEM). */
struct line *line_open(struct flow *flow, struct store *store, struct error *error);

/* Closes a line. Its messages that are still inside go on without it: stateful steps refuse them, and they do not use
 * the store any more. Messages may finish in this call. It may be called after the flow is closed; NULL is fine. */
void line_close(struct line *line);
