/* label_selector.c: see label_selector.h. */
#include "tools/client/control/label_selector.h"

#define SELECTOR_RULES_MAX 100
#define BLANKS " \t"

enum label_relation { LABEL_IN, LABEL_NOT_IN, LABEL_PRESENT, LABEL_ABSENT };

struct label_rule {
	enum label_relation relation;
	struct text key, values; /* values: without the parentheses */
	bool listed;		 /* the values have commas between; else there is one, with any characters */
};

static struct text trimmed_from(struct text text, size_t at)
{
	return text_trimmed(text_from(text, at), BLANKS);
}

/* ---- reading ---- */

/* Takes what is before the next comma that is not within parentheses. */
static struct text rule_take(struct text *rest)
{
	size_t at = 0;
	for (bool within = false; at < rest->length && (within || rest->bytes[at] != ','); at++)
		within = rest->bytes[at] == '(' || (within && rest->bytes[at] != ')');
	const struct text taken = {rest->bytes, at};
	*rest = at < rest->length ? (struct text){rest->bytes + at + 1, rest->length - at - 1} : (struct text){0};
	return text_trimmed(taken, BLANKS);
}

/* `(A, B)`. False: something else. */
static bool set_read(struct text text, struct label_rule *rule)
{
	if (text.length < 2 || text.bytes[0] != '(' || text.bytes[text.length - 1] != ')')
		return false;
	rule->values = text_trimmed((struct text){text.bytes + 1, text.length - 2}, BLANKS);
	rule->listed = true;
	return rule->values.length > 0;
}

static bool value_read(struct text text, struct label_rule *rule)
{
	rule->values = text;
	return true;
}

static bool rule_read(struct text text, struct label_rule *rule)
{
	static const struct {
		const char *sign;
		enum label_relation relation;
		bool (*read)(struct text text, struct label_rule *rule);
	} signs[] = {{"==", LABEL_IN, value_read},
		     {"=", LABEL_IN, value_read},
		     {"!=", LABEL_NOT_IN, value_read},
		     {"in", LABEL_IN, set_read},
		     {"notin", LABEL_NOT_IN, set_read}};
	const bool denied = text.length > 0 && text.bytes[0] == '!';
	size_t key = 0;
	if (denied)
		text = trimmed_from(text, 1);
	while (key < text.length && !strchr(BLANKS "=!,()", text.bytes[key]))
		key++;
	const struct text rest = trimmed_from(text, key);
	*rule = (struct label_rule){.relation = denied ? LABEL_ABSENT : LABEL_PRESENT, .key = {text.bytes, key}};
	if (key == 0 || rest.length == 0 || denied)
		return key > 0 && rest.length == 0;
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
		if (text_starts_with(rest, text_of(signs[i].sign))) {
			rule->relation = signs[i].relation;
			return signs[i].read(trimmed_from(rest, strlen(signs[i].sign)), rule);
		}
	return false;
}

bool label_selector_read(const struct name_list *texts, struct arena *arena, struct label_selector *selector, struct error *error)
{
	struct label_rule rules[SELECTOR_RULES_MAX];
	size_t count = 0;
	*selector = (struct label_selector){0};
	for (size_t i = 0; i < texts->count; i++) {
		struct text rest = text_of(texts->items[i].text);
		do {
			const struct text text = rule_take(&rest);
			if (count == SELECTOR_RULES_MAX)
				return error_set(error, ERROR_CONFIG, PLACE_NONE, "a selector has at most %d rules",
						 SELECTOR_RULES_MAX);
			if (!rule_read(text, &rules[count++]))
				return error_set(error, ERROR_CONFIG, PLACE_NONE,
						 "`" TEXT_FORMAT "` is no label selector; write KEY=VALUE, KEY!=VALUE, "
						 "'KEY in (A, B)', 'KEY notin (A, B)', KEY or '!KEY'",
						 TEXT_ARGUMENTS(text));
		} while (rest.bytes);
	}
	if (count == 0)
		return true;
	selector->rules = ARENA_ARRAY(arena, struct label_rule, count);
	if (!selector->rules)
		return error_memory(error, ERROR_SYSTEM, "reading a label selector");
	memcpy(selector->rules, rules, count * sizeof *rules);
	selector->count = count;
	return true;
}

/* ---- selecting ---- */

static bool rule_has_value(const struct label_rule *rule, struct text value)
{
	if (!rule->listed)
		return text_equal(rule->values, value);
	for (struct text rest = rule->values; rest.bytes;)
		if (text_equal(rule_take(&rest), value))
			return true;
	return false;
}

static bool rule_holds(const struct label_rule *rule, const struct control_version *version)
{
	const struct control_label *labels = version->labels.items;
	size_t i = 0;
	while (i < version->labels.count && !text_equal(labels[i].key, rule->key))
		i++;
	const bool present = i < version->labels.count;
	switch (rule->relation) {
	case LABEL_IN:
		return present && rule_has_value(rule, labels[i].value);
	case LABEL_NOT_IN:
		return !present || !rule_has_value(rule, labels[i].value);
	case LABEL_PRESENT:
		return present;
	case LABEL_ABSENT:
		return !present;
	}
	return false;
}

bool label_selector_has(const struct label_selector *selector, const struct control_version *version)
{
	for (size_t i = 0; i < selector->count; i++)
		if (!rule_holds(&selector->rules[i], version))
			return false;
	return true;
}
