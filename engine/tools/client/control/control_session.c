/* control_session.c: see control_session.h. */
#include "tools/client/control/control_session.h"

#include <pwd.h>
#include <unistd.h>

#include "base/number/duration.h"
#include "base/suggest.h"

#define HOST_BYTES 256

/* ---- opening ---- */

static bool session_start(const struct workspace *workspace, const char *prefix, const char *namespace,
			  struct control_session *control, struct error *error)
{
	control->config = (struct applier_config){.brokers = control->kafka.brokers,
						  .consumer = control->kafka.consumer,
						  .producer = control->kafka.producer,
						  .namespace = namespace};
	if (!control_topics_name(&control->config.topics, prefix, namespace, workspace->arena, error))
		return false;
	control->applier = applier_open(&control->config, error);
	return control->applier != NULL;
}

bool control_session_open(const struct workspace *workspace, const struct pipeline_target_asked *asked,
			  struct control_session *control, struct error *error)
{
	*control = (struct control_session){0};
	if (!pipeline_target_open(workspace, asked, NULL, &control->target, error))
		return false;
	control->kafka = control->target.kafka;
	return session_start(workspace, control->target.prefix, control->target.namespace, control, error);
}

bool control_session_open_with(const struct workspace *workspace, const struct kafka_asked *asked,
			       const struct prefix_asked *prefix, const struct runtime_spec *runtime, const char *namespace,
			       struct control_session *control, struct error *error)
{
	*control = (struct control_session){0};
	const char *chosen = prefix_choose(prefix, runtime ? runtime->topic_prefix : NULL, error);
	return chosen && kafka_find(runtime, asked, workspace->arena, &control->kafka, error) &&
	       session_start(workspace, chosen, namespace, control, error);
}

void control_session_close(struct control_session *control)
{
	applier_close(control->applier);
	pipeline_target_close(&control->target);
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

bool resource_reference_read(const char *word, bool needs_name, struct resource_reference *reference, struct error *error)
{
	struct text kind = {word, strcspn(word, "/")};
	struct suggestion suggestion = suggest_begin(kind);
	const char *slash = strchr(word, '/');
	*reference = (struct resource_reference){.kind = kind_find(kind, &suggestion), .name = slash ? slash + 1 : NULL};
	if (!reference->kind && suggestion.nearest.bytes)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "there is no kind `" TEXT_FORMAT "`; did you mean `" TEXT_FORMAT "`?", TEXT_ARGUMENTS(kind),
				 TEXT_ARGUMENTS(suggestion.nearest));
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
		error_set(error, ERROR_CONFIG, PLACE_NONE, "namespace `%s` has no `%s/%s`; did you mean `%s/" TEXT_FORMAT "`?",
			  ledger->namespace, reference.kind, reference.name, reference.kind, TEXT_ARGUMENTS(suggestion.nearest));
	else
		error_set(error, ERROR_CONFIG, PLACE_NONE, "namespace `%s` has no `%s/%s`; `sluice get` lists what it has",
			  ledger->namespace, reference.kind, reference.name);
	return NULL;
}

const struct ledger_resource *control_session_open_at(const struct workspace *workspace, const struct pipeline_target_asked *asked,
						      const char *word, struct control_session *control,
						      struct resource_reference *reference, struct error *error)
{
	*control = (struct control_session){0};
	if (!resource_reference_read(word, true, reference, error) || !control_session_open(workspace, asked, control, error))
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

static bool silence_explain(const struct control_session *control, int64_t waited_ms, struct error *error)
{
	return error_set(error, ERROR_REMOTE, PLACE_NONE,
			 "no keeper of namespace `%s` has decided in %lld s: does an engine run with `sluice run --control`? The "
			 "proposal is in %s, and the next keeper decides it",
			 control->config.namespace, (long long)(waited_ms / MS_PER_S), control->config.topics.proposals);
}

const struct control_verdict *control_session_decide(struct control_session *control, const struct control_author *author,
						     struct record_list items, struct arena *arena, struct error *error)
{
	char id[APPLIER_ID_BYTES + 1];
	const char *by = control_author_name(author, arena);
	struct proposal proposal = {.author = text_of(by), .reason = text_of(author->reason ? author->reason : ""), .items = items};
	const struct control_verdict *verdict = NULL;
	const struct control_topics *topics = &control->config.topics;
	int64_t wait_ms = author->timeout_ns / NS_PER_MS;
	bool good = by || error_memory(error, ERROR_SYSTEM, "making a proposal");
	good = good && control_topics_ensure(topics, control->kafka.brokers, control->kafka.consumer, 0, false, error) &&
	       applier_send(control->applier, &proposal, id, error) &&
	       applier_wait(control->applier, proposal.id, wait_ms, &verdict, error);
	if (good && !verdict)
		silence_explain(control, wait_ms, error);
	return good ? verdict : NULL;
}
