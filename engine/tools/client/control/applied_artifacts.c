/* applied_artifacts.c: see applied_artifacts.h. */
#include "tools/client/control/applied_artifacts.h"

#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "control/artifacts/artifact_writer.h"
#include "message/json/json_write.h"
#include "models/files.h"
#include "models/remote_file.h"
#include "compiler/resources/normal_form.h"

#define READ_BYTES_MAX (ARTIFACT_BYTES_MAX + ((size_t)1 << 20)) /* of the arena of one file */

/* ---- reading ---- */

/* The whole file, in the arena. */
static bool file_take(const char *path, struct place place, struct arena *arena, struct text *content, struct error *error)
{
	struct error why = {0};
	if (!file_read(path, ARTIFACT_BYTES_MAX + 1, arena, content, &why))
		return error_set(error, why.kind, place, "%s", why.text);
	return content->length <= ARTIFACT_BYTES_MAX ||
	       error_set(error, ERROR_LIMIT, place,
			 "%s has more than %zu MiB, the most that goes along with a document; put it at an https: or s3: address "
			 "and write that here (and `digest`, its SHA-256, for the file of a model)",
			 path, ARTIFACT_BYTES_MAX >> 20);
}

static bool outline_read(struct applied_artifact *artifact, struct place place, struct error *error)
{
	struct text content;
	struct arena *arena = arena_open(READ_BYTES_MAX);
	bool good = arena ? file_take(artifact->path, place, arena, &content, error)
			  : error_memory(error, ERROR_SYSTEM, "reading a file");
	if (good)
		artifact_outline_make(content, &artifact->outline);
	arena_close(arena);
	return good;
}

static struct applied_artifact *artifact_find(const struct applied_artifacts *artifacts, const char *path)
{
	for (size_t i = 0; i < artifacts->count; i++)
		if (strcmp(artifacts->items[i]->path, path) == 0)
			return artifacts->items[i];
	return NULL;
}

static bool artifacts_grow(const struct workspace *workspace, struct applied_artifacts *artifacts)
{
	if (artifacts->count < artifacts->room)
		return true;
	const size_t room = 2 * artifacts->room + 16;
	struct applied_artifact **items = ARENA_ARRAY(workspace->arena, struct applied_artifact *, room);
	if (!items)
		return false;
	for (size_t i = 0; i < artifacts->count; i++)
		items[i] = artifacts->items[i];
	artifacts->room = room;
	artifacts->items = items;
	return true;
}

/* Adds the file at that path, if it is new. NULL: `error` has the reason. */
static const struct applied_artifact *artifact_add(const struct workspace *workspace, struct applied_artifacts *artifacts,
						   const char *path, struct place place, struct error *error)
{
	struct applied_artifact *artifact = artifact_find(artifacts, path);
	if (artifact)
		return artifact;
	artifact = ARENA_NEW(workspace->arena, struct applied_artifact);
	if (!artifact || !artifacts_grow(workspace, artifacts))
		return error_null(error_memory(error, ERROR_SYSTEM, "reading files of documents"));
	artifact->path = path;
	if (!outline_read(artifact, place, error))
		return NULL;
	artifacts->items[artifacts->count++] = artifact;
	return artifact;
}

/* Whether engines read the file where it is. A relative path means nothing there. */
static bool file_stays(const struct workspace *workspace, const struct name *name, const char *path)
{
	const struct name written = {.text = name->text}; /* without the folder of the document */
	const char *alone = files_path(&written, workspace->arena);
	if (remote_file_is_url(path))
		return true;
	if (!alone || alone[0] != '/' || access(path, F_OK) == 0)
		return false;
	workspace_note(workspace, "%s is not on this machine, and is not sent: engines read it at that path on theirs", path);
	return true;
}

static bool item_label(const struct workspace *workspace, const struct name_list *names, struct applied_artifacts *artifacts,
		       struct proposal_item *item, struct error *error)
{
	struct control_label *labels = ARENA_ARRAY(workspace->arena, struct control_label, item->labels.count + names->count + 1);
	size_t count = 0;
	bool good = labels;
	for (; good && count < item->labels.count; count++)
		labels[count] = ((const struct control_label *)item->labels.items)[count];
	for (size_t i = 0; good && i < names->count; i++) {
		const struct name *name = &names->items[i];
		const char *path = files_path(name, workspace->arena);
		if (path && file_stays(workspace, name, path))
			continue;
		const struct applied_artifact *artifact =
			path ? artifact_add(workspace, artifacts, path, name->place, error) : NULL;
		good = artifact && artifact_label_make(name->text, &artifact->outline.artifact, workspace->arena, &labels[count]);
		bool is_new = good;
		for (size_t j = 0; good && j < count; j++)
			is_new = is_new && !text_equal(labels[j].key, labels[count].key);
		count += is_new;
	}
	item->labels = (struct record_list){count, labels};
	return good || (error->kind == ERROR_NONE && error_memory(error, ERROR_SYSTEM, "reading files of documents"));
}

static const struct resource *resource_find(const struct spec *spec, const struct proposal_item *item)
{
	for (size_t i = 0; i < spec->count; i++)
		if (!spec->resources[i]->made_of && spec->resources[i]->name.text &&
		    text_is(item->name, spec->resources[i]->name.text) && text_is(item->kind, spec->resources[i]->kind->name))
			return spec->resources[i];
	return NULL;
}

bool applied_artifacts_find(const struct workspace *workspace, struct applied_files *files, struct applied_artifacts *artifacts,
			    struct error *error)
{
	*artifacts = (struct applied_artifacts){0};
	for (size_t i = 0; i < files->count; i++) {
		const struct resource *resource = resource_find(&files->spec, &files->items[i]);
		struct name_list names = {0};
		if (resource && !resource_files(resource, workspace->kinds, workspace->arena, &names))
			return error_memory(error, ERROR_SYSTEM, "reading files of documents");
		if (names.count > 0 && !item_label(workspace, &names, artifacts, &files->items[i], error))
			return false;
	}
	return true;
}

/* ---- the topic ---- */

struct artifact_topic control_session_artifact_topic(const struct control_session *control)
{
	return (struct artifact_topic){.brokers = control->kafka.brokers,
				       .consumer = control->kafka.consumer,
				       .producer = control->kafka.producer,
				       .name = control->config.topics.artifacts};
}

static bool topic_survey(const struct artifact_topic *topic, struct applied_artifacts *artifacts, struct artifact_outline *outlines,
			 bool *has, struct error *error)
{
	for (size_t i = 0; i < artifacts->count; i++)
		outlines[i] = artifacts->items[i]->outline;
	if (!artifact_topic_survey(topic, outlines, artifacts->count, has, &artifacts->end, error))
		return false;
	for (size_t i = 0; i < artifacts->count; i++)
		artifacts->items[i]->is_there = has[i];
	return true;
}

/* One that no version names may be swept at any moment, so it is sent again. */
bool applied_artifacts_survey(const struct control_session *control, struct applied_artifacts *artifacts, struct error *error)
{
	const struct control_topics *topics = &control->config.topics;
	const struct artifact_topic topic = control_session_artifact_topic(control);
	if (artifacts->count == 0)
		return true;
	if (!control_topics_ensure_artifacts(topics, topic.brokers, topic.consumer, 0, false, error))
		return false;
	struct artifact_outline *outlines = memory_take(artifacts->count, sizeof *outlines);
	bool *has = memory_take(artifacts->count, sizeof *has);
	bool good = outlines && has ? topic_survey(&topic, artifacts, outlines, has, error)
				    : error_memory(error, ERROR_SYSTEM, "reading files of documents");
	for (size_t i = 0; good && i < artifacts->count; i++) {
		struct applied_artifact *artifact = artifacts->items[i];
		artifact->is_there = artifact->is_there && artifact_is_named(applier_ledger(control->applier),
									     text_of(artifact->outline.artifact.digest));
	}
	memory_give(outlines);
	memory_give(has);
	return good;
}

static bool artifact_send(struct artifact_writer *writer, const struct applied_artifact *artifact, struct error *error)
{
	struct text content;
	struct arena *arena = arena_open(READ_BYTES_MAX);
	bool good = arena ? file_take(artifact->path, PLACE_NONE, arena, &content, error)
			  : error_memory(error, ERROR_SYSTEM, "reading a file");
	if (good && strcmp(artifact_of(content).digest, artifact->outline.artifact.digest) != 0)
		good = error_set(error, ERROR_CONFIG, PLACE_NONE, "%s changed while it was applied; apply again", artifact->path);
	good = good && artifact_writer_put(writer, content, error);
	arena_close(arena);
	return good;
}

/* Sends what the topic lacks. */
static bool lacking_send(const struct control_session *control, const struct applied_artifacts *artifacts, struct error *error)
{
	const struct artifact_topic topic = control_session_artifact_topic(control);
	struct artifact_writer *writer = NULL;
	bool good = true;
	for (size_t i = 0; good && i < artifacts->count; i++) {
		if (!artifacts->items[i]->is_lacking)
			continue;
		writer = writer ? writer : artifact_writer_open(&topic, error);
		good = writer && artifact_send(writer, artifacts->items[i], error);
	}
	good = good && (!writer || artifact_writer_settle(writer, error));
	artifact_writer_close(writer);
	return good;
}

bool applied_artifacts_send(const struct control_session *control, struct applied_artifacts *artifacts, struct error *error)
{
	for (size_t i = 0; i < artifacts->count; i++)
		artifacts->items[i]->is_lacking = !artifacts->items[i]->is_there;
	return lacking_send(control, artifacts, error);
}

/* Only what was sent is looked for, behind what was read before it was sent. */
bool applied_artifacts_confirm(const struct control_session *control, struct applied_artifacts *artifacts, struct error *error)
{
	const struct artifact_topic topic = control_session_artifact_topic(control);
	struct artifact_outline *outlines = memory_take(artifacts->count + 1, sizeof *outlines);
	bool *has = memory_take(artifacts->count + 1, sizeof *has);
	size_t count = 0;
	bool good = (outlines && has) || error_memory(error, ERROR_SYSTEM, "reading files of documents");
	for (size_t i = 0; good && i < artifacts->count; i++)
		if (!artifacts->items[i]->is_there)
			outlines[count++] = artifacts->items[i]->outline;
	good = good && artifact_topic_survey(&topic, outlines, count, has, &artifacts->end, error);
	for (size_t i = 0, looked = 0; good && i < artifacts->count; i++)
		artifacts->items[i]->is_lacking = !artifacts->items[i]->is_there && !has[looked++];
	good = good && lacking_send(control, artifacts, error);
	memory_give(outlines);
	memory_give(has);
	return good;
}

/* ---- printing ---- */

static void artifact_json(const struct applied_artifact *artifact, struct buffer *out)
{
	json_write_member(out, "{", "file", text_of(artifact->path));
	buffer_print(out, ", \"size_bytes\": %zu, \"sha256\": \"%s\", \"effect\": \"%s\"}\n", artifact->outline.artifact.size_bytes,
		     artifact->outline.artifact.digest, artifact->is_there ? "unchanged" : "sent");
}

void applied_artifacts_print(const struct applied_artifacts *artifacts, bool all, bool json, struct buffer *out)
{
	for (size_t i = 0; i < artifacts->count; i++) {
		const struct applied_artifact *artifact = artifacts->items[i];
		if (!all && artifact->is_there)
			continue;
		if (json)
			artifact_json(artifact, out);
		else
			buffer_print(out, "file %s %s (%zu bytes, sha256:%.12s)\n", artifact->path,
				     artifact->is_there ? "unchanged" : "sent", artifact->outline.artifact.size_bytes,
				     artifact->outline.artifact.digest);
	}
}
