/* metadata_rows.c: Option rows of the metadata of every resource, and the check of names. */
#include "base/topic_name.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/resources/rows.h"

#define NAME_CHARACTERS_MAX 253 /* as Kubernetes */

const struct option text_value_rows[] = {
	{.type = OPTION_KEY, .offset = offsetof(struct annotation, key)},
	{.type = OPTION_TEXT, .short_form = true, .offset = offsetof(struct annotation, value)},
	{.type = OPTION_END},
};

/* What Kubernetes adds when it prints a resource is read back without a word. */
const struct option metadata_rows[] = {
	{.type = OPTION_HERE, .offset = offsetof(struct metadata, here)},
	ROW("name", NAME, struct metadata, name, .help = "The name by which other resources refer to it."),
	ROW("namespace", NAME, struct metadata, namespace, .help = "The namespace; part of the names of topics."),
	ROW("annotations", TABLE, struct metadata, annotations, .rows = text_value_rows, .item_size = sizeof(struct annotation),
	    .help = "Any keys and texts. Of those that begin with seldon.io/ or sluice.io/, these have a meaning, and `lint` names "
		    "all others. `seldon.io/success-criteria: accuracy>0.6,latency<100ms` of an Experiment is its "
		    "successCriteria, if it has none. `seldon.io/rest-timeout: 5000` of a Model, Pipeline or SeldonDeployment is "
		    "the timeout of each call, in milliseconds. `sluice.io/exposures: full` of a SeldonDeployment writes "
		    "exposures of its predictors; `sluice.io/explainer-background: usual.csv` names the rows against which its "
		    "explainer explains; without it these are the newest requests of its topic, 20 at least."),
	ROW("labels", TABLE, struct metadata, labels, .rows = text_value_rows, .item_size = sizeof(struct annotation),
	    .help = "Any keys and texts; `sluice get --selector KEY=VALUE` selects by them."),
	CHECKED("generateName", TEXT, .effect = EFFECT_NONE, .help = "The beginning of a name that Kubernetes would generate."),
	CHECKED("creationTimestamp", SCALAR, .help = "Set by Kubernetes."),
	CHECKED("deletionTimestamp", SCALAR, .help = "Set by Kubernetes."),
	CHECKED("deletionGracePeriodSeconds", INTEGER, .help = "Set by Kubernetes."),
	CHECKED("finalizers", NAMES, .effect = EFFECT_NONE, .help = "The components that must agree before Kubernetes removes it."),
	CHECKED("generation", INTEGER, .help = "Set by Kubernetes."),
	CHECKED("managedFields", NODE, .help = "Set by Kubernetes."),
	CHECKED("ownerReferences", NODE, .effect = EFFECT_NONE, .help = "The resources with which Kubernetes removes it."),
	CHECKED("resourceVersion", TEXT, .help = "Set by Kubernetes."),
	CHECKED("selfLink", TEXT, .help = "Set by Kubernetes."),
	CHECKED("uid", TEXT, .help = "Set by Kubernetes."),
	{.type = OPTION_END},
};

static bool is_small(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

void resource_name_make(const char *name, char mended[RESOURCE_NAME_BYTES])
{
	size_t length = 0;
	for (const char *c = name; *c && length < NAME_CHARACTERS_MAX; c++) {
		char small = letter_lowered(*c);
		if (is_small(small))
			mended[length++] = small;
		else if (length > 0 && mended[length - 1] != '-')
			mended[length++] = '-';
	}
	while (length > 0 && mended[length - 1] == '-')
		length--;
	mended[length] = '\0';
}

void name_check(struct name name, const char *what, struct faults *faults)
{
	size_t length = strlen(name.text);
	bool good = length > 0 && is_small(name.text[0]) && is_small(name.text[length - 1]), underscore = false;
	for (size_t i = 0; i < length; i++) {
		underscore = underscore || name.text[i] == '_';
		good = good && (is_small(name.text[i]) || name.text[i] == '-' || name.text[i] == '_');
	}
	char mended[RESOURCE_NAME_BYTES];
	resource_name_make(name.text, mended);
	const char *suggest = mended[0] && strcmp(mended, name.text) != 0 ? mended : NULL;
	if (length > NAME_CHARACTERS_MAX)
		fault_add(faults, CODE_BAD_NAME, name.place, NULL, "%s has %zu characters, more than the %d that a name may have",
			  what, length, NAME_CHARACTERS_MAX);
	else if (!good)
		fault_add(faults, CODE_BAD_NAME, name.place, suggest,
			  "%s `%s` is not made of lower-case letters, digits and inner dashes", what, name.text);
	else if (underscore)
		fault_add(faults, CODE_UNDERSCORE_NAME, name.place, suggest, "%s `%s` has an underscore, which Kubernetes refuses",
			  what, name.text);
}

void topic_check(const char *topic, struct place place, struct faults *faults)
{
	if (!topic)
		return;
	const size_t length = strlen(topic);
	if (length > TOPIC_CHARACTERS_MAX)
		fault_add(faults, CODE_BAD_TOPIC, place, NULL,
			  "the name of a topic has %zu characters, more than the %d that Kafka allows", length,
			  TOPIC_CHARACTERS_MAX);
	else if (!topic_name_is_spelled(topic))
		fault_add(faults, CODE_BAD_TOPIC, place, NULL, "`%s` cannot be a topic, nor begin the name of one", topic);
}
