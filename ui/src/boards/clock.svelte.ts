import { live } from '../kit/live.svelte'

/** Ages are shown in minutes after the first. */
const TICK_MS = 5_000

/** The time of the server, renewed for the ages of tiles. */
export class ServerClock {
  now_ms = $state(live.now() ?? Date.now())

  constructor() {
    $effect(() => {
      const timer = setInterval(() => {
        this.now_ms = live.now() ?? Date.now()
      }, TICK_MS)
      return () => clearInterval(timer)
    })
  }
}
