/* picture_layout.c: see picture.h. Nodes are collected first, the request's topic before all others; then columns, bends and
 * rows follow from the edges. */
#include "compiler/print/picture.h"

#include "compiler/print/print.h"

#define NODE_HEIGHT 34.0
#define BEND_HEIGHT 16.0
#define CHARACTER_WIDTH 7.9
#define LABEL_CHARACTER_WIDTH 6.7
#define NODE_PADDING 26.0
#define COLUMN_GAP_LEAST 44.0
#define LABEL_PADDING 26.0
#define ROW_GAP 18.0
#define BAND_PADDING 30.0 /* above a stage's nodes: the stage's name */
#define BAND_GAP 22.0
#define MARGIN 16.0
#define REQUEST 0 /* the first node */

static size_t characters_in(struct text text)
{
	size_t count = 0;
	for (size_t i = 0; i < text.length; i++)
		count += ((unsigned char)text.bytes[i] & 0xC0) != 0x80;
	return count;
}

/* ---- nodes and edges ---- */

static size_t node_add(struct picture *picture, enum picture_shape shape, const char *label, size_t column, size_t band)
{
	const double width = NODE_PADDING + CHARACTER_WIDTH * (double)characters_in(text_of(label));
	picture->nodes[picture->node_count] = (struct picture_node){.shape = shape,
								    .label = label,
								    .column = column,
								    .band = band,
								    .width = shape == SHAPE_BEND ? 0 : width,
								    .height = shape == SHAPE_BEND ? BEND_HEIGHT : NODE_HEIGHT};
	return picture->node_count++;
}

static struct picture_edge *edge_add(struct picture *picture, size_t from, size_t to)
{
	struct picture_edge *edge = &picture->edges[picture->edge_count++];
	*edge = (struct picture_edge){.from = from, .to = to};
	return edge;
}

static size_t externals_of(const struct pipeline_plan *plan)
{
	size_t count = 0;
	for (size_t i = 0; i < plan->topic_count; i++)
		count += plan->topics[i].role == TOPIC_EXTERNAL;
	return count;
}

static size_t step_node(const struct picture *picture, size_t step)
{
	return 1 + externals_of(picture->plan) + step;
}

static size_t source_node(const struct picture *picture, const struct source *source)
{
	return source->step == STEP_NONE ? REQUEST : step_node(picture, source->step);
}

static struct text source_label(const struct source *source)
{
	if (source->tensor.length)
		return source->tensor;
	return source->point == SOURCE_STEP_INPUTS ? TEXT("inputs") : (struct text){0};
}

/* To the right of the sources that have a place already; others are on a cycle. */
static void join_add(struct picture *picture, const struct join *join, size_t to, bool is_trigger)
{
	for (size_t i = 0; i < join->count; i++) {
		struct picture_edge *edge = edge_add(picture, source_node(picture, &join->sources[i]), to);
		const size_t column = picture->nodes[edge->from].column + 1;
		edge->label = source_label(&join->sources[i]);
		edge->is_trigger = is_trigger;
		if (column > picture->nodes[to].column)
			picture->nodes[to].column = column;
	}
}

static void topics_add(struct picture *picture)
{
	const struct pipeline_plan *plan = picture->plan;
	const bool has_externals = externals_of(plan) > 0;
	(void)node_add(picture, SHAPE_TOPIC, plan->topics[0].name, has_externals, 0);
	for (size_t i = 0; i < plan->topic_count; i++)
		if (plan->topics[i].role == TOPIC_EXTERNAL)
			(void)edge_add(picture, node_add(picture, SHAPE_TOPIC, plan->topics[i].name, 0, 0), REQUEST);
}

static void steps_add(struct picture *picture)
{
	const struct graph *graph = picture->plan->graph;
	for (size_t i = 0; i < graph->count; i++)
		(void)node_add(picture, SHAPE_STEP, graph->steps[i].name, 0, picture->plan->stage_of[i]);
	for (size_t i = 0; i < graph->count; i++) {
		const size_t step = graph->order[i], node = step_node(picture, step);
		join_add(picture, &graph->steps[step].inputs, node, false);
		join_add(picture, &graph->steps[step].triggers, node, true);
		if (picture->nodes[node].column == 0)
			picture->nodes[node].column = picture->nodes[REQUEST].column + 1;
	}
}

static void callees_add(struct picture *picture)
{
	const struct pipeline_plan *plan = picture->plan;
	size_t *drawn = ARENA_ARRAY(picture->arena, size_t, plan->callee_count + 1);
	for (size_t i = 0; drawn && i < plan->callee_count; i++) {
		const struct callee *callee = &plan->callees[i];
		if (!drawing_calls_another(plan, callee))
			continue;
		const struct picture_node *step = &picture->nodes[step_node(picture, callee->step)];
		const size_t first = drawing_callee_first(plan, i);
		if (first == i)
			drawn[i] = node_add(picture, SHAPE_CALLEE, callee->name, step->column, step->band);
		edge_add(picture, step_node(picture, callee->step), drawn[first])->is_call = true;
	}
}

static void answer_add(struct picture *picture)
{
	const struct graph *graph = picture->plan->graph;
	size_t last = 0;
	if (!graph->has_output)
		return;
	for (size_t i = 0; i < picture->node_count; i++)
		last = picture->nodes[i].column > last ? picture->nodes[i].column : last;
	join_add(picture, &graph->output, node_add(picture, SHAPE_ANSWER, "answer", last + 1, 0), false);
}

/* ---- bends ---- */

static size_t bend_band(const struct picture *picture, const struct picture_edge *edge)
{
	const struct picture_node *from = &picture->nodes[edge->from], *to = &picture->nodes[edge->to];
	return to->shape == SHAPE_STEP ? to->band : from->band;
}

static size_t bends_of(const struct picture *picture, const struct picture_edge *edge)
{
	const size_t from = picture->nodes[edge->from].column, to = picture->nodes[edge->to].column;
	return to > from + 1 ? to - from - 1 : 0;
}

static bool bends_add(struct picture *picture)
{
	size_t count = picture->node_count;
	for (size_t i = 0; i < picture->edge_count; i++)
		count += bends_of(picture, &picture->edges[i]);
	struct picture_node *nodes = ARENA_ARRAY(picture->arena, struct picture_node, count);
	if (!nodes)
		return false;
	memcpy(nodes, picture->nodes, picture->node_count * sizeof *nodes);
	picture->nodes = nodes;
	for (size_t i = 0; i < picture->edge_count; i++) {
		struct picture_edge *edge = &picture->edges[i];
		edge->bends = picture->node_count;
		edge->bend_count = bends_of(picture, edge);
		for (size_t bend = 1; bend <= edge->bend_count; bend++)
			(void)node_add(picture, SHAPE_BEND, "", nodes[edge->from].column + bend, bend_band(picture, edge));
	}
	return true;
}

/* ---- places ---- */

static void columns_place(struct picture *picture)
{
	double *gap = ARENA_ARRAY(picture->arena, double, picture->columns);
	double x = MARGIN;
	if (!gap)
		return;
	for (size_t i = 0; i < picture->columns; i++)
		gap[i] = COLUMN_GAP_LEAST, picture->column_width[i] = 0;
	for (size_t i = 0; i < picture->node_count; i++) {
		const struct picture_node *node = &picture->nodes[i];
		if (node->width > picture->column_width[node->column])
			picture->column_width[node->column] = node->width;
	}
	for (size_t i = 0; i < picture->edge_count; i++) {
		const struct picture_edge *edge = &picture->edges[i];
		const double wide = LABEL_PADDING + LABEL_CHARACTER_WIDTH * (double)characters_in(edge->label);
		double *of = &gap[picture->nodes[edge->from].column];
		*of = wide > *of ? wide : *of;
	}
	for (size_t i = 0; i < picture->columns; i++) {
		picture->column_x[i] = x;
		x += picture->column_width[i] + gap[i];
	}
	picture->width = x - gap[picture->columns - 1] + MARGIN;
}

/* The previous node on the edge's way to the node: its source, or a bend; NULL: the edge does not lead to it. */
static const struct picture_node *edge_before(const struct picture *picture, const struct picture_edge *edge, size_t node)
{
	const bool is_end = node == edge->to;
	if (!is_end && (node < edge->bends || node >= edge->bends + edge->bend_count))
		return NULL;
	const size_t at = is_end ? edge->bend_count : node - edge->bends;
	return &picture->nodes[at > 0 ? edge->bends + at - 1 : edge->from];
}

/* A callee is below the first step that calls it. */
static void rank_of(struct picture *picture, size_t index)
{
	struct picture_node *node = &picture->nodes[index];
	double sum = 0;
	size_t count = 0;
	for (size_t i = 0; i < picture->edge_count; i++) {
		const struct picture_node *before = edge_before(picture, &picture->edges[i], index);
		if (!before || (!picture->edges[i].is_call && before->column >= node->column))
			continue;
		sum += picture->edges[i].is_call ? before->rank + 0.1 : before->y;
		count++;
	}
	node->rank = count ? sum / (double)count : 0;
}

/* The nodes of a column in a band, by their rank; those of one rank in their order. */
static size_t cell_sort(const struct picture *picture, size_t column, size_t band, struct picture_node **cell)
{
	size_t count = 0;
	for (size_t i = 0; i < picture->node_count; i++) {
		struct picture_node *node = &picture->nodes[i];
		if (node->column != column || node->band != band)
			continue;
		size_t at = count++;
		for (; at > 0 && cell[at - 1]->rank > node->rank; at--)
			cell[at] = cell[at - 1];
		cell[at] = node;
	}
	return count;
}

static double cell_height(struct picture_node *const *cell, size_t count)
{
	double height = count ? ROW_GAP * (double)(count - 1) : 0;
	for (size_t i = 0; i < count; i++)
		height += cell[i]->height;
	return height;
}

/* Around `middle`. */
static void cell_place(const struct picture *picture, struct picture_node *const *cell, size_t count, double middle)
{
	double y = middle - cell_height(cell, count) / 2;
	for (size_t i = 0; i < count; i++) {
		struct picture_node *node = cell[i];
		const double room = picture->column_width[node->column] - node->width;
		node->x = picture->column_x[node->column] + (node->shape == SHAPE_BEND ? 0 : room / 2);
		node->y = y + node->height / 2;
		y += node->height + ROW_GAP;
	}
}

static void bands_measure(struct picture *picture, struct picture_node **cell)
{
	double y = MARGIN;
	for (size_t band = 0; band < picture->bands; band++) {
		picture->band_height[band] = NODE_HEIGHT;
		for (size_t column = 0; column < picture->columns; column++) {
			const double height = cell_height(cell, cell_sort(picture, column, band, cell));
			if (height > picture->band_height[band])
				picture->band_height[band] = height;
		}
		picture->band_y[band] = y + BAND_PADDING;
		y += picture->band_height[band] + 1.5 * BAND_PADDING + BAND_GAP;
	}
	picture->height = y - BAND_GAP + MARGIN;
}

static void rows_place(struct picture *picture, struct picture_node **cell)
{
	for (size_t column = 0; column < picture->columns; column++) {
		for (size_t i = 0; i < picture->node_count; i++)
			if (picture->nodes[i].column == column)
				rank_of(picture, i);
		for (size_t band = 0; band < picture->bands; band++)
			cell_place(picture, cell, cell_sort(picture, column, band, cell),
				   picture->band_y[band] + picture->band_height[band] / 2);
	}
}

/* ---- all of it ---- */

static bool rooms_take(struct picture *picture)
{
	const struct graph *graph = picture->plan->graph;
	size_t edges = graph->output.count + picture->plan->topic_count + picture->plan->callee_count + 1;
	for (size_t i = 0; i < graph->count; i++)
		edges += graph->steps[i].inputs.count + graph->steps[i].triggers.count;
	const size_t nodes = 2 + graph->count + picture->plan->topic_count + picture->plan->callee_count;
	picture->edges = ARENA_ARRAY(picture->arena, struct picture_edge, edges);
	picture->nodes = ARENA_ARRAY(picture->arena, struct picture_node, nodes);
	return picture->edges && picture->nodes;
}

static bool grid_take(struct picture *picture)
{
	for (size_t i = 0; i < picture->node_count; i++)
		if (picture->nodes[i].column >= picture->columns)
			picture->columns = picture->nodes[i].column + 1;
	picture->bands = picture->plan->stage_count;
	picture->column_x = ARENA_ARRAY(picture->arena, double, picture->columns);
	picture->column_width = ARENA_ARRAY(picture->arena, double, picture->columns);
	picture->band_y = ARENA_ARRAY(picture->arena, double, picture->bands);
	picture->band_height = ARENA_ARRAY(picture->arena, double, picture->bands);
	return picture->column_x && picture->column_width && picture->band_y && picture->band_height;
}

bool pipeline_picture_make(const struct pipeline_plan *plan, struct arena *arena, struct picture *picture)
{
	*picture = (struct picture){.arena = arena, .plan = plan};
	if (!rooms_take(picture))
		return false;
	topics_add(picture);
	steps_add(picture);
	callees_add(picture);
	answer_add(picture);
	struct picture_node **cell = bends_add(picture) ? ARENA_ARRAY(arena, struct picture_node *, picture->node_count) : NULL;
	if (!cell || !grid_take(picture))
		return false;
	columns_place(picture);
	bands_measure(picture, cell);
	rows_place(picture, cell);
	return !arena_failed(arena);
}
