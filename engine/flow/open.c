/* open.c: Opens a flow: makes nodes, gates and edges from a graph; and closes it. */
#include <assert.h>

#include "base/memory.h"
#include "flow/run.h"
#include "experiments/rollouts/rollout_board.h"
#include "observe/policy_board.h"

#define STATEFUL_MAX (STORE_SCOPES_MAX - 2) /* steps: one scope is for parked parts, one for the changelog's identity */
#define SCOPE_OF_PARTS "+parts"		    /* no step has this name */
#define STEPS_BYTES_MAX ((size_t)1 << 30)   /* memory of opened steps: models and tables, not messages */

static void gate_open(struct flow *flow, struct gate *gate, const struct join *join)
{
	*gate = (struct gate){.join = join, .count = join->count, .first = flow->arrivals, .within_ms = INT64_MAX};
	flow->arrivals += join->count;
	gate->need = join->type == JOIN_INNER || join->count == 0 ? join->count : 1;
	gate->each = join->type == JOIN_ANY;
	if (join->type == JOIN_OUTER)
		gate->within_ms = join->window_ms;
	if (join->type == JOIN_ANY)
		gate->within_ms = 0;
	gate->plain = join->count == 1 && join->sources[0].tensor.length == 0 && join->sources[0].rename_count == 0;
	gate->leader = arena_take(flow->arena, join->count, sizeof *gate->leader);
	if (gate->leader)
		sources_lead(join->sources, join->count, gate->leader);
}

/* Some kinds need only some of their sources (combine's `need` and `within`). */
static void gate_take_quorum(struct gate *gate, const struct step *step)
{
	const struct quorum quorum = step_facts(step).quorum;
	if (quorum.need == 0)
		return;
	gate->need = quorum.need < gate->count ? quorum.need : gate->count;
	gate->within_ms = quorum.within_ms > 0 ? quorum.within_ms : gate->join->window_ms;
	gate->each = false;
}

static struct outlet *outlet_of(struct flow *flow, const struct source *source)
{
	if (source->point == SOURCE_REQUEST)
		return &flow->request;
	struct flow_node *node = &flow->nodes[source->step];
	return source->point == SOURCE_STEP_INPUTS ? &node->sent : &node->gave;
}

static void edges_count(struct flow *flow, const struct gate *gate)
{
	for (size_t i = 0; i < gate->count; i++)
		outlet_of(flow, &gate->join->sources[i])->count++;
}

static void edges_add(struct flow *flow, size_t node_state, const struct gate *gate, bool trigger)
{
	const struct graph_step *step = flow->nodes[node_state].graph_step;
	for (size_t i = 0; i < gate->count; i++) {
		const struct source *source = &gate->join->sources[i];
		struct outlet *outlet = outlet_of(flow, source);
		outlet->edges[outlet->count++] = (struct flow_edge){.node = node_state,
								    .arrival = gate->first + i,
								    .tensor = source->tensor,
								    .trigger = trigger,
								    .watches = step && step->key};
	}
}

static void outlet_take(struct flow *flow, struct outlet *outlet)
{
	outlet->edges = arena_take(flow->arena, outlet->count, sizeof *outlet->edges);
	outlet->count = 0;
}

static bool edges_open(struct flow *flow, struct error *error)
{
	for (size_t i = 0; i <= flow->count; i++) {
		edges_count(flow, &flow->nodes[i].inputs);
		edges_count(flow, &flow->nodes[i].triggers);
	}
	outlet_take(flow, &flow->request);
	for (size_t i = 0; i < flow->count; i++) {
		outlet_take(flow, &flow->nodes[i].sent);
		outlet_take(flow, &flow->nodes[i].gave);
	}
	if (arena_failed(flow->arena))
		return error_memory(error, ERROR_SYSTEM, "opening a pipeline");
	for (size_t i = 0; i <= flow->count; i++) {
		edges_add(flow, i, &flow->nodes[i].inputs, false);
		edges_add(flow, i, &flow->nodes[i].triggers, true);
	}
	return true;
}

/* Whether a step runs in a later stage. Nothing waits for its output here. */
static bool node_runs_later(const struct flow *flow, size_t step)
{
	return flow->graph->part && flow->graph->part->sides[step] == STEP_AFTER;
}

static bool node_runs_here(const struct flow *flow, size_t step)
{
	return !flow->graph->part || flow->graph->part->sides[step] == STEP_HERE;
}

static bool gate_recurs(const struct flow *flow, const struct gate *gate)
{
	for (size_t i = 0; i < gate->count; i++) {
		const struct source *source = &gate->join->sources[i];
		if (source->point != SOURCE_REQUEST && flow->nodes[source->step].recurring)
			return true;
	}
	return false;
}

static bool outlet_leads_beside(const struct flow *flow, const struct outlet *outlet)
{
	for (size_t i = 0; i < outlet->count; i++)
		if (flow->nodes[outlet->edges[i].node].beside)
			return true;
	return false;
}

/* Spreads the marks of nodes to their neighbours until nothing changes. One round is enough if the steps are in the
 * order of the graph. */
static void marks_spread(struct flow *flow)
{
	for (size_t i = 0; i < flow->count; i++) {
		flow->nodes[i].recurring = flow->graph->steps[i].on_cycle && (node_runs_here(flow, i) || node_runs_later(flow, i));
		/* Its state, and its explanations, are not part of the answer either. */
		flow->nodes[i].beside = !flow->graph->steps[i].answers || flow->nodes[i].stateful ||
					flow->graph->steps[i].explained;
	}
	for (bool changed = true; changed;) {
		changed = false;
		for (size_t i = 0; i <= flow->count; i++) {
			struct flow_node *node = &flow->nodes[i];
			if (!node->recurring && (gate_recurs(flow, &node->inputs) || gate_recurs(flow, &node->triggers)))
				node->recurring = changed = true;
		}
		for (size_t i = flow->count; i-- > 0;) {
			struct flow_node *node = &flow->nodes[i];
			if (!node->beside && (outlet_leads_beside(flow, &node->sent) || outlet_leads_beside(flow, &node->gave)))
				node->beside = changed = true;
		}
	}
}

static void outlet_mark_alone(const struct flow *flow, struct outlet *outlet)
{
	outlet->whole = true;
	for (size_t i = 0; i < outlet->count; i++) {
		struct flow_node *node = &flow->nodes[outlet->edges[i].node];
		outlet->edges[i].alone = !node->recurring && !node->in_later_stage && !node->gathers &&
					 !outlet->edges[i].descends && node->inputs.count + node->triggers.count == 1;
		outlet->whole = outlet->whole && outlet->edges[i].alone && node->inputs.plain;
		outlet->direct = outlet->count == 1 && outlet->whole;
		outlet->next = outlet->direct && node->plain ? node : NULL;
	}
}

/* ---- offspring ---- */

static void levels_open(struct flow *flow)
{
	const struct graph_offspring *offspring = flow->graph->offspring;
	for (size_t i = 0; i <= flow->count; i++) {
		struct flow_node *node = &flow->nodes[i];
		node->comes = offspring ? offspring->of[i] : STEP_NONE;
		node->gathers = offspring && offspring->gathers[i];
		node->gives = node->gathers ? offspring->of[node->comes] : node->comes;
		if (i < flow->count && offspring) {
			const struct step step = {.kind = node->graph_step->spec->kind, .options = node->graph_step->spec->options};
			node->multiplies = step_facts(&step).makes_offspring;
		}
	}
}

/* Notes an edge that leads to all children made between the level where it starts and the one where it ends. */
static void inlet_note(struct flow *flow, size_t from, struct flow_edge *edge, bool counting)
{
	for (size_t level = flow->nodes[edge->node].comes; level != from; level = flow->nodes[level].gives) {
		struct inlets *inlets = &flow->nodes[level].inlets;
		edge->descends = true;
		if (!counting && inlets->items)
			inlets->items[inlets->count] = edge;
		inlets->count++;
	}
}

static void inlets_walk(struct flow *flow, bool counting)
{
	for (size_t i = 0; i < flow->request.count; i++)
		inlet_note(flow, STEP_NONE, &flow->request.edges[i], counting);
	for (size_t i = 0; i < flow->count; i++) {
		struct flow_node *node = &flow->nodes[i];
		for (size_t j = 0; j < node->sent.count; j++)
			inlet_note(flow, node->gives, &node->sent.edges[j], counting);
		for (size_t j = 0; j < node->gave.count; j++)
			inlet_note(flow, node->multiplies ? i : node->gives, &node->gave.edges[j], counting);
	}
}

/* Opens the inlets: edges by which nodes of children read results of the message itself. */
static bool inlets_open(struct flow *flow, struct error *error)
{
	if (!flow->graph->offspring)
		return true;
	inlets_walk(flow, true);
	for (size_t i = 0; i < flow->count; i++) {
		struct inlets *inlets = &flow->nodes[i].inlets;
		inlets->items = arena_take(flow->arena, inlets->count + 1, sizeof *inlets->items);
		inlets->count = 0;
	}
	inlets_walk(flow, false);
	return !arena_failed(flow->arena) || error_memory(error, ERROR_SYSTEM, "opening a pipeline");
}

/* Whether the node's inputs are carried to another stage. */
static bool is_sent_along(const struct flow *flow, const struct flow_node *node)
{
	const struct graph_part *part = flow->graph->part;
	for (size_t i = 0; part && i < part->next_count; i++)
		if (part->next[i].inputs[node->index])
			return true;
	return false;
}

/* Whether the node's output leads anywhere. The output of the pipeline is no node of a stage that does not answer. */
static bool node_is_read(const struct flow *flow, const struct flow_node *node)
{
	const struct graph_part *part = flow->graph->part;
	bool read = node->gave.count > 0;
	for (size_t i = 0; part && i < part->next_count; i++)
		read |= part->next[i].outputs[node->index];
	return read;
}

/* Whether each message that comes to the node is one visit, which takes its input as it is. */
static bool step_is_simple(const struct flow *flow, const struct flow_node *node)
{
	const struct step_spec *spec = node->graph_step->spec;
	return node_runs_here(flow, node->index) && !flow->environment.tap && !node->stateful && !node->recurring &&
	       !node->multiplies && !node->gathers && !spec->when && node->graph_step->model_switch.decision.length == 0 &&
	       spec->batch.size <= 0;
}

static bool step_is_plain(const struct flow *flow, const struct flow_node *node)
{
	return step_is_simple(flow, node) && !is_sent_along(flow, node) && node->sent.count == 0 &&
	       node->graph_step->spec->outputs.count != 1;
}

static bool step_only_marks(const struct flow_node *node)
{
	const struct step_kind *kind = node->graph_step->spec->kind;
	return kind && kind->monitors && kind->monitors->only_marks;
}

/* Marks plain nodes, for which a shorter path is enough, and those that need no visit. */
static void mark_plain(struct flow *flow)
{
	for (size_t i = 0; i < flow->count; i++) {
		struct flow_node *node = &flow->nodes[i];
		node->plain = step_is_plain(flow, node);
		node->noted = step_only_marks(node) && step_is_simple(flow, node) && !node_is_read(flow, node);
	}
	outlet_mark_alone(flow, &flow->request);
	for (size_t i = 0; i < flow->count; i++) {
		outlet_mark_alone(flow, &flow->nodes[i].sent);
		outlet_mark_alone(flow, &flow->nodes[i].gave);
	}
}

/* Opens the ordered gate of a stateful node, which processes its messages one by one, in their order. */
static bool ordered_gate_open(struct flow *flow, struct flow_node *node, struct error *error)
{
	const struct step_spec *spec = node->graph_step->spec;
	if (spec->batch.size > 0)
		return error_set(
			error, ERROR_CONFIG, spec->here,
			"step `%s` remembers something of each message, so it takes them one by one; leave its `batch` out",
			node->step.name);
	if (flow->ordered_gate_count == STATEFUL_MAX || strlen(node->step.name) > STORE_SCOPE_BYTES_MAX)
		return error_set(
			error, ERROR_CONFIG, spec->here,
			"step `%s` cannot remember anything: a pipeline has at most %d steps that do, with names of at most "
			"%d bytes; split the pipeline, or shorten the name",
			node->step.name, STATEFUL_MAX, STORE_SCOPE_BYTES_MAX);
	node->stateful = true;
	node->ordered_gate = (uint32_t)flow->ordered_gate_count;
	flow->scopes[flow->ordered_gate_count] = node->step.name;
	flow->ordered_gates[flow->ordered_gate_count++] = node->index;
	return true;
}

/* The messages that an observer gets. */
static struct sample *sample_open(struct flow *flow, size_t index)
{
	struct sample *sample = ARENA_NEW(flow->arena, struct sample);
	const struct step observer = step_seen(flow->graph, index);
	if (sample)
		*sample = step_sample(&observer);
	return sample;
}

/* Prepares the node of a step of another stage. It is known by its results, or by what it waits for. A kind that
 * needs only some of its sources reports that only in the stage where it runs. */
static void node_know(struct flow *flow, size_t index)
{
	static const struct join none;
	const struct graph_step *graph_step = &flow->graph->steps[index];
	struct flow_node *node = &flow->nodes[index];
	bool later = node_runs_later(flow, index);
	node->index = index;
	node->graph_step = graph_step;
	node->in_later_stage = true;
	node->sample = graph_step->key ? sample_open(flow, index) : NULL;
	gate_open(flow, &node->inputs, later ? &graph_step->inputs : &none);
	gate_open(flow, &node->triggers, later ? &graph_step->triggers : &none);
	if (graph_step->spec->kind && graph_step->spec->kind->merges)
		node->inputs.need = 0;
}

/* Opens the node of the answer, which may be settled here, and leaves from here or from another stage. */
static void answer_open(struct flow *flow)
{
	static const struct join none;
	const struct graph *graph = flow->graph;
	struct flow_node *node = &flow->nodes[flow->count];
	node->in_later_stage = graph->part && !graph->part->answers;
	gate_open(flow, &node->inputs, flow_decides(flow) ? &graph->output : &none);
}

/* Lists the outputs of a node, in the flow's arena. */
static bool outputs_open(struct flow *flow, struct flow_node *node, struct error *error)
{
	const struct step *step = &node->step;
	const struct name_list *asked = step_model_outputs(step);
	if (!asked || asked->count == 0)
		return true;
	struct text *names = ARENA_ARRAY(flow->arena, struct text, asked->count);
	for (size_t i = 0; names && i < asked->count; i++)
		names[i] = text_of(asked->items[i].text);
	node->outputs = (struct tensors_wanted){asked->count, names};
	return names || error_memory(error, ERROR_SYSTEM, "opening a step");
}

static bool node_open(struct flow *flow, size_t index, struct error *error)
{
	const struct graph_step *graph_step = &flow->graph->steps[index];
	const struct step_spec *spec = graph_step->spec;
	struct flow_node *node = &flow->nodes[index];
	node->index = index;
	node->graph_step = graph_step;
	node->step = (struct step){
		.kind = spec->kind,
		.name = graph_step->name,
		.pipeline = flow->graph->name,
		.options = spec->options,
		.place = spec->here,
		.arena = flow->arena,
		.files = flow->environment.files,
		.board = flow->environment.board,
		.assignment = graph_step->assignment,
	};
	if (graph_step->explained) {
		struct step *explained = ARENA_NEW(flow->arena, struct step);
		if (!explained)
			return error_memory(error, ERROR_SYSTEM, "opening a step");
		*explained = *graph_step->explained;
		explained->arena = flow->arena;
		explained->files = flow->environment.files;
		node->step.explained = explained;
	}
	gate_open(flow, &node->inputs, &graph_step->inputs);
	gate_open(flow, &node->triggers, &graph_step->triggers);
	if (spec->kind->routes && spec->kind->routes->is_experiment && !graph_step->experiment)
		return error_set(error, ERROR_CONFIG, spec->options_here,
				 "step `%s` names an Experiment that is not among the files, or that has no candidate; name its "
				 "file too",
				 graph_step->name);
	if (step_is_stateful(&node->step) && !ordered_gate_open(flow, node, error))
		return false;
	if (spec->kind->open && !spec->kind->open(&node->step, error))
		return false;
	gate_take_quorum(&node->inputs, &node->step);
	return outputs_open(flow, node, error);
}

/* The entries of the policies of its experiments. */
static bool policies_open(struct flow *flow, struct error *error)
{
	const struct graph *graph = flow->graph;
	const char *learner = flow->environment.learns_as ? flow->environment.learns_as : graph->name;
	if (!flow->environment.policies || graph->experiment_count == 0)
		return true;
	flow->policies = ARENA_ARRAY(flow->arena, struct policy_entry *, graph->experiment_count);
	for (size_t i = 0; flow->policies && i < graph->experiment_count; i++) {
		const struct graph_experiment *experiment = graph->experiments[i];
		if (!experiment->learns)
			continue;
		flow->policies[i] = policy_board_entry(flow->environment.policies, learner, experiment->name);
		if (!flow->policies[i])
			return error_memory(error, ERROR_SYSTEM, "opening a pipeline");
	}
	return flow->policies || error_memory(error, ERROR_SYSTEM, "opening a pipeline");
}

/* The entries of the experiments whose weights a keeper moves. */
static bool rollouts_open(struct flow *flow, struct error *error)
{
	const struct graph *graph = flow->graph;
	if (!flow->environment.rollouts || graph->experiment_count == 0)
		return true;
	flow->rollouts = ARENA_ARRAY(flow->arena, struct flow_rollout, graph->experiment_count);
	for (size_t i = 0; flow->rollouts && i < graph->experiment_count; i++) {
		const struct graph_experiment *experiment = graph->experiments[i];
		if (!experiment_is_rolled_out(experiment->spec))
			continue;
		flow->rollouts[i] = (struct flow_rollout){rollout_board_entry(flow->environment.rollouts, experiment->name),
							  rollout_names(experiment->shares, experiment->count)};
		if (!flow->rollouts[i].entry)
			return error_memory(error, ERROR_SYSTEM, "opening a pipeline");
	}
	return flow->rollouts || error_memory(error, ERROR_SYSTEM, "opening a pipeline");
}

static bool choices_open(struct flow *flow, struct error *error)
{
	const struct graph *graph = flow->graph;
	flow->given_up = ARENA_ARRAY(flow->arena, bool *, graph->experiment_count + 1);
	for (size_t i = 0; flow->given_up && i < graph->experiment_count; i++)
		flow->given_up[i] = ARENA_ARRAY(flow->arena, bool, graph->experiments[i]->count);
	return !arena_failed(flow->arena) || error_memory(error, ERROR_SYSTEM, "opening a pipeline");
}

struct flow *flow_open(const struct graph *graph, const struct flow_environment *environment, struct error *error)
{
	assert(graph && environment);
	struct flow *flow = memory_take(1, sizeof *flow);
	if (!flow)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a pipeline"));
	*flow = (struct flow){.graph = graph, .environment = *environment, .now_ms = INT64_MIN};
	flow->ready_end = &flow->ready;
	flow->arena = arena_open(STEPS_BYTES_MAX);
	if (flow->arena) {
		flow->nodes = arena_take(flow->arena, graph->count + 1, sizeof *flow->nodes);
		flow->lacked = ARENA_ARRAY(flow->arena, bool, graph->count + 1);
	}
	if (!flow->nodes || !flow->lacked) {
		error_memory(error, ERROR_SYSTEM, "opening a pipeline");
		flow_close(flow);
		return NULL;
	}
	bool opened = policies_open(flow, error) && rollouts_open(flow, error) && choices_open(flow, error);
	while (opened && flow->count < graph->count) {
		if (node_runs_here(flow, flow->count))
			opened = node_open(flow, flow->count, error);
		else
			node_know(flow, flow->count);
		flow->count++; /* also a half-opened step is closed */
	}
	if (opened) {
		answer_open(flow);
		levels_open(flow);
		opened = edges_open(flow, error) && inlets_open(flow, error);
	}
	if (!opened) {
		flow_close(flow);
		return NULL;
	}
	marks_spread(flow);
	mark_plain(flow);
	for (size_t i = 0; i < flow->count; i++) {
		struct flow_node *node = &flow->nodes[i];
		node->chains = node->plain && !environment->step_counts;
		node->counts = environment->step_counts ? &environment->step_counts[i][environment->counted_as] : NULL;
	}
	flow->scopes[flow->ordered_gate_count] = SCOPE_OF_PARTS;
	flow->run_size_bytes = sizeof(struct run) + (flow->count + 1) * sizeof(struct node_state) +
			       flow->arrivals * sizeof(struct flow_arrival) + sizeof(struct error);
	return flow;
}

static void step_close(struct step *step)
{
	if (step->kind && step->kind->close && step->state)
		step->kind->close(step);
}

void flow_close(struct flow *flow)
{
	if (!flow)
		return;
	for (struct run *run = flow->runs; run; run = run->next) {
		if (run->line)
			line_abandon(run->line);
		if (run->mirrored)
			flow->environment.unmirrored(flow->environment.context, run->mirrored);
		for (struct visit *visit = run->waiting, *next; visit; visit = next) {
			next = visit->next; /* closing a visit removes it from the list */
			if (!visit->batch)
				visit_abandon(visit);
		}
	}
	for (size_t i = 0; i < flow->count; i++) {
		batches_close(&flow->nodes[i]);
		step_close(&flow->nodes[i].step);
	}
	memory_give(flow->timers);
	arena_close(flow->arena);
	memory_give(flow);
}
