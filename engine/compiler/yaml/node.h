/* node.h: YAML tree in which every value has its line and column.
 *
 * It is composed from libyaml's events by our own code, because aliases, depth, size and repeated keys must be
 * bounded and reported with their place. Nodes live in the arena into which they were read. They keep their file's
 * text, so that a fault can show the line.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

struct faults;

#define YAML_BYTES_MAX ((size_t)4 << 20) /* of one file: a thousand pipelines fit */
#define YAML_DEPTH_MAX 64		 /* the deepest known resource, a PodSpec, needs 12 */
#define YAML_NODES_MAX ((size_t)1 << 20) /* of one file; aliases are counted at each use */
#define YAML_DOCUMENTS_MAX 4096
#define YAML_ANCHORS_MAX 1000 /* of one document */

enum node_type { NODE_NULL, NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node_entry {
	const struct node *key; /* a scalar, possibly empty */
	const struct node *value;
};

struct node {
	enum node_type type;
	struct place place; /* of the first character of the value */
	bool quoted;	    /* a scalar in quotes, a block, or tagged !!str: always a text */
	bool broken;	    /* it has a fault already: it is NODE_NULL, and gets no further faults */
	struct text scalar; /* NODE_SCALAR; followed by a NUL */
	size_t count;	    /* of items or entries */
	const struct node *const *items;
	const struct node_entry *entries;
};

struct document {
	const struct node *root; /* NULL for an empty document */
	const char *file;
	struct text text; /* of the whole file, for the line under a fault */
};

struct documents {
	size_t count;
	const struct document *items;
};

/* Parses all documents of one file's text, which must outlive them and the faults. Registers `file` with `faults`.
 * Faults of syntax, encoding, limits, duplicate keys and unknown aliases are added there too. After an invalid
 * document, parsing continues at the next line `---`. Invalid documents are left out. Empty ones have no root; a file
 * that has only empty documents, or none, is a fault. Aliases share their anchor's node; merge keys `<<` are
 * resolved. False only when memory ran out. */
bool yaml_read(struct arena *arena, const char *file, struct text text, struct documents *documents, struct faults *faults);

/* The value under `key`; NULL: `map` is not a map, or has no such key. */
const struct node *node_get(const struct node *map, const char *key);
bool node_is(const struct node *node, const char *word); /* a scalar of that text; `node` may be NULL */

/* Whether a value in the tree has a fault of YAML, and so is missing from what was read of it. */
bool node_is_broken(const struct node *node);
