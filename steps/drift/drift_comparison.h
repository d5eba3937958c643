/* drift_comparison.h: Comparison of messages with the reference of a step `drift`, for its observer and for reports.
 *
 * It has the step's options, its reference and its monitor. Messages become rows of numbers in the order of the reference's
 * features; a category becomes its index. What it opens lives in the step's arena.
 *
 * A message has all features of the reference, in its types; or, if the comparison is lenient, one of them at least, in whatever
 * type. Values of a tensor that it lacks are missing then, and those of texts where the reference has numbers, or the other way
 * round, are of another type (methods/drift/mistyped.h). A tensor of other columns is no message of the reference in either case.
 */
#pragma once

#include "methods/drift/monitor.h"
#include "compiler/step/step.h"
#include "steps/drift/drift_estimates.h"
#include "steps/drift/drift_rows.h"
#include "steps/references.h"

struct drift_method {
	struct name name;
};

/* Options of a step `drift`. */
struct drift {
	struct name_list tensors;
	struct step_reference reference;
	struct extent window;
	struct place window_here;
	struct item_list methods; /* struct drift_method */
	struct item_list joint;	  /* struct monitor_set */
	const char *false_alarms;
	struct place false_alarms_here;
	double effect;
	struct place share_place;
	double share;
	double score_limit; /* of the reference dialect: it is drift from a score above it on */
	const struct expression *group; /* NULL: one segment */
	struct drift_estimate_options estimate;
	int as; /* enum marks_as */
};

extern const struct option drift_options[];

/* Its number, as enum monitor_method; of `auto`: MONITOR_METHODS. */
unsigned drift_method_number(const struct drift_method *method);

/* The settings of its monitor. CONFIG: the rate or the window cannot be used. */
bool drift_settings_read(const struct drift *options, struct monitor_settings *settings, struct error *error);

/* The reference of its file, and the file's bytes. CONFIG: it names none, or the file is none. */
bool drift_reference_load(const struct step *step, struct arena *arena, struct drift_reference *reference, struct text *content,
			  struct error *error);

struct drift_comparison {
	const struct step *step;
	struct arena *arena; /* of the layout */
	struct drift_reference reference;
	struct text content; /* of the reference's file */
	struct monitor_settings settings;
	struct monitor *monitor;
	const char *unjudged;	    /* why no window can be judged by the reference; NULL: it can, or is not known */
	struct drift_layout layout; /* of messages; count 0: none has come */
	size_t *places;		    /* of the reference's features in the layout */
	bool lenient;		    /* set by its owner */
	bool complete;		    /* likewise: all messages have the same tensors, so one that is missing is an error */
	bool whole;		    /* the last message had all features, in the reference's types */
	struct past_texts **came;   /* of a past: the texts of each feature that came, NULL of numbers; else NULL */
	size_t lacking_count;	    /* columns of messages that the reference lacks, so that they are not compared */
	struct text *lacking;	    /* their names, in the arena of the layout */
};

#define DRIFT_LACKING_NAMED 20 /* of them, where they are named in a line or a record */

/* Reads its options, for a comparison whose reference and monitor are made by others. CONFIG: one cannot be used. */
bool drift_comparison_begin(struct drift_comparison *comparison, const struct step *step, struct error *error);

/* Makes the reference and the monitor of one that has begun, from the bytes of a reference's file, which are borrowed: of a topic,
 * or of the past. CONFIG: nothing can be compared with it. */
bool drift_comparison_learn(struct drift_comparison *comparison, struct text content, struct error *error);

/* CONFIG: the reference, a method or another option cannot be used. */
bool drift_comparison_open(struct drift_comparison *comparison, const struct step *step, struct error *error);

/* The rows of a message, in the arena. INPUT: it does not fit; `texts` as of drift_rows_read(). CONFIG: no message of its kind
 * fits the reference. */
bool drift_comparison_rows(struct drift_comparison *comparison, const struct payload *payload, struct arena *arena,
			   const double **rows, size_t *count, const struct tensor **texts, struct error *error);

/* Gives the tensors of a source without types those of the reference. */
bool drift_comparison_retype(const struct drift_comparison *comparison, const struct fit_source *source, struct payload *payload,
			     struct arena *arena, struct error *error);

/* ---- the identity of what is compared ----
 *
 * It is a hash of the reference, the window and `groupBy`; with `past`, also of the watched tensors, which a file names. Verdicts
 * are known by it. So the marks of a step are never those of a former reference, or of other segments, whichever engine gave the
 * verdict (observe/verdict_board.h, message/records/feed_record.h). */

/* Of a step `drift` or its observer, which have one identity. CONFIG: an option, or the reference's file, cannot be used. */
bool drift_identity(const struct step *step, uint64_t *identity, struct error *error);
