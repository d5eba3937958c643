/* lint.c: `sluice lint`: everything that is wrong with YAML, in one run, before
 * anything is started. */
#include <unistd.h>

#include "cli/command.h"
#include "plan/plan.h"
#include "serving/artifact.h"
#include "serving/files.h"
#include "spec/fault_codes.h"
#include "spec/resource.h"

#define LINT_BYTES_MAX ((size_t)64 << 20) /* of what is printed: FAULTS_MAX faults with their lines fit */
#define GRAPH_BYTES_MAX ((size_t)512 << 20)
#define TYPED_NODES_MAX 4096 /* of a pipeline: each step may hand on all that those before it made */

struct lint_options {
	const char *kind;
	bool strict;
	int form;
};

static const struct option options[] = {
	COMMAND_FILES,
	ROW("kind", TEXT, struct lint_options, kind,
	    .help = "What documents without a kind are: SeldonDeployment, HealthChecks, Performance, Targets, ..."),
	ROW("strict", FLAG, struct lint_options, strict, .help = "Warnings fail too; notes never do."),
	COMMAND_FORM(lint_options, form, "text json"),
	{.type = OPTION_END},
};

extern const struct command command_lint;

/* Values in a tree, as far as they matter. */
static size_t nodes_of(const struct node *node)
{
	size_t count = 1;
	for (size_t i = 0; i < node->count && count <= TYPED_NODES_MAX; i++)
		count += nodes_of(node->type == NODE_MAP ? node->entries[i].value : node->items[i]);
	return count;
}

/* Whether the resource has an error of its own: kinds infer from options that are whole.
 * Faults are sorted by file and place, and a document ends where the next begins. */
static bool faulty(const struct spec *spec, size_t index)
{
	const struct place from = spec->resources[index]->place;
	uint32_t next = UINT32_MAX;
	for (size_t i = 0; i < spec->count; i++) {
		struct place other = spec->resources[i]->place;
		if (other.file == from.file && other.line > from.line && other.line < next)
			next = other.line;
	}
	for (size_t i = 0; i < faults_total(spec->faults); i++) {
		const struct fault *fault = faults_at(spec->faults, i);
		if (fault->code->severity == SEVERITY_ERROR && fault->place.file == from.file && fault->place.line >= from.line &&
		    fault->place.line < next)
			return true;
	}
	return false;
}

/* ---- files ---- */

/* The files of this machine. One that is not there may still be made, as by `sluice fit`, so it is
 * a warning; and what is elsewhere is not asked for, so that lint needs no network. */
struct near_files {
	struct files *files;
	struct faults *faults;
	struct arena *arena; /* for paths */
	struct file_source source;
};

static bool near_read(void *context, const struct name *file, const char *digest, struct text *content, struct error *error)
{
	struct near_files *self = context;
	const struct file_source *files = files_source(self->files);
	const char *path = files_path(file, self->arena);
	if (!path)
		return error_memory(error, ERROR_SYSTEM, "looking for a file");
	if (!artifact_is_elsewhere(path) && access(path, F_OK) == 0)
		return files->read(files->context, file, digest, content, error);
	if (!artifact_is_elsewhere(path))
		fault_add(self->faults, CODE_ABSENT_FILE, file->place, NULL, "there is no file %s", path);
	else if (!artifact_check(path, file->place, self->arena, error))
		return false;
	return error_set(error, ERROR_REMOTE, file->place, "%s is not read here", path);
}

/* ---- pipelines ---- */

/* Names and types in expressions, as far as they are known without a model's metadata. */
static void check_types(const struct graph *graph, const struct spec *spec, struct files *files, struct arena *arena)
{
	struct near_files near = {.files = files, .faults = spec->faults, .arena = arena};
	near.source = (struct file_source){&near, near_read};
	const struct called_model *called = ARENA_ARRAY(arena, struct called_model, graph->count);
	struct graph_types types = {0};
	if (called)
		(void)types_infer(graph, called, &(struct types_known){.files = &near.source}, arena, spec->faults, &types);
}

/* What is wrong within a pipeline; NULL, too, where what lies beyond cannot be told. */
static const struct graph *check_graph(const struct spec *spec, size_t index, struct files *files, struct arena *arena,
				       struct arena *scratch)
{
	const struct resource *resource = spec->resources[index];
	const struct graph *graph = graph_build(resource, spec, arena, spec->faults);
	const bool large = nodes_of(resource->node) > TYPED_NODES_MAX, whole = graph && !large && !faulty(spec, index);
	if (graph && large)
		fault_add(spec->faults, CODE_LARGE_PIPELINE, resource->name.place, NULL,
			  "pipeline `%s` has more than %d values: names and types in its expressions are not checked here",
			  graph->name, TYPED_NODES_MAX);
	if (whole)
		check_types(graph, spec, files, scratch);
	return whole && !faulty(spec, index) ? graph : NULL;
}

/* References, cycles, types, stages and the like, and what lies between pipelines: so all graphs stay until the end. */
static bool check_pipelines(const struct spec *spec, struct files *files, struct arena *arena, struct arena *scratch)
{
	const struct graph **graphs = ARENA_ARRAY(arena, const struct graph *, spec->count + 1);
	size_t count = 0;
	bool good = graphs;
	for (size_t i = 0; good && i < spec->count; i++) {
		if (spec->resources[i]->kind->type != RESOURCE_PIPELINE)
			continue;
		graphs[count] = check_graph(spec, i, files, arena, scratch);
		count += graphs[count] != NULL;
		good = !arena_failed(arena) && !arena_failed(scratch);
		arena_reset(scratch);
	}
	if (good)
		plan_check(spec, graphs, count, arena);
	return good && !arena_failed(arena);
}

static bool check_graphs(const struct spec *spec, struct error *error)
{
	struct arena *arena = arena_open(GRAPH_BYTES_MAX), *scratch = arena_open(GRAPH_BYTES_MAX);
	struct files *files = files_open(error);
	bool good = arena && scratch && files && check_pipelines(spec, files, arena, scratch);
	arena_close(arena);
	arena_close(scratch);
	files_close(files);
	return good || error_memory(error, ERROR_SYSTEM, "checking pipelines");
}

static void print_summary(const struct spec *spec, struct buffer *out)
{
	size_t errors = faults_count(spec->faults, SEVERITY_ERROR), warnings = faults_count(spec->faults, SEVERITY_WARNING);
	size_t count = 0;
	for (size_t i = 0; i < spec->count; i++)
		count += !spec->resources[i]->made_of;
	buffer_print(out, "%zu %s: ", count, count == 1 ? "resource" : "resources");
	if (errors + warnings == 0)
		buffer_string(out, "no faults\n");
	else
		buffer_print(out, "%zu %s, %zu %s\n", errors, errors == 1 ? "error" : "errors", warnings,
			     warnings == 1 ? "warning" : "warnings");
}

static int report(struct session *session, const struct lint_options *self, const struct spec *spec)
{
	struct buffer out;
	buffer_open(&out, LINT_BYTES_MAX);
	if (self->form == OUTPUT_JSON) {
		faults_print_json(spec->faults, &out);
	} else {
		faults_print_text(spec->faults, &out, session->colour);
		print_summary(spec, &out);
	}
	bool faults = faults_count(spec->faults, SEVERITY_ERROR) > 0 ||
		      (self->strict && faults_count(spec->faults, SEVERITY_WARNING) > 0);
	int code = command_write(session, &out);
	return faults ? EXIT_FAULTS : code;
}

static int lint_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct lint_options *self = filled;
	struct spec spec;
	struct error error = {0};
	if (!spec_open(&spec, &error))
		return command_failed(session, &error);
	const struct spec_options reading = {.kinds = session->kinds, .kind = self->kind};
	int code;
	if (spec_read(&spec, arguments, count, &reading, &error) && check_graphs(&spec, &error))
		code = report(session, self, &spec);
	else
		code = command_refused(session, &command_lint, &error);
	spec_close(&spec);
	return code;
}

const struct command command_lint = {
	.name = "lint",
	.arguments = "FILE...",
	.summary = "Checks YAML: every fault of every file, with its place and what to do.",
	.help = "A FILE may be a folder (its .yaml and .yml files; where it has none, those of the folders in it) or `-` (standard "
		"input). Errors stop every other command too; "
		"warnings say what sluice does not do yet, and which files are not there yet; notes say what has no effect "
		"here. `sluice help CODE` explains a fault.\n\n"
		"  sluice lint pipelines/\n  sluice lint --strict -o json pipeline.yaml\n  sluice lint --kind Targets "
		"targets.yaml\n",
	.options = options,
	.options_size = sizeof(struct lint_options),
	.group = "write",
	.run = lint_run,
};
