/* gateway_service.c: see gateway_service.h. */
#include "gateway/gateway_service.h"

#include "base/number/duration.h"
#include "gateway/access/access_policy_check.h"
#include "gateway/calls/idempotency_claims.h"
#include "gateway/access/jwks_source.h"
#include "net/http/cors.h"
#include "net/http/http_head.h"
#include "observe/cancel_board.h"

#define TARGETS_ARENA_BYTES ((size_t)64 << 20)

/* ---- start ---- */

static bool headers_are_fit(const struct name_list *passed, struct error *error)
{
	for (size_t i = 0; i < passed->count; i++) {
		if (!http_head_is_name(text_of(passed->items[i].text)))
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "`--pass-header %s`: this is not the name of a header; write the name alone, as in x-team",
					 passed->items[i].text);
		if (gateway_header_is_secret(text_of(passed->items[i].text)))
			return error_set(error, ERROR_CONFIG, PLACE_NONE,
					 "`--pass-header %s`: credentials, cookies and headers of sluice's own never go to Kafka; "
					 "leave it out",
					 passed->items[i].text);
	}
	return true;
}

static bool timeout_is_fit(int64_t timeout_ns, struct error *error)
{
	char written[DURATION_TEXT_MAX];
	if (timeout_ns / NS_PER_MS <= GATEWAY_DEADLINE_MAX_MS)
		return true;
	duration_print(timeout_ns, written);
	return error_set(error, ERROR_CONFIG, PLACE_NONE, "`--timeout %s`: no call takes more than %d minutes; write %dm at most",
			 written, GATEWAY_DEADLINE_MAX_MS / 60000, GATEWAY_DEADLINE_MAX_MS / 60000);
}

bool gateway_asked_check(const struct gateway_asked *asked, struct error *error)
{
	return listening_check_tls(&asked->listening.files, "", "gateway", error) && headers_are_fit(&asked->passed, error) &&
	       timeout_is_fit(asked->timeout_ns, error) && cors_origins_check(&asked->cors_origins, error);
}

/* Reads the access settings of the options and of the files. */
static bool access_see(const struct gateway_service *service, struct gateway_access *access, const struct revision *revision,
		       struct error *error)
{
	const struct gateway_asked *asked = service->asked;
	const struct protection protection = spec_protection(&revision->spec);
	return gateway_access_open(access, &asked->access, &asked->listening, &protection, service->workspace, error) &&
	       gateway_access_check_host(access, &asked->listening, error);
}

/* Checks that a gateway can have these pipelines, before anything is created for them. */
static bool targets_check(const struct plan *plan, struct error *error)
{
	struct gateway_targets targets;
	struct arena *arena = arena_open(TARGETS_ARENA_BYTES);
	const bool good = (arena || error_memory(error, ERROR_SYSTEM, "checking the files")) &&
			  gateway_targets_make(plan, NULL, arena, &targets, error);
	arena_close(arena);
	return good;
}

bool gateway_service_begin(struct gateway_service *service, const struct workspace *workspace, const struct gateway_asked *asked,
			   const struct revision *revision, struct error *error)
{
	service->workspace = workspace;
	service->asked = asked;
	service->access = service->accesses;
	return access_see(service, service->access, revision, error) &&
	       (revision->plan.count == 0 || targets_check(&revision->plan, error));
}

static bool service_reload_tls(void *context, struct error *error)
{
	const struct gateway_service *service = context;
	return gateway_reload_tls(service->gateway, error);
}

static void on_idle_policy(void *context, struct place place, const char *words)
{
	workspace_note(context, "%s:%u:%u: %s", place.file, place.line, place.column, words);
}

bool gateway_service_open(struct gateway_service *service, struct loop *loop, const struct gateway_config *ports,
			  const struct plan *plan, struct error *error)
{
	const struct gateway_asked *asked = service->asked;
	service->files = asked->listening.files;
	service->config = *ports;
	service->config.host = asked->listening.host;
	service->config.files = asked->listening.files.certificate ? &service->files : NULL;
	service->config.timeout_ms = asked->timeout_ns / NS_PER_MS;
	service->config.lame_duck_ms = asked->lame_duck_ns / NS_PER_MS;
	service->config.access = service->access->wanted;
	service->config.passed = asked->passed;
	service->config.compat = asked->compat;
	service->config.cors_origins = asked->cors_origins;
	service->config.hosts = asked->hosts;
	service->config.peer_connections = (size_t)asked->peer_connections;
	if (!certificate_watch_open(&service->certificates, service->workspace, loop, service->config.files, service_reload_tls,
				    service, error))
		return false;
	service->gateway = gateway_open(loop, &service->config, plan, error);
	const struct access_policy *policies = service->gateway ? gateway_policies(service->gateway) : NULL;
	if (policies)
		access_policy_check(policies, plan, on_idle_policy, (void *)service->workspace);
	return service->gateway != NULL;
}

void gateway_service_close(struct gateway_service *service)
{
	certificate_watch_close(&service->certificates);
	gateway_close(service->gateway);
	service->gateway = NULL;
	if (service->access)
		gateway_access_close(service->access);
}

/* Claims are not compacted: each record of a key matters, in the order of the log. Nor are cancellations, each of which has a key
 * of its own. */
void gateway_own_topics(const struct revision *revision, struct properties settings, struct wanted_topic topics[GATEWAY_TOPICS])
{
	static const struct property deleted = {"cleanup.policy", "delete"};
	const struct pipeline_plan *pipeline = &revision->plan.pipelines[0];
	const int64_t replication = revision->runtime ? revision->runtime->replication_factor : 0;
	topics[GATEWAY_REPLIES] = (struct wanted_topic){
		.name = topic_replies_name(revision->arena, pipeline->prefix, pipeline->namespace),
		.partitions = GATEWAY_REPLIES_PARTITIONS,
		.replication = replication,
		.retention_ms = GATEWAY_REPLIES_RETENTION_MS,
		.settings = settings,
	};
	topics[GATEWAY_CLAIMS] = (struct wanted_topic){
		.name = topic_claims_name(revision->arena, pipeline->prefix, pipeline->namespace),
		.partitions = GATEWAY_CLAIMS_PARTITIONS,
		.replication = replication,
		.retention_ms = CLAIMS_KEPT_MS + CLAIMS_CLOCKS_MS,
		.settings = settings,
		.own = {1, &deleted},
	};
	topics[GATEWAY_CANCELS] = (struct wanted_topic){
		.name = topic_cancels_name(revision->arena, pipeline->prefix, pipeline->namespace),
		.partitions = 1,
		.replication = replication,
		.retention_ms = CANCEL_KEPT_MS,
		.settings = settings,
		.own = {1, &deleted},
	};
}

/* ---- reload ---- */

bool gateway_service_check(const struct gateway_service *service, const struct revision *revision, struct error *error)
{
	struct gateway_access access = {0};
	bool good = access_see(service, &access, revision, error);
	if (good && access.settings.key_set && !(service->access && gateway_access_equal(service->access, &access)))
		good = jwks_source_check(access.settings.key_set, error);
	good = good && (revision->plan.count == 0 || targets_check(&revision->plan, error));
	gateway_access_close(&access);
	return good;
}

/* Applies the access settings first, so that no pipeline of the new files is served under the old settings. */
bool gateway_service_follow(struct gateway_service *service, const struct revision *revision, struct error *error)
{
	struct gateway_access *before = service->access, *used = before;
	struct gateway_access *next = &service->accesses[before == service->accesses];
	bool good = access_see(service, next, revision, error);
	if (good && !gateway_access_equal(before, next)) {
		good = gateway_protect(service->gateway, next->wanted, error);
		used = good ? next : before;
	}
	good = good && gateway_follow(service->gateway, &revision->plan, error);
	if (!good && used == next && gateway_protect(service->gateway, before->wanted, &(struct error){0}))
		used = before;
	gateway_access_close(used == next ? before : next);
	service->access = used;
	return good;
}

static bool part_reread(const struct gateway_service *service, bool good, const char *why, const struct error *error)
{
	if (good)
		return true;
	workspace_failed(service->workspace, error);
	workspace_reload_rejected(service->workspace, why);
	return false;
}

bool gateway_service_reread(struct gateway_service *service)
{
	struct error access = {0}, certificate = {0};
	bool has_access = gateway_reread_access(service->gateway, &access);
	bool has_certificate = !service->config.files || certificate_watch_reload(&service->certificates, &certificate);
	has_access = part_reread(service, has_access, "a file of callers' keys or policies has errors", &access);
	has_certificate = part_reread(service, has_certificate, "the certificate has errors", &certificate);
	return has_access && has_certificate;
}
