/* failure.h: Table of the ways in which a request can fail. Each row states whether the failure is answered,
 * and whether the request is kept in the errors topic, from where it can be sent again. `sluice help failures`
 * prints the table.
 */
#pragma once

#include "base/error.h"

struct failure_row {
	const char *name;
	enum error_kind kind;
	enum error_limit limit; /* of a LIMIT */
	bool answered;
	bool kept;	  /* in the errors topic */
	const char *when; /* without its full stop, as `then` */
	const char *then; /* what to do */
};

extern const struct failure_row failure_rows[]; /* ends with name NULL */

/* The row of an error; never NULL for an error that has a kind. */
const struct failure_row *failure_of(const struct error *error);
