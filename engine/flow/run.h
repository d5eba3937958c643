/* run.h: what the files of this room share: a graph made ready to run, and one
 * message's state in it. Private to engine/flow; its users see flow.h.
 *
 * Made ready (by open.c, once): each step is a node; its inputs and its triggers
 * are gates; what a node sends on leaves by an outlet, whose edges lead to the
 * gates that named it as a source. The answer is the node behind the last step,
 * with an input gate alone.
 *
 * Of one message (in its arena): a run, with a node state for each node and an arrival
 * for each source of each gate. A run works off its tasks until none is left; then
 * it is finished, or it waits for calls and for time.
 */
#ifndef SLUICE_FLOW_RUN_H
#define SLUICE_FLOW_RUN_H

#include "flow/drafts.h"
#include "flow/flow.h"
#include "flow/select.h"
#include "message/carried.h"

/* ---- a graph made ready ---- */

struct flow_edge {
	size_t node;	    /* whose gate: index into flow->nodes */
	size_t arrival;	    /* which source of it: index into run->arrivals */
	struct text tensor; /* only this one; empty: all */
	bool trigger;
	bool descends; /* from where the message itself is to where its offspring are */
	bool alone;    /* the only source of its node, which fires once: nothing to join */
};

struct outlet {
	size_t count;
	bool direct;		 /* to one node alone, whole and under the same names: nothing to select either */
	struct flow_node *next;	 /* that one, where it is a plain step */
	struct flow_edge *edges; /* those of one node state stand together */
};

struct gate {
	const struct join *join; /* NULL: always open (no triggers) */
	size_t count;		 /* of sources */
	size_t first;		 /* of its arrivals in run->arrivals */
	size_t need;		 /* sources without which it never opens */
	int64_t within_ms;	 /* after the first arrival it opens with `need`; INT64_MAX: never before all are settled */
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
	struct outlet sent; /* to those that read what the step was sent */
	struct outlet gave;
	struct tensors_wanted outputs; /* that its model is asked for */
	bool plain;		       /* no `when`, switch, batch, renamed output, tap, or reader of what it is sent */
	bool recurring;		       /* on a cycle or behind one: may fire again, so nothing is known dead before all is quiet */
	bool beside;		       /* something that it leads to is not part of the answer */
	bool elsewhere;		       /* it runs in a stage behind: what opens its gates is news, and no visit */
	bool stateful;
	bool multiplies;
	struct inlets {
		size_t count;
		const struct flow_edge **items;
	} inlets;		    /* of one that multiplies: what its offspring are given of where the message is */
	bool gathers;		    /* what comes to its gates are offspring, what it gives is their parent's */
	size_t comes;		    /* whose offspring come to its gates: a node; STEP_NONE: the message itself */
	size_t gives;		    /* whose offspring its results are of; another than `comes` where it gathers */
	uint32_t ordered_gate;	    /* of a stateful one: which of the flow's, and its scope in a store */
	struct batch *open_batches; /* being filled */
	struct batch *flying;	    /* sent on, not answered */
	struct batch *spare;	    /* emptied, with their memory */
};

struct timer {
	int64_t due_ms;
	uint64_t serial; /* of equals the first made is the first due */
	size_t slot;	 /* in flow->timers; 0: not set */
	struct run *run; /* whose; or */
	struct batch *batch;
};

struct flow {
	const struct graph *graph;
	struct flow_outside outside;
	struct arena *arena;
	size_t count; /* of steps; nodes[count] is the answer */
	struct flow_node *nodes;
	struct outlet request;
	size_t arrivals; /* of one run */
	size_t run_size_bytes;
	struct run *runs;		/* inside */
	struct run *ready, **ready_end; /* to be worked off before the flow returns */
	size_t inside;
	int64_t now_ms;
	uint64_t serial;
	struct timer **timers; /* a heap; [0] is not used */
	size_t timer_count;
	size_t timer_capacity;
	size_t batch_count; /* each may want a timer */
	bool *lacked;	    /* scratch of outage.c: of each node, and the answer */
	size_t ordered_gate_count;
	size_t ordered_gates[STORE_SCOPES_MAX]; /* the stateful nodes */
	const char *scopes[STORE_SCOPES_MAX];	/* and their names; one more for parts that wait */
};

/* ---- of one message ---- */

enum arrival_state { ARRIVAL_PENDING, ARRIVAL_CAME, ARRIVAL_DEAD, ARRIVAL_FAILED };

struct flow_arrival {
	const struct payload *payload; /* all that the producer gave; selected when the gate opens */
	enum arrival_state state;
};

struct tally {			     /* of a gate */
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
	int64_t visits; /* on a cycle; of one that gathers: how many offspring have come, or never will */
	const struct payload *sent;
	const struct payload *gave;
	const char *only_to; /* the one step that gets what it gave; NULL: all that read it */
	const struct error *error;
	unsigned attempts; /* of the visit that failed with `error`, at least 1; 0: the error came from elsewhere */
	bool passed;	   /* its ordered gate, or it will never come to it */
	bool childless;	   /* of one that multiplies: it has ended, and made no offspring */
};

/* What a run notes of outages (outage.c), made when it meets the first. */
struct run_outages {
	int64_t latest_ms; /* of a root: the latest of its node states */
	struct node_state_outage {
		int64_t stood_ms;  /* until then an outage kept what the node state lacks away; 0: none did */
		int64_t waited_ms; /* of a root: when a visit there, also of offspring, last waited one out; 0: never */
	} node_states[];
};

enum task_kind { TASK_VISIT, TASK_DEAD, TASK_FAILED };

struct task {
	struct task *next;
	size_t node;
	enum task_kind kind;
};

struct pending { /* a call that is out */
	struct call call;
	struct visit *visit;
	struct pending *next;
	bool open;
};

struct visit {
	struct task task; /* first: a visit is a task */
	struct flow *flow;
	struct run *run; /* NULL: of a whole batch */
	struct flow_node *node;
	const struct message *message;
	struct arena *arena;
	const struct payload *input;
	/* All of these begin as zero. */
	const struct payload *emitted;
	union {
		const struct payload *const *sources; /* of each source of the gate; NULL: `input` is the only one's */
		const struct parts *parts;	      /* of one that gathers: what has come */
	};
	const char *only_to;
	const char *model; /* chosen by a model switch; NULL: the step's own */
	struct pending *calls;
	struct batch *batch;	       /* the one it waits in, or (run NULL) is for */
	struct visit *next, *previous; /* of those that wait */
	bool waiting;
	bool parked;	       /* before an ordered gate, until those before it have passed */
	bool gathers;	       /* `parts` are there, and no sources */
	bool turns;	       /* it has called, or chosen who gets what it gave: no chain goes on by it */
	struct drafts *drafts; /* NULL: it wrote nothing */
};

/* One of the offspring; in the arena of their root, as its run is. */
struct child {
	struct offspring offspring; /* first: the message is known by its address */
	const struct payload *payload;
	struct child_group *child_group;
	struct run *run;
	struct child *next;
	bool ended;
};

/* What one visit has made. */
struct child_group {
	struct child_group *next; /* of the same parent */
	struct run *parent;
	size_t node;
	size_t count, alive;
	bool begun; /* its visit has ended well, and they go on */
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
	bool ready; /* listed, or being worked off */
	struct task *tasks, **tasks_end;
	struct visit *waiting;
	struct line *line; /* NULL: of none, or it was closed */
	struct run *ahead, *behind;
	struct child *child;		  /* whose run it is; NULL: of a message that was entered */
	struct child_group *child_groups; /* what steps have made of it */
	bool answered;
	bool dropped;
	enum flow_outcome outcome;
	uint32_t offspring; /* of a root: how many there are */
	struct answer answer;
	const struct error *failure; /* the first of a step that leads to the answer */
	struct run_outages *outages; /* NULL: it has met none */
	struct node_state *node_states;
	struct flow_arrival *arrivals;
	struct error *error; /* scratch, the root's, and the last resort when the arena is full; not cleared at first */
};

/* ---- offspring.c ---- */

/* Whether what comes to, or is given by, that node's offspring is this run's own: made of
 * its message, or the node that should multiply it made nothing. */
bool run_has_level(const struct run *run, size_t level);
static inline bool run_has(const struct run *run, size_t level)
{
	return level == (run->child ? run->child->child_group->node : STEP_NONE) || run_has_level(run, level);
}

/* The run, or that one of those that it comes from, in which a node runs; likewise,
 * whose gates open. */
const struct run *run_where(const struct run *run, size_t node);
static inline const struct node_state *node_state_seen(const struct run *run, size_t node)
{
	return run->child ? &run_where(run, node)->node_states[node] : &run->node_states[node];
}

/* The run of the message that was sent, of which all its offspring came. */
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

/* What the visit has made so far; NULL: nothing. When it has ended: they go on, or are
 * forgotten. */
struct child_group *child_group_of(const struct visit *visit);
void child_group_begin(struct visit *visit, struct child_group *child_group);
void child_group_forget(struct visit *visit, struct child_group *child_group);
/* Whether it waits for its offspring; for what is still to come from where it comes from. */
bool run_has_children(const struct run *run);
bool run_expects(const struct run *run);
/* It has ended; perhaps its parent waited for that. */
void child_end(struct run *run);
/* Something has come of a node where the message is, for its offspring. `last` of those of
 * that edge's node. */
void descend(struct run *run, const struct flow_edge *edge, enum arrival_state state, const struct payload *payload, bool last);
/* The gate of a node that gathers has opened, or ended, for one of the offspring. */
bool part_of_gathering(const struct run *run, size_t node);
void part_settle(struct run *run, size_t node);
void part_bring(struct run *run, size_t node, const struct payload *payload);
/* A node made no offspring of a message that has no parts: gathered, that is a whole.
 * False: nobody gathers them. */
bool gather_nothing(struct run *run, size_t node);
/* All that still go on. */
void family_wake(struct run *run);
void family_leave(struct run *run);
/* Those that have no answer yet, of the message or its offspring, are answered so. */
void family_answer_error(struct run *run, const struct error *error);
/* Its offspring answer: they are listed. False: it answers by itself. */
bool family_collect(struct run *run);

/* ---- timers.c ---- */

/* Room for `more` timers beyond those that runs and batches may already want, so that
 * setting one cannot fail. */
bool timers_grow(struct flow *flow, size_t wanted);
static inline bool timers_reserve(struct flow *flow, size_t more)
{
	size_t wanted = flow->inside + flow->batch_count + more + 1;
	return wanted <= flow->timer_capacity || timers_grow(flow, wanted);
}
void timer_set(struct flow *flow, struct timer *timer, int64_t due_ms); /* INT64_MAX: clears it */

/* ---- joins.c: a node state is a message at a node, whose number is its `index` ---- */

/* The message goes on to a node (or is the answer) with `input`: a new visit, as a
 * task. NULL for the answer, and when the arena is full. */
struct visit *node_state_go(struct run *run, size_t index, const struct payload *input);

/* Notes what has come, or never will, at one source of a gate. */
void arrival_mark(struct run *run, const struct flow_edge *edge, enum arrival_state state, const struct payload *payload);
/* The gates of an open node state have news: it fires, ends, or waits. */
void node_state_settle(struct run *run, size_t index);
/* Nothing will ever come out of this node state. */
void node_state_end(struct run *run, size_t index, const struct error *error);

/* Gives `payload` (CAME), or the news that nothing comes (DEAD, FAILED), to all edges
 * of an outlet; `only` is a node that alone gets it, or NULL. Gates that open make
 * tasks. */
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

/* The gate's window has passed: go on, or fail. */
void node_state_window_closed(struct run *run, size_t index);
/* When the node state's window wants attention; INT64_MAX: it does not wait. */
int64_t node_state_due_ms(const struct run *run, size_t index);
/* Nothing is under way any more: what never came will not come. True when a gate
 * opened because of it. */
bool run_settle_quiet(struct run *run);
/* All that came through a gate, joined. */
const struct payload *gate_collect(const struct run *run, const struct gate *gate);

/* ---- carry.c: of a graph that is one stage among several ---- */

/* What earlier stages made of the message stands where their steps do; then their news
 * is given to those that read it. */
void run_take_carried(struct run *run);
void run_deliver_carried(struct run *run);
/* The message leaves the stage: which way, and what goes along. False: memory. */
bool run_leave_carried(struct run *run);
/* Its own steps that have not ended have failed. */
void run_fail_rest(struct run *run, const struct error *error);

/* Whether what settles the answer is answered here. */
static inline bool flow_decides(const struct flow *flow)
{
	return graph_decides(flow->graph);
}

/* ---- visit.c ---- */

/* Runs the step, or hands the visit to a batch or an ordered gate. */
void visit_start(struct visit *visit);
void visit_run(struct visit *visit); /* just runs it */
void visit_wait(struct visit *visit);
void visit_verdict(struct visit *visit, enum step_verdict verdict, struct error *error);
/* It ended: by what the step emitted, dropped, or failed with. */
void visit_finish(struct visit *visit, enum step_verdict verdict, const struct error *error);
void visit_abandon(struct visit *visit); /* nobody waits for it any more */

/* ---- batch.c ---- */

void batch_join(struct visit *visit);
void batch_leave(struct visit *visit);
void batch_send(struct batch *batch); /* it is full, or its window has closed */
void batch_verdict(struct batch *batch, enum step_verdict verdict, const struct error *error);
void batches_close(struct flow_node *node);
/* The visit for all whose answer a member waits for; NULL: it is not sent on yet. */
const struct visit *batch_visit(const struct batch *batch);
/* What outage_note() notes, for each member. */
void batch_note_outage(const struct batch *batch, int64_t outage_ms);

/* ---- late.c ---- */

/* What the run, or what was made of it, waits for: a step, and where that has it. Empty: nothing. */
#define LATE_WORDS_MAX 200
void late_say(const struct run *run, char words[LATE_WORDS_MAX]);

/* ---- outage.c ---- */

/* The visit's call has its answer: when it last waited out an outage is noted. */
void outage_note_call(const struct visit *visit, const struct call *call);
/* A visit of that run at that node waited for something else that did. */
void outage_note(struct run *run, size_t node, int64_t outage_ms);
/* An outage kept what the node state lacks away until then. */
void outage_stand(struct run *run, size_t index, int64_t until_ms);
/* When what the node state lacks last waited for a model whose servers could not be reached; 0: never. */
int64_t outage_of_lacked_ms(const struct run *run, size_t index);

/* ---- ordered_gate.c ---- */

/* Whose turn it is where the visit is parked; NULL: nobody's any more. */
const struct run *ordered_gate_turn(const struct visit *visit);

/* A visit has come to a stateful step: it runs when all before it in its line have passed. */
void ordered_gate_enter(struct visit *visit);
/* The visit has ended: what it wrote is journaled, or dropped when it failed. False: memory. */
bool visit_settle(struct visit *visit, enum step_verdict verdict, struct error *error);
/* The run has passed the ordered gate of that node, or will never come to it. */
void ordered_gate_pass(struct run *run, const struct flow_node *node);
void line_join(struct run *run, struct line *line);
/* Right behind its parent. */
void line_insert(struct run *run, struct run *ahead);
void line_leave(struct run *run);
void line_abandon(struct line *line); /* its flow closes, and nobody of it is left */

/* ---- answer.c ---- */

/* The answer of the message is known: what the output gate let through, an error, or
 * nothing at all. Only the first counts. */
void run_answer_payload(struct run *run, const struct payload *payload);
void run_answer_error(struct run *run, const struct error *error);
void run_answer_nothing(struct run *run);
void run_answer_parted(struct run *run); /* its offspring have answered */

/* ---- run.c ---- */

/* Whether the answer is known to which the run may add. */
bool run_is_answered_above(const struct run *run);
static inline bool run_is_answered(const struct run *run)
{
	return run->answered || (run->child && run_is_answered_above(run));
}

/* Whether what happens at a node still matters: once the answer is known, only what
 * leads beside it does, unless someone looks on. */
static inline bool run_minds(const struct run *run, const struct flow_node *node)
{
	return !run_is_answered(run) || run->flow->outside.tap || node->beside;
}

static inline void run_push(struct run *run, struct task *task)
{
	task->next = NULL;
	*run->tasks_end = task;
	run->tasks_end = &task->next;
}

const struct error *run_keep_error(struct run *run, const struct error *error); /* a copy in the arena */
void run_wake(struct run *run);			  /* something happened to it: it is worked off before the flow returns */
struct run *run_begin_child(struct child *child); /* NULL: memory */
void run_leave(struct run *run);
void flow_work(struct flow *flow); /* works off those that were woken */

#endif
