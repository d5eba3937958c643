/* fitting.h: Fit of a step: its constants learnt from a file or a topic, or such data compared with what was learnt. For
 * `sluice fit` and `sluice drift report`. */
#pragma once

#include "kafka/record.h"
#include "message/records/drift_score.h"
#include "models/files.h"
#include "tools/client/data/past_rebase.h"
#include "tools/source/feedback_truths.h"
#include "tools/source/importance_windows.h"

/* Windows of a step `drift` that have settled, as the records of its pipeline's drift topic say, for `sluice
 * drift report`.
 *
 * They are read whole before the messages, so it does not matter when they came. A record that came twice counts once.
 */
struct settled_entry;

/* Starts as {.arena, .pipeline, .step}, and must be closed. */
struct settled_windows {
	struct arena *arena; /* of the records' bytes */
	struct text pipeline, step;
	struct settled_entry *items; /* after settled_windows_sort() by time, then segment, then number, each once */
	size_t count, room;
	size_t found; /* windows that were found */
};

enum fitting_task { FITTING_LEARNS, FITTING_REPORTS, FITTING_REPORTS_JSON, FITTING_REPORTS_HTML };

/* Borrowed until fitting_close(). */
struct fitting_asked {
	enum fitting_task task;
	const struct step_kind *kind;
	const char *step;   /* NULL: the only one of the kind */
	const char *source; /* a path, "-", or topic:NAME */
	const struct pipeline_target_asked *target;
	int64_t count; /* of records of a topic; 0: all */
	struct name_list tensors, feedback;
	int64_t window;		       /* rows, instead of the step's `window`; 0: as the step has it */
	const char *false_alarms;      /* instead of the step's `falseAlarms`; NULL: as the step has it */
	struct past_rebase_asked past; /* the windows of a past that is the reference; the target and the name are not used */
};

struct fitting { /* starts with the first two */
	const struct workspace *workspace;
	const struct fitting_asked *asked;
	const char *step; /* its name, once it is found */
	struct buffer made; /* the file or the report */
	struct arena *arena;
	struct files *files;
	struct feedback_truths truths;
	bool settles; /* the observer's records of windows that have settled were looked for */
	struct settled_windows settled;
	struct importance_list importances;
	struct past_rebase_asked past_asked;
	struct past_rebase rebase;
	struct rebase_result past; /* without a file: the reference is none */
};

/* Reads the data and fills `made`. The spec has no errors. Notes on what was left out go to the workspace. */
bool fitting_run(struct fitting *fitting, const struct spec *spec, struct error *error);
void fitting_close(struct fitting *fitting); /* frees what errors borrow */
