/* replaying.c: see replaying.h. */
#include "tools/client/data/replaying.h"

#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "kafka/produce/sender.h"
#include "message/records/assigned_record.h"

void replay_request_remove(struct replay_request *request, struct text name)
{
	size_t kept = 0;
	for (size_t i = 0; i < request->headers.count; i++)
		if (!text_equal_caseless(request->items[i].name, name))
			request->items[kept++] = request->items[i];
	request->headers.count = kept;
}

void replay_request_put(struct replay_request *request, struct text name, struct text value)
{
	replay_request_remove(request, name);
	request->items[request->headers.count++] = (struct header){name, value};
}

/* Whether it had a deadline, in a header or in its own bytes. */
static bool had_deadline(const struct dead_letter *letter, struct arena *arena)
{
	struct message message = {.arena = arena, .headers = letter->headers};
	struct error wrong = {0};
	return headers_find(letter->headers, TEXT(DEADLINE_HEADER)) ||
	       (message_decode(&message, letter->payload, NULL, &wrong) && message.deadline_ms != 0);
}

bool replay_request_make(const struct dead_letter *letter, int64_t deadline_ms, struct arena *arena,
			 struct replay_request *request, struct error *error)
{
	struct header *items = ARENA_ARRAY(arena, struct header, letter->headers.count + REPLAY_HEADERS_ADDED);
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "making a request");
	if (letter->headers.count > 0)
		memcpy(items, letter->headers.items, letter->headers.count * sizeof *items);
	*request = (struct replay_request){letter->payload, {letter->headers.count, items}, items};
	if (letter->id.length > 0)
		replay_request_put(request, TEXT("x-request-id"), letter->id);
	if (had_deadline(letter, arena)) {
		const char *deadline = arena_print(arena, "%" PRId64, deadline_ms);
		if (!deadline)
			return error_memory(error, ERROR_SYSTEM, "making a request");
		replay_request_put(request, TEXT(DEADLINE_HEADER), text_of(deadline));
	}
	return true;
}

#define REPLAY_ARENA_BYTES ((size_t)1 << 30)
#define REQUEST_BYTES_MAX ((size_t)256 << 20)
#define SETTLE_MS 250
#define SEND_MS 30000 /* Kafka's, for each */
#define EDITOR_FALLBACK "vi"
#define PLACES_FIRST 64

struct replayed_place {
	int32_t partition;
	bool was_refused;
	int64_t offset;
};

static void replaying_refuse(void *context, uint64_t number, const char *reason)
{
	struct replaying *replaying = context;
	replaying->refused++;
	if (number > 0 && number <= replaying->sent)
		replaying->places[number - 1].was_refused = true;
	workspace_note(replaying->workspace, "request %" PRIu64 ": %s", number, reason);
}

/* ---- editing ---- */

static bool run_editor(const char *path, struct error *error)
{
	const char *editor = getenv("VISUAL");
	if (!editor || !*editor)
		editor = getenv("EDITOR");
	if (!editor || !*editor)
		editor = EDITOR_FALLBACK;
	/* The shell splits what the variable says; the path stays one word. */
	char script[] = "eval \"$0 \\\"\\$1\\\"\"";
	char shell[] = "sh", option[] = "-c";
	char *const words[] = {shell, option, script, (char *)(uintptr_t)editor, (char *)(uintptr_t)path, NULL};
	pid_t child;
	int status = 0, wrong = posix_spawnp(&child, "sh", NULL, NULL, words, environ);
	if (wrong != 0)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "the editor cannot be started: %s", strerror(wrong));
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
	       error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "the editor `%s` ended with an error; nothing more is sent (set EDITOR to one that waits)", editor);
}

static bool write_file(int file, struct text bytes)
{
	while (bytes.length > 0) {
		ssize_t written = write(file, bytes.bytes, bytes.length);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		bytes = (struct text){bytes.bytes + written, bytes.length - (size_t)written};
	}
	return true;
}

/* A file of the user's own, there until he has saved it. */
static bool edit_bytes(struct text before, struct arena *arena, struct text *after, struct error *error)
{
	char path[] = "/tmp/sluice-request-XXXXXX.json";
	int file = mkstemps(path, (int)strlen(".json"));
	bool good = file >= 0 && write_file(file, before);
	if (file >= 0)
		good = close(file) == 0 && good;
	if (!good)
		error_set(error, ERROR_SYSTEM, PLACE_NONE, "%s cannot be written: %s", path, strerror(errno));
	good = good && run_editor(path, error) && file_read(path, REQUEST_BYTES_MAX, arena, after, error);
	if (file >= 0)
		unlink(path);
	return good;
}

/* ---- one letter ---- */

static bool request_edit(struct replaying *replaying, const struct dead_letter *letter, struct replay_request *request,
			 struct error *error)
{
	bool translated;
	struct text before = letter_request(letter, replaying->arena, &translated);
	if (!before.bytes)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the request of `" TEXT_FORMAT
				 "` cannot be shown as text, so it cannot be edited; replay it without --edit",
				 TEXT_ARGUMENTS(letter->id));
	if (!edit_bytes(before, replaying->arena, &request->payload, error))
		return false;
	if (translated)
		replay_request_put(request, TEXT("content-type"), TEXT("application/json"));
	return true;
}

/* Room for the place of one more. */
static bool place_room(struct replaying *replaying, struct error *error)
{
	if (replaying->sent < replaying->place_room)
		return true;
	size_t room = replaying->place_room > 0 ? 2 * replaying->place_room : PLACES_FIRST;
	struct replayed_place *places = memory_resize(replaying->places, room, sizeof *places);
	if (!places)
		return error_memory(error, ERROR_SYSTEM, "replaying");
	replaying->places = places;
	replaying->place_room = room;
	return true;
}

static bool replay_one(void *context, const struct found_letter *found, struct error *error)
{
	struct replaying *replaying = context;
	const struct dead_letter *letter = &found->letter;
	struct replay_request request;
	struct error wrong = {0};
	arena_reset(replaying->arena);
	int64_t deadline_ms = time_of_day_ms() + replaying->asked->deadline_ns / NS_PER_MS;
	if (!replay_request_make(letter, deadline_ms, replaying->arena, &request, error) || !place_room(replaying, error))
		return false;
	if (replaying->asked->reassign)
		replay_request_remove(&request, TEXT(ASSIGNED_RECORD_HEADER));
	if (replaying->asked->edit && !request_edit(replaying, letter, &request, error))
		return false;
	if (replaying->asked->edit && request.payload.length == 0) {
		replaying->left_out++;
		return true;
	}
	const struct outgoing record = {
		.key = letter->key,
		.value = request.payload,
		.headers = request.headers,
	};
	if (sender_send(replaying->sender, &record, replaying->sent + 1, &wrong))
		replaying->places[replaying->sent++] = (struct replayed_place){found->partition, false, found->offset};
	else if (wrong.kind == ERROR_SYSTEM)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "%s", wrong.text);
	else
		replaying_refuse(replaying, replaying->sent + 1, wrong.text);
	return true;
}

/* ---- marking ---- */

static void mark_refused(void *context, uint64_t number, const char *reason)
{
	const struct replaying *replaying = context;
	workspace_note(replaying->workspace, "request %" PRIu64 " was replayed, but could not be marked: %s", number, reason);
}

/* Written to the errors topic, so that lists show which dead letters were replayed. */
static void mark_places(struct replaying *replaying, const struct pipeline_target *target)
{
	struct error error = {0};
	const struct sender_config config = {
		.brokers = target->kafka.brokers,
		.topic = target->errors,
		.timeout_ms = SEND_MS,
		.properties = target->kafka.producer,
		.refused = mark_refused,
		.context = replaying,
	};
	struct sender *sender = replaying->sent > 0 ? sender_open(&config, &error) : NULL;
	for (uint64_t i = 0; sender && i < replaying->sent && error.kind == ERROR_NONE; i++) {
		const struct replayed_place *place = &replaying->places[i];
		arena_reset(replaying->arena);
		const char *key =
			arena_print(replaying->arena, LETTER_REPLAYED_KEY "%d:%" PRId64, (int)place->partition, place->offset);
		if (!place->was_refused && key)
			(void)sender_send(sender, &(struct outgoing){.key = text_of(key)}, i + 1, &error);
	}
	while (sender && !sender_settled(sender, SETTLE_MS))
		;
	sender_close(sender);
	if (error.kind != ERROR_NONE)
		workspace_note(replaying->workspace, "replayed requests could not be marked in %s: %s", target->errors, error.text);
}

/* ---- all that are meant ---- */

static bool replay_all(struct replaying *replaying, struct error *error)
{
	const struct pipeline_target *target = &replaying->target;
	const struct dead_letters_reader reader = {.context = replaying, .found = replay_one};
	const struct sender_config config = {
		.brokers = target->kafka.brokers,
		.topic = target->inputs,
		.what = "request",
		.timeout_ms = SEND_MS,
		.properties = target->kafka.producer,
		.refused = replaying_refuse,
		.context = replaying,
	};
	if (!pipeline_target_see_inputs(target, error))
		return false;
	replaying->sender = sender_open(&config, error);
	bool good = replaying->sender && dead_letters_read(replaying->workspace, target, &replaying->asked->wanted, &reader, error);
	while (replaying->sender && !sender_settled(replaying->sender, SETTLE_MS))
		;
	mark_places(replaying, target);
	replaying->was_sent = replaying->sender != NULL;
	replaying->acknowledged = replaying->sender ? sender_acknowledged(replaying->sender) : 0;
	return good;
}

bool replaying_run(struct replaying *replaying, struct error *error)
{
	replaying->arena = arena_open(REPLAY_ARENA_BYTES);
	if (!replaying->arena)
		return error_memory(error, ERROR_SYSTEM, "reading dead letters");
	return pipeline_target_open(replaying->workspace, replaying->asked->target, replaying->asked->pipeline, &replaying->target,
				    error) &&
	       replay_all(replaying, error);
}

void replaying_close(struct replaying *replaying)
{
	sender_close(replaying->sender);
	memory_give(replaying->places);
	pipeline_target_close(&replaying->target);
	arena_close(replaying->arena);
}
