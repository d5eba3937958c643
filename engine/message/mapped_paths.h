/* mapped_paths.h: the paths of a mapping as a tree, so that an event is walked once,
 * and what is gathered on the walk. Between mapped*.c alone.
 */
#ifndef SLUICE_MESSAGE_MAPPED_PATHS_H
#define SLUICE_MESSAGE_MAPPED_PATHS_H

#include "message/mapped_cell.h"

enum path_step { STEP_FIELD, STEP_INDEX, STEP_ALL };

struct map_path {
	struct text text;
	size_t number;         /* in the order of the mapping */
	bool starred;          /* has a [*] */
	struct map_path *next; /* that ends at the same node */
	struct map_path *next_starred; /* whose last [*] is the same node */
};

/* A part of a path. Its children are what may follow; `ends` are the paths that end
 * here, `starred` those whose last [*] this is. */
struct map_node {
	enum path_step step;
	struct text name;
	uint64_t index;
	struct map_node *children;
	struct map_node *next;
	struct map_path *ends;
	struct map_path *starred;
};

/* Adds a path to the tree below `root`. NULL and a CONFIG error at `place`. */
struct map_path *path_add(struct map_node *root, struct text text, size_t number, struct arena *arena, struct place place,
			  struct error *error);

/* What stands behind the last dot. */
struct text path_last_part(struct text path);

/* The child for a field of that name; NULL: no path goes there. */
const struct map_node *node_field(const struct map_node *node, struct text name);

/* The next child at or behind `from` that takes the item `index` of a list. */
const struct map_node *node_item(const struct map_node *from, uint64_t index);

/* What was found for one path. */
struct found {
	struct cell *cells;
	size_t count;
	size_t capacity;
	size_t items; /* as many cells as there should be: one for each item so far */
	bool listed;  /* a list stood there, be it empty */
};

struct mapped_gathering {
	struct arena *arena;
	struct found *found; /* by the number of the path */
	struct error *error;
};

/* A value at a node, for all paths that end there. False when the arena is full. */
bool gather_cell(struct mapped_gathering *gathering, const struct map_node *node, const struct cell *cell);

/* A list stands at a node, for the paths that end there or star it. */
void gather_list(struct mapped_gathering *gathering, const struct map_node *node);

/* That list had no items: what lies behind its [*] is there, and empty. */
void gather_empty_list(struct mapped_gathering *gathering, const struct map_node *node);

/* An item of a starred list is over: paths that found nothing in it get nothing. */
bool gather_item_end(struct mapped_gathering *gathering, const struct map_node *node);

/* An object stands where paths end. Always false. */
bool gather_object(struct mapped_gathering *gathering, const struct map_node *node);

#endif
