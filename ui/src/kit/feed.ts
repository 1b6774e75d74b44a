/** The one stream of live events: read, decoded, watched for silence. Knows nothing of a page. */

export interface Beat {
  /** Milliseconds since 1970 at the server. */
  now: number
  link: 'connected' | 'lost' | 'failed' | 'none'
  reason: string | null
  lag_messages: number
  /** Dirty messages of the last ten minutes. */
  rejected: number
}

/** What a page is told. Temperatures are degrees; NaN for a sensor that has said nothing yet. */
export type Told =
  | { kind: 'dict'; names: string[]; limits: number[] }
  | { kind: 'snap'; at: number; values: Float64Array<ArrayBuffer>; silent: number[] }
  | { kind: 't'; at: number; places: number[]; values: number[]; silent: number[] | null }
  | { kind: 'beat'; beat: Beat }
  | { kind: 'ver'; table: string; version: number }
  | { kind: 'link'; stale: boolean; since: number | null }

/** As much of an EventSource as is used. */
export interface Source {
  readonly readyState: number
  onerror: ((event: Event) => void) | null
  addEventListener(name: string, listener: (event: MessageEvent<string>) => void): void
  close(): void
}

const CLOSED = 2
/** The server beats every 5 s: this much silence is a lost link, whatever the socket says. */
const SILENCE_MS = 9_500
/** A link that is known to be broken and not back after this is told. */
const BROKEN_MS = 2_000
const CHECK_MS = 500
/** Wait before a stream the browser has given up is opened anew. */
const REOPEN_MS = 1_000

interface SaidDict {
  s: [name: string, unit: string, scale: number, limits: number[]][]
}
interface SaidValues {
  t: number
  i: number[]
  v: (number | null)[]
  q?: number[]
}

export class Feed {
  #tell: (told: Told) => void
  #open: (url: string) => Source
  #clock: () => number
  #url = ''
  #source: Source | null = null
  #check: ReturnType<typeof setInterval> | undefined
  #reopen: ReturnType<typeof setTimeout> | undefined

  #names: string[] = []
  #limits: number[] = []
  #scales: number[] = []
  #values = new Float64Array(0)
  #silent: number[] = []
  #at = 0
  #beat: Beat | null = null

  /** When anything was last heard, and when the link broke, by this side's clock. */
  #heard = 0
  #broken: number | null = null
  #stale = false
  /** Server time less this side's clock. */
  #skew: number | null = null

  constructor(
    tell: (told: Told) => void,
    open: (url: string) => Source = (url) => new EventSource(url),
    clock: () => number = () => performance.now(),
  ) {
    this.#tell = tell
    this.#open = open
    this.#clock = clock
  }

  start(url: string): void {
    if (this.#url === url && this.#source) return
    this.stop()
    this.#url = url
    this.#heard = this.#clock()
    this.#connect()
    this.#check = setInterval(() => this.check(), CHECK_MS)
  }

  stop(): void {
    clearInterval(this.#check)
    clearTimeout(this.#reopen)
    this.#source?.close()
    this.#source = null
  }

  /** All that is known, for a page that comes later. */
  known(): Told[] {
    const told: Told[] = [{ kind: 'link', stale: this.#stale, since: this.#since() }]
    if (this.#names.length > 0) {
      told.push(
        { kind: 'dict', names: this.#names, limits: this.#limits },
        { kind: 'snap', at: this.#at, values: this.#values.slice(), silent: this.#silent },
      )
    }
    if (this.#beat) told.push({ kind: 'beat', beat: this.#beat })
    return told
  }

  /** Tells when the link has been silent for too long. */
  check(): void {
    const now = this.#clock()
    const silent = now - this.#heard > SILENCE_MS
    const broken = this.#broken !== null && now - this.#broken > BROKEN_MS
    if ((silent || broken) && !this.#stale) {
      this.#stale = true
      this.#tell({ kind: 'link', stale: true, since: this.#since() })
    }
    // A socket that is open and says nothing may be dead without knowing it.
    if (silent && this.#source && this.#broken === null) this.#again()
  }

  #connect(): void {
    const source = this.#open(this.#url)
    this.#source = source
    const on = <T>(name: string, take: (said: T) => void) =>
      source.addEventListener(name, (event) => {
        if (this.#source !== source) return
        this.#hear()
        take(JSON.parse(event.data) as T)
      })
    on<{ now: number }>('hello', (said) => this.#setClock(said.now))
    on<SaidDict>('dict', (said) => this.#dict(said))
    on<SaidValues>('snap', (said) => this.#snap(said))
    on<SaidValues>('t', (said) => this.#changes(said))
    on<Beat>('hb', (said) => this.#takeBeat(said))
    on<{ table: string; v: number }>('ver', (said) =>
      this.#tell({ kind: 'ver', table: said.table, version: said.v }),
    )
    source.onerror = () => {
      if (this.#source !== source) return
      this.#broken ??= this.#clock()
      if (source.readyState === CLOSED) this.#again()
    }
  }

  #again(): void {
    this.#source?.close()
    this.#broken ??= this.#clock()
    clearTimeout(this.#reopen)
    this.#reopen = setTimeout(() => this.#connect(), REOPEN_MS)
  }

  #hear(): void {
    this.#heard = this.#clock()
    this.#broken = null
    if (!this.#stale) return
    this.#stale = false
    this.#tell({ kind: 'link', stale: false, since: null })
  }

  #setClock(now: number): void {
    this.#skew = now - this.#clock()
  }

  /** Server time at which anything was last heard. */
  #since(): number | null {
    return this.#stale && this.#skew !== null ? this.#heard + this.#skew : null
  }

  #dict(said: SaidDict): void {
    this.#names = said.s.map((one) => one[0])
    this.#scales = said.s.map((one) => one[2])
    this.#limits = said.s.map((one) => one[3][0] ?? Number.POSITIVE_INFINITY)
    const values = new Float64Array(this.#names.length).fill(Number.NaN)
    values.set(this.#values.subarray(0, values.length))
    this.#values = values
    this.#tell({ kind: 'dict', names: this.#names, limits: this.#limits })
  }

  #degrees(value: number | null | undefined, place: number): number {
    return value == null ? Number.NaN : value / (this.#scales[place] ?? 1)
  }

  #snap(said: SaidValues): void {
    this.#at = said.t
    this.#silent = said.q ?? []
    for (let place = 0; place < this.#values.length; place += 1) {
      this.#values[place] = this.#degrees(said.v[place], place)
    }
    const values = this.#values.slice()
    this.#tell({ kind: 'snap', at: said.t, values, silent: this.#silent })
  }

  #changes(said: SaidValues): void {
    this.#at = said.t
    if (said.q) this.#silent = said.q
    const values = said.i.map((place, nth) => this.#degrees(said.v[nth], place))
    said.i.forEach((place, nth) => {
      this.#values[place] = values[nth] ?? Number.NaN
    })
    this.#tell({ kind: 't', at: said.t, places: said.i, values, silent: said.q ?? null })
  }

  #takeBeat(beat: Beat): void {
    this.#setClock(beat.now)
    this.#beat = beat
    this.#tell({ kind: 'beat', beat })
  }
}

/** The stream of all temperatures at a rate. */
export const liveUrl = (hz: number): string => `/api/v1/live?topics=temps&hz=${hz}`
