/* picture.c: Drawing of a plan as SVG; see plan.h. It needs no other program, and follows the reader's light or dark colours. */
#include "compiler/print/picture.h"

#define PICTURE_ARENA_BYTES ((size_t)256 << 20)
#define PICTURE_GAP 24.0
#define FRAME_PADDING 14.0
#define FRAME_TITLE 22.0
#define ARROW 7.0

static const char style[] =
	"<style>\n"
	"svg{--Ink:#1f2328;--Line:#59636e;--Fill:#ffffff;--Frame:#f6f8fa;--Edge:#d1d9e0;--Call:#fff8c5;--Topic:#ddf4ff}\n"
	"@media(prefers-color-scheme:dark){svg{--Ink:#f0f6fc;--Line:#9198a1;--Fill:#0d1117;--Frame:#151b23;--Edge:#3d444d;"
	"--Call:#272115;--Topic:#121d2f}}\n"
	"text{font:13px ui-monospace,monospace;fill:var(--Ink);text-anchor:middle;dominant-baseline:central}\n"
	"text.label,text.stage{font-size:11px;fill:var(--Line)}text.stage{text-anchor:start}\n"
	"text.label{paint-order:stroke;stroke:var(--Frame);stroke-width:4px}\n"
	"path{fill:none;stroke:var(--Line);stroke-width:1.3}path.trigger{stroke-dasharray:4 3}path.tip{fill:var(--Line)}\n"
	"rect{fill:var(--Fill);stroke:var(--Line)}rect.frame{fill:var(--Frame);stroke:var(--Edge)}\n"
	"rect.topic,rect.answer{fill:var(--Topic)}rect.callee{fill:var(--Call)}\n"
	"</style>\n";

/* U+FFFE and U+FFFF, which are no characters of XML. */
static bool is_no_character(struct text text, size_t at)
{
	static const char bytes[] = "\xef\xbf";
	return at + 3 <= text.length && memcmp(text.bytes + at, bytes, 2) == 0 && (unsigned char)text.bytes[at + 2] >= 0xbe;
}

/* A text outside of tags; without what is no character of XML. */
static void print_escaped(struct buffer *out, struct text text)
{
	for (size_t i = 0; i < text.length; i++) {
		const unsigned char byte = (unsigned char)text.bytes[i];
		if (byte == '<' || byte == '>' || byte == '&')
			buffer_print(out, "&#%d;", byte);
		else if (is_no_character(text, i))
			i += 2;
		else
			buffer_byte(out, byte < ' ' ? ' ' : (char)byte);
	}
}

static void print_text(struct buffer *out, const char *class, double x, double y, struct text text)
{
	buffer_print(out, "<text%s x=\"%.1f\" y=\"%.1f\">", class, x, y);
	print_escaped(out, text);
	buffer_string(out, "</text>\n");
}

/* ---- stages ---- */

/* Around the steps of a stage, and what they call; a stage without steps has no frame. */
static void draw_frame(const struct picture *picture, size_t stage, struct buffer *out)
{
	double left = picture->width, right = 0;
	for (size_t i = 0; i < picture->node_count; i++) {
		const struct picture_node *node = &picture->nodes[i];
		if (node->band != stage || (node->shape != SHAPE_STEP && node->shape != SHAPE_CALLEE))
			continue;
		left = node->x < left ? node->x : left;
		right = node->x + node->width > right ? node->x + node->width : right;
	}
	if (right == 0)
		return;
	const double top = picture->band_y[stage] - FRAME_TITLE;
	buffer_print(out, "<rect class=\"frame\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"8\"/>\n",
		     left - FRAME_PADDING, top, right - left + 2 * FRAME_PADDING,
		     picture->band_height[stage] + FRAME_TITLE + FRAME_PADDING);
	print_text(out, " class=\"stage\"", left - FRAME_PADDING + 8, top + 11, text_of(picture->plan->stages[stage].name));
}

/* ---- nodes ---- */

static void draw_node(const struct picture_node *node, struct buffer *out)
{
	static const char *const classes[] = {
		[SHAPE_TOPIC] = "topic", [SHAPE_STEP] = "step", [SHAPE_CALLEE] = "callee", [SHAPE_ANSWER] = "answer"};
	if (node->shape == SHAPE_BEND)
		return;
	const bool is_round = node->shape == SHAPE_TOPIC || node->shape == SHAPE_ANSWER;
	buffer_print(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"%.0f\"/>\n",
		     classes[node->shape], node->x, node->y - node->height / 2, node->width, node->height,
		     is_round ? node->height / 2 : 4);
	print_text(out, "", node->x + node->width / 2, node->y, text_of(node->label));
}

/* ---- edges ---- */

static void draw_tip(double x, double y, bool is_down, struct buffer *out)
{
	if (is_down)
		buffer_print(out, "<path class=\"tip\" d=\"M%.1f %.1fl-3.5 %.1fh7z\"/>\n", x, y, -ARROW);
	else
		buffer_print(out, "<path class=\"tip\" d=\"M%.1f %.1fl%.1f -3.5v7z\"/>\n", x, y, -ARROW);
}

/* From the bottom of a step to the top of what it calls, or the other way round. */
static void draw_call(const struct picture_node *from, const struct picture_node *to, struct buffer *out)
{
	const double x = from->x + from->width / 2, end_x = to->x + to->width / 2;
	const double sign = to->y > from->y ? 1 : -1;
	const double y = from->y + sign * from->height / 2, end_y = to->y - sign * to->height / 2;
	buffer_print(out, "<path d=\"M%.1f %.1fL%.1f %.1f\"/>\n", x, y, end_x, end_y);
	if (sign > 0)
		draw_tip(end_x, end_y, true, out);
}

static void curve_to(struct buffer *out, double x, double y, double end_x, double end_y)
{
	const double middle = (x + end_x) / 2;
	buffer_print(out, "C%.1f %.1f %.1f %.1f %.1f %.1f", middle, y, middle, end_y, end_x, end_y);
}

static void draw_flow(const struct picture *picture, const struct picture_edge *edge, struct buffer *out)
{
	const struct picture_node *from = &picture->nodes[edge->from], *to = &picture->nodes[edge->to];
	const struct picture_node *next = edge->bend_count ? &picture->nodes[edge->bends] : to;
	const double begin_x = from->x + from->width, label_x = (begin_x + next->x) / 2, label_y = (from->y + next->y) / 2;
	double x = begin_x, y = from->y;
	buffer_print(out, "<path%s d=\"M%.1f %.1f", edge->is_trigger ? " class=\"trigger\"" : "", x, y);
	for (size_t i = 0; i < edge->bend_count; i++) {
		const struct picture_node *bend = &picture->nodes[edge->bends + i];
		curve_to(out, x, y, bend->x, bend->y);
		x = bend->x + picture->column_width[bend->column];
		y = bend->y;
		buffer_print(out, "H%.1f", x);
	}
	curve_to(out, x, y, to->x - ARROW, to->y);
	buffer_string(out, "\"/>\n");
	draw_tip(to->x, to->y, false, out);
	if (edge->label.length)
		print_text(out, " class=\"label\"", label_x, label_y, edge->label);
}

static void draw_picture(const struct picture *picture, double top, struct buffer *out)
{
	buffer_print(out, "<g transform=\"translate(0 %.1f)\">\n", top);
	for (size_t i = 0; i < picture->plan->stage_count; i++)
		draw_frame(picture, i, out);
	for (size_t i = 0; i < picture->edge_count; i++) {
		const struct picture_edge *edge = &picture->edges[i];
		if (edge->is_call)
			draw_call(&picture->nodes[edge->from], &picture->nodes[edge->to], out);
		else
			draw_flow(picture, edge, out);
	}
	for (size_t i = 0; i < picture->node_count; i++)
		draw_node(&picture->nodes[i], out);
	buffer_string(out, "</g>\n");
}

void plan_print_svg(const struct plan *plan, struct buffer *out)
{
	struct arena *arena = arena_open(PICTURE_ARENA_BYTES);
	struct picture *pictures = arena ? ARENA_ARRAY(arena, struct picture, plan->count + 1) : NULL;
	double width = 0, height = 0, top = 0;
	bool good = pictures;
	for (size_t i = 0; good && i < plan->count; i++) {
		good = pipeline_picture_make(&plan->pipelines[i], arena, &pictures[i]);
		width = pictures[i].width > width ? pictures[i].width : width;
		height += pictures[i].height + (i > 0 ? PICTURE_GAP : 0);
	}
	buffer_print(out,
		     "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
		     "role=\"img\">\n%s",
		     width, height, width, height, style);
	for (size_t i = 0; good && i < plan->count; i++) {
		draw_picture(&pictures[i], top, out);
		top += pictures[i].height + PICTURE_GAP;
	}
	buffer_string(out, "</svg>\n");
	out->failed |= !good;
	arena_close(arena);
}
