/* init.c: `sluice init`: writes a first pipeline with a request and a test, for the user to change.
 *
 * It asks no questions and overwrites no files. Its output passes `sluice lint` and `sluice test` unchanged. The schema
 * beside the YAML is that of `sluice schema`; editors find it by the first line of the YAML.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/quote.h"
#include "cli/command.h"
#include "message/json_write.h"
#include "spec/schema.h"

#define PATH_BYTES_MAX 4096
#define SAID_BYTES_MAX ((size_t)64 << 10) /* contains the folder's name a few times */
#define NAME_BYTES_MAX 64			  /* of a pipeline or a model, as in Kubernetes, with a NUL */
#define FILE_BYTES_MAX ((size_t)8 << 20)	  /* the schema is the largest */
#define SCHEMA_FILE "sluice.schema.json"
#define SCHEMA_LINE "# yaml-language-server: $schema=" SCHEMA_FILE "\n"

struct init_options {
	const char *model;
	int form;
};

extern const struct command command_init;

static const struct option options[] = {
	ROW("model", TEXT, struct init_options, model, .word = "NAME",
	    .help = "The pipeline calls the model of this name for probabilities, and compares one with a threshold. The model is "
		    "a stub until the YAML gives its address."),
	COMMAND_FORM(init_options, form, "text json"),
	{.type = OPTION_END},
};

struct file {
	const char *path;
	const char *text; /* %p: the pipeline's name; %m: the model's; NULL: the schema */
};

static const struct file plain[] = {
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
	{SCHEMA_FILE, NULL},
	{0},
};

/* The stub's probability is a tenth of the second number of the request. */
#define STUB_PROBABILITIES "reshape(concat(1 - x[0, 1] / 10, x[0, 1] / 10), [1, 2])"

static const struct file calling[] = {
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
	{SCHEMA_FILE, NULL},
	{0},
};

static bool refuse(struct error *error, const char *path, const char *what)
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
			return refuse(error, path, "made");
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
	return length > 0 && length == name.length && length < NAME_BYTES_MAX && name.bytes[0] != '-' &&
	       name.bytes[length - 1] != '-';
}

/* The last part of the folder's name, if it is a valid name of a pipeline. */
static void name_from(const char *folder, char name[NAME_BYTES_MAX])
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
	(void)snprintf(name, NAME_BYTES_MAX, "%.*s", good ? (int)part.length : 5, good ? part.bytes : "hello");
}

/* The files to be written, and the names in them. */
struct writing {
	struct session *session;
	const char *folder;
	const char *model;
	char pipeline[NAME_BYTES_MAX];
	const struct file *files;
};

static void fill_in(const struct writing *self, const struct file *file, struct buffer *out)
{
	if (!file->text) {
		schema_print_all(self->session->kinds, out);
		return;
	}
	const char *rest = file->text;
	for (const char *hole; (hole = strchr(rest, '%')) != NULL; rest = hole + 2) {
		buffer_text(out, (struct text){rest, (size_t)(hole - rest)});
		buffer_string(out, hole[1] == 'm' ? self->model : self->pipeline);
	}
	buffer_string(out, rest);
}

static bool write_file(const struct writing *self, const struct file *file, struct error *error)
{
	char path[PATH_BYTES_MAX];
	if (!path_in(self->folder, file->path, path, error) || !make_folders(path, error))
		return false;
	FILE *to = fopen(path, "wx");
	if (!to)
		return refuse(error, path, "written");
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
	return !failed || refuse(error, path, "written");
}

static bool write_all(const struct writing *self, struct error *error)
{
	for (const struct file *file = self->files; file->path; file++)
		if (!check_free(self->folder, file->path, error))
			return false;
	for (const struct file *file = self->files; file->path; file++)
		if (!write_file(self, file, error))
			return false;
	return true;
}

static int print_written(const struct writing *self)
{
	struct buffer out;
	buffer_open(&out, SAID_BYTES_MAX);
	buffer_string(&out, "{\"folder\": ");
	json_write_string(&out, text_of(self->folder));
	buffer_string(&out, ", \"files\": [");
	for (const struct file *file = self->files; file->path; file++) {
		buffer_string(&out, file > self->files ? ", " : "");
		json_write_string(&out, text_of(file->path));
	}
	buffer_string(&out, "]}\n");
	return command_write(self->session, &out);
}

static int say_written(struct session *session, const char *folder)
{
	/* A name with a leading dash would be read as an option. */
	const char *before = folder[0] == '-' ? "./" : "";
	static const char *const next[] = {"next: ", " && "}, *const verbs[] = {"lint", "test"};
	struct buffer out;
	buffer_open(&out, SAID_BYTES_MAX);
	buffer_print(&out,
		     "%s/pipeline.yaml      the pipeline: change it\n"
		     "%s/request.json       a request for it\n"
		     "%s/tests/decides/     a test of it\n"
		     "%s/" SCHEMA_FILE " the schema, for editors\n",
		     folder, folder, folder, folder);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		buffer_string(&out, next[i]);
		buffer_shell_word(&out, text_of(program_invocation_name));
		buffer_print(&out, " %s %s", verbs[i], before);
		buffer_shell_word(&out, text_of(folder));
	}
	buffer_byte(&out, '\n');
	return command_write(session, &out);
}

/* Checks the model's name, which is also the name of a step and of a resource beside the pipeline. */
static const char *model_fault(const struct writing *self)
{
	if (!self->model)
		return NULL;
	if (!name_is_good(text_of(self->model)))
		return "--model takes a name of small letters, digits and dashes, at most 63";
	if (strcmp(self->model, "decide") == 0)
		return "--model decide is the name of a step that the pipeline has; choose another name";
	if (strcmp(self->model, self->pipeline) == 0)
		return "the model and the pipeline have one name; choose another --model or folder";
	return NULL;
}

static int init_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct init_options *self = filled;
	(void)count;
	struct error error = {0};
	const char *folder = arguments[0];
	if (!*folder)
		return command_misuse(session, &command_init, "the name of the folder is missing");
	struct writing writing = {
		.session = session, .folder = folder, .model = self->model, .files = self->model ? calling : plain};
	name_from(folder, writing.pipeline);
	const char *fault = model_fault(&writing);
	if (fault)
		return command_misuse(session, &command_init, "%s", fault);
	if (!write_all(&writing, &error))
		return command_failed(session, &error);
	return self->form == OUTPUT_JSON ? print_written(&writing) : say_written(session, folder);
}

const struct command command_init = {
	.name = "init",
	.arguments = "DIR",
	.summary = "Creates a pipeline: ten lines of YAML, a request, and a test.",
	.help = "It asks no questions and overwrites no files. With `--model` the pipeline calls a model. The first line of the "
		"YAML tells editors with the YAML language server (VS Code, Neovim, Emacs) to complete and check the file by the "
		"schema beside it, which is that of `sluice schema`.\n\n"
		"  sluice init trading\n"
		"  sluice test trading\n"
		"  sluice init churn --model leaves",
	.options = options,
	.options_size = sizeof(struct init_options),
	.group = "write",
	.run = init_run,
};
