class Problems:
    """What is wrong, by kind, and of each kind the first few: one mistake can have a thousand consequences."""

    SHOWN = 5

    def __init__(self):
        self.found = {}

    def add(self, kind, text=""):
        self.found.setdefault(kind, []).append(text)

    def require(self, condition, kind, text=""):
        if not condition:
            self.add(kind, text() if callable(text) else text)
        return condition

    def lines(self):
        lines = []
        for kind, texts in self.found.items():
            lines.append(f"{kind} ({len(texts)} times)")
            lines += [f"    {text}" for text in texts[:self.SHOWN] if text]
        return lines
