/* acls.c: Kafka permissions that the principals of an engine, of a gateway and of `sluice apply` need, for `plan --acls`: as
 * commands, or as JSON. */
#include "compiler/graph/names.h"
#include "compiler/print/print.h"

struct acl {
	const char *resource; /* "topic", "group", "transactional-id" */
	const char *name;
	bool prefixed;
	const char *operations; /* with one blank between them */
};

struct acls {
	struct arena *arena;
	size_t count, room;
	struct acl *items;
};

static void acls_add(struct acls *acls, const char *resource, const char *name, bool prefixed, const char *operations)
{
	if (acls->count == acls->room || !name)
		return;
	acls->items[acls->count++] = (struct acl){resource, name, prefixed, operations};
}

/* How large a batch may be is read from what is written (kafka/topics/batch_limit.h), and how long records are kept from all topics
 * that sluice created (engine/run/topic_watch.h). */
/* Direct requests are logged to the inputs by the engine. */
static const char *topic_operations(const struct pipeline_plan *plan, const struct topic *topic)
{
	const struct topic_role_row *role = &topic_roles[topic->role];
	const bool written = role->written || (plan->direct && topic->role == TOPIC_INPUTS);
	if (topic->bound)
		return role->read && written ? "Read Write Describe DescribeConfigs"
		       : role->read		   ? "Read Describe"
						   : "Write Describe DescribeConfigs";
	return role->read && written ? "Read Write Describe DescribeConfigs Create"
	       : role->read		   ? "Read Describe DescribeConfigs Create"
					   : "Write Describe DescribeConfigs Create";
}

/* A topic that one pipeline writes and another reads has an entry for each: they are
 * different operations. The same entry twice is left out. */
static void drop_repeated(struct acls *acls)
{
	struct name_index seen = {0, ARENA_ARRAY(acls->arena, struct name_entry, acls->count)};
	if (!seen.items)
		return;
	for (size_t i = 0; i < acls->count; i++) {
		const struct acl *acl = &acls->items[i];
		const char *key = arena_print(acls->arena, "%s %s %s", acl->resource, acl->name, acl->operations);
		if (key)
			seen.items[seen.count++] = (struct name_entry){text_of(key), i};
	}
	bool *first = ARENA_ARRAY(acls->arena, bool, acls->count);
	names_sort(&seen);
	size_t kept = 0;
	for (size_t i = 0; first && i < seen.count; i++)
		first[seen.items[i].index] = i == 0 || !text_equal(seen.items[i].name, seen.items[i - 1].name);
	for (size_t i = 0; first && i < acls->count; i++)
		if (first[i])
			acls->items[kept++] = acls->items[i];
	acls->count = kept;
}

/* Whether answers are read for metrics of feedback. */
static bool answers_are_read(const struct pipeline_plan *pipeline)
{
	for (size_t i = 0; i < pipeline->metric_count; i++)
		if (pipeline->metrics[i].of_feedback)
			return true;
	return false;
}

/* Which engine joins the outcomes of a pipeline is decided by a group of the namespace. */
static void add_outcomes(struct acls *acls, const struct pipeline_plan *pipeline)
{
	const char *group = plan_outcomes_group(pipeline, acls->arena);
	if (!plan_topic_of(pipeline, TOPIC_OUTCOMES) || !group)
		return;
	acls_add(acls, "group", group, false, "Read Describe");
	acls_add(acls, "transactional-id", arena_print(acls->arena, "%s.", group), true, "Write Describe");
	if (answers_are_read(pipeline))
		acls_add(acls, "topic", plan_topic_of(pipeline, TOPIC_OUTPUTS), false, "Read Describe");
}

static struct acls acls_of(const struct plan *plan, struct arena *arena)
{
	struct acls acls = {.arena = arena};
	for (size_t i = 0; i < plan->count; i++)
		acls.room += plan->pipelines[i].topic_count + plan->pipelines[i].graph->count + METRICS_MAX + 10 +
			     FORMER_GROUPS_MAX;
	acls.items = ARENA_ARRAY(arena, struct acl, acls.room + 1);
	if (!acls.items)
		return (struct acls){.arena = arena};
	for (size_t i = 0; i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		for (size_t j = 0; j < pipeline->topic_count; j++)
			acls_add(&acls, "topic", pipeline->topics[j].name, false, topic_operations(pipeline, &pipeline->topics[j]));
		for (size_t j = 0; j < pipeline->graph->count; j++) {
			const char *reference = graph_reference_topic(&pipeline->graph->steps[j]);
			if (reference)
				acls_add(&acls, "topic", reference, false, "Read Describe");
		}
		acls_add(&acls, "topic", topic_status_name(arena, pipeline->prefix, pipeline->namespace), false,
			 "Write Describe DescribeConfigs Create");
		/* The replies that gateways wait for (message/records/reply.h); a gateway creates the topic. */
		acls_add(&acls, "topic", topic_replies_name(arena, pipeline->prefix, pipeline->namespace), false, "Write Describe");
		/* Which requests are cancelled (observe/cancel_board.h); likewise. */
		acls_add(&acls, "topic", topic_cancels_name(arena, pipeline->prefix, pipeline->namespace), false, "Read Describe");
		acls_add(&acls, "group", pipeline->group, false, "Read Describe");
		for (size_t j = 0; j < FORMER_GROUPS_MAX && pipeline->former_groups[j]; j++)
			acls_add(&acls, "group", pipeline->former_groups[j], false, "Read Describe"); /* to mark what was moved */
		add_outcomes(&acls, pipeline);
		/* At least once, for taking over what a former group committed (kafka/consume/offset_migration.h). */
		bool all = pipeline->delivery == DELIVERY_EXACTLY_ONCE;
		acls_add(&acls, "transactional-id", arena_print(arena, "%s.%s", pipeline->group, all ? "" : "takeover"), all,
			 "Write Describe");
		const char *const beside[] = {pipeline->observers_group, pipeline->explainers_group};
		for (size_t j = 0; j < sizeof beside / sizeof *beside; j++) {
			if (!beside[j])
				continue;
			acls_add(&acls, "group", beside[j], false, "Read Describe");
			acls_add(&acls, "transactional-id", arena_print(arena, "%s.", beside[j]), true, "Write Describe");
		}
	}
	drop_repeated(&acls);
	return acls;
}

/* A gateway is not in a group: it reads a partition of the replies by assignment. It reads requests, their answers and
 * explanations for those who poll, or who send a request again under its idempotency key. */
static struct acls acls_of_gateway(const struct plan *plan, struct arena *arena)
{
	struct acls acls = {.arena = arena};
	for (size_t i = 0; i < plan->count; i++)
		acls.room += plan->pipelines[i].topic_count + 3;
	acls.items = ARENA_ARRAY(arena, struct acl, acls.room + 1);
	if (!acls.items)
		return (struct acls){.arena = arena};
	for (size_t i = 0; i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		for (size_t j = 0; j < pipeline->topic_count; j++) {
			const struct topic *topic = &pipeline->topics[j];
			if (topic->role == TOPIC_INPUTS)
				acls_add(&acls, "topic", topic->name, false,
					 topic->bound ? "Read Write Describe DescribeConfigs"
						      : "Read Write Describe DescribeConfigs Create");
			else if (topic->role == TOPIC_OUTPUTS || topic->role == TOPIC_EXPLANATIONS)
				acls_add(&acls, "topic", topic->name, false, "Read Describe");
			else if (topic->role == TOPIC_FEEDBACK)
				acls_add(&acls, "topic", topic->name, false, "Write Describe DescribeConfigs Create");
			else if (topic->role == TOPIC_EXTERNAL)
				acls_add(&acls, "topic", topic->name, false, "Describe"); /* to check that the topic exists */
		}
		acls_add(&acls, "topic", topic_replies_name(arena, pipeline->prefix, pipeline->namespace), false,
			 "Read Describe Create");
		acls_add(&acls, "topic", topic_claims_name(arena, pipeline->prefix, pipeline->namespace), false,
			 "Read Write Describe Create");
		acls_add(&acls, "topic", topic_cancels_name(arena, pipeline->prefix, pipeline->namespace), false,
			 "Write Describe DescribeConfigs Create");
	}
	drop_repeated(&acls);
	return acls;
}

struct namespace_right {
	const char *resource, *topic, *operations;
};

/* Of the control plane (control/records/control_topics.h): any of its engines may become the keeper. */
static const struct namespace_right control_rights[] = {
	{"topic", "control", "Read Write Describe DescribeConfigs Create"},
	{"topic", "proposals", "Read Describe DescribeConfigs Create"},
	{"topic", "status", "Read Write Describe DescribeConfigs Create"},
	{"topic", "feed", "Read Write Describe DescribeConfigs Create"},
	{"topic", "artifacts", "Read Describe DescribeConfigs Create"},
	{"group", "keeper", "Read Describe"},
	{"transactional-id", "keeper", "Write Describe"},
};
static const struct namespace_right applier_rights[] = {
	{"topic", "control", "Read Describe DescribeConfigs"},
	{"topic", "proposals", "Write Describe DescribeConfigs"},
	{"topic", "status", "Read Describe"},
	{"topic", "feed", "Describe DescribeConfigs"}, /* to check that it exists and keeps its records */
	{"topic", "artifacts", "Read Write Describe DescribeConfigs"},
};
#define RIGHTS(rows) (rows), sizeof(rows) / sizeof *(rows)

static struct acls acls_of_namespaces(const struct plan *plan, const struct namespace_right *rights, size_t count,
				      struct arena *arena)
{
	struct acls acls = {.arena = arena, .room = plan->count * count};
	acls.items = ARENA_ARRAY(arena, struct acl, acls.room + 1);
	for (size_t i = 0; acls.items && i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		for (size_t j = 0, listed = plan_is_first_of_namespace(plan, i) ? count : 0; j < listed; j++)
			acls_add(&acls, rights[j].resource,
				 topic_namespace_name(arena, pipeline->prefix, pipeline->namespace, rights[j].topic), false,
				 rights[j].operations);
	}
	return acls;
}

/* A name between single quotes for a shell, whatever it holds. */
static void print_quoted(const char *name, struct buffer *out)
{
	buffer_byte(out, '\'');
	for (; *name; name++)
		if (*name == '\'')
			buffer_string(out, "'\\''");
		else
			buffer_byte(out, *name);
	buffer_byte(out, '\'');
}

static void print_commands(const struct acls *acls, const char *principal, struct buffer *out)
{
	for (size_t i = 0; i < acls->count; i++) {
		const struct acl *acl = &acls->items[i];
		buffer_print(out, "kafka-acls.sh --bootstrap-server \"$BOOTSTRAP\" --add --allow-principal \"%s\"", principal);
		for (const char *at = acl->operations; *at;) {
			size_t length = strcspn(at, " ");
			buffer_print(out, " --operation %.*s", (int)length, at);
			at += length + (at[length] == ' ');
		}
		buffer_print(out, " --%s ", acl->resource);
		print_quoted(acl->name, out);
		buffer_string(out, acl->prefixed ? " --resource-pattern-type prefixed\n" : "\n");
	}
}

void acls_print_text(const struct plan *plan, struct arena *arena, struct buffer *out)
{
	const struct acls engine = acls_of(plan, arena), gateway = acls_of_gateway(plan, arena);
	const struct acls control = acls_of_namespaces(plan, RIGHTS(control_rights), arena);
	const struct acls applier = acls_of_namespaces(plan, RIGHTS(applier_rights), arena);
	buffer_string(out, "# what the engine's principal needs; set BOOTSTRAP and PRINCIPAL (User:sluice)\n");
	print_commands(&engine, "$PRINCIPAL", out);
	buffer_string(out, "# what it also needs for sluice run --control\n");
	print_commands(&control, "$PRINCIPAL", out);
	buffer_string(out, "# what a gateway's principal needs; by default the engine's\n");
	print_commands(&gateway, "${GATEWAY_PRINCIPAL:-$PRINCIPAL}", out);
	buffer_string(out, "# what the principal of sluice apply, rollback, delete and gc needs; by default the engine's\n");
	print_commands(&applier, "${APPLIER_PRINCIPAL:-$PRINCIPAL}", out);
}

static void emit_list(const struct acls *acls, const char *name, struct emitter *emitter)
{
	emit_open(emitter, name, '[');
	for (size_t i = 0; i < acls->count; i++) {
		const struct acl *acl = &acls->items[i];
		emit_open(emitter, NULL, '{');
		emit_text(emitter, "resource", acl->resource);
		emit_text(emitter, "name", acl->name);
		emit_text(emitter, "pattern", acl->prefixed ? "prefixed" : "literal");
		emit_open(emitter, "operations", '[');
		for (const char *at = acl->operations; *at;) {
			size_t length = strcspn(at, " ");
			emit_view(emitter, NULL, (struct text){at, length});
			at += length + (at[length] == ' ');
		}
		emit_close(emitter, ']');
		emit_close(emitter, '}');
	}
	emit_close(emitter, ']');
}

void acls_emit(const struct plan *plan, struct arena *arena, struct emitter *emitter)
{
	const struct acls engine = acls_of(plan, arena), gateway = acls_of_gateway(plan, arena);
	emit_list(&engine, "acls", emitter);
	emit_list(&gateway, "gateway_acls", emitter);
	const struct acls control = acls_of_namespaces(plan, RIGHTS(control_rights), arena);
	const struct acls applier = acls_of_namespaces(plan, RIGHTS(applier_rights), arena);
	emit_list(&control, "control_acls", emitter);
	emit_list(&applier, "applier_acls", emitter);
}
