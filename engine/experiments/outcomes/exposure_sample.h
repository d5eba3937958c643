/* exposure_sample.h: Sample of exposures whose outcome window is over: by it, feedback that comes later is known as late, and of
 * which arm.
 *
 * An exposure has a key, the hash of its request or of its unit. The sample keeps all of them up to EXPOSURE_SAMPLE_MAX. Each time
 * it is full it keeps half, those whose hash has one more of its lowest bits 0. One that is kept stands for 2, 4, ... of them: so
 * numbers of late outcomes are exact at first, and then estimates, of the whole time since the sample began. A ring of the latest
 * exposures would know none of the outcomes that come after it has turned.
 *
 * An outcome of an exposure is late once. Pure. Belongs to one thread.
 */
#ifndef SLUICE_EXPERIMENTS_OUTCOMES_EXPOSURE_SAMPLE_H
#define SLUICE_EXPERIMENTS_OUTCOMES_EXPOSURE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPOSURE_SAMPLE_MAX 32768 /* 1.5 MiB; an estimate of a million exposures is right within a percent */

struct exposure_sample;

struct sampled_exposure {
	uint64_t key;
	int64_t time_ms; /* of the exposure */
	uint8_t arm;
	uint8_t outcomes; /* a bit of each that it has, or that was late before */
	bool lacks_label; /* its answer said nothing that a truth can be held against */
	uint8_t turn;	  /* number of the stage that it is of, among those of its tallies, modulo 256 */
};

struct exposure_sample *exposure_sample_open(void);	    /* NULL: memory ran out */
void exposure_sample_close(struct exposure_sample *sample); /* NULL is fine */

/* Adds one; of a key that is known, the first one stays, with the outcomes of both. */
void exposure_sample_add(struct exposure_sample *sample, const struct sampled_exposure *exposure);

/* The exposure of a key, which is valid until the next call; NULL: it is not in the sample. */
struct sampled_exposure *exposure_sample_find(struct exposure_sample *sample, uint64_t key);

/* How many exposures one of the sample stands for. */
uint64_t exposure_sample_weight(const struct exposure_sample *sample);

#endif
