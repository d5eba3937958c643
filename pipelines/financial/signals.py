"""The features of a tick as plain arithmetic: what the steps `data-preprocessor` and `feature-engineer` of pipeline.yaml
must give. train.py learns from these, expect.py holds sluice against them. Every window is computed anew from its values,
so nothing here can be wrong in the way in which an incremental engine can."""
import math

NAN = math.nan
NAMES = ["spread", "imbalance", "ret", "vol", "drift", "stretch", "rsi14", "lean", "flow", "gap", "pace"]


def mean(values):
    return math.fsum(values) / len(values) if values else NAN


def deviation(values):
    """of a sample"""
    if len(values) < 2:
        return NAN
    middle = mean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


def ratio(above, below):
    return above / below if below else NAN


def prepared(event):
    """a tick without a past; None: its book is crossed"""
    quote, trade = event["quote"], event.get("trade", {})
    if not quote["ask"] > quote["bid"]:
        return None
    mid = (quote["bid"] + quote["ask"]) / 2
    bids, asks = min(quote["bid_size"], 100000), min(quote["ask_size"], 100000)
    volume = trade.get("volume", 0)
    return {
        "time": event["event_ms"],
        "mid": mid,
        "volume": volume,
        "signed": {"buy": volume, "sell": -volume}.get(trade.get("side"), 0),
        "spread": (quote["ask"] - quote["bid"]) / mid * 1e4,
        "imbalance": (bids - asks) / (bids + asks),
    }


class History:
    """the ticks of one symbol, and what they come to"""

    def __init__(self):
        self.ticks, self.gain, self.loss = [], 0.0, 0.0

    def over(self, name, messages):
        """the last so many values, those left out that are not there; None while it warms up"""
        if len(self.ticks) < messages:
            return None
        return [tick[name] for tick in self.ticks[-messages:] if not math.isnan(tick[name])]

    def within(self, name, duration_ms):
        newest = max(tick["time"] for tick in self.ticks[-400:])
        return [tick[name] for tick in self.ticks[-400:] if newest - tick["time"] < duration_ms]

    def rsi(self, span):
        """Wilder's: begun with the mean of the first changes, then the newest weighs 1 / span"""
        change = self.ticks[-1]["mid"] - self.ticks[-2]["mid"] if len(self.ticks) > 1 else 0.0
        up, down, seen = max(change, 0.0), max(-change, 0.0), len(self.ticks) - 1
        if seen <= span:
            self.gain, self.loss = self.gain + up / span, self.loss + down / span
        else:
            self.gain, self.loss = (self.gain * (span - 1) + up) / span, (self.loss * (span - 1) + down) / span
        if seen < span:
            return NAN
        return 100 * self.gain / (self.gain + self.loss) if self.gain + self.loss else 50.0

    def add(self, tick):
        """the features at this tick, by name"""
        before = self.ticks[-1] if self.ticks else None
        tick["ret"] = math.log(tick["mid"] / before["mid"]) * 1e4 if before else NAN
        self.ticks.append(tick)
        mids, volumes = self.over("mid", 20), self.over("volume", 20)
        features = {
            "spread": tick["spread"],
            "imbalance": tick["imbalance"],
            "ret": tick["ret"],
            "vol": deviation(self.over("ret", 20) or []),
            "drift": mean(self.over("ret", 5) or []),
            "stretch": (tick["mid"] - mean(mids)) / max(deviation(mids), 0.005) if mids else NAN,
            "rsi14": self.rsi(14),
            "lean": mean(self.over("imbalance", 5) or []),
            "flow": math.fsum(self.within("signed", 10000)) / max(math.fsum(self.within("volume", 10000)), 1),
            "gap": NAN,
            "pace": float(len(self.within("mid", 10000))),
        }
        if mids and sum(volumes):
            price = math.fsum(mid * volume for mid, volume in zip(mids, volumes)) / sum(volumes)
            features["gap"] = (tick["mid"] - price) / tick["mid"] * 1e4
        return features


def features_of(events):
    """(event, tick, features) of each event in turn; tick and features are None where the book is crossed"""
    histories = {}
    for event in events:
        tick = prepared(event)
        if tick is None:
            yield event, None, None
            continue
        yield event, tick, histories.setdefault(event["instrument"]["symbol"], History()).add(tick)
