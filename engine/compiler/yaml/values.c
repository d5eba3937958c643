/* values.c: Conversion of one value of the user's YAML to the C type of its row. */
#include "base/number/duration.h"
#include "base/number/number.h"
#include "base/secret.h"
#include "base/suggest.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/yaml/header_names.h"
#include "compiler/yaml/options.h"

const char *option_type_name(const struct option *row)
{
	static const char *const names[] = {
		[OPTION_END] = "nothing",
		[OPTION_TEXT] = "a text",
		[OPTION_NAME] = "a text",
		[OPTION_FLAG] = "true or false",
		[OPTION_INTEGER] = "a whole number",
		[OPTION_NUMBER] = "a number",
		[OPTION_NUMBERS] = "a list of numbers",
		[OPTION_SCALAR] = "a text or a number",
		[OPTION_NAMES] = "a list of texts",
		[OPTION_REFERENCES] = "a list of references",
		[OPTION_DURATION] = "a duration",
		[OPTION_QUANTITY] = "a quantity",
		[OPTION_CHOICE] = "one word",
		[OPTION_THRESHOLD] = "a threshold",
		[OPTION_EXTENT] = "a number of messages or a duration",
		[OPTION_EXPRESSION] = "an expression",
		[OPTION_MAP] = "a map",
		[OPTION_LIST] = "a list",
		[OPTION_TABLE] = "a map",
		[OPTION_OPERATIONS] = "a list of operations",
		[OPTION_NODE] = "anything",
		[OPTION_HERE] = "nothing",
		[OPTION_KEY] = "a text",
		[OPTION_KIND] = "a step",
	};
	return names[row->type];
}

static void say_wrong_type(struct reading *reading, const struct option *row, const struct node *node, const char *suggest)
{
	static const char *const classes[] = {
		[SCALAR_TEXT] = "the text",
		[SCALAR_INTEGER] = "the number",
		[SCALAR_FLOAT] = "the number",
		[SCALAR_FLAG] = "the flag",
	};
	if (node->broken)
		return;
	const char *takes = option_type_name(row);
	if (node->type != NODE_SCALAR) {
		fault_add(reading->faults, CODE_WRONG_TYPE, node->place, NULL, "`%s` takes %s, not %s", reading->field, takes,
			  node->type == NODE_LIST  ? "a list"
			  : node->type == NODE_MAP ? "a map"
						   : "nothing");
		return;
	}
	fault_add(reading->faults, CODE_WRONG_TYPE, node->place, suggest, "`%s` takes %s, not %s `%s`", reading->field, takes,
		  classes[scalar_classify(node)], node->scalar.bytes);
}

void value_no_map(struct reading *reading, const struct node *node, const char *suggest)
{
	say_wrong_type(reading, &(struct option){.type = OPTION_MAP}, node, suggest);
}

void value_wrong_type(struct reading *reading, const struct option *row, const struct node *node)
{
	const char *suggest = NULL;
	enum scalar_class class = node->type == NODE_SCALAR ? scalar_classify(node) : SCALAR_TEXT;
	if (node->type == NODE_SCALAR && class != SCALAR_TEXT &&
	    (row->type == OPTION_TEXT || row->type == OPTION_NAME || row->type == OPTION_NAMES || row->type == OPTION_REFERENCES))
		suggest = arena_print(reading->arena, "\"%s\"", node->scalar.bytes);
	bool list = row->type == OPTION_NAMES || row->type == OPTION_REFERENCES || row->type == OPTION_NUMBERS;
	if (node->type == NODE_SCALAR && class == SCALAR_TEXT && list)
		suggest = arena_print(reading->arena, "[%s]", node->scalar.bytes);
	say_wrong_type(reading, row, node, suggest);
}

static void bad_value(struct reading *reading, const char *code, const struct node *node, const char *why)
{
	fault_add(reading->faults, code, node->place, NULL, "`%s`: `%s` %s", reading->field, node->scalar.bytes, why);
}

/* ---- texts ---- */

static bool take_text(struct reading *reading, const struct option *row, const struct node *node, const char **text)
{
	if (node->type != NODE_SCALAR || scalar_classify(node) != SCALAR_TEXT) {
		value_wrong_type(reading, row, node);
		return false;
	}
	*text = node->scalar.bytes;
	if (node->scalar.length > 0 || (!row->required && row->least < 1))
		return true;
	fault_add(reading->faults, CODE_EMPTY_VALUE, node->place, NULL, "`%s` is empty", reading->field);
	return false;
}

/* Which of the row's words the scalar is; -1 after saying that it is none. */
static int choice_index(struct reading *reading, const struct option *row, const struct node *node)
{
	struct suggestion suggestion = suggest_begin(node->scalar);
	const int index = choice_find(row->choices, node->scalar, &suggestion);
	if (index >= 0)
		return index;
	const char *nearest = suggestion.nearest.bytes
				      ? arena_copy(reading->arena, suggestion.nearest.bytes, suggestion.nearest.length)
				      : operator_meant(node->scalar);
	fault_add(reading->faults, CODE_NO_CHOICE, node->place, nearest, "`%s` takes one of the words %s, not `%s`", reading->field,
		  row->choices, node->scalar.bytes);
	return -1;
}

static void read_text(struct reading *reading, const struct option *row, const struct node *node, void *at)
{
	const char *text;
	if (take_text(reading, row, node, &text) && (!row->choices || choice_index(reading, row, node) >= 0))
		*(const char **)at = text;
}

/* In the objects of Kubernetes an empty name is none. */
static void read_name(struct reading *reading, const struct option *row, const struct node *node, void *at)
{
	const char *text;
	if (!take_text(reading, row, node, &text))
		return;
	if (node->scalar.length == 0 && !row->choices && !row->file)
		fault_add(reading->faults, CODE_NO_EFFECT, node->place, NULL, "`%s` is empty, and so has no effect here",
			  reading->field);
	else if (!row->choices || choice_index(reading, row, node) >= 0)
		*(struct name *)at = (struct name){text, node->place};
}

static void read_scalar(struct reading *reading, const struct option *row, const struct node *node, void *at)
{
	if (node->type == NODE_SCALAR)
		*(const char **)at = node->scalar.bytes;
	else
		value_wrong_type(reading, row, node);
}

/* A list that must not be empty says so with `least`. */
static bool check_list(struct reading *reading, const struct option *row, const struct node *node)
{
	if (node->type != NODE_LIST) {
		value_wrong_type(reading, row, node);
		return false;
	}
	if (node->count == 0 && row->least > 0)
		fault_add(reading->faults, CODE_EMPTY_VALUE, node->place, NULL, "`%s` is an empty list; give at least one item",
			  reading->field);
	return true;
}

static void read_names(struct reading *reading, const struct option *row, const struct node *node, void *at)
{
	static const struct option item_row = {.type = OPTION_NAME, .required = true};
	if (!check_list(reading, row, node))
		return;
	struct name *items = ARENA_ARRAY(reading->arena, struct name, node->count + 1);
	size_t count = 0;
	const char *field = reading->field;
	for (size_t i = 0; items && i < node->count; i++) {
		const char *name = arena_print(reading->arena, "%s[%zu]", field, i);
		reading->field = name ? name : field;
		const struct node *item = node->items[i];
		bool empty = !item->broken && (item->type == NODE_NULL || (item->type == NODE_SCALAR && item->scalar.length == 0));
		if (row->type == OPTION_REFERENCES && empty)
			items[count++] = (struct name){"", item->place};
		else if (take_text(reading, &item_row, item, &items[count].text))
			items[count++].place = item->place;
	}
	*(struct name_list *)at = (struct name_list){count, items};
}

static void read_choice(struct reading *reading, const struct option *row, const struct node *node, void *at)
{
	if (node->type != NODE_SCALAR || scalar_classify(node) != SCALAR_TEXT) {
		value_wrong_type(reading, row, node);
		return;
	}
	int index = choice_index(reading, row, node);
	if (index >= 0)
		*(int *)at = index;
}

/* ---- numbers ---- */

static void flag_store(const struct option *row, bool flag, void *at)
{
	if (row->choices)
		*(int *)at = flag;
	else
		*(bool *)at = flag;
}

static void read_flag(struct reading *reading, const struct option *row, const struct node *node, void *at)
{
	/* YAML 1.1, which Kubernetes reads, also knows these. */
	static const struct {
		const char *word;
		bool flag;
	} words[] = {{"yes", true}, {"on", true}, {"no", false}, {"off", false}};
	if (node->type == NODE_SCALAR && scalar_classify(node) == SCALAR_FLAG) {
		flag_store(row, node->scalar.bytes[0] == 't' || node->scalar.bytes[0] == 'T', at);
		return;
	}
	for (size_t i = 0; node->type == NODE_SCALAR && !node->quoted && i < sizeof words / sizeof *words; i++)
		if (text_equal_caseless(node->scalar, text_of(words[i].word))) {
			flag_store(row, words[i].flag, at);
			return;
		}
	if (row->choices && node->type == NODE_SCALAR && scalar_classify(node) == SCALAR_TEXT) {
		int index = choice_index(reading, row, node);
		if (index >= 0)
			*(int *)at = OPTION_FLAG_CHOICE + index;
		return;
	}
	value_wrong_type(reading, row, node);
}

static void say_range(struct reading *reading, const struct option *row, const struct node *node)
{
	if (row->least < row->most && row->most >= NUMBER_UNBOUNDED)
		fault_add(reading->faults, CODE_OUT_OF_RANGE, node->place, NULL, "`%s` takes %s from %.15g on, not %s",
			  reading->field, option_type_name(row), row->least, node->scalar.bytes);
	else if (row->least < row->most)
		fault_add(reading->faults, CODE_OUT_OF_RANGE, node->place, NULL, "`%s` takes %s from %.15g to %.15g, not %s",
			  reading->field, option_type_name(row), row->least, row->most, node->scalar.bytes);
	else
		fault_add(reading->faults, CODE_OUT_OF_RANGE, node->place, NULL, "`%s`: %s does not fit", reading->field,
			  node->scalar.bytes);
}

static bool values_within(const struct option *row, double number)
{
	return row->least >= row->most || (number >= row->least && number <= row->most);
}

static void read_integer(struct reading *reading, const struct option *row, const struct node *node, void *at)
{
	int64_t number;
	bool quoted = row->quotable && node->type == NODE_SCALAR && number_read_int64(node->scalar, &number);
	if (!quoted && (node->type != NODE_SCALAR || scalar_classify(node) != SCALAR_INTEGER)) {
		value_wrong_type(reading, row, node);
		return;
	}
	struct text digits = node->scalar;
	if (digits.bytes[0] == '+')
		digits = text_from(digits, 1);
	if (number_read_int64(digits, &number) && values_within(row, (double)number))
		*(int64_t *)at = number;
	else
		say_range(reading, row, node);
}

/* A number, or a text like 5%. */
static bool take_number(const struct node *node, double *number)
{
	if (node->type != NODE_SCALAR)
		return false;
	struct text text = node->scalar;
	if (text.length > 1 && text.bytes[text.length - 1] == '%') {
		bool good = scalar_number((struct text){text.bytes, text.length - 1}, number);
		*number /= 100;
		return good;
	}
	enum scalar_class class = scalar_classify(node);
	return (class == SCALAR_INTEGER || class == SCALAR_FLOAT) && scalar_number(text, number);
}

static void read_number(struct reading *reading, const struct option *row, const struct node *node, void *at)
{
	double number;
	if (!take_number(node, &number))
		value_wrong_type(reading, row, node);
	else if (!__builtin_isfinite(number) || !values_within(row, number))
		say_range(reading, row, node);
	else
		*(double *)at = number;
}

static void read_numbers(struct reading *reading, const struct option *row, const struct node *node, void *at)
{
	const struct option item_row = {.type = row->whole ? OPTION_INTEGER : OPTION_NUMBER};
	if (!check_list(reading, row, node))
		return;
	double *items = ARENA_ARRAY(reading->arena, double, node->count + 1);
	size_t count = 0;
	for (size_t i = 0; items && i < node->count; i++) {
		const struct node *item = node->items[i];
		bool whole = item->type == NODE_SCALAR && scalar_classify(item) == SCALAR_INTEGER;
		if ((row->whole && !whole) || !take_number(item, &items[count])) {
			value_wrong_type(reading, &item_row, item);
		} else if (!values_within(row, items[count])) {
			say_range(reading, row, item);
		} else {
			count++;
		}
	}
	*(struct number_list *)at = (struct number_list){count, items};
}

/* ---- numbers with units ---- */

static bool is_scalar(struct reading *reading, const struct option *row, const struct node *node)
{
	if (node->type == NODE_SCALAR && scalar_classify(node) != SCALAR_FLAG)
		return true;
	value_wrong_type(reading, row, node);
	return false;
}

static void read_duration(struct reading *reading, const struct option *row, const struct node *node, void *at)
{
	int64_t duration_ns = 0;
	if (!is_scalar(reading, row, node))
		return;
	const char *why = (row->or_none ? duration_read_or_none : duration_read)(node->scalar, &duration_ns);
	if (!why && row->whole && duration_ns % NS_PER_MS != 0)
		why = "is no whole number of milliseconds, in which times are counted";
	if (why)
		bad_value(reading, CODE_BAD_DURATION, node, why);
	else
		*(int64_t *)at = duration_ns;
}

static void read_quantity(struct reading *reading, const struct option *row, const struct node *node, void *at)
{
	double quantity;
	if (!is_scalar(reading, row, node))
		return;
	if (quantity_read(node->scalar, &quantity))
		*(double *)at = quantity;
	else
		bad_value(reading, CODE_BAD_QUANTITY, node, "is no quantity");
}

static void read_threshold(struct reading *reading, const struct option *row, const struct node *node, void *at)
{
	struct threshold threshold;
	if (!is_scalar(reading, row, node))
		return;
	if (threshold_read(node->scalar, &threshold))
		*(struct threshold *)at = threshold;
	else
		bad_value(reading, CODE_BAD_THRESHOLD, node, "is no threshold");
}

/* A row without limits takes every count above 0. */
static void read_count(struct reading *reading, const struct option *row, const struct node *node, int64_t count,
		       struct extent *extent)
{
	if (count > 0 && (row->most <= 0 || ((double)count >= row->least && (double)count <= row->most)))
		*extent = (struct extent){.count = count};
	else if (row->most > 0)
		fault_add(reading->faults, CODE_OUT_OF_RANGE, node->place, NULL,
			  "`%s`: a window of %lld rows cannot be judged; give %.0f to %.0f rows, or a duration", reading->field,
			  (long long)count, row->least, row->most);
	else
		bad_value(reading, CODE_OUT_OF_RANGE, node, "is no number of messages; it is at least 1");
}

static void read_extent(struct reading *reading, const struct option *row, const struct node *node, void *at)
{
	struct extent extent = {0};
	if (!is_scalar(reading, row, node))
		return;
	if (number_read_int64(node->scalar, &extent.count)) {
		read_count(reading, row, node, extent.count, at);
		return;
	}
	extent.count = 0;
	const char *why = duration_read(node->scalar, &extent.duration_ns);
	if (why)
		bad_value(reading, CODE_BAD_DURATION, node, why);
	else
		*(struct extent *)at = extent;
}

/* ---- expressions ---- */

/* Where the expression's text begins: behind a quote. In a block or behind escapes,
 * columns cannot be counted on; then the whole value is meant. */
static struct place source_place(struct reading *reading, const struct node *node, bool *exact)
{
	struct place place = node->place;
	*exact = !node->quoted;
	struct text line = faults_line(reading->faults, place);
	if (!node->quoted || line.length < place.column)
		return place;
	char quote = line.bytes[place.column - 1];
	if ((quote == '"' || quote == '\'') && !memchr(line.bytes, '\\', line.length)) {
		place.column++;
		*exact = true;
	}
	return place;
}

static void headers_note(struct reading *reading, const struct expression *expression)
{
	struct text name;
	for (size_t i = 0; reading->headers && (name = expression_header(expression, i)).bytes; i++)
		header_names_add(reading->headers, name, expression_place(expression), reading->arena);
}

static void read_expression(struct reading *reading, const struct option *row, const struct node *node, void *at)
{
	if (node->type != NODE_SCALAR) {
		value_wrong_type(reading, row, node);
		return;
	}
	bool condition = row->uses & USE_OPERATION, exact;
	if (condition && condition_fault(reading, node))
		return;
	struct error error = {0};
	struct place place = source_place(reading, node, &exact);
	const struct expression *expression =
		expression_compile(reading->arena, node->scalar, place, row->uses | USE_MESSAGE, &error);
	if (expression) {
		*(const struct expression **)at = expression;
		headers_note(reading, expression);
	} else if (error.kind == ERROR_CONFIG && condition && text_starts_with(node->scalar, TEXT("absent:")))
		fault_add(reading->faults, CODE_BAD_CONDITION, node->place, NULL,
			  "`%s`: `absent` is a field of its own; write `%s` without `%s` before it", reading->field,
			  node->scalar.bytes, reading->field);
	else if (error.kind == ERROR_CONFIG && condition)
		fault_add(reading->faults, CODE_BAD_CONDITION, node->place, NULL, "`%s`: %s, in `%s`", reading->field, error.text,
			  node->scalar.bytes);
	else if (error.kind == ERROR_CONFIG)
		fault_add(reading->faults, CODE_BAD_EXPRESSION, exact ? error.place : node->place, NULL, "`%s`: %s",
			  reading->field, error.text);
}

static void read_node(struct reading *reading, const struct option *row, const struct node *node, void *at)
{
	(void)reading;
	(void)row;
	*(const struct node **)at = node;
}

void value_read(struct reading *reading, const struct option *row, const struct node *node, void *at)
{
	static void (*const readers[])(struct reading *, const struct option *, const struct node *, void *) = {
		[OPTION_TEXT] = read_text,	     [OPTION_NAME] = read_name,		[OPTION_FLAG] = read_flag,
		[OPTION_INTEGER] = read_integer,     [OPTION_NUMBER] = read_number,	[OPTION_NUMBERS] = read_numbers,
		[OPTION_SCALAR] = read_scalar,	     [OPTION_NAMES] = read_names,	[OPTION_REFERENCES] = read_names,
		[OPTION_DURATION] = read_duration,   [OPTION_QUANTITY] = read_quantity, [OPTION_CHOICE] = read_choice,
		[OPTION_THRESHOLD] = read_threshold, [OPTION_EXTENT] = read_extent,	[OPTION_EXPRESSION] = read_expression,
		[OPTION_NODE] = read_node,
	};
	readers[row->type](reading, row, node, at);
	const char *fault = row->secret && node->type == NODE_SCALAR ? secret_fault(node->scalar.bytes) : NULL;
	if (fault)
		fault_add(reading->faults, CODE_BAD_SECRET, node->place, NULL, "`%s`: %s", reading->field, fault);
}
