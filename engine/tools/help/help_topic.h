/* help_topic.h: Topic of `sluice help`: a table of the engine, as a page and as entries that can be found by name.
 *
 * A topic visits all of its entries. Lookup, search, suggestions and lists are visits. So a name is written only in
 * the engine's own table. The topics are listed in tools/help/topics.c.
 */
#pragma once

#include "compiler/yaml/workspace.h"
#include "tools/view/help_page.h"

/* One name. Its texts live until the visit returns: whoever keeps them copies them. */
struct help_entry {
	const char *name;
	const char *where; /* the owner of the name, as `spec.steps[].batch` or `lint`; "": none */
	const char *text;  /* one line */
	const void *item;  /* the row of its table */
};

struct help_visit {
	const struct workspace *workspace;
	void (*see)(struct help_visit *visit, const struct help_entry *entry);
};

struct help_topic {
	const char *name;    /* "functions" */
	const char *one;     /* the word for one entry: "function" */
	const char *summary; /* one sentence */
	/* Prints the whole page; NULL: it is a list of the entries, one on each line. */
	void (*print)(struct help_page *page);
	/* Visits the entries. NULL: they belong to other topics. */
	void (*visit)(struct help_visit *visit);
	/* Prints an entry below a heading with its name. Its `where` has all places that have the same entry. */
	void (*print_entry)(struct help_page *page, const struct help_entry *entry);
	bool caseless;
	bool by_place; /* an entry is identified by its place rather than by its name */
};

extern const struct help_topic topic_commands, topic_options, topic_kafka_settings, topic_settings; /* topics_command_line.c */
extern const struct help_topic topic_steps, topic_operations, topic_resources, topic_fields, topic_words; /* topics_files.c */
extern const struct help_topic topic_kinds, topic_faults;						  /* topics_files.c */
extern const struct help_topic topic_policies;								  /* topics_access.c */
extern const struct help_topic topic_metrics;								  /* topics_metrics.c */
extern const struct help_topic topic_alerts;								  /* topics_alerts.c */
extern const struct help_topic topic_headers, topic_states, topic_columns;				  /* topics_watching.c */
extern const struct help_topic topic_failures, topic_expressions, topic_functions, topic_formats, topic_datatypes, topic_stubs,
	topic_model_files; /* topics_messages.c */

static inline void help_see(struct help_visit *visit, const char *name, const char *where, const char *text, const void *item)
{
	const struct help_entry entry = {name, where, text, item};
	visit->see(visit, &entry);
}
