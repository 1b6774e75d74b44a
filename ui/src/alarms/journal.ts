/** The rows of the journal page: the newest page, which is read again, and older pages below it. */
import type { AlarmEvent } from './alarm'
import type { JournalPage } from './api'

/** Entries without a gap, the newest first. */
export interface JournalRows {
  events: readonly AlarmEvent[]
  /** Entries before this number are not loaded; null if there are none. */
  next_before: number | null
}

/**
 * The rows after the newest page was read again: loaded older entries stay. If entries between the page
 * and them are missing, because more than a page was added, only the page is left.
 */
export function refreshed(rows: JournalRows, page: JournalPage): JournalRows {
  const oldest = page.events.at(-1)
  const newest = rows.events[0]
  const isAdjacent = oldest && newest && page.next_before !== null && oldest.number <= newest.number
  if (!isAdjacent) return page
  const older = rows.events.filter((event) => event.number < oldest.number)
  if (older.length === 0) return page
  return { events: [...page.events, ...older], next_before: rows.next_before }
}

/** The rows with the next older page. */
export const extended = (rows: JournalRows, page: JournalPage): JournalRows => ({
  events: [...rows.events, ...page.events],
  next_before: page.next_before,
})
