/* html_parts.c: see html_parts.h. */
#include "tools/view/report/html_parts.h"

/* The bytes of the control character with which the text begins, if HTML forbids it; 0: it begins with another character. */
static size_t forbidden_bytes(struct text text)
{
	const unsigned char byte = (unsigned char)text.bytes[0];
	if (byte == 0xc2 && text.length > 1) { /* in UTF-8 the first of U+0080 to U+00BF */
		const unsigned char next = (unsigned char)text.bytes[1];
		return next >= 0x80 && next < 0xa0 ? 2 : 0;
	}
	return (byte < ' ' && byte != '\t' && byte != '\n' && byte != '\f' && byte != '\r') || byte == 0x7f;
}

void html_write_text(struct buffer *out, struct text text)
{
	for (size_t i = 0; i < text.length; i++) {
		const char byte = text.bytes[i];
		const size_t forbidden = forbidden_bytes(text_from(text, i));
		if (forbidden > 0) {
			buffer_string(out, "\xef\xbf\xbd"); /* U+FFFD */
			i += forbidden - 1;
		} else if (byte == '&' || byte == '<' || byte == '>' || byte == '"' || byte == '\'') {
			buffer_print(out, "&#%d;", byte);
		} else {
			buffer_byte(out, byte);
		}
	}
}

void html_write_around(struct buffer *out, const char *before, struct text text, const char *behind)
{
	buffer_string(out, before);
	html_write_text(out, text);
	buffer_string(out, behind);
}

void html_begin(struct buffer *out, const char *title, struct text name, const char *style)
{
	buffer_string(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
			   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
			   "base-uri 'none'; form-action 'none'\">\n"
			   "<meta name=\"viewport\" content=\"width=device-width\"><title>");
	html_write_around(out, title, name, "</title>\n<style>:root{color-scheme:light "
		"dark;--Ink:#1c2430;--Paper:#fff;--Soft:#eef1f5;--Line:#9aa4b2;"
			   "--Up:#2a7de1;--Down:#d1495b}\n"
			   "@media(prefers-color-scheme:dark){:root{--Ink:#e6e9ee;--Paper:#14181e;--Soft:#232a34;--Line:#66717f;"
			   "--Up:#5aa2f5;--Down:#ec7a88}}\n"
			   "body{font:15px/1.5 sans-serif;margin:2em auto;max-width:60em;padding:0 1em;color:var(--Ink);"
			   "background:var(--Paper)}table{border-collapse:collapse;width:100%}th,td{padding:.2em "
			   ".6em;text-align:left;font-weight:normal}\n");
	buffer_string(out, style);
	buffer_string(out, "</style></head>\n<body>");
}

void html_end(struct buffer *out)
{
	buffer_string(out, "</body></html>\n");
}
