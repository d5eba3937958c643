/* dev_start.c: see dev_start.h. */
#include "tools/view/dev_start.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number/moment.h"
#include "base/quote.h"
#include "gateway/calls/targets.h"
#include "message/json/json_write.h"

/* ---- an example of a request ---- */

#define FORM "{\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP64\", \"shape\": [1], \"data\": [1]}]}"
#define ELEMENTS_MAX 1024 /* of a tensor: a line that can be pasted */

/* What is put at the end of a path. */
struct leaf {
	json_t *element;
	size_t count;	/* of its elements */
	bool is_listed; /* they are a list there; else of one element, or one in each item of the path's last [*] */
};

/* ---- paths ---- */

static json_t *path_fill(json_t *at, struct text path, const struct leaf *leaf);

/* NULL, and the value is given back: it is not whole. */
static json_t *json_if(json_t *value, bool is_whole)
{
	if (!is_whole)
		json_decref(value);
	return is_whole ? value : NULL;
}

/* What is there already, as of another path, stays. */
static json_t *leaf_fill(json_t *at, const struct leaf *leaf)
{
	if (at)
		return json_incref(at);
	if (!leaf->is_listed)
		return json_copy(leaf->element);
	json_t *list = json_array();
	bool good = list;
	for (size_t i = 0; good && i < leaf->count; i++)
		good = json_array_append_new(list, json_copy(leaf->element)) == 0;
	return json_if(list, good);
}

/* Items from `first` to before `end`; those before are as they were, or empty. */
static json_t *items_fill(json_t *at, size_t first, size_t end, struct text rest, const struct leaf *leaf)
{
	json_t *list = json_is_array(at) ? json_incref(at) : json_array();
	bool good = list;
	while (good && json_array_size(list) < first)
		good = json_array_append_new(list, json_null()) == 0;
	for (size_t i = first; good && i < end; i++) {
		json_t *item = json_array_get(list, i);
		json_t *filled = path_fill(json_is_null(item) ? NULL : item, rest, leaf);
		good = (item ? json_array_set_new(list, i, filled) : json_array_append_new(list, filled)) == 0;
	}
	return json_if(list, good);
}

/* Returns a new reference to what stands at the path's beginning, `at` with the leaf at its end; NULL: memory ran out, or an
 * index is too large. */
static json_t *path_fill(json_t *at, struct text path, const struct leaf *leaf)
{
	if (path.length == 0)
		return leaf_fill(at, leaf);
	if (path.bytes[0] == '.')
		path = text_from(path, 1);
	if (path.length > 0 && path.bytes[0] == '[') {
		struct text rest = path, index = text_from(text_take_until(&rest, ']'), 1);
		const bool is_last = !memmem(rest.bytes, rest.length, "[*]", 3);
		const size_t number = text_is(index, "*") ? 0 : (size_t)strtoul(index.bytes, NULL, 10);
		const size_t count = text_is(index, "*") && is_last && !leaf->is_listed ? leaf->count : 1;
		return number < ELEMENTS_MAX ? items_fill(at, number, number + count, rest, leaf) : NULL;
	}
	size_t length = 0;
	while (length < path.length && path.bytes[length] != '.' && path.bytes[length] != '[')
		length++;
	json_t *object = json_is_object(at) ? json_incref(at) : json_object();
	json_t *field = json_object_getn(object, path.bytes, length);
	const bool good = json_object_setn_new(object, path.bytes, length, path_fill(field, text_from(path, length), leaf)) == 0;
	return json_if(object, good);
}

/* An event that is NULL, as of a path before, stays so. */
static void event_put(json_t **event, const char *path, const struct leaf *leaf)
{
	json_t *filled = *event && path && leaf->element ? path_fill(*event, text_of(path), leaf) : NULL;
	json_decref(*event);
	*event = filled;
}

/* ---- the event ---- */

/* More than ELEMENTS_MAX are as many. */
static size_t elements_of(const struct value_type *type)
{
	size_t count = 1;
	for (uint32_t i = 0; i < type->rank && count <= ELEMENTS_MAX; i++) {
		const int64_t size = type->shape[i] > 0 ? type->shape[i] : 1;
		count *= size <= ELEMENTS_MAX ? (size_t)size : ELEMENTS_MAX + 1;
	}
	return count;
}

static json_t *element_of(const struct value_type *type)
{
	if (type->datatype_known && type->datatype == DATATYPE_BYTES)
		return json_string("1");
	return type->datatype_known && type->datatype == DATATYPE_BOOL ? json_true() : json_integer(1);
}

static void tensor_put(json_t **event, const struct input_tensor *tensor, const struct value_type *type)
{
	json_t *element = element_of(type);
	const bool is_starred = tensor->path && strstr(tensor->path, "[*]");
	const struct leaf whole = {element, elements_of(type), !is_starred && tensor->shape.count > 0};
	const struct leaf column = {element, 1, false};
	if (tensor->path)
		event_put(event, tensor->path, &whole);
	for (size_t i = 0; i < tensor->paths.count; i++)
		event_put(event, tensor->paths.items[i].text, &column);
	json_decref(element);
}

static json_t *now_of(int unit)
{
	char written[MOMENT_BYTES];
	const int64_t now_ms = time_of_day_ms();
	switch ((enum time_unit)unit) {
	case TIME_S:
		return json_integer(now_ms / 1000);
	case TIME_US:
		return json_integer(now_ms * 1000);
	case TIME_ISO8601:
		moment_print(now_ms, written);
		return json_string(written);
	default:
		return json_integer(now_ms);
	}
}

static json_t *event_of(const struct pipeline_input *input, const struct tensor_types *types)
{
	const struct input_tensor *tensors = input->tensors.items;
	json_t *event = json_object(), *key = json_string("1"), *now = now_of(input->time.unit);
	for (size_t i = 0; i < input->tensors.count && i < types->count; i++)
		tensor_put(&event, &tensors[i], &types->items[i].type);
	if (input->key)
		event_put(&event, input->key, &(struct leaf){key, 1, false});
	if (input->time.field)
		event_put(&event, input->time.field, &(struct leaf){now, 1, false});
	json_decref(key);
	json_decref(now);
	return event;
}

/* Appends it as JSON. Each number is 1, and each size that may be any. NULL: the pipeline takes it. Else it is only the form of a
 * request of the Open Inference Protocol, and why. */
static const char *example_request_write(const struct pipeline_plan *plan, struct buffer *out)
{
	const struct pipeline_spec *spec = plan->graph->resource->spec;
	const struct tensor_types *types = &plan->types.request;
	const char *why = types->count == 0 ? "the plan knows no tensor that the pipeline takes" : NULL;
	for (size_t i = 0; i < types->count; i++)
		if (elements_of(&types->items[i].type) > ELEMENTS_MAX)
			why = "an event of its input.tensors is too long for a line";
	json_t *event = why ? NULL : event_of(&spec->input, types);
	char *json = event ? json_dumps(event, JSON_PRESERVE_ORDER) : NULL;
	if (!json && !why)
		why = "its input.tensors have paths without an example";
	buffer_string(out, json ? json : FORM);
	free(json);
	json_decref(event);
	return why;
}

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
	buffer_print(out, "broker      %s\ntry         ", at->brokers);
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
	json_write_string_after(out, TEXT(",\"edit\":"), text_of(plan->graph->resource->place.file));
	buffer_string(out, "}\n");
	out->failed = out->failed || buffer_failed(&command) || buffer_failed(&request.json);
	buffer_close(&command);
	buffer_close(&request.json);
}
