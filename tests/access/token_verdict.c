/* token_verdict.c KEY_SET NOW_MS AUDIENCE ISSUER: for each token of a line of standard input, a line with `taken` and its subject,
 * or with the words of its refusal. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "gateway/access/jwt.h"

int main(int count, char **words)
{
	struct error error = {0};
	struct text json;
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	struct arena *arena = arena_open(2 * JWKS_BYTES_MAX);
	if (count != 5 || !arena || !file_read(words[1], JWKS_BYTES_MAX, arena, &json, &error))
		return 2;
	struct jwks *keys = jwks_read(json, &error);
	if (!keys) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	const struct jwt_rules rules = {.algorithms = JWT_EVERY_ALGORITHM,
					.audiences = (const char *const *)&words[3],
					.audience_count = 1,
					.issuers = (const char *const *)&words[4],
					.issuer_count = 1};
	while ((length = getline(&line, &room, stdin)) > 0) {
		struct jwt jwt;
		enum jwt_refusal refusal =
			jwt_verify((struct text){line, (size_t)length - 1}, keys, &rules, strtoll(words[2], NULL, 10), &jwt);
		printf("%s" TEXT_FORMAT "\n", refusal == JWT_TAKEN ? "taken " : jwt_refusal_words(refusal),
		       TEXT_ARGUMENTS(jwt.subject));
		jwt_close(&jwt);
	}
	free(line);
	jwks_close(keys);
	arena_close(arena);
	return 0;
}
