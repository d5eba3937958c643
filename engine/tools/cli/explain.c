/* explain.c: `sluice explain`: asks a gateway why a pipeline answers a request as it does; or shows the importance of features
 * that its topic has. */
#include "base/number/duration.h"
#include "base/file.h"
#include "tools/cli/command.h"
#include "tools/client/kafka.h"
#include "net/http/http.h"
#include "tools/source/importance_windows.h"
#include "tools/view/explanation_view.h"
#include "tools/view/report/importance_view.h"

#define REQUEST_BYTES_MAX ((size_t)64 << 20) /* as much as a gateway accepts by default */
#define REPLY_BYTES_MAX ((size_t)256 << 20)
#define CONNECT_MS 5000
#define GATEWAY_DEFAULT "http://127.0.0.1:8080"

enum explain_form { FORM_TEXT, FORM_JSON, FORM_HTML };

struct explain_options {
	const char *request;
	const char *gateway;
	const char *token;
	int64_t timeout_ns;
	int form; /* enum explain_form */
	bool importance;
	struct pipeline_target_asked asked;
};

static const struct option options[] = {
	ROW("file", TEXT, struct explain_options, request, .letter = 'f',
	    .help = "The request, as JSON (`-`: from standard input). With --importance: the pipeline's YAML, if Kafka needs "
		    "settings."),
	ROW("importance", FLAG, struct explain_options, importance,
	    .help = "Shows the importance of features over the last windows, and how far it is from the first, of a step with "
		    "`importance`. It reads the pipeline's topic in Kafka; no gateway is asked."),
	PIPELINE_TARGET_ROWS(struct explain_options, asked),
	ROW("gateway", TEXT, struct explain_options, gateway, .word = "URL", .fallback = GATEWAY_DEFAULT,
	    .variable = "SLUICE_GATEWAY", .help = "The address of a gateway, as `sluice dev` prints it."),
	ROW("token", TEXT, struct explain_options, token, .secret = true, .variable = "SLUICE_TOKEN",
	    .help = "A token for the gateway, where it needs one: sent as `Authorization: Bearer`."),
	ROW("timeout", DURATION, struct explain_options, timeout_ns, .fallback = "30s",
	    .help = "How long the explanation may take."),
	COMMAND_FORM(explain_options, form, "text json html"),
	{.type = OPTION_END},
};

struct explain_call {
	struct arena *arena;
	bool ended;
	long status;
	struct text body;
	struct error error;
};

static void explain_on_reply(struct http_request *request, const struct http_reply *reply)
{
	struct explain_call *call = request->context;
	call->ended = true;
	call->status = reply->status;
	call->error = reply->error;
	const char *copy = arena_copy(call->arena, reply->body.bytes, reply->body.length);
	call->body = (struct text){copy ? copy : "", copy ? reply->body.length : 0};
}

static bool explain_ask(const struct explain_options *self, const char *url, struct text body, struct explain_call *call,
			struct error *error)
{
	const char *login = self->token ? arena_print(call->arena, "Authorization: Bearer %s", self->token) : NULL;
	const struct http_limits limits = {
		.connections_a_host = 1, .connection_idle_s = 1, .reply_bytes = REPLY_BYTES_MAX, .connect_ms = CONNECT_MS};
	struct http_request request = {.url = url,
				       .content_type = "application/json",
				       .body = body,
				       .timeout_ms = self->timeout_ns / NS_PER_MS,
				       .headers = {login},
				       .done = explain_on_reply,
				       .context = call};
	return http_ask(&limits, &request, &call->ended, error);
}

/* The words of a gateway's error, or all that it answered. */
static bool explain_refused(const struct explain_call *call, const char *url, struct error *error)
{
	if (call->status == 0)
		return error_set(error, ERROR_REMOTE, PLACE_NONE, "%s; check the address (--gateway)", call->error.text);
	return error_set(error, ERROR_REMOTE, PLACE_NONE, "%s answers %ld: " TEXT_FORMAT, url, call->status,
		TEXT_ARGUMENTS(call->body));
}

static bool explain_print(const struct explain_options *self, const struct explain_call *call, struct buffer *out,
			  struct error *error)
{
	struct explanation_view view;
	if (!explanation_view_read(&view, call->body, call->arena, error))
		return false;
	if (self->form == FORM_JSON) {
		buffer_text(out, call->body);
		buffer_byte(out, '\n');
	} else if (self->form == FORM_HTML)
		explanation_view_print_html(&view, out);
	else
		explanation_view_print_text(&view, call->arena, out);
	return true;
}

/* ---- importance ---- */

static int importance_run(struct session *session, const struct explain_options *self, const char *pipeline)
{
	static void (*const prints[])(const struct importance_list *, const char *, struct buffer *) = {
		[FORM_TEXT] = importance_print_text, [FORM_JSON] = importance_print_json, [FORM_HTML] = importance_print_html};
	struct importance_list list = {.arena = session->arena};
	struct pipeline_target_asked asked = self->asked;
	const struct name file = {.text = self->request};
	struct error error = {0};
	struct pipeline_target target;
	struct buffer out;
	if (self->request)
		asked.files = (struct name_list){1, &file};
	const bool good =
		pipeline_target_open(command_workspace(session), &asked, pipeline, &target, &error) &&
		importance_list_read(&list, &target.kafka, pipeline_target_importance(&target, pipeline, list.arena), &error);
	pipeline_target_close(&target);
	if (!good)
		return command_refused(session, &error);
	workspace_note_unreadable(command_workspace(session), list.unreadable, "", &list.unreadable_why);
	buffer_open(&out, REPLY_BYTES_MAX);
	prints[self->form](&list, pipeline, &out);
	return command_write(session, &out);
}

static int explain_run(struct session *session, const void *filled, const char *const *arguments, size_t count)
{
	const struct explain_options *self = filled;
	struct explain_call call = {.arena = session->arena};
	struct error error = {0};
	struct text body;
	struct buffer out;
	(void)count;
	if (self->importance)
		return importance_run(session, self, arguments[0]);
	if (!self->request)
		return command_misuse(session, "the request is missing; give a file, as in -f request.json");
	const char *url = arena_print(session->arena, "%s/v2/pipelines/%s/explain", self->gateway, arguments[0]);
	if (!url || !file_read(self->request, REQUEST_BYTES_MAX, session->arena, &body, &error) ||
	    !explain_ask(self, url, body, &call, &error))
		return command_refused(session, &error);
	if (call.status != 200) {
		(void)explain_refused(&call, url, &error);
		return command_failed(session, &error);
	}
	buffer_open(&out, REPLY_BYTES_MAX);
	if (!explain_print(self, &call, &out, &error)) {
		buffer_close(&out);
		return command_failed(session, &error);
	}
	return command_write(session, &out);
}

const struct command command_explain = {
	.name = "explain",
	.arguments = "PIPELINE",
	.summary = "Shows why a pipeline answers a request as it does.",
	.help = "Sends the request through a gateway to a running pipeline with a step of kind `explain`, and prints a waterfall: "
		"the base value (the model's mean answer), then the contribution of each feature, the largest first, then the "
		"answer. The residual is what they leave unexplained; estimates have a standard error. Form html is a page in one "
		"file.\n"
		"\n"
		"A model inside the engine that is explained by its trees, weights or layers is explained before its link, as SHAP "
		"does it. The heading names the scale then: as log-odds (log(p / (1 - p)) of the answer p), as log (its "
		"logarithm), or as score (of classes, the one whose softmax is their probability).\n"
		"\n"
		"  sluice explain hello -f request.json --gateway http://localhost:8080\n"
		"  sluice explain hello -f request.json -o html > why.html\n"
		"\n"
		"With --importance it shows how much each feature moves the answers: the mean absolute contribution over the last "
		"window of each partition, its share of all, and by how many points that share changed since the first windows "
		"that the topic has. The shift is half the sum of these changes, from 0 (alike) to 1. The windows come from a step "
		"`explain` with `importance`.\n"
		"\n"
		"  sluice explain hello --importance --brokers localhost:9092\n",
	.options = options,
	.options_size = sizeof(struct explain_options),
	.group = "run",
	.run = explain_run,
};
