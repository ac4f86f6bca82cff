"""Money: what an hour costs, and what was spent."""

from collections.abc import Sequence

from pawn_lab.lab.workspace import OpenWorkspace
from pawn_lab.records import CostReport, Spent
from pawn_lab.reporting import cost
from pawn_lab.store import leases


class Spending(OpenWorkspace):
    """Calls about the cost of device-time."""

    def set_cost(self, cost_per_hour: float) -> CostReport:
        """Set what the whole machine costs an hour from now on.

        Raises:
            InvalidRequestError: not a number from 0 to 100,000.
        """
        with self._database.write() as tx:
            cost.set_rate(tx, cost_per_hour, len(self._devices))
        return self.cost()

    def cost(self) -> CostReport:
        """Return the money spent on the device-time that trials held."""
        self.tick()
        with self._database.read() as tx:
            return cost.report(tx, len(self._devices))

    def spent(self, trial_id: int, moments: Sequence[float]) -> list[Spent]:
        """Return the device-hours and the money that a trial had taken at each moment."""
        with self._database.read() as tx:
            return cost.spent(tx, leases.history(tx, trial_id), moments)
