/* first_pipeline.c: see first_pipeline.h. */
#include "tools/client/first_pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "compiler/resources/schema.h"

#define PATH_BYTES_MAX 4096
#define FILE_BYTES_MAX ((size_t)8 << 20) /* the schema is the largest */
#define SCHEMA_LINE "# yaml-language-server: $schema=" FIRST_PIPELINE_SCHEMA "\n"

static const struct first_file plain[] = {
	{"pipeline.yaml", SCHEMA_LINE "apiVersion: mlops.seldon.io/v1alpha1\n"
				      "kind: Pipeline\n"
				      "metadata: {name: %p}\n"
				      "spec:\n"
				      "  steps:\n"
				      "  - {name: prepare, expression: {set: {level: mean(x)}}}\n"
				      "  - name: decide\n"
				      "    inputs: [prepare]\n"
				      "    expression: {set: {action: 'where(level > 15, \"buy\", \"hold\")'}, drop: [x]}\n"
				      "  output: {steps: [decide]}\n"},
	{"request.json", "{\"id\": \"first\", \"inputs\": [\n"
			 "  {\"name\": \"x\", \"datatype\": \"FP64\", \"shape\": [1, 3], \"data\": [10, 20, 30]}\n"
			 "]}\n"},
	{"tests/decides/in.jsonl", "{\"id\": \"high\", \"request\": {\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP64\", "
				   "\"shape\": [1, 3], \"data\": [10, 20, 30]}]}}\n"
				   "{\"id\": \"low\", \"request\": {\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP64\", "
				   "\"shape\": [1, 3], \"data\": [1, 2, 3]}]}}\n"},
	{"tests/decides/out.jsonl", "{\"id\": \"high\", \"response\": {\"outputs\": ["
				    "{\"name\": \"level\", \"datatype\": \"FP64\", \"shape\": [], \"data\": [20.0]}, "
				    "{\"name\": \"action\", \"datatype\": \"BYTES\", \"shape\": [], \"data\": [\"buy\"]}]}}\n"
				    "{\"id\": \"low\", \"response\": {\"outputs\": ["
				    "{\"name\": \"level\", \"datatype\": \"FP64\", \"shape\": [], \"data\": [2.0]}, "
				    "{\"name\": \"action\", \"datatype\": \"BYTES\", \"shape\": [], \"data\": [\"hold\"]}]}}\n"},
	{FIRST_PIPELINE_SCHEMA, NULL},
	{0},
};

/* The stub's probability is a tenth of the second number of the request. */
#define STUB_PROBABILITIES "reshape(concat(1 - x[0, 1] / 10, x[0, 1] / 10), [1, 2])"

static const struct first_file calling[] = {
	{"pipeline.yaml", SCHEMA_LINE
	 "apiVersion: mlops.seldon.io/v1alpha1\n"
	 "kind: Pipeline\n"
	 "metadata: {name: %p}\n"
	 "spec:\n"
	 "  steps:\n"
	 "  - name: %m                              # calls the model of its name\n"
	 "    model: {outputs: [predict_proba]}     # asks for probabilities: a row for each row of x, a column for each class\n"
	 "  - name: decide\n"
	 "    inputs: [%m]\n"
	 "    expression:\n"
	 "      set:\n"
	 "        probability: \"round(predict_proba[0, 1] * 1000) / 1000\"\n"
	 "        action: 'where(probability > 0.7, \"act\", \"wait\")'\n"
	 "      keep: [probability, action]\n"
	 "  output: {steps: [decide]}\n"
	 "---\n"
	 "# A stub. Replace it by the address of the model's server: http://HOST:8080, or grpc://HOST:8081.\n"
	 "apiVersion: mlops.seldon.io/v1alpha1\n"
	 "kind: Model\n"
	 "metadata: {name: %m}\n"
	 "spec:\n"
	 "  storageUri: \"stub://expression?predict_proba=" STUB_PROBABILITIES "\"\n"},
	{"request.json", "{\"id\": \"first\", \"inputs\": [\n"
			 "  {\"name\": \"x\", \"datatype\": \"FP64\", \"shape\": [1, 3], \"data\": [4, 3, 59]}\n"
			 "]}\n"},
	{"tests/decides/in.jsonl", "{\"id\": \"high\", \"request\": {\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP64\", "
				   "\"shape\": [1, 3], \"data\": [4, 8, 59]}]}}\n"
				   "{\"id\": \"low\", \"request\": {\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP64\", "
				   "\"shape\": [1, 3], \"data\": [40, 7, 25]}]}}\n"},
	{"tests/decides/out.jsonl", "{\"id\": \"high\", \"response\": {\"outputs\": ["
				    "{\"name\": \"probability\", \"datatype\": \"FP64\", \"shape\": [], \"data\": [0.8]}, "
				    "{\"name\": \"action\", \"datatype\": \"BYTES\", \"shape\": [], \"data\": [\"act\"]}]}}\n"
				    "{\"id\": \"low\", \"response\": {\"outputs\": ["
				    "{\"name\": \"probability\", \"datatype\": \"FP64\", \"shape\": [], \"data\": [0.7]}, "
				    "{\"name\": \"action\", \"datatype\": \"BYTES\", \"shape\": [], \"data\": [\"wait\"]}]}}\n"},
	/* A stub, so that the test needs no server even if the YAML names one. */
	{"tests/decides/stubs.json", "{\"%m\": {\"predict_proba\": \"" STUB_PROBABILITIES "\"}}\n"},
	{FIRST_PIPELINE_SCHEMA, NULL},
	{0},
};

static bool first_pipeline_refuse(struct error *error, const char *path, const char *what)
{
	return error_set(error, ERROR_CONFIG, PLACE_NONE, "%s cannot be %s: %s; choose a folder that you may write", path, what,
			 strerror(errno));
}

static bool path_in(const char *folder, const char *name, char path[PATH_BYTES_MAX], struct error *error)
{
	int length = snprintf(path, PATH_BYTES_MAX, "%s/%s", folder, name);
	return (length >= 0 && length < PATH_BYTES_MAX) ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE, "the name of the folder is too long; choose a shorter one");
}

static bool check_free(const char *folder, const char *name, struct error *error)
{
	char path[PATH_BYTES_MAX];
	if (!path_in(folder, name, path, error))
		return false;
	struct stat found;
	return lstat(path, &found) != 0 || error_set(error, ERROR_CONFIG, PLACE_NONE,
						     "%s is already there, so nothing was written; choose another folder", path);
}

/* Makes all folders in `path`. */
static bool make_folders(char *path, struct error *error)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0777) != 0 && errno != EEXIST)
			return first_pipeline_refuse(error, path, "made");
		*slash = '/';
	}
	return true;
}

static bool name_is_good(struct text name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t length = 0;
	while (length < name.length && memchr(allowed, name.bytes[length], sizeof allowed - 1))
		length++;
	return length > 0 && length == name.length && length < FIRST_PIPELINE_NAME_BYTES && name.bytes[0] != '-' &&
	       name.bytes[length - 1] != '-';
}

/* The last part of the folder's name, if it is a valid name of a pipeline. */
static void name_from(const char *folder, char name[FIRST_PIPELINE_NAME_BYTES])
{
	size_t end = strlen(folder);
	while (end > 0 && folder[end - 1] == '/')
		end--;
	size_t begin = end;
	while (begin > 0 && folder[begin - 1] != '/')
		begin--;
	struct text part = {folder + begin, end - begin};
	/* A step must not have the same name as its pipeline. */
	bool good = name_is_good(part) && !text_is(part, "prepare") && !text_is(part, "decide");
	(void)snprintf(name, FIRST_PIPELINE_NAME_BYTES, "%.*s", good ? (int)part.length : 5, good ? part.bytes : "hello");
}

static void fill_in(const struct first_pipeline *self, const struct first_file *file, struct buffer *out)
{
	if (!file->text) {
		schema_print_all(self->kinds, out);
		return;
	}
	const char *rest = file->text;
	for (const char *hole; (hole = strchr(rest, '%')) != NULL; rest = hole + 2) {
		buffer_text(out, (struct text){rest, (size_t)(hole - rest)});
		buffer_string(out, hole[1] == 'm' ? self->model : self->pipeline);
	}
	buffer_string(out, rest);
}

static bool write_file(const struct first_pipeline *self, const struct first_file *file, struct error *error)
{
	char path[PATH_BYTES_MAX];
	if (!path_in(self->folder, file->path, path, error) || !make_folders(path, error))
		return false;
	FILE *to = fopen(path, "wx");
	if (!to)
		return first_pipeline_refuse(error, path, "written");
	struct buffer content;
	buffer_open(&content, FILE_BYTES_MAX);
	fill_in(self, file, &content);
	bool failed = fwrite(content.bytes, 1, content.length, to) != content.length;
	failed |= fclose(to) != 0;
	if (buffer_failed(&content)) {
		failed = true;
		errno = ENOMEM;
	}
	buffer_close(&content);
	return !failed || first_pipeline_refuse(error, path, "written");
}

bool first_pipeline_write(const struct first_pipeline *self, struct error *error)
{
	for (const struct first_file *file = self->files; file->path; file++)
		if (!check_free(self->folder, file->path, error))
			return false;
	for (const struct first_file *file = self->files; file->path; file++)
		if (!write_file(self, file, error))
			return false;
	return true;
}

/* Checks the model's name, which is also the name of a step and of a resource beside the pipeline. */
static const char *model_fault(const struct first_pipeline *self)
{
	if (!self->model)
		return NULL;
	if (!name_is_good(text_of(self->model)))
		return "--model takes a name of lower-case letters, digits and dashes, at most 63";
	if (strcmp(self->model, "decide") == 0)
		return "--model decide is the name of a step that the pipeline has; choose another name";
	if (strcmp(self->model, self->pipeline) == 0)
		return "the model and the pipeline have one name; choose another --model or folder";
	return NULL;
}

const char *first_pipeline_prepare(struct first_pipeline *self)
{
	self->files = self->model ? calling : plain;
	name_from(self->folder, self->pipeline);
	return model_fault(self);
}
