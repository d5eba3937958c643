/* control_session.h: Session of a command with the control plane of a namespace: it reads what was accepted, sends a
 * proposal, and waits for the keeper's verdict. For `sluice apply`, `get`, `history` and the like.
 */
#pragma once

#include "tools/client/kafka.h"
#include "control/engine/applier.h"

struct control_session {
	struct pipeline_target target; /* of commands whose files only say where Kafka is */
	struct kafka kafka;
	struct applier_config config;
	struct applier *applier;
};

/* Opens it by Kafka's options, and the files of PIPELINE_TARGET_STATUS_FILES_ROW. False: as pipeline_target_open(), or
 * applier_open(). */
bool control_session_open(const struct workspace *workspace, const struct pipeline_target_asked *asked,
			  struct control_session *control, struct error *error);

/* Opens it for files that were read: `runtime` may be NULL. */
bool control_session_open_with(const struct workspace *workspace, const struct kafka_asked *asked,
			       const struct prefix_asked *prefix, const struct runtime_spec *runtime, const char *namespace,
			       struct control_session *control, struct error *error);
void control_session_close(struct control_session *control); /* a zeroed one is fine */

/* A resource as commands name it: KIND/NAME, the kind also in lower-case letters and in the plural. Name NULL: KIND alone. */
struct resource_reference {
	const char *kind; /* as in YAML; NULL: all */
	const char *name;
};

/* False: CONFIG, an unknown kind, or no name although `needs_name`. Borrows the word. */
bool resource_reference_read(const char *word, bool needs_name, struct resource_reference *reference, struct error *error);

/* The resource of that reference. NULL: CONFIG, nothing of that name was accepted. */
const struct ledger_resource *control_session_find(const struct control_session *control, struct resource_reference reference,
						   struct error *error);

/* Opens it for one resource: that of `word`, KIND/NAME, whose reference is set too. NULL: as the functions above; it is to
 * be closed in any case. */
const struct ledger_resource *control_session_open_at(const struct workspace *workspace, const struct pipeline_target_asked *asked,
						      const char *word, struct control_session *control,
						      struct resource_reference *reference, struct error *error);

/* The version that the proposal of an author expects who has seen the ledger. */
int64_t resource_expected(const struct ledger *ledger, const struct ledger_resource *resource);

/* Who proposes, and why. */
struct control_author {
	const char *author; /* NULL: the user and the host */
	const char *reason;
	int64_t timeout_ns;
};

#define CONTROL_AUTHOR_ROWS(owner, member)                                                                                         \
	ROW("reason", TEXT, owner, member.reason, .help = "Why, in your words; kept with the version."),                           \
		ROW("author", TEXT, owner, member.author, .word = "NAME", .variable = "SLUICE_AUTHOR",                             \
		    .help = "Who proposes it; default: SLUICE_AUTHOR, else the user and the host. Nothing checks it."),            \
		ROW("timeout", DURATION, owner, member.timeout_ns, .word = "TIME", .fallback = "10s",                              \
		    .help = "How long to wait for the keeper's decision.")

/* The author: as given, else the user and the host. NULL: memory ran out. */
const char *control_author_name(const struct control_author *author, struct arena *arena);

/* Sends the items, and waits for the keeper's verdict, which lives as long as the session. NULL: REMOTE, no keeper has decided in
 * time; or Kafka cannot be used. */
const struct control_verdict *control_session_decide(struct control_session *control, const struct control_author *author,
						     struct record_list items, struct arena *arena, struct error *error);
