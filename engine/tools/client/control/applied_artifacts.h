/* applied_artifacts.h: Files that the documents of an apply name: found, read, labelled, and sent as artifacts.
 *
 * What names a file follows from the rows that parse documents (compiler/resources/normal_form.h). URLs are left to the engines. So
  * is a file with a full path that is not on this machine: it may be on theirs.
 */
#pragma once

#include "tools/client/control/applied_files.h"
#include "tools/client/control/control_session.h"
#include "control/artifacts/artifact_topic.h"

struct applied_artifact {
	const char *path; /* on this machine */
	struct artifact_outline outline;
	bool is_there;	 /* in the topic, and named by a kept version: it need not be sent */
	bool is_lacking; /* it has to be sent now */
};

struct applied_artifacts {
	size_t count, room;
	int64_t end;			 /* of the topic, when it was read last */
	struct applied_artifact **items; /* each path once, in the order of the documents */
};

/* Reads the files, and adds their labels to the items of the documents. Everything is in the workspace's arena. CONFIG: there
 * is no such file; LIMIT: it has more than ARTIFACT_BYTES_MAX. */
bool applied_artifacts_find(const struct workspace *workspace, struct applied_files *files, struct applied_artifacts *artifacts,
			    struct error *error);

/* Finds out which of them are in the topic. Without any, the topic is not read. */
bool applied_artifacts_survey(const struct control_session *control, struct applied_artifacts *artifacts, struct error *error);

/* Sends those that are not there. */
bool applied_artifacts_send(const struct control_session *control, struct applied_artifacts *artifacts, struct error *error);

/* After the documents were accepted: sends again those that were sent and that `sluice gc` has dropped meanwhile. From then on they
 * are named, and no gc drops them. */
bool applied_artifacts_confirm(const struct control_session *control, struct applied_artifacts *artifacts, struct error *error);

/* Appends a line for each: that it is there, or that it is sent; with `all` both, else only those that are sent. */
void applied_artifacts_print(const struct applied_artifacts *artifacts, bool all, bool json, struct buffer *out);

/* The topic, as the session's options give it. */
struct artifact_topic control_session_artifact_topic(const struct control_session *control);
