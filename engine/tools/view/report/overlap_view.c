/* overlap_view.c: see overlap_view.h. Names come from records, so they are shown escaped. */
#include "tools/view/report/overlap_view.h"

#include "base/quote.h"
#include "message/json/json_write.h"
#include "tools/view/report/html_parts.h"

static const char *verdict_of(const struct overlap_table *table)
{
	return isnan(table->p)	  ? "not tested, as all got one variant of an experiment"
	       : table->dependent ? "the choices depend on each other"
				  : "the choices are independent";
}

void overlap_view_print_text(const struct overlap_table *tables, size_t count, struct arena *arena, struct buffer *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct overlap_table *table = &tables[i];
		buffer_print(out, "\nOverlap with %s: %.0f units in both, %s", text_shown(table->experiment, arena), table->units,
			     verdict_of(table));
		if (!isnan(table->p))
			buffer_print(out, " (p %.3g)", table->p);
		buffer_byte(out, '\n');
		for (size_t row = 0; row < table->ways; row++)
			for (size_t column = 0; column < table->other_ways; column++)
				buffer_print(out, "  %-24s %-24s %10.0f unit%s\n", text_shown(table->names[row], arena),
					     text_shown(table->other_names[column], arena),
					     table->counts[row * table->other_ways + column],
					     table->counts[row * table->other_ways + column] == 1 ? "" : "s");
	}
}

static void write_table(const struct overlap_table *table, struct buffer *out)
{
	html_write_around(out, "<h2>Overlap with ", table->experiment, "");
	buffer_print(out, "</h2>\n<p%s>%.0f units are in both experiments; %s", table->dependent ? " class=\"warn\"" : "",
		     table->units, verdict_of(table));
	if (!isnan(table->p))
		buffer_print(out, " (p %.3g)", table->p);
	buffer_string(out, ".</p>\n<table><tr><th></th>");
	for (size_t column = 0; column < table->other_ways; column++)
		html_write_around(out, "<th>", table->other_names[column], "</th>");
	buffer_string(out, "</tr>\n");
	for (size_t row = 0; row < table->ways; row++) {
		html_write_around(out, "<tr><th scope=\"row\">", table->names[row], "</th>");
		for (size_t column = 0; column < table->other_ways; column++)
			buffer_print(out, "<td>%.0f</td>", table->counts[row * table->other_ways + column]);
		buffer_string(out, "</tr>\n");
	}
	buffer_string(out, "</table>\n");
}

void overlap_view_print_html(const struct overlap_table *tables, size_t count, struct buffer *out)
{
	for (size_t i = 0; i < count; i++)
		write_table(&tables[i], out);
}

void overlap_view_print_json(const struct overlap_table *tables, size_t count, struct buffer *out)
{
	buffer_byte(out, '[');
	for (size_t i = 0; i < count; i++) {
		const struct overlap_table *table = &tables[i];
		json_write_string_after(out, text_of(i > 0 ? ",\n {\"experiment\":" : "\n {\"experiment\":"), table->experiment);
		buffer_print(out, ",\"units\":%.0f,\"dependent\":%s,\"p\":", table->units, table->dependent ? "true" : "false");
		if (isnan(table->p))
			buffer_string(out, "null");
		else
			buffer_print(out, "%.17g", table->p);
		buffer_string(out, ",\"counts\":[");
		for (size_t j = 0; j < table->ways * table->other_ways; j++) {
			json_write_string_after(out, text_of(j > 0 ? ",{\"variant\":" : "{\"variant\":"),
						table->names[j / table->other_ways]);
			json_write_string_after(out, TEXT(",\"other\":"), table->other_names[j % table->other_ways]);
			buffer_print(out, ",\"units\":%.0f}", table->counts[j]);
		}
		buffer_string(out, "]}");
	}
	buffer_byte(out, ']');
}
