/* node.h: YAML as a tree in which every value knows its line and column.
 *
 * Made from libyaml's events by our own composer, because aliases, depth, size and
 * repeated keys have to be bounded and reported with their place. Nodes live in the
 * arena they were read into, and keep their file's text, so that a fault can show
 * the line.
 */
#ifndef SLUICE_SPEC_NODE_H
#define SLUICE_SPEC_NODE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

struct faults;

#define YAML_BYTES_MAX ((size_t)4 << 20) /* of one file: a thousand pipelines fit; more is no configuration */
#define YAML_DEPTH_MAX 64		 /* the deepest known resource, a PodSpec, needs 12 */
#define YAML_NODES_MAX ((size_t)1 << 20) /* of one file, aliases counted each time they are used */
#define YAML_DOCUMENTS_MAX 4096
#define YAML_ANCHORS_MAX 1000 /* of one document: nobody keeps more apart */

enum node_type { NODE_NULL, NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node_entry {
	const struct node *key; /* a scalar, perhaps empty */
	const struct node *value;
};

struct node {
	enum node_type type;
	struct place place; /* of the first character of the value */
	bool quoted;	    /* a scalar in quotes, a block, or tagged !!str: a text whatever it looks like */
	bool broken;	    /* a fault was said about it: it is NODE_NULL, and nothing more needs to be said */
	struct text scalar; /* NODE_SCALAR; ends in a NUL behind its length */
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

/* All documents of one file's text, which must outlive them and the faults; `file` is
 * made known to `faults`. Syntax, encoding, limits, duplicate keys and unknown aliases
 * go there too. Behind a document that cannot be read, reading goes on at the next
 * line `---`. Documents that cannot be read are left out; empty ones have no root; a
 * file with neither is a fault. Aliases share their anchor's node; merge keys `<<` are
 * resolved. False only when memory ran out. */
bool yaml_read(struct arena *arena, const char *file, struct text text, struct documents *documents, struct faults *faults);

/* The value under `key`; NULL when `map` is no map or has no such key. */
const struct node *node_get(const struct node *map, const char *key);

#endif
