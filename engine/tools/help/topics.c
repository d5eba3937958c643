/* topics.c: see topics.h. A lookup visits all topics, in their order. */
#include "tools/help/topics.h"

#include "base/suggest.h"
#include "tools/help/help_topic.h"

#define WHERE_BYTES_MAX ((size_t)64 << 10) /* of one entry: a field's name occurs in at most a hundred places */
#define NEAREST_MAX 3			   /* a longer list would not be read */

static const struct help_topic *const topics[] = {
	&topic_commands,    &topic_steps,  &topic_operations, &topic_expressions, &topic_functions,	 &topic_failures,
	&topic_resources,   &topic_kinds,  &topic_fields,     &topic_words,	  &topic_formats,	 &topic_datatypes,
	&topic_model_files, &topic_stubs,  &topic_faults,     &topic_options,	  &topic_kafka_settings, &topic_settings,
	&topic_metrics,	    &topic_alerts, &topic_headers,    &topic_states,	  &topic_columns,	 &topic_policies,
};

#define TOPIC_COUNT (sizeof topics / sizeof *topics)

static void topics_list(struct help_page *page)
{
	help_page_heading(page, 1, "Topics");
	for (size_t i = 0; i < TOPIC_COUNT; i++)
		help_page_item(page, 0, topics[i]->summary, "%s", topics[i]->name);
	help_page_text(page,
		       "`sluice help TOPIC` prints a topic. `sluice help NAME` prints one entry of any topic. `sluice help -k "
		       "WORD` searches all topics.");
}

void topics_names(struct buffer *names)
{
	for (size_t i = 0; i < TOPIC_COUNT; i++)
		buffer_print(names, "%s ", topics[i]->name);
}

/* By its name, or by that in the singular. */
static bool topic_is(const struct help_topic *topic, const char *word)
{
	size_t length = strlen(topic->name);
	return strcmp(topic->name, word) == 0 || (strlen(word) == length - 1 && strncmp(topic->name, word, length - 1) == 0);
}

static const struct help_topic *topic_find(const char *word)
{
	for (size_t i = 0; i < TOPIC_COUNT; i++)
		if (topic_is(topics[i], word))
			return topics[i];
	return NULL;
}

/* ---- a topic as a list ---- */

struct topic_listing {
	struct help_visit visit;
	const struct help_topic *topic;
	struct help_page *page;
};

static void listing_see(struct help_visit *visit, const struct help_entry *entry)
{
	struct topic_listing *self = (struct topic_listing *)visit;
	if (self->topic->by_place)
		help_page_item(self->page, 0, entry->text, "%s", entry->where);
	else if (*entry->where)
		help_page_item(self->page, 0, entry->text, "%s (%s)", entry->name, entry->where);
	else
		help_page_item(self->page, 0, entry->text, "%s", entry->name);
}

static void topic_print(const struct help_topic *topic, struct help_page *page)
{
	if (topic->print) {
		topic->print(page);
		return;
	}
	struct topic_listing self = {{page->workspace, listing_see}, topic, page};
	help_page_heading(page, 1, "%c%s", topic->name[0] - 'a' + 'A', topic->name + 1);
	help_page_text(page, topic->summary);
	topic->visit(&self.visit);
}

/* ---- looking a name up ---- */

/* An entry that was found; those that say the same of several places are one. */
struct help_match {
	struct help_match *next;
	struct help_entry entry;
	struct buffer where;
};

struct topic_lookup {
	struct help_visit visit;
	const struct help_topic *topic;
	const char *word;
	struct help_match *first, **last;
};

/* Whether `where` ends in the word, at a point. */
static bool place_ends_in(const char *where, const char *word)
{
	size_t length = strlen(where), end = strlen(word);
	if (length < end || strcmp(where + length - end, word) != 0)
		return false;
	return length == end || where[length - end - 1] == '.' || where[length - end - 1] == ' ';
}

static bool entry_is_named(const struct help_entry *entry, const struct help_topic *topic, const char *word)
{
	if (topic->caseless && text_equal_caseless(text_of(entry->name), text_of(word)))
		return true;
	return strcmp(entry->name, word) == 0 || (topic->by_place && strpbrk(word, ".[") && place_ends_in(entry->where, word));
}

static struct help_match *lookup_same(const struct topic_lookup *self, const struct help_entry *entry)
{
	for (struct help_match *match = self->first; match; match = match->next)
		if (strcmp(match->entry.name, entry->name) == 0 && strcmp(match->entry.text, entry->text) == 0 && *entry->where)
			return match;
	return NULL;
}

static void lookup_see(struct help_visit *visit, const struct help_entry *entry)
{
	struct topic_lookup *self = (struct topic_lookup *)visit;
	if (!entry_is_named(entry, self->topic, self->word))
		return;
	struct help_match *match = lookup_same(self, entry);
	if (!match) {
		match = arena_take(visit->workspace->arena, 1, sizeof *match);
		if (!match)
			return; /* seen by the page's end, as any lack of memory */
		match->entry = *entry;
		match->entry.text = arena_copy(visit->workspace->arena, entry->text, strlen(entry->text));
		buffer_open(&match->where, WHERE_BYTES_MAX);
		*self->last = match;
		self->last = &match->next;
	}
	buffer_print(&match->where, "%s%s", match->where.length > 0 ? ", " : "", entry->where);
}

/* Prints the topic's entries of that name under one heading; false: it has none. */
static bool topic_print_named(const struct help_topic *topic, struct help_page *page, const char *word)
{
	struct topic_lookup self = {.visit = {page->workspace, lookup_see}, .topic = topic, .word = word, .last = &self.first};
	if (topic->visit)
		topic->visit(&self.visit);
	if (self.first && topic->one)
		help_page_heading(page, 1, "%s: %s", word, topic->one);
	for (struct help_match *match = self.first; match; match = match->next) {
		buffer_byte(&match->where, '\0');
		bool failed = buffer_failed(&match->where) || !match->entry.text;
		page->out->failed |= failed;
		match->entry.where = match->where.bytes;
		if (!failed)
			topic->print_entry(page, &match->entry);
		buffer_close(&match->where);
	}
	return self.first != NULL;
}

static bool topics_print_named(struct help_page *page, const char *word)
{
	bool found = false;
	for (size_t i = 0; i < TOPIC_COUNT; i++)
		found |= topic_print_named(topics[i], page, word);
	return found;
}

bool topics_print(struct help_page *page, const char *const *words, size_t count)
{
	bool of_topics = strcmp(words[0], "topics") == 0;
	if (of_topics && count == 1) {
		topics_list(page);
		return true;
	}
	const struct help_topic *topic = count <= 2 ? topic_find(words[of_topics]) : NULL;
	if (topic && (of_topics || count == 1))
		topic_print(topic, page);
	if (of_topics)
		return topic != NULL;
	if (count == 1)
		return topics_print_named(page, words[0]) || topic;
	if (topic)
		return topic_print_named(topic, page, words[1]);
	const char *both = count == 2 ? arena_print(page->workspace->arena, "%s %s", words[0], words[1]) : NULL;
	return both && topics_print_named(page, both); /* as `IN FLIGHT` */
}

/* ---- searching ---- */

struct topic_search {
	struct help_visit visit;
	const struct help_topic *topic;
	struct help_page *page;
	struct text word;
	bool found;
};

static bool text_has_caseless(const char *text, struct text word)
{
	for (; strlen(text) >= word.length; text++)
		if (text_equal_caseless((struct text){text, word.length}, word))
			return true;
	return false;
}

static void search_see(struct help_visit *visit, const struct help_entry *entry)
{
	struct topic_search *self = (struct topic_search *)visit;
	if (!text_has_caseless(entry->name, self->word) && !text_has_caseless(entry->text, self->word) &&
	    !text_has_caseless(entry->where, self->word))
		return;
	if (!self->found)
		help_page_heading(self->page, 1, "Found: " TEXT_FORMAT, TEXT_ARGUMENTS(self->word));
	self->found = true;
	const char *one = self->topic->one ? self->topic->one : "command";
	if (*entry->where)
		help_page_item(self->page, 0, entry->text, "%s (%s%s%s)", entry->name, one, self->topic->by_place ? " " : " of ",
			       entry->where);
	else
		help_page_item(self->page, 0, entry->text, "%s (%s)", entry->name, one);
}

bool topics_search(struct help_page *page, const char *word)
{
	struct topic_search self = {.visit = {page->workspace, search_see}, .page = page, .word = text_of(word)};
	for (size_t i = 0; i < TOPIC_COUNT; i++) {
		self.topic = topics[i];
		if (self.topic->visit)
			self.topic->visit(&self.visit);
	}
	return self.found;
}

/* ---- suggestions ---- */

struct topic_nearest {
	struct help_visit visit;
	struct suggestion suggestion;
	size_t count;
	struct text found[NEAREST_MAX];
};

static void nearest_offer(struct topic_nearest *self, struct text name)
{
	for (size_t i = 0; i < self->count; i++)
		if (text_equal_caseless(self->found[i], name))
			return;
	suggest_offer(&self->suggestion, name);
}

static void nearest_see(struct help_visit *visit, const struct help_entry *entry)
{
	nearest_offer((struct topic_nearest *)visit, text_of(entry->name));
}

static void nearest_round(struct topic_nearest *self, const char *word)
{
	self->suggestion = suggest_begin(text_of(word));
	nearest_offer(self, TEXT("topics"));
	for (size_t i = 0; i < TOPIC_COUNT; i++) {
		nearest_offer(self, text_of(topics[i]->name));
		if (topics[i]->visit)
			topics[i]->visit(&self->visit);
	}
}

bool topics_nearest(const struct workspace *workspace, const char *word, struct buffer *names)
{
	struct topic_nearest self = {.visit = {workspace, nearest_see}};
	unsigned cost = 0;
	while (self.count < NEAREST_MAX) {
		nearest_round(&self, word);
		if (!self.suggestion.nearest.bytes || (self.count > 0 && self.suggestion.cost > cost))
			break;
		cost = self.suggestion.cost;
		self.found[self.count++] = self.suggestion.nearest;
	}
	for (size_t i = 0; i < self.count; i++)
		buffer_print(names, "%s`" TEXT_FORMAT "`",
			     i == 0		  ? ""
			     : i + 1 < self.count ? ", "
			     : " or ",
			     TEXT_ARGUMENTS(self.found[i]));
	buffer_byte(names, '\0');
	return self.count > 0;
}
