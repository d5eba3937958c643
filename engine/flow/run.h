/* run.h: Structs of a flow and of one message's run in it, and the functions that the files of this module share.
 * Private to engine/flow; other modules include flow.h.
 *
 * Of a flow (made by open.c, once): each step is a node. Its inputs and its triggers are gates. A node's results
 * leave by an outlet, whose edges lead to the gates that named the node as a source. The answer is the node after the
 * last step, with an input gate only.
 *
 * Of one message (in its arena): a run, with a node state for each node and an arrival for each source of each gate.
 * A run executes its tasks until none is left; then it is finished, or it waits for calls and for time.
 */
#pragma once

#include "flow/drafts.h"
#include "flow/flow.h"
#include "flow/tensor_selection.h"
#include "message/records/carried.h"

/* ---- of a flow ---- */

struct flow_edge {
	size_t node;	    /* of the gate: index into flow->nodes */
	size_t arrival;	    /* of the source: index into run->arrivals */
	struct text tensor; /* the only tensor that it takes; empty: all */
	bool trigger;
	bool descends; /* leads from the level of a message to the level of its offspring */
	bool alone;    /* the only source of its node, which fires once: nothing to join */
	bool watches;  /* leads to an observer: what came counts there, also without a tensor that it reads */
};

struct outlet {
	size_t count;
	bool whole;		 /* each node gets all, under the same names: nothing to join or select */
	bool direct;		 /* whole, and leads to one node only */
	struct flow_node *next;	 /* that node, if its step is plain */
	struct flow_edge *edges; /* edges to the same node are next to each other */
};

struct gate {
	const struct join *join; /* NULL: always open (no triggers) */
	size_t count;		 /* number of sources */
	size_t first;		 /* of its arrivals in run->arrivals */
	size_t need;		 /* sources without which it never opens */
	int64_t within_ms;	 /* time after the first arrival from which `need` are enough; INT64_MAX: all must be settled */
	bool each;		 /* `any`: opens for each arrival */
	bool plain;		 /* one whole source, nothing renamed: its payload passes uncopied */
	size_t *leader;		 /* of each source: the first that names the same producer */
};

struct flow_node {
	size_t index;
	struct step step;
	const struct graph_step *graph_step; /* NULL: the answer */
	struct gate inputs;
	struct gate triggers;
	struct outlet sent; /* to the readers of the step's inputs */
	struct outlet gave;
	struct tensors_wanted outputs; /* that its model is asked for */
	bool plain;		       /* no `when`, switch, batch, renamed output, tap, or reader of its inputs */
	bool chains;		       /* plain, and not counted */
	bool noted;		       /* it only marks, and nobody reads that: its inputs are noted, and there is no visit */
	bool recurring;		       /* on a cycle or after one: may fire again, so nothing is dead before all is quiet */
	bool beside;		       /* it leads to something that is not part of the answer */
	struct sample *sample;	       /* of an observer in another stage: the messages that it gets; else NULL */
	bool in_later_stage;	       /* it runs in a later stage: the opening of its gates is noted, and there is no visit */
	bool stateful;
	bool multiplies;
	struct inlets {
		size_t count;
		const struct flow_edge **items;
	} inlets;		    /* of one that multiplies: edges by which its offspring get results of nodes before it */
	bool gathers;		    /* offspring come to its gates; its result belongs to their parent */
	size_t comes;		    /* level of its gates: the node whose offspring come there; STEP_NONE: the message itself */
	size_t gives;		    /* level of its results; other than `comes` if it gathers */
	uint32_t ordered_gate;	    /* of a stateful one: index of the ordered gate, and its scope in a store */
	struct step_counts *counts; /* NULL: not counted */
	struct batch *open_batches; /* being filled */
	struct batch *flying;	    /* sent, not answered */
	struct batch *spare;	    /* empty, with their memory */
};

struct timer {
	int64_t due_ms;
	uint64_t serial; /* timers due at the same time expire in the order in which they were made */
	size_t slot;	 /* in flow->timers; 0: not set */
	struct run *run; /* owner, if it is a run; otherwise: */
	struct batch *batch;
};

struct flow {
	const struct graph *graph;
	struct flow_environment environment;
	struct arena *arena;
	size_t count; /* number of steps; nodes[count] is the answer */
	struct flow_node *nodes;
	struct outlet request;
	size_t arrivals; /* number per run */
	size_t run_size_bytes;
	struct run *runs;		/* of messages inside */
	struct run *ready, **ready_end; /* to be worked off before the flow returns */
	size_t inside;
	int64_t now_ms;
	uint64_t serial;
	struct timer **timers; /* binary heap; [0] is not used */
	size_t timer_count;
	size_t timer_capacity;
	size_t batch_count; /* each may set a timer */
	struct policy_entry **policies; /* of each experiment of the graph; NULL: there is no board */
	struct flow_rollout *rollouts;	/* likewise */
	bool **given_up;		/* of each experiment, of each choice: it stayed unreachable, and no request waits for it */
	bool *lacked;	    /* scratch of outage.c: for each node and the answer */
	size_t ordered_gate_count;
	size_t ordered_gates[STORE_SCOPES_MAX]; /* the stateful nodes */
	const char *scopes[STORE_SCOPES_MAX];	/* their names; and one more for parked parts */
};

/* ---- of one message ---- */

enum arrival_state { ARRIVAL_PENDING, ARRIVAL_CAME, ARRIVAL_DEAD, ARRIVAL_FAILED };

struct flow_arrival {
	const struct payload *payload; /* whole output of the producer; selected when the gate opens */
	enum arrival_state state;
};

struct tally {			     /* counts of a gate's arrivals */
	uint16_t came, dead, failed; /* a graph joins 1,024 sources at most */
};

enum node_state_stage { NODE_OPEN, NODE_FIRED, NODE_DEAD, NODE_FAILED };

struct node_state {
	struct tally inputs;
	struct tally triggers;
	unsigned char stage;   /* enum node_state_stage */
	unsigned char silence; /* enum silence: why it fired and gave nothing */
	bool ticking;	       /* the window is open, since: */
	bool fresh;	       /* something came since it last fired */
	int64_t since_ms;
	int64_t visits; /* on a cycle; of one that gathers: number of offspring that came or never will */
	const struct payload *sent;
	const struct payload *gave;
	const char *only_to; /* the only step that gets its result; NULL: all readers */
	const struct error *error;
	unsigned attempts; /* of the visit that failed with `error`, at least 1; 0: the error came from another node */
	bool passed;	   /* has passed its ordered gate, or will never come to it */
	bool childless;	   /* of one that multiplies: it has ended without offspring */
};

/* Outages that a run has met (outage.c); made at the first one. */
struct run_outages {
	int64_t latest_ms; /* of a root: latest of its node states */
	struct node_state_outage {
		int64_t stood_ms;  /* until then an outage delayed what the node state lacks; 0: none did */
		int64_t waited_ms; /* of a root: when a visit there, also of offspring, last waited during an outage; 0: never */
	} node_states[];
};

enum task_kind { TASK_VISIT, TASK_DEAD, TASK_FAILED };

struct task {
	struct task *next;
	size_t node;
	enum task_kind kind;
};

struct rollout_entry;
struct rollout_choice; /* rollout_choices.h */

/* The rollout of an experiment of the graph. */
struct flow_rollout {
	struct rollout_entry *entry; /* NULL: its weights are those of the plan */
	uint64_t names;		     /* of the choices that the graph has */
};

struct pending { /* an outstanding call */
	struct call call;
	struct visit *visit;
	struct pending *next;
	bool open;
	/* Of a call that an experiment splits; else NULL. */
	const char *fallback; /* its default, which is called if the candidate fails; NULL: none */
	struct assigned *assigned;
	struct rollout_choice *rollout;		   /* that is counted when the request ends; NULL: none */
	const struct graph_experiment *experiment; /* that chose; its rollout may move the call on */
	int64_t look_ms; /* when experiment_due() is to see whether the candidate keeps it waiting; 0: never */
	int64_t began_ms;      /* as the choice's call */
	int64_t slow_ms;       /* when it may be slow by every rule of the rollout; 0: never */
	int64_t slow_after_ms; /* as long as it may take then, without its waits in queues of this engine */
	int64_t patience_ms; /* until when it waits for an unreachable candidate; 0: as for any model */
	size_t choice;	     /* of the experiment */
	bool is_compared;    /* a rollout compares its candidate with the default */
};

struct visit {
	struct task task; /* first: a visit is a task */
	struct flow *flow;
	struct run *run; /* NULL: of a whole batch */
	struct flow_node *node;
	const struct message *message;
	struct arena *arena;
	const struct payload *input;
	int64_t began_ms; /* if its step is counted */
	void *work;	  /* if it ends in turn */
	/* The fields from here on begin as zero. */
	const struct payload *emitted;
	union {
		const struct payload *const *sources; /* of each source of the gate; NULL: `input` is of the only source */
		const struct parts *parts;	      /* of one that gathers: the parts that came */
	};
	const char *only_to;
	const char *model; /* chosen by a model switch; NULL: the step's own */
	struct pending *calls;
	struct batch *batch;	       /* that it waits in; or (run NULL) that it is for */
	struct visit *next, *previous; /* in the list of waiting visits */
	bool waiting;
	bool parked;	       /* before an ordered gate, until earlier messages have passed */
	bool ends_in_turn;     /* its step has run, and in_turn() is to continue with `work` */
	bool gathers;	       /* `parts` is set, and `sources` is not */
	bool turns;	       /* it has called, or chosen the readers of its result: it ends a chain of plain steps */
	struct drafts *drafts; /* NULL: it wrote nothing */
};

/* One of the offspring; in the arena of their root, as is its run. */
struct child {
	struct offspring offspring; /* first: the message is found by its address */
	const struct payload *payload;
	struct child_group *child_group;
	struct run *run;
	struct child *next;
	bool ended;
};

/* Offspring that one visit has made. */
struct child_group {
	struct child_group *next; /* of the same parent */
	struct run *parent;
	size_t node;
	size_t count, alive;
	bool begun; /* its visit has ended without error, and they go on */
	struct child *first, **end;
};

struct parts {
	size_t count;
	struct part {
		const struct child *child;
		const struct payload *payload;
	} items[];
};

struct run {
	struct timer timer;
	struct flow *flow;
	struct message *message;
	struct run *next, *previous;
	struct run *next_ready;
	bool ready; /* in the ready list, or being worked off */
	struct task *tasks, **tasks_end;
	struct visit *waiting;
	struct line *line; /* NULL: it has none, or it was closed */
	struct run *ahead, *behind;
	struct child *child;		  /* that it runs; NULL: it runs an entered message */
	struct child_group *child_groups; /* offspring that steps have made of its message */
	bool answered;
	bool dropped;
	bool has_called; /* of a root: a call of its message has ended */
	bool has_had_copy; /* to a mirror, of its message, whatever became of it */
	enum flow_outcome outcome;
	uint32_t offspring; /* of a root: number of all its offspring */
	struct answer answer;
	int64_t fall_back_ms;	     /* when experiment_due() is to look at its calls; 0: never */
	const struct error *failure; /* the first of a step that leads to the answer */
	void *mirrored;		     /* the copy to a mirror that is compared with the answer; NULL: none; used by the platform */
	struct run_outages *outages; /* NULL: it has met none */
	struct node_state *node_states;
	struct flow_arrival *arrivals;
	struct error *error; /* scratch, shared with the root; the last resort when the arena is full; not cleared at first */
};

/* ---- offspring.c ---- */

/* Whether nodes of a level belong to this run. A level is the node whose offspring go there, or STEP_NONE for the
 * message itself. They do if the run's message is such an offspring, or if that node made no offspring of it. */
bool run_has_level(const struct run *run, size_t level);
static inline bool run_has(const struct run *run, size_t level)
{
	return level == (run->child ? run->child->child_group->node : STEP_NONE) || run_has_level(run, level);
}

/* The run in which a node runs: this run, or the ancestor; and the node's state there. */
const struct run *run_where(const struct run *run, size_t node);
static inline const struct node_state *node_state_seen(const struct run *run, size_t node)
{
	return run->child ? &run_where(run, node)->node_states[node] : &run->node_states[node];
}

/* The run of the entered message, which all its offspring descend from. */
static inline const struct run *run_root_seen(const struct run *run)
{
	while (run->child)
		run = run->child->child_group->parent;
	return run;
}

static inline struct run *run_root(struct run *run)
{
	return (struct run *)(uintptr_t)run_root_seen(run);
}

/* Offspring that a visit has made so far; NULL: none. When it has ended, they begin, or are forgotten. */
struct child_group *child_group_of(const struct visit *visit);
void child_group_begin(struct visit *visit, struct child_group *child_group); /* once */
void child_group_forget(struct visit *visit, struct child_group *child_group);
/* Whether the run waits for its offspring; whether it waits for results of the level that it comes from. */
bool run_has_children(const struct run *run);
bool run_expects(const struct run *run);
/* Ends the run of an offspring, once; its parent may have waited for that. */
void child_end(struct run *run);
/* Passes an arrival from the level of the message on to its offspring. `last`: no other edge to the same node
 * follows. */
void descend(struct run *run, const struct flow_edge *edge, enum arrival_state state, const struct payload *payload, bool last);
/* Whether a node gathers offspring such as this run. Then the node's gate has opened (part_bring) or ended
 * (part_settle) for this one. */
bool part_of_gathering(const struct run *run, size_t node);
void part_settle(struct run *run, size_t node);
void part_bring(struct run *run, size_t node, const struct payload *payload);
/* Gathers an empty list of parts, because a node made no offspring of its message. False: no node gathers them. */
bool gather_nothing(struct run *run, size_t node);
/* Wakes, or removes, all descendants that have not ended. */
void family_wake(struct run *run);
void family_leave(struct run *run);
/* Answers the message, or its offspring, with the error; those that have an answer keep it. */
void family_answer_error(struct run *run, const struct error *error);
/* Lists the answers of its offspring. False: the message answers by itself. */
bool family_collect(struct run *run);

/* ---- timers.c ---- */

/* Ensures memory for `more` timers beyond those that runs and batches may set, so that timer_set() cannot fail. */
bool timers_grow(struct flow *flow, size_t wanted);
static inline bool timers_reserve(struct flow *flow, size_t more)
{
	size_t wanted = flow->inside + flow->batch_count + more + 1;
	return wanted <= flow->timer_capacity || timers_grow(flow, wanted);
}
void timer_set(struct flow *flow, struct timer *timer, int64_t due_ms); /* within timers_reserve(); INT64_MAX: clears it */

/* ---- gates.c: a node state is a message at a node, whose number is its `index` ---- */

/* The message goes on to a node with `input`, or has it as its answer. Returns a new visit, as a task. NULL: it is
 * the answer, or the arena is full. */
struct visit *node_state_go(struct run *run, size_t index, const struct payload *input);

/* Notes that a source of a gate has come, or never will. */
void arrival_mark(struct run *run, const struct flow_edge *edge, enum arrival_state state, const struct payload *payload);
/* Checks the gates of an open node state after a change: it fires, ends, or waits. */
void node_state_settle(struct run *run, size_t index);
/* Ends a node state that will never give a result. */
void node_state_end(struct run *run, size_t index, const struct error *error);

/* Whether the node is of an observer that gets a share of the messages, which this one is not of. */
bool node_is_left_out(const struct run *run, size_t index);

/* Delivers `payload` (CAME), or the fact that nothing comes (DEAD, FAILED), to all edges of an outlet. `only`: name
 * of the one node that gets it, or NULL. Gates that open make tasks. */
void outlet_deliver_each(struct run *run, const struct outlet *outlet, enum arrival_state state, const struct payload *payload,
			 const char *only);

static inline void outlet_deliver(struct run *run, const struct outlet *outlet, enum arrival_state state,
				  const struct payload *payload, const char *only)
{
	/* cppcheck-suppress nullPointer; what came has a payload */
	if (outlet->direct && state == ARRIVAL_CAME && !only && payload->tensors.count) {
		const struct flow_edge *edge = outlet->edges;
		run->node_states[edge->node].stage = NODE_FIRED;
		(void)node_state_go(run, edge->node, payload);
	} else if (outlet->count) {
		outlet_deliver_each(run, outlet, state, payload, only);
	}
}

/* The gate's window has passed: the node goes on, or fails. */
void node_state_window_closed(struct run *run, size_t index);
/* When the node state's window must be checked; INT64_MAX: it does not wait. */
int64_t node_state_due_ms(const struct run *run, size_t index);
/* Nothing is in progress any more: sources that never came will not come. True: a gate opened because of it. */
bool run_settle_quiet(struct run *run);
/* Merges all that came through a gate. */
const struct payload *gate_collect(const struct run *run, const struct gate *gate);

/* ---- carry.c: of a graph that is one stage among several ---- */

/* The first puts the results of earlier stages into the node states of their steps. The second delivers them to their
 * readers. */
void run_take_carried(struct run *run);
void run_deliver_carried(struct run *run);
/* The message leaves the stage: determines the next stages, and the results that go with it. False: memory. */
bool run_leave_carried(struct run *run);
/* Fails the steps of this stage that have not ended. */
void run_fail_rest(struct run *run, const struct error *error);

/* Whether this stage answers an error or a drop that settles the answer. */
static inline bool flow_decides(const struct flow *flow)
{
	return graph_decides(flow->graph);
}

/* ---- experiment.c ---- */

/* Chooses a candidate for a call, whose target becomes that candidate, and sends a copy to the mirror. False: INPUT, the
 * message has no unit that could be used; or LIMIT. */
bool experiment_choose(struct pending *pending, const struct graph_experiment *experiment, struct error *error);

/* Chooses the way of a message at a step whose ways are the choices of the experiment, and sends a copy to the mirror, whose reply
 * is compared with the answer of the message. LIMIT. */
bool experiment_choose_way(struct visit *visit, const struct graph_experiment *experiment, size_t *way, struct error *error);

/* Notes that a call has ended, with a reply or with an error, for the rollout of its experiment. */
void experiment_ended(struct pending *pending);

/* Calls the default in place of a candidate that failed. False: the call keeps its result. */
bool experiment_fall_back(struct pending *pending);

/* Gives up calls of candidates whose time is over, wherever they wait, and calls the default. Those that wait for a candidate that
 * is away count as failed, and go to another one if the table says so by now. */
void experiment_due(struct run *run);

/* The model that has answered a step's call of `model`: the candidate that the message got, or the default in its place. */
const char *experiment_answered_by(const struct visit *visit, size_t step, const char *model);

/* ---- visit.c ---- */

/* Sends a shadow request, as visit_copy(), to a resolved target. `of`: the result that a mirror's reply is compared with; NULL: it
 * is for no mirror. */
void visit_copy_to(struct visit *visit, enum call_target target, const char *name, const struct payload *request,
		   const struct mirrored_result *of);

/* Runs the step, or passes the visit to a batch or an ordered gate. */
void visit_start(struct visit *visit);
void visit_run(struct visit *visit); /* runs the step only */
void visit_wait(struct visit *visit);
void visit_verdict(struct visit *visit, enum step_verdict verdict, struct error *error);
/* Ends the visit with the step's output, a drop, or an error. */
void visit_finish(struct visit *visit, enum step_verdict verdict, const struct error *error);
void visit_abandon(struct visit *visit); /* nothing waits for it any more */

/* ---- batch.c ---- */

void batch_join(struct visit *visit);  /* of a run, in no batch */
void batch_leave(struct visit *visit); /* in a batch */
void batch_send(struct batch *batch); /* it is full, or its window has closed */
void batch_verdict(struct batch *batch, enum step_verdict verdict, const struct error *error);
void batches_close(struct flow_node *node);
/* The visit of the whole batch, which its members wait for; NULL: the batch is not sent yet. */
const struct visit *batch_visit(const struct batch *batch);
/* Calls outage_note() for each member. */
void batch_note_outage(const struct batch *batch, int64_t outage_ms);
/* Calls call_wait_note_member() for each member. */
void batch_note_wait(const struct batch *batch, int64_t waited_ms);

/* ---- call_wait.c ---- */

/* Notes for its message what an answered call of the visit has waited in queues of this engine; `member`: of a batch that called.
 */
void call_wait_note(const struct visit *visit, const struct call *call);
void call_wait_note_member(const struct visit *member, int64_t waited_ms);
/* How long a call has waited so, until now or its end. */
int64_t call_wait_ms(const struct pending *pending);

/* ---- deadline_reason.c ---- */

/* Writes the step that the run, or one of its offspring, waits for, and the state of its call. Empty: nothing waits. */
#define DEADLINE_REASON_MAX 200
void deadline_reason_write(const struct run *run, char words[DEADLINE_REASON_MAX]);

/* ---- outage.c ---- */

/* Notes when an answered call of the visit last waited for the end of an outage. */
void outage_note_call(const struct visit *visit, const struct call *call);
/* Notes that a visit of that run at that node waited for something else that met an outage. */
void outage_note(struct run *run, size_t node, int64_t outage_ms);
/* Notes that an outage delayed until then what the node state lacks. */
void outage_stand(struct run *run, size_t index, int64_t until_ms);
/* When what the node state lacks last waited for a model whose servers were unreachable; 0: never. */
int64_t outage_of_lacked_ms(const struct run *run, size_t index);

/* ---- ordered_gate.c ---- */

/* Run whose turn it is at the gate where the visit is parked; NULL: none any more. */
const struct run *ordered_gate_turn(const struct visit *visit);

/* A visit has come to a stateful step: it runs when all earlier messages of its line have passed. */
void ordered_gate_enter(struct visit *visit);
/* The visit has ended: its drafts are journaled, or dropped if it failed. False: the state is full (LIMIT), or memory (SYSTEM). */
bool visit_settle(struct visit *visit, enum step_verdict verdict, struct error *error);
/* The run has passed the ordered gate of that node, or will never come to it. */
void ordered_gate_pass(struct run *run, const struct flow_node *node);
void line_join(struct run *run, struct line *line);
/* Directly after its parent or the last of its siblings. */
void line_insert(struct run *run, struct run *ahead);
void line_leave(struct run *run);
void line_abandon(struct line *line); /* its flow closes, and has none of its messages any more */

/* ---- answer.c ---- */

/* Set the answer of the message: the payload of the output gate, an error, or nothing. Only the first one counts. */
void run_answer_payload(struct run *run, const struct payload *payload);
void run_answer_error(struct run *run, const struct error *error);
void run_answer_nothing(struct run *run);
void run_answer_parted(struct run *run); /* its offspring have answered */

/* ---- run.c ---- */

/* Gives the copy to a mirror that the run has the answer to compare with; `payload` NULL: it is an error. The copy is gone then. */
void run_mirror(const struct run *run, const struct payload *payload);

/* The run of an entered message; NULL: it is not inside. */
static inline struct run *run_find(const struct flow *flow, const struct message *message)
{
	struct run *run = message->run;
	return run && run->flow == flow && run->message == message ? run : NULL;
}

/* Whether the answer that the run contributes to is known. */
bool run_is_answered_above(const struct run *run);
static inline bool run_is_answered(const struct run *run)
{
	return run->answered || (run->child && run_is_answered_above(run));
}

/* Whether a node is still needed. Once the answer is known, only nodes that lead to something beside it are, unless
 * there are taps. */
static inline bool run_needs(const struct run *run, const struct flow_node *node)
{
	return !run_is_answered(run) || run->flow->environment.tap || node->beside;
}

static inline void run_push(struct run *run, struct task *task)
{
	task->next = NULL;
	*run->tasks_end = task;
	run->tasks_end = &task->next;
}

const struct error *run_keep_error(struct run *run, const struct error *error); /* a copy in the arena */
void run_wake(struct run *run);			  /* after a change: it is worked off before the flow returns */
struct run *run_begin_child(struct child *child); /* NULL: memory */
void run_leave(struct run *run);
void flow_work(struct flow *flow); /* works off the ready runs */
