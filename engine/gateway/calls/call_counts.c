/* call_counts.c: see call_counts.h. */
#include "gateway/calls/call_counts.h"

#include <stdio.h>

#include "base/memory.h"
#include "net/grpc/grpc_wire.h"
#include "monitor/subject_list.h"

#define CODE_OTHER (-1)
#define CODE_BYTES 12
#define HTTP_OK 200
#define SCRAPE_BYTES ((size_t)64 << 20)
#define GATEWAY_SERVER TEXT("pipeline-gateway") /* as Seldon's own is called */

struct call_count {
	enum counted_protocol protocol;
	enum call_service service;
	int status;	       /* CODE_OTHER: all others */
	char code[CODE_BYTES]; /* of HTTP */
	struct duration_counts durations;
	struct call_count *next;
};

struct target_counts {
	char *namespace, *name, *deployment, *predictor; /* deployment NULL: it is none */
	struct gateway_pipeline durations;
	size_t count, most;
	struct call_count *first, **end;
	struct target_counts *next;
};

struct call_counts {
	struct target_counts *first, **end;
	struct target_counts refusals; /* of no target */
};

/* ---- targets ---- */

static char *text_keep(const char *text)
{
	size_t length = text ? strlen(text) : 0;
	char *copy = text ? memory_take(length + 1, 1) : NULL;
	if (copy)
		memcpy(copy, text, length);
	return copy;
}

/* The only predictor that answers calls; "": several share them. */
static const char *predictor_of(const struct resource *resource)
{
	const struct deployment_spec *deployment = resource->spec;
	const struct deployment_predictor *predictors = deployment->predictors.items;
	const char *only = "";
	size_t answering = 0;
	for (size_t i = 0; i < deployment->predictors.count; i++)
		if (!predictors[i].shadow && answering++ == 0 && predictors[i].name.text)
			only = predictors[i].name.text;
	return answering == 1 ? only : "";
}

static void counts_begin(struct target_counts *target, size_t most)
{
	target->end = &target->first;
	target->most = most;
}

static void counts_end(struct target_counts *target)
{
	while (target->first) {
		struct call_count *count = target->first;
		target->first = count->next;
		memory_give(count);
	}
}

static struct target_counts *target_make(const struct gateway_target *target)
{
	struct target_counts *made = memory_take(1, sizeof *made);
	if (!made)
		return NULL;
	counts_begin(made, CALL_COUNTS_MAX);
	made->namespace = text_keep(target->namespace);
	made->name = text_keep(target->name);
	if (target->deployment) {
		made->deployment = text_keep(target->deployment->name.text);
		made->predictor = text_keep(predictor_of(target->deployment));
	}
	return made;
}

static void target_free(struct target_counts *target)
{
	counts_end(target);
	memory_give(target->namespace);
	memory_give(target->name);
	memory_give(target->deployment);
	memory_give(target->predictor);
	memory_give(target);
}

struct call_counts *call_counts_open(void)
{
	struct call_counts *counts = memory_take(1, sizeof *counts);
	if (!counts)
		return NULL;
	counts->end = &counts->first;
	counts_begin(&counts->refusals, REFUSAL_COUNTS_MAX);
	return counts;
}

void call_counts_close(struct call_counts *counts)
{
	if (!counts)
		return;
	while (counts->first) {
		struct target_counts *target = counts->first;
		counts->first = target->next;
		target_free(target);
	}
	counts_end(&counts->refusals);
	memory_give(counts);
}

struct target_counts *call_counts_of(struct call_counts *counts, const struct gateway_target *target)
{
	for (struct target_counts *known = counts->first; known; known = known->next)
		if (strcmp(known->name, target->name) == 0)
			return known;
	struct target_counts *made = target_make(target);
	if (!made || !made->name || !made->namespace) {
		if (made)
			target_free(made);
		return NULL;
	}
	*counts->end = made;
	counts->end = &made->next;
	return made;
}

/* ---- counting ---- */

static struct call_count *count_make(struct target_counts *target, enum counted_protocol protocol, enum call_service service,
				     int status)
{
	struct call_count *count = memory_take(1, sizeof *count);
	if (!count)
		return NULL;
	*count = (struct call_count){.protocol = protocol, .service = service, .status = status};
	if (status == CODE_OTHER)
		memcpy(count->code, SUBJECT_OTHER, sizeof SUBJECT_OTHER);
	else
		(void)snprintf(count->code, sizeof count->code, "%d", status);
	*target->end = count;
	target->end = &count->next;
	target->count++;
	return count;
}

static struct call_count *count_find(struct target_counts *target, enum counted_protocol protocol, enum call_service service,
				     int status)
{
	struct call_count *count = target->first;
	while (count && (count->status != status || count->protocol != protocol || count->service != service))
		count = count->next;
	return count;
}

static void status_count(struct target_counts *target, enum counted_protocol protocol, enum call_service service, int status,
			 uint64_t us)
{
	if (!target)
		return;
	struct call_count *count = count_find(target, protocol, service, status);
	if (!count && target->count >= target->most) {
		status = CODE_OTHER;
		count = count_find(target, protocol, service, status);
	}
	if (!count)
		count = count_make(target, protocol, service, status);
	if (count)
		duration_count_within(&count->durations, seldon_limits_us, us);
}

void call_counts_add(struct target_counts *target, enum counted_protocol protocol, enum call_service service, int status,
		     uint64_t us)
{
	status_count(target, protocol, service, status, us);
	if (target && service != SERVICE_FEEDBACK)
		duration_count(&target->durations.duration, us);
}

void call_counts_refuse(struct target_counts *target, enum counted_protocol protocol, enum call_service service, int status)
{
	status_count(target, protocol, service, status, 0);
}

void call_counts_refusal(struct call_counts *counts, enum counted_protocol protocol, int status)
{
	status_count(&counts->refusals, protocol, SERVICE_PREDICTIONS, status, 0);
}

/* ---- writing ---- */

static struct text code_of(const struct call_count *count)
{
	bool named = count->protocol == COUNTED_GRPC && count->status != CODE_OTHER;
	return text_of(named ? grpc_status_name(count->status) : count->code);
}

static struct text protocol_of(enum counted_protocol protocol)
{
	return protocol == COUNTED_GRPC ? TEXT("grpc") : TEXT("rest");
}

static void codes_list(const struct target_counts *target, struct subject_list *codes)
{
	static const char *const verbs[] = {
		[SERVICE_PREDICTIONS] = "infer", [SERVICE_FEEDBACK] = "feedback", [SERVICE_EXPLANATIONS] = "explain"};
	for (const struct call_count *count = target->first; count; count = count->next)
		subject_list_add(codes, (struct metric_subject){{text_of(target->namespace), text_of(target->name),
								 protocol_of(count->protocol), text_of(verbs[count->service]),
								 code_of(count)},
								&count->durations});
}

static size_t counts_of_all(const struct call_counts *counts, size_t *targets)
{
	size_t all = *targets = 0;
	for (const struct target_counts *target = counts->first; target; target = target->next) {
		++*targets;
		all += target->count;
	}
	return all;
}

static void refusals_write(const struct call_counts *counts, struct arena *arena, struct exposition *exposition)
{
	struct subject_list refusals;
	if (!subject_list_open(&refusals, counts->refusals.count, arena))
		return;
	for (const struct call_count *count = counts->refusals.first; count; count = count->next)
		subject_list_add(&refusals,
				 (struct metric_subject){{protocol_of(count->protocol), code_of(count)}, &count->durations});
	exposition_write(exposition, SCOPE_GATEWAY_REFUSAL, refusals.items, refusals.count);
}

static void targets_write(const struct call_counts *counts, struct arena *arena, struct exposition *exposition)
{
	struct subject_list codes, pipelines;
	size_t targets;
	const size_t all = counts_of_all(counts, &targets);
	if (!subject_list_open(&codes, all, arena) || !subject_list_open(&pipelines, targets, arena))
		return;
	for (const struct target_counts *target = counts->first; target; target = target->next) {
		codes_list(target, &codes);
		subject_list_add(&pipelines,
				 (struct metric_subject){{text_of(target->namespace), text_of(target->name)}, &target->durations});
	}
	exposition_write(exposition, SCOPE_GATEWAY_CODE, codes.items, codes.count);
	exposition_write(exposition, SCOPE_GATEWAY_PIPELINE, pipelines.items, pipelines.count);
}

void call_counts_write(const struct call_counts *counts, struct exposition *exposition)
{
	struct arena *arena = arena_open(SCRAPE_BYTES);
	if (arena) {
		refusals_write(counts, arena, exposition);
		targets_write(counts, arena, exposition);
	}
	exposition->out->failed = exposition->out->failed || !arena || arena_failed(arena);
	arena_close(arena);
}

/* ---- writing under Seldon's names ---- */

/* Subjects of the scopes of one scrape. */
struct scrape {
	struct metric_subject *pipelines, *servers, *deployments;
	size_t pipeline_count, server_count, deployment_count;
	struct duration_counts sums[COUNTED_PROTOCOLS]; /* of all pipelines */
	struct arena *arena;
};

/* Feedback is no inference, so Core 2 has no metric of it. Calls of several services with one code are one series
 * there. */
static void add_pipeline(struct scrape *scrape, const struct target_counts *target, const struct call_count *count)
{
	if (count->service == SERVICE_FEEDBACK)
		return;
	duration_counts_add(&scrape->sums[count->protocol], &count->durations);
	for (size_t i = scrape->pipeline_count; i-- > 0;) {
		struct metric_subject *before = &scrape->pipelines[i];
		if (text_is(before->labels[1], target->name) && text_equal(before->labels[3], code_of(count)) &&
		    text_equal(before->labels[2], protocol_of(count->protocol))) {
			duration_counts_add((void *)(uintptr_t)before->values, &count->durations);
			return;
		}
	}
	struct duration_counts *sum = ARENA_NEW(scrape->arena, struct duration_counts);
	if (!sum)
		return;
	*sum = count->durations;
	scrape->pipelines[scrape->pipeline_count++] =
		(struct metric_subject){{GATEWAY_SERVER, text_of(target->name), protocol_of(count->protocol), code_of(count)}, sum};
}

static void add_server(struct scrape *scrape, const struct target_counts *target, const struct call_count *count)
{
	static const char *const services[] = {"predictions", "feedback", "explanations"};
	const struct text method = count->protocol == COUNTED_GRPC ? TEXT("unary") : TEXT("post");
	scrape->servers[scrape->server_count++] =
		(struct metric_subject){{text_of(target->deployment), text_of(target->predictor), TEXT(""),
					 text_of(services[count->service]), method, code_of(count)},
					&count->durations};
}

static void add_deployment(struct scrape *scrape, const struct target_counts *target)
{
	struct duration_counts *sum = ARENA_NEW(scrape->arena, struct duration_counts);
	for (const struct call_count *count = target->first; sum && count; count = count->next)
		if (count->service == SERVICE_PREDICTIONS &&
		    count->status == (count->protocol == COUNTED_GRPC ? GRPC_OK : HTTP_OK))
			duration_counts_add(sum, &count->durations);
	if (sum)
		scrape->deployments[scrape->deployment_count++] = (struct metric_subject){{text_of(target->deployment)}, sum};
}

static bool scrape_open(struct scrape *scrape, const struct call_counts *counts)
{
	size_t targets;
	const size_t all = counts_of_all(counts, &targets);
	*scrape = (struct scrape){.arena = arena_open(SCRAPE_BYTES)};
	if (!scrape->arena)
		return false;
	scrape->pipelines = ARENA_ARRAY(scrape->arena, struct metric_subject, all + 1);
	scrape->servers = ARENA_ARRAY(scrape->arena, struct metric_subject, all + 1);
	scrape->deployments = ARENA_ARRAY(scrape->arena, struct metric_subject, targets + 1);
	return !arena_failed(scrape->arena);
}

static void scrape_fill(struct scrape *scrape, const struct call_counts *counts)
{
	for (const struct target_counts *target = counts->first; target; target = target->next) {
		for (const struct call_count *count = target->first; count; count = count->next) {
			add_pipeline(scrape, target, count);
			if (target->deployment && target->predictor)
				add_server(scrape, target, count);
		}
		if (target->deployment && target->predictor)
			add_deployment(scrape, target);
	}
}

void call_counts_write_seldon(const struct call_counts *counts, struct exposition *exposition)
{
	struct scrape scrape;
	bool good = scrape_open(&scrape, counts);
	if (good) {
		scrape_fill(&scrape, counts);
		struct metric_subject sums[COUNTED_PROTOCOLS];
		for (enum counted_protocol i = 0; i < COUNTED_PROTOCOLS; i++)
			sums[i] = (struct metric_subject){{GATEWAY_SERVER, protocol_of(i)}, &scrape.sums[i]};
		exposition_write(exposition, SCOPE_SELDON_PIPELINE, scrape.pipelines, scrape.pipeline_count);
		exposition_write(exposition, SCOPE_SELDON_PIPELINE_API, scrape.pipelines, scrape.pipeline_count);
		exposition_write(exposition, SCOPE_SELDON_PIPELINES, sums, COUNTED_PROTOCOLS);
		exposition_write(exposition, SCOPE_SELDON_SERVER, scrape.servers, scrape.server_count);
		exposition_write(exposition, SCOPE_SELDON_DEPLOYMENT, scrape.deployments, scrape.deployment_count);
	}
	if (!good || arena_failed(scrape.arena))
		exposition->out->failed = true;
	arena_close(scrape.arena);
}
