#!/usr/bin/env python3
"""Card payments as they come, a few of them stolen: generate.py [--seed N] [--payments N] [--cards N] [--start MS] [--labels]

One JSON event a line, in the order of time, the same for the same seed everywhere; with --labels each says whether it
was `stolen`. A card has a home, shops that it prefers, an amount that is usual and a pace; people sleep and travel. A thief
tries a card with a small amount, then spends quickly: in many shops, mostly online, often abroad, more each time."""
import argparse, heapq, json, math, random
from statistics import NormalDist

START = 1767571200000  # a Monday in January 2026, 00:00 UTC
HOUR = 3600000
COUNTRIES = ["NL", "DE", "FR", "BE", "GB", "US", "BR", "VN"]
CATEGORIES = ["grocery", "restaurant", "fuel", "travel", "electronics", "cash"]
FACTOR = {"grocery": 1.0, "restaurant": 1.1, "fuel": 1.6, "travel": 4.0, "electronics": 5.0, "cash": 2.5}  # of what is usual
SHOPS = 400


class Card:
    def __init__(self, number, seed):
        self.name = f"card-{number:04d}"
        self.uniform = random.Random(f"{seed}/{self.name}").random
        self.home = COUNTRIES[int(3 * self.uniform())]
        self.usual = math.exp(3 + 0.5 * self.normal())
        self.shops = [int(SHOPS * self.uniform()) for _ in range(6)]
        self.pause = HOUR * (3 + 20 * self.uniform())
        self.abroad, self.spree = None, 0

    def normal(self):
        return NormalDist().inv_cdf(max(self.uniform(), 1e-12))

    def wait(self, mean):
        return 1000 + int(-mean * math.log(1 - self.uniform()))

    def pick(self, names):
        return names[int(self.uniform() * len(names))]

    def payment(self, moment, shop, amount, country, online, stolen):
        category = CATEGORIES[shop % len(CATEGORIES)]
        event = {
            "time_ms": moment,
            "card": self.name,
            "amount": max(0.5, round(amount * FACTOR[category], 2)),
            "merchant": {"id": f"shop-{shop:03d}", "category": category},
            "country": country,
            "channel": "online" if online else "chip",
            "stolen": stolen,
        }
        return event

    def honest(self, moment):
        """its owner pays; and when the next payment is"""
        if self.uniform() < 0.02:
            self.abroad = None if self.abroad else self.pick(COUNTRIES)
        shop = self.pick(self.shops) if self.uniform() < 0.8 else int(SHOPS * self.uniform())
        amount = self.usual * math.exp(0.6 * self.normal())
        event = self.payment(moment, shop, amount, self.abroad or self.home, self.uniform() < 0.25, False)
        if self.uniform() < 0.006:
            self.spree = 3 + int(8 * self.uniform())
            return event, moment + self.wait(2 * HOUR)
        awake = moment + self.wait(self.pause)
        return event, awake + (7 * HOUR if awake // HOUR % 24 < 6 else 0)

    def thief(self, moment):
        self.spree -= 1
        first = self.uniform() < 0.3
        amount = 1 + 2 * self.uniform() if first else self.usual * math.exp(0.7 + 0.7 * self.normal())
        country = self.pick(COUNTRIES) if self.uniform() < 0.6 else self.home
        event = self.payment(moment, int(SHOPS * self.uniform()), amount, country, self.uniform() < 0.8, True)
        return event, moment + self.wait(HOUR / 8 if self.spree else self.pause)


def payments(seed, cards, start):
    """events without end"""
    due = []
    for number in range(cards):
        card = Card(number, seed)
        heapq.heappush(due, (start + card.wait(card.pause), card.name, card))
    while True:
        moment, name, card = heapq.heappop(due)
        event, then = card.thief(moment) if card.spree else card.honest(moment)
        heapq.heappush(due, (then, name, card))
        yield event


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--payments", type=int, default=100)
    parser.add_argument("--cards", type=int, default=50)
    parser.add_argument("--start", type=int, default=START)
    parser.add_argument("--labels", action="store_true")
    options = parser.parse_args()
    feed = payments(options.seed, options.cards, options.start)
    for _ in range(options.payments):
        event = next(feed)
        if not options.labels:
            del event["stolen"]
        print(json.dumps(event, separators=(",", ":")))


if __name__ == "__main__":
    main()
