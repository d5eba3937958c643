/* revision.h: Revision of a deployment: its files, read, planned and checked, for the start or the reload of an
 * engine. For `sluice run` and `sluice dev`. */
#pragma once

#include "compiler/plan/state_forms.h"
#include "models/files.h"
#include "compiler/yaml/workspace.h"

/* A secret that a document in force names in a form that YAML may not have. The document was accepted before that rule: it runs,
 * secret_bind() refuses this secret, and what needs it does not work. */
struct withheld_secret {
	const char *document; /* KIND/NAME@VERSION */
	const char *why;      /* with its place, and what to write */
};

struct revision {
	uint64_t number; /* among all revisions of the process, from 1 */
	struct spec spec;
	struct arena *arena;
	struct files *files; /* that its steps name */
	struct plan plan;
	uint64_t certificates;		    /* hash of the certificates that its Servers name */
	struct files_view *views;	    /* of the files, for each pipeline of the plan */
	const struct runtime_spec *runtime; /* NULL: the files have none */
	bool spec_is_open;
	bool has_tables; /* bucket tables are made of recorded ones */
	size_t withheld_count;
	const struct withheld_secret *withheld;
	bool *held; /* for each pipeline of the plan: no group reads it yet (engine/run/group_mover.h). NULL: all are read */
};

struct revision_options {
	const struct step_kind *const *kinds;
	struct arena *names; /* for texts that errors borrow; outlives the revision. NULL: no file is read */
	struct fault_report report; /* `failure` is called for mirrors that are away, with `models_must_answer` alone */
	const char *const *paths;
	size_t path_count;
	const struct spec_document *documents; /* without `paths` */
	size_t document_count;
	const struct file_alias *aliases; /* of files that documents name (models/files.h) */
	size_t alias_count;
	const struct assignment_tables *tables; /* recorded ones (compiler/step/assignment_table.h); NULL: none */
	const struct state_forms *forms; /* recorded ones (compiler/plan/state_forms.h); NULL: none */
	struct name_list apart; /* pipelines of which an earlier version read topics of others */
	bool may_be_empty; /* a revision without pipelines is no error */
	struct name_list servers; /* NAME=URL */
	/* Address for models without one of their own: stubs, and models that no Server offers. NULL: none. */
	const char *built_in;
	bool built_in_only;	      /* it is used for all models, also for those with an address */
	/* Running plan. If one of its pipelines would now be refused, the whole revision is refused. NULL: none. */
	const struct plan *before;
	const char *secrets;	      /* folder of the files that YAML names as secrets; NULL: none */
	const char *namespace;	      /* of resources that state none; NULL: the default */
	bool one_namespace;	      /* where pipelines of `namespace` are in the files, those of others are left out */
	const char *prefix;	      /* of topics, where no SeldonRuntime sets one; NULL: the default */
	const char *namespace_forced; /* of all resources, whatever the files state; NULL: as in the files */
	struct name_list models_asked; /* Models that get a pipeline although another names them (struct spec_options) */
	bool lineage_full;	      /* of all pipelines, whatever the files state */
	bool has_gateway;	      /* the caller has a gateway, which enforces securityConfig or refuses to listen */
	bool may_have_gateway;	      /* the caller has a gateway if the runtime's serviceConfig has one */
	const struct metrics_asked *metrics; /* the caller's port for metrics, which has TLS if the files ask for it. NULL: none */
	bool has_keeper;	      /* a control plane gave the documents: nothing is said of what its keeper carries out */
	const struct network *receivers; /* networks that webhooks of alerts may reach although they are not public */
	size_t receiver_count;
	bool insecure;		      /* protection that is requested and not in force is no obstacle */
	/* For files that must be fetched from elsewhere first. Then no revision is made, and they are returned here,
	 * for a thread to fetch them (models/remote_download.h); the next call takes them back. NULL: the call waits for them. */
	struct files **remote_files;
	bool survey; /* asks models for their inputs: waits for their servers, 2 s at most */
	/* With `survey`: a model that `before` does not call and that is unreachable is an error (REMOTE), unless it gets copies
	 * alone. */
	bool models_must_answer;
	bool names_only; /* nothing of it is run here: a version of a Model that the files name may be a control plane's */
};

/* NULL: `error` has the reason. Its kind is NONE if reported faults are the reason, or if `remote_files` has files
 * to fetch. */
struct revision *revision_open(const struct revision_options *options, struct error *error);
/* The same with the kinds, the arena and the receiver of a command. */
struct revision *revision_open_in_workspace(const struct workspace *workspace, const struct revision_options *options,
					    struct error *error);
void revision_close(struct revision *revision); /* NULL is fine */

/* Whether no group reads the pipeline of that index yet. Called from the engine's thread. */
static inline bool revision_holds(const struct revision *revision, size_t pipeline)
{
	return revision->held && revision->held[pipeline];
}

struct files_view *revision_view(const struct revision *revision, const struct pipeline_plan *pipeline); /* of its plan */

/* Hash of everything that a pipeline is made of. It is the same as long as nothing changes that its stages, topics or
 * calls depend on, nor a file that was read through its view. 0: memory ran out. */
uint64_t revision_version(const struct revision *revision, const struct pipeline_plan *pipeline,
			  const struct step_kind *const *kinds);

/* Whether a pipeline of one is not in the other, or has another version there. */
bool revision_differs(const struct revision *before, const struct revision *now, const struct step_kind *const *kinds);
