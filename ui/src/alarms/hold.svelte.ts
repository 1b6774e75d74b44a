/** Without a movement or a key press, the order of the list is released after this time. */
const IDLE_MS = 60_000

/** Whether the order of the list is held, because a person works in it. */
export class Hold {
  /** Counts releases by hand. */
  releases = $state(0)
  #isPointerInside = $state(false)
  #hasFocus = $state(false)
  #touched_ms = $state(0)
  #now: () => number

  /** `now` returns a time that advances while the page is shown, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  get isHeld(): boolean {
    const isIdle = this.#now() - this.#touched_ms > IDLE_MS
    return (this.#isPointerInside || this.#hasFocus) && !isIdle
  }

  touch(): void {
    this.#touched_ms = this.#now()
  }

  enter(): void {
    this.#isPointerInside = true
    this.touch()
  }

  leave(): void {
    this.#isPointerInside = false
  }

  focus(): void {
    this.#hasFocus = true
    this.touch()
  }

  /** The focus leaves an element; the list keeps it if the next element is in the list too. */
  blur(event: FocusEvent): void {
    const list = event.currentTarget as HTMLElement
    if (!list.contains(event.relatedTarget as Node | null)) this.#hasFocus = false
  }

  /** Arranges the rows again, although the order is held. */
  release(): void {
    this.releases += 1
  }
}
