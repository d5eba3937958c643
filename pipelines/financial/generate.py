#!/usr/bin/env python3
"""Ticks of a market that behaves like one: generate.py [--seed N] [--ticks N] [--symbols A,B] [--start MS] [--dirt SHARE] [--keyed]

One JSON event a line, in the order of time, the same for the same seed everywhere: the standard library alone, and
nothing of it but its random bits and its arithmetic.

What real ticks have, and these too:
- Regimes. Each symbol is calm, trends up or down, or is rough, and changes now and then.
- Fat tails. Returns are Student's t, with fewer degrees of freedom in rough times.
- Clusters. A large return makes the next ones larger (GARCH).
- Something to learn. The order book leans before the price moves; calm prices come back to where they were.
- Quotes in cents, spreads that widen with volatility, no trade at some ticks, ticks that come in bursts.
- With --dirt, crossed quotes and ticks that arrive late, as a careless feed has them.

With --keyed a line is what `sluice produce` takes: the tick and, as its key in Kafka, the symbol.
"""
import argparse, json, math, random

SYMBOLS = "ACME,BOLT,CRUX,DYNE"
START = 1767603600000  # a Monday in January 2026, 09:00 UTC

# sigma: of one tick's return; drift: in sigmas; tails: degrees of freedom; pull: back to the anchor; stay: ticks on average
REGIMES = {
    "calm": {"sigma": 1.5e-4, "drift": 0.0, "tails": 8, "pull": 0.04, "stay": 400},
    "rising": {"sigma": 3e-4, "drift": 0.12, "tails": 5, "pull": 0.0, "stay": 150},
    "falling": {"sigma": 3.5e-4, "drift": -0.14, "tails": 5, "pull": 0.0, "stay": 120},
    "rough": {"sigma": 1.2e-3, "drift": 0.0, "tails": 3, "pull": 0.02, "stay": 80},
}


class Chance:
    """Draws that do not depend on the version of Python: all come of random(), which never changes."""

    def __init__(self, seed):
        self.uniform = random.Random(seed).random

    def normal(self):
        return math.sqrt(-2 * math.log(1 - self.uniform())) * math.cos(2 * math.pi * self.uniform())

    def student(self, freedom):
        """of variance 1"""
        square = sum(self.normal() ** 2 for _ in range(freedom))
        return self.normal() / math.sqrt(square / freedom) * math.sqrt((freedom - 2) / freedom)

    def wait(self, mean):
        return -mean * math.log(1 - self.uniform())

    def pick(self, names):
        return names[int(self.uniform() * len(names))]


class Instrument:
    def __init__(self, symbol, seed):
        self.chance = Chance(f"{seed}/{symbol}")
        self.symbol = symbol
        self.log_price = self.anchor = math.log(20 + 180 * self.chance.uniform())
        self.regime, self.variance, self.lean, self.last = "calm", 1.0, 0.0, 0.0

    def step(self):
        chance = self.chance
        if chance.uniform() < 1 / REGIMES[self.regime]["stay"]:
            self.regime = chance.pick([name for name in REGIMES if name != self.regime])
        regime = REGIMES[self.regime]
        self.variance = 0.08 + 0.12 * min(self.last ** 2, 25) + 0.8 * self.variance
        move = 0.45 * self.lean + regime["drift"] + math.sqrt(self.variance) * chance.student(regime["tails"])
        self.last = move
        self.log_price += regime["sigma"] * move + regime["pull"] * (self.anchor - self.log_price)
        self.anchor += 0.01 * (self.log_price - self.anchor)
        self.lean = 0.9 * self.lean + 0.35 * chance.normal()

    def tick(self, moment):
        """the event, and how long until the next"""
        chance, sigma = self.chance, REGIMES[self.regime]["sigma"] * math.sqrt(self.variance)
        self.step()
        mid = math.exp(self.log_price)
        half = max(0.005, mid * (0.4e-4 + 0.35 * sigma) * (0.6 + 0.8 * chance.uniform()))
        bid = math.floor((mid - half) * 100) / 100
        ask = math.ceil((mid + half) * 100) / 100
        book = 600 * (0.4 + chance.uniform()) / (1 + 900 * sigma)
        event = {
            "event_ms": moment,
            "instrument": {"symbol": self.symbol, "venue": chance.pick(["XAMS", "XLON", "XPAR"])},
            "quote": {"bid": bid, "ask": ask, "bid_size": self.size(book, self.lean), "ask_size": self.size(book, -self.lean)},
        }
        if chance.uniform() < 0.8:
            bought = chance.uniform() < 1 / (1 + math.exp(-1.5 * self.lean))
            volume = 10 * max(1, round(20 * math.exp(0.8 * chance.normal()) * (1 + abs(self.last))))
            event["trade"] = {"price": ask if bought else bid, "volume": volume, "side": "buy" if bought else "sell"}
        return event, 1 + int(chance.wait(1200 if self.regime == "calm" else 450))

    def size(self, book, lean):
        return 10 * max(1, round(book / 10 * math.exp(0.7 * lean + 0.35 * self.chance.normal())))


def ticks(seed, symbols, start, dirt):
    """events without end; what arrives late keeps its own time"""
    instruments = [Instrument(symbol, seed) for symbol in symbols]
    careless = Chance(f"{seed}/feed")
    due = {instrument: start + int(instrument.chance.wait(400)) for instrument in instruments}
    while True:
        instrument = min(due, key=lambda one: (due[one], one.symbol))
        event, wait = instrument.tick(due[instrument])
        due[instrument] += wait
        if careless.uniform() < dirt:
            if careless.uniform() < 0.5:
                quote = event["quote"]
                quote["bid"], quote["ask"] = quote["ask"], quote["bid"]
            else:
                event["event_ms"] -= 1 + int(careless.wait(1500))
        yield event


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ticks", type=int, default=100)
    parser.add_argument("--symbols", default=SYMBOLS)
    parser.add_argument("--start", type=int, default=START)
    parser.add_argument("--dirt", type=float, default=0.0)
    parser.add_argument("--keyed", action="store_true")
    options = parser.parse_args()
    feed = ticks(options.seed, options.symbols.split(","), options.start, options.dirt)
    for _ in range(options.ticks):
        event = next(feed)
        line = {"key": event["instrument"]["symbol"], "request": event} if options.keyed else event
        print(json.dumps(line, separators=(",", ":")))


if __name__ == "__main__":
    main()
