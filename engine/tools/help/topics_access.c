/* topics_access.c: Topic `policies` of `sluice help`: the words of access policies of a gateway. */
#include <stdio.h>

#include "gateway/access/access_policy.h"
#include "tools/help/help_topic.h"

#define WRITTEN_BYTES 64

/* A word as it is written: "sub:NAME", "pipeline/NAME". */
static void subject_written(const struct access_subject_word *word, char written[WRITTEN_BYTES])
{
	(void)snprintf(written, WRITTEN_BYTES, "%s%s", word->name, word->follows);
}

static void resource_written(const struct access_word *word, char written[WRITTEN_BYTES])
{
	const bool is_server = word == &access_kind_words[ACCESS_SERVER];
	(void)snprintf(written, WRITTEN_BYTES, "%s%s", word->name, is_server ? "" : "/NAME");
}

static void policies_print(struct help_page *page)
{
	char written[WRITTEN_BYTES];
	help_page_heading(page, 1, "Policies");
	help_page_text(page,
		       "The file of `--policies`, or of a SeldonRuntime's `policiesConfigMap`, says what each caller of a gateway "
		       "may do. It has rows, or is a ConfigMap whose data has texts of them. Subject, resource and verb are a "
		       "text or a list of texts each. A row allows each of its subjects each of its verbs on each of its "
		       "resources; with `namespace`, only in those namespaces. What no row allows is refused. A gateway that "
		       "starts notes each resource, verb and namespace by which a row allows nothing of its files, with file "
		       "and line, and `sluice lint --policies FILE` warns of it. That is no error: it may be deployed later.");
	help_page_code(page, "yaml",
		       "policies:\n"
		       "- {subject: [group:analysts, \"key:billing\"], resource: pipeline/fraud-*, verb: [infer, metadata]}\n"
		       "- {subject: \"sub:ops\", resource: \"*\", verb: \"*\"}\n");
	help_page_heading(page, 2, "Subjects");
	help_page_text(page, "They are compared exactly, and are no patterns.");
	for (const struct access_subject_word *word = access_subject_words; word->name; word++) {
		subject_written(word, written);
		help_page_item(page, 0, word->help, "%s", written);
	}
	help_page_heading(page, 2, "Resources");
	help_page_text(page, "In a name `*` matches any characters and `?` one. `*` alone is every resource.");
	for (const struct access_word *word = access_kind_words; word->name; word++) {
		resource_written(word, written);
		help_page_item(page, 0, word->help, "%s", written);
	}
	help_page_heading(page, 2, "Verbs");
	help_page_text(page, "`*` is every verb.");
	for (const struct access_word *word = access_verb_words; word->name; word++)
		help_page_item(page, 0, word->help, "%s", word->name);
}

static void policies_visit(struct help_visit *visit)
{
	char written[WRITTEN_BYTES];
	for (const struct access_subject_word *word = access_subject_words; word->name; word++) {
		subject_written(word, written);
		help_see(visit, written, "subject", word->help, word);
	}
	for (const struct access_word *word = access_kind_words; word->name; word++) {
		resource_written(word, written);
		help_see(visit, written, "resource", word->help, word);
	}
	for (const struct access_word *word = access_verb_words; word->name; word++)
		help_see(visit, word->name, "verb", word->help, word);
}

static void policies_print_entry(struct help_page *page, const struct help_entry *entry)
{
	char kind[WRITTEN_BYTES];
	(void)snprintf(kind, sizeof kind, "A %s of access policies.", entry->where);
	help_page_text(page, kind);
	help_page_text(page, entry->text);
}

const struct help_topic topic_policies = {
	.name = "policies",
	.one = "word of access policies",
	.summary = "Who may call what of a gateway.",
	.print = policies_print,
	.visit = policies_visit,
	.print_entry = policies_print_entry,
};
