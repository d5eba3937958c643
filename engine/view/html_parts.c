/* html_parts.c: see html_parts.h. */
#include "view/html_parts.h"

void html_write_text(struct buffer *out, struct text text)
{
	for (size_t i = 0; i < text.length; i++) {
		const char byte = text.bytes[i];
		if (byte == '&' || byte == '<' || byte == '>' || byte == '"' || byte == '\'')
			buffer_print(out, "&#%d;", byte);
		else
			buffer_byte(out, byte);
	}
}

void html_begin(struct buffer *out, const char *title, struct text name, const char *style)
{
	buffer_string(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
			   "<meta name=\"viewport\" content=\"width=device-width\"><title>");
	buffer_string(out, title);
	html_write_text(out, name);
	buffer_string(out, "</title>\n<style>:root{color-scheme:light "
		"dark;--Ink:#1c2430;--Paper:#fff;--Soft:#eef1f5;--Line:#9aa4b2;"
			   "--Up:#2a7de1;--Down:#d1495b}\n"
			   "@media(prefers-color-scheme:dark){:root{--Ink:#e6e9ee;--Paper:#14181e;--Soft:#232a34;--Line:#66717f;"
			   "--Up:#5aa2f5;--Down:#ec7a88}}\n"
			   "body{font:15px/1.5 sans-serif;margin:2em auto;max-width:60em;padding:0 1em;color:var(--Ink);"
			   "background:var(--Paper)}"
			   "table{border-collapse:collapse;width:100%}th,td{padding:.2em "
			   ".6em;text-align:left;font-weight:normal}\n");
	buffer_string(out, style);
	buffer_string(out, "</style></head>\n<body>");
}

void html_end(struct buffer *out)
{
	buffer_string(out, "</body></html>\n");
}
