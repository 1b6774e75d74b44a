/** Where the page was scrolled to, for Back and Forward. */

/** A page that loads its data again gets its height within this time. */
const PATIENCE_MS = 3_000
/** What a person does to scroll; it ends the restoring. */
const SCROLLING = ['wheel', 'touchstart', 'keydown', 'pointerdown'] as const

const positionOf = (state: unknown): number =>
  typeof state === 'object' && state !== null && 'y' in state ? Number(state.y) || 0 : 0

/** Stores the position in the history entry that is left. */
export function storeScroll(): void {
  history.replaceState({ y: Math.round(scrollY) }, '')
}

let end = () => {}

/** Scrolls to the position of the history entry as soon as the page is high enough. */
export function restoreScroll(state: unknown): void {
  end()
  const y = positionOf(state)
  const until = performance.now() + PATIENCE_MS
  let isEnded = false
  end = () => {
    isEnded = true
    for (const kind of SCROLLING) removeEventListener(kind, end)
  }
  for (const kind of SCROLLING) addEventListener(kind, end, { passive: true })
  const attempt = () => {
    if (isEnded) return
    scrollTo(0, y)
    if (Math.abs(scrollY - y) <= 1 || performance.now() > until) end()
    else requestAnimationFrame(attempt)
  }
  requestAnimationFrame(attempt)
}
