import { PeriodState } from '../kit/period.svelte'
import { Resource } from '../kit/resource.svelte'
import { type Board, type BoardPeriod, type BoardRows, boardApi } from './api'

/** The rows of a board for the time that the page shows. They follow changes of its tables and of its file. */
export class BoardData {
  readonly periods: PeriodState
  readonly rows: Resource<BoardRows>

  constructor(board: () => Board, time: Board['time']) {
    const hasTime = () => board().has_time
    this.periods = new PeriodState(time, hasTime)
    this.rows = new Resource(() => {
      // A changed file has other tiles.
      const { name, revision } = board()
      const period = this.#period(hasTime())
      return period === undefined || revision === '' ? null : () => boardApi.rows(name, period)
    })
  }

  /** The period to request; null for the newest day, which the server finds, and undefined while it is not known. */
  #period(hasTime: boolean): BoardPeriod | null | undefined {
    const { wanted, period, isEmpty, error } = this.periods
    const isLive = wanted.kind === 'choice' && wanted.choice === 'live'
    if (!hasTime || isLive || isEmpty || error) return null
    return period ?? undefined
  }
}
