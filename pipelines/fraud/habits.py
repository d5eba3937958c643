"""What a card is used to, as plain arithmetic: what the steps `habits` and `facts` of pipeline.yaml must give. train.py learns
from it, expect.py holds sluice against it. Every window is computed anew from the payments in it."""
import math, struct

HOUR, DAY = 3600000, 86400000
NAMES = ["amount", "count_1h", "sum_24h", "merchants_24h", "countries_24h", "unusual", "pause", "online", "costly"]


class Habits:
    """the payments of one card"""

    def __init__(self):
        self.payments = []

    def within(self, name, duration_ms):
        newest = max(payment["time_ms"] for payment in self.payments)
        return [payment[name] for payment in self.payments if newest - payment["time_ms"] < duration_ms]

    def add(self, event):
        """the features at this payment, by name"""
        before = self.payments[-1] if self.payments else None
        self.payments.append({**event, "shop": event["merchant"]["id"]})
        month = self.within("amount", 30 * DAY)
        middle = math.fsum(month) / len(month)
        spread = math.sqrt(math.fsum((amount - middle) ** 2 for amount in month) / (len(month) - 1)) if len(month) > 1 else math.nan
        return {
            "amount": event["amount"],
            "count_1h": float(len(self.within("amount", HOUR))),
            "sum_24h": math.fsum(self.within("amount", DAY)),
            "merchants_24h": float(len(set(self.within("shop", DAY)))),
            "countries_24h": float(len(set(self.within("country", DAY)))),
            "unusual": 0.0 if math.isnan(spread) else (event["amount"] - middle) / max(spread, 1.0),
            "pause": (event["time_ms"] - before["time_ms"]) / 1000 if before else 1e6,
            "online": float(event["channel"] == "online"),
            "costly": float(event["merchant"]["category"] in ("travel", "electronics", "cash")),
        }


def habits_of(events):
    """(event, features) of each event in turn; features are None where there is nothing to pay"""
    cards = {}
    for event in events:
        yield event, cards.setdefault(event["card"], Habits()).add(event) if event["amount"] > 0 else None


def forest_says(forest, row):
    """how likely it is that the payment is stolen: the mean of what the leaves say, by 32-bit comparisons as in training"""
    row = [struct.unpack("f", struct.pack("f", value))[0] for value in row]
    total = 0.0
    for tree in forest["trees"]:
        node = 0
        while tree["feature"][node] >= 0:
            left = row[tree["feature"][node]] <= tree["threshold"][node]
            node = tree["left"][node] if left else tree["right"][node]
        total += tree["value"][node][1]
    return total / len(forest["trees"])
