/* control_session.c: see control_session.h. */
#include "cli/control_session.h"

#include <inttypes.h>
#include <pwd.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/quote.h"
#include "base/suggest.h"
#include "cli/command.h"
#include "cli/kafka.h"
#include "message/json_write.h"
#include "plan/plan.h"

#define VERDICT_BYTES_MAX ((size_t)4 << 20)
#define HOST_BYTES 256

/* ---- opening ---- */

static bool session_start(struct session *session, const char *prefix, const char *namespace, struct control_session *control,
			  struct error *error)
{
	control->config = (struct applier_config){.brokers = control->kafka.brokers,
						  .consumer = control->kafka.consumer,
						  .producer = control->kafka.producer,
						  .namespace = namespace};
	if (!control_topics_name(&control->config.topics, prefix, namespace, session->arena, error))
		return false;
	control->applier = applier_open(&control->config, error);
	return control->applier != NULL;
}

bool control_session_open(struct session *session, const struct door_asked *asked, struct control_session *control,
			  struct error *error)
{
	*control = (struct control_session){0};
	if (!door_open(session, asked, NULL, &control->door, error))
		return false;
	control->kafka = control->door.kafka;
	return session_start(session, control->door.prefix, control->door.namespace, control, error);
}

bool control_session_open_with(struct session *session, const struct kafka_asked *asked, const struct prefix_asked *prefix,
			       const struct runtime_spec *runtime, const char *namespace, struct control_session *control,
			       struct error *error)
{
	*control = (struct control_session){0};
	const char *chosen = prefix_choose(prefix, runtime ? runtime->topic_prefix : NULL, error);
	return chosen && kafka_find(runtime, asked, session->arena, &control->kafka, error) &&
	       session_start(session, chosen, namespace, control, error);
}

void control_session_close(struct control_session *control)
{
	applier_close(control->applier);
	door_close(&control->door);
}

/* ---- names ---- */

/* Finds the kind, of which `pipeline` and `pipelines` are names too. */
static const char *kind_find(struct text word, struct suggestion *suggestion)
{
	for (const struct resource_kind *kind = resource_kinds; kind->name; kind++) {
		struct text name = text_of(kind->name), singular = word;
		if (!kind->api_version)
			continue;
		if (word.length == name.length + 1 && letter_lowered(word.bytes[name.length]) == 's')
			singular.length--;
		if (text_equal_caseless(singular, name))
			return kind->name;
		suggest_offer(suggestion, name);
	}
	return NULL;
}

bool resource_reference_read(const char *word, bool needs_name, struct resource_reference *reference,
			     struct error *error)
{
	struct text kind = {word, strcspn(word, "/")};
	struct suggestion suggestion = suggest_begin(kind);
	const char *slash = strchr(word, '/');
	*reference = (struct resource_reference){.kind = kind_find(kind, &suggestion), .name = slash ? slash + 1 : NULL};
	if (!reference->kind && suggestion.nearest.bytes)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "there is no kind `" TEXT_FORMAT "`; did you mean `" TEXT_FORMAT "`?",
				 TEXT_ARGUMENTS(kind), TEXT_ARGUMENTS(suggestion.nearest));
	if (!reference->kind)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "there is no kind `" TEXT_FORMAT "`; a resource is named KIND/NAME, as in pipeline/fraud",
				 TEXT_ARGUMENTS(kind));
	if (reference->name ? !control_name_is_valid(text_of(reference->name)) : needs_name)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "`%s` names no resource; write KIND/NAME, as in pipeline/fraud",
				 word);
	return true;
}

const struct ledger_resource *control_session_find(const struct control_session *control, struct resource_reference reference,
						   struct error *error)
{
	const struct ledger *ledger = applier_ledger(control->applier);
	const struct ledger_resource *found = ledger_resource_find(ledger, text_of(reference.kind), text_of(reference.name));
	if (found)
		return found;
	struct suggestion suggestion = suggest_begin(text_of(reference.name));
	const struct ledger_resource *resource;
	LIST_EACH_RESOURCE(ledger, resource)
	{
		if (text_is(resource->kind, reference.kind))
			suggest_offer(&suggestion, resource->name);
	}
	if (suggestion.nearest.bytes)
		error_set(error, ERROR_CONFIG, PLACE_NONE,
			  "namespace `%s` has no `%s/%s`; did you mean `%s/" TEXT_FORMAT "`?", ledger->namespace, reference.kind,
			  reference.name, reference.kind, TEXT_ARGUMENTS(suggestion.nearest));
	else
		error_set(error, ERROR_CONFIG, PLACE_NONE, "namespace `%s` has no `%s/%s`; `sluice get` lists what it has",
			  ledger->namespace, reference.kind, reference.name);
	return NULL;
}

const struct ledger_resource *control_session_open_at(struct session *session, const struct door_asked *asked, const char *word,
						      struct control_session *control, struct resource_reference *reference,
						      struct error *error)
{
	*control = (struct control_session){0};
	if (!resource_reference_read(word, true, reference, error) || !control_session_open(session, asked, control, error))
		return NULL;
	return control_session_find(control, *reference, error);
}

int64_t resource_expected(const struct ledger *ledger, const struct ledger_resource *resource)
{
	return resource && ledger_present(ledger, resource) ? ledger_newest(resource)->record.version : 0;
}

/* ---- proposing ---- */

static const char *author_default(struct arena *arena)
{
	char host[HOST_BYTES] = "";
	const struct passwd *user = getpwuid(getuid());
	if (gethostname(host, sizeof host - 1) != 0)
		host[0] = '\0';
	return arena_print(arena, "%s@%s", user ? user->pw_name : "unknown", host);
}

const char *control_author_name(const struct control_author *author, struct arena *arena)
{
	return author->author ? author->author : author_default(arena);
}

static const struct document_place *place_find(struct document_places places, const struct verdict_fault *fault)
{
	for (size_t i = 0; i < places.count; i++)
		if (text_equal(places.items[i].kind, fault->kind) && text_equal(places.items[i].name, fault->name))
			return &places.items[i];
	return NULL;
}

static void fault_text(struct buffer *out, const struct verdict_fault *fault, struct document_places places)
{
	const struct document_place *place = place_find(places, fault);
	if (place)
		buffer_print(out, "%s:%lld:%lld: ", place->file, (long long)place->line + (fault->line > 0 ? fault->line - 1 : 0),
			     (long long)fault->column);
	else if (fault->kind.length > 0)
		buffer_print(out, TEXT_FORMAT "/" TEXT_FORMAT ":%lld:%lld: ", TEXT_ARGUMENTS(fault->kind),
			     TEXT_ARGUMENTS(fault->name), (long long)fault->line, (long long)fault->column);
	buffer_shown(out, fault->text);
	if (fault->code.length > 0)
		buffer_print(out, " (`sluice help " TEXT_FORMAT "`)", TEXT_ARGUMENTS(fault->code));
	buffer_byte(out, '\n');
}

static void fault_json(struct buffer *out, const struct verdict_fault *fault, struct document_places places)
{
	const struct document_place *place = place_find(places, fault);
	json_write_member(out, "{", "kind", fault->kind);
	json_write_member(out, ", ", "name", fault->name);
	if (place)
		json_write_member(out, ", ", "file", text_of(place->file));
	buffer_print(out, ", \"line\": %lld, \"column\": %lld",
		     (long long)(place && fault->line > 0 ? place->line + fault->line - 1 : fault->line), (long long)fault->column);
	json_write_member(out, ", ", "code", fault->code);
	json_write_member(out, ", ", "message", fault->text);
	buffer_byte(out, '}');
}

static void versions_json(struct buffer *out, const struct control_verdict *verdict)
{
	const struct resource_version *versions = verdict->versions.items;
	buffer_string(out, ", \"versions\": [");
	for (size_t i = 0; i < verdict->versions.count; i++) {
		buffer_string(out, i > 0 ? ", " : "");
		json_write_member(out, "{", "kind", versions[i].kind);
		json_write_member(out, ", ", "name", versions[i].name);
		buffer_print(out, ", \"version\": %lld}", (long long)versions[i].version);
	}
	buffer_byte(out, ']');
}

static void accepted_print(struct session *session, struct buffer *out, const struct control_verdict *verdict)
{
	const struct resource_version *versions = verdict->versions.items;
	if (session->form == OUTPUT_JSON) {
		buffer_print(out, "{\"outcome\": \"accepted\", \"change\": %lld", (long long)verdict->change);
		versions_json(out, verdict);
		buffer_string(out, "}\n");
		return;
	}
	for (size_t i = 0; i < verdict->versions.count; i++)
		buffer_print(out, TEXT_FORMAT "/" TEXT_FORMAT " version %lld accepted (change %lld)\n",
			     TEXT_ARGUMENTS(versions[i].kind), TEXT_ARGUMENTS(versions[i].name), (long long)versions[i].version,
			     (long long)verdict->change);
}

static void faults_json(struct buffer *out, const struct control_verdict *verdict, struct document_places places)
{
	const struct verdict_fault *faults = verdict->faults.items;
	buffer_string(out, ", \"faults\": [");
	for (size_t i = 0; i < verdict->faults.count; i++) {
		buffer_string(out, i > 0 ? ", " : "");
		fault_json(out, &faults[i], places);
	}
	buffer_byte(out, ']');
}

static void refusal_json(struct buffer *out, const struct control_verdict *verdict, struct document_places places)
{
	bool is_conflict = verdict->outcome == VERDICT_CONFLICT;
	json_write_member(out, "{", "outcome", is_conflict ? TEXT("conflict") : TEXT("refused"));
	json_write_member(out, ", ", "why", verdict->why);
	if (is_conflict) {
		json_write_member(out, ", ", "other", verdict->other);
		versions_json(out, verdict);
	} else {
		faults_json(out, verdict, places);
	}
	buffer_string(out, "}\n");
}

static int refusal_print(struct session *session, const struct control_verdict *verdict, struct document_places places)
{
	const struct verdict_fault *faults = verdict->faults.items;
	struct buffer out;
	buffer_open(&out, VERDICT_BYTES_MAX);
	if (session->form == OUTPUT_JSON) {
		refusal_json(&out, verdict, places);
		(void)command_write(session, &out);
		return EXIT_FAULTS;
	}
	for (size_t i = 0; i < verdict->faults.count; i++)
		fault_text(&out, &faults[i], places);
	buffer_string(&out, verdict->outcome == VERDICT_CONFLICT ? "sluice: conflict: " : "sluice: ");
	buffer_shown(&out, verdict->why);
	buffer_byte(&out, '\n');
	(void)fwrite(out.bytes, 1, out.length, session->err);
	buffer_close(&out);
	return EXIT_FAULTS;
}

int control_session_faults(struct session *session, struct text why, const struct record_list *faults,
			   struct document_places places)
{
	return refusal_print(
		session, &(struct control_verdict){.outcome = VERDICT_REFUSED, .why = why, .faults = *faults}, places);
}

static int verdict_print(struct session *session, const struct control_verdict *verdict, struct document_places places)
{
	struct buffer out;
	if (verdict->outcome != VERDICT_ACCEPTED)
		return refusal_print(session, verdict, places);
	buffer_open(&out, VERDICT_BYTES_MAX);
	accepted_print(session, &out, verdict);
	return command_write(session, &out);
}

static bool silence_explain(const struct control_session *control, int64_t waited_ms, struct error *error)
{
	return error_set(error, ERROR_REMOTE, PLACE_NONE,
			 "no keeper of namespace `%s` has decided in %lld s: does an engine run with `sluice run --control`? The "
			 "proposal is in %s, and the next keeper decides it",
			 control->config.namespace, (long long)(waited_ms / MS_PER_S), control->config.topics.proposals);
}

/* Sends the items, and waits for the verdict. NULL: the reason was printed, and `*code` is the exit code. */
static const struct control_verdict *items_decide(struct session *session, struct control_session *control,
						  const struct control_author *author, struct record_list items, int *code)
{
	struct error error = {0};
	char id[APPLIER_ID_BYTES + 1];
	const char *by = control_author_name(author, session->arena);
	struct proposal proposal = {
		.author = text_of(by), .reason = text_of(author->reason ? author->reason : ""), .items = items};
	const struct control_verdict *verdict = NULL;
	const struct control_topics *topics = &control->config.topics;
	int64_t wait_ms = author->timeout_ns / NS_PER_MS;
	bool good = by || error_memory(&error, ERROR_SYSTEM, "making a proposal");
	good = good && control_topics_ensure(topics, control->kafka.brokers, control->kafka.consumer, 0, false, &error) &&
	       applier_send(control->applier, &proposal, id, &error) &&
	       applier_wait(control->applier, proposal.id, wait_ms, &verdict, &error);
	if (!good || !verdict) {
		if (good)
			silence_explain(control, wait_ms, &error);
		*code = command_failed(session, &error);
		return NULL;
	}
	return verdict;
}

int control_session_propose(struct session *session, struct control_session *control, const struct control_author *author,
			    struct record_list items, struct document_places places)
{
	int code;
	const struct control_verdict *verdict = items_decide(session, control, author, items, &code);
	return verdict ? verdict_print(session, verdict, places) : code;
}

int control_session_command(struct session *session, struct control_session *control, const struct control_author *author,
			    struct record_list items)
{
	int code;
	const struct control_verdict *verdict = items_decide(session, control, author, items, &code);
	if (verdict && verdict->outcome == VERDICT_ACCEPTED)
		return EXIT_GOOD;
	return verdict ? refusal_print(session, verdict, (struct document_places){0}) : code;
}
