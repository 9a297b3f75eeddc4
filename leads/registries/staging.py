"""Where do a list's numbers wait, until all of them are known and the list can take effect?

In bitmaps that no `RegistryArea` names yet. As many as fit stay in memory; lists come sorted, so that a part is
mostly written once, when the next begins.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Mapping

from pyroaring import BitMap

from leads.models import RegistryBitmap, RegistryLoad
from leads.registries.bitmaps import from_bytes, to_bytes
from leads.registries.formats import Batch

# Numbers in memory: at two bytes each at most.
MOST_HELD = 64_000_000


class Staging:
    """The parts of one list in the making. `base`: bitmaps that a change list starts from, by part."""

    def __init__(self, load: RegistryLoad, base: Mapping[str, int | None] | None = None) -> None:
        self.load = load
        self.base = base or {}
        self.counts: dict[str, int] = {}
        self._open: OrderedDict[str, BitMap] = OrderedDict()
        self._held = 0
        self._written: dict[str, int] = {}

    def apply(self, batch: Batch) -> None:
        for key, values in batch.added.items():
            self._change(key, values, add=True)
        for key, values in batch.removed.items():
            self._change(key, values, add=False)
        touched = batch.added.keys() | batch.removed.keys()
        while self._held > MOST_HELD and (oldest := next(iter(self._open))) not in touched:
            self._write(oldest)

    def finish(self) -> dict[str, tuple[int, int | None]]:
        """Write what is left: (numbers, id of the bitmap or None where there are none) of each part."""
        while self._open:
            self._write(next(iter(self._open)))
        return {key: (count, self._written.get(key)) for key, count in self.counts.items()}

    def _change(self, key: str, values: array[int], *, add: bool) -> None:
        bitmap = self._open.get(key)
        if bitmap is None:
            bitmap = self._open[key] = self._start(key)
        self._open.move_to_end(key)
        before = self.counts.get(key, 0)
        if add:
            bitmap |= BitMap(values)
        else:
            bitmap -= BitMap(values)
        self._open[key] = bitmap
        self.counts[key] = len(bitmap)
        self._held += len(bitmap) - before

    def _start(self, key: str) -> BitMap:
        """What there is of the part: written earlier on, or the list that changes are made to."""
        stored = self._written.get(key) or self.base.get(key)
        if stored is None:
            return BitMap()
        checksum, data = RegistryBitmap.objects.values_list("checksum", "data").get(pk=stored)
        bitmap = from_bytes(bytes(data), checksum)
        self._held += len(bitmap)
        self.counts[key] = len(bitmap)
        return bitmap

    def _write(self, key: str) -> None:
        bitmap = self._open.pop(key)
        self._held -= len(bitmap)
        if not bitmap:
            self._written.pop(key, None)
            return
        data, checksum = to_bytes(bitmap)
        row, _made = RegistryBitmap.objects.update_or_create(
            load=self.load, key=key, defaults={"count": len(bitmap), "checksum": checksum, "data": data}
        )
        self._written[key] = row.pk
