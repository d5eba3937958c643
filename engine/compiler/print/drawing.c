/* drawing.c: Drawing of a plan, for Graphviz and for Mermaid; see plan.h.
 *
 * Stages are boxes with steps in them. Arrows are data flows and name the tensor; a dashed arrow is a trigger. The
 * target of a step's call is drawn next to the step when its name differs from the step's.
 */
#include "compiler/graph/model_name.h"
#include "compiler/print/print.h"

enum language { DOT, MERMAID };

struct pen {
	enum language language;
	const struct plan *plan;
	size_t pipeline;
	struct buffer *out;
};

/* A text inside quotes; what would end them is written another way. */
static void draw_text(const struct pen *pen, struct text text)
{
	buffer_byte(pen->out, '"');
	for (size_t i = 0; i < text.length; i++) {
		char byte = text.bytes[i];
		if (pen->language == DOT && (byte == '"' || byte == '\\'))
			buffer_byte(pen->out, '\\');
		if (pen->language == MERMAID && (byte == '"' || byte == '#' || byte == '<' || byte == '>' || byte == '`'))
			buffer_print(pen->out, "#%d;", byte);
		else if ((unsigned char)byte < ' ')
			buffer_byte(pen->out, ' ');
		else
			buffer_byte(pen->out, byte);
	}
	buffer_byte(pen->out, '"');
}

static void draw_string(const struct pen *pen, const char *string)
{
	draw_text(pen, text_of(string));
}

/* Names of nodes are ours, so that any name of the user's may be a label. */
static void node(const struct pen *pen, char letter, size_t index)
{
	buffer_print(pen->out, "p%zu%c%zu", pen->pipeline, letter, index);
}

static void draw_node(const struct pen *pen, char letter, size_t index, const char *label, const char *shape)
{
	buffer_string(pen->out, "    ");
	node(pen, letter, index);
	if (pen->language == DOT) {
		buffer_string(pen->out, " [label=");
		draw_string(pen, label);
		buffer_print(pen->out, ", shape=%s];\n", shape);
		return;
	}
	bool hexagon = strcmp(shape, "hexagon") == 0, round = !hexagon && strcmp(shape, "box") != 0;
	buffer_string(pen->out, hexagon ? "{{" : round ? "([" : "[");
	draw_string(pen, label);
	buffer_string(pen->out, hexagon ? "}}\n" : round ? "])\n" : "]\n");
}

static void draw_stage(const struct pen *pen, size_t index)
{
	const struct pipeline_plan *plan = &pen->plan->pipelines[pen->pipeline];
	const struct stage *stage = &plan->stages[index];
	if (stage->count == 0)
		return;
	buffer_string(pen->out, pen->language == DOT ? "  subgraph cluster_" : "  subgraph ");
	node(pen, 'g', index);
	if (pen->language == DOT) {
		buffer_string(pen->out, " {\n    label=");
		draw_string(pen, stage->name);
		buffer_string(pen->out, ";\n");
	} else {
		buffer_byte(pen->out, '[');
		draw_string(pen, stage->name);
		buffer_string(pen->out, "]\n");
	}
	for (size_t i = 0; i < stage->count; i++)
		draw_node(pen, 's', stage->steps[i], plan->graph->steps[stage->steps[i]].name, "box");
	buffer_string(pen->out, pen->language == DOT ? "  }\n" : "  end\n");
}

static void draw_source(const struct pen *pen, const struct source *source)
{
	if (source->step == STEP_NONE)
		node(pen, 'r', 0);
	else
		node(pen, 's', source->step);
}

/* An arrow to `letter` `index`; its label is the tensor, and that it is a step's inputs
 * that flow. */
static void draw_edge(const struct pen *pen, const struct source *source, char letter, size_t index, bool trigger)
{
	bool inputs = source->point == SOURCE_STEP_INPUTS;
	struct text label = source->tensor.length ? source->tensor : inputs ? TEXT("inputs") : (struct text){0};
	buffer_string(pen->out, "  ");
	draw_source(pen, source);
	if (pen->language == DOT) {
		buffer_string(pen->out, " -> ");
		node(pen, letter, index);
		buffer_string(pen->out, trigger ? " [style=dashed, label=" : " [label=");
		draw_text(pen, label);
		buffer_string(pen->out, "];\n");
		return;
	}
	buffer_string(pen->out, trigger ? " -.->" : " -->");
	if (label.length) {
		buffer_byte(pen->out, '|');
		draw_text(pen, label);
		buffer_byte(pen->out, '|');
	}
	buffer_byte(pen->out, ' ');
	node(pen, letter, index);
	buffer_byte(pen->out, '\n');
}

static void draw_join(const struct pen *pen, const struct join *join, char letter, size_t index, bool trigger)
{
	for (size_t i = 0; i < join->count; i++)
		draw_edge(pen, &join->sources[i], letter, index, trigger);
}

/* Whether a step calls another than the model of its own name, which may have its owner before it. */
bool drawing_calls_another(const struct pipeline_plan *plan, const struct callee *callee)
{
	return callee->target != CALL_MODEL ||
	       strcmp(model_served_name(callee->name), plan->graph->steps[callee->step].name) != 0;
}

/* The first of the callees that is the same model or pipeline: the one that is drawn. */
size_t drawing_callee_first(const struct pipeline_plan *plan, size_t index)
{
	size_t first = 0;
	while (plan->callees[first].target != plan->callees[index].target ||
	       strcmp(plan->callees[first].name, plan->callees[index].name) != 0 ||
	       !drawing_calls_another(plan, &plan->callees[first]))
		first++;
	return first;
}

static void draw_callees(const struct pen *pen)
{
	const struct pipeline_plan *plan = &pen->plan->pipelines[pen->pipeline];
	for (size_t i = 0; i < plan->callee_count; i++)
		if (drawing_calls_another(plan, &plan->callees[i]) && drawing_callee_first(plan, i) == i)
			draw_node(pen, 'c', i, plan->callees[i].name, "hexagon");
	for (size_t i = 0; i < plan->callee_count; i++) {
		if (!drawing_calls_another(plan, &plan->callees[i]))
			continue;
		buffer_string(pen->out, "  ");
		node(pen, 's', plan->callees[i].step);
		buffer_string(pen->out, pen->language == DOT ? " -> " : " <--> ");
		node(pen, 'c', drawing_callee_first(plan, i));
		buffer_string(pen->out, pen->language == DOT ? " [dir=both];\n" : "\n");
	}
}

static void draw_pipeline(const struct pen *pen)
{
	const struct pipeline_plan *plan = &pen->plan->pipelines[pen->pipeline];
	draw_node(pen, 'r', 0, plan->topics[0].name, "cylinder");
	for (size_t i = 0; i < plan->topic_count; i++)
		if (plan->topics[i].role == TOPIC_EXTERNAL)
			draw_node(pen, 't', i, plan->topics[i].name, "cylinder");
	for (size_t i = 0; i < plan->stage_count; i++)
		draw_stage(pen, i);
	if (plan->graph->has_output)
		draw_node(pen, 'o', 0, "answer", "oval");
	for (size_t i = 0; i < plan->topic_count; i++) {
		if (plan->topics[i].role != TOPIC_EXTERNAL)
			continue;
		buffer_string(pen->out, "  ");
		node(pen, 't', i);
		buffer_string(pen->out, pen->language == DOT ? " -> " : " --> ");
		node(pen, 'r', 0);
		buffer_string(pen->out, pen->language == DOT ? ";\n" : "\n");
	}
	for (size_t i = 0; i < plan->graph->count; i++) {
		size_t step = plan->graph->order[i];
		draw_join(pen, &plan->graph->steps[step].inputs, 's', step, false);
		draw_join(pen, &plan->graph->steps[step].triggers, 's', step, true);
	}
	draw_join(pen, &plan->graph->output, 'o', 0, false);
	draw_callees(pen);
}

static void drawing_draw(enum language language, const struct plan *plan, struct buffer *out)
{
	struct pen pen = {.language = language, .plan = plan, .out = out};
	buffer_string(out, language == DOT ? "digraph sluice {\n  rankdir=LR;\n" : "flowchart LR\n");
	for (pen.pipeline = 0; pen.pipeline < plan->count; pen.pipeline++)
		draw_pipeline(&pen);
	if (language == DOT)
		buffer_string(out, "}\n");
}

void plan_print_dot(const struct plan *plan, struct buffer *out)
{
	drawing_draw(DOT, plan, out);
}

void plan_print_mermaid(const struct plan *plan, struct buffer *out)
{
	drawing_draw(MERMAID, plan, out);
}
