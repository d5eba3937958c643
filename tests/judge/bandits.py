#!/usr/bin/env python3
"""Bandits beside MABWiser on shared reward tables, by `sluice compute bandits`; needs MABWiser: tests/mabwiser.sh runs it.
usage: bandits.py BINARY short|long [REPLICATIONS [STORY...]]

A STORY is "beside", "floor" or "delay", a world and a learner, or the beginning of one: "floor: bernoulli K=3 swapped, thompson".
Without one all are told; the figures of a story are the same alone. No such story is a failure.

Both sides play each arm once and then learn after each decision, from the same table of what every arm would give (common random
numbers), with equal parameters and `explore: 0` on our side. Held: the paired mean difference of pseudo-regret is at most 5% of
MABWiser's + 2 standard errors. In the short form, where runs are too short for that to say much, UCB1 and LinUCB, which draw
nothing, also choose what MABWiser chooses, decision by decision.

Then of our learners alone: what the default floor (explore .02) adds is at most 1.2 x its own arithmetic, explore x decisions x
the mean gap over arms, + 2 standard errors; rewards that come 100 decisions late add, to UCB1, Thompson and LinUCB without a
swap, at most 100 x the largest gap (linear: its mean over contexts) + 2 standard errors. Other delays are figures."""
import json, math, os, subprocess, sys, tempfile
import numpy as np
from mabwiser.mab import MAB, LearningPolicy

BERNOULLI = {
    "bernoulli K=3": [.3, .5, .7],
    "bernoulli K=5": [.1, .15, .2, .25, .5],
    "bernoulli K=10": [.05, .1, .15, .2, .25, .3, .35, .4, .45, .6],
}
SWAPPED = "bernoulli K=3 swapped"  # K=3, the means in reverse order from the middle on
LINEAR = "linear d=8 K=3"
FEATURES, NOISE = 8, .5
THETA = np.random.default_rng(21).normal(size=(3, FEATURES)) / math.sqrt(FEATURES)

PLAIN = {  # name: (ours, MABWiser's)
    "epsilon-greedy": ({"algorithm": "epsilon-greedy", "epsilon": .1}, lambda: LearningPolicy.EpsilonGreedy(epsilon=.1)),
    "ucb1": ({"algorithm": "ucb1", "alpha": 1}, lambda: LearningPolicy.UCB1(alpha=1)),
    "thompson": ({"algorithm": "thompson-beta"}, lambda: LearningPolicy.ThompsonSampling()),
}
CONTEXTUAL = {
    "lingreedy": ({"algorithm": "epsilon-greedy", "epsilon": .1, "ridge": 1}, lambda: LearningPolicy.LinGreedy(epsilon=.1, l2_lambda=1)),
    "linucb": ({"algorithm": "linucb", "alpha": 1, "ridge": 1}, lambda: LearningPolicy.LinUCB(alpha=1, l2_lambda=1)),
}
DRAWS_NOTHING = ("ucb1", "linucb")
BATCH = 8  # replications in one file of cases


class World:
    """One replication: what each arm gives at each decision, the mean it would have, and contexts or None."""

    def __init__(self, name, steps, replication):
        rng = np.random.default_rng([7, replication, *name.encode()])
        if name == LINEAR:
            self.x = rng.normal(size=(steps, FEATURES))
            self.means = self.x @ THETA.T
            self.table = self.means + NOISE * rng.normal(size=self.means.shape)
        else:
            arms = BERNOULLI[name if name in BERNOULLI else "bernoulli K=3"]
            self.x = None
            self.means = np.tile(np.array(arms), (steps, 1))
            if name == SWAPPED:
                self.means[steps // 2:] = self.means[steps // 2:, ::-1]
            self.table = (rng.random(self.means.shape) < self.means).astype(int)

    def regret(self, chosen):
        return float((self.means.max(axis=1) - self.means[np.arange(len(chosen)), chosen]).sum())

    def mean_gap(self):
        return float((self.means.max(axis=1, keepdims=True) - self.means).mean())

    def largest_gap(self):
        return float((self.means.max(axis=1) - self.means.min(axis=1)).mean())


def ours(binary, worlds, learners):
    """For each replication the lists of arms of all learners, {number: learner}, by `sluice compute`."""
    cases = []
    for i, world in enumerate(worlds):
        given = {"reward_table": world.table.tolist()}
        if world.x is not None:
            given["contexts"] = world.x.tolist()
        params = {"learners": [dict(learner, seed=1000 * i + j, warm=world.table.shape[1]) for j, learner in learners.items()]}
        cases.append({"name": str(i), "input": given, "params": params})
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
        json.dump({"cases": cases}, file)
    try:
        done = subprocess.run([binary, "compute", "bandits", file.name], capture_output=True, text=True, check=True)
    finally:
        os.unlink(file.name)
    return [json.loads(line)["result"]["chosen"] for line in done.stdout.splitlines()]


def is_told(part, world, learner):
    story = "%s: %s, %s" % (part, world, learner)
    return not stories or any(story.startswith(one) for one in stories)


def theirs(world, policy, seed):
    arms = world.table.shape[1]
    mab = MAB(list(range(arms)), policy, seed=seed)
    chosen = list(range(arms))
    first = [world.table[i, i] for i in range(arms)]
    mab.fit(chosen, first, *([] if world.x is None else [world.x[:arms]]))
    for step in range(arms, len(world.table)):
        context = [] if world.x is None else [world.x[step:step + 1]]
        arm = mab.predict(*context)
        chosen.append(arm)
        mab.partial_fit([arm], [world.table[step, arm]], *context)
    return chosen


def mean_error(numbers):
    numbers = np.array(numbers)
    return float(numbers.mean()), float(numbers.std(ddof=1) / math.sqrt(len(numbers)))


passed = failed = 0
stories = sys.argv[4:]


def judge(good, line):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print("%-4s %s" % ("ok" if good else "FAIL", line), flush=True)


def beside(binary, name, learners, steps, replications, identical):
    told = [learner for learner in learners if is_told("beside", name, learner)]
    forms = {j: learners[learner][0] for j, learner in enumerate(learners) if learner in told}
    regrets = {learner: ([], []) for learner in told}
    alike = {learner: [] for learner in told}
    if not told:
        return
    for begin in range(0, replications, BATCH):
        worlds = [World(name, steps, i) for i in range(begin, min(begin + BATCH, replications))]
        for i, (world, lists) in enumerate(zip(worlds, ours(binary, worlds, forms))):
            for learner, chosen in zip(told, lists):
                other = theirs(world, learners[learner][1](), begin + i)
                regrets[learner][0].append(world.regret(chosen))
                regrets[learner][1].append(world.regret(other))
                alike[learner].append(np.mean(np.array(chosen) == np.array(other)))
    for learner, (mine, other) in regrets.items():
        difference, error = mean_error(np.array(mine) - np.array(other))
        bound = .05 * np.mean(other) + 2 * error
        judge(difference <= bound, "%s, %s: regret %.2f, MABWiser's %.2f, difference %.2f +- %.2f, at most %.2f; %.1f%% of choices alike" % (
            name, learner, np.mean(mine), np.mean(other), difference, error, bound, 100 * np.mean(alike[learner])))
        if identical and learner in DRAWS_NOTHING:
            judge(min(alike[learner]) == 1, "%s, %s: every choice is MABWiser's" % (name, learner))


def alone(binary, name, learners, steps, replications):
    """The floor and the delay, each beside the same learner without it."""
    told = [(learner, what) for learner in learners for what in ("floor", "delay") if is_told(what, name, learner)]
    added = {story: [] for story in told}
    kinds = {"plain": {}, "floor": {"explore": .02}, "delay": {"delay": 100}}
    places = {(learner, kind): 3 * i + j for i, learner in enumerate(learners) for j, kind in enumerate(kinds)}
    needed = [place for learner, what in told for place in ((learner, "plain"), (learner, what))]
    forms = {places[learner, kind]: dict(learners[learner][0], **kinds[kind]) for learner, kind in needed}
    if not told:
        return
    gap = largest = 0
    for begin in range(0, replications, BATCH):
        worlds = [World(name, steps, i) for i in range(begin, min(begin + BATCH, replications))]
        for world, lists in zip(worlds, ours(binary, worlds, forms)):
            gap, largest = gap + world.mean_gap() / replications, largest + world.largest_gap() / replications
            regret = {number: world.regret(chosen) for number, chosen in zip(forms, lists)}
            for learner, what in told:
                added[learner, what].append(regret[places[learner, what]] - regret[places[learner, "plain"]])
    for learner, what in told:
        mean, error = mean_error(added[learner, what])
        if what == "floor":
            own = .02 * steps * gap
            judge(mean <= 1.2 * own + 2 * error, "%s, %s: the floor adds %.2f +- %.2f, its own arithmetic is %.2f" % (name, learner, mean, error, own))
            continue
        line = "%s, %s: rewards 100 decisions late add %.2f +- %.2f" % (name, learner, mean, error)
        if name == SWAPPED or learner in ("epsilon-greedy", "lingreedy"):
            print("     " + line, flush=True)
        else:
            judge(mean <= 100 * largest + 2 * error, line + ", at most %.2f" % (100 * largest))


def main():
    binary, form = os.path.abspath(sys.argv[1]), sys.argv[2]
    short = form == "short"
    many = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    names = list(BERNOULLI)[:1] if short else [*BERNOULLI, SWAPPED]
    for name in names:
        beside(binary, name, PLAIN, 200 if short else 5000, many or (6 if short else 1000), short)
    beside(binary, LINEAR, CONTEXTUAL, 150 if short else 10000, many or (3 if short else 1000), short)
    for name in names:
        alone(binary, name, PLAIN, 5000, many or (24 if short else 1000))
    alone(binary, LINEAR, CONTEXTUAL, 2000 if short else 10000, many or (8 if short else 1000))
    print("%d passed, %d failed" % (passed, failed))
    return failed > 0 or passed == 0


sys.exit(main())
