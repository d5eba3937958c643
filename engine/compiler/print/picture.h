/* picture.h: Picture of one pipeline: its nodes and edges, and where they are. Private to picture.c and picture_layout.c.
 *
 * Columns go from left to right: each node is to the right of its sources. Each stage has a band of rows of its own, so that
 * the frames of stages do not overlap. An edge that skips columns passes through bends, which take a row there, so that it
 * does not pass behind nodes.
 */
#pragma once

#include "compiler/plan/plan.h"

enum picture_shape { SHAPE_TOPIC, SHAPE_STEP, SHAPE_CALLEE, SHAPE_ANSWER, SHAPE_BEND };

struct picture_node {
	enum picture_shape shape;
	const char *label;
	size_t column, band;
	double width, height;
	double x, y; /* left, and middle */
	double rank; /* order within its column and band: the mean height of its sources */
};

struct picture_edge {
	size_t from, to;
	size_t bends, bend_count; /* nodes that it passes through, one after the other */
	struct text label;
	bool is_trigger;
	bool is_call; /* drawn from bottom to top */
};

struct picture {
	struct arena *arena;
	const struct pipeline_plan *plan;
	size_t node_count;
	struct picture_node *nodes;
	size_t edge_count;
	struct picture_edge *edges;
	size_t columns, bands;
	double *column_x, *column_width; /* by column */
	double *band_y, *band_height;	 /* by band */
	double width, height;
};

/* Finds the nodes and edges of a pipeline, and their places. False: memory ran out. */
bool pipeline_picture_make(const struct pipeline_plan *plan, struct arena *arena, struct picture *picture);
