/* init.c: `sluice init`: writes a first pipeline with a request and a test, for the user to change.
 *
 * It asks no questions and overwrites no files. Its output passes `sluice lint` and `sluice test` unchanged.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/quote.h"
#include "cli/command.h"
#include "message/json_write.h"

#define PATH_BYTES_MAX 4096
#define SAID_BYTES_MAX ((size_t)64 << 10) /* the folder's name a few times */

struct init_options {
	int form;
};

extern const struct command command_init;

static const struct option options[] = {
	COMMAND_FORM(init_options, form, "text json"),
	{.type = OPTION_END},
};

static const struct file {
	const char *path;
	const char *text; /* %s: the pipeline's name */
} files[] = {
	{"pipeline.yaml", "apiVersion: mlops.seldon.io/v1alpha1\n"
			  "kind: Pipeline\n"
			  "metadata: {name: %s}\n"
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

/* All folders that `path` goes through. */
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

/* The last part of the folder's name, where that can name a pipeline. */
static void name_from(const char *folder, char name[64])
{
	size_t end = strlen(folder);
	while (end > 0 && folder[end - 1] == '/')
		end--;
	size_t begin = end;
	while (begin > 0 && folder[begin - 1] != '/')
		begin--;
	size_t length = end - begin;
	const char *part = folder + begin;
	bool good = length > 0 && length < 64 && strspn(part, "abcdefghijklmnopqrstuvwxyz0123456789-") >= length &&
		    part[0] != '-' && part[length - 1] != '-';
	/* A step of it may not have its name. */
	struct text taken = {part, length};
	good = good && !text_is(taken, "prepare") && !text_is(taken, "decide");
	(void)snprintf(name, 64, "%.*s", good ? (int)length : 5, good ? part : "hello");
}

static bool write_file(const char *folder, const struct file *file, const char *name, struct error *error)
{
	char path[PATH_BYTES_MAX];
	if (!path_in(folder, file->path, path, error) || !make_folders(path, error))
		return false;
	FILE *out = fopen(path, "wx");
	if (!out)
		return refuse(error, path, "written");
	const char *hole = strstr(file->text, "%s");
	if (hole)
		fprintf(out, "%.*s%s%s", (int)(hole - file->text), file->text, name, hole + 2);
	else
		fputs(file->text, out);
	bool failed = ferror(out) != 0;
	failed |= fclose(out) != 0;
	return !failed || refuse(error, path, "written");
}

static bool write_all(const char *folder, struct error *error)
{
	char name[64];
	name_from(folder, name);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (!check_free(folder, files[i].path, error))
			return false;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (!write_file(folder, &files[i], name, error))
			return false;
	return true;
}

static int print_written(struct session *session, const char *folder)
{
	struct buffer out;
	buffer_open(&out, SAID_BYTES_MAX);
	buffer_string(&out, "{\"folder\": ");
	json_write_string(&out, text_of(folder));
	buffer_string(&out, ", \"files\": [");
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		buffer_string(&out, i ? ", " : "");
		json_write_string(&out, text_of(files[i].path));
	}
	buffer_string(&out, "]}\n");
	return command_write(session, &out);
}

static int say_written(struct session *session, const char *folder)
{
	/* A name that begins with a dash would be taken for an option. */
	const char *before = folder[0] == '-' ? "./" : "";
	static const char *const next[] = {"next: ", " && "}, *const verbs[] = {"lint", "test"};
	struct buffer out;
	buffer_open(&out, SAID_BYTES_MAX);
	buffer_print(&out,
		     "%s/pipeline.yaml      the pipeline: change it\n"
		     "%s/request.json       a request for it\n"
		     "%s/tests/decides/     a test of it\n",
		     folder, folder, folder);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		buffer_string(&out, next[i]);
		buffer_shell_word(&out, text_of(program_invocation_name));
		buffer_print(&out, " %s %s", verbs[i], before);
		buffer_shell_word(&out, text_of(folder));
	}
	buffer_byte(&out, '\n');
	return command_write(session, &out);
}

static int init_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct init_options *self = filled;
	(void)count;
	struct error error = {0};
	const char *folder = arguments[0];
	if (!*folder)
		return command_misuse(session, &command_init, "the folder needs a name");
	if (!write_all(folder, &error))
		return command_failed(session, &error);
	return self->form == OUTPUT_JSON ? print_written(session, folder) : say_written(session, folder);
}

const struct command command_init = {
	.name = "init",
	.arguments = "DIR",
	.summary = "Creates a pipeline: ten lines of YAML, a request, and a test.",
	.help = "It asks nothing and overwrites nothing.\n\n"
		"  sluice init trading\n"
		"  sluice test trading",
	.options = options,
	.options_size = sizeof(struct init_options),
	.group = "write",
	.run = init_run,
};
