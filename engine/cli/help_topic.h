/* help_topic.h: Topic of `sluice help`: a table that the engine works by, as a page and as entries
 * that can be looked up by name.
 *
 * A topic visits all of its entries; looking a name up, searching, suggesting and listing are each a
 * visit. So a name is written in the engine's own table and nowhere else. The topics are listed in
 * cli/topics.c.
 */
#ifndef SLUICE_CLI_HELP_TOPIC_H
#define SLUICE_CLI_HELP_TOPIC_H

#include "cli/command.h"
#include "cli/page.h"

/* One name. Lives as long as the visit unless help_entry_keep() copies it. */
struct help_entry {
	const char *name;
	const char *where; /* what the name belongs to, as `spec.steps[].batch` or `lint`; "": to nothing */
	const char *text;  /* one line */
	const void *item;  /* the row of its table */
};

struct help_visit {
	struct session *session;
	void (*see)(struct help_visit *visit, const struct help_entry *entry);
};

struct help_topic {
	const char *name;    /* "functions" */
	const char *one;     /* what an entry is: "function" */
	const char *summary; /* one sentence */
	/* The whole page; NULL: a list of the entries, a line each. */
	void (*print)(struct session *session, struct page *page);
	/* NULL: the entries are those of other topics. */
	void (*visit)(struct help_visit *visit);
	/* An entry, below a heading that names it. `where`: all places that have the same entry. */
	void (*print_entry)(struct session *session, struct page *page, const struct help_entry *entry, const char *where);
	bool caseless;
	bool by_place; /* an entry is known by where it stands rather than by its name */
};

extern const struct help_topic topic_commands, topic_options, topic_kafka_settings, topic_settings;	/* topics_command_line.c */
extern const struct help_topic topic_steps, topic_operations, topic_resources, topic_fields, topic_words; /* topics_files.c */
extern const struct help_topic topic_kinds, topic_faults;						/* topics_files.c */
extern const struct help_topic topic_failures, topic_expressions, topic_functions, topic_formats, topic_datatypes,
	topic_stubs; /* topics_messages.c */

static inline void help_see(struct help_visit *visit, const char *name, const char *where, const char *text, const void *item)
{
	const struct help_entry entry = {name, where, text, item};
	visit->see(visit, &entry);
}

#endif
