/* flow.h: one message through the steps of one graph. Pure: it touches no socket,
 * file, clock or random source but through what it was handed, so the same code
 * runs in `sluice test`, in the simulator and in a worker.
 *
 * A message is entered; steps run as their sources arrive; calls go out through
 * `outside` and come back by flow_answered(); joins, triggers, branches, batches and
 * deadlines are decided here; at the end `finished` is called exactly once for each
 * message that was entered, with its one answer (or none, where the pipeline has no
 * output). Taps see every step's inputs and outputs.
 *
 * The graph may be one stage of a pipeline's (graph->part). Then a message enters with
 * what earlier stages made of it (message->carried; NULL in the first), which is settled
 * at once; and when it has finished, whatever its outcome, message->carried says to which
 * stages behind it goes on and what goes along. An error or a drop that settles the answer
 * is answered in the first stage that can know it, and nowhere else.
 *
 * The window of a join stands still while something that it cannot do without waits for a model whose servers
 * cannot be reached: when the model is back, the window begins anew. What can go on without (`outer`, `any`, `need`
 * members that are there) keeps its window, and a deadline is never put off.
 *
 * Where a step makes many messages of one, the offspring go their way inside, in the arena
 * of the message that was entered, which finishes when all of them have. Calls and taps
 * have an offspring as their message then; message_root() says of whom.
 *
 * A flow belongs to one thread. It never calls back into itself: outside functions
 * must not call flow functions, they note and return.
 */
#ifndef SLUICE_FLOW_FLOW_H
#define SLUICE_FLOW_FLOW_H

#include "plan/graph.h"
#include "state/store.h"
#include "step/step.h"

struct flow;

enum flow_outcome {
	FLOW_ANSWER,	/* `answer` holds a payload or an error */
	FLOW_NO_ANSWER, /* the pipeline has no output; all its steps have ended. answer->error: the first that failed, or NULL */
	FLOW_DROPPED,	/* a step dropped it on purpose (filter, route): no answer, counted */
	FLOW_PASSED,	/* another stage of the pipeline answers it, or one before has */
	FLOW_PARTED,	/* its offspring answer instead of it: message->offspring */
};

/* What has become of one of a message's offspring: FLOW_ANSWER, FLOW_NO_ANSWER, FLOW_DROPPED
 * or FLOW_PASSED. It lives in the message's arena. */
struct offspring {
	struct message message;
	const struct offspring *next;
	enum flow_outcome outcome;
	bool keyed; /* it has a key of its own, which is that of its answer */
	struct answer answer;
};

enum tap_point { TAP_PIPELINE_INPUTS, TAP_PIPELINE_OUTPUTS, TAP_STEP_INPUTS, TAP_STEP_OUTPUTS };

/* What a pipeline gave, as the answer to the call of it by its name: its output, borrowed, its
 * error, or an INPUT error that says why it has none. */
void call_take_answer(struct call *call, enum flow_outcome outcome, const struct answer *answer);

struct flow_outside {
	void *context;
	/* Starts a call; its answer is given back by flow_answered(). */
	void (*call)(void *context, struct call *call);
	/* Starts a call of which nobody waits for an answer; none is given back. All of it is
	 * borrowed until this returns. NULL: copies are left out. */
	void (*copy)(void *context, const struct call *call);
	/* When the call last waited for a model whose servers cannot be reached, and that it may wait for, by the flow's
	 * clock: now, if it still does; 0: never. NULL: nobody knows. */
	int64_t (*outage_ms)(void *context, const struct call *call);
	/* A call that nobody waits for any more (its message was answered): may be dropped,
	 * then flow_answered() must not come. */
	void (*forget)(void *context, struct call *call);
	/* The answer is known, though steps beside its way may still run: it may leave. Once
	 * for each message that was entered, before `finished`, and alive until then. NULL: not told early. */
	void (*answer)(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer);
	/* The message has its answer and its last step has ended. Nothing of the flow refers
	 * to it afterwards; its arena may be reset. */
	void (*finished)(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer);
	/* NULL: nobody listens; then steps that could still only change an answer already
	 * given are not waited for, and their calls are forgotten. `step` is STEP_NONE for
	 * the pipeline's own points. */
	void (*tap)(void *context, const struct message *message, enum tap_point point, size_t step, const struct payload *payload);
	const struct file_source *files; /* for steps whose options name files; outlives the flow. NULL: none can be read */
};

/* Opens the graph's steps. CONFIG errors where a step cannot run. The graph must
 * outlive the flow. */
struct flow *flow_open(const struct graph *graph, const struct flow_outside *outside, struct error *error);

/* Ends every message still inside: its calls are forgotten, and neither `answer` nor
 * `finished` is called for it. Closes the steps. NULL is fine. */
void flow_close(struct flow *flow);

/* A message begins its way at `now_ms` (any clock that does not go back). An error
 * means that it could not be begun (memory): it is then the caller's to answer. */
bool flow_enter(struct flow *flow, struct message *message, int64_t now_ms, struct error *error);

/* Nobody waits for the message any more: its calls are forgotten, and neither `answer` nor
 * `finished` is called for it. Nothing when it is not inside. */
void flow_abandon(struct flow *flow, const struct message *message);

/* `call->reply` or `call->error` is filled in; the reply lives at least until the
 * message is finished (the arena of call->message is the place for it). */
void flow_answered(struct flow *flow, struct call *call, int64_t now_ms);

/* When the message last waited for a model whose servers could not be reached; 0: never, or it is not inside. */
int64_t flow_outage_ms(const struct flow *flow, const struct message *message);

/* When flow_advance() is needed next: a join window, a batch, a deadline.
 * INT64_MAX: nothing waits for time. */
int64_t flow_due_ms(const struct flow *flow);
void flow_advance(struct flow *flow, int64_t now_ms);

/* ---- what stateful steps remember ---- */

/* The names of its stateful steps, by which a store for it is opened; the flow's. Behind
 * them, where the stage joins what comes of a request by several ways, a scope for parts
 * that wait, which is its owner's to fill. */
struct scopes flow_scopes(const struct flow *flow);

/* Whether the stage joins what comes of a request by several ways, and the scope. */
bool flow_joins_parts(const struct flow *flow, uint32_t *scope);

/* A line is the messages of one partition, in the order in which they are entered: those
 * that have it as their `line`. Stateful steps let them pass in that order, and what the
 * steps write is journaled in the store, at once, and stands in the message's `writes`
 * until whoever has the message releases them (store_release(), in the order of the line)
 * or closes the store. Borrows the store. NULL: memory ran out (SYSTEM). */
struct line *line_open(struct flow *flow, struct store *store, struct error *error);

/* Messages of it that are still inside go on without it: stateful steps refuse them, and
 * they touch its store no more. Messages may finish in this call. It may be closed behind
 * its flow; NULL is fine. */
void line_close(struct line *line);

#endif
