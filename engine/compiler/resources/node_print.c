/* node_print.c: Printer of a node tree, as YAML and as JSON. */
#include "base/number/number.h"
#include "base/quote.h"
#include "compiler/resources/normal_form.h"
#include "compiler/yaml/options.h"

#define INDENT 2

static void indent(struct buffer *out, size_t depth)
{
	for (size_t i = 0; i < depth * INDENT; i++)
		buffer_byte(out, ' ');
}

/* A plain scalar that no reader takes for anything but a text. */
static bool is_plain_text(const struct node *node)
{
	static const char *const words[] = {"", "~", "null", "yes", "no", "on", "off", "y", "n"};
	const struct text text = node->scalar;
	const struct node plain = {.type = NODE_SCALAR, .scalar = text};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (text_equal_caseless(text, text_of(words[i])))
			return false;
	bool letter = (text.bytes[0] >= 'a' && text.bytes[0] <= 'z') || (text.bytes[0] >= 'A' && text.bytes[0] <= 'Z') ||
		      text.bytes[0] == '/';
	for (size_t i = 0; i < text.length; i++) {
		char c = text.bytes[i];
		bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || memchr("_-./", c, 4);
		bool colon = c == ':' && i + 1 < text.length && text.bytes[i + 1] != ' ';
		if (!word && !colon)
			return false;
	}
	return (letter || (text.bytes[0] >= '0' && text.bytes[0] <= '9')) && scalar_classify(&plain) == SCALAR_TEXT &&
	       !text_starts_with(text, TEXT("---"));
}

static void print_scalar(const struct node *node, struct buffer *out)
{
	if (node->type == NODE_NULL)
		buffer_string(out, "null");
	else if (scalar_classify(node) != SCALAR_TEXT || is_plain_text(node))
		buffer_text(out, node->scalar);
	else
		buffer_quoted(out, node->scalar);
}

static bool is_block(const struct node *node)
{
	return (node->type == NODE_MAP || node->type == NODE_LIST) && node->count > 0;
}

static void print_block(const struct node *node, size_t depth, bool begun, struct buffer *out);

/* Behind `key:` or `-`: on the same line, or a block below. */
static void print_behind(const struct node *node, size_t depth, bool item, struct buffer *out)
{
	if (is_block(node)) {
		bool inline_map = item && node->type == NODE_MAP;
		buffer_string(out, inline_map ? " " : "\n");
		print_block(node, depth, inline_map, out);
		return;
	}
	buffer_byte(out, ' ');
	if (node->type == NODE_MAP || node->type == NODE_LIST)
		buffer_string(out, node->type == NODE_MAP ? "{}" : "[]");
	else
		print_scalar(node, out);
	buffer_byte(out, '\n');
}

/* `begun`: the indent of the first line is already written. */
static void print_block(const struct node *node, size_t depth, bool begun, struct buffer *out)
{
	for (size_t i = 0; i < node->count; i++) {
		if (i > 0 || !begun)
			indent(out, depth);
		if (node->type == NODE_LIST) {
			buffer_byte(out, '-');
			print_behind(node->items[i], depth + 1, true, out);
			continue;
		}
		print_scalar(node->entries[i].key, out);
		buffer_byte(out, ':');
		const struct node *value = node->entries[i].value;
		print_behind(value, value->type == NODE_LIST ? depth : depth + 1, false, out);
	}
}

void node_print_yaml(const struct node *node, struct buffer *out)
{
	if (is_block(node)) {
		print_block(node, 0, false, out);
		return;
	}
	if (node->type == NODE_MAP || node->type == NODE_LIST)
		buffer_string(out, node->type == NODE_MAP ? "{}" : "[]");
	else
		print_scalar(node, out);
	buffer_byte(out, '\n');
}

static void print_json_scalar(const struct node *node, struct buffer *out)
{
	enum scalar_class class = node->type == NODE_NULL ? SCALAR_FLAG : scalar_classify(node);
	struct decimal decimal;
	if (node->type == NODE_NULL)
		buffer_string(out, "null");
	else if (class == SCALAR_FLAG)
		buffer_string(out, node->scalar.bytes[0] == 't' || node->scalar.bytes[0] == 'T' ? "true" : "false");
	else if (class != SCALAR_TEXT && decimal_scan(node->scalar, &decimal) == node->scalar.length)
		buffer_text(out, node->scalar);
	else
		buffer_quoted(out, node->scalar);
}

void node_print_json(const struct node *node, struct buffer *out)
{
	if (node->type == NODE_SCALAR || node->type == NODE_NULL) {
		print_json_scalar(node, out);
		return;
	}
	bool map = node->type == NODE_MAP;
	buffer_byte(out, map ? '{' : '[');
	for (size_t i = 0; i < node->count; i++) {
		buffer_string(out, i > 0 ? "," : "");
		if (map) {
			buffer_quoted(out, node->entries[i].key->scalar);
			buffer_byte(out, ':');
		}
		node_print_json(map ? node->entries[i].value : node->items[i], out);
	}
	buffer_byte(out, map ? '}' : ']');
}
