/* refused_lines.c: see refused_lines.h. */
#include "tools/view/refused_lines.h"

#include <inttypes.h>
#include <stdio.h>

/* The reason without numbers and without what it quotes. */
static void kind_make(const char *reason, char kind[REFUSED_REASON_BYTES])
{
	size_t length = 0;
	bool quoted = false;
	for (const char *at = reason; *at && length < REFUSED_REASON_BYTES - 1; at++) {
		const bool border = *at == '`';
		if (border)
			quoted = !quoted;
		if (border || (!quoted && !byte_is_digit(*at)))
			kind[length++] = *at;
		else if (!quoted && !byte_is_digit(at[1]))
			kind[length++] = '#';
	}
	kind[length] = '\0';
}

static void reason_count(struct refused_lines *lines, uint64_t line, const char *reason)
{
	char kind[REFUSED_REASON_BYTES];
	size_t at = 0;
	kind_make(reason, kind);
	while (at < lines->reason_count && strcmp(lines->reasons[at].kind, kind) != 0)
		at++;
	if (at == REFUSED_REASONS_MAX) {
		lines->others++;
		return;
	}
	struct refused_reason *found = &lines->reasons[at];
	if (at == lines->reason_count) {
		lines->reason_count++;
		memcpy(found->kind, kind, sizeof kind);
		snprintf(found->first, sizeof found->first, "%s", reason);
		found->line = line;
		found->count = 0;
	}
	found->count++;
}

void refused_lines_add(struct refused_lines *lines, uint64_t line, const char *reason)
{
	lines->count++;
	if (lines->count > REFUSED_LINES_SHOWN)
		reason_count(lines, line, reason);
	else if (line > 0)
		workspace_note(lines->workspace, "line %" PRIu64 ": %s", line, reason);
	else
		workspace_note(lines->workspace, "%s", reason);
}

void refused_lines_sum(const struct refused_lines *lines)
{
	if (lines->count <= REFUSED_LINES_SHOWN)
		return;
	workspace_note(lines->workspace, "%" PRIu64 " more were refused:", lines->count - REFUSED_LINES_SHOWN);
	for (size_t i = 0; i < lines->reason_count; i++) {
		const struct refused_reason *reason = &lines->reasons[i];
		workspace_note(lines->workspace, "  %" PRIu64 ", first line %" PRIu64 ": %s", reason->count, reason->line,
			       reason->first);
	}
	if (lines->others > 0)
		workspace_note(lines->workspace, "  %" PRIu64 " for other reasons", lines->others);
}
