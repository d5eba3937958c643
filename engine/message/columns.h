/* columns.h: the names of a tensor's columns, one after the other.
 *
 * They stand in a parameter of the tensor: joined by commas in `columns`, where records
 * are mapped, or as a JSON list in `names`, as Seldon's protocol has them.
 */
#ifndef SLUICE_MESSAGE_COLUMNS_H
#define SLUICE_MESSAGE_COLUMNS_H

#include "message/json_scan.h"
#include "message/tensor.h"

struct columns {
	struct text written; /* all of them, as they stand there */
	struct text rest;    /* of those with commas; NULL: none is left */
	bool json;
	struct json_scan scan;
	struct error unheard;
};

/* False: the tensor names no columns. */
bool columns_begin(struct columns *columns, struct parameters parameters, struct arena *arena);

/* The next name; false behind the last. */
bool columns_next(struct columns *columns, struct text *name);

/* The number of the column of that name. False: there is none. */
bool columns_find(struct parameters parameters, struct text name, struct arena *arena, size_t *column);

/* Of all parameters the one that names columns; borrowed. */
struct parameters columns_parameters(struct parameters parameters);

#endif
