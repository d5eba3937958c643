/* dev_start.c: see dev_start.h. */
#include "view/dev_start.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/quote.h"
#include "message/json_write.h"

#define COMMAND_BYTES_MAX ((size_t)1 << 20)
#define REQUEST_FILE "request.json"
#define SMALL_REQUEST "{\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP64\", \"shape\": [1], \"data\": [1]}]}"

/* The folder of the pipeline's file, with its slash; empty: the current folder. */
static struct text folder_of(const char *file)
{
	const char *slash = strrchr(file, '/');
	return (struct text){file, slash ? (size_t)(slash - file) + 1 : 0};
}

/* Whether a command needs the files to find the pipeline's topics; else it derives their names. */
static bool needs_files(const struct pipeline_plan *plan)
{
	if (strcmp(plan->prefix, PREFIX_DEFAULT) != 0 || strcmp(plan->namespace, NAMESPACE_DEFAULT) != 0)
		return true;
	for (size_t i = 0; i < plan->topic_count; i++)
		if (plan->topics[i].bound)
			return true;
	return false;
}

/* Writes a command that sends a request: the file beside the pipeline, or else a small request, whose error shows
 * which inputs the pipeline needs. */
static void write_command(const struct dev_addresses *at, const struct pipeline_plan *plan, struct buffer *out)
{
	const char *file = plan->graph->resource->place.file;
	struct text folder = folder_of(file);
	struct arena *arena = at->arena;
	const char *request = arena_print(arena, TEXT_FORMAT REQUEST_FILE, TEXT_ARGUMENTS(folder));
	if (request && access(request, R_OK) != 0) {
		buffer_string(out, "echo '" SMALL_REQUEST "' | ");
		request = "-";
	}
	buffer_shell_word(out, text_of(program_invocation_name));
	buffer_string(out, " infer ");
	buffer_shell_word(out, text_of(plan->graph->name));
	buffer_string(out, " -f ");
	buffer_shell_word(out, text_of(request));
	if (needs_files(plan)) {
		buffer_string(out, " --pipelines ");
		buffer_shell_word(out, text_of(file));
	}
	buffer_print(out, " --brokers %s", at->brokers);
}

/* Writes a command that sends the same request over HTTP. Needs a gateway. */
static void write_curl(const struct dev_addresses *at, const struct pipeline_plan *plan, struct buffer *out)
{
	const char *file = plan->graph->resource->place.file;
	struct text folder = folder_of(file);
	struct arena *arena = at->arena;
	const char *request = arena_print(arena, TEXT_FORMAT REQUEST_FILE, TEXT_ARGUMENTS(folder));
	buffer_print(out, "curl http://127.0.0.1:%d/v2/pipelines/", at->http_port);
	buffer_shell_word(out, text_of(plan->graph->name));
	buffer_string(out, "/infer -d ");
	if (request && access(request, R_OK) == 0)
		buffer_shell_word(out, text_of(arena_print(arena, "@%s", request)));
	else
		buffer_string(out, "'" SMALL_REQUEST "'");
}

void dev_start_text(const struct dev_addresses *at, const struct pipeline_plan *plan, struct buffer *out)
{
	buffer_print(out, "models      http://127.0.0.1:%d  %s\n", at->rest_port, at->models);
	if (at->has_gateway) {
		buffer_print(out, "gateway     http://127.0.0.1:%d\ngrpc        127.0.0.1:%d\ncurl        ",
			     at->http_port, at->grpc_port);
		write_curl(at, plan, out);
		buffer_byte(out, '\n');
	}
	buffer_print(out, "broker      %s\n", at->brokers);
	buffer_string(out, "try         ");
	write_command(at, plan, out);
	buffer_print(out, "\nedit        %s\n", plan->graph->resource->place.file);
}

void dev_start_json(const struct dev_addresses *at, const struct pipeline_plan *plan, struct buffer *out)
{
	struct buffer command;
	buffer_open(&command, COMMAND_BYTES_MAX);
	write_command(at, plan, &command);
	buffer_print(out,
		     "{\"brokers\":\"%s\",\"rest\":\"http://127.0.0.1:%d\",\"grpc\":\"%s\",\"try\":", at->brokers,
		     at->rest_port, at->models);
	json_write_string(out, buffer_view(&command));
	if (at->has_gateway) {
		buffer_clear(&command);
		write_curl(at, plan, &command);
		buffer_print(out, ",\"gateway\":\"http://127.0.0.1:%d\",\"gateway_grpc\":\"127.0.0.1:%d\",\"curl\":",
			     at->http_port, at->grpc_port);
		json_write_string(out, buffer_view(&command));
	}
	buffer_string(out, ",\"edit\":");
	json_write_string(out, text_of(plan->graph->resource->place.file));
	buffer_string(out, "}\n");
	out->failed = out->failed || buffer_failed(&command);
	buffer_close(&command);
}
