/* revision.h: files read, planned and found fit to run: what an engine is given, and
 * given anew. For `sluice run` and `sluice dev`.
 */
#ifndef SLUICE_RUNTIME_REVISION_H
#define SLUICE_RUNTIME_REVISION_H

#include "plan/plan.h"
#include "serving/files.h"

struct revision {
	struct spec spec;
	struct arena *arena;
	struct files *files; /* that its steps name */
	struct plan plan;
	uint64_t certificates;		    /* what stood in those that its Servers name */
	struct files_view *views;	    /* of them, by each pipeline of the plan */
	const struct runtime_spec *runtime; /* NULL: the files have none */
	bool spec_is_open;
};

/* Receiver of what is found while files are read. */
struct revision_report {
	void (*faults)(void *context, const struct faults *faults); /* errors and warnings */
	void (*note)(void *context, const char *line);		    /* a remark that stops nothing; without its end of line */
	void *context;
};

struct revision_options {
	const struct step_kind *const *kinds;
	struct arena *names; /* of texts that errors borrow; outlives the revision */
	struct revision_report report;
	const char *const *paths;
	size_t path_count;
	struct name_list servers; /* NAME=URL */
	/* Where models are answered that have no address of their own: stubs, and those that no
	 * Server offers. NULL: nowhere. */
	const char *built_in;
	bool built_in_only;	      /* all models are answered there, whatever address they have */
	const struct plan *before;    /* that is in force, from where shares of messages move; NULL: none is */
	const char *namespace;	      /* of resources that state none; NULL: the default */
	const char *namespace_forced; /* of all resources, whatever they say; NULL: as they say */
	bool lineage_full;	      /* of all pipelines, whatever they say */
	bool insecure;		      /* protection that is asked for and not in force is no obstacle */
	/* Where files lie elsewhere that are not fetched yet, the revision is not made, and they are handed out here, for a
	 * thread to fetch them (cli/fetching.h); with them, read again. NULL: they are waited for. */
	struct files **elsewhere;
	bool survey; /* models are asked what they take: waits for their servers, 2 s at the most */
};

/* NULL: `error` says why, or its kind is NONE when the faults that were reported did, or when `elsewhere` has files to be
 * fetched. */
struct revision *revision_open(const struct revision_options *options, struct error *error);
void revision_close(struct revision *revision); /* NULL is fine */

struct files_view *revision_view(const struct revision *revision, const struct pipeline_plan *pipeline);

/* What a pipeline is made of, as a number: the same as long as nothing changes that its
 * stages, its topics or its calls depend on, nor any file that was read through its view.
 * 0: memory ran out. */
uint64_t revision_version(const struct revision *revision, const struct pipeline_plan *pipeline,
			  const struct step_kind *const *kinds);

#endif
