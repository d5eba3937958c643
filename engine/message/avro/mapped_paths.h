/* mapped_paths.h: Tree of a mapping's paths, so that an event is walked once, and the values collected on the
 * walk. Private to mapped*.c.
 */
#pragma once

#include "message/avro/mapped_cell.h"

enum path_step { STEP_FIELD, STEP_INDEX, STEP_ALL };

struct map_path {
	struct text text;
	size_t number;         /* in the order of the mapping */
	bool starred;          /* has a [*] */
	struct map_path *next; /* next path that ends at the same node */
	struct map_path *next_starred; /* next path whose last [*] is the same node */
};

/* A part of a path. Its children are the parts that may follow. `ends` are the paths that end here; `starred`
 * are the paths whose last [*] is this part. */
struct map_node {
	enum path_step step;
	struct text name;
	uint64_t index;
	size_t number; /* of nodes_number() */
	struct map_node *children;
	struct map_node *next;
	struct map_path *ends;
	struct map_path *starred;
};

/* Adds a path to the tree below `root`. NULL and a CONFIG error at `place`. */
struct map_path *path_add(struct map_node *root, struct text text, size_t number, struct arena *arena, struct place place,
			  struct error *error);

/* Numbers the nodes below `root`, from `count` on. Returns their number, and `count`. */
size_t nodes_number(struct map_node *root, size_t count);

/* The part of a path after its last dot. */
struct text path_last_part(struct text path);

/* The child for a field of that name; NULL: no path has it. */
const struct map_node *node_field(const struct map_node *node, struct text name);

/* The first child, from `from` on, that matches the list item `index`. */
const struct map_node *node_item(const struct map_node *from, uint64_t index);

/* Values found for one path. */
struct found {
	struct cell *cells;
	size_t count;
	size_t capacity;
	size_t items; /* number of cells expected: one for each item so far */
	bool listed;  /* there was a list, possibly empty */
};

struct mapped_gathering {
	struct arena *arena;
	struct found *found; /* by the number of the path */
	uint64_t *seen;	     /* by the number of the node: the object in which its field was read last; of JSON */
	uint64_t objects;    /* that were entered so far */
	struct error *error;
};

/* Adds a value at a node, for all paths that end there. False: the arena is full. */
bool mapped_gather_cell(struct mapped_gathering *gathering, const struct map_node *node, const struct cell *cell);

/* Records a list at a node, for the paths that end there or have [*] there. */
void mapped_gather_list(struct mapped_gathering *gathering, const struct map_node *node);

/* Records that the list had no items: the values after its [*] are present, but there are none. */
void mapped_gather_empty_list(struct mapped_gathering *gathering, const struct map_node *node);

/* Ends an item of a list with [*]: paths that found no value in it get an absent one. */
bool mapped_gather_item_end(struct mapped_gathering *gathering, const struct map_node *node);

/* Reports an object where paths end. Always false. */
bool mapped_gather_object(struct mapped_gathering *gathering, const struct map_node *node);
