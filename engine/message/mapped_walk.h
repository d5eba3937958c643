/* mapped_walk.h: walks an event once along the tree of paths. Between mapped*.c
 * alone. False with an error set: INPUT, or LIMIT when the arena is full. */
#ifndef SLUICE_MESSAGE_MAPPED_WALK_H
#define SLUICE_MESSAGE_MAPPED_WALK_H

#include <avro.h>

#include "message/mapped_paths.h"

bool mapped_walk_json(struct mapped_gathering *gathering, const struct map_node *root, struct text body);
bool mapped_walk_avro(struct mapped_gathering *gathering, const struct map_node *root, avro_schema_t schema, struct text body);

/* The datatype that a schema gives to what stands at a path; false when the schema
 * has nothing there. */
bool mapped_avro_datatype(avro_schema_t schema, const struct map_node *root, const struct map_path *path, enum datatype *datatype);

#endif
