/* pace_bench.c: rounds of ordinary work, by which the pace of a machine is known.
 *
 *   pace_bench ROUNDS
 *
 * A round hashes a short name, finds its place in a table larger than the caches, copies a
 * message there and adds up its numbers: what a message that is remembered needs, without any
 * of the code under test. Prints microseconds of processor time for each round. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PLACES (1 << 17)
#define NUMBERS 28

struct place {
	uint64_t name[4];
	float numbers[NUMBERS];
	double sum;
	uint64_t unused[42];
};

static uint64_t hash(const uint64_t name[4])
{
	uint64_t sum = UINT64_C(0x9E3779B97F4A7C15);
	for (size_t i = 0; i < 4; i++) {
		sum = (sum ^ name[i]) * UINT64_C(0xBF58476D1CE4E5B9);
		sum ^= sum >> 31;
	}
	return sum;
}

int main(int count, char **words)
{
	long rounds = count > 1 ? strtol(words[1], NULL, 10) : 0;
	struct place *places = calloc(PLACES, sizeof *places);
	if (rounds < 1 || !places) {
		fprintf(stderr, "pace_bench: usage: pace_bench ROUNDS, which need %zu MiB\n", PLACES * sizeof *places >> 20);
		return 2;
	}
	memset(places, 1, PLACES * sizeof *places); /* so that no page is made in a round */
	float message[NUMBERS] = {1, 2, 3};
	double sum = 0;
	clock_t begun = clock();
	for (long round = 0; round < rounds; round++) {
		uint64_t name[4] = {(uint64_t)round, 2, 3, (uint64_t)sum};
		struct place *place = &places[hash(name) % PLACES];
		memcpy(place->name, name, sizeof name);
		message[round % NUMBERS] += 1;
		memcpy(place->numbers, message, sizeof message);
		for (size_t i = 0; i < NUMBERS; i++)
			place->sum += (double)place->numbers[i] / (double)(i + 1);
		sum = place->sum;
	}
	double seconds = (double)(clock() - begun) / CLOCKS_PER_SEC;
	printf("%.4f a round; %g\n", seconds / (double)rounds * 1e6, sum);
	free(places);
	return 0;
}
