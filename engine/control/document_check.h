/* document_check.h: Checker of proposed documents: reads and plans them together with all that is accepted, as `sluice
 * run` reads files. For the keeper (control/keeper.h).
 *
 * A document is one resource, of the kind and name under which it is proposed, in the namespace or in none. A proposal
 * may break another document, whose fault it then is: a pipeline reads a step that is no longer there. A resource that
 * an accepted pipeline calls or reads cannot be deleted. Files that steps name are not read, and warnings do not count.
 */
#ifndef SLUICE_CONTROL_DOCUMENT_CHECK_H
#define SLUICE_CONTROL_DOCUMENT_CHECK_H

#include "control/keeper.h"
#include "step/step.h"

struct document_checker {
	const struct step_kind *const *kinds; /* the table that main() passes down */
	const char *namespace;
};

/* The checker as the keeper takes it; `checker` is borrowed. */
struct keeper_checker document_check_of(struct document_checker *checker);

#endif
