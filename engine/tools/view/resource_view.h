/* resource_view.h: View of an accepted resource for commands: its version in force, its newest version, and their state. */
#pragma once

#include "control/records/ledger.h"

/* Title of a column of authors: nothing checks that the sender of a proposal is who it says. */
#define RESOURCE_AUTHOR_TITLE "STATED AUTHOR"

struct resource_view {
	const struct ledger_resource *resource;
	const struct control_version *newest;
	const struct control_version *in_force; /* NULL: none, or it is deleted */
	enum change_phase phase;		/* of the newest version */
	struct text why;			/* it failed; empty: it did not, or that is not kept any more */
};

struct resource_view resource_view(const struct ledger *ledger, const struct ledger_resource *resource);

/* Whether it exists, is about to, or failed to: its newest version is not a deletion in force. */
bool resource_view_exists(const struct resource_view *view);

/* The phase of one of its versions, and why it failed. */
enum change_phase version_phase(const struct ledger *ledger, const struct ledger_version *version, struct text *why);
const char *change_phase_name(enum change_phase phase); /* "active" */

/* Appends the members of a version, without braces. */
void version_json(struct buffer *out, const struct control_version *version, enum change_phase phase, struct text why);
