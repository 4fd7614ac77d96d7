from dataclasses import dataclass, field
@dataclass
class RunUpdate:
    run_id: object; tenant_id: object; status: str; reason: str; finished_at: object; waiting_for: str
@dataclass
class StepRow:
    run_id: object; tenant_id: object; conversation_id: object; step: int; node: str; outcome: str; edge: object; detail: str; at: object
@dataclass
class CardChange:
    customer_id: object; tenant_id: object; add_tags: tuple; remove_tags: tuple; attributes: dict
@dataclass
class Progress:
    runs: dict = field(default_factory=dict); steps: list = field(default_factory=list); cards: list = field(default_factory=list)

    def __bool__(self): return bool(self.runs or self.steps or self.cards)
async def record_progress(db, progress): raise NotImplementedError
