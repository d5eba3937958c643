/* dev_start.c: see dev_start.h. */
#include "tools/view/dev_start.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/quote.h"
#include "gateway/calls/targets.h"
#include "message/json/json_write.h"
#include "tools/view/example_request.h"

#define COMMAND_BYTES_MAX ((size_t)1 << 20)
#define REQUEST_FILE "request.json"

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

/* The request of the commands: a file beside the pipeline, or an example. */
struct request {
	const char *file;    /* NULL: there is none */
	struct buffer json;  /* else */
	const char *why;     /* why it is only the form of one; NULL: it is of the pipeline */
	const char *refusal; /* why the pipeline takes submitted requests alone; NULL: it does not */
};

static void request_open(struct request *request, const struct dev_addresses *at, const struct pipeline_plan *plan)
{
	const struct text folder = folder_of(plan->graph->resource->place.file);
	const char *file = arena_print(at->arena, TEXT_FORMAT REQUEST_FILE, TEXT_ARGUMENTS(folder));
	*request = (struct request){.refusal = gateway_refusal_of(plan->graph, at->arena)};
	buffer_open(&request->json, COMMAND_BYTES_MAX);
	if (file && access(file, R_OK) == 0)
		request->file = file;
	else
		request->why = example_request_write(plan, &request->json);
}

/* Writes a command that sends the request through Kafka. */
static void write_command(const struct dev_addresses *at, const struct pipeline_plan *plan, const struct request *request,
			  struct buffer *out)
{
	if (!request->file) {
		buffer_string(out, "echo ");
		buffer_shell_word(out, buffer_view(&request->json));
		buffer_string(out, " | ");
	}
	buffer_shell_word(out, text_of(program_invocation_name));
	buffer_string(out, " infer ");
	buffer_shell_word(out, text_of(plan->graph->name));
	buffer_string(out, " -f ");
	buffer_shell_word(out, text_of(request->file ? request->file : "-"));
	if (needs_files(plan)) {
		buffer_string(out, " --pipelines ");
		buffer_shell_word(out, text_of(plan->graph->resource->place.file));
	}
	buffer_print(out, " --brokers %s", at->brokers);
}

/* Writes a command that sends it over HTTP, or submits it where its answer is not waited for. Needs a gateway. */
static void write_curl(const struct dev_addresses *at, const struct pipeline_plan *plan, const struct request *request,
		       struct buffer *out)
{
	buffer_print(out, "curl http://127.0.0.1:%d/v2/pipelines/", at->http_port);
	buffer_shell_word(out, text_of(plan->graph->name));
	buffer_string(out, request->refusal ? "/infer -H 'Prefer: respond-async' -d " : "/infer -d ");
	buffer_shell_word(out, request->file ? text_of(arena_print(at->arena, "@%s", request->file)) : buffer_view(&request->json));
}

/* What is to be known of the commands, in the arena. NULL: nothing. */
static const char *request_note(const struct request *request, const struct pipeline_plan *plan, struct arena *arena)
{
	const char *why = request->why, *refusal = request->refusal;
	if (!why && !refusal)
		return NULL;
	return arena_print(arena, "%s%s%s%s%s%s%s", why ? "the request is only an example, which the pipeline may refuse: " : "",
			   why ? why : "", why && refusal ? "; " : "", refusal ? "pipeline " : "", refusal ? plan->graph->name : "",
			   refusal ? " takes submitted requests alone, and answers in its topic of outputs: " : "",
			   refusal ? refusal : "");
}

void dev_start_text(const struct dev_addresses *at, const struct pipeline_plan *plan, struct buffer *out)
{
	struct request request;
	request_open(&request, at, plan);
	const char *note = request_note(&request, plan, at->arena);
	buffer_print(out, "models      http://127.0.0.1:%d  %s\n", at->rest_port, at->models);
	if (at->has_gateway) {
		buffer_print(out, "gateway     http://127.0.0.1:%d\ngrpc        127.0.0.1:%d\ncurl        ",
			     at->http_port, at->grpc_port);
		write_curl(at, plan, &request, out);
		buffer_byte(out, '\n');
	}
	buffer_print(out, "broker      %s\n", at->brokers);
	buffer_string(out, "try         ");
	write_command(at, plan, &request, out);
	buffer_print(out, "\n%s%s%sedit        %s\n", note ? "note        " : "", note ? note : "", note ? "\n" : "",
		     plan->graph->resource->place.file);
	out->failed = out->failed || buffer_failed(&request.json);
	buffer_close(&request.json);
}

void dev_start_json(const struct dev_addresses *at, const struct pipeline_plan *plan, struct buffer *out)
{
	struct request request;
	struct buffer command;
	request_open(&request, at, plan);
	const char *note = request_note(&request, plan, at->arena);
	buffer_open(&command, COMMAND_BYTES_MAX);
	write_command(at, plan, &request, &command);
	buffer_print(out,
		     "{\"brokers\":\"%s\",\"rest\":\"http://127.0.0.1:%d\",\"grpc\":\"%s\",\"try\":", at->brokers,
		     at->rest_port, at->models);
	json_write_string(out, buffer_view(&command));
	if (at->has_gateway) {
		buffer_clear(&command);
		write_curl(at, plan, &request, &command);
		buffer_print(out, ",\"gateway\":\"http://127.0.0.1:%d\",\"gateway_grpc\":\"127.0.0.1:%d\",\"curl\":",
			     at->http_port, at->grpc_port);
		json_write_string(out, buffer_view(&command));
	}
	if (note)
		json_write_string_after(out, TEXT(",\"note\":"), text_of(note));
	buffer_string(out, ",\"edit\":");
	json_write_string(out, text_of(plan->graph->resource->place.file));
	buffer_string(out, "}\n");
	out->failed = out->failed || buffer_failed(&command) || buffer_failed(&request.json);
	buffer_close(&command);
	buffer_close(&request.json);
}
