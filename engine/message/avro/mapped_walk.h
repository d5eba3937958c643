/* mapped_walk.h: Walk over an event along the tree of paths, once. Private to mapped*.c. False with an error
 * set: INPUT, or LIMIT if the arena is full. */
#pragma once

#include <avro.h>

#include "message/avro/mapped_paths.h"

bool mapped_walk_json(struct mapped_gathering *gathering, const struct map_node *root, struct text body);
bool mapped_walk_avro(struct mapped_gathering *gathering, const struct map_node *root, avro_schema_t schema, struct text body);

/* The datatype of a path's value by the schema; false: the schema has nothing at that path. */
bool mapped_avro_datatype(avro_schema_t schema, const struct map_node *root, const struct map_path *path, enum datatype *datatype);
