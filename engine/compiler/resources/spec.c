/* spec.c: Reader of files into resources: it selects the documents that sluice reads and their names, and applies
 * their rows; see resource.h. */
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "compiler/resources/document.h"
#include "compiler/resources/inline_models.h"

#define SPEC_BYTES_MAX ((size_t)1 << 30) /* of everything read in one run: thousands of files; more is a mistake */

bool spec_open(struct spec *spec, struct error *error)
{
	*spec = (struct spec){.arena = arena_open(SPEC_BYTES_MAX)};
	if (spec->arena)
		spec->faults = faults_open(spec->arena);
	if (spec->faults)
		return true;
	spec_close(spec);
	return error_memory(error, ERROR_SYSTEM, "reading YAML");
}

void spec_close(struct spec *spec)
{
	arena_close(spec->arena);
	*spec = (struct spec){0};
}

bool spec_read_text(struct spec *spec, const char *file, struct text text, const struct spec_options *options, struct error *error)
{
	struct documents documents;
	if (!yaml_read(spec->arena, file, text, &documents, spec->faults))
		return error_memory(error, ERROR_SYSTEM, "reading YAML");
	for (size_t i = 0; i < documents.count; i++)
		if (documents.items[i].root)
			document_read(spec, &documents.items[i], options);
	return !arena_failed(spec->arena) || error_memory(error, ERROR_SYSTEM, "reading YAML");
}

/* ---- files ---- */

static bool cannot_read(const char *path, const char *why, struct error *error)
{
	return error_set(error, ERROR_CONFIG, (struct place){.file = path}, "%s cannot be read: %s", path, why);
}

/* One run over paths. */
struct spec_reading {
	struct spec *spec;
	const struct spec_options *options;
	size_t files; /* read so far */
};

static bool read_file(struct spec_reading *reading, const char *path, struct error *error)
{
	struct text text;
	struct spec *spec = reading->spec;
	struct arena *names = reading->options->names ? reading->options->names : spec->arena;
	const char *name = strcmp(path, "-") == 0 ? "<stdin>" : arena_print(names, "%s", path);
	if (!name)
		return error_memory(error, ERROR_SYSTEM, "reading YAML");
	reading->files++;
	return file_read(path, YAML_BYTES_MAX + 1, spec->arena, &text, error) &&
	       spec_read_text(spec, name, text, reading->options, error);
}

static int is_yaml(const struct dirent *entry)
{
	const char *end = strrchr(entry->d_name, '.');
	return end && end != entry->d_name && (strcmp(end, ".yaml") == 0 || strcmp(end, ".yml") == 0);
}

static bool is_folder(const char *path)
{
	struct stat status;
	return strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int may_be_folder(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && !is_yaml(entry);
}

/* Reads each such entry of a folder. */
static bool read_entries(struct spec_reading *reading, const char *path, int (*is_such)(const struct dirent *),
			 bool (*read_one)(struct spec_reading *, const char *, struct error *), struct error *error)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_such, alphasort);
	if (count < 0)
		return cannot_read(path, "is the path right, and may you read it?", error);
	bool good = true;
	for (int i = 0; i < count; i++) {
		const char *name = good ? arena_print(reading->spec->arena, "%s/%s", path, entries[i]->d_name) : NULL;
		if (good && !name)
			error_memory(error, ERROR_SYSTEM, "reading YAML");
		good = name && read_one(reading, name, error);
		free(entries[i]);
	}
	free(entries);
	return good;
}

static bool read_lower_folder(struct spec_reading *reading, const char *path, struct error *error)
{
	return !is_folder(path) || read_entries(reading, path, is_yaml, read_file, error);
}

static bool read_folder(struct spec_reading *reading, const char *path, struct error *error)
{
	size_t before = reading->files;
	if (!read_entries(reading, path, is_yaml, read_file, error))
		return false;
	if (reading->files == before && !read_entries(reading, path, may_be_folder, read_lower_folder, error))
		return false;
	return reading->files > before || cannot_read(path,
						      "this folder has no .yaml or .yml file, and neither have the folders in it",
						      error);
}

/* Adds what follows from all documents: the pipelines of Experiments and of Models, and the names of models in steps. */
static bool spec_complete(struct spec *spec, const struct spec_options *options, struct error *error)
{
	if (options->model_pipelines || options->experiment_pipelines)
		documents_read_experiments(spec, options);
	if (options->model_pipelines)
		documents_read_models(spec, options);
	return inline_models_name(spec) || error_memory(error, ERROR_SYSTEM, "reading YAML");
}

bool spec_read(struct spec *spec, const char *const *paths, size_t count, const struct spec_options *options, struct error *error)
{
	struct spec_reading reading = {.spec = spec, .options = options};
	if (options->kind && !resource_kind_find(options->kind, error))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!(is_folder(paths[i]) ? read_folder : read_file)(&reading, paths[i], error))
			return false;
	return spec_complete(spec, options, error);
}

bool spec_read_listed(struct spec *spec, struct name_list files, const struct spec_options *options, struct error *error)
{
	const char **paths = spec_open(spec, error) ? ARENA_ARRAY(spec->arena, const char *, files.count + 1) : NULL;
	for (size_t i = 0; paths && i < files.count; i++)
		paths[i] = files.items[i].text;
	return paths ? spec_read(spec, paths, files.count, options, error) : error_memory(error, ERROR_SYSTEM, "reading files");
}

bool spec_read_documents(struct spec *spec, const struct spec_document *documents, size_t count, const struct spec_options *options,
			 struct error *error)
{
	spec->has_versions = true;
	for (size_t i = 0; i < count; i++) {
		const struct text text = {arena_copy(spec->arena, documents[i].text.bytes, documents[i].text.length),
					  documents[i].text.length};
		if (!text.bytes)
			return error_memory(error, ERROR_SYSTEM, "reading YAML");
		struct spec_options reading = *options;
		reading.version = documents[i].version;
		reading.is_named_version = documents[i].is_named_version;
		if (!spec_read_text(spec, documents[i].file, text, &reading, error))
			return false;
	}
	return spec_complete(spec, options, error);
}
