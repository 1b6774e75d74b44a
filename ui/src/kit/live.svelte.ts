import { forget } from './api'
import { app } from './app.svelte'
import { type Beat, Feed, liveUrl, type Told } from './feed'
import type { Want } from './live.worker'

/** Called with the places that changed, or null when everything may have. */
type Draw = (places: readonly number[] | null) => void

/** Frames a second a page wants unless it says otherwise. */
const USUAL_HZ = 1
/** Without a worker the stream is closed this long after the page is hidden. */
const HIDDEN_MS = 60_000

/**
 * What the sensors say now. Values live in plain arrays and are drawn by those who watch: a number
 * that changes every second is no state of a component.
 */
class Live {
  names = $state.raw<readonly string[]>([])
  limits = $state.raw<readonly number[]>([])
  /** The stream says nothing: what is shown is old. */
  stale = $state(false)
  /** Server time, in milliseconds, at which it was last heard. */
  since = $state<number | null>(null)
  beat = $state.raw<Beat | null>(null)
  /** Event time of the newest frame, in milliseconds. */
  at = $state(0)

  values = new Float64Array(0)
  silent: ReadonlySet<number> = new Set()

  #draws = new Map<Draw, number>()
  #say: ((want: Want) => void) | undefined
  #skew: number | null = null

  /** Watches until the returned function is called. */
  watch(draw: Draw, hz = USUAL_HZ): () => void {
    this.#draws.set(draw, hz)
    this.#start()
    this.#want()
    return () => {
      this.#draws.delete(draw)
      this.#want()
    }
  }

  /** Time of the server in milliseconds, never that of this machine; null before it was heard. */
  now(): number | null {
    return this.#skew === null ? null : performance.now() + this.#skew
  }

  #start(): void {
    if (this.#say) return
    this.#say = 'SharedWorker' in window ? this.#shared() : this.#alone()
    document.addEventListener('visibilitychange', () => this.#want())
    addEventListener('pagehide', () => this.#say?.({ hz: null }))
    addEventListener('pageshow', () => this.#want())
  }

  #want(): void {
    const hz = document.hidden ? 0 : Math.max(0, ...this.#draws.values())
    this.#say?.({ hz })
  }

  #shared(): (want: Want) => void {
    const url = new URL('./live.worker.ts', import.meta.url)
    const { port } = new SharedWorker(url, { type: 'module', name: 'live' })
    port.onmessage = (message: MessageEvent<Told>) => this.#take(message.data)
    return (want) => port.postMessage(want)
  }

  #alone(): (want: Want) => void {
    const feed = new Feed((told) => this.#take(told))
    let hidden: ReturnType<typeof setTimeout> | undefined
    return ({ hz }) => {
      clearTimeout(hidden)
      if (hz) feed.start(liveUrl(hz))
      else hidden = setTimeout(() => feed.stop(), hz === null ? 0 : HIDDEN_MS)
    }
  }

  #take(told: Told): void {
    if (told.kind === 'dict') this.#dict(told.names, told.limits)
    else if (told.kind === 'snap') this.#snap(told.at, told.values, told.silent)
    else if (told.kind === 't') this.#changes(told.at, told.places, told.values, told.silent)
    else if (told.kind === 'beat') this.#beat(told.beat)
    else if (told.kind === 'link') this.#link(told.stale, told.since)
    else this.#version()
  }

  #dict(names: readonly string[], limits: readonly number[]): void {
    this.names = names
    this.limits = limits
    this.#grow(names.length)
    this.#draw(null)
  }

  #snap(at: number, values: Float64Array<ArrayBuffer>, silent: number[]): void {
    this.values = values
    this.#frame(at, silent, null)
  }

  #changes(at: number, places: number[], values: number[], silent: number[] | null): void {
    places.forEach((place, nth) => {
      this.values[place] = values[nth] ?? Number.NaN
    })
    this.#frame(at, silent, places)
  }

  #beat(beat: Beat): void {
    this.beat = beat
    this.#skew = beat.now - performance.now()
  }

  #link(stale: boolean, since: number | null): void {
    this.stale = stale
    this.since = since
    this.#draw(null)
  }

  /** A table has new rows: whatever was read of it is old. */
  #version(): void {
    forget()
    app.epoch += 1
  }

  #grow(length: number): void {
    const values = new Float64Array(length).fill(Number.NaN)
    values.set(this.values.subarray(0, length))
    this.values = values
  }

  #frame(at: number, silent: number[] | null, places: readonly number[] | null): void {
    this.at = at
    if (silent) this.silent = new Set(silent)
    this.#draw(silent ? null : places)
  }

  #draw(places: readonly number[] | null): void {
    for (const draw of this.#draws.keys()) draw(places)
  }
}

export const live = new Live()
