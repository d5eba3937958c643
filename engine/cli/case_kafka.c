/* case_kafka.c: see case_kafka.h. The case has already run in memory. Its requests, their ids and its duration are
 * known, and are only repeated. */
#include "cli/case_kafka.h"

#include "base/number.h"
#include "cli/case_engine.h"
#include "cli/case_workers.h"
#include "message/format.h"
#include "simulation/case_alerts.h"

#define CLOCK_MS_MAX 6000    /* of virtual time that is waited for with a real clock */
#define PATIENCE_MS 30000    /* beyond that time */
#define WINDOW_MS_LEAST 2000 /* of a join across topics: a commit, and a turn of a consumer, are within it */
#define QUIET_MS 200
#define QUIET_ABSENT_MS 1000 /* beyond the last reply, where something must not come */

struct sent { /* one request, as it was in memory */
	const struct passage *passage;
	struct text id;	     /* by which the engine knows it */
	const char *outputs; /* "PIPELINE.outputs": where its reply comes */
};

struct comparing {
	struct case_world *played; /* in memory */
	struct case_world *world;
	size_t count;
	struct sent *sent;
	struct case_send *sends;
	size_t point_count;
	const char **points;
	bool *matched; /* for each point and request: the answer was found there */
};

static const struct case_request *request_of(const struct case_world *played, const struct passage *passage)
{
	for (size_t i = 0; i < played->files->request_count; i++)
		if (played->files->requests[i].id.bytes == passage->id.bytes)
			return &played->files->requests[i];
	return NULL;
}

/* ---- what it cannot show ---- */

static bool expects_error(const struct case_files *files, struct text id)
{
	for (size_t i = 0; i < files->expected_count; i++) {
		const struct case_expected *expected = &files->expected[i];
		for (size_t j = 0; j < expected->count; j++)
			if (text_equal(expected->id, id) && !expected->at.length && !expected->results[j].response.bytes)
				return true;
	}
	return false;
}

/* What comes by several topics comes when Kafka gives it. */
static bool is_chance(const struct externals *externals, struct buffer *unfit)
{
	bool several = false;
	for (size_t i = 1; i < externals->count; i++)
		several = several || !external_same_topic(&externals->items[0], &externals->items[i]);
	if (several && externals->type == JOIN_ANY)
		buffer_string(unfit, "on Kafka the order of several topics is not determined");
	else if (several && externals->window_ms > 0 && externals->window_ms < WINDOW_MS_LEAST)
		buffer_print(unfit, "a join across topics within %lld ms is shorter than Kafka needs for a record",
			     (long long)externals->window_ms);
	else
		return false;
	return true;
}

/* The results of steps of one pipeline leave together when a request is done: no window ends between them. */
static bool reads_together(const struct externals *externals)
{
	size_t results = 0;
	for (size_t i = 0; i < externals->count; i++)
		results += externals->items[i].point != SOURCE_REQUEST &&
			   strcmp(externals->items[i].pipeline, externals->items[0].pipeline) == 0;
	return results > 1 && externals->type == JOIN_OUTER;
}

static bool is_windowed_apart(const struct case_world *played, struct buffer *unfit)
{
	for (const struct running *running = played->runnings; running; running = running->next) {
		const struct externals *inputs = running->graph ? &running->graph->inputs : NULL;
		if (!inputs || !reads_together(inputs) || inputs->window_ms <= 0 || inputs->window_ms >= WINDOW_MS_LEAST)
			continue;
		buffer_print(unfit,
			     "the results that `%s` joins within %lld ms leave `%s` together, so no window ends between them",
			     running->name, (long long)inputs->window_ms, inputs->items[0].pipeline);
		return true;
	}
	return false;
}

static bool is_fit_to_run(const struct running *running, struct buffer *unfit)
{
	if (running->implicit)
		return true;
	if (!running->flow) {
		buffer_print(unfit, "no engine starts with these files: %s", running->refused.text);
		return false;
	}
	for (size_t i = 0; i < running->graph->count; i++)
		if (running->graph->steps[i].key) {
			buffer_print(unfit, "when `%s` has seen a message is not determined, and with it the marks of later ones",
				     running->graph->steps[i].name);
			return false;
		}
	return !is_chance(&running->graph->inputs, unfit) && !is_chance(&running->graph->triggers, unfit);
}

static bool is_counted_in(const struct case_files *files, const char *model)
{
	for (size_t i = 0; i < files->expected_count; i++)
		for (size_t j = 0; j < files->expected[i].call_count; j++)
			if (text_is(files->expected[i].calls[j].model, model_served_name(model)))
				return true;
	return false;
}

static bool is_fit_to_call(const struct case_world *played, const struct model *model, struct buffer *unfit)
{
	if (!model->stub)
		buffer_print(unfit, "the model `%s` has no stub, and without one no engine starts", model->name);
	else if (model->config.batching.rows_most > 1 && is_counted_in(played->files, model->name))
		buffer_print(unfit, "which calls of the model `%s` are merged depends on when they come, and the case counts them",
			     model->name);
	else
		return true;
	return false;
}

static bool is_fit(const struct case_world *played, struct buffer *unfit)
{
	int64_t took_ms = played->now_ms - CASE_START_MS;
	if (took_ms > CLOCK_MS_MAX) {
		buffer_print(unfit, "it takes %lld s on a real clock", (long long)(took_ms / 1000));
		return false;
	}
	for (const struct running *running = played->runnings; running; running = running->next)
		if (!is_fit_to_run(running, unfit))
			return false;
	for (size_t i = 0; i < played->files->expected_count; i++)
		if (played->files->expected[i].demand == DEMAND_ALERT) {
			buffer_string(unfit, "whether an alert fires for a request is judged in memory");
			return false;
		}
	for (const struct model *model = played->models; model; model = model->next)
		if (!is_fit_to_call(played, model, unfit))
			return false;
	for (const struct passage *passage = played->passages; passage; passage = passage->next) {
		const struct running *running = passage->running;
		if (!passage->asked)
			continue;
		if (!running || running->implicit)
			buffer_string(unfit, "a request has no pipeline as its target, and only pipelines have a topic");
		else if (!running->graph->has_output && expects_error(played->files, passage->id))
			buffer_string(unfit, "a pipeline without output has no topic where an error could be seen");
		else
			continue;
		return false;
	}
	return true;
}

/* ---- sending ---- */

/* Under which id the engine is to know it. */
static struct text id_of(const struct passage *passage, const struct case_request *request, struct arena *arena)
{
	if (passage->message.id.length || request->repeat == 1)
		return passage->message.id.length ? passage->message.id : passage->id;
	return text_of(
		arena_print(arena, TEXT_FORMAT "/%lld", TEXT_ARGUMENTS(passage->id), (long long)passage->message.origin.offset));
}

static bool has_id(const struct message *message)
{
	return message->id.length && (message->payload_id.length || headers_find(message->headers, TEXT("x-request-id")));
}

/* Where the bytes alone would be taken for another format than the case's: the content type
 * that only that one has, its last. NULL: they say it themselves. */
static const char *type_beside(const struct passage *passage, const struct case_request *request, struct arena *arena)
{
	const struct message *message = &passage->message;
	struct message alone = {.arena = arena, .headers = message->headers};
	struct error ignored = {0};
	if (passage->running->graph->mapping || headers_find(message->headers, TEXT("content-type")))
		return NULL;
	(void)message_decode(&alone, request->body, NULL, &ignored);
	if (alone.format == message->format)
		return NULL;
	const char *last = strrchr(message->format->content_types, ' ');
	return last ? last + 1 : message->format->content_types;
}

/* As the gateway would: an id, where the request has none, and its protocol. */
static bool add_headers(const struct passage *passage, const struct case_request *request, struct arena *arena, struct sent *sent,
			struct headers *headers)
{
	const struct message *message = &passage->message;
	const char *type = type_beside(passage, request, arena);
	struct header *items = ARENA_ARRAY(arena, struct header, message->headers.count + 2);
	sent->id = id_of(passage, request, arena);
	for (size_t i = 0; items && i < message->headers.count; i++)
		items[i] = message->headers.items[i];
	*headers = (struct headers){message->headers.count, items};
	if (items && !has_id(message))
		items[headers->count++] = (struct header){TEXT("x-request-id"), sent->id};
	if (items && type)
		items[headers->count++] = (struct header){TEXT("content-type"), text_of(type)};
	return items;
}

/* The name of its pipeline in an engine: a Model has one of its own. */
static const char *name_in_engine(const struct case_world *played, const struct running *running)
{
	const bool is_taken = running->implicit && spec_find(played->spec, RESOURCE_PIPELINE, running->name);
	return is_taken ? arena_print(played->arena, "%s-model", running->name) : running->name;
}

static int64_t timeout_of(struct headers headers)
{
	const struct header *timeout = headers_find(headers, TEXT("x-timeout-ms"));
	int64_t ms = 0;
	bool given = timeout && !headers_find(headers, TEXT(DEADLINE_HEADER)) && number_read_int64(timeout->value, &ms);
	return given && ms > 0 ? ms : 0;
}

/* Whether an engine gets the request; else who sends it has answered, since there is no such target. */
static bool is_sent(const struct passage *passage)
{
	return passage->asked && passage->running;
}

/* Passages stand the newest first. */
static bool gather_sends(struct comparing *comparing)
{
	const struct case_world *played = comparing->played;
	struct arena *arena = comparing->world->arena;
	for (const struct passage *passage = played->passages; passage; passage = passage->next)
		comparing->count += is_sent(passage);
	comparing->sent = ARENA_ARRAY(arena, struct sent, comparing->count);
	comparing->sends = ARENA_ARRAY(arena, struct case_send, comparing->count);
	size_t at = comparing->count;
	for (const struct passage *passage = played->passages; passage && comparing->sent && comparing->sends;
	     passage = passage->next) {
		const struct case_request *request = request_of(played, passage);
		if (!is_sent(passage) || !request)
			continue;
		struct sent *sent = &comparing->sent[--at];
		struct case_send *send = &comparing->sends[at];
		sent->passage = passage;
		*send = (struct case_send){.pipeline = name_in_engine(played, passage->running),
					   .key = passage->message.key,
					   .body = request->body,
					   .timeout_ms = timeout_of(passage->message.headers)};
		if (!add_headers(passage, request, arena, sent, &send->headers))
			return false;
	}
	return comparing->sent && comparing->sends;
}

/* ---- reading ---- */

static void add_point(struct comparing *comparing, const char *point)
{
	for (size_t i = 0; point && i < comparing->point_count; i++)
		if (strcmp(comparing->points[i], point) == 0)
			return;
	if (point)
		comparing->points[comparing->point_count++] = point;
}

static bool gather_points(struct comparing *comparing)
{
	const struct case_files *files = comparing->world->files;
	struct arena *arena = comparing->world->arena;
	comparing->points = ARENA_ARRAY(arena, const char *, comparing->count + files->expected_count);
	if (!comparing->points)
		return false;
	for (size_t i = 0; i < comparing->count; i++) {
		struct sent *sent = &comparing->sent[i];
		sent->outputs = arena_print(arena, "%s.outputs", comparing->sends[i].pipeline);
		if (sent->passage->running->graph->has_output)
			add_point(comparing, sent->outputs);
	}
	for (size_t i = 0; i < files->expected_count; i++)
		if (files->expected[i].at.length)
			add_point(comparing, arena_copy(arena, files->expected[i].at.bytes, files->expected[i].at.length));
	comparing->matched = ARENA_ARRAY(arena, bool, comparing->point_count * comparing->count);
	return !arena_failed(arena);
}

static bool has_namesake(const struct comparing *comparing, const struct sent *sent)
{
	for (size_t i = 0; i < comparing->count; i++)
		if (&comparing->sent[i] != sent && text_equal(comparing->sent[i].id, sent->id))
			return true;
	return false;
}

/* What was sent under that id. Where that is several, they are answered in their order; and
 * those go first that were sent to the pipeline whose outputs these are. */
static const struct sent *sent_under(const struct comparing *comparing, struct text id, size_t point)
{
	const struct sent *found = NULL, *its_own = NULL;
	bool *matched = &comparing->matched[point * comparing->count];
	for (size_t i = 0; i < comparing->count && !its_own; i++) {
		const struct sent *sent = &comparing->sent[i];
		if (matched[i] || !text_equal(sent->id, id))
			continue;
		found = found ? found : sent;
		if (strcmp(sent->outputs, comparing->points[point]) == 0)
			its_own = sent;
	}
	found = its_own ? its_own : found;
	if (found && has_namesake(comparing, found))
		matched[found - comparing->sent] = true;
	return found;
}

static bool error_of(const struct decoded_answer *answer, struct error *error)
{
	for (enum error_kind kind = ERROR_CONFIG; kind <= ERROR_SYSTEM; kind++)
		if (text_is(answer->kind, error_kind_name(kind)))
			return error_set(error, kind, PLACE_NONE, TEXT_FORMAT, TEXT_ARGUMENTS(answer->words));
	return error_set(error, ERROR_SYSTEM, PLACE_NONE, "the record is not an answer: " TEXT_FORMAT,
			 TEXT_ARGUMENTS(answer->words));
}

/* The one that made or closed, in memory, what has that id: a part's, or a window's, which is called alike
 * in every pipeline; so that goes first whose outputs these are. */
static const struct sent *sent_that_made(const struct comparing *comparing, struct text id, const char *point)
{
	const struct sent *other = NULL;
	for (const struct arrival *record = comparing->played->records; record; record = record->next) {
		if (!text_equal(record->message->id, id))
			continue;
		for (size_t i = 0; i < comparing->count; i++) {
			const struct sent *sent = &comparing->sent[i];
			if (!text_equal(sent->passage->id, record->id))
				continue;
			if (strcmp(sent->outputs, point) == 0)
				return sent;
			other = other ? other : sent;
		}
	}
	return other;
}

/* The one of which it is an offspring by its id: that begins with its own. */
static const struct sent *sent_before(const struct comparing *comparing, struct text id)
{
	const struct sent *found = NULL;
	for (size_t i = 0; i < comparing->count; i++) {
		const struct sent *sent = &comparing->sent[i];
		if (text_starts_with(id, sent->id) && (!found || found->id.length < sent->id.length))
			found = sent;
	}
	return found;
}

/* A reply of the case is a record in the outputs of the pipeline to which the request was sent. */
static void on_came(void *context, size_t index, const struct case_came *came)
{
	struct comparing *comparing = context;
	struct case_world *world = comparing->world;
	const char *point = comparing->points[index];
	const struct sent *sent =
		came->of ? &comparing->sent[came->of - comparing->sends] : sent_under(comparing, came->answer.id, index);
	struct passage *passage = ARENA_NEW(world->arena, struct passage);
	struct payload *payload = ARENA_NEW(world->arena, struct payload);
	struct error error = {0};
	if (!passage || !payload) {
		world->failed = true;
		return;
	}
	sent = sent ? sent : sent_that_made(comparing, came->answer.id, point);
	sent = sent ? sent : sent_before(comparing, came->answer.id);
	passage->id = sent ? sent->passage->id : came->answer.id;
	passage->message = (struct message){.arena = world->arena, .format = &format_oip_json};
	*payload = came->answer.payload;
	if (!came->answer.readable)
		(void)error_of(&came->answer, &error);
	const struct payload *readable = came->answer.readable ? payload : NULL;
	case_world_record(world, passage, point, readable, readable ? NULL : &error);
	if (!sent || strcmp(sent->outputs, point) != 0)
		return;
	struct arrival **end = world->records_end;
	case_world_record(world, passage, NULL, readable, readable ? NULL : &error);
	if (*end && readable)
		(*end)->body = came->body;
}

static void on_alert_judged(void *context, const struct case_send *of, const char *name, bool held)
{
	struct comparing *comparing = context;
	case_alert_note(comparing->world, comparing->sent[of - comparing->sends].passage, name, held);
}

static int64_t count_of(const struct case_world *world, const struct case_expected *expected)
{
	int64_t count = 0;
	for (const struct arrival *record = world->records; record; record = record->next)
		count += text_equal(record->id, expected->id) && text_is(expected->at, record->at ? record->at : "");
	return count;
}

/* Of results at one place there may be several, of parts of one request. */
static int64_t wanted_so_far(const struct case_files *files, size_t nth)
{
	const struct case_expected *expected = &files->expected[nth];
	int64_t wanted = 0;
	if (expected->demand != DEMAND_RESULT)
		return expected->repeat;
	for (size_t i = 0; i <= nth; i++)
		wanted += files->expected[i].demand == DEMAND_RESULT && text_equal(files->expected[i].id, expected->id) &&
			  text_equal(files->expected[i].at, expected->at);
	return wanted;
}

static bool all_came(void *context)
{
	const struct comparing *comparing = context;
	const struct case_world *world = comparing->world;
	for (size_t i = 0; i < world->files->expected_count; i++) {
		const struct case_expected *expected = &world->files->expected[i];
		if (expected->demand == DEMAND_ABSENT || expected->demand == DEMAND_CALLS)
			continue;
		if (expected->demand == DEMAND_ALERT ? !case_alert_known(world, expected)
						     : count_of(world, expected) < wanted_so_far(world->files, i))
			return false;
	}
	return true;
}

/* ---- the run ---- */

static bool expects_absence(const struct case_files *files)
{
	for (size_t i = 0; i < files->expected_count; i++)
		if (files->expected[i].demand == DEMAND_ABSENT)
			return true;
	return false;
}

/* Models that differ only by their part of a deployment may be one model at their server. */
static bool is_counted(const struct case_world *world, const char *name)
{
	for (const struct model *model = world->models; model; model = model->next)
		if (strcmp(model->name, name) == 0)
			return true;
	return false;
}

/* Counts a model once, by its name on its server. */
static void add_calls(struct comparing *comparing, const char *served_name, int64_t calls)
{
	struct case_world *world = comparing->world;
	struct model *counted = is_counted(world, served_name) ? NULL : ARENA_NEW(world->arena, struct model);
	if (!counted) {
		world->failed |= arena_failed(world->arena);
		return;
	}
	*counted = (struct model){.next = world->models, .name = served_name, .calls = calls};
	world->models = counted;
}

static void count_calls(struct comparing *comparing, const struct case_world *played, struct case_engine *engine)
{
	for (const struct model *model = played->models; model; model = model->next) {
		const char *served_name;
		uint64_t calls = case_engine_calls(engine, model->name, &served_name);
		add_calls(comparing, served_name, (int64_t)calls);
	}
}

/* What could not be opened. What cannot run yet is no fault of the case. */
static bool is_only_unfit(struct error *error, struct buffer *unfit)
{
	if (error->kind == ERROR_NONE)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "the engine refuses what runs in memory; see `sluice plan`");
	if (error->kind != ERROR_CONFIG)
		return false;
	buffer_string(unfit, error->text);
	*error = (struct error){0};
	return true;
}

static bool run_engine(struct comparing *comparing, const struct case_engine_config *config, struct buffer *unfit,
		       struct error *error)
{
	struct case_engine *engine = case_engine_open(config, error);
	if (!engine)
		return is_only_unfit(error, unfit);
	bool good = case_engine_run(engine, error);
	count_calls(comparing, comparing->played, engine);
	case_engine_close(engine);
	return good;
}

/* Files that no engine starts with answer every request with the reason. */
static bool answer_refused(struct comparing *comparing, struct error *error)
{
	if (error->kind != ERROR_CONFIG)
		return false;
	for (size_t i = 0; i < comparing->count; i++)
		case_world_record(comparing->world, comparing->sent[i].passage, NULL, NULL, error);
	*error = (struct error){0};
	return true;
}

static bool run_workers(struct comparing *comparing, const struct case_engine_config *config, struct buffer *unfit,
			struct error *error)
{
	(void)unfit;
	struct case_workers *workers = case_workers_open(config, comparing->played, error);
	if (!workers)
		return answer_refused(comparing, error);
	bool good = case_workers_run(workers, error);
	for (const struct model *model = comparing->played->models; model; model = model->next) {
		const char *served_name = model_served_name(model->name);
		add_calls(comparing, served_name, case_workers_calls(workers, served_name));
	}
	case_workers_close(workers);
	return good;
}

/* What an observer has seen marks later messages. In memory it has seen all that came before. */
static bool has_observer(const struct case_world *played)
{
	for (const struct running *running = played->runnings; running; running = running->next)
		for (size_t i = 0; running->graph && i < running->graph->count; i++)
			if (running->graph->steps[i].key)
				return true;
	return false;
}

static struct name_list models_asked(const struct comparing *comparing)
{
	struct arena *arena = comparing->world->arena;
	struct name *names = ARENA_ARRAY(arena, struct name, comparing->count);
	struct name_list asked = {.items = names};
	for (size_t i = 0; names && i < comparing->count; i++) {
		const struct running *running = comparing->sent[i].passage->running;
		if (running->implicit && !name_list_has(asked, running->name))
			names[asked.count++] = (struct name){.text = running->name};
	}
	return asked;
}

/* What has no target is answered by who sends it. */
static void answer_untargeted(struct comparing *comparing)
{
	for (const struct arrival *record = comparing->played->records; record; record = record->next) {
		const struct passage *passage = passage_of_message(comparing->played, record->message);
		if (passage && passage->asked && !passage->running)
			case_world_record(comparing->world, passage, NULL, NULL, record->error);
	}
}

bool case_kafka_run(const struct case_kafka *kafka, struct case_world *played, struct case_world *world, struct buffer *unfit,
		    struct error *error)
{
	struct comparing comparing = {.played = played, .world = world};
	*world = (struct case_world){.arena = played->arena, .spec = played->spec, .files = played->files, .kinds = played->kinds};
	world->records_end = &world->records;
	if (kafka->brokers ? !is_fit(played, unfit) : is_windowed_apart(played, unfit))
		return true;
	answer_untargeted(&comparing);
	if (!gather_sends(&comparing) || !gather_points(&comparing))
		return error_memory(error, ERROR_SYSTEM, "sending the requests of a case");
	const struct case_engine_config config = {
		.session = kafka->session,
		.brokers = kafka->brokers,
		.namespace = kafka->namespace,
		.pipeline = played->files->pipeline,
		.folder = played->files->folder,
		.send_count = comparing.count,
		.sends = comparing.sends,
		.point_count = comparing.point_count,
		.points = comparing.points,
		.models_asked = models_asked(&comparing),
		.patience_ms = played->now_ms - CASE_START_MS + PATIENCE_MS,
		.quiet_ms = expects_absence(played->files) ? QUIET_ABSENT_MS : QUIET_MS,
		.came = on_came,
		.complete = all_came,
		.alert_judged = on_alert_judged,
		.one_by_one = has_observer(played),
		.context = &comparing,
		.arena = world->arena,
	};
	if (!(kafka->brokers ? run_engine : run_workers)(&comparing, &config, unfit, error))
		return false;
	return !world->failed || error_memory(error, ERROR_SYSTEM, "running a case");
}
